"""Which calendars do the settings name? Files, folders, patterns and addresses, and in which state each file is."""

import glob
import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jarvis_lib.model.fact import digest
from jarvis_lib.model.prose import clean, size

MOST_BYTES = 20 * 1024**2
MOST_FILES = 40
"""A folder with more ICS files than this (one for each event, as vdirsyncer keeps them) is one calendar; else each file is its own."""


@dataclass(frozen=True, slots=True)
class Source:
    """One calendar: how it is called, the entry of the settings that names it, and its files, or its address."""

    name: str
    entry: str
    paths: tuple[Path, ...] = ()
    url: str = ""
    state: tuple[Any, ...] = ()


def of_entry(home: Path, entry: str) -> Iterator[Source]:
    """The calendars that one line of the settings names; none where nothing is there."""
    whole = os.path.join(home, os.path.expanduser(entry))
    for path in sorted(glob.glob(whole, recursive=True)) if glob.has_magic(whole) else [whole]:
        if os.path.isdir(path):
            files = [Path(folder, n) for folder, _, names in sorted(os.walk(path)) for n in sorted(names) if n.lower().endswith(".ics") and n[:1] != "."]
            many = len(files) > MOST_FILES
            for group in [files] if many else [[f] for f in files]:
                yield _source(home, Path(path) if many else group[0], entry, group)
        elif os.path.lexists(path):
            yield _source(home, Path(path), entry, [Path(path)])


def _source(home: Path, path: Path, entry: str, files: Sequence[Path]) -> Source:
    name = path.relative_to(home).as_posix() if path.is_relative_to(home) else str(path)
    states = []
    for file in files:
        try:
            found = file.stat()
            states.append((file.name, found.st_mtime_ns, found.st_size, found.st_ino))
        except OSError as error:
            states.append((file.name, 0, 0, error.errno or 0))
    return Source(clean(name), entry, tuple(files), state=tuple(states))


def content(path: Path) -> bytes:
    """The whole file. Raises NotACalendar for what is too large, no file, or not readable."""
    from jarvis_lib.doors.calendars.spans import NotACalendar

    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):
            raise NotACalendar("is not a file")
        if found.st_size > MOST_BYTES:
            raise NotACalendar(f"has {size(found.st_size)}, and at most {size(MOST_BYTES)} of a calendar are read; export a shorter time")
        return path.read_bytes()
    except OSError as error:
        raise NotACalendar(f"cannot be read ({error.strerror or error})") from error


def name_of(url: str) -> str:
    """An address without what may be secret in it: its host, and a hash that tells two of them apart."""
    from urllib.parse import urlsplit

    return f"{urlsplit(url).hostname or 'address'}#{digest(url)[:8]}"
