"""A cluster of this machine's own: a scheduler and some workers on loopback, started, looked at and ended by their recorded facts."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from jarvis_lib.model.fact import Refused
from jarvis_lib.model.prose import clean, plural

RECORD = Path("data/cluster.json")
START_S = 30.0


def up(home: Path, *, workers: int, resources: str = "") -> str:
    """Start a scheduler and so many workers, one attempt each; the sentence with their address. Refuses when they run already."""
    if alive(home):
        raise Refused("A cluster of this workspace is running; look with: jarvis cluster status", code="busy")
    _needs_distributed()
    folder = home / "data" / "cluster"
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "scheduler.json"
    file.unlink(missing_ok=True)
    scheduler = ["distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--no-jupyter", "--scheduler-file", str(file)]
    pids = [_start(folder, "scheduler", scheduler)]
    until = time.monotonic() + START_S
    while not file.exists() or not file.read_text(encoding="utf-8").strip():
        if time.monotonic() > until:
            _end(pids)
            raise Refused(f"The scheduler did not come up within {START_S:.0f} s; its words are in {folder}/scheduler.log", code="failed")
        time.sleep(0.05)
    address = json.loads(file.read_text(encoding="utf-8"))["address"]
    for n in range(workers):
        own = ["distributed.cli.dask_worker", address, "--nthreads", "1", "--no-nanny", "--no-dashboard", "--host", "127.0.0.1", "--name", f"w{n + 1}"]
        pids.append(_start(folder, f"worker-{n + 1}", [*own, *(["--resources", resources] if resources else [])]))
    record = {"address": address, "processes": [{"pid": pid, "started": _started(pid)} for pid in pids]}
    (home / RECORD).write_text(json.dumps(record), encoding="utf-8")
    return f'{plural(workers, "worker")} at {address}. Use it: [engine] dask = "{address}" in jarvis.toml. End it: jarvis cluster down'


def alive(home: Path) -> list[int]:
    """The living processes of the recorded cluster: the same number, started at the same moment."""
    try:
        record = json.loads((home / RECORD).read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return []
    return [p["pid"] for p in record["processes"] if p["started"] is not None and _started(p["pid"]) == p["started"]]


def status(home: Path, address: str) -> list[dict[str, Any]]:
    """One row for each worker of the cluster at `address`, or of this workspace's own: name, address, resources, seconds since it was heard of."""
    _needs_distributed()
    from distributed import Client

    if not address:
        if not alive(home):
            return []
        address = json.loads((home / RECORD).read_text(encoding="utf-8"))["address"]
    try:
        client: Any = Client(address, timeout=5, set_as_default=False)
    except (OSError, TimeoutError) as error:
        raise Refused(f"The scheduler at {clean(address)[:80]} does not answer.", code="busy") from error
    try:
        workers = client.scheduler_info(n_workers=-1)["workers"]
        return [
            {"name": str(w["name"]), "address": a, "resources": dict(w["resources"]), "heard_s": round(time.time() - w["last_seen"], 1), "scheduler": address}
            for a, w in sorted(workers.items())
        ]
    finally:
        client.close()


def down(home: Path) -> str:
    """End the cluster of this workspace; the sentence of what was ended."""
    pids = alive(home)
    _end(pids)
    (home / RECORD).unlink(missing_ok=True)
    return f"{plural(len(pids), 'process', 'processes')} of the cluster ended." if pids else "No cluster of this workspace was running."


def _start(folder: Path, name: str, argv: list[str]) -> int:
    with open(folder / f"{name}.log", "ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", *argv], cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, env=os.environ.copy()
        )
    return process.pid


def _started(pid: int) -> float | None:
    import psutil

    try:
        process = psutil.Process(pid)
        return float(process.create_time()) if process.status() != psutil.STATUS_ZOMBIE else None
    except psutil.Error:
        return None


def _end(pids: list[int]) -> None:
    for number, patience_s in ((signal.SIGTERM, 3.0), (signal.SIGKILL, 3.0)):
        left = [pid for pid in pids if _started(pid) is not None]
        for pid in left:
            os.kill(pid, number)
        until = time.monotonic() + patience_s
        while time.monotonic() < until and any(_started(pid) is not None for pid in left):
            time.sleep(0.05)


def _needs_distributed() -> None:
    from importlib.util import find_spec

    if find_spec("distributed") is None:
        raise Refused("A cluster needs the package distributed: pip install 'jarvis-workspace[cluster]'.")
