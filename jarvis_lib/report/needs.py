"""What must the person decide, what happens if they do nothing, and what do they type?"""

import json
import shlex
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from jarvis_lib.model.prose import clean, lasting, listed, shorten
from jarvis_lib.model.risk import FLAP_SPAN
from jarvis_lib.model.settings import Settings
from jarvis_lib.model.starting import would_start
from jarvis_lib.model.task_row import content_of
from jarvis_lib.report.clock import when
from jarvis_lib.report.mending import asked_cards
from jarvis_lib.report.parts import Card
from jarvis_lib.store.store import Reader

Row = dict[str, Any]
MOST = 5
DRAFT = 900
SENT_OUT = ("External actions", "API integrations")

_DO_NOTHING = {
    "escalated": "it never runs",
    "approval": "it does not run",
    "no_recipe": "it cannot run",
    "question": "it stays where it is and is not tried again",
    "deaths": "it is not started a third time",
    "dependency": "it waits for the task before it",
    "review": "it stays unverified and does not count as shipped",
    "failed": "it stays failed and is not tried again",
    "proposed": "it is dropped 7 days after it was proposed",
}


def cards(waiting: Sequence[Row], refused: Sequence[Row], *, now: datetime, zone: ZoneInfo) -> list[Card]:
    """All that waits for the person, in the order given: harm first, then due, then review, then proposals; refusals last."""
    return [_card(row, now, zone) for row in waiting] + [_refusal(row, now, zone) for row in refused]


def open_cards(reader: Reader, settings: Settings, *, now: datetime, zone: ZoneInfo) -> list[Card]:
    """All that the inbox asks as well: agents that are not there, tasks, fixes, routines that could be ready before they are needed."""
    tasks = cards(reader.rows("report.waiting", now=now), [], now=now, zone=zone)
    return agent_cards(reader, settings, now=now) + tasks + other_cards(reader, now=now, zone=zone)


def agent_cards(reader: Reader, settings: Settings, *, now: datetime) -> list[Card]:
    """One card for all queued tasks of coding agents that are not switched on or not there."""
    rows = reader.rows("autonomous_queue.wanting_agent", now=now)
    if not rows:
        return []
    from jarvis_lib.execution.agent_ready import waiting

    stuck = waiting(rows, settings.values["agent"])
    if stuck is None:
        return []
    return [Card(stuck.title, "agent", shorten(stuck.what, 200), f"Queued: {listed(stuck.tasks[:3])}.", stuck.do_nothing, stuck.commands)]


def other_cards(reader: Reader, *, now: datetime, zone: ZoneInfo) -> list[Card]:
    """The questions that are about no task: fixes that wait for a word, and what a routine would have ready."""
    past = reader.rows("problem_predictor.histories", since=now - FLAP_SPAN)
    fixes = asked_cards(reader.rows("report.open_problems", now=now), past, now=now, zone=zone)
    return fixes + [_offer(row, now, zone) for row in reader.rows("autonomous_queue.offers", now=now)]


def _offer(row: Row, now: datetime, zone: ZoneInfo) -> Card:
    return Card(
        title=shorten(clean(row["title"]), 120),
        kind="offer",
        what="Shall it be ready before you need it?",
        evidence=shorten(f"{clean(row['said'])} Needed {when(row['need_at'], zone, now=now)}.", 200),
        do_nothing="it is not made ready",
        commands=(f"jarvis patterns enable {row['pattern']} --recipe NOTEBOOK", f"jarvis patterns dismiss {row['pattern']}"),
    )


def kind_of(row: Row) -> str:
    """Why it waits: escalated, approval, no_recipe, question, deaths, dependency, review, failed (with a due date) or proposed."""
    return str(row["state"] if row["state"] in ("review", "proposed", "failed") else row["parked_kind"])


def _card(row: Row, now: datetime, zone: ZoneInfo) -> Card:
    kind = kind_of(row)
    due = f" It is due {when(row['due'], zone, now=now)}." if row["due"] else ""
    return Card(
        title=shorten(clean(row["title"]), 120),
        kind=kind,
        what=shorten(_what(row, kind), 320 if kind == "proposed" else 200),
        evidence=f"{row['category']}, {row['priority']}, {lasting(row['hours'])}, added {when(row['added_at'], zone, now=now)}.{due}",
        do_nothing=f"{_DO_NOTHING.get(kind, 'it waits')}{_until_due(row, kind, now, zone)}",
        commands=tuple(commands(row["id"], kind)),
        draft=draft(row) if row["category"] in SENT_OUT else "",
    )


def draft(row: Row) -> str:
    """What an external action would do, as far as it is written down: its words, what it starts, and the values that it hands on."""
    recipe = json.loads(row["content"]).get("recipe") or {}
    starts = shlex.join(recipe.get("argv") or ()) or str(recipe.get("shell") or recipe.get("notebook") or "")
    values = ", ".join(f"{name} = {value!r}" for name, value in (recipe.get("parameters") or {}).items())
    pieces = [clean(str(row["description"] or "")), f"It starts: {clean(starts)}." if starts else "", f"With {clean(values)}." if values else ""]
    return shorten(" ".join(p for p in pieces if p), DRAFT)


def _whole(sentence: str) -> str:
    """With its full stop, because another sentence follows."""
    return sentence if sentence[-1:] in ".!?…" else f"{sentence}."


def _what(row: Row, kind: str) -> str:
    """The question in one sentence; the commands that the stored sentence may end with stand below it anyway."""
    if kind == "proposed":
        return ". ".join(filter(None, (f"Proposed by {clean(row['actor'])}", would_start(content_of(row)), clean("; ".join(row["reasons"] or [])))))
    if kind in ("review", "failed"):
        return _whole(clean(row["verdict_why"] or row["why"] or "It ended without proof."))
    if kind == "no_recipe":
        return "It has no recipe, so there is nothing to run."
    why = clean(row["why"] or "It waits for you.")
    if kind != "approval":
        return why
    named = f"{row['category']} needs your yes"
    asked = why.removeprefix("Waits for your approval: ").replace(named, f"“{row['category']}” needs your yes")
    return f"{asked[:1].upper()}{asked[1:]}"


def _until_due(row: Row, kind: str, now: datetime, zone: ZoneInfo) -> str:
    if not row["due"] or kind == "escalated":
        return ""
    return f", and it {'was' if row['due'] < now else 'is'} due {when(row['due'], zone, now=now)}"


def commands(task: str, kind: str) -> list[str]:
    """The lines to copy: yes, a look or a change, no."""
    if kind == "review":
        return [f"jarvis queue accept {task}", f"jarvis queue retry {task}", f"jarvis queue drop {task}"]
    if kind == "failed":
        return [f"jarvis queue retry {task}", f"jarvis why {task}", f"jarvis queue drop {task}"]
    if kind == "no_recipe":
        return [f"jarvis queue edit {task} --command '…'", f"jarvis queue decline {task}"]
    if kind == "dependency":
        return [f"jarvis show {task}", f"jarvis queue edit {task} --no-after", f"jarvis queue decline {task}"]
    if kind == "question":
        return [f"jarvis queue edit {task} --description '…'", f"jarvis queue approve {task}", f"jarvis queue decline {task}"]
    return [f"jarvis queue approve {task}", f"jarvis why {task}", f"jarvis queue decline {task}"]


def _refusal(row: Row, now: datetime, zone: ZoneInfo) -> Card:
    return Card(
        title=shorten(clean(row["title"] or row["kind"]), 120),
        kind="refused",
        what=shorten(clean(row["sentence"]), 200),
        evidence=f"Added {when(row['at'], zone, now=now)}, refused when it was read.",
        do_nothing="it is not in the queue",
        commands=(),
    )
