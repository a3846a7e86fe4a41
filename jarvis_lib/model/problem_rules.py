"""What do the facts of problems and fixes do to the rows, and which are refused?"""

from json import loads
from typing import TYPE_CHECKING, Any

from jarvis_lib.model.fact import Fact, Refused, stamp, text
from jarvis_lib.model.problem import KEPT, WATCH, is_another_incident
from jarvis_lib.model.prose import clean
from jarvis_lib.model.risk import TIERS

if TYPE_CHECKING:
    from collections.abc import Callable

    from jarvis_lib.model.book import Book, Row

KEYS = {"problems": "key", "fixes": "id"}


def found(book: "Book", fact: Fact) -> None:
    """The problem is one row however often it is seen; a fixed or gone one that is seen again is open again."""
    data = dict(fact.data["problem"])
    old = book.get("problems", data["key"])
    count = old["seen"] + 1 if old else 1
    if old and old["state"] == "fixed":
        _came_back(book, data["key"], fact)
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


def _came_back(book: "Book", key: str, fact: Fact) -> None:
    """The fix that stood for this problem did not cure it."""
    standing = [f for f in book.where("fixes", "problem", key) if f["verified"] and f["undone_at"] is None]
    if standing:
        newest = max(standing, key=lambda f: (f["at"], f["id"]))
        book.put("fixes", newest | {"came_back_at": newest["came_back_at"] or fact.at})


def _now(state: str) -> "Callable[[Book, Fact], None]":
    def rule(book: "Book", fact: Fact) -> None:
        row = book.get("problems", fact.data["key"])
        if row is None:
            raise Refused(f"There is no problem {clean(str(fact.data['key']))[:80]!r}; `jarvis problems list` shows all.", code="missing")
        row |= {"state": state, "last_seen": fact.at}
        book.put("problems", row)

    return rule


def fix_applied(book: "Book", fact: Fact) -> None:
    """The fix is kept and its problem is fixed, if the fix holds. Above the tier low only a person's word."""
    data = fact.data["fix"]
    problem = book.get("problems", data["problem"])
    if problem is None:
        raise Refused(f"There is no problem {clean(str(data['problem']))[:80]!r} to fix.", code="missing")
    tier = data.get("tier", "low")
    if tier not in TIERS or (tier != "low" and not fact.actor.startswith("person")):
        raise Refused(f"A fix of the tier {clean(str(tier))[:20]!r} is for the person to run: `jarvis problems fix {clean(data['problem'])[:120]}`.")
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
            "undone_by": None,
            "undone_why": None,
            "tier": tier,
            "watch": text(data.get("watch", {})),
            "checked_at": None,
            "held": None,
            "held_said": None,
            "came_back_at": None,
            "emptied_at": None,
        },
    )
    if data["verified"]:
        problem |= {"state": "fixed", "last_seen": fact.at}
        book.put("problems", problem)


def fix_undone(book: "Book", fact: Fact) -> None:
    """The fix is marked and its problem is open again. Refused the second time."""
    row = book.get("fixes", fact.data["fix"])
    if row is None or row["undone_at"] is not None:
        raise Refused(f"There is no fix {clean(str(fact.data['fix']))[:40]!r} to undo, or it is undone already.", code="missing")
    row |= {"undone_at": fact.at, "undone_by": fact.data.get("by", "person"), "undone_why": fact.data.get("why")}
    book.put("fixes", row)
    problem = book.get("problems", row["problem"])
    if problem is not None:
        book.put("problems", problem | {"state": "open", "last_seen": fact.at})


def fix_checked(book: "Book", fact: Fact) -> None:
    """A fix holds, came back or made it worse, once and for all; it holds only when a day has gone."""
    row = book.get("fixes", fact.data["fix"])
    if row is None or not row["verified"] or row["undone_at"] is not None:
        raise Refused(f"There is no standing fix {clean(str(fact.data['fix']))[:40]!r} to check.", code="missing")
    if row["checked_at"] is not None:
        raise Refused(f"Fix {row['id']} was checked already, on {row['checked_at']:%Y-%m-%d %H:%M} UTC.")
    how = fact.data["how"]
    if how not in ("held", "came back", "worse"):
        raise Refused(f"A check of a fix says held, came back or worse, not {clean(str(how))[:20]!r}.")
    if how == "held" and fact.at - row["at"] < WATCH:
        raise Refused(f"Fix {row['id']} is watched until {row['at'] + WATCH:%Y-%m-%d %H:%M} UTC; it does not count as held before.")
    came_back = row["came_back_at"] or (None if how == "held" else fact.at)
    book.put("fixes", row | {"checked_at": fact.at, "held": how == "held", "held_said": fact.data["said"], "came_back_at": came_back})


def fixes_emptied(book: "Book", fact: Fact) -> None:
    """What these fixes had kept is gone for good, a week after."""
    for fix in fact.data["fixes"]:
        row = book.get("fixes", fix)
        if row is None or fact.at - row["at"] < KEPT:
            raise Refused(f"What fix {clean(str(fix))[:40]!r} kept is not {KEPT.days} days old, so it stays.")
    for fix in fact.data["fixes"]:
        book.put("fixes", (book.get("fixes", fix) or {}) | {"emptied_at": fact.at})


RULES = {
    "problem.found": found,
    "problem.gone": _now("gone"),
    "problem.dismissed": dismissed,
    "fix.applied": fix_applied,
    "fix.undone": fix_undone,
    "fix.checked": fix_checked,
    "fix.emptied": fixes_emptied,
}
