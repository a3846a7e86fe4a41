"""Did a fix hold? Values in, a verdict and its sentence out: held, came back, worse, or nothing yet."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from jarvis_lib.execution.fixes.playbook import Playbook
from jarvis_lib.execution.fixes.watch import Reading
from jarvis_lib.model.book import Row
from jarvis_lib.model.problem import WATCH, Problem
from jarvis_lib.model.prose import clean, listed

WORSE = 0.10
"""A number is worse than before the fix when it is larger by more than this share."""


def noted(taken: Sequence[Reading], subject: str, kind: str) -> dict[str, Any]:
    """What the check a day later compares with: the kind of reading, its number before the fix, and the services that were green."""
    own = next((r for r in taken if r.subject == subject and r.kind == kind), None)
    green = sorted(r.subject for r in taken if r.kind == "service" and r.over is False)
    return {"kind": kind, "before": own.value if own else None, "green": green}


def verdict(row: Row, playbook: Playbook, taken: Sequence[Reading], found: Sequence[Problem], *, now: datetime, broken: str) -> tuple[str, str]:
    """(held, came back, worse or nothing yet; the sentence). `broken` is what the playbook's own check finds wrong now, or nothing."""
    watch = json.loads(row["watch"])
    worse = _worse(row, playbook, watch, taken)
    if worse:
        return "worse", worse
    there = next((p for p in found if p.key == row["problem"]), None)
    if playbook.recurs:
        if broken:
            return "came back", broken
    elif row["came_back_at"] is not None:
        return "came back", f"it was seen again on {row['came_back_at']:%Y-%m-%d %H:%M} UTC"
    elif there is not None:
        return "came back", there.what
    elif any((r.kind, r.subject) == (watch.get("kind"), row["subject"]) and r.over is None for r in taken):
        return "", ""  # it could not be measured now; the check stays due
    if now - row["at"] < WATCH:
        return "", ""
    return "held", f"green again after a day: {playbook.watched}"


def _worse(row: Row, playbook: Playbook, watch: dict[str, Any], taken: Sequence[Reading]) -> str:
    """Why things are worse than before the fix, or nothing: its number rose, its database cannot be read, or a service went red."""
    red = sorted(r.subject for r in taken if r.kind == "service" and r.over and r.subject in watch.get("green", ()))
    if red and playbook.takes_back:
        return f"{listed([clean(s) for s in red])} answered before the fix and {'does' if len(red) == 1 else 'do'} not since"
    own = next((r for r in taken if r.subject == row["subject"] and r.kind == watch.get("kind")), None)
    if own is None or not playbook.back_helps:
        return ""
    if own.kind == "database" and own.value is None and own.over:
        return f"it cannot be read since: {own.said}"
    before = watch.get("before")
    if own.value is not None and before is not None and own.value > before * (1 + WORSE) and own.over:
        return f"it was {before:,.4g} before the fix and is {own.value:,.4g} now ({own.said})"
    return ""
