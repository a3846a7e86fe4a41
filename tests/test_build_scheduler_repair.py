"""A plan that exists is repaired: what holds stays, frozen and pinned never move, and one new task does not shuffle the week."""

import json
import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import combinations, pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jarvis_lib.build_scheduler import pick, plan, working_windows
from jarvis_lib.model.plan import Candidate, Plan, Slot
from jarvis_lib.model.window import Cuts, Window
from tests.test_build_scheduler import BERLIN, DEFAULTS, FORTNIGHT, NEW_YORK, NOW, horizons, hours_from_now, made, omission, one, queues, slot


def settled(found: Plan) -> list[str]:
    return [o.task for o in found.omissions]


def again(found: Plan, *tasks: Candidate, now: datetime = NOW, windows: Sequence[Window] = FORTNIGHT, lanes: int = 1, **more: Any) -> Plan:
    return plan(tasks, windows, now=now, lanes=lanes, zone=BERLIN, previous=found.slots, settled=settled(found), **more)


def places(found: Plan) -> set[tuple[str, str, datetime, datetime, int]]:
    return {(s.task, s.window, s.start, s.end, s.lane) for s in found.slots}


def promises(found: Plan, tasks: Sequence[Candidate], windows: Sequence[Window], lanes: int) -> None:
    """Every task once; inside windows; lanes, files and sittings apart; what is waited for ends first."""
    table = {c.id: c for c in tasks}
    assert sorted({s.task for s in found.slots} | {o.task for o in found.omissions}) == sorted(table)
    assert {s.task for s in found.slots}.isdisjoint(o.task for o in found.omissions)
    for s in found.slots:
        window = next(w for w in windows if w.key == s.window and w.start <= s.start and s.end <= w.end)
        assert 0 <= s.lane < lanes
        if s.parts > 1:
            assert timedelta(hours=1) <= s.end - s.start <= timedelta(hours=window.longest_h) and table[s.task].resumable
    for a, b in combinations(found.slots, 2):
        if a.start < b.end and b.start < a.end:
            assert a.lane != b.lane and a.task != b.task
            assert not set(table[a.task].changes) & set(table[b.task].changes)
    ends = {s.task: max(o.end for o in found.slots if o.task == s.task) for s in found.slots}
    starts = {s.task: min(o.start for o in found.slots if o.task == s.task) for s in found.slots}
    for i, start in starts.items():
        if table[i].state == "queued":
            assert all(table[b].state == "running" or ends[b] <= start for b in table[i].unfinished)
    for i in starts:
        own = [s for s in found.slots if s.task == i]
        assert [s.part for s in own] == list(range(1, own[0].parts + 1))
        if len(own) > 1:
            assert sum(((s.end - s.start) for s in own), timedelta()) >= timedelta(hours=table[i].need_h) - timedelta(seconds=1)


@st.composite
def mixed(draw: st.DrawFn) -> list[Candidate]:
    """Queues with resumable tasks and pins in them."""
    keys = [w.key for w in FORTNIGHT[:6]] + ["overnight@2020-01-01"]
    return [
        replace(c, resumable=draw(st.integers(0, 3)) == 0, pinned=draw(st.sampled_from(keys)) if draw(st.integers(0, 4)) == 0 else "") for c in draw(queues())
    ]


@settings(max_examples=50, deadline=None)
@given(mixed(), horizons, st.integers(1, 3), st.randoms(use_true_random=False))
def test_sittings_and_pins_keep_every_promise(tasks: list[Candidate], windows: list[Window], lanes: int, chance: random.Random) -> None:
    """And the same bytes come out whatever the order of the input."""
    found = made(*tasks, windows=windows, lanes=lanes)
    promises(found, tasks, windows, lanes)
    shuffled = list(tasks)
    chance.shuffle(shuffled)
    assert json.dumps(made(*shuffled, windows=windows, lanes=lanes).to_json()) == json.dumps(found.to_json())
    for c in tasks:
        if c.pinned and c.state == "queued" and any(s.task == c.id for s in found.slots) and slot(found, c.id).window != c.pinned:
            assert "Your pin to" in slot(found, c.id).sentence


@settings(max_examples=50, deadline=None)
@given(mixed(), horizons, st.integers(1, 3))
def test_repair_with_nothing_new_is_the_identity(tasks: list[Candidate], windows: list[Window], lanes: int) -> None:
    """No task moves, comes or goes; and no second repair changes a word."""
    found = made(*tasks, windows=windows, lanes=lanes)
    repaired = again(found, *tasks, windows=windows, lanes=lanes)
    assert places(repaired) == places(found)
    assert again(repaired, *tasks, windows=windows, lanes=lanes).to_json() == repaired.to_json()


def test_what_waits_for_a_task_that_its_window_will_end_is_planned_alike_in_a_new_plan_and_in_a_repaired_one() -> None:
    """It needs seven hours, its window has four left: what waits for it comes after the window, here and there."""
    windows = hours_from_now((0, 4), (4, 12))
    tasks = [replace(one("runs", 7.0), state="running"), one("waits", 6.0, after=("runs",))]
    found = made(*tasks, windows=windows)
    assert slot(found, "runs").end == slot(found, "waits").start == NOW + timedelta(hours=4)
    assert places(again(found, *tasks, windows=windows)) == places(found)


@settings(max_examples=50, deadline=None)
@given(mixed(), mixed(), horizons, st.integers(1, 3), st.sets(st.integers(0, 13), max_size=3))
def test_pinned_and_frozen_never_move(tasks: list[Candidate], more: list[Candidate], windows: list[Window], lanes: int, gone: set[int]) -> None:
    """Others come and go: what starts within 12 hours, or stands in the window that it is pinned to, stays; and every promise holds."""
    tasks = [c for c in tasks if c.state != "running"]
    found = made(*tasks, windows=windows, lanes=lanes)
    fresh = [replace(c, id=f"n{c.id}", after=(), unfinished=(), pinned="") for c in more if c.state != "running"]
    left = [c for i, c in enumerate(tasks) if i not in gone]
    kept_ids = {c.id for c in left}
    left = [replace(c, unfinished=tuple(b for b in c.unfinished if b in kept_ids or b == "gone")) for c in left]
    held = {(s.task, s.window) for s in found.slots}
    left = [c if (c.id, c.pinned) in held else replace(c, pinned="") for c in left]  # a pin that can hold only now moves its task, and rightly
    repaired = again(found, *left, *fresh, windows=windows, lanes=lanes)
    promises(repaired, [*left, *fresh], windows, lanes)
    table = {c.id: c for c in left}
    for s in found.slots:
        if s.task in table and (s.start < NOW + timedelta(hours=12) or s.window == table[s.task].pinned) and s.part == 1:
            assert (s.window, s.start) == (slot(repaired, s.task).window, slot(repaired, s.task).start)


@settings(max_examples=40, deadline=None)
@given(queues(), st.integers(0, 13), st.booleans())
def test_a_stricter_policy_never_lets_more_run(tasks: list[Candidate], which: int, repaired: bool) -> None:
    """What may run (slots and reserves) with one task fewer approved is a subset of what may run with it."""

    def may_run(found: Plan) -> set[str]:
        return {s.task for s in found.slots} | {o.task for o in found.omissions if o.reserve}

    strict = [replace(c, state="parked") if i == which and c.state == "queued" else c for i, c in enumerate(tasks)]
    free = made(*tasks)
    assert may_run(again(free, *strict) if repaired else made(*strict)) <= may_run(free)
    chosen, _ = pick(strict, left_h=8.0, now=NOW, taken_changes=set())
    assert chosen is None or chosen.state == "queued"


# --- making room ---------------------------------------------------------------------------------------------------------

DAY_TWO = hours_from_now((24, 28), (48, 52))


def test_a_dated_task_bumps_the_cheapest_less_important_one() -> None:
    """Four hours are full; the low one of two hours goes to the next window and says for whom."""
    old = [one("high", 2.0, "HIGH"), one("low", 2.0, "LOW")]
    found = made(*old, windows=DAY_TWO)
    urgent = one("now", 1.5, "CRITICAL", due=NOW + timedelta(hours=28))
    repaired = again(found, *old, urgent, windows=DAY_TWO)
    assert slot(repaired, "now").end <= NOW + timedelta(hours=28)
    assert slot(repaired, "high").start == slot(found, "high").start
    assert slot(repaired, "low").code == "bumped"
    assert slot(repaired, "low").sentence.startswith("Moved from Wed 25 Nov 21:00 to Thu 26 Nov 19:00 to make room for now (Task now), critical priority.")


def test_equal_priority_is_never_bumped() -> None:
    """The new one is late instead."""
    old = [one("a", 4.0, "HIGH")]
    found = made(*old, windows=DAY_TWO)
    repaired = again(found, *old, one("b", 2.0, "HIGH", due=NOW + timedelta(hours=28)), windows=DAY_TWO)
    assert slot(repaired, "a").start == slot(found, "a").start
    assert slot(repaired, "b").code == "late"


def test_many_small_ones_outweigh_one_of_the_next_level() -> None:
    """Three medium tasks weigh as much as one high one, so they are not bumped for it."""
    old = [one(f"m{i}", 4 / 3, "MEDIUM") for i in range(3)]
    found = made(*old, windows=hours_from_now((24, 28)))
    repaired = again(found, *old, one("b", 4.0, "HIGH", due=NOW + timedelta(hours=28)), windows=hours_from_now((24, 28)))
    assert {s.task for s in repaired.slots} == {"m0", "m1", "m2"}


def test_a_blocker_of_a_dated_task_is_not_bumped() -> None:
    """It is low itself, but a dated one needs it."""
    old = [one("base", 2.0, "LOW"), one("top", 2.0, "LOW", after=("base",), due=NOW + timedelta(hours=52))]
    found = made(*old, windows=DAY_TWO)
    repaired = again(found, *old, one("b", 2.0, "MEDIUM", due=NOW + timedelta(hours=26)), windows=DAY_TWO)
    assert places(repaired) >= {p for p in places(found) if p[0] in ("base", "top")}


def test_what_starts_soon_is_not_bumped() -> None:
    """Inside 12 hours nothing makes room, whatever comes."""
    windows = hours_from_now((1, 5), (30, 34))
    old = [one("low", 4.0, "BACKLOG")]
    found = made(*old, windows=windows)
    repaired = again(found, *old, one("b", 2.0, "CRITICAL", due=NOW + timedelta(hours=6)), windows=windows)
    assert slot(repaired, "low") == slot(again(found, *old, windows=windows), "low")
    assert slot(repaired, "b").code == "late"


def test_one_urgent_task_moves_little() -> None:
    """In a full fortnight of 90 tasks less than 4% of the places change."""
    chance = random.Random(3)
    tasks = [one(f"t{i:02d}", round(chance.uniform(0.3, 5), 2), chance.choice(["HIGH", "MEDIUM", "LOW"])) for i in range(90)]
    found = made(*tasks)
    new = one("urgent", 2.0, "CRITICAL", due=NOW + timedelta(hours=40))
    repaired = again(found, *tasks, new)
    before = {s.task: s.start for s in found.slots}
    after = {s.task: s.start for s in repaired.slots}
    assert after["urgent"] < NOW + timedelta(hours=40)
    assert sum(after.get(i) != start for i, start in before.items()) < 0.04 * len(before)


# --- time goes on --------------------------------------------------------------------------------------------------------


def test_a_session_that_opens_some_seconds_late_keeps_the_plan() -> None:
    """At five seconds past the start every lane slips by five seconds, and nothing changes its place."""
    tasks = [one(f"t{i}", 1.0 + i / 10, "HIGH") for i in range(6)]
    windows = hours_from_now((0, 8))
    found = made(*tasks, windows=windows, lanes=2)
    late = NOW + timedelta(seconds=5)
    repaired = again(found, *tasks, now=late, windows=windows, lanes=2)
    assert [(s.task, s.lane) for s in repaired.slots] == [(s.task, s.lane) for s in found.slots]
    assert {s.start - slot(found, s.task).start for s in repaired.slots} == {timedelta(seconds=5)}


def test_what_runs_longer_pushes_its_lane_only() -> None:
    """The running task ends ten minutes later than planned; the other lane stays."""
    tasks = [one("a", 1.0, "CRITICAL"), one("b", 1.1, "CRITICAL"), one("c", 2.0), one("d", 2.1)]
    windows = hours_from_now((0, 8))
    found = made(*tasks, windows=windows, lanes=2)
    later = slot(found, "a").end + timedelta(minutes=1)
    now_on = [replace(tasks[0], state="running"), replace(tasks[1], state="running"), *tasks[2:]]
    repaired = again(found, *now_on, now=later, windows=windows, lanes=2)
    assert slot(repaired, "a").end == later + timedelta(hours=0.25)
    moved = {s.task: s.start - slot(found, s.task).start for s in repaired.slots if s.task in ("c", "d")}
    lane = slot(found, "a").lane
    pushed = next(s.task for s in found.slots if s.task in ("c", "d") and s.lane == lane)
    assert moved[pushed] == timedelta(minutes=16) and moved[({"c", "d"} - {pushed}).pop()] == timedelta(0)


def test_room_of_an_ended_task_goes_to_who_gains_a_day() -> None:
    """Tomorrow's window loses its first task: one that gains a day moves there; the rest stays and says what moving would gain."""
    windows = hours_from_now((24, 28), (48, 52), (72, 76))
    tasks = [one("a", 4.0, "CRITICAL"), one("b", 4.0, "HIGH"), one("c", 4.0, "LOW")]
    found = made(*tasks, windows=windows)
    repaired = again(found, *tasks[1:], windows=windows)
    assert slot(repaired, "b").start == slot(found, "a").start
    assert slot(repaired, "c").start == slot(found, "c").start
    assert slot(repaired, "c").code == "kept"
    assert slot(repaired, "c").sentence == "Kept where it was, Overnight, Fri 27 Nov 19:00; moving it would gain 24 h."


def test_a_window_that_the_calendar_takes_loses_its_tasks_only() -> None:
    """Wednesday night is cut: its task finds another place and says where it was; the others stay."""
    tasks = [one(f"t{i}", 5.0, "HIGH", need_h=6.0) for i in range(4)]
    nights = [w for w in FORTNIGHT if w.kind == "overnight"]
    found = made(*tasks, windows=nights)
    wednesday = nights[1]
    cut = working_windows(DEFAULTS, BERLIN, now=NOW, cuts=Cuts(busy=((wednesday.start, wednesday.end + timedelta(hours=1)),)))
    repaired = again(found, *tasks, windows=[w for w in cut if w.kind == "overnight"])
    lost = next(s.task for s in found.slots if s.window == wednesday.key)
    assert slot(repaired, lost).window == nights[4].key
    assert "Before: Wed 25 Nov 23:00." in slot(repaired, lost).sentence
    assert places(found) - places(repaired) == {p for p in places(found) if p[0] == lost}


# --- pins, sittings, urgent fixes ----------------------------------------------------------------------------------------


def test_a_pin_goes_first_and_brings_its_blockers() -> None:
    """Pinned to Wednesday's night, it starts there after what it waits for, and more important work stands behind it."""
    night = next(w for w in FORTNIGHT if w.key == "overnight@2026-11-25")
    base, top = one("base", 2.0, "BACKLOG"), one("top", 2.0, "BACKLOG", after=("base",), pinned=night.key)
    found = made(base, top, *[one(f"c{i:02d}", 3.0, "CRITICAL") for i in range(30)])
    assert slot(found, "top").window == night.key
    assert slot(found, "base").end <= slot(found, "top").start
    assert slot(found, "top").code == "pinned"
    assert slot(found, "top").sentence.startswith("You pinned it to Overnight of Wed 25 Nov; Overnight, Wed 25 Nov 23:00")


def test_a_new_pin_makes_room_in_its_window() -> None:
    """Also of what is as important, and starts soon: the person said so."""
    first, second = hours_from_now((1, 5), (30, 34))
    windows = [first, replace(second, day=date(2026, 11, 26))]
    old = [one("a", 4.0, "CRITICAL")]
    found = made(*old, windows=windows)
    key = windows[0].key
    assert slot(found, "a").window == key
    repaired = again(found, *old, one("p", 3.0, "LOW", pinned=key), windows=windows)
    assert (slot(repaired, "p").start, slot(repaired, "p").code) == (windows[0].start, "pinned")
    assert slot(repaired, "a").start >= windows[1].start and slot(repaired, "a").code == "bumped"


@pytest.mark.parametrize(
    ("key", "why"),
    [("overnight@2026-11-01", "that window is over, or closed"), ("quick_win@2026-11-25", "it has 5 h, and that window takes tasks of at most 2 h")],
)
def test_a_pin_that_cannot_hold_is_told(key: str, why: str) -> None:
    """It is placed like any other, with the reason."""
    found = made(one("p", 5.0, pinned=key))
    assert f"does not hold: {why}" in slot(found, "p").sentence


def test_a_resumable_task_is_planned_in_sittings() -> None:
    """Twenty hours fit no window; in sittings of an hour or more they do, one after the other, none longer than its window takes."""
    whole, parts = made(one("t", 20.0)), made(one("t", 20.0, resumable=True))
    assert omission(whole, "t").code == "unplaced_long"
    own = [s for s in parts.slots if s.task == "t"]
    assert sum((s.end - s.start for s in own), timedelta()) == timedelta(hours=20)
    assert [s.part for s in own] == list(range(1, len(own) + 1)) and {s.parts for s in own} == {len(own)}
    assert all(a.end <= b.start for a, b in pairwise(own))
    assert f"{len(own)} parts from Quick win, Tue 24 Nov 19:00" in own[0].sentence


def test_no_sitting_is_shorter_than_an_hour() -> None:
    """Half an hour before the end of a window is left alone, and so is a rest of half an hour."""
    found = made(one("t", 4.5, resumable=True), windows=hours_from_now((0, 4), (10, 10.5), (20, 30)))
    assert [(s.end - s.start) / timedelta(hours=1) for s in found.slots] in ([3.5, 1.0], [4.5])


def test_a_critical_bug_fix_may_use_any_window() -> None:
    """Three hours are too long for a quick win; a critical fix goes there at once."""
    fix = replace(one("fix", 3.0, "CRITICAL"), category="Bug fixes")
    assert slot(made(fix), "fix").start == NOW
    assert slot(made(one("work", 3.0, "CRITICAL")), "work").start > NOW


def test_a_folder_and_a_file_in_it_are_one_path() -> None:
    """Whichever is looked at first, and also after places were given back and taken again."""
    tasks = [one("a", 1.0, "LOW", changes=("docs",)), one("b", 1.0, "HIGH", changes=("docs/x.md",)), one("c", 1.0, changes=("docs/x.md", "other"))]
    found = made(*tasks, windows=hours_from_now((0, 8)), lanes=3)
    spans = sorted((s.start, s.end) for s in found.slots)
    assert all(a[1] <= b[0] for a, b in pairwise(spans))


# --- the nights of a clock change ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("zone", [BERLIN, NEW_YORK])
@pytest.mark.parametrize(("spring", "hours"), [(True, 6.75), (False, 8.75)])
def test_plans_of_clock_change_nights_hold_their_real_hours(zone: Any, spring: bool, hours: float) -> None:
    """A due date at 07:00 local and a repair at 02:30 or so: everything is in real hours, on the local clock."""
    day = {(BERLIN, True): date(2026, 3, 28), (BERLIN, False): date(2026, 10, 24), (NEW_YORK, True): date(2026, 3, 7), (NEW_YORK, False): date(2026, 10, 31)}
    own = day[zone, spring]
    begin = datetime(own.year, own.month, own.day, 23, tzinfo=zone).astimezone(UTC)
    due = (datetime(own.year, own.month, own.day, 7, tzinfo=zone) + timedelta(days=1)).astimezone(UTC)
    night = working_windows(DEFAULTS, zone, now=begin, days=1)[:1]
    tasks = [one(f"t{i:02d}", 0.25, due=due, added_at=begin) for i in range(40)]
    found = plan(tasks, night, now=begin, lanes=1, zone=zone)
    assert len(found.slots) == hours * 4
    middle = begin + timedelta(hours=3.5)
    left = [c for c in tasks if any(s.task == c.id and s.start >= middle for s in found.slots)]
    later = working_windows(DEFAULTS, zone, now=middle, days=1)[:1]
    repaired = plan(left, later, now=middle, lanes=1, zone=zone, previous=found.slots)
    assert places(repaired) == {p for p in places(found) if p[0] in {c.id for c in left}}
    assert f"{repaired.slots[-1].end.astimezone(zone):%H:%M}" == "06:45"


# --- dispatch ------------------------------------------------------------------------------------------------------------


def test_a_resumable_task_starts_when_an_hour_is_left() -> None:
    """Five hours needed, one left: it starts; with 50 minutes it does not; a rest that fits needs no hour."""
    long, rest = one("t", 5.0, resumable=True), one("r", 0.5, resumable=True)
    assert pick([long], left_h=1.0, now=NOW, taken_changes=set())[0] == long
    chosen, why = pick([long], left_h=0.8, now=NOW, taken_changes=set())
    assert chosen is None and why[0][1] == "5 h needed, 48 min left."
    assert pick([rest], left_h=0.6, now=NOW, taken_changes=set())[0] == rest


def test_the_pinned_one_goes_first_and_waits_for_its_window() -> None:
    """In its window before critical work; in an earlier one not at all, with the reason; after its window it is as any other."""
    own, top = one("own", 1.0, "BACKLOG", pinned="overnight@2026-11-25"), one("top", 1.0, "CRITICAL")
    chosen, why = pick([own, top], left_h=5.0, now=NOW, taken_changes=set(), window="overnight@2026-11-25")
    assert chosen == own and why[0][1] == "After own (Task own), which you pinned to this window."
    chosen, why = pick([own], left_h=5.0, now=NOW, taken_changes=set(), window="overnight@2026-11-24")
    assert chosen is None and why[0][1] == "You pinned it to Overnight of Wed 25 Nov."
    assert pick([own], left_h=5.0, now=NOW, taken_changes=set(), window="overnight@2026-11-26")[0] == own


def test_the_context_may_prefer_and_forbid() -> None:
    """`prefer` puts a task first, `allow` says why one must wait; pressing ones stay before preferred ones."""
    docs, code = one("docs", 1.0, "LOW"), one("code", 1.0, "CRITICAL")
    chosen, why = pick([docs, code], left_h=5.0, now=NOW, taken_changes=set(), prefer=lambda c: c.id == "docs")
    assert chosen == docs and why[0][1] == "After docs (Task docs), which goes first in these hours."
    chosen, why = pick([docs, code], left_h=5.0, now=NOW, taken_changes=set(), allow=lambda c: "Only documentation now." if c.id == "code" else "")
    assert chosen == docs and {c.id: said for c, said in why}["code"] == "Only documentation now."


def test_slots_of_before_they_had_parts_read_as_whole() -> None:
    """A slot that names no part is the only one of its task."""
    assert Slot("t", "overnight@2026-11-24", NOW, NOW, 0, "due", "Due.").to_json()["parts"] == 1
