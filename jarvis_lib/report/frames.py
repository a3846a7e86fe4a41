"""What stands in the store, as plain polars frames with fixed columns. Times carry the zone that was asked for (UTC if none).

A frame is read in one short opening and holds nothing open. Text that came from a task is free of control characters.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from jarvis_lib.model.prose import clean
from jarvis_lib.model.study import Study
from jarvis_lib.report.publish import put
from jarvis_lib.store.place import Place
from jarvis_lib.store.snapshot import open_snapshot
from jarvis_lib.store.store import Reader

if TYPE_CHECKING:
    import polars as pl

FOREIGN = ("title", "why", "verdict_why", "said", "reasons", "what", "subject", "suggested")
"""Columns whose text may come from outside."""
_ODD = r"[^ -~]|  |^ | $"
"""What `clean` may change: all but printable ASCII with single spaces inside."""


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


@contextmanager
def at_leisure(place: Place, snapshot: str = "") -> Iterator[Reader]:
    """A reader for work that takes its time: on `snapshot`, or on a copy made for it, so that nobody waits for the store meanwhile."""
    if snapshot:
        with open_snapshot(snapshot) as reader:
            yield reader
        return
    with TemporaryDirectory() as folder, open_snapshot(place.store.snapshot(Path(folder) / "copy.duckdb")) as reader:
        yield reader


def hand_over(study: Study, out: str) -> str:
    """Write the study to `out`, whole or not at all, for the session that asked for it; nothing without `out`. Returns what it says."""
    if out:
        put(Path(out), study.to_text())
    return study.said


def _frame(reader: Reader, name: str, zone: ZoneInfo | None) -> "pl.DataFrame":
    import polars as pl

    found = reader.frame(name)
    times = [c for c, kind in found.schema.items() if isinstance(kind, pl.Datetime)]
    texts = [c for c in found.columns if c in FOREIGN]
    here = zone.key if zone else "UTC"
    local = [pl.col(c).cast(pl.Datetime("us")).dt.replace_time_zone("UTC").dt.convert_time_zone(here) for c in times]
    return harmless(found.with_columns(*local), texts)


def harmless(frame: "pl.DataFrame", columns: list[str]) -> "pl.DataFrame":
    """The frame with the texts of `columns` cleaned; those that are plain already, which are nearly all, are not touched."""
    import polars as pl

    changes = []
    for name in columns:
        odd = frame[name].filter(frame[name].str.contains(_ODD).fill_null(False)).unique()
        if len(odd):
            changes.append(pl.col(name).replace(odd, odd.map_elements(clean, return_dtype=pl.String)))
    return frame.with_columns(*changes) if changes else frame
