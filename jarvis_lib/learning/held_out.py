"""Is a newly trained model better than the one in use? Both are scored on rows that neither has ever seen, and the difference must be beyond chance.

A row is held out by what stands in it and not by its place, so a row that was held out once is held out ever after: the model in use, trained the same
way, has not seen it either. Pure functions; what is read and written is the caller's matter.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from jarvis_lib.model.fact import Refused

Rows = Sequence[Mapping[str, str]]
HELD_OUT = 5
"""One row of so many."""
LEAST = 30
DRAWS = 2000
MANY = 20
"""A target with more different numbers than this is a quantity, with fewer a class."""


@dataclass(frozen=True, slots=True)
class Compared:
    """Both models on the held-out rows: mean loss of each (absolute error, or share of wrong classes), and the interval of 95 % of what the new one saves.

    `better`: the whole interval lies above 0. Without a model in use the other is the best constant.
    """

    kind: str
    against: str
    n: int
    loss_new: float
    loss_old: float
    low: float
    high: float
    better: bool


def is_held_out(row: Mapping[str, str]) -> bool:
    """Whether this row is for judging: by the digest of its fields in the order of the file."""
    text = "\x1f".join(row.values())
    return int(hashlib.sha256(text.encode()).hexdigest()[:8], 16) % HELD_OUT == 0


def split(rows: Rows) -> "tuple[list[Mapping[str, str]], list[Mapping[str, str]]]":
    """(rows to learn from, rows to judge by). Refuses too few of either."""
    held = [row for row in rows if is_held_out(row)]
    seen = [row for row in rows if not is_held_out(row)]
    if len(held) < LEAST or len(seen) < LEAST:
        raise Refused(f"{len(rows)} rows are too few: {len(seen)} to learn from and {len(held)} to judge by, and {LEAST} of each are needed.")
    return seen, held


def kind_of(rows: Rows, target: str) -> str:
    """`quantity` where the target is a number with many values, else `class`. Refuses a target that is no column, or empty somewhere."""
    if target not in rows[0]:
        raise Refused(f"There is no column {target!r}; there are {', '.join(rows[0])}.", code="usage")
    values = [row[target] for row in rows]
    if any(not v for v in values):
        raise Refused(f"The target {target!r} is empty in some rows; a model cannot learn from those. Take them out first.", code="usage")
    return "quantity" if len(set(values)) > MANY and all(_number(v) is not None for v in values) else "class"


def train(rows: Rows, target: str, kind: str, *, seed: int) -> Any:
    """A model that predicts `target` from the other columns, as a scikit-learn pipeline over `table` of the rows."""
    from sklearn.compose import ColumnTransformer
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OrdinalEncoder

    columns = [c for c in rows[0] if c != target]
    if not columns:
        raise Refused("The data has no column but the target, so there is nothing to learn from.", code="usage")
    words = [i for i, c in enumerate(columns) if any(row[c] and _number(row[c]) is None for row in rows)]
    encode = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1, min_frequency=5, max_categories=200)
    numbers = [i for i in range(len(columns)) if i not in words]
    prepare = ColumnTransformer([("words", encode, words), ("numbers", _as_floats(), numbers)])
    learner: Any = HistGradientBoostingRegressor if kind == "quantity" else HistGradientBoostingClassifier
    model = make_pipeline(prepare, learner(random_state=seed, early_stopping=False))
    model.fit(table(rows, columns), targets(rows, target, kind))
    return model


def _as_floats() -> Any:
    from sklearn.preprocessing import FunctionTransformer

    return FunctionTransformer(floats)


def floats(values: Any) -> Any:
    """Columns of text as numbers; what is none is missing."""
    import numpy as np

    return np.array([[_nan(v) for v in row] for row in values], dtype=float).reshape(len(values), -1)


def _nan(value: Any) -> float:
    found = _number(value)
    return float("nan") if found is None else found


def _number(text: Any) -> float | None:
    try:
        return float(text)
    except (TypeError, ValueError):
        return None


def table(rows: Rows, columns: Sequence[str]) -> Any:
    """The columns of the rows as an array of texts, which is what a model of `train` reads."""
    import numpy as np

    return np.array([[row.get(c, "") for c in columns] for row in rows], dtype=object)


def targets(rows: Rows, target: str, kind: str) -> Any:
    """What should have been predicted."""
    import numpy as np

    return np.array([float(row[target]) for row in rows]) if kind == "quantity" else np.array([row[target] for row in rows], dtype=object)


def constant(rows: Rows, target: str, kind: str) -> Any:
    """The best that can be said without looking: the median, or the most frequent class."""
    import numpy as np

    values = targets(rows, target, kind)
    if kind == "quantity":
        return float(np.median(values))
    names, counts = np.unique(values.astype(str), return_counts=True)
    return str(names[counts.argmax()])


def losses(predicted: Any, wanted: Any, kind: str) -> Any:
    """The loss of each row: absolute error, or 1 for a wrong class."""
    import numpy as np

    if kind == "quantity":
        return np.abs(np.asarray(predicted, dtype=float) - np.asarray(wanted, dtype=float))
    return (np.asarray(predicted).astype(str) != np.asarray(wanted).astype(str)).astype(float)


def compare(new: Any, old: Any, kind: str, against: str, *, seed: int) -> Compared:
    """The verdict from the losses of both on the same held-out rows: a paired bootstrap of what the new one saves."""
    import numpy as np

    saved = np.asarray(old) - np.asarray(new)
    random = np.random.default_rng(seed)
    means = saved[random.integers(0, len(saved), (DRAWS, len(saved)))].mean(axis=1)
    low, high = (float(q) for q in np.quantile(means, (0.025, 0.975)))
    return Compared(kind, against, len(saved), float(np.mean(new)), float(np.mean(old)), low, high, low > 0)


def said(found: Compared) -> str:
    """The comparison in one sentence."""
    what = "absolute error" if found.kind == "quantity" else "share of wrong classes"
    word = "better" if found.better else "not better"
    return (
        f"The new model is {word} than {found.against}: {what} {found.loss_new:.4g} against {found.loss_old:.4g} on {found.n} held-out rows "
        f"(saves {found.low:.4g} to {found.high:.4g})"
    )
