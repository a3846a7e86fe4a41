"""Where is there room? Windows, lanes and files as spans of whole seconds that are taken or free.

Nothing is taken twice: not a lane, and not a file that a task changes. Times are seconds since 1970 in UTC, so clock changes do not exist here.
"""

import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from jarvis_lib.build_scheduler.spans import Taken
from jarvis_lib.model.plan import Candidate
from jarvis_lib.model.task import shared_paths
from jarvis_lib.model.window import Window

NEVER = 1 << 62
SITTING_S = 3600
"""The shortest sitting of a task that may be stopped and gone on with."""
_EPSILON = 1e-9


@dataclass(frozen=True, slots=True)
class Spot:
    """A task's place: the number of its window, its lane, its seconds."""

    window: int
    lane: int
    start: int
    end: int


class Room:
    """The windows from `now` on, with their lanes, and the files that tasks change."""

    def __init__(self, windows: Sequence[Window], *, now: datetime, lanes: int) -> None:
        self.windows: list[Window] = []
        self.spans: list[tuple[int, int]] = []
        self.lanes = [Taken() for _ in range(max(lanes, 1))]
        self._files: dict[str, Taken] = {}
        at = up(now)
        for window in sorted(windows, key=lambda w: (w.start, w.kind, w.end)):
            start, end = max(up(window.start), at), int(window.end.timestamp())
            if end > start:
                self.windows.append(window)
                self.spans.append((start, end))
                at = end
        self._ends = [end for _, end in self.spans]
        self._left = [[end - start] * len(self.lanes) for start, end in self.spans]
        self._most = [end - start for start, end in self.spans]

    # --- may it be here? ---------------------------------------------------------------------------------------------------

    def allowed(self, task: Candidate) -> list[int]:
        """The windows that this task may run in whole, by its size and by their length."""
        need = seconds(task)
        return [i for i, (start, end) in enumerate(self.spans) if belongs(task, self.windows[i]) and end - start >= need]

    def takes(self, task: Candidate) -> bool:
        """Is there a window that could hold it, whole or in sittings, were all free?"""
        need = seconds(task)
        whole = any(end - start >= need and belongs(task, w) for (start, end), w in zip(self.spans, self.windows, strict=True))
        return whole or self.may_be_split(task)

    def may_be_split(self, task: Candidate) -> bool:
        """Could it be done in sittings, were all windows free?"""
        return task.resumable and sum(self._sitting(i) for i in range(len(self.spans))) >= seconds(task)

    def _sitting(self, window: int) -> int:
        """The longest sitting of a window, 0 when it has none."""
        start, end = self.spans[window]
        longest = min(end - start, int(self.windows[window].longest_h * 3600 + _EPSILON))
        return longest if longest >= SITTING_S else 0

    def kept(self, task: Candidate, key: str, lane: int, start: int, end: int) -> Spot | None:
        """The place [start, end) in a window of `key`, in `lane` or else in another one that is free then; None when it does not hold."""
        for i, (begin, close) in enumerate(self.spans):
            if begin <= start and end <= close and self.windows[i].key == key and (task.resumable or belongs(task, self.windows[i])):
                if not all(t.clear(start, end) for t in self._of(task)):
                    return None
                order = [lane, *(n for n in range(len(self.lanes)) if n != lane)]
                free = next((n for n in order if n < len(self.lanes) and self.lanes[n].clear(start, end)), None)
                return Spot(i, free, start, end) if free is not None else None
        return None

    def slipped(self, task: Candidate, key: str, lane: int, start: int, last: int, length: int) -> Spot | None:
        """The first place of `length` in this lane and a window of `key` that begins from `start` to `last`."""
        if lane >= len(self.lanes):
            return None
        for i, (begin, close) in enumerate(self.spans):
            if begin <= start < close and self.windows[i].key == key and (task.resumable or belongs(task, self.windows[i])):
                found = self._first(start, min(close, last + length), length, [self.lanes[lane], *self._of(task)])
                return Spot(i, lane, found, found + length) if found != NEVER else None
        return None

    # --- finding -----------------------------------------------------------------------------------------------------------

    def earliest(self, task: Candidate, *, ready: int, until: int = NEVER, only: str = "") -> Spot | None:
        """The first place that starts at or after `ready` and ends by `until`, in a window of the key `only` if given."""
        need, files, most = seconds(task), self._of(task), self._most
        for i in range(bisect_right(self._ends, ready), len(self.spans)):
            if most[i] < need:
                continue  # first, because most windows of a full plan end here
            start, end = self.spans[i]
            if start >= until:
                return None
            start, end = max(start, ready), min(end, until)
            if end - start < need or not belongs(task, self.windows[i]) or only not in ("", self.windows[i].key):
                continue
            found = min(((self._first(start, end, need, [t, *files]), lane) for lane, t in enumerate(self.lanes) if self._left[i][lane] >= need), default=None)
            if found is not None and found[0] != NEVER:
                return Spot(i, found[1], found[0], found[0] + need)
        return None

    def latest(self, task: Candidate, *, ready: int, until: int) -> Spot | None:
        """The last place that starts at or after `ready` and ends by `until`."""
        need, files = seconds(task), self._of(task)
        for i in range(len(self.spans) - 1, -1, -1):
            start, end = self.spans[i]
            if end <= ready:
                return None
            start, end = max(start, ready), min(end, until)
            if self._most[i] < need or end - start < need or not belongs(task, self.windows[i]):
                continue
            found = max(((self._last(start, end, need, [t, *files]), -lane) for lane, t in enumerate(self.lanes) if self._left[i][lane] >= need), default=None)
            if found is not None and found[0] != -NEVER:
                return Spot(i, -found[1], found[0] - need, found[0])
        return None

    def sittings(self, task: Candidate, *, ready: int, until: int = NEVER) -> tuple[Spot, ...]:
        """The first sittings, at most one in each window, that together hold the whole task by `until`; empty when there are none.

        None is shorter than SITTING_S, and none longer than what its window takes.
        """
        left, found = seconds(task), []
        for i in range(bisect_right(self._ends, ready), len(self.spans)):
            start, end = max(self.spans[i][0], ready), min(self.spans[i][1], until)
            longest = self._sitting(i)
            if end - start < SITTING_S or not longest:
                continue
            gap = self._longest_gap(task, start, end, min(longest, left))
            if gap is None:
                continue
            length = min(gap.end - gap.start, longest, left)
            if 0 < left - length < SITTING_S:
                length = left - SITTING_S
            if length < SITTING_S and length < left:
                continue
            found.append(Spot(i, gap.lane, gap.start, gap.start + length))
            left -= length
            if left == 0:
                return tuple(found)
        return ()

    def _longest_gap(self, task: Candidate, start: int, end: int, enough: int) -> Spot | None:
        """The longest free span of any lane and all files of the task, but none longer than `enough`; the first of equals."""
        best: tuple[int, int, int, int] | None = None
        for lane, taken in enumerate(self.lanes):
            for a, b in taken.gaps(start, end, SITTING_S):
                for c, d in self._clear_of_files(task, a, b):
                    key = (-min(d - c, enough), c, lane, d)
                    best = key if best is None else min(best, key)
        return Spot(0, best[2], best[1], best[3]) if best else None

    def _clear_of_files(self, task: Candidate, start: int, end: int) -> list[tuple[int, int]]:
        spans = [(start, end)]
        for taken in self._of(task):
            spans = [gap for a, b in spans for gap in taken.gaps(a, b, SITTING_S)]
        return spans

    # --- taking ------------------------------------------------------------------------------------------------------------

    def take(self, task: Candidate, spot: Spot) -> None:
        """Occupy the spot's lane and the task's files for its span, and take its length from the window's free time."""
        self._change(spot, spot.start - spot.end)
        for taken in (self.lanes[spot.lane], *self._own(task)):
            taken.add(spot.start, spot.end)

    def release(self, task: Candidate, spot: Spot) -> None:
        """The reverse of `take`, for the same task and spot."""
        self._change(spot, spot.end - spot.start)
        for taken in (self.lanes[spot.lane], *self._own(task)):
            taken.drop(spot.start, spot.end)

    def _change(self, spot: Spot, more: int) -> None:
        self._left[spot.window][spot.lane] += more
        self._most[spot.window] = max(self._left[spot.window])

    def running(self, task: Candidate, now: datetime, *, ends: int, lane: int) -> Spot | None:
        """A place for what runs already, from now to `ends`, cut at its window's end; None outside every window or when all lanes are taken."""
        start = up(now)
        for i, (begin, end) in enumerate(self.spans):
            if begin <= start < end:
                end = min(end, ends)
                order = [lane, *(n for n in range(len(self.lanes)) if n != lane)]
                free = [n for n in order if n < len(self.lanes) and self.lanes[n].clear(start, end)]
                clear = all(t.clear(start, end) for t in self._of(task))
                return Spot(i, free[0], start, end) if free and clear else None
        return None

    def other_room(self, task: Candidate, until: int) -> int:
        """Free seconds before `until` in gaps and windows that would hold this task."""
        need, total = seconds(task), 0
        for i, (start, end) in enumerate(self.spans):
            if start >= until:
                break
            if self._most[i] >= need and belongs(task, self.windows[i]):
                total += sum(b - a for t in self.lanes for a, b in t.gaps(start, min(end, until), need))
        return total

    def _own(self, task: Candidate) -> list[Taken]:
        """What a task takes: its own paths. Folders around and files within them are looked at, but taken by nobody else."""
        return [self._files.setdefault(path, Taken()) for path in dict.fromkeys(task.changes)]

    def _of(self, task: Candidate) -> list[Taken]:
        if not task.changes:
            return []
        around = [path for path in shared_paths(self._files, task.changes) if path not in task.changes]
        return [*self._own(task), *(self._files[path] for path in around)]

    @staticmethod
    def _first(start: int, end: int, need: int, spans: Sequence[Taken]) -> int:
        while start + need <= end:
            moved = start
            for taken in spans:
                moved = taken.after(moved, need)
            if moved == start:
                return start
            start = moved
        return NEVER

    @staticmethod
    def _last(start: int, end: int, need: int, spans: Sequence[Taken]) -> int:
        while end - need >= start:
            moved = end
            for taken in spans:
                moved = taken.before(moved, need)
            if moved == end:
                return end
            end = moved
        return -NEVER


def belongs(task: Candidate, window: Window) -> bool:
    """A task may run in a window for its size or a larger one; the size is the estimate, the reserve only takes room.

    A critical bug fix may use any window, and the person's pin is above sizes.
    """
    return task.hours <= window.longest_h + _EPSILON or task.pinned == window.key or is_urgent_fix(task)


def is_urgent_fix(task: Candidate) -> bool:
    """A critical bug fix goes at once, whatever its size."""
    return task.priority == "CRITICAL" and task.category == "Bug fixes"


def seconds(task: Candidate) -> int:
    """The whole seconds that it takes in a plan, its reserve included."""
    return max(math.ceil(task.need_h * 3600 - 1e-6), 1)


def up(at: datetime) -> int:
    """The first whole second at or after `at`."""
    return math.ceil(at.timestamp())


def moment(second: int) -> datetime:
    """A whole second since the epoch as aware UTC."""
    return datetime.fromtimestamp(second, UTC)
