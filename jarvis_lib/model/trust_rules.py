"""Earned trust as facts: the person widens and narrows, endings and acceptances write the record, one bad night narrows by itself."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from jarvis_lib.model.fact import Fact, Refused, derived_id
from jarvis_lib.model.prose import clean
from jarvis_lib.model.task import CATEGORIES, Task
from jarvis_lib.model.task_row import content_of
from jarvis_lib.model.trust import NEVER, Record, key_of, kind_of

if TYPE_CHECKING:
    from jarvis_lib.model.book import Book, Row

KEYS = {"trust": "key", "trust_uses": "task"}


def record_of(book: "Book", task: Task) -> Record | None:
    """The record of the kind of work that this task is, or None where there is none yet."""
    row = book.get("trust", key_of(*kind_of(task)))
    return Record(**row) if row else None


def _row(book: "Book", category: str, repo: str, recipe: str) -> "Row":
    key = key_of(category, repo, recipe)
    counts = dict.fromkeys(("verified", "accepted", "undone", "refuted", "escalated"), 0)
    empty: dict[str, Any] = {"key": key, "category": category, "repo": repo, "recipe": recipe} | counts
    return book.get("trust", key) or empty | {"widened_at": None, "narrowed_at": None, "why": ""}


def follow(book: "Book", fact: Fact) -> None:
    """Write into the record what this fact, which was applied, says of the work. What speaks against it narrows at once, and that is told."""
    if fact.kind not in ("attempt.ended", "task.accepted", "task.undone"):
        return
    attempt = book.get("attempts", fact.data["attempt"]) if fact.kind == "attempt.ended" else None
    task_row = book.get("tasks", attempt["task"] if attempt else fact.data["task"])
    if task_row is None or task_row["recipe"] is None:
        return
    row = _row(book, *kind_of(content_of(task_row)))
    bad = ""
    if attempt is not None:
        if any(e["kind"] == "escalation" and e["ok"] is False for e in fact.data.get("evidence", ())):
            row["escalated"], bad = row["escalated"] + 1, "was escalated"
        elif attempt["verdict"] in ("refuted", "hollow"):
            row["refuted"], bad = row["refuted"] + 1, f"was {attempt['verdict']}"
        elif attempt["verdict"] == "verified":
            row["verified"] += 1
        else:
            return
    elif fact.kind == "task.undone":
        row["undone"], bad = row["undone"] + 1, "was undone"
        row["accepted"] = max(row["accepted"] - int(task_row["accepted_at"] is not None), 0)
    elif task_row["shipped_at"] is not None and fact.actor.startswith("person"):
        row["accepted"] += 1
    else:
        return
    if bad and row["widened_at"] is not None:
        why = f"{task_row['id']} ({task_row['title'][:60]}) {bad}"
        row |= {"widened_at": None, "narrowed_at": fact.at, "why": why}
        book.put(
            "notices", {"at": fact.at, "kind": "trust", "sentence": f"{row['key']} is asked about again, since {why}. To widen it again: jarvis trust widen."}
        )
    book.put("trust", row)


def used(book: "Book", fact: Fact, task_row: "Row", *, rule: str) -> None:
    """Note which task was let through by trust, so that it is asked about when that is narrowed."""
    by_trust = rule.startswith("trust:")
    if by_trust or book.get("trust_uses", task_row["id"]) is not None:
        key = key_of(*kind_of(content_of(task_row))) if by_trust else ""
        book.put("trust_uses", {"task": task_row["id"], "key": key, "at": fact.at})


def after(book: "Book", fact: Fact) -> list[Fact]:
    """Tasks that were let through by a trust which this very fact narrowed, and have not run yet: they wait for the person."""
    if fact.kind == "trust.narrowed":
        key = key_of(*_kind(fact))
    else:
        attempt = book.get("attempts", fact.data["attempt"]) if fact.kind == "attempt.ended" else None
        done = book.get("tasks", attempt["task"] if attempt else fact.data["task"])
        key = key_of(*kind_of(content_of(done))) if done else ""
    row = book.get("trust", key)
    if row is None or row["narrowed_at"] != fact.at:
        return []
    facts = []
    for use in book.where("trust_uses", "key", key):
        task = book.get("tasks", use["task"])
        if task is not None and task["state"] == "queued":
            why = f"Waits for your approval: the trust that let it run was narrowed, since {row['why']}."
            data = {"task": task["id"], "why": why, "parked_kind": "approval"}
            facts.append(Fact(derived_id(fact.id, f"trust-{task['id']}"), fact.at, "policy", "task.parked", data))
    return facts


def _kind(fact: Fact) -> tuple[str, str, str]:
    if not fact.actor.startswith("person"):
        raise Refused("Only a person says what may run without asking.")
    category = str(fact.data["category"])
    if category not in CATEGORIES:
        raise ValueError(f"category {category!r}")
    return category, str(fact.data["repo"]), clean(str(fact.data["recipe"]))[:60]


def _widened(book: "Book", fact: Fact) -> None:
    kind = _kind(fact)
    if kind[0] in NEVER:
        raise Refused(f"{kind[0]} is never widened: what it does cannot be taken back, or reaches outside this machine.")
    row = _row(book, *kind)
    if row["widened_at"] is not None:
        raise Refused(f"{row['key']} is widened already.")
    book.put("trust", row | {"widened_at": fact.at, "narrowed_at": None, "why": ""})


def _narrowed(book: "Book", fact: Fact) -> None:
    row = _row(book, *_kind(fact))
    if row["widened_at"] is None:
        raise Refused(f"{row['key']} is not widened, so it is asked about anyway.")
    book.put("trust", row | {"widened_at": None, "narrowed_at": fact.at, "why": "you narrowed it"})


RULES: dict[str, Callable[["Book", Fact], None]] = {"trust.widened": _widened, "trust.narrowed": _narrowed}
