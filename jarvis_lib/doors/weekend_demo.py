"""What does a weekend of Jarvis look like? A real one on real data, compressed into minutes: suggest, select, start, work, summary.

Promise: nothing is played. The weekend window of the demo's own workspace is set to the next minutes of today; the tasks go through the
queue's own verbs, they run in a session that works that window, and the report is the one that Sunday evening would make.
"""

import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from jarvis_lib import autonomous_queue, context_scheduler, weekend_planner
from jarvis_lib.doors import demo, demo_data
from jarvis_lib.doors.init import init
from jarvis_lib.model.fact import Refused
from jarvis_lib.model.prose import chance, listed, plural, seconds, spell
from jarvis_lib.model.settings import template
from jarvis_lib.model.window import DAYS
from jarvis_lib.report.weekend_parts import WeekendReport
from jarvis_lib.store import lock
from jarvis_lib.store.place import Place
from jarvis_lib.workspace import open_workspace

Say = Callable[[str], None]
WORKSPACE = "data/weekend-workspace"
REPORTS = "reports/demo"
MINUTES = 4.0
PROJECT = "Flight desk"


@dataclass(frozen=True, slots=True)
class WeekendResult:
    """How the weekend went. `report` is None when none could be made; `shipped` and `phases` are counts; `seconds` the whole demo."""

    home: Path
    report: Path | None
    headline: str
    seconds: float
    shipped: int
    phases: int

    @property
    def whole(self) -> bool:
        """True when every phase of the chosen build was proved and the page is there."""
        return self.report is not None and self.report.suffix == ".html" and 0 < self.phases == self.shipped


def run_weekend(base: Path, *, minutes: float = MINUTES, say: Say = print) -> WeekendResult:
    """One weekend in `base`/data/weekend-workspace of at most `minutes`; its report below `base`/reports/demo.

    `base` is a workspace; `base_of` finds it.
    """
    begun = time.monotonic()
    demo_data.flights_folder()
    say(f"The demo: a whole weekend on real data, compressed into {minutes:g} minutes at most.")
    place = _friday(base, minutes, say)
    build = _choose(place, say)
    started = weekend_planner.start(place, now=place.now())
    for line in started.said:
        say(f"  {line}")
    say("Weekend: a session works the window")
    context_scheduler.set_context(place, "weekend", now=place.now(), for_minutes=60)
    with demo.never_silent(say) as saying:
        say(autonomous_queue.work_now(place, say=saying))
    _tell_progress(place, say)
    out = base / REPORTS / f"{place.now().astimezone(place.zone):%Y-%m-%d}-weekend.html"
    page = weekend_planner.make_summary(place, as_of=place.now(), out=out, say=say)
    return _result(place, build, page, time.monotonic() - begun, say)


def _friday(base: Path, minutes: float, say: Say) -> Place:
    """The workspace as it is before the weekend, with a weekend window that is on for the next `minutes`."""
    home = base / WORKSPACE
    say(f"Friday: making {home.relative_to(base)} anew")
    _cleared(home)
    init(home)
    demo_data.weekend(home, demo_data.shipped_inputs(), say)
    (home / "jarvis.toml").write_text(template(), encoding="utf-8")
    bare = open_workspace(home)
    (home / "jarvis.toml").write_text(settings_text(bare.now().astimezone(bare.zone), minutes), encoding="utf-8")
    place = open_workspace(home)
    say("Friday: the queue has six tasks")
    ids = {name: _add(place, say, **task) for name, task in tasks().items()}
    autonomous_queue.approve(place, ids["dashboard"], now=place.now())
    say("  approved  Build the delay dashboard: it is a new feature, so Jarvis asked; the demo's person said yes")
    return place


def settings_text(now: datetime, minutes: float) -> str:
    """The template with a weekend that is today (local `now`), from this minute on; the other windows leave the day to it."""
    end = now + timedelta(minutes=minutes + 1)
    if end.date() > now.date() and f"{end:%H:%M}" != "00:00":
        raise Refused(f"A weekend's window ends by midnight, and the demo needs {minutes + 1:g} minutes of it; run it again after 00:00.")
    today, before = now.weekday(), (now.weekday() - 1) % 7
    others = [d for d in DAYS if d not in (DAYS[today], DAYS[before])]
    text = template()
    for window in ("overnight", "quick_win", "work_hours"):
        days = [d for d in others if window == "overnight" or DAYS.index(d) < 5]
        text = demo.with_value(text, "days", f"[{', '.join(repr(d) for d in days)}]".replace("'", '"'), section=f"windows.{window}")
    for key, value in (("days", f'["{DAYS[today]}"]'), ("start", f'"{now:%H:%M}"'), ("end", f'"{end:%H:%M}"')):
        text = demo.with_value(text, key, value, section="windows.weekend")
    text = demo.with_value(text, "single_hours", "[0.03, 0.1]")
    text = demo.with_value(text, "finish_by", f'"{end:%H:%M}"', section="weekend")
    for key, value in demo.ROOM.items():
        text = demo.with_value(text, key, value)
    for key, value in (("database", demo_data.DATABASE), ("openapi", demo_data.OPENAPI)):
        text = demo.with_value(text, key, f'"{value}"', section="sources")
    return text


def _cleared(home: Path) -> None:
    """Nothing of an earlier demo is left but the loaded flights, so that each weekend tells its own story."""
    if (home / "data").is_dir() and not lock.is_free(home / "data" / "session.lock"):
        raise Refused(f"A demo is running in {home} already; wait for its end, or stop it with: jarvis --home {home} overnight stop", code="busy")
    for path in home.iterdir() if home.is_dir() else ():
        for own in path.iterdir() if path.name == "data" else (path,):
            if own.name != Path(demo_data.LOADED).name:
                shutil.rmtree(own) if own.is_dir() and not own.is_symlink() else own.unlink()


def _add(place: Place, say: Say, **task: Any) -> str:
    added = autonomous_queue.add(place, now=place.now(), **task)
    say(f"  {added.said}")
    return added.task.id


def tasks() -> dict[str, dict[str, Any]]:
    """The tasks of the demo, as arguments of `autonomous_queue.add`: three of one project, two that are alike, and a large one."""
    recipes = "notebooks/recipes"
    return {
        "dashboard": {
            "title": "Build the delay dashboard",
            "description": "One page with linked charts of late departures: by week, airline, hour and airport.",
            "hours": 0.01,
            "category": "New features",
            "priority": "HIGH",
            "notebook": f"{recipes}/build_dashboard.ipynb",
            "parameters": {"database": demo_data.DATABASE},
            "project": PROJECT,
        },
        "api": {
            "title": "Document the REST API",
            "description": "A reference of every path, method, parameter and response of the server's API.",
            "hours": 0.005,
            "category": "Documentation",
            "priority": "MEDIUM",
            "project": PROJECT,
        },
        "tools": {
            "title": "Document the desk's own tools",
            "description": "A reference of every public function of the tools, read from their source.",
            "hours": 0.005,
            "category": "Documentation",
            "priority": "MEDIUM",
            "notebook": f"{recipes}/document_package.ipynb",
            "parameters": {"package": "tools", "out": "reports/tools_reference.md"},
            "project": PROJECT,
        },
        **_alike(),
        "invoices": {
            "title": "Rewrite the invoice import",
            "description": "As large as a whole weekend of the demo.",
            "hours": 0.04,
            "category": "Refactoring",
            "priority": "LOW",
        },
    }


def _alike() -> dict[str, dict[str, Any]]:
    return {
        "churn": {
            "title": "Explain last month's churn",
            "description": "Which passengers left, and after what? Nobody has written down yet how this is to be done.",
            "hours": 0.01,
            "category": "Research/analysis",
            "priority": "LOW",
        },
        "churn chart": {
            "title": "Chart last month's churn by fare",
            "description": "Which passengers left, drawn by fare. Nobody has written down yet how this is to be done.",
            "hours": 0.01,
            "category": "Research/analysis",
            "priority": "LOW",
        },
    }


def _choose(place: Place, say: Say) -> str:
    """What `jarvis weekend suggest` offers, and the demo person's choice: the best one that needs nothing more from them."""
    made = weekend_planner.suggest(place, now=place.now())
    say(made.said)
    for c in made.candidates:
        say(f"  {c.id}  {c.title}: {spell(c.p50)}, at most {spell(c.p80)} in 8 of 10 cases, {chance(c.chance)} in time")
        say(f"           why now: {'; '.join(c.why)}")
        say(f"           {f'needs you: {listed([n.what for n in c.needs])}' if c.needs else 'needs nothing from you but the choice'}")
    ready = [c for c in made.candidates if not c.needs]
    if not ready:
        raise Refused("The demo's weekend offered nothing that could run, so there is nothing to show.", code="failed")
    chosen = weekend_planner.select(place, ready[0].id, now=place.now())
    say(f"  {chosen.said[0]}")
    return chosen.build


def _tell_progress(place: Place, say: Say) -> None:
    found = weekend_planner.progress(place, now=place.now())
    for b in found.builds:
        done = sum(p.standing == "done" for p in b.phases)
        say(f"Progress: {b.title}: {done} of {plural(len(b.phases), 'phase')} done, {b.track}. {b.said}")


def _result(place: Place, build: str, page: Path, took: float, say: Say) -> WeekendResult:
    found: WeekendReport = weekend_planner.summary(place, as_of=place.now())
    phases = next(b.phases for b in weekend_planner.progress(place, now=place.now()).builds if b.build == build)
    result = WeekendResult(place.home, page, found.headline, took, sum(p.standing == "done" for p in phases), len(phases))
    say("")
    say(result.headline)
    say(f"The demo took {seconds(took)}: {result.shipped} of {plural(result.phases, 'phase')} verified.")
    say(f"The commands of the report work in its workspace: cd {place.home}")
    say(f"Report: {page}")
    return result
