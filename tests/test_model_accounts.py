"""Agents and their accounts: which may work, what a limit or an equal error does to the next task, and that an unknown cost is never zero."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from jarvis_lib.autonomous_queue.agents import Spent, choose
from jarvis_lib.model.account_rules import EQUAL_ERRORS, UNTOLD_HOLD
from jarvis_lib.model.call import Call, Limit, call_from_json
from jarvis_lib.model.evidence import Evidence, expects_change, judge
from jarvis_lib.model.fact import Fact, Refused
from jarvis_lib.model.setting_keys import KEYS
from jarvis_lib.model.task import Recipe, Task, task_from_json
from jarvis_lib.store.place import Place
from tests.facts import added, claimed, opened, task

NOW = datetime(2026, 11, 24, 1, 0, tzinfo=UTC)
OWN = {name: default for name, (_, default, _) in KEYS["agent"].items()}


class Night:
    """A store with an open session, in which agents' attempts end as a test says."""

    def __init__(self, place: Place) -> None:
        self.place, self.count = place, 0
        self.write(opened(place))

    def write(self, *facts: Fact) -> None:
        self.place.store.write(*facts)

    def rows(self, query: str, **values: object) -> list[dict[str, Any]]:
        with self.place.store.reading() as reader:
            return reader.rows(query, **values)

    def ends(self, outcome: str, call: Call, evidence: list[Evidence] | None = None) -> Task:
        """One attempt of a new agent's task with one call."""
        self.count += 1
        words = {"description": "total() of the shop loses cents: 0.1 + 0.2 should be 0.3", "category": "Bug fixes"}
        one = task(f"Fix the rounding {self.count}", recipe=Recipe("agent", agent="codex"), repo=f"/repositories/shop{self.count}", **words)
        name = f"a{self.count}"
        self.write(added(self.place, one), claimed(self.place, one, name))
        said = {"attempt": name, "task": one.id, "session": "s1", "outcome": outcome, "calls": [call.to_json()]}
        self.write(self.place.fact("attempt.ended", actor="session:s1", **said, evidence=[e.to_json() for e in evidence or []]))
        return one

    def account(self, name: str = "codex") -> dict[str, Any]:
        return next((r for r in self.rows("autonomous_queue.accounts") if r["agent"] == name), {})

    def task(self, one: Task) -> dict[str, Any]:
        return self.rows("autonomous_queue.task", id=one.id)[0]


@pytest.fixture
def night(place: Place) -> Night:
    return Night(place)


def codex(**more: object) -> Call:
    return Call("codex", "0.171.0", 0, **more)  # type: ignore[arg-type]  # tests pass on what they are given


def test_a_usage_limit_holds_the_account_until_its_time_and_costs_no_attempt(night: Night) -> None:
    """The hold ends at the time that the limit gave, and at most two minutes later, so that not all comes back in one second."""
    until = night.place.now() + timedelta(hours=3)
    one = night.ends("limited", codex(limit=Limit(until, "five_hour")))
    held = night.account()["held_until"]
    assert isinstance(held, datetime) and until <= held <= until + timedelta(minutes=2)
    assert (night.task(one)["state"], night.task(one)["attempts"]) == ("queued", 0)
    name, why = choose(["codex"], {"codex": night.account()}, OWN, Spent(), session="s1", now=until - timedelta(minutes=1))
    assert name == "" and "held until" in why and "five_hour" in why
    assert choose(["codex"], {"codex": night.account()}, OWN, Spent(), session="s1", now=until + timedelta(minutes=3))[0] == "codex"


def test_a_limit_without_a_time_holds_for_an_hour(night: Night) -> None:
    night.ends("limited", codex(limit=Limit(None, "")))
    held = night.account()["held_until"]
    assert isinstance(held, datetime) and held >= night.place.now() + UNTOLD_HOLD


def test_the_next_agent_of_the_order_works_while_one_is_held(night: Night) -> None:
    night.ends("limited", codex(limit=Limit(night.place.now() + timedelta(hours=3), "five_hour")))
    assert choose(["codex", "claude"], {"codex": night.account()}, OWN, Spent(), session="s1", now=night.place.now()) == ("claude", "")


def test_equal_errors_in_a_row_across_tasks_stop_the_agent_for_this_session_only(night: Night) -> None:
    for _ in range(EQUAL_ERRORS):
        assert not night.account().get("stopped_for")
        night.ends("failed", codex(error="API Error: unable to connect"))
    name, why = choose(["codex"], {"codex": night.account()}, OWN, Spent(), session="s1", now=NOW)
    assert name == "" and "3 equal errors in a row" in why and "unable to connect" in why
    assert choose(["codex"], {"codex": night.account()}, OWN, Spent(), session="s2", now=NOW)[0] == "codex"


def test_another_error_or_a_success_between_begins_the_count_anew(night: Night) -> None:
    for error in ("down", "down", "", "down", "other", "down"):
        night.ends("failed" if error else "finished", codex(error=error))
    assert night.account()["stopped_for"] == ""


def test_a_missing_login_parks_the_task_and_stops_the_agent(night: Night) -> None:
    one = night.ends("no_login", codex(auth_error="Not logged in"))
    row = night.task(one)
    assert row["state"] == "parked" and "log-in" in str(row["why"])
    assert night.account()["stopped_for"] == "s1"


def test_costs_are_kept_and_an_unknown_cost_is_none_and_not_zero(night: Night) -> None:
    one = night.ends("finished", codex(cost=0.25, tokens_in=200, tokens_out=40))
    two = night.ends("finished", codex(tokens_in=100))
    assert [night.rows("autonomous_queue.calls", task=t.id)[0]["cost"] for t in (one, two)] == [0.25, None]
    spent = night.rows("autonomous_queue.spent", session="s1")[0]
    assert (spent["cost"], spent["calls"], spent["untold"]) == (0.25, 2, 1)


def test_cost_and_calls_of_a_session_have_a_limit(night: Night) -> None:
    assert "cost_per_night" in choose(["codex"], {}, OWN, Spent(cost=10.0), session="s1", now=NOW)[1]
    assert "calls_per_night" in choose(["codex"], {}, OWN, Spent(calls=30, untold=30), session="s1", now=NOW)[1]
    assert "switched on" in choose([], {}, OWN, Spent(), session="s1", now=NOW)[1]


def test_only_a_person_lets_an_agent_go(night: Night) -> None:
    night.ends("limited", codex(limit=Limit(NOW + timedelta(days=300), "weekly")))
    with pytest.raises(Refused):
        night.write(night.place.fact("account.held", actor="session:s1", agent="codex", until=None))
    night.write(night.place.fact("account.held", agent="codex", until=None))
    assert night.account()["held_until"] is None


def test_grants_are_rows(night: Night) -> None:
    one = task(recipe=Recipe("command", argv=("true",)), network=True)
    night.write(added(night.place, one), claimed(night.place, one, "g1"))
    ending = {"attempt": "g1", "task": one.id, "session": "s1", "outcome": "failed", "evidence": []}
    night.write(night.place.fact("attempt.ended", actor="session:s1", **ending, grants=[{"what": "network", "why": "--network"}]))
    assert [g["what"] for g in night.rows("autonomous_queue.grants", task=one.id)] == ["network"]


# --- verdicts ----------------------------------------------------------------------------------------------------------------


def agent_task(**more: object) -> Task:
    return task(recipe=Recipe("agent"), repo="/r", **more)


def test_an_agent_that_changed_nothing_is_hollow_and_one_that_was_refused_is_denied() -> None:
    """Exit 0 and `success` mean nothing: five of six agents say both after a denied tool."""
    exit_0 = Evidence("exit", "agent", True, "codex ended with exit 0")
    assert judge(agent_task(), "finished", [exit_0], attempt=1).word == "hollow"
    refused = Evidence("denial", "Bash", None, "Bash (pytest -q)")
    verdict = judge(agent_task(), "finished", [exit_0, refused], attempt=1)
    assert (verdict.word, verdict.state) == ("none", "parked") and "Bash (pytest -q)" in verdict.why
    assert judge(agent_task(no_change_expected=True), "finished", [exit_0], attempt=1).word == "unverified"
    assert not expects_change(task(changes=()))


def test_a_change_that_is_proved_ships_though_a_tool_was_refused_on_the_way() -> None:
    seen = [Evidence("denial", "Bash", None, "Bash (curl)"), Evidence("change", "a.md", None, "a.md changed", {"changed": True})]
    assert judge(agent_task(), "finished", [*seen, Evidence("check", "true", True, "true passed")], attempt=1).word == "verified"


def test_an_escalation_wins_over_all_and_parks_even_a_proved_result() -> None:
    seen = [Evidence("escalation", "data loss", False, "it drops a table"), Evidence("check", "true", True, "passed")]
    verdict = judge(task(), "finished", seen, attempt=1)
    assert verdict.state == "parked" and "Stopped and escalated: it drops a table" in verdict.why


def test_an_escalated_attempt_is_told_as_a_notice_and_waits_first_in_line(night: Night) -> None:
    one = night.ends("finished", codex(), [Evidence("escalation", "security", False, "it changes the log-in", {})])
    assert night.task(one)["parked_kind"] == "escalated"
    notices = night.rows("report.notices_between", since=NOW - timedelta(days=30), now=NOW + timedelta(days=3650))
    assert [n["kind"] for n in notices] == ["escalation"] and "log-in" in notices[0]["sentence"]


def test_a_call_and_a_task_survive_their_json() -> None:
    call = codex(limit=Limit(NOW, "weekly"), denials=("Bash",), cost=None)
    assert call_from_json(call.to_json()) == call
    one = task(repo="/r", network=True, secrets=("A",), needs=("gpu=1",), follows="abc", no_change_expected=True, recipe=Recipe("agent", agent="claude"))
    assert task_from_json(one.to_json()) == one
    assert "repo" not in task().to_json() and "agent" not in task().to_json()["recipe"]
