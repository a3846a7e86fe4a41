"""How is a plan told on a terminal? Windows with load bars, slots with their reasons, a night's timeline, and what a new plan would change."""

from collections.abc import Mapping, Sequence
from datetime import datetime, tzinfo
from typing import Any

import click

from jarvis_lib.cli.cards import indented
from jarvis_lib.cli.render import local
from jarvis_lib.model.prose import chance as chance_of
from jarvis_lib.model.prose import clean, hours, plural

BAR = 10
MOST = 8
"""So many that have no place are told to a person; a pipe and JSON get all."""


def view_lines(view: Any, *, zone: tzinfo) -> list[str]:
    """The plan window by window, each with its load; then what was left out."""
    lines = [view.said]
    heads = [_window(w, zone) for w in view.windows]
    wide = max(map(len, heads), default=0)
    for window, head in zip(view.windows, heads, strict=True):
        own = [s for s in view.slots if s["window"] == window["key"] and window["start"] <= s["start"] < window["end"]]
        line = f"{head:<{wide}}  {load(window)}"
        lines += ["", click.style(line, bold=True), *(line for s in own for line in _slot(s, zone)), ""] if own else [line]
    for head, reserve in (("Reserves, taken when time is left", True), ("Not planned", False)):
        left = [o for o in view.omissions if o["reserve"] is reserve]
        lines += [*([""] if left else []), *([click.style(head, bold=True)] if left else [])]
        for o in left[:MOST]:
            lines += [f"  {o['task']}  {clean(o['title'])} ({hours(o['hours'])}, {o['priority']})", *indented(o["sentence"])]
        lines += _rest(len(left))
    return _single_blanks(lines)


def _rest(count: int) -> list[str]:
    return [f"  and {count - MOST} more: jarvis scheduler plan --json"] if count > MOST else []


def _single_blanks(lines: Sequence[str]) -> list[str]:
    kept = [line for n, line in enumerate(lines) if line or (n and lines[n - 1])]
    return kept[:-1] if kept and not kept[-1] else kept


def _window(window: Mapping[str, Any], zone: tzinfo) -> str:
    return f"{window['said'].split(' ' + local(window['start'], zone))[0]} {local(window['start'], zone)}"


def load(window: Mapping[str, Any]) -> str:
    """`######---- 3 h 40 of 6 h`, with the hours of tasks side by side, and the probability that all of it is done in time."""
    from jarvis_lib.build_scheduler.reasons import span

    share = min(window["booked"] / window["lane_hours"], 1.0) if window["lane_hours"] else 0.0
    filled = max(round(share * BAR), 1 if window["booked"] > 0 else 0)
    done = window.get("done")
    chance = f"; {chance_of(done)} that all are done" if done is not None else ""
    return f"{'#' * filled}{'-' * (BAR - filled)} {span(window['booked'])} of {span(window['lane_hours'], down=True)}{chance}"


def _slot(slot: Mapping[str, Any], zone: tzinfo) -> list[str]:
    part = f", part {slot['part']} of {slot['parts']}" if slot["parts"] > 1 else ""
    when = f"{local(slot['start'], zone)} to {slot['end'].astimezone(zone):%H:%M}"
    head = f"  {when}  {slot['task']}  {clean(slot['title'])} ({hours(slot['hours'])}, {slot['priority']}{part})"
    return [head, *(indented(slot["sentence"]) if slot["part"] == 1 else [])]


def change_lines(changes: Sequence[Any], *, zone: tzinfo) -> list[str]:
    """What a plan from nothing would change: moved, added and removed, with old and new times."""
    counted = {what: sum(c.what == what for c in changes) for what in ("moved", "added", "removed")}
    lines = [f"A plan from nothing: {', '.join(f'{count} {what}' for what, count in counted.items() if count)}."]
    for c in changes:
        lines += [f"  {c.what:<8} {_old_new(c.old, c.new, zone)}  {c.task}  {clean(c.title)}", *indented(c.sentence)]
    return lines


def _old_new(old: datetime | None, new: datetime | None, zone: tzinfo) -> str:
    if old and new:
        return f"{local(old, zone)} -> {local(new, zone)}"
    return f"to {local(new, zone)}" if new else f"from {local(old, zone)}" if old else ""


def night_lines(night: Any, *, zone: tzinfo) -> list[str]:
    """The night's timeline with its probable ends, what does not fit, and how to change it."""
    lines = [night.said]
    for t in night.tasks:
        pinned = ", pinned" if t.pinned else ""
        lines += [f"  {t.start.astimezone(zone):%H:%M}  {t.task}  {clean(t.title)}{pinned}", *indented(f"{_ends(t, zone)}. {t.sentence}")]
    if night.not_fitting:
        lines += ["", "Will not fit:"]
    for o in night.not_fitting[:MOST]:
        lines += [f"  {o.task}  {clean(o.title)}", *indented(o.sentence)]
    lines += _rest(len(night.not_fitting))
    lines += ["", clean(night.earlier_said)] if night.earlier_said else []
    lines += ["", f"{plural(night.later, 'more task has', 'more tasks have')} places after it: jarvis scheduler plan"] if night.later else []
    if night.tasks:
        lines += ["", "To change it before it starts:", *(f"  $ {line}" for line in night.commands)]
    return lines


def _ends(task: Any, zone: tzinfo) -> str:
    """`Done by 00:31 in half of such nights, by 00:50 in 8 of 10; 96% this night`."""
    half, most = (f"{at.astimezone(zone):%H:%M}" if at else None for at in (task.p50_end, task.p80_end))
    if half is None:
        return f"Done this night: {chance_of(task.done)}"
    return f"Done by {half} in half of such nights{f', by {most} in 8 of 10' if most else ''}; this night: {chance_of(task.done)}"
