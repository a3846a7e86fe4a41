"""How is a trained model kept? One file with the model, its columns and its target, and the record of how it was judged.

Reading one runs nothing: it is in the format of skops, which builds only objects of named types, and those of scikit-learn's that `retrain` makes are
all that is allowed here. What else a file asks for, it is refused.
"""

import csv
import hashlib
import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from jarvis_lib.learning import held_out
from jarvis_lib.learning.held_out import Compared
from jarvis_lib.model.fact import Refused

TRUSTED = ("jarvis_lib.learning.held_out.floats", "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor")
"""What a model of ours holds beyond the types that skops knows to be harmless: our own reading of numbers, and the trees of the boosted model."""
LARGEST = 1 << 30
"""Bytes of a model file when it is unpacked."""


@dataclass(frozen=True, slots=True)
class Kept:
    """What stands in a model file."""

    model: Any
    columns: tuple[str, ...]
    target: str
    kind: str


def read_rows(data: Path) -> list[dict[str, str]]:
    """The rows of a CSV file with a head. Refuses a missing file, an empty one, and lines that do not fit the head."""
    if not data.is_file():
        raise Refused(f"There is no file {data}; give a CSV file of the workspace.", code="missing")
    with data.open(encoding="utf-8-sig", newline="") as stream:
        lines = list(csv.reader(stream))
    if len(lines) < 2:
        raise Refused(f"{data} has no rows below its head.", code="usage")
    wrong = next((n for n, line in enumerate(lines, 1) if len(line) != len(lines[0])), 0)
    if wrong:
        raise Refused(f"Line {wrong} of {data} has another number of fields than its head.", code="usage")
    return [dict(zip(lines[0], line, strict=True)) for line in lines[1:]]


def read_model(path: Path) -> Kept | None:
    """The model in use, or None where there is none yet. Refuses a file that is none of ours."""
    if not path.is_file():
        return None
    try:
        found = _loaded(path.read_bytes())
    except Exception as error:  # whatever it is that a foreign file makes the reader say, it means the same here
        raise Refused(f"{path} is no model that this recipe wrote ({type(error).__name__}); move it away, or name another file.") from error
    if not isinstance(found, dict) or set(found) != {"model", "columns", "target", "kind"}:
        raise Refused(f"{path} is no model that this recipe wrote; move it away, or name another file.")
    return Kept(**found)


def _loaded(content: bytes) -> Any:
    import skops.io

    with zipfile.ZipFile(io.BytesIO(content)) as packed:
        if sum(entry.file_size for entry in packed.infolist()) > LARGEST:
            raise ValueError("larger than a model may be")
    return skops.io.loads(content, trusted=list(TRUSTED))


def losses_of(kept: Kept, rows: held_out.Rows) -> Any:
    """The loss of each row under a kept model."""
    predicted = kept.model.predict(held_out.table(rows, kept.columns))
    return held_out.losses(predicted, held_out.targets(rows, kept.target, kept.kind), kept.kind)


def retrain(rows: held_out.Rows, target: str, old: Kept | None, *, seed: int) -> tuple[Kept, Compared]:
    """A new model, and how it compares with the one in use (or with the best constant) on the rows that were held out."""
    from threadpoolctl import threadpool_limits

    kind = held_out.kind_of(rows, target)
    if old is not None and (old.target, old.kind) != (target, kind):
        raise Refused(f"The model in use predicts {old.target} as a {old.kind}, and not {target} as a {kind}; name another file for this one.")
    seen, held = held_out.split(rows)
    columns = tuple(c for c in rows[0] if c != target)
    with threadpool_limits(1):  # on a busy machine threads that wait for each other cost far more than they bring
        new = Kept(held_out.train(seen, target, kind, seed=seed), columns, target, kind)
        own = losses_of(new, held)
        other = losses_of(old, held) if old is not None else None
    if other is not None:
        return new, held_out.compare(own, other, kind, "the model in use", seed=seed)
    flat = held_out.losses([held_out.constant(seen, target, kind)] * len(held), held_out.targets(held, target, kind), kind)
    return new, held_out.compare(own, flat, kind, "the best constant", seed=seed)


def ship(new: Kept, found: Compared, path: Path, record_path: Path, data: Path) -> tuple[Path, Path]:
    """Put the new model in place of the old one, with the record of its comparison. Refuses one that is not better: nothing is written then."""
    if not found.better:
        raise Refused(f"{held_out.said(found)}. The model in use stays.")
    for file in (path, record_path):
        file.parent.mkdir(parents=True, exist_ok=True)
    import skops.io

    content = skops.io.dumps({"model": new.model, "columns": new.columns, "target": new.target, "kind": new.kind})
    record: Mapping[str, Any] = asdict(found) | {"data_sha256": _sha256(data.read_bytes()), "model_sha256": _sha256(content), "target": new.target}
    _put(path, content)
    _put(record_path, (json.dumps(record, indent=1) + "\n").encode())
    return path, record_path


def _put(path: Path, content: bytes) -> None:
    half = path.with_name(path.name + ".half")
    half.write_bytes(content)
    half.replace(path)


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
