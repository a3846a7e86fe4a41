"""`python -m tests.bench.capacity FILE [--every DAYS] [--levels share|pace] [--plain]`: is a forecast time better than the line of the last month?

FILE is a table with the columns series, t (a day) and v; the project has none of its own. For each series a forecast is made every DAYS days
(120 unless told) from day 365 on, for four thresholds: 2, 5, 10 and 20 % above the level of the day (share), or as far above it as the series
grew in 15, 30, 90 and 180 days of the last year (pace; only where it grew). What a forecaster sees ends on that day.
The truth is the first later day at or above the threshold, within the horizon of 365 days; origins that were not watched that long are left
out. predict_linear answers with a point: all its quantiles are equal, and a line that does not lead there lies beyond the horizon.

pinball: of ln(days), mean of 10, 50 and 90 %, resolved forecasts only, what lies beyond the horizon set to it. all: the same with censored ones,
whose truth is then the horizon. factor: median of max(said / true, true / said) of resolved ones. held: how often the 80 % interval had the
truth, resolved only, and in brackets with censored ones (right where the interval reaches the horizon). Alarms: P(crossed within 30 days) >= 0.5;
false ones are per year of one series that is asked once a month for all four thresholds. Nothing is tuned here; the parts say where a forecast lay: in the
early half of its series' origins or the late one, in the first half of the names or the other. --plain leaves out the trees.
"""

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import perf_counter

import numpy as np
import polars as pl
from numpy.typing import NDArray

from jarvis_lib.learning.capacity import HitTime, forecast, linear
from jarvis_lib.learning.capacity.chances import grid
from jarvis_lib.learning.capacity.history import in_steps, read_points
from jarvis_lib.learning.capacity.members import bootstrap, trees

Floats = NDArray[np.float64]
TAUS = np.array([0.1, 0.5, 0.9])
SHARES = (0.02, 0.05, 0.1, 0.2)
PACES = (15, 30, 90, 180)
HORIZON, WARM, ALARM, MONTH = 365, 365, 30, 30
ZERO = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Asked:
    """One forecast to make: what was known, the level, the day of the crossing (inf beyond the horizon), and the part that it lies in."""

    values: Floats
    threshold: float
    actual: float
    series: str
    late: bool
    other: bool


def levels_of(values: Floats, at: int, by: str) -> list[float]:
    grown = float(values[at] - values[at - 365])
    if by == "share":
        return [float(values[at]) * (1 + s) for s in SHARES]
    return [float(values[at]) + grown * days / 365 for days in PACES] if grown > 0 else []


def asked(data: pl.DataFrame, every: int, by: str = "share") -> list[Asked]:
    found = []
    names = sorted({str(n).split(".")[0] for n in data["series"].unique()}, key=str.casefold)
    for (name,), part in data.group_by("series", maintain_order=True):
        values = part.sort("t")["v"].to_numpy()
        other = names.index(str(name).split(".")[0]) >= len(names) / 2
        origins = range(WARM, len(values) - HORIZON - 1, every)
        for at in origins:
            ahead = np.maximum.accumulate(values[at + 1 : at + 1 + HORIZON])
            for level in levels_of(values, at, by):
                day = float(np.searchsorted(ahead, level) + 1)
                found.append(Asked(values[: at + 1], level, day if day <= HORIZON else np.inf, str(name), at >= (origins[0] + origins[-1]) / 2, other))
    return found


Said = tuple[Floats, float]
"""Days at 10, 50 and 90 % (inf beyond the horizon), and P(crossed within 30 days)."""


def hours_of(one: Asked) -> Floats:
    return ZERO.timestamp() + 86400 * np.arange(1 - len(one.values), 1.0)


def by_line(days: float) -> Callable[[Asked], Said]:
    def say(one: Asked) -> Said:
        took = linear(hours_of(one), one.values, threshold=one.threshold, now=ZERO, days=days)
        at = np.inf if took is None or took > 24 * HORIZON else took / 24
        return np.full(3, at), float(at <= ALARM)

    return say


def said(hit: HitTime) -> Said:
    return np.array([np.inf if q is None else q / 24 for q in (hit.low, hit.mid, hit.high)]), hit.p_within(24 * ALARM)


def ours(boosted: bool) -> Callable[[Asked], Said]:
    def say(one: Asked) -> Said:
        whole = timedelta(days=HORIZON)
        return said(forecast(hours_of(one), one.values, threshold=one.threshold, now=ZERO, horizon=whole, seed=1, boosted=boosted))

    return say


def boosted_alone(one: Asked) -> Said:
    known = in_steps(read_points(hours_of(one), one.values, now=ZERO), horizon_h=24.0 * HORIZON)
    gap, hours = one.threshold - float(one.values[-1]), grid(known.seen, 24.0 * HORIZON)
    plain = bootstrap(known, gap, hours, rng=np.random.default_rng(1), paths=400)
    fitted = trees(known, gap, HORIZON, seed=1)
    curve = plain if fitted is None else fitted.curve(known, gap, hours, plain)
    return said(HitTime(float(curve[-1]), 24.0 * HORIZON, "", {}, hours=tuple(hours.tolist()), chances=tuple(curve.tolist()), least_h=24.0))


def pinball(quantiles: Floats, actual: Floats) -> Floats:
    off = np.log(np.clip(actual, 1, HORIZON))[:, None] - np.log(np.clip(quantiles, 1, HORIZON))
    return np.asarray(np.maximum(TAUS * off, (TAUS - 1) * off).mean(axis=1), dtype=np.float64)


def row(way: str, quantiles: Floats, alarm: Floats, actual: Floats, years: float, base: tuple[float, float] | None) -> tuple[str, tuple[float, float]]:
    """One line of the table, and its two pinballs."""
    resolved, soon = np.isfinite(actual), actual <= ALARM
    each = pinball(quantiles, actual)
    own = (float(each[resolved].mean()), float(each.mean()))
    base = base or own
    off = np.abs(np.log(np.clip(quantiles[:, 1], 1, HORIZON)) - np.log(np.clip(actual, 1, HORIZON)))[resolved]
    shown, truth = np.minimum(quantiles, HORIZON), np.minimum(actual, HORIZON)
    held = (truth >= shown[:, 0] - 0.5) & (truth <= shown[:, 2] + 0.5)
    warned = alarm >= 0.5
    right = int((warned & soon).sum())
    precision, recall = right / max(int(warned.sum()), 1), right / max(int(soon.sum()), 1)
    score = 2 * precision * recall / max(precision + recall, 1e-9)
    false = int((warned & ~soon).sum()) / years
    line = (
        f"| {way} | {own[0]:.4f} ({own[0] / base[0]:.3f}) | {own[1]:.4f} ({own[1] / base[1]:.3f}) | {np.exp(np.median(off)):.2f}x "
        f"| {held[resolved].mean():.3f} ({held.mean():.3f}) | {precision:.2f} / {recall:.2f} / {score:.2f} | {false:.2f} |"
    )
    return line, own


def main(words: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.capacity", description="Forecasts of the time to a threshold against predict_linear.")
    parser.add_argument("file", nargs="?", default=os.environ.get("JARVIS_DEV_DATA", ""))
    parser.add_argument("--every", type=int, default=120)
    parser.add_argument("--levels", choices=("share", "pace"), default="share")
    parser.add_argument("--plain", action="store_true")
    given = parser.parse_args(words)
    if not Path(given.file).is_file():
        print("This bench needs a table of series: python -m tests.bench.capacity FILE (or JARVIS_DEV_DATA); its docstring names the columns.")
        return 2
    cases = asked(pl.read_csv(given.file, try_parse_dates=True), given.every, given.levels)
    ways = {"predict_linear 30 d": by_line(30), "predict_linear 7 d": by_line(7), "predict_linear 90 d": by_line(90), "block bootstrap": ours(boosted=False)}
    if not given.plain:
        ways |= {"boosted quantiles": boosted_alone, "ours": ours(boosted=True)}
    answers, took = {}, {}
    for way, say in ways.items():
        begin = perf_counter()
        answers[way] = [say(c) for c in cases]
        took[way] = (perf_counter() - begin) / len(cases)
    actual, late, other = (np.array([getattr(c, k) for c in cases]) for k in ("actual", "late", "other"))
    parts = {"all": late | True, "early, first half": ~late & ~other, "late, first half": late & ~other, "early, other half": ~late & other}
    for part, inside in (parts | {"late, other half": late & other}).items():
        years = int(inside.sum()) / len(SHARES) * MONTH / 365
        print(
            f"\n**{part}**: {int(inside.sum()):,} forecasts, {np.isfinite(actual[inside]).mean():.0%} resolved, {years:.0f} years of one series asked monthly\n"
        )
        print("| model | pinball (of predict_linear 30 d) | all | factor | 80 % held | alarms P / R / F1 | false a year |\n|---|---|---|---|---|---|---|")
        base = None
        for way, given_answers in answers.items():
            quantiles, alarm = np.array([a[0] for a in given_answers]), np.array([a[1] for a in given_answers])
            line, own = row(way, quantiles[inside], alarm[inside], actual[inside], years, base)
            base = base or own
            print(line, flush=True)
    print("\n" + ", ".join(f"{way} {seconds * 1000:.1f} ms" for way, seconds in took.items()) + " each")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
