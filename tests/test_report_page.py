"""The page is one file that asks nobody for anything, and nothing that a task wrote does anything in it."""

import json
import re
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest

from jarvis_lib.model.fact import Refused
from jarvis_lib.report.deep import framed
from jarvis_lib.report.headings import HEADINGS, headed, pointed, spoken
from jarvis_lib.report.page import (
    SECTIONS,
    TEMPLATES,
    Page,
    coded,
    evening_checkin,
    moment_of,
    morning_brief,
    notebook_folder,
    scrub,
    weekend_report,
    weekly_review,
)
from jarvis_lib.report.publish import put
from jarvis_lib.store.place import Place
from tests.facts import added, opened, passed, task
from tests.report_nights import HOSTILE, MORNING, START, artefact, attempt, close, failed_check, good_night

REPO = Path(__file__).parents[1]
NOTEBOOK = REPO / "notebooks" / "reports" / "morning_brief.ipynb"
LIMIT = 60 * 1024


def page_of(place: Place, as_of: str = "2026-11-24T07:00") -> Page:
    return morning_brief(place, as_of=as_of)


def hostile_night(place: Place) -> None:
    """A title, a tail, a check, a path and a card that try everything."""
    one, two = task(HOSTILE), task('"><img src=x onerror=alert(2)> javascript:alert(3) </script>')
    asks = task("<b>Ask</b> & 'quote'", category="New features")
    place.store.write(*[added(place, t, at=START) for t in (one, two, asks)], opened(place, at=START))
    attempt(place, one, "a1", at=START + timedelta(minutes=1), evidence=[passed(HOSTILE), artefact('out/"><svg onload=alert(4)>.html')])
    attempt(place, two, "a2", at=START + timedelta(minutes=1), evidence=[failed_check(HOSTILE)], tail=HOSTILE, log="javascript:alert(5)")
    close(place, START + timedelta(hours=1), said=HOSTILE)


def test_the_page_is_one_small_file_without_any_address(place: Place) -> None:
    """No script, no network address, a policy that forbids both, and at most 60 KB."""
    good_night(place)
    html = page_of(place).html()
    assert "<script" not in html
    assert not re.search(r"https?:|//[a-z]|url\(|@import|src=", html)
    assert "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'" in html
    assert len(html.encode()) < LIMIT


def test_the_page_can_be_read_by_everybody(place: Place) -> None:
    """One h1, a language, named sections, heads with a scope, a way past the top."""
    good_night(place)
    html = page_of(place).html()
    assert '<html lang="en">' in html
    assert html.count("<h1") == 1
    assert 'class="skip" href="#main"' in html and '<main id="main" class="brief">' in html
    for labels in re.findall(r'aria-labelledby="([^"]+)"', html):
        assert all(html.count(f'id="{label}"') == 1 for label in labels.split())
    assert html.count("<th ") == html.count("scope=")
    assert re.search(r'<span class="status ok">✓ shipped</span>', html)


def test_nothing_that_a_task_wrote_does_anything(place: Place) -> None:
    """Titles, tails and paths are text, whatever they look like."""
    hostile_night(place)
    html = page_of(place).html()
    assert "<script" not in html and "<img" not in html and "<b>" not in html
    assert html.count("<svg") == 1 == html.count('<svg viewBox="0 0 298.0 150.0" role="img"')
    assert 'href="javascript:' not in html
    assert "\x1b" not in html and "\u202e" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html


def test_a_command_in_a_sentence_is_marked_and_the_rest_is_escaped(place: Place) -> None:
    """As a filter of the page and on it: no tag is shown as text, and none comes from the sentence."""
    assert coded("Say: jarvis scheduler schedule. <b>") == "Say: <code>jarvis scheduler schedule</code>. &lt;b&gt;"
    place.store.append(added(place, task("Later", hours=1.0), at=MORNING))
    html = page_of(place).html()
    assert "<code>jarvis scheduler schedule</code>" in html and "&lt;code&gt;" not in html


def test_html_is_scrubbed_when_it_is_put_together() -> None:
    """The second net holds without the first."""
    bad = '<p onclick="x()">a</p><script>1</script><a href="http://x.example/">b</a><a href="logs/a.log">c</a><img src=x><style>p{}</style>'
    assert scrub(bad) == '<p>a</p><a>b</a><a href="logs/a.log">c</a>'
    for away in ("//x.example/", r"\\x.example", r"/\x.example", "&#47;/x.example", "\t//x.example", "/etc/passwd"):
        assert scrub(f'<a href="{away}">b</a>') == "<a>b</a>"


def test_every_night_makes_a_page(place: Place) -> None:
    """Also the empty store, with every section."""
    html = page_of(place).html()
    assert "Nothing was queued." in html
    assert [n for n in ("needs", "problems", "plan", "numbers", "system", "ran") if f'id="{n}"' not in html] == []


@pytest.mark.long
def test_forty_builds_fit(place: Place) -> None:
    """The size limit holds for the longest lists and titles."""
    many = [task(f"{HOSTILE} {i}") for i in range(40)]
    asks = [task(f"Feature {i} {HOSTILE}", category="New features", description="x" * 5000) for i in range(20)]
    place.store.write(*[added(place, t, at=START) for t in [*many, *asks]], opened(place, at=START))
    for i, one in enumerate(many):
        attempt(place, one, f"a{i}", at=START + timedelta(minutes=i), evidence=[passed(HOSTILE)] * 9 if i % 2 else [failed_check(HOSTILE)], tail=HOSTILE * 50)
    close(place, START + timedelta(hours=2))
    assert len(page_of(place).html().encode()) < LIMIT


def test_sections_come_in_the_order_of_the_cells(place: Place) -> None:
    """What was shown is written, and nothing else; an unknown section is refused with the known ones."""
    page = page_of(place)
    page.show("system")
    page.show("headline")
    html = page.html()
    assert html.index('id="system"') < html.index("<h1")
    assert 'id="numbers"' not in html
    with pytest.raises(Refused, match=SECTIONS[0]):
        page.show("nonsense")


def test_links_lead_to_the_files_from_where_the_page_is(place: Place, tmp_path: Path) -> None:
    """The latest brief is a copy in another folder; its links lead to the same log."""
    from jarvis_lib.report.publish import publish

    good_night(place)
    log = place.home / "data" / "attempts" / "a1" / "output.log"
    log.parent.mkdir(parents=True)
    log.write_text("done\n")
    written = page_of(place).write()
    latest = publish(written.path, place.home)
    for page in (written.path, latest):
        links = re.findall(r'href="([^"#]+output\.log)"', page.read_text())
        assert (page.parent / links[0]).resolve() == log.resolve()


def test_looking_back_does_not_change_the_latest_brief(place: Place) -> None:
    """A brief of an earlier morning is written and listed; the newest stays the newest, and is written again by its own morning."""
    from jarvis_lib.report.publish import publish

    good_night(place)
    latest = publish(page_of(place).write().path, place.home)
    before = latest.read_bytes()
    old = page_of(place, as_of="2026-11-20").write()
    assert publish(old.path, place.home).read_bytes() == before
    assert "2026/11/2026-11-20-brief.html" in (place.home / "reports" / "index.html").read_text()
    latest.write_text(latest.read_text().replace("</main>", "<p>spoiled</p></main>"))
    assert publish(page_of(place).write().path, place.home).read_bytes() == before


def test_the_index_lists_the_briefs_by_month(place: Place) -> None:
    """It is made from the pages, newest first; a page that is not a brief is left out and a hostile one is inert."""
    from jarvis_lib.report.publish import publish

    good_night(place)
    written = page_of(place).write()
    old = place.home / "reports" / "2026" / "10" / "2026-10-02-brief.html"
    put(old, '<head><meta name="description" content="&lt;script&gt;x"></head>')
    put(place.home / "reports" / "2026" / "99" / "2026-99-02-brief.html", "x")
    publish(written.path, place.home)
    index = (place.home / "reports" / "index.html").read_text()
    assert index.index("Nov 2026") < index.index("Oct 2026")
    assert "3 of 4 builds shipped" in index and "Builds accepted: 2 (3 shipped)" in index
    assert '<a href="2026/11/2026-11-24-brief.html">' in index
    assert "<script" not in index and "2026-99" not in index


def test_a_page_is_whole_or_not_there(tmp_path: Path) -> None:
    """No temporary file stays, an older file is replaced."""
    put(tmp_path / "a" / "page.html", "one")
    put(tmp_path / "a" / "page.html", "two")
    assert [(p.name, p.read_text()) for p in (tmp_path / "a").iterdir()] == [("page.html", "two")]


def test_colours_are_readable_in_light_dark_and_print() -> None:
    """At least 4.5 to 1 for every colour that carries text, on every background that it may stand on."""
    css = (TEMPLATES / "jarvis" / "style.css").read_text()
    schemes = [dict(re.findall(r"--(\w+): (#\w+);", block)) for block in re.findall(r":root \{(.*?)\}", css, re.DOTALL)]
    assert len(schemes) == 3
    for scheme in schemes:
        for ink in ("ink", "muted", "ok", "bad", "warn", "info"):
            for ground in ("bg", "card"):
                assert contrast(scheme[ink], scheme[ground]) >= 4.5, (ink, ground, scheme)
        assert contrast(scheme["ink"], scheme["band"]) >= 4.5


def contrast(one: str, two: str) -> float:
    bright = sorted((luminance(one), luminance(two)))
    return (bright[1] + 0.05) / (bright[0] + 0.05)


def luminance(color: str) -> float:
    digits = color[1:] if len(color) == 7 else "".join(2 * c for c in color[1:])
    parts = [int(digits[i : i + 2], 16) / 255 for i in (0, 2, 4)]
    red, green, blue = (p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_a_date_means_its_morning(place: Place) -> None:
    """On the local clock; what is no time is refused."""
    assert moment_of("2026-11-24", place.zone) == MORNING
    assert moment_of("2026-11-24T08:00:00+01:00", place.zone) == MORNING
    assert moment_of("2026-11-24T07:00", place.zone) == MORNING
    with pytest.raises(Refused, match="give a date"):
        moment_of("yesterday", place.zone)


@pytest.mark.long
@pytest.mark.parametrize(
    ("name", "as_of", "page"),
    [
        ("morning_brief", "2026-11-24", "2026-11-24-brief.html"),
        ("evening_checkin", "2026-11-24", "2026-11-24-evening.html"),
        ("weekend_report", "2026-11-23", "2026-11-21-weekend.html"),
        ("weekly_review", "2026-11-22", "2026-11-22-review.html"),
    ],
)
def test_plain_papermill_writes_the_page(place: Place, tmp_path_factory: pytest.TempPathFactory, name: str, as_of: str, page: str) -> None:
    """From another folder, with an empty environment, with nothing but `as_of`: the very bytes that Python writes, in their place, on the shelf."""
    good_night(place)
    expected = {"morning_brief": morning_brief, "evening_checkin": evening_checkin, "weekend_report": weekend_report, "weekly_review": weekly_review}[name]
    out = place.home / "reports" / as_of[:4] / as_of[5:7] / page
    wanted = expected(place, as_of=as_of).html(out.parent)
    inside = place.home / "notebooks" / "reports" / f"{name}.ipynb"
    inside.parent.mkdir(parents=True)
    inside.write_text(NOTEBOOK.with_stem(name).read_text())
    away = tmp_path_factory.mktemp("away")
    papermill = [str(Path(sys.executable).with_name("papermill")), str(inside), "run.ipynb", "-p", "as_of", as_of]
    ran = subprocess.run(["env", "-i", "TZ=UTC", *papermill], cwd=away, capture_output=True, text=True, timeout=120)
    assert ran.returncode == 0, ran.stderr
    assert out.read_text() == wanted
    assert (away / "run.ipynb").exists() and page in (place.home / "reports" / "index.html").read_text()
    assert sorted(p.name for p in away.iterdir()) == ["run.ipynb"]


def test_the_workspace_of_a_notebook_is_found(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """Inside a workspace, or with JARVIS_HOME, nothing has to be searched."""
    monkeypatch.chdir(place.home)
    assert notebook_folder() == ""
    monkeypatch.chdir("/")
    assert notebook_folder() in ("", str(REPO))
    monkeypatch.setenv("JARVIS_HOME", str(place.home))
    assert notebook_folder() == ""


def test_the_brief_loads_no_heavy_library(place: Place) -> None:
    """The kernel of a brief knows neither altair nor polars, sklearn or papermill."""
    code = "import sys; from jarvis_lib.report.page import morning_brief; from jarvis_lib.workspace import open_workspace\n"
    code += f"morning_brief(open_workspace({str(place.home)!r})).write()\n"
    code += "print([m for m in ('altair', 'polars', 'sklearn', 'papermill', 'pyarrow', 'numpy') if m in sys.modules])"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert (ran.stdout.strip(), ran.stderr) == ("[]", "")


NOTEBOOKS = [REPO / "notebooks" / n for n in ("00_start_here.ipynb", "overnight_runner.ipynb", "reports/morning_brief.ipynb")]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_notebooks_are_thin(path: Path) -> None:
    """A title and a question first, few short cells, no logic, no query, no output."""
    raw = json.loads(path.read_text())
    code = [c for c in raw["cells"] if c["cell_type"] == "code"]
    source = ["".join(c["source"]) for c in code]
    first = "".join(raw["cells"][0]["source"])
    assert first.startswith("# ") and "?" in first
    assert len(code) <= 15 and max(len(s.splitlines()) for s in source) <= 12
    assert not re.search(r"^\s*(def|class) |\bSELECT\b|duckdb", "\n".join(source), re.MULTILINE)
    assert set(re.findall(r"^(?:from|import) (\w+)", "\n".join(source), re.MULTILINE)) <= {"jarvis_lib", "altair"}
    assert all(c["outputs"] == [] and c["execution_count"] is None for c in code)
    assert raw["metadata"]["kernelspec"]["name"] == "python3"
    assert len({c["id"] for c in raw["cells"]}) == len(raw["cells"])
    tagged = next(c for c in code if "parameters" in c["metadata"]["tags"])
    assert all(re.fullmatch(r"\w+: \w+ = [^#=]+  # [^=]+", line.rstrip("\n")) for line in tagged["source"])


def test_numbers_in_tables_have_the_digits_that_mean_something() -> None:
    """Whole ones none behind the point, small ones three, large ones their thousands; text is left alone."""
    told = {
        "28.0": "28",
        "0.736842": "0.737",
        "-42.5": "-42.5",
        "999.96": "1,000",
        "123.456": "123.5",
        "0.000157": "0.000157",
        "99.96": "100",
        "1234567.8": "1,234,568",
    }
    for number, short in told.items():
        assert headed(f"<td>{number}</td>") == f"<td>{short}</td>"
    assert headed("<td>version 1.50</td><td>12</td>") == "<td>version 1.50</td><td>12</td>"
    frame = pl.DataFrame({"title": ["1.50", "null", "true"], "p": [0.123456, None, 2.0]})
    told = framed(scrub(frame._repr_html_()))
    assert all(f"<td>{cell}</td>" in told for cell in ("1.50", "null", "true", "0.123", "", "2"))


def test_a_table_on_a_page_has_words_over_its_columns_and_the_frame_keeps_its_names() -> None:
    """Yes and no for true and false; a column that the text names is named by the same word; a chart's tooltip, too."""
    page = headed("<th>planned_hours</th><th>due</th><th>verdict_why</th><td>true</td><td>planned_hours</td>")
    assert page == "<th>Hours planned</th><th>Due</th><th>What proves it</th><td>yes</td><td>planned_hours</td>"
    assert spoken("<code>brier</code> and <code>jarvis next</code>") == "<em>Error</em> and <code>jarvis next</code>"
    spec = {"layer": [{"encoding": {"tooltip": [{"field": "verdict_why"}, {"field": "end", "title": "by"}], "x": {"field": "start"}}}]}
    pointed(spec)
    assert spec == {
        "layer": [{"encoding": {"tooltip": [{"field": "verdict_why", "title": "What proves it"}, {"field": "end", "title": "by"}], "x": {"field": "start"}}}]
    }
    assert all("_" not in word and word[:1].isupper() | word[:1].isdigit() for word in HEADINGS.values())
