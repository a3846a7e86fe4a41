"""Evidence and verdicts: an attempt is believed for what was observed, never for what it says.

The verdict comes from evidence alone, in this order: the outcome; hollow (a change was expected and there is none);
refuted (a check failed); unverified (nothing would have noticed a failure); verified.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from jarvis_lib.model.task import Task

OUTCOMES = ("finished", "failed", "timed_out", "no_login", "limited", "denied", "died", "abandoned", "stopped", "paused")
VERDICTS = ("verified", "unverified", "hollow", "refuted", "none")
MAX_ATTEMPTS = 3
MAX_DEATHS = 2
RESULT_MIME = "application/vnd.jarvis.result+json"
"""The output with which a recipe notebook says what it did."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """One observation. `kind`: exit, check, check_before, measure, measure_before, change, guard, isolation, restored; of work in repositories and
    of agents also commit, diff, denial (something that was refused while it ran), grant, prompt, call, environment, escalation;
    of recipe notebooks also result (what they say that they did).

    `ok` is None where an observation cannot be right or wrong (a change, an isolation level). `detail` is JSON.
    """

    kind: str
    name: str
    ok: bool | None
    said: str
    detail: dict[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Plain JSON, as a worker's result and an ending carry it."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Verdict:
    """`word` is one of VERDICTS, `why` one sentence, `state` where the task goes."""

    word: str
    why: str
    state: str


def evidence_from_json(raw: dict[str, Any]) -> Evidence:
    """The reverse of `to_json`; KeyError when a field is missing, only `detail` may."""
    return Evidence(raw["kind"], raw["name"], raw["ok"], raw["said"], raw.get("detail", {}))


def judge(task: Task, outcome: str, evidence: Sequence[Evidence], *, attempt: int, deaths: int = 0) -> Verdict:
    """The verdict on one attempt.

    `attempt` is its number (from 1), `deaths` how many earlier attempts died. What did not finish goes back to the queue
    until MAX_ATTEMPTS; the MAX_DEATHS-th death parks the task, since it may be the killer. Refuted and hollow are final.
    """
    again = "queued" if attempt < MAX_ATTEMPTS else "failed"
    alarms = [e.said for e in evidence if e.kind == "escalation" and e.ok is False]
    if alarms:
        return Verdict("none", f"Stopped and escalated: {'; '.join(alarms)}.", "parked")
    if outcome in ("abandoned", "died"):
        return Verdict("none", _said_outcome(outcome), "parked" if deaths + 1 >= MAX_DEATHS else again)
    unfinished = next((e.said for e in evidence if e.kind == "commit" and e.name == "unfinished"), "")
    if unfinished and outcome in ("timed_out", "stopped"):
        exits = [e.said for e in evidence if e.kind == "exit"]
        return Verdict("unverified", f"{(exits[-1] if exits else _said_outcome(outcome)).removesuffix('.')}; {unfinished}", "review")
    if outcome in ("limited", "stopped"):
        return Verdict("none", _said_outcome(outcome), "queued" if outcome == "limited" else again)
    if outcome == "paused":
        tripped = [e.said for e in evidence if e.kind == "guard" and e.ok is False]
        return Verdict("unverified", f"A guard tripped: {'; '.join(tripped)}.", "review") if tripped else Verdict("none", _said_outcome(outcome), "queued")
    refused = [e.said for e in evidence if e.kind == "denial"]
    if outcome in ("no_login", "denied"):
        exits = [e.said for e in evidence if e.kind == "exit" and e.ok is False]
        return Verdict("none", " ".join([_said_outcome(outcome), *dict.fromkeys([*exits, *(f"Refused: {r}." for r in refused)])]), "parked")
    if outcome != "finished":
        exits = [e.said for e in evidence if e.kind == "exit"]
        return Verdict("none", exits[-1] if exits else _said_outcome(outcome), again)
    tripped = [e.said for e in evidence if e.kind == "guard" and e.ok is False]
    if tripped:
        return Verdict("unverified", f"A guard tripped: {'; '.join(tripped)}.", "review")
    changes = [e for e in evidence if e.kind == "change"]
    asked = [e.said for e in evidence if e.kind == "question"]
    if asked and not any(e.detail.get("changed") for e in changes):
        return Verdict("none", f"It asks: {' '.join(asked)}", "parked")
    if expects_change(task) and not any(e.detail.get("changed") for e in changes):
        if refused:
            return Verdict("none", f"{_said_outcome('denied')} Refused: {'; '.join(dict.fromkeys(refused))}. Nothing was changed.", "parked")
        return Verdict("hollow", f"It ended with exit 0, but {_said_missing(task, evidence)}.", "failed")
    failed = [e for e in evidence if e.kind in ("check", "measure") and e.ok is False]
    if failed:
        return Verdict("refuted", failed[0].said, "failed")
    return _proved(task, evidence)


def expects_change(task: Task) -> bool:
    """Must something have changed for the task to be done? Always of an agent and in a repository, unless the task says otherwise."""
    agent = task.recipe is not None and task.recipe.kind == "agent"
    return bool(task.changes or task.repo or agent) and not task.no_change_expected


def _said_missing(task: Task, evidence: Sequence[Evidence]) -> str:
    lost = [e.said for e in evidence if (e.kind, e.name) == ("commit", "lost")]
    if task.repo and lost:
        return lost[0]
    if task.changes:
        return f"none of {', '.join(task.changes)} changed"
    return "nothing was changed in the copy of the repository" if task.repo else "it left no file"


def _proved(task: Task, evidence: Sequence[Evidence]) -> Verdict:
    checks = [e for e in evidence if e.kind == "check" and e.ok]
    measures = [e for e in evidence if e.kind == "measure" and e.ok]
    if task.category == "Performance optimization" and not measures:
        return Verdict("unverified", "A speed-up that nobody measured: give the task a --measure.", "review")
    if task.category == "Bug fixes" and not any(e.kind == "check_before" and e.ok is False for e in evidence):
        return Verdict("unverified", "No check was red before the fix, so green afterwards proves nothing.", "review")
    if task.repo and task.category == "Performance optimization" and not checks:
        return Verdict(
            "unverified",
            "It is faster, but nothing shows that it still gives the same: give the task a --check, or let the measure print its result.",
            "review",
        )
    if task.category in ("Refactoring", "Test coverage") and any(e.kind == "check_before" and e.ok is False for e in evidence):
        return Verdict("unverified", "Its checks were red before the change, so green afterwards does not show that nothing else changed.", "review")
    if not [c for c in checks if c.name != "undo tried"] and not measures:
        return Verdict("unverified", "It ended with exit 0; no check was given that would have noticed a failure.", "review")
    return Verdict("verified", "; ".join(e.said for e in [*measures, *checks]), "shipped")


def _said_outcome(outcome: str) -> str:
    return {
        "abandoned": "The session died before this attempt had ended.",
        "died": "The worker died before it could say how it ended.",
        "stopped": "You stopped the session before this attempt had ended.",
        "paused": "Its time was over before it was done; it goes on from there in its next window.",
        "limited": "A usage limit stopped it; it goes back without a lost attempt.",
        "no_login": "It needs a log-in that is missing.",
        "denied": "A permission that it needed was denied.",
        "timed_out": "It ran into its time limit.",
        "failed": "It failed.",
    }.get(outcome, outcome)
