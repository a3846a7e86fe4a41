"""Facts for tests, made from the words that a test cares about."""

from datetime import datetime, timedelta
from typing import Any

from jarvis_lib.model.fact import Fact, new_id, stamp
from jarvis_lib.model.task import Check, Recipe, Task, content_hash
from jarvis_lib.store.place import Place


def task(title: str = "Write the guide", **changes: Any) -> Task:
    own: dict[str, Any] = {
        "id": new_id(),
        "title": title,
        "description": "",
        "hours": 1.0,
        "category": "Documentation",
        "priority": "MEDIUM",
        "recipe": Recipe("command", argv=("true",)),
        "checks": (Check("true"),),
    }
    return Task(**(own | changes))


def added(place: Place, one: Task, *, actor: str | None = None, at: datetime | None = None) -> Fact:
    return place.fact("task.added", actor=actor, at=at, task=one.to_json(), content_hash=content_hash(one, {}))


def opened(place: Place, session: str = "s1", *, at: datetime | None = None) -> Fact:
    begin = at or place.now()
    owner = {"pid": 1, "started": 0.0, "booted": 0.0, "host": "here"}
    return place.fact(
        "session.opened",
        at=begin,
        session=session,
        kind="overnight",
        window="overnight@2026-11-23",
        deadline=stamp(begin + timedelta(hours=7)),
        owner=owner,
        policy_hash=place.settings.policy.hash,
        isolation="limits",
        lanes=3,
    )


def claimed(place: Place, one: Task, attempt: str, *, n: int = 1, session: str = "s1") -> Fact:
    return place.fact(
        "attempt.claimed",
        actor=f"session:{session}",
        attempt=attempt,
        task=one.id,
        n=n,
        session=session,
        content_hash=content_hash(one, {}),
        spec={"recipe": one.to_json()["recipe"], "limits": {}},
        place=f"data/attempts/{attempt}",
        expected_end=None,
        log=f"data/attempts/{attempt}/output.log",
    )


def ended(place: Place, one: Task, attempt: str, outcome: str = "finished", evidence: list[dict[str, Any]] | None = None) -> Fact:
    return place.fact(
        "attempt.ended", actor="session:s1", attempt=attempt, task=one.id, session="s1", outcome=outcome, seconds=1.5, exit_code=0, evidence=evidence or []
    )


def passed(name: str = "check") -> dict[str, Any]:
    return {"kind": "check", "name": name, "ok": True, "said": f"{name} passed", "detail": {}}
