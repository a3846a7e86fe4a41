"""What holds the attempts of this session? The sandbox is tried by a canary before anything runs, and what it does not hold is not believed.

Promise: agents and what nobody asked for by hand run strictly sandboxed or not at all; the person's own commands and notebooks run at the best
level that held, which is named. A level that falls is told, never taken in silence.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from jarvis_lib.execution.sandbox import canary, levels
from jarvis_lib.model.prose import listed
from jarvis_lib.model.settings import Settings
from jarvis_lib.model.task import Task
from jarvis_lib.store.place import Place

OWN = ("person", "notebook")
"""Whose work is the person's own: typed by them, or written in a cell of a kernel that has all their rights anyway, and then approved by them."""


@dataclass(frozen=True, slots=True)
class Held:
    """`own`: the level for the person's own work. `strict`: did the strict sandbox hold the canary? `said` names it all; `warning` is for the brief."""

    own: str
    strict: bool
    said: str
    warning: str = ""


NOTHING_TRIED = Held("none", False, "a clean environment and limits; no sandbox was tried")
"""For a loop without a session of its own: nothing is believed to hold."""


def look(place: Place, *, now: datetime) -> Held:
    """Try the sandbox with a canary, at the level that would be used, and go down until one holds."""
    machine = levels.machine()
    wanted = place.settings.get("sandbox", "own")
    strict, why_not = _strict(place, machine)
    own = levels.resolve(wanted, machine)
    told = [] if strict else [f"The strict sandbox does not hold here ({why_not}), so no agents and no proposals are run."]
    while own != "none":
        tried = strict if own == "strict" else canary.escape(place.home / "data" / "canary", own, home=place.home).held
        if tried:
            break
        lower = levels.LEVELS[levels.LEVELS.index(own) - 1]
        told.append(f"Your own commands and notebooks were to run at the level {own}, which a canary escaped from; they run at {lower}.")
        own = lower
    if wanted not in ("best", own) and not told:
        told.append(f"[sandbox] own asks for {wanted}, but this machine has {own}: your own commands and notebooks run at {own}.")
    return Held(own, strict, levels.said(own, machine), " ".join(told))


def _strict(place: Place, machine: levels.Machine) -> tuple[bool, str]:
    if levels.resolve("strict", machine) != "strict":
        return False, levels.why_not(machine, "strict")
    found = canary.escape(place.home / "data" / "canary", "strict", home=place.home)
    return found.held, "" if found.held else found.said


def keeps_out(held: Held, task: Task, actor: str) -> str:
    """Why this task may not run under what holds here, or an empty string."""
    if held.strict or not needs_strict(task, actor):
        return ""
    what = "An agent" if task.recipe is not None and task.recipe.kind == "agent" else "What was proposed rather than asked for"
    return f"{what} runs strictly sandboxed or not at all, and the sandbox does not hold here: jarvis doctor."


def needs_strict(task: Task, actor: str) -> bool:
    """Is it an agent, or did it come from a pattern, a problem, an agent or the improver rather than from the person (or a cell of theirs)?"""
    return (task.recipe is not None and task.recipe.kind == "agent") or not actor.startswith(OWN)


def holding(held: Held, task: Task, actor: str, settings: Settings) -> dict[str, Any]:
    """The part of a spec that says how what runs is held."""
    own = settings.values["sandbox"]
    agent = task.recipe is not None and task.recipe.kind == "agent"
    reach = settings.get("agent", "network") if agent else "none"
    return {
        "level": "strict" if needs_strict(task, actor) else held.own,
        "own": not (agent or task.repo) and actor.startswith(OWN),
        "network": "all" if task.network else reach,
        "hosts": list(settings.get("agent", "hosts")) if reach == "hosts" and not task.network else [],
        "readable": list(own["readable"]),
        "secrets_file": settings.get("secrets", "file"),
        "keyring": settings.get("secrets", "keyring"),
    }


def grants(task: Task, spec: Mapping[str, Any]) -> list[dict[str, str]]:
    """The rows of what this attempt was granted beyond its own place, each with who granted it."""
    found = []
    if spec["network"] == "all":
        why = "the task was added with --network" if task.network else '[agent] network = "all" in jarvis.toml'
        found.append({"what": "network", "why": why})
    elif spec["network"] == "hosts":
        found.append({"what": f"network: {listed(spec['hosts'])}", "why": '[agent] network = "hosts" in jarvis.toml'})
    found += [{"what": f"secret {name}", "why": "the task was added with --secret"} for name in task.secrets]
    return found + [{"what": f"read {path}", "why": "[sandbox] readable in jarvis.toml"} for path in spec["readable"]]
