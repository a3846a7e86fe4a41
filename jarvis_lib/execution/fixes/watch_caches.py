"""Which files in the named cache and temp folders are old enough to go? What is younger, or was not named, is never listed.

Links and other disks are not followed, a repository inside of a folder is left alone, and so is what holds Jarvis's own state.
"""

import glob
import os
import stat
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from jarvis_lib.execution.fixes.watch import Reading, subject_of
from jarvis_lib.execution.own_state import refuse_own_state
from jarvis_lib.model.fact import Refused
from jarvis_lib.model.prose import clean, plural, size

_DAY_S = 86_400.0
_NAMED = 20
_MOST_ENTRIES = 200_000


def readings(home: Path, wanted: dict[str, Any], *, now: datetime) -> list[Reading]:
    """One reading for each folder or file that `caches` names: the bytes of what is older than `cache_keep_days`."""
    return [_reading(home, root, wanted["cache_keep_days"], now) for pattern in wanted["caches"] for root in _roots(home, pattern)]


def old_files(root: Path, *, keep_days: int, now: datetime) -> list[tuple[Path, int]]:
    """(path, bytes) of the plain files at or below `root` that neither came nor changed for `keep_days`, in order.

    Both times of a file count, so what was unpacked yesterday with an old date is young.
    """
    limit = now.timestamp() - keep_days * _DAY_S
    found = []
    for number, entry in enumerate(_files(root)):
        if number >= _MOST_ENTRIES:
            break
        seen = entry.stat(follow_symlinks=False)
        if max(seen.st_mtime, seen.st_ctime) < limit:
            found.append((Path(entry.path), seen.st_size))
    return sorted(found)


def unfit(home: Path, root: Path) -> str:
    """Why `root` may not be cleaned although it was named, or nothing."""
    if root.is_symlink():
        return "it is a link; name the folder itself"
    if home.is_relative_to(root):
        return "it holds this workspace"
    if Path.home().is_relative_to(root):
        return "it holds your home folder"
    if ".git" in root.parts or (root / ".git").exists():
        return "it belongs to a repository"
    if root.is_relative_to(home):
        try:
            refuse_own_state(root.relative_to(home).as_posix())
        except Refused:
            return "it belongs to Jarvis's own state"
    return ""


def _roots(home: Path, pattern: str) -> list[Path]:
    names = glob.iglob(os.path.expanduser(pattern), root_dir=home, recursive=True, include_hidden=True)
    return sorted({Path(os.path.normpath(home / n)) for n in names if n.isprintable()})


def _reading(home: Path, root: Path, keep_days: int, now: datetime) -> Reading:
    subject = subject_of(home, root)
    why = unfit(home, root)
    if why:
        return Reading("cache", subject, None, None, None, f"not cleaned: {why}")
    try:
        old = old_files(root, keep_days=keep_days, now=now)
    except OSError as error:
        return Reading("cache", subject, None, None, None, f"not measured: {error.strerror} ({clean(str(error.filename))})")
    total = sum(count for _, count in old)
    said = f"{plural(len(old), 'file')} ({size(total)}) neither came nor changed for {plural(keep_days, 'day')}"
    names = [subject_of(home, path) for path, _ in old[:_NAMED]]
    return Reading("cache", subject, total, 0, bool(old), said, {"count": len(old), "bytes": total, "keep_days": keep_days, "files": names})


def _files(root: Path) -> Iterator["os.DirEntry[str]"]:
    """Plain files of this user with a name that can be written down, on the disk of `root`, outside of repositories."""
    if stat.S_ISREG(root.lstat().st_mode):
        with os.scandir(root.parent) as beside:
            yield from (e for e in beside if e.name == root.name)
        return
    disk, own, waiting = root.lstat().st_dev, os.geteuid(), [os.fspath(root)]
    while waiting:
        with os.scandir(waiting.pop()) as folder:
            entries = sorted((e for e in folder if e.name.isprintable()), key=lambda e: e.name)
        if any(e.name == ".git" for e in entries):
            continue
        for entry in entries:
            seen = entry.stat(follow_symlinks=False)
            if seen.st_dev != disk or seen.st_uid != own:
                continue
            if stat.S_ISDIR(seen.st_mode):
                waiting.append(entry.path)
            elif stat.S_ISREG(seen.st_mode):
                yield entry
