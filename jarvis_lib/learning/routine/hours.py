"""At which hour does a type come first, when it comes? A mixture of the past first hours, where newer ones and those of the same weekday count more.

While a type has come only a few times, the hours of all types of that person stand beside its own.
"""

import numpy as np
from numpy.typing import NDArray

from jarvis_lib.learning.routine.days import Diary, Floats

HALF_LIFE = 150.0
"""Days after which an hour counts half."""
SAME_WEEKDAY = 1.5
"""So much more counts an hour of the same day of the week."""
PERSONS_N = 0.5
"""The hours of all types together count as one of the type's own newest."""
AT = (0.1, 0.5, 0.9)


def first_hours(diary: Diary, day: int) -> Floats:
    """The quantiles AT of the local hour for each type of the diary, from the days before `day` (an index); types x 3, all types known by then."""
    past = diary.hour[:day]
    dates = np.arange(len(past))
    worth = 0.5 ** ((day - dates) / HALF_LIFE) * np.where((day - dates) % 7 == 0, SAME_WEEKDAY, 1.0)
    known = ~np.isnan(past)
    weights = np.where(known, worth[:, None], 0.0)
    common = _common(past[known], weights[known])
    out = np.full((past.shape[1], len(AT)), np.nan)
    for kind in np.flatnonzero(known.any(axis=0)):
        mine = known[:, kind]
        own = weights[mine, kind]
        out[kind] = _quantiles(np.concatenate([past[mine, kind], common]), np.concatenate([own, np.full(len(common), own.max() * PERSONS_N / len(common))]))
    return out


def _common(values: Floats, weights: Floats) -> Floats:
    """A few hours that stand for all types of the person."""
    levels = np.linspace(0.05, 0.95, 10)
    return _at(values, weights, levels) if len(values) else values


def _quantiles(values: Floats, weights: Floats) -> Floats:
    return _at(values, weights, np.array(AT))


def _at(values: Floats, weights: Floats, levels: NDArray[np.float64]) -> Floats:
    order = np.argsort(values, kind="stable")
    reached = np.cumsum(weights[order])
    places = np.searchsorted(reached, levels * reached[-1])
    return np.asarray(values[order][np.minimum(places, len(values) - 1)], dtype=np.float64)
