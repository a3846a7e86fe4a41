"""Did it help? The same measure before and after, with an interval; what is too little is called so.

A word of care: a weakness is noticed when it looks worst, so some of it would have passed by itself. That is why the time before is longer than
the time after, and why nothing counts as helped whose interval touches no change.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from jarvis_lib.self_improver.intervals import Interval, difference, farther, mean, rate_ratio, share
from jarvis_lib.self_improver.measures import LEVEL, Measure, Observation

LEAST = 8
"""Observations on each side; of what is counted, so many events on both sides together."""
BEFORE = timedelta(days=28)


@dataclass(frozen=True, slots=True)
class Effect:
    """`effect` with its interval is after minus before (of what is counted: how many times as often); below 0 (1) is better.

    `verdict` is helped, no effect, harmed or too little data.
    """

    verdict: str
    value_before: float | None
    value_after: float | None
    n_before: int
    n_after: int
    effect: float | None
    low: float | None
    high: float | None
    said: str


def compared(measure: Measure, before: Sequence[Observation], after: Sequence[Observation], *, days: tuple[float, float], seed: int) -> Effect:
    """Before against after, each with the days that it lasted."""
    if measure.kind == "count" or measure.effect:
        return _counted(measure, before, after, days)
    values = [_middle(side) for side in (before, after)]
    if min(len(before), len(after)) < LEAST:
        lacks = f"too little data: {len(before)} before and {len(after)} after, {LEAST} needed on each side"
        return Effect("too little data", values[0], values[1], len(before), len(after), None, None, None, lacks)
    sides = [([o.x for o in side], [o.day for o in side]) for side in (before, after)]
    if measure.kind == "share" and measure.target is None:
        seen = difference(share(*sides[0], level=LEVEL), share(*sides[1], level=LEVEL))
    else:
        seen = farther(sides[0], sides[1], measure.target, level=LEVEL, seed=seed)
    told = [measure.figure(v) if v is not None else "nothing" for v in values]
    said = f"{told[0]} before (n={len(before)}), {told[1]} after (n={len(after)}); change {seen.value:+.2f} ({seen.low:+.2f} to {seen.high:+.2f})"
    return Effect(_verdict(seen, 0.0), values[0], values[1], len(before), len(after), seen.value, seen.low, seen.high, said)


def _middle(side: Sequence[Observation]) -> float | None:
    return sum(o.x for o in side) / len(side) if side else None


def _counted(measure: Measure, before: Sequence[Observation], after: Sequence[Observation], days: tuple[float, float]) -> Effect:
    b, a = (len(side) if measure.effect == "rows" else round(sum(o.x for o in side)) for side in (before, after))
    said = f"{b} in {days[0]:.0f} days before, {a} in {days[1]:.0f} days after"
    if b + a < LEAST or b == 0:
        lacks = f"too little data: {said}; {LEAST} in all are needed, and one before"
        return Effect("too little data", float(b), float(a), b, a, None, None, None, lacks)
    seen = rate_ratio(b, a, days_before=days[0], days_after=days[1], level=LEVEL)
    said += f"; {seen.value:.2f} times as often ({seen.low:.2f} to {seen.high:.2f})"
    return Effect(_verdict(seen, 1.0), float(b), float(a), b, a, seen.value, seen.low, seen.high, said)


def _verdict(seen: Interval, same: float) -> str:
    return "helped" if seen.high < same else "harmed" if seen.low > same else "no effect"


def spared(after: Sequence[Observation]) -> Effect:
    """A predictor that is off still predicts and is scored: it helped when what was not told was worse than guessing, and harmed when it was better."""
    if len(after) < LEAST or len({o.day for o in after}) < 2:
        lacks = f"too little data: {len(after)} forecasts were scored since, {LEAST} on two days are needed"
        return Effect("too little data", None, _middle(after), 0, len(after), None, None, None, lacks)
    seen = mean([o.x for o in after], [o.day for o in after], level=LEVEL)
    against = Interval(-seen.value, -seen.high, -seen.low, seen.n)
    said = f"the error of what it would have said was {abs(seen.value):.3f} {'larger' if seen.value > 0 else 'smaller'} than that of guessing (n={seen.n})"
    return Effect(_verdict(against, 0.0), None, seen.value, 0, seen.n, against.value, against.low, against.high, said)
