"""Copies that nobody needs any more: archived first, then removed, by age and by what they take together."""

import os
import tarfile
from collections.abc import Mapping
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import Any

from jarvis_lib.execution.repositories.bringing import folder_bytes
from jarvis_lib.execution.repositories.copying import remove
from jarvis_lib.execution.results import sync_folder
from jarvis_lib.model.prose import clean, plural, size

WORKTREES, BUNDLES = Path("data/worktrees"), Path("data/bundles")
_GONE = ".archived"
"""Ends the name of a copy that has its archive and is being removed."""


def archive(folder: Path, into: Path) -> Path:
    """The whole copy with what was never committed, as `into/NAME.tar.gz`: written, read again in full, then named. Git is not run in it.

    An earlier archive of that name is kept; the new one is then `NAME-2.tar.gz` and so on.
    """
    into.mkdir(parents=True, exist_ok=True)
    temporary = into / f".{folder.name}.tar.gz.part"
    try:
        _write_and_read(folder, temporary)
    except (OSError, tarfile.TarError):
        temporary.unlink(missing_ok=True)  # a disk that is full is not to stay full
        raise
    final = _free_name(into, folder.name)
    os.replace(temporary, final)
    sync_folder(into)
    return final


def _write_and_read(folder: Path, temporary: Path) -> None:
    with tarfile.open(temporary, "w:gz", compresslevel=3) as tar:
        tar.add(folder, arcname=folder.name, filter=lambda info: info if info.isfile() or info.isdir() or info.issym() else None)
    with tarfile.open(temporary, "r:gz") as tar:
        for member in tar:
            stream = tar.extractfile(member) if member.isfile() else None
            while stream is not None and stream.read(1 << 20):
                pass
    with open(temporary, "rb") as stream:
        os.fsync(stream.fileno())


def _free_name(into: Path, name: str) -> Path:
    names = (into / f"{name}{f'-{n}' if n > 1 else ''}.tar.gz" for n in count(1))
    return next(path for path in names if not os.path.lexists(path))


def sweep(home: Path, settings: Mapping[str, Any], *, now: datetime, alive: set[str]) -> list[str]:
    """Archive and remove the copies of tasks that are not `alive`: those older than `keep_days`, then the oldest while all take more than `most_gb`.

    One sentence for what was done; a copy that cannot be archived is kept, and told. An archived copy is renamed before it is removed, so what a
    removal that was cut off left is removed by the next, and never archived over the whole one.
    """
    top = home / WORKTREES
    if not top.is_dir():
        return []
    kept = _remove_archived(top)
    copies = [p for p in top.iterdir() if p.is_dir() and not p.is_symlink() and not p.name.endswith(_GONE)]
    folders = sorted((p for p in copies if p.name not in alive), key=lambda p: (p.stat().st_mtime, p.name))
    sizes = {p: folder_bytes(p) for p in copies}
    total, most = sum(sizes.values()), settings["most_gb"] * 1024**3
    removed, freed = 0, 0
    for folder in folders:
        age_days = (now.timestamp() - folder.stat().st_mtime) / 86400
        if age_days < settings["keep_days"] and total <= most:
            continue
        try:
            archive(folder, home / BUNDLES)
            os.replace(folder, folder.with_name(folder.name + _GONE))
        except (OSError, tarfile.TarError) as error:
            kept.append(f"the copy {folder.name} could not be archived and is kept ({clean(str(error))[:120]})")
            continue
        removed, freed, total = removed + 1, freed + sizes[folder], total - sizes[folder]
    kept += _remove_archived(top)
    done = [f"{plural(removed, 'copy', 'copies')} of repositories archived and removed ({size(freed)})"] if removed else []
    return done + kept


def _remove_archived(top: Path) -> list[str]:
    """Remove what has its archive. What cannot be removed now is told, and tried again the next time."""
    told = []
    for folder in sorted(top.glob(f"*{_GONE}")):
        try:
            remove(folder)
        except OSError as error:
            told.append(f"{folder.name} is archived but could not be removed whole ({clean(str(error))[:120]})")
    return told
