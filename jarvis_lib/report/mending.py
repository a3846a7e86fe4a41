"""Which problems were fixed, does the fix hold, and which are open?"""

import json
from collections.abc import Sequence
from datetime import datetime
from shlex import quote
from typing import Any
from zoneinfo import ZoneInfo

from jarvis_lib.model.problem import WATCH
from jarvis_lib.model.prose import clean, shorten
from jarvis_lib.problem_predictor.tiers import stands_at
from jarvis_lib.report.clock import when
from jarvis_lib.report.parts import Card, FixRow, ProblemRow, Status

Row = dict[str, Any]


def fix_rows(found: Sequence[Row], *, since: datetime, now: datetime, zone: ZoneInfo) -> list[FixRow]:
    """The runs of playbooks in the span, and earlier ones that were checked in it. A fix holds when the same check is green a day later."""
    return [_fix(row, since, now, zone) for row in found]


def _fix(row: Row, since: datetime, now: datetime, zone: ZoneInfo) -> FixRow:
    status, watching = _standing(row, now, zone)
    undo = f"jarvis problems undo {row['id']}" if row["verified"] and row["undone_at"] is None and row["emptied_at"] is None else ""
    check = row["undone_why"] or row["held_said"] or row["check_said"] or ""
    return FixRow(status, shorten(clean(row["said"]), 180), shorten(clean(check), 160), watching, undo, row["at"] > since)


def _standing(row: Row, now: datetime, zone: ZoneInfo) -> tuple[Status, str]:
    if row["undone_at"] is not None:
        return Status("↶", "taken back by itself" if row["undone_by"] == "watch" else "undone", "warn"), ""
    if not row["verified"]:
        return Status("✗", "not fixed", "bad"), ""
    if row["checked_at"] is not None and row["checked_at"] <= now:
        return (Status("✓", "held", "ok") if row["held"] else Status("!", "came back", "warn")), ""
    if row["came_back_at"] is not None:
        return Status("!", "came back", "warn"), ""
    due = row["at"] + WATCH
    return Status("✓", "fixed", "ok"), when(due, zone, now=now) if due > now else "now"


def asked_cards(found: Sequence[Row], past: Sequence[Row], *, now: datetime, zone: ZoneInfo) -> list[Card]:
    """The open problems whose fix waits for the person's word."""
    tiers = ((row, *stands_at(row | {"evidence": json.loads(row["evidence"])}, past, now=now)) for row in found)
    return [_asked(row, tier, why, now, zone) for row, tier, why in tiers if tier in ("medium", "high")]


def _asked(row: Row, tier: str, why: str, now: datetime, zone: ZoneInfo) -> Card:
    return Card(
        title=shorten(clean(row["what"]), 120),
        kind="fix",
        what=shorten(f"Shall it be fixed? {clean(row['suggested'])}.", 200),
        evidence=f"Risk {tier}{f': {clean(why)}' if why else ''}; first seen {when(row['first_seen'], zone, now=now)}.",
        do_nothing="the problem stays",
        commands=(f"jarvis problems fix {quote(clean(row['key']))}", f"jarvis problems dismiss {quote(clean(row['key']))}"),
    )


def problem_rows(found: Sequence[Row]) -> list[ProblemRow]:
    """The problems that are open, the severe ones first."""
    return [_problem(row) for row in found]


def _problem(row: Row) -> ProblemRow:
    is_now = row["probability"] >= 1.0
    said = "seen now" if is_now else f"probability {row['probability']:.0%}"
    if row["came_back"]:
        said += ", came back after a fix"
    tone = "bad" if row["severity"] in ("critical", "high") else "warn"
    return ProblemRow(shorten(clean(row["what"]), 200), Status("!", f"{clean(row['severity'])}, {said}", tone), shorten(clean(row["suggested"]), 200))
