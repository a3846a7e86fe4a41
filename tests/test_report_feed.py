"""The shelf of reports: an index by month and an Atom feed, both made from the pages, with one id for one report however often it is made."""

import os
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from xml.etree import ElementTree

from jarvis_lib.report.feed import ATOM, ENTRIES, NAMES
from jarvis_lib.report.page import morning_brief
from jarvis_lib.report.publish import dated_path, list_anew, publish, put
from jarvis_lib.report.shelf import KINDS, shelf
from jarvis_lib.store.place import Place
from tests.report_nights import HOSTILE, good_night

NS = {"a": ATOM}
DAY = datetime(2026, 11, 24, tzinfo=UTC)


def page(home: Path, day: datetime, kind: str, headline: str = "3 of 4 builds shipped", as_of: str = "2026-11-24T07:00:00+00:00") -> Path:
    """A page with nothing but its head, as the shelf reads it."""
    from html import escape

    path = dated_path(home, day.date(), kind)
    metas = {"description": headline, "jarvis:as-of": as_of, "jarvis:numbers": "Builds accepted: 2 · Run hours: 2.2 h · Fixes: 0"}
    head = "".join(f'<meta name="{n}" content="{escape(t)}">' for n, t in metas.items())
    put(path, f"<head>{head}</head>")
    return path


def feed_of(home: Path) -> ElementTree.Element:
    return ElementTree.fromstring((home / "reports" / "feed.xml").read_text(encoding="utf-8"))


def entries(home: Path) -> list[dict[str, str]]:
    """Each entry as a table of its own texts, with its link."""
    found = []
    for entry in feed_of(home).findall("a:entry", NS):
        own = {child.tag.removeprefix(f"{{{ATOM}}}"): child.text or child.get("href", "") for child in entry}
        found.append(own)
    return found


def test_the_feed_is_atom(place: Place) -> None:
    """Everything that RFC 4287 asks of a feed and of its entries, each once; times with their zone; text only."""
    good_night(place)
    publish(morning_brief(place, as_of="2026-11-24").write().path, place.home)
    root = feed_of(place.home)
    assert root.tag == f"{{{ATOM}}}feed" and len(root.findall("a:author/a:name", NS)) == 1
    for name in ("id", "title", "updated"):
        assert len(root.findall(f"a:{name}", NS)) == 1
        assert len(root.findall(f"a:entry/a:{name}", NS)) == 1
    assert [link.get("rel") for link in root.findall("a:link", NS)] == ["self", "alternate"]
    stamps = [e.text or "" for e in root.iter() if e.tag in (f"{{{ATOM}}}updated", f"{{{ATOM}}}published")]
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", s) for s in stamps)
    (entry,) = entries(place.home)
    assert entry["id"] == "tag:jarvis.local,2026:brief/2026-11-24" and entry["published"] == "2026-11-24T07:00:00Z"
    assert entry["title"].startswith("3 of 4 builds shipped") and entry["summary"].startswith("Morning brief, 2026-11-24. Builds accepted: 2 (3 shipped)")
    assert (place.home / "reports" / entry["link"]).is_file()


def test_another_program_reads_the_feed(home: Path) -> None:
    """feedparser, which shares no code with us: well formed, Atom 1.0, and every entry with id, title, moment, summary and a link that is there."""
    import feedparser

    for n in range(3):
        page(home, DAY - timedelta(days=n), "brief", f"{n} of 3 builds shipped & “{HOSTILE[:25]}”", as_of=f"2026-11-{24 - n}T07:00:00+01:00")
    list_anew(home / "reports")
    found = feedparser.parse((home / "reports" / "feed.xml").read_bytes())
    assert not found.bozo and found.version == "atom10" and found.feed.title == "Jarvis: reports" and found.feed.author == "Jarvis"
    assert [e.id for e in found.entries] == [f"tag:jarvis.local,2026:brief/2026-11-{24 - n}" for n in range(3)]
    assert [e.title_detail.type for e in found.entries] == ["text/plain"] * 3 and found.entries[0].title == f"0 of 3 builds shipped & “{HOSTILE[:25]}”"
    assert found.entries[0].published_parsed[:5] == (2026, 11, 24, 6, 0) and found.entries[0].updated_parsed >= found.entries[0].published_parsed
    assert all(e.summary.startswith("Morning brief, 2026-11-") and (home / "reports" / e.link).is_file() for e in found.entries)


def test_a_report_that_is_made_again_keeps_its_id_and_has_a_later_moment(home: Path) -> None:
    made = page(home, DAY, "brief", "Partial: 1 of 1 build shipped so far")
    os.utime(made, (DAY.timestamp() + 9 * 3600,) * 2)
    list_anew(home / "reports")
    (first,) = entries(home)
    page(home, DAY, "brief", "2 of 2 builds shipped")
    os.utime(made, (DAY.timestamp() + 10 * 3600,) * 2)
    list_anew(home / "reports")
    (second,) = entries(home)
    assert first["id"] == second["id"] and first["updated"] < second["updated"]
    assert (first["title"], second["title"]) == ("Partial: 1 of 1 build shipped so far", "2 of 2 builds shipped")


def test_the_feed_has_the_newest_thirty_and_the_index_all(home: Path) -> None:
    """Newest first; of one day the check-in stands before the brief."""
    for n in range(40):
        page(home, DAY - timedelta(days=n), "brief")
    page(home, DAY, "evening", "Tonight: 2 tasks")
    list_anew(home / "reports")
    ids = [e["id"].rpartition(":")[2] for e in entries(home)]
    assert len(ids) == ENTRIES and ids[:3] == ["evening/2026-11-24", "brief/2026-11-24", "brief/2026-11-23"]
    index = (home / "reports" / "index.html").read_text(encoding="utf-8")
    assert index.count('<li><a href="2026/') == 41 and index.index("Nov 2026") < index.index("Oct 2026")
    assert "Builds accepted: 2 · Run hours: 2.2 h · Fixes: 0" in index and 'href="feed.xml"' in index


def test_nothing_that_a_task_wrote_is_markup(home: Path) -> None:
    """In the feed, in the index, whatever the headline says."""
    page(home, DAY, "brief", f'{HOSTILE} ]]> & "quoted"')
    list_anew(home / "reports")
    (entry,) = entries(home)
    assert entry["title"].startswith("<script>alert(1)</script> red gnirts")
    raw = (home / "reports" / "feed.xml").read_text(encoding="utf-8") + (home / "reports" / "index.html").read_text(encoding="utf-8")
    assert "<script" not in raw and "\x1b" not in raw and "\u202e" not in raw


def test_the_shelf_holds_reports_only(home: Path) -> None:
    """Pages of components, days that are none, folders that do not fit the day, and other files stay off it; a page without a head has its place."""
    for kind in KINDS:
        page(home, DAY, kind)
    reports = home / "reports"
    for name in ("2026/11/2026-11-24-build_scheduler.html", "2026/11/2026-11-31-brief.html", "2026/10/2026-11-24-brief.html", "2026/11/x-brief.html"):
        put(reports / name, "x")
    put(reports / "2026" / "11" / "2026-11-23-brief.html", "<p>no head")
    found = [(s.day, s.kind) for s in shelf(reports)]
    assert found == [*(("2026-11-24", k) for k in reversed(KINDS)), ("2026-11-23", "brief")]
    assert set(NAMES) == set(KINDS)


def test_what_is_no_file_holds_nobody_up(home: Path) -> None:
    """A pipe, a folder or a dead link with the name of a page, which anything that writes below reports/ may leave there: they are not listed."""
    folder = home / "reports/2026/11"
    folder.mkdir(parents=True)
    os.mkfifo(folder / "2026-11-24-brief.html")
    (folder / "2026-11-25-brief.html").mkdir()
    (folder / "2026-11-26-brief.html").symlink_to("nowhere")
    (folder / "2026-11-27-brief.html").write_text("<p>kept</p>")
    assert [s.day for s in shelf(home / "reports")] == ["2026-11-27"]


def test_an_empty_shelf_says_so(home: Path) -> None:
    list_anew(home / "reports")
    assert "No report has been made yet." in (home / "reports" / "index.html").read_text(encoding="utf-8") and entries(home) == []
