"""What did Jarvis do, in the daily notes that an agent reads? Lines are added to `YYYY-MM-DD.md` in the folder of `[memory] path`; nothing is changed there.

Promise: each thing is told once, in one block that is written whole and synced; what others wrote stays as it is. Where the folder cannot be written, that
is told and the night goes on; the lines come with the next note that can be written. Titles are text of others and are written as such.
"""

import fcntl
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from jarvis_lib.model.fact import Refused
from jarvis_lib.model.prose import clean, plural, seconds, shorten
from jarvis_lib.store import lock
from jarvis_lib.store.place import Place

FIRST = timedelta(hours=24)
"""The first note in a folder tells of this span, and not of years."""
MOST = 200
_MARK = re.compile(rb"^<!-- jarvis (\w+): told up to (\d+) -->$", re.MULTILINE)
_TAIL = 64 * 1024
_OFF = "No memory notes are written, since [memory] path in jarvis.toml is empty."


@dataclass(frozen=True, slots=True)
class Noted:
    """How many lines were added and where; `said` tells it, or why nothing was written. `ok` is False when the folder could not be written."""

    path: Path | None
    added: int
    said: str
    ok: bool = True


def write(place: Place, *, now: datetime) -> Noted:
    """Add what happened since the last note to the note of the local day of `now`. Never raises for a folder that cannot be written."""
    folder = folder_of(place)
    if folder is None:
        return Noted(None, 0, _OFF)
    key = str(folder)
    with place.store.reading() as reader:
        known = reader.one("doors.memory", path=key)
        end = int((reader.one("doors.journal_end") or {"seq": 0})["seq"])
    path = folder / f"{now.astimezone(place.zone):%Y-%m-%d}.md"
    since = now - FIRST if known is None else now - timedelta(days=366)
    with lock.held(place.home / "data" / "memory.lock", wait_s=place.store.wait_s, what="The memory note"):
        try:
            upto, added = _add(place, path, after=known["upto"] if known else 0, since=since, end=end, now=now)
        except OSError as error:
            return _failed(place, path, error, now=now)
        if added:
            place.store.append(place.fact("memory.noted", at=now, path=key, upto=upto))
    return Noted(path, added, f"{plural(added, 'line')} added to {path}." if added else f"Nothing new for {path}.")


def told(place: Place, *, now: datetime) -> str:
    """`write` for the end of a night: the sentence to tell, or nothing when no notes are wanted. Whatever goes wrong with a note is only told."""
    if folder_of(place) is None:
        return ""
    try:
        return write(place, now=now).said
    except Refused as error:
        return f"No memory note was written: {error.sentence}"


def folder_of(place: Place) -> Path | None:
    """The folder of the notes, or None while nobody asked for any."""
    own = str(place.settings.get("memory", "path"))
    return Path(os.path.abspath(place.home / Path(own).expanduser())) if own else None


def _add(place: Place, path: Path, *, after: int, since: datetime, end: int, now: datetime) -> tuple[int, int]:
    """Append the block under a lock; the number of the journal that it tells up to, and how many lines it has."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fd = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o644)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)  # somebody who holds it for long must not hold up the night
        size = os.fstat(fd).st_size
        tail = os.pread(fd, _TAIL, max(size - _TAIL, 0))
        with place.store.reading() as reader:
            own = str((reader.one("doors.first_fact") or {"id": "0"})["id"])[:8]
            after = max([after, *(int(n) for name, n in _MARK.findall(tail) if name.decode() == own and int(n) <= end)])
            rows = reader.rows("doors.done_since", after=after, since=since, most=MOST + 1)
        lines = [line for row in rows[:MOST] if (line := _line(row, place, now))]
        upto = rows[MOST - 1]["seq"] if len(rows) > MOST else max(end, after)
        if lines:
            head = "" if size else f"# {now.astimezone(place.zone):%Y-%m-%d}\n\n"
            gap = "" if not size or tail.endswith(b"\n\n") else "\n" if tail.endswith(b"\n") else "\n\n"
            title = f"## Jarvis, {now.astimezone(place.zone):%H:%M}"
            block = "\n".join([f"{gap}{head}{title}", "", *lines, "", f"<!-- jarvis {own}: told up to {upto} -->", ""])
            _whole(fd, block.encode("utf-8", "replace"), size)
        return upto, len(lines)
    finally:
        os.close(fd)


def _whole(fd: int, data: bytes, size: int) -> None:
    """Append all of it, or leave the file as long as it was."""
    try:
        view = memoryview(data)
        while view:
            view = view[os.write(fd, view) :]
        os.fsync(fd)
    except OSError:
        if os.fstat(fd).st_size <= size + len(data):  # nobody else has written meanwhile, who does not ask for the lock
            os.ftruncate(fd, size)
        raise


def _line(row: Mapping[str, Any], place: Place, now: datetime) -> str:
    local = row["at"].astimezone(place.zone)
    when = f"{local:%H:%M}" if local.date() == now.astimezone(place.zone).date() else f"{local:%a %H:%M}"
    said = _said(row)
    return f"- {when} {said}" if said else ""


def _said(row: Mapping[str, Any]) -> str:
    name = f"{_plain(row['title'], 100)} (`{row['task']}`)" if row["task"] else ""
    kind = row["kind"]
    if kind == "attempt.ended":
        word = {"verified": "Shipped", "hollow": "Hollow", "refuted": "Refuted", "unverified": "Unproved"}.get(row["verdict"], row["outcome"].capitalize())
        return f"{word}: {name}, {seconds(row['seconds'])}. {_plain(row['why'], 200)}"
    if kind == "task.added":
        return f"Proposed by {_plain(row['actor'], 40)}: {name}"
    if kind.startswith("task."):
        return f"{kind.removeprefix('task.').capitalize()} by {_plain(row['actor'], 40)}: {name}"
    if kind == "fix.undone":
        return f"Fix undone: {_plain(row['fix_said'], 200)}"
    if kind == "fix.applied":
        return f"{'Fixed and re-checked' if row['verified'] else 'Not fixed'}: {_plain(row['said'], 200)}"
    return f"{'Brief' if kind == 'brief.made' else 'Escalated'}: {_plain(row['said'], 240)}"


def _plain(text: str, width: int) -> str:
    """Foreign text on one line, without what Markdown or HTML would make of it."""
    return re.sub(r"([\\`*_{}\[\]<>|!#])", r"\\\1", shorten(clean(text), width))


def _failed(place: Place, path: Path, error: OSError, *, now: datetime) -> Noted:
    said = f"The memory note {path} cannot be written ({error.strerror}); the lines come with the next one that can. See [memory] path in jarvis.toml."
    with place.store.reading() as reader:
        told_before = reader.one("doors.same_notice", sentence=said, since=now - timedelta(days=1))
    if told_before is None:
        place.store.append(place.fact("notice", at=now, kind="memory", sentence=said))
    return Noted(path, 0, said, ok=False)
