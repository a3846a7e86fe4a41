"""Recipes that are played: how long each takes and how it ends is drawn from a seed; the files that it declares are really written, kept and looked at."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

from jarvis_lib.execution import keep
from jarvis_lib.execution.manifest import look
from jarvis_lib.execution.results import Result, ended_badly
from jarvis_lib.model.call import Call, Limit
from jarvis_lib.model.evidence import Evidence
from jarvis_lib.model.task import Task, task_from_json

FAULTS = ("hollow", "wrong", "exit", "died", "hang", "denied", "limited", "guard", "question", "escalated", "unstarted")
"""How an attempt can go wrong; each is drawn equally often among the faults."""
STEPS_S = {"baseline": 2.0, "prove": 15.0}
GRACE = timedelta(seconds=5)


@dataclass
class Clock:
    """The simulated time, which stands until somebody turns it."""

    now: datetime

    def __call__(self) -> datetime:
        return self.now

    def turn(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@dataclass(eq=False)
class Played:
    """One step that runs."""

    spec: dict[str, Any]
    task: Task
    ends: datetime | None
    fate: str
    seconds: float
    stopped: str = ""


class PlayedEngine:
    """An engine for the real session loop. `faults` is the share of attempts that go wrong, `factor` what work really takes against its estimate."""

    def __init__(self, clock: Clock, chance: Random, *, faults: float, factor: float = 1.2) -> None:
        self.clock, self.chance, self.faults, self.factor = clock, chance, faults, factor
        self.fates: dict[str, str] = {}
        self.played: dict[str, int] = {}
        self.running: list[Played] = []

    def submit(self, spec: dict[str, Any]) -> Played:
        task, attempt = task_from_json(spec["task"]), spec["attempt"]
        if spec["step"] == "baseline":
            fate = self.chance.choice(FAULTS) if self.chance.random() < self.faults else "done"
            self.fates[attempt] = fate
            self.played[fate] = self.played.get(fate, 0) + 1
            if fate == "unstarted":
                raise OSError(12, "Cannot allocate memory")
        fate = self.fates[attempt]
        own = task.hours * 3600 * self.factor * self.chance.lognormvariate(0, 0.35) if spec["step"] == "recipe" else STEPS_S[spec["step"]]
        ends = None if fate == "hang" and spec["step"] == "recipe" else self.clock.now + timedelta(seconds=own)
        played = Played(spec, task, ends, fate, own)
        self.running.append(played)
        return played

    def poll(self, handle: Played) -> Result | None:
        if handle.ends is None or self.clock.now < handle.ends:
            return None
        self.running.remove(handle)
        if handle.stopped:
            return ended_badly(handle.stopped, f"The {handle.spec['step']} step was ended ({handle.stopped.replace('_', ' ')})", seconds=handle.seconds)
        return getattr(self, f"_{handle.spec['step']}")(handle)  # type: ignore[no-any-return]  # one of the three below

    def stop(self, handle: Played, outcome: str) -> None:
        if not handle.stopped:
            handle.stopped, handle.ends = outcome, self.clock.now + GRACE

    def close(self) -> None:
        self.running.clear()

    def next_end(self) -> datetime | None:
        return min((p.ends for p in self.running if p.ends), default=None)

    # --- the three steps -----------------------------------------------------------------------------------------------------

    def _baseline(self, handle: Played) -> Result:
        home, folder = Path(handle.spec["home"]), Path(handle.spec["dir"])
        before = keep.keep(home, handle.task.changes, folder / "before")
        red = [_evidence("check_before", c.command, False, "red before") for c in handle.task.checks] if handle.task.category == "Bug fixes" else []
        return {"outcome": "finished", "said": "kept", "before": before, "measured": {}, "evidence": red}

    def _recipe(self, handle: Played) -> Result:
        home, fate = Path(handle.spec["home"]), handle.fate
        calls = _calls(handle, self.chance, self.clock.now) if handle.task.recipe is not None and handle.task.recipe.kind == "agent" else []
        limited = any(c["limit"] for c in calls)
        if fate in ("done", "wrong", "guard") and not limited:
            for name in handle.task.changes:
                (home / name).parent.mkdir(parents=True, exist_ok=True)
                (home / name).write_text(f"{handle.spec['attempt']} wrote this\n")
        outcome = {"exit": "failed", "died": "died", "denied": "denied", "limited": "limited"}.get(fate, "finished")
        if limited:
            outcome = "limited"
        evidence = [_evidence("exit", "command", outcome == "finished", f"it ended ({fate})")]
        if fate == "escalated":
            evidence.append(_evidence("escalation", "words", False, "it says that it deleted what it should not"))
        if fate == "question":
            evidence.append(_evidence("question", "question", None, "Should it be rounded up?"))
        if fate == "denied":
            evidence.append(_evidence("denial", "network", None, "a connection"))
        return {"outcome": outcome, "said": fate, "exit_code": int(outcome == "failed"), "seconds": handle.seconds, "evidence": evidence, "calls": calls}

    def _prove(self, handle: Played) -> Result:
        home = Path(handle.spec["home"])
        before, after = handle.spec["before"], look(home, handle.task.changes)
        old = {e["path"]: e["sha256"] for e in before}
        evidence = [_evidence("change", e["path"], None, e["path"], changed=old.get(e["path"]) != e["sha256"], sha256=e["sha256"]) for e in after]
        evidence += [_evidence("check", c.command, handle.fate != "wrong", "the check") for c in handle.task.checks]
        if handle.task.measures:
            evidence += [_evidence("measure", m.name, handle.fate != "wrong", "2.1x (1.9 to 2.3)") for m in handle.task.measures]
        if handle.fate == "guard":
            evidence.append(_evidence("guard", "diff", False, "it changed a policy file"))
        return {"outcome": "finished", "said": "looked", "after": after, "evidence": evidence}


LIMITED = 0.15
"""How often an agent's account is used up: no fault, but life."""


def _calls(handle: Played, chance: Random, now: datetime) -> list[dict[str, Any]]:
    """What the call of an agent told, one in a while that its account is used up for some hours."""
    until = now + timedelta(hours=chance.uniform(1, 9)) if handle.fate == "limited" or chance.random() < LIMITED else None
    limit = Limit(until, "five_hour") if until else None
    told = Call("custom", "1.0", int(limit is not None), tokens_in=2000, tokens_out=300, cost=0.02, turns=3, limit=limit)
    return [told.to_json()]


def _evidence(kind: str, name: str, ok: bool | None, said: str, **detail: Any) -> dict[str, Any]:
    return Evidence(kind, name, ok, said, detail).to_json()


def shares(counts: dict[str, int], names: Sequence[str]) -> str:
    """`done 700, wrong 3, ...`, for the figures."""
    return ", ".join(f"{name} {counts.get(name, 0)}" for name in names)


def poisson(chance: Random, mean: float) -> int:
    """A draw from the Poisson law, by Knuth's product of uniforms (The Art of Computer Programming, 2, 3.4.1)."""
    limit, n, product = math.exp(-mean), 0, chance.random()
    while product > limit:
        n, product = n + 1, product * chance.random()
    return n
