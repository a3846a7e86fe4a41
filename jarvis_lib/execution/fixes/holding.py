"""Who has this file open? Linux is asked with a lease: granted only when nobody else has it, and newcomers wait until it ends."""

import errno
import fcntl
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from jarvis_lib.model.fact import Refused
from jarvis_lib.model.prose import clean, listed

_SETSIG = 10
"""F_SETSIG of Linux, which Python does not name."""


@dataclass(frozen=True, slots=True)
class Holder:
    """A process that has the file open. `writes` and `appends` tell how."""

    pid: int
    name: str
    writes: bool
    appends: bool

    def said(self) -> str:
        """As it is named to the person: its PID and its name."""
        return f"PID {self.pid} ({clean(self.name)[:40]})"


@contextmanager
def alone(fd: int, path: Path) -> Iterator[None]:
    """Nobody else has the file of `fd` open in here. Raises Refused that names who has.

    Where the system knows no leases (macOS, some file systems) the visible processes are looked through instead.
    """
    leased = _lease(fd, path)
    try:
        yield
    finally:
        if leased:
            fcntl.fcntl(fd, fcntl.F_SETLEASE, fcntl.F_UNLCK)


def _lease(fd: int, path: Path) -> bool:
    """True for a lease, False where there are none and nobody was seen."""
    try:
        # The default signal of a lease ends the process; SIGURG is ignored by default.
        fcntl.fcntl(fd, _SETSIG, signal.SIGURG)
        fcntl.fcntl(fd, fcntl.F_SETLEASE, fcntl.F_WRLCK)
        return True
    except (OSError, AttributeError) as error:
        found = holders(path)
        if found or (isinstance(error, OSError) and error.errno == errno.EAGAIN):
            raise Refused(_in_use(path, found), code="busy") from error
        return False


def _in_use(path: Path, found: list[Holder]) -> str:
    who = listed([h.said() for h in found]) or "another program"
    return f"{clean(str(path))} is open in {who}; it was left as it is. Close it there and scan again."


def holders(path: Path) -> list[Holder]:
    """The other processes that have `path` open, as far as this user may see."""
    import psutil

    real = os.path.realpath(path)
    found = []
    for process in psutil.process_iter(["pid", "name"]):
        try:
            files = [] if process.pid == os.getpid() else process.open_files()
        except (psutil.Error, OSError):
            continue  # ended meanwhile, or of another user
        for file in files:
            if file.path == real:
                mode = str(getattr(file, "mode", "r+"))
                found.append(Holder(process.pid, process.info["name"] or "?", mode != "r", "a" in mode))
    return found


def refuse_offset_writers(path: Path) -> None:
    """Raise Refused when a process writes the log at an own offset: shortened under it, the log would get a hole of that size."""
    found = [h for h in holders(path) if h.writes and not h.appends]
    if found:
        who = listed([h.said() for h in found])
        raise Refused(
            f"{clean(str(path))} is written by {who} without append mode, so it cannot be shortened while that runs."
            " Start it with >> instead of >, and scan again."
        )
