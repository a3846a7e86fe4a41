"""The brief tells the night as it was: worst first, every build with its proof, never empty, never longer than a headline may be."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from jarvis_lib import autonomous_queue
from jarvis_lib.model.fact import stamp
from jarvis_lib.model.problem import Problem
from jarvis_lib.model.settings import template
from jarvis_lib.report.clock import span, when
from jarvis_lib.report.evening import compose_evening
from jarvis_lib.report.headline import LIMIT
from jarvis_lib.report.tally import clock_hours
from jarvis_lib.report.text import brief_text
from jarvis_lib.store import lock
from jarvis_lib.store.place import Place
from jarvis_lib.workspace import open_workspace
from tests.facts import added, claimed, opened, passed, task
from tests.report_nights import HOSTILE, MORNING, PERF, START, attempt, brief_of, changed, close, failed_check, fixed, good_night, phase, rechecked


def test_a_good_night_opens_and_closes_as_promised(place: Place) -> None:
    """The text begins with what shipped and ends with what is next."""
    good_night(place)
    text = brief_text(brief_of(place))
    assert text.startswith("Good morning! Here's what shipped overnight:\n  ✓ Optimize database queries: queries 5.3x faster (4.9 to 5.6, n=7)")
    assert text.endswith("Ready for more? `jarvis next`")


def test_the_brief_counts_what_shipped_what_failed_and_what_waits(place: Place) -> None:
    """Headline, rows and cards agree."""
    tasks = good_night(place)
    brief = brief_of(place)
    assert brief.headline == "3 of 4 builds shipped; “Check that cannot pass” failed its check; 1 needs you"
    assert [r.title for r in brief.shipped] == [tasks[k].title for k in ("perf", "board", "docs")]
    assert [(r.title, r.status.word) for r in brief.not_shipped] == [("Check that cannot pass", "refuted")]
    assert brief.not_shipped[0].proof == ("`false` ended with exit 1", "Last line: step 2 ok")
    assert [c.kind for c in brief.needs] == ["approval"]
    assert brief.problems_said == "2 problems fixed and re-checked, 24 h check due today 23:02; 0 open."


def test_shipped_and_accepted_are_counted_apart(place: Place) -> None:
    """What policy accepts counts as accepted; a speed-up waits for the person."""
    good_night(place)
    brief = brief_of(place)
    assert [r.accepted for r in brief.shipped] == ["waits for your accept", "accepted", "accepted"]
    assert (brief.numbers[0].day, brief.numbers[0].day_goal, brief.numbers[0].week_goal) == ("2 (3 shipped)", "2 to 3", "14 to 21")


def test_what_is_undone_is_taken_off(place: Place) -> None:
    """An undone build is shown as undone, not as shipped."""
    tasks = good_night(place)
    place.store.write(place.fact("task.undone", at=MORNING - timedelta(minutes=5), task=tasks["docs"].id))
    brief = brief_of(place)
    assert "2 of 3 builds shipped" in brief.headline
    assert brief.shipped[-1].status.word == "undone"
    assert brief.numbers[0].day == "1 (2 shipped, 1 undone)"


def test_an_empty_store_has_a_brief(place: Place) -> None:
    """Nothing was ever done here: the page says so and says what is free."""
    brief = brief_of(place)
    assert brief.headline == "Nothing was queued. Tonight has 8 h free, from 23:00."
    assert "nothing is recorded yet" in brief.kicker
    assert brief.needs_said == "Nothing needs you this morning."
    assert all(part for part in (brief.ran_said, brief.plan_said, brief.problems_said, brief.numbers, brief.system))
    assert "Ready for more?" in brief_text(brief)


def test_a_night_in_which_nothing_ran_says_why(place: Place) -> None:
    """The only task waited for approval."""
    place.store.write(added(place, task("Send the newsletter", category="External actions"), at=START - timedelta(hours=1)))
    place.store.write(opened(place, at=START))
    close(place, START + timedelta(minutes=1))
    brief = brief_of(place)
    assert brief.headline == "Nothing ran: no task was approved for the night; 1 needs you"
    assert brief.ran_said == "No build was started in the session of Mon 23:00."


def test_a_night_without_an_agent_says_so_and_asks(place: Place) -> None:
    """The queue held only a task for a coding agent, and none is switched on: that is the headline, and it needs you in brief, evening and inbox alike."""
    made = START - timedelta(hours=1)
    one = autonomous_queue.add(place, "Fix the login", "", 1.0, "Documentation", "HIGH", now=made, agent="any", checks=["true"])
    autonomous_queue.approve(place, one.task.id, now=made)
    place.store.write(opened(place, at=START))
    close(place, START + timedelta(minutes=1), said=f"it ended because no agent is switched on; {'name one ' * 9}")
    brief = brief_of(place)
    assert brief.headline == "Nothing ran: no agent is switched on; 1 needs you"
    assert [c.kind for c in brief.needs] == ["agent"] and len(autonomous_queue.inbox(place, now=MORNING)) == 1
    with place.store.reading() as reader:
        evening = compose_evening(reader, now=MORNING, zone=place.zone, settings=place.settings, home=place.home)
    assert [c.do_nothing for c in evening.needs] == ["it does not run tonight"] and evening.later_said == ""


def test_a_night_that_the_machine_slept_through_says_so(place: Place) -> None:
    place.store.write(added(place, task(), at=START - timedelta(hours=1)))
    place.store.write(opened(place, at=START))
    phase(place, "asleep", MORNING - timedelta(minutes=9), 28020.0, "the machine slept for 7 h 47, from 23:04", event="noted")
    close(place, MORNING - timedelta(minutes=8))
    brief = brief_of(place)
    assert brief.headline == "Nothing ran: the machine slept for 7 h 47"
    assert [line.tone for line in brief.system if line.name == "Machine"] == ["warn"]


def test_a_night_without_a_session_does_not_repeat_the_last_one(place: Place) -> None:
    """Yesterday's builds were told yesterday."""
    good_night(place)
    told = place.fact("brief.made", at=MORNING, kind="morning", as_of=stamp(MORNING), path="reports/x.html", headline="x", sha256="0")
    place.store.write(told)
    place.store.write(added(place, task("Write the guide"), at=MORNING + timedelta(hours=3)))
    brief = brief_of(place, MORNING + timedelta(days=1))
    assert brief.headline.startswith("No session ran since the last brief; 1 task is queued")
    assert not brief.shipped
    assert brief.ran_said == "No session ran Tue 07:00 to Wed 07:00, so nothing was tried."


def test_a_brief_that_is_made_again_tells_the_same_night(place: Place) -> None:
    """An hour later the same builds stand in it."""
    good_night(place)
    place.store.write(place.fact("brief.made", at=MORNING, kind="morning", as_of=stamp(MORNING), path="reports/x.html", headline="x", sha256="0"))
    assert len(brief_of(place, MORNING + timedelta(hours=1)).shipped) == 3


def test_a_running_session_makes_a_partial_brief(place: Place) -> None:
    """The lock is held: it lives."""
    one, two = task("First", hours=1.0), task("Second", hours=1.0)
    place.store.write(added(place, one, at=START), added(place, two, at=START), opened(place, at=START))
    attempt(place, one, "a1", at=START + timedelta(minutes=1), evidence=[passed()])
    place.store.write(claimed(place, two, "a2"))
    with lock.held(place.home / "data" / "session.lock", wait_s=1, what="The night"):
        brief = brief_of(place, START + timedelta(minutes=50))
    assert brief.headline == "Partial: 1 of 1 build shipped so far, the session runs until tomorrow 06:00"
    assert [r.title for r in brief.running] == ["Second"]


def test_a_session_that_died_is_told_first(place: Place) -> None:
    """Nobody holds the lock, so the open session is dead; its attempt is never success."""
    one = task("First")
    place.store.write(added(place, one, at=START), opened(place, at=START))
    place.store.write(claimed(place, one, "a1"))
    assert brief_of(place).headline == "The session of Mon 23:00 died; no build was tried"
    place.store.write(place.fact("attempt.ended", actor="recovery", at=MORNING, attempt="a1", task=one.id, session="s1", outcome="abandoned"))
    close(place, MORNING, "died", "it died; 1 attempt abandoned")
    brief = brief_of(place)
    assert brief.headline == "The session died; 0 of 1 build shipped; “First” was abandoned"
    assert (brief.tone, brief.good, brief.not_shipped[0].status.word) == ("bad", False, "abandoned")
    assert brief_text(brief).startswith("Morning brief · Tue 24 Nov 2026")


def test_a_failed_night_names_what_is_due(place: Place) -> None:
    """Of two failures the one with the nearest due date leads."""
    late = task("Backfill the invoices", due=MORNING + timedelta(hours=10))
    other = task("Another one")
    place.store.write(added(place, other, at=START), added(place, late, at=START), opened(place, at=START))
    attempt(place, other, "a1", at=START + timedelta(minutes=1), evidence=[failed_check()])
    attempt(place, late, "a2", at=START + timedelta(minutes=1), outcome="failed", tail="Traceback\nValueError: no rows for May\n")
    close(place, START + timedelta(hours=1))
    brief = brief_of(place)
    assert brief.headline == "0 of 2 builds shipped; “Backfill the invoices” failed and is due today 17:00"
    assert "Last line: ValueError: no rows for May" in brief_text(brief)


def test_hollow_and_unproved_work_is_not_shipped(place: Place) -> None:
    """No measure, no claim; no change, no claim."""
    slow, idle = task("Faster", category=PERF), task("Nothing done", changes=("a.txt",))
    place.store.write(added(place, slow, at=START), added(place, idle, at=START), opened(place, at=START))
    attempt(place, slow, "a1", at=START + timedelta(minutes=1), evidence=[passed()])
    attempt(place, idle, "a2", at=START + timedelta(minutes=1), evidence=[passed()])
    close(place, START + timedelta(hours=1))
    brief = brief_of(place)
    assert [(r.title, r.status.word) for r in brief.not_shipped] == [("Nothing done", "hollow"), ("Faster", "unverified")]
    assert [c.kind for c in brief.needs] == ["review"]
    assert brief.needs[0].commands[0].startswith("jarvis queue accept ")


def test_an_escalated_task_leads(place: Place) -> None:
    place.store.write(added(place, task("Drop the user table", description="delete all production data", cost=50.0), at=START))
    place.store.write(opened(place, at=START))
    close(place, START + timedelta(minutes=1))
    brief = brief_of(place)
    assert "1 task stopped and escalated" in brief.headline
    assert brief.tone == "bad"


def test_five_cards_and_a_count(place: Place) -> None:
    """The sixth decision is a number and a command."""
    place.store.write(*[added(place, task(f"Feature {i}", category="New features"), at=START) for i in range(7)])
    brief = brief_of(place)
    assert (len(brief.needs), brief.needs_more) == (5, 2)
    assert "and 2 more: jarvis inbox" in brief_text(brief)
    assert all(c.do_nothing and len(c.commands) == 3 for c in brief.needs)


def test_a_fix_that_failed_or_came_back_is_not_counted_as_fixed(place: Place) -> None:
    place.store.write(opened(place, at=START))
    fixed(place, START + timedelta(minutes=1), "logs/a.log", verified=False)
    fixed(place, START + timedelta(minutes=2), "logs/b.log")
    close(place, START + timedelta(minutes=3))
    brief = brief_of(place)
    assert [f.status.word for f in brief.fixes] == ["not fixed", "fixed"]
    assert "1 fix failed" in brief.headline
    assert brief.numbers[2].day == "0 (1 watching)"


def test_a_fix_counts_once_its_check_is_green_a_day_later(place: Place) -> None:
    """Until somebody has looked again the check is due; then it held, and only then it counts."""
    place.store.write(opened(place, at=START))
    fix = fixed(place, START + timedelta(minutes=1))
    close(place, START + timedelta(minutes=3))
    later = START + timedelta(hours=25)
    due = brief_of(place, later)
    assert [(f.status.word, f.watching) for f in due.fixes] == [("fixed", "now")] and due.numbers[2].week == "0 (1 watching)"
    rechecked(place, fix, later)
    held = brief_of(place, later)
    assert [f.status.word for f in held.fixes] == ["held"] and held.numbers[2].week == "1"
    assert held.problems_said == "1 fix held a day; 0 open."


def test_a_fix_that_came_back_is_told_and_never_counted(place: Place) -> None:
    place.store.write(opened(place, at=START))
    fix = fixed(place, START + timedelta(minutes=1))
    close(place, START + timedelta(minutes=3))
    rechecked(place, fix, START + timedelta(hours=5), "came back")
    brief = brief_of(place, START + timedelta(hours=25))
    assert [f.status.word for f in brief.fixes] == ["came back"] and brief.numbers[2].week == "0 (1 came back)"


def test_a_problem_that_asks_stands_among_the_decisions_with_its_command(place: Place) -> None:
    """A service is restarted by the person's word alone: the brief says what to type, and what happens without."""
    place.store.write(opened(place, at=START))
    detail = {"code": 1, "check": "false", "restart": "true"}
    problem = Problem("service_down:web", "service_down", "web", "The service web does not answer", detail, 1.0, "high", "restart it", False)
    place.store.write(place.fact("problem.found", at=START, problem=problem.to_json()))
    (card,) = brief_of(place).needs
    assert (card.kind, card.commands[0], card.do_nothing) == ("fix", "jarvis problems fix service_down:web", "the problem stays")


def test_a_store_notice_stands_in_the_brief(place: Place) -> None:
    place.store.write(opened(place, at=START), place.fact("notice", at=START + timedelta(minutes=1), kind="rebuilt", sentence="The database was rebuilt."))
    assert [line.said for line in brief_of(place).system if line.name == "Store"] == ["Mon 23:01: The database was rebuilt."]


def test_the_plan_of_the_queue_stands_in_the_brief(place: Place) -> None:
    """After the night the old plan has no places left, so the queue is planned on the spot and nothing is written."""
    place.store.write(added(place, task("Write the guide", hours=1.0), at=MORNING))
    with place.store.reading() as reader:
        before = reader.one("report.journal_head")
    brief = brief_of(place, MORNING + timedelta(hours=1))
    assert [r.title for r in brief.plan] == ["Write the guide"]
    assert all(r.sentence for r in brief.plan)
    assert "Planned just now" in brief.plan_said
    with place.store.reading() as reader:
        assert reader.one("report.journal_head") == before


def test_side_by_side_runs_count_once() -> None:
    """Two hours beside each other are one hour of the clock."""
    runs = [{"claimed_at": START, "seconds": 3600.0}, {"claimed_at": START + timedelta(minutes=30), "seconds": 3600.0}]
    assert clock_hours(runs) == 1.5
    assert clock_hours([]) == 0.0


def test_forty_builds_stay_within_the_page(place: Place) -> None:
    """Lists are cut and say by how much."""
    many = [task(f"Build {i}") for i in range(40)]
    place.store.write(*[added(place, t, at=START) for t in many], opened(place, at=START))
    for i, one in enumerate(many):
        attempt(place, one, f"a{i}", at=START + timedelta(minutes=i), evidence=[passed()] if i % 2 else [failed_check()])
    close(place, START + timedelta(hours=2))
    brief = brief_of(place)
    assert (len(brief.shipped), brief.shipped_more, len(brief.not_shipped), brief.not_shipped_more) == (8, 12, 8, 12)
    assert brief.headline.startswith("20 of 40 builds shipped")


@pytest.mark.parametrize("outcome", ["finished", "failed", "timed_out", "stopped", "limited", "no_login", "denied", "died", "abandoned"])
def test_every_outcome_has_a_short_headline_and_harmless_text(place: Place, outcome: str) -> None:
    """No title, however long or hostile, makes the headline longer than it may be or reaches the terminal as it is."""
    one = task(HOSTILE, due=MORNING + timedelta(hours=3), changes=("data/app.sqlite",))
    place.store.write(added(place, one, at=START), opened(place, at=START))
    attempt(place, one, "a1", at=START + timedelta(minutes=1), outcome=outcome, evidence=[failed_check(HOSTILE), changed()], tail=HOSTILE)
    close(place, START + timedelta(hours=1), "died" if outcome == "abandoned" else "finished")
    brief = brief_of(place)
    assert 0 < len(brief.headline) <= LIMIT
    text = brief_text(brief)
    assert "\x1b" not in text and "\u202e" not in text
    assert brief.not_shipped and not brief.shipped


def test_the_brief_is_json(place: Place) -> None:
    """Every value is plain, and the schema is named."""
    good_night(place)
    raw = json.loads(json.dumps(brief_of(place).to_json()))
    assert raw["schema"] == "jarvis.brief/1"
    assert raw["shipped"][0]["status"] == {"sign": "✓", "word": "shipped", "tone": "ok"}


def test_the_person_is_greeted_by_name(place: Place) -> None:
    good_night(place)
    place.settings.values["person"] = place.settings.values["person"] | {"name": "Ada\x1b[31m"}
    assert brief_text(brief_of(place)).startswith("Good morning, Ada!")


def test_moments_name_their_day(place: Place) -> None:
    """Only today has no weekday."""
    assert when(MORNING, place.zone, now=MORNING) == "today 07:00"
    assert when(START, place.zone, now=MORNING) == "Mon 23:00"
    assert when(MORNING + timedelta(days=10), place.zone, now=MORNING) == "Fri 4 Dec 07:00"
    assert span(START, MORNING, place.zone) == "Mon 23:00 to Tue 07:00"


def test_a_long_title_gives_way_to_what_is_due(place: Place) -> None:
    """The clause that does not fit whole is tried with a shorter title before it is left out."""
    one = task("Backfill all the invoices of the last three years", due=MORNING + timedelta(hours=10))
    place.store.write(added(place, one, at=START), opened(place, at=START))
    attempt(place, one, "a1", at=START + timedelta(minutes=1), outcome="failed")
    close(place, START + timedelta(hours=1), "died")
    assert brief_of(place).headline == "The session died; 0 of 1 build shipped; “Backfill all th…” failed and is due today 17:00"


@pytest.mark.parametrize(
    ("zone", "evening", "real"),
    [
        ("Europe/Berlin", (2026, 3, 28), 7),
        ("Europe/Berlin", (2026, 10, 24), 9),
        ("America/New_York", (2026, 3, 7), 7),
        ("America/New_York", (2026, 10, 31), 9),
    ],
)
def test_nights_of_a_clock_change_are_told_locally_and_counted_in_real_hours(home: Path, zone: str, evening: tuple[int, int, int], real: int) -> None:
    """A build that ran from 23:00 to 06:45 took an hour less in spring and an hour more in autumn; the page says 23:00 and 07:00."""
    (home / "jarvis.toml").write_text(template().replace('zone = ""', f'zone = "{zone}"'))
    local = ZoneInfo(zone)
    begin = datetime(*evening, 23, 0, tzinfo=local).astimezone(UTC)
    morning = (datetime(*evening, 7, 0, tzinfo=local) + timedelta(days=1)).astimezone(UTC)
    assert (morning - begin) / timedelta(hours=1) == real
    place = open_workspace(home, clock=lambda: morning, actor="person:test")
    one = task("A long build", hours=7.0)
    place.store.write(added(place, one, at=begin - timedelta(hours=1)), opened(place, at=begin))
    took = (morning - timedelta(minutes=15) - begin).total_seconds()
    attempt(place, one, "a1", at=begin, evidence=[passed()], seconds=took)
    close(place, morning - timedelta(minutes=10))
    brief = brief_of(place, morning)
    assert "22:00 to" in brief.kicker and f"made 07:00 ({zone})" in brief.kicker
    assert brief.numbers[1].day == f"{real - 1} h 45"
    tonight = next(n for n in brief.numbers_said if n.startswith("Capacity"))
    assert "hold" in tonight and brief.plan_said.endswith("Tonight has 8 h free, from 23:00.")


def test_the_sittings_of_an_accepted_build_are_run_hours_and_not_fruitless(place: Place) -> None:
    """A task that paused once and was proved the next time ran for both; one that only paused so far counts as neither."""
    long, other = task("A long build", hours=6.0, resumable=True), task("Another", hours=6.0, resumable=True)
    place.store.write(added(place, long, at=START - timedelta(hours=1)), added(place, other, at=START - timedelta(hours=1)), opened(place, at=START))
    attempt(place, long, "a1", at=START, outcome="paused", seconds=7200.0)
    attempt(place, other, "b1", at=START + timedelta(hours=4), outcome="paused", seconds=3600.0)
    attempt(place, long, "a2", at=START + timedelta(hours=2), evidence=[passed()], seconds=3600.0)
    close(place, MORNING - timedelta(minutes=15))
    brief = brief_of(place)
    assert brief.numbers[1].day == "3 h"
    assert brief.headline == "1 of 2 builds shipped; “Another” paused at the end of its time"
