"""Weekends for tests: a workspace at a moment that the test names, and tasks as the rules see them."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from jarvis_lib.model.settings import parse
from jarvis_lib.store.place import Place
from jarvis_lib.weekend_planner.pieces import Piece
from jarvis_lib.workspace import open_workspace
from tests.roomy import roomy

BERLIN = ZoneInfo("Europe/Berlin")
RULES = parse("").windows


def local(*when: int, zone: ZoneInfo = BERLIN) -> datetime:
    """A moment on the local clock, as aware UTC."""
    return datetime(*when, tzinfo=zone).astimezone(UTC)  # type: ignore[misc, arg-type]  # year, month, day, hour, minute


FRIDAY = local(2026, 11, 27, 18, 0)


class Clock:
    """A clock that a test moves."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def __call__(self) -> datetime:
        return self.at


def workspace(folder: Path, clock: Clock, *, zone: str = "Europe/Berlin", settings: str = "") -> Place:
    """A workspace in `zone` whose clock the test moves; `settings` are appended sections."""
    text = roomy().replace('zone = ""', f'zone = "{zone}"')
    (folder / "jarvis.toml").write_text(text + settings)
    return open_workspace(folder, clock=clock, actor="person:test")


def piece(name: str, **changes: Any) -> Piece:
    """An open task with a recipe and a check, of 3 h unless said otherwise."""
    own: dict[str, Any] = {
        "id": name,
        "title": f"Task {name}",
        "about": f"Task {name}",
        "state": "queued",
        "parked_kind": "",
        "priority": "MEDIUM",
        "category": "Documentation",
        "hours": 3.0,
        "why_h": "",
        "due": None,
        "added_at": local(2026, 11, 20, 12, 0),
        "after": (),
        "changes": (),
        "resumable": False,
        "project": "",
        "revision": 1,
        "has_recipe": True,
        "checks": 1,
        "unblocks": 0,
    } | changes
    hours = own["hours"]
    return Piece(**({"p50": hours, "p80": hours * 1.25, "need_h": min(hours * 1.25, 12.0)} | own))
