"""The weekend's demo: its window is on at any hour of the week, its tasks meet the real policy, and a whole weekend is proved twice."""

import re
from datetime import datetime, time, timedelta
from pathlib import Path
from urllib.parse import unquote

import pytest

from jarvis_lib.doors import weekend_demo
from jarvis_lib.model.fact import Refused
from jarvis_lib.model.settings import parse
from jarvis_lib.model.weekend import weekend_at
from jarvis_lib.store import lock
from tests.weekend_parts import BERLIN


def test_the_weekend_is_now_at_any_hour_of_the_week() -> None:
    """The settings are right, and the minutes that were asked for are free, also in the night's own hours; before midnight it says why not."""
    for n in range(7 * 24):
        now = datetime(2026, 11, 23, 0, 58, 30, tzinfo=BERLIN) + timedelta(hours=n)
        if now.hour == 23:
            with pytest.raises(Refused, match="run it again after 00:00"):
                weekend_demo.settings_text(now, 4.0)
            continue
        own = parse(weekend_demo.settings_text(now, 4.0))
        found = weekend_at(own.windows, BERLIN, now, time.fromisoformat(own.get("weekend", "finish_by")))
        assert 4.0 <= found.free_h * 60 <= 5.0 and found.finish_by > now, now
        assert next(w for w in own.windows if w.kind == "overnight").on


def test_a_demo_that_runs_is_not_cleared_away(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    with lock.held(tmp_path / "data" / "session.lock", wait_s=1, what="A test"), pytest.raises(Refused, match="is running"):
        weekend_demo._cleared(tmp_path)


def test_the_loaded_flights_are_kept_and_nothing_else(tmp_path: Path) -> None:
    """A second demo begins with an empty store."""
    for name in ("data/source/flights.db", "data/jarvis.duckdb", "reports/a.html", "jarvis.toml"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x")
    weekend_demo._cleared(tmp_path)
    assert [p.relative_to(tmp_path).as_posix() for p in tmp_path.rglob("*") if p.is_file()] == ["data/source/flights.db"]


@pytest.mark.long
def test_a_whole_weekend_twice(tmp_path: Path) -> None:
    """Suggested, chosen, started, worked, told: every phase verified, and the page's links lead somewhere; and the same again."""
    for _ in (1, 2):
        said: list[str] = []
        result = weekend_demo.run_weekend(tmp_path, say=said.append)
        assert result.whole and (result.shipped, result.phases) == (3, 3), said
        assert result.seconds < 180 and result.headline.startswith("Weekend: 3 of 3 shipped")
        assert result.report is not None and result.report.parent == tmp_path / "reports" / "demo"
        links = re.findall(r'href="([^"#]+)"', result.report.read_text(encoding="utf-8"))
        dead = [link for link in links if not (result.report.parent / unquote(link)).exists()]
        assert links and not dead
