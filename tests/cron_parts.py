"""A crontab and a systemctl that are programs on PATH with files behind them, as the real ones are, and can be told to fail."""

import os
import stat
from dataclasses import dataclass
from pathlib import Path

CRONTAB = """#!/bin/sh
# Answers like Debian's crontab; a table is one file. What the file faults names fails as a full disk or a missing spool would make it.
here="{folder}"
case "$1 $(cat "$here/faults" 2>/dev/null)" in
"-l "*read*) echo "crontab: cannot reach the spool" >&2; exit 1 ;;
"- "*write*) cat >/dev/null; echo "crontab: no space left on device" >&2; exit 1 ;;
esac
case "$1" in
-l) if [ -f "$here/table" ]; then cat "$here/table"; else echo "no crontab for somebody" >&2; exit 1; fi ;;
-r) rm -f "$here/table" ;;
-) cat >"$here/table"; case "$(cat "$here/faults" 2>/dev/null)" in *mangle*) echo "# changed by the program" >>"$here/table" ;; esac ;;
esac
"""
SYSTEMCTL = """#!/bin/sh
# Notes what it was asked for; a systemd of the person's own that always says yes, or none at all.
here="{folder}"
case "$(cat "$here/faults" 2>/dev/null)" in *bus*) echo "Failed to connect to bus: No medium found" >&2; exit 1 ;; esac
echo "$*" >>"$here/asked"
"""


@dataclass(frozen=True)
class Machine:
    """The folder behind the two programs."""

    folder: Path

    @property
    def table(self) -> bytes | None:
        path = self.folder / "table"
        return path.read_bytes() if path.exists() else None

    def has(self, table: bytes) -> None:
        (self.folder / "table").write_bytes(table)

    def fails(self, *what: str) -> None:
        """From now on it fails so: read, write, mangle, bus."""
        (self.folder / "faults").write_text(" ".join(what))

    @property
    def asked(self) -> list[str]:
        path = self.folder / "asked"
        return path.read_text().splitlines() if path.exists() else []


def machine(folder: Path) -> Machine:
    """Programs in `folder/bin`; the caller puts that first in PATH."""
    (folder / "bin").mkdir(parents=True)
    for name, text in (("crontab", CRONTAB), ("systemctl", SYSTEMCTL)):
        path = folder / "bin" / name
        path.write_text(text.replace("{folder}", str(folder)))
        os.chmod(path, path.stat().st_mode | stat.S_IXUSR)
    return Machine(folder)
