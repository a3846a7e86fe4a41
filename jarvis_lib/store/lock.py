"""Who may touch the store now? A `flock` on a side file, waited for in the kernel's fair queue.

The lock dies with its owner, so it is never stale. Polling is not fair (one waiter starved 6 s where the queue took 0.1 s);
a thread waits instead, so that the wait can have an end.
"""

import fcntl
import json
import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from jarvis_lib.model.fact import Refused


@contextmanager
def held(path: Path, *, wait_s: float, what: str) -> Iterator[None]:
    """Hold the lock `path`. Raises Refused (busy) that names the owner after `wait_s` seconds."""
    fd = take(path, wait_s=wait_s, what=what)
    try:
        yield
    finally:
        os.close(fd)


def take(path: Path, *, wait_s: float, what: str) -> int:
    """The descriptor that holds the lock until it is closed. Not inherited by children."""
    fd = _open(path)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        if not _queue(fd, wait_s):
            raise Refused(f"{what} is busy: {owner(path) or 'another process'} has it. Try again in a moment.", code="busy") from None
    _sign(fd)
    return fd


def owner(path: Path) -> str:
    """`PID 123 (jarvis queue list), since 14:02:11 UTC`, or nothing when no owner signed."""
    try:
        raw = json.loads(path.read_text())
        since = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(raw["since"]))
        return f"PID {raw['pid']} ({raw['program']}), since {since} UTC"
    except (OSError, ValueError, KeyError):
        return ""


def is_free(path: Path) -> bool:
    """True when nobody holds the lock at this moment."""
    if not path.exists():
        return True
    fd = _open(path)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    except BlockingIOError:
        return False
    finally:
        os.close(fd)


def _open(path: Path) -> int:
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise Refused(f"{path} cannot be opened ({error.strerror}); make the folder writable.", code="failed") from error


def _queue(fd: int, wait_s: float) -> bool:
    """Wait in the kernel's queue; False when the time is over (the thread then closes the descriptor itself)."""
    got, gone, gate = threading.Event(), threading.Event(), threading.Lock()

    def wait() -> None:
        fcntl.flock(fd, fcntl.LOCK_EX)
        with gate:
            if gone.is_set():
                os.close(fd)
            else:
                got.set()

    threading.Thread(target=wait, daemon=True).start()
    if got.wait(wait_s):
        return True
    with gate:
        if got.is_set():
            return True
        gone.set()
        return False


def _sign(fd: int) -> None:
    program = " ".join([Path(sys.argv[0]).name or "python", *sys.argv[1:3]])[:80]
    text = json.dumps({"pid": os.getpid(), "program": program, "since": int(time.time())})
    with suppress(OSError):  # a full disk must not stop the one who holds the lock; the name is only a courtesy
        os.ftruncate(fd, 0)
        os.pwrite(fd, text.encode(), 0)
