"""The last step before a jailed program: close the doors that are still open, then become the program. Nothing of it can be opened again.

A script of its own that imports nothing of Jarvis, for it runs inside of the jail: `python -I -S inside.py PLAN ARGV...`, PLAN being what `packed`
makes. It is on the path of every jailed program, so it loads little: json and signal alone would take half as long again as all of it.
It gives up user and capabilities, restricts itself by Landlock and by a filter of system calls, and only then starts what was asked for. Whatever
of this fails ends it with exit 125 and one line that begins with `jarvis-sandbox:`; the program is not started then.
"""

from __future__ import annotations

import ctypes
import marshal
import os
import struct
import sys

TYPE_CHECKING = False  # mypy knows the name; typing itself would take longer to load than the rest of this
if TYPE_CHECKING:
    from typing import Any

BROKEN = 125
_PR_SET_KEEPCAPS, _PR_SET_SECCOMP, _PR_CAPBSET_DROP, _PR_SET_NO_NEW_PRIVS, _PR_CAP_AMBIENT = 8, 22, 24, 38, 47
_CAP_DAC_READ_SEARCH = 2
_DEAF_TO = (1, 2, 13, 15, 25)  # HUP, INT, PIPE, TERM, XFSZ: ignored on the way here by a shell or by Python, and not by the program
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446

# --- system calls: the numbers of x86_64 and of aarch64 -----------------------------------------------------------------------

ARCHITECTURES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}
_UNSHARE, _CLONE, _IOCTL, _SOCKET, _CONNECT, _TRUNCATE, _CAPSET = (272, 97), (56, 220), (16, 29), (41, 198), (42, 203), (76, 45), (126, 91)
_ABSENT = (435, 425, 426, 427)  # clone3 and io_uring look like a kernel without them: programs then use what the filter can read
_NEVER = (
    *((308, 268), (165, 40), (166, 39), (155, 41), (161, 51)),  # setns, mount, umount2, pivot_root, chroot
    *((428, 428), (429, 429), (430, 430), (431, 431), (432, 432), (433, 433), (442, 442), (467, 467)),  # the newer ways to mount
    *((321, 280), (298, 241), (323, 282)),  # bpf, perf_event_open, userfaultfd
    *((250, 219), (248, 217), (249, 218)),  # keyctl, add_key, request_key: the keyring of the person
    *((246, 104), (320, 294), (175, 105), (313, 273), (176, 106)),  # kexec and modules
    *((304, 265), (169, 142), (167, 224), (168, 225)),  # open_by_handle_at, reboot, swapon, swapoff
)
_NEW_USER = 0x10000000
_TIOCSTI, _TIOCLINUX = 0x5412, 0x541C
_AF_UNIX, _SOCK_STREAM, _SOCK_SEQPACKET = 1, 1, 5
_AF_NETLINK, _NETLINK_ROUTE = 16, 0
_EPERM, _EACCES, _ENOSYS = 1, 13, 38


class _Filter:
    """A program of the kernel's packet filter that looks at one system call."""

    def __init__(self) -> None:
        self.code: list[tuple[int, int, int, int]] = []

    def load(self, offset: int) -> None:
        self.code.append((0x20, 0, 0, offset))

    def give(self, errno: int) -> None:
        self.code.append((0x06, 0, 0, 0x00050000 | errno if errno else 0x7FFF0000))

    def equal(self, value: int, *, skip: int) -> None:
        """Go on where it equals, else leave out the next `skip`."""
        self.code.append((0x15, 0, skip, value))

    def differs(self, value: int) -> None:
        """Go on with the next where it does not equal, else leave it out."""
        self.code.append((0x15, 1, 0, value))

    def has(self, bits: int, *, skip: int) -> None:
        self.code.append((0x45, 0, skip, bits))

    def deny(self, number: int, errno: int) -> None:
        self.equal(number, skip=1)
        self.give(errno)

    def packed(self) -> bytes:
        return b"".join(struct.pack("HBBI", *line) for line in self.code)


def filter_of(machine: str, network: str, *, sockets_are_walled: bool, truncate_is_walled: bool) -> bytes:
    """The filter for a machine (as `os.uname` names it): no new user namespace, no mounts, no typing into terminals; and, where no
    network namespace walls them in, no sockets but those of the file system."""
    which, arch = ARCHITECTURES[machine]
    f = _Filter()
    f.load(4)
    f.differs(arch)
    f.give(_ENOSYS)
    f.load(0)
    if machine == "x86_64":
        f.code.append((0x35, 0, 1, 0x40000000))  # the x32 interface would be a second set of numbers
        f.give(_ENOSYS)
    for number in _ABSENT:
        f.deny(number, _ENOSYS)
    for pair in _NEVER:
        f.deny(pair[which], _EPERM)
    if not truncate_is_walled:
        f.deny(_TRUNCATE[which], _EACCES)
    for pair in (_UNSHARE, _CLONE):
        f.equal(pair[which], skip=4)
        f.load(16)
        f.has(_NEW_USER, skip=1)
        f.give(_EPERM)
        f.give(0)
    f.equal(_IOCTL[which], skip=5)
    f.load(24)
    f.code.append((0x15, 1, 0, _TIOCSTI))
    f.equal(_TIOCLINUX, skip=1)
    f.give(_EPERM)
    f.give(0)
    if not sockets_are_walled and network != "all":
        if network == "none":
            f.deny(_CONNECT[which], _EACCES)
        f.equal(_SOCKET[which], skip=13)
        f.load(16)
        f.equal(_AF_NETLINK, skip=4)  # the list of interfaces, which ZeroMQ asks for, may be read
        f.load(32)
        f.equal(_NETLINK_ROUTE, skip=1)
        f.give(0)
        f.give(_EACCES)
        f.differs(_AF_UNIX)
        f.give(_EACCES)
        f.load(24)
        f.code.append((0x54, 0, 0, 0xF))
        f.code.append((0x15, 2, 0, _SOCK_STREAM))
        f.code.append((0x15, 1, 0, _SOCK_SEQPACKET))
        f.give(_EACCES)
    f.give(0)
    return f.packed()


# --- Landlock -------------------------------------------------------------------------------------------------------------------

_ALL_FS = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 4: (1 << 15) - 1}
_READ = (1 << 0) | (1 << 2) | (1 << 3)
_RIGHTS = {"write": (1 << 64) - 1, "read": _READ, "list": 1 << 3}
_OF_FILES = (1 << 0) | (1 << 1) | (1 << 2) | (1 << 14) | (1 << 15)
_SCOPED = 3


def landlock_abi() -> int:
    """The version of the kernel's Landlock; 0 where there is none."""
    if sys.platform != "linux":
        return 0
    found: int = ctypes.CDLL(None, use_errno=True).syscall(_CREATE_RULESET, None, 0, 1)
    return max(found, 0)


def _landlock(libc: Any, plan: dict[str, Any], abi: int) -> int:
    """A ruleset that allows what the plan lists, not yet in force; -1 where the plan wants none and the kernel can add nothing."""
    files: dict[str, list[str]] | None = plan["files"]
    scoped = _SCOPED if abi >= 6 else 0
    if files is None and not scoped:
        return -1
    fs = _ALL_FS.get(abi, (1 << 16) - 1) if files is not None else 0
    net = 3 if abi >= 4 and files is not None and plan["network"] != "all" else 0
    attributes = struct.pack("QQQ", fs, net, scoped)[: 24 if abi >= 6 else 16 if abi >= 4 else 8]
    ruleset: int = libc.syscall(_CREATE_RULESET, attributes, len(attributes), 0)
    _must(ruleset >= 0, "Landlock gives no rules")
    for path, access in [(p, fs & rights) for kind, rights in _RIGHTS.items() for p in (files or {}).get(kind, ())]:
        try:
            fd = os.open(path, os.O_PATH | os.O_CLOEXEC)
        except FileNotFoundError:  # taken away since it was listed: nothing of it is allowed
            continue
        wanted = access if os.path.isdir(path) else access & _OF_FILES
        _must(libc.syscall(_ADD_RULE, ruleset, 1, struct.pack("=Qi", wanted, fd), 0) == 0, f"Landlock takes no rule for {path}")
        os.close(fd)
    return ruleset


# --- user and capabilities --------------------------------------------------------------------------------------------------------


def _give_up(libc: Any, machine: str, uid: int | None, *, keep_reading: bool) -> None:
    """Another user if one is given, and no capability left, in no set; but for reading, where the plan keeps it, whatever the folders' modes."""
    for number in range(64):
        if keep_reading and number == _CAP_DAC_READ_SEARCH:
            continue
        libc.prctl(_PR_CAPBSET_DROP, number, 0, 0, 0)  # refused where there is none to drop; what is left is looked at below
    if uid is not None:
        libc.prctl(_PR_SET_KEEPCAPS, 1 if keep_reading else 0, 0, 0, 0)
        os.setgroups([])
        os.setresgid(uid, uid, uid)
        os.setresuid(uid, uid, uid)
    kept = 1 << _CAP_DAC_READ_SEARCH if keep_reading else 0
    header, data = struct.pack("Ii", 0x20080522, 0), struct.pack("6I", kept, kept, kept, 0, 0, 0)
    _must(libc.syscall(_CAPSET[ARCHITECTURES[machine][0]], header, data) == 0, "the capabilities cannot be given up")
    if keep_reading:
        _must(libc.prctl(_PR_CAP_AMBIENT, 2, _CAP_DAC_READ_SEARCH, 0, 0) == 0, "the right to read cannot be kept")
    _must(libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0, "new privileges cannot be ruled out")
    _must(uid is None or os.getresuid() == (uid, uid, uid), "the user was not changed")


def _must(held: bool, said: str) -> None:
    if not held:
        raise OSError(f"{said}: {os.strerror(ctypes.get_errno())}")


def packed(plan: dict[str, Any]) -> str:
    """The plan as one word of a command line, for the same Python to read."""
    return marshal.dumps(plan).hex()


def close(plan: dict[str, Any]) -> None:
    """Restrict this process, and all that it will start, as the plan says. Whatever cannot be done raises, and then nothing may be started."""
    libc = ctypes.CDLL(None, use_errno=True)
    machine, abi = os.uname().machine, landlock_abi()
    rules = _landlock(libc, plan, abi)
    _give_up(libc, machine, plan["uid"], keep_reading=plan["keep_reading"])
    os.environ["TMPDIR"], os.environ["HOME"] = plan["temp"], plan["home"]
    os.environ.pop("XDG_RUNTIME_DIR", None)  # where the sockets of the person's own session lie
    os.makedirs(plan["home"], exist_ok=True)
    os.chdir(plan["cwd"])
    if plan["files"] is None and "JPY_PARENT_PID" in os.environ:
        os.environ["JPY_PARENT_PID"] = "1"  # a kernel ends itself when it is not the child of this number, which is one of the world outside
    if rules >= 0:
        _must(libc.syscall(_RESTRICT_SELF, rules, 0) == 0, "Landlock cannot be put in force")
        os.close(rules)
    walled = plan["files"] is None
    code = filter_of(machine, plan["network"], sockets_are_walled=walled, truncate_is_walled=walled or abi >= 3)
    lines = ctypes.create_string_buffer(code, len(code))
    program = struct.pack("HxxxxxxP", len(code) // 8, ctypes.addressof(lines))
    _must(libc.prctl(_PR_SET_SECCOMP, 2, program, 0, 0) == 0, "the filter of system calls cannot be put in force")
    for number in _DEAF_TO:
        libc.signal(number, None)


def main(words: list[str]) -> int:
    """Become the program, or say in one line why not: 127 not found, 126 not runnable, 125 the sandbox could not be closed."""
    argv = words[1:]
    try:
        close(marshal.loads(bytes.fromhex(words[0])))  # noqa: S302  # written by the parent a moment ago; json would be another import at each start
    except Exception as error:  # noqa: BLE001  # whatever it is, a program must not start in a jail that is not closed
        os.write(2, f"jarvis-sandbox: {error}\n".encode(errors="replace"))
        return BROKEN
    try:
        os.execvp(argv[0], argv)
    except FileNotFoundError:
        os.write(2, f"{argv[0]}: command not found\n".encode(errors="replace"))
        return 127
    except OSError as error:
        os.write(2, f"{argv[0]}: {error.strerror}\n".encode(errors="replace"))
        return 126


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
