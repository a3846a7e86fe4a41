"""The anomaly detector: what it promises about the past, bad rows, alarms and feedback, on series that were made up with a known law (seeded)."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from jarvis_lib.learning.anomaly import NAMES, NOTABLE, Detected, Detector, detect, fit_feedback
from jarvis_lib.learning.anomaly.boosting import confirmed
from jarvis_lib.learning.anomaly.incidents import Incidents, highest_before
from jarvis_lib.learning.anomaly.readings import Times, clocks
from jarvis_lib.learning.anomaly.scores import moved
from jarvis_lib.learning.anomaly.tails import BODY, PARTS, PEAK, Tails

BEGIN = 1_767_571_200.0  # a Monday, 2026-01-05 00:00 UTC
Floats = NDArray[np.float64]


def daily(days: float, *, seed: int, step_s: float = 300.0, noise: float = 1.0) -> tuple[Floats, Floats]:
    """A wave of the day with noise."""
    times = BEGIN + step_s * np.arange(int(days * 86_400 / step_s), dtype=np.float64)
    return times, 50 + 10 * np.sin(2 * np.pi * times / 86_400) + noise * np.random.default_rng(seed).standard_normal(len(times)).astype(np.float64)


def same(a: Detected, b: Detected, rows: int) -> None:
    for own, other in ((a.score, b.score), (a.alarm, b.alarm), (a.pvalues, b.pvalues)):
        np.testing.assert_array_equal(own[:rows], other[:rows])
    assert [a.why(i) for i in range(rows)] == [b.why(i) for i in range(rows)]


def fed(detector: Detector, times: Floats, values: Floats) -> tuple[list[float], list[bool], list[str]]:
    points = [detector.feed(float(t), float(v)) for t, v in zip(times, values, strict=True)]
    return [p.score for p in points], [p.alarm for p in points], [p.why for p in points]


# --- the past only -------------------------------------------------------------------------------------------------------

numbers = st.one_of(st.floats(-1e4, 1e4, width=32), st.sampled_from([0.0, 0.0, 1.0, 5.0, float("nan"), float("inf"), 1e300, -1e300]))
steps = st.sampled_from([300.0, 300.0, 300.0, 301.5, 3600.0, 0.0, -600.0, 86_400.0])


@given(st.lists(st.tuples(steps, numbers), max_size=160), st.integers(0, 160))
@settings(max_examples=60, deadline=None)
def test_a_prefix_has_the_same_answers(rows: list[tuple[float, float]], cut: int) -> None:
    """Whatever comes later, and whatever the readings are, row i is judged by rows up to i, bit for bit; all stays within its bounds."""
    times, values = BEGIN + np.cumsum([s for s, _ in rows]), np.array([v for _, v in rows])
    whole, part = detect(times, values), detect(times[:cut], values[:cut])
    same(whole, part, min(cut, len(rows)))
    assert ((whole.score >= 0) & (whole.score <= 1)).all() and ((whole.pvalues > 0) & (whole.pvalues <= 1)).all()


@given(st.lists(st.tuples(steps, numbers), max_size=120))
@settings(max_examples=30, deadline=None)
def test_feeding_gives_the_same_answers(rows: list[tuple[float, float]]) -> None:
    times, values = BEGIN + np.cumsum([s for s, _ in rows]), np.array([v for _, v in rows])
    whole = detect(times, values)
    score, alarm, why = fed(Detector(), times, values)
    assert (score, alarm, why) == (whole.score.tolist(), whole.alarm.tolist(), [whole.why(i) for i in range(len(rows))])


@pytest.mark.parametrize(("rows_", "boosted"), [(864, False), (250, True)])
def test_a_long_series_has_the_same_answers_in_a_prefix_and_when_fed(rows_: int, boosted: bool) -> None:
    """Through many epochs, with a spike, a gap and a new level; also where trees forecast the newest rows."""
    times, values = (column[:rows_] for column in daily(9, seed=1, step_s=900.0))
    values[160] += 60
    values[700:] += 25
    times[190:] += 5 * 3600
    whole = detect(times, values, boosted=boosted)
    for cut in (17, 161, 207):
        same(whole, detect(times[:cut], values[:cut], boosted=boosted), cut)
    detector = Detector(boosted=boosted)
    rows = []
    score, alarm = [], []
    for t, v in zip(times, values, strict=True):
        point = detector.feed(float(t), float(v))
        rows.append(detector.pvalues)
        score.append(point.score)
        alarm.append(point.alarm)
    np.testing.assert_array_equal(whole.score, score)
    np.testing.assert_array_equal(whole.alarm, alarm)
    np.testing.assert_array_equal(whole.pvalues, rows)
    assert bool((whole.pvalues[:, NAMES.index("boosted")] < 1).any()) is boosted


# --- what is strange -----------------------------------------------------------------------------------------------------


def alarms(found: Detected) -> list[int]:
    return [int(i) for i in np.flatnonzero(found.alarm)]


def test_a_spike_is_told_once_and_named() -> None:
    """One alarm, at its first row, which is a peak too; nothing else is as new as its rows, and the clause says how it differs."""
    times, values = daily(12, seed=2)
    values[3000:3006] += 60
    found = detect(times, values)
    assert [i for i in alarms(found) if 2990 < i < 3100] == [3000]
    assert found.score[3000] >= NOTABLE and 3000 <= int(found.score.argmax()) < 3006
    assert any(word in found.why(3000) for word in ("far above", "jumped by"))
    assert found.pvalues[3000, NAMES.index("value")] < 1e-3


def test_a_missing_peak_of_the_day_is_seen_by_the_hour() -> None:
    """The value is usual, for another hour."""
    times = BEGIN + 300.0 * np.arange(14 * 288)
    busy = (times % 86_400 > 9 * 3600) & (times % 86_400 < 17 * 3600)
    values = np.where(busy, 80.0, 20.0) + np.random.default_rng(3).standard_normal(len(times))
    quiet = (times >= BEGIN + 11 * 86_400) & (times < BEGIN + 12 * 86_400) & busy
    values[quiet] -= 60
    found = detect(times, values)
    first = int(np.flatnonzero(quiet)[0])
    where = [i for i in alarms(found) if i > 5 * 288]
    assert where and first <= where[0] < first + 24
    assert "below its usual level for Friday 09:" in found.why(where[0])


def test_a_new_level_is_told_and_then_it_is_usual() -> None:
    times, values = daily(20, seed=4, noise=0.5)
    values[2880:] += 200
    found = detect(times, values)
    assert 2880 in alarms(found)
    assert [i for i in alarms(found) if i > 2880 + 2 * 288] == []
    assert float(found.score[2880 + 288 :].max()) < found.score[2880]


def test_a_flat_line_and_a_gap_are_named() -> None:
    times = BEGIN + 300.0 * np.arange(12 * 288)
    values = np.random.default_rng(5).standard_normal(len(times))
    values[2000:2060] = 0.1
    found = detect(times, values)
    assert any(2012 <= i < 2060 for i in alarms(found))
    assert found.why(2036) == "has not changed for 3 h"
    times[3000:] += 6 * 3600 - 300
    found = detect(times, values)
    assert 3000 in alarms(found) and found.why(3000) == "a gap of 6 h"


def test_noise_keeps_to_the_budget() -> None:
    """Exchangeable noise of many kinds raises no more alarms than the budget, and a larger budget never raises fewer."""
    rng = np.random.default_rng(6)
    times = BEGIN + 300.0 * np.arange(14 * 288)
    n = len(times)
    noises = [rng.standard_normal(n), rng.random(n), rng.standard_exponential(n), rng.lognormal(0, 0.5, n), rng.poisson(20, n) * 1.0]
    counts = []
    for values in noises:
        counts.append([int(detect(times, values, budget_per_week=b).alarm.sum()) for b in (0.1, 1.0, 10.0)])
    small, usual, large = np.sum(counts, axis=0)
    assert small <= usual <= large
    assert usual <= 2 * len(counts)


@pytest.mark.parametrize("n", [0, 1, 2, 3, 19, 5000])
def test_a_constant_series_is_never_strange(n: int) -> None:
    found = detect(BEGIN + 300.0 * np.arange(n), np.full(n, 45.0))
    assert not found.alarm.any() and (found.score == 0).all()


def test_three_points_are_no_past() -> None:
    found = detect(BEGIN + 300.0 * np.arange(3), [1.0, 1e9, -1e9])
    assert found.score.tolist() == [0, 0, 0] and not found.alarm.any() and found.why(2) == "too few readings before it"


# --- bad rows ------------------------------------------------------------------------------------------------------------


def test_rows_without_a_number_or_a_newer_time_change_nothing() -> None:
    """Duplicates, a clock that goes back, None, nan and infinity: score 0, no alarm, and the other rows are as without them."""
    times, values = daily(4, seed=7)
    found = detect(times, values)
    bad = [(times[500], 1e6), (times[100], -5.0), (times[501] + 1, np.nan), (times[501] + 2, np.inf), (np.nan, 3.0)]
    with_bad_times = np.insert(times, 502, [t for t, _ in bad])
    with_bad_values = np.insert(values, 502, [v for _, v in bad])
    spoilt = detect(with_bad_times, with_bad_values)
    kept = np.delete(np.arange(len(with_bad_times)), range(502, 507))
    np.testing.assert_array_equal(spoilt.score[kept], found.score)
    np.testing.assert_array_equal(spoilt.pvalues[kept], found.pvalues)
    assert (spoilt.score[502:507] == 0).all() and not spoilt.alarm[502:507].any()
    assert [spoilt.why(i) for i in range(502, 507)] == ["not newer than the reading before"] * 2 + ["no number, so a gap"] * 2 + [
        "not newer than the reading before"
    ]
    detector = Detector()
    detector.feed(times[0], 1.0)
    assert detector.feed(times[1], None).why == "no number, so a gap"


def test_a_step_that_changes_is_not_an_alarm_each_time() -> None:
    """From five minutes to one hour and back: the same metric, read less often."""
    fast, often = daily(6, seed=8)
    slow = BEGIN + 6 * 86_400 + 3600.0 * np.arange(5 * 24)
    again = BEGIN + 11 * 86_400 + 300.0 * np.arange(4 * 288)
    times = np.concatenate([fast, slow, again])
    values = 50 + 10 * np.sin(2 * np.pi * times / 86_400) + np.random.default_rng(8).standard_normal(len(times))
    found = detect(times, values)
    assert len([i for i in alarms(found) if i >= len(often)]) <= 2


def test_times_of_every_kind_are_the_same_times() -> None:
    """Naive and aware datetimes, datetime64 and seconds; an aware one has the hours of its own zone, also for the clause."""
    times, values = daily(3, seed=9)
    naive = [datetime.fromtimestamp(t, UTC).replace(tzinfo=None) for t in times]
    aware = [n.replace(tzinfo=UTC) for n in naive]
    found = detect(times, values)
    kinds: list[Times] = [naive, aware, np.array(naive, dtype="datetime64[s]"), np.array(naive, dtype="datetime64[ns]"), times.tolist()]
    for other in kinds:
        same(found, detect(other, values), len(times))
    berlin = datetime(2026, 7, 1, 9, tzinfo=ZoneInfo("Europe/Berlin"))
    seconds, wall = clocks([berlin])
    assert (seconds[0], wall[0] - seconds[0]) == (berlin.timestamp(), 7200.0)


def test_what_cannot_be_read_is_refused_with_a_sentence() -> None:
    with pytest.raises(ValueError, match="2 times, 1 values"):
        detect([1.0, 2.0], [1.0])
    with pytest.raises(ValueError, match="above 0"):
        Detector(budget_per_week=0)


# --- the parts -----------------------------------------------------------------------------------------------------------


@given(st.lists(st.floats(-1e6, 1e6, width=32), min_size=25, max_size=60), st.lists(st.floats(-1e7, 1e7, width=32), min_size=2, max_size=20))
@settings(max_examples=40, deadline=None)
def test_evidence_grows_with_the_distance(past: list[float], asked: list[float]) -> None:
    """Above the median more is rarer, but for the seam between rank and law."""
    tails = Tails([np.array(past)])
    high = np.sort(np.array([v for v in asked if v > np.median(past)]))[None, :]
    for part in range(len(PARTS)):
        up = tails.evidence(part, high, tails.ranks(high), [0])[0]
        assert (np.diff(up) >= -0.1).all() and (up >= 0).all()


def test_earlier_incidents_make_the_next_one_common_for_peaks_but_not_for_the_body() -> None:
    rng = np.random.default_rng(10)
    calm = rng.standard_normal(1000)
    stormy = np.concatenate([calm, np.full(15, 30.0)])
    spike = np.array([[30.0]])
    body, peak = ([float(t.evidence(part, spike, t.ranks(spike), [0])[0, 0]) for t in (Tails([calm]), Tails([stormy]))] for part in (BODY, PEAK))
    assert body[1] > 0.9 * body[0] and peak[1] < 0.5 * peak[0]


@given(st.lists(st.floats(0, 9, width=16), max_size=80), st.lists(st.floats(0, 9, width=16), min_size=1, max_size=40), st.integers(40, 60))
def test_the_highest_before_is_that_of_a_plain_loop(before: list[float], now: list[float], back: int) -> None:
    all_ = before + now
    plain = [max(all_[max(0, i - back) : i], default=-np.inf) for i in range(len(before), len(all_))]
    assert highest_before(np.array(before), np.array(now), back).tolist() == plain


def test_a_shift_is_a_difference_of_two_means() -> None:
    values = np.random.default_rng(11).standard_normal(100)
    got = moved(values, 60)
    assert np.isnan(got[:7]).all()
    assert got[-1] == pytest.approx(values[-24:].mean() - values[-48:-24].mean())


def test_the_line_follows_the_budget_and_the_step() -> None:
    """Ten times the budget is one less in -log10 p; readings within five minutes are one look."""
    small, large = Incidents(1.0, None), Incidents(10.0, None)
    assert small.line(300.0) - large.line(300.0) == pytest.approx(1.0)
    assert small.line(10.0) == small.line(300.0) > small.line(3600.0)


def test_a_forecast_that_speaks_alone_does_not_count() -> None:
    spoke = np.array([3.0] * 40 + [0.0] * 60)
    assert confirmed(spoke, np.zeros(100)) == 0.0
    assert confirmed(spoke, np.where(np.arange(100) < 20, 2.0, 0.0)) == 0.5
    assert confirmed(spoke[:10], np.full(10, 2.0)) == 0.0


# --- what the person does ------------------------------------------------------------------------------------------------


def judged() -> tuple[Floats, list[bool]]:
    """Alarms of two kinds: rare by the hour of the day (dismissed), rare as a value and a level (real)."""
    rng = np.random.default_rng(12)
    rows, real = np.ones((16, len(NAMES))), [i % 2 == 0 for i in range(16)]
    for i, own in enumerate(real):
        rare = ("value", "level", "season") if own else ("season", "jump")
        rows[i, [NAMES.index(n) for n in rare]] = 10.0 ** -rng.uniform(4, 7, len(rare))
    return rows, real


def test_feedback_needs_eight_of_both_kinds() -> None:
    rows, real = judged()
    assert fit_feedback(rows[:7], real[:7]) is None
    assert fit_feedback(rows[::2], real[::2]) is None
    assert fit_feedback(rows[:8], real[:8]) is not None
    with pytest.raises(ValueError, match="7 rows, 8 judgements"):
        fit_feedback(rows[:7], real[:8])


def test_dismissed_lookalikes_are_quieter_and_real_ones_are_not() -> None:
    rows, real = judged()
    feedback = fit_feedback(rows, real)
    assert feedback is not None
    assert {feedback.trust(row) == 1.0 for row, own in zip(rows, real, strict=True) if own} == {True}
    assert max(feedback.trust(row) for row, own in zip(rows, real, strict=True) if not own) < 0.5


def test_feedback_from_found_alarms_reaches_the_next_series() -> None:
    """A metric that falls to nothing each Sunday was dismissed, one that shoots up was fixed; the next time only the second is told."""

    def series(seed: int, sign: int) -> Detected:
        times, values = daily(12, seed=seed)
        values[3000:3004] += sign * 45
        return detect(times, values)

    rows, real = [], []
    for seed in range(20, 24):
        for sign in (1, -1):
            found = series(seed, sign)
            assert found.alarm[3000]
            pvalues = found.pvalues[3000].copy()
            pvalues[NAMES.index("jump")] = 1.0 if sign > 0 else pvalues[NAMES.index("jump")]
            rows.append(pvalues)
            real.append(sign > 0)
    feedback = fit_feedback(rows, real)
    assert feedback is not None
    times, values = daily(12, seed=30)
    values[3000:3004] -= 45
    before, after = detect(times, values), detect(times, values, feedback=feedback)
    assert before.alarm[3000] and after.score[3000] < before.score[3000]
    assert feedback.trust(np.array(rows[0])) == 1.0
    with pytest.raises(ValueError, match="learn it anew"):
        detect(times, values, feedback=fit_feedback(np.array(rows)[:, :3], real))
