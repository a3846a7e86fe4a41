"""A page tells what it cannot rest on: a late morning, a calendar that cannot be read, a store that somebody else holds; and what would go out."""

from datetime import UTC, datetime, timedelta

import pytest

from jarvis_lib import overnight_runner
from jarvis_lib.model.fact import Refused, stamp
from jarvis_lib.model.task import Recipe
from jarvis_lib.report.budget import first_words, fit, length, words
from jarvis_lib.report.drawing import lanes
from jarvis_lib.report.page import morning_brief
from jarvis_lib.report.parts import Card
from jarvis_lib.report.text import brief_text
from jarvis_lib.store import lock
from jarvis_lib.store.place import Place
from tests.facts import added, task
from tests.report_nights import MORNING, START, brief_of, good_night


def test_a_first_brief_long_after_the_night_says_how_late_it_is(place: Place) -> None:
    """Not when it is in time, and not when the morning has had its brief already."""
    good_night(place)
    assert "late" not in brief_of(place).kicker
    late = MORNING + timedelta(hours=2, minutes=12)
    assert "made 09:12, 2.2 h late (UTC)" in brief_of(place, late).kicker
    place.store.write(place.fact("brief.made", at=MORNING, kind="morning", as_of=stamp(MORNING), path="reports/x.html", headline="x", sha256="0"))
    assert "late" not in brief_of(place, late).kicker


def test_a_calendar_that_cannot_be_read_says_what_the_plan_rests_on(place: Place) -> None:
    """One that was read says when, without noise."""
    good_night(place)
    broken = {"source": "work.ics", "entry": "work.ics", "ok": False, "said": "is not there", "fingerprint": ""}
    place.store.write(place.fact("calendar.tried", at=MORNING - timedelta(hours=1), **broken))
    (line,) = [s for s in brief_of(place).system if s.name == "Calendar"]
    assert line.tone == "warn"
    assert line.said == "work.ics could not be read (is not there); it was never read. Try: jarvis context read"


def test_a_store_that_is_held_leaves_a_page_that_says_so(place: Place) -> None:
    """The refusal goes on to the caller, who may try again; a page that is there already is left alone."""
    good_night(place)
    place.store.wait_s = 0.05
    target = place.home / "reports" / "2026" / "11" / "2026-11-24-brief.html"
    with lock.held(place.store.lock_path, wait_s=1, what="The store"):
        with pytest.raises(Refused) as refused:
            overnight_runner.make_brief(place, as_of=MORNING)
        assert refused.value.code == "busy"
        page = target.read_text(encoding="utf-8")
        assert "No brief yet: the store is held by another program" in page and "The store is busy" in page
        target.write_text("the brief of this morning", encoding="utf-8")
        with pytest.raises(Refused):
            overnight_runner.make_brief(place, as_of=MORNING)
    assert target.read_text(encoding="utf-8") == "the brief of this morning"


def test_an_external_action_shows_what_would_go_out(place: Place) -> None:
    """Its words, what it starts and the values; on the page behind a fold, harmless; no other task shows any."""
    mail = task("Mail the figures", category="External actions", description="To: team <b>now</b>", recipe=Recipe("command", argv=("send", "a b")))
    place.store.write(added(place, mail, at=START), added(place, task("Add a theme", category="New features"), at=START))
    cards = {c.title: c for c in brief_of(place).needs}
    assert cards["Mail the figures"].draft == "To: team <b>now</b> It starts: send 'a b'."
    assert cards["Add a theme"].draft == ""
    html = morning_brief(place, as_of="2026-11-24").html()
    assert "<summary>What would go out</summary><p>To: team &lt;b&gt;now&lt;/b&gt;" in html
    assert "Would go out: To: team" in brief_text(brief_of(place))


def test_a_day_off_has_no_goal(place: Place) -> None:
    """A public holiday: the day has none, the week has that of six days."""
    holiday = {"place": "DE", "first_year": 2026, "last_year": 2026, "said": "1 day", "days": ["2026-11-24"], "names": ["A day"]}
    place.store.write(place.fact("holidays.read", at=START, **holiday))
    builds = brief_of(place, datetime(2026, 11, 24, 20, 0, tzinfo=UTC)).numbers[0]
    assert (builds.day_goal, builds.week_goal) == ("none, a day off", "12 to 18")


def card(what: str, title: str = "A task with a title of quite a few words that go on and on") -> Card:
    return Card(title, "approval", what, "Documentation, MEDIUM, 1.0 h, added Mon 18:00.", "it does not run, and it is due today 17:00", ("jarvis x",))


@pytest.mark.parametrize("room", [60, 120, 200])
def test_cards_fit_their_room_and_lose_nothing(room: int) -> None:
    """What was cut stands whole behind the fold; what happens without an answer and the lines to copy are never cut."""
    given = [card(" ".join(f"word{n}" for n in range(many))) for many in (3, 12, 40)]
    cut = fit(given, room)
    assert sum(map(length, cut)) <= max(room, 3 * 30)
    for old, new in zip(given, cut, strict=True):
        assert (new.do_nothing, new.commands) == (old.do_nothing, old.commands)
        assert new.what == old.what or old.what in new.more
        assert new.title == old.title or old.title in new.more


def test_few_cards_are_left_as_they_are() -> None:
    given = [card("Two words.")]
    assert fit(given, 100) == given and fit([], 10) == []


@pytest.mark.parametrize(("text", "count", "cut"), [("a b c", 3, "a b c"), ("one two, three", 2, "one two…"), ("- a - b", 1, "- a -…"), ("x", 5, "x")])
def test_words_are_what_a_reader_counts(text: str, count: int, cut: str) -> None:
    """A dash is none."""
    assert first_words(text, count) == cut and words(cut) <= count


def test_a_plan_is_drawn_where_its_times_are(place: Place) -> None:
    """Two tasks side by side from 09:00: two lanes, as long as they are planned, their titles in full for who points at them."""
    titles = ("Write the guide", "Tidy the logs")
    place.store.write(*[added(place, task(t, hours=1.0), at=MORNING - timedelta(hours=1)) for t in titles])
    night = brief_of(place).night
    assert night is not None and night.ticks[0] == (0.0, "09:00") and {b.title for b in night.bars} == set(titles)
    drawn = lanes(night)
    assert [b[1] for b in drawn.bars] == [3.0, 29.0] and drawn.bars[0][2] == pytest.approx(drawn.width - 2 * 20 - 2, abs=0.2)
    assert brief_of(place, MORNING + timedelta(days=30)).night is not None
    html = morning_brief(place, as_of="2026-11-24").html()
    assert "<title>Write the guide</title>" in html and html.count('class="night"') == 1
