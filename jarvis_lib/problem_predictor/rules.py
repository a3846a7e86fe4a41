"""Which readings are problems, which of them are news, and where does a problem stand? Values in, values and sentences out."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from jarvis_lib.execution.fixes.watch import Reading
from jarvis_lib.model.book import Row
from jarvis_lib.model.fact import stamp
from jarvis_lib.model.metric import KINDS, key_of, named
from jarvis_lib.model.problem import Problem, is_another_incident
from jarvis_lib.model.prose import clean
from jarvis_lib.problem_predictor import alarms, answered, foreseeing
from jarvis_lib.problem_predictor.tiers import is_small

MOVED = 0.10
"""A known problem is told again when its number moved by this share."""
_OWN_WORDS = ("log", "old_logs", "disk", "database")
_NUMBER = {
    "oversized_log": "bytes",
    "bloated_database": "share",
    "full_disk": "share",
    "old_logs": "count",
    "old_cache": "bytes",
    "repository_garbage": "count",
}


def find(readings: Sequence[Reading]) -> list[Problem]:
    """The problems in these readings, in their order. The disk of the workspace is told once, though it is a mount too."""
    full = any(r.kind == "disk" and r.over for r in readings)
    return [_problem(r) for r in readings if r.over and not (full and r.kind == "mount" and r.detail.get("home"))]


def _problem(r: Reading) -> Problem:
    name = clean(r.subject)
    if r.kind in answered.KINDS:
        return answered.problem(r)
    if r.kind in KINDS and r.kind not in _OWN_WORDS:
        return _over_limit(r)
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


def _over_limit(r: Reading) -> Problem:
    """A number over its limit for which no playbook stands: it is told, and a person decides."""
    kind, key = KINDS[r.kind], key_of(r.kind, r.subject)
    severity = "critical" if r.detail.get("expired") else kind.severity
    what = f"{named(key)} {'has expired' if r.detail.get('expired') else 'is ' + kind.hit}: {r.said}"
    evidence = r.detail | {"value": r.value, "limit": r.limit, "metric": key}
    return Problem(f"over_limit:{key}", "over_limit", key, what, evidence, 1.0, severity, kind.remedy, False, kind.reach)


def _stated(kind: str, r: Reading, what: str, severity: str, suggested: str, *, safe: bool) -> Problem:
    return Problem(f"{kind}:{r.subject}", kind, r.subject, what, r.detail, 1.0, severity, suggested, safe)


def is_news(problem: Problem, known: Row | None) -> bool:
    """Whether a problem is worth a fact: new, back again, another remedy, or its number moved by a tenth. A dismissed one is not."""
    if known is None or known["state"] == "gone":
        return True
    if problem.kind == "unusual" and known["state"] in ("fixed", "dismissed"):
        return is_another_incident(json.loads(known["evidence"]), str(problem.evidence["since"]), at=stamp(known["last_seen"]))
    if known["state"] in ("fixed", "dismissed"):
        return bool(known["state"] == "fixed")
    if (problem.severity, problem.safe, problem.suggested) != (known["severity"], known["safe"], known["suggested"]):
        return True
    before: dict[str, Any] = json.loads(known["evidence"])
    if problem.kind == "crossing":
        return foreseeing.moved(before, problem.evidence)
    if problem.kind == "unusual":
        return "since" not in before or not alarms.is_same(before["since"], problem.evidence["since"])
    key = _NUMBER.get(problem.kind, "value")
    old, new = before.get(key, 0), problem.evidence.get(key, 0)
    return bool(abs(new - old) > MOVED * abs(old))


def has_gone(row: Row, found: Sequence[Problem], readings: Sequence[Reading]) -> bool:
    """Whether an open problem is no longer there. What could not be measured now has not gone."""
    unmeasured = {name for r in readings if r.over is None for name in (r.subject, key_of(r.kind, r.subject))}
    return row["state"] == "open" and row["key"] not in {p.key for p in found} and row["subject"] not in unmeasured


def standing(row: Row, *, now: datetime) -> str:
    """Where a problem stands: predicted, open, came back, watching (fixed, not yet checked a day later), held, gone or dismissed."""
    if row["state"] == "open" and row["kind"] == "crossing":
        return "predicted"
    if row["state"] == "open":
        return "came back" if row["came_back"] else "open"
    if row["state"] != "fixed":
        return str(row["state"])
    return "held" if row["held"] else "watching"
