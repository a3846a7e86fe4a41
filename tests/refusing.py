"""A book without a file for tests of what the ledger refuses: a refused fact leaves every row as it was."""

import copy
from datetime import datetime
from typing import Any

import pytest

from jarvis_lib.model.fact import Fact, Refused
from jarvis_lib.model.ledger import apply, derive
from jarvis_lib.store.place import Place
from jarvis_lib.store.rows import Rows


class Ledger:
    """Facts are applied with all that follows from them; `refuses` says that one is not, and that nothing has changed."""

    def __init__(self, place: Place) -> None:
        self.place, self.rows, self.now = place, Rows(None), place.now()

    def fact(self, kind: str, /, *, by: str = "person:test", at: datetime | None = None, **data: Any) -> Fact:
        return self.place.fact(kind, actor=by, at=at, **data)

    def write(self, *facts: Fact) -> None:
        for fact in facts:
            apply(self.rows, fact)
            self.write(*derive(self.rows, fact, self.place.settings.policy))

    def row(self, table: str, key: str) -> dict[str, Any]:
        found = self.rows.get(table, key)
        assert found is not None
        return found

    def refuses(self, said: str, fact: Fact) -> None:
        """Rules look first and change last."""
        before = copy.deepcopy((self._kept(), self.rows._added))
        with pytest.raises(Refused, match=said):
            apply(self.rows, fact)
        assert self._kept() == before[0]
        assert {t: r for t, r in self.rows._added.items() if r} == {t: r for t, r in before[1].items() if r}

    def _kept(self) -> dict[str, dict[str, Any]]:
        found = {table: {key: row for key, row in rows.items() if row is not None} for table, rows in self.rows._rows.items()}
        return {table: rows for table, rows in found.items() if rows}
