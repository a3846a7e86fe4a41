"""What did the person make of earlier alarms? A logistic model over the p-values of alarms that were fixed (real) or dismissed (not real)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jarvis_lib.learning.anomaly.readings import Floats

LEAST = 8
"""Judged alarms before anything is learned from them."""
STRONGEST = 8.0
"""More evidence than this (-log10 p) does not say more about what the person thinks."""


@dataclass(frozen=True, slots=True)
class Feedback:
    """What `n` judged alarms taught: a weight for each score's evidence, and the level."""

    weights: tuple[float, ...]
    level: float
    n: int

    def real(self, pvalues: Floats) -> float:
        """The probability that the person would call an alarm with these p-values real."""
        if len(pvalues) != len(self.weights):
            raise ValueError(f"This feedback was learned from {len(self.weights)} scores, not {len(pvalues)}; learn it anew.")
        sum_ = self.level + sum(w * float(e) for w, e in zip(self.weights, _evidence(pvalues), strict=True))
        return float(1 / (1 + np.exp(-np.clip(sum_, -50, 50))))

    def trust(self, pvalues: Floats) -> float:
        """The share of its evidence that an alarm like this keeps: all when it is as likely real as not, less the likelier it would be dismissed."""
        return min(1.0, 2 * self.real(pvalues))


def fit_feedback(pvalue_rows: Sequence[Sequence[float]] | NDArray[Any], real: Sequence[bool]) -> Feedback | None:
    """Learn from rows of `Detected.pvalues` at alarms and what became of them. None below 8 of both together, or when all were judged alike."""
    judged = np.asarray(real, dtype=np.bool_)
    if len(pvalue_rows) != len(judged):
        raise ValueError(f"Each row of p-values needs one judgement: {len(pvalue_rows)} rows, {len(judged)} judgements.")
    if len(judged) < LEAST or judged.all() or not judged.any():
        return None
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(class_weight="balanced").fit(_evidence(np.asarray(pvalue_rows, dtype=np.float64)), judged)
    return Feedback(tuple(float(w) for w in model.coef_[0]), float(model.intercept_[0]), len(judged))


def _evidence(pvalues: Floats) -> Floats:
    known = np.where(np.isfinite(pvalues), pvalues, 1.0)
    return np.asarray(-np.log10(np.clip(known, 10**-STRONGEST, 1.0)), dtype=np.float64)
