"""Every kind of report in a real browser: no request, nothing on the console, no violation that axe finds, readable on a phone, in the dark and on paper.

With REPORT_SHOTS=FOLDER each page leaves four pictures there: light, dark, a phone, and paper.
"""

import base64
import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from jarvis_lib.report.page import evening_checkin, morning_brief, weekend_report, weekly_review
from jarvis_lib.report.publish import publish
from jarvis_lib.store.place import Place
from tests.browser.test_brief_browser import LOWEST_CONTRAST, browser, opened, pytestmark
from tests.report_kinds import NIGHTS, night_of, week

__all__ = ["browser", "pytestmark"]

AXE = Path(__file__).parents[2] / ".agents" / "node_modules" / "axe-core" / "axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
FORMS = {
    **{f"brief-{kind}": (kind, morning_brief, "2026-11-24") for kind in NIGHTS},
    **{f"evening-{kind}": (kind, evening_checkin, "2026-11-24") for kind in ("normal", "empty", "forty", "hostile")},
    "review-week": ("week", weekly_review, "2026-11-22"),
    "review-empty": ("empty", weekly_review, "2026-11-22"),
    "weekend-week": ("week", weekend_report, "2026-11-22T20:00"),
}
VIEWS = (("light", 900, "light"), ("dark", 900, "dark"), ("phone", 360, "light"))


def made(place: Place, form: str) -> Path:
    """The page of this kind, written to its place."""
    kind, make, as_of = FORMS[form]
    if kind == "week":
        week(place)
        return make(place, as_of=as_of).write().path
    with night_of(place, kind):
        return make(place, as_of=as_of).write().path


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
    printed = browser.execute_cdp_cmd("Page.printToPDF", {"preferCSSPageSize": True, "printBackground": False})
    pdf = base64.b64decode(printed["data"])
    assert 1 <= len(re.findall(rb"/Type\s*/Page\b", pdf)) <= 2
    folder = os.environ.get("REPORT_SHOTS")
    if folder:
        (Path(folder) / f"{form}.pdf").write_bytes(pdf)
        if shutil.which("pdftoppm"):
            subprocess.run(["pdftoppm", "-r", "70", "-png", str(Path(folder) / f"{form}.pdf"), str(Path(folder) / f"{form}-print")], check=True)


@pytest.mark.skipif(not AXE.is_file(), reason="needs axe-core as a file: make axe")
@pytest.mark.parametrize("form", [*FORMS, "index"])
def test_axe_finds_nothing(browser: Any, place: Place, form: str) -> None:
    """WCAG 2.2 AA and its best practices, in light and dark and on a phone; folds are opened, so that what they hold is looked at too."""
    path = made(place, "brief-normal" if form == "index" else form)
    if form == "index":
        publish(path, place.home)
        path = place.home / "reports" / "index.html"
    for _, width, scheme in VIEWS:
        opened(browser, path, width=width, scheme=scheme)
        browser.execute_script("document.querySelectorAll('details').forEach(d => d.open = true)")
        browser.execute_script(AXE.read_text(encoding="utf-8"))
        found = browser.execute_async_script(RUN_AXE, RULES)
        assert found["passes"] > 10
        assert found["violations"] == [], json.dumps(found["violations"], indent=1)


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
