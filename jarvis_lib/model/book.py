"""Through what do the rules see the rows? A book of tables, whoever keeps them: the store, or a rebuild from the first fact."""

from typing import Any, Protocol

Row = dict[str, Any]


class Book(Protocol):
    """The rows as the rules see them. `get` returns a copy that is written back with `put`."""

    def get(self, table: str, key: str) -> Row | None:
        """The row of that key, or None."""

    def put(self, table: str, row: Row) -> None:
        """Keep the row: in place of its elder where the ledger's KEYS name the table, else as one more."""

    def where(self, table: str, column: str, value: Any) -> list[Row]:
        """Every row whose column equals the value (None finds the empty ones), by key; only of tables in those KEYS."""
