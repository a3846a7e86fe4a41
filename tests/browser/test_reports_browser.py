"""Every kind of report in a real browser: no request, nothing on the console, no violation that axe finds, readable on a phone, in the dark and on paper.

With REPORT_SHOTS=FOLDER each page leaves four pictures there: light, dark, a phone, and paper.
"""

import base64
import json
import os
import re
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from selenium.webdriver.support.ui import WebDriverWait

from jarvis_lib.execution.papermill_run import run_notebook
from jarvis_lib.execution.parameters import read_parameters
from jarvis_lib.report.deep import publish_deep, question_of
from jarvis_lib.report.page import Page, evening_checkin, morning_brief, weekend_report, weekly_review
from jarvis_lib.report.parts import PAGES
from jarvis_lib.report.publish import plain_page, publish, put
from jarvis_lib.store.place import Place
from jarvis_lib.workspace import open_workspace
from tests.browser.test_brief_browser import LOWEST_CONTRAST, browser, opened, pytestmark
from tests.report_kinds import NIGHTS, night_of, week
from tests.report_nights import MORNING
from tests.roomy import roomy

__all__ = ["browser", "pytestmark"]

AXE = Path(__file__).parents[2] / ".agents" / "node_modules" / "axe-core" / "axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
FORMS = {
    **{f"brief-{kind}": (kind, morning_brief, "2026-11-24") for kind in NIGHTS},
    **{f"evening-{kind}": (kind, evening_checkin, "2026-11-24") for kind in ("normal", "empty", "forty", "hostile")},
    "evening-week": ("week", evening_checkin, "2026-11-24"),
    "review-week": ("week", weekly_review, "2026-11-22"),
    "review-midweek": ("week", weekly_review, "2026-11-25"),
    "review-empty": ("empty", weekly_review, "2026-11-22"),
    "weekend-week": ("week", weekend_report, "2026-11-22T20:00"),
    "weekend-midweek": ("week", weekend_report, "2026-11-25T10:00"),
    "weekend-empty": ("empty", weekend_report, "2026-11-22T20:00"),
    "plain": ("crashed", morning_brief, "2026-11-24"),
    "index": ("week", morning_brief, "2026-11-24"),
}
VIEWS = (("light", 900, "light"), ("dark", 900, "dark"), ("phone", 360, "light"))


def made(place: Place, form: str) -> Path:
    """The page of this kind, written to its place."""
    kind, make, as_of = FORMS[form]
    if kind == "week":
        week(place)
        return _shelved(place) if form == "index" else make(place, as_of=as_of).write().path
    with night_of(place, kind):
        page = make(place, as_of=as_of)
        return _plain(page) if form == "plain" else page.write().path


def _plain(page: Page) -> Path:
    """The same report where its notebook could not run."""
    put(page.default, plain_page(page.values.headline, f"{page.text()}\n\nThe page could not be made: Refused: the notebook failed\n", as_of=page.values.as_of))
    return page.default


def _shelved(place: Place) -> Path:
    """The index of a week of reports."""
    for make, as_of in ((morning_brief, "2026-11-22"), (morning_brief, "2026-11-24"), (evening_checkin, "2026-11-23"), (weekly_review, "2026-11-22")):
        publish(make(place, as_of=as_of).write().path, place.home)
    return place.home / "reports" / "index.html"


def picture(browser: Any, name: str) -> None:
    """Keep what is seen, where somebody asked for it."""
    folder = os.environ.get("REPORT_SHOTS")
    if folder:
        shot = browser.execute_cdp_cmd("Page.captureScreenshot", {"captureBeyondViewport": True, "format": "png"})
        Path(folder).mkdir(parents=True, exist_ok=True)
        (Path(folder) / f"{name}.png").write_bytes(base64.b64decode(shot["data"]))


@pytest.mark.parametrize("form", FORMS)
def test_every_report_can_be_read_everywhere(browser: Any, place: Place, form: str) -> None:
    """One request, the file; nothing on the console; no sideways scroll; 4.5 to 1 as drawn, in light and dark; at most two sheets of paper."""
    path = made(place, form)
    for name, width, scheme in VIEWS:
        assert opened(browser, path, width=width, scheme=scheme) == [path.as_uri()]
        assert browser.get_log("browser") == []
        assert browser.execute_script("const e = document.documentElement; return e.scrollWidth - e.clientWidth") == 0
        assert browser.execute_script(LOWEST_CONTRAST) >= 4.5
        picture(browser, f"{form}-{name}")
    assert 1 <= printed(browser, form) <= 2


def printed(browser: Any, name: str) -> int:
    """The sheets of paper that it takes."""
    made = browser.execute_cdp_cmd("Page.printToPDF", {"preferCSSPageSize": True, "printBackground": False})
    pdf = base64.b64decode(made["data"])
    folder = os.environ.get("REPORT_SHOTS")
    if folder:
        (Path(folder) / f"{name}.pdf").write_bytes(pdf)
        if shutil.which("pdftoppm"):
            subprocess.run(["pdftoppm", "-r", "70", "-png", str(Path(folder) / f"{name}.pdf"), str(Path(folder) / f"{name}-print")], check=True)
    return len(re.findall(rb"/Type\s*/Page\b", pdf))


@pytest.mark.skipif(not AXE.is_file(), reason="needs axe-core as a file: make axe")
@pytest.mark.parametrize("form", FORMS)
def test_axe_finds_nothing(browser: Any, place: Place, form: str) -> None:
    """WCAG 2.2 AA and its best practices, in light and dark and on a phone; folds are opened, so that what they hold is looked at too."""
    looked_at(browser, made(place, form))


def looked_at(browser: Any, path: Path) -> None:
    """What axe says of a page as it is seen; it must have found much that passes, and nothing that does not."""
    for _, width, scheme in VIEWS:
        opened(browser, path, width=width, scheme=scheme)
        browser.execute_script("document.querySelectorAll('details').forEach(d => d.open = true)")
        browser.execute_cdp_cmd("Runtime.evaluate", {"expression": AXE.read_text(encoding="utf-8")})  # a policy of the page does not hold it
        found = browser.execute_async_script(RUN_AXE, RULES)
        assert found["passes"] > 10
        assert found["violations"] == [], json.dumps(found["violations"], indent=1)


@pytest.fixture(scope="module")
def deep(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The pages of all components, each from its notebook, of a workspace with thirteen nights."""
    home = tmp_path_factory.mktemp("deep")
    (home / "jarvis.toml").write_text(roomy())
    (home / "notebooks").symlink_to(Path(__file__).parents[2] / "notebooks")
    place = open_workspace(home, clock=lambda: MORNING, actor="person:test")
    week(place)
    snapshot = place.store.snapshot()
    pages = {}
    for name in PAGES:
        source, executed = home / "notebooks" / f"{name}.ipynb", home / "data" / f"{name}.ipynb"
        given = {"workspace": str(home), "home": str(home), "snapshot": str(snapshot), "as_of": MORNING.isoformat(), "out": str(home / "data" / f"{name}.json")}
        known = read_parameters(source)
        ran = run_notebook(source, executed, {k: v for k, v in given.items() if k in known}, deadline=time.time() + 120, cwd=home)
        assert ran["outcome"] == "finished", ran["said"]
        fact = publish_deep(place, executed, name, question_of(executed), as_of=MORNING)
        pages[name] = home / str(fact.data["path"])
    return pages


DRAWN = "return document.querySelectorAll('figure[data-chart]').length === document.querySelectorAll('figure svg.marks').length"


@pytest.mark.parametrize("component", PAGES)
def test_every_page_of_a_component_can_be_read_everywhere(browser: Any, deep: dict[str, Path], component: str) -> None:
    """One request; nothing on the console; no sideways scroll of the page; every chart draws itself; axe finds nothing."""
    for name, width, scheme in VIEWS:
        asked = opened(browser, deep[component], width=width, scheme=scheme)
        assert [url for url in asked if not url.startswith("data:")] == [deep[component].as_uri()]
        WebDriverWait(browser, 20).until(lambda b: b.execute_script(DRAWN))
        assert browser.get_log("browser") == []
        assert browser.execute_script("const e = document.documentElement; return e.scrollWidth - e.clientWidth") == 0
        picture(browser, f"deep-{component}-{name}")
    printed(browser, f"deep-{component}")
    if AXE.is_file():
        looked_at(browser, deep[component])


RUN_AXE = """
const [rules, done] = arguments;
axe.run(document, {runOnly: rules}).then(r => done({passes: r.passes.length,
  violations: r.violations.map(v => [v.id, v.nodes.length, v.nodes[0].html.slice(0, 200), v.nodes[0].failureSummary])}));
"""


def test_a_fold_opens_by_the_keyboard_and_holds_the_rest(browser: Any, place: Place) -> None:
    """No script: the browser's own fold. Forty builds are one row and a fold, with the other seven behind it."""
    opened(browser, made(place, "brief-forty"))
    folds = browser.find_elements("css selector", "details.rest > summary")
    assert folds[0].text == "7 more with the same detail"
    folds[0].send_keys("\n")
    assert browser.execute_script("return arguments[0].parentElement.open && arguments[0].parentElement.querySelectorAll('tbody tr').length", folds[0]) == 7
