"""Is the database what the journal says? If it is behind, catch up; if it is damaged or gone, rebuild; if it is foreign, refuse.

The journal is the truth. A foreign program that holds the file does not stop the work: a replica of the journal in memory serves
until the file is free, and the file catches up at the next opening.
"""

import itertools
import os
import shutil
import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from jarvis_lib.model.fact import Fact, Refused, derived_id
from jarvis_lib.model.ledger import apply
from jarvis_lib.store import engine, journal, queries, spool
from jarvis_lib.store.rows import Rows, fetch, insert

if TYPE_CHECKING:
    import duckdb

    from jarvis_lib.store.store import Store

CHUNK = 20_000
_NUMBERS = itertools.count()
"""Of the replicas of this process: a name made from a store's address may be that of an earlier store, which is gone while its replica is not."""
_LEFT: list[str] = []
"""Replicas that nobody needs any more."""


class Behind(Exception):
    """The file lacks lines of the journal, so it must be opened for writing first."""


class Replica:
    """The journal in memory, for as long as a foreign program holds the file."""

    def __init__(self) -> None:
        self.name = f"replica_{next(_NUMBERS)}"
        self.con = con = engine.engine()
        con.execute(f"ATTACH ':memory:' AS {self.name}")
        con.execute(f"USE {self.name}")
        _create(con, 0, journal.FIRST)


@dataclass
class Current:
    """An open store that has all of the journal: the connection, the last line, and what the person should be told."""

    con: "duckdb.DuckDBPyConnection"
    seq: int
    hash: str
    in_memory: bool = False
    notices: list[Fact] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def check_current(con: "duckdb.DuckDBPyConnection", end: journal.Tail, path: Path) -> None:
    """Nothing when the attached file has exactly the journal's lines; else Behind, or Foreign for a file that is not ours."""
    seq, chain, version = _meta(con, path)
    if (seq, chain, version) != (end.seq, end.hash, queries.schema_version()):
        raise Behind


@contextmanager
def opened(store: "Store", end: journal.Tail, told: Sequence[str] = ()) -> Iterator[Current]:
    """The store for writing, whole and current. The caller holds the lock; what it has done already is `told` with the rest."""
    _refuse_network_folder(store.home)
    notices = [*told, *([end.dropped] if end.dropped else [])]
    try:
        current = _file(store, end, notices)
        if store._replica is not None:
            _LEFT.append(store._replica.name)
            store._replica = None
    except engine.Held as error:
        current = _memory(store, end, str(error))
    except engine.Foreign as error:
        raise Refused(f"{error}. Move it away, or choose another workspace.", code="failed") from error
    current.notices += _as_facts(current, notices)
    try:
        yield current
    finally:
        if current.in_memory:
            engine.engine().execute("USE memory")
        else:
            engine.detach(current.con, "j")
            _take_away_replicas()
            _check_same(store.path)


NETWORK = ("nfs", "nfs4", "cifs", "smb3", "smbfs", "afs", "9p", "ceph", "glusterfs", "fuse.sshfs", "fuse.glusterfs")


def _refuse_network_folder(home: Path) -> None:
    """Locks and renames of network file systems do not keep the store's promise. Where mounts cannot be read, nothing is said."""
    try:
        mounts = Path("/proc/mounts").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return
    whole = str(home.resolve())
    best = ("", "")
    for line in mounts:
        _, point, kind, *_ = line.split(" ")
        point = point.replace("\\040", " ")
        if (whole == point or whole.startswith(point.rstrip("/") + "/")) and len(point) >= len(best[0]):
            best = (point, kind)
    if best[1] in NETWORK:
        raise Refused(f"{home} lies on a network file system ({best[1]}), which does not keep the store's promises; use a local disk.", code="failed")


def _as_facts(current: Current, sentences: Sequence[str]) -> list[Fact]:
    at = datetime.now(UTC)
    return [Fact(derived_id(current.hash[:16], f"notice-{i}"), at, "store", "notice", {"kind": "store", "sentence": s}) for i, s in enumerate(sentences)]


def _check_same(path: Path) -> None:
    """A file that was moved away while it was open would take the rows with it; the journal still has them."""
    if not path.exists():
        raise Refused(f"{path} was moved away while it was open. Nothing is lost: the next command rebuilds it from the journal.", code="failed")


# --- the file ------------------------------------------------------------------------------------------------------------


def _file(store: "Store", end: journal.Tail, notices: list[str]) -> Current:
    con = engine.engine()
    existed = store.path.exists() and store.path.stat().st_size > 0
    store.path.parent.mkdir(parents=True, exist_ok=True)
    try:
        if engine.is_suspect(store.path) and existed:
            raise engine.Damaged("a reader met a damaged block")
        return _attach_current(con, store, end, existed, notices)
    except engine.Damaged as error:
        if end.seq == 0:
            raise engine.Foreign(f"{store.path} is not a Jarvis store ({error})") from error
        set_aside(store, str(error), notices)
    return _attach_current(engine.engine(), store, end, False, notices)


def _attach_current(con: "duckdb.DuckDBPyConnection", store: "Store", end: journal.Tail, existed: bool, notices: list[str]) -> Current:
    import duckdb

    engine.attach(con, store.path, read_only=False, name="j")
    try:
        con.execute("USE j")
        _own_or_create(con, store.path, existed, end, notices)
        _catch_up(con, store, end)
        return Current(con, end.seq, end.hash)
    except BaseException as error:
        engine.detach(con, "j")
        if isinstance(error, duckdb.Error) and engine.is_damage(error):  # a torn block that only the replay's own reads meet
            raise engine.Damaged(str(error).splitlines()[0][:200]) from error
        raise


def _own_or_create(con: "duckdb.DuckDBPyConnection", path: Path, existed: bool, end: journal.Tail, notices: list[str]) -> None:
    import duckdb

    try:
        names = {r["name"] for r in fetch(con, queries.block("store.tables"))}
    except duckdb.Error as error:
        raise engine.Damaged(str(error).splitlines()[0][:200]) from error
    if names:
        _, _, version = _meta(con, path)
        if version < queries.schema_version():
            raise engine.Damaged(f"it has schema {version}, this program has {queries.schema_version()}")
        return
    if end.seq and not existed and not any("set aside" in n for n in notices):
        notices.append("The database file was missing or empty; it was rebuilt from the journal.")
    con.begin()
    _create(con, 0, journal.FIRST)
    con.commit()


def _meta(con: "duckdb.DuckDBPyConnection", path: Path) -> tuple[int, str, int]:
    import duckdb

    try:
        meta = {r["key"]: r["value"] for r in fetch(con, queries.block("store.meta"))}
        seq, chain, version = int(meta["seq"]), meta["hash"], int(meta["schema"])
    except duckdb.CatalogException as error:
        raise engine.Foreign(f"{path} is a DuckDB file of another program") from error
    except duckdb.Error as error:
        raise engine.Damaged(str(error).splitlines()[0][:200]) from error
    except KeyError as error:
        raise engine.Foreign(f"{path} is a DuckDB file of another program") from error
    if version > queries.schema_version():
        raise engine.Foreign(f"{path} was written by a newer Jarvis (schema {version}, this one reads {queries.schema_version()})")
    return seq, chain, version


def _create(con: "duckdb.DuckDBPyConnection", seq: int, chain: str) -> None:
    con.execute(queries.schema())
    _set_meta(con, seq, chain)


def _set_meta(con: "duckdb.DuckDBPyConnection", seq: int, chain: str) -> None:
    con.execute(queries.block("store.clear_meta"))
    values = {"schema": str(queries.schema_version()), "seq": str(seq), "hash": chain}
    con.execute(queries.block("store.set_meta"), {"keys": list(values), "values": list(values.values())})


def set_aside(store: "Store", why: str, notices: list[str]) -> None:
    """Move the file away, under a name with the time; the next opening makes a new one. What was done is added to `notices`."""
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%f")
    aside = store.path.with_name(f"jarvis.damaged-{stamp}.duckdb")
    os.replace(store.path, aside)
    engine.clear_suspicion(store.path)
    wal = store.path.with_name(store.path.name + ".wal")
    if wal.exists():
        os.replace(wal, aside.with_name(aside.name + ".wal"))
    spool.sync_folder(store.path.parent)
    notices.append(f"The database was set aside as {aside.name} and rebuilt from the journal ({why}).")


# --- catching up ---------------------------------------------------------------------------------------------------------


def _catch_up(con: "duckdb.DuckDBPyConnection", store: "Store", end: journal.Tail) -> None:
    """Apply the journal's lines that the rows lack. The database may be behind the journal, never ahead of it."""
    seq, chain, _ = _meta(con, store.path)
    if (seq, chain) == (end.seq, end.hash):
        return
    if seq > end.seq or (seq == end.seq and chain != end.hash):
        raise Refused(
            f"The journal ends at line {end.seq}, but the database has line {seq}: lines of the journal are gone. All work is stopped and "
            "nothing is changed. Restore it with: jarvis store repair --from data/jarvis.duckdb",
            code="failed",
        )
    lines: list[journal.Line] = []
    book = Rows(con if seq else None)
    last = journal.Tail(seq, chain)
    for line in read_journal(store, seq, chain):
        _replay(book, line)
        lines.append(line)
        last = journal.Tail(line.seq, line.hash)
        if len(lines) >= CHUNK:
            _commit(con, lines, book)
            lines = []
    _commit(con, lines, book)
    if (last.seq, last.hash) != (end.seq, end.hash):
        raise Refused("The journal changed while it was read, though the lock is held. Nothing was changed; try again.", code="failed")


def read_journal(store: "Store", seq: int, chain: str) -> Iterator[journal.Line]:
    """The lines after `seq`, whose hash is `chain`. Refused at the first damaged one."""
    try:
        yield from journal.read(store.home, after=seq, prev=chain if seq else None)
    except journal.JournalDamaged as error:
        raise Refused(str(error), code="failed") from error


def _replay(book: Rows, line: journal.Line) -> None:
    if line.refused is not None:
        return
    try:
        apply(book, line.fact)
    except Refused as error:
        raise Refused(
            f"Line {line.seq} of the journal was applied once and is refused now ({error.sentence}). All work is stopped; please report this.",
            code="failed",
        ) from error


def _nothing() -> None:
    """A rebuild has its lines in the journal already."""


def commit(current: Current, lines: Sequence[journal.Line], book: Rows, durable: Callable[[], None] = _nothing) -> None:
    """Rows, facts and the journal's number in one transaction; `durable` writes the journal when the rows have proved to fit, before they count."""
    _commit(current.con, lines, book, durable)
    if lines:
        current.seq, current.hash = lines[-1].seq, lines[-1].hash


def _commit(con: "duckdb.DuckDBPyConnection", lines: Sequence[journal.Line], book: Rows, durable: Callable[[], None] = _nothing) -> None:
    from jarvis_lib.store.store import fact_rows

    if not lines:
        return
    con.begin()
    try:
        book.flush(con)
        insert(con, "facts", fact_rows(lines))
        _set_meta(con, lines[-1].seq, lines[-1].hash)
        durable()
        con.commit()
    except BaseException:
        roll_back(con)
        raise


def roll_back(con: "duckdb.DuckDBPyConnection") -> None:
    """A commit that the disk refused has ended its transaction already; what the caller should hear is why it was refused."""
    import duckdb

    with suppress(duckdb.TransactionException):
        con.rollback()


# --- in memory -----------------------------------------------------------------------------------------------------------


def _take_away_replicas() -> None:
    """Give back the memory of those whose file was opened again, or whose store is gone."""
    while _LEFT:
        engine.engine().execute(f"DETACH DATABASE IF EXISTS {_LEFT.pop()}")


def _memory(store: "Store", end: journal.Tail, why: str) -> Current:
    """The replica, brought up to the journal; a new one where the engine that had it was thrown away, or is a parent's."""
    _take_away_replicas()
    replica = store._replica
    if replica is None or replica.con is not engine.engine():
        replica = store._replica = Replica()
        weakref.finalize(store, _LEFT.append, replica.name)
    con = engine.engine()
    con.execute(f"USE {replica.name}")
    _catch_up(con, store, end)
    warning = f"The database file is in use by a foreign program ({why}). The journal has everything; the file catches up when it is free."
    return Current(con, end.seq, end.hash, in_memory=True, warnings=[warning])


# --- copies --------------------------------------------------------------------------------------------------------------


def copy_out(store: "Store", current: Current, target: Path) -> None:
    """A verified copy of the closed file (or of the replica) at `target`, replaced atomically. The caller holds the lock."""
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    temporary.unlink(missing_ok=True)
    try:
        if current.in_memory:
            _copy_replica(store, temporary)
        else:
            with open(store.path, "rb") as source, open(temporary, "xb") as copy:
                shutil.copyfileobj(source, copy, 1 << 20)
        with engine.attached(temporary, read_only=True, name="copy") as con:
            seq, chain, _ = _meta(con, temporary)
        if (seq, chain) != (current.seq, current.hash):
            raise Refused(f"The copy {target} does not match the store and was thrown away; try again.", code="failed")
        fd = os.open(temporary, os.O_RDONLY)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)
        os.replace(temporary, target)
        spool.sync_folder(target.parent)
    finally:
        temporary.unlink(missing_ok=True)


def _copy_replica(store: "Store", temporary: Path) -> None:
    con = engine.engine()
    assert store._replica is not None
    engine.attach(con, temporary, read_only=False, name="copy")
    try:
        con.execute(f"COPY FROM DATABASE {store._replica.name} TO copy")
    finally:
        engine.detach(con, "copy")
