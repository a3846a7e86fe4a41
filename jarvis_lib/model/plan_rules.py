"""What do the facts of plans, pins, briefs and notices do to the rows, and which are refused?"""

from datetime import datetime
from typing import Any

from jarvis_lib.model.book import Book, Row
from jarvis_lib.model.fact import Fact, Refused, moment
from jarvis_lib.model.prose import clean
from jarvis_lib.model.states import OPEN_STATES
from jarvis_lib.model.task_row import name_of, task_of

KEYS = {"plans": "id", "pins": "task", "estimates": "task"}


def _planned(book: Book, fact: Fact) -> None:
    data = fact.data
    estimates = [_estimate(raw, fact.at) for raw in data.get("estimates", ())]
    book.put("plans", {"id": fact.id, "made_at": fact.at, "actor": fact.actor, "session": data.get("session"), "horizon": moment(data["horizon"])})
    for slot in data["slots"]:
        times = {"start": moment(slot["start"]), "end": moment(slot["end"])}
        book.put("slots", {"plan": fact.id, "part": 1, "parts": 1} | slot | times)
    for omission in data["omissions"]:
        book.put("omissions", {"plan": fact.id} | omission)
    for estimate in estimates:
        book.put("estimates", estimate)
    if data.get("luck"):
        book.put("lucks", {"plan": fact.id, "made_at": fact.at} | {name: float(data["luck"][name]) for name in ("shared", "shift", "slope")})
    for finish in data.get("finish", ()):
        book.put("finishes", {"plan": fact.id} | finish | {"p50_end": moment(finish["p50_end"]), "p80_end": moment(finish["p80_end"])})


def _estimate(raw: dict[str, Any], at: datetime) -> Row:
    hours = {name: float(raw[name]) for name in ("p10", "p50", "p80", "p90")}
    if not 0 < hours["p10"] <= hours["p50"] <= hours["p80"] <= hours["p90"]:
        raise ValueError(f"quantiles {hours}")
    return {"task": str(raw["task"]), "made_at": at, **hours, "why": clean(str(raw["why"]))[:300]}


def _pinned(book: Book, fact: Fact) -> None:
    row = task_of(book, fact)
    window = str(fact.data["window"])
    if not fact.actor.startswith("person"):
        raise Refused("Only a person pins a task to a window.")
    if row["state"] not in OPEN_STATES:
        raise Refused(f"{name_of(row)} is {row['state']}; only what is still open has a place to pin.")
    if moment(fact.data["ends"]) <= fact.at:
        raise Refused(f"The window {clean(window)[:40]} is over; nothing can be pinned to it any more.")
    book.put("pins", {"task": row["id"], "window": window, "pinned_at": fact.at, "actor": fact.actor})


def _unpinned(book: Book, fact: Fact) -> None:
    row = task_of(book, fact)
    pin = book.get("pins", row["id"])
    if pin is None or not pin["window"]:
        raise Refused(f"{name_of(row)} is not pinned.")
    book.put("pins", pin | {"window": "", "pinned_at": fact.at, "actor": fact.actor})


def _brief_made(book: Book, fact: Fact) -> None:
    data = fact.data
    book.put(
        "briefs",
        {
            "kind": data["kind"],
            "as_of": moment(data["as_of"]),
            "made_at": fact.at,
            "path": data["path"],
            "headline": data["headline"],
            "sha256": data["sha256"],
        },
    )


def _noted(book: Book, fact: Fact) -> None:
    """Something that the person should read once: a rebuilt store, a dropped line, a foreign program."""
    book.put("notices", {"at": fact.at, "kind": fact.data["kind"], "sentence": fact.data["sentence"]})


RULES = {
    "plan.made": _planned,
    "plan.pinned": _pinned,
    "plan.unpinned": _unpinned,
    "brief.made": _brief_made,
    "notice": _noted,
}
