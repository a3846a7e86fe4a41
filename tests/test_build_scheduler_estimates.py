"""Learned hours in the store: what counts as history, what a plan writes down, and how what was foreseen is scored after the fact."""

import json
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from jarvis_lib import build_scheduler
from jarvis_lib.build_scheduler import estimates
from jarvis_lib.cli.cards import stats_lines
from jarvis_lib.cli.entry import main
from jarvis_lib.doors.simulated.year import simulate_year
from jarvis_lib.model.fact import Refused
from jarvis_lib.model.plan import Forecast
from jarvis_lib.model.task import CATEGORIES, Task, estimate
from jarvis_lib.report import plan_frames
from jarvis_lib.store.place import Place
from jarvis_lib.workspace import open_workspace
from tests.facts import added, opened, passed, task
from tests.report_nights import attempt
from tests.roomy import roomy

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
LATER = NOW + timedelta(hours=12)


@pytest.fixture(scope="module")
def year(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """Five months of a simulated year: some 450 tasks."""
    home = tmp_path_factory.mktemp("year")
    (home / "jarvis.toml").write_text(roomy())
    place = open_workspace(home, clock=lambda: NOW, actor="person:test")
    simulate_year(place, until=NOW, seed=7, days=150)
    return place


@pytest.fixture
def noon(make_place: Callable[[datetime], Place]) -> Place:
    return make_place(NOW)


def rows(place: Place, name: str, **params: Any) -> list[dict[str, Any]]:
    with place.store.reading() as reader:
        return reader.rows(f"build_scheduler.{name}", **params)


def worked(place: Place, one: Task, name: str, hours: float, *, at: datetime = NOW, **more: Any) -> None:
    """One attempt of so many hours; verified unless told otherwise."""
    evidence = more.pop("evidence", [passed()])
    attempt(place, one, name, at=at, seconds=hours * 3600, evidence=evidence, **more)


# --- the simulated year --------------------------------------------------------------------------------------------------


@pytest.mark.long
def test_the_simulated_year_is_made_by_its_seed(year: Place, tmp_path: Path) -> None:
    """The same arguments give the same rows, another seed others; all categories, windows and endings are there."""

    def again(name: str, seed: int) -> list[dict[str, Any]]:
        home = tmp_path / name
        home.mkdir()
        (home / "jarvis.toml").write_text(roomy())
        place = open_workspace(home, clock=lambda: NOW, actor="person:test")
        simulate_year(place, until=NOW, seed=seed, days=20)
        return rows(place, "finished_hours")

    first = again("a", 3)
    assert first == again("b", 3) != again("c", 4)
    history = rows(year, "finished_hours")
    assert {r["category"] for r in history} == set(CATEGORIES) and len(history) > 250
    states = Counter(r["state"] for r in build_scheduler.listing(year, now=NOW))
    with year.store.reading() as reader:
        endings = {r["outcome"] for r in reader.rows("report.endings", since=NOW - timedelta(days=200), now=NOW)}
    assert {"queued", "accepted", "failed", "undone", "dropped"} <= set(states) and {"finished", "failed", "timed_out"} <= endings


def test_a_simulated_year_is_learned_from(year: Place) -> None:
    """What the generator knows comes out: documentation takes twice what configuration takes; and a plan can be made of it."""
    open_rows = [{"id": c, "hours": 2.0, "category": c, "priority": "MEDIUM", "project": ""} for c in ("Documentation", "Config changes")]
    said = estimates.forecasts(rows(year, "finished_hours"), open_rows, seed=1)
    assert 1.4 < said["Documentation"].p50 / said["Config changes"].p50 < 2.8
    assert "of what documentation takes" in said["Documentation"].why


# --- what counts ---------------------------------------------------------------------------------------------------------


def test_only_what_ran_to_its_own_end_is_history(noon: Place) -> None:
    """Verified and unverified hours count, once for each task; refuted, failed and timed out ones do not."""
    tasks = {name: task(name, hours=2.0) for name in ("verified", "refuted", "failed", "timed out")}
    bare = task("unverified", hours=2.0, checks=())
    noon.store.write(*[added(noon, t) for t in (*tasks.values(), bare)], opened(noon, at=NOW))
    worked(noon, tasks["verified"], "a0", 0.2, outcome="failed", evidence=[])
    worked(noon, tasks["verified"], "a1", 3.0, at=NOW + timedelta(hours=1), n=2)
    worked(noon, tasks["refuted"], "a2", 1.0, evidence=[passed() | {"ok": False}])
    worked(noon, tasks["failed"], "a3", 1.0, outcome="failed", evidence=[])
    worked(noon, tasks["timed out"], "a4", 7.0, outcome="timed_out", evidence=[])
    worked(noon, bare, "a5", 1.5, evidence=[])
    assert sorted(r["actual_h"] for r in rows(noon, "finished_hours")) == [1.5, 3.0]


def test_a_resumable_task_counts_with_all_its_sittings(noon: Place) -> None:
    one = task("Long", hours=6.0, resumable=True)
    noon.store.write(added(noon, one), opened(noon, at=NOW))
    worked(noon, one, "a1", 4.0, outcome="stopped", evidence=[])
    worked(noon, one, "a2", 1.0, at=NOW + timedelta(hours=5), n=2)
    assert [r["actual_h"] for r in rows(noon, "finished_hours")] == [5.0]


# --- what a plan writes --------------------------------------------------------------------------------------------------


def test_a_plan_writes_the_forecast_of_each_open_task(noon: Place) -> None:
    """Without any history everybody's: p80 is 1.55 x the estimate; candidates and `next` keep that free."""
    one, other = task("One", hours=2.0), task("Other", hours=1.0, category="New features")
    noon.store.write(added(noon, one), added(noon, other))
    build_scheduler.make_plan(noon, now=NOW)
    assert {r["task"]: r["p80"] for r in rows(noon, "estimates")} == {one.id: pytest.approx(3.1), other.id: pytest.approx(1.55)}
    with noon.store.reading() as reader:
        found = {c.id: c for c in build_scheduler.candidates(reader, noon.settings)}
    assert found[one.id].need_h == pytest.approx(3.1)
    assert found[one.id].forecast is not None and found[one.id].forecast.why.startswith("no task has ended yet")


def test_what_a_plan_has_not_seen_keeps_its_reserve(noon: Place) -> None:
    noon.store.write(added(noon, task("New", hours=2.0)))
    with noon.store.reading() as reader:
        (found,) = build_scheduler.candidates(reader, noon.settings)
    assert (found.forecast, found.need_h) == (None, 3.1)


def test_a_forecast_that_hardly_moved_is_not_written_again(noon: Place) -> None:
    """So that a plan is not shuffled for minutes; what a finished task has taught is written."""
    done = [task(f"Done {i}", hours=1.0) for i in range(12)]
    noon.store.write(added(noon, task("Open", hours=2.0)), *[added(noon, t) for t in done])
    build_scheduler.make_plan(noon, now=NOW)
    assert estimates.moved(noon)[0] == {}
    noon.store.write(opened(noon, at=NOW))
    for i, one in enumerate(done):
        worked(noon, one, f"a{i}", 3.0, at=NOW + timedelta(minutes=i))
    (moved,) = estimates.moved(noon)[0].values()
    assert moved.p80 > 3.6 and moved.why == "you plan 0.5x of what documentation takes; 12 tasks"
    build_scheduler.make_plan(noon, now=LATER)
    assert [(r["p80"], r["made_at"]) for r in rows(noon, "estimates") if r["why"] == moved.why] == [(moved.p80, LATER)]


def test_quantiles_out_of_order_are_refused(noon: Place) -> None:
    """Whoever writes them; the plan is not half written."""
    bad = {"task": "t", "p10": 2.0, "p50": 1.0, "p80": 3.0, "p90": 4.0, "why": ""}
    with pytest.raises(Refused, match="malformed"):
        noon.store.write(noon.fact("plan.made", slots=[], omissions=[], horizon="2026-12-01T00:00:00Z", estimates=[bad]))
    assert rows(noon, "newest_plan") == []


def test_a_rebuild_from_the_journal_gives_the_same_forecasts(noon: Place) -> None:
    noon.store.write(added(noon, task("One", hours=2.0)))
    build_scheduler.make_plan(noon, now=NOW)
    before = rows(noon, "estimates")
    noon.store.path.unlink()
    assert rows(noon, "estimates") == before != []


# --- scored after the fact -----------------------------------------------------------------------------------------------


def test_what_is_scored_was_written_before_the_attempt(noon: Place) -> None:
    """A plan that is made later, knowing more, does not improve the score."""
    one = task("One", hours=2.0)
    noon.store.write(added(noon, one), opened(noon, at=NOW))
    build_scheduler.make_plan(noon, now=NOW)
    worked(noon, one, "a1", 4.0, at=NOW + timedelta(minutes=1))
    build_scheduler.make_plan(noon, now=LATER)
    (score,) = rows(noon, "scored")
    assert (score["actual_h"], score["made_at"], score["held_p50"], score["held_p80"], score["held_p90"]) == (4.0, NOW, False, False, True)
    assert score["p80"] == pytest.approx(3.1)


def test_an_attempt_that_its_deadline_ended_after_its_p80_is_a_miss(noon: Place) -> None:
    """The others that were ended say nothing; left out, all misses that hit the window's end would be forgotten."""
    long, short = task("Long", hours=2.0), task("Short", hours=5.0)
    noon.store.write(added(noon, long), added(noon, short), opened(noon, at=NOW))
    build_scheduler.make_plan(noon, now=NOW)
    for one, name in ((long, "a1"), (short, "a2")):
        worked(noon, one, name, 6.0, at=NOW + timedelta(minutes=1), outcome="timed_out", evidence=[])
    (score,) = rows(noon, "scored")
    assert (score["task"], score["actual_h"], score["at_least"], score["held_p80"]) == (long.id, 6.0, True, False)
    assert rows(noon, "finished_hours") == []


def test_an_attempt_that_no_plan_foresaw_is_not_scored(noon: Place) -> None:
    one = task("One")
    noon.store.write(added(noon, one), opened(noon, at=NOW))
    worked(noon, one, "a1", 1.0)
    assert rows(noon, "scored") == []
    assert build_scheduler.stats(noon, now=LATER)["forecasts"]["said"] == "no forecast has been scored yet"


def test_stats_count_calibration_hours_and_rates_by_group(year: Place) -> None:
    """The groups add up to the whole, and what took no longer than foreseen is the count of the scored ones."""
    data = build_scheduler.stats(year, now=NOW)
    scored = rows(year, "scored")
    held = sum(r["actual_h"] <= r["p80"] for r in scored)
    assert len(scored) > 100 and data["forecasts"]["said"] == f"{held} of {len(scored)} took no longer than foreseen ({held / len(scored):.0%}; 80% is the aim)"
    assert 0.72 < held / len(scored) < 0.88
    for by in ("by_category", "by_window"):
        assert sum(r["scored"] for r in data[by]) == len(scored)
        assert sum(r["completed"] for r in data[by]) == data["completed"]
        assert sum(r["hours_planned"] for r in data[by]) == pytest.approx(data["hours_planned"])
        assert sum(r["hours_real"] for r in data[by]) == pytest.approx(data["hours_real"])
    assert {r["window"] for r in data["by_window"]} == {"overnight", "weekend", "quick_win", "work_hours"}
    shown = "\n".join(stats_lines(data))
    assert data["forecasts"]["said"] in shown and "By category" in shown and "By window" in shown


def test_stats_as_json_hold_the_same(year: Place, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--home", str(year.home), "scheduler", "stats", "--json"]) == 0
    data = json.loads(capsys.readouterr().out)["data"]
    assert data["forecasts"]["scored"] > 100 and set(data["by_category"][0]) == {
        *("category", "completed", "failed", "completion_rate", "hours_planned", "hours_real", "scored", "held_p80")
    }


def test_the_chart_stands_on_the_scored_rows(year: Place) -> None:
    """Each quantile with its share and an interval around it; an empty store says so in words."""
    with year.store.reading() as reader:
        scores = plan_frames.scores_frame(reader, year.zone)
    frame = plan_frames.reliability_frame(scores)
    assert frame["quantile"].to_list() == ["p10", "p50", "p80", "p90"] and (frame["low"] < frame["held"]).all() and (frame["held"] < frame["high"]).all()
    assert frame["held"][2] == pytest.approx(scores["held_p80"].mean())
    assert "How often the forecasts of" in json.dumps(plan_frames.reliability(frame).to_dict())
    assert "No forecast has been scored yet" in json.dumps(plan_frames.reliability(plan_frames.reliability_frame(scores.clear())).to_dict())


# --- bad input -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("hours", ["0", "-1", "300", "nan", "inf"])
def test_hours_that_are_none_are_one_sentence(hours: str) -> None:
    with pytest.raises(Refused) as refused:
        estimate(hours)
    assert refused.value.sentence.count(".") <= 2 and refused.value.code == "usage"


def test_a_forecast_is_what_the_planner_takes() -> None:
    """From the table's columns, or None while there are none."""
    row = {"p10": 1.0, "p50": 2.0, "p80": 3.0, "p90": 4.0, "forecast_why": "because"}
    assert estimates.stored(row) == Forecast(1.0, 2.0, 3.0, 4.0, "because")
    assert estimates.stored(dict.fromkeys(row)) is None
