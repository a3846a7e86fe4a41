"""Where do old archives go? Into a dated trash, under the names they had. Nothing is deleted here."""

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
    planned = Moves([[str(f), str(_place(note.home, f, day)), hash_file(f)] for f in files])
    note.ready(asdict(planned))
    for old, new, _ in planned.moves:
        _move(Path(old), Path(new))
    return planned


def any_moved(done: Moves) -> bool:
    """Whether the first move was made."""
    return any(Path(new).is_file() and not Path(old).exists() for old, new, _ in done.moves)


def finish(done: Moves) -> None:
    """Make the moves that an interruption left out."""
    for old, new, _ in done.moves:
        if Path(old).is_file() and not Path(new).exists():
            _move(Path(old), Path(new))


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
        if old.exists():
            raise Refused(f"{clean(str(old))} exists again, so the old one stays in {clean(str(new))}.")
        if not new.is_file() or hash_file(new) != sha:
            raise Refused(f"{clean(str(new))} was changed or removed since, so nothing was moved back.")
    for old, new, _ in waiting:
        _move(new, old)


def _place(home: Path, file: Path, day: str) -> Path:
    """A free name in the trash that keeps the folders below the workspace (or below `outside`)."""
    below = file.relative_to(home) if file.is_relative_to(home) else Path("outside", *file.parts[1:])
    target = home / "data" / "trash" / day / below
    names = (target.with_name(f"{target.name}{'~' + str(i) if i else ''}") for i in range(1000))
    return next(n for n in names if not n.exists())


def _move(old: Path, new: Path) -> None:
    new.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.rename(old, new)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        _copy_over(old, new)
    sync_folder(new.parent)
    sync_folder(old.parent)


def _copy_over(old: Path, new: Path) -> None:
    """To another disk: copy, flush, compare, and only then let go of the old one."""
    temporary = new.with_name(f".{new.name}.jarvis-tmp")
    shutil.copy2(old, temporary)
    with open(temporary, "rb") as file:
        os.fsync(file.fileno())
    if hash_file(temporary) != hash_file(old):
        temporary.unlink()
        raise Refused(f"{clean(old.name)} could not be copied to the trash; it stays where it is.")
    os.rename(temporary, new)
    old.unlink()
