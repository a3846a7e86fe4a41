"""How was the week, beside its goals and the weeks before? The same counts for every report that tells a week.

A week without data is no zero: it is left out of the median. Days off and days away have no goal.
"""

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from itertools import pairwise
from statistics import median
from typing import Any
from zoneinfo import ZoneInfo

from jarvis_lib.model.prose import plural
from jarvis_lib.model.settings import Settings
from jarvis_lib.model.window import DAYS, moment_of
from jarvis_lib.report import tally
from jarvis_lib.report.parts import DayBar
from jarvis_lib.report.weekend_parts import WeekRow
from jarvis_lib.store.store import Reader

Row = dict[str, Any]
Span = tuple[datetime, datetime]
DAY, WEEK = timedelta(days=1), timedelta(days=7)
BACK = 4
COUNTED = (
    ("builds", "Builds accepted", "builds_per_day", ""),
    ("hours", "Run hours accepted", "hours_per_day", " h"),
    ("held", "Fixes that held", "fixes_per_day", ""),
    ("patterns", "Patterns learned", "patterns_per_week", ""),
)
"""What is counted, how it is called, the goal it stands against, and its unit."""


def before(now: datetime) -> list[Span]:
    """The 7 days up to `now`, and the BACK weeks before them."""
    return [(now - (n + 1) * WEEK, now - n * WEEK) for n in range(BACK + 1)]


def calendar_week(monday: date, zone: ZoneInfo, *, now: datetime) -> list[Span]:
    """The week of `monday` on the local clock, no later than `now`, and the BACK weeks before it."""
    edges = [moment_of(monday + (1 - n) * WEEK, time(0), zone) for n in range(BACK + 2)]
    return [(begin, min(end, now)) for end, begin in pairwise(edges)]


def rows(reader: Reader, settings: Settings, spans: Sequence[Span], *, zone: ZoneInfo) -> tuple[list[WeekRow], list[str]]:
    """The counts of the first of `spans` beside the goals of its days, and the median of the others. A span is (since, until]."""
    (since, until), *past = spans
    found = reader.one("report.first_fact")
    first = found["at"] if found and found["at"] else until
    this = counts(reader, since, until)
    earlier = [counts(reader, a, b) for a, b in past if first < b]
    off = len(tally.free_days(reader, zone, since, until))
    goals = settings.values["goals"]
    made = [_row(name, this[key], [e[key] for e in earlier], goal(goals, target, 7 - off), unit) for key, name, target, unit in COUNTED]
    made.append(_row("Undone again", this["undone"], [e["undone"] for e in earlier], [0, 0], ""))
    days = max(-(-(until - first) // DAY), 1)
    notes = [f"The store holds {plural(days, 'day')} so far; there is no median of earlier weeks yet."] if not earlier else []
    notes += [f"{plural(off, 'day')} off or away: the goals are those of the other {7 - off}."] if off else []
    if this["watching"]:
        verb = "is" if this["watching"] == 1 else "are"
        notes.append(f"{plural(this['watching'], 'fix', 'fixes')} not yet checked a day later {verb} still watched and not counted.")
    return made, [*notes, "Your own attention is not measured, so it does not stand here."]


def goal(goals: dict[str, Any], name: str, days: int) -> list[float]:
    """The goal of so many days of a week."""
    low, high = goals[name]
    factor = days if name.endswith("_per_day") else days / 7
    return [round(low * factor, 1), round(high * factor, 1)]


def counts(reader: Reader, since: datetime, until: datetime) -> Row:
    """What was accepted, held, learned and undone in (since, until]."""
    found = tally.counts(reader, since, until)
    names = {"builds": "accepted", "hours": "hours", "held": "held", "undone": "undone", "watching": "watching", "patterns": "learned"}
    return {own: found[name] for own, name in names.items()} | {"fruitless": found["fruitless"], "shipped": found["shipped"]}


def day_bars(reader: Reader, zone: ZoneInfo, first: date, *, now: datetime) -> list[DayBar]:
    """The 7 local days from `first` on. A day before the first fact or after `now` is a gap; a run counts on the day of its acceptance or end."""
    found = reader.one("report.first_fact")
    begun = found["at"] if found and found["at"] else now
    days = [first + timedelta(days=n) for n in range(7)]
    edges = [moment_of(day, time(0), zone) for day in (*days, days[-1] + DAY)]
    span = {"since": edges[0], "now": min(edges[-1], now)}
    runs = [reader.rows(f"report.{what}", **span) for what in ("accepted_runs", "ready_runs", "fruitless_runs")]
    bars = []
    for day, begin, end in zip(days, edges, edges[1:], strict=False):
        if begin >= now or end <= begun:
            bars.append(DayBar(DAYS[day.weekday()], None, None, None))
            continue
        own = ([r for r in rows_ if begin < r["counted_at"] <= end] for rows_ in runs)
        bars.append(DayBar(DAYS[day.weekday()], *(round(tally.clock_hours(rows_), 3) for rows_ in own)))
    return bars


def band(settings: Settings) -> tuple[float, float]:
    """The goal of a day in run hours."""
    low, high = settings.values["goals"]["hours_per_day"]
    return float(low), float(high)


def _row(name: str, value: float, past: Sequence[float], target: Sequence[float], unit: str) -> WeekRow:
    middle = float(median(past)) if past else None
    said = f"{value:.1f}{unit}" if unit else f"{value:g}"
    aim = f"{target[0]:g} to {target[1]:g}{unit}" if target[0] != target[1] else f"{target[0]:g}{unit}"
    told = "" if middle is None else f"{middle:.1f}{unit}" if unit else f"{middle:g}"
    return WeekRow(name, float(value), said, float(target[0]), float(target[1]), aim, middle, told)
