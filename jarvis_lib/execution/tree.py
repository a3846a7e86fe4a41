"""Which processes belong to an attempt, how much memory do they hold, and how are all of them ended?

On Linux a worker is a *subreaper*: whatever its child leaves behind (a double fork, an own session) becomes a child of the worker, so
"everything below me" is the whole tree. What lost its worker is found by the tag `JARVIS_ATTEMPT=ID` in its environment.
"""

import contextlib
import os
import signal
import time
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from pathlib import Path

TAG = "JARVIS_ATTEMPT"
_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_KILL_ROUNDS = 300
_PAUSE_S = 0.01
_ADOPTING = [False]


def adopt_orphans(died: signal.Signals) -> bool:
    """Make this process the parent of every orphan below it, and have it sent `died` when its own parent ends. False where it cannot."""
    if not _is_linux():
        return False
    import ctypes

    libc = ctypes.CDLL(None, use_errno=True)
    adopts: int = libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    hears: int = libc.prctl(_PR_SET_PDEATHSIG, int(died), 0, 0, 0)
    _ADOPTING[0] = adopts == 0
    return adopts == 0 and hears == 0


def bury(own: int) -> int:
    """Collect the orphans of this process that have ended, all but its `own` child; how many there were.

    A dead orphan that nobody collects keeps its number: a command whose processes end faster than they are counted would use up the machine's numbers.
    """
    count = 0
    while _ADOPTING[0]:
        try:
            dead = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        except ChildProcessError:
            break
        if dead is None or dead.si_pid == own:
            break
        os.waitpid(dead.si_pid, os.WNOHANG)
        count += 1
    return count


def descendants(root: int) -> list[int]:
    """The living processes below `root`, parents first; without zombies."""
    if not _has_children_files():
        return _descendants_by_psutil(root)
    found: dict[int, None] = {}
    waiting = [root]
    while waiting:
        for child in _children(waiting.pop()):
            if child not in found:
                found[child] = None
                waiting.append(child)
    return [pid for pid in found if not _is_zombie(pid)]


def below_me() -> list[int]:
    """Everything below this process: for a worker, its attempt."""
    return descendants(os.getpid())


def resident(pids: Iterable[int]) -> int:
    """Bytes of memory that the processes hold together."""
    return sum(_resident(pid) for pid in pids)


def end(find: Callable[[], Sequence[int]], *, grace_s: float) -> int:
    """TERM, then KILL for whatever `find` still finds after the grace; how many processes there were. Nothing is alive afterwards."""
    seen = set(find())
    if not seen:
        return 0
    _send(seen, signal.SIGTERM)
    _send(seen, signal.SIGCONT)
    until = time.monotonic() + grace_s
    while time.monotonic() < until:
        left = find()
        if not left:
            return len(seen)
        _send(set(left) - seen, signal.SIGTERM)
        seen |= set(left)
        time.sleep(_PAUSE_S)
    return len(seen | kill(find))


def kill(find: Callable[[], Sequence[int]]) -> set[int]:
    """KILL whatever `find` finds until it finds nothing; the processes that were hit."""
    seen: set[int] = set()
    for _ in range(_KILL_ROUNDS):
        left = find()
        if not left:
            break
        seen |= set(left)
        _send(left, signal.SIGSTOP)  # a tree that forks faster than it is read must not grow while it is killed
        _send(left, signal.SIGKILL)
        time.sleep(_PAUSE_S)
    return seen


def tagged(attempts: Sequence[str]) -> list[int]:
    """The living processes of these attempts, by their environment, with what they started; never this process or one above it."""
    tags = {f"{TAG}={attempt}".encode() for attempt in attempts}
    spared = _above(os.getpid())
    roots = [pid for pid in _all() if pid not in spared and tags & set(_environment(pid))]
    found = dict.fromkeys(roots)
    for root in roots:
        found |= dict.fromkeys(descendants(root))
    return [pid for pid in found if pid not in spared and not _is_zombie(pid)]


def is_named(pid: int, name: str) -> bool:
    """Is this the name of the process's program, as the kernel keeps it? False where there is no /proc."""
    return _read(f"/proc/{pid}/comm").strip() == name.encode()[:15]


def _send(pids: Iterable[int], number: signal.Signals) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, number)


# --- reading /proc, or psutil where there is none --------------------------------------------------------------------------


@cache
def _is_linux() -> bool:
    return os.path.isdir("/proc/self/task")


@cache
def _has_children_files() -> bool:
    return os.path.exists(f"/proc/self/task/{os.getpid()}/children")


def _read(path: str) -> bytes:
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return b""  # it has just ended, or belongs to somebody else
    try:
        parts = []
        while part := os.read(fd, 65536):
            parts.append(part)
        return b"".join(parts)
    except OSError:
        return b""
    finally:
        os.close(fd)


def _children(pid: int) -> list[int]:
    try:
        threads = os.listdir(f"/proc/{pid}/task")
    except OSError:
        return []
    return [int(child) for thread in threads for child in _read(f"/proc/{pid}/task/{thread}/children").split()]


def _stat(pid: int) -> list[bytes]:
    """The fields of /proc/PID/stat from the state on; the name before it may hold anything."""
    return _read(f"/proc/{pid}/stat").rpartition(b") ")[2].split()


def _is_zombie(pid: int) -> bool:
    if not _is_linux():
        return _zombie_by_psutil(pid)
    fields = _stat(pid)
    return not fields or fields[0] in (b"Z", b"X")


def _resident(pid: int) -> int:
    if not _is_linux():
        return _resident_by_psutil(pid)
    fields = _read(f"/proc/{pid}/statm").split()
    return int(fields[1]) * os.sysconf("SC_PAGE_SIZE") if len(fields) > 1 else 0


def _all() -> list[int]:
    if _is_linux():
        return [int(name) for name in os.listdir("/proc") if name.isdigit()]
    import psutil

    return list(psutil.pids())


def _environment(pid: int) -> list[bytes]:
    if _is_linux():
        return _read(f"/proc/{pid}/environ").split(b"\0")
    import psutil

    try:
        return [f"{name}={value}".encode() for name, value in psutil.Process(pid).environ().items()]
    except (psutil.Error, OSError):
        return []


def _above(pid: int) -> set[int]:
    """`pid` and the processes above it."""
    above = {pid}
    while pid > 1:
        pid = _parent(pid)
        if pid in above:
            break
        above.add(pid)
    return above


def _parent(pid: int) -> int:
    if _is_linux():
        fields = _stat(pid)
        return int(fields[1]) if len(fields) > 1 else 0
    import psutil

    try:
        return int(psutil.Process(pid).ppid())
    except psutil.Error:
        return 0


def _descendants_by_psutil(root: int) -> list[int]:
    import psutil

    try:
        return [p.pid for p in psutil.Process(root).children(recursive=True) if not _zombie_by_psutil(p.pid)]
    except psutil.Error:
        return []


def _zombie_by_psutil(pid: int) -> bool:
    import psutil

    try:
        return bool(psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return True


def _resident_by_psutil(pid: int) -> int:
    import psutil

    try:
        return int(psutil.Process(pid).memory_info().rss)
    except psutil.Error:
        return 0


def exists(pid: int) -> bool:
    """Is there a living process of this number?"""
    return Path(f"/proc/{pid}").exists() and not _is_zombie(pid) if _is_linux() else not _zombie_by_psutil(pid)
