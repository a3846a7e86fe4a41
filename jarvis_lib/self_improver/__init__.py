"""Where does Jarvis itself fall short, which one change could cure it, and did the last one help?

Promise: a weakness is measured, not felt: it has its figure with an interval, its rows, and the test that would show it gone; noise finds nothing.
A suggestion is one concrete change that nobody but the person accepts, is measured afterwards on the same figure, and is put back by itself where
it harmed. It never touches the policy, the guards, the budgets or what measures it.
"""

from jarvis_lib.self_improver.looking import Look, Measured, look
from jarvis_lib.self_improver.studying import study
from jarvis_lib.self_improver.verbs import (
    Suggestion,
    Suggestions,
    accept,
    apply_reverts,
    decline,
    log_correction,
    log_failure,
    log_read,
    log_time,
    measure,
    stats,
    suggest,
    undo,
)

__all__ = [
    "Look",
    "Measured",
    "Suggestion",
    "Suggestions",
    "accept",
    "apply_reverts",
    "decline",
    "log_correction",
    "log_failure",
    "log_read",
    "log_time",
    "look",
    "measure",
    "stats",
    "study",
    "suggest",
    "undo",
]
