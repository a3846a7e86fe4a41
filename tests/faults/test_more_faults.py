"""Faults of single attempts and sessions that need real processes: dead workers, floods, bombs, stopped sessions, jumping clocks, forged approvals."""

import json
import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psutil
import pytest

from jarvis_lib import autonomous_queue as queue
from jarvis_lib.autonomous_queue import holding, loop
from jarvis_lib.execution import tree
from jarvis_lib.execution.engine import Handle, LocalEngine
from jarvis_lib.execution.results import Result
from jarvis_lib.execution.sandbox import levels
from jarvis_lib.model.fact import Fact, Refused, new_id
from jarvis_lib.store import recover, spool
from jarvis_lib.store.lock import owner
from jarvis_lib.workspace import open_workspace
from tests.facts import opened
from tests.shop import Shop

pytestmark = pytest.mark.faults
ROOT = Path(__file__).parents[2]
needs_strict = pytest.mark.skipif(bool(levels.machine().strict_why), reason=f"needs the strict sandbox: {levels.machine().strict_why}")


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path)


def simple(shop: Shop, command: str = "echo once >> out.txt", **more: Any) -> str:
    """A task of the person's own in the workspace."""
    own: dict[str, Any] = {"agent": None, "repo": None, "command": command, "changes": ["out.txt"], "checks": ["test -s out.txt"]} | more
    return shop.add("Write", "", "Documentation", **own)


class Killer(LocalEngine):
    """Kills the worker of one step, the first so many times."""

    def __init__(self, step: str, times: int) -> None:
        super().__init__()
        self.step, self.times = step, times

    def submit(self, spec: dict[str, Any]) -> Handle:
        handle = super().submit(spec)
        if spec["step"] == self.step and self.times:
            self.times -= 1
            os.kill(handle.process.pid, signal.SIGKILL)
        return handle

    def poll(self, handle: Handle) -> Result | None:
        return super().poll(handle)


@pytest.mark.parametrize("step", ["baseline", "recipe", "prove"])
def test_a_worker_killed_in_any_step_ends_its_attempt_as_died_and_the_next_one_does_it(step: str, shop: Shop) -> None:
    """Nothing is half: the file holds one line, from the attempt that was verified."""
    one = simple(shop)
    shop.night(20, engine=Killer(step, 1))
    first = shop.last(one)
    assert first["outcome"] == "died" and not (shop.home / "out.txt").exists() and shop.state(one) == "queued"
    shop.night(20)
    assert shop.state(one) in ("shipped", "accepted") and (shop.home / "out.txt").read_text() == "once\n"
    assert recover.verify(shop.place.store) == []


def test_a_task_that_kills_its_worker_is_parked_after_the_second_time_and_the_night_goes_on(shop: Shop) -> None:
    """Twice its worker is killed; the other task of the second night is done all the same."""
    killer = simple(shop)
    shop.night(20, engine=Killer("recipe", 1))
    assert shop.state(killer) == "queued"
    other = shop.add("Other", "", "Documentation", agent=None, repo=None, command="echo once > other.txt", changes=["other.txt"], checks=["test -s other.txt"])
    shop.night(20, engine=Killer("recipe", 1))
    assert shop.state(killer) == "parked" and shop.show(killer)["task"]["parked_kind"] == "deaths"
    assert shop.state(other) in ("shipped", "accepted")


def test_a_fork_bomb_is_stopped_and_nothing_of_it_lives(shop: Shop) -> None:
    shop.settings(mode="done", processes="processes = 60")
    one = simple(shop, "i=0; while [ $i -lt 3000 ]; do sleep 60 & i=$((i+1)); done; wait")
    begin = time.monotonic()
    shop.night(30)
    last = shop.last(one)
    assert last["outcome"] == "failed" and "more than 60 processes" in last["verdict_why"] and time.monotonic() - begin < 25
    assert tree.tagged([last["id"]]) == []


def test_a_gigabyte_on_one_line_cost_no_memory_and_little_disk(shop: Shop) -> None:
    one = simple(shop, "head -c 1000000000 /dev/zero | tr '\\0' y; printf '\\033]0;evil\\007\\n'; echo once > out.txt")
    shop.night(60)
    log = shop.home / shop.last(one)["log"]
    assert shop.state(one) in ("shipped", "accepted") and log.stat().st_size < 9 * 1024**2 and "\033" not in shop.last(one)["tail"]


def test_a_hog_in_a_grandchild_is_ended_and_the_session_lives(shop: Shop) -> None:
    shop.settings(mode="done", memory_gb="memory_gb = 0.3")
    one = simple(shop, "sh -c '{python} -c \"x = bytearray(900_000_000); import time; time.sleep(30)\"'")
    shop.night(25)
    assert shop.last(one)["outcome"] == "failed" and "memory" in shop.last(one)["verdict_why"]


def test_a_session_that_was_stopped_and_goes_on_after_another_one_cannot_write_its_ending(shop: Shop) -> None:
    """SIGSTOP for a machine that sleeps: the second session closes the first; the first one's late facts are refused by their fence."""
    one = simple(shop, "sleep 6; echo once >> out.txt")
    program = (
        "from tests.shop import Shop; import sys; s = object.__new__(Shop); from pathlib import Path; s.home = Path(sys.argv[1]); s.sessions = 0; s.night(40)"
    )
    first = subprocess.Popen([sys.executable, "-c", program, str(shop.home)], cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    until = time.monotonic() + 30
    while not shop.show(one)["attempts"]:
        assert time.monotonic() < until
        time.sleep(0.2)
    first.send_signal(signal.SIGSTOP)
    place = shop.place
    said = queue.close_dead(place, now=place.now())
    assert any("abandoned" in s for s in said)
    before = shop.last(one)
    first.send_signal(signal.SIGCONT)
    first.wait(60)
    after = next(a for a in shop.show(one)["attempts"] if a["id"] == before["id"])
    assert (after["outcome"], after["verdict"], after["ended_at"]) == ("abandoned", "none", before["ended_at"])
    assert recover.verify(shop.place.store) == [] and tree.tagged([before["id"]]) == []


@pytest.mark.parametrize("jump", [timedelta(hours=3), timedelta(hours=-3), timedelta(days=-20000)], ids=["ahead", "back", "to 1970"])
def test_the_clock_jumps_in_the_middle_of_a_task_and_everything_still_has_one_ending(jump: timedelta, shop: Shop) -> None:
    one = simple(shop, "sleep 1.5; echo once >> out.txt")
    begin = time.monotonic()

    def clock() -> datetime:
        now = datetime.now(UTC)
        return now + jump if time.monotonic() - begin > 1.5 else now

    place = open_workspace(shop.home, clock=clock, actor="person:test")
    now = place.now()
    place.store.write(opened(place, "jump", at=now))
    held = holding.look(place, now=now)
    own = loop.Session("jump", now + timedelta(seconds=20), now + timedelta(seconds=40), 1, 7, held=held)
    loop.work(place, own, engine=LocalEngine())
    attempts = shop.show(one)["attempts"]
    assert len(attempts) == 1 and attempts[0]["outcome"] in ("finished", "timed_out") and (attempts[0]["seconds"] or 0) >= 0
    assert tree.tagged([attempts[0]["id"]]) == [] and recover.verify(shop.place.store) == []


def test_a_session_whose_process_number_is_used_again_is_closed_by_facts_and_not_by_its_number(shop: Shop) -> None:
    """The record names a living process of that number that is not the session: nothing holds the lock, so it is dead."""
    place = shop.place
    place.store.write(opened(place, "old", at=place.now() - timedelta(hours=1)))
    (shop.home / "data" / "session.lock").write_text(json.dumps({"pid": os.getppid(), "host": os.uname().nodename}))
    assert any("had died" in line for line in queue.close_dead(place, now=place.now())) and psutil.pid_exists(os.getppid())
    assert owner(shop.home / "data" / "session.lock") is not None


def test_a_task_cannot_approve_itself_by_any_way(shop: Shop) -> None:
    """By the command line from inside, by a fact in the spool, by an old approval for new content."""
    jarvis = str(Path(sys.executable).with_name("jarvis"))
    waits = shop.add("New button", "", "New features", agent=None, repo=None, command="true", checks=["true"])
    assert shop.state(waits) == "parked"
    inside = simple(shop, f"{jarvis} --home {shop.home} approve {waits}; echo once > out.txt")
    shop.night(20)
    assert shop.state(waits) == "parked" and shop.state(inside) in ("shipped", "accepted")
    row = shop.show(waits)["task"]
    for actor in ("session:s1", "task:x", "policy", "agent:codex"):
        spool.put(shop.home, Fact(new_id(16), datetime.now(UTC), actor, "task.approved", {"task": waits, "content_hash": row["content_hash"]}))
    assert shop.state(waits) == "parked"
    old = row["content_hash"]
    queue.edit(shop.place, waits, now=shop.place.now(), command="false")
    with pytest.raises(Refused):
        shop.place.store.write(shop.place.fact("task.approved", task=waits, content_hash=old))
    assert shop.state(waits) == "parked"


@pytest.mark.parametrize("title", ["$(touch evil)", "`touch evil`", "; rm -rf ~", "-rf", "--upload-pack=touch evil", "a\nb", "a'b\"c", "../../x"])
def test_words_of_the_shell_stay_words_in_titles_and_parameters(title: str, shop: Shop) -> None:
    one = shop.add(title, title, agent=None, command="sed -i 's/int(/round(/' total.py", checks=["true"])
    shop.night(25)
    escalated = shop.state(one) == "parked"  # the word alone stops it: it is read as a danger before it could be one
    assert (escalated or shop.last(one)["outcome"] == "finished") and not list(shop.home.rglob("evil")) and not list(shop.repo.rglob("evil"))


def test_an_attempt_on_a_full_disk_fails_and_the_night_goes_on(shop: Shop) -> None:
    """No file may grow beyond a megabyte: the attempt says so, the next one is not touched."""
    shop.settings(mode="done", file_gb="file_gb = 0.001")
    big = simple(shop, "head -c 30000000 /dev/zero > big.bin", changes=["big.bin"], checks=["test -s big.bin"])
    small = simple(shop)
    shop.night(25)
    assert shop.last(big)["outcome"] == "failed" and shop.state(small) in ("shipped", "accepted")
    assert not (shop.home / "big.bin").exists() or (shop.home / "big.bin").stat().st_size <= 1.1 * 1024**2


def test_an_fsync_that_fails_is_no_acknowledgement(shop: Shop) -> None:
    """The third fdatasync or fsync gives EIO, as a dying disk does: the command says so and exits with an error, and nothing is half."""
    if not any((Path(p) / "strace").exists() for p in os.environ["PATH"].split(":")):
        pytest.skip("strace is not installed")
    jarvis = str(Path(sys.executable).with_name("jarvis"))
    argv = [jarvis, "--home", str(shop.home), "add", "Write", "", "1", "Documentation", "LOW", "--command", "true"]
    done = subprocess.run(
        ["strace", "-f", "-qq", "-o", os.devnull, "-e", "inject=fsync,fdatasync:error=EIO:when=1", *argv], capture_output=True, text=True, check=False
    )
    if "ptrace" in done.stderr.lower() and "not permitted" in done.stderr.lower():
        pytest.skip("strace may not trace here")
    assert done.returncode != 0 and "Added" not in done.stdout and "Traceback" not in done.stderr
    assert queue.listing(shop.place, now=shop.place.now()) == [] or all(r["title"] != "Write" for r in queue.listing(shop.place, now=shop.place.now()))


def test_a_tail_that_was_cut_off_is_seen_by_the_hash_that_a_brief_printed(shop: Shop) -> None:
    simple(shop)
    shop.state(simple(shop, "true", changes=[], checks=[]))
    _, head = recover.newest(shop.place.store)
    assert recover.verify(shop.place.store, head=head[:16]) == []
    journal = sorted((shop.home / "data" / "journal").glob("*.jsonl"))[-1]
    lines = journal.read_bytes().splitlines(keepends=True)
    first_batch = json.loads(lines[0])
    keep = [line for line in lines if json.loads(line).get("batch") == first_batch.get("batch")]
    assert len(keep) < len(lines)
    journal.write_bytes(b"".join(keep))
    for file in (shop.home / "data").glob("jarvis.duckdb*"):
        file.unlink()
    wrong = recover.verify(shop.place.store, head=head[:16])
    assert any("not in the chain" in w for w in wrong)


def test_deep_and_huge_files_are_refused_or_capped(shop: Shop) -> None:
    (shop.home / "notebooks").mkdir(exist_ok=True)
    (shop.home / "notebooks" / "deep.ipynb").write_text("[" * 100_000)
    with pytest.raises(Refused):
        shop.add("Deep", "", "Documentation", agent=None, repo=None, notebook="notebooks/deep.ipynb", checks=[])
    jarvis = str(Path(sys.executable).with_name("jarvis"))
    argv = [jarvis, "--home", str(shop.home), "add", "Write", "x" * 30_000, "1", "Documentation", "LOW"]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.returncode == 2 and done.stderr.count("\n") == 1


def test_what_one_task_leaves_behind_does_not_touch_the_next(shop: Shop) -> None:
    """Ten thousand files in the temp folder, files in shared memory, an unfinished daemon: the next attempt sees none of it."""
    shop.settings(mode="done", lanes="lanes = 1")
    simple(shop, 'cd "$TMPDIR" && i=0; while [ $i -lt 2000 ]; do : > f$i; i=$((i+1)); done; (setsid sleep 300 &)', changes=[], checks=["true"])
    two = simple(shop, 'ls "$TMPDIR" | wc -l > out.txt; ls /dev/shm | wc -l >> out.txt', checks=["test -s out.txt"])
    shop.night(40)
    shown = (shop.home / "out.txt").read_text().split()
    assert shop.state(two) in ("shipped", "accepted") and int(shown[0]) < 50
    assert not list((shop.home / "data" / "attempts").glob("*/tmp"))


@needs_strict
def test_without_a_sandbox_no_agent_runs_and_own_commands_go_on_and_it_is_told(shop: Shop) -> None:
    agent, own = shop.add(), simple(shop)
    fallen = holding.Held(
        "none", False, "no sandbox", "The strict sandbox does not hold here (bubblewrap is not installed), so no agents and no proposals are run."
    )
    place = shop.place
    now = place.now()
    place.store.write(opened(place, "bare", at=now))
    tally = queue.work(place, queue.Session("bare", now + timedelta(seconds=20), now + timedelta(seconds=40), 3, 7, held=fallen), engine=LocalEngine())
    assert shop.state(agent) == "queued" and shop.show(agent)["attempts"] == [] and "strictly sandboxed or not at all" in tally.passed_over[agent]
    assert shop.state(own) in ("shipped", "accepted") and "no sandbox" in shop.said(own, "isolation")[0]
