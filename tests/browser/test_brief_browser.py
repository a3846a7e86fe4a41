"""The brief in a real browser: no request, no script, readable on a phone, in the dark and on two sheets of paper."""

import base64
import json
import re
import shutil
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from jarvis_lib.report.page import morning_brief
from jarvis_lib.report.publish import publish
from jarvis_lib.store.place import Place
from tests.facts import added, task
from tests.report_nights import HOSTILE, MORNING, START, good_night
from tests.test_report_page import hostile_night

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
pytestmark = [pytest.mark.browser, pytest.mark.skipif(not (CHROMIUM and DRIVER), reason="needs Debian's chromium and chromium-driver")]
QUIET = ("--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-gpu")
WIDTHS = (360, 900)


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """One headless Chromium that keeps a record of what it asks for."""
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = str(CHROMIUM)
    for flag in ("--headless=new", "--no-sandbox", *QUIET, f"--user-data-dir={tmp_path_factory.mktemp('chromium')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"performance": "ALL", "browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(str(DRIVER)))
    yield driver
    driver.quit()


def nights(place: Place) -> Path:
    """A full page: a hostile night, a good one's builds, seven questions and a plan."""
    good_night(place)
    place.store.write(*[added(place, task(f"Question {i} {HOSTILE[:60]}", category="New features"), at=START) for i in range(7)])
    place.store.write(*[added(place, task(f"Write guide {i}", hours=1.0), at=MORNING) for i in range(5)])
    return morning_brief(place, as_of="2026-11-24T07:30").write().path


def opened(browser: Any, path: Path, *, width: int = 900, scheme: str = "light") -> list[str]:
    """Open the file at this width and scheme; every address that was asked for."""
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": scheme}]})
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 500})
    browser.get_log("performance")
    browser.get(path.as_uri())
    events = [json.loads(e["message"])["message"] for e in browser.get_log("performance")]
    asked = [e["params"]["request"]["url"] for e in events if e["method"] == "Network.requestWillBeSent"]
    return [url for url in asked if not url.startswith(("chrome:", "chrome-untrusted:"))]  # the browser's own first tab, when it is slow


@pytest.mark.parametrize("width", WIDTHS)
def test_the_page_asks_for_nothing_but_itself(browser: Any, place: Place, width: int) -> None:
    """One request, the file; nothing on the console."""
    path = nights(place)
    assert opened(browser, path, width=width) == [path.as_uri()]
    assert browser.get_log("browser") == []


@pytest.mark.parametrize("width", WIDTHS)
def test_nothing_scrolls_sideways(browser: Any, place: Place, width: int) -> None:
    """Not even with long words in titles, on a phone of 360 px."""
    opened(browser, nights(place), width=width)
    assert browser.execute_script("const e = document.documentElement; return e.scrollWidth - e.clientWidth") == 0


def test_hostile_text_is_inert(browser: Any, place: Place) -> None:
    """No dialog opens, no element appears that the template did not make, and the title is read as text."""
    hostile_night(place)
    opened(browser, morning_brief(place, as_of="2026-11-24").write().path)
    assert browser.execute_script("return document.querySelectorAll('script, img, svg:not([role=img]), iframe, object, b, style ~ style').length") == 0
    assert browser.execute_script("return [...document.querySelectorAll('a')].filter(a => !['file:'].includes(a.protocol)).length") == 0
    assert "<script>alert(1)</script>" in browser.find_element("tag name", "main").text
    with pytest.raises(Exception, match="no such alert"):
        browser.switch_to.alert.accept()


def test_light_and_dark_differ_and_are_both_readable(browser: Any, place: Place) -> None:
    """The ground changes with the scheme; every text keeps at least 4.5 to 1 as it is really drawn."""
    path = nights(place)
    grounds = []
    for scheme in ("light", "dark"):
        opened(browser, path, scheme=scheme)
        grounds.append(browser.execute_script("return getComputedStyle(document.body).backgroundColor"))
        assert browser.execute_script(LOWEST_CONTRAST) >= 4.5
    assert grounds == ["rgb(255, 255, 255)", "rgb(15, 19, 24)"]


LOWEST_CONTRAST = """
const parts = c => c.match(/[\\d.]+/g).map(Number);
const lum = c => { const [r, g, b] = parts(c).map(v => (v /= 255) <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4); return .2126*r + .7152*g + .0722*b; };
const ground = e => { while (e) { const c = getComputedStyle(e).backgroundColor; if (parts(c)[3] !== 0) return c; e = e.parentElement; } };
const ink = e => e.tagName === 'text' ? getComputedStyle(e).fill : getComputedStyle(e).color;
const under = e => e.classList.contains('in') ? getComputedStyle(e.previousElementSibling).fill : ground(e) || 'rgb(255,255,255)';
return Math.min(...[...document.querySelectorAll('main *')].filter(e => e.textContent.trim()).map(e => {
  const [a, b] = [lum(ink(e)), lum(under(e))].sort((x, y) => x - y);
  return (b + .05) / (a + .05); }));
"""


def test_it_prints_on_two_sheets(browser: Any, place: Place) -> None:
    """A4, also for a long night."""
    opened(browser, nights(place))
    printed = browser.execute_cdp_cmd("Page.printToPDF", {"preferCSSPageSize": True, "printBackground": False})
    pages = len(re.findall(rb"/Type\s*/Page\b", base64.b64decode(printed["data"])))
    assert 1 <= pages <= 2


def test_the_keyboard_skips_to_the_brief(browser: Any, place: Place) -> None:
    """The first stop is the skip link; the headings make an outline without gaps."""
    opened(browser, nights(place))
    first = browser.execute_script("return document.querySelector('a').getAttribute('href')")
    levels = browser.execute_script("return [...document.querySelectorAll('h1,h2,h3')].map(h => Number(h.tagName[1]))")
    assert first == "#main"
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(b - a <= 1 for a, b in pairwise(levels))


def test_the_latest_brief_and_the_index_open(browser: Any, place: Place) -> None:
    """The links of the index lead to pages that are there."""
    publish(nights(place), place.home)
    index = place.home / "reports" / "index.html"
    assert opened(browser, index, width=360) == [index.as_uri()]
    assert browser.execute_script("return document.documentElement.scrollWidth - document.documentElement.clientWidth") == 0
    links = browser.execute_script("return [...document.querySelectorAll('a')].map(a => decodeURI(a.pathname))")
    assert links and all(Path(link).is_file() for link in links)
