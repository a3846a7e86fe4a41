"""How much was shipped, against the goals? Counted so that it cannot flatter: accepted, not started; undone taken off.

A build counts when it is accepted and not undone. Run hours count time in the recipe of accepted builds, side-by-side runs once.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from jarvis_lib.model.prose import plural, seconds
from jarvis_lib.model.settings import Settings
from jarvis_lib.model.window import NO_CUTS, Cuts, occurrences
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


def numbers(reader: Reader, settings: Settings, *, now: datetime) -> list[Number]:
    """Builds, run hours and fixes of the last 24 hours and 7 days, each beside its goal."""
    day, week = counts(reader, now - DAY, now), counts(reader, now - WEEK, now)
    goals = settings.values["goals"]
    builds, hours, fixes = goals["builds_per_day"], goals["hours_per_day"], goals["fixes_per_day"]
    return [
        Number("Builds accepted", _builds(day), _goal(builds), _builds(week), _goal(builds, 7)),
        Number("Run hours of accepted builds", _hours(day), _goal(hours, unit=" h"), _hours(week), _goal(hours, 7, unit=" h")),
        Number("Fixes that held a day", _fixes(day), _goal(fixes), _fixes(week), _goal(fixes, 7)),
    ]


def counts(reader: Reader, since: datetime, now: datetime) -> Row:
    """What was shipped, accepted, fixed and undone in (since, now], and the hours of it."""
    span = {"since": since, "now": now}
    runs = reader.rows("report.accepted_runs", **span)
    return {
        **(reader.one("report.shipped_between", **span) or {}),
        **(reader.one("report.accepted_between", **span) or {}),
        **(reader.one("report.fixed_between", **span) or {}),
        "hours": clock_hours(runs),
        "machine": sum(r["seconds"] for r in runs) / 3600,
        "fruitless": clock_hours(reader.rows("report.fruitless_runs", **span)),
    }


def _goal(pair: Sequence[float], days: int = 1, unit: str = "") -> str:
    low, high = (f"{v * days:g}" for v in pair)
    return f"{low}{unit}" if low == high else f"{low} to {high}{unit}"


def _builds(c: Row) -> str:
    undone = f", {c['undone']} undone" if c["undone"] else ""
    return f"{c['accepted']} ({c['shipped']} shipped{undone})"


def _hours(c: Row) -> str:
    side = f", {_hour(c['machine'])} machine time" if c["machine"] > c["hours"] * 1.05 + 0.005 else ""
    lost = f", {_hour(c['fruitless'])} without a result" if c["fruitless"] > 0 else ""
    return _hour(c["hours"]) + (f" ({(side + lost).removeprefix(', ')})" if side or lost else "")


def _hour(value: float) -> str:
    """`42 s`, `0.35 h`, `4.1 h`: a small night does not read as nothing."""
    return "0 h" if value == 0 else seconds(value * 3600) if value < 0.1 else f"{value:.2f} h" if value < 1 else f"{value:.1f} h"


def _fixes(c: Row) -> str:
    words = [f"{c['watching']} watching"] if c["watching"] else []
    words += [f"{c['came_back']} came back"] if c["came_back"] else []
    return f"{c['held']}" + (f" ({', '.join(words)})" if words else "")


def footnotes(reader: Reader, settings: Settings, *, now: datetime, zone: ZoneInfo) -> list[str]:
    """What the numbers rest on: how many days of data there are, and what the windows could hold."""
    found = reader.one("report.first_fact")
    notes = []
    if found and found["at"] and now - found["at"] < WEEK:
        days = max(-(-(now - found["at"]) // DAY), 1)
        notes.append(f"The store holds {plural(days, 'day')} of data so far; the goals of a week are for seven.")
    notes.append(capacity(settings, now=now, zone=zone, cuts=cuts_of(reader, now - 2 * DAY, now + WEEK + DAY)))
    return notes


def capacity(settings: Settings, *, now: datetime, zone: ZoneInfo, cuts: Cuts = NO_CUTS) -> str:
    """The hours of the enabled windows beside the person's own. Capacity is not output, and says so."""
    windows = occurrences(settings.windows, zone, now, now + WEEK, cuts)
    held = sum((min(w.end, now + WEEK) - max(w.start, now)) / timedelta(hours=1) for w in windows)
    own = float(settings.get("person", "hours_per_day")) * 7
    return f"Capacity, not output: the windows of the next 7 days hold {held:.0f} h, beside {own:.0f} h of yours ({own / 7:g} h a day)."
