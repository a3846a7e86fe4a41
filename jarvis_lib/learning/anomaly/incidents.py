"""What deserves a word? Evidence becomes a sparse score, high only where something new begins, and alarms that keep to a budget.

Score: only a row above all of the last rows stands out, so a regime that has changed is told once; then a second conformal stage among the
series' own earlier peaks, so that what happens every day counts less each time.
Alarm: the geometric mean of dependent p-values, times e, is again a p-value (Vovk and Wang 2020). It must be smaller than the budget of false
alarms per week divided by the looks in a week. One alarm per incident; and each one as strong that the budget did not provide for asks for more.
"""

from bisect import bisect_left, insort
from dataclasses import dataclass, field

import numpy as np

from jarvis_lib.learning.anomaly.feedback import Feedback
from jarvis_lib.learning.anomaly.readings import Floats

WEEK_S = 604_800.0
NOTABLE = 0.5
"""From this score on a row is worth a mark in a chart; alarms have their own rule."""
HALF = 2.1
"""Evidence (-log10 p) of a peak that is just notable."""
UNMARKED, ALARMED = 0.4, 0.45
"""A row that is no peak scores below the first, a row with an alarm at least the second."""
PEAK_FROM = 1.0
"""A peak with less evidence is none."""
BACK_LEAST, BACK_SHARE, BACK_MOST = 60, 0.08, 1600
"""A peak is above so many rows before it: this share of all that were read."""
LOOK_S = 300.0
"""Readings nearer to each other than this are one look."""
LEAST_EVIDENCE = 1.3
"""However few looks a week has, p >= 0.05 is no alarm."""
E_OF_MEAN = float(np.log10(np.e))
QUIET_S, QUIET_ROWS = 7200.0, 2
"""An incident is over when for so long, and so many rows, nothing was above the line."""
REPEATS = 0.5
"""What each factor of ten more, among earlier ones that were as strong, takes from a peak or asks of an alarm."""


@dataclass(slots=True)
class Incidents:
    """The peaks and alarms of one series so far."""

    budget: float
    feedback: Feedback | None
    peaks: list[float] = field(default_factory=list)
    alarms: list[float] = field(default_factory=list)
    above_row: int = -(10**9)
    above_s: float = -np.inf

    def line(self, step_s: float) -> float:
        """The evidence that an alarm needs at this step."""
        looks = WEEK_S / max(step_s, LOOK_S)
        return max(float(np.log10(looks / self.budget)) + E_OF_MEAN, LEAST_EVIDENCE)

    def judge(
        self, rare: Floats, mean: Floats, pvalues: Floats, *, before: Floats, back: int, first_row: int, seconds: Floats, began_s: float, line: float
    ) -> tuple[Floats, np.ndarray[tuple[int], np.dtype[np.bool_]]]:
        """(score, alarm) of rows that follow on those whose `rare` is `before`. `rare` ranks peaks, `mean` decides about alarms."""
        score = UNMARKED * (1 - np.exp2(-rare / HALF))
        alarm = np.zeros(len(rare), dtype=np.bool_)
        peak = (rare > PEAK_FROM) & (rare > highest_before(before, rare, back))
        for i in np.flatnonzero(peak | (mean >= line)).tolist():
            trust = self.feedback.trust(pvalues[:, i]) if self.feedback else 1.0
            if peak[i]:
                score[i] = max(score[i], 1 - 0.5 ** (self._new(float(rare[i])) * trust / HALF))
            if mean[i] >= line and self._alarm(float(mean[i]) * trust, first_row + i, float(seconds[i]), began_s, line):
                alarm[i], score[i] = True, max(score[i], ALARMED)
        return score, alarm

    def _new(self, rare: float) -> float:
        """What is left of a peak's evidence after the earlier ones that were as high."""
        as_high = len(self.peaks) - bisect_left(self.peaks, rare)
        insort(self.peaks, rare)
        return max(rare - REPEATS * float(np.log10(1 + as_high)), 0.0)

    def _alarm(self, mean: float, row: int, at: float, began: float, line: float) -> bool:
        quiet = row - self.above_row > QUIET_ROWS and at - self.above_s > QUIET_S
        self.above_row, self.above_s = row, at
        provided = self.budget * max((at - began) / WEEK_S, 1.0)
        beyond = max(len(self.alarms) - bisect_left(self.alarms, mean) + 1 - provided, 0.0)
        if not quiet or mean < line + REPEATS * np.log10(1 + beyond):
            return False
        insort(self.alarms, mean)
        return True


def highest_before(before: Floats, now: Floats, back: int) -> Floats:
    """For each of `now` the largest of the `back` values before it; `before` are those before `now`, -inf where there is none."""
    tail = before[max(0, len(before) - back) :]
    rest = np.concatenate([np.maximum.accumulate(tail[::-1])[::-1], [-np.inf]])
    begin = np.clip(len(tail) - back + np.arange(len(now)), 0, len(tail))
    return np.asarray(np.maximum(rest[begin], np.concatenate([[-np.inf], np.maximum.accumulate(now)[:-1]])), dtype=np.float64)
