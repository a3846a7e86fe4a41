"""What should run when, and why? Everything open is either in a slot or left out, each with a sentence; equal input, equal plan.

`plan` and `pick` are pure: values in, values and reasons out. The verbs below them read the store, and `make_plan` writes one fact.
"""

from typing import TYPE_CHECKING, Any

from jarvis_lib.build_scheduler.dispatch import pick
from jarvis_lib.build_scheduler.verbs import (
    Choice,
    NextAnswer,
    candidates,
    coming_windows,
    listing,
    make_plan,
    next_of,
    next_tasks,
    plan_rows,
    stats,
    stats_of,
    window_rows,
    windows_of,
    working_windows,
)

if TYPE_CHECKING:
    from jarvis_lib.build_scheduler.planner import plan

__all__ = [
    "Choice",
    "NextAnswer",
    "candidates",
    "coming_windows",
    "listing",
    "make_plan",
    "next_of",
    "next_tasks",
    "pick",
    "plan",
    "plan_rows",
    "stats",
    "stats_of",
    "window_rows",
    "windows_of",
    "working_windows",
]


def __getattr__(name: str) -> Any:
    """`plan` is loaded when it is used: `list`, `next` and `stats` never plan, and each command pays for what it imports."""
    if name == "plan":
        from jarvis_lib.build_scheduler.planner import plan

        return plan
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
