"""How long does the import of a large old queue take, and how much memory? `python -m tests.bench.importing 100000` prints both, and the second import's."""

import json
import random
import re
import resource
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from jarvis_lib.doors import importing
from jarvis_lib.model.settings import template
from jarvis_lib.workspace import open_workspace

CATEGORIES = ("Performance optimization", "Bug fixes", "documentation", "Infrastructure", "New features", "Test coverage", "research")
STATUSES = ("queued", "queued", "completed", "completed", "failed", "in_progress")


def large(count: int, seed: int = 3) -> dict[str, Any]:
    """An old queue of so many tasks, a fifth of them waiting for an earlier one."""
    draw = random.Random(seed)
    return {
        "tasks": [
            {
                "id": f"build_{n}",
                "title": f"Task number {n} about the {draw.choice(('shop', 'index', 'search', 'login'))}",
                "description": "Profile and optimise the slow queries of the shop. " * 3,
                "estimated_hours": draw.choice([0.5, 1, 2, 4]),
                "category": draw.choice(CATEGORIES),
                "priority": draw.randint(1, 5),
                "dependencies": [f"build_{draw.randrange(n)}"] if n and draw.random() < 0.2 else [],
                "auto_approve": draw.random() < 0.5,
                "created_at": "2026-01-02T10:00:00",
                "status": draw.choice(STATUSES),
            }
            for n in range(count)
        ]
    }


def measured(count: int) -> dict[str, float]:
    """Seconds of a first and a second import, the peak memory of both in MB, and how many tasks came in."""
    with tempfile.TemporaryDirectory() as folder:
        home, file = Path(folder) / "home", Path(folder) / "build_queue.json"
        home.mkdir()
        (home / "jarvis.toml").write_text(template())
        file.write_text(json.dumps(large(count)))
        place = open_workspace(home, actor="person:bench")
        begin, working = time.monotonic(), time.process_time()
        first = importing.import_state(place, file, now=place.now())
        between, worked = time.monotonic(), time.process_time() - working
        second = importing.import_state(place, file, now=place.now())
        took, again = between - begin, time.monotonic() - between
    peak = peak_mb()
    return {"first_s": took, "cpu_s": worked, "second_s": again, "peak_mb": peak, "imported": first.files[0].imported, "again": second.files[0].imported}


def peak_mb() -> float:
    """The most memory of this process. On Linux not by `ru_maxrss`, which a program inherits from whoever started it."""
    status = Path("/proc/self/status")
    if status.exists():
        return int(re.search(r"VmHWM:\s+(\d+) kB", status.read_text())[1]) / 1024  # type: ignore[index]  # the kernel always tells it
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2


if __name__ == "__main__":
    wanted = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    found = measured(wanted)
    if "--json" in sys.argv:
        sys.stdout.write(json.dumps(found) + "\n")
        sys.exit()
    sys.stdout.write(
        f"{found['imported']:,.0f} of {wanted:,} tasks: {found['first_s']:.1f} s ({found['cpu_s']:.1f} s of processor), peak {found['peak_mb']:.0f} MB; "
    )
    sys.stdout.write(f"a second import: {found['second_s']:.1f} s, {found['again']:.0f} came in\n")
