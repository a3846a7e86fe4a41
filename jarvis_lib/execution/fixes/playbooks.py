"""Which playbooks are there, and what does each promise? One shape for all: act, hold, go back, and tidy up after an interruption.

Safe ones only: what they touch was named in the settings, nothing is lost, and each can be undone byte for byte.
"""

from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from jarvis_lib.execution.fixes import rotate, swap, trash
from jarvis_lib.execution.fixes.notes import Note
from jarvis_lib.model.prose import plural, size

Done = dict[str, Any]
"""What a playbook did, as JSON: all that its undo needs."""


class Playbook(Protocol):
    """A change of files with its own check and its undo. `done` is what `act` returned (and wrote into the note before it acted)."""

    name: str
    kind: str
    checked: str

    def act(self, note: Note, evidence: Done, *, now: datetime, day: str) -> Done:
        """Change the files. Raises Refused or OSError; then `happened` tells whether anything did."""

    def happened(self, done: Done) -> bool:
        """Whether the change took place, or a part of it."""

    def finish(self, done: Done) -> None:
        """Complete a change that was interrupted after it took place."""

    def holds(self, done: Done) -> str:
        """What is wrong with the result, or nothing."""

    def revert(self, done: Done, kept: Path) -> None:
        """Put everything back byte for byte. Raises Refused when that would destroy what came later. Safe to repeat."""

    def discard(self, done: Done) -> None:
        """Remove what a change that did not happen has left."""

    def said(self, done: Done) -> str:
        """What was done, for the brief."""


class RotateLog:
    """Pack a log's lines into a compressed archive beside it; the writer goes on in the same file."""

    name, kind = "rotate_log", "oversized_log"
    checked = "the archive unpacks to the same bytes and the log goes on behind them"

    def act(self, note: Note, evidence: Done, *, now: datetime, day: str) -> Done:
        return asdict(rotate.rotate(note, stamp=f"{now:%Y%m%dT%H%M%SZ}", limit=int(evidence["limit"])))

    def happened(self, done: Done) -> bool:
        own = rotate.Rotation(**done)
        return Path(own.log).is_file() and rotate.was_shortened(own)

    def finish(self, done: Done) -> None:
        rotate.finish(rotate.Rotation(**done))

    def holds(self, done: Done) -> str:
        return rotate.holds(rotate.Rotation(**done))

    def revert(self, done: Done, kept: Path) -> None:
        rotate.unrotate(rotate.Rotation(**done), kept)

    def discard(self, done: Done) -> None:
        own = rotate.Rotation(**done)
        if Path(own.log).is_file():
            rotate.drop_archive(own)

    def said(self, done: Done) -> str:
        packed = Path(done["archive"])
        return f"{size(done['end'])} of lines packed into {packed.name} ({size(packed.stat().st_size)})"


class CompactDatabase:
    """Give a SQLite file's free pages back: a compact copy takes its place, the old file is kept."""

    name, kind = "compact_database", "bloated_database"
    checked = "the file is the compact copy that was compared, and the old one is kept"

    def act(self, note: Note, evidence: Done, *, now: datetime, day: str) -> Done:
        return asdict(swap.compact(note))

    def happened(self, done: Done) -> bool:
        return swap.was_swapped(swap.Swap(**done))

    def finish(self, done: Done) -> None:
        """The rename is one step; there is nothing in between."""

    def holds(self, done: Done) -> str:
        return swap.holds(swap.Swap(**done))

    def revert(self, done: Done, kept: Path) -> None:
        swap.uncompact(swap.Swap(**done))

    def discard(self, done: Done) -> None:
        """The kept copy goes with the note's folder."""

    def said(self, done: Done) -> str:
        return f"compacted from {size(done['bytes_before'])} to {size(done['bytes_after'])} ({done['compared']}); the old file is kept for undo"


class TrashOldLogs:
    """Move rotated logs over the age into a dated trash."""

    name, kind = "trash_old_logs", "old_logs"
    checked = "every file lies whole in the trash"

    def act(self, note: Note, evidence: Done, *, now: datetime, day: str) -> Done:
        return asdict(trash.put_away(note, [note.home / f for f in evidence["files"]], day=day))

    def happened(self, done: Done) -> bool:
        return trash.any_moved(trash.Moves(**done))

    def finish(self, done: Done) -> None:
        trash.finish(trash.Moves(**done))

    def holds(self, done: Done) -> str:
        return trash.holds(trash.Moves(**done))

    def revert(self, done: Done, kept: Path) -> None:
        trash.bring_back(trash.Moves(**done))

    def discard(self, done: Done) -> None:
        """No file was moved, so none is left."""

    def said(self, done: Done) -> str:
        return f"{plural(len(done['moves']), 'old rotated log')} moved to the trash"


PLAYBOOKS: dict[str, Playbook] = {p.kind: p for p in (RotateLog(), CompactDatabase(), TrashOldLogs())}
"""Kind of problem -> the playbook that may fix it alone."""
