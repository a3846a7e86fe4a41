"""How does a file come to hold all that it should, or what it held before, also after a power cut?"""

import os
from pathlib import Path

from jarvis_lib.model.fact import new_id
from jarvis_lib.store.spool import sync_folder


def write_whole(path: Path, data: bytes, *, mode: int | None = None) -> None:
    """`path` holds all of `data`, or what it held before; with `mode` exactly those rights. OSError leaves nothing behind; its folder must be there."""
    temporary = path.with_name(f".{path.name}.{new_id(6)}.tmp")
    try:
        fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666 if mode is None else mode)
        with os.fdopen(fd, "wb") as stream:
            stream.write(data)
            stream.flush()
            if mode is not None:
                os.fchmod(fd, mode)
            os.fsync(fd)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
    sync_folder(path.parent)
