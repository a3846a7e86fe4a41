"""What did each day know of the days before it? The figures from which the estimators tell whether a type comes today.

Each figure of a day is made of earlier days alone: recursions run over the days in order and are read before the day is taken in. Frequencies are
kept as log odds; a conditional one (after so many days of silence, on this weekday when it has come this week already, ...) as its distance from
the plain one, so that it says nothing where it has seen nothing.
"""

from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from jarvis_lib.learning.routine.days import Diary, Floats

Ints = NDArray[np.int64]

HALF_LIVES = (2.0, 7.0, 28.0, 90.0, 1e6)
"""Days after which a day counts half, for how often a type comes at all; the last one forgets nothing."""
WEEK_HALF_LIVES = (3.0, 8.0, 26.0, 1e6)
"""Weeks, for how often it comes on this day of the week."""
LAGS = (1, 2, 3, 4, 5, 6, 7, 14, 21, 28, 35, 42, 56)
NEAR = (14, 21, 28, 42)
"""So many days ago, or a day before or after."""
SILENCE = (2, 3, 4, 5, 6, 7, 8, 9, 13, 15, 20, 23, 29, 32)
SILENCE_ROUGH = (2, 4, 7, 8, 14)
"""Where a state of "so many days since the last time" begins."""
FIRST_GUESS, GUESS_N = 0.1, 2.0
"""How often something comes of which nothing is known yet, and how many days this guess is worth."""
FAR = 400.0
YEAR = 364
RELATED_HALF_LIFE, RELATED_N = 180.0, 4.0


@dataclass(frozen=True, slots=True)
class Traces:
    """`figures[i, k]` for day i and type k, one day more than the diary has; `frequency` is the weekday's with forgetting, `weekday` without, `base`
    the type's own rate. `names` names the figures."""

    names: tuple[str, ...]
    figures: NDArray[np.float32]
    frequency: Floats
    weekday: Floats
    base: Floats


def traces(diary: Diary) -> Traces:
    """The traces of one diary, its days and the day after."""
    came, begins = diary.came, diary.begins
    days, kinds = came.shape
    active = came.max(axis=1, keepdims=True)
    many = came.sum(axis=1, keepdims=True)
    weekday = (diary.first + np.arange(days + 1) - 1) % 7
    rates = _decayed(came, begins, HALF_LIVES, FIRST_GUESS, GUESS_N)
    quarter, ever = rates[3], rates[4]
    of_weekday = _of_weekday(came, begins, weekday, quarter, ever)
    usual = of_weekday[1]
    silence, gap = _silences(came, begins)
    figures: dict[str, Floats] = {f"rate over {h:g} days": _odds(r) for h, r in zip(HALF_LIVES, rates, strict=True)}
    figures |= {f"weekday over {h:g} weeks": _odds(r) for h, r in zip(WEEK_HALF_LIVES, of_weekday, strict=True)}
    counts = np.log1p(diary.count)
    figures["how many over 7 days"] = _decayed(counts, begins, (7.0,), FIRST_GUESS, 1.0)[0]
    figures["how many yesterday"] = _back(counts, 1)
    figures |= {f"{lag} days ago": _back(came, lag) for lag in LAGS}
    figures |= {f"about {lag} days ago": np.maximum(np.maximum(_back(came, lag - 1), _back(came, lag)), _back(came, lag + 1)) for lag in NEAR}
    short = np.log1p(np.minimum(silence, FAR))
    figures |= {"silence": short, "gap": np.log(gap), "silence against gap": short - np.log(gap)}
    figures |= _conditional(diary.first, came, begins, weekday, silence, quarter, usual)
    figures |= _others(diary, active, many, weekday, rates[2], quarter)
    figures |= _year_ago(came, active, quarter_of_person=_decayed(active, np.zeros(1, np.int64), (90.0,), 0.5, 1.0)[0])
    figures |= _calendar(diary.first, days, weekday)
    figures["age"] = np.log1p(np.maximum(np.arange(days + 1)[:, None] - begins, 0))
    table = np.stack([np.broadcast_to(f, (days + 1, kinds)) for f in figures.values()], axis=-1).astype(np.float32)
    return Traces(tuple(figures), table, usual, of_weekday[3], ever)


def _odds(p: Floats) -> Floats:
    clipped = np.clip(p, 1e-4, 1 - 1e-4)
    return np.asarray(np.log(clipped / (1 - clipped)), dtype=np.float64)


def _back(values: Floats, lag: int) -> Floats:
    """The values of so many days ago, 0 before the first day."""
    out = np.zeros((len(values) + 1, values.shape[1]))
    out[lag:] = values[: max(len(values) + 1 - lag, 0)]
    return out


# --- how often -----------------------------------------------------------------------------------------------------------


def _decayed(values: Floats, begins: Ints, half_lives: tuple[float, ...], prior: float, n: float) -> Floats:
    """For each half-life the mean of the days before, the prior counting as `n` days: half-lives x (days + 1) x types."""
    keep = 0.5 ** (1 / np.array(half_lives))[:, None]
    total, weight = np.zeros((len(half_lives), values.shape[1])), np.zeros((len(half_lives), values.shape[1]))
    out = np.empty((len(half_lives), len(values) + 1, values.shape[1]))
    live = np.arange(len(values))[:, None] >= begins
    for day in range(len(values) + 1):
        out[:, day] = (total + n * prior) / (weight + n)
        if day < len(values):
            total = total * keep + values[day]
            weight = weight * keep + live[day]
    return out


def _of_weekday(came: Floats, begins: Ints, weekday: Ints, quarter: Floats, ever: Floats) -> Floats:
    """For each of WEEK_HALF_LIVES how often it came on this day of the week; the prior is the type's rate."""
    halves = np.array(WEEK_HALF_LIVES)
    keep = 0.5 ** (1 / halves)[:, None]
    total, weight = np.zeros((7, len(halves), came.shape[1])), np.zeros((7, len(halves), came.shape[1]))
    out = np.empty((len(halves), len(came) + 1, came.shape[1]))
    live = np.arange(len(came))[:, None] >= begins
    for day, w in enumerate(weekday):
        prior = np.stack([quarter[day], quarter[day], quarter[day], ever[day]])
        out[:, day] = (total[w] + GUESS_N * prior) / (weight[w] + GUESS_N)
        if day < len(came):
            total[w] = total[w] * keep + came[day]
            weight[w] = weight[w] * keep + live[day]
    return out


def _silences(came: Floats, begins: Ints) -> tuple[Floats, Floats]:
    """Days since the last time, and the usual gap between two times (a mean that forgets)."""
    kinds = came.shape[1]
    since, usual = np.full(kinds, 60.0), np.full(kinds, 10.0)
    silence, gap = np.empty((len(came) + 1, kinds)), np.empty((len(came) + 1, kinds))
    for day in range(len(came) + 1):
        silence[day], gap[day] = since, usual
        if day < len(came):
            hit = came[day] >= 1
            usual = np.where(hit & (day > begins), 0.8 * usual + 0.2 * np.minimum(since, 120), usual)
            since = np.where(hit, 1.0, since + 1)
    return silence, gap


# --- under which circumstances -------------------------------------------------------------------------------------------


def _conditional(first: int, came: Floats, begins: Ints, weekday: Ints, silence: Floats, quarter: Floats, usual: Floats) -> dict[str, Floats]:
    """How far the frequency in the present state lies from the plain one, for several kinds of state."""
    days, kinds = came.shape
    week = np.broadcast_to(weekday[:, None], (days + 1, kinds))
    rest = (week >= 5).astype(np.int64)
    lagged = {lag: (_back(came, lag) >= 0.5).astype(np.int64) for lag in (1, 7, 14, 28)}
    third = [min((date.fromordinal(first + i).day - 1) // 5, 5) for i in range(days + 1)]
    states = {
        "after such a silence": (np.digitize(silence, SILENCE), 60.0, 4.0, quarter),
        "after such a silence, by weekend": (np.digitize(silence, SILENCE_ROUGH) * 2 + rest, 120.0, 6.0, quarter),
        "after yesterday": (lagged[1], 90.0, 6.0, quarter),
        "after one and two weeks": (lagged[7] + 2 * lagged[14], 150.0, 6.0, quarter),
        "after two and four weeks": (lagged[14] + 2 * lagged[28], 250.0, 6.0, quarter),
        "on such a day of the month": (np.broadcast_to(np.array(third)[:, None], (days + 1, kinds)), 120.0, 15.0, quarter),
        "on this weekday, if it came this week": (week * 2 + (_this_week(came, weekday) >= 1), 26.0, 4.0, usual),
        "on this weekday, after yesterday": (week * 2 + lagged[1], 30.0, 4.0, usual),
    }
    shift = np.stack([s for s, *_ in states.values()])
    keep = np.array([0.5 ** (1 / half) for _, half, _, _ in states.values()])[:, None]
    worth = np.array([n for _, _, n, _ in states.values()])[:, None]
    prior = np.stack([p for *_, p in states.values()])
    at, kind = np.arange(len(states))[:, None], np.arange(kinds)[None, :]
    total, weight = np.zeros((len(states), int(shift.max()) + 1, kinds)), np.zeros((len(states), int(shift.max()) + 1, kinds))
    out = np.empty((len(states), days + 1, kinds))
    for day in range(days + 1):
        place = (at, shift[:, day], kind)
        had, of = total[place], weight[place]
        out[:, day] = (had + worth * prior[:, day]) / (of + worth)
        if day < days:
            live = day > begins
            total[place] = had * keep + came[day] * live
            weight[place] = of * keep + live
    return {name: _odds(out[i]) - _odds(prior[i]) for i, name in enumerate(states)}


def _this_week(came: Floats, weekday: Ints) -> Floats:
    """How often it has come since Monday."""
    so_far = np.zeros(came.shape[1])
    out = np.empty((len(came) + 1, came.shape[1]))
    for day, w in enumerate(weekday):
        so_far = np.zeros_like(so_far) if w == 0 else so_far
        out[day] = so_far
        if day < len(came):
            so_far = so_far + came[day]
    return out


def _others(diary: Diary, active: Floats, many: Floats, weekday: Ints, month: Floats, quarter: Floats) -> dict[str, Floats]:
    """What the person did apart from this type: how busy they are, since when silent, and what usually follows on yesterday's types."""
    came, start = diary.came, np.zeros(1, np.int64)
    busy = _decayed(active, start, (2.0, 7.0, 28.0), 0.5, 1.0)
    number = _decayed(many, start, (2.0, 7.0, 90.0), 1.0, 1.0)
    half = np.full((len(came) + 1, 1), 0.5)
    events = np.log1p(diary.count.sum(axis=1, keepdims=True))
    sums, most = _follows(came, quarter)
    return {
        **{f"any over {h} days": b for h, b in zip((2, 7, 28), busy, strict=True)},
        **{f"types over {h} days": n for h, n in zip((2, 7, 90), number, strict=True)},
        "any on this weekday": _odds(_of_weekday(active, start, weekday, half, half)[1]),
        "types yesterday": _back(many, 1),
        "any yesterday": _back(active, 1),
        "any a week ago": _back(active, 7),
        "silence of the person": np.log1p(np.minimum(_silences(active, start)[0], 60)),
        "share of the active days": _odds(np.minimum(month / np.maximum(busy[2], 0.02), 0.99)),
        "events yesterday": _back(events, 1),
        "events over 7 days": _decayed(events, start, (7.0,), 0.5, 1.0)[0],
        "follows on yesterday": sums,
        "follows most": most,
    }


def _follows(came: Floats, quarter: Floats) -> tuple[Floats, Floats]:
    """How far yesterday's types move the odds of each type today: the sum and the most of it."""
    days, kinds = came.shape
    keep = 0.5 ** (1 / RELATED_HALF_LIFE)
    pairs, single = np.zeros((kinds, kinds)), np.zeros(kinds)
    sums, most = np.zeros((days + 1, kinds)), np.zeros((days + 1, kinds))
    for day in range(1, days + 1):
        pairs *= keep
        single *= keep
        had = np.flatnonzero(came[day - 1] >= 0.5)
        if len(had):
            rate = (pairs[had] + RELATED_N * quarter[day]) / (single[had][:, None] + RELATED_N)
            lift = _odds(rate) - _odds(quarter[day])
            lift[np.arange(len(had)), had] = 0.0
            sums[day], most[day] = lift.sum(axis=0), lift.max(axis=0)
            if day < days:
                pairs[had] += came[day]
                single[had] += 1
    return sums, most


# --- the calendar --------------------------------------------------------------------------------------------------------


def _year_ago(came: Floats, active: Floats, quarter_of_person: Floats) -> dict[str, Floats]:
    """Whether the person was as busy as usual a year ago (a holiday comes again), and whether the type came in that week."""
    days = len(came)
    busy, week = np.zeros((days + 1, 1)), np.zeros((days + 1, came.shape[1]))
    for day in range(YEAR + 3, days + 1):
        busy[day] = active[day - YEAR - 2 : day - YEAR + 3].mean(axis=0) - quarter_of_person[day - YEAR]
        week[day] = came[day - YEAR - 3 : day - YEAR + 4].mean(axis=0)
    return {"busier a year ago": busy, "in that week a year ago": week}


def _calendar(first: int, days: int, weekday: Ints) -> dict[str, Floats]:
    dates = [date.fromordinal(first + i) for i in range(days + 1)]
    turn = 2 * np.pi * np.array([d.timetuple().tm_yday for d in dates]) / 365.25
    figures = {f"weekday {w}": weekday == w for w in range(7)}
    figures |= {"day of month": np.array([d.day for d in dates]), "week of month": np.array([(d.day - 1) // 7 for d in dates])}
    figures |= {"cosine of the year": np.cos(turn), "sine of the year": np.sin(turn)}
    figures["turn of the year"] = np.array([(d.month == 12 and d.day >= 23) or (d.month == 1 and d.day == 1) for d in dates])
    figures["end of month"] = np.array([date.fromordinal(d.toordinal() + 4).month != d.month for d in dates])
    return {name: np.asarray(f, dtype=np.float64)[:, None] for name, f in figures.items()}
