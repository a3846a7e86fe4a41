"""What would these facts do? The real rules on the real rows, inside a transaction that is always rolled back.

A verb that writes by facts alone rehearses by being run on this store: it reads its own changes, and nothing of them is ever on disk.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from jarvis_lib.model.fact import Fact, Refused
from jarvis_lib.store import journal, lock, opening
from jarvis_lib.store.rows import insert
from jarvis_lib.store.store import Applied, Store, fact_rows, ordered

if TYPE_CHECKING:
    import duckdb


class Rehearsal(Store):
    """A store that remembers what was stated and shows what it would do. What others have acknowledged is drained as by any reader."""

    def __init__(self, store: Store) -> None:
        super().__init__(store.home, store.settings)
        self.stated: list[Fact] = []

    def append(self, *facts: Fact) -> list[Applied]:
        """As the store's own, with nothing recorded."""
        stated = ordered(facts)
        self.stated += stated
        with self._open() as (con, _):
            return self._applied(con, stated)

    @contextmanager
    def _open(self, *, write: bool = False, snapshot: Path | None = None) -> "Iterator[tuple[duckdb.DuckDBPyConnection, list[str]]]":
        if snapshot is not None:
            raise Refused("A dry run makes no copy of the store; leave --dry-run out.")
        with super()._open():
            pass  # what others have acknowledged comes first, as at any opening
        with self._threads, lock.held(self.lock_path, wait_s=self.wait_s, what="The store"), opening.opened(self, journal.tail(self.home)) as current:
            lines, book = self._decide(current, self.stated)
            current.con.begin()
            try:
                book.flush(current.con)
                insert(current.con, "facts", fact_rows(lines))
                yield current.con, current.warnings
            finally:
                opening.roll_back(current.con)
