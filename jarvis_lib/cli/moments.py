"""Which moment does this text mean? A small closed grammar: what it cannot read with certainty is refused."""

import re
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from zoneinfo import ZoneInfo

from jarvis_lib.model.fact import Refused
from jarvis_lib.model.prose import clean

_FULL = re.compile(r"\d{4}-\d\d-\d\d([ T]\d\d:\d\d(:\d\d(\.\d{1,6})?)?( ?Z|[+-]\d\d:?\d\d)?)?")
_CLOCK = re.compile(r"([01]\d|2[0-3]):[0-5]\d")
_SPAN = re.compile(r"(?:(\d{1,3})h)? ?(?:(\d{1,4}) ?(?:m|min))? ?(?:(\d{1,5})s)?")


def read(text: str, zone: tzinfo, *, now: datetime, option: str, ahead: bool = False) -> datetime:
    """The moment as aware UTC. `2026-11-24 23:30` and `23:30` are local; an offset or Z makes it absolute.

    With `ahead`, a clock time that has passed is tomorrow's and a date alone is the end of that day; else today's, and its start. Then the words of `due:`
    are taken too: `tomorrow 19:00`, `fri-17:00`, `+3d`.
    """
    tidy = clean(text)
    try:
        if _CLOCK.fullmatch(tidy):
            return _on_the_clock(time.fromisoformat(tidy), zone, now, ahead)
        if _FULL.fullmatch(tidy):
            return _written_out(tidy, zone, ahead)
    except (ValueError, OverflowError):
        pass  # a date that does not exist is told like any other text that is not one
    if ahead and isinstance(zone, ZoneInfo) and re.match(r"[A-Za-z+]", tidy):
        return _in_words(tidy, zone, now, option)
    raise Refused(f'{option} {tidy[:60]!r} is not a time; write "2026-11-24 23:30" (local), "23:30", or ISO 8601 with an offset.', code="usage")


def day(text: str, zone: tzinfo, *, now: datetime, option: str) -> date:
    """The local day: `today`, `tomorrow`, or a date."""
    tidy, today = clean(text).casefold(), now.astimezone(zone).date()
    if tidy in ("today", "tomorrow"):
        return today + timedelta(days=tidy == "tomorrow")
    try:
        return date.fromisoformat(tidy)
    except ValueError:
        raise Refused(f"{option} {tidy[:40]!r} is not a day; write today, tomorrow, or 2026-11-27.", code="usage") from None


def minutes(text: str, *, option: str, days: bool = False) -> float:
    """A span such as `10m`, `1h30m`, `90s`, in minutes; a bare number is minutes. `days` takes `2d` as well, for what may last so long."""
    tidy = clean(text).lower()
    if days and re.fullmatch(r"\d{1,3}d", tidy) and int(tidy[:-1]):
        return int(tidy[:-1]) * 1440.0
    found = _SPAN.fullmatch(f"{tidy}m" if tidy.isdigit() else tidy)
    total = sum(int(n or 0) * f for n, f in zip(found.groups(), (60, 1, 1 / 60), strict=True)) if found else 0.0
    if total <= 0:
        raise Refused(f"{option} {tidy[:40]!r} is not a span of time; write 10m, 1h30m or 90s.", code="usage")
    return total


def _in_words(text: str, zone: ZoneInfo, now: datetime, option: str) -> datetime:
    """The words that `due:` takes in a line: `tomorrow 19:00`, `fri-17:00`, `+3d`. What reads two ways is refused with both readings."""
    from jarvis_lib.model.quick_line import due

    try:
        return due(text, zone, now=now)
    except Refused as error:
        if "is not a time" in error.sentence:
            raise Refused(
                f'{option} {text[:60]!r} is not a time; write "2026-11-24 23:30" (local), "23:30", "tomorrow 19:00", "+3d", or ISO 8601 with an offset.',
                code="usage",
            ) from None
        raise Refused(error.sentence.replace("due:", f"{option} "), code="usage") from None


def _on_the_clock(at: time, zone: tzinfo, now: datetime, ahead: bool) -> datetime:
    today = now.astimezone(zone).date()
    found = datetime.combine(today, at, zone).astimezone(UTC)
    if ahead and found <= now:
        found = datetime.combine(today + timedelta(days=1), at, zone).astimezone(UTC)
    return found


def _written_out(text: str, zone: tzinfo, ahead: bool) -> datetime:
    if len(text) == 10 and ahead:
        text += " 23:59"
    found = datetime.fromisoformat(text.replace(" Z", "Z"))
    return (found if found.tzinfo else found.replace(tzinfo=zone)).astimezone(UTC)
