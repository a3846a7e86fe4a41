"""The page of an email in a real browser: no request but its own picture, no sideways scroll on a phone, readable, and a hostile title is a text."""

from pathlib import Path
from typing import Any

import pytest

from jarvis_lib.doors.delivery.chart import week_png
from jarvis_lib.doors.delivery.letter import letter
from jarvis_lib.doors.delivery.mail import html_of
from jarvis_lib.doors.delivery.outbox import coming
from tests.browser.test_brief_browser import LOWEST_CONTRAST, WIDTHS, browser, opened, pytestmark
from tests.delivery_parts import Clock, ending, night, report, workspace
from tests.facts import added, task
from tests.report_nights import HOSTILE

__all__ = ["browser", "pytestmark"]


@pytest.fixture
def page(tmp_path: Path) -> Path:
    """The page of a full morning: builds with hostile titles, seven questions and a picture of the week."""
    own = {"channels": ["email"], "detail": "full", "quiet": ""}
    place = workspace(tmp_path, Clock(), delivery=own, delivery_email={"host": "localhost", "sender": "a@example.org", "to": ["b@example.org"]})
    night(place)
    for n in range(4):
        ending(place, f"Build {n} {HOSTILE}", ok=n > 0, attempt=f"a{n}")
    place.store.write(*[added(place, task(f"Question {n} {HOSTILE[:60]}", category="New features")) for n in range(7)])
    report(place, headline="3 of 4 builds shipped; " + HOSTILE)
    with place.store.reading() as reader:
        made = letter(place, reader, coming(reader, place, now=place.now())[0], now=place.now())
    picture = week_png(made)
    assert picture is not None
    (tmp_path / "week.png").write_bytes(picture)
    path = tmp_path / "mail.html"
    path.write_text(html_of(made, chart="week.png"), encoding="utf-8")
    return path


@pytest.mark.parametrize("width", WIDTHS)
def test_an_email_asks_for_its_picture_alone_and_scrolls_only_down(browser: Any, page: Path, width: int) -> None:
    """On a phone of 360 px, too; nothing on the console."""
    assert opened(browser, page, width=width) == [page.as_uri(), (page.parent / "week.png").as_uri()]
    assert browser.get_log("browser") == []
    assert browser.execute_script("const e = document.documentElement; return e.scrollWidth - e.clientWidth") == 0
    assert browser.execute_script("const i = document.querySelector('img'); return i.complete && i.naturalWidth > 0 && i.alt.startsWith('Shipped a day')")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_an_email_is_light_and_readable(browser: Any, page: Path, scheme: str) -> None:
    """Every text keeps 4.5 to 1; it says that it is light, so that a mail program in the dark does not guess."""
    opened(browser, page, scheme=scheme)
    assert browser.execute_script(LOWEST_CONTRAST.replace("main *", "body *")) >= 4.5
    assert browser.execute_script("return getComputedStyle(document.body).backgroundColor") == "rgb(246, 248, 250)"


def test_a_hostile_title_is_inert_in_an_email(browser: Any, page: Path) -> None:
    opened(browser, page)
    assert browser.execute_script("return document.querySelectorAll('script, a, svg, iframe, object, form, style, link').length") == 0
    assert "<script>alert(1)</script>" in browser.find_element("tag name", "body").text
    assert browser.execute_script("return [...document.querySelectorAll('h1,h2')].map(h => h.tagName).join()").startswith("H1,H2,H2")
