"""In which ways can a reading be strange? Raw scores, each from the readings up to it only; how rare a score is, is not asked here.

`value` the reading itself; `season` its distance from the same time of the day on the last days; `level` from the median of the last days;
`shift` how the mean of the last two hours' worth of rows moved; `jump` the step from the reading before; `flat` for how many seconds it has not
changed; `gap` the seconds since the reading before; `boosted` its distance from a forecast (only where wanted).
"""

from dataclasses import dataclass

import numpy as np

from jarvis_lib.learning.anomaly.readings import Floats

NAMES = ("value", "season", "level", "shift", "jump", "flat", "gap", "boosted")
SIGNED = ("value", "season", "level", "shift", "jump", "boosted")
"""Those that are rare on both sides, and whose past says how rare. The other two are durations."""
DAY_S = 86_400.0
WIDTH = 24
"""Rows of the mean that `shift` compares with the one before."""
CONTEXT = 2 * WIDTH
"""Rows before a block that its scores may look at."""
SLOT_S = 300.0
DAYS = 10
"""`season` remembers so many readings for each slot of the day."""
LONGER = 12
"""Flat for so many rows, or a gap of so many steps, is nothing yet."""


class Season:
    """What was read at each time of the day: the last DAYS readings of each slot; a slot is as long as the usual step, at least five minutes."""

    def __init__(self) -> None:
        self._slot_s = 0.0
        self._seen = np.empty((0, DAYS))
        self._count = np.empty(0, dtype=np.int64)

    @property
    def ready(self) -> bool:
        """Whether the usual step is known, so that there are slots."""
        return self._slot_s > 0

    def fit_to(self, step_s: float, wall: Floats, values: Floats) -> bool:
        """Slots for this step. When it has changed by half or more they are made anew from the given past, and the answer is True."""
        slot_s = min(max(step_s, SLOT_S), DAY_S)
        if self._slot_s and 1 / 1.5 < slot_s / self._slot_s < 1.5:
            return False
        self._slot_s = slot_s
        slots = int(DAY_S / slot_s) + 1
        self._seen = np.full((slots, DAYS), np.nan)
        self._count = np.zeros(slots, dtype=np.int64)
        self.learn(wall, values)
        return True

    def learn(self, wall: Floats, values: Floats) -> None:
        """Take readings (local seconds, values; oldest first) into their slots; the oldest of a full slot is forgotten."""
        slots = self._slots(wall)
        order = np.argsort(slots, kind="stable")
        ordered = slots[order]
        turn = np.arange(len(order)) - np.searchsorted(ordered, ordered, "left")
        for n in range(int(turn.max(initial=-1)) + 1):
            rows, own = order[turn == n], ordered[turn == n]
            self._seen[own, self._count[own] % DAYS] = values[rows]
            self._count[own] += 1

    def usual(self, wall: Floats, otherwise: float) -> Floats:
        """The median of each row's slot and its neighbours; `otherwise` where fewer than two readings are known."""
        near = (self._slots(wall)[:, None] + np.array([-1, 0, 1])) % len(self._count)
        known = np.sort(self._seen[near].reshape(len(wall), -1), axis=1)
        count = np.isfinite(known).sum(axis=1)
        rows, middle = np.arange(len(wall)), np.maximum(count, 1)
        median = 0.5 * (known[rows, (middle - 1) // 2] + known[rows, middle // 2])
        return np.where(count >= 2, median, otherwise)

    def _slots(self, wall: Floats) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
        return np.asarray((wall % DAY_S) // self._slot_s, dtype=np.int64)


@dataclass(slots=True)
class Stillness:
    """Runs of one value and gaps between readings: how many runs have ended, the longest and the widest so far, and the run that goes on."""

    ended: int = 0
    longest: int = LONGER
    run: int = 0
    since: float = 0.0
    value: float = np.nan
    widest: float = 0.0

    def of(self, seconds: Floats, values: Floats) -> tuple[Floats, Floats]:
        """For each row (rows, seconds) of its run of one value; the last one is remembered for the next rows."""
        row = np.arange(len(values))
        changed = np.concatenate([[self.value], values[:-1]]) != values
        begin = np.maximum.accumulate(np.where(changed, row, -1))
        run = np.where(begin >= 0, row - begin + 1, self.run + row + 1)
        since = np.where(begin >= 0, seconds[np.maximum(begin, 0)], self.since)
        self.run, self.since, self.value = int(run[-1]), float(since[-1]), float(values[-1])
        return run.astype(np.float64), seconds - since

    def learn(self, runs: Floats, gaps: Floats) -> None:
        """`runs`: the rows of its run for each new reading, and before them that of the reading before. `gaps`: of the new ones, in seconds."""
        over = runs[:-1][runs[1:] == 1]
        self.ended += len(over)
        self.longest = max(self.longest, int(over.max(initial=0)))
        self.widest = max(self.widest, float(gaps[np.isfinite(gaps)].max(initial=0.0)))

    def evidence(self, runs: Floats, gaps: Floats, *, step_s: float, readings: int) -> Floats:
        """(2, row): -log10 p of a longer run and of a wider gap than any before, if both had a tail like 1 / length squared."""
        least = max(self.widest, LONGER * step_s)
        flat = np.where((runs > self.longest) & (self.ended > 0), np.log10(self.ended + 1) + 2 * np.log10(runs / self.longest), 0.0)
        wide = gaps > least
        further = np.where(wide, gaps, 1.0) / np.where(wide, least, 1.0)
        return np.stack([flat, np.where(wide, np.log10(max(readings, 1)) + 2 * np.log10(further), 0.0)])


def moved(values: Floats, rows: int) -> Floats:
    """For the last `rows` of `values`: the mean of WIDTH rows minus that of the WIDTH before; nan where there are not so many."""
    out = np.full(rows, np.nan)
    known = min(rows, len(values) - CONTEXT + 1)
    if known > 0:
        newer, older = np.zeros(known), np.zeros(known)
        end = len(values)
        for back in range(WIDTH):  # row by row and not by a window's sum: the same additions for one row as for many
            newer += values[end - known - back : end - back]
            older += values[end - known - back - WIDTH : end - back - WIDTH]
        out[rows - known :] = (newer - older) / WIDTH
    return out
