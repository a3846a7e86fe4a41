"""What do the facts of patterns do to the rows, and which are refused?

Only a person enables, disables and dismisses. What was dismissed is never offered again, at most MOST_OPEN offers are open, a pattern that is not
enabled is asked about once, and a task queues itself only from a pattern that the person enabled with this very task and that held often enough.
"""

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from jarvis_lib.model.fact import Fact, Refused, moment, text
from jarvis_lib.model.prose import clean

if TYPE_CHECKING:
    from jarvis_lib.model.book import Book, Row
    from jarvis_lib.model.task import Task

KEYS = {"patterns": "id", "pattern_answers": "pattern", "suggestions": "id"}
LEARNED_N, LEARNED_LOW = 8, 0.6
"""A pattern counts as learned from so many later days, when the lower bound of its share is at least this and above its base rate."""
AUTOMATIC = 0.8
"""A task queues itself only from this lower bound on."""
MOST_OPEN = 5
OPEN = ("asked", "queued")
NAME_LIMIT = 200
SOURCES = ("manual", "tasks", "git", "shell", "calendar")


def event_name(name: str) -> str:
    """The name of an event: one clean line of 1 to NAME_LIMIT characters. Refuses anything else."""
    tidy = clean(name.replace("\n", " "))
    if not tidy or len(tidy) > NAME_LIMIT:
        raise Refused(f"An event's name is 1 to {NAME_LIMIT} characters on one line, not {len(tidy):,}; for example: status_report.", code="usage")
    return tidy


def logged(book: "Book", fact: Fact) -> None:
    """Something happened, by the person's or a program's word."""
    data = fact.data
    at = moment(data["when"])
    if at > fact.at + timedelta(minutes=1):
        raise Refused("An event is logged when it has happened, and this one lies in the future; leave --at out, or give an earlier time.")
    row = {"id": fact.id, "type": event_name(str(data["type"])), "at": at, "source": clean(str(data.get("source", "manual")))[:60] or "manual"}
    book.put("logged_events", row | {"detail": text(data.get("detail", {})), "logged_at": fact.at, "actor": fact.actor})


def learned(book: "Book", fact: Fact) -> None:
    """A mined routine counts from now on, or its figures are new."""
    own = fact.data["pattern"]
    figures = {"n": int(own["n"]), "occasions": int(own["occasions"]), "low": float(own["low"]), "base_rate": float(own["base_rate"])}
    if (
        not figures["occasions"] >= LEARNED_N
        or not 0 <= figures["n"] <= figures["occasions"]
        or not max(LEARNED_LOW, figures["base_rate"]) <= figures["low"] <= 1
    ):
        raise Refused(f"{clean(str(own['title']))[:60]!r} has not come often enough on later days to count as learned.")
    old = book.get("patterns", own["id"])
    since = old["learned_at"] if old and old["state"] == "learned" else fact.at
    words = {name: clean(str(own[name]))[:300] for name in ("id", "kind", "title", "when", "said")}
    book.put("patterns", words | figures | {"state": "learned", "learned_at": since, "changed_at": fact.at})


def retired(book: "Book", fact: Fact) -> None:
    """A routine has come too rarely of late to count any longer."""
    row = _pattern(book, fact)
    if row["state"] == "retired":
        raise Refused(f"The pattern {row['id']} is retired already.")
    book.put("patterns", row | {"state": "retired", "changed_at": fact.at, "said": clean(str(fact.data["why"]))[:300]})


def _pattern(book: "Book", fact: Fact) -> "Row":
    row = book.get("patterns", str(fact.data["pattern"]))
    if row is None:
        raise Refused(f"There is no learned pattern {clean(str(fact.data['pattern']))[:40]!r}; `jarvis patterns list` shows all.", code="missing")
    return row


def _answered(answer: str) -> Any:
    def rule(book: "Book", fact: Fact) -> None:
        if not fact.actor.startswith("person"):
            raise Refused(f"Only a person says whether a pattern is {answer}, not {clean(fact.actor)[:40]}.")
        row = _pattern(book, fact)
        template = fact.data.get("template")
        if template is not None:
            from jarvis_lib.model.task import task_from_json

            task_from_json(template | {"id": "template"})
        own = {"pattern": row["id"], "answer": answer, "template": text(template) if template else "", "answered_at": fact.at, "actor": fact.actor}
        book.put("pattern_answers", own)
        if answer == "dismissed":
            for offer in book.where("suggestions", "pattern", row["id"]):
                if offer["state"] in OPEN:
                    book.put("suggestions", offer | {"state": "dismissed", "settled_at": fact.at})

    return rule


def suggested(book: "Book", fact: Fact) -> None:
    """An offer before a need. The same offer (pattern and day) stands once."""
    own = fact.data["suggestion"]
    row = book.get("patterns", own["pattern"])
    if row is None or row["state"] != "learned":
        raise Refused(f"The pattern {clean(str(own['pattern']))[:40]!r} is not learned, so nothing is offered for it.")
    if book.get("suggestions", own["id"]) is not None:
        raise Refused("This was offered already.")
    answer = (book.get("pattern_answers", row["id"]) or {"answer": ""})["answer"]
    if answer == "dismissed":
        raise Refused(f"You dismissed {row['title'][:60]!r}; it is not offered again.")
    if answer != "enabled" and book.where("suggestions", "pattern", row["id"]):
        raise Refused(f"You were asked about {row['title'][:60]!r} already.")
    if sum(len(book.where("suggestions", "state", state)) for state in OPEN) >= MOST_OPEN:
        raise Refused(f"{MOST_OPEN} offers are open; the next one waits until one of them is settled.")
    queued = bool(own.get("task"))
    if queued and (answer != "enabled" or row["low"] < AUTOMATIC):
        raise Refused(f"{row['title'][:60]!r} queues nothing by itself: that takes your `enable` and a lower bound of {AUTOMATIC:.0%}.")
    figures = {name: float(own[name]) for name in ("p", "worth", "cost")}
    if not 0 <= figures["p"] <= 1:
        raise ValueError("probability of an offer")
    times = {"need_at": moment(own["need_at"]), "build_from": moment(own["build_from"]), "made_at": fact.at, "settled_at": None}
    words = {"id": str(own["id"]), "pattern": row["id"], "title": row["title"], "said": clean(str(own["said"]))[:300]}
    book.put("suggestions", words | figures | times | {"low": row["low"], "state": "queued" if queued else "asked", "task": own.get("task") or None})


def settled(book: "Book", fact: Fact) -> None:
    """Whether what was offered for came within the day: used or wasted."""
    row = book.get("suggestions", str(fact.data["suggestion"]))
    if row is None or row["state"] not in OPEN:
        raise Refused(f"There is no open suggestion {clean(str(fact.data['suggestion']))[:40]!r}.", code="missing")
    if fact.at < row["need_at"]:
        raise Refused("Whether it was used is known after the need, not before.")
    book.put("suggestions", row | {"state": "used" if fact.data["used"] else "wasted", "settled_at": fact.at})


def may_queue(book: "Book", pattern: str, task: "Task") -> bool:
    """May this task queue itself for this pattern? The person enabled it with just this task, it holds, and it was offered as this task."""
    row, answer = book.get("patterns", pattern), book.get("pattern_answers", pattern)
    if row is None or row["state"] != "learned" or row["low"] < AUTOMATIC:
        return False
    if answer is None or answer["answer"] != "enabled" or not answer["actor"].startswith("person") or not answer["template"]:
        return False
    same = text(task.to_json() | {"id": None, "due": None}) == text(json.loads(answer["template"]) | {"id": None, "due": None})
    return same and any(s["task"] == task.id and s["state"] == "queued" for s in book.where("suggestions", "pattern", pattern))


RULES = {
    "event.logged": logged,
    "pattern.learned": learned,
    "pattern.retired": retired,
    "pattern.enabled": _answered("enabled"),
    "pattern.disabled": _answered("disabled"),
    "pattern.dismissed": _answered("dismissed"),
    "pattern.suggested": suggested,
    "pattern.settled": settled,
}
