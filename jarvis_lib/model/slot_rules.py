"""The slot ledger: which slot was claimed by whom, done, or missed? A slot is claimed before its work, by one process only.

A session that opens its window by hand claims its slot by that, so nothing starts a second one. What was missed is never run late.
"""

from datetime import date
from typing import TYPE_CHECKING, Any

from jarvis_lib.model.fact import Fact, Refused, moment, stamp, text
from jarvis_lib.model.prose import clean
from jarvis_lib.model.timetable import MOST_STARTS
from jarvis_lib.model.window import KINDS

if TYPE_CHECKING:
    from jarvis_lib.model.book import Book, Row

KEYS = {"cron_slots": "slot", "cron_installed": "scheduler"}
SCHEDULERS = ("cron", "systemd", "papermill")
OUTCOMES = ("worked", "nothing", "failed")


def _empty(fact: Fact) -> "Row":
    data = fact.data
    return {
        "slot": str(data["slot"]),
        "job": str(data["job"]),
        "due": moment(data["due"]),
        "until": moment(data["until"]),
        "state": "claimed",
        "claimed_at": None,
        "ended_at": None,
        "n": 0,
        "owner": "",
        "session": None,
        "outcome": "",
        "said": "",
    }


def _claimed(book: "Book", fact: Fact) -> None:
    key, owner = str(fact.data["slot"]), text(fact.data["owner"])
    row = book.get("cron_slots", key)
    if row is None:
        row = _empty(fact)
    elif row["state"] != "claimed":
        raise Refused(f"The slot {clean(key)[:60]} is {row['state']} already.")
    elif fact.data.get("dead") != row["owner"]:
        raise Refused(f"The slot {clean(key)[:60]} is claimed since {row['claimed_at']:%Y-%m-%d %H:%M} UTC.")
    elif row["n"] >= MOST_STARTS:
        raise Refused(f"The slot {clean(key)[:60]} was begun {row['n']} times and each time its process died; it is not begun again.")
    if not row["due"] <= fact.at < row["until"]:
        raise Refused(f"The time of the slot {clean(key)[:60]} is {'over' if fact.at >= row['until'] else 'not yet there'}; nothing is run late.")
    book.put("cron_slots", row | {"claimed_at": fact.at, "n": row["n"] + 1, "owner": owner, "session": None})


def _done(book: "Book", fact: Fact) -> None:
    key, outcome = str(fact.data["slot"]), str(fact.data["outcome"])
    row = book.get("cron_slots", key)
    if outcome not in OUTCOMES:
        raise ValueError(f"outcome {outcome!r}")
    if row is None or row["state"] != "claimed" or row["owner"] != text(fact.data["owner"]):
        raise Refused(f"The slot {clean(key)[:60]} is not yours to end.")
    said = clean(str(fact.data["said"]))[:300]
    book.put("cron_slots", row | {"state": "done", "ended_at": fact.at, "outcome": outcome, "said": said})
    if outcome == "failed":
        book.put("notices", {"at": fact.at, "kind": "slot", "sentence": f"{key} failed: {said}"})


def _missed(book: "Book", fact: Fact) -> None:
    row = _empty(fact)
    if book.get("cron_slots", row["slot"]) is not None:
        raise Refused(f"The slot {clean(row['slot'])[:60]} has its row already; it was not missed.")
    if fact.at < row["until"]:
        raise Refused(f"The slot {clean(row['slot'])[:60]} can still be run; it is not missed yet.")
    book.put("cron_slots", row | {"state": "missed", "ended_at": fact.at, "said": clean(str(fact.data["why"]))[:300]})


def _installed(book: "Book", fact: Fact) -> None:
    scheduler = _scheduler(book, fact)
    others = [s for s in SCHEDULERS if s != scheduler and (book.get("cron_installed", s) or {"removed_at": 0})["removed_at"] is None]
    if others:
        raise Refused(f"This workspace is started by {others[0]} already; first: jarvis cron remove")
    row = book.get("cron_installed", scheduler)
    since = row["since"] if row is not None and row["removed_at"] is None else fact.at
    book.put("cron_installed", {"scheduler": scheduler, "since": since, "changed_at": fact.at, "removed_at": None})


def _removed(book: "Book", fact: Fact) -> None:
    row = book.get("cron_installed", _scheduler(book, fact))
    if row is not None and row["removed_at"] is None:
        book.put("cron_installed", row | {"changed_at": fact.at, "removed_at": fact.at})


def _scheduler(book: "Book", fact: Fact) -> str:
    if not fact.actor.startswith("person"):
        raise Refused("Only a person says what starts by itself, in their own terminal.")
    if fact.data["scheduler"] not in SCHEDULERS:
        raise ValueError(f"scheduler {fact.data['scheduler']!r}")
    return str(fact.data["scheduler"])


def follow(book: "Book", fact: Fact) -> None:
    """A session of a whole window holds the slot of it; its end is the slot's end, unless it died: then the slot may be begun anew."""
    if fact.kind == "session.opened" and fact.data.get("whole", True) and _is_window(fact.data["window"]):
        key, data = str(fact.data["window"]), fact.data
        row = book.get("cron_slots", key)
        if row is None:
            kind = key.partition("@")[0]
            row = _empty(Fact(fact.id, fact.at, fact.actor, fact.kind, {"slot": key, "job": kind, "due": stamp(fact.at), "until": data["deadline"]}))
            row |= {"claimed_at": fact.at, "n": 1}
        if row["state"] == "claimed":
            book.put("cron_slots", row | {"owner": text(data["owner"]), "session": data["session"]})
    if fact.kind == "session.closed":
        for row in book.where("cron_slots", "session", fact.data["session"]):
            if row["state"] == "claimed" and fact.data["outcome"] != "died":
                outcome = "failed" if fact.data["outcome"] == "failed" else "worked"
                said = clean(str(fact.data.get("said", "")))[:300]
                book.put("cron_slots", row | {"state": "done", "ended_at": fact.at, "outcome": outcome, "said": said})


def _is_window(key: Any) -> bool:
    kind, _, day = str(key).partition("@")
    try:
        date.fromisoformat(day)
    except ValueError:
        return False
    return kind in KINDS


RULES = {
    "slot.claimed": _claimed,
    "slot.done": _done,
    "slot.missed": _missed,
    "cron.installed": _installed,
    "cron.removed": _removed,
}
