"""Faults of machines and tasks, with real sessions and real workers: each ends as it should, and one oracle looks at what is left."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil
import pytest

from jarvis_lib import autonomous_queue as queue
from jarvis_lib.autonomous_queue import holding
from jarvis_lib.store import journal, recover, spool
from jarvis_lib.store.place import Place
from tests.facts import added, claimed, opened, task
from tests.faults import oracle
from tests.faults.nights import ROOT, add, attempts_of, evidence_of, program, real, task_of, work
from tests.faults.oracle import fill, roomy, rows
from tests.faults.test_full_disk import needs_mount

pytestmark = pytest.mark.faults
ENVIRONMENT = {"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin:/usr/sbin:/sbin", "HOME": "/root"}
needs_strace = pytest.mark.skipif(shutil.which("strace") is None, reason="needs strace, which makes system calls fail")
JARVIS = str(Path(sys.executable).with_name("jarvis"))
NO_SANDBOX = holding.Held("none", False, "no sandbox")


def settings(home: Path, **lines: str) -> Place:
    (home / "jarvis.toml").write_text(roomy(**lines))
    return real(home)


# --- F01, F20: workers that die -----------------------------------------------------------------------------------------------


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


# --- F05: the journal's tail --------------------------------------------------------------------------------------------------


def test_a_tail_that_was_cut_off_is_seen_by_the_hash_that_a_brief_printed(home: Path) -> None:
    """Whole batches are gone from journal, database and snapshots, so that all agree with each other; the printed hash does not."""
    place = real(home)
    add(place, "One")
    before = {p: p.read_bytes() for p in journal.files(home)}
    add(place, "Two")
    printed = recover.newest(place.store)[1][:16]
    assert recover.verify(place.store, head=printed) == []
    for path, data in before.items():
        path.write_bytes(data)
    for path in (home / "data").glob("*.duckdb*"):
        path.unlink()
    assert recover.verify(place.store) == []
    assert "cut off or changed" in recover.verify(place.store, head=printed)[0]
    done = subprocess.run([JARVIS, "--home", str(home), "store", "verify", "--head", printed], capture_output=True, text=True)
    assert done.returncode != 0 and printed in done.stdout + done.stderr


# --- F07, F08: disks ----------------------------------------------------------------------------------------------------------

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


# --- F11, F12, F13: whose session is it, and what time -------------------------------------------------------------------------


def test_a_session_whose_process_number_is_somebody_elses_now_is_ended_by_facts(home: Path) -> None:
    """Its lock file and its row name a process that lives: another program with that number. The kernel's lock is free, so it died."""
    place = real(home)
    fill(place, 2)
    one = place.fact  # the row of a session that died, with an attempt of the first task open
    name = rows(place, "tasks")[0]
    owner = {"pid": os.getpid(), "started": psutil.Process().create_time() - 5000, "booted": psutil.boot_time(), "host": os.uname().nodename}
    fact = opened(place, "dead", at=place.now())
    place.store.write(one("session.opened", at=fact.at, **(fact.data | {"owner": owner})))
    from jarvis_lib.model.task import task_from_json

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
    flag = home / "jumped.md"

    def clock() -> datetime:
        now = datetime.now(UTC)
        return now + timedelta(hours=hours) if flag.exists() else now

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
    flag.unlink(missing_ok=True)
    work(place, seconds=300)
    oracle.check(place)
    assert {t["title"]: t["state"] for t in rows(place, "tasks")} == {t["title"]: "accepted" for t in rows(place, "tasks")}


# --- F16, F18, F19: what a task does to the machine -----------------------------------------------------------------------------

BOMB = "import os, time\nfor i in range(12):\n    os.fork()\ntime.sleep(60)\n"
TREES = {
    "double fork": f"{sys.executable} -c 'import os,time\nif os.fork() == 0:\n os.setsid()\n if os.fork() == 0:\n  time.sleep(600)\n os._exit(0)'",
    "setsid, TERM ignored": "setsid sh -c 'trap \"\" TERM INT HUP; while :; do sleep 1; done' >/dev/null 2>&1 &",
    "nohup": "nohup sleep 600 >/dev/null 2>&1 &",
    "disown": "bash -c 'sleep 600 & disown -a'",
    "its environment cleaned": "env -i setsid sleep 600 >/dev/null 2>&1 &",
}


def test_a_fork_bomb_is_stopped_and_the_next_task_runs(home: Path) -> None:
    """Twelve forks of forks make 4,096 processes; the attempt may have sixty."""
    place = settings(home, processes="processes = 60")
    (home / "bomb.py").write_text(BOMB)
    bomb = add(place, "Bomb", command="{python} bomb.py", priority="CRITICAL", hours=0.001)
    good = add(place, "Good")
    begin = time.monotonic()
    work(place)
    assert time.monotonic() - begin < 60
    (ended,) = attempts_of(place, bomb)
    assert ended["outcome"] == "failed" and "processes" in " ".join(evidence_of(place, bomb, "exit")), evidence_of(place, bomb, "exit")
    assert task_of(place, good)["state"] == "accepted"
    assert _running("bomb.py") == []
    oracle.check(place, tasks=2)


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


def test_a_hog_in_a_grandchild_is_ended_and_the_session_lives(home: Path) -> None:
    """The child of a child takes 600 MB where the attempt may have 200."""
    place = settings(home, memory_gb="memory_gb = 0.2")
    (home / "hog.py").write_text("import os, time\nif os.fork() == 0:\n    kept = b'x' * 600_000_000\n    time.sleep(60)\nelse:\n    os.wait()\n")
    hog = add(place, "Hog", command="sh -c '{python} hog.py; true'", priority="CRITICAL", hours=0.001)
    good = add(place, "Good")
    work(place)
    (ended,) = attempts_of(place, hog)
    assert ended["outcome"] == "failed" and "memory" in " ".join(evidence_of(place, hog, "exit"))
    assert task_of(place, good)["state"] == "accepted" and _running("hog.py") == []
    oracle.check(place, tasks=2)
