"""Who works while the person sleeps? One session from 23:00 to 07:00: problems, plan, run, report; then the brief.

One session for each workspace; phases and their times stand in the store and in `logs/overnight_execution.log`. Work ends before the
window does, so that the checks and the brief are whole in the morning. Whatever became of the session, the brief is made from the store.
"""

import hashlib
import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from types import FrameType
from typing import Any

from jarvis_lib import autonomous_queue, build_scheduler, pattern_learner, problem_predictor
from jarvis_lib.execution.engine import Engine, LocalEngine, isolation_level
from jarvis_lib.model.fact import Refused, new_id, stamp
from jarvis_lib.model.ledger import Row
from jarvis_lib.model.plan import Plan
from jarvis_lib.model.prose import clean, plural, seconds
from jarvis_lib.model.window import Window, coming, current
from jarvis_lib.report.brief import Brief, compose
from jarvis_lib.report.making import make_page
from jarvis_lib.report.publish import brief_path
from jarvis_lib.report.text import brief_text
from jarvis_lib.store import lock, recover
from jarvis_lib.store.place import Place
from jarvis_lib.store.snapshot import open_snapshot
from jarvis_lib.store.store import crash_point

Say = Callable[[str], None]
NIGHT_S = 8 * 3600.0
BRIEF_NOTEBOOK = Path("notebooks/reports/morning_brief.ipynb")
SESSION_WAIT_S = 900.0
"""A session never gives up on the store while short commands use it."""
SESSION_LONGEST_H = 200.0
"""A session that the person asked for takes tasks of any size that fits its time."""


@dataclass(frozen=True, slots=True)
class Hours:
    """When this session works: aware UTC times. `key` names the window's occurrence, or says that it was asked for."""

    key: str
    ends: datetime
    work_ends: datetime
    checks_end: datetime


# --- rules ---------------------------------------------------------------------------------------------------------------


def is_overnight(place: Place, *, now: datetime) -> bool:
    """True inside the overnight window of the local clock."""
    return _tonight(place, now=now) is not None


def _tonight(place: Place, *, now: datetime) -> Window | None:
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
    ends = window.end if window is not None else now + timedelta(seconds=NIGHT_S)
    if for_minutes is not None:
        ends = now + timedelta(minutes=for_minutes)
    if until is not None:
        ends = until
    if ends <= now:
        raise Refused(f"The session would end at {_clock(place, ends)}, which is not after now ({_clock(place, now)}).", code="usage")
    key = window.key if window is not None else f"asked@{now.astimezone(place.zone):%Y-%m-%d}"
    length = (ends - now).total_seconds()
    return Hours(key, ends, ends - _margin(place, "work_ends_minutes_before", length), ends - _margin(place, "checks_end_minutes_before", length))


def _outside(place: Place, now: datetime) -> str:
    upcoming = coming(place.settings.windows, place.zone, now, "overnight")
    when = f"the next one is {upcoming.said(place.zone)}" if upcoming else "none is switched on in jarvis.toml"
    return f"It is {_clock(place, now)}, outside the overnight window; {when}. To work now: --anyway, --for 30m or --until TIME."


def _margin(place: Place, key: str, length_s: float) -> timedelta:
    """The set minutes for a night of eight hours, the same share of a shorter session."""
    full = float(place.settings.get("night", key)) * 60
    return timedelta(seconds=min(full, length_s * full / NIGHT_S))


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
    place.store.wait_s = max(place.store.wait_s, SESSION_WAIT_S)
    with _only_session(place):
        for line in autonomous_queue.close_dead(place, now=now):
            say(f"  recovered {line}")
        _check_store(place)
        recover.rotate_snapshots(place.store, "before")
        session = _open(place, hours, now=now)
        say(f"Session {session} until {_clock(place, hours.ends)}; work ends {hours.work_ends.astimezone(place.zone):%H:%M:%S}.")
        outcome, said = "finished", ""
        try:
            said = _night(place, session, hours, engine or LocalEngine(), say)
        except BaseException as error:
            outcome, said = "failed", f"{type(error).__name__}: {str(error)[:300]}"
            raise
        finally:
            _close(place, session, outcome, said)
        _end(place, session, say)
        return make_brief(place, as_of=place.now(), out=brief_to, say=say) if with_brief else None


def _end(place: Place, session: str, say: Say) -> None:
    recover.rotate_snapshots(place.store, "after")
    record = write_record(place, session)
    crash_point("brief")
    say(f"Report: {record.relative_to(place.home)}")


@contextmanager
def _only_session(place: Place) -> Iterator[None]:
    """The session lock for the whole night. A second session is told who runs since when."""
    path = place.home / "data" / "session.lock"
    try:
        fd = lock.take(path, wait_s=0.05, what="The night")
    except Refused as error:
        raise Refused(
            f"A session is running already: {lock.owner(path) or 'its owner did not sign'}. Look with: jarvis overnight status", code="busy"
        ) from error
    try:
        yield
    finally:
        os.close(fd)


def _check_store(place: Place) -> None:
    """The whole chain and every table are read before anything runs; a damaged database is rebuilt, a damaged journal stops the night."""
    if recover.verify(place.store):
        recover.rebuild(place.store, "the check before the session found it damaged")
    wrong = recover.verify(place.store)
    if wrong:
        raise Refused(f"The store is not whole: {wrong[0]} Nothing was started. Look with: jarvis store verify", code="failed")


def _open(place: Place, hours: Hours, *, now: datetime) -> str:
    session = new_id()
    place.store.write(
        place.fact(
            "session.opened",
            at=now,
            session=session,
            kind="overnight",
            window=hours.key,
            deadline=stamp(hours.ends),
            owner=_owner(),
            policy_hash=place.settings.policy.hash,
            isolation=isolation_level(),
            lanes=place.settings.get("night", "lanes"),
        )
    )
    crash_point("opened")
    return session


def _owner() -> dict[str, Any]:
    import psutil

    process = psutil.Process()
    return {"pid": process.pid, "started": process.create_time(), "booted": psutil.boot_time(), "host": os.uname().nodename}


def _close(place: Place, session: str, outcome: str, said: str) -> None:
    """Close the session. An attempt that could not be ended is abandoned first, so that the night still has its record and its brief."""
    try:
        place.store.write(place.fact("session.closed", session=session, outcome=outcome, said=said))
    except Refused:
        autonomous_queue.close_dead(place, now=place.now())


def _night(place: Place, session: str, hours: Hours, engine: Engine, say: Say) -> str:
    """The phases in their order; the sentence of how the night ended."""
    with _phase(place, session, "start", say) as done:
        done(" and ".join(autonomous_queue.housekeeping(place, now=place.now())) or "nothing had to be decided anew")
    with _phase(place, session, "problems", say, may_fail=True) as done:
        done(_problems(place, session, say))
    with _phase(place, session, "patterns", say, may_fail=True) as done:
        done(pattern_learner.listed(place, now=place.now()).said)
    with _phase(place, session, "plan", say) as done:
        plan = build_scheduler.make_plan(place, now=place.now(), windows=_windows(place, hours), session=session)
        done(_said_plan(plan, hours))
    with _phase(place, session, "run", say) as done:
        tally = _work(place, session, hours, plan, engine, say)
        done(f"{plural(tally.attempts, 'attempt')}; it ended because {tally.why_ended}")
    with _phase(place, session, "report", say, may_fail=True) as done:
        after = problem_predictor.scan(place, now=place.now())
        build_scheduler.make_plan(place, now=place.now())
        done(f"{plural(len(after), 'problem')} left open; the coming windows are planned anew")
    return f"it ended because {tally.why_ended}"


def _windows(place: Place, hours: Hours) -> list[Window]:
    """This session's own hours first, then the windows after it."""
    now = place.now()
    rule = next(r for r in place.settings.windows if r.kind == "overnight")
    longest = rule.longest_h if hours.key.startswith("overnight@") else SESSION_LONGEST_H
    day = date.fromisoformat(hours.key.rpartition("@")[2])
    own = Window("overnight", day, now, hours.work_ends, longest)
    return [own, *(w for w in build_scheduler.working_windows(place.settings, place.zone, now=now) if w.start >= hours.ends)]


def _said_plan(plan: Plan, hours: Hours) -> str:
    tonight = [s for s in plan.slots if s.end <= hours.ends]
    return f"{plural(len(tonight), 'task')} planned, {plural(sum(o.reserve for o in plan.omissions), 'reserve')}"


def _problems(place: Place, session: str, say: Say) -> str:
    found = problem_predictor.scan(place, now=place.now())
    fixes = problem_predictor.fix_safe(place, now=place.now(), session=session)
    for fix in fixes:
        say(f"  {'fixed' if fix.verified else 'not fixed':<9} {fix.said}")
    return f"{plural(len(found), 'problem')} found, {sum(f.verified for f in fixes)} fixed and re-checked"


def _work(place: Place, session: str, hours: Hours, plan: Plan, engine: Engine, say: Say) -> autonomous_queue.Tally:
    only = {s.task for s in plan.slots} | {o.task for o in plan.omissions if o.reserve}
    lanes = place.settings.get("night", "lanes")
    seed = int(hashlib.sha256(session.encode()).hexdigest()[:8], 16)
    stop = autonomous_queue.Stop()
    with _signals(stop, say):
        own = autonomous_queue.Session(session, hours.work_ends, hours.checks_end, lanes, seed)
        return autonomous_queue.work(place, own, engine=engine, only=only, stop=stop, say=say)


@contextmanager
def _phase(place: Place, session: str, name: str, say: Say, *, may_fail: bool = False) -> Iterator[Callable[[str], None]]:
    """A phase of the night: its start and end are facts, with the seconds that it took.

    The night goes on without a phase that `may_fail`: the failure stands in the phase's row and in a notice for the brief.
    """
    words: list[str] = []
    place.store.append(place.fact("session.phase", session=session, name=name, event="started"))
    say(f"Phase {name} …")
    begin = time.monotonic()
    try:
        yield words.append
    except Exception as error:
        if not may_fail:
            raise
        words.append(f"failed, and the night went on without it: {type(error).__name__}: {clean(str(error))[:300]}")
        place.store.append(place.fact("notice", kind="phase", sentence=f"The phase {name} {words[-1]}."))
    took = time.monotonic() - begin
    said = "; ".join(w for w in words if w)
    place.store.append(place.fact("session.phase", session=session, name=name, event="ended", said=said, seconds=round(took, 3)))
    say(f"Phase {name}: {said or 'done'} ({seconds(took)})")


@contextmanager
def _signals(stop: autonomous_queue.Stop, say: Say) -> Iterator[None]:
    """Ctrl-C once: finish what runs. Twice, or TERM: stop now."""

    def asked(number: int, frame: FrameType | None) -> None:
        again = bool(stop.how) or number == signal.SIGTERM
        stop.ask("now" if again else "finish")
        say("Stopping now." if again else "Finishing what runs; Ctrl-C again stops now.")

    if not _in_main_thread():
        yield
        return
    old = {number: signal.signal(number, asked) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in old.items():
            signal.signal(number, handler)


def _in_main_thread() -> bool:
    import threading

    return threading.current_thread() is threading.main_thread()


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
