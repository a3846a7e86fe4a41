"""What is a fix about to do? One fsynced note in `data/kept/fixes/<id>/`, written before the first touch and removed after the fact.

A note without `undo` means that nothing was changed yet; one with `undo` that the change may have happened: look.
"""

import hashlib
import json
import os
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jarvis_lib.model.fact import derived_id

CHUNK = 1 << 20


@dataclass
class Note:
    """One fix on its way. `temporary` are the files that it may leave behind when it is interrupted."""

    home: Path
    id: str
    problem: str
    playbook: str
    subject: str
    at: str
    session: str | None
    temporary: list[str] = field(default_factory=list)
    undo: dict[str, Any] | None = None
    resumed: int = 0
    tier: str = "low"
    watch: dict[str, Any] = field(default_factory=dict)

    @property
    def fact_id(self) -> str:
        """The id of the fact: another one for each time that it had to be taken up again, since the first may lie half written."""
        return derived_id(self.id, str(self.resumed)) if self.resumed else self.id

    @property
    def folder(self) -> Path:
        """The folder of this fix alone."""
        return folder(self.home) / self.id

    @property
    def path(self) -> Path:
        """The file or folder that is fixed."""
        return self.home / self.subject

    def temporary_beside(self, path: Path) -> Path:
        """A name for a temporary file in the folder of `path`; it stands in the note before it stands on disk."""
        name = path.with_name(f".{path.name[:180]}.{self.id}.jarvis-tmp")
        self.temporary.append(str(name))
        self.save()
        return name

    def ready(self, undo: dict[str, Any]) -> None:
        """From here on the change may happen, and this is how it goes back."""
        self.undo = undo
        self.save()

    def save(self) -> None:
        """Write it whole and fsynced, over the one before."""
        self.folder.mkdir(parents=True, exist_ok=True)
        raw = {k: v for k, v in self.__dict__.items() if k != "home"}
        write_whole(self.folder / "note.json", json.dumps(raw).encode())

    def drop_temporary(self) -> None:
        """Remove the temporary files with what a database leaves beside them; those that are gone already do not matter."""
        for name in self.temporary:
            for end in ("", ".wal", "-journal"):  # a copy that a database was ended in the middle of leaves these beside it
                Path(name + end).unlink(missing_ok=True)

    def done(self) -> None:
        """The fact stands in the store: the note has no more to say, what is kept for the undo stays."""
        self.drop_temporary()
        (self.folder / "note.json").unlink(missing_ok=True)
        if self.folder.is_dir() and not any(self.folder.iterdir()):
            self.folder.rmdir()

    def forget(self) -> None:
        """Nothing was changed: leave no trace."""
        self.drop_temporary()
        shutil.rmtree(self.folder, ignore_errors=True)


def folder(home: Path) -> Path:
    """Where the notes and the kept files of all fixes are, below the workspace `home`."""
    return home / "data" / "kept" / "fixes"


def kept(home: Path) -> list[str]:
    """The ids of the fixes that keep something and are not on their way."""
    return [p.name for p in sorted(folder(home).glob("*")) if p.is_dir() and not p.is_symlink() and not (p / "note.json").exists()]


def drop(home: Path, fix: str) -> int:
    """Remove what a fix kept, for good; how many bytes that were."""
    own = folder(home) / fix
    held = sum(p.lstat().st_size for p in own.rglob("*") if p.is_file() and not p.is_symlink())
    shutil.rmtree(own)
    return held


def unfinished(home: Path) -> list[Note]:
    """The notes that interrupted fixes left, oldest name first."""
    found = []
    for path in sorted(folder(home).glob("*/note.json")):
        raw = json.loads(path.read_bytes())
        found.append(Note(home=home, **raw))
    return found


def write_whole(path: Path, data: bytes) -> None:
    """`path` holds all of `data` or what it held before, also after a power cut."""
    temporary = path.with_name(f".{path.name}.tmp")
    with open(temporary, "wb") as out:
        out.write(data)
        out.flush()
        os.fsync(out.fileno())
    os.replace(temporary, path)
    sync_folder(path.parent)


def sync_folder(path: Path) -> None:
    """Make the names in a folder durable."""
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def hash_range(fd: int, start: int, end: int) -> str:
    """SHA-256 of the bytes `start` to `end` (or to where the file ends)."""
    digest = hashlib.sha256()
    while start < end:
        data = os.pread(fd, min(CHUNK, end - start), start)
        if not data:
            break
        digest.update(data)
        start += len(data)
    return digest.hexdigest()


def hash_file(path: Path) -> str:
    """SHA-256 of a whole file."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_all(fd: int, data: bytes, offset: int) -> None:
    """Write all of `data` at `offset`."""
    view = memoryview(data)
    while view:
        count = os.pwrite(fd, view, offset)
        view, offset = view[count:], offset + count
