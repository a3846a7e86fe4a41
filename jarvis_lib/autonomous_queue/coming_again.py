"""Which tasks come again now, and which times were missed? One occurrence of each series is open at a time; what was missed is told, never made up for."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from jarvis_lib.model.book import Row
from jarvis_lib.model.fact import Fact, Refused, new_id, stamp
from jarvis_lib.model.prose import plural
from jarvis_lib.model.recurring import after, as_told, between, parse
from jarvis_lib.model.series_rules import STANDING
from jarvis_lib.model.task import Task
from jarvis_lib.model.task_row import content_of, name_of
from jarvis_lib.store.place import Place

_SAID = 3


def comes_at(place: Place, task: Task, *, now: datetime) -> dict[str, str]:
    """What the fact that adds or edits a task must say of its first time; nothing where it does not come again."""
    return as_told(after(parse(task.every), place.zone, now), place.zone) if task.every else {}


def come_again(place: Place, *, now: datetime) -> list[str]:
    """Make the next occurrence of each series whose last one is over, and tell the times that were missed. One sentence for each kind of news."""
    with place.store.reading() as reader:
        rows = reader.rows("autonomous_queue.series_going_on")
    facts = [fact for row in rows for fact in _of(place, row, now=now)]
    if not facts:
        return []
    applied = [a for a in place.store.append(*facts) if not a.refused]
    made = sum(a.fact.kind == "task.added" for a in applied)
    missed = sum(int(a.fact.data["count"]) for a in applied if a.fact.kind == "series.missed")
    said = [f"{plural(made, 'recurring task')} made for {'its' if made == 1 else 'their'} next time"] if made else []
    return said + ([f"{plural(missed, 'time')} of recurring tasks missed"] if missed else [])


def _of(place: Place, row: Row, *, now: datetime) -> list[Fact]:
    rule = parse(row["every"])
    passed = between(rule, place.zone, row["told_until"], now)
    if row["state"] in STANDING:
        return [_missed(place, row, passed, now=now)] if passed else []
    comes = passed[-1] if passed else after(rule, place.zone, max(now, row["newest_at"]))
    facts = [_missed(place, row, passed[:-1], now=now)] if passed[:-1] else []
    return [*facts, _made(place, row, comes, now=now)]


def _missed(place: Place, row: Row, passed: list[datetime], *, now: datetime) -> Fact:
    local = [f"{at.astimezone(place.zone):%a %d %b %H:%M}" for at in passed]
    shown = local if len(local) <= _SAID else [local[0], "…", local[-1]]
    why = "the one before was still open" if row["state"] in STANDING else "nothing ran"
    said = f"{', '.join(shown)}, because {why}"
    return place.fact("series.missed", actor="policy", at=now, series=row["id"], count=len(passed), until=stamp(passed[-1]), said=said)


def _made(place: Place, row: Row, comes: datetime, *, now: datetime) -> Fact:
    from jarvis_lib.autonomous_queue.verbs import current_hash

    task = replace(content_of(row), id=new_id())
    data: dict[str, Any] = {"task": task.to_json(), "content_hash": current_hash(place.home, task), "series": row["id"]}
    data |= as_told(comes, place.zone)
    return place.fact("task.added", actor="policy", at=now, **data)


def told(place: Place, row: Row, *, now: datetime) -> dict[str, Any] | None:
    """What `show` tells of a task's series: its rule, its next time, how many were made and missed. None for a task that comes once."""
    task = content_of(row)
    if not task.every:
        return None
    with place.store.reading() as reader:
        own = reader.one("autonomous_queue.series_of", id=task.series)
    if own is None:
        return None
    rule = parse(own["every"])
    coming = None if own["ended_at"] else own["newest_at"] if own["newest_at"] > now else after(rule, place.zone, now)
    said = f"{rule.said()}; made {own['made']}, missed {own['missed']}"
    when = f"{coming.astimezone(place.zone):%a %d %b %H:%M}" if coming else ""
    said += f"; next {when}" if coming else f"; it comes no more, because {own['ended_why'] or 'you ended it'}"
    return {"id": own["id"], "every": own["every"], "said": said, "next": coming, "made": own["made"], "missed": own["missed"], "ended_at": own["ended_at"]}


def end(place: Place, row: Row, *, now: datetime) -> str:
    """End the series that a task belongs to; what is open of it stays as it is."""
    task = content_of(row)
    if not task.every:
        raise Refused(f"{name_of(row)} comes once, so there is no series to end; leave --series out.", code="usage")
    place.store.write(place.fact("series.ended", at=now, series=task.series, why=f"you ended it with {row['id']}"))
    return "It comes no more."
