"""Nights for the report's tests: real facts through the real store, at moments that the test names."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from jarvis_lib.model.fact import Fact
from jarvis_lib.model.problem import Fix, Problem
from jarvis_lib.model.task import Task
from jarvis_lib.report.brief import Brief, compose
from jarvis_lib.store.place import Place
from tests.facts import added, claimed, opened, passed, task

START = datetime(2026, 11, 23, 23, 0, tzinfo=UTC)
MORNING = datetime(2026, 11, 24, 7, 0, tzinfo=UTC)
PERF = "Performance optimization"
HOSTILE = "<script>alert(1)</script> \x1b[31mred\x1b[0m \u202egnirts " + "x" * 120


def measured(ratio: float = 5.3) -> dict[str, Any]:
    detail = {"ratio": ratio, "low": ratio - 0.4, "high": ratio + 0.3, "n": 7, "before": 2.1, "after": 2.1 / ratio, "unit": "s"}
    return {"kind": "measure", "name": "queries", "ok": True, "said": f"queries {ratio}x faster (4.9 to 5.6, n=7): 2.10 s -> 0.40 s", "detail": detail}


def changed(path: str = "data/app.sqlite") -> dict[str, Any]:
    return {"kind": "change", "name": path, "ok": None, "said": f"{path} changed (34.1 MB -> 35.0 MB)", "detail": {"changed": True}}


def artefact(path: str) -> dict[str, Any]:
    return {"kind": "artefact", "name": "page", "ok": None, "said": f"{path} (1.2 MB)", "detail": {"path": path}}


def failed_check(said: str = "`false` ended with exit 1") -> dict[str, Any]:
    return {"kind": "check", "name": "check", "ok": False, "said": said, "detail": {}}


def attempt(place: Place, one: Task, name: str, *, at: datetime, evidence: list[dict[str, Any]] | None = None, outcome: str = "finished", **more: Any) -> None:
    """One attempt from its claim to its ending, `seconds` later."""
    for fact in attempt_facts(place, one, name, at=at, evidence=evidence, outcome=outcome, **more):
        place.store.write(fact)


def attempt_facts(
    place: Place, one: Task, name: str, *, at: datetime, evidence: list[dict[str, Any]] | None = None, outcome: str = "finished", **more: Any
) -> list[Fact]:
    """The facts of `attempt`, for those who write many at once."""
    seconds = more.pop("seconds", 600.0)
    claim = replace(claimed(place, one, name, n=more.pop("n", 1), session=more.pop("session", "s1")), at=at)
    data = {"attempt": name, "task": one.id, "session": claim.data["session"], "outcome": outcome, "evidence": evidence or []}
    data |= {"seconds": seconds, "exit_code": 0 if outcome == "finished" else 1, "log": f"data/attempts/{name}/output.log"} | more
    return [claim, place.fact("attempt.ended", actor=f"session:{data['session']}", at=at + timedelta(seconds=seconds), **data)]


def phase(place: Place, name: str, at: datetime, seconds: float, said: str = "", event: str = "ended", session: str = "s1") -> None:
    place.store.write(place.fact("session.phase", at=at, session=session, name=name, event=event, said=said, seconds=seconds))


def close(place: Place, at: datetime, outcome: str = "finished", said: str = "it ended because the queue had nothing more to run", session: str = "s1") -> None:
    place.store.write(place.fact("session.closed", at=at, session=session, outcome=outcome, said=said))


def fixed(place: Place, at: datetime, subject: str = "logs/app.log", *, verified: bool = True, session: str = "s1") -> str:
    """A problem and the run of its playbook; the fix's id."""
    facts = fix_facts(place, at, subject, verified=verified, session=session)
    place.store.write(facts[0])
    (applied,) = place.store.write(facts[1])
    return applied.fact.id


def fix_facts(place: Place, at: datetime, subject: str, *, verified: bool = True, session: str = "s1") -> list[Fact]:
    """The facts of `fixed`; the id of the second is that of the fix."""
    key = f"oversized_log:{subject}"
    problem = Problem(key, "oversized_log", subject, f"{subject} has 24.0 MB (limit 10.0 MB)", {"bytes": 24e6}, 1.0, "medium", "rotate it", True)
    fix = Fix(key, "rotate_log", f"rotated {subject}, 24.0 MB to 1.1 MB", verified, f"{subject} is below 10.0 MB and the copy reads back", {})
    found = place.fact("problem.found", at=at, problem=problem.to_json())
    return [found, place.fact("fix.applied", at=at + timedelta(seconds=2), session=session, fix=fix.to_json())]


def rechecked(place: Place, fix: str, at: datetime, how: str = "held") -> None:
    place.store.write(place.fact("fix.checked", at=at, fix=fix, how=how, said=f"checked again: {how}"))


def good_night(place: Place) -> dict[str, Task]:
    """Three builds shipped, one failed its check, two problems fixed, one task waits for approval."""
    perf = task("Optimize database queries", category=PERF, hours=2.0, changes=("data/app.sqlite",))
    board = task("Built analytics dashboard", hours=3.0)
    docs = task("Document the REST API", hours=1.5)
    lost = task("Check that cannot pass", hours=0.5)
    asks = task("Add a dark theme", category="New features", hours=4.0, priority="HIGH")
    before = START - timedelta(hours=5)
    place.store.write(*[added(place, t, at=before) for t in (perf, board, docs, lost, asks)])
    place.store.write(opened(place, at=START))
    phase(place, "start", START + timedelta(seconds=1), 0.4)
    fixed(place, START + timedelta(minutes=1))
    fixed(place, START + timedelta(minutes=2), "data/app.sqlite")
    phase(place, "problems", START + timedelta(minutes=3), 61.0)
    later = START + timedelta(minutes=5)
    attempt(place, perf, "a1", at=later, evidence=[measured(), passed("same results"), changed()], seconds=125.0)
    shown = [passed("opens offline"), artefact("data/attempts/a2/out/dashboard.html")]
    attempt(place, board, "a2", at=later, evidence=shown, notebook="data/attempts/a2/run.ipynb")
    attempt(place, docs, "a3", at=later, evidence=[passed("every path is documented")])
    attempt(place, lost, "a4", at=later, evidence=[failed_check()], tail="step 1 ok\nstep 2 ok\n", seconds=4.0)
    phase(place, "run", START + timedelta(hours=1), 3300.0, "4 attempts")
    close(place, START + timedelta(hours=1, minutes=2))
    return {"perf": perf, "board": board, "docs": docs, "lost": lost, "asks": asks}


def brief_of(place: Place, now: datetime = MORNING) -> Brief:
    with place.store.reading() as reader:
        return compose(reader, now=now, zone=place.zone, settings=place.settings, home=place.home)
