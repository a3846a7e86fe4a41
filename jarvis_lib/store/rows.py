"""Rows between DuckDB and the rules: the book that the ledger writes in, and the one place where times are converted.

DuckDB keeps naive UTC (an aware datetime bound under another session zone would be off by the offset); everything else in
Jarvis uses aware UTC.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from jarvis_lib.model.book import Row
from jarvis_lib.model.ledger import KEYS

if TYPE_CHECKING:
    import duckdb

_INDEXED = {
    "tasks": ("state",),
    "attempts": ("session",),
    "sessions": ("closed_at",),
    "overrides": ("ended_at",),
    "weekend_builds": ("weekend",),
    "fixes": ("problem",),
    "suggestions": ("state", "pattern"),
    "trust_uses": ("key",),
    "cron_slots": ("session",),
}


def to_db(value: Any) -> Any:
    """Aware datetimes become naive UTC; a naive one is an error."""
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise ValueError(f"a time without a zone: {value}")
        return value.astimezone(UTC).replace(tzinfo=None)
    return value


def from_db(value: Any) -> Any:
    """Naive UTC becomes aware UTC."""
    return value.replace(tzinfo=UTC) if isinstance(value, datetime) and value.tzinfo is None else value


def fetch(con: "duckdb.DuckDBPyConnection", sql: str, params: dict[str, Any] | None = None) -> list[Row]:
    """All rows of one statement as dicts with aware times."""
    cursor = con.execute(sql, {k: to_db(v) for k, v in (params or {}).items()})
    names = [d[0] for d in cursor.description or ()]
    timed = [d[0] for d in cursor.description or () if str(d[1]).startswith("TIMESTAMP") or str(d[1]) == "DATETIME"]
    found = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    for name in timed:
        for row in found:
            row[name] = from_db(row[name])
    return found


class Rows:
    """A `Book` over a connection (rows are loaded when asked for) or over nothing (a rebuild from the first fact)."""

    def __init__(self, con: "duckdb.DuckDBPyConnection | None") -> None:
        self._con = con
        self._rows: dict[str, dict[str, Row]] = {t: {} for t in KEYS}
        self._absent: dict[str, set[str]] = {t: set() for t in KEYS}
        self._index: dict[tuple[str, str], dict[Any, set[str]]] = {(t, c): {} for t, cs in _INDEXED.items() for c in cs}
        self._asked: set[tuple[str, str, Any]] = set()
        self._dirty: dict[str, dict[str, None]] = {t: {} for t in KEYS}
        self._added: dict[str, list[Row]] = {}

    def get(self, table: str, key: str) -> Row | None:
        """The rule's own copy; read from the database when it was not seen before."""
        row = self._rows[table].get(key)
        if row is None and self._con is not None and key not in self._absent[table]:
            self.prefetch(table, [key])
            row = self._rows[table].get(key)
        return dict(row) if row is not None else None

    def prefetch(self, table: str, keys: Iterable[str]) -> None:
        """Load the rows with these keys in one query."""
        wanted = [k for k in dict.fromkeys(keys) if k not in self._rows[table] and k not in self._absent[table]]
        if self._con is None or not wanted:
            return
        column = KEYS[table]
        for row in fetch(self._con, f'SELECT * FROM {table} WHERE "{column}" IN (SELECT unnest($keys::VARCHAR[]))', {"keys": wanted}):  # noqa: S608  # names of our own schema
            self._keep(table, row)
        self._absent[table].update(k for k in wanted if k not in self._rows[table])

    def put(self, table: str, row: Row) -> None:
        """Kept here until `flush` writes it."""
        if table not in KEYS:
            self._added.setdefault(table, []).append(row)
            return
        key = row[KEYS[table]]
        self._absent[table].discard(key)
        self._keep(table, dict(row))
        self._dirty[table][key] = None

    def where(self, table: str, column: str, value: Any) -> list[Row]:
        """What the rules have put counts as much as what the database holds."""
        if self._con is not None and (table, column, value) not in self._asked:
            self._asked.add((table, column, value))
            sql = f'SELECT * FROM {table} WHERE "{column}" IS NOT DISTINCT FROM $value'  # noqa: S608  # likewise
            for row in fetch(self._con, sql, {"value": value}):
                if row[KEYS[table]] not in self._rows[table]:
                    self._keep(table, row)
        keys = sorted(self._index[table, column].get(value, ()))
        return [dict(self._rows[table][k]) for k in keys]

    def _keep(self, table: str, row: Row) -> None:
        key = row[KEYS[table]]
        old = self._rows[table].get(key)
        self._rows[table][key] = row
        for column in _INDEXED.get(table, ()):
            index = self._index[table, column]
            if old is not None:
                index.get(old[column], set()).discard(key)
            index.setdefault(row[column], set()).add(key)

    def flush(self, con: "duckdb.DuckDBPyConnection") -> None:
        """Write what has changed. The caller holds the transaction."""
        for table, keys in self._dirty.items():
            if keys:
                if self._con is not None:
                    con.execute(f'DELETE FROM {table} WHERE "{KEYS[table]}" IN (SELECT unnest($1::VARCHAR[]))', [list(keys)])  # noqa: S608  # likewise
                insert(con, table, [self._rows[table][k] for k in keys])
                keys.clear()
        for table, rows in self._added.items():
            insert(con, table, rows)
        self._added.clear()


def insert(con: "duckdb.DuckDBPyConnection", table: str, rows: Sequence[Row]) -> None:
    """Insert rows column by column (one statement, no Arrow needed). Every row must name every column of the table."""
    if not rows:
        return
    types = _types(con, table)
    for row in rows:
        if row.keys() != types.keys():
            raise ValueError(f"row for {table} has {sorted(row)}, the table has {sorted(types)}")
    picked = ", ".join(f"unnest(${i}::{kind}[])" for i, kind in enumerate(types.values(), 1))
    columns = ", ".join(f'"{c}"' for c in types)
    values = [[to_db(row[c]) for row in rows] for c in types]
    con.execute(f"INSERT INTO {table} ({columns}) SELECT {picked}", values)


def _types(con: "duckdb.DuckDBPyConnection", table: str) -> dict[str, str]:
    return {name: kind for name, kind, *_ in con.execute(f"DESCRIBE {table}").fetchall()}
