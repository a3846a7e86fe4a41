"""The plan: dated tasks keep a place before their due date, everything goes as early as its rank allows, and each answer has a sentence.

A plan that exists is repaired: what still holds of it stays put (see repair.py). All others go through four steps. (1) What runs keeps its
lane, and the person's pins come first. (2) Dated tasks reserve the *last* place that still meets the due date, together with all that
they wait for; that leaves the early hours to whoever is worth most. (3) By rank, each task takes the first place that is free; a dated
one at the latest its reservation. (4) Gaps are closed from the left.
Who reserves first decides when there is too much to do: by priority keeps more value on time in a full fortnight (measured: up to one
point), by score in a hopelessly full one (up to ten). Both are tried, for a small queue also some shaken orders; in each, neighbours are
exchanged while more value gets in time (see improve.py). The best stands. Same input in any order, same plan.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from jarvis_lib.build_scheduler import rank, repair
from jarvis_lib.build_scheduler.improve import improve
from jarvis_lib.build_scheduler.placing import Claim, Placing
from jarvis_lib.build_scheduler.room import Room, moment, up
from jarvis_lib.build_scheduler.sentences import Words
from jarvis_lib.model.plan import Candidate, Omission, Plan, Slot
from jarvis_lib.model.window import Window

FREEZE_H = 12.0
MOST_TRIALS, TRIED_TASKS = 20, 600
"""A small queue is planned in several shaken orders, since little room is left to chance there; a large one gains nothing by it."""


def plan(
    candidates: Sequence[Candidate],
    windows: Sequence[Window],
    *,
    now: datetime,
    lanes: int,
    zone: ZoneInfo,
    previous: Sequence[Slot] = (),
    settled: Collection[str] = (),
    freeze_h: float = FREEZE_H,
) -> Plan:
    """Every candidate in slots (one, or several sittings of a resumable task) or else in omissions, with a code and a sentence (times in `zone`).

    Slots lie inside the given windows, from `now` on; a lane holds one task at a time; a task starts after all that it waits for has ended;
    tasks that change the same file never overlap. The caller hands over windows that are already cut to the hours in which work may end.
    With the slots of the plan before as `previous`, what still holds stays put, and what starts within `freeze_h` does not move at all.
    `settled` are tasks that had no place there and have not changed since: they take what is free, but make nobody move.
    """
    table = {c.id: c for c in sorted(candidates, key=lambda c: c.id)}
    before = repair.Before.of(previous)
    rules = _Rules(table, tuple(windows), now, lanes, before, int(freeze_h * 3600), frozenset(settled))
    best = rules.trial(rank.by_priority)
    if best.falls_short():
        more = 0 if best.kept else min(MOST_TRIALS, TRIED_TASKS // max(len(best.hopeful), 1))
        others = [rules.trial(rank.by_score), *(rules.trial(rank.by_score, seed) for seed in range(1, more + 1))]
        best = max([best, *others], key=Placing.value_on_time)
    words = Words(best, zone)
    return Plan(tuple(_slots(best, words)), tuple(_omissions(best, words)))


@dataclass(frozen=True, slots=True)
class _Rules:
    """What each trial starts from."""

    table: dict[str, Candidate]
    windows: tuple[Window, ...]
    now: datetime
    lanes: int
    before: repair.Before
    freeze_s: int
    settled: frozenset[str]

    def trial(self, claim: Claim, seed: int = 0) -> Placing:
        """One planning, in which dated tasks claim their places in the order of `claim`; a `seed` shakes the order of the others."""
        trial = Placing(self.table, Room(self.windows, now=self.now, lanes=self.lanes), self.now)
        if seed:
            trial.shake(seed)
        trial.keep_running(self.before.running(up(self.now)))
        repair.keep(trial, self.before, self.freeze_s)
        trial.reserve_dated(claim, lambda task: bool(trial.kept) and task not in self.settled and repair.help_dated(trial, task))
        trial.place_by_rank()
        trial.close_gaps()
        trial.place_by_rank()
        trial.fill()
        if improve(trial):
            trial.close_gaps()
        repair.pull_forward(trial, self.before)
        return trial


def _slots(own: Placing, words: Words) -> list[Slot]:
    found = []
    for i, places in sorted(own.places.items(), key=lambda item: (item[1][0].start, item[1][0].lane, item[0])):
        code, sentence = words.placed(own.table[i], places)
        for part, spot in enumerate(places, 1):
            found.append(Slot(i, own.window_key(spot), moment(spot.start), moment(spot.end), spot.lane, code, sentence, part, len(places)))
    return sorted(found, key=lambda s: (s.start, s.lane, s.task)) if any(s.parts > 1 for s in found) else found


def _omissions(own: Placing, words: Words) -> list[Omission]:
    left = [c for i, c in own.table.items() if i not in own.places]
    left.sort(key=lambda c: own.standings[c.id].key if c.id in own.standings else (0.0, 0))
    return [words.left_out(c, may_run=c.id in own.hopeful) for c in left]
