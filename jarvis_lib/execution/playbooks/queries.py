"""What does each of an app's queries return, and how long does it take? Read-only, in the order of the file."""

import hashlib
import re
import sqlite3
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from jarvis_lib.execution.playbooks.statements import blocks, filled
from jarvis_lib.model.fact import Refused

_SLOW_S = 0.05  # a query that takes longer is timed once only: its noise is small beside it


@dataclass(frozen=True, slots=True)
class Query:
    """One SELECT of the app. `name` comes from its `-- name:` comment, else its number in the file."""

    name: str
    sql: str


@dataclass(frozen=True, slots=True)
class Run:
    """What one query did: best seconds and CPU seconds of the repeats, its rows, and a SHA-256 over them in their order."""

    seconds: float
    cpu: float
    rows: int
    digest: str


def read_queries(path: Path) -> list[Query]:
    """The queries in `path`, each ended by a semicolon. Refuses a missing file, a file without any, and what is no SELECT."""
    if not path.is_file():
        raise Refused(f"The queries file {path} does not exist; give the path of a file with SELECTs, each ended by a semicolon.", code="missing")
    found = [_query(text, number) for number, text in enumerate(_statements(path.read_text(encoding="utf-8")), 1)]
    if not found:
        raise Refused(f"{path} holds no query that is ended by a semicolon.", code="usage")
    return found


def _statements(text: str) -> list[str]:
    found, held = [], ""
    for piece in re.split(r"(?<=;)", text):
        held += piece
        if sqlite3.complete_statement(held):
            if _bare(held).rstrip(";").strip():
                found.append(held.strip())
            held = ""
    rest = _bare(held)
    if rest:
        raise Refused(f"The last query has no semicolon at its end: {' '.join(rest.split())[:60]!r}.", code="usage")
    return found


def _bare(sql: str) -> str:
    return re.sub(r"--[^\n]*|/\*.*?\*/", "", sql, flags=re.DOTALL).strip()


def _query(text: str, number: int) -> Query:
    named = re.search(r"--\s*name:\s*([\w.-]+)", text)
    words = _bare(text).split(None, 1)
    if words[0].upper() not in ("SELECT", "WITH", "VALUES"):
        raise Refused(f"Query {number} begins with {words[0][:30]!r}; only SELECTs can be optimised here.", code="usage")
    return Query(named.group(1) if named else f"query {number}", text)


def run(con: sqlite3.Connection, query: Query, *, repeats: int = 1) -> Run:
    """`query` run on `con`, at most `repeats` times; the best time counts. Refuses a query that the database does not know."""
    times: list[tuple[float, float]] = []
    rows: list[object] = []
    while len(times) < repeats and not (times and times[-1][0] > _SLOW_S):
        begun, begun_cpu = time.perf_counter(), time.thread_time()
        try:
            rows = con.execute(query.sql).fetchall()
        except sqlite3.Error as error:
            raise Refused(f"The query {query.name!r} does not run on this database: {error}.", code="usage") from error
        times.append((time.perf_counter() - begun, time.thread_time() - begun_cpu))
    digest = hashlib.sha256("\n".join(map(repr, rows)).encode("utf-8", "surrogatepass")).hexdigest()
    return Run(min(t for t, _ in times), min(c for _, c in times), len(rows), digest)


def run_all(con: sqlite3.Connection, queries: Sequence[Query], *, repeats: int = 1) -> dict[str, Run]:
    """Each query's run by its name."""
    return {q.name: run(con, q, repeats=repeats) for q in queries}


def plan(con: sqlite3.Connection, query: Query) -> list[str]:
    """The planner's steps for `query`, in words. Refuses a query that the database does not know."""
    sql = filled(blocks("sqlite")["explain"]).replace("{query}", query.sql)
    try:
        return [row[3] for row in con.execute(sql)]
    except sqlite3.Error as error:
        raise Refused(f"The query {query.name!r} does not run on this database: {error}.", code="usage") from error


def columns_of(con: sqlite3.Connection) -> dict[str, list[str]]:
    """Every ordinary table with its columns."""
    own = blocks("sqlite")
    tables = [name for (name,) in con.execute(own["tables"])]
    return {t: [c for (c,) in con.execute(own["columns"], {"table": t})] for t in tables}


def columns_read(con: sqlite3.Connection, query: Query) -> dict[str, list[str]]:
    """The columns of each table that `query` reads, as SQLite itself reports them."""
    found: dict[str, list[str]] = {}

    def note(action: int, table: str | None, column: str | None, *_: object) -> int:
        if action == sqlite3.SQLITE_READ and table and column and column not in found.setdefault(table, []):
            found[table].append(column)
        return sqlite3.SQLITE_OK

    con.set_authorizer(note)
    try:
        plan(con, query)
    finally:
        con.set_authorizer(None)
    return found
