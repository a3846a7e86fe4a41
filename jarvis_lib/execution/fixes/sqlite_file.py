"""How much of a SQLite file is empty, and what does a compact copy of it look like? Reads with `mode=ro`; never waits long."""

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from jarvis_lib.execution.playbooks.statements import blocks, filled, read_only, writing
from jarvis_lib.model.fact import Refused
from jarvis_lib.model.prose import clean, plural

_SQL = blocks("upkeep")
_TABLES = blocks("sqlite")["tables"]
_WAL = b"\x02\x02"


@dataclass(frozen=True, slots=True)
class Pages:
    """Pages of a file: their size in bytes, how many there are, how many of them are free."""

    size: int
    count: int
    free: int

    @property
    def share(self) -> float:
        """Free pages among all, in [0, 1]."""
        return self.free / self.count if self.count else 0.0


def pages(path: Path) -> Pages:
    """The pages of the database at `path`. Raises Refused (busy while it is locked, failed when it is no readable database)."""
    try:
        with closing(read_only(path)) as con:
            con.execute(_SQL["patience"])
            return Pages(*(con.execute(_SQL[b]).fetchone()[0] for b in ("page_size", "page_count", "free_pages")))
    except sqlite3.Error as error:
        raise _refusal(path, error) from error


def companions(path: Path) -> list[str]:
    """Files that show that the database is in use or was left in the middle of a write."""
    return [n.name for end in ("-wal", "-shm", "-journal") if (n := path.with_name(path.name + end)).exists()]


def uses_wal(path: Path) -> bool:
    """Whether the file is set to SQLite's write-ahead log."""
    with open(path, "rb") as file:
        return file.read(20)[18:] == _WAL


def pack(path: Path, target: Path) -> str:
    """Write a compact copy to `target` under SQLite's exclusive lock and say what was compared. Raises Refused when anything differs."""
    try:
        with closing(writing(path)) as con:
            for step in ("patience", "keep_lock", "lock", "settle"):
                con.execute(_SQL[step])
            con.execute(_SQL["pack"], {"target": str(target)})
            with closing(read_only(target)) as copy:
                return _compare(con, copy, path)
    except sqlite3.Error as error:
        raise _refusal(path, error) from error


def _compare(old: sqlite3.Connection, new: sqlite3.Connection, path: Path) -> str:
    broken = [row[0] for row in new.execute(_SQL["check"]) if row[0] != "ok"]
    if broken:
        raise Refused(f"The compact copy of {clean(path.name)} is not whole ({clean(str(broken[0]))[:100]}); the file was left as it is.")
    for what in ("schema", "version"):
        if old.execute(_SQL[what]).fetchall() != new.execute(_SQL[what]).fetchall():
            raise Refused(f"The compact copy of {clean(path.name)} has another {what}; the file was left as it is.")
    before, after = _rows(old), _rows(new)
    if before != after:
        raise Refused(f"The compact copy of {clean(path.name)} has other row counts; the file was left as it is.")
    return f"integrity ok, same schema, {plural(sum(after.values()), 'row')} in {plural(len(after), 'table')} before and after"


def _rows(con: sqlite3.Connection) -> dict[str, int]:
    tables = [row[0] for row in con.execute(_TABLES)]
    return {t: con.execute(filled(_SQL["rows"], table=t)).fetchone()[0] for t in tables}


def _refusal(path: Path, error: sqlite3.Error) -> Refused:
    text = clean(str(error))[:120]
    if "locked" in text or "busy" in text:
        return Refused(f"{clean(path.name)} is locked by another program; it was left as it is.", code="busy")
    return Refused(f"{clean(path.name)} cannot be read as a SQLite database ({text}); it was left as it is.", code="failed")
