"""Should this rule of repetition be tried at all? What would give too many occurrences, or none until the year 9999, is found before it runs."""

from datetime import date

from jarvis_lib.doors.calendars.spans import Wanted
from jarvis_lib.doors.calendars.text import RawEvent, day_of

MOST_OCCURRENCES = 2_500
"""In the horizon, for one event: once an hour is within it, once a minute is not."""
MOST_STEPS = 400_000

_PER_DAY = {"SECONDLY": 86_400.0, "MINUTELY": 1_440.0, "HOURLY": 24.0, "DAILY": 1.0, "WEEKLY": 1.0, "MONTHLY": 1.0, "YEARLY": 1.0}
_MONTHS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


def obstacle(group: list[RawEvent], wanted: Wanted) -> str:
    """Why this series must not be tried, or nothing."""
    try:
        return _found(group, wanted)
    except (ValueError, OverflowError):  # a number that is none, or none that fits
        return "cannot be read"


def _found(group: list[RawEvent], wanted: Wanted) -> str:
    rules = [(_parts(line.partition(":")[2]), raw) for raw in group for line in raw.lines.get("RRULE", ())]
    dates = sum(line.count(",") + 1 for raw in group for line in raw.lines.get("RDATE", ()))
    if any(parts.get("INTERVAL", "1").strip("0") == "" for parts, _ in rules):
        return "cannot be read"
    if dates > MOST_OCCURRENCES or any(_too_often(parts, raw, wanted) for parts, raw in rules):
        return "repeats too often"
    return "repeats on days that do not exist" if any(_never(parts) for parts, _ in rules) else ""


def _parts(rule: str) -> dict[str, str]:
    return dict(part.split("=", 1) for part in rule.upper().strip().split(";") if "=" in part)


def _never(parts: dict[str, str]) -> bool:
    """A rule for the 30th of February and the like would be looked for until the year 9999."""
    months, days = ([int(n) for n in parts.get(name, "").split(",") if n.lstrip("-+").isdigit()] for name in ("BYMONTH", "BYMONTHDAY"))
    lengths = [_MONTHS[m - 1] for m in months if 1 <= m <= 12]
    return bool(days) and bool(lengths) and all(abs(d) > max(lengths) or d == 0 for d in days)


def _too_often(parts: dict[str, str], raw: RawEvent, wanted: Wanted) -> bool:
    """Would this rule give too many occurrences in the horizon, or take too many steps from its start to get there?"""
    start = day_of(raw.lines.get("DTSTART", [""])[0]) or wanted.begin.date()
    last = min(day_of(":" + parts.get("UNTIL", "")) or date.max, wanted.end.date())
    per_day = steps = _PER_DAY.get(parts.get("FREQ", ""), 1.0)
    for name, finer in (("BYHOUR", "HOURLY"), ("BYMINUTE", "MINUTELY"), ("BYSECOND", "SECONDLY")):
        if name in parts and steps < _PER_DAY[finer]:
            per_day *= parts[name].count(",") + 1
    if steps > 1 and parts.get("INTERVAL", "").isdigit():
        per_day, steps = per_day / int(parts["INTERVAL"]), steps / int(parts["INTERVAL"])
    count = float(parts["COUNT"]) if parts.get("COUNT", "").isdigit() else float("inf")
    many = per_day * max((last - max(start, wanted.begin.date())).days + 1, 0)
    return min(many, count) > MOST_OCCURRENCES or min(steps * max((last - start).days + 1, 0), count) > MOST_STEPS
