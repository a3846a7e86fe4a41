"""How does the outbox empty itself? One process at a time looks what is due, counts the try, sends, and writes down what came of it.

With `stay` it waits for what may be tried again soon, and looks once more whenever it is called meanwhile.
"""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from jarvis_lib.doors.delivery import events
from jarvis_lib.doors.delivery.outbox import ACTOR, held_until, queue_new, stale
from jarvis_lib.doors.delivery.outcome import Outcome
from jarvis_lib.doors.delivery.sending import send_letter
from jarvis_lib.execution.postman import CALLED
from jarvis_lib.model.delivery import CHANNELS, MOST_TRIES, is_address
from jarvis_lib.model.fact import Refused
from jarvis_lib.model.prose import clean, shorten
from jarvis_lib.store import lock
from jarvis_lib.store.place import Place

Row = dict[str, Any]
Say = Callable[[str], None]
LOCK = "data/delivery.lock"
STAYS = timedelta(minutes=35)
"""What is due later than this is left to the next call."""
LOOK_S = 1.0
STORE_WAIT_S = 300.0
"""A message that has left must be written down, however long others use the store."""


@dataclass(frozen=True, slots=True)
class Posted:
    """One try: which message, did it leave, what was said."""

    key: str
    channel: str
    ok: bool
    said: str
    again: bool


def post(place: Place, *, stay: bool = False, say: Say = lambda line: None, pause: Callable[[float], None] = time.sleep) -> list[Posted]:
    """Send all that is due; what was tried. Raises Refused (busy) when another process is at it, unless it `stay`s: then that one looks again."""
    posted: list[Posted] = []
    place.store.wait_s = max(place.store.wait_s, STORE_WAIT_S)
    while True:
        called = _called(place)
        try:
            with _alone(place):
                posted += _work(place, stay=stay, say=say, pause=pause)
        except Refused as error:
            if error.code != "busy":
                raise
            (place.home / CALLED).touch()
            if stay:
                say("Another process sends already, and was told to look once more.")
                return posted
            raise Refused(f"{error.sentence.removesuffix(' Try again in a moment.')} It was told to look once more.", code="busy") from error
        if not stay or _called(place) == called:  # a call that came just before the lock was let go is not lost
            return posted


@contextmanager
def _alone(place: Place) -> Iterator[None]:
    fd = lock.take(place.home / LOCK, wait_s=0.01, what="The outbox")
    try:
        yield
    finally:
        os.close(fd)


def _called(place: Place) -> int:
    try:
        return (place.home / CALLED).stat().st_mtime_ns
    except OSError:
        return 0


def _work(place: Place, *, stay: bool, say: Say, pause: Callable[[float], None]) -> list[Posted]:
    posted: list[Posted] = []
    while True:
        called = _called(place)
        queue_new(place, now=place.now())
        later: list[datetime] = []
        for row in _waiting(place):
            now = place.now()
            due = _due(place, row, now)
            if due <= now:
                posted += _try(place, row, say)
            else:
                later.append(due)
        if _called(place) != called:
            continue
        with place.store.reading() as reader:
            soon = [r["next_at"] for r in reader.rows("delivery.waiting")]
        coming = min((t for t in [*later, *soon] if t > place.now()), default=None)
        if not stay or coming is None or coming - place.now() > STAYS:
            return posted
        while place.now() < coming and _called(place) == called:
            pause(LOOK_S)


def _waiting(place: Place) -> list[Row]:
    with place.store.reading() as reader:
        return reader.rows("delivery.waiting")


def _due(place: Place, row: Row, now: datetime) -> datetime:
    due: datetime = row["next_at"]
    held = held_until(place, row, now=now)
    return max(due, held) if held else due


def _try(place: Place, row: Row, say: Say) -> list[Posted]:
    """One try of one message. The try stands in the store before anything leaves, and its end after."""
    now = place.now()
    with place.store.reading() as reader:
        old = stale(reader, place, row, now=now)
    if old:
        place.store.append(place.fact("delivery.dropped", actor=ACTOR, at=now, key=row["key"], why=old))
        say(f"not sent {row['key']}: {old}")
        return []
    if row["state"] == "trying" and (row["tries"] >= MOST_TRIES or _acts(place, row)):
        why = "the process that sent it died in the middle; it may have left"
        place.store.append(place.fact("delivery.failed", actor=ACTOR, at=now, key=row["key"], n=row["tries"], why=why, again=False))
        say(f"failed   {row['key']}: {why}")
        return [Posted(row["key"], row["channel"], False, why, False)]
    n = row["tries"] + 1
    (tried,) = place.store.append(place.fact("delivery.tried", actor=ACTOR, at=now, key=row["key"], n=n))
    if tried.refused:
        return []
    outcome = _send(place, row, now)
    kind, told = ("delivery.sent", {"said": outcome.said}) if outcome.ok else ("delivery.failed", {"why": outcome.said, "again": outcome.again})
    place.store.append(place.fact(kind, actor=ACTOR, at=place.now(), key=row["key"], n=n, **told))
    again = not outcome.ok and outcome.again and n < MOST_TRIES
    say(f"{'sent' if outcome.ok else 'later' if again else 'failed':<8} {row['key']}: {shorten(clean(outcome.said), 300)}")
    return [Posted(row["key"], row["channel"], outcome.ok, outcome.said, again)]


def _acts(place: Place, row: Row) -> bool:
    """A command may do anything; one that was cut off is not run a second time. Letters and posted events carry an id by which a second one is known."""
    return row["channel"] not in CHANNELS and not is_address(place.settings.get("hooks", row["kind"]).strip())


def _send(place: Place, row: Row, now: datetime) -> Outcome:
    try:
        if row["channel"] in CHANNELS:
            return send_letter(place, row["channel"], row["key"], now=now)
        with place.store.reading() as reader:
            event = events.document(reader, row)
        return events.fire(place, row["kind"], event)
    except Refused as error:
        return Outcome(False, error.sentence, again=error.code == "busy")
    except Exception as error:  # noqa: BLE001  # one message that cannot be made must not keep the others from being sent; it is told as failed
        return Outcome(False, f"it could not be made: {type(error).__name__}: {clean(str(error))[:200]}", again=True)
