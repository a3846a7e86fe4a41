"""The thin verbs: read the queue, call a rule, write one fact at most."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from jarvis_lib.build_scheduler import estimates
from jarvis_lib.build_scheduler.reasons import window_said
from jarvis_lib.model.book import Row
from jarvis_lib.model.fact import stamp
from jarvis_lib.model.plan import Candidate, Forecast, Luck, Plan, Slot
from jarvis_lib.model.prose import plural
from jarvis_lib.model.settings import Settings
from jarvis_lib.model.window import NO_CUTS, Cuts, Window, WindowRule, occurrences
from jarvis_lib.store.calendar import cuts_of
from jarvis_lib.store.place import Place
from jarvis_lib.store.store import Reader

PLAN_DAYS = 14
SLACK_H = 0.25
"""A session begins its work some minutes after its window does; what filled the window to the brim would never start."""
SEED = 20_26
"""Of the simulated nights: equal plans say equal probabilities."""


# --- what there is to plan, and when -------------------------------------------------------------------------------------


def candidates(reader: Reader, settings: Settings, forecasts: Mapping[str, Forecast] | None = None) -> list[Candidate]:
    """Every open task as the planner sees it, by id: with what the newest plan foresaw of it, or with `forecasts`."""
    return [candidate(row, settings, (forecasts or {}).get(row["id"])) for row in reader.rows("build_scheduler.candidates")]


def candidate(row: Row, settings: Settings, forecast: Forecast | None = None) -> Candidate:
    """One row of the queue as the planner sees it, with `forecast` or else the one that is stored."""
    forecast = forecast or estimates.stored(row)
    need = need_h(row["hours"], settings, forecast)
    if row["done_h"]:
        forecast, need = estimates.rest(forecast, row["done_h"]), estimates.left(need, row["done_h"])
    return Candidate(
        id=row["id"],
        title=row["title"],
        state=row["state"],
        priority=row["priority"],
        category=row["category"],
        hours=row["hours"],
        need_h=need,
        after=tuple(row["after"]),
        unfinished=tuple(row["unfinished"]),
        due=row["due"],
        added_at=row["added_at"],
        parked_why=row["why"] or "",
        changes=tuple(row["changes"]),
        resumable=row["resumable"],
        forecast=forecast,
        pinned=row["pinned"] or "",
        project=row["project"],
        tags=tuple(row["tags"]),
    )


def need_h(estimate_h: float, settings: Settings, forecast: Forecast | None = None) -> float:
    """Hours to keep free: the forecast's p80, or the estimate with its reserve while there is none, but never more than a window of its size has.

    Without that limit a 6-hour task would leave the nights, and a 12-hour one would have no weekend day. What is then too short shows in the
    probability that all is done, which is drawn from the whole forecast.
    """
    own = min((rule.longest_h for rule in settings.windows if rule.on and rule.longest_h >= estimate_h), default=None)
    lengths = [_length_h(rule, settings) for rule in settings.windows if rule.on and rule.longest_h == own]
    wanted = forecast.p80 if forecast else estimate_h * float(settings.get("night", "reserve"))
    longest = max([estimate_h, *(hours - SLACK_H for hours in lengths)]) if lengths else wanted
    return min(wanted, longest)


def _length_h(rule: WindowRule, settings: Settings) -> float:
    """Hours of a window on a day without a clock change."""
    minutes = (rule.end.hour * 60 + rule.end.minute - rule.start.hour * 60 - rule.start.minute) % 1440 or 1440
    return (minutes - (settings.get("night", "work_ends_minutes_before") if rule.kind == "overnight" else 0)) / 60


def working_windows(settings: Settings, zone: ZoneInfo, *, now: datetime, days: int = PLAN_DAYS, cuts: Cuts = NO_CUTS) -> list[Window]:
    """The windows in which work may be placed, the current one first; nights end when their work must end."""
    cut = timedelta(minutes=settings.get("night", "work_ends_minutes_before"))
    found = occurrences(settings.windows, zone, now, now + timedelta(days=days), cuts)
    ends = {rule.kind: rule.end for rule in settings.windows}
    nights = [w.kind == "overnight" and f"{w.end.astimezone(zone):%H:%M}" == f"{ends[w.kind]:%H:%M}" for w in found]
    found = [replace(w, end=w.end - cut) if is_night else w for w, is_night in zip(found, nights, strict=True)]
    return [w for w in found if w.end > max(now, w.start)]


def open_windows(reader: Reader, settings: Settings, zone: ZoneInfo, *, now: datetime, days: int = PLAN_DAYS) -> list[Window]:
    """`working_windows` as the calendar cuts them."""
    cuts = cuts_of(reader, now - timedelta(days=2), now + timedelta(days=days + 2))
    return working_windows(settings, zone, now=now, days=days, cuts=cuts)


# --- planning ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Sketch:
    """A plan that is not written down, with what it was made from."""

    tasks: tuple[Candidate, ...]
    windows: tuple[Window, ...]
    previous: tuple[Slot, ...]
    plan: Plan


def sketch(
    reader: Reader,
    settings: Settings,
    zone: ZoneInfo,
    *,
    now: datetime,
    windows: Sequence[Window] | None = None,
    rebuild: bool = False,
    more: Sequence[Candidate] = (),
    days: int = PLAN_DAYS,
    forecasts: Mapping[str, Forecast] | None = None,
) -> Sketch:
    """The newest plan repaired for `now`, or all anew with `rebuild`; `more` are tasks that are only supposed. Nothing is written.

    `forecasts` stand before those that earlier plans have stored.
    """
    from jarvis_lib.build_scheduler.planner import plan

    chosen = open_windows(reader, settings, zone, now=now, days=days) if windows is None else list(windows)
    tasks = [*candidates(reader, settings, forecasts), *more]
    previous = previous_slots(reader)
    settled = () if rebuild else [r["task"] for r in reader.rows("build_scheduler.settled")]
    lanes = settings.get("night", "lanes")
    made = plan(tasks, chosen, now=now, lanes=lanes, zone=zone, previous=() if rebuild else previous, settled=settled)
    return Sketch(tuple(tasks), tuple(chosen), tuple(previous), made)


def running_hours(reader: Reader, *, now: datetime) -> dict[str, float]:
    """Task -> hours that its open attempt has run."""
    return {r["task"]: (now - r["claimed_at"]) / timedelta(hours=1) for r in reader.rows("build_scheduler.running_since")}


def previous_slots(reader: Reader) -> list[Slot]:
    """The slots of the newest plan, with their stored sentences."""
    return [Slot(**row) for row in reader.rows("build_scheduler.previous_slots")]


def make_plan(place: Place, *, now: datetime, windows: Sequence[Window] | None = None, session: str | None = None, rebuild: bool = False) -> Plan:
    """Plan all open tasks into the windows of the next PLAN_DAYS (or into `windows`) and write the plan down. Nothing is started.

    The newest plan is repaired: what still holds of it stays put. `rebuild` plans everything anew. With each window's slots goes the
    probability that all of them are done by the end of its work. Before that the hours of all open tasks are learned anew from what finished.
    """
    moved, luck = estimates.moved(place)
    with place.store.reading() as reader:
        drawn = sketch(reader, place.settings, place.zone, now=now, windows=windows, rebuild=rebuild, forecasts=moved)
    return write_plan(place, drawn, now=now, session=session, forecasts=moved, luck=luck)


def write_plan(
    place: Place,
    drawn: Sketch,
    *,
    now: datetime,
    session: str | None = None,
    forecasts: Mapping[str, Forecast] | None = None,
    luck: Luck | None = None,
) -> Plan:
    """Write down what was drawn, with its finish probabilities and the new `forecasts` and `luck` that they were drawn from."""
    with place.store.reading() as reader:
        data = plan_data(reader, place.settings, drawn, now=now, seed=SEED, session=session, forecasts=forecasts, luck=luck)
    place.store.write(place.fact("plan.made", at=now, **data))
    return drawn.plan


def plan_data(
    reader: Reader,
    settings: Settings,
    drawn: Sketch,
    *,
    now: datetime,
    seed: int,
    session: str | None = None,
    forecasts: Mapping[str, Forecast] | None = None,
    luck: Luck | None = None,
) -> dict[str, Any]:
    """What the fact `plan.made` says of what was drawn: slots, omissions, and for each window the probability that all of it is done."""
    from jarvis_lib.build_scheduler.night import finishes

    luck = luck or estimates.luck_of(reader)
    running = running_hours(reader, now=now)
    horizon = max((w.end for w in drawn.windows), default=now + timedelta(days=PLAN_DAYS))
    lanes = settings.get("night", "lanes")
    finish = [f.to_json() for f in finishes(drawn.plan, drawn.tasks, drawn.windows, now=now, lanes=lanes, seed=seed, luck=luck, running=running)]
    data = drawn.plan.to_json() | {"horizon": stamp(horizon), "finish": finish, "luck": asdict(luck)}
    data |= {"session": session} if session else {}
    return data | ({"estimates": estimates.facts(forecasts)} if forecasts else {})


def plan_rows(place: Place, *, now: datetime) -> list[Row]:
    """The newest plan with titles: slots by start, then what was left out (reserves first). Empty when no plan was ever made."""
    with place.store.reading() as reader:
        return reader.rows("build_scheduler.plan_rows")


def window_rows(place: Place, *, now: datetime, days: int = 7) -> list[Row]:
    """The coming windows: hours still to come in each (all lanes), how many the newest plan books, how many are free, and which is on now."""
    with place.store.reading() as reader:
        return windows_of(reader, place.settings, place.zone, now=now, days=days)


def windows_of(
    reader: Reader, settings: Settings, zone: ZoneInfo, *, now: datetime, days: int = 7, booked: Sequence[tuple[datetime, datetime]] | None = None
) -> list[Row]:
    """`window_rows` on an open reader or a snapshot; `booked` are the slots of a plan that is not written yet."""
    lanes = settings.get("night", "lanes")
    slots = [(r["start"], r["end"]) for r in reader.rows("build_scheduler.booked", now=now)] if booked is None else booked
    made = reader.one("build_scheduler.newest_plan")
    coming = open_windows(reader, settings, zone, now=now, days=days)
    return [window_row(w, slots, lanes, now, zone) | {"plan_made_at": made["made_at"] if made else None} for w in coming]


def window_row(window: Window, slots: Sequence[tuple[datetime, datetime]], lanes: int, now: datetime, zone: ZoneInfo) -> Row:
    """One window: its hours still to come, how many of them the spans in `slots` book, and how many are free."""
    begin = max(window.start, now)
    left = (window.end - begin) / timedelta(hours=1)
    booked = sum((max(timedelta(0), min(end, window.end) - max(start, begin)) / timedelta(hours=1) for start, end in slots), 0.0)
    return {
        "key": window.key,
        "kind": window.kind,
        "said": window_said(window.kind, window.start, window.end, zone),
        "start": window.start,
        "end": window.end,
        "longest_h": window.longest_h,
        "hours": round(left, 3),
        "lanes": lanes,
        "lane_hours": round(left * lanes, 3),
        "booked": round(booked, 3),
        "free": round(max(left * lanes - booked, 0.0), 3),
        "share": round(booked / (left * lanes), 4),
        "current": window.start <= now < window.end,
    }


# --- the whole ------------------------------------------------------------------------------------------------------------


def listing(place: Place, *, now: datetime, open_only: bool = False, state: str = "", limit: int | None = None) -> list[Row]:
    """Tasks of every state, or of one, what runs and waits first, queued ones by their start in the newest plan. `now` is for relative times."""
    with place.store.reading() as reader:
        return reader.rows("build_scheduler.listing", open_only=open_only, state=state, most=limit or 1_000_000)


def stats(place: Place, *, now: datetime) -> Row:
    """Counts by state, the completion rate with its denominator, hours planned against real, and how often forecasts held; in all and by group."""
    with place.store.reading() as reader:
        return stats_of(reader)


def stats_of(reader: Reader) -> Row:
    """`stats` on an open reader or a snapshot. `completion_rate` is completed / (completed + failed), None while nothing has ended."""
    row = reader.one("build_scheduler.stats") or {}
    ended = row["completed"] + row["failed"]
    rate = row["completed"] / ended if ended else None
    said = f"{row['completed']} of {ended} ended tasks completed ({rate:.0%})" if rate is not None else "nothing has ended yet"
    said = f"{plural(row['total'], 'task')}, {row['queued']} queued; {said}."
    return row | {"ended": ended, "completion_rate": rate, "said": said} | estimates.calibration(reader)
