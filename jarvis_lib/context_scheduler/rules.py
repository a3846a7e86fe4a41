"""Which context holds when? Pure rules over what is known: habits of the clock, days off, entries of calendars, overrides.

An override always wins while it lasts; then an entry of the calendar; then the clock, where the more exact habit wins: gym before sleeping,
sleeping before a holiday, a holiday before the weekend, the weekend before working; what is left is available. Without any habit and without a
calendar nothing is known, and the context is unknown. Hours are counted in UTC: a week with a clock change has 167 or 169 of them.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from jarvis_lib.model.context import Allows, Context, Habit
from jarvis_lib.model.prose import clean, shorten
from jarvis_lib.model.window import DAYS, moment_of

AHEAD = timedelta(days=15)
"""How far `context_at` looks for the end of a context: farther than any override lasts."""

CONFIDENCE = {"sleeping": 0.8, "gym": 0.6, "working": 0.7, "weekend": 0.7, "holiday": 0.7, "available": 0.5, "away": 0.5, "unknown": 0.0}
"""How far the clock alone is trusted. Stated, not measured: nothing has been observed yet. Likewise the two below."""
BY_CALENDAR = {"busy": 0.9, "away": 0.9, "tentative": 0.6}
BY_OVERRIDE = 1.0

STATE_OF = {"tentative": "working", "busy": "working", "away": "away"}
"""What an entry of a calendar says; where entries meet, the later kind counts."""
_NOT_BY_DAY = ("sleeping", "gym")
"""An entry of a whole day says nothing about these: nobody is busy at night because of a fair."""

SITTING_MIN, GONE_MIN = 10.0, 60.0


@dataclass(frozen=True, slots=True)
class Entry:
    """A span of a calendar, aware UTC; `kind` is busy, tentative or away."""

    start: datetime
    end: datetime
    kind: str
    all_day: bool = False
    title: str = ""


@dataclass(frozen=True, slots=True)
class Override:
    """What the person set, and from when to when it held or holds, aware UTC."""

    state: str
    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class Known:
    """All that is known. `days_off` maps local days to the name of the holiday; `has_calendar` is true when any calendar was ever read."""

    habits: tuple[Habit, ...]
    days_off: Mapping[date, str] = field(default_factory=dict)
    entries: tuple[Entry, ...] = ()
    overrides: tuple[Override, ...] = ()
    has_calendar: bool = False

    @property
    def is_nothing(self) -> bool:
        """Neither a habit nor a calendar: the weekend alone says nothing about the other days."""
        return not self.has_calendar and all(h.state == "weekend" for h in self.habits)


@dataclass(frozen=True, slots=True)
class Block:
    """A stretch of one context, aware UTC."""

    state: str
    start: datetime
    end: datetime

    @property
    def hours(self) -> float:
        """Real hours, so a block over a change of the clock is not an hour off."""
        return (self.end - self.start) / timedelta(hours=1)


# --- the blocks ----------------------------------------------------------------------------------------------------------


def blocks(known: Known, zone: ZoneInfo, begin: datetime, end: datetime) -> list[Block]:
    """The contexts of [begin, end) in order, without a gap; neighbours differ."""
    begin, end = begin.astimezone(UTC), end.astimezone(UTC)
    found = [Block(s, max(a, begin), min(b, end)) for s, a, b in _by_clock(known, zone, begin, end) if max(a, begin) < min(b, end)]
    for by_day in (True, False):
        for kind, state in STATE_OF.items():
            spans = [(e.start, e.end) for e in known.entries if e.kind == kind and (e.all_day and kind != "away") == by_day]
            found = _laid_over(found, spans, state, _NOT_BY_DAY if by_day else ())
    for own in known.overrides:
        found = _laid_over(found, [(own.since, own.until)], own.state)
    return _joined(found)


def _joined(found: Sequence[Block]) -> list[Block]:
    joined: list[Block] = []
    for block in found:
        start = joined.pop().start if joined and joined[-1].state == block.state else block.start
        joined.append(Block(block.state, start, block.end))
    return joined


def _laid_over(base: list[Block], spans: list[tuple[datetime, datetime]], state: str, but: Sequence[str] = ()) -> list[Block]:
    """`base` with `state` in the spans, except where it is one of `but`."""
    if not spans:
        return base
    spans = _merged(spans)
    found: list[Block] = []
    first = 0
    for block in base:
        while first < len(spans) and spans[first][1] <= block.start:
            first += 1
        at, i = block.start, first
        while block.state not in but and i < len(spans) and spans[i][0] < block.end:
            start, end = max(spans[i][0], at), min(spans[i][1], block.end)
            found += [Block(block.state, at, start)] if start > at else []
            found.append(Block(state, start, end))
            at, i = end, i + 1
        found += [Block(block.state, at, block.end)] if at < block.end else []
    return found


def _merged(spans: list[tuple[datetime, datetime]]) -> list[tuple[datetime, datetime]]:
    merged: list[tuple[datetime, datetime]] = []
    for start, end in sorted(s for s in spans if s[0] < s[1]):
        if merged and start <= merged[-1][1]:
            start, end = merged[-1][0], max(end, merged.pop()[1])
        merged.append((start, end))
    return merged


def _by_clock(known: Known, zone: ZoneInfo, begin: datetime, end: datetime) -> Iterator[tuple[str, datetime, datetime]]:
    """Stretches between the times at which any habit begins or ends. The state is read at the stretch's start on the local clock."""
    times = sorted({time(0)} | {h.start for h in known.habits} | {h.end for h in known.habits})
    day = begin.astimezone(zone).date() - timedelta(days=1)
    last = end.astimezone(zone).date() + timedelta(days=1)
    marks: list[tuple[date, time]] = []
    while day <= last:
        marks += [(day, at) for at in times]
        day += timedelta(days=1)
    moments = [moment_of(d, at, zone) for d, at in marks]
    for (d, at), start, stop in zip(marks, moments, moments[1:], strict=False):
        if start < stop:
            yield _clock_state(known, d, at), start, stop


def _clock_state(known: Known, day: date, at: time) -> str:
    covering = _covering(known, day, at)
    exact = next((h.state for h in covering if h.state in _NOT_BY_DAY), "")
    if not exact and day in known.days_off:
        return "holiday"
    return exact or (covering[0].state if covering else "unknown" if known.is_nothing else "available")


def _covering(known: Known, day: date, at: time) -> list[Habit]:
    return [h for h in known.habits if _covers(h, day.weekday(), at)]


def _covers(habit: Habit, weekday: int, at: time) -> bool:
    if habit.start < habit.end:
        return weekday in habit.days and habit.start <= at < habit.end
    started_today = weekday in habit.days and at >= habit.start
    started_yesterday = (weekday - 1) % 7 in habit.days and at < habit.end
    return started_today or started_yesterday


# --- the answer ----------------------------------------------------------------------------------------------------------


def context_at(known: Known, zone: ZoneInfo, *, now: datetime, allows: Callable[[str], Allows], idle_min: float | None = None) -> Context:
    """The context of `now`, from what is known about it and the AHEAD after it.

    `allows` says what each context allows (`Settings.allows`). `idle_min`, minutes since a key was pressed, only changes how sure it is.
    """
    current = blocks(known, zone, now, now + AHEAD)[0]
    own = next((o for o in reversed(known.overrides) if o.since <= now < o.until), None)
    entry = _entry_at(known, current.state, now) if own is None else None
    sure = BY_OVERRIDE if own else BY_CALENDAR[entry.kind] if entry else CONFIDENCE[current.state]
    why = [f"It is {_clock(now, zone, now)} on the clock of {zone.key}."]
    if own:
        why.append(f"You set {own.state} on {_clock(own.since, zone, now)}; that ends on {_clock(own.until, zone, now)}.")
    why += [*_calendar_why(known, entry, zone, now), *_clock_why(known, zone, now, current.state, decides=own is None and entry is None)]
    if idle_min is not None and own is None:
        sure, said = _adjusted(sure, current.state, idle_min)
        why.append(said)
    elif own is None and not known.has_calendar:
        why.append("Nothing but the clock was asked.")
    return Context(current.state, sure, current.end, tuple(why), allows(current.state), own is not None)


def _entry_at(known: Known, state: str, now: datetime) -> Entry | None:
    """The entry that decides: the strongest kind that is on now, the one that lasts longest."""
    on = [e for e in known.entries if e.start <= now < e.end and STATE_OF[e.kind] == state]
    return max(on, key=lambda e: (not e.all_day, list(STATE_OF).index(e.kind), e.end), default=None)


def _calendar_why(known: Known, entry: Entry | None, zone: ZoneInfo, now: datetime) -> list[str]:
    if entry is not None:
        kind = {"away": "“out of office”", "tentative": "a tentative entry"}.get(entry.kind, "an entry")
        what = f"“{shorten(clean(entry.title), 60)}”" if entry.title else kind
        return [f"Your calendar has {what} until {_clock(entry.end, zone, now)}."]
    if not known.has_calendar:
        return []
    on = [e for e in known.entries if e.start <= now < e.end]
    coming = min((e.start for e in known.entries if e.start > now), default=None)
    soon = f"; the next is on {_clock(coming, zone, now)}" if coming is not None and coming < now + timedelta(days=2) else ""
    return [f"Your calendar has {'an entry, which does not decide here' if on else 'no entry at this time'}{soon}."]


def _clock_why(known: Known, zone: ZoneInfo, now: datetime, state: str, *, decides: bool) -> list[str]:
    local = now.astimezone(zone)
    covering = _covering(known, local.date(), local.time())
    holiday = known.days_off.get(local.date())
    head = "By the clock" if decides else "By the clock alone"
    if known.is_nothing and not covering and not holiday:
        return ["The settings name no habit and no calendar was read, so nothing is known."]
    lines = [f"Today is a holiday: {clean(holiday)}."] if holiday else []
    first = covering[0] if covering else None
    if first is None or (holiday and first.state not in _NOT_BY_DAY):
        return [*lines, *([] if holiday else [f"{head}, neither sleep, gym, work nor weekend."])]
    lines.append(f"{head}, {first.said}.")
    return lines + ([f"Also {h.said}; {state} is the more exact." for h in covering[1:]] if decides else [])


def _adjusted(sure: float, state: str, idle_min: float) -> tuple[float, str]:
    """How sure it is after a look at the terminals, and the sentence."""
    said = f"A terminal of yours was last used {idle_min:.0f} min ago"
    at_rest = state in ("sleeping", "gym", "away")
    if (at_rest and idle_min < SITTING_MIN) or (not at_rest and idle_min > GONE_MIN):
        return round(max(sure - 0.3, 0.1), 2), f"{said}, which does not fit: less sure."
    if at_rest and idle_min > GONE_MIN:
        return round(min(sure + 0.1, 0.95), 2), f"{said}, which fits: more sure."
    return sure, f"{said}, which changes nothing."


def _clock(at: datetime, zone: ZoneInfo, now: datetime) -> str:
    """`Tue 12:00`, with the date where the day alone could be another week's."""
    local = at.astimezone(zone)
    near = abs(at - now) < timedelta(days=6)
    return f"{DAYS[local.weekday()]} {local:%H:%M}" if near else f"{DAYS[local.weekday()]} {local:%Y-%m-%d %H:%M}"
