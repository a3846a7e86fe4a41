"""The dashboard in a real browser: it draws, its charts are linked, and it asks for nothing."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from jarvis_lib.execution.playbooks import dashboard
from tests.recipe_parts import flights

pytestmark = pytest.mark.browser
QUIET = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync", "--window-size=1000,1300"),
)
DRAWN = "return document.querySelectorAll('#charts svg .mark-rect path, #charts svg .mark-area path').length"
WEEKS = "return [...document.querySelectorAll('#charts svg .mark-area path')].map(p => p.getAttribute('d')).join()"
BARS = "#charts svg .mark-rect path[aria-roledescription='bar']"


@pytest.fixture
def browser(tmp_path: Path) -> Iterator["object"]:
    from selenium import webdriver

    if not shutil.which("chromium") or not shutil.which("chromedriver"):
        pytest.skip("Debian's chromium and chromium-driver are not installed")
    options = webdriver.ChromeOptions()
    for word in (*QUIET, f"--user-data-dir={tmp_path / 'profile'}"):
        options.add_argument(word)
    options.binary_location = str(shutil.which("chromium"))
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(str(shutil.which("chromedriver"))))
    yield driver
    driver.quit()


def test_a_click_on_one_chart_filters_the_others_and_nothing_is_requested(browser, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]  # selenium is optional
    from selenium.webdriver.common.action_chains import ActionChains
    from selenium.webdriver.common.by import By
    from selenium.webdriver.support.ui import WebDriverWait

    counted = dashboard.read_flights(flights(tmp_path / "flights.db"))
    page = dashboard.save(dashboard.page(counted, dashboard.charts(counted).to_dict()), tmp_path / "page.html")
    browser.get(page.as_uri())
    wait = WebDriverWait(browser, 20)
    wait.until(lambda b: b.execute_script(DRAWN) > 5)
    before = browser.execute_script(WEEKS)
    ActionChains(browser).click(browser.find_elements(By.CSS_SELECTOR, BARS)[0]).perform()
    wait.until(lambda b: b.execute_script(WEEKS) != before)
    assert [e for e in browser.get_log("browser") if e["level"] == "SEVERE"] == []
    said = [json.loads(e["message"])["message"] for e in browser.get_log("performance")]
    asked = {m["params"]["request"]["url"] for m in said if m["method"] == "Network.requestWillBeSent"}
    assert {url for url in asked if not url.startswith(("chrome:", "chrome-untrusted:", "data:"))} == {
        page.as_uri()
    }  # the browser's own first tab, and bytes in the page
