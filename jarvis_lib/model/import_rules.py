"""What does the state of another system become here, and what is refused of it?

Its words are no evidence: what it calls completed is history, what it had approved is decided anew, what it had found is looked for again. An item has a
key made of its content, so the same item never comes in twice.
"""

from typing import TYPE_CHECKING, Any

from jarvis_lib.model.fact import Fact, Refused, derived_id, digest, moment, text
from jarvis_lib.model.pattern_rules import event_name
from jarvis_lib.model.prose import clean
from jarvis_lib.model.task import Task, task_from_json
from jarvis_lib.model.task_row import new_row

if TYPE_CHECKING:
    from collections.abc import Callable

    from jarvis_lib.model.book import Book, Row

KEYS = {"imports": "key"}
KINDS = ("task", "event", "metric", "agent", "context", "problem", "pattern", "improvement", "weekend", "other")
"""What an item was. Tasks become tasks, events are learned from, a metric's row says how far its samples were read; all others are kept to be read."""
STATES = {
    "queued": "",
    "parked": "",
    "accepted": "Completed by the word of the system it was imported from; it came without evidence, so it is unverified.",
    "failed": "Failed in the system it was imported from.",
}
"""The states that an imported task may come in with, and why it has that state."""
FIELDS = ("key", "file", "kind", "old_id", "said", "task", "content", "digest")


def key_of(*parts: object) -> str:
    """The key of an item: the same words always give the same key."""
    return digest([str(p) for p in parts])[:24]


def task_id_of(key: str) -> str:
    """The task id that belongs to a key: ten characters of Crockford's base 32."""
    alphabet = "0123456789abcdefghjkmnpqrstvwxyz"
    number = int(key[:13], 16)
    return "".join(alphabet[(number >> shift) & 31] for shift in range(45, -1, -5))


def read(book: "Book", fact: Fact) -> None:
    """Items of one file come in; those that are there already change nothing, but for how far a metric was read."""
    if not fact.actor.startswith("person"):
        raise Refused("Only a person imports, in their own terminal.")
    fresh = [i for i in fact.data["items"] if i["kind"] == "metric" or book.get("imports", i["key"]) is None]
    tasks = _checked(book, fresh)
    for item in fresh:
        own: Row = {"file": clean(str(fact.data["file"]))[:200], "batch": fact.id, "at": fact.at, "actor": fact.actor}
        book.put("imports", own | {name: _word(item, name) for name in ("key", "kind", "old_id", "said", "content", "digest")} | {"task": item.get("task_id")})
        if item["kind"] == "task":
            book.put("tasks", _row(tasks[item["key"]], item, fact))
        elif item["kind"] == "event":
            event: Row = {"id": item["key"], "type": event_name(str(item["said"])), "at": moment(item["when"]), "source": "imported"}
            book.put("logged_events", event | {"detail": text({}), "logged_at": fact.at, "actor": fact.actor})


def _word(item: dict[str, Any], name: str) -> str:
    return str(item.get(name) or "")


def _checked(book: "Book", items: list[dict[str, Any]]) -> dict[str, Task]:
    """The tasks of the items by key; raises before anything is changed."""
    found: dict[str, Task] = {}
    ids: set[str] = set()
    for item in items:
        if item["kind"] not in KINDS:
            raise ValueError(f"kind {item['kind']!r}")
        if item["kind"] == "event":
            event_name(str(item["said"]))
            moment(item["when"])
        if item["kind"] != "task":
            continue
        task = task_from_json(item["task"])
        if item["state"] not in STATES or task.id != item["task_id"]:
            raise ValueError(f"state {item['state']!r} of {task.id}")
        if task.id in ids or book.get("tasks", task.id) is not None:
            raise Refused(f"There is already a task {task.id}; it was not added again.")
        lost = [a for a in task.after if a not in ids and book.get("tasks", a) is None]
        if lost:
            raise Refused(f"{task.id} should run after {clean(lost[0])[:20]!r}, but there is no such task.")
        ids.add(task.id)
        found[item["key"]] = task
    return found


def _row(task: Task, item: dict[str, Any], fact: Fact) -> "Row":
    made = moment(item["made_at"]) if item.get("made_at") else fact.at
    parked = item["state"] == "parked"
    return new_row(
        task,
        state=item["state"],
        content_hash=item["content_hash"],
        actor=fact.actor,
        added_at=min(made, fact.at),
        changed_at=fact.at,
        why=clean(_word(item, "why"))[:300] if parked else STATES[item["state"]],
        kind="dependency" if parked else "",
    )


def to_decide(book: "Book", fact: Fact) -> list[Fact]:
    """For each task that this fact brought in and that may still run: a fact in whose name the policy decides it."""
    brought = [i for i in fact.data["items"] if i["kind"] == "task" and i["state"] in ("queued", "parked")]
    ours = [i for i in brought if (book.get("imports", i["key"]) or {"batch": ""})["batch"] == fact.id]
    return [Fact(derived_id(fact.id, i["task_id"]), fact.at, fact.actor, fact.kind, {"task": i["task_id"]}) for i in ours]


def named(fact: Fact) -> dict[str, list[str]]:
    """Table -> the keys of its rows that the rule will ask for, so that they can be loaded at once."""
    if fact.kind != "import.read":
        return {}
    items = fact.data.get("items")
    rows = [i for i in items if isinstance(i, dict)] if isinstance(items, list) else []
    tasks = [i["task"] for i in rows if isinstance(i.get("task"), dict)]
    ids = [str(t.get("id", "")) for t in tasks] + [str(a) for t in tasks for a in (t.get("after") or ())]
    return {"imports": [str(i.get("key", "")) for i in rows], "tasks": ids, "trust_uses": ids}


RULES: "dict[str, Callable[[Book, Fact], None]]" = {"import.read": read}
