"""What starts now? The best task that still fits the time left, and for each other one why it does not start."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from jarvis_lib.build_scheduler import rank
from jarvis_lib.build_scheduler.reasons import named, span, waiting_for_you
from jarvis_lib.model.plan import Candidate
from jarvis_lib.model.prose import listed
from jarvis_lib.model.task import shared_paths

PRESSING = timedelta(hours=8)


def pick(
    candidates: Sequence[Candidate], *, left_h: float, now: datetime, taken_changes: set[str], others: Sequence[Candidate] = ()
) -> tuple[Candidate | None, list[tuple[Candidate, str]]]:
    """(the task to start or None, every other candidate with the sentence why not), best rank first.

    It fits when its hours with the reserve are at most `left_h` and it changes no file of `taken_changes`. `others` are never chosen;
    they may wait for a candidate, which then stands as high as they do.
    """
    chosen: Candidate | None = None
    passed: list[tuple[Candidate, str]] = []
    for task, standing in ordered(candidates, now=now, others=others):
        obstacle = why_not(task, left_h=left_h, taken_changes=taken_changes)
        if not obstacle and chosen is None:
            chosen, best = task, standing
        elif not obstacle and chosen is not None:
            passed.append((task, _behind(task, standing, chosen, best, now)))
        else:
            passed.append((task, obstacle))
    return chosen, passed


def ordered(candidates: Sequence[Candidate], *, now: datetime, others: Sequence[Candidate] = ()) -> list[tuple[Candidate, rank.Standing]]:
    """The candidates in the order in which they should start: pressing ones first, and by rank among these and among the rest."""
    ids = {c.id for c in candidates}
    table = {c.id: c for c in [*others, *candidates]}
    standings = rank.standings(table, rank.net(table), now=now)
    own = [(c, standings.get(c.id) or alone(c, now)) for c in {i: table[i] for i in sorted(ids)}.values()]
    return sorted(own, key=lambda pair: _key(pair[0], pair[1], now))


def alone(task: Candidate, now: datetime) -> rank.Standing:
    """The standing of a task in a circle: its own score, nothing inherited."""
    score = rank.value(task, now) / task.hours
    return rank.Standing(score, score, task.due, "", task.priority, "", 0)


def is_pressing(task: Candidate, due: datetime | None, now: datetime) -> bool:
    """In time if it starts now, late if it starts PRESSING later. What is late already has no claim over the rest."""
    if due is None:
        return False
    slack = due - timedelta(hours=task.need_h) - now
    return timedelta(0) <= slack < PRESSING


def why_not(task: Candidate, *, left_h: float, taken_changes: set[str]) -> str:
    """What keeps this task from starting now, or an empty string."""
    if task.state != "queued":
        return waiting_for_you(task)[1]
    if task.unfinished:
        return f"Waits for {listed(list(task.unfinished))}."
    if task.need_h > left_h:
        return f"{span(task.need_h)} needed, {span(left_h, down=True) if left_h > 0 else 'nothing'} left."
    shared = shared_paths(task.changes, taken_changes)
    if shared:
        return f"It changes {listed(shared)}, which a running task is changing."
    return ""


def _key(task: Candidate, standing: rank.Standing, now: datetime) -> tuple[bool, float, int, str]:
    return (not is_pressing(task, standing.due, now), *standing.key, task.id)


def _behind(task: Candidate, own: rank.Standing, chosen: Candidate, best: rank.Standing, now: datetime) -> str:
    if is_pressing(chosen, best.due, now) and not is_pressing(task, own.due, now):
        return f"After {named(chosen)}, which must start soon to be in time."
    return f"After {named(chosen)}: score {own.rank:.2f} against {best.rank:.2f}."
