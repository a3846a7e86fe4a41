"""What does a weekend report consist of? Values only: plain text and numbers, frozen, and JSON as they are."""

from dataclasses import asdict, dataclass
from typing import Any

from jarvis_lib.report.parts import Card, Link, Status

SCHEMA = "jarvis.weekend/1"


@dataclass(frozen=True, slots=True)
class BuildRow:
    """One task of the weekend: what it was for, whether it was accepted by its checks, the evidence, hours against plan, where to look."""

    task: str
    title: str
    goal: str
    status: Status
    result: tuple[str, ...]
    accepted: str
    hours: str
    links: tuple[Link, ...]
    commands: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class WeekRow:
    """One count of the last 7 days beside the goal of a week and the median of the 4 weeks before (None without any)."""

    name: str
    value: float
    said: str
    low: float
    high: float
    goal: str
    median: float | None
    median_said: str

    @property
    def top(self) -> float:
        """Where the bar's scale ends; what has no goal above 0 is drawn on a scale of ten, so that one alone does not look like everything."""
        if self.high == 0:
            return max(10.0, self.value, self.median or 0.0)
        return max(self.value, self.high, self.median or 0.0) * 1.08 or 1.0


@dataclass(frozen=True, slots=True)
class Dot:
    """One finished task: hours planned and taken; `new` when it is of this weekend."""

    title: str
    planned: float
    took: float
    new: bool


@dataclass(frozen=True, slots=True)
class NightRow:
    """One coming night: how much of its lane hours the plan books."""

    when: str
    booked: float
    hours: float

    @property
    def share(self) -> float:
        """Booked share, 0 to 1."""
        return self.booked / self.hours if self.hours else 0.0


@dataclass(frozen=True, slots=True)
class WeekendReport:
    """The whole page as values. `*_more` counts what a list leaves out; `*_said` is its sentence, also where it is empty."""

    kicker: str
    headline: str
    line: str
    tone: str
    as_of: str
    weekend: str
    needs: tuple[Card, ...]
    needs_more: int
    needs_said: str
    builds: tuple[BuildRow, ...]
    builds_more: int
    builds_said: str
    week: tuple[WeekRow, ...]
    week_said: tuple[str, ...]
    dots: tuple[Dot, ...]
    estimates_said: str
    learned: tuple[str, ...]
    patterns_said: str
    nights: tuple[NightRow, ...]
    late: tuple[str, ...]
    late_more: int
    next_said: str
    not_done: tuple[str, ...]
    not_done_more: int
    not_done_said: str

    @property
    def told(self) -> str:
        """The numbers for the index of reports, in one line."""
        return " · ".join(f"{r.name}: {r.said}" for r in self.week)

    def to_json(self) -> dict[str, Any]:
        """The report as JSON values, with its schema."""
        return {"schema": SCHEMA} | asdict(self)
