"""What would boosted trees have forecast for the next reading? One step ahead, refitted about daily; it counts as far as others confirm it.

A one-step forecast is precise and speaks often, mostly alone. `confirmed` measures on the past how often the other scores found something too
when this one did; that share is its weight beside them.
"""

from typing import Any

import numpy as np

from jarvis_lib.learning.anomaly.readings import Floats
from jarvis_lib.learning.anomaly.scores import DAY_S, WIDTH

LAGS = (1, 2, 3, 6, 12, 24)
LEAST, NEWEST = 200, 4000
"""Readings before the first fit, and the newest that a fit looks at."""
SPEAKS, AGREES, OFTEN = 2.0, 1.0, 20
"""Evidence with which it says something; with which the others agree; and how often it must have spoken before its share means anything."""


def features(values: Floats, wall: Floats, rows: int) -> Floats:
    """(row, feature) of the last `rows`: earlier readings, their mean and spread, the hour and the weekday; nan where there is no past."""
    padded = np.concatenate([np.full(WIDTH, np.nan), values])
    end = len(padded)
    lags = [padded[end - rows - lag : end - lag] for lag in LAGS]
    mean, square = np.zeros(rows), np.zeros(rows)
    for lag in range(1, WIDTH + 1):
        mean += padded[end - rows - lag : end - lag] / WIDTH
    for lag in range(1, WIDTH + 1):
        square += (padded[end - rows - lag : end - lag] - mean) ** 2 / WIDTH
    at = wall[len(wall) - rows :]
    return np.column_stack([*lags, mean, np.sqrt(square), at % DAY_S / 3600, at // DAY_S % 7])


class Boosted:
    """A forecaster of the next reading; before its first fit its errors are nan."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._model: Any = None
        self._threads: Any = None
        self._fitted = 0

    def fit(self, values: Floats, wall: Floats, *, readings: int, day: int) -> None:
        """Fit anew when a day's worth of readings has come since the last time. `readings` counts all that there were."""
        if readings < LEAST or (self._model is not None and readings - self._fitted < day):
            return
        from sklearn.ensemble import HistGradientBoostingRegressor
        from threadpoolctl import ThreadpoolController

        self._threads = self._threads or ThreadpoolController()
        rows = min(len(values) - WIDTH, NEWEST)
        known = values[len(values) - rows :]
        low, high = np.quantile(known, [0.001, 0.999])
        model = HistGradientBoostingRegressor(max_iter=60, max_leaf_nodes=15, early_stopping=False, random_state=self._seed)
        with self._threads.limit(limits=1):  # so small a model is slower on many threads, much slower beside other work
            self._model = model.fit(features(values, wall, rows), np.clip(known, low, high))
        self._fitted = readings

    def errors(self, values: Floats, wall: Floats, rows: int) -> Floats:
        """Of the last `rows`: the reading minus its forecast."""
        if self._model is None:
            return np.full(rows, np.nan)
        with self._threads.limit(limits=1):
            forecast = self._model.predict(features(values, wall, rows))
        return np.asarray(values[len(values) - rows :] - forecast, dtype=np.float64)


def confirmed(own: Floats, others: Floats) -> float:
    """The share of the times at which `own` evidence spoke that the `others` agreed; 0 while it has not spoken often."""
    spoke = own >= SPEAKS
    return float((others[spoke] >= AGREES).mean()) if int(spoke.sum()) >= OFTEN else 0.0
