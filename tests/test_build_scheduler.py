"""The plan keeps its promises: nothing overlaps, nothing is lost, and everything says why."""

import json
import random
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import combinations
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jarvis_lib import build_scheduler
from jarvis_lib.build_scheduler import by_hand, pick, plan, working_windows
from jarvis_lib.build_scheduler.spans import Taken
from jarvis_lib.model.fact import Refused
from jarvis_lib.model.plan import Candidate, Forecast, Omission, Plan, Slot
from jarvis_lib.model.settings import parse
from jarvis_lib.model.window import Window
from jarvis_lib.store.place import Place
from tests.facts import added, claimed, ended, opened, passed, task

BERLIN, NEW_YORK = ZoneInfo("Europe/Berlin"), ZoneInfo("America/New_York")
NOW = datetime(2026, 11, 24, 18, 0, tzinfo=UTC)  # a Tuesday, 19:00 in Berlin
DEFAULTS = parse("")
FORTNIGHT = working_windows(DEFAULTS, BERLIN, now=NOW)


def one(id: str, hours: float = 1.0, priority: str = "MEDIUM", **more: Any) -> Candidate:
    own: dict[str, Any] = {"state": "queued", "after": (), "due": None, "added_at": NOW, "parked_why": "", "changes": ()} | more
    unfinished = own.pop("unfinished", own["after"])
    return Candidate(id, f"Task {id}", own.pop("state"), priority, "Documentation", hours, own.pop("need_h", hours), unfinished=unfinished, **own)


def made(*tasks: Candidate, windows: Sequence[Window] = FORTNIGHT, lanes: int = 1, now: datetime = NOW, zone: ZoneInfo = BERLIN) -> Plan:
    return plan(tasks, windows, now=now, lanes=lanes, zone=zone)


def slot(found: Plan, id: str) -> Slot:
    return next(s for s in found.slots if s.task == id)


def omission(found: Plan, id: str) -> Omission:
    return next(o for o in found.omissions if o.task == id)


def hours_from_now(*spans: tuple[float, float], longest_h: float = 12.0) -> list[Window]:
    return [Window("overnight", NOW.date(), NOW + timedelta(hours=a), NOW + timedelta(hours=b), longest_h) for a, b in spans]


def local(at: datetime, zone: ZoneInfo = BERLIN) -> str:
    return f"{at.astimezone(zone):%a %H:%M}"


# --- properties ----------------------------------------------------------------------------------------------------------

STATES = ["queued"] * 8 + ["running", "parked", "proposed", "review"]


@st.composite
def queues(draw: st.DrawFn) -> list[Candidate]:
    count = draw(st.integers(0, 14))
    ids = [f"t{i:02d}" for i in range(count)]
    found = []
    for i, id in enumerate(ids):
        hours = draw(st.sampled_from([0.1, 0.5, 1.0, 1.7, 2.0, 3.0, 5.9, 6.0, 8.0, 11.0, 40.0]))
        blockers = draw(st.sets(st.sampled_from(ids if draw(st.integers(0, 9)) == 0 else [*ids[:i], "gone"]), max_size=2)) if draw(st.booleans()) else set()
        due = draw(st.none() | st.integers(-48, 400).map(lambda h: NOW + timedelta(hours=h)))
        found.append(
            one(
                id,
                hours,
                draw(st.sampled_from(["CRITICAL", "HIGH", "MEDIUM", "LOW", "BACKLOG"])),
                state=draw(st.sampled_from(STATES)),
                need_h=hours * draw(st.sampled_from([1.0, 1.25])),
                after=tuple(sorted(blockers)),
                due=due,
                added_at=NOW - timedelta(days=draw(st.integers(0, 90))),
                changes=tuple(draw(st.sets(st.sampled_from(["a.db", "b.db"]), max_size=2))),
            )
        )
    return found


horizons = st.sampled_from([FORTNIGHT, FORTNIGHT[:3], hours_from_now((1, 4), (4, 9), (30, 42)), []])


@settings(max_examples=80, deadline=None)
@given(queues(), horizons, st.integers(1, 3), st.randoms(use_true_random=False))
def test_the_plan_keeps_every_promise(tasks: list[Candidate], windows: list[Window], lanes: int, chance: random.Random) -> None:
    """Placed + left out = input; inside windows; lanes and files hold one task at a time; blockers end first; order of input is nothing."""
    found = made(*tasks, windows=windows, lanes=lanes)
    table = {c.id: c for c in tasks}
    assert sorted([s.task for s in found.slots] + [o.task for o in found.omissions]) == sorted(table)
    _inside(found, windows, table)
    _apart(found, table, lanes)
    ends = {s.task: s.end for s in found.slots}
    for s in found.slots:
        if table[s.task].state == "queued":
            assert all(b in table and (table[b].state == "running" or ends[b] <= s.start) for b in table[s.task].unfinished)
    reasons: list[Slot | Omission] = [*found.slots, *found.omissions]
    assert all(p.code and (p.sentence.endswith(".") or "jarvis " in p.sentence) for p in reasons)
    shuffled = list(tasks)
    chance.shuffle(shuffled)
    assert json.dumps(made(*shuffled, windows=windows, lanes=lanes).to_json()) == json.dumps(found.to_json())


def _inside(found: Plan, windows: Sequence[Window], table: dict[str, Candidate]) -> None:
    for s in found.slots:
        window = next(w for w in windows if w.key == s.window and w.start <= s.start and s.end <= w.end)
        assert s.start >= NOW
        if table[s.task].state == "queued":
            assert table[s.task].hours <= window.longest_h
            assert (s.end - s.start) >= timedelta(hours=table[s.task].need_h) - timedelta(milliseconds=1)


def _apart(found: Plan, table: dict[str, Candidate], lanes: int) -> None:
    for a, b in combinations(found.slots, 2):
        if a.start < b.end and b.start < a.end:
            assert a.lane != b.lane
            assert not set(table[a.task].changes) & set(table[b.task].changes)
    assert all(0 <= s.lane < lanes for s in found.slots)


@settings(max_examples=60, deadline=None)
@given(queues())
def test_a_reserve_is_queued_and_all_that_it_waits_for_may_run(tasks: list[Candidate]) -> None:
    """Dispatch can take every reserve once its blockers have ended."""
    found = made(*tasks, windows=FORTNIGHT[:2])
    table = {c.id: c for c in tasks}
    may_run = {s.task for s in found.slots} | {o.task for o in found.omissions if o.reserve}
    for o in found.omissions:
        if o.reserve:
            assert table[o.task].state == "queued"
            assert all(b in may_run or table[b].state == "running" for b in table[o.task].unfinished)


@settings(max_examples=60, deadline=None)
@given(queues(), st.integers(0, 13))
def test_declining_a_task_never_runs_more_than_its_hours(tasks: list[Candidate], which: int) -> None:
    """A stricter policy is a smaller queue: what is parked is never placed."""
    strict = [replace(c, state="parked") if i == which else c for i, c in enumerate(tasks)]
    placed = {s.task for s in made(*strict).slots}
    assert placed.isdisjoint(c.id for c in strict if c.state in ("parked", "proposed", "review"))


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(1, 9)), max_size=30), st.integers(0, 70), st.integers(1, 12))
def test_taken_spans_find_the_first_and_the_last_room(wanted: list[tuple[int, int]], at: int, need: int) -> None:
    """Compared with a list of seconds; what was taken can be given back."""
    taken, seconds, held = Taken(), [False] * 200, []
    for start, length in wanted:
        if not any(seconds[start : start + length]):
            taken.add(start, start + length)
            held.append((start, start + length))
            seconds[start : start + length] = [True] * length
    assert taken.after(at, need) == next(s for s in range(at, 200) if not any(seconds[s : s + need]))
    last = taken.before(at + 50, need)
    assert last == next(e for e in range(at + 50, -999, -1) if not any(seconds[max(e - need, 0) : max(e, 0)]))
    for span in held:
        taken.drop(*span)
    assert taken.starts == [] == taken.ends


# --- order ---------------------------------------------------------------------------------------------------------------


def test_value_for_each_hour_goes_first() -> None:
    """A short task of high priority is before a long one of critical priority: 4 / 1 h is more than 5 / 2 h."""
    found = made(one("long", 2.0, "CRITICAL"), one("short", 1.0, "HIGH"), one("small", 1.0, "LOW"))
    assert [s.task for s in found.slots] == ["short", "long", "small"]


def test_waiting_lifts_a_task() -> None:
    """After 60 days a backlog task counts threefold, and is before a fresh one of low priority."""
    old = one("old", priority="BACKLOG", added_at=NOW - timedelta(days=60))
    assert [s.task for s in made(one("new", priority="LOW"), old).slots] == ["old", "new"]


def test_a_blocker_stands_as_high_as_what_waits_for_it() -> None:
    """A low task that a critical one needs goes before a medium one, says so, and ends first."""
    found = made(one("base", priority="LOW"), one("top", priority="CRITICAL", after=("base",)), one("mid", priority="MEDIUM", need_h=1.0))
    assert [s.task for s in found.slots] == ["base", "top", "mid"]
    assert slot(found, "base").code == "inherits"
    assert "top (Task top), critical priority, waits for it" in slot(found, "base").sentence
    assert slot(found, "top").sentence.endswith("right after base (Task base).")


def test_a_dated_task_keeps_its_place_without_taking_the_first_one() -> None:
    """Low and due at the end of the window: critical work goes before it, and it still is in time."""
    windows = hours_from_now((0, 4))
    found = made(one("due", 1.0, "LOW", due=NOW + timedelta(hours=4)), *[one(f"c{i}", 1.0, "CRITICAL") for i in range(5)], windows=windows)
    assert slot(found, "due").end <= NOW + timedelta(hours=4)
    assert found.slots[-1].task == "due"
    assert slot(found, "due").code == "due_tight"
    assert slot(found, "due").sentence.startswith("Due Tue 24 Nov 23:00; no other room of 1 h is left before that")


def test_a_due_date_is_inherited_along_the_chain() -> None:
    """The blocker of a blocker runs in time for the due date at the end."""
    chain = [one("a", 1.0), one("b", 1.0, after=("a",)), one("c", 1.0, "LOW", after=("b",), due=NOW + timedelta(hours=4))]
    found = made(*chain, *[one(f"x{i}", 1.0, "CRITICAL") for i in range(4)], windows=hours_from_now((0, 8)))
    assert slot(found, "c").end <= NOW + timedelta(hours=4)
    assert slot(found, "a").code == "inherits" and "c (Task c), due Tue 24 Nov 23:00, waits for it" in slot(found, "a").sentence


def test_a_late_task_says_so_and_starves_nobody() -> None:
    """Overdue and low: it is placed after better work, marked LATE with its finish."""
    found = made(one("over", 1.0, "LOW", due=NOW - timedelta(hours=2)), one("good", 1.0, "HIGH"))
    assert [s.task for s in found.slots] == ["good", "over"]
    assert slot(found, "over").code == "late"
    assert slot(found, "over").sentence.startswith("LATE: due Tue 24 Nov 17:00, earliest finish Tue 24 Nov 21:00")


def test_higher_priority_reserves_before_lower() -> None:
    """One hour before the due date of both: the high one has it, the low one is late."""
    due = NOW + timedelta(hours=1)
    found = made(one("low", 1.0, "LOW", due=due), one("high", 1.0, "HIGH", due=due), windows=hours_from_now((0, 3)))
    assert (slot(found, "high").code, slot(found, "low").code) == ("due_tight", "late")


def test_the_longest_waiting_of_its_priority_is_named() -> None:
    """Six days, and the longest of two."""
    found = made(one("old", added_at=NOW - timedelta(days=6)), one("new"))
    assert slot(found, "old").sentence.startswith("Medium priority, waiting 6 days, the longest of 2; first room of 1 h: Quick win, Tue 24 Nov 19:00")


# --- windows -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("hours", "kind"), [(2.0, "quick_win"), (2.1, "overnight"), (6.0, "overnight"), (6.1, "work_hours"), (8.1, "weekend"), (12.0, "weekend")]
)
def test_a_task_goes_to_the_first_window_of_its_size_or_larger(hours: float, kind: str) -> None:
    """From Tuesday 19:00: up to 2 h now, up to 6 h in the night, up to 8 h on Wednesday, more on Saturday."""
    assert made(one("t", hours)).slots[0].window.startswith(kind)


def test_a_short_task_may_run_in_a_larger_window() -> None:
    """With the quick win switched off it runs in the night."""
    off = parse("[windows.quick_win]\non = false\n")
    assert made(one("t", 0.5), windows=working_windows(off, BERLIN, now=NOW)).slots[0].window == "overnight@2026-11-24"


def test_nights_end_when_their_work_must_end() -> None:
    """15 minutes before 07:00 nothing is planned any more, whatever the date."""
    nights = [w for w in FORTNIGHT if w.kind == "overnight"]
    assert {local(w.end)[4:] for w in nights} == {"06:45"}
    assert all(s.end <= w.end for s in made(*[one(f"t{i:02d}", 2.5) for i in range(40)]).slots for w in nights if w.key == s.window)


@pytest.mark.parametrize(
    ("zone", "day", "work_h"),
    [(BERLIN, date(2026, 3, 28), 6.75), (BERLIN, date(2026, 10, 24), 8.75), (NEW_YORK, date(2026, 3, 7), 6.75), (NEW_YORK, date(2026, 10, 31), 8.75)],
)
def test_clock_change_nights_hold_their_real_hours(zone: ZoneInfo, day: date, work_h: float) -> None:
    """Tasks of 15 minutes fill the spring night with 27 and the autumn night with 35, the last ending at 06:45."""
    begin = datetime(day.year, day.month, day.day, 23, tzinfo=zone).astimezone(UTC)
    night = working_windows(DEFAULTS, zone, now=begin)[0]
    found = made(*[one(f"t{i:02d}", 0.25) for i in range(60)], windows=[night], now=begin, zone=zone)
    assert len(found.slots) == work_h * 4
    assert local(found.slots[-1].end, zone).endswith("06:45")


def test_sentences_tell_times_of_the_repeated_hour_on_the_local_clock() -> None:
    """The fourth hour of the autumn night starts at 02:00 for the second time."""
    begin = datetime(2026, 10, 24, 23, tzinfo=BERLIN).astimezone(UTC)
    found = made(*[one(f"t{i}", 1.0) for i in range(5)], windows=working_windows(DEFAULTS, BERLIN, now=begin)[:1], now=begin)
    assert [local(s.start) for s in found.slots] == ["Sat 23:00", "Sun 00:00", "Sun 01:00", "Sun 02:00", "Sun 02:00"]


def test_the_reserve_takes_room_but_not_size() -> None:
    """A 12-hour task still has its weekend day, and a 6-hour one its night: the need is cut to the window of its size."""
    assert [build_scheduler.verbs.need_h(h, DEFAULTS) for h in (2.0, 6.0, 12.0, 40.0)] == [3.1, 7.5, 12.0, 62.0]


def test_a_forecast_takes_the_place_of_the_reserve() -> None:
    """Its p80 is kept free, less than the estimate or more, but still no more than a window of its size has."""
    short, long = Forecast(0.5, 1.0, 1.5, 2.0, ""), Forecast(5.0, 7.0, 9.0, 12.0, "")
    assert [build_scheduler.verbs.need_h(h, DEFAULTS, f) for h, f in ((2.0, short), (5.0, long))] == [1.5, 7.5]


# --- left out ------------------------------------------------------------------------------------------------------------


def test_every_omission_has_its_reason() -> None:
    """Parked, proposed, in a circle, behind one, too long, behind what is gone."""
    found = made(
        one("parked", state="parked", parked_why="Waits for your approval: the category is on the ask list."),
        one("asked", state="proposed"),
        one("look", state="review"),
        one("c1", after=("c2",)),
        one("c2", after=("c1",)),
        one("behind", after=("c1",)),
        one("huge", 40.0),
        one("orphan", after=("nowhere",)),
        one("held", after=("parked",)),
    )
    assert not found.slots
    codes = {o.task: o.code for o in found.omissions}
    assert codes == {
        "parked": "unapproved",
        "asked": "unapproved",
        "look": "review",
        "c1": "circle",
        "c2": "circle",
        "behind": "after",
        "huge": "unplaced_long",
        "orphan": "after",
        "held": "after",
    }
    assert omission(found, "c1").sentence == "c1 (Task c1) and c2 (Task c2) wait for each other."
    assert omission(found, "huge").sentence == "Estimated 40 h, the longest task that a window takes has 12 h: split it (jarvis scheduler split huge)."
    assert omission(found, "held").sentence == "Waits for parked (Task parked), which is parked."
    assert not any(o.reserve for o in found.omissions)


def test_what_does_not_fit_is_a_reserve_and_says_which_windows_are_full() -> None:
    """Three hours for two tasks of two: the second stays in reserve."""
    found = made(one("a", 2.0, "HIGH"), one("b", 2.0), windows=hours_from_now((0, 3)))
    left = omission(found, "b")
    assert (left.code, left.reserve) == ("unplaced_full", True)
    assert left.sentence == "The 1 allowed window to Tue 24 Nov 22:00 has no room of 2 h left. A reserve: it runs when time is left over."


def test_a_need_longer_than_every_window_is_not_a_reserve() -> None:
    """It would never fit, so it says to split it."""
    found = made(one("t", 4.0, need_h=5.0), windows=hours_from_now((0, 4.5)))
    assert omission(found, "t").sentence == "Needs 5 h with its reserve, the longest allowed window has 4 h 30: split it (jarvis scheduler split t)."
    assert omission(found, "t").reserve is False


def test_no_window_at_all_is_said() -> None:
    """An empty horizon leaves everything out with the same plain reason."""
    assert omission(made(one("t"), windows=[]), "t").sentence.startswith("No window is open in the time that was planned")


def test_what_runs_keeps_its_lane_and_its_files() -> None:
    """Two lanes: one runs, a task for the same file waits for it, another starts beside it."""
    found = made(one("now", 2.0, state="running", changes=("a.db",)), one("same", changes=("a.db",), priority="HIGH"), one("other"), lanes=2)
    assert slot(found, "now").sentence == "It runs now."
    assert slot(found, "same").start == slot(found, "now").end
    assert (slot(found, "other").start, slot(found, "other").lane) == (NOW, 1)


# --- dispatch ------------------------------------------------------------------------------------------------------------


def test_pick_takes_the_best_that_fits_and_says_why_not_the_others() -> None:
    """Too long, changing what a task is changing, waiting, and behind: each has its sentence."""
    tasks = [
        one("big", 3.0, "CRITICAL"),
        one("file", 0.5, "CRITICAL", changes=("a.db",)),
        one("waits", 0.5, "CRITICAL", after=("big",)),
        one("best", 1.0, "HIGH"),
        one("next", 1.0, "LOW"),
    ]
    chosen, others = pick(tasks, left_h=2.0, now=NOW, taken_changes={"a.db"})
    assert chosen is not None and chosen.id == "best"
    assert {c.id: said for c, said in others} == {
        "big": "3 h needed, 2 h left.",
        "file": "It changes a.db, which a running task is changing.",
        "waits": "Waits for big.",
        "next": "After best (Task best): score 2.00 against 4.00.",
    }


def test_pick_starts_what_would_be_late_soon_before_better_work() -> None:
    """Low priority, due in three hours, goes before critical work; what is late already does not."""
    soon, over = one("soon", 1.0, "LOW", due=NOW + timedelta(hours=3)), one("over", 1.0, "LOW", due=NOW)
    chosen, others = pick([one("top", 1.0, "CRITICAL"), over, soon], left_h=6.0, now=NOW, taken_changes=set())
    assert chosen == soon
    assert [c.id for c, _ in others] == ["top", "over"]
    assert others[0][1] == "After soon (Task soon), which must start soon to be in time."


def test_pick_counts_what_waits() -> None:
    """A blocker stands as high as the others that wait for it."""
    base, mid = one("base", priority="LOW"), one("mid")
    chosen, _ = pick([base, mid], left_h=2.0, now=NOW, taken_changes=set(), others=[base, mid, one("top", 0.2, "CRITICAL", after=("base",))])
    assert chosen == base


def test_pick_of_nothing_is_nothing() -> None:
    """No candidate, no choice, no reasons."""
    assert pick([], left_h=8.0, now=NOW, taken_changes=set()) == (None, [])


# --- speed ---------------------------------------------------------------------------------------------------------------


def _instance(count: int) -> list[Candidate]:
    chance = random.Random(7)
    found: list[Candidate] = []
    for i in range(count):
        hours = round(min(max(chance.lognormvariate(0.5, 0.8), 0.1), 12.0), 2)
        after = (found[chance.randrange(i)].id,) if i and chance.random() < 0.15 else ()
        due = NOW + timedelta(hours=chance.uniform(4, 14 * 24)) if chance.random() < 0.6 else None
        priority = chance.choice(["CRITICAL", "HIGH", "MEDIUM", "LOW", "BACKLOG"])
        found.append(one(f"t{i:05d}", hours, priority, need_h=hours * 1.25, after=after, due=due, changes=("a.db",) if chance.random() < 0.05 else ()))
    return found


@pytest.mark.parametrize(("count", "seconds"), [(500, 1.0), (5000, 3.0)])
def test_planning_a_fortnight_is_quick(count: int, seconds: float) -> None:
    """In processor time of this process, so that a busy machine does not fail it."""
    tasks = _instance(count)
    begin = time.process_time()
    made(*tasks, lanes=3)
    assert time.process_time() - begin < seconds


# --- the verbs -----------------------------------------------------------------------------------------------------------

PlaceAt = Callable[[datetime], Place]


@pytest.fixture
def at_seven(make_place: PlaceAt) -> Place:
    """A workspace in Berlin on a Tuesday at 19:00, when the quick win opens."""
    return replace(make_place(NOW), zone=BERLIN)


def test_make_plan_is_written_and_read_back(at_seven: Place) -> None:
    """The fact holds what was returned; rows, windows and the listing show it."""
    base = task("Base", hours=1.0)
    top = task("Top", hours=1.0, after=(base.id,), priority="HIGH")
    ask = task("New thing", category="New features")
    at_seven.store.write(*[added(at_seven, t) for t in (base, top, ask)])
    found = build_scheduler.make_plan(at_seven, now=NOW)
    assert [s.task for s in found.slots] == [base.id, top.id]
    rows = build_scheduler.plan_rows(at_seven, now=NOW)
    planned: list[Slot | Omission] = [*found.slots, *found.omissions]
    assert [(r["task"], r["sentence"]) for r in rows] == [(p.task, p.sentence) for p in planned]
    assert omission(found, ask.id).code == "unapproved"
    now_on = build_scheduler.window_rows(at_seven, now=NOW)[0]
    assert (now_on["current"], now_on["said"]) == (True, "Quick win Tue 24 Nov 19:00 to 23:00")
    assert (now_on["booked"], now_on["free"], now_on["plan_made_at"]) == (3.1, 8.9, NOW)
    listed = build_scheduler.listing(at_seven, now=NOW)
    assert [(r["id"], r["start"]) for r in listed] == [(ask.id, None), (base.id, found.slots[0].start), (top.id, found.slots[1].start)]


def test_shipped_blockers_are_finished_for_the_planner(at_seven: Place) -> None:
    """What has shipped is no longer waited for; what runs keeps its place."""
    base = task("Base")
    top = task("Top", after=(base.id,))
    at_seven.store.write(added(at_seven, base), added(at_seven, top))
    at_seven.store.write(opened(at_seven))
    at_seven.store.write(claimed(at_seven, base, "a1"))
    with at_seven.store.reading() as reader:
        waits = {c.id: (c.state, c.unfinished) for c in build_scheduler.candidates(reader, at_seven.settings)}
    assert waits == {base.id: ("running", ()), top.id: ("queued", (base.id,))}
    at_seven.store.write(ended(at_seven, base, "a1", evidence=[passed()]))
    with at_seven.store.reading() as reader:
        waits = {c.id: (c.state, c.unfinished) for c in build_scheduler.candidates(reader, at_seven.settings)}
    assert waits == {top.id: ("queued", ())}


STARTED_BY_HAND = " Quick win does not begin by itself; while it is on, start it with: jarvis queue schedule --run"


def test_next_answers_for_the_current_window_with_reasons(at_seven: Place) -> None:
    """Three chosen, best first; the long one and the one without approval are passed over and say why."""
    tasks = [task(f"Small {p}", hours=1.0, priority=p) for p in ("LOW", "HIGH", "CRITICAL", "BACKLOG")]
    long, ask = task("Long", hours=4.0, priority="CRITICAL"), task("Ask", category="New features", priority="CRITICAL")
    at_seven.store.write(*[added(at_seven, t) for t in (*tasks, long, ask)])
    answer = build_scheduler.next_tasks(at_seven, now=NOW)
    assert answer.is_now and answer.said == "Quick win Tue 24 Nov 19:00 to 23:00 is on; 4 h left. 3 tasks for it." + STARTED_BY_HAND
    assert [c.title for c in answer.chosen] == ["Small CRITICAL", "Small HIGH", "Small LOW"]
    assert answer.chosen[0].sentence == "Critical priority, 1 h estimated: score 5.00."
    said = {c.title: c.sentence for c in answer.passed}
    assert said["Long"] == "6 h 12 needed, 4 h left."
    assert said["Ask"].startswith("Waits for your approval")
    assert json.dumps(answer.to_json(), default=str)


def test_next_outside_every_window_is_for_the_next_one_and_says_so(at_seven: Place) -> None:
    """At 18:00 the quick win of the evening is asked about."""
    at_seven.store.write(added(at_seven, task()))
    answer = build_scheduler.next_tasks(at_seven, now=NOW - timedelta(hours=1))
    assert not answer.is_now
    assert answer.said == "No window is open now. The next is Quick win Tue 24 Nov 19:00 to 23:00, 4 h long. 1 task for it." + STARTED_BY_HAND


def test_the_end_of_a_night_belongs_to_the_next_window(at_seven: Place) -> None:
    """At 06:50 nothing starts any more, so `next` speaks of the work hours."""
    early = datetime(2026, 11, 25, 6, 50, tzinfo=BERLIN).astimezone(UTC)
    answer = build_scheduler.next_tasks(at_seven, now=early)
    assert answer.window is not None and answer.window.key == "work_hours@2026-11-25"
    assert answer.said.endswith("8 h long. Nothing for it.")


def test_next_lifts_a_blocker_that_the_database_ranks_low(at_seven: Place) -> None:
    """Among hundreds, a backlog task is chosen because a critical one waits for it, at the end of a chain."""
    crowd = [task(f"Crowd {i}", hours=2.0, priority="MEDIUM") for i in range(120)]
    base = task("Base", hours=1.0, priority="BACKLOG")
    middle = task("Middle", hours=0.1, priority="BACKLOG", after=(base.id,))
    top = task("Top", hours=0.1, priority="CRITICAL", after=(middle.id,))
    at_seven.store.write(*[added(at_seven, t) for t in (*crowd, base, middle, top)])
    first = build_scheduler.next_tasks(at_seven, now=NOW).chosen[0]
    assert first.title == "Base" and "(Top) waits for it" in first.sentence


def test_next_refuses_a_count_below_one(at_seven: Place) -> None:
    """Zero tasks are no answer."""
    with pytest.raises(Refused, match="at least 1"):
        build_scheduler.next_tasks(at_seven, now=NOW, count=0)


def test_stats_show_their_denominators(at_seven: Place) -> None:
    """One shipped and accepted by policy, one failed, one queued; hours planned against hours run."""
    good, bad, left = task("Good", hours=2.0), task("Bad"), task("Left")
    at_seven.store.write(*[added(at_seven, t) for t in (good, bad, left)])
    at_seven.store.write(opened(at_seven))
    at_seven.store.write(claimed(at_seven, good, "a1"), claimed(at_seven, bad, "a2"))
    at_seven.store.write(ended(at_seven, good, "a1", evidence=[passed()]), ended(at_seven, bad, "a2", evidence=[passed() | {"ok": False}]))
    found = build_scheduler.stats(at_seven, now=NOW)
    assert {k: found[k] for k in ("total", "queued", "completed", "failed", "ended", "completion_rate")} == {
        "total": 3,
        "queued": 1,
        "completed": 1,
        "failed": 1,
        "ended": 2,
        "completion_rate": 0.5,
    }
    assert found["hours_planned"] == 2.0
    assert found["hours_real"] == pytest.approx(1.5 / 3600)
    assert found["said"] == "3 tasks, 1 queued; 1 of 2 ended tasks completed (50%)."


def test_an_empty_store_answers_everything(at_seven: Place) -> None:
    """No task, no plan: rates are None and sentences say so."""
    assert build_scheduler.stats(at_seven, now=NOW)["completion_rate"] is None
    assert build_scheduler.stats(at_seven, now=NOW)["said"] == "0 tasks, 0 queued; nothing has ended yet."
    assert build_scheduler.listing(at_seven, now=NOW) == [] == build_scheduler.plan_rows(at_seven, now=NOW)
    assert build_scheduler.window_rows(at_seven, now=NOW)[0]["booked"] == 0
    assert build_scheduler.make_plan(at_seven, now=NOW) == Plan((), ())


def test_open_only_leaves_out_what_has_ended(at_seven: Place) -> None:
    """`list` shows every state; `--open` those that still move."""
    keep, gone = task("Keep"), task("Gone")
    at_seven.store.write(added(at_seven, keep), added(at_seven, gone))
    at_seven.store.write(at_seven.fact("task.dropped", task=gone.id))
    assert {r["title"] for r in build_scheduler.listing(at_seven, now=NOW)} == {"Keep", "Gone"}
    assert [r["title"] for r in build_scheduler.listing(at_seven, now=NOW, open_only=True)] == ["Keep"]
    assert [r["title"] for r in build_scheduler.listing(at_seven, now=NOW, state="dropped")] == ["Gone"]


def test_a_window_that_nobody_begins_says_so(at_seven: Place) -> None:
    """[cron] windows names what begins by itself; of other places it is told that only the person has them worked, and with which command."""
    settings = at_seven.settings
    assert not by_hand.is_by_hand(settings, "overnight") and by_hand.is_by_hand(settings, "work_hours")
    assert by_hand.said(settings, [("a", "overnight@2026-11-24"), ("b", "weekend@2026-11-28")]) == ""
    said = by_hand.said(settings, [("a", "overnight@2026-11-24"), ("b", "work_hours@2026-11-24"), ("b", "work_hours@2026-11-25")])
    assert said.startswith("1 task has its place in Work hours, which does not begin by itself") and said.endswith("jarvis queue schedule --run")


def test_a_night_by_day_names_what_would_run_in_it(at_seven: Place) -> None:
    """What has an earlier place is named, with the command that works it there; the night takes what is left."""
    at_seven.store.write(added(at_seven, task("Hello page", hours=0.2)))
    by_day = NOW.replace(hour=9) + timedelta(days=1)
    answer = build_scheduler.next_tasks(at_seven, now=by_day)
    assert answer.window is not None and "does not begin by itself; while it is on, start it with: jarvis queue schedule --run" in answer.said
    told = build_scheduler.night_plan(at_seven, now=by_day)
    assert told.earlier == 1 and "Hello page" in told.earlier_said and "jarvis queue schedule --run" in told.earlier_said


def test_next_loads_nothing_heavy(at_seven: Place) -> None:
    """Frames, charts, notebooks and the planner itself stay out of a process that only asks what comes next."""
    code = (
        "import sys; from datetime import UTC, datetime; from jarvis_lib import build_scheduler; from jarvis_lib.workspace import open_workspace\n"
        f"build_scheduler.next_tasks(open_workspace({str(at_seven.home)!r}), now=datetime(2026, 11, 24, 18, tzinfo=UTC))\n"
        "print([m for m in ('polars', 'altair', 'sklearn', 'papermill', 'jarvis_lib.build_scheduler.planner') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=Path(__file__).parent.parent)
    assert done.stdout.strip() == "[]"


def test_frames_and_charts_of_the_plan_work_full_and_empty(at_seven: Place) -> None:
    """The notebook's chart says that there is no plan yet, and then shows the plan on the local clock."""
    from jarvis_lib.report import plan_frames

    def shown() -> tuple[Any, Any]:
        windows = plan_frames.windows_frame(build_scheduler.window_rows(at_seven, now=NOW), BERLIN)
        with plan_frames.reading(at_seven, "") as reader:
            frame = plan_frames.plan_frame(reader, BERLIN)
        return frame, plan_frames.gantt(frame, windows).to_json() + plan_frames.load_bars(windows).to_json()

    empty, said = shown()
    assert empty.height == 0 and "No plan yet" in said
    at_seven.store.write(added(at_seven, task("<script>alert(1)</script>")))
    build_scheduler.make_plan(at_seven, now=NOW)
    frame, _ = shown()
    assert frame["start"].to_list() == [datetime(2026, 11, 24, 19)]  # noqa: DTZ001  a frame's times are naive, on the local clock
