"""The demo: real data, the app as bad as it was on every evening, tasks that meet the real policy, and one whole night."""

import json
import re
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from urllib.parse import unquote

import pytest

from jarvis_lib import autonomous_queue
from jarvis_lib.doors import demo, demo_data
from jarvis_lib.doors.init import init
from jarvis_lib.doors.rerun import rerun
from jarvis_lib.execution.playbooks.queries import read_queries, run
from jarvis_lib.execution.playbooks.statements import read_only
from jarvis_lib.execution.room import enough
from jarvis_lib.model.fact import Refused
from jarvis_lib.model.settings import parse
from jarvis_lib.workspace import open_workspace
from tests.install_parts import built, environment, install, outside, requirements
from tests.recipe_parts import ROOT

INPUTS = ROOT / "data" / "demo"
LIMITS = {"floor_gb": "disk_floor_gb", "plenty_gb": "disk_plenty_gb", "busy_share": "busy_share"}
"""The parameters of the rule of room, and the settings that fill them."""


def shut(line: str) -> None:
    """Nobody listens."""


@pytest.fixture(scope="module")
def evening(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo's app on the evening before, loaded once."""
    home = tmp_path_factory.mktemp("demo")
    demo_data.evening(home, INPUTS, shut)
    return home


def test_all_real_flights_are_loaded_without_an_index(evening: Path) -> None:
    with closing(read_only(evening / demo_data.DATABASE)) as con:
        counts = {t: con.execute(f"SELECT COUNT(*) FROM {t}").fetchone()[0] for t in ("flights", "weather", "planes", "airports", "airlines")}
        indexes = con.execute("SELECT COUNT(*) FROM sqlite_schema WHERE type = 'index'").fetchone()[0]
        first = con.execute("SELECT dep_time, dep_delay, tailnum, typeof(dep_delay), typeof(time_hour) FROM flights LIMIT 1").fetchone()
        missing = con.execute("SELECT COUNT(*) FROM flights WHERE dep_time IS NULL").fetchone()[0]
    assert counts == {"flights": 336_776, "weather": 26_115, "planes": 3_322, "airports": 1_458, "airlines": 16}
    assert (indexes, first, missing) == (0, (517, 2, "N14228", "integer", "text"), 8_255)


def test_every_query_of_the_app_finds_something(evening: Path) -> None:
    queries = read_queries(evening / demo_data.QUERIES)
    with closing(read_only(evening / demo_data.DATABASE)) as con:
        rows = {q.name: run(con, q).rows for q in queries}
    assert len(rows) == 8 and all(rows.values())


def test_the_planted_problems_are_real_and_small(evening: Path) -> None:
    """A log over the default 10 MB, and a database with more than a quarter of free pages."""
    settings = parse(demo.settings_text())
    assert 10 < (evening / demo_data.LOG).stat().st_size / 1024**2 < 15
    assert settings.get("problems", "log_max_mb") == 10
    with closing(read_only(evening / demo_data.BLOATED)) as con:
        pages, free = (con.execute(f"PRAGMA {word}").fetchone()[0] for word in ("page_count", "freelist_count"))
    assert free / pages > 0.5 and settings.get("problems", "bloat_share") < 0.5


def test_a_second_evening_is_as_bad_as_the_first(evening: Path) -> None:
    """What a night made better is bad again, and the flights are not loaded twice."""
    before = (evening / demo_data.DATABASE).read_bytes()
    with closing(sqlite3.connect(evening / demo_data.DATABASE)) as con:
        con.execute("CREATE INDEX better ON flights (tailnum)")
        con.commit()
    (evening / demo_data.LOG).write_text("rotated\n")
    said: list[str] = []
    demo_data.evening(evening, INPUTS, said.append)
    assert (evening / demo_data.DATABASE).read_bytes() == before
    assert (evening / demo_data.LOG).stat().st_size > 10 * 1024**2
    assert "loaded on an earlier run" in said[0]


def test_without_its_inputs_the_demo_says_so(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="install Jarvis again"):
        demo_data.evening(tmp_path, tmp_path / "nowhere", shut)


def test_the_settings_fill_the_sources_and_leave_the_policy_alone() -> None:
    assert parse(demo.settings_text()).policy == parse("").policy
    values = parse(demo.settings_text()).values
    assert values["sources"] == {"database": demo_data.DATABASE, "queries": demo_data.QUERIES, "openapi": demo_data.OPENAPI, "package": ""}
    assert values["problems"]["databases"] == ["data/app/*.db"]


def test_a_machine_that_is_nearly_full_has_room_for_the_demo() -> None:
    """A laptop with open browsers and 3 GB of free disk shows it; a night on it would be held back."""
    full = {"free_bytes": 3 * 1024**3, "disk_share": 0.98, "memory_share": 0.9}
    rules = [{k: parse(text).get("limits", key) for k, key in LIMITS.items()} for text in (demo.settings_text(), "")]
    assert [bool(enough(**full, **rule)) for rule in rules] == [False, True]


def test_the_days_tasks_meet_the_real_policy(tmp_path: Path) -> None:
    """Three may run, one was approved by a person, one waits; an earlier demo's leftovers are dropped."""
    place = demo._evening(tmp_path, shut)
    demo._queue(place, shut)
    demo._queue(place, shut)
    rows = autonomous_queue.listing(place, now=place.now(), open_only=True)
    assert {r["title"]: r["state"] for r in rows} == {
        "Optimise database queries": "queued",
        "Build analytics dashboard": "queued",
        "Document REST API": "queued",
        "Offer a delay page to passengers": "parked",
        "Fix the mean delay (meant to fail)": "queued",
        "Bootstrap the delays by airline": "queued",
        "Bootstrap the delays by airport": "queued",
    }
    dashboard = next(r for r in rows if r["title"] == "Build analytics dashboard")
    assert "task.approved" in {f["kind"] for f in autonomous_queue.show(place, dashboard["id"])["facts"]}


def test_the_long_tasks_are_real_work_that_goes_on_and_is_checked(evening: Path) -> None:
    """With few draws: progress is kept, a second run goes on from it, and the check finds a wrong number."""
    words = [sys.executable, evening / "tools" / "delay_intervals.py", evening / demo_data.DATABASE, evening / "r.md", "carrier", "40"]
    check = [sys.executable, evening / "tools" / "check_delay_intervals.py", evening / demo_data.DATABASE, evening / "r.md", "carrier"]
    first = subprocess.run(words, capture_output=True, text=True, check=True).stdout.splitlines()
    assert first[0].startswith("1 of 16: ") and first[-1].startswith("16 of 16: ") and not (evening / "r.progress.json").exists()
    assert subprocess.run(check, capture_output=True).returncode == 0
    (evening / "r.progress.json").write_text(json.dumps({"AA": [0.0, -1.0, 1.0, 9]}))
    assert len(subprocess.run(words, capture_output=True, text=True, check=True).stdout.splitlines()) == 15
    told = subprocess.run(check, capture_output=True, text=True)
    assert told.returncode == 1 and told.stderr.startswith("AA: the report says 0.0")


def by_wheel(folder: Path, home: Path) -> tuple[demo.DemoResult, list[str]]:
    """`jarvis demo` in the workspace `home`, of a wheel in an environment of its own below `folder`; what came of it, and the lines that it said."""
    python = environment(folder / "environment", [*requirements(), *requirements("demo")])
    install(python, built(folder / "dist"))
    words = [python.with_name("jarvis"), "demo", "--json"]
    done = subprocess.run(words, cwd=home, env=outside(folder), stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, (done.stdout, done.stderr)
    told = json.loads(done.stdout)["data"]
    paths = {name: Path(told[name]) for name in ("home", "brief", "year")}
    return demo.DemoResult(**paths, **{name: told[name] for name in ("headline", "seconds", "verified", "fixed")}), done.stderr.splitlines()


@pytest.mark.long
def test_a_whole_night_twice(tmp_path: Path) -> None:
    """Three verified builds, two fixes, one question, one honest failure, and a simulated year; and the same again by a wheel, the year to the letter."""
    years = []
    home = tmp_path / "home"
    init(home)
    for kind in ("clone", "wheel"):
        said: list[str] = []
        if kind == "clone":
            result = demo.run_demo(home, say=said.append)
        else:
            result, said = by_wheel(tmp_path / "far", home)
        assert result.whole, said
        assert result.verified == 3 and result.fixed == 2 and result.seconds < 240
        assert result.brief is not None and result.brief.parent == home / "reports" / "demo"
        assert sum(line.startswith("  refuted") for line in said) == 1
        links = re.findall(r'href="([^"#]+)"', result.brief.read_text(encoding="utf-8"))
        dead = [link for link in links if not (result.brief.parent / unquote(link)).exists()]
        assert links and not dead
        # What lets the page's own scripts run is drawn anew for each page.
        years.append(re.sub(r"(nonce[-=\"]+)[\w-]{24}", r"\1", result.year.read_text(encoding="utf-8")))
        if len(years) == 1:
            assert [both for both in rerun(open_workspace(result.home), say=shut) if both[1]] == [], "every shipped notebook runs there"
    assert all(word in years[0] for word in ("is made up", "6 of 6 used on the day", "<td>helped</td>", "<td>yes</td>"))
    assert not re.findall(r'href="([^"#]+)"', years[0]) and years[0] == years[1]
