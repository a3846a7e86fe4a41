"""How full are the coming windows, where would one more task land, and what would a plan from nothing change? Nothing is written here."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from jarvis_lib.build_scheduler import supposed
from jarvis_lib.build_scheduler.estimates import luck_of
from jarvis_lib.build_scheduler.reasons import clock, pin_said, shown, span
from jarvis_lib.build_scheduler.verbs import PLAN_DAYS, SEED, Sketch, running_hours, sketch, window_row
from jarvis_lib.model.book import Row
from jarvis_lib.model.plan import Candidate, Plan, Slot
from jarvis_lib.model.prose import listed, plural
from jarvis_lib.store.place import Place
from jarvis_lib.store.store import Reader

WEEK = timedelta(days=7)
SETTLED = ("unapproved", "review", "parked", "running")
"""Codes of tasks that wait for the person; they are not counted as unplaced."""


@dataclass(frozen=True, slots=True)
class Change:
    """One task that a second plan would move, add (no old place) or leave out (no new place). Times are aware UTC."""

    task: str
    title: str
    old: datetime | None
    new: datetime | None
    sentence: str

    @property
    def what(self) -> str:
        """moved, added or removed."""
        return "moved" if self.old and self.new else "added" if self.new else "removed"


@dataclass(frozen=True, slots=True)
class View:
    """The plan as it stands, window by window: the line above it, windows with their load, slots and what was left out, and a supposed task's answer."""

    said: str
    windows: tuple[Row, ...]
    slots: tuple[Row, ...]
    omissions: tuple[Row, ...]
    what_if: str = ""
    changes: tuple[Change, ...] = ()


# --- the plan as it stands -----------------------------------------------------------------------------------------------


def view(place: Place, *, now: datetime, days: int = PLAN_DAYS, with_text: str = "") -> View:
    """The newest plan as it holds now, for the windows of `days`; with a supposed task, where that would land and what it would move."""
    from jarvis_lib.build_scheduler.night import finishes

    given = supposed.read(with_text, place.settings, place.zone, now=now) if with_text else None
    with place.store.reading() as reader:
        drawn = sketch(reader, place.settings, place.zone, now=now)
        titles, luck, running = titles_of(reader, drawn.plan), luck_of(reader), running_hours(reader, now=now)
    lanes = place.settings.get("night", "lanes")
    what_if = ""
    changes: tuple[Change, ...] = ()
    if given is not None:
        what_if, changes = _landing(drawn, given.candidate(now, place.settings), titles, now=now, lanes=lanes, zone=place.zone)
    found = finishes(drawn.plan, drawn.tasks, drawn.windows, now=now, lanes=lanes, seed=SEED, luck=luck, running=running)
    chances = {f.window: f.probability for f in found}
    rows = [window_row(w, spans(drawn.plan), lanes, now, place.zone) | {"done": chances.get(w.key)} for w in drawn.windows]
    late, unplaced = counts(drawn.plan)
    until = now + timedelta(days=days)
    slots = [_slot(s, titles) for s in drawn.plan.slots if s.start < until]
    omissions = [{"task": o.task, "code": o.code, "sentence": o.sentence, "reserve": o.reserve, **titles[o.task]} for o in drawn.plan.omissions]
    said = load_said(rows, late=late, unplaced=unplaced, now=now)
    return View(said, tuple(r for r in rows if r["start"] < until), tuple(slots), tuple(omissions), what_if, changes)


def _slot(slot: Slot, titles: dict[str, Row]) -> Row:
    return slot.to_json() | {"start": slot.start, "end": slot.end} | titles[slot.task]


def titles_of(reader: Reader, plan: Plan) -> dict[str, Row]:
    """Task -> its title, state, priority, hours and due date."""
    ids = [p.task for p in plan.answers]
    return {r.pop("id"): r for r in reader.rows("build_scheduler.titles", ids=ids)}


def spans(plan: Plan) -> list[tuple[datetime, datetime]]:
    """The times that its slots book."""
    return [(s.start, s.end) for s in plan.slots]


def counts(plan: Plan) -> tuple[int, int]:
    """(late ones, queued ones without a place)."""
    late = len({s.task for s in plan.slots if s.code == "late"}) + sum(o.sentence.startswith("LATE") for o in plan.omissions)
    return late, sum(o.code not in SETTLED for o in plan.omissions)


def load_said(rows: Sequence[Row], *, late: int, unplaced: int, now: datetime) -> str:
    """`Booked 61% of the next 7 nights; 3 h free tonight; 1 task LATE; 2 unplaced.` from rows of `window_rows`."""
    nights = [r for r in rows if r["kind"] == "overnight" and r["start"] < now + WEEK]
    if not nights:
        parts = ["No night is open in the next 7 days"]
    else:
        booked, held = sum(r["booked"] for r in nights), sum(r["lane_hours"] for r in nights)
        parts = [f"Booked {booked / held:.0%} of the next {plural(len({r['key'] for r in nights}), 'night')}"]
        free = sum(r["free"] for r in nights if r["key"] == nights[0]["key"])
        parts.append(f"{span(free, down=True)} free {'tonight' if nights[0]['start'] < now + timedelta(days=1) else 'in the first'}")
    parts += [f"{plural(late, 'task')} LATE"] if late else []
    parts += [f"{unplaced} unplaced"] if unplaced else []
    return "; ".join(parts) + "."


# --- one more task -------------------------------------------------------------------------------------------------------


def _landing(drawn: Sketch, task: Candidate, titles: dict[str, Row], *, now: datetime, lanes: int, zone: ZoneInfo) -> tuple[str, tuple[Change, ...]]:
    from jarvis_lib.build_scheduler.planner import plan

    settled = [o.task for o in drawn.plan.omissions]
    more = plan([*drawn.tasks, task], drawn.windows, now=now, lanes=lanes, zone=zone, previous=drawn.plan.slots, settled=settled)
    changes = tuple(c for c in differences(drawn.plan.slots, more, titles | {task.id: {"title": task.title}}) if c.task != task.id)
    own = [s for s in more.slots if s.task == task.id]
    moves = f"moves {listed([_said(c, zone) for c in changes])}" if changes else "moves nothing"
    if not own:
        left = next(o for o in more.omissions if o.task == task.id)
        return f"It would have no place: {left.sentence}", changes
    lands = f"would land {clock(own[0].start, zone)} to {own[-1].end.astimezone(zone):%H:%M} ({pin_said(own[0].window)})"
    return f"“{task.title}” {lands}; {moves}. {own[0].sentence}", changes


def _said(change: Change, zone: ZoneInfo) -> str:
    name = shown(change.task, change.title)
    if change.new is None:
        return f"{name} out of the plan"
    if change.old is None:
        return f"{name} into the plan"
    return f"{name} from {clock(change.old, zone)} to {clock(change.new, zone)}"


# --- two plans -----------------------------------------------------------------------------------------------------------


def rebuilt(place: Place, *, now: datetime) -> tuple[Sketch, tuple[Change, ...]]:
    """A plan made from nothing, and how it differs from the newest one as that holds now."""
    with place.store.reading() as reader:
        old = sketch(reader, place.settings, place.zone, now=now)
        new = sketch(reader, place.settings, place.zone, now=now, rebuild=True)
        titles = titles_of(reader, new.plan)
    return new, differences(old.plan.slots if old.previous else (), new.plan, titles)


def differences(old: Sequence[Slot], new: Plan, titles: dict[str, Row]) -> tuple[Change, ...]:
    """Every task whose first slot is not where it was, by its new start, then by its old one."""
    before, after = _starts(old), _starts(new.slots)
    sentences = {p.task: p.sentence for p in reversed(new.answers)}
    found = [
        Change(i, titles.get(i, {"title": i})["title"], before.get(i), after.get(i), sentences.get(i, "It is no longer open."))
        for i in before.keys() | after.keys()
        if before.get(i) != after.get(i)
    ]
    return tuple(sorted(found, key=lambda c: (c.new is None, c.new or c.old, c.task)))


def _starts(slots: Sequence[Slot]) -> dict[str, datetime]:
    return {s.task: s.start for s in sorted(slots, key=lambda s: s.start, reverse=True)}
