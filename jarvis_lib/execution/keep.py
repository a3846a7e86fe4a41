"""Keep files as they are before an attempt, and put them back byte for byte. Undo stands on this.

What was absent is recorded as absent, so undo takes away what was created. A SQLite database is kept with its side files. Nothing outside
of the workspace is read or written, and nothing that somebody changed since is overwritten. The entries stand in `manifest`.
"""

import errno
import fcntl
import json
import os
import shutil
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from jarvis_lib.execution.manifest import Entry, Manifest, entries, entry_of, leads_out, sha256_of
from jarvis_lib.execution.results import sync_folder, write_json
from jarvis_lib.model.fact import Refused
from jarvis_lib.model.prose import clean

_FICLONE = 0x40049409
_TRIES = 3


def keep(home: Path, paths: Sequence[str], into: Path) -> Manifest:
    """Copy the files at `paths` (files or folders below `home`) into `into`, laid out by their relative path; the manifest.

    Copies and the manifest (`INTO.json`) are on the disk when this returns. Refuses paths outside of the workspace, links that
    lead out of it, Jarvis's own state, what is no file, and a file that somebody writes all the time.
    """
    into.mkdir(parents=True, exist_ok=True)
    manifest = []
    for entry in entries(home, paths, hashed=False):
        _refuse_unfit(home, entry)
        manifest.append(_keep(home, entry, into))
    for folder in {into, *(p for p in into.rglob("*") if p.is_dir())}:
        sync_folder(folder)
    write_json(into.with_name(f"{into.name}.json"), manifest)
    return manifest


def restore(home: Path, manifest_before: Sequence[Entry], manifest_after: Sequence[Entry]) -> list[str]:
    """Put every file back as it was before; the paths that were put back or taken away, in order.

    Refuses, before it touches anything, when a file is neither as the attempt left it nor as it was before: somebody has changed
    it since. What is already as before is left alone, so a second call does nothing.
    """
    before = {e["path"]: e for e in manifest_before}
    after = {e["path"]: e for e in manifest_after}
    created = [path for path in after if path not in before and _is_known_new(path, before)]
    now = {path: entry_of(home, path) for path in [*before, *created]}
    due = [path for path in now if not _same(now[path], _in(before, path))]
    for path in due:
        _refuse_unless_ours(home, path, now[path], _in(after, path))
    for path in due:
        _refuse_damaged_copy(home, _in(before, path))
    due = [path for path in due if not _is_shm(path) or _owner(path) in due or f"{_owner(path)}-wal" in due]
    for path in sorted(due, key=lambda p: p.count("/"), reverse=True):
        if _in(before, path)["kind"] == "absent":
            _take_away(home, path)
    for path in sorted(due, key=lambda p: p.count("/")):
        if _in(before, path)["kind"] != "absent":
            _put_back(home, before[path], now[path])
    _dates(home, [before[p] for p in before if before[p]["kind"] == "folder"], due)
    return due


def copy_kept(home: Path, manifest: Sequence[Entry], into: Path) -> None:
    """Another copy of what was kept, for checks and measures to play with; the kept one stays as it is."""
    into.mkdir(parents=True, exist_ok=True)
    for entry in manifest:
        target = into / entry["path"]
        if entry["kind"] == "folder":
            target.mkdir(parents=True, exist_ok=True)
        elif entry["kind"] == "link":
            target.parent.mkdir(parents=True, exist_ok=True)
            target.symlink_to(entry["target"])
        elif entry["kind"] == "file":
            target.parent.mkdir(parents=True, exist_ok=True)
            _copy(home / entry["kept"], target, durable=False)
            if sha256_of(target) != entry["sha256"]:
                raise Refused(f"The kept copy of {clean(entry['path'])} was changed while it ran, so nothing can be compared with it.")
            os.chmod(target, entry["mode"] | stat.S_IRUSR | stat.S_IWUSR)


# --- keeping ---------------------------------------------------------------------------------------------------------------


def _refuse_unfit(home: Path, entry: Entry) -> None:
    if leads_out(home, entry):
        raise Refused(f"{clean(entry['path'])} is a link that leads out of the workspace, so it cannot be kept and put back; declare its folder without it.")
    if entry["kind"] == "special":
        raise Refused(f"{clean(entry['path'])} is neither a file nor a folder, so it cannot be kept and put back; declare other paths.")


def _keep(home: Path, entry: Entry, into: Path) -> Entry:
    if entry["kind"] == "folder":
        (into / entry["path"]).mkdir(parents=True, exist_ok=True)
    if entry["kind"] != "file":
        return entry
    source, target = home / entry["path"], into / entry["path"]
    target.parent.mkdir(parents=True, exist_ok=True)
    for _ in range(_TRIES):
        with _opened_within(home, source) as reading:
            begin = os.fstat(reading.fileno())
            _copy_of(reading, target)
            end = os.fstat(reading.fileno())
        if (begin.st_mtime_ns, begin.st_size, begin.st_ino) == (end.st_mtime_ns, end.st_size, os.lstat(source).st_ino):
            kept = os.path.relpath(target, home)
            return entry | {"sha256": sha256_of(target), "size": end.st_size, "mtime_ns": end.st_mtime_ns, "kept": kept}
    raise Refused(f"{clean(entry['path'])} is written all the time, so it cannot be kept as it is; stop the program that uses it.")


@contextmanager
def _opened_within(home: Path, source: Path) -> Iterator[BinaryIO]:
    """The file that was looked at, and not what somebody puts in its place meanwhile: no link, nothing that makes the reader wait, nothing outside."""
    try:
        fd = os.open(source, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        if error.errno not in (errno.ELOOP, errno.ENXIO):
            raise
        raise _exchanged(home, source) from error
    with open(fd, "rb") as reading:
        where = f"/proc/self/fd/{fd}"
        inside = not os.path.exists("/proc/self/fd") or Path(os.readlink(where)).is_relative_to(home.resolve())
        if not (inside and stat.S_ISREG(os.fstat(fd).st_mode)):
            raise _exchanged(home, source)
        yield reading


def _exchanged(home: Path, source: Path) -> Refused:
    name = clean(source.relative_to(home).as_posix())
    return Refused(f"{name} became another file while it was kept, so it cannot be put back; stop the program that changes it.")


def _copy(source: Path, target: Path, *, durable: bool = True) -> None:
    """The bytes of `source` in `target`, which is made anew."""
    with open(source, "rb") as reading:
        _copy_of(reading, target, durable=durable)


def _copy_of(reading: BinaryIO, target: Path, *, durable: bool = True) -> None:
    """What is read in `target`, on the disk when `durable`; blocks are shared where the file system can. No link that stands there is followed."""
    target.unlink(missing_ok=True)
    with open(target, "xb") as writing:
        os.fchmod(writing.fileno(), 0o600)
        try:
            fcntl.ioctl(writing.fileno(), _FICLONE, reading.fileno())
        except OSError as error:
            if error.errno not in (errno.EOPNOTSUPP, errno.EXDEV, errno.EINVAL, errno.ENOTTY, errno.EPERM, errno.ENOSYS, errno.ETXTBSY):
                raise
            shutil.copyfileobj(reading, writing, 1 << 20)
        if durable:
            writing.flush()
            os.fsync(writing.fileno())


# --- putting back ----------------------------------------------------------------------------------------------------------


def _is_known_new(path: str, before: dict[str, Entry]) -> bool:
    """True below a declared folder: all that was in it is in `before`. Where a link now leads elsewhere, what stands there is not ours."""
    parents = [p.as_posix() for p in Path(path).parents]
    return any(p in before and before[p]["kind"] in ("folder", "absent") for p in parents)


def _in(manifest: dict[str, Entry], path: str) -> Entry:
    """The entry of `path`; what a manifest does not name was not there."""
    return manifest.get(path) or {"path": path, "kind": "absent", "sha256": None, "mode": 0}


def _same(one: Entry, other: Entry) -> bool:
    return all(one[part] == other[part] for part in ("kind", "sha256", "mode"))


def _is_shm(path: str) -> bool:
    return path.endswith("-shm")


def _owner(path: str) -> str:
    return path[: -len("-shm")]


def _refuse_unless_ours(home: Path, path: str, now: Entry, left: Entry) -> None:
    """The file must be what the attempt left. A folder only has to be one, and SQLite rewrites `-shm` when anybody reads."""
    if not (home / path).parent.resolve().is_relative_to(home.resolve()):
        raise Refused(f"{clean(path)} now lies behind a link out of the workspace, so it was not put back; nothing was changed.")
    if _is_shm(path) or now["kind"] == "folder" == left["kind"]:
        return
    if now["kind"] != left["kind"] or now["sha256"] != left["sha256"]:
        what = "is gone" if now["kind"] == "absent" else "has been changed"
        raise Refused(f"{clean(path)} {what} since Jarvis left it, so nothing was put back; look at it, and copy what you want from data/kept.")


def _refuse_damaged_copy(home: Path, entry: Entry) -> None:
    if entry["kind"] == "file" and not ((home / entry["kept"]).is_file() and sha256_of(home / entry["kept"]) == entry["sha256"]):
        raise Refused(f"The kept copy of {clean(entry['path'])} is damaged, so nothing was put back; restore it from a backup.", code="failed")


def _put_back(home: Path, entry: Entry, now: Entry) -> None:
    target = home / entry["path"]
    if now["kind"] == "folder" and entry["kind"] != "folder":
        _take_away(home, entry["path"])
    if entry["kind"] == "folder":
        if now["kind"] not in ("folder", "absent"):
            target.unlink()
        target.mkdir(exist_ok=True)
        os.chmod(target, entry["mode"])
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{target.name}.jarvis-undo")
    temporary.unlink(missing_ok=True)
    if entry["kind"] == "link":
        temporary.symlink_to(entry["target"])
    else:
        _copy(home / entry["kept"], temporary)
        if sha256_of(temporary) != entry["sha256"]:
            temporary.unlink()
            raise Refused(f"The kept copy of {clean(entry['path'])} is damaged, so it was not put back; restore it from a backup.", code="failed")
        _own(temporary, entry)
    os.replace(temporary, target)
    sync_folder(target.parent)


def _own(path: Path, entry: Entry) -> None:
    found = os.lstat(path)
    if (found.st_uid, found.st_gid) != (entry.get("uid", found.st_uid), entry.get("gid", found.st_gid)):
        with suppress(PermissionError):  # only root may give a file away; its bytes count
            os.chown(path, entry["uid"], entry["gid"])
    os.chmod(path, entry["mode"])
    os.utime(path, ns=(entry["mtime_ns"], entry["mtime_ns"]))


def _take_away(home: Path, path: str) -> None:
    """Remove what the attempt created. A folder goes only when nothing else has come into it."""
    full = home / path
    if full.is_dir() and not full.is_symlink():
        try:
            full.rmdir()
        except OSError as error:
            if error.errno != errno.ENOTEMPTY:
                raise
    else:
        full.unlink(missing_ok=True)
    sync_folder(full.parent)


def _dates(home: Path, folders: Sequence[Entry], due: Sequence[str]) -> None:
    """Folders in which something was put back get their old time, deepest first."""
    for entry in sorted(folders, key=lambda e: str(e["path"]).count("/"), reverse=True):
        if any(path == entry["path"] or path.startswith(f"{entry['path']}/") for path in due):
            os.utime(home / entry["path"], ns=(entry["mtime_ns"], entry["mtime_ns"]))


def read_manifest(into: Path) -> Manifest:
    """The manifest that `keep` wrote beside `into`."""
    found: Manifest = json.loads(into.with_name(f"{into.name}.json").read_text(encoding="utf-8"))
    return found
