"""Named queries: `file.block` stands for one statement in `store/sql/file.sql` under `-- name: block`."""

import re
from functools import cache
from pathlib import Path

SQL = Path(__file__).with_name("sql")
_NAME = re.compile(r"^-- name: *(\w+) *$", re.MULTILINE)


@cache
def block(name: str) -> str:
    """The statement called `name`. Raises KeyError with the names that exist."""
    file, _, wanted = name.partition(".")
    found = blocks(file)
    if wanted not in found:
        raise KeyError(f"no query {name!r}; {file}.sql has {', '.join(sorted(found))}")
    return found[wanted]


@cache
def blocks(file: str) -> dict[str, str]:
    """All statements of one file by name."""
    parts = _NAME.split((SQL / f"{file}.sql").read_text(encoding="utf-8"))
    return {name: text.strip().rstrip(";") for name, text in zip(parts[1::2], parts[2::2], strict=True)}


def schema() -> str:
    """The whole schema: all numbered files in order."""
    return "\n".join(p.read_text(encoding="utf-8") for p in sorted((SQL / "schema").glob("[0-9]*.sql")))


def schema_version() -> int:
    """The number of the newest schema file."""
    return max(int(p.name.split("_")[0]) for p in (SQL / "schema").glob("[0-9]*.sql"))
