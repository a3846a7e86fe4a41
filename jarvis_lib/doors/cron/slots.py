"""Which slots are due now, who has claimed them, and which were missed? The ledger as the knocks read and write it.

A slot is claimed in the store before its work; of many knocks at once the rule of the ledger lets one through.
"""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from jarvis_lib.model.book import Row
from jarvis_lib.model.fact import Refused, stamp
from jarvis_lib.model.prose import clean, listed, plural
from jarvis_lib.model.timetable import LOOK_BACK, MOST_STARTS, Job, Occasion, decide, jobs, occasions, sessions
from jarvis_lib.model.window import DAYS
from jarvis_lib.store.calendar import cuts_of
from jarvis_lib.store.place import Place

ACTOR = "cron"
RECENT = timedelta(days=3)
"""No slot can be begun for longer than this after it was due."""
SAME_S = 5.0
"""Processes of one number whose starts lie no further apart are one process."""
BY_PAPERMILL = ("brief", "checkin", "summary", "review")
"""What the plain papermill lines do, which ask no ledger."""


@dataclass(frozen=True, slots=True)
class Slot:
    """An occasion with what the ledger says of it, and what is to be done: early, run, claimed, done or missed."""

    occasion: Occasion
    row: Row | None
    stands: str


@dataclass(frozen=True, slots=True)
class Claim:
    """A slot that this process has claimed."""

    occasion: Occasion
    owner: Mapping[str, Any]


class Taken(Refused):
    """Somebody else has this slot, or had it."""


def jobs_of(place: Place) -> list[Job]:
    """The jobs besides the sessions, by the settings."""
    return jobs(place.settings.windows, finish_by=place.settings.get("weekend", "finish_by"))


def look(place: Place, *, now: datetime, since: datetime | None = None) -> list[Slot]:
    """Every slot that was due between `since` (else RECENT) and `now`, in order. What was due before a scheduler was installed is none, but sessions."""
    begin = since or now - RECENT
    with place.store.reading() as reader:
        rows = {r["slot"]: r for r in reader.rows("cron.slots_since", since=begin - timedelta(days=2))}
        installed = {r["scheduler"]: r["since"] for r in reader.rows("cron.installed")}
        cuts = cuts_of(reader, begin - timedelta(days=2), now)
    known = [job for job in jobs_of(place) if not ("papermill" in installed and job.name in BY_PAPERMILL)]
    end = now + timedelta(microseconds=1)
    found = occasions(known, place.zone, max(begin, min(installed.values(), default=begin)), end)
    found += sessions(place.settings.windows, place.settings.get("cron", "windows"), place.zone, begin, end, cuts)
    return [Slot(one, rows.get(one.key), decide(one, rows.get(one.key), now=now)) for one in sorted(found, key=lambda o: (o.due, o.key))]


def newest(place: Place, job: str, *, now: datetime) -> Slot | None:
    """The slot of `job` (or of the window of that kind) that was due last; None when none was, or it is switched off."""
    return next((s for s in reversed(look(place, now=now)) if s.occasion.of == job), None)


# --- claiming ------------------------------------------------------------------------------------------------------------


@contextmanager
def claimed(place: Place, slot: Slot, *, now: datetime) -> Iterator[Claim]:
    """Hold the slot for the work inside. Raises Taken (busy) when it is somebody else's. An error ends the slot as failed, unless it says busy."""
    claim = _claim(place, slot, now=now)
    try:
        yield claim
    except Refused as error:
        if error.code != "busy":  # a slot whose session could not begin is begun anew by the next catch-up, once this process has ended
            end(place, claim, "failed", error.sentence)
        raise
    except Exception as error:
        end(place, claim, "failed", f"{type(error).__name__}: {clean(str(error))[:200]}")
        raise


def _claim(place: Place, slot: Slot, *, now: datetime) -> Claim:
    one, row = slot.occasion, slot.row
    owner = this_process()
    data: dict[str, Any] = {"slot": one.key, "job": one.of, "due": stamp(one.due), "until": stamp(one.until), "owner": owner}
    if row is not None and row["state"] == "claimed" and is_dead(row["owner"]):
        data["dead"] = row["owner"]
    elif row is not None:
        raise Taken(f"{one.said.capitalize()} of {_when(place, one)} is {row['state']} already; nothing was begun.", code="busy")
    applied = place.store.append(place.fact("slot.claimed", actor=ACTOR, at=now, **data))
    if applied[0].refused:
        raise Taken(applied[0].refused, code="busy")
    return Claim(one, owner)


def end(place: Place, claim: Claim, outcome: str, said: str) -> None:
    """Write down how the claimed slot ended. A slot that ended with its session has its end already, and keeps it."""
    place.store.append(place.fact("slot.done", actor=ACTOR, slot=claim.occasion.key, owner=claim.owner, outcome=outcome, said=said))


def this_process() -> dict[str, Any]:
    """Who claims."""
    from jarvis_lib.autonomous_queue.sessions import owner

    return owner()


def is_dead(owner: str) -> bool:
    """Is the process gone that claimed? Only what is sure counts: one on another machine is taken for alive."""
    import psutil

    raw = json.loads(owner)
    if raw.get("host") != os.uname().nodename:
        return False
    try:
        started, booted = psutil.Process(int(raw["pid"])).create_time(), psutil.boot_time()
    except psutil.NoSuchProcess:
        return True
    except psutil.Error:
        return False
    # Both count from the boot's time by the clock of now, so a clock that was set moves both, and the span between them stays.
    apart = (started - float(raw["started"]), (started - booted) - (float(raw["started"]) - float(raw.get("booted", booted))))
    return all(abs(seconds) > SAME_S for seconds in apart)


def is_given_up(slot: Slot) -> bool:
    """Has every start that this slot may have ended with the death of its process? Then nobody can claim it any more."""
    row = slot.row
    return row is not None and row["state"] == "claimed" and row["n"] >= MOST_STARTS and is_dead(row["owner"])


def give_up(place: Place, slot: Slot) -> str:
    """End a slot that is given up as failed, which is told in the next brief; its sentence."""
    assert slot.row is not None
    said = f"it was begun {plural(slot.row['n'], 'time')}, and each time its process died"
    end(place, Claim(slot.occasion, json.loads(slot.row["owner"])), "failed", said)
    return said


# --- what was missed -----------------------------------------------------------------------------------------------------


def note_missed(place: Place, *, now: datetime, since: datetime | None, silent_since: datetime | None, reasons: Mapping[str, str]) -> str:
    """Write down each slot whose time ended between `since` and `now` without a claim, and one notice for the next brief; its sentence, or nothing.

    Without `since` it begins with the installation of a scheduler; without that nothing is missed. `silent_since` is the last sign of life before
    this one, when it is long ago; `reasons` tells of slots why they could not be begun.
    """
    with place.store.reading() as reader:
        first = min((r["since"] for r in reader.rows("cron.installed")), default=None)
    if first is None:
        return ""
    begin = max(since or first, now - LOOK_BACK)
    slots = look(place, now=now, since=max(begin - RECENT, first))
    gone = [s.occasion for s in slots if s.stands == "missed" and s.occasion.until > begin and s.occasion.due >= first]
    if not gone:
        return ""
    silence = f"nothing of Jarvis ran here from {_at(place, silent_since)} to {_at(place, now)}" if silent_since else "it was not begun in its time"
    why = {one.key: reasons.get(one.key, silence) for one in gone}
    facts = [place.fact("slot.missed", actor=ACTOR, at=now, slot=o.key, job=o.of, due=stamp(o.due), until=stamp(o.until), why=why[o.key]) for o in gone]
    said = f"Missed and not run late: {listed([f'{o.said} of {_when(place, o)}' for o in gone[:6]])}"
    said += f" and {plural(len(gone) - 6, 'more', 'more')}" if len(gone) > 6 else ""
    said += f"; {'; '.join(dict.fromkeys(why.values()))}."
    applied = place.store.append(*facts)
    if all(a.refused for a in applied):
        return ""
    place.store.append(place.fact("notice", actor=ACTOR, at=now, kind="slot", sentence=said))
    return said


def _when(place: Place, one: Occasion) -> str:
    return _at(place, one.due)


def _at(place: Place, at: datetime) -> str:
    local = at.astimezone(place.zone)
    return f"{DAYS[local.weekday()]} {local:%d %b %H:%M}"
