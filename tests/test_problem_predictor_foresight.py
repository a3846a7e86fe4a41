"""problem_predictor: what is predicted is written before the fact, scored after it, told only when it is worth it, and taught by the person."""

import json
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jarvis_lib import problem_predictor
from jarvis_lib.cli.entry import main
from jarvis_lib.execution.fixes.watch import Reading
from jarvis_lib.model.fact import Refused
from jarvis_lib.model.problem import PREDICTED
from jarvis_lib.model.study import MAY_WRITE, read_study
from jarvis_lib.problem_predictor import alarms, analysis, foreseeing, scoring
from jarvis_lib.problem_predictor.explaining import sparkline
from jarvis_lib.problem_predictor.rules import has_gone
from jarvis_lib.report import problem_frames as frames
from jarvis_lib.store.place import Place
from jarvis_lib.store.samples import Samples
from jarvis_lib.workspace import open_workspace
from tests.conftest import NIGHT
from tests.learner_parts import simple
from tests.roomy import roomy

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
GAUGE, KEY = "plugin:mails", "crossing:plugin:mails"


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """A workspace with a plug-in's metric that has a limit of 100."""
    (tmp_path / "jarvis.toml").write_text(roomy().replace("limits = {}", "limits = { plugin = 100 }"))
    return open_workspace(tmp_path, clock=lambda: NIGHT, actor="person:test")


def sampled(place: Place, value: Callable[[float], float], *, hours: float = 72, end: Any = NIGHT, metric: str = GAUGE, every: int = 5) -> None:
    """Samples of the last `hours`: `value(h)` at h hours before the end (h <= 0)."""
    count = int(hours * 60 / every)
    times = [end - timedelta(minutes=every * (count - i)) for i in range(1, count + 1)]
    Samples(place.home).add([(t, metric, value((t - end).total_seconds() / 3600)) for t in times])


def look(place: Place, *, now: Any = NIGHT) -> problem_predictor.Look:
    return problem_predictor.look(place, now=now, past=True, by=simple)


def own(found: problem_predictor.Look) -> list[Any]:
    return [p for p in found.problems if p.kind in PREDICTED]


def rows(place: Place, name: str = "predictions.open_and_scored") -> list[dict[str, Any]]:
    with place.store.reading() as reader:
        found = reader.rows(name, since=NIGHT - timedelta(days=400))
    return [r for r in found if r["subject"] == GAUGE]


def facts(place: Place, kind: str) -> list[dict[str, Any]]:
    lines = [json.loads(line) for p in (place.home / "data" / "journal").glob("*.jsonl") for line in p.read_text().splitlines()]
    return [line["fact"]["data"] for line in lines if line["fact"]["kind"] == kind]


def rising(h: float) -> float:
    """Reaches 100 after 40 hours, from 60 now."""
    return 60 + h


# --- forecasts -----------------------------------------------------------------------------------------------------------


def test_a_crossing_is_told_with_its_probability_and_written_before_the_fact(place: Place) -> None:
    """The problem has date, probability, baseline, estimator, blast radius and the points of a chart; the prediction stands in the store."""
    sampled(place, rising)
    (problem,) = own(look(place))
    assert (problem.key, problem.kind, problem.probability, problem.safe) == (KEY, "crossing", 0.9, False)
    evidence = problem.evidence
    assert evidence["linear_h"] == pytest.approx(40, abs=0.5) and evidence["hours"][0] < 40 < evidence["hours"][2] and evidence["limit"] == 100
    assert evidence["estimator"] == "straight line" and 10 < len(evidence["points"]) <= foreseeing.CHART_POINTS and problem.blast and problem.suggested
    (row,) = rows(place)
    assert (row["predictor"], row["p"], row["base"], row["scored_at"]) == ("capacity", 0.9, 1.0, None)
    assert row["made_at"] == NIGHT and row["due_at"] == NIGHT + 7 * DAY and row["base_mid"] == pytest.approx(40, abs=0.5)
    assert [r["standing"] for r in problem_predictor.listed(place) if r["key"] == KEY] == ["predicted"]


def test_the_same_day_writes_no_second_prediction_and_no_second_fact(place: Place) -> None:
    sampled(place, rising)
    look(place), look(place, now=NIGHT + HOUR)
    assert len(rows(place)) == 1 and len([f for f in facts(place, "problem.found") if f["problem"]["key"] == KEY]) == 1
    look(place, now=NIGHT + timedelta(hours=40))
    assert len(rows(place)) == 2


def test_a_forecast_that_comes_true_is_scored_with_its_hours(place: Place) -> None:
    """The crossing is seen in later samples; its hours, and whether the interval held, stand on the scoreboard beside predict_linear."""
    sampled(place, rising)
    look(place)
    sampled(place, lambda h: 110 + h, hours=50, end=NIGHT + timedelta(hours=50))
    look(place, now=NIGHT + timedelta(hours=50))
    row = rows(place)[0]
    assert row["happened"] and row["actual"] == pytest.approx(40, abs=0.2) and row["how"] == "observed"
    (score,) = problem_predictor.scores(place)
    assert (score["n"], score["hits"], score["hit_rate"], score["coverage"]) == (1, 1, 1.0, 1.0) and score["lead_h"] == pytest.approx(40, abs=0.2)
    assert score["false_per_week"] == 0 and score["skill"] is None


def test_a_forecast_that_does_not_come_true_is_a_false_alarm(place: Place) -> None:
    """Level from then on: after its date it is scored, and counts as false by the week."""
    sampled(place, rising)
    look(place)
    sampled(place, lambda h: 60.0, hours=24 * 7, end=NIGHT + 7 * DAY, every=60)
    look(place, now=NIGHT + 7 * DAY)
    row = rows(place)[0]
    assert row["happened"] is False and row["actual"] == 24 * 7  # its 90 % ended earlier, so the interval has missed it
    (score,) = problem_predictor.scores(place)
    assert score["hit_rate"] == 0 and score["false_per_week"] == pytest.approx(1) and score["coverage"] == 0


def test_what_nobody_could_see_is_void(place: Place) -> None:
    """No sample in the last quarter, or a fix of the same thing before the crossing: it counts nowhere."""
    sampled(place, rising)
    look(place)
    look(place, now=NIGHT + 8 * DAY)
    assert [r["how"] for r in rows(place) if r["made_at"] == NIGHT] == ["void"] and problem_predictor.scores(place) == []
    row = {"id": "x", "subject": "log:a.log", "made_at": NIGHT, "due_at": NIGHT + DAY, "high": None, "detail": '{"limit": 10}', "predictor": "capacity"}
    fixes = [{"problem": "oversized_log:a.log", "at": NIGHT + HOUR}]
    over = [(NIGHT + 2 * HOUR, 12.0)]
    (score,) = scoring.scores([row], lambda *_: over, {}, fixes, now=NIGHT + 3 * HOUR)
    assert score.how == "void"
    (score,) = scoring.scores([row], lambda *_: over, {}, [], now=NIGHT + 3 * HOUR)
    assert score.happened and score.actual == 2


def test_three_points_a_constant_and_a_limit_already_crossed_tell_nothing_ahead(place: Place) -> None:
    """Three points over ten minutes are no trend, a constant goes nowhere, and what is over already is no prediction."""
    sampled(place, lambda h: 90 + 30 * h, hours=0.25)
    sampled(place, lambda h: 50.0, metric="plugin:constant")
    sampled(place, lambda h: 120.0 + h / 100, metric="plugin:over")
    assert own(look(place)) == []
    with place.store.reading() as reader:
        subjects = {r["subject"] for r in reader.rows("predictions.open_and_scored", since=NIGHT - DAY)}
    assert GAUGE in subjects and "plugin:constant" in subjects and "plugin:over" not in subjects


def test_duplicates_gaps_and_a_clock_that_went_back_change_no_answer(place: Place) -> None:
    """The same history with doubled, missing and late-written points gives the same forecast."""
    sampled(place, rising)
    sampled(place, rising)
    Samples(place.home).add([(NIGHT - 30 * HOUR, GAUGE, 30.0), (NIGHT + 5 * DAY, GAUGE, 1e9)])
    (problem,) = own(look(place))
    assert problem.evidence["linear_h"] == pytest.approx(40, abs=0.5)


def test_a_forecaster_without_skill_is_held_back_and_says_so(place: Place) -> None:
    """After 20 scored forecasts that were no better than predict_linear nothing is told, but predictions go on and are scored."""
    from jarvis_lib.model.prediction import Prediction, Score

    made = [Prediction("capacity", "straight line", f"plugin:{i}", "", NIGHT - DAY, NIGHT, 0.9, 0.0) for i in range(analysis.ENOUGH_SCORED)]
    place.store.write(place.fact("prediction.made", at=NIGHT - DAY, predictions=[p.to_json() for p in made]))
    place.store.write(place.fact("prediction.scored", at=NIGHT, scores=[Score(p.id, False).to_json() for p in made]))
    sampled(place, rising)
    found = look(place)
    assert own(found) == [] and any("no better than a straight line over 20 scored forecasts" in n for n in found.notes)
    assert len(rows(place)) == 1


def test_a_forecast_that_fades_goes_and_one_that_wavers_stays(place: Place) -> None:
    """The metric turned: nothing is expected any more, so the problem is gone."""
    sampled(place, rising)
    look(place)
    sampled(place, lambda h: -40.0 - h, hours=100, end=NIGHT + timedelta(hours=100))
    assert own(look(place, now=NIGHT + timedelta(hours=100))) == []
    assert [r["standing"] for r in problem_predictor.listed(place) if r["key"] == KEY] == ["gone"]


def test_a_quick_scan_leaves_predictions_as_they_are(place: Place) -> None:
    """It does not look at the past, so it neither tells nor forgets what was foreseen."""
    sampled(place, rising)
    look(place)
    problem_predictor.scan(place, now=NIGHT + HOUR)
    assert [r["standing"] for r in problem_predictor.listed(place) if r["key"] == KEY] == ["predicted"]


# --- alarms --------------------------------------------------------------------------------------------------------------


def jumping(h: float) -> float:
    """Level, and from two hours ago on five higher."""
    return 15.0 if h >= -2 else 10.0


def test_one_alarm_for_each_incident(place: Place) -> None:
    """The jump is told once, with since when and why; an hour later it is the same incident, and no new fact."""
    sampled(place, jumping)
    (problem,) = own(look(place))
    assert problem.key == "unusual:plugin:mails" and problem.evidence["since"] == "2026-11-23T21:30:00Z" and "jumped" in problem.what
    assert set(problem.evidence["pvalues"]) == {"jump", "level"} and problem.probability == 0.5
    look(place, now=NIGHT + HOUR)
    assert len(facts(place, "problem.found")) == 1 and len([r for r in rows(place) if r["predictor"] == "anomaly"]) == 1
    look(place, now=NIGHT + 30 * HOUR)
    assert [r["standing"] for r in problem_predictor.listed(place)] == ["gone"]


def test_a_dismissed_incident_is_never_told_again_but_another_one_is(place: Place) -> None:
    """Dismissing scores the alarm as false; the next jump is another incident."""
    sampled(place, jumping)
    look(place)
    problem_predictor.dismiss(place, "unusual:plugin", now=NIGHT)
    assert own(look(place, now=NIGHT + HOUR)) == []
    row = next(r for r in rows(place) if r["predictor"] == "anomaly")
    assert row["happened"] is False and row["how"] == "observed"
    sampled(place, lambda h: 15.0 if h < -1 else 30.0, hours=6, end=NIGHT + 8 * HOUR)
    (again,) = own(look(place, now=NIGHT + 8 * HOUR))
    assert again.evidence["since"] == "2026-11-24T06:30:00Z"
    assert [r["standing"] for r in problem_predictor.listed(place)] == ["open"]


def test_what_the_person_put_right_was_real(place: Place) -> None:
    """`dismiss --fixed` scores the alarm as real, and the problem is watched."""
    sampled(place, jumping)
    look(place)
    problem_predictor.dismiss(place, "unusual:plugin", now=NIGHT + HOUR, real=True)
    assert own(look(place, now=NIGHT + 2 * HOUR)) == []
    assert next(r for r in rows(place) if r["predictor"] == "anomaly")["happened"] is True
    assert [r["standing"] for r in problem_predictor.listed(place, now=NIGHT + 3 * HOUR)] == ["watching"]


def test_answers_teach_the_detector() -> None:
    """Eight answers of both kinds make a model; its probability stands with the alarm."""
    answers = [{"subject": "plugin:a", "detail": json.dumps({"pvalues": {"jump": 0.01, "level": 0.5}}), "happened": i % 4 == 0} for i in range(8)]
    taught = alarms.judged(answers, simple())
    assert taught.n == 8 and taught.real == pytest.approx(3 / 10)
    alarm = alarms.Alarm("plugin:a", NIGHT, 1.0, 0.9, "", {"jump": 0.01, "level": 0.5}, "")
    assert taught.probability(alarm) == 0.25 and alarms.prediction(alarm, taught, now=NIGHT).base == 0.3
    assert alarms.judged([], simple()).real == 0.5


def test_the_budget_is_shared_by_all_metrics() -> None:
    """Two metrics get half of it each, and one with hardly any past gets none."""
    import numpy as np

    asked: list[float] = []

    def detect(times: Any, values: Any, **options: Any) -> Any:
        asked.append(options["budget_per_week"])
        return simple().detect(times, values)

    times = np.datetime64("2026-11-23T00:00") + np.arange(100) * np.timedelta64(5, "m")
    series = {
        "plugin:a": (times, np.ones(100)),
        "load:machine": (times, np.ones(100)),
        "plugin:new": (times[:5], np.ones(5)),
        "cron:queue": (times, np.ones(100)),
    }
    learners = problem_predictor.verbs.Learners(detect, *(getattr(simple(), n) for n in ("fit_feedback", "forecast", "linear", "resolved")))
    assert alarms.alarms(series, now=NIGHT, budget_per_week=1.0, seed=0, learners=learners) == [] and asked == [0.5, 0.5]


# --- explain, study, notebook --------------------------------------------------------------------------------------------


def test_explain_tells_all_of_one_problem(place: Place) -> None:
    """Evidence with a line, estimator and baseline, what was said before and how it turned out."""
    sampled(place, rising)
    look(place)
    found = problem_predictor.explain(place, "mails", now=NIGHT)
    text = "\n".join(found["lines"])
    assert "a straight line: in 40" in text and "straight line 100%" in text and "▁" in text and "█" in text and "(open)" in text
    assert found["problem"]["standing"] == "predicted" and len(found["points"]) > 100
    with pytest.raises(Refused, match="There is no problem"):
        problem_predictor.explain(place, "nothing", now=NIGHT)


@given(st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=300))
def test_a_sparkline_is_never_wider_than_asked(values: list[float]) -> None:
    """One character for each value, at most sixty, whatever the values."""
    assert len(sparkline(values)) == min(len(values), 60)


def test_a_study_may_be_written_by_the_session_and_says_the_same_twice(place: Place) -> None:
    """Only facts that the component may write, the same text for the same moment and seed, and none of it in the store yet."""
    sampled(place, rising)
    with frames.at_leisure(place) as reader:
        first, again = (problem_predictor.study(reader, place, now=NIGHT, seed=3, by=simple()) for _ in range(2))
    assert first.to_text() == again.to_text() and rows(place) == []
    read = read_study(first.to_text(), "problem_predictor", as_of=NIGHT, seed=3)
    assert {k for k, _ in read.facts} == {"prediction.made", "problem.found"} <= set(MAY_WRITE["problem_predictor"])
    place.store.write(*(place.fact(kind, at=NIGHT, **data) for kind, data in read.facts))
    assert [r["detail"].replace(" ", "").count('"boosted":true') for r in rows(place)] == [1]
    assert len(frames.forecasts(read)) == 1 and frames.forecast_chart(read).to_dict()["vconcat"]


def test_the_study_of_an_empty_store_is_empty_and_its_charts_say_so(place: Place) -> None:
    with frames.at_leisure(place) as reader:
        found = problem_predictor.study(reader, place, now=NIGHT, seed=0, by=simple())
    assert found.facts == () and found.said.startswith("0 metrics forecast")
    for frame in (frames.forecasts(found), frames.alarms(found), frames.board(found)):
        assert frame.is_empty() and frame.columns
    assert frames.forecast_chart(found).to_dict()["mark"]["type"] == frames.alarm_chart(found).to_dict()["mark"]["type"] == "text"


def test_an_empty_store_has_nothing_to_foresee(place: Place) -> None:
    """All verbs answer before the first scan, and the first scan has no past."""
    assert problem_predictor.scores(place) == [] and own(look(place)) == []


def test_what_could_not_be_measured_has_not_gone() -> None:
    """By its subject, or by its metric's key where that is the subject."""
    row = {"state": "open", "key": "over_limit:plugin:a", "subject": "plugin:a", "kind": "over_limit"}
    silent = [Reading("plugin", "a", None, None, None, "not measured: it hung")]
    assert not has_gone(row, [], silent) and has_gone(row, [], [])


# --- by the command line, with the learners of this package ---------------------------------------------------------------


def test_the_verbs_tell_a_disk_that_fills(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    """`scan` foresees it, `list` has it as predicted, `explain` and `metrics` answer in words and in JSON, `dismiss` ends it."""
    place = open_workspace(place.home)
    now = place.now()
    sampled(place, lambda h: 60 + h / 2 + (h * 7 % 3) / 10, hours=24 * 12, end=now, every=30)

    def jarvis(*words: str) -> tuple[int, str]:
        code = main(["--home", str(place.home), "problems", *words])
        return code, capsys.readouterr().out

    code, out = jarvis("scan", "--check")
    assert code == 5 and KEY in out
    assert any(line.split("\t")[:2] == [KEY, "predicted"] for line in jarvis("list")[1].splitlines())
    code, out = jarvis("explain", "crossing")
    assert code == 0 and "Baseline    a straight line: in" in out and "Estimator   " in out and "Hurts" in out
    data = json.loads(jarvis("explain", "crossing", "--json")[1])
    assert data["schema"] == "jarvis.problem/1" and data["data"]["problem"]["evidence"]["p"] > 0.5 and data["data"]["predictions"]
    line = next(line for line in jarvis("metrics")[1].splitlines() if "mails" in line)
    assert "a day" in line and " to " in line
    assert jarvis("metrics", "--scores", "--json")[0] == 0
    assert "not told again" in jarvis("dismiss", KEY)[1] and KEY not in jarvis("scan")[1]
    assert jarvis("explain", "nothing-like-it")[0] == 3


@pytest.mark.parametrize("words", [["list"], ["metrics"], ["metrics", "--scores"], ["scan", "--quick"]])
def test_reading_and_quick_verbs_load_nothing_heavy(place: Place, words: list[str]) -> None:
    """No frames, no arrays, no learners: also where there are samples to tell."""
    sampled(place, rising)
    heavy = ["polars", "numpy", "sklearn", "altair", "papermill", "pyarrow"]
    code = (
        f"import sys; from jarvis_lib.cli.entry import main; code = main(['--home', {str(place.home)!r}, 'problems', *{words!r}])\n"
        f"print(code, [m for m in {heavy!r} if m in sys.modules])"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.splitlines()[-1] == "0 []", ran.stderr
