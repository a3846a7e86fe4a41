"""`jarvis init | doctor | demo | lab`: making a workspace, looking at it, and opening it."""

from pathlib import Path
from typing import Any

import click

from jarvis_lib.cli.shape import Run, verb


@verb("init", "jarvis init ~/jarvis", writes=True)
@click.argument("folder", default=".", metavar="[DIR]")
def init(run: Run, folder: str) -> None:
    """Make a workspace: jarvis.toml with every key, data, reports, logs and the notebooks."""
    from jarvis_lib.doors.init import init as make

    where = Path(folder).expanduser().resolve()
    made = make(where)
    run.say(f"Made a workspace in {where} ({len(made)} files). Next: cd {where} && jarvis doctor", home=str(where), made=made)


@verb("doctor", "jarvis doctor\njarvis doctor --agent codex", at=False)
@click.option("--agent", is_flag=False, flag_value="", metavar="[NAME]", help="Have the real agent do a trivial task in the sandbox; it costs one call.")
def doctor(run: Run, agent: str | None) -> int:
    """Check what a night needs, one line each. Exit 5 when a problem stands."""
    from jarvis_lib.cli.render import findings
    from jarvis_lib.doors.doctor import examine, worst
    from jarvis_lib.workspace import utc_now

    found = _tried(run, agent) if agent is not None else examine(run.folder_or_none(), now=utc_now())
    run.show("jarvis.doctor/1", found, findings(found))
    return 5 if worst(found) == "problem" else 0


def _tried(run: Run, agent: str) -> list[Any]:
    from jarvis_lib.doors.doctor_agent import examine_agent

    return list(examine_agent(run.place.home, run.place.settings, agent, now=run.now))


@verb("demo", "jarvis demo\njarvis demo --weekend", writes=True, long=True)
@click.option("--minutes", type=click.FloatRange(0, min_open=True), help="How long the night (or the weekend) may last at most.")
@click.option("--weekend", is_flag=True, help="A weekend instead: suggest, select, start, work, summary.")
def demo(run: Run, minutes: float | None, weekend: bool) -> int:
    """Run a whole night on real data, compressed into minutes, and tell its brief. Exit 1 when it fell short."""
    if weekend:
        return _weekend(run, minutes)
    from jarvis_lib.doors.demo import MINUTES, run_demo

    result = run_demo(minutes=minutes or MINUTES, say=run.note if run.as_json else click.echo)
    if run.as_json:
        run.show("jarvis.demo/1", result, [])
    return 0 if result.whole else 1


def _weekend(run: Run, minutes: float | None) -> int:
    from jarvis_lib.doors.weekend_demo import MINUTES, run_weekend

    result = run_weekend(minutes=minutes or MINUTES, say=run.note if run.as_json else click.echo)
    if run.as_json:
        run.show("jarvis.weekend_demo/1", result, [])
    return 0 if result.whole else 1


@verb("lab", "jarvis lab", at=False)
def lab(run: Run) -> int:
    """Open JupyterLab in the workspace's notebooks, without news or update checks."""
    from jarvis_lib.execution.lab import start

    return start(run.place.home)
