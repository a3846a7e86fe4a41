"""How does a notebook make the plan? From a read-only snapshot, as a study: the fact that the session will write, and the plan's rows to look at."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

from jarvis_lib.build_scheduler import estimates, verbs
from jarvis_lib.model.fact import moment, stamp
from jarvis_lib.model.plan import Candidate, Plan, plan_from_json
from jarvis_lib.model.prose import plural
from jarvis_lib.model.study import Study
from jarvis_lib.model.window import Window
from jarvis_lib.store.place import Place
from jarvis_lib.store.store import Reader

COMPONENT = "build_scheduler"


def study(reader: Reader, place: Place, *, now: datetime, seed: int, windows: Sequence[dict[str, Any]] = (), session: str = "") -> Study:
    """The newest plan repaired for `now` from learned hours, as the fact `plan.made` and as rows. Nothing is written.

    `windows` are those of a session (`windows_to_json`); without them the plan is laid into those of the settings.
    """
    lanes = place.settings.get("night", "lanes")
    moved, luck = estimates.moved_of(reader, lanes=lanes, seed=seed)
    own = windows_from_json(windows) or None
    drawn = verbs.sketch(reader, place.settings, place.zone, now=now, windows=own, forecasts=moved)
    data = verbs.plan_data(reader, place.settings, drawn, now=now, seed=seed, session=session or None, forecasts=moved, luck=luck)
    said = f"{plural(len(drawn.plan.slots), 'slot')}, {plural(len(drawn.plan.omissions), 'task')} left out, hours of {plural(len(moved), 'task')} learned anew"
    return Study(COMPONENT, now, seed, said, (("plan.made", data),), {"plan": _rows(drawn), "finish": data["finish"]})


def _rows(drawn: verbs.Sketch) -> list[dict[str, Any]]:
    """What `plan_rows` will tell of this plan once it is written."""
    tasks = {t.id: t for t in drawn.tasks}
    lengths: dict[str, float] = defaultdict(float)
    for slot in drawn.plan.slots:
        lengths[slot.task] += (slot.end - slot.start) / timedelta(hours=1)
    empty = dict.fromkeys(("window", "start", "end", "lane", "p50_share")) | {"part": 1, "parts": 1, "reserve": False}
    placed = [_told(tasks[s.task]) | empty | s.to_json() | {"p50_share": _p50_share(tasks[s.task], lengths[s.task])} for s in drawn.plan.slots]
    return placed + [_told(tasks[o.task]) | empty | o.to_json() for o in drawn.plan.omissions]


def _told(task: Candidate) -> dict[str, Any]:
    own = {name: getattr(task, name) for name in ("title", "priority", "category", "hours", "state")}
    return own | {"task": task.id, "due": stamp(task.due) if task.due else None}


def _p50_share(task: Candidate, slot_h: float) -> float:
    share = task.forecast.p50 / task.forecast.p80 if task.forecast else task.hours / slot_h
    return min(share, 1.0)


def plan_of(own: Study) -> Plan:
    """The plan that a study holds."""
    return plan_from_json(own.facts[0][1])


def windows_to_json(windows: Sequence[Window]) -> list[dict[str, Any]]:
    """Windows as a notebook takes them for a parameter."""
    return [{"kind": w.kind, "day": w.day.isoformat(), "start": stamp(w.start), "end": stamp(w.end), "longest_h": w.longest_h} for w in windows]


def windows_from_json(raw: Sequence[dict[str, Any]]) -> list[Window]:
    """What `windows_to_json` wrote."""
    return [Window(w["kind"], date.fromisoformat(w["day"]), moment(w["start"]), moment(w["end"]), float(w["longest_h"])) for w in raw]
