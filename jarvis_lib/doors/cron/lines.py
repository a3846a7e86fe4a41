"""Which command is started, and when? One entry for each job, from the settings of the windows, for a crontab and for timers alike.

Paths are absolute and the environment is named, because a scheduler gives almost none: `/usr/bin:/bin`, no language, the home as folder.
"""

import os
import shlex
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from jarvis_lib.model.fact import Refused
from jarvis_lib.model.task import AGENTS
from jarvis_lib.model.timetable import jobs
from jarvis_lib.model.window import DAYS
from jarvis_lib.store.place import Place
from jarvis_lib.workspace import machine_zone

WORDS = {
    "start": ("overnight", "start"),
    "report": ("overnight", "report"),
    "brief": ("overnight", "brief"),
    "checkin": ("overnight", "checkin"),
    "suggest": ("weekend", "suggest"),
    "summary": ("weekend", "summary"),
    "review": ("weekend", "review"),
    "catchup": ("cron", "catch-up"),
}
"""Which verb answers which knock."""

NOTEBOOKS = {"brief": "morning_brief", "checkin": "evening_checkin", "summary": "weekend_report", "review": "weekly_review"}
"""What the plain papermill lines run."""

FOUND_WITH = ("git", "bwrap", "node", *(a for a in AGENTS if a != "custom"))
"""Programs whose folders stand in the PATH of the entries, as they are found now."""
LONGEST = 990
"""Cron takes no longer command."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One knock: its job, when (days 0 = Monday, None for every fifteen minutes), and what it starts."""

    job: str
    at: time | None
    days: tuple[int, ...]
    argv: tuple[str, ...]
    log: Path


def entries(place: Place, *, by_papermill: bool = False, program: Path | None = None, only_catch_up: bool = False) -> list[Entry]:
    """All entries of this workspace, in the order of the day's work. `program` is the `jarvis` to start, else the one of this environment."""
    jarvis = program or own_program()
    start = next(rule for rule in place.settings.windows if rule.kind == "overnight")
    wanted = [("start", start.start, start.days)] if start.on and "overnight" in place.settings.get("cron", "windows") else []
    wanted += [(job.name, job.at, job.days) for job in jobs(place.settings.windows, finish_by=place.settings.get("weekend", "finish_by"))]
    if only_catch_up:
        wanted = []
    made = [_entry(place, jarvis, name, at, days, by_papermill=by_papermill) for name, at, days in wanted]
    made.append(_entry(place, jarvis, "catchup", None, (), by_papermill=False))
    wrong = next((e for e in made if any("\n" in word or "\r" in word for word in (*e.argv, str(e.log)))), None)
    if wrong is not None:
        raise Refused(f"A path of this workspace has a line break in it, which no scheduler can hold: {str(place.home)!r}.", code="usage")
    return made


def _entry(place: Place, jarvis: Path, name: str, at: time | None, days: tuple[int, ...], *, by_papermill: bool) -> Entry:
    log = place.home / "logs" / f"cron-{name}.log"
    if by_papermill and name in NOTEBOOKS:
        notebook = f"{NOTEBOOKS[name]}.ipynb"
        argv = [str(jarvis.with_name("papermill")), str(place.home / "notebooks" / "reports" / notebook), str(place.home / "logs" / notebook)]
        return Entry(
            name,
            at,
            days,
            (*argv, "-p", "home", str(place.home), "--cwd", str(place.home / "notebooks" / "reports"), "--no-progress-bar", "--log-level", "WARNING"),
            log,
        )
    return Entry(name, at, days, (str(jarvis), "--home", str(place.home), *WORDS[name], "--from-cron"), log)


def own_program() -> Path:
    """The `jarvis` of the environment that runs this. Raises Refused where there is none beside its Python."""
    found = Path(sys.executable).with_name("jarvis")
    if os.access(found, os.X_OK):
        return found
    raise Refused(f"There is no program {found}, so there is nothing to start; install Jarvis into this environment (pip install -e .).", code="missing")


def search_path() -> str:
    """The PATH of the entries: where the programs of tasks and agents are found now, then the machine's own folders."""
    found = [os.path.dirname(p) for p in map(shutil.which, FOUND_WITH) if p and os.path.isabs(p)]
    return ":".join(dict.fromkeys([*(f for f in found if ":" not in f and f.isprintable()), "/usr/local/bin", "/usr/bin", "/bin"]))


def environment(place: Place) -> list[str]:
    """What the entries have of the environment: the PATH, and the zone where it is known from this environment alone."""
    named = place.settings.get("person", "zone") or same_clock(machine_zone(), place.zone, now=place.now())
    return [f"PATH={search_path()}", *([] if named else [f"TZ={place.zone.key}"])]


def same_clock(machine: str, zone: ZoneInfo, *, now: datetime) -> bool:
    """Do both clocks show the same time at every hour of the coming year?"""
    try:
        other = ZoneInfo(machine)
    except (ValueError, OSError, KeyError):
        return True
    begin = now.astimezone(UTC)
    return all((at := begin + timedelta(hours=n)).astimezone(zone).utcoffset() == at.astimezone(other).utcoffset() for n in range(0, 366 * 24, 3))


def script(entry: Entry, command: str) -> str:
    """Shell words that run the command into its log; the folder of the logs may be deleted at any time."""
    return f"mkdir -p logs && {command} >>logs/{entry.log.name} 2>&1"


def cron_line(entry: Entry, *, home: Path, env: Sequence[str]) -> str:
    """The entry as a line of a crontab: `%` escaped, output into its log. Raises Refused for one that is longer than cron takes."""
    command = f"cd {shlex.quote(str(home))} && {script(entry, f'/usr/bin/env {shlex.join([*env, *entry.argv])}')}"
    if "\\%" in command:  # cron takes the backslash that is there for the pair of the one that would be put before the percent sign, and cuts the line
        raise Refused(f"A path of this workspace has a backslash before a percent sign, which no crontab can hold: {str(home)!r}.", code="usage")
    command = command.replace("%", "\\%")
    if len(command) > LONGEST:
        raise Refused(f"The line of {entry.job} would have {len(command)} characters, and cron takes {LONGEST}; use a workspace with a shorter path.")
    return f"{_when(entry)} {command}  # jarvis:{entry.job}"


def _when(entry: Entry) -> str:
    if entry.at is None:
        return "*/15 * * * *"
    days = "*" if len(entry.days) == 7 else ",".join(str((d + 1) % 7) for d in entry.days)
    return f"{entry.at.minute} {entry.at.hour} * * {days}"


def calendar_of(entry: Entry, zone: str) -> str:
    """The entry's times as systemd writes them, in the person's own zone."""
    if entry.at is None:
        return "*-*-* *:00/15:00"
    days = "" if len(entry.days) == 7 else f"{','.join(DAYS[d] for d in entry.days)} "
    return f"{days}*-*-* {entry.at:%H:%M}:00 {zone}"


def said(entry: Entry) -> str:
    """`23:00 every day`, `18:00 Fri`, `every 15 min`."""
    if entry.at is None:
        return "every 15 min"
    return f"{entry.at:%H:%M} " + ("every day" if len(entry.days) == 7 else _days(entry.days))


def _days(days: Sequence[int]) -> str:
    return ", ".join(DAYS[d] for d in days)
