"""The two members of a forecast: the block bootstrap, whose paths are counted, and boosted quantiles of the time that such gaps took before.

Both answer with a curve on the same hours. Each is fitted to what was known at a row of the history, so that a backtest can ask them in the past.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from jarvis_lib.learning.capacity.chances import proper
from jarvis_lib.learning.capacity.history import Floats, Steps
from jarvis_lib.learning.capacity.paths import SMEAR, passages, spread_of

BOOTSTRAP, BOOSTED = "block bootstrap", "boosted quantiles"
BOOSTED_FROM = 120
"""Steps of history from which trees are tried."""
TAUS = (0.1, 0.5, 0.9)
TREES, RATE, ORIGINS = 30, 0.13, 100
MULTIPLES = (0.4, 1.0, 2.5)
"""Gaps that trees learn from, as multiples of the one that is asked for."""
WINDOWS = (1, 4, 13, 52)
"""In blocks of seven steps: how fast it rose lately, and long before."""
_LOGISTIC = np.sqrt(3) / np.pi


def bootstrap(known: Steps, gap: float, hours: Floats, *, rng: np.random.Generator, paths: int) -> Floats:
    """P(risen by `gap` within `hours`), from so many paths; each hour of a path stands for a spread around it."""
    took = passages(known, gap, known.until(hours[-1]), rng=rng, paths=paths)
    took = took[np.isfinite(took)]
    if not len(took):
        return np.zeros(len(hours))
    spread = spread_of(took, len(known.values) - 1)
    far = (np.log(hours)[:, None] - np.log(np.maximum(took * known.step - known.stale, known.seen))) / (spread * _LOGISTIC)
    return proper((1 / (1 + np.exp(-np.clip(far, -40, 40)))).sum(axis=1) / paths)


@dataclass(frozen=True, slots=True)
class Trees:
    """Fitted quantiles of ln(steps). Beyond `reach` steps nothing was learned."""

    models: tuple[Any, ...]
    reach: float

    def curve(self, known: Steps, gap: float, hours: Floats, tail: Floats) -> Floats:
        """P(crossed within `hours`): the fitted quantiles, as much wider as paths are, on the logistic scale; beyond the reach it goes on like `tail`."""
        row = _features(known.values, np.array([len(known.values) - 1]), np.array([gap]))
        logs = np.sort([float(m.predict(row)[0]) for m in self.models])
        scores = np.log(np.array(TAUS) / (1 - np.array(TAUS)))
        logs = logs[1] + np.sign(scores) * np.hypot(logs - logs[1], SMEAR * _LOGISTIC * scores)
        at = np.log((hours + known.stale) / known.step)
        low, high = (scores[1] - scores[0]) / (logs[1] - logs[0]), (scores[2] - scores[1]) / (logs[2] - logs[1])
        score = np.interp(at, logs, scores) + np.minimum(at - logs[0], 0) * low + np.maximum(at - logs[-1], 0) * high
        own = 1 / (1 + np.exp(-np.clip(score, -40, 40)))
        last = int(np.searchsorted(at, np.log(self.reach), side="right")) - 1
        if last < 0:
            return tail
        if last < len(hours) - 1:
            left = (1 - tail[last + 1 :]) / max(1 - tail[last], 1e-9)
            own = np.concatenate([own[: last + 1], 1 - (1 - own[last]) * np.minimum(left, 1)])
        return proper(own)


def trees(known: Steps, gap: float, steps: int, *, seed: int) -> Trees | None:
    """Learn from all rows of the history how long such a gap took from there. None where too little happened.

    Rows near the end were followed for a short time only: a crossing that needed t steps counts by how many rows were followed as long as t,
    and what did not cross counts where it was followed to the reach.
    """
    from sklearn.ensemble import GradientBoostingRegressor

    values = known.values
    n = len(values)
    if n < BOOSTED_FROM:
        return None
    reach = min(steps, n // 2)
    rows = np.unique(np.linspace(min(28, n // 4), n - 2, ORIGINS).astype(np.int64))
    scale = _scales(values)
    ahead = np.minimum(rows[:, None] + np.arange(1, reach + 1), n - 1)
    risen = np.maximum.accumulate(values[ahead], axis=1) - values[rows, None]
    followed = np.minimum(n - 1 - rows, reach)
    at, gaps, took, weight = [], [], [], []
    for multiple in MULTIPLES:
        wanted = gap * multiple * scale[rows] / scale[-1]
        first = (risen < wanted[:, None]).sum(axis=1) + 1.0
        crossed = first <= followed
        counted = crossed | (followed == reach)
        first = np.where(crossed, first, 2.0 * reach)
        share = (followed[None, :] >= np.minimum(first, reach)[:, None]).mean(axis=1)
        at.append(rows[counted])
        gaps.append(wanted[counted])
        took.append(np.log(first[counted]))
        weight.append(1 / share[counted])
    target = np.concatenate(took)
    if len(target) < 40 or (target < np.log(reach)).mean() < 0.05:
        return None
    features = _features(values, np.concatenate(at), np.concatenate(gaps))
    grown = {"n_estimators": TREES, "learning_rate": RATE, "max_depth": 2, "min_samples_leaf": 15, "subsample": 0.7, "random_state": seed}
    models = [GradientBoostingRegressor(loss="quantile", alpha=tau, **grown) for tau in TAUS]
    return Trees(tuple(m.fit(features, target, sample_weight=np.concatenate(weight)) for m in models), float(reach))


def until(known: Steps, row: int) -> Steps:
    """What was known when the value of `row` had just been seen."""
    return replace(known, values=known.values[: row + 1], stale=0.0)


def _scales(values: Floats) -> Floats:
    """What a gap is measured by at each row: the level, where all levels are positive, else nothing."""
    return values if values.min() > 0 else np.ones(len(values))


def _features(values: Floats, rows: np.ndarray, gaps: Floats) -> Floats:
    """For each row, from the past only: steps that the gap takes at the pace of each window, the largest rise in it, how long it stood still."""
    moves = np.diff(values, prepend=values[0])
    columns = []
    for weeks in WINDOWS:
        span = np.minimum(7 * weeks, np.maximum(rows, 1))
        pace = (values[rows] - values[rows - np.minimum(span, rows)]) / span
        columns.append(np.log(np.clip(gaps / np.maximum(pace, 1e-300), 0.1, 1e5)))
    largest = np.maximum.accumulate(moves)
    columns.append(np.log(np.clip(gaps / np.maximum(largest[rows], 1e-300), 1e-3, 1e4)))
    moved = np.maximum.accumulate(np.where(moves != 0, np.arange(len(moves)), 0))
    columns.append(np.log1p(rows - moved[rows]))
    busy = np.cumsum(moves != 0)
    columns.append(np.log1p(busy[rows] - busy[np.maximum(rows - 30, 0)]))
    columns.append(np.log(gaps / max(float(np.abs(values).max()), 1e-300)))
    return np.column_stack(columns)
