"""`jarvis init | doctor | demo | lab`: making a workspace, looking at it, and opening it."""

import shlex
import sys
from pathlib import Path

import click

from jarvis_lib.cli.shape import Run, verb


@verb("init", "jarvis init ~/jarvis", writes=True, would="It would make a workspace in {folder}: jarvis.toml, data, reports, logs and the notebooks.")
@click.argument("folder", default=".", metavar="[DIR]")
@click.option("--quick-win/--no-quick-win", default=None, help="May sessions begin by themselves in the quick-win window (19:00 to 23:00)?")
@click.option("--work-hours/--no-work-hours", default=None, help="And in work hours (9:00 to 17:00)? Neither, where nobody is there to ask.")
def init(run: Run, folder: str, quick_win: bool | None, work_hours: bool | None) -> None:
    """Make a workspace: jarvis.toml with every key, data, reports, logs and the notebooks."""
    from jarvis_lib.doors.init import init as make

    where = Path(folder).expanduser().resolve()
    asks = sys.stdin.isatty() and not run.as_json and not (where / "jarvis.toml").exists()
    if quick_win is None and asks:
        quick_win = click.confirm(
            "Nights and weekends may be worked by themselves once `jarvis cron install` was called. Weeknights 19:00 to 23:00 too?", err=True
        )
    if work_hours is None and asks:
        work_hours = click.confirm("And Mon-Fri 9:00 to 17:00, while your machine is yours?", err=True)
    made = make(where, also=[kind for kind, on in (("quick_win", quick_win), ("work_hours", work_hours)) if on])
    run.say(
        f"Made a workspace in {where} ({len(made)} files). Next: cd {shlex.quote(str(where))} && jarvis doctor; every night by itself: jarvis cron install",
        home=str(where),
        made=made,
    )


@verb("doctor", "jarvis doctor\njarvis doctor --agent codex", at=False)
@click.option("--agent", is_flag=False, flag_value="", default=None, metavar="[NAME]", help="Have this agent write one file, as at night. A paid call.")
def doctor(run: Run, agent: str | None) -> int:
    """Check what a night needs, one line each. Exit 5 when a problem stands.

    With --agent the real coding agent (without NAME: the first of [agent] order) is asked for one small file, in the sandbox and with the log-in,
    network and limits of a night, and the file is looked at. Nothing is asked first: the call costs what your account charges for it.
    """
    from jarvis_lib.cli.render import findings
    from jarvis_lib.doors.doctor import examine, worst
    from jarvis_lib.workspace import utc_now

    if agent is None:
        found = examine(run.folder_or_none(), now=utc_now())
    else:
        from jarvis_lib.doors.agent_trial import try_agent
        from jarvis_lib.model.fact import new_id

        found = try_agent(run.place, agent, word=new_id(), now=utc_now())
    run.show("jarvis.doctor/1", found, findings(found))
    return 5 if worst(found) == "problem" else 0


@verb(
    "demo",
    "jarvis demo\njarvis demo --weekend",
    writes=True,
    long=True,
    would="It would run a night (or with --weekend a weekend) on its own data in a folder of its own.",
)
@click.option("--minutes", type=click.FloatRange(0, min_open=True), metavar="N", help="How long the night (or the weekend) may last at most.")
@click.option("--weekend", is_flag=True, help="A weekend instead: suggest, select, start, work, summary.")
def demo(run: Run, minutes: float | None, weekend: bool) -> int:
    """Run a whole night on real data, compressed into minutes, and tell its brief. Exit 1 when it fell short."""
    if weekend:
        return _weekend(run, minutes)
    from jarvis_lib.doors.demo import MINUTES, base_of, run_demo

    result = run_demo(base_of(run.folder_or_none()), minutes=minutes or MINUTES, say=run.note if run.as_json else click.echo)
    if run.as_json:
        run.show("jarvis.demo/1", result, [])
    return 0 if result.whole else 1


def _weekend(run: Run, minutes: float | None) -> int:
    from jarvis_lib.doors.demo import base_of
    from jarvis_lib.doors.weekend_demo import MINUTES, run_weekend

    result = run_weekend(base_of(run.folder_or_none()), minutes=minutes or MINUTES, say=run.note if run.as_json else click.echo)
    if run.as_json:
        run.show("jarvis.weekend_demo/1", result, [])
    return 0 if result.whole else 1


@verb("lab", "jarvis lab\njarvis lab --run-all\njarvis lab -- --port 8890 --no-browser", at=False)
@click.argument("more", nargs=-1, metavar="[-- LAB_OPTIONS]")
@click.option("--run-all", is_flag=True, help="Run every notebook by papermill instead, into reports/notebooks/; exit 5 when one fails.")
def lab(run: Run, run_all: bool, more: tuple[str, ...]) -> int:
    """Open JupyterLab in the workspace's notebooks, without news or update checks. What stands behind `--` is given to it (`-- --allow-root`)."""
    if run_all:
        from jarvis_lib.doors.rerun import rerun

        found = rerun(run.place, say=run.note if run.as_json else click.echo)
        if run.as_json:
            run.show("jarvis.notebooks/1", [{"notebook": name, "failed": why} for name, why in found], [])
        return 5 if any(why for _, why in found) else 0
    from jarvis_lib.execution.lab import start

    return start(run.place.home, more)
