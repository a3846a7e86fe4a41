"""What stands in a task's row, how is it made from the task, and how is it read back?"""

import json
from datetime import datetime

from jarvis_lib.model.book import Book, Row
from jarvis_lib.model.fact import Fact, Refused, text
from jarvis_lib.model.prose import clean
from jarvis_lib.model.states import move
from jarvis_lib.model.task import PRIORITIES, Task, task_from_json


def name_of(row: Row) -> str:
    """How a task is named in a sentence."""
    return f"{row['id']} ({row['title'][:60]})"


def content_of(row: Row) -> Task:
    """The task's content, from its row."""
    return task_from_json(json.loads(row["content"]))


def task_of(book: Book, fact: Fact) -> Row:
    """The row of the task that the fact names. Refused when there is none."""
    row = book.get("tasks", fact.data["task"])
    if row is None:
        raise Refused(f"There is no task {clean(str(fact.data['task']))[:20]!r}; `jarvis queue list` shows all.", code="missing")
    return row


def new_row(task: Task, *, state: str, content_hash: str, actor: str, added_at: datetime, changed_at: datetime, why: str = "", kind: str = "") -> Row:
    """The row of a task that has just come: decided by nobody, with no attempt."""
    return fields_of(task) | {
        "id": task.id,
        "state": state,
        "why": why,
        "parked_kind": kind,
        "until": None,
        "actor": actor,
        "added_at": added_at,
        "changed_at": changed_at,
        "revision": 1,
        "content_hash": content_hash,
        "approved_hash": None,
        "attempts": 0,
        "deaths": 0,
        "shipped_at": None,
        "accepted_at": None,
        "undone_at": None,
    }


def fields_of(task: Task) -> Row:
    """The columns of a task's row that its content gives."""
    return {
        "title": task.title,
        "description": task.description,
        "hours": task.hours,
        "category": task.category,
        "priority": task.priority,
        "priority_value": PRIORITIES[task.priority],
        "recipe": task.recipe.kind if task.recipe else None,
        "after": list(task.after),
        "changes": list(task.claims),
        "due": task.due,
        "resumable": task.resumable,
        "project": task.project,
        "tags": list(task.tags),
        "content": text(task.to_json()),
    }


def into(row: Row, fact: Fact, verb: str, state: str, *, why: str = "", kind: str = "", until: datetime | None = None) -> None:
    """Move the row by `verb` into `state`, with why and until when. Refused for a move that the table of states does not have."""
    if state not in move(row["state"], verb, name=name_of(row)):
        raise Refused(f"{name_of(row)} cannot go from {row['state']} to {state} by {verb}.")
    row |= {"state": state, "why": why, "parked_kind": kind, "until": until, "changed_at": fact.at}
