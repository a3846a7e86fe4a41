"""Will it all be done by the end of work? A window is worked a few thousand times on paper, with hours drawn from what was learned.

Each night has one factor that all its tasks share (a slow machine, a hard week), so a night is less sure than its tasks are one by one.
Tasks start as the session starts them: in their order, on so many lanes, after what they wait for, never two on one file, and only
while their hours at p80 still fit. Standard library only; same input and seed, same answer.
"""

import math
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from heapq import heapify, heappop, heappush
from random import Random
from statistics import NormalDist
from typing import Any

from jarvis_lib.build_scheduler.dispatch import SITTING_H
from jarvis_lib.model.fact import stamp
from jarvis_lib.model.plan import Candidate, Luck, Plan, Slot
from jarvis_lib.model.task import shared_paths
from jarvis_lib.model.window import Window

NIGHTS = 2_000
FORESEEN = timedelta(days=7)
NO_LUCK = Luck()
PLAIN_SPREAD = 0.5
"""The spread of log hours of a task that nothing is known about but a person's estimate."""
_NORMAL = NormalDist()
_Z10, _Z80, _Z90 = _NORMAL.inv_cdf(0.1), _NORMAL.inv_cdf(0.8), _NORMAL.inv_cdf(0.9)


@dataclass(frozen=True, slots=True)
class Job:
    """One task of a window: its p10, p50, p80 and p90 hours, what it waits for and changes, and how long it has run already.

    `need_h` is what must be left for its start (its p80, if nothing is said): the plan keeps no more free than a window has.
    """

    id: str
    quantiles: tuple[float, float, float, float]
    after: tuple[str, ...] = ()
    changes: tuple[str, ...] = ()
    resumable: bool = False
    running_h: float | None = None
    need_h: float | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a job ends over all nights: the share of nights in which it is done in time, and its end in hours from the start (None: not in time)."""

    id: str
    done: float
    start_p50: float | None
    p50: float | None
    p80: float | None


@dataclass(frozen=True, slots=True)
class Simulated:
    """All jobs, the share of nights in which every one was done in time, and the end of the last one in hours (inf: not in time)."""

    jobs: tuple[Outcome, ...]
    all_done: float
    p50: float
    p80: float


@dataclass(frozen=True, slots=True)
class Finish:
    """How probable it is that all tasks of one window are done by the end of its work, and when the last one ends."""

    window: str
    tasks: int
    probability: float
    p50_end: datetime
    p80_end: datetime

    def to_json(self) -> dict[str, Any]:
        """Plain JSON: the probability in [0, 1], both ends as UTC stamps."""
        return {
            "window": self.window,
            "tasks": self.tasks,
            "probability": self.probability,
            "p50_end": stamp(self.p50_end),
            "p80_end": stamp(self.p80_end),
        }


# --- one window ----------------------------------------------------------------------------------------------------------


def simulate(jobs: Sequence[Job], *, hours: float, lanes: int, seed: int, nights: int = NIGHTS, luck: Luck = NO_LUCK) -> Simulated:
    """Work the jobs in their order through `nights` windows of `hours`. `luck` is what past nights have taught, and probabilities mean that."""
    chance = Random(seed)
    factors = [_NORMAL.inv_cdf((k + 0.5) / nights) for k in range(nights)]
    curves = [_curve(job.quantiles) for job in jobs]
    common, own = math.sqrt(luck.shared), math.sqrt(1 - luck.shared)
    ends: list[list[float]] = [[] for _ in jobs]
    starts: list[list[float]] = [[] for _ in jobs]
    lasts: list[float] = []
    rules = _rules(jobs)
    for factor in factors:
        drawn = [_draw(curve, common * factor + own * chance.gauss(0.0, 1.0), job.running_h) for curve, job in zip(curves, jobs, strict=True)]
        began, ended = _work(rules, drawn, hours, lanes)
        for i in range(len(jobs)):
            starts[i].append(began[i])
            ends[i].append(ended[i])
        lasts.append(max(ended, default=0.0))
    lasts.sort()
    told = tuple(_told(job, sorted(starts[i]), sorted(ends[i]), luck) for i, job in enumerate(jobs))
    return Simulated(told, luck.means(sum(last <= hours for last in lasts) / nights), _at(lasts, 0.5), _at(lasts, 0.8))


def _curve(quantiles: tuple[float, float, float, float]) -> tuple[float, ...]:
    """log hours at p50 and p80, and the slopes (log hours for each sigma) below p50, to p80, to p90 and beyond."""
    p10, p50, p80, p90 = (math.log(max(q, 1e-6)) for q in quantiles)
    below = max(p50 - p10, 1e-6) / -_Z10
    to80 = max(p80 - p50, 1e-6) / _Z80
    beyond = max((p90 - p80) / (_Z90 - _Z80), to80)
    return p50, below, to80, beyond


def _draw(curve: tuple[float, ...], z: float, running_h: float | None) -> float:
    """Hours from the curve; of a running job what is left of them."""
    p50, below, to80, beyond = curve
    log = p50 + z * below if z < 0 else p50 + z * to80 if z < _Z80 else p50 + _Z80 * to80 + (z - _Z80) * beyond
    whole = math.exp(log)
    return whole if running_h is None else max(whole - running_h, 0.1 * whole)


@dataclass(frozen=True, slots=True)
class _Rules:
    """What a night must respect, by the jobs' numbers."""

    waits: list[set[int]]
    clashes: list[set[int]]
    needs: list[float]
    """Hours that must be left for a start."""
    running: list[int]
    queued: list[int]


def _rules(jobs: Sequence[Job]) -> _Rules:
    here = {job.id: i for i, job in enumerate(jobs)}
    return _Rules(
        [{here[a] for a in job.after if a in here} for job in jobs],
        [{k for k, b in enumerate(jobs) if k != i and a.changes and shared_paths(a.changes, b.changes)} for i, a in enumerate(jobs)],
        [min(_need(job), SITTING_H) if job.resumable else _need(job) for job in jobs],
        [i for i, job in enumerate(jobs) if job.running_h is not None],
        [i for i, job in enumerate(jobs) if job.running_h is None],
    )


def _need(job: Job) -> float:
    return job.quantiles[2] if job.need_h is None else min(job.need_h, job.quantiles[2])


def _work(rules: _Rules, drawn: Sequence[float], hours: float, lanes: int) -> tuple[list[float], list[float]]:
    """(starts, ends) of one night; inf for what was not started or not done by its end."""
    began, ended = [math.inf] * len(drawn), [math.inf] * len(drawn)
    running = [(drawn[i], i) for i in rules.running]
    for i in rules.running:
        began[i] = 0.0
    heapify(running)
    queue = rules.queued
    now = 0.0
    while True:
        left = hours - now + 1e-9
        waiting = []
        for n, i in enumerate(queue):
            if len(running) >= lanes:
                waiting += queue[n:]
                break
            if rules.needs[i] > left:
                continue  # the time left only shrinks
            if any(ended[w] > now for w in rules.waits[i]) or (rules.clashes[i] and any(k in rules.clashes[i] for _, k in running)):
                waiting.append(i)
                continue
            began[i] = now
            heappush(running, (now + drawn[i], i))
        queue = waiting
        if not running:
            return began, ended
        now, i = heappop(running)
        if now > hours:
            return began, ended
        ended[i] = now


def _told(job: Job, starts: Sequence[float], ends: Sequence[float], luck: Luck) -> Outcome:
    done = luck.means(sum(end < math.inf for end in ends) / max(len(ends), 1))
    return Outcome(job.id, done, *(None if v == math.inf else v for v in (_at(starts, 0.5), _at(ends, 0.5), _at(ends, 0.8))))


def _at(ordered: Sequence[float], share: float) -> float:
    return ordered[min(math.ceil(share * len(ordered)) - 1, len(ordered) - 1)] if ordered else 0.0


# --- from a plan ---------------------------------------------------------------------------------------------------------


def jobs_of(slots: Sequence[Slot], tasks: Mapping[str, Candidate], running: Mapping[str, float]) -> list[Job]:
    """The slots of one window as jobs, in their order. `running` says how many hours what runs has run already."""
    found = []
    for slot in sorted(slots, key=lambda s: (s.start, s.lane, s.task)):
        task = tasks[slot.task]
        hours = quantiles(task)
        if slot.parts > 1:
            share = (slot.end - slot.start) / timedelta(hours=1) / hours[2]
            hours = (hours[0] * share, hours[1] * share, hours[2] * share, hours[3] * share)
        found.append(
            Job(slot.task, hours, task.unfinished, task.changes, task.resumable, running.get(slot.task, 0.0) if task.state == "running" else None, task.need_h)
        )
    return found


def quantiles(task: Candidate) -> tuple[float, float, float, float]:
    """p10, p50, p80 and p90 hours: the learned ones, or those of a person's estimate with its reserve."""
    own = task.forecast
    if own is not None:
        return own.p10, own.p50, own.p80, own.p90
    spread = max(math.log(task.need_h / task.hours) / _Z80, 0.0) or PLAIN_SPREAD
    middle = task.need_h / math.exp(spread * _Z80)
    return middle * math.exp(_Z10 * spread), middle, task.need_h, middle * math.exp(_Z90 * spread)


def finishes(
    plan: Plan,
    tasks: Sequence[Candidate],
    windows: Sequence[Window],
    *,
    now: datetime,
    lanes: int,
    seed: int,
    nights: int = 200,
    luck: Luck = NO_LUCK,
    running: Mapping[str, float] | None = None,
) -> list[Finish]:
    """For each window of the next FORESEEN with slots: the probability that all of them are done by its end.

    An end that is not reached counts as the window's end. `running` says how many hours what runs has run already.
    The first window is worked NIGHTS times, the others `nights` times. A window that the calendar divides counts as one.
    """
    table = {c.id: c for c in tasks}
    windows = [w for w in windows if w.start < now + FORESEEN]
    parts: dict[str, list[tuple[Window, list[Slot]]]] = {}
    for window in windows:
        own = [s for s in plan.slots if window.start <= s.start < window.end and s.window == window.key]
        if own:
            parts.setdefault(window.key, []).append((window, own))
    found: list[Finish] = []
    for key, divided in parts.items():
        probability, p50, p80 = 1.0, now, now
        for window, own in divided:
            begin = max(window.start, now)
            hours = (window.end - begin) / timedelta(hours=1)
            jobs = jobs_of(own, table, running or {})
            done = simulate(jobs, hours=hours, lanes=lanes, seed=_seed(seed, key), nights=nights if found else NIGHTS, luck=luck)
            probability *= done.all_done
            p50, p80 = (begin + timedelta(hours=min(end, hours)) for end in (done.p50, done.p80))
        found.append(Finish(key, len({s.task for _, own in divided for s in own}), round(probability, 4), p50, p80))
    return found


def _seed(seed: int, key: str) -> int:
    return zlib.crc32(f"{seed}:{key}".encode())
