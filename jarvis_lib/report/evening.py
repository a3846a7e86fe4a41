"""Is tonight set? What must be decided before it begins, what was done today, and would one thing more still fit? At most 120 words.

`compose_evening` only reads. Tonight is the newest plan as it would be repaired now, so it is what a session would work.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from jarvis_lib.build_scheduler import by_hand, next_of, sketch
from jarvis_lib.model.fact import Refused
from jarvis_lib.model.plan import Candidate, Slot
from jarvis_lib.model.prose import at_once, chance, clean, lasting, listed, plural, shorten
from jarvis_lib.model.settings import Settings
from jarvis_lib.model.window import DAYS, KINDS, SAID, Window
from jarvis_lib.report import needs as needing
from jarvis_lib.report import proof
from jarvis_lib.report.budget import first_words, length, words
from jarvis_lib.report.clock import day_of, time_of
from jarvis_lib.report.evening_parts import Evening, Offer, Turn
from jarvis_lib.report.parts import Card
from jarvis_lib.store.store import Reader

Row = dict[str, Any]
LIMIT, LONGEST = 90, 105
TITLE = 5
"""Words of a title in a list of tonight."""
SOON = timedelta(hours=14)
BLOCKING = ("escalated", "approval", "question", "no_recipe", "deaths", "failed")
"""What keeps a task from running tonight; the rest can wait until the morning."""
SETTLED = ("unapproved", "review", "parked", "running")
SIZES = ((3, 3), (2, 3), (2, 2), (1, 2), (1, 1))
"""How many cards and turns are shown, tried in this order until the page is short enough."""


@dataclass(frozen=True, slots=True)
class _Night:
    """Tonight: its parts (a calendar may divide it), the slots in it, the hours of all lanes, what is booked, and what else wanted a place."""

    parts: tuple[Window, ...]
    slots: tuple[Slot, ...]
    tasks: dict[str, Candidate]
    lanes: int
    crowded_out: tuple[tuple[Candidate, datetime | None], ...]
    before: tuple[tuple[str, str], ...]
    """Tasks with a place before it, each with the window of that place."""

    @property
    def earlier(self) -> int:
        return len({task for task, _ in self.before})

    @property
    def is_tonight(self) -> bool:
        return bool(self.parts)

    @property
    def hours(self) -> float:
        return sum(p.hours for p in self.parts) * self.lanes

    @property
    def booked(self) -> float:
        return sum((s.end - s.start) / timedelta(hours=1) for s in self.slots)

    @property
    def placed(self) -> list[str]:
        return list(dict.fromkeys(s.task for s in self.slots))

    @property
    def room(self) -> float:
        """The longest stretch that is left on one lane, in hours."""
        longest = 0.0
        for part in self.parts:
            for lane in range(self.lanes):
                ends = [s.end for s in self.slots if s.lane == lane and part.start <= s.start < part.end]
                longest = max(longest, (part.end - max(ends, default=part.start)) / timedelta(hours=1))
        return longest

    @property
    def wanted(self) -> float:
        return self.booked + sum(c.need_h for c, _ in self.crowded_out)


def compose_evening(reader: Reader, *, now: datetime, zone: ZoneInfo, settings: Settings, home: Path) -> Evening:
    """The check-in as it stands at `now` (aware UTC); also of an empty store and of an evening before a night that is off."""
    night = _tonight(reader, settings, zone, now)
    waiting = reader.rows("report.waiting", now=now)
    blocking = [r for r in waiting if needing.kind_of(r) in BLOCKING]
    cards = [_card(c) for c in [*needing.agent_cards(reader, settings, now=now), *needing.cards(blocking, [], now=now, zone=zone)]]
    can_wait = len(waiting) - len(blocking) + len(needing.other_cards(reader, now=now, zone=zone))
    turns = [_turn(night, s, now, zone) for s in _ordered(night.slots)]
    offers = _offers(reader, night, [r for r in waiting if r not in blocking[: SIZES[0][0]]], settings, zone, now)
    begins = time_of(night.parts[0].start, zone) if night.parts else "23:00"
    whole = Evening(
        kicker=f"Evening check-in · {day_of(now, zone)} {time_of(now, zone)} ({zone.key})",
        headline=_headline(night, len(cards), settings, zone, now),
        tone="warn" if cards or _late(night) or _is_too_much(night) else "ok" if turns else "info",
        as_of=now.astimezone(zone).isoformat(timespec="seconds"),
        notify=bool(cards) or _has_changed(reader, night, now),
        today=_today(reader, zone, now),
        needs=tuple(cards),
        needs_more=0,
        needs_said="" if cards else f"Nothing needs you before {begins}.",
        later_said=f"{plural(can_wait, 'more thing')} can wait until the morning." if can_wait else "",
        tonight=tuple(turns),
        tonight_more=0,
        tonight_said=_said(reader, night, len(blocking), settings, zone, now),
        too_much=_too_much(night, zone),
        offers=tuple(offers),
    )
    return _short(whole)


def _short(evening: Evening) -> Evening:
    """The largest of SIZES that is read in LONGEST words; with shortened sentences where even the smallest is not."""
    made = evening
    for cards, turns in SIZES:
        made = replace(
            evening,
            needs=evening.needs[:cards],
            needs_more=max(len(evening.needs) - cards, 0),
            tonight=evening.tonight[:turns],
            tonight_more=max(len(evening.tonight) - turns, 0),
        )
        if spoken(made) <= LONGEST:
            return made
    short = tuple(replace(c, title=first_words(c.title, 6), what=first_words(c.what, 6)) for c in made.needs)
    return replace(made, needs=short, later_said="", offers=made.offers[:1])


def spoken(e: Evening) -> int:
    """The words that are read: everything but the line with the date, the headings and the commands."""
    said = (e.headline, e.today, e.needs_said, e.later_said, e.tonight_said, e.too_much)
    rows = [w for t in e.tonight for w in (t.when, t.title, t.said)]
    more = sum(2 for n in (e.needs_more, e.tonight_more) if n)
    return words(*said, *rows, *(o.said for o in e.offers)) + sum(map(length, e.needs)) + more


def _card(card: Card) -> Card:
    """A morning's card for the evening: shorter, and about tonight."""
    nothing = card.do_nothing.replace("not run", "not run tonight", 1)
    what = first_words(card.what, 12)
    more = f"{card.what} {card.evidence}" if what != card.what else ""
    return replace(card, title=first_words(card.title, 8), what=what, evidence="", do_nothing=nothing, more=more)


# --- tonight -------------------------------------------------------------------------------------------------------------


def _tonight(reader: Reader, settings: Settings, zone: ZoneInfo, now: datetime) -> _Night:
    drawn = sketch(reader, settings, zone, now=now)
    nights = [w for w in drawn.windows if w.kind == "overnight" and w.start < now + SOON]
    key = nights[0].key if nights else ""
    parts = tuple(replace(w, start=max(w.start, now)) for w in nights if w.key == key)
    tasks = {c.id: c for c in drawn.tasks}
    slots = tuple(s for s in drawn.plan.slots if s.window == key and key) if parts else ()
    lanes = settings.get("night", "lanes")
    before = tuple(sorted({(s.task, s.window) for s in drawn.plan.slots if parts and s.end <= parts[0].start}))
    return _Night(parts, slots, tasks, lanes, tuple(_crowded_out(drawn.plan.answers, tasks, parts)) if parts else (), before)


def _crowded_out(answers: Sequence[Any], tasks: dict[str, Candidate], parts: Sequence[Window]) -> list[tuple[Candidate, datetime | None]]:
    """What could run tonight and got a later place, or none: only what belongs into a night by its size and is free to run."""
    longest = parts[0].longest_h
    found: dict[str, tuple[Candidate, datetime | None]] = {}
    gone: set[str] = set()
    for answer in answers:
        task = tasks[answer.task]
        if isinstance(answer, Slot) and answer.start < parts[-1].end:
            gone.add(task.id)
        fits = task.state == "queued" and not task.unfinished and task.hours <= longest and not task.pinned
        is_later = isinstance(answer, Slot) and answer.start >= parts[-1].end
        if fits and (is_later or (not isinstance(answer, Slot) and answer.code not in SETTLED)):
            found.setdefault(task.id, (task, answer.start if isinstance(answer, Slot) else None))
    return [pair for name, pair in found.items() if name not in gone]


def _ordered(slots: Sequence[Slot]) -> list[Slot]:
    return sorted(slots, key=lambda s: (s.start, s.lane, s.task))


def _turn(night: _Night, slot: Slot, now: datetime, zone: ZoneInfo) -> Turn:
    title = first_words(shorten(clean(night.tasks[slot.task].title), 60), TITLE)
    late = " LATE" if slot.code == "late" else ""
    return Turn(f"{time_of(slot.start, zone)}–{time_of(slot.end, zone)}", slot.task, title, f"!{late}" if late else "")


def _late(night: _Night) -> list[str]:
    return [clean(night.tasks[s.task].title) for s in night.slots if s.code == "late"]


def _headline(night: _Night, blocked: int, settings: Settings, zone: ZoneInfo, now: datetime) -> str:
    """Is tonight set? At most LIMIT characters: a lead, then as many clauses as fit whole."""
    if not night.is_tonight:
        lead = "No night is worked tonight"
    elif not night.slots:
        each = f", {at_once(night.lanes)}" if night.lanes > 1 else ""
        lead = f"Nothing is {'planned' if night.earlier else 'queued'} for tonight; {lasting(night.hours / night.lanes)} are free{each}"
    else:
        lanes = f", {at_once(night.lanes)}" if night.lanes > 1 else ""
        lead = f"Tonight: {plural(len(night.placed), 'task')}, {lasting(night.booked)} of {lasting(night.hours)}{lanes}"
    late = _late(night)
    clauses = [f"“{shorten(late[0], 24)}” will be LATE"] if late else []
    clauses += [f"{lasting(night.wanted)} wanted"] if _is_too_much(night) else []
    clauses += [f"{blocked} {'waits' if blocked == 1 else 'wait'} for you"] if blocked else []
    for clause in clauses:
        lead += f"; {clause}" if len(lead) + len(clause) + 2 <= LIMIT else ""
    return lead


def _said(reader: Reader, night: _Night, blocked: int, settings: Settings, zone: ZoneInfo, now: datetime) -> str:
    """How sure the night is, or why there is nothing to say of it."""
    if not night.is_tonight:
        return "Its window is off or taken by the calendar: jarvis context upcoming"
    if not night.slots:
        if night.earlier:
            return _earlier(night, settings, zone)
        return "Nothing may run before you decide." if blocked else "Nothing that may run is in the queue: jarvis add -h"
    from jarvis_lib.build_scheduler import night_of

    try:
        told = night_of(reader, settings, zone, now=now)
    except Refused:  # the window closed between the two looks
        return ""
    return f"{chance(told.probability)} sure that all are done by {time_of(told.ends, zone)}." if told.probability is not None else ""


def _earlier(night: _Night, settings: Settings, zone: ZoneInfo) -> str:
    """What has its place before the night: whether anything begins it there, and that the night takes what is left."""
    kinds = {by_hand.kind_of(key) for _, key in night.before}
    hand = [k for k in KINDS if k in kinds and by_hand.is_by_hand(settings, k)]
    if not hand:
        return f"{plural(night.earlier, 'task')} {'runs' if night.earlier == 1 else 'run'} before it, in other windows."
    has = f"{plural(night.earlier, 'task has its place', 'tasks have their place')} before it"
    rest = "it" if night.earlier == 1 else "them"
    night_takes = f"from {time_of(night.parts[0].start, zone)} the night takes {rest} if there is room"
    return f"{has}, but {listed([SAID[k] for k in hand])} begins only by {by_hand.COMMAND}; {night_takes}."


def _is_too_much(night: _Night) -> bool:
    return bool(night.crowded_out) and night.wanted > night.hours


def _too_much(night: _Night, zone: ZoneInfo) -> str:
    """`Too much: 9 h wanted, 6 h there; “Retrain” moves to Wed.`"""
    if not _is_too_much(night):
        return ""
    task, start = max(night.crowded_out, key=lambda pair: (pair[0].due is not None, -pair[0].need_h, pair[0].id))
    where = f"moves to {DAYS[start.astimezone(zone).weekday()]}" if start else "has no place"
    others = f", as do {len(night.crowded_out) - 1} more" if len(night.crowded_out) > 1 else ""
    return f"Too much: {lasting(night.wanted)} wanted, {lasting(night.hours)} there; “{first_words(shorten(clean(task.title), 40), TITLE)}” {where}{others}."


def _has_changed(reader: Reader, night: _Night, now: datetime) -> bool:
    """Is tonight another set of tasks than the newest plan had?"""
    made = reader.one("report.newest_plan", now=now)
    planned = reader.rows("report.plan_slots", plan=made["id"], now=now) if made else []
    key = night.parts[0].key if night.parts else ""
    return {s["task"] for s in planned if s["window"] == key} != set(night.placed)


# --- today, and what would fit -------------------------------------------------------------------------------------------


def _today(reader: Reader, zone: ZoneInfo, now: datetime) -> str:
    """What got done since the morning, in one line."""
    morning = now.astimezone(zone).replace(hour=7, minute=0, second=0, microsecond=0)
    since = min(morning, now - timedelta(hours=1)) if morning > now else morning
    endings = reader.rows("report.endings", since=since, now=now)
    newest = {e["task"]: e for e in endings}.values()
    shipped = [e for e in newest if proof.status_of(e) is proof.VERIFIED]
    fixed = sum(f["verified"] and f["at"] > since for f in reader.rows("report.fixes_between", since=since, now=now))
    told = [f"{len(shipped)} of {plural(len(newest), 'build')} shipped"] if newest else ["no build ran"]
    told += [f"{plural(fixed, 'problem')} fixed"] if fixed else []
    return f"Since {time_of(since, zone)}: {', '.join(told)}."


def _offers(reader: Reader, night: _Night, waiting: Sequence[Row], settings: Settings, zone: ZoneInfo, now: datetime) -> list[Offer]:
    """One thing that would still fit tonight or before it; on an empty night up to three that were put off."""
    deferred = reader.rows("report.deferred", now=now)
    if night.is_tonight and not night.slots and deferred:
        return [Offer(f"You put off “{_title(r)}” ({lasting(r['hours'])}).", f"jarvis queue approve {r['id']}") for r in deferred[:3]]
    longest = night.parts[0].longest_h if night.parts else 0.0
    reserve = settings.get("night", "reserve")
    asked = [r for r in waiting if needing.kind_of(r) in ("approval", "proposed")]
    for row in [*deferred, *asked]:
        if row["hours"] <= longest and row["hours"] * reserve <= night.room:
            said = f"Room for {lasting(night.room)} more: “{_title(row)}” ({lasting(row['hours'])}) fits."
            return [Offer(said, f"jarvis queue approve {row['id']}")]
    return _quick_win(reader, night, settings, zone, now)


def _quick_win(reader: Reader, night: _Night, settings: Settings, zone: ZoneInfo, now: datetime) -> list[Offer]:
    found = next_of(reader, settings, zone, now=now, count=1)
    if not found.is_now or found.window is None or found.window.kind != "quick_win" or not found.chosen:
        return []
    task = found.chosen[0]
    title = first_words(shorten(clean(task.title), 40), TITLE)
    return [Offer(f"A quick win until {time_of(found.window.end, zone)}: “{title}” ({lasting(task.hours)}).", f"jarvis show {task.task}")]


def _title(row: Row) -> str:
    return first_words(shorten(clean(row["title"]), 40), TITLE)
