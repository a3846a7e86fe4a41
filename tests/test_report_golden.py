"""Each kind of night has a brief that is known word for word, stays within its budgets, and does nothing that a task wrote.

`UPDATE_GOLDEN=1 python -m pytest tests/test_report_golden.py` writes the texts anew; the difference is for the eye.
"""

import os
import re
from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path

import pytest

from jarvis_lib import overnight_runner, weekend_planner
from jarvis_lib.report.evening import LIMIT as EVENING_LIMIT
from jarvis_lib.report.evening_text import evening_text
from jarvis_lib.report.headline import LIMIT
from jarvis_lib.report.page import Page, evening_checkin, morning_brief, weekly_review
from jarvis_lib.report.review_text import review_text
from jarvis_lib.report.text import brief_text
from jarvis_lib.store.place import Place
from tests.page_words import words_of
from tests.report_kinds import NIGHTS, night_of, week
from tests.report_nights import MORNING, brief_of

GOLDEN = Path(__file__).with_name("golden")
SIZE = 60 * 1024
DECIDE, WHOLE, EVENING = 220, 450, 120


def same_as_golden(name: str, text: str, home: Path) -> None:
    """Compare with the file, but for what differs from run to run: ids of facts, hashes, and where the workspace is."""
    for pattern, word in ((str(home), "HOME"), (r"(problems undo) \w+", r"\1 FIX"), (r"(hash|head) [0-9a-f]{12,16}", r"\1 HASH")):
        text = re.sub(pattern, word, text)
    path = GOLDEN / f"{name}.txt"
    if os.environ.get("UPDATE_GOLDEN"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"{text}\n", encoding="utf-8")
    assert path.read_text(encoding="utf-8") == f"{text}\n"


class Marks(HTMLParser):
    """The elements of a page, the names of their attributes, and where its links lead."""

    def __init__(self) -> None:
        super().__init__()
        self.found: tuple[set[str], set[str], set[str]] = (set(), set(), set())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        tags, names, links = self.found
        tags.add(tag)
        names.update(name for name, _ in attrs)
        links.update(value or "" for name, value in attrs if name == "href")

    @classmethod
    def of(cls, html: str) -> tuple[set[str], set[str], set[str]]:
        reader = cls()
        reader.feed(html)
        return reader.found


def harmless(page: Page) -> str:
    """The page's HTML, which loads, runs and leads nowhere, and is small."""
    html = page.html()
    tags, names, links = Marks.of(html)
    assert not tags & {"script", "img", "iframe", "object", "b", "link", "base", "form"}
    assert not [n for n in names if n == "src" or n.startswith("on")] and not [x for x in links if re.match(r"[a-z]+:|//", x)]
    assert not re.search(r"https?:|url\(|@import", html) and "\x1b" not in html and "\u202e" not in html
    assert len(html.encode()) <= SIZE
    return html


@pytest.mark.parametrize("kind", NIGHTS)
def test_a_brief_is_known_word_for_word_and_keeps_its_budgets(place: Place, kind: str) -> None:
    """Headline in 90 characters, what is to decide in 220 words, all in 450 and 60 KB; at most five cards, each with what happens without it."""
    with night_of(place, kind):
        brief = brief_of(place)
        page = morning_brief(place, as_of="2026-11-24")
    text = brief_text(brief)
    assert "\x1b" not in text and "\u202e" not in text
    same_as_golden(f"brief-{kind}", text, place.home)
    html = harmless(page)
    words = words_of(html)
    assert 0 < len(brief.headline) <= LIMIT
    assert words["headline"] + words["needs"] - len(brief.kicker.split()) <= DECIDE
    assert sum(words.values()) <= WHOLE
    assert len(brief.needs) <= 5 and html.count("If you do nothing:") == len(brief.needs)
    assert all(card.commands and card.do_nothing for card in brief.needs)


@pytest.mark.parametrize("kind", ["normal", "empty", "forty", "hostile", "first-day"])
def test_an_evening_is_known_word_for_word_and_read_in_120_words(place: Place, kind: str) -> None:
    """Also with twelve questions and the longest titles."""
    NIGHTS[kind](place)
    evening = overnight_runner.checkin(place, as_of=MORNING + timedelta(hours=12))
    same_as_golden(f"evening-{kind}", evening_text(evening), place.home)
    html = harmless(evening_checkin(place, as_of="2026-11-24"))
    assert sum(words_of(html).values()) <= EVENING
    assert 0 < len(evening.headline) <= EVENING_LIMIT


@pytest.mark.parametrize("kind", ["week", "empty"])
def test_a_review_is_known_word_for_word(place: Place, kind: str) -> None:
    """Of two weeks of nights, and of none."""
    (week if kind == "week" else NIGHTS[kind])(place)
    review = weekend_planner.review(place, as_of=MORNING - timedelta(days=2) + timedelta(hours=13))
    same_as_golden(f"review-{kind}", review_text(review), place.home)
    harmless(weekly_review(place, as_of="2026-11-22"))
    assert 0 < len(review.headline) <= LIMIT
