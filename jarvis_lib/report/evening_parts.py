"""What does an evening check-in consist of? Values only: plain text, frozen, and JSON as they are."""

from dataclasses import asdict, dataclass
from typing import Any

from jarvis_lib.report.parts import Card

SCHEMA = "jarvis.checkin/1"


@dataclass(frozen=True, slots=True)
class Turn:
    """A task of tonight: when (local), its title, and what is to be known of its end (empty: nothing)."""

    when: str
    task: str
    title: str
    said: str


@dataclass(frozen=True, slots=True)
class Offer:
    """One thing that would still fit, and the line that takes it."""

    said: str
    command: str


@dataclass(frozen=True, slots=True)
class Evening:
    """The whole check-in as values. `*_more` counts what a list leaves out; `*_said` is its sentence, also where it is empty.

    `notify` is false when there is nothing to decide and tonight is as it was planned: then the page is enough. `offers` has at most one,
    but on an empty night up to three that were put off.
    """

    kicker: str
    headline: str
    tone: str
    as_of: str
    notify: bool
    today: str
    needs: tuple[Card, ...]
    needs_more: int
    needs_said: str
    later_said: str
    tonight: tuple[Turn, ...]
    tonight_more: int
    tonight_said: str
    too_much: str
    offers: tuple[Offer, ...]

    @property
    def told(self) -> str:
        """The numbers for the index of reports, in one line."""
        return f"Tonight: {len(self.tonight) + self.tonight_more} · Need you: {len(self.needs) + self.needs_more} · {self.today}"

    def to_json(self) -> dict[str, Any]:
        """The check-in as JSON values, with its schema."""
        return {"schema": SCHEMA} | asdict(self)
