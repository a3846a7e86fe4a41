"""What do the weekend's facts do to the rows, and which are refused? Only a person chooses, starts and completes; nothing starts by itself."""

from typing import TYPE_CHECKING

from jarvis_lib.model.fact import Fact, Refused, text
from jarvis_lib.model.prose import clean
from jarvis_lib.model.states import OPEN_STATES, SAID, move

if TYPE_CHECKING:
    from jarvis_lib.model.book import Book, Row

KEYS = {"weekend_candidates": "id", "weekend_builds": "id", "weekend_phases": "id"}
_AGAIN = "Look at what there is now: jarvis weekend suggest"


def suggested(book: "Book", fact: Fact) -> None:
    """The candidates of one weekend; a candidate that was suggested before keeps its id and stands as it is now."""
    data = fact.data
    book.put("weekend_suggestions", {"id": fact.id, "weekend": data["weekend"], "made_at": fact.at, "actor": fact.actor, "said": data["said"]})
    for n, own in enumerate(data["candidates"], 1):
        row = {name: own[name] for name in ("id", "kind", "title", "hours", "p50", "p80", "chance", "tasks", "revisions")}
        row |= {"weekend": data["weekend"], "suggestion": fact.id, "suggested_at": fact.at, "n": n, "content": text(own["content"])}
        book.put("weekend_candidates", row)


def selected(book: "Book", fact: Fact) -> None:
    """The person's choice. It takes the place of an earlier one of that weekend that was not started."""
    _by_a_person(fact, "chooses the weekend's build")
    data = fact.data
    own = book.get("weekend_candidates", data["build"])
    if own is None:
        raise Refused(f"There is no weekend candidate {clean(str(data['build']))[:20]!r}. {_AGAIN}", code="missing")
    old = book.get("weekend_builds", own["id"])
    if old is not None and old["state"] == "started":
        raise Refused(f"{own['id']} ({own['title'][:60]}) is started already; follow it with: jarvis weekend progress")
    for task, revision in zip(own["tasks"], own["revisions"], strict=True):
        _unchanged(book, task, revision, own)
    for other in book.where("weekend_builds", "weekend", own["weekend"]):
        if other["state"] == "selected" and other["id"] != own["id"]:
            book.put("weekend_builds", other | {"state": "replaced"})
    row = {name: own[name] for name in ("id", "weekend", "kind", "title", "hours", "p50", "p80", "chance", "tasks")}
    row |= {"phases": text(data["phases"]), "state": "selected", "selected_at": fact.at, "started_at": None, "actor": fact.actor}
    book.put("weekend_builds", row)


def _unchanged(book: "Book", task: str, revision: int, own: "Row") -> None:
    row = book.get("tasks", task)
    if row is None or row["state"] not in OPEN_STATES:
        gone = f"{task} ({row['title'][:60]}) is {SAID[row['state']]}" if row else f"{task} is not there"
        raise Refused(f"{own['id']} ({own['title'][:60]}) cannot be chosen any more: {gone}. {_AGAIN}")
    if row["revision"] != revision:
        raise Refused(f"{own['id']} cannot be chosen as it was suggested: {task} ({row['title'][:60]}) has been edited since. {_AGAIN}")


def started(book: "Book", fact: Fact) -> None:
    """The chosen build begins: its phases are rows, and each task is pinned to the window that it was laid into."""
    _by_a_person(fact, "starts the weekend's build")
    build = book.get("weekend_builds", fact.data["build"])
    if build is None or build["state"] == "replaced":
        raise Refused(f"There is no chosen build {clean(str(fact.data['build']))[:20]!r}; choose one with: jarvis weekend select ID", code="missing")
    if build["state"] == "started":
        raise Refused(f"{build['id']} ({build['title'][:60]}) is started already; follow it with: jarvis weekend progress")
    for own in fact.data["phases"]:
        row = book.get("tasks", own["task"])
        if row is None or row["state"] not in OPEN_STATES:
            gone = f"{row['id']} ({row['title'][:60]}) is {SAID[row['state']]}" if row else f"{clean(str(own['task']))[:20]} is not there"
            raise Refused(f"{build['id']} cannot start as it was chosen: {gone}. {_AGAIN}")
    for n, own in enumerate(fact.data["phases"], 1):
        phase = {"id": f"{build['id']}:{n}", "build": build["id"], "n": n, "done_at": None, "done_by": ""}
        book.put("weekend_phases", phase | {name: own[name] for name in ("name", "task", "hours", "p50", "p80", "window")})
        if own["window"]:
            book.put("pins", {"task": own["task"], "window": own["window"], "pinned_at": fact.at, "actor": fact.actor})
    book.put("weekend_builds", build | {"state": "started", "started_at": fact.at})


def completed(book: "Book", fact: Fact) -> None:
    """The person says that a phase is done. Its task counts as accepted by them, which is not the same as verified."""
    _by_a_person(fact, "says that a phase is done")
    phase = book.get("weekend_phases", fact.data["phase"])
    row = book.get("tasks", phase["task"]) if phase else None
    if phase is None or row is None:
        raise Refused(f"There is no phase {clean(str(fact.data['phase']))[:40]!r}; `jarvis weekend progress` shows all.", code="missing")
    if phase["done_at"] is not None or row["state"] == "accepted":
        raise Refused(f"The phase {phase['name']!r} is done already.")
    verb = "accept" if row["state"] in ("review", "shipped") else "complete"
    move(row["state"], verb, name=f"{row['id']} ({row['title'][:60]})")
    why = "" if row["state"] == "shipped" else "Done by you; Jarvis has not verified it."
    book.put("tasks", row | {"state": "accepted", "why": why, "parked_kind": "", "until": None, "accepted_at": fact.at, "changed_at": fact.at})
    book.put("weekend_phases", phase | {"done_at": fact.at, "done_by": fact.actor})


def _by_a_person(fact: Fact, does: str) -> None:
    if not fact.actor.startswith("person"):
        raise Refused(f"Only a person {does}, not {clean(fact.actor)[:40]}.")


RULES = {
    "weekend.suggested": suggested,
    "weekend.selected": selected,
    "weekend.started": started,
    "weekend.completed": completed,
}
