"""Learned hours: what the quantiles promise, and that "80 %" is 80 % on tasks that were made up with a known law (seeded; no real data here)."""

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jarvis_lib.learning.effort import PRIOR, Effort, fit

QUANTILES = ("p10", "p50", "p80", "p90")
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
FACTORS = {"Documentation": 1.5, "Bug fixes": 0.8}


def made_up(n: int, *, seed: int, spread: float = 0.5, factors: dict[str, float] | None = None, longest: float = 4.0) -> pl.DataFrame:
    """`n` tasks whose hours are the estimate x the category's factor x a lognormal error."""
    rng = np.random.default_rng(seed)
    factors = factors or FACTORS
    estimate = rng.uniform(0.25, longest, n).round(2)
    category = rng.choice(list(factors), n)
    return pl.DataFrame(
        {
            "estimate_h": estimate,
            "actual_h": estimate * np.array([factors[c] for c in category]) * np.exp(spread * rng.standard_normal(n)),
            "category": category,
            "priority": rng.choice(["LOW", "HIGH"], n),
            "project": rng.choice(["a", "b", "c"], n),
            "completed_at": [BEGIN + timedelta(hours=i) for i in range(n)],
        }
    )


NOTHING = made_up(0, seed=0)


@pytest.fixture(scope="module")
def learned() -> Effort:
    """From 1,500 made-up tasks: all three levels are in use."""
    return fit(made_up(1500, seed=1), seed=1)


def doubtful(n: int, *, seed: int) -> pl.DataFrame:
    """Tasks of two categories with the same middle; one scatters ten times as much."""
    sure, other = (made_up(n, seed=seed + i, spread=s, factors={c: 1.0}) for i, (c, s) in enumerate((("sure", 0.1), ("doubtful", 1.0))))
    return pl.concat([sure, other]).sort("completed_at", "category").head(n)


@pytest.fixture(scope="module")
def sure_and_doubtful() -> Effort:
    return fit(doubtful(190, seed=11), seed=1)


def of(category: str | None, hours: float = 2.0) -> pl.DataFrame:
    return pl.DataFrame({"estimate_h": [hours], "category": [category]}, schema={"estimate_h": pl.Float64, "category": pl.String})


def test_with_no_history_the_prior_answers() -> None:
    said = fit(NOTHING, seed=1).predict(of("Documentation", 2.0))
    assert [said[q][0] for q in QUANTILES] == pytest.approx([2.0 * f for f in PRIOR.values()], rel=1e-4)
    assert said["why"][0] == "no task has ended yet: of other people's tasks one in five takes more than 1.55x its estimate"


hours = st.one_of(st.none(), st.floats(allow_nan=True, allow_infinity=True), st.sampled_from([0.0, -1.0, 1e-9, 1e9, 1e300, 1.0, 1.0, 2.0]))
words = st.one_of(st.none(), st.sampled_from(["a", "b", ""]))
rows = st.lists(
    st.tuples(
        hours, hours, words, words, words, st.one_of(st.none(), st.integers(0, 4 * 365).map(lambda days: (BEGIN + timedelta(days=days)).replace(tzinfo=None)))
    ),
    max_size=50,
)
SCHEMA: dict[str, pl.DataType | type[pl.DataType]] = {
    "estimate_h": pl.Float64,
    "actual_h": pl.Float64,
    "category": pl.String,
    "priority": pl.String,
    "project": pl.String,
    "completed_at": pl.Datetime("us"),
}


@settings(max_examples=60, deadline=None)
@given(rows=rows, asked=rows)
def test_quantiles_are_positive_finite_and_never_fall_whatever_the_history(rows: list[tuple[object, ...]], asked: list[tuple[object, ...]]) -> None:
    """Nulls, zeros, infinities, hours of a nanosecond and of a million years, in the history and in what is asked; bad rows are counted."""
    history, tasks = (pl.DataFrame(r, schema=SCHEMA, orient="row") for r in (rows, asked))
    model = fit(history, seed=3)
    good = history.filter(pl.all_horizontal(pl.col("estimate_h", "actual_h").is_finite() & (pl.col("estimate_h", "actual_h") > 0)))
    assert (model.n, model.ignored) == (len(good), len(history) - len(good))
    said = model.predict(tasks)
    assert len(said) == len(tasks) and said["why"].null_count() == 0
    values = said.select(QUANTILES).to_numpy()
    assert np.isfinite(values).all() and (values > 0).all() and (np.diff(values, axis=1) >= 0).all()


def test_the_order_of_rows_changes_nothing(learned: Effort) -> None:
    """The same forecasts from shuffled history; and a task's forecast does not depend on what else is asked."""
    again = fit(made_up(1500, seed=1).sample(fraction=1.0, shuffle=True, seed=5), seed=1)
    asked = made_up(30, seed=2)
    assert again.predict(asked).equals(learned.predict(asked))
    assert learned.predict(asked[7:8]).equals(learned.predict(asked)[7:8])


def test_ties_in_time_are_not_decided_by_the_order_of_rows() -> None:
    history = made_up(80, seed=4).with_columns(completed_at=pl.lit(BEGIN))
    asked = made_up(10, seed=2)
    assert fit(history.reverse(), seed=1).predict(asked).equals(fit(history, seed=1).predict(asked))


def test_each_finished_task_pulls_the_forecast_from_the_prior_to_the_data() -> None:
    """All tasks of this person take three times their estimate: the median goes from 1x towards 3x, and is there after many."""
    medians = []
    for n in (0, 1, 5, 20, 150):
        rows = made_up(n, seed=5, spread=0.05, factors={"Documentation": 3.0})
        medians.append(fit(rows, seed=1).predict(of("Documentation", 1.0))["p50"][0])
    assert medians == sorted(medians) and medians[0] == pytest.approx(1.0, rel=1e-3)
    assert 1.0 < medians[1] < 1.2 and 2.7 < medians[-1] < 3.1


def test_categories_that_differ_get_different_hours(learned: Effort) -> None:
    docs, bugs = learned.predict(of("Documentation")), learned.predict(of("Bug fixes"))
    assert docs["p50"][0] == pytest.approx(3.0, rel=0.15) and bugs["p50"][0] == pytest.approx(1.6, rel=0.15)
    assert docs["why"][0].startswith("you plan 0.7x of what documentation takes; ")
    assert bugs["why"][0].startswith("you plan 1.3x of what bug fixes takes; ")


def test_an_unknown_category_is_forecast_as_any_other(learned: Effort) -> None:
    said = learned.predict(of("Never seen"))
    assert learned.predict(of("Bug fixes"))["p50"][0] < said["p50"][0] < learned.predict(of("Documentation"))["p50"][0]
    assert said["why"][0] == "you plan 0.9x of what tasks take; 1,500 tasks"


def test_quantiles_hold_as_often_as_they_say_on_tasks_that_come_later(learned: Effort) -> None:
    later = made_up(3000, seed=8)
    said = learned.predict(later)
    for name, p in zip(QUANTILES, PRIOR, strict=True):
        assert (later["actual_h"] <= said[name]).mean() == pytest.approx(p, abs=0.04), name


def test_a_task_that_takes_exactly_its_usual_hours_has_held_them() -> None:
    """Whoever is always exactly right has a p80 that holds: no rounding makes it a miss."""
    history = made_up(300, seed=3, spread=0.0, factors={"Documentation": 1.0})
    later = made_up(100, seed=4, spread=0.0, factors={"Documentation": 1.0})
    assert (later["actual_h"] <= fit(history, seed=1).predict(later)["p80"]).all()


def test_a_task_without_an_estimate_is_forecast_as_one_of_the_usual_size(learned: Effort) -> None:
    said = learned.predict(of("Documentation").with_columns(estimate_h=pl.lit(None, dtype=pl.Float64)))
    assert said["why"][0].startswith("no estimate, so taken as a task of the usual size; ")
    assert 1.0 < said["p50"][0] < 6.0


def test_the_finish_probability_is_how_often_such_nights_really_finish(learned: Effort) -> None:
    """Nights of three to six new tasks drawn by the same law in 10 hours: all of them, the doubtful ones and the sure ones."""
    said, done = [], []
    for night in range(400):
        tasks = made_up(3 + night % 4, seed=1000 + night)
        said.append(learned.simulate(tasks, hours=10.0, lanes=1, seed=1, n=200).finish)
        done.append(float(tasks["actual_h"].sum() <= 10.0))
    order = np.argsort(said)
    for own in (order, order[:200], order[200:]):
        assert np.array(said)[own].mean() == pytest.approx(np.array(done)[own].mean(), abs=0.07)
    assert np.array(done)[order[:200]].mean() < 0.5 < 0.6 < np.array(done)[order[200:]].mean()


def test_chosen_nights_finish_as_often_as_asked(learned: Effort) -> None:
    """200 nights of 8 hours from queues of 20 new tasks, the plan chosen at 80 %."""
    choices = [learned.choose(made_up(20, seed=5000 + night), hours=8.0, lanes=1, seed=1) for night in range(200)]
    done = np.mean([c.tasks["actual_h"].sum() <= 8.0 for c in choices])
    assert done == pytest.approx(0.8, abs=0.07)
    assert np.mean([c.finish for c in choices]) == pytest.approx(done, abs=0.07)
    assert min(c.finish for c in choices) > 0.6


def test_more_lanes_and_more_hours_never_make_a_night_worse(learned: Effort) -> None:
    tasks = made_up(8, seed=6)
    by_lanes = [learned.simulate(tasks, hours=8.0, lanes=lanes, seed=1).plain for lanes in (1, 2, 3)]
    by_hours = [learned.simulate(tasks, hours=h, lanes=2, seed=1).plain for h in (4.0, 8.0, 16.0)]
    assert by_lanes == sorted(by_lanes) and by_hours == sorted(by_hours) and by_lanes[0] < by_lanes[-1]
    taken = [learned.choose(tasks, hours=5.0, lanes=lanes, seed=1).p50_h for lanes in (1, 3)]
    assert taken[0] < taken[1]


def test_a_task_never_ends_before_what_it_waits_for(learned: Effort) -> None:
    tasks = made_up(3, seed=6)
    apart = learned.simulate(tasks, hours=8.0, lanes=3, seed=1).tasks["p50_end"]
    chained = learned.simulate(tasks, hours=8.0, lanes=3, seed=1, after={1: [0], 2: [1]}).tasks["p50_end"]
    assert chained.is_sorted() and chained[2] > apart[2]
    with pytest.raises(ValueError, match="Row 0 can only wait for earlier rows"):
        learned.simulate(tasks, hours=8.0, lanes=3, seed=1, after={0: [1]})


def test_choosing_by_hours_takes_the_sure_tasks_first(sure_and_doubtful: Effort) -> None:
    """Of tasks with the same middle, the ones that scatter little fill a night better."""
    queues = [doubtful(20, seed=300 + night) for night in range(10)]
    held = {by: [sure_and_doubtful.choose(queue, hours=8.0, lanes=1, seed=1, by=by) for queue in queues] for by in ("hours", "order")}
    assert sum(c.p50_h for c in held["hours"]) > 1.1 * sum(c.p50_h for c in held["order"])
    sure = [c.tasks["category"].eq("sure").mean() for c in held["hours"]]
    assert np.mean(np.array(sure, dtype=float)) > 0.6
    assert all(list(c.rows) == sorted(set(c.rows)) for c in [*held["hours"], *held["order"]])


def test_a_short_queue_of_long_tasks_is_not_planned_more_boldly(learned: Effort) -> None:
    """Past queues that fit anyhow say nothing about a list that does not: two tasks of 7 hours are never both taken for 8."""
    two = pl.concat([of("Documentation", 4.5), of("Documentation", 4.5)])
    assert len(learned.choose(two, hours=8.0, lanes=1, seed=1).rows) <= 1


def test_an_empty_list_is_done_with_certainty(learned: Effort) -> None:
    assert learned.finish_probability(NOTHING, hours=8.0, lanes=1, seed=1) == 1.0
    assert learned.choose(NOTHING, hours=8.0, lanes=1, seed=1).rows == ()
    assert learned.predict(NOTHING)["p80"].len() == 0


def test_nothing_fits_where_nothing_can(learned: Effort) -> None:
    """A task of 100 hours is never chosen for a night of 8, and a list with it is hardly ever done."""
    long = of("Documentation", 100.0)
    assert learned.choose(long, hours=8.0, lanes=1, seed=1).rows == ()
    assert learned.finish_probability(long, hours=8.0, lanes=1, seed=1) < 0.02


def test_the_same_seed_gives_the_same_nights(learned: Effort) -> None:
    tasks = made_up(10, seed=6)
    first, second = (learned.simulate(tasks, hours=12.0, lanes=2, seed=9) for _ in range(2))
    assert first.finish == second.finish and first.tasks.equals(second.tasks)
    assert learned.simulate(tasks, hours=12.0, lanes=2, seed=10).plain == pytest.approx(first.plain, abs=0.06)


@pytest.mark.parametrize(("night", "sentence"), [({"hours": 0.0, "lanes": 1}, "hours"), ({"hours": 8.0, "lanes": 0}, "lane")])
def test_a_night_without_hours_or_lanes_is_refused(learned: Effort, night: dict[str, float], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        learned.finish_probability(of("Documentation"), hours=night["hours"], lanes=int(night["lanes"]), seed=1)


def test_a_handful_of_tiny_tasks_says_nothing_of_long_ones() -> None:
    """A newcomer tries three tasks of some minutes that take seconds; a task of ten hours still has the hours that it has for everybody."""
    tiny = pl.DataFrame({"estimate_h": [0.1] * 6, "actual_h": [0.001] * 6, "category": ["Documentation"] * 6})
    asked = pl.DataFrame({"estimate_h": [10.0, 0.1], "category": ["Documentation"] * 2})
    nobody, now = fit(pl.DataFrame(schema={"estimate_h": pl.Float64, "actual_h": pl.Float64}), seed=1).predict(asked), fit(tiny, seed=1).predict(asked)
    assert now["p80"][0] == pytest.approx(nobody["p80"][0]) and now["p50"][1] < nobody["p50"][1] / 2
    longer = fit(pl.concat([tiny, pl.DataFrame({"estimate_h": [8.0] * 30, "actual_h": [16.0] * 30, "category": ["Documentation"] * 30})]), seed=1).predict(
        asked
    )
    assert longer["p50"][0] > 1.4 * nobody["p50"][0]
