"""What may run without asking because it has earned it? The record of each kind of work, and the person's word to widen or narrow it."""

from dataclasses import fields
from datetime import datetime
from typing import Any

from jarvis_lib.model.fact import Refused
from jarvis_lib.model.prose import clean
from jarvis_lib.model.task_row import content_of
from jarvis_lib.model.trust import NEVER, Record, Terms, kind_of, missing
from jarvis_lib.store.place import Place
from jarvis_lib.store.tasks import find

_COLUMNS = tuple(f.name for f in fields(Record))


def standing(record: Record, terms: Terms, *, is_on: bool, auto: tuple[str, ...]) -> str:
    """What the record means now, in one phrase."""
    if record.category in NEVER:
        return "never widened"
    if record.widened_at is None:
        because = f", since {record.why}" if record.why else ""
        return f"asked about{because}" if record.category not in auto else "automatic by [policy]"
    lacks = missing(record, terms)
    if lacks:
        return f"widened, still asked about: {lacks}"
    return "runs without asking" if is_on else "widened, but [trust] on = false"


def trusts(place: Place) -> list[dict[str, Any]]:
    """Every kind of work that has a record: its counts, its lower bound and what that means."""
    own = place.settings.values["trust"]
    terms = Terms(own["least"], own["bound"])
    rows = []
    with place.store.reading() as reader:
        found = reader.rows("autonomous_queue.trust")
    for row in found:
        record = Record(**{name: row[name] for name in _COLUMNS})
        means = standing(record, terms, is_on=own["on"], auto=place.settings.policy.auto)
        rows.append(row | {"bound": round(record.bound, 3), "standing": means, "where": record.repo or "workspace"})
    return rows


def widen(place: Place, task: str, *, now: datetime) -> str:
    """Let work of the kind of this task run without asking, once its record holds. Refuses categories that no record widens."""
    kind = _kind(place, task)
    place.store.write(place.fact("trust.widened", at=now, category=kind[0], repo=kind[1], recipe=kind[2]))
    record = _record(place, kind)
    own = place.settings.values["trust"]
    means = standing(record, Terms(own["least"], own["bound"]), is_on=own["on"], auto=place.settings.policy.auto)
    said = f"{record.key}: {means} ({record.said()}). One result that is refuted, undone or escalated narrows it by itself."
    return said if own["on"] else f"{said} Nothing changes until you write [trust] on = true into jarvis.toml."


def narrow(place: Place, task: str, *, now: datetime) -> str:
    """Ask about work of the kind of this task again, also about what waits in the queue because of it."""
    kind = _kind(place, task)
    place.store.write(place.fact("trust.narrowed", at=now, category=kind[0], repo=kind[1], recipe=kind[2]))
    return f"{_record(place, kind).key} is asked about again."


def _kind(place: Place, given: str) -> tuple[str, str, str]:
    """The kind that a task is an example of, by its id; or a record's own name, as `jarvis trust list` shows it."""
    with place.store.reading() as reader:
        known = {row["key"]: (row["category"], row["repo"], row["recipe"]) for row in reader.rows("autonomous_queue.trust")}
        if given in known:
            return known[given]
        if "|" in given:
            raise Refused(f"There is no record {clean(given)[:120]!r}; `jarvis trust list` shows them.", code="missing")
        row = find(reader, given)
        kind = kind_of(content_of(row))
    if kind[2] == "none":
        raise Refused(f"The task {row['id']} has no recipe, so it is no example of work that runs.")
    return kind


def _record(place: Place, kind: tuple[str, str, str]) -> Record:
    with place.store.reading() as reader:
        row = next(r for r in reader.rows("autonomous_queue.trust") if (r["category"], r["repo"], r["recipe"]) == kind)
    return Record(**{name: row[name] for name in _COLUMNS})
