"""Which metrics behave unlike themselves, and since when? One alarm for each incident, within a budget of false ones. Values in, values out."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from jarvis_lib.model.book import Row
from jarvis_lib.model.metric import KINDS, named, parts_of, shown
from jarvis_lib.model.prediction import Prediction
from jarvis_lib.model.problem import Problem
from jarvis_lib.problem_predictor.learners import Learners

if TYPE_CHECKING:
    from jarvis_lib.store.samples import Series

PREDICTOR = "anomaly"
RECENT = timedelta(hours=24)
"""An incident is told for a day after its alarm, unless another alarm follows."""
JUDGED = timedelta(days=14)
"""In this time an alarm is called real (fixed) or false (dismissed); later nobody can tell."""
SAME = timedelta(hours=3)
ENOUGH = 24
"""With fewer medians of five minutes nothing is called usual."""


@dataclass(frozen=True, slots=True)
class Alarm:
    """One incident: since when, how unusual, and the p-values of the raw scores by name."""

    key: str
    at: datetime
    value: float
    score: float
    why: str
    pvalues: dict[str, float]
    estimator: str


@dataclass(frozen=True, slots=True)
class Judged:
    """Alarms that the person fixed or dismissed: what is learned from them, and the share of real ones (with one of each added)."""

    feedback: Any
    real: float
    n: int

    def probability(self, alarm: Alarm) -> float:
        """That the person would call this alarm real: by what alarms like it were, else by the share of real ones so far."""
        p = self.real if self.feedback is None else float(self.feedback.real(list(alarm.pvalues.values())))
        return round(min(max(p, 0.0), 1.0), 4)


def judged(rows: Sequence[Row], learners: Learners) -> Judged:
    """What the person has taught so far. `rows` are resolved alarms with `detail` and `happened`."""
    told = [(json.loads(r["detail"]).get("pvalues") or {}, bool(r["happened"])) for r in rows]
    newest = told[-1][0].keys() if told else ()
    alike = [(p, real) for p, real in told if p.keys() == newest]  # another version of the detector had other scores
    feedback = learners.fit_feedback([list(p.values()) for p, _ in alike], [real for _, real in alike]) if alike else None
    return Judged(feedback, (sum(real for _, real in told) + 1) / (len(told) + 2), len(told))


def alarms(series: "dict[str, Series]", *, now: datetime, budget_per_week: float, seed: int, learners: Learners, feedback: Any = None) -> list[Alarm]:
    """The newest alarm of each metric that has one within a day. The budget is for all metrics together."""
    own = {k: s for k, s in series.items() if _is_usual(k) and len(s[1]) >= ENOUGH}
    share = budget_per_week / max(len(own), 1)
    # Without the boosted forecast: its refits take minutes of work for a month of one metric.
    behind = "conformal scores" + (", taught" if feedback is not None else "")
    found = [_newest(k, s, learners.detect(*s, budget_per_week=share, seed=seed, feedback=feedback, boosted=False), now, behind) for k, s in own.items()]
    return sorted((a for a in found if a is not None), key=lambda a: (-a.score, a.key))


def _is_usual(key: str) -> bool:
    kind = KINDS.get(parts_of(key)[0])
    return kind is not None and not kind.plain


def _newest(key: str, series: "Series", found: Any, now: datetime, behind: str) -> Alarm | None:
    times, values = series
    raised = [i for i in range(len(values) - 1, -1, -1) if found.alarm[i]][:1] if found.alarm.any() else []
    if not raised:
        return None
    i = raised[0]
    at = times[i].astype("datetime64[s]").item().replace(tzinfo=UTC)
    if not now - RECENT < at <= now:
        return None
    names = [str(e) for e in found.estimators]
    pvalues = {n: float(f"{p:.3g}") for n, p in zip(names, found.pvalues[i], strict=True)}
    return Alarm(key, at, float(values[i]), round(float(found.score[i]), 4), str(found.why(i)), pvalues, behind)


def is_new(alarm: Alarm, told: Sequence[Row]) -> bool:
    """Whether this incident has no prediction yet. `told` are predictions with `subject` and `detail`, scored or not."""
    own = [json.loads(r["detail"]) for r in told if r["subject"] == alarm.key and r.get("predictor", PREDICTOR) == PREDICTOR]
    return not any(is_same(d["since"], _iso(alarm.at)) for d in own if "since" in d)


def is_same(one: str, other: str) -> bool:
    """Whether two alarms (ISO 8601) are of one incident: a scan and a study see its begin some minutes apart."""
    return abs(datetime.fromisoformat(one) - datetime.fromisoformat(other)) <= SAME


def _iso(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"


def prediction(alarm: Alarm, taught: Judged, *, now: datetime) -> Prediction:
    """That this alarm is real. The base is the share of real alarms so far, which is all that an untaught detector knows."""
    detail = {"since": _iso(alarm.at), "pvalues": alarm.pvalues, "score": alarm.score, "value": alarm.value, "taught": taught.n}
    said = f"{named(alarm.key)} is unusual: {alarm.why}"
    return Prediction(PREDICTOR, alarm.estimator, alarm.key, said, now, now + JUDGED, taught.probability(alarm), round(taught.real, 4), detail=detail)


def problem(alarm: Alarm, taught: Judged, points: list[list[Any]]) -> Problem:
    """The incident as a problem, with what explains it."""
    name = parts_of(alarm.key)[0]
    kind = KINDS[name]
    what = f"{named(alarm.key)} is unusual since {alarm.at:%a %H:%M} UTC: {shown(name, alarm.value)}, {alarm.why}"
    evidence = {
        "metric": alarm.key,
        "value": alarm.value,
        "since": _iso(alarm.at),
        "score": alarm.score,
        "why": alarm.why,
        "pvalues": alarm.pvalues,
        "estimator": alarm.estimator,
        "taught": taught.n,
        "points": points,
    }
    severity = "medium" if kind.severity in ("high", "critical") else "low"
    remedy = "look what changed then; `jarvis problems dismiss` teaches that it is nothing"
    return Problem(f"unusual:{alarm.key}", "unusual", alarm.key, what, evidence, taught.probability(alarm), severity, remedy, False, kind.reach)
