"""`python -m tests.bench.anomaly FOLDER [--boosted]`: is the detector better than simple ones, with one threshold for all series and nothing tuned here?

FOLDER (or JARVIS_DEV_DATA) holds nab_dev.csv.gz (file, timestamp, value), nab_dev_windows.json (file -> [[first, last], ...]) and ms_dev.csv.gz (the
first with a label); the project has none of its own.

NAB's standard profile, from its published definition: a window found counts by the first detection in it, 1 at its beginning and 0 at its end along a
scaled sigmoid, missed -1; each detection outside 0.11 x the sigmoid of its distance past the last window, -1 far from any. The first 15 % of the rows
of a file (at most 750) do not count. 0 is no detection at all, 100 a detection at each window's first row.
Events: a run of labelled rows. An alarm within one or up to SLACK rows beside it is a hit, however many there are; alarms elsewhere are false.
`fixed` is what the package ships; `best here` is the best threshold in hindsight; `split` tunes it on every other file and counts the rest, both ways.
The baselines get the best threshold in hindsight for both tables, which flatters them.
"""

import json
import os
import resource
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import process_time

import numpy as np
import polars as pl
from numpy.typing import NDArray

from jarvis_lib.learning.anomaly import NOTABLE, Detected, detect

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
SLACK = 3
FALSE = 0.11
APART = 3
WEEK_S = 604_800.0


@dataclass(frozen=True, slots=True)
class Series:
    """One metric: seconds, values and the spans (first row, last row) that somebody marked."""

    name: str
    times: Floats
    values: Floats
    spans: tuple[tuple[int, int], ...]

    @property
    def weeks(self) -> float:
        return float(np.ptp(self.times)) / WEEK_S


def seconds(column: pl.Series) -> Floats:
    moments = column.cast(pl.String).str.replace("T", " ").str.slice(0, 19).str.to_datetime("%Y-%m-%d %H:%M:%S")
    return moments.dt.epoch("s").to_numpy().astype(np.float64)


def nab_series(folder: Path) -> list[Series]:
    windows = json.loads((folder / "nab_dev_windows.json").read_text())
    found = []
    for (name,), rows in pl.read_csv(folder / "nab_dev.csv.gz").group_by("file", maintain_order=True):
        times = seconds(rows["timestamp"])
        spans = []
        for pair in windows[name]:
            first, last = seconds(pl.Series(pair))
            spans.append((int(np.flatnonzero(times >= first)[0]), int(np.flatnonzero(times <= last)[-1])))
        found.append(Series(str(name), times, rows["value"].to_numpy().astype(np.float64), tuple(sorted(spans))))
    return found


def cloud_series(folder: Path) -> list[Series]:
    found = []
    for (name,), rows in pl.read_csv(folder / "ms_dev.csv.gz", schema_overrides={"timestamp": pl.String}).group_by("file", maintain_order=True):
        edges = np.diff(np.concatenate([[0], rows["label"].to_numpy(), [0]]))
        spans = tuple(zip(np.flatnonzero(edges == 1).tolist(), (np.flatnonzero(edges == -1) - 1).tolist(), strict=True))
        found.append(Series(str(name), seconds(rows["timestamp"]), rows["value"].to_numpy().astype(np.float64), spans))
    return found


# --- how well ------------------------------------------------------------------------------------------------------------


def sigmoid(position: Floats) -> Floats:
    return np.asarray(np.where(position >= 3, -1.0, 2 / (1 + np.exp(5 * np.minimum(position, 3.0))) - 1), dtype=np.float64)


def weights(series: Series) -> tuple[NDArray[np.int64], Floats]:
    """For each row (the window it lies in or -1, what a detection there is worth)."""
    n = len(series.values)
    inside, position = np.full(n, -1), np.full(n, 3.0)
    ends = [*(first for first, _ in series.spans[1:]), n][: len(series.spans)]
    for window, ((first, last), end) in enumerate(zip(series.spans, ends, strict=True)):
        length = last - first + 1
        inside[first : last + 1] = window
        position[first : last + 1] = -(last - np.arange(first, last + 1) + 1) / length
        position[last + 1 : end] = (np.arange(last + 1, end) - last) / max(length - 1, 1)
    worth = sigmoid(position)
    return inside, np.where(inside >= 0, worth / sigmoid(np.array([-1.0]))[0], FALSE * worth)


def nab(series: Sequence[Series], detections: Sequence[Bools]) -> float:
    """0 for the null detector, 100 for the perfect one."""
    total, windows = 0.0, 0
    for one, found in zip(series, detections, strict=True):
        inside, worth = weights(one)
        rows = np.flatnonzero(found)
        rows = rows[rows >= min(int(0.15 * len(found)), 750)]
        windows += len(one.spans)
        total += float(worth[rows[inside[rows] < 0]].sum())
        for window in range(len(one.spans)):
            total += float(worth[rows[inside[rows] == window]].max(initial=-np.inf)) if (inside[rows] == window).any() else -1.0
    return 100 * (total + windows) / (2 * windows)


@dataclass(frozen=True, slots=True)
class Events:
    hit: int
    false: int
    missed: int

    @property
    def f1(self) -> float:
        return 2 * self.hit / max(2 * self.hit + self.false + self.missed, 1)


def events(series: Sequence[Series], alarms: Sequence[Bools], *, slack: int = SLACK) -> Events:
    hit = false = missed = 0
    for one, found in zip(series, alarms, strict=True):
        rows = np.flatnonzero(found)
        near = [(rows >= first - slack) & (rows <= last + slack) for first, last in one.spans]
        hit += sum(bool(n.any()) for n in near)
        missed += sum(not n.any() for n in near)
        false += int((~np.any(near, axis=0)).sum()) if near else len(rows)
    return Events(hit, false, missed)


def onsets(above: Bools) -> Bools:
    """The first row of each stretch above a threshold; stretches less than APART rows apart are one."""
    rows = np.flatnonzero(above)
    first = np.zeros(len(above), dtype=np.bool_)
    first[rows[np.diff(rows, prepend=-APART - 1) > APART]] = True
    return first


def false_per_week(series: Sequence[Series], alarms: Sequence[Bools]) -> float:
    return events(series, alarms).false / sum(one.weeks for one in series)


# --- baselines -----------------------------------------------------------------------------------------------------------


def gaussian(values: Floats, window: int = 400) -> Floats:
    """-log10 of the two-sided normal tail against mean and spread of the `window` values before."""
    past = pl.Series(values).shift(1)
    mean, spread = (f(window, min_samples=20).to_numpy() for f in (past.rolling_mean, past.rolling_std))
    with np.errstate(divide="ignore", invalid="ignore"):
        z = np.abs(values - mean) / np.maximum(spread, 1e-9 * np.maximum(np.abs(mean), 1))
    z = np.nan_to_num(z, posinf=40.0).clip(0, 40)
    # Mills' ratio within its usual bound, for a tail beyond what erfc can hold
    return np.asarray((z**2 / 2 + np.log(z + np.sqrt(z**2 + 8 / np.pi)) - np.log(4 / np.sqrt(2 * np.pi))) / np.log(10), dtype=np.float64)


def step_sizes(values: Floats) -> Floats:
    """-log10 of the conformal p-value of |v[t] - v[t-1]| among all earlier ones, a tail beyond them by their mean excess over the 98 % quantile."""
    sizes = np.abs(np.diff(values, prepend=values[:1]))
    out, begin = np.zeros(len(sizes)), 20
    while begin < len(sizes):
        end = min(len(sizes), begin + max(4, begin // 16))
        past, rows = np.sort(sizes[:begin]), sizes[begin:end]
        start = past[int(0.98 * (begin - 1))]
        scale = float((past[past >= start] - start).mean())
        rank = -np.log10((begin - np.searchsorted(past, rows) + 1) / (begin + 1))
        out[begin:end] = np.where((rows > start) & (scale > 0), np.log10(50) + (rows - start) / max(scale, 1e-300) / np.log(10), rank)
        begin = end
    return out


# --- tables --------------------------------------------------------------------------------------------------------------


def swept(series: Sequence[Series], scores: Sequence[Floats], thresholds: Floats) -> Floats:
    return np.array([nab(series, [s >= t for s in scores]) for t in thresholds])


def split(series: Sequence[Series], scores: Sequence[Floats], thresholds: Floats) -> tuple[float, float]:
    """(every other file with the threshold of the rest, the rest with theirs)."""
    halves = [swept(series[half::2], scores[half::2], thresholds) for half in (0, 1)]
    return float(halves[0][halves[1].argmax()]), float(halves[1][halves[0].argmax()])


def best_f1(series: Sequence[Series], scores: Sequence[Floats], thresholds: Floats) -> Events:
    return max((events(series, [onsets(s >= t) for s in scores]) for t in thresholds), key=lambda e: e.f1)


def told(name: str, threshold: str, found: Events, loose: Events | None = None) -> str:
    beside = f" ({loose.f1:.3f} without slack)" if loose else ""
    return f"| {name} | {threshold} | {found.f1:.3f}{beside} | {found.hit} hit, {found.false} false, {found.missed} missed |"


def accuracy(folder: Path, *, boosted: bool) -> list[str]:
    marked, cloud = nab_series(folder), cloud_series(folder)

    def judged(series: Sequence[Series], *, with_trees: bool) -> list[Detected]:
        return [detect(one.times, one.values, boosted=with_trees) for one in series]

    lines = ["| NAB standard profile | threshold | score |", "|---|---|---|"]
    also = ["", "| cloud series, events | threshold | F1 | |", "|---|---|---|---|"]
    for with_trees in (False, True) if boosted else (False,):
        name = "jarvis with boosted trees" if with_trees else "jarvis"
        own, other = judged(marked, with_trees=with_trees), judged(cloud, with_trees=with_trees)
        scores, grid = [d.score for d in own], np.arange(0.41, 0.8, 0.01)
        curve, halves = swept(marked, scores, grid), split(marked, scores, grid)
        lines.append(f"| {name} | fixed, {NOTABLE} | {nab(marked, [s >= NOTABLE for s in scores]):.1f} |")
        lines.append(f"| {name} | best here, {grid[curve.argmax()]:.2f} | {curve.max():.1f} |")
        lines.append(f"| {name} | split | {halves[0]:.1f} and {halves[1]:.1f} |")
        alarms = [d.alarm for d in other]
        also.append(told(name, "fixed, one false alarm a week", events(cloud, alarms), events(cloud, alarms, slack=0)))
        weekly = false_per_week(cloud, alarms), false_per_week(marked, [d.alarm for d in own])
        also.append(f"| {name} | false alarms a week | {weekly[0]:.2f} here, {weekly[1]:.2f} on the NAB series | |")
    for name, score in (("windowed Gaussian", gaussian), ("step size, conformal", step_sizes)):
        rows: list[list[Floats]] = [[score(one.values) for one in series] for series in (marked, cloud)]
        grid = np.concatenate([np.arange(1, 10, 0.5), np.arange(10, 60, 5), [100.0, 200.0]])
        lines.append(f"| {name} | best here | {swept(marked, rows[0], grid).max():.1f} |")
        also.append(told(name, "best here", best_f1(cloud, rows[1], grid)))
    return lines + also


def speed() -> list[str]:
    """50 metrics of 30 days of five-minute medians, as a scan reads them, against sorting each of them 200 times."""
    times = 1.7e9 + 300.0 * np.arange(8640)
    waves = [50 + 10 * np.sin(2 * np.pi * times / 86_400) + np.random.default_rng(i).standard_normal(len(times)) for i in range(50)]

    def timed(work: Callable[[Floats], object]) -> float:
        begin = process_time()
        for wave in waves:
            work(wave)
        return process_time() - begin

    own, base = timed(lambda w: detect(times, w)), timed(lambda w: [np.sort(w) for _ in range(200)])
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 << 20 if sys.platform == "darwin" else 1 << 10)
    beside = f"{own / base:.1f} x sorting each of them 200 times"
    return ["", f"50 series x 8,640 points: {own:.1f} s of one core, {beside}; {peak:.0f} MB at most, load {os.getloadavg()[0]:.1f}"]


def main(words: Sequence[str]) -> int:
    plain = [w for w in words if w != "--boosted"]
    folder = Path(plain[0] if plain else os.environ.get("JARVIS_DEV_DATA", "/nowhere"))
    for line in speed():
        print(line, flush=True)
    if not (folder / "nab_dev.csv.gz").is_file():
        print("Its accuracy needs marked series: python -m tests.bench.anomaly FOLDER (or JARVIS_DEV_DATA); the docstring names the files.")
        return 2
    for line in accuracy(folder, boosted="--boosted" in words):
        print(line, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
