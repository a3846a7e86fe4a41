"""`jarvis overnight …`: the night's session, its record and its brief."""

from typing import TYPE_CHECKING, Any

import click

from jarvis_lib.cli.context import look_at_calendars
from jarvis_lib.cli.knocks import FROM_CRON, knock
from jarvis_lib.cli.pages import HTML, NO_PAGE, tell
from jarvis_lib.cli.shape import Run, refuse_in_attempt, verb

if TYPE_CHECKING:
    from pathlib import Path

    from jarvis_lib.store.place import Place


@verb(
    "start",
    "jarvis overnight start\njarvis overnight start --for 30m",
    writes=True,
    long=True,
    would="It would work a session and make its brief; what it would do stands in: jarvis overnight plan",
)
@click.option("--anyway", is_flag=True, help="Also outside the overnight window.")
@click.option("--until", metavar="TIME", help="End then: 06:30, or a date and time.")
@click.option("--for", "span", metavar="SPAN", help="End after this long: 10m, 1h30m.")
@click.option("--analyse/--no-analyse", default=None, help="Run the notebooks that learn and plan, or not; by default in sessions of half an hour or more.")
@click.option("--no-brief", is_flag=True, help="Leave the page to a later `jarvis overnight brief`.")
@FROM_CRON
def start(run: Run, anyway: bool, until: str | None, span: str | None, no_brief: bool, analyse: bool | None, from_cron: bool) -> int:
    """Work one night: problems, patterns, plan, run, report, brief. Ctrl-C once finishes what runs, twice stops now."""
    if from_cron:
        return knock(run, "start")
    run_session(run, anyway=anyway, until=until, span=span, with_brief=not no_brief, analyse=analyse)
    return 0


def run_session(
    run: Run, *, anyway: bool = False, until: str | None = None, span: str | None = None, with_brief: bool = True, analyse: bool | None = None
) -> None:
    """One session, told line by line on standard error; the path of its brief is the result."""
    from jarvis_lib import overnight_runner
    from jarvis_lib.cli.moments import minutes

    for_minutes = minutes(span, option="--for") if span else None
    end = run.moment(until, "--until")
    look_at_calendars(run)
    path = overnight_runner.start(run.place, anyway=anyway, until=end, for_minutes=for_minutes, with_brief=with_brief, say=run.note, analyse=analyse)
    remember(run)
    run.say(f"Brief: {path}" if path else "The session has ended.", brief=path)


@verb("report", "jarvis overnight report --json")
@FROM_CRON
def report(run: Run, from_cron: bool) -> int:
    """The record of the newest session: tasks, outcomes, hours, phases."""
    if from_cron:
        return knock(run, "report")
    from jarvis_lib import overnight_runner
    from jarvis_lib.cli.cards import session_report

    data = overnight_runner.report(run.place, now=run.now)
    run.show("jarvis.session/1", data, session_report(data, zone=run.place.zone))
    return 0


@verb("brief", "jarvis overnight brief\njarvis overnight brief --html", long=True)
@HTML
@NO_PAGE
@click.option("--read", "is_read", is_flag=True, help="Note that you have read it, so that unread briefs can be counted; shows nothing.")
@FROM_CRON
def brief(run: Run, html: bool, no_page: bool, is_read: bool, from_cron: bool) -> int:
    """The morning brief: as text, and as a page under reports/. With --json or --at nothing is written but the answer. Exit 1: no page, only its text."""
    if from_cron:
        return knock(run, "brief")
    from jarvis_lib import overnight_runner
    from jarvis_lib.report.text import brief_text

    if is_read:
        refuse_in_attempt()
        from jarvis_lib import self_improver

        run.say(self_improver.log_read(run.place, now=run.place.now()))
        return 0

    def made_and_remembered(place: "Place", **how: Any) -> "Path":
        path = overnight_runner.make_brief(place, **how)
        remember(run)
        return path

    return tell(run, "jarvis.brief/1", overnight_runner.brief, brief_text, made_and_remembered, html=html, no_page=no_page, name="brief")


def remember(run: Run) -> None:
    """Add what was done to the memory notes, where the person wants them; one that cannot be written is told and breaks nothing."""
    if not run.place.settings.get("memory", "path"):
        return
    from jarvis_lib.cli.shape import is_in_attempt
    from jarvis_lib.doors import memory

    said = "" if is_in_attempt() else memory.told(run.place, now=run.place.now())
    if said:
        run.note(said)


@verb("checkin", "jarvis overnight checkin\njarvis overnight checkin --html", long=True)
@HTML
@NO_PAGE
@FROM_CRON
def checkin(run: Run, html: bool, no_page: bool, from_cron: bool) -> int:
    """The evening check-in: is tonight set? As text, and as a page under reports/. With --json or --at nothing is written but the answer."""
    if from_cron:
        return knock(run, "checkin")
    from jarvis_lib import overnight_runner
    from jarvis_lib.report.evening_text import evening_text

    return tell(run, "jarvis.checkin/1", overnight_runner.checkin, evening_text, overnight_runner.make_checkin, html=html, no_page=no_page)


@verb("is-overnight", "jarvis overnight is-overnight -q && echo night")
@click.option("-q", "--quiet", is_flag=True, help="Only the exit code.")
def is_overnight(run: Run, quiet: bool) -> int:
    """Is this inside the overnight window? yes or no; exit 0 or 1."""
    from jarvis_lib import overnight_runner

    inside = overnight_runner.is_overnight(run.place, now=run.now)
    if not quiet:
        run.show("jarvis.is_overnight/1", inside, ["yes" if inside else "no"])
    return 0 if inside else 1


@verb("plan", "jarvis overnight plan")
def plan(run: Run) -> None:
    """The coming night before it starts: which task when, how probable it is that all are done, what will not fit, and how to change it."""
    from jarvis_lib import build_scheduler
    from jarvis_lib.cli.plan_cards import night_lines

    look_at_calendars(run)
    night = build_scheduler.night_plan(run.place, now=run.now)
    run.show("jarvis.night_plan/1", night, night_lines(night, zone=run.place.zone))


@verb("status", "jarvis overnight status")
def status(run: Run) -> None:
    """Is a session open, since when, and what runs in it?"""
    from jarvis_lib import overnight_runner
    from jarvis_lib.cli.cards import session_status

    data = overnight_runner.status(run.place, now=run.now)
    run.show("jarvis.status/1", data, session_status(data))


@verb("stop", "jarvis overnight stop", writes=True, rehearses=True)
@click.option("--now", "at_once", is_flag=True, help="End what runs instead of finishing it.")
def stop(run: Run, at_once: bool) -> None:
    """Ask the open session to stop: finish what runs, then end."""
    from jarvis_lib import overnight_runner

    run.say(overnight_runner.stop(run.place, now=run.now, how="now" if at_once else "finish"))
