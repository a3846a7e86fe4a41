"""Reading a snapshot at leisure: no lock, no drain, no effect on anybody."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from jarvis_lib.model.fact import Refused
from jarvis_lib.store import engine
from jarvis_lib.store.store import Reader


@contextmanager
def open_snapshot(path: Path | str) -> Iterator[Reader]:
    """A reader on the snapshot at `path`, closed with the `with`. Raises Refused for a missing or unreadable file."""
    if not Path(path).is_file():
        raise Refused(f"There is no snapshot {path}; make one with: jarvis store backup", code="missing")
    try:
        with engine.attached(Path(path), read_only=True, name="snapshot") as con:
            yield Reader(con)
    except (engine.Damaged, engine.Foreign, engine.Held) as error:
        raise Refused(f"The snapshot {path} cannot be read: {error}", code="failed") from error
