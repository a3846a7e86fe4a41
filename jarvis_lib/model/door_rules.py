"""What may an agent state that speaks to Jarvis through a door, and how far have the memory notes come?

An actor `agent:NAME` proposes, tells how far its own running task is, and withdraws what it proposed itself. Everything else is refused here, at the
ledger, so no door needs to be trusted with it.
"""

import json
from collections.abc import Callable
from typing import TYPE_CHECKING

from jarvis_lib.model.fact import Fact, Refused
from jarvis_lib.model.prose import clean
from jarvis_lib.model.states import move

if TYPE_CHECKING:
    from jarvis_lib.model.book import Book, Row

KEYS = {"memory_notes": "path"}
AGENT = "agent:"
MAY = ("task.added", "task.progress", "task.withdrawn")
MOST_PENDING = 20
BODY_LIMIT = 10_000
NOTE_LIMIT = 300
CLIS = {"claude-code": "claude", "codex": "codex", "openclaw": "openclaw"}
"""What a host is called as a coding agent of `[agent] order`."""


def guard(book: "Book", fact: Fact) -> None:
    """Refuse what an agent may not state, whatever the fact is."""
    if not fact.actor.startswith(AGENT):
        return
    if fact.kind not in MAY:
        raise Refused(f"Only a person states {clean(fact.kind)[:40]!r}, in their own terminal; an agent proposes, reports, and withdraws what it proposed.")
    if fact.kind == "task.added":
        _proposal(book, fact)


def _proposal(book: "Book", fact: Fact) -> None:
    task = fact.data["task"]
    if task["priority"] == "CRITICAL":
        raise Refused("An agent proposes with priority HIGH at most; the person may raise it.")
    if task.get("network") or task.get("secrets"):
        raise Refused("The network and secrets are granted by the person; propose the task without them and say in its body why it needs them.")
    if len(task["description"]) > BODY_LIMIT:
        raise Refused(f"The text of a proposal has at most {BODY_LIMIT:,} characters; leave out what the person need not read.")
    pending = sum(row["actor"] == fact.actor for row in book.where("tasks", "state", "proposed"))
    if pending >= MOST_PENDING:
        raise Refused(f"{pending} proposals of yours wait for the person already; withdraw one, or wait until they have answered.")


def _task(book: "Book", fact: Fact) -> "Row":
    row = book.get("tasks", fact.data["task"])
    if row is None:
        raise Refused(f"There is no task {clean(str(fact.data['task']))[:20]!r}; list the tasks to see their ids.", code="missing")
    return row


def _named(row: "Row") -> str:
    return f"{row['id']} ({row['title'][:60]})"


def _withdrawn(book: "Book", fact: Fact) -> None:
    row = _task(book, fact)
    if row["actor"] != fact.actor:
        raise Refused(f"{_named(row)} is not a proposal of yours, so it is not yours to withdraw.")
    if row["state"] != "proposed":
        raise Refused(f"{_named(row)} is {row['state']}; only what still waits for the person's answer can be withdrawn.")
    move(row["state"], "drop", name=_named(row))
    why = clean(str(fact.data.get("reason", "")))[:NOTE_LIMIT]
    book.put("tasks", row | {"state": "dropped", "why": f"Withdrawn by {fact.actor}{': ' + why if why else ''}", "parked_kind": "", "changed_at": fact.at})


def _progress(book: "Book", fact: Fact) -> None:
    row = _task(book, fact)
    percent = fact.data["percent"]
    if isinstance(percent, bool) or not isinstance(percent, int) or not 0 <= percent <= 100:
        raise ValueError(f"percent {percent!r}")
    if not fact.actor.startswith(AGENT):
        raise Refused("Only the agent that works on a task reports how far it is.")
    if row["state"] != "running":
        raise Refused(f"{_named(row)} is {row['state']}, and progress is reported on a running task only.")
    if row["actor"] != fact.actor and not _works_on(row, fact.actor):
        raise Refused(f"{_named(row)} is not worked by you, so it is not yours to report on.")
    note = clean(str(fact.data.get("note", "")))[:NOTE_LIMIT]
    book.put("progress_notes", {"task": row["id"], "n": row["attempts"], "at": fact.at, "actor": fact.actor, "percent": percent, "note": note})


def _works_on(row: "Row", actor: str) -> bool:
    """Is the task given to this agent by name?"""
    recipe = json.loads(row["content"]).get("recipe") or {}
    return recipe.get("kind") == "agent" and recipe.get("agent") == CLIS.get(actor.removeprefix(AGENT))


def _noted(book: "Book", fact: Fact) -> None:
    """The memory notes in a folder tell all facts up to this number of the journal."""
    path, upto = str(fact.data["path"]), int(fact.data["upto"])
    before = book.get("memory_notes", path)
    if before is not None and upto <= before["upto"]:
        raise Refused("The memory notes have come that far already.")
    book.put("memory_notes", {"path": path, "upto": upto, "at": fact.at})


RULES: dict[str, Callable[["Book", Fact], None]] = {"task.withdrawn": _withdrawn, "task.progress": _progress, "memory.noted": _noted}
