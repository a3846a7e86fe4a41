"""Where is there room? Windows, lanes and files as spans of whole seconds that are taken or free.

Nothing is taken twice: not a lane, and not a file that a task changes. Times are seconds since 1970 in UTC, so clock changes do not exist here.
"""

import math
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from jarvis_lib.model.plan import Candidate
from jarvis_lib.model.task import shared_paths
from jarvis_lib.model.window import Window

NEVER = 1 << 62
_EPSILON = 1e-9


@dataclass(frozen=True, slots=True)
class Spot:
    """A task's place: the number of its window, its lane, its seconds."""

    window: int
    lane: int
    start: int
    end: int


class Taken:
    """Disjoint spans, touching ones held as one."""

    __slots__ = ("ends", "starts")

    def __init__(self) -> None:
        self.starts: list[int] = []
        self.ends: list[int] = []

    def add(self, start: int, end: int) -> None:
        """Take [start, end), which is free."""
        i = bisect_left(self.starts, start)
        if i and self.ends[i - 1] == start:
            i -= 1
            start = self.starts.pop(i)
            self.ends.pop(i)
        if i < len(self.starts) and self.starts[i] == end:
            self.starts.pop(i)
            end = self.ends.pop(i)
        self.starts.insert(i, start)
        self.ends.insert(i, end)

    def drop(self, start: int, end: int) -> None:
        """Free [start, end), which lies within one taken span."""
        i = bisect_right(self.starts, start) - 1
        first, last = self.starts.pop(i), self.ends.pop(i)
        for a, b in ((end, last), (first, start)):
            if a < b:
                self.starts.insert(i, a)
                self.ends.insert(i, b)

    def after(self, start: int, need: int) -> int:
        """The earliest second from `start` on at which `need` seconds are free."""
        i = bisect_right(self.ends, start)
        while i < len(self.starts) and self.starts[i] < start + need:
            start = self.ends[i]
            i += 1
        return start

    def before(self, end: int, need: int) -> int:
        """The latest second up to `end` at which `need` free seconds end."""
        i = bisect_left(self.starts, end) - 1
        while i >= 0 and self.ends[i] > end - need:
            end = self.starts[i]
            i -= 1
        return end

    def free(self, start: int, end: int, least: int) -> int:
        """Free seconds in [start, end), counting only gaps of at least `least`."""
        total, at = 0, start
        for i in range(bisect_right(self.ends, start), len(self.starts)):
            if self.starts[i] >= end:
                break
            total += self.starts[i] - at if self.starts[i] - at >= least else 0
            at = self.ends[i]
        return total + (end - at if end - at >= least and end > at else 0)


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

    def allowed(self, task: Candidate) -> list[int]:
        """The windows that this task may run in, by its size and by their length."""
        need = seconds(task)
        return [i for i, (start, end) in enumerate(self.spans) if belongs(task, self.windows[i]) and end - start >= need]

    def earliest(self, task: Candidate, *, ready: int, until: int = NEVER) -> Spot | None:
        """The first place that starts at or after `ready` and ends by `until`."""
        need, files = seconds(task), self._of(task)
        for i in range(bisect_right(self._ends, ready), len(self.spans)):
            start, end = self.spans[i]
            if start >= until:
                return None
            start, end = max(start, ready), min(end, until)
            if end - start < need or max(self._left[i]) < need or not belongs(task, self.windows[i]):
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
            if end - start < need or max(self._left[i]) < need or not belongs(task, self.windows[i]):
                continue
            found = max(((self._last(start, end, need, [t, *files]), -lane) for lane, t in enumerate(self.lanes) if self._left[i][lane] >= need), default=None)
            if found is not None and found[0] != -NEVER:
                return Spot(i, -found[1], found[0] - need, found[0])
        return None

    def take(self, task: Candidate, spot: Spot) -> None:
        self._left[spot.window][spot.lane] -= spot.end - spot.start
        for taken in (self.lanes[spot.lane], *self._of(task)):
            taken.add(spot.start, spot.end)

    def release(self, task: Candidate, spot: Spot) -> None:
        self._left[spot.window][spot.lane] += spot.end - spot.start
        for taken in (self.lanes[spot.lane], *self._of(task)):
            taken.drop(spot.start, spot.end)

    def running(self, task: Candidate, now: datetime) -> Spot | None:
        """A place for what runs already, from now on, cut at its window's end; None outside every window or when all lanes are taken."""
        start = up(now)
        for i, (begin, end) in enumerate(self.spans):
            if begin <= start < end:
                end = min(end, start + seconds(task))
                free = [lane for lane, t in enumerate(self.lanes) if t.after(start, end - start) == start]
                clear = all(t.after(start, end - start) == start for t in self._of(task))
                return Spot(i, free[0], start, end) if free and clear else None
        return None

    def other_room(self, task: Candidate, until: int) -> int:
        """Free seconds before `until` in gaps and windows that would hold this task."""
        need, total = seconds(task), 0
        for i, (start, end) in enumerate(self.spans):
            if start >= until:
                break
            if max(self._left[i]) >= need and belongs(task, self.windows[i]):
                total += sum(t.free(start, min(end, until), need) for t in self.lanes)
        return total

    def _of(self, task: Candidate) -> list[Taken]:
        own = [self._files.setdefault(path, Taken()) for path in dict.fromkeys(task.changes)]
        around = [path for path in shared_paths(self._files, task.changes) if path not in task.changes] if own else []
        return own + [self._files[path] for path in around]

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
    """A task may run in a window for its size or a larger one. The size is the estimate; the reserve only takes room."""
    return task.hours <= window.longest_h + _EPSILON


def seconds(task: Candidate) -> int:
    """The whole seconds that it takes in a plan, its reserve included."""
    return max(math.ceil(task.need_h * 3600 - 1e-6), 1)


def up(at: datetime) -> int:
    """The first whole second at or after `at`."""
    return math.ceil(at.timestamp())


def moment(second: int) -> datetime:
    return datetime.fromtimestamp(second, UTC)
