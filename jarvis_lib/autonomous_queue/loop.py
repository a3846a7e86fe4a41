"""The only session loop: claim, run, prove, write the ending; up to some lanes side by side, until the deadline.

An attempt is written before its start and ended once, after its checks. Nothing here believes a recipe: the ledger judges the
evidence when the ending is applied.
"""

import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from jarvis_lib import build_scheduler
from jarvis_lib.autonomous_queue import agents, attempting, copies, holding
from jarvis_lib.autonomous_queue.ended import why_nothing_more
from jarvis_lib.autonomous_queue.following import Following
from jarvis_lib.autonomous_queue.in_flight import HEARTBEAT, Run, Session, Stop, Tally
from jarvis_lib.autonomous_queue.putting_back import prints, put_back
from jarvis_lib.autonomous_queue.settings_guard import SettingsGuard
from jarvis_lib.autonomous_queue.verbs import current_hash
from jarvis_lib.execution import postman
from jarvis_lib.execution.engine import Engine
from jarvis_lib.execution.results import ended_badly
from jarvis_lib.execution.room import room
from jarvis_lib.model.book import Row
from jarvis_lib.model.crash import crash_point
from jarvis_lib.model.fact import Refused
from jarvis_lib.model.plan import Candidate
from jarvis_lib.model.prose import clean, seconds, shorten
from jarvis_lib.model.task import Task
from jarvis_lib.model.task_row import content_of, name_of
from jarvis_lib.store import journal, spool
from jarvis_lib.store.place import Place

TICK_S = 0.1
LONG_TICK_S = 0.4
"""While no step is young: what takes minutes may wait for its next step that long."""
LOOK_S = 1.0
ASLEEP_S = 300.0
NIGHT_WORK_S = 7 * 3600.0
"""A session of less keeps the same share of itself for checks and brief as one of this length."""
UNFINISHED = ("timed_out", "stopped", "limited", "no_login", "denied", "failed")
"""Endings of a recipe in a repository after which its partial work is brought back, so that nothing that was done is lost."""


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
        self.following = Following(place, session, say)
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
            self.pause(TICK_S if self.stop.how or any(run.is_young for run in self.runs) else LONG_TICK_S)

    def _waits(self, now: datetime) -> bool:
        """True before and in a busy span, when something may run after it and the person did not stop the session."""
        if self.stop.how or self.following.handed_back or not any(map(self._allowed, self.candidates)):
            return False
        if self.no_room and now < self.session.work_ends:
            self.choose = True  # so that it starts as soon as there is room again
            return True
        if self.session.waits_until(now) is None:
            return False
        self.choose = self.choose or self.session.room_until(now) <= now  # so that the end of the span finds it looking
        return True

    def _follow(self, now: datetime) -> None:
        """When another context of the person has begun, nothing new is started, and what can pause does."""
        before = self.following.handed_back
        self.choose = self.following.ask(now) or self.choose
        if self.following.handed_back != before:
            for run in filter(self._may_pause, self.runs):
                self._end_now(run, "stopped")

    def _why_ended(self, now: datetime) -> str:
        if self.following.handed_back or self.halted:
            return self.halted or self.following.handed_back
        if self.no_room:
            return f"nothing more was started: {self.no_room}"
        if self.stop.how:
            return "you stopped it"
        if now >= self.session.work_ends:
            return "its time was over"
        if not self.tally.passed_over:
            return "the queue had nothing more to run"
        share = 1 - self.place.settings.get("night", "work_ends_minutes_before") * 60 / NIGHT_WORK_S
        left_h = (self.session.room_until(now) - now) / timedelta(hours=1)
        tasks = {c.id: c for c in self.candidates}
        return why_nothing_more(self.tally.passed_over, self.kept_out, tasks, left_h=left_h, advise=0.0 if self.tally.attempts else share)

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

    # --- starting ----------------------------------------------------------------------------------------------------------

    def _fill(self, now: datetime) -> bool:
        """Start what fits into the free lanes; True when something was started."""
        if self.stop.how == "now":
            for run in self.runs:
                self._end_now(run, "stopped")
        until = self.session.room_until(now)
        if self.stop.how or self.following.handed_back or now >= until or not self.choose:
            return False
        if not self._has_room(now):
            return False
        self.choose = started = False
        while len(self.runs) < self.following.lanes():
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
                prefer=self.following.prefers if self.following.context is not None else None,
                allow=self.following.keeps_out,
            )
            self.tally.passed_over = {c.id: sentence for c, sentence in passed} | self.kept_out
            if chosen is None:
                return started
            self.tried.add(chosen.id)
            started = self._start(chosen, now) or started
        return started

    def _has_room(self, now: datetime) -> bool:
        """Is there disk and memory for more? Told once each time it changes; what runs already goes on."""
        if not any(map(self._allowed, self.candidates)) or len(self.runs) >= self.following.lanes():
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
        run, fact = attempting.claim(self.place, self.session, row, task, content_hash=fresh, now=now)
        try:
            self.place.store.write(fact)
        except Refused as error:
            self.say(f"  not taken {name_of(row)}: {error.sentence}")
            self.stale = True
            return None
        crash_point("claimed")
        return run

    def _submit(self, run: Run, step: str, now: datetime) -> None:
        run.step, run.began = step, time.monotonic()
        until = self.session.checks_end if step == "prove" else run.deadline
        elsewhere = {path for own in self.claimed if own.attempt != run.attempt for path in own.task.changes}
        spec = attempting.spec_of(self.place, self.session, run, step, until=until, now=now, elsewhere=sorted(elsewhere))
        try:
            run.folder.mkdir(parents=True, exist_ok=True)
            run.handle = self.engine.submit(spec)
        except OSError as error:  # a full disk, no process left: the trouble of this attempt, and not the end of the night
            run.results[step] = ended_badly("failed", f"The {step} step could not be started: {clean(error.strerror or str(error))}.")
            self._finish(run, "failed", now)

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
            if run.left and prints(run.left) != prints(run.own_before):
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
        following = attempting.STEPS[attempting.STEPS.index(run.step) + 1] if run.step != attempting.STEPS[-1] else ""
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
        evidence = attempting.seen(self.place.home, run)
        if outcome not in ("finished", "paused") or attempting.spoiled(evidence):
            evidence += self._put_back(run, outcome)
        proved = run.results.get("prove", {})
        if run.work and proved.get("commit"):
            evidence += copies.publish(self.place, run.work, run.task, run.attempt, proved["commit"], outcome, evidence, n=run.n)
        crash_point("before-ending")
        fact = attempting.ending(self.place, self.session, run, outcome, evidence)
        self.runs.remove(run)
        self.stale = True
        try:
            self.place.store.write(fact)
        except Refused as error:  # one attempt's ending must not end the night; without it the attempt counts as abandoned
            self.say(f"  not ended {name_of(run.row)}: {error.sentence}")
            return
        crash_point("after-ending")
        if outcome == "paused" and run.by_window and not self.stop.how and not self.following.handed_back and self.session.waits_until(now) is not None:
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
