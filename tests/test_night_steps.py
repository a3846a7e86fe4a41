"""The night's analytic steps: a notebook on a snapshot makes the study, the session stores it, and without the notebook the night goes on."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from jarvis_lib import autonomous_queue as queue
from jarvis_lib import build_scheduler
from jarvis_lib import overnight_runner as night
from jarvis_lib.cli.entry import PARTS
from jarvis_lib.overnight_runner import steps
from jarvis_lib.report.charts import MIME
from jarvis_lib.report.deep import deep_html
from jarvis_lib.report.publish import put
from jarvis_lib.store.place import Place
from jarvis_lib.workspace import open_workspace
from tests.roomy import roomy

ROOT = Path(__file__).parents[1]


@pytest.fixture
def place(tmp_path: Path) -> Place:
    (tmp_path / "jarvis.toml").write_text(roomy())
    (tmp_path / "notebooks").mkdir()
    for name in ("build_scheduler.ipynb", "reports"):
        (tmp_path / "notebooks" / name).symlink_to(ROOT / "notebooks" / name)
    return open_workspace(tmp_path, actor="person:test")


@pytest.fixture
def whole(tmp_path: Path) -> Place:
    """A workspace with all notebooks."""
    (tmp_path / "jarvis.toml").write_text(roomy())
    (tmp_path / "notebooks").symlink_to(ROOT / "notebooks")
    return open_workspace(tmp_path, actor="person:test")


def one_night(place: Place) -> list[str]:
    queue.add(place, "One <b>task</b>", "", 0.01, "Documentation", "HIGH", command="echo a > a.md", checks=["test -s a.md"], changes=["a.md"], now=place.now())
    queue.add(place, "A long one", "", 5, "Documentation", "LOW", command="true", now=place.now())
    said: list[str] = []
    night.start(place, for_minutes=10, with_brief=False, say=said.append, analyse=True)
    return said


def replaced(place: Place, name: str, source: str) -> None:
    """The notebook with another last cell."""
    path = place.home / "notebooks" / f"{name}.ipynb"
    notebook = json.loads(path.read_text())
    path.unlink()
    notebook["cells"].append({"cell_type": "code", "id": "last", "metadata": {}, "execution_count": None, "outputs": [], "source": source})
    path.write_text(json.dumps(notebook))


def notices(place: Place) -> list[str]:
    with place.store.reading() as reader:
        return [n["sentence"] for n in reader.rows("report.notices_between", since=place.now().replace(year=2000), now=place.now())]


@pytest.mark.long
def test_each_analytic_step_is_a_notebook_with_its_page(whole: Place) -> None:
    """Eight papermill runs; four leave a study, each its executed notebook and its page, and the brief links to all of them."""
    said = one_night(whole)
    assert notices(whole) == []
    names = {"problem_predictor", "pattern_learner", "self_improver", "build_scheduler"}
    assert {p.stem for p in (whole.home / "data" / "sessions").glob("*/*.json")} == names
    pages = {p.name.removesuffix(".html").split("-", 3)[3]: p.read_text() for p in (whole.home / "reports").glob("*/*/*.html")}
    assert set(pages) == set(PARTS.values()) and {p.stem for p in (whole.home / "data" / "sessions").glob("*/*.ipynb")} == set(pages)
    for name, page in pages.items():
        assert f"made by notebooks/{name}.ipynb" in page and "cell " in page
        assert ("data-chart" in page) == ("script-src 'nonce-" in page) and page.count("vegaEmbed(live") == ("data-chart" in page)
    assert all("as_of = " in pages[name] for name in (*names, "context_scheduler", "weekend_planner"))
    assert sum("data-chart" in page for page in pages.values()) >= 6
    brief = night.make_brief(whole, as_of=whole.now()).read_text()
    assert all(f"-{name}.html" in brief for name in pages)
    assert any("verified" in line for line in said) and [line for line in said if line.startswith("Phase improve:")]


def test_a_short_session_is_for_the_work(whole: Place) -> None:
    """Without --analyse a session of some minutes runs no notebook of its own."""
    queue.add(whole, "One", "", 0.01, "Documentation", "HIGH", command="echo a > a.md", checks=["test -s a.md"], changes=["a.md"], now=whole.now())
    night.start(whole, for_minutes=5, with_brief=False, say=lambda line: None)
    assert not any((whole.home / "data" / "sessions").iterdir()) and notices(whole) == []


def test_the_notebook_makes_the_plan_that_the_night_works(place: Place) -> None:
    """The study, the executed notebook and its page stay; the plan that stands is the one that the notebook handed over."""
    said = one_night(place)
    (kept,) = (place.home / "data" / "sessions").glob("*/build_scheduler.json")
    study = json.loads(kept.read_text())
    assert [f[0] for f in study["facts"]] == ["plan.made"] and {r["title"] for r in study["frames"]["plan"]} == {"One <b>task</b>", "A long one"}
    lines = [json.loads(line) for part in sorted((place.home / "data" / "journal").glob("*.jsonl")) for line in part.read_text().splitlines()]
    first = next(line["fact"] for line in lines if line["fact"]["kind"] == "plan.made")
    assert first["data"] == study["facts"][0][1] and first["data"]["session"] == kept.parent.name
    executed = json.loads(kept.with_suffix(".ipynb").read_text())
    assert all(c["execution_count"] for c in executed["cells"] if c["cell_type"] == "code")
    (page,) = (place.home / "reports").glob("*/*/*-build_scheduler.html")
    assert "<b>task</b>" not in page.read_text() and "data:image/svg+xml;base64," in page.read_text()
    assert any("verified" in line for line in said) and not [n for n in notices(place) if "build_scheduler" in n]
    brief = night.make_brief(place, as_of=place.now())
    assert (
        f'href="{page.name}"' in brief.read_text()
        and f'href="{page.relative_to(place.home / "reports")}"' in (place.home / "reports/latest-brief.html").read_text()
    )


@pytest.mark.parametrize(
    ("last", "why"),
    [
        ("raise RuntimeError('the chart broke')", "the chart broke"),
        ("open(out, 'w').write('{')", "cannot be read"),
        ("import os; os.remove(out)", "without its study"),
        ("import os; os._exit(1)", "build_scheduler"),
    ],
)
@pytest.mark.long
def test_without_the_notebook_the_night_has_its_plan_all_the_same(place: Place, last: str, why: str) -> None:
    """The work is done, and the brief is told which notebook could not be used."""
    replaced(place, "build_scheduler", last)
    said = one_night(place)
    assert any("verified" in line for line in said)
    (told,) = [n for n in notices(place) if "build_scheduler" in n]
    assert "The notebook build_scheduler could not be used" in told and why in told
    assert len(notices(place)) == 4


def test_pages_of_components_go_after_their_days_and_reports_stay(place: Place) -> None:
    """By the day in the name and `[store] pages_keep_days`, of its own names only; told once, and a second look finds nothing."""
    now = datetime(2026, 11, 24, 7, tzinfo=UTC)
    reports = place.home / "reports"
    stays = ["2026/11/2026-11-24-build_scheduler.html", "2026/10/2026-10-25-pattern_learner.html", "2024/01/2024-01-05-brief.html"]
    stays += ["2024/01/2024-01-06-evening.html", "2024/01/2024-01-07-weekend.html", "2024/01/2024-01-07-review.html", "2024/01/2024-01-05-mine.html"]
    goes = ["2026/10/2026-10-24-pattern_learner.html", "2024/01/2024-01-05-self_improver.html"]
    for name in (*stays, *goes, "latest-brief.html"):
        put(reports / name, "x" * 512)
    assert steps.forget_pages(place, now=now) == "2 pages of components older than 30 days removed (1.0 KB)"
    assert all((reports / name).is_file() for name in (*stays, "latest-brief.html")) and not any((reports / name).exists() for name in goes)
    assert steps.forget_pages(place, now=now) == ""


def test_a_study_equals_the_plan_without_a_notebook(place: Place) -> None:
    """Equal input, equal plan, whichever way it is made; reading a study writes nothing."""
    queue.add(place, "One", "", 1, "Documentation", "HIGH", command="true", now=place.now())
    now = place.now()
    with place.store.reading() as reader:
        before = reader.one("store.counts")
        study = build_scheduler.study(reader, place, now=now, seed=2026)
        assert reader.one("store.counts") == before
    assert build_scheduler.plan_of(study) == build_scheduler.make_plan(place, now=now)


def test_a_page_shows_no_code_and_runs_nothing() -> None:
    """Words and outputs only; what a task wrote is scrubbed, an error is told."""
    cells = [
        {"cell_type": "markdown", "source": ["# Plan\n", "\n", "So *it* is <script>alert(1)</script>."]},
        {"cell_type": "code", "source": ["secret = 1"], "outputs": [{"output_type": "stream", "text": ["3 <slots>\n"]}]},
        {
            "cell_type": "code",
            "source": [],
            "outputs": [{"output_type": "display_data", "data": {"text/html": ["<table onclick='x()'><tr><td>1</td></tr></table>"]}}],
        },
        {"cell_type": "code", "source": [], "outputs": [{"output_type": "error", "ename": "ValueError", "evalue": "<img src=x>"}]},
    ]
    page = deep_html({"cells": cells}, "build_scheduler", "2 slots", "Tue 23:00")
    assert "script-src" not in page
    assert "<h1>Plan</h1>" in page and "<em>it</em>" in page and "3 &lt;slots&gt;" in page and "ValueError: &lt;img" in page
    assert not any(word in page for word in ("secret", "onclick", "<script", "<img src=x"))


def test_a_chart_on_a_page_is_data_and_cannot_end_its_script() -> None:
    """One program for all charts; what a task wrote stands in JSON that holds no tag, and the policy allows the page's own scripts alone."""
    spec = {"$schema": "x", "data": {"values": [{"a": "</script><script>alert(1)</script>"}]}, "mark": "bar", "title": "<b>"}
    shown = {"output_type": "display_data", "data": {MIME: spec, "image/svg+xml": "<svg></svg>", "text/plain": "<chart: <b>>"}}
    cells = [{"cell_type": "code", "id": f"c{i}", "source": [], "outputs": [shown]} for i in range(3)]
    page = deep_html({"cells": cells, "metadata": {"papermill": {"parameters": {"as_of": "<i>", "workspace": "gone"}}}}, "build_scheduler", "x", "Tue")
    assert page.count("alert(1)") == 3 and "<script>alert" not in page and page.count("<script nonce") == 2 and 500_000 < len(page) < 1_200_000
    assert "Parameters: as_of = &#34;&lt;i&gt;&#34;" in page and "gone" not in page and "cell c2" in page
    assert set(re.findall(r"<script (\S+?)=", page)) == {"type", "nonce"} and "unsafe-eval" not in page
