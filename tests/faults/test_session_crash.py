"""kill -9 of the session at every named point and at random moments, then start again: nothing lost, nothing shipped twice, nothing believed."""

import json
import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from jarvis_lib import autonomous_queue as queue
from jarvis_lib.store.place import Place
from jarvis_lib.workspace import open_workspace
from tests.faults import oracle
from tests.faults.oracle import fill, rows

pytestmark = pytest.mark.faults
ROOT = Path(__file__).parents[2]
NIGHT = """
import sys
from jarvis_lib import overnight_runner
from jarvis_lib.workspace import open_workspace
overnight_runner.start(open_workspace(sys.argv[1]), for_minutes=20, with_brief=len(sys.argv) > 2, say=lambda line: print(line, flush=True))
"""
POINTS = [
    "opened",
    "planned",
    "claimed",
    "claimed:2",
    "spawned",
    "spawned:2",
    "before-ending",
    "after-ending",
    "spec-written",
    "spec-written:4",
    "closing",
    "closed",
    "spooled:6",
    "spool-emptied:1",
    "spool-emptied:7",
    "brief",
    "brief-made",
    *(f"{name}:{n}" for name in ("before-journal", "after-journal", "after-commit") for n in (1, 6, 10, 14)),
]


@pytest.fixture
def now_place(home: Path) -> Place:
    return open_workspace(home, actor="person:test")


def night(place: Place, *, crash: str = "", kill_after_s: float | None = None, brief: bool = False) -> int:
    environment = os.environ | ({"JARVIS_CRASH_AT": crash} if crash else {})
    argv = [sys.executable, "-c", NIGHT, str(place.home), *(["brief"] if brief else [])]
    process = subprocess.Popen(argv, env=environment, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    if kill_after_s is not None:
        time.sleep(kill_after_s)
        process.kill()
    _, errors = process.communicate(timeout=120)
    assert process.returncode in (0, -9), errors.decode()
    return process.returncode


def check(place: Place, tasks: int) -> None:
    """The oracle, and: what is verified ran to its end once, whatever was killed before."""
    oracle.check(place, tasks=tasks)
    for one in rows(place, "tasks"):
        if one["state"] in ("shipped", "accepted"):
            assert (place.home / json.loads(one["content"])["changes"][0]).read_text() == "before\nonce\n"


@pytest.mark.parametrize("point", POINTS)
def test_a_night_that_is_killed_is_finished_by_the_next_one(now_place: Place, point: str) -> None:
    """At this point the session dies; the second start ends what was open and does the rest."""
    fill(now_place, 3)
    first = night(now_place, crash=point, brief=point.startswith("brief"))
    assert first == -9, f"the point {point} was never passed"
    for _ in range(2):
        assert night(now_place, brief=point.startswith("brief")) == 0
        check(now_place, 3)
    assert {t["state"] for t in rows(now_place, "tasks")} == {"accepted"}


def test_a_recovery_that_is_killed_is_finished_by_the_next_one(now_place: Place) -> None:
    """The session dies, the start after it dies while it ends what was open, and the third one has one ending for each attempt."""
    fill(now_place, 3)
    assert night(now_place, crash="spawned:3") == -9
    assert night(now_place, crash="recovering:2") == -9
    assert night(now_place) == 0
    check(now_place, 3)


def test_fifty_random_kills_lose_nothing(now_place: Place) -> None:
    """Seeded moments; what is parked after its second death is dropped and new work is added."""
    chance = random.Random(2)
    fill(now_place, 4)
    tasks = 4
    for _ in range(50):
        night(now_place, kill_after_s=chance.uniform(0.2, 4.0))
        states = [(t["id"], t["state"], t["parked_kind"]) for t in rows(now_place, "tasks")]
        for task, state, kind in states:
            if state == "parked":
                assert kind == "deaths"
                queue.drop(now_place, task, now=now_place.now())
        if sum(s == "queued" for _, s, _ in states) < 3:
            fill(now_place, 3, start=tasks)
            tasks += 3
    assert night(now_place) == 0
    check(now_place, tasks)
    states = [t["state"] for t in rows(now_place, "tasks")]
    print({s: states.count(s) for s in set(states)}, len(rows(now_place, "attempts")), "attempts")


def test_of_eight_starts_at_once_one_works(now_place: Place) -> None:
    """The others say who runs since when and exit with 75."""
    fill(now_place, 2)
    jarvis = str(Path(sys.executable).with_name("jarvis"))
    argv = [jarvis, "--home", str(now_place.home), "overnight", "start", "--for", "2m", "--no-brief"]
    started = [subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(8)]
    ended = [(p.communicate(timeout=120), p.returncode) for p in started]
    assert sorted(code for _, code in ended) == [0] + [75] * 7, ended
    assert all("running already" in errors for (_, errors), code in ended if code == 75)
    assert len(rows(now_place, "sessions")) == 1
