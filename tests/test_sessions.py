"""Sessions of any window: their hours, what the context allows, sittings of a task that pauses, busy spans."""

import json
import os
import signal
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from jarvis_lib import autonomous_queue as queue
from jarvis_lib import build_scheduler, context_scheduler
from jarvis_lib.autonomous_queue import Stop, sessions
from jarvis_lib.execution.engine import LocalEngine
from jarvis_lib.model.fact import Refused
from jarvis_lib.store.place import Place
from jarvis_lib.workspace import open_workspace
from tests.facts import added, claimed, opened, task

TUESDAY_TEN = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)
COUNT = """\
i=$(cat progress.txt 2>/dev/null || echo 0)
while [ "$i" -lt {last} ]; do sleep 0.1; i=$((i+1)); echo $i > progress.txt; done
echo "counted to $i" > counted.txt
"""


def moving(home: Path, start: datetime) -> Place:
    """The workspace on a clock that runs as the real one does, and shows `start` now."""
    begin = time.monotonic()
    return open_workspace(home, clock=lambda: start + timedelta(seconds=time.monotonic() - begin), actor="person:test")


def add(place: Place, title: str = "Write", **more: Any) -> str:
    own: dict[str, Any] = {"hours": 0.01, "category": "Documentation", "priority": "MEDIUM", "command": "true", "checks": ["true"]} | more
    hours, category, priority = own.pop("hours"), own.pop("category"), own.pop("priority")
    return queue.add(place, title, "", hours, category, priority, now=place.now(), **own).task.id


def sitting(place: Place, seconds: float, **more: Any) -> queue.Tally:
    """One session of so many seconds."""
    now, name = place.now(), f"s{time.monotonic_ns()}"
    place.store.write(opened(place, name, at=now))
    own = queue.Session(name, now + timedelta(seconds=seconds), now + timedelta(seconds=seconds + 20), 3, 7, **more)
    tally = queue.work(place, own, engine=LocalEngine())
    place.store.write(place.fact("session.closed", session=name, outcome="finished"))
    return tally


def counting(place: Place, last: int, *, check: str = "", **more: Any) -> str:
    (place.home / "count.sh").write_text(COUNT.replace("{last}", str(last)))
    own: dict[str, Any] = {"hours": 0.0005, "command": "sh count.sh", "changes": ["progress.txt", "counted.txt"], "resumable": True}
    return add(place, "Count", checks=[check or f"grep -q 'to {last}' counted.txt"], **(own | more))


# --- sittings ------------------------------------------------------------------------------------------------------------


@pytest.mark.long
def test_a_resumable_task_pauses_and_goes_on_and_is_undone_as_one(home: Path) -> None:
    """Its progress stays, no attempt is lost, the proof looks at the whole, and undo leads back to before the first sitting."""
    place = moving(home, TUESDAY_TEN)
    task = counting(place, 90)
    sitting(place, 5)
    seen = queue.show(place, task)
    assert (seen["task"]["state"], seen["task"]["attempts"]) == ("queued", 0)
    assert [a["outcome"] for a in seen["attempts"]] == ["paused"] and "goes on from there" in seen["attempts"][0]["verdict_why"]
    reached = int((home / "progress.txt").read_text())
    assert 0 < reached < 90
    sitting(place, 40)
    seen = queue.show(place, task)
    assert seen["task"]["state"] == "accepted"
    assert "counted to 90" in (home / "counted.txt").read_text()
    changes = {e["name"]: json.loads(e["detail"])["how"] for e in seen["evidence"] if e["kind"] == "change" and e["attempt"] == seen["attempts"][-1]["id"]}
    assert changes == {"progress.txt": "created", "counted.txt": "created"}
    queue.undo(place, task, now=place.now())
    assert not (home / "progress.txt").exists() and not (home / "counted.txt").exists()


def test_what_is_left_of_a_paused_task_is_planned(place: Place) -> None:
    """Sittings of 3 h of a task of 5 h, for which 7.5 h are kept free: the plan keeps what is left free, and never nothing."""
    long = task("Long", hours=5.0, resumable=True)
    place.store.write(added(place, long), opened(place))
    needs = []
    for n in (1, 2, 3):
        with place.store.reading() as reader:
            needs += [c.need_h for c in build_scheduler.candidates(reader, place.settings)]
        place.store.write(claimed(place, long, f"a{n}"))
        data = {"attempt": f"a{n}", "task": long.id, "session": "s1", "outcome": "paused", "evidence": [], "seconds": 10_800.0}
        place.store.write(place.fact("attempt.ended", actor="session:s1", **data))
    assert needs == pytest.approx([7.5, 4.5, 1.5])
    with place.store.reading() as reader:
        assert [c.need_h for c in build_scheduler.candidates(reader, place.settings)] == pytest.approx([0.75])


@pytest.mark.long
def test_a_refuted_sitting_takes_the_earlier_ones_along(home: Path) -> None:
    """What was never proved is not left behind in halves."""
    place = moving(home, TUESDAY_TEN)
    task = counting(place, 90, check="false")
    sitting(place, 5)
    assert (home / "progress.txt").exists()
    sitting(place, 40)
    assert queue.show(place, task)["task"]["state"] == "failed"
    assert not (home / "progress.txt").exists() and not (home / "counted.txt").exists()


def test_a_task_that_is_not_resumable_runs_out_of_time_and_is_put_back(home: Path) -> None:
    """The same script without the promise: its files are as before, and an attempt is lost."""
    place = moving(home, TUESDAY_TEN)
    task = counting(place, 90, resumable=False)
    sitting(place, 5)
    seen = queue.show(place, task)
    assert [a["outcome"] for a in seen["attempts"]] == ["timed_out"] and seen["task"]["attempts"] == 1
    assert not (home / "progress.txt").exists()


def test_a_guard_that_trips_in_a_sitting_is_a_question(home: Path) -> None:
    """A pause is no way around the guards: documentation that changes other files waits for the person."""
    place = moving(home, TUESDAY_TEN)
    (home / "code.py").write_text("x = 1\n")
    task = counting(place, 90)
    (home / "count.sh").write_text("echo 'x = 2' > code.py\n" + COUNT.replace("{last}", "90"))
    queue.housekeeping(place, now=place.now())
    sitting(place, 5)
    row = queue.show(place, task)["task"]
    assert row["state"] == "review" and "code.py" in row["why"]


def test_project_tags_and_resumable_are_kept_and_older_hashes_hold(home: Path) -> None:
    """What says nothing is not in the content, so tasks of before these words keep their approval."""
    place = moving(home, TUESDAY_TEN)
    plain, labelled = add(place), add(place, resumable=True, project="atlas", tags=["Fitness", "fitness"])
    contents = [queue.show(place, t)["task"]["content"] for t in (plain, labelled)]
    assert not {"resumable", "project", "tags"} & contents[0].keys()
    assert (contents[1]["resumable"], contents[1]["project"], contents[1]["tags"]) == (True, "atlas", ["fitness"])
    with pytest.raises(Refused, match="1 to 60 characters"):
        add(place, project="x" * 61)


# --- busy spans ----------------------------------------------------------------------------------------------------------


def test_nothing_is_started_in_a_busy_span_and_the_session_waits_for_its_end(home: Path) -> None:
    """A meeting in the window: the task starts after it, not in it."""
    place = moving(home, TUESDAY_TEN)
    task = add(place, hours=0.0005)
    now = place.now()
    ends = now + timedelta(seconds=3)
    tally = sitting(place, 30, busy=((now - timedelta(seconds=1), ends),))
    attempt = queue.show(place, task)["attempts"][0]
    assert tally.attempts == 1 and attempt["claimed_at"] >= ends


def test_nothing_is_started_that_would_reach_into_a_busy_span(home: Path) -> None:
    """The room ends where the span begins."""
    place = moving(home, TUESDAY_TEN)
    task = add(place, hours=0.01)
    now = place.now()
    tally = sitting(place, 60, busy=((now + timedelta(seconds=20), now + timedelta(hours=1)),))
    assert tally.attempts == 0 and "needed" in tally.passed_over[task]


@pytest.mark.long
def test_a_session_waits_for_the_room_behind_a_span_that_is_still_to_come(home: Path) -> None:
    """What does not fit before the meeting is started after it, though nothing runs until then."""
    place = moving(home, TUESDAY_TEN)
    task = add(place, hours=0.003)
    now = place.now()
    busy = (now + timedelta(seconds=4), now + timedelta(seconds=8))
    tally = sitting(place, 60, busy=(busy,))
    assert tally.attempts == 1 and queue.show(place, task)["attempts"][0]["claimed_at"] >= busy[1]


@pytest.mark.long
def test_what_a_busy_span_pauses_goes_on_behind_it(home: Path) -> None:
    """Two sittings in one session, with the meeting between them."""
    place = moving(home, TUESDAY_TEN)
    task = counting(place, 90)
    now = place.now()
    sitting(place, 60, busy=((now + timedelta(seconds=6), now + timedelta(seconds=8)),))
    seen = queue.show(place, task)
    assert [a["outcome"] for a in seen["attempts"]] == ["paused", "finished"] and seen["task"]["state"] == "accepted"


def test_what_the_person_changed_between_two_sittings_is_not_thrown_away(home: Path) -> None:
    """A refuted last sitting goes back to where it began, which is the person's work, not to before the first one."""
    place = moving(home, TUESDAY_TEN)
    counting(place, 90, check="false")
    sitting(place, 5)
    (home / "progress.txt").write_text("85\n")
    sitting(place, 40)
    assert (home / "progress.txt").read_text() == "85\n" and not (home / "counted.txt").exists()


# --- the hours that are on -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("now", "key", "ends"),
    [
        (datetime(2026, 11, 24, 10, 0, tzinfo=UTC), "work_hours@2026-11-24", datetime(2026, 11, 24, 17, 0, tzinfo=UTC)),
        (datetime(2026, 11, 24, 19, 30, tzinfo=UTC), "quick_win@2026-11-24", datetime(2026, 11, 24, 23, 0, tzinfo=UTC)),
        (datetime(2026, 11, 28, 10, 0, tzinfo=UTC), "weekend@2026-11-28", datetime(2026, 11, 28, 17, 0, tzinfo=UTC)),
        (datetime(2026, 11, 24, 17, 10, tzinfo=UTC), "gym@2026-11-24", datetime(2026, 11, 24, 18, 30, tzinfo=UTC)),
    ],
)
def test_the_hours_end_with_the_window_or_with_the_context(make_place: Callable[[datetime], Place], now: datetime, key: str, ends: datetime) -> None:
    """Work hours, evening, weekend (until gym begins), and gym itself, which no window covers."""
    found = queue.hours_now(make_place(now), now=now)
    assert (found.key, found.ends) == (key, ends)


def test_outside_of_every_window_it_says_which_is_next(make_place: Callable[[datetime], Place]) -> None:
    """18:40 on a Tuesday: the person is at home, and the quick wins begin at 19:00."""
    now = datetime(2026, 11, 24, 18, 40, tzinfo=UTC)
    with pytest.raises(Refused, match=r"Tue 18:40 and no window is on; the next one is Quick win Tue 19:00"):
        queue.hours_now(make_place(now), now=now)
    late = datetime(2026, 11, 24, 16, 59, 30, tzinfo=UTC)
    with pytest.raises(Refused, match="ends within a minute"):
        queue.hours_now(make_place(late), now=late)


@pytest.mark.long
def test_another_context_takes_the_machine_back(home: Path) -> None:
    """The person comes home early and says so: nothing more is started, what can pause does, and the session ends."""
    place = moving(home, TUESDAY_TEN)
    long = counting(place, 900)
    told: list[str] = []
    thread = threading.Thread(target=lambda: told.append(queue.work_now(place, say=told.append)))
    thread.start()
    until = time.monotonic() + 40
    while not (home / "progress.txt").exists() and time.monotonic() < until:
        time.sleep(0.1)
    later = add(place, "Later", priority="CRITICAL")
    context_scheduler.set_context(place, "available", now=place.now(), for_minutes=60)
    thread.join(60)
    assert not thread.is_alive() and "you are available now, not working" in told[-1]
    assert [a["outcome"] for a in queue.show(place, long)["attempts"]] == ["paused"]
    assert queue.show(place, later)["task"]["state"] in ("queued", "accepted")
    assert (home / "progress.txt").exists()


def test_an_unknown_context_starts_nothing_but_documentation_and_tests(home: Path) -> None:
    """The person's own word, in a session that was asked for: one at a time, and nothing that could do harm."""
    place = moving(home, TUESDAY_TEN)
    risky = add(place, "Faster", category="Refactoring")
    safe = add(place, "Guide")
    context_scheduler.set_context(place, "unknown", now=place.now(), for_minutes=60)
    tally = sitting(place, 600)  # on a busy machine the first task alone takes what a minute has to spare
    assert (queue.show(place, risky)["task"]["state"], queue.show(place, safe)["task"]["state"]) == ("queued", "accepted")
    assert "You are unknown, and then Documentation or Test coverage may start." in tally.passed_over[risky]
    with place.store.reading() as reader:
        assert reader.one("context_scheduler.last_transition", now=place.now()) is not None


def test_gym_works_tagged_tasks_first(home: Path) -> None:
    """17:10: no window is on, and of the two lanes one goes to what is tagged fitness, though it is worth less."""
    place = moving(home, datetime(2026, 11, 24, 17, 10, tzinfo=UTC))
    ids = [add(place, f"Plain {i}", priority="HIGH") for i in range(2)]
    tagged = add(place, "Training plan", priority="LOW", tags=["fitness"])
    queue.work_now(place, say=lambda line: None)
    claimed = {t: queue.show(place, t)["attempts"][0]["claimed_at"] for t in [*ids, tagged]}
    assert claimed[tagged] == min(claimed.values()) < max(claimed.values())


def test_a_session_of_work_hours_works_under_its_own_name(home: Path) -> None:
    """The same loop as the night: claimed, proved, shipped, in a session whose window is the one that is on."""
    place = moving(home, TUESDAY_TEN)
    task = add(place)
    said: list[str] = []
    told = queue.work_now(place, say=said.append)
    assert queue.show(place, task)["task"]["state"] == "accepted"
    with place.store.reading() as reader:
        row = reader.one("overnight_runner.newest_session", now=place.now())
    assert row is not None and (row["kind"], row["window"]) == ("work_hours", "work_hours@2026-11-24")
    assert "1 attempt" in told and any(line.startswith("Phase plan") for line in said)


def test_a_signal_during_a_line_does_not_break_it() -> None:
    """Ctrl-C comes while the session prints: the handler itself prints nothing, for Python refuses a second writer of one stream."""
    stop = Stop()
    said: list[str] = []
    with sessions._signals(stop):
        for number in (1, 2):
            os.kill(os.getpid(), signal.SIGINT)
            while not stop.words:
                time.sleep(0.001)
            assert len(said) == number - 1
            stop.tell(said.append)
    assert stop.how == "now" and said == ["Finishing what runs; Ctrl-C again stops now.", "Stopping now."]
