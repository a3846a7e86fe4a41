"""Recipes on a cluster: several worker processes on loopback, one killed, one cut off; every attempt has one ending, and verdicts are those of one machine."""

import os
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from jarvis_lib import autonomous_queue as queue
from jarvis_lib.execution.cluster import local as cluster
from jarvis_lib.execution.cluster.engine import DaskEngine, resources
from jarvis_lib.execution.sandbox import levels
from jarvis_lib.model.fact import Refused
from tests.execution_parts import PATIENCE_S, Bench
from tests.facts import task
from tests.shop import Shop, git

pytest.importorskip("distributed", reason="the package distributed is not installed")
from jarvis_lib.model.task import Check, Recipe  # after the look for the package

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


def test_a_vanished_scheduler_leaves_nothing_without_an_ending(home: Path, three: Three) -> None:
    engine = DaskEngine(three.address, three.keys)
    handle = engine.submit(Bench(home).spec(command("sleep 600")))
    time.sleep(1)
    os.kill(three.pids[0], signal.SIGKILL)
    result = wait(engine, handle)
    assert result["outcome"] == "died" and "lost" in result["said"]
    engine.close()


def test_twenty_tasks_over_three_workers_one_killed_one_cut_off(home: Path, three: Three) -> None:
    """20 endings, none twice, and the verdicts of what ended are those of the local engine; what was lost ends as died."""
    engine = DaskEngine(three.address, three.keys, cut_off_s=4)
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
