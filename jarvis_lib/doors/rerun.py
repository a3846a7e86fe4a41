"""Do all notebooks still run here? Each by papermill, as the night would; its executed copy and its page go to reports/notebooks/.

Promise: the notebooks themselves stay as they are. Those of reports/ write their page there too, and not to its place of the day. Recipes are left out: they
change things, and are run as tasks.
"""

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from jarvis_lib.execution.papermill_run import run_notebook
from jarvis_lib.execution.parameters import read_parameters
from jarvis_lib.report.clock import when
from jarvis_lib.report.deep import deep_html, question_of
from jarvis_lib.report.publish import put
from jarvis_lib.store.place import Place

FOLDER = "reports/notebooks"
LIMIT_S = 300.0
LEFT_OUT = ("simulated_year",)
"""It is about a workspace of its own, which `jarvis demo` makes."""


def rerun(place: Place, *, say: Callable[[str], None]) -> list[tuple[str, str]]:
    """Run them all, telling one line for each; (notebook, why it failed or an empty string)."""
    found = []
    for path in notebooks(place.home):
        name = path.relative_to(place.home / "notebooks").as_posix()
        why = _run(place, path)
        say(f"{name}: {why or 'good'}")
        found.append((name, why))
    return found


def notebooks(home: Path) -> Iterator[Path]:
    """Those of the workspace itself and of reports/, by name."""
    folder = home / "notebooks"
    yield from (p for p in sorted([*folder.glob("*.ipynb"), *folder.glob("reports/*.ipynb")]) if p.stem not in LEFT_OUT)


def _run(place: Place, path: Path) -> str:
    now = place.now()
    out = place.home / FOLDER / f"{path.stem}.ipynb"
    given = {"workspace": str(place.home), "home": str(place.home), "snapshot": str(place.store.snapshot()), "as_of": now.isoformat()}
    if path.parent.name == "reports":
        given["out"] = str(out.with_suffix(".report.html"))
    known = read_parameters(path)
    done = run_notebook(path, out, {k: v for k, v in given.items() if k in known}, deadline=time.time() + LIMIT_S, cwd=place.home)
    if done["outcome"] != "finished":
        return str(done["said"])
    html = deep_html(json.loads(out.read_text(encoding="utf-8")), path.stem, question_of(out), when(now, place.zone, now=now))
    put(out.with_suffix(".html"), html)
    return ""
