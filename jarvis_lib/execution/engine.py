"""Engines: who runs a worker, and how does a session hear of it? A session submits steps, polls them and may stop them.

The local engine starts one process for each step, in a session of its own. A worker that dies without a word has its tree found by
the attempt's tag and killed, and its step ends as `died`: never as a success, never as silence.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from jarvis_lib.execution import tree
from jarvis_lib.execution.held import mask_of
from jarvis_lib.execution.processes import said_exit
from jarvis_lib.execution.results import EXIT_NO_ROOM, Result, ended_badly, read_result
from jarvis_lib.execution.spec import clean_environment, read_spec
from jarvis_lib.model.crash import crash_point
from jarvis_lib.model.fact import Refused
from jarvis_lib.model.prose import clean, shorten

if TYPE_CHECKING:
    from jarvis_lib.model.settings import Settings

_WORKER_MARGIN_S = 3.0


@dataclass(eq=False)
class Handle:
    """One step that was submitted. `outcome` is set by `stop`; after `kill_at` (monotonic) nobody waits any more."""

    step: str
    attempt: str
    folder: Path
    process: "subprocess.Popen[bytes]"
    grace_s: float
    outcome: str = ""
    kill_at: float = 0.0
    result: Result | None = field(default=None, repr=False)

    @property
    def result_path(self) -> Path:
        """Where the worker of this step writes its result."""
        return self.folder / f"{self.step}.result.json"


class Engine(Protocol):
    """Runs workers. Nothing here waits: `poll` is asked again and again."""

    def submit(self, spec: dict[str, Any]) -> Any:
        """Write the spec into its folder and start a worker on it; the handle for the other verbs."""

    def poll(self, handle: Any) -> Result | None:
        """The result, None while it runs. A dead worker gives the outcome `died`."""

    def stop(self, handle: Any, outcome: str) -> None:
        """End the worker with its whole tree, politely, then by force; `poll` then gives `outcome`. Asking twice changes nothing."""

    def close(self) -> None:
        """End everything that still runs and wait until it is gone."""


def start_worker(path: Path, spec: dict[str, Any]) -> "subprocess.Popen[bytes]":
    """The worker program on the spec that lies at `path`, in a session of its own; what it says of itself goes to worker.log beside it."""
    with open(path.with_name("worker.log"), "ab") as log:
        return subprocess.Popen(
            [sys.executable, "-P", "-m", "jarvis_lib.execution.worker", str(path)],
            cwd=spec["home"],
            env=clean_environment(spec.get("pass_env", ()), spec["attempt"]),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


class LocalEngine:
    """Workers as processes of this machine."""

    def __init__(self) -> None:
        self._running: list[Handle] = []

    def submit(self, spec: dict[str, Any]) -> Handle:
        """Write the spec, remove an older result, and start the worker. OSError when the machine will not."""
        folder = Path(spec["dir"])
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{spec['step']}.spec.json"
        path.write_text(json.dumps(spec | {"parent": os.getpid()}, ensure_ascii=False), encoding="utf-8")
        (folder / f"{spec['step']}.result.json").unlink(missing_ok=True)
        crash_point("spec-written")
        process = start_worker(path, spec)
        handle = Handle(spec["step"], spec["attempt"], folder, process, float(spec["limits"]["grace_s"]))
        self._running.append(handle)
        return handle

    def poll(self, handle: Handle) -> Result | None:
        """The result once the worker has ended, else None; one that outlives its stop is killed with all that it started."""
        if handle.result is None:
            code = handle.process.poll()
            if code is None and handle.outcome and time.monotonic() >= handle.kill_at:
                _kill(handle)
                code = handle.process.wait()
            if code is None:
                return None
            handle.result = _result(handle, code)
            self._running.remove(handle)
        return handle.result

    def stop(self, handle: Handle, outcome: str) -> None:
        """Terminate, and kill after the step's grace and a margin; the first outcome counts."""
        if handle.outcome or handle.process.poll() is not None:
            return
        handle.outcome = outcome
        handle.kill_at = time.monotonic() + handle.grace_s + _WORKER_MARGIN_S
        handle.process.terminate()

    def close(self) -> None:
        """Stop every worker and wait until none is left."""
        for handle in self._running:
            self.stop(handle, "stopped")
        for handle in list(self._running):
            while self.poll(handle) is None:
                time.sleep(0.02)


def kill_leftovers(attempt_ids: Sequence[str]) -> int:
    """KILL every process whose environment carries `JARVIS_ATTEMPT` of one of these attempts; how many there were.

    For the time after a crash: nothing that ends here has anything left to say to anybody.
    """
    return len(tree.kill(lambda: tree.tagged(attempt_ids))) if attempt_ids else 0


def engine_of(settings: "Settings") -> Engine:
    """The engine that the settings ask for: this machine, or the cluster of [engine] dask. Refuses (busy) when that is not there."""
    address = settings.get("engine", "dask")
    if not address:
        return LocalEngine()
    try:
        from jarvis_lib.execution.cluster.engine import DaskEngine

        return DaskEngine(address, settings.get("engine", "tls"))
    except ImportError as error:
        raise Refused("[engine] dask is set, but the package distributed is not installed: pip install 'jarvis-workspace[cluster]'.") from error


def _kill(handle: Handle) -> None:
    """The worker does not come to an end by itself: its tree first, while it is still known whose it is."""
    tree.kill(lambda: tree.descendants(handle.process.pid))
    handle.process.send_signal(signal.SIGKILL)


def _result(handle: Handle, code: int) -> Result:
    """What the worker wrote, which it does last and at once; without it the worker died, unless it was asked to end."""
    result = read_result(handle.result_path)
    if code != 0:
        kill_leftovers([handle.attempt])
    if result is None and code == EXIT_NO_ROOM:
        said = f"The disk is full: the {handle.step} step had no room to write down how it ended"
        return ended_badly(handle.outcome or "failed", said, exit_code=None, **left_behind(handle.folder, handle.step))
    if result is None:
        said = _said_ended(handle) if handle.outcome else _said_died(handle, code)
        return ended_badly(handle.outcome or "died", said, exit_code=code, **left_behind(handle.folder, handle.step))
    return result | {"outcome": handle.outcome} if handle.outcome else result


def left_behind(folder: Path, step: str) -> Result:
    """The log and the notebook of a recipe whose worker could not hand them over, masked as it would have masked them."""
    if step != "recipe":
        return {}
    log, partial, notebook = (folder / name for name in ("output.log", ".executed.part.ipynb", "executed.ipynb"))
    kept = [path for path in (log, partial) if path.is_file()]
    if kept:  # so it could read its spec
        mask = mask_of(read_spec(folder / f"{step}.spec.json"))
        for path in kept:
            mask.file(path)
    if partial.exists():
        os.replace(partial, notebook)
    return {"log": str(log) if log.exists() else None, "notebook": str(notebook) if notebook.exists() else None, "tail": _last_words(log)}


def _said_died(handle: Handle, code: int) -> str:
    last = _last_words(handle.folder / "worker.log") if code > 0 else ""
    return f"The worker of the {handle.step} step {said_exit(code)} before it could say how it ended{': ' + last if last else ''}"


def _said_ended(handle: Handle) -> str:
    return f"The {handle.step} step was ended by force ({handle.outcome.replace('_', ' ')})"


def _last_words(log: Path) -> str:
    """The last line of a log that says anything; the end of a long log is enough to find it."""
    try:
        with open(log, "rb") as stream:
            stream.seek(max(os.fstat(stream.fileno()).st_size - 8192, 0))
            lines = [line for line in stream.read().decode("utf-8", "replace").splitlines() if line.strip()]
    except FileNotFoundError:
        return ""
    return shorten(clean(lines[-1]), 200) if lines else ""
