"""Every kind of night that a report must be able to tell, by its name; the same each time, so that a page can be compared with the last one."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from jarvis_lib.model.fact import Fact
from jarvis_lib.model.task import Task
from jarvis_lib.store import lock
from jarvis_lib.store.place import Place
from tests.facts import added, claimed, opened, passed, task
from tests.report_nights import (
    HOSTILE,
    MORNING,
    START,
    artefact,
    attempt,
    attempt_facts,
    changed,
    close,
    failed_check,
    fix_facts,
    fixed,
    measured,
    phase,
    rechecked,
)

BEFORE = START - timedelta(hours=5)


def known(place: Place, prefix: str, titles: list[str], *, at: datetime = BEFORE, **changes: Any) -> list[Task]:
    """Tasks whose ids are known beforehand, added to the store."""
    made = [task(title, id=f"{prefix}{n:0{10 - len(prefix)}}", **changes) for n, title in enumerate(titles)]
    place.store.write(*[added(place, t, at=at) for t in made])
    return made


def normal(place: Place) -> None:
    """Three of four builds shipped, two problems fixed, a message waits to be sent, four tasks are to come."""
    perf, board, docs, lost = (
        *known(place, "perf", ["Optimize the slow queries"], category="Performance optimization", hours=2.0, changes=("data/app.sqlite",)),
        *known(place, "bord", ["Build the analytics dashboard"], hours=3.0),
        *known(place, "docs", ["Document the REST API"], hours=1.5),
        *known(place, "bfil", ["Backfill the invoices"], hours=0.5, due=MORNING + timedelta(hours=10)),
    )
    known(place, "send", ["Mail the weekly figures"], category="External actions", hours=0.5, description="To: team. The figures of week 47 are attached.")
    known(place, "long", ["Retrain the churn model", "Render the atlas"], at=MORNING - timedelta(minutes=40), hours=4.0, priority="LOW")
    known(place, "next", ["Refresh the churn notebook", "Write the guide", "Tidy the logs", "Profile the imports"], at=MORNING - timedelta(minutes=30))
    place.store.write(opened(place, at=START))
    fixed(place, START + timedelta(minutes=1))
    fixed(place, START + timedelta(minutes=2), "data/app.sqlite")
    phase(place, "problems", START + timedelta(minutes=3), 61.0)
    later = START + timedelta(minutes=5)
    attempt(place, perf, "a1", at=later, evidence=[measured(), passed("same results"), changed()], seconds=4100.0)
    shown = [passed("opens offline"), artefact("data/attempts/a2/out/dashboard.html")]
    attempt(place, board, "a2", at=later, evidence=shown, notebook="data/attempts/a2/run.ipynb", seconds=7900.0)
    attempt(place, docs, "a3", at=later, evidence=[passed("every path is documented")], seconds=3000.0)
    attempt(place, lost, "a4", at=later, evidence=[failed_check("`rows >= 1200` was 1180")], tail="read 1180 rows\n", seconds=400.0)
    phase(place, "run", START + timedelta(hours=3), 10500.0, "4 attempts")
    close(place, START + timedelta(hours=3, minutes=2))


def empty(place: Place) -> None:
    """Nothing was ever done here."""


def all_failed(place: Place) -> None:
    """Three builds, each with another end."""
    one, two, three = known(place, "fail", ["Retrain the churn model", "Backfill the invoices", "Document the REST API"], due=MORNING + timedelta(hours=10))
    place.store.write(opened(place, at=START))
    later = START + timedelta(minutes=5)
    attempt(place, one, "a1", at=later, outcome="timed_out", evidence=[changed("data/model.bin")], tail="epoch 12 of 40\n", seconds=10800.0)
    attempt(place, two, "a2", at=later, outcome="failed", tail="Traceback (most recent call last):\nKeyError: 'total'\n", seconds=12.0)
    attempt(place, three, "a3", at=later, evidence=[failed_check("`links` found 3 dead links")], seconds=60.0)
    close(place, START + timedelta(hours=4))


def crashed(place: Place) -> None:
    """The session died in the middle of its second build."""
    one, two = known(place, "dies", ["Document the REST API", "Retrain the churn model"])
    place.store.write(opened(place, at=START))
    attempt(place, one, "a1", at=START + timedelta(minutes=5), evidence=[passed("every path is documented")])
    place.store.write(claimed(place, two, "a2"))
    attempt_end = {"attempt": "a2", "task": two.id, "session": "s1", "outcome": "abandoned", "evidence": [], "seconds": 900.0, "exit_code": 1}
    place.store.write(place.fact("attempt.ended", actor="session:s1", at=START + timedelta(minutes=40), log="data/attempts/a2/output.log", **attempt_end))
    close(place, START + timedelta(minutes=41), "died", "its process was gone at 06:58")


def asleep(place: Place) -> None:
    """The lid was closed at 23:04."""
    known(place, "slep", ["Document the REST API"])
    place.store.write(opened(place, at=START))
    phase(place, "asleep", MORNING - timedelta(minutes=9), 28020.0, "the machine slept for 7 h 47, from 23:04", event="noted")
    close(place, MORNING - timedelta(minutes=8))


def partial(place: Place) -> None:
    """One build is done and one still runs. The lock of the session must be held while this is told."""
    one, two = known(place, "part", ["Document the REST API", "Retrain the churn model"])
    place.store.write(opened(place, at=START + timedelta(hours=2)))
    attempt(place, one, "a1", at=START + timedelta(hours=3), evidence=[passed("every path is documented")])
    place.store.write(claimed(place, two, "a2"))


def first_day(place: Place) -> None:
    """A newcomer's first tasks, and no night yet."""
    known(place, "newt", ["Write the guide"], at=MORNING - timedelta(hours=2))
    known(place, "newa", ["Add a dark theme"], at=MORNING - timedelta(hours=1), category="New features")


def forty(place: Place) -> None:
    """Forty builds, every second one failed, and twelve questions."""
    many = known(place, "many", [f"Rebuild the report of region {i} with all of its monthly tables" for i in range(40)])
    known(place, "asks", [f"Replace the export of region {i} by the new service" for i in range(12)], category="New features", due=MORNING + timedelta(hours=9))
    facts = [opened(place, at=START)]
    for i, one in enumerate(many):
        seen = [passed("the sums agree"), measured()] if i % 2 else [failed_check("`rows >= 1200` was 1180")]
        facts += attempt_facts(place, one, f"a{i}", at=START + timedelta(minutes=i), evidence=seen, tail="read 1180 rows\n")
    for i in range(8):
        facts += fix_facts(place, START + timedelta(minutes=50 + i), f"logs/region-{i}.log")
    place.store.write(*facts)
    close(place, START + timedelta(hours=2))


def hostile(place: Place) -> None:
    """Titles, tails, checks and paths that try everything."""
    one, two = known(place, "evil", [HOSTILE, '"><img src=x onerror=alert(2)> javascript:alert(3) </script>'])
    known(place, "evia", ["<b>Ask</b> & 'quote' {{ 7 * 7 }}"], category="External actions", description=HOSTILE)
    known(place, "evin", [f"{HOSTILE} {i}" for i in range(3)], at=MORNING - timedelta(minutes=30))
    place.store.write(opened(place, at=START))
    attempt(place, one, "a1", at=START + timedelta(minutes=1), evidence=[passed(HOSTILE), artefact('out/"><svg onload=alert(4)>.html')])
    attempt(place, two, "a2", at=START + timedelta(minutes=1), evidence=[failed_check(HOSTILE)], tail=HOSTILE, log="javascript:alert(5)")
    close(place, START + timedelta(hours=1), said=HOSTILE)


NIGHTS: dict[str, Callable[[Place], None]] = {
    "normal": normal,
    "empty": empty,
    "all-failed": all_failed,
    "crashed": crashed,
    "asleep": asleep,
    "partial": partial,
    "first-day": first_day,
    "forty": forty,
    "hostile": hostile,
}


@contextmanager
def night_of(place: Place, kind: str) -> Iterator[None]:
    """The night `kind` in the store, and its session alive where it is one that still runs."""
    NIGHTS[kind](place)
    if kind != "partial":
        yield
        return
    with lock.held(place.home / "data" / "session.lock", wait_s=1, what="The night"):
        yield


def week(place: Place) -> None:
    """Thirteen nights for the reviews: what was shipped, accepted, undone and kept, and fixes that held and came back."""
    facts: list[Fact] = []
    for day in range(13):
        night, session = START - timedelta(days=9 - day), f"s{day}"
        titles = ("Refresh the churn notebook", "Write the guide", "Backfill the invoices")
        made = [task(title, id=f"w{day:02}{n:07}", hours=2.0) for n, title in enumerate(titles)]
        facts += [*(added(place, t, at=night - timedelta(hours=3)) for t in made), opened(place, session, at=night)]
        for n, one in enumerate(made):
            seen = [passed("the sums agree")] if (day + n) % 4 else [failed_check("`rows >= 1200` was 1180")]
            more = {"session": session, "seconds": 3600.0 * (1.0 + 0.5 * n), "evidence": seen}
            facts += attempt_facts(place, one, f"d{day}n{n}", at=night + timedelta(minutes=5 + 2 * n), **more)
        if day % 3 == 0:
            facts += fix_facts(place, night + timedelta(minutes=1), f"logs/app-{day}.log", session=session)
        said = "it ended because the queue had nothing more to run"
        facts.append(place.fact("session.closed", at=night + timedelta(hours=4), session=session, outcome="finished", said=said))
    fixes = [a.fact for a in place.store.write(*facts) if a.fact.kind == "fix.applied"]
    for n, fix in enumerate(fixes):
        rechecked(place, fix.id, fix.at + timedelta(hours=25), "held" if n % 2 else "came back")
    place.store.write(place.fact("task.undone", at=MORNING - timedelta(days=4), task="w050000001"))
