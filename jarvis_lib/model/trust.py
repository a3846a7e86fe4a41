"""Has work of this kind earned that it is not asked about any more? A measured record, a cautious bound, and the person's own word.

Kind = category, repository and recipe together. Only what Jarvis verified and the person then accepted speaks for it; what was refuted, undone or
escalated speaks against it. The share is read at its lower bound (Wilson, 95 %), so a short record proves little however good it is.
"""

from dataclasses import dataclass
from datetime import datetime
from math import sqrt

from jarvis_lib.model.prose import plural
from jarvis_lib.model.task import Task

NEVER = ("External actions", "Config changes", "API integrations")
"""Categories that no record widens: what they do cannot be taken back, or reaches outside this machine."""
_Z = 1.959964


@dataclass(frozen=True, slots=True)
class Terms:
    """`[trust]` when it is on: at least so many accepted results, and this lower bound of their share."""

    least: int
    bound: float


@dataclass(frozen=True, slots=True)
class Record:
    """What became of the work of one kind. `widened_at` is None until the person widens it, and again after one bad night."""

    key: str
    category: str
    repo: str
    recipe: str
    verified: int = 0
    accepted: int = 0
    undone: int = 0
    refuted: int = 0
    escalated: int = 0
    widened_at: datetime | None = None
    narrowed_at: datetime | None = None
    why: str = ""

    @property
    def bad(self) -> int:
        """How often it went wrong: undone, refuted or escalated."""
        return self.undone + self.refuted + self.escalated

    @property
    def n(self) -> int:
        """How many count, for and against."""
        return self.accepted + self.bad

    @property
    def bound(self) -> float:
        """The lower bound of the share of good results."""
        return wilson(self.accepted, self.n)

    def said(self) -> str:
        """The record in one sentence without its end."""
        parts = [f"{self.accepted} of {plural(self.n, 'result')} verified and accepted", f"lower bound {self.bound:.2f}"]
        against = [f"{count} {word}" for count, word in ((self.undone, "undone"), (self.refuted, "refuted"), (self.escalated, "escalated")) if count]
        return ", ".join([*parts, *against])


def wilson(good: int, n: int) -> float:
    """The lower end of Wilson's 95 % interval for a share of `good` out of `n`; 0 for nothing."""
    if good <= 0:
        return 0.0
    share = good / n
    middle = share + _Z * _Z / (2 * n)
    spread = _Z * sqrt(share * (1 - share) / n + _Z * _Z / (4 * n * n))
    return max((middle - spread) / (1 + _Z * _Z / n), 0.0)


def kind_of(task: Task) -> tuple[str, str, str]:
    """(category, repository, recipe) of a task; a recipe is notebook, command, or `agent` with its name."""
    recipe = task.recipe
    word = "none" if recipe is None else f"agent {recipe.agent}".strip() if recipe.kind == "agent" else recipe.kind
    return task.category, task.repo, word


def key_of(category: str, repo: str, recipe: str) -> str:
    """What names a record in the store and on the command line."""
    return f"{category} | {recipe} | {repo or 'workspace'}"


def missing(record: Record, terms: Terms) -> str:
    """What the record still lacks to be relied on, or an empty string."""
    if record.accepted < terms.least:
        return f"{plural(terms.least - record.accepted, 'more accepted result')} needed"
    if record.bound < terms.bound:
        return f"its lower bound is {record.bound:.2f}, and {terms.bound:.2f} is needed"
    return ""


def trusted(record: Record | None, terms: Terms | None) -> str:
    """Why work of this kind runs without asking, as the end of a sentence; empty where it does not."""
    if record is None or terms is None or record.widened_at is None or record.category in NEVER or missing(record, terms):
        return ""
    return f"you widened {record.category} of this kind on {record.widened_at:%Y-%m-%d}, and its record holds ({record.said()})"
