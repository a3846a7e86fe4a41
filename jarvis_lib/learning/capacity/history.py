"""What is known of a series at `now`? Times and values of any kind become evenly spaced steps up to the last thing that was seen.

Nothing after `now` is used. Clocks that go backwards are put in order; values at one moment count as their mean; what is no finite number is
left out. Naive datetimes are read in the same clock as a naive `now`, else as UTC.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from operator import attrgetter, le
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

HOUR, DAY_H = 3600.0, 24.0
STEPS_KEPT = 2000
"""A history is brought to at most so many steps, and the oldest ones beyond them are forgotten."""
STEPS_AHEAD = 500
"""A horizon is walked in at most so many steps."""
LEAST_STEPS = 8
"""However far the horizon, a history of so many points has at least so many steps."""
READ_AT_MOST = 8 * STEPS_KEPT
"""Longer inputs are thinned to between half as many and so many points before they are looked at."""
LADDER_H = (1 / 60, 5 / 60, 10 / 60, 15 / 60, 0.5, 1.0, 2.0, 3.0, 6.0, 12.0, 24.0)
"""Steps that fit into a day; longer ones are whole days."""


@dataclass(frozen=True, slots=True)
class Points:
    """Finite values in the order of their hours; `hours` count from `now` and are never positive."""

    hours: Floats
    values: Floats

    def __len__(self) -> int:
        return len(self.hours)


@dataclass(frozen=True, slots=True)
class Steps:
    """Values every `step` hours, the newest last; `stale` hours have passed since it was seen. `seen` is the usual distance of the given points."""

    step: float
    values: Floats
    stale: float
    seen: float

    @property
    def per_day(self) -> int:
        """Steps in one day, 1 where a step is a day or longer."""
        return max(round(DAY_H / self.step), 1)

    def until(self, hours: float) -> int:
        """Steps from the newest value until so many hours from now, as far as paths are walked."""
        return int(np.clip(np.ceil((hours + self.stale) / self.step), 1, 2 * STEPS_AHEAD))


def read_points(times: Iterable[Any], values: Iterable[Any], *, now: datetime) -> Points:
    """The usable points up to `now`. Lengths that differ are a mistake."""
    known = np.asarray(values if isinstance(values, np.ndarray) else list(values), dtype=np.float64)
    listed: Any = times if isinstance(times, np.ndarray) or hasattr(times, "to_numpy") else list(times)
    if len(listed) != len(known):
        raise ValueError(f"Each value has its time: there are {len(listed)} times and {len(known)} values.")
    zero = _epoch(now)
    if isinstance(listed, list) and len(listed) > READ_AT_MOST and _all_in_utc(listed):
        listed, known = _thin_in_order(listed, known, now if now.tzinfo else now.replace(tzinfo=UTC))
    hours = (_epochs(listed) - zero) / HOUR
    usable = np.isfinite(hours) & np.isfinite(known) & (hours <= 0)
    hours, known = hours[usable], known[usable]
    order = np.lexsort((known, hours))
    kept = _thinned(len(order))
    hours, known = hours[order][kept], known[order][kept]
    if not (np.diff(hours) > 0).all():
        hours, place = np.unique(hours, return_inverse=True)
        known = np.bincount(place, weights=known) / np.bincount(place)
    return Points(hours, known)


def in_steps(points: Points, *, horizon_h: float) -> Steps:
    """The last value seen at the end of each step, counted back from the newest point. Needs two points."""
    span = points.hours[-1] - points.hours[0]
    seen = float(np.median(np.diff(points.hours)))
    step = min(_sane(max(seen, span / STEPS_KEPT, horizon_h / STEPS_AHEAD)), span / min(LEAST_STEPS, len(points) - 1))
    count = min(int(span / step + 1e-9), STEPS_KEPT)
    ends = points.hours[-1] - step * np.arange(count, -1, -1)
    rows = np.searchsorted(points.hours, ends + 1e-6 * step, side="right") - 1
    return Steps(step, points.values[np.maximum(rows, 0)], float(-points.hours[-1]), seen)


def _sane(hours: float) -> float:
    for step in LADDER_H:
        if hours <= step * 1.05:
            return step
    return DAY_H * float(np.ceil(hours / DAY_H - 0.05))


def _thinned(n: int) -> slice:
    """Every so many-th place, the last one always among them."""
    stride = max(-(-n // READ_AT_MOST), 1)
    return slice((n - 1) % stride if n else 0, None, stride)


def _all_in_utc(times: list[Any]) -> bool:
    return set(map(type, times)) == {datetime} and set(map(attrgetter("tzinfo"), times)) == {UTC}


def _thin_in_order(times: list[datetime], values: Floats, now: datetime) -> tuple[list[datetime], Floats]:
    """The same points that would be left after thinning, without looking at each moment as a number."""
    if not all(map(le, times, islice(times, 1, None))):
        return times, values
    usable = np.flatnonzero(np.isfinite(values))
    low, high = 0, len(usable)
    while low < high:
        middle = (low + high) // 2
        low, high = (middle + 1, high) if times[usable[middle]] <= now else (low, middle)
    kept = usable[:low][_thinned(low)]
    chosen = [times[i] for i in kept]
    if any(times[i] in times[max(i - 1, 0) : i] + times[i + 1 : i + 2] for i in kept.tolist()):
        return times, values
    return chosen, values[kept]


def _epoch(moment: datetime) -> float:
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _epochs(times: Any) -> Floats:
    """Seconds since 1970 of datetimes, numpy's or polars' datetimes, or numbers that are such seconds already."""
    if hasattr(times, "to_numpy") or isinstance(times, np.ndarray):
        array = np.asarray(times.to_numpy() if hasattr(times, "to_numpy") else times)
        if array.dtype.kind == "M":
            micros = array.astype("datetime64[us]")
            return np.where(np.isnat(micros), np.nan, micros.astype(np.int64) / 1e6)
        if array.dtype.kind != "O":
            return array.astype(np.float64)
        times = array.tolist()
    return np.fromiter((_epoch(t) if isinstance(t, datetime) else np.nan if t is None else float(t) for t in times), np.float64, len(times))
