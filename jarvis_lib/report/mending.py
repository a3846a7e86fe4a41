"""Which problems were fixed, does the fix hold, and which are open?"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from jarvis_lib.model.prose import clean, shorten
from jarvis_lib.report.clock import when
from jarvis_lib.report.parts import FixRow, ProblemRow, Status

Row = dict[str, Any]
WATCHED = timedelta(hours=24)


def fix_rows(found: Sequence[Row], *, now: datetime, zone: ZoneInfo) -> list[FixRow]:
    """The runs of playbooks in the span. A fix that its check confirmed is watched for 24 hours before it counts as held."""
    return [_fix(row, now, zone) for row in found]


def _fix(row: Row, now: datetime, zone: ZoneInfo) -> FixRow:
    status, watching = _standing(row, now, zone)
    undo = f"jarvis problems undo {row['id']}" if row["verified"] and row["undone_at"] is None else ""
    return FixRow(status, shorten(clean(row["said"]), 180), shorten(clean(row["check_said"] or ""), 160), watching, undo)


def _standing(row: Row, now: datetime, zone: ZoneInfo) -> tuple[Status, str]:
    if row["undone_at"] is not None:
        return Status("↶", "undone", "warn"), ""
    if not row["verified"]:
        return Status("✗", "not fixed", "bad"), ""
    if row["problem_state"] != "fixed":
        return Status("!", "came back", "warn"), ""
    if now - row["at"] < WATCHED:
        return Status("✓", "fixed", "ok"), when(row["at"] + WATCHED, zone, now=now)
    return Status("✓", "held", "ok"), ""


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
