"""What the tests of the execution layer share: attempts with real workers, real kernels, and a look at what is alive."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest

from jarvis_lib.execution import tree
from jarvis_lib.execution.engine import Handle, LocalEngine
from jarvis_lib.model.evidence import Evidence, Verdict, evidence_from_json, judge
from jarvis_lib.model.fact import new_id
from jarvis_lib.model.task import Recipe, Task

PATIENCE_S = 30.0


class Bench:
    """A workspace and an engine: runs single steps or whole attempts."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.engine = LocalEngine()
        self.attempt = new_id()

    @property
    def folder(self) -> Path:
        return self.home / "data" / "attempts" / self.attempt

    def submit(self, task: Task, step: str = "recipe", **more: Any) -> Handle:
        return self.engine.submit(self.spec(task, step, **more))

    def spec(self, task: Task, step: str = "recipe", *, left: float = 60.0, more: dict[str, Any] | None = None, **limits: float) -> dict[str, Any]:
        own = {"wall_s": 60.0, "output_bytes": 1 << 20, "memory_bytes": 0, "check_s": 10.0, "grace_s": 0.5} | limits
        spec = {"v": 1, "step": step, "attempt": self.attempt, "task": task.to_json(), "home": str(self.home), "dir": str(self.folder)}
        spec |= {"deadline": time.time() + left, "limits": own, "pass_env": [], "seed": 7, "as_of": "2026-11-24T02:00:00.000000Z"}
        return spec | (more or {})

    def wait(self, handle: Handle) -> dict[str, Any]:
        until = time.monotonic() + PATIENCE_S
        while (result := self.engine.poll(handle)) is None:
            assert time.monotonic() < until, f"no result within {PATIENCE_S} s"
            time.sleep(0.01)
        return result

    def run(self, task: Task, step: str = "recipe", **more: Any) -> dict[str, Any]:
        return self.wait(self.submit(task, step, **more))

    def night(self, task: Task, **more: Any) -> tuple[Verdict, list[Evidence], dict[str, dict[str, Any]]]:
        """Baseline, recipe and proof as a session does them; the verdict, the evidence, the results."""
        results: dict[str, dict[str, Any]] = {}
        for step in ("baseline", "recipe", "prove"):
            before = results.get("baseline", {})
            carried = {"before": before.get("before", []), "measured": before.get("measured", {})}
            results[step] = self.run(task, step, more=carried, **more)
            if results[step]["outcome"] != "finished":
                break
        evidence = [evidence_from_json(e) for r in results.values() for e in r["evidence"]]
        return judge(task, results[step]["outcome"], evidence, attempt=1), evidence, results

    def alive(self) -> list[int]:
        return tree.tagged([self.attempt])


@pytest.fixture
def bench(home: Path) -> Iterator[Bench]:
    """A workspace with an engine that is closed at the end."""
    own = Bench(home)
    yield own
    own.engine.close()


def command(line: str, **more: Any) -> Task:
    return task_of(Recipe("command", shell=line), **more)


def notebook(home: Path, *cells: str, parameters: str | None = None, given: dict[str, Any] | None = None, **more: Any) -> Task:
    """A task that runs a notebook with these code cells."""
    own = [nbformat.v4.new_code_cell(parameters, metadata={"tags": ["parameters"]})] if parameters is not None else []
    book = nbformat.v4.new_notebook(cells=[*own, *(nbformat.v4.new_code_cell(c) for c in cells)])
    nbformat.write(book, home / "work.ipynb")
    return task_of(Recipe("notebook", notebook="work.ipynb", parameters=given or {}), **more)


def task_of(recipe: Recipe | None, **more: Any) -> Task:
    own: dict[str, Any] = {"description": "", "hours": 1.0, "category": "Refactoring", "priority": "LOW"}
    return Task(**({"id": new_id(), "title": "A task", "recipe": recipe} | own | more))


def states(path: str) -> list[str]:
    """The state of each code cell in an executed notebook."""
    cells = json.loads(Path(path).read_text())["cells"]
    return [c["metadata"]["papermill"]["status"] for c in cells if c["cell_type"] == "code"]


def pid_in(path: Path) -> int:
    """The process number that a task writes into a file; waits until it is there."""
    until = time.monotonic() + PATIENCE_S
    while not (path.exists() and path.read_text().strip()):
        assert time.monotonic() < until, f"{path} was never written"
        time.sleep(0.01)
    return int(path.read_text())


def gone(pid: int) -> bool:
    """True when the process ends within the patience of a test."""
    until = time.monotonic() + PATIENCE_S
    while tree.exists(pid) and time.monotonic() < until:
        time.sleep(0.01)
    return not tree.exists(pid)
