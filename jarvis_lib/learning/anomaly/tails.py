"""How rare is a reading's raw score among this series' own earlier ones? Online conformal evidence, -log10 p, with a tail beyond what was seen.

Up to the start of a tail it is the rank; beyond it an exponential law goes on whose scale is fitted to a part of the earlier scores only. The
three parts differ in what they take for usual. `BODY` looks at the middle of them and is not impressed by earlier incidents, so the tenth
outage is as rare as the first. `SHOULDER` and `PEAK` look at the largest ones and ask whether there has been anything like it.
"""

import math
from collections.abc import Sequence

import numpy as np

from jarvis_lib.learning.anomaly.readings import Floats

BODY, SHOULDER, PEAK = 0, 1, 2
PARTS = ((0.5, 0.9), (0.95, 0.995), (0.98, 1.0))
"""From which quantile of the earlier scores a tail starts, and where they are cut off when its scale is fitted."""
LEAST = 20
"""Fewer earlier scores than these are no past: nothing is rare yet."""
LEAST_BEYOND = 9
"""A tail is fitted to at least so many scores."""
UNSEEN = (0.0, 2.0, 2.0)
"""Where all scores of a tail are the same number, its scale is unknown; more than any of them is then rarer than its rank by this."""
MOST = 20.0
"""The most evidence of one score: beyond, it is only the exponential law that speaks."""
TWO_SIDES = math.log10(2)
"""Upwards and downwards were both looked at."""


class Tails:
    """The tails of some scores' earlier values, upwards and downwards, as they were at one moment."""

    def __init__(self, past: Sequence[Floats]) -> None:
        """`past`: for each score its earlier values in any order; nan is left out."""
        self._sorted: list[Floats] = []
        k = len(past)
        self._start, self._scale, self._head = (np.zeros((len(PARTS), 2, k, 1)) for _ in range(3))
        self._count = np.zeros((k, 1))
        for j, column in enumerate(past):
            ordered = np.sort(column)
            ordered = ordered[: np.searchsorted(ordered, np.inf, "right")]
            self._sorted.append(ordered)
            self._count[j] = m = len(ordered)
            if m < LEAST:
                continue
            sums = np.concatenate([[0.0], np.cumsum(ordered)])
            for part, (begin, end) in enumerate(PARTS):
                first, last = max(min(int(begin * m), m - LEAST_BEYOND), 0), min(int(end * m), m - 1)
                up, cut = float(ordered[first]), float(ordered[last])
                down, low = float(ordered[m - 1 - first]), float(ordered[m - 1 - last])
                above = float(sums[last] - sums[first]) + cut * (m - last) - up * (m - first)
                below = down * (m - first) - low * (m - last) - float(sums[m - first] - sums[m - last])
                share = max(1, last - first)
                self._start[part, :, j, 0] = up, -down
                self._scale[part, :, j, 0] = max(above / share, 0.0) if cut > up else 0.0, max(below / share, 0.0) if low < down else 0.0
                self._head[part, :, j] = math.log10(m / (m - first))
        self._per = np.divide(1 / math.log(10), self._scale, out=np.zeros_like(self._scale), where=self._scale > 0)

    def ranks(self, scores: Floats) -> tuple[Floats, Floats]:
        """(side, score, row): -log10 of the share of earlier scores that were as extreme, and whether any was."""
        beyond, as_far = np.empty((2, *scores.shape)), np.empty((2, *scores.shape))
        for j, ordered in enumerate(self._sorted):
            as_far[1, j] = ordered.searchsorted(scores[j], "right")
            beyond[1, j] = ordered.searchsorted(scores[j], "left")
            as_far[0, j], beyond[0, j] = len(ordered) - beyond[1, j], len(ordered) - as_far[1, j]
        return -np.log10((0.5 * (beyond + as_far) + 0.5) / (self._count + 1)), as_far

    def evidence(self, part: int, scores: Floats, ranks: tuple[Floats, Floats], own: Sequence[int]) -> Floats:
        """(own, row) of some `scores` (score, row): -log10 of a two-sided p-value; 0 for nan and without a past."""
        rank, as_far = ranks[0][:, own], ranks[1][:, own]
        both = np.stack([scores[own], -scores[own]])
        over, per = both - self._start[part][:, own], self._per[part][:, own]
        law = np.minimum(self._head[part][:, own] + over * per, MOST)
        out = np.where(per > 0, np.where(over > 0, law, rank), np.where(as_far == 0, rank + UNSEEN[part], rank)).max(axis=0)
        known = np.isfinite(scores[own]) & (self._count[own] >= LEAST)
        return np.where(known, np.maximum(out - TWO_SIDES, 0.0), 0.0)
