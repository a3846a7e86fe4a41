"""How is a step of this attempt held? From a spec to jails: what its commands, its notebook, its checks and its agent may see and do.

A deeper path wins: what is readable inside of a writable folder is read-only, what is hidden inside of a readable one is hidden.
"""

import os
import shutil
from collections.abc import Callable, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from jarvis_lib.execution import secrets
from jarvis_lib.execution.own_state import BESIDE, OWN_STATE, RUN_OUTSIDE, hold_places
from jarvis_lib.execution.sandbox.jail import Jail
from jarvis_lib.execution.spec import Spec
from jarvis_lib.model.fact import Refused

if TYPE_CHECKING:
    from collections.abc import Iterator

Enter = Callable[[Sequence[str]], list[str]]
READ_ONLY = ("jarvis.toml", ".git", ".ci", ".github", "logs")
"""What a task can read and not change; into `logs` Jarvis and cron write by name, and a link that a task put there would lead them out."""
_SIDE_FILES = (
    "data/jarvis.duckdb.wal",
    "data/snapshot.duckdb.wal",
    *(f"data/{name}" for name in BESIDE),
    "data/session.alive",
)


def jail_of(
    spec: Spec,
    *,
    cwd: Path | None = None,
    writable: Sequence[Path] = (),
    readable: Sequence[Path] = (),
    home: Path | None = None,
    sockets: Sequence[Path] = (),
    own_uid: bool = False,
) -> Jail:
    """The jail of one command of this attempt.

    The person's own command sees the workspace without Jarvis's state in it, and may change it but for the settings, CI and git's own files.
    Everything else sees `writable` and `readable` alone.
    """
    held = spec.holding
    temp = spec.dir / "tmp"
    temp.mkdir(parents=True, exist_ok=True)
    spec.out_dir.mkdir(parents=True, exist_ok=True)
    granted_paths = [Path(p).expanduser() for p in held.readable]
    if not held.own:
        own_readable = [*granted_paths, *readable, *_programs()]
        inside = (spec.out_dir, *writable)
        return Jail(held.level, cwd or spec.out_dir, temp, inside, tuple(own_readable), (), home, held.network, tuple(sockets), own_uid)
    hold_places(spec.home)
    hidden = tuple(p for p in (spec.home / name for name in (*OWN_STATE[1:], *_SIDE_FILES)) if p.exists() and p.name != "logs")
    links = [name for name in ("notebooks", *RUN_OUTSIDE) if (spec.home / name).is_symlink()]  # nothing is mounted on a link; a change of one trips the guard
    outside = () if "notebooks" in links else tuple(name for name in RUN_OUTSIDE if name not in links)
    kept = tuple(p for p in (spec.home / name for name in (*READ_ONLY, *outside)) if p.exists())
    data, own_data = _data(spec)
    closed, inner = _import_folders(spec.home, (*kept, *hidden, *data))
    workspace: tuple[Path, ...] = () if spec.home in closed else (spec.home,)
    if held.level == "basic":
        workspace, inner = tuple(_entries(spec.home, outside, closed)), tuple(p for p in inner if p.parent != spec.home)
    return Jail(
        held.level,
        cwd or spec.home,
        temp,
        (*workspace, *inner, *own_data, spec.out_dir, *writable),
        (*kept, *closed, *granted_paths, *readable, *_programs()),
        (*hidden, *data, *_secrets(spec)),
        home,
        held.network,
        own_uid=True,
        passing=(*inner, *own_data),
    )


def _import_folders(home: Path, shut: Sequence[Path]) -> tuple[tuple[Path, ...], tuple[Path, ...]]:
    """Folders of the workspace in which Jarvis's own Python looks for modules, and what of them may be written: what is there, and no new name."""
    from jarvis_lib.execution.sandbox.python_paths import import_folders, python_paths

    closed = tuple(p for p in import_folders() if p.is_relative_to(home))
    kept = (*shut, *closed, *python_paths())
    return closed, tuple(p for folder in closed for p in sorted(folder.iterdir()) if p not in kept and _is_plain(p))


def _data(spec: Spec) -> tuple[tuple[Path, ...], tuple[Path, ...]]:
    """`data` as a folder to hide, and what in it is not Jarvis's and may be written. Neither where the task declares that it makes something new there.

    DuckDB makes its log in it by name, again and again: who could put a link there in that moment would lead what it writes out of the workspace.
    """
    data = spec.home / "data"
    within = [Path(path).parts[1:2] for path in spec.task.changes if Path(path).parts[:1] == ("data",)]
    if spec.holding.level != "strict" or data.is_symlink() or any(not part or not (data / part[0]).is_dir() for part in within):
        return (), ()
    own = {(spec.home / name) for name in (*OWN_STATE, *_SIDE_FILES)}
    return (data,), tuple(p for p in sorted(data.iterdir()) if p not in own and not p.name.startswith((".", "jarvis.", "store.")) and _is_plain(p))


def _is_plain(path: Path) -> bool:
    return not path.is_symlink() and (path.is_dir() or path.is_file())


def _entries(home: Path, outside: Sequence[str], closed: Sequence[Path]) -> "Iterator[Path]":
    """What lies in the workspace and may be written, where a folder is granted with all that is in it and no part of it can be taken out."""
    from jarvis_lib.execution.sandbox.python_paths import python_paths

    for path in (p for p in home.iterdir() if p not in (*python_paths(), *closed)):
        if path.name == "notebooks" and outside:
            yield from (p for p in path.iterdir() if p.relative_to(home).as_posix() not in outside)
        elif path.name not in (*READ_ONLY, "data"):
            yield path


def enter_for(
    spec: Spec,
    *,
    cwd: Path | None = None,
    writable: Sequence[Path] = (),
    readable: Sequence[Path] = (),
    home: Path | None = None,
    sockets: Sequence[Path] = (),
    own_uid: bool = False,
) -> Enter:
    """What puts a command of this attempt into its jail; at the level none it stays as it is."""
    from jarvis_lib.execution.sandbox.enter import enter

    if spec.holding.level == "none":
        return list
    jail = jail_of(spec, cwd=cwd, writable=writable, readable=readable, home=home, sockets=sockets, own_uid=own_uid)
    return lambda argv: enter(argv, jail)


@contextmanager
def owned(spec: Spec, *, writable: Sequence[Path]) -> "Iterator[None]":
    """While it lasts, the folders belong to the user id that the jail gives to what runs; afterwards they are the session's again."""
    from jarvis_lib.execution.sandbox.enter import prepare_owner, take_back

    if spec.holding.level == "none":
        yield
        return
    jail = jail_of(spec, writable=writable)
    prepare_owner(jail)
    try:
        yield
    finally:
        take_back(jail)


@contextmanager
def reach(spec: Spec) -> "Iterator[tuple[tuple[Path, ...], Enter]]":
    """What lets the attempt reach the hosts that it was granted, and no others: the sockets to bind in, and what puts a command behind them."""
    if spec.holding.network != "hosts":
        yield (), list
        return
    from jarvis_lib.execution.egress import Gate, through

    with Gate(spec.dir / "egress.jsonl", spec.holding.hosts) as gate:
        yield (gate.socket,), lambda argv: through(argv, gate.socket, near=gate.near)


def granted(spec: Spec) -> dict[str, str]:
    """The secrets that the task was granted, read by the worker itself: they stand in no spec. Refuses one that is not there."""
    return secrets.granted(spec.task.secrets, file=spec.holding.secrets_file, keyring=spec.holding.keyring)


def mask_of(spec: Spec) -> secrets.Mask:
    """What hides the attempt's secrets from everything that is kept. Without the secrets (they cannot be read) it knows the forms of keys alone."""
    try:
        return secrets.Mask(granted(spec).values())
    except Refused:
        return secrets.Mask()


def clear_temp(spec: Spec) -> None:
    """Remove the private temp of the attempt, whatever lies in it."""
    shutil.rmtree(spec.dir / "tmp", ignore_errors=True)


def _secrets(spec: Spec) -> tuple[Path, ...]:
    return (Path(spec.holding.secrets_file).expanduser(),) if spec.holding.secrets_file else ()


def _programs() -> tuple[Path, ...]:
    """Folders of the person's own PATH that lie in their home, with the libraries beside them: their programs should run, and nothing else shows."""
    home = Path.home()
    found = []
    for folder in map(Path, os.environ.get("PATH", "").split(os.pathsep)):
        if folder.is_absolute() and folder.is_relative_to(home) and folder.is_dir():
            found.append(folder)
            if folder.name in ("bin", "shims") and folder.parent.parent != home:
                found.append(folder.parent)
            found += [lib for lib in (folder.parent / "lib",) if lib.is_dir() and folder.parent != home]
    return tuple(dict.fromkeys(found))
