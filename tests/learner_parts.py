"""Learners so simple that a test can say what they must answer: a straight line with a known error, and an alarm at a jump of one."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from jarvis_lib.problem_predictor.learners import Learners


@dataclass(frozen=True)
class Hit:
    """Crosses after `h` hours give or take a fifth, with probability `p_hit`."""

    h: float | None
    p_hit: float
    already: bool = False
    estimator: str = "straight line"
    weights: dict[str, float] = field(default_factory=lambda: {"straight line": 1.0})

    def p_within(self, hours: float) -> float:
        return self.p_hit if self.h is not None and hours >= self.h else 0.0

    def quantile(self, q: float) -> float | None:
        return None if self.h is None or q > self.p_hit else self.h * (0.8 + 0.4 * q)

    def said(self, name: str) -> str:
        return f"{name} in {self.h:.0f} h" if self.h is not None and self.p_hit >= 0.1 else "no crossing in sight"


def linear(times: Any, values: Any, *, threshold: float, now: Any, days: float = 30.0, falling: bool = False) -> float | None:
    hours = (times - times[-1]).astype("timedelta64[s]").astype(float) / 3600
    if len(values) < 3:
        return None
    slope = float(np.polyfit(hours, values, 1)[0])
    left = (threshold - float(values[-1])) / slope if slope else math.inf
    return left if 0 <= left < 1e6 else None


def forecast(
    times: Any, values: Any, *, threshold: float, now: Any, horizon: Any, seed: int, falling: bool = False, past: Any = (), boosted: bool = True
) -> Hit:
    if (values[-1] <= threshold) if falling else (values[-1] >= threshold):
        return Hit(0.0, 1.0, already=True)
    h = linear(times, values, threshold=threshold, now=now)
    return Hit(h, 0.9) if h is not None and h <= horizon.total_seconds() / 3600 else Hit(None, 0.02)


@dataclass(frozen=True)
class Detected:
    score: Any
    alarm: Any
    pvalues: Any
    estimators: tuple[str, ...] = ("jump", "level")

    def why(self, i: int) -> str:
        return "jumped by more than one in one step"


def detect(times: Any, values: Any, *, budget_per_week: float = 1.0, seed: int = 0, feedback: Any = None, boosted: bool = True) -> Detected:
    jump = np.abs(np.diff(values, prepend=values[:1]))
    score = np.clip(jump, 0, 1)
    alarm = jump > 1
    return Detected(
        score, alarm if feedback is None or feedback.share > 0.2 else alarm & False, np.stack([1 - score * 0.99, np.full(len(values), 0.5)], axis=1)
    )


@dataclass(frozen=True)
class Taught:
    """All alarms are as likely real as those that it was taught by."""

    share: float

    def real(self, pvalues: Any) -> float:
        return self.share


def fit_feedback(rows: Sequence[Any], real: Sequence[bool]) -> Any:
    return Taught(sum(real) / len(real)) if len(real) >= 8 and len(set(real)) == 2 else None


def simple() -> Learners:
    """The learners of these tests."""
    return Learners(detect, fit_feedback, forecast, linear, lambda *words: words)
