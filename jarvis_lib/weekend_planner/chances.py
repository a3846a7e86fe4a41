"""Will it be done by Sunday evening? The same work laid out a thousand times, each time with hours that could be true.

Hours are lognormal between their p50 and p80; errors of one weekend are alike, so all tasks share SHARED of the variance. A task starts
where the hours kept free for it fit, as the session loop does; one that then takes longer than its window has lost that time and begins
again in the next (a resumable one goes on). Hence a sum's p80 is less than the sum of the p80s, and a chance knows windows and lanes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import exp, log, sqrt
from random import Random
from statistics import NormalDist, quantiles

from jarvis_lib.model.task import shared_paths
from jarvis_lib.model.weekend import Weekend

SHARED = 0.3
"""Share of the variance of log hours that the tasks of one weekend have in common; assumed, not learned."""
DRAWS = 1000
NORMAL = NormalDist()
Z80 = NORMAL.inv_cdf(0.8)
HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Work:
    """One task as the layout sees it. `need_h` is what is kept free for it; `spent_h` has it run already (then it runs now)."""

    id: str
    p50: float
    p80: float
    need_h: float
    after: tuple[str, ...] = ()
    changes: tuple[str, ...] = ()
    resumable: bool = False
    spent_h: float = 0.0


@dataclass(frozen=True, slots=True)
class Laid:
    """Where a task was laid: the key of the window it begins in, and its aware UTC times."""

    window: str
    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Outlook:
    """Hours of all the work together (p50 and p80 of the sum), and the probability that it is done in time."""

    p50: float
    p80: float
    chance: float


def lay_out(works: Sequence[Work], weekend: Weekend, *, lanes: int, now: datetime) -> dict[str, Laid]:
    """Where each task goes when it takes what is kept free for it: in the order given, as early as it can. What has no room is left out."""
    spans = _spans(weekend, now)
    placed = _simulate(works, spans, {w.id: _rest(w.need_h, w) for w in works}, lanes)
    return {i: Laid(weekend.spans[at].key, now + timedelta(hours=begin), now + timedelta(hours=end)) for i, (at, begin, end) in placed.items()}


def outlook(works: Sequence[Work], weekend: Weekend, *, lanes: int, now: datetime, seed: int, draws: int = DRAWS) -> Outlook:
    """The sum of the remaining hours, and the chance that everything ends by the weekend's `finish_by`."""
    if not works:
        return Outlook(0.0, 0.0, 1.0)
    random = Random(seed)
    spans, by = _spans(weekend, now), (weekend.finish_by - now) / HOUR
    sums, in_time = [], 0
    for _ in range(draws // 2):
        luck = [random.gauss(0, 1) for _ in range(len(works) + 1)]
        for side in (1.0, -1.0):  # each luck with its opposite: half the noise for the same work
            hours = {w.id: _one(w, side * luck[0], side * own) for w, own in zip(works, luck[1:], strict=True)}
            sums.append(sum(hours.values()))
            placed = _simulate(works, spans, hours, lanes)
            in_time += len(placed) == len(works) and max(end for _, _, end in placed.values()) <= by
    cuts = quantiles(sums, n=10, method="inclusive")
    return Outlook(cuts[4], cuts[7], in_time / len(sums))


def _spans(weekend: Weekend, now: datetime) -> list[tuple[float, float]]:
    return [((max(w.start, now) - now) / HOUR, (w.end - now) / HOUR) for w in weekend.spans if w.end > now]


def _rest(hours: float, work: Work) -> float:
    return max(hours - work.spent_h, 0.0)


def _one(work: Work, common: float, own: float) -> float:
    """Remaining hours in one possible weekend; what has run longer than expected is known to take at least that long."""
    sigma = max(log(work.p80 / work.p50) / Z80, 1e-6)
    if work.spent_h > 0:
        least = (log(work.spent_h / work.p50) / sigma - sqrt(SHARED) * common) / sqrt(1 - SHARED)
        floor = min(NORMAL.cdf(least), 1 - 1e-9)
        own = NORMAL.inv_cdf(min(floor + (1 - floor) * NORMAL.cdf(own), 1 - 1e-12)) if floor > 0 else own
    return _rest(work.p50 * exp(sigma * (sqrt(SHARED) * common + sqrt(1 - SHARED) * own)), work)


def _simulate(works: Sequence[Work], spans: Sequence[tuple[float, float]], hours: Mapping[str, float], lanes: int) -> dict[str, tuple[int, float, float]]:
    """(span, begin, end) of each task that ends in the spans. Blockers stand before what waits for them; files are changed by one at a time."""
    free = [0.0] * max(lanes, 1)
    placed: dict[str, tuple[int, float, float]] = {}
    ids = {w.id for w in works}
    for at, work in enumerate(works):
        if any(b in ids and b not in placed for b in work.after):
            continue
        ready = max((placed[b][2] for b in work.after if b in placed), default=0.0)
        if work.changes:
            ready = max([ready, *(placed[o.id][2] for o in works[:at] if o.id in placed and o.changes and shared_paths(o.changes, work.changes))])
        lane = min(range(len(free)), key=lambda n: (max(free[n], ready), n))
        spot = _spot(work, spans, max(free[lane], ready), hours[work.id])
        if spot is not None:
            placed[work.id] = spot
            free[lane] = spot[2]
    return placed


def _spot(work: Work, spans: Sequence[tuple[float, float]], ready: float, hours: float) -> tuple[int, float, float] | None:
    need, left, first, begun = _rest(work.need_h, work), hours, None, 0.0
    for n, (start, end) in enumerate(spans):
        begin = max(start, ready)
        room = end - begin
        if room <= 0 or (not work.resumable and not work.spent_h and need > room + 1e-9):
            continue
        if first is None or not work.resumable:
            first, begun = n, begin
        if left <= room + 1e-9:
            return first, begun, begin + left
        if work.resumable:
            left -= room
        elif work.spent_h:
            left = hours + work.spent_h  # it was ended with its window, and begins again from nothing
    return None
