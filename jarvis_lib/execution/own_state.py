"""What belongs to Jarvis itself: no task may declare it as its own to change, and no copy may be written over it."""

import os
from pathlib import Path

from jarvis_lib.model.fact import Refused
from jarvis_lib.model.prose import clean
from jarvis_lib.model.task import shared_paths

_FOLDERS = ("kept", "attempts", "spool", "journal", "snapshots", "settings", "trash", "worktrees", "bundles", "canary", "cluster", "crontab-backups", "jupyter")
_MEMORIES = ("settings-read.json", "cluster.json", "catch-up.json", "delivery.called", "calendars.json")
_LOCKS = tuple(f"{name}.lock" for name in ("store", "session", "settings", "fixing", "delivery", "memory", "metrics"))
OWN_STATE = ("jarvis.toml", "logs", "data/jarvis.duckdb", "data/snapshot.duckdb", *(f"data/{name}" for name in (*_FOLDERS, *_MEMORIES, *_LOCKS)))
BESIDE = ("events", "metrics", "sessions")
"""Folders of Jarvis that a task may not see either."""

_PARTS = (
    "autonomous_queue",
    "build_scheduler",
    "context_scheduler",
    "problem_predictor",
    "pattern_learner",
    "self_improver",
    "overnight_runner",
    "weekend_planner",
)
RUN_OUTSIDE = ("notebooks/reports", *(f"notebooks/{name}.ipynb" for name in _PARTS))
"""Notebooks that Jarvis itself runs, outside of any jail: what could change them would be out of its own in the morning."""


def hold_places(home: Path) -> None:
    """Make what of Jarvis's state is not there yet: folders, and empty files where an empty one says nothing. What is not there can be hidden from nobody,
    and a task would be the first to make it."""
    data = home / "data"
    data.mkdir(exist_ok=True)
    for path in (home / "logs", *(data / name for name in (*_FOLDERS, *BESIDE))):
        if not os.path.lexists(path):
            path.mkdir(exist_ok=True)
    for path in (data / name for name in (*_MEMORIES, *_LOCKS)):
        if not os.path.lexists(path):
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600))


def refuse_own_state(relative: str) -> None:
    """Raise Refused when the path (relative to the workspace) is, holds or lies in Jarvis's own state."""
    own = shared_paths(OWN_STATE, [relative])
    if own:
        raise Refused(f"{clean(relative)[:120]!r} holds Jarvis's own state ({own[0]}); no task may change it.")
