"""What is a column called where people read it? Frames keep their documented names; pages, tables and what is shown on a chart have these words."""

import re
from typing import Any

_WORDS = """\
accepted_at: Accepted; added_at: Added; at: When; base: Usually; base_brier: Baseline's error; base_false_per_week: Baseline's false alarms a week;
base_hit_rate: Baseline's hits; base_mid: Baseline's middle; base_rate: Guessing; booked: Hours booked; brier: Error; chance: Done in time; changed_at:
Changed; claimed_at: Began; closed_at: Ended; code: Reason; coverage: 80 % interval held; coverage_due: Should hold; decided_at: Decided; due_at: Due;
ended_at: Ended; estimator: Foretold by; false_per_week: False alarms a week; first: Comes first; found: Days found on; free: Hours free; h10: 10 % by
(hour); h50: Half by (hour); h90: 90 % by (hour); healthy_high: Healthy up to; healthy_low: Healthy from; held_p80: No longer than foreseen;
hit_rate: Came true; horizon_h: Hours looked ahead; id: ID; lane: Beside (from 0); lane_hours: Hours, side by side; lanes: At once; lead_h:
Hours ahead; longest_h: Longest piece (hours); made_at: Foretold; mid: Middle; n: Number; n_covered: Intervals scored; n_said:
Foretold; occasions: Days it could come; opened_at: Began; outcome: How it ended; p: Probability; p50: Hours (half of the cases); p50_end: Done by (half of
the cases); p80: Hours (8 of 10 cases); planned_hours: Hours planned; policy_hash: Policy; precision: Told and came; predict_linear: By a straight line;
predict_linear_h: Hours by a straight line; promised: Should hold; real_h: Hours real; recent: Last 14 days; said: In words; score: How unusual; scored:
Forecasts scored; seen: Times seen; sentence: Why; shipped_at: Shipped; skill: Better than the baseline by; standing: State; track: On track; undone_at:
Undone; value_after: After; value_before: Before; verdict_why: What proves it; weights: How it was mixed; work_hours: Hours worked
"""
HEADINGS = dict(pair.split(": ") for pair in " ".join(_WORDS.split()).split("; "))
"""Columns whose name does not already say it; any other is its name with spaces."""
_HEAD = re.compile(r"<th>([a-z][a-z0-9_]*)</th>")
_NUMBER = re.compile(r"<td>(-?\d+\.\d+)</td>")
_CODE = re.compile(r"<code>([a-z][a-z0-9]*(?:_[a-z0-9]+)*)</code>")


def heading(column: str) -> str:
    """The word for a column: `planned_hours` is Hours planned, and `due` is Due."""
    told = HEADINGS.get(column) or column.replace("_", " ")
    return told[:1].upper() + told[1:]


def headed(table: str) -> str:
    """The HTML of a frame with words instead of the names of columns, yes and no for true and false, and numbers of three digits that mean something."""
    told = _NUMBER.sub(lambda m: f"<td>{_short(float(m[1]))}</td>", _HEAD.sub(lambda m: f"<th>{heading(m[1])}</th>", table))
    return told.replace("<td>true</td>", "<td>yes</td>").replace("<td>false</td>", "<td>no</td>")


def _short(value: float) -> str:
    """`28`, `0.737`, `123.5`, `1,234`."""
    if abs(value) >= 999.95:
        return f"{value:,.0f}"
    return f"{value:.1f}".removesuffix(".0") if abs(value) >= 99.95 else f"{value:.3g}"


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
