"""What the ledger refuses of what was learned, measured and suggested: nobody makes the figures of Jarvis better than they are."""

from datetime import timedelta
from typing import Any

import pytest

from jarvis_lib.model.improver_rules import QUIET, improvement_id, may_change
from jarvis_lib.store.place import Place
from tests.facts import added, task
from tests.refusing import Ledger

EDIT = {"section": "windows.quick_win", "key": "on", "old": True, "new": False}
TASK = {"title": "Look at the slow queue", "description": "", "category": "Documentation"}
WEAKNESS = {"key": "slow", "measure": "timing", "subject": "list", "severity": "high", "digest": "d", "said": "It is slow", "n": 30}
WEAKNESS |= {"value": 2.0, "low": 1.5, "high": 2.5, "healthy": {}, "trend": [], "test": {}, "evidence": []}
PATTERN = {
    "id": "p1",
    "kind": "weekly",
    "title": "Report on Mondays",
    "when": "Mon",
    "said": "Every Monday",
    "n": 19,
    "occasions": 20,
    "low": 0.85,
    "base_rate": 0.1,
}
PROBLEM = {"key": "big log", "kind": "log", "subject": "app.log", "severity": "low", "said": "It is big", "evidence": {}, "playbook": "rotate", "blast": ""}


@pytest.fixture
def ledger(place: Place) -> Ledger:
    made = Ledger(place)
    made.write(made.fact("weakness.found", weakness=WEAKNESS))
    return made


def improvement(kind: str = "setting", change: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    own = {"id": improvement_id("slow", kind, "x"), "weakness": "slow", "kind": kind, "measure": "timing", "subject": "list"}
    return own | {"title": "Turn it off", "why": "It is slow", "change": EDIT if change is None else change} | more


# --- self_improver -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", ["quick", None, True, -1, float("nan"), float("inf"), 24 * 3600 * 1000 + 1])
def test_a_duration_is_a_number_of_milliseconds_within_a_day(ledger: Ledger, value: Any) -> None:
    ledger.refuses("milliseconds|A duration is from 0", ledger.fact("op.timed", op="list", ms=value))


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("op.timed", {"op": " \n", "ms": 1}),
        ("call.failed", {"api": "", "error": "no"}),
        ("call.failed", {"api": "mail", "error": "\x1b"}),
        ("correction.noted", {"topic": "", "said": "no"}),
        ("brief.read", {"kind": ""}),
    ],
)
def test_what_is_noted_has_a_name(ledger: Ledger, kind: str, data: dict[str, Any]) -> None:
    ledger.refuses("is empty; say which it was", ledger.fact(kind, **data))


@pytest.mark.parametrize("kind", ["correction.noted", "brief.read"])
def test_only_a_person_corrects_and_reads(ledger: Ledger, kind: str) -> None:
    ledger.refuses("Only a person (corrects|reads)", ledger.fact(kind, by="session:s1", topic="x", said="y", kind="morning"))


def test_a_weakness_has_figures_that_are_numbers_and_is_closed_once(ledger: Ledger) -> None:
    ledger.refuses("malformed: ValueError figure", ledger.fact("weakness.found", weakness=WEAKNESS | {"value": float("inf")}))
    ledger.refuses("There is no weakness 'other'", ledger.fact("weakness.closed", key="other", said="gone"))
    ledger.write(ledger.fact("weakness.closed", key="slow", said="gone"), ledger.fact("weakness.closed", key="slow", said="twice"))
    row = ledger.row("weaknesses", "slow")
    assert (row["state"], row["closed_said"], row["times"]) == ("closed", "gone", 1)
    ledger.write(ledger.fact("weakness.found", weakness=WEAKNESS | {"value": None, "low": None, "high": None}))
    row = ledger.row("weaknesses", "slow")
    assert (row["state"], row["closed_at"], row["times"], row["value"]) == ("open", None, 2, None)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"section": "policy", "key": "ask", "old": [], "new": []}, "is yours alone"),
        ({"section": "night", "key": "lanes", "old": 3, "new": 9}, "is yours alone"),
        ({"section": "night", "key": "reserve", "old": 1, "new": 9}, "may only become a number from 1 to 5"),
        ({"section": "night", "key": "reserve", "old": 1, "new": True}, "may only become"),
        ({"section": "windows.weekend", "key": "on", "old": False, "new": True}, "may only become false"),
        ({"section": "predictors", "key": "off", "old": ["disk"], "new": ["logs", "disk"]}, "may only become one more name"),
        ({"section": "predictors", "key": "off", "old": [], "new": "disk"}, "may only become one more name"),
        ({"section": "predictors", "key": "off", "old": [], "new": ["a b"]}, "may only become one more name"),
    ],
)
def test_a_setting_that_is_not_on_the_short_list_is_never_proposed(ledger: Ledger, change: dict[str, Any], said: str) -> None:
    ledger.refuses(f"never done: .*{said}", ledger.fact("improvement.proposed", improvement=improvement(change=change)))


def test_what_is_on_the_short_list_may_be_proposed() -> None:
    assert may_change("night", "reserve", 1, 1.5) == may_change("predictors", "off", ["disk"], ["disk", "logs"]) == may_change(**EDIT) == ""


@pytest.mark.parametrize(
    ("own", "said"),
    [
        (improvement("miracle"), "ValueError kind 'miracle'"),
        (improvement("task", EDIT), "ValueError change of a task"),
        (improvement("task", {"title": "x"}), "ValueError change of a task"),
    ],
)
def test_a_suggestion_that_is_malformed_is_no_row(ledger: Ledger, own: dict[str, Any], said: str) -> None:
    ledger.refuses(said, ledger.fact("improvement.proposed", improvement=own))


@pytest.mark.parametrize("kind", ["weakness.found", "weakness.closed", "improvement.proposed", "improvement.measured", "improvement.reverted"])
def test_an_agent_measures_and_suggests_nothing(ledger: Ledger, kind: str) -> None:
    ledger.refuses("Only a person states", ledger.fact(kind, by="agent:codex", weakness=WEAKNESS, improvement=improvement()))


def test_a_suggestion_is_accepted_by_a_person_as_it_was_proposed(ledger: Ledger) -> None:
    own = improvement()
    ledger.write(ledger.fact("improvement.proposed", improvement=own), ledger.fact("improvement.proposed", improvement=own | {"title": "again"}))
    assert ledger.row("improvements", own["id"])["title"] == "Turn it off"
    ledger.refuses("There is no suggestion 'i0'", ledger.fact("improvement.accepted", improvement="i0", edit=EDIT))
    ledger.refuses("Only a person accepts", ledger.fact("improvement.accepted", by="session:s1", improvement=own["id"], edit=EDIT))
    ledger.refuses("ValueError what a setting has become", ledger.fact("improvement.accepted", improvement=own["id"], task="t1"))
    ledger.refuses("is refused: .*yours alone", ledger.fact("improvement.accepted", improvement=own["id"], edit=EDIT | {"section": "policy"}))
    ledger.refuses("is not what was proposed", ledger.fact("improvement.accepted", improvement=own["id"], edit=EDIT | {"section": "windows.weekend"}))
    ledger.refuses("is proposed already", ledger.fact("improvement.undone", improvement=own["id"]))
    ledger.write(ledger.fact("improvement.accepted", improvement=own["id"], edit=EDIT))
    ledger.refuses("is accepted already", ledger.fact("improvement.declined", improvement=own["id"]))
    ledger.refuses("ValueError verdict", ledger.fact("improvement.measured", improvement=own["id"], verdict="splendid"))
    ledger.refuses("has not harmed by a setting", ledger.fact("improvement.reverted", improvement=own["id"], said="back"))
    figures = {"effect": -1.0, "low": -2.0, "high": -0.5, "value_before": 1.0, "value_after": 2.0, "n_before": 20, "n_after": 20}
    ledger.write(ledger.fact("improvement.measured", improvement=own["id"], verdict="harmed", said="slower", **figures))
    ledger.write(ledger.fact("improvement.measured", improvement=own["id"], verdict="helped", said="faster", **figures))
    assert ledger.row("improvements", own["id"])["verdict"] == "harmed"
    ledger.write(ledger.fact("improvement.reverted", improvement=own["id"], said="as before"))
    assert ledger.row("improvements", own["id"])["state"] == "reverted"


def test_what_was_declined_stays_away_for_a_while(ledger: Ledger) -> None:
    own = improvement("task", TASK)
    ledger.write(ledger.fact("improvement.proposed", improvement=own), ledger.fact("improvement.declined", improvement=own["id"], said="no"))
    soon = ledger.fact("improvement.proposed", at=ledger.now + QUIET - timedelta(days=1), improvement=own)
    ledger.refuses(f"not proposed again within {QUIET.days} days", soon)
    ledger.write(ledger.fact("improvement.proposed", at=ledger.now + QUIET + timedelta(days=1), improvement=own))
    assert ledger.row("improvements", own["id"])["state"] == "proposed"


# --- pattern_learner -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("changes", [{"occasions": 2, "n": 2}, {"n": 21}, {"n": -1}, {"low": 0.05}, {"low": 1.2}, {"base_rate": 0.99}])
def test_what_came_too_rarely_is_not_learned(ledger: Ledger, changes: dict[str, Any]) -> None:
    ledger.refuses("not come often enough", ledger.fact("pattern.learned", pattern=PATTERN | changes))


def test_an_event_has_a_name_and_has_happened(ledger: Ledger) -> None:
    at = ledger.now.isoformat()
    ledger.refuses("is 1 to 200 characters", ledger.fact("event.logged", type="", when=at))
    ledger.refuses("is 1 to 200 characters", ledger.fact("event.logged", type="x" * 201, when=at))
    ledger.refuses("lies in the future", ledger.fact("event.logged", type="report", when=(ledger.now + timedelta(hours=1)).isoformat()))


def offer(ledger: Ledger, **changes: Any) -> dict[str, Any]:
    need = ledger.now + timedelta(hours=10)
    own = {"id": "s1", "pattern": "p1", "said": "It comes", "p": 0.9, "worth": 2.0, "cost": 1.0, "task": None}
    return own | {"need_at": need.isoformat(), "build_from": ledger.now.isoformat()} | changes


def test_an_offer_needs_a_learned_pattern_and_the_persons_word(ledger: Ledger) -> None:
    ledger.refuses("is not learned, so nothing is offered", ledger.fact("pattern.suggested", suggestion=offer(ledger)))
    ledger.refuses("There is no learned pattern 'p1'", ledger.fact("pattern.enabled", pattern="p1"))
    ledger.refuses("There is no learned pattern 'p1'", ledger.fact("pattern.retired", pattern="p1", why="rare"))
    ledger.write(ledger.fact("pattern.learned", pattern=PATTERN))
    ledger.refuses("Only a person says whether a pattern is enabled", ledger.fact("pattern.enabled", by="session:s1", pattern="p1"))
    ledger.refuses("malformed: ValueError probability", ledger.fact("pattern.suggested", suggestion=offer(ledger, p=1.5)))
    ledger.refuses("queues nothing by itself", ledger.fact("pattern.suggested", suggestion=offer(ledger, task="t1")))
    ledger.write(ledger.fact("pattern.suggested", suggestion=offer(ledger)))
    ledger.refuses("This was offered already", ledger.fact("pattern.suggested", suggestion=offer(ledger)))
    ledger.refuses("You were asked about", ledger.fact("pattern.suggested", suggestion=offer(ledger, id="s2")))
    ledger.refuses("There is no open suggestion 's9'", ledger.fact("pattern.settled", suggestion="s9", used=True))
    ledger.refuses("known after the need", ledger.fact("pattern.settled", suggestion="s1", used=True))
    ledger.write(ledger.fact("pattern.dismissed", pattern="p1"))
    assert ledger.row("suggestions", "s1")["state"] == "dismissed"
    ledger.refuses("it is not offered again", ledger.fact("pattern.suggested", suggestion=offer(ledger, id="s2")))
    ledger.refuses("There is no open suggestion 's1'", ledger.fact("pattern.settled", at=ledger.now + timedelta(days=1), suggestion="s1", used=True))
    ledger.write(ledger.fact("pattern.retired", pattern="p1", why="rare"))
    ledger.refuses("is retired already", ledger.fact("pattern.retired", pattern="p1", why="rare"))


def test_few_offers_are_open_at_once_and_a_weak_one_queues_nothing(ledger: Ledger) -> None:
    template = {name: value for name, value in task().to_json().items() if name != "id"}
    ledger.write(ledger.fact("pattern.learned", pattern=PATTERN | {"low": 0.7}), ledger.fact("pattern.enabled", pattern="p1", template=template))
    ledger.refuses("queues nothing by itself", ledger.fact("pattern.suggested", suggestion=offer(ledger, task="t1")))
    ledger.refuses("malformed", ledger.fact("pattern.enabled", pattern="p1", template={"hours": "many"}))
    ledger.write(*(ledger.fact("pattern.suggested", suggestion=offer(ledger, id=f"s{n}")) for n in range(5)))
    ledger.refuses("5 offers are open", ledger.fact("pattern.suggested", suggestion=offer(ledger, id="s6")))
    ledger.write(ledger.fact("pattern.settled", at=ledger.now + timedelta(days=1), suggestion="s1", used=False))
    assert ledger.row("suggestions", "s1")["state"] == "wasted"
    ledger.write(ledger.fact("pattern.learned", pattern=PATTERN), ledger.fact("pattern.suggested", suggestion=offer(ledger, id="s6", task="t1")))
    assert ledger.row("suggestions", "s6")["state"] == "queued"


# --- problem_predictor ---------------------------------------------------------------------------------------------------


def fix(ledger: Ledger, *, by: str = "session:s1", **changes: Any) -> Any:
    own = {"problem": "big log", "playbook": "rotate", "said": "rotated", "verified": True, "check": "small now", "undo": {}}
    return ledger.fact("fix.applied", by=by, fix=own | changes)


def test_a_fix_is_for_a_problem_and_above_low_for_the_person(ledger: Ledger) -> None:
    ledger.refuses("There is no problem 'big log' to fix", fix(ledger))
    for kind in ("problem.gone", "problem.dismissed"):
        ledger.refuses("There is no problem 'big log'", ledger.fact(kind, key="big log"))
    ledger.write(ledger.fact("problem.found", problem=PROBLEM))
    ledger.refuses("is for the person to run", fix(ledger, tier="high"))
    ledger.refuses("is for the person to run", fix(ledger, by="person:test", tier="splendid"))
    ledger.write(fix(ledger, by="person:test", tier="high", verified=False))
    assert ledger.row("problems", "big log")["state"] == "open"


def test_a_fix_is_checked_undone_and_emptied_once_and_in_its_time(ledger: Ledger) -> None:
    day = timedelta(days=1)
    first = fix(ledger)
    ledger.write(ledger.fact("problem.found", problem=PROBLEM), first)
    assert ledger.row("problems", "big log")["state"] == "fixed"
    check = {"fix": first.id, "how": "held", "said": "still small"}
    ledger.refuses("There is no standing fix 'f9'", ledger.fact("fix.checked", **check | {"fix": "f9"}))
    ledger.refuses("says held, came back or worse", ledger.fact("fix.checked", **check | {"how": "perhaps"}))
    ledger.refuses("does not count as held before", ledger.fact("fix.checked", **check))
    ledger.refuses("is not 7 days old", ledger.fact("fix.emptied", fixes=[first.id]))
    ledger.refuses("so it stays", ledger.fact("fix.emptied", fixes=["f9"]))
    ledger.write(ledger.fact("fix.checked", at=ledger.now + 2 * day, **check))
    ledger.refuses("was checked already", ledger.fact("fix.checked", at=ledger.now + 3 * day, **check))
    ledger.write(ledger.fact("fix.undone", fix=first.id, why="no"))
    assert ledger.row("problems", "big log")["state"] == "open"
    ledger.refuses("or it is undone already", ledger.fact("fix.undone", fix=first.id))
    ledger.refuses("There is no fix 'f9' to undo", ledger.fact("fix.undone", fix="f9"))
    ledger.refuses("There is no standing fix", ledger.fact("fix.checked", at=ledger.now + 2 * day, **check))
    ledger.write(ledger.fact("fix.emptied", at=ledger.now + 8 * day, fixes=[first.id]))
    assert ledger.row("fixes", first.id)["emptied_at"] == ledger.now + 8 * day


def test_an_agents_proposal_stays_a_proposal(ledger: Ledger) -> None:
    """What a door may bring: no priority above high, no network, no secrets, no endless text, and not too many."""
    agent = "agent:codex"
    for changes, said in (
        ({"priority": "CRITICAL"}, "HIGH at most"),
        ({"network": True}, "granted by the person"),
        ({"secrets": ("TOKEN",)}, "granted by the person"),
        ({"description": "x" * 10_001}, "at most 10,000 characters"),
    ):
        ledger.refuses(said, added(ledger.place, task(**changes), actor=agent))
    own = task()
    ledger.write(added(ledger.place, own, actor=agent), *(added(ledger.place, task(), actor=agent) for _ in range(19)))
    ledger.refuses("20 proposals of yours wait", added(ledger.place, task(), actor=agent))
    ledger.refuses("is not a proposal of yours", ledger.fact("task.withdrawn", by="agent:claude-code", task=own.id))
    ledger.refuses("There is no task 'nobody'", ledger.fact("task.withdrawn", by=agent, task="nobody"))
    for percent in (True, "5", 101, -1):
        ledger.refuses("malformed: ValueError percent", ledger.fact("task.progress", by=agent, task=own.id, percent=percent))
    ledger.refuses("Only the agent that works", ledger.fact("task.progress", task=own.id, percent=5))
    ledger.refuses("progress is reported on a running task only", ledger.fact("task.progress", by=agent, task=own.id, percent=5))
    ledger.write(ledger.fact("task.withdrawn", by=agent, task=own.id, reason="done by hand"))
    ledger.refuses("only what still waits for the person's answer", ledger.fact("task.withdrawn", by=agent, task=own.id))
    ledger.write(ledger.fact("memory.noted", path="notes", upto=5))
    ledger.refuses("have come that far already", ledger.fact("memory.noted", path="notes", upto=5))
