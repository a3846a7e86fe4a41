"""What does the person do on Friday? Look at the candidates, choose one, change its phases, and start it. Nothing starts by itself."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from jarvis_lib import autonomous_queue, build_scheduler
from jarvis_lib.model.book import Row
from jarvis_lib.model.fact import Refused
from jarvis_lib.model.prose import clean, listed, plural, shorten, size, spell
from jarvis_lib.model.task import Task
from jarvis_lib.model.task_row import content_of
from jarvis_lib.model.weekend import Weekend, weekend_of
from jarvis_lib.store.calendar import cuts_of
from jarvis_lib.store.place import Place
from jarvis_lib.store.store import Reader
from jarvis_lib.store.tasks import find
from jarvis_lib.weekend_planner.chances import Laid, lay_out
from jarvis_lib.weekend_planner.offering import finish_time, pieces
from jarvis_lib.weekend_planner.phases import Phase, changed, left_out_said, phase_from_json, runnable
from jarvis_lib.weekend_planner.pieces import Piece, in_order, resized

PREFIX = 3


@dataclass(frozen=True, slots=True)
class Chosen:
    """What stands after `select` or `start`: the build, its phases that run, and the sentences to read."""

    build: str
    title: str
    phases: tuple[Phase, ...]
    said: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """As JSON can hold it."""
        return {"build": self.build, "title": self.title, "phases": [p.to_json() for p in self.phases], "said": list(self.said)}


# --- select --------------------------------------------------------------------------------------------------------------


def select(
    place: Place,
    build: str,
    *,
    now: datetime,
    hours_of: Mapping[str, str] | None = None,
    commands: Mapping[str, str] | None = None,
    checks: Mapping[str, str] | None = None,
) -> Chosen:
    """Choose a candidate, with its phases changed as given. An earlier choice of this weekend that was not started gives way to it."""
    with place.store.reading() as reader:
        row = _candidate(reader, build, place, now)
        before = reader.one("weekend_planner.chosen")
    phases = tuple(phase_from_json(p) for p in json.loads(row["content"])["phases"])
    if hours_of or commands or checks:
        if len(row["tasks"]) > 1:
            raise Refused(f"The phases of {row['id']} are its tasks; change one of them instead: jarvis queue edit {row['tasks'][0]} --hours 2", code="usage")
        template = phases
        phases = changed(phases, hours_of=hours_of or {}, commands=commands or {}, checks=checks or {})
        _room_for(phases, weekend_of(place.settings.windows, place.zone, row["weekend"], now, finish_time(place)))
        phases = _with_whole_recipe(phases, template, named={clean(name).casefold() for name in hours_of or {}})
    if not any(p.runs for p in phases):
        what = f"give it a recipe (jarvis queue edit {row['tasks'][0]} --command '…'), then: jarvis weekend suggest"
        raise Refused(f"{row['id']} ({row['title'][:60]}) has nothing to run in any phase; {what}")
    place.store.write(place.fact("weekend.selected", at=now, build=row["id"], phases=[p.to_json() for p in phases]))
    kept, left = runnable(phases)
    said = [f"Chosen: {row['id']} ({row['title']}), {plural(len(kept), 'phase')}. Begin with: jarvis weekend start"]
    if before is not None and before["id"] != row["id"] and before["weekend"] == row["weekend"]:
        said.append(f"It takes the place of {before['id']} ({before['title'][:60]}), which was chosen and not started.")
    said += [left_out_said(left, row["id"])] if left else []
    return Chosen(row["id"], row["title"], kept, tuple(said))


def _with_whole_recipe(phases: Sequence[Phase], template: Sequence[Phase], *, named: set[str]) -> tuple[Phase, ...]:
    """The phase with the task's own recipe runs all of it, so it keeps the template's hours of phases in which nothing runs.

    It does not when the person has given it hours of its own, nor for a phase that the template does not have.
    """
    own = {p.name: p for p in template}
    settled = any(p.main and p.name in named for p in phases)
    return tuple(p if p.runs or p.main else _silent(p, None if settled else own.get(p.name)) for p in phases)


def _silent(phase: Phase, template: Phase | None) -> Phase:
    """A phase in which nothing runs: it has the hours that it leaves to the recipe."""
    hours = (template.hours, template.p50, template.p80) if template else (0.0, 0.0, 0.0)
    return replace(phase, hours=hours[0], p50=hours[1], p80=hours[2])


def _room_for(phases: Sequence[Phase], weekend: Weekend) -> None:
    hours = sum(p.hours for p in phases)
    if hours > weekend.whole_h:
        raise Refused(f"The phases have {hours:g} h together, and the weekend of {weekend.said()} has {weekend.whole_h:g} h of its own; give fewer.")


def _candidate(reader: Reader, text: str, place: Place, now: datetime) -> Row:
    word = clean(text).lower()
    if len(word) < PREFIX:
        raise Refused(f"{word!r} is too short for a candidate; give at least {PREFIX} characters of its id.", code="usage")
    found = reader.rows("weekend_planner.candidate", prefix=word)
    if not found:
        raise Refused(f"There is no weekend candidate {word[:20]!r}. Look at what there is: jarvis weekend suggest", code="missing")
    if len(found) > 1:
        raise Refused(f"{word!r} could be {listed([r['id'] for r in found], 'or')}; give more characters.", code="missing")
    _not_over(weekend_of(place.settings.windows, place.zone, found[0]["weekend"], now, finish_time(place)), found[0], now)
    return found[0]


def _not_over(weekend: Weekend, row: Row, now: datetime) -> None:
    if weekend.ends <= now:
        raise Refused(f"{row['id']} ({row['title'][:60]}) was for the weekend of {weekend.said()}, which is over. Look at the next: jarvis weekend suggest")


# --- start ---------------------------------------------------------------------------------------------------------------


def start(place: Place, *, now: datetime) -> Chosen:
    """Turn the chosen build's phases into tasks (or take its tasks as they are), pin them to the weekend's windows and plan.

    Nothing runs yet: the session loop works them in their windows. Interrupted, it may be said again; no phase is added twice.
    """
    with place.store.reading() as reader:
        build = reader.one("weekend_planner.chosen")
        if build is None:
            begun = reader.one("weekend_planner.newest_started", now=now)
            known = f" {begun['id']} ({begun['title'][:60]}) is started already: jarvis weekend progress." if begun else ""
            raise Refused(f"No build waits for its start.{known} Look and choose: jarvis weekend suggest", code="missing")
        bare = weekend_of(place.settings.windows, place.zone, build["weekend"], now, finish_time(place))
        weekend = weekend_of(place.settings.windows, place.zone, build["weekend"], now, finish_time(place), cuts_of(reader, bare.begins, bare.ends))
        own = {p.id: p for p in pieces(reader, place)}
    _not_over(weekend, build, now)
    _all_open(build, own)
    phases = tuple(phase_from_json(p) for p in json.loads(build["phases"]))
    notes = [note for task in build["tasks"] for note in _preflight(place, task)]
    kept, left = runnable(_with_recipes(phases, own))
    borrowed = [p.check for p in left if p.check]
    if len(build["tasks"]) == 1 and (len(kept) > 1 or borrowed or any(p.command or p.check for p in kept)):
        kept = _as_tasks(place, build, kept, borrowed, now=now)
    return _begin(place, build, weekend, kept, [*notes, *([left_out_said(left, build["id"], started=True)] if left else [])], now=now)


def _all_open(build: Row, own: Mapping[str, Piece]) -> None:
    gone = [t for t in build["tasks"] if t not in own]
    if gone:
        raise Refused(f"{build['id']} ({build['title'][:60]}) cannot start: {listed(gone)} is not open any more. Look again: jarvis weekend suggest")


def _with_recipes(phases: Sequence[Phase], own: Mapping[str, Piece]) -> tuple[Phase, ...]:
    """The phases as their tasks stand now: a recipe may have come since the choice."""
    return tuple(replace(p, runs=own[p.task].has_recipe or bool(p.command)) if p.task in own else p for p in phases)


def _preflight(place: Place, task: str) -> list[str]:
    """Would its recipe, its checks and its parameters still be taken today? What would not is said before the weekend, not after."""
    from jarvis_lib.execution import draft

    row = autonomous_queue.show(place, task)["task"]
    with place.store.reading() as reader:
        content = content_of(find(reader, row["id"]))
    try:
        draft.revise(place.home, place.settings, content)
    except Refused as error:
        return [f"It would fail as it stands: {row['id']} ({row['title'][:60]}): {error.sentence}"]
    return []


def _as_tasks(place: Place, build: Row, phases: Sequence[Phase], borrowed: Sequence[str], *, now: datetime) -> tuple[Phase, ...]:
    """Each phase as a task, one after the other; the main one is the task that was chosen, with the hours that are left to it.

    `borrowed` are the checks of phases that run nothing: the main phase has to pass them.
    """
    with place.store.reading() as reader:
        original = content_of(find(reader, build["tasks"][0]))
    done: list[Phase] = []
    before: list[str] = list(original.after)
    for phase in phases:
        if phase.main:
            changes: dict[str, Any] = {"command": phase.command} if phase.command else {}
            more = [c for c in dict.fromkeys([phase.check, *borrowed]) if c]
            if more:
                changes["checks"] = list(dict.fromkeys([*(c.command for c in original.checks), *more]))
            autonomous_queue.edit(place, original.id, now=now, after=before, hours=phase.hours, **changes)
            done.append(replace(phase, task=original.id))
        else:
            done.append(replace(phase, task=_phase_task(place, build, phase, original, before, now=now)))
        before = [done[-1].task]
    return tuple(done)


def _phase_task(place: Place, build: Row, phase: Phase, original: Task, after: Sequence[str], *, now: datetime) -> str:
    title, tag = f"{phase.name}: {shorten(original.title, 120)}", f"weekend {build['id']}"
    with place.store.reading() as reader:
        there = reader.one("weekend_planner.phase_task", title=title, tag=tag)
    if there is not None:
        return str(there["id"])
    added = autonomous_queue.add(
        place,
        title,
        f"The phase {phase.name!r} of {original.id}, for the weekend of {build['weekend']}.",
        phase.hours,
        original.category,
        original.priority,
        now=now,
        command=phase.command,
        checks=[phase.check] if phase.check else [],
        after=after,
        due=original.due,
        project=original.project,
        tags=[*original.tags, tag],
    )
    return added.task.id


def _begin(place: Place, build: Row, weekend: Weekend, phases: Sequence[Phase], notes: Sequence[str], *, now: datetime) -> Chosen:
    ids = {p.task: p for p in phases}
    with place.store.reading() as reader:
        own = [p for p in pieces(reader, place) if p.id in ids]
    table = {p.id: p for p in resized(own, ids)}
    order = in_order(table, table)
    laid = lay_out([table[i].work() for i in order], weekend, lanes=place.settings.get("night", "lanes"), now=now)
    data = [_phase_data(ids[i], laid[i].window if i in laid else "") for i in order]
    place.store.write(place.fact("weekend.started", at=now, build=build["id"], phases=data))
    build_scheduler.make_plan(place, now=now)
    said = _started_said(place, build, weekend, [(ids[i], laid.get(i)) for i in order], notes)
    return Chosen(build["id"], build["title"], tuple(ids[i] for i in order), tuple(said))


def _phase_data(phase: Phase, window: str) -> dict[str, Any]:
    return {"name": phase.name, "task": phase.task, "hours": phase.hours, "p50": phase.p50, "p80": phase.p80, "window": window}


def _started_said(place: Place, build: Row, weekend: Weekend, phases: Sequence[tuple[Phase, Laid | None]], notes: Sequence[str]) -> list[str]:
    """What will run and when, what waits for the person, and the room on the disk."""
    import shutil

    with place.store.reading() as reader:
        slots = {(r["task"], r["window"]): r for r in reversed(reader.rows("weekend_planner.slots", tasks=[p.task for p, _ in phases]))}
        rows = {r["task"]: r for r in reader.rows("weekend_planner.phases", build=build["id"], now=weekend.ends)}
    said = [f"Started: {build['id']} ({build['title']}), {plural(len(phases), 'phase')}. Nothing runs before the weekend's windows."]
    for phase, spot in phases:
        when = "  no room for it in the weekend's windows"
        if spot is not None:
            slot = slots.get((phase.task, spot.window))
            start, end = (slot["start"], slot["end"]) if slot else (spot.start, spot.end)
            when = f"  {start.astimezone(place.zone):%a %d %b %H:%M} to {end.astimezone(place.zone):%H:%M}"
        row = rows[phase.task]
        why = f": {clean(row['why'])}" if row["state"] in ("parked", "proposed") and row["why"] else ""
        said.append(f"{when}  {phase.task}  {phase.name} ({spell(phase.hours)}){why}")
    return [*said, *notes, f"{size(shutil.disk_usage(place.home).free)} are free on the disk. Follow it with: jarvis weekend progress"]
