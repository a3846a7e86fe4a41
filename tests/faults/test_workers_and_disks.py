"""Workers that die at each named point, tasks that kill them, and disks that take no more: one ending each, and the night goes on."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from jarvis_lib import autonomous_queue as queue
from jarvis_lib.store import recover, spool
from tests.facts import added, task
from tests.faults import oracle
from tests.faults.nights import ENVIRONMENT, add, attempts_of, program, real, settings, task_of, work
from tests.faults.oracle import fill, rows
from tests.faults.test_full_disk import needs_mount

pytestmark = pytest.mark.faults
needs_strace = pytest.mark.skipif(shutil.which("strace") is None, reason="needs strace, which makes system calls fail")


@pytest.mark.parametrize("point", [f"{step}-{where}" for step in ("baseline", "recipe", "prove") for where in ("begun", "done", "told")])
def test_a_worker_killed_in_any_step_is_one_ending_and_the_next_night_does_the_rest(home: Path, point: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before it says how it ended it has died, and its files are as before; after that, what it said counts."""
    place = settings(home, pass_env='pass_env = ["JARVIS_CRASH_AT"]')
    fill(place, 1)
    monkeypatch.setenv("JARVIS_CRASH_AT", point)
    work(place, seconds=900)
    monkeypatch.delenv("JARVIS_CRASH_AT")
    name = rows(place, "tasks")[0]["id"]
    if point.endswith("-told"):
        assert [a["outcome"] for a in attempts_of(place, name)] == ["finished"]
    else:
        assert [a["outcome"] for a in attempts_of(place, name)] == ["died"]
        assert (home / "out" / "0.md").read_text() == "before\n"
        work(place, seconds=900)
    oracle.check(place, tasks=1)
    assert task_of(place, name)["state"] == "accepted" and (home / "out" / "0.md").read_text() == "before\nonce\n"


@pytest.mark.parametrize("victim", ["worker", "session"])
def test_a_task_that_kills_its_worker_is_parked_and_the_night_goes_on(home: Path, victim: str) -> None:
    """Without a sandbox, which would not let it: it kills its worker, or the session above that, night after night."""
    place = settings(home, own='own = "none"', lanes="lanes = 1")
    line = "kill -9 $PPID; sleep 30" if victim == "worker" else "kill -9 $(ps -o ppid= -p $PPID); sleep 30"
    poison = add(place, "Poison", priority="CRITICAL", command=line, hours=0.001)
    queue.approve(place, poison, now=place.now())
    good = add(place, "Good")
    for _ in range(3):
        night = program(home)
        said, _ = night.communicate(timeout=120)
        assert night.returncode in ((0,) if victim == "worker" else (0, -9)), said
    row = task_of(place, poison)
    assert (row["state"], row["parked_kind"], row["deaths"], len(attempts_of(place, poison))) == ("parked", "deaths", 2, 2)
    assert task_of(place, good)["state"] == "accepted"
    oracle.check(place, tasks=2, told="Poison")


# --- disks -----------------------------------------------------------------------------------------------------------------

FULL = """
import os, sys
from pathlib import Path
from jarvis_lib import autonomous_queue as queue
from tests.faults import oracle
from tests.faults.nights import add, attempts_of, evidence_of, real, task_of, work
home = Path(sys.argv[1])
place = real(home)
greedy = add(place, "Greedy", priority="CRITICAL", command="head -c 60M /dev/zero > {out_dir}/big")
good = add(place, "Good", command="echo well > good.md", checks=["grep -q well good.md"], changes=["good.md"])
work(place)
if sys.argv[2] == "data/attempts":
    for name in (greedy, good):
        (first,) = attempts_of(place, name)
        assert first["outcome"] == "failed", (first, evidence_of(place, name, "exit"))
        assert any(w in s for s in evidence_of(place, name, "exit") for w in ("No space left", "disk is full", "no room")), evidence_of(place, name, "exit")
    next((home / "data" / "attempts").glob("*/out/big")).unlink()
    queue.drop(place, greedy, now=place.now())
    work(place)
assert task_of(place, good)["state"] == "accepted", task_of(place, good)
oracle.check(place, tasks=2)
assert os.statvfs(home / sys.argv[2]).f_blocks < 4096
"""


@needs_mount
@pytest.mark.parametrize("folder", ["data/attempts", "logs", "reports"])
def test_an_attempt_on_a_full_disk_fails_and_the_night_goes_on(home: Path, tmp_path: Path, folder: str) -> None:
    """The folder lies on a small disk of its own that is full: the attempt that needs it fails and says so, the others work, and nothing is half."""
    (home / folder).mkdir(parents=True)
    (tmp_path / "work.py").write_text(FULL)
    full = "true" if folder == "data/attempts" else f"head -c 9M /dev/zero > {home}/{folder}/ballast"
    script = f"mount -t tmpfs -o size=8m x {home}/{folder} && {{ {full} 2>&1 || true; }} && exec {sys.executable} {tmp_path}/work.py {home} {folder}"
    done = subprocess.run(["unshare", "-m", "sh", "-c", script], capture_output=True, text=True, env=ENVIRONMENT, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr


SYNCED = """
import os, sys
from jarvis_lib.model.fact import Refused
from jarvis_lib.workspace import open_workspace
from tests.facts import added, task
place = open_workspace(sys.argv[1], actor="person:test")
for i in range(6):
    fact = added(place, task(f"T{i}"))
    try:
        done = place.store.write(fact)
        word = "ACK" if done[0].refused is None else "NO"
    except Refused as error:
        word = "LATER" if error.code == "busy" else "NO"
        if "is safe and is applied later" in error.sentence:
            word = "LATER"
    os.write(2, f"{word} {fact.data['task']['id']}\\n".encode())
"""


@needs_strace
@pytest.mark.parametrize("when", range(1, 13))
def test_an_fsync_that_fails_is_no_acknowledgement(home: Path, tmp_path: Path, when: int) -> None:
    """From the n-th on every fsync gives EIO: what was acknowledged is there, what was refused is not, and the store is whole."""
    (tmp_path / "work.py").write_text(SYNCED)
    place = real(home)
    place.store.write(added(place, task("Before")))
    inject = f"inject=fsync,fdatasync:error=EIO:when={when}+"
    argv = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=fsync,fdatasync", "-e", inject, sys.executable, str(tmp_path / "work.py"), str(home)]
    done = subprocess.run(argv, capture_output=True, text=True, env=ENVIRONMENT, timeout=60)
    words = [line.split() for line in done.stderr.splitlines() if line.startswith(("ACK", "NO", "LATER"))]
    assert done.returncode == 0 and len(words) == 6, done.stderr
    there = {t["id"] for t in rows(place, "tasks")}
    assert {name for word, name in words if word in ("ACK", "LATER")} <= there
    assert not {name for word, name in words if word == "NO"} & there, words
    assert "ACK" not in [word for word, _ in words[-2:]], "an fsync failed and was called done"
    assert recover.verify(place.store) == [] and spool.pending(home) == []
