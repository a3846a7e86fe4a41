"""The policy: the category is a claim, and the stricter reading wins."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jarvis_lib.model.policy import ORDER, Policy, decide
from jarvis_lib.model.settings import BadSettings, parse, template
from jarvis_lib.model.task import CATEGORIES, Check, Recipe
from tests.facts import task

POLICY = parse(template()).policy


@pytest.mark.parametrize(
    ("changes", "verdict"),
    [
        ({}, "auto"),
        ({"category": "Performance optimization"}, "auto"),
        ({"category": "Bug fixes"}, "auto"),
        ({"category": "Test coverage"}, "auto"),
        ({"category": "Test coverage", "checks": ()}, "ask"),
        ({"category": "Refactoring", "checks": ()}, "ask"),
        ({"category": "New features"}, "ask"),
        ({"category": "External actions"}, "ask"),
        ({"category": "Research/analysis"}, "ask"),
        ({"category": "API integrations"}, "ask"),
        ({"category": "User-facing changes"}, "ask"),
        ({"category": "Infrastructure"}, "ask"),
        ({"category": "Infrastructure", "title": "Rotate the logs", "recipe": None}, "auto"),
        ({"category": "Infrastructure", "title": "Verify the backups", "recipe": None}, "auto"),
        ({"category": "Infrastructure", "title": "Rotate the logs", "recipe": Recipe("command", shell="rm -rf /var/log")}, "escalate"),
        ({"title": "Fix the security hole in login"}, "escalate"),
        ({"description": "then drop table users"}, "escalate"),
        ({"title": "A breaking change of the API"}, "escalate"),
        ({"cost": 10.5}, "escalate"),
        ({"cost": 10.0}, "auto"),
        ({"title": "Email the newsletter to customers"}, "ask"),
        ({"recipe": Recipe("command", argv=("git", "push", "origin"))}, "ask"),
        ({"recipe": Recipe("command", shell="curl -d @x http://example.org")}, "ask"),
        ({"recipe": Recipe("command", shell="sudo systemctl restart nginx")}, "ask"),
        ({"checks": (Check("rm -rf build"),)}, "escalate"),
    ],
)
def test_what_may_run(changes: dict[str, object], verdict: str) -> None:
    """A table of readings."""
    decision = decide(task(**changes), POLICY)
    assert decision.verdict == verdict
    assert decision.reasons and decision.rule


@given(
    category=st.sampled_from(CATEGORIES),
    auto=st.sets(st.sampled_from(CATEGORIES)),
    fewer=st.sets(st.sampled_from(CATEGORIES)),
    title=st.sampled_from(["Write", "Rotate logs", "Email the team", "Fix security", "Add a new feature"]),
    cost=st.sampled_from([None, 1.0, 20.0]),
)
def test_a_stricter_policy_never_allows_more(category: str, auto: set[str], fewer: set[str], title: str, cost: float | None) -> None:
    """Taking categories out of auto, or lowering the limit, can only make a decision stricter."""
    one = task(title, category=category, cost=cost)
    loose = decide(one, Policy(tuple(sorted(auto)), (), (), 10.0))
    strict = decide(one, Policy(tuple(sorted(auto - fewer)), (), (), 0.5))
    assert ORDER.index(strict.verdict) >= ORDER.index(loose.verdict)


def test_the_hash_names_the_policy() -> None:
    """Another rule is another hash; the same rules are the same hash."""
    assert parse(template()).policy.hash == POLICY.hash
    assert parse("[policy]\ncost_limit = 11\n").policy.hash != POLICY.hash


def test_the_written_template_is_the_defaults() -> None:
    """`jarvis init` writes what an empty file means."""
    assert parse(template()) == parse("")


def test_all_mistakes_of_a_file_come_at_once() -> None:
    """Each with its line and the nearest right key."""
    text = '[polcy]\n[night]\nlane = 3\nlanes = "x"\n[windows.overnight]\nstart = "25:00"\n[windows.lunch]\n[person]\nzone = "Mars/Base"\n'
    with pytest.raises(BadSettings) as caught:
        parse(text)
    said = [str(m) for m in caught.value.mistakes]
    assert [s.split(":")[0] for s in said] == [f"jarvis.toml line {n}" for n in (1, 3, 4, 6, 7, 9)]
    assert "Did you mean 'policy'?" in said[0] and "Did you mean 'lanes'?" in said[1]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[windows.quick_win]\nstart = "16:00"\nend = "23:00"\n', "overlaps"),
        ('[windows.weekend]\nend = "09:00"\n', "starts and ends"),
        ("[night]\nchecks_end_minutes_before = 30\n", "checks would end before"),
        ('[policy]\nask = ["Documentation"]\n', "both auto and ask"),
        ("[goals]\nbuilds_per_day = [3, 2]\n", "two rising numbers"),
        ("[limits]\noutput_mb = nan\n", "must be a number"),
        ("[store\n", "not valid TOML"),
        ("lanes = 3\n", "outside of a section"),
    ],
)
def test_nonsense_is_refused(text: str, said: str) -> None:
    """One clear sentence for each."""
    with pytest.raises(BadSettings, match=said):
        parse(text)
