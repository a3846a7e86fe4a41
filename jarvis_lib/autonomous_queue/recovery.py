"""After a crash: which attempts have no ending, and what becomes of them? Abandoned, never success."""

from datetime import datetime

from jarvis_lib.autonomous_queue.in_flight import HEARTBEAT
from jarvis_lib.autonomous_queue.putting_back import kept_manifest, put_back
from jarvis_lib.execution.engine import kill_leftovers
from jarvis_lib.model.crash import crash_point
from jarvis_lib.model.prose import plural
from jarvis_lib.model.task_row import content_of
from jarvis_lib.store.place import Place

AFTER_S = 20.0
"""Workers die with their session, but not in the same moment: the grace of TERM, and some."""


def _died_at(place: Place) -> float | None:
    """When the dead session's attempts can have written last (epoch seconds); None when no heartbeat is known."""
    try:
        return (place.home / HEARTBEAT).stat().st_mtime + float(place.settings.get("limits", "grace_seconds")) + AFTER_S
    except FileNotFoundError:
        return None


def close_dead(place: Place, *, now: datetime) -> list[str]:
    """End what a dead session left open. The caller holds the session lock, so nothing alive is touched.

    What still runs of its attempts is killed, the declared files are put back, each attempt ends as abandoned, the session is closed.
    """
    with place.store.reading() as reader:
        attempts = reader.rows("autonomous_queue.open_attempts")
        sessions = reader.rows("autonomous_queue.open_sessions")
    if not attempts and not sessions:
        return []
    killed = kill_leftovers([a["id"] for a in attempts])
    said = []
    for attempt in attempts:
        before = kept_manifest(place.home, attempt["id"])
        evidence = put_back(place.home, content_of(attempt), before, attempt["id"], not_after=_died_at(place))
        place.store.append(
            place.fact(
                "attempt.ended",
                actor="recovery",
                at=now,
                attempt=attempt["id"],
                task=attempt["task"],
                session=attempt["session"],
                outcome="abandoned",
                evidence=evidence,
            )
        )
        crash_point("recovering")
        said.append(f"attempt {attempt['n']} of {attempt['task']} was abandoned: its session died before it had ended")
    for session in sessions:
        text = f"it died; {plural(len(attempts), 'attempt')} abandoned" + (f", {plural(killed, 'process', 'processes')} ended" if killed else "")
        place.store.append(place.fact("session.closed", actor="recovery", at=now, session=session["id"], outcome="died", said=text))
        said.append(f"session {session['id']} of {session['opened_at'].astimezone(place.zone):%a %d %b %H:%M} had died")
    return said
