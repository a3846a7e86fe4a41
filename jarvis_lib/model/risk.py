"""How risky is a fix, and may it run alone? low = alone, medium and high = after the person's word, critical = told only.

A playbook has a tier of its own. How much it would touch (bytes, files, repositories, services) can raise it and never lowers it; so can a
problem that came back after its fixes.
"""

from dataclasses import dataclass
from datetime import timedelta

from jarvis_lib.model.prose import plural, size

TIERS = ("low", "medium", "high", "critical")
FLAPS, FLAP_SPAN = 2, timedelta(days=14)
"""A problem that came back so often within this span after it was fixed is asked about."""
_GB = 1 << 30


@dataclass(frozen=True, slots=True)
class Blast:
    """What a fix touches at most."""

    bytes: int = 0
    files: int = 0
    repositories: int = 0
    services: int = 0

    def said(self) -> str:
        """`3.4 MB in 12 files`, `1 service`; what is zero is left out."""
        held = [size(self.bytes)] if self.bytes else []
        held += [plural(self.files, "file")] if self.files else []
        others = [plural(self.repositories, "repository", "repositories")] if self.repositories else []
        others += [plural(self.services, "service")] if self.services else []
        return ", ".join([*([" in ".join(held)] if held else []), *others]) or "no file"


_MOST = {"low": Blast(_GB, 1000, 1, 0), "medium": Blast(10 * _GB, 20_000, 3, 1), "high": Blast(100 * _GB, 200_000, 10, 3)}
"""The most that a fix of each tier may touch."""


def tier_of(own: str, blast: Blast, *, came_back: int) -> tuple[str, str]:
    """(tier, why it is higher than the playbook's own one, or nothing)."""
    reached = next((t for t in TIERS[:-1] if _fits(blast, _MOST[t])), TIERS[-1])
    why = f"it touches {blast.said()}" if TIERS.index(reached) > TIERS.index(own) else ""
    tier = max(own, reached, key=TIERS.index)
    if came_back >= FLAPS and tier == "low":
        return "medium", f"it came back {came_back} times in {FLAP_SPAN.days} days after a fix, so a fix alone does not cure it"
    return tier, why


def _fits(one: Blast, most: Blast) -> bool:
    return all(getattr(one, part) <= getattr(most, part) for part in ("bytes", "files", "repositories", "services"))
