"""What the person asks of the look at Jarvis itself: suggestions, figures, yes and no, and notes of what was slow, failed or had to be corrected."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from jarvis_lib import autonomous_queue
from jarvis_lib.autonomous_queue.sessions import only_session
from jarvis_lib.model.book import Row
from jarvis_lib.model.fact import Refused
from jarvis_lib.model.improver_rules import EDITS, TASKS, milliseconds, named
from jarvis_lib.model.prose import clean, plural
from jarvis_lib.model.settings import toml
from jarvis_lib.self_improver import editing, figures
from jarvis_lib.self_improver.editing import Edit
from jarvis_lib.self_improver.looking import Measured, effects, find, look, observations
from jarvis_lib.store.place import Place

SEED = 11
_NEEDS = "Nothing measured yet: needs a few weeks of sessions, decisions or scored forecasts."


@dataclass(frozen=True, slots=True)
class Suggestion:
    """One change that waits for an answer, with the weakness behind it and what to type."""

    id: str
    kind: str
    severity: str
    title: str
    why: str
    change: dict[str, Any]
    gone_when: str
    trend: str
    how: str


@dataclass(frozen=True, slots=True)
class Suggestions:
    """What is suggested, and the answer in one sentence."""

    said: str
    suggestions: tuple[Suggestion, ...]


def suggest(place: Place, *, now: datetime, write: bool = True) -> Suggestions:
    """Look at Jarvis now and give what waits for an answer, the gravest first. With `write` off nothing is written down, so nothing can be accepted.

    Never more than [improver] most_open; what was declined stays away for 90 days.
    """
    with place.store.reading() as reader:
        seen = look(reader, place, now=now, seed=SEED)
        if not (write and seen.facts):
            weak, rows = reader.rows("self_improver.weaknesses"), reader.rows("self_improver.improvements")
    if write and seen.facts:
        place.store.write(*(place.fact(kind, at=now, **data) for kind, data in seen.facts))
        with place.store.reading() as reader:
            weak, rows = reader.rows("self_improver.weaknesses"), reader.rows("self_improver.improvements")
    waiting = [r | {"change": json.loads(r["change"])} for r in rows if r["state"] == "proposed" and r["proposed_at"] <= now]
    if not write:
        waiting += [p.to_json() for p in seen.proposals]
    known = {r["key"]: r | {"test": json.loads(r["test"]), "trend": json.loads(r["trend"])} for r in weak} | {w.key: w.to_json() for w in seen.weaknesses}
    made = [_suggestion(r, known.get(r["weakness"])) for r in waiting]
    order = {"high": 0, "medium": 1, "low": 2, "": 3}
    made.sort(key=lambda s: (order[s.severity], s.id))
    return Suggestions(_said(made, seen.observations, len(seen.weaknesses)), tuple(made))


def _suggestion(row: Row, weak: Row | None) -> Suggestion:
    words = {"gone_when": weak["test"]["said"], "trend": weak["trend"]["word"], "severity": weak["severity"]} if weak else {}
    words = {"gone_when": "", "trend": "", "severity": ""} | words
    how = f"jarvis improver accept {row['id']}, or: jarvis improver decline {row['id']}"
    return Suggestion(row["id"], row["kind"], title=row["title"], why=row["why"], change=row["change"], how=how, **words)


def _said(made: Sequence[Suggestion], seen: int, weak: int) -> str:
    if made:
        return f"{plural(len(made), 'suggestion')}, from {plural(weak, 'weakness', 'weaknesses')} in {plural(seen, 'observation')}."
    if not seen:
        return _NEEDS
    return f"Nothing to suggest: {plural(weak, 'weakness', 'weaknesses')} in {plural(seen, 'observation')}."


def stats(place: Place, *, now: datetime) -> dict[str, Any]:
    """Weaknesses open and closed, improvements with their measured effect, decision figures, and the scoreboard of all predictors."""
    since = figures.span(place.settings.get("improver", "look_days"), now)
    with place.store.reading() as reader:
        seen = observations(reader, place, since=since, until=now)
        weak = [_weak_row(r, now) for r in reader.rows("self_improver.weaknesses") if r["first_found"] <= now]
        rows = [r for r in reader.rows("self_improver.improvements") if r["proposed_at"] <= now]
        running = {m.id: m for m in effects(reader, place, rows, now=now, seed=SEED)}
        decided = figures.decisions(reader, seen, since=since, now=now)
        board = figures.scoreboard(reader, now=now)
        noted = reader.one("self_improver.noted") or {}
    improved = [_improved_row(r, running.get(r["id"])) for r in rows]
    return {
        "said": _stats_said(weak, improved, len(seen)),
        "observations": len(seen),
        "since": since,
        "weaknesses": weak,
        "improvements": improved,
        "decisions": decided,
        "scoreboard": board,
        "not_measured": not_measured(noted),
    }


def not_measured(noted: Row) -> list[str]:
    """What no figure stands for, because nobody has told it; each with how it would be."""
    lacks = []
    if not noted.get("readings"):
        lacks.append("whether briefs are read: say so with jarvis overnight brief --read")
    if not noted.get("timings"):
        lacks.append("how fast verbs and APIs answer: note it with jarvis improver log-time OP MS")
    return lacks


def _weak_row(row: Row, now: datetime) -> dict[str, Any]:
    kept = {name: row[name] for name in ("key", "measure", "subject", "said", "severity", "n", "value", "low", "high", "state", "times", "closed_said")}
    times = {name: row[name] for name in ("first_found", "last_found", "closed_at")}
    return kept | times | {name: json.loads(row[name]) for name in ("healthy", "trend", "test", "evidence")}


def _improved_row(row: Row, running: Measured | None) -> dict[str, Any]:
    said = row["measured_said"] or row["ended_said"] or (running.said if running else "")
    words = ("id", "kind", "title", "why", "state", "weakness", "task", "verdict")
    numbers = ("effect", "low", "high", "value_before", "value_after", "n_before", "n_after")
    times = ("proposed_at", "decided_at", "measured_at", "ended_at")
    return {name: row[name] for name in (*words, *numbers, *times)} | {"said": said}


def _stats_said(weak: Sequence[Row], improved: Sequence[Row], seen: int) -> str:
    if not (seen or weak or improved):
        return _NEEDS
    is_open = sum(w["state"] == "open" for w in weak)
    verdicts = [i["verdict"] for i in improved if i["verdict"]]
    told = ", ".join(f"{verdicts.count(v)} {v}" for v in dict.fromkeys(verdicts)) or "none measured yet"
    accepted = sum(i["state"] not in ("proposed", "declined") for i in improved)
    return f"{plural(is_open, 'weakness', 'weaknesses')} open, {len(weak) - is_open} closed; {plural(accepted, 'improvement')} accepted ({told})."


# --- yes and no ----------------------------------------------------------------------------------------------------------


def accept(place: Place, word: str, *, now: datetime) -> str:
    """Take a suggestion: a setting is changed in jarvis.toml (the old file is kept), a task is queued as yours; a pattern or a rule is yours to write.

    Raises Refused, with nothing changed, when it is gone or answered, when the setting is not what it was, or may never be changed.
    """
    with place.store.reading() as reader:
        row = find(reader, word)
    if row["state"] != "proposed":
        raise Refused(f"{_name(row)} is {row['state']} already; `jarvis improver stats` shows what became of it.")
    what = json.loads(row["change"])
    if row["kind"] in EDITS:
        edit = _edited(place, row, what, now=now)
        said = f"Accepted {_name(row)}: [{edit.section}] {edit.key} is now {toml(edit.new)} in jarvis.toml."
        return f"{said} {_measured_from(place)} Undo: jarvis improver undo {row['id']}"
    if row["kind"] in TASKS:
        task = _task(place, row, what, now=now)
        place.store.write(place.fact("improvement.accepted", at=now, improvement=row["id"], task=task))
        seen = autonomous_queue.show(place, task)
        return f"Accepted {_name(row)}: it is task {task}, which is {seen['said']}. {clean(seen['task']['why'])} {_measured_from(place, 'it is done')}".replace(
            "  ", " "
        )
    place.store.write(place.fact("improvement.accepted", at=now, improvement=row["id"]))
    shown = [f"{what['where']} {line}" for line in what["lines"]] if "lines" in what else [what["command"]]
    return "\n".join(
        [
            f"Accepted {_name(row)}. {what['by_hand']}",
            *(f"    {line}" for line in shown),
            _measured_from(place, "the line stands there" if "lines" in what else ""),
        ]
    )


def _edited(place: Place, row: Row, what: dict[str, Any], *, now: datetime) -> Edit:
    """The file first, then the fact; where the fact is refused, the line goes back. Between sessions only: one at work puts any change back."""
    with only_session(place):
        edit = editing.change(place.home, what["section"], what["key"], what["old"], what["new"], now=now)
        try:
            place.store.write(place.fact("improvement.accepted", at=now, improvement=row["id"], edit=edit.to_json()))
        except Refused as error:
            if error.code != "busy":
                editing.put_back(place.home, edit, now=now)
            raise
    return edit


def _measured_from(place: Place, begin: str = "") -> str:
    days = place.settings.get("improver", "measure_days")
    return f"It is measured over the {days} days after {begin}." if begin else f"It is measured over the next {days} days."


def _task(place: Place, row: Row, what: dict[str, Any], *, now: datetime) -> str:
    """The task of a suggestion, added once: a second try after a crash finds the first."""
    tag = f"improvement-{row['id']}"
    with place.store.reading() as reader:
        there = reader.one("self_improver.tagged", tag=tag)
    if there:
        return str(there["id"])
    made = autonomous_queue.add(
        place, what["title"], what["description"], what["hours"], what["category"], what["priority"], now=now, project="jarvis", tags=(tag,)
    )
    return made.task.id


def decline(place: Place, word: str, *, now: datetime, reason: str = "") -> str:
    """No: it does not come back within 90 days, whatever the figures. What was accepted is taken back (`undo`)."""
    with place.store.reading() as reader:
        row = find(reader, word)
    if row["state"] == "accepted":
        return undo(place, row["id"], now=now)
    place.store.write(place.fact("improvement.declined", at=now, improvement=row["id"], said=reason))
    return f"Declined {_name(row)}; it is not suggested again within 90 days."


def undo(place: Place, word: str, *, now: datetime) -> str:
    """Take back what was accepted: the line of jarvis.toml as it was, the task out of the queue if it has not run. Refused where you have changed it since."""
    with place.store.reading() as reader:
        row = find(reader, word)
    if row["state"] != "accepted":
        raise Refused(f"{_name(row)} is {row['state']}, so there is nothing to take back.")
    said = "Nothing was changed by it."
    if row["edit"]:
        with only_session(place):
            said = editing.put_back(place.home, Edit(**json.loads(row["edit"])), now=now)
    elif row["task"]:
        said = f"Its task is {row['task_state']}; take that back with: jarvis queue undo {row['task']}"
        if row["task_state"] in ("queued", "parked", "proposed"):
            said = autonomous_queue.drop(place, row["task"], now=now, reason=f"{row['id']} was taken back")
    place.store.write(place.fact("improvement.undone", at=now, improvement=row["id"], said=said))
    return f"Taken back {_name(row)}: {said.rstrip('.')}."


def apply_reverts(place: Place, *, now: datetime) -> list[str]:
    """Put back each setting whose change was measured as harmful; a line that you have changed since is left, and told. One sentence for each.

    For the session itself, which holds its lock, after its work has ended (while it works it puts any change of jarvis.toml back) and after the
    study's facts are written; safe to call again. Settings that were read before stay as they were read.
    """
    with place.store.reading() as reader:
        rows = [r for r in reader.rows("self_improver.improvements") if r["state"] == "accepted" and r["verdict"] == "harmed" and r["edit"]]
    told = []
    for row in rows:
        try:
            said = editing.put_back(place.home, Edit(**json.loads(row["edit"])), now=now)
        except Refused as error:
            if error.code != "refused":
                told.append(f"{_name(row)} has harmed and could not be put back: {error.sentence}")
                continue
            said = error.sentence
        place.store.write(place.fact("improvement.reverted", at=now, improvement=row["id"], said=said))
        told.append(f"{_name(row)} has harmed ({row['measured_said'].rstrip('.')}): {said.rstrip('.')}.")
    return told


def measure(place: Place, *, now: datetime, write: bool = True) -> list[Measured]:
    """Every accepted suggestion that is not judged yet, before against after. With `write` those whose days are over are judged for good."""
    with place.store.reading() as reader:
        rows = [r for r in reader.rows("self_improver.improvements") if r["proposed_at"] <= now]
        found = effects(reader, place, rows, now=now, seed=SEED)
        seen = look(reader, place, now=now, seed=SEED) if write and any(m.final for m in found) else None
    facts = [place.fact(kind, at=now, **data) for kind, data in (seen.facts if seen else ()) if kind == "improvement.measured"]
    if facts:
        place.store.write(*facts)
    return found


def _name(row: Row) -> str:
    return f"{row['id']} ({clean(row['title'])[:60]})"


# --- notes ---------------------------------------------------------------------------------------------------------------


def log_time(place: Place, op: str, ms: str | float, *, now: datetime) -> str:
    """Note how long an operation took. Raises Refused for what is no number of milliseconds from 0 to a day."""
    word, took = named(op, "operation"), milliseconds(ms)
    place.store.write(place.fact("op.timed", at=now, op=word, ms=took))
    limit = place.settings.get("improver", "slow_seconds")
    return f"Noted: {word} took {took / 1000:.2f} s" + (f", over the {limit:g} s of [improver] slow_seconds." if took > limit * 1000 else ".")


def log_failure(place: Place, api: str, error: str, *, now: datetime) -> str:
    """Note that something that was called has failed. Three within four weeks are a weakness."""
    word = named(api, "API")
    place.store.write(place.fact("call.failed", at=now, api=word, error=named(error, "error", 300)))
    return f"Noted: {word} failed."


def log_correction(place: Place, topic: str, text: str, *, now: datetime) -> str:
    """Note a correction of yours. Three of one topic within four weeks are a weakness; "do not auto-approve X" becomes a stricter rule to write."""
    word = named(topic, "topic")
    place.store.write(place.fact("correction.noted", at=now, topic=word, said=named(text, "correction", 300)))
    return f"Noted: {word}. Nothing changes by itself; `jarvis improver suggest` shows what would."


def log_read(place: Place, *, now: datetime) -> str:
    """Note that the person has read the morning brief."""
    place.store.write(place.fact("brief.read", at=now, kind="morning"))
    return "Noted: the brief is read."
