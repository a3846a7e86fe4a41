"""The plan: dated tasks keep a place before their due date, everything goes as early as its rank allows, and each answer has a sentence.

Four steps. (1) What runs keeps its lane. (2) Dated tasks reserve the *last* place that still meets the due date, together with all that
they wait for; that leaves the early hours to whoever is worth most. (3) By rank, each task takes the first place that is free; a dated
one at the latest its reservation. (4) Gaps are closed from the left.
Who reserves first decides when there is too much to do: by priority keeps more value on time in a full fortnight (measured: up to one
point), by score in a hopelessly full one (up to ten). Both are tried, the better stands. Same input in any order, same plan.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from jarvis_lib.build_scheduler import rank
from jarvis_lib.build_scheduler.room import NEVER, Room, Spot, moment, seconds, up
from jarvis_lib.build_scheduler.sentences import Words
from jarvis_lib.model.plan import Candidate, Omission, Plan, Slot
from jarvis_lib.model.task import PRIORITIES
from jarvis_lib.model.window import Window


def plan(candidates: Sequence[Candidate], windows: Sequence[Window], *, now: datetime, lanes: int, zone: ZoneInfo) -> Plan:
    """Every candidate in exactly one of slots and omissions, with a code and a sentence (times in `zone`).

    Slots lie inside the given windows, from `now` on; a lane holds one task at a time; a task starts after all that it waits for has ended;
    tasks that change the same file never overlap. The caller hands over windows that are already cut to the hours in which work may end.
    """
    table = {c.id: c for c in sorted(candidates, key=lambda c: c.id)}
    best = _trial(table, windows, now, lanes, rank.by_priority)
    if best.missed_due():
        other = _trial(table, windows, now, lanes, rank.by_score)
        best = max(best, other, key=_Planner.value_on_time)
    words = Words(table, best.links, best.standings, best.room, best.spots, now, zone)
    return Plan(tuple(_slots(best, words)), tuple(_omissions(best, words)))


def _trial(
    table: dict[str, Candidate], windows: Sequence[Window], now: datetime, lanes: int, claim: Callable[[rank.Standing], tuple[float, ...]]
) -> "_Planner":
    trial = _Planner(table, Room(windows, now=now, lanes=lanes), now)
    trial.keep_running()
    trial.reserve_dated(claim)
    trial.place_by_rank()
    trial.close_gaps()
    trial.place_by_rank()
    return trial


@dataclass
class _Planner:
    """The state of one planning: what may be placed, where it stands now."""

    table: dict[str, Candidate]
    room: Room
    now: datetime
    spots: dict[str, Spot] = field(default_factory=dict)
    running_ends: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """`hopeful` are the queued tasks that could have a place: a window takes them, and all that they wait for could have one too."""
        self.links = rank.net({i: c for i, c in self.table.items() if c.state == "queued"})
        self.standings = rank.standings(self.table, self.links, now=self.now)
        running = {i for i, c in self.table.items() if c.state == "running"}
        self.hopeful: dict[str, None] = {}
        for i in self.links.order:
            waits = self.table[i].unfinished
            if self.room.allowed(self.table[i]) and all(b in self.hopeful or b in running for b in waits):
                self.hopeful[i] = None
        self.ranked = sorted(self.hopeful, key=lambda i: self.standings[i].key)

    def keep_running(self) -> None:
        for i, task in self.table.items():
            if task.state == "running":
                spot = self.room.running(task, self.now)
                self.running_ends[i] = up(self.now) + seconds(task)
                if spot is not None:
                    self.room.take(task, spot)
                    self.spots[i] = spot

    # --- dated tasks -------------------------------------------------------------------------------------------------------

    def reserve_dated(self, claim: Callable[[rank.Standing], tuple[float, ...]]) -> None:
        """Each dated task that can still be in time reserves its place and those of its blockers, in the order of `claim`."""
        kept: set[str] = set()
        for i in sorted(filter(self._can_be_in_time, self.hopeful), key=lambda i: claim(self.standings[i])):
            if self._reserve(i, kept | {i}):
                kept.add(i)

    def _can_be_in_time(self, task: str) -> bool:
        due = self.table[task].due
        return due is not None and bool(self.room.spans) and up(self.now) < due.timestamp() <= self.room.spans[-1][1]

    def _reserve(self, task: str, kept: set[str]) -> bool:
        """Reserve for `task` and all that it waits for, from the last to the first. Puts everything back when one does not fit."""
        chain = rank.closure(self.links, task)
        before = {i: self.spots[i] for i in chain if i in self.spots}
        for i in before:
            self._release(i)
        for i in reversed(chain):
            own = self.table[i].due
            until = int(own.timestamp()) if own is not None and i in kept else NEVER
            until = min([until, *(self.spots[w].start for w in self.links.waiting[i] if w in self.spots)])
            spot = self.room.latest(self.table[i], ready=self._ready_of_running(i), until=until)
            if spot is None:
                for j in chain:
                    self._release(j)
                for j, old in before.items():
                    self._take(j, old)
                return False
            self._take(i, spot)
        return True

    def missed_due(self) -> bool:
        """True when a task that could have been in time is not."""
        return any(i not in self.spots or not self._in_time(i) for i in self.hopeful if self._can_be_in_time(i))

    def value_on_time(self) -> int:
        """The priority values of all that is placed and not late."""
        return sum(PRIORITIES[self.table[i].priority] for i in self.spots if self._in_time(i))

    def _in_time(self, task: str) -> bool:
        due = self.table[task].due
        return due is None or self.spots[task].end <= due.timestamp()

    # --- everything --------------------------------------------------------------------------------------------------------

    def place_by_rank(self) -> None:
        """Each task to the first place that is free, the best first; one that has a place already never to a later one."""
        for i in self.ranked:
            self._earlier(i)

    def close_gaps(self) -> None:
        for i in sorted((i for i in self.spots if i in self.hopeful), key=lambda i: (self.spots[i].start, self.standings[i].key)):
            self._earlier(i)

    def _earlier(self, task: str) -> None:
        blockers = self.links.blockers[task]
        if any(b not in self.spots for b in blockers):
            return
        old = self.spots.get(task)
        ready = max([self._ready_of_running(task), *(self.spots[b].end for b in blockers)])
        if old is not None:
            self._release(task)
        spot = self.room.earliest(self.table[task], ready=ready, until=old.end if old else NEVER)
        if spot is None:
            spot = old
        if spot is not None:
            self._take(task, spot)

    def _ready_of_running(self, task: str) -> int:
        return max((self.running_ends[b] for b in self.table[task].unfinished if b in self.running_ends), default=up(self.now))

    def _take(self, task: str, spot: Spot) -> None:
        self.room.take(self.table[task], spot)
        self.spots[task] = spot

    def _release(self, task: str) -> None:
        if task in self.spots:
            self.room.release(self.table[task], self.spots.pop(task))


def _slots(own: _Planner, words: Words) -> list[Slot]:
    found = []
    for i, spot in sorted(own.spots.items(), key=lambda item: (item[1].start, item[1].lane, item[0])):
        code, sentence = words.placed(own.table[i], spot)
        window = own.room.windows[spot.window].key
        found.append(Slot(i, window, moment(spot.start), moment(spot.end), spot.lane, code, sentence))
    return found


def _omissions(own: _Planner, words: Words) -> list[Omission]:
    left = [c for i, c in own.table.items() if i not in own.spots]
    left.sort(key=lambda c: own.standings[c.id].key if c.id in own.standings else (0.0, 0))
    return [words.left_out(c, may_run=c.id in own.hopeful) for c in left]
