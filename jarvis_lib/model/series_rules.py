"""What makes a task come again, and what ends that? One occurrence is open at a time; what was missed is told, never made up for.

An occurrence has the content of the one before it. The person's approval of one holds for the next as long as content, files and policy are the same.
"""

from typing import TYPE_CHECKING, Any

from jarvis_lib.model.fact import Fact, Refused, moment, text
from jarvis_lib.model.prose import clean, plural
from jarvis_lib.model.recurring import parse
from jarvis_lib.model.task import Task
from jarvis_lib.model.task_row import content_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from jarvis_lib.model.book import Book, Row
    from jarvis_lib.model.policy import Decision, Policy

KEYS = {"series": "id"}
STANDING = ("proposed", "queued", "parked", "running")
"""While the newest occurrence is in one of these states, no other is made."""


def may_come(book: "Book", fact: Fact, task: Task) -> bool:
    """May this task come again of itself? Its series goes on, the occurrence before it is over, and it has that one's content."""
    row = book.get("series", task.series) if "series" in fact.data else None
    before = book.get("tasks", row["newest"]) if row is not None else None
    if row is None or before is None or row["ended_at"] is not None or before["state"] in STANDING:
        return False
    return text(task.to_json() | {"id": ""}) == text(content_of(before).to_json() | {"id": ""})


def added(book: "Book", fact: Fact, task: Task, row: "Row", *, comes: bool) -> None:
    """A task with a rule has been added: its series begins, or goes on with it where it `may_come`. It waits for its time."""
    if not task.every:
        return
    own = book.get("series", task.series)
    comes_at = moment(fact.data["comes_at"])
    if "series" not in fact.data:
        if not fact.actor.startswith("person"):
            raise Refused("Only a person makes a task come again; propose it once, without --every.")
        if own is not None:
            raise Refused(f"There is already a series {clean(task.series)[:20]}.")
        own = _begun(task, row["id"], comes_at, fact)
    elif own is None or not comes:
        raise Refused(f"{row['id']} is no occurrence of {clean(task.series)[:20]}: the one before is not over, or was changed since.")
    else:
        own |= {"newest": row["id"], "newest_at": comes_at, "made": own["made"] + 1, "told_until": max(own["told_until"], comes_at)}
    book.put("series", own)
    _wait(row, comes_at, task, fact)


def _begun(task: Task, newest: str, comes_at: Any, fact: Fact) -> "Row":
    parse(task.every)
    counts = {"made": 1, "missed": 0, "told_until": comes_at, "approved_hash": None, "policy_hash": ""}
    return {"id": task.series, "every": task.every, "newest": newest, "newest_at": comes_at, "started_at": fact.at, "ended_at": None, "ended_why": ""} | counts


def _wait(row: "Row", comes_at: Any, task: Task, fact: Fact) -> None:
    if comes_at > fact.at:
        rule, at = parse(task.every).said(), clean(str(fact.data.get("comes_said", "")))[:40]
        why = f"It comes by itself on {at} ({rule})." if at else f"It comes by itself, {rule}."
        row |= {"state": "parked", "parked_kind": "later", "why": why, "until": comes_at}


def edited(book: "Book", fact: Fact, before: Task, task: Task, row: "Row") -> None:
    """The rule was given, changed or taken away by an edit."""
    if before.every == task.every:
        return
    own = book.get("series", before.series) if before.series else None
    if own is not None and own["newest"] != row["id"]:
        raise Refused(f"{row['id']} is not the newest of its series; edit {own['newest']}.")
    if not task.every:
        if own is not None:
            book.put("series", own | {"ended_at": fact.at, "ended_why": "its rule was taken away"})
        if row["parked_kind"] == "later":
            row |= {"state": "queued", "parked_kind": "", "why": "", "until": None}
        return
    comes_at = moment(fact.data["comes_at"])
    parse(task.every)
    book.put("series", own | {"every": task.every, "newest_at": comes_at, "told_until": comes_at} if own else _begun(task, row["id"], comes_at, fact))
    _wait(row, comes_at, task, fact)


def of(book: "Book", row: "Row") -> "Row | None":
    """The series that a task is an occurrence of."""
    return book.get("series", content_of(row).series) if '"series":' in row["content"] else None


def decided(book: "Book", row: "Row", data: dict[str, Any]) -> None:
    """The policy under which the newest occurrence was asked about; another one voids the standing approval."""
    own = of(book, row)
    if own is not None and own["policy_hash"] != data["policy_hash"]:
        book.put("series", own | {"policy_hash": data["policy_hash"], "approved_hash": None})


def approved(book: "Book", fact: Fact, row: "Row") -> bool:
    """The person's approval holds for the occurrences to come. True when this one still waits for its time."""
    own = of(book, row)
    if own is None:
        return False
    book.put("series", own | {"approved_hash": row["content_hash"]})
    return bool(own["newest"] == row["id"] and own["newest_at"] > fact.at)


def carried(book: "Book", row: "Row", decision: "Decision", policy: "Policy") -> bool:
    """Does an approval of an earlier occurrence answer this question? Never an escalation, never after anything has changed."""
    own = of(book, row) if decision.verdict == "ask" else None
    return own is not None and own["approved_hash"] == row["content_hash"] and own["policy_hash"] == policy.hash


def missed(book: "Book", fact: Fact) -> None:
    """Times passed while the occurrence before was still open, or while nobody was there."""
    own = _series(book, fact)
    until = moment(fact.data["until"])
    count = int(fact.data["count"])
    if until <= own["told_until"] or count < 1:
        raise Refused("That was told already.")
    book.put("series", own | {"missed": own["missed"] + count, "told_until": until})
    row = book.get("tasks", own["newest"])
    name = f"{row['title'][:60]!r} ({row['id']})" if row else own["id"]
    said = clean(str(fact.data["said"]))[:300]
    book.put("notices", {"at": fact.at, "kind": "missed", "sentence": f"{name} was missed {plural(count, 'time')}: {said}."})


def ended(book: "Book", fact: Fact) -> None:
    """It comes no more."""
    own = _series(book, fact)
    if not fact.actor.startswith("person"):
        raise Refused("Only a person ends a series.")
    book.put("series", own | {"ended_at": fact.at, "ended_why": clean(str(fact.data.get("why", "")))[:200]})


def _series(book: "Book", fact: Fact) -> "Row":
    own = book.get("series", str(fact.data["series"]))
    if own is None or own["ended_at"] is not None:
        raise Refused(f"There is no series {clean(str(fact.data['series']))[:20]!r} that still goes on.", code="missing")
    return own


RULES: "dict[str, Callable[[Book, Fact], None]]" = {"series.missed": missed, "series.ended": ended}
