"""How are the morning brief and the evening check-in made? From the store, whatever became of the session; a dead one is told as dead."""

import os
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from jarvis_lib import autonomous_queue
from jarvis_lib.execution import postman
from jarvis_lib.model.crash import crash_point
from jarvis_lib.model.fact import Refused
from jarvis_lib.report.brief import Brief, compose
from jarvis_lib.report.evening import compose_evening
from jarvis_lib.report.evening_parts import Evening
from jarvis_lib.report.evening_text import evening_text
from jarvis_lib.report.making import make_page, told_busy
from jarvis_lib.report.publish import brief_path, dated_path
from jarvis_lib.report.text import brief_text
from jarvis_lib.store import lock
from jarvis_lib.store.place import Place
from jarvis_lib.store.snapshot import open_snapshot

Say = Callable[[str], None]
BRIEF_NOTEBOOK = Path("notebooks/reports/morning_brief.ipynb")
EVENING_NOTEBOOK = Path("notebooks/reports/evening_checkin.ipynb")


def brief(place: Place, *, as_of: datetime) -> Brief:
    """The brief as values, straight from the store; a dead session is closed first, so that it is told as dead."""
    _close_if_dead(place, now=min(as_of, place.now()))
    with place.store.reading() as reader:
        return compose(reader, now=as_of, zone=place.zone, settings=place.settings, home=place.home)


def make_brief(place: Place, *, as_of: datetime, out: Path | None = None, say: Say = lambda line: None) -> Path:
    """Run the brief's notebook on a snapshot and publish its HTML; the path of the page.

    A dead session is closed first. When the notebook cannot run, a plain-text brief is written instead and says why; when the store is busy,
    a page says that, and the refusal goes on to the caller, who may try again.
    """
    target = out or brief_path(place.home, as_of, place.zone)
    try:
        _close_if_dead(place, now=min(as_of, place.now()))
        snapshot = place.store.snapshot()
    except Refused as error:
        told_busy(place, target, error, as_of=as_of)
        raise

    def instead() -> tuple[str, str]:
        with open_snapshot(snapshot) as reader:
            values = compose(reader, now=as_of, zone=place.zone, settings=place.settings, home=place.home)
        return values.headline, brief_text(values)

    made, fact = make_page(place, BRIEF_NOTEBOOK, kind="morning", snapshot=snapshot, as_of=as_of, target=target, instead=instead, say=say)
    crash_point("brief-made")
    place.store.append(fact)
    postman.call(place.home, place.settings)
    return made


def checkin(place: Place, *, as_of: datetime) -> Evening:
    """The evening check-in as values, straight from the store: is tonight set, what must be decided, what was done today?"""
    with place.store.reading() as reader:
        return compose_evening(reader, now=as_of, zone=place.zone, settings=place.settings, home=place.home)


def make_checkin(place: Place, *, as_of: datetime, out: Path | None = None, say: Say = lambda line: None) -> Path:
    """Run the check-in's notebook on a snapshot and publish its page; the path. A notebook that cannot run leaves the text."""
    snapshot = place.store.snapshot()
    target = out or dated_path(place.home, as_of.astimezone(place.zone).date(), "evening")

    def instead() -> tuple[str, str]:
        with open_snapshot(snapshot) as reader:
            values = compose_evening(reader, now=as_of, zone=place.zone, settings=place.settings, home=place.home)
        return values.headline, evening_text(values)

    made, fact = make_page(place, EVENING_NOTEBOOK, kind="evening", snapshot=snapshot, as_of=as_of, target=target, instead=instead, say=say)
    place.store.append(fact)
    postman.call(place.home, place.settings)
    return made


def _close_if_dead(place: Place, *, now: datetime) -> None:
    """The 07:00 brief does not wait for the next night to say that a session has died."""
    path = place.home / "data" / "session.lock"
    try:
        fd = lock.take(path, wait_s=0.01, what="The night")
    except Refused:
        return
    try:
        autonomous_queue.close_dead(place, now=now)
    finally:
        os.close(fd)
