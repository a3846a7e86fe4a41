"""What does Jarvis look like after a year? A life that a seeded generator makes up, studied by the real learners, and one page that says so.

Made up are the tasks, the nights, a disk that fills, the Monday figures and the slow searches. Real is what looks at them: each forecast is written
before the simulated day that decides it and scored after it, what is built ahead is queued by the person's own `enable`, and what an accepted
suggestion did is measured on the days that follow. The same seed makes the same page.
"""

import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

from jarvis_lib import autonomous_queue, pattern_learner, problem_predictor, self_improver
from jarvis_lib.doors.init import init, shipped_notebooks
from jarvis_lib.doors.simulated import simulate_shortfalls, simulate_year
from jarvis_lib.execution.papermill_run import run_notebook
from jarvis_lib.model.fact import Refused, new_id, stamp
from jarvis_lib.model.study import Study, read_study
from jarvis_lib.report.deep import deep_html
from jarvis_lib.report.publish import put
from jarvis_lib.store.place import Place
from jarvis_lib.store.samples import Samples
from jarvis_lib.workspace import open_workspace

Say = Callable[[str], None]
WORKSPACE = "data/demo-year"
PAGE = "reports/demo/simulated-year.html"
NOTEBOOK = "notebooks/reports/simulated_year.ipynb"
SEED = 7
END = datetime(2026, 1, 1, 6, 0, tzinfo=UTC)
"""The simulated year ends here; it is always the same one."""
SHORT_DAYS, BETTER_DAYS = 56, 28
"""The shortfalls are the last days of the year, and stop with the day on which a suggestion is accepted."""
DISK = "mount:/srv/photos"
FULL_AT = datetime(2025, 11, 20, 15, 0, tzinfo=UTC)
LEADS_H = (240, 96, 54, 30, 12)
"""The disk is looked at so many hours before it is full, and once more when everybody knows."""
FIGURES = "weekly figures"
MONDAYS = 6
LIMIT_S = 240.0


@dataclass
class _Clock:
    """The simulated time; it stands still until somebody turns it."""

    now: datetime

    def __call__(self) -> datetime:
        return self.now


def run_year(base: Path, *, say: Say) -> Path:
    """Make the year up in `base`/data/demo-year, let the learners live through it, and write the page. Refuses a folder that is not its own."""
    begun = time.monotonic()
    clock = _Clock(END)
    place = _begin(base, clock)
    say("A simulated year: tasks, nights, a disk and habits are made up by a seeded generator; what looks at them is real")
    simulate_year(place, until=END - timedelta(days=SHORT_DAYS), seed=SEED, days=365 - SHORT_DAYS, per_day=0.5)
    simulate_shortfalls(place, until=END, seed=SEED + 1, days=SHORT_DAYS, better_since=END - timedelta(days=BETTER_DAYS))
    Samples(place.home).add(_disk(Random(SEED)))
    _live_mondays(place, Random(SEED + 2))
    for at, step in sorted([*_looks_at_the_disk(), *_mondays(), *_improvements()], key=lambda s: s[0]):
        clock.now = at
        for line in step(place, at):
            say(f"  {at:%d %b}  {line}")
    clock.now = END
    page = _page(base, place)
    say(f"The simulated year took {time.monotonic() - begun:.0f} s")
    return page


def _begin(base: Path, clock: Callable[[], datetime]) -> Place:
    home = base / WORKSPACE
    if home.is_symlink() or (home.exists() and not (home / "jarvis.toml").is_file()):
        raise Refused(f"{home} is not a workspace of the demo, so it was left alone; move it away and try again.")
    if home.exists():
        shutil.rmtree(home)
    init(home)
    shutil.copytree(shipped_notebooks(), home / "notebooks", dirs_exist_ok=True, ignore=shutil.ignore_patterns(".*", "__pycache__"))
    settings = home / "jarvis.toml"
    settings.write_text(settings.read_text(encoding="utf-8").replace('zone = ""', 'zone = "UTC"'), encoding="utf-8")
    return open_workspace(home, clock=clock, actor="person:simulated")


# --- what is made up -----------------------------------------------------------------------------------------------------


def _disk(chance: Random) -> list[tuple[datetime, str, float]]:
    """The share of a disk that is used, by the hour: photos come in, more on weekdays, and some go on Sundays; FULL_AT it is full, then somebody empties it."""
    begin = END - timedelta(days=365)
    until_full = int((FULL_AT - begin) / timedelta(hours=1))
    raw = [0.0]
    for n in range(1, 365 * 24):
        at = begin + timedelta(hours=n)
        raw.append(raw[-1] + (1.2 if at.weekday() < 5 else 0.8) * chance.lognormvariate(-0.3, 0.75) - (40 if at.weekday() == 6 and at.hour == 3 else 0))
    per = (0.9505 - 0.42) / raw[until_full]
    used = [0.42 + per * r for r in raw]
    emptied = used[until_full + 20] - 0.55
    return [(begin + timedelta(hours=n), DISK, v if n < until_full + 20 else v - emptied) for n, v in enumerate(used)]


def _live_mondays(place: Place, chance: Random) -> None:
    """Every Monday about nine somebody makes the weekly figures, but for two weeks of winter holiday; each time is noted."""
    facts = []
    for n in range(52):
        day = END - timedelta(days=365) + timedelta(days=(7 - (END - timedelta(days=365)).weekday()) % 7 + 7 * n)
        at = day.replace(hour=9, minute=0) + timedelta(minutes=chance.gauss(0, 9))
        if n not in (6, 7) and at < END:
            facts.append(place.fact("event.logged", at=at, type=FIGURES, when=stamp(at), source="manual"))
    place.store.append(*facts)


# --- who looks at it -----------------------------------------------------------------------------------------------------


Step = Callable[[Place, datetime], list[str]]


def _looks_at_the_disk() -> Iterator[tuple[datetime, Step]]:
    for hours in LEADS_H:
        yield FULL_AT - timedelta(hours=hours), _look_at_the_disk
    yield FULL_AT + timedelta(days=9), _look_at_the_disk


def _look_at_the_disk(place: Place, now: datetime) -> list[str]:
    study = _studied(place, "problem_predictor", now)
    told = [str(f["said"]) for f in study.frames["forecasts"] if f["p"] >= 0.1]
    scored = len(study.frames["scores"])
    return [*(f"forecast: {t}" for t in told), *([f"{scored} forecasts of the disk are scored"] if scored else [])]


def _mondays() -> Iterator[tuple[datetime, Step]]:
    last = END - timedelta(days=END.weekday())
    for n in reversed(range(MONDAYS)):
        at = last.replace(hour=5, minute=30) - timedelta(weeks=n)
        yield at, _early_on_monday
        yield at + timedelta(days=1), _early_on_tuesday


def _early_on_monday(place: Place, now: datetime) -> list[str]:
    """The night's look at routines; the first time the person is asked and says yes, later the task queues itself and is worked."""
    study = _studied(place, "pattern_learner", now)
    said = []
    for offer in study.frames["offers"]:
        if offer["task"]:
            task = autonomous_queue.show(place, offer["task"])["task"]
            _worked(place, task["id"], task["content_hash"], now + timedelta(minutes=10))
            said.append(f"built ahead: {offer['title']}, expected at {offer['need_at'][11:16]}")
        else:
            made = pattern_learner.enable(place, offer["pattern"], now=now, recipe="cp data/figures.csv reports/figures.csv", words={"hours": 0.2})
            said.append(f"asked once about {offer['title']}; the person enables it: {made}")
    return said


def _early_on_tuesday(place: Place, now: datetime) -> list[str]:
    """Was what had been built ahead used?"""
    study = _studied(place, "pattern_learner", now)
    settled = [data for kind, data in study.facts if kind == "pattern.settled"]
    return [f"what was built ahead was {'used' if d['used'] else 'wasted'}" for d in settled]


def _improvements() -> Iterator[tuple[datetime, Step]]:
    yield END - timedelta(days=BETTER_DAYS), _accept
    yield END - timedelta(days=BETTER_DAYS - 15), _measure
    yield END - timedelta(minutes=30), _measure


def _accept(place: Place, now: datetime) -> list[str]:
    """The person accepts two of the suggestions: a setting, and a task that is worked the same night and taken over in the morning.

    Nothing measured its speed-up, so it is not called shipped; that it helped is judged by the searches of the following weeks.
    """
    study = _studied(place, "self_improver", now)
    said = [f"weakness: {p['why']}" for p in study.frames["proposals"]]
    for proposal in study.frames["proposals"]:
        if proposal["kind"] == "setting" or "search" in proposal["title"]:
            self_improver.accept(place, proposal["id"], now=now)
            said.append(f"accepted: {proposal['title']}")
            with place.store.reading() as reader:
                queued = next(r["task"] for r in reader.rows("self_improver.improvements") if r["id"] == proposal["id"])
            if queued:
                autonomous_queue.edit(place, queued, now=now, command="true", checks=["true"])
                task = autonomous_queue.show(place, queued)["task"]
                _worked(place, task["id"], task["content_hash"], now + timedelta(minutes=20))
                autonomous_queue.accept(place, task["id"], now=now + timedelta(hours=2))
    return said


def _measure(place: Place, now: datetime) -> list[str]:
    study = _studied(place, "self_improver", now)
    return [f"measured: {i['title']}: {i['verdict']}" for i in study.frames["improvements"] if i["verdict"]]


def _studied(place: Place, component: str, now: datetime) -> Study:
    """What the night's step does, without its notebook: the study at that moment, checked and stored."""
    with place.store.reading() as reader:
        made = _STUDIES[component](reader, place, now=now, seed=SEED)
    study = read_study(made.to_text(), component, as_of=now, seed=SEED)
    place.store.write(*(place.fact(kind, actor=f"session:{component}", at=now, **data) for kind, data in study.facts))
    return study


_STUDIES = {"problem_predictor": problem_predictor.study, "pattern_learner": pattern_learner.study, "self_improver": self_improver.study}


def _worked(place: Place, task: str, content_hash: str, at: datetime) -> None:
    """A simulated session with one attempt that ran and passed its check."""
    session, attempt = new_id(), new_id()
    end = at + timedelta(minutes=12)
    head: dict[str, Any] = {
        "kind": "overnight",
        "window": f"asked@{at:%Y-%m-%d}",
        "deadline": stamp(at + timedelta(hours=1)),
        "lanes": 1,
        "isolation": "simulated",
    }
    owner = {"pid": 1, "started": 0.0, "booted": 0.0, "host": "simulated"}
    own: dict[str, Any] = {"attempt": attempt, "task": task, "session": session}
    claim: dict[str, Any] = {"n": 1, "content_hash": content_hash, "spec": {}, "place": "simulated", "expected_end": None, "log": ""}
    proof = [{"kind": "check", "name": "simulated", "ok": True, "said": "simulated", "detail": {}}]
    actor = f"session:{session}"
    place.store.write(
        place.fact("session.opened", at=at, session=session, owner=owner, policy_hash=place.settings.policy.hash, **head),
        place.fact("attempt.claimed", actor=actor, at=at, **own, **claim),
        place.fact("attempt.ended", actor=actor, at=end, **own, outcome="finished", seconds=700.0, exit_code=0, evidence=proof),
        place.fact("session.closed", at=end, session=session, outcome="finished", said="simulated"),
    )


# --- the page ------------------------------------------------------------------------------------------------------------


def _page(base: Path, place: Place) -> Path:
    """The executed notebook as a page."""
    import json

    executed = place.home / "reports" / "simulated_year.ipynb"
    parameters = {"workspace": str(place.home), "as_of": stamp(END)}
    result = run_notebook(place.home / NOTEBOOK, executed, parameters, deadline=time.time() + LIMIT_S, cwd=place.home)
    if result["outcome"] != "finished":
        raise Refused(f"The page of the simulated year could not be made: {result['said']}", code="failed")
    notebook = json.loads(executed.read_text(encoding="utf-8"))
    target = base / PAGE
    put(target, deep_html(notebook, "reports/simulated_year", "made up by a seeded generator, seen by the real learners", "A simulated year"))
    return target
