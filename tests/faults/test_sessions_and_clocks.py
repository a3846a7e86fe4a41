"""A session that slept past another one, a process number used again, and clocks that jump: nothing is done twice, and nothing is overwritten."""

import json
import os
import signal
import subprocess
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil
import pytest

from jarvis_lib.model.task import task_from_json
from tests.facts import claimed, opened
from tests.faults import oracle
from tests.faults.nights import JARVIS, add, attempts_of, program, real, work
from tests.faults.oracle import fill, rows

pytestmark = pytest.mark.faults


def test_a_session_whose_process_number_is_somebody_elses_now_is_ended_by_facts(home: Path) -> None:
    """Its lock file and its row name a process that lives: another program with that number. The kernel's lock is free, so it died."""
    place = real(home)
    fill(place, 2)
    one = place.fact  # the row of a session that died, with an attempt of the first task open
    name = rows(place, "tasks")[0]
    owner = {"pid": os.getpid(), "started": psutil.Process().create_time() - 5000, "booted": psutil.boot_time(), "host": os.uname().nodename}
    fact = opened(place, "dead", at=place.now())
    place.store.write(one("session.opened", at=fact.at, **(fact.data | {"owner": owner})))
    place.store.write(claimed(place, task_from_json(json.loads(name["content"])), "a-dead", session="dead"))
    (home / "data" / "session.lock").write_text(json.dumps({"pid": os.getpid(), "program": "jarvis overnight start", "since": int(time.time())}))
    night = program(home)
    said, _ = night.communicate(timeout=120)
    assert night.returncode == 0, said
    assert {s["id"]: s["outcome"] for s in rows(place, "sessions")}["dead"] == "died"
    assert [a["outcome"] for a in attempts_of(place, name["id"])] == ["abandoned", "finished"]
    oracle.check(place, tasks=2)


def test_a_session_that_was_stopped_past_its_end_ends_nothing_twice(home: Path) -> None:
    """SIGSTOP in the middle of a task; while it sleeps its lock holds. Then its lock file is removed, another session ends what was open; SIGCONT."""
    place = real(home)
    (home / "one.md").write_text("before\n")
    slow = add(place, "Slow", command="sleep 4; echo once >> one.md", checks=["grep -q once one.md"], changes=["one.md"], hours=0.001)
    first = program(home)
    until = time.monotonic() + 60
    while not [a for a in rows(place, "attempts") if (home / a["place"] / "recipe.spec.json").exists()]:
        assert time.monotonic() < until
        time.sleep(0.05)
    first.send_signal(signal.SIGSTOP)
    busy = subprocess.run([JARVIS, "--home", str(home), "overnight", "start", "--for", "2m", "--no-brief"], capture_output=True, text=True, timeout=60)
    assert busy.returncode == 75 and "running already" in busy.stderr
    (home / "data" / "session.lock").unlink()
    second = program(home)
    said, _ = second.communicate(timeout=120)
    assert second.returncode == 0 and "abandoned" in said, said
    first.send_signal(signal.SIGCONT)
    late, _ = first.communicate(timeout=120)
    assert "another session ended it" in late, late
    assert [a["outcome"] for a in attempts_of(place, slow)] == ["abandoned", "finished"]
    assert (home / "one.md").read_text() == "before\nonce\n"
    oracle.check(place, tasks=1)


@pytest.mark.parametrize("hours", [3.0, -3.0, -496_000.0])
@pytest.mark.parametrize("moment", ["before", "in the middle"])
def test_the_clock_jumps_and_nothing_is_started_twice_or_lasts_less_than_nothing(home: Path, hours: float, moment: str) -> None:
    """Three hours on, three back, and to 1970: while a task runs, and between two tasks."""
    flag, jumps = home / "jumped.md", [hours]

    def clock() -> datetime:
        now = datetime.now(UTC)
        return now + timedelta(hours=hours) if jumps and flag.exists() else now

    place = real(home, clock)
    line = f"touch {flag}; sleep 1; echo done > one.md" if moment == "in the middle" else "sleep 1; echo done > one.md"
    add(place, "One", command=line, checks=["grep -q done one.md"], changes=["one.md", "jumped.md"], priority="CRITICAL", hours=0.001)
    add(place, "Two", command="echo done > two.md", checks=["grep -q done two.md"], changes=["two.md"], hours=0.001)
    if moment == "before":
        work(place, seconds=300)
        add(place, "Three", hours=0.001)
        flag.touch()
    work(place, seconds=300)
    for a in rows(place, "attempts"):
        assert a["seconds"] is None or 0 <= a["seconds"] < 60, a
    jumps.clear()
    work(place, seconds=300)
    oracle.check(place)
    assert {t["title"]: t["state"] for t in rows(place, "tasks")} == {t["title"]: "accepted" for t in rows(place, "tasks")}
