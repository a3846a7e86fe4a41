"""How much of a DuckDB file is empty, and what does a compact copy of it look like? Asked in a process of its own.

Only the store speaks DuckDB, and a damaged file can take its process down: so a child opens the file, reads only, under a limit of time and
memory, and nobody's own connection is ever beside it.
"""

import json
from pathlib import Path
from typing import Any

from jarvis_lib.execution.fixes.child import ask, python
from jarvis_lib.execution.fixes.sqlite_file import Pages
from jarvis_lib.model.fact import Refused
from jarvis_lib.model.prose import clean, plural

_LOOK_S, _PACK_S = 5.0, 900.0


def pages(path: Path) -> Pages:
    """The blocks of the database at `path`. Raises Refused (busy while another program has it, failed when it cannot be read)."""
    told = _foreign("pages", path, limit_s=_LOOK_S)
    return Pages(told["block"], told["blocks"], told["free"])


def companions(path: Path) -> list[str]:
    """The write-ahead log beside the file, if there is one: it is in use, or was left in the middle of a write."""
    log = path.with_name(path.name + ".wal")
    return [log.name] if log.exists() else []


def pack(path: Path, target: Path) -> str:
    """Write a compact copy to `target` and say what was compared. Raises Refused when anything differs."""
    told = _foreign("pack", path, str(target), limit_s=_PACK_S)
    return f"same schema, {plural(told['rows'], 'row')} in {plural(told['tables'], 'table')} before and after"


def _foreign(what: str, path: Path, *words: str, limit_s: float) -> dict[str, Any]:
    answer = ask(python("jarvis_lib.store.foreign:main", what, str(path), *words), cwd=path.parent, limit_s=limit_s)
    try:
        told: dict[str, Any] = json.loads(answer.last_line_whole)
    except ValueError:
        raise Refused(f"{clean(path.name)} cannot be looked into: DuckDB {answer.said}.", code="failed") from None
    if "refused" in told:
        raise Refused(f"{clean(path.name)} {clean(told['refused'])[:200]}; it was left as it is.", code=told["code"])
    return told
