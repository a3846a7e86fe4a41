"""What does the person read in the morning when not even the brief can be made? A page of plain text with what can be found without the store.

A morning without a brief would itself be the alarm, so this asks for nothing: no settings, no store, no notebook, and no folder in particular.
"""

import json
import os
import shutil
import tempfile
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from jarvis_lib.model.prose import clean, plural, shorten, size
from jarvis_lib.report.publish import plain_page, publish, put
from jarvis_lib.store import lock

LINES = 12


def write(home: Path, error: BaseException, *, now: datetime) -> Path:
    """Write the plain brief and return where it is: reports/YYYY/MM/YYYY-MM-DD-brief.txt, else logs/, else the machine's folder for temporary files."""
    local = now.astimezone()
    name = f"{local:%Y-%m-%d}-brief.txt"
    text = page(home, error, now=now)
    for folder in (home / "reports" / f"{local:%Y}" / f"{local:%m}", home / "logs", Path(tempfile.gettempdir())):
        try:
            put(folder / name, text)
        except OSError:
            continue  # the next folder may take it
        _publish(home, folder / name, text, local)
        return folder / name
    return Path(os.devnull)


def _publish(home: Path, path: Path, text: str, local: datetime) -> None:
    """The same as a page beside it, so that the latest brief is not an older one. A page that tells of this morning already tells more."""
    page_path = path.with_suffix(".html")
    if not path.is_relative_to(home / "reports") or page_path.exists():
        return
    with suppress(OSError):
        put(page_path, plain_page("The brief could not be made", text, as_of=local.isoformat(timespec="seconds")))
        publish(page_path, home)


def page(home: Path, error: BaseException, *, now: datetime) -> str:
    """The text: why there is no brief, the session, the record, the last lines of the log, the disk, and what to do."""
    what = clean(str(error)) or type(error).__name__
    parts = [
        f"Jarvis · {now.astimezone():%a %d %b %Y %H:%M} · plain brief",
        f"The brief could not be made, so this says what was found without the store.\nWhy: {shorten(what, 600)}",
        *(_safely(name, find, home) for name, find in FOUND.items()),
        "What to do: jarvis doctor; then jarvis store verify; then jarvis overnight brief.",
    ]
    return "\n\n".join(parts) + "\n"


def _safely(name: str, find: Callable[[Path], str], home: Path) -> str:
    try:
        return f"{name}: {find(home)}"
    except Exception as error:  # noqa: BLE001  # what cannot be found must not hide what can
        return f"{name}: could not be looked at ({type(error).__name__}: {clean(str(error))[:160]})"


def _session(home: Path) -> str:
    path = home / "data" / "session.lock"
    beat = home / "data" / "session.alive"
    told = f"; its last sign of life was {_local(beat.stat().st_mtime)}" if beat.exists() else "; none has left a sign of life"
    return ("none is open" if lock.is_free(path) else f"open, {lock.owner(path) or 'its owner did not sign'}") + told


def _record(home: Path) -> str:
    found = sorted((home / "logs").glob("overnight_report_*.json"))
    if not found:
        return "none was written yet"
    raw = json.loads(found[-1].read_text(encoding="utf-8"))
    done = f"{raw['tasks_completed']} of {raw['tasks_spawned']} tasks verified, {raw['outcome']}"
    return f"{found[-1].name}: {clean(done)}" + "".join(f"\n  {clean(str(t['title']))[:80]}: {t['outcome']}, {t['verdict']}" for t in raw["tasks"][:LINES])


def _log(home: Path) -> str:
    path = home / "logs" / "overnight_execution.log"
    if not path.exists():
        return "there is none"
    with path.open("rb") as stream:
        stream.seek(max(path.stat().st_size - 16_384, 0))
        tail = stream.read().decode("utf-8", "replace").splitlines()[-LINES:]
    return "its last lines" + "".join(f"\n  {shorten(clean(line), 160)}" for line in tail)


def _journal(home: Path) -> str:
    found = sorted((home / "data" / "journal").glob("*.jsonl"))
    return f"{plural(len(found), 'file')}, the newest written {_local(found[-1].stat().st_mtime)}" if found else "there is none"


def _disk(home: Path) -> str:
    return f"{size(shutil.disk_usage(home).free)} free"


def _local(at: float) -> str:
    return f"{datetime.fromtimestamp(at).astimezone():%a %d %b %H:%M}"


FOUND: dict[str, Callable[[Path], str]] = {"Session": _session, "Record": _record, "Log of the night": _log, "Journal": _journal, "Disk": _disk}
