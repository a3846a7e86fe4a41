"""Landlock without a library: confine this process to some folders, without TCP, and become the command.

`python -I -S landlock.py --ro PATH … --rw PATH … [--tcp] -- COMMAND`: it starts nothing else, and what it cannot enforce it refuses (exit 126).
Standard library only, since it runs as a file of its own. System call numbers are those that all of Linux's architectures share.
"""

import ctypes
import os
import sys

_CREATE, _ADD, _RESTRICT = 444, 445, 446
_PATH_BENEATH = 1
_O_PATH = 0o10000000
_NO_NEW_PRIVS = 38
_READ = (1 << 0) | (1 << 2) | (1 << 3)
_FILE_RIGHTS = (1 << 0) | (1 << 1) | (1 << 2) | (1 << 14) | (1 << 15)
_BY_ABI = {1: 13, 2: 14, 3: 15, 4: 15, 5: 16}


class _Ruleset(ctypes.Structure):
    _fields_ = (("fs", ctypes.c_uint64), ("net", ctypes.c_uint64), ("scoped", ctypes.c_uint64))


class _Beneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("allowed", ctypes.c_uint64), ("parent", ctypes.c_int32))


def abi() -> int:
    """The version of Landlock in this kernel, 0 without."""
    found = _syscall(_CREATE, None, 0, 1)
    return max(found, 0)


def confine(read: list[str], write: list[str], *, tcp: bool) -> None:
    """From here on this process and its children see only `read` and may change only `write`. Raises OSError where that cannot be enforced."""
    version = abi()
    if version < 1:
        raise OSError("the kernel has no Landlock")
    handled = (1 << _BY_ABI.get(version, 16)) - 1
    size = 8 if version < 4 else 16 if version < 6 else 24
    rules = _Ruleset(handled, 0 if tcp or version < 4 else 3, 3 if version >= 6 else 0)
    ruleset = _checked(_syscall(_CREATE, ctypes.byref(rules), size, 0))
    for paths, rights in ((read, _READ), (write, handled)):
        for path in paths:
            if os.path.lexists(path):
                _allow(ruleset, path, rights & handled)
    _checked(ctypes.CDLL(None, use_errno=True).prctl(_NO_NEW_PRIVS, 1, 0, 0, 0))
    _checked(_syscall(_RESTRICT, ruleset, 0))
    os.close(ruleset)


def _allow(ruleset: int, path: str, rights: int) -> None:
    parent = os.open(path, _O_PATH | os.O_CLOEXEC)
    try:
        allowed = rights if os.path.isdir(path) else rights & _FILE_RIGHTS
        _checked(_syscall(_ADD, ruleset, _PATH_BENEATH, ctypes.byref(_Beneath(allowed, parent)), 0))
    finally:
        os.close(parent)


def _syscall(number: int, *values: object) -> int:
    libc = ctypes.CDLL(None, use_errno=True)
    return int(libc.syscall(ctypes.c_long(number), *(ctypes.c_long(v) if isinstance(v, int) else v for v in values)))


def _checked(result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result


def main(argv: list[str]) -> int:
    """Confine and exec. Exit 126 when it cannot."""
    read: list[str] = []
    write: list[str] = []
    tcp = False
    while argv and argv[0] != "--":
        word = argv.pop(0)
        if word == "--tcp":
            tcp = True
        else:
            (read if word == "--ro" else write).append(argv.pop(0))
    command = argv[1:]
    try:
        confine(read, write, tcp=tcp)
        os.execvp(command[0], command)
    except OSError as error:
        sys.stderr.write(f"jarvis: the sandbox could not start the command: {error}\n")
        return 126 if not isinstance(error, FileNotFoundError) else 127


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
