"""How is a repository packed and rid of Jarvis's own leftovers, so that every byte of it can come back?

Before: refs, logs and the files of worktrees are copied, objects are kept under a second name (they never change). Then own merged
branches and own worktrees without a folder go, and all objects, unreachable ones too, go into one pack: nothing is pruned. The undo puts
the old files back beside the new pack, and takes that away last; it is refused once a ref, a log or the index has moved.
"""

import errno
import hashlib
import json
import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jarvis_lib.execution.fixes.git import git, git_dir, told
from jarvis_lib.execution.fixes.notes import Note, hash_file, sync_folder, write_whole
from jarvis_lib.execution.fixes.watch_locks import no_git
from jarvis_lib.model.fact import Refused
from jarvis_lib.model.prose import clean

PACK_S = 900.0
_TOUCHED = ("objects", "refs", "logs", "packed-refs")
_LOCKS = ("index.lock", "HEAD.lock", "packed-refs.lock", "config.lock", "shallow.lock")
Entry = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Packed:
    """What was done: the repository, where its old files are kept, what went, and what must not have moved for the undo."""

    top: str
    inner: str
    kept: str
    list_sha: str
    branches: list[list[str]]
    worktrees: list[str]
    refs: list[str]
    index_sha: str
    loose: int
    bytes: int


def pack(note: Note, evidence: dict[str, Any]) -> Packed:
    """Pack the repository of `note` and remove the own leftovers that `evidence` names. Raises Refused; what happened then stands in the note."""
    top = note.path
    inner = git_dir(top)
    if inner is None:
        raise Refused(f"{clean(str(top))} is no git repository any more.")
    refuse_unfit(top, inner, evidence["bytes"])
    branches = [list(b) for b in evidence["branches"]]
    kept = note.folder / "git"
    note.save()
    entries = _keep(inner, kept, evidence["worktrees"])
    write_whole(note.folder / "before.json", json.dumps(entries).encode())
    done = Packed(
        str(top), str(inner), str(kept), hash_file(note.folder / "before.json"), branches, list(evidence["worktrees"]),
        _refs(top, inner), _index_sha(inner), int(evidence["loose"]), int(evidence["bytes"]),
    )  # fmt: skip
    if missing := [name for name, held in branches if f"{held} {name}" not in done.refs]:
        raise Refused(f"{clean(missing[0])} moved in the meantime, so nothing was done.", code="busy")
    note.ready({f: getattr(done, f) for f in Packed.__slots__})
    for name, held in branches:
        told(top, "update-ref", "-d", name, held)
    for name in done.worktrees:
        shutil.rmtree(inner / "worktrees" / name)
    told(top, "pack-refs", "--all", limit_s=PACK_S)
    for _ in range(2):  # where there was no pack yet, git takes the unreachable objects in only at the second time
        told(top, "repack", "-a", "-d", "-k", "-l", "-n", "-q", limit_s=PACK_S)
        if not any((inner / "objects").glob("[0-9a-f][0-9a-f]/*")):
            break
    return done


def refuse_unfit(top: Path, inner: Path, held: int) -> None:
    """Raise Refused where a repository cannot be packed now: locked, partial, or without room for a second copy of its objects."""
    _refuse_used(top, inner)
    if git(top, "config", "--get-regexp", r"^extensions\.(partialclone|refstorage)$|^remote\..*\.promisor$").code == 0:
        raise Refused(f"{clean(str(top))} is a partial clone or keeps its refs in another format, so it is left as it is; pack it with `git gc`.")
    free = shutil.disk_usage(inner).free
    if free < 1.2 * held:
        raise Refused(f"{clean(str(top))} was left as it is: packing needs room for {held:,} bytes, and {free:,} are free.")


def _refuse_used(top: Path, inner: Path) -> None:
    """Raise Refused while a lock stands in the repository or a git works in it, one that an interrupted packing left included."""
    locked = [n for n in _LOCKS if (inner / n).exists()]
    if locked:
        raise Refused(f"{clean(str(top))} is in use: {locked[0]} stands in it. Try again in a moment.", code="busy")
    free, why = no_git(inner)
    if not free:
        raise Refused(f"{clean(str(top))} is in use: {why}. Try again in a moment.", code="busy")


def happened(done: Packed) -> bool:
    """Whether anything of it took place: an old file is missing or another one, or an own branch is gone."""
    inner = Path(done.inner)
    return any(not _is_there(inner / e["path"], e) for e in _entries(done) if e["kind"] == "file")


def holds(done: Packed) -> str:
    """What is wrong with the result, or nothing: every object can be reached, every other ref and the index are as they were."""
    top, inner = Path(done.top), Path(done.inner)
    gone = {f"{held} {name}" for name, held in done.branches}
    if _refs(top, inner) != [r for r in done.refs if r not in gone]:
        return "another ref moved in the meantime, or one was lost"
    if _index_sha(inner) != done.index_sha:
        return "the index was changed in the meantime"
    checked = git(top, "fsck", "--connectivity-only", "--no-dangling", "--no-progress", limit_s=PACK_S)
    return f"git fsck {checked.said}" if checked.code else ""


def unpack(done: Packed) -> None:
    """Put the repository back byte for byte. Raises Refused when something moved since. Safe to repeat after an interruption."""
    top, inner, kept = Path(done.top), Path(done.inner), Path(done.kept)
    entries = _entries(done)
    _refuse_moved(top, inner, done, entries)
    folders = [e for e in entries if e["kind"] == "folder"]
    for entry in folders:
        (inner / entry["path"]).mkdir(parents=True, exist_ok=True)
    for entry in sorted((e for e in entries if e["kind"] == "file"), key=_objects_first):
        if not _is_there(inner / entry["path"], entry):
            _put_back(kept / entry["path"], inner / entry["path"], entry)
    _take_away_new(inner, kept.with_name("left"), {e["path"] for e in entries}, done.worktrees)
    for entry in folders:
        os.chmod(inner / entry["path"], entry["mode"])
    for folder in {inner, *(inner / e["path"] for e in folders)}:
        sync_folder(folder)


def said(done: Packed) -> str:
    """What was done, for the brief."""
    told_ = [f"{done.loose:,} loose objects packed"]
    told_ += [f"{len(done.branches)} merged own branches removed"] if done.branches else []
    told_ += [f"{len(done.worktrees)} own worktrees without a folder removed"] if done.worktrees else []
    return "; ".join([*told_, "every object is still there"])


# --- keeping -------------------------------------------------------------------------------------------------------------


def _keep(inner: Path, kept: Path, worktrees: list[str]) -> list[Entry]:
    """Keep what the packing may touch; the entries of it, relative to the repository's own folder."""
    shutil.rmtree(kept, ignore_errors=True)
    kept.mkdir(parents=True)
    entries = []
    for path in _touched(inner, worktrees):
        seen, name = path.lstat(), path.relative_to(inner).as_posix()
        target = kept / name
        if stat.S_ISDIR(seen.st_mode):
            target.mkdir(parents=True, exist_ok=True)
            entries.append({"path": name, "kind": "folder", "mode": stat.S_IMODE(seen.st_mode)})
        elif stat.S_ISREG(seen.st_mode):
            target.parent.mkdir(parents=True, exist_ok=True)
            is_object = name.startswith("objects/")
            _link(path, target) if is_object else shutil.copy2(path, target)
            own = {"sha": "" if is_object else hash_file(target), "size": seen.st_size, "mtime_ns": seen.st_mtime_ns}
            entries.append({"path": name, "kind": "file", "mode": stat.S_IMODE(seen.st_mode)} | own)
        else:
            raise Refused(f"{clean(str(path))} is a link or no file, so this repository is left as it is; pack it with `git gc`.")
    for folder in {kept, *(p for p in kept.rglob("*") if p.is_dir())}:
        sync_folder(folder)
    return entries


def _touched(inner: Path, worktrees: list[str]) -> Iterator[Path]:
    """All that the packing may touch: objects, refs and their logs, and the own worktrees that go; those of the person are not in it."""
    for name in (*_TOUCHED, *(f"worktrees/{w}" for w in worktrees)):
        top = inner / name
        if top.exists() or top.is_symlink():
            yield top
        if top.is_dir() and not top.is_symlink():
            yield from sorted(top.rglob("*"))


def _link(path: Path, target: Path) -> None:
    """A second name for an object, or a copy where the disk has no such."""
    try:
        os.link(path, target)
    except OSError as error:
        if error.errno not in (errno.EXDEV, errno.EPERM, errno.EOPNOTSUPP, errno.EMLINK):
            raise
        shutil.copy2(path, target)


def _refs(top: Path, inner: Path) -> list[str]:
    """Each ref with its object, and where HEAD stands."""
    lines = told(top, "for-each-ref", "--format=%(objectname) %(refname)").splitlines()
    return [*sorted(lines), "HEAD " + (inner / "HEAD").read_text(encoding="utf-8", errors="replace").strip()]


def _index_sha(inner: Path) -> str:
    return hash_file(inner / "index") if (inner / "index").is_file() else ""


# --- putting back --------------------------------------------------------------------------------------------------------


def _entries(done: Packed) -> list[Entry]:
    raw = Path(done.kept).with_name("before.json").read_bytes() if Path(done.kept).with_name("before.json").is_file() else b""
    if hashlib.sha256(raw).hexdigest() != done.list_sha:
        raise Refused(f"What was kept of {clean(done.top)} was changed or removed since, so nothing can be put back.")
    found: list[Entry] = json.loads(raw)
    return found


def _refuse_moved(top: Path, inner: Path, done: Packed, entries: list[Entry]) -> None:
    """Own branches may be there or not; all else must be as it was: each ref, HEAD, the index, and each log of a ref."""
    own = {f"{held} {name}" for name, held in done.branches}
    _refuse_used(top, inner)
    if set(_refs(top, inner)) - own != set(done.refs) - own or _index_sha(inner) != done.index_sha:
        raise Refused(f"{clean(done.top)} was worked in since (a ref or the index moved), so it stays as it is; every object is in it.")
    logs = {e["path"]: e["sha"] for e in entries if e["kind"] == "file" and e["path"].startswith("logs/")}
    now = {p.relative_to(inner).as_posix(): p for p in (inner / "logs").rglob("*") if p.is_file()} if (inner / "logs").is_dir() else {}
    if any(path not in logs or hash_file(file) != logs[path] for path, file in now.items()):
        raise Refused(f"{clean(done.top)} was worked in since (a log of its refs went on), so it stays as it is; every object is in it.")
    for entry in entries:
        file = Path(done.kept) / entry["path"]
        whole = file.is_file() and file.stat().st_size == entry["size"] and entry["sha"] in ("", hash_file(file)) if entry["kind"] == "file" else True
        if not whole and not _is_there(inner / entry["path"], entry):
            raise Refused(f"The kept copy of {clean(entry['path'])} is damaged or gone, so nothing was put back.", code="failed")


def _is_there(path: Path, entry: Entry) -> bool:
    """Whether the old file stands at its name, by its size and time (an object's name tells its bytes) or by its bytes."""
    try:
        seen = path.lstat()
    except OSError:
        return False
    same = stat.S_ISREG(seen.st_mode) and seen.st_size == entry["size"] and seen.st_mtime_ns == entry["mtime_ns"]
    return same and (not entry["sha"] or hash_file(path) == entry["sha"])


def _objects_first(entry: Entry) -> tuple[int, str]:
    order = {"objects": 0, "refs": 1, "logs": 2, "worktrees": 3}
    return order.get(entry["path"].split("/")[0], 4), entry["path"]


def _put_back(kept: Path, target: Path, entry: Entry) -> None:
    temporary = target.with_name(f".{target.name[:100]}.jarvis-undo")
    with suppress(FileNotFoundError):
        temporary.unlink()
    if entry["sha"]:
        shutil.copy2(kept, temporary)
        with open(temporary, "rb") as file:
            os.fsync(file.fileno())
    else:
        _link(kept, temporary)
    os.replace(temporary, target)


def _take_away_new(inner: Path, left: Path, before: set[str], worktrees: list[str]) -> None:
    """The new pack and what else the packing wrote; loose objects that came since stay, since they may be the person's."""
    for path in list(_touched(inner, worktrees)):
        name = path.relative_to(inner).as_posix()
        loose = name.startswith("objects/") and not name.startswith(("objects/pack/", "objects/info/"))
        if path.is_file() and name not in before and not loose:
            target = left / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target) if path.stat().st_dev != left.stat().st_dev else os.replace(path, target)
            path.unlink(missing_ok=True)
