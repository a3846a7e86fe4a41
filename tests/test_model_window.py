"""Windows fall on the local clock, keep real hours, and never claim the same time twice."""

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from time import process_time
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jarvis_lib.model.settings import BadSettings, parse
from jarvis_lib.model.window import KINDS, Cuts, Window, WindowRule, coming, current, occurrence, occurrences

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


@pytest.mark.parametrize(
    ("start", "end", "hours", "local"),
    [
        (time(2, 30), time(3, 15), 0.25, "03:00 to 03:15"),
        (time(2, 15), time(2, 45), 0.5, "03:15 to 03:45"),
        (time(1, 0), time(2, 30), 1.5, "01:00 to 03:30"),
    ],
)
def test_no_window_is_lost_in_the_skipped_hour(start: time, end: time, hours: float, local: str) -> None:
    """Whatever of it lies in the hour that Berlin skips on 29 March, it opens once, with real hours."""
    window = occurrence(WindowRule("quick_win", True, EVERY_DAY, start, end, 2.0), date(2026, 3, 29), BERLIN)
    assert window.hours == hours
    assert window.said(BERLIN).endswith(local)


@pytest.mark.parametrize(
    ("start", "end", "hours"), [(time(2, 30), time(3, 15), 1.75), (time(2, 15), time(2, 45), 0.5), (time(1, 0), time(2, 30), 1.5), (time(1), time(4), 4)]
)
def test_no_window_opens_twice_in_the_repeated_hour(start: time, end: time, hours: float) -> None:
    """A time that comes twice on 25 October is meant the first time."""
    rule = WindowRule("quick_win", True, EVERY_DAY, start, end, 2.0)
    begin = datetime(2026, 10, 25, tzinfo=BERLIN).astimezone(UTC)
    assert [w.hours for w in occurrences([rule], BERLIN, begin, begin + timedelta(hours=25))] == [hours]


ODD = [
    WindowRule("overnight", True, EVERY_DAY, time(23), time(7), 6.0),
    WindowRule("quick_win", True, EVERY_DAY, time(2, 30), time(2, 45), 2.0),
    WindowRule("work_hours", True, EVERY_DAY, time(1, 30), time(3, 15), 8.0),
]


@pytest.mark.parametrize("zone", [BERLIN, NEW_YORK])
@pytest.mark.parametrize("some", [RULES, ODD[1:2], ODD[2:], ODD[:1]])
@pytest.mark.parametrize("hours", [5, 24, 24 * 366])
def test_each_day_has_each_window_once_in_a_whole_year(zone: ZoneInfo, some: list[WindowRule], hours: int) -> None:
    """By key (kind, local date), however the year is asked for, also for windows inside of the hours that are skipped or come twice."""
    begin = datetime(2026, 1, 1, tzinfo=zone).astimezone(UTC)
    end = datetime(2027, 1, 1, tzinfo=zone).astimezone(UTC)
    seen: list[str] = []
    at = begin
    while at < end:
        until = min(at + timedelta(hours=hours), end)
        seen += [w.key for w in occurrences(some, zone, at, until) if at <= w.start < until]
        at = until
    days = [date(2026, 1, 1) + timedelta(days=n) for n in range(365)]
    wanted = [f"{r.kind}@{d}" for r in some for d in days if d.weekday() in r.days]
    assert sorted(seen) == sorted(wanted)


# --- cuts ----------------------------------------------------------------------------------------------------------------


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN).astimezone(UTC)


def cut(cuts: Cuts, begin: str = "2026-11-24 00:00", hours: float = 31.0) -> list[str]:
    found = occurrences(RULES, BERLIN, at(begin), at(begin) + timedelta(hours=hours), cuts)
    return [f"{w.kind} {w.start.astimezone(BERLIN):%H:%M}-{w.end.astimezone(BERLIN):%H:%M}" for w in found if w.start >= at(begin)]


def test_a_day_off_has_the_windows_of_a_weekend_day() -> None:
    """On a Tuesday: weekend and night, neither work hours nor quick win; on a Saturday nothing changes."""
    assert cut(Cuts(frozenset({date(2026, 11, 24)}))) == ["weekend 09:00-21:00", "overnight 23:00-07:00"]
    assert cut(Cuts(frozenset({date(2026, 11, 28)})), "2026-11-28 00:00") == cut(Cuts(), "2026-11-28 00:00")


def test_busy_spans_cut_every_window_and_keep_its_key() -> None:
    """In the middle, over both ends, touching, and overlapping each other."""
    busy = [("10:00", "11:00"), ("10:30", "12:00"), ("16:00", "19:30"), ("23:00", "23:30")]
    spans = tuple((at(f"2026-11-24 {a}"), at(f"2026-11-24 {b}")) for a, b in busy)
    expected = ["work_hours 09:00-10:00", "work_hours 12:00-16:00", "quick_win 19:30-23:00", "overnight 23:30-07:00"]
    assert cut(Cuts(busy=spans)) == expected
    assert cut(Cuts(busy=spans[::-1])) == expected
    parts = occurrences(RULES, BERLIN, at("2026-11-24 00:00"), at("2026-11-24 18:00"), Cuts(busy=spans))
    assert {w.key for w in parts if w.kind == "work_hours"} == {"work_hours@2026-11-24"}


def test_some_spans_cut_only_some_kinds() -> None:
    """A dinner from 18:00 to 24:00 that cuts the quick win leaves the night whole."""
    span = (at("2026-11-24 18:00"), at("2026-11-25 00:00"), frozenset({"quick_win"}))
    assert cut(Cuts(partly=(span,))) == ["work_hours 09:00-17:00", "overnight 23:00-07:00"]


def test_a_busy_night_has_no_window() -> None:
    """Nothing is on, and the next one is the night after."""
    busy = Cuts(busy=((at("2026-11-24 17:00"), at("2026-11-25 08:00")),))
    assert current(RULES, BERLIN, at("2026-11-25 02:00"), busy) is None
    night = coming(RULES, BERLIN, at("2026-11-24 18:00"), "overnight", cuts=busy)
    assert night is not None and night.key == "overnight@2026-11-25"


@settings(deadline=None, max_examples=40)
@given(st.lists(st.tuples(st.integers(0, 3 * 1440), st.integers(0, 900)), max_size=12), st.sampled_from([BERLIN, NEW_YORK]), st.integers(0, 365))
def test_cutting_takes_exactly_the_busy_minutes(spans: list[tuple[int, int]], zone: ZoneInfo, day: int) -> None:
    """The minutes of all windows without the busy ones, no more and no less."""
    start = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=day)
    busy = tuple((start + timedelta(minutes=a), start + timedelta(minutes=a + n)) for a, n in spans)

    def minutes(found: list[Window]) -> set[tuple[str, datetime]]:
        return {(w.key, w.start + timedelta(minutes=m)) for w in found for m in range(round(w.hours * 60))}

    whole = minutes(occurrences(RULES, zone, start, start + timedelta(days=3)))
    left = minutes(occurrences(RULES, zone, start, start + timedelta(days=3), Cuts(busy=busy)))
    taken = {moment for a, b in busy for moment in (a + timedelta(minutes=m) for m in range(int((b - a) / timedelta(minutes=1))))}
    assert {(k, m) for k, m in whole if m not in taken and start <= m < start + timedelta(days=3)} == {
        (k, m) for k, m in left if start <= m < start + timedelta(days=3)
    }


def test_thousands_of_entries_cut_two_weeks_in_a_moment() -> None:
    """A planner asks for this in each plan."""
    begin = at("2026-11-24 00:00")
    busy = Cuts(busy=tuple((begin + timedelta(minutes=30 * i), begin + timedelta(minutes=30 * i + 10)) for i in range(4000)))
    started = process_time()
    found = occurrences(RULES, BERLIN, begin, begin + timedelta(days=14), busy)
    assert len(found) > 300
    assert process_time() - started < 0.5


@pytest.mark.parametrize(
    ("lines", "sentence"),
    [
        ('start = "20:00"', "has a start but no end"),
        ('start = "20:00"\nend = ""', "must be a time"),
        ('start = "20:00"\nend = "18:00"', "ends at 18:00, before it starts at 20:00; only overnight goes past midnight"),
        ('start = "20:00"\nend = "20:00"', "starts and ends at 20:00"),
        ('start = "10:00"\nend = "20:00"', "overlaps"),
    ],
)
def test_a_window_that_means_nothing_is_one_sentence(lines: str, sentence: str) -> None:
    """With its line; only one that ends at midnight may have an end that reads earlier."""
    with pytest.raises(BadSettings, match=sentence) as caught:
        parse(f"[windows.quick_win]\n{lines}\n")
    assert len(caught.value.mistakes) == 1 and caught.value.mistakes[0].line > 0
    assert occurrence(parse('[windows.quick_win]\nstart = "20:00"\nend = "00:00"\n').windows[1], date(2026, 11, 24), BERLIN).hours == 4


# --- where windows meet --------------------------------------------------------------------------------------------------


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
