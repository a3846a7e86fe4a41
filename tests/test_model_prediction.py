"""Predictions: written before the fact, scored once, never changed; and the study of a night's step, which writes only what it may."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jarvis_lib.model.fact import Refused
from jarvis_lib.model.prediction import Prediction, Score
from jarvis_lib.model.study import Study, read_study
from jarvis_lib.store.place import Place
from jarvis_lib.workspace import open_workspace

NOW = datetime(2026, 3, 2, 23, 0, tzinfo=UTC)
DISK = Prediction("capacity", "block bootstrap", "disk:/", "/ is full in 31 h", NOW, NOW + timedelta(hours=48), 0.74, 0.5, 22.0, 31.0, 55.0, 40.0)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    (tmp_path / "jarvis.toml").write_text("", encoding="utf-8")
    return open_workspace(tmp_path)


def made(place: Place, *predictions: Prediction, at: datetime = NOW) -> None:
    place.store.write(place.fact("prediction.made", at=at, predictions=[p.to_json() for p in predictions]))


def scored(place: Place, *scores: Score, at: datetime = NOW + timedelta(hours=40)) -> None:
    place.store.write(place.fact("prediction.scored", at=at, scores=[s.to_json() for s in scores]))


def test_a_prediction_is_scored_against_its_baseline(place: Place) -> None:
    made(place, DISK, replace(DISK, subject="disk:/home", p=0.2, base=0.6))
    scored(place, Score(DISK.id, True, 33.0), Score(replace(DISK, subject="disk:/home").id, False))
    with place.store.reading() as reader:
        (row,) = reader.rows("predictions.scoreboard")
    assert (row["predictor"], row["n"], row["n_covered"], row["coverage"]) == ("capacity", 2, 1, 1.0)
    assert row["brier"] == pytest.approx((0.26**2 + 0.2**2) / 2)
    assert row["skill"] == pytest.approx(1 - (0.26**2 + 0.2**2) / (0.5**2 + 0.6**2))


def test_a_step_that_runs_twice_predicts_once_and_a_score_stands(place: Place) -> None:
    made(place, DISK)
    made(place, replace(DISK, p=0.99), at=NOW + timedelta(minutes=5))
    scored(place, Score(DISK.id, True, 33.0))
    scored(place, Score(DISK.id, False, 1.0))
    with place.store.reading() as reader:
        (row,) = reader.rows("predictions.open_and_scored", since=NOW - timedelta(days=1))
    assert (row["p"], row["happened"], row["actual"]) == (0.74, True, 33.0)


@pytest.mark.parametrize("at", [NOW - timedelta(minutes=1), NOW + timedelta(hours=2), NOW + timedelta(hours=49)])
def test_what_is_written_at_another_time_than_it_was_made_is_refused(place: Place, at: datetime) -> None:
    with pytest.raises(Refused, match="another time"):
        made(place, DISK, at=at)


@pytest.mark.parametrize("wrong", [{"p": 1.2}, {"p": -0.1}, {"base": 7.0}, {"low": 60.0}, {"high": None}])
def test_no_probability_outside_of_its_range_and_no_crossed_quantiles(place: Place, wrong: dict[str, float]) -> None:
    with pytest.raises(Refused, match="malformed"):
        made(place, replace(DISK, **wrong))


def test_an_unknown_prediction_cannot_be_scored(place: Place) -> None:
    with pytest.raises(Refused, match="There is no prediction"):
        scored(place, Score("nothing", True))


def test_a_void_prediction_counts_nowhere(place: Place) -> None:
    made(place, DISK)
    scored(place, Score(DISK.id, False, how="void"))
    with place.store.reading() as reader:
        assert reader.rows("predictions.scoreboard") == []


@given(st.text(), st.integers(0, 9), st.dictionaries(st.text(), st.lists(st.fixed_dictionaries({"x": st.integers() | st.text() | st.booleans()}))))
def test_a_study_is_read_as_it_was_written(said: str, seed: int, frames: dict[str, list[dict[str, object]]]) -> None:
    study = Study("pattern_learner", NOW, seed, said, (("pattern.learned", {"n": 9}),), frames)
    assert read_study(study.to_text(), "pattern_learner", as_of=NOW, seed=seed) == study


def test_a_study_cannot_write_what_its_component_may_not() -> None:
    study = Study("self_improver", NOW, 1, "all is well", (("task.approved", {"task": "x"}),))
    with pytest.raises(Refused, match="wants to write task.approved"):
        read_study(study.to_text(), "self_improver", as_of=NOW, seed=1)


@pytest.mark.parametrize("content", ["", "{", "[]", json.dumps({"component": "self_improver"}), "\x00"])
def test_a_broken_study_is_refused_whole(content: str) -> None:
    with pytest.raises(Refused, match="nothing of it was stored"):
        read_study(content, "self_improver", as_of=NOW, seed=1)


def test_a_study_of_another_moment_is_refused() -> None:
    study = Study("self_improver", NOW, 1, "")
    with pytest.raises(Refused, match="not self_improver at"):
        read_study(study.to_text(), "self_improver", as_of=NOW + timedelta(days=1), seed=1)
