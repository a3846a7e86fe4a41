"""A simulated year for tests and looks: MADE UP by a seeded generator, nobody's data. It goes through real facts and the real ledger.

Tasks of all categories come at all hours, are approved where the policy asks, are planned and worked in the windows of the settings (nights,
weekends, some evenings and working days) on the session's lanes, and end as attempts do: verified, refuted, unverified, failed, timed out,
abandoned with their session. Hours are the estimate x the category's factor (`FACTORS`) x the luck of the night x that of the task, all
lognormal. The forecasts in its plans know that law, blurred, so that what they promise is about true and not exactly. Some results are
accepted, undone, dropped, declined. The last weeks leave open tasks. Equal arguments, equal rows.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any

from jarvis_lib.model.evidence import Evidence, judge
from jarvis_lib.model.fact import Fact, stamp
from jarvis_lib.model.policy import decide
from jarvis_lib.model.task import CATEGORIES, Check, Recipe, Task, content_hash
from jarvis_lib.model.window import Window, occurrences
from jarvis_lib.store.place import Place

FACTORS = dict(zip(CATEGORIES, (1.1, 1.5, 0.9, 1.3, 1.4, 0.8, 1.2, 1.25, 1.0, 0.7, 1.6, 1.3), strict=True))
"""What tasks of a category really take, as a multiple of their estimate."""
TASK_SPREAD, NIGHT_SPREAD = 0.4, 0.15
SIZES = (0.25, 0.5, 0.5, 1, 1, 1, 1.5, 2, 2, 3, 4, 5, 6, 8, 10)
RESERVE = 1.3
BATCH = 2500
_CROCKFORD = "0123456789abcdefghjkmnpqrstvwxyz"
_WORDS = ("billing", "search", "the importer", "reports", "the parser", "caching", "the archive", "charts", "the scheduler", "sessions")
_TITLES = {
    "Performance optimization": "Make {} faster",
    "New features": "Let {} be filtered",
    "Bug fixes": "Fix a wrong total in {}",
    "Research/analysis": "Compare ways to store {}",
    "Documentation": "Describe {}",
    "Infrastructure": "Rotate logs of {}",
    "Test coverage": "Cover {} with tests",
    "Refactoring": "Untangle {}",
    "External actions": "Hand {} over to a partner",
    "Config changes": "Choose other limits for {}",
    "API integrations": "Connect {} to the ledger",
    "User-facing changes": "Reword the page of {}",
}


def simulate_year(place: Place, *, until: datetime, seed: int, days: int = 365, per_day: float = 3.0) -> None:
    """Write `days` of made-up history that end at `until` (aware UTC) into an empty workspace: about `per_day` tasks a day."""
    facts = sorted(_Year(place, until, Random(seed), days, per_day).facts(), key=lambda f: (f.at, f.id))
    for start in range(0, len(facts), BATCH):
        refused = [a.refused for a in place.store.append(*facts[start : start + BATCH]) if a.refused]
        if refused:
            raise ValueError(f"The simulated year breaks a rule: {refused[0]}")


@dataclass
class _Open:
    """A task that can be worked, from `ready` on."""

    task: Task
    ready: datetime
    n: int = 0
    deaths: int = 0


@dataclass
class _Year:
    place: Place
    until: datetime
    chance: Random
    days: int
    per_day: float
    made: list[Fact] = field(default_factory=list)
    number: int = 0

    def facts(self) -> list[Fact]:
        begin = self.until - timedelta(days=self.days)
        queue = list(self.tasks(begin))
        windows = occurrences(self.place.settings.windows, self.place.zone, begin, self.until)
        for window in windows:
            if begin <= window.start and window.end <= self.until and self.opens(window):
                self.work(window, queue)
        return self.made

    def say(self, at: datetime, kind: str, actor: str | None = None, /, **data: Any) -> None:
        """Facts of one moment keep the order in which they were said."""
        self.number += 1
        self.made.append(Fact(f"{self.number:08d}{self.name(8)}", at, actor or self.place.actor, kind, data))

    def name(self, length: int = 10) -> str:
        return "".join(self.chance.choices(_CROCKFORD, k=length))

    def opens(self, window: Window) -> bool:
        return self.chance.random() < {"overnight": 0.9, "weekend": 0.7, "quick_win": 0.3, "work_hours": 0.15}[window.kind]

    # --- tasks -----------------------------------------------------------------------------------------------------------

    def tasks(self, begin: datetime) -> Iterator[_Open]:
        """Every task with what happened to it before it could run; those that will never run are not in the answer."""
        for day in range(self.days):
            for _ in range(self._arrivals()):
                at = begin + timedelta(days=day, seconds=self.chance.randrange(86_400))
                if at < self.until:
                    yield from self.added(at)

    def _arrivals(self) -> int:
        limit, n, product = math.exp(-self.per_day), 0, self.chance.random()
        while product > limit:
            n, product = n + 1, product * self.chance.random()
        return n

    def added(self, at: datetime) -> Iterator[_Open]:
        category = self.chance.choice(CATEGORIES)
        subject = self.chance.choice(_WORDS)
        task = Task(
            id=self.name(),
            title=_TITLES[category].format(subject),
            description="Simulated.",
            hours=float(self.chance.choice(SIZES)),
            category=category,
            priority=self.chance.choices(("CRITICAL", "HIGH", "MEDIUM", "LOW", "BACKLOG"), (1, 4, 8, 4, 2))[0],
            recipe=Recipe("command", argv=("true",)),
            checks=(Check("true"),) if self.chance.random() < 0.92 else (),
            due=at + timedelta(days=self.chance.randint(2, 30)) if self.chance.random() < 0.15 else None,
            project=subject.removeprefix("the ") if self.chance.random() < 0.7 else "",
        )
        approved = content_hash(task, {})
        self.say(at, "task.added", task=task.to_json(), content_hash=approved)
        if self.chance.random() < 0.03:
            self._later(at + timedelta(hours=1), "task.dropped", task=task.id, reason="no longer wanted")
        elif decide(task, self.place.settings.policy).verdict == "auto":
            yield _Open(task, at + timedelta(seconds=1))
        elif self.chance.random() < 0.9:
            answered = at + timedelta(hours=self.chance.uniform(0.5, 30))
            if answered < self.until:
                self.say(answered, "task.approved", task=task.id, content_hash=approved)
                yield _Open(task, answered + timedelta(seconds=1))
        else:
            self._later(at + timedelta(hours=20), "task.declined", task=task.id, reason="not now")

    def _later(self, at: datetime, kind: str, /, **data: Any) -> None:
        if at < self.until:
            self.say(at, kind, **data)

    # --- sessions --------------------------------------------------------------------------------------------------------

    def work(self, window: Window, queue: list[_Open]) -> None:
        """One session: each lane takes the best task that fits, until nothing does."""
        session, lanes = self.name(), int(self.place.settings.get("night", "lanes"))
        ends = window.end - timedelta(minutes=15)
        values = {"CRITICAL": 5, "HIGH": 4, "MEDIUM": 3, "LOW": 2, "BACKLOG": 1}
        ready = [o for o in queue if o.ready <= window.start and o.task.hours <= window.longest_h]
        ready.sort(key=lambda o: (-values[o.task.priority] / o.task.hours, o.task.id))
        self.open(window, session, ready, ends)
        luck = self.chance.gauss(0, NIGHT_SPREAD)
        dies = self.chance.random() < 0.01
        free = [window.start + timedelta(seconds=5 + lane) for lane in range(lanes)]
        last = window.start + timedelta(seconds=30)
        for one in ready:
            lane = free.index(min(free))
            if free[lane] + timedelta(hours=one.task.hours * RESERVE) > ends:
                continue
            ended, open_again = self.attempt(one, session, free[lane], ends, luck, dies=dies)
            free[lane] = ended + timedelta(seconds=2 + lane)
            last = max(last, ended)
            if not open_again:
                queue.remove(one)
            if dies:
                break
        outcome, said = ("abandoned", "its process died") if dies else ("finished", "it ended because the queue had nothing more to run")
        self.say(last + timedelta(seconds=20), "session.closed", "recovery" if dies else None, session=session, outcome=outcome, said=said)

    def open(self, window: Window, session: str, ready: list[_Open], ends: datetime) -> None:
        self.say(
            window.start,
            "session.opened",
            session=session,
            kind=window.kind,
            window=window.key,
            deadline=stamp(ends),
            owner={"pid": 1, "started": 0.0, "booted": 0.0, "host": "simulated"},
            policy_hash=self.place.settings.policy.hash,
            isolation="limits",
            lanes=int(self.place.settings.get("night", "lanes")),
        )
        estimates = [{"task": o.task.id, **self.foreseen(o.task)} for o in ready[:12]]
        self.say(window.start + timedelta(seconds=1), "plan.made", slots=[], omissions=[], horizon=stamp(ends), session=session, estimates=estimates)

    def foreseen(self, task: Task) -> dict[str, Any]:
        """What would have been forecast: the law of this year, blurred by a tenth."""
        middle = task.hours * FACTORS[task.category] * math.exp(self.chance.gauss(0, 0.1))
        spread = math.hypot(TASK_SPREAD, NIGHT_SPREAD)
        shown = {name: round(middle * math.exp(z * spread), 4) for name, z in (("p10", -1.2816), ("p50", 0.0), ("p80", 0.8416), ("p90", 1.2816))}
        return shown | {"why": f"you plan {1 / FACTORS[task.category]:.1f}x of what {task.category} takes (simulated)"}

    def attempt(self, one: _Open, session: str, start: datetime, ends: datetime, luck: float, *, dies: bool) -> tuple[datetime, bool]:
        """(when it ended, whether the task is open again)."""
        task, one.n = one.task, one.n + 1
        name, actor = self.name(), f"session:{session}"
        self.say(
            start,
            "attempt.claimed",
            actor,
            attempt=name,
            task=task.id,
            n=one.n,
            session=session,
            content_hash=content_hash(task, {}),
            spec={"recipe": task.to_json()["recipe"], "limits": {}},
            place=f"data/attempts/{name}",
            expected_end=None,
            log=f"data/attempts/{name}/output.log",
        )
        hours = max(task.hours * FACTORS[task.category] * math.exp(luck + self.chance.gauss(0, TASK_SPREAD)), 0.01)
        roll = self.chance.random()
        outcome = "abandoned" if dies else "failed" if roll < 0.05 else "finished"
        if outcome == "failed":
            hours *= self.chance.random()
        if start + timedelta(hours=hours) > ends:
            outcome, hours = ("abandoned" if dies else "timed_out"), (ends - start) / timedelta(hours=1)
        at = start + timedelta(hours=hours)
        evidence = self.evidence(task, refuted=0.05 <= roll < 0.09) if outcome == "finished" else []
        self.say(
            at,
            "attempt.ended",
            "recovery" if dies else actor,
            attempt=name,
            task=task.id,
            session=session,
            outcome=outcome,
            seconds=None if dies else round(hours * 3600, 1),
            exit_code=0 if outcome == "finished" else 1,
            evidence=[e.to_json() for e in evidence],
        )
        state = judge(task, outcome, evidence, attempt=one.n, deaths=one.deaths).state
        one.deaths += dies
        if state == "queued":
            one.ready = at
            return at, True
        self.decided(task, state, at)
        return at, False

    def evidence(self, task: Task, *, refuted: bool) -> list[Evidence]:
        found = [Evidence("exit", "exit", True, "it ended with exit 0")]
        if task.category == "Performance optimization" and not refuted:
            ratio = round(self.chance.uniform(1.3, 6.0), 1)
            detail = {"ratio": ratio, "low": ratio - 0.2, "high": ratio + 0.2, "n": 7, "before": ratio, "after": 1.0, "unit": "s"}
            found.append(Evidence("measure", "time", True, f"time {ratio}x faster ({ratio - 0.2:.1f} to {ratio + 0.2:.1f}, n=7)", detail))
        if task.category == "Bug fixes":
            found.append(Evidence("check_before", "check", False, "the check was red before"))
        if task.checks:
            found.append(Evidence("check", "check", not refuted, "the check failed" if refuted else "the check passed"))
        return found

    def decided(self, task: Task, state: str, at: datetime) -> None:
        """What the person does with a result the next day."""
        roll, morning = self.chance.random(), at + timedelta(hours=self.chance.uniform(2, 20))
        by_policy = task.category in self.place.settings.policy.auto_accept
        if state == "review":
            self._later(morning, "task.accepted" if roll < 0.8 else "task.dropped", task=task.id, reason="looked at it")
        elif state == "shipped" and roll < 0.04:
            self._later(morning, "task.undone", task=task.id, reason="not what was meant")
        elif state == "shipped" and not by_policy and roll < 0.85:
            self._later(morning, "task.accepted", task=task.id, reason="")
