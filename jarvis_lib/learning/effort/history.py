"""What is known of finished tasks? A frame of any order and quality becomes arrays: oldest first, usable rows only, words as numbers.

Nothing here depends on the order of the rows. Two tasks that ended at the same moment are put in order by what they are.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

NEWEST = 6000
"""Older tasks than these say nothing that newer ones do not say better."""
HALF_LIFE = 1000.0
"""So many newer tasks halve a task's weight, so that people and machines may change."""
LEAST_H, MOST_H = 1e-4, 1e5
"""Hours outside are taken as these: no task of a person is shorter or longer."""
MOST_OFF = float(np.log(30))
"""An estimate that is off by more than 30 times was meant for something else; it counts as off by so much."""
WORDS = ("category", "priority", "project")


@dataclass(frozen=True, slots=True)
class History:
    """Usable finished tasks, oldest first. `size` = ln(estimate), `error` = ln(actual / estimate); `ignored` rows had no usable hours."""

    size: Floats
    error: Floats
    words: dict[str, NDArray[np.str_]]
    ignored: int

    def __len__(self) -> int:
        return len(self.size)

    def until(self, end: int) -> "History":
        """The oldest `end` of them."""
        return History(self.size[:end], self.error[:end], {w: v[:end] for w, v in self.words.items()}, 0)

    def where(self, wanted: NDArray[np.bool_]) -> "History":
        """Those that are wanted."""
        return History(self.size[wanted], self.error[wanted], {w: v[wanted] for w, v in self.words.items()}, 0)

    @property
    def weights(self) -> Floats:
        """The newest counts 1, each older one less."""
        age = np.arange(len(self) - 1, -1, -1, dtype=np.float64)
        return np.asarray(0.5 ** (age / HALF_LIFE), dtype=np.float64)


@dataclass(frozen=True, slots=True)
class Asked:
    """Tasks to forecast. `stated` is False where the estimate is missing or no hours; `size` then is what is usual."""

    size: Floats
    words: dict[str, NDArray[np.str_]]
    stated: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.size)


def read_history(frame: pl.DataFrame) -> History:
    """The usable rows of `frame`: hours that are finite and more than 0. Other columns may be null or missing."""
    known = pl.DataFrame([_hours(frame, "estimate_h"), _hours(frame, "actual_h"), _moments(frame), *(_word(frame, w) for w in WORDS)])
    usable = known.filter(pl.col("estimate_h").is_not_null() & pl.col("actual_h").is_not_null())
    usable = usable.sort(["completed_at", "estimate_h", "actual_h", *WORDS], nulls_last=False)
    newest = usable.tail(NEWEST)
    size, real = np.log(newest["estimate_h"].to_numpy()), np.log(newest["actual_h"].to_numpy())
    return History(size, np.clip(real - size, -MOST_OFF, MOST_OFF), _words(newest), len(frame) - len(usable))


def read_tasks(frame: pl.DataFrame, *, usual_h: float) -> Asked:
    """The rows of `frame`, in their order; one without a usable estimate is taken for a task of `usual_h` hours."""
    hours = _hours(frame, "estimate_h")
    known = pl.DataFrame([_word(frame, w) for w in WORDS])
    return Asked(np.log(hours.fill_null(usual_h).to_numpy()), _words(known), hours.is_not_null().to_numpy())


def _hours(frame: pl.DataFrame, name: str) -> pl.Series:
    hours = frame[name].cast(pl.Float64, strict=False) if name in frame.columns else pl.Series(name, [None] * len(frame), dtype=pl.Float64)
    good = hours.is_finite() & (hours > 0)
    return pl.select(pl.when(good).then(hours.clip(LEAST_H, MOST_H))).to_series().alias(name)


def _word(frame: pl.DataFrame, name: str) -> pl.Series:
    if name not in frame.columns:
        return pl.Series(name, [""] * len(frame), dtype=pl.String)
    return frame[name].cast(pl.String, strict=False).fill_null("").alias(name)


def _moments(frame: pl.DataFrame) -> pl.Series:
    """When each ended, in microseconds; null (the oldest) where that is not known."""
    name = "completed_at"
    if name not in frame.columns:
        return pl.Series(name, [None] * len(frame), dtype=pl.Int64)
    given = frame[name]
    if given.dtype == pl.String:
        given = given.str.to_datetime("%+", strict=False, time_unit="us").fill_null(given.str.to_datetime(strict=False, time_unit="us"))
    kind: Any = given.dtype
    if isinstance(kind, pl.Datetime) or kind == pl.Date:
        return given.cast(pl.Datetime("us", getattr(kind, "time_zone", None))).to_physical().alias(name)
    return given.cast(pl.Int64, strict=False).alias(name)


def _words(frame: pl.DataFrame) -> dict[str, NDArray[np.str_]]:
    return {w: frame[w].to_numpy().astype(np.str_) if len(frame) else np.empty(0, dtype=np.str_) for w in WORDS}
