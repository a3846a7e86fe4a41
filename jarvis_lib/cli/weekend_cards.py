"""How is a weekend told on a terminal? Candidates with their reasons, the phases of a choice, and bars of what is done."""

from collections.abc import Sequence
from datetime import tzinfo
from typing import TYPE_CHECKING

import click

from jarvis_lib.cli.cards import indented
from jarvis_lib.cli.render import local
from jarvis_lib.model.prose import chance, clean, listed, plural, spell

if TYPE_CHECKING:
    from jarvis_lib.weekend_planner.choosing import Chosen
    from jarvis_lib.weekend_planner.following import BuildState, Progress
    from jarvis_lib.weekend_planner.offering import Suggestion
    from jarvis_lib.weekend_planner.phases import Phase

BAR = 24
SIGNS = {"done": "✓", "running": "…", "to do": "·", "needs you": "?", "failed": "✗"}


def suggestion_lines(made: "Suggestion", *, zone: tzinfo) -> list[str]:
    """Each candidate: hours, chance, why now, its phases, what it needs and until when."""
    lines = [made.said]
    by = local(made.weekend.finish_by, zone)
    for c in made.candidates:
        lines += ["", click.style(f"{c.id}  {clean(c.title)}", bold=True)]
        lines += indented(f"{spell(c.p50)}, at most {spell(c.p80)} in 8 of 10 cases; {chance(c.chance)} that it is done by {by}. {c.hours_from}")
        lines += indented(f"Why now: {'; '.join(c.why)}.")
        lines += indented(f"Phases: {_phases(c.phases)}.")
        if c.needs and c.needs_by:
            lines += indented(f"Needs you before {local(c.needs_by, zone)} ({plural(len(c.needs), 'thing')}):")
            lines += [f"        {clean(n.what)}: {clean(n.command)}" for n in c.needs]
        else:
            lines += indented("Needs nothing from you but the choice.")
    return lines


def _phases(phases: Sequence["Phase"]) -> str:
    """What runs; and what of a template would only run with something to run."""
    from jarvis_lib.weekend_planner.phases import runnable

    kept, left = runnable(phases)
    more = f"; {listed([p.name for p in left])} only if you give {'it' if len(left) == 1 else 'them'} something to run" if left else ""
    return listed([f"{clean(p.name)} ({spell(p.hours)}{'' if p.runs else ', no recipe yet'})" for p in kept]) + more


def chosen_lines(made: "Chosen") -> list[str]:
    """The choice, and the phases that will run."""
    lines = [made.said[0]]
    for n, p in enumerate(made.phases, 1):
        runs = f", runs {clean(p.command)}" if p.command else "" if p.main else ", nothing to run"
        lines.append(f"  {n}. {clean(p.name)}: {spell(p.hours)}{runs}{f', check {clean(p.check)}' if p.check else ''}")
    return [*lines, *made.said[1:]]


def progress_lines(found: "Progress") -> list[str]:
    """Each build with its bar, its chance and its phases."""
    lines = [found.said]
    for b in found.builds:
        lines += ["", click.style(f"{b.build}  {clean(b.title)}", bold=True), f"  {bar(b)}  {b.track}", *indented(b.said)]
        for p in b.phases:
            took = f"{spell(p.real_h)} of {spell(p.hours)}" if p.real_h else f"{spell(p.hours)} planned"
            lines.append(f"  {SIGNS[p.standing]} {p.n}. {clean(p.name)} ({took}), {p.standing}: {clean(p.said)}. [{p.task}]".replace("..", "."))
    return lines


def bar(b: "BuildState") -> str:
    """`[########----------------]  3.0 of 9.0 h`."""
    full = round(BAR * b.hours_done / b.hours_planned) if b.hours_planned else 0
    return f"[{'#' * full}{'-' * (BAR - full)}]  {spell(b.hours_done) if b.hours_done else '0'} of {spell(b.hours_planned)}"
