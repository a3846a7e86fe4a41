"""Which rows does this table lack, and can they be filled in from a file without touching one that is there?

Promise: one transaction, or nothing. A row of the source whose key the table has already is left out, and counted where it differs; no row is changed or
removed. A source that does not fit (columns, doubled keys, empty keys) is refused before the first write.
"""

import csv
import json
import sqlite3
from collections import Counter
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from jarvis_lib.execution.playbooks.statements import blocks, filled, quoted, read_only, writing
from jarvis_lib.model.fact import Refused
from jarvis_lib.model.prose import clean, listed, plural


@dataclass(frozen=True, slots=True)
class Source:
    """The rows of the CSV file: its columns, the key's columns, and the values in the order of the columns (empty text is nothing)."""

    columns: tuple[str, ...]
    key: tuple[str, ...]
    rows: tuple[tuple[str | None, ...], ...]


@dataclass(frozen=True, slots=True)
class Filled:
    """What was done: rows before and after, rows of the source, those that were new, and keys that stand in both with other values."""

    table: str
    before: int
    after: int
    source: int
    new: int
    differing: int


def read_source(source: Path, key: str) -> Source:
    """The source from a CSV file with a head. `key` names its key's columns, separated by commas. Refuses what does not fit, with the line."""
    if not source.is_file():
        raise Refused(f"There is no file {source}; give a CSV file of the workspace.", code="missing")
    with source.open(encoding="utf-8-sig", newline="") as stream:
        lines = list(csv.reader(stream))
    if not lines:
        raise Refused(f"{source} is empty; its first line must name the columns.", code="usage")
    columns = tuple(lines[0])
    names = tuple(word.strip() for word in key.split(",") if word.strip())
    unknown = [name for name in names if name not in columns]
    if not names or unknown or len(set(columns)) != len(columns):
        raise Refused(f"{source} has the columns {listed(list(columns))}; the key {key!r} must name some of them, each column once.", code="usage")
    rows = tuple(tuple(value or None for value in row) for row in lines[1:])
    wrong = next((n for n, row in enumerate(rows, 2) if len(row) != len(columns)), 0)
    if wrong:
        raise Refused(f"Line {wrong} of {source} has another number of fields than its head; nothing was filled in.", code="usage")
    _refuse_bad_keys(source, columns, names, rows)
    return Source(columns, names, rows)


def _refuse_bad_keys(source: Path, columns: tuple[str, ...], key: tuple[str, ...], rows: tuple[tuple[str | None, ...], ...]) -> None:
    at = [columns.index(name) for name in key]
    keys = [tuple(row[i] for i in at) for row in rows]
    empty = next((n for n, k in enumerate(keys, 2) if None in k), 0)
    if empty:
        raise Refused(f"Line {empty} of {source} has an empty key; nothing was filled in.", code="usage")
    doubled = [k for k, n in Counter(keys).items() if n > 1]
    if doubled:
        raise Refused(f"The key {clean(str(doubled[0]))[:80]} stands in {source} more than once; nothing was filled in.", code="usage")


def missing(database: Path, table: str, source: Source) -> int:
    """How many rows of the source the table lacks. Refuses a database or table that is not there, and columns that the table does not have."""
    with closing(_opened(database, table, source, write=False)) as con:
        return int(con.execute(_named("count_new", table, source)).fetchone()[0])


def fill(database: Path, table: str, source: Source) -> Filled:
    """Add the rows that are missing, in one transaction, and count. Raises Refused, with the table as it was, when the database takes one of them not."""
    with closing(_opened(database, table, source, write=True)) as con:
        own = blocks("backfill")
        con.execute(own["begin"])
        try:
            before = int(con.execute(_named("count", table, source)).fetchone()[0])
            differing = int(con.execute(_named("count_differing", table, source)).fetchone()[0])
            new = con.execute(_named("fill", table, source)).rowcount
            after = int(con.execute(_named("count", table, source)).fetchone()[0])
            if after != before + new:
                raise Refused(f"{table} has {after} rows and not {before} + {new}, so a trigger changed more; nothing was filled in.")
            con.execute(own["commit"])
        except sqlite3.Error as error:
            con.execute(own["rollback"])
            raise Refused(f"{table} does not take the rows ({clean(str(error))[:200]}); nothing was filled in.") from error
        except Refused:
            con.execute(own["rollback"])
            raise
    return Filled(table, before, after, len(source.rows), new, differing)


def _opened(database: Path, table: str, source: Source, *, write: bool) -> sqlite3.Connection:
    """A connection with the source's rows in a table of its own, each column of the kind that the table gives it."""
    if not database.is_file():
        raise Refused(f"There is no database {database}; give a SQLite file of the workspace.", code="missing")
    con = writing(database) if write else read_only(database)
    own = blocks("backfill")
    try:
        kinds = {name: kind for _, name, kind, *_ in con.execute(filled(own["columns"], table=table))}
        unknown = [c for c in source.columns if c not in kinds]
        if not kinds or unknown:
            why = f"has no column {listed(unknown)}" if kinds else "is no table of it"
            raise Refused(f"{table!r} {why} in {database}, so nothing was filled in.", code="usage")
        typed = ", ".join(f"{quoted(c)} {kinds[c]}" for c in source.columns)
        con.execute(own["source"].replace("{typed}", typed))
        con.executemany(own["load"].replace("{marks}", ", ".join("?" * len(source.columns))), source.rows)
    except sqlite3.Error as error:
        con.close()
        raise Refused(f"{database} cannot be read: {clean(str(error))[:200]}", code="failed") from error
    except Refused:
        con.close()
        raise
    return con


def _named(name: str, table: str, source: Source) -> str:
    same = " AND ".join(f"t.{quoted(k)} = s.{quoted(k)}" for k in source.key)
    other = " OR ".join(f"t.{quoted(c)} IS NOT s.{quoted(c)}" for c in source.columns)
    return filled(blocks("backfill")[name], table=table, columns=source.columns).replace("{same}", same).replace("{other}", other)


def said(done: Filled) -> str:
    """What was done, in one sentence."""
    kept = f"; {plural(done.differing, 'row')} stood there with other values and stayed" if done.differing else ""
    return f"{plural(done.new, 'row')} of {done.source} were missing in {done.table} and are there now ({done.before} to {done.after}){kept}"


def save(done: Filled, out: Path) -> Path:
    """The record as JSON."""
    out.parent.mkdir(parents=True, exist_ok=True)
    half = out.with_name(out.name + ".half")
    record: dict[str, Any] = asdict(done)
    half.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    half.replace(out)
    return out
