"""What should be done, what may run, and what became of it? Every task is in one state, and every move has an actor and a reason.

Add, approve, track. `work` is the only session loop: nothing is called shipped that its evidence did not prove.
A name is loaded when it is used, so that `python -m jarvis_lib.autonomous_queue add` need not wait for the night's loop.
"""

from typing import TYPE_CHECKING

from jarvis_lib.lazily import lazily

if TYPE_CHECKING:
    from jarvis_lib.autonomous_queue.in_flight import Session, Stop, Tally
    from jarvis_lib.autonomous_queue.looking import inbox, inbox_of, progress, put_off, put_off_of, report
    from jarvis_lib.autonomous_queue.loop import work
    from jarvis_lib.autonomous_queue.recovery import close_dead
    from jarvis_lib.autonomous_queue.sessions import hours_now, work_now
    from jarvis_lib.autonomous_queue.undoing import undo, would_undo
    from jarvis_lib.autonomous_queue.verbs import (
        Added,
        accept,
        add,
        approve,
        decline,
        drop,
        edit,
        follow_up,
        housekeeping,
        later,
        listing,
        piped,
        retry,
        show,
        why,
        would_accept,
    )

_HOME = {
    ".in_flight": ("Session", "Stop", "Tally"),
    ".looking": ("inbox", "inbox_of", "progress", "put_off", "put_off_of", "report"),
    ".loop": ("work",),
    ".recovery": ("close_dead",),
    ".sessions": ("hours_now", "work_now"),
    ".undoing": ("undo", "would_undo"),
    ".verbs": (
        "Added",
        "accept",
        "add",
        "approve",
        "decline",
        "drop",
        "edit",
        "follow_up",
        "housekeeping",
        "later",
        "listing",
        "piped",
        "retry",
        "show",
        "why",
        "would_accept",
    ),
}
__getattr__ = lazily(__name__, _HOME)

__all__ = [
    "Added",
    "Session",
    "Stop",
    "Tally",
    "accept",
    "add",
    "approve",
    "close_dead",
    "decline",
    "drop",
    "edit",
    "follow_up",
    "hours_now",
    "housekeeping",
    "inbox",
    "inbox_of",
    "later",
    "listing",
    "piped",
    "progress",
    "put_off",
    "put_off_of",
    "report",
    "retry",
    "show",
    "undo",
    "why",
    "work",
    "work_now",
    "would_accept",
    "would_undo",
]
