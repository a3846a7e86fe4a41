"""A cluster of this machine's own: a scheduler and some workers on loopback, started, looked at and ended by their recorded facts."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from jarvis_lib.model.extras import install_line
from jarvis_lib.model.fact import Refused
from jarvis_lib.model.prose import clean, plural

RECORD = Path("data/cluster.json")
START_S = 30.0


def up(home: Path, *, workers: int, resources: str = "") -> str:
    """Start a scheduler and so many workers, one attempt each; the sentence with their address. Refuses when they run already.

    They speak TLS with a key of their own: whoever may talk to a scheduler can run programs as the person, and loopback is open to every user and,
    where its network is not off, to every task of this machine.
    """
    if alive(home):
        raise Refused("A cluster of this workspace is running; look with: jarvis cluster status", code="busy")
    _needs_distributed()
    folder = home / "data" / "cluster"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    folder.chmod(0o700)
    tls = _keys(folder)
    named = ["--tls-ca-file", tls["ca"], "--tls-cert", tls["cert"], "--tls-key", tls["key"]]
    file = folder / "scheduler.json"
    file.unlink(missing_ok=True)
    scheduler = ["--host", "tls://127.0.0.1", "--port", "0", "--no-dashboard", "--no-jupyter", "--scheduler-file", str(file), *named]
    pids = [_start(folder, "scheduler", ["distributed.cli.dask_scheduler", *scheduler])]
    until = time.monotonic() + START_S
    while not file.exists() or not file.read_text(encoding="utf-8").strip():
        if time.monotonic() > until or _started(pids[0]) is None:
            _end(pids)
            raise Refused(f"The scheduler did not come up within {START_S:.0f} s; its words are in {folder}/scheduler.log", code="failed")
        time.sleep(0.05)
    address = json.loads(file.read_text(encoding="utf-8"))["address"]
    for n in range(workers):
        own = [address, "--nthreads", "1", "--no-nanny", "--no-dashboard", "--host", "tls://127.0.0.1", "--name", f"w{n + 1}", *named]
        pids.append(_start(folder, f"worker-{n + 1}", ["distributed.cli.dask_worker", *own, *(["--resources", resources] if resources else [])]))
    record = {"address": address, "tls": tls, "processes": [{"pid": pid, "started": _started(pid)} for pid in pids]}
    (home / RECORD).write_text(json.dumps(record), encoding="utf-8")
    lines = f'dask = "{address}" and tls = {{ {", ".join(f"{name} = {json.dumps(path)}" for name, path in tls.items())} }}'
    return f"{plural(workers, 'worker')} at {address}. Use it: [engine] {lines} in jarvis.toml. End it: jarvis cluster down"


def keys_of(home: Path) -> dict[str, str]:
    """The TLS files of this workspace's own cluster, as [engine] tls takes them; empty when there is none."""
    try:
        return dict(json.loads((home / RECORD).read_text(encoding="utf-8"))["tls"])
    except (FileNotFoundError, ValueError, KeyError):
        return {}


def _keys(folder: Path) -> dict[str, str]:
    """A new key and its certificate, which is its own authority: who has the key belongs to the cluster, and nobody else."""
    key, cert = folder / "key.pem", folder / "cert.pem"
    key.unlink(missing_ok=True)
    os.close(os.open(key, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    kind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "365", "-subj", "/CN=jarvis-cluster"]
    uses = ["-addext", "keyUsage=critical,digitalSignature,keyCertSign", "-addext", "basicConstraints=critical,CA:TRUE"]
    argv = ["openssl", "req", "-x509", *kind, *uses, "-keyout", str(key), "-out", str(cert)]
    try:
        done = subprocess.run(argv, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=START_S, check=False)
    except FileNotFoundError as error:
        raise Refused("A cluster makes its own key with the program openssl, which is not installed.") from error
    if done.returncode:
        raise Refused(f"openssl could not make the key of the cluster: {clean(done.stderr.strip())[-200:]}", code="failed")
    return {"ca": str(cert), "cert": str(cert), "key": str(key)}


def alive(home: Path) -> list[int]:
    """The living processes of the recorded cluster: the same number, started at the same moment."""
    try:
        record = json.loads((home / RECORD).read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return []
    return [p["pid"] for p in record["processes"] if p["started"] is not None and _started(p["pid"]) == p["started"]]


def status(home: Path, address: str, tls: dict[str, str] | None = None) -> list[dict[str, Any]]:
    """One row for each worker of the cluster at `address`, or of this workspace's own: name, address, resources, seconds since it was heard of."""
    _needs_distributed()
    from jarvis_lib.execution.cluster.connect import connected, heard

    if not address:
        if not alive(home):
            return []
        address, tls = json.loads((home / RECORD).read_text(encoding="utf-8"))["address"], keys_of(home)
    client = connected(address, tls)
    try:
        now = heard(client)
        workers = client.scheduler_info(n_workers=-1)["workers"]
        return [
            {"name": str(w["name"]), "address": a, "resources": dict(w["resources"]), "heard_s": max(round(now() - w["last_seen"], 1), 0), "scheduler": address}
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
            [sys.executable, "-m", *argv],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            env=os.environ | {"DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "0"},
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
        raise Refused(f"A cluster needs the package distributed, which is not installed; install it with: {install_line('cluster')}")
