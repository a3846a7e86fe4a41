"""By which learners is the past of a metric read? The seam to `learning.anomaly` and `learning.capacity`, loaded when they are used."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Learners:
    """`detect` and `fit_feedback` as in `learning.anomaly`, `forecast`, `linear` and `resolved` (its `Resolved`) as in `learning.capacity`."""

    detect: Callable[..., Any]
    fit_feedback: Callable[[Sequence[Any], Sequence[bool]], Any]
    forecast: Callable[..., Any]
    linear: Callable[..., float | None]
    resolved: Callable[..., Any]


def learners() -> Learners:
    """Those of this package."""
    from jarvis_lib.learning.anomaly import detect, fit_feedback
    from jarvis_lib.learning.capacity import Resolved, forecast, linear

    return Learners(detect, fit_feedback, forecast, linear, Resolved)
