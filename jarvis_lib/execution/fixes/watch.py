"""What is watched, and what are its numbers now? Cheap: stat calls, one small read for each database, no waiting.

Jarvis's own store is never opened here: closing a second descriptor on a DuckDB file would drop the lock of whoever holds it.
"""

import glob
import os
import re
import stat
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from jarvis_lib.execution.fixes import duckdb_file, sqlite_file
from jarvis_lib.model.fact import Refused
from jarvis_lib.model.prose import clean, plural, size

LEAST_FREE_SHARE = 0.05
LEAST_FREE_BYTES = 64 * 1024
_MB = 1024 * 1024
_DAY_S = 86_400.0
_NOT_MEASURED = {
    "own": "Jarvis's own store; `jarvis store backup` and `jarvis store rebuild` look after it",
    "empty": "an empty file",
    "unreadable": "it cannot be read by this user",
    "other": "neither a SQLite nor a DuckDB file",
}
_ROTATED = re.compile(r"[.-](?:\d{1,3}|\d{8}(?:T\d{6}Z)?(?:-\d+)?)(?:\.gz)?$")


@dataclass(frozen=True, slots=True)
class Reading:
    """One number of what is watched. `over` is None where nothing could be measured; `said` then says why.

    `kind`: log (bytes on disk), old_logs (files), database (share of free pages), disk (free share), cache (bytes of old files), lock (its
    age in seconds), repository (loose objects), service (exit code of its check), attempt (failed ones of a task). `subject` is a path,
    relative to the workspace where it lies below it (or `disk`, the name of a service, the id of a task).
    """

    kind: str
    subject: str
    value: float | None
    limit: float | None
    over: bool | None
    said: str
    detail: dict[str, Any] = field(default_factory=dict)


def readings(home: Path, wanted: dict[str, Any], *, now: datetime) -> list[Reading]:
    """All readings of a workspace that a playbook may answer. `wanted` is its `[problems]` section."""
    # Here, not above: these build on this module.
    from jarvis_lib.execution.fixes import watch_caches, watch_locks, watch_repositories, watch_services

    logs = sorted(matches(home, wanted["logs"]))
    found = [_log(home, p, wanted["log_max_mb"] * _MB) for p in logs if _is_living(p)]
    found += _old_logs(home, logs, wanted["log_keep_days"], now)
    found += [_database(home, p, wanted["bloat_share"]) for p in sorted(matches(home, wanted["databases"]))]
    found += [_unmatched(pattern) for pattern in wanted["databases"] if not matches(home, [pattern])]
    found += watch_caches.readings(home, wanted, now=now)
    found += watch_locks.readings(home, wanted, now=now)
    found += watch_repositories.readings(home, wanted, now=now)
    found += watch_services.readings(home, wanted["services"])
    return [*found, _disk(home)]


def living_logs(home: Path, wanted: dict[str, Any]) -> list[Path]:
    """The watched logs that are still written to: no rotated and no packed ones."""
    return [p for p in sorted(matches(home, wanted["logs"])) if _is_living(p)]


def _is_living(path: Path) -> bool:
    return not _ROTATED.search(path.name) and path.suffix != ".gz"


def subject_of(home: Path, path: Path) -> str:
    """How a file is named: below the workspace by its relative path, elsewhere by its whole one."""
    return path.relative_to(home).as_posix() if path.is_relative_to(home) else str(path)


def matches(home: Path, patterns: Sequence[str]) -> set[Path]:
    """Regular files (no links) that match, with a name that can be written down."""
    names: Iterator[str] = (n for p in patterns for n in glob.iglob(os.path.expanduser(p), root_dir=home, recursive=True))
    paths = {Path(os.path.normpath(home / n)) for n in names if n.isprintable()}
    kept = (home / "data" / "trash", home / "data" / "kept")
    return {p for p in paths if _is_regular(p) and not any(p.is_relative_to(k) for k in kept)}


def _is_regular(path: Path) -> bool:
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except OSError:
        return False  # gone between the listing and now


def _log(home: Path, path: Path, limit: float) -> Reading:
    now = path.stat()
    # A log that was cut under a writer with its own offset has a hole at its head: what it takes on disk counts.
    used = min(now.st_size, now.st_blocks * 512)
    said = f"{size(used)} of {size(limit)}"
    return Reading("log", subject_of(home, path), used, limit, used > limit, said, {"bytes": used, "limit": int(limit)})


def _old_logs(home: Path, logs: Iterable[Path], keep_days: int, now: datetime) -> list[Reading]:
    """One reading for each log that has rotated files, and whether some of them are older than `keep_days`."""
    families: dict[Path, list[Path]] = {}
    for log in logs:
        base = log.with_name(_ROTATED.sub("", log.name))
        if base not in families:
            beside = base.parent.glob(glob.escape(base.name) + "[.-]*")
            families[base] = [p for p in beside if _ROTATED.fullmatch(p.name[len(base.name) :]) and _is_regular(p)]
    found = []
    for base, rotated in sorted(families.items()):
        if rotated:
            old = sorted(p for p in rotated if now.timestamp() - p.stat().st_mtime > keep_days * _DAY_S)
            names = [subject_of(home, p) for p in old]
            said = f"{len(old)} of {plural(len(rotated), 'rotated log')} older than {keep_days} days"
            detail = {"files": names, "keep_days": keep_days, "bytes": sum(p.stat().st_size for p in old)}
            found.append(Reading("old_logs", subject_of(home, base), len(old), 0, bool(old), said, detail))
    return found


def _database(home: Path, path: Path, limit: float) -> Reading:
    subject = subject_of(home, path)
    kind = format_of(home, path)
    if kind not in ("sqlite", "duckdb"):
        return Reading("database", subject, None, limit, None, f"not measured: {_NOT_MEASURED[kind]}", {"format": kind})
    try:
        file = duckdb_file if kind == "duckdb" else sqlite_file
        now = file.pages(path)
        in_use = bool(file.companions(path)) or (kind == "sqlite" and sqlite_file.uses_wal(path))
    except (Refused, OSError) as error:
        broken = isinstance(error, Refused) and error.code == "failed"
        return Reading("database", subject, None, limit, True if broken else None, clean(str(error)), {"format": kind})
    free = now.free * now.size
    said = f"{now.share:.0%} of {size(now.count * now.size)} is free pages"
    detail = {"bytes": now.count * now.size, "free_bytes": free, "share": round(now.share, 4), "in_use": in_use, "format": kind}
    return Reading("database", subject, now.share, limit, now.share > limit and free >= LEAST_FREE_BYTES, said, detail)


def format_of(home: Path, path: Path) -> str:
    """What the file is by its first bytes: own (Jarvis's store), sqlite, duckdb, empty, unreadable or other."""
    own = home / "data" / "jarvis.duckdb"
    ours = path.parent == home / "data" and path.name.startswith(("jarvis.duckdb", "snapshot.duckdb"))
    if ours or path.is_relative_to(home / "data" / "snapshots") or (own.exists() and own.samefile(path)):
        return "own"
    try:
        with open(path, "rb") as file:
            head = file.read(16)
    except OSError:
        return "unreadable"
    if not head:
        return "empty"
    return "sqlite" if head == b"SQLite format 3\0" else "duckdb" if head[8:12] == b"DUCK" else "other"


def _unmatched(pattern: str) -> Reading:
    return Reading("database", clean(pattern), None, None, None, "not measured: no file matches this pattern in [problems] databases")


def _disk(home: Path) -> Reading:
    now = os.statvfs(home)
    share = now.f_bavail / now.f_blocks if now.f_blocks else 0.0
    said = f"{size(now.f_bavail * now.f_frsize)} of {size(now.f_blocks * now.f_frsize)} free ({share:.0%})"
    detail = {"free_bytes": now.f_bavail * now.f_frsize, "share": round(share, 4)}
    return Reading("disk", "disk", share, LEAST_FREE_SHARE, share < LEAST_FREE_SHARE, said, detail)
