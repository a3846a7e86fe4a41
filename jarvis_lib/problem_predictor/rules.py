"""Which readings are problems, which of them are news, and where does a problem stand? Values in, values and sentences out."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from jarvis_lib.execution.fixes.watch import Reading
from jarvis_lib.model.ledger import Row
from jarvis_lib.model.problem import Problem
from jarvis_lib.model.prose import clean
from jarvis_lib.problem_predictor import answered
from jarvis_lib.problem_predictor.tiers import is_small

MOVED = 0.10
"""A known problem is told again when its number moved by this share."""
_NUMBER = {
    "oversized_log": "bytes",
    "bloated_database": "share",
    "full_disk": "share",
    "old_logs": "count",
    "old_cache": "bytes",
    "repository_garbage": "count",
}


def find(readings: Sequence[Reading]) -> list[Problem]:
    """The problems in these readings, in their order."""
    return [_problem(r) for r in readings if r.over]


def _problem(r: Reading) -> Problem:
    name = clean(r.subject)
    if r.kind in answered.KINDS:
        return answered.problem(r)
    if r.kind == "log":
        how = "high" if r.detail["bytes"] > 100 * r.detail["limit"] else "low"
        safe = is_small("oversized_log", r.detail)
        return _stated("oversized_log", r, f"{name} has grown over its limit: {r.said}", how, "rotate and compress it", safe=safe)
    if r.kind == "old_logs":
        detail = r.detail | {"count": len(r.detail["files"])}
        return _stated("old_logs", replace(r, detail=detail), f"{name}: {r.said}", "low", "move them to the dated trash", safe=is_small("old_logs", detail))
    if r.kind == "disk":
        how = "critical" if (r.value or 0) < 0.01 else "high"
        return _stated("full_disk", r, f"The disk of this workspace is nearly full: {r.said}", how, "free some space", safe=False)
    if r.value is None:
        return _stated("unreadable_database", r, r.said, "high", "restore it from a backup", safe=False)
    suggested = "compact it from its own program (it is in use, or keeps a write-ahead log)" if r.detail["in_use"] else "compact it"
    return _stated("bloated_database", r, f"{name}: {r.said}", "low", suggested, safe=not r.detail["in_use"] and is_small("bloated_database", r.detail))


def _stated(kind: str, r: Reading, what: str, severity: str, suggested: str, *, safe: bool) -> Problem:
    return Problem(f"{kind}:{r.subject}", kind, r.subject, what, r.detail, 1.0, severity, suggested, safe)


def is_news(problem: Problem, known: Row | None) -> bool:
    """Whether a problem is worth a fact: new, back again, another remedy, or its number moved by a tenth. A dismissed one is not."""
    if known is None or known["state"] in ("fixed", "gone"):
        return True
    if known["state"] == "dismissed":
        return False
    if (problem.severity, problem.safe, problem.suggested) != (known["severity"], known["safe"], known["suggested"]):
        return True
    key = _NUMBER.get(problem.kind, "")
    old, new = json.loads(known["evidence"]).get(key, 0), problem.evidence.get(key, 0)
    return bool(abs(new - old) > MOVED * abs(old))


def has_gone(row: Row, found: Sequence[Problem], readings: Sequence[Reading]) -> bool:
    """Whether an open problem is no longer there. What could not be measured now has not gone."""
    unmeasured = {r.subject for r in readings if r.over is None}
    return row["state"] == "open" and row["key"] not in {p.key for p in found} and row["subject"] not in unmeasured


def standing(row: Row, *, now: datetime) -> str:
    """Where a problem stands: open, came back, watching (fixed, not yet checked a day later), held, gone or dismissed."""
    if row["state"] == "open":
        return "came back" if row["came_back"] else "open"
    if row["state"] != "fixed":
        return str(row["state"])
    return "held" if row["held"] else "watching"
