"""What happened on which day? The events as one table of days x types for each person, up to the day that is asked for.

Days that nobody has seen yet, between the newest observed one and the day that is asked for, count as likely as their weekday was: neither as
busy nor as silent.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl
from numpy.typing import NDArray

Floats = NDArray[np.float64]

UNSEEN_HALF_LIFE = 8.0
"""Weeks after which a week counts half for what an unseen day is taken for."""


@dataclass(frozen=True, slots=True)
class Diary:
    """One person's days. On day `first + i` type k came `count[i, k]` times, first at `hour[i, k]` (NaN without); `came` is 0 or 1.

    The days from `seen` on were not observed: there `came` holds probabilities.
    """

    person: str
    types: tuple[str, ...]
    first: int
    seen: int
    last: int
    came: Floats
    count: Floats
    hour: Floats

    @property
    def begins(self) -> NDArray[np.int64]:
        """For each type the index of its first day."""
        return np.asarray((self.count > 0).argmax(axis=0), dtype=np.int64)


def flat(frame: pl.DataFrame) -> pl.DataFrame:
    """One row for each person, type and day (`day` an ordinal) with how often it came (`n`) and the local hour of the first time."""
    ts = pl.col("ts").cast(pl.Datetime("us"))
    days = frame.select(
        person=pl.col("person").cast(pl.String),
        type=pl.col("type").cast(pl.String),
        day=ts.dt.date().to_physical().cast(pl.Int64) + date(1970, 1, 1).toordinal(),
        hour=ts.dt.hour().cast(pl.Float64) + ts.dt.minute() / 60 + ts.dt.second() / 3600,
    )
    return days.group_by("person", "type", "day").agg(n=pl.len(), hour=pl.col("hour").min()).sort("person", "day", "type")


def diaries(days: pl.DataFrame, *, seen: int, until: int) -> list[Diary]:
    """One diary for each person, by name, from their first event through the day before `until`; the days from `seen` on are filled in."""
    return [_diary(str(own["person"][0]), own, seen, until) for own in days.partition_by("person", maintain_order=True)]


def _diary(person: str, own: pl.DataFrame, seen: int, until: int) -> Diary:
    types: Sequence[str] = sorted(own["type"].unique().to_list())
    day = own["day"].to_numpy()
    first = int(day[0])
    shape = (max(until, int(day[-1]) + 1) - first, len(types))
    count, hour = np.zeros(shape), np.full(shape, np.nan)
    places = (day - first, np.searchsorted(np.array(types), own["type"].to_numpy()))
    count[places], hour[places] = own["n"].to_numpy(), own["hour"].to_numpy()
    came = (count > 0).astype(np.float64)
    if seen - first < len(came):
        _fill(came, max(seen - first, 0))
    return Diary(person, tuple(types), first, max(seen - first, 0), int(day[-1]) - first, came, count, hour)


def _fill(came: Floats, seen: int) -> None:
    """What nobody saw, from `seen` on, becomes the forgetting frequency of its weekday; what did come on those days stays."""
    usual = np.zeros((7, came.shape[1]))
    for step in range(1, 8):
        weeks = came[seen - step :: -7] if seen >= step else came[:0]
        worth = 0.5 ** (np.arange(len(weeks)) / UNSEEN_HALF_LIFE)
        usual[(seen - step) % 7] = (worth @ weeks) / (worth.sum() + 1.0)
    for at in range(seen, len(came)):
        came[at] = np.maximum(came[at], usual[at % 7])
