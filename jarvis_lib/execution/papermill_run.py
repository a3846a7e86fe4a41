"""Run one notebook by papermill to a deadline, with nothing left behind and nothing made up. What became of each cell?

The kernel is a process of its own with the environment it was given; it boots while papermill is still being imported, which makes this
a little faster than plain `papermill.execute_notebook`. Parameter names are checked before the start, for papermill pastes
them as code. The notebook is written under a temporary name and renamed; a partial one is kept when it fails or runs out of time.
"""

import keyword
import os
import shutil
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jarvis_lib.execution import tree
from jarvis_lib.execution.output import Output
from jarvis_lib.execution.parameters import read_parameters
from jarvis_lib.execution.results import sync_folder
from jarvis_lib.model.fact import Refused
from jarvis_lib.model.prose import clean, hint, listed, plural, seconds, shorten, size

_LOOK_S = 0.1
_MEMORY_EVERY = 3
_OPTIONS = ("--HistoryManager.hist_file=:memory:",)
_ALONE = ("--InteractiveShellApp.ignore_cwd=True",)
"""Outside of a jail: no module comes from the folder that the kernel stands in."""
_WARM = "--IPKernelApp.exec_lines=__import__('importlib').import_module('{}');"
"""Imported before the first cell, without a name in the notebook."""


@dataclass(frozen=True, slots=True)
class Limits:
    """`memory_bytes` of the kernel's tree (0: any), `output_bytes` kept of all cells, seconds between interrupt and KILL.

    `processes` of the kernel's tree at once (0: any).
    """

    memory_bytes: int = 0
    output_bytes: int = 8 * 1024 * 1024
    grace_s: float = 5.0
    processes: int = 0

    def over(self, pids: Sequence[int]) -> str:
        """Which limit these processes break, or an empty string."""
        if self.processes and len(pids) > self.processes:
            return "over_processes"
        return "over_memory" if self.memory_bytes and tree.resident(pids) > self.memory_bytes else ""


@dataclass
class Guard:
    """What the engine and the watching thread share: `reason` is why it must end (timed_out, over_memory, over_processes, stopped), or empty."""

    deadline: float
    limits: Limits
    stop: Callable[[], bool]
    out: Output | None
    final: Path
    tree_of: Callable[[int], Sequence[int]]
    reason: str = ""
    done: threading.Event = field(default_factory=threading.Event)
    notebook: Any = None

    def look(self) -> str:
        """Why it must end now, or an empty string; time and stop only, so it costs nothing."""
        if not self.reason:
            self.reason = "stopped" if self.stop() else "timed_out" if time.time() >= self.deadline else ""
        return self.reason


class NotebookEnded(Exception):
    """The guard ended the notebook before its last cell."""


def run_notebook(
    path: Path,
    output: Path,
    parameters: Mapping[str, Any],
    *,
    deadline: float,
    cwd: Path,
    env: Mapping[str, str] | None = None,
    limits: Limits | None = None,
    out: Output | None = None,
    stop: Callable[[], bool] = lambda: False,
    tree_of: Callable[[int], Sequence[int]] | None = None,
    enter: "Callable[[Path], Callable[[Sequence[str]], list[str]]] | None" = None,
    ours: Sequence[str] | None = None,
) -> dict[str, Any]:
    """Run the notebook until it ends or until `deadline` (epoch seconds), the executed copy going to `output`.

    `enter` takes the folder of the kernel's sockets and gives what puts the kernel into its jail. `ours` says that the notebook is Jarvis's own and
    names modules that it will need: the kernel imports them while papermill is imported here, and it is ended at once after the last cell.

    Returns `outcome` (finished, failed, timed_out, stopped), `said` (one sentence), `exit_code` (0, 1 or None), `seconds`, `notebook`
    (the path of the executed copy), `cells` (code cells by state) and `tail` (the error's last lines). Raises Refused, before
    anything starts, for unknown, missing or unusable parameters.
    """
    check_parameters(path, parameters)
    begin = time.monotonic()
    guard = Guard(deadline, limits or Limits(), stop, out, output, tree_of or _kernel_tree)
    if guard.look():
        return _result(guard, path, begin, None)
    partial = output.with_name(f".{output.stem}.part.ipynb")
    output.parent.mkdir(parents=True, exist_ok=True)
    partial.unlink(missing_ok=True)  # papermill writes into what stands there, and a link would lead it elsewhere
    with _kernel(cwd, env, guard, enter, ours) as manager, _watched(guard, manager):
        error = _execute(path, partial, dict(parameters), guard, manager)
    if partial.exists():
        os.replace(partial, output)
        sync_folder(output.parent)
    return _result(guard, path, begin, error)


def check_parameters(path: Path, parameters: Mapping[str, Any]) -> None:
    """Refuse names that the notebook does not have or that are no names, required ones left out, and values that JSON cannot hold."""
    known = read_parameters(path)
    for name, value in parameters.items():
        if not name.isidentifier() or keyword.iskeyword(name):
            raise Refused(f"{clean(name)[:60]!r} is not a parameter name: use letters, digits and underscores.", code="usage")
        if not known:
            raise Refused(f"{clean(path.name)} has no cell tagged 'parameters', so it takes none; tag one, or leave out {name}.", code="usage")
        if name not in known:
            raise Refused(f"{clean(path.name)} has no parameter {name!r}.{hint(name, known)} It has {listed(list(known))}.", code="usage")
        if not _is_plain(value):
            shown = clean(repr(value))[:80]
            raise Refused(f"The parameter {name!r} is {shown}; give text, numbers, true/false, lists or tables (dates as ISO text).", code="usage")
    missing = [name for name, what in known.items() if what.required and name not in parameters]
    if missing:
        raise Refused(f"{clean(path.name)} needs {listed(missing)}; give {' '.join(f'-p {m}=…' for m in missing)}.", code="usage")


def _is_plain(value: Any) -> bool:
    if isinstance(value, list):
        return all(_is_plain(v) for v in value)
    if isinstance(value, dict):
        return all(isinstance(k, str) and _is_plain(v) for k, v in value.items())
    return value is None or type(value) in (str, bool, int, float)


# --- the kernel ------------------------------------------------------------------------------------------------------------


def _kernel_tree(kernel: int) -> list[int]:
    return [*tree.descendants(kernel), *([kernel] if tree.exists(kernel) else [])]


@contextmanager
def _kernel(
    cwd: Path,
    env: Mapping[str, str] | None,
    guard: Guard,
    enter: "Callable[[Path], Callable[[Sequence[str]], list[str]]] | None",
    ours: Sequence[str] | None,
) -> Iterator[Any]:
    """A starting kernel on sockets in a private folder; at the end it and everything it started are gone."""
    from jupyter_core.utils import run_sync

    from jarvis_lib.execution.kernel import new_folder, new_manager

    folder = new_folder()
    manager = new_manager(folder / "k.json", enter)
    kernel = 0
    try:
        run_sync(manager.start_kernel)(
            cwd=str(cwd),
            env=dict(os.environ if env is None else env),
            extra_arguments=[*_OPTIONS, *(_ALONE if enter is None else ()), *(_WARM.format(name) for name in ours or ())],
        )
        kernel = manager.provisioner.pid
        yield manager
        if not guard.reason and ours is None:
            run_sync(manager.shutdown_kernel)(now=False)
    finally:
        if kernel:
            left = set(guard.tree_of(kernel)) | set(_kernel_tree(kernel))
            tree.kill(lambda: [pid for pid in {*left, *guard.tree_of(kernel)} if tree.exists(pid)])
            if not tree.exists(kernel):
                run_sync(manager.provisioner.wait)()  # else a program that stays keeps one zombie for each notebook
            run_sync(manager.cleanup_resources)()
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _watched(guard: Guard, manager: Any) -> Iterator[None]:
    thread = threading.Thread(target=_watch, args=(guard, manager.provisioner.pid), daemon=True)
    thread.start()
    try:
        yield
    finally:
        guard.done.set()
        thread.join()


def _watch(guard: Guard, kernel: int) -> None:
    """Interrupt the kernel when its time, its memory or the person's patience is over; a kernel that does not listen is killed."""
    interrupts = 0
    since = 0.0
    count = 0
    while not guard.done.wait(_LOOK_S):
        count += 1
        if not guard.look() and count % _MEMORY_EVERY == 0:
            guard.reason = guard.limits.over(guard.tree_of(kernel))
        if guard.reason.startswith("over_"):
            tree.kill(lambda: guard.tree_of(kernel))
            return
        if not guard.reason:
            continue
        since = since or time.monotonic()
        age = time.monotonic() - since
        if age >= guard.limits.grace_s:
            tree.kill(lambda: guard.tree_of(kernel))
            return
        if age >= interrupts * guard.limits.grace_s / 2:
            interrupts += 1
            _interrupt(kernel)


def _interrupt(kernel: int) -> None:
    """Ctrl-C for the kernel and its children. In a jail they have a session of their own behind bubblewrap, which must not hear it."""
    inside = [pid for pid in tree.descendants(kernel) if not tree.is_named(pid, "bwrap")] if tree.is_named(kernel, "bwrap") else []
    with suppress(ProcessLookupError):
        for pid in inside:
            os.kill(pid, signal.SIGINT)
        if not inside:
            os.killpg(kernel, signal.SIGINT)


# --- papermill -------------------------------------------------------------------------------------------------------------


def _execute(path: Path, partial: Path, parameters: dict[str, Any], guard: Guard, manager: Any) -> Exception | None:
    """Run the cells; the error that ended them, or None."""
    from jarvis_lib.execution import papermill_engine

    return papermill_engine.execute(path, partial, parameters, guard, manager)


def _result(guard: Guard, path: Path, begin: float, error: Exception | None) -> dict[str, Any]:
    took = time.monotonic() - begin
    cells = _states(guard.notebook)
    outcome = {"": "failed" if error else "finished", "over_memory": "failed", "over_processes": "failed"}.get(guard.reason, guard.reason)
    return {
        "outcome": outcome,
        "said": _said(guard, clean(path.name), cells, took, error),
        "exit_code": {"finished": 0, "failed": 1}.get(outcome),
        "seconds": took,
        "notebook": str(guard.final) if guard.final.exists() and guard.notebook is not None else None,
        "cells": cells,
        "tail": clean(str(error), keep_lines=True)[-2000:] if error and not guard.reason else "",
    }


def _states(notebook: Any) -> dict[str, int]:
    if notebook is None:
        return {}
    return dict(Counter(c.metadata.papermill["status"] for c in notebook.cells if c.cell_type == "code" and c.metadata.get("papermill")))


def _said(guard: Guard, name: str, cells: dict[str, int], took: float, error: Exception | None) -> str:
    total, done = sum(cells.values()), cells.get("completed", 0)
    if guard.reason:
        how = {
            "timed_out": "ran into its time limit",
            "stopped": "was stopped",
            "over_memory": f"used more than {size(guard.limits.memory_bytes)} of memory and was ended",
            "over_processes": f"had more than {guard.limits.processes} processes at once and was ended",
        }[guard.reason]
        return f"{name} {how} after {seconds(took)}" + (f"; {done} of {plural(total, 'cell')} had completed" if total else "")
    if error is None:
        return f"{name} ended after {seconds(took)}, {plural(done, 'cell')} completed"
    if not total:
        return f"{name} could not run: {_short(error)}"
    return f"{name} failed in cell {done + 1} of {total} after {seconds(took)}: {_short(error)}"


def _short(error: Exception) -> str:
    name, value = getattr(error, "ename", ""), getattr(error, "evalue", "")
    if name:
        return shorten(clean(f"{name}: {value}"), 200)
    return shorten(clean(f"{type(error).__name__}: {error}"), 200)
