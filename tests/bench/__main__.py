"""`make bench`: what Jarvis costs, as ratios against a baseline of the same run. Nothing here is a pass or a fail; goals are shown."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import nbformat

from jarvis_lib.execution.engine import LocalEngine
from jarvis_lib.model.settings import template
from jarvis_lib.model.task import Recipe, Task
from jarvis_lib.store.place import Place
from jarvis_lib.workspace import open_workspace
from tests.bench import large, year
from tests.bench.isolation import isolation
from tests.bench.timing import HEAD, Figure, command, compare
from tests.facts import added, task

ROOT = Path(__file__).parents[2]
JARVIS = str(Path(sys.executable).with_name("jarvis"))
PYTHON = sys.executable


def workspace(folder: Path, tasks: int = 0) -> Place:
    folder.mkdir(parents=True)
    (folder / "jarvis.toml").write_text(template())
    (folder / "notebooks").symlink_to(ROOT / "notebooks")
    place = open_workspace(folder, actor="person:bench")
    for start in range(0, tasks, 1000):
        place.store.append(*[added(place, task(f"Task {start + i}", hours=1 + (start + i) % 7, priority=["HIGH", "LOW"][i % 2])) for i in range(1000)])
    return place


def commands(base: Path) -> list[Figure]:
    """Whole commands, from the shell's point of view."""
    empty, full = workspace(base / "empty"), workspace(base / "full", tasks=10_000)
    click = command([PYTHON, "-c", "import click"])
    duck = command([PYTHON, "-c", "import duckdb, click"])
    add = command([JARVIS, "--home", str(empty.home), "add", "Optimize database", "Profile slow queries", "2.0", "Performance optimization", "HIGH"])
    figures = [compare("`jarvis add`", add, "`import click`", click, n=31, goal=1.4)]
    for words in (["queue", "list"], ["scheduler", "next"], ["scheduler", "stats"]):
        own = command([JARVIS, "--home", str(full.home), *words])
        figures.append(compare(f"`jarvis {' '.join(words)}`, 10,000 tasks", own, "`import duckdb, click`", duck, n=15, goal=1.6))
    return figures


SPOOLER = """
import sys, time
from datetime import datetime, UTC
from jarvis_lib.model.fact import Fact, new_id
from jarvis_lib.store import spool
begin = time.perf_counter()
for i in range(200):
    spool.put(sys.argv[1], Fact(new_id(16), datetime.now(UTC), "person:bench", "notice", {"kind": "bench", "sentence": "x" * 400}))
print(time.perf_counter() - begin)
"""
BARE = """
import os, sys, time
where = os.path.join(sys.argv[1], "data", "spool")
begin = time.perf_counter()
for i in range(200):
    name = os.path.join(where, f"{os.getpid()}-{i}")
    fd = os.open(name + ".tmp", os.O_WRONLY | os.O_CREAT | os.O_EXCL)
    os.write(fd, b"x" * 560); os.fsync(fd); os.close(fd); os.rename(name + ".tmp", name)
print(time.perf_counter() - begin)
"""


def spooling(base: Path) -> list[Figure]:
    """200 acknowledged facts from each of 1 and 4 processes, against bare write + fsync + rename of the same size; the slowest process, imports apart."""

    def run(code: str, processes: int) -> Callable[[], float]:
        def once() -> float:
            home = Path(tempfile.mkdtemp(dir=base))
            (home / "data" / "spool").mkdir(parents=True)
            started = [subprocess.Popen([PYTHON, "-c", code, str(home)], stdout=subprocess.PIPE, text=True) for _ in range(processes)]
            return max(float(p.communicate()[0]) for p in started)

        return once

    return [compare(f"200 adds from each of {p}", run(SPOOLER, p), "write + fsync + rename", run(BARE, p), n=7, goal=2.0) for p in (1, 4)]


def attempt(place: Place, one: Task) -> Callable[[], float]:
    """The three steps of an attempt through the real engine."""

    def once() -> float:
        begin = time.perf_counter()
        engine = LocalEngine()
        folder = Path(tempfile.mkdtemp(dir=place.home))
        results: dict[str, dict[str, object]] = {}
        for step in ("baseline", "recipe", "prove"):
            before = results.get("baseline", {})
            spec = {
                "v": 1,
                "step": step,
                "attempt": folder.name,
                "task": one.to_json(),
                "home": str(place.home),
                "dir": str(folder),
                "deadline": time.time() + 120,
                "limits": {"wall_s": 100, "output_bytes": 1 << 20, "memory_bytes": 4 << 30, "check_s": 60, "grace_s": 2},
                "pass_env": [],
                "seed": 1,
                "as_of": "2026-11-24T00:00:00Z",
                "before": before.get("before", []),
                "measured": before.get("measured", {}),
            }
            handle = engine.submit(spec)
            while (result := engine.poll(handle)) is None:
                time.sleep(0.005)
            assert result["outcome"] == "finished", result
            results[step] = result
        return time.perf_counter() - begin

    return once


def attempts(base: Path) -> list[Figure]:
    """What isolation and proof cost on top of the work itself."""
    place = workspace(base / "attempts")
    notebook = nbformat.v4.new_notebook(metadata={"kernelspec": {"name": "python3", "display_name": "Python", "language": "python"}})
    notebook.cells = [nbformat.v4.new_code_cell("x: int = 1", metadata={"tags": ["parameters"]}), nbformat.v4.new_code_cell("x")]
    path = place.home / "tiny.ipynb"
    nbformat.write(notebook, path)
    sleep = task(recipe=Recipe("command", argv=("sleep", "0.2")), checks=())
    run = task(recipe=Recipe("notebook", notebook="tiny.ipynb"), checks=())
    plain = f"import papermill; papermill.execute_notebook({str(path)!r}, {str(base / 'out.ipynb')!r}, progress_bar=False)"
    return [
        compare("an attempt of `sleep 0.2`", attempt(place, sleep), "plain `sleep 0.2`", command(["sleep", "0.2"]), n=9),
        compare(
            "an attempt of an empty notebook",
            attempt(place, run),
            "plain papermill",
            command([PYTHON, "-W", "ignore", "-c", "import jarvis_lib;" + plain]),
            n=5,
        ),
    ]


def briefs(base: Path) -> list[Figure]:
    """The morning brief of a store with 300 tasks, against papermill on an empty notebook (both in new processes)."""
    place = workspace(base / "briefs")
    place.store.append(*[added(place, task(f"Task {i}")) for i in range(300)])
    empty = nbformat.v4.new_notebook(metadata={"kernelspec": {"name": "python3", "display_name": "Python", "language": "python"}})
    empty.cells = [nbformat.v4.new_code_cell("pass", metadata={"tags": ["parameters"]})]
    nbformat.write(empty, base / "empty.ipynb")
    words = f"papermill.execute_notebook({str(base / 'empty.ipynb')!r}, {str(base / 'empty.out.ipynb')!r}, progress_bar=False)"
    plain = command([PYTHON, "-c", f"import jarvis_lib, papermill; {words}"])
    make = (
        "import sys; from jarvis_lib.workspace import open_workspace; from jarvis_lib import overnight_runner; "
        "p = open_workspace(sys.argv[1]); overnight_runner.make_brief(p, as_of=p.now())"
    )
    own = command([PYTHON, "-c", make, str(place.home)])
    return [compare("the morning brief", own, "papermill on an empty notebook", plain, n=5, goal=1.6)]


def main() -> None:
    print(HEAD, flush=True)
    with tempfile.TemporaryDirectory(prefix="jarvis-bench-") as folder:
        for part in (commands, spooling, attempts, briefs, isolation):
            for figure in part(Path(folder)):
                print(figure.row(), flush=True)
        large.told(Path(folder))
        year.told(Path(folder))
    print(f"\nPython {sys.version.split()[0]}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; medians of n runs in turns with their baseline.")


if __name__ == "__main__":
    main()
