"""Every fifteen minutes: what should have happened by now and has not? Short jobs first, then one session for the window that is on.

It looks at its memory and at the locks before it opens anything, samples the metrics, notes a changed context, writes down what was missed and
says nothing unless there is something to say. What fails here does not keep the rest from being done.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from jarvis_lib.doors.cron.memory import Memory, recall, remember
from jarvis_lib.execution import postman
from jarvis_lib.model.fact import Refused
from jarvis_lib.store import lock

if TYPE_CHECKING:
    from jarvis_lib.doors.cron.slots import Slot
    from jarvis_lib.store.place import Place

Say = Callable[[str], None]
EVERY = timedelta(minutes=15)
SILENT = timedelta(minutes=20)
"""A longer gap between two runs means that the machine slept, was off, or nothing knocked."""
OWN_KNOCK = timedelta(minutes=5)
KEPT = 50


@dataclass
class CaughtUp:
    """What a run did: sentences for the log (none when all was in order), what failed, and which slots were run."""

    said: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    ran: list[str] = field(default_factory=list)


def catch_up(place: "Place", *, say: Say = lambda line: None) -> CaughtUp:
    """One run. A session that it opens is worked to its end."""
    done, now, before = CaughtUp(), place.now(), recall(place.home)
    remember(place.home, replace(before, beat=now))
    running = not lock.is_free(place.home / "data" / "session.lock")
    _try(done, "what was missed", lambda: _missed(place, before, now=now))
    if not running:
        _try(done, "the context", lambda: _context(place, now=now))
    _try(done, "the metrics", lambda: _sample(place, now=now))
    _try(done, "what time alone changes", lambda: _housekeeping(place, now=now))
    postman.call(place.home, place.settings)  # what the last call left behind, and what was to be tried again later
    _due(place, done, running=running, say=say)
    return done


def _try(done: CaughtUp, what: str, act: Callable[[], str]) -> None:
    try:
        said = act()
    except Exception as error:  # noqa: BLE001  # each part is done for itself; what failed is told, and the exit code says so
        done.failed.append(f"{what} failed: {error.sentence if isinstance(error, Refused) else f'{type(error).__name__}: {error}'}")
    else:
        done.said += [said] if said else []


def _missed(place: "Place", before: Memory, *, now: datetime) -> str:
    from jarvis_lib.doors.cron.slots import note_missed

    silent = before.beat if before.beat is not None and now - before.beat > SILENT else None
    said = note_missed(place, now=now, since=before.looked, silent_since=silent, reasons=before.kept_out)
    remember(place.home, replace(recall(place.home), looked=now))
    return said


def _context(place: "Place", *, now: datetime) -> str:
    from jarvis_lib import context_scheduler

    context_scheduler.note_transition(place, now=now)
    return ""


def _sample(place: "Place", *, now: datetime) -> str:
    from jarvis_lib import problem_predictor

    problem_predictor.scan(place, now=now)
    return ""


def _housekeeping(place: "Place", *, now: datetime) -> str:
    from jarvis_lib import autonomous_queue

    autonomous_queue.housekeeping(place, now=now)  # tasks that come again come also on a day without a session; the brief tells of it
    return ""


def _due(place: "Place", done: CaughtUp, *, running: bool, say: Say) -> None:
    """Run what is due: the short jobs in their order, then one session. The clock is read anew, since each takes its time."""
    try:
        due = _slots(place)
    except Exception as error:  # noqa: BLE001  # the store cannot be read: the morning still needs its brief
        done.failed.append(f"the slots could not be read: {error.sentence if isinstance(error, Refused) else f'{type(error).__name__}: {error}'}")
        return
    for slot in sorted(due, key=lambda s: (s.occasion.is_session, s.occasion.due)):
        if slot.occasion.is_session and running:
            continue
        _run(place, slot, done, say=say)


def _slots(place: "Place") -> list["Slot"]:
    """What may be run now. A slot that has a knock of its own is left to that for a moment, so that the two do not meet every day."""
    from jarvis_lib.doors.cron.slots import is_dead, look
    from jarvis_lib.model.window import KINDS

    now = place.now()
    found = []
    for slot in look(place, now=now):
        knocked = slot.occasion.of not in KINDS or slot.occasion.of == "overnight"
        fresh = slot.stands == "run" and not (knocked and now - slot.occasion.due < OWN_KNOCK)
        if fresh or (slot.row is not None and slot.stands == "claimed" and is_dead(slot.row["owner"])):
            found.append(slot)
    return found


def _run(place: "Place", slot: "Slot", done: CaughtUp, *, say: Say) -> None:
    from jarvis_lib.doors.cron import knocking

    now, key = place.now(), slot.occasion.key
    if now >= slot.occasion.until:
        return
    try:
        answer = knocking.run(place, slot, now=now, say=say)
    except Exception as error:  # noqa: BLE001  # whatever it is, the other slots are run, and the morning has its brief
        if slot.occasion.of == "brief":
            done.failed.append(knocking.plainly(place.home, error, now=now).said)
            return
        done.failed.append(f"{slot.occasion.said} failed: {error.sentence if isinstance(error, Refused) else f'{type(error).__name__}: {error}'}")
        return
    if answer.code == "refused":
        known = recall(place.home)
        kept = {**known.kept_out, key: answer.said}
        remember(place.home, replace(known, kept_out=dict(list(kept.items())[-KEPT:])))
    elif answer.code == "failed":
        done.failed.append(answer.said)
    elif not answer.code:
        done.ran.append(key)
        done.said += [f"{slot.occasion.said}: {answer.said}"] if answer.said else []


def last_run(home: Path) -> datetime | None:
    """When the catch-up last ran here; None when it never did."""
    return recall(home).beat
