"""Every shipped notebook runs clean by papermill, the way cron runs it: on an empty store and on one with a night in it."""

import json
import time
from pathlib import Path

import pytest

from jarvis_lib import autonomous_queue as queue
from jarvis_lib import overnight_runner as night
from jarvis_lib.execution.papermill_run import run_notebook
from jarvis_lib.report import charts
from jarvis_lib.store.place import Place
from jarvis_lib.workspace import open_workspace

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted(p for p in (ROOT / "notebooks").glob("*.ipynb"))


@pytest.fixture(scope="module")
def lived_in(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """A workspace after one night: something shipped, something failed, something waits."""
    place = workspace(tmp_path_factory.mktemp("lived"))
    more = {"now": place.now(), "checks": ["test -s a.md"], "changes": ["a.md"]}
    queue.add(place, "Shipped", "", 0.01, "Documentation", "HIGH", command="echo a > a.md", **more)
    queue.add(place, "Fails", "", 0.01, "Documentation", "LOW", command="exit 2", now=place.now())
    queue.add(place, "Waits <script>alert(1)</script>", "", 3, "New features", "LOW", command="true", now=place.now())
    night.start(place, for_minutes=3, with_brief=False, say=lambda line: None)
    return place


def workspace(folder: Path) -> Place:
    from tests.roomy import roomy

    (folder / "jarvis.toml").write_text(roomy())
    (folder / "notebooks").symlink_to(ROOT / "notebooks")
    return open_workspace(folder, actor="person:test")


def run(place: Place, notebook: Path, out: Path) -> str:
    """Run it on the workspace, whichever of its two parameter names it has."""
    name = "home" if '"home: str' in notebook.read_text() else "workspace"
    done = run_notebook(notebook, out, {name: str(place.home)}, deadline=time.time() + 120, cwd=place.home)
    assert done["outcome"] == "finished", done["said"]
    return out.read_text()


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda p: p.stem)
def test_it_runs_on_a_store_with_a_night_in_it(lived_in: Place, notebook: Path, tmp_path: Path) -> None:
    """Every cell, to the end."""
    text = run(lived_in, notebook, tmp_path / "out.ipynb")
    assert '"status": "failed"' not in text
    outputs = [o for c in json.loads(text)["cells"] for o in c.get("outputs", [])]
    drawn = any(charts.MIME in o.get("data", {}) for o in outputs)
    assert drawn or notebook.stem == "weekend_planner", "it has no chart; only a weekend without a build has none to draw"


@pytest.mark.long
@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda p: p.stem)
def test_it_runs_on_an_empty_store(notebook: Path, tmp_path: Path) -> None:
    """A newcomer opens it before anything has happened."""
    run(workspace(tmp_path), notebook, tmp_path / "out.ipynb")
