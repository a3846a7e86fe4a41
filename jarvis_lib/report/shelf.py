"""Which reports are there? The dated pages below `reports/`, the newest first, with what each says of itself in its head.

Only the head of a page is read, so a shelf of years is quick to look through; what is no page of a report is left out.
"""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime
from html.parser import HTMLParser
from pathlib import Path

from jarvis_lib.model.prose import clean

KINDS = ("brief", "evening", "weekend", "review")
HEAD = 16 * 1024
_DATED = re.compile(rf"(\d{{4}})/(0[1-9]|1[0-2])/(\1-\2-\d\d)-({'|'.join(KINDS)})\.html")


@dataclass(frozen=True, slots=True)
class Shelved:
    """One page: its file, day and kind, its headline and numbers, the moment that it tells of (None: it does not say), and when it was written."""

    path: Path
    day: str
    kind: str
    headline: str
    numbers: str
    as_of: datetime | None
    written: datetime


def shelf(reports: Path) -> list[Shelved]:
    """All dated pages, newest first; of one day the later kind first."""
    dated = [(m, p) for p in reports.glob("*/*/*.html") if (m := _DATED.fullmatch(p.relative_to(reports).as_posix())) and _is_day(m[3])]
    found = [(m, p) for m, p in dated if p.is_file()]  # a pipe of that name would be waited for
    return [read(p, m[3], m[4]) for m, p in sorted(found, key=lambda pair: (pair[0][3], KINDS.index(pair[0][4])), reverse=True)]


def read(path: Path, day: str = "", kind: str = "") -> Shelved:
    """What one page says of itself."""
    with open(path, encoding="utf-8", errors="replace") as stream:
        head = stream.read(HEAD)
    reader = _Metas()
    reader.feed(head[: head.find("</head>")] if "</head>" in head else head[: head.rfind("<")])
    found = {name: clean(text) for name, text in reader.found.items()}
    headline, numbers = found.get("description", "This page has no headline."), found.get("jarvis:numbers", "")
    written = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    return Shelved(path, day, kind, headline, numbers, _moment(found.get("jarvis:as-of", "")), written)


def _is_day(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _moment(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo else None


class _Metas(HTMLParser):
    """The page's `<meta name content>` pairs."""

    def __init__(self) -> None:
        super().__init__()
        self.found: dict[str, str] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        own = dict(attrs)
        if tag == "meta" and own.get("name"):
            self.found[own["name"] or ""] = own.get("content") or ""
