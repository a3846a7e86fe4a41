"""What does one night of Jarvis look like? A real one on real data, compressed into minutes, and its brief.

Promise: nothing is played. The tasks go through the queue's own verbs, the night is the night that cron would start, and every
number of the brief is measured in that very run. A second run finds the app as bad as it was.
"""

import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jarvis_lib
from jarvis_lib import autonomous_queue, build_scheduler, overnight_runner
from jarvis_lib.doors import demo_data
from jarvis_lib.doors.demo_year import run_year
from jarvis_lib.doors.init import init, shipped_notebooks
from jarvis_lib.model.fact import Refused
from jarvis_lib.model.prose import plural, seconds
from jarvis_lib.model.settings import template
from jarvis_lib.store.place import Place
from jarvis_lib.workspace import open_workspace

Say = Callable[[str], None]
WORKSPACE = "data/demo-workspace"
REPORTS = "reports/demo"
MINUTES = 6.0
SILENCE_S = 8.0
ROOM = {"busy_share": "0.95", "disk_plenty_gb": "2.0"}
"""Its settings of how full the machine may be: it needs some hundred megabytes for minutes, and not the room of a night."""
_MADE = (
    *("reports/dashboard.html", "reports/api_reference.md", "reports/weekly_report.md", "reports/delay_alerts.html"),
    *(f"reports/delay_by_{by}.{end}" for by in ("airline", "airport") for end in ("md", "progress.json")),
)


@dataclass(frozen=True, slots=True)
class DemoResult:
    """How the night went. `brief` is None when none could be made; `verified` and `fixed` are counts; `seconds` the whole demo.

    `year` is the page of the simulated year.
    """

    home: Path
    brief: Path | None
    headline: str
    seconds: float
    verified: int
    fixed: int
    year: Path

    @property
    def whole(self) -> bool:
        """True when everything that the demo promises came about."""
        return self.brief is not None and self.brief.suffix == ".html" and self.verified >= 3 and self.fixed >= 2


def run_demo(base: Path, *, minutes: float = MINUTES, say: Say = print) -> DemoResult:
    """One night in `base`/data/demo-workspace of at most `minutes`, then a simulated year; both pages below `base`/reports/demo. Refuses what a night refuses.

    `base` is a workspace; `base_of` finds it.
    """
    begun = time.monotonic()
    demo_data.flights_folder()
    say(f"The demo: a whole night on real data, compressed into {minutes:g} minutes at most.")
    place = _evening(base, say)
    _queue(place, say)
    with never_silent(say) as saying:
        brief = overnight_runner.start(place, anyway=True, for_minutes=minutes, say=saying, brief_to=_brief_path(base, place), analyse=True)
    with never_silent(say) as saying:
        year = run_year(base, say=saying)
    result = _result(place, brief, year, time.monotonic() - begun)
    _tell(result, say)
    return result


def base_of(workspace: Path | None) -> Path:
    """Where a demo keeps its folders: the clone that this package lies in, else `workspace`. Refuses where there is neither.

    Called from the workspace that an earlier demo made, it is the one around that.
    """
    clone = Path(jarvis_lib.__file__).resolve().parents[1]
    if (clone / "jarvis.toml").is_file():
        return clone
    if workspace is None:
        raise Refused("The demo keeps its folders in a workspace, and there is none here; make one: jarvis init ~/jarvis && cd ~/jarvis", code="missing")
    outer = workspace.parent.parent
    return outer if workspace.parent.name == "data" and (outer / "jarvis.toml").is_file() else workspace


def _evening(base: Path, say: Say) -> Place:
    """The workspace as it is before the night."""
    home = base / WORKSPACE
    say(f"Evening: making {home.relative_to(base)} ready")
    if not (home / "jarvis.toml").is_file():
        init(home)
    shutil.copytree(shipped_notebooks(), home / "notebooks", dirs_exist_ok=True, ignore=shutil.ignore_patterns(".*", "__pycache__"))
    (home / "jarvis.toml").write_text(settings_text(), encoding="utf-8")
    for made in _MADE:
        (home / made).unlink(missing_ok=True)
    demo_data.evening(home, demo_data.shipped_inputs(), say)
    return open_workspace(home)


def settings_text() -> str:
    """The demo's `jarvis.toml`: the template with its sources and what to watch filled in, for a machine that may be busy."""
    filled = {
        "database": f'"{demo_data.DATABASE}"',
        "queries": f'"{demo_data.QUERIES}"',
        "openapi": f'"{demo_data.OPENAPI}"',
        "databases": '["data/app/*.db"]',
    }
    text = template()
    for key, value in (filled | ROOM).items():
        text = with_value(text, key, value)
    return text


def with_value(text: str, key: str, value: str, *, section: str = "") -> str:
    """The settings with another value for `key` (of `section`, where the name stands in several)."""
    lines = text.splitlines(keepends=True)
    own = ""
    found = []
    for at, line in enumerate(lines):
        own = line.strip()[1:-1] if line.startswith("[") else own
        if line.startswith(f"{key} = ") and section in ("", own):
            found.append(at)
    if len(found) != 1:
        raise Refused(f"The settings template has {plural(len(found), 'key')} named {key}; the demo needs one.", code="failed")
    lines[found[0]] = f"{key} = {value}\n"
    return "".join(lines)


def _queue(place: Place, say: Say) -> None:
    """The day: what somebody asked for, through the same verbs that the command line has."""
    _clear(place, say)
    say("Day: somebody adds seven tasks, two of them for a night of full length")
    ids = {name: _add(place, say, **task) for name, task in tasks().items()}
    autonomous_queue.approve(place, ids["dashboard"], now=place.now())
    say("  approved  Build analytics dashboard: it is a new feature, so Jarvis asked; the demo's person said yes, by day")
    for name in ("airlines", "airports"):
        say(f"  {build_scheduler.pin(place, ids[name], 'overnight', now=place.now())}")


def _clear(place: Place, say: Say) -> None:
    """What an earlier demo left open is dropped, so that each night tells its own story."""
    autonomous_queue.close_dead(place, now=place.now())
    for row in autonomous_queue.listing(place, now=place.now(), open_only=True):
        autonomous_queue.drop(place, row["id"], now=place.now(), reason="left over from an earlier demo")
        say(f"  dropped   {row['title']}: left over from an earlier demo")


def _add(place: Place, say: Say, **task: Any) -> str:
    added = autonomous_queue.add(place, now=place.now(), **task)
    say(f"  {added.said}")
    return added.task.id


def tasks() -> dict[str, dict[str, Any]]:
    """The seven tasks of the demo, as arguments of `autonomous_queue.add`. The estimates are honest: a minute or two, but for the last two.

    These take hours on purpose: the compressed night has no room for them, so the brief can show the plan for the coming one.
    """
    recipes = "notebooks/recipes"
    return {
        "optimise": {
            "title": "Optimise database queries",
            "description": "The flight desk waits for its lookups. Profile the app's slow queries and make them faster.",
            "hours": 0.03,
            "category": "Performance optimization",
            "priority": "HIGH",
        },
        "dashboard": {
            "title": "Build analytics dashboard",
            "description": "One page with linked charts of late departures: by week, airline, hour and airport.",
            "hours": 0.01,
            "category": "New features",
            "priority": "HIGH",
            "notebook": f"{recipes}/build_dashboard.ipynb",
            "parameters": {"database": demo_data.DATABASE},
        },
        "document": {
            "title": "Document REST API",
            "description": "A reference of every path, method, parameter and response of the server's API.",
            "hours": 0.01,
            "category": "Documentation",
            "priority": "MEDIUM",
        },
        "alerts": {
            "title": "Offer a delay page to passengers",
            "description": "The dashboard's charts once more, on a page that passengers may see.",
            "hours": 0.01,
            "category": "New features",
            "priority": "MEDIUM",
            "notebook": f"{recipes}/build_dashboard.ipynb",
            "parameters": {"database": demo_data.DATABASE, "out": "reports/delay_alerts.html"},
        },
        "refuted": _wrong_fix(),
        "airlines": _intervals("airline", "carrier", 200_000, 2.5, "MEDIUM"),
        "airports": _intervals("airport", "dest", 280_000, 3.5, "LOW"),
    }


def _wrong_fix() -> dict[str, Any]:
    script, report = "{python} tools/weekly_report.py", "reports/weekly_report.md"
    return {
        "title": "Fix the mean delay (meant to fail)",
        "description": "Flights that never left count as on time. The demo's fix is wrong, and says that all is good.",
        "hours": 0.01,
        "category": "Bug fixes",
        "priority": "LOW",
        "command": f"{script} {demo_data.DATABASE} {report}",
        "checks": [f"{{python}} tools/check_weekly_report.py {demo_data.DATABASE} {report}"],
        "changes": [report],
    }


def _intervals(by: str, group: str, draws: int, hours: float, priority: str) -> dict[str, Any]:
    report = f"reports/delay_by_{by}.md"
    return {
        "title": f"Bootstrap the delays by {by}",
        "description": f"Mean arrival delay of each {by} with a 95 % interval from {draws:,} draws. It goes on from its own progress.",
        "hours": hours,
        "category": "Documentation",
        "priority": priority,
        "command": f"{{python}} tools/delay_intervals.py {demo_data.DATABASE} {report} {group} {draws}",
        "checks": [f"{{python}} tools/check_delay_intervals.py {demo_data.DATABASE} {report} {group}"],
        "changes": [report, f"reports/delay_by_{by}.progress.json"],
        "resumable": True,
    }


@contextmanager
def never_silent(say: Say) -> Iterator[Say]:
    """`say`, and after SILENCE_S without a word a line that the night goes on."""
    begun = time.monotonic()
    spoken, over = threading.Event(), threading.Event()

    def saying(line: str) -> None:
        spoken.set()
        say(line)

    def beat() -> None:
        while not over.wait(SILENCE_S):
            if not spoken.is_set():
                say(f"  …         at work since {seconds(time.monotonic() - begun)}")
            spoken.clear()

    thread = threading.Thread(target=beat, daemon=True)
    thread.start()
    try:
        yield saying
    finally:
        over.set()
        thread.join()


def _brief_path(base: Path, place: Place) -> Path:
    return base / REPORTS / f"{place.now().astimezone(place.zone):%Y-%m-%d}-brief.html"


def _result(place: Place, brief: Path | None, year: Path, took: float) -> DemoResult:
    record = overnight_runner.report(place, now=place.now())
    headline = overnight_runner.brief(place, as_of=place.now()).headline
    return DemoResult(place.home, brief, headline, took, record["tasks_completed"], sum(f["verified"] for f in record["fixes"]), year)


def _tell(result: DemoResult, say: Say) -> None:
    say("")
    say(result.headline)
    say(f"The demo took {seconds(result.seconds)}: {plural(result.verified, 'verified task')}, {plural(result.fixed, 'problem')} fixed and re-checked.")
    say(f"The commands of the brief work in its workspace: cd {os.path.relpath(result.home)}")
    say(f"Simulated year (made up, and seen by the real learners): {result.year}")
    say(f"Brief: {result.brief or 'none could be made; see logs/overnight_execution.log in ' + str(result.home)}")
