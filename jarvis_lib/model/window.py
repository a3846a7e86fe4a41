"""Windows: spans of the local clock when work may happen. Which occurrence is it, and how many real hours has it?

An occurrence has one key, `kind@local date of its start`. Hours are taken in UTC, so the nights of a clock change have
7 and 9 hours: two aware datetimes of one zone would subtract as wall clock.
"""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
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
        """`kind@day`, the local day on which it begins; the same for every plan."""
        return f"{self.kind}@{self.day.isoformat()}"

    @property
    def hours(self) -> float:
        """Real hours, also over a change of the clock."""
        return (self.end - self.start) / timedelta(hours=1)

    def said(self, zone: ZoneInfo) -> str:
        """`Overnight Tue 23:00 to 07:00` on the local clock."""
        start, end = self.start.astimezone(zone), self.end.astimezone(zone)
        return f"{SAID[self.kind]} {DAYS[self.day.weekday()]} {start:%H:%M} to {end:%H:%M}"


@dataclass(frozen=True, slots=True)
class Cuts:
    """What the calendar takes from the windows: local days that count as weekend, and spans (aware UTC) in which nothing may run.

    `busy` spans cut every window, `partly` only those of the kinds that it names.
    """

    days_off: frozenset[date] = frozenset()
    busy: tuple[tuple[datetime, datetime], ...] = ()
    partly: tuple[tuple[datetime, datetime, frozenset[str]], ...] = ()

    def of(self, kind: str) -> list[tuple[datetime, datetime]]:
        """What is cut from windows of `kind`: in order, never touching."""
        found = sorted(s for s in [*self.busy, *((a, b) for a, b, kinds in self.partly if kind in kinds)] if s[0] < s[1])
        joined: list[tuple[datetime, datetime]] = []
        for start, end in found:
            if joined and start <= joined[-1][1]:
                start, end = joined[-1][0], max(end, joined.pop()[1])
            joined.append((start, end))
        return joined


NO_CUTS = Cuts()


def skipped(day: date, at: time, zone: ZoneInfo) -> bool:
    """Does the local clock jump over this time on this day?"""
    wall = datetime.combine(day, at)
    return wall.replace(tzinfo=zone).astimezone(UTC).astimezone(zone).replace(tzinfo=None) != wall


def moment_of(day: date, at: time, zone: ZoneInfo) -> datetime:
    """The moment in UTC when the local clock shows this time: the first of two in a repeated hour, the jump itself for a skipped time."""
    wall = datetime.combine(day, at, zone)
    found = wall.astimezone(UTC)
    if not skipped(day, at, zone):
        return found
    before, after = wall.replace(fold=1).astimezone(UTC), found  # the clock jumps between these two
    old = before.astimezone(zone).utcoffset()
    while after - before > timedelta(seconds=1):
        middle = before + (after - before) // 2
        before, after = (middle, after) if middle.astimezone(zone).utcoffset() == old else (before, middle)
    return after.replace(microsecond=0)


def occurrence(rule: WindowRule, day: date, zone: ZoneInfo) -> Window:
    """The occurrence of `rule` that starts on `day`. A time that the clock skips counts as much later as the clock jumps.

    A window that would end before such a start begins with the jump instead, so that it is not lost; in a repeated hour the first counts.
    """
    start = datetime.combine(day, rule.start, zone).astimezone(UTC)
    last = day + timedelta(days=1) if rule.end <= rule.start else day
    end = datetime.combine(last, rule.end, zone).astimezone(UTC)
    return Window(rule.kind, day, start if start < end else moment_of(day, rule.start, zone), end, rule.longest_h)


def occurrences(rules: Sequence[WindowRule], zone: ZoneInfo, begin: datetime, end: datetime, cuts: Cuts = NO_CUTS) -> list[Window]:
    """All occurrences that overlap [begin, end), by start; where they meet, the earlier kind of KINDS keeps the time.

    An occurrence that a busy span or another window divides is in the answer in parts, all with its one key.
    """
    found = sorted(_raw(rules, zone, begin, end, cuts.days_off), key=lambda w: (KINDS.index(w.kind), w.start))
    kept: list[Window] = []
    for window in found:
        kept += _cut(window, kept)
    taken = {kind: cuts.of(kind) for kind in KINDS} if cuts.busy or cuts.partly else {}
    free = [part for w in kept for part in free_parts(w, taken.get(w.kind, ()))]
    return sorted((w for w in free if w.start < end and w.end > begin), key=lambda w: (w.start, w.kind))


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


def free_parts(window: Window, busy: Sequence[tuple[datetime, datetime]]) -> list[Window]:
    """The parts of `window` outside of the spans, which are in order and do not touch."""
    found: list[Window] = []
    at = window.start
    for start, end in busy[max(bisect_right(busy, (window.start, window.start)) - 1, 0) :]:
        if start >= window.end:
            break
        if start > at:
            found.append(replace(window, start=at, end=start))
        at = max(at, end)
    return [*found, replace(window, start=at)] if at < window.end else found


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
