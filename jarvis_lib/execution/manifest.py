"""What is at these paths? A manifest: one entry for each file, folder and link, with its hash.

An entry has `path` (relative to the workspace), `kind` (file, folder, link, special or absent), `sha256` (None when absent), `mode`,
`mtime_ns`, `size`, and `kept` (where its copy is, relative to the workspace, or None).
"""

import hashlib
import os
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from jarvis_lib.execution.own_state import refuse_own_state
from jarvis_lib.model.fact import Refused
from jarvis_lib.model.prose import clean

Entry = dict[str, Any]
Manifest = list[Entry]

SIDE_FILES = ("-wal", "-shm", "-journal")
_SQLITE = b"SQLite format 3\x00"


def look(home: Path, paths: Sequence[str]) -> Manifest:
    """The manifest of what is there now, without copies. Refuses only paths that lie outside of the workspace."""
    return list(entries(home, paths, hashed=True))


def entries(home: Path, paths: Sequence[str], *, hashed: bool) -> Iterator[Entry]:
    """An entry for each path and all that belongs to it, each once; files without their hash unless `hashed`."""
    seen: set[str] = set()
    for path in paths:
        for found in _expand(home, below(home, path), followed=True):
            if found not in seen:
                seen.add(found)
                yield entry_of(home, found, hashed=hashed)


def below(home: Path, path: str) -> str:
    """`path` relative to the workspace, links in its folders followed. Refuses what is not below it, and Jarvis's own state."""
    root = home.resolve()
    plain = root / os.path.normpath(path.strip() or ".")
    full = plain.parent.resolve() / plain.name
    if plain == root or full == root or not full.is_relative_to(root):
        raise Refused(f"{clean(path)[:120]!r} does not lie below the workspace, so it cannot be kept and put back; name a file or folder in it.")
    relative = full.relative_to(root).as_posix()
    refuse_own_state(relative)
    return relative


def _expand(home: Path, path: str, *, followed: bool = False) -> Iterator[str]:
    """The path; what is below it when it is a folder; the side files when it is (or may become) a database; when `followed`, what a link means."""
    yield path
    full = home / path
    if full.is_symlink():
        target = full.resolve()
        if followed and target.is_relative_to(home.resolve()) and target != home.resolve():
            yield from _expand(home, below(home, str(target)))
    elif full.is_dir():
        with os.scandir(full) as children:
            names = sorted(child.name for child in children)
        for name in names:
            yield from _expand(home, f"{path}/{name}")
    elif not path.endswith(SIDE_FILES) and _may_be_sqlite(full):
        yield from (path + side for side in SIDE_FILES)


def _may_be_sqlite(full: Path) -> bool:
    try:
        if not stat.S_ISREG(os.stat(full).st_mode):
            return False  # opening a pipe would wait for its writer for ever
        with open(full, "rb") as stream:
            return stream.read(16) == _SQLITE or full.suffix in (".db", ".sqlite", ".sqlite3")
    except OSError:
        return full.suffix in (".db", ".sqlite", ".sqlite3")


def entry_of(home: Path, path: str, *, hashed: bool = True) -> Entry:
    """What stands at `path` now; a link is looked at, not followed."""
    full = home / path
    try:
        found = os.lstat(full)
    except (FileNotFoundError, NotADirectoryError):
        return {"path": path, "kind": "absent", "sha256": None, "mode": 0, "mtime_ns": 0, "size": 0, "kept": None}
    entry: Entry = {"path": path, "mode": stat.S_IMODE(found.st_mode), "mtime_ns": found.st_mtime_ns, "size": found.st_size, "kept": None}
    if stat.S_ISLNK(found.st_mode):
        target = os.readlink(full)
        return entry | {"kind": "link", "target": target, "sha256": hashlib.sha256(f"link:{target}".encode()).hexdigest()}
    if stat.S_ISDIR(found.st_mode):
        return entry | {"kind": "folder", "sha256": "folder", "size": 0}
    if stat.S_ISREG(found.st_mode):
        return entry | {"kind": "file", "sha256": sha256_of(full) if hashed else "", "uid": found.st_uid, "gid": found.st_gid}
    return entry | {"kind": "special", "sha256": "special"}


def sha256_of(path: Path) -> str:
    """SHA-256 of the file's bytes, in hex."""
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def leads_out(home: Path, entry: Entry) -> bool:
    """Is this entry a link to somewhere outside of the workspace?"""
    return entry["kind"] == "link" and not (home / entry["path"]).resolve().is_relative_to(home.resolve())
