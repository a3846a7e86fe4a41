"""When did this person last press a key in a terminal? Reads the times of the terminals' devices, as `w` does; starts no program."""

import os
import stat
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path


def idle_minutes(*, now: datetime, terminals: Sequence[Path] | None = None) -> float | None:
    """Minutes since the newest input in a terminal of this user; None where none is seen, which never means that nobody is there."""
    times = [t for t in (_used(path) for path in (_terminals() if terminals is None else terminals)) if t is not None]
    return max((now.timestamp() - max(times)) / 60, 0.0) if times else None


def _terminals() -> list[Path]:
    return [*Path("/dev/pts").glob("[0-9]*"), *Path("/dev").glob("tty[0-9]*"), *Path("/dev").glob("ttys[0-9]*")]


def _used(path: Path) -> float | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_atime if found.st_uid == os.getuid() and stat.S_ISCHR(found.st_mode) else None
