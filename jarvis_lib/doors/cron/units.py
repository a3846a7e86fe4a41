"""The same knocks as services and timers of the person's own systemd: which files, and what stands in them?

Timers are in the person's zone and persistent; a knock that comes late is decided by the ledger like any other.
"""

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path

from jarvis_lib.doors.cron.lines import Entry, calendar_of, script

PREFIX = "jarvis"
RUN = 'exec "$0" "$@"'


def folder() -> Path:
    """Where the person's own units stand."""
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "systemd" / "user"


def stem(home: Path) -> str:
    """What the names of a workspace's units begin with."""
    return f"{PREFIX}-{hashlib.sha256(os.fsencode(home)).hexdigest()[:8]}"


def texts(home: Path, entries: Sequence[Entry], *, env: Sequence[str], zone: str) -> dict[str, str]:
    """File name -> content, a service and a timer for each entry."""
    made = {}
    for entry in entries:
        name = f"{stem(home)}-{entry.job}"
        made[f"{name}.service"] = _service(home, entry, env)
        made[f"{name}.timer"] = _timer(entry, zone)
    return made


def _service(home: Path, entry: Entry, env: Sequence[str]) -> str:
    return "\n".join(
        [
            "# Managed by `jarvis cron`.",
            "[Unit]",
            f"Description=Jarvis {entry.job}",
            "",
            "[Service]",
            "Type=oneshot",
            f"ExecStart=/bin/sh -c {' '.join(_quoted(word) for word in (script(entry, RUN), *entry.argv))}",
            f"WorkingDirectory={_plain(str(home))}",
            *(f"Environment={_quoted(word, command=False)}" for word in env),
            "Nice=10",
            "IOSchedulingClass=idle",
            "UMask=0077",
            "TimeoutStartSec=13h",
            "SuccessExitStatus=75",
            "",
        ]
    )


def _timer(entry: Entry, zone: str) -> str:
    return "\n".join(
        [
            "# Managed by `jarvis cron`.",
            "[Unit]",
            f"Description=When Jarvis {entry.job} is due",
            "",
            "[Timer]",
            f"OnCalendar={calendar_of(entry, zone)}",
            f"Persistent={'false' if entry.at is None else 'true'}",
            "AccuracySec=30s",
            "",
            "[Install]",
            "WantedBy=timers.target",
            "",
        ]
    )


def _plain(text: str) -> str:
    return text.replace("%", "%%")


def _quoted(word: str, *, command: bool = True) -> str:
    text = _plain(word).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text.replace("$", "$$") if command else text}"'
