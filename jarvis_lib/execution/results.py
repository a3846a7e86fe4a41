"""Result files: what a worker says when it ends, written so that a reader finds all of it or nothing."""

import errno
import json
import math
import os
from pathlib import Path
from typing import Any

from jarvis_lib.model.evidence import Evidence

Result = dict[str, Any]
NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
EXIT_NO_ROOM = 74
"""The exit of a worker that had no room to write its result: the exit is then all that it can say."""


def write_json(path: Path, value: Any) -> None:
    """Write, fsync and rename, so that after a crash the file is whole or absent."""
    temporary = path.with_name(f".{path.name}.tmp")
    with open(temporary, "w", encoding="utf-8", errors="surrogateescape") as stream:
        json.dump(value, stream, ensure_ascii=False)
        stream.flush()
        os.fsync(stream.fileno())
    os.replace(temporary, path)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make the names in `folder` survive a power cut."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def read_result(path: Path) -> Result | None:
    """The result in the file; None when there is none or it is not whole. A number that is none (NaN, infinite) is None: no fact may hold one."""
    try:
        text = path.read_text(encoding="utf-8", errors="surrogateescape")
        raw = json.loads(text, parse_constant=lambda word: None, parse_float=_finite)
    except (FileNotFoundError, ValueError, RecursionError):
        return None
    return raw if isinstance(raw, dict) and "outcome" in raw else None


def _finite(text: str) -> float | None:
    value = float(text)
    return value if math.isfinite(value) else None


def ended_badly(outcome: str, said: str, **more: Any) -> Result:
    """A result for a step that could not be done, with its sentence as evidence."""
    return {"outcome": outcome, "said": said, "evidence": [Evidence("exit", outcome, False, said).to_json()]} | more
