"""What do the facts of problems and fixes do to the rows, and which are refused?"""

from json import loads
from typing import TYPE_CHECKING, Any

from jarvis_lib.model.fact import Fact, Refused, stamp, text
from jarvis_lib.model.problem import is_another_incident
from jarvis_lib.model.prose import clean

if TYPE_CHECKING:
    from collections.abc import Callable

    from jarvis_lib.model.ledger import Book, Row

KEYS = {"problems": "key", "fixes": "id"}


def found(book: "Book", fact: Fact) -> None:
    data = dict(fact.data["problem"])
    old = book.get("problems", data["key"])
    count = old["seen"] + 1 if old else 1
    again = old is None or old["state"] in ("fixed", "gone", "open") or _is_new_incident(old, data)
    state = "open" if old is None or again else old["state"]
    book.put(
        "problems",
        {"blast": ""}
        | data
        | {
            "evidence": text(data["evidence"]),
            "state": state,
            "first_seen": old["first_seen"] if old else fact.at,
            "last_seen": fact.at,
            "seen": count,
            "came_back": bool(old and (old["state"] == "fixed" or (old["state"] == "open" and old["came_back"]))),
        },
    )


def _is_new_incident(old: "Row", data: dict[str, Any]) -> bool:
    """A dismissed alarm comes back only as another incident; a dismissed problem of any other kind never does."""
    since = str(data["evidence"].get("since", ""))
    return data["kind"] == "unusual" and is_another_incident(loads(old["evidence"]), since, at=stamp(old["last_seen"]))


def dismissed(book: "Book", fact: Fact) -> None:
    """Not told again; or, where it was `real` and the person put it right, fixed."""
    _now("fixed" if fact.data.get("real") else "dismissed")(book, fact)


def _now(state: str) -> "Callable[[Book, Fact], None]":
    def rule(book: "Book", fact: Fact) -> None:
        row = book.get("problems", fact.data["key"])
        if row is None:
            raise Refused(f"There is no problem {clean(str(fact.data['key']))[:80]!r}; `jarvis problems list` shows all.", code="missing")
        row |= {"state": state, "last_seen": fact.at}
        book.put("problems", row)

    return rule


def fix_applied(book: "Book", fact: Fact) -> None:
    data = fact.data["fix"]
    problem = book.get("problems", data["problem"])
    if problem is None:
        raise Refused(f"There is no problem {clean(str(data['problem']))[:80]!r} to fix.", code="missing")
    book.put(
        "fixes",
        {
            "id": fact.id,
            "problem": data["problem"],
            "playbook": data["playbook"],
            "at": fact.at,
            "session": fact.data.get("session"),
            "said": data["said"],
            "verified": data["verified"],
            "check_said": data["check"],
            "undo": text(data["undo"]),
            "undone_at": None,
        },
    )
    if data["verified"]:
        problem |= {"state": "fixed", "last_seen": fact.at}
        book.put("problems", problem)


def fix_undone(book: "Book", fact: Fact) -> None:
    row = book.get("fixes", fact.data["fix"])
    if row is None or row["undone_at"] is not None:
        raise Refused(f"There is no fix {clean(str(fact.data['fix']))[:40]!r} to undo, or it is undone already.", code="missing")
    row["undone_at"] = fact.at
    book.put("fixes", row)
    problem = book.get("problems", row["problem"])
    if problem is not None:
        book.put("problems", problem | {"state": "open", "last_seen": fact.at})


RULES = {
    "problem.found": found,
    "problem.gone": _now("gone"),
    "problem.dismissed": dismissed,
    "fix.applied": fix_applied,
    "fix.undone": fix_undone,
}
