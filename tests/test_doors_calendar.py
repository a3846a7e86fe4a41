"""Does another library read the feed, do entries keep their identity, and can a title break out of its line?"""

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import icalendar
import ics
import pytest
import recurring_ical_events
from hypothesis import given, settings
from hypothesis import strategies as st

from jarvis_lib import autonomous_queue as queue
from jarvis_lib import build_scheduler
from jarvis_lib.cli.entry import main
from jarvis_lib.doors import calendar_out
from jarvis_lib.model.fact import Refused
from jarvis_lib.store.place import Place
from tests.conftest import NIGHT
from tests.facts import added, task

EVIL = "Fix; a, b\\n\r\nEND:VEVENT\r\nBEGIN:VALARM\nATTACH:file:///etc/passwd \x1b[31m 日本 " + "x" * 120


def read(data: bytes) -> dict[str, Any]:
    """The events by UID, as the library `ics` reads them."""
    return {e.uid: e for e in ics.Calendar(data.decode()).events}


def planned(place: Place, *titles: str) -> list[str]:
    """Tasks with these titles, one of them with a date, planned."""
    tasks = [task(title, due=NIGHT + timedelta(days=3) if i == 0 else None) for i, title in enumerate(titles)]
    place.store.append(*[added(place, t, at=NIGHT) for t in tasks])
    build_scheduler.make_plan(place, now=NIGHT)
    return [t.id for t in tasks]


def test_sessions_dates_and_what_waits_are_in_it(place: Place) -> None:
    """One event for the night's session with its number of tasks, one for the date, one review in the morning, one end of a proposal."""
    own = planned(place, "Write the guide", "Second")
    proposal = task("New thing", category="New features")
    place.store.append(added(place, proposal, actor="agent:codex", at=NIGHT))
    events = read(calendar_out.feed(place, now=NIGHT))
    by_name = {uid.rpartition("@")[0]: e for uid, e in events.items()}
    assert sorted(by_name) == sorted(["session-overnight-2026-11-23", f"due-{own[0]}", "review-2026-11-24", f"proposal-{proposal.id}"])
    session, review = by_name["session-overnight-2026-11-23"], by_name["review-2026-11-24"]
    assert session.name == "Jarvis, overnight: 2 tasks" and session.begin.datetime >= NIGHT and session.end.datetime <= NIGHT + timedelta(hours=7.5)
    assert review.name == "Jarvis review: 1 thing waits for you" and f"{review.begin.datetime:%d %H:%M}" == "24 07:00"
    assert by_name[f"proposal-{proposal.id}"].begin.date() == (NIGHT + timedelta(days=7)).date() and by_name[f"proposal-{proposal.id}"].all_day


def test_counts_hold_no_title_and_titles_do(place: Place) -> None:
    """Without being asked for, no word of a task leaves the machine."""
    planned(place, "Secret merger", "Second")
    place.store.append(added(place, task("Hidden plan", category="New features"), actor="agent:codex", at=NIGHT))
    counts, titles = (calendar_out.feed(place, now=NIGHT, detail=d).decode() for d in ("counts", "titles"))
    assert "merger" not in counts and "Hidden" not in counts and "Secret merger" in titles and "Hidden plan" in titles
    with pytest.raises(Refused, match="detail must be"):
        calendar_out.feed(place, now=NIGHT, detail="all")


def test_the_same_state_gives_the_same_bytes_and_a_change_a_higher_sequence(place: Place, make_place: Callable[[datetime], Place]) -> None:
    """An hour later nothing differs; planned anew the session keeps its UID and its SEQUENCE has risen; so has that of an edited date."""
    own = planned(place, "One")
    first = calendar_out.feed(place, now=NIGHT)
    assert calendar_out.feed(place, now=NIGHT + timedelta(minutes=5)) == first
    place.store.append(added(place, task("Two"), at=NIGHT))
    queue.edit(place, own[0], now=NIGHT + timedelta(minutes=1), title="One, better")
    build_scheduler.make_plan(place, now=NIGHT + timedelta(minutes=2))
    old, new = sequences(first), sequences(calendar_out.feed(place, now=NIGHT + timedelta(minutes=2)))
    assert old.keys() == new.keys() and all(new[uid] > old[uid] for uid in old)


def sequences(data: bytes) -> dict[str, int]:
    return {str(e["uid"]): int(e["sequence"]) for e in icalendar.Calendar.from_ical(data).walk("VEVENT")}


def test_hostile_titles_are_text(place: Place) -> None:
    """Line ends, semicolons, escapes and other scripts: the same number of components, folded lines, and the title comes back as one line."""
    planned(place, EVIL)
    data = calendar_out.feed(place, now=NIGHT, detail="titles")
    assert all(len(line) <= 75 for line in data.split(b"\r\n")) and b"\x1b" not in data and b"\n\n" not in data
    names = [c.name for c in icalendar.Calendar.from_ical(data).walk()]
    assert names == ["VCALENDAR", "VEVENT", "VEVENT"]
    due = next(e for e in icalendar.Calendar.from_ical(data).walk("VEVENT") if e["uid"].startswith("due-"))
    assert str(due["summary"]).startswith("Jarvis: due: Fix; a, b\\n END:VEVENT BEGIN:VALARM ATTACH:file:///etc/passwd 日本 x") and "\n" not in str(
        due["summary"]
    )
    assert len(read(data)) == 2 and all(not e.alarms and not e.attendees for e in read(data).values())


def test_expanders_take_it_too(place: Place) -> None:
    """recurring_ical_events, which our own reading of calendars uses, finds each event once in its week."""
    planned(place, "One", "Two")
    data = calendar_out.feed(place, now=NIGHT)
    found = recurring_ical_events.of(icalendar.Calendar.from_ical(data)).between(NIGHT, NIGHT + timedelta(days=7))
    assert len(found) == len(sequences(data)) == 2


@settings(max_examples=15)
@given(st.text(min_size=1, max_size=150))
def test_any_title_gives_a_feed_that_can_be_read(tmp_path_factory: pytest.TempPathFactory, title: str) -> None:
    """Whatever text a row holds, the same number of events comes out of the other library."""
    rows = [{"id": "t", "title": title, "state": "queued", "due": NIGHT + timedelta(days=1), "changed_at": NIGHT, "revision": 1}]
    events = list(calendar_out.dates(rows, "w", with_titles=True))
    calendar = icalendar.Calendar()
    calendar.add("prodid", "-//t//EN")
    calendar.add("version", "2.0")
    calendar.add_component(events[0])
    assert len(read(calendar.to_ical())) == 1


def test_a_file_is_written_whole_and_only_when_it_differs(place: Place, home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Twice the same: the same inode; a folder that is not there is told, and nothing is left behind."""
    planned(place, "One")
    path = home / "out.ics"
    calendar_out.export(place, path, now=NIGHT)
    before = path.stat()
    calendar_out.export(place, path, now=NIGHT)
    assert path.stat().st_ino == before.st_ino and [p.name for p in home.glob(".out*")] == []
    at = ["--home", str(home), "calendar", "export", "--at", "2026-11-23 23:30"]
    assert main([*at, "--out", str(home / "no/such.ics")]) == 1 and "cannot be written" in capsys.readouterr().err
    assert main(at) == 0 and capsys.readouterr().out.encode().replace(b"\r\n", b"\n") == path.read_bytes().replace(b"\r\n", b"\n")


def test_an_empty_workspace_has_an_empty_feed(place: Place) -> None:
    """A calendar that can be subscribed to before there is anything in it."""
    data = calendar_out.feed(place, now=NIGHT)
    assert read(data) == {} and re.match(rb"BEGIN:VCALENDAR\r\n", data)
