"""When will a series cross a threshold ("disk / full in 31 h, 80 %: 22 to 55 h, probability 0.74 within 48 h")? A distribution, never a bare point.

`forecast(times, values, threshold=, now=, horizon=, seed=)` gives a `HitTime`. Times are datetimes (naive or aware) or epoch seconds, daily or
irregular, minutes to days apart, in any order; only points up to `now` are used. `falling=True` asks for a crossing from above. There is an
answer to any history: fewer than FEWEST points, or all at one moment, are too little (the base rate and no quantiles), a threshold that the
newest value has reached is crossed already.

What stands behind it: the block bootstrap (`paths`), and from 120 steps on, with `boosted=True`, boosted quantiles (`members`), weighted by a
rolling backtest on the series' own past (`weighing`); its quantiles are unconditional, so they are None where they lie beyond the horizon.
`past` forecasts of the series that have resolved correct the probabilities from 30 on (`chances`). `linear` is the baseline that is stored
beside each prediction. Everything is pure: no store, no clock, the same answer for the same seed.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from jarvis_lib.learning.capacity.chances import HitTime, Resolved, corrected, grid
from jarvis_lib.learning.capacity.history import DAY_H, Points, in_steps, read_points
from jarvis_lib.learning.capacity.members import BOOSTED, BOOTSTRAP, bootstrap, trees
from jarvis_lib.learning.capacity.weighing import boosted_weight

__all__ = ["HitTime", "Resolved", "forecast", "linear"]

FEWEST = 3
"""Points below which nothing is said but the base rate."""
PATHS = 400
BASE, BASE_WEIGHT = 0.05, 20
"""Without a history a crossing within the horizon has this probability; resolved forecasts of the series count against so many."""


def forecast(
    times: Iterable[Any],
    values: Iterable[Any],
    *,
    threshold: float,
    now: datetime,
    horizon: timedelta,
    seed: int,
    falling: bool = False,
    past: Sequence[Resolved] = (),
    boosted: bool = True,
) -> HitTime:
    """The time from `now` until the series crosses `threshold`, as probabilities within `horizon`. Points after `now` change nothing."""
    horizon_h = horizon.total_seconds() / 3600
    if not horizon_h > 0 or not np.isfinite(threshold):
        raise ValueError(f"A forecast needs a horizon that is longer than nothing and a finite threshold, not {horizon} and {threshold}.")
    points, level = _upwards(read_points(times, values, now=now), threshold, falling)
    if len(points) and points.values[-1] >= level:
        return HitTime(1.0, horizon_h, "last value", {"last value": 1.0}, already=True)
    if len(points) < FEWEST:
        return HitTime(_base_rate(past), horizon_h, "base rate", {"base rate": 1.0})
    known = in_steps(points, horizon_h=horizon_h)
    hours = grid(known.seen, horizon_h)
    gap = level - float(points.values[-1])
    rng = np.random.default_rng(seed % 2**63)
    chances = bootstrap(known, gap, hours, rng=rng, paths=PATHS)
    share = 0.0
    if boosted:
        fitted = trees(known, gap, known.until(horizon_h), seed=seed % 2**32)
        if fitted is not None:
            share = boosted_weight(known, gap, hours, rng=rng, seed=seed % 2**32)
            chances = chances + share * (fitted.curve(known, gap, hours, chances) - chances)
    chances = corrected(chances, past)
    weights = {BOOTSTRAP: 1 - share, BOOSTED: share} if share else {BOOTSTRAP: 1.0}
    return HitTime(
        p_hit=float(chances[-1]),
        horizon_h=horizon_h,
        estimator=BOOTSTRAP if not share else BOOSTED if share == 1 else "mixture",
        weights=weights,
        hours=tuple(hours.tolist()),
        chances=tuple(chances.tolist()),
        least_h=min(known.seen, horizon_h),
    )


def linear(times: Iterable[Any], values: Iterable[Any], *, threshold: float, now: datetime, days: float = 30.0, falling: bool = False) -> float | None:
    """Hours until the least-squares line through the last `days` days crosses `threshold`, as Prometheus's predict_linear draws it.

    0 where the newest value has crossed already; None where the line does not lead there.
    """
    points, level = _upwards(read_points(times, values, now=now), threshold, falling)
    if len(points) and points.values[-1] >= level:
        return 0.0
    recent = points.hours >= -days * DAY_H
    hours, known = points.hours[recent], points.values[recent]
    if len(hours) < 2:
        return None
    apart = hours - hours.mean()
    slope = float((apart * (known - known.mean())).sum() / (apart * apart).sum())
    if not slope > 0:
        return None
    return max(float((level - known.mean()) / slope + hours.mean()), 0.0)


def _upwards(points: Points, threshold: float, falling: bool) -> tuple[Points, float]:
    return (Points(points.hours, -points.values), -threshold) if falling else (points, threshold)


def _base_rate(past: Sequence[Resolved]) -> float:
    return (sum(p.actual is not None for p in past) + BASE * BASE_WEIGHT) / (len(past) + BASE_WEIGHT)
