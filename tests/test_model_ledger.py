"""The rules of the ledger: which moves exist, what an ending does to a task, and that nothing ships without proof."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jarvis_lib.model.evidence import OUTCOMES
from jarvis_lib.model.fact import Fact, Refused
from jarvis_lib.model.ledger import apply, derive
from jarvis_lib.model.states import MOVES, STATES
from jarvis_lib.model.task import Measure, Recipe, Task, content_hash
from jarvis_lib.store.place import Place
from jarvis_lib.store.rows import Rows
from tests.facts import added, claimed, ended, opened, passed, task


class Book:
    """The rules on a book without a file: `state` says where a task stands."""

    def __init__(self, place: Place) -> None:
        self.place, self.rows = place, Rows(None)

    def write(self, *facts: Fact) -> None:
        for fact in facts:
            apply(self.rows, fact)
            self.write(*derive(self.rows, fact, self.place.settings.policy))

    def state(self, one: Task) -> str:
        row = self.rows.get("tasks", one.id)
        assert row is not None
        return str(row["state"])

    def row(self, one: Task) -> dict[str, object]:
        return self.rows.get("tasks", one.id) or {}

    def attempt(self, one: Task, name: str, outcome: str = "finished", evidence: list[dict[str, object]] | None = None, n: int = 1) -> None:
        self.write(claimed(self.place, one, name, n=n), ended(self.place, one, name, outcome, evidence))


@pytest.fixture
def book(place: Place) -> Book:
    made = Book(place)
    made.write(opened(place))
    return made


def queue(book: Book, **changes: object) -> Task:
    one = task(**changes)
    book.write(added(book.place, one))
    return one


def test_every_move_leads_to_a_state_that_exists() -> None:
    """The table is closed."""
    assert set(MOVES) == set(STATES)
    assert {t for moves in MOVES.values() for targets in moves.values() for t in targets} <= set(STATES)


@pytest.mark.parametrize(
    ("changes", "state", "kind"),
    [
        ({}, "queued", ""),
        ({"category": "New features"}, "parked", "approval"),
        ({"recipe": None}, "parked", "no_recipe"),
        ({"title": "Rotate the leaked password"}, "parked", "escalated"),
        ({"category": "Research/analysis"}, "parked", "approval"),
    ],
)
def test_where_a_new_task_stands(book: Book, changes: dict[str, object], state: str, kind: str) -> None:
    """The policy's decision and the missing recipe decide, never the title alone."""
    one = queue(book, **changes)
    assert (book.state(one), book.row(one)["parked_kind"]) == (state, kind)


def test_what_no_person_added_is_only_proposed(book: Book) -> None:
    """An agent, a pattern or a problem proposes."""
    one = task()
    book.write(added(book.place, one, actor="agent:codex"))
    assert book.state(one) == "proposed"


def test_only_a_person_approves(book: Book) -> None:
    """The policy may decide, it may not say yes to what is asked for."""
    one = queue(book, category="New features")
    with pytest.raises(Refused, match="Only a person"):
        book.write(book.place.fact("task.approved", actor="session:s1", task=one.id, content_hash=content_hash(one, {})))
    book.write(book.place.fact("task.approved", task=one.id, content_hash=content_hash(one, {})))
    assert book.state(one) == "queued"


def test_an_approval_of_something_else_is_refused(book: Book) -> None:
    """The hash is what was read."""
    one = queue(book, category="New features")
    with pytest.raises(Refused, match="has changed since you read it"):
        book.write(book.place.fact("task.approved", task=one.id, content_hash="0" * 64))


def test_an_edit_voids_the_approval(book: Book) -> None:
    """It is decided anew."""
    one = queue(book, category="New features")
    book.write(book.place.fact("task.approved", task=one.id, content_hash=content_hash(one, {})))
    other = Task(**{n: getattr(one, n) for n in one.__slots__} | {"title": "Something else"})
    book.write(book.place.fact("task.edited", task=one.id, content=other.to_json(), content_hash=content_hash(other, {}), revision=1))
    assert (book.state(one), book.row(one)["approved_hash"]) == ("parked", None)


def test_a_changed_task_cannot_be_claimed(book: Book) -> None:
    """The claim names what was approved."""
    one = queue(book)
    fact = claimed(book.place, one, "a1")
    with pytest.raises(Refused, match="decided anew"):
        book.write(Fact(fact.id, fact.at, fact.actor, fact.kind, fact.data | {"content_hash": "f" * 64}))
    assert book.state(one) == "queued"


def test_a_passed_check_ships_and_policy_accepts_documentation(book: Book) -> None:
    """Shipped by Jarvis, accepted by the rule the person wrote."""
    one = queue(book)
    book.attempt(one, "a1", evidence=[passed()])
    assert (book.state(one), book.row(one)["shipped_at"], book.row(one)["accepted_at"]) == ("accepted", book.place.now(), book.place.now())


def test_exit_zero_alone_is_unverified(book: Book) -> None:
    """Nothing that would have noticed a failure has looked."""
    one = queue(book)
    book.attempt(one, "a1", evidence=[{"kind": "exit", "name": "command", "ok": True, "said": "exit 0", "detail": {}}])
    assert book.state(one) == "review"


def test_a_promised_change_that_did_not_come_is_hollow(book: Book) -> None:
    """Even when the check passes."""
    one = queue(book, changes=("docs/a.md",))
    same = {"kind": "change", "name": "docs/a.md", "ok": None, "said": "unchanged", "detail": {"changed": False}}
    book.attempt(one, "a1", evidence=[same, passed()])
    attempt = book.rows.get("attempts", "a1")
    assert attempt is not None and (attempt["verdict"], book.state(one)) == ("hollow", "failed")


def test_a_speed_up_without_a_measure_is_unverified(book: Book) -> None:
    """A check proves that nothing broke, not that it got faster."""
    one = queue(book, category="Performance optimization")
    book.attempt(one, "a1", evidence=[passed()])
    assert book.state(one) == "review"
    two = queue(book, category="Performance optimization", measures=(Measure("echo 1"),))
    book.attempt(two, "a2", evidence=[passed(), {"kind": "measure", "name": "m", "ok": True, "said": "5.3x faster", "detail": {"ratio": 5.3}}])
    assert book.state(two) == "shipped"


def test_a_bug_fix_needs_a_check_that_was_red(book: Book) -> None:
    """Green before and green after proves nothing."""
    one = queue(book, category="Bug fixes")
    book.attempt(one, "a1", evidence=[passed() | {"kind": "check_before"}, passed()])
    assert book.state(one) == "review"
    two = queue(book, category="Bug fixes")
    book.attempt(two, "a2", evidence=[passed() | {"kind": "check_before", "ok": False}, passed()])
    assert book.state(two) == "shipped"


def test_a_tripped_guard_is_a_question(book: Book) -> None:
    """It never ships, whatever the checks say."""
    one = queue(book)
    guard = {"kind": "guard", "name": "paths", "ok": False, "said": "it changed .ci/run", "detail": {}}
    book.attempt(one, "a1", evidence=[guard, passed()])
    assert book.state(one) == "review"


def test_a_failure_is_retried_three_times_and_no_more(book: Book) -> None:
    """Out of attempts is failed."""
    one = queue(book)
    states = []
    for n in (1, 2, 3):
        book.attempt(one, f"a{n}", "failed", n=n)
        states.append(book.state(one))
    assert states == ["queued", "queued", "failed"]


def test_the_second_death_parks_the_task(book: Book) -> None:
    """It may be the killer."""
    one = queue(book)
    book.attempt(one, "a1", "abandoned")
    assert book.state(one) == "queued"
    book.attempt(one, "a2", "died", n=2)
    assert (book.state(one), book.row(one)["parked_kind"]) == ("parked", "deaths")


def test_a_usage_limit_costs_no_attempt(book: Book) -> None:
    """It goes back as it came."""
    one = queue(book)
    book.attempt(one, "a1", "limited")
    assert (book.state(one), book.row(one)["attempts"]) == ("queued", 0)


def test_an_ending_is_written_once(book: Book) -> None:
    """A late worker cannot overwrite it."""
    one = queue(book)
    book.attempt(one, "a1", "failed")
    with pytest.raises(Refused, match="ended already"):
        book.write(ended(book.place, one, "a1", evidence=[passed()]))
    assert book.state(one) == "queued"


@pytest.mark.parametrize("path", ["data/app.sqlite", "data"])
def test_one_file_is_worked_by_one_attempt(book: Book, path: str) -> None:
    """Two tasks that change the same path, or a folder and a file in it, do not run side by side."""
    one, two = queue(book, changes=("data/app.sqlite",)), queue(book, changes=(path,))
    book.write(claimed(book.place, one, "a1"))
    with pytest.raises(Refused, match="is changing data/app.sqlite right now"):
        book.write(claimed(book.place, two, "a2"))


def test_a_circle_of_dependencies_is_refused_by_name(book: Book) -> None:
    """All of its members are named, and the edit changes nothing."""
    one = queue(book)
    two = queue(book, after=(one.id,))
    turned = Task(**{n: getattr(one, n) for n in one.__slots__} | {"after": (two.id,)})
    with pytest.raises(Refused, match="in a circle") as caught:
        book.write(book.place.fact("task.edited", task=one.id, content=turned.to_json(), content_hash="x", revision=1))
    assert one.id in caught.value.sentence and two.id in caught.value.sentence
    assert json.loads(str(book.row(one)["content"]))["after"] == []


def test_dependents_wait_park_and_come_back(book: Book) -> None:
    """What waits for a failed task is parked, and returns when that one ships after all."""
    one = queue(book)
    two = queue(book, after=(one.id,))
    with pytest.raises(Refused, match="waits for"):
        book.write(claimed(book.place, two, "a0"))
    book.attempt(one, "a1", evidence=[passed() | {"ok": False}])
    assert (book.state(one), book.state(two)) == ("failed", "parked")
    book.write(book.place.fact("task.retried", task=one.id))
    book.attempt(one, "a2", evidence=[passed()])
    assert book.state(two) == "queued"


def test_a_declined_task_that_is_retried_is_decided_anew(book: Book) -> None:
    """Retry is not approval."""
    one = queue(book, category="New features")
    book.write(book.place.fact("task.declined", task=one.id), book.place.fact("task.retried", task=one.id))
    assert book.state(one) == "parked"


@pytest.mark.parametrize("kind", ["task.accepted", "task.retried", "task.undone", "task.later", "task.declined"])
def test_a_move_that_does_not_exist_names_those_that_do(book: Book, kind: str) -> None:
    """A running task can only end."""
    one = queue(book)
    book.write(claimed(book.place, one, "a1"))
    with pytest.raises(Refused, match="What it allows now"):
        book.write(book.place.fact(kind, task=one.id, until=None))


def test_a_malformed_fact_is_refused_in_words(book: Book) -> None:
    """A fact from a broken program harms nothing."""
    with pytest.raises(Refused, match="malformed"):
        book.write(book.place.fact("task.added", task={"id": "x"}))
    with pytest.raises(Refused, match="no fact of the kind"):
        book.write(book.place.fact("task.vanished", task="x"))


some_evidence = st.lists(
    st.fixed_dictionaries(
        {
            "kind": st.sampled_from(["exit", "check", "check_before", "measure", "guard", "change"]),
            "name": st.just("n"),
            "ok": st.sampled_from([True, False, None]),
            "said": st.just("seen"),
            "detail": st.sampled_from([{}, {"changed": True}, {"changed": False}]),
        }
    ),
    max_size=5,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    outcome=st.sampled_from(OUTCOMES),
    evidence=some_evidence,
    category=st.sampled_from(["Documentation", "Bug fixes", "Performance optimization"]),
    changes=st.booleans(),
)
def test_there_is_no_way_to_shipped_without_proof(place: Place, outcome: str, evidence: list[dict[str, object]], category: str, changes: bool) -> None:
    """Whatever the evidence: shipped means finished, a passed check or measure, no failed one, no tripped guard."""
    book = Book(place)
    book.write(opened(place))
    one = queue(book, category=category, changes=("a.md",) if changes else ())
    book.attempt(one, "a1", outcome, evidence)
    if book.state(one) in ("shipped", "accepted"):
        assert outcome == "finished"
        assert any(e["kind"] in ("check", "measure") and e["ok"] for e in evidence)
        assert not any(e["kind"] in ("check", "measure", "guard") and e["ok"] is False for e in evidence)
        assert not changes or any(e["kind"] == "change" and e["detail"] == {"changed": True} for e in evidence)


def test_a_recipe_survives_its_text(book: Book) -> None:
    """Content that is approved is content that runs."""
    one = queue(book, recipe=Recipe("notebook", notebook="n.ipynb", parameters={"a": [1, {"b": None}]}))
    from jarvis_lib.model.task_row import content_of

    assert content_of(book.row(one)) == one
