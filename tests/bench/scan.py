"""`python -m tests.bench.scan [METRICS] [DAYS]`: what a scan costs on a month of minute data, and `metrics` on ten million points.

Each run is a process of its own, in turns with its baseline: polars reading the same files and taking the medians of five minutes, and nothing else.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.bench.timing import ENVIRONMENT

NOW = datetime(2026, 11, 23, 23, 30, tzinfo=UTC)
RUNS = 3

RUN = """
import resource, sys, time
from datetime import datetime
from jarvis_lib import problem_predictor
from jarvis_lib.workspace import open_workspace
what, home, now = sys.argv[1], sys.argv[2], datetime.fromisoformat(sys.argv[3])
place = open_workspace(home, clock=lambda: now, actor="person:bench")
begin, work = time.perf_counter(), time.process_time()
if what == "metrics":
    problem_predictor.metrics(place, now=now)
else:
    problem_predictor.look(place, now=now, past=what == "past")
print(time.perf_counter() - begin, time.process_time() - work, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""
BASE = """
import glob, sys, time
import polars as pl
begin, work = time.perf_counter(), time.process_time()
frame = pl.scan_parquet(sorted(glob.glob(sys.argv[1] + "/data/metrics/raw/day-*.parquet")))
frame.with_columns(pl.col("at").dt.truncate("5m")).group_by("metric", "at").agg(pl.col("value").median()).collect()
import resource
print(time.perf_counter() - begin, time.process_time() - work, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""


def month(home: Path, metrics: int, days: int) -> None:
    """Minute data of a daily rhythm with noise, as a year of scans would have left it: one file of points for each day."""
    import numpy as np
    import polars as pl

    from jarvis_lib.model.settings import template

    (home / "jarvis.toml").write_text(template().replace("limits = {}", "limits = { plugin = 0.9 }"))
    raw = home / "data" / "metrics" / "raw"
    raw.mkdir(parents=True)
    rng = np.random.default_rng(7)
    minutes = np.arange(1440)
    for back in range(days):
        day = (NOW - timedelta(days=back)).replace(hour=0, minute=0)
        kept = minutes if back else minutes[: NOW.hour * 60 + NOW.minute]
        at = np.datetime64(day.replace(tzinfo=None), "us") + kept.astype("timedelta64[m]")
        values = [0.4 + 0.1 * np.sin(kept / 1440 * 2 * np.pi) + 0.1 * (m % 3 == 0) * (1 - back / 30) + rng.normal(0, 0.02, len(kept)) for m in range(metrics)]
        names = [f"plugin:m{m:03}" for m in range(metrics) for _ in kept]
        frame = pl.DataFrame({"at": np.tile(at, metrics), "metric": names, "value": np.concatenate(values)})
        frame.sort("metric", "at").write_parquet(raw / f"day-{day:%Y%m%d}.parquet")


def run(code: str, *words: str) -> tuple[float, float, float]:
    """Seconds, seconds of work and megabytes of one process."""
    done = subprocess.run([sys.executable, "-c", code, *words], check=True, capture_output=True, text=True, env=ENVIRONMENT)
    seconds, work, megabytes = (float(w) for w in done.stdout.split())
    return seconds, work, megabytes


def measure(home: Path, name: str, what: str, goal: str) -> str:
    """One line of the table: medians of the runs, taken in turns with the baseline."""
    pairs = [(run(RUN, what, str(home), NOW.isoformat()), run(BASE, str(home))) for _ in range(RUNS)]
    own = [statistics.median(p[0][i] for p in pairs) for i in range(3)]
    base = statistics.median(p[1][1] for p in pairs)
    return f"| {name} | {own[0]:.2f} s | {own[1]:.2f} s | {own[2]:.0f} MB | {own[1] / base:.2f} x medians by polars | {goal} |"


def main() -> None:
    """Print the table."""
    metrics, days = (int(w) for w in (*sys.argv[1:], "50", "30")[:2]) if len(sys.argv) > 2 else (50, 30)
    print(f"{metrics} metrics x {days} days of minute data; load of this machine {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores\n")
    print("| what | wall | work | memory | ratio in this run | goal |\n|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        month(home, metrics, days)
        begin = time.perf_counter()
        run(RUN, "quick", str(home), NOW.isoformat())
        first = time.perf_counter() - begin
        print(measure(home, "`scan --quick`", "quick", "< 1 s, < 100 MB more than its imports"))
        print(measure(home, "`scan`", "past", "< 5 s, < 500 MB"))
        print(measure(home, "`metrics`", "metrics", "-"))
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        month(home, 232, 30)
        run(RUN, "quick", str(home), NOW.isoformat())
        print(measure(home, "`metrics`, 10,000,000 points", "metrics", "quick"))
    print(f"\nThe first scan rolls all {days} days up: {first:.1f} s, once.")


if __name__ == "__main__":
    main()
