"""How is a chosen build divided, and what does each phase really run? A phase with nothing to run is left out and said so, never played.

The members of a group are its phases as they are. A single task is divided by the template of its category: its largest phase runs the
task's own recipe, and any other only what the person gives it. The hours of phases that run nothing stay with the largest one.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from jarvis_lib.model.fact import Refused
from jarvis_lib.model.phase import NAME_LIMIT, PhaseTemplate, main_of
from jarvis_lib.model.prose import clean, hint, listed
from jarvis_lib.model.task import estimate

_HOURS = re.compile(r"(?P<value>\d+(?:\.\d+)?)\s*(?P<unit>h|m|min|%)?")


@dataclass(frozen=True, slots=True)
class Phase:
    """One phase. `task` is the task that does it (empty for one that `start` would add); `runs` is false when there is nothing to run."""

    name: str
    hours: float
    p50: float
    p80: float
    task: str = ""
    command: str = ""
    check: str = ""
    main: bool = False
    runs: bool = True

    def to_json(self) -> dict[str, Any]:
        """As a fact keeps it."""
        return asdict(self)


def phase_from_json(raw: Mapping[str, Any]) -> Phase:
    """The phase that `Phase.to_json` wrote."""
    return Phase(**raw)


def divided(template: Sequence[PhaseTemplate], *, task: str, hours: float, p50: float, p80: float, has_recipe: bool) -> tuple[Phase, ...]:
    """The phases of a single task as its category's template says, none of them with a command yet."""
    main = main_of(template)
    found = []
    for t in template:
        own = t.name == main
        found.append(Phase(t.name, hours * t.share, p50 * t.share, p80 * t.share, task if own else "", "", t.check, own, own and has_recipe))
    return tuple(found)


def changed(phases: Sequence[Phase], *, hours_of: Mapping[str, str], commands: Mapping[str, str], checks: Mapping[str, str]) -> tuple[Phase, ...]:
    """The phases as the person wants them. Hours of 0 take a phase out, an unknown name adds one; a command or check needs a phase."""
    whole = sum(p.hours for p in phases)
    found = {p.name: p for p in phases}
    for given, text in hours_of.items():
        name, value = _name(given), _hours(text, whole)
        if value <= 0 and name in found:
            if found[name].main:
                raise Refused(f"The phase {name!r} runs the task's own recipe, so it cannot be left out.", code="usage")
            del found[name]
            continue
        found[name] = _sized(found.get(name) or Phase(name, 0, 0, 0, runs=False), estimate(value), phases)
    for given, line in commands.items():
        name = _known(given, found)
        found[name] = replace(found[name], command=clean(line), runs=True)
    for given, line in checks.items():
        name = _known(given, found)
        found[name] = replace(found[name], check=clean(line))
    return tuple(found.values())


def _sized(phase: Phase, value: float, all_of: Sequence[Phase]) -> Phase:
    """The phase with other hours; its p50 and p80 keep their ratio to the hours."""
    like = phase if phase.hours else max(all_of, key=lambda p: p.hours)
    return replace(phase, hours=value, p50=value * like.p50 / like.hours, p80=value * like.p80 / like.hours)


def runnable(phases: Sequence[Phase]) -> tuple[tuple[Phase, ...], tuple[Phase, ...]]:
    """(what will run, what is left out). The hours of what is left out go to the largest phase."""
    kept = [p for p in phases if p.runs or p.main]
    left = [p for p in phases if not (p.runs or p.main)]
    extra = sum(p.hours for p in left)
    return tuple(_sized(p, p.hours + extra, phases) if p.main and extra else p for p in kept), tuple(left)


def left_out_said(left: Sequence[Phase], build: str, *, started: bool = False) -> str:
    """Why some phases of the template do not run, how they would, and what becomes of their checks."""
    names = listed([p.name for p in left])
    them = "it" if len(left) == 1 else "them"
    checked = [p.name for p in left if p.check]
    proof = f" The check of {listed(checked)} counts for the phase that runs." if checked else ""
    if started:
        return f"Nothing runs in {names}, so {'it was' if len(left) == 1 else 'they were'} left out.{proof}"
    return (
        f"Nothing runs in {names}, so {'it is' if len(left) == 1 else 'they are'} left out; before the start you may give {them} a command: "
        f"jarvis weekend select {build} --phase-command {left[0].name}='…'.{proof}"
    )


def _name(text: str) -> str:
    name = clean(text).casefold()
    if not name or len(name) > NAME_LIMIT:
        raise Refused(f"The name of a phase is 1 to {NAME_LIMIT} characters long, not {len(name)}.", code="usage")
    return name


def _known(text: str, found: Mapping[str, Phase]) -> str:
    name = _name(text)
    if name not in found:
        raise Refused(f"There is no phase {name!r}.{hint(name, found)} Phases: {', '.join(found)}. A new one needs hours: --phase '{name}=2h'.", code="usage")
    return name


def _hours(text: str, whole: float) -> float:
    found = _HOURS.fullmatch(clean(text).casefold())
    if found is None:
        raise Refused(f"{clean(text)[:40]!r} are no hours; write 6h, 90m or 20%.", code="usage")
    value = float(found["value"])
    return value * {"%": whole / 100, "m": 1 / 60, "min": 1 / 60}.get(found["unit"] or "h", 1.0)
