"""The part that runs on a worker of the cluster: unpack, run our own worker program as a process, watch for a stop, send back what came of it.

An attempt is started once: whoever starts it second (a scheduler that lost a worker starts things again) gives up at once.
"""

import json
import os
import shutil
import tempfile
import time
from pathlib import Path
from typing import Any

from jarvis_lib.execution.cluster import packing

LOOK_S = 0.25
_MARGIN_S = 5.0


class StartedBefore(Exception):
    """This attempt was started on another worker, which is lost."""


def run_step(spec: dict[str, Any], data: bytes, token: str) -> tuple[dict[str, Any] | None, bytes]:
    """Run the step of `spec`; its result (None when the worker program died without a word) and the tar of what came of it."""
    from distributed import Variable, get_worker

    _only_once(Variable(f"jarvis-{token}", client=None), get_worker().address)
    with tempfile.TemporaryDirectory(prefix="jarvis-remote-") as folder:
        home = Path(folder)
        here = _moved(spec, home)
        packing.unpack(data, home)
        if here.get("repository"):
            _prepare(here, home)
        result = _run(here, token)
        if result is not None and here.get("repository"):
            _collect(here)
            shutil.rmtree(home / "repo", ignore_errors=True)
        return result, packing.returning(home, here)


def _only_once(variable: Any, address: str) -> None:
    from distributed import Lock

    with Lock(f"{variable.name}-lock"):
        try:
            first = variable.get(timeout="100ms")
        except TimeoutError:
            variable.set(address)
            return
    raise StartedBefore(f"it was started on {first}, which was lost")


def _moved(spec: dict[str, Any], home: Path) -> dict[str, Any]:
    """The spec with this machine's paths, and the time that was left by this machine's clock."""
    attempt = Path(spec["dir"]).relative_to(spec["home"])
    here = spec | {"home": str(home), "dir": str(home / attempt), "parent": os.getpid(), "deadline": time.time() + float(spec["left_s"])}
    if spec.get("repository"):
        folder = Path(spec["repository"]["folder"]).relative_to(spec["home"])
        here["repository"] = spec["repository"] | {"repo": str(home / "repo"), "folder": str(home / folder)}
    return here


def _prepare(here: dict[str, Any], home: Path) -> None:
    from jarvis_lib.execution import repositories

    own = here["repository"]
    packing.unbundle(home / packing.BUNDLE, home / "repo")
    (home / packing.BUNDLE).unlink()
    repositories.prepare(home / "repo", Path(own["folder"]), branch=own["branch"], start=own["base"])


def _run(here: dict[str, Any], token: str) -> dict[str, Any] | None:
    from distributed import Event

    from jarvis_lib.execution import tree
    from jarvis_lib.execution.engine import kill_leftovers, left_behind, start_worker
    from jarvis_lib.execution.results import read_result

    folder = Path(here["dir"])
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{here['step']}.spec.json"
    path.write_text(json.dumps(here, ensure_ascii=False), encoding="utf-8")
    stop = Event(f"jarvis-stop-{token}")
    process = start_worker(path, here)
    asked = 0.0
    while process.poll() is None:
        time.sleep(LOOK_S)
        if not asked and stop.is_set():
            asked = time.monotonic()
            process.terminate()
        if asked and time.monotonic() - asked > float(here["limits"]["grace_s"]) + _MARGIN_S:
            tree.kill(lambda: tree.descendants(process.pid))
            process.kill()
    if process.returncode != 0:
        kill_leftovers([here["attempt"]])
    result = read_result(folder / f"{here['step']}.result.json")
    if result is None:
        left_behind(folder, here["step"])
    return result


def _collect(here: dict[str, Any]) -> None:
    """Commit and bundle what was done, inside of the jail of this machine: only that travels back."""
    from jarvis_lib.execution import repository_steps
    from jarvis_lib.execution.spec import read_spec

    spec = read_spec(Path(here["dir"]) / f"{here['step']}.spec.json")
    repository_steps.collect_inside(spec, lambda: False)
    (spec.dir / "bundle" / repository_steps.AWAY).touch()
