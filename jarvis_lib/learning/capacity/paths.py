"""How may a series go on? Paths are drawn from blocks of its own past, and the first step at which each crosses is counted.

The farther ahead, the longer the memory: the first blocks come from the newest past, later ones from farther back, for a quarter of the paths
each with another half-life. Blocks hold a whole cycle (a week of daily values, a day of finer ones). A series that is cleaned up again and
again (saw-teeth) is drawn in two parts, growth and clean-ups, so that a path does not climb past a level at which it has always been cut back.
"""

from dataclasses import dataclass

import numpy as np

from jarvis_lib.learning.capacity.history import Floats, Steps

CYCLE_DAYS = 7
HALF_LIVES = (1.5, 6.0, 24.0, 96.0)
"""Of a block's chance to be drawn, in cycles; each holds for an equal share of the paths."""
LENGTHENING = 0.2
"""By so much of itself a half-life grows with each cycle ahead."""
SHORT = (0.5, 0.125)
"""Of series finer than a day some paths also come from the last hours: half-life and block, in days."""
SMEAR = 0.55
"""The spread in ln(hours) that paths do not know of."""
SLOWEST = 1e-6
"""A path that has come no farther than this share of the way is taken to stand still."""
FEW = 1.5
"""How much a short history adds to the square of it, divided by the number of its increments."""
FAR = 0.3
"""How much is added for each e-fold by which a time is longer than the history."""


def spread_of(steps: Floats, increments: int) -> Floats:
    """What is added to the spread of the drawn `steps`: more for a short history, and for times longer than it."""
    beyond = np.log(np.maximum(steps / max(increments, 1), 1.0))
    return np.sqrt(SMEAR**2 + FEW / max(increments, 1) + (FAR * beyond) ** 2)


def passages(known: Steps, gap: float, steps: int, *, rng: np.random.Generator, paths: int) -> Floats:
    """For each path the step, counted from 1, at which it first has risen by `gap`.

    A path that does not within `steps` goes on at its own pace: its number is above `steps`, infinite where it did not rise, and infinite for
    saw-teeth, which do not go on like that.
    """
    teeth = saw_teeth(known.values)
    moves = np.diff(known.values)
    if teeth is not None:
        return _toothed(teeth, known, gap, steps, rng, paths)
    risen = np.maximum.accumulate(np.cumsum(moves[_drawn(len(moves), known, steps, rng, paths)], axis=1), axis=1)
    return _first(risen, gap)


def _first(risen: Floats, gap: float) -> Floats:
    steps = risen.shape[1]
    first: Floats = (risen < gap).sum(axis=1) + 1.0
    beyond = first > steps
    top = risen[beyond, -1]
    slow = top < gap * SLOWEST
    first[beyond] = np.where(slow, np.inf, np.maximum(steps * gap / np.where(slow, 1.0, top), steps + 1.0))
    return first


def _drawn(n: int, known: Steps, steps: int, rng: np.random.Generator, paths: int) -> np.ndarray:
    """Rows of the history's `n` increments for each path and step."""
    per_day = known.per_day
    whole = CYCLE_DAYS if per_day == 1 else per_day
    long = min(whole, max(n // 4, 1)) if per_day > 1 or n < 2 * whole else whole
    stride = per_day if long == per_day else 1
    kinds = [(h, long, stride) for h in HALF_LIVES]
    if per_day > 1:
        kinds.append((SHORT[0], max(round(SHORT[1] * per_day), 1), 1))
    share = [paths // len(kinds) + (i < paths % len(kinds)) for i in range(len(kinds))]
    return np.concatenate(
        [
            _blocks(n, min(block, n), stride=stride, half_life=life * whole, longer=LENGTHENING * life, steps=steps, rng=rng, paths=count)
            for (life, block, stride), count in zip(kinds, share, strict=True)
        ]
    )


def _blocks(n: int, block: int, *, stride: int, half_life: float, longer: float, steps: int, rng: np.random.Generator, paths: int) -> np.ndarray:
    """Starts that are `stride` apart, so that a block of days begins at the same hour as the path stands."""
    count = -(-steps // block)
    starts = (n - block) // stride + 1
    lives = half_life + longer * block * np.arange(count)
    reach = 1 - 0.5 ** (starts * stride / lives)
    ages = np.floor(-lives * np.log2(1 - rng.random((paths, count)) * reach) / stride).astype(np.int64)
    begin = n - block - stride * np.minimum(ages, starts - 1)
    return (begin[:, :, None] + np.arange(block)).reshape(paths, -1)[:, :steps]


# --- saw-teeth ------------------------------------------------------------------------------------------------------------

TEETH_FROM = 3
LARGE = 0.25
"""A clean-up takes back at least this share of the usual range."""
TAKEN_BACK = 0.5
"""Of all growth, clean-ups must have taken back at least this share."""


@dataclass(frozen=True, slots=True)
class Teeth:
    """Where clean-ups happened: `rows` of the increments, the levels before (`peaks`) and after (`troughs`), and the steps between them.

    `by_level` says that they come at a level rather than after a time; `drift` is how much the troughs rise with each step.
    """

    rows: np.ndarray
    peaks: Floats
    troughs: Floats
    waits: Floats
    by_level: bool
    drift: float


def saw_teeth(values: Floats) -> Teeth | None:
    """The clean-ups of a series that is cleaned up again and again, None for any other."""
    moves = np.diff(values)
    if len(moves) < 4 * TEETH_FROM:
        return None
    low, high = np.quantile(values, (0.05, 0.95))
    rows = np.flatnonzero(moves <= -LARGE * max(high - low, 1e-300))
    growth = moves[moves > 0].sum()
    if len(rows) < TEETH_FROM or -moves[rows].sum() < TAKEN_BACK * growth or (moves >= LARGE * (high - low)).sum() >= len(rows):
        return None
    peaks, troughs, waits = values[rows], values[rows + 1], np.diff(rows).astype(np.float64)
    height = max(float(peaks.mean() - troughs.mean()), 1e-300)
    by_level = float(peaks.std()) / height < float(waits.std()) / float(waits.mean())
    apart = rows - rows.mean()
    return Teeth(rows, peaks, troughs, waits, by_level, float((apart * troughs).sum() / (apart * apart).sum()))


def _toothed(teeth: Teeth, known: Steps, gap: float, steps: int, rng: np.random.Generator, paths: int) -> Floats:
    """Growth is drawn as blocks without clean-ups; those come when a path reaches the level, or has waited the time, of an earlier one."""
    growing = np.delete(np.diff(known.values), teeth.rows)
    moves = growing[_drawn(len(growing), known, steps, rng, paths)]
    start = known.values[-1]
    level = np.full(paths, start)
    since = np.full(paths, float(len(known.values) - 2 - teeth.rows[-1]))
    chosen = rng.integers(0, len(teeth.rows), (paths, 2))
    risen = np.empty((paths, steps))
    for step in range(steps):
        level += moves[:, step]
        since += 1
        risen[:, step] = level - start
        due = level >= teeth.peaks[chosen[:, 0]] if teeth.by_level else since >= teeth.waits[chosen[:, 0] % len(teeth.waits)]
        if due.any():
            passed = len(known.values) + step - teeth.rows[chosen[:, 1]]
            level = np.where(due, np.minimum(level, teeth.troughs[chosen[:, 1]] + teeth.drift * passed), level)
            since = np.where(due, 0.0, since)
            chosen[due] = rng.integers(0, len(teeth.rows), (int(due.sum()), 2))
    first = (np.maximum.accumulate(risen, axis=1) < gap).sum(axis=1) + 1.0
    return np.where(first > steps, np.inf, first)
