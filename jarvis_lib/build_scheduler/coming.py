"""What comes next, in the window that is on or in the next one, and why is it that?"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from jarvis_lib.build_scheduler import by_hand, dispatch, rank
from jarvis_lib.build_scheduler.reasons import AGE_SAID_DAYS, clock, named, span, window_said
from jarvis_lib.build_scheduler.room import is_urgent_fix
from jarvis_lib.build_scheduler.verbs import candidate, open_windows
from jarvis_lib.model.fact import Refused
from jarvis_lib.model.plan import Candidate
from jarvis_lib.model.prose import plural
from jarvis_lib.model.settings import Settings
from jarvis_lib.model.window import SAID, Window
from jarvis_lib.store.place import Place
from jarvis_lib.store.store import Reader

PASSED_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Choice:
    """A task of the answer, with the reason why it was or was not chosen."""

    task: str
    title: str
    state: str
    priority: str
    category: str
    hours: float
    need_h: float
    due: datetime | None
    code: str
    sentence: str


@dataclass(frozen=True, slots=True)
class NextAnswer:
    """What comes next in the window that is on (`is_now`) or else in the next one, and what was passed over. `left_h` is for one lane."""

    window: Window | None
    is_now: bool
    left_h: float
    said: str
    chosen: tuple[Choice, ...]
    passed: tuple[Choice, ...]

    def to_json(self) -> dict[str, Any]:
        """As JSON can hold it, but for its datetimes."""
        window = self.window
        return {
            "window": {"key": window.key, "kind": window.kind, "start": window.start, "end": window.end} if window else None,
            "is_now": self.is_now,
            "left_h": round(self.left_h, 3),
            "said": self.said,
            "chosen": [asdict(c) for c in self.chosen],
            "passed": [asdict(c) for c in self.passed],
        }


def next_tasks(place: Place, *, now: datetime, count: int = 3) -> NextAnswer:
    """The `count` tasks that would start first in the current window, or in the next one, and why the best of the others would not."""
    with place.store.reading() as reader:
        return next_of(reader, place.settings, place.zone, now=now, count=count)


def next_of(reader: Reader, settings: Settings, zone: ZoneInfo, *, now: datetime, count: int = 3) -> NextAnswer:
    """`next_tasks` on an open reader or a snapshot."""
    if count < 1:
        raise Refused(f"Ask for at least 1 task, not {count}.", code="usage")
    windows = open_windows(reader, settings, zone, now=now, days=8)
    window = windows[0] if windows else None
    begin = max(now, window.start) if window else now
    left_h = (window.end - begin) / timedelta(hours=1) if window else 0.0
    longest_h = window.longest_h if window else 0.0
    found = [candidate(row, settings) for row in reader.rows("build_scheduler.next_candidates", now=begin, longest_h=longest_h, left_h=left_h)]
    is_now = window is not None and window.start <= now
    chosen, passed = _choose(found, begin, left_h, window, count, zone)
    return NextAnswer(
        window, is_now, left_h, _said(window, is_now, left_h, len(chosen), zone) + _by_hand(window, len(chosen), settings), tuple(chosen), tuple(passed)
    )


def _by_hand(window: Window | None, chosen: int, settings: Settings) -> str:
    """That nobody begins this window, and the command that does."""
    if window is None or not chosen or not by_hand.is_by_hand(settings, window.kind):
        return ""
    return f" {SAID[window.kind]} does not begin by itself; while it is on, start it with: {by_hand.COMMAND}"


def _choose(found: Sequence[Candidate], now: datetime, left_h: float, window: Window | None, count: int, zone: ZoneInfo) -> tuple[list[Choice], list[Choice]]:
    key, longest_h = (window.key, window.longest_h) if window else ("", 0.0)
    taken = {path for c in found if c.state == "running" for path in c.changes}
    chosen: list[Choice] = []
    passed: list[Choice] = []
    for task, standing in dispatch.ordered([c for c in found if c.state != "running"], now=now, window=key):
        obstacle = dispatch.why_not(task, left_h=left_h, taken_changes=taken, window=key) or _too_long(task, longest_h, key)
        if not obstacle and len(chosen) < count:
            chosen.append(_choice(task, *_why(task, standing, found, now, zone, key)))
        elif obstacle and len(passed) < PASSED_SHOWN:
            passed.append(_choice(task, "passed", obstacle))
    return chosen, passed


def _too_long(task: Candidate, longest_h: float, key: str) -> str:
    if task.hours <= longest_h or task.pinned == key or task.resumable or is_urgent_fix(task):
        return ""
    return f"Estimated {span(task.hours)}; this window takes tasks of up to {span(longest_h)}."


def _why(task: Candidate, own: rank.Standing, found: Sequence[Candidate], now: datetime, zone: ZoneInfo, key: str) -> tuple[str, str]:
    if key and task.pinned == key:
        return "pinned", f"You pinned it to this window; {_scored(task, own)}"
    titles = {c.id: c for c in found}
    source = own.due_from or own.priority_from
    if task.due is not None and dispatch.is_pressing(task, task.due, now):
        starts = task.due - timedelta(hours=task.need_h)
        return "due_tight", f"Due {clock(task.due, zone)}: it must start by {clock(starts, zone)}, so it goes first."
    if task.due is not None and now + timedelta(hours=task.need_h) > task.due:
        return "late", f"LATE: due {clock(task.due, zone)}; {_scored(task, own)}"
    if source:
        due = titles[source].due
        return "inherits", f"{named(titles[source])}{f', due {clock(due, zone)},' if due else ''} waits for it; {_scored(task, own)}"
    if task.due is not None:
        return "due", f"Due {clock(task.due, zone)}; {_scored(task, own)}"
    if rank.waited_days(task, now) >= AGE_SAID_DAYS:
        return "age", f"Waiting {rank.waited_days(task, now):.0f} days; {_scored(task, own)}"
    scored = _scored(task, own)
    return "priority", scored[0].upper() + scored[1:]


def _scored(task: Candidate, own: rank.Standing) -> str:
    return f"{task.priority.lower()} priority, {span(task.hours)} estimated: score {own.rank:.2f}."


def _choice(task: Candidate, code: str, sentence: str) -> Choice:
    return Choice(task.id, task.title, task.state, task.priority, task.category, task.hours, task.need_h, task.due, code, sentence)


def _said(window: Window | None, is_now: bool, left_h: float, chosen: int, zone: ZoneInfo) -> str:
    if window is None:
        return "No window is open in the next 8 days; see [windows] in jarvis.toml."
    found = plural(chosen, "task") if chosen else "Nothing"
    if is_now:
        return f"{window_said(window.kind, window.start, window.end, zone)} is on; {span(left_h, down=True)} left. {found} for it."
    return f"No window is open now. The next is {window_said(window.kind, window.start, window.end, zone)}, {span(left_h, down=True)} long. {found} for it."
