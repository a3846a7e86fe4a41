"""How does one message leave? By its channel, within a limit of time, and with one sentence about how that went."""

from datetime import datetime

from jarvis_lib.doors.delivery.letter import Letter
from jarvis_lib.doors.delivery.letter import letter as letter_of
from jarvis_lib.doors.delivery.mail import send_mail
from jarvis_lib.doors.delivery.outcome import Outcome
from jarvis_lib.doors.delivery.push import send_push
from jarvis_lib.doors.delivery.secret import secret
from jarvis_lib.model.fact import Refused
from jarvis_lib.store.place import Place


def send_letter(place: Place, channel: str, message: str, *, now: datetime) -> Outcome:
    """A letter by its channel; `message` is its key. Raises Refused for what cannot be tried at all."""
    with place.store.reading() as reader:
        row = reader.one("delivery.message", key=message)
        if row is None:
            raise Refused(f"There is no message {message}.", code="missing")
        made = letter_of(place, reader, row, now=now)
    return carry(place, channel, made, now=now)


def carry(place: Place, channel: str, letter: Letter, *, now: datetime) -> Outcome:
    """Hand the letter to the channel's own sender."""
    if channel == "email":
        return send_mail(letter, place.settings.values["delivery.email"], secret(place.settings, _password(place)), now=now)
    return send_push(letter, secret(place.settings, place.settings.get("delivery", "urls")))


def _password(place: Place) -> list[str]:
    name = place.settings.get("delivery.email", "password")
    return [name] if name else []
