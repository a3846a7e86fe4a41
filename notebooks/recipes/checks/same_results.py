"""Does every query of the app return exactly what it returned before? Byte for byte, in the order given.

Compares the kept copy with the live file, both opened read-only. Exit 0 = the same, 1 = not, with the first difference.
"""

import argparse
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing
from itertools import zip_longest
from pathlib import Path


def main() -> int:
    args = _arguments()
    live = Path(args.database)
    old = _kept(Path(args.before), live)
    total, count = 0, 0
    with closing(_open(old)) as before, closing(_open(live)) as after:
        for count, sql in enumerate(statements(Path(args.queries).read_text(encoding="utf-8")), 1):
            rows, wrong = _compare(before, after, sql)
            if wrong:
                print(f"query {count} ({_first_line(sql)}) {wrong}")
                return 1
            total += rows
    if not count:
        print(f"{args.queries} holds no query, so nothing was compared")
        return 1
    print(f"{count} queries return the same {total:,} rows in the same order before and after")
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--before", required=True, help="the kept copy, or the folder with the kept copies")
    parser.add_argument("--database", required=True, help="the live file, as the task names it")
    parser.add_argument("--queries", required=True)
    return parser.parse_args()


def _kept(before: Path, live: Path) -> Path:
    """The kept copy of `live`: `before` itself, or the file in it under the same relative path."""
    if before.is_file():
        return before
    here = Path.cwd().resolve()
    inside = live.resolve().is_relative_to(here)
    found = before / (live.resolve().relative_to(here) if inside else live.name)
    if found.is_file():
        return found
    raise SystemExit(f"there is no kept copy of {live} in {before}, so nothing can be compared")


def _open(path: Path) -> sqlite3.Connection:
    if not path.is_file():
        raise SystemExit(f"{path} is not there")
    con = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)
    con.text_factory = lambda raw: raw.decode("utf-8", "surrogateescape")  # every byte counts, valid or not
    return con


def statements(text: str) -> Iterator[str]:
    """Each statement that is ended by a semicolon; what has no semicolon at its end is refused."""
    held = ""
    for piece in text.split(";"):
        held += piece + ";"
        if sqlite3.complete_statement(held):
            if _first_line(held).strip("; "):
                yield held
            held = ""
    if _first_line(held).strip("; "):
        raise SystemExit(f"the last query has no semicolon at its end: {_first_line(held)}")


def _first_line(sql: str) -> str:
    """The first line that is no comment."""
    lines = [line.strip() for line in sql.splitlines()]
    return next((line[:60] for line in lines if line and not line.startswith("--")), "")


def _compare(before: sqlite3.Connection, after: sqlite3.Connection, sql: str) -> tuple[int, str]:
    """(rows compared, what differs or an empty string). `repr` tells 1 from 1.0 and one float from the next."""
    old = before.execute(sql)
    try:
        new = after.execute(sql)
    except sqlite3.Error as error:
        return 0, f"does not run any more: {error}"
    if [c[0] for c in old.description] != [c[0] for c in new.description]:
        return 0, "names other columns"
    number = 0
    for number, (left, right) in enumerate(zip_longest(old, new), 1):
        if left is None or right is None:
            return number, f"has {'more' if left is None else 'fewer'} rows than before: it ended at row {number - 1} {'before' if left is None else 'after'}"
        if repr(left) != repr(right):
            return number, f"differs in row {number}: {repr(left)[:150]} before, {repr(right)[:150]} after"
    return number, ""


if __name__ == "__main__":
    sys.exit(main())
