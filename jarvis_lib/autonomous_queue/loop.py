"""The only session loop: claim, run, prove, write the ending; up to some lanes side by side, until the deadline.

An attempt is written before its start and ended once, after its checks. Nothing here believes a recipe: the ledger judges the
evidence when the ending is applied.
"""

import json
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from jarvis_lib import build_scheduler, context_scheduler
from jarvis_lib.autonomous_queue import agents, copies, holding
from jarvis_lib.autonomous_queue.holding import NOTHING_TRIED, Held
from jarvis_lib.autonomous_queue.verbs import current_hash
from jarvis_lib.context_scheduler import Context
from jarvis_lib.execution import keep, postman
from jarvis_lib.execution.digests import files_of
from jarvis_lib.execution.engine import Engine
from jarvis_lib.execution.manifest import look
from jarvis_lib.execution.results import ended_badly
from jarvis_lib.execution.room import room
from jarvis_lib.execution.spec import AgentWork, RepositoryWork
from jarvis_lib.model.book import Row
from jarvis_lib.model.crash import crash_point
from jarvis_lib.model.evidence import Evidence
from jarvis_lib.model.fact import Refused, new_id, stamp
from jarvis_lib.model.plan import Candidate
from jarvis_lib.model.prose import clean, listed, seconds, shorten
from jarvis_lib.model.task import Task
from jarvis_lib.model.task_row import content_of, name_of
from jarvis_lib.store import journal, spool
from jarvis_lib.store.place import Place

STEPS = ("baseline", "recipe", "prove")
TICK_S = 0.1
LOOK_S = 1.0
CONTEXT_S = 15.0
LEAST_WALL_S = 60.0
ASLEEP_S = 300.0
HEARTBEAT = Path("data/session.alive")
UNFINISHED = ("timed_out", "stopped", "limited", "no_login", "denied", "failed")
"""Endings of a recipe in a repository after which its partial work is brought back, so that nothing that was done is lost."""


@dataclass(frozen=True, slots=True)
class Session:
    """What the loop must know of its session: aware UTC times for the end of work and of checks, and how much runs at once.

    `window` is the key of the window that it opens. With `follow` the person's context says how much and what runs, and takes the machine back
    when it changes; without it only what the person has set by hand does. In the spans of `busy` nothing is started, and nothing that would reach
    into one.
    """

    id: str
    work_ends: datetime
    checks_end: datetime
    lanes: int
    seed: int
    window: str = ""
    follow: bool = False
    busy: tuple[tuple[datetime, datetime], ...] = ()
    held: Held = NOTHING_TRIED

    def room_until(self, now: datetime) -> datetime:
        """How long may work that starts now go on? `now` itself inside of a busy span."""
        if any(start <= now < end for start, end in self.busy):
            return now
        return min([self.work_ends, *(start for start, _ in self.busy if start > now)])

    def waits_until(self, now: datetime) -> datetime | None:
        """The end of the busy span that is on or comes next, when there is room to work after it."""
        return min((end for _, end in self.busy if now < end < self.work_ends), default=None)


@dataclass
class Stop:
    """How the person asked to stop: `finish` what runs, or `now`. A signal handler sets it, with words that the loop says.

    A handler must not print: it may come while its own program is printing, and Python's streams refuse a second writer.
    """

    how: str = ""
    words: list[str] = field(default_factory=list)

    def ask(self, how: str, word: str = "") -> None:
        """Remember `finish` or `now`, and the word to say; `now` is never taken back by a later `finish`."""
        self.how = how if self.how != "now" else self.how
        self.words += [word] if word else []

    def tell(self, say: Callable[[str], None]) -> None:
        """Say the words that were not said yet."""
        while self.words:
            say(self.words.pop(0))


@dataclass
class Run:
    """One attempt in flight: which step runs, since when, and what the finished steps gave."""

    row: Row
    task: Task
    attempt: str
    n: int
    folder: Path
    deadline: datetime
    step: str = ""
    handle: Any = None
    results: dict[str, dict[str, Any]] = field(default_factory=dict)
    meddled: str = ""
    by_window: bool = False
    origin: dict[str, Any] | None = None
    own_before: list[dict[str, Any]] = field(default_factory=list)
    left: list[dict[str, Any]] = field(default_factory=list)
    began: float = 0.0
    paused: bool = False
    proof_files: dict[str, str] = field(default_factory=dict)
    work: RepositoryWork | None = None
    agent: AgentWork | None = None
    unfinished: bool = False


class SettingsGuard:
    """The workspace's jarvis.toml as it was when the session began, and a way back to it."""

    def __init__(self, home: Path) -> None:
        self.home, self.path = home, home / "jarvis.toml"
        self.content = self.path.read_bytes()
        self.seen = self._look()

    def _look(self) -> tuple[int, int, int] | None:
        try:
            found = os.lstat(self.path)
        except FileNotFoundError:
            return None
        return found.st_mtime_ns, found.st_size, found.st_ino

    def put_back(self, now: datetime) -> str | None:
        """None when nothing changed; else where the changed file was set aside (relative to the workspace), the first one being back."""
        if self._look() == self.seen:
            return None
        if self.path.is_file() and not self.path.is_symlink() and self.path.read_bytes() == self.content:
            self.seen = self._look()
            return None
        aside = self.home / "data" / "kept" / f"settings-{now:%Y%m%dT%H%M%S%f}.toml"
        aside.parent.mkdir(parents=True, exist_ok=True)
        if os.path.lexists(self.path):
            os.replace(self.path, aside)
        temporary = self.path.with_name(".jarvis.toml.tmp")
        temporary.write_bytes(self.content)
        os.replace(temporary, self.path)
        self.seen = self._look()
        return aside.relative_to(self.home).as_posix()


@dataclass
class Tally:
    """What the loop did, for the session's report."""

    attempts: int = 0
    ended: list[dict[str, Any]] = field(default_factory=list)
    passed_over: dict[str, str] = field(default_factory=dict)
    asleep_s: float = 0.0
    why_ended: str = ""


def work(
    place: Place,
    session: Session,
    *,
    engine: Engine,
    only: set[str] | None = None,
    stop: Stop | None = None,
    say: Callable[[str], None] = lambda line: None,
    pause: Callable[[float], None] = time.sleep,
) -> Tally:
    """Work the queue until the session's time is over, nothing fits, or somebody says stop. Everything started has an ending.

    `only` limits the work to the tasks that the plan showed and its reserves; a critical task that is added later joins. `pause` waits for so many seconds
    between two looks.
    """
    loop = _Loop(place, session, engine, only, stop or Stop(), say, pause)
    try:
        return loop.run()
    finally:
        engine.close()


class _Loop:
    def __init__(
        self, place: Place, session: Session, engine: Engine, only: set[str] | None, stop: Stop, say: Callable[[str], None], pause: Callable[[float], None]
    ) -> None:
        self.pause = pause
        self.place, self.session, self.engine, self.only, self.stop, self.say = place, session, engine, only, stop, say
        self.runs: list[Run] = []
        self.claimed: list[Run] = []
        self.tried: set[str] = set()
        self.tally = Tally()
        self.candidates: list[Candidate] = []
        self.stale = self.choose = True
        self.looked = -LOOK_S
        self.mark = ("", 0)
        self.beaten = -LOOK_S
        self.settings = SettingsGuard(place.home)
        self.context: Context | None = None
        self.context_looked = -CONTEXT_S
        self.handed_back = ""
        self.no_room = self.halted = ""
        self.kept_out: dict[str, str] = {}

    def run(self) -> Tally:
        before = self.place.now()
        while True:
            now = self.place.now()
            if (now - before).total_seconds() > ASLEEP_S:
                self._slept(before, now)
            before = now
            self.stop.tell(self.say)
            self._guard_settings(now)
            self._beat()
            for run in list(self.runs):
                self._advance(run, now)
            self._look(last=not self.runs)
            self._follow(now)
            started = self._fill(self.place.now())
            if not self.runs and not started and not self.stale and not self._waits(now):
                self.tally.why_ended = self._why_ended(now)
                return self.tally
            self.pause(TICK_S)

    def _waits(self, now: datetime) -> bool:
        """True before and in a busy span, when something may run after it and the person did not stop the session."""
        if self.stop.how or self.handed_back or not any(map(self._allowed, self.candidates)):
            return False
        if self.no_room and now < self.session.work_ends:
            self.choose = True  # so that it starts as soon as there is room again
            return True
        if self.session.waits_until(now) is None:
            return False
        self.choose = self.choose or self.session.room_until(now) <= now  # so that the end of the span finds it looking
        return True

    def _follow(self, now: datetime) -> None:
        """Ask for the person's context now and then. When another one has begun, nothing new is started, and what can pause does."""
        if time.monotonic() - self.context_looked < CONTEXT_S:
            return
        self.context_looked = time.monotonic()
        try:
            context_scheduler.note_transition(self.place, now=now)
            found = context_scheduler.detect(self.place, now=now)
        except Refused as error:  # a store that takes no more must not end what runs; the context stays what it was
            self.say(f"  the context could not be asked: {error.sentence}")
            return
        if not self.session.follow:
            self.choose = self.choose or (found if found.by_hand else None) != self.context
            self.context = found if found.by_hand else None
            return
        if self.context is not None and found.state != self.context.state and not self.handed_back:
            self.handed_back = f"you are {found.state} now, not {self.context.state}"
            self.say(f"  {self.handed_back}: nothing more is started, and the machine is yours")
            for run in filter(self._may_pause, self.runs):
                self._end_now(run, "stopped")
        self.context = self.context or found

    def _why_ended(self, now: datetime) -> str:
        if self.handed_back or self.halted:
            return self.halted or self.handed_back
        if self.no_room:
            return f"nothing more was started: {self.no_room}"
        if self.stop.how:
            return "you stopped it"
        if now >= self.session.work_ends:
            return "its time was over"
        return "nothing that may run fits the time left" if self.tally.passed_over else "the queue had nothing more to run"

    def _slept(self, since: datetime, now: datetime) -> None:
        gap = (now - since).total_seconds()
        self.tally.asleep_s += gap
        said = f"the machine slept for {seconds(gap)}, from {since.astimezone(self.place.zone):%H:%M}"
        self.place.store.append(self.place.fact("session.phase", at=now, session=self.session.id, name="asleep", event="noted", said=said, seconds=gap))

    def _beat(self) -> None:
        """A sign of life: after a crash it tells what changed while the session lived."""
        if time.monotonic() - self.beaten >= LOOK_S:
            (self.place.home / HEARTBEAT).touch()
            self.beaten = time.monotonic()

    def _guard_settings(self, now: datetime) -> None:
        """Nothing that runs may change the policy of the next night: the file is put back at once, and all that ran is a question."""
        aside = self.settings.put_back(now)
        if aside is None:
            return
        for run in self.runs:
            run.meddled = f"jarvis.toml was changed while it ran; it was put back, and the changed one is {aside}"
        said = f"jarvis.toml was changed during the session and was put back; what stood there is in {aside}. Settings are changed between sessions."
        self.place.store.append(self.place.fact("notice", actor=f"session:{self.session.id}", at=now, kind="settings", sentence=said))
        self.say(f"  {said}")

    # --- looking -----------------------------------------------------------------------------------------------------------

    def _look(self, *, last: bool) -> None:
        """Read the queue again when something ended or a fact waits in the spool (at most once each LOOK_S, but once more at the end)."""
        waited = last or time.monotonic() - self.looked >= LOOK_S
        if not self.stale and not (waited and (spool.pending(self.place.home) or journal.mark(self.place.home) != self.mark)):
            return
        with self.place.store.reading() as reader:
            self.candidates = build_scheduler.candidates(reader, self.place.settings)
            asked = reader.one("autonomous_queue.session", id=self.session.id)
        if asked and asked["stop_asked"] and asked["stop_asked"] != self.stop.how:
            self.stop.ask(asked["stop_asked"])
            self.say("  asked from outside to stop now" if self.stop.how == "now" else "  asked from outside to finish what runs")
        self.stale, self.choose, self.looked = False, True, time.monotonic()
        self.mark = journal.mark(self.place.home)

    def _allowed(self, candidate: Candidate) -> bool:
        if candidate.state != "queued" or candidate.id in self.tried or candidate.unfinished:
            return False
        return self.only is None or candidate.id in self.only or candidate.priority == "CRITICAL"

    def _prefer(self, candidate: Candidate) -> bool:
        return self.context is not None and context_scheduler.preferred(self.context.allows, candidate)

    def _keeps_out(self, candidate: Candidate) -> str:
        if self.context is None or context_scheduler.suits(self.context.allows, candidate):
            return ""
        return f"You are {self.context.state}, and then {listed(list(self.context.allows.only), 'or') or 'nothing'} may start."

    def _lanes(self) -> int:
        return self.session.lanes if self.context is None else min(self.session.lanes, self.context.allows.lanes)

    # --- starting ----------------------------------------------------------------------------------------------------------

    def _fill(self, now: datetime) -> bool:
        """Start what fits into the free lanes; True when something was started."""
        if self.stop.how == "now":
            for run in self.runs:
                self._end_now(run, "stopped")
        until = self.session.room_until(now)
        if self.stop.how or self.handed_back or now >= until or not self.choose:
            return False
        if not self._has_room(now):
            return False
        self.choose = started = False
        while len(self.runs) < self._lanes():
            left = (until - now) / timedelta(hours=1)
            taken = {path for run in self.runs for path in run.task.claims}
            open_now = [c for c in self.candidates if self._allowed(c)]
            chosen, passed = build_scheduler.pick(
                open_now,
                left_h=left,
                now=now,
                taken_changes=taken,
                others=self.candidates,
                window=self.session.window,
                prefer=self._prefer if self.context is not None else None,
                allow=self._keeps_out,
            )
            self.tally.passed_over = {c.id: sentence for c, sentence in passed} | self.kept_out
            if chosen is None:
                return started
            self.tried.add(chosen.id)
            started = self._start(chosen, now) or started
        return started

    def _has_room(self, now: datetime) -> bool:
        """Is there disk and memory for more? Told once each time it changes; what runs already goes on."""
        if not any(map(self._allowed, self.candidates)) or len(self.runs) >= self._lanes():
            return True
        said = room(self.place.home, self.place.settings)
        if said and not self.no_room:
            self.place.store.append(self.place.fact("notice", actor=f"session:{self.session.id}", at=now, kind="room", sentence=said))
            self.say(f"  {said}")
        self.no_room = said
        return not said

    def _pass_over(self, task: Task, sentence: str) -> bool:
        self.tally.passed_over[task.id] = sentence
        self.kept_out[task.id] = sentence
        self.say(f"  not taken {task.id} ({shorten(clean(task.title), 60)}): {sentence}")
        return False

    def _start(self, candidate: Candidate, now: datetime) -> bool:
        with self.place.store.reading() as reader:
            row = reader.one("autonomous_queue.task", id=candidate.id)
        if row is None:
            return False
        task = content_of(row)
        fresh = current_hash(self.place.home, task)
        if fresh != row["content_hash"]:
            self.place.store.append(self.place.fact("task.redecide", actor="policy", at=now, task=task.id, content_hash=fresh))
            self.stale = True
            self.say(f"  {name_of(row)}: its files changed since it was decided, so it is decided anew")
            return False
        closed = holding.keeps_out(self.session.held, task, row["actor"])
        if closed:
            return self._pass_over(task, closed)
        agent = None
        if task.recipe is not None and task.recipe.kind == "agent":
            agent, why = agents.agent_of(self.place, task, session=self.session.id, now=now)
            if agent is None:
                return self._pass_over(task, why)
        run = self._claim(row, task, fresh, now)
        if run is None:
            return False
        run.agent = agent
        run.work = copies.work_of(self.place, task) if task.repo else None
        self.runs.append(run)
        self.claimed.append(run)
        self.tally.attempts += 1
        self.say(f"  started   {name_of(row)}, attempt {run.n}")
        self._submit(run, "baseline", now)
        crash_point("spawned")
        return True

    def _claim(self, row: Row, task: Task, fresh: str, now: datetime) -> Run | None:
        """Write the attempt before anything starts; None when a rule refuses it."""
        attempt = new_id()
        folder = self.place.home / "data" / "attempts" / attempt
        earlier = self._paused(task)
        wall = max(self._wall_s(task) - sum(a["seconds"] or 0.0 for a in earlier), LEAST_WALL_S)
        room, own = self.session.room_until(now), now + timedelta(seconds=wall)
        deadline = min(room, own)
        run = Run(row, task, attempt, row["attempts"] + 1, folder, deadline, proof_files=files_of(self.place.home, replace(task, recipe=None)))
        run.by_window = room <= own
        run.origin = first_baseline(self.place.home, earlier[0]["id"]) if earlier else None
        run.left = json.loads(earlier[-1]["undo"])["after"] if earlier and earlier[-1]["undo"] else []
        relative = folder.relative_to(self.place.home).as_posix()
        fact = self.place.fact(
            "attempt.claimed",
            at=now,
            actor=f"session:{self.session.id}",
            attempt=attempt,
            task=task.id,
            n=run.n,
            session=self.session.id,
            content_hash=fresh,
            spec={"recipe": task.to_json()["recipe"], "limits": self._limits(task), "deadline": stamp(deadline)},
            place=relative,
            expected_end=stamp(min(deadline, now + timedelta(hours=task.hours))),
            log=f"{relative}/output.log",
        )
        try:
            self.place.store.write(fact)
        except Refused as error:
            self.say(f"  not taken {name_of(row)}: {error.sentence}")
            self.stale = True
            return None
        crash_point("claimed")
        return run

    def _wall_s(self, task: Task) -> float:
        limits = self.place.settings.values["limits"]
        return task.wall_s or max(task.hours * 3600 * limits["wall_factor"], limits["wall_minutes_least"] * 60)

    def _limits(self, task: Task) -> dict[str, float]:
        limits = self.place.settings.values["limits"]
        return {
            "wall_s": self._wall_s(task),
            "output_bytes": int(limits["output_mb"] * 1024 * 1024),
            "memory_bytes": int(limits["memory_gb"] * 1024**3),
            "check_s": limits["check_seconds"],
            "grace_s": limits["grace_seconds"],
            "idle_s": limits["idle_minutes"] * 60,
            "processes": limits["processes"],
            "file_bytes": int(limits["file_gb"] * 1024**3),
        }

    def _paused(self, task: Task) -> list[Row]:
        """The attempts that a pause ended since the task was queued last, the oldest first: this one goes on from them."""
        if not task.resumable:
            return []
        with self.place.store.reading() as reader:
            return reader.rows("autonomous_queue.paused", task=task.id)

    def _submit(self, run: Run, step: str, now: datetime) -> None:
        run.step, run.began = step, time.monotonic()
        before = run.results.get("baseline", {})
        work = replace(run.work, base=before.get("base", ""), unfinished=run.unfinished) if run.work else None
        task = replace(run.task, checks=(), measures=()) if run.paused else run.task  # not done yet, so there is nothing to check but the guards
        until = self.session.checks_end if step == "prove" else run.deadline
        spec = {
            "v": 1,
            "step": step,
            "attempt": run.attempt,
            "task": task.to_json(),
            "home": str(self.place.home),
            "dir": str(run.folder),
            "deadline": time.time() + (until - now).total_seconds(),
            "limits": self._limits(run.task),
            "pass_env": list(self.place.settings.get("limits", "pass_env")),
            "seed": self.session.seed,
            "as_of": stamp(now),
            "before": before.get("before", []),
            "measured": before.get("measured", {}),
            "elsewhere": sorted({path for own in self.claimed if own.attempt != run.attempt for path in own.task.changes}),
            "holding": self._holding(run),
            "repository": copies.described(work) if work else None,
            "agent": asdict(run.agent) if run.agent else None,
        }
        try:
            run.folder.mkdir(parents=True, exist_ok=True)
            run.handle = self.engine.submit(spec)
        except OSError as error:  # a full disk, no process left: the trouble of this attempt, and not the end of the night
            run.results[step] = ended_badly("failed", f"The {step} step could not be started: {clean(error.strerror or str(error))}.")
            self._finish(run, "failed", now)

    def _holding(self, run: Run) -> dict[str, Any]:
        return holding.holding(self.session.held, run.task, run.row["actor"], self.place.settings)

    # --- ending ------------------------------------------------------------------------------------------------------------

    def _advance(self, run: Run, now: datetime) -> None:
        """Look at the step that runs: is it over, has its time run out, what comes next?"""
        if run.handle is None:
            return
        until = self.session.checks_end if run.step == "prove" else run.deadline
        if now >= until + timedelta(seconds=1):
            self.engine.stop(run.handle, "paused" if self._may_pause(run) and run.by_window else "timed_out")
        result = self.engine.poll(run.handle)
        if result is None:
            return
        run.handle = None
        if run.step == "recipe" and result.get("seconds") is None:
            result = result | {"seconds": round(time.monotonic() - run.began, 3)}  # a worker that was killed could not say it
        if run.step == "baseline":
            run.own_before = result.get("before", [])
            if run.left and _prints(run.left) != _prints(run.own_before):
                run.origin = None  # somebody worked on it between the sittings: proof and undo go back to this one's start, no further
            result = run.origin if run.origin is not None and result["outcome"] == "finished" else result
        if run.step == "recipe" and result["outcome"] == "timed_out" and run.task.resumable and run.by_window:
            result = result | {"outcome": "paused"}  # the worker keeps the same deadline, and may be the first to see it
        run.results[run.step] = result
        if result["outcome"] == "paused":
            run.paused = True
            self._submit(run, "prove", now)
            return
        if run.paused or run.unfinished:
            self._finish(run, "paused" if run.paused else run.results["recipe"]["outcome"], now)
            return
        if run.work and run.step == "recipe" and result["outcome"] in UNFINISHED:
            run.unfinished = True
            self._submit(run, "prove", now)
            return
        following = STEPS[STEPS.index(run.step) + 1] if run.step != STEPS[-1] else ""
        if result["outcome"] != "finished" or not following:
            self._finish(run, result["outcome"], now)
        elif self.stop.how == "now":
            self._finish(run, "stopped", now)
        else:
            self._submit(run, following, now)

    def _end_now(self, run: Run, outcome: str) -> None:
        """A recipe that keeps its own progress pauses rather than stops; what looks for guards or brings work back after that may end by itself."""
        if run.handle is not None and not run.paused and not run.unfinished:
            self.engine.stop(run.handle, "paused" if outcome == "stopped" and self._may_pause(run) else outcome)

    @staticmethod
    def _may_pause(run: Run) -> bool:
        return run.task.resumable and run.step == "recipe" and run.handle is not None

    def _is_ours(self, run: Run) -> bool:
        """Is the attempt still open? A session that slept while another one ended it must not touch its files, which are the other's work now."""
        try:
            with self.place.store.reading() as reader:
                return any(a["id"] == run.attempt for a in reader.rows("autonomous_queue.open_attempts"))
        except Refused:
            return True  # nobody can say, and the ending is fenced all the same

    def _finish(self, run: Run, outcome: str, now: datetime) -> None:
        if not self._is_ours(run):
            self.runs.remove(run)
            self.stop.ask("now", f"  {name_of(run.row)} has ended already: another session ended it while this one slept, so this one ends too.")
            return
        self._guard_settings(now)
        evidence = _evidence(run)
        now_there = files_of(self.place.home, replace(run.task, recipe=None))
        touched = sorted(path for path, sha in run.proof_files.items() if now_there.get(path) != sha)
        if touched:
            said = f"{listed([clean(p) for p in touched[:5]])}, which the proof uses, was changed while it ran"
            evidence.append(Evidence("guard", "proof", False, said, {"paths": touched}).to_json())
        if run.meddled:
            evidence.append(Evidence("guard", "settings", False, run.meddled).to_json())
        proved = run.results.get("prove", {})
        recipe = run.results.get("recipe", {})
        if outcome not in ("finished", "paused") or _spoiled(run.task, evidence):
            evidence += self._put_back(run, outcome)
        before, after = run.results.get("baseline", {}).get("before", []), proved.get("after", [])
        if run.work and proved.get("commit"):
            evidence += copies.publish(self.place, run.work, run.task, run.attempt, proved["commit"], outcome, evidence, n=run.n)
        crash_point("before-ending")
        fact = self.place.fact(
            "attempt.ended",
            actor=f"session:{self.session.id}",
            attempt=run.attempt,
            task=run.task.id,
            session=self.session.id,
            outcome=outcome,
            exit_code=recipe.get("exit_code"),
            seconds=recipe.get("seconds"),
            tail=clean(recipe.get("tail", ""), keep_lines=True)[-4000:],
            log=_relative(self.place.home, recipe.get("log")),
            notebook=_relative(self.place.home, recipe.get("notebook")),
            evidence=evidence,
            undo={"before": before, "after": after} if before and after else None,
            branch=run.work.branch if run.work and proved.get("commit") else None,
            commit=proved.get("commit"),
            base=run.results.get("baseline", {}).get("base"),
            calls=recipe.get("calls", []),
            grants=holding.grants(run.task, self._holding(run)),
        )
        self.runs.remove(run)
        self.stale = True
        try:
            self.place.store.write(fact)
        except Refused as error:  # one attempt's ending must not end the night; without it the attempt counts as abandoned
            self.say(f"  not ended {name_of(run.row)}: {error.sentence}")
            return
        crash_point("after-ending")
        if outcome == "paused" and run.by_window and not self.stop.how and not self.handed_back and self.session.waits_until(now) is not None:
            self.tried.discard(run.task.id)  # a busy span paused it: it goes on behind that
        self._halt(evidence, now)
        self._tell(run)
        postman.call(self.place.home, self.place.settings)

    def _halt(self, evidence: Sequence[dict[str, Any]], now: datetime) -> None:
        """A doubt about the data's integrity ends the session: whatever else would run could make it worse."""
        doubts = [e["said"] for e in evidence if e["kind"] == "escalation" and e["ok"] is False and e["detail"].get("halt")]
        if doubts and not self.halted:
            self.halted = f"it was halted, because {clean(doubts[0])}"
            self.stop.ask("now", f"Halted: {doubts[0]}")

    def _tell(self, run: Run) -> None:
        with self.place.store.reading() as reader:
            ended = next(a for a in reader.rows("autonomous_queue.attempts", task=run.task.id) if a["id"] == run.attempt)
        self.tally.ended.append({"task": run.task.id, "title": run.task.title, "verdict": ended["verdict"], "why": ended["verdict_why"]})
        word = ended["verdict"] if ended["verdict"] != "none" else ended["outcome"]
        self.say(f"  {word:<9} {name_of(run.row)}: {shorten(clean(ended['verdict_why']), 200)}")

    def _put_back(self, run: Run, outcome: str) -> list[dict[str, Any]]:
        """After an attempt that did not prove itself the declared files are as they were before it; a refuted one takes its earlier sittings along."""
        before = run.results.get("baseline", {}).get("before", []) if outcome == "finished" else run.own_before
        return put_back(self.place.home, run.task, before, run.attempt)


def put_back(home: Path, task: Task, before: Sequence[dict[str, Any]], attempt: str, *, not_after: float | None = None) -> list[dict[str, Any]]:
    """Restore the declared files of an attempt that failed or died, as evidence JSON; nothing when they are as before.

    What changed later than `not_after` (epoch seconds) is somebody else's work and is left alone. What stood there is kept under
    `data/kept/ATTEMPT/left`, so that nothing is lost that way either.
    """
    left = home / "data" / "kept" / attempt / "left"
    try:
        there = look(home, task.changes) if before else []
        if _prints(there) == _prints(before):
            return []
        yours = _changed_after(there, before, not_after)
        if yours:
            kept = f"data/kept/{attempt}/before"
            text = f"{listed(yours)} changed after the session had died and was left as it is; what it was before is in {kept}"
            return [Evidence("restored", "files", False, text).to_json()]
        keep.keep(home, [m["path"] for m in there if m["kind"] == "file"], left)
        said = keep.restore(home, before, there)
    except (Refused, OSError, UnicodeError) as error:
        why = error.sentence if isinstance(error, Refused) else clean(f"{type(error).__name__}: {error}")[:200]
        return [Evidence("restored", "files", False, f"Its files could not be put back: {why}").to_json()]
    text = f"put back as before: {listed(said)}; what the attempt left is in {left.relative_to(home)}"
    return [Evidence("restored", "files", True, text).to_json()]


def _changed_after(there: Sequence[dict[str, Any]], before: Sequence[dict[str, Any]], moment: float | None) -> list[str]:
    """The files that differ from before and were written later than `moment`."""
    if moment is None:
        return []
    old = dict(zip((m["path"] for m in before), _prints(before), strict=True))
    new = zip(there, _prints(there), strict=True)
    return [m["path"] for m, mark in new if m["kind"] == "file" and mark != old.get(m["path"]) and m["mtime_ns"] / 1e9 > moment]


def _prints(manifest: Sequence[dict[str, Any]]) -> list[tuple[str, str, str | None, int | None]]:
    return [(m["path"], m["kind"], m["sha256"], m["mode"]) for m in manifest]


def _spoiled(task: Task, evidence: Sequence[dict[str, Any]]) -> bool:
    """True when a check or measure failed, so what was changed must not stay."""
    return any(e["kind"] in ("check", "measure") and e["ok"] is False for e in evidence)


def _evidence(run: Run) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for step in STEPS:
        result = run.results.get(step)
        if result is None:
            continue
        found += result.get("evidence", [])
        if result["outcome"] != "finished" and not any(e["kind"] == "exit" for e in result.get("evidence", [])):
            found.append(Evidence("exit", step, False, result.get("said") or f"The {step} step ended as {result['outcome']}.").to_json())
    return found


def _relative(home: Path, path: str | None) -> str | None:
    """A path below the workspace as it is shown and linked; others stay as they are."""
    if not path:
        return None
    whole = Path(path)
    return whole.relative_to(home).as_posix() if whole.is_absolute() and whole.is_relative_to(home) else str(path)


def describe_abandoned(attempt: Row) -> str:
    """The sentence for an attempt whose session died."""
    return f"attempt {attempt['n']} of {attempt['task']} was abandoned: its session died before it had ended"


def first_baseline(home: Path, attempt: str) -> dict[str, Any] | None:
    """What the first sitting of a paused task found before it began: the state that undo leads back to, and that proof compares with."""
    path = home / "data" / "attempts" / attempt / "baseline.result.json"
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None
    return found


def kept_manifest(home: Path, attempt: str) -> list[dict[str, Any]]:
    """What the baseline of an attempt kept, read back after a crash; empty when it had not come that far."""
    found: list[dict[str, Any]] = (first_baseline(home, attempt) or {}).get("before", [])
    return found
