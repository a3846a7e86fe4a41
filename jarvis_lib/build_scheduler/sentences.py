"""Why is it there, and why is it not? One code and one sentence for each task of a plan; times as the person's clock shows them."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

from jarvis_lib.build_scheduler.rank import Net, Standing, waited_days
from jarvis_lib.build_scheduler.reasons import AGE_SAID_DAYS, clock, named, span, waiting_for_you
from jarvis_lib.build_scheduler.room import Room, Spot, belongs, moment
from jarvis_lib.model.plan import Candidate, Omission
from jarvis_lib.model.prose import listed, plural
from jarvis_lib.model.window import SAID


class Words:
    """The sentences of one finished planning."""

    def __init__(
        self,
        table: Mapping[str, Candidate],
        links: Net,
        standings: Mapping[str, Standing],
        room: Room,
        spots: Mapping[str, Spot],
        now: datetime,
        zone: ZoneInfo,
    ) -> None:
        self.table, self.links, self.standings, self.room, self.spots, self.now, self.zone = table, links, standings, room, spots, now, zone
        self._oldest = _oldest(table)

    # --- placed ------------------------------------------------------------------------------------------------------------

    def placed(self, task: Candidate, spot: Spot) -> tuple[str, str]:
        """(code, sentence) for a task that has a slot."""
        if task.state == "running":
            return "running", "It runs now."
        code, why = self._why(task, spot)
        return code, f"{why}{self._where(task, spot)}"

    def _why(self, task: Candidate, spot: Spot) -> tuple[str, str]:
        own = self.standings[task.id]
        if task.due is not None:
            return self._dated(task, spot, task.due)
        if own.due_from:
            source = self.table[own.due_from]
            due = clock(source.due, self.zone) if source.due else ""
            return "inherits", f"{named(source)}, due {due}, waits for it"
        if own.priority_from:
            return "inherits", f"{named(self.table[own.priority_from])}, {own.priority.lower()} priority, waits for it"
        count, oldest = self._oldest[task.priority]
        if oldest == task.id and count > 1 and waited_days(task, self.now) >= AGE_SAID_DAYS:
            return "age", f"{_priority(task)}, waiting {waited_days(task, self.now):.0f} days, the longest of {count}"
        return "priority", f"{_priority(task)}, {span(task.hours)} estimated (score {own.score:.2f})"

    def _dated(self, task: Candidate, spot: Spot, due: datetime) -> tuple[str, str]:
        said = clock(due, self.zone)
        if moment(spot.end) > due:
            return "late", f"LATE: due {said}, earliest finish {clock(moment(spot.end), self.zone)}"
        other = self.room.other_room(task, int(due.timestamp())) / 3600
        if other == 0:
            return "due_tight", f"Due {said}; no other room of {span(task.need_h)} is left before that"
        return "due", f"Due {said}; {span(other, down=True)} of other room before then"

    def _where(self, task: Candidate, spot: Spot) -> str:
        window = f"{SAID[self.room.windows[spot.window].kind]}, {clock(moment(spot.start), self.zone)}"
        last = max((b for b in task.unfinished if b in self.spots), key=lambda b: (self.spots[b].end, b), default=None)
        if last is not None and self.spots[last].end == spot.start:
            return f"; {window}, right after {named(self.table[last])}."
        return f"; first room of {span(task.need_h)}: {window}."

    # --- left out ----------------------------------------------------------------------------------------------------------

    def left_out(self, task: Candidate, *, may_run: bool) -> Omission:
        """The omission of a task that has no slot. `may_run` makes it a reserve."""
        code, sentence = self._left_out(task)
        if may_run:
            sentence += " A reserve: it runs when time is left over."
        return Omission(task.id, code, sentence, may_run)

    def _left_out(self, task: Candidate) -> tuple[str, str]:
        if task.state != "queued":
            return waiting_for_you(task)
        if task.id in self.links.circles:
            others = [named(self.table[i]) for i in self.links.circles[task.id]]
            return "circle", f"{listed(others)} wait for each other." if len(others) > 1 else f"{others[0]} waits for itself."
        gone = [b for b in task.unfinished if b not in self.spots]
        if gone:
            return "after", self._after(gone[0])
        fitting = self.room.allowed(task)
        if not fitting:
            return self._too_long(task)
        return "unplaced_full", f"{self._late(task)}{self._full(task, fitting)}"

    def _after(self, blocker: str) -> str:
        other = self.table.get(blocker)
        if other is None:
            return f"Waits for {blocker}, which has not been shipped and is not in the queue."
        if other.state == "queued":
            return f"Waits for {named(other)}, which has no place."
        return f"Waits for {named(other)}, which is {other.state}."

    def _too_long(self, task: Candidate) -> tuple[str, str]:
        if not self.room.windows:
            return "unplaced_full", "No window is open in the time that was planned; see [windows] in jarvis.toml."
        sized = [end - start for (start, end), w in zip(self.room.spans, self.room.windows, strict=True) if belongs(task, w)]
        if sized:
            longest = span(max(sized) / 3600, down=True)
            return "unplaced_long", f"Needs {span(task.need_h)} with its reserve, the longest allowed window has {longest}: split it."
        most = max(w.longest_h for w in self.room.windows)
        return "unplaced_long", f"Estimated {span(task.hours)}, the longest task that a window takes has {span(most)}: split it."

    def _late(self, task: Candidate) -> str:
        ends = moment(self.room.spans[-1][1])
        return f"LATE: due {clock(task.due, self.zone)}. " if task.due is not None and task.due <= ends else ""

    def _full(self, task: Candidate, fitting: list[int]) -> str:
        last = moment(self.room.spans[fitting[-1]][1])
        allowed = plural(len(fitting), "allowed window")
        if len(fitting) == 1:
            return f"The 1 allowed window to {clock(last, self.zone)} has no room of {span(task.need_h)} left."
        return f"All {allowed} to {clock(last, self.zone)} are full; none has room of {span(task.need_h)} left."


def _priority(task: Candidate) -> str:
    return f"{task.priority.capitalize()} priority"


def _oldest(table: Mapping[str, Candidate]) -> dict[str, tuple[int, str]]:
    """Priority -> (how many undated queued tasks, the one that waits longest)."""
    groups: dict[str, list[Candidate]] = defaultdict(list)
    for task in table.values():
        if task.state == "queued" and task.due is None:
            groups[task.priority].append(task)
    return {p: (len(g), min(g, key=lambda c: (c.added_at, c.id)).id) for p, g in groups.items()}
