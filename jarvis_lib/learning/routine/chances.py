"""How likely does a type come today? A frequency that forgets, a pooled logistic and pooled boosted trees, weighted by how each would have done.

One row is one type on one day; all types of all persons are learned together, each through its own figures (`traces`). The weights come from a
rolling backtest: what was learned before the newest months forecasts them, and half of each weight is the plain mean of the two models.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jarvis_lib.learning.routine.days import Diary, Floats
from jarvis_lib.learning.routine.traces import Traces

COLD_DAYS = 60
"""Days that a person's history needs before the pooled models speak about it."""
LEAST_ROWS, LEAST_HITS = 400, 40
"""What there must be to learn from at all."""
MOST_ROWS = 60_000
"""The newest rows that are learned from."""
AFTER_LAST = 28
"""Days after a person's last event that still are learned from; who has left teaches nothing."""
TESTED_DAYS = 182
"""Length of the backtest."""
EVEN = (0.0, 0.5, 0.5)
"""Weights of frequency, logistic and boosted trees before a backtest has spoken."""
ALONE, BLENDED = "weekday frequency", "logistic + boosted trees"


@dataclass(frozen=True, slots=True)
class Rows:
    """What can be learned: one row per type and day, ordered by day; `day` is an ordinal."""

    day: NDArray[np.int64]
    figures: NDArray[np.float32]
    frequency: Floats
    came: NDArray[np.bool_]

    def where(self, chosen: NDArray[np.bool_]) -> "Rows":
        """The chosen rows alone, in their order."""
        return Rows(self.day[chosen], self.figures[chosen], self.frequency[chosen], self.came[chosen])

    @property
    def enough(self) -> bool:
        """Whether a model can be fitted: LEAST_ROWS of them, with days on which it came and others."""
        return len(self.day) >= LEAST_ROWS and LEAST_HITS <= int(self.came.sum()) < len(self.day)


@dataclass(frozen=True, slots=True)
class Chances:
    """Estimators that learned from the days before `cut`; `weights` of frequency, logistic and boosted trees."""

    cut: int
    weights: tuple[float, float, float]
    models: tuple[Any, Any] | None

    def __call__(self, figures: NDArray[np.float32], frequency: Floats) -> Floats:
        """The probability of each row."""
        if self.models is None:
            return frequency
        said = [frequency, *(_ask(m, figures) for m in self.models)]
        return np.asarray(np.clip(sum(w * p for w, p in zip(self.weights, said, strict=True)), 0.0, 1.0), dtype=np.float64)


def learn(own: Sequence[tuple[Diary, Traces]], *, cut: int, seed: int) -> Chances:
    """What the days before `cut` (an ordinal) teach. With too few of them only the frequency speaks."""
    rows = _rows(own, cut)
    if not rows.enough:
        return Chances(cut, (1.0, 0.0, 0.0), None)
    return Chances(cut, _weights(rows, cut, seed), _fit(rows, seed))


def _rows(own: Sequence[tuple[Diary, Traces]], cut: int) -> Rows:
    parts = []
    for diary, traced in own:
        days = np.flatnonzero(diary.count[: max(cut - diary.first, 0)].sum(axis=1) > 0)
        until = min(cut - diary.first, diary.seen, days[-1] + AFTER_LAST) if len(days) else 0
        if until > 0:
            day, kind = np.nonzero(np.arange(until)[:, None] > diary.begins)
            parts.append(Rows(day + diary.first, traced.figures[day, kind], traced.frequency[day, kind], diary.count[day, kind] > 0))
    if not parts:
        return Rows(np.empty(0, np.int64), np.empty((0, 0), np.float32), np.empty(0), np.empty(0, np.bool_))
    joined = [np.concatenate([getattr(p, name) for p in parts]) for name in ("day", "figures", "frequency", "came")]
    newest = np.argsort(joined[0], kind="stable")[-MOST_ROWS:]
    return Rows(*(values[newest] for values in joined))


def _weights(rows: Rows, cut: int, seed: int) -> tuple[float, float, float]:
    before, after = rows.where(rows.day < cut - TESTED_DAYS), rows.where(rows.day >= cut - TESTED_DAYS)
    if not before.enough or int(after.came.sum()) < LEAST_HITS:
        return EVEN
    said = np.stack([after.frequency, *(_ask(m, after.figures) for m in _fit(before, seed))])
    tried = [(a / 10, b / 10, (10 - a - b) / 10) for a, b in product(range(11), repeat=2) if a + b <= 10]
    best = min(tried, key=lambda w: float(((np.array(w) @ said - after.came) ** 2).mean()))
    a, b, c = ((own + even) / 2 for own, even in zip(best, EVEN, strict=True))
    return a, b, c


def _fit(rows: Rows, seed: int) -> tuple[Any, Any]:
    """Logistic and boosted trees. One thread: on a shared machine several wait for each other most of the time."""
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from threadpoolctl import threadpool_limits

    line = make_pipeline(StandardScaler(), LogisticRegression(C=0.02, max_iter=400))
    trees = HistGradientBoostingClassifier(
        max_iter=200,
        learning_rate=0.04,
        max_leaf_nodes=15,
        min_samples_leaf=60,
        l2_regularization=5.0,
        max_features=0.25,
        early_stopping=False,
        random_state=seed,
    )
    with threadpool_limits(1):
        return line.fit(rows.figures.astype(np.float64), rows.came), trees.fit(rows.figures, rows.came)


def _ask(model: Any, figures: NDArray[np.float32]) -> Floats:
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1):
        return np.asarray(model.predict_proba(figures)[:, 1], dtype=np.float64)
