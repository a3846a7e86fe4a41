"""Which task goes before which? By value for each hour over everything that it still waits for; blockers stand as high as what waits for them.

The score is the seed's own: priority value / hours. Waiting lifts it (at most threefold, after 60 days), so nothing small in value
waits for ever. Lateness alone lifts nothing: urgency first would starve all the rest when there is too much to do.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from heapq import heapify, heappop, heappush

from jarvis_lib.model.plan import Candidate
from jarvis_lib.model.task import PRIORITIES

AGEING_DAYS = 30.0
AGEING_ENDS_DAYS = 60.0


@dataclass(frozen=True, slots=True)
class Standing:
    """How one task stands: its own `score`, its `rank` (the best score that needs it), and whom it owes its due date or priority to.

    `due_from` and `priority_from` name the waiting task that the inherited value comes from; they are empty for its own.
    `order` rises along dependencies, so (-rank, order) never puts a task before its blocker.
    """

    score: float
    rank: float
    due: datetime | None
    due_from: str
    priority: str
    priority_from: str
    order: int

    @property
    def key(self) -> tuple[float, int]:
        """For sorting: the highest rank first, then the order in which the tasks came."""
        return (-self.rank, self.order)


def by_priority(standing: Standing) -> tuple[float, ...]:
    """Sorts by priority (inherited ones count), then by score."""
    return (-PRIORITIES[standing.priority], -standing.score, standing.order)


def by_score(standing: Standing) -> tuple[float, ...]:
    """Sorts by score alone."""
    return (-standing.score, standing.order)


@dataclass(frozen=True, slots=True)
class Net:
    """The open dependencies: who waits for whom, in both directions, an order that respects them, and the circles in it."""

    blockers: Mapping[str, tuple[str, ...]]
    waiting: Mapping[str, tuple[str, ...]]
    order: tuple[str, ...]
    circles: Mapping[str, tuple[str, ...]]


def waited_days(candidate: Candidate, now: datetime) -> float:
    """Days since it was added, never negative."""
    return max((now - candidate.added_at) / timedelta(days=1), 0.0)


def value(candidate: Candidate, now: datetime) -> float:
    """Its priority's value, lifted by waiting."""
    return PRIORITIES[candidate.priority] * (1.0 + min(waited_days(candidate, now), AGEING_ENDS_DAYS) / AGEING_DAYS)


def net(candidates: Mapping[str, Candidate]) -> Net:
    """The dependencies among `candidates`. What is in a circle, or waits for one, has no place in `order`."""
    ids = sorted(candidates)
    blockers = {i: tuple(sorted({b for b in candidates[i].unfinished if b in candidates})) for i in ids}
    waiting: dict[str, list[str]] = {i: [] for i in ids}
    for i in ids:
        for b in blockers[i]:
            waiting[b].append(i)
    order = _sorted_by_dependency(blockers, waiting)
    left = set(ids).difference(order)
    return Net(blockers, {i: tuple(w) for i, w in waiting.items()}, tuple(order), _circles(blockers, waiting, left))


def standings(candidates: Mapping[str, Candidate], links: Net, *, now: datetime) -> dict[str, Standing]:
    """The standing of every task that is in no circle and waits for none."""
    scores = _scores(candidates, links, now)
    found: dict[str, Standing] = {}
    for place, i in reversed(list(enumerate(links.order))):
        own = candidates[i]
        rank, due, due_from, best, best_from = scores[i], own.due, "", own.priority, ""
        for w in links.waiting[i]:
            above = found.get(w)
            if above is None:
                continue
            rank = max(rank, above.rank)
            if above.due is not None:
                until = above.due - timedelta(hours=candidates[w].need_h)
                if due is None or until < due:
                    due, due_from = until, above.due_from or w
            if PRIORITIES[above.priority] > PRIORITIES[best]:
                best, best_from = above.priority, above.priority_from or w
        found[i] = Standing(scores[i], rank, due, due_from, best, best_from, place)
    return found


def closure(links: Net, start: str) -> list[str]:
    """`start` and all that it waits for, blockers first."""
    seen, stack = {start}, [start]
    while stack:
        for b in links.blockers[stack.pop()]:
            if b not in seen:
                seen.add(b)
                stack.append(b)
    return _dependency_order(links, seen)


def _dependency_order(links: Net, chosen: Collection[str]) -> list[str]:
    if len(chosen) == 1:
        return list(chosen)
    counts = {i: sum(b in chosen for b in links.blockers[i]) for i in chosen}
    ready = sorted(i for i, n in counts.items() if n == 0)
    found: list[str] = []
    while ready:
        i = heappop(ready)
        found.append(i)
        for w in links.waiting[i]:
            if w in counts:
                counts[w] -= 1
                if counts[w] == 0:
                    heappush(ready, w)
    return found


def _sorted_by_dependency(blockers: Mapping[str, tuple[str, ...]], waiting: Mapping[str, Sequence[str]]) -> list[str]:
    counts = {i: len(b) for i, b in blockers.items()}
    ready = [i for i, n in counts.items() if n == 0]
    heapify(ready)
    found = []
    while ready:
        i = heappop(ready)
        found.append(i)
        for w in waiting[i]:
            counts[w] -= 1
            if counts[w] == 0:
                heappush(ready, w)
    return found


def _circles(blockers: Mapping[str, tuple[str, ...]], waiting: Mapping[str, Sequence[str]], left: set[str]) -> dict[str, tuple[str, ...]]:
    """Each task in a circle -> the members of one circle that it is in. Tasks that only wait for a circle are not in the answer."""
    found: dict[str, tuple[str, ...]] = {}
    for start in sorted(left):
        path: list[str] = []
        at: str | None = start
        while at is not None and at not in path and at not in found:
            path.append(at)
            at = next((b for b in blockers[at] if b in left), None)
        if at is not None and at in path:
            circle = path[path.index(at) :]
            found.update(dict.fromkeys(circle, tuple(sorted(circle))))
    return found


def _scores(candidates: Mapping[str, Candidate], links: Net, now: datetime) -> dict[str, float]:
    """Value / hours summed over each task and all that it waits for. A chain is summed on the way; only joins are walked."""
    sums: dict[str, tuple[float, float]] = {}
    simple: set[str] = set()
    for i in links.order:
        own, blockers = candidates[i], links.blockers[i]
        if not blockers:
            total = (value(own, now), own.hours)
            simple.add(i)
        elif len(blockers) == 1 and blockers[0] in simple:
            before = sums[blockers[0]]
            total = (before[0] + value(own, now), before[1] + own.hours)
            simple.add(i)
        else:
            whole = [candidates[c] for c in closure(links, i)]
            total = (sum(value(c, now) for c in whole), sum(c.hours for c in whole))
        sums[i] = total
    return {i: worth / hours for i, (worth, hours) in sums.items()}
