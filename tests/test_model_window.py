"""Windows fall on the local clock, keep real hours, and never claim the same time twice."""

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jarvis_lib.model.settings import parse
from jarvis_lib.model.window import KINDS, WindowRule, coming, current, occurrence, occurrences

BERLIN, NEW_YORK = ZoneInfo("Europe/Berlin"), ZoneInfo("America/New_York")
RULES = parse("").windows
NIGHT = next(r for r in RULES if r.kind == "overnight")
EVERY_DAY = (0, 1, 2, 3, 4, 5, 6)


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        (BERLIN, date(2026, 3, 28), 7),
        (BERLIN, date(2026, 10, 24), 9),
        (BERLIN, date(2026, 11, 24), 8),
        (NEW_YORK, date(2026, 3, 7), 7),
        (NEW_YORK, date(2026, 10, 31), 9),
        (NEW_YORK, date(2026, 11, 24), 8),
    ],
)
def test_the_nights_of_a_clock_change_have_their_real_hours(zone: ZoneInfo, day: date, hours: int) -> None:
    """Spring nights have 7 hours, autumn nights 9; both still read 23:00 to 07:00."""
    night = occurrence(NIGHT, day, zone)
    assert night.hours == hours
    assert night.said(zone).endswith("23:00 to 07:00")


def test_an_occurrence_is_named_by_the_local_day_it_starts_on() -> None:
    """At 02:00 the night of the day before is on."""
    at = datetime(2026, 11, 25, 2, 0, tzinfo=BERLIN).astimezone(UTC)
    now = current(RULES, BERLIN, at)
    assert now is not None and now.key == "overnight@2026-11-24"


def test_a_start_in_the_skipped_hour_is_the_moment_after_the_gap() -> None:
    """02:30 does not exist on 29 March in Berlin; the window starts at 03:30 and is not lost."""
    rule = WindowRule("quick_win", True, EVERY_DAY, time(2, 30), time(5), 2.0)
    window = occurrence(rule, date(2026, 3, 29), BERLIN)
    assert window.start.astimezone(BERLIN).time() == time(3, 30)
    assert window.hours == 1.5


def test_overnight_wins_where_windows_meet() -> None:
    """A quick win of 19:00 to 01:00 ends at 23:00, when the night begins."""
    rules = [NIGHT, WindowRule("quick_win", True, EVERY_DAY, time(19), time(1), 2.0)]
    begin = datetime(2026, 11, 24, 12, tzinfo=UTC)
    found = occurrences(rules, BERLIN, begin, begin + timedelta(hours=24))
    assert [(w.kind, w.start.astimezone(BERLIN).hour, w.end.astimezone(BERLIN).hour) for w in found] == [("quick_win", 19, 23), ("overnight", 23, 7)]


def test_a_window_around_the_night_keeps_both_its_ends() -> None:
    """Cut in the middle, it stays one window by key, in two spans."""
    rules = [NIGHT, WindowRule("weekend", True, EVERY_DAY, time(20), time(19), 12.0)]
    begin = datetime(2026, 11, 24, 19, 30, tzinfo=BERLIN).astimezone(UTC)
    found = [w for w in occurrences(rules, BERLIN, begin, begin + timedelta(hours=14)) if w.day == date(2026, 11, 24)]
    assert [w.kind for w in found] == ["weekend", "overnight", "weekend"]


def test_a_window_that_is_off_never_opens() -> None:
    """With all switched off nothing is ever on or coming."""
    rules = parse("".join(f"[windows.{k}]\non = false\n" for k in KINDS)).windows
    assert coming(rules, BERLIN, datetime(2026, 11, 24, tzinfo=UTC)) is None


def test_coming_is_the_current_window_or_the_next_one() -> None:
    """At 18:00 on a Tuesday the quick win is next; of the night it is the night."""
    at = datetime(2026, 11, 24, 18, 0, tzinfo=BERLIN).astimezone(UTC)
    assert current(RULES, BERLIN, at) is None
    quick, night = coming(RULES, BERLIN, at), coming(RULES, BERLIN, at, "overnight")
    assert quick is not None and quick.key == "quick_win@2026-11-24"
    assert night is not None and night.key == "overnight@2026-11-24"


rules = st.builds(
    lambda kind, days, start, length: WindowRule(
        kind, True, tuple(sorted(days)), time(start // 60, start % 60), time((start + length) % 1440 // 60, (start + length) % 60), 8.0
    ),
    st.sampled_from(KINDS),
    st.sets(st.integers(0, 6), min_size=1),
    st.integers(0, 1439),
    st.integers(1, 1439),
)


@given(
    st.lists(rules, min_size=1, max_size=4, unique_by=lambda r: r.kind),
    st.sampled_from([BERLIN, NEW_YORK]),
    st.integers(0, 365 * 1440),
)
def test_windows_never_overlap_and_stay_in_order(some: list[WindowRule], zone: ZoneInfo, minute: int) -> None:
    """Whatever the rules, each moment belongs to one window at most, and `current` names it."""
    start = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minute)
    found = occurrences(some, zone, start, start + timedelta(days=9))
    assert all(one.end <= two.start for one, two in pairwise(found))
    for window in found:
        middle = window.start + (window.end - window.start) / 2
        there = current(some, zone, middle)
        assert there is not None and there.key == window.key
