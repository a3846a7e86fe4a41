"""What is watched, what are its numbers, and what became of the problems and of what was predicted? Reads only."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from shlex import quote
from typing import Any

from jarvis_lib.execution.fixes import watch, watch_attempts
from jarvis_lib.execution.fixes.playbooks import PLAYBOOKS
from jarvis_lib.execution.fixes.watch import Reading
from jarvis_lib.model.book import Row
from jarvis_lib.model.metric import KINDS, is_over, key_of, limit_of, named, parts_of, shown
from jarvis_lib.model.problem import KEPT, WATCH
from jarvis_lib.model.prose import clean
from jarvis_lib.model.risk import FLAP_SPAN
from jarvis_lib.problem_predictor import own
from jarvis_lib.problem_predictor.rules import standing
from jarvis_lib.problem_predictor.tiers import stands_at
from jarvis_lib.store.place import Place
from jarvis_lib.store.samples import Sample, Samples
from jarvis_lib.store.store import Reader


def listed(place: Place, *, now: datetime | None = None) -> list[Row]:
    """Every problem that was ever found, open ones first, with where it stands (`standing`) and its last fix."""
    with place.store.reading() as reader:
        return listed_by(reader, now=now or place.now())


def listed_by(reader: Reader, *, now: datetime) -> list[Row]:
    """The same by a reader that is open already."""
    rows = reader.rows("problem_predictor.listed")
    past = reader.rows("problem_predictor.histories", since=now - FLAP_SPAN)
    return [_told(row | {"evidence": json.loads(row["evidence"])}, past, now=now) for row in rows]


def asked(place: Place, *, now: datetime) -> list[Row]:
    """The open problems that wait for the person: their playbook is of the tier medium or high. Each with `tier`, `tier_why` and `command`."""
    with place.store.reading() as reader:
        return asked_by(reader, now=now)


def asked_by(reader: Reader, *, now: datetime) -> list[Row]:
    """The same by a reader that is open already."""
    return [row for row in listed_by(reader, now=now) if row["command"]]


def _told(row: Row, past: Sequence[Row], *, now: datetime) -> Row:
    """The row with where it stands, its tier and why that was raised, the command that fixes it, and until when its fix can be undone."""
    stands, (tier, why) = standing(row, now=now), stands_at(row, past, now=now)
    asks = row["state"] == "open" and tier in ("medium", "high")
    fixed = row["fixed_at"] if row["state"] == "fixed" else None
    playbook = PLAYBOOKS.get(row["kind"])
    keeps = fixed and playbook and playbook.takes_back and row["emptied_at"] is None
    return row | {
        "standing": stands,
        "tier": tier,
        "tier_why": why,
        "command": f"jarvis problems fix {quote(clean(row['key']))}" if asks else "",
        "check_due": fixed + WATCH if fixed and stands == "watching" else None,
        "undo_until": fixed + KEPT if fixed and keeps else None,
    }


def metrics(place: Place, *, now: datetime | None = None) -> list[Row]:
    """What is watched, one row each: the number (of this moment, or of the last scan) with its limit, and range, trend by the day and time of its samples.

    What could not be measured says why. Quick on any number of samples.
    """
    when = now or place.now()
    past = {r["metric"]: r for r in Samples(place.home).latest(now=when)}
    live = [asdict(r) for r in watch.readings(place.home, place.settings.values["problems"], now=when)]
    rows = [row | _past(past.pop(key_of(row["kind"], row["subject"]), None)) for row in live]
    wanted = place.settings.values["problems"]
    return rows + [_sampled(r, wanted) for r in past.values()]


def scores(place: Place) -> list[Row]:
    """How good forecasts and alarms were, one row for each estimator, with the simplest baseline's figures beside them."""
    with place.store.reading() as reader:
        return reader.rows("problem_predictor.scores")


def readings(place: Place, *, now: datetime) -> list[Reading]:
    """The numbers of what playbooks answer, taken now."""
    with place.store.reading() as reader:
        failed = reader.rows("problem_predictor.failed_tasks", since=now - own.RETRY_SPAN)
    return _answered(place, failed, now=now)


def _answered(place: Place, failed: Sequence[Row], *, now: datetime) -> list[Reading]:
    return watch.readings(place.home, place.settings.values["problems"], now=now) + watch_attempts.readings(failed)


def collect(place: Place, rows: own.Rows, *, now: datetime) -> list[Reading]:
    """All numbers, taken now; `rows` are the workspace's own. The first reading of a thing counts."""
    from jarvis_lib.execution import metrics as gauges

    wanted = place.settings.values["problems"]
    taken = [*_answered(place, rows.failed, now=now), *gauges.collect(place.home, wanted, now=now), *own.readings(rows, wanted)]
    found: dict[tuple[str, str], Reading] = {}
    for r in taken:
        before = found.get((r.kind, r.subject))
        if before is None or (before.value is None and before.over is None and r.value is not None):
            found[r.kind, r.subject] = r
    return list(found.values())


def as_samples(taken: Sequence[Reading], *, now: datetime) -> list[Sample]:
    """The readings that are kept as samples. The disk of the workspace is kept once, as its mount where there is one."""
    mounted = any(r.kind == "mount" and r.detail.get("home") for r in taken)
    kept = [r for r in taken if r.value is not None and r.kind in KINDS and not (mounted and r.kind == "disk")]
    return [(now, key_of(r.kind, r.subject), float(r.value)) for r in kept if r.value is not None]


_NO_PAST = {"at": None, "low": None, "high": None, "trend": None, "n": 0}


def _past(row: Row | None) -> Row:
    return dict(_NO_PAST) if row is None else {k: row[k] for k in _NO_PAST}


def _sampled(row: Row, wanted: dict[str, Any]) -> Row:
    kind, subject = parts_of(row["metric"])
    limit = limit_of(row["metric"], wanted)
    said = shown(kind, row["value"]) + (f" (limit {shown(kind, limit)})" if limit is not None else "")
    over = is_over(kind, row["value"], limit) if kind in KINDS else False
    start: Row = {"kind": kind, "subject": subject, "value": row["value"], "limit": limit, "over": over, "said": said, "detail": {}}
    return start | _past(row)


def ranged(row: Row) -> Row:
    """A row of `metrics` with its range and trend in words."""
    kind, low, high, trend = row["kind"], row["low"], row["high"], row["trend"]
    words = {"name": named(key_of(kind, row["subject"])), "range": "", "slope": ""}
    if low is not None:
        words["range"] = f"{shown(kind, low)} to {shown(kind, high)}"
    if trend is not None:
        # Below a thousandth of the range a day it is level.
        flat = abs(trend) <= 1e-3 * max(abs(high - low), 1e-12)
        words["slope"] = "level" if flat else f"{'+' if trend > 0 else '-'}{shown(kind, abs(trend)).removesuffix(' days left')} a day"
    return row | words
