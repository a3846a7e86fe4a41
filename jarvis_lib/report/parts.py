"""What does a brief consist of? Values only: each is frozen, holds plain text and numbers, and goes into JSON as it is.

Times in here are already said for people, on the local clock; `Brief.as_of` and `Brief.since` keep the moment itself (ISO 8601 with offset).
"""

from dataclasses import asdict, dataclass
from typing import Any

SCHEMA = "jarvis.brief/1"


PAGES = {
    "problem_predictor": "Problems",
    "pattern_learner": "Patterns",
    "build_scheduler": "The plan",
    "self_improver": "Jarvis itself",
    "autonomous_queue": "The queue",
    "overnight_runner": "Sessions",
    "context_scheduler": "Context",
    "weekend_planner": "The weekend",
}
"""The components, each with the title of the page that the night makes of its notebook."""


@dataclass(frozen=True, slots=True)
class Status:
    """A sign, a word and a tone (`ok`, `bad`, `warn`, `info`); colour never stands alone."""

    sign: str
    word: str
    tone: str


@dataclass(frozen=True, slots=True)
class Link:
    """A file to look at: its label and its path below the workspace."""

    label: str
    path: str


@dataclass(frozen=True, slots=True)
class Card:
    """One decision: what, the evidence in one line, what happens without it, and the command lines to copy.

    `more` is what was cut to keep the page short, `draft` what would go out to somebody: both stand behind a fold.
    """

    title: str
    kind: str
    what: str
    evidence: str
    do_nothing: str
    commands: tuple[str, ...]
    more: str = ""
    draft: str = ""


@dataclass(frozen=True, slots=True)
class RanRow:
    """One build that was tried: its status, the proof, the time against the plan, and where to look."""

    task: str
    title: str
    status: Status
    proof: tuple[str, ...]
    time: str
    seconds: float
    planned_hours: float
    attempt: int
    accepted: str
    measured: bool
    isolation: str
    links: tuple[Link, ...]
    commands: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FixRow:
    """One run of a playbook: what it did, what its check said, when the check a day later is due (empty when it was), how to undo it.

    `fresh` is false for a fix of an earlier span whose check fell into this one.
    """

    status: Status
    said: str
    check: str
    watching: str
    undo: str
    fresh: bool = True


@dataclass(frozen=True, slots=True)
class ProblemRow:
    """An open problem: what, how probable, and what could be done."""

    what: str
    status: Status
    suggested: str


@dataclass(frozen=True, slots=True)
class PlanRow:
    """A task with its place: when (local), its title, the sentence that explains the place, and when it will have ended (p50 and p80)."""

    when: str
    task: str
    title: str
    sentence: str
    ends: str = ""


@dataclass(frozen=True, slots=True)
class Number:
    """A count against its goal: the last 24 hours and the last 7 days, each beside the goal of that span."""

    name: str
    day: str
    day_goal: str
    week: str
    week_goal: str


@dataclass(frozen=True, slots=True)
class DayBar:
    """One day: run hours of work that was accepted, that is ready, and that had no result. None: the store holds nothing of that day, or it is to come."""

    when: str
    accepted: float | None
    ready: float | None
    fruitless: float | None

    @property
    def total(self) -> float:
        """Hours of the whole bar; what is unknown adds nothing."""
        return (self.accepted or 0.0) + (self.ready or 0.0) + (self.fruitless or 0.0)


@dataclass(frozen=True, slots=True)
class LaneBar:
    """A place on a lane: hours from the begin of what is drawn, hours long."""

    lane: int
    start: float
    hours: float
    title: str


@dataclass(frozen=True, slots=True)
class NightBars:
    """Today and tonight as they are drawn: hours in all, lanes, local times along them (hours from the begin), and the places."""

    hours: float
    lanes: int
    ticks: tuple[tuple[float, str], ...]
    bars: tuple[LaneBar, ...]


@dataclass(frozen=True, slots=True)
class NewsRow:
    """One thing that was learned, built ahead, suggested or measured, and the line that answers it."""

    status: Status
    said: str
    command: str


@dataclass(frozen=True, slots=True)
class SystemLine:
    """One fact about the machinery: is it what the brief relies on?"""

    name: str
    said: str
    tone: str


@dataclass(frozen=True, slots=True)
class Brief:
    """The whole morning page as values. `*_more` counts what a list leaves out; `*_said` is the sentence where a list is empty."""

    kicker: str
    headline: str
    line: str
    tone: str
    good: bool
    greeting: str
    as_of: str
    since: str
    needs: tuple[Card, ...]
    needs_more: int
    needs_said: str
    shipped: tuple[RanRow, ...]
    shipped_more: int
    not_shipped: tuple[RanRow, ...]
    not_shipped_more: int
    running: tuple[PlanRow, ...]
    ran_said: str
    fixes: tuple[FixRow, ...]
    fixes_more: int
    problems: tuple[ProblemRow, ...]
    problems_more: int
    problems_said: str
    plan: tuple[PlanRow, ...]
    plan_more: int
    plan_said: str
    tonight_said: str
    omissions: tuple[str, ...]
    omissions_more: int
    numbers: tuple[Number, ...]
    numbers_said: tuple[str, ...]
    system: tuple[SystemLine, ...]
    pages: tuple[tuple[str, str], ...] = ()
    news: tuple[NewsRow, ...] = ()
    news_more: int = 0
    days: tuple[DayBar, ...] = ()
    band: tuple[float, float] = (0.0, 0.0)
    night: NightBars | None = None

    @property
    def told(self) -> str:
        """The numbers for the index of reports, in one line."""
        return " · ".join(f"{n.name}: {n.day}" for n in self.numbers)

    def to_json(self) -> dict[str, Any]:
        """The brief as JSON values, with its schema."""
        return {"schema": SCHEMA} | asdict(self)
