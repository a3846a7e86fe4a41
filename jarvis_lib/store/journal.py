"""The journal: every fact in the order in which it counted, append-only, fsynced and hash-chained.

A line is `{"seq", "batch", "last", "prev", "fact", "refused", "hash"}` with hash = sha256(prev || canonical(rest)). `batch` and `last` are the
numbers of the first and the last line that were written together with it. A power cut can tear only the last batch: it is dropped whole, because what
follows from a fact stands in the same batch, and told. Any other damage raises `JournalDamaged`, and nothing is written until a person repairs it.
"""

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jarvis_lib.model.fact import Fact, canonical, from_json
from jarvis_lib.store.spool import sync_folder

FIRST = "0" * 64
ROTATE_BYTES = 16 * 1024 * 1024


class JournalDamaged(Exception):
    """The journal is not whole. The text names the file and line, and what to do."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line: its number, those of its batch, the fact, the sentence of a refusal or None, and its place in the chain."""

    seq: int
    batch: int
    last: int
    fact: Fact
    refused: str | None
    prev: str
    hash: str


@dataclass(frozen=True, slots=True)
class Tail:
    """The end of the journal: the last number and hash (0 and FIRST when empty), and what had to be dropped to get there."""

    seq: int
    hash: str
    dropped: str = ""


def chained(entries: Sequence[tuple[Fact, str | None]], *, after: int, prev: str) -> list[Line]:
    """The lines of one batch: `entries` are its facts with the sentence of a refusal or None; they follow number `after` with hash `prev`."""
    lines: list[Line] = []
    for seq, (fact, refused) in enumerate(entries, after + 1):
        lines.append(make(seq, after + 1, after + len(entries), prev, fact, refused))
        prev = lines[-1].hash
    return lines


def make(seq: int, batch: int, last: int, prev: str, fact: Fact, refused: str | None) -> Line:
    """A line with its own hash over everything else of it and `prev`, the hash of the line before."""
    return Line(seq, batch, last, fact, refused, prev, _hash(seq, batch, last, prev, fact.to_json(), refused))


def _hash(seq: int, batch: int, last: int, prev: str, fact: dict[str, Any], refused: str | None) -> str:
    import hashlib

    whole = {"last": last} if last else {}  # lines of the first days do not have it
    body = canonical({"seq": seq, "batch": batch, "fact": fact, "refused": refused} | whole)
    return hashlib.sha256(prev.encode() + body).hexdigest()


def folder(home: Path) -> Path:
    """Where its files are, below the workspace `home`."""
    return home / "data" / "journal"


def files(home: Path) -> list[Path]:
    """The journal's files, oldest first."""
    return sorted(folder(home).glob("journal-*.jsonl"))


def mark(home: Path) -> tuple[str, int]:
    """The newest file and its size: it differs whenever somebody has written a line."""
    found = files(home)
    return (found[-1].name, found[-1].stat().st_size) if found else ("", 0)


def tail(home: Path) -> Tail:
    """The end of the journal; a torn last batch is dropped (kept aside as `torn-*.bin`) and told in `dropped`."""
    dropped = ""
    for path in reversed(files(home)):
        data = path.read_bytes() if path.stat().st_size < 1 << 16 else b""
        end = _last_line(path, data)
        if end is None:
            dropped = _drop_torn(path) or dropped
            end = _last_line(path, b"")
        if end is not None and end.last > end.seq:
            dropped = _drop_batch(path, end.batch)
            end = _last_line(path, b"")
        if end is not None:
            return Tail(end.seq, end.hash, dropped)
    return Tail(0, FIRST, dropped)


def append(home: Path, lines: Sequence[Line]) -> None:
    """Write `lines` for good. They must continue the chain; the caller holds the store's lock."""
    if not lines:
        return
    existing = files(home)
    path = existing[-1] if existing else None
    new = path is None or path.stat().st_size > ROTATE_BYTES
    if path is None or new:
        folder(home).mkdir(parents=True, exist_ok=True)
        path = folder(home) / f"journal-{lines[0].seq:012d}.jsonl"
    data = b"".join(as_bytes(line) for line in lines)
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    try:
        start = os.fstat(fd).st_size
        try:
            view = memoryview(data)
            while view:
                view = view[os.write(fd, view) :]
            os.fsync(fd)
        except OSError:
            os.ftruncate(fd, start)
            raise
    finally:
        os.close(fd)
    if new:
        sync_folder(folder(home))
        sync_folder(folder(home).parent)


def read(home: Path, *, after: int = 0, prev: str | None = None) -> Iterator[Line]:
    """The lines behind number `after`, each checked against the chain. `prev` is the hash that line `after` must have."""
    expected, chain = 1, FIRST
    paths = files(home)
    starts = [int(p.stem.split("-")[1]) for p in paths]
    skip = max((i for i, s in enumerate(starts) if s <= after + 1), default=0)
    if skip:
        expected, chain = starts[skip], ""
    for path in paths[skip:]:
        with path.open("rb") as stream:
            for number, data in enumerate(stream, 1):
                line = from_bytes(data)
                if line is None or line.seq != expected or (chain and line.prev != chain):
                    raise JournalDamaged(_damage(path, number))
                if prev is not None and line.seq == after and line.hash != prev:
                    raise JournalDamaged(_damage(path, number))
                expected, chain = line.seq + 1, line.hash
                if line.seq > after:
                    yield line


def _damage(path: Path, number: int) -> str:
    return (
        f"The journal is damaged at {path.name} line {number}, so all work is stopped and nothing is changed. "
        "Restore it with: jarvis store repair --from data/snapshots/NAME (or data/jarvis.duckdb)."
    )


def as_bytes(line: Line) -> bytes:
    """The line as it stands in the journal."""
    raw = {
        "seq": line.seq,
        "batch": line.batch,
        "prev": line.prev,
        "fact": line.fact.to_json(),
        "refused": line.refused,
        "hash": line.hash,
    }
    return canonical(raw | ({"last": line.last} if line.last else {})) + b"\n"


def from_bytes(data: bytes) -> Line | None:
    """The line in `data`, or None when it is torn or altered."""
    if not data.endswith(b"\n"):
        return None
    try:
        raw = json.loads(data)
        seq, batch, last, prev, refused = raw["seq"], raw["batch"], raw.get("last", 0), raw["prev"], raw["refused"]
        if _hash(seq, batch, last, prev, raw["fact"], refused) != raw["hash"]:
            return None
        return Line(seq, batch, last, from_json(raw["fact"]), refused, prev, raw["hash"])
    except (ValueError, KeyError, TypeError):
        return None


def _last_line(path: Path, data: bytes) -> Line | None:
    """The last line of `path` if the file ends with a whole one."""
    size = path.stat().st_size
    block = 1 << 16
    while not data and size:
        with path.open("rb") as stream:
            stream.seek(max(size - block, 0))
            data = stream.read()
        if b"\n" not in data[:-1] and block < size:
            data, block = b"", block * 16
    if not data.endswith(b"\n"):
        return None
    return from_bytes(data[data.rfind(b"\n", 0, len(data) - 1) + 1 :])


def _drop_torn(path: Path) -> str | None:
    """Cut a torn last batch off and say so; raise JournalDamaged when the damage cannot come from a torn write."""
    data = path.read_bytes()
    good, last, bad_from = 0, None, None
    for number, piece in enumerate(_split(data), 1):
        line = from_bytes(piece)
        if line is None and bad_from is None:
            bad_from = number
        elif line is not None and bad_from is None:
            good, last = good + len(piece), line
        elif line is not None and (last is None or line.batch > last.seq + 1):
            raise JournalDamaged(_damage(path, bad_from or number))
    torn = data[good:]
    if not torn:
        return "" if not data else None
    if torn.endswith(b"\n") and b"\0" not in torn:
        raise JournalDamaged(_damage(path, bad_from or 1))
    return _set_aside(path, data, good)


def _drop_batch(path: Path, batch: int) -> str:
    """Cut off the lines of the last batch, which is not whole though each of its lines is."""
    data = path.read_bytes()
    good = 0
    for piece in _split(data):
        line = from_bytes(piece)
        if line is None or line.batch == batch:
            break
        good += len(piece)
    return _set_aside(path, data, good)


def _set_aside(path: Path, data: bytes, good: int) -> str:
    aside = path.with_name(f"torn-{path.stem}-{good}.bin")
    aside.write_bytes(data[good:])
    with path.open("r+b") as stream:
        stream.truncate(good)
        os.fsync(stream.fileno())
    sync_folder(path.parent)
    return (
        f"The last write of the journal was torn by a power cut: {len(data) - good:,} bytes were set aside as {aside.name}. "
        "Facts that were acknowledged are still in the spool."
    )


def _split(data: bytes) -> list[bytes]:
    parts = data.split(b"\n")
    return [p + b"\n" for p in parts[:-1]] + ([parts[-1]] if parts[-1] else [])
