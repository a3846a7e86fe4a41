"""When was what read? Times of any usual kind become seconds, for the order, and wall-clock seconds, for the hour of the day; bad rows are told apart.

A row is usable when its value is a finite number and its time is newer than that of every usable row before it. The others change nothing.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Times = Sequence[datetime] | Sequence[float] | NDArray[Any]
"""Naive or aware datetimes, numpy datetime64, or seconds since 1970."""
MOST = 1e100
"""Larger numbers count as this one, so that differences of readings stay finite."""


def clocks(times: Times) -> tuple[Floats, Floats]:
    """(seconds since 1970, the same on the wall of the place where it was read); what is no time is nan.

    The wall of an aware datetime is that of its own zone; naive datetimes, datetime64 and seconds are taken as they stand.
    """
    if isinstance(times, np.ndarray) and times.dtype != object:
        seconds = _plain(times)
        return seconds, seconds
    listed: list[Any] = list(times)
    if listed and isinstance(listed[0], datetime):
        pairs = [_moment(t) for t in listed]
        return np.array([p[0] for p in pairs], dtype=np.float64), np.array([p[1] for p in pairs], dtype=np.float64)
    seconds = _plain(np.asarray(listed)) if listed else np.empty(0)
    return seconds, seconds


def _plain(times: NDArray[Any]) -> Floats:
    if times.dtype.kind == "M":
        whole = times.astype("datetime64[us]")
        return np.where(np.isnat(whole), np.nan, whole.astype(np.int64) / 1e6)
    return times.astype(np.float64)


def _moment(at: datetime) -> tuple[float, float]:
    if at != at:  # pandas' NaT is a datetime that equals nothing
        return np.nan, np.nan
    offset = at.utcoffset()
    if offset is None:
        seconds = at.replace(tzinfo=UTC).timestamp()
        return seconds, seconds
    return at.timestamp(), at.timestamp() + offset.total_seconds()


def numbers(values: Sequence[float | None] | NDArray[Any]) -> Floats:
    """Readings as floats; None is nan, and what is beyond MOST is MOST."""
    read = np.array(values, dtype=np.float64)
    return np.where(np.isfinite(read), np.clip(read, -MOST, MOST), np.nan)


def usable(seconds: Floats, values: Floats, *, newest: float = -np.inf) -> Bools:
    """Which rows count, given the newest time that was seen before."""
    fine = np.isfinite(values) & np.isfinite(seconds)
    latest = np.maximum.accumulate(np.concatenate([[newest], np.where(fine, seconds, -np.inf)]))[:-1]
    return fine & (seconds > latest)


class Rows:
    """Columns that grow by rows at their end and keep at least the last `keep` of them; a row has the number at which it came."""

    def __init__(self, width: int, keep: int) -> None:
        self._keep = keep
        self._all = np.empty((width, 256))
        self._end = 0
        self.count = 0

    def append(self, block: Floats) -> None:
        """`block` is (width, rows)."""
        need = self._end + block.shape[1]
        if need > self._all.shape[1]:
            kept = self._all[:, max(0, self._end - self._keep) : self._end]
            self._end = kept.shape[1]
            need = self._end + block.shape[1]
            grown = np.empty((len(self._all), max(2 * need, 256)))
            grown[:, : self._end] = kept
            self._all = grown
        self._all[:, self._end : need] = block
        self._end = need
        self.count += block.shape[1]

    def before(self, end: int, rows: int) -> Floats:
        """(width, up to `rows`) just before row `end`, oldest first."""
        end = self._end - (self.count - end)
        return self._all[:, max(0, end - rows) : end]
