"""What travels to another machine and back: a tar of named files below the workspace, and for a repository its commit as a git bundle.

What comes back is written nowhere but where the attempt may write: its own folder, and the paths that the task declared.
"""

import errno
import io
import os
import shutil
import tarfile
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jarvis_lib.execution.digests import files_of
from jarvis_lib.execution.repositories.git import git
from jarvis_lib.model.fact import Refused
from jarvis_lib.model.prose import clean, size
from jarvis_lib.model.task import task_from_json

MOST_BYTES = 1024**3
MOST_UNPACKED = 8 * MOST_BYTES
BUNDLE = "base.bundle"


def outgoing(spec: dict[str, Any]) -> bytes:
    """The tar for a recipe: the files that the task names and declares, or the base of its repository. Refuses more than MOST_BYTES."""
    home, task = Path(spec["home"]), task_from_json(spec["task"])
    with tempfile.TemporaryDirectory(prefix="jarvis-pack-") as folder:
        if spec.get("repository"):
            bundle = Path(folder) / BUNDLE
            _bundle(Path(spec["repository"]["repo"]), spec["repository"]["base"], bundle)
            return _tar([(bundle, BUNDLE)])
        names = dict.fromkeys([*files_of(home, task), *task.changes])
        return _tar([(home / name, name) for name in names if (home / name).exists()])


def _bundle(repo: Path, base: str, bundle: Path) -> None:
    """The history up to one commit, from a repository of its own, so that no other ref of the person's travels."""
    with tempfile.TemporaryDirectory(prefix="jarvis-base-") as folder:
        bare = Path(folder)
        git(bare, "init", "--quiet", "--bare", "--template=", why="The base could not be packed")
        git(bare, "fetch", "--quiet", "--no-tags", str(repo), f"{base}:refs/heads/base", why="The base could not be packed")
        git(bare, "bundle", "create", "--quiet", str(bundle), "refs/heads/base", why="The base could not be packed")


def unbundle(bundle: Path, into: Path) -> str:
    """A repository with the bundle's commit checked out; the commit."""
    into.mkdir(parents=True)
    git(into, "init", "--quiet", "--template=", "--initial-branch=base", why="The base could not be unpacked")
    git(into, "fetch", "--quiet", "--no-tags", "--update-head-ok", str(bundle), "refs/heads/base:refs/heads/base", why="The base could not be unpacked")
    git(into, "reset", "--quiet", "--hard", why="The base could not be unpacked")
    return git(into, "rev-parse", "HEAD", why="The base could not be unpacked").strip()


def _tar(pairs: Sequence[tuple[Path, str]]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz", compresslevel=1) as tar:
        for path, name in pairs:
            tar.add(path, arcname=name, filter=_plain)
            if out.tell() > MOST_BYTES:
                raise Refused(f"What the task needs is more than {size(MOST_BYTES)}, which does not travel to another machine; run it here.")
    return out.getvalue()


def _plain(info: tarfile.TarInfo) -> tarfile.TarInfo | None:
    return info if info.isfile() or info.isdir() or info.issym() else None


def unpack(data: bytes, into: Path) -> None:
    """Write the tar's files below `into`. Raises tarfile's own errors for names and links that lead out."""
    into.mkdir(parents=True, exist_ok=True)
    with tarfile.open(fileobj=io.BytesIO(data), mode="r:gz") as tar:
        total = 0
        for member in tar:
            total += member.size
            if total > MOST_UNPACKED:
                raise Refused(f"What came is more than {size(MOST_UNPACKED)} when it is unpacked, so it was not taken.")
            tar.extract(member, into, filter="data")


def returning(home: Path, spec: dict[str, Any]) -> bytes:
    """The tar that comes back: the attempt's folder, and the declared paths."""
    task = task_from_json(spec["task"])
    attempt = Path(spec["dir"]).relative_to(home)
    own = [(home / attempt, attempt.as_posix())]
    return _tar([*own, *((home / name, name) for name in task.changes if os.path.lexists(home / name))])


def take_back(data: bytes, spec: dict[str, Any]) -> None:
    """Put what came back where it belongs. A declared path that the recipe removed there is removed here."""
    home, task = Path(spec["home"]), task_from_json(spec["task"])
    attempt = Path(spec["dir"]).relative_to(home)
    with tempfile.TemporaryDirectory(prefix=".jarvis-back-", dir=home / "data") as folder:
        there = Path(folder)
        unpack(data, there)
        for name in (attempt.as_posix(), *task.changes):
            _refuse_outside(name)
            _replace(there / name, home / name, merge=name == attempt.as_posix())


def _refuse_outside(name: str) -> None:
    if os.path.isabs(name) or ".." in Path(name).parts:
        raise Refused(f"{clean(name)[:100]} leads out of the workspace, so nothing was taken back.")


def _replace(source: Path, target: Path, *, merge: bool) -> None:
    """Put `source` in the place of `target`, by renames: the old one or the new one is there, and never half of either."""
    if merge:
        shutil.copytree(source, target, dirs_exist_ok=True, symlinks=True)
        return
    old, new = (target.with_name(f".{target.name}.jarvis-{word}") for word in ("before", "new"))
    if os.path.lexists(old) and not os.path.lexists(target):
        os.rename(old, target)  # a session died between the two renames
    _remove(old)
    _remove(new)
    if os.path.lexists(source):
        target.parent.mkdir(parents=True, exist_ok=True)
        _bring(source, new)
    if os.path.lexists(target):
        os.rename(target, old)
    try:
        if os.path.lexists(new):
            os.rename(new, target)
    except OSError:
        if os.path.lexists(old):
            os.rename(old, target)
        raise
    _remove(old)


def _bring(source: Path, new: Path) -> None:
    """Beside its place, whole: by a rename, or as a copy where that is another file system."""
    try:
        os.rename(source, new)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        if source.is_dir() and not source.is_symlink():
            shutil.copytree(source, new, symlinks=True)
        else:
            shutil.copy2(source, new, follow_symlinks=False)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
