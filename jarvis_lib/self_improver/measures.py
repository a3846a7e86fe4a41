"""What is measured of Jarvis, from when on is it a shortfall, and how is that said? One table; each measure is judged by the same pure rules.

An observation is one thing that was seen once. A measure is healthy within a range; a weakness is what lies outside of it with its whole interval,
where the level is shared among everything that is looked at in one go, so that noise finds nothing.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from jarvis_lib.model.book import Row
from jarvis_lib.model.prose import clean
from jarvis_lib.self_improver.intervals import Interval, mean, share

LEVEL = 0.95
FOUR_WEEKS = timedelta(days=28)
_FILLERS = (
    *("a", "an", "and", "the", "of", "for", "in", "on", "to", "my", "our", "this", "today", "tonight", "please", "week", "daily", "weekly"),
    *("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"),
)


@dataclass(frozen=True, slots=True)
class Observation:
    """One observation: aware UTC time, the local day it belongs to, its figure, and where to look."""

    measure: str
    subject: str
    at: datetime
    day: str
    x: float
    ref: str
    told: str


@dataclass(frozen=True, slots=True)
class Measure:
    """`kind` is share (x is 0 or 1), mean, or count (of what is noted). Healthy is from `low` to `high`, None has no end on that side.

    `least` observations are needed. `target` is what a two-sided measure should be. Where a good change makes the thing itself rarer, before and after
    are compared by how often it happens: `effect` is "count" (of ones) or "rows" (of observations). `said` is filled with subject, value and n.
    `graver` moves the severity by steps; `beyond`: the figure itself must be at least this, or at most what is left to 1.
    """

    name: str
    kind: str
    low: float | None
    high: float | None
    least: int
    said: str
    unit: str = "%"
    target: float | None = None
    effect: str = ""
    graver: int = 0
    beyond: float | None = None

    def figure(self, value: float) -> str:
        """The value as it is said: a share, a factor, a count."""
        if self.unit == "%":
            return f"{value:.0%}"
        return f"{math.exp(value):.2f}x" if self.unit == "x" else f"{value:.3f}" if self.unit == "brier" else f"{value:.0f}"

    def is_healthy(self, value: float) -> bool:
        """Is this value within the healthy range?"""
        return (self.low is None or value >= self.low) and (self.high is None or value <= self.high)


_BIAS = math.log(1.25)
MEASURES = {
    m.name: m
    for m in (
        Measure("forecast_bias", "mean", -_BIAS, _BIAS, 12, "Hours of {subject} are {value} of the forecast's middle (n={n})", unit="x", target=0.0),
        Measure("forecast_p80", "share", 0.70, 0.92, 15, "{value} of {subject} took no longer than foreseen, which should be 80% (n={n})", target=0.8),
        Measure("failures", "share", None, 0.15, 10, "{value} of the attempts with {subject} failed (n={n})"),
        Measure("hollow", "share", None, 0.05, 10, "{value} of the finished attempts with {subject} changed nothing (n={n})"),
        Measure("unproved", "share", None, 0.25, 10, "{value} of the finished attempts with {subject} had no check that proves them (n={n})"),
        Measure("timeouts", "share", None, 0.10, 15, "{value} of all attempts were ended by their deadline (n={n})"),
        Measure("same_answer", "share", 0.3, 0.7, 10, "You said yes to {value} of the questions of {subject} (n={n})", effect="rows", beyond=0.95),
        Measure("unused", "share", None, 0.10, 14, "On {value} of the days nothing ran in the {subject} window although the plan had filled it (n={n})"),
        Measure("unread", "share", None, 0.50, 10, "{value} of the {subject} briefs were not read within a day (n={n})"),
        Measure("slow", "share", None, 0.20, 6, "{value} of the calls of {subject} took longer than the limit (n={n})"),
        Measure("slow_step", "share", None, 0.20, 6, "{value} of the nights' steps {subject} took longer than the limit (n={n})"),
        Measure("skill", "mean", None, 0.0, 20, "Forecasts of {subject} are worse than guessing: their error is {value} larger (n={n})", unit="brier"),
        Measure("came_back", "share", None, 0.20, 6, "{value} of the problems that {subject} fixed came back within two weeks (n={n})"),
        Measure(
            "wrongly_auto",
            "share",
            None,
            0.10,
            10,
            "{value} of what ran without asking in {subject} was refuted or undone (n={n})",
            effect="count",
            graver=1,
        ),
        Measure("corrections", "count", None, 2, 3, "You corrected {subject} {value} times in four weeks", unit="n", effect="count", graver=1),
        Measure("failed_calls", "count", None, 2, 3, "{subject} failed {value} times in four weeks", unit="n", effect="count"),
        Measure("no_recipe", "count", None, 2, 3, "{subject} was asked for {value} times in four weeks and has no recipe", unit="n", effect="count"),
        Measure("by_hand", "count", None, 7, 8, "You added {subject} by hand {value} times in four weeks", unit="n", effect="count", graver=-2),
    )
}
GRADES = ("low", "medium", "high")
LIMITED = ("slow", "slow_step")
"""Measures whose observations are seconds, and count as 1 above a limit."""


def observed(rows: Iterable[Row], zone: ZoneInfo, *, slow_s: float, step_s: float) -> list[Observation]:
    """The rows of the view as observations on local days; seconds become 1 above their limit, titles become kinds."""
    found = []
    for r in rows:
        x, subject = float(r["x"]), clean(str(r["subject"] or ""))
        if r["measure"] in LIMITED:
            x = float(x > (slow_s if r["measure"] == "slow" else step_s))
        if r["measure"] in ("no_recipe", "by_hand"):
            subject = kind_of(r["told"] or "")
        day = r["at"].astimezone(zone).date().isoformat()
        found.append(Observation(r["measure"], subject, r["at"], day, x, str(r["ref"] or ""), clean(str(r["told"] or ""))[:160]))
    return found


def kind_of(title: str) -> str:
    """What makes two titles the same request: their words in any order, without numbers and small words."""
    words = [w for w in clean(title).casefold().split() if w not in _FILLERS and not any(c.isdigit() for c in w)]
    return " ".join(sorted(set(words)))[:80] or clean(title).casefold()[:80]


def unused_days(windows: Sequence[Row], first: dict[str, datetime], zone: ZoneInfo, *, since: datetime, until: datetime) -> list[Observation]:
    """One observation for each kind of window and day since it was first planned: 1 when a filled window was left unused that day.

    Every day counts, also those without such a window, so that a window that is switched off afterwards can be compared.
    """
    unused = {(r["kind"], r["at"].astimezone(zone).date()): r for r in windows if not r["worked"]}
    found = []
    for kind, begin in sorted(first.items()):
        day = max(begin, since).astimezone(zone).date()
        while day < until.astimezone(zone).date():
            row = unused.get((kind, day))
            noon = datetime(day.year, day.month, day.day, 12, tzinfo=zone)
            told = f"{row['tasks']} planned" if row else ""
            found.append(Observation("unused", kind, row["at"] if row else noon, day.isoformat(), float(row is not None), row["window"] if row else "", told))
            day += timedelta(days=1)
    return found


Groups = dict[tuple[str, str], list[Observation]]


def grouped(observations: Iterable[Observation]) -> Groups:
    """The observations of each measure and subject, in time's order."""
    found: Groups = defaultdict(list)
    for o in observations:
        if o.measure in MEASURES:
            found[o.measure, o.subject].append(o)
    return dict(sorted(found.items()))


def interval_of(measure: Measure, own: Sequence[Observation], *, level: float) -> Interval:
    """The measure's figure over these observations with its interval; what is counted is what was noted, without one."""
    xs, days = [o.x for o in own], [o.day for o in own]
    if measure.kind == "count":
        return Interval(sum(xs), sum(xs), sum(xs), len(xs))
    return (share if measure.kind == "share" else mean)(xs, days, level=level)


def shared_level(groups: Groups) -> float:
    """The level of one interval, such that all of them together are wrong in at most 1 - LEVEL of the looks at a healthy Jarvis."""
    looked = sum(MEASURES[name].kind != "count" and len(own) >= MEASURES[name].least for (name, _), own in groups.items())
    return 1 - (1 - LEVEL) / max(looked, 1)


def shortfall(measure: Measure, seen: Interval) -> float:
    """How far the whole interval lies outside of the healthy range; 0 when it does not."""
    if measure.beyond is not None and 1 - measure.beyond < seen.value < measure.beyond:
        return 0.0
    above = seen.low - measure.high if measure.high is not None else 0.0
    below = measure.low - seen.high if measure.low is not None else 0.0
    return max(above, below, 0.0)


def severity(measure: Measure, gap: float) -> str:
    """low, medium or high by how far outside it is, moved where the measure weighs more or less than others."""
    steps = {"share": (0.08, 0.25), "mean": (0.1, 0.3), "count": (3, 7)}[measure.kind]
    return GRADES[min(max(sum(gap > s for s in steps) + measure.graver, 0), 2)]


def test_of(measure: Measure, subject: str) -> dict[str, Any]:
    """What would show the weakness gone: the same measure over four weeks, within its healthy range."""
    bounds = (("at least", measure.low), ("at most", measure.high))
    ends = [f"{word} {measure.figure(bound)}" for word, bound in bounds if bound is not None]
    least = 0 if measure.kind == "count" else measure.least
    words = f"{measure.name} of {subject} over {FOUR_WEEKS.days} days is {' and '.join(ends)}" + (f", seen at least {least} times" if least else "")
    return {"measure": measure.name, "subject": subject, "low": measure.low, "high": measure.high, "days": FOUR_WEEKS.days, "least": least, "said": words}


def is_gone(measure: Measure, own: Sequence[Observation], *, now: datetime) -> bool:
    """The test: enough was seen in the last four weeks, and it was healthy."""
    recent = [o for o in own if o.at > now - FOUR_WEEKS]
    if measure.kind == "count":
        return measure.is_healthy(sum(o.x for o in recent))
    return len(recent) >= measure.least and measure.is_healthy(sum(o.x for o in recent) / len(recent))
