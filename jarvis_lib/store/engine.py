"""One DuckDB engine for each process, and files attached to it for as long as a call lasts.

Attaching to a live engine costs a fifth of `duckdb.connect`. The store's lock is held by the caller, always: DuckDB 2.0 reads
a file's header before it takes its own lock, so two openers without ours can lose a committed row.
"""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from jarvis_lib.model.fact import Refused
from jarvis_lib.store.whole import write_whole

if TYPE_CHECKING:
    import duckdb


class Held(Exception):
    """A foreign program has the file open. The text names it."""


class Damaged(Exception):
    """The file is ours but cannot be read."""


class Foreign(Exception):
    """The file is not ours, or newer than this program. It is left as it is."""


TEXTS = "SET arrow_output_version = '1.4'; SET produce_arrow_string_view = true"
"""Texts leave the engine as views, as polars keeps them: without it each one is copied, and a frame of a million rows holds 100 MB more."""


def engine() -> "duckdb.DuckDBPyConnection":
    """The engine of this process; a forked child gets one of its own."""
    return _engine(os.getpid())


@cache
def _engine(pid: int) -> "duckdb.DuckDBPyConnection":
    import duckdb

    con = duckdb.connect(
        ":memory:",
        config={"autoinstall_known_extensions": "false", "autoload_known_extensions": "false", "threads": "2"},
    )
    con.execute("SET TimeZone = 'UTC'")
    con.execute(TEXTS)
    return con


@contextmanager
def attached(path: Path, *, read_only: bool = False, name: str = "j") -> "Iterator[duckdb.DuckDBPyConnection]":
    """`path` attached as `name` and made the current database. Raises Held, Damaged or Foreign when that fails."""
    con = engine()
    attach(con, path, read_only=read_only, name=name)
    try:
        con.execute(f"USE {name}")
        yield con
    finally:
        detach(con, name)


def attach(con: "duckdb.DuckDBPyConnection", path: Path, *, read_only: bool, name: str) -> None:
    """The file as `name` on this engine; a new one has blocks of 16 KB. What DuckDB cannot open is a Refused that says why."""
    import duckdb

    _take_away_link(path)
    option = " (READ_ONLY)" if read_only else "" if path.exists() else " (BLOCK_SIZE 16384)"
    try:
        con.execute(f"ATTACH '{str(path).replace(chr(39), chr(39) * 2)}' AS {name}{option}")
    except duckdb.Error as error:
        raise _reading(error, path) from error


def _take_away_link(path: Path) -> None:
    """DuckDB writes its log beside the file by name. It makes no links: one that stands there was put there, and would lead what is written elsewhere."""
    log = path.with_name(f"{path.name}.wal")
    if log.is_symlink():
        log.unlink()


def _mark(path: Path) -> Path:
    return path.with_name("store.suspect")


def is_suspect(path: Path) -> bool:
    """True when a reader met unreadable blocks in the file."""
    return _mark(path).exists()


def clear_suspicion(path: Path) -> None:
    """The file was found whole: the mark that an opening died in it is gone."""
    _mark(path).unlink(missing_ok=True)


@contextmanager
def suspicious(path: Path) -> Iterator[None]:
    """A read that meets a damaged block marks the file, so that the next opening rebuilds it; the caller is told to try again."""
    import duckdb

    try:
        yield
    except duckdb.Error as error:
        if not is_damage(error):
            raise
        write_whole(_mark(path), _first(str(error)).encode())
        raise Refused(
            f"The database cannot be read ({_first(str(error))}). Nothing is lost: run the command again, it is rebuilt from the journal.", code="failed"
        ) from error


@contextmanager
def room_for(path: Path) -> Iterator[None]:
    """A disk that takes no more is one sentence. What was acknowledged stays in the spool or in the journal, and is applied later."""
    import duckdb

    try:
        yield
    except OSError as error:
        raise Refused(_no_room(path, error.strerror or str(error)), code="failed") from error
    except (duckdb.IOException, duckdb.TransactionException) as error:
        raise Refused(_no_room(path, _first(str(error))), code="failed") from error


def _no_room(path: Path, why: str) -> str:
    return f"The store in {path.parent} cannot be written ({why}). What was recorded is safe and is applied later; free some space and try again."


_NO_ROOM = re.compile(r"No space left|File too large|Disk quota|Read-only file system|Permission denied")


def is_damage(error: Exception) -> bool:
    """Is it the file that is broken, rather than the disk that takes no more?"""
    import duckdb

    if _NO_ROOM.search(str(error)):
        return False
    broken = (duckdb.IOException, duckdb.InternalException, duckdb.FatalException, duckdb.SerializationException)
    return isinstance(error, broken) or "Corrupt database file" in str(error)


def detach(con: "duckdb.DuckDBPyConnection", name: str) -> None:
    """Give the file back; an engine that a damaged file has broken is thrown away."""
    import duckdb

    try:
        con.abort()
        con.execute("USE memory")
        con.execute(f"DETACH {name}")
    except duckdb.Error:
        _engine.cache_clear()
        con.close()


def _reading(error: Exception, path: Path) -> Exception:
    text = str(error)
    if "Conflicting lock" in text or "Could not set lock" in text:
        return Held(_holder(text))
    if re.search(r"version number \d+, but we can only read|(newer|different|older) version of DuckDB", text) and "WAL" not in text:
        return Foreign(f"{path} was written by another version of DuckDB and is left as it is ({_first(text)})")
    if isinstance(error, PermissionError) or "Permission denied" in text or "Read-only file system" in text:
        return Held(f"the file cannot be opened for writing ({_first(text)})")
    return Damaged(_first(text))


def _first(text: str) -> str:
    return text.splitlines()[0][:200] if text else "no reason given"


def _holder(text: str) -> str:
    """The program that holds the file: PID, name, since when (as far as this user may know)."""
    found = re.search(r"held in (.*?) \(PID (\d+)\)", text)
    if not found:
        return "another program has it open"
    import psutil

    try:
        process = psutil.Process(int(found.group(2)))
        started = process.create_time()
        words = " ".join(process.cmdline())[:60]
    except psutil.Error:
        return f"PID {found.group(2)} ({Path(found.group(1)).name}) has it open"
    import time

    return f"PID {found.group(2)} ({words}) has it open; it runs since {time.strftime('%Y-%m-%d %H:%M:%S', time.gmtime(started))} UTC"
