"""`python -m tests.bench.routine EVENTS.csv.gz [--refit DAYS]`: are learned routines better than how often something comes?

EVENTS (or JARVIS_DEV_ROUTINE) is a table with the columns person, ts (local wall clock) and type; the project has none of its own. Each person's
later half is forecast day by day, each day from the days before it; the models are learned anew every DAYS days (the package's own default) from
what came before. A row is one type on one day, once the type has come on KNOWN days. Nothing is tuned here, and nothing is a pass or a fail.
Hours are counted where the type happened and the table has a time of day for that person.
"""

import os
import sys
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from time import perf_counter

import numpy as np
import polars as pl
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score

from jarvis_lib.learning.routine import REFIT, RoutineModel, fit

KNOWN = 20
LEVEL = 0.5
Floats = NDArray[np.float64]


def forecasts(model: RoutineModel, events: pl.DataFrame) -> pl.DataFrame:
    """What the model and the baselines say of each day of each person's later half, and what came."""
    days = events.with_columns(day=pl.col("ts").dt.date(), hour=pl.col("ts").dt.hour() + pl.col("ts").dt.minute() / 60)
    came = days.group_by("person", "type", "day").agg(hour=pl.col("hour").min())
    spans = {
        p: (int(a.toordinal() + (b - a).days * 0.5), b.toordinal())
        for p, a, b in days.group_by("person").agg(a=pl.col("day").min(), b=pl.col("day").max()).iter_rows()
    }
    asked = sorted({o for begin, end in spans.values() for o in range(begin, end)})
    begins = pl.DataFrame([(p, date.fromordinal(a), date.fromordinal(b)) for p, (a, b) in spans.items()], schema=["person", "begin", "end"], orient="row")
    said = pl.concat([model.day(date.fromordinal(o)).with_columns(day=pl.lit(date.fromordinal(o))) for o in asked])
    rows = said.join(begins, on="person").filter((pl.col("day") >= pl.col("begin")) & (pl.col("day") < pl.col("end")))
    rows = rows.join(came, on=["person", "type", "day"], how="left").with_columns(happened=pl.col("hour").is_not_null())
    known = (
        came.sort("day").with_columns(n=pl.int_range(pl.len()).over("person", "type") + 1).filter(pl.col("n") == KNOWN).select("person", "type", known="day")
    )
    return (
        rows.join(baselines(model, said.select("person", "type", "day")), on=["person", "type", "day"])
        .join(known, on=["person", "type"])
        .filter(pl.col("day") > pl.col("known"))
    )


def baselines(model: RoutineModel, rows: pl.DataFrame) -> pl.DataFrame:
    """Weekday frequency, without and with forgetting, from the traces of the model."""
    parts = []
    for diary, traced in model._all(model.seen):
        for k, kind in enumerate(diary.types):
            days = [date.fromordinal(diary.first + i) for i in range(len(traced.frequency))]
            own = {"day": days, "weekday": traced.weekday[:, k], "forgetting": traced.frequency[:, k]}
            parts.append(pl.DataFrame({"person": [diary.person] * len(days), "type": [kind] * len(days)} | own))
    return rows.join(pl.concat(parts), on=["person", "type", "day"])


def calibration(said: Floats, came: NDArray[np.bool_]) -> float:
    """The mean distance of what was said from how often it came, over ten bins of equal width."""
    bins = np.minimum((said * 10).astype(int), 9)
    return float(sum(abs(said[bins == b].mean() - came[bins == b].mean()) * (bins == b).mean() for b in np.unique(bins)))


def figures(name: str, rows: pl.DataFrame, way: str) -> str:
    said, came, base = rows[way].to_numpy(), rows["happened"].to_numpy(), rows["base"].to_numpy()
    precision = average_precision_score(came, said)
    skill = 1 - ((said - came) ** 2).mean() / ((base - came) ** 2).mean()
    over = said >= LEVEL
    hit = f"{came[over].mean():.2f} / {came[over].sum() / came.sum():.2f}" if over.any() else "none said"
    against = precision / average_precision_score(came, base)
    return f"| {name} | {way} | {precision:.3f} | {against:.2f} | {skill:+.3f} | {calibration(said, came):.4f} | {hit} |"


def clock(rows: pl.DataFrame) -> str:
    """First hours: median error of h50, share within an hour, how often the 80 % interval held; the baseline is the median of the type so far."""
    timed = rows.filter(pl.col("happened")).with_columns(any=pl.col("hour").max().over("person")).filter(pl.col("any") > 0)
    off = (timed["h50"] - timed["hour"]).abs().to_numpy()
    held = ((timed["h10"] - 1e-9 <= timed["hour"]) & (timed["hour"] <= timed["h90"] + 1e-9)).mean()
    return f"First hours ({len(timed):,}): median error {np.median(off):.2f} h, within 1 h {(off <= 1).mean():.1%}, the 80 % interval held {held:.1%}."


def main(words: Sequence[str]) -> int:
    refit = int(words[words.index("--refit") + 1]) if "--refit" in words else REFIT
    paths = [w for i, w in enumerate(words) if not w.startswith("--") and (i == 0 or words[i - 1] != "--refit")]
    path = Path(paths[0] if paths else os.environ.get("JARVIS_DEV_ROUTINE", ""))
    if not path.is_file():
        print("This bench needs a table of events: python -m tests.bench.routine EVENTS.csv.gz (or JARVIS_DEV_ROUTINE); its docstring names the columns.")
        return 2
    events = pl.read_csv(path, try_parse_dates=True)
    begin = perf_counter()
    rows = forecasts(fit(events, seed=1, refit=refit), events)
    spent = perf_counter() - begin
    print(f"{len(rows):,} rows, {rows['happened'].mean():.1%} happened, {spent:.0f} s with refits every {refit} days\n")
    print("| persons | way | average precision | x base rate's | Brier skill | calibration error | said >= .5: precision / recall |")
    print("|---|---|---|---|---|---|---|")
    for way in ("base", "weekday", "forgetting", "p"):
        print(figures("all", rows, way))
    for name in sorted(rows["person"].unique().to_list()):
        for way in ("forgetting", "p"):
            print(figures(name, rows.filter(pl.col("person") == name), way))
    print(f"\n{clock(rows)}")
    begin = perf_counter()
    newest = max(events["ts"].to_list())
    model = fit(events.filter(pl.col("ts") > pl.lit(newest) - pl.duration(days=5 * 365)), seed=2)
    model.day(newest.date())
    print(f"One night's learning on the newest five years: {perf_counter() - begin:.1f} s, weights {model.chances(newest.date()).weights}.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
