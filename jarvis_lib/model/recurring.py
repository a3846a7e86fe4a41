"""When does a task come again? A small closed grammar of natural and cron-like rules, on the local clock.

Each wall-clock time of a rule comes once: of a repeated hour the first counts, and a time that the clock skips comes with the jump. What reads two ways
is refused with both readings.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

from jarvis_lib.model.fact import Refused, stamp
from jarvis_lib.model.prose import clean, listed
from jarvis_lib.model.window import DAYS, moment_of

FORMS = '"mon 09:00", "mon,thu 18:30", "weekdays 07:30", "daily 06:00", "monthly 1 09:00", "last 17:00", "hourly", or five cron fields such as "30 7 * * 1-5"'
MOST_A_DAY = 24
_YEARS = 9
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_NAMES = tuple(d.casefold() for d in DAYS)
_CRON_NAMES = ("sun", *_NAMES[:6])
_EVERY_DAY = frozenset(range(7))
_EVERY_MONTH = frozenset(range(1, 13))


@dataclass(frozen=True, slots=True)
class Every:
    """One rule: local times, on days that fit `months` and either `weekdays` (0 = Monday) or `days` (of the month; 0 is its last)."""

    times: tuple[time, ...]
    weekdays: frozenset[int] = _EVERY_DAY
    days: frozenset[int] = frozenset()
    months: frozenset[int] = _EVERY_MONTH

    def on(self, day: date) -> bool:
        """Does it come on this day?"""
        last = (day + timedelta(days=1)).month != day.month
        of_month = not self.days or day.day in self.days or (last and 0 in self.days)
        return day.month in self.months and day.weekday() in self.weekdays and of_month

    def said(self) -> str:
        """`every Mon at 09:00`."""
        when = f"at {listed([f'{t:%H:%M}' for t in self.times])}" if len(self.times) < MOST_A_DAY else "every hour"
        months = "" if self.months == _EVERY_MONTH else f" in {listed([_MONTHS[m - 1].capitalize() for m in sorted(self.months)])}"
        if self.days:
            names = ["the last day" if d == 0 else f"day {d}" for d in sorted(self.days, key=lambda d: d or 32)]
            return f"{listed(names)} of the month{months} {when}"
        if self.weekdays == _EVERY_DAY:
            return f"every day{months} {when}"
        return f"every {listed([DAYS[d] for d in sorted(self.weekdays)])}{months} {when}"


def parse(text: str) -> Every:
    """The rule that `text` means. Refuses what it cannot read with certainty, what never comes, and what comes too often."""
    tidy = clean(text).casefold().removeprefix("every ").strip()
    words = tidy.split()
    found = _cron(words, text) if len(words) == 5 and re.fullmatch(r"[\d*/,\-]+", words[0]) else _natural(tidy, text)
    if not found.times or len(found.times) > MOST_A_DAY:
        raise Refused(f"{_quoted(text)} comes {len(found.times):,} times a day; the most is {MOST_A_DAY}.", code="usage")
    if next(_days(found, date(2024, 1, 1)), None) is None:
        raise Refused(f"{_quoted(text)} never comes: no month has that day.", code="usage")
    return found


def after(rule: Every, zone: ZoneInfo, moment: datetime) -> datetime:
    """The first occurrence after `moment`, in UTC."""
    return next(occurrences(rule, zone, moment))


def as_told(at: datetime, zone: ZoneInfo) -> dict[str, str]:
    """How a fact says when a task comes: the moment, and the same on the local clock for a person to read."""
    return {"comes_at": stamp(at), "comes_said": f"{at.astimezone(zone):%a %d %b %H:%M}"}


def between(rule: Every, zone: ZoneInfo, since: datetime, until: datetime, *, most: int = 10_000) -> list[datetime]:
    """The occurrences in (since, until], at most so many."""
    found = []
    for at in islice(occurrences(rule, zone, since), most):
        if at > until:
            break
        found.append(at)
    return found


def occurrences(rule: Every, zone: ZoneInfo, moment: datetime) -> Iterator[datetime]:
    """The occurrences after `moment`, in their order, each once."""
    newest = moment
    for day in _days(rule, moment.astimezone(zone).date() - timedelta(days=1)):
        for at in sorted({moment_of(day, t, zone) for t in rule.times}):
            if at > newest:
                newest = at
                yield at


def _days(rule: Every, day: date) -> Iterator[date]:
    barren = 0
    while barren < 366 * _YEARS:
        if rule.on(day):
            barren = 0
            yield day
        day += timedelta(days=1)
        barren += 1


def _quoted(text: str) -> str:
    return f"--every {clean(text)[:60]!r}"


def _unclear(text: str, why: str = "is no rule") -> Refused:
    return Refused(f"{_quoted(text)} {why}; write {FORMS}.", code="usage")


# --- natural forms -------------------------------------------------------------------------------------------------------

_WORDS = {
    "daily": _EVERY_DAY,
    "day": _EVERY_DAY,
    "weekdays": frozenset(range(5)),
    "weekday": frozenset(range(5)),
    "weekends": frozenset((5, 6)),
    "weekend": frozenset((5, 6)),
}


def _natural(tidy: str, text: str) -> Every:
    if tidy in ("hourly", "hour"):
        return Every(tuple(time(h) for h in range(24)))
    words = re.sub(r"\s*,\s*", ",", re.sub(r"\bat\b", " ", tidy)).split()
    if not words:
        raise _unclear(text)
    *on, clock = words
    times = _times(clock, text)
    if not on:
        return Every(times)
    if len(on) == 1 and on[0] in _WORDS:
        return Every(times, weekdays=_WORDS[on[0]])
    if on[0] in ("monthly", "month") and len(on) == 2:
        return Every(times, days=_of_month(on[1], text))
    if len(on) == 1 and re.fullmatch(r"last|(\d{1,2}(st|nd|rd|th),?)+", on[0]):
        return Every(times, days=_of_month(on[0], text))
    if len(on) == 1:
        return Every(times, weekdays=_weekdays(on[0], text))
    raise _unclear(text)


def _times(word: str, text: str) -> tuple[time, ...]:
    found = set()
    for part in word.split(","):
        if re.fullmatch(r"\d{1,2}", part) and 1 <= int(part) <= 11:
            raise _unclear(text, f"reads two ways: {int(part):02d}:00 in the morning, or {int(part) + 12}:00")
        clock = re.fullmatch(r"([01]?\d|2[0-3]):([0-5]\d)", part)
        if clock is None:
            raise _unclear(text, "does not say at what time" if part.isalpha() else "is no rule")
        found.add(time(int(clock[1]), int(clock[2])))
    return tuple(sorted(found))


def _weekdays(word: str, text: str) -> frozenset[int]:
    found: set[int] = set()
    for part in word.split(","):
        first, dash, last = part.partition("-")
        begin = _weekday(first, text)
        end = _weekday(last, text) if dash else begin
        found |= {(begin + n) % 7 for n in range((end - begin) % 7 + 1)}
    return frozenset(found)


_LONG = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def _weekday(word: str, text: str) -> int:
    tidy = word.removesuffix("s") if word.endswith("days") else word
    fitting = [n for n, name in enumerate(_LONG) if len(tidy) >= 3 and name.startswith(tidy)]
    if len(fitting) != 1:
        raise _unclear(text)
    return fitting[0]


def _of_month(word: str, text: str) -> frozenset[int]:
    found = set()
    for part in word.strip(",").split(","):
        number = re.fullmatch(r"(\d{1,2})(st|nd|rd|th)?", part)
        if part == "last":
            found.add(0)
        elif number and 1 <= int(number[1]) <= 31:
            found.add(int(number[1]))
        else:
            raise _unclear(text)
    return frozenset(found)


# --- cron ----------------------------------------------------------------------------------------------------------------


def _cron(words: list[str], text: str) -> Every:
    minutes = _field(words[0], 0, 59, (), text)
    hours = _field(words[1], 0, 23, (), text)
    days = _field(words[2], 1, 31, (), text)
    months = _field(words[3], 1, 12, _MONTHS, text)
    weekdays = _field(words[4], 0, 7, _CRON_NAMES, text)
    if words[2] != "*" and words[4] != "*":
        raise _unclear(text, "reads two ways: days that are both that day of the month and that weekday, or days that are either")
    times = tuple(time(h, m) for h in sorted(hours) for m in sorted(minutes))
    return Every(
        times,
        frozenset((d - 1) % 7 for d in weekdays),
        frozenset() if words[2] == "*" else frozenset(days),
        frozenset(months),
    )


def _field(word: str, low: int, high: int, names: tuple[str, ...], text: str) -> set[int]:
    found: set[int] = set()
    for part in word.split(","):
        span, slash, step = part.partition("/")
        first, dash, last = span.partition("-")
        if span == "*":
            begin, end = low, high
        else:
            begin = _number(first, low, names, text)
            end = _number(last, low, names, text) if dash else (high if slash else begin)
        if (slash and not (step.isdecimal() and int(step))) or not low <= begin <= end <= high:
            raise _unclear(text)
        found |= set(range(begin, end + 1, int(step) if slash else 1))
    return found


def _number(word: str, low: int, names: tuple[str, ...], text: str) -> int:
    if word in names:
        return names.index(word) + low
    if not word.isdecimal() or len(word) > 3:
        raise _unclear(text)
    return int(word)
