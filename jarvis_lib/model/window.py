"""Windows: spans of the local clock when work may happen. Which occurrence is it, and how many real hours has it?

An occurrence has one key, `kind@local date of its start`. Hours are taken in UTC, so the nights of a clock change have
7 and 9 hours: two aware datetimes of one zone would subtract as wall clock.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
KINDS = ("overnight", "quick_win", "work_hours", "weekend")
"""In the order that decides where windows meet: overnight wins."""
SAID = {"overnight": "Overnight", "quick_win": "Quick win", "work_hours": "Work hours", "weekend": "Weekend"}


@dataclass(frozen=True, slots=True)
class WindowRule:
    """One `[windows.X]`: days (0 = Monday) and times of the local clock; an end at or before the start is on the next day."""

    kind: str
    on: bool
    days: tuple[int, ...]
    start: time
    end: time
    longest_h: float


@dataclass(frozen=True, slots=True)
class Window:
    """One occurrence, in UTC. `longest_h` is the longest task that belongs into it."""

    kind: str
    day: date
    start: datetime
    end: datetime
    longest_h: float

    @property
    def key(self) -> str:
        return f"{self.kind}@{self.day.isoformat()}"

    @property
    def hours(self) -> float:
        return (self.end - self.start) / timedelta(hours=1)

    def said(self, zone: ZoneInfo) -> str:
        """`Overnight Tue 23:00 to 07:00` on the local clock."""
        start, end = self.start.astimezone(zone), self.end.astimezone(zone)
        return f"{SAID[self.kind]} {DAYS[self.day.weekday()]} {start:%H:%M} to {end:%H:%M}"


@dataclass(frozen=True, slots=True)
class Cuts:
    """What the calendar takes from the windows: local days that count as weekend, and spans (aware UTC) in which nothing may run."""

    days_off: frozenset[date] = frozenset()
    busy: tuple[tuple[datetime, datetime], ...] = ()


NO_CUTS = Cuts()


def occurrence(rule: WindowRule, day: date, zone: ZoneInfo) -> Window:
    """The occurrence of `rule` that starts on `day`. A time that the clock skips counts as the moment after the gap."""
    start = datetime.combine(day, rule.start, zone).astimezone(UTC)
    last = day + timedelta(days=1) if rule.end <= rule.start else day
    end = datetime.combine(last, rule.end, zone).astimezone(UTC)
    return Window(rule.kind, day, start, end, rule.longest_h)


def occurrences(rules: Sequence[WindowRule], zone: ZoneInfo, begin: datetime, end: datetime, cuts: Cuts = NO_CUTS) -> list[Window]:
    """All occurrences that overlap [begin, end), by start; where they meet, the earlier kind of KINDS keeps the time.

    An occurrence that a busy span or another window divides is in the answer in parts, all with its one key.
    """
    found = sorted(_raw(rules, zone, begin, end, cuts.days_off), key=lambda w: (KINDS.index(w.kind), w.start))
    kept: list[Window] = []
    for window in found:
        kept += _cut(window, kept)
    free = [part for w in kept for part in free_parts(w, cuts.busy)] if cuts.busy else kept
    return sorted((w for w in free if w.start < end and w.end > begin), key=lambda w: (w.start, w.kind))


def free_parts(window: Window, busy: Sequence[tuple[datetime, datetime]]) -> list[Window]:
    """What the busy spans leave of a window, in order; each part has its key."""
    return _cut(window, [Window("", window.day, a, b, 0.0) for a, b in busy if a < b])


def current(rules: Sequence[WindowRule], zone: ZoneInfo, now: datetime, cuts: Cuts = NO_CUTS) -> Window | None:
    """The occurrence that contains `now`."""
    found = occurrences(rules, zone, now, now + timedelta(microseconds=1), cuts)
    return found[0] if found else None


def coming(rules: Sequence[WindowRule], zone: ZoneInfo, now: datetime, kind: str | None = None, days: int = 14, cuts: Cuts = NO_CUTS) -> Window | None:
    """The occurrence that is on now or starts next, of `kind` if given, within `days`."""
    found = occurrences(rules, zone, now, now + timedelta(days=days), cuts)
    return next((w for w in found if kind in (None, w.kind)), None)


def _on(rule: WindowRule, day: date, days_off: frozenset[date]) -> bool:
    """A day off has the windows of a weekend day, and no others."""
    return rule.on and (bool({5, 6}.intersection(rule.days)) if day in days_off else day.weekday() in rule.days)


def _raw(rules: Sequence[WindowRule], zone: ZoneInfo, begin: datetime, end: datetime, days_off: frozenset[date]) -> Iterator[Window]:
    day = begin.astimezone(zone).date() - timedelta(days=2)
    last = end.astimezone(zone).date() + timedelta(days=1)
    while day <= last:
        for rule in rules:
            if _on(rule, day, days_off):
                window = occurrence(rule, day, zone)
                if window.end > window.start:
                    yield window
        day += timedelta(days=1)


def _cut(window: Window, taken: Sequence[Window]) -> list[Window]:
    for other in sorted(taken, key=lambda w: w.start):
        if other.start < window.end and other.end > window.start:
            if other.start > window.start:
                head = Window(window.kind, window.day, window.start, other.start, window.longest_h)
                rest = Window(window.kind, window.day, other.end, max(window.end, other.end), window.longest_h)
                return [head] if rest.end <= rest.start or other.end >= window.end else [head, *_cut(rest, taken)]
            if other.end >= window.end:
                return []
            window = Window(window.kind, window.day, other.end, window.end, window.longest_h)
    return [window]
