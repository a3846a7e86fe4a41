"""How sure is a share, a mean, or a change of one? Pure rules of the standard library; chance only from a given seed.

What happened on one day has luck in common (one bad night fails four tasks), so it does not count as independent: shares are taken over fewer
observations than were made, means get their spread from the days.
"""

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from statistics import NormalDist

RESAMPLES = 1000


@dataclass(frozen=True, slots=True)
class Interval:
    """A figure over `n` observations, and the span in which the true one lies with the level that was asked for."""

    value: float
    low: float
    high: float
    n: int


def z_of(level: float) -> float:
    """The quantile of the normal law for a two-sided interval of this level."""
    return NormalDist().inv_cdf(0.5 + level / 2)


def share(xs: Sequence[float], days: Sequence[object], *, level: float) -> Interval:
    """Wilson's interval of the share of ones, over as many observations as they are worth when days have luck in common."""
    p, worth = sum(xs) / len(xs), effective(xs, days)
    z = z_of(level)
    if worth < len(xs):
        z = _student(z, max(len(set(days)) - 1, 1))  # the spread of days is itself only estimated, from so many days
    low, high = wilson(p, worth, z)
    return Interval(p, low, high, len(xs))


def wilson(p: float, n: float, z: float) -> tuple[float, float]:
    """Wilson's score interval of a share `p` seen over `n`."""
    middle = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return max(0.0, min(p, middle - half)), min(1.0, max(p, middle + half))


def effective(xs: Sequence[float], days: Sequence[object]) -> float:
    """Of how many independent observations the spread of the days speaks; never more than there are."""
    n, p = len(xs), sum(xs) / len(xs)
    by_day = _by_day([x - p for x in xs], days)
    plain = n * p * (1 - p)
    if plain == 0 or len(by_day) < 2:
        return float(n)
    clustered = sum(sum(own) ** 2 for own in by_day) * len(by_day) / (len(by_day) - 1)
    return max(min(float(n), n * plain / clustered if clustered else float(n)), 1.0)


def mean(xs: Sequence[float], days: Sequence[object], *, level: float) -> Interval:
    """Student's interval of the mean, its spread from the sums of days."""
    n, middle = len(xs), sum(xs) / len(xs)
    by_day = _by_day([x - middle for x in xs], days)
    k = len(by_day)
    if k < 2:
        return Interval(middle, -math.inf, math.inf, n)
    half = _student(z_of(level), k - 1) * math.sqrt(sum(sum(own) ** 2 for own in by_day) * k / (k - 1)) / n
    return Interval(middle, middle - half, middle + half, n)


def _student(z: float, free: int) -> float:
    """Student's quantile from the normal one (Cornish and Fisher); with few days it is wide, which is the truth."""
    terms: tuple[float, ...] = ((z**3 + z) / 4, (5 * z**5 + 16 * z**3 + 3 * z) / 96, (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384)
    return z + math.fsum(term / free**i for i, term in enumerate(terms, 1))


def difference(before: Interval, after: Interval) -> Interval:
    """How much a share has risen, from Wilson's interval of each side (Newcombe)."""
    value = after.value - before.value
    low = value - math.hypot(after.value - after.low, before.high - before.value)
    return Interval(value, low, value + math.hypot(after.high - after.value, before.value - before.low), before.n + after.n)


def rate_ratio(before: int, after: int, *, days_before: float, days_after: float, level: float) -> Interval:
    """How many times as often something counted happens; Wilson's interval of the share of events that came after."""
    p = after / (before + after)
    odds = [s / (1 - s) * days_before / days_after if s < 1 else math.inf for s in (p, *wilson(p, before + after, z_of(level)))]
    return Interval(odds[0], odds[1], odds[2], before + after)


def farther(
    before: tuple[Sequence[float], Sequence[object]], after: tuple[Sequence[float], Sequence[object]], target: float | None, *, level: float, seed: int
) -> Interval:
    """How much farther from `target` the mean is than before (None: how much higher), with a bootstrap of whole days."""
    random = Random(seed)
    sides = [_by_day(*side) for side in (before, after)]

    def gap(days: Sequence[Sequence[float]]) -> float:
        middle = sum(map(sum, days)) / sum(map(len, days))
        return middle if target is None else abs(middle - target)

    drawn = sorted(gap(random.choices(sides[1], k=len(sides[1]))) - gap(random.choices(sides[0], k=len(sides[0]))) for _ in range(RESAMPLES))
    cut = int((1 - level) / 2 * RESAMPLES)
    return Interval(gap(sides[1]) - gap(sides[0]), drawn[cut], drawn[-1 - cut], len(before[0]) + len(after[0]))


def _by_day(xs: Sequence[float], days: Sequence[object]) -> list[list[float]]:
    found: dict[object, list[float]] = defaultdict(list)
    for x, day in zip(xs, days, strict=True):
        found[day].append(x)
    return list(found.values())
