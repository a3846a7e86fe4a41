"""Who stands where while a plan is made? Places are taken, given back and moved earlier; nothing here decides who goes first.

`fixed` tasks stay where they are for this planning; `frozen` ones are not even bumped. Everything else may be moved to an earlier place.
"""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from random import Random

from jarvis_lib.build_scheduler import rank
from jarvis_lib.build_scheduler.room import NEVER, Room, Spot, moment, seconds, up
from jarvis_lib.model.plan import Candidate
from jarvis_lib.model.task import PRIORITIES

Places = tuple[Spot, ...]
OVERRUN = 0.25
SHAKE = 0.3
Claim = Callable[[rank.Standing], tuple[float, ...]]


@dataclass(frozen=True, slots=True)
class Moved:
    """Where a task stood in the plan before, and for whom it made room (empty when its old place did not hold)."""

    start: int
    made_room_for: str = ""


@dataclass
class Placing:
    """The state of one planning: what may be placed, where it stands now. A task has one place, or several sittings."""

    table: dict[str, Candidate]
    room: Room
    now: datetime
    places: dict[str, Places] = field(default_factory=dict)
    running_ends: dict[str, int] = field(default_factory=dict)
    fixed: set[str] = field(default_factory=set)
    frozen: set[str] = field(default_factory=set)
    kept: set[str] = field(default_factory=set)
    moved: dict[str, Moved] = field(default_factory=dict)
    pins_told: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """`hopeful` are the queued tasks that could have a place: a window takes them, and all that they wait for could have one too."""
        self.links = rank.net({i: c for i, c in self.table.items() if c.state == "queued"})
        self.standings = rank.standings(self.table, self.links, now=self.now)
        running = {i for i, c in self.table.items() if c.state == "running"}
        self.hopeful: dict[str, None] = {}
        for i in self.links.order:
            task = self.table[i]
            if self.room.takes(task) and all(b in self.hopeful or b in running for b in task.unfinished):
                self.hopeful[i] = None
        self.ranked = sorted(self.hopeful, key=lambda i: self.standings[i].key)

    # --- looking -----------------------------------------------------------------------------------------------------------

    def start(self, task: str) -> int:
        """The second (epoch) at which its first sitting begins; KeyError when it has no place."""
        return self.places[task][0].start

    def end(self, task: str) -> int:
        """The second (epoch) at which its last sitting is over; KeyError when it has no place."""
        return self.places[task][-1].end

    def ready(self, task: str) -> int:
        """When all that it waits for has ended, as far as that has a place."""
        known = [self.running_ends[b] for b in self.table[task].unfinished if b in self.running_ends]
        return max([up(self.now), *known, *(self.end(b) for b in self.links.blockers[task] if b in self.places)])

    def has_blockers(self, task: str) -> bool:
        """Has all that it waits for a place?"""
        return all(b in self.places for b in self.links.blockers[task])

    def before_waiting(self, task: str) -> int:
        """When the first of the placed tasks that wait for it starts."""
        return min((self.start(w) for w in self.links.waiting[task] if w in self.places), default=NEVER)

    def find(self, task: str, *, ready: int, until: int = NEVER, only: str = "") -> Places:
        """The first place by `until`: in one piece, or in sittings where these end earlier. Empty when there is none."""
        own = self.table[task]
        whole = self.room.earliest(own, ready=ready, until=until, only=only)
        if own.resumable and not only:
            parts = self.room.sittings(own, ready=ready, until=until)
            if parts and (whole is None or parts[-1].end < whole.end):
                return parts
        return (whole,) if whole else ()

    # --- taking ------------------------------------------------------------------------------------------------------------

    def take(self, task: str, places: Places) -> None:
        """Occupy all of `places`, which must be free, in the order of the sittings."""
        for spot in places:
            self.room.take(self.table[task], spot)
        self.places[task] = places

    def release(self, task: str) -> Places:
        """Its places, which are free now; empty when it had none."""
        places = self.places.pop(task, ())
        for spot in places:
            self.room.release(self.table[task], spot)
        return places

    def earlier(self, task: str) -> None:
        """To the first free place; one that has a place never to a later one, and a fixed one nowhere."""
        if task in self.fixed or not self.has_blockers(task):
            return
        old = self.release(task)
        self.take_some(task, self.find(task, ready=self.ready(task), until=old[-1].end if old else NEVER) or old)

    def take_some(self, task: str, places: Places) -> None:
        """The same, but a task without places stays unplaced."""
        if places:
            self.take(task, places)

    # --- whole passes ------------------------------------------------------------------------------------------------------

    def keep_running(self, before: dict[str, tuple[int, int]]) -> None:
        """What runs goes on; `before` says (lane, end) where the plan had it. One that has run past that gets OVERRUN of its hours more.

        Its window ends it at the latest, so what waits for it may be planned from there on, in a new plan as in one that is repaired.
        """
        now = up(self.now)
        for i, task in self.table.items():
            if task.state == "running":
                lane, ends = before.get(i, (0, now + seconds(task)))
                ends = ends if ends > now else now + max(int(seconds(task) * OVERRUN), 1)
                spot = self.room.running(task, self.now, ends=ends, lane=lane)
                self.running_ends[i] = ends if spot is None else spot.end
                if spot is not None:
                    self.take(i, (spot,))

    def reserve_dated(self, claim: Claim, failed: Callable[[str], bool] = lambda task: False) -> None:
        """Each dated task that can still be in time reserves its place and those of its blockers, in the order of `claim`.

        `failed` is asked to help where that is not possible, and says whether it did.
        """
        own = {i for i in self.fixed if i in self.places}
        for i in sorted((i for i in self.hopeful if i not in self.fixed and self.can_be_in_time(i)), key=lambda i: claim(self.standings[i])):
            if self.reserve(i, own | {i}) or failed(i):
                own.add(i)

    def can_be_in_time(self, task: str) -> bool:
        """Whether it is due after now and before the last window's end, so that a place could keep its date."""
        due = self.table[task].due
        return due is not None and bool(self.room.spans) and up(self.now) < due.timestamp() <= self.room.spans[-1][1]

    def reserve(self, task: str, own: set[str], *, loose: frozenset[str] = frozenset()) -> bool:
        """The last place in time for `task` and all that it waits for, from the last to the first. Puts everything back when one does not fit.

        The due dates of `own` count. What is fixed stays, unless it is `loose`.
        """
        chain = [i for i in rank.closure(self.links, task) if i not in self.fixed or i in loose]
        before = {i: self.release(i) for i in chain if i in self.places}
        for i in reversed(chain):
            due = self.table[i].due
            until = int(due.timestamp()) if due is not None and i in own else NEVER
            places = self._latest(i, min(until, self.before_waiting(i)))
            if not places:
                for j in chain:
                    self.release(j)
                for j, old in before.items():
                    self.take(j, old)
                return False
            self.take(i, places)
        return True

    def _latest(self, task: str, until: int) -> Places:
        ready = self.ready(task)
        spot = self.room.latest(self.table[task], ready=ready, until=until)
        if spot is None and self.table[task].resumable:
            return self.room.sittings(self.table[task], ready=ready, until=until)
        return (spot,) if spot else ()

    def place_by_rank(self) -> None:
        """Each task to the first place that is free, the best first."""
        for i in self.ranked:
            self.earlier(i)

    def close_gaps(self) -> None:
        """Move what is placed to earlier room where some is left, in the order in which it stands."""
        for i in sorted((i for i in self.places if i in self.hopeful), key=lambda i: (self.start(i), self.standings[i].key)):
            self.earlier(i)

    def fill(self) -> None:
        """Until nothing without a place fits anywhere any more."""
        there = -1
        while len(self.places) != there:
            there = len(self.places)
            for i in self.ranked:
                if i not in self.places:
                    self.earlier(i)

    # --- how good is it? ---------------------------------------------------------------------------------------------------

    def falls_short(self) -> bool:
        """True when a task that could have been in time is not, or one has no place."""
        return any(not self.in_time(i) for i in self.hopeful if self.can_be_in_time(i) or self.table[i].due is None)

    def shake(self, seed: int) -> None:
        """Another order of the same tasks: each rank is multiplied by chance, the same for the same seed."""
        chance = Random(seed)
        factors = {i: math.exp(SHAKE * chance.gauss(0.0, 1.0)) for i in self.table}
        self.ranked.sort(key=lambda i: (-self.standings[i].rank * factors[i], self.standings[i].order))

    def in_time(self, task: str) -> bool:
        """Has it a place, and is that one not late?"""
        due = self.table[task].due
        return task in self.places and (due is None or self.end(task) <= due.timestamp())

    def value_on_time(self) -> int:
        """The priority values of all that is placed and not late."""
        return self.worth(i for i in self.places if self.in_time(i))

    def worth(self, tasks: Iterable[str]) -> int:
        """The sum of their priority values."""
        return sum(PRIORITIES[self.table[i].priority] for i in tasks)

    def window_key(self, spot: Spot) -> str:
        """The key of the window that the spot lies in, as a slot of the plan carries it."""
        return self.room.windows[spot.window].key

    def at(self, task: str) -> datetime:
        """When it starts."""
        return moment(self.start(task))
