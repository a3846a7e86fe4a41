"""What stands in the store, as plain polars frames with fixed columns. Times carry the zone that was asked for (UTC if none).

A frame is read in one short opening and holds nothing open. Text that came from a task is free of control characters.
"""

import os
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from jarvis_lib.model.prose import clean
from jarvis_lib.model.study import Study
from jarvis_lib.store.store import Reader

if TYPE_CHECKING:
    import polars as pl

FOREIGN = ("title", "why", "verdict_why", "said", "reasons", "what", "subject", "suggested")
"""Columns whose text may come from outside."""


def tasks(reader: Reader, *, zone: ZoneInfo | None = None) -> "pl.DataFrame":
    """One row for each task, oldest first: what it is, its state and the times of its moves. `hours` is the estimate."""
    return _frame(reader, "report.tasks", zone)


def attempts(reader: Reader, *, zone: ZoneInfo | None = None) -> "pl.DataFrame":
    """One row for each attempt, oldest first. `seconds` is the time in the recipe; `ended_at`, `outcome`, `verdict` are null while it runs."""
    return _frame(reader, "report.attempts", zone)


def sessions(reader: Reader, *, zone: ZoneInfo | None = None) -> "pl.DataFrame":
    """One row for each session, oldest first, with its attempts and how many of them were verified."""
    return _frame(reader, "report.sessions", zone)


def phases(reader: Reader, *, zone: ZoneInfo | None = None) -> "pl.DataFrame":
    """One row for each event of a phase; `seconds` stands at its end."""
    return _frame(reader, "report.phases", zone)


def decisions(reader: Reader, *, zone: ZoneInfo | None = None) -> "pl.DataFrame":
    """One row for each decision of the policy, oldest first, with its rule, risk and reasons."""
    return _frame(reader, "report.decisions", zone)


def problems(reader: Reader, *, zone: ZoneInfo | None = None) -> "pl.DataFrame":
    """One row for each problem that was ever seen, the newest first."""
    return _frame(reader, "report.problems", zone)


def last_night(reader: Reader, *, zone: ZoneInfo | None = None) -> "pl.DataFrame":
    """The attempts of the newest session."""
    import polars as pl

    newest = sessions(reader, zone=zone)["id"].to_list()[-1:]
    return attempts(reader, zone=zone).filter(pl.col("session").is_in(newest))


def hand_over(study: Study, out: str | Path) -> None:
    """Write the study for the session that asked for it: whole or not at all. Does nothing without `out`."""
    if out:
        temporary = Path(f"{out}.{os.getpid()}.tmp")
        temporary.write_text(study.to_text(), encoding="utf-8")
        os.replace(temporary, out)


def _frame(reader: Reader, name: str, zone: ZoneInfo | None) -> "pl.DataFrame":
    import polars as pl

    found = reader.frame(name)
    times = [c for c, kind in found.schema.items() if isinstance(kind, pl.Datetime)]
    texts = [c for c in found.columns if c in FOREIGN]
    here = zone.key if zone else "UTC"
    local = [pl.col(c).cast(pl.Datetime("us")).dt.replace_time_zone("UTC").dt.convert_time_zone(here) for c in times]
    return found.with_columns(*local, *(pl.col(c).map_elements(clean, return_dtype=pl.String) for c in texts))
