"""Do the figures of a profile hold? Counts them again from the data, by another library than the one that made them.

Rows, columns, empty cells, distinct values, and least, most and mean of numbers. Exit 0 with the counts, or 1 with what differs.
"""

import argparse
import json
import math
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", required=True)
    parser.add_argument("--page", required=True)
    parser.add_argument("--figures", required=True)
    args = parser.parse_args()
    data, page, figures = Path(args.data), Path(args.page), Path(args.figures)
    missing = [str(p) for p in (data, page, figures) if not p.is_file()]
    if missing:
        print(f"not there: {', '.join(missing)}")
        return 1
    told = json.loads(figures.read_text(encoding="utf-8"))
    table = read(data)
    names = [c["name"] for c in told["columns"]]
    wrong = [] if names == table.column_names else [f"columns {names} and not {table.column_names}"]
    wrong += [f"{told['rows']} rows and not {table.num_rows}"] if told["rows"] != table.num_rows else []
    wrong = wrong or [w for c in told["columns"] for w in differences(c, table.column(c["name"]))]
    if wrong:
        print("; ".join(wrong[:5]))
        return 1
    print(f"{table.num_rows:,} rows of {table.num_columns} columns counted again: empty and distinct values, ranges and means are the same")
    return 0


def read(data: Path) -> pa.Table:
    """An empty field is no value, of texts too."""
    if data.suffix.casefold() == ".parquet":
        return pyarrow.parquet.read_table(data)
    convert = pyarrow.csv.ConvertOptions(null_values=[""], strings_can_be_null=True, quoted_strings_can_be_null=False)
    return pyarrow.csv.read_csv(data, parse_options=pyarrow.csv.ParseOptions(newlines_in_values=True), convert_options=convert)


def differences(told: dict[str, Any], values: pa.ChunkedArray) -> list[str]:
    """What of the column is told otherwise than it is."""
    found: list[tuple[str, float, float]] = [("empty", told["empty"], values.null_count)]
    if pa.types.is_null(values.type):
        found.append(("distinct", told["distinct"], 0))
    elif not pa.types.is_nested(values.type):
        found.append(("distinct", told["distinct"], pc.count_distinct(values, mode="only_valid").as_py()))
    if told["mean"] is not None and (pa.types.is_integer(values.type) or pa.types.is_floating(values.type)):
        ends = pc.min_max(values).as_py()
        found += [("least", float(told["least"]), float(ends["min"])), ("most", float(told["most"]), float(ends["max"]))]
        found.append(("mean", told["mean"], pc.mean(values).as_py()))
    return [f"{told['name']}: {what} is {now} and not {then}" for what, then, now in found if not same(then, now)]


def same(then: float, now: float) -> bool:
    return then == now or math.isclose(then, now, rel_tol=1e-9, abs_tol=1e-12)


if __name__ == "__main__":
    sys.exit(main())
