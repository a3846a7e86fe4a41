"""How many times better is after than before, and how sure is that?

The figure is the ratio of the medians (before / after when lower is better, after / before when higher is). Its interval is the 95 %
percentile bootstrap: resample the runs with replacement, take the ratio of the medians each time, cut off 2.5 % on either side
(Efron and Tibshirani, *An Introduction to the Bootstrap*, 1993, chapter 13). Runs that were interleaved are resampled as pairs, since
a busy moment hits both of a pair.
"""

from collections.abc import Sequence
from dataclasses import dataclass

RESAMPLES = 10_000


@dataclass(frozen=True, slots=True)
class Ratio:
    """`ratio` above 1 is better. `low` and `high` bound it with 95 % confidence; `before` and `after` are medians; `n` runs of each."""

    ratio: float
    low: float
    high: float
    before: float
    after: float
    n: int


def ratio_of_medians(before: Sequence[float], after: Sequence[float], *, better: str, paired: bool, seed: int) -> Ratio:
    """The ratio with its interval. `better` is `lower` or `higher`. Raises ValueError for no values or values that are not above 0."""
    import numpy as np

    if not before or not after or min(*before, *after) <= 0:
        raise ValueError("a ratio needs values above 0 on both sides")
    old, new = np.asarray(before, dtype=float), np.asarray(after, dtype=float)
    chance = np.random.default_rng(seed)
    picks_old = chance.integers(0, len(old), (RESAMPLES, len(old)))
    picks_new = picks_old if paired and len(old) == len(new) else chance.integers(0, len(new), (RESAMPLES, len(new)))
    medians_old, medians_new = np.median(old[picks_old], axis=1), np.median(new[picks_new], axis=1)
    up, down = (medians_old, medians_new) if better == "lower" else (medians_new, medians_old)
    low, high = np.percentile(up / down, [2.5, 97.5])
    first, last = float(np.median(old)), float(np.median(new))
    return Ratio(first / last if better == "lower" else last / first, float(low), float(high), first, last, min(len(before), len(after)))
