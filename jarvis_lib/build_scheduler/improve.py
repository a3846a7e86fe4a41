"""Is there more value in the same hours? One task after the other that is late or has no place is put where others stand, if more is won than lost.

The budget is a count of attempts, never a time, so that the same queue gives the same plan on every machine.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence

from jarvis_lib.build_scheduler.placing import Places, Placing
from jarvis_lib.build_scheduler.room import NEVER, belongs, seconds
from jarvis_lib.model.task import PRIORITIES

ATTEMPTS, LIFTED, MOST_TASKS = 2_000, 100_000, 1_000
"""How often others are lifted out to look whether something better fits; a longer queue has something for every gap without it."""

FILL_FOR, FILLED = 4, 12
"""A loss of less than this is tried to be won back with up to so many others."""


def improve(state: Placing, attempts: int = ATTEMPTS) -> bool:
    """Raise the value that is done in time; True when something moved. Nothing fixed moves, and what others wait for stays before them."""
    left = min(attempts, LIFTED // max(len(state.hopeful), 1)) if len(state.hopeful) <= MOST_TASKS else 0
    found, moved = left > 0, False
    while found and left > 0:
        found = False
        missing = _missing(state)
        for i in missing:
            if state.in_time(i):
                continue
            left, better = _insert(state, i, left, missing)
            found, moved = found or better, moved or better
            if left <= 0:
                break
        state.fill()
    return moved


def _missing(state: Placing) -> list[str]:
    """Movable tasks that are not in time but could be, by value and shortness."""
    wanted = [i for i in state.hopeful if not state.in_time(i) and i not in state.fixed and (state.table[i].due is None or state.can_be_in_time(i))]
    return sorted(wanted, key=lambda i: (-worth(state, i) / state.table[i].need_h, i))


def worth(state: Placing, task: str) -> int:
    """The value of its priority."""
    return PRIORITIES[state.table[task].priority]


def _insert(state: Placing, task: str, left: int, missing: Sequence[str]) -> tuple[int, bool]:
    """Try to put `task` in time where others are; (attempts that remain, did it work)."""
    own = state.table[task]
    if not state.has_blockers(task):
        return left, False
    until = min(int(own.due.timestamp()) if own.due is not None else NEVER, state.before_waiting(task))
    was = state.release(task)
    ready = state.ready(task)
    for start, end, window, others in sorted(_neighbours(state, task, ready, until), key=lambda run: sum(worth(state, i) for i in run[3])):
        if left <= 0:
            break
        left -= 1
        if _exchange(state, task, (start, end, window), others, missing):
            return left, True
    state.take_some(task, was)
    return left, False


def _exchange(state: Placing, task: str, room: tuple[int, int, int], others: tuple[str, ...], missing: Sequence[str]) -> bool:
    """Others out, `task` in, others to where they fit; all as before unless more value is in time then.

    What has no due date can wait, so it makes no dated task late.
    """
    in_time = {i: state.in_time(i) for i in others}
    old = {i: state.release(i) for i in others}
    start, end, window = room
    places = state.find(task, ready=start, until=end, only=state.room.windows[window].key)
    gained, filled = worth(state, task) if places else 0, list[str]()
    if places:
        state.take(task, places)
        for i in sorted(others, key=lambda i: (-worth(state, i), i)):
            again = _again(state, i)
            state.take_some(i, again)
            lost = in_time[i] and not state.in_time(i)
            gained -= worth(state, i) if lost else 0
            if (i not in state.places and state.before_waiting(i) != NEVER) or (lost and state.table[i].due and not state.table[task].due):
                gained = -NEVER
                break
        if -FILL_FOR < gained <= 0:
            filled = _fill(state, missing)
            gained += sum(worth(state, i) for i in filled)
    if gained > 0:
        return True
    for i in (task, *others, *filled):
        state.release(i)
    for i, was in old.items():
        state.take(i, was)
    return False


def _fill(state: Placing, missing: Sequence[str]) -> list[str]:
    """Put the best of what has no place in time into the room that is left; those that found one."""
    found = []
    for i in [i for i in missing if i not in state.places][:FILLED]:
        places = _again(state, i)
        if places:
            state.take(i, places)
            found.append(i)
    return found


def _again(state: Placing, task: str) -> Places:
    due = state.table[task].due
    until = min(int(due.timestamp()) if due is not None else NEVER, state.before_waiting(task))
    return state.find(task, ready=state.ready(task), until=until) if state.has_blockers(task) else ()


def _neighbours(state: Placing, task: str, ready: int, until: int) -> Iterator[tuple[int, int, int, tuple[str, ...]]]:
    """(start, end, window, tasks): neighbours in a lane whose room together, with the gaps around, would hold `task`."""
    own, need = state.table[task], seconds(state.table[task])
    rows: dict[tuple[int, int], list[tuple[int, int, str]]] = defaultdict(list)
    for i, places in state.places.items():
        for spot in places:
            rows[spot.window, spot.lane].append((spot.start, spot.end, i))
    for (window, _lane), items in sorted(rows.items()):
        first, last = max(state.room.spans[window][0], ready), min(state.room.spans[window][1], until)
        if last - first < need or not belongs(own, state.room.windows[window]):
            continue
        row = sorted(item for item in items if item[1] > first and item[0] < last)
        for a in range(len(row)):
            begin = max(first, row[a - 1][1] if a else first)
            for b in range(a, len(row)):
                other = row[b][2]
                if other in state.fixed or state.table[other].state != "queued" or len(state.places[other]) > 1:
                    break
                end = min(last, row[b + 1][0] if b + 1 < len(row) else last)
                if end - begin >= need:
                    yield begin, end, window, tuple(r[2] for r in row[a : b + 1])
                    break
