"""What should be done, what may run, and what became of it? Every task is in one state, and every move has an actor and a reason.

Add, approve, track. `work` is the only session loop: nothing is called shipped that its evidence did not prove.
"""

from jarvis_lib.autonomous_queue.looking import inbox, progress, report
from jarvis_lib.autonomous_queue.loop import Session, Stop, Tally, work
from jarvis_lib.autonomous_queue.recovery import close_dead
from jarvis_lib.autonomous_queue.undo import undo
from jarvis_lib.autonomous_queue.verbs import (
    Added,
    accept,
    add,
    approve,
    decline,
    drop,
    edit,
    find,
    housekeeping,
    later,
    listing,
    retry,
    show,
    why,
)

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
    "find",
    "housekeeping",
    "inbox",
    "later",
    "listing",
    "progress",
    "report",
    "retry",
    "show",
    "undo",
    "why",
    "work",
]
