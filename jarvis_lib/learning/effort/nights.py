"""Will a list of tasks be done in time? Hours are drawn again and again, with one luck shared by the whole night, and put on lanes in order.

Drawn nights are too hopeful or too gloomy by as much as the model is wrong. So the same rule is tried on nights made of finished tasks, with
forecasts that were made without their answers: what came true of "80 %" there is what 80 % means here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from jarvis_lib.learning.effort.history import Floats, Ints
from jarvis_lib.learning.effort.levels import SCORES
from jarvis_lib.learning.effort.mixing import Backtest

Draws = NDArray[np.float32]
"""Hours of many nights at once: half the memory, and seconds are exact enough."""
SHARED = 0.15
"""Correlation of the errors of one night while there is nothing to measure it on."""
MOST_SHARED = 0.5
NEIGHBOURS = 5
TRIED_NIGHTS = 300
DRAWS_TO_CHOOSE = 400
"""The same when a night is chosen as when it was tried: a choice from few draws is luckier in them than it will be."""
TRIED_FROM = 60
"""Backtested tasks from which nights are tried."""
TRIED_LEVELS: Floats = np.array([0.4, 0.6, 0.7, 0.78, 0.85, 0.91, 0.96])
TRIED_TASKS = (5, 10, 20, 40)
"""Lists of other lengths are taken for the nearest of these."""
MOST_QUEUED = 60
PULL = 25.0
"""What is drawn counts as much as so many past nights. Nights made from the same tasks are not different ones."""


def shared_luck(tested: Backtest) -> float:
    """Correlation of the errors of tasks that ended one after another, 0 to MOST_SHARED."""
    if len(tested.error) < TRIED_FROM:
        return SHARED
    scores = np.array([_score(error, row) for error, row in zip(tested.error, tested.spread, strict=True)])
    scores = scores - scores.mean()
    products = [scores[:-k] @ scores[k:] / (len(scores) - k) for k in range(1, NEIGHBOURS)]
    return float(np.clip(np.mean(products) / max(float(scores.var()), 1e-9), 0.0, MOST_SHARED))


def _score(error: float, row: Floats) -> float:
    """Where an outcome lies in its forecast, as a normal score; in the middle where many values are equal."""
    low, high = (float(np.interp(error + by, row + np.arange(len(row)) * 1e-12, SCORES)) for by in (-1e-9, 1e-9))
    return (low + high) / 2


def drawn(size: Floats, spread: Floats, scores: Floats) -> Floats:
    """Hours by draw and task, for the normal `scores` of the same shape."""
    hours = np.empty_like(scores)
    for i in range(len(size)):
        hours[:, i] = np.exp(size[i] + np.interp(scores[:, i], SCORES, spread[i]))
    return hours


def lucks(draws: int, tasks: int, *, shared: float, rng: np.random.Generator) -> Floats:
    """Normal scores by draw and task; those of one draw have `shared` as their correlation."""
    night = rng.standard_normal((draws, 1))
    return np.asarray(np.sqrt(shared) * night + np.sqrt(1 - shared) * rng.standard_normal((draws, tasks)), dtype=np.float64)


def ends(hours: Floats, *, lanes: int, after: Mapping[int, Sequence[int]]) -> Floats:
    """When each task ends, by draw: in the given order, each on the lane that is free first, never before all that it waits for has ended."""
    free = np.zeros((len(hours), lanes))
    found = np.zeros_like(hours)
    draws = np.arange(len(hours))
    for i in range(hours.shape[1]):
        lane = free.argmin(axis=1)
        start = free[draws, lane]
        for blocker in after.get(i, ()):
            start = np.maximum(start, found[:, blocker])
        found[:, i] = free[draws, lane] = start + hours[:, i]
    return found


# --- which of them fit ---------------------------------------------------------------------------------------------------


def fitting(hours: Draws, order: Ints, *, limit: float, lanes: int, level: float) -> NDArray[np.bool_]:
    """For many nights at once: the tasks that are taken when `order` is gone through and each one that keeps the probability is taken.

    `hours` is (night, draw, task), `order` and the answer are (night, task).
    """
    nights, draws, tasks = hours.shape
    need = np.ascontiguousarray(np.swapaxes(hours, 1, 2))
    free = np.zeros((lanes, nights, draws), dtype=hours.dtype)
    taken = np.zeros((nights, tasks), dtype=bool)
    night = np.arange(nights)
    for step in range(tasks):
        task = order[:, step]
        # The lane that is free first stands first; the last one has all that ended before.
        end = free[0] + need[night, task]
        fits = (np.maximum(end, free[-1]) <= limit).mean(axis=1) >= level
        taken[night, task] = fits
        free[0] = np.where(fits[:, None], end, free[0])
        if lanes > 1:
            free.sort(axis=0)
    return taken


def order_of(hours: Draws, *, limit: float, by: str) -> Ints:
    """The order to go through, (night, task): the given one, or for `hours` the tasks that scatter least first.

    The surest fill a night best: what scatters costs more room than it fills. Trying many orders and keeping the one that looks best is worse,
    because it mostly finds luck in the draws (measured: `python -m tests.bench.effort`).
    """
    nights, _, tasks = hours.shape
    if by == "order" or tasks == 0:
        return np.tile(np.arange(tasks), (nights, 1))
    return np.argsort(np.minimum(hours, limit).std(axis=1), axis=1, kind="stable")


# --- what came true on past nights ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Truth:
    """What came true of drawn probabilities: a line on the logistic scale."""

    shift: float = 0.0
    slope: float = 1.0

    def of(self, drawn: float) -> float:
        """What a drawn probability means; what was never or always so in the draws stays so."""
        if drawn in (0.0, 1.0):
            return drawn
        return float(1 / (1 + np.exp(-(self.shift + self.slope * _logit(np.array([drawn]))[0]))))


@dataclass(frozen=True, slots=True)
class Tried:
    """Of past nights planned at each of TRIED_LEVELS the share in which all was done. Tasks of so many different nights stand behind it."""

    held: Floats
    nights: float
    truth: Truth

    def planned_at(self, level: float) -> float:
        """The drawn probability at which to plan so that `level` comes true."""
        found = float(np.interp(level, self.held, TRIED_LEVELS))
        return (self.nights * found + PULL * level) / (self.nights + PULL)


UNTRIED = Tried(TRIED_LEVELS, 0, Truth())
"""While there are no past nights a probability means itself."""


def tried(tested: Backtest, *, tasks: int, limit: float, lanes: int, by: str, shared: float, seed: int) -> Tried:
    """Plan TRIED_NIGHTS nights from backtested tasks, half from neighbours in time and half from all, and see how many are done in time.

    Only nights for which there was more to do than fits count: a short queue that fits anyhow says nothing about the level.
    """
    n = len(tested.error)
    if n < TRIED_FROM:
        return UNTRIED
    usual = float(np.exp(np.median(tested.size + tested.error)))
    tasks = min(max(tasks, int(2 * limit * lanes / usual) + 1), MOST_QUEUED, n)
    rng = np.random.default_rng(seed)
    rows = np.array([_night(n, tasks, near=i % 2 == 0, rng=rng) for i in range(TRIED_NIGHTS)])
    scores = lucks(DRAWS_TO_CHOOSE, tasks, shared=shared, rng=rng)
    hours = np.stack([drawn(tested.size[own], tested.spread[own], scores) for own in rows]).astype(np.float32)
    real = np.exp(tested.size + tested.error)[rows]
    order = order_of(hours, limit=limit, by=by)
    held, sizes, said, done = [], [], [np.empty(0)], [np.empty(0)]
    for level in TRIED_LEVELS:
        chosen = fitting(hours, order, limit=limit, lanes=lanes, level=float(level))
        full = chosen.any(axis=1) & ~chosen.all(axis=1)
        sizes.append(float(chosen.sum(axis=1).mean()))
        kept = list(zip(np.flatnonzero(full).tolist(), chosen[full], strict=True))
        came = np.array([ends(real[night][pick][None, :], lanes=lanes, after={}).max() <= limit for night, pick in kept])
        # As if one more such night had gone as planned, so that no night at all means just that.
        held.append((came.sum() + level) / (len(kept) + 1))
        said.append(np.array([(ends(hours[night][:, pick], lanes=lanes, after={}).max(axis=1) <= limit).mean() for night, pick in kept]))
        done.append(came)
    different = min(n / max(float(np.mean(sizes)), 1.0), TRIED_NIGHTS)
    fitted = _fitted(np.concatenate(said), np.concatenate(done).astype(np.float64), different=different)
    return Tried(np.maximum.accumulate(np.array(held)) + np.arange(len(held)) * 1e-9, different, fitted)


def truth(tested: Backtest, *, lanes: int, shared: float, seed: int) -> Truth:
    """What came true of drawn probabilities on nights of all kinds and lengths."""
    n = len(tested.error)
    if n < TRIED_FROM:
        return Truth()
    rng = np.random.default_rng(seed)
    real = np.exp(tested.size + tested.error)
    said, done, sizes = np.empty(TRIED_NIGHTS), np.empty(TRIED_NIGHTS), np.empty(TRIED_NIGHTS)
    for night in range(TRIED_NIGHTS):
        rows = _night(n, int(rng.integers(1, 4 * lanes + 5)), near=night % 2 == 0, rng=rng)
        hours = drawn(tested.size[rows], tested.spread[rows], lucks(DRAWS_TO_CHOOSE, len(rows), shared=shared, rng=rng))
        last = ends(hours, lanes=lanes, after={}).max(axis=1)
        limit = np.quantile(last, rng.uniform(0.05, 0.98))
        said[night], sizes[night] = (last <= limit).mean(), len(rows)
        done[night] = ends(real[rows][None, :], lanes=lanes, after={}).max() <= limit
    return _fitted(said, done, different=n / float(sizes.mean()))


def _fitted(said: Floats, done: Floats, *, different: float) -> Truth:
    """Newton's steps for the logistic line from `said` to `done`, which hold tasks of so many different nights, held to (0, 1) by PULL nights."""
    x = np.column_stack([np.ones(len(said)), _logit(said)])
    plain = np.array([0.0, 1.0])
    found, share = plain.copy(), min(different / max(len(said), 1), 1.0)
    for _ in range(20):
        p = 1 / (1 + np.exp(-x @ found))
        slope = share * x.T @ (done - p) - PULL * 0.25 * (found - plain)
        bend = share * (x * (p * (1 - p))[:, None]).T @ x + PULL * 0.25 * np.eye(2)
        found = found + np.linalg.solve(bend, slope)
    return Truth(float(found[0]), float(max(found[1], 0.0)))


def _logit(p: Floats) -> Floats:
    inside = np.clip(p, 0.002, 0.998)
    return np.asarray(np.log(inside / (1 - inside)), dtype=np.float64)


def _night(n: int, tasks: int, *, near: bool, rng: np.random.Generator) -> Ints:
    """The rows of one night's queue: neighbours in time where there are enough, or from anywhere."""
    if near and n >= tasks:
        start = int(rng.integers(0, n - tasks + 1))
        return np.arange(start, start + tasks)
    return np.asarray(rng.choice(n, tasks, replace=n < tasks), dtype=np.int64)
