"""`python -m tests.bench.doors`: what a heartbeat costs beside `import duckdb`, and what a call of an agent costs beside an empty call of the same server."""

import os
import sys
import tempfile
import threading
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import anyio
from mcp.client import Client
from mcp.client.stdio import StdioServerParameters, stdio_client

from jarvis_lib.store import lock
from jarvis_lib.store.place import Place
from tests.bench.__main__ import JARVIS, PYTHON, workspace
from tests.bench.timing import HEAD, Figure, command, compare

PROPOSAL = {"title": "Write the guide", "est_min": 45, "acceptance": "docs/guide.md is there", "category": "Documentation"}
N = 15


def heartbeats(full: Place) -> list[Figure]:
    """The whole command, also with ten thousand tasks."""
    duck = command([PYTHON, "-c", "import duckdb, click"])
    at = "2026-11-24 20:00"
    own = command([JARVIS, "--home", str(full.home), "heartbeat", "--at", at])
    return [compare("`jarvis heartbeat`, 10,000 tasks", own, "`import duckdb, click`", duck, n=N)]


async def _timed(call: Callable[[], Awaitable[Any]]) -> float:
    begin = time.perf_counter()
    await call()
    return time.perf_counter() - begin


async def _calls(place: Place) -> list[Figure]:
    found = []
    parameters = StdioServerParameters(command=JARVIS, args=["--home", str(place.home), "mcp", "serve", "--agent", "codex"])
    with open(os.devnull, "w") as nowhere:
        async with Client(stdio_client(parameters, errlog=nowhere)) as client:
            await client.call_tool("list_tasks", {})
            for name, arguments in (("list_tasks", {"limit": 100}), ("get_plan", {}), ("add_task", None)):
                own, empty = [], []
                for i in range(N):
                    given = arguments if arguments is not None else PROPOSAL | {"idempotency_key": f"k{i}"}
                    own.append(await _timed(lambda name=name, given=given: client.call_tool(name, given)))  # type: ignore[misc]  # bound at once
                    empty.append(await _timed(lambda: client.call_tool("none", {})))
                found.append(Figure(f"`{name}`, 10,000 tasks", "a call that does nothing", sorted(own)[N // 2], sorted(empty)[N // 2], 0.0, N))
            found.append(await _held(place, client))
    return found


async def _held(place: Place, client: Any) -> Figure:
    """Twenty calls at once while somebody has the store for one second."""
    taken, errors = threading.Event(), []

    def hold() -> None:
        with lock.held(place.store.lock_path, wait_s=5, what="The store"):
            taken.set()
            time.sleep(1.0)

    thread = threading.Thread(target=hold)
    thread.start()
    await anyio.to_thread.run_sync(taken.wait)
    begin = time.perf_counter()

    async def one() -> None:
        errors.append((await client.call_tool("list_tasks", {"limit": 10})).is_error)

    async with anyio.create_task_group() as group:
        for _ in range(20):
            group.start_soon(one)
    taken_s = time.perf_counter() - begin
    thread.join()
    return Figure(f"20 calls at once, {sum(map(bool, errors))} errors", "the second that the store was held", taken_s, 1.0, 0.0, 20)


def main() -> None:
    print(HEAD, flush=True)
    with tempfile.TemporaryDirectory(prefix="jarvis-bench-") as folder:
        full = workspace(Path(folder) / "full", tasks=10_000)
        for figure in (*heartbeats(full), *anyio.run(_calls, full)):
            print(figure.row(), flush=True)
    print(f"\nPython {sys.version.split()[0]}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; medians of n.")


if __name__ == "__main__":
    main()
