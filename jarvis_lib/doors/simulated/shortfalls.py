"""Made-up weeks in which Jarvis falls short in known ways: MADE UP by a seeded generator, nobody's data. It goes through real facts and the real ledger.

What is planted stands in `PLANTED`, what is healthy beside it in `HEALTHY`; a look must find the first and leave the second alone. It can be laid over
`jarvis_lib.doors.simulated.year`, whose sessions are all closed, or into an empty workspace. Equal arguments, equal rows.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from random import Random
from typing import Any

from jarvis_lib.model.fact import Fact, stamp
from jarvis_lib.model.prediction import Prediction, Score
from jarvis_lib.model.task import Check, Recipe, Task, content_hash
from jarvis_lib.store.place import Place

PLANTED = {
    "failures/category: Bug fixes": "half of the attempts fail",
    "wrongly_auto/Refactoring": "every third result is undone",
    "slow/search": "two of three calls take 8 seconds",
    "failed_calls/weather": "five failures in four weeks",
    "corrections/approvals": "four times: do not auto-approve Refactoring",
    "no_recipe/inbox tidy": "asked for five times, and there is no recipe",
    "skill/routine": "says 90 %, and it comes in 2 of 10",
    "unused/quick_win": "planned every workday, and no session opens",
    "same_answer/category:New features": "always a yes",
}
HEALTHY = ("slow/list", "skill/capacity", "failures/category: Documentation", "wrongly_auto/Documentation")


def simulate_shortfalls(place: Place, *, until: datetime, seed: int, days: int = 56, better_since: datetime | None = None) -> None:
    """Write `days` of it that end at `until` (aware UTC). From `better_since` on nothing falls short any more, but for what still waits."""
    facts = sorted(_Weeks(place, until, Random(seed), days, better_since or until).facts(), key=lambda f: f.at)
    refused = [a.refused for a in place.store.append(*facts) if a.refused]
    if refused:
        raise ValueError(f"The simulated weeks break a rule: {refused[0]}")


class _Weeks:
    """The facts of each day, by parts; each part draws from its own luck, so that one more part changes no other."""

    def __init__(self, place: Place, until: datetime, chance: Random, days: int, better: datetime) -> None:
        self.place, self.until, self.better = place, until, better
        self.begin = until - timedelta(days=days)
        self.days, self.chance = days, chance
        self.number = 0
        self.evening = self.task("Sort the pictures", "Documentation")

    def facts(self) -> Iterator[Fact]:
        yield self.say(self.begin, "task.added", task=self.evening.to_json(), content_hash=content_hash(self.evening, {}))
        for n in range(self.days):
            day = self.begin + timedelta(days=n)
            bad = day < self.better
            yield from self.notes(n, day, bad)
            yield from self.forecasts(n, day, bad)
            yield from self.windows(day, bad)
            yield from self.night(n, day + timedelta(hours=1), bad)
            yield from self.requests(n, day, bad)

    def say(self, at: datetime, kind: str, actor: str | None = None, /, **data: Any) -> Fact:
        self.number += 1
        return Fact(f"{self.number:08d}{self.name(8)}", at, actor or self.place.actor, kind, data)

    def name(self, length: int = 10) -> str:
        return "".join(self.chance.choices("0123456789abcdefghjkmnpqrstvwxyz", k=length))

    def word(self) -> str:
        return "".join(self.chance.choices("abcdefghijklmnopqrstuvwxyz", k=8))

    def notes(self, n: int, day: datetime, bad: bool) -> Iterator[Fact]:
        slow = bad and self.chance.random() < 0.67
        yield self.say(day + timedelta(hours=2), "op.timed", op="search", ms=8000.0 if slow else 300.0)
        yield self.say(day + timedelta(hours=2, minutes=1), "op.timed", op="list", ms=80.0)
        recent = self.days - n
        if bad and recent <= 25 and recent % 5 == 0:
            yield self.say(day + timedelta(hours=3), "call.failed", api="weather", error="504 gateway timeout")
        if bad and recent <= 24 and recent % 6 == 0:
            yield self.say(day + timedelta(hours=4), "correction.noted", topic="approvals", said="do not auto-approve Refactoring")

    def forecasts(self, n: int, day: datetime, bad: bool) -> Iterator[Fact]:
        due = day + timedelta(hours=20)
        came = {"routine": self.chance.random() < (0.2 if bad else 0.9), "capacity": self.chance.random() < 0.1}
        made = [
            Prediction("routine", "simulated", f"kind {n}", "It comes today.", day, due, 0.9, base=0.25),
            Prediction("capacity", "simulated", f"disk {n}", "It fills.", day, due, 0.1, base=0.4, low=10, mid=30, high=90, base_mid=50),
        ]
        yield self.say(day, "prediction.made", "problem_predictor", predictions=[p.to_json() for p in made])
        scores = [Score(p.id, came[p.predictor], 40.0 if p.predictor == "capacity" else None).to_json() for p in made]
        yield self.say(due + timedelta(minutes=5), "prediction.scored", "problem_predictor", scores=scores)

    def windows(self, day: datetime, bad: bool) -> Iterator[Fact]:
        """A plan that fills the evening; nobody opens it."""
        if day.weekday() < 5 and bad:
            begin = day.replace(hour=18, minute=0)
            slot: dict[str, Any] = {
                "task": self.evening.id,
                "window": f"quick_win@{day:%Y-%m-%d}",
                "start": stamp(begin),
                "end": stamp(begin + timedelta(hours=1)),
            }
            slot |= {"lane": 0, "code": "value", "sentence": "It fits."}
            yield self.say(begin - timedelta(hours=8), "plan.made", slots=[slot], omissions=[], horizon=stamp(begin + timedelta(hours=4)), session=None)

    def night(self, n: int, begin: datetime, bad: bool) -> Iterator[Fact]:
        """One session with three tasks; one of Bug fixes fails every other night, what was refactored is undone every third time."""
        session, at = self.name(), begin
        owner = {"pid": 1, "started": 0.0, "booted": 0.0, "host": "simulated"}
        head: dict[str, Any] = {"kind": "overnight", "window": f"overnight@{begin:%Y-%m-%d}", "deadline": stamp(begin + timedelta(hours=6)), "owner": owner}
        policy: dict[str, Any] = {"policy_hash": self.place.settings.policy.hash, "isolation": "limits", "lanes": 3}
        yield self.say(at, "session.opened", session=session, **head, **policy)
        for i, category in enumerate(("Bug fixes", "Refactoring", "Documentation")):
            task = self.task(f"{category}: {self.word()}", category)
            hashed = content_hash(task, {})
            yield self.say(begin - timedelta(minutes=30), "task.added", task=task.to_json(), content_hash=hashed)
            own = {"attempt": self.name(), "task": task.id, "session": session}
            at = begin + timedelta(minutes=1 + i)
            spec = {"recipe": task.to_json()["recipe"], "limits": {}}
            more = {"n": 1, "content_hash": hashed, "spec": spec, "place": "data/attempts/a", "expected_end": None, "log": "data/attempts/a/output.log"}
            yield self.say(at, "attempt.claimed", f"session:{session}", **own, **more)
            failed = category == "Bug fixes" and bad and self.chance.random() < 0.5
            at = begin + timedelta(minutes=30 + i)
            outcome = "failed" if failed else "finished"
            proof = [] if failed else [{"kind": k, "name": k, "ok": ok, "said": k, "detail": {}} for k, ok in _PROOF[category]]
            yield self.say(at, "attempt.ended", f"session:{session}", **own, outcome=outcome, seconds=1740.0, exit_code=int(failed), evidence=proof)
            if category == "Refactoring" and bad and self.chance.random() < 0.4:
                yield self.say(at + timedelta(hours=3), "task.undone", task=task.id, reason="not what was meant")
        yield self.say(begin + timedelta(minutes=40), "session.closed", session=session, outcome="finished", said="it ended because the queue was empty")

    def task(self, title: str, category: str, *, recipe: bool = True) -> Task:
        own: dict[str, Any] = {"recipe": Recipe("command", argv=("true",)), "checks": (Check("true"),)} if recipe else {"recipe": None}
        return Task(id=self.name(), title=title, description="Simulated.", hours=0.5, category=category, priority="MEDIUM", **own)

    def requests(self, n: int, day: datetime, bad: bool) -> Iterator[Fact]:
        """What is asked for without a recipe, and a question that always gets a yes."""
        recent = self.days - n
        if bad and recent <= 25 and recent % 5 == 1:
            task = self.task(f"Tidy the inbox {n}", "Documentation", recipe=False)
            yield self.say(day + timedelta(hours=5), "task.added", task=task.to_json(), content_hash=content_hash(task, {}))
        if bad and n % 2 == 0:
            task = self.task(f"Let {self.word()} be filtered", "New features")
            hashed = content_hash(task, {})
            yield self.say(day + timedelta(hours=6), "task.added", task=task.to_json(), content_hash=hashed)
            yield self.say(day + timedelta(hours=7), "task.approved", task=task.id, content_hash=hashed)
            yield self.say(day + timedelta(hours=8), "task.dropped", task=task.id, reason="simulated: it is not run")


_PROOF = {
    "Bug fixes": (("check_before", False), ("check", True)),
    "Refactoring": (("check", True),),
    "Documentation": (("check", True),),
}
