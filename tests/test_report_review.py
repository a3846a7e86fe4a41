"""The weekly review counts a week from Monday to Sunday: what was accepted, how good forecasts were, what held and what was undone."""

import json
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from jarvis_lib import context_scheduler, weekend_planner
from jarvis_lib.report.drawing import columns
from jarvis_lib.report.parts import DayBar
from jarvis_lib.report.review import monday_of
from jarvis_lib.report.review_parts import Review
from jarvis_lib.report.weeks import calendar_week
from jarvis_lib.store.place import Place
from tests.facts import added, opened, passed, task
from tests.report_kinds import week
from tests.report_nights import attempt, attempt_facts, close

SUNDAY = datetime(2026, 11, 22, 20, 0, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")


def told(place: Place, at: datetime = SUNDAY) -> Review:
    return weekend_planner.review(place, as_of=at)


@pytest.mark.parametrize(
    ("now", "monday"),
    [
        (datetime(2026, 11, 22, 12, 0, tzinfo=UTC), "2026-11-16"),
        (datetime(2026, 11, 22, 10, 59, tzinfo=UTC), "2026-11-09"),
        (datetime(2026, 11, 23, 8, 0, tzinfo=UTC), "2026-11-16"),
        (datetime(2026, 11, 28, 23, 0, tzinfo=UTC), "2026-11-16"),
    ],
)
def test_from_sunday_noon_on_it_is_this_week_and_before_the_last_one(now: datetime, monday: str) -> None:
    """On the local clock of Berlin, an hour ahead."""
    assert monday_of(now, BERLIN).isoformat() == monday


def test_a_week_with_a_clock_change_has_its_real_hours() -> None:
    """The last week of October has an hour more, and the week before has none."""
    spans = calendar_week(monday_of(datetime(2026, 10, 26, 9, 0, tzinfo=UTC), BERLIN), BERLIN, now=datetime(2026, 10, 26, 9, 0, tzinfo=UTC))
    assert [(until - since) / timedelta(hours=1) for since, until in spans] == [169.0, 168.0, 168.0, 168.0, 168.0]
    assert all(a[0] == b[1] for a, b in pairwise(spans))


def test_the_week_is_told_against_its_goals_and_the_weeks_before(place: Place) -> None:
    """13 nights: 8 in this week, with one build undone again that the count does not have."""
    week(place)
    made = told(place)
    goals = {r.name: r for r in made.goals}
    assert (goals["Builds accepted"].value, goals["Builds accepted"].goal, goals["Undone again"].value) == (15.0, "14 to 21", 1.0)
    assert goals["Patterns learned"].goal == "1 to 2" and goals["Run hours accepted"].goal == "42 to 56 h"
    assert made.headline == "Week: 15 builds accepted (goal 14 to 21), 13.4 run hours (42 to 56); 3 undone or came back"
    assert [d.when for d in made.days] == ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"] and made.days[0].accepted == pytest.approx(2.067, abs=0.01)


def test_what_is_worse_than_usual_is_marked(place: Place) -> None:
    """One of sixteen is undone, of none before: a share with its denominator, and a mark."""
    week(place)
    guards = {g.name: g for g in told(place).guards}
    undone = guards["Shipped builds that were undone"]
    assert (undone.said, undone.median, undone.is_worse) == ("6% (1 of 16)", "0%", True)
    assert not guards["Shipped builds that were accepted"].is_worse
    assert guards["Cost of an accepted hour"].said == "n/a (nothing to count)"


def test_what_held_and_what_did_not_are_told_apart(place: Place) -> None:
    """A build holds on its seventh day, a fix after its second check; what was undone leads."""
    week(place)
    made = told(place)
    assert [f.status.word for f in made.undone] == ["undone", "came back", "came back"]
    assert [f.status.word for f in made.held] == ["held", "held", "held"] and "not undone for 7 days" in made.held[0].said


def test_eighty_percent_is_compared_with_what_came(place: Place) -> None:
    """Forecasts stand at the claim: five of six tasks took no longer than their p80, the sixth did."""
    monday = datetime(2026, 11, 16, 23, 0, tzinfo=UTC)
    tasks = [task(f"Refresh {n}", hours=1.0) for n in range(6)]
    place.store.write(*[added(place, t, at=monday - timedelta(hours=2)) for t in tasks])
    hours = [{"task": t.id, "p10": 0.4, "p50": 1.0, "p80": 1.6, "p90": 2.0, "why": "5 runs"} for t in tasks]
    plan = place.fact("plan.made", at=monday - timedelta(hours=1), slots=[], omissions=[], horizon="2026-12-01T00:00:00Z", estimates=hours)
    facts = [opened(place, at=monday)]
    for n, one in enumerate(tasks):
        facts += attempt_facts(place, one, f"a{n}", at=monday + timedelta(minutes=n), evidence=[passed()], seconds=3600.0 * (0.5 if n else 3.0))
    place.store.write(plan, *facts)
    close(place, monday + timedelta(hours=4))
    scores = {s.name: s.said for s in told(place).calibration}
    assert scores["No longer than foreseen, this week"] == "5 of 6, 8 of 10 is the aim"
    assert scores["Hours taken / foreseen, 8 weeks"] == "median 0.50x of 6 tasks"


def test_days_away_have_no_goal(place: Place) -> None:
    """Two days away: the goals are those of the other five, and the page says so."""
    week(place)
    away = datetime(2026, 11, 17, 8, 0, tzinfo=UTC)
    context_scheduler.set_context(place, "away", now=away, until=away + timedelta(hours=36))
    made = told(place)
    assert {r.name: r.goal for r in made.goals}["Builds accepted"] == "10 to 15"
    assert "2 days off or away: the goals are those of the other 5." in made.goals_said


def test_days_without_data_are_gaps_and_not_zeros(place: Place) -> None:
    """Before the first fact, and after the moment that is told."""
    place.store.write(added(place, task(), at=SUNDAY - timedelta(days=2)))
    days = {d.when: d.accepted for d in told(place).days}
    assert days == {"Mon": None, "Tue": None, "Wed": None, "Thu": None, "Fri": 0.0, "Sat": 0.0, "Sun": 0.0}


def test_a_column_is_as_high_as_its_hours() -> None:
    """Accepted on the floor, ready on it, no result on top; a gap has no column; the goal's band lies where its hours are."""
    drawn = columns([DayBar("Mon", 6.0, 2.0, 0.0), DayBar("Tue", None, None, None), DayBar("Wed", 0.0, 0.0, 4.0)], (6.0, 8.0))
    assert [s.kind for s in drawn.shapes] == ["bar", "ready", "lost"]
    assert drawn.shapes[0].height == pytest.approx(3 * drawn.shapes[1].height, abs=0.2)
    assert drawn.shapes[1].y == pytest.approx(drawn.band_y, abs=0.2) and len(drawn.names) == 3


def test_an_attempt_that_was_never_verified_is_no_build(place: Place) -> None:
    """It is time without a result."""
    one = task()
    place.store.write(added(place, one, at=SUNDAY - timedelta(days=2)), opened(place, at=SUNDAY - timedelta(days=2)))
    attempt(place, one, "a1", at=SUNDAY - timedelta(days=1), outcome="failed", seconds=7200.0)
    close(place, SUNDAY - timedelta(hours=20))
    made = told(place)
    assert made.goals[0].value == 0.0 and made.days[5].fruitless == 2.0


def test_the_page_is_made_and_listed_and_the_review_is_json(home: Path, place: Place) -> None:
    """By its Sunday; the latest brief stays what it is."""
    (home / "notebooks").symlink_to(Path(__file__).parents[1] / "notebooks")
    week(place)
    path = weekend_planner.make_review(place, as_of=SUNDAY)
    assert path == home / "reports" / "2026" / "11" / "2026-11-22-review.html"
    html = path.read_text(encoding="utf-8")
    assert "Week: 15 builds accepted (goal 14 to 21)" in html and html.count("<section") == 7
    assert (home / "reports" / "latest-review.html").is_file() and "Sun 22 Nov, weekly review" in (home / "reports" / "index.html").read_text(encoding="utf-8")
    assert json.loads(json.dumps(told(place).to_json()))["schema"] == "jarvis.review/1"
