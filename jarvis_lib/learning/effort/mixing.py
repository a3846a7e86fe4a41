"""How are the levels weighted, and how far was the blend off? Both come from a rolling backtest: forecast the next tasks from the earlier ones.

The mix grows one level at a time: the one that lowers the pinball loss of the backtest most joins (Caruana and others, "Ensemble selection
from libraries of models", ICML 2004). The blend is then moved so that on the backtest each quantile held as often as it says.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from jarvis_lib.learning.effort.history import Asked, Floats, History
from jarvis_lib.learning.effort.levels import BOOSTED_FROM, GRID, SHOWN_AT, WEIGHT, Level, boosted, groups, quantiles

TESTED_FROM = 30
"""Own tasks from which a backtest says something."""
TESTED = 0.4
"""Share of the newest tasks that the backtest forecasts, in FOLDS parts, each from all that came before it."""
FOLDS = 2
TRUST = 0.5
"""So much of what the quantiles were off by is made good: the rest was that time's luck."""
START, ROUNDS = 1, 10
"""The levels share START votes evenly, since what helped last year may not help this year; then the level that helps most joins, ROUNDS times."""


@dataclass(frozen=True, slots=True)
class Backtest:
    """Forecasts that were made without the answer, oldest first, and the answers; `rows` are places in the history."""

    rows: slice
    size: Floats
    error: Floats
    spread: Floats


@dataclass(frozen=True, slots=True)
class Blend:
    """The levels fitted on all history, their shares, what the backtest moved, and the backtest itself as the blend would have said it."""

    levels: Mapping[str, Level]
    shares: Mapping[str, float]
    moved: Floats
    tested: Backtest

    def __call__(self, tasks: Asked) -> Floats:
        """One distribution of ln(actual / estimate) on GRID for each task, never falling."""
        mixed = sum((share * self.levels[name](tasks) for name, share in self.shares.items() if share > 0), np.zeros((len(tasks), len(GRID))))
        return np.asarray(np.sort(mixed + self.moved, axis=1), dtype=np.float64)


def blend(history: History, *, seed: int) -> Blend:
    """The blend for `history`, which may be empty; then it is the prior."""
    levels = _levels(history, seed)
    if len(history) < TESTED_FROM:
        shares = dict.fromkeys(levels, 1 / len(levels))
        nothing = Backtest(slice(0, 0), np.empty(0), np.empty(0), np.empty((0, len(GRID))))
        return Blend(levels, shares, np.zeros(len(GRID)), nothing)
    first = len(history) - int(len(history) * TESTED)
    cuts = np.linspace(first, len(history), FOLDS + 1).astype(int).tolist()
    said: dict[str, list[Floats]] = {name: [] for name in levels}
    for begin, end in pairwise(cuts):
        then = _levels(history.until(begin), seed, names=levels)
        coming = Asked(history.size[begin:end], {w: v[begin:end] for w, v in history.words.items()}, np.ones(end - begin, dtype=bool))
        for name in levels:
            said[name].append(then[name](coming))
    tested = {name: np.vstack(parts) for name, parts in said.items()}
    error, recent = history.error[first:], history.weights[first:]
    shares = _shares(tested, error, recent)
    mixed = np.asarray(sum(shares[name] * tested[name] for name in levels), dtype=np.float64)
    moved = _moved(mixed, error, recent)
    spread = np.sort(mixed + moved, axis=1)
    return Blend(levels, shares, moved, Backtest(slice(first, len(history)), history.size[first:], error, spread))


def _levels(history: History, seed: int, names: Mapping[str, Level] | None = None) -> dict[str, Level]:
    """The levels that `history` has enough tasks for, or those called `names`."""
    own = groups(history)
    found = {
        "size": own.chain(("size",)),
        "category": own.chain(("category",)),
        "size and category": own.chain(("size",), ("size", "category")),
        "size and project": own.chain(("size",), ("size", "project")),
    }
    if "boosted" in names if names is not None else len(history) >= BOOSTED_FROM:
        found["boosted"] = boosted(history, found["size and category"], seed=seed)
    return found


def pinball(error: Floats, spread: Floats, weights: Floats) -> float:
    """The weighted mean pinball loss of ln(actual / estimate) over p10, p50, p80 and p90."""
    off = error[:, None] - spread[:, SHOWN_AT]
    at = GRID[SHOWN_AT]
    return float(np.average(np.maximum(at * off, (at - 1) * off).mean(axis=1), weights=weights))


def _shares(tested: Mapping[str, Floats], error: Floats, weights: Floats) -> dict[str, float]:
    """All levels begin with START votes together; each round gives one more to the level that helps most."""
    votes = dict.fromkeys(tested, START / len(tested))
    total = np.asarray(sum(tested.values()), dtype=np.float64) * START / len(tested)
    for cast in range(START, START + ROUNDS):
        best = min(tested, key=lambda name: (pinball(error, (total + tested[name]) / (cast + 1), weights), name))
        votes[best] += 1
        total = total + tested[best]
    return {name: own / (START + ROUNDS) for name, own in votes.items()}


def _moved(mixed: Floats, error: Floats, weights: Floats) -> Floats:
    """How far each quantile must move to have held as often as it says, less where little was tested."""
    apart: Sequence[float] = [float(quantiles(error - mixed[:, i], weights, np.array([p]))[0]) for i, p in enumerate(GRID)]
    inside = (GRID >= 0.05) & (GRID <= 0.95)
    steady = np.interp(GRID, GRID[inside], np.array(apart)[inside])
    n = len(error)
    return np.asarray(TRUST * steady * n / (n + 2 * WEIGHT), dtype=np.float64)
