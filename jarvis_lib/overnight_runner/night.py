"""What does one night do, phase by phase? Problems and safe fixes, routines, weaknesses, the plan, the work, the record; then the brief."""

import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

from jarvis_lib import build_scheduler, pattern_learner, problem_predictor, self_improver
from jarvis_lib.autonomous_queue import sessions
from jarvis_lib.autonomous_queue.holding import Held
from jarvis_lib.autonomous_queue.sessions import Hours, phase
from jarvis_lib.execution import postman
from jarvis_lib.execution.engine import Engine, engine_of
from jarvis_lib.model.crash import crash_point
from jarvis_lib.model.plan import Plan
from jarvis_lib.model.prose import plural
from jarvis_lib.overnight_runner import steps
from jarvis_lib.overnight_runner.briefs import make_brief
from jarvis_lib.overnight_runner.hours import session_hours
from jarvis_lib.overnight_runner.looking import write_record
from jarvis_lib.store.place import Place

Say = Callable[[str], None]
SHORTEST = timedelta(minutes=30)
"""A session shorter than this is for the work; its analytic steps would take too much of it."""


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
    analyse: bool | None = None,
    pause: Callable[[float], None] = time.sleep,
) -> Path | None:
    """Work one night and make its brief; the path of the brief. Refuses outside the window, and (busy) when a session is open.

    The notebooks of the analytic steps run in sessions of at least SHORTEST; `analyse` says otherwise. `pause` waits for so many seconds between two looks
    of the loop.
    """
    now = place.now()
    hours = session_hours(place, now=now, anyway=anyway, until=until, for_minutes=for_minutes)
    with sessions.only_session(place):
        with sessions.opened(place, hours, now=now, say=say) as (session, said, held):
            thinks = hours.ends - now >= SHORTEST if analyse is None else analyse
            said.append(_night(place, session, hours, engine or engine_of(place.settings), say, held=held, thinks=thinks, pause=pause))
        record = write_record(place, session)
        crash_point("brief")
        say(f"Report: {record.relative_to(place.home)}")
        return make_brief(place, as_of=place.now(), out=brief_to, say=say) if with_brief else None


def _night(place: Place, session: str, hours: Hours, engine: Engine, say: Say, *, held: Held, thinks: bool, pause: Callable[[float], None]) -> str:
    """The phases in their order; the sentence of how the night ended."""
    with phase(place, session, "start", say) as done:
        done(" and ".join(sessions.tidied(place)) or "nothing had to be decided anew")
    with phase(place, session, "problems", say, may_fail=True) as done:
        done(_problems(place, session, hours, say, thinks=thinks))
    with phase(place, session, "patterns", say, may_fail=True) as done:
        done(steps.run(place, session, "pattern_learner", hours).said if thinks else pattern_learner.listed(place, now=place.now()).said)
    if thinks:
        with phase(place, session, "improve", say, may_fail=True) as done:
            done(steps.run(place, session, "self_improver", hours).said)
    with phase(place, session, "plan", say) as done:
        plan = _plan(place, session, hours, done) if thinks else sessions.plan_hours(place, session, hours)
        done(sessions.said_plan(plan, hours))
    with phase(place, session, "run", say) as done:
        tally = sessions.work_plan(place, session, hours, plan, held=held, engine=engine, say=say, pause=pause)
        done(f"{plural(tally.attempts, 'attempt')}; it ended because {tally.why_ended}")
    with phase(place, session, "report", say, may_fail=True) as done:
        after = problem_predictor.scan(place, now=place.now())
        build_scheduler.make_plan(place, now=place.now())
        reverted = self_improver.apply_reverts(place, now=place.now())
        forgotten = steps.forget_pages(place, now=place.now())
        unseen = steps.pages(place, session, hours) if thinks else []
        said = [f"{plural(len(after), 'problem')} left open", "the coming windows are planned anew", *reverted, forgotten, *unseen]
        done("; ".join(s.rstrip(".") for s in said if s))
    return f"it ended because {tally.why_ended}"


def _problems(place: Place, session: str, hours: Hours, say: Say, *, thinks: bool) -> str:
    """Measure, let the notebook look at what was measured, then fix what is safe to fix."""
    found = problem_predictor.scan(place, now=place.now())
    words = [f"{plural(len(found), 'problem')} found"]
    words += steps.tried(place, session, "problem_predictor", hours) if thinks else []
    fixes = problem_predictor.fix_safe(place, now=place.now(), session=session)
    for fix in fixes:
        say(f"  {'fixed' if fix.verified else 'not fixed':<9} {fix.said}")
    emptied = problem_predictor.empty_trash(place, now=place.now())
    postman.call(place.home, place.settings)
    return "; ".join(w.rstrip(".") for w in [*words, f"{sum(f.verified for f in fixes)} fixed and re-checked", *([emptied] if emptied else [])])


def _plan(place: Place, session: str, hours: Hours, done: Callable[[str], None]) -> Plan:
    """The plan that the notebook made; where it cannot run, the same plan without it, and that is said."""
    windows = sessions.windows_of(place, hours, now=place.now())
    try:
        parameters = {"windows": build_scheduler.windows_to_json(windows), "session": session}
        study = steps.run(place, session, "build_scheduler", hours, parameters, whole=True)
    except Exception as error:  # noqa: BLE001  # whatever a notebook raises, the night has its plan
        done(steps.went_without(place, "build_scheduler", error))
        return sessions.plan_hours(place, session, hours)
    done(study.said)
    return build_scheduler.plan_of(study)
