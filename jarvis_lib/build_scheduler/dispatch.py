"""What starts now? The best task that still fits the time left, and for each other one why it does not start."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from jarvis_lib.build_scheduler import rank
from jarvis_lib.build_scheduler.reasons import named, pin_said, span, waiting_for_you
from jarvis_lib.build_scheduler.room import SITTING_S
from jarvis_lib.model.plan import Candidate
from jarvis_lib.model.prose import listed
from jarvis_lib.model.task import said_claims, shared_paths

PRESSING = timedelta(hours=8)
SITTING_H = SITTING_S / 3600
"""A resumable task starts where at least this, or its whole rest, is left."""

Prefer = Callable[[Candidate], bool]
Allow = Callable[[Candidate], str]


def pick(
    candidates: Sequence[Candidate],
    *,
    left_h: float,
    now: datetime,
    taken_changes: set[str],
    others: Sequence[Candidate] = (),
    window: str = "",
    prefer: Prefer | None = None,
    allow: Allow | None = None,
) -> tuple[Candidate | None, list[tuple[Candidate, str]]]:
    """(the task to start or None, every other candidate with the sentence why not), best rank first.

    It fits when its hours at p80 are at most `left_h` (a resumable one: when an hour is left) and it changes no file of `taken_changes`.
    `others` are never chosen; they may wait for a candidate, which then stands as high as they do. `window` is the key of the window that
    is worked: what is pinned to it goes first, what is pinned to another one waits for that. `prefer` puts tasks before the rest, and
    `allow` says in a sentence what keeps a task from these hours (empty: nothing).
    """
    chosen: Candidate | None = None
    passed: list[tuple[Candidate, str]] = []
    for task, standing in ordered(candidates, now=now, others=others, window=window, prefer=prefer):
        obstacle = why_not(task, left_h=left_h, taken_changes=taken_changes, window=window) or (allow(task) if allow else "")
        if not obstacle and chosen is None:
            chosen, best = task, standing
        elif not obstacle and chosen is not None:
            passed.append((task, _behind(task, standing, chosen, best, now, window)))
        else:
            passed.append((task, obstacle))
    return chosen, passed


def ordered(
    candidates: Sequence[Candidate], *, now: datetime, others: Sequence[Candidate] = (), window: str = "", prefer: Prefer | None = None
) -> list[tuple[Candidate, rank.Standing]]:
    """The candidates in the order in which they should start: pinned to `window`, pressing, preferred, and by rank among these and the rest."""
    ids = {c.id for c in candidates}
    table = {c.id: c for c in [*others, *candidates]}
    standings = rank.standings(table, rank.net(table), now=now)
    own = [(c, standings.get(c.id) or alone(c, now)) for c in {i: table[i] for i in sorted(ids)}.values()]

    def key(pair: tuple[Candidate, rank.Standing]) -> tuple[bool, bool, bool, float, int, str]:
        task, standing = pair
        last = prefer is not None and not prefer(task)
        return (not _is_pinned_to(task, window), not is_pressing(task, standing.due, now), last, *standing.key, task.id)

    return sorted(own, key=key)


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


def why_not(task: Candidate, *, left_h: float, taken_changes: set[str], window: str = "") -> str:
    """What keeps this task from starting now, or an empty string."""
    if task.state != "queued":
        return waiting_for_you(task)[1]
    if task.unfinished:
        return f"Waits for {listed(list(task.unfinished))}."
    if task.pinned and window and task.pinned != window and task.pinned.partition("@")[2] >= window.partition("@")[2]:
        return f"You pinned it to {pin_said(task.pinned)}."
    if task.need_h > left_h and not (task.resumable and left_h >= SITTING_H):
        return f"{span(task.need_h)} needed, {span(left_h, down=True) if left_h > 0 else 'nothing'} left."
    shared = shared_paths(task.changes, taken_changes)
    if shared:
        return f"It changes {said_claims(shared)}, which a running task is changing."
    return ""


def _is_pinned_to(task: Candidate, window: str) -> bool:
    return bool(window) and task.pinned == window


def _behind(task: Candidate, own: rank.Standing, chosen: Candidate, best: rank.Standing, now: datetime, window: str) -> str:
    if _is_pinned_to(chosen, window) and not _is_pinned_to(task, window):
        return f"After {named(chosen)}, which you pinned to this window."
    if is_pressing(chosen, best.due, now) and not is_pressing(task, own.due, now):
        return f"After {named(chosen)}, which must start soon to be in time."
    if own.rank > best.rank:
        return f"After {named(chosen)}, which goes first in these hours."
    return f"After {named(chosen)}: score {own.rank:.2f} against {best.rank:.2f}."
