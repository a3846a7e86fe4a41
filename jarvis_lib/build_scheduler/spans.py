"""Which seconds are taken, and where is the first or the last gap that is long enough?"""

from bisect import bisect_left, bisect_right


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

    def clear(self, start: int, end: int) -> bool:
        """Is all of [start, end) free?"""
        i = bisect_right(self.ends, start)
        return i >= len(self.starts) or self.starts[i] >= end

    def gaps(self, start: int, end: int, least: int) -> list[tuple[int, int]]:
        """The free spans in [start, end) that hold at least `least` seconds, in order."""
        found, at = [], start
        for i in range(bisect_right(self.ends, start), len(self.starts)):
            if self.starts[i] >= end:
                break
            if self.starts[i] - at >= least:
                found.append((at, self.starts[i]))
            at = max(at, self.ends[i])
        return [*found, (at, end)] if end - at >= least and end > at else found

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
