"""Which hours does an ICS text take? Spans with their kind, how many events it has, and how many of them could not be read.

Most events never reach a parser: what does not repeat and lies outside of the horizon is dropped as text, and so is every line that is not
needed. One bad event costs that event; a rule that repeats without end or never fits is given up after LIMIT_S of work and counted.
"""

import hashlib
import re
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from types import FrameType
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from jarvis_lib.model.prose import clean, listed, plural, shorten

if TYPE_CHECKING:
    from icalendar import Calendar, Event

MOST_OCCURRENCES = 2_500
"""In the horizon, for one event: once an hour is within it, once a minute is not."""
MOST_STEPS = 400_000
MOST_SPANS = 4_000
LIMIT_S = 1.0
BUDGET_S = 30.0
_TITLE = 120

_BLOCK = re.compile(r"^BEGIN:VEVENT[ \t]*\n(.*?)^END:VEVENT[ \t]*$", re.DOTALL | re.MULTILINE | re.IGNORECASE)
_ZONE = re.compile(r"^BEGIN:VTIMEZONE[ \t]*\n.*?^END:VTIMEZONE[ \t]*$", re.DOTALL | re.MULTILINE | re.IGNORECASE)
_NESTED = re.compile(r"^BEGIN:(\w+)[ \t]*\n.*?^END:\1[ \t]*\n?", re.DOTALL | re.MULTILINE | re.IGNORECASE)
_OF_CALENDAR = re.compile(r"^(X-WR-TIMEZONE|X-WR-CALNAME)[^:\n]*:(.*)$", re.MULTILINE | re.IGNORECASE)
_DAY = re.compile(r":(\d{4})(\d\d)(\d\d)")
_TIMES = frozenset({"DTSTART", "DTEND", "DURATION", "RRULE", "RDATE", "EXDATE", "RECURRENCE-ID"})
_KEPT = _TIMES | {"UID", "SEQUENCE"}
_ASKED = ("STATUS", "TRANSP", "X-MICROSOFT-CDO-BUSYSTATUS")
_KIND = "X-JARVIS-KIND"
_SIMPLE = re.compile(r"(?:;VALUE=DATE(?:-TIME)?|;TZID=\"?([^;:\"]+)\"?)*:(\d{8})(?:T(\d{6})(Z?))?\s*")

_PER_DAY = {"SECONDLY": 86_400.0, "MINUTELY": 1_440.0, "HOURLY": 24.0, "DAILY": 1.0, "WEEKLY": 1.0, "MONTHLY": 1.0, "YEARLY": 1.0}


class NotACalendar(Exception):
    """The bytes are no calendar; the text says what they are, as the end of a sentence that begins with the source's name."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a reading should give: spans that meet [begin, end), and what the person allows and is called."""

    begin: datetime
    end: datetime
    zone: ZoneInfo
    titles: bool = False
    busy_all_day: bool = False
    emails: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Span:
    """What an entry takes, in seconds since 1970. `kind` is busy, tentative or away; `uid` is a hash; `title` is empty unless it is allowed."""

    start: int
    end: int
    all_day: bool
    kind: str
    uid: str
    title: str


@dataclass(frozen=True, slots=True)
class Reading:
    """What was read: spans that neither touch nor overlap others of their kind, and why events were skipped, with how many."""

    spans: tuple[Span, ...]
    events: int
    skipped: Counter[str]

    def __add__(self, other: "Reading") -> "Reading":
        return Reading(merged([*self.spans, *other.spans]), self.events + other.events, self.skipped + other.skipped)

    @property
    def said(self) -> str:
        why = listed([f"{count:,} {reason}" for reason, count in sorted(self.skipped.items())])
        return plural(self.events, "event") + (f", {self.skipped.total():,} skipped: {why}" if self.skipped else "")


@dataclass(frozen=True, slots=True)
class _Raw:
    """One VEVENT as text: its needed lines by name."""

    uid: str
    lines: dict[str, list[str]]

    def value(self, name: str) -> str:
        found = self.lines.get(name)
        return found[0].partition(":")[2].strip() if found else ""

    @property
    def kind(self) -> str:
        """busy, tentative, away, or nothing when it takes no time."""
        return self.value(_KIND)

    @property
    def repeats(self) -> bool:
        return not self.lines.keys().isdisjoint(("RRULE", "RDATE", "RECURRENCE-ID"))

    @property
    def text(self) -> str:
        kept = "\r\n".join(line for lines in self.lines.values() for line in lines)
        return f"BEGIN:VEVENT\r\nUID:{self.uid}\r\n{kept}\r\nEND:VEVENT\r\n"


# --- the text ------------------------------------------------------------------------------------------------------------


def read_ics(data: bytes, wanted: Wanted) -> Reading:
    """The spans of one file. Raises NotACalendar for what is none."""
    text = _text(data)
    of_calendar = {name.upper(): value.strip() for name, value in _OF_CALENDAR.findall(text)}
    skipped: Counter[str] = Counter()
    events, groups = 0, dict[str, list[_Raw]]()
    emails = {e.casefold() for e in (*wanted.emails, of_calendar.get("X-WR-CALNAME", ""))} - {""}
    for number, block in enumerate(_blocks(text, skipped)):
        events += 1
        raw = _raw(block, number, emails, wanted)
        if raw is not None:
            groups.setdefault(raw.uid, []).append(raw)
    head = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//jarvis//EN\r\n"
    zone_name = of_calendar.get("X-WR-TIMEZONE", "")
    head += f"X-WR-TIMEZONE:{zone_name}\r\n" if _zone(zone_name) else ""
    head += "".join(z.replace("\n", "\r\n") + "\r\n" for z in _ZONE.findall(text))
    expander = _Expander(head, wanted, _zone(zone_name) or wanted.zone, skipped)
    spans = merged(expander.spans(groups))
    return Reading(spans, events + skipped["never ends in the file"], skipped)


def _text(data: bytes) -> str:
    if b"\0" in data[:65536]:
        raise NotACalendar("is binary, not a calendar")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("latin-1")
    text = re.sub(r"\n[ \t]", "", text.replace("\r\n", "\n").replace("\r", "\n"))
    if re.search(r"^BEGIN:VCALENDAR[ \t]*$", text, re.MULTILINE | re.IGNORECASE):
        return text
    start = text.lstrip()[:2000].lower()
    if start.startswith(("<!doctype html", "<html")) or "<html" in start:
        raise NotACalendar("is a web page, not a calendar; use the address of the ICS itself")
    raise NotACalendar("is empty" if not start else "is not a calendar: it has no line BEGIN:VCALENDAR")


def _blocks(text: str, skipped: Counter[str]) -> Iterator[str]:
    """The inside of each VEVENT; one that another begins in, or the file ends in, is counted as skipped."""
    begun = len(re.findall(r"^BEGIN:VEVENT[ \t]*$", text, re.MULTILINE | re.IGNORECASE))
    whole = 0
    for found in _BLOCK.finditer(text):
        whole += 1
        yield re.split(r"(?im)^BEGIN:VEVENT[ \t]*\n", found.group(1))[-1]
    if begun > whole:
        skipped["never ends in the file"] += begun - whole


def _raw(block: str, number: int, emails: set[str], wanted: Wanted) -> _Raw | None:
    """The event as far as it is needed; None when it surely takes no time of the horizon."""
    lines: dict[str, list[str]] = {}
    asked: dict[str, str] = {}
    attendees: list[str] = []
    for line in (_NESTED.sub("", block) if "BEGIN:" in block.upper() else block).split("\n"):
        name = re.split(r"[;:]", line, maxsplit=1)[0].upper()
        if name in _KEPT or (name == "SUMMARY" and wanted.titles):
            lines.setdefault(name, []).append(line)
        elif name in _ASKED:
            asked[name] = line.partition(":")[2].strip().upper()
        elif name == "ATTENDEE":
            attendees.append(line.casefold())
    uid = lines.pop("UID", [""])[0].partition(":")[2].strip() or f"without-uid-{number}"
    kind = "" if _declined(attendees, emails) else _kind(asked)
    raw = _Raw(uid, lines | {_KIND: [f"{_KIND}:{kind}"]})
    return raw if raw.repeats or (kind and _meets(raw, wanted)) else None


def _declined(attendees: Sequence[str], emails: set[str]) -> bool:
    """Did the person say no: by one of their addresses, or because all who are asked did?"""
    said_no = [a for a in attendees if "partstat=declined" in a]
    return bool(said_no) and (len(said_no) == len(attendees) or any(e in a for a in said_no for e in emails))


def _kind(asked: dict[str, str]) -> str:
    """What the event says of the time it takes; nothing for one that is cancelled, free, or worked elsewhere."""
    busy, status = asked.get("X-MICROSOFT-CDO-BUSYSTATUS"), asked.get("STATUS")
    if status == "CANCELLED" or asked.get("TRANSP") == "TRANSPARENT" or busy in ("FREE", "WORKINGELSEWHERE"):
        return ""
    return "away" if busy == "OOF" else "tentative" if "TENTATIVE" in (busy, status) else "busy"


def _meets(raw: _Raw, wanted: Wanted) -> bool:
    """May this single event meet the horizon? What cannot be told from the text is left to the parser."""
    start, end = (_day(raw.lines.get(name, [""])[0]) for name in ("DTSTART", "DTEND"))
    if start is None or (end is None and ("DTEND" in raw.lines or "DURATION" in raw.lines)):
        return start is None or start <= wanted.end.date() + timedelta(days=2)
    return start <= wanted.end.date() + timedelta(days=2) and (end or start) >= wanted.begin.date() - timedelta(days=2)


def _day(line: str) -> date | None:
    found = _DAY.search(line)
    try:
        return date(int(found[1]), int(found[2]), int(found[3])) if found else None
    except ValueError:
        return None


# --- from text to occurrences --------------------------------------------------------------------------------------------


class _Expander:
    """Parses the events that are left, some hundreds at once, and lets each repeat; where that fails, one by one."""

    def __init__(self, head: str, wanted: Wanted, floating: ZoneInfo, skipped: Counter[str]) -> None:
        self.head = head
        self.wanted = wanted
        self.floating = floating
        self.skipped = skipped
        self.zones: dict[str, ZoneInfo | None] = {}
        self.until = time.process_time() + BUDGET_S

    def spans(self, groups: dict[str, list[_Raw]]) -> Iterator[Span]:
        alone: list[list[_Raw]] = []
        series: list[list[_Raw]] = []
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

    def _simple(self, raw: _Raw) -> list[Span] | None:
        """An event with plain times is read without the parser, which takes many times as long; None for any other."""
        start, end = (self._plain(raw, name) for name in ("DTSTART", "DTEND"))
        if start is None or end is None or len(raw.lines["DTSTART"]) + len(raw.lines["DTEND"]) != 2 or "DURATION" in raw.lines:
            return None
        if type(start) is not type(end) or (isinstance(start, datetime) and self._moment(end) < self._moment(start)):
            return None
        title = raw.value("SUMMARY") if self.wanted.titles else ""
        return None if "\\" in title else self._as_span(start, end, raw.kind, raw.uid, title)

    def _plain(self, raw: _Raw, name: str) -> date | None:
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

    def _chunk(self, groups: Sequence[list[_Raw]], act: "Callable[[Calendar], list[Span]]") -> list[Span]:
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

    def _parsed(self, groups: Sequence[list[_Raw]]) -> "Calendar":
        """The events as a calendar; raises ValueError when a line that matters was dropped by the parser."""
        import icalendar
        import x_wr_timezone

        icalendar.use_zoneinfo()  # type: ignore[no-untyped-call]  # forgets the zones of other files, which may have used the same name for another one
        found = icalendar.Calendar.from_ical(self.head + "".join(raw.text for group in groups for raw in group) + "END:VCALENDAR\r\n")
        for event in found.walk("VEVENT"):
            if "DTSTART" not in event or any(str(name).upper() in _TIMES for name, _ in event.errors):
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
        return self._as_span(event.start, event.end, str(event.get(_KIND)), str(event.get("UID")), title)

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
        return [Span(int(begins.timestamp()), int(ends.timestamp()), all_day, kind, hashed, shorten(clean(title), _TITLE))]

    def _moment(self, at: date) -> datetime:
        """Days begin at the person's midnight; a time without a zone is one of the calendar's zone, else of the person's."""
        if not isinstance(at, datetime):
            return datetime(at.year, at.month, at.day, tzinfo=self.wanted.zone).astimezone(UTC)
        return (at if at.tzinfo else at.replace(tzinfo=self.floating)).astimezone(UTC)

    def _is_skipped(self, group: Sequence[_Raw]) -> bool:
        """Is the series one that must not be tried? It is counted then."""
        rules = [(_parts(line.partition(":")[2]), raw) for raw in group for line in raw.lines.get("RRULE", ())]
        dates = sum(line.count(",") + 1 for raw in group for line in raw.lines.get("RDATE", ()))
        if any(parts.get("INTERVAL", "1").strip("0") == "" for parts, _ in rules):
            self.skipped["cannot be read"] += 1
        elif dates > MOST_OCCURRENCES or any(_too_often(parts, raw, self.wanted) for parts, raw in rules):
            self.skipped["repeats too often"] += 1
        elif any(_never(parts) for parts, _ in rules):
            self.skipped["repeats on days that do not exist"] += 1
        else:
            return False
        return True


def _parts(rule: str) -> dict[str, str]:
    return dict(part.split("=", 1) for part in rule.upper().strip().split(";") if "=" in part)


_MONTHS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


def _never(parts: dict[str, str]) -> bool:
    """A rule for the 30th of February and the like would be looked for until the year 9999."""
    months, days = ([int(n) for n in parts.get(name, "").split(",") if n.lstrip("-+").isdigit()] for name in ("BYMONTH", "BYMONTHDAY"))
    lengths = [_MONTHS[m - 1] for m in months if 1 <= m <= 12]
    return bool(days) and bool(lengths) and all(abs(d) > max(lengths) or d == 0 for d in days)


def _too_often(parts: dict[str, str], raw: _Raw, wanted: Wanted) -> bool:
    """Would this rule give too many occurrences in the horizon, or take too many steps from its start to get there?"""
    start = _day(raw.lines.get("DTSTART", [""])[0]) or wanted.begin.date()
    last = min(_day(":" + parts.get("UNTIL", "")) or date.max, wanted.end.date())
    per_day = steps = _PER_DAY.get(parts.get("FREQ", ""), 1.0)
    for name, finer in (("BYHOUR", "HOURLY"), ("BYMINUTE", "MINUTELY"), ("BYSECOND", "SECONDLY")):
        if name in parts and steps < _PER_DAY[finer]:
            per_day *= parts[name].count(",") + 1
    if steps > 1 and parts.get("INTERVAL", "").isdigit():
        per_day, steps = per_day / int(parts["INTERVAL"]), steps / int(parts["INTERVAL"])
    count = float(parts["COUNT"]) if parts.get("COUNT", "").isdigit() else float("inf")
    many = per_day * max((last - max(start, wanted.begin.date())).days + 1, 0)
    return min(many, count) > MOST_OCCURRENCES or min(steps * max((last - start).days + 1, 0), count) > MOST_STEPS


def _zone(name: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(name) if name else None
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


# --- spans ---------------------------------------------------------------------------------------------------------------


def merged(spans: Iterable[Span]) -> tuple[Span, ...]:
    """The spans with those of one kind that touch made one; with more than MOST_SPANS, gaps are closed from one minute up until they fit."""
    found, gap = _merged(sorted(spans, key=lambda s: (s.kind, s.all_day, s.start, s.end, s.title)), 0), 60
    while len(found) > MOST_SPANS:
        found, gap = _merged(found, gap), gap * 2
    return tuple(sorted(found, key=lambda s: (s.start, s.end, s.kind)))


def _merged(spans: Sequence[Span], gap: int) -> list[Span]:
    done: list[Span] = []
    for s in spans:
        last = done[-1] if done else None
        if last and (last.kind, last.all_day) == (s.kind, s.all_day) and s.start <= last.end + gap:
            titles = last.title if s.title in ("", last.title) or s.title in last.title.split("; ") else f"{last.title}; {s.title}".removeprefix("; ")
            done[-1] = Span(last.start, max(last.end, s.end), s.all_day, s.kind, last.uid, shorten(titles, _TITLE))
        else:
            done.append(s)
    return done


# --- time ----------------------------------------------------------------------------------------------------------------


class OutOfTime(BaseException):
    """What was tried takes too long. Not an Exception, so that no parser swallows it."""


@contextmanager
def limited(seconds: float, *, on_the_clock: bool = False) -> Iterator[None]:
    """Raise OutOfTime inside of the `with` after so many seconds of work, so that a busy machine loses nothing; or, on the clock, of time.

    Only the main thread can be stopped; in another one nothing is limited.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def ring(number: int, frame: FrameType | None) -> Any:
        raise OutOfTime(f"{seconds:g} s")

    bell, timer = (signal.SIGALRM, signal.ITIMER_REAL) if on_the_clock else (signal.SIGVTALRM, signal.ITIMER_VIRTUAL)
    before = signal.signal(bell, ring)
    signal.setitimer(timer, seconds)
    try:
        yield
    finally:
        signal.setitimer(timer, 0)
        signal.signal(bell, before)
