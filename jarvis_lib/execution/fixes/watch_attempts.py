"""Which tasks failed for a reason that may pass (no time, no login, a crash), so that another attempt makes sense? Rows in, readings out."""

from collections.abc import Sequence
from typing import Any

from jarvis_lib.execution.fixes.watch import Reading
from jarvis_lib.model.prose import clean, plural, shorten

MAY_PASS = ("timed_out", "no_login", "limited", "died", "abandoned")


def readings(rows: Sequence[dict[str, Any]]) -> list[Reading]:
    """One reading for each failed task; what failed by itself, was refuted or denied is no problem that time cures."""
    return [_reading(row) for row in rows]


def _reading(row: dict[str, Any]) -> Reading:
    passing = row["outcome"] in MAY_PASS
    said = f"{shorten(clean(row['title']), 80)!r} failed after {plural(row['attempts'], 'attempt')}: {row['outcome']}"
    detail = {"task": row["id"], "outcome": row["outcome"], "attempts": row["attempts"]}
    return Reading("attempt", row["id"], float(row["attempts"]), None, passing, said, detail)
