"""Is there anything to say now? Context, what is due, what needs the person, quick wins while they have time, and suggestions, in one reading of the store.

Promise: it only reads, and it is cheap enough to be asked every few minutes. Where the person is not to be disturbed (a context whose `notify` is off),
or nothing is due, asked or offered, the answer is HEARTBEAT_OK.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import Any

from jarvis_lib import build_scheduler, context_scheduler
from jarvis_lib.model.context import QUICK_H
from jarvis_lib.model.prose import clean, hours, plural, shorten
from jarvis_lib.model.window import DAYS
from jarvis_lib.store.place import Place

OK = "HEARTBEAT_OK"
SOON = timedelta(hours=24)
SHOWN = 3
_FREE = ("available", "weekend", "holiday")
"""Contexts in which the person has time for something small."""


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """What holds now. `ok` means that there is nothing to say; `quiet` that the person is not to be disturbed whatever there is."""

    ok: bool
    quiet: bool
    as_of: datetime
    context: str
    confidence: float
    until: datetime
    due: tuple[Mapping[str, Any], ...]
    needs_you: int
    needs: tuple[Mapping[str, Any], ...]
    quick_wins: tuple[Mapping[str, Any], ...]
    suggestions: tuple[Mapping[str, Any], ...]
    running: int


def heartbeat(place: Place, *, now: datetime) -> Heartbeat:
    """What there is to say at `now`."""
    with place.store.reading() as reader:
        context = context_scheduler.context_of(reader, place.settings, place.zone, now=now)
        due = reader.rows("doors.due", until=now + SOON)
        waiting = reader.rows("doors.waiting", now=now)
        asked = reader.rows("doors.asked", now=now)
        running = len(reader.rows("autonomous_queue.running"))
        free = context.state in _FREE
        choices = build_scheduler.next_of(reader, place.settings, place.zone, now=now, count=2 * SHOWN).chosen if free else ()
    quiet = not context.allows.notify
    wins = [{"task": c.task, "title": c.title, "hours": c.hours, "why": c.sentence} for c in choices if c.hours <= QUICK_H][:SHOWN]
    return Heartbeat(
        ok=quiet or not (due or waiting or wins or asked),
        quiet=quiet,
        as_of=now,
        context=context.state,
        confidence=context.confidence,
        until=context.until,
        due=tuple({"task": r["id"], "title": r["title"], "state": r["state"], "due": r["due"], "late": r["due"] < now} for r in due),
        needs_you=len(waiting),
        needs=tuple({"task": r["id"], "title": r["title"], "why": r["why"] or r["state"]} for r in waiting[:SHOWN]),
        quick_wins=tuple(wins),
        suggestions=tuple({"kind": r["kind"], "id": r["id"], "title": r["title"], "said": r["said"]} for r in asked[:SHOWN]),
        running=running,
    )


def lines(found: Heartbeat, *, zone: tzinfo) -> list[str]:
    """The heartbeat as an agent or a person reads it. Titles stand in quotes, since others wrote them."""
    if found.ok:
        return [OK]
    said = [f"{found.context} until {_local(found.until, zone)}{', ' + plural(found.running, 'task') + ' running' if found.running else ''}."]
    said += [f"{'LATE' if d['late'] else 'Due'} {_local(d['due'], zone)}: {d['task']} {_quoted(d['title'])} ({d['state']})" for d in found.due]
    said += [f"Needs you: {n['task']} {_quoted(n['title'])}: {shorten(clean(n['why']), 160)}" for n in found.needs]
    if found.needs_you > len(found.needs):
        said.append(f"{found.needs_you - len(found.needs)} more need you: jarvis inbox")
    said += [f"Quick win: {w['task']} {_quoted(w['title'])} ({hours(w['hours'])})" for w in found.quick_wins]
    return said + [f"Suggestion ({s['kind']}): {_quoted(s['title'])}" for s in found.suggestions]


def _quoted(title: str) -> str:
    return f'"{shorten(clean(title), 100)}"'


def _local(at: datetime, zone: tzinfo) -> str:
    local = at.astimezone(zone)
    return f"{DAYS[local.weekday()]} {local:%H:%M}"
