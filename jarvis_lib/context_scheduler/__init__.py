"""What is the person doing right now, and what does that allow? Always says how it knows, until when, and how sure it is.

Override before calendar before clock and holidays. `blocks` and `context_at` are pure: values in, values and reasons out. The verbs below
them read the store; `set_context`, `clear_context` and `note_transition` write one fact each.
"""

from jarvis_lib.context_scheduler.rules import Block, Entry, Known, Override, blocks, context_at
from jarvis_lib.context_scheduler.verbs import (
    clear_context,
    context_of,
    detect,
    known_of,
    note_transition,
    set_context,
    summary,
    summary_of,
    upcoming,
    week_of,
)
from jarvis_lib.model.context import Allows, Context, preferred, suits

__all__ = [
    "Allows",
    "Block",
    "Context",
    "Entry",
    "Known",
    "Override",
    "blocks",
    "clear_context",
    "context_at",
    "context_of",
    "detect",
    "known_of",
    "note_transition",
    "preferred",
    "set_context",
    "suits",
    "summary",
    "summary_of",
    "upcoming",
    "week_of",
]
