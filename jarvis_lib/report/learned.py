"""What is new of what was learned? Routines found or lost, what was built ahead and why, what Jarvis would change of itself and whether it helped.

Only news: what stood in an earlier brief is not told again.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from jarvis_lib.model.prose import clean, shorten
from jarvis_lib.report.clock import when
from jarvis_lib.report.parts import NewsRow, Status
from jarvis_lib.store.store import Reader

Row = dict[str, Any]
_EFFECTS = {"helped": Status("✓", "helped", "ok"), "harmed": Status("✗", "harmed", "bad"), "no effect": Status("=", "no effect", "info")}
_TOO_LITTLE = Status("?", "too little to judge", "info")


def news(reader: Reader, *, since: datetime, now: datetime, zone: ZoneInfo) -> list[NewsRow]:
    """One row for each piece of news in the span: built ahead, measured, learned, retired, suggested."""
    between = {"since": since, "now": now}
    rows = [*map(_measured, reader.rows("report.measured_between", **between))]
    rows += [_ahead(r, zone, now) for r in reader.rows("report.built_ahead_between", **between)]
    rows += [_pattern(r) for r in reader.rows("report.patterns_between", **between)]
    return [*rows, *_suggested(reader.rows("report.improvements_between", **between))]


def _measured(row: Row) -> NewsRow:
    status = Status("↶", "put back", "warn") if row["state"] == "reverted" else _EFFECTS.get(row["verdict"], _TOO_LITTLE)
    return NewsRow(status, shorten(f"{clean(row['title'])}: {clean(row['measured_said'] or '')}", 260), "")


def _ahead(row: Row, zone: ZoneInfo, now: datetime) -> NewsRow:
    need = when(row["need_at"], zone, now=now)
    why = f"it is expected {need} with {row['p']:.0%}; it came as expected at least {row['low']:.0%} of the times"
    if row["task"]:
        return NewsRow(_ahead_status(row), shorten(f"{clean(row['title'])}: queued ahead, because {why}.", 260), f"jarvis why {row['task'][:5]}")
    return NewsRow(Status("?", "shall it be ready?", "info"), shorten(f"{clean(row['title'])}: {why}.", 260), f"jarvis patterns enable {row['pattern']}")


def _ahead_status(row: Mapping[str, Any]) -> Status:
    built = row["task_state"] in ("shipped", "accepted")
    return Status("✓", "built ahead", "ok") if built else Status("…", "queued ahead", "info")


def _pattern(row: Row) -> NewsRow:
    if row["state"] == "retired":
        return NewsRow(Status("-", "retired", "info"), shorten(f"{clean(row['title'])}, {clean(row['when']).lower()}: {clean(row['said'])}.", 260), "")
    return NewsRow(Status("+", "learned", "info"), shorten(f"{clean(row['title'])}, {clean(row['when']).lower()}. {clean(row['said'])}", 260), "")


def _suggested(rows: list[Row]) -> Iterator[NewsRow]:
    for row in rows:
        said = shorten(f"{clean(row['title'])}. {clean(row['why'])}", 260)
        yield NewsRow(Status("?", "suggested", "info"), said, f"jarvis improver accept {row['id'][:6]}")
