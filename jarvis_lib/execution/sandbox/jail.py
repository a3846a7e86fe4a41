"""A jail in words: what one process tree may read, write and reach. Nothing here enforces it; `levels` says what this machine can."""

from dataclasses import dataclass
from pathlib import Path

LEVELS = ("none", "basic", "strict")


@dataclass(frozen=True, slots=True)
class Jail:
    """`level` is one of LEVELS. All paths are absolute and real.

    Nothing is writable but `writable` and `temp` (shown as /tmp at strict, as TMPDIR at basic); nothing of the home and of the workspace can be
    read but `readable` and `writable`; `hidden` cannot even where it lies in one of them. `home` becomes HOME, or a folder in `temp` does.
    `network`: none, hosts (nothing but the unix `sockets` that are bound in) or all. `own_uid`: it may keep the person's user id, because it works
    on the person's own files; without it a session of root gives it another one. `passing` names those of `writable` that others may take away
    meanwhile, such as the log of a database: what is gone is left out.
    """

    level: str
    cwd: Path
    temp: Path
    writable: tuple[Path, ...] = ()
    readable: tuple[Path, ...] = ()
    hidden: tuple[Path, ...] = ()
    home: Path | None = None
    network: str = "none"
    sockets: tuple[Path, ...] = ()
    own_uid: bool = False
    passing: tuple[Path, ...] = ()
