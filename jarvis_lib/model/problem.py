"""Problems and fixes: something wrong or predicted, and a playbook's change with its check and its undo."""

from dataclasses import asdict, dataclass, field
from datetime import timedelta
from typing import Any

WATCH = timedelta(hours=24)
"""A fix counts as held when the same check is green again at least so long afterwards."""
KEPT = timedelta(days=7)
"""What a fix took away is kept so long; then the trash is emptied, and the fix cannot be undone any more."""


@dataclass(frozen=True, slots=True)
class Problem:
    """`key` is stable (`oversized_log:logs/app.log`), so the same problem is one row however often it is seen.

    `probability` is of it being or becoming real (1.0 = observed now); `safe` says that a playbook may fix it alone; `blast` says whom it hurts.
    """

    key: str
    kind: str
    subject: str
    what: str
    evidence: dict[str, Any]
    probability: float
    severity: str
    suggested: str
    safe: bool
    blast: str = ""

    def to_json(self) -> dict[str, Any]:
        """Plain JSON, as its fact carries it."""
        return asdict(self)


PREDICTED = ("crossing", "unusual")
"""Kinds of problems that come from a forecast or an alarm, and not from a number that is over its limit now. Their subject is a metric's key."""


def is_another_incident(old: dict[str, Any], since: str, *, at: str) -> bool:
    """Whether an alarm that began at `since` is another incident than the row's, which was last touched at `at` (all ISO 8601, UTC)."""
    return bool(since) and since > at and since != old.get("since")


@dataclass(frozen=True, slots=True)
class Fix:
    """One run of a playbook. `verified` is its own check right after; `undo` is what puts the old state back.

    `tier` is the risk it ran under. `watch` is what the check a day later compares with: the number before, and which services were green.
    """

    problem: str
    playbook: str
    said: str
    verified: bool
    check: str
    undo: dict[str, Any] = field(default_factory=dict)
    tier: str = "low"
    watch: dict[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Plain JSON, as its fact carries it."""
        return asdict(self)
