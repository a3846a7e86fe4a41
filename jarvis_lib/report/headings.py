"""What is a column called where people read it? Frames keep their documented names; pages, tables and what is shown on a chart have these words."""

import re
from typing import Any

HEADINGS = {
    "accepted_at": "Accepted",
    "added_at": "Added",
    "at": "When",
    "attempts": "Attempts",
    "base": "Usually",
    "base_brier": "Baseline's error",
    "base_false_per_week": "Baseline's false alarms a week",
    "base_hit_rate": "Baseline's hits",
    "base_mid": "Baseline's middle",
    "base_rate": "Guessing",
    "before": "Before",
    "booked": "Hours booked",
    "brier": "Error",
    "came_back": "Came back",
    "chance": "Done in time",
    "changed_at": "Changed",
    "chosen": "Chosen",
    "claimed_at": "Began",
    "closed_at": "Ended",
    "code": "Reason",
    "completion_rate": "Completion rate",
    "count": "Count",
    "coverage": "80 % interval held",
    "coverage_due": "Should hold",
    "decided_at": "Decided",
    "due_at": "Due",
    "effect": "Effect",
    "end": "End",
    "ended_at": "Ended",
    "estimator": "Foretold by",
    "false_per_week": "False alarms a week",
    "figure": "Figure",
    "first": "Comes first",
    "first_seen": "First seen",
    "found": "Days found on",
    "free": "Hours free",
    "gone_when": "Gone when",
    "h10": "10 % by (hour)",
    "h50": "Half by (hour)",
    "h90": "90 % by (hour)",
    "happened": "Happened",
    "healthy_high": "Healthy up to",
    "healthy_low": "Healthy from",
    "held_p80": "No longer than foreseen",
    "high": "High (90 %)",
    "hit_rate": "Came true",
    "horizon_h": "Hours looked ahead",
    "hours": "Hours",
    "hours_planned": "Hours planned",
    "hours_real": "Hours real",
    "hours_so_far": "Hours so far",
    "id": "ID",
    "key": "Name",
    "lane": "Beside (from 0)",
    "lane_hours": "Hours, side by side",
    "lanes": "At once",
    "last_seen": "Last seen",
    "lead_h": "Hours ahead",
    "longest_h": "Longest piece (hours)",
    "low": "Low (10 %)",
    "made_at": "Foretold",
    "mid": "Middle (50 %)",
    "n": "Number",
    "n_covered": "Intervals scored",
    "n_said": "Foretold",
    "next": "Next",
    "occasions": "Days it could come",
    "of_what": "Of what",
    "opened_at": "Began",
    "outcome": "How it ended",
    "p": "Probability",
    "p50": "Hours (half of the cases)",
    "p50_end": "Done by (half of the cases)",
    "p80": "Hours (8 of 10 cases)",
    "planned_hours": "Hours planned",
    "policy_hash": "Policy",
    "precision": "Told and came",
    "predict_linear": "By a straight line",
    "predict_linear_h": "Hours by a straight line",
    "probability": "Probability",
    "promised": "Should hold",
    "real_h": "Hours real",
    "recent": "Last 14 days",
    "said": "In words",
    "score": "How unusual",
    "scored": "Forecasts scored",
    "seen": "Times seen",
    "sentence": "Why",
    "shipped_at": "Shipped",
    "skill": "Better than the baseline by",
    "standing": "State",
    "start": "Start",
    "state": "State",
    "task": "Task",
    "told": "Told",
    "track": "On track",
    "undo_until": "Undo until",
    "undone_at": "Undone",
    "value": "Now",
    "value_after": "After",
    "value_before": "Before",
    "verdict_why": "What proves it",
    "weights": "How it was mixed",
    "what": "What",
    "work_hours": "Hours worked",
}
"""Columns whose name does not already say it; any other is its name with spaces."""
_HEAD = re.compile(r"<th>([a-z][a-z0-9_]*)</th>")
_CODE = re.compile(r"<code>([a-z][a-z0-9]*(?:_[a-z0-9]+)*)</code>")


def heading(column: str) -> str:
    """The word for a column: `planned_hours` is Hours planned, and `due` is Due."""
    told = HEADINGS.get(column) or column.replace("_", " ")
    return told[:1].upper() + told[1:]


def headed(table: str) -> str:
    """The HTML of a frame with words instead of the names of columns, and yes and no for true and false."""
    told = _HEAD.sub(lambda m: f"<th>{heading(m[1])}</th>", table)
    return told.replace("<td>true</td>", "<td>yes</td>").replace("<td>false</td>", "<td>no</td>")


def spoken(text: str) -> str:
    """HTML of a text about such a table: a column that is named in it is named by its word."""
    return _CODE.sub(lambda m: f"<em>{heading(m[1])}</em>" if m[1] in HEADINGS else m[0], text)


def pointed(spec: Any) -> None:
    """Give what a chart shows under the pointer the words of its columns; axes and legends have their own."""
    if isinstance(spec, dict):
        tips = spec.get("tooltip")
        for tip in tips if isinstance(tips, list) else [tips]:
            if isinstance(tip, dict) and isinstance(tip.get("field"), str):
                tip.setdefault("title", heading(tip["field"]))
        for key, part in spec.items():
            if key != "datasets":
                pointed(part)
    elif isinstance(spec, list):
        for part in spec:
            pointed(part)
