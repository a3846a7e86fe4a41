"""Is the model that was put in place better than what was there? Judged anew on the held-out rows, from the files alone.

Which rows those are is worked out here again: one of five, by the digest of a row's fields. The saving must be beyond chance: more than 1.96 standard errors
above nothing. The record must be that of this model and this data. Exit 0 with the figures, or 1 with what is wrong.
"""

import argparse
import csv
import hashlib
import json
import statistics
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import skops.io
from threadpoolctl import threadpool_limits

TRUSTED = ["jarvis_lib.learning.held_out.floats", "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor"]
"""The types that such a model holds beyond those that skops knows to be harmless. A file that asks for another one is not read."""


def main() -> int:
    args = arguments()
    data, path, told = Path(args.data), Path(args.model), Path(args.record)
    missing = [str(p) for p in (data, path, told) if not p.is_file()]
    if missing:
        print(f"not there: {', '.join(missing)}")
        return 1
    record = json.loads(told.read_text(encoding="utf-8"))
    if record["model_sha256"] != digest(path.read_bytes()) or record["data_sha256"] != digest(data.read_bytes()):
        print("the record is not that of this model and this data")
        return 1
    rows = read(data)
    held = [r for r in rows if int(digest("\x1f".join(r.values()).encode())[:8], 16) % 5 == 0]
    here = Path.cwd().resolve()
    old = Path(args.before) / (path.resolve().relative_to(here) if path.resolve().is_relative_to(here) else path.name)
    new_loss = judged(skops.io.load(path, trusted=TRUSTED), held)
    old_loss = judged(skops.io.load(old, trusted=TRUSTED), held) if old.is_file() else flat(rows, held, args.target)
    saved = [b - a for a, b in zip(new_loss, old_loss, strict=True)]
    against = "the model before" if old.is_file() else "the best constant"
    said = f"loss {statistics.fmean(new_loss):.4g} against {statistics.fmean(old_loss):.4g} of {against} on {len(held)} held-out rows"
    if not statistics.fmean(saved) > 1.96 * statistics.stdev(saved) / len(saved) ** 0.5:
        print(f"not better beyond chance: {said}")
        return 1
    print(f"better beyond chance: {said}")
    return 0


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", required=True)
    parser.add_argument("--record", required=True)
    parser.add_argument("--before", required=True, help="the folder with the kept copies; without the model in it, there was none")
    parser.add_argument("--data", required=True)
    parser.add_argument("--target", required=True)
    return parser.parse_args()


def read(data: Path) -> list[dict[str, str]]:
    with data.open(encoding="utf-8-sig", newline="") as stream:
        return list(csv.DictReader(stream))


def judged(kept: dict[str, Any], rows: list[dict[str, str]]) -> list[float]:
    """The loss of each row under a kept model."""
    given = np.array([[r.get(c, "") for c in kept["columns"]] for r in rows], dtype=object)
    with threadpool_limits(1):  # threads that wait for each other cost more than they bring
        predicted = kept["model"].predict(given)
    return [loss(p, r[kept["target"]], kept["kind"]) for p, r in zip(predicted, rows, strict=True)]


def flat(rows: list[dict[str, str]], held: list[dict[str, str]], target: str) -> list[float]:
    """The loss of each held-out row under the best constant of the others."""
    out = {id(r) for r in held}
    kind = "quantity" if len({r[target] for r in rows}) > 20 and all(is_number(r[target]) for r in rows) else "class"
    values = [r[target] for r in rows if id(r) not in out]
    guess: Any = statistics.median(map(float, values)) if kind == "quantity" else Counter(values).most_common(1)[0][0]
    return [loss(guess, r[target], kind) for r in held]


def loss(predicted: Any, wanted: str, kind: str) -> float:
    return abs(float(predicted) - float(wanted)) if kind == "quantity" else float(str(predicted) != wanted)


def is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


if __name__ == "__main__":
    sys.exit(main())
