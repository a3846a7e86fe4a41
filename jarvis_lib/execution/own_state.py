"""What belongs to Jarvis itself: no task may declare it as its own to change, and no copy may be written over it."""

from jarvis_lib.model.fact import Refused
from jarvis_lib.model.prose import clean
from jarvis_lib.model.task import shared_paths

OWN_STATE = (
    "jarvis.toml",
    "logs",
    "data/jarvis.duckdb",
    "data/snapshot.duckdb",
    "data/settings-read.json",
    *(
        f"data/{name}"
        for name in ("kept", "attempts", "spool", "journal", "snapshots", "settings", "trash", "worktrees", "bundles", "canary", "cluster", "cluster.json")
    ),
    *(f"data/{name}" for name in ("crontab-backups", "catch-up.json", "delivery.called", "jupyter")),
    *(f"data/{name}.lock" for name in ("store", "session", "settings", "fixing", "delivery", "memory")),
)

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


def refuse_own_state(relative: str) -> None:
    """Raise Refused when the path (relative to the workspace) is, holds or lies in Jarvis's own state."""
    own = shared_paths(OWN_STATE, [relative])
    if own:
        raise Refused(f"{clean(relative)[:120]!r} holds Jarvis's own state ({own[0]}); no task may change it.")
