"""May a problem's playbook run alone, must the person say so, or is it only told? By the playbook's tier, what it would touch, and what came back."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from jarvis_lib.execution.fixes.playbooks import PLAYBOOKS
from jarvis_lib.model.book import Row
from jarvis_lib.model.risk import FLAP_SPAN, tier_of


def is_small(kind: str, evidence: dict[str, Any]) -> bool:
    """Whether the playbook for this kind may run alone on this evidence, as far as the blast radius tells."""
    return tier(kind, evidence, came_back=0)[0] == "low"


def tier(kind: str, evidence: dict[str, Any], *, came_back: int) -> tuple[str, str]:
    """(low, medium, high or critical; why it was raised, or nothing). What no playbook answers is critical: it is told only."""
    playbook = PLAYBOOKS.get(kind)
    return tier_of(playbook.tier, playbook.blast(evidence), came_back=came_back) if playbook else ("critical", "no playbook answers it")


def stands_at(problem: Row, fixes: Iterable[Row], *, now: datetime) -> tuple[str, str]:
    """The same for a known problem: how often its fixes did not hold counts, and one that was taken back since it made things worse."""
    own = [f for f in fixes if f["problem"] == problem["key"]]
    recurs = problem["kind"] in PLAYBOOKS and PLAYBOOKS[problem["kind"]].recurs
    since = now - FLAP_SPAN
    times = [f["checked_at"] if f["held"] is False else None if recurs else f["came_back_at"] for f in own]
    found, why = tier(problem["kind"], problem["evidence"], came_back=sum(t is not None and t > since for t in times))
    worse = next((f for f in own if f["undone_by"] == "watch" and f["undone_at"] > since), None)
    if found == "low" and worse is not None:
        return "medium", f"its last fix was taken back by itself: {worse['undone_why']}"
    return found, why
