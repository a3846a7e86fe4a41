"""The weekend report in a real browser: one request, no sideways scroll on a phone, readable in the dark, one sheet of paper."""

import base64
import re
from pathlib import Path
from typing import Any

import pytest

from jarvis_lib.model.fact import stamp
from jarvis_lib.report.page import weekend_report
from jarvis_lib.store.place import Place
from tests.browser.test_brief_browser import LOWEST_CONTRAST, WIDTHS, browser, opened, pytestmark
from tests.test_report_weekend import SUNDAY, lived, place

__all__ = ["browser", "place", "pytestmark"]


@pytest.fixture
def page(place: Place) -> Path:
    """The page of a weekend with a build that shipped, one that failed and one without its turn."""
    lived(place)
    return weekend_report(place, as_of=stamp(SUNDAY)).write().path


@pytest.mark.parametrize("width", WIDTHS)
def test_the_weekend_asks_for_nothing_and_scrolls_only_down(browser: Any, page: Path, width: int) -> None:
    """The file alone, nothing on the console, no sideways scroll; on a phone the tables stand for the drawings."""
    assert opened(browser, page, width=width) == [page.as_uri()]
    assert browser.get_log("browser") == []
    assert browser.execute_script("const e = document.documentElement; return e.scrollWidth - e.clientWidth") == 0
    shown = browser.execute_script("return [...document.querySelectorAll('.plot svg')].filter(e => e.getBoundingClientRect().width > 0).length")
    assert shown == (0 if width < 500 else 1)


def test_the_weekend_is_readable_in_light_and_dark(browser: Any, page: Path) -> None:
    """Every text keeps 4.5 to 1, and the drawings change their colours with the page."""
    colours = []
    for scheme in ("light", "dark"):
        opened(browser, page, scheme=scheme)
        assert browser.execute_script(LOWEST_CONTRAST) >= 4.5
        colours.append(browser.execute_script("return getComputedStyle(document.querySelector('svg .bar')).fill"))
    assert colours[0] != colours[1]


def test_the_weekend_prints_on_one_sheet(browser: Any, page: Path) -> None:
    """A4, with a question, three builds and all sections."""
    opened(browser, page)
    printed = browser.execute_cdp_cmd("Page.printToPDF", {"preferCSSPageSize": True, "printBackground": False})
    assert len(re.findall(rb"/Type\s*/Page\b", base64.b64decode(printed["data"]))) == 1
