"""How does a database give its free pages back? A compact copy takes its place in one rename, while nobody has it open.

The old file is kept as it was: its bytes are the undo. A program that opens the database in the moment of the rename waits
at the door (a lease); where it still reaches the old file, SQLite itself refuses its writes, so nothing is lost silently.
"""

import errno
import os
import shutil
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from jarvis_lib.execution.fixes import duckdb_file, sqlite_file
from jarvis_lib.execution.fixes.holding import alone
from jarvis_lib.execution.fixes.notes import Note, hash_file, hash_range, sync_folder
from jarvis_lib.model.fact import Refused
from jarvis_lib.model.prose import clean, listed

_HEAD = 3 * 4096
"""Bytes of the headers of both formats; with every write SQLite's change counter moves, or DuckDB's number of the header."""


@dataclass(frozen=True, slots=True)
class Swap:
    """What was done: the live file, the kept old one, and the hash and size of each. `compared` says what was found equal."""

    path: str
    kept: str
    before: str
    after: str
    bytes_before: int
    bytes_after: int
    compared: str


def compact(note: Note) -> Swap:
    """Replace the database of `note` by a compact copy of it. Raises Refused, and then the file is as it was."""
    path = note.path
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    try:
        refuse_unfit(path, os.fstat(fd).st_size, os.fstat(fd).st_nlink)
        with alone(fd, path):
            seen = _mark(fd)
        before = hash_range(fd, 0, seen[0])
        fresh = note.temporary_beside(path)
        compared = (duckdb_file if is_duckdb(path) else sqlite_file).pack(path, fresh)
        _make_like(path, fresh)
        done = Swap(str(path), str(note.folder / path.name), before, hash_file(fresh), seen[0], fresh.stat().st_size, compared)
        note.ready(asdict(done))
        with alone(fd, path):
            _refuse_changed(fd, path, seen)
            _keep(path, Path(done.kept))
            os.replace(fresh, path)
            sync_folder(path.parent)
        return done
    finally:
        os.close(fd)


def is_duckdb(path: Path) -> bool:
    """Whether the file begins as DuckDB's files do."""
    with open(path, "rb") as file:
        return file.read(12)[8:] == b"DUCK"


def refuse_unfit(path: Path, bytes_: int, names: int) -> None:
    """Raise Refused where a database cannot be replaced: in use by its side files, under more than one name, or without room for a copy."""
    found = sqlite_file.companions(path) + duckdb_file.companions(path)
    if found or (not is_duckdb(path) and sqlite_file.uses_wal(path)):
        why = f"{listed(found)} stands beside it" if found else "it is set to a write-ahead log"
        raise Refused(f"{clean(path.name)} is not compacted by Jarvis: {why}. Its own program can do it.", code="busy")
    if names > 1:
        raise Refused(f"{clean(path.name)} has more than one name (hard links), so it is not replaced.")
    free = shutil.disk_usage(path.parent).free
    if free < 1.1 * bytes_:
        raise Refused(f"{clean(path.name)} was left as it is: a compact copy needs room for {bytes_:,} bytes, and {free:,} are free.")


def was_swapped(done: Swap) -> bool:
    """Whether the compact copy has taken the file's place."""
    return not (Path(done.path).is_file() and hash_file(Path(done.path)) == done.before)


def holds(done: Swap) -> str:
    """What is wrong with the result, or nothing: the live file is the compared copy and the old one is kept."""
    if hash_file(Path(done.path)) != done.after:
        return "the file is not the copy that was compared"
    return "" if hash_file(Path(done.kept)) == done.before else "the kept file is not the old one"


def uncompact(done: Swap) -> None:
    """Put the old file back, byte for byte. Raises Refused when somebody has it open or it was changed since. Safe to repeat."""
    path, kept = Path(done.path), Path(done.kept)
    if path.is_file() and hash_file(path) == done.before:
        return
    if not kept.is_file() or hash_file(kept) != done.before:
        raise Refused(f"The kept copy {clean(done.kept)} was changed or removed, so {clean(path.name)} cannot be put back.")
    if not path.is_file():
        raise Refused(f"{clean(done.path)} is gone; the old file is {clean(done.kept)}.")
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    try:
        seen = _mark(fd)
        if hash_range(fd, 0, seen[0]) != done.after:
            raise Refused(f"{clean(done.path)} was changed since it was compacted, so it stays; the old file is {clean(done.kept)}.")
        with alone(fd, path):
            _refuse_changed(fd, path, seen)
            _put_back(kept, path)
    finally:
        os.close(fd)


def _refuse_changed(fd: int, path: Path, seen: tuple[int, int, bytes]) -> None:
    if _mark(fd) != seen or sqlite_file.companions(path) or duckdb_file.companions(path):
        raise Refused(f"{clean(path.name)} was written in the meantime; it was left as it is.", code="busy")


def _mark(fd: int) -> tuple[int, int, bytes]:
    now = os.fstat(fd)
    return now.st_size, now.st_mtime_ns, os.pread(fd, _HEAD, 0)


def _make_like(path: Path, fresh: Path) -> None:
    """Mode, owner and attributes of the old file, then fsync."""
    old = path.stat()
    shutil.copystat(path, fresh)
    os.utime(fresh)
    if (fresh.stat().st_uid, fresh.stat().st_gid) != (old.st_uid, old.st_gid):
        os.chown(fresh, old.st_uid, old.st_gid)
    _sync(fresh)


def _keep(path: Path, kept: Path) -> None:
    """The old file under a second name: the same bytes, not a copy of them, wherever the disk can."""
    try:
        os.link(path, kept)
    except OSError as error:
        if error.errno not in (errno.EXDEV, errno.EPERM, errno.EOPNOTSUPP):
            raise
        shutil.copy2(path, kept)
        _sync(kept)
    sync_folder(kept.parent)


def _put_back(kept: Path, path: Path) -> None:
    near = kept.stat().st_dev == path.stat().st_dev
    temporary = kept.with_name(f"{path.name}.back") if near else path.with_name(f".{path.name}.back")
    with suppress(FileNotFoundError):
        temporary.unlink()
    _keep(kept, temporary)
    os.replace(temporary, path)
    sync_folder(path.parent)
    kept.unlink()


def _sync(path: Path) -> None:
    fd = os.open(path, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
