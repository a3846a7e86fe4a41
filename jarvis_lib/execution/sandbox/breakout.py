"""What can a program inside of a jail do that it must not? It tries, one way after the other, and prints what it reached.

A script of its own that imports nothing of Jarvis: `python -I -S breakout.py TARGETS`, TARGETS being JSON. Everything that it reaches for is a
decoy that the canary made for it; of what is real it opens only, and changes nothing. It must never be started outside of a canary.
"""

import contextlib
import ctypes
import fcntl
import json
import os
import signal
import socket
import sys
from collections.abc import Callable
from typing import Any

_MS_REMOUNT_BIND = 32 | 4096
_NEW_USER = 0x10000000
_PTRACE_ATTACH, _PTRACE_DETACH = 16, 17
_TIOCSTI = 0x5412
_PATIENCE_S = 1.0

Way = Callable[[dict[str, Any]], str]
"""Returns what it reached. What it could not do it raises, or it returns an empty string."""


def _write(path: str, text: str) -> str:
    with open(path, "w", encoding="utf-8") as stream:
        stream.write(text)
    return f"wrote {path}"


def write_outside(t: dict[str, Any]) -> str:
    """A new file in a folder that is not its own."""
    return _write(os.path.join(t["outside"], "new"), "x")


def write_store(t: dict[str, Any]) -> str:
    """Other content for the store."""
    return _write(t["store"], "forged")


def rename_store(t: dict[str, Any]) -> str:
    """The store under another name, which needs only its folder."""
    os.rename(t["store"], t["store"] + ".gone")
    return "moved it away"


def replace_by_link(t: dict[str, Any]) -> str:
    """A link where the store is, which needs only its folder too."""
    os.symlink("/dev/null", t["store"] + ".link")
    os.replace(t["store"] + ".link", t["store"])
    return "put a link in its place"


def hard_link(t: dict[str, Any]) -> str:
    """A second name for the store in a folder that may be written, and a write through that."""
    os.link(t["store"], os.path.join(t["work"], "linked"))
    return _write(os.path.join(t["work"], "linked"), "forged")


def change_mode(t: dict[str, Any]) -> str:
    """The right to write the store, for everybody."""
    os.chmod(t["store"], 0o777)  # noqa: S103  # the canary's attack: it must not work
    return "changed its mode"


def write_settings(t: dict[str, Any]) -> str:
    """A policy of its own in jarvis.toml."""
    return _write(t["toml"], "[policy]\n")


def read_store(t: dict[str, Any]) -> str:
    """What stands in the store."""
    return _read(t["store"], t)


def read_secret(t: dict[str, Any]) -> str:
    """What stands in a file of keys."""
    return _read(t["secret"], t)


def read_hidden(t: dict[str, Any]) -> str:
    """A folder that may be read holds a file and a folder that may not."""
    for path in t["hidden"]:
        with contextlib.suppress(OSError):
            if reached := _read(path, t):
                return reached
    return ""


def find_in_environment(t: dict[str, Any]) -> str:
    """A secret that was left in its own environment."""
    return next((f"{name} is set" for name, value in os.environ.items() if t["token"] in value), "")


def _read(path: str, t: dict[str, Any]) -> str:
    with open(path, encoding="utf-8") as stream:
        return f"read {path}" if t["token"] in stream.read() else ""


def open_workspace(t: dict[str, Any]) -> str:
    """The real workspace is opened, no more."""
    reached = []
    for path, mode in ((t["real_toml"], os.O_RDONLY), (t["real_toml"], os.O_WRONLY), (t["real_journal"], os.O_RDONLY), (t["real_spool"], os.O_RDONLY)):
        with contextlib.suppress(OSError):
            os.close(os.open(path, mode))
            reached.append(path)
    return f"opened {', '.join(reached)}" if reached else ""


def remount(t: dict[str, Any]) -> str:
    """The root of the file system, mounted for writing."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mount(None, b"/", None, _MS_REMOUNT_BIND, None):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return "mounted / for writing"


def new_user_namespace(t: dict[str, Any]) -> str:
    """In a child, for it cannot be undone."""
    child = os.fork()
    if child == 0:
        os._exit(0 if ctypes.CDLL(None).unshare(_NEW_USER) == 0 else 1)
    return "made one, with every capability in it" if os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0 else ""


def setting_of_the_kernel(t: dict[str, Any]) -> str:
    """The program that the kernel runs for a crash; opened only, never written."""
    os.close(os.open("/proc/sys/kernel/core_pattern", os.O_WRONLY))
    return "opened /proc/sys/kernel/core_pattern for writing"


def capabilities(t: dict[str, Any]) -> str:
    """Rights of root that it still holds or may gain. Those in `kept_capabilities` do not count."""
    with open("/proc/self/status", encoding="utf-8") as stream:
        found = dict(line.split(":", 1) for line in stream)
    held = {name: int(found[name], 16) & ~t["kept_capabilities"] for name in ("CapPrm", "CapEff", "CapInh", "CapAmb", "CapBnd")}
    if t["root"] and any(held.values()):
        return "holds " + ", ".join(f"{name} {bits:x}" for name, bits in held.items() if bits)
    if held["CapEff"] or held["CapPrm"]:
        return f"holds CapEff {held['CapEff']:x}"
    return "may gain new ones" if found["NoNewPrivs"].strip() != "1" else ""


def user(t: dict[str, Any]) -> str:
    """The user of the session, where the jail promises another."""
    return f"is user {os.getuid()}, the one of the session" if t["another_user"] and os.getuid() == t["session_user"] else ""


def _sees(t: dict[str, Any]) -> bool:
    """Is the number of the victim its own in here too? In a namespace it may be another process's, or nobody's."""
    try:
        with open(f"/proc/{t['victim']}/cmdline", "rb") as stream:
            return t["token"].encode() in stream.read()
    except OSError:
        return False


def kill(t: dict[str, Any]) -> str:
    """A signal that ends a process outside."""
    if not _sees(t):
        return ""
    os.kill(t["victim"], signal.SIGKILL)
    return "killed a process outside"


def trace(t: dict[str, Any]) -> str:
    """The place of a debugger in a process outside."""
    if not _sees(t):
        return ""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.ptrace(_PTRACE_ATTACH, t["victim"], None, None):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    libc.ptrace(_PTRACE_DETACH, t["victim"], None, None)
    return "traced a process outside"


def environment(t: dict[str, Any]) -> str:
    """The environment of a process outside."""
    with open(f"/proc/{t['victim']}/environ", "rb") as stream:
        return "read another's environment" if t["token"].encode() in stream.read() else ""


def memory(t: dict[str, Any]) -> str:
    """The memory of a process outside; opened only, never written."""
    if not _sees(t):
        return ""
    os.close(os.open(f"/proc/{t['victim']}/mem", os.O_RDWR))
    return "opened another's memory"


def root_of_another(t: dict[str, Any]) -> str:
    """Files that are hidden here, as another process sees them."""
    for pid in (t["victim"], 1):
        with contextlib.suppress(OSError):
            return _read(f"/proc/{pid}/root{t['secret']}", t)
    return ""


def tcp(t: dict[str, Any]) -> str:
    """A listener of the machine by TCP."""
    with socket.create_connection(("127.0.0.1", t["tcp"]), _PATIENCE_S):
        return "connected to 127.0.0.1"


def udp(t: dict[str, Any]) -> str:
    """A receiver of the machine by UDP; where the network is not walled off, a datagram that was sent says nothing."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        one.sendto(b"x", ("127.0.0.1", t["udp"]))
    return "" if t["walled"] else "sent to 127.0.0.1"


def abstract_socket(t: dict[str, Any]) -> str:
    """A listener that has no file, only a name."""
    with socket.socket(socket.AF_UNIX) as one:
        one.connect("\0" + t["abstract"])
    return "connected"


def file_socket(t: dict[str, Any]) -> str:
    """A listener whose socket is a file."""
    with socket.socket(socket.AF_UNIX) as one:
        one.connect(t["unix"])
    return "connected"


def terminal(t: dict[str, Any]) -> str:
    """The terminal of the session: a character that its shell would read."""
    for name in ("/dev/tty", "/proc/self/fd/0"):
        with contextlib.suppress(OSError):
            fd = os.open(name, os.O_RDWR)
            try:
                fcntl.ioctl(fd, _TIOCSTI, b"#")
            finally:
                os.close(fd)
            return f"typed into {name}"
    return ""


def daemon(t: dict[str, Any]) -> str:
    """Leaves a process behind: forked twice, in a session of its own, deaf to signals, without the attempt's mark. The canary hears its pipe."""
    if t["pipe"] < 0 or os.fork():
        return ""
    os.setsid()
    if os.fork():
        os._exit(0)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    null = os.open("/dev/null", os.O_RDWR)
    for fd in (0, 1, 2):
        os.dup2(null, fd)
    os.execve("/bin/sleep", ["sleep", "20"], {})
    raise AssertionError("unreachable")


WAYS: dict[str, Way] = {
    "write outside": write_outside,
    "read the store": read_store,
    "write the store": write_store,
    "make the store writable": change_mode,
    "link the store": hard_link,
    "replace the store": replace_by_link,
    "move the store": rename_store,
    "write jarvis.toml": write_settings,
    "read a key in ~/.ssh": read_secret,
    "read what is hidden": read_hidden,
    "find a secret in its environment": find_in_environment,
    "open this workspace": open_workspace,
    "remount for writing": remount,
    "make a user namespace": new_user_namespace,
    "write a setting of the kernel": setting_of_the_kernel,
    "hold capabilities": capabilities,
    "stay root": user,
    "trace a process": trace,
    "read a process's environment": environment,
    "open a process's memory": memory,
    "read through another's root": root_of_another,
    "kill a process": kill,
    "connect by TCP": tcp,
    "send by UDP": udp,
    "connect to an abstract socket": abstract_socket,
    "connect to a socket of the file system": file_socket,
    "type into the terminal": terminal,
    "leave a process behind": daemon,
}


def main(words: list[str]) -> int:
    """Try every way; one JSON list of [name, what was reached or empty, why not]."""
    targets = json.loads(words[0])
    _write(os.path.join(targets["work"], "allowed"), "this may be written")
    found = []
    for name, way in WAYS.items():
        try:
            found.append([name, way(targets), ""])
        except OSError as error:
            found.append([name, "", error.strerror or str(error)])
    print(json.dumps(found), flush=True)  # noqa: T201  # a program of its own: this is its answer
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
