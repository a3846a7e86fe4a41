"""What happened that somebody may want to hear of, and what became of each message? The outbox as facts, each sent once for its channel."""

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from jarvis_lib.model.delivery import EVERY_CHANNEL, MOST_TRIES, REPORTS, RETRIES
from jarvis_lib.model.fact import Fact, Refused, moment
from jarvis_lib.model.prose import clean

if TYPE_CHECKING:
    from jarvis_lib.model.book import Book, Row

KEYS = {"deliveries": "key", "channels": "name"}
Standing = tuple[str, str]


def standing(book: "Book", fact: Fact) -> Standing:
    """How the task or problem of this fact stands before the fact is applied; `follow` compares it with after."""
    return _stands(book, _subject(book, fact))


def _subject(book: "Book", fact: Fact) -> tuple[str, str]:
    if fact.kind == "problem.found":
        return "problems", str(fact.data["problem"]["key"])
    if fact.kind == "attempt.ended":
        attempt = book.get("attempts", fact.data["attempt"])
        return "tasks", attempt["task"] if attempt else ""
    if fact.kind.startswith("task.") and not fact.actor.startswith("person"):
        task = fact.data["task"]
        return "tasks", task["id"] if isinstance(task, dict) else str(task)
    return "", ""


def _stands(book: "Book", subject: tuple[str, str]) -> Standing:
    table, key = subject
    row = book.get(table, key) if key else None
    if row is None:
        return "", ""
    return row["state"], "" if table == "problems" else row["parked_kind"]


def follow(book: "Book", fact: Fact, before: Standing) -> None:
    """Note what happened by this fact, which was applied, in the same transaction: no ending, question or problem is ever missed."""
    if fact.kind == "brief.made":
        if fact.data["kind"] in REPORTS and fact.data.get("send", True):
            _note(book, fact, "report", f"{fact.data['kind']}@{fact.data['as_of']}")
        return
    subject = _subject(book, fact)
    after = _stands(book, subject)
    if not after[0] or after == before:
        return
    if subject[0] == "problems":
        if after[0] == "open":
            _note(book, fact, "problem", subject[1])
        return
    attempt = fact.data.get("attempt")
    if after[0] in ("shipped", "failed"):
        _note(book, fact, after[0], subject[1], attempt)
    elif _waits(after) and not _seen(book, fact, subject[1]):
        _note(book, fact, "needs_you", subject[1], attempt, alert=after[1] == "escalated")


def _waits(stands: Standing) -> bool:
    """Does it wait for the person?"""
    return stands[0] in ("review", "proposed") or (stands[0] == "parked" and stands[1] not in ("later", "dependency"))


def _seen(book: "Book", fact: Fact, task: str) -> bool:
    """Was the person there when it happened, adding the task in their own terminal?"""
    row = book.get("tasks", task)
    return fact.kind == "task.decided" and row is not None and row["actor"].startswith("person") and row["added_at"] == fact.at


def _note(book: "Book", fact: Fact, kind: str, about: str, attempt: str | None = None, *, alert: bool = False) -> None:
    book.put("happenings", {"id": fact.id, "at": fact.at, "kind": kind, "about": about, "attempt": attempt, "alert": alert})


# --- the outbox ----------------------------------------------------------------------------------------------------------


def _channel(fact: Fact) -> str:
    name = str(fact.data["channel"])
    if name not in EVERY_CHANNEL:
        raise ValueError(f"channel {name!r}")
    return name


def _opened(book: "Book", fact: Fact) -> None:
    """A channel that was not there before: it is told what happens from `since` on, and not the whole past."""
    name = _channel(fact)
    if book.get("channels", name) is not None:
        raise Refused(f"The channel {name} is open already.")
    book.put("channels", {"name": name, "since": moment(fact.data["since"]), "failing_since": None, "why": ""})


def _queued(book: "Book", fact: Fact) -> None:
    data, channel = fact.data, _channel(fact)
    if book.get("deliveries", data["key"]) is not None:
        raise Refused(f"The message {clean(str(data['key']))[:120]} is in the outbox already; it is sent once.")
    book.put(
        "deliveries",
        {
            "key": data["key"],
            "happening": data["happening"],
            "channel": channel,
            "kind": data["kind"],
            "about": data["about"],
            "alert": bool(data["alert"]),
            "state": "waiting",
            "tries": 0,
            "queued_at": fact.at,
            "tried_at": None,
            "next_at": fact.at,
            "ended_at": None,
            "said": "",
        },
    )


def _message(book: "Book", fact: Fact) -> "Row":
    row = book.get("deliveries", fact.data["key"])
    if row is None:
        raise Refused(f"There is no message {clean(str(fact.data['key']))[:120]!r}; `jarvis delivery list` shows all.", code="missing")
    return row


def _tried(book: "Book", fact: Fact) -> None:
    """Counted before it is sent, so that a process that dies in between has had its try."""
    row = _message(book, fact)
    if row["state"] not in ("waiting", "trying") or fact.data["n"] != row["tries"] + 1 or row["tries"] >= MOST_TRIES:
        raise Refused(f"The message {row['key']} is {row['state']} after {row['tries']} of {MOST_TRIES} tries; it is not sent now.")
    book.put("deliveries", row | {"state": "trying", "tries": row["tries"] + 1, "tried_at": fact.at})


def _fenced(book: "Book", fact: Fact) -> "Row":
    """The message, if this is the ending of the try that runs."""
    row = _message(book, fact)
    if row["state"] != "trying" or fact.data["n"] != row["tries"]:
        raise Refused(f"The message {row['key']} is {row['state']} after {row['tries']} tries; this is not the ending of its last one.")
    return row


def _sent(book: "Book", fact: Fact) -> None:
    row = _fenced(book, fact)
    book.put("deliveries", row | {"state": "sent", "ended_at": fact.at, "next_at": None, "said": clean(str(fact.data["said"]))[:2000]})
    _works(book, row["channel"], fact)


def _failed(book: "Book", fact: Fact) -> None:
    row = _fenced(book, fact)
    why = clean(str(fact.data["why"]))[:2000]
    again = bool(fact.data["again"]) and row["tries"] < MOST_TRIES
    later = fact.at + RETRIES[row["tries"] - 1] if again else None
    state = "waiting" if again else "failed"
    book.put("deliveries", row | {"state": state, "next_at": later, "ended_at": None if again else fact.at, "said": why})
    _fails(book, row["channel"], fact, why)


def _dropped(book: "Book", fact: Fact) -> None:
    row = _message(book, fact)
    if row["state"] not in ("waiting", "trying"):
        raise Refused(f"The message {row['key']} is {row['state']}; there is nothing to drop.")
    book.put("deliveries", row | {"state": "dropped", "ended_at": fact.at, "next_at": None, "said": clean(str(fact.data["why"]))[:300]})


def _again(book: "Book", fact: Fact) -> None:
    """The person's own word: as if it had never been tried."""
    row = _message(book, fact)
    if not fact.actor.startswith("person"):
        raise Refused("Only a person has a message sent once more.")
    if row["state"] == "trying":
        raise Refused(f"The message {row['key']} is being sent right now.", code="busy")
    book.put("deliveries", row | {"state": "waiting", "tries": 0, "next_at": fact.at, "ended_at": None})


def _tested(book: "Book", fact: Fact) -> None:
    """A test of a channel says how it stands, as a message does."""
    name = _channel(fact)
    if book.get("channels", name) is None:
        book.put("channels", {"name": name, "since": fact.at - timedelta(hours=1), "failing_since": None, "why": ""})
    _works(book, name, fact) if fact.data["ok"] else _fails(book, name, fact, clean(str(fact.data["said"]))[:2000])


def _works(book: "Book", name: str, fact: Fact) -> None:
    book.put("channels", _known(book, name, fact) | {"failing_since": None, "why": ""})


def _fails(book: "Book", name: str, fact: Fact, why: str) -> None:
    row = _known(book, name, fact)
    book.put("channels", row | {"failing_since": row["failing_since"] or fact.at, "why": why})


def _known(book: "Book", name: str, fact: Fact) -> "Row":
    return book.get("channels", name) or {"name": name, "since": fact.at, "failing_since": None, "why": ""}


RULES: dict[str, Callable[["Book", Fact], Any]] = {
    "delivery.opened": _opened,
    "delivery.queued": _queued,
    "delivery.tried": _tried,
    "delivery.sent": _sent,
    "delivery.failed": _failed,
    "delivery.dropped": _dropped,
    "delivery.again": _again,
    "delivery.tested": _tested,
}
