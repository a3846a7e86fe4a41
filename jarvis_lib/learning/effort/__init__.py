"""How many hours will a task really take, and will a list of tasks be done in time? Answers are distributions that hold as often as they say.

`fit` reads a frame of finished tasks and needs none: from the first task there is a prior, then sizes and categories, then boosted trees,
each weighted by how well it would have forecast the newest tasks. Everything is refitted from history; nothing is kept between runs.
Columns of the history: estimate_h, actual_h, and, may be null or missing: category, priority, project, completed_at. The order of rows does
not matter. Columns of tasks to forecast: the same without actual_h and completed_at.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from jarvis_lib.learning.effort import nights
from jarvis_lib.learning.effort.history import Asked, Floats, History, read_history, read_tasks
from jarvis_lib.learning.effort.levels import BOOSTED_FROM, PRIOR, SHOWN, SHOWN_AT
from jarvis_lib.learning.effort.mixing import Blend, blend
from jarvis_lib.learning.effort.sentences import Habits, habits
from jarvis_lib.model.plan import Luck

__all__ = ["PRIOR", "Choice", "Effort", "Simulation", "fit"]

DRAWS = 1000
USUAL_H = 1.0
"""Hours of a task without an estimate, while no task has ended."""
SHORT = float(np.log(0.25))
"""ln of the hours below which an estimate says next to nothing of longer tasks: mostly it is the time that it takes to start anything at all."""
_HAIR = 1e-6
"""Quantiles are this much longer (0.0001 %), so that a task that takes exactly its hours has held them however they were rounded."""


@dataclass(frozen=True, slots=True)
class Simulation:
    """What became of a list in many drawn nights. `tasks`: the given rows with p50_end, p80_end (hours from the start) and p_done.

    `finish` is the probability that all end within the hours, `plain` the same before past nights corrected it; `p50_end` and `p80_end`
    are those of the whole list.
    """

    tasks: pl.DataFrame
    finish: float
    plain: float
    p50_end: float
    p80_end: float


@dataclass(frozen=True, slots=True)
class Choice:
    """The tasks to take: `rows` of the given frame in its order, the probability that all are done in time, and their hours at p50."""

    rows: tuple[int, ...]
    tasks: pl.DataFrame
    finish: float
    p50_h: float


@dataclass(frozen=True)
class Effort:
    """What was learned from `n` tasks; `ignored` rows had no usable hours. `shares` says how much each level counts, `shared` is the night's luck."""

    n: int
    ignored: int
    shares: Mapping[str, float]
    shared: float
    seed: int
    usual_h: float
    _blend: Blend = field(repr=False)
    _habits: Habits = field(repr=False)
    _longer: "tuple[Blend, Habits] | None" = field(default=None, repr=False)
    _tried: dict[tuple[object, ...], nights.Tried] = field(default_factory=dict, repr=False)
    _truths: dict[int, nights.Truth] = field(default_factory=dict, repr=False)

    def predict(self, tasks: pl.DataFrame) -> pl.DataFrame:
        """`tasks` with p10, p50, p80, p90 (hours, positive, never falling) and `why`, one sentence; rows stay in their order.

        A task without a usable estimate is forecast as one of the usual size, and `why` says so.
        """
        asked = self._asked(tasks)
        hours = np.exp(asked.size[:, None] + self._spread(asked)[:, SHOWN_AT]) * (1 + _HAIR)
        columns = [pl.Series(name, hours[:, i], dtype=pl.Float64) for i, name in enumerate(SHOWN)]
        return tasks.with_columns(*columns, pl.Series("why", self._sentences(asked), dtype=pl.String))

    def simulate(
        self, tasks: pl.DataFrame, *, hours: float, lanes: int, seed: int, after: Mapping[int, Sequence[int]] | None = None, n: int = DRAWS
    ) -> Simulation:
        """Draw `n` nights in which `tasks` start in the given order, each on the lane that is free first.

        `after` holds, for a row, the earlier rows that must have ended before it starts. An empty list is done with certainty.
        """
        _proper(hours, lanes)
        asked = self._asked(tasks)
        waits = _earlier(after or {}, len(asked))
        drawn = self._drawn(asked, self._spread(asked), np.random.default_rng(seed), n)
        ended = nights.ends(drawn, lanes=lanes, after=waits)
        last = ended.max(axis=1, initial=0.0)
        plain = float((last <= hours).mean())
        means = self._truth(lanes).of
        shown = tasks.with_columns(
            pl.Series("p50_end", np.quantile(ended, 0.5, axis=0), dtype=pl.Float64),
            pl.Series("p80_end", np.quantile(ended, 0.8, axis=0), dtype=pl.Float64),
            pl.Series("p_done", [means(float(p)) for p in (ended <= hours).mean(axis=0)], dtype=pl.Float64),
        )
        return Simulation(shown, means(plain), plain, float(np.quantile(last, 0.5)), float(np.quantile(last, 0.8)))

    def finish_probability(self, tasks: pl.DataFrame, *, hours: float, lanes: int, seed: int, after: Mapping[int, Sequence[int]] | None = None) -> float:
        """The probability that all `tasks`, started in the given order on `lanes` lanes, end within `hours`."""
        return self.simulate(tasks, hours=hours, lanes=lanes, seed=seed, after=after).finish

    def choose(self, tasks: pl.DataFrame, *, hours: float, lanes: int, seed: int, level: float = 0.8, by: str = "hours") -> Choice:
        """Which of `tasks` to take so that all of them end within `hours` with probability `level`.

        `by="order"` goes through the given order and takes each task that keeps the probability; `by="hours"` goes through them from the one
        that scatters least, which fills a night with the most work. No choice at all is certain to be done.
        """
        _proper(hours, lanes)
        if not 0 < level < 1:
            raise ValueError(f"A level lies between 0 and 1, not {level}.")
        if by not in ("hours", "order"):
            raise ValueError(f"Tasks are chosen by hours or order, not {by!r}.")
        asked = self._asked(tasks)
        if not len(asked):
            return Choice((), tasks, 1.0, 0.0)
        past = self._past(len(asked), hours, lanes, by)
        spread = self._spread(asked)
        drawn = self._drawn(asked, spread, np.random.default_rng(seed), nights.DRAWS_TO_CHOOSE)[None].astype(np.float32)
        order = nights.order_of(drawn, limit=hours, by=by)
        rows = np.flatnonzero(nights.fitting(drawn, order, limit=hours, lanes=lanes, level=past.planned_at(level))[0])
        last = nights.ends(drawn[0][:, rows], lanes=lanes, after={}).max(axis=1, initial=0.0)
        plain = float((last <= hours).mean())
        means = past.truth if len(rows) < len(asked) else self._truth(lanes)
        medians = np.exp(asked.size[rows] + spread[rows, SHOWN_AT[1]])
        return Choice(tuple(rows.tolist()), tasks[rows.tolist()], means.of(plain) if len(rows) else 1.0, float(medians.sum()))

    def luck(self, *, lanes: int) -> Luck:
        """The share of the spread that a night's tasks have in common, and what drawn probabilities meant on past nights with so many lanes."""
        truth = self._truth(lanes)
        return Luck(self.shared, truth.shift, truth.slope)

    def _asked(self, tasks: pl.DataFrame) -> Asked:
        return read_tasks(tasks, usual_h=self.usual_h)

    def _spread(self, asked: Asked) -> Floats:
        """The distribution of each task; what is known of short ones says nothing of the others while there are few."""
        found = self._blend(asked)
        if self._longer is None:
            return found
        return np.where((asked.size >= SHORT)[:, None], self._longer[0](asked), found)

    def _sentences(self, asked: Asked) -> list[str]:
        found = self._habits.sentences(asked)
        if self._longer is None:
            return found
        return [long if at >= SHORT else short for at, long, short in zip(asked.size, self._longer[1].sentences(asked), found, strict=True)]

    def _drawn(self, asked: Asked, spread: Floats, rng: np.random.Generator, n: int) -> Floats:
        return nights.drawn(asked.size, spread, nights.lucks(n, len(asked), shared=self.shared, rng=rng))

    def _past(self, tasks: int, hours: float, lanes: int, by: str) -> nights.Tried:
        """How such plans went on past nights; asked once for each kind of plan: about as many tasks, the same half hour."""
        near, limit = min(nights.TRIED_TASKS, key=lambda n: (abs(n - tasks), n)), max(round(hours * 2) / 2, 0.5)
        key = (near, limit, lanes, by)
        if key not in self._tried:
            self._tried[key] = nights.tried(self._blend.tested, tasks=near, limit=limit, lanes=lanes, by=by, shared=self.shared, seed=self.seed)
        return self._tried[key]

    def _truth(self, lanes: int) -> nights.Truth:
        if lanes not in self._truths:
            self._truths[lanes] = nights.truth(self._blend.tested, lanes=lanes, shared=self.shared, seed=self.seed)
        return self._truths[lanes]


def fit(history: pl.DataFrame, *, seed: int) -> Effort:
    """Learn from the finished tasks of `history`; it may be empty. Rows without hours, or with hours that are not positive, are counted and ignored."""
    known = read_history(history)
    made = blend(known, seed=seed)
    return Effort(len(known), known.ignored, made.shares, nights.shared_luck(made.tested), seed, _usual(known), made, habits(known), _longer(known, seed=seed))


def _longer(history: History, *, seed: int) -> tuple[Blend, Habits] | None:
    """What the tasks teach that are not short, or None where all together say it better: there are many, or none is short."""
    own = history.where(history.size >= SHORT)
    if len(history) >= BOOSTED_FROM or len(own) == len(history):
        return None
    return blend(own, seed=seed), habits(own)


def _usual(history: History) -> float:
    return float(np.exp(np.median(history.size))) if len(history) else USUAL_H


def _proper(hours: float, lanes: int) -> None:
    if not hours > 0 or lanes < 1:
        raise ValueError(f"A night has hours and at least one lane, not {hours} hours and {lanes} lanes.")


def _earlier(after: Mapping[int, Sequence[int]], rows: int) -> Mapping[int, Sequence[int]]:
    for row, blockers in after.items():
        if not 0 <= row < rows or not all(0 <= b < row for b in blockers):
            raise ValueError(f"Row {row} can only wait for earlier rows, not for {list(blockers)}.")
    return after
