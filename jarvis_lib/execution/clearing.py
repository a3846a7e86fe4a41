"""What lies in `data/` that nobody needs any more, and how is it removed? The folders of old attempts, and files that were archived or set aside.

Nothing is chosen here: the caller says which attempts and how old. What a removal that was cut off left is removed by the next.
"""

import os
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from itertools import chain
from pathlib import Path

from jarvis_lib.execution.repositories.bringing import folder_bytes
from jarvis_lib.execution.repositories.copying import remove
from jarvis_lib.model.prose import clean

ATTEMPTS, KEPT = Path("data/attempts"), Path("data/kept")
ASIDE = ("data/bundles/*.tar.gz", "data/sessions/*/", "data/attempts/trial-*/", "data/kept/settings-*.toml")
"""Archived copies of repositories, the notebooks of sessions, trials that were cut off, settings files that a task had changed."""
DAMAGED = ("data/jarvis.damaged-*.duckdb", "data/jarvis.damaged-*.duckdb.wal")
"""Databases that were rebuilt from the journal. A journal that was set aside is never removed."""


def attempts_there(home: Path) -> set[str]:
    """The attempts that have a folder: of their own, or with what their files were before."""
    return {p.name for top in (home / ATTEMPTS, home / KEPT) if top.is_dir() for p in top.iterdir() if p.is_dir() and not p.is_symlink()}


def aside(home: Path, *, now: datetime, keep_days: int) -> list[Path]:
    """What was archived or set aside more than `keep_days` ago, by the time of its file, oldest first."""
    before = (now.astimezone(UTC) - timedelta(days=keep_days)).timestamp()
    found = [p for p in chain.from_iterable(home.glob(pattern) for pattern in (*ASIDE, *DAMAGED)) if not p.is_symlink()]
    return sorted((p for p in found if p.stat().st_mtime < before), key=lambda p: (p.stat().st_mtime, p.name))


def folders_of(home: Path, attempts: Iterable[str]) -> list[Path]:
    """The folders of these attempts that are there. A name that is no plain one is left out."""
    return [p for name in attempts if os.path.basename(name) == name and name not in ("", ".", "..") for p in _of(home, name)]


def _of(home: Path, attempt: str) -> list[Path]:
    return [p for p in (home / ATTEMPTS / attempt, home / KEPT / attempt) if p.is_dir() and not p.is_symlink()]


def weigh(paths: Iterable[Path]) -> int:
    """What these files and folders take on the disk, in bytes."""
    return sum(folder_bytes(p) if p.is_dir() else p.lstat().st_blocks * 512 for p in paths)


def take_away(paths: Iterable[Path]) -> list[str]:
    """Remove them; a sentence for each that could not be removed, which is tried again the next time."""
    told = []
    for path in paths:
        try:
            remove(path)
        except OSError as error:
            told.append(f"{path.name} could not be removed whole ({clean(str(error))[:120]})")
    return told
