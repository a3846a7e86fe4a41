"""The verdict comes from what was observed, in one order: alarms, outcome, guards, questions, hollow, refuted, what nobody would have noticed."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jarvis_lib.model.evidence import MAX_ATTEMPTS, MAX_DEATHS, OUTCOMES, VERDICTS, Evidence, Verdict, evidence_from_json, expects_change, judge
from jarvis_lib.model.task import CATEGORIES, Recipe
from tests.facts import task


def seen(kind: str, ok: bool | None, said: str = "", name: str = "x", **detail: Any) -> Evidence:
    return Evidence(kind, name, ok, said or f"{kind} {ok}", detail)


GREEN, RED = seen("check", True, "it passed"), seen("check", False, "it failed")
FASTER, SLOWER = seen("measure", True, "2x faster"), seen("measure", False, "1.5x slower")
RED_BEFORE, GREEN_BEFORE = seen("check_before", False), seen("check_before", True)
CHANGED, SAME = seen("change", None, changed=True), seen("change", None, changed=False)
TRIPPED, HELD = seen("guard", False, "CI was changed"), seen("guard", True, "CI is as it was")
EXIT, BAD_EXIT = seen("exit", True, "it ended with exit 0"), seen("exit", False, "it ended with exit 3")
UNFINISHED = seen("commit", None, "what it had done is on a branch", "unfinished")
LOST, KEPT = seen("commit", False, "its commits are gone", "lost"), seen("commit", True, "one commit", "kept")
REFUSED, REFUSED_TOO = seen("denial", None, "Bash (curl)"), seen("denial", None, "Web")
ASKS, ASKS_TOO = seen("question", None, "Which port?"), seen("question", None, "And when?")
ALARM, WORSE = seen("escalation", False, "it drops a table"), seen("escalation", False, "it opens a port")
NO_ALARM = [seen("escalation", None), seen("escalation", True), HELD, seen("guard", None), seen("isolation", False), GREEN_BEFORE]
"""None of these says that anything is wrong."""

AGENT = {"recipe": Recipe("agent")}
REPO = {"repo": "/r"}
FAST = {"category": "Performance optimization"}
BUG = {"category": "Bug fixes"}
NO_CHECK = "It ended with exit 0; no check was given that would have noticed a failure."
RED_AT_FIRST = "Its checks were red before the change, so green afterwards does not show that nothing else changed."
NOT_RED = "No check was red before the fix, so green afterwards proves nothing."
LEFT_NOTHING = "It ended with exit 0, but nothing was changed in the copy of the repository."
PAUSED = "Its time was over before it was done; it goes on from there in its next window."
NO_LOGIN = "It needs a log-in that is missing."
DENIED = "A permission that it needed was denied."

FINISHED: list[tuple[dict[str, Any], list[Evidence], Verdict]] = [
    # what proves something
    ({}, [GREEN], Verdict("verified", "it passed", "shipped")),
    ({}, [FASTER], Verdict("verified", "2x faster", "shipped")),
    ({}, [GREEN, FASTER, EXIT], Verdict("verified", "2x faster; it passed", "shipped")),
    ({}, [*NO_ALARM, GREEN], Verdict("verified", "it passed", "shipped")),
    ({}, [EXIT], Verdict("unverified", NO_CHECK, "review")),
    ({}, [seen("check", None), seen("measure", None), seen("result", True)], Verdict("unverified", NO_CHECK, "review")),
    ({}, [seen("check", True, "put back and found equal", "undo tried")], Verdict("unverified", NO_CHECK, "review")),
    ({}, [seen("check", True, "undone", "undo tried"), GREEN], Verdict("verified", "undone; it passed", "shipped")),
    # what refutes: the first that failed is told, and a green one beside it helps nothing
    ({}, [GREEN, RED, SLOWER], Verdict("refuted", "it failed", "failed")),
    ({}, [FASTER, SLOWER, RED], Verdict("refuted", "1.5x slower", "failed")),
    ({}, [seen("measure_before", False), RED_BEFORE, BAD_EXIT, GREEN], Verdict("verified", "it passed", "shipped")),
    # what comes before all of it
    ({}, [ALARM, GREEN, CHANGED], Verdict("none", "Stopped and escalated: it drops a table.", "parked")),
    ({}, [ALARM, WORSE, RED, TRIPPED], Verdict("none", "Stopped and escalated: it drops a table; it opens a port.", "parked")),
    ({}, [TRIPPED, RED], Verdict("unverified", "A guard tripped: CI was changed.", "review")),
    (AGENT, [TRIPPED, seen("guard", False, "a test is gone"), ASKS], Verdict("unverified", "A guard tripped: CI was changed; a test is gone.", "review")),
    # what asks
    (AGENT, [ASKS, ASKS_TOO, GREEN], Verdict("none", "It asks: Which port? And when?", "parked")),
    (AGENT, [ASKS, SAME, REFUSED], Verdict("none", "It asks: Which port?", "parked")),
    ({"no_change_expected": True}, [ASKS, GREEN], Verdict("none", "It asks: Which port?", "parked")),
    (AGENT, [ASKS, SAME, CHANGED, GREEN], Verdict("verified", "it passed", "shipped")),
    # what is hollow
    (REPO, [GREEN], Verdict("hollow", LEFT_NOTHING, "failed")),
    (REPO, [GREEN, SAME, seen("change", None)], Verdict("hollow", LEFT_NOTHING, "failed")),
    (REPO, [GREEN, seen("diff", None, changed=True)], Verdict("hollow", LEFT_NOTHING, "failed")),
    (REPO, [RED], Verdict("hollow", LEFT_NOTHING, "failed")),
    (REPO, [KEPT, seen("check", False, name="lost"), GREEN], Verdict("hollow", LEFT_NOTHING, "failed")),
    (REPO, [KEPT, LOST, GREEN], Verdict("hollow", "It ended with exit 0, but its commits are gone.", "failed")),
    (AGENT, [LOST, GREEN], Verdict("hollow", "It ended with exit 0, but it left no file.", "failed")),
    ({"changes": ("a", "b")}, [GREEN], Verdict("hollow", "It ended with exit 0, but none of a, b changed.", "failed")),
    ({"changes": ("a", "b")}, [GREEN, SAME, CHANGED], Verdict("verified", "it passed", "shipped")),
    ({"changes": ("a",), "no_change_expected": True}, [GREEN], Verdict("verified", "it passed", "shipped")),
    ({"changes": ("a",), **REPO}, [GREEN], Verdict("hollow", "It ended with exit 0, but none of a changed.", "failed")),
    ({"changes": ("a",), **REPO}, [LOST], Verdict("hollow", "It ended with exit 0, but its commits are gone.", "failed")),
    (AGENT, [REFUSED, REFUSED_TOO, REFUSED, GREEN], Verdict("none", f"{DENIED} Refused: Bash (curl); Web. Nothing was changed.", "parked")),
    ({"no_change_expected": True, **AGENT}, [REFUSED, GREEN], Verdict("verified", "it passed", "shipped")),
    (AGENT, [REFUSED, CHANGED, RED], Verdict("refuted", "it failed", "failed")),
    # what a category asks for besides
    (FAST, [GREEN], Verdict("unverified", "A speed-up that nobody measured: give the task a --measure.", "review")),
    (FAST, [FASTER], Verdict("verified", "2x faster", "shipped")),
    (
        FAST | REPO,
        [FASTER, CHANGED],
        Verdict(
            "unverified",
            "It is faster, but nothing shows that it still gives the same: give the task a --check, or let the measure print its result.",
            "review",
        ),
    ),
    (FAST | REPO, [FASTER, GREEN, CHANGED], Verdict("verified", "2x faster; it passed", "shipped")),
    (REPO, [FASTER, CHANGED], Verdict("verified", "2x faster", "shipped")),
    (BUG, [GREEN], Verdict("unverified", NOT_RED, "review")),
    (
        BUG,
        [GREEN, GREEN_BEFORE, seen("measure_before", False)],
        Verdict("unverified", NOT_RED, "review"),
    ),
    (BUG, [GREEN, GREEN_BEFORE, RED_BEFORE], Verdict("verified", "it passed", "shipped")),
    (BUG, [GREEN, RED, RED_BEFORE], Verdict("refuted", "it failed", "failed")),
    ({"category": "Refactoring"}, [GREEN, GREEN_BEFORE, RED_BEFORE], Verdict("unverified", RED_AT_FIRST, "review")),
    ({"category": "Test coverage"}, [GREEN, RED_BEFORE], Verdict("unverified", RED_AT_FIRST, "review")),
    ({"category": "Refactoring"}, [GREEN, GREEN_BEFORE, seen("measure_before", False)], Verdict("verified", "it passed", "shipped")),
    ({"category": "Test coverage"}, [GREEN], Verdict("verified", "it passed", "shipped")),
]


@pytest.mark.parametrize(("changes", "evidence", "verdict"), FINISHED, ids=range(len(FINISHED)))
def test_what_a_finished_attempt_is_believed_for(changes: dict[str, Any], evidence: list[Evidence], verdict: Verdict) -> None:
    """To the letter: the sentence is what the brief says."""
    assert judge(task(**changes), "finished", evidence, attempt=1) == verdict
    assert judge(task(**changes), "finished", evidence, attempt=MAX_ATTEMPTS, deaths=MAX_DEATHS) == verdict, "a final verdict counts no attempts"


OTHERWISE: list[tuple[str, list[Evidence], str, str, tuple[str, ...]]] = [
    # (outcome, evidence, word, why, the states after attempt 1, 2, 3)
    ("failed", [GREEN], "none", "It failed.", ("queued", "queued", "failed")),
    ("failed", [EXIT, EXIT, BAD_EXIT, RED], "none", "it ended with exit 3", ("queued", "queued", "failed")),
    ("failed", [UNFINISHED], "none", "It failed.", ("queued", "queued", "failed")),
    ("failed", [ALARM], "none", "Stopped and escalated: it drops a table.", ("parked",) * 3),
    ("timed_out", [], "none", "It ran into its time limit.", ("queued", "queued", "failed")),
    ("timed_out", [KEPT, seen("check", None, "no commit", "unfinished")], "none", "It ran into its time limit.", ("queued", "queued", "failed")),
    ("timed_out", [UNFINISHED], "unverified", "It ran into its time limit; what it had done is on a branch", ("review",) * 3),
    ("timed_out", [EXIT, EXIT, BAD_EXIT, UNFINISHED], "unverified", "it ended with exit 3; what it had done is on a branch", ("review",) * 3),
    ("stopped", [GREEN, BAD_EXIT], "none", "You stopped the session before this attempt had ended.", ("queued", "queued", "failed")),
    ("stopped", [UNFINISHED], "unverified", "You stopped the session before this attempt had ended; what it had done is on a branch", ("review",) * 3),
    ("limited", [BAD_EXIT, GREEN, UNFINISHED], "none", "A usage limit stopped it; it goes back without a lost attempt.", ("queued",) * 3),
    ("paused", [GREEN, UNFINISHED, *NO_ALARM], "none", PAUSED, ("queued",) * 3),
    ("paused", [RED, BAD_EXIT], "none", PAUSED, ("queued",) * 3),
    ("paused", [TRIPPED, HELD, seen("guard", False, "a test is gone")], "unverified", "A guard tripped: CI was changed; a test is gone.", ("review",) * 3),
    ("no_login", [EXIT, GREEN, RED], "none", NO_LOGIN, ("parked",) * 3),
    ("no_login", [BAD_EXIT, EXIT, BAD_EXIT], "none", f"{NO_LOGIN} it ended with exit 3", ("parked",) * 3),
    ("denied", [REFUSED, REFUSED_TOO, REFUSED], "none", f"{DENIED} Refused: Bash (curl). Refused: Web.", ("parked",) * 3),
    ("denied", [REFUSED, BAD_EXIT], "none", f"{DENIED} it ended with exit 3 Refused: Bash (curl).", ("parked",) * 3),
]


@pytest.mark.parametrize(("outcome", "evidence", "word", "why", "states"), OTHERWISE, ids=[f"{i}-{c[0]}" for i, c in enumerate(OTHERWISE)])
def test_what_did_not_finish_is_told_and_goes_where_it_can_go_on(outcome: str, evidence: list[Evidence], word: str, why: str, states: tuple[str, ...]) -> None:
    """Again until the third attempt; whoever is needed for it is asked."""
    assert [judge(task(), outcome, evidence, attempt=n) for n in (1, 2, 3)] == [Verdict(word, why, state) for state in states]


@pytest.mark.parametrize(
    ("outcome", "why"),
    [("died", "The worker died before it could say how it ended."), ("abandoned", "The session died before this attempt had ended.")],
)
def test_the_second_death_parks_a_task(outcome: str, why: str) -> None:
    """It may be the killer; before that, attempts are counted as ever."""
    proved = [GREEN, CHANGED, UNFINISHED]
    states = {(n, deaths): judge(task(), outcome, proved, attempt=n, deaths=deaths) for n in (1, 2, 3) for deaths in (0, 1, 2)}
    assert {v.word for v in states.values()} == {"none"} and {v.why for v in states.values()} == {why}
    assert [states[n, 0].state for n in (1, 2, 3)] == ["queued", "queued", "failed"]
    assert {states[n, deaths].state for n in (1, 2, 3) for deaths in (1, 2)} == {"parked"}
    assert judge(task(), outcome, proved, attempt=1).state == "queued", "no death is known of"


def test_an_outcome_that_nobody_knows_is_said_as_it_stands() -> None:
    """A newer worker's word is no proof, and is not lost."""
    assert judge(task(), "vanished", [GREEN], attempt=1) == Verdict("none", "vanished", "queued")


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, False),
        ({"recipe": None}, False),
        ({"recipe": Recipe("notebook")}, False),
        (AGENT, True),
        (REPO, True),
        ({"changes": ("a",)}, True),
        ({"recipe": None, **REPO}, True),
        (AGENT | {"no_change_expected": True}, False),
        (REPO | {"changes": ("a",), "no_change_expected": True}, False),
    ],
)
def test_who_must_have_changed_something(changes: dict[str, Any], expected: bool) -> None:
    """An agent, work in a repository, a task that names paths; unless it says that a result without a change is none that is hollow."""
    assert expects_change(task(**changes)) is expected


EVIDENCE = st.builds(
    Evidence,
    kind=st.sampled_from(
        ["exit", "check", "check_before", "measure", "measure_before", "change", "guard", "commit", "denial", "question", "escalation", "isolation"]
    ),
    name=st.sampled_from(["x", "undo tried", "unfinished", "lost"]),
    ok=st.sampled_from([True, False, None]),
    said=st.sampled_from(["this", "that"]),
    detail=st.sampled_from([{}, {"changed": True}, {"changed": False}]),
)
TASKS = st.builds(
    task,
    category=st.sampled_from(CATEGORIES),
    repo=st.sampled_from(["", "/r"]),
    recipe=st.sampled_from([None, Recipe("command"), Recipe("agent")]),
    changes=st.sampled_from([(), ("a",)]),
    no_change_expected=st.booleans(),
)
ATTEMPTS = st.integers(1, MAX_ATTEMPTS + 1)


@given(one=TASKS, outcome=st.sampled_from(OUTCOMES), evidence=st.lists(EVIDENCE, max_size=6), attempt=ATTEMPTS, deaths=st.integers(0, 3))
def test_only_proved_work_ships(one: Any, outcome: str, evidence: list[Evidence], attempt: int, deaths: int) -> None:
    """Whatever was seen: finished, nothing wrong, something that would have failed did not, and what should change changed."""
    verdict = judge(one, outcome, evidence, attempt=attempt, deaths=deaths)
    assert verdict.word in VERDICTS and verdict.why
    assert (verdict.word == "verified") == (verdict.state == "shipped") and (verdict.word in ("hollow", "refuted")) <= (verdict.state == "failed")
    if verdict.state == "shipped":
        assert outcome == "finished"
        assert not any(e.ok is False for e in evidence if e.kind in ("check", "measure", "guard", "escalation"))
        assert any(e.ok and (e.kind == "measure" or (e.kind == "check" and e.name != "undo tried")) for e in evidence)
        assert not expects_change(one) or any(e.kind == "change" and e.detail.get("changed") for e in evidence)
    if verdict.state == "queued":
        assert attempt < MAX_ATTEMPTS or outcome in ("limited", "paused"), "nothing goes round for ever"


@given(one=TASKS, evidence=st.lists(EVIDENCE, max_size=6), bad=st.sampled_from([RED, SLOWER, TRIPPED, ALARM]), where=st.integers(0, 6))
def test_one_bad_observation_is_enough(one: Any, evidence: list[Evidence], bad: Evidence, where: int) -> None:
    """Wherever it stands among good ones."""
    assert judge(one, "finished", [*evidence[:where], bad, *evidence[where:]], attempt=1).state != "shipped"


@given(EVIDENCE)
def test_an_observation_survives_its_json(one: Evidence) -> None:
    """Only what it has to add may be missing; the rest is asked for by name."""
    assert evidence_from_json(one.to_json()) == one
    bare = {k: v for k, v in one.to_json().items() if k != "detail"}
    assert evidence_from_json(bare) == Evidence(one.kind, one.name, one.ok, one.said)
    for field in bare:
        with pytest.raises(KeyError, match=field):
            evidence_from_json({k: v for k, v in bare.items() if k != field})
