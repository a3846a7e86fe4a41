"""kill -9 of the session at every named point and at random moments, then start again: nothing lost, nothing shipped twice, nothing believed."""

import json
import os
import random
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from jarvis_lib import autonomous_queue as queue
from jarvis_lib.store import recover
from jarvis_lib.store.place import Place
from jarvis_lib.workspace import open_workspace

pytestmark = pytest.mark.faults
ROOT = Path(__file__).parents[2]
NIGHT = """
import sys
from jarvis_lib import overnight_runner
from jarvis_lib.workspace import open_workspace
overnight_runner.start(open_workspace(sys.argv[1]), for_minutes=5, with_brief=len(sys.argv) > 2, say=lambda line: print(line, flush=True))
"""
POINTS = [
    "opened",
    "claimed",
    "claimed:2",
    "spawned",
    "spawned:2",
    "before-ending",
    "after-ending",
    "spooled:6",
    "brief",
    *(f"{name}:{n}" for name in ("before-journal", "after-journal", "after-commit") for n in (1, 3, 6, 8, 10, 12, 14)),
]


@pytest.fixture
def now_place(home: Path) -> Place:
    return open_workspace(home, actor="person:test")


def fill(place: Place, count: int, *, start: int = 0) -> None:
    """Tasks that leave a trace in the world: each appends one line to its own file, which is declared, checked and put back on failure."""
    for i in range(start, start + count):
        name = f"out/{i}.md"
        (place.home / "out").mkdir(exist_ok=True)
        (place.home / name).write_text("before\n")
        queue.add(
            place,
            f"Task {i}",
            "",
            0.05,
            "Documentation",
            "MEDIUM",
            command=f"sleep 0.3; echo once >> {name}; sleep 0.2",
            checks=[f"test $(grep -c once {name}) = 1"],
            changes=[name],
            now=place.now(),
        )


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


def rows(place: Place, table: str) -> list[dict[str, Any]]:
    with place.store.reading() as reader:
        found = reader._con.execute(f"SELECT * FROM {table}")
        names = [d[0] for d in found.description]
        return [dict(zip(names, r, strict=True)) for r in found.fetchall()]


def alive(place: Place) -> list[int]:
    """Processes that an attempt of this workspace has left."""
    attempts = {a["id"] for a in rows(place, "attempts")}
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("JARVIS_ATTEMPT") in attempts:
                found.append(process.pid)
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return found


def check(place: Place, tasks: int) -> None:
    """The oracle: the store is whole, every task is in one state, nothing ran twice to the end, nothing is believed without proof."""
    assert recover.verify(place.store) == []
    every = rows(place, "tasks")
    assert len(every) == tasks
    attempts = rows(place, "attempts")
    evidence = rows(place, "evidence")
    for one in every:
        own = [a for a in attempts if a["task"] == one["id"]]
        verified = [a for a in own if a["verdict"] == "verified"]
        assert len(own) <= 3 and len(verified) <= 1
        assert (one["state"] in ("shipped", "accepted")) == bool(verified)
        for a in verified:
            assert a["outcome"] == "finished" and any(e["attempt"] == a["id"] and e["kind"] == "check" and e["ok"] for e in evidence)
        text = (place.home / json.loads(one["content"])["changes"][0]).read_text()
        if verified:
            assert text == "before\nonce\n"


@pytest.mark.parametrize("point", POINTS)
def test_a_night_that_is_killed_is_finished_by_the_next_one(now_place: Place, point: str) -> None:
    """At this point the session dies; the second start ends what was open and does the rest."""
    fill(now_place, 3)
    first = night(now_place, crash=point, brief=point == "brief")
    assert first == -9, f"the point {point} was never passed"
    assert night(now_place, brief=point == "brief") == 0
    check(now_place, 3)
    assert {t["state"] for t in rows(now_place, "tasks")} == {"accepted"}
    assert all(a["ended_at"] is not None for a in rows(now_place, "attempts"))
    assert all(s["closed_at"] is not None for s in rows(now_place, "sessions"))
    assert alive(now_place) == []


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
    assert all(a["ended_at"] is not None for a in rows(now_place, "attempts"))
    assert alive(now_place) == []
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
