"""Where does Jarvis fall short, how badly, and is it getting better? Weaknesses from observations; pure.

One is found when the whole interval of its figure is unhealthy and the last four weeks do not show it gone, and closed when they do, or
when nothing was seen for a whole look.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from jarvis_lib.model.book import Row
from jarvis_lib.model.fact import digest, stamp
from jarvis_lib.model.window import SAID
from jarvis_lib.self_improver.effects import compared
from jarvis_lib.self_improver.intervals import Interval
from jarvis_lib.self_improver.measures import (
    FOUR_WEEKS,
    MEASURES,
    Groups,
    Measure,
    Observation,
    interval_of,
    is_gone,
    severity,
    shared_level,
    shortfall,
    test_of,
)

EVIDENCE = 5
TREND = timedelta(days=14)


@dataclass(frozen=True, slots=True)
class Weakness:
    """A measured shortfall. `evidence` are the newest rows that speak for it, `test` what would show it gone."""

    key: str
    measure: str
    subject: str
    said: str
    severity: str
    n: int
    value: float
    low: float
    high: float
    healthy: tuple[float | None, float | None]
    trend: dict[str, Any]
    test: dict[str, Any]
    evidence: tuple[dict[str, Any], ...]
    digest: str

    def to_json(self) -> dict[str, Any]:
        """Plain JSON, as its fact carries it."""
        return asdict(self) | {"healthy": list(self.healthy), "evidence": list(self.evidence)}


def found(groups: Groups, *, now: datetime, seed: int) -> list[Weakness]:
    """Every weakness in these observations (those of one look), the gravest first."""
    level = shared_level(groups)
    weak = []
    for (name, subject), own in groups.items():
        measure = MEASURES[name]
        seen = [o for o in own if o.at > now - FOUR_WEEKS] if measure.kind == "count" else own
        if len(seen) < measure.least or is_gone(measure, own, now=now):
            continue
        figure = interval_of(measure, seen, level=level)
        gap = shortfall(measure, figure)
        if gap > 0:
            weak.append((gap, _weakness(measure, subject, seen, own, figure, severity(measure, gap), now=now, seed=seed)))
    order = {"high": 0, "medium": 1, "low": 2}
    return [w for _, w in sorted(weak, key=lambda pair: (order[pair[1].severity], -pair[0], pair[1].key))]


def _weakness(
    measure: Measure, subject: str, seen: Sequence[Observation], own: Sequence[Observation], figure: Interval, grade: str, *, now: datetime, seed: int
) -> Weakness:
    said = measure.said.format(subject=SAID.get(subject, subject.replace(": ", " ")), value=measure.figure(figure.value), n=figure.n)
    bad = [o for o in reversed(seen) if _speaks(measure, o, figure)][:EVIDENCE]
    rows = tuple({"at": stamp(o.at), "ref": o.ref, "told": o.told, "x": round(o.x, 4)} for o in bad)
    week = seen[-1].at.isocalendar()[:2]  # while it stands it is written down anew each week with its newest rows, not each night
    named = digest([measure.name, subject, grade, list(week)])[:16]
    parts: dict[str, Any] = {"healthy": (measure.low, measure.high), "trend": trend(measure, own, now=now, seed=seed), "test": test_of(measure, subject)}
    key = f"{measure.name}/{subject}"
    return Weakness(key, measure.name, subject, f"{said}.", grade, figure.n, figure.value, figure.low, figure.high, evidence=rows, digest=named, **parts)


def _speaks(measure: Measure, one: Observation, figure: Interval) -> bool:
    """Does this observation speak for the weakness? It lies on the side on which the figure is unhealthy."""
    if measure.kind == "count":
        return True
    too_high = measure.high is not None and figure.value > measure.high
    return one.x > (measure.high or 0.0) if too_high else one.x < (measure.low or 0.0)


def trend(measure: Measure, own: Sequence[Observation], *, now: datetime, seed: int) -> dict[str, Any]:
    """The last 14 days against the 14 before."""
    older = [o for o in own if now - 2 * TREND < o.at <= now - TREND]
    newer = [o for o in own if now - TREND < o.at <= now]
    seen = compared(measure, older, newer, days=(TREND.days, TREND.days), seed=seed)
    word = {"helped": "better", "harmed": "worse", "no effect": "steady"}.get(seen.verdict, "too little to say")
    return {"word": word, "n_before": seen.n_before, "n_now": seen.n_after, "before": seen.value_before, "now": seen.value_after}


def gone(known: Sequence[Row], groups: Groups, *, now: datetime) -> list[tuple[str, str]]:
    """(key, sentence) of each open weakness whose test is passed, or of which nothing was seen in the whole look."""
    closed = []
    for row in known:
        measure = MEASURES.get(row["measure"])
        own = groups.get((row["measure"], row["subject"]), [])
        if row["state"] != "open":
            continue
        if measure is None or not own:
            closed.append((row["key"], "nothing of it was seen any more"))
        elif is_gone(measure, own, now=now):
            recent = [o for o in own if o.at > now - FOUR_WEEKS]
            value = sum(o.x for o in recent) / (1 if measure.kind == "count" else max(len(recent), 1))
            closed.append((row["key"], f"{measure.figure(value)} over the last {FOUR_WEEKS.days} days (n={len(recent)})"))
    return closed
