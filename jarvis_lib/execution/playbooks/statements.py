"""Which SQL do the playbooks speak to a person's own SQLite files? Named blocks in `sql/*.sql`; no SQL stands in Python.

Values are bound as `$name`. Table, column and index names cannot be bound: they stand as `{name}` and are quoted by `filled`.
"""

import sqlite3
from collections.abc import Sequence
from functools import cache
from pathlib import Path

# Connections cache no statements: a cached EXPLAIN is not prepared anew after an index came or went, and would tell the old plan.
_FOLDER = Path(__file__).parent / "sql"


@cache
def blocks(file: str) -> dict[str, str]:
    """The named statements of `sql/<file>.sql`, in their order."""
    found: dict[str, str] = {}
    for part in (_FOLDER / f"{file}.sql").read_text(encoding="utf-8").split("-- name: ")[1:]:
        name, _, body = part.partition("\n")
        found[name.strip()] = body.strip().rstrip(";")
    return found


def filled(block: str, **names: str | Sequence[str]) -> str:
    """`block` with each `{name}` replaced by the quoted identifier, or by a list of them."""
    for key, value in names.items():
        words = [value] if isinstance(value, str) else value
        block = block.replace("{" + key + "}", ", ".join(quoted(w) for w in words))
    return block


def quoted(word: str) -> str:
    """`word` as an SQL identifier."""
    return '"' + word.replace('"', '""') + '"'


def read_only(path: Path) -> sqlite3.Connection:
    """A connection that cannot write to the file."""
    return _open(path, "ro", 5.0)


def writing(path: Path, *, patience_s: float = 10.0) -> sqlite3.Connection:
    """A connection in autocommit that waits `patience_s` for other programs and never creates the file."""
    return _open(path, "rw", patience_s)


def _open(path: Path, mode: str, patience_s: float) -> sqlite3.Connection:
    con = sqlite3.connect(f"{path.resolve().as_uri()}?mode={mode}", uri=True, isolation_level=None, timeout=patience_s, cached_statements=0)
    con.text_factory = lambda raw: raw.decode("utf-8", "surrogateescape")  # an app's text may be anything
    return con
