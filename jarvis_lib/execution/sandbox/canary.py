"""Does the sandbox really hold? A program that tries to get out is put into it before each session, and what it reached is told.

A sandbox that only claims to hold (a bubblewrap that merely starts the command, one whose capabilities stay) is found out here.
"""

import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jarvis_lib.execution import tree
from jarvis_lib.execution.sandbox import attempts
from jarvis_lib.execution.sandbox.enter import drops, enter, prepare_owner, take_back
from jarvis_lib.execution.sandbox.jail import Jail
from jarvis_lib.model.fact import Refused
from jarvis_lib.model.prose import clean, listed, shorten

_LIMIT_S = 20.0
_GONE_S = 1.0
NOT_AT_BASIC = frozenset(
    ("UDP", "socket by its path", "capabilities", "user id", "leave a daemon", "trace the parent", "reach the parent by a signal", "remount as a new user")
)
"""What Landlock does not promise, by itself or in older kernels; the tree's end is the worker's own doing there."""


@dataclass(frozen=True, slots=True)
class Attempted:
    """One try to get out: its name, whether the jail held it, and what it reached otherwise."""

    name: str
    held: bool
    said: str


@dataclass(frozen=True, slots=True)
class Canary:
    """`held`: nothing got out. `said`: what did, or that nothing did."""

    held: bool
    said: str
    tried: tuple[Attempted, ...]


def escape(folder: Path, level: str) -> Canary:
    """Try to get out of a jail of this level, with decoys in `folder` (made and removed here); at strict as root with and without the person's user id."""
    if level == "none":
        return Canary(False, "there is no sandbox at the level none", ())
    folder.mkdir(parents=True, exist_ok=True)
    tried: list[Attempted] = []
    try:
        for own_uid in (False, True) if level == "strict" and os.geteuid() == 0 else (False,):
            tried += _try(folder, level, own_uid=own_uid)
    except Refused as error:
        return Canary(False, error.sentence, tuple(tried))
    out = [f"{t.name} ({t.said})" if t.said else t.name for t in tried if not t.held]
    return Canary(not out, f"got out by {listed(out)}" if out else f"{len(tried)} ways out were tried, none of them open", tuple(tried))


def _try(folder: Path, level: str, *, own_uid: bool) -> list[Attempted]:
    word, tag = secrets.token_hex(8), f"canary-{secrets.token_hex(6)}"
    with _decoys(folder, word) as decoys:
        own = decoys["top"] / "own"
        jail = Jail(level, own, decoys["top"] / "temp", (own,), own_uid=own_uid)
        tries = [name for name in attempts.TRIES if level == "strict" or name not in NOT_AT_BASIC]
        targets = decoys["targets"] | {"own": str(own), "word": word, "parent": os.getpid(), "other_uid": drops(jail), "tries": tries}
        argv = [sys.executable, "-I", "-S", attempts.__file__, json.dumps(targets)]
        prepare_owner(jail)
        try:
            before = decoys["prints"]()
            env = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ} | {tree.TAG: tag}
            done = subprocess.run(
                enter(argv, jail), cwd=own, env=env, capture_output=True, stdin=subprocess.DEVNULL, timeout=_LIMIT_S, check=False, start_new_session=True
            )
        except subprocess.TimeoutExpired:
            return [Attempted("the canary itself", False, f"did not come back within {_LIMIT_S:.0f} s")]
        finally:
            take_back(jail)
        until = time.monotonic() + _GONE_S
        while tree.tagged([tag]) and time.monotonic() < until:
            time.sleep(0.01)  # the kernel ends what is left of a process namespace, but not in the same moment
        alive = tree.kill(lambda: tree.tagged([tag]))
        return _read(done, before != decoys["prints"](), bool(alive) and level == "strict", decoys["heard"]())


def _read(done: "subprocess.CompletedProcess[bytes]", changed: bool, alive: bool, heard: bool) -> list[Attempted]:
    try:
        found: dict[str, str] = json.loads(done.stdout)
    except ValueError:
        why = shorten(clean((done.stderr or done.stdout).decode("utf-8", "replace")), 160) or f"exit {done.returncode}"
        return [Attempted("the canary itself", False, f"could not run: {why}")]
    tried = [Attempted(name, not reached, reached) for name, reached in found.items()]
    tried = [Attempted(t.name, False, "a packet arrived") if heard and t.name == "UDP" else t for t in tried]
    tried.append(Attempted("change of a decoy", not changed, "a decoy was changed" if changed else ""))
    return [*tried, Attempted("a daemon that lives on", not alive, "it was alive afterwards" if alive else "")]


@contextmanager
def _decoys(folder: Path, word: str) -> Iterator[dict[str, Any]]:
    """A store, settings, a secret and listeners to reach for, none of them real."""
    with ExitStack() as stack:
        top = Path(tempfile.mkdtemp(prefix="try-", dir=folder))
        stack.callback(shutil.rmtree, top, ignore_errors=True)
        os.chmod(top, 0o755)
        for name in ("own", "temp", "decoys"):
            (top / name).mkdir()
        paths = {name: top / "decoys" / file for name, file in (("store", "jarvis.duckdb"), ("settings", "jarvis.toml"), ("secret", "id_ed25519"))}
        for path in paths.values():
            path.write_text(word)
        sockets = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="jc-")))
        os.chmod(sockets, 0o755)
        listening, heard = _listeners(stack, sockets / "s")
        targets = {name: str(path) for name, path in paths.items()} | {"outside": str(top / "decoys" / "outside")} | listening
        yield {"top": top, "targets": targets, "prints": lambda: [p.read_text() for p in sorted((top / "decoys").iterdir())], "heard": heard}


def _listeners(stack: ExitStack, path: Path) -> tuple[dict[str, Any], Callable[[], bool]]:
    """Where something listens, and what tells whether a packet arrived."""
    tcp = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
    udp = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
    udp.bind(("127.0.0.1", 0))
    named = stack.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
    named.bind(str(path))
    named.listen()
    found = {"tcp": tcp.getsockname()[1], "udp": udp.getsockname()[1], "socket": str(path), "abstract": f"jarvis-canary-{secrets.token_hex(6)}"}
    if sys.platform == "linux":
        hidden = stack.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
        hidden.bind("\0" + found["abstract"])
        hidden.listen()

    def heard() -> bool:
        udp.setblocking(False)
        try:
            return bool(udp.recv(16))
        except BlockingIOError:
            return False

    return found, heard


def ways(tried: Sequence[Attempted]) -> list[str]:
    """One line for each try, for the doctor."""
    return [f"{'held' if t.held else 'OPEN'}  {t.name}{': ' + t.said if t.said else ''}" for t in tried]
