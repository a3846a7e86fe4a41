"""How reasons are worded: tasks, times and hours as a person says them, and what an open task waits for."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

from jarvis_lib.model.plan import Candidate
from jarvis_lib.model.prose import shorten
from jarvis_lib.model.window import SAID

AGE_SAID_DAYS = 3.0
_APPROVAL = "Waits for your approval"


def waiting_for_you(task: Candidate) -> tuple[str, str]:
    """(code, sentence) of an open task that is not queued."""
    if task.state == "proposed":
        return "unapproved", f"Waits for your yes: jarvis queue approve {task.id}"
    if task.state == "review":
        return "review", f"It ended without proof and waits for your look: jarvis queue show {task.id}"
    if task.state == "running":
        return "running", "It runs now."
    why = task.parked_why or "It is parked and waits for you."
    return ("unapproved" if why.startswith(_APPROVAL) else "parked"), why


def named(task: Candidate) -> str:
    """How a task is named in a sentence."""
    return shown(task.id, task.title)


def shown(task: str, title: str) -> str:
    """An id with its title, shortened."""
    return f"{task} ({shorten(title, 60)})"


def clock(at: datetime | None, zone: ZoneInfo) -> str:
    """`Tue 24 Nov 17:00` on the local clock."""
    return f"{at.astimezone(zone):%a %d %b %H:%M}" if at else ""


def span(hours: float, *, down: bool = False) -> str:
    """Hours as `45 min`, `2 h` or `2 h 10`. Needs are rounded up; room is rounded `down`, so that neither promises too much."""
    seconds = round(hours * 3600)
    minutes = seconds // 60 if down else -(-seconds // 60)
    if minutes < 60:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60:02d}" if minutes % 60 else f"{minutes // 60} h"


def pin_said(key: str) -> str:
    """`Overnight of Tue 24 Nov` from a window's key."""
    kind, _, day = key.partition("@")
    try:
        return f"{SAID.get(kind, kind)} of {date.fromisoformat(day):%a %d %b}"
    except ValueError:
        return key


def window_said(kind: str, start: datetime, end: datetime, zone: ZoneInfo) -> str:
    """`Overnight Tue 24 Nov 23:00 to 06:45`: the time in which work may be placed, on the local clock."""
    return f"{SAID[kind]} {clock(start, zone)} to {end.astimezone(zone):%H:%M}"
