"""How does a command get into its jail? From words to an argv: bubblewrap at strict, a Landlock launcher at basic, the command itself at none.

The environment is inherited through the process and never stands in the argv, since everybody can read that. A deeper path wins over a higher
one, so that what is hidden or read-only inside of a writable folder stays so.
"""

import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import jarvis_lib
from jarvis_lib.execution.sandbox import landlock
from jarvis_lib.execution.sandbox.jail import Jail
from jarvis_lib.execution.sandbox.levels import NOBODY, machine
from jarvis_lib.model.fact import Refused

_SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/opt", "/nix")
_ETC = (
    *("ld.so.cache", "ld.so.conf", "ld.so.conf.d", "ssl", "ca-certificates", "ca-certificates.conf", "pki", "alternatives", "localtime", "timezone"),
    *("passwd", "group", "nsswitch.conf", "mime.types", "fonts", "magic", "java-17-openjdk", "perl", "python3"),
)
_ETC_NETWORK = ("resolv.conf", "hosts", "services", "protocols", "host.conf", "gai.conf")
_DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty", "/dev/shm")
TEMP = Path("/tmp")


def enter(argv: Sequence[str], jail: Jail) -> list[str]:
    """The argv that runs `argv` in the jail. Refuses a folder that should be writable and is not there, and a level that this machine has not."""
    if jail.level == "none":
        return list(argv)
    gone = [p for p in (*jail.writable, jail.temp) if not p.exists()]
    if gone:
        raise Refused(f"{gone[0]} should be writable in the sandbox, but it is not there.", code="failed")
    if jail.level == "basic":
        return [*_landlock(jail), "--", *argv]
    found = machine()
    if found.strict_why:
        raise Refused(f"The strict sandbox cannot be had here: {found.strict_why}.", code="failed")
    return [*_bubblewrap(found.bwrap, jail, root=found.root), "--", *_drop(found.setpriv, jail, root=found.root), *argv]


def drops(jail: Jail) -> bool:
    """Does what runs in this jail get another user id?"""
    return jail.level == "strict" and not jail.own_uid and os.geteuid() == 0


def prepare_owner(jail: Jail) -> None:
    """Give the writable folders to the user id that the jail runs under, where that is another one."""
    if drops(jail):
        for top in _owned(jail):
            _give(top, NOBODY)


def take_back(jail: Jail) -> None:
    """Take the writable folders back; nothing of the jail is alive any more."""
    if drops(jail):
        for top in _owned(jail):
            _give(top, os.geteuid())


def _owned(jail: Jail) -> tuple[Path, ...]:
    return tuple(dict.fromkeys((*jail.writable, jail.temp, *((jail.home,) if jail.home else ()))))


def _give(top: Path, uid: int) -> None:
    """Change the owner of a tree, links themselves and not what they lead to; what vanishes meanwhile is nobody's."""
    for folder, names, files in os.walk(top):
        for name in (*names, *files):
            _chown(os.path.join(folder, name), uid)
    _chown(str(top), uid)


def _chown(path: str, uid: int) -> None:
    try:
        os.lchown(path, uid, uid)
    except FileNotFoundError:
        return


# --- strict ------------------------------------------------------------------------------------------------------------------


def _bubblewrap(bwrap: str, jail: Jail, *, root: bool) -> list[str]:
    words = [bwrap, "--unshare-pid", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try", "--die-with-parent", "--new-session"]
    if not drops(jail):
        words += ["--unshare-user", "--disable-userns", "--cap-drop", "ALL"]
        words += ["--uid", "0", "--gid", "0"] if root else []
    if jail.network != "all":
        words.append("--unshare-net")
    words += ["--hostname", "jarvis", "--proc", "/proc", "--dev", "/dev"]
    words += [word for path in _system(jail) for word in path]
    words += ["--bind", str(jail.temp), str(TEMP)]
    made: set[Path] = set()
    for path, kind in _by_depth(jail):
        above = [p for p in reversed(path.parents) if p not in made and len(p.parts) > 1]
        words += [word for p in above for word in ("--perms", "0755", "--dir", str(p))]  # else they would be closed to another user id
        made.update(above)
        words += {"ro": ["--ro-bind", str(path), str(path)], "rw": ["--bind", str(path), str(path)], "hidden": _masked(path)}[kind]
        made = {p for p in made if kind != "hidden" or not p.is_relative_to(path)}
    home = jail.home or TEMP
    words += ["--setenv", "HOME", str(home), "--setenv", "TMPDIR", str(TEMP), "--unsetenv", "XDG_RUNTIME_DIR", "--unsetenv", "JPY_PARENT_PID"]
    return [*words, "--chdir", str(jail.cwd)]


def _masked(path: Path) -> list[str]:
    """An empty folder, or an empty file, in its place."""
    return ["--tmpfs", str(path)] if path.is_dir() else ["--ro-bind", "/dev/null", str(path)]


def _by_depth(jail: Jail) -> list[tuple[Path, str]]:
    """All paths with what they are, higher ones first, so that the mount of a deeper one lies over them."""
    found = [(p, "ro") for p in (*_python(), *jail.readable, *jail.sockets) if p.exists()]
    found += [(p, "rw") for p in (*jail.writable, *((jail.home,) if jail.home else ()))]
    found += [(p, "hidden") for p in jail.hidden if p.exists()]
    return sorted(found, key=lambda pair: len(pair[0].parts))


def _system(jail: Jail) -> Iterator[list[str]]:
    for name in _SYSTEM:
        path = Path(name)
        if path.is_symlink():
            yield ["--symlink", os.readlink(path), name]
        elif path.is_dir():
            yield ["--ro-bind", name, name]
    yield ["--perms", "0755", "--dir", "/etc"]
    for name in _etc(jail):
        yield ["--ro-bind-try", f"/etc/{name}", f"/etc/{name}"]


def _etc(jail: Jail) -> tuple[str, ...]:
    return (*_ETC, *_ETC_NETWORK) if jail.network == "all" else _ETC


def _python() -> tuple[Path, ...]:
    """Where the Python that runs Jarvis lies, with the real places behind a virtual environment's links, and the package itself."""
    real = Path(os.path.realpath(sys.executable)).parent.parent
    found = (Path(sys.prefix), Path(sys.base_prefix), real, Path(jarvis_lib.__file__).resolve().parent)
    return tuple(dict.fromkeys(p for p in found if not p.is_relative_to("/usr")))


def _drop(setpriv: str, jail: Jail, *, root: bool) -> list[str]:
    """As root: another user id and no capabilities, inside of the view that bubblewrap made; a Python in root's home stays readable that way."""
    if not root or jail.own_uid:
        return []
    ids = [f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
    return [setpriv, *ids, "--bounding-set=-all", "--inh-caps=-all", "--no-new-privs", "--"]


# --- basic -------------------------------------------------------------------------------------------------------------------


def _landlock(jail: Jail) -> list[str]:
    etc = [f"/etc/{name}" for name in _etc(jail)]
    read = [*_SYSTEM, *etc, "/proc", "/sys/fs/cgroup", "/dev", *map(str, (*_python(), *jail.readable))]
    write = [*_DEVICES, str(jail.temp), *map(str, jail.writable), *([str(jail.home)] if jail.home else [])]
    words = [sys.executable, "-I", "-S", landlock.__file__]
    for option, paths in (("--ro", read), ("--rw", write)):
        words += [word for path in paths for word in (option, path)]
    words += ["--tcp"] if jail.network == "all" else []
    return words
