"""A person and a machine, day by day: tasks are added and answered, nights and weekends are worked, slept through, cut off, stopped or without room.

The days have their holidays (those of the person's country, and two weeks in which nobody answers), their check-ins, their knocks of the slot ledger.
All chances are drawn from one seed. The ids of tasks are the store's own, so that what is decided between equals by id may differ from run to run.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from jarvis_lib import autonomous_queue as queue
from jarvis_lib import context_scheduler, overnight_runner, pattern_learner, weekend_planner
from jarvis_lib.autonomous_queue import holding
from jarvis_lib.doors.calendars.days_off import read_days_off
from jarvis_lib.doors.cron import acts, slots
from jarvis_lib.doors.init import init
from jarvis_lib.model.fact import Refused
from jarvis_lib.model.task import CATEGORIES, PRIORITIES
from jarvis_lib.store.place import Place
from jarvis_lib.workspace import open_workspace
from tests.roomy import ROOM
from tests.soak.engine import Clock, PlayedEngine, poisson

ZONE = "Europe/Berlin"
FIRST = date(2026, 1, 5)
MOST_AWAY_DAYS = 14
NIGHT_FAULTS = ("no machine", "asleep", "cut off", "asked to stop", "no room", "two at once", "clock set back")
"""What can happen to a night; drawn equally often among the faults."""
STEP_S = 120.0
"""The longest step of the simulated clock between two looks of the loop."""
CATCH_UP = timedelta(minutes=15)
ANSWERS: dict[str, tuple[tuple[float, str], ...]] = {
    "proposed": ((0.7, "approve"), (0.85, "decline")),
    "review": ((0.5, "accept"), (0.8, "drop")),
    "shipped": ((0.7, "accept"), (0.73, "undo")),
    "failed": ((0.4, "retry"), (0.6, "drop")),
    "parked": ((0.4, "approve"), (0.7, "drop")),
}
"""What the person does with a task in such a state on a morning, as cumulative shares; else nothing."""
SETTINGS = {
    "zone": f'zone = "{ZONE}"',
    "country": 'country = "DE"',
    "subdivision": 'subdivision = "BY"',
    **ROOM,
    "order": 'order = ["custom"]',
    "custom": 'custom = "agent {prompt_file}"',
}


def holiday(nights: int, first: date = FIRST) -> list[date]:
    """The days on which nobody answers: two weeks past the middle, or a sixth of what is shorter."""
    begin = first + timedelta(days=nights * 4 // 7)
    return [begin + timedelta(days=n) for n in range(min(MOST_AWAY_DAYS, nights // 6))]


class Life:
    """A workspace and its simulated days. `faults` is the share of attempts and of nights that go wrong; on the days of `away` nobody answers."""

    daily_pages = False
    """Is the page of the brief made every morning, and not on Mondays alone?"""

    def __init__(
        self, home: Path, *, seed: int, faults: float, per_day: float = 2.5, first: date = FIRST, away: Sequence[date] = (), keep_days: int = 90
    ) -> None:
        self.home, self.seed, self.faults, self.per_day, self.first, self.away = home, seed, faults, per_day, first, tuple(away)
        self.keep_days = keep_days
        self.chance = Random(seed)
        self.zone = ZoneInfo(ZONE)
        self.clock = Clock(self.local(first, 8))
        self.engine = PlayedEngine(self.clock, self.chance, faults=faults)
        self.days_off = {date.fromisoformat(d) for d in read_days_off("DE", "BY", first.year, first.year + 2).days}
        self.nights: dict[str, int] = {}
        self.skewed: set[str] = set()
        self.thought: datetime | None = None
        self.refusals: dict[str, int] = {}
        self.agenda: list[tuple[datetime, Callable[[], object]]] = []
        self.looked: datetime | None = None
        self.dated: set[Path] = set()
        self.agents = False
        if not home.exists():
            init(home)
            self.set(**SETTINGS, keep_attempts_days=f"keep_attempts_days = {keep_days}")
            place = self.place()
            place.store.write(place.fact("cron.installed", scheduler="cron"))
            self.agents = holding.look(place, now=place.now()).strict

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
        self.wait(moment)
        return self.place()

    def wait(self, moment: datetime) -> None:
        """The clock shows `moment`, and what was on the agenda until then has been done."""
        while self.agenda and self.agenda[0][0] <= moment:
            due, act = self.agenda.pop(0)
            self.clock.now = max(self.clock.now, due)
            act()
        self.clock.now = max(self.clock.now, moment)

    # --- by day ----------------------------------------------------------------------------------------------------------------

    def is_away(self, day: date) -> bool:
        return day in self.away

    def day(self, day: date) -> None:
        """From the morning's answers to the evening: the weekend's session, what the person does, and the knocks of the day."""
        self.agenda += [(self.local(day, 19), self._checkin)]
        if day.weekday() == 4:
            self.agenda += [(self.local(day, 18), lambda: self._friday(day))]
        if day.weekday() == 6:
            self.agenda += [(self.local(day, 20), lambda: self.knock("summary", self._told)), (self.local(day, 21), lambda: self.knock("review", self._told))]
        self.agenda.sort(key=lambda item: item[0])
        if self.away and day == self.away[0]:
            place = self.at(self.local(day, 7.9))
            context_scheduler.set_context(place, "away", now=place.now(), until=self.local(self.away[-1], 23))
        if not self.is_away(day):
            self.answer(day)
        if day.weekday() >= 5 or day in self.days_off:
            self._weekend(day)
        if not self.is_away(day):
            self.add(day)
        self.at(self.local(day, 22.9))

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
        """The day's tasks, some after others, some due, some that pause, some for an agent."""
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
            if self.agents and self.chance.random() < 0.1:
                own["agent"] = "custom"
            else:
                own["command"] = f"echo {number}"
            title = f"{category} number {number}"
            priority = self.chance.choice(tuple(PRIORITIES))
            queue.add(place, title, "A made-up task.", hours, category, priority, now=place.now(), **own)

    # --- knocks ----------------------------------------------------------------------------------------------------------------

    def knock(self, job: str, act: Callable[[Place], str]) -> str:
        """A scheduler knocks, or the catch-up does: the newest slot of the job is claimed, its work done, its end written. Nothing when it is not free."""
        place = self.place()
        slot = slots.newest(place, job, now=place.now())
        dead = slot is not None and slot.row is not None and slot.stands == "claimed" and slots.is_dead(slot.row["owner"])
        if slot is None or (slot.stands != "run" and not dead) or place.now() >= slot.occasion.until:
            return ""
        if slot.occasion.is_session and (kept := acts.may_begin(place, slot.occasion)):
            return kept
        with slots.claimed(place, slot, now=place.now()) as claim:
            said = act(place)
            if not slot.occasion.is_session:
                slots.end(self.place(), claim, "worked", said)
        return said

    def note_missed(self) -> None:
        """What a catch-up writes down of slots whose time is over."""
        place = self.place()
        slots.note_missed(place, now=place.now(), since=self.looked, silent_since=None, reasons={})
        self.looked = place.now()

    def _checkin(self) -> None:
        self.knock("checkin", lambda place: overnight_runner.checkin(place, as_of=place.now()).headline)

    @staticmethod
    def _told(place: Place) -> str:
        return weekend_planner.review(place, as_of=place.now()).headline

    # --- weekends ----------------------------------------------------------------------------------------------------------------

    def _friday(self, day: date) -> None:
        """On Fridays the weekend is suggested; every second time the person takes the first of it and starts it."""
        self.knock("suggest", lambda place: weekend_planner.suggest(place, now=place.now()).said)
        if self.is_away(day) or self.chance.random() < 0.5:
            return
        place = self.place()
        offered = weekend_planner.suggest(place, now=place.now())
        if offered.candidates:
            self.clock.turn(60)
            self._try(lambda now: weekend_planner.select(place, offered.candidates[0].id, now=now))
            self._try(lambda now: weekend_planner.start(place, now=now))

    def _weekend(self, day: date) -> None:
        """The session of Saturday, Sunday or a public holiday; then the person does a phase that is left by hand, now and then."""
        self.at(self.local(day, 9))
        self.knock("weekend", self._work_weekend)
        place = self.at(self.local(day, 14))
        builds = weekend_planner.progress(place, now=place.now()).builds
        left = [p for b in builds for p in b.phases if p.standing in ("to do", "needs you")]
        if left and not self.is_away(day) and self.chance.random() < 0.4:
            self._try(lambda now: weekend_planner.complete(place, left[0].task, now=now))

    def _work_weekend(self, place: Place) -> str:
        return queue.work_now(place, say=lambda line: None, engine=self.engine, pause=self._pauser("worked", [False]))

    def _try(self, act: Callable[[datetime], object]) -> None:
        try:
            act(self.clock.now)
        except Refused as error:
            self.refusals[error.code] = self.refusals.get(error.code, 0) + 1

    # --- by night --------------------------------------------------------------------------------------------------------------

    def night(self, day: date, *, thinks: bool) -> str:
        """The night that begins on `day`; what happened to it."""
        fate = self._draw()
        if fate == "no machine":
            self.clock.now = max(self.clock.now, self.local(day + timedelta(days=1), 8))
        else:
            self.at(self.local(day, 23))
            fate = self._worked(fate, day, thinks=thinks)
            if not thinks:
                self._study()
        self.nights[fate] = self.nights.get(fate, 0) + 1
        self._age()
        return fate

    def _study(self) -> None:
        """What the notebook of the routines has written down each night, without its kernel: scores, and the coming day's predictions."""
        place = self.place()
        with place.store.reading() as reader:
            found = pattern_learner.study(reader, place, now=place.now(), seed=self.seed)
        place.store.append(*(place.fact(kind, **data) for kind, data in found.facts))

    def _draw(self) -> str:
        return self.chance.choice(NIGHT_FAULTS) if self.chance.random() < self.faults else "worked"

    def _worked(self, fate: str, day: date, *, thinks: bool) -> str:
        """A session; its fate, which is `worked` when it was over before anything befell it."""
        if fate == "cut off":
            cut = self._cut_off()
            if cut == "cut off":
                self.at(self.clock.now + CATCH_UP)
                self.knock("overnight", lambda place: self._session(place, "worked", [True], thinks=False))
            return cut
        befell, began = [fate in ("worked", "no room")], self.clock.now
        if fate == "no room":
            self.set(disk_floor_gb="disk_floor_gb = 1000000")
        try:
            self.knock("overnight", lambda place: self._session(place, fate, befell, thinks=thinks))
        finally:
            if fate == "no room":
                self.set(disk_floor_gb="disk_floor_gb = 0")
        if thinks and fate == "worked":
            self.thought = began
        if fate == "clock set back" and befell[0]:
            self.skewed.add(f"overnight@{day}")
        return fate if befell[0] else "worked"

    def _session(self, place: Place, fate: str, befell: list[bool], *, thinks: bool) -> str:
        pause = self._pauser(fate, befell)
        overnight_runner.start(place, engine=self.engine, say=lambda line: None, with_brief=False, analyse=thinks, pause=pause)
        return "worked"

    def _pauser(self, fate: str, befell: list[bool]) -> Callable[[float], None]:
        """Turns the clock to the next ending, in steps; in the middle of the session it does what the night's fate is."""
        left = [self.chance.randint(3, 60)]

        def pause(seconds: float) -> None:
            following = self.engine.next_end()
            step = STEP_S if following is None else (following - self.clock.now).total_seconds()
            self.wait(self.clock.now + timedelta(seconds=min(max(step, seconds), STEP_S)))
            left[0] -= 1
            if left[0] == 0 and fate != "worked":
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
        ticks, clock = str(self.chance.randint(3, 60)), self.home.with_name("cut-off.clock")
        argv = [sys.executable, "-m", "tests.soak.cut_off", str(self.home), self.clock.now.isoformat(), str(self.chance.randint(0, 10**6)), ticks, str(clock)]
        done = subprocess.run(argv, capture_output=True, text=True, timeout=300, check=False, env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])})
        if done.returncode not in (0, -signal.SIGKILL):
            raise AssertionError(done.stderr[-2000:])
        if clock.exists():
            self.clock.now = max(self.clock.now, datetime.fromisoformat(clock.read_text()))
            clock.unlink()
        return "cut off" if done.returncode else "worked"

    def _age(self) -> None:
        """Folders that are removed by their date have that of the simulated clock, as they would."""
        for path in (p for pattern in ("data/sessions/*", "data/bundles/*") for p in self.home.glob(pattern)):
            if path not in self.dated:
                os.utime(path, (self.clock.now.timestamp(),) * 2)
                self.dated.add(path)
