"""The recipe that builds the dashboard: linked charts in one page that loads nothing; and the check that finds out a page that would."""

import json
import re
from pathlib import Path

import pytest

from jarvis_lib.execution.playbooks import dashboard
from jarvis_lib.model.fact import Refused
from tests.recipe_parts import check, flights, notebook, shop


@pytest.fixture
def database(home: Path) -> Path:
    return flights(home / "flights.db")


@pytest.fixture
def page(home: Path, database: Path) -> Path:
    """A page with a short stand-in for Vega, which the check does not need."""
    counted = dashboard.read_flights(database)
    html = dashboard.page(counted, dashboard.charts(counted).to_dict(), bundle=lambda: "window.vegaEmbed = () => {};")
    return dashboard.save(html, home / "page.html")


def looked_at(page: Path) -> tuple[int, str]:
    done = check("offline_page.py", "--page", page.name, "--charts", "3", cwd=page.parent)
    return done.returncode, done.stdout + done.stderr


def test_the_figures_are_those_of_the_database(database: Path) -> None:
    """The cube, the airlines and the totals are three counts of the same flights."""
    counted = dashboard.read_flights(database)
    assert counted.total["flights"] == sum(r["n"] + r["x"] for r in counted.cube) == sum(a["flights"] for a in counted.airlines) == 3000
    assert counted.total["late"] == sum(r["l"] for r in counted.cube) == sum(a["late"] for a in counted.airlines)
    assert {r["w"] for r in counted.cube} <= set(range(52))


def test_every_chart_is_filtered_by_the_other_three(database: Path) -> None:
    spec = dashboard.charts(dashboard.read_flights(database)).to_dict()
    weekly, (airline, (hour, airport)) = spec["vconcat"][0], (spec["vconcat"][1]["hconcat"][0], spec["vconcat"][1]["hconcat"][1]["vconcat"])
    filters = [{t["filter"]["param"] for t in chart["transform"] if "filter" in t} for chart in (weekly, airline, hour, airport)]
    assert filters == [{"airlines", "hours", "airports"}, {"weeks", "hours", "airports"}, {"weeks", "airlines", "airports"}, {"weeks", "airlines", "hours"}]
    assert {p["name"] for p in spec["params"]} == {"weeks", "airlines", "hours", "airports"}


def test_the_page_passes_its_check_and_escapes_what_the_database_says(page: Path) -> None:
    text = page.read_text()
    code, told = looked_at(page)
    assert code == 0 and "4 charts with" in told and "loads nothing" in told
    assert "<script>alert(1)" not in text and "&lt;/script&gt;" in text
    assert json.loads(re.search(r'id="spec">(.*?)</script>', text, re.DOTALL)[1])  # type: ignore[index]  # a page without it has failed


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("</body>", '<script src="https://cdn.example/x.js"></script></body>', "it loads <script src"),
        ("</body>", '<img src="//cdn.example/x.png"></body>', "it loads <img src"),
        ("</body>", '<link rel="stylesheet" href="https://cdn.example/x.css"></body>', "it loads <link href"),
        ("</style>", "body { background: url(https://cdn.example/x.png) }</style>", "it loads style url"),
        ("</style>", "@import 'https://cdn.example/x.css';</style>", "it loads style @import"),
        ("draw();\n</script>", "fetch('https://cdn.example/x');</script>", "it loads script fetch"),
        ("draw();\n</script>", "import('https://cdn.example/x');</script>", "it loads script import"),
        ("default-src 'none'", "default-src *", "does not begin with default-src 'none'"),
        ("script-src 'nonce-", "script-src https://cdn.example 'nonce-", "lets script-src load"),
        ('<meta http-equiv="Content-Security-Policy"', '<meta name="nothing"', "default-src 'none'"),
        ('"values":[', '"values":[],"before":[', "0 charts with data"),
        ('"data":{', '"data":{"url":"https://cdn.example/d.json"},"was":{', "loads its data from"),
        ("</main>", "", "<main> is never closed"),
        ('id="spec">{', 'id="spec">{{', "cannot be read"),
    ],
)
def test_the_check_finds_out_a_page_that_loads_or_shows_nothing(page: Path, old: str, new: str, said: str) -> None:
    text = page.read_text()
    assert old in text
    page.write_text(text.replace(old, new, 1))
    code, told = looked_at(page)
    assert code == 1 and said in told


def test_a_missing_page_is_no_page(home: Path) -> None:
    assert looked_at(home / "none.html")[0] == 1


def test_a_database_without_flights_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="does not hold the flights tables"):
        dashboard.read_flights(shop(tmp_path / "shop.db", orders=10))
    with pytest.raises(Refused, match="does not exist"):
        dashboard.read_flights(tmp_path / "none.db")


def test_the_notebook_builds_the_whole_page(home: Path, database: Path) -> None:
    """With Vega in it: about 0.9 MB of script, and still nothing to load."""
    result = notebook("build_dashboard", home, database="flights.db", out="page.html")
    assert result["outcome"] == "finished", result["said"]
    code, told = looked_at(home / "page.html")
    assert code == 0, told
    assert (home / "page.html").stat().st_size > 800_000
