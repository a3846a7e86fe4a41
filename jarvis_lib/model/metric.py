"""What kinds of numbers are watched, from which value on is one a problem, and how is it said?"""

from dataclasses import dataclass
from typing import Any

from jarvis_lib.model.prose import clean, size

FIVE_MINUTES_S = 300
"""Numbers are looked at as medians of so many seconds; a single odd sample is noise."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of metric. `limit`: from there on it is a problem (`falling`: below it), None where only its owner could say.

    A `plain` one is only held against its limit: a forecast or an alarm would say nothing more. `hit` says what the crossing means, `reach` whom
    it would hurt, `remedy` what to do.
    """

    name: str
    unit: str
    limit: float | None
    severity: str
    hit: str
    reach: str
    remedy: str
    falling: bool = False
    plain: bool = False


_MACHINE = "everything that runs on this machine"
_READERS = "whoever writes to it"
_BACKED_UP = "what would be lost with this disk"
_QUEUE = "the tasks of this workspace"
KINDS: dict[str, Kind] = {
    "disk": Kind("disk of this workspace", "share", 0.05, "high", "nearly full", "Jarvis and everything that writes to this disk", "free some space", True),
    "mount": Kind("disk", "share", 0.95, "high", "full", "everything that writes to this disk", "free some space, or grow it"),
    "inodes": Kind("inodes of", "share", 0.95, "high", "used up", "everything that makes files on this disk", "remove heaps of small files"),
    "memory": Kind("memory", "share", 0.95, "high", "used up", _MACHINE, "find what grows, and end or limit it"),
    "swap": Kind("swap", "share", 0.90, "medium", "used up", _MACHINE, "find what grows, and end or limit it"),
    "load": Kind("load per core", "number", None, "low", "over its limit", _MACHINE, "look what is running"),
    "temperature": Kind("temperature of", "celsius", 95.0, "high", "over its limit", _MACHINE, "look at fans and dust"),
    "log": Kind("log", "bytes", None, "low", "over its limit", _READERS, "rotate and compress it"),
    "log_growth": Kind("growth of log", "bytes/h", None, "low", "over its limit", _READERS, "look what it says so often"),
    "log_errors": Kind("errors in log", "per hour", None, "medium", "over their limit", "the program that writes it", "read its last errors"),
    "database": Kind("free pages of", "share", None, "low", "over their limit", "its readers, while it is compacted", "compact it"),
    "database_size": Kind("size of", "bytes", None, "low", "over its limit", "its program, and the disk", "archive old rows"),
    "repository_size": Kind("packs of", "bytes", None, "low", "over their limit", "clones and backups of it", "look for large files in its history"),
    "repository": Kind("loose objects of", "count", None, "low", "too many", "every git command there", "git gc"),
    "large_objects": Kind("large object files of", "count", None, "low", "over their limit", "clones and backups of it", "move large files out"),
    "worktrees": Kind("worktrees of", "count", 50, "low", "too many", "its disk", "git worktree prune"),
    "queue_age": Kind("oldest queued task", "hours", 24 * 14, "low", "too old", _QUEUE, "give it time, or drop it: jarvis queue list"),
    "review": Kind("tasks in review", "count", 10, "medium", "too many", _QUEUE, "decide some: jarvis inbox"),
    "failures": Kind("failed attempts of", "share", 0.50, "medium", "too many", _QUEUE, "look at why: jarvis queue report"),
    "duration": Kind("duration of", "seconds", None, "low", "over its limit", _QUEUE, "look at what became slower"),
    "backup": Kind("age of the last backup of", "hours", 48, "high", "too old", _BACKED_UP, "make one; see why the last did not run", plain=True),
    "certificate": Kind("certificate", "days left", 14, "high", "about to expire", "every client that checks it", "renew it", True, plain=True),
    "token": Kind("token", "days left", 14, "high", "about to expire", "whoever uses it", "renew it; then change its date in tokens", True, plain=True),
    "cron": Kind("nights that failed", "count", 0, "medium", "not zero", _QUEUE, "look at: jarvis overnight report", plain=True),
    "plugin": Kind("plug-in", "number", None, "medium", "over its limit", "what it measures", "look at what it measures"),
}
"""Kinds that are sampled. Readings of other kinds (rotated logs, what a playbook answers) have no past."""


_OF_SETTINGS = {"database": "bloat_share", "repository": "loose_objects"}


def key_of(kind: str, subject: str) -> str:
    """The name of a metric: `mount:/`, `log:logs/app.log`."""
    return f"{kind}:{subject}"


def parts_of(key: str) -> tuple[str, str]:
    """(kind, subject) of a metric's key."""
    kind, _, subject = key.partition(":")
    return kind, subject


def limit_of(key: str, wanted: dict[str, Any]) -> float | None:
    """The limit of a metric: the person's own for it or for its kind, else that of `[problems]`, else the kind's. `wanted` is `[problems]`."""
    kind, _ = parts_of(key)
    own = wanted["limits"].get(key, wanted["limits"].get(kind))
    if own is not None:
        return float(own)
    if kind == "log":
        return float(wanted["log_max_mb"] * 1024 * 1024)
    if kind in _OF_SETTINGS:
        return float(wanted[_OF_SETTINGS[kind]])
    found = KINDS[kind].limit if kind in KINDS else None
    return None if found is None else float(found)


def is_over(kind: str, value: float, limit: float | None) -> bool:
    """Whether a value is a problem: beyond the limit, on the side that hurts."""
    if limit is None:
        return False
    return value < limit if KINDS[kind].falling else value > limit


def named(key: str) -> str:
    """How people call a metric: `disk /data`, `memory`, `errors in log logs/app.log`."""
    kind, subject = parts_of(key)
    name = KINDS[kind].name if kind in KINDS else kind.replace("_", " ")
    return name if subject in ("", kind, "machine", "disk", "queue") else f"{name} {clean(subject)}"


def shown(kind: str, value: float) -> str:
    """A value with its unit, for people."""
    unit = KINDS[kind].unit if kind in KINDS else "number"
    if unit == "share":
        return f"{value:.1%}" if value < 0.1 else f"{value:.0%}"
    if unit in ("bytes", "bytes/h"):
        return size(value) + ("/h" if unit == "bytes/h" else "")
    if unit == "count":
        return f"{value:,.0f}"
    words = {"celsius": " °C", "hours": " h", "seconds": " s", "days left": " days left", "per hour": " an hour", "number": ""}
    return f"{value:,.4g}{words[unit]}" if abs(value) < 1000 else f"{value:,.0f}{words[unit]}"
