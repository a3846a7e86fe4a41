"""`python -m tests.bench.planning`: how good is the planner against OR-tools CP-SAT, how fast is it, and how much does it move?

Ratios only; both sides of each are of the same run. Instances are seeded and told as such: hours are lognormal, 60% have a due date,
15% wait for another one, 5% change a common file. CP-SAT is a development dependency and is imported nowhere else.
"""

import argparse
import json
import math
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from jarvis_lib.build_scheduler import pick, plan, working_windows
from jarvis_lib.build_scheduler.room import belongs, seconds, up
from jarvis_lib.model.plan import Candidate, Forecast, Plan, Slot
from jarvis_lib.model.settings import parse
from jarvis_lib.model.task import PRIORITIES
from jarvis_lib.model.window import Window

ZONE = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 11, 23, 17, 0, tzinfo=UTC)
SETTINGS = parse("")
NOISE = 0.5
_Z = {"p10": -1.2816, "p50": 0.0, "p80": 0.8416, "p90": 1.2816}


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the table: what was measured, the figure, and the goal that it is held against."""

    what: str
    figure: float
    goal: str
    met: bool
    note: str = ""

    def said(self) -> str:
        return f"| {self.what} | {self.figure:.3f} | {self.goal} | {'yes' if self.met else 'NO'} | {self.note} |"


# --- instances -----------------------------------------------------------------------------------------------------------


def windows_of(days: int) -> list[Window]:
    return working_windows(SETTINGS, ZONE, now=NOW, days=days)


def capacity_h(windows: Sequence[Window], lanes: int) -> float:
    return sum((w.end - max(w.start, NOW)) / timedelta(hours=1) for w in windows) * lanes


def instance(count: int, *, load: float, windows: Sequence[Window], lanes: int, seed: int, dated: float = 0.6) -> list[Candidate]:
    """`count` tasks that need `load` times the hours of the windows; a share of them is `dated`."""
    chance = random.Random(seed)
    raw = [min(max(chance.lognormvariate(0.5, 0.8), 0.1), 12.0) for _ in range(count)]
    factor = load * capacity_h(windows, lanes) / (sum(raw) * 1.25)
    days = (windows[-1].end - NOW) / timedelta(days=1)
    found: list[Candidate] = []
    for i, hours in enumerate(raw):
        own = min(max(round(hours * factor, 3), 0.02), 12.0)
        after = (found[chance.randrange(i)].id,) if i and chance.random() < 0.15 else ()
        due = NOW + timedelta(hours=round(chance.uniform(4, days * 24), 3)) if chance.random() < dated else None
        changes = (f"file{chance.randrange(5)}.db",) if chance.random() < 0.05 else ()
        priority = chance.choice(list(PRIORITIES))
        added_at = NOW - timedelta(days=chance.uniform(0, 20))
        need = min(own * 1.25, max(own, 11.9))
        found.append(Candidate(f"t{i:05d}", f"Task {i}", "queued", priority, "Documentation", own, need, after, after, due, added_at, changes=changes))
    return found


def on_time_value(made: Plan, tasks: Sequence[Candidate]) -> int:
    due = {c.id: c.due for c in tasks}
    worth = {c.id: PRIORITIES[c.priority] for c in tasks}
    return sum(worth[s.task] for s in made.slots if (d := due[s.task]) is None or s.end <= d)


# --- CP-SAT --------------------------------------------------------------------------------------------------------------


def cp_sat(
    tasks: Sequence[Candidate], windows: Sequence[Window], *, lanes: int, now: datetime, limit_s: float, hint: Plan | None = None
) -> tuple[float, float, dict[str, int]]:
    """(its best on-time value, its bound, the starts) within `limit_s`; two workers. From a `hint` on it can only be better."""
    from ortools.sat.python import cp_model

    model = cp_model.CpModel()
    spans = [(max(up(w.start), up(now)), int(w.end.timestamp())) for w in windows]
    there: dict[str, Any] = {}
    starts: dict[str, Any] = {}
    ends: dict[str, Any] = {}
    intervals: list[Any] = []
    files: dict[str, list[Any]] = {}
    worth = []
    hinted = {s.task: int(s.start.timestamp()) for s in hint.slots} if hint else {}
    for c in tasks:
        need = seconds(c)
        holds = [[a, b - need] for (a, b), w in zip(spans, windows, strict=True) if belongs(c, w) and b - a >= need]
        if not holds:
            continue
        start = model.new_int_var_from_domain(cp_model.Domain.from_intervals(holds), "")
        present = model.new_bool_var("")
        if hint is not None:
            model.add_hint(present, c.id in hinted)
            model.add_hint(start, hinted.get(c.id, holds[0][0]))
        interval = model.new_optional_fixed_size_interval_var(start, need, present, "")
        there[c.id], starts[c.id], ends[c.id] = present, start, start + need
        intervals.append(interval)
        for path in c.changes:
            files.setdefault(path, []).append(interval)
        value = present
        if c.due is not None:
            value = model.new_bool_var("")
            model.add_implication(value, present)
            model.add(start + need <= int(c.due.timestamp())).only_enforce_if(value)
            if hint is not None:
                model.add_hint(value, c.id in hinted and hinted[c.id] + need <= int(c.due.timestamp()))
        worth.append(PRIORITIES[c.priority] * value)
    known = {c.id for c in tasks}
    for c in tasks:
        for b in c.unfinished if c.id in there else ():
            if b in there:
                model.add_implication(there[c.id], there[b])
                model.add(starts[c.id] >= ends[b]).only_enforce_if(there[c.id])
            elif b in known:
                model.add(there[c.id] == 0)
    room = lanes * sum(max(b - a, 0) for a, b in spans)
    model.add(sum(seconds(c) * there[c.id] for c in tasks if c.id in there) <= room)  # implied; it helps the solver's bound
    model.add_cumulative(intervals, [1] * len(intervals), lanes)
    for own in files.values():
        model.add_no_overlap(own)
    model.maximize(sum(worth))
    solver = cp_model.CpSolver()
    solver.parameters.max_time_in_seconds = limit_s
    solver.parameters.num_workers = 2
    solver.parameters.random_seed = 1
    status = solver.solve(model)
    if status not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
        return 0.0, math.inf, {}
    placed = {i: solver.value(starts[i]) for i, present in there.items() if solver.value(present)}
    return solver.objective_value, solver.best_objective_bound, placed


# --- against CP-SAT ------------------------------------------------------------------------------------------------------


def ratios(limit_s: float, say: Callable[[str], None], sizes: Sequence[int], seeds: Sequence[int]) -> list[Line]:
    night = [w for w in windows_of(1) if w.kind == "overnight"][:1]
    lines: list[Line] = []
    for count in sizes:
        lanes = 1 if count <= 30 else 3
        for what, windows, load, dated, goal in (
            ("on-time value, roomy fortnight", windows_of(14), 0.5, 0.6, 0.99),
            ("value tonight, undated", night, 1.5 + count / 100, 0.0, 0.99),
            ("on-time value, overloaded week", windows_of(7), 2.5, 0.6, 0.95),
        ):
            own, best, bound, took = 0.0, 0.0, 0.0, 0.0
            for seed in seeds:
                tasks = instance(count, load=load, windows=windows, lanes=lanes, seed=seed, dated=dated)
                begin = time.process_time()
                made = plan(tasks, windows, now=NOW, lanes=lanes, zone=ZONE)
                took += time.process_time() - begin
                own += on_time_value(made, tasks)
                value, top, _ = cp_sat(tasks, windows, lanes=lanes, now=NOW, limit_s=limit_s, hint=made)
                best, bound = best + value, bound + top
            ratio = own / best if best else math.inf
            note = f"{own / bound:.3f} of its bound; ours {took / len(seeds):.2f} s of processor, CP-SAT up to {limit_s:g} s"
            lines.append(Line(f"{what}, {count:,} tasks, {lanes} lane{'s' * (lanes > 1)}: ours / CP-SAT's best", ratio, f">= {goal}", ratio >= goal, note))
            say(lines[-1].said())
    return lines


# --- a week with noisy hours ---------------------------------------------------------------------------------------------


def noisy(tasks: Sequence[Candidate]) -> list[Candidate]:
    """The same tasks, with the true distribution of their hours as forecast."""
    found = []
    for c in tasks:
        q = {name: c.hours * math.exp(NOISE * z) for name, z in _Z.items()}
        found.append(replace(c, forecast=Forecast(**q, why="the true one"), need_h=min(q["p80"], max(11.9, c.hours))))
    return found


def week(tasks: Sequence[Candidate], *, lanes: int, seed: int, solver: float = 0.0, need: str = "p80") -> tuple[int, int]:
    """(on-time value completed, tasks killed at a window's end). By our dispatch, or by CP-SAT's plan of each window when `solver` seconds are given."""
    chance = random.Random(seed)
    real = {c.id: c.hours * math.exp(NOISE * chance.gauss(0, 1)) for c in tasks}
    left = {c.id: c for c in tasks}
    value = killed = 0
    for window in windows_of(7):
        begin = max(window.start, NOW)
        planned: list[str] | None = None
        if solver:
            cut = _shortlist(left, window, begin, lanes)
            if need == "p50":
                cut = [replace(c, need_h=c.hours) for c in cut]
            _, _, starts = cp_sat(cut, [window], lanes=lanes, now=begin, limit_s=solver)
            planned = sorted(starts, key=lambda i: (starts[i], i))
        done, dead = _worked(left, window, begin, lanes, real, planned)
        for i, at in done.items():
            due = left[i].due
            value += PRIORITIES[left[i].priority] if due is None or at <= due else 0
            del left[i]
        killed += dead
        gone = set(done)
        left = {i: replace(c, unfinished=tuple(b for b in c.unfinished if b not in gone)) for i, c in left.items()}
    return value, killed


def _shortlist(left: dict[str, Candidate], window: Window, begin: datetime, lanes: int) -> list[Candidate]:
    """What a solver of one window is given: all that fits, up to 150 of the best by value for each hour, with what they wait for."""
    fit = [c for c in left.values() if belongs(c, window) and all(b in left for b in c.unfinished)]
    fit.sort(key=lambda c: (-PRIORITIES[c.priority] / c.hours, c.id))
    chosen = {c.id: c for c in fit[:150]}
    for c in list(chosen.values()):
        chosen |= {b: left[b] for b in c.unfinished}
    return [replace(c, unfinished=tuple(b for b in c.unfinished if b in chosen)) for c in chosen.values() if all(b in chosen for b in c.unfinished)]


def _worked(
    left: dict[str, Candidate], window: Window, begin: datetime, lanes: int, real: dict[str, float], planned: list[str] | None
) -> tuple[dict[str, datetime], int]:
    """(what was done and when, how many were killed): one window, worked with the real hours."""
    now, done, running, tried = begin, {}, {}, set()
    while True:
        while len(running) < lanes:
            taken = {p for i in running for p in left[i].changes}
            free = [replace(c, unfinished=tuple(b for b in c.unfinished if b not in done)) for i, c in left.items() if i not in tried]
            chosen = _next(free, window, now, taken, planned)
            if chosen is None:
                break
            tried.add(chosen)
            running[chosen] = now + timedelta(hours=real[chosen])
        if not running:
            return done, 0
        first = min(running, key=lambda i: (running[i], i))
        if running[first] > window.end:
            return done, len(running)
        now = running.pop(first)
        done[first] = now


def _next(free: Sequence[Candidate], window: Window, now: datetime, taken: set[str], planned: list[str] | None) -> str | None:
    if now >= window.end:
        return None
    if planned is None:
        open_now = [c for c in free if belongs(c, window)]
        chosen, _ = pick(open_now, left_h=(window.end - now) / timedelta(hours=1), now=now, taken_changes=taken, others=free)
        return chosen.id if chosen else None
    table = {c.id: c for c in free}
    return next((i for i in planned if i in table and not table[i].unfinished and not taken & set(table[i].changes)), None)


def noise(limit_s: float, say: Callable[[str], None], seeds: Sequence[int]) -> list[Line]:
    lanes, each = 3, max(limit_s / 12, 1.0)
    own = [0, 0]
    solved = {"p80": [0, 0], "p50": [0, 0]}
    for seed in seeds:
        tasks = noisy(instance(200, load=2.0, windows=windows_of(7), lanes=lanes, seed=seed))
        own = [a + b for a, b in zip(own, week(tasks, lanes=lanes, seed=seed), strict=True)]
        for need, sums in solved.items():
            solved[need] = [a + b for a, b in zip(sums, week(tasks, lanes=lanes, seed=seed, solver=each, need=need), strict=True)]
    lines = []
    for need, (value, killed) in solved.items():
        ratio = own[0] / value if value else math.inf
        what = f"CP-SAT re-planned each window at {need}"
        lines.append(Line(f"noisy week, value done: dispatch / {what}", ratio, ">= 1", ratio >= 1, f"{own[0]} against {value}"))
        share = own[1] / killed if killed else math.inf
        lines.append(Line(f"noisy week, killed at a window's end: dispatch / {what}", share, "< 1", share < 1, f"{own[1]} against {killed}"))
        for line in lines[-2:]:
            say(line.said())
    return lines


# --- speed, moves, order -------------------------------------------------------------------------------------------------


def quick(say: Callable[[str], None]) -> list[Line]:
    windows = windows_of(14)
    lines = []
    tasks = instance(5000, load=9.0, windows=windows, lanes=3, seed=7)
    begin = time.process_time()
    made = plan(tasks, windows, now=NOW, lanes=3, zone=ZONE)
    took = time.process_time() - begin
    lines.append(Line("5,000 tasks over 14 days, seconds of processor", took, "< 2", took < 2, f"{len(made.slots)} placed"))
    begin = time.process_time()
    again = plan(tasks, windows, now=NOW, lanes=3, zone=ZONE, previous=made.slots, settled=[o.task for o in made.omissions])
    took = time.process_time() - begin
    lines.append(Line("the same, repaired with nothing new", took, "< 2", took < 2, f"{moved(made.slots, again)} moved"))
    shuffled = list(tasks)
    random.Random(1).shuffle(shuffled)
    same = json.dumps(plan(shuffled, windows, now=NOW, lanes=3, zone=ZONE).to_json()) == json.dumps(made.to_json())
    lines.append(Line("shuffled input gives the same bytes", float(same), "1", same))
    for line in lines:
        say(line.said())
    return lines


def moved(old: Sequence[Slot], new: Plan) -> int:
    before = {(s.task, s.part): s.start for s in old}
    after = {(s.task, s.part): s.start for s in new.slots}
    return sum(after.get(key) != start for key, start in before.items())


def urgent(say: Callable[[str], None]) -> list[Line]:
    """One urgent task is added to a plan that is full: how much of it moves, repaired and planned from nothing?"""
    lines = []
    for count, lanes, load in ((30, 1, 0.7), (120, 3, 0.9), (500, 3, 2.5)):
        windows = windows_of(14)
        shares = {"repaired": [0, 0], "planned from nothing": [0, 0]}
        in_time = 0
        for seed in range(12):
            tasks = instance(count, load=load, windows=windows, lanes=lanes, seed=seed)
            made = plan(tasks, windows, now=NOW, lanes=lanes, zone=ZONE)
            due = NOW + timedelta(hours=random.Random(seed).uniform(30, 80))
            new = Candidate("urgent", "Urgent", "queued", "CRITICAL", "Documentation", 2.0, 2.5, (), (), due, NOW)
            settled = [o.task for o in made.omissions]
            repaired = plan([*tasks, new], windows, now=NOW, lanes=lanes, zone=ZONE, previous=made.slots, settled=settled)
            full = plan([*tasks, new], windows, now=NOW, lanes=lanes, zone=ZONE)
            in_time += any(s.task == "urgent" and s.end <= due for s in repaired.slots)
            for own, other in ((shares["repaired"], repaired), (shares["planned from nothing"], full)):
                own[0] += moved(made.slots, other)
                own[1] += len(made.slots)
        figure = shares["repaired"][0] / shares["repaired"][1]
        whole = shares["planned from nothing"][0] / shares["planned from nothing"][1]
        note = f"planned from nothing {whole:.3f}; urgent one in time {in_time} of 12"
        lines.append(Line(f"share of placements that one urgent task moves, {count} tasks", figure, "< 0.04", figure < 0.04, note))
        say(lines[-1].said())
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description="The planner against CP-SAT, as ratios.")
    parser.add_argument("--seconds", type=float, default=60.0, help="CP-SAT's time for each instance")
    parser.add_argument("--seeds", type=int, default=2, help="instances of each kind")
    parser.add_argument("--sizes", type=int, nargs="*", default=[30, 120, 500, 5000])
    parser.add_argument("--only", choices=("ratios", "noise", "quick", "urgent"), help="one part alone")
    given = parser.parse_args()
    seeds = range(1, given.seeds + 1)
    print("| what | figure | goal | met | note |\n|---|---|---|---|---|", flush=True)

    def say(line: str) -> None:
        print(line, flush=True)

    lines: list[Line] = []
    lines += quick(say) if given.only in (None, "quick") else []
    lines += urgent(say) if given.only in (None, "urgent") else []
    lines += noise(given.seconds, say, seeds) if given.only in (None, "noise") else []
    lines += ratios(given.seconds, say, given.sizes, seeds) if given.only in (None, "ratios") else []
    print(f"\n{sum(line.met for line in lines)} of {len(lines)} goals met. Instances are made up (seeded); ratios are of this run.")


if __name__ == "__main__":
    main()
