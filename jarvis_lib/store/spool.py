"""The spool: one fsynced file for each fact. When `put` returns, the fact survives a power cut.

Needs no lock, no database and no running session, and loads only what a shell command can afford.
"""

import json
import os

from jarvis_lib.model.fact import Fact, Refused, stamp


def folder(home: str | os.PathLike[str]) -> str:
    """Where its files are, below the workspace `home`."""
    return os.path.join(home, "data", "spool")


def put(home: str | os.PathLike[str], fact: Fact) -> str:
    """Write `fact` for good and return its path. Raises Refused when it cannot, and then nothing is left behind."""
    where = folder(home)
    data = json.dumps(fact.to_json(), ensure_ascii=False, allow_nan=False).encode("utf-8", "replace")
    temporary = os.path.join(where, f".{fact.id}.tmp")
    final = os.path.join(where, f"{stamp(fact.at)}-{fact.id}.json")
    try:
        if not os.path.isdir(where):
            _make(where)
        try:
            _write(temporary, data)
        except FileExistsError:  # a writer of the same fact was killed in between
            _forget(temporary)
            _write(temporary, data)
        os.rename(temporary, final)
        sync_folder(where)
    except OSError as error:
        _forget(temporary)
        _forget(final)  # it may have its name already, and what is refused must not count later
        raise Refused(
            f"Nothing was recorded: {where} cannot be written ({error.strerror}). Free some space or make it writable, and try again.",
            code="failed",
        ) from error
    return final


def pending(home: str | os.PathLike[str]) -> list[str]:
    """Paths of the facts that wait, in the order of their names (time, id)."""
    try:
        names = sorted(n for n in os.listdir(folder(home)) if n.endswith(".json") and not n.startswith("."))
    except FileNotFoundError:
        return []
    return [os.path.join(folder(home), n) for n in names]


def sync_folder(path: str | os.PathLike[str]) -> None:
    """Make the names in a folder durable."""
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def _write(path: str, data: bytes) -> None:
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        view = memoryview(data)
        while view:
            view = view[os.write(fd, view) :]
        os.fsync(fd)
    finally:
        os.close(fd)


def _make(where: str) -> None:
    missing = []
    path = where
    while not os.path.isdir(path):
        missing.append(path)
        path = os.path.dirname(path)
    os.makedirs(where, exist_ok=True)
    for made in missing:
        sync_folder(os.path.dirname(made))


def _forget(path: str) -> None:
    try:
        os.unlink(path)
    except OSError:
        return  # never created, or on a file system that takes no writes: there is nothing to take back
