"""How do many old files leave a cache, and how do they come back? Moved to the dated trash one by one; the list of them is written first.

The list is a file of its own beside the note, so that ten thousand moves do not lie in a fact.
"""

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from jarvis_lib.execution.fixes import trash
from jarvis_lib.execution.fixes.notes import Note, hash_file, write_whole
from jarvis_lib.execution.fixes.trash import Moves
from jarvis_lib.execution.fixes.watch_caches import old_files, unfit
from jarvis_lib.model.fact import Refused
from jarvis_lib.model.prose import clean


@dataclass(frozen=True, slots=True)
class Cleared:
    """What was moved: where the list of the moves lies, with its hash, and how many files and bytes. What was touched after `before` stayed."""

    root: str
    moves: str
    moves_sha: str
    before: float
    files: int
    bytes: int


def due(home: Path, subject: str, *, keep_days: int, now: datetime) -> list[tuple[Path, int]]:
    """The files that may go now. Raises Refused where the folder may not be cleaned, or nothing in it is old enough."""
    root = home / subject
    why = unfit(home, root) if root.exists() else "it is gone"
    if why:
        raise Refused(f"{clean(subject)} is not cleaned: {why}.")
    found = old_files(root, keep_days=keep_days, now=now)
    if not found:
        raise Refused(f"Nothing in {clean(subject)} is old enough to go.")
    return found


def clear(note: Note, *, keep_days: int, now: datetime, day: str) -> Cleared:
    """Move what is old to `data/trash/<day>/`. What was touched while the others went stays where it is."""
    files = due(note.home, note.subject, keep_days=keep_days, now=now)
    moves = trash.planned(note.home, [path for path, _ in files], day=day)
    note.save()
    written = note.folder / "moves.json"
    write_whole(written, json.dumps(moves.moves).encode())
    before = now.timestamp() - keep_days * 86_400.0
    done = Cleared(str(note.path), str(written), hash_file(written), before, len(files), sum(count for _, count in files))
    note.ready({f: getattr(done, f) for f in Cleared.__slots__})
    trash.move_all(moves, before=before)
    return done


def holds(done: Cleared) -> str:
    """What is wrong with the result, or nothing: every file lies whole in the trash, or was touched in time and stayed."""
    for old, new, sha in moves(done).moves:
        stayed = Path(old).is_file() and not Path(new).exists()
        if not stayed and not (Path(new).is_file() and hash_file(Path(new)) == sha):
            return f"{clean(Path(old).name)} is not in the trash as it was"
    return ""


def moves(done: Cleared) -> Moves:
    """The moves of `done`. Raises Refused when their list was changed or removed."""
    written = Path(done.moves)
    if not written.is_file() or hash_file(written) != done.moves_sha:
        raise Refused(f"The list of what was moved out of {clean(done.root)} was changed or removed, so nothing can be moved back.")
    return Moves(json.loads(written.read_bytes()))
