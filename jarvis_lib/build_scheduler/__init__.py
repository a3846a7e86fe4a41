"""What should run when, and why? Everything open is either in a slot or left out, each with a sentence; equal input, equal plan.

`plan` and `pick` are pure: values in, values and reasons out. The verbs below them read the store, and `make_plan` writes one fact.
"""

from typing import TYPE_CHECKING, Any

from jarvis_lib.build_scheduler.coming import Choice, NextAnswer, next_of, next_tasks
from jarvis_lib.build_scheduler.dispatch import pick
from jarvis_lib.build_scheduler.verbs import (
    candidates,
    listing,
    make_plan,
    open_windows,
    plan_rows,
    sketch,
    stats,
    stats_of,
    window_rows,
    windows_of,
    working_windows,
    write_plan,
)

if TYPE_CHECKING:
    from jarvis_lib.build_scheduler.foresight import Change, View, load_said, rebuilt, view
    from jarvis_lib.build_scheduler.pins import pin, unpin
    from jarvis_lib.build_scheduler.planner import plan
    from jarvis_lib.build_scheduler.studying import plan_of, study, windows_to_json
    from jarvis_lib.build_scheduler.tonight import NightPlan, night_of, night_plan

__all__ = [
    "Change",
    "Choice",
    "NextAnswer",
    "NightPlan",
    "View",
    "candidates",
    "listing",
    "load_said",
    "make_plan",
    "next_of",
    "next_tasks",
    "night_of",
    "night_plan",
    "open_windows",
    "pick",
    "pin",
    "plan",
    "plan_of",
    "plan_rows",
    "rebuilt",
    "sketch",
    "stats",
    "stats_of",
    "study",
    "unpin",
    "view",
    "window_rows",
    "windows_of",
    "windows_to_json",
    "working_windows",
    "write_plan",
]


_LATER = {
    **dict.fromkeys(("Change", "View", "load_said", "rebuilt", "view"), "foresight"),
    **dict.fromkeys(("NightPlan", "night_of", "night_plan"), "tonight"),
    **dict.fromkeys(("pin", "unpin"), "pins"),
    "plan": "planner",
    **dict.fromkeys(("plan_of", "study", "windows_to_json"), "studying"),
}


def __getattr__(name: str) -> Any:
    """`plan` and what foresees are loaded when they are used: `list`, `next` and `stats` never plan, and each command pays for what it imports."""
    if name in _LATER:
        from importlib import import_module

        return getattr(import_module(f"jarvis_lib.build_scheduler.{_LATER[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
