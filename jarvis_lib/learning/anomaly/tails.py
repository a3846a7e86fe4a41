"""How rare is a reading's raw score among this series' own earlier ones? Online conformal evidence, -log10 p, with a tail beyond what was seen.

Up to the start of a tail it is the rank; beyond it an exponential law goes on whose scale is fitted to a part of the earlier scores only. The
three parts differ in what they take for usual. `BODY` looks at the middle of them and is not impressed by earlier incidents, so the tenth
outage is as rare as the first. `SHOULDER` and `PEAK` look at the largest ones and ask whether there has been anything like it.
"""

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
TWO_SIDES = 0.3
"""log10 of 2: upwards and downwards were both looked at."""


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
            for side, up in enumerate((ordered, -ordered[::-1])):
                for part, (begin, end) in enumerate(PARTS):
                    first, last = max(min(int(begin * m), m - LEAST_BEYOND), 0), min(int(end * m), m - 1)
                    excess = np.minimum(up[first:], up[last]).sum() - up[first] * (m - first)
                    self._start[part, side, j] = up[first]
                    self._scale[part, side, j] = excess / max(1, last - first) if up[last] > up[first] else 0.0
                    self._head[part, side, j] = np.log10(m / (m - first))

    def evidence(self, scores: Floats) -> Floats:
        """(part, score, row) of `scores` (score, row): -log10 of a two-sided p-value, 0 for nan and without a past."""
        least, most = np.empty((2, *scores.shape)), np.empty((2, *scores.shape))
        for j, ordered in enumerate(self._sorted):
            left, right = np.searchsorted(ordered, scores[j], "left"), np.searchsorted(ordered, scores[j], "right")
            least[0, j], most[0, j] = len(ordered) - right, len(ordered) - left
            least[1, j], most[1, j] = left, right
        rank = -np.log10((0.5 * (least + most) + 0.5) / (self._count + 1))
        out = np.empty((len(PARTS), *scores.shape))
        both = np.stack([scores, -scores])
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            for part in range(len(PARTS)):
                start, scale = self._start[part], self._scale[part]
                law = np.minimum(self._head[part] + (both - start) / (scale * np.log(10)), MOST)
                unscaled = np.where(most == 0, rank + UNSEEN[part], rank)
                out[part] = np.where(scale > 0, np.where(both > start, law, rank), unscaled).max(axis=0)
        known = np.isfinite(scores) & (self._count >= LEAST)
        return np.where(known, np.maximum(out - TWO_SIDES, 0.0), 0.0)
