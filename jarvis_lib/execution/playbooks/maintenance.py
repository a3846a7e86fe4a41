"""What may be tidied in this workspace without anybody missing it? Old temporary files and caches; and: are the backups whole?

Promise: nothing is deleted here. Files in known cache and temp folders that nobody touched for KEEP_DAYS days move to
`data/trash/<date>/` with a list beside them, where the night removes them 7 days later; anything younger stays. Every backup is read to its last byte.
"""

import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from jarvis_lib.model.fact import Refused
from jarvis_lib.model.prose import plural, size

KEEP_DAYS = 30
CACHES = ("__pycache__", ".ipynb_checkpoints", ".pytest_cache", ".mypy_cache", ".ruff_cache", ".cache", "cache", "tmp", "temp")
_NOT_OURS = (".git", ".venv", "venv", "node_modules", "trash", "kept", "journal", "spool", "snapshots")
_BACKUPS = "data/snapshots"
_MAGIC = b"DUCK"  # stands at byte 8 of every DuckDB file


@dataclass(frozen=True, slots=True)
class Old:
    """One file that nobody touched for KEEP_DAYS. `path` is relative to the workspace; `at` ISO time of its last change."""

    path: str
    bytes: int
    at: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Backup:
    """One backup as read today. `whole` with the reason in `said`."""

    path: str
    bytes: int
    at: str
    sha256: str
    whole: bool
    said: str


def old_files(workspace: Path, *, now: datetime) -> list[Old]:
    """The files in cache and temp folders below `workspace` that came or changed more than KEEP_DAYS before `now`.

    Both times of a file count, so one that was unpacked yesterday with an old date is young.
    """
    if not workspace.is_dir():
        raise Refused(f"The workspace {workspace} does not exist.", code="missing")
    limit = (now - timedelta(days=KEEP_DAYS)).timestamp()
    return [_old(workspace, f) for f in _cached(workspace) if max(f.stat().st_mtime, f.stat().st_ctime) < limit]


def _cached(workspace: Path) -> Iterator[Path]:
    """Plain files in cache folders; links are never followed nor moved."""
    for folder, names, files in os.walk(workspace):
        names[:] = sorted(n for n in names if n not in _NOT_OURS)
        if any(part in CACHES for part in Path(folder).relative_to(workspace).parts):
            yield from (p for p in (Path(folder) / f for f in sorted(files)) if p.is_file() and not p.is_symlink())


def _old(workspace: Path, file: Path) -> Old:
    seen = file.stat()
    return Old(file.relative_to(workspace).as_posix(), seen.st_size, _time(seen.st_mtime), _sha256(file))


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat()


def _sha256(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def to_trash(workspace: Path, files: Sequence[Old], *, now: datetime) -> Path:
    """Moves `files` to `data/trash/<date>/`, each at its own relative path; the list of them is written first. The folder."""
    trash = workspace / "data" / "trash" / now.strftime("%Y-%m-%d")
    if files:
        trash.mkdir(parents=True, exist_ok=True)
        _write(trash / f"maintenance-{now:%H%M%S}.json", [asdict(f) for f in files])
    for one in files:
        target = _free(trash / one.path)
        target.parent.mkdir(parents=True, exist_ok=True)
        (workspace / one.path).rename(target)
    return trash


def _free(target: Path) -> Path:
    """`target`, or the next name beside it that is not taken."""
    number, found = 1, target
    while found.exists():
        found = target.with_name(f"{target.name}.{number}")
        number += 1
    return found


def backups(workspace: Path, known: Path) -> list[Backup]:
    """Every backup read whole. One that was read before (listed in `known`) and was not rewritten must have the same bytes."""
    before = {str(b["path"]): b for b in _read(known)}
    return [_backup(workspace, f, before) for f in sorted((workspace / _BACKUPS).glob("*.duckdb"))]


def _backup(workspace: Path, file: Path, before: dict[str, dict[str, object]]) -> Backup:
    path, seen, sha = file.relative_to(workspace).as_posix(), file.stat(), _sha256(file)
    was = before.get(path, {})
    with file.open("rb") as stream:
        head = stream.read(12)
    if head[8:12] != _MAGIC:
        whole, said = False, "it is no DuckDB file"
    elif was.get("at") == _time(seen.st_mtime) and was.get("sha256") != sha:
        whole, said = False, "its bytes changed since it was last read, though nobody wrote it"
    else:
        whole, said = True, "the same as when it was last read" if was.get("sha256") == sha else "read for the first time"
    return Backup(path, seen.st_size, _time(seen.st_mtime), sha, whole, said)


def _read(path: Path) -> list[dict[str, object]]:
    return list(json.loads(path.read_text(encoding="utf-8"))["backups"]) if path.is_file() else []


def _write(path: Path, value: object) -> None:
    half = path.with_name(path.name + ".half")
    half.write_text(json.dumps(value, indent=2) + "\n", encoding="utf-8")
    half.replace(path)


def said(moved: Sequence[Old], read: Sequence[Backup], trash: Path) -> str:
    """What was done, in sentences."""
    tidied = f"{plural(len(moved), 'old temporary file')} ({size(sum(o.bytes for o in moved))}) moved to {trash}."
    bad = [b for b in read if not b.whole]
    whole = f"{plural(len(read), 'backup')} read whole." if not bad else "; ".join(f"{b.path}: {b.said}" for b in bad) + "."
    return "\n".join([tidied if moved else f"Nothing in the caches is older than {KEEP_DAYS} days.", whole])


def save(moved: Sequence[Old], read: Sequence[Backup], out: Path, *, trash: Path, now: datetime) -> Path:
    """The record of this run as JSON at `out`, which the next run reads as `known`."""
    out.parent.mkdir(parents=True, exist_ok=True)
    _write(out, {"at": now.isoformat(), "trash": str(trash), "moved": [asdict(o) for o in moved], "backups": [asdict(b) for b in read]})
    return out
