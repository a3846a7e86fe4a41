"""How full and how busy is this machine? Disks and inodes of each mount, memory, swap, load per core, temperatures."""

import os
from datetime import datetime
from pathlib import Path
from typing import Any

from jarvis_lib.execution.fixes.watch import Reading
from jarvis_lib.execution.metrics.measured import measured
from jarvis_lib.model.prose import clean, size

_AWAY = ("nfs", "cifs", "smb", "fuse", "9p", "afs", "ceph", "gluster", "sshfs")
"""File systems of other machines: a statvfs on one that does not answer waits for ever."""
_FULL_BY_NATURE = ("squashfs", "iso9660", "udf", "erofs", "cramfs")
_MOST_MOUNTS = 32


def readings(home: Path, wanted: dict[str, Any], now: datetime) -> list[Reading]:
    """The numbers of the machine; a part that the machine does not have gives none."""
    import psutil

    found = [r for mount in _mounts() for r in _mount(mount, wanted, home)]
    memory, swap = psutil.virtual_memory(), psutil.swap_memory()
    share = 1 - memory.available / memory.total
    found.append(measured(wanted, "memory", "machine", round(share, 4), f"{share:.0%} of {size(memory.total)} in use"))
    if swap.total:
        share = swap.used / swap.total
        found.append(measured(wanted, "swap", "machine", round(share, 4), f"{share:.0%} of {size(swap.total)} in use"))
    cores = os.cpu_count() or 1
    found.append(measured(wanted, "load", "machine", round(os.getloadavg()[1] / cores, 4), f"{os.getloadavg()[1] / cores:.2f} per core over 5 minutes"))
    return found + _temperatures(wanted)


def _mounts() -> list[str]:
    """The local mounts, each device once, by its shortest path."""
    import psutil

    found: dict[int, str] = {}
    for part in sorted(psutil.disk_partitions(all=False), key=lambda p: (len(p.mountpoint), p.mountpoint)):
        if part.fstype.startswith(_AWAY) or part.fstype in _FULL_BY_NATURE or not part.mountpoint.isprintable() or "ro" in part.opts.split(","):
            continue
        try:
            found.setdefault(os.stat(part.mountpoint).st_dev, part.mountpoint)
        except OSError:
            continue  # a mount that this user may not look at
    return list(found.values())[:_MOST_MOUNTS]


def _mount(mount: str, wanted: dict[str, Any], home: Path) -> list[Reading]:
    try:
        now, own = os.statvfs(mount), os.stat(mount).st_dev == os.stat(home).st_dev
    except OSError:
        return []  # unmounted between the listing and now
    if not now.f_blocks:
        return []
    used = now.f_blocks - now.f_bfree
    share = used / (used + now.f_bavail) if used + now.f_bavail else 1.0
    said = f"{share:.0%} used, {size(now.f_bavail * now.f_frsize)} free"
    found = [measured(wanted, "mount", mount, round(share, 5), said, free_bytes=now.f_bavail * now.f_frsize, home=own)]
    if now.f_files:
        share = 1 - now.f_favail / now.f_files
        found.append(measured(wanted, "inodes", mount, round(share, 5), f"{share:.0%} used, {now.f_favail:,} free"))
    return found


def _temperatures(wanted: dict[str, Any]) -> list[Reading]:
    """The hottest value of each sensor chip."""
    import psutil

    chips: dict[str, Any] = getattr(psutil, "sensors_temperatures", dict)() or {}  # macOS has none
    hottest = {clean(chip): max((s.current for s in sensors if s.current), default=0.0) for chip, sensors in chips.items()}
    return [measured(wanted, "temperature", chip, value) for chip, value in sorted(hottest.items()) if value > 0]
