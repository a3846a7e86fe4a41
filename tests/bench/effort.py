"""`python -m tests.bench.effort DATA.csv.gz`: are learned hours better than the person's, and do planned nights finish as often as said?

DATA (or JARVIS_DEV_DATA) is a table of finished tasks with the columns dataset, created, completed, estimate_h, actual_h, category,
priority and project; the project has none of its own. For each dataset, in one run: the tasks in the order in which they ended, cut in time;
from each of five cuts on, what came before is learned and what comes next is forecast. Nothing is tuned here, and nothing is a pass or a fail.
A night is a queue of QUEUE coming tasks, every other one from neighbours in time, the others from anywhere in the part. The person's plan
takes them in order while their estimates fit in 8 hours; the learned one is chosen at 80 %. Both start their tasks in the order of the queue.
Hours done are real hours of tasks that ended in time.
"""

import os
import sys
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from time import perf_counter

import numpy as np
import polars as pl
from numpy.typing import NDArray

from jarvis_lib.learning.effort import Effort, fit

TAUS = np.array([0.1, 0.5, 0.8, 0.9])
NIGHT_H, LEVEL, NIGHTS, QUEUE = 8.0, 0.8, 400, 40
BEGINNINGS, BEGUN = 40, 50
CUTS = (0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
Floats = NDArray[np.float64]


def pinball(error: Floats, said: Floats) -> float:
    """The mean pinball loss of ln(actual / estimate) at p10, p50, p80 and p90."""
    off = error[:, None] - said
    return float(np.maximum(TAUS * off, (TAUS - 1) * off).mean())


def parts(data: pl.DataFrame) -> Iterator[tuple[pl.DataFrame, pl.DataFrame]]:
    """(all that ended before a cut, what ended until the next one)."""
    cuts = [round(len(data) * c) for c in CUTS]
    for begin, end in pairwise(cuts):
        yield data[:begin], data[begin:end]


def error_of(data: pl.DataFrame) -> Floats:
    return np.asarray(np.log(data["actual_h"].to_numpy() / data["estimate_h"].to_numpy()), dtype=np.float64)


def by_estimates(queue: pl.DataFrame) -> list[int]:
    """What a person plans who believes the estimates."""
    chosen, total = [], 0.0
    for row, hours in enumerate(queue["estimate_h"]):
        if total + hours <= NIGHT_H:
            chosen.append(row)
            total += hours
    return chosen


def night(queue: pl.DataFrame, chosen: Sequence[int]) -> tuple[bool, float]:
    """(all done in time, real hours done in time)."""
    hours = queue["actual_h"].to_numpy()[list(chosen)]
    ended = np.cumsum(hours)
    return bool((ended <= NIGHT_H).all()), float(hours[ended <= NIGHT_H].sum())


def nights(model: Effort, coming: pl.DataFrame, count: int, rng: np.random.Generator) -> Iterator[dict[str, tuple[bool, float]]]:
    size = min(QUEUE, len(coming))
    for i in range(count):
        start = int(rng.integers(0, len(coming) - size + 1))
        rows = np.arange(start, start + size) if i % 2 == 0 else rng.choice(len(coming), size, replace=False)
        queue = coming[rows.tolist()]
        yield {
            "estimates": night(queue, by_estimates(queue)),
            "learned": night(queue, model.choose(queue, hours=NIGHT_H, lanes=1, seed=i, level=LEVEL).rows),
            "in order": night(queue, model.choose(queue, hours=NIGHT_H, lanes=1, seed=i, level=LEVEL, by="order").rows),
        }


def beginnings(name: str, data: pl.DataFrame) -> list[str]:
    """With only so many own tasks: the next BEGUN ones, from BEGINNINGS moments all over the dataset."""
    lines = []
    for n in (0, 5, 20, 100):
        errors, said = [], []
        for at in np.linspace(0, len(data) - n - BEGUN, BEGINNINGS).astype(int).tolist():
            coming = data[at + n : at + n + BEGUN]
            learned = fit(data[at : at + n].rename({"completed": "completed_at"}), seed=1).predict(coming)
            errors.append(error_of(coming))
            said.append(np.log(learned.select("p10", "p50", "p80", "p90").to_numpy() / coming["estimate_h"].to_numpy()[:, None]))
        error = np.concatenate(errors)
        own, raw = pinball(error, np.vstack(said)), pinball(error, np.zeros((len(error), 4)))
        held = float((error <= np.vstack(said)[:, 2] + 1e-9).mean())
        lines.append(f"| {name} | {n} own tasks | {own:.4f} | {own / raw:.3f} of the raw estimate | {held:.3f} |")
    return lines


def measure(name: str, data: pl.DataFrame) -> str:
    """The rows of one dataset: forecasts, then nights."""
    errors, fits, played = [], [], []
    said: dict[str, list[Floats]] = {"raw estimate": [], "global ratio quantiles": [], "learned": []}
    rng = np.random.default_rng(1)
    for before, coming in parts(data):
        begin = perf_counter()
        model = fit(before.rename({"completed": "completed_at"}), seed=1)
        fits.append(perf_counter() - begin)
        errors.append(error_of(coming))
        estimates = coming["estimate_h"].to_numpy()[:, None]
        said["raw estimate"].append(np.zeros((len(coming), 4)))
        said["global ratio quantiles"].append(np.tile(np.quantile(error_of(before), TAUS), (len(coming), 1)))
        said["learned"].append(np.log(model.predict(coming).select("p10", "p50", "p80", "p90").to_numpy() / estimates))
        played += list(nights(model, coming, NIGHTS // (len(CUTS) - 1), rng))
    error = np.concatenate(errors)
    forecasts = {way: np.vstack(rows) for way, rows in said.items()}
    best = {way: pinball(error, rows) for way, rows in forecasts.items()}
    lines = [
        f"| {name} | {way} | {best[way]:.4f} | {best[way] / best['global ratio quantiles']:.3f} | {(error <= rows[:, 2] + 1e-9).mean():.3f} |"
        for way, rows in forecasts.items()
    ]
    raw = float(np.mean([n["estimates"][1] for n in played]))
    for way in ("estimates", "learned", "in order"):
        done, hours = float(np.mean([n[way][0] for n in played])), float(np.mean([n[way][1] for n in played]))
        lines.append(f"| {name} | nights by {way} | {done:.1%} finished | {hours:.2f} h done | {hours / raw:.1%} of planning by estimates |")
    return "\n".join([*lines, *beginnings(name, data), f"| {name} | one fit, {len(data):,} tasks | {np.median(fits):.1f} s | | |"])


def main(words: Sequence[str]) -> int:
    path = Path(words[0] if words else os.environ.get("JARVIS_DEV_DATA", ""))
    if not path.is_file():
        print("This bench needs a table of finished tasks: python -m tests.bench.effort DATA.csv.gz (or JARVIS_DEV_DATA); its docstring names the columns.")
        return 2
    data = pl.read_csv(path, try_parse_dates=True, schema_overrides={"priority": pl.String})
    print("| dataset | what | pinball or nights | against global quantiles or hours | held at p80 |\n|---|---|---|---|---|")
    for name in data["dataset"].unique(maintain_order=True):
        print(measure(str(name), data.filter(pl.col("dataset") == name).sort("completed", "task_id")), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
