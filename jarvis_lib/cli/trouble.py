"""Something was raised: which sentence does the person get? Refusals as they are, a full disk by its name, the rest with its place."""

import errno
import os
import tempfile
import traceback
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from jarvis_lib.model.fact import Refused
from jarvis_lib.model.prose import clean
from jarvis_lib.model.settings import BadSettings

_DISK = {
    errno.ENOSPC: "the disk is full; free some space",
    errno.EDQUOT: "your disk quota is used up; free some space",
    errno.EROFS: "the file system is read-only; make it writable",
    errno.EACCES: "it may not be read or written by you; change its permissions",
    errno.EPERM: "it may not be read or written by you; change its permissions",
}


def explain(error: Exception, args: Sequence[str]) -> tuple[str, str]:
    """(sentence, name of the exit code). What nobody foresaw is written to a crash file, which the sentence names."""
    if isinstance(error, Refused):
        return error.sentence, error.code
    if isinstance(error, BadSettings):
        return str(error), "usage"
    if isinstance(error, OSError) and error.errno in _DISK:
        return f"{clean(str(error.filename or 'A file'))}: {_DISK[error.errno]}, and try again.", "failed"
    return _unforeseen(error, args), "failed"


def _unforeseen(error: Exception, args: Sequence[str]) -> str:
    what = clean(f"{type(error).__name__}: {error}")[:200]
    text = "".join(traceback.format_exception(error))
    for folder in (_logs(), Path(tempfile.gettempdir())):
        try:
            path = folder / f"crash-{datetime.now(UTC):%Y%m%dT%H%M%S}-{os.getpid()}.txt"
            path.write_text(f"jarvis {' '.join(args)}\n\n{text}", encoding="utf-8", errors="replace")
            return f"A fault in Jarvis itself ({what}). Nothing more was done; the details are in {path}."
        except OSError:
            continue  # the next folder may take it
    return f"A fault in Jarvis itself ({what}). Nothing more was done, and no folder takes the details."


def _logs() -> Path:
    from jarvis_lib.workspace import find_home

    try:
        return find_home() / "logs"
    except Refused:
        return Path(tempfile.gettempdir())
