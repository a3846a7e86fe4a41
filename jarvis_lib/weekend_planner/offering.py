"""What is offered on Friday, and at any other moment? The candidates for the weekend's free hours, or one sentence why there is none."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time
from typing import Any

from jarvis_lib import build_scheduler
from jarvis_lib.model.book import Row
from jarvis_lib.model.fact import stamp
from jarvis_lib.model.prose import clean, plural, spell
from jarvis_lib.model.task import CATEGORIES
from jarvis_lib.model.task_row import content_of
from jarvis_lib.model.weekend import Weekend, weekend_at
from jarvis_lib.store.calendar import cuts_of
from jarvis_lib.store.place import Place
from jarvis_lib.store.store import Reader
from jarvis_lib.weekend_planner import candidates as rules
from jarvis_lib.weekend_planner.candidates import Candidate
from jarvis_lib.weekend_planner.pieces import Piece, ready

LEAST = 3
"""A suggestion should offer so many; when the queue gives fewer it says why."""


@dataclass(frozen=True, slots=True)
class Suggestion:
    """The answer of `suggest`: the weekend, one sentence, and the candidates, the best first."""

    weekend: Weekend
    said: str
    candidates: tuple[Candidate, ...]

    def to_json(self) -> dict[str, Any]:
        """As JSON can hold it, but for its datetimes."""
        own = self.weekend
        return {
            "weekend": own.key,
            "finish_by": own.finish_by,
            "free_h": round(own.free_h, 3),
            "spans": [{"window": w.key, "start": w.start, "end": w.end} for w in own.spans],
            "said": self.said,
            "candidates": [c.to_json() for c in self.candidates],
        }


def finish_time(place: Place) -> time:
    """The local time of `[weekend] finish_by`."""
    return time.fromisoformat(place.settings.get("weekend", "finish_by"))


def this_weekend(reader: Reader, place: Place, *, now: datetime) -> Weekend:
    """The weekend that is on or comes next, with what the calendar leaves of it."""
    bare = weekend_at(place.settings.windows, place.zone, now, finish_time(place))
    return weekend_at(place.settings.windows, place.zone, now, finish_time(place), cuts_of(reader, bare.begins, bare.ends))


def pieces(reader: Reader, place: Place) -> list[Piece]:
    """Every open task with its hours: as forecast with the plan, else as last estimated, else the person's estimate with its reserve."""
    plan = {c.id: c for c in build_scheduler.candidates(reader, place.settings)}
    reserve = float(place.settings.get("night", "reserve"))
    return [_piece(row, plan[row["id"]], reserve) for row in reader.rows("weekend_planner.tasks") if row["id"] in plan]


def _piece(row: Row, c: Any, reserve: float) -> Piece:
    p50, p80, why = c.hours, c.hours * reserve, ""
    if c.forecast is not None:
        p50, p80, why = c.forecast.p50, c.forecast.p80, c.forecast.why
    elif row["p50"]:
        p50, p80, why = row["p50"], row["p80"], row["estimate_why"] or ""
    first = (row["description"] or "").strip().splitlines()[:1]
    return Piece(
        id=c.id,
        title=clean(c.title),
        about=clean(f"{c.title} {first[0] if first else ''}"),
        state=c.state,
        parked_kind=row["parked_kind"] or "",
        priority=c.priority,
        category=c.category,
        hours=c.hours,
        p50=max(p50, 1e-6),
        p80=max(p80, p50, 1e-6),
        need_h=c.need_h,
        why_h=clean(why),
        due=c.due,
        added_at=c.added_at,
        after=tuple(c.unfinished),
        changes=tuple(c.changes),
        resumable=bool(row["resumable"]),
        project=clean(row["project"] or ""),
        revision=row["revision"],
        has_recipe=row["recipe"] is not None,
        checks=len(content_of(row).checks),
        unblocks=row["unblocks"],
    )


def suggest(place: Place, *, now: datetime, write: bool = True) -> Suggestion:
    """The candidates for this weekend, or one sentence why there is none. Nothing starts; with `write` they can be chosen by id."""
    from jarvis_lib.learning.groups import similar

    with place.store.reading() as reader:
        weekend = this_weekend(reader, place, now=now)
        taken = {r["task"] for r in reader.rows("weekend_planner.taken", weekend=weekend.key)}
        found = [p for p in pieces(reader, place) if p.id not in taken]
    if not weekend.free_h:
        return Suggestion(weekend, _no_hour(weekend), ())
    able = ready(found)
    offers = rules.suggest(
        found,
        similar({i: p.about for i, p in able.items()}),
        weekend,
        now=now,
        lanes=place.settings.get("night", "lanes"),
        zone=place.zone,
        single_hours=tuple(place.settings.get("weekend", "single_hours")),
        most=place.settings.get("weekend", "candidates"),
        templates={c: place.settings.phases_of(c) for c in CATEGORIES},
    )
    made = Suggestion(weekend, _said(weekend, offers, len(able), place), tuple(offers))
    if write:
        data = [c.to_json() | {"content": _content(c)} for c in offers]
        kept = ("id", "kind", "title", "hours", "p50", "p80", "chance", "tasks", "revisions", "content")
        place.store.write(place.fact("weekend.suggested", at=now, weekend=weekend.key, said=made.said, candidates=[{k: d[k] for k in kept} for d in data]))
    return made


def _content(c: Candidate) -> dict[str, Any]:
    own = c.to_json()
    return {"phases": own["phases"], "why": list(c.why), "needs": own["needs"], "needs_by": stamp(c.needs_by) if c.needs_by else None}


def _no_hour(weekend: Weekend) -> str:
    if weekend.whole_h:
        return f"The weekend of {weekend.said()} has no free hour left: the calendar takes its windows, or they have passed. Nothing is suggested."
    return f"The weekend of {weekend.said()} has no window of its own: another window takes all of its hours. Nothing is suggested."


def _said(weekend: Weekend, offers: Sequence[Candidate], open_tasks: int, place: Place) -> str:
    low, high = place.settings.get("weekend", "single_hours")
    free = f"The weekend of {weekend.said()} has {spell(weekend.free_h)} free"
    if not offers:
        none = f"of {plural(open_tasks, 'open task')} none has {low:g} to {high:g} h, and no two belong together and fit"
        return f"{free}, but nothing in the queue fills it: {none}."
    few = f" Not more, because {plural(open_tasks, 'open task')} give no others that belong together and fit." if len(offers) < LEAST else ""
    return f"{free}; {plural(len(offers), 'candidate')}. Nothing starts without your choice: jarvis weekend select ID.{few}"
