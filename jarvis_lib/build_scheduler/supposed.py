"""A task that is only supposed, from one line: `30m fix the login !high due:fri @bug-fixes`. A small closed grammar; the rest is refused.

A length (`30m`, `1h30`, `2h`, `1.5h`), then words; at most one each of `!priority`, `due:DAY` (a weekday, `2026-11-27` or
`2026-11-27T17:00`) and `@category`.
"""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from jarvis_lib.build_scheduler.verbs import need_h
from jarvis_lib.model import task as words
from jarvis_lib.model.fact import Refused
from jarvis_lib.model.plan import Candidate
from jarvis_lib.model.prose import clean
from jarvis_lib.model.settings import Settings
from jarvis_lib.model.window import DAYS

ID = "new"
_LENGTH = re.compile(r"(?:(\d{1,3}(?:\.\d{1,2})?)h(?:(\d{1,2})(?:m|min)?)?|(\d{1,4})(?:m|min))")
_DAY = re.compile(r"\d{4}-\d\d-\d\d(T\d\d:\d\d)?")
_EXAMPLE = "write '30m fix the login !high due:fri @bug-fixes'"


@dataclass(frozen=True, slots=True)
class Supposed:
    """What the line says."""

    hours: float
    title: str
    priority: str
    category: str
    due: datetime | None

    def candidate(self, now: datetime, settings: Settings) -> Candidate:
        """As the planner would see it, added just now."""
        own = need_h(self.hours, settings)
        return Candidate(ID, self.title, "queued", self.priority, self.category, self.hours, own, (), (), self.due, now)


def read(text: str, settings: Settings, zone: ZoneInfo, *, now: datetime) -> Supposed:
    """The task that the line describes. Refuses what it cannot read with certainty."""
    found: dict[str, str] = {}
    said: list[str] = []
    for token in clean(text).split():
        kind, value = _kind(token, has_length="length" in found)
        if kind == "word":
            said.append(value)
        elif kind in found:
            raise Refused(f"--with names the {kind} twice: {found[kind]!r} and {value!r}.", code="usage")
        else:
            found[kind] = value
    if "length" not in found:
        raise Refused(f"--with needs how long the task takes, such as 30m or 1h30; {_EXAMPLE}.", code="usage")
    due = _due(found["due"], zone, now) if "due" in found else None
    if due is not None and due <= now:
        raise Refused(f"--with due:{found['due']} is in the past.", code="usage")
    return Supposed(
        words.estimate(_hours(found["length"])),
        words.title(" ".join(said) or "task"),
        words.priority(found.get("priority", "MEDIUM")),
        words.category(found.get("category", "Documentation")),
        due,
    )


def _kind(token: str, *, has_length: bool) -> tuple[str, str]:
    if token.startswith("!"):
        return "priority", token[1:]
    if token.startswith("@"):
        return "category", token[1:]
    if token.casefold().startswith("due:"):
        return "due", token[4:]
    if not has_length and _LENGTH.fullmatch(token.casefold()):
        return "length", token.casefold()
    if re.match(r"[a-z]+:(?!//)\S", token.casefold()) or token.startswith(("#", "--")):
        raise Refused(f"--with does not know {token[:40]!r}; {_EXAMPLE}.", code="usage")
    return "word", token


def _hours(text: str) -> float:
    found = _LENGTH.fullmatch(text)
    hours, minutes, alone = found.groups() if found else (None, None, None)
    return float(alone) / 60 if alone else float(hours or 0) + float(minutes or 0) / 60


def _due(text: str, zone: ZoneInfo, now: datetime) -> datetime:
    """A weekday is the end of the coming one, a date the end of that day."""
    today = now.astimezone(zone).date()
    names = {name.casefold(): n for n, name in enumerate(DAYS)}
    try:
        if text.casefold()[:3] in names and text.isalpha() and _is_weekday(text):
            day = today + timedelta(days=(names[text.casefold()[:3]] - today.weekday()) % 7)
            return datetime.combine(day, time(23, 59), zone).astimezone(UTC)
        if _DAY.fullmatch(text):
            at = datetime.fromisoformat(text) if "T" in text else datetime.combine(date.fromisoformat(text), time(23, 59))
            return at.replace(tzinfo=zone).astimezone(UTC)
    except (ValueError, OverflowError):
        pass  # a date that does not exist is told like any other text that is not one
    raise Refused(f"--with due:{text[:40]} is not a day; write due:fri, due:2026-11-27 or due:2026-11-27T17:00.", code="usage")


def _is_weekday(text: str) -> bool:
    full = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
    return any(name.startswith(text.casefold()) for name in full)
