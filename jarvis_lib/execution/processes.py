"""Run one command under limits and leave nothing behind. How did it end, and what did it print?

For workers only: a worker does one thing at a time, so everything below its process belongs to the command that it runs. When `run`
returns, all of it is dead, whether the command ended, hung, ignored TERM or left daemons in sessions of their own.
"""

import contextlib
import errno
import os
import resource
import selectors
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from shlex import quote

from jarvis_lib.execution import cgroup, tree
from jarvis_lib.execution.output import Output
from jarvis_lib.model.prose import clean, plural, seconds, shorten, size

NOT_FOUND = 127
NOT_RUNNABLE = 126
_LOOK_S = 0.2
_SETTLE_S = 1.0
_CHUNK = 1 << 16
_MOST_OPEN = 1 << 16
_FILE_TOO_LARGE = (-signal.SIGXFSZ, 128 + signal.SIGXFSZ)


@dataclass(frozen=True, slots=True)
class Bounds:
    """How long and how much: `wall_s` from now, resident bytes of the tree (0: any), seconds between TERM and KILL.

    `idle_s` without a byte of output, `processes` of the tree at once, `file_bytes` of any one file; 0 is any.
    """

    wall_s: float
    memory_bytes: int
    grace_s: float
    idle_s: float = 0.0
    processes: int = 0
    file_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Ended:
    """`how`: exited, not_started, timed_out, idle, over_memory, over_processes, over_file or stopped.

    `leftovers` counts processes that outlived the command.
    """

    how: str
    exit_code: int | None
    seconds: float
    why: str = ""
    leftovers: int = 0


def run(
    argv: Sequence[str],
    *,
    cwd: Path,
    env: Mapping[str, str],
    bounds: Bounds,
    out: Output,
    err: Output | None = None,
    stop: Callable[[], bool] = lambda: False,
    given: int = subprocess.DEVNULL,
) -> Ended:
    """Run `argv` to its end or to its bounds. What it prints goes to `out`; errors too, unless `err` takes them.

    It reads nothing, or what the descriptor `given` holds.
    """
    with cgroup.held(processes=bounds.processes, memory_bytes=bounds.memory_bytes) as group:
        return _run(argv, cwd, env, bounds, out, err, stop, group, given)


def _run(
    argv: Sequence[str],
    cwd: Path,
    env: Mapping[str, str],
    bounds: Bounds,
    out: Output,
    err: Output | None,
    stop: Callable[[], bool],
    group: cgroup.Group,
    given: int,
) -> Ended:
    begin = time.monotonic()
    process = _start(argv, cwd, env, bounds, group, apart=err is not None, given=given)
    if isinstance(process, Ended):
        return process
    with process, selectors.DefaultSelector() as selector:
        sinks = [(process.stdout, out), (process.stderr, err)]
        for stream, sink in sinks:
            if stream is not None and sink is not None:
                os.set_blocking(stream.fileno(), False)
                selector.register(stream, selectors.EVENT_READ, sink)
        with _wakes_at_exit(process.pid, selector):
            how = _until_over(process, selector, begin, bounds, stop, group, lambda: out.total + (err.total if err else 0))
        if how == "exited":
            _settle()
        leftovers = tree.end(tree.below_me, grace_s=bounds.grace_s)
        code = process.wait()
        for stream, sink in sinks:
            if stream is not None and sink is not None:
                _drain(stream.fileno(), sink)
                sink.flush()
    if how == "exited" and code in _FILE_TOO_LARGE and bounds.file_bytes:
        how = "over_file"
    if how == "exited" and group.out_of_memory():
        how = "over_memory"
    outlived = leftovers if how == "exited" else 0
    return Ended(how, code, time.monotonic() - begin, leftovers=outlived)


def shell(line: str) -> list[str]:
    """The argv that has the shell run `line`."""
    return ["/bin/sh", "-c", line]


def said_command(argv: Sequence[str]) -> str:
    """The command as one short line."""
    line = argv[2] if len(argv) == 3 and argv[:2] == ["/bin/sh", "-c"] else " ".join(quote(a) for a in argv)
    return shorten(clean(line), 80)


def said_ended(name: str, ended: Ended, bounds: Bounds, last_line: str = "") -> str:
    """One sentence about how it ended, with the last line it printed where that helps."""
    after = f": {shorten(last_line, 160)}" if last_line else ""
    if ended.how == "not_started":
        return ended.why
    if ended.how == "timed_out":
        return f"{name} did not end within {seconds(bounds.wall_s)} and was ended{after}"
    if ended.how == "idle":
        return f"{name} printed nothing for {seconds(bounds.idle_s)} and was ended{after}"
    if ended.how == "over_processes":
        return f"{name} had more than {bounds.processes} processes at once and was ended{after}"
    if ended.how == "over_file":
        return f"{name} wrote a file larger than {size(bounds.file_bytes)} and was ended{after}"
    if ended.how == "over_memory":
        return f"{name} used more than {size(bounds.memory_bytes)} of memory and was ended{after}"
    if ended.how == "stopped":
        return f"{name} was stopped after {seconds(ended.seconds)}"
    left = f"; {plural(ended.leftovers, 'process', 'processes')} that it left behind were ended" if ended.leftovers else ""
    if ended.exit_code == 0:
        return f"{name} ended with exit 0 after {seconds(ended.seconds)}{left}"
    return f"{name} {said_exit(ended.exit_code)} after {seconds(ended.seconds)}{after}{left}"


def said_exit(code: int | None) -> str:
    """`ended with exit 3`, `was killed by signal 9 (KILL)`."""
    if code is not None and code < 0:
        with contextlib.suppress(ValueError):
            return f"was killed by signal {-code} ({signal.Signals(-code).name.removeprefix('SIG')})"
    if code == NOT_FOUND:
        return "ended with exit 127 (a command was not found)"
    return f"ended with exit {code}"


def _start(
    argv: Sequence[str], cwd: Path, env: Mapping[str, str], bounds: Bounds, group: cgroup.Group, *, apart: bool, given: int
) -> "subprocess.Popen[bytes] | Ended":
    if not cwd.is_dir():
        return Ended("not_started", None, 0.0, f"{said_command(argv)} cannot start: there is no folder {clean(str(cwd))}")
    try:
        return subprocess.Popen(
            list(argv),
            cwd=cwd,
            env=dict(env),
            stdin=given,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE if apart else subprocess.STDOUT,
            start_new_session=True,
            bufsize=0,
            preexec_fn=lambda: _limit(bounds, group),
        )
    except FileNotFoundError:
        return Ended("not_started", NOT_FOUND, 0.0, f"The command {clean(argv[0])[:80]!r} was not found; install it or give its full path")
    except PermissionError:
        return Ended("not_started", NOT_RUNNABLE, 0.0, f"{clean(argv[0])[:80]!r} may not be run; make it executable with chmod +x")
    except (OSError, ValueError) as error:
        if isinstance(error, OSError) and error.errno not in (errno.ENOEXEC, errno.E2BIG, errno.ENOTDIR, errno.ELOOP, errno.ENAMETOOLONG):
            raise  # no memory or no process left is the machine's trouble, not the command's
        return Ended("not_started", NOT_RUNNABLE, 0.0, f"{clean(argv[0])[:80]!r} cannot be run: {clean(str(error))[:160]}")


def _settle() -> None:
    """A process namespace ends with its first process, but not in the same moment; what is ending by itself was not left behind."""
    until = time.monotonic() + _SETTLE_S
    while time.monotonic() < until and any(tree.is_named(pid, "bwrap") for pid in tree.below_me()):
        time.sleep(0.002)


def _limit(bounds: Bounds, group: cgroup.Group) -> None:
    """In the child, before it becomes the command, so that nothing of it ever runs without: its group, no core files, files and descriptors.

    Only system calls: a worker may have threads, and what they hold is never let go here.
    """
    group.enter()
    limit_files(bounds.file_bytes)
    _lower(resource.RLIMIT_NOFILE, _MOST_OPEN)


def limit_files(file_bytes: int) -> None:
    """For this process and what it starts: no core files, and no file larger than `file_bytes` (0: any)."""
    _lower(resource.RLIMIT_CORE, 0)
    if file_bytes:
        _lower(resource.RLIMIT_FSIZE, file_bytes)


def _lower(what: int, most: int) -> None:
    """Set a limit, and never above what this process itself has."""
    soft, hard = (most if own == resource.RLIM_INFINITY else min(own, most) for own in resource.getrlimit(what))
    resource.setrlimit(what, (soft, hard))


def _until_over(
    process: "subprocess.Popen[bytes]",
    selector: selectors.BaseSelector,
    begin: float,
    bounds: Bounds,
    stop: Callable[[], bool],
    group: cgroup.Group,
    printed: Callable[[], int],
) -> str:
    """Read what it prints until it ends or a bound is hit; which of these it was."""
    looked = heard = begin
    count = 0
    while process.poll() is None:
        now = time.monotonic()
        if stop():
            return "stopped"
        if now - begin >= bounds.wall_s:
            return "timed_out"
        if printed() != count:
            count, heard = printed(), now
        if bounds.idle_s and now - heard >= bounds.idle_s:
            return "idle"
        if (bounds.memory_bytes or bounds.processes) and now - looked >= _LOOK_S:
            looked = now
            tree.bury(process.pid)
            alive = tree.below_me()
            over = "over_processes" if bounds.processes and len(alive) > bounds.processes else ""
            if bounds.memory_bytes and (tree.resident(alive) > bounds.memory_bytes or group.out_of_memory()):
                over = "over_memory"
            if over:
                group.close()
                tree.kill(tree.below_me)  # no grace: what grows that fast may take the machine with it
                return over
        _read_ready(selector, min(_LOOK_S, max(begin + bounds.wall_s - now, 0.001)))
    return "exited"


def _read_ready(selector: selectors.BaseSelector, timeout_s: float) -> None:
    for key, _ in selector.select(timeout_s):
        if isinstance(key.data, Output):
            data = os.read(key.fd, _CHUNK)
            if data:
                key.data.write(data)
            else:
                selector.unregister(key.fileobj)


def _drain(fd: int, sink: Output) -> None:
    """What is still in the pipe. Everybody who could write is dead, so this ends."""
    with contextlib.suppress(BlockingIOError):
        while data := os.read(fd, _CHUNK):
            sink.write(data)


@contextlib.contextmanager
def _wakes_at_exit(pid: int, selector: selectors.BaseSelector) -> Iterator[None]:
    """Wake the selector when the process ends, where the system can tell; elsewhere it is looked at every 0.2 s."""
    if not hasattr(os, "pidfd_open"):
        yield
        return
    fd = os.pidfd_open(pid)
    selector.register(fd, selectors.EVENT_READ)
    try:
        yield
    finally:
        selector.unregister(fd)
        os.close(fd)
