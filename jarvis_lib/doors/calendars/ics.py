"""Which hours does an ICS file take? Spans with their kind, how many events it has, and how many of them could not be read.

One bad event costs that event; a rule that never fits, or fits too often, is given up after LIMIT_S of work and counted.
"""

import hashlib
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from jarvis_lib.doors.calendars.limits import OutOfTime, limited
from jarvis_lib.doors.calendars.repeats import MOST_OCCURRENCES, obstacle
from jarvis_lib.doors.calendars.spans import LONGEST_TITLE, Reading, Span, Wanted, merged
from jarvis_lib.doors.calendars.text import KIND, TIMES, RawEvent, sift
from jarvis_lib.model.prose import clean, shorten

if TYPE_CHECKING:
    from icalendar import Calendar, Event

LIMIT_S = 1.0
BUDGET_S = 30.0

_SIMPLE = re.compile(r"(?:;VALUE=DATE(?:-TIME)?|;TZID=\"?([^;:\"]+)\"?)*:(\d{8})(?:T(\d{6})(Z?))?\s*")


def read_ics(data: bytes, wanted: Wanted) -> Reading:
    """The spans of one file. Raises NotACalendar for what is none."""
    skipped: Counter[str] = Counter()
    found = sift(data, wanted, skipped)
    zone_name = found.properties.get("X-WR-TIMEZONE", "")
    zone = _zone(zone_name)
    head = "BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//jarvis//EN\n" + (f"X-WR-TIMEZONE:{zone_name}\n" if zone else "") + "".join(found.zones)
    expander = _Expander(head.replace("\n", "\r\n"), wanted, zone or wanted.zone, skipped)
    return Reading(merged(expander.spans(found.groups)), found.events, skipped)


class _Expander:
    """Parses the events that are left, some hundreds at once, and lets each repeat; where that fails, one by one."""

    def __init__(self, head: str, wanted: Wanted, floating: ZoneInfo, skipped: Counter[str]) -> None:
        self.head = head
        self.wanted = wanted
        self.floating = floating
        self.skipped = skipped
        self.zones: dict[str, ZoneInfo | None] = {}
        self.until = time.process_time() + BUDGET_S

    def spans(self, groups: dict[str, list[RawEvent]]) -> Iterator[Span]:
        alone: list[list[RawEvent]] = []
        series: list[list[RawEvent]] = []
        for group in groups.values():
            if len(group) > 1 or group[0].repeats:
                series += [] if self._is_skipped(group) else [group]
            else:
                simple = self._simple(group[0])
                alone += [group] if simple is None else []
                yield from simple or ()
        for some, act, at_once in ((alone, self._single, 400), (series, self._repeated, 50)):
            for at in range(0, len(some), at_once):
                yield from self._chunk(some[at : at + at_once], act)

    def _simple(self, raw: RawEvent) -> list[Span] | None:
        """An event with plain times is read without the parser, which takes many times as long; None for any other."""
        start, end = (self._plain(raw, name) for name in ("DTSTART", "DTEND"))
        if start is None or end is None or len(raw.lines["DTSTART"]) + len(raw.lines["DTEND"]) != 2 or "DURATION" in raw.lines:
            return None
        if type(start) is not type(end) or (isinstance(start, datetime) and self._moment(end) < self._moment(start)):
            return None
        title = raw.value("SUMMARY") if self.wanted.titles else ""
        return None if "\\" in title else self._as_span(start, end, raw.kind, raw.uid, title)

    def _plain(self, raw: RawEvent, name: str) -> date | None:
        line = raw.lines.get(name, [""])[0]
        found = _SIMPLE.fullmatch(line, len(name))
        if not found or (found[1] and (found[4] or not found[3] or self._named(found[1]) is None)):
            return None
        try:
            if not found[3]:
                return date(int(found[2][:4]), int(found[2][4:6]), int(found[2][6:]))
            at = datetime.strptime(found[2] + found[3], "%Y%m%d%H%M%S")  # noqa: DTZ007  # the zone is put on below, where there is one
        except ValueError:
            return None
        if found[4]:
            return at.replace(tzinfo=UTC)
        return at.replace(tzinfo=self._named(found[1])) if found[1] else at

    def _named(self, name: str) -> ZoneInfo | None:
        if name not in self.zones:
            self.zones[name] = _zone(name)
        return self.zones[name]

    def _chunk(self, groups: Sequence[list[RawEvent]], act: "Callable[[Calendar], list[Span]]") -> list[Span]:
        if time.process_time() > self.until:
            self.skipped[f"left after {BUDGET_S:.0f} s of work"] += len(groups)
            return []
        try:
            with limited(LIMIT_S + len(groups) * LIMIT_S / 100):
                return act(self._parsed(groups))
        except (Exception, OutOfTime) as error:  # noqa: BLE001  # parsers of foreign text raise anything; the cause is found one by one below
            if len(groups) > 1:
                middle = len(groups) // 2
                return self._chunk(groups[:middle], act) + self._chunk(groups[middle:], act)
            self.skipped["repeats too often" if isinstance(error, OutOfTime) else "cannot be read"] += 1
            return []

    def _parsed(self, groups: Sequence[list[RawEvent]]) -> "Calendar":
        """The events as a calendar; raises ValueError when a line that matters was dropped by the parser."""
        import icalendar
        import x_wr_timezone

        icalendar.use_zoneinfo()  # type: ignore[no-untyped-call]  # forgets the zones of other files, which may have used the same name for another one
        found = icalendar.Calendar.from_ical(self.head + "".join(raw.text for group in groups for raw in group) + "END:VCALENDAR\r\n")
        for event in found.walk("VEVENT"):
            if "DTSTART" not in event or any(str(name).upper() in TIMES for name, _ in event.errors):
                raise ValueError("a time that cannot be read")
        standard: Calendar = x_wr_timezone.to_standard(found)
        return standard

    def _single(self, calendar: "Calendar") -> list[Span]:
        return [s for event in calendar.events for s in self._span(event)]

    def _repeated(self, calendar: "Calendar") -> list[Span]:
        import recurring_ical_events

        day = timedelta(days=2)
        found = recurring_ical_events.of(calendar).between(self.wanted.begin - day, self.wanted.end + day)
        for uid, count in Counter(str(event.get("UID")) for event in found).items():
            if count > MOST_OCCURRENCES:
                raise OutOfTime(uid)
        return [s for event in found for s in self._span(event)]

    def _span(self, event: "Event") -> list[Span]:
        """The time of one occurrence, or nothing when it takes none of the horizon."""
        title = str(event.get("SUMMARY", "")) if self.wanted.titles else ""
        return self._as_span(event.start, event.end, str(event.get(KIND)), str(event.get("UID")), title)

    def _as_span(self, start: date, end: date, kind: str, uid: str, title: str) -> list[Span]:
        all_day = not isinstance(start, datetime)
        if not kind or (all_day and kind != "away" and not self.wanted.busy_all_day):
            return []
        begins, ends = self._moment(start), self._moment(end)
        if ends < begins:
            raise ValueError("it ends before it starts")
        if begins == ends or ends <= self.wanted.begin or begins >= self.wanted.end:
            return []
        hashed = hashlib.sha256(uid.encode()).hexdigest()[:12]
        return [Span(int(begins.timestamp()), int(ends.timestamp()), all_day, kind, hashed, shorten(clean(title), LONGEST_TITLE))]

    def _moment(self, at: date) -> datetime:
        """Days begin at the person's midnight; a time without a zone is one of the calendar's zone, else of the person's."""
        if not isinstance(at, datetime):
            return datetime(at.year, at.month, at.day, tzinfo=self.wanted.zone).astimezone(UTC)
        return (at if at.tzinfo else at.replace(tzinfo=self.floating)).astimezone(UTC)

    def _is_skipped(self, group: list[RawEvent]) -> bool:
        why = obstacle(group, self.wanted)
        if why:
            self.skipped[why] += 1
        return bool(why)


def _zone(name: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(name) if name else None
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None
