"""What does an attempt cost? Sandbox, copy and checks in ms against the plain command; tasks a minute; memory of a session."""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psutil

from jarvis_lib import autonomous_queue as queue
from jarvis_lib.autonomous_queue import holding
from jarvis_lib.execution.engine import LocalEngine
from tests.execution_parts import Bench
from tests.facts import opened, task
from tests.shop import Shop

NOOPS = 100
MEMORY_GOAL_MB, RATE_GOAL = 250, 100


def main() -> None:
    """Print the three tables."""
    from jarvis_lib.model.task import Recipe

    with tempfile.TemporaryDirectory(prefix="jarvis-bench-") as folder:
        shop = Shop(Path(folder))
        one = task(recipe=Recipe("command", argv=("true",)), checks=())
        plain = [_timed(lambda: subprocess.run(["true"], check=True)) for _ in range(21)]
        rows = [
            ("`true`, as a process", plain),
            ("recipe step, level none", _steps(shop, one, "none")),
            ("recipe step, level strict", _steps(shop, one, "strict")),
        ]
        base = statistics.median(plain)
        print("| what | ms (median) | against `true` | n |\n|---|---|---|---|")
        for name, seconds in rows:
            print(f"| {name} | {statistics.median(seconds) * 1000:.0f} | {statistics.median(seconds) / base:.0f} x | {len(seconds)} |")
        for name, more in (
            ("whole attempt in the workspace, 1 check", _own()),
            ("whole attempt on a repository (copy, bundle, guards, 1 check)", _repository()),
        ):
            took = [_attempt(shop, more) for _ in range(5)]
            print(f"| {name} | {statistics.median(took) * 1000:.0f} | {statistics.median(took) / base:.0f} x | {len(took)} |")
    with tempfile.TemporaryDirectory(prefix="jarvis-bench-") as folder:
        rate, most = _noops(Shop(Path(folder)))
        print(
            f"\n{rate:.0f} no-op tasks a minute with 3 side by side (goal {RATE_GOAL}); the session held {most / 1e6:.0f} MB at most (goal {MEMORY_GOAL_MB})."
        )


def _timed(what: Any) -> float:
    begin = time.perf_counter()
    what()
    return time.perf_counter() - begin


def _steps(shop: Shop, one: Any, level: str) -> list[float]:
    bench = Bench(shop.home)
    more = {"holding": {"level": level, "own": True}}
    return [_timed(lambda: bench.run(one, more=more)) for _ in range(9)]


def _own() -> dict[str, Any]:
    return {"agent": None, "repo": None, "command": "true", "checks": ["true"], "category": "Documentation"}


def _repository() -> dict[str, Any]:
    return {"agent": None, "command": "date +%N >> notes.md", "checks": ["true"], "category": "Documentation"}


def _attempt(shop: Shop, more: dict[str, Any]) -> float:
    """From claim to ending."""
    one = shop.add("Bench", "", more["category"], **{k: v for k, v in more.items() if k != "category"})
    shop.night(60)
    last = shop.last(one)
    return float((last["ended_at"] - last["claimed_at"]).total_seconds())


def _noops(shop: Shop) -> tuple[float, int]:
    """Tasks a minute in one session of three lanes, and the most memory that its process held meanwhile."""
    place = shop.place
    for n in range(NOOPS):
        queue.add(place, f"No-op {n}", "", 0.0005, "Documentation", "LOW", now=place.now(), command="true", checks=["true"])
    now = datetime.now(UTC)
    place.store.write(opened(place, "noops", at=now))
    held = holding.look(place, now=now)
    session = queue.Session("noops", now + timedelta(minutes=10), now + timedelta(minutes=11), 3, 7, held=held)
    before = psutil.Process(os.getpid()).memory_info().rss
    begin = time.perf_counter()
    tally = queue.work(place, session, engine=LocalEngine())
    took = time.perf_counter() - begin
    if tally.attempts != NOOPS:
        sys.exit(f"only {tally.attempts} of {NOOPS} were worked: {tally.why_ended}")
    return NOOPS / took * 60, max(before, psutil.Process(os.getpid()).memory_info().rss)


if __name__ == "__main__":
    main()
