"""How large are the repositories that the person named? Packs, large files and worktrees. Two short git commands each; nothing is changed."""

import glob
import os
from datetime import datetime
from pathlib import Path
from typing import Any

from jarvis_lib.execution.fixes.child import ask_all
from jarvis_lib.execution.fixes.watch import Reading, subject_of
from jarvis_lib.execution.metrics.measured import measured, unmeasured
from jarvis_lib.model.prose import clean, plural, size

LARGE = 100 * 1024 * 1024
_LIMIT_S = 5.0


def readings(home: Path, wanted: dict[str, Any], now: datetime) -> list[Reading]:
    """Three numbers for each repository of `[problems] repositories`, or one sentence."""
    there, found = [], []
    for pattern in wanted["repositories"]:
        tops = [Path(os.path.normpath(home / n)) for n in sorted(glob.glob(os.path.expanduser(pattern), root_dir=home)) if n.isprintable()]
        good = [p for p in tops if (p / ".git").exists() or (p / "objects").is_dir()]
        there += good
        found += [] if good else [unmeasured("repository_size", clean(pattern), "there is no repository here")]
    git = ["git", "--no-optional-locks", "-C"]
    asked = [[*git, str(p), "count-objects", "-v"] for p in there] + [[*git, str(p), "worktree", "list", "--porcelain"] for p in there]
    answers = ask_all(asked, cwd=home, limit_s=_LIMIT_S) if there else []
    for path, counted, listed in zip(there, answers, answers[len(there) :], strict=False):
        subject = subject_of(home, path)
        if counted.code or listed.code:
            found.append(unmeasured("repository_size", subject, f"git {(counted if counted.code else listed).said}"))
        else:
            found += _numbers(path, subject, counted.text, listed.text, wanted)
    return found


def _numbers(path: Path, subject: str, counted: str, listed: str, wanted: dict[str, Any]) -> list[Reading]:
    pairs = (line.partition(": ") for line in counted.splitlines())
    figures = {name: int(value) for name, _, value in pairs if value.strip().isdigit()}
    folder = path / ".git" if (path / ".git").is_dir() else path
    worktrees = sum(line.startswith("worktree ") for line in listed.splitlines())
    gone = sum(line.startswith("prunable") for line in listed.splitlines())
    large = [p for p in folder.glob("objects/pack/*.pack") if _size(p) >= LARGE]
    packed = figures.get("size-pack", 0) * 1024
    return [
        measured(wanted, "repository_size", subject, packed, f"{size(packed)} in {plural(figures.get('packs', 0), 'pack')}"),
        measured(wanted, "large_objects", subject, len(large), f"{plural(len(large), 'pack')} over {size(LARGE)}"),
        measured(wanted, "worktrees", subject, worktrees, f"{plural(worktrees, 'worktree')}, {gone} of them without a folder"),
    ]


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
