"""How far off is an estimate, as a whole distribution? Three levels: what holds for everybody, for tasks of this size and kind, and boosted trees.

A distribution is the values of ln(actual / estimate) at the probabilities of GRID. A group that has few tasks of its own is pulled towards
the group around it: WEIGHT tasks' worth. The innermost is the prior.
"""

from collections.abc import Callable
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from jarvis_lib.learning.effort.history import WORDS, Asked, Floats, History, Ints
from jarvis_lib.model.plan import USUAL

GRID: Floats = np.array([0.005, 0.01, 0.025, *np.arange(0.05, 0.96, 0.05).round(2), 0.975, 0.99, 0.995])
"""Probabilities at which a distribution is kept."""
SCORES: Floats = np.array([NormalDist().inv_cdf(p) for p in GRID])
"""The same as standard normal scores."""
SHOWN = {"p10": 0.1, "p50": 0.5, "p80": 0.8, "p90": 0.9}
SHOWN_AT = [int(np.argmin(np.abs(GRID - p))) for p in SHOWN.values()]
PRIOR = USUAL
WEIGHT = 15.0
"""A group's own distribution counts as much as the one around it when it has so many tasks."""
BUCKETS, IN_A_BUCKET = 16, 15
"""At most so many size buckets, each with at least so many tasks."""
BOOSTED_FROM = 200
"""Own tasks from which boosted trees are tried."""

Level = Callable[[Asked], Floats]
"""A fitted level: tasks -> one distribution for each, as rows."""


def prior() -> Floats:
    """What holds for everybody, on GRID: straight lines between the known points on the normal scale, and on beyond them."""
    known = [NormalDist().inv_cdf(p) for p in PRIOR]
    values = [float(np.log(v)) for v in PRIOR.values()]
    inside = np.interp(SCORES, known, values)
    low, high = (values[1] - values[0]) / (known[1] - known[0]), (values[-1] - values[-2]) / (known[-1] - known[-2])
    below, above = np.minimum(SCORES - known[0], 0) * low, np.maximum(SCORES - known[-1], 0) * high
    return np.asarray(inside + below + above, dtype=np.float64)


def quantiles(values: Floats, weights: Floats, at: Floats = GRID) -> Floats:
    """Weighted quantiles, linear between the middles of the values' shares."""
    order = np.argsort(values, kind="stable")
    own = weights[order]
    reached = (np.cumsum(own) - own / 2) / own.sum()
    return np.asarray(np.interp(at, reached, values[order]), dtype=np.float64)


# --- groups --------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Groups:
    """Distributions by size bucket and by words, each pulled towards the one around it."""

    edges: Floats
    everything: Floats
    tables: dict[tuple[str, ...], dict[tuple[object, ...], tuple[float, Floats]]]

    def chain(self, *steps: tuple[str, ...]) -> Level:
        """The level that goes from everything through `steps`, each of which names what its groups have in common."""
        return lambda tasks: self._through(tasks, steps)

    def _through(self, tasks: Asked, steps: tuple[tuple[str, ...], ...]) -> Floats:
        found = np.tile(self.everything, (len(tasks), 1))
        for step in steps:
            table = self.tables[step]
            for key, rows in _grouped(_keys(step, self.edges, tasks)).items():
                if key in table:
                    n, own = table[key]
                    found[rows] = (n * own + WEIGHT * found[rows]) / (n + WEIGHT)
        return found


STEPS: tuple[tuple[str, ...], ...] = (("size",), ("category",), ("size", "category"), ("size", "project"))


def groups(history: History) -> Groups:
    """The distributions of all groups of `history`, which may be empty."""
    weights = history.weights
    count = int(np.clip(len(history) // IN_A_BUCKET, 1, BUCKETS))
    edges = np.unique(np.quantile(history.size, np.linspace(0, 1, count + 1)[1:-1])) if len(history) else np.empty(0)
    everything = prior()
    if len(history):
        n = _effective(weights)
        everything = (n * quantiles(history.error, weights) + WEIGHT * everything) / (n + WEIGHT)
    tables = {}
    for step in STEPS:
        found = _grouped(_keys(step, edges, history))
        tables[step] = {key: (_effective(weights[rows]), quantiles(history.error[rows], weights[rows])) for key, rows in found.items()}
    return Groups(edges, everything, tables)


def _keys(step: tuple[str, ...], edges: Floats, tasks: Asked | History) -> list[tuple[object, ...]]:
    columns = [np.searchsorted(edges, tasks.size).tolist() if word == "size" else tasks.words[word].tolist() for word in step]
    return list(zip(*columns, strict=True))


def _grouped(keys: list[tuple[object, ...]]) -> dict[tuple[object, ...], Ints]:
    found: dict[tuple[object, ...], list[int]] = {}
    for row, key in enumerate(keys):
        found.setdefault(key, []).append(row)
    return {key: np.array(rows) for key, rows in found.items()}


def _effective(weights: Floats) -> float:
    """How many equal tasks say as much as these weighted ones."""
    return float(weights.sum() ** 2 / (weights**2).sum())


# --- boosted trees -------------------------------------------------------------------------------------------------------


def boosted(history: History, around: Level, *, seed: int) -> Level:
    """Quantiles by gradient boosting from the size and what was known of each word *before* the task; between and beyond them as `around`.

    One thread: the trees are small, and threads that wait for each other on a busy machine take many times as long.
    """
    from sklearn.ensemble import HistGradientBoostingRegressor
    from threadpoolctl import threadpool_limits

    known = np.column_stack([history.size, *(_before(history.words[w], history.error) for w in WORDS)])
    trees = [
        HistGradientBoostingRegressor(
            loss="quantile",
            quantile=p,
            max_iter=40,
            learning_rate=0.1,
            max_leaf_nodes=6,
            min_samples_leaf=30,
            l2_regularization=5.0,
            early_stopping=False,
            random_state=seed,
        )
        for p in SHOWN.values()
    ]
    with threadpool_limits(1, user_api="openmp"):
        for tree in trees:
            tree.fit(known, history.error)
    after = {w: _after(history.words[w], history.error) for w in WORDS}

    def level(tasks: Asked) -> Floats:
        usual = around(tasks)
        if len(tasks) == 0:
            return usual
        asked = np.column_stack([tasks.size, *(np.array([after[w].get(word, after[w][_ANY]) for word in tasks.words[w].tolist()]) for w in WORDS)])
        with threadpool_limits(1, user_api="openmp"):
            apart = np.column_stack([tree.predict(asked) for tree in trees]) - usual[:, SHOWN_AT]
        moved = usual + np.array([np.interp(SCORES, SCORES[SHOWN_AT], row) for row in apart])
        return np.asarray(np.sort(moved, axis=1), dtype=np.float64)

    return level


_ANY = "\0any"
_FAR = 2.0
"""Errors count as at most this (e²: 7-fold) in a mean, so that one odd task does not colour its whole project."""


def _before(words: np.ndarray[tuple[int], np.dtype[np.str_]], errors: Floats) -> Floats:
    """For each task the mean error of earlier tasks with its word, pulled towards that of all earlier ones."""
    known, totals, n = np.zeros(len(words)), dict[str, tuple[float, int]](), 0
    overall = 0.0
    for row, (word, error) in enumerate(zip(words.tolist(), np.clip(errors, -_FAR, _FAR).tolist(), strict=True)):
        mean = overall / n if n else 0.0
        total, count = totals.get(word, (0.0, 0))
        known[row] = (total + WEIGHT * mean) / (count + WEIGHT)
        totals[word] = (total + error, count + 1)
        overall, n = overall + error, n + 1
    return known


def _after(words: np.ndarray[tuple[int], np.dtype[np.str_]], errors: Floats) -> dict[str, float]:
    """The same for tasks that come after all of these, by word."""
    clipped = np.clip(errors, -_FAR, _FAR)
    mean = float(clipped.mean()) if len(clipped) else 0.0
    found = {word: float((clipped[words == word].sum() + WEIGHT * mean) / ((words == word).sum() + WEIGHT)) for word in dict.fromkeys(words.tolist())}
    return found | {_ANY: mean}
