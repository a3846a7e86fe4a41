"""What does a weekly review consist of? Values only: plain text and numbers, frozen, and JSON as they are."""

from dataclasses import asdict, dataclass
from typing import Any

from jarvis_lib.report.parts import DayBar, Status
from jarvis_lib.report.weekend_parts import WeekRow

SCHEMA = "jarvis.review/1"


@dataclass(frozen=True, slots=True)
class Guard:
    """A figure that keeps a goal honest: this week, the median of the 4 weeks before, and whether it is worse than that by more than a quarter."""

    name: str
    said: str
    median: str
    is_worse: bool


@dataclass(frozen=True, slots=True)
class Score:
    """How good something foretold was: what it is, how many cases, what was said of it and what came."""

    name: str
    n: int
    said: str


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of work with its record, what that means, and whether it moved this week."""

    name: str
    said: str
    means: str
    moved: str


@dataclass(frozen=True, slots=True)
class Fate:
    """Something that held, came back or was undone this week."""

    status: Status
    said: str
    when: str


@dataclass(frozen=True, slots=True)
class Review:
    """The whole page as values. `*_more` counts what a list leaves out; `*_said` is its sentence, also where it is empty."""

    kicker: str
    headline: str
    line: str
    tone: str
    as_of: str
    week: str
    goals: tuple[WeekRow, ...]
    goals_said: tuple[str, ...]
    days: tuple[DayBar, ...]
    band: tuple[float, float]
    guards: tuple[Guard, ...]
    guards_said: str
    calibration: tuple[Score, ...]
    calibration_said: str
    precision: tuple[Score, ...]
    precision_said: str
    trust: tuple[Kind, ...]
    trust_more: int
    trust_said: str
    held: tuple[Fate, ...]
    held_more: int
    undone: tuple[Fate, ...]
    undone_more: int
    fate_said: str

    @property
    def told(self) -> str:
        """The numbers for the index of reports, in one line."""
        return " · ".join(f"{r.name}: {r.said}" for r in self.goals[:3])

    def to_json(self) -> dict[str, Any]:
        """The review as JSON values, with its schema."""
        return {"schema": SCHEMA} | asdict(self)
