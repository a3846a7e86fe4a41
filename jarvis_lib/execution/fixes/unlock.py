"""How is a lock freed whose owner is dead? Proved once more, held alone for the moment, and moved to the trash, never deleted."""

import os
from datetime import datetime
from pathlib import Path

from jarvis_lib.execution.fixes import trash
from jarvis_lib.execution.fixes.holding import alone
from jarvis_lib.execution.fixes.notes import Note
from jarvis_lib.execution.fixes.trash import Moves
from jarvis_lib.execution.fixes.watch_locks import proof
from jarvis_lib.model.fact import Refused
from jarvis_lib.model.prose import clean


def refuse_unproved(path: Path, inode: int, repository: str | None) -> str:
    """The proof that the owner is dead. Raises Refused when there is none any more, or another lock stands there now."""
    if not path.is_file() or path.is_symlink() or path.stat().st_ino != inode:
        raise Refused(f"{clean(str(path))} is another lock now, so it was left alone.", code="busy")
    dead, why = proof(path, Path(repository) if repository else None)
    if not dead:
        raise Refused(f"{clean(str(path))} was left alone: {why}.", code="busy")
    return why


def free(note: Note, *, inode: int, repository: str | None, now: datetime, day: str) -> Moves:
    """Move the lock of `note` to `data/trash/<day>/`. A lock that was taken anew in the very moment goes back at once."""
    path = note.path
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    try:
        with alone(fd, path):  # nobody has it open; let go before it is read, since an own opening would wait for the lease, too
            pass
    finally:
        os.close(fd)
    refuse_unproved(path, inode, repository)
    moves = trash.put_away(note, [path], day=day)
    moved = Path(moves.moves[0][1])
    if moved.stat().st_ino != inode and moved.stat().st_dev == path.parent.stat().st_dev:
        raise Refused(f"{clean(str(path))} was taken anew in the same moment.", code="busy")
    return moves
