"""How risky is a fix: what it touches at most, and how often the problem came back."""

import pytest

from jarvis_lib.model.risk import Blast, tier_of

GB = 1024**3
MOST = {"low": Blast(GB, 1000, 1, 0), "medium": Blast(10 * GB, 20_000, 3, 1), "high": Blast(100 * GB, 200_000, 10, 3)}
"""As docs/AUTONOMOUS_OPERATIONS.md says it."""
MORE = {
    "low": [Blast(bytes=GB + 1), Blast(files=1001), Blast(repositories=2), Blast(services=1)],
    "medium": [Blast(bytes=10 * GB + 1), Blast(files=20_001), Blast(repositories=4), Blast(services=2)],
    "high": [Blast(bytes=100 * GB + 1), Blast(files=200_001), Blast(repositories=11), Blast(services=4)],
}


@pytest.mark.parametrize(("tier", "over"), [("low", "medium"), ("medium", "high"), ("high", "critical")])
def test_each_tier_ends_where_it_says(tier: str, over: str) -> None:
    """All of its most together is still within; one more of any part is the next tier, and says what it touches."""
    assert tier_of("low", MOST[tier], came_back=0)[0] == tier
    assert [tier_of("low", blast, came_back=0) for blast in MORE[tier]] == [(over, f"it touches {blast.said()}") for blast in MORE[tier]]


def test_a_playbooks_own_tier_needs_no_reason_and_is_never_lowered() -> None:
    """Touching as much as the tier allows raises nothing."""
    assert tier_of("high", Blast(), came_back=9) == ("high", "")
    assert tier_of("medium", MOST["medium"], came_back=0) == ("medium", "")
    assert tier_of("medium", MOST["high"], came_back=0)[0] == "high"


def test_what_came_back_twice_is_asked_about() -> None:
    """Once may be chance; and only what would have run alone is raised for it."""
    why = "it came back 2 times in 14 days after a fix, so a fix alone does not cure it"
    assert [tier_of("low", Blast(), came_back=n) for n in (0, 1, 2)] == [("low", ""), ("low", ""), ("medium", why)]
    assert tier_of("low", Blast(files=1001), came_back=2) == ("medium", "it touches 1,001 files")


@pytest.mark.parametrize(
    ("blast", "said"),
    [
        (Blast(), "no file"),
        (Blast(bytes=1), "1 B"),
        (Blast(files=1), "1 file"),
        (Blast(3_565_158, 12), "3.4 MB in 12 files"),
        (Blast(repositories=1), "1 repository"),
        (Blast(repositories=2, services=1), "2 repositories, 1 service"),
        (Blast(2048, 1, 1, 2), "2.0 KB in 1 file, 1 repository, 2 services"),
    ],
)
def test_what_a_fix_touches_is_said_without_what_it_does_not(blast: Blast, said: str) -> None:
    assert blast.said() == said
