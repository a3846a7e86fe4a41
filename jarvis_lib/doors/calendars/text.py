"""What does an ICS text say, line by line? Its zones and those events that may take time of the horizon, each with the lines that are needed.

Most events never reach a parser: what does not repeat and lies outside of the horizon is dropped here. Every step is linear in the text.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from jarvis_lib.doors.calendars.spans import NotACalendar, Wanted

_OF_CALENDAR = re.compile(r"^(X-WR-TIMEZONE|X-WR-CALNAME)[^:\n]*:(.*)$", re.MULTILINE | re.IGNORECASE)
_DAY = re.compile(r":(\d{4})(\d\d)(\d\d)")
TIMES = frozenset({"DTSTART", "DTEND", "DURATION", "RRULE", "RDATE", "EXDATE", "RECURRENCE-ID"})
_KEPT = TIMES | {"UID", "SEQUENCE"}
_ASKED = ("STATUS", "TRANSP", "X-MICROSOFT-CDO-BUSYSTATUS")
KIND = "X-JARVIS-KIND"


@dataclass(frozen=True, slots=True)
class RawEvent:
    """One VEVENT as text: its needed lines by name."""

    uid: str
    lines: dict[str, list[str]]

    def value(self, name: str) -> str:
        """What stands behind the first colon of its line of that name; empty without one."""
        found = self.lines.get(name)
        return found[0].partition(":")[2].strip() if found else ""

    @property
    def kind(self) -> str:
        """busy, tentative, away, or nothing when it takes no time."""
        return self.value(KIND)

    @property
    def repeats(self) -> bool:
        """Whether it has a rule or dates of repetition, or changes one occurrence of an event that has."""
        return not self.lines.keys().isdisjoint(("RRULE", "RDATE", "RECURRENCE-ID"))

    @property
    def text(self) -> str:
        """A VEVENT of the kept lines alone, with CRLF, as a parser takes it."""
        kept = "\r\n".join(line for lines in self.lines.values() for line in lines)
        return f"BEGIN:VEVENT\r\nUID:{self.uid}\r\n{kept}\r\nEND:VEVENT\r\n"


@dataclass(frozen=True, slots=True)
class IcsText:
    """A calendar as text: its own properties, the definitions of its zones, its events by UID, and how many there were before the sifting."""

    properties: dict[str, str]
    zones: list[str]
    groups: dict[str, list[RawEvent]]
    events: int


def sift(data: bytes, wanted: Wanted, skipped: Counter[str]) -> IcsText:
    """The text of one file. Raises NotACalendar for what is none; counts in `skipped` what never ends."""
    text = _text(data)
    own = {name.upper(): value.strip() for name, value in _OF_CALENDAR.findall(text)}
    emails = {e.casefold() for e in (*wanted.emails, own.get("X-WR-CALNAME", ""))} - {""}
    events, groups = 0, dict[str, list[RawEvent]]()
    for number, block in enumerate(_components(text, "VEVENT")):
        events += 1
        if block is None:
            skipped["never ends in the file"] += 1
            continue
        raw = _raw(block, number, emails, wanted)
        if raw is not None:
            groups.setdefault(raw.uid, []).append(raw)
    zones = [f"BEGIN:VTIMEZONE\n{z}END:VTIMEZONE\n" for z in _components(text, "VTIMEZONE") if z is not None]
    return IcsText(own, zones, groups, events)


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


def _components(text: str, name: str) -> Iterator[str | None]:
    """The inside of each component of this name; None for one that does not end before the next begins, or the text is over."""
    end = re.compile(rf"^END:{name}[ \t]*$", re.MULTILINE | re.IGNORECASE)
    for part in re.split(rf"(?im)^BEGIN:{name}[ \t]*\n", text)[1:]:
        found = end.search(part)
        yield part[: found.start()] if found else None


def _own_lines(block: str) -> Iterator[str]:
    """The lines of a component without those of alarms and whatever else is in it."""
    depth = 0
    for line in block.split("\n"):
        word = line[:6].upper()
        if word == "BEGIN:":
            depth += 1
        elif word.startswith("END:"):
            depth = max(depth - 1, 0)
        elif depth == 0:
            yield line


def _raw(block: str, number: int, emails: set[str], wanted: Wanted) -> RawEvent | None:
    """The event as far as it is needed; None when it surely takes no time of the horizon."""
    lines: dict[str, list[str]] = {}
    asked: dict[str, str] = {}
    attendees: list[str] = []
    for line in _own_lines(block):
        name = re.split(r"[;:]", line, maxsplit=1)[0].upper()
        if name in _KEPT or (name == "SUMMARY" and wanted.titles):
            lines.setdefault(name, []).append(line)
        elif name in _ASKED:
            asked[name] = line.partition(":")[2].strip().upper()
        elif name == "ATTENDEE":
            attendees.append(line.casefold())
    uid = lines.pop("UID", [""])[0].partition(":")[2].strip() or f"without-uid-{number}"
    kind = "" if _declined(attendees, emails) else _kind(asked)
    raw = RawEvent(uid, lines | {KIND: [f"{KIND}:{kind}"]})
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


def _meets(raw: RawEvent, wanted: Wanted) -> bool:
    """May this single event meet the horizon? What cannot be told from the text is left to the parser."""
    start, end = (day_of(raw.lines.get(name, [""])[0]) for name in ("DTSTART", "DTEND"))
    if start is None or (end is None and ("DTEND" in raw.lines or "DURATION" in raw.lines)):
        return start is None or start <= wanted.end.date() + timedelta(days=2)
    return start <= wanted.end.date() + timedelta(days=2) and (end or start) >= wanted.begin.date() - timedelta(days=2)


def day_of(line: str) -> date | None:
    """The first date that stands in the line; None when there is none or the calendar has no such day."""
    found = _DAY.search(line)
    try:
        return date(int(found[1]), int(found[2]), int(found[3])) if found else None
    except ValueError:
        return None
