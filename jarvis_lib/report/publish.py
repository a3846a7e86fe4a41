"""Where do pages live, and how does one find them? `reports/YYYY/MM/`, the latest of each kind and an index by month.

A file appears whole or not at all: temporary name, fsync, rename, fsync of the folder. The index is made from the pages themselves, so
it can always be made again.
"""

import html
import os
import re
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from jarvis_lib.report.clock import DAYS, MONTHS
from jarvis_lib.report.feed import NAMES, feed_xml
from jarvis_lib.report.parts import PAGES
from jarvis_lib.report.shelf import KINDS, Shelved, read, shelf
from jarvis_lib.store.whole import write_whole

LATEST, INDEX, FEED = "latest-brief.html", "index.html", "feed.xml"
NEWEST, NUMBERS = "newest", 3
_HREF = re.compile(r'href="([^"#]+)"')
_DEEP = re.compile(rf"(\d{{4}}/\d\d)/(\d{{4}}-\d\d-\d\d)-(?:{'|'.join(PAGES)})\.html")
_STYLE = Path(__file__).with_name("templates") / "jarvis" / "style.css"


def dated_path(home: Path, day: date, kind: str) -> Path:
    """`reports/YYYY/MM/YYYY-MM-DD-<kind>.html`."""
    return home / "reports" / f"{day:%Y}" / f"{day:%m}" / f"{day:%Y-%m-%d}-{kind}.html"


def brief_path(home: Path, as_of: datetime, zone: ZoneInfo) -> Path:
    """`reports/YYYY/MM/YYYY-MM-DD-brief.html` by the local day."""
    return dated_path(home, as_of.astimezone(zone).date(), "brief")


def weekend_path(home: Path, weekend: str) -> Path:
    """`reports/YYYY/MM/YYYY-MM-DD-weekend.html` by the first day of the weekend."""
    return dated_path(home, date.fromisoformat(weekend), "weekend")


def review_path(home: Path, monday: str) -> Path:
    """`reports/YYYY/MM/YYYY-MM-DD-review.html` by the Sunday of the week."""
    return dated_path(home, date.fromisoformat(monday) + timedelta(days=6), "review")


def deep_path(home: Path, component: str, as_of: datetime, zone: ZoneInfo) -> Path:
    """`reports/YYYY/MM/YYYY-MM-DD-<component>.html` by the local day: the page of one of the night's analytic steps."""
    return dated_path(home, as_of.astimezone(zone).date(), component)


def relative(path: Path, folder: Path) -> str:
    """`path` as a link from `folder`."""
    return Path(os.path.relpath(path, folder)).as_posix()


def put(path: Path, text: str) -> None:
    """Write `text` to `path` so that a reader finds the old file or the new one, and a power cut loses neither."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, text.encode("utf-8"))


def publish(page: Path, home: Path) -> Path:
    """Make `page` the latest of its kind in the workspace and write index and feed anew; the path of the latest. Its links lead to the same files.

    A page of an earlier moment does not take the place of a later one: looking back changes no newest page.
    """
    reports = home / "reports"
    kind = page.stem.rpartition("-")[2]
    latest = reports / (f"latest-{kind}.html" if kind in KINDS else LATEST)
    if not _looks_back(page, latest):
        put(latest, _moved(page.read_text(encoding="utf-8"), page.parent, reports))
    list_anew(reports)
    return latest


def _looks_back(page: Path, latest: Path) -> bool:
    if not latest.is_file():
        return False
    new, there = read(page), read(latest)
    if new.as_of is None or there.as_of is None or there.as_of > there.written:  # a page of a moment to come keeps nothing out
        return False
    return new.as_of < there.as_of


def list_anew(reports: Path) -> None:
    """Write index and feed from the pages that are there."""
    shelved = shelf(reports)
    put(reports / INDEX, index_html(reports, shelved))
    put(reports / FEED, feed_xml(shelved, reports))


def _moved(text: str, old: Path, new: Path) -> str:
    """The page as it reads from another folder: links that stay inside of the page are left alone."""
    return _HREF.sub(lambda m: f'href="{html.escape(relative(old / html.unescape(m[1]), new))}"', text)


def index_html(reports: Path, shelved: Sequence[Shelved] | None = None) -> str:
    """All dated reports below `reports`, newest first, by month: date, headline, numbers. Read from the pages."""
    months: dict[str, list[str]] = {}
    for one in shelf(reports) if shelved is None else shelved:
        year, month = one.day.split("-")[:2]
        months.setdefault(f"{MONTHS[int(month) - 1]} {year}", []).append(_entry(one, reports))
    newest = [read(reports / f"latest-{kind}.html", NEWEST, kind) for kind in KINDS if (reports / f"latest-{kind}.html").is_file()]
    latest = f"<section><h2>Newest</h2><ul>{''.join(_entry(one, reports) for one in newest)}</ul></section>" if newest else ""
    body = latest + "".join(f"<section><h2>{name}</h2><ul>{''.join(rows)}</ul></section>" for name, rows in months.items())
    policy = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="light dark"><title>Reports · Jarvis</title>'
        f'<link rel="alternate" type="application/atom+xml" title="Jarvis: reports" href="{FEED}">'
        f"<style>{_STYLE.read_text(encoding='utf-8')}</style></head>"
        '<body><a class="skip" href="#main">Skip to the reports</a><main id="main" class="shelf"><h1>Reports</h1>'
        f"{body or '<p>No report has been made yet.</p>'}</main></body></html>\n"
    )


def _entry(one: Shelved, reports: Path) -> str:
    link = html.escape(relative(one.path, reports))
    name = NAMES[one.kind] if one.day == NEWEST else f"{_named(one.day)}, {NAMES[one.kind].lower()}"
    numbers = " · ".join(one.numbers.split(" · ")[:NUMBERS])
    return f'<li><a href="{link}">{html.escape(name)}</a><br>{html.escape(one.headline)}<br><span class="small">{html.escape(numbers)}</span></li>'


def _named(day: str) -> str:
    """`Tue 24 Nov`."""
    own = date.fromisoformat(day)
    return f"{DAYS[own.weekday()]} {own.day} {MONTHS[own.month - 1]}"


def forget_deep(reports: Path, *, keep_days: int, now: datetime, zone: ZoneInfo) -> tuple[int, int]:
    """Remove the pages of components that are older than `keep_days` by the day in their names; how many, and their bytes. Every report stays."""
    oldest = now.astimezone(zone).date() - timedelta(days=keep_days)
    old = [p for p in reports.glob("[0-9]*/[0-9]*/*.html") if (m := _DEEP.fullmatch(p.relative_to(reports).as_posix())) and m[2] < oldest.isoformat()]
    freed = sum(p.stat().st_size for p in old)
    for page in old:
        page.unlink()
    return len(old), freed


def plain_page(headline: str, text: str, *, as_of: str) -> str:
    """A page for a report whose notebook could not run: its text as it is, with nothing that could run or load."""
    policy = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
    told = {"description": headline, "jarvis:as-of": as_of, "jarvis:tone": "bad", "jarvis:numbers": "Text only: the page could not be made."}
    metas = "".join(f'<meta name="{name}" content="{html.escape(said)}">' for name, said in told.items())
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}"><meta name="viewport" content="width=device-width, initial-scale=1">'
        f"{metas}<title>{html.escape(headline)} · Jarvis</title><style>{_STYLE.read_text(encoding='utf-8')}</style></head>"
        f'<body><main id="main" class="plain"><h1 class="bad">{html.escape(headline)}</h1><pre>{html.escape(text)}</pre></main></body></html>\n'
    )
