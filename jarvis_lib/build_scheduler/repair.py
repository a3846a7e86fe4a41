"""What still holds of the plan before? That stays put; only what has lost its place, is new, or must make room for a dated task moves.

Frozen (what runs, is pinned, or starts soon) never moves. A dated task that finds no room bumps the cheapest set of strictly less
important tasks; these look for another place once. Room that an ended task left goes to whoever gains enough by it.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from jarvis_lib.build_scheduler import rank
from jarvis_lib.build_scheduler.placing import Moved, Places, Placing
from jarvis_lib.build_scheduler.room import NEVER, Spot, belongs, seconds, up
from jarvis_lib.model.plan import Slot
from jarvis_lib.model.prose import spell
from jarvis_lib.model.task import PRIORITIES

WEIGHTS = {"CRITICAL": 81, "HIGH": 27, "MEDIUM": 9, "LOW": 3, "BACKLOG": 1}
"""What a task weighs when others are asked to make room: three of one level weigh as much as one of the next."""
GAIN_S = 12 * 3600
"""A task moves to an earlier window only for at least this gain; a plan that flickers for less is not read."""
SAME_NEED = 0.1
"""A place holds while its length is within this share of what is needed: learned hours change a little with every ending."""
SLIP_S = 30 * 60
"""A place still holds when it begins up to this much later, because what is before it in its lane took longer."""
TRIES = 20
OVER = "that window is over, or closed by your calendar or settings"


@dataclass(frozen=True, slots=True)
class Before:
    """The plan before, by task."""

    slots: dict[str, tuple[Slot, ...]]

    @classmethod
    def of(cls, previous: Sequence[Slot]) -> "Before":
        """From the slots of the plan before; each task's sittings by their start."""
        found: dict[str, list[Slot]] = defaultdict(list)
        for slot in sorted(previous, key=lambda s: (s.start, s.lane, s.task)):
            found[slot.task].append(slot)
        return cls({i: tuple(slots) for i, slots in found.items()})

    def running(self, now: int) -> dict[str, tuple[int, int]]:
        """Task -> (lane, end) of its newest slot that has begun."""
        return {i: (s.lane, int(s.end.timestamp())) for i, slots in self.slots.items() for s in slots if up(s.start) <= now}

    def coming(self, task: str, now: int) -> tuple[Slot, ...]:
        """Its slots that have not begun, or should have begun a moment ago."""
        return tuple(s for s in self.slots.get(task, ()) if up(s.start) >= now - SLIP_S)


def keep(state: Placing, before: Before, freeze_s: int) -> None:
    """Each queued task of the plan before keeps its place where that still holds, pinned and soon starting ones first; then come new pins."""
    now = up(state.now)
    there = {i: slots for i in state.hopeful if (slots := before.coming(i, now))}
    soon = {i for i, slots in there.items() if up(slots[0].start) < now + freeze_s}

    def first(i: str) -> tuple[bool, bool, int, int, str]:
        return (there[i][0].window != state.table[i].pinned, i not in soon, up(there[i][0].start), there[i][0].lane, i)

    open_keys = {w.key for w in state.room.windows}
    for i in sorted(there, key=first):
        pinned = state.table[i].pinned if state.table[i].pinned in open_keys else ""
        if not pinned or all(s.window == pinned for s in there[i]):
            places = _still(state, i, there[i])
            if places:
                state.take(i, places)
                state.fixed.add(i)
                state.kept.add(i)
                if pinned or i in soon:
                    state.frozen.add(i)
    place_pins(state, before, soon)
    _mend_order(state)
    for i, slots in there.items():
        if i not in state.places:
            state.moved[i] = Moved(up(slots[0].start))


def _still(state: Placing, task: str, slots: Sequence[Slot]) -> Places:
    """The places of `slots`, if all are free, in open windows, and as long as needed (about); a little later where others took longer."""
    own, need = state.table[task], seconds(state.table[task])
    spans = [(up(s.start), int(s.end.timestamp())) for s in slots]
    total = sum(b - a for a, b in spans)
    if abs(total - need) > need * SAME_NEED:
        if len(slots) > 1:
            return ()
        spans = [(spans[0][0], spans[0][0] + need)]
    found: list[Spot] = []
    ready = state.ready(task)
    for slot, (start, end) in zip(slots, spans, strict=True):
        spot = state.room.kept(own, slot.window, slot.lane, start, end) if start >= ready else None
        spot = spot or state.room.slipped(own, slot.window, slot.lane, max(start, ready), start + SLIP_S, end - start)
        if spot is None:
            return ()
        found.append(spot)
        ready = spot.end
    return tuple(found)


def _mend_order(state: Placing) -> None:
    """What waits for something without a place, or with a later one, has to look for another place itself."""
    for i in state.links.order:
        if i in state.places and i in state.fixed:
            late = [b for b in state.table[i].unfinished if b in state.running_ends and state.running_ends[b] > state.start(i)]
            late += [b for b in state.links.blockers[i] if not _holds(state, b, state.start(i))]
            if late:
                _let_go(state, i)


def _holds(state: Placing, blocker: str, until: int) -> bool:
    """Does the blocker end by `until`? One that lost its place looks for another one before that."""
    if blocker not in state.places and blocker in state.hopeful and state.has_blockers(blocker):
        places = state.find(blocker, ready=state.ready(blocker), until=min(until, state.before_waiting(blocker)))
        state.take_some(blocker, places)
        if places:
            state.fixed.add(blocker)
    return blocker in state.places and state.end(blocker) <= until


def _let_go(state: Placing, task: str) -> None:
    state.release(task)
    for known in (state.fixed, state.frozen, state.kept):
        known.discard(task)


# --- making room ---------------------------------------------------------------------------------------------------------


def place_pins(state: Placing, before: Before, soon: Collection[str]) -> None:
    """Each pinned task into its window, after all that it waits for; where that is not possible, it is told and placed as any other."""
    pinned = [i for i in state.hopeful if state.table[i].pinned]
    for i in sorted(pinned, key=lambda i: (state.table[i].pinned.partition("@")[2], state.standings[i].key)):
        _place_pin(state, i, before, soon)


def _place_pin(state: Placing, task: str, before: Before, soon: Collection[str]) -> None:
    if task in state.pins_told:
        return
    if task in state.places:
        if all(state.window_key(spot) != state.table[task].pinned for spot in state.places[task]):
            state.pins_told[task] = OVER
        return
    for b in rank.closure(state.links, task)[:-1]:
        if state.table[b].pinned:
            _place_pin(state, b, before, soon)
    why = _pin(state, task, state.table[task].pinned)
    if not why:
        state.fixed.add(task)
        state.frozen.add(task)
        return
    state.pins_told[task] = why
    slots = before.coming(task, up(state.now))
    if slots and state.has_blockers(task) and state.ready(task) <= up(slots[0].start):
        state.take_some(task, _still(state, task, slots))
    if task in state.places:
        state.fixed.add(task)
        state.kept.add(task)
        if task in soon:
            state.frozen.add(task)


def _pin(state: Placing, task: str, key: str) -> str:
    """Place `task` in a window of `key`, and before it what it waits for; what keeps it from there, or an empty string."""
    ends = [end for (_, end), w in zip(state.room.spans, state.room.windows, strict=True) if w.key == key]
    if not ends:
        return OVER
    helped = []
    for b in rank.closure(state.links, task)[:-1]:
        if b not in state.places and state.has_blockers(b):
            state.take_some(b, state.find(b, ready=state.ready(b), until=max(ends)))
            helped.append(b)
    why = "what it waits for has no place before that"
    if state.has_blockers(task):
        ready = state.ready(task)
        places = state.find(task, ready=ready, only=key)
        state.take_some(task, places)
        if places or bump(state, task, until=NEVER, only=key):
            return ""
        why = _no_room(state, task, key, waits=ready > up(state.now) and ready + seconds(state.table[task]) > max(ends))
    for b in reversed(helped):
        state.release(b)
    return why


def _no_room(state: Placing, task: str, key: str, *, waits: bool) -> str:
    """What keeps a task that waits for nothing more, or for too long, out of a window."""
    own = [w for w in state.room.windows if w.key == key]
    hours, longest = state.table[task].hours, max(w.longest_h for w in own)
    if hours > longest:
        return f"it has {hours:g} h, and that window takes tasks of at most {longest:g} h"
    need = state.table[task].need_h
    if need > sum(w.hours for w in own):
        return f"{spell(need)} are kept free for it, and the window has {spell(sum(w.hours for w in own))}"
    return "what it waits for ends too late for it" if waits else "the window has no room of its length left"


def help_dated(state: Placing, task: str) -> bool:
    """A dated task that found no room: its kept blockers may move earlier, or less important tasks make room. True when it is in time."""
    chain = [i for i in rank.closure(state.links, task) if i in state.fixed and i not in state.frozen and i in state.places]
    if chain:
        old = {i: state.start(i) for i in chain}
        if state.reserve(task, {task, *chain}, loose=frozenset(chain)):
            for i, start in old.items():
                if state.start(i) != start:
                    state.fixed.discard(i)
                    state.kept.discard(i)
                    state.moved[i] = Moved(start, task)
            return True
    due = state.table[task].due
    return due is not None and state.has_blockers(task) and bump(state, task, until=int(due.timestamp()))


def bump(state: Placing, task: str, *, until: int, only: str = "") -> bool:
    """Place `task` where the cheapest set of others makes room. Those are less important, weigh less together, and nothing placed waits for them.

    With `only` (a pin), the others in that window make room whatever they are, unless they are pinned or run.
    """
    runs = sorted(_runs(state, task, state.ready(task), until, only))[:TRIES]
    for _, _, start, end, window, others in runs:
        old = {i: state.release(i) for i in others}
        places = state.find(task, ready=start, until=end, only=state.room.windows[window].key)
        if not places:
            for i, was in old.items():
                state.take(i, was)
            continue
        state.take(task, places)
        state.fixed.add(task)
        for i in sorted(others, key=lambda i: state.standings[i].key):
            _look_once(state, i, old[i], task)
        return True
    return False


def _look_once(state: Placing, task: str, old: Places, made_room_for: str) -> None:
    """A bumped task looks for another place once: in time if it was, else anywhere."""
    for known in (state.kept, state.frozen):
        known.discard(task)
    state.moved[task] = Moved(old[0].start, made_room_for)
    due = state.table[task].due
    ready = state.ready(task)
    in_time = state.find(task, ready=ready, until=int(due.timestamp())) if due is not None and old[-1].end <= due.timestamp() else ()
    state.take_some(task, in_time or state.find(task, ready=ready))
    state.fixed.add(task)


def _runs(state: Placing, task: str, ready: int, until: int, only: str) -> Iterator[tuple[int, int, int, int, int, tuple[str, ...]]]:
    """(weight, how many, start, end, window, tasks) of each set of neighbours whose room together would hold `task`."""
    own, need = state.table[task], seconds(state.table[task])
    most = NEVER if only else WEIGHTS[state.standings[task].priority]
    by_place: dict[tuple[int, int], list[tuple[int, int, str]]] = defaultdict(list)
    for i, places in state.places.items():
        for spot in places:
            by_place[spot.window, spot.lane].append((spot.start, spot.end, i))
    for (window, _lane), items in sorted(by_place.items()):
        key = state.room.windows[window].key
        first, last = max(state.room.spans[window][0], ready), min(state.room.spans[window][1], until)
        if last - first < need or (only and key != only) or not (only or belongs(own, state.room.windows[window])):
            continue
        row = sorted(item for item in items if item[1] > first and item[0] < last)
        for a in range(len(row)):
            weight, begin = 0, max(first, row[a - 1][1] if a else first)
            for b in range(a, len(row)):
                other = row[b][2]
                weight += WEIGHTS[state.table[other].priority]
                if weight >= most or not _may_go(state, task, other, forced=bool(only)):
                    break
                end = min(last, row[b + 1][0] if b + 1 < len(row) else last)
                if end - begin >= need:
                    yield weight, b - a + 1, begin, end, window, tuple(r[2] for r in row[a : b + 1])
                    break


def _may_go(state: Placing, task: str, other: str, *, forced: bool) -> bool:
    found, standing = state.table[other], state.standings.get(other)
    if standing is None or found.state != "queued" or len(state.places[other]) > 1 or other in rank.closure(state.links, task):
        return False
    if any(w in state.places for w in state.links.waiting[other]):
        return False
    if forced:
        return not (found.pinned and other in state.frozen)
    lower = PRIORITIES[standing.priority] < PRIORITIES[state.standings[task].priority]
    return lower and other not in state.frozen and other in state.fixed and not standing.due_from


# --- room that became free -----------------------------------------------------------------------------------------------


def pull_forward(state: Placing, before: Before) -> None:
    """What ended early or was taken out leaves room: who is best takes it, if that is in its own window or gains at least GAIN_S."""
    freed = _freed_windows(state, before)
    if not freed:
        return
    for i in state.ranked:
        if i in state.kept and i not in state.frozen and len(state.places[i]) == 1:
            places = gain(state, i)
            if not places or places[0].window not in freed:
                continue
            old = state.places[i][0]
            if places[0].window == old.window or old.start - places[0].start >= GAIN_S:
                state.release(i)
                state.take(i, places)
                state.kept.discard(i)
                if places[0].window != old.window:
                    state.moved[i] = Moved(old.start)


def gain(state: Placing, task: str) -> Places:
    """The earlier place that a kept task could have, or nothing."""
    old = state.release(task)
    found = state.find(task, ready=state.ready(task), until=old[-1].end) if state.has_blockers(task) else ()
    state.take(task, old)
    return found if found and found[0].start < old[0].start else ()


def _freed_windows(state: Placing, before: Before) -> set[int]:
    """Windows in which the plan before had a task that needs that place no more, because it is no longer queued or has ended early."""
    now, found = up(state.now), set()
    for i, slots in before.slots.items():
        task = state.table.get(i)
        if task is not None and task.state in ("queued", "running"):
            continue
        ends = [int(s.end.timestamp()) for s in slots if s.end.timestamp() > now]
        found |= {n for n, (a, b) in enumerate(state.room.spans) for end in ends if a < end <= b}
    return found
