"""Could any coding agent do this task here? Is one switched on, and is its program there?

Promise: nothing is started; only the settings and PATH are looked at.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from jarvis_lib.model.fact import Refused
from jarvis_lib.model.prose import clean, listed, plural, shorten

NONE_ON = 'No agent is switched on; name one in jarvis.toml: [agent] order = ["claude"].'
"""Told when a task takes any agent and [agent] order is empty."""


@dataclass(frozen=True, slots=True)
class Unready:
    """Queued tasks that no agent can do as things stand, told as one question to the person."""

    tasks: tuple[str, ...]
    title: str
    what: str
    do_nothing: str
    commands: tuple[str, ...]


def unready(own: Mapping[str, Any], wanted: str = "") -> str:
    """Why no agent can do a task that asks for `wanted` (empty: the first of the order), or an empty text. `own` are the settings of [agent]."""
    names = [wanted] if wanted else list(own["order"])
    if not names:
        return NONE_ON
    reasons = [_missing(own, name) for name in names]
    return "" if not all(reasons) else reasons[0] if len(reasons) == 1 else f"No program of an agent of [agent] order ({listed(names)}) is there; install one."


def is_there(own: Mapping[str, Any], name: str) -> bool:
    """Is the program of this agent there?"""
    return not _missing(own, name)


def _missing(own: Mapping[str, Any], name: str) -> str:
    from jarvis_lib.execution.agents.registry import adapter, program  # a night without agents does without that room

    try:
        found = program(adapter(name), own["programs"].get(name, ""), template=own["custom"])
    except Refused as error:
        return error.sentence
    return "" if found else "The agent custom has no command; give it one in jarvis.toml: [agent] custom."


def waiting(rows: Sequence[Mapping[str, Any]], own: Mapping[str, Any]) -> Unready | None:
    """The queued agent tasks (`autonomous_queue.wanting_agent`) that cannot run, as one question; None when each has an agent."""
    why = {row["agent"] or "": unready(own, row["agent"] or "") for row in rows}
    stuck = [row for row in rows if why[row["agent"] or ""]]
    if not stuck:
        return None
    first, one = stuck[0], len(stuck) == 1
    title = f"{shorten(clean(first['title']), 80)} waits for a coding agent" if one else f"{plural(len(stuck), 'task')} wait for a coding agent"
    said = listed(list(dict.fromkeys(why[row["agent"] or ""].rstrip(".") for row in stuck)))
    commands = ("jarvis doctor", f"jarvis queue edit {first['id']} --command '…'")
    return Unready(tuple(row["id"] for row in stuck), title, f"{said}.", "it does not run" if one else "they do not run", commands)
