"""What would change in the person's crontab or units, and how is it changed? A difference first, then a backup, then the change, then a look at it.

One scheduler for each workspace: lines in the crontab or timers of systemd, never both. Blocks of workspaces that are gone go with the next change.
"""

import difflib
import os
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from jarvis_lib.doors.cron import block, lines, units
from jarvis_lib.doors.cron.memory import recall
from jarvis_lib.execution import timetables
from jarvis_lib.model.fact import Refused, new_id
from jarvis_lib.model.prose import plural
from jarvis_lib.store.place import Place
from jarvis_lib.workspace import SETTINGS_FILE, machine_zone

BACKUPS = Path("data/crontab-backups")
LINGER = "So that timers also run while you are logged out: loginctl enable-linger"


@dataclass(frozen=True, slots=True)
class Change:
    """What `install` or `remove` would do: the texts before and after, by name. `crontab` names the table, every other name a unit's file."""

    verb: str
    scheduler: str
    before: Mapping[str, str]
    after: Mapping[str, str]
    notes: tuple[str, ...] = ()

    @property
    def is_none(self) -> bool:
        """Whether every text would stay as it is."""
        return dict(self.before) == dict(self.after)

    def diff(self) -> list[str]:
        """A unified difference of everything that would change."""
        found: list[str] = []
        for name in sorted({*self.before, *self.after}):
            old, new = self.before.get(name, ""), self.after.get(name, "")
            found += difflib.unified_diff(_shown(old), _shown(new), f"{name} (now)", f"{name} (then)", lineterm="")
        return found

    def to_json(self) -> dict[str, Any]:
        """For `--json`: the difference as one text, not both texts."""
        return {"verb": self.verb, "scheduler": self.scheduler, "changes": not self.is_none, "diff": self.diff(), "notes": list(self.notes)}


@dataclass(frozen=True, slots=True)
class Standing:
    """What knocks now: the scheduler (none, cron, papermill, systemd), its entries as they stand, whether they are what the settings want, and the last run."""

    scheduler: str
    entries: tuple[dict[str, str], ...]
    is_current: bool
    last_run: datetime | None
    notes: tuple[str, ...] = ()
    slots: tuple[dict[str, Any], ...] = field(default=())

    def to_json(self) -> dict[str, Any]:
        """For `--json`: all that it holds, the slots as they were handed in."""
        return {
            "scheduler": self.scheduler,
            "entries": list(self.entries),
            "is_current": self.is_current,
            "last_run": self.last_run,
            "notes": list(self.notes),
            "slots": list(self.slots),
        }


def usual() -> str:
    """The scheduler to take when none is named: cron where there is a crontab, else systemd. Raises Refused where there is neither."""
    if timetables.has_crontab():
        return "cron"
    if timetables.has_systemd():
        return "systemd"
    raise Refused("There is no crontab here, and no systemd of yours; install cron, or start the night by hand: jarvis overnight start", code="missing")


# --- what would change ---------------------------------------------------------------------------------------------------


def plan_install(place: Place, scheduler: str, *, program: Path | None = None) -> Change:
    """The change that makes `scheduler` (cron, systemd or papermill) knock as the settings say. Raises Refused where another one knocks already."""
    other = _installed_units(place) if scheduler != "systemd" else _own_block(place)
    if other:
        name, word = ("systemd", "--systemd") if scheduler != "systemd" else ("the crontab", "--cron")
        raise Refused(f"This workspace is started by {name} already, and two would run everything twice; first: jarvis cron remove {word}")
    if scheduler == "systemd":
        timetables.systemctl(["show-environment"])
        made = units.texts(place.home, lines.entries(place, program=program), env=lines.environment(place), zone=place.zone.key)
        return Change("install", scheduler, _installed_units(place), made, (LINGER,))
    table = timetables.read_crontab()
    text, notes = _block_text(place, scheduler, program)
    gone = _gone(table, place)
    after = block.with_block(block.without(table, gone), str(place.home), text)
    return Change("install", scheduler, {"crontab": table}, {"crontab": after}, (*notes, *_said_gone(gone), *_said_own(table)))


def _block_text(place: Place, scheduler: str, program: Path | None) -> tuple[str, tuple[str, ...]]:
    machine = machine_zone()
    apart = not lines.same_clock(machine, place.zone, now=place.now())
    made = lines.entries(place, by_papermill=scheduler == "papermill", program=program, only_catch_up=apart)
    env = lines.environment(place)
    also = [f"Cron's clock is {machine} and yours is {place.zone.key}, so the catch-up starts everything, by your clock."] if apart else []
    return block.block(str(place.home), [lines.cron_line(e, home=place.home, env=env) for e in made], also=also), tuple(also)


def plan_remove(place: Place, scheduler: str) -> Change:
    """The change that takes out what `scheduler` has of this workspace, and of workspaces that are gone."""
    if scheduler == "systemd":
        return Change("remove", scheduler, _installed_units(place), {})
    table = timetables.read_crontab()
    gone = _gone(table, place)
    return Change("remove", scheduler, {"crontab": table}, {"crontab": block.without(table, [str(place.home), *gone])}, tuple(_said_gone(gone)))


def standing_scheduler(place: Place) -> str:
    """Which scheduler knocks for this workspace now: cron, papermill, systemd or none. Raises Refused where the crontab cannot be read."""
    if _installed_units(place):
        return "systemd"
    own = _own_block(place) if timetables.has_crontab() else ""
    return "none" if not own else "papermill" if "/papermill" in own else "cron"


def _said_own(table: str) -> list[str]:
    count = own_lines(table)
    told = f"{plural(count, 'line')} of your own {'starts' if count == 1 else 'start'} Jarvis too; that does not clash, and crontab -e takes them out."
    return [told] if count else []


def own_lines(table: str) -> int:
    """How many lines outside of any block start a night or a brief: written by hand, as the older Jarvis told people to."""
    rest = block.without(table, [b.home for b in block.blocks(table)])
    return sum(bool(re.search(r"overnight[_-]runner\b|\bovernight (start|brief)\b", line)) for line in rest.split("\n") if not line.lstrip().startswith("#"))


def _gone(table: str, place: Place) -> list[str]:
    """Workspaces with a block here that are none any more: moved, or deleted."""
    return [b.home for b in block.blocks(table) if b.home != str(place.home) and not (Path(b.home) / SETTINGS_FILE).exists()]


def _said_gone(gone: Sequence[str]) -> list[str]:
    return [f"{home} is no workspace any more, so its lines are taken out." for home in gone]


def _own_block(place: Place) -> str:
    if not timetables.has_crontab():
        return ""
    table = timetables.read_crontab()
    return next((table[b.start : b.end] for b in block.blocks(table) if b.home == str(place.home)), "")


def _installed_units(place: Place) -> dict[str, str]:
    return {p.name: p.read_text(encoding="utf-8") for p in sorted(units.folder().glob(f"{units.stem(place.home)}-*"))}


def _shown(text: str) -> list[str]:
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace").split("\n")[: -1 if text.endswith("\n") else None] if text else []


# --- the change ----------------------------------------------------------------------------------------------------------


def apply(place: Place, change: Change) -> str:
    """Make the change and write it down; one sentence. The table before it is kept in BACKUPS, readable by its owner alone."""
    if change.is_none:
        _tell(place, change)
        return "Nothing to change: it stands there as it should." if change.verb == "install" else "Nothing to remove: no entry of this workspace is there."
    (place.home / "logs").mkdir(exist_ok=True)
    if change.scheduler == "systemd":
        _change_units(change)
        _tell(place, change)
        return f"{'Installed' if change.verb == 'install' else 'Removed'} {len({*change.before, *change.after}) // 2} timers in {units.folder()}."
    if timetables.read_crontab() != change.before["crontab"]:
        raise Refused("The crontab has changed since the difference was shown, so it was not written; try again.")
    kept = _keep(place, change.before["crontab"])
    timetables.write_crontab(change.after["crontab"])
    _tell(place, change)
    done = "The crontab starts Jarvis now" if change.verb == "install" else "The crontab is as it was without Jarvis"
    return f"{done}. The table before is kept in {kept}. Look: jarvis cron show"


def _keep(place: Place, table: str) -> Path:
    folder = place.home / BACKUPS
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = folder / f"{place.now():%Y%m%dT%H%M%S}-{new_id(6)}.crontab"
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(fd, "wb") as stream:
        stream.write(table.encode("utf-8", "surrogateescape"))
        stream.flush()
        os.fsync(stream.fileno())
    return path


def _change_units(change: Change) -> None:
    """Timers that go are stopped before their files go; those that come are started after theirs are there."""
    folder = units.folder()
    going = [n for n in change.before if n not in change.after]
    timers = [n for n in going if n.endswith(".timer")]
    if timers:
        timetables.systemctl(["disable", "--now", *timers])
    for name in going:
        (folder / name).unlink(missing_ok=True)
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in change.after.items():
        temporary = folder / f".{name}.tmp"
        temporary.write_text(text, encoding="utf-8")
        os.replace(temporary, folder / name)
    timetables.systemctl(["daemon-reload"])
    wanted = [n for n in change.after if n.endswith(".timer")]
    if wanted:
        timetables.systemctl(["enable", "--now", *wanted])


def _tell(place: Place, change: Change) -> None:
    """Write down who knocks. Nothing was missed before this."""
    with place.store.reading() as reader:
        known = {r["scheduler"] for r in reader.rows("cron.installed")}
    gone = known - {change.scheduler} if change.verb == "install" else known & ({"systemd"} if change.scheduler == "systemd" else {"cron", "papermill"})
    facts = [place.fact("cron.removed", scheduler=s) for s in sorted(gone)]
    if change.verb == "install" and not (change.is_none and change.scheduler in known):
        facts.append(place.fact("cron.installed", scheduler=change.scheduler))
    if facts:
        place.store.write(*facts)


# --- what stands ---------------------------------------------------------------------------------------------------------


def standing(place: Place, *, now: datetime) -> Standing:
    """What knocks now, whether it is what the settings want, when the catch-up last ran, and the slots of the last days."""
    scheduler = standing_scheduler(place)
    entries: list[dict[str, str]] = []
    notes: list[str] = []
    is_current = scheduler == "none"
    if scheduler != "none":
        made = lines.entries(place, by_papermill=scheduler == "papermill")
        if scheduler != "systemd" and not lines.same_clock(machine_zone(), place.zone, now=now):
            made = made[-1:]
        entries = [{"job": e.job, "when": lines.said(e), "log": str(e.log)} for e in made]
        with suppress(Refused):
            is_current = plan_install(place, scheduler).is_none
        if not is_current:
            notes.append("What stands there is not what the settings and this environment want; write it anew: jarvis cron install")
    with place.store.reading() as reader:
        rows = reader.rows("cron.slots_since", since=now - timedelta(days=7))
    told = tuple({k: r[k] for k in ("slot", "job", "due", "state", "outcome", "said", "claimed_at", "ended_at")} for r in reversed(rows))
    return Standing(scheduler, tuple(entries), is_current, recall(place.home).beat, tuple(notes), told)
