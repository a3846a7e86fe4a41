"""Which lock files outlived their owner? Only one that is old, that nobody has open and whose owner is *proved* dead is called stale.

Proof, of a file with a PID: another boot, no such process, or a process that began after the lock was written. Of a lock of git, which
names nobody: no living git process works in the repository. What cannot be proved is told as such and never touched.
"""

import glob
import json
import os
import re
import socket
import stat
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from jarvis_lib.execution.fixes.git import git_dir, repositories
from jarvis_lib.execution.fixes.holding import holders
from jarvis_lib.execution.fixes.watch import Reading, subject_of
from jarvis_lib.execution.own_state import refuse_own_state
from jarvis_lib.model.fact import Refused
from jarvis_lib.model.prose import clean, plural, seconds

_GIT_LOCKS = ("*.lock", "refs/**/*.lock", "worktrees/*/*.lock", "objects/info/*.lock", "gc.pid")
_MOST_BYTES = 4096
_SLACK_S = 2.0
_PID = re.compile(r"\s*(\d{1,10})\s*$")
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


def readings(home: Path, wanted: dict[str, Any], *, now: datetime) -> list[Reading]:
    """One reading for each lock file that `locks` or a repository has: its age in seconds, and whether its owner is dead."""
    limit = wanted["lock_minutes"] * 60
    return [_reading(home, path, repository, limit, now) for path, repository in _locks(home, wanted)]


def proof(path: Path, repository: Path | None) -> tuple[bool | None, str]:
    """(True: the owner is dead, False: it lives, None: that cannot be told; and the sentence why)."""
    found = holders(path)
    if found:
        return False, f"{found[0].said()} has it open"
    if repository is not None and path.name != "gc.pid":
        return no_git(repository)
    return _of_pid(path)


def _of_pid(path: Path) -> tuple[bool | None, str]:
    own = _owner(path)
    if own is None:
        return None, "it names no owner (no PID in it)"
    pid, host, boot = own
    if host not in ("", socket.gethostname()):
        return None, f"its owner is on another machine ({clean(host)[:60]})"
    if boot and _BOOT_ID.exists() and boot != _BOOT_ID.read_text().strip():
        return True, f"its owner, PID {pid}, ended with an earlier boot"
    return _is_dead(pid, path.stat().st_mtime)


def _is_dead(pid: int, written: float) -> tuple[bool, str]:
    import psutil

    try:
        process = psutil.Process(pid)
        began = process.create_time()
    except psutil.NoSuchProcess:
        return True, f"its owner, PID {pid}, is dead"
    except psutil.AccessDenied:
        return False, f"PID {pid} lives and belongs to another user"
    if process.status() == psutil.STATUS_ZOMBIE:
        return True, f"its owner, PID {pid}, has ended"
    if began > written + _SLACK_S:
        return True, f"its owner is dead: PID {pid} is now {clean(process.name())[:40]}, which began after the lock was written"
    return False, f"its owner, PID {pid} ({clean(process.name())[:40]}), lives"


def no_git(repository: Path) -> tuple[bool | None, str]:
    """(True: no living git works in the repository; False: one does; None: one is hidden from us; and the sentence why)."""
    import psutil

    hidden = 0
    for process in psutil.process_iter(["pid", "name"]):
        if not re.match(r"git(-|$)", process.info["name"] or ""):
            continue
        try:
            if process.status() == psutil.STATUS_ZOMBIE:
                continue
            where = Path(process.cwd())
            words = [process.cwd(), *process.cmdline(), process.environ().get("GIT_DIR", ""), process.environ().get("GIT_WORK_TREE", "")]
        except psutil.NoSuchProcess:
            continue
        except (psutil.Error, OSError):
            hidden += 1
            continue
        top = repository.parent if repository.name == ".git" else repository
        if where.is_relative_to(top) or where.is_relative_to(repository) or any(str(top) in w for w in words):
            return False, f"PID {process.pid} (git) works in this repository"
    if hidden:
        return None, f"{plural(hidden, 'git process', 'git processes')} of another user cannot be looked into"
    return True, "no git process works in this repository, and nobody has it open"


def _owner(path: Path) -> tuple[int, str, str] | None:
    """(PID, host, boot id) as the file tells them; a bare number, git's `PID host`, or JSON with `pid`."""
    try:
        with open(path, "rb") as file:
            text = file.read(_MOST_BYTES).decode("utf-8", "replace").strip()
    except OSError:
        return None
    if text.startswith("{"):
        try:
            raw = json.loads(text)
            return int(raw["pid"]), str(raw.get("host", raw.get("hostname", ""))), str(raw.get("boot_id", ""))
        except (ValueError, KeyError, TypeError):
            return None
    words = text.split()
    if not words or not _PID.match(words[0]) or int(words[0]) == 0 or len(words) > 2:
        return None
    return int(words[0]), words[1] if len(words) == 2 else "", ""


def _locks(home: Path, wanted: dict[str, Any]) -> Iterator[tuple[Path, Path | None]]:
    for top in repositories(home, wanted["repositories"]):
        inner = git_dir(top)
        names = {n for pattern in _GIT_LOCKS for n in glob.iglob(pattern, root_dir=inner, recursive=True)} if inner else set()
        yield from ((inner / n, inner) for n in sorted(names) if inner and _is_file(inner / n))
    for pattern in wanted["locks"]:
        named = sorted(glob.iglob(os.path.expanduser(pattern), root_dir=home, recursive=True, include_hidden=True))
        yield from ((p, None) for n in named if n.isprintable() and _is_file(p := Path(os.path.normpath(home / n))) and not _is_own(home, p))


def _is_file(path: Path) -> bool:
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except OSError:
        return False  # gone between the listing and now


def _is_own(home: Path, path: Path) -> bool:
    """Jarvis's own locks die with their owner and are never removed."""
    if not path.is_relative_to(home):
        return False
    try:
        refuse_own_state(path.relative_to(home).as_posix())
    except Refused:
        return True
    return False


def _reading(home: Path, path: Path, repository: Path | None, limit: float, now: datetime) -> Reading:
    subject = subject_of(home, path)
    try:
        seen = path.lstat()
        age = now.timestamp() - max(seen.st_mtime, seen.st_ctime)
        if age <= limit:
            return Reading("lock", subject, age, limit, False, f"{seconds(max(age, 0))} old; younger than {seconds(limit)} it is left alone")
        dead, why = proof(path, repository)
    except OSError as error:
        return Reading("lock", subject, None, limit, None, f"not measured: {error.strerror}")
    said = f"{seconds(age)} old; {why}"
    detail = {"age_s": round(age), "why": why, "repository": str(repository) if repository else None, "bytes": seen.st_size, "inode": seen.st_ino}
    return Reading("lock", subject, age, limit, dead, said, detail)
