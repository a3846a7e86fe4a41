"""The night: when it may work, one session at a time, a record, and a brief whatever happened."""

import json
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import nbformat
import pytest

from jarvis_lib import autonomous_queue as queue
from jarvis_lib import overnight_runner as night
from jarvis_lib.autonomous_queue import sessions
from jarvis_lib.model.fact import Refused
from jarvis_lib.report.text import brief_text
from jarvis_lib.store import recover
from jarvis_lib.store.place import Place
from jarvis_lib.store.snapshot import open_snapshot
from jarvis_lib.workspace import open_workspace
from tests.facts import added, claimed, opened, task
from tests.roomy import roomy

ROOT = Path(__file__).parents[1]
BERLIN = ZoneInfo("Europe/Berlin")


@pytest.fixture
def live(home: Path) -> Place:
    """A workspace with notebooks, on the real clock."""
    (home / "notebooks").symlink_to(ROOT / "notebooks")
    return open_workspace(home, actor="person:test")


def berlin(home: Path, *when: int) -> Place:
    (home / "jarvis.toml").write_text(roomy().replace('zone = ""', 'zone = "Europe/Berlin"'))
    now = datetime(*when, tzinfo=BERLIN).astimezone(UTC)  # type: ignore[misc, arg-type]  # year, month, day, hour, minute
    return open_workspace(home, clock=lambda: now)


def hours(place: Place, **more: object) -> night.Hours:
    own: dict[str, object] = {"anyway": False, "until": None, "for_minutes": None}
    return night.session_hours(place, now=place.now(), **(own | more))  # type: ignore[arg-type]  # the fields above


def test_work_ends_at_0645_and_checks_at_0658(home: Path) -> None:
    """So that the brief of 07:00 is whole."""
    found = hours(berlin(home, 2026, 11, 24, 23, 0))
    assert [t.astimezone(BERLIN).strftime("%H:%M") for t in (found.work_ends, found.checks_end, found.ends)] == ["06:45", "06:58", "07:00"]
    assert found.key == "overnight@2026-11-24"


CLOCK_CHANGES = [
    ("Europe/Berlin", (2026, 3, 28), 7.0),
    ("Europe/Berlin", (2026, 10, 24), 9.0),
    ("Europe/Berlin", (2026, 11, 24), 8.0),
    ("America/New_York", (2026, 3, 7), 7.0),
    ("America/New_York", (2026, 10, 31), 9.0),
]


@pytest.mark.parametrize(("zone", "day", "real"), CLOCK_CHANGES)
def test_the_nights_of_a_clock_change_have_their_real_hours_and_deadlines(home: Path, zone: str, day: tuple[int, int, int], real: float) -> None:
    """Seven and nine, never eight by the wall clock; work ends at 06:45 on the local clock in each of them."""
    (home / "jarvis.toml").write_text(roomy().replace('zone = ""', f'zone = "{zone}"'))
    now = datetime(*day, 23, 0, tzinfo=ZoneInfo(zone)).astimezone(UTC)
    place = open_workspace(home, clock=lambda: now)
    found = hours(place)
    assert (found.ends - now) / timedelta(hours=1) == real
    assert [t.astimezone(place.zone).strftime("%H:%M") for t in (found.work_ends, found.checks_end, found.ends)] == ["06:45", "06:58", "07:00"]
    assert found.key == f"overnight@{day[0]}-{day[1]:02}-{day[2]:02}"


def test_outside_the_window_it_refuses_and_says_when(home: Path) -> None:
    """With the next night and what to do."""
    place = berlin(home, 2026, 11, 24, 14, 2)
    with pytest.raises(Refused, match=r"It is Tue 14:02.*Overnight Tue 23:00 to 07:00.*--anyway") as caught:
        night.start(place)
    assert caught.value.code == "refused"
    assert not (home / "data" / "journal").exists()


def test_a_short_session_keeps_the_same_shares(home: Path) -> None:
    """Ten minutes have 21 seconds for checks and brief, not fifteen minutes."""
    place = berlin(home, 2026, 11, 24, 14, 0)
    found = hours(place, for_minutes=10.0)
    assert (found.ends - found.work_ends).total_seconds() == pytest.approx(600 * 15 / 420)
    with pytest.raises(Refused, match="not after now"):
        hours(place, until=place.now())


def test_is_overnight_by_the_local_clock(home: Path) -> None:
    """23:00 is, 07:00 is not any more."""
    answers = [night.is_overnight(p, now=p.now()) for p in (berlin(home, 2026, 11, 24, h, m) for h, m in ((22, 59), (23, 0), (6, 59), (7, 0)))]
    assert answers == [False, True, True, False]


def add(place: Place, title: str, **more: object) -> str:
    own: dict[str, object] = {"command": f"echo done > {title}.md", "checks": [f"test -s {title}.md"], "changes": [f"{title}.md"]} | more
    return queue.add(place, title, "", 0.01, "Documentation", "HIGH", now=place.now(), **own).task.id  # type: ignore[arg-type]  # fields of add


def test_a_night_works_records_and_briefs(live: Place) -> None:
    """Phases with times, a JSON record, snapshots, and one HTML page that is linked as the latest."""
    add(live, "one")
    lines: list[str] = []
    page = night.start(live, for_minutes=3, say=lines.append)
    assert page is not None and "1 of 1 build" in page.read_text()
    assert "1 of 1 build" in (live.home / "reports" / "latest-brief.html").read_text()
    record = json.loads(next((live.home / "logs").glob("overnight_report_*.json")).read_text())
    assert (record["tasks_spawned"], record["tasks_completed"], record["outcome"]) == (1, 1, "finished")
    started = [p["name"] for p in record["phases"] if p["event"] == "started"]
    assert started == ["start", "problems", "patterns", "plan", "run", "report"]
    assert len(list((live.home / "data" / "snapshots").glob("*.duckdb"))) == 2
    with open_snapshot(live.home / "data" / "snapshot.duckdb") as reader:
        assert reader.one("store.counts")["sessions"] == 1
    assert any("verified" in line for line in lines)


def test_a_night_goes_on_without_a_phase_that_fails(place: Place) -> None:
    """Its failure stands in the phase's row and in a notice; the run itself may not fail that way."""
    place.store.write(opened(place))
    said: list[str] = []
    with sessions.phase(place, "s1", "problems", said.append, may_fail=True):
        raise OSError("the disk is on fire")
    assert any("went on without it: OSError: the disk is on fire" in line for line in said)
    with place.store.reading() as reader:
        assert len(reader.rows("store.notices_since", since=place.now() - timedelta(days=1))) == 1
        assert [p["event"] for p in reader.rows("overnight_runner.session_phases", session="s1")] == ["started", "ended"]
    with pytest.raises(OSError, match="on fire"), sessions.phase(place, "s1", "run", said.append):
        raise OSError("on fire")


def test_an_attempt_that_could_not_be_ended_does_not_cost_the_brief(place: Place) -> None:
    """It counts as abandoned, and the session is closed all the same."""
    one = task()
    place.store.write(added(place, one), opened(place), claimed(place, one, "a1"))
    sessions.close(place, "s1", "finished", "done")
    record = night.report(place, now=place.now())
    assert record["ended_at"] is not None and [t["outcome"] for t in record["tasks"]] == ["abandoned"]


def test_a_second_session_is_told_who_runs(live: Place) -> None:
    """One session for each workspace."""
    add(live, "slow", command="sleep 2; echo x > slow.md")
    first = threading.Thread(target=lambda: night.start(live, for_minutes=3, with_brief=False, say=lambda line: started.set() if "started" in line else None))
    started = threading.Event()
    first.start()
    assert started.wait(30)
    with pytest.raises(Refused, match="running already: PID") as caught:
        night.start(open_workspace(live.home), for_minutes=3)
    assert caught.value.code == "busy"
    assert night.status(live, now=live.now())["alive"] is True
    first.join()
    assert night.status(live, now=live.now())["said"] == "No session is open."


def test_stop_is_a_fact_that_the_session_reads(live: Place) -> None:
    """From another terminal: finish what runs."""
    for i in range(3):
        add(live, f"t{i}", command=f"sleep 1.5; echo x > t{i}.md")
    (live.home / "jarvis.toml").write_text(roomy().replace("lanes = 3", "lanes = 1"))
    place = open_workspace(live.home, actor="person:test")
    asked: list[str] = []

    def say(line: str) -> None:
        if "started" in line and not asked:
            asked.append(night.stop(open_workspace(live.home), now=live.now()))

    night.start(place, for_minutes=3, with_brief=False, say=say)
    record = night.report(place, now=place.now())
    assert record["attempts"] == 1 and "you stopped it" in record["said"]
    with pytest.raises(Refused, match="nothing to stop"):
        night.stop(place, now=place.now())


NIGHT = "import sys; from jarvis_lib.cli.entry import main; sys.exit(main(['--home', sys.argv[1], 'overnight', 'start', '--for', '3m', '--no-brief']))"


@pytest.mark.parametrize(("times", "outcome"), [(1, "finished"), (2, "stopped")])
def test_ctrl_c_once_finishes_what_runs_and_twice_stops_now(live: Place, times: int, outcome: str) -> None:
    """A real session in a process of its own, with real signals; what had not started stays in the queue."""
    (live.home / "jarvis.toml").write_text(roomy().replace("lanes = 3", "lanes = 1"))
    place = open_workspace(live.home, actor="person:test")
    tasks = [add(place, f"t{i}", command=f"sleep 3; echo x > t{i}.md") for i in range(2)]
    process = subprocess.Popen([sys.executable, "-c", NIGHT, str(live.home)], cwd=ROOT, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    told: list[str] = []

    def heard(word: str) -> bool:
        for line in process.stderr or ():
            told.append(line)
            if word in line:
                return True
        return False

    assert heard("  started "), "".join(told)
    for word in ["Finishing what runs", "Stopping now"][:times]:
        process.send_signal(signal.SIGINT)
        assert heard(word), "".join(told)
    process.communicate(timeout=60)
    attempts = [a for t in tasks for a in queue.show(place, t)["attempts"]]
    assert [a["outcome"] for a in attempts] == [outcome]
    assert night.report(place, now=place.now())["outcome"] == "finished"


def test_the_brief_of_an_empty_store_says_so(live: Place) -> None:
    """Never an empty page."""
    page = night.make_brief(live, as_of=live.now())
    assert page.suffix == ".html" and "Nothing" in page.read_text()


def test_the_brief_closes_a_session_that_died(live: Place) -> None:
    """The morning does not wait for the next night to say so."""
    live.store.write(opened(live, "dead", at=live.now() - timedelta(hours=8)))
    earlier = live.now()
    said = brief_text(night.brief(live, as_of=earlier))
    page = night.make_brief(live, as_of=earlier)
    assert "died" in said and "runs until" not in said
    assert "died" in page.read_text() and "runs until" not in page.read_text()
    assert night.report(live, now=live.now())["outcome"] == "died"


def test_a_page_that_cannot_be_made_becomes_a_text(live: Place) -> None:
    """Without its notebook the brief is text that names the reason."""
    (live.home / "notebooks").unlink()
    add(live, "one")
    said: list[str] = []
    page = night.make_brief(live, as_of=live.now(), say=said.append)
    assert page.suffix == ".txt" and "The page could not be made" in page.read_text() and said


def test_a_notebook_that_writes_no_page_is_not_taken_for_one(live: Place) -> None:
    """The person's own notebook may end well and write nothing: an older page of that morning is not this brief."""
    add(live, "one")
    whole = night.make_brief(live, as_of=live.now())
    assert whole.suffix == ".html"
    shipped = nbformat.read(live.home / "notebooks" / "reports" / "morning_brief.ipynb", 4)
    (live.home / "notebooks").unlink()
    (live.home / "notebooks" / "reports").mkdir(parents=True)
    shipped.cells = shipped.cells[:2]
    nbformat.write(shipped, live.home / "notebooks" / "reports" / "morning_brief.ipynb")
    page = night.make_brief(live, as_of=live.now())
    assert page.suffix == ".txt" and "came to its end and wrote no page" in page.read_text() and "wrote no page" in whole.read_text()


@pytest.mark.long
def test_the_brief_by_plain_papermill_from_anywhere(live: Place, tmp_path_factory: pytest.TempPathFactory) -> None:
    """In a minimal environment, from another folder, it writes the same page."""
    add(live, "one")
    night.start(live, for_minutes=3, with_brief=False, say=lambda line: None)
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    out = elsewhere / "brief.html"
    notebook = live.home / "notebooks" / "reports" / "morning_brief.ipynb"
    argv = [sys.executable, "-m", "papermill", str(notebook), "out.ipynb", "-p", "home", str(live.home), "-p", "out", str(out), "--no-progress-bar"]
    environment = {"HOME": str(elsewhere), "PATH": "/usr/bin:/bin", "JUPYTER_PLATFORM_DIRS": "1"}
    subprocess.run(argv, cwd=elsewhere, env=environment, check=True, capture_output=True)
    assert "1 of 1 build" in out.read_text()


def test_a_night_with_the_database_held_by_a_foreign_program(live: Place) -> None:
    """It works on from the journal, its brief is made, and the file catches up when it is free."""
    add(live, "one")
    hold = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print('held', flush=True); sys.stdin.read()"
    holder = subprocess.Popen([sys.executable, "-c", hold, str(live.store.path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None and holder.stdout.readline() == "held\n"
    page = night.start(live, for_minutes=3, say=lambda line: None)
    assert page is not None and "1 of 1 build" in page.read_text()
    holder.communicate()
    assert recover.verify(live.store) == []
    assert night.report(live, now=live.now())["tasks_completed"] == 1


@pytest.mark.parametrize("order", ["status", "report"])
def test_looking_when_nothing_ever_ran(place: Place, order: str, make_place: Callable[[datetime], Place]) -> None:
    """One clear sentence."""
    if order == "status":
        assert night.status(place, now=place.now())["said"] == "No session is open."
    else:
        with pytest.raises(Refused, match="No session has run yet"):
            night.report(place, now=place.now())
