"""Reading a snapshot at leisure: no lock, no drain, no effect on anybody. Also by the person's own questions, behind a wall."""

from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jarvis_lib.model.fact import Refused
from jarvis_lib.model.prose import clean
from jarvis_lib.store import engine, queries
from jarvis_lib.store.rows import to_db
from jarvis_lib.store.store import Reader

if TYPE_CHECKING:
    import duckdb
    import polars as pl


@contextmanager
def open_snapshot(path: Path | str) -> Iterator[Reader]:
    """A reader on the snapshot at `path`, closed with the `with`. Raises Refused for a missing or unreadable file."""
    if not Path(path).is_file():
        raise Refused(f"There is no snapshot {path}; make one with: jarvis store backup", code="missing")
    try:
        with engine.attached(Path(path), read_only=True, name="snapshot") as con:
            yield Reader(con)
    except (engine.Damaged, engine.Foreign, engine.Held) as error:
        raise Refused(f"The snapshot {path} cannot be read: {error}", code="failed") from error


def answer(path: Path | str, question: str, parameters: Mapping[str, Any] | None = None) -> "pl.DataFrame":
    """The answer to a question in SQL on the snapshot, times as naive UTC. It cannot write the snapshot, nor read or write any other file.

    An engine of its own, since the wall around it can never be taken down again. Raises Refused with what the database says.
    """
    import duckdb

    if not Path(path).is_file():
        raise Refused(f"There is no snapshot {path}; make one with: jarvis store backup", code="missing")
    settings: dict[str, Any] = {"autoinstall_known_extensions": "false", "autoload_known_extensions": "false", "threads": "2", "memory_limit": "1GB"}
    with closing(duckdb.connect(":memory:", config=settings)) as con:
        con.execute("SET TimeZone = 'UTC'")
        con.execute(engine.TEXTS)
        try:
            engine.attach(con, Path(path), read_only=True, name="jarvis")
        except (engine.Damaged, engine.Foreign, engine.Held) as error:
            raise Refused(f"The snapshot {path} cannot be read: {error}", code="failed") from error
        con.execute("USE jarvis")
        for statement in queries.block("lab.wall").split(";"):
            con.execute(statement)
        try:
            _refuse_all_but_a_question(con, question)
            relation = con.sql(question, params={k: to_db(v) for k, v in (parameters or {}).items()})
            if relation is None:
                raise Refused("That is no question: it gives no rows.", code="usage")
            found: pl.DataFrame = relation.pl()
        except (duckdb.Error, ValueError) as error:
            raise Refused(f"The question cannot be answered: {clean(str(error))[:600]}", code="usage") from error
        return found


def _refuse_all_but_a_question(con: "duckdb.DuckDBPyConnection", text: str) -> None:
    """Raise Refused for more or other than one SELECT, or a pivot, which the parser calls several.

    All else may go round the wall: a detached file is attached anew for writing, a COPY may write beside it.
    """
    from duckdb import StatementType

    kinds = [s.type for s in con.extract_statements(text)]
    if len(kinds) != 1 or kinds[0] not in (StatementType.SELECT, StatementType.MULTI):
        raise Refused("Ask one question, which begins with SELECT, FROM, WITH, DESCRIBE, SHOW, SUMMARIZE or PIVOT; nothing else is done here.", code="usage")
