"""What is watched, and what became of the problems? Reads only."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from shlex import quote

from jarvis_lib.execution.fixes import watch, watch_attempts
from jarvis_lib.execution.fixes.playbooks import PLAYBOOKS
from jarvis_lib.execution.fixes.watch import Reading
from jarvis_lib.model.ledger import Row
from jarvis_lib.model.problem import KEPT, WATCH
from jarvis_lib.model.prose import clean
from jarvis_lib.model.risk import FLAP_SPAN
from jarvis_lib.problem_predictor.rules import standing
from jarvis_lib.problem_predictor.tiers import stands_at
from jarvis_lib.store.place import Place

RETRY_SPAN = timedelta(days=7)
"""A task that failed longer ago is not offered for another attempt."""


def listed(place: Place, *, now: datetime | None = None) -> list[Row]:
    """Every problem that was ever found, open ones first, with where it stands (`standing`) and its last fix."""
    when = now or place.now()
    with place.store.reading() as reader:
        rows = reader.rows("problem_predictor.listed")
        past = reader.rows("problem_predictor.histories", since=when - FLAP_SPAN)
    return [_told(row | {"evidence": json.loads(row["evidence"])}, past, now=when) for row in rows]


def asked(place: Place, *, now: datetime) -> list[Row]:
    """The open problems that wait for the person: their playbook is of the tier medium or high. Each with `tier`, `tier_why` and `command`."""
    return [row for row in listed(place, now=now) if row["command"]]


def _told(row: Row, past: Sequence[Row], *, now: datetime) -> Row:
    """The row with where it stands, its tier and why that was raised, the command that fixes it, and until when its fix can be undone."""
    stands, (tier, why) = standing(row, now=now), stands_at(row, past, now=now)
    asks = row["state"] == "open" and tier in ("medium", "high")
    fixed = row["fixed_at"] if row["state"] == "fixed" else None
    playbook = PLAYBOOKS.get(row["kind"])
    keeps = fixed and playbook and playbook.takes_back and row["emptied_at"] is None
    return row | {
        "standing": stands,
        "tier": tier,
        "tier_why": why,
        "command": f"jarvis problems fix {quote(clean(row['key']))}" if asks else "",
        "check_due": fixed + WATCH if fixed and stands == "watching" else None,
        "undo_until": fixed + KEPT if fixed and keeps else None,
    }


def metrics(place: Place, *, now: datetime | None = None) -> list[Row]:
    """What is watched with its numbers at this moment, one row each; what could not be measured says why."""
    return [asdict(r) for r in readings(place, now=now or place.now())]


def readings(place: Place, *, now: datetime) -> list[Reading]:
    """The numbers of everything that `[problems]` names, taken now."""
    taken = watch.readings(place.home, place.settings.values["problems"], now=now)
    with place.store.reading() as reader:
        failed = reader.rows("problem_predictor.failed_tasks", since=now - RETRY_SPAN)
    return taken + watch_attempts.readings(failed)
