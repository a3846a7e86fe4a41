"""Which events were imported, and how are they forgotten? One file for each source in `data/events/`, outside of the journal.

The journal is never rewritten, so what the person may want to forget does not stand there. A file is JSON lines: a head, then one event a line with its
id, type and UTC time; it is written anew beside itself and renamed, so a reader sees the old one or the new one. A power cut may cost the newest import,
which the next one brings again.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from jarvis_lib.model.fact import Refused, moment, stamp
from jarvis_lib.store import lock
from jarvis_lib.store.whole import write_whole

VERSION = 1
WAIT_S = 30.0


@dataclass(frozen=True, slots=True)
class Imported:
    """One event of a source: `id` names it there, `type` is what it counts as."""

    id: str
    type: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Source:
    """What is kept of one source, when it was read last, and its events in the order of time."""

    name: str
    read_at: datetime | None
    events: tuple[Imported, ...]


def read(home: Path, name: str) -> Source:
    """The source `name`; an empty one when nothing was imported. Raises Refused for a file that is none of ours."""
    path = _path(home, name)
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
        head = json.loads(lines[0])
        if head["version"] > VERSION:
            raise Refused(f"{path} was written by a newer Jarvis; update this one.")
        raw = [json.loads(line) for line in lines[1:]]
        return Source(name, moment(head["read_at"]), tuple(Imported(r["id"], r["type"], moment(r["at"])) for r in raw))
    except FileNotFoundError:
        return Source(name, None, ())
    except (ValueError, KeyError, TypeError, IndexError) as error:
        raise Refused(
            f"{path} cannot be read ({type(error).__name__}); remove it with `jarvis patterns purge {name}` and import again.", code="failed"
        ) from error


def add(home: Path, name: str, events: Iterable[Imported], *, read_at: datetime) -> int:
    """Keep those of `events` that are not there yet, and say how many they were. The same import twice adds nothing."""
    with lock.held(home / "data" / "events.lock", wait_s=WAIT_S, what="The import of events"):
        old = read(home, name)
        known = {e.id for e in old.events}
        new = list({e.id: e for e in events if e.id not in known}.values())
        kept = sorted([*old.events, *new], key=lambda e: (e.at, e.id))
        lines = [json.dumps({"schema": "jarvis.events", "version": VERSION, "source": name, "read_at": stamp(read_at)})]
        lines += [json.dumps({"id": e.id, "type": e.type, "at": stamp(e.at)}, ensure_ascii=False) for e in kept]
        _write(_path(home, name), "\n".join([*lines, ""]))
        return len(new)


def forget(home: Path, name: str) -> int:
    """Remove the source's file; how many events were forgotten. Works on a damaged file, too."""
    with lock.held(home / "data" / "events.lock", wait_s=WAIT_S, what="The import of events"):
        path = _path(home, name)
        if not path.exists():
            return 0
        count = max(path.read_bytes().count(b"\n") - 1, 0)
        path.unlink()
        return count


def _path(home: Path, name: str) -> Path:
    return home / "data" / "events" / f"{name}.jsonl"


def _write(path: Path, content: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, content.encode("utf-8", "replace"))
    except OSError as error:
        raise Refused(f"{path} cannot be written ({error.strerror}); what was imported before is as it was.", code="failed") from error
