"""What will the night look like, while it can still be vetoed? Which task, when, on which lane, and how probable it is that all are done."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from jarvis_lib.build_scheduler import by_hand
from jarvis_lib.build_scheduler.estimates import luck_of
from jarvis_lib.build_scheduler.foresight import SETTLED, titles_of
from jarvis_lib.build_scheduler.night import Job, Outcome, jobs_of, simulate
from jarvis_lib.build_scheduler.reasons import clock, window_said
from jarvis_lib.build_scheduler.verbs import SEED, Sketch, running_hours, sketch
from jarvis_lib.model.book import Row
from jarvis_lib.model.fact import Refused
from jarvis_lib.model.plan import Luck, Slot
from jarvis_lib.model.prose import at_once, chance, clean, listed, plural, shorten
from jarvis_lib.model.settings import Settings
from jarvis_lib.model.window import Window
from jarvis_lib.store.place import Place
from jarvis_lib.store.store import Reader

NAMED = 4
"""So many tasks with an earlier place are named."""


@dataclass(frozen=True, slots=True)
class NightTask:
    """One task of the night, or the sitting of one (its title says which): its planned start and lane, and how probable it is that it ends.

    It ends at p50 and p80; None: not within the night.
    """

    task: str
    title: str
    lane: int
    start: datetime
    p50_end: datetime | None
    p80_end: datetime | None
    done: float
    pinned: bool
    code: str
    sentence: str


@dataclass(frozen=True, slots=True)
class NotFitting:
    """A task that could run, but not in this night, and why. A reserve runs when time is left over."""

    task: str
    title: str
    reserve: bool
    sentence: str


@dataclass(frozen=True, slots=True)
class NightPlan:
    """The coming night, or the rest of the one that is on. `probability` is that all of `tasks` are done by `ends`, the end of work."""

    window: str
    said: str
    starts: datetime
    ends: datetime
    lanes: int
    probability: float | None
    p50_end: datetime | None
    p80_end: datetime | None
    tasks: tuple[NightTask, ...]
    not_fitting: tuple[NotFitting, ...]
    earlier: int
    earlier_said: str
    later: int
    commands: tuple[str, ...]


def night_plan(place: Place, *, now: datetime) -> NightPlan:
    """The night as the newest plan has it, worked through on paper. Nothing is written. Refuses when no night is open in the next two weeks."""
    with place.store.reading() as reader:
        return night_of(reader, place.settings, place.zone, now=now)


def night_of(reader: Reader, settings: Settings, zone: ZoneInfo, *, now: datetime, drawn: Sketch | None = None) -> NightPlan:
    """`night_plan` on an open reader or a snapshot; with `drawn`, of that plan of the same moment instead of one made anew."""
    drawn = drawn or sketch(reader, settings, zone, now=now)
    nights = [w for w in drawn.windows if w.kind == "overnight"]
    if not nights:
        raise Refused("No overnight window is open in the next 14 days; see [windows.overnight] in jarvis.toml.", code="missing")
    parts = [w for w in nights if w.key == nights[0].key]
    since = running_hours(reader, now=now)
    lanes = settings.get("night", "lanes")
    tasks, probability, last = _worked(drawn, parts, since, titles_of(reader, drawn.plan), now=now, lanes=lanes, luck=luck_of(reader))
    return _told(drawn, parts, tasks, probability, last, titles_of(reader, drawn.plan), now=now, lanes=lanes, settings=settings, zone=zone)


def _worked(
    drawn: Sketch, parts: Sequence[Window], since: dict[str, float], titles: dict[str, Row], *, now: datetime, lanes: int, luck: Luck
) -> tuple[list[NightTask], float, tuple[datetime, datetime]]:
    table = {c.id: c for c in drawn.tasks}
    found: list[NightTask] = []
    probability, last = 1.0, (now, now)
    for window in parts:
        slots = [s for s in drawn.plan.slots if s.window == window.key and window.start <= s.start < window.end]
        if not slots:
            continue
        begin = max(window.start, now)
        jobs: list[Job] = jobs_of(slots, table, since)
        hours = (window.end - begin) / timedelta(hours=1)
        done = simulate(jobs, hours=hours, lanes=lanes, seed=SEED, luck=luck)
        probability *= done.all_done
        ends = [begin + timedelta(hours=min(h, hours)) for h in (done.p50, done.p80)]
        last = (ends[0], ends[1])
        ordered = sorted(slots, key=lambda s: (s.start, s.lane, s.task))
        found += [_task(s, o, begin, titles, bool(table[s.task].pinned)) for s, o in zip(ordered, done.jobs, strict=True)]
    return found, probability, last


def _task(slot: Slot, outcome: Outcome, begin: datetime, titles: dict[str, Row], pinned: bool) -> NightTask:
    p50, p80 = (None if h is None else begin + timedelta(hours=h) for h in (outcome.p50, outcome.p80))
    title = titles[slot.task]["title"] + (f" (part {slot.part} of {slot.parts})" if slot.parts > 1 else "")
    return NightTask(slot.task, title, slot.lane, slot.start, p50, p80, outcome.done, pinned, slot.code, slot.sentence)


def _told(
    drawn: Sketch,
    parts: Sequence[Window],
    tasks: Sequence[NightTask],
    probability: float,
    last: tuple[datetime, datetime],
    titles: dict[str, Row],
    *,
    now: datetime,
    lanes: int,
    settings: Settings,
    zone: ZoneInfo,
) -> NightPlan:
    starts, ends = max(parts[0].start, now), parts[-1].end
    there = {t.task for t in tasks}
    before = {s.task for s in drawn.plan.slots if s.start < parts[0].start} - there
    left = [o for o in drawn.plan.omissions if o.code not in SETTLED]
    by = f"{ends.astimezone(zone):%H:%M}"
    said = f"{window_said(parts[0].kind, starts, ends, zone)}: "
    whole = "all are" if not any(s.parts > s.part for s in drawn.plan.slots if s.window == parts[0].key) else "all that is planned for the night is"
    if tasks:
        said += f"{plural(len(there), 'task')}, {at_once(lanes)}; {chance(probability)} that {whole} done by {by}"
        said += f" (half of such nights by {clock(last[0], zone)[-5:]}, 8 of 10 by {clock(last[1], zone)[-5:]})." if probability >= 0.8 else "."
    else:
        said += "nothing is planned for it."
    return NightPlan(
        parts[0].key,
        said,
        starts,
        ends,
        lanes,
        probability if tasks else None,
        last[0] if tasks else None,
        last[1] if tasks else None,
        tuple(tasks),
        tuple(NotFitting(o.task, titles[o.task]["title"], o.reserve, o.sentence) for o in left),
        len(before),
        _earlier_said(drawn, before, titles, parts[0], settings, zone),
        len({s.task for s in drawn.plan.slots} - there - before),
        _commands(tasks, parts[0].key),
    )


def _earlier_said(drawn: Sketch, before: set[str], titles: dict[str, Row], night: Window, settings: Settings, zone: ZoneInfo) -> str:
    """What would run tonight if it is not done before, by name, and whether anything begins what comes before."""
    if not before:
        return ""
    names = [f"{shorten(clean(titles[t]['title']), 60)} ({t})" for t in sorted(before)]
    more = [f"{len(names) - NAMED} more"] if len(names) > NAMED else []
    said = f"Placed before it, and taken into the night as far as there is room if not done by {night.start.astimezone(zone):%H:%M}: "
    hand = by_hand.said(settings, [(s.task, s.window) for s in drawn.plan.slots if s.task in before])
    return f"{said}{listed(names[:NAMED] + more)}.{f' {hand}' if hand else ''}"


def _commands(tasks: Sequence[NightTask], key: str) -> tuple[str, ...]:
    one = next((t.task for t in tasks if not t.pinned), "ID")
    return (f"jarvis queue later {one}", f"jarvis queue drop {one}", f"jarvis scheduler pin {one} {key}")
