"""The canary's program: it runs inside of a jail, tries to get out in every known way, and prints what happened to each try as JSON.

Standard library only; `targets` on its command line say where the decoys are. A try that cannot even begin counts as held, with its reason.
"""

import ctypes
import json
import os
import signal
import socket
import sys
import time
from collections.abc import Callable
from typing import Any

_NEWNS, _NEWUSER = 0x00020000, 0x10000000
_MS_REMOUNT, _MS_BIND = 32, 4096
_PTRACE_ATTACH = 16
_TIOCSTI = 0x5412


def _libc() -> Any:
    return ctypes.CDLL(None, use_errno=True)


def write_outside(t: dict[str, Any]) -> str:
    with open(t["outside"], "w") as file:
        file.write("escaped")
    return "written"


def read_secret(t: dict[str, Any]) -> str:
    with open(t["secret"]) as file:
        return "read" if t["word"] in file.read() else ""


def write_store(t: dict[str, Any]) -> str:
    with open(t["store"], "a") as file:
        file.write("escaped")
    return "written"


def write_settings(t: dict[str, Any]) -> str:
    with open(t["settings"], "a") as file:
        file.write("escaped")
    return "written"


def link_store(t: dict[str, Any]) -> str:
    os.link(t["store"], os.path.join(t["own"], "linked"))
    with open(os.path.join(t["own"], "linked"), "a") as file:
        file.write("escaped")
    return "linked and written"


def remount(t: dict[str, Any]) -> str:
    if _libc().mount(None, b"/", None, _MS_REMOUNT | _MS_BIND, None) != 0:
        return ""
    return write_outside(t)


def nested_users(t: dict[str, Any]) -> str:
    """New users and mounts of its own, then the remount."""
    child = os.fork()
    if child == 0:
        try:
            ok = _libc().unshare(_NEWUSER | _NEWNS) == 0 and bool(remount(t))
            os._exit(7 if ok else 0)
        except OSError:
            os._exit(0)
    return "remounted and written" if os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7 else ""


def parents_files(t: dict[str, Any]) -> str:
    """The root of the process that started the sandbox, through /proc."""
    with open(f"/proc/{t['parent']}/root{t['secret']}") as file:
        return "read" if t["word"] in file.read() else ""


def trace_parent(t: dict[str, Any]) -> str:
    return "attached" if _libc().ptrace(_PTRACE_ATTACH, t["parent"], None, None) == 0 else ""


def kill_parent(t: dict[str, Any]) -> str:
    os.kill(t["parent"], 0)
    return "a signal reaches it"


def capabilities(t: dict[str, Any]) -> str:
    with open("/proc/self/status") as file:
        effective = next(line.split()[1] for line in file if line.startswith("CapEff"))
    return f"has {effective}" if int(effective, 16) else ""


def user_id(t: dict[str, Any]) -> str:
    return "is still root" if t["other_uid"] and os.geteuid() == 0 else ""


def environment(t: dict[str, Any]) -> str:
    return "sees it" if t["word"] in " ".join(os.environ.values()) else ""


def tcp(t: dict[str, Any]) -> str:
    with socket.create_connection(("127.0.0.1", t["tcp"]), timeout=1):
        return "connected"


def udp(t: dict[str, Any]) -> str:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.sendto(b"escaped", ("127.0.0.1", t["udp"]))
        return ""  # whoever listens says whether it arrived


def abstract_socket(t: dict[str, Any]) -> str:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as s:
        s.connect("\0" + t["abstract"])
        return "connected"


def path_socket(t: dict[str, Any]) -> str:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as s:
        s.connect(t["socket"])
        return "connected"


def type_into_terminal(t: dict[str, Any]) -> str:
    import fcntl

    fd = os.open("/dev/tty", os.O_RDWR)
    fcntl.ioctl(fd, _TIOCSTI, b"#")
    return "typed"


def leave_daemon(t: dict[str, Any]) -> str:
    """A grandchild in a session of its own that ignores TERM; whoever started the canary looks whether it lives on."""
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            for fd in (0, 1, 2):
                os.close(fd)
            time.sleep(30)
        os._exit(0)
    return ""


TRIES: dict[str, Callable[[dict[str, Any]], str]] = {
    "write outside": write_outside,
    "read a secret of the home": read_secret,
    "write the store": write_store,
    "write jarvis.toml": write_settings,
    "write the store by a hard link": link_store,
    "remount the files writable": remount,
    "remount as a new user": nested_users,
    "read through the parent's root": parents_files,
    "trace the parent": trace_parent,
    "reach the parent by a signal": kill_parent,
    "capabilities": capabilities,
    "user id": user_id,
    "secrets in the environment": environment,
    "TCP": tcp,
    "UDP": udp,
    "abstract socket": abstract_socket,
    "socket by its path": path_socket,
    "type into the terminal": type_into_terminal,
    "leave a daemon": leave_daemon,
}


def main(targets: dict[str, Any]) -> dict[str, str]:
    """Every try: an empty text where it was held, else what it reached."""
    found = {}
    for name in targets["tries"]:
        try:
            found[name] = TRIES[name](targets)
        except (OSError, ValueError, StopIteration):
            found[name] = ""
    return found


if __name__ == "__main__":
    sys.stdout.write(json.dumps(main(json.loads(sys.argv[1]))))
