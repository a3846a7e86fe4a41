"""The evening check-in tells whether tonight is set: what would run, what is in its way, what is too much, and one thing that would still fit."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from jarvis_lib import autonomous_queue as queue
from jarvis_lib import build_scheduler, overnight_runner
from jarvis_lib.model.task import Task
from jarvis_lib.report.evening_parts import Evening
from jarvis_lib.report.evening_text import evening_text
from jarvis_lib.store.place import Place
from tests.facts import added, opened, passed, task
from tests.report_nights import attempt, close, failed_check, fixed

AFTERNOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
EVENING = datetime(2026, 11, 24, 19, 0, tzinfo=UTC)


def told(place: Place, at: datetime = EVENING) -> Evening:
    return overnight_runner.checkin(place, as_of=at)


def queued(place: Place, *tasks: Task) -> None:
    place.store.write(*[added(place, t, at=AFTERNOON) for t in tasks])


def one_lane(home: Path) -> None:
    """Tonight has the hours of one lane."""
    path = home / "jarvis.toml"
    path.write_text(path.read_text().replace("lanes = 3  # Attempts", "lanes = 1  # Attempts"))


def test_the_headline_says_what_runs_and_how_much_of_the_night_it_takes(place: Place) -> None:
    """Long tasks belong into the night; their places stand in order, and the chance that all are done."""
    queued(place, task("Retrain the churn model", hours=4.0, priority="HIGH"), task("Backfill the invoices", hours=3.0))
    made = told(place)
    assert made.headline == "Tonight: 2 tasks, 10 h 51 of 23 h 15, up to 3 at once"
    assert {t.title: t.when for t in made.tonight} == {"Retrain the churn model": "23:00–05:12", "Backfill the invoices": "23:00–03:39"}
    assert made.tonight_said.endswith("that all are done by 06:45.")
    assert made.needs_said == "Nothing needs you before 23:00." and made.tone == "ok"


def test_what_waits_for_a_yes_stands_before_the_night_and_the_rest_can_wait(place: Place) -> None:
    """A review is for the morning; an approval is for now."""
    one = task("Write the guide")
    queued(place, one, task("Add a dark theme", category="New features", hours=4.0))
    place.store.write(opened(place, at=AFTERNOON + timedelta(minutes=5)))
    attempt(place, one, "a1", at=AFTERNOON + timedelta(minutes=6), evidence=[{"kind": "change", "name": "x", "ok": None, "said": "x", "detail": {}}])
    close(place, AFTERNOON + timedelta(hours=1))
    made = told(place)
    (card,) = made.needs
    assert card.title == "Add a dark theme" and card.do_nothing == "it does not run tonight"
    assert card.commands[0].startswith("jarvis queue approve ")
    assert made.headline.endswith("; 1 waits for you") and made.tone == "warn" and made.notify
    assert made.later_said in ("", "1 more thing can wait until the morning.")


def test_today_is_told_in_one_line(place: Place) -> None:
    """What ran and what was fixed since the morning; what the night did was told then."""
    good, bad, old = task("Write the guide"), task("Backfill the invoices"), task("Of the night")
    queued(place, good, bad, old)
    place.store.write(opened(place, at=EVENING - timedelta(hours=15)))
    attempt(place, old, "a0", at=EVENING - timedelta(hours=14), evidence=[passed()])
    attempt(place, good, "a1", at=EVENING - timedelta(hours=5), evidence=[passed()])
    attempt(place, bad, "a2", at=EVENING - timedelta(hours=5), evidence=[failed_check()])
    fixed(place, EVENING - timedelta(hours=4))
    close(place, EVENING - timedelta(hours=3))
    assert told(place).today == "Since 07:00: 1 of 2 builds shipped, 1 problem fixed."


def test_too_much_is_told_with_what_moves(home: Path, place: Place) -> None:
    """More is wanted than one lane holds: the sentence has both numbers, and the task with its new night."""
    one_lane(home)
    from jarvis_lib.workspace import open_workspace

    narrow = open_workspace(home, clock=place.clock, actor="person:test")
    queued(narrow, *[task(f"Retrain model {n}", hours=4.0) for n in range(3)])
    made = told(narrow)
    assert made.headline.startswith("Tonight: 1 task, 6 h 12 of 7 h 45; ") and "18 h 36 wanted" in made.headline
    assert made.too_much.startswith("Too much: 18 h 36 wanted, 7 h 45 there; “Retrain model ") and "moves to Wed" in made.too_much
    assert made.tone == "warn" and "Too much" in evening_text(made)


def test_enough_room_is_not_called_too_much(place: Place) -> None:
    queued(place, *[task(f"Retrain model {n}", hours=4.0) for n in range(3)])
    assert told(place).too_much == ""


def test_one_offer_that_fits_and_no_more(place: Place) -> None:
    """What was put off and would fit is offered, with the line that takes it back."""
    queued(place, task("Retrain the churn model", hours=4.0), later := task("Profile the imports", hours=0.5), task("Draw the map", hours=0.5))
    queue.later(place, later.id, now=AFTERNOON + timedelta(minutes=1))
    made = told(place)
    assert [o.command for o in made.offers] == [f"jarvis queue approve {later.id}"]
    assert made.offers[0].said == "Room for 7 h 45 more: “Profile the imports” (30 min) fits."


def test_an_empty_night_names_what_was_put_off(place: Place) -> None:
    """At most three."""
    off = [task(f"Put off {n}", hours=1.0) for n in range(5)]
    queued(place, *off)
    for one in off:
        queue.later(place, one.id, now=AFTERNOON + timedelta(minutes=1))
    made = told(place)
    assert made.headline == "Nothing is queued for tonight; 7 h 45 are free, up to 3 at once"
    assert len(made.offers) == 3 and all("Put off" in o.said for o in made.offers)


def test_without_anything_new_nobody_is_called(place: Place) -> None:
    """Nothing to decide, and tonight is as it was planned: the page is enough. A task that came since calls."""
    queued(place, task("Retrain the churn model", hours=4.0))
    build_scheduler.make_plan(place, now=AFTERNOON + timedelta(hours=1))
    assert not told(place).notify
    queued(place, task("Backfill the invoices", hours=4.0))
    assert told(place).notify


def test_a_night_that_is_off_is_said(home: Path, place: Place) -> None:
    """The window is switched off: no hours are promised."""
    path = home / "jarvis.toml"
    path.write_text(path.read_text().replace("[windows.overnight]\non = true", "[windows.overnight]\non = false"))
    from jarvis_lib.workspace import open_workspace

    made = told(open_workspace(home, clock=place.clock, actor="person:test"))
    assert made.headline == "No night is worked tonight" and made.tonight == ()


@pytest.mark.parametrize("hour", [0, 6, 12, 19, 23])
def test_it_can_be_asked_at_any_hour(place: Place, hour: int) -> None:
    """Also within the night, and it is JSON."""
    queued(place, task("Retrain the churn model", hours=4.0, due=EVENING + timedelta(hours=1)))
    made = told(place, EVENING.replace(hour=hour))
    assert json.loads(json.dumps(made.to_json()))["schema"] == "jarvis.checkin/1"
    assert made.headline and made.today and made.kicker


def test_the_page_is_made_and_listed(home: Path, place: Place) -> None:
    """By papermill as cron would; a notebook that is missing leaves a text, a page of it, and its reason."""
    (home / "notebooks").symlink_to(Path(__file__).parents[1] / "notebooks")
    path = overnight_runner.make_checkin(place, as_of=EVENING)
    assert path == home / "reports" / "2026" / "11" / "2026-11-24-evening.html"
    assert "Nothing is queued for tonight" in path.read_text(encoding="utf-8")
    assert (home / "reports" / "latest-evening.html").is_file() and not (home / "reports" / "latest-brief.html").exists()
    (home / "notebooks").unlink()
    failed = overnight_runner.make_checkin(place, as_of=EVENING)
    page = path.read_text(encoding="utf-8")
    assert failed == path.with_suffix(".txt") and "The page could not be made: Refused" in failed.read_text(encoding="utf-8")
    assert "The page could not be made: Refused" in page and "<script" not in page
    assert "Text only" in (home / "reports" / "index.html").read_text(encoding="utf-8")
