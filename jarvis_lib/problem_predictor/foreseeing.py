"""When will a metric cross its limit, how sure is that, and is it worth a word? Values in, values and sentences out.

A forecast is a probability with quantiles; below 10 % nobody is told a number. Beside each stands what `predict_linear` says of the same days.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from jarvis_lib.model.book import Row
from jarvis_lib.model.metric import KINDS, named, parts_of, shown
from jarvis_lib.model.prediction import LEAST_SAID, Prediction
from jarvis_lib.model.problem import Problem
from jarvis_lib.problem_predictor.learners import Learners

if TYPE_CHECKING:
    from jarvis_lib.store.samples import Series

PREDICTOR = "capacity"
SOON_H = 48.0
MANY, LONG_S = 12, 6 * 3600
"""A metric with fewer medians, over a shorter time, is forecast and scored but nobody is told: any noise looks like a trend at first."""
CHART_POINTS = 60
"""So many points of its past stand in the evidence of a problem."""


@dataclass(frozen=True, slots=True)
class Foreseen:
    """One forecast. `hours` are its 10 %, 50 % and 90 % quantiles, cut at the horizon, or None where it will rather not happen.

    `quantiles` are the same as they are, None beyond the horizon; `enough` says whether the past is long enough to tell anybody.
    """

    key: str
    value: float
    limit: float
    horizon_h: float
    p: float
    p_soon: float
    hours: tuple[float, float, float] | None
    linear_h: float | None
    said: str
    estimator: str
    weights: dict[str, float]
    quantiles: tuple[float | None, ...] = ()
    enough: bool = True

    @property
    def linear_p(self) -> float:
        """What predict_linear claims: it crosses within the horizon, or it does not."""
        return 1.0 if self.linear_h is not None and 0 <= self.linear_h <= self.horizon_h else 0.0


def foresee(
    key: str,
    series: "Series",
    limit: float,
    *,
    now: datetime,
    horizon: timedelta,
    seed: int,
    learners: Learners,
    past: Sequence[Any] = (),
    boosted: bool = False,
) -> Foreseen | None:
    """The forecast for one metric; None where it is over its limit already, or has no number."""
    times, values = series
    if not len(values):
        return None
    falling = KINDS[parts_of(key)[0]].falling
    hit = learners.forecast(times, values, threshold=limit, now=now, horizon=horizon, seed=seed, falling=falling, past=past, boosted=boosted)
    if hit.already:
        return None
    linear_h = learners.linear(times, values, threshold=limit, now=now, falling=falling)
    horizon_h = horizon.total_seconds() / 3600
    p = min(max(float(hit.p_hit), 0.0), 1.0)
    return Foreseen(
        key,
        float(values[-1]),
        limit,
        horizon_h,
        p,
        float(hit.p_within(min(SOON_H, horizon_h))),
        _hours(hit, p, horizon_h),
        None if linear_h is None else float(linear_h),
        hit.said(named(key)),
        str(hit.estimator),
        {str(name): round(float(share), 3) for name, share in dict(hit.weights).items()},
        tuple(hit.quantile(q) for q in (0.1, 0.5, 0.9)),
        len(values) >= MANY or bool((times[-1] - times[0]).astype("timedelta64[s]").astype(int) >= LONG_S),
    )


def _hours(hit: Any, p: float, horizon_h: float) -> tuple[float, float, float] | None:
    """All three quantiles or none. One beyond the horizon is cut at it, which is right for every crossing that is seen within it."""
    if p < 0.5:
        return None
    found = [hit.quantile(q) for q in (0.1, 0.5, 0.9)]
    low, mid, high = sorted(horizon_h if h is None else min(max(float(h), 0.0), horizon_h) for h in found)
    return low, mid, high


def is_due(key: str, standing: Sequence[Row], *, now: datetime, boosted: bool) -> bool:
    """Whether a new prediction is to be written: one a day by the night's study, one in a day and a half by a scan where no night comes."""
    own = [r for r in standing if r["predictor"] == PREDICTOR and r["subject"] == key]
    if boosted:
        return not any(r["made_at"] > now - timedelta(hours=20) and '"boosted":true' in r["detail"].replace(" ", "") for r in own)
    return not any(r["made_at"] > now - timedelta(hours=36) for r in own)


def prediction(f: Foreseen, *, now: datetime, boosted: bool) -> Prediction:
    """The forecast as it is written down before the fact."""
    low, mid, high = f.hours or (None, None, None)
    own = [None if q is None else round(q, 4) for q in f.quantiles]
    detail = {"quantiles": own, "limit": f.limit, "value": f.value, "boosted": boosted, "weights": f.weights, "p_48h": round(f.p_soon, 4)}
    due = now + timedelta(hours=f.horizon_h)
    return Prediction(PREDICTOR, f.estimator, f.key, f.said, now, due, round(f.p, 4), f.linear_p, low, mid, high, f.linear_h, "h", detail)


def problem(f: Foreseen, points: list[list[Any]], *, now: datetime) -> Problem:
    """The predicted problem, with what explains it."""
    kind = KINDS[parts_of(f.key)[0]]
    severity = "high" if f.p_soon >= 0.5 and kind.severity in ("high", "critical") else "medium" if f.p >= 0.5 else "low"
    evidence = {
        "metric": f.key,
        "value": f.value,
        "limit": f.limit,
        "p": round(f.p, 4),
        "p_48h": round(f.p_soon, 4),
        "hours": None if f.hours is None else [round(h, 2) for h in f.hours],
        "horizon_h": f.horizon_h,
        "linear_h": None if f.linear_h is None else round(f.linear_h, 2),
        "estimator": f.estimator,
        "weights": f.weights,
        "made_at": f"{now:%Y-%m-%dT%H:%M:%SZ}",
        "points": points,
    }
    return Problem(f"crossing:{f.key}", "crossing", f.key, sentence(f, now=now), evidence, round(f.p, 4), severity, kind.remedy, False, kind.reach)


def is_told(f: Foreseen) -> bool:
    """Below this probability, or with hardly any past, a forecast is no problem."""
    return f.p >= LEAST_SAID and f.enough


def sentence(f: Foreseen, *, now: datetime) -> str:
    """What is expected by when, with the day where one can be named."""
    kind = parts_of(f.key)[0]
    day = f", most likely about {now + timedelta(hours=f.hours[1]):%a %Y-%m-%d %H:%M} UTC" if f.hours else ""
    return f"{named(f.key)} is at {shown(kind, f.value)} of {shown(kind, f.limit)}: {f.said.removeprefix(named(f.key) + ': ')}{day}"


def moved(known: dict[str, Any], new: dict[str, Any]) -> bool:
    """Whether a forecast that was told before is news: its probability moved by 0.15, or its middle by a third."""
    if abs(known.get("p", 0.0) - new["p"]) >= 0.15:
        return True
    if (known.get("hours") is None) != (new["hours"] is None):
        return True
    # Of a crossing that comes nearer with the clock nothing new is to be said.
    return bool(new["hours"]) and abs(_arrival(known) - _arrival(new)) > max(new["hours"][1], 6.0) / 3 * 3600


def _arrival(evidence: dict[str, Any]) -> float:
    return datetime.fromisoformat(evidence["made_at"]).timestamp() + float(evidence["hours"][1]) * 3600
