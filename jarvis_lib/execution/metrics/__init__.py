"""What are the numbers of this machine and of the files, databases, repositories and dates that the person named? One reading each.

Promise: cheap (stat calls, small reads, two short git commands for each repository), nothing is changed, and what cannot be measured is one
reading that says why. A plug-in runs in a process of its own with a limit, so that a bad one costs one sentence.
"""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from jarvis_lib.execution.fixes.watch import Reading
from jarvis_lib.execution.metrics import dates, files, logs, machine, plugins, repositories
from jarvis_lib.execution.metrics.measured import unmeasured
from jarvis_lib.model.prose import clean

Gauge = Callable[[Path, dict[str, Any], datetime], list[Reading]]
GAUGES: dict[str, Gauge] = {
    "machine": machine.readings,
    "logs": logs.readings,
    "databases": files.readings,
    "repositories": repositories.readings,
    "dates": dates.readings,
    "plugins": plugins.readings,
}


def collect(home: Path, wanted: dict[str, Any], *, now: datetime) -> list[Reading]:
    """All readings. `wanted` is the `[problems]` section. A gauge that breaks is one reading that says so; the others go on."""
    found: list[Reading] = []
    for name, gauge in GAUGES.items():
        try:
            found += gauge(home, wanted, now)
        except OSError as error:
            found.append(unmeasured(name, name, f"{error.strerror or error} ({clean(str(error.filename or name))})"))
    return found
