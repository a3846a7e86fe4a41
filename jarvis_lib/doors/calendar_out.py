"""When does Jarvis work, and when is the person's word needed? A feed of events that any calendar reads.

Promise: the same state gives the same bytes; an event keeps its UID for ever and its SEQUENCE only rises, so a calendar that reads the feed again moves its
entries instead of doubling them. Titles of tasks are in it only with `detail = "titles"`, and are text there, whatever they hold.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, time, timedelta
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jarvis_lib import __version__
from jarvis_lib.model.fact import Refused
from jarvis_lib.model.prose import clean, hours, plural, shorten
from jarvis_lib.model.window import SAID, moment_of
from jarvis_lib.store.place import Place
from jarvis_lib.store.whole import write_whole

if TYPE_CHECKING:
    from icalendar import Event

REVIEW_MINUTES = 15
PROPOSAL_DAYS = 7
REFRESH = timedelta(hours=1)
_NAMES = ("counts", "titles")


def feed(place: Place, *, now: datetime, detail: str = "counts") -> bytes:
    """The feed at `now`: planned sessions, the next review, dates of tasks, and proposals that end unanswered. `detail` is counts or titles."""
    from icalendar import Calendar

    if detail not in _NAMES:
        raise Refused(f"detail must be {' or '.join(_NAMES)}, not {clean(detail)[:40]!r}.", code="usage")
    with place.store.reading() as reader:
        slots = reader.rows("doors.session_slots", now=now)
        waiting = reader.rows("doors.waiting", now=now)
        dated = reader.rows("doors.dated", now=now)
        last = reader.one("doors.last_move") or {"seq": 0, "at": None}
        own = str((reader.one("doors.first_fact") or {"id": "0"})["id"])
    calendar = Calendar()
    calendar.add("prodid", f"-//Jarvis//{__version__}//EN")
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    calendar.add("x-wr-calname", "Jarvis")
    calendar.add("refresh-interval", REFRESH, parameters={"VALUE": "DURATION"})
    with_titles = detail == "titles"
    for event in (
        *_sessions(place, slots, own, with_titles),
        *_review(place, waiting, last, own, now, with_titles),
        *dates(dated, own, with_titles=with_titles),
    ):
        calendar.add_component(event)
    return bytes(calendar.to_ical())


def export(place: Place, path: Path, *, now: datetime, detail: str = "counts") -> Path:
    """Write the feed to a file, whole or not at all, and only when it has changed."""
    data = feed(place, now=now, detail=detail)
    try:
        if path.is_file() and path.read_bytes() == data:
            return path
        write_whole(path, data)
    except OSError as error:
        raise Refused(f"{path} cannot be written ({error.strerror}); choose another place with --to.", code="failed") from error
    return path


def _sessions(place: Place, slots: Sequence[dict[str, Any]], own: str, with_titles: bool) -> Iterator["Event"]:
    for window, found in groupby(slots, key=lambda r: str(r["window"])):
        rows = list(found)
        kind = SAID.get(window.partition("@")[0], "Session")
        total = sum(((r["end"] - r["start"]) / timedelta(hours=1) for r in rows), 0.0)
        count = len({r["task"] for r in rows})
        text = "\n".join(f"{r['start'].astimezone(place.zone):%H:%M} {_title(r)} ({hours(r['hours'])})" for r in rows) if with_titles else ""
        event = _event(own, f"session-{window}", rows[0]["made_at"], rows[0]["sequence"], f"Jarvis, {kind.lower()}: {plural(count, 'task')}", text)
        event.add("dtstart", min(r["start"] for r in rows))
        event.add("dtend", max(r["end"] for r in rows))
        event.add("transp", "TRANSPARENT")
        event.add("comment", f"{hours(total)} of work are planned.")
        yield event


def _review(place: Place, waiting: Sequence[dict[str, Any]], last: dict[str, Any], own: str, now: datetime, with_titles: bool) -> Iterator["Event"]:
    """One event on the next morning for all that waits, and the end of each proposal that nobody answers."""
    if waiting:
        start = _next_morning(place, now)
        text = "\n".join(f"{r['id']} {_title(r)}" for r in waiting) if with_titles else ""
        said = f"Jarvis review: {plural(len(waiting), 'thing')} {'waits' if len(waiting) == 1 else 'wait'} for you"
        event = _event(own, f"review-{start.astimezone(place.zone):%Y-%m-%d}", last["at"], last["seq"], said, f"jarvis inbox\n{text}".strip())
        event.add("dtstart", start)
        event.add("dtend", start + timedelta(minutes=REVIEW_MINUTES))
        yield event
    for row in waiting:
        ends = row["added_at"] + timedelta(days=PROPOSAL_DAYS)
        if row["state"] == "proposed" and ends > now:
            said = f"Jarvis: a proposal ends unanswered{': ' + _title(row) if with_titles else ''}"
            event = _event(own, f"proposal-{row['id']}", row["changed_at"], 0, said, f"jarvis show {row['id']}")
            event.add("dtstart", ends.astimezone(place.zone).date())
            event.add("transp", "TRANSPARENT")
            yield event


def dates(dated: Sequence[dict[str, Any]], own: str, *, with_titles: bool) -> Iterator["Event"]:
    """One event for each open task with a date: the quarter of an hour before it."""
    for row in dated:
        said = f"Jarvis: due{': ' + _title(row) if with_titles else ''}"
        event = _event(own, f"due-{row['id']}", row["changed_at"], row["revision"] - 1, said, f"It is {row['state']}. jarvis show {row['id']}")
        event.add("dtstart", row["due"] - timedelta(minutes=REVIEW_MINUTES))
        event.add("dtend", row["due"])
        event.add("transp", "TRANSPARENT")
        yield event


def _event(own: str, name: str, at: datetime, sequence: int, summary: str, text: str) -> "Event":
    from icalendar import Event

    event = Event()
    event.add("uid", f"{name.replace('@', '-')}@{own}.jarvis")
    event.add("dtstamp", at)
    event.add("last-modified", at)
    event.add("sequence", max(int(sequence), 0))
    event.add("summary", summary)
    if text:
        event.add("description", text)
    return event


def _title(row: dict[str, Any]) -> str:
    return shorten(clean(row["title"]), 100)


def _next_morning(place: Place, now: datetime) -> datetime:
    """When the night's window ends next, on the local clock: then the brief is there."""
    end = next((rule.end for rule in place.settings.windows if rule.kind == "overnight"), time(7))
    today = now.astimezone(place.zone).date()
    first = moment_of(today, end, place.zone)
    return first if first > now else moment_of(today + timedelta(days=1), end, place.zone)
