"""What did you change in the last 7 days, and how is it taken back? Each change is a fact; its inverse is another one, decided by the same rules.

Work that ran is undone by its id (`undoing`); this is about what you said: added, edited, approved, dropped, put off, pinned, set.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from jarvis_lib.model.book import Row
from jarvis_lib.model.fact import Fact, Refused
from jarvis_lib.model.task_row import name_of
from jarvis_lib.store.place import Place

DAYS = 7
Inverse = Callable[[Place, Row, datetime], list[Fact]]


@dataclass(frozen=True, slots=True)
class Change:
    """One change of yours: its number, what was done to what, and whether it was taken back already."""

    number: int
    at: datetime
    what: str
    kind: str
    taken_back: bool


def changes(place: Place, *, now: datetime) -> list[Change]:
    """Your changes of the last 7 days that have an inverse, the newest first."""
    return [Change(r["seq"], r["at"], _what(r), r["kind"], r["taken_back"]) for r in _rows(place, now)]


def take_back(place: Place, number: int | None = None, *, now: datetime) -> str:
    """Take back your newest change, or the one with this number; the sentence of what that was and where things stand now."""
    rows = _rows(place, now)
    if number is None:
        found = next((r for r in rows if not r["taken_back"]), None)
        if found is None:
            raise Refused(f"You changed nothing in the last {DAYS} days that can be taken back.", code="missing")
    else:
        found = next((r for r in rows if r["seq"] == number), None)
        if found is None:
            raise Refused(f"There is no change {number} of yours in the last {DAYS} days; `jarvis undo --list` shows them.", code="missing")
        if found["taken_back"]:
            raise Refused(f"Change {number} was taken back already: {_what(found)}.")
    facts = _INVERSES[found["kind"]](place, found, now)
    place.store.write(*facts)
    return f"Taken back: {_what(found)} ({found['at'].astimezone(place.zone):%a %d %b %H:%M}).{_stands(place, found)}"


def _rows(place: Place, now: datetime) -> list[Row]:
    with place.store.reading() as reader:
        return reader.rows("autonomous_queue.changes", actor=place.actor, since=now - timedelta(days=DAYS), kinds=list(_INVERSES))


_SAID = {
    "task.added": "added",
    "task.edited": "edited",
    "task.approved": "approved",
    "task.declined": "declined",
    "task.dropped": "dropped",
    "task.later": "put off",
    "task.retried": "queued again",
    "plan.pinned": "pinned",
    "context.set": "set the context",
    "pattern.enabled": "enabled a pattern",
}


def _what(row: Row) -> str:
    subject = f" {row['task']} ({row['title'][:60]})" if row["task"] and row["title"] else ""
    data = json.loads(row["data"])["data"]
    more = f" {data.get('state', '')}" if row["kind"] == "context.set" else f" {data.get('pattern', '')}" if row["kind"] == "pattern.enabled" else ""
    return f"{_SAID[row['kind']]}{subject}{more}"


def _stands(place: Place, row: Row) -> str:
    if not row["task"]:
        return ""
    with place.store.reading() as reader:
        task = reader.one("autonomous_queue.task", id=row["task"])
    return f" {name_of(task)} is {task['state']} now.{' ' + task['why'] if task['why'] else ''}" if task else ""


# --- what takes what back ------------------------------------------------------------------------------------------------


def _fact(place: Place, row: Row, kind: str, now: datetime, **data: Any) -> Fact:
    return place.fact(kind, at=now, undoes=row["id"], **data)


def _on_task(kind: str, **more: Any) -> Inverse:
    def inverse(place: Place, row: Row, now: datetime) -> list[Fact]:
        return [_fact(place, row, kind, now, task=row["task"], **more)]

    return inverse


def _add_back(place: Place, row: Row, now: datetime) -> list[Fact]:
    facts = [_fact(place, row, "task.dropped", now, task=row["task"], reason="taken back by you")]
    series = json.loads(row["data"])["data"]["task"].get("series")
    return [*facts, _fact(place, row, "series.ended", now, series=series, why="you took it back")] if series else facts


def _edit_back(place: Place, row: Row, now: datetime) -> list[Fact]:
    """The content of before, as long as nothing was edited since."""
    from jarvis_lib.autonomous_queue.coming_again import comes_at
    from jarvis_lib.autonomous_queue.verbs import current_hash
    from jarvis_lib.model.task import task_from_json

    with place.store.reading() as reader:
        before = reader.one("autonomous_queue.content_before", task=row["task"], seq=row["seq"])
        task = reader.one("autonomous_queue.task", id=row["task"])
    if before is None or task is None:
        raise Refused("What stood before that edit is not in the journal as a content of its own; edit it by hand.")
    if before["edited_since"]:
        raise Refused(f"{name_of(task)} was edited again since; take that back first, or edit it by hand.")
    old = json.loads(before["data"])["data"]
    content = task_from_json(old.get("content") or old["task"])
    first = comes_at(place, content, now=now)
    data = {"task": row["task"], "content": content.to_json(), "content_hash": current_hash(place.home, content), "revision": task["revision"]}
    return [_fact(place, row, "task.edited", now, **data, **first)]


def _void(place: Place, row: Row, now: datetime) -> list[Fact]:
    """The approval is void, and the policy decides anew."""
    with place.store.reading() as reader:
        task = reader.one("autonomous_queue.task", id=row["task"])
    fresh = task["content_hash"] if task else ""
    return [_fact(place, row, "task.redecide", now, task=row["task"], content_hash=fresh)]


def _later_back(place: Place, row: Row, now: datetime) -> list[Fact]:
    with place.store.reading() as reader:
        task = reader.one("autonomous_queue.task", id=row["task"])
    if task is not None and task["parked_kind"] == "later" and task["approved_hash"] == task["content_hash"]:
        return [_fact(place, row, "task.answered", now, task=row["task"])]
    raise Refused(f"{row['task']} waits for your word anyway; let it run with: jarvis queue approve {row['task']}")


def _disable(place: Place, row: Row, now: datetime) -> list[Fact]:
    return [_fact(place, row, "pattern.disabled", now, pattern=json.loads(row["data"])["data"]["pattern"])]


def _clear(place: Place, row: Row, now: datetime) -> list[Fact]:
    return [_fact(place, row, "context.cleared", now)]


_INVERSES: dict[str, Inverse] = {
    "task.added": _add_back,
    "task.edited": _edit_back,
    "task.approved": _void,
    "task.declined": _on_task("task.retried"),
    "task.dropped": _on_task("task.retried"),
    "task.later": _later_back,
    "task.retried": _on_task("task.dropped", reason="taken back by you"),
    "plan.pinned": _on_task("plan.unpinned"),
    "context.set": _clear,
    "pattern.enabled": _disable,
}
