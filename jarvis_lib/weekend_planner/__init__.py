"""What is this weekend worth? Three to five things that could really be done in its free hours, and how far the chosen one is.

Friday: `suggest` offers, `select` takes one, `start` pins its phases to the weekend's windows. Nothing starts without a person's choice,
and a phase that has nothing to run is left out and said so. `progress` gives a chance, `summary` the page of Sunday evening.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jarvis_lib.weekend_planner.choosing import Chosen, select, start
    from jarvis_lib.weekend_planner.following import Progress, complete, progress
    from jarvis_lib.weekend_planner.offering import Suggestion, suggest
    from jarvis_lib.weekend_planner.telling import make_review, make_summary, review, summary

_HOME = {
    "choosing": ("Chosen", "select", "start"),
    "following": ("Progress", "complete", "progress"),
    "offering": ("Suggestion", "suggest"),
    "telling": ("make_review", "make_summary", "review", "summary"),
}


def __getattr__(name: str) -> Any:
    """The public name, from the module that has it."""
    for module, names in _HOME.items():
        if name in names:
            found = getattr(import_module(f"{__name__}.{module}"), name)
            globals()[name] = found
            return found
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


__all__ = [
    "Chosen",
    "Progress",
    "Suggestion",
    "complete",
    "make_review",
    "make_summary",
    "progress",
    "review",
    "select",
    "start",
    "suggest",
    "summary",
]
