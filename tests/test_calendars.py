"""Calendars become spans: whatever a calendar's program writes, no event is lost to another one, and what cannot be read is counted and said."""

import http.server
import json
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jarvis_lib import context_scheduler
from jarvis_lib.cli.entry import main
from jarvis_lib.doors import calendars
from jarvis_lib.doors.calendars.fetch import fetch
from jarvis_lib.doors.calendars.ics import read_ics
from jarvis_lib.doors.calendars.spans import MOST_SPANS, NotACalendar, Span, Wanted, merged
from jarvis_lib.doors.doctor import examine
from jarvis_lib.store.calendar import cuts_of
from jarvis_lib.store.place import Place
from jarvis_lib.workspace import open_workspace
from tests.calendar_texts import OUTLOOK_ZONE, calendar, event, large

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 11, 25, 11, 0, tzinfo=UTC)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN).astimezone(UTC)


def wanted(begin: str = "2026-11-01", end: str = "2026-12-31", **more: Any) -> Wanted:
    return Wanted(at(begin), at(end), BERLIN, **more)


def said(span: Span) -> str:
    """`2026-11-24 09:00-10:00` on the clock of Berlin; the day again where the span ends on another one."""
    start, end = (datetime.fromtimestamp(s, BERLIN) for s in (span.start, span.end))
    return f"{start:%Y-%m-%d %H:%M}-{end:%H:%M}" if start.date() == end.date() else f"{start:%Y-%m-%d %H:%M}-{end:%Y-%m-%d %H:%M}"


def spans(data: bytes, **more: Any) -> list[str]:
    return [said(s) for s in read_ics(data, wanted(**more)).spans]


# --- the hard cases ------------------------------------------------------------------------------------------------------

LOCAL = ("DTSTART;TZID=Europe/Berlin:20261124T090000", "DTEND;TZID=Europe/Berlin:20261124T100000")
WEEKLY = (*LOCAL, "RRULE:FREQ=WEEKLY;COUNT=3")
THREE = ["2026-11-24 09:00-10:00", "2026-12-01 09:00-10:00", "2026-12-08 09:00-10:00"]

CASES: dict[str, tuple[bytes, dict[str, Any], list[str]]] = {
    "a plain meeting": (calendar(event(*LOCAL)), {}, THREE[:1]),
    "into winter time": (
        calendar(event("DTSTART;TZID=Europe/Berlin:20261020T090000", "DTEND;TZID=Europe/Berlin:20261020T100000", "RRULE:FREQ=WEEKLY;COUNT=2")),
        {"begin": "2026-10-01"},
        ["2026-10-20 09:00-10:00", "2026-10-27 09:00-10:00"],
    ),
    "into summer time": (
        calendar(event("DTSTART;TZID=Europe/Berlin:20260324T090000", "DTEND;TZID=Europe/Berlin:20260324T100000", "RRULE:FREQ=WEEKLY;COUNT=2")),
        {"begin": "2026-03-01", "end": "2026-04-30"},
        ["2026-03-24 09:00-10:00", "2026-03-31 09:00-10:00"],
    ),
    "left out, by zone": (calendar(event(*WEEKLY, "EXDATE;TZID=Europe/Berlin:20261201T090000")), {}, [THREE[0], THREE[2]]),
    "left out, in UTC": (calendar(event(*WEEKLY, "EXDATE:20261201T080000Z")), {}, [THREE[0], THREE[2]]),
    "left out, by day": (calendar(event(*WEEKLY, "EXDATE;VALUE=DATE:20261201")), {}, [THREE[0], THREE[2]]),
    "one more, by RDATE": (
        calendar(event(*LOCAL, "RDATE;TZID=Europe/Berlin:20261127T150000")),
        {},
        [THREE[0], "2026-11-27 15:00-16:00"],
    ),
    "one was moved": (
        calendar(
            event(*WEEKLY),
            event("RECURRENCE-ID;TZID=Europe/Berlin:20261201T090000", "DTSTART;TZID=Europe/Berlin:20261202T140000", "DTEND;TZID=Europe/Berlin:20261202T150000"),
        ),
        {},
        [THREE[0], "2026-12-02 14:00-15:00", THREE[2]],
    ),
    "one was cancelled": (
        calendar(
            event(*WEEKLY),
            event(
                "RECURRENCE-ID;TZID=Europe/Berlin:20261201T090000",
                "DTSTART;TZID=Europe/Berlin:20261201T090000",
                "DTEND;TZID=Europe/Berlin:20261201T100000",
                "STATUS:CANCELLED",
            ),
        ),
        {},
        [THREE[0], THREE[2]],
    ),
    "from one on an hour later": (
        calendar(
            event(*WEEKLY),
            event(
                "RECURRENCE-ID;RANGE=THISANDFUTURE;TZID=Europe/Berlin:20261201T090000",
                "DTSTART;TZID=Europe/Berlin:20261201T100000",
                "DTEND;TZID=Europe/Berlin:20261201T110000",
            ),
        ),
        {},
        [THREE[0], "2026-12-01 10:00-11:00", "2026-12-08 10:00-11:00"],
    ),
    "until a moment in UTC": (calendar(event(*LOCAL, "RRULE:FREQ=WEEKLY;UNTIL=20261201T080000Z")), {}, THREE[:2]),
    "the second Tuesday by position": (
        calendar(event("DTSTART:20261110T080000Z", "DTEND:20261110T090000Z", "RRULE:FREQ=MONTHLY;BYDAY=TU;BYSETPOS=2;COUNT=2")),
        {},
        ["2026-11-10 09:00-10:00", "2026-12-08 09:00-10:00"],
    ),
    "the last Friday": (
        calendar(event("DTSTART;TZID=Europe/Berlin:20261127T160000", "DURATION:PT1H", "RRULE:FREQ=MONTHLY;BYDAY=-1FR;COUNT=2")),
        {},
        ["2026-11-27 16:00-17:00", "2026-12-25 16:00-17:00"],
    ),
    "a zone that the file explains": (
        calendar(OUTLOOK_ZONE, event("DTSTART;TZID=Customized Time Zone:20261124T090000", "DTEND;TZID=Customized Time Zone:20261124T100000")),
        {},
        THREE[:1],
    ),
    "a zone by its Windows name": (
        calendar(event("DTSTART;TZID=W. Europe Standard Time:20261124T090000", "DTEND;TZID=W. Europe Standard Time:20261124T100000")),
        {},
        THREE[:1],
    ),
    "a length over midnight": (
        calendar(event("DTSTART;TZID=Europe/Berlin:20261124T223000", "DURATION:PT3H")),
        {},
        ["2026-11-24 22:30-2026-11-25 01:30"],
    ),
    "without a zone it is the person's": (calendar(event("DTSTART:20261124T090000", "DTEND:20261124T100000")), {}, THREE[:1]),
    "without a zone it is the calendar's": (
        calendar("X-WR-TIMEZONE:America/New_York", event("DTSTART:20261124T090000", "DTEND:20261124T100000")),
        {},
        ["2026-11-24 15:00-16:00"],
    ),
    "UTC that means the calendar's zone": (
        calendar("X-WR-TIMEZONE:America/New_York", event("DTSTART:20261030T130000Z", "DTEND:20261030T140000Z", "RRULE:FREQ=WEEKLY;COUNT=2")),
        {"begin": "2026-10-29"},
        ["2026-10-30 14:00-15:00", "2026-11-06 15:00-16:00"],
    ),
    "all day, out of office, its end not included": (
        calendar(event("DTSTART;VALUE=DATE:20261124", "DTEND;VALUE=DATE:20261126", "X-MICROSOFT-CDO-BUSYSTATUS:OOF")),
        {},
        ["2026-11-24 00:00-2026-11-26 00:00"],
    ),
    "all day is not busy": (calendar(event("DTSTART;VALUE=DATE:20261124", "DTEND;VALUE=DATE:20261125")), {}, []),
    "all day is busy where that is set": (
        calendar(event("DTSTART;VALUE=DATE:20261124")),
        {"busy_all_day": True},
        ["2026-11-24 00:00-2026-11-25 00:00"],
    ),
    "free time takes none": (calendar(event(*LOCAL, "TRANSP:TRANSPARENT"), event(*LOCAL, "X-MICROSOFT-CDO-BUSYSTATUS:FREE", uid="two")), {}, []),
    "a cancelled meeting": (calendar(event(*LOCAL, "STATUS:CANCELLED")), {}, []),
    "one you declined": (
        calendar(event(*LOCAL, "ATTENDEE;PARTSTAT=DECLINED:mailto:me@example.org", "ATTENDEE;PARTSTAT=ACCEPTED:mailto:you@example.org")),
        {"emails": ("me@example.org",)},
        [],
    ),
    "one that somebody else declined": (
        calendar(event(*LOCAL, "ATTENDEE;PARTSTAT=ACCEPTED:mailto:me@example.org", "ATTENDEE;PARTSTAT=DECLINED:mailto:you@example.org")),
        {"emails": ("me@example.org",)},
        THREE[:1],
    ),
    "an alarm in it does not matter": (calendar(event(*LOCAL, "BEGIN:VALARM", "TRIGGER:-PT15M", "DURATION:PT5M", "END:VALARM")), {}, THREE[:1]),
    "lines that are folded": (calendar(event("DTSTART;TZID=Europe/Berlin:2026112\n 4T090000", LOCAL[1])), {}, THREE[:1]),
    "no UID": (calendar(event(*LOCAL).replace("UID:one\n", ""), event(*LOCAL).replace("UID:one\n", "")), {}, THREE[:1]),
    "far away": (calendar(event("DTSTART:20200101T090000Z", "DTEND:20200101T100000Z")), {}, []),
    "begun long ago and still on": (calendar(event("DTSTART:20200101T090000Z", "DTEND:20261102T100000Z")), {}, ["2020-01-01 10:00-2026-11-02 11:00"]),
}


@pytest.mark.parametrize("case", CASES)
def test_each_way_to_write_a_time_is_understood(case: str) -> None:
    """Exactly the expected spans, and nothing was skipped."""
    data, more, expected = CASES[case]
    found = read_ics(data, wanted(**more))
    assert ([said(s) for s in found.spans], dict(found.skipped)) == (expected, {})


def test_two_files_may_use_one_name_for_two_zones() -> None:
    """What a file calls its zone holds for this file alone."""
    own = event("DTSTART;TZID=Customized Time Zone:20261124T090000", "DTEND;TZID=Customized Time Zone:20261124T100000")
    far = OUTLOOK_ZONE.replace("+0200", "-0400").replace("+0100", "-0500")
    assert spans(calendar(OUTLOOK_ZONE, own)) == ["2026-11-24 09:00-10:00"]
    assert spans(calendar(far, own)) == ["2026-11-24 15:00-16:00"]


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (event("DTSTART:not a time", "DTEND:20261124T100000Z", uid="bad"), "cannot be read"),
        (event("DTEND:20261124T100000Z", uid="bad"), "cannot be read"),
        (event("DTSTART:20261124T100000Z", "DTEND:20261124T090000Z", uid="bad"), "cannot be read"),
        (event(*LOCAL, "RRULE:FREQ=SOMETIMES", uid="bad"), "cannot be read"),
        (event(*LOCAL, "RRULE:FREQ=WEEKLY;INTERVAL=0", uid="bad"), "cannot be read"),
        (event(*LOCAL, "RRULE:FREQ=SECONDLY", uid="bad"), "repeats too often"),
        (event(*LOCAL, "RRULE:FREQ=DAILY;BYHOUR=1,2,3;BYMINUTE=0,10,20,30,40,50;BYSECOND=0,10,20", uid="bad"), "repeats too often"),
        (event("DTSTART:19700101T000000Z", "DTEND:19700101T000100Z", "RRULE:FREQ=MINUTELY;INTERVAL=1440", uid="bad"), ""),
        (event("DTSTART:19000101T000000Z", "DTEND:19000101T000100Z", "RRULE:FREQ=HOURLY;INTERVAL=2", uid="bad"), "repeats too often"),
        (event(*LOCAL, "RRULE:FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30", uid="bad"), "repeats on days that do not exist"),
        (event(*LOCAL, "RRULE:FREQ=DAILY;BYMONTH=--5;BYMONTHDAY=+-1", uid="bad"), "cannot be read"),
        (event(*LOCAL, "RRULE:FREQ=DAILY;BYMONTH=²;BYMONTHDAY=1", uid="bad"), "cannot be read"),
        (event(*LOCAL, f"RRULE:FREQ=HOURLY;INTERVAL={'9' * 5000}", uid="bad"), "cannot be read"),
        (event(*LOCAL, f"RRULE:FREQ=HOURLY;INTERVAL={'9' * 4000}", uid="bad"), "cannot be read"),
        (event(*LOCAL, "RRULE:FREQ=DAILY;COUNT=²", uid="bad"), "cannot be read"),
        (event(*LOCAL, "RRULE:FREQ=DAILY;BYSETPOS=2", uid="bad"), "repeats too often"),
        (event(*LOCAL, "RDATE:" + ",".join(["20261124T100000Z"] * 3000), uid="bad"), "repeats too often"),
        (event(*LOCAL, uid="bad").removesuffix("END:VEVENT"), "never ends in the file"),
    ],
)
def test_one_bad_event_costs_no_other(bad: str, reason: str) -> None:
    """The good ones before and after it are read, it is counted with its reason, and nothing hangs."""
    good = event("DTSTART:20261203T090000Z", "DTEND:20261203T100000Z", uid="good"), event("DTSTART:20261204T090000Z", "DURATION:PT1H", uid="fine")
    begun = time.process_time()
    found = read_ics(calendar(good[0], bad, good[1]), wanted("2026-11-20", "2027-01-31"))
    assert {"2026-12-03 10:00-11:00", "2026-12-04 10:00-11:00"} <= {said(s) for s in found.spans}
    assert dict(found.skipped) == ({reason: 1} if reason else {})
    assert found.events == 3
    assert time.process_time() - begun < 5


def test_a_rule_that_repeats_each_hour_is_not_too_often() -> None:
    """As often as a person could mean it."""
    found = read_ics(calendar(event("DTSTART:20261101T000000Z", "DTEND:20261101T001000Z", "RRULE:FREQ=HOURLY")), wanted("2026-12-01", "2026-12-02"))
    assert (len(found.spans), dict(found.skipped)) == (24, {})


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"<!DOCTYPE html><html><body>Sign in</body></html>", "is a web page, not a calendar"),
        (b"\x00\x01\x02" * 100, "is binary"),
        (b"", "is empty"),
        (b"SUMMARY:hello", "has no line BEGIN:VCALENDAR"),
        (b"\xff\xfeB\x00E\x00G\x00I\x00N\x00", "is binary"),
    ],
)
def test_what_is_no_calendar_is_named(data: bytes, sentence: str) -> None:
    with pytest.raises(NotACalendar, match=sentence):
        read_ics(data, wanted())


def test_other_line_ends_and_encodings_are_read() -> None:
    """Bare newlines, a byte order mark, and Latin-1 in a title."""
    plain = calendar(event(*LOCAL)).replace(b"\r\n", b"\n")
    assert spans(plain) == spans(b"\xef\xbb\xbf" + plain) == spans(plain.replace(b"UID:one", b"UID:one\nSUMMARY:Gespr\xe4ch")) == THREE[:1]


def test_titles_are_kept_only_where_they_are_allowed() -> None:
    """With the escapes of the file undone and nothing in them that a terminal obeys."""
    data = calendar(event(*LOCAL, "SUMMARY:Talk\\, then \x1b[31mlunch"))
    assert [s.title for s in read_ics(data, wanted()).spans] == [""]
    assert [s.title for s in read_ics(data, wanted(titles=True)).spans] == ["Talk, then lunch"]


some_spans = st.lists(
    st.builds(
        lambda start, length, kind: Span(start, start + length, False, kind, "u", ""),
        st.integers(0, 500),
        st.integers(1, 60),
        st.sampled_from(["busy", "away"]),
    )
)


@given(some_spans)
def test_merging_keeps_exactly_the_time_that_is_taken(found: list[Span]) -> None:
    """Second by second and kind by kind; what is left never touches."""

    def taken(some: Any) -> set[tuple[str, int]]:
        return {(s.kind, second) for s in some for second in range(s.start, s.end)}

    kept = merged(found)
    assert taken(kept) == taken(found)
    for kind in ("busy", "away"):
        own = [s for s in kept if s.kind == kind]
        assert all(one.end < two.start for one, two in pairwise(own))


def test_a_crowded_calendar_has_a_bounded_number_of_spans() -> None:
    """Small gaps are closed until they fit; no taken second is lost."""
    found = [Span(i * 120, i * 120 + 30, False, "busy", "u", "") for i in range(3 * MOST_SPANS)]
    kept = merged(found)
    assert len(kept) <= MOST_SPANS
    assert kept[0].start == 0 and kept[-1].end == found[-1].end


# --- files ---------------------------------------------------------------------------------------------------------------


def settings(home: Path, **sections: str) -> None:
    (home / "jarvis.toml").write_text("".join(f"[{name}]\n{lines}\n" for name, lines in sections.items()))


@pytest.fixture
def here(home: Path) -> Callable[..., Place]:
    def make(now: datetime = NOW, **sections: str) -> Place:
        if sections:
            settings(home, **sections)
        return replace(open_workspace(home, clock=lambda: now, actor="person:test"), zone=BERLIN)

    return make


def busy(place: Place) -> list[tuple[str, datetime, datetime]]:
    with place.store.reading() as reader:
        return [("", r["start"], r["end"]) for r in reader.rows("context_scheduler.entries", begin=NOW - timedelta(days=90), end=NOW + timedelta(days=90))]


def test_a_file_is_read_once_and_again_when_it_changes(here: Callable[..., Place], home: Path) -> None:
    """The second look writes nothing; a changed file replaces its rows; each reading is one fact."""
    place = here(calendar='files = ["my.ics"]')
    (home / "my.ics").write_bytes(calendar(event(*LOCAL)))
    assert calendars.refresh(place, now=NOW) == ["Calendar my.ics: 1 event."]
    assert calendars.refresh(place, now=NOW) == []
    (home / "my.ics").write_bytes(calendar(event(*WEEKLY)))
    assert calendars.refresh(place, now=NOW) == ["Calendar my.ics: 1 event."]
    assert len(busy(place)) == 3
    with place.store.reading() as reader:
        assert (reader.one("store.counts") or {})["facts"] == 2


def test_a_new_week_is_read_anew_and_a_new_day_is_not(here: Callable[..., Place], home: Path) -> None:
    place = here(calendar='files = ["my.ics"]')
    (home / "my.ics").write_bytes(calendar(event(*WEEKLY)))
    calendars.refresh(place, now=NOW)
    assert calendars.refresh(place, now=NOW + timedelta(days=2)) == []
    assert calendars.refresh(place, now=NOW + timedelta(days=7)) != []


def test_an_unreadable_file_keeps_its_last_good_rows_with_their_date(here: Callable[..., Place], home: Path) -> None:
    """Gone, a web page, or a folder in its place: told each time, in one sentence, and once it is right again all is well."""
    place = here(calendar='files = ["my.ics"]')
    (home / "my.ics").write_bytes(calendar(event(*LOCAL)))
    calendars.refresh(place, now=NOW)
    (home / "my.ics").write_text("<html>sign in</html>")
    lines = calendars.refresh(place, now=NOW)
    assert lines == ["Calendar my.ics is a web page, not a calendar; use the address of the ICS itself; its entries of Wed 25 Nov 12:00 are used."]
    assert calendars.refresh(place, now=NOW) == lines
    (home / "my.ics").unlink()
    assert calendars.refresh(place, now=NOW) == ["Calendar my.ics is not there; its entries of Wed 25 Nov 12:00 are used."]
    assert len(busy(place)) == 1
    assert [c[1] for c in calendars.conditions(place, now=NOW)] == ["warning", "ok"]
    (home / "my.ics").write_bytes(calendar(event(*LOCAL)))
    calendars.refresh(place, now=NOW)
    assert [c[1] for c in calendars.conditions(place, now=NOW)] == ["ok", "ok"]


def test_a_file_that_was_never_there_is_told(here: Callable[..., Place]) -> None:
    place = here(calendar='files = ["none.ics"]')
    assert calendars.refresh(place, now=NOW) == ["Calendar none.ics is not there; it was never read."]
    assert calendars.conditions(place, now=NOW)[0][2] == "none.ics is not there; never read"


def test_each_file_of_a_folder_is_a_calendar_of_its_own(here: Callable[..., Place], home: Path) -> None:
    """One that is deleted takes its rows along; one that is broken takes nothing of the others."""
    (home / "cal").mkdir()
    (home / "cal/a.ics").write_bytes(calendar(event(*LOCAL)))
    (home / "cal/b.ics").write_bytes(calendar(event("DTSTART:20261126T090000Z", "DTEND:20261126T100000Z")))
    (home / "cal/notes.txt").write_text("not looked at")
    place = here(calendar='files = ["cal"]')
    calendars.refresh(place, now=NOW)
    assert [r["source"] for r in calendars.sources(place)] == ["cal/a.ics", "cal/b.ics"]
    (home / "cal/a.ics").write_bytes(b"\0\0")
    (home / "cal/b.ics").unlink()
    calendars.refresh(place, now=NOW)
    assert [(r["source"], r["ok"], r["spans"]) for r in calendars.sources(place)] == [("cal/a.ics", False, 1)]
    (home / "cal/a.ics").unlink()
    assert calendars.refresh(place, now=NOW) == ["There is no ICS file in cal; put one there, or correct [calendar] files."]
    assert busy(place) == []


def test_a_folder_of_many_small_files_is_one_calendar(here: Callable[..., Place], home: Path) -> None:
    """As programs that sync keep them: one event in each. A file that is not one is said with its name."""
    (home / "cal").mkdir()
    for i in range(60):
        day = date(2026, 11, 1) + timedelta(days=i % 28)
        (home / f"cal/{i}.ics").write_bytes(calendar(event(f"DTSTART:{day:%Y%m%d}T{10 + i // 28:02d}0000Z", "DURATION:PT30M", uid=f"u{i}")))
    (home / "cal/bad.ics").write_text("<html>")
    place = here(calendar='files = ["cal"]')
    (line,) = calendars.refresh(place, now=NOW)
    assert line.startswith("Calendar cal: 60 events; bad.ics is a web page")
    assert len(busy(place)) == 40  # the horizon begins on the 9th


def test_patterns_and_absolute_paths_are_followed(here: Callable[..., Place], home: Path) -> None:
    (home / "one.ics").write_bytes(calendar(event(*LOCAL)))
    (home / "two.ics").write_bytes(calendar(event(*LOCAL)))
    place = here(calendar=f'files = ["o*.ics", "{home}/two.ics"]')
    calendars.refresh(place, now=NOW)
    assert [r["source"] for r in calendars.sources(place)] == ["one.ics", "two.ics"]


def test_what_leaves_the_settings_leaves_the_store(here: Callable[..., Place], home: Path) -> None:
    """Entries and holidays alike, and a workspace without any never opens the store for them."""
    (home / "my.ics").write_bytes(calendar(event(*LOCAL)))
    place = here(calendar='files = ["my.ics"]', person='country = "DE"')
    calendars.refresh(place, now=NOW)
    place = here(person='name = "A"')
    calendars.refresh(place, now=NOW)
    with place.store.reading() as reader:
        assert reader.rows("calendar.days_off") == [] and reader.rows("calendar.sources") == []
    assert busy(place) == []
    os.rename(home / "data", home / "elsewhere")
    assert calendars.refresh(place, now=NOW) == []
    assert not (home / "data").exists()


def test_fifty_megabytes_a_pipe_and_a_locked_file_are_one_sentence_each(here: Callable[..., Place], home: Path) -> None:
    """Nothing hangs, nothing is read into memory."""
    with (home / "big.ics").open("wb") as file:
        file.truncate(50 * 1024**2)
    os.mkfifo(home / "pipe.ics")
    place = here(calendar='files = ["big.ics", "pipe.ics"]')
    assert calendars.refresh(place, now=NOW) == [
        "Calendar big.ics has 50.0 MB, and at most 20.0 MB of a calendar are read; export a shorter time; it was never read.",
        "Calendar pipe.ics is not a file; it was never read.",
    ]


def test_what_was_read_survives_a_rebuild_of_the_store(here: Callable[..., Place], home: Path) -> None:
    """Rows come from the journal's facts alone."""
    (home / "my.ics").write_bytes(calendar(event(*WEEKLY)))
    place = here(calendar='files = ["my.ics"]', person='country = "DE"\nsubdivision = "BY"')
    calendars.refresh(place, now=NOW)
    with place.store.reading() as reader:
        before = cuts_of(reader, NOW - timedelta(days=9), NOW + timedelta(days=60))
    (home / "data/jarvis.duckdb").unlink()
    (home / "my.ics").unlink()
    with here().store.reading() as reader:
        assert cuts_of(reader, NOW - timedelta(days=9), NOW + timedelta(days=60)) == before
    assert len(before.busy) == 3 and len(before.days_off) > 20


def test_twenty_thousand_events_are_read_in_seconds_and_looked_at_in_a_moment(here: Callable[..., Place], home: Path) -> None:
    """Over nine years, every twentieth for thirty weeks: less than 10 s of work at first, less than 0.1 s with `detect` afterwards."""
    (home / "my.ics").write_bytes(large(20_000, date(2019, 1, 1), repeating=20))
    place = here(calendar='files = ["my.ics"]')
    begun = time.process_time()
    assert calendars.refresh(place, now=NOW) == ["Calendar my.ics: 20,000 events."]
    assert time.process_time() - begun < 10
    costs = []
    for _ in range(5):
        begun = time.process_time()
        assert calendars.refresh(place, now=NOW) == []
        assert context_scheduler.detect(place, now=NOW).until > NOW
        costs.append(time.process_time() - begun)
    assert min(costs) < 0.1


# --- what cuts -----------------------------------------------------------------------------------------------------------


def test_entries_cut_the_kinds_of_windows_that_the_settings_name(here: Callable[..., Place], home: Path) -> None:
    (home / "my.ics").write_bytes(calendar(event(*LOCAL)))
    for cuts, whole, partly in ((None, 1, 0), ('["work_hours"]', 0, 1), ("[]", 0, 0)):
        place = here(calendar='files = ["my.ics"]' + (f"\ncuts = {cuts}" if cuts else ""))
        calendars.refresh(place, now=NOW)
        with place.store.reading() as reader:
            found = cuts_of(reader, at("2026-11-24"), at("2026-11-25"))
        assert (len(found.busy), len(found.partly)) == (whole, partly)


def test_out_of_office_cuts_only_where_nothing_may_start_then(here: Callable[..., Place], home: Path) -> None:
    """Away is the best time to work, unless the person says otherwise."""
    (home / "my.ics").write_bytes(calendar(event("DTSTART;VALUE=DATE:20261124", "X-MICROSOFT-CDO-BUSYSTATUS:OOF")))
    for start_work, expected in (("true", 0), ("false", 1)):
        place = here(calendar='files = ["my.ics"]', **{"context.allows": f"away = {{ start_work = {start_work} }}"})
        calendars.refresh(place, now=NOW)
        with place.store.reading() as reader:
            assert len(cuts_of(reader, at("2026-11-24"), at("2026-11-25")).busy) == expected


# --- holidays ------------------------------------------------------------------------------------------------------------


def test_holidays_are_asked_once_and_kept(here: Callable[..., Place]) -> None:
    """Three years in one fact; Bavaria has Epiphany, Germany as a whole has not; nothing is guessed without a country."""
    place = here(person='country = "DE"')
    assert calendars.refresh(place, now=NOW) == ["Holidays: 27 holidays of DE, 2025 to 2027."]
    assert calendars.refresh(place, now=NOW) == []
    place = here(person='country = "DE"\nsubdivision = "BY"')
    calendars.refresh(place, now=NOW)
    with place.store.reading() as reader:
        days = {r["day"]: r["name"] for r in reader.rows("calendar.days_off")}
    assert days["2027-01-06"] == "Epiphany" and days["2026-12-25"] == "Christmas Day"
    assert calendars.conditions(place, now=NOW)[-1][:2] == ("Holidays", "ok")


def test_a_part_of_a_country_that_does_not_exist_names_the_nearest(here: Callable[..., Place]) -> None:
    """Told each time and by the doctor as a problem; no holiday is made up."""
    place = here(person='country = "DE"\nsubdivision = "Bayer"')
    (line,) = calendars.refresh(place, now=NOW)
    assert line.startswith("[person] subdivision: DE has no 'Bayer'. Did you mean 'BY'? It has BB, BE,")
    assert calendars.refresh(place, now=NOW) == [line]
    assert calendars.conditions(place, now=NOW)[-1][1:3] == ("problem", line)


# --- addresses -----------------------------------------------------------------------------------------------------------


class Server(http.server.BaseHTTPRequestHandler):
    """Serves `body` with an ETag, and counts; other paths misbehave."""

    body = b""
    asked: ClassVar[list[tuple[str, str | None]]] = []

    def do_GET(self) -> None:
        wish = self.headers.get("If-None-Match")
        Server.asked.append((self.path, wish))
        if self.path.startswith("/large"):
            self.send_response(200)
            self.end_headers()
            for _ in range(40):
                self.wfile.write(b"x" * 65536)
        elif self.path.startswith("/away"):
            self.send_response(302)
            self.send_header("Location", "file:///etc/hostname")
            self.end_headers()
        elif self.path.startswith("/none"):
            self.send_error(404)
        elif wish == '"v1"':
            self.send_response(304)
            self.end_headers()
        else:
            self.send_response(200)
            self.send_header("ETag", '"v1"')
            self.end_headers()
            self.wfile.write(Server.body)

    def log_message(self, format: str, *args: Any) -> None:
        """Silent: the test asserts what was asked."""


@pytest.fixture
def served() -> Iterator[str]:
    Server.asked = []
    Server.body = calendar(event(*LOCAL))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_an_address_is_asked_only_when_it_is_said(here: Callable[..., Place], served: str) -> None:
    """Then once, with its ETag; the address, which may be a secret, is written down nowhere."""
    place = here(calendar=f'urls = ["{served}/private-k3y/me.ics"]')
    assert calendars.refresh(place, now=NOW) == [] and Server.asked == []
    assert calendars.conditions(place, now=NOW)[0][2].endswith("never fetched")
    (line,) = calendars.refresh(place, now=NOW, fetch=True)
    assert line.startswith("Calendar 127.0.0.1#") and line.endswith(": 1 event.")
    (again,) = calendars.refresh(place, now=NOW, fetch=True)
    assert again.endswith("has not changed.")
    assert [wish for _, wish in Server.asked] == [None, '"v1"']
    assert len(busy(place)) == 1
    with place.store.reading() as reader:
        assert "k3y" not in json.dumps(reader.rows("store.journal_lines"), default=str)


def test_an_address_that_fails_keeps_its_last_good_rows(here: Callable[..., Place], served: str) -> None:
    place = here(calendar=f'urls = ["{served}/me.ics"]')
    calendars.refresh(place, now=NOW, fetch=True)
    Server.body = b"<html>sign in</html>"
    (line,) = calendars.refresh(place, now=NOW + timedelta(days=7), fetch=True)
    assert "is a web page" in line and line.endswith("its entries of Wed 25 Nov 12:00 are used.")
    assert len(busy(place)) == 1


@pytest.mark.parametrize(
    ("path", "sentence"),
    [("/large", "sends more than 1.0 MB"), ("/away", "answers 302"), ("/none", "answers 404")],
)
def test_an_address_that_misbehaves_is_one_sentence(served: str, path: str, sentence: str) -> None:
    with pytest.raises(NotACalendar, match=sentence):
        fetch(served + path, "", most=1024**2)


@contextmanager
def listening(answer: bytes) -> Iterator[str]:
    """A server that says `answer` and then nothing more."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        held: list[socket.socket] = []

        def serve() -> None:
            own, _ = server.accept()
            own.sendall(answer)
            held.append(own)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}/"
        thread.join()
        for own in held:
            own.close()


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nBEGIN"])
def test_an_address_that_never_finishes_is_given_up(answer: bytes) -> None:
    """Before and after its first byte."""
    begun = time.monotonic()
    with listening(answer) as url, pytest.raises(NotACalendar, match="did not answer within 0.5 s"):
        fetch(url, "", seconds=0.5)
    assert time.monotonic() - begun < 5


def test_nobody_listens(here: Callable[..., Place]) -> None:
    """One sentence, and the rest of the reading goes on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    place = here(calendar=f'urls = ["http://127.0.0.1:{port}/"]')
    (line,) = calendars.refresh(place, now=NOW, fetch=True)
    assert "cannot be reached" in line and line.endswith("it was never read.")


# --- the command line ----------------------------------------------------------------------------------------------------


def test_the_doctor_says_age_events_and_what_was_skipped(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One line for the calendar, one for the holidays."""
    (home / "my.ics").write_bytes(calendar(event(*LOCAL), event(*LOCAL, "RRULE:FREQ=SECONDLY", uid="bad")))
    settings(home, calendar='files = ["my.ics"]', person='country = "US"\nzone = "Europe/Berlin"')
    assert main(["--home", str(home), "context", "read"]) == 0
    told = capsys.readouterr()
    assert "Calendar my.ics: 2 events, 1 skipped: 1 repeats too often." in told.err and "my.ics\t" in told.out
    main(["--home", str(home), "doctor", "--json"])
    findings = {f["name"]: f for f in json.loads(capsys.readouterr().out)["data"]}
    assert findings["Calendar"]["level"] == "warning"
    assert "my.ics: 2 events, 1 skipped: 1 repeats too often; " in findings["Calendar"]["said"]
    assert "holidays of US" in findings["Holidays"]["said"]


def test_reading_verbs_read_changed_calendars_first(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`detect` at the time of a meeting that was written a moment ago."""
    settings(home, calendar='files = ["my.ics"]', person='zone = "Europe/Berlin"')
    soon = datetime.now(UTC).astimezone(BERLIN).replace(microsecond=0) + timedelta(days=2)
    lines = (f"DTSTART;TZID=Europe/Berlin:{soon:%Y%m%dT%H%M%S}", "DURATION:PT1H", "SUMMARY:Secret plans")
    (home / "my.ics").write_bytes(calendar(event(*lines)))
    assert main(["--home", str(home), "context", "detect", "--json", "--at", (soon + timedelta(minutes=5)).isoformat()]) == 0
    told = capsys.readouterr()
    data = json.loads(told.out)["data"]
    assert data["state"] == "working" and data["confidence"] == 0.9
    assert any(line.startswith("Your calendar has an entry until") for line in data["why"])
    assert "Secret" not in told.out + told.err


@pytest.fixture
def jarvis(home: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    settings(home, person='zone = "Europe/Berlin"')

    def run(*argv: str) -> tuple[int, str, str]:
        code = main(["--home", str(home), *argv])
        told = capsys.readouterr()
        return code, told.out, told.err

    return run


def test_set_detect_and_clear_from_the_shell(jarvis: Callable[..., tuple[int, str, str]]) -> None:
    """The end is echoed; `detect` says who decided; clearing twice is refused."""
    code, out, _ = jarvis("context", "set", "away", "--for", "2d")
    assert code == 0 and out.startswith("away until ") and "Undo: jarvis context clear" in out
    assert jarvis("context", "detect")[1].startswith("away until ")
    assert jarvis("context", "clear")[0] == 0
    assert jarvis("context", "clear")[0] == 4
    assert jarvis("context", "detect", "--note")[2].startswith("Noted: ")
    assert "nothing was noted" in jarvis("context", "detect", "--note")[2]


@pytest.mark.parametrize(
    ("argv", "sentence"),
    [
        (("set", "wroking"), "Did you mean 'working'?"),
        (("set", "gym", "--for", "0m"), "is not a span of time"),
        (("set", "gym", "--for", "-1h"), "is not a span of time"),
        (("set", "gym", "--for", "15d"), "at most 14 days"),
        (("set", "gym", "--until", "2020-01-01"), "is not in the future"),
        (("set", "gym", "--until", "2199-01-01"), "at most 14 days"),
        (("set", "gym", "--until", "soon"), "is not a time"),
        (("set", "gym", "--for", "1h", "--until", "23:00"), "not both"),
        (("detect", "--note", "--at", "2026-11-24"), "leave --at out"),
        (("upcoming", "--hours", "0"), "more than 0"),
    ],
)
def test_a_context_that_means_nothing_is_one_sentence(jarvis: Callable[..., tuple[int, str, str]], argv: tuple[str, ...], sentence: str) -> None:
    """Exit code 2, nothing on standard output, and no override stands afterwards."""
    code, out, err = jarvis("context", *argv)
    assert (code, out) == (2, "") and sentence in err and len(err.strip().splitlines()) == 1
    assert jarvis("context", "clear")[0] == 4


@pytest.mark.parametrize(
    ("lines", "sentence"),
    [
        ('[person]\ncountry = "Germany"\n', "Did you mean 'DE'?"),
        ('[person]\nsubdivision = "BY"\n', "subdivision is set, but country is not"),
        ('[person]\nzone = "Europe/Berln"\n', "there is no time zone"),
        ('[context.clock]\nsleep = "23-7"\n', "must be a span of the clock"),
        ('[context.clock]\ngym = ["06:00-06:00"]\n', "must be a span of the clock"),
        ('[context.clok]\nsleep = ""\n', "unknown section [context.clok]. Did you mean 'clock'?"),
        ("[context.allows]\ngym = { lanse = 2 }\n", "unknown key 'lanse' in [context.allows.gym]. Did you mean 'lanes'?"),
        ("[context.allows.gym]\nlanes = 0\n", "must be at least 1"),
        ("[context.allows]\ngym = 3\n", "must be a table such as"),
        ('[calendar]\nurls = ["file:///etc/passwd"]\n', "must be addresses such as"),
        ('[calendar]\ncuts = ["night"]\n', "'night' is not one of"),
        ('[windows.weekend]\nstart = "10:00"\n', "has a start but no end"),
        ('[windows.work_hours]\nstart = "17:00"\nend = "09:00"\n', "before it starts"),
    ],
)
def test_settings_that_mean_nothing_are_one_sentence_with_their_line(home: Path, capsys: pytest.CaptureFixture[str], lines: str, sentence: str) -> None:
    """Told before anything is read or started, exit code 2."""
    (home / "jarvis.toml").write_text(lines)
    assert main(["--home", str(home), "context", "detect"]) == 2
    err = capsys.readouterr().err
    assert sentence in err and "jarvis.toml line " in err and len(err.strip().splitlines()) == 1


def test_a_window_in_a_skipped_hour_is_told_by_the_doctor_with_its_date(home: Path) -> None:
    """And how long it is on that day."""
    settings(home, **{"windows.quick_win": 'start = "02:30"\nend = "03:15"', "person": 'zone = "Europe/Berlin"'})
    finding = next(f for f in examine(home, now=NOW) if f.name == "Windows")
    assert finding.level == "ok", "Mondays to Fridays it never meets the change of a Sunday"
    settings(home, **{"windows.quick_win": 'start = "02:30"\nend = "03:15"\ndays = ["Sun"]', "person": 'zone = "Europe/Berlin"'})
    finding = next(f for f in examine(home, now=NOW) if f.name == "Windows")
    assert finding.level == "warning" and "skips on Sun 2027-03-28; it lasts from 03:00 to 03:15 then" in finding.said


def test_what_runs_in_an_attempt_reads_no_calendar_and_sets_nothing(jarvis: Callable[..., tuple[int, str, str]], home: Path, monkeypatch: Any) -> None:
    """It sees them as they were read last."""
    settings(home, calendar='files = ["my.ics"]')
    (home / "my.ics").write_bytes(calendar(event(*LOCAL)))
    monkeypatch.setenv("JARVIS_ATTEMPT", "a1")
    assert jarvis("context", "detect")[0] == 0
    assert [jarvis("context", *argv)[0] for argv in (("set", "away"), ("clear",), ("read",), ("detect", "--note"))] == [4, 4, 4, 4]
    monkeypatch.delenv("JARVIS_ATTEMPT")
    assert calendars.sources(open_workspace(home)) == []
