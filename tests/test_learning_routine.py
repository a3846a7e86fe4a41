"""Learned days: a day's answer is made of the days before it alone, is a probability, and finds what was put in (seeded; no real data here)."""

import random
from datetime import date, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from jarvis_lib.learning import routine
from jarvis_lib.learning.routine import ALONE, BLENDED, SCHEMA
from jarvis_lib.learning.routine.days import diaries, flat
from jarvis_lib.learning.routine.traces import traces

FIRST = datetime(2025, 1, 6)  # noqa: DTZ001  the local clock, without a zone; a Monday


def frame(rows: list[tuple[str, datetime, str]]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema={"person": pl.String, "ts": pl.Datetime("us"), "type": pl.String}, orient="row")


def life(days: int, *, seed: int = 1, person: str = "you") -> list[tuple[str, datetime, str]]:
    """A report each Monday at nine, a run on most workdays at seven, noise on one day in ten."""
    rng, rows = random.Random(seed), []
    for day in range(days):
        at = FIRST + timedelta(days=day)
        if at.weekday() == 0:
            rows.append((person, at + timedelta(hours=9, minutes=rng.randint(-20, 20)), "report"))
        if at.weekday() < 5 and rng.random() < 0.8:
            rows.append((person, at + timedelta(hours=7, minutes=rng.randint(-20, 20)), "run"))
        if rng.random() < 0.1:
            rows.append((person, at + timedelta(hours=rng.randint(0, 23)), "noise"))
    return rows


@pytest.fixture(scope="module")
def year() -> pl.DataFrame:
    return frame(life(400))


def test_a_weekly_report_is_likely_on_its_day_at_its_hour_and_unlikely_on_others(year: pl.DataFrame) -> None:
    """By the blend of logistic and trees, far from the plain rate of one day in seven."""
    model = routine.fit(year, seed=1)
    monday, tuesday = (model.day(date(2026, 2, d)).filter(pl.col("type") == "report").row(0, named=True) for d in (2, 3))
    assert monday["estimator"] == BLENDED and monday["p"] > 0.85 and tuesday["p"] < 0.05
    assert monday["base"] == pytest.approx(1 / 7, abs=0.02)
    assert monday["h10"] <= monday["h50"] <= monday["h90"] and abs(monday["h50"] - 9) < 0.4


@settings(max_examples=12, deadline=None)
@given(day=st.integers(20, 150), later=st.lists(st.tuples(st.sampled_from(["report", "new"]), st.integers(0, 60 * 24 * 90)), max_size=12))
def test_later_events_change_nothing(day: int, later: list[tuple[str, int]]) -> None:
    """Whatever comes on the day itself or after it, and of whichever kind: the day is answered as it would have been that morning."""
    rows = life(160)
    morning = FIRST + timedelta(days=day)
    before = [r for r in rows if r[1] < morning]
    other = [("you", morning + timedelta(minutes=m), kind) for kind, m in later]
    alone = routine.fit(frame(before), now=morning, seed=3).day(morning.date())
    with_later = routine.fit(frame([*other, *rows]), now=morning + timedelta(days=120), seed=3).day(morning.date())
    changed = routine.fit(frame([*before, *other]), now=morning + timedelta(days=120), seed=3).day(morning.date())
    assert_frame_equal(alone, with_later)
    assert_frame_equal(alone, changed)


def test_the_blend_is_causal_too(year: pl.DataFrame) -> None:
    """With enough history for the pooled models: the whole year, or only what came before the day."""
    morning = datetime(2025, 11, 24)  # noqa: DTZ001  the local clock
    before = routine.fit(year.filter(pl.col("ts") < morning), now=morning, seed=1).day(morning.date())
    assert_frame_equal(before, routine.fit(year, seed=1).day(morning.date()))
    assert set(before["estimator"]) == {BLENDED}


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(["a", "b"]), st.sampled_from(["x", "y", "z"]), st.integers(0, 60 * 24 * 80)), max_size=60),
    st.integers(-5, 120),
    st.integers(0, 2**31),
)
def test_answers_are_probabilities_and_hours_whatever_came(events: list[tuple[str, str, int]], ahead: int, seed: int) -> None:
    """Any events in any order, any day before, among or long after them."""
    rows = frame([(p, FIRST + timedelta(minutes=m), t) for p, t, m in events])
    asked = FIRST.date() + timedelta(days=ahead)
    said = routine.fit(rows, seed=seed).day(asked)
    assert said.schema == pl.Schema(SCHEMA)
    known = {(p, t) for p, t, m in events if (FIRST + timedelta(minutes=m)).date() < asked}
    assert set(said.select("person", "type").iter_rows()) == known and len(said) == len(known)
    for row in said.iter_rows(named=True):
        assert 0 <= row["p"] <= 1 and 0 <= row["base"] <= 1
        assert 0 <= row["h10"] <= row["h50"] <= row["h90"] < 24
    assert_frame_equal(said, routine.fit(rows.sample(fraction=1, shuffle=True, seed=1), seed=seed).day(asked))


def test_the_first_weeks_are_answered_by_the_weekday() -> None:
    """Below 60 days there is no pooled model; three Mondays of three already count more than the plain rate."""
    said = routine.fit(frame(life(21)), seed=1).day(date(2025, 1, 27)).filter(pl.col("type") == "report").row(0, named=True)
    assert said["estimator"] == ALONE and said["p"] > 2 * said["base"]


def test_days_that_nobody_saw_are_neither_busy_nor_silent() -> None:
    """Asked for a day three weeks ahead, a workday in between counts as most workdays were, a Sunday as hardly anything."""
    days = flat(frame(life(140)))
    seen = int(days["day"].max()) + 1  # type: ignore[arg-type]  # a column of whole numbers
    (diary,) = diaries(days, seen=seen, until=seen + 21)
    run = diary.came[diary.seen :, diary.types.index("run")]
    workday = [date.fromordinal(seen + i).weekday() < 5 for i in range(21)]
    assert all(0.5 < p < 1 if w else p < 0.1 for p, w in zip(run, workday, strict=True))
    assert len(routine.fit(frame(life(140)), seed=1).day(date.fromordinal(seen + 21))) == 3


def test_every_figure_of_a_day_is_made_of_earlier_days() -> None:
    """The table of a longer diary begins with the table of the shorter one, bit for bit."""
    days = flat(frame(life(120)))
    last = int(days["day"].max())  # type: ignore[arg-type]  # a column of whole numbers
    (long,) = diaries(days, seen=last + 1, until=last + 1)
    (short,) = diaries(days.filter(pl.col("day") < last - 30), seen=last - 30, until=last - 30)
    known = [long.types.index(t) for t in short.types]
    size = len(short.came)
    assert (traces(long).figures[: size + 1, known] == traces(short).figures[: size + 1]).all()
