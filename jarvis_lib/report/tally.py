"""How much was shipped, against the goals? Counted so that it cannot flatter: accepted, not started; undone taken off.

A build counts when it is accepted and not undone. Run hours count time in the recipe of accepted builds, side-by-side runs once.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from jarvis_lib.model.prose import lasting
from jarvis_lib.model.settings import Settings
from jarvis_lib.model.window import NO_CUTS, Cuts, occurrences
from jarvis_lib.report.clock import when
from jarvis_lib.report.parts import Number
from jarvis_lib.store.calendar import cuts_of
from jarvis_lib.store.store import Reader

Row = dict[str, Any]
DAY, WEEK = timedelta(days=1), timedelta(days=7)


def clock_hours(runs: Sequence[Row]) -> float:
    """Hours during which at least one of the runs was going on."""
    spans = sorted((r["claimed_at"], r["claimed_at"] + timedelta(seconds=r["seconds"])) for r in runs)
    total = timedelta(0)
    end: datetime | None = None
    for start, stop in spans:
        begin = start if end is None else max(start, end)
        total += max(stop - begin, timedelta(0))
        end = stop if end is None else max(end, stop)
    return total / timedelta(hours=1)


def numbers(reader: Reader, settings: Settings, *, now: datetime, zone: ZoneInfo) -> list[Number]:
    """Builds, run hours, fixes and patterns of the last 24 hours and 7 days, each beside its goal. A day off or away has none."""
    day, week = counts(reader, now - DAY, now), counts(reader, now - WEEK, now)
    goals = settings.values["goals"]
    builds, hours, fixes = goals["builds_per_day"], goals["hours_per_day"], goals["fixes_per_day"]
    off = free_days(reader, zone, now - WEEK, now)
    one, seven = int(now.astimezone(zone).date() not in off), 7 - len(off)
    return [
        Number("Builds accepted", _builds(day), _goal(builds, one), _builds(week), _goal(builds, seven)),
        Number("Run hours of accepted builds", _hours(day), _goal(hours, one, " h"), _hours(week), _goal(hours, seven, " h")),
        Number("Fixes that held a day", _fixes(day), _goal(fixes, one), _fixes(week), _goal(fixes, seven)),
        Number("Patterns learned", f"{day['learned']}", "", _patterns(week), _goal(goals["patterns_per_week"])),
    ]


def free_days(reader: Reader, zone: ZoneInfo, since: datetime, until: datetime) -> set[date]:
    """The local days of (since, until], each by its noon, that have no goal: public holidays and days on which the person was away."""
    holidays = {date.fromisoformat(r["day"]) for r in reader.rows("calendar.days_off")}
    away = [(r["start"], r["end"]) for r in reader.rows("report.away_between", since=since, now=until)]
    days = [since.astimezone(zone).date() + timedelta(days=n) for n in range(-1, (until - since) // DAY + 2)]
    noons = [(day, datetime.combine(day, time(12), zone).astimezone(UTC)) for day in days]
    return {day for day, noon in noons if since < noon <= until and (day in holidays or any(a <= noon < b for a, b in away))}


def counts(reader: Reader, since: datetime, now: datetime) -> Row:
    """What was shipped, accepted, fixed and undone in (since, now], and the hours of it."""
    span = {"since": since, "now": now}
    runs = reader.rows("report.accepted_runs", **span)
    return {
        **(reader.one("report.shipped_between", **span) or {}),
        **(reader.one("report.accepted_between", **span) or {}),
        **(reader.one("report.fixed_between", **span) or {}),
        **(reader.one("report.learned_between", **span) or {}),
        "hours": clock_hours(runs),
        "machine": sum(r["seconds"] for r in runs) / 3600,
        "fruitless": clock_hours(reader.rows("report.fruitless_runs", **span)),
    }


def _goal(pair: Sequence[float], days: int = 1, unit: str = "") -> str:
    if not days:
        return "none, a day off"
    low, high = (f"{v * days:g}" for v in pair)
    return f"{low}{unit}" if low == high else f"{low} to {high}{unit}"


def _builds(c: Row) -> str:
    undone = f", {c['undone']} undone" if c["undone"] else ""
    return f"{c['accepted']} ({c['shipped']} shipped{undone})"


def _hours(c: Row) -> str:
    side = f", {lasting(c['machine'])} machine time" if c["machine"] > c["hours"] * 1.05 + 0.005 else ""
    lost = f", {lasting(c['fruitless'])} without a result" if c["fruitless"] > 0 else ""
    return lasting(c["hours"]) + (f" ({(side + lost).removeprefix(', ')})" if side or lost else "")


def _fixes(c: Row) -> str:
    words = [f"{c['watching']} watching"] if c["watching"] else []
    words += [f"{c['came_back']} came back"] if c["came_back"] else []
    return f"{c['held']}" + (f" ({', '.join(words)})" if words else "")


def _patterns(c: Row) -> str:
    return f"{c['learned']}" + (f" ({c['used']} used)" if c["learned"] else "")


def footnotes(reader: Reader, settings: Settings, *, now: datetime, zone: ZoneInfo) -> list[str]:
    """What the numbers rest on: how many days of data there are, and what the windows could hold."""
    found = reader.one("report.first_fact")
    notes = []
    if found and found["at"] and now - found["at"] < WEEK:
        notes.append(f"Data only since {when(found['at'], zone, now=now)}.")
    notes.append(capacity(settings, now=now, zone=zone, cuts=cuts_of(reader, now - 2 * DAY, now + WEEK + DAY)))
    return notes


def capacity(settings: Settings, *, now: datetime, zone: ZoneInfo, cuts: Cuts = NO_CUTS) -> str:
    """The hours of the enabled windows beside the person's own. Capacity is not output, and says so."""
    windows = occurrences(settings.windows, zone, now, now + WEEK, cuts)
    held = sum((min(w.end, now + WEEK) - max(w.start, now)) / timedelta(hours=1) for w in windows)
    own = float(settings.get("person", "hours_per_day")) * 7
    said = f"Capacity, not output: the windows of the next 7 days hold {held:.0f} h, beside {own:.0f} h of yours ({own / 7:g} h a day): {held / own:.1f}x."
    return f"{said} The often quoted 4.5x = 126 h / 28 h takes 18 h a day; here each hour of an enabled window counts once."
