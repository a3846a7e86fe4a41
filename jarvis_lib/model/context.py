"""Contexts: what a person may be doing, what each of them allows, and when the clock alone expects it. Which words are there?

`suits` and `preferred` say for one task whether it may run in a context, and whether it goes before the others.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any, Protocol

from jarvis_lib.model.prose import listed
from jarvis_lib.model.window import DAYS

CONTEXTS = ("sleeping", "working", "gym", "available", "weekend", "holiday", "away", "unknown")
SIZES = ("any", "quick", "long")
QUICK_H = 2.0
"""A task of at most so many hours is quick, one of more is long."""

OVERRIDE_H = 4.0
LONGEST_OVERRIDE = timedelta(days=14)

_SPAN = re.compile(r"((?:[01]\d|2[0-3]):[0-5]\d) ?[-–] ?((?:[01]\d|2[0-3]):[0-5]\d|24:00)")
_NAMES = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


class Sized(Protocol):
    """What is asked of a task; a `Candidate` of the plan has it."""

    @property
    def category(self) -> str:
        """One of the categories of policy."""

    @property
    def tags(self) -> Sequence[str]:
        """The person's own words for it."""

    @property
    def hours(self) -> float:
        """How long it is thought to take."""


@dataclass(frozen=True, slots=True)
class Allows:
    """What a context allows: whether work may start, how many attempts at once, whether to notify, what goes first and what may run at all.

    `first` says in words what goes first: tasks of these `categories`, with one of these `tags`, or of this `size`. An empty `only` is all.
    """

    start_work: bool
    lanes: int
    notify: bool
    first: str
    categories: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    size: str = "any"
    only: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Context:
    """The answer of `detect`. `until` is aware UTC; `confidence` is from 0 to 1; each line of `why` stands alone.

    `by_hand` is true while the person's own word holds.
    """

    state: str
    confidence: float
    until: datetime
    why: tuple[str, ...]
    allows: Allows
    by_hand: bool = False


@dataclass(frozen=True, slots=True)
class Habit:
    """A context with its days (0 = Monday) and its span of the local clock; an end at or before the start is on the next day."""

    state: str
    days: tuple[int, ...]
    start: time
    end: time
    said: str


def suits(allows: Allows, task: Sized) -> bool:
    """May this task start in a context that allows this?"""
    return allows.start_work and allows.lanes > 0 and (not allows.only or task.category in allows.only)


def preferred(allows: Allows, task: Sized) -> bool:
    """Does this task go before others that are as good?"""
    wanted = {t.casefold() for t in allows.tags}
    by_size = (allows.size == "quick" and task.hours <= QUICK_H) or (allows.size == "long" and task.hours > QUICK_H)
    return task.category in allows.categories or by_size or any(t.casefold() in wanted for t in task.tags)


# --- from the settings ---------------------------------------------------------------------------------------------------

LONG: dict[str, Any] = {"start_work": True, "lanes": 3, "notify": True, "first": [], "tags": [], "size": "long", "only": []}
"""What a context allows when nobody uses the machine: long builds, up to three at once."""

ALLOWS_DEFAULTS: dict[str, dict[str, Any]] = {
    "sleeping": LONG | {"notify": False},
    "working": LONG | {"first": ["Research/analysis", "Test coverage"], "size": "any"},
    "gym": LONG | {"lanes": 2, "notify": False, "tags": ["fitness", "health"], "size": "any"},
    "available": LONG | {"lanes": 1, "size": "quick"},
    "weekend": LONG,
    "holiday": LONG,
    "away": LONG | {"notify": False},
    "unknown": LONG | {"lanes": 1, "notify": False, "size": "any", "only": ["Documentation", "Test coverage"]},
}


def allowed(own: Mapping[str, Any], *, lanes: int) -> Allows:
    """The settings of one context as a value; at most `lanes` attempts are ever allowed at once."""
    categories, tags, only = tuple(own["first"]), tuple(own["tags"]), tuple(own["only"])
    parts = [c.lower() for c in categories] + ([f"what is tagged {listed(tags, 'or')}"] if tags else [])
    parts += {"quick": ["quick and quiet tasks"], "long": ["long builds"]}.get(own["size"], [])
    said = listed(parts) or (f"only {listed([c.lower() for c in only])}" if only else "whatever fits")
    return Allows(own["start_work"], min(own["lanes"], lanes), own["notify"], said, categories, tags, own["size"], only)


def span(text: str) -> tuple[time, time]:
    """The two times of `23:00-07:00`; 24:00 is the end of the day. Raises ValueError for what is not a span."""
    found = _SPAN.fullmatch(text.strip())
    if not found or found.group(1) == found.group(2):
        raise ValueError(text)
    return time.fromisoformat(found.group(1)), time.fromisoformat(found.group(2).replace("24:00", "00:00"))


def habits(own: Mapping[str, Any]) -> tuple[Habit, ...]:
    """The habits of `[context.clock]` in the order that decides where they meet: gym, sleeping, weekend, working."""
    every = tuple(range(7))
    weekend = _numbers(own["weekend_days"])
    named = listed([_NAMES[d] for d in weekend], "or")
    return (
        *_of("gym", "gym", own["gym"], _numbers(own["gym_days"])),
        *_of("sleeping", "sleep", own["sleep"], every),
        *([Habit("weekend", weekend, time(0), time(0), f"it is {named}")] if weekend else []),
        *_of("working", "work", own["work"], _numbers(own["work_days"])),
    )


def _of(state: str, noun: str, spans: str | list[str], days: tuple[int, ...]) -> list[Habit]:
    found = [span(s) for s in ([spans] if isinstance(spans, str) else spans) if s]
    on = "" if len(days) == 7 else f"{_days(days)} "
    return [Habit(state, days, a, b, f"{noun} is {on}{a:%H:%M} to {b:%H:%M}") for a, b in found] if days else []


def _numbers(days: list[str]) -> tuple[int, ...]:
    return tuple(sorted({DAYS.index(d) for d in days}))


def _days(days: tuple[int, ...]) -> str:
    """`Mon to Fri`, or the days one by one where they do not follow each other."""
    in_row = len(days) > 2 and days[-1] - days[0] == len(days) - 1
    return f"{DAYS[days[0]]} to {DAYS[days[-1]]}" if in_row else listed([DAYS[d] for d in days])
