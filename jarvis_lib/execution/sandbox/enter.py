"""How is a program started inside of a jail? The argv that does it; the environment comes by inheritance and stands on no command line.

Of two paths of a jail that lie in each other the deeper one counts: a folder that may be written inside of a hidden one is there, and a
hidden one inside of a folder that may be written is not. Paths are passed one by one, so they may hold anything but a zero byte.
"""

import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from jarvis_lib.execution.sandbox import inside
from jarvis_lib.execution.sandbox.jail import Jail
from jarvis_lib.execution.sandbox.landlock import allowed
from jarvis_lib.execution.sandbox.levels import OTHER_USER, OWN_NAMESPACES, Machine, machine
from jarvis_lib.execution.sandbox.mounts import INSIDE_TEMP, mounted
from jarvis_lib.execution.sandbox.owners import give, prepare_owner, take_back
from jarvis_lib.model.fact import Refused
from jarvis_lib.model.prose import clean

__all__ = ["enter", "kernel_in", "prepare_owner", "reads_everything", "take_back", "user_of"]
_UNTIL_INSIDE = ("CAP_SETUID", "CAP_SETGID", "CAP_SETPCAP", "CAP_DAC_READ_SEARCH")
_DEAF = 'trap \'\' TERM INT HUP; exec "$0" "$@"'
"""bubblewrap must outlive the polite signals that its tree is sent, or the program inside would be killed with no time to end by itself."""


def enter(argv: Sequence[str], jail: Jail) -> list[str]:
    """The argv that starts `argv` inside of `jail`; at level none it is `argv` itself.

    Raises Refused where the jail cannot be built as it was asked for: a level that this machine has not, a path that is to be written
    and is missing, or one that leads elsewhere by a symbolic link.
    """
    if jail.level == "none":
        return list(argv)
    here = machine()
    _check(jail, here)
    python = os.path.realpath(sys.executable)
    script = os.path.realpath(inside.__file__)
    closing = [python, "-I", "-S", script, inside.packed(_plan(jail)), *argv]
    return ["/bin/sh", "-c", _DEAF, *_bwrap(jail, here), "--", *closing] if jail.level == "strict" else closing


def kernel_in(jail: Jail) -> Callable[[Path], Callable[[Sequence[str]], list[str]]]:
    """What `run_notebook` takes as `enter`: a jail that also holds the folder of the kernel's sockets, which then belongs to the jail's user."""

    def with_sockets(folder: Path) -> Callable[[Sequence[str]], list[str]]:
        if user_of(jail) is not None:
            give(folder, OTHER_USER, OTHER_USER)
        own = replace(jail, writable=(*jail.writable, Path(os.path.realpath(folder))))
        return lambda argv: enter(argv, own)

    return with_sockets


def user_of(jail: Jail) -> int | None:
    """The user that a program in the jail becomes; None where it stays who it is."""
    return OTHER_USER if jail.level != "none" and os.getuid() == 0 and not jail.own_uid else None


def reads_everything(jail: Jail) -> bool:
    """Does its program keep the right to read whatever the modes say? At basic, where root's Python lies in a folder that only root may enter;
    Landlock's list of what may be read holds all the same."""
    return jail.level == "basic" and user_of(jail) is not None and not _is_open_to_all(Path(sys.base_prefix))


def _check(jail: Jail, here: Machine) -> None:
    if jail.level not in here.levels:
        raise Refused(f"The sandbox {jail.level} cannot be entered on this machine; jarvis doctor says what is missing.", code="failed")
    if jail.level == "basic" and jail.network == "hosts":
        raise Refused("A network of chosen hosts needs the sandbox strict; jarvis doctor says what is missing.", code="failed")
    for path in (jail.cwd, jail.temp, *jail.writable, *jail.sockets, *([jail.home] if jail.home else [])):
        if not path.exists():
            if path in jail.passing:
                continue
            raise Refused(f"The sandbox cannot be built: {clean(str(path))} is missing.", code="failed")
        if os.path.realpath(path) != str(path):
            raise Refused(f"The sandbox cannot be built: {clean(str(path))} leads to {clean(os.path.realpath(path))}; give the real path.", code="failed")
    seen = [*jail.writable, *jail.readable, jail.temp, *([jail.home] if jail.home else [])]
    if jail.level == "strict" and not any(jail.cwd.is_relative_to(p) for p in seen):
        raise Refused(f"The sandbox cannot be built: its program is to start in {clean(str(jail.cwd))}, which it may not see.", code="failed")


def _plan(jail: Jail) -> dict[str, Any]:
    """What the last step inside has to do."""
    temp = INSIDE_TEMP if jail.level == "strict" else str(jail.temp)
    home = str(jail.home) if jail.home else os.path.join(temp, "home")
    user = user_of(jail)
    files = allowed(jail) if jail.level == "basic" else None
    return {
        "uid": user,
        "keep_reading": reads_everything(jail),
        "temp": temp,
        "home": home,
        "cwd": str(_inside(jail)) if jail.level == "strict" else str(jail.cwd),
        "files": files,
        "network": jail.network,
    }


def _is_open_to_all(folder: Path) -> bool:
    """May any user go into the folder?"""
    real = Path(os.path.realpath(folder))
    return all(p.stat().st_mode & 0o001 for p in (real, *real.parents))


def _bwrap(jail: Jail, here: Machine) -> list[str]:
    users = [] if user_of(jail) is not None else ["--unshare-user", *(["--disable-userns"] if here.disable_userns else [])]
    # Root becomes another user only inside, where its Python can be read; until then it keeps what that takes, and nothing else.
    kept = [word for cap in _UNTIL_INSIDE for word in ("--cap-add", cap)] if user_of(jail) is not None else []
    network = [] if jail.network == "all" else ["--unshare-net"]
    return [here.bwrap, *OWN_NAMESPACES, *network, *users, "--cap-drop", "ALL", *kept, "--hostname", "jarvis", *mounted(jail)]


def _inside(jail: Jail) -> Path:
    """The working folder as the program sees it."""
    shown = any(jail.cwd.is_relative_to(p) for p in (*jail.writable, *jail.readable))
    return jail.cwd if shown or not jail.cwd.is_relative_to(jail.temp) else Path(INSIDE_TEMP) / jail.cwd.relative_to(jail.temp)
