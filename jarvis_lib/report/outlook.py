"""What comes next, today and tonight, and why is it placed there?

The newest plan is told while it still has places to come. After a night it has none: then the queue is planned on the spot by the
same pure rules, and the brief says that nothing was written down.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from jarvis_lib.build_scheduler import by_hand, sketch
from jarvis_lib.build_scheduler.verbs import Sketch
from jarvis_lib.model.fact import Refused
from jarvis_lib.model.prose import clean, lasting, shorten
from jarvis_lib.model.settings import Settings
from jarvis_lib.model.window import Window
from jarvis_lib.model.window import coming as first_window
from jarvis_lib.report.clock import time_of, when
from jarvis_lib.report.parts import LaneBar, NightBars, PlanRow
from jarvis_lib.store.calendar import cuts_of
from jarvis_lib.store.store import Reader

Row = dict[str, Any]
OLD = timedelta(hours=24)
TICKS = 9
WAITS_FOR_PERSON = ("unapproved", "review", "parked", "running")


@dataclass(frozen=True, slots=True)
class Outlook:
    """The places up to the end of tonight, what has none (each a sentence), one sentence over both, how sure the night is, and all as drawn."""

    said: str
    rows: tuple[PlanRow, ...]
    omissions: tuple[str, ...]
    tonight: str = ""
    night: NightBars | None = None


def outlook(reader: Reader, settings: Settings, *, now: datetime, zone: ZoneInfo) -> Outlook:
    """Today and tonight from the newest plan, or from a plan made on the spot."""
    night = first_window(settings.windows, zone, now, "overnight", cuts=cuts_of(reader, now - timedelta(days=2), now + timedelta(days=16)))
    until = night.end if night else now + timedelta(days=1)
    drawn = sketch(reader, settings, zone, now=now)
    slots, left_out, origin = coming(reader, settings, now=now, zone=zone, drawn=drawn)
    told = _told(slots, left_out, origin, until, night, now, zone)
    hand = by_hand.said(settings, [(s["task"], s["window"]) for s in slots if s["start"] < until and s["state"] == "queued"])
    told = replace(told, said=f"{told.said} {hand}") if hand and told.rows else told
    return _worked_through(told, reader, settings, now, zone, drawn)


def _worked_through(told: Outlook, reader: Reader, settings: Settings, now: datetime, zone: ZoneInfo, drawn: Sketch) -> Outlook:
    """The same with the ends of tonight's tasks, and how probable it is that all are done: the night worked through on paper."""
    from jarvis_lib.build_scheduler import night_of

    try:
        night = night_of(reader, settings, zone, now=now, drawn=drawn)
    except Refused:  # no night is switched on
        return told
    if not night.tasks:
        return told
    ends = {t.task: _ends(t.p50_end, t.p80_end, zone) for t in night.tasks}
    rows = tuple(replace(row, ends=ends.get(row.task, "")) for row in told.rows)
    return replace(told, rows=rows, tonight=night.said)


def _ends(p50: datetime | None, p80: datetime | None, zone: ZoneInfo) -> str:
    """`Done by 00:31 in half of such nights, by 00:50 in 8 of 10`."""
    if p50 is None:
        return "More likely not done than done tonight"
    return f"Done by {time_of(p50, zone)} in half of such nights" + (f", by {time_of(p80, zone)} in 8 of 10" if p80 is not None else ", later in the others")


def coming(reader: Reader, settings: Settings, *, now: datetime, zone: ZoneInfo, drawn: Sketch | None = None) -> tuple[list[Row], list[Row], str]:
    """(places to come, what has none, where that comes from): the newest plan, or when it has no place left `drawn`, else one made on the spot."""
    made = reader.one("report.newest_plan", now=now)
    slots = reader.rows("report.plan_slots", plan=made["id"], now=now) if made else []
    if made and any(s["start"] >= now for s in slots):
        origin = f"The plan of {when(made['made_at'], zone, now=now)}"
        origin += "; it is more than a day old: jarvis scheduler schedule" if now - made["made_at"] > OLD else ""
        return slots, reader.rows("report.plan_omissions", plan=made["id"]), origin
    return (
        *_on_the_spot(reader, drawn or sketch(reader, settings, zone, now=now)),
        "Planned just now from the queue; write it down with: jarvis scheduler schedule",
    )


def _on_the_spot(reader: Reader, drawn: Sketch) -> tuple[list[Row], list[Row]]:
    titles = {t["id"]: t for t in reader.rows("report.titles")}
    made = drawn.plan
    slots = [
        {"task": s.task, "window": s.window, "start": s.start, "end": s.end, "lane": s.lane, "code": s.code, "sentence": s.sentence, **_named(titles, s.task)}
        for s in made.slots
    ]
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
    return Outlook(said, rows, missing, night=_drawn(shown, zone))


def _drawn(shown: Sequence[Row], zone: ZoneInfo) -> NightBars | None:
    """The places on their lanes, from the full hour before the first to the end of the last; nothing without any."""
    if not shown:
        return None
    hour = timedelta(hours=1)
    begin = min(s["start"] for s in shown).replace(minute=0, second=0, microsecond=0)
    hours_long = (max(s["end"] for s in shown) - begin) / hour
    bars = tuple(LaneBar(s["lane"], (s["start"] - begin) / hour, (s["end"] - s["start"]) / hour, shorten(clean(s["title"]), 80)) for s in shown)
    step = next((n for n in (1, 2, 3, 6) if hours_long / n <= TICKS), 12)
    ticks = tuple((float(n), time_of(begin + n * hour, zone)) for n in range(0, int(hours_long) + 1, step))
    return NightBars(hours_long, max(b.lane for b in bars) + 1, ticks, bars)


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
    return f"{day} {lasting((night.end - begin) / timedelta(hours=1))} free, from {time_of(begin, zone)}."
