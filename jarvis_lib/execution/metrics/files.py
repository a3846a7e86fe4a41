"""How large are the databases that are watched? Their free pages come with the watch of bloat."""

from datetime import datetime
from pathlib import Path
from typing import Any

from jarvis_lib.execution.fixes.watch import Reading, matches, subject_of
from jarvis_lib.execution.metrics.measured import measured, unmeasured


def readings(home: Path, wanted: dict[str, Any], now: datetime) -> list[Reading]:
    """The size of each database."""
    found = []
    for path in sorted(matches(home, wanted["databases"])):
        subject = subject_of(home, path)
        try:
            found.append(measured(wanted, "database_size", subject, path.stat().st_size))
        except OSError as error:
            found.append(unmeasured("database_size", subject, error.strerror or "it is gone"))
    return found
