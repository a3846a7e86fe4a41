"""What has piled up in the configured repositories: loose objects, and branches and worktrees of Jarvis's own that nobody needs any more?

Own is a branch `jarvis/…` that is merged and checked out nowhere, and a worktree below the workspace's `data/` whose folder is gone. What
was touched within `cache_keep_days` stays, and so does everything of the person.
"""

import os
from datetime import datetime
from pathlib import Path
from typing import Any

from jarvis_lib.execution.fixes.git import git_dir, repositories, told
from jarvis_lib.execution.fixes.watch import Reading, subject_of
from jarvis_lib.model.fact import Refused
from jarvis_lib.model.prose import clean, plural

OWN = "refs/heads/jarvis/"
_DAY_S = 86_400.0


def readings(home: Path, wanted: dict[str, Any], *, now: datetime) -> list[Reading]:
    """One reading for each repository: its loose objects, with the own branches and worktrees that may go in `detail`."""
    before = now.timestamp() - wanted["cache_keep_days"] * _DAY_S
    return [_reading(home, top, wanted["loose_objects"], before) for top in repositories(home, wanted["repositories"])]


def _reading(home: Path, top: Path, limit: int, before: float) -> Reading:
    subject, inner = subject_of(home, top), git_dir(top)
    if inner is None:
        return Reading("repository", subject, None, limit, None, "not measured: it is no repository any more")
    try:
        counts = dict(line.split(": ") for line in told(top, "count-objects", "-v").splitlines() if ": " in line)
        branches = _merged(top, inner, before)
    except Refused as error:
        return Reading("repository", subject, None, limit, None, f"not measured: {error.sentence}")
    worktrees = _gone(home, inner, before)
    loose, held = int(counts["count"]), 1024 * (int(counts["size"]) + int(counts["size-pack"]))
    said = f"{plural(loose, 'loose object')} of {limit:,}"
    said += f", {plural(len(branches), 'merged branch', 'merged branches')} of Jarvis" if branches else ""
    said += f", {plural(len(worktrees), 'worktree')} of Jarvis without a folder" if worktrees else ""
    detail = {"loose": loose, "limit": limit, "bytes": held, "branches": branches, "worktrees": worktrees}
    detail["count"] = loose + len(branches) + len(worktrees)
    return Reading("repository", subject, float(loose), float(limit), loose > limit or bool(branches or worktrees), said, detail)


def _merged(top: Path, inner: Path, before: float) -> list[list[str]]:
    """(name, object) of each own branch that HEAD holds whole, that no worktree has checked out, and that is old."""
    if not (inner / OWN).exists() and not _in_packed(inner):
        return []
    lines = told(top, "for-each-ref", "--merged=HEAD", "--format=%(refname)%00%(objectname)%00%(worktreepath)", OWN).splitlines()
    parts = (line.split("\0") for line in lines)
    return [[name, held] for name, held, worktree in parts if not worktree and _touched(inner, name) < before]


def _in_packed(inner: Path) -> bool:
    packed = inner / "packed-refs"
    return packed.is_file() and f" {OWN}".encode() in packed.read_bytes()


def _touched(inner: Path, ref: str) -> float:
    """When a ref last moved, as its file and its log tell; of a packed one, when refs were packed."""
    times = [p.stat().st_mtime for p in (inner / ref, inner / "logs" / ref) if p.is_file()]
    return max(times) if times else (inner / "packed-refs").stat().st_mtime


def _gone(home: Path, inner: Path, before: float) -> list[str]:
    """The names of own worktrees whose folder is gone. A locked one, or one that was used lately, stays."""
    found = []
    for pointer in sorted((inner / "worktrees").glob("*/gitdir")):
        admin, where = pointer.parent, Path(os.path.normpath(pointer.read_text(encoding="utf-8", errors="replace").strip()))
        old = max(p.lstat().st_mtime for p in admin.iterdir()) < before
        if where.is_relative_to(home / "data") and not where.exists() and not (admin / "locked").exists() and old and clean(admin.name) == admin.name:
            found.append(admin.name)
    return found
