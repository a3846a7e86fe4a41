"""Does the sandbox hold tonight? A small program is started in it that really tries to get out; what it reached is told, way by way.

All that it may reach are decoys made for it: a store, settings, a key, a process and listeners of every kind. What it says counts, and so does
what is seen from outside: bytes that changed, a connection that came in, a process that is dead or still alive.
"""

import contextlib
import json
import os
import secrets
import select
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jarvis_lib.execution import tree
from jarvis_lib.execution.sandbox import breakout
from jarvis_lib.execution.sandbox.enter import enter, reads_everything, user_of
from jarvis_lib.execution.sandbox.jail import Jail
from jarvis_lib.execution.sandbox.levels import machine
from jarvis_lib.execution.sandbox.owners import prepare_owner, take_back
from jarvis_lib.execution.spec import clean_environment
from jarvis_lib.model.fact import Refused
from jarvis_lib.model.prose import clean, listed, plural, shorten

_PATIENCE_S = 15.0
_DEAD_WITHIN_S = 2.0
_DAEMON = "leave a process behind"


@dataclass(frozen=True, slots=True)
class Attempted:
    """One way out that was tried. `promised` is False where the level does not claim to shut it on this machine."""

    name: str
    held: bool
    said: str
    promised: bool = True


@dataclass(frozen=True, slots=True)
class Canary:
    """`held`: every way that the level promises to shut was shut. `said` is one sentence for the brief."""

    held: bool
    said: str
    tried: tuple[Attempted, ...] = ()


@dataclass(frozen=True, slots=True)
class _Decoys:
    """What the program may try to reach, and how it is seen from outside that it did."""

    top: Path
    victim: "subprocess.Popen[bytes]"
    tcp: socket.socket
    udp: socket.socket
    abstract: socket.socket
    unix: socket.socket
    token: str

    def file(self, name: str) -> Path:
        return self.top / "outside" / name


Enter = Callable[[Sequence[str], Jail], list[str]]
Cleaned = Callable[[Sequence[str], str, Mapping[str, str]], dict[str, str]]
_SECRET = "JARVIS_CANARY_SECRET"  # noqa: S105  # the name of the bait


def escape(
    folder: Path, level: str, *, home: Path | None = None, own_uid: bool | None = None, entered: Enter = enter, cleaned: Cleaned = clean_environment
) -> Canary:
    """Try to get out of a jail of `level`, with decoys in a new folder below `folder`, which is removed again. `home` is the real workspace, if any.

    With `own_uid` the jail is the one for the person's own files; without a word, both kinds are tried where they differ, which is for root.
    `entered` starts it and `cleaned` makes its environment; tests give some that lack something. Whatever goes wrong means that it does not hold;
    nothing is raised for it.
    """
    if level == "none":
        return Canary(False, "there is no sandbox at the level none: files and network are open to whatever runs")
    kinds = (own_uid,) if own_uid is not None else (False, True) if os.getuid() == 0 else (True,)
    found = [_one(home or folder, folder, level, kind, entered, cleaned) for kind in kinds]
    return next((c for c in found if not c.held), found[0])


def _one(home: Path, folder: Path, level: str, own_uid: bool, entered: Enter, cleaned: Cleaned) -> Canary:
    try:
        with _decoys(folder) as decoys:
            return _judged(*_tried(home, decoys, level, own_uid, entered, cleaned))
    except (Refused, OSError, ValueError, subprocess.SubprocessError) as error:
        return Canary(False, f"it could not be tried: {shorten(clean(str(error)), 200)}")


def _judged(tried: tuple[Attempted, ...], failed: str) -> Canary:
    if failed:
        return Canary(False, f"it could not be started: {failed}", tried)
    out = [a.name for a in tried if a.promised and not a.held]
    if out:
        return Canary(False, f"a program inside could {listed(out)}", tried)
    open_ = [a.name for a in tried if not a.promised and not a.held]
    more = f"; this level does not keep it from this: {listed(open_)}" if open_ else ""
    return Canary(True, f"{plural(sum(a.promised for a in tried), 'way')} out were tried, none of them open{more}", tried)


def _tried(home: Path, decoys: _Decoys, level: str, own_uid: bool, entered: Enter, cleaned: Cleaned) -> tuple[tuple[Attempted, ...], str]:
    """Every way with its result; or why the program gave no answer."""
    work, temp = decoys.top / "work", decoys.top / "temp"
    shown = decoys.top / "shown"
    jail = Jail(level, work, temp, writable=(work,), readable=(shown,), hidden=(shown / "file", shown / "folder"), own_uid=own_uid)
    environment = cleaned((), f"canary-{os.getpid()}", {**os.environ, _SECRET: decoys.token})
    reader, writer = os.pipe()
    try:
        prepare_owner(jail)
        code, out, err = _run(entered(_program(home, decoys, jail, writer if level == "strict" else -1), jail), work, writer, environment)
        os.close(writer)
        writer = -1
        try:
            found = json.loads(out.splitlines()[-1])
        except (ValueError, IndexError):
            return (), shorten(clean(err.strip() or out.strip() or f"exit {code}"), 200)
        seen = _seen_outside(decoys)
        if level == "strict":
            seen[_DAEMON] = "" if _is_over(reader) else "it lives on"
        tried = [_attempted(name, reached or seen.get(name, ""), why, level, jail) for name, reached, why in found if name != _DAEMON or level == "strict"]
        if {name for name, _, _ in found} != set(breakout.WAYS) or not (work / "allowed").exists():
            return tuple(tried), "its answer is not whole"
        return tuple(tried), ""
    finally:
        os.close(reader)
        if writer >= 0:
            os.close(writer)
        take_back(jail)


def _program(home: Path, decoys: _Decoys, jail: Jail, pipe: int) -> list[str]:
    targets = {
        "outside": str(decoys.top / "outside"),
        "work": str(jail.cwd),
        "store": str(decoys.file("jarvis.duckdb")),
        "toml": str(decoys.file("jarvis.toml")),
        "secret": str(decoys.file(".ssh/id_ed25519")),
        "hidden": [str(decoys.top / "shown" / name) for name in ("file", "folder/file")],
        "token": decoys.token,
        "victim": decoys.victim.pid,
        "tcp": decoys.tcp.getsockname()[1],
        "udp": decoys.udp.getsockname()[1],
        "abstract": decoys.abstract.getsockname()[1:].decode(),
        "unix": decoys.unix.getsockname(),
        "pipe": pipe,
        "walled": jail.level == "strict",
        "root": os.getuid() == 0,
        "session_user": os.getuid(),
        "another_user": user_of(jail) is not None,
        "kept_capabilities": 1 << 2 if reads_everything(jail) else 0,
        "real_toml": str(home / "jarvis.toml"),
        "real_journal": str(home / "data" / "journal"),
        "real_spool": str(home / "data" / "spool"),
    }
    return [os.path.realpath(sys.executable), "-I", "-S", os.path.realpath(breakout.__file__), json.dumps(targets)]


def _run(argv: list[str], cwd: Path, pipe: int, environment: Mapping[str, str]) -> tuple[int, str, str]:
    with subprocess.Popen(
        argv, cwd=cwd, env=environment, pass_fds=(pipe,), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
    ) as process:
        try:
            out, err = process.communicate(timeout=_PATIENCE_S)
        finally:
            tree.kill(lambda: [p for p in (*tree.descendants(process.pid), process.pid) if tree.exists(p)])
    return process.returncode, out.decode("utf-8", "replace"), err.decode("utf-8", "replace")


def _attempted(name: str, reached: str, why: str, level: str, jail: Jail) -> Attempted:
    held = not reached
    said = "shut" + (f": {clean(why)}" if why else "") if held else clean(reached)
    signals_open = level == "basic" and name == "kill a process" and machine().landlock < 6 and user_of(jail) is None
    return Attempted(name, held, said, promised=not signals_open and not _open_at_basic(name, level, jail))


def _open_at_basic(name: str, level: str, jail: Jail) -> bool:
    """Landlock has no word about modes: who owns a file outside may still change them."""
    return level == "basic" and name == "make the store writable" and user_of(jail) is None


# --- decoys ---------------------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def _decoys(folder: Path) -> Iterator[_Decoys]:
    """The decoys, open to every user of the machine, so that nothing but the sandbox stands between them and the program."""
    folder.mkdir(parents=True, exist_ok=True)
    top = Path(os.path.realpath(tempfile.mkdtemp(prefix="canary-", dir=folder)))
    short = Path(os.path.realpath(tempfile.mkdtemp(prefix="jarvis-canary-", dir="/tmp")))
    token = secrets.token_hex(12)
    with contextlib.ExitStack() as stack:
        stack.callback(shutil.rmtree, top, ignore_errors=True)
        stack.callback(shutil.rmtree, short, ignore_errors=True)
        for name in ("outside/.ssh", "shown/folder", "work", "temp"):
            (top / name).mkdir(parents=True)
        for path in (top, short, *(top / name for name in ("outside", "outside/.ssh", "shown", "shown/folder"))):
            path.chmod(0o777)
        for name in ("outside/jarvis.duckdb", "outside/jarvis.toml", "outside/.ssh/id_ed25519", "shown/file", "shown/folder/file"):
            (top / name).write_text(token, encoding="utf-8")
            (top / name).chmod(0o666)
        victim = subprocess.Popen(["/bin/sh", "-c", f"read x # {token}"], stdin=subprocess.PIPE, env={"DECOY": token})
        stack.callback(_end, victim)
        tcp, udp = stack.enter_context(socket.socket()), stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        abstract, unix = stack.enter_context(socket.socket(socket.AF_UNIX)), stack.enter_context(socket.socket(socket.AF_UNIX))
        for one, address in ((tcp, ("127.0.0.1", 0)), (udp, ("127.0.0.1", 0)), (abstract, f"\0jarvis-canary-{token}"), (unix, str(short / "s"))):
            one.bind(address)
            one.setblocking(False)
        for one in (tcp, abstract, unix):
            one.listen(4)
        (short / "s").chmod(0o666)
        yield _Decoys(top, victim, tcp, udp, abstract, unix, token)


def _end(victim: "subprocess.Popen[bytes]") -> None:
    victim.kill()
    if victim.stdin:
        victim.stdin.close()
    victim.wait()


def _seen_outside(decoys: _Decoys) -> dict[str, str]:
    """What the decoys show, by the way that leads there."""
    outside = decoys.top / "outside"
    seen: dict[str, Any] = {
        "write the store": not decoys.file("jarvis.duckdb").is_file() or decoys.file("jarvis.duckdb").read_text(encoding="utf-8") != decoys.token,
        "write jarvis.toml": decoys.file("jarvis.toml").read_text(encoding="utf-8") != decoys.token,
        "write outside": {p.name for p in outside.iterdir()} != {"jarvis.duckdb", "jarvis.toml", ".ssh"},
        "kill a process": decoys.victim.poll() is not None,
        "connect by TCP": _was_called(decoys.tcp),
        "send by UDP": bool(select.select([decoys.udp], [], [], 0)[0]),
        "connect to an abstract socket": _was_called(decoys.abstract),
        "connect to a socket of the file system": _was_called(decoys.unix),
    }
    return {name: "it was seen outside" for name, reached in seen.items() if reached}


def _was_called(listener: socket.socket) -> bool:
    return bool(select.select([listener], [], [], 0)[0])


def _is_over(reader: int) -> bool:
    """Has everybody who held the other end of the pipe ended?"""
    ready, _, _ = select.select([reader], [], [], _DEAD_WITHIN_S)
    return bool(ready) and os.read(reader, 1) == b""
