"""What does one line mean as a task? `Refresh churn notebook due:fri-17:00 ~90m @overnight !high +data #docs after:j3f9x`.

A closed grammar: what reads two ways is refused with both readings, and every reading is said back. A word that only looks like a mark is written with a
backslash before it.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from jarvis_lib.model import recurring
from jarvis_lib.model import task as words
from jarvis_lib.model.fact import Refused
from jarvis_lib.model.prose import clean, hint, hours, listed
from jarvis_lib.model.task import PRIORITIES
from jarvis_lib.model.window import DAYS, SAID, moment_of

UNKNOWN_CATEGORY = "Research/analysis"
DEFAULT_HOURS = 1.0
WINDOWS = {
    **dict.fromkeys(("overnight", "night"), "overnight"),
    **dict.fromkeys(("quick", "quick_win", "evening"), "quick_win"),
    **dict.fromkeys(("work", "work_hours"), "work_hours"),
    "weekend": "weekend",
}
_TOKEN = re.compile(r"[A-Za-z]+:'[^']*'|[A-Za-z]+:\"[^\"]*\"|\S+")
_SPAN = re.compile(r"(?:(\d{1,3}(?:\.\d+)?)h)?(?:(\d{1,4})(?:m|min)?)?")


@dataclass(frozen=True, slots=True)
class Line:
    """What a line says. What it leaves out is None or empty; `category` and `hours` then count as said in `reading`."""

    title: str
    hours: float | None = None
    priority: str = ""
    category: str = ""
    window: str = ""
    project: str = ""
    tags: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    due: datetime | None = None
    every: str = ""

    def reading(self, zone: ZoneInfo) -> str:
        """How it was read, with every date in full and every default named."""
        parts = [hours(self.hours) if self.hours else f"{hours(DEFAULT_HOURS)} (no ~ given)", self.priority or "MEDIUM"]
        parts.append(self.category or f"{UNKNOWN_CATEGORY} (no #category given, so it asks first)")
        parts += [f"in the next {SAID[self.window].casefold()} window"] if self.window else []
        parts += [f"due {_full(self.due, zone)}"] if self.due else []
        parts += [f"comes again {recurring.parse(self.every).said()}"] if self.every else []
        parts += [f"after {listed(self.after)}"] if self.after else []
        parts += [f"tags {listed(self.tags)}"] if self.tags else []
        parts += [f"project {self.project}"] if self.project else []
        return f"{self.title!r}: {', '.join(parts)}"


def parse(text: str, zone: ZoneInfo, *, now: datetime) -> Line:
    """The line that `text` is. Raises Refused for what is unclear, doubled, past or unknown."""
    line, title = Line(""), []
    seen: dict[str, str] = {}
    for token in _TOKEN.findall(clean(text)):
        name, read = _mark(token)
        if read is None:
            title.append(token.removeprefix("\\") if len(token) > 1 else token)
            continue
        if name in seen and name not in ("tag", "after"):
            raise _two(text, f"the {name} is {seen[name]} or {token}")
        seen[name] = token
        line = read(line, _value(token), zone, now)
    return replace(line, title=words.title(" ".join(title)))


_Reader = Callable[[Line, str, ZoneInfo, datetime], Line]


def _mark(token: str) -> tuple[str, "_Reader | None"]:
    """What kind of mark a word is, and who reads it; ("", None) for a word of the title."""
    key, colon, value = token.partition(":")
    if colon and value and key.casefold() in _KEYED:
        return _KEYED[key.casefold()]
    signed = {"~": r"~\d.*", "!": r"!\w.*", "@": r"@\w.*", "#": r"#[A-Za-z].*", "+": r"\+[A-Za-z].*"}
    sign = token[:1]
    return _SIGNED[sign] if sign in signed and re.fullmatch(signed[sign], token) else ("", None)


def _value(token: str) -> str:
    if token[0] in _SIGNED:
        return token[1:]
    return token.partition(":")[2].strip("'\"").strip()


def _two(text: str, readings: str) -> Refused:
    return Refused(f"{clean(text)[:80]!r} reads two ways: {readings}. Say which, and nothing is added until then.", code="usage")


def _no(word: str, what: str, known: object) -> Refused:
    names = [str(k) for k in known] if isinstance(known, tuple | list | dict) else []
    near = hint(word.lstrip("~!@#"), names)
    return Refused(f"{word[:40]!r} is no {what}.{near} Write one of {', '.join(names)}; as a word of the title write \\{word[:40]}", code="usage")


def _estimate(line: Line, value: str, zone: ZoneInfo, now: datetime) -> Line:
    if re.fullmatch(r"\d+(\.\d+)?", value):
        raise _two(f"~{value}", f"{value} minutes (~{value}m) or {value} hours (~{value}h)")
    found = _SPAN.fullmatch(value.casefold())
    total = (float(found[1] or 0) + int(found[2] or 0) / 60) if found else 0.0
    if not total:
        raise Refused(f"~{value[:40]} is not a span of time; write ~90m, ~1.5h or ~1h30m.", code="usage")
    return replace(line, hours=words.estimate(round(total, 4)))


def _priority(line: Line, value: str, zone: ZoneInfo, now: datetime) -> Line:
    if re.fullmatch("[1-5]", value):
        names = {str(v): k for k, v in PRIORITIES.items()}
        raise _two(f"!{value}", f"{names[value]} (5 is CRITICAL) or {names[str(6 - int(value))]} (1 is the first)")
    if value.upper() not in PRIORITIES:
        raise _no(f"!{value}", "priority", [p.casefold() for p in PRIORITIES])
    return replace(line, priority=value.upper())


def _window(line: Line, value: str, zone: ZoneInfo, now: datetime) -> Line:
    kind = WINDOWS.get(value.casefold().replace("-", "_"))
    if kind is None:
        raise _no(f"@{value}", "window", ["overnight", "quick", "work", "weekend"])
    return replace(line, window=kind)


def _category(line: Line, value: str, zone: ZoneInfo, now: datetime) -> Line:
    return replace(line, category=words.category(value))


def _tag(line: Line, value: str, zone: ZoneInfo, now: datetime) -> Line:
    return replace(line, tags=tuple(dict.fromkeys((*line.tags, words.label(value, "tag").casefold()))))


def _project(line: Line, value: str, zone: ZoneInfo, now: datetime) -> Line:
    return replace(line, project=words.label(value, "project"))


def _after(line: Line, value: str, zone: ZoneInfo, now: datetime) -> Line:
    return replace(line, after=tuple(dict.fromkeys((*line.after, *(v for v in value.split(",") if v)))))


def _every(line: Line, value: str, zone: ZoneInfo, now: datetime) -> Line:
    rule = re.sub(r"-(?=\d{1,2}:)", " ", value)
    recurring.parse(rule)
    return replace(line, every=rule)


def _due(line: Line, value: str, zone: ZoneInfo, now: datetime) -> Line:
    at = due(value, zone, now=now)
    if at <= now:
        raise Refused(f"due:{value[:40]} is {_full(at, zone)}, which has passed; give a time to come.", code="usage")
    return replace(line, due=at)


_SIGNED: dict[str, tuple[str, _Reader]] = {
    "~": ("estimate", _estimate),
    "!": ("priority", _priority),
    "@": ("window", _window),
    "#": ("category", _category),
    "+": ("tag", _tag),
}
_KEYED: dict[str, tuple[str, _Reader]] = {
    "due": ("due date", _due),
    "after": ("after", _after),
    "every": ("rule", _every),
    "category": ("category", _category),
    "cat": ("category", _category),
    "project": ("project", _project),
}


# --- dates ---------------------------------------------------------------------------------------------------------------

_CLOCK = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)")
_LONG = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_DATES = "2026-11-27, 2026-11-27-17:00, fri, fri-17:00, today-18:00, tomorrow, +3d, or 17:00"


def due(text: str, zone: ZoneInfo, *, now: datetime) -> datetime:
    """The moment that a due date means; a day alone is its end. Refuses what reads two ways, such as `next-fri` or 12/01."""
    tidy = re.sub(r"[\s_]+", "-", text.casefold().strip())
    dated = re.fullmatch(r"(?:(.+?)[-t])?(\d{1,2}:\d\d)", tidy)
    day_word, clock_word = (dated[1] or "", dated[2]) if dated else (tidy, "")
    clock = _clock(clock_word, text) if clock_word else None
    today = now.astimezone(zone).date()
    if not day_word and clock is not None:
        at = moment_of(today, clock, zone)
        return at if at > now else moment_of(today + timedelta(days=1), clock, zone)
    return _at(_day(day_word, clock, text, today, zone, now), clock, zone)


def _at(day: date, clock: time | None, zone: ZoneInfo) -> datetime:
    return moment_of(day, clock or time(23, 59), zone)


def _clock(word: str, text: str) -> time:
    found = _CLOCK.fullmatch(word)
    if found is None:
        raise Refused(f"due:{text[:40]} has no such time of day; write it as 17:00.", code="usage")
    return time(int(found[1]), int(found[2]))


def _day(word: str, clock: time | None, text: str, today: date, zone: ZoneInfo, now: datetime) -> date:
    if word in ("today", "tomorrow"):
        return today + timedelta(days=word == "tomorrow")
    ahead = re.fullmatch(r"\+(\d{1,3})([dw])", word)
    if ahead:
        return today + timedelta(days=int(ahead[1]) * (7 if ahead[2] == "w" else 1))
    if re.fullmatch(r"\d{4}-\d\d-\d\d", word):
        try:
            return date.fromisoformat(word)
        except ValueError:
            raise Refused(f"There is no day {word}.", code="usage") from None
    slashed = re.fullmatch(r"(\d{1,2})[/.](\d{1,2})\.?", word)
    if slashed:
        raise _slashed(text, int(slashed[1]), int(slashed[2]), today)
    at = f"-{clock:%H:%M}" if clock else ""
    following = word.startswith("next-")
    number = _weekday(word.removeprefix("next-"))
    if number is None:
        raise Refused(f"due:{text[:40]} is not a time; write {_DATES}.", code="usage")
    soon = today + timedelta(days=(number - today.weekday()) % 7)
    if following:
        first = soon if soon > today else soon + timedelta(days=7)
        raise _two(f"due:{text}", f"{_said(first)} or {_said(first + timedelta(days=7))}; write due:{first}{at} or due:{first + timedelta(days=7)}{at}")
    if soon == today and _at(today, clock, zone) > now:
        later = today + timedelta(days=7)
        raise _two(f"due:{text}", f"today or {_said(later)}; write due:today{at} or due:{later}{at}")
    return soon if soon > today else soon + timedelta(days=7)


def _slashed(text: str, first: int, second: int, today: date) -> Refused:
    readings = []
    for month, day in ((first, second), (second, first)):
        try:
            found = date(today.year, month, day)
            readings.append(found if found >= today else date(today.year + 1, month, day))
        except ValueError:
            continue
    both = list(dict.fromkeys(readings))
    if len(both) == 2:
        return _two(f"due:{text}", f"{_said(both[0])} or {_said(both[1])}; write due:{both[0]} or due:{both[1]}")
    return Refused(f"due:{text[:40]} is not a time; write {f'due:{both[0]}' if both else _DATES}.", code="usage")


def _weekday(word: str) -> int | None:
    fitting = [n for n, name in enumerate(_LONG) if len(word) >= 3 and name.startswith(word)]
    return fitting[0] if len(fitting) == 1 else None


def _said(day: date) -> str:
    return f"{DAYS[day.weekday()]} {day.isoformat()}"


def _full(at: datetime, zone: ZoneInfo) -> str:
    return f"{at.astimezone(zone):%a %d %b %Y %H:%M %Z}"
