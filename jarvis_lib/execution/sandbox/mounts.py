"""What does a strict jail see of the file system? The list of bubblewrap's options, outer folders first, so that the deeper path counts."""

import os
from dataclasses import dataclass
from pathlib import Path

from jarvis_lib.execution.sandbox.jail import Jail
from jarvis_lib.execution.sandbox.python_paths import BASE, ETC, ETC_OF_A_NETWORK, links_on, python_links, python_paths
from jarvis_lib.model.fact import Refused
from jarvis_lib.model.prose import clean

INSIDE_TEMP = "/tmp"
_KERNEL = tuple(f"/proc/{n}" for n in ("sys", "sysrq-trigger", "irq", "bus", "fs", "scsi", "acpi", "asound", "driver", "mtrr", "dynamic_debug", "tty"))
_OWN = Path(__file__).with_name("etc")
_NOTHING = _OWN / "nothing"


@dataclass(frozen=True, slots=True)
class _Mount:
    """`what`: read, write, mask or link. `source` is a path outside, or a link's target."""

    dest: str
    what: str
    source: str

    @property
    def depth(self) -> int:
        return len(Path(self.dest).parts)


def mounted(jail: Jail) -> list[str]:
    """The options that build the jail's file system: read-only but for what the jail may write, with nothing in it that it was not given."""
    plan = {INSIDE_TEMP: _Mount(INSIDE_TEMP, "write", str(jail.temp))}
    for mount in (*_system(jail), *_readable(jail), *_writable(jail)):
        plan[mount.dest] = mount
    for mask in _masks(jail, plan):
        plan[mask.dest] = mask
    for path in _to_hold_in_place(plan):
        plan.setdefault(path, _Mount(path, "write", path))
    ordered = sorted(plan.values(), key=lambda m: (m.depth, m.dest))
    _check_ways(ordered)
    masked = [m.dest for m in ordered if m.what == "mask" and os.path.isdir(m.source)]
    options = [word for m in ordered if m.depth <= 1 for word in _words(m)]
    options += [
        "--proc",
        "/proc",
        *_settings_of_the_kernel(),
        "--dev",
        "/dev",
        "--perms",
        "1777",
        "--tmpfs",
        "/dev/shm",
        "--perms",
        "0755",
        "--dir",
        "/var",
        "--symlink",
        "../tmp",
        "/var/tmp",
    ]
    options += [word for m in ordered if m.depth > 1 for word in (*_folders_on_the_way(m, ordered), *_words(m))]
    return [*options, *(word for dest in reversed(masked) for word in ("--remount-ro", dest)), "--remount-ro", "/"]


def _settings_of_the_kernel() -> list[str]:
    """Options that make them read-only: root owns them, and needs no capability to write what it owns."""
    return [word for p in _KERNEL if os.path.exists(p) for word in ("--ro-bind", p, p)] if os.getuid() == 0 else []


def _folders_on_the_way(mount: _Mount, ordered: list[_Mount]) -> list[str]:
    """Options that make the folders above it where nothing of the machine is mounted. bubblewrap would make them for the owner of what it mounts only."""
    around = [m for m in ordered if _is_below(mount.dest, m.dest)]
    if around and around[-1].what in ("read", "write") and around[-1].dest != INSIDE_TEMP:
        return []
    above = [str(p) for p in reversed(Path(mount.dest).parents) if str(p) not in ("/", INSIDE_TEMP)]
    return [word for p in above for word in ("--perms", "0755", "--dir", p)]


def _to_hold_in_place(plan: dict[str, _Mount]) -> list[str]:
    """The folders between what may be written and what in it is masked or read-only. A mount cannot be moved away, and with it all that lies in it."""
    found = []
    for mount in plan.values():
        above = [str(p) for p in Path(mount.dest).parents]
        outer = next((plan[p] for p in above if p in plan), None)
        if mount.what in ("mask", "read") and outer is not None and outer.what == "write" and outer.dest != INSIDE_TEMP:
            found += above[: above.index(outer.dest)]
    return found


def _is_below(path: str, top: str) -> bool:
    return path.startswith(top.rstrip("/") + "/")


def _words(mount: _Mount) -> tuple[str, ...]:
    if mount.what == "mask":
        return ("--tmpfs", mount.dest) if os.path.isdir(mount.source) else ("--ro-bind", str(_NOTHING), mount.dest)
    return ({"read": "--ro-bind", "write": "--bind-try", "link": "--symlink"}[mount.what], mount.source, mount.dest)


def _system(jail: Jail) -> list[_Mount]:
    """Programs, libraries and the few files of /etc that they need; names of users and hosts are our own, and those of the machine only with a network."""
    base = [_Mount(b, "link", os.readlink(b)) if os.path.islink(b) else _Mount(b, "read", b) for b in BASE if os.path.exists(b)]
    names = (*ETC, *(ETC_OF_A_NETWORK if jail.network == "all" else ()))
    etc = [_Mount(f"/etc/{n}", "read", os.path.realpath(f"/etc/{n}")) for n in names if os.path.exists(f"/etc/{n}")]
    own = ("passwd", "group") if os.getuid() == 0 else ()
    theirs = [_Mount(f"/etc/{n}", "read", f"/etc/{n}") for n in ("passwd", "group") if n not in own]
    made = [_Mount(f"/etc/{n}", "read", str(_OWN / n)) for n in (*own, *(() if jail.network == "all" else ("hosts", "nsswitch.conf")))]
    python = [*(_Mount(str(p), "read", str(p)) for p in python_paths()), *(_Mount(link, "link", target) for link, target in python_links())]
    return [*base, *etc, *theirs, *made, *python]


def _readable(jail: Jail) -> list[_Mount]:
    """What may be read, by its real path; where a symbolic link leads there, the link too."""
    mounts = []
    for path in jail.readable:
        if path.exists():
            real = os.path.realpath(path)
            mounts.append(_Mount(real, "read", real))
            mounts += [_Mount(link, "link", target) for link, target in links_on(path)]
    tops = [m.dest for m in mounts if m.what == "read"] + list(BASE) + [str(p) for p in python_paths()]
    return [m for m in mounts if m.what == "read" or not any(Path(m.dest).is_relative_to(t) for t in tops)]


def _writable(jail: Jail) -> list[_Mount]:
    paths = (*jail.writable, *([jail.home] if jail.home else []), *(jail.sockets if jail.network == "hosts" else ()))
    return [_Mount(str(p), "write", str(p)) for p in paths if p != jail.temp]


def _masks(jail: Jail, plan: dict[str, _Mount]) -> list[_Mount]:
    """Masks over what is hidden and could be seen."""
    seen = [m.dest for m in plan.values() if m.what in ("read", "write") and m.dest != INSIDE_TEMP]
    hidden = {os.path.realpath(h) for h in jail.hidden if h.exists() or h.is_symlink()}
    return [_Mount(h, "mask", h) for h in sorted(hidden) if os.path.exists(h) and any(Path(h).is_relative_to(s) for s in seen)]


def _check_ways(ordered: list[_Mount]) -> None:
    """Where something is mounted inside of what a task may write, no symbolic link of an earlier run may lead it elsewhere."""
    written = [m for m in ordered if m.what == "write"]
    for mount in ordered:
        for outer in (m for m in written if _is_below(mount.dest, m.dest)):
            at = Path(outer.source)
            for part in Path(mount.dest).relative_to(outer.dest).parts:
                at = at / part
                if at.is_symlink():
                    raise Refused(f"The sandbox cannot be built: {clean(str(at))} is a symbolic link where a folder must be; remove it.", code="failed")
