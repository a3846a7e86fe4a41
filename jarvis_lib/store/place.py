"""Where a component works: the folder, its settings, its zone, who acts and what time it is. Handed in, never looked up."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from jarvis_lib.model.fact import Fact, new_id
from jarvis_lib.model.settings import Settings

if TYPE_CHECKING:
    from jarvis_lib.store.store import Store


@dataclass(frozen=True)
class Place:
    """One workspace as its components see it. `clock` gives aware UTC; `actor` signs the facts."""

    home: Path
    settings: Settings
    zone: ZoneInfo
    actor: str
    clock: Callable[[], datetime]

    def now(self) -> datetime:
        """Aware UTC, from the clock that was handed in."""
        return self.clock()

    @cached_property
    def store(self) -> "Store":
        """The one store of this place, made when first asked for; nothing is opened by that."""
        from jarvis_lib.store.store import Store

        return Store(self.home, self.settings)

    def fact(self, kind: str, /, *, actor: str | None = None, at: datetime | None = None, **data: Any) -> Fact:
        """A new fact of this place, signed by its actor (or `actor`), stated now (or `at`)."""
        return Fact(new_id(16), at or self.now(), actor or self.actor, kind, data)
