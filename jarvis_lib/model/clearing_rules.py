"""What may be removed when it is old, and who still needs it? The files of attempts whose task was answered long ago; rows and evidence never."""

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING

from jarvis_lib.model.fact import Fact, Refused
from jarvis_lib.model.prose import clean

if TYPE_CHECKING:
    from jarvis_lib.model.book import Book

LEAST = timedelta(days=7)
"""What was answered later than this can be undone, whatever the settings say."""
ANSWERED = ("accepted", "failed", "dropped", "undone")
"""States in which a task waits for nobody."""


def cleared(book: "Book", fact: Fact) -> None:
    """The files of these attempts are removed. Refused as a whole where one of them is still needed."""
    rows = []
    for attempt in fact.data["attempts"]:
        row = book.get("attempts", attempt)
        task = book.get("tasks", row["task"]) if row is not None else None
        if row is None or task is None:
            raise Refused(f"There is no attempt {clean(str(attempt))[:40]!r}, so nothing of it was removed.", code="missing")
        if row["ended_at"] is None or task["state"] not in ANSWERED:
            raise Refused(f"Task {task['id']} is {task['state']}, so the files of its attempts stay.")
        if fact.at - task["changed_at"] < LEAST:
            raise Refused(f"Task {task['id']} came to {task['state']} less than {LEAST.days} days ago, so the files of its attempts stay.")
        rows.append({"attempt": attempt, "task": row["task"], "at": fact.at})
    whole = {"at": fact.at, "attempts": len(rows), "others": int(fact.data["others"])}
    book.put("clearings", whole | {"bytes": int(fact.data["bytes"]), "keep_days": int(fact.data["keep_days"])})
    for row in rows:
        book.put("cleared", row)


RULES: "dict[str, Callable[[Book, Fact], None]]" = {"attempts.cleared": cleared}
