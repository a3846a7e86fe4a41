"""What is in this data set, and what is odd about it? Rows, gaps, distinct values, ranges and likely mistakes of each column.

Promise: the data is read and never changed; every figure is counted in this run, over all rows, and stands in a JSON file, where a
check counts it again in another way.
"""

import json
import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jarvis_lib.model.fact import Refused
from jarvis_lib.model.prose import clean, plural, shorten

if TYPE_CHECKING:
    import polars as pl

TOP = 5
MOSTLY_EMPTY = 0.5


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its type, empty cells, distinct values that are there, smallest and largest, the mean of numbers, the most frequent values."""

    name: str
    kind: str
    empty: int
    distinct: int
    least: str
    most: str
    mean: float | None
    top: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Profile:
    """The data set: its rows, the rows that stand there more than once (beyond the first), its columns, and what is odd."""

    data: str
    rows: int
    repeated: int
    columns: tuple[Column, ...]
    odd: tuple[str, ...]


def read_data(data: Path) -> "pl.DataFrame":
    """The table from a CSV or Parquet file. Refuses a missing file, another kind, and one that cannot be read."""
    import polars as pl

    if not data.is_file():
        raise Refused(f"There is no file {data}; give a CSV or Parquet file of the workspace.", code="missing")
    readers = {".csv": lambda: pl.read_csv(data, infer_schema_length=None), ".parquet": lambda: pl.read_parquet(data)}
    if data.suffix.casefold() not in readers:
        raise Refused(f"{data.name} is neither .csv nor .parquet, which are the kinds that can be profiled.", code="usage")
    try:
        return readers[data.suffix.casefold()]()
    except (pl.exceptions.PolarsError, OSError) as error:
        raise Refused(f"{data} cannot be read as {data.suffix}: {clean(str(error))[:300]}", code="failed") from error


def profile(frame: "pl.DataFrame", data: Path) -> Profile:
    """Count everything, over all rows."""
    columns = tuple(_column(frame[name]) for name in frame.columns)
    repeated = frame.height - frame.unique().height if frame.width else 0
    return Profile(data.as_posix(), frame.height, repeated, columns, tuple(_odd(frame.height, repeated, columns)))


def _column(values: "pl.Series") -> Column:
    there = values.drop_nulls()
    kind = values.dtype
    numeric = kind.is_numeric()
    mean = float(there.mean()) if numeric and there.len() else None  # type: ignore[arg-type]  # a number, since the column is of numbers
    ordered = there.len() > 0 and not kind.is_nested()
    counted = there.cast(str).value_counts(sort=True).head(TOP).rows() if there.len() and not kind.is_nested() else []
    return Column(
        name=values.name,
        kind=str(kind),
        empty=values.null_count(),
        distinct=there.n_unique() if not kind.is_nested() else 0,
        least=str(there.min()) if ordered else "",
        most=str(there.max()) if ordered else "",
        mean=mean if mean is not None and math.isfinite(mean) else None,
        top=tuple((str(value), int(count)) for value, count in counted),
    )


def _odd(rows: int, repeated: int, columns: tuple[Column, ...]) -> list[str]:
    found = [f"{plural(repeated, 'row')} stand there more than once"] if repeated else []
    for c in columns:
        if rows and c.empty == rows:
            found.append(f"{c.name} is empty throughout")
        elif rows and c.empty / rows > MOSTLY_EMPTY:
            found.append(f"{c.name} is empty in {c.empty / rows:.0%} of the rows")
        if c.distinct == 1 and rows > 1:
            found.append(f"{c.name} has one value only")
        if c.kind == "String" and any(value != value.strip() for value, _ in c.top):
            found.append(f"{c.name} has values with spaces around them")
    return found


def said(found: Profile) -> str:
    """The profile in one sentence."""
    odd = f"; odd: {'; '.join(found.odd[:4])}" if found.odd else "; nothing odd"
    return f"{plural(found.rows, 'row')} of {plural(len(found.columns), 'column')}{odd}"


def save(found: Profile, out: Path, figures: Path) -> tuple[Path, Path]:
    """The page as Markdown at `out`, and its figures as JSON; both are whole or not there."""
    for file in (out, figures):
        file.parent.mkdir(parents=True, exist_ok=True)
    _write(figures, json.dumps(asdict(found), indent=1, ensure_ascii=False) + "\n")
    _write(out, _page(found))
    return out, figures


def _write(path: Path, text: str) -> None:
    half = path.with_name(path.name + ".half")
    half.write_text(text, encoding="utf-8")
    half.replace(path)


def _page(found: Profile) -> str:
    head = [
        f"# {clean(found.data)}",
        "",
        f"{said(found)}.",
        "",
        "| column | type | empty | distinct | least | most | mean | most frequent |",
        "|---|---|---|---|---|---|---|---|",
    ]
    return "\n".join([*head, *(_row(found.rows, c) for c in found.columns), ""])


def _row(rows: int, c: Column) -> str:
    share = f"{c.empty:,} ({c.empty / rows:.0%})" if rows else "0"
    top = ", ".join(f"{_cell(value)} ({count:,})" for value, count in c.top[:3])
    mean = "" if c.mean is None else f"{c.mean:.4g}"
    return f"| {_cell(c.name)} | {c.kind} | {share} | {c.distinct:,} | {_cell(c.least)} | {_cell(c.most)} | {mean} | {top} |"


def _cell(value: Any) -> str:
    return shorten(clean(str(value)), 40).replace("|", "\\|").replace("<", "&lt;")
