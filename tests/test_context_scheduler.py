"""The context comes from the clock, says so, and counts real hours."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jarvis_lib import context_scheduler
from jarvis_lib.context_scheduler import ALLOWED, blocks, context_at, week_of
from jarvis_lib.model.fact import Refused
from jarvis_lib.store.place import Place
from tests.facts import added, claimed, ended, opened, passed, task

BERLIN, NEW_YORK = ZoneInfo("Europe/Berlin"), ZoneInfo("America/New_York")


def at(text: str, zone: ZoneInfo = BERLIN) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone).astimezone(UTC)


@pytest.fixture
def here(make_place: Callable[[datetime], Place]) -> Place:
    return replace(make_place(at("2026-11-25 12:00")), zone=BERLIN)


@pytest.mark.parametrize(
    ("moment", "state", "until"),
    [
        ("2026-11-24 02:00", "sleeping", "Tue 06:00"),
        ("2026-11-24 06:00", "gym", "Tue 07:30"),
        ("2026-11-24 07:30", "available", "Tue 09:00"),
        ("2026-11-24 09:00", "working", "Tue 17:00"),
        ("2026-11-24 17:00", "gym", "Tue 18:30"),
        ("2026-11-24 18:30", "available", "Tue 23:00"),
        ("2026-11-24 23:00", "sleeping", "Wed 06:00"),
        ("2026-11-28 03:00", "sleeping", "Sat 06:00"),
        ("2026-11-28 12:00", "weekend", "Sat 17:00"),
        ("2026-11-28 17:30", "gym", "Sat 18:30"),
        ("2026-11-29 22:59", "weekend", "Sun 23:00"),
        ("2026-11-30 06:30", "gym", "Mon 07:30"),
    ],
)
def test_the_clock_says_the_context_and_until_when(here: Place, moment: str, state: str, until: str) -> None:
    """Gym before sleeping, sleeping before weekend, weekend before working; the rest is available."""
    found = context_scheduler.detect(here, now=at(moment))
    assert (found.state, f"{found.until.astimezone(BERLIN):%a %H:%M}") == (state, until)


def test_why_names_what_it_knows_and_what_lost(here: Place) -> None:
    """At 06:30 sleep and gym meet; both are said, and that nothing else was asked."""
    found = context_scheduler.detect(here, now=at("2026-11-24 06:30"))
    assert found.why == (
        "It is Tue 06:30 on the clock of Europe/Berlin.",
        "By the clock, gym is 06:00 to 07:30.",
        "Also sleep is 23:00 to 07:00; gym is the more exact.",
        "Nothing but the clock was asked.",
    )
    assert 0 < found.confidence < 1


def test_what_is_allowed_follows_the_context_and_the_lanes() -> None:
    """Asleep: three at once and no message; one lane in the settings stays one lane."""
    night = context_at(BERLIN, now=at("2026-11-24 02:00"), lanes=3).allows
    assert (night.start_work, night.lanes, night.notify) == (True, 3, False)
    assert context_at(BERLIN, now=at("2026-11-24 02:00"), lanes=1).allows.lanes == 1
    assert context_at(BERLIN, now=at("2026-11-24 20:00"), lanes=3).allows.lanes == 1


@given(st.integers(0, 365 * 1440), st.integers(1, 3 * 1440), st.sampled_from([BERLIN, NEW_YORK, ZoneInfo("America/Santiago"), ZoneInfo("UTC")]))
def test_contexts_cover_all_time_without_gap_or_overlap(minute: int, length: int, zone: ZoneInfo) -> None:
    """From any moment, in zones that change their clocks at 02:00, 03:00 and midnight."""
    begin = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minute)
    end = begin + timedelta(minutes=length)
    found = blocks(zone, begin, end)
    assert (found[0].start, found[-1].end) == (begin, end)
    assert all(one.end == two.start and one.state != two.state for one, two in pairwise(found))
    assert {b.state for b in found} <= set(ALLOWED)
    assert context_at(zone, now=begin, lanes=3).state == found[0].state


@pytest.mark.parametrize(
    ("moment", "zone", "hours", "asleep"),
    [
        ("2026-03-25 12:00", BERLIN, 167, 48),
        ("2026-10-21 12:00", BERLIN, 169, 50),
        ("2026-03-04 12:00", NEW_YORK, 167, 48),
        ("2026-10-28 12:00", NEW_YORK, 169, 50),
        ("2026-11-25 12:00", BERLIN, 168, 49),
    ],
)
def test_a_week_with_a_clock_change_has_its_real_hours(moment: str, zone: ZoneInfo, hours: int, asleep: int) -> None:
    """The hour that is lost or won is one of sleep."""
    begin, end = week_of(zone, now=at(moment, zone))
    found = blocks(zone, begin, end)
    assert sum(b.hours for b in found) == hours
    assert sum(b.hours for b in found if b.state == "sleeping") == asleep


def test_upcoming_shows_the_windows_inside(here: Place) -> None:
    """From Tuesday 18:00: the gym, the evening with its quick win, and the night, cut where the twelve hours end."""
    rows = context_scheduler.upcoming(here, now=at("2026-11-24 18:00"))
    assert [(r["state"], round(r["hours"], 2), [w["key"] for w in r["windows"]]) for r in rows] == [
        ("gym", 0.5, []),
        ("available", 4.5, ["quick_win@2026-11-24"]),
        ("sleeping", 7.0, ["overnight@2026-11-24"]),
    ]
    evening = rows[1]["windows"][0]
    assert (evening["start"], evening["end"]) == (at("2026-11-24 19:00"), at("2026-11-24 23:00"))


@pytest.mark.parametrize("hours", [0, -1, float("nan"), 10_000])
def test_upcoming_refuses_hours_that_mean_nothing(here: Place, hours: float) -> None:
    """One sentence, exit code 2."""
    with pytest.raises(Refused, match="Hours must be more than 0") as caught:
        context_scheduler.upcoming(here, now=at("2026-11-24 18:00"), hours=hours)
    assert caught.value.code == "usage"


def test_summary_counts_this_week_and_the_attempts_in_each_context(here: Place) -> None:
    """One attempt at noon on Wednesday, while working; its ending is verified."""
    one = task()
    here.store.write(added(here, one))
    here.store.write(opened(here))
    here.store.write(claimed(here, one, "a1"))
    here.store.write(ended(here, one, "a1", evidence=[passed()]))
    found = context_scheduler.summary(here, now=at("2026-11-25 18:00"))
    rows = {r["state"]: r for r in found["contexts"]}
    assert (found["week_start"], found["week_end"]) == (at("2026-11-23 00:00"), at("2026-11-30 00:00"))
    assert (rows["working"]["attempts"], rows["working"]["verified"], rows["sleeping"]["attempts"]) == (1, 1, 0)
    assert {s: r["hours"] for s, r in rows.items()} == {"sleeping": 49, "gym": 21, "working": 40, "weekend": 28, "available": 30}
    assert rows["working"]["hours_so_far"] == 24
    assert context_scheduler.summary(here, now=at("2026-12-02 18:00"))["attempts"] == 0


def test_summary_of_an_empty_store_is_the_clock_alone(here: Place) -> None:
    """No attempts, all hours."""
    found = context_scheduler.summary(here, now=at("2026-11-25 12:00"))
    assert found["attempts"] == 0
    assert sum(r["hours"] for r in found["contexts"]) == 168
