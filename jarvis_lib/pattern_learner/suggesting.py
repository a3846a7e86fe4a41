"""What is worth having ready before it is needed, and was it used?

An offer is made for a learned pattern 2 to 4 hours before its need, when probability x worth is more than what one made in vain costs. A pattern that the
person enabled with a task queues that task (the policy still decides it) once its lower bound is high enough; about any other the person is asked once.
The ledger holds all of this too, whoever writes.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from jarvis_lib.model.book import Row
from jarvis_lib.model.fact import Refused, stamp
from jarvis_lib.model.pattern_rules import AUTOMATIC, MOST_OPEN, OPEN
from jarvis_lib.model.prose import clean, shorten
from jarvis_lib.model.task import content_hash, task_from_json
from jarvis_lib.pattern_learner.mined import Pattern
from jarvis_lib.pattern_learner.predicting import Chance, day_of
from jarvis_lib.store.place import Place

AHEAD = timedelta(hours=36)
"""Needs in this time are looked at; a night is followed by a day."""
LATEST = timedelta(hours=2)
"""What is not begun so long before the need comes too late."""


@dataclass(frozen=True, slots=True)
class Offer:
    """One offer: for which need, how likely, and the task that it queues (JSON with id and due) or None, when the person is asked."""

    id: str
    pattern: str
    title: str
    need_at: datetime
    build_from: datetime
    p: float
    worth: float
    cost: float
    task: dict[str, Any] | None
    said: str

    def to_json(self) -> dict[str, Any]:
        """For `--json` and its fact: UTC stamps, and the task by its id."""
        own = {name: getattr(self, name) for name in ("id", "pattern", "title", "p", "worth", "cost", "said")}
        return own | {"need_at": stamp(self.need_at), "build_from": stamp(self.build_from), "task": self.task["id"] if self.task else None}


def offers(
    learned: Sequence[Pattern],
    known: Mapping[str, Row],
    made: Sequence[Row],
    chances: Mapping[str, Chance],
    *,
    worth: float,
    cost: float,
    lead: timedelta,
    now: datetime,
) -> list[Offer]:
    """What to offer now. `known` are the rows of learned patterns with the person's `answer`, `made` the offers so far, `chances` by kind.

    The likeliest first; never one that was dismissed, never more open ones than MOST_OPEN, one question for each pattern.
    """
    room = MOST_OPEN - sum(r["state"] in OPEN for r in made)
    taken, asked = {r["id"] for r in made}, {r["pattern"] for r in made}
    found = []
    for pattern in learned:
        row = known.get(pattern.id, {"answer": "", "template": "", "state": "learned"})
        need = pattern.next_at
        if row["answer"] == "dismissed" or row["state"] != "learned" or need is None or not LATEST <= need - now <= AHEAD:
            continue
        offer = _offer(pattern, row, need, chances.get(pattern.kind), worth=worth, cost=cost, lead=lead)
        if offer.id not in taken and (row["answer"] == "enabled" or pattern.id not in asked) and offer.p * worth > cost:
            found.append(offer)
    return sorted(found, key=lambda o: (-o.p, o.need_at, o.id))[: max(room, 0)]


def _offer(pattern: Pattern, row: Mapping[str, Any], need: datetime, chance: Chance | None, *, worth: float, cost: float, lead: timedelta) -> Offer:
    p = min(chance.p, pattern.hit_rate) if chance else pattern.hit_rate
    own = hashlib.sha256(f"{pattern.id} {need.date().isoformat()}".encode()).hexdigest()[:10]
    automatic = row["answer"] == "enabled" and row["template"] and pattern.low >= AUTOMATIC
    task = json.loads(row["template"]) | {"id": own, "due": stamp(need - LATEST)} if automatic else None
    why = f"{pattern.when}; it came on {pattern.n} of {pattern.occasions} later days"
    asks = "you are asked first" if row["answer"] != "enabled" else f"at least {pattern.low:.0%}, below {AUTOMATIC:.0%}, so you are asked first"
    does = "queued by itself, as you enabled it" if task else asks
    said = f"{shorten(clean(pattern.title), 80)}: {p:.0%} likely ({why}); {does}."
    return Offer(own, pattern.id, pattern.title, need, need - lead, p, worth, cost, task, said)


def facts_of(found: Sequence[Offer], place: Place) -> list[tuple[str, dict[str, Any]]]:
    """The offers as facts: each, and the task that it queues."""
    from jarvis_lib.execution.digests import files_of

    facts: list[tuple[str, dict[str, Any]]] = []
    for offer in found:
        facts.append(("pattern.suggested", {"suggestion": offer.to_json()}))
        if offer.task:
            task = task_from_json(offer.task)
            data = {"task": task.to_json(), "content_hash": content_hash(task, files_of(place.home, task)), "pattern": offer.pattern}
            facts.append(("task.added", data))
    return facts


def settled(made: Sequence[Row], known: Mapping[str, Row], came: set[tuple[str, str]], place: Place, *, now: datetime) -> list[tuple[str, dict[str, Any]]]:
    """Facts about the open offers whose day is over: used when the need came that day (`came`: kind and local day), else wasted."""
    today = now.astimezone(place.zone).date()
    facts = []
    for row in made:
        day = day_of(row, place.zone)
        if row["state"] in OPEN and day < today and row["pattern"] in known:
            facts.append(("pattern.settled", {"suggestion": row["id"], "used": (known[row["pattern"]]["kind"], day.isoformat()) in came}))
    return facts


def template_of(place: Place, words: Mapping[str, Any], title: str, task: Row | None) -> dict[str, Any]:
    """The task that an enabled pattern queues, JSON: like the task `task`, or made of `words` (recipe, category, hours) under the pattern's title."""
    if task is not None:
        raw: dict[str, Any] = json.loads(task["content"])
        if raw.get("after"):
            raise Refused(f"{task['id']} waits for other tasks, so it cannot be a template; name one that stands alone.")
    else:
        from jarvis_lib.execution.draft import draft

        recipe = str(words["recipe"])
        is_notebook = recipe.endswith(".ipynb")
        how: dict[str, Any] = {"notebook": recipe if is_notebook else None, "command": None if is_notebook else recipe}
        own: dict[str, Any] = {
            "description": "Made ready before you need it.",
            "hours": words["hours"],
            "category": words["category"],
            "priority": words["priority"],
        }
        raw = draft(place.home, place.settings, title=f"Prepare: {shorten(clean(title), 150)}", id="template", **how, **own).to_json()
    if not raw.get("recipe"):
        raise Refused("The task has no recipe, so there is nothing to run; give it one: --recipe NOTEBOOK or --recipe 'COMMAND LINE'.")
    once = {name: value for name, value in raw.items() if name not in ("every", "series")}  # the pattern says when it comes
    return once | {"id": "template", "due": None}
