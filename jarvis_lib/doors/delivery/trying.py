"""Does a channel work, and what would be sent now? A test sends one message that holds nothing; a preview sends nothing at all."""

import json
from datetime import datetime
from typing import Any

from jarvis_lib.doors.delivery import events
from jarvis_lib.doors.delivery.letter import as_text, letter, test_letter
from jarvis_lib.doors.delivery.outbox import ACTOR, coming, held_until, stale
from jarvis_lib.doors.delivery.outcome import Outcome
from jarvis_lib.doors.delivery.sending import carry
from jarvis_lib.model.delivery import CHANNELS, EVERY_CHANNEL, switched_on
from jarvis_lib.model.fact import Refused
from jarvis_lib.model.prose import clean, hint, listed
from jarvis_lib.report.clock import when
from jarvis_lib.store.place import Place

Row = dict[str, Any]


def _known(place: Place, channel: str) -> None:
    """Refuses a channel that is not switched on."""
    on = switched_on(place.settings.values)
    if channel not in on:
        name = repr(clean(channel)[:40])
        if channel not in EVERY_CHANNEL:
            raise Refused(f"There is no channel {name}.{hint(channel, EVERY_CHANNEL)} Channels: {listed(EVERY_CHANNEL)}.", code="missing")
        others = f"switched on: {listed(on)}" if on else "no channel is. Switch it on in [delivery] or [hooks] of jarvis.toml"
        raise Refused(f"{name} is not switched on; {others}.", code="missing")


def would_say(place: Place, channel: str, *, now: datetime) -> str:
    """What the test of this channel would say."""
    _known(place, channel)
    if channel in CHANNELS:
        made = test_letter(place, channel, now=now)
        return f"{made.subject}\n\n{as_text(made)}"
    return json.dumps(events.test_document(f"test:…:{channel}", now=now), ensure_ascii=False)


def try_channel(place: Place, channel: str, *, now: datetime) -> Outcome:
    """Send a test by this channel, or run this hook with an event named test; how it went is written down. Refuses a channel that is not switched on."""
    _known(place, channel)
    try:
        outcome = _sent(place, channel, now=now)
    except Refused as error:
        outcome = Outcome(False, error.sentence)
    place.store.append(place.fact("delivery.tested", actor=ACTOR, at=now, channel=channel, ok=outcome.ok, said=outcome.said))
    return outcome


def _sent(place: Place, channel: str, *, now: datetime) -> Outcome:
    if channel in CHANNELS:
        return carry(place, channel, test_letter(place, channel, now=now), now=now)
    hook = channel.partition(":")[2]
    return events.fire(place, hook, events.test_document(f"test:{now:%Y%m%dT%H%M%S}:{channel}", now=now))


def preview(place: Place, *, now: datetime) -> list[Row]:
    """Each message that would be sent, with its words and when; nothing is written and nothing leaves."""
    with place.store.reading() as reader:
        due = reader.rows("delivery.waiting")
        rows = [r | {"next_at": now, "tries": 0, "queued_at": now} for r in coming(reader, place, now=now)] + due
        found = [(row, stale(reader, place, row, now=now), _words(place, reader, row, now)) for row in rows]
    return [_shown(place, row, old, words, now) for row, old, words in found]


def _words(place: Place, reader: Any, row: Row, now: datetime) -> tuple[str, str]:
    """(subject, text) of a letter; a hook's event as it is."""
    try:
        if row["channel"] in CHANNELS:
            made = letter(place, reader, row, now=now)
            return made.subject, as_text(made)
        return f"{row['kind'].replace('_', ' ')} {row['about']}", json.dumps(events.document(reader, row), ensure_ascii=False)
    except Refused as error:
        return error.sentence, ""


def _shown(place: Place, row: Row, old: str, words: tuple[str, str], now: datetime) -> Row:
    held = held_until(place, row, now=now)
    at = max(row["next_at"], held or row["next_at"])
    how = f"not at all: {old}" if old else "now" if at <= now else when(at, place.zone, now=now)
    return {"key": row["key"], "channel": row["channel"], "when": how, "subject": clean(words[0]), "text": words[1]}
