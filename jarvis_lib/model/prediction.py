"""What is a prediction? A probability, with its quantiles and the simplest baseline's, that is written before the fact and scored after it."""

import hashlib
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from jarvis_lib.model.fact import canonical, stamp

LEAST_SAID = 0.10
"""Below this probability nobody is told a number or a date."""


@dataclass(frozen=True, slots=True)
class Prediction:
    """`p`: probability that it happens by `due_at`, in [0, 1]; `base`: what the simplest baseline gives for the same, None where there is none.

    `low`, `mid`, `high`: 10 %, 50 % and 90 % quantiles in `unit` ("h" = hours from `made_at` until it happens), all three or none; `base_mid`: the baseline's
    point. `predictor` is the part that made it (capacity, routine, ...), `estimator` the model behind it. `subject` names what it is about (a metric's
    key, a kind of event); one predictor says one thing of a subject for one `due_at`.
    """

    predictor: str
    estimator: str
    subject: str
    said: str
    made_at: datetime
    due_at: datetime
    p: float
    base: float | None = None
    low: float | None = None
    mid: float | None = None
    high: float | None = None
    base_mid: float | None = None
    unit: str = "h"
    detail: dict[str, Any] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """The same for the same predictor, subject, and times, so that a step that runs twice predicts once."""
        named = [self.predictor, self.subject, stamp(self.made_at), stamp(self.due_at)]
        return hashlib.sha256(canonical(named)).hexdigest()[:16]

    def to_json(self) -> dict[str, Any]:
        """Plain JSON with its id and UTC stamps, as its fact carries it."""
        return asdict(self) | {"id": self.id, "made_at": stamp(self.made_at), "due_at": stamp(self.due_at)}


@dataclass(frozen=True, slots=True)
class Score:
    """How a prediction resolved: whether it happened by its date, and the actual figure in its unit where there is one.

    `how` is "observed", or "void" when nobody could see it (a void one counts nowhere).
    """

    id: str
    happened: bool
    actual: float | None = None
    how: str = "observed"

    def to_json(self) -> dict[str, Any]:
        """Plain JSON, as its fact carries it."""
        return asdict(self)
