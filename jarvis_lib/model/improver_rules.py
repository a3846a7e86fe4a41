"""What do the facts of Jarvis's look at itself do to the rows, and which are refused? And which settings may it ever ask to change?

Only a person accepts, declines and takes back. What is no setting of MAY_CHANGE is refused here, whoever states it, and again at the edit
of the file: never the policy, the guards, the budgets, or what measures Jarvis itself.
"""

import math
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from jarvis_lib.model.fact import Fact, Refused, digest, text
from jarvis_lib.model.prose import clean

if TYPE_CHECKING:
    from collections.abc import Callable

    from jarvis_lib.model.book import Book, Row

KEYS = {"weaknesses": "key", "improvements": "id"}
KINDS = ("setting", "predictor", "task", "recipe", "check", "pattern", "rule")
"""`setting` and `predictor` edit jarvis.toml; `task`, `recipe` and `check` become tasks; a `pattern` and a `rule` are shown and done by the person."""
EDITS = ("setting", "predictor")
TASKS = ("task", "recipe", "check")
VERDICTS = ("helped", "no effect", "harmed", "too little data")
QUIET = timedelta(days=90)
"""What was declined, taken back or reverted is not proposed again for this long, whatever its evidence."""
LONGEST_MS = 24 * 3600 * 1000
MAY_CHANGE = {
    ("night", "reserve"): "a number from 1 to 5",
    ("predictors", "off"): "one more name",
    **{(f"windows.{kind}", "on"): "false" for kind in ("overnight", "quick_win", "work_hours", "weekend")},
}
"""Section and key -> what a new value may be. Every other setting is the person's own."""
NEVER = ("policy", "limits", "improver", "goals", "person", "store", "context.allows")
"""Named once more, so that nobody adds one of them above: the policy, the budgets, what measures, and what is the person's alone."""


def may_change(section: str, key: str, old: Any, new: Any) -> str:
    """Why this setting may not be changed from `old` to `new` by an improvement; empty when it may."""
    said = f"[{clean(str(section))[:40]}] {clean(str(key))[:40]}"
    if section in NEVER or (section, key) not in MAY_CHANGE:
        return f"{said} is yours alone: self_improver never changes the policy, guards, budgets, its own scorer or what is not on its short list"
    if not _fits(key, old, new):
        return f"{said} may only become {MAY_CHANGE[section, key]}, not {clean(str(new))[:40]!r}"
    return ""


def _fits(key: str, old: Any, new: Any) -> bool:
    if key == "on":
        return old is True and new is False
    if key == "off":
        return (
            isinstance(old, list)
            and isinstance(new, list)
            and len(new) == len(old) + 1
            and new[:-1] == old
            and isinstance(new[-1], str)
            and new[-1].isidentifier()
        )
    return isinstance(new, int | float) and not isinstance(new, bool) and 1 <= new <= 5


def improvement_id(weakness: str, kind: str, about: str) -> str:
    """The same for the same change to the same weakness, whatever figures it has today."""
    return f"i{digest([weakness, kind, about])[:8]}"


# --- what is noted -------------------------------------------------------------------------------------------------------


def milliseconds(value: Any) -> float:
    """A duration as it may be noted. Raises Refused for text, a negative number, NaN, and more than a day."""
    try:
        ms = float(value)
    except (TypeError, ValueError):
        raise Refused(f"{clean(str(value))[:40]!r} is no number of milliseconds.", code="usage") from None
    if isinstance(value, bool) or not math.isfinite(ms) or not 0 <= ms <= LONGEST_MS:
        raise Refused(f"A duration is from 0 to {LONGEST_MS:,} ms (a day), not {clean(str(value))[:40]}.", code="usage")
    return ms


def named(value: Any, what: str, width: int = 80) -> str:
    """A name on one line, without what could move a cursor. Raises Refused for an empty one."""
    word = clean(str(value))[:width].strip()
    if not word:
        raise Refused(f"The {what} is empty; say which it was.", code="usage")
    return word


def timed(book: "Book", fact: Fact) -> None:
    """How long something took, in milliseconds."""
    book.put("timings", {"at": fact.at, "op": named(fact.data["op"], "operation"), "ms": milliseconds(fact.data["ms"]), "actor": fact.actor})


def call_failed(book: "Book", fact: Fact) -> None:
    """Something that was called, and what it said."""
    row = {"at": fact.at, "api": named(fact.data["api"], "API"), "error": named(fact.data["error"], "error", 300), "actor": fact.actor}
    book.put("call_failures", row)


def corrected(book: "Book", fact: Fact) -> None:
    """A correction by the person. Nobody else corrects, so that nobody else makes the rules stricter or looser by it."""
    _by_a_person(fact, "corrects")
    row = {"at": fact.at, "topic": named(fact.data["topic"], "topic"), "said": named(fact.data["said"], "correction", 300), "actor": fact.actor}
    book.put("corrections", row)


def read(book: "Book", fact: Fact) -> None:
    """The person says that they have read a brief."""
    _by_a_person(fact, "reads")
    book.put("brief_readings", {"at": fact.at, "kind": named(fact.data["kind"], "kind of brief"), "actor": fact.actor})


# --- weaknesses ----------------------------------------------------------------------------------------------------------


def found(book: "Book", fact: Fact) -> None:
    """A shortfall with its figures; found again, it keeps the day when it was first seen."""
    _by_no_agent(fact)
    own = fact.data["weakness"]
    old = book.get("weaknesses", str(own["key"]))
    row: Row = {name: str(own[name]) for name in ("key", "measure", "subject", "severity", "digest")}
    row |= {"said": clean(str(own["said"]))[:400], "n": int(own["n"])}
    row |= {name: _figure(own[name]) for name in ("value", "low", "high")}
    row |= {name: text(own[name]) for name in ("healthy", "trend", "test", "evidence")}
    first = old["first_found"] if old else fact.at
    times = (old["times"] if old else 0) + (old is None or old["state"] == "closed")
    book.put("weaknesses", row | {"state": "open", "first_found": first, "last_found": fact.at, "closed_at": None, "closed_said": "", "times": times})


def _figure(value: Any) -> float | None:
    number = None if value is None else float(value)
    if number is not None and not math.isfinite(number):
        raise ValueError(f"figure {value!r}")
    return number


def closed(book: "Book", fact: Fact) -> None:
    """Its own test showed it gone."""
    _by_no_agent(fact)
    row = book.get("weaknesses", str(fact.data["key"]))
    if row is None:
        raise Refused(f"There is no weakness {clean(str(fact.data['key']))[:80]!r}.", code="missing")
    if row["state"] == "open":
        book.put("weaknesses", row | {"state": "closed", "closed_at": fact.at, "closed_said": clean(str(fact.data["said"]))[:300]})


# --- improvements --------------------------------------------------------------------------------------------------------


def proposed(book: "Book", fact: Fact) -> None:
    """One change. It stands once: what is open already stays as it is, and what was declined or taken back stays away for QUIET."""
    _by_no_agent(fact)
    own = fact.data["improvement"]
    change = dict(own["change"])
    if own["kind"] not in KINDS:
        raise ValueError(f"kind {own['kind']!r}")
    _allowed(own["kind"], change)
    old = book.get("improvements", str(own["id"]))
    if old is not None and old["state"] in ("proposed", "accepted"):
        return
    if old is not None and fact.at < (old["ended_at"] or old["decided_at"]) + QUIET:
        raise Refused(f"{old['id']} ({old['title'][:60]}) was {old['state']}; it is not proposed again within {QUIET.days} days.")
    nothing = dict.fromkeys(
        ("decided_at", "task", "edit", "effect", "low", "high", "n_before", "n_after", "value_before", "value_after", "measured_at", "ended_at")
    )
    row: Row = {name: str(own[name]) for name in ("id", "weakness", "kind", "measure", "subject")}
    row |= {"title": clean(str(own["title"]))[:200], "why": clean(str(own["why"]))[:400], "change": text(change), "state": "proposed"}
    book.put("improvements", row | nothing | {"proposed_at": fact.at, "actor": fact.actor, "verdict": "", "measured_said": "", "ended_said": ""})


def _allowed(kind: str, change: dict[str, Any]) -> None:
    if kind in EDITS:
        why = may_change(change["section"], change["key"], change["old"], change["new"])
        if why:
            raise Refused(f"This is not proposed and never done: {why}.")
    elif {"section", "key"} <= change.keys() or (kind in TASKS and not {"title", "description", "category"} <= change.keys()):
        raise ValueError(f"change of a {kind}")


def _improvement(book: "Book", fact: Fact, *states: str) -> "Row":
    row = book.get("improvements", str(fact.data["improvement"]))
    if row is None:
        raise Refused(f"There is no suggestion {clean(str(fact.data['improvement']))[:20]!r}; `jarvis improver suggest` shows all.", code="missing")
    if row["state"] not in states:
        raise Refused(f"{row['id']} ({row['title'][:60]}) is {row['state']} already; `jarvis improver stats` shows what became of it.")
    return row


def accepted(book: "Book", fact: Fact) -> None:
    """The person takes it: with the task that it has become, or with what was changed in jarvis.toml."""
    _by_a_person(fact, "accepts a suggestion")
    row = _improvement(book, fact, "proposed")
    edit, task = fact.data.get("edit"), fact.data.get("task")
    if (row["kind"] in EDITS) != bool(edit) or (row["kind"] in TASKS) != bool(task):
        raise ValueError(f"what a {row['kind']} has become")
    if edit:
        why = may_change(edit["section"], edit["key"], edit["old"], edit["new"])
        if why:
            raise Refused(f"{row['id']} is refused: {why}.")
        if text({name: edit[name] for name in ("section", "key", "old", "new")}) != row["change"]:
            raise Refused(f"{row['id']} is refused: what was changed is not what was proposed.")
    changed = {"state": "accepted", "decided_at": fact.at, "actor": fact.actor, "task": str(task) if task else None, "edit": text(edit) if edit else None}
    book.put("improvements", row | changed)


def _ends(state: str, verb: str, *before: str) -> "Callable[[Book, Fact], None]":
    def rule(book: "Book", fact: Fact) -> None:
        _by_a_person(fact, verb)
        row = _improvement(book, fact, *before)
        said = clean(str(fact.data.get("said", "")))[:300]
        book.put("improvements", row | {"state": state, "decided_at": row["decided_at"] or fact.at, "ended_at": fact.at, "ended_said": said})

    return rule


def measured(book: "Book", fact: Fact) -> None:
    """Before against after on the same measure. It is written once."""
    _by_no_agent(fact)
    data = fact.data
    row = _improvement(book, fact, "accepted")
    if data["verdict"] not in VERDICTS:
        raise ValueError(f"verdict {data['verdict']!r}")
    if row["verdict"]:
        return
    figures = {name: _figure(data[name]) for name in ("effect", "low", "high", "value_before", "value_after")}
    counts = {name: int(data[name]) for name in ("n_before", "n_after")}
    said = clean(str(data["said"]))[:400]
    book.put("improvements", row | figures | counts | {"verdict": data["verdict"], "measured_said": said, "measured_at": fact.at})


def reverted(book: "Book", fact: Fact) -> None:
    """A setting that harmed is as it was before, or the person has changed it since and it was left."""
    _by_no_agent(fact)
    row = _improvement(book, fact, "accepted")
    if row["kind"] not in EDITS or row["verdict"] != "harmed":
        raise Refused(f"{row['id']} ({row['title'][:60]}) has not harmed by a setting, so there is nothing to revert.")
    said = clean(str(fact.data["said"]))[:300]
    book.put("improvements", row | {"state": "reverted", "ended_at": fact.at, "ended_said": said})


def _by_a_person(fact: Fact, does: str) -> None:
    if not fact.actor.startswith("person"):
        raise Refused(f"Only a person {does}, not {clean(fact.actor)[:40]}.")


def _by_no_agent(fact: Fact) -> None:
    """What is measured, suggested and reverted comes from Jarvis or the person; an agent would judge its own work."""
    if fact.actor.startswith("agent"):
        raise Refused(f"An agent ({clean(fact.actor)[:40]}) measures and suggests nothing about Jarvis.")


RULES = {
    "op.timed": timed,
    "call.failed": call_failed,
    "correction.noted": corrected,
    "brief.read": read,
    "weakness.found": found,
    "weakness.closed": closed,
    "improvement.proposed": proposed,
    "improvement.accepted": accepted,
    "improvement.declined": _ends("declined", "declines a suggestion", "proposed"),
    "improvement.undone": _ends("undone", "takes a suggestion back", "accepted"),
    "improvement.measured": measured,
    "improvement.reverted": reverted,
}
