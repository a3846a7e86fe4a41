"""What comes next, today and tonight, and why is it placed there?

The newest plan is told while it still has places to come. After a night it has none: then the queue is planned on the spot by the
same pure rules, and the brief says that nothing was written down.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from jarvis_lib.build_scheduler import sketch
from jarvis_lib.model.prose import clean, hours, shorten
from jarvis_lib.model.settings import Settings
from jarvis_lib.model.window import Window, coming
from jarvis_lib.report.clock import time_of, when
from jarvis_lib.report.parts import PlanRow
from jarvis_lib.store.calendar import cuts_of
from jarvis_lib.store.store import Reader

Row = dict[str, Any]
OLD = timedelta(hours=24)
WAITS_FOR_PERSON = ("unapproved", "review", "parked", "running")


@dataclass(frozen=True, slots=True)
class Outlook:
    """The places up to the end of tonight, what has none (each a sentence), and one sentence over both."""

    said: str
    rows: tuple[PlanRow, ...]
    omissions: tuple[str, ...]


def outlook(reader: Reader, settings: Settings, *, now: datetime, zone: ZoneInfo) -> Outlook:
    """Today and tonight from the newest plan, or from a plan made on the spot."""
    night = coming(settings.windows, zone, now, "overnight", cuts=cuts_of(reader, now - timedelta(days=2), now + timedelta(days=16)))
    until = night.end if night else now + timedelta(days=1)
    made = reader.one("report.newest_plan", now=now)
    slots = reader.rows("report.plan_slots", plan=made["id"], now=now) if made else []
    if made and any(s["start"] >= now for s in slots):
        left_out = reader.rows("report.plan_omissions", plan=made["id"])
        origin = f"The plan of {when(made['made_at'], zone, now=now)}"
        origin += "; it is more than a day old: jarvis scheduler schedule" if now - made["made_at"] > OLD else ""
    else:
        slots, left_out = _on_the_spot(reader, settings, now, zone)
        origin = "Planned just now from the queue; write it down with: jarvis scheduler schedule"
    return _told(slots, left_out, origin, until, night, now, zone)


def _on_the_spot(reader: Reader, settings: Settings, now: datetime, zone: ZoneInfo) -> tuple[list[Row], list[Row]]:
    titles = {t["id"]: t for t in reader.rows("report.titles")}
    made = sketch(reader, settings, zone, now=now).plan
    slots = [{"task": s.task, "start": s.start, "end": s.end, "sentence": s.sentence, **_named(titles, s.task)} for s in made.slots]
    left_out = [{"task": o.task, "code": o.code, "sentence": o.sentence, "reserve": o.reserve, **_named(titles, o.task)} for o in made.omissions]
    return sorted(slots, key=lambda s: s["start"]), left_out


def _named(titles: dict[str, Row], task: str) -> Row:
    row = titles.get(task, {"title": task, "state": ""})
    return {"title": row["title"], "state": row["state"]}


def _told(slots: Sequence[Row], left_out: Sequence[Row], origin: str, until: datetime, night: Window | None, now: datetime, zone: ZoneInfo) -> Outlook:
    shown = [s for s in slots if s["start"] < until and s["state"] in ("queued", "running", "parked")]
    rows = tuple(_place(s, now, zone) for s in shown)
    missing = tuple(_omitted(o) for o in left_out if o["code"] not in WAITS_FOR_PERSON and o["state"] == "queued")
    if not rows and not missing:
        return Outlook(f"Nothing is queued for today and tonight. {room(night, zone, now=now)}", (), ())
    later = len(slots) - len(shown)
    said = f"{origin}." + (f" {later} more {'has a place' if later == 1 else 'have places'} after that." if later else "")
    return Outlook(said, rows, missing)


def _place(slot: Row, now: datetime, zone: ZoneInfo) -> PlanRow:
    span = f"{when(slot['start'], zone, now=now)} to {time_of(slot['end'], zone)}"
    return PlanRow(span, slot["task"], shorten(clean(slot["title"]), 100), shorten(clean(slot["sentence"]), 200))


def _omitted(row: Row) -> str:
    kind = " (reserve, taken when time is left)" if row["reserve"] else ""
    return f"{shorten(clean(row['title']), 80)}: {shorten(clean(row['sentence']), 180)}{kind}"


def room(night: Window | None, zone: ZoneInfo, *, now: datetime) -> str:
    """`Tonight has 8 h free, from 23:00.`"""
    if night is None:
        return "No overnight window is switched on."
    begin = max(night.start, now)
    day = "Tonight has" if (begin.astimezone(zone).date() - now.astimezone(zone).date()).days == 0 else f"The next night, {when(begin, zone, now=now)}, has"
    return f"{day} {hours((night.end - begin) / timedelta(hours=1))} free, from {time_of(begin, zone)}."
