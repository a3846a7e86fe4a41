"""How is a whole store carried away, and into an empty workspace? Every fact with its place in the chain, and every table to be read by other programs.

The facts alone are what comes back: the tables are built from them, so they are the same. What is not whole, or would be mixed with facts that are
there already, is refused before anything is written.
"""

import json
import os
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jarvis_lib.model.fact import Fact, Refused, moment
from jarvis_lib.store import engine, journal, queries, spool
from jarvis_lib.store.opening import opened
from jarvis_lib.store.rows import fetch

if TYPE_CHECKING:
    import duckdb

    from jarvis_lib.store.store import Store

FORMATS = {"json": "jsonl", "parquet": "parquet"}
_CHUNK = 5_000
_OWN = ("meta", "facts")
"""Tables that are written otherwise: the facts as lines of the journal, the number of the schema in the manifest."""


def write_out(store: "Store", folder: Path, *, form: str) -> dict[str, Any]:
    """Write `facts` and `tables/` below `folder` in one of FORMATS; what a manifest says of them: facts, head, schema, rows of each table."""
    (folder / "tables").mkdir(parents=True)
    end = FORMATS[form]
    with store._open(write=True) as (con, _):
        tail = journal.tail(store.home)
        rows = {}
        for name in sorted(r["name"] for r in fetch(con, queries.block("store.tables"))):
            if name not in _OWN:
                rows[name] = _copy(con, "carrying.table", name, folder / "tables" / f"{name}.{end}", form)
        if form == "parquet":
            _copy(con, "carrying.facts", "facts", folder / f"facts.{end}", form)
        else:
            _write_lines(store.home, folder / f"facts.{end}")
    return {"facts": tail.seq, "head": tail.hash if tail.seq else "", "schema_version": queries.schema_version(), "tables": rows}


def _copy(con: "duckdb.DuckDBPyConnection", block: str, table: str, path: Path, form: str) -> int:
    options = "FORMAT parquet, COMPRESSION zstd" if form == "parquet" else "FORMAT json"
    text = queries.block(block).replace("{table}", table).replace("{path}", str(path).replace("'", "''")).replace("{options}", options)
    found = con.execute(text).fetchone()
    return int(found[0]) if found else 0


def _write_lines(home: Path, path: Path) -> None:
    with path.open("wb") as stream:
        for line in journal.read(home):
            stream.write(journal.as_bytes(line))
        stream.flush()
        os.fsync(stream.fileno())


def bring_in(store: "Store", facts: Path, *, head: str, count: int) -> int:
    """Make the facts of an export the journal of this empty workspace and build its tables; how many facts that were.

    0 when the workspace has just these facts already. Refuses a workspace with facts of its own, and an export that is not whole.
    """
    from jarvis_lib.store import lock

    with store._threads, lock.held(store.lock_path, wait_s=store.wait_s, what="The store"):
        end = journal.tail(store.home)
        if end.seq and (end.seq, end.hash) == (count, head):
            return 0
        if end.seq or spool.pending(store.home):
            raise Refused(
                f"{store.home} has {end.seq or 'some'} facts of its own, and an export is brought into an empty workspace only; make one with: jarvis init DIR"
            )
        aside = store.home / "data" / f".restoring-{os.getpid()}"
        shutil.rmtree(aside, ignore_errors=True)
        try:
            found = _into_journal(aside, facts, head=head, count=count)
            _put_in_place(store.home, aside)
        finally:
            shutil.rmtree(aside, ignore_errors=True)
        with opened(store, journal.tail(store.home)):
            return found


def _into_journal(aside: Path, facts: Path, *, head: str, count: int) -> int:
    prev, seq = journal.FIRST, 0
    chunk: list[journal.Line] = []
    for line in _lines(facts):
        if line is None or line.seq != seq + 1 or line.prev != prev:
            raise _not_whole(facts, seq + 1)
        prev, seq = line.hash, line.seq
        chunk.append(line)
        if len(chunk) >= _CHUNK:
            journal.append(aside, chunk)
            chunk = []
    journal.append(aside, chunk)
    if (seq, prev if seq else "") != (count, head):
        raise _not_whole(facts, seq)
    return seq


def _not_whole(facts: Path, number: int) -> Refused:
    return Refused(
        f"{facts.name} is not whole (line {number:,}): a fact is missing or was changed. Nothing was brought in; make the export again.", code="failed"
    )


def _lines(facts: Path) -> Iterator[journal.Line | None]:
    """The facts as lines of the journal, None for one that is damaged. Raises Refused for what cannot be read at all."""
    import duckdb

    if facts.suffix != ".parquet":
        with facts.open("rb") as stream:
            yield from map(journal.from_bytes, stream)
        return
    try:
        rows = _rows_of(facts)
    except duckdb.Error as error:
        raise Refused(f"{facts.name} cannot be read ({str(error).splitlines()[0][:120]}); make the export again.", code="failed") from error
    for row in rows:
        yield _line(row)


def _rows_of(facts: Path) -> list[dict[str, Any]]:
    return fetch(engine.engine(), queries.block("carrying.lines").replace("{path}", str(facts).replace("'", "''")))


def _line(row: dict[str, Any]) -> journal.Line | None:
    try:
        own = json.loads(row["data"])
        fact = Fact(row["id"], moment(row["at"].isoformat()), row["actor"], row["kind"], own["data"], row["v"])
        made = journal.make(row["seq"], own["batch"], own.get("last", 0), row["prev"], fact, row["refused"])
    except (ValueError, KeyError, TypeError):
        return None
    return made if made.hash == row["hash"] else None


def _put_in_place(home: Path, aside: Path) -> None:
    target = journal.folder(home)
    if target.exists():
        target.rmdir()  # it is empty: the journal has no line
    if journal.folder(aside).exists():
        os.replace(journal.folder(aside), target)
    spool.sync_folder(target.parent)


def copied(source: Path, target: Path, *, names: Sequence[str]) -> int:
    """Copy the files below these folders of `source` to `target`, but for what is there; how many."""
    count = 0
    for name in names:
        for path in sorted((source / name).rglob("*")):
            to = target / path.relative_to(source)
            if path.is_file() and not path.is_symlink() and not to.exists():
                to.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(path, to)
                count += 1
    return count
