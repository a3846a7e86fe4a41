"""What can this machine hold an attempt by? Each mechanism is tried for real, once in a process; a level is what all of its mechanisms allow.

strict: bubblewrap with its own users, processes, network, IPC and host name, no capabilities, and as root another user id for all that need not
keep it. basic: Landlock (files, TCP) without namespaces. none: process tree, limits and a clean environment, which is all that macOS has.
"""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from functools import cache

from jarvis_lib.execution.sandbox import landlock
from jarvis_lib.execution.sandbox.jail import LEVELS
from jarvis_lib.model.prose import clean, shorten

__all__ = ["LEVELS", "Machine", "machine", "resolve", "said", "why_not"]
NOBODY = 65534
_TRY_S = 10.0


@dataclass(frozen=True, slots=True)
class Machine:
    """`bwrap`, `setpriv`: their paths, empty where there is none. `strict_why`, `basic_why`: what keeps the level from holding, empty where it does."""

    system: str
    root: bool
    bwrap: str
    setpriv: str
    landlock_abi: int
    strict_why: str
    basic_why: str


@cache
def machine() -> Machine:
    """This machine, looked at once."""
    return look(os.environ.get("PATH", os.defpath))


def look(path: str) -> Machine:
    """The machine with its programs looked for in `path`."""
    root = os.geteuid() == 0
    bwrap, setpriv = (shutil.which(name, path=path) or "" for name in ("bwrap", "setpriv"))
    abi = landlock.abi() if sys.platform == "linux" else 0
    strict = _strict_why(root, bwrap, setpriv)
    basic = "" if abi >= 1 else "the kernel has no Landlock" if sys.platform == "linux" else f"{sys.platform} has no Landlock"
    return Machine(sys.platform, root, bwrap, setpriv, abi, strict, basic)


def resolve(wanted: str, found: Machine) -> str:
    """The best level that the machine has and that is not above `wanted`; `best` wants the best."""
    highest = LEVELS.index(wanted) if wanted in LEVELS else len(LEVELS) - 1
    for level in reversed(LEVELS[: highest + 1]):
        if not why_not(found, level):
            return level
    return "none"


def why_not(found: Machine, level: str) -> str:
    """What keeps this machine from the level, or an empty string."""
    return {"strict": found.strict_why, "basic": found.basic_why}.get(level, "")


def said(level: str, found: Machine) -> str:
    """The level in words, for evidence and the brief."""
    whole = "whole process tree ended" if found.system == "linux" else "process tree ended as far as it can be found"
    limits = f"a clean environment, {whole}, limits on time, output, memory and processes"
    if level == "strict":
        return f"the sandbox at strict (bubblewrap: own view of the files, no network unless granted, no capabilities), {limits}"
    if level == "basic":
        return f"the sandbox at basic (Landlock: files and TCP), {limits}"
    return f"no sandbox, {limits}"


def _strict_why(root: bool, bwrap: str, setpriv: str) -> str:
    if sys.platform != "linux":
        return f"{sys.platform} has no bubblewrap"
    if not bwrap:
        return "bubblewrap is not installed"
    if root and not setpriv:
        return "setpriv is not there, without which root cannot give an attempt another user id"
    tried = [bwrap, "--unshare-all", *([] if root else ["--unshare-user", "--disable-userns"]), "--die-with-parent", "--ro-bind", "/", "/"]
    tried += ["--proc", "/proc", "--dev", "/dev", "--", "/bin/true"]
    try:
        done = subprocess.run(tried, capture_output=True, stdin=subprocess.DEVNULL, timeout=_TRY_S, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"bubblewrap cannot start: {clean(str(error))[:120]}"
    if done.returncode:
        return f"bubblewrap cannot start: {shorten(clean(done.stderr.decode('utf-8', 'replace')), 160)}"
    return ""
