"""Control groups of Linux: can the kernel itself hold a command to its memory and its number of processes? Where it lets us, it does.

The looks at the process tree stay: they tell what happened, and they are all there is elsewhere. Groups hold what grows faster than one can look. A
group is named after the worker that made it, so that those of killed workers are found and removed.
"""

import contextlib
import itertools
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from jarvis_lib.execution import tree

TOP = Path("/sys/fs/cgroup")
_PREFIX = "jarvis-"
_TASKS = 4  # the kernel counts threads, too
_LEAST_TASKS = 2048
_TRIES, _PAUSE_S = 50, 0.01
_numbers = itertools.count()


@dataclass(frozen=True, slots=True)
class Group:
    """The folders of one group: one for each hierarchy. Without folders it holds nothing, and says so by being empty."""

    folders: tuple[Path, ...] = ()

    def enter(self) -> None:
        """Put this process into the group: for a child between its fork and its program."""
        for folder in self.folders:
            fd = os.open(folder / "cgroup.procs", os.O_WRONLY | os.O_CLOEXEC)
            os.write(fd, b"0")
            os.close(fd)

    def close(self) -> None:
        """Let nothing in the group start anything more, so that it cannot grow while it is ended."""
        for folder in self.folders:
            if (folder / "pids.max").exists():
                (folder / "pids.max").write_text("0")

    def out_of_memory(self) -> bool:
        """Did the kernel end a process of the group because of its memory?"""
        return any(_count(folder / name, "oom_kill") for folder in self.folders for name in ("memory.events", "memory.oom_control"))


@contextlib.contextmanager
def held(*, processes: int, memory_bytes: int, top: Path = TOP) -> Iterator[Group]:
    """A new group with these limits (0: none), as far as the machine lets us make one; removed afterwards, when what was in it is dead."""
    made = []
    name = f"{_PREFIX}{os.getpid()}-{next(_numbers)}"
    most = {"pids.max": max(_TASKS * processes, _LEAST_TASKS) if processes else 0, "memory.max": memory_bytes, "memory.limit_in_bytes": memory_bytes}
    limits = {file: limit for file, limit in most.items() if limit}
    for parent in _parents(top) if limits else ():
        _sweep(parent)
        if _make(parent / name, limits):
            made.append(parent / name)
    try:
        yield Group(tuple(made))
    finally:
        for folder in made:
            _remove(folder)


def _make(folder: Path, limits: dict[str, int]) -> bool:
    """Make the group with those of the limits that its hierarchy knows; False, and nothing left, where this user or this machine may not."""
    try:
        folder.mkdir()
    except OSError:
        return False
    known = {file: limit for file, limit in limits.items() if (folder / file).exists()}
    try:
        for file, limit in known.items():
            (folder / file).write_text(str(limit))
    except OSError:
        known = {}
    if not known or not os.access(folder / "cgroup.procs", os.W_OK):
        _remove(folder)
        return False
    return True


def _parents(top: Path) -> list[Path]:
    """Where a group of ours could stand: beside this process's own in version 2, where only leaves hold processes; below it in version 1."""
    try:
        lines = Path("/proc/self/cgroup").read_text(encoding="utf-8").splitlines()
    except OSError:
        return []
    found = []
    for line in lines:
        _, names, path = line.split(":", 2)
        if not names and (top / "cgroup.controllers").exists():
            own = top / path.lstrip("/")
            enabled = _words((own.parent if own != top else own) / "cgroup.subtree_control")
            if {"pids", "memory"} & enabled:
                found.append(own.parent if own != top else own)
        found += [top / name / path.lstrip("/") for name in names.split(",") if name in ("pids", "memory")]
    return [folder for folder in found if os.access(folder, os.W_OK)]


def _sweep(parent: Path) -> None:
    """Remove the groups of workers that are gone, with whatever is alive in them."""
    for old in parent.glob(f"{_PREFIX}*-*"):
        number = old.name.removeprefix(_PREFIX).partition("-")[0]
        if number.isdigit() and not tree.exists(int(number)):
            _end(old)


def _end(folder: Path) -> None:
    tree.kill(lambda: sorted(map(int, _words(folder / "cgroup.procs"))))
    _remove(folder)


def _remove(folder: Path) -> None:
    """A group whose last process has just died may be busy for a moment. What cannot be removed is swept by the next worker."""
    for _ in range(_TRIES):
        try:
            folder.rmdir()
        except FileNotFoundError:
            return
        except OSError:
            time.sleep(_PAUSE_S)
        else:
            return


def _words(path: Path) -> set[str]:
    try:
        return set(path.read_text(encoding="ascii").split())
    except OSError:
        return set()


def _count(path: Path, name: str) -> int:
    try:
        lines = [line.split() for line in path.read_text(encoding="ascii").splitlines()]
    except OSError:
        return 0
    return next((int(words[1]) for words in lines if len(words) == 2 and words[0] == name), 0)
