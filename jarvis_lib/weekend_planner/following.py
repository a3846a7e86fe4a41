"""How far is the weekend, and will it be done by Sunday evening? The phases as their tasks stand, and the chance of the rest."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from jarvis_lib import autonomous_queue
from jarvis_lib.model.book import Row
from jarvis_lib.model.fact import Refused
from jarvis_lib.model.phase import key_of
from jarvis_lib.model.prose import chance as said_chance
from jarvis_lib.model.prose import clean, hint, listed, plural, shorten, spell
from jarvis_lib.model.states import ENDED_WELL, SAID
from jarvis_lib.model.weekend import Weekend, weekend_of
from jarvis_lib.store.calendar import cuts_of
from jarvis_lib.store.place import Place
from jarvis_lib.store.store import Reader
from jarvis_lib.weekend_planner.chances import Outlook, Work, outlook
from jarvis_lib.weekend_planner.offering import finish_time, pieces
from jarvis_lib.weekend_planner.pieces import Piece

GOOD, FAIR = 0.8, 0.5
ID_LEAST = 5
HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class PhaseState:
    """One phase as it stands: `standing` is done, running, to do, needs you or failed; `real_h` the hours that its attempts took."""

    n: int
    name: str
    task: str
    standing: str
    hours: float
    real_h: float
    said: str


@dataclass(frozen=True, slots=True)
class BuildState:
    """One build: its phases, planned hours done and in all, the chance that the rest is done in time, and the word for it.

    `chance` supposes that what waits for the person is decided now; while something waits, `track` says so instead.
    """

    build: str
    title: str
    phases: tuple[PhaseState, ...]
    hours_done: float
    hours_planned: float
    left_p50: float
    left_p80: float
    chance: float
    track: str
    said: str


@dataclass(frozen=True, slots=True)
class Progress:
    """The answer of `progress`: which weekend, one sentence, and each build that was chosen for it."""

    weekend: str
    finish_by: datetime | None
    left_h: float
    said: str
    builds: tuple[BuildState, ...]

    def to_json(self) -> dict[str, Any]:
        """As JSON can hold it, but for its datetimes."""
        return asdict(self)


def progress(place: Place, *, now: datetime) -> Progress:
    """Every build of the newest weekend that has one, as it stands; never an error on an empty store."""
    with place.store.reading() as reader:
        builds = reader.rows("weekend_planner.builds", now=now)
        if not builds:
            return Progress("", None, 0.0, "No build has been chosen for a weekend yet. Look and choose: jarvis weekend suggest", ())
        bare = weekend_of(place.settings.windows, place.zone, builds[0]["weekend"], now, finish_time(place))
        weekend = weekend_of(place.settings.windows, place.zone, bare.key, now, finish_time(place), cuts_of(reader, bare.begins, bare.ends))
        open_tasks = {p.id: p for p in pieces(reader, place)}
        states = [_build(reader, place, b, weekend, open_tasks, now) for b in builds]
    by = f"{weekend.finish_by.astimezone(place.zone):%a %H:%M}"
    left = f"{spell(weekend.free_h)} of its windows are left" if weekend.free_h else "its windows are over" if weekend.ends <= now else "no free hour is left"
    said = f"The weekend of {weekend.said()}: {plural(len(states), 'build')}, to be done by {by}; {left}."
    return Progress(weekend.key, weekend.finish_by, weekend.free_h, said, tuple(states))


def _build(reader: Reader, place: Place, build: Row, weekend: Weekend, open_tasks: dict[str, Piece], now: datetime) -> BuildState:
    if build["state"] == "selected":
        said = "Chosen, not started: jarvis weekend start"
        return BuildState(build["id"], build["title"], (), 0.0, build["hours"], build["p50"], build["p80"], build["chance"], "not started", said)
    rows = reader.rows("weekend_planner.phases", build=build["id"], now=now)
    phases = [_phase(r) for r in rows]
    rest = [_work(r, open_tasks[r["task"]], now) for r in rows if r["task"] in open_tasks and r["state"] not in ENDED_WELL]
    seen = outlook(rest, weekend, lanes=place.settings.get("night", "lanes"), now=now, seed=int(build["id"][1:], 16))
    lost = [p for p in phases if p.standing == "failed"]
    chance = 0.0 if lost or (rest and not weekend.free_h) else seen.chance
    done, planned = sum(p.hours for p in phases if p.standing == "done"), sum(p.hours for p in phases)
    waits = [p for p in phases if p.standing == "needs you"]
    track = _track(phases, waits, lost, chance)
    return BuildState(
        build["id"], build["title"], tuple(phases), done, planned, seen.p50, seen.p80, chance, track, _said(place, weekend, seen, chance, waits, lost, rest)
    )


def _phase(row: Row) -> PhaseState:
    standing = _standing(row)
    said = clean(row["why"] or "") if standing in ("needs you", "failed") or row["done_by"] else ""
    return PhaseState(row["n"], clean(row["name"]), row["task"], standing, row["hours"], row["real_h"] or 0.0, said or SAID[row["state"]])


def _standing(row: Row) -> str:
    state = row["state"]
    if state in ENDED_WELL:
        return "done"
    if state == "running":
        return "running"
    if state in ("parked", "proposed", "review"):
        return "needs you"
    return "to do" if state == "queued" else "failed"


def _work(row: Row, piece: Piece, now: datetime) -> Work:
    """The rest of a phase: with the hours that were planned for it, and how long it has run already."""
    factor = row["hours"] / piece.hours
    spent = (now - row["running_since"]) / HOUR if row["running_since"] else 0.0
    own = piece.work(max(spent, 1e-6) if row["state"] == "running" else 0.0)
    return replace(own, p50=row["p50"], p80=max(row["p80"], row["p50"]), need_h=piece.need_h * factor)


def _track(phases: Sequence[PhaseState], waits: Sequence[PhaseState], lost: Sequence[PhaseState], chance: float) -> str:
    if all(p.standing == "done" for p in phases):
        return "done"
    if lost:
        return "not on track"
    if waits:
        return "waits for you"
    return "on track" if chance >= GOOD else "at risk" if chance >= FAIR else "not on track"


def _said(place: Place, weekend: Weekend, seen: Outlook, chance: float, waits: Sequence[PhaseState], lost: Sequence[PhaseState], rest: Sequence[Work]) -> str:
    if lost:
        names = listed([f"{p.name} ({p.task})" for p in lost])
        return f"{names} did not come about; try again with: jarvis queue retry {lost[0].task}"
    if not rest:
        return "Every phase is done."
    by = f"{weekend.finish_by.astimezone(place.zone):%a %H:%M}"
    told = f"{said_chance(chance)} that the rest ({spell(seen.p50)}, at most {spell(seen.p80)} in 8 of 10 cases) is done by {by}"
    if waits:
        return f"{told}, if you decide on {listed([p.task for p in waits])} now: jarvis inbox"
    return f"{told}."


# --- complete ------------------------------------------------------------------------------------------------------------


def complete(place: Place, phase: str, *, now: datetime) -> str:
    """The person says that a phase is done: by its name, its number or its task's id. It counts as accepted by them, not as verified."""
    with place.store.reading() as reader:
        started = [b for b in reader.rows("weekend_planner.builds", now=now) if b["state"] == "started"]
        rows = [r for b in started for r in reader.rows("weekend_planner.phases", build=b["id"], now=now)]
    if not rows:
        raise Refused("No weekend build is started, so it has no phase to complete. See: jarvis weekend progress", code="missing")
    row = _named(rows, phase)
    place.store.write(place.fact("weekend.completed", at=now, phase=row["id"]))
    verified = row["state"] == "shipped"
    seen = autonomous_queue.show(place, row["task"])["task"]
    proof = "Jarvis had verified it." if verified else "It is accepted on your word; Jarvis has not verified it."
    return f"Completed: {shorten(clean(row['name']), 80)} ({row['task']}) is now {seen['state']}. {proof}"


def _named(rows: Sequence[Row], text: str) -> Row:
    word = clean(text).casefold()
    tests = (
        lambda r: str(r["n"]) == word,
        lambda r: word in (r["name"].casefold(), key_of(r["name"])),
        lambda r: len(word) >= ID_LEAST and r["task"].startswith(word),
        lambda r: bool(word) and word in r["name"].casefold(),
    )
    for test in tests:
        found = [r for r in rows if test(r)]
        if len(found) == 1:
            return found[0]
        if found:
            names = listed([f"{r['name']} ({r['task']})" for r in found], "or")
            raise Refused(f"{word[:40]!r} could be {shorten(names, 300)}; give the task's id.", code="missing")
    raise Refused(f"There is no phase {word[:40]!r}.{hint(word, [r['name'] for r in rows])} `jarvis weekend progress` shows all.", code="missing")
