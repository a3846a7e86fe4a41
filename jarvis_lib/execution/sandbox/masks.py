"""What in a workspace may no attempt see, even one that works on the workspace's own files? The list to put into `Jail.hidden`."""

from pathlib import Path

_OF_DATA = (
    *("jarvis.duckdb", "jarvis.duckdb.wal", "snapshot.duckdb", "spool", "journal", "snapshots", "attempts", "kept", "sessions", "events", "trash"),
    *("settings", "settings-read.json", "store.lock", "session.lock", "session.alive", "fixing.lock", "settings.lock", "events.lock", "worktrees"),
    *("metrics", "calendars.json"),
)
_OF_HOME = (".git/config", ".git/hooks", ".env")


def masks_of(home: Path) -> tuple[Path, ...]:
    """The workspace's own state below `home`: store, spool, journal, locks, other attempts, its repository's settings and hooks.

    `jarvis.toml` is not among them, for notebooks read it; nothing that is readable can be written. What an attempt may write inside of
    `data/attempts` is to be given as writable: the deeper path counts.
    """
    found = [home / "data" / name for name in _OF_DATA] + [home / name for name in _OF_HOME]
    return tuple(path for path in found if path.exists() or path.is_symlink())
