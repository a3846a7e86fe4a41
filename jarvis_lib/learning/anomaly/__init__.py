"""Is this reading of a metric strange, given all readings before it? Pure, causal, cheap; it knows nothing of stores, tasks or clocks.

    found = detect(times, values)            a whole series; found.score, found.alarm, found.pvalues, found.why(i), one per row in order
    detector = Detector()
    point = detector.feed(at, value)         one reading after the other; the same answers

What it promises. Row i is judged by rows up to i only: a prefix of a series gives the same scores, bit for bit, and so does feeding. The past is the
series' own; nothing is kept between runs and nothing needs to be trained. Times are naive or aware datetimes (hours are those of their own zone),
datetime64, or seconds since 1970. A row without a finite number, or not newer than the newest row before (a duplicate, a clock that went back), is
scored 0 without an alarm and changes nothing; missing rows are a gap. Steps may change. A constant series is never strange, three points neither.

How. Seven cheap scores (`estimators`: the reading, the time of the day, the level, a shift, a jump, a flat line, a gap) and, with `boosted`, the error
of a boosted one-step forecast, each become an online conformal p-value (`scores`, `tails`). Three of them rank how new a row is; what stands out of
the last rows keeps a high score, all else a low one (`incidents`). Three decide about alarms: their mean must be rarer than `budget_per_week` false
alarms allow, one alarm per incident. `feedback` lowers what looks like alarms that the person dismissed.

score: 0 to 1. 0.5 and more is a peak that is worth a mark, at most 0.4 is no peak. It ranks over many series with one threshold.
alarm: worth a person's minute. The budget counts as exchangeable readings would; real series that change their habits cost more.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jarvis_lib.learning.anomaly.engine import Engine
from jarvis_lib.learning.anomaly.feedback import Feedback, fit_feedback
from jarvis_lib.learning.anomaly.incidents import NOTABLE
from jarvis_lib.learning.anomaly.readings import Bools, Floats, Times, clocks, numbers, usable
from jarvis_lib.learning.anomaly.scores import NAMES
from jarvis_lib.learning.anomaly.sentences import NO_NUMBER, NO_PAST, TOO_OLD, clause
from jarvis_lib.learning.anomaly.tails import LEAST

__all__ = ["NAMES", "NOTABLE", "Detected", "Detector", "Feedback", "Point", "detect", "fit_feedback"]


@dataclass(frozen=True, slots=True)
class Point:
    """One reading: how strange (0 to 1, 1 = most), whether to tell the person, and a clause that names its rarest score."""

    score: float
    alarm: bool
    why: str


@dataclass(frozen=True, slots=True)
class Detected:
    """A series, row for row: `score`, `alarm`, and `pvalues` (row, estimator) in the order of `estimators`; 1.0 where a score says nothing."""

    score: Floats
    alarm: Bools
    pvalues: Floats
    estimators: tuple[str, ...]
    _raw: Floats = field(repr=False)
    _wall: Floats = field(repr=False)
    _usable: Bools = field(repr=False)
    _number: Bools = field(repr=False)

    def why(self, i: int) -> str:
        """One short clause about row `i`: its rarest raw score, or that it is as usual."""
        if not self._usable[i]:
            return TOO_OLD if self._number[i] else NO_NUMBER
        before = int(self._usable[: range(len(self.score))[i]].sum())
        return _why(self.pvalues[i], self._raw[i], float(self._wall[i]), before)


class Detector:
    """Reads one series as it comes. After `feed`, `pvalues` holds the p-values of that reading, for `fit_feedback` later."""

    def __init__(self, *, budget_per_week: float = 1.0, seed: int = 0, feedback: Feedback | None = None, boosted: bool = False) -> None:
        """`budget_per_week`: false alarms that are welcome. `boosted` adds the slow forecaster, which `seed` is for."""
        self._engine = _engine(budget_per_week, seed, feedback, boosted)
        self._newest, self._read = -np.inf, 0
        self.pvalues: Floats = np.ones(len(NAMES))

    def feed(self, at: datetime | np.datetime64 | float, value: float | None) -> Point:
        """Judge one reading and learn from it. One that is no number, or not newer than the last, gets score 0 and no alarm and changes nothing."""
        seconds, wall = clocks([at] if isinstance(at, datetime) else np.asarray([at]))
        read = numbers([value])
        self.pvalues = np.ones(len(NAMES))
        if not usable(seconds, read, newest=self._newest)[0]:
            return Point(0.0, False, TOO_OLD if np.isfinite(read[0]) else NO_NUMBER)
        self._newest = float(seconds[0])
        block = self._engine.take(seconds, wall, read)
        self.pvalues = block.pvalues[:, 0]
        self._read += 1
        return Point(float(block.score[0]), bool(block.alarm[0]), _why(self.pvalues, block.raw[:, 0], float(wall[0]), self._read - 1))


def detect(
    times: Times,
    values: Sequence[float | None] | NDArray[Any],
    *,
    budget_per_week: float = 1.0,
    seed: int = 0,
    feedback: Feedback | None = None,
    boosted: bool = False,
) -> Detected:
    """Judge each row of a series by the rows up to it. The answers are in the order of the rows, and those of `Detector` fed with them."""
    if len(times) != len(values):
        raise ValueError(f"Each reading needs one time: {len(times)} times, {len(values)} values.")
    engine = _engine(budget_per_week, seed, feedback, boosted)
    seconds, wall = clocks(times)
    read = numbers(values)
    fine = usable(seconds, read)
    n = len(read)
    score, alarm, pvalues, raw = np.zeros(n), np.zeros(n, dtype=np.bool_), np.ones((n, len(NAMES))), np.full((n, len(NAMES)), np.nan)
    if fine.any():
        block = engine.take(seconds[fine], wall[fine], read[fine])
        score[fine], alarm[fine], pvalues[fine], raw[fine] = block.score, block.alarm, block.pvalues.T, block.raw.T
    return Detected(score, alarm, pvalues, NAMES, raw, wall, fine, np.isfinite(read))


def _engine(budget_per_week: float, seed: int, feedback: Feedback | None, boosted: bool) -> Engine:
    if not 0 < budget_per_week < np.inf:
        raise ValueError(f"A budget of false alarms per week is a number above 0, not {budget_per_week}.")
    if feedback is not None and len(feedback.weights) != len(NAMES):
        raise ValueError(f"This feedback was learned from {len(feedback.weights)} scores and there are {len(NAMES)}; learn it anew.")
    return Engine(budget_per_week=budget_per_week, seed=seed, feedback=feedback, boosted=boosted)


def _why(pvalues: Floats, raw: Floats, wall: float, before: int) -> str:
    return NO_PAST if before < LEAST else clause(pvalues, raw, wall)
