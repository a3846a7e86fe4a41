"""When is it night, and when would a session that starts now work?"""

from dataclasses import replace
from datetime import datetime, timedelta

from jarvis_lib.autonomous_queue import sessions
from jarvis_lib.autonomous_queue.sessions import Hours
from jarvis_lib.model.fact import Refused
from jarvis_lib.model.window import Window, coming, current
from jarvis_lib.store.calendar import cuts_of
from jarvis_lib.store.place import Place


def is_overnight(place: Place, *, now: datetime) -> bool:
    """True inside the overnight window of the local clock."""
    return _tonight(place, now=now) is not None


def _tonight(place: Place, *, now: datetime) -> Window | None:
    """The night that is on. A busy span of the calendar keeps work out of it, but it is night all the same."""
    window = current(place.settings.windows, place.zone, now)
    return window if window is not None and window.kind == "overnight" else None


def session_hours(place: Place, *, now: datetime, anyway: bool, until: datetime | None, for_minutes: float | None) -> Hours:
    """When a session that starts now would work. Refuses outside the overnight window unless the person said otherwise."""
    window = _tonight(place, now=now)
    asked = anyway or until is not None or for_minutes is not None
    if window is None and not asked:
        raise Refused(_outside(place, now))
    if for_minutes is not None and until is not None:
        raise Refused("Give --for or --until, not both: they say different ends.", code="usage")
    ends = window.end if window is not None else now + timedelta(seconds=sessions.NIGHT_S)
    if for_minutes is not None:
        ends = now + timedelta(minutes=for_minutes)
    if until is not None:
        ends = until
    if ends <= now:
        raise Refused(f"The session would end at {clock(place, ends)}, which is not after now ({clock(place, now)}).", code="usage")
    busy = () if asked else _taken(place, now, ends)
    day = now.astimezone(place.zone).date()
    key, longest = (window.key, window.longest_h) if window is not None else (f"asked@{day}", sessions.SESSION_LONGEST_H)
    return replace(sessions.margins(place, key=key, kind="overnight", now=now, ends=ends, longest_h=longest), busy=busy, whole=window is not None and not asked)


def _taken(place: Place, begin: datetime, end: datetime) -> tuple[tuple[datetime, datetime], ...]:
    """What the calendar takes of the night. A session that the person asks for works all the same."""
    with place.store.reading() as reader:
        return tuple(cuts_of(reader, begin, end).of("overnight"))


def _outside(place: Place, now: datetime) -> str:
    with place.store.reading() as reader:
        cuts = cuts_of(reader, now, now + timedelta(days=14))
    upcoming = coming(place.settings.windows, place.zone, now, "overnight", cuts=cuts)
    when = f"the next one is {upcoming.said(place.zone)}" if upcoming else "none is switched on in jarvis.toml"
    return f"It is {clock(place, now)}, outside the overnight window; {when}. To work now: --anyway, --for 30m or --until TIME."


def clock(place: Place, at: datetime) -> str:
    """`Tue 23:00` on the local clock."""
    return f"{at.astimezone(place.zone):%a %H:%M}"
