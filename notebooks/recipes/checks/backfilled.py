"""Is every row of the source in the table, and every row that was there before as it was? Compares the kept copy, the live file and the source.

Exit 0 with the counts, or 1 with what is wrong.
"""

import argparse
import csv
import sqlite3
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any


def main() -> int:
    args = arguments()
    live = Path(args.database)
    rows = 'SELECT * FROM "' + args.table.replace('"', '""') + '"'  # noqa: S608  # a quoted name, read only
    with closing(opened(kept(Path(args.before), live))) as before, closing(opened(live)) as after:
        was, now = Counter(before.execute(rows)), Counter(after.execute(rows))
        names = [d[0] for d in after.execute(f"{rows} LIMIT 0").description]
    at = [names.index(word.strip()) for word in args.key.split(",")]
    source = list(keys_of(Path(args.source), args.key))
    wrong = mistakes(was, now, source, at)
    if wrong:
        print("; ".join(wrong))
        return 1
    new = sum((now - was).values())
    print(f"all {sum(was.values()):,} earlier rows are as they were, {new:,} are new, and all {len(source):,} keys of the source are there once")
    return 0


def mistakes(was: Counter[Any], now: Counter[Any], source: list[tuple[str, ...]], at: list[int]) -> list[str]:
    """What is lost, absent, doubled or not of the source."""
    known = set(source)
    lost, new = was - now, now - was
    there = Counter(key_of(row, at) for row in now.elements())
    absent = [k for k in source if k not in there]
    doubled = [k for k in source if there[k] > 1]
    strangers = [row for row in new if key_of(row, at) not in known]
    found = [f"{sum(lost.values())} rows that were there are gone or changed, first {next(iter(lost))}"] if lost else []
    found += [f"{len(absent)} keys of the source are not in the table, first {absent[0]}"] if absent else []
    found += [f"{len(doubled)} keys stand there more than once, first {doubled[0]}"] if doubled else []
    return found + ([f"{len(strangers)} new rows are not of the source, first {strangers[0]}"] if strangers else [])


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--before", required=True, help="the folder with the kept copies")
    parser.add_argument("--database", required=True)
    parser.add_argument("--table", required=True)
    parser.add_argument("--source", required=True)
    parser.add_argument("--key", required=True)
    return parser.parse_args()


def kept(before: Path, live: Path) -> Path:
    here = Path.cwd().resolve()
    found = before / (live.resolve().relative_to(here) if live.resolve().is_relative_to(here) else live.name)
    if not found.is_file():
        raise SystemExit(f"there is no kept copy of {live} in {before}, so nothing can be compared")
    return found


def opened(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)


def keys_of(source: Path, key: str) -> Iterator[tuple[str, ...]]:
    with source.open(encoding="utf-8-sig", newline="") as stream:
        for row in csv.DictReader(stream):
            yield tuple(plain(row[word.strip()]) for word in key.split(","))


def key_of(row: tuple[Any, ...], at: list[int]) -> tuple[str, ...]:
    return tuple(plain(row[i]) for i in at)


def plain(value: Any) -> str:
    """A value as both sides write it: 3, 3.0 and 03 are one number."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        return str(value)
    return str(int(number)) if number.is_integer() else repr(number)


if __name__ == "__main__":
    sys.exit(main())
