"""Can this workspace work tonight? One line for each thing that must be there: ok, warning or problem, and what to do.

It changes no more than any reading does, and never raises for what it finds: a check that itself fails is told as a problem.
"""

import os
import shlex
import shutil
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jarvis_lib.model.delivery import switched_on
from jarvis_lib.model.fact import Refused
from jarvis_lib.model.prose import listed, size
from jarvis_lib.model.settings import BadSettings, Settings

if TYPE_CHECKING:
    from jarvis_lib.execution.agent_ready import Unready

AGENTS = ("claude", "codex", "openclaw")
DISK_PROBLEM = 200 * 1024**2
DISK_WARNING = 2 * 1024**3


@dataclass(frozen=True, slots=True)
class Finding:
    """`level` is ok, warning or problem; `todo` is the next step, empty when there is none."""

    name: str
    level: str
    said: str
    todo: str = ""

    def to_json(self) -> dict[str, Any]:
        """For `--json`: its fields as they are."""
        return asdict(self)


def examine(home: Path | None, *, now: datetime) -> list[Finding]:
    """All findings, in reading order. `home` is None where there is no workspace."""
    settings, first = _settings(home)
    checks: list[tuple[str, Callable[[], Finding | list[Finding]]]] = [("Python", _python)]
    if home is not None:
        folder = home
        checks += [("Disk", lambda: _disk(folder, settings)), ("Folders", lambda: _folders(folder)), ("Access", lambda: _access(folder))]
        if settings is not None:
            known = settings
            checks += [("Store", lambda: _store(folder, known)), ("Clock", lambda: _clock(known, now)), ("Windows", lambda: _windows(known, now))]
            checks += [("Memory", lambda: _memory(folder, known))] if known.get("memory", "path") else []
            checks += [("Calendar", lambda: _calendars(folder, now)), ("Sources", lambda: _sources(folder, known))]
            checks += [("Delivery", lambda: _delivery(known))]
    checks += [("Notebooks", _kernel), ("Cron", lambda: _cron(home, settings, now)), ("Git", _git), ("Sandbox", lambda: _sandbox(home))]
    checks += [("Agent", lambda: _agent(home, settings))]
    return [first, *(finding for name, check in checks for finding in _safely(name, check))]


def worst(findings: list[Finding]) -> str:
    """The worst level among the findings."""
    return max((f.level for f in findings), key=("ok", "warning", "problem").index)


def _safely(name: str, check: Callable[[], Finding | list[Finding]]) -> list[Finding]:
    try:
        found = check()
        return found if isinstance(found, list) else [found]
    except Refused as error:
        return [Finding(name, "problem", error.sentence)]
    except Exception as error:  # noqa: BLE001  # the doctor must reach the last line whatever is broken
        return [Finding(name, "problem", f"this check itself failed: {type(error).__name__}: {str(error)[:120]}", "report it as a fault of Jarvis")]


def _settings(home: Path | None) -> tuple[Settings | None, Finding]:
    from jarvis_lib.workspace import SETTINGS_FILE, load_settings

    if home is None:
        return None, Finding("Workspace", "problem", f"no {SETTINGS_FILE} here or in a folder above", "make a workspace with: jarvis init")
    try:
        return load_settings(home), Finding("Workspace", "ok", f"{home}, its {SETTINGS_FILE} is right")
    except BadSettings as error:
        return None, Finding("Workspace", "problem", "; ".join(str(m) for m in error.mistakes), f"correct {home / SETTINGS_FILE}")
    except Refused as error:
        return None, Finding("Workspace", "problem", error.sentence)


def _python() -> Finding:
    version = ".".join(str(n) for n in sys.version_info[:3])
    said = f"{version} in {sys.prefix}"
    if not (3, 11) <= sys.version_info[:2] < (3, 14):
        return Finding("Python", "problem", said, "use Python 3.11, 3.12 or 3.13")
    return Finding("Python", "ok", said)


def _disk(home: Path, settings: Settings | None) -> Finding:
    from jarvis_lib.execution.room import room_on_disk

    free = shutil.disk_usage(home).free
    held_back = room_on_disk(home, settings) if settings is not None and free >= DISK_PROBLEM else ""
    if held_back:
        return Finding(
            "Disk", "warning", held_back.rstrip("."), "free some space, or change [limits] in jarvis.toml; old files are in data/trash and data/attempts"
        )
    if free < DISK_WARNING:
        level = "problem" if free < DISK_PROBLEM else "warning"
        return Finding("Disk", level, f"{size(free)} free", "free some space; old files are in data/trash and data/attempts")
    return Finding("Disk", "ok", f"{size(free)} free")


def _folders(home: Path) -> Finding:
    closed = [n for n in ("data", "reports", "logs") if not os.access(home / n if (home / n).exists() else home, os.W_OK)]
    missing = [n for n in ("data", "reports", "logs") if not (home / n).is_dir()]
    if closed:
        return Finding("Folders", "problem", f"{listed(closed)} cannot be written", "change the permissions of these folders")
    if missing:
        return Finding("Folders", "warning", f"{listed(missing)} not there yet", "nothing: they are made when they are needed")
    return Finding("Folders", "ok", "data, reports and logs can be written")


def _access(home: Path) -> Finding:
    """What others may write is a night that others decide about."""
    from jarvis_lib.doors.access import open_to_others

    found = open_to_others(home)
    if found:
        own = f"chmod -R go-w {shlex.quote(str(home))}"
        todo = (
            f"work as its owner, or make all of it yours (chown -R), then: {own}" if any(" belongs to " in f for f in found) else f"keep it to yourself: {own}"
        )
        return Finding("Access", "warning", f"{listed(found)}: so others decide what runs as you", todo)
    return Finding("Access", "ok", "nobody else may write the settings, the notebooks or the journal")


def _memory(home: Path, settings: Settings) -> Finding:
    """The folder of the memory notes, or the nearest one above it that is there."""
    folder = home / Path(settings.get("memory", "path")).expanduser()
    there = next(p for p in (folder, *folder.parents) if p.exists())
    if not there.is_dir() or not os.access(there, os.W_OK):
        return Finding("Memory", "warning", f"notes cannot be written to {folder}", "correct [memory] path, or change the permissions")
    return Finding("Memory", "ok", f"notes go to {folder}")


def _store(home: Path, settings: Settings) -> Finding:
    from jarvis_lib.store.store import Store

    owners = _owners(home, settings)
    with Store(home, settings).reading() as reader:
        version = next((r["value"] for r in reader.rows("store.meta") if r["key"] in ("schema", "version")), "1")
        counts = reader.one("store.counts") or {}
        warnings = list(reader.warnings)
    said = f"opens, schema {version}, {counts.get('facts', 0):,} facts, {counts.get('tasks', 0):,} tasks; {owners or 'nobody holds it'}"
    if warnings or "has it open" in owners:
        told = said if "has it open" in owners else "; ".join([said, *(w.rstrip(".") for w in warnings)])
        return Finding("Store", "warning", told, "work goes on from the journal; look closer with: jarvis store verify")
    return Finding("Store", "ok", said)


def _owners(home: Path, settings: Settings) -> str:
    """Who holds the session, the store's lock or (a foreign program) its file at this moment."""
    from jarvis_lib.store import engine, lock

    held = [n for n in ("session", "store") if not lock.is_free(home / "data" / f"{n}.lock")]
    found = [f"the {n} is held by {lock.owner(home / 'data' / f'{n}.lock')}" for n in held]
    path = home / "data" / "jarvis.duckdb"
    with lock.held(home / "data" / "store.lock", wait_s=settings.get("store", "wait_seconds"), what="The store"):
        try:
            if path.exists():
                with engine.attached(path, read_only=True, name="doctor"):
                    pass
        except engine.Held as error:
            found.append(str(error))
        except engine.Damaged as error:
            found.append(f"its file was damaged and is rebuilt from the journal ({error})")
        except engine.Foreign as error:
            raise Refused(f"{error}. Move it away, or choose another workspace.", code="failed") from error
    return "; ".join(found)


def _clock(settings: Settings, now: datetime) -> Finding:
    from jarvis_lib.workspace import zone_of

    zone = zone_of(settings)
    said = f"{now.astimezone(zone):%a %Y-%m-%d %H:%M} {zone.key}"
    if now < datetime(2026, 1, 1, tzinfo=UTC):
        return Finding("Clock", "problem", said, "set the machine's clock")
    if not settings.get("person", "zone") and zone.key == "UTC":
        return Finding("Clock", "warning", f"{said}, which is the machine's zone", 'if you live elsewhere, set [person] zone = "Europe/Berlin" or the like')
    return Finding("Clock", "ok", said)


def _windows(settings: Settings, now: datetime) -> Finding:
    """Does a window begin or end in an hour that the clock skips within a year?"""
    from jarvis_lib.model.window import DAYS, moment_of, occurrence, skipped
    from jarvis_lib.workspace import zone_of

    zone = zone_of(settings)
    on = [rule for rule in settings.windows if rule.on]
    today = now.astimezone(zone).date()
    hit = []
    for day in (today + timedelta(days=n) for n in range(366)):
        jumps = moment_of(day, time(0), zone) + timedelta(hours=24) != moment_of(day + timedelta(days=1), time(0), zone)
        for rule in on if jumps else ():
            eve = day - timedelta(days=1) if rule.end <= rule.start else day
            if (day.weekday() in rule.days and skipped(day, rule.start, zone)) or (eve.weekday() in rule.days and skipped(day, rule.end, zone)):
                told = occurrence(rule, day if skipped(day, rule.start, zone) else eve, zone)
                lasts = f"{told.start.astimezone(zone):%H:%M} to {told.end.astimezone(zone):%H:%M}"
                hit.append(f"[windows.{rule.kind}] touches an hour that the clock skips on {DAYS[day.weekday()]} {day}; it lasts from {lasts} then")
    if hit:
        return Finding("Windows", "warning", "; ".join(hit), "nothing, if that will do; else move its start or end out of that hour")
    return Finding("Windows", "ok", f"{listed([rule.kind for rule in on]) or 'none'} on; none begins or ends in an hour that the clock skips")


def _calendars(home: Path, now: datetime) -> list[Finding]:
    from jarvis_lib.doors.calendars import conditions
    from jarvis_lib.workspace import open_workspace

    return [Finding(*one) for one in conditions(open_workspace(home), now=now)]


def _sources(home: Path, settings: Settings) -> Finding:
    named = {k: v for k, v in settings.values["sources"].items() if v}
    gone = [f"{k} = {v!r}" for k, v in named.items() if not (home / v).exists()]
    if gone:
        return Finding("Sources", "warning", f"not there: {listed(gone)}", "correct [sources] in jarvis.toml")
    if not named:
        return Finding("Sources", "ok", "none set, so tasks need a recipe of their own (--notebook or --command)")
    return Finding("Sources", "ok", listed([f"{k} = {v}" for k, v in named.items()]))


def _delivery(settings: Settings) -> list[Finding]:
    """Nothing is said of channels that nobody switched on."""
    on = switched_on(settings.values)
    if not on:
        return []
    from jarvis_lib.doors.delivery.ready import troubles

    wrong = [Finding("Delivery", "warning", said, "set it right in jarvis.toml, then: jarvis delivery test CHANNEL") for said in troubles(settings)]
    return wrong or [Finding("Delivery", "ok", f"{listed(on)} {'is' if len(on) == 1 else 'are'} switched on")]


def _kernel() -> Finding:
    from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel

    todo = f"{sys.executable} -m ipykernel install --sys-prefix"
    try:
        spec = KernelSpecManager().get_kernel_spec("python3")
    except NoSuchKernel:
        return Finding("Notebooks", "problem", "there is no kernel python3", todo)
    if not shutil.which(spec.argv[0]):
        return Finding("Notebooks", "problem", f"the kernel python3 starts {spec.argv[0]}, which is not there", todo)
    return Finding("Notebooks", "ok", f"kernel python3 in {spec.resource_dir}")


def _cron(home: Path | None, settings: Settings | None, now: datetime) -> Finding:
    if home is None or settings is None:
        return Finding("Cron", "warning", "no workspace that can be read, so nothing starts by itself", "make or mend one, then: jarvis cron install")
    from jarvis_lib.doors.cron.condition import condition
    from jarvis_lib.workspace import open_workspace

    return Finding("Cron", *condition(open_workspace(home), now=now))


def _git() -> Finding:
    found = shutil.which("git")
    return Finding("Git", "ok", found) if found else Finding("Git", "warning", "there is no git", "install git for tasks on repositories")


def _sandbox(home: Path | None) -> Finding:
    """The strongest level here, tried by a program that wants to get out, as before each session."""
    import tempfile

    from jarvis_lib.execution.sandbox import canary, levels

    here = levels.machine()
    level = levels.resolve("best", here)
    words, todo = levels.said(level, here), "; ".join(here.todo_for("strict"))
    if level == "none":
        return Finding(
            "Sandbox", "warning", f"{words} ({here.strict_why}; {here.basic_why})", todo or "run agents on Linux; docs/SECURITY.md says what holds where"
        )
    with tempfile.TemporaryDirectory(prefix="jarvis-doctor-") as folder:
        tried = canary.escape(Path(folder), level, home=home)
    if not tried.held:
        return Finding("Sandbox", "problem", f"{level} does not hold: {tried.said}", "agents are not run here; report this as a fault of Jarvis")
    if level != "strict":
        return Finding("Sandbox", "warning", f"{words}; {tried.said}. {here.strict_why}; agents are not run", todo or "docs/SECURITY.md says what stays open")
    return Finding("Sandbox", "ok", f"{words}; {tried.said}")


def _agent(home: Path | None, settings: Settings | None) -> Finding:
    """Is there an agent? Not well when an open task needs one and none can do it."""
    stuck = _without_agent(home, settings) if home is not None and settings is not None else None
    if stuck is not None:
        return Finding(
            "Agent", "warning", f"{stuck.title}: {stuck.what.rstrip('.')}", "docs/INTEGRATION_GUIDE.md, Coding agents, says how; then: jarvis doctor"
        )
    found = [name for name in AGENTS if shutil.which(name)]
    said = f"{listed(found)} found; try one with: jarvis doctor --agent {found[0]}" if found else ""
    return Finding("Agent", "ok", said or f"none found ({listed(AGENTS, 'or')}); notebooks and commands need none")


def _without_agent(home: Path, settings: Settings) -> "Unready | None":
    """The open tasks for a coding agent that none can do here."""
    from jarvis_lib.execution.agent_ready import waiting
    from jarvis_lib.store.store import Store

    try:
        with Store(home, settings).reading() as reader:
            rows = reader.rows("autonomous_queue.open_for_agents")
    except Refused:
        return None  # the line of the store tells it
    return waiting(rows, settings.values["agent"])
