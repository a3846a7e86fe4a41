"""How does a notebook become one page? Its cells show sections; the last one writes what was shown as one HTML file.

The page needs no network and no script, and whatever a task wrote is escaped twice: when a section is made (autoescape) and when the
page is put together (nh3). Run by papermill, by cron or by hand, the same cells write the same file.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, time
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

from jarvis_lib.model.fact import Refused
from jarvis_lib.model.prose import clean, lasting
from jarvis_lib.report.brief import Brief, compose
from jarvis_lib.report.budget import rooms, seen, unfolded
from jarvis_lib.report.evening_parts import Evening
from jarvis_lib.report.proof import MEANS
from jarvis_lib.report.publish import brief_path, dated_path, list_anew, put, relative, review_path, weekend_path
from jarvis_lib.report.review_parts import Review
from jarvis_lib.report.weekend_parts import WeekendReport
from jarvis_lib.store.place import Place
from jarvis_lib.store.snapshot import open_snapshot

if TYPE_CHECKING:
    import jinja2

TEMPLATES = Path(__file__).with_name("templates")
SECTIONS = ("headline", "needs", "ran", "problems", "plan", "learned", "numbers", "system")
WEEKEND_SECTIONS = ("headline", "needs", "builds", "week", "estimates", "patterns", "next", "not_done")
EVENING_SECTIONS = ("headline", "needs", "today", "tonight", "offer")
REVIEW_SECTIONS = ("headline", "goals", "days", "guards", "calibration", "precision", "trust", "fate")
MORNING = time(7)
EVENING = time(19)
_COMMAND = re.compile(r"(?<=: )jarvis(?: -{0,2}[a-z]+)+")
Values = Brief | WeekendReport | Evening | Review


@dataclass(frozen=True, slots=True)
class Kind:
    """What one kind of report is made of: its sections, those among them that look as in the brief, its own mark, and the function of its text."""

    sections: tuple[str, ...]
    shared: tuple[str, ...]
    mark: str
    text: str


KINDS: dict[type, Kind] = {
    Brief: Kind(SECTIONS, SECTIONS, "brief", "text:brief_text"),
    WeekendReport: Kind(WEEKEND_SECTIONS, ("headline", "needs"), "weekend", "weekend_text:weekend_text"),
    Evening: Kind(EVENING_SECTIONS, ("headline",), "evening", "evening_text:evening_text"),
    Review: Kind(REVIEW_SECTIONS, ("headline",), "review", "review_text:review_text"),
}
TAGS = {
    *("a", "article", "br", "caption", "code", "dd", "details", "div", "dl", "dt", "em", "h1", "h2", "h3", "header", "li", "ol", "p", "pre", "section"),
    *("small", "span", "strong", "summary", "table", "tbody", "td", "th", "thead", "tr", "ul"),
    *("svg", "title", "desc", "g", "line", "circle", "rect", "text"),
}
ATTRIBUTES = {
    "*": {"class", "id", "aria-label", "aria-labelledby"},
    "a": {"href"},
    "th": {"scope"},
    "td": {"data-label"},
    "details": {"open"},
    "svg": {"viewBox", "role", "width", "height"},
    "line": {"x1", "y1", "x2", "y2"},
    "circle": {"cx", "cy", "r"},
    "rect": {"x", "y", "width", "height"},
    "text": {"x", "y"},
}
"""What may stand on a page. Drawings have shapes and words, and nothing that could load, link or run."""


@dataclass(frozen=True, slots=True)
class Section:
    """One part of the page: shown by JupyterLab as HTML, elsewhere as its name."""

    name: str
    html: str

    def _repr_html_(self) -> str:
        return self.html

    def __repr__(self) -> str:
        return f"<section {self.name}>"


@dataclass(frozen=True, slots=True)
class Written:
    """What `Page.write` did."""

    path: Path
    size: int

    def __repr__(self) -> str:
        return f"{self.path} ({self.size:,} bytes)"


class Page:
    """The page of one report. `show` makes a section and remembers it; `write` writes the remembered ones in that order."""

    def __init__(self, values: Values, home: Path, default: Path) -> None:
        self.values = values
        self.home = home
        self.default = default
        self._shown: dict[str, None] = {}

    @property
    def sections(self) -> tuple[str, ...]:
        """The names of all sections, in the order of the page."""
        return self.kind.sections

    @property
    def kind(self) -> Kind:
        """What this kind of report is made of."""
        return KINDS[type(self.values)]

    def show(self, name: str) -> Section:
        """The section `name` (one of `sections`), for the cell that asks for it."""
        if name not in self.sections:
            raise Refused(f"There is no section {clean(name)[:40]!r}; there are {', '.join(self.sections)}.", code="usage")
        self._shown[name] = None
        return Section(name, section_html(self.values, name, self.home, self.default.parent))

    def text(self, width: int = 100) -> str:
        """The same report for a terminal."""
        from importlib import import_module

        module, name = self.kind.text.split(":")
        return str(getattr(import_module(f"jarvis_lib.report.{module}"), name)(self.values, width))

    def html(self, folder: Path | None = None) -> str:
        """The page with all that was shown (everything, if nothing was), its links as seen from `folder`."""
        wanted = list(self._shown) or list(self.sections)
        return render([section_html(self.values, n, self.home, folder or self.default.parent) for n in wanted], self.values)

    def write(self, out: Path | str = "") -> Written:
        """Write the page to `out`, or to its place below reports/, where index and feed list it. The file is whole or it is not there."""
        path = Path(out) if out else self.default
        html = self.html(path.parent)
        put(path, html)
        if path == self.default:
            list_anew(self.home / "reports")
        return Written(path, len(html.encode()))


def morning_brief(place: Place, *, snapshot: str = "", as_of: str = "") -> Page:
    """The page of the brief at `as_of` (ISO 8601; a date alone means 07:00 there; empty = now), from `snapshot` or a fresh one."""
    return _page(place, compose, lambda now, _: brief_path(place.home, now, place.zone), snapshot, as_of)


def weekend_report(place: Place, *, snapshot: str = "", as_of: str = "") -> Page:
    """The page of the weekend at `as_of` (as for `morning_brief`), from `snapshot` or a fresh one."""
    from jarvis_lib.report.weekend import compose_weekend

    return _page(place, compose_weekend, lambda _, values: weekend_path(place.home, values.weekend), snapshot, as_of)


def evening_checkin(place: Place, *, snapshot: str = "", as_of: str = "") -> Page:
    """The page of the evening at `as_of` (a date alone means 19:00 there), from `snapshot` or a fresh one."""
    from jarvis_lib.report.evening import compose_evening

    return _page(place, compose_evening, lambda now, _: dated_path(place.home, now.astimezone(place.zone).date(), "evening"), snapshot, as_of, EVENING)


def weekly_review(place: Place, *, snapshot: str = "", as_of: str = "") -> Page:
    """The page of the week at `as_of` (a date alone means 19:00 there, so a Sunday tells its own week), from `snapshot` or a fresh one."""
    from jarvis_lib.report.review import compose_review

    return _page(place, compose_review, lambda _, values: review_path(place.home, values.week), snapshot, as_of, EVENING)


def _page(place: Place, make: Callable[..., Any], where: Callable[[datetime, Any], Path], snapshot: str, as_of: str, at: time = MORNING) -> Page:
    now = moment_of(as_of, place.zone, at) if as_of else place.now()
    source = snapshot or place.store.snapshot()
    with open_snapshot(source) as reader:
        values = make(reader, now=now, zone=place.zone, settings=place.settings, home=place.home)
    return Page(values, place.home, where(now, values))


def moment_of(text: str, zone: ZoneInfo, at: time = MORNING) -> datetime:
    """An aware time from ISO 8601; without an offset it is on the local clock, a date alone means `at`. Refuses what is not a time."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise Refused(f"as_of is {clean(text)[:40]!r}; give a date or a time such as 2026-11-24T07:00.", code="usage") from error
    if len(text) <= len("2026-11-24"):
        found = datetime.combine(found.date(), at)
    return found if found.tzinfo else found.replace(tzinfo=zone)


def notebook_folder() -> str:
    """Where to look for the workspace when nothing named it: empty if the working directory or JARVIS_HOME will do.

    Plain papermill does not tell a kernel which notebook it runs, but the command line of the kernel's parent does; a
    clone is a workspace itself, so it comes last.
    """
    import os

    here = Path.cwd()
    if os.environ.get("JARVIS_HOME") or any((p / "jarvis.toml").is_file() for p in (here, *here.parents)):
        return ""
    found = [p for p in _notebooks_of_parent() if any((f / "jarvis.toml").is_file() for f in p.resolve().parents)]
    clone = Path(__file__).resolve().parents[2]
    return str(found[0].parent) if found else str(clone) if (clone / "jarvis.toml").is_file() else ""


def _notebooks_of_parent() -> list[Path]:
    import psutil

    try:
        parent = psutil.Process().parent()
        words, folder = (parent.cmdline(), Path(parent.cwd())) if parent else ([], Path())
    except psutil.Error:
        return []
    return [folder / w for w in words if w.endswith(".ipynb") and (folder / w).is_file()]


# --- rendering -----------------------------------------------------------------------------------------------------------


@lru_cache(4)
def _environment(home: Path, folder: Path) -> "jinja2.Environment":
    """One for each folder that links lead from: a compiled template keeps the filters it was compiled with, and to compile costs more than to render."""
    import jinja2

    loader = jinja2.FileSystemLoader(TEMPLATES / "jarvis" / "sections")
    made = jinja2.Environment(loader=loader, autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True)
    made.globals["means"] = MEANS
    own: dict[str, Callable[..., str]] = {"href": lambda path: quote(relative(home / path, folder)), "duration": lasting, "coded": coded}
    made.filters.update(own)
    return made


def section_html(values: Values, name: str, home: Path, folder: Path) -> str:
    """One section as HTML; its links lead from `folder` to the files of the workspace."""
    kind = KINDS[type(values)]
    template = name if name in kind.shared else f"{kind.mark}_{name}"
    from jarvis_lib.report.drawing import bar, columns, dot_plot, lanes

    folds = {"unfolded": unfolded, "spent": lambda rows: sum(map(seen, rows)), "room": rooms(values) if isinstance(values, Brief) else {}}
    return _environment(home, folder).get_template(f"{template}.html.j2").render(b=values, bar=bar, columns=columns, dot_plot=dot_plot, lanes=lanes, **folds)


def coded(sentence: str) -> str:
    """The sentence, with the command lines in it that one may copy marked as such; the rest is escaped."""
    from markupsafe import Markup, escape

    return Markup(_COMMAND.sub(r"<code>\g<0></code>", str(escape(sentence))))  # noqa: S704  # what is not escaped is our own tag


def scrub(html: str) -> str:
    """HTML without anything that could run, load or lead away: known tags and attributes, relative links only."""
    import nh3

    return nh3.clean(html, tags=TAGS, attributes=ATTRIBUTES, attribute_filter=_stays, url_schemes=set(), link_rel=None, strip_comments=True)


def _stays(tag: str, name: str, value: str) -> str | None:
    """A link from a root would lead away: browsers read two slashes, of either kind, as another host."""
    return None if name == "href" and value.strip()[:1] in ("/", "\\") else value


def render(sections: list[str], values: Values) -> str:
    """The whole page of a report by nbconvert and our template."""
    return render_notebook([scrub(s) for s in sections], {"title": f"{values.headline} · Jarvis", "meta": meta_of(values), "kind": KINDS[type(values)].mark})


def render_notebook(pieces: list[str], about: dict[str, Any]) -> str:
    """One page of these pieces of HTML, which are scrubbed already; `about` has title, meta, and the kind that its style goes by."""
    from nbconvert.exporters.html import HTMLExporter
    from nbformat.notebooknode import from_dict

    build: Any = from_dict  # untyped
    cells = [_cell(i, s) for i, s in enumerate(pieces)]
    notebook = build({"nbformat": 4, "nbformat_minor": 5, "metadata": {"jarvis": {"kind": "report"} | about}, "cells": cells})
    make: Any = HTMLExporter  # untyped
    exporter = make(template_name="jarvis", extra_template_basedirs=[str(TEMPLATES)], exclude_input=True)
    # HTMLExporter's own step would parse the page again and write it anew: nothing may touch it after the scrubbing.
    body, _ = super(HTMLExporter, exporter).from_notebook_node(notebook)
    return str(body)


def _cell(number: int, html: str) -> dict[str, Any]:
    output = {"output_type": "display_data", "data": {"text/html": html}, "metadata": {}}
    return {"cell_type": "code", "id": f"s{number}", "source": "", "metadata": {}, "execution_count": None, "outputs": [output]}


def meta_of(values: Values) -> Mapping[str, Any]:
    """What the index and the feed read back from the page: the headline and a line of numbers."""
    return {"description": values.headline, "jarvis:as-of": values.as_of, "jarvis:tone": values.tone, "jarvis:numbers": values.told}
