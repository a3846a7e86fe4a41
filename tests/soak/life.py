"""A person and a machine, day by day: tasks are added and answered, nights are worked, slept through, cut off, stopped or without room.

All chances are drawn from one seed. The ids of tasks are the store's own, so that what is decided between equals by id may differ from run to run.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from jarvis_lib import autonomous_queue as queue
from jarvis_lib import overnight_runner, weekend_planner
from jarvis_lib.doors.init import init
from jarvis_lib.model.fact import Refused
from jarvis_lib.model.task import CATEGORIES, PRIORITIES
from jarvis_lib.store.place import Place
from jarvis_lib.workspace import open_workspace
from tests.soak.engine import Clock, PlayedEngine, poisson

ZONE = "Europe/Berlin"
FIRST = date(2026, 1, 5)
NIGHT_FAULTS = ("no machine", "asleep", "cut off", "asked to stop", "no room", "two at once", "clock set back")
"""What can happen to a night; drawn equally often among the faults."""
STEP_S = 120.0
"""The longest step of the simulated clock between two looks of the loop."""
ANSWERS: dict[str, tuple[tuple[float, str], ...]] = {
    "proposed": ((0.7, "approve"), (0.85, "decline")),
    "review": ((0.5, "accept"), (0.8, "drop")),
    "shipped": ((0.7, "accept"), (0.73, "undo")),
    "failed": ((0.4, "retry"), (0.6, "drop")),
    "parked": ((0.4, "approve"), (0.7, "drop")),
}
"""What the person does with a task in such a state on a morning, as cumulative shares; else nothing."""


class Life:
    """A workspace and its simulated days. `faults` is the share of attempts and of nights that go wrong."""

    def __init__(self, home: Path, *, seed: int, faults: float, per_day: float = 2.5, first: date = FIRST) -> None:
        self.home, self.seed, self.faults, self.per_day, self.first = home, seed, faults, per_day, first
        self.chance = Random(seed)
        self.zone = ZoneInfo(ZONE)
        self.clock = Clock(self.local(first, 8))
        self.engine = PlayedEngine(self.clock, self.chance, faults=faults)
        self.nights: dict[str, int] = {}
        self.refusals: dict[str, int] = {}
        if not home.exists():
            init(home)
            self.set(zone=f'zone = "{ZONE}"', busy_share="busy_share = 1.0", disk_floor_gb="disk_floor_gb = 0")

    def set(self, **lines: str) -> None:
        """Replace whole lines of jarvis.toml by their key."""
        path = self.home / "jarvis.toml"
        own = [lines.get(line.split(" = ")[0], line) if " = " in line else line for line in path.read_text().splitlines()]
        path.write_text("\n".join(own) + "\n")

    def local(self, day: date, hour: float) -> datetime:
        """The moment at which the local clock shows so many hours of `day`."""
        wall = datetime(day.year, day.month, day.day, tzinfo=self.zone) + timedelta(hours=hour)
        return wall.astimezone(UTC)

    def place(self, actor: str = "person:simulated") -> Place:
        return open_workspace(self.home, clock=self.clock, actor=actor)

    def at(self, moment: datetime) -> Place:
        """The workspace at `moment`, which is not before the clock's own time."""
        self.clock.now = max(self.clock.now, moment)
        return self.place()

    # --- by day ----------------------------------------------------------------------------------------------------------------

    def answer(self, day: date) -> None:
        """The person reads the brief and decides."""
        place = self.at(self.local(day, 8))
        for row in sorted(queue.listing(place, now=place.now()), key=lambda row: str(row["title"])):
            drawn = self.chance.random()
            verb = next((v for share, v in ANSWERS.get(row["state"], ()) if drawn < share), "")
            if verb:
                self.clock.turn(20)
                self._say(verb, place, row["id"])

    def _say(self, verb: str, place: Place, task: str) -> None:
        try:
            getattr(queue, verb)(place, task, now=place.now())
        except Refused as error:  # an answer that a rule does not take is an answer, and is counted
            self.refusals[error.code] = self.refusals.get(error.code, 0) + 1

    def add(self, day: date) -> None:
        """The day's tasks, some after others, some due, some that pause."""
        for n in range(poisson(self.chance, self.per_day if day.weekday() < 5 else self.per_day / 3)):
            place = self.at(self.local(day, 10 + 0.7 * n))
            category = self.chance.choice(CATEGORIES)
            number = f"{day:%m%d}{n}"
            queued = sorted(queue.listing(place, now=place.now(), state="queued"), key=lambda row: str(row["title"]))
            waiting = [row["id"] for row in queued]
            own: dict[str, Any] = {"changes": [f"work/{number}.txt"], "checks": [f"test -s work/{number}.txt"], "resumable": self.chance.random() < 0.15}
            if category == "Performance optimization":
                own["measures"] = [f"wc -c < work/{number}.txt"]
            if waiting and self.chance.random() < 0.2:
                own["after"] = [self.chance.choice(waiting)]
            if self.chance.random() < 0.25:
                own["due"] = self.local(day + timedelta(days=self.chance.randint(1, 9)), 17)
            hours = round(min(max(self.chance.lognormvariate(0, 0.7), 0.1), 7.0), 2)
            title = f"{category} number {number}"
            priority = self.chance.choice(tuple(PRIORITIES))
            queue.add(place, title, "A made-up task.", hours, category, priority, now=place.now(), command=f"echo {number}", **own)

    def weekend(self, day: date) -> None:
        """On Fridays the weekend is suggested, and now and then chosen."""
        place = self.at(self.local(day, 18))
        try:
            offered = weekend_planner.suggest(place, now=place.now())
        except Refused:
            return
        if offered.candidates and self.chance.random() < 0.5:
            weekend_planner.select(place, offered.candidates[0].id, now=place.now())

    # --- by night --------------------------------------------------------------------------------------------------------------

    def night(self, day: date, *, thinks: bool) -> str:
        """The night that begins on `day`; what happened to it."""
        fate = self.chance.choice(NIGHT_FAULTS) if self.chance.random() < self.faults else "worked"
        if fate != "no machine":
            self.at(self.local(day, 23))
            fate = self._worked(fate, thinks=thinks)
        self.nights[fate] = self.nights.get(fate, 0) + 1
        return fate

    def _worked(self, fate: str, *, thinks: bool) -> str:
        """A session; its fate, which is `worked` when it was over before anything befell it."""
        if fate == "cut off":
            return self._cut_off()
        befell = [fate in ("worked", "no room")]
        if fate == "no room":
            self.set(disk_floor_gb="disk_floor_gb = 1000000")
        try:
            pause = self._pauser(fate, befell)
            overnight_runner.start(self.place(), engine=self.engine, say=lambda line: None, with_brief=False, analyse=thinks, pause=pause)
        finally:
            if fate == "no room":
                self.set(disk_floor_gb="disk_floor_gb = 0")
        return fate if befell[0] else "worked"

    def _pauser(self, fate: str, befell: list[bool]) -> Callable[[float], None]:
        """Turns the clock to the next ending, in steps; in the middle of the night it does what the night's fate is."""
        left = [self.chance.randint(3, 60)]

        def pause(seconds: float) -> None:
            following = self.engine.next_end()
            step = STEP_S if following is None else (following - self.clock.now).total_seconds()
            self.clock.turn(min(max(step, seconds), STEP_S))
            left[0] -= 1
            if left[0] == 0:
                self._befall(fate)
                befell[0] = True

        return pause

    def _befall(self, fate: str) -> None:
        if fate == "asleep":
            self.clock.turn(self.chance.uniform(0.5, 6) * 3600)
        elif fate == "clock set back":
            self.clock.turn(-3 * 3600)
        elif fate == "asked to stop":
            overnight_runner.stop(self.place(), now=self.clock.now, how=self.chance.choice(("finish", "now")))
        elif fate == "two at once":
            try:
                overnight_runner.start(self.place(), say=lambda line: None, with_brief=False, analyse=False)
            except Refused as error:
                assert error.code == "busy", error
            else:
                raise AssertionError("a second session was started beside the first")

    def _cut_off(self) -> str:
        """The power goes in the middle of the night: a process of its own works it, and is killed without a word."""
        ticks = str(self.chance.randint(3, 60))
        argv = [sys.executable, "-m", "tests.soak.cut_off", str(self.home), self.clock.now.isoformat(), str(self.chance.randint(0, 10**6)), ticks]
        done = subprocess.run(argv, capture_output=True, text=True, timeout=300, check=False, env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])})
        if done.returncode not in (0, -signal.SIGKILL):
            raise AssertionError(done.stderr[-2000:])
        return "cut off" if done.returncode else "worked"
