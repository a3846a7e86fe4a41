"""Whose are the files that a jail may write, before and after its run? Only a session of root has to ask; for all others nothing changes."""

import os
import stat
from pathlib import Path

from jarvis_lib.execution.sandbox.jail import Jail
from jarvis_lib.execution.sandbox.levels import OTHER_USER


def prepare_owner(jail: Jail) -> None:
    """Before the run: what the jail may write, and the sockets it may call, belong to the user that it runs as. Without that user, nothing changes.

    The caller must be sure that no process of an earlier run is alive, and calls `take_back` when the run is over.
    """
    if _needs(jail):
        for path in _written(jail):
            give(path, OTHER_USER, OTHER_USER)


def take_back(jail: Jail) -> None:
    """After the run, when nothing of it is alive: the trees belong to whom the folder around them belongs, and no file keeps a set-user bit."""
    if _needs(jail):
        for path in _written(jail):
            around = path.parent.stat()
            give(path, around.st_uid, around.st_gid)


def give(path: Path, uid: int, gid: int) -> None:
    """Make the whole tree at `path` belong to the user and group. Symbolic links are given, not followed; set-user bits are taken off."""
    if not path.is_dir() or path.is_symlink():
        os.chown(path, uid, gid, follow_symlinks=False)
        return
    for _, folders, files, at in os.fwalk(path, follow_symlinks=False):
        os.chown(at, uid, gid)
        for name in (*folders, *files):
            _give_one(name, at, uid, gid)


def _give_one(name: str, at: int, uid: int, gid: int) -> None:
    os.chown(name, uid, gid, dir_fd=at, follow_symlinks=False)
    mode = os.stat(name, dir_fd=at, follow_symlinks=False).st_mode
    if stat.S_ISREG(mode) and mode & (stat.S_ISUID | stat.S_ISGID):
        os.chmod(name, stat.S_IMODE(mode) & ~(stat.S_ISUID | stat.S_ISGID), dir_fd=at)


def _needs(jail: Jail) -> bool:
    return jail.level != "none" and os.getuid() == 0 and not jail.own_uid


def _written(jail: Jail) -> tuple[Path, ...]:
    return (*jail.writable, jail.temp, *([jail.home] if jail.home else []), *jail.sockets)
