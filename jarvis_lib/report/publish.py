"""Where do pages live, and how does one find them? `reports/YYYY/MM/`, the latest of each kind and an index by month.

A file appears whole or not at all: temporary name, fsync, rename, fsync of the folder. The index is made from the pages themselves, so
it can always be made again.
"""

import html
import os
import re
from datetime import datetime
from html.parser import HTMLParser
from pathlib import Path
from zoneinfo import ZoneInfo

from jarvis_lib.model.fact import new_id
from jarvis_lib.report.clock import MONTHS

LATEST, INDEX = "latest-brief.html", "index.html"
LATEST_WEEKEND = "latest-weekend.html"
_DATED = re.compile(r"\d{4}/(0[1-9]|1[0-2])/[\w-]+-(brief|weekend)\.html")
_STYLE = re.compile(r"<style>.*?</style>", re.DOTALL)
_HREF = re.compile(r'href="([^"#]+)"')


def brief_path(home: Path, as_of: datetime, zone: ZoneInfo) -> Path:
    """`reports/YYYY/MM/YYYY-MM-DD-brief.html` by the local day."""
    day = as_of.astimezone(zone)
    return home / "reports" / f"{day:%Y}" / f"{day:%m}" / f"{day:%Y-%m-%d}-brief.html"


def weekend_path(home: Path, weekend: str) -> Path:
    """`reports/YYYY/MM/YYYY-MM-DD-weekend.html` by the first day of the weekend."""
    return home / "reports" / weekend[:4] / weekend[5:7] / f"{weekend}-weekend.html"


def deep_path(home: Path, component: str, as_of: datetime, zone: ZoneInfo) -> Path:
    """`reports/YYYY/MM/YYYY-MM-DD-<component>.html` by the local day: the page of one of the night's analytic steps."""
    day = as_of.astimezone(zone)
    return home / "reports" / f"{day:%Y}" / f"{day:%m}" / f"{day:%Y-%m-%d}-{component}.html"


def relative(path: Path, folder: Path) -> str:
    """`path` as a link from `folder`."""
    return Path(os.path.relpath(path, folder)).as_posix()


def put(path: Path, text: str) -> None:
    """Write `text` to `path` so that a reader finds the old file or the new one, and a power cut loses neither."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{new_id(6)}.tmp")
    try:
        with open(temporary, "w", encoding="utf-8") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def publish(page: Path, home: Path) -> Path:
    """Make `page` the latest of its kind in the workspace and write the index anew; the path of the copy. Its links lead to the same files."""
    reports = home / "reports"
    latest = reports / (LATEST_WEEKEND if page.stem.endswith("-weekend") else LATEST)
    put(latest, _moved(page.read_text(encoding="utf-8"), page.parent, reports))
    put(reports / INDEX, index_html(reports))
    return latest


def _moved(text: str, old: Path, new: Path) -> str:
    """The page as it reads from another folder: links that stay inside of the page are left alone."""
    return _HREF.sub(lambda m: f'href="{html.escape(relative(old / html.unescape(m[1]), new))}"', text)


def index_html(reports: Path) -> str:
    """All briefs and weekend reports below `reports`, newest first, by month: date, headline, numbers. Read from the pages."""
    pages = sorted((p for p in reports.glob("*/*/*.html") if _DATED.fullmatch(p.relative_to(reports).as_posix())), reverse=True)
    months: dict[str, list[str]] = {}
    style = ""
    for page in pages:
        text = page.read_text(encoding="utf-8", errors="replace")
        style = style or "".join(_STYLE.findall(text)[:1])
        year, month = page.parent.parent.name, page.parent.name
        months.setdefault(f"{MONTHS[int(month) - 1]} {year}", []).append(_entry(page, text, reports))
    newest = [reports / name for name in (LATEST, LATEST_WEEKEND) if (reports / name).is_file()]
    latest = f"<ul>{''.join(_entry(p, p.read_text(encoding='utf-8'), reports) for p in newest)}</ul>" if newest else ""
    body = latest + "".join(f"<section><h2>{name}</h2><ul>{''.join(rows)}</ul></section>" for name, rows in months.items())
    policy = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><title>Briefs · Jarvis</title>'
        f"{style}</head><body><main><h1>Briefs</h1>{body or '<p>No brief has been made yet.</p>'}</main></body></html>\n"
    )


class _Metas(HTMLParser):
    """The page's `<meta name content>` pairs."""

    def __init__(self) -> None:
        super().__init__()
        self.found: dict[str, str] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        own = dict(attrs)
        if tag == "meta" and own.get("name"):
            self.found[own["name"] or ""] = own.get("content") or ""


def _entry(page: Path, text: str, reports: Path) -> str:
    reader = _Metas()
    reader.feed(text[: text.find("</head>") + 1])
    told = html.escape(reader.found.get("description", "This page has no headline."))
    numbers = html.escape(reader.found.get("jarvis:numbers", ""))
    day, link = html.escape(page.stem.removesuffix("-brief").replace("-weekend", " weekend")), html.escape(relative(page, reports))
    return f'<li><a href="{link}">{day}</a> {told}<br><span class="small">{numbers}</span></li>'
