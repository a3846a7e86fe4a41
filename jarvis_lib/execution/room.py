"""Is there room on this machine to start more? Disk and memory, and one sentence when there is not."""

import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from jarvis_lib.model.prose import size

if TYPE_CHECKING:
    from jarvis_lib.model.settings import Settings


def room(home: Path, settings: "Settings") -> str:
    """Why nothing more may be started, or an empty string. Reads the file systems of the workspace and of temporary files, and the machine's memory."""
    return room_on_disk(home, settings) or enough(free_bytes=None, disk_share=0.0, memory_share=memory_share(), name="disk", **_limits(settings))


def room_on_disk(home: Path, settings: "Settings") -> str:
    """The same for the file systems alone."""
    temp = Path(tempfile.gettempdir())
    said = disk_room(home, "disk", **_limits(settings))
    if not said and os.stat(temp).st_dev != os.stat(home).st_dev:
        said = disk_room(temp, f"disk of {temp}", **_limits(settings))
    return said


def _limits(settings: "Settings") -> dict[str, float]:
    own = settings.values["limits"]
    return {"floor_gb": own["disk_floor_gb"], "plenty_gb": own["disk_plenty_gb"], "busy_share": own["busy_share"]}


def disk_room(folder: Path, name: str, *, floor_gb: float, plenty_gb: float, busy_share: float) -> str:
    """The same for the file system of one folder alone; `name` is what it is called."""
    disk = shutil.disk_usage(folder)
    used = disk.used / (disk.used + disk.free) if disk.used + disk.free else 0.0
    limits = {"floor_gb": floor_gb, "plenty_gb": plenty_gb, "busy_share": busy_share}
    return enough(free_bytes=disk.free, disk_share=used, memory_share=None, name=name, **limits)


def enough(
    *, free_bytes: int | None, disk_share: float, memory_share: float | None, floor_gb: float, plenty_gb: float, busy_share: float, name: str = "disk"
) -> str:
    """The rule: free disk at or above the floor, memory used to no more than `busy_share`, and so the disk unless `plenty_gb` of it are free.

    Gives the sentence of what is wrong, or an empty one.
    `free_bytes` and `memory_share` are None where they are not asked for, or the system does not say.
    """
    if free_bytes is not None and free_bytes < floor_gb * 1024**3:
        return f"Only {size(free_bytes)} of {name} are free, less than [limits] disk_floor_gb = {floor_gb:g}; nothing more is started."
    if disk_share > busy_share and (free_bytes is None or free_bytes < plenty_gb * 1024**3):
        left = "" if free_bytes is None else f" and has {size(free_bytes)} free, less than disk_plenty_gb = {plenty_gb:g}"
        return f"The {name} is {disk_share:.0%} full, more than [limits] busy_share = {busy_share:g}{left}; nothing more is started."
    if memory_share is not None and memory_share > busy_share:
        return f"The memory is {memory_share:.0%} used, more than [limits] busy_share = {busy_share:g}; nothing more is started for now."
    return ""


def memory_share() -> float | None:
    """The share of memory that is not available to a new program; None where the system does not say."""
    if not os.path.exists("/proc/meminfo"):
        import psutil

        return float(psutil.virtual_memory().percent) / 100
    with open("/proc/meminfo", encoding="ascii") as file:
        known = {name: int(rest.split()[0]) for name, _, rest in (line.partition(":") for line in file)}
    total, available = known.get("MemTotal", 0), known.get("MemAvailable")
    return None if not total or available is None else 1 - available / total
