"""JupyterLab in a real browser that can reach nothing but it: the tour from top to bottom, charts that are drawn, a task by magic, and a session beside it."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest

from jarvis_lib import autonomous_queue as queue
from jarvis_lib import overnight_runner as night
from jarvis_lib.execution.lab import command, environment
from jarvis_lib.execution.papermill_run import run_notebook
from jarvis_lib.lab import charts
from jarvis_lib.store.place import Place
from jarvis_lib.workspace import open_workspace
from tests.browser.test_brief_browser import CHROMIUM, DRIVER, QUIET, pytestmark
from tests.report_nights import START, good_night
from tests.roomy import roomy

__all__ = ["pytestmark"]
ROOT = Path(__file__).parents[2]
COMPONENTS = [
    *("autonomous_queue", "build_scheduler", "context_scheduler", "overnight_runner"),
    *("pattern_learner", "problem_predictor", "self_improver", "weekend_planner"),
]

BOOK = "const p = [...jupyterapp.shell.widgets('main')].find(w => w.context && w.sessionContext);"
"""The notebook that is open, in the browser."""


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """A workspace after a night, with every shipped notebook, and one that holds every chart and was run by papermill, so that Lab does not trust it."""
    home = tmp_path_factory.mktemp("lab")
    (home / "jarvis.toml").write_text(roomy())
    shutil.copytree(ROOT / "notebooks", home / "notebooks", ignore=shutil.ignore_patterns("tasks", ".ipynb_checkpoints"))
    good_night(open_workspace(home, clock=lambda: START, actor="person:test"))
    place = open_workspace(home, actor="person:test")
    book = nbformat.v4.new_notebook(metadata={"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}})
    begin = nbformat.v4.new_code_cell(f'home: str = ""  # the workspace\nshown: str = "{len(charts.ALL)}"  # charts', metadata={"tags": ["parameters"]})
    book.cells = [begin, *(nbformat.v4.new_code_cell(f"import jarvis_lib as jarvis\njarvis.charts.{name}()") for name in charts.ALL)]
    nbformat.write(book, home / "all_charts.ipynb")
    ran = run_notebook(home / "all_charts.ipynb", home / "notebooks" / "all_charts.ipynb", {"home": str(home)}, deadline=time.time() + 300, cwd=home)
    assert ran["outcome"] == "finished", ran["said"]
    return place


@pytest.fixture(scope="module")
def lab(lived: Place, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The server as `jarvis lab` starts it, on loopback; its address."""
    own = tmp_path_factory.mktemp("jupyter")
    settings = own / "settings" / "@jupyterlab" / "notebook-extension" / "tracker.jupyterlab-settings"
    settings.parent.mkdir(parents=True)
    settings.write_text('{"windowingMode": "none"}')  # cells out of sight are drawn, too
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    more = ("--no-browser", "--allow-root", "--ip=127.0.0.1", f"--port={port}", "--IdentityProvider.token=", "--LabApp.expose_app_in_browser=True")
    dirs = {"JUPYTERLAB_SETTINGS_DIR": own / "settings", "JUPYTERLAB_WORKSPACES_DIR": own / "workspaces", "JUPYTER_RUNTIME_DIR": own / "run"}
    env = environment(lived.home) | {k: str(v) for k, v in dirs.items()} | {"JUPYTER_CONFIG_DIR": str(own / "config")}
    with (own / "log").open("w") as log, subprocess.Popen(command(lived.home / "notebooks", more), env=env, stdout=log, stderr=log) as server:
        try:
            waited(lambda: urllib.request.urlopen(f"http://127.0.0.1:{port}/api", timeout=2).status == 200, 120)
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()
            server.wait(30)


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A Chromium for which no name and no other address exists."""
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = str(CHROMIUM)
    alone = ("--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1", "--window-size=1400,2000")
    for flag in ("--headless=new", "--no-sandbox", *QUIET, *alone, f"--user-data-dir={tmp_path_factory.mktemp('chromium')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"performance": "ALL", "browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(str(DRIVER)))
    driver.set_script_timeout(240)
    driver.execute_cdp_cmd("Emulation.setFocusEmulationEnabled", {"enabled": True})  # Lab's current notebook is the one that has the focus
    yield driver
    driver.quit()


def waited(ready: Callable[[], Any], seconds: float, what: str = "it") -> Any:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            found = ready()
        except OSError:
            found = None
        if found:
            return found
        time.sleep(0.3)
    raise AssertionError(f"{what} did not come in {seconds} s")


def opened(browser: Any, lab: str, name: str) -> None:
    """Open one notebook in a workspace of its own and wait until its kernel is there."""
    browser.get(f"{lab}/lab/workspaces/{name}/tree/{name}.ipynb?reset")
    there = f"if (!window.jupyterapp) return false; {BOOK} return !!(p && p.context.isReady && p.sessionContext.session)"
    waited(lambda: browser.execute_script(there), 90, f"the notebook {name}")
    browser.execute_script(f"{BOOK} jupyterapp.shell.activateById(p.id)")
    waited(lambda: browser.execute_script(f"{BOOK} return jupyterapp.shell.currentWidget === p"), 20, f"the focus of {name}")


def ran(browser: Any, command: str) -> None:
    """Run a command of Lab on the open notebook, to its end."""
    run = "p.sessionContext.ready.then(() => jupyterapp.commands.execute(arguments[0])).then(() => done('ok'), e => done(String(e)))"
    assert browser.execute_async_script(f"const done = arguments[1]; {BOOK} {run}", command) == "ok"


def cells(browser: Any) -> list[dict[str, Any]]:
    """What the notebook holds now: each code cell's source and outputs."""
    code = "return JSON.stringify(p.content.model.toJSON().cells.filter(c => c.cell_type === 'code'))"
    found: list[dict[str, Any]] = json.loads(browser.execute_script(f"{BOOK} {code}"))
    return found


def wrong(browser: Any) -> list[str]:
    """Errors and what was said on standard error."""
    outputs = [o for c in cells(browser) for o in c["outputs"]]
    return [str(o.get("evalue") or o.get("text")) for o in outputs if o["output_type"] == "error" or o.get("name") == "stderr"]


def drawn(browser: Any) -> int:
    """Charts that Lab's own Vega drew, with something in them."""
    return int(
        browser.execute_script("return [...document.querySelectorAll('.jp-OutputArea-output .vega-embed')].filter(e => e.querySelector('canvas, svg')).length")
    )


def asked(browser: Any) -> set[str]:
    """The hosts that were asked for anything since the last time."""
    events = [json.loads(e["message"])["message"] for e in browser.get_log("performance")]
    urls = [e["params"]["request"]["url"] for e in events if e["method"] == "Network.requestWillBeSent"]
    return {u.split("/")[2].split(":")[0] for u in urls if u.startswith(("http", "ws"))}


def test_the_tour_is_run_and_a_task_is_added_by_magic(browser: Any, lab: str, lived: Place) -> None:
    """A new user's path: every cell, charts that are drawn, a proposed task that the queue shows; nothing but this machine was asked for anything."""
    opened(browser, lab, "00_start_here")
    ran(browser, "notebook:run-all-cells")
    assert wrong(browser) == [] and all(c["execution_count"] for c in cells(browser))
    waited(lambda: drawn(browser) == 4, 30, "the fourth chart")
    seen = str(os.environ.get("JARVIS_SCREENSHOTS", ""))
    if seen:
        browser.save_screenshot(str(Path(seen) / "start_here.png"))
    task = "%%jarvis_task 'Count the notebooks' --hours 0.1 --category Documentation --check 'test -s n.txt' --changes n.txt\nopen('n.txt', 'w').write('9')"
    for source in (task, "%jarvis queue list"):
        ran(browser, "notebook:insert-cell-below")
        browser.execute_script(f"{BOOK} p.content.activeCell.model.sharedModel.setSource(arguments[0])", source)
        ran(browser, "notebook:run-cell")
    added, listed = [c for c in cells(browser) if c["source"] in (task, "%jarvis queue list")]
    assert "jarvis approve" in json.dumps(added["outputs"]), added
    assert "Count the notebooks" in json.dumps(listed["outputs"]) and "proposed" in json.dumps(listed["outputs"]), listed
    (row,) = [r for r in queue.listing(lived, now=lived.now()) if r["title"] == "Count the notebooks"]
    assert row["state"] == "proposed" and wrong(browser) == []
    assert "news" not in browser.find_element("tag name", "body").text, "nobody is asked about news"
    assert asked(browser) <= {"127.0.0.1"}


def test_a_new_notebook_gets_the_kernel_called_jarvis(browser: Any, lab: str, lived: Place) -> None:
    """The launcher offers it first; it is this Python, on this workspace."""
    specs = json.loads(urllib.request.urlopen(f"{lab}/api/kernelspecs", timeout=10).read())
    assert specs["default"] == "jarvis" and specs["kernelspecs"]["jarvis"]["spec"]["display_name"] == "Jarvis" and "python3" in specs["kernelspecs"]
    with urllib.request.urlopen(f"{lab}{specs['kernelspecs']['jarvis']['resources']['logo-svg']}", timeout=10) as logo:
        assert logo.read().startswith(b"<svg")
    book = nbformat.v4.new_notebook(metadata={"kernelspec": {"name": "jarvis", "display_name": "Jarvis", "language": "python"}})
    book.cells = [nbformat.v4.new_code_cell("import os, sys, jarvis_lib as jarvis\nprint(sys.executable, os.environ['JARVIS_HOME'], len(jarvis.tasks()) > 0)")]
    nbformat.write(book, lived.home / "notebooks" / "own.ipynb")
    opened(browser, lab, "own")
    ran(browser, "notebook:run-all-cells")
    (cell,) = cells(browser)
    assert "".join(cell["outputs"][0]["text"]).split() == [sys.executable, str(lived.home), "True"]


def test_every_shipped_chart_is_drawn_in_a_notebook_that_is_not_trusted(browser: Any, lab: str) -> None:
    """Opened and not run: the charts that papermill left are drawn by Lab, in the version of Vega-Lite that it has."""
    opened(browser, lab, "all_charts")
    waited(lambda: drawn(browser) == len(charts.ALL), 60, f"the last of {len(charts.ALL)} charts")
    assert browser.execute_script(f"{BOOK} return p.content.model.cells.get(1).trusted") is False
    empty = "return [...document.querySelectorAll('.vega-embed')].filter(e => e.textContent.includes('Error') || e.getBoundingClientRect().width < 50).length"
    assert browser.execute_script(empty) == 0 and asked(browser) <= {"127.0.0.1"}


def test_a_session_works_beside_the_open_kernels_of_every_notebook(browser: Any, lab: str, lived: Place) -> None:
    """All nine have been run and sit idle; a task is added, worked, proved and shipped meanwhile."""
    for name in COMPONENTS:
        opened(browser, lab, name)
        ran(browser, "notebook:run-all-cells")
        assert wrong(browser) == [], name
    kernels = json.loads(urllib.request.urlopen(f"{lab}/api/kernels", timeout=10).read())
    assert len(kernels) >= len(COMPONENTS)
    more: dict[str, Any] = {"command": "echo a > a.md", "checks": ["test -s a.md"], "changes": ["a.md"], "now": lived.now()}
    made = queue.add(lived, "Beside Lab", "", 0.01, "Documentation", "HIGH", **more)
    night.start(lived, for_minutes=2, with_brief=False, say=lambda line: None)
    assert queue.show(lived, made.task.id)["task"]["state"] in ("shipped", "accepted")
    assert asked(browser) <= {"127.0.0.1"}


def test_a_page_of_a_component_draws_its_charts_by_itself(browser: Any, lived: Place, tmp_path: Path) -> None:
    """The deep page from a file, without a network: one request, every image becomes a chart that answers, nothing on the console."""
    from jarvis_lib.report.deep import deep_html

    page = tmp_path / "page.html"
    page.write_text(deep_html(json.loads((lived.home / "notebooks" / "all_charts.ipynb").read_text()), "build_scheduler", "every chart", "now"))
    browser.get("about:blank")  # what the page before has to say when it is left is not this page's
    for name in ("performance", "browser"):
        browser.get_log(name)
    browser.get(page.as_uri())
    waited(lambda: browser.execute_script("return document.querySelectorAll('figure svg.marks').length") == len(charts.ALL), 30, "the last chart")
    assert browser.execute_script("return document.querySelectorAll('figure img').length") == 0
    left = "[...s.querySelectorAll('text')].some(t => t.getBoundingClientRect().left < s.getBoundingClientRect().left - 1)"
    assert browser.execute_script(f"return [...document.querySelectorAll('figure svg.marks')].filter(s => {left}).length") == 0, "a label is cut off"
    assert asked(browser) == set() and browser.get_log("browser") == []
    if os.environ.get("JARVIS_SCREENSHOTS"):
        browser.save_screenshot(str(Path(os.environ["JARVIS_SCREENSHOTS"]) / "deep.png"))
