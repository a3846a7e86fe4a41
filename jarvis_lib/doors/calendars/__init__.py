"""Which hours do the person's calendars and holidays take? Read from files when they change, and from the web only when that is asked for.

The promise is that of `refresh`: it never raises for what it finds, and what cannot be read keeps its last good rows, with their date.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jarvis_lib.doors.calendars.look import horizon, refresh, sources
    from jarvis_lib.doors.calendars.standing import conditions
    from jarvis_lib.store.place import Place

__all__ = ["conditions", "horizon", "is_concerned", "memory_of", "refresh", "sources"]

_STANDS_IN = {"conditions": "standing", "horizon": "look", "refresh": "look", "sources": "look"}


def is_concerned(place: "Place") -> bool:
    """Is any calendar or holiday set, or was one when this was last looked at? If not, no command pays for the rest of this package."""
    own = place.settings.values["calendar"]
    return bool(own["files"] or own["urls"] or place.settings.get("person", "country")) or memory_of(place).exists()


def memory_of(place: "Place") -> Path:
    """Where the last look is remembered."""
    return place.home / "data" / "calendars.json"


def __getattr__(name: str) -> Any:
    """Loaded when they are used: `next` looks here in each call, and mostly there is nothing to look at."""
    if name in _STANDS_IN:
        from importlib import import_module

        return getattr(import_module(f"jarvis_lib.doors.calendars.{_STANDS_IN[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
