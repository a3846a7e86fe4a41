"""Which level of sandbox holds on this machine? Each mechanism is tried, not looked up; what is missing is told with its reason and a remedy.

strict: bubblewrap with namespaces of its own, no capability, another user for a session of root. basic: Landlock and a filter of system
calls, without namespaces. none: a process tree that is ended as a whole, limits and a clean environment. All is tried once per process.
"""

import contextlib
import os
import platform
import shutil
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from jarvis_lib.execution.sandbox import inside
from jarvis_lib.execution.sandbox.jail import LEVELS

__all__ = ["LEVELS", "OTHER_USER", "OWN_NAMESPACES", "Machine", "Mechanism", "fell", "machine", "resolve", "said", "why_not"]
OTHER_USER = 64900
"""What a session of root becomes inside of a jail that need not keep its user. Debian and Fedora give this number to nobody."""
OWN_NAMESPACES = ("--unshare-pid", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try", "--new-session", "--die-with-parent")
_PATIENCE_S = 5.0
_OLDEST_LANDLOCK = 2
_INSTALL = "install bubblewrap (Debian, Ubuntu: apt install bubblewrap; Fedora: dnf install bubblewrap)"
_CGROUPS = (("cgroup v2", "unified", "cgroup.kill"), ("cgroup v1 pids", "pids", "pids.max"), ("cgroup v1 memory", "memory", "memory.limit_in_bytes"))


@dataclass(frozen=True, slots=True)
class Mechanism:
    """One thing that a sandbox is made of: does it work here, and what was seen when it was tried?"""

    name: str
    works: bool
    said: str
    todo: str = ""


@dataclass(frozen=True, slots=True)
class Machine:
    """What this machine can. `bwrap` is where bubblewrap is (empty: none that works), `landlock` the version of Landlock (0: none)."""

    root: bool
    bwrap: str
    disable_userns: bool
    landlock: int
    mechanisms: tuple[Mechanism, ...]

    def mechanism(self, name: str) -> Mechanism:
        """The one of that name; KeyError where there is none."""
        return {m.name: m for m in self.mechanisms}[name]

    @property
    def strict_why(self) -> str:
        """What keeps strict from being entered, or an empty string."""
        return why_not(self, "strict")

    @property
    def basic_why(self) -> str:
        """What keeps basic from being entered, or an empty string."""
        return why_not(self, "basic")

    def todo_for(self, level: str) -> list[str]:
        """What would have to be done for `level` to work here; empty where nothing is missing or nothing helps."""
        return list(dict.fromkeys(m.todo for m in _behind(level, self) if not m.works and m.todo))

    @property
    def drops_user(self) -> bool:
        """Can a jail run as another user than root? True for everybody else, who needs none."""
        return not self.root or self.mechanism("another user").works

    @property
    def levels(self) -> tuple[str, ...]:
        """The levels that can be entered here, the weakest first."""
        filtered = self.mechanism("filter of system calls").works and self.drops_user
        can = {"none": True, "basic": filtered and self.landlock >= _OLDEST_LANDLOCK, "strict": filtered and bool(self.bwrap)}
        return tuple(level for level in LEVELS if can[level])


def machine() -> Machine:
    """What this machine can, tried once per process and PATH."""
    return _tried(os.environ.get("PATH", os.defpath))


def resolve(wanted: str, machine: Machine) -> str:
    """The level to use: for `best` the strongest that can be entered here, else the wanted one, or the next weaker one that can be."""
    most = LEVELS[-1] if wanted == "best" else wanted
    return [level for level in machine.levels if LEVELS.index(level) <= LEVELS.index(most)][-1]


def why_not(machine: Machine, level: str) -> str:
    """What keeps this machine from entering the level, or an empty string."""
    if level in machine.levels:
        return ""
    return "; ".join(f"{m.name}: {m.said}" for m in _behind(level, machine) if not m.works)


def fell(wanted: str, level: str, machine: Machine) -> str:
    """Why `level` is weaker than what was wanted, in one sentence; empty where it is not."""
    most = LEVELS[-1] if wanted == "best" else wanted
    if LEVELS.index(level) >= LEVELS.index(most):
        return ""
    why = why_not(machine, most)
    return f"The sandbox is {level}, not {most}" + (f" ({why})." if why else ".")


def said(level: str, machine: Machine) -> str:
    """The level in words, for evidence, brief and doctor."""
    whole = "whole process tree ended" if sys.platform == "linux" else "process tree ended as far as it can be found"
    limits = f"a clean environment, {whole}, limits on time, output, memory and processes"
    if level == "strict":
        user = f"; what is not your own runs as user {OTHER_USER}" if machine.root else ""
        return f"the sandbox at strict (bubblewrap: own view of the files, no network unless granted, no capabilities{user}), {limits}"
    if level == "basic":
        open_ = "" if machine.landlock >= 6 else "; this kernel does not stop signals to your other programs"
        return f"the sandbox at basic (Landlock and a filter of system calls: files and network, no namespaces{open_}), {limits}"
    return f"no sandbox, {limits}"


def _behind(level: str, machine: Machine) -> list[Mechanism]:
    names = ["bubblewrap" if level == "strict" else "Landlock", "filter of system calls", "another user"]
    return [machine.mechanism(name) for name in names]


# --- trying ---------------------------------------------------------------------------------------------------------------------


@cache
def _tried(path: str) -> Machine:
    root = os.getuid() == 0
    found = shutil.which("bwrap", path=path) if sys.platform == "linux" else None
    bwrap, disables = _bubblewrap(found, root)
    landlock = _landlock()
    return Machine(
        root=root,
        bwrap=found if found and bwrap.works else "",
        disable_userns=disables,
        landlock=landlock,
        mechanisms=(
            bwrap,
            _user_namespaces(path),
            Mechanism("Landlock", landlock >= _OLDEST_LANDLOCK, f"version {landlock}" if landlock else "this kernel has none, or it is turned off"),
            _filter(),
            _another_user(root),
            *(_cgroup(*which) for which in _CGROUPS),
        ),
    )


def _bubblewrap(found: str | None, root: bool) -> tuple[Mechanism, bool]:
    """Does it really start a program in namespaces of its own, and can it turn off user namespaces inside?"""
    if sys.platform != "linux":
        return Mechanism("bubblewrap", False, "it exists for Linux only"), False
    if not found:
        return Mechanism(
            "bubblewrap", False, "it is not installed", "install bubblewrap (Debian, Ubuntu: apt install bubblewrap; Fedora: dnf install bubblewrap)"
        ), False
    begin = [found, *OWN_NAMESPACES, "--unshare-net", "--ro-bind", "/", "/", "--proc", "/proc", "--dev", "/dev"]
    end = ["--", _true()]
    users = ["--unshare-user", "--disable-userns"]
    if _runs([*begin, *users, *end]) is None and (not root or _runs([*begin, *end]) is None):
        return Mechanism("bubblewrap", True, f"{found} starts programs in namespaces of their own"), True
    why = _runs([*begin, *([] if root else users[:1]), *end])
    if why is None:
        return Mechanism("bubblewrap", True, f"{found} starts programs in namespaces of their own (an old one: it cannot turn off new ones inside)"), False
    return Mechanism("bubblewrap", False, f"it is there but cannot make namespaces: {why}", _remedy()), False


def _remedy() -> str:
    """What to do where namespaces are refused."""
    if Path("/proc/sys/kernel/apparmor_restrict_unprivileged_userns").exists():
        return "allow bubblewrap to make user namespaces: put an AppArmor profile for it in /etc/apparmor.d/bwrap (docs/SECURITY.md has its five lines)"
    return "let users make namespaces (sysctl kernel.unprivileged_userns_clone=1, user.max_user_namespaces above 0), or run outside of the container"


def _user_namespaces(path: str) -> Mechanism:
    unshare = shutil.which("unshare", path=path)
    if not unshare:
        return Mechanism("user namespaces", False, "there is no unshare to try them with")
    why = _runs([unshare, "--user", "--map-root-user", _true()])
    return Mechanism("user namespaces", why is None, why or "a new one can be made", "" if why is None else _remedy())


def _landlock() -> int:
    try:
        return inside.landlock_abi()
    except (OSError, AttributeError):
        return 0


def _filter() -> Mechanism:
    known = platform.machine() in inside.ARCHITECTURES
    if sys.platform != "linux" or not known:
        return Mechanism("filter of system calls", False, f"there is none for {sys.platform} on {platform.machine()}")
    there = "Seccomp:" in Path("/proc/self/status").read_text(encoding="utf-8", errors="replace")
    return Mechanism("filter of system calls", there, "the kernel takes one" if there else "this kernel has none")


def _another_user(root: bool) -> Mechanism:
    if not root:
        return Mechanism("another user", True, "not needed: this is not root")
    why = _runs([sys.executable, "-I", "-S", "-c", f"import os; os.setgroups([]); os.setresgid(*[{OTHER_USER}] * 3); os.setresuid(*[{OTHER_USER}] * 3)"])
    return Mechanism("another user", why is None, why or f"root can become user {OTHER_USER}", "" if why is None else "run Jarvis as a normal user")


def _cgroup(name: str, folder: str, file: str) -> Mechanism:
    """Can a group of our own be made? Nothing is moved into it."""
    top = Path("/sys/fs/cgroup")
    top = top / folder if (top / folder).is_dir() else top
    own = top / f"jarvis-try-{os.getpid()}"
    try:
        own.mkdir()
    except OSError as error:
        return Mechanism(name, False, f"no group can be made: {os.strerror(error.errno or 0)}")
    there = (own / file).exists()
    with contextlib.suppress(OSError):
        own.rmdir()
    return Mechanism(name, there, f"groups can be made; {file} is {'there' if there else 'missing'}")


def _true() -> str:
    return shutil.which("true") or "/bin/true"


def _runs(argv: list[str]) -> str | None:
    """None where it ends with exit 0, else what it said."""
    try:
        done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", timeout=_PATIENCE_S, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)[:160]
    return None if done.returncode == 0 else (done.stderr.strip().splitlines() or [f"exit {done.returncode}"])[-1][:160]
