"""Which playbooks are there for files, and which for each kind of problem? What they touch was named in the settings, and nothing is lost."""

from dataclasses import asdict
from datetime import datetime
from pathlib import Path

from jarvis_lib.execution.fixes import clear, repository, rotate, swap, trash, unlock
from jarvis_lib.execution.fixes.git import git_dir
from jarvis_lib.execution.fixes.holding import refuse_offset_writers
from jarvis_lib.execution.fixes.notes import Note, hash_file
from jarvis_lib.execution.fixes.playbook import Done, OnFiles, Playbook
from jarvis_lib.execution.fixes.running import RestartService, RetryAttempt
from jarvis_lib.model.fact import Refused
from jarvis_lib.model.prose import clean, plural, size
from jarvis_lib.model.risk import Blast

__all__ = ["PLAYBOOKS", "Done", "Playbook"]


class RotateLog(OnFiles):
    """Pack a log's lines into a compressed archive beside it; the writer goes on in the same file."""

    name, kind, tier = "rotate_log", "oversized_log", "low"
    touches = "the log, and a new archive beside it"
    checked = "the archive unpacks to the same bytes and the log goes on behind them"
    way_back = "the archive's bytes return to the head of the log"
    watched = "the log's size"
    back_helps = False

    def blast(self, evidence: Done) -> Blast:
        return Blast(int(evidence["bytes"]), 1)

    def would(self, home: Path, subject: str, evidence: Done, *, now: datetime, day: str) -> list[str]:
        log = home / subject
        if not log.is_file() or log.is_symlink():
            raise Refused(f"{clean(subject)} is no plain file any more.")
        refuse_offset_writers(log)
        return [f"pack {size(log.stat().st_size)} of lines of {clean(subject)} into {clean(subject)}.{now:%Y%m%dT%H%M%SZ}.gz, and shorten the log by them"]

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


class CompactDatabase(OnFiles):
    """Give a SQLite or DuckDB file's free pages back: a compact copy takes its place, the old file is kept."""

    name, kind, tier = "compact_database", "bloated_database", "low"
    touches = "the database file"
    checked = "the file is the compact copy that was compared, and the old one is kept"
    way_back = "the old file takes its place again"
    watched = "its share of free pages, and that it can be read"

    def blast(self, evidence: Done) -> Blast:
        return Blast(int(evidence["bytes"]), 1)

    def would(self, home: Path, subject: str, evidence: Done, *, now: datetime, day: str) -> list[str]:
        path = home / subject
        if not path.is_file() or path.is_symlink():
            raise Refused(f"{clean(subject)} is no plain file any more.")
        swap.refuse_unfit(path, path.stat().st_size, path.stat().st_nlink)
        free = size(int(evidence["free_bytes"]))
        return [
            f"write a compact copy of {clean(subject)} ({size(path.stat().st_size)}, of which about {free} are free) and compare it",
            f"put it in the place of {clean(subject)}, and keep the old file below data/kept/fixes",
        ]

    def act(self, note: Note, evidence: Done, *, now: datetime, day: str) -> Done:
        return asdict(swap.compact(note))

    def happened(self, done: Done) -> bool:
        return swap.was_swapped(swap.Swap(**done))

    def holds(self, done: Done) -> str:
        return swap.holds(swap.Swap(**done))

    def revert(self, done: Done, kept: Path) -> None:
        swap.uncompact(swap.Swap(**done))

    def said(self, done: Done) -> str:
        return f"compacted from {size(done['bytes_before'])} to {size(done['bytes_after'])} ({done['compared']}); the old file is kept for undo"


class TrashOldLogs(OnFiles):
    """Move rotated logs over the age into a dated trash."""

    name, kind, tier = "trash_old_logs", "old_logs", "low"
    touches = "rotated logs older than `log_keep_days`"
    checked = "every file lies whole in the trash"
    way_back = "each file moves back to its name"
    watched = "that each file lies whole in the trash and nothing asked for it"
    recurs = True

    def blast(self, evidence: Done) -> Blast:
        return Blast(int(evidence.get("bytes", 0)), len(evidence["files"]))

    def would(self, home: Path, subject: str, evidence: Done, *, now: datetime, day: str) -> list[str]:
        return [f"move {clean(f)} to data/trash/{day}/" for f in evidence["files"]]

    def act(self, note: Note, evidence: Done, *, now: datetime, day: str) -> Done:
        return asdict(trash.put_away(note, [note.home / f for f in evidence["files"]], day=day))

    def happened(self, done: Done) -> bool:
        return trash.any_moved(trash.Moves(**done))

    def finish(self, done: Done) -> None:
        trash.move_all(trash.Moves(**done))

    def holds(self, done: Done) -> str:
        return trash.holds(trash.Moves(**done))

    def revert(self, done: Done, kept: Path) -> None:
        trash.bring_back(trash.Moves(**done))

    def said(self, done: Done) -> str:
        return f"{plural(len(done['moves']), 'old rotated log')} moved to the trash"


class CleanCache(OnFiles):
    """Move what nobody touched for long out of a named cache or temp folder."""

    name, kind, tier = "clean_cache", "old_cache", "low"
    touches = "plain files older than `cache_keep_days` in what `caches` names; no links, other disks, repositories or Jarvis's own state"
    checked = "every file lies whole in the trash"
    way_back = "each file moves back to its name"
    watched = "that each file lies whole in the trash and nothing asked for it"
    recurs = True

    def blast(self, evidence: Done) -> Blast:
        return Blast(int(evidence["bytes"]), int(evidence["count"]))

    def would(self, home: Path, subject: str, evidence: Done, *, now: datetime, day: str) -> list[str]:
        files = clear.due(home, subject, keep_days=int(evidence["keep_days"]), now=now)
        return [f"move {clean(str(path.relative_to(home) if path.is_relative_to(home) else path))} to data/trash/{day}/" for path, _ in files]

    def act(self, note: Note, evidence: Done, *, now: datetime, day: str) -> Done:
        return asdict(clear.clear(note, keep_days=int(evidence["keep_days"]), now=now, day=day))

    def happened(self, done: Done) -> bool:
        return trash.any_moved(clear.moves(clear.Cleared(**done)))

    def finish(self, done: Done) -> None:
        own = clear.Cleared(**done)
        trash.move_all(clear.moves(own), before=own.before)

    def holds(self, done: Done) -> str:
        return clear.holds(clear.Cleared(**done))

    def revert(self, done: Done, kept: Path) -> None:
        trash.bring_back(clear.moves(clear.Cleared(**done)))

    def said(self, done: Done) -> str:
        return f"{plural(done['files'], 'old file')} ({size(done['bytes'])}) moved to the trash"


class FreeLock(OnFiles):
    """Move a lock file away whose owner is proved dead."""

    name, kind, tier = "free_lock", "stale_lock", "low"
    touches = "the lock file"
    checked = "the lock lies in the trash, and its name is free or taken by a living owner"
    way_back = "the lock moves back to its name"
    watched = "that no dead lock stands there again"

    def blast(self, evidence: Done) -> Blast:
        return Blast(int(evidence["bytes"]), 1)

    def would(self, home: Path, subject: str, evidence: Done, *, now: datetime, day: str) -> list[str]:
        why = unlock.refuse_unproved(home / subject, int(evidence["inode"]), evidence["repository"])
        return [f"move {clean(subject)} to data/trash/{day}/ ({why})"]

    def act(self, note: Note, evidence: Done, *, now: datetime, day: str) -> Done:
        return asdict(unlock.free(note, inode=int(evidence["inode"]), repository=evidence["repository"], now=now, day=day))

    def happened(self, done: Done) -> bool:
        return trash.any_moved(trash.Moves(**done))

    def holds(self, done: Done) -> str:
        (_, new, sha) = done["moves"][0]
        return "" if Path(new).is_file() and hash_file(Path(new)) == sha else "the lock is not in the trash as it was"

    def revert(self, done: Done, kept: Path) -> None:
        trash.bring_back(trash.Moves(**done))

    def said(self, done: Done) -> str:
        return "a lock of a dead owner moved to the trash"


class PackRepository(OnFiles):
    """Pack a repository's objects, and remove Jarvis's own merged branches and folderless worktrees."""

    name, kind, tier = "pack_repository", "repository_garbage", "low"
    touches = "git's objects, the files of its refs, merged branches `jarvis/…`, and worktrees of Jarvis without a folder"
    checked = "git fsck finds every object, and every other ref and the index are as they were"
    way_back = "objects, refs, logs and worktrees return from the kept copy"
    watched = "the number of loose objects, and that git fsck passes"

    def blast(self, evidence: Done) -> Blast:
        return Blast(int(evidence["bytes"]), 0, 1)

    def would(self, home: Path, subject: str, evidence: Done, *, now: datetime, day: str) -> list[str]:
        inner = git_dir(home / subject)
        if inner is None:
            raise Refused(f"{clean(subject)} is no git repository any more.")
        repository.refuse_unfit(home / subject, inner, int(evidence["bytes"]))
        steps = [f"delete the merged branch {clean(name)} ({held[:10]}) of {clean(subject)}" for name, held in evidence["branches"]]
        steps += [f"remove .git/worktrees/{clean(name)} of {clean(subject)}, whose folder is gone" for name in evidence["worktrees"]]
        return [*steps, f"pack the refs and all objects of {clean(subject)} ({evidence['loose']:,} loose ones); prune nothing"]

    def act(self, note: Note, evidence: Done, *, now: datetime, day: str) -> Done:
        return asdict(repository.pack(note, evidence))

    def happened(self, done: Done) -> bool:
        return repository.happened(repository.Packed(**done))

    def holds(self, done: Done) -> str:
        return repository.holds(repository.Packed(**done))

    def revert(self, done: Done, kept: Path) -> None:
        repository.unpack(repository.Packed(**done))

    def said(self, done: Done) -> str:
        return repository.said(repository.Packed(**done))


PLAYBOOKS: dict[str, Playbook] = {
    p.kind: p for p in (RotateLog(), CompactDatabase(), TrashOldLogs(), CleanCache(), FreeLock(), PackRepository(), RestartService(), RetryAttempt())
}
"""Kind of problem -> the playbook that answers it."""
