"""Processes that run away from their attempt, and output without end: whatever way they take, they are gone before the next task starts."""

import json
import os
import sys
from pathlib import Path

import psutil
import pytest

from jarvis_lib import autonomous_queue as queue
from tests.faults import oracle
from tests.faults.nights import add, attempts_of, evidence_of, real, settings, task_of, work

pytestmark = pytest.mark.faults


TREES = {
    "double fork": f"{sys.executable} -c 'import os,time\nif os.fork() == 0:\n os.setsid()\n if os.fork() == 0:\n  time.sleep(600)\n os._exit(0)'",
    "setsid, TERM ignored": "setsid sh -c 'trap \"\" TERM INT HUP; while :; do sleep 1; done' >/dev/null 2>&1 &",
    "nohup": "nohup sleep 600 >/dev/null 2>&1 &",
    "disown": "bash -c 'sleep 600 & disown -a'",
    "its environment cleaned": "env -i setsid sleep 600 >/dev/null 2>&1 &",
}


def _running(word: str) -> list[int]:
    found = []
    for process in psutil.process_iter():
        try:
            if word in process.cmdline() and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process.pid)
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return found


@pytest.mark.parametrize("level", ["best", "none"])
@pytest.mark.parametrize("how", TREES)
def test_a_tree_that_runs_away_is_dead_before_the_next_task(home: Path, how: str, level: str) -> None:
    """Whatever way it leaves its parent: at the end of the attempt it is gone, with a sandbox and without."""
    place = settings(home, own=f'own = "{level}"', grace_seconds="grace_seconds = 0.5")
    odd = 600 + os.getpid() % 300 + len(how) / 100
    (home / "run.sh").write_text(TREES[how].replace("600", f"{odd:.2f}") + "\nsleep 0.3\n")
    task = add(place, "Runaway", command="bash run.sh", hours=0.001)
    if task_of(place, task)["state"] == "parked":
        queue.approve(place, task, now=place.now())
    work(place)
    assert [a["outcome"] for a in attempts_of(place, task)] == ["finished"], evidence_of(place, task, "exit")
    assert _running(f"{odd:.2f}") == []
    oracle.check(place, tasks=1, untouched=oracle.marks(home / "jarvis.toml"), tops=[home / "jarvis.toml"])


def test_two_gigabytes_on_one_line_do_not_fill_the_disk_or_the_memory(home: Path) -> None:
    """Zeros, no line end: head and tail are kept, the rest is counted, and the worker stays small."""
    place = real(home)
    task = add(place, "Flood", command="head -c 2G /dev/zero", hours=0.002)
    work(place)
    (attempt,) = attempts_of(place, task)
    assert attempt["outcome"] == "finished"
    log = home / attempt["log"]
    assert log.stat().st_size < 9 * 1024 * 1024
    (detail,) = [json.loads(e["detail"]) for e in queue.show(place, task)["evidence"] if e["kind"] == "isolation"]
    assert detail["output_total"] == 2 * 1024**3 and detail["output_left_out"] > 2 * 1024**3 - 9 * 1024**2
    oracle.check(place, tasks=1)
