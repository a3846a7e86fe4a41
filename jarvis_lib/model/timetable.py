"""What starts by itself, when is it due, and until when is it still worth doing? Each occurrence of a job is one slot with one key.

A job has its time on the local clock and an end after which it is missed and never run late. The sessions are jobs too: their slots are the
occurrences of the windows, so that a session that somebody started by hand is the same slot. All times come from the settings of the windows.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from jarvis_lib.model.window import DAYS, KINDS, NO_CUTS, SAID, Cuts, WindowRule, moment_of, occurrences

Row = dict[str, Any]
MOST_STARTS = 3
"""A slot whose process died is begun anew at most so often."""
LATEST_START = timedelta(hours=2)
"""A session is not begun later than this before its window ends, nor in the last quarter of a shorter one."""
LOOK_BACK = timedelta(days=14)
"""What was missed longer ago is not looked for any more."""


@dataclass(frozen=True, slots=True)
class Job:
    """Something that happens at `at` on `days` (0 = Monday) of the local clock, and is worth doing for `lasts` of it."""

    name: str
    said: str
    days: tuple[int, ...]
    at: time
    lasts: timedelta


@dataclass(frozen=True, slots=True)
class Occasion:
    """One occurrence of a job: its slot's key, and the span (aware UTC, without its end) in which it may begin. `of` is the job or the window's kind."""

    key: str
    of: str
    said: str
    due: datetime
    until: datetime

    @property
    def is_session(self) -> bool:
        """Whether it opens a session, and not only makes a page."""
        return self.of in KINDS


def jobs(rules: Sequence[WindowRule], *, finish_by: str) -> list[Job]:
    """The jobs besides the sessions: record and brief of the night, the evening check-in, the weekend's suggestion and summary,
    the weekly review."""
    known = {rule.kind: rule for rule in rules}
    night, evening, every = known["overnight"], known["quick_win"], tuple(range(7))
    found = [
        Job("report", "the record of the night", every, _earlier(night.end, 30), timedelta(hours=11, minutes=30)),
        Job("brief", "the morning brief", every, night.end, timedelta(hours=11)),
        Job("checkin", "the evening check-in", every, evening.start, _between(evening.start, evening.end)),
        Job("suggest", "the weekend's suggestion", (DAYS.index("Fri"),), time(18), timedelta(hours=38)),
        Job("summary", "the weekend's summary", (DAYS.index("Sun"),), time.fromisoformat(finish_by), timedelta(hours=22)),
        Job("review", "the weekly review", (DAYS.index("Sun"),), time(21), timedelta(hours=21)),
    ]
    return found if night.on else found[1:]


def _earlier(at: time, minutes: int) -> time:
    return (datetime.combine(date(2001, 1, 2), at) - timedelta(minutes=minutes)).time()


def _between(start: time, end: time) -> timedelta:
    day = date(2001, 1, 2)
    return (datetime.combine(day, end) - datetime.combine(day, start)) % timedelta(days=1) or timedelta(days=1)


def occasions(known: Sequence[Job], zone: ZoneInfo, begin: datetime, end: datetime) -> list[Occasion]:
    """The slots of the jobs that are due in [begin, end), in order. A time that the clock skips is due at the jump, a repeated one the first time."""
    found = []
    day = begin.astimezone(zone).date() - timedelta(days=1)
    while day <= end.astimezone(zone).date() + timedelta(days=1):
        found += [_occasion(job, day, zone) for job in known if day.weekday() in job.days]
        day += timedelta(days=1)
    return sorted((one for one in found if begin <= one.due < end), key=lambda one: (one.due, one.key))


def _occasion(job: Job, day: date, zone: ZoneInfo) -> Occasion:
    last = datetime.combine(day, job.at) + job.lasts
    return Occasion(f"{job.name}@{day}", job.name, job.said, moment_of(day, job.at, zone), moment_of(last.date(), last.time(), zone))


def sessions(rules: Sequence[WindowRule], kinds: Sequence[str], zone: ZoneInfo, begin: datetime, end: datetime, cuts: Cuts = NO_CUTS) -> list[Occasion]:
    """The slots of the sessions in windows of `kinds` that begin in [begin, end), without the windows that the calendar takes whole."""
    by_kind = {rule.kind: rule for rule in rules}
    found: dict[str, Occasion] = {}
    for window in occurrences(rules, zone, begin - timedelta(days=2), end, cuts):
        if window.kind in kinds and window.key not in found:
            until = _latest(by_kind[window.kind], window.day, zone)
            if window.start < until:
                found[window.key] = Occasion(window.key, window.kind, f"the session of {SAID[window.kind]}", window.start, until)
    return sorted((one for one in found.values() if begin <= one.due < end), key=lambda one: (one.due, one.key))


def _latest(rule: WindowRule, day: date, zone: ZoneInfo) -> datetime:
    """Until when a session of this window may begin: by the local clock, so that it is 05:00 in the nights of a clock change too."""
    length = _between(rule.start, rule.end)
    wall = datetime.combine(day, rule.start) + length - min(LATEST_START, length / 4)
    return moment_of(wall.date(), wall.time(), zone)


def decide(one: Occasion, row: Mapping[str, Any] | None, *, now: datetime) -> str:
    """What is to be done about this slot: early, run or missed; or what its row in the ledger says was done: claimed, done, missed."""
    if row is not None:
        return str(row["state"])
    if now < one.due:
        return "early"
    return "run" if now < one.until else "missed"
