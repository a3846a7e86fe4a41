"""How does a number become a reading? With its limit from the settings, and a sentence; or without a number, and the sentence says why."""

from typing import Any

from jarvis_lib.execution.fixes.watch import Reading
from jarvis_lib.model.metric import is_over, key_of, limit_of, shown


def measured(wanted: dict[str, Any], kind: str, subject: str, value: float, said: str = "", **detail: Any) -> Reading:
    """A reading of one number; `said` is its value in words unless it is given."""
    limit = limit_of(key_of(kind, subject), wanted)
    words = said or shown(kind, value) + (f" (limit {shown(kind, limit)})" if limit is not None else "")
    return Reading(kind, subject, value, limit, is_over(kind, value, limit), words, {"value": value} | detail)


def unmeasured(kind: str, subject: str, why: str) -> Reading:
    """A reading without a number."""
    return Reading(kind, subject, None, None, None, f"not measured: {why}")
