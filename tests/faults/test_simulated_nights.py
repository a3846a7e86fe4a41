"""Nights by the hundred: the real loop and the real store with a clock that steps and an engine that draws faults from a seed; after each, the oracle.

JARVIS_SIMULATION_SEED chooses another seed, JARVIS_SIMULATION_SECONDS how long it goes on; the seed is printed.
"""

import os
import random
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from jarvis_lib import autonomous_queue as queue
from jarvis_lib.execution.results import Result, ended_badly
from jarvis_lib.model.fact import Refused
from jarvis_lib.store import recover
from jarvis_lib.store.place import Place
from tests.facts import opened, passed
from tests.faults import oracle
from tests.faults.nights import real
from tests.faults.oracle import rows

pytestmark = pytest.mark.faults
SEED = int(os.environ.get("JARVIS_SIMULATION_SEED", "20261127"))
SECONDS = float(os.environ.get("JARVIS_SIMULATION_SECONDS", "60"))
FATES = ("finished", "finished", "finished", "failed", "died", "hangs", "no room", "timed_out", "refuted", "hollow")
CATEGORIES = ("Documentation", "Test coverage", "Refactoring", "Bug fixes")


class Killed(BaseException):
    """The session is gone in this moment, as by kill -9: nothing of it runs any more."""


class Clock:
    """Time as the session sees it: it goes on when somebody waits, and sometimes it jumps."""

    def __init__(self, chance: random.Random) -> None:
        self.chance, self.time, self.seen = chance, datetime(2026, 1, 5, 23, 0, tzinfo=UTC), Counter[str]()
        self.deadly = False

    def now(self) -> datetime:
        return self.time

    def pause(self, seconds: float) -> None:
        drawn = self.chance.random()
        step = timedelta(seconds=self.chance.choice((seconds, 60.0, 150.0, 290.0)))
        if drawn < 0.01:
            step = timedelta(hours=self.chance.choice((3, -3, 0.5, -0.5)))
            self.seen["the clock jumped"] += 1
        self.time += step
        if self.deadly and self.chance.random() < 0.03:
            self.seen["the session was killed"] += 1
            raise Killed


@dataclass
class Step:
    """A step in flight: what will become of it, and when."""

    spec: dict[str, Any]
    fate: str
    ends: datetime
    outcome: str = ""


class Scripted:
    """An engine that starts nothing and draws what happened."""

    def __init__(self, clock: Clock) -> None:
        self.clock, self.open = clock, 0

    def submit(self, spec: dict[str, Any]) -> Step:
        fate = self.clock.chance.choice(FATES)
        if fate == "no room":
            self.clock.seen[fate] += 1
            raise OSError(28, "No space left on device")
        self.open += 1
        return Step(spec, fate, self.clock.now() + timedelta(seconds=self.clock.chance.uniform(0, 900)))

    def poll(self, step: Step) -> Result | None:
        if step.outcome:
            result = ended_badly(step.outcome, f"it was {step.outcome}")
        elif step.fate == "hangs" or self.clock.now() < step.ends:
            return None
        else:
            result = self._result(step)
        self.open -= 1
        self.clock.seen[f"{step.spec['step']}: {result['outcome']}"] += 1
        return result

    def _result(self, step: Step) -> Result:
        name, fate = step.spec["step"], step.fate
        if fate in ("failed", "died", "timed_out") or (fate == "hollow" and name == "recipe"):
            return ended_badly("failed" if fate == "hollow" else fate, f"it {fate}")
        base: Result = {"outcome": "finished", "said": "well", "evidence": []}
        if name == "baseline":
            red = {"kind": "check_before", "name": "check", "ok": False, "said": "red before the fix", "detail": {}}
            return base | {"before": [], "measured": {}, "evidence": [red] if step.spec["task"]["category"] == "Bug fixes" else []}
        if name == "recipe":
            done = {"kind": "exit", "name": "command", "ok": True, "said": "it ended with exit 0", "detail": {}}
            return base | {"seconds": 3.0, "exit_code": 0, "evidence": [done]}
        return base | {"after": [], "evidence": [passed() | {"ok": fate != "refuted"}]}

    def stop(self, step: Step, outcome: str) -> None:
        step.outcome = step.outcome or outcome

    def close(self) -> None:
        return


@pytest.fixture
def quick(home: Path) -> Iterator[Path]:
    """The workspace in memory where that can be: what is simulated is not the disk."""
    memory = Path("/dev/shm")
    if not os.access(memory, os.W_OK):
        yield home
        return
    with tempfile.TemporaryDirectory(dir=memory) as folder:
        shutil.copy(home / "jarvis.toml", folder)
        yield Path(folder)


def live_a_day(place: Place, chance: random.Random, clock: Clock) -> None:
    """What the person does between two nights: adds, answers, drops, takes again."""
    for _ in range(chance.randrange(4)):
        hours = chance.choice((0.1, 0.5, 2.0, 9.0))
        queue.add(place, f"Task {clock.time:%j %H%M%S}", "", hours, chance.choice(CATEGORIES), "MEDIUM", command="true", checks=["true"], now=place.now())
    for row in rows(place, "tasks"):
        verb = chance.choice(("approve", "drop", "retry", "accept"))
        if chance.random() < 0.1 or (row["state"] in ("parked", "failed", "review") and chance.random() < 0.3):
            try:
                getattr(queue, verb)(place, row["id"], now=place.now())
                clock.seen[f"you said {verb}"] += 1
            except Refused:
                continue


def night(place: Place, chance: random.Random, clock: Clock) -> None:
    queue.close_dead(place, now=place.now())
    queue.housekeeping(place, now=place.now())
    now, name = place.now(), f"s{chance.getrandbits(40):x}"
    place.store.write(opened(place, name, at=now))
    stop = queue.Stop()
    if chance.random() < 0.1:
        stop.ask(chance.choice(("finish", "now")))
    hours = chance.uniform(0.2, 8)
    own = queue.Session(name, now + timedelta(hours=hours), now + timedelta(hours=hours, minutes=10), chance.randrange(1, 4), 7)
    engine = Scripted(clock)
    clock.deadly = chance.random() < 0.3
    try:
        queue.work(place, own, engine=engine, stop=stop, pause=clock.pause)
    except Killed:
        return
    assert engine.open == 0, "the loop ended with a step in flight"
    place.store.write(place.fact("session.closed", session=name, outcome="finished"))


def look(place: Place) -> None:
    """The part of the oracle that is quick enough for each night."""
    for attempt, count in oracle.endings(place).items():
        assert count == 1, attempt
    running = [t for t in rows(place, "tasks") if t["state"] == "running"]
    still = [a for a in rows(place, "attempts") if a["ended_at"] is None]
    assert {t["id"] for t in running} == {a["task"] for a in still} and len(running) == len(still)
    for t in rows(place, "tasks"):
        assert t["attempts"] <= 3


@pytest.mark.parametrize("part", range(2))
def test_simulated_nights_keep_every_promise(quick: Path, part: int) -> None:
    """As many nights as fit into the time, from a seed: one ending for each attempt, one state for each task, nothing believed without proof."""
    seed = SEED + part
    chance = random.Random(seed)
    clock = Clock(chance)
    place = real(quick, clock.now)
    until, nights = time.monotonic() + SECONDS, 0
    while time.monotonic() < until:
        live_a_day(place, chance, clock)
        night(place, chance, clock)
        look(place)
        clock.time += timedelta(hours=chance.uniform(1, 20))
        nights += 1
        if nights % 25 == 0:
            queue.close_dead(place, now=place.now())
            oracle.check(place)
    queue.close_dead(place, now=place.now())
    oracle.check(place)
    assert recover.verify(place.store) == []
    attempts = rows(place, "attempts")
    print(f"seed {seed}: {nights} nights, {len(rows(place, 'tasks'))} tasks, {len(attempts)} attempts, 0 lost; {dict(clock.seen)}")
    assert nights >= 5 and len(attempts) > nights / 2
