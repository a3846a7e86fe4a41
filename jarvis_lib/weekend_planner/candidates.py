"""What would be worth a weekend? Single large tasks and groups that belong together, each laid out into the hours that are really free.

A group is a chain of dependencies, a project, a folder that the tasks change, or texts that speak of the same. It brings along what its
tasks wait for, and it is cut to what fits. Equal input, equal candidates; nothing starts here.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import PurePosixPath
from typing import Any
from zoneinfo import ZoneInfo

from jarvis_lib.model.fact import digest
from jarvis_lib.model.phase import PhaseTemplate
from jarvis_lib.model.prose import at_once, listed, plural, shorten, spell
from jarvis_lib.model.task import PRIORITIES
from jarvis_lib.model.weekend import Weekend
from jarvis_lib.weekend_planner.chances import Laid, Outlook, lay_out, outlook
from jarvis_lib.weekend_planner.phases import Phase, divided
from jarvis_lib.weekend_planner.pieces import Piece, closure, in_order, ready, urgency

MOST_TASKS = 12
"""A person can oversee so many tasks of one build."""
LIKELY = 0.6
"""What is less likely than this to be done by the weekend's end is offered without its last tasks."""
LOOKED_AT = 60
"""Of a larger group the most urgent so many are tried."""
ALIKE = 0.6
"""Two candidates with more than this share of their tasks in common are one offer, not two."""
SOON = timedelta(days=9)
LONG_WAIT = 14
Offer = tuple[str, str, tuple[str, ...]]
"""Kind, label and tasks of what could be a candidate."""


@dataclass(frozen=True, slots=True)
class Need:
    """What the person must do for one task of the build, and the command for it."""

    task: str
    what: str
    command: str


@dataclass(frozen=True, slots=True)
class Candidate:
    """One offer for the weekend. `hours` are the estimates, `p50` and `p80` those of the sum; `chance` is for the weekend's `finish_by`."""

    id: str
    kind: str
    title: str
    tasks: tuple[str, ...]
    revisions: tuple[int, ...]
    hours: float
    p50: float
    p80: float
    chance: float
    phases: tuple[Phase, ...]
    why: tuple[str, ...]
    needs: tuple[Need, ...]
    needs_by: datetime | None
    hours_from: str

    def to_json(self) -> dict[str, Any]:
        """The candidate as JSON can hold it, but for its datetimes."""
        own = {name: getattr(self, name) for name in ("id", "kind", "title", "tasks", "revisions", "hours", "p50", "p80", "chance", "why", "hours_from")}
        needs = [{"task": n.task, "what": n.what, "command": n.command} for n in self.needs]
        return own | {"phases": [p.to_json() for p in self.phases], "needs": needs, "needs_by": self.needs_by}


def suggest(
    pieces: Sequence[Piece],
    similar: Sequence[Sequence[str]],
    weekend: Weekend,
    *,
    now: datetime,
    lanes: int,
    zone: ZoneInfo,
    single_hours: tuple[float, float],
    most: int,
    templates: Mapping[str, Sequence[PhaseTemplate]],
) -> list[Candidate]:
    """The best `most` candidates, the best first. `similar` are groups of ids whose texts are alike; `templates` are by category."""
    table = ready(pieces)
    low, high = single_hours
    offers: list[Offer] = []
    for p in table.values():
        if low <= p.hours <= high and not p.after:
            offers.append(("single", p.title, _fitting([p.id], table, weekend, lanes, now, 1)))
    for kind, label, ids in _groups(table, similar):
        offers.append((kind, label, _fitting(ids, table, weekend, lanes, now, MOST_TASKS)))
    whole = [(kind, label, ids) for kind, label, ids in offers if len(ids) > (kind != "single")]
    ranked = sorted(whole, key=lambda o: (-_score([table[i] for i in o[2]], weekend, now), id_of(o[2], weekend.key), o[0]))
    chosen = _distinct(ranked, table, weekend, now, lanes, most)
    return [
        _built(kind, label or _label(kind, ids, table), [table[i] for i in ids], seen, weekend, now, lanes, zone, templates)
        for (kind, label, ids), seen in chosen
    ]


def _distinct(ranked: Sequence[Offer], table: Mapping[str, Piece], weekend: Weekend, now: datetime, lanes: int, most: int) -> list[tuple[Offer, Outlook]]:
    """The best, each cut to what is likely to be done, that are not nearly the same as a better one."""
    chosen: list[tuple[Offer, Outlook]] = []
    for kind, label, whole in ranked:
        if len(chosen) == most:
            break
        if _is_new(whole, chosen):
            kept, seen = _likely([table[i] for i in whole], weekend, now, lanes)
            ids = tuple(p.id for p in kept)
            if _is_new(ids, chosen):
                chosen.append(((kind, label, ids), seen))
    return chosen


def _is_new(ids: Sequence[str], chosen: Sequence[tuple[Offer, Outlook]]) -> bool:
    """Is it not nearly the same as a better one?"""
    own = set(ids)
    return all(len(own & set(c[2])) / len(own | set(c[2])) <= ALIKE for c, _ in chosen)


# --- groups --------------------------------------------------------------------------------------------------------------


def _groups(table: Mapping[str, Piece], similar: Sequence[Sequence[str]]) -> list[tuple[str, str, list[str]]]:
    """(kind, label, ids) of everything that belongs together, two tasks at least."""
    found = [("chain", "", own) for own in _chains(table)]
    for kind, of in (("project", lambda p: [p.project] if p.project else []), ("folder", lambda p: _folders(p.changes))):
        by: dict[str, list[str]] = defaultdict(list)
        for p in table.values():
            for label in of(p):
                by[label].append(p.id)
        found += [(kind, label, own) for label, own in sorted(by.items())]
    found += [("similar", "", [i for i in own if i in table]) for own in similar]
    return [(kind, label, own) for kind, label, own in found if len(own) > 1]


def _folders(changes: Sequence[str]) -> list[str]:
    return sorted({str(PurePosixPath(c).parent) for c in changes} - {"."})


def _chains(table: Mapping[str, Piece]) -> list[list[str]]:
    """The tasks that wait for one another, directly or through others."""
    linked: dict[str, set[str]] = defaultdict(set)
    for p in table.values():
        for b in p.after:
            linked[p.id].add(b)
            linked[b].add(p.id)
    seen: set[str] = set()
    found = []
    for i in sorted(linked):
        own, open_ = [], [i]
        while open_:
            j = open_.pop()
            if j not in seen:
                seen.add(j)
                own.append(j)
                open_ += sorted(linked[j])
        if own:
            found.append(sorted(own))
    return found


def _label(kind: str, ids: Sequence[str], table: Mapping[str, Piece]) -> str:
    if kind == "chain":
        return f"{table[ids[-1]].title}, with what it waits for"
    return f"{max((table[i] for i in ids), key=lambda p: (PRIORITIES[p.priority], p.p50, p.id)).title}, and what is like it"


def _fitting(ids: Sequence[str], table: Mapping[str, Piece], weekend: Weekend, lanes: int, now: datetime, most: int) -> tuple[str, ...]:
    """As many of `ids`, each with all that it waits for, as have a place in the weekend with what is kept free for them."""
    kept: list[str] = []
    for i in in_order(sorted(ids, key=lambda i: urgency(table[i]))[:LOOKED_AT], table):
        wider = set(kept) | closure(i, table)
        if i in kept or len(wider) > most:
            continue
        order = in_order(wider, table)
        if len(lay_out([table[j].work() for j in order], weekend, lanes=lanes, now=now)) == len(order):
            kept = order
    return tuple(kept)


# --- one candidate -------------------------------------------------------------------------------------------------------


def id_of(tasks: Iterable[str], weekend: str) -> str:
    """The short id of a build: the same tasks in the same weekend have the same one."""
    return f"w{digest([weekend, *sorted(tasks)])[:6]}"


def _built(
    kind: str,
    label: str,
    own: Sequence[Piece],
    seen: Outlook,
    weekend: Weekend,
    now: datetime,
    lanes: int,
    zone: ZoneInfo,
    templates: Mapping[str, Sequence[PhaseTemplate]],
) -> Candidate:
    ids = tuple(p.id for p in own)
    name = id_of(ids, weekend.key)
    works = [p.work() for p in own]
    laid = lay_out(works, weekend, lanes=lanes, now=now)
    phases = _phases(own, templates)
    needs = tuple(n for p in own for n in _needs(p))
    title = shorten(label if kind in ("single", "chain", "similar") else f"{label}: {plural(len(own), 'related task')}", 120)
    return Candidate(
        id=name,
        kind=kind,
        title=title,
        tasks=ids,
        revisions=tuple(p.revision for p in own),
        hours=sum(p.hours for p in own),
        p50=seen.p50,
        p80=seen.p80,
        chance=seen.chance,
        phases=phases,
        why=tuple(_why(own, weekend, seen.p50, now, zone, lanes)),
        needs=needs,
        needs_by=_first_start(laid, now) if needs else None,
        hours_from=_hours_from(own),
    )


def _likely(own: Sequence[Piece], weekend: Weekend, now: datetime, lanes: int) -> tuple[Sequence[Piece], Outlook]:
    """The group without its last tasks, as long as it is more likely than LIKELY not to be done in time; two tasks stay in any case."""
    while True:
        seed = int(id_of([p.id for p in own], weekend.key)[1:], 16)
        seen = outlook([p.work() for p in own], weekend, lanes=lanes, now=now, seed=seed)
        if seen.chance >= LIKELY or len(own) <= 2:
            return own, seen
        own = own[:-1]


def _phases(own: Sequence[Piece], templates: Mapping[str, Sequence[PhaseTemplate]]) -> tuple[Phase, ...]:
    if len(own) == 1:
        p = own[0]
        return divided(templates[p.category], task=p.id, hours=p.hours, p50=p.p50, p80=p.p80, has_recipe=p.has_recipe)
    return tuple(Phase(p.title, p.hours, p.p50, p.p80, p.id, main=True, runs=p.has_recipe) for p in own)


def _score(own: Sequence[Piece], weekend: Weekend, now: datetime) -> float:
    """Priority of an hour x share of the free hours that it fills, half more for what is due soon. A long wait counts up to double.

    Hours that have no recipe yet count a quarter: they run only if the person gives them one in time.
    """
    whole = sum(p.p50 for p in own)
    worth = sum(PRIORITIES[p.priority] * (1 + min(_days(p, now), 60) / 60) * p.p50 * (1.0 if p.has_recipe else 0.25) for p in own) / whole
    fill = min(whole / weekend.free_h, 1.0)
    return worth * fill * (1.5 if any(p.due and p.due <= weekend.ends + SOON for p in own) else 1.0)


def _days(piece: Piece, now: datetime) -> float:
    return max((now - piece.added_at) / timedelta(days=1), 0.0)


def _first_start(laid: Mapping[str, Laid], now: datetime) -> datetime | None:
    starts = [spot.start for spot in laid.values()]
    return max(min(starts), now) if starts else None


def _needs(p: Piece) -> list[Need]:
    title = f"“{shorten(p.title, 60)}”"
    if not p.has_recipe:
        lacks = "neither recipe nor check" if not p.checks else "no recipe"
        return [Need(p.id, f"{title} has {lacks}, so nothing would run", f"jarvis queue edit {p.id} --command '…'{'' if p.checks else ' --check …'}")]
    found = []
    if p.state == "proposed" or p.parked_kind == "approval":
        found.append(Need(p.id, f"{title} waits for your approval", f"jarvis queue approve {p.id}"))
    if not p.checks:
        found.append(Need(p.id, f"{title} has no check, so it would end unproved and wait for your look", f"jarvis queue edit {p.id} --check '…'"))
    return found


def _why(own: Sequence[Piece], weekend: Weekend, p50: float, now: datetime, zone: ZoneInfo, lanes: int) -> list[str]:
    said = []
    dated = sorted((p for p in own if p.due), key=lambda p: (p.due, p.id))
    if dated and dated[0].due:
        word = "was" if dated[0].due < now else "is"
        more = f" ({len(dated)} dated in all)" if len(dated) > 1 else ""
        said.append(f"“{shorten(dated[0].title, 60)}” {word} due {dated[0].due.astimezone(zone):%a %d %b %H:%M}{more}")
    waiting = sum(p.unblocks for p in own)
    if waiting:
        said.append(f"{plural(waiting, 'other task')} {'waits' if waiting == 1 else 'wait'} for it")
    urgent = [w for w in ("CRITICAL", "HIGH") if any(p.priority == w for p in own)]
    if urgent:
        said.append(f"{listed([f'{sum(p.priority == w for p in own)} {w}' if len(own) > 1 else w for w in urgent])} priority")
    oldest = max(own, key=lambda p: (_days(p, now), p.id))
    if _days(oldest, now) >= LONG_WAIT:
        said.append(f"waiting {_days(oldest, now):.0f} days")
    free = f"{spell(weekend.free_h)} are free, for {at_once(lanes, 'task')}" if lanes > 1 and len(own) > 1 else f"{spell(weekend.free_h)} are free"
    return [*said, f"takes {spell(p50)}; {free}"]


def _hours_from(own: Sequence[Piece]) -> str:
    """Where the hours come from, in one sentence."""
    told = [p.why_h for p in own if p.why_h]
    if not told:
        return "From your estimates with the reserve of [night]; nothing is learned yet."
    return told[0] if len(told) == len(own) == 1 else f"Learned for {len(told)} of {plural(len(own), 'task')}: {told[0]}"
