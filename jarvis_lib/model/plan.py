"""Plans: slots, what was left out, and a sentence for each."""

import math
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from jarvis_lib.model.fact import moment, stamp


@dataclass(frozen=True, slots=True)
class Slot:
    """A task placed in a window: aware UTC times, the lane (0, 1, …), a reason code and its sentence.

    A task that is worked in several sittings has a slot for each: `part` of `parts`.
    """

    task: str
    window: str
    start: datetime
    end: datetime
    lane: int
    code: str
    sentence: str
    part: int = 1
    parts: int = 1

    def to_json(self) -> dict[str, Any]:
        """Plain JSON with UTC stamps, as the fact of a plan carries it."""
        return {
            "task": self.task,
            "window": self.window,
            "start": stamp(self.start),
            "end": stamp(self.end),
            "lane": self.lane,
            "code": self.code,
            "sentence": self.sentence,
            "part": self.part,
            "parts": self.parts,
        }


@dataclass(frozen=True, slots=True)
class Omission:
    """A task that has no slot, and why. `reserve` marks one that dispatch may take when time is left."""

    task: str
    code: str
    sentence: str
    reserve: bool = False

    def to_json(self) -> dict[str, Any]:
        """Plain JSON, as the fact of a plan carries it."""
        return {"task": self.task, "code": self.code, "sentence": self.sentence, "reserve": self.reserve}


@dataclass(frozen=True, slots=True)
class Plan:
    """The whole answer of the planner: every open task is in exactly one of `slots` and `omissions`."""

    slots: tuple[Slot, ...]
    omissions: tuple[Omission, ...]

    @property
    def answers(self) -> list[Slot | Omission]:
        """Slots and omissions: each has its task, a code and a sentence."""
        return [*self.slots, *self.omissions]

    def to_json(self) -> dict[str, Any]:
        """Plain JSON, as the fact of a plan carries it."""
        return {"slots": [s.to_json() for s in self.slots], "omissions": [o.to_json() for o in self.omissions]}


def plan_from_json(raw: dict[str, Any]) -> Plan:
    """The plan that `Plan.to_json` wrote."""
    slots = tuple(Slot(**(s | {"start": moment(s["start"]), "end": moment(s["end"])})) for s in raw["slots"])
    return Plan(slots, tuple(Omission(**o) for o in raw["omissions"]))


USUAL = {0.1: 0.35, 0.5: 1.0, 0.8: 1.55, 0.9: 2.2}
"""actual / estimate of many people's tasks at these probabilities: what is known of a task before its person's own tasks teach more."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """Hours that a task will really take, as quantiles, and the sentence that says where they come from."""

    p10: float
    p50: float
    p80: float
    p90: float
    why: str


@dataclass(frozen=True, slots=True)
class Luck:
    """What the tasks of one night have in common, and what drawn probabilities have meant on past nights.

    `shared` is the share of the spread (of log hours) that is the night's. `shift` and `slope` are a line on the logistic scale from what was
    drawn to what came true; as they stand here they change nothing.
    """

    shared: float = 0.2
    shift: float = 0.0
    slope: float = 1.0

    def means(self, drawn: float) -> float:
        """What a drawn probability has meant; what was never or always so in the draws stays so."""
        if drawn <= 0.0 or drawn >= 1.0:
            return drawn
        inside = min(max(drawn, 0.002), 0.998)
        return 1 / (1 + math.exp(-(self.shift + self.slope * math.log(inside / (1 - inside)))))


@dataclass(frozen=True, slots=True)
class Candidate:
    """What the planner needs to know of one open task. `hours` is the estimate, `need_h` what is kept free for it (its p80).

    `resumable` tasks may be stopped and gone on with, so they may be planned in several sittings; `pinned` is the key of a window.
    """

    id: str
    title: str
    state: str
    priority: str
    category: str
    hours: float
    need_h: float
    after: tuple[str, ...]
    unfinished: tuple[str, ...]
    due: datetime | None
    added_at: datetime
    parked_why: str = ""
    changes: tuple[str, ...] = ()
    forecast: Forecast | None = None
    resumable: bool = False
    pinned: str = ""
    project: str = ""
    tags: tuple[str, ...] = ()
