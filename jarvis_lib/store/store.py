"""The store: write a fact, read rows. An acknowledged fact is on disk, and every reader sees all of them.

One write path: spool file (the acknowledgement) -> journal (the order) -> DuckDB (the queryable state). Whoever opens the store
takes the lock, moves what waits in the spool, reads, and lets go. Nobody holds a connection while a task runs.
"""

import json
import os
import stat
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jarvis_lib.model.book import Row
from jarvis_lib.model.crash import crash_point
from jarvis_lib.model.fact import Fact, Refused, from_json, text
from jarvis_lib.model.import_rules import named
from jarvis_lib.model.ledger import DERIVED_ONLY, apply, derive
from jarvis_lib.model.settings import Settings
from jarvis_lib.store import engine, journal, lock, opening, queries, spool
from jarvis_lib.store.rows import Rows, fetch, insert

if TYPE_CHECKING:
    import duckdb
    import polars


@dataclass(frozen=True, slots=True)
class Applied:
    """What became of a fact: its number in the journal, or the sentence with which a rule refused it."""

    fact: Fact
    seq: int
    refused: str | None


class Reader:
    """Named queries on an open store. Valid inside the `with` that gave it, no longer."""

    def __init__(self, con: "duckdb.DuckDBPyConnection", warnings: Sequence[str] = ()) -> None:
        self._con = con
        self.warnings = list(warnings)

    def rows(self, name: str, **params: Any) -> list[Row]:
        """All rows of the query `name` as dicts; times are aware UTC."""
        return fetch(self._con, queries.block(name), params)

    def one(self, name: str, **params: Any) -> Row | None:
        """The first row, or None."""
        found = self.rows(name, **params)
        return found[0] if found else None

    def frame(self, name: str, **params: Any) -> "polars.DataFrame":
        """The query's answer as a polars frame (naive UTC times)."""
        from jarvis_lib.store.rows import to_db

        found: polars.DataFrame = self._con.sql(queries.block(name), params={k: to_db(v) for k, v in params.items()}).pl()
        return found


class Store:
    """The store of one workspace. Opens its file for moments only; safe to share between threads of a process."""

    def __init__(self, home: Path, settings: Settings) -> None:
        self.home = home
        self.settings = settings
        self.path = home / "data" / "jarvis.duckdb"
        self.lock_path = home / "data" / "store.lock"
        self.wait_s: float = settings.get("store", "wait_seconds")
        self.crash_at: Callable[[str], None] = crash_point
        self._threads = threading.Lock()
        self._replica: opening.Replica | None = None

    # --- writing ---------------------------------------------------------------------------------------------------------

    def append(self, *facts: Fact) -> list[Applied]:
        """Record the facts for good, in this order, and apply them. Raises Refused (busy) when they are recorded but not applied yet."""
        stated = ordered(facts)
        for fact in stated:
            spool.put(self.home, fact)
        self.crash_at("spooled")
        try:
            with self._open(write=True) as (con, _):
                return self._applied(con, stated)
        except Refused as error:
            if error.code != "busy":
                raise
            raise Refused(f"Recorded, not yet applied: {error.sentence}", code="busy") from error

    def write(self, *facts: Fact) -> list[Applied]:
        """Like `append`, but raises Refused with the sentence of the first fact that a rule refused."""
        applied = self.append(*facts)
        for one in applied:
            if one.refused:
                raise Refused(one.refused, code=_code(one.refused))
        return applied

    def _applied(self, con: "duckdb.DuckDBPyConnection", facts: Sequence[Fact]) -> list[Applied]:
        found = {r["id"]: r for r in fetch(con, queries.block("store.facts_by_id"), {"ids": [f.id for f in facts]})}
        return [Applied(f, found[f.id]["seq"], found[f.id]["refused"]) for f in facts]

    # --- reading ---------------------------------------------------------------------------------------------------------

    @contextmanager
    def reading(self) -> Iterator[Reader]:
        """All that was acknowledged, drained and readable. Short: others wait until the `with` ends."""
        with self._open() as (con, warnings), engine.suspicious(self.path):
            yield Reader(con, warnings)

    def snapshot(self, to: Path | None = None) -> Path:
        """A consistent copy for programs that read at leisure: `data/snapshot.duckdb`, replaced atomically."""
        target = to or self.home / "data" / "snapshot.duckdb"
        with self._open(snapshot=target):
            pass
        return target

    def backup(self, to: Path) -> Path:
        """A verified copy at `to`. Refuses a folder that is not there, and to write over anything but an older backup."""
        if not to.parent.is_dir():
            raise Refused(f"There is no folder {to.parent}; make it, or choose another place.", code="missing")
        ours = to.is_relative_to(self.home / "data") and not to.is_relative_to(self.home / "data" / "snapshots")
        if to.is_dir() or ours or (to.exists() and not _is_backup(to)):
            raise Refused(f"{to} is there already and is no backup of a store, so it is not written over; choose another name.", code="refused")
        return self.snapshot(to)

    @contextmanager
    def _open(self, *, write: bool = False, snapshot: Path | None = None) -> "Iterator[tuple[duckdb.DuckDBPyConnection, list[str]]]":
        with self._threads, lock.held(self.lock_path, wait_s=self.wait_s, what="The store"):
            end = journal.tail(self.home)
            waiting = spool.pending(self.home)
            if not (write or waiting or end.dropped or snapshot or engine.is_suspect(self.path)) and self.path.exists():
                with suppress(engine.Held, engine.Damaged, engine.Foreign, opening.Behind), self._reading_only(end) as con:
                    yield con, []
                    return
            with ExitStack() as until_closed:
                with engine.room_for(self.path), engine.suspicious(self.path):
                    current = until_closed.enter_context(opening.opened(self, end))
                    self._drain(current, waiting)
                yield current.con, current.warnings
            if snapshot is not None:
                opening.copy_out(self, current, snapshot)

    @contextmanager
    def _reading_only(self, end: journal.Tail) -> "Iterator[duckdb.DuckDBPyConnection]":
        """The file as it is, if it has all of the journal; raises Behind before anything is yielded otherwise."""
        con = engine.engine()
        engine.attach(con, self.path, read_only=True, name="j")
        try:
            con.execute("USE j")
            opening.check_current(con, end, self.path)
        except BaseException:
            engine.detach(con, "j")
            raise
        try:
            yield con
        finally:
            engine.detach(con, "j")

    # --- the drain -------------------------------------------------------------------------------------------------------

    def _drain(self, current: "opening.Current", waiting: Sequence[str]) -> list[journal.Line]:
        """Move the spool's facts into the journal and the rows, each exactly once; only then remove their files. The new lines."""
        facts, broken = _read_spool(waiting)
        lines: list[journal.Line] = []
        facts = [*current.notices, *facts]
        if facts:
            lines, book = self._decide(current, facts)
            self.crash_at("before-journal")
            opening.commit(current, lines, book, durable=lambda: self._make_durable(lines))
            self.crash_at("after-commit")
            self._tell(lines, current)
        for path in broken:
            aside = Path(path).with_suffix(".unreadable")
            os.replace(path, aside)
            current.warnings.append(f"A spool file is not a fact and was set aside as {aside.name}.")
        for path in waiting:
            if path not in broken:
                os.unlink(path)
        self.crash_at("spool-emptied")
        return lines

    def _make_durable(self, lines: Sequence[journal.Line]) -> None:
        journal.append(self.home, lines)
        self.crash_at("after-journal")

    def _decide(self, current: "opening.Current", facts: Sequence[Fact]) -> tuple[list[journal.Line], Rows]:
        """The journal lines for `facts` and for what follows from them, and the changed rows. Nothing is written yet."""
        book = Rows(current.con)
        known = {r["id"] for r in fetch(current.con, queries.block("store.facts_by_id"), {"ids": [f.id for f in facts]})}
        book.prefetch("tasks", [_task_of(f) for f in facts if _task_of(f)])
        for table, keys in [pair for f in facts for pair in named(f).items()]:
            book.prefetch(table, keys)
        entries: list[tuple[Fact, str | None]] = []
        queue = list({f.id: f for f in facts if f.id not in known}.values())
        stated = {f.id for f in queue}
        while queue:
            fact = queue.pop(0)
            refused = None
            try:
                if fact.kind in DERIVED_ONLY and fact.id in stated:
                    raise Refused(f"A fact {fact.kind} is never stated, it only follows from others.")
                apply(book, fact)
                queue[:0] = derive(book, fact, self.settings.policy)
            except Refused as error:
                refused = error.sentence
            entries.append((fact, refused))
        return journal.chained(entries, after=current.seq, prev=current.hash), book

    def _tell(self, lines: Sequence[journal.Line], current: "opening.Current") -> None:
        """Write the readable views of the facts. A log that cannot be written is a warning: the fact stands in the store."""
        from jarvis_lib.store.logs import write_logs

        trouble = write_logs(self.home / "logs", [line.fact for line in lines if line.refused is None])
        if trouble:
            current.warnings.append(trouble)


def _is_backup(path: Path) -> bool:
    """Is this a copy of a Jarvis store? Only such a file may be replaced by a newer one."""
    import duckdb

    try:
        with engine.attached(path, read_only=True, name="older") as con:
            return any(r["key"] == "schema" for r in fetch(con, queries.block("store.meta")))
    except (engine.Held, engine.Damaged, engine.Foreign, duckdb.Error):
        return False


def ordered(facts: Sequence[Fact]) -> list[Fact]:
    """Facts stated together count in the order given: among equal times the id decides, so ids rise."""
    ids = sorted(f.id for f in facts)
    return [replace(f, id=i) for f, i in zip(facts, ids, strict=True)]


def _task_of(fact: Fact) -> str:
    value = fact.data.get("task", "")
    if isinstance(value, dict):
        value = value.get("id", "")
    return value if isinstance(value, str) else ""


def _read_spool(paths: Sequence[str]) -> tuple[list[Fact], set[str]]:
    facts, broken = [], set()
    for path in paths:
        try:
            if not stat.S_ISREG(os.lstat(path).st_mode):
                raise ValueError("not a file; a pipe would be waited for with the lock held")
            facts.append(from_json(json.loads(Path(path).read_bytes())))
        except (ValueError, OverflowError, RecursionError):
            broken.add(path)
    return sorted(facts, key=lambda f: (f.at, f.id)), broken


def _code(sentence: str) -> str:
    return "missing" if sentence.startswith("There is no ") else "refused"


def fact_rows(lines: Sequence[journal.Line]) -> list[Row]:
    """The journal lines as rows of the table `facts`."""
    return [
        {
            "seq": line.seq,
            "id": line.fact.id,
            "at": line.fact.at,
            "actor": line.fact.actor,
            "kind": line.fact.kind,
            "task": _task_of(line.fact) or None,
            "session": line.fact.data.get("session") if isinstance(line.fact.data.get("session"), str) else None,
            "data": text({"data": line.fact.data, "batch": line.batch, "last": line.last}),
            "v": line.fact.version,
            "refused": line.refused,
            "prev": line.prev,
            "hash": line.hash,
        }
        for line in lines
    ]


__all__ = ["Applied", "Reader", "Store", "fact_rows", "insert"]
