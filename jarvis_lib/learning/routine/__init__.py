"""What does a person do on a day, how likely, and at which hour? Learned from the events of the days before it and nothing else.

`fit(frame, now=None, seed=...)` reads person, ts (local wall clock, no zone) and type. `model.day(date)` answers for one day: p, the probability that
the type comes that day; base, its plain rate; estimator, what said it; h10, h50, h90, quantiles of the local hour of its first time. Events on or
after the day change nothing, so a day in the past is answered as it would have been that morning. Everything is refitted from the events;
the parameters change at fixed dates, and a process keeps the newest of them.
"""

import hashlib
from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

import numpy as np
import polars as pl

from jarvis_lib.learning.routine.chances import ALONE, BLENDED, COLD_DAYS, Chances, learn
from jarvis_lib.learning.routine.days import Diary, diaries, flat
from jarvis_lib.learning.routine.hours import AT, first_hours
from jarvis_lib.learning.routine.traces import Traces, traces

__all__ = ["ALONE", "BLENDED", "SCHEMA", "RoutineModel", "fit"]

SCHEMA = {
    "person": pl.String,
    "type": pl.String,
    "p": pl.Float64,
    "base": pl.Float64,
    "estimator": pl.String,
    **dict.fromkeys(("h10", "h50", "h90"), pl.Float64),
}
REFIT, REFIT_EARLY, EARLY = 91, 28, 400
"""Days between two fits of the parameters; more often while the history is shorter than EARLY days."""
EVENING = 18
"""From this hour on a day counts as observed; before it, what has not come yet today may still come."""
KEPT = 8

_kept: "OrderedDict[str, Chances]" = OrderedDict()


@dataclass(frozen=True)
class RoutineModel:
    """What the events say. `seen` is the ordinal of the first day that nobody has observed whole."""

    seen: int
    seed: int
    refit: int
    _days: pl.DataFrame = field(repr=False)
    _traced: dict[int, list[tuple[Diary, Traces]]] = field(default_factory=dict, repr=False)
    _learned: dict[int, Chances] = field(default_factory=dict, repr=False)

    def day(self, day: date) -> pl.DataFrame:
        """One row for each person and each type of theirs that came before `day`; by person, the likeliest first."""
        asked = day.toordinal()
        if self._days.filter(pl.col("day") < asked).is_empty():
            return pl.DataFrame(schema=SCHEMA)
        chances = self.chances(day)
        parts = [self._answers(diary, traced, asked, chances) for diary, traced in self._all(asked) if diary.first < asked]
        return pl.concat(parts).sort("person", "p", "type", descending=[False, True, False])

    def chances(self, day: date) -> Chances:
        """The estimators that speak about `day`, with their weights: learned at the newest of the fixed dates before it."""
        cut = self._cut(min(day.toordinal(), self.seen))
        if cut not in self._learned:
            before = self._days.filter(pl.col("day") < cut)
            key = hashlib.sha256(f"{cut} {self.seed} ".encode() + before.hash_rows().to_numpy().tobytes()).hexdigest()
            if key not in _kept:
                _kept[key] = learn(self._all(self.seen), cut=cut, seed=self.seed)
            _kept.move_to_end(key)
            while len(_kept) > KEPT:
                _kept.popitem(last=False)
            self._learned[cut] = _kept[key]
        return self._learned[cut]

    def _cut(self, ordinal: int) -> int:
        first = int(self._days["day"].min())  # type: ignore[arg-type]  # a column of whole numbers
        step = min(self.refit, REFIT_EARLY) if ordinal - first < EARLY else self.refit
        return ordinal - ordinal % step

    def _all(self, asked: int) -> list[tuple[Diary, Traces]]:
        """All diaries with their traces, up to `asked` where that is later than what was seen."""
        until = max(asked, self.seen)
        if until not in self._traced:
            self._traced[until] = [(d, traces(d)) for d in diaries(self._days, seen=self.seen, until=until)]
        return self._traced[until]

    def _answers(self, diary: Diary, traced: Traces, asked: int, chances: Chances) -> pl.DataFrame:
        at = asked - diary.first
        kinds = np.flatnonzero(diary.begins < at)
        frequency = traced.frequency[at, kinds]
        cold = at < COLD_DAYS or chances.models is None
        p = frequency if cold else chances(traced.figures[at, kinds], frequency)
        clock = first_hours(diary, at)[kinds]
        columns = {"person": [diary.person] * len(kinds), "type": [diary.types[k] for k in kinds], "p": p, "base": traced.base[at, kinds]}
        columns |= {"estimator": [ALONE if cold else BLENDED] * len(kinds)}
        return pl.DataFrame(columns | {f"h{100 * q:.0f}": clock[:, i] for i, q in enumerate(AT)}, schema=SCHEMA)


def fit(frame: pl.DataFrame, *, now: datetime | None = None, seed: int, refit: int = REFIT) -> RoutineModel:
    """A model of the events of `frame` that lie before `now` (local, no zone; without it: all, and the newest one's day is the last that was seen).

    Columns: person, ts, type. Rows may stand in any order; a row without one of the three is left out. Costs little: what is learned is
    learned when a day is asked for.
    """
    events = frame.select("person", "ts", "type").drop_nulls()
    if now is not None:
        events = events.filter(pl.col("ts") < now)
    days = flat(events)
    newest = int(days["day"].max()) + 1 if len(days) else 1  # type: ignore[arg-type]  # a column of whole numbers
    return RoutineModel(newest if now is None else _seen(now), seed, refit, days)


def _seen(now: datetime) -> int:
    return (now + timedelta(hours=24 - EVENING)).toordinal()
