"""What is new, for a feed reader? An Atom feed of the newest reports, made from the pages themselves. A report that is made again keeps its id.

Text only: nothing of a page's HTML stands in it, and its links are relative, so it works from a folder, a web server or a file share alike.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from xml.etree import ElementTree

from jarvis_lib.model.prose import clean
from jarvis_lib.report.shelf import Shelved

ENTRIES = 30
ATOM = "http://www.w3.org/2005/Atom"
TAG = "tag:jarvis.local,2026:"
EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
NAMES = {"brief": "Morning brief", "evening": "Evening check-in", "weekend": "Weekend report", "review": "Weekly review"}


def feed_xml(shelved: Sequence[Shelved], reports: Path) -> str:
    """The feed of the ENTRIES newest of `shelved` (newest first), with links as seen from `reports`."""
    newest = shelved[:ENTRIES]
    feed = ElementTree.Element("feed", {"xmlns": ATOM, "xml:lang": "en"})
    _text(feed, "id", f"{TAG}reports")
    _text(feed, "title", "Jarvis: reports")
    _text(feed, "updated", _stamp(max((_updated(s) for s in newest), default=EPOCH)))
    ElementTree.SubElement(feed, "link", {"rel": "self", "type": "application/atom+xml", "href": "feed.xml"})
    ElementTree.SubElement(feed, "link", {"rel": "alternate", "type": "text/html", "href": "index.html"})
    _text(ElementTree.SubElement(feed, "author"), "name", "Jarvis")
    for one in newest:
        _entry(ElementTree.SubElement(feed, "entry"), one, reports)
    ElementTree.indent(feed)
    return f"<?xml version='1.0' encoding='utf-8'?>\n{ElementTree.tostring(feed, encoding='unicode')}\n"


def _entry(entry: ElementTree.Element, one: Shelved, reports: Path) -> None:
    _text(entry, "id", f"{TAG}{one.kind}/{one.day}")
    _text(entry, "title", one.headline)
    _text(entry, "updated", _stamp(_updated(one)))
    if one.as_of:
        _text(entry, "published", _stamp(one.as_of))
    ElementTree.SubElement(entry, "link", {"rel": "alternate", "type": "text/html", "href": one.path.relative_to(reports).as_posix()})
    _text(entry, "summary", f"{NAMES[one.kind]}, {one.day}. {one.numbers}".strip())


def _updated(one: Shelved) -> datetime:
    """When the page was written; never before the moment that it tells of."""
    return max(one.written, one.as_of or one.written)


def _text(parent: ElementTree.Element, name: str, text: str) -> None:
    ElementTree.SubElement(parent, name).text = clean(text)


def _stamp(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
