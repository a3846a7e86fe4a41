"""When will it be crossed, as a whole distribution? `Curve` holds the probability of a crossing by each hour; `HitTime` is what is told of it.

Probabilities are corrected once 30 earlier forecasts have resolved: what was said with 10 % and happened to 30 % is said with 30 % from then on.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from jarvis_lib.learning.capacity.history import DAY_H, Floats
from jarvis_lib.model.prediction import LEAST_SAID

CELLS = 96
"""A curve is kept at so many hours, evenly spaced in their logarithm."""
RESOLVED_FROM = 30
"""Earlier forecasts that must have resolved before they correct a new one."""
LOW, MID, HIGH = 0.1, 0.5, 0.9
NORMAL = NormalDist()
_LEAST = 1e-6


@dataclass(frozen=True, slots=True)
class Resolved:
    """An earlier forecast of this series and what came of it, all in hours after it was made.

    `low`, `mid`, `high` are its 10, 50 and 90 %, None where they lay beyond its horizon; `actual` is None where its horizon passed without a
    crossing.
    """

    low: float | None
    mid: float | None
    high: float | None
    actual: float | None


@dataclass(frozen=True, slots=True)
class HitTime:
    """The time until a threshold is crossed. `hours` and `chances` are points of P(crossed within so many hours), both never falling.

    `p_hit` is the probability within the horizon, `estimator` what stands behind it ("block bootstrap", "boosted quantiles", "mixture",
    "last value" where the threshold is crossed already, "base rate" where there is too little history), `weights` how much each member counts.
    `least_h` is the distance of two points of the series: nothing can be seen to happen sooner.
    """

    p_hit: float
    horizon_h: float
    estimator: str
    weights: Mapping[str, float]
    already: bool = False
    hours: tuple[float, ...] = field(default=(), repr=False)
    chances: tuple[float, ...] = field(default=(), repr=False)
    least_h: float = 0.0

    def p_within(self, hours: float) -> float:
        """P(crossed within `hours`), never falling in `hours`; beyond the horizon it stays what it is there."""
        if self.already:
            return 1.0
        if not hours > 0:
            return 0.0
        if hours >= self.horizon_h:
            return self.p_hit
        if not self.hours:
            return self.p_hit * hours / self.horizon_h
        if hours < self.hours[0]:
            return self.chances[0] * hours / self.hours[0]
        return float(np.interp(np.log(hours), np.log(self.hours), self.chances))

    def quantile(self, q: float) -> float | None:
        """Hours after which it is crossed with probability `q`; None when they lie beyond the horizon, or when there is too little history."""
        if not 0 < q < 1:
            raise ValueError(f"A quantile lies between 0 and 1, not {q}.")
        if self.already:
            return 0.0
        if not self.hours or self.chances[-1] < q:
            return None
        at = int(np.searchsorted(self.chances, q))
        if at == 0:
            return max(self.hours[0] * q / self.chances[0], self.least_h)
        below, above = self.chances[at - 1], self.chances[at]
        first, last = np.log(self.hours[at - 1]), np.log(self.hours[at])
        return min(max(float(np.exp(first + (last - first) * (q - below) / (above - below))), self.least_h), self.horizon_h)

    @property
    def low(self) -> float | None:
        """The 10 % quantile."""
        return self.quantile(LOW)

    @property
    def mid(self) -> float | None:
        """The median."""
        return self.quantile(MID)

    @property
    def high(self) -> float | None:
        """The 90 % quantile."""
        return self.quantile(HIGH)

    def said(self, name: str) -> str:
        """One sentence about the series `name`, such as "disk /: crossing in 31 h (80 %: 22 to 55 h), probability 0.74 within 48 h".

        Below 10 % no number is said, only that there is no crossing within the horizon.
        """
        within = spoken(self.horizon_h)
        if self.already:
            return f"{name}: crossed already"
        if not self.hours:
            return f"{name}: too little history to forecast"
        if self.p_hit < LEAST_SAID:
            return f"{name}: no crossing within {within}"
        chance = f"probability {min(self.p_hit, 0.99):.2f} within {within}"
        low, mid, high = self.low, self.mid, self.high
        if mid is None:
            return f"{name}: crossing not before {spoken(low)} (90 % sure), {chance}" if low is not None else f"{name}: crossing possible, {chance}"
        first, last = _pair(low if low is not None else mid, high)
        return f"{name}: crossing in {spoken(mid)} (80 %: {first} to {last}), {chance}"


def spoken(hours: float) -> str:
    """A time ahead for people: `50 min`, `31 h`, `12 d`."""
    number, unit = _in_unit(hours)
    return f"{number} {unit}"


def _in_unit(hours: float, like: float | None = None) -> tuple[str, str]:
    size = hours if like is None else like
    if size < 1.5:
        return f"{hours * 60:.0f}", "min"
    if size <= 3 * DAY_H:
        return f"{hours:.1f}" if hours < 3 else f"{hours:.0f}", "h"
    return f"{hours / DAY_H:.1f}" if hours < 3 * DAY_H else f"{hours / DAY_H:.0f}", "d"


def _pair(low: float, high: float | None) -> tuple[str, str]:
    if high is None:
        return spoken(low), "beyond that"
    number, unit = _in_unit(low)
    last, other = _in_unit(high)
    return (number if unit == other else f"{number} {unit}"), f"{last} {other}"


# --- curves ---------------------------------------------------------------------------------------------------------------


def grid(least_h: float, horizon_h: float) -> Floats:
    """The hours at which curves are kept: from half of the least time to the horizon."""
    return np.geomspace(min(least_h, horizon_h) / 2, horizon_h, CELLS)


def proper(chances: Floats) -> Floats:
    """The nearest curve that is one: within [0, 1] and never falling."""
    return np.maximum.accumulate(np.clip(chances, 0.0, 1.0))


def corrected(chances: Floats, past: Sequence[Resolved]) -> Floats:
    """The curve with each probability replaced by how often it came true in the past; the curve itself below RESOLVED_FROM resolved forecasts.

    Each past crossing takes a place on the normal scale of its own forecast: -1.28 at its low, 0 at its mid, 1.28 at its high, straight lines in
    log-hours between and beyond them. The 10, 50 and 90 % of these places, by Kaplan and Meier, are what the new forecast's own quantiles
    become. A forecast that was censored (no crossing within its horizon) came after all quantiles that it named: its place lies beyond the last
    one, it is not known where; one that named none says nothing and does not count.
    """
    places = [p for p in map(_place, past) if p is not None]
    if len(places) < RESOLVED_FROM:
        return chances
    at, seen = np.array([p for p, _ in places]), np.array([s for _, s in places], dtype=np.bool_)
    ends = np.array([NORMAL.inv_cdf(q) for q in (LOW, MID, HIGH)])
    became = _ordered(_survival_quantiles(at, seen, (LOW, MID, HIGH)))
    meant = _straight(became, ends)
    return proper(np.array([NORMAL.cdf(meant(NORMAL.inv_cdf(c))) if _LEAST < c < 1 - _LEAST else c for c in chances]))


def _place(one: Resolved) -> tuple[float, bool] | None:
    named = [(NORMAL.inv_cdf(q), float(np.log(h))) for q, h in zip((LOW, MID, HIGH), (one.low, one.mid, one.high), strict=True) if h is not None and h > 0]
    if not named:
        return None
    if one.actual is None:
        return named[-1][0], False
    scores, logs = np.array([n[0] for n in named]), np.array([n[1] for n in named])
    if len(named) == 1:
        scores, logs = np.append(scores, scores + 1), np.append(logs, logs + _USUAL_SPREAD)
    apart = np.maximum.accumulate(logs) + 1e-6 * np.arange(len(logs))
    return float(np.clip(_straight(apart, scores)(float(np.log(max(one.actual, 1e-6)))), -8, 8)), True


_USUAL_SPREAD = 0.6
"""ln(hours) for one normal score where an earlier forecast named one quantile only."""


def _straight(x: Floats, y: Floats) -> Callable[[float], float]:
    """Straight lines through the points, and on beyond them."""

    def line(at: float) -> float:
        i = int(np.clip(np.searchsorted(x, at) - 1, 0, len(x) - 2))
        return float(y[i] + (y[i + 1] - y[i]) * (at - x[i]) / (x[i + 1] - x[i]))

    return line


def _survival_quantiles(at: Floats, seen: NDArray[np.bool_], wanted: Sequence[float]) -> Floats:
    """Quantiles of what is partly only known to lie beyond `at`; conformal, so the level counts n + 1. The newest known place ends it."""
    order = np.lexsort((~seen, at))
    at, seen = at[order], seen[order]
    left = len(at) + 1 - np.arange(len(at))
    gone = 1 - np.cumprod(1 - seen / left)
    rows = np.minimum(np.searchsorted(gone, np.array(wanted) - 1e-12), len(at) - 1)
    beyond = gone[-1] < np.array(wanted)
    usual = np.array([NORMAL.inv_cdf(q) for q in wanted])
    return np.where(beyond, np.maximum(usual, at[-1]), at[rows])


def _ordered(places: Floats) -> Floats:
    """Places a little apart, so that a correction never makes two hours one."""
    return np.maximum.accumulate(places + np.array([0.0, 0.05, 0.1]))
