"""What is the night doing, how is it stopped, and what is its record?"""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

from jarvis_lib import autonomous_queue
from jarvis_lib.model.book import Row
from jarvis_lib.model.fact import Refused
from jarvis_lib.model.prose import plural
from jarvis_lib.overnight_runner.hours import clock
from jarvis_lib.store import lock
from jarvis_lib.store.place import Place
from jarvis_lib.store.whole import write_whole


def status(place: Place, *, now: datetime) -> dict[str, Any]:
    """Is a session open, since when, until when, and what runs in it?"""
    with place.store.reading() as reader:
        row = reader.one("overnight_runner.open_session")
    running = autonomous_queue.progress(place, now=now) if row else []
    alive = not lock.is_free(place.home / "data" / "session.lock")
    said = "No session is open."
    if row:
        since = f"{row['opened_at'].astimezone(place.zone):%a %H:%M}"
        said = f"Session {row['id']} runs since {since}, until {clock(place, row['deadline'])}; {plural(len(running), 'attempt')} running."
        if not alive:
            said = f"Session {row['id']} of {since} has died; the next start or brief closes it."
    return {
        "session": row["id"] if row else None,
        "alive": alive and row is not None,
        "said": said,
        "opened_at": row["opened_at"] if row else None,
        "running": running,
    }


def stop(place: Place, *, now: datetime, how: str = "finish") -> str:
    """Ask the open session to stop: `finish` what runs, or `now`."""
    with place.store.reading() as reader:
        row = reader.one("overnight_runner.open_session")
    if row is None or lock.is_free(place.home / "data" / "session.lock"):
        died = "" if row is None else f" Session {row['id']} has died; the next start or brief closes it."
        raise Refused(f"No session is open, so there is nothing to stop.{died}", code="missing")
    place.store.write(place.fact("session.stop", at=now, session=row["id"], how=how))
    return f"Asked session {row['id']} to {'finish what runs and stop' if how == 'finish' else 'stop now'}."


def report(place: Place, *, now: datetime, session: str | None = None) -> dict[str, Any]:
    """The record of the newest session (or of `session`): tasks spawned and completed, hours, phases, fixes. Refuses when there was none."""
    with place.store.reading() as reader:
        row = reader.one("autonomous_queue.session", id=session) if session else reader.one("overnight_runner.newest_session", now=now)
        if row is None:
            raise Refused("No session has run yet; start one with: jarvis overnight start", code="missing")
        results = reader.rows("overnight_runner.session_results", session=row["id"])
        phases = reader.rows("overnight_runner.session_phases", session=row["id"])
        fixes = reader.rows("overnight_runner.session_fixes", session=row["id"])
    return _record(row, results, phases, fixes, now=now)


def _record(row: Row, results: list[Row], phases: list[Row], fixes: list[Row], *, now: datetime) -> dict[str, Any]:
    ended = row["closed_at"] or now
    return {
        "session_id": row["id"],
        "window": row["window"],
        "started_at": row["opened_at"],
        "ended_at": row["closed_at"],
        "outcome": row["outcome"] or "running",
        "said": row["said"],
        "tasks_spawned": len({r["task"] for r in results}),
        "tasks_completed": len({r["task"] for r in results if r["verdict"] == "verified"}),
        "attempts": len(results),
        "hours": round((ended - row["opened_at"]).total_seconds() / 3600, 3),
        "task_hours": round(sum(r["seconds"] or 0 for r in results) / 3600, 4),
        "fixes": [{"said": f["said"], "verified": f["verified"]} for f in fixes],
        "phases": [{"name": p["name"], "event": p["event"], "at": p["at"], "said": p["said"], "seconds": p["seconds"]} for p in phases],
        "tasks": results,
        "isolation": row["isolation"],
        "policy_hash": row["policy_hash"],
    }


def write_record(place: Place, session: str) -> Path:
    """`logs/overnight_report_YYYY-MM-DD.json`: the session's record as a file, named by the local day it started."""
    record = report(place, now=place.now(), session=session)
    day = record["started_at"].astimezone(place.zone)
    path = place.home / "logs" / f"overnight_report_{day:%Y-%m-%d}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, (json.dumps(record, indent=1, default=_json) + "\n").encode())
    return path


def _json(value: Any) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} in a report")
