"""Which files does a jail without namespaces allow? Landlock knows only what is allowed, so what is hidden is left out piece by piece."""

import os
from pathlib import Path

from jarvis_lib.execution.sandbox.jail import Jail
from jarvis_lib.execution.sandbox.python_paths import BASE, ETC, ETC_OF_A_NETWORK, import_roots, python_paths

_DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/shm")
_FACTS = ("/proc", "/sys/devices/system", "/etc/passwd", "/etc/group")


def allowed(jail: Jail) -> dict[str, list[str]]:
    """`write`, `read` and `list` (names only): the real paths that may be. A folder that holds something hidden is allowed by its other entries, one by one;
    it can then itself not be listed, nor take a new entry. Nor does one take a new entry that may be written and holds what may only be read. Where Jarvis
    runs from a clone, the names in the clone can be listed: Python finds no package otherwise."""
    writable = [jail.temp, *jail.writable, *([jail.home] if jail.home else [])]
    readable = [*python_paths(), *jail.readable]
    etc = [f"/etc/{name}" for name in (*ETC, *(ETC_OF_A_NETWORK if jail.network == "all" else ("hosts", "nsswitch.conf")))]
    hidden = [os.path.realpath(h) for h in jail.hidden]
    kept = [real for r in readable if not any(_is(real := os.path.realpath(r), w) for w in writable)]
    return {
        "write": _there([*_DEVICES, *(p for w in writable for p in _without(str(w), [*hidden, *kept]))]),
        "read": _there([*BASE, *_FACTS, *etc, *(p for r in readable for p in _without(os.path.realpath(r), hidden))]),
        "list": [str(root) for root in import_roots()],
    }


def _is(path: str, other: Path) -> bool:
    return path == os.path.realpath(other)


def _without(path: str, hidden: list[str]) -> list[str]:
    """The path, or what is in it beside the hidden ones."""
    if path in hidden:
        return []
    if not any(h.startswith(path.rstrip("/") + "/") for h in hidden):
        return [path]
    return [p for entry in sorted(os.listdir(path)) if not os.path.islink(own := os.path.join(path, entry)) for p in _without(own, hidden)]


def _there(paths: list[str]) -> list[str]:
    return list(dict.fromkeys(os.path.realpath(p) for p in paths if os.path.exists(p)))
