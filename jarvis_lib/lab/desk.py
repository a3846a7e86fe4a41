"""Which workspace does this kernel ask about, and at which moment? Nothing is held open between two calls."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from jarvis_lib.model.fact import Refused
from jarvis_lib.model.prose import clean
from jarvis_lib.workspace import open_workspace

if TYPE_CHECKING:
    from jarvis_lib.lab.answers import Answer
    from jarvis_lib.store.place import Place
    from jarvis_lib.store.store import Reader

_UNITS = {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}


@dataclass(frozen=True, slots=True)
class Desk:
    """What was chosen with `use`: the workspace, a snapshot to read instead of its store (or None), and a moment (or None for now)."""

    place: "Place"
    snapshot: Path | None
    as_of: datetime | None

    def now(self) -> datetime:
        """The moment that is asked about."""
        return self.as_of or self.place.now()

    @contextmanager
    def reading(self) -> "Iterator[Reader]":
        """A reader for moments: on the snapshot, or on the store."""
        if self.snapshot is None:
            with self.place.store.reading() as reader:
                yield reader
        else:
            from jarvis_lib.store.snapshot import open_snapshot

            with open_snapshot(self.snapshot) as reader:
                yield reader


_chosen: dict[str, Desk] = {}


def desk() -> Desk:
    """What was chosen, else the nearest workspace as it is now."""
    if "desk" not in _chosen:
        use()
    return _chosen["desk"]


def use(home: Path | str = "", *, snapshot: Path | str = "", as_of: str = "") -> "Answer":
    """Choose the workspace of this kernel. Raises Refused when there is none, or no such snapshot."""
    from jarvis_lib.lab.answers import Answer
    from jarvis_lib.report.page import moment_of, notebook_folder

    place = open_workspace(home or notebook_folder() or None)
    if snapshot and not Path(snapshot).is_file():
        raise Refused(f"There is no snapshot {clean(str(snapshot))}; make one with: jarvis store backup", code="missing")
    _chosen["desk"] = Desk(place, Path(snapshot) if snapshot else None, moment_of(as_of, place.zone) if as_of else None)
    read = f"the snapshot {Path(snapshot).name}" if snapshot else "its store"
    return Answer("workspace", (f"This notebook reads {read} in {place.home}; times are {place.zone.key}.",))


def since_of(since: str | datetime, now: datetime) -> datetime | None:
    """`7d`, `12h` or `4w` before `now`, an ISO 8601 time, or None for everything. A time without a zone is on the local clock."""
    if not since:
        return None
    if isinstance(since, datetime):
        found = since
    elif since[:-1].isdecimal() and since[-1] in _UNITS:
        try:
            return now - int(since[:-1]) * _UNITS[since[-1]]
        except OverflowError:
            return None  # longer ago than there are dates: everything
    else:
        try:
            found = datetime.fromisoformat(since)
        except ValueError as error:
            raise Refused(f"since is {clean(since)[:40]!r}; give a span such as 7d, 12h or 4w, or a time such as 2026-11-24T07:00.", code="usage") from error
    return found if found.tzinfo else found.replace(tzinfo=desk().place.zone)
