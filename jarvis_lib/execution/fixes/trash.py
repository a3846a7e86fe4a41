"""Where does go what is taken away? Into a dated trash, under the names it had; after its days it is emptied by housekeeping alone."""

import errno
import os
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path

from jarvis_lib.execution.fixes.notes import Note, hash_file, sync_folder
from jarvis_lib.model.fact import Refused
from jarvis_lib.model.prose import clean


@dataclass(frozen=True, slots=True)
class Moves:
    """The moves: (old path, new path, SHA-256) of each file."""

    moves: list[list[str]]


def put_away(note: Note, files: list[Path], *, day: str) -> Moves:
    """Move `files` to `data/trash/<day>/`. The moves stand in the note before the first one is made."""
    moves = planned(note.home, files, day=day)
    note.ready(asdict(moves))
    move_all(moves)
    return moves


def planned(home: Path, files: list[Path], *, day: str) -> Moves:
    """Where each file would go; nothing is moved yet."""
    taken: set[Path] = set()
    moves = []
    for file in files:
        target = _place(home, file, day, taken)
        taken.add(target)
        moves.append([str(file), str(target), hash_file(file)])
    return Moves(moves)


def move_all(moves: Moves, *, before: float | None = None) -> None:
    """Make the moves that are still to be made. What vanished meanwhile is left out, and so is what was touched after `before`."""
    folders: set[Path] = set()
    for old, new, _ in moves.moves:
        file = Path(old)
        if file.is_file() and not os.path.lexists(new) and (before is None or max(file.stat().st_mtime, file.stat().st_ctime) < before):
            folders |= _move(file, Path(new))
    _sync(folders)


def any_moved(done: Moves) -> bool:
    """Whether the first move was made."""
    return any(Path(new).is_file() and not Path(old).exists() for old, new, _ in done.moves)


def holds(done: Moves) -> str:
    """What is wrong with the result, or nothing: every file lies whole in the trash and no longer where it was."""
    for old, new, sha in done.moves:
        if Path(old).exists() or not Path(new).is_file() or hash_file(Path(new)) != sha:
            return f"{clean(Path(old).name)} is not in the trash as it was"
    return ""


def bring_back(done: Moves) -> None:
    """Move every file back to its name. Raises Refused when one was changed or its old name is taken. Safe to repeat."""
    waiting = [(Path(o), Path(n), s) for o, n, s in done.moves if not (Path(o).is_file() and not Path(n).exists())]
    for old, new, sha in waiting:
        if os.path.lexists(old):
            raise Refused(f"{clean(str(old))} exists again, so the old one stays in {clean(str(new))}.")
        if not new.is_file() or hash_file(new) != sha:
            raise Refused(f"{clean(str(new))} was changed or removed since, so nothing was moved back.")
    folders: set[Path] = set()
    for old, new, _ in waiting:
        folders |= _move(new, old)
    _sync(folders)


def emptied(home: Path, *, before: str) -> tuple[int, int]:
    """Remove the dated folders of days before `before` (YYYY-MM-DD) for good; how many files and bytes that were.

    The folder is renamed first, so an interruption leaves no half day behind that an undo would trust. Another disk that is mounted in
    it, or a link in its place, is left alone.
    """
    top = home / "data" / "trash"
    old = [p for p in sorted(top.glob("????-??-??")) if p.name < before] if not top.is_symlink() else []
    for folder in (p for p in old if p.is_dir() and not p.is_symlink() and not _has_mount(p)):
        os.rename(folder, folder.with_name(f".{folder.name}.emptying"))
    files = held = 0
    for folder in sorted(top.glob(".????-??-??.emptying")):
        sizes = [p.lstat().st_size for p in folder.rglob("*") if p.is_file() and not p.is_symlink()]
        files, held = files + len(sizes), held + sum(sizes)
        shutil.rmtree(folder)
    return files, held


def _has_mount(folder: Path) -> bool:
    disk = folder.lstat().st_dev
    return any(p.lstat().st_dev != disk for p in folder.rglob("*") if p.is_dir() and not p.is_symlink())


def _place(home: Path, file: Path, day: str, taken: set[Path]) -> Path:
    """A free name in the trash that keeps the folders below the workspace (or below `outside`)."""
    below = file.relative_to(home) if file.is_relative_to(home) else Path("outside", *file.parts[1:])
    target = home / "data" / "trash" / day / below
    names = (target.with_name(f"{target.name}{'~' + str(i) if i else ''}") for i in range(1000))
    return next(n for n in names if not os.path.lexists(n) and n not in taken)


def _sync(folders: set[Path]) -> None:
    for folder in sorted(folders):
        sync_folder(folder)


def _move(old: Path, new: Path) -> set[Path]:
    """Move one file; the folders whose names are to be made durable."""
    new.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.rename(old, new)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        _copy_over(old, new)
    return {old.parent, new.parent}


def _copy_over(old: Path, new: Path) -> None:
    """To another disk: copy, flush, compare, and only then let go of the old one."""
    temporary = new.with_name(f".{new.name[:180]}.jarvis-tmp")
    try:
        shutil.copy2(old, temporary)
        with open(temporary, "rb") as file:
            os.fsync(file.fileno())
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
    if hash_file(temporary) != hash_file(old):
        temporary.unlink()
        raise Refused(f"{clean(old.name)} could not be copied to the trash; it stays where it is.")
    os.rename(temporary, new)
    try:
        old.unlink()
    except OSError:  # on a disk that is read-only nothing goes, so the copy must not stay either
        new.unlink()
        raise
