"""Faults of single attempts and sessions that need real processes: dead workers, floods, bombs, stopped sessions, jumping clocks, forged approvals."""

import json
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from jarvis_lib import autonomous_queue as queue
from jarvis_lib.autonomous_queue import holding
from jarvis_lib.execution import tree
from jarvis_lib.execution.engine import LocalEngine
from jarvis_lib.execution.sandbox import levels
from jarvis_lib.model.fact import Fact, Refused, new_id
from jarvis_lib.store import recover, spool
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


def test_a_fork_bomb_is_stopped_and_nothing_of_it_lives(shop: Shop) -> None:
    shop.settings(mode="done", processes="processes = 60")
    one = simple(shop, "i=0; while [ $i -lt 3000 ]; do sleep 60 & i=$((i+1)); done; wait")
    begin = time.monotonic()
    shop.night(30)
    last = shop.last(one)
    assert last["outcome"] == "failed" and "more than 60 processes" in last["verdict_why"] and time.monotonic() - begin < 25
    assert tree.tagged([last["id"]]) == []


def test_a_hog_in_a_grandchild_is_ended_and_the_session_lives(shop: Shop) -> None:
    shop.settings(mode="done", memory_gb="memory_gb = 0.3")
    one = simple(shop, "sh -c '{python} -c \"x = bytearray(900_000_000); import time; time.sleep(30)\"'")
    shop.night(25)
    assert shop.last(one)["outcome"] == "failed" and "memory" in shop.last(one)["verdict_why"]


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
