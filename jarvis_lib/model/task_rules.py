"""What do the facts of tasks do to the rows, and which are refused? From the first word of a task to its last, but for its attempts."""

from collections.abc import Callable
from typing import Any

from jarvis_lib.model import pattern_rules, series_rules, trust_rules
from jarvis_lib.model.book import Book, Row
from jarvis_lib.model.evidence import MAX_ATTEMPTS
from jarvis_lib.model.fact import Fact, Refused, moment
from jarvis_lib.model.prose import clean, listed
from jarvis_lib.model.states import move
from jarvis_lib.model.task import Task, task_from_json
from jarvis_lib.model.task_row import content_of, fields_of, into, name_of, new_row, task_of

KEYS = {"tasks": "id"}


def _added(book: Book, fact: Fact) -> None:
    task = task_from_json(fact.data["task"])
    if book.get("tasks", task.id) is not None:
        raise Refused(f"There is already a task {task.id}; it was not added again.")
    _check_dependencies(book, task)
    by_pattern = "pattern" in fact.data and pattern_rules.may_queue(book, str(fact.data["pattern"]), task)
    by_series = "series" in fact.data and series_rules.may_come(book, fact, task)
    proposed = not (fact.actor.startswith("person") or by_pattern or by_series)
    state = "proposed" if proposed else "queued"
    row = new_row(task, state=state, content_hash=fact.data["content_hash"], actor=fact.actor, added_at=fact.at, changed_at=fact.at)
    series_rules.added(book, fact, task, row, comes=by_series)
    book.put("tasks", row)


def _check_dependencies(book: Book, task: Task) -> None:
    for other in task.after:
        if other == task.id:
            raise Refused(f"{task.id} cannot wait for itself.")
        if book.get("tasks", other) is None:
            raise Refused(f"It should run after {clean(other)[:20]!r}, but there is no such task; `jarvis queue list` shows all.", code="missing")
    circle = _circle(book, task.id, task.after)
    if circle:
        raise Refused(f"{listed([*circle])} would wait for each other in a circle; leave one of them out.")


def _circle(book: Book, start: str, after: tuple[str, ...] | list[str]) -> list[str]:
    paths = [[start, a] for a in after]
    seen: set[str] = set()
    while paths:
        path = paths.pop()
        if path[-1] == start:
            return path[:-1]
        if path[-1] not in seen:
            seen.add(path[-1])
            row = book.get("tasks", path[-1])
            paths += [[*path, a] for a in (row["after"] if row else ())]
    return []


def _edited(book: Book, fact: Fact) -> None:
    row = task_of(book, fact)
    if fact.data.get("revision") not in (None, row["revision"]):
        raise Refused(f"{name_of(row)} has changed since you read it; look again with `jarvis queue show {row['id']}`.")
    task = task_from_json(fact.data["content"])
    move(row["state"], "edit", name=name_of(row)) if row["state"] != "proposed" else None
    _check_dependencies(book, task)
    before = content_of(row)
    row |= fields_of(task) | {
        "content_hash": fact.data["content_hash"],
        "approved_hash": None,
        "revision": row["revision"] + 1,
        "changed_at": fact.at,
    }
    series_rules.edited(book, fact, before, task, row)
    book.put("tasks", row)


def _decided(book: Book, fact: Fact) -> None:
    row = task_of(book, fact)
    data = fact.data
    if row["state"] not in ("proposed", "queued", "parked"):
        raise Refused(f"{name_of(row)} is {row['state']}; it is not decided again.")
    book.put(
        "decisions",
        {
            "task": row["id"],
            "at": fact.at,
            "actor": fact.actor,
            "verdict": data["verdict"],
            "rule": data["rule"],
            "risk": data["risk"],
            "reasons": list(data["reasons"]),
            "policy_hash": data["policy_hash"],
            "content_hash": data["content_hash"],
        },
    )
    if row["state"] == "proposed":
        return
    trust_rules.used(book, fact, row, rule=data["rule"])
    series_rules.decided(book, row, data)
    if data["verdict"] == "auto":
        row["approved_hash"] = data["content_hash"]
    state, kind, why = _decided_state(row, data)
    if kind != "" or row["parked_kind"] not in ("later", "deaths", "question", "dependency"):
        row |= {"state": state, "parked_kind": kind, "why": why, "changed_at": fact.at}
    book.put("tasks", row)


def _decided_state(row: Row, data: dict[str, Any]) -> tuple[str, str, str]:
    reasons = "; ".join(data["reasons"])
    if data["verdict"] == "escalate":
        return "parked", "escalated", f"Stopped and escalated: {reasons}."
    if row["recipe"] is None:
        return "parked", "no_recipe", (f"It has no recipe. Make it runnable: jarvis queue edit {row['id']} --command '…' (or --notebook PATH).")
    if data["verdict"] == "ask":
        return "parked", "approval", f"Waits for your approval: {reasons}."
    if data["verdict"] == "refuse":
        return "dropped", "", f"Refused: {reasons}."
    return "queued", "", ""


def _redecide(book: Book, fact: Fact) -> None:
    """The policy, or a file that the task names, has changed: the approval is void and the task is decided anew."""
    row = task_of(book, fact)
    if row["state"] not in ("proposed", "queued", "parked"):
        raise Refused(f"{name_of(row)} is {row['state']}; it is not decided again.")
    row |= {"content_hash": fact.data["content_hash"], "approved_hash": None, "changed_at": fact.at}
    book.put("tasks", row)


def _approved(book: Book, fact: Fact) -> None:
    row = task_of(book, fact)
    if not fact.actor.startswith("person"):
        raise Refused("Only a person approves, in their own terminal.")
    if fact.data["content_hash"] != row["content_hash"]:
        raise Refused(f"{name_of(row)} has changed since you read it; look with `jarvis queue show {row['id']}` and approve again.")
    if row["recipe"] is None:
        raise Refused(f"{name_of(row)} has no recipe, so there is nothing to approve yet. Give it one: jarvis queue edit {row['id']} --command '…'.")
    row["approved_hash"] = row["content_hash"]
    if row["state"] == "queued":
        raise Refused(f"{name_of(row)} is queued already; it needs no approval.")
    if series_rules.approved(book, fact, row):
        at = clean(str(fact.data.get("comes_said", "")))[:40]
        into(row, fact, "later", "parked", why=f"Approved; it comes by itself {f'on {at}' if at else 'at its time'}.", kind="later", until=row["until"])
    else:
        into(row, fact, "approve", "queued")
    row["deaths"] = 0
    if row["attempts"] >= MAX_ATTEMPTS:
        row["attempts"] = 0
    book.put("tasks", row)


def _answered(book: Book, fact: Fact) -> None:
    """What the task waited for is there (a date, a dependency): back to the queue, if its approval still holds."""
    row = task_of(book, fact)
    if row["approved_hash"] != row["content_hash"]:
        raise Refused(f"{name_of(row)} is not approved as it stands.")
    into(row, fact, "answer", "queued")
    book.put("tasks", row)


def _later(book: Book, fact: Fact) -> None:
    row = task_of(book, fact)
    until = moment(fact.data["until"]) if fact.data.get("until") else None
    why = f"Put off until {fact.data['said']}; it comes back by itself then." if fact.data.get("said") else "Put off by you, without a date."
    into(row, fact, "later", "parked", why=why, kind="later", until=until)
    book.put("tasks", row)


def _parked(book: Book, fact: Fact) -> None:
    row = task_of(book, fact)
    into(row, fact, "park", "parked", why=fact.data["why"], kind=fact.data["parked_kind"])
    book.put("tasks", row)


def _ended_by(verb: str, state: str, column: str = "") -> Callable[[Book, Fact], None]:
    def rule(book: Book, fact: Fact) -> None:
        row = task_of(book, fact)
        into(row, fact, verb, state, why=clean(str(fact.data.get("reason", "")))[:300])
        if column:
            row[column] = fact.at
        book.put("tasks", row)

    return rule


def _retried(book: Book, fact: Fact) -> None:
    row = task_of(book, fact)
    into(row, fact, "retry", "queued")
    row |= {"attempts": 0, "deaths": 0, "shipped_at": None, "accepted_at": None, "undone_at": None}
    book.put("tasks", row)


def _undone(book: Book, fact: Fact) -> None:
    row = task_of(book, fact)
    into(row, fact, "undo", "undone", why=clean(str(fact.data.get("reason", "")))[:300])
    row["undone_at"] = fact.at
    book.put("tasks", row)


RULES = {
    "task.added": _added,
    "task.edited": _edited,
    "task.decided": _decided,
    "task.redecide": _redecide,
    "task.approved": _approved,
    "task.answered": _answered,
    "task.declined": _ended_by("decline", "dropped"),
    "task.dropped": _ended_by("drop", "dropped"),
    "task.expired": _ended_by("expire", "dropped"),
    "task.later": _later,
    "task.parked": _parked,
    "task.retried": _retried,
    "task.accepted": _ended_by("accept", "accepted", "accepted_at"),
    "task.undone": _undone,
}
