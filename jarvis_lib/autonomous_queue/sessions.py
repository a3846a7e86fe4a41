"""What is a session? One opening of a window with phases, one at a time in each workspace, whatever the window: night, weekend, office or gym.

`worked` is the frame that every session has: the lock, the look at the store, the dead one before it, a row that is closed whatever happens.
`work_now` works the hours that are on right now and gives the machine back when the person's context changes.
"""

import hashlib
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from types import FrameType
from typing import Any

from jarvis_lib import build_scheduler, context_scheduler
from jarvis_lib.autonomous_queue import copies, holding, loop
from jarvis_lib.autonomous_queue.clearing import clear_old
from jarvis_lib.autonomous_queue.in_flight import Session, Stop, Tally
from jarvis_lib.autonomous_queue.recovery import close_dead
from jarvis_lib.autonomous_queue.verbs import housekeeping
from jarvis_lib.execution import awake, postman
from jarvis_lib.execution.engine import Engine, engine_of
from jarvis_lib.model.crash import crash_point
from jarvis_lib.model.fact import Refused, new_id, stamp
from jarvis_lib.model.plan import Plan
from jarvis_lib.model.prose import clean, plural, seconds
from jarvis_lib.model.window import SAID, Window, coming, current, free_parts
from jarvis_lib.store import lock, recover
from jarvis_lib.store.calendar import cuts_of
from jarvis_lib.store.place import Place

Say = Callable[[str], None]
NIGHT_S = 8 * 3600.0
SHORT_NIGHT_S = loop.NIGHT_WORK_S
"""The shortest whole night, that in which the clock goes forward; what is shorter has its margins shortened, too."""
SESSION_WAIT_S = 900.0
"""A session never gives up on the store while short commands use it."""
SESSION_LONGEST_H = 200.0
"""A session that the person asked for takes tasks of any size that fits its time."""
LEAST_S = 60.0
"""A session shorter than this cannot do anything that is worth its start."""


@dataclass(frozen=True, slots=True)
class Hours:
    """When a session works: aware UTC times. `key` names the window's occurrence, or says what it stands in for; `kind` is its window's kind.

    In the spans of `busy`, which the calendar takes, nothing may run. `whole` is False where the person asked for other hours than the window's.
    """

    key: str
    kind: str
    ends: datetime
    work_ends: datetime
    checks_end: datetime
    longest_h: float = SESSION_LONGEST_H
    busy: tuple[tuple[datetime, datetime], ...] = ()
    whole: bool = True


def margins(place: Place, *, key: str, kind: str, now: datetime, ends: datetime, longest_h: float = SESSION_LONGEST_H) -> Hours:
    """The hours of a session from `now` to `ends`: the set minutes for checks and brief of a whole night, the same share of a shorter session."""
    length = (ends - now).total_seconds()
    before = {name: place.settings.get("night", f"{name}_minutes_before") * 60.0 for name in ("work_ends", "checks_end")}
    cut = {name: timedelta(seconds=min(full, length * full / SHORT_NIGHT_S)) for name, full in before.items()}
    return Hours(key, kind, ends, ends - cut["work_ends"], ends - cut["checks_end"], longest_h)


# --- the frame -----------------------------------------------------------------------------------------------------------


@contextmanager
def only_session(place: Place) -> Iterator[None]:
    """The session lock for the whole session. A second one is told who runs since when."""
    path = place.home / "data" / "session.lock"
    try:
        fd = lock.take(path, wait_s=0.05, what="The session")
    except Refused as error:
        raise Refused(
            f"A session is running already: {lock.owner(path) or 'its owner did not sign'}. Look with: jarvis overnight status", code="busy"
        ) from error
    try:
        yield
    finally:
        os.close(fd)


@contextmanager
def opened(place: Place, hours: Hours, *, now: datetime, say: Say) -> Iterator[tuple[str, list[str], holding.Held]]:
    """An open session under the lock: its id, a list that takes the sentence of how it ended, and what holds its attempts.

    Closed whatever happens inside.
    """
    place.store.wait_s = max(place.store.wait_s, SESSION_WAIT_S)
    for line in close_dead(place, now=now):
        say(f"  recovered {line}")
    _check_store(place)
    recover.rotate_snapshots(place.store, "before")
    held = holding.look(place, now=now)
    session = _open(place, hours, held, now=now)
    ends, work_ends = hours.ends.astimezone(place.zone), hours.work_ends.astimezone(place.zone)
    say(f"Session {session} until {ends:%a %H:%M}; work ends {work_ends:%H:%M:%S}.")
    if held.warning:
        place.store.append(place.fact("notice", actor=f"session:{session}", kind="sandbox", sentence=held.warning))
        say(f"  {held.warning}")
    said: list[str] = []
    outcome = "finished"
    try:
        with awake.held(on=place.settings.get("cron", "keep_awake")):
            yield session, said, held
    except BaseException as error:
        outcome, said = "failed", [f"{type(error).__name__}: {str(error)[:300]}"]
        raise
    finally:
        close(place, session, outcome, "; ".join(said))
    recover.rotate_snapshots(place.store, "after")


def _check_store(place: Place) -> None:
    """The whole chain and every table are read before anything runs; a damaged database is rebuilt, a damaged journal stops the session."""
    if not recover.verify(place.store):
        return
    recover.rebuild(place.store, "the check before the session found it damaged")
    wrong = recover.verify(place.store)
    if wrong:
        raise Refused(f"The store is not whole: {wrong[0]} Nothing was started. Look with: jarvis store verify", code="failed")


def _open(place: Place, hours: Hours, held: holding.Held, *, now: datetime) -> str:
    session = new_id()
    place.store.write(
        place.fact(
            "session.opened",
            at=now,
            session=session,
            kind=hours.kind,
            window=hours.key,
            deadline=stamp(hours.ends),
            owner=owner(),
            policy_hash=place.settings.policy.hash,
            isolation=held.said,
            held={"own": held.own, "strict": held.strict},
            lanes=place.settings.get("night", "lanes"),
            whole=hours.whole,
        )
    )
    crash_point("opened")
    return session


def owner() -> dict[str, Any]:
    """Which process this is, so that it can be told from another one with the same number."""
    import psutil

    process = psutil.Process()
    return {"pid": process.pid, "started": process.create_time(), "booted": psutil.boot_time(), "host": os.uname().nodename}


def close(place: Place, session: str, outcome: str, said: str) -> None:
    """Close the session. An attempt that could not be ended is abandoned first, so that the session still has its record and its brief."""
    crash_point("closing")
    try:
        place.store.write(place.fact("session.closed", session=session, outcome=outcome, said=said))
    except Refused:
        close_dead(place, now=place.now())
    crash_point("closed")
    postman.call(place.home, place.settings)


@contextmanager
def phase(place: Place, session: str, name: str, say: Say, *, may_fail: bool = False) -> Iterator[Callable[[str], None]]:
    """A phase of the session: its start and end are facts, with the seconds that it took.

    The session goes on without a phase that `may_fail`: the failure stands in the phase's row and in a notice for the brief.
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
        words.append(f"failed, and the session went on without it: {type(error).__name__}: {clean(str(error))[:300]}")
        place.store.append(place.fact("notice", kind="phase", sentence=f"The phase {name} {words[-1]}."))
    took = time.monotonic() - begin
    said = "; ".join(w for w in words if w)
    place.store.append(place.fact("session.phase", session=session, name=name, event="ended", said=said, seconds=round(took, 3)))
    say(f"Phase {name}: {said or 'done'} ({seconds(took)})")


def tidied(place: Place) -> list[str]:
    """What time alone changes, and what nobody needs any more: copies of repositories, files of old attempts. In sentences."""
    return [*housekeeping(place, now=place.now()), *copies.sweep(place, now=place.now()), *clear_old(place, now=place.now())]


# --- planning and working ------------------------------------------------------------------------------------------------


def plan_hours(place: Place, session: str, hours: Hours) -> Plan:
    """The plan of this session's own hours first, then of the windows after it; written down."""
    now = place.now()
    plan = build_scheduler.make_plan(place, now=now, windows=windows_of(place, hours, now=now), session=session)
    crash_point("planned")
    return plan


def windows_of(place: Place, hours: Hours, *, now: datetime) -> list[Window]:
    """The session's own hours from `now` on, without what the calendar takes, and the windows after it."""
    day = date.fromisoformat(hours.key.rpartition("@")[2])
    own = Window(hours.kind if hours.kind in SAID else "overnight", day, now, hours.work_ends, hours.longest_h)
    with place.store.reading() as reader:
        later = [w for w in build_scheduler.open_windows(reader, place.settings, place.zone, now=now) if w.start >= hours.ends]
    return [*free_parts(own, hours.busy), *later]


def said_plan(plan: Plan, hours: Hours) -> str:
    """`3 tasks planned, 1 reserve`: what this session may do."""
    own = [s for s in plan.slots if s.end <= hours.ends]
    return f"{plural(len(own), 'task')} planned, {plural(sum(o.reserve for o in plan.omissions), 'reserve')}"


def work_plan(
    place: Place,
    session: str,
    hours: Hours,
    plan: Plan,
    *,
    held: holding.Held,
    engine: Engine,
    say: Say,
    follow: bool = False,
    pause: Callable[[float], None] = time.sleep,
) -> Tally:
    """The session loop over the plan's tasks and its reserves; with `follow` under the person's context, which may take the machine back."""
    only = {s.task for s in plan.slots} | {o.task for o in plan.omissions if o.reserve}
    seed = int(hashlib.sha256(session.encode()).hexdigest()[:8], 16)
    stop = Stop()
    with _signals(stop):
        own = Session(session, hours.work_ends, hours.checks_end, place.settings.get("night", "lanes"), seed, hours.key, follow, hours.busy, held)
        try:
            return loop.work(place, own, engine=engine, only=only, stop=stop, say=say, pause=pause)
        finally:
            stop.tell(say)


@contextmanager
def _signals(stop: Stop) -> Iterator[None]:
    """Ctrl-C once: finish what runs. Twice, or TERM: stop now."""

    def asked(number: int, frame: FrameType | None) -> None:
        again = bool(stop.how) or number == signal.SIGTERM
        stop.ask("now" if again else "finish", "Stopping now." if again else "Finishing what runs; Ctrl-C again stops now.")

    if not _in_main_thread():
        yield
        return
    old = {number: signal.signal(number, asked) for number in (signal.SIGINT, signal.SIGTERM)}
    signal.pthread_sigmask(signal.SIG_UNBLOCK, old)  # whoever started this program may have left them blocked
    try:
        yield
    finally:
        for number, handler in old.items():
            signal.signal(number, handler)


def _in_main_thread() -> bool:
    import threading

    return threading.current_thread() is threading.main_thread()


# --- whatever hours are on now -------------------------------------------------------------------------------------------


def hours_now(place: Place, *, now: datetime) -> Hours:
    """The hours that may be worked from `now` on: the window that is on, or else the context's own where it allows work, such as gym.

    They end with the window or with the context, whichever comes first. Refuses when neither allows work, and says when the next window begins.
    """
    with place.store.reading() as reader:
        cuts = cuts_of(reader, now, now + timedelta(days=14))
    context = context_scheduler.detect(place, now=now)
    window = current(place.settings.windows, place.zone, now, cuts)
    local = f"{now.astimezone(place.zone):%a %H:%M}"
    if not context.allows.start_work:
        raise Refused(f"It is {local} and you are {context.state}, which allows no work. Change it: jarvis context set WORD, or [context.allows].")
    if window is None and (context.state not in ("gym", "away") or any(a <= now < b for a, b in cuts.of("overnight"))):
        following = coming(place.settings.windows, place.zone, now, cuts=cuts)
        when = f"the next one is {following.said(place.zone)}" if following else "none is switched on in jarvis.toml"
        raise Refused(f"It is {local} and no window is on; {when}. To work now all the same: jarvis overnight start --for 30m.")
    ends = min(window.end, context.until) if window is not None else context.until
    if (ends - now).total_seconds() < LEAST_S:
        raise Refused(f"It is {local}, and {window.said(place.zone) if window else context.state} ends within a minute; nothing was started.")
    day = window.day if window is not None else now.astimezone(place.zone).date()
    kind = window.kind if window is not None else context.state
    longest = window.longest_h if window is not None else SESSION_LONGEST_H
    return margins(place, key=f"{kind}@{day}", kind=kind, now=now, ends=ends, longest_h=longest)


def work_now(place: Place, *, say: Say = print, engine: Engine | None = None, pause: Callable[[float], None] = time.sleep) -> str:
    """One session in the hours that are on now; the sentence of how it ended. Refuses (busy) when one is open, and outside of every window.

    `pause` waits for so many seconds between two looks of the loop.
    """
    now = place.now()
    hours = hours_now(place, now=now)
    with only_session(place), opened(place, hours, now=now, say=say) as (session, ended, held):
        with phase(place, session, "start", say) as done:
            done(" and ".join(tidied(place)) or "nothing had to be decided anew")
        with phase(place, session, "plan", say) as done:
            plan = plan_hours(place, session, hours)
            done(said_plan(plan, hours))
        with phase(place, session, "run", say) as done:
            tally = work_plan(place, session, hours, plan, held=held, engine=engine or engine_of(place.settings), say=say, follow=True, pause=pause)
            done(f"{plural(tally.attempts, 'attempt')}; it ended because {tally.why_ended}")
        with phase(place, session, "report", say, may_fail=True) as done:
            build_scheduler.make_plan(place, now=place.now())
            done("the coming windows are planned anew")
        ended.append(f"it ended because {tally.why_ended}")
    return f"Session {session} has ended: {plural(tally.attempts, 'attempt')}; {ended[0]}."
