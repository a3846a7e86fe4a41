"""What is done when a slot is run? Each job calls the verb of its component; the answer is one sentence, or nothing when there is nothing to say."""

from collections.abc import Callable, Mapping
from datetime import timedelta

from jarvis_lib.model.fact import Refused
from jarvis_lib.model.prose import plural
from jarvis_lib.model.timetable import Occasion
from jarvis_lib.store.place import Place

Say = Callable[[str], None]
PATIENCE_S = 300.0
"""Nobody waits in front of a knock, so it may wait for the store."""
LAST_NIGHT = timedelta(hours=24)


def act(place: Place, one: Occasion, say: Say) -> str:
    """Do the work of the slot."""
    from jarvis_lib.doors import memory

    place.store.wait_s = max(place.store.wait_s, PATIENCE_S)
    said = ACTS[one.of](place, say)
    noted = memory.told(place, now=place.now()) if one.of in ("overnight", "brief") else ""
    return "; ".join(filter(None, (said, noted)))


def may_begin(place: Place, one: Occasion) -> str:
    """Why a session cannot begin now, or nothing. It is asked before the slot is claimed, so that the slot stays free for later."""
    from jarvis_lib import overnight_runner
    from jarvis_lib.autonomous_queue import sessions

    if not one.is_session:
        return ""
    look_at_calendars(place, lambda line: None)
    try:
        if one.of == "overnight":
            overnight_runner.session_hours(place, now=place.now(), anyway=False, until=None, for_minutes=None)
            return ""
        hours = sessions.hours_now(place, now=place.now())
    except Refused as error:
        return error.sentence
    return "" if hours.key == one.key else f"{hours.key} is on now, not {one.key}"


def look_at_calendars(place: Place, say: Say) -> None:
    """Read calendars and holidays whose files have changed."""
    from jarvis_lib.doors import calendars

    if calendars.is_concerned(place):
        for line in calendars.refresh(place, now=place.now()):
            say(line)


def _overnight(place: Place, say: Say) -> str:
    from jarvis_lib import overnight_runner

    path = overnight_runner.start(place, say=say)
    return f"The night has ended. Brief: {path}"


def _session(place: Place, say: Say) -> str:
    from jarvis_lib.autonomous_queue import sessions

    return sessions.work_now(place, say=say)


def _report(place: Place, say: Say) -> str:
    from jarvis_lib import overnight_runner

    try:
        record = overnight_runner.report(place, now=place.now())
    except Refused as error:
        if error.code != "missing":  # a store that is busy is no night without a record
            raise
        return ""
    if place.now() - record["started_at"] > LAST_NIGHT:
        return ""
    path = overnight_runner.write_record(place, record["session_id"])
    return f"{plural(record['tasks_completed'], 'task')} completed of {record['tasks_spawned']} begun. Record: {path}"


def _brief(place: Place, say: Say) -> str:
    from jarvis_lib import overnight_runner

    return f"Brief: {overnight_runner.make_brief(place, as_of=place.now(), say=say)}"


def _checkin(place: Place, say: Say) -> str:
    """The check-in as a page; there is something to say when something waits for the person, or tonight is not as it was planned."""
    from jarvis_lib import overnight_runner

    look_at_calendars(place, say)
    found = overnight_runner.checkin(place, as_of=place.now())
    page = overnight_runner.make_checkin(place, as_of=place.now(), say=say)
    return f"{found.headline} Check-in: {page}" if found.notify else ""


def _suggest(place: Place, say: Say) -> str:
    from jarvis_lib import weekend_planner

    look_at_calendars(place, say)
    made = weekend_planner.suggest(place, now=place.now())
    return f"{made.said} Look: jarvis weekend suggest" if made.candidates else ""


def _summary(place: Place, say: Say) -> str:
    from jarvis_lib import weekend_planner

    return f"Weekend report: {weekend_planner.make_summary(place, as_of=place.now(), say=say)}"


def _review(place: Place, say: Say) -> str:
    from jarvis_lib import weekend_planner

    return f"Weekly review: {weekend_planner.make_review(place, as_of=place.now(), say=say)}"


ACTS: Mapping[str, Callable[[Place, Say], str]] = {
    "overnight": _overnight,
    "quick_win": _session,
    "work_hours": _session,
    "weekend": _session,
    "report": _report,
    "brief": _brief,
    "checkin": _checkin,
    "suggest": _suggest,
    "summary": _summary,
    "review": _review,
}
