"""Who works while the person sleeps? One session from 23:00 to 07:00: problems, plan, run, report; then the brief.

One session for each workspace; phases and their times stand in the store and in `logs/overnight_execution.log`. Work ends before the
window does, so that the checks and the brief are whole in the morning. Whatever became of the session, the brief is made from the store.
"""

import json
import os
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from jarvis_lib import autonomous_queue, build_scheduler, pattern_learner, problem_predictor
from jarvis_lib.autonomous_queue import sessions
from jarvis_lib.autonomous_queue.sessions import Hours, phase
from jarvis_lib.execution.engine import Engine, LocalEngine
from jarvis_lib.model.fact import Refused
from jarvis_lib.model.ledger import Row
from jarvis_lib.model.prose import plural
from jarvis_lib.model.window import Window, coming, current
from jarvis_lib.report.brief import Brief, compose
from jarvis_lib.report.making import make_page
from jarvis_lib.report.publish import brief_path
from jarvis_lib.report.text import brief_text
from jarvis_lib.store import lock
from jarvis_lib.store.calendar import cuts_of
from jarvis_lib.store.place import Place
from jarvis_lib.store.snapshot import open_snapshot
from jarvis_lib.store.store import crash_point

Say = Callable[[str], None]
BRIEF_NOTEBOOK = Path("notebooks/reports/morning_brief.ipynb")


# --- rules ---------------------------------------------------------------------------------------------------------------


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
        raise Refused(f"The session would end at {_clock(place, ends)}, which is not after now ({_clock(place, now)}).", code="usage")
    busy = () if asked else _taken(place, now, ends)
    day = now.astimezone(place.zone).date()
    key, longest = (window.key, window.longest_h) if window is not None else (f"asked@{day}", sessions.SESSION_LONGEST_H)
    return replace(sessions.margins(place, key=key, kind="overnight", now=now, ends=ends, longest_h=longest), busy=busy)


def _taken(place: Place, begin: datetime, end: datetime) -> tuple[tuple[datetime, datetime], ...]:
    """What the calendar takes of the night. A session that the person asks for works all the same."""
    with place.store.reading() as reader:
        return tuple(cuts_of(reader, begin, end).of("overnight"))


def _outside(place: Place, now: datetime) -> str:
    with place.store.reading() as reader:
        cuts = cuts_of(reader, now, now + timedelta(days=14))
    upcoming = coming(place.settings.windows, place.zone, now, "overnight", cuts=cuts)
    when = f"the next one is {upcoming.said(place.zone)}" if upcoming else "none is switched on in jarvis.toml"
    return f"It is {_clock(place, now)}, outside the overnight window; {when}. To work now: --anyway, --for 30m or --until TIME."


def _clock(place: Place, at: datetime) -> str:
    return f"{at.astimezone(place.zone):%a %H:%M}"


# --- the night -----------------------------------------------------------------------------------------------------------


def start(
    place: Place,
    *,
    anyway: bool = False,
    until: datetime | None = None,
    for_minutes: float | None = None,
    say: Say = print,
    engine: Engine | None = None,
    brief_to: Path | None = None,
    with_brief: bool = True,
) -> Path | None:
    """Work one night and make its brief; the path of the brief. Refuses outside the window, and (busy) when a session is open."""
    now = place.now()
    hours = session_hours(place, now=now, anyway=anyway, until=until, for_minutes=for_minutes)
    with sessions.only_session(place):
        with sessions.opened(place, hours, now=now, say=say) as (session, said):
            said.append(_night(place, session, hours, engine or LocalEngine(), say))
        record = write_record(place, session)
        crash_point("brief")
        say(f"Report: {record.relative_to(place.home)}")
        return make_brief(place, as_of=place.now(), out=brief_to, say=say) if with_brief else None


def _night(place: Place, session: str, hours: Hours, engine: Engine, say: Say) -> str:
    """The phases in their order; the sentence of how the night ended."""
    with phase(place, session, "start", say) as done:
        done(" and ".join(autonomous_queue.housekeeping(place, now=place.now())) or "nothing had to be decided anew")
    with phase(place, session, "problems", say, may_fail=True) as done:
        done(_problems(place, session, say))
    with phase(place, session, "patterns", say, may_fail=True) as done:
        done(pattern_learner.listed(place, now=place.now()).said)
    with phase(place, session, "plan", say) as done:
        plan = sessions.plan_hours(place, session, hours)
        done(sessions.said_plan(plan, hours))
    with phase(place, session, "run", say) as done:
        tally = sessions.work_plan(place, session, hours, plan, engine=engine, say=say)
        done(f"{plural(tally.attempts, 'attempt')}; it ended because {tally.why_ended}")
    with phase(place, session, "report", say, may_fail=True) as done:
        after = problem_predictor.scan(place, now=place.now())
        build_scheduler.make_plan(place, now=place.now())
        done(f"{plural(len(after), 'problem')} left open; the coming windows are planned anew")
    return f"it ended because {tally.why_ended}"


def _problems(place: Place, session: str, say: Say) -> str:
    found = problem_predictor.scan(place, now=place.now())
    emptied = problem_predictor.empty_trash(place, now=place.now())
    fixes = problem_predictor.fix_safe(place, now=place.now(), session=session)
    for fix in fixes:
        say(f"  {'fixed' if fix.verified else 'not fixed':<9} {fix.said}")
    said = f"{plural(len(found), 'problem')} found, {sum(f.verified for f in fixes)} fixed and re-checked"
    return said + (f"; {emptied}" if emptied else "")


# --- looking at it -------------------------------------------------------------------------------------------------------


def status(place: Place, *, now: datetime) -> dict[str, Any]:
    """Is a session open, since when, until when, and what runs in it?"""
    with place.store.reading() as reader:
        row = reader.one("overnight_runner.open_session")
    running = autonomous_queue.progress(place, now=now) if row else []
    alive = not lock.is_free(place.home / "data" / "session.lock")
    said = "No session is open."
    if row:
        since = f"{row['opened_at'].astimezone(place.zone):%a %H:%M}"
        said = f"Session {row['id']} runs since {since}, until {_clock(place, row['deadline'])}; {plural(len(running), 'attempt')} running."
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
    temporary = path.with_suffix(".tmp")
    temporary.write_text(json.dumps(record, indent=1, default=_json) + "\n", encoding="utf-8")
    os.replace(temporary, path)
    return path


def _json(value: Any) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} in a report")


# --- the brief -----------------------------------------------------------------------------------------------------------


def brief(place: Place, *, as_of: datetime) -> Brief:
    """The brief as values, straight from the store; a dead session is closed first, so that it is told as dead."""
    _close_if_dead(place, now=min(as_of, place.now()))
    with place.store.reading() as reader:
        return compose(reader, now=as_of, zone=place.zone, settings=place.settings, home=place.home)


def make_brief(place: Place, *, as_of: datetime, out: Path | None = None, say: Say = lambda line: None) -> Path:
    """Run the brief's notebook on a snapshot and publish its HTML; the path of the page.

    A dead session is closed first. When the notebook cannot run, a plain-text brief is written instead and says why.
    """
    _close_if_dead(place, now=min(as_of, place.now()))
    snapshot = place.store.snapshot()
    with open_snapshot(snapshot) as reader:
        values = compose(reader, now=as_of, zone=place.zone, settings=place.settings, home=place.home)
    told = {"headline": values.headline, "text": brief_text(values)}
    target = out or brief_path(place.home, as_of, place.zone)
    made, fact = make_page(place, BRIEF_NOTEBOOK, kind="morning", snapshot=snapshot, as_of=as_of, target=target, say=say, **told)
    place.store.append(fact)
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


if __name__ == "__main__":
    from jarvis_lib.cli.entry import component_main

    component_main("overnight")
