"""What does a DuckDB file of somebody else hold, and what would a compact copy of it be? The program of a child process; prints one line of JSON.

It opens the file read-only, runs in a process of its own (a damaged file may end it), and never opens a store of Jarvis.
"""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jarvis_lib.store.queries import block
from jarvis_lib.store.rows import fetch

if TYPE_CHECKING:
    import duckdb


class _No(Exception):
    """Why not, and the code of a Refused."""


def main(words: list[str]) -> int:
    """`pages FILE` or `pack FILE TARGET`; what was found, or `refused` with its code, as JSON."""
    what, path, *target = words
    import duckdb

    try:
        told = _asked(what, Path(path), target)
    except _No as no:
        told = {"refused": no.args[0], "code": no.args[1]}
    except duckdb.Error as error:
        told = _refusal(str(error).splitlines()[0])
    sys.stdout.write(json.dumps(told) + "\n")
    return 0


def _asked(what: str, path: Path, target: list[str]) -> dict[str, Any]:
    import duckdb

    if path.name.startswith("jarvis.duckdb") and (path.parent / "journal").is_dir():
        raise _No("is a store of Jarvis, which looks after it itself", "refused")
    no_extensions = {"autoinstall_known_extensions": "false", "autoload_known_extensions": "false"}
    with duckdb.connect(":memory:", config={"threads": "2", "memory_limit": "1GB", "temp_directory": "", **no_extensions}) as con:
        con.execute(f"ATTACH {_quoted(path)} AS old (READ_ONLY)")
        return _one(con, "foreign/file.blocks") if what == "pages" else _pack(con, Path(target[0]))


def _pack(con: "duckdb.DuckDBPyConnection", target: Path) -> dict[str, Any]:
    """The copy keeps the block size and the version of the format, so that every program that read the old file reads it too."""
    held = _one(con, "foreign/file.blocks")["block"]
    version = str(_one(con, "foreign/file.version")["version"] or "").removesuffix("+")
    like = f"BLOCK_SIZE {int(held)}" + (f", STORAGE_VERSION '{version}'" if version else "")
    con.execute(f"ATTACH {_quoted(target)} AS new ({like})")
    con.execute(block("foreign/file.copy"))
    con.execute(block("foreign/file.settle"))
    old, new = (fetch(con, block("foreign/file.schema"), {"db": name}) for name in ("old", "new"))
    if old != new:
        raise _No("has a part that a copy does not take over (its schema differs)", "refused")
    tables = fetch(con, block("foreign/file.tables"), {})
    rows = 0
    for table in tables:
        before, after = (_content(con, name, table) for name in ("old", "new"))
        if before != after:
            raise _No(f"has other rows in a copy of {table['name']}", "refused")
        rows += before["count"]
    con.execute("DETACH new")
    return {"rows": rows, "tables": len(tables)}


def _content(con: "duckdb.DuckDBPyConnection", name: str, table: dict[str, Any]) -> dict[str, Any]:
    where = ".".join('"' + word.replace('"', '""') + '"' for word in (name, table["schema"], table["name"]))
    return fetch(con, block("foreign/file.content").replace("{table}", where), {})[0]


def _one(con: "duckdb.DuckDBPyConnection", name: str) -> dict[str, Any]:
    return fetch(con, block(name), {})[0]


def _quoted(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"


def _refusal(said: str) -> dict[str, str]:
    if " set lock " in said or "onflicting lock" in said:
        return {"refused": "is open in another program", "code": "busy"}
    if any(word in said.lower() for word in ("encrypt", "newer", "version number", "not supported", "extension")):
        return {"refused": f"cannot be read by this DuckDB ({said[:120]})", "code": "refused"}
    return {"refused": f"cannot be read as a DuckDB database ({said[:120]})", "code": "failed"}
