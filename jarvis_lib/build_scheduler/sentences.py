"""Why is it there, and why is it not? One code and one sentence for each task of a plan; times as the person's clock shows them."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

from jarvis_lib.build_scheduler import repair
from jarvis_lib.build_scheduler.placing import Places, Placing
from jarvis_lib.build_scheduler.rank import waited_days
from jarvis_lib.build_scheduler.reasons import AGE_SAID_DAYS, clock, named, pin_said, span, waiting_for_you
from jarvis_lib.build_scheduler.room import belongs, moment
from jarvis_lib.model.plan import Candidate, Omission
from jarvis_lib.model.prose import listed, plural
from jarvis_lib.model.window import SAID

KEPT_SAID_S = 30 * 60
"""A kept place is explained when moving it would gain at least this."""


class Words:
    """The sentences of one finished planning."""

    def __init__(self, state: Placing, zone: ZoneInfo) -> None:
        self.state, self.zone = state, zone
        self.table, self.links, self.standings, self.room, self.places, self.now = (
            *(state.table, state.links, state.standings),
            *(state.room, state.places, state.now),
        )
        self._oldest = _oldest(self.table)

    # --- placed ------------------------------------------------------------------------------------------------------------

    def placed(self, task: Candidate, places: Places) -> tuple[str, str]:
        """(code, sentence) for a task that has a slot, or several."""
        if task.state == "running":
            return "running", "It runs now."
        code, why = self._why(task, places)
        moved = self.state.moved.get(task.id)
        if moved is not None and moved.made_room_for and code != "late":
            return "bumped", f"{self._made_room(moved.made_room_for, places, moved.start)} {why}."
        if task.id in self.state.kept:
            return self._stays(task, places, code, why)
        was = f" Before: {clock(moment(moved.start), self.zone)}." if moved is not None else ""
        return code, f"{why}{self._where(task, places)}{was}{self._pin_told(task)}"

    def _made_room(self, other: str, places: Places, start: int) -> str:
        room_for = f"to make room for {named(self.table[other])}, {self.standings[other].priority.lower()} priority"
        return f"Moved from {clock(moment(start), self.zone)} to {clock(moment(places[0].start), self.zone)} {room_for}."

    def _stays(self, task: Candidate, places: Places, code: str, why: str) -> tuple[str, str]:
        """A kept place: with what moving would gain, when that is worth a word."""
        if code in ("priority", "age") and task.id not in self.state.frozen and len(places) == 1:
            better = repair.gain(self.state, task.id)
            if better and places[0].start - better[0].start >= KEPT_SAID_S:
                gained = span((places[0].start - better[0].start) / 3600, down=True)
                return "kept", f"Kept where it was, {self._window(places)}; moving it would gain {gained}.{self._pin_told(task)}"
        return code, f"{why}; {self._window(places)}.{self._pin_told(task)}"

    def _pin_told(self, task: Candidate) -> str:
        why = self.state.pins_told.get(task.id)
        return f" Your pin to {pin_said(task.pinned)} does not hold: {why}." if why else ""

    def _window(self, places: Places) -> str:
        first = f"{SAID[self.room.windows[places[0].window].kind]}, {clock(moment(places[0].start), self.zone)}"
        if len(places) == 1:
            return first
        return f"{plural(len(places), 'part')} from {first} to {clock(moment(places[-1].end), self.zone)}"

    def _why(self, task: Candidate, places: Places) -> tuple[str, str]:
        own = self.standings[task.id]
        if task.pinned and task.id not in self.state.pins_told:
            return self._pinned(task, places)
        if task.due is not None:
            return self._dated(task, places, task.due)
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

    def _pinned(self, task: Candidate, places: Places) -> tuple[str, str]:
        said = f"You pinned it to {pin_said(task.pinned)}"
        if task.due is not None and moment(places[-1].end) > task.due:
            return "late", f"LATE: due {clock(task.due, self.zone)}, and {said[0].lower()}{said[1:]}"
        return "pinned", said

    def _dated(self, task: Candidate, places: Places, due: datetime) -> tuple[str, str]:
        said, end = clock(due, self.zone), moment(places[-1].end)
        if end > due:
            return "late", f"LATE: due {said}, earliest finish {clock(end, self.zone)}"
        other = self.room.other_room(task, int(due.timestamp())) / 3600
        if other == 0:
            return "due_tight", f"Due {said}; no other room of {span(task.need_h)} is left before that"
        return "due", f"Due {said}; {span(other, down=True)} of other room before then"

    def _where(self, task: Candidate, places: Places) -> str:
        last = max((b for b in task.unfinished if b in self.places), key=lambda b: (self.places[b][-1].end, b), default=None)
        if last is not None and self.places[last][-1].end == places[0].start:
            return f"; {self._window(places)}, right after {named(self.table[last])}."
        if len(places) > 1:
            return f"; {self._window(places)}."
        if task.pinned and task.id not in self.state.pins_told:
            return f"; {self._window(places)}."
        return f"; first room of {span(task.need_h)}: {self._window(places)}."

    # --- left out ----------------------------------------------------------------------------------------------------------

    def left_out(self, task: Candidate, *, may_run: bool) -> Omission:
        """The omission of a task that has no slot. `may_run` makes it a reserve."""
        code, sentence = self._left_out(task)
        moved = self.state.moved.get(task.id)
        if moved is not None and moved.made_room_for and code == "unplaced_full":
            sentence = f"It gave its place of {clock(moment(moved.start), self.zone)} to {named(self.table[moved.made_room_for])}. {sentence}"
        sentence += self._pin_told(task)
        if may_run:
            sentence += " A reserve: it runs when time is left over."
        return Omission(task.id, code, sentence, may_run)

    def _left_out(self, task: Candidate) -> tuple[str, str]:
        if task.state != "queued":
            return waiting_for_you(task)
        if task.id in self.links.circles:
            others = [named(self.table[i]) for i in self.links.circles[task.id]]
            return "circle", f"{listed(others)} wait for each other." if len(others) > 1 else f"{others[0]} waits for itself."
        gone = [b for b in task.unfinished if b not in self.places]
        if gone:
            return "after", self._after(gone[0])
        fitting = self.room.allowed(task)
        if not fitting and not self.room.may_be_split(task):
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
        if task.resumable:
            return "unplaced_full", f"All windows to {clock(moment(self.room.spans[-1][1]), self.zone)} together do not hold {span(task.need_h)}."
        sized = [end - start for (start, end), w in zip(self.room.spans, self.room.windows, strict=True) if belongs(task, w)]
        if sized:
            longest = span(max(sized) / 3600, down=True)
            return "unplaced_long", f"Needs {span(task.need_h)} with its reserve, the longest allowed window has {longest}: split it{_how(task)}."
        most = max(w.longest_h for w in self.room.windows)
        return "unplaced_long", f"Estimated {span(task.hours)}, the longest task that a window takes has {span(most)}: split it{_how(task)}."

    def _late(self, task: Candidate) -> str:
        ends = moment(self.room.spans[-1][1])
        return f"LATE: due {clock(task.due, self.zone)}. " if task.due is not None and task.due <= ends else ""

    def _full(self, task: Candidate, fitting: list[int]) -> str:
        if not fitting:
            return f"No windows to {clock(moment(self.room.spans[-1][1]), self.zone)} have {span(task.need_h)} left in parts of an hour or more."
        last = moment(self.room.spans[fitting[-1]][1])
        allowed = plural(len(fitting), "allowed window")
        if len(fitting) == 1:
            return f"The 1 allowed window to {clock(last, self.zone)} has no room of {span(task.need_h)} left."
        return f"All {allowed} to {clock(last, self.zone)} are full; none has room of {span(task.need_h)} left."


def _how(task: Candidate) -> str:
    return f" (jarvis scheduler split {task.id})"


def _priority(task: Candidate) -> str:
    return f"{task.priority.capitalize()} priority"


def _oldest(table: Mapping[str, Candidate]) -> dict[str, tuple[int, str]]:
    """Priority -> (how many undated queued tasks, the one that waits longest)."""
    groups: dict[str, list[Candidate]] = defaultdict(list)
    for task in table.values():
        if task.state == "queued" and task.due is None:
            groups[task.priority].append(task)
    return {p: (len(g), min(g, key=lambda c: (c.added_at, c.id)).id) for p, g in groups.items()}
