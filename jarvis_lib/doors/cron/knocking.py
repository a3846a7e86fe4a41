"""A scheduler has knocked for one job: is it to be done, who does it, and is there anything to say?

One knock is one slot: it is claimed before the work, and what was claimed or done already is left alone (75). The morning's knock is the dead
man's switch: a brief comes of it whatever became of the night, from the store, or in plain text when not even the store can be read.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from jarvis_lib.doors.cron import last_resort
from jarvis_lib.model.fact import Refused
from jarvis_lib.model.settings import BadSettings

if TYPE_CHECKING:
    from jarvis_lib.doors.cron.slots import Slot
    from jarvis_lib.store.place import Place

Say = Callable[[str], None]
Clock = Callable[[], datetime]
KIND_OF = {"start": "overnight"}
"""A knock by another name than its slot."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a knock: the name of its exit code (empty is 0), and what there is to say (mostly nothing)."""

    code: str = ""
    said: str = ""


def answer(home: Path, job: str, *, clock: Clock | None = None, say: Say = lambda line: None) -> Answer:
    """Do what the knock for `job` (start, report, brief, checkin, suggest, summary) asks for. Never raises for the brief; a taken slot is busy."""
    from jarvis_lib.workspace import open_workspace, utc_now

    try:
        return at(open_workspace(home, clock=clock), job, say=say)
    except Exception as error:
        if job != "brief":
            raise
        return plainly(home, error, now=(clock or utc_now)())


def at(place: "Place", job: str, *, say: Say = lambda line: None) -> Answer:
    """The same in a workspace that is open."""
    from jarvis_lib.doors.cron.slots import newest

    now = place.now()
    slot = newest(place, KIND_OF.get(job, job), now=now)
    return Answer() if slot is None else run(place, slot, now=now, say=say)


def run(place: "Place", slot: "Slot", *, now: datetime, say: Say = lambda line: None) -> Answer:
    """Claim the slot and do its work, if there is still time for it and nobody else has it."""
    from jarvis_lib.doors.cron.acts import act, may_begin
    from jarvis_lib.doors.cron.slots import Taken, claimed, end, give_up, is_given_up

    if slot.stands == "missed":
        return Answer("", f"{slot.occasion.said} is missed: its time was over at {slot.occasion.until.astimezone(place.zone):%a %H:%M}; nothing is run late.")
    if is_given_up(slot):
        said = f"{slot.occasion.said} is given up: {give_up(place, slot)}"
        return plainly(place.home, Refused(f"{said}."), now=now) if slot.occasion.of == "brief" else Answer("failed", f"{said}.")
    held = ""
    if slot.occasion.is_session and slot.stands != "done":
        held = _held_back(place) or may_begin(place, slot.occasion)
    if held:
        return Answer("busy" if held == BUSY else "refused", held)
    try:
        with claimed(place, slot, now=now) as claim:
            said = act(place, slot.occasion, say)
            if not slot.occasion.is_session:
                end(place, claim, "worked" if said else "nothing", said)
    except Taken as error:
        return Answer("busy", error.sentence)
    return Answer("", said)


BUSY = "A session is running already; the slot stays free until it has ended."


def _held_back(place: "Place") -> str:
    from jarvis_lib.store import lock

    return "" if lock.is_free(place.home / "data" / "session.lock") else BUSY


def plainly(home: Path, error: Exception, *, now: datetime) -> Answer:
    """The dead man's switch: a plain-text brief that says what was found, and why there is no other."""
    what = error.sentence if isinstance(error, Refused) else str(error) if isinstance(error, BadSettings) else f"{type(error).__name__}: {error}"
    path = last_resort.write(home, RuntimeError(what), now=now)
    return Answer("failed", f"The brief could not be made ({what[:200]}); what was found stands in {path}")
