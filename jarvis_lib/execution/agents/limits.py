"""What do agents print when they may not go on? Sentences about usage limits and log-ins, for where their structured output says nothing.

Such sentences drift, so adapters read structure first and ask here last. A clock time is the next one after `now`, in the zone that stands beside
it, or else in the machine's.
"""

import re
from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from jarvis_lib.model.call import Limit

_LIMIT = re.compile(
    r"(?i)\b(usage|session|rate|weekly|daily|5-?hour|five[- ]hour|hourly|opus|sonnet|quota|plan) limit\b|\blimit (was |has been )?reached\b"
    r"|\brate[- _]limit(ed|s)?\b|\bout of (extra )?(usage|credits|quota)\b|\b(quota|credits?) (exceeded|exhausted)\b"
    r"|\bexceeded your (current )?quota\b|\btoo many requests\b|\binsufficient[_ ]quota\b|\bcredit balance is too low\b"
)
_AUTH = re.compile(
    r"(?i)\bnot logged in\b|\bplease (run )?/?log ?in\b|\bplease (sign|log) in\b|\binvalid (api key|authentication|x-api-key)\b"
    r"|\bauthentication_error\b|\b401\b.{0,30}\bunauthorized\b|\bno api key\b|\bapi key (is )?(missing|not found|required)\b"
    r"|\bOAuth (token|session) (has )?expired\b|\bmissing (bearer|api key|credentials)\b|\bnot authenticated\b"
    r"|\benvironment variable[: ]+`?\w*API_KEY`? (is )?(not set|missing)\b|\bmissing environment variable\b"
)
_EPOCH = re.compile(r"(?i)(?:resets?(?:_?at)?|retry(?: after)?)\D{0,12}\b(1[6-9]\d{8}|2\d{9})\b")
_UNIT = r"\s*(seconds?|s\b|minutes?|m\b|hours?|h\b|days?|d\b)"
_AFTER_S = re.compile(rf"(?i)retry[- ]after:?\s*(\d{{1,7}})(?:{_UNIT})?|try again in (\d{{1,6}}){_UNIT}")
_CLOCK = re.compile(
    r"(?i)\b(?:resets?|try again|available again)\b[^\n]{0,24}?\b(?:at |on )?((?:[A-Z][a-z]{2,8} \d{1,2}(?:st|nd|rd|th)?,? (?:\d{4},? )?(?:at )?)?)"
    r"(\d{1,2})(?::(\d{2}))?\s*(am|pm)?\b(?:\s*\(([A-Za-z_]+/[A-Za-z_/+-]+|UTC)\))?"
)
_LONGEST_S = 400 * 86400  # nobody waits longer; what says so is no time
_UNIT_S = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_SCOPES = (
    *(("weekly", r"week"), ("five_hour", r"5-?hour|five[- ]hour"), ("session", r"session"), ("daily", r"dail|day")),
    *(("credits", r"credit|extra usage"), ("rate", r"rate|too many")),
)


def limit_in(text: str, *, now: datetime, zone: tzinfo | None = None) -> Limit | None:
    """The usage limit that the text tells of, with its time where it gives one; None when it tells of none."""
    hit = _LIMIT.search(text)
    if hit is None:
        return None
    line = text[max(hit.start() - 200, 0) : hit.end() + 300]
    scope = next((name for name, words in _SCOPES if re.search(words, hit.group(0), re.IGNORECASE)), "usage")
    return Limit(time_in(line, now=now, zone=zone), scope)


def auth_error_in(text: str) -> str:
    """The line that says nobody is logged in, or an empty string."""
    hit = _AUTH.search(text)
    if hit is None:
        return ""
    start, end = text.rfind("\n", 0, hit.start()) + 1, text.find("\n", hit.end())
    return text[start : end if end >= 0 else None].strip()[:200]


def time_in(text: str, *, now: datetime, zone: tzinfo | None = None) -> datetime | None:
    """When it may go on, as the text says: an epoch, a number of seconds, or a clock time; an aware UTC time after `now`."""
    epoch = _EPOCH.search(text)
    if epoch:
        return datetime.fromtimestamp(int(epoch[1]), UTC)
    after = _AFTER_S.search(text)
    if after:
        amount, unit = int(after[1] or after[3]), (after[2] or after[4] or "s")[0].lower()
        return now + timedelta(seconds=amount * _UNIT_S[unit]) if amount * _UNIT_S[unit] <= _LONGEST_S else None
    clock = _CLOCK.search(text)
    return _next_clock(clock, now, zone) if clock else None


def _next_clock(clock: "re.Match[str]", now: datetime, zone: tzinfo | None) -> datetime | None:
    day_text, hour, minute, half, named = clock[1], int(clock[2]), int(clock[3] or 0), (clock[4] or "").lower(), clock[5]
    if half:
        hour = hour % 12 + (12 if half == "pm" else 0)
    elif clock[3] is None:
        return None  # a bare number is no time of the clock
    if hour > 23 or minute > 59:
        return None
    local = now.astimezone(_zone(named) or zone)
    found = local.replace(hour=hour, minute=minute, second=0, microsecond=0)
    day = re.match(r"([A-Za-z]{3})[a-z]* (\d{1,2})(?:\w\w)?,? ?(\d{4})?", day_text or "")
    if day and day[1].lower() in _MONTHS:
        try:
            found = found.replace(month=_MONTHS.index(day[1].lower()) + 1, day=int(day[2]), year=int(day[3]) if day[3] else local.year)
            found = found.replace(year=found.year + 1) if found < local and not day[3] else found
        except ValueError:
            return None
    elif found <= local:
        found += timedelta(days=1)
    return found.astimezone(UTC)


def _zone(name: str | None) -> tzinfo | None:
    try:
        return ZoneInfo(name) if name else None
    except (ZoneInfoNotFoundError, ValueError):
        return None
