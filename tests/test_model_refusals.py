"""What the rules of the ledger refuse: each with its sentence, and a refused fact leaves every row as it was."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from jarvis_lib.model.fact import Fact, Refused, stamp
from jarvis_lib.model.task import Recipe, Task, content_hash
from jarvis_lib.store.place import Place
from tests.facts import added, claimed, ended, opened, passed, task
from tests.refusing import Ledger

QUEUED, RUNNING, SHIPPED, PROPOSED, BARE = (task(name, id=f"{name}00000"[:10]) for name in ("queue", "runsn", "shipp", "propo", "barex"))
HASH = content_hash(QUEUED, {})
PHASE = {"name": "build", "task": QUEUED.id, "hours": 1.0, "p50": 1.0, "p80": 2.0, "window": ""}
CANDIDATE = {"kind": "task", "title": "Build it", "hours": 1.0, "p50": 1.0, "p80": 2.0, "chance": 0.8, "content": {}}


class World(Ledger):
    """A book in which something has happened already."""

    def __init__(self, place: Place) -> None:
        super().__init__(place)
        self.write(opened(place), *(added(place, one) for one in (QUEUED, RUNNING, SHIPPED)), added(place, PROPOSED, actor="agent:codex"))
        self.write(added(place, Task(**{n: getattr(BARE, n) for n in BARE.__slots__} | {"recipe": None})))
        self.write(claimed(place, SHIPPED, "a1"), ended(place, SHIPPED, "a1", evidence=[passed()]), claimed(place, RUNNING, "a2"))
        first = CANDIDATE | {"id": "wfirst", "tasks": [QUEUED.id], "revisions": [0]}
        others = [CANDIDATE | {"id": "wgone", "tasks": [SHIPPED.id], "revisions": [0]}, CANDIDATE | {"id": "wnone", "tasks": ["nobody"], "revisions": [0]}]
        others += [first | {"id": "wother", "revisions": [self.row("tasks", QUEUED.id)["revision"] + 5]}, first | {"id": "wsecond"}]
        first["revisions"] = [self.row("tasks", QUEUED.id)["revision"]]
        others[-1]["revisions"] = first["revisions"]
        self.write(self.fact("weekend.suggested", weekend="2026-11-28", said="", candidates=[first, *others]))
        self.write(self.fact("weekend.selected", build="wsecond", phases=[]), self.fact("weekend.selected", build="wfirst", phases=[PHASE]))


def edit(w: World, revision: int | None = None, **changes: Any) -> Fact:
    one = Task(**{n: getattr(QUEUED, n) for n in QUEUED.__slots__} | changes)
    return w.fact("task.edited", task=one.id, content=one.to_json(), content_hash=content_hash(one, {}), revision=revision)


REFUSED: list[tuple[str, Callable[[World], Fact]]] = [
    # tasks
    ("There is already a task", lambda w: added(w.place, QUEUED)),
    ("cannot wait for itself", lambda w: added(w.place, task(id="selfselfse", after=("selfselfse",)))),
    ("there is no such task; `jarvis queue list`", lambda w: added(w.place, task(after=("nobody",)))),
    ("has changed since you read it", lambda w: edit(w, revision=77)),
    ("is being worked|running", lambda w: w.fact("task.edited", task=RUNNING.id, content=RUNNING.to_json(), content_hash="x", revision=None)),
    ("is accepted; it is not decided again", lambda w: w.fact("task.redecide", task=SHIPPED.id, content_hash="x")),
    (
        "it is not decided again",
        lambda w: w.fact("task.decided", task=RUNNING.id, verdict="auto", rule="", risk="low", reasons=[], policy_hash="", content_hash=""),
    ),
    ("Only a person approves", lambda w: w.fact("task.approved", by="session:s1", task=PROPOSED.id, content_hash=content_hash(PROPOSED, {}))),
    ("look with `jarvis queue show", lambda w: w.fact("task.approved", task=PROPOSED.id, content_hash="another")),
    ("there is nothing to approve yet", lambda w: w.fact("task.approved", task=BARE.id, content_hash=w.row("tasks", BARE.id)["content_hash"])),
    ("is queued already; it needs no approval", lambda w: w.fact("task.approved", task=QUEUED.id, content_hash=HASH)),
    ("is not approved as it stands", lambda w: w.fact("task.answered", task=PROPOSED.id)),
    # sessions and attempts
    ("is open since", lambda w: opened(w.place, "s2")),
    ("still has open attempts: a2", lambda w: w.fact("session.closed", session="s1", outcome="done")),
    ("Session s9 is not open", lambda w: w.fact("session.stop", session="s9", how="now")),
    ("Session s9 is not open", lambda w: claimed(w.place, QUEUED, "a3", session="s9")),
    ("has had 0 of 3 attempts", lambda w: claimed(w.place, QUEUED, "a3", n=2)),
    ("There is no attempt a9", lambda w: ended(w.place, RUNNING, "a9")),
    ("Only its own session ends attempt a2", lambda w: w.fact("attempt.ended", attempt="a2", task=RUNNING.id, outcome="finished")),
    ("has ended already", lambda w: ended(w.place, SHIPPED, "a1")),
    ("is malformed: ValueError outcome 'splendid'", lambda w: ended(w.place, RUNNING, "a2", "splendid")),
    ("There is no ended attempt a2", lambda w: w.fact("attempt.undone", attempt="a2")),
    # clearing
    ("so nothing of it was removed", lambda w: w.fact("attempts.cleared", attempts=["a9"], others=0, bytes=0, keep_days=30)),
    ("so the files of its attempts stay", lambda w: w.fact("attempts.cleared", attempts=["a2"], others=0, bytes=0, keep_days=30)),
    ("less than 7 days ago", lambda w: w.fact("attempts.cleared", attempts=["a1"], others=0, bytes=0, keep_days=30)),
    # the person's time
    ("Only a person sets", lambda w: w.fact("context.set", by="session:s1", state="working", until=stamp(w.now), starts_work=False)),
    ("There is no context 'busy'", lambda w: w.fact("context.set", state="busy", until=stamp(w.now + timedelta(hours=1)), starts_work=False)),
    ("ends in the future", lambda w: w.fact("context.set", state="working", until=stamp(w.now), starts_work=False)),
    ("lasts at most", lambda w: w.fact("context.set", state="working", until=stamp(w.now + timedelta(days=999)), starts_work=False)),
    ("Only a person clears", lambda w: w.fact("context.cleared", by="session:s1")),
    ("nothing to clear", lambda w: w.fact("context.cleared")),
    ("malformed: ValueError context 'busy'", lambda w: w.fact("context.changed", state="busy", before="", confidence=1.0, until=stamp(w.now), why=[])),
    ("There is no calendar 'x'", lambda w: w.fact("calendar.dropped", source="x")),
    # plans
    ("Only a person pins", lambda w: w.fact("plan.pinned", by="session:s1", task=QUEUED.id, window="w", ends=stamp(w.now + timedelta(hours=1)))),
    ("only what is still open", lambda w: w.fact("plan.pinned", task=SHIPPED.id, window="w", ends=stamp(w.now + timedelta(hours=1)))),
    ("is over; nothing can be pinned", lambda w: w.fact("plan.pinned", task=QUEUED.id, window="w", ends=stamp(w.now))),
    ("is not pinned", lambda w: w.fact("plan.unpinned", task=QUEUED.id)),
    # the weekend
    ("Only a person chooses", lambda w: w.fact("weekend.selected", by="session:s1", build="wfirst", phases=[])),
    ("no weekend candidate 'wnobody'", lambda w: w.fact("weekend.selected", build="wnobody", phases=[])),
    ("cannot be chosen any more: shipp00000", lambda w: w.fact("weekend.selected", build="wgone", phases=[])),
    ("cannot be chosen any more: nobody is not there", lambda w: w.fact("weekend.selected", build="wnone", phases=[])),
    ("has been edited since", lambda w: w.fact("weekend.selected", build="wother", phases=[])),
    ("Only a person starts", lambda w: w.fact("weekend.started", by="session:s1", build="wfirst", phases=[PHASE])),
    ("There is no chosen build 'wnobody'", lambda w: w.fact("weekend.started", build="wnobody", phases=[])),
    ("There is no chosen build 'wsecond'", lambda w: w.fact("weekend.started", build="wsecond", phases=[])),
    ("cannot start as it was chosen: nobody is not there", lambda w: w.fact("weekend.started", build="wfirst", phases=[PHASE | {"task": "nobody"}])),
    ("cannot start as it was chosen: shipp00000", lambda w: w.fact("weekend.started", build="wfirst", phases=[PHASE, PHASE | {"task": SHIPPED.id}])),
    ("Only a person says that a phase is done", lambda w: w.fact("weekend.completed", by="session:s1", phase="wfirst:1")),
    ("There is no phase 'wfirst:1'", lambda w: w.fact("weekend.completed", phase="wfirst:1")),
    # importing
    ("Only a person imports", lambda w: w.fact("import.read", by="session:s1", file="f", items=[])),
    ("malformed: ValueError kind 'nonsense'", lambda w: w.fact("import.read", file="f", items=[{"key": "k", "kind": "nonsense"}])),
    ("malformed: ValueError state", lambda w: w.fact("import.read", file="f", items=[item(task(id="import0000"), state="splendid")])),
    ("There is already a task", lambda w: w.fact("import.read", file="f", items=[item(QUEUED)])),
    ("There is already a task", lambda w: w.fact("import.read", file="f", items=[item(task(id="import0000")), item(task(id="import0000"), key="k2")])),
    ("should run after 'nobody'", lambda w: w.fact("import.read", file="f", items=[item(task(id="import0000", after=("nobody",)))])),
]


def item(one: Task, *, state: str = "queued", key: str = "k1") -> dict[str, Any]:
    return {"key": key, "kind": "task", "task": one.to_json(), "task_id": one.id, "state": state, "content_hash": content_hash(one, {})}


@pytest.fixture
def world(place: Place) -> World:
    return World(place)


@pytest.mark.parametrize(("said", "make"), REFUSED, ids=[f"{n}-{said[:40]}" for n, (said, _) in enumerate(REFUSED)])
def test_what_must_not_happen_is_refused_and_changes_no_row(world: World, said: str, make: Callable[[World], Fact]) -> None:
    """Rules look first and change last."""
    world.refuses(said, make(world))


def test_a_weekend_that_is_started_is_neither_started_nor_chosen_again(world: World) -> None:
    """And its phase is done once, by the person's word."""
    world.write(world.fact("weekend.started", build="wfirst", phases=[PHASE | {"window": "weekend@2026-11-28"}]))
    assert world.row("pins", QUEUED.id)["window"] == "weekend@2026-11-28"
    for kind in ("weekend.started", "weekend.selected"):
        with pytest.raises(Refused, match="is started already"):
            world.write(world.fact(kind, build="wfirst", phases=[PHASE]))
    world.write(world.fact("weekend.completed", phase="wfirst:1"))
    row = world.row("tasks", QUEUED.id)
    assert (row["state"], row["why"]) == ("accepted", "Done by you; Jarvis has not verified it.")
    with pytest.raises(Refused, match="is done already"):
        world.write(world.fact("weekend.completed", phase="wfirst:1"))


def test_an_override_ends_the_one_before_it(world: World) -> None:
    """What ended by itself ended when it said, and cannot be cleared."""
    hour = timedelta(hours=1)
    first = world.fact("context.set", state="working", until=stamp(world.now + hour), starts_work=False)
    second = world.place.fact("context.set", at=world.now + 2 * hour, state="away", until=stamp(world.now + 3 * hour), starts_work=True)
    world.write(first, second)
    assert world.row("overrides", first.id)["ended_at"] == world.now + hour and world.row("overrides", second.id)["ended_at"] is None
    world.write(world.place.fact("context.cleared", at=world.now + 2.5 * hour))
    assert world.row("overrides", second.id)["ended_at"] == world.now + 2.5 * hour


def test_a_stop_that_was_asked_for_at_once_is_not_softened(world: World) -> None:
    """`now` stays; anything else may become `now`."""
    for how, stands in (("after", "after"), ("now", "now"), ("after", "now")):
        world.write(world.fact("session.stop", session="s1", how=how))
        assert world.row("sessions", "s1")["stop_asked"] == stands


def test_an_import_brings_its_items_once(world: World) -> None:
    """A second reading of the same file changes nothing; what may run is decided by the policy."""
    one, done, off = task(id="import0000"), task(id="import0001"), task(id="import0002", after=("import0000",), recipe=Recipe("command", argv=("true",)))
    items = [item(one), item(done, state="accepted", key="k2"), item(off, state="parked", key="k3") | {"why": "It waits."}]
    items.append({"key": "k4", "kind": "event", "said": "gym", "when": stamp(world.now)})
    for _ in range(2):
        world.write(world.fact("import.read", file="tasks.json", items=items))
    assert [world.row("tasks", t.id)["state"] for t in (one, done)] == ["queued", "accepted"]
    assert "without evidence" in world.row("tasks", done.id)["why"] and world.row("tasks", off.id)["parked_kind"] == "dependency"
    assert world.row("imports", "k4")["kind"] == "event"
