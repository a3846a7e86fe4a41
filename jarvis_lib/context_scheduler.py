"""What is the person doing right now, and what does that allow? Always says how it knows, until when, and how sure it is.

By the local clock and the weekend alone, so far. Where times meet, the more exact habit wins: gym before sleeping, sleeping before
weekend, weekend before working; what is left is available. Hours are counted in UTC: a week with a clock change has 167 or 169 of them.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from jarvis_lib.model.fact import Refused
from jarvis_lib.model.ledger import Row
from jarvis_lib.model.plan import Candidate
from jarvis_lib.model.window import DAYS, SAID, occurrences
from jarvis_lib.store.place import Place
from jarvis_lib.store.store import Reader

HOURS_LIMIT = 14 * 24.0


@dataclass(frozen=True, slots=True)
class Habit:
    """A context with its days (0 = Monday) and its span of the local clock; an end at or before the start is on the next day."""

    state: str
    days: tuple[int, ...]
    start: time
    end: time
    said: str


@dataclass(frozen=True, slots=True)
class Allows:
    """What a context allows: whether work may start, how many attempts at once, whether to notify, and what goes first."""

    start_work: bool
    lanes: int
    notify: bool
    first: str


@dataclass(frozen=True, slots=True)
class Context:
    """The answer of `detect`. `until` is aware UTC; `confidence` is from 0 to 1; each line of `why` stands alone."""

    state: str
    confidence: float
    until: datetime
    why: tuple[str, ...]
    allows: Allows
    by_hand: bool = False


@dataclass(frozen=True, slots=True)
class Block:
    """A stretch of one context, aware UTC."""

    state: str
    start: datetime
    end: datetime

    @property
    def hours(self) -> float:
        return (self.end - self.start) / timedelta(hours=1)


_EVERY_DAY = (0, 1, 2, 3, 4, 5, 6)
HABITS = (
    Habit("gym", _EVERY_DAY, time(6), time(7, 30), "gym is 06:00 to 07:30"),
    Habit("gym", _EVERY_DAY, time(17), time(18, 30), "gym is 17:00 to 18:30"),
    Habit("sleeping", _EVERY_DAY, time(23), time(7), "sleep is 23:00 to 07:00"),
    Habit("weekend", (5, 6), time(0), time(0), "it is Saturday or Sunday"),
    Habit("working", (0, 1, 2, 3, 4), time(9), time(17), "work is Mon to Fri 09:00 to 17:00"),
)
"""In the order that decides where they meet. What none of them covers is `available`."""

CONFIDENCE = {"sleeping": 0.8, "gym": 0.6, "working": 0.7, "weekend": 0.7, "available": 0.5}
"""How far the clock alone is trusted. Stated, not measured: nothing has been observed yet."""

ALLOWED = {
    "sleeping": Allows(True, 3, False, "long builds"),
    "gym": Allows(True, 2, False, "whatever fits"),
    "working": Allows(True, 3, True, "research, analysis and tests"),
    "weekend": Allows(True, 3, True, "long builds"),
    "available": Allows(True, 1, True, "quick and quiet tasks"),
}


# --- the rules -----------------------------------------------------------------------------------------------------------


def blocks(zone: ZoneInfo, begin: datetime, end: datetime) -> list[Block]:
    """The contexts of [begin, end) in order, without a gap; neighbours differ."""
    found: list[Block] = []
    for state, start, stop in _pieces(zone, begin, end):
        start, stop = max(start, begin.astimezone(UTC)), min(stop, end.astimezone(UTC))
        if start >= stop:
            continue
        if found and found[-1].state == state:
            start = found.pop().start
        found.append(Block(state, start, stop))
    return found


def _pieces(zone: ZoneInfo, begin: datetime, end: datetime) -> Iterator[tuple[str, datetime, datetime]]:
    """Stretches between the times at which any habit begins or ends. The state is read at the stretch's start on the local clock."""
    times = sorted({time(0)} | {h.start for h in HABITS} | {h.end for h in HABITS})
    day = begin.astimezone(zone).date() - timedelta(days=1)
    last = end.astimezone(zone).date() + timedelta(days=1)
    marks: list[tuple[date, time]] = []
    while day <= last:
        marks += [(day, at) for at in times]
        day += timedelta(days=1)
    moments = [datetime.combine(d, at, zone).astimezone(UTC) for d, at in marks]
    for (d, at), start, stop in zip(marks, moments, moments[1:], strict=False):
        habit = _habit(d.weekday(), at)
        yield habit.state if habit else "available", start, stop


def _habit(weekday: int, at: time) -> Habit | None:
    return next((h for h in HABITS if _covers(h, weekday, at)), None)


def _covers(habit: Habit, weekday: int, at: time) -> bool:
    if habit.start < habit.end:
        return weekday in habit.days and habit.start <= at < habit.end
    started_today = weekday in habit.days and at >= habit.start
    started_yesterday = (weekday - 1) % 7 in habit.days and at < habit.end
    return started_today or started_yesterday


def context_at(zone: ZoneInfo, *, now: datetime, lanes: int) -> Context:
    """The context of `now` by the clock of `zone`; at most `lanes` attempts are ever allowed at once."""
    current = blocks(zone, now, now + timedelta(days=8))[0]
    allowed = ALLOWED[current.state]
    allows = Allows(allowed.start_work, min(allowed.lanes, lanes), allowed.notify, allowed.first)
    return Context(current.state, CONFIDENCE[current.state], current.end, tuple(_why(zone, now)), allows)


def _why(zone: ZoneInfo, now: datetime) -> list[str]:
    local = now.astimezone(zone)
    covering = [h for h in HABITS if _covers(h, local.weekday(), local.time())]
    lines = [f"It is {DAYS[local.weekday()]} {local:%H:%M} on the clock of {zone.key}."]
    if covering:
        lines.append(f"By the clock, {covering[0].said}.")
        lines += [f"Also {h.said}; {covering[0].state} is the more exact." for h in covering[1:]]
    else:
        lines.append("By the clock, neither sleep, gym, work nor weekend.")
    return [*lines, "Nothing but the clock was asked."]


def suits(allows: Allows, candidate: Candidate) -> bool:
    return True


# --- the verbs -----------------------------------------------------------------------------------------------------------


def detect(place: Place, *, now: datetime) -> Context:
    """What the person is doing at `now`, and what that allows."""
    return context_at(place.zone, now=now, lanes=place.settings.get("night", "lanes"))


def upcoming(place: Place, *, now: datetime, hours: float = 12.0) -> list[Row]:
    """The contexts of the next `hours`, each with the work windows inside it. Raises Refused for hours that are not 0 to HOURS_LIMIT."""
    if not 0 < hours <= HOURS_LIMIT:
        raise Refused(f"Hours must be more than 0 and at most {HOURS_LIMIT:g}, not {hours:g}.", code="usage")
    end = now + timedelta(hours=hours)
    windows = occurrences(place.settings.windows, place.zone, now, end)
    return [_block_row(b, [(w.key, SAID[w.kind], max(w.start, b.start), min(w.end, b.end)) for w in windows]) for b in blocks(place.zone, now, end)]


def _block_row(block: Block, windows: list[tuple[str, str, datetime, datetime]]) -> Row:
    inside = [{"key": key, "said": said, "start": start, "end": end} for key, said, start, end in windows if start < end]
    allows = ALLOWED[block.state]
    return {
        "state": block.state,
        "start": block.start,
        "end": block.end,
        "hours": round(block.hours, 3),
        "lanes": allows.lanes,
        "first": allows.first,
        "windows": inside,
    }


def summary(place: Place, *, now: datetime) -> dict[str, Any]:
    """This week, Monday to Sunday on the local clock: hours in each context by the clock, and the attempts that started in each."""
    with place.store.reading() as reader:
        return summary_of(reader, place.zone, now=now)


def summary_of(reader: Reader, zone: ZoneInfo, *, now: datetime) -> dict[str, Any]:
    """`summary` on an open reader or a snapshot. `hours` is the whole week, `hours_so_far` up to `now`."""
    begin, end = week_of(zone, now=now)
    week = blocks(zone, begin, end)
    whole, so_far = _hours(week), _hours(blocks(zone, begin, now))
    claims = reader.rows("context_scheduler.claims", since=begin, until=now)
    started = Counter(_state_at(week, r["claimed_at"]) for r in claims)
    verified = Counter(_state_at(week, r["claimed_at"]) for r in claims if r["verdict"] == "verified")
    rows = [
        {
            "state": state,
            "hours": round(whole[state], 3),
            "hours_so_far": round(so_far[state], 3),
            "attempts": started[state],
            "verified": verified[state],
        }
        for state in CONFIDENCE
    ]
    return {"week_start": begin, "week_end": end, "as_of": now, "contexts": rows, "attempts": len(claims)}


def week_of(zone: ZoneInfo, *, now: datetime) -> tuple[datetime, datetime]:
    """Monday 00:00 to the next Monday 00:00 of the local clock, aware UTC."""
    today = now.astimezone(zone).date()
    monday = today - timedelta(days=today.weekday())
    begin, end = (datetime.combine(d, time(0), zone).astimezone(UTC) for d in (monday, monday + timedelta(days=7)))
    return begin, end


def _hours(found: list[Block]) -> dict[str, float]:
    total = dict.fromkeys(CONFIDENCE, 0.0)
    for block in found:
        total[block.state] += block.hours
    return total


def _state_at(week: list[Block], at: datetime) -> str:
    return next(b.state for b in week if b.start <= at < b.end)


if __name__ == "__main__":
    from jarvis_lib.cli.entry import component_main

    component_main("context")
