"""Which states a task can be in, and which moves are allowed. Any other move is an error."""

from collections.abc import Mapping
from datetime import tzinfo
from typing import Any

from jarvis_lib.model.fact import Refused
from jarvis_lib.model.prose import listed

STATES = (
    "proposed",
    "queued",
    "parked",
    "running",
    "review",
    "shipped",
    "accepted",
    "failed",
    "dropped",
    "undone",
)
OPEN_STATES = ("proposed", "queued", "parked", "running", "review")
ENDED_WELL = ("shipped", "accepted")

MOVES: dict[str, dict[str, tuple[str, ...]]] = {
    "proposed": {"approve": ("queued",), "decline": ("dropped",), "expire": ("dropped",), "drop": ("dropped",)},
    "queued": {
        "claim": ("running",),
        "later": ("parked",),
        "edit": ("queued", "parked"),
        "park": ("parked",),
        "drop": ("dropped",),
        "complete": ("accepted",),
    },
    "parked": {
        "approve": ("queued",),
        "answer": ("queued",),
        "edit": ("queued", "parked"),
        "later": ("parked",),
        "drop": ("dropped",),
        "decline": ("dropped",),
        "complete": ("accepted",),
    },
    "running": {"ending": ("shipped", "review", "failed", "queued", "parked")},
    "review": {"accept": ("accepted",), "retry": ("queued",), "drop": ("dropped",)},
    "shipped": {"accept": ("accepted",), "undo": ("undone",)},
    "accepted": {"undo": ("undone",)},
    "failed": {"retry": ("queued",), "drop": ("dropped",), "complete": ("accepted",)},
    "dropped": {"retry": ("queued",)},
    "undone": {"retry": ("queued",)},
}

SAID = {
    "proposed": "proposed, waits for your yes",
    "queued": "queued",
    "parked": "parked, waits for you",
    "running": "running",
    "review": "ended without proof, waits for your look",
    "shipped": "shipped (verified)",
    "accepted": "accepted",
    "failed": "failed",
    "dropped": "dropped",
    "undone": "undone",
}


def stands(row: Mapping[str, Any], zone: tzinfo) -> str:
    """The state of a task's row in words; of one that was put off, whether it comes by itself, when, and whether it asks then."""
    if row["parked_kind"] != "later":
        return SAID[row["state"]]
    if row["until"] is None:
        return f"put off until you bring it back (jarvis queue approve {row['id']})"
    asks = "" if row["approved_hash"] == row["content_hash"] else ", and asks for your approval then"
    return f"not due for work yet; it comes by itself on {row['until'].astimezone(zone):%a %d %b %H:%M}{asks}"


def move(state: str, verb: str, *, name: str) -> tuple[str, ...]:
    """The states that `verb` may lead to from `state`. Refuses a move that does not exist, naming those that do."""
    targets = MOVES.get(state, {}).get(verb)
    if targets is None:
        offered = sorted(set(MOVES.get(state, {})) - {"claim", "ending", "expire", "park", "answer", "complete"})
        raise Refused(
            f"{name} is {SAID[state]}, so it cannot be taken through {verb!r}. What it allows now: {listed(offered, 'or') or 'nothing; it is being worked'}."
        )
    return targets
