"""What do the workspace's own rows say as numbers? The age of the queue, what waits for the person, attempts that failed, nights that went wrong."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from jarvis_lib.execution.fixes.watch import Reading
from jarvis_lib.execution.metrics.measured import measured
from jarvis_lib.model.book import Row
from jarvis_lib.model.prose import plural, seconds
from jarvis_lib.store.store import Reader

_SPAN = timedelta(days=7)
RETRY_SPAN = timedelta(days=7)
"""A task that failed longer ago is not offered for another attempt."""


@dataclass(frozen=True, slots=True)
class Rows:
    """What `readings` is made of: numbers of the queue, attempts by recipe, and tasks that failed (for those who offer another attempt)."""

    numbers: Row
    attempts: list[Row]
    failed: list[Row]


def rows(reader: Reader, *, now: datetime) -> Rows:
    """The workspace's own rows, read in one short opening."""
    numbers = reader.one("problem_predictor.own_numbers", now=now, yesterday=now - timedelta(days=1)) or {}
    attempts = reader.rows("problem_predictor.attempts_by_recipe", since=now - _SPAN, now=now)
    return Rows(numbers, attempts, reader.rows("problem_predictor.failed_tasks", since=now - RETRY_SPAN))


def readings(of: Rows, wanted: dict[str, Any]) -> list[Reading]:
    """One reading for each number; an empty queue has no age and gives none. A share of failures counts from five attempts on."""
    numbers = of.numbers
    found = [measured(wanted, "review", "queue", numbers["waiting"], f"{plural(numbers['waiting'], 'task')} for you to decide")]
    if numbers["oldest_queued_h"] is not None:
        found.append(measured(wanted, "queue_age", "queue", round(max(numbers["oldest_queued_h"], 0.0), 3)))
    if numbers["sessions"]:
        found.append(measured(wanted, "cron", "queue", numbers["bad_sessions"], f"{plural(numbers['bad_sessions'], 'session')} in a day"))
    for row in of.attempts:
        kind, enough = row["recipe"] or "none", row["n"] >= 5
        said = f"{row['failed']:.0%} of {plural(row['n'], 'attempt')} in a week failed"
        if enough:
            found.append(measured(wanted, "failures", kind, round(row["failed"], 4), said))
        if row["seconds"] is not None and enough:
            found.append(measured(wanted, "duration", kind, round(row["seconds"], 2), f"{seconds(row['seconds'])}, half of them took longer"))
    return found
