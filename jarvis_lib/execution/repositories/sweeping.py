"""Copies that nobody needs any more: archived first, then removed, by age and by what they take together."""

import os
import tarfile
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from jarvis_lib.execution.repositories.bringing import folder_bytes
from jarvis_lib.execution.repositories.copying import remove
from jarvis_lib.execution.results import sync_folder
from jarvis_lib.model.prose import clean, plural, size

WORKTREES, BUNDLES = Path("data/worktrees"), Path("data/bundles")


def archive(folder: Path, into: Path) -> Path:
    """The whole copy with what was never committed, as `into/NAME.tar.gz`: written, read again in full, then named. Git is not run in it."""
    into.mkdir(parents=True, exist_ok=True)
    final = into / f"{folder.name}.tar.gz"
    temporary = into / f".{folder.name}.tar.gz.part"
    with tarfile.open(temporary, "w:gz", compresslevel=3) as tar:
        tar.add(folder, arcname=folder.name, filter=lambda info: info if info.isfile() or info.isdir() or info.issym() else None)
    with tarfile.open(temporary, "r:gz") as tar:
        for member in tar:
            stream = tar.extractfile(member) if member.isfile() else None
            while stream is not None and stream.read(1 << 20):
                pass
    with open(temporary, "rb") as stream:
        os.fsync(stream.fileno())
    os.replace(temporary, final)
    sync_folder(into)
    return final


def sweep(home: Path, settings: Mapping[str, Any], *, now: datetime, alive: set[str]) -> list[str]:
    """Archive and remove the copies of tasks that are not `alive`: those older than `keep_days`, then the oldest while all take more than `most_gb`.

    One sentence for what was done; a copy that cannot be archived is kept, and told.
    """
    top = home / WORKTREES
    if not top.is_dir():
        return []
    folders = sorted((p for p in top.iterdir() if p.is_dir() and p.name not in alive), key=lambda p: (p.stat().st_mtime, p.name))
    sizes = {p: folder_bytes(p) for p in top.iterdir() if p.is_dir()}
    total, most = sum(sizes.values()), settings["most_gb"] * 1024**3
    removed, freed, kept = 0, 0, []
    for folder in folders:
        age_days = (now.timestamp() - folder.stat().st_mtime) / 86400
        if age_days < settings["keep_days"] and total <= most:
            continue
        try:
            archive(folder, home / BUNDLES)
        except (OSError, tarfile.TarError) as error:
            kept.append(f"the copy {folder.name} could not be archived and is kept ({clean(str(error))[:120]})")
            continue
        remove(folder)
        removed, freed, total = removed + 1, freed + sizes[folder], total - sizes[folder]
    done = [f"{plural(removed, 'copy', 'copies')} of repositories archived and removed ({size(freed)})"] if removed else []
    return done + kept
