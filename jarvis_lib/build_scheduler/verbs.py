"""The thin verbs: read the queue, call a rule, write one fact at most."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from jarvis_lib.build_scheduler import dispatch, rank
from jarvis_lib.build_scheduler.reasons import AGE_SAID_DAYS, clock, named, span
from jarvis_lib.model.fact import Refused, stamp
from jarvis_lib.model.ledger import Row
from jarvis_lib.model.plan import Candidate, Plan
from jarvis_lib.model.prose import plural
from jarvis_lib.model.settings import Settings
from jarvis_lib.model.window import SAID, Window, WindowRule, occurrences
from jarvis_lib.store.place import Place
from jarvis_lib.store.store import Reader

PLAN_DAYS = 14
PASSED_SHOWN = 5


# --- what there is to plan, and when -------------------------------------------------------------------------------------


def candidates(reader: Reader, settings: Settings) -> list[Candidate]:
    """Every open task as the planner sees it, by id."""
    return [_candidate(row, settings) for row in reader.rows("build_scheduler.candidates")]


def _candidate(row: Row, settings: Settings) -> Candidate:
    return Candidate(
        id=row["id"],
        title=row["title"],
        state=row["state"],
        priority=row["priority"],
        category=row["category"],
        hours=row["hours"],
        need_h=need_h(row["hours"], settings),
        after=tuple(row["after"]),
        unfinished=tuple(row["unfinished"]),
        due=row["due"],
        added_at=row["added_at"],
        parked_why=row["why"] or "",
        changes=tuple(row["changes"]),
    )


def need_h(estimate_h: float, settings: Settings) -> float:
    """Hours to keep free: the estimate with its reserve, but no more than the longest window for its size has.

    Without that limit a 12-hour task would never have a weekend day, because 15 hours are in none.
    """
    lengths = [_length_h(rule, settings) for rule in settings.windows if rule.on and rule.longest_h >= estimate_h]
    wanted = estimate_h * float(settings.get("night", "reserve"))
    return max(estimate_h, min(wanted, max(lengths, default=wanted)))


def _length_h(rule: WindowRule, settings: Settings) -> float:
    """Hours of a window on a day without a clock change."""
    minutes = (rule.end.hour * 60 + rule.end.minute - rule.start.hour * 60 - rule.start.minute) % 1440 or 1440
    return (minutes - (settings.get("night", "work_ends_minutes_before") if rule.kind == "overnight" else 0)) / 60


def working_windows(settings: Settings, zone: ZoneInfo, *, now: datetime, days: int = PLAN_DAYS) -> list[Window]:
    """The windows in which work may be placed, the current one first; nights end when their work must end."""
    cut = timedelta(minutes=settings.get("night", "work_ends_minutes_before"))
    found = occurrences(settings.windows, zone, now, now + timedelta(days=days))
    found = [replace(w, end=w.end - cut) if w.kind == "overnight" else w for w in found]
    return [w for w in found if w.end > max(now, w.start)]


def coming_windows(reader: Reader, settings: Settings, zone: ZoneInfo, *, now: datetime, days: int = PLAN_DAYS) -> list[Window]:
    return working_windows(settings, zone, now=now, days=days)


# --- planning ------------------------------------------------------------------------------------------------------------


def make_plan(place: Place, *, now: datetime, windows: Sequence[Window] | None = None, session: str | None = None) -> Plan:
    """Plan all open tasks into the windows of the next PLAN_DAYS (or into `windows`) and write the plan down. Nothing is started."""
    from jarvis_lib.build_scheduler.planner import plan

    chosen = working_windows(place.settings, place.zone, now=now) if windows is None else list(windows)
    with place.store.reading() as reader:
        open_tasks = candidates(reader, place.settings)
    made = plan(open_tasks, chosen, now=now, lanes=place.settings.get("night", "lanes"), zone=place.zone)
    horizon = max((w.end for w in chosen), default=now + timedelta(days=PLAN_DAYS))
    place.store.write(place.fact("plan.made", at=now, **made.to_json(), horizon=stamp(horizon), **({"session": session} if session else {})))
    return made


def plan_rows(place: Place, *, now: datetime) -> list[Row]:
    """The newest plan with titles: slots by start, then what was left out (reserves first). Empty when no plan was ever made."""
    with place.store.reading() as reader:
        return reader.rows("build_scheduler.plan_rows")


def window_rows(place: Place, *, now: datetime, days: int = 7) -> list[Row]:
    """The coming windows: hours still to come in each (all lanes), how many the newest plan books, how many are free, and which is on now."""
    with place.store.reading() as reader:
        return windows_of(reader, place.settings, place.zone, now=now, days=days)


def windows_of(reader: Reader, settings: Settings, zone: ZoneInfo, *, now: datetime, days: int = 7) -> list[Row]:
    """`window_rows` on an open reader or a snapshot."""
    lanes = settings.get("night", "lanes")
    slots = [(r["start"], r["end"]) for r in reader.rows("build_scheduler.booked", now=now)]
    made = reader.one("build_scheduler.newest_plan")
    coming = working_windows(settings, zone, now=now, days=days)
    return [_window_row(w, slots, lanes, now, zone) | {"plan_made_at": made["made_at"] if made else None} for w in coming]


def _window_row(window: Window, slots: Sequence[tuple[datetime, datetime]], lanes: int, now: datetime, zone: ZoneInfo) -> Row:
    begin = max(window.start, now)
    left = (window.end - begin) / timedelta(hours=1)
    booked = sum((max(timedelta(0), min(end, window.end) - max(start, begin)) / timedelta(hours=1) for start, end in slots), 0.0)
    return {
        "key": window.key,
        "kind": window.kind,
        "said": window_said(window, zone),
        "start": window.start,
        "end": window.end,
        "longest_h": window.longest_h,
        "hours": round(left, 3),
        "lanes": lanes,
        "lane_hours": round(left * lanes, 3),
        "booked": round(booked, 3),
        "free": round(max(left * lanes - booked, 0.0), 3),
        "share": round(booked / (left * lanes), 4),
        "current": window.start <= now < window.end,
    }


def window_said(window: Window, zone: ZoneInfo) -> str:
    """`Overnight Tue 24 Nov 23:00 to 06:45`: the time in which work may be placed, on the local clock."""
    return f"{SAID[window.kind]} {clock(window.start, zone)} to {window.end.astimezone(zone):%H:%M}"


# --- what comes next -----------------------------------------------------------------------------------------------------


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
    windows = working_windows(settings, zone, now=now, days=8)
    window = windows[0] if windows else None
    begin = max(now, window.start) if window else now
    left_h = (window.end - begin) / timedelta(hours=1) if window else 0.0
    longest_h = window.longest_h if window else 0.0
    found = [_candidate(row, settings) for row in reader.rows("build_scheduler.next_candidates", now=begin, longest_h=longest_h, left_h=left_h)]
    is_now = window is not None and window.start <= now
    chosen, passed = _choose(found, begin, left_h, longest_h, count, zone)
    return NextAnswer(window, is_now, left_h, _said(window, is_now, left_h, len(chosen), zone), tuple(chosen), tuple(passed))


def _choose(found: Sequence[Candidate], now: datetime, left_h: float, longest_h: float, count: int, zone: ZoneInfo) -> tuple[list[Choice], list[Choice]]:
    taken = {path for c in found if c.state == "running" for path in c.changes}
    chosen: list[Choice] = []
    passed: list[Choice] = []
    for task, standing in dispatch.ordered([c for c in found if c.state != "running"], now=now):
        obstacle = dispatch.why_not(task, left_h=left_h, taken_changes=taken) or _too_long(task, longest_h)
        if not obstacle and len(chosen) < count:
            chosen.append(_choice(task, *_why(task, standing, found, now, zone)))
        elif obstacle and len(passed) < PASSED_SHOWN:
            passed.append(_choice(task, "passed", obstacle))
    return chosen, passed


def _too_long(task: Candidate, longest_h: float) -> str:
    return f"Estimated {span(task.hours)}; this window takes tasks of up to {span(longest_h)}." if task.hours > longest_h else ""


def _why(task: Candidate, own: rank.Standing, found: Sequence[Candidate], now: datetime, zone: ZoneInfo) -> tuple[str, str]:
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
        return f"{window_said(window, zone)} is on; {span(left_h, down=True)} left. {found} for it."
    return f"No window is open now. The next is {window_said(window, zone)}, {span(left_h, down=True)} long. {found} for it."


# --- the whole ------------------------------------------------------------------------------------------------------------


def listing(place: Place, *, now: datetime, open_only: bool = False, limit: int | None = None) -> list[Row]:
    """Tasks of every state, what runs and waits first, queued ones by their start in the newest plan. `now` is for relative times."""
    with place.store.reading() as reader:
        return reader.rows("build_scheduler.listing", open_only=open_only, most=limit or 1_000_000)


def stats(place: Place, *, now: datetime) -> Row:
    """Counts by state, the completion rate with its denominator, and hours planned against real for what was completed."""
    with place.store.reading() as reader:
        return stats_of(reader)


def stats_of(reader: Reader) -> Row:
    """`stats` on an open reader or a snapshot. `completion_rate` is completed / (completed + failed), None while nothing has ended."""
    row = reader.one("build_scheduler.stats") or {}
    ended = row["completed"] + row["failed"]
    rate = row["completed"] / ended if ended else None
    said = f"{row['completed']} of {ended} ended tasks completed ({rate:.0%})" if rate is not None else "nothing has ended yet"
    return row | {"ended": ended, "completion_rate": rate, "said": f"{plural(row['total'], 'task')}, {row['queued']} queued; {said}."}
