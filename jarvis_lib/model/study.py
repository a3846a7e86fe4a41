"""What does one analytic step of the night hand back? What it says, the frames that its notebook shows, and the facts that the session is to write.

A component's notebook reads a snapshot and cannot write; its study is a file, and the session checks it and writes its facts.
"""

import json
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from jarvis_lib.model.fact import Refused, moment, stamp

MAY_WRITE = {
    "problem_predictor": ("prediction.made", "prediction.scored", "problem.found", "problem.gone"),
    "pattern_learner": ("prediction.made", "prediction.scored", "pattern.learned", "pattern.retired", "pattern.suggested", "pattern.settled", "task.added"),
    "build_scheduler": ("plan.made",),
    "self_improver": ("weakness.found", "weakness.closed", "improvement.proposed", "improvement.measured"),
}
"""The facts that a component's study may hand to the session; any other is refused whole."""


@dataclass(frozen=True, slots=True)
class Study:
    """One run of a component's notebook. `facts` are (kind, data) pairs in the order of writing; `frames` are rows by name, as JSON."""

    component: str
    as_of: datetime
    seed: int
    said: str
    facts: tuple[tuple[str, dict[str, Any]], ...] = ()
    frames: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    def to_text(self) -> str:
        """The file's content. Raises ValueError for a figure that JSON does not have (NaN)."""
        raw = {"schema": "jarvis.study/1", "component": self.component, "as_of": stamp(self.as_of), "seed": self.seed, "said": self.said}
        return json.dumps(raw | {"facts": [list(f) for f in self.facts], "frames": self.frames}, allow_nan=False)


def read_study(content: str, component: str, *, as_of: datetime, seed: int) -> Study:
    """The study in `content`. Raises Refused when it is not one of `component` at this moment and seed, or wants to write what it may not."""
    try:
        raw = json.loads(content)
        own = Study(raw["component"], moment(raw["as_of"]), raw["seed"], str(raw["said"]), tuple((k, dict(d)) for k, d in raw["facts"]), raw["frames"])
    except (ValueError, KeyError, TypeError) as error:
        raise Refused(f"The study of {component} cannot be read ({type(error).__name__}: {error}); nothing of it was stored.") from error
    if (own.component, own.as_of, own.seed) != (component, as_of, seed):
        raise Refused(f"The study says {own.component} at {stamp(own.as_of)}, not {component} at {stamp(as_of)}; nothing of it was stored.")
    wrong = sorted({kind for kind, _ in own.facts} - set(MAY_WRITE[component]))
    if wrong:
        raise Refused(f"The study of {component} wants to write {', '.join(wrong)}, which it may not; nothing of it was stored.")
    return own
