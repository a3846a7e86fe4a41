"""Recipes on a cluster: several worker processes on loopback, one killed, one cut off; every attempt has one ending, and verdicts are those of one machine."""

import gzip
import os
import signal
import tarfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from jarvis_lib import autonomous_queue as queue
from jarvis_lib.execution.cluster import local as cluster
from jarvis_lib.execution.cluster import packing
from jarvis_lib.execution.cluster.connect import connected, heard
from jarvis_lib.execution.cluster.engine import DaskEngine, resources
from jarvis_lib.execution.sandbox import levels
from jarvis_lib.model.fact import Refused
from tests.execution_parts import PATIENCE_S, Bench, gone
from tests.facts import task
from tests.shop import Shop, git

pytest.importorskip("distributed", reason="the package distributed is not installed")
from jarvis_lib.model.task import Check, Recipe  # after the look for the package

pytestmark = pytest.mark.long
needs_strict = pytest.mark.skipif(bool(levels.machine().strict_why), reason=f"needs the strict sandbox: {levels.machine().strict_why}")


@dataclass
class Three:
    """The scheduler's address, the process numbers (the scheduler's first), the TLS files."""

    address: str
    pids: list[int]
    keys: dict[str, str]


@pytest.fixture
def three(tmp_path: Path) -> Iterator[Three]:
    """A scheduler and three workers of their own."""
    home = tmp_path / "machines"
    (home / "data").mkdir(parents=True)
    said = cluster.up(home, workers=3)
    address = said.split(" at ")[1].split(". ")[0]
    pids = cluster.alive(home)
    until = time.monotonic() + 30
    keys = cluster.keys_of(home)
    while len(cluster.status(home, address, keys)) < 3:
        assert time.monotonic() < until
        time.sleep(0.1)
    yield Three(address, pids, keys)
    for pid in pids:
        try:
            os.kill(pid, signal.SIGCONT)
        except ProcessLookupError:
            continue
    cluster.down(home)


def command(line: str, **more: Any) -> Any:
    return task(recipe=Recipe("command", shell=line), **more)


def wait(engine: DaskEngine, handle: Any) -> dict[str, Any]:
    until = time.monotonic() + PATIENCE_S * 2
    while (result := engine.poll(handle)) is None:
        assert time.monotonic() < until
        time.sleep(0.02)
    return result


def test_needs_are_resources() -> None:
    assert resources(["gpu=1", "memory=8GB", "tag:big"]) == {"gpu": 1.0, "memory": 8e9, "tag:big": 0.001}


@pytest.mark.long
def test_a_scheduler_that_is_not_there_is_refused_with_one_sentence() -> None:
    with pytest.raises(Refused, match="does not answer"):
        DaskEngine("tcp://127.0.0.1:9")


def test_declared_files_travel_and_come_back_and_others_do_not(home: Path, three: Three) -> None:
    (home / "in.txt").write_text("three\n")
    (home / "secret.txt").write_text("stay here")
    bench = Bench(home)
    engine = DaskEngine(three.address, three.keys)
    one = command("cat in.txt in.txt > out.txt; ls > {out_dir}/seen.txt; echo changed >> in.txt", changes=("in.txt", "out.txt"))
    result = wait(engine, engine.submit(bench.spec(one)))
    assert result["outcome"] == "finished" and (home / "out.txt").read_text() == "three\nthree\n" and (home / "in.txt").read_text() == "three\nchanged\n"
    assert "secret.txt" not in (bench.folder / "out" / "seen.txt").read_text() and Path(result["log"]).exists()
    engine.close()


def test_a_need_that_no_machine_has_is_told_at_once(home: Path, three: Three) -> None:
    engine = DaskEngine(three.address, three.keys)
    begin = time.monotonic()
    result = wait(engine, engine.submit(Bench(home).spec(command("true", needs=("gpu=1",)))))
    assert result["outcome"] == "failed" and "gpu=1" in result["said"] and time.monotonic() - begin < 5
    engine.close()


def test_a_stop_ends_the_process_on_the_other_side(home: Path, three: Three) -> None:
    engine = DaskEngine(three.address, three.keys)
    handle = engine.submit(Bench(home).spec(command("echo started; sleep 600")))
    time.sleep(2)
    engine.stop(handle, "timed_out")
    assert wait(engine, handle)["outcome"] == "timed_out"
    engine.close()


def test_while_those_that_can_are_silent_it_waits_and_is_lost_only_after_a_while(home: Path, three: Three) -> None:
    """A need that nobody has is a failure; machines that are silent for a moment (a busy hour, a sleeping network) are not."""
    engine = DaskEngine(three.address, three.keys, cut_off_s=4)
    for pid in three.pids[1:]:
        os.kill(pid, signal.SIGSTOP)
    until = time.monotonic() + PATIENCE_S
    while min(one["heard_s"] for one in cluster.status(home, three.address, three.keys)) <= 4:
        assert time.monotonic() < until
        time.sleep(0.1)
    gone_off = engine.submit(Bench(home).spec(command("true")))
    stopped = engine.submit(Bench(home).spec(command("true")))
    engine.stop(stopped, "stopped")
    assert wait(engine, stopped)["outcome"] == "stopped"
    lost = wait(engine, gone_off)
    assert lost["outcome"] == "died" and "none was heard of for 4 s" in lost["said"]
    again = engine.submit(Bench(home).spec(command("true")))
    assert engine.poll(again) is None
    for pid in three.pids[1:]:
        os.kill(pid, signal.SIGCONT)
    assert wait(engine, again)["outcome"] == "finished"
    engine.close()


@pytest.mark.long
def test_a_vanished_scheduler_leaves_nothing_without_an_ending(home: Path, three: Three) -> None:
    engine = DaskEngine(three.address, three.keys)
    handle = engine.submit(Bench(home).spec(command("sleep 600")))
    time.sleep(1)
    os.kill(three.pids[0], signal.SIGKILL)
    result = wait(engine, handle)
    assert result["outcome"] == "died" and "lost" in result["said"]
    engine.close()


@pytest.mark.long
def test_twenty_tasks_over_three_workers_one_killed_one_cut_off(home: Path, three: Three) -> None:
    """20 endings, none twice, and the verdicts of what ended are those of the local engine; what was lost ends as died."""
    engine = DaskEngine(three.address, three.keys, cut_off_s=6)
    ended: dict[int, dict[str, Any]] = {}
    started: dict[int, int] = {}

    def one(n: int) -> Any:
        line = f"sleep 0.4; test {n % 5} -ne 4 && echo {n} > out-{n}.txt"
        return command(line, changes=(f"out-{n}.txt",), checks=(Check(f"test -s out-{n}.txt"),))

    benches = {n: Bench(home) for n in range(20)}
    handles = {n: engine.submit(benches[n].spec(one(n))) for n in range(20)}
    for n in handles:
        started[n] = 1
    time.sleep(2)
    os.kill(three.pids[1], signal.SIGKILL)
    os.kill(three.pids[2], signal.SIGSTOP)
    until = time.monotonic() + 90
    while len(ended) < 20:
        assert time.monotonic() < until, sorted(set(range(20)) - set(ended))
        for n, handle in handles.items():
            result = engine.poll(handle)
            if result is not None and n not in ended:
                if result["outcome"] == "died" and started[n] < 3:  # what the session does: another attempt
                    started[n] += 1
                    benches[n] = Bench(home)
                    handles[n] = engine.submit(benches[n].spec(one(n)))
                    break
                ended[n] = result
        time.sleep(0.02)
    assert sum(started.values()) > 20
    for n, result in ended.items():
        assert result["outcome"] == ("failed" if n % 5 == 4 else "finished"), (n, result["said"])
        assert (home / f"out-{n}.txt").exists() == (n % 5 != 4)
        local = Bench(home).run(one(n))
        assert local["outcome"] == result["outcome"]
    os.kill(three.pids[2], signal.SIGCONT)
    engine.close()


@pytest.mark.long
def test_a_session_has_twenty_endings_and_the_verdicts_of_one_machine(tmp_path: Path, three: Three) -> None:
    """Three lanes over three machines, one killed and one cut off while they work; then the same twenty tasks on this machine."""
    found = {}
    for name in ("cluster", "here"):
        shop = Shop(tmp_path / name)
        shop.settings(mode="done")
        ids = {}
        for n in range(20):
            own = {"agent": None, "repo": None, "changes": [f"out-{n}.txt"]}
            line = f"sleep 0.7; test {n % 5} -ne 4 && echo {n} > out-{n}.txt"
            check = f"test -s out-{n}.txt" if n % 4 else "false"
            ids[shop.add(f"Write {n}", "", "Documentation", command=line, checks=[check], **own)] = n
        if name == "cluster":
            breaker = threading.Timer(8, lambda: (os.kill(three.pids[1], signal.SIGKILL), os.kill(three.pids[2], signal.SIGSTOP)))
            breaker.start()
            shop.night(200, engine=DaskEngine(three.address, three.keys, cut_off_s=4))
            breaker.join()
            died = [task for task in ids if shop.last(task)["outcome"] == "died"]
            assert died and all(shop.state(task) == "queued" for task in died), "what was lost with its machine goes back, and the session is over for it"
            shop.night(60, engine=DaskEngine(three.address, three.keys, cut_off_s=4))
        else:
            shop.night(120)
        attempts = {n: shop.show(task)["attempts"] for task, n in ids.items()}
        assert all(sum(a["outcome"] == "died" for a in own) <= 1 for own in attempts.values())
        assert all(a["outcome"] for own in attempts.values() for a in own), "an attempt without an ending"
        found[name] = {n: {(a["outcome"], a["verdict"]) for a in own if a["outcome"] != "died"} for n, own in attempts.items()}
        if name == "cluster":
            assert sorted(p.name for p in shop.home.glob("out-*.txt")) == sorted(f"out-{n}.txt" for n in range(20) if n % 5 != 4 and n % 4)
    assert found["cluster"] == found["here"] and all(len(ended) == 1 for ended in found["here"].values()) and len(found["here"]) == 20


def test_a_stranger_of_this_machine_reaches_no_scheduler(three: Three, tmp_path: Path) -> None:
    """Without a key, with another key, without TLS: nobody runs programs on the workers who could not read the key's file."""
    key = Path(three.keys["key"])
    assert key.stat().st_mode & 0o077 == 0 and key.parent.stat().st_mode & 0o077 == 0
    other = cluster._keys(tmp_path)
    for address, keys in (
        (three.address, None),
        (three.address, {"ca": three.keys["ca"]}),
        (three.address, other),
        (three.address, other | {"ca": three.keys["ca"]}),
        (three.address.replace("tls://", "tcp://"), None),
    ):
        with pytest.raises(Refused, match=r"lacks|does not answer"):
            connected(address, keys)


def started(tmp_path: Path, engine: DaskEngine, home: Path) -> tuple[Any, int, int]:
    """A task whose process has left its session, its environment and its manners; the handle, its number, the number of its worker program."""
    child, program = tmp_path / "child", tmp_path / "program"
    line = f"echo $PPID > {program}; setsid env -i sh -c 'trap \"\" TERM HUP INT; echo $$ > {child}; while :; do sleep 1; done' & sleep 600"
    handle = engine.submit(Bench(home).spec(command(line)))
    until = time.monotonic() + PATIENCE_S
    while engine.poll(handle) is None and not (child.exists() and child.read_text().strip()):
        assert time.monotonic() < until
        time.sleep(0.02)
    return handle, int(child.read_text()), int(program.read_text())


@pytest.mark.long
def test_a_stop_and_a_dead_machine_leave_no_process_on_the_other_side(home: Path, three: Three, tmp_path: Path) -> None:
    """A stop that is heard, a stop of a worker program that hears nothing, and a machine's own worker that is killed."""
    engine = DaskEngine(three.address, three.keys, cut_off_s=4)
    for name in ("heard", "deaf"):
        (tmp_path / name).mkdir()
        handle, child, program = started(tmp_path / name, engine, home)
        if name == "deaf":
            os.kill(program, signal.SIGSTOP)
        engine.stop(handle, "timed_out")
        assert wait(engine, handle)["outcome"] == "timed_out" and gone(child) and gone(program), name
    handle, child, program = started(tmp_path, engine, home)
    for pid in three.pids[1:]:
        os.kill(pid, signal.SIGKILL)
    assert wait(engine, handle)["outcome"] == "died" and gone(child) and gone(program)
    engine.close()


def test_a_scheduler_without_workers_is_told_at_once(home: Path, three: Three) -> None:
    engine = DaskEngine(three.address, three.keys, cut_off_s=2)
    for pid in three.pids[1:]:
        os.kill(pid, signal.SIGKILL)
    until = time.monotonic() + PATIENCE_S
    while cluster.status(home, three.address, three.keys):
        assert time.monotonic() < until
        time.sleep(0.1)
    begin = time.monotonic()
    result = wait(engine, engine.submit(Bench(home).spec(command("true"))))
    assert result["outcome"] == "failed" and result["said"] == "The cluster has no machine." and time.monotonic() - begin < 5
    engine.close()


def test_the_clock_of_the_scheduler_counts_and_not_ours() -> None:
    class Ahead:
        def run_on_scheduler(self, clock: Any) -> float:
            return float(clock()) + 7200

    now = heard(Ahead())
    assert abs(now() - time.time() - 7200) < 5


def test_what_comes_back_is_not_unpacked_without_end(tmp_path: Path) -> None:
    """A few bytes that say they are ten gigabytes are refused before the first of them is written."""
    info = tarfile.TarInfo("data/big")
    info.size = 10 * 1024**3
    with pytest.raises(Refused, match="more than 8.0 GB"):
        packing.unpack(gzip.compress(info.tobuf()), tmp_path / "into")
    assert list((tmp_path / "into").iterdir()) == []


@pytest.mark.parametrize("before", ["nothing", "file", "folder", "link"])
@pytest.mark.parametrize("after", ["nothing", "file", "folder", "link"])
def test_what_comes_back_takes_the_place_of_what_was_there(before: str, after: str, home: Path) -> None:
    """Each kind for each other kind, with nothing beside it; a link is put back as a link, and what it led to is not touched."""

    def make(path: Path, kind: str, word: str) -> None:
        if kind == "file":
            path.write_text(word)
        elif kind == "folder":
            path.mkdir()
            (path / word).write_text(word)
        elif kind == "link":
            path.symlink_to("elsewhere")

    (home / "elsewhere").write_text("mine")
    make(home / "thing", before, "old")
    spec = Bench(home).spec(command("true", changes=("thing",)))
    there = home / "there"
    attempt = there / Path(spec["dir"]).relative_to(home)
    attempt.mkdir(parents=True)
    make(there / "thing", after, "new")
    (home / "data").mkdir(exist_ok=True)
    packing.take_back(packing.returning(there, spec | {"home": str(there), "dir": str(attempt)}), spec)
    thing = home / "thing"
    assert (home / "elsewhere").read_text() == "mine" and thing.is_symlink() == (after == "link")
    assert os.path.lexists(thing) == (after != "nothing") and thing.is_dir() == (after == "folder")
    assert after != "file" or thing.read_text() == "new"
    assert after != "folder" or [p.name for p in thing.iterdir()] == ["new"]
    assert [p.name for p in home.iterdir() if p.name.startswith(".thing")] == []


def test_what_a_session_that_died_left_beside_its_place_is_put_right(tmp_path: Path) -> None:
    """Between the two renames, and before them: the old one comes back, and what was never put in its place is not taken for an answer."""
    source, target, old, new = (tmp_path / name for name in ("source", "thing", ".thing.jarvis-before", ".thing.jarvis-new"))
    old.mkdir()
    (old / "mine").write_text("old")
    new.write_text("of the dead one")
    packing._replace(source, target, merge=False)  # this time the recipe removed it
    assert sorted(p.name for p in tmp_path.iterdir()) == []
    old.mkdir()
    (old / "mine").write_text("old")
    target.write_text("newer")
    source.write_text("newest")
    packing._replace(source, target, merge=False)
    assert target.read_text() == "newest" and [p.name for p in tmp_path.iterdir()] == ["thing"]


@needs_strict
def test_work_on_a_repository_travels_as_a_bundle_and_is_proved_here(tmp_path: Path, three: Three) -> None:
    shop = Shop(tmp_path / "here")
    one = shop.add(agent=None, command="sed -i 's/int(sum(prices))/round(sum(prices), 2)/' total.py; pwd > where.txt")
    shop.night(60, engine=DaskEngine(three.address, three.keys))
    assert shop.state(one) == "shipped", shop.show(one)["evidence"]
    where = git(shop.repo, "show", f"{shop.last(one)['branch']}:where.txt")
    assert "jarvis-remote-" in where and str(shop.home) not in where
    queue.accept(shop.place, one, now=shop.place.now())
    assert "round(sum" in (shop.repo / "total.py").read_text()
