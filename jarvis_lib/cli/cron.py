"""`jarvis cron install | show | remove | catch-up`: what starts by itself, and when."""

import sys
from typing import TYPE_CHECKING

import click

from jarvis_lib.cli.knocks import tell
from jarvis_lib.cli.shape import Run, refuse_in_attempt, verb

if TYPE_CHECKING:
    from jarvis_lib.doors.cron.managing import Change

CRON = click.option("--cron", "scheduler", flag_value="cron", help="Lines in your crontab; the usual way where there is one.")
SYSTEMD = click.option("--systemd", "scheduler", flag_value="systemd", help="Timers of your own systemd.")
PAPERMILL = click.option("--papermill", "scheduler", flag_value="papermill", help="As --cron, with plain papermill lines for the reports.")
DRY_RUN = click.option("--dry-run", is_flag=True, help="Only show what would change.")
YES = click.option("--yes", is_flag=True, help="Do not ask.")
NO_INPUT = click.option("--no-input", is_flag=True, help="Never ask; without --yes nothing is written.")


@verb("install", "jarvis cron install --dry-run\njarvis cron install", writes=True)
@CRON
@SYSTEMD
@PAPERMILL
@DRY_RUN
@YES
@NO_INPUT
def install(run: Run, scheduler: str | None, dry_run: bool, yes: bool, no_input: bool) -> None:
    """Let cron or systemd start the night, the brief and the rest. Shows the difference and asks; a second time changes nothing."""
    from jarvis_lib.doors.cron import managing

    _change(run, managing.plan_install(run.place, scheduler or managing.usual()), dry_run=dry_run, yes=yes, may_ask=not no_input)


@verb("remove", "jarvis cron remove --dry-run\njarvis cron remove", writes=True)
@CRON
@SYSTEMD
@PAPERMILL
@DRY_RUN
@YES
@NO_INPUT
def remove(run: Run, scheduler: str | None, dry_run: bool, yes: bool, no_input: bool) -> None:
    """Take out what install wrote, and nothing else: the table is then byte for byte what it was."""
    from jarvis_lib.doors.cron import managing

    stands = scheduler or managing.standing_scheduler(run.place)
    _change(run, managing.plan_remove(run.place, stands if stands != "none" else managing.usual()), dry_run=dry_run, yes=yes, may_ask=not no_input)


def _change(run: Run, change: "Change", *, dry_run: bool, yes: bool, may_ask: bool) -> None:
    """Show, ask, do."""
    from jarvis_lib.doors.cron import managing
    from jarvis_lib.model.fact import Refused

    if dry_run:
        lines = [*change.notes, *(change.diff() or ["Nothing would change."])]
        run.show("jarvis.cron_change/1", change, lines)
        return
    if not change.is_none:
        for line in [*change.diff(), *change.notes]:
            run.note(line)
        where = "your systemd units" if change.scheduler == "systemd" else "your crontab"
        if not yes and not (may_ask and sys.stdin.isatty() and not run.as_json):
            raise Refused(f"This would change {where}, and nobody is there to ask; look at it with --dry-run, then say --yes.")
        if not yes and not click.confirm(f"Change {where} so?", err=True):
            run.say("Nothing was changed.", changed=False)
            return
    run.say(managing.apply(run.place, change), changed=not change.is_none)


@verb("show", "jarvis cron show")
def show(run: Run) -> None:
    """What starts by itself and when, whether it is what the settings want, when the catch-up last ran, and the slots of the last week."""
    from jarvis_lib.cli.cron_cards import standing_lines
    from jarvis_lib.doors.cron import managing

    found = managing.standing(run.place, now=run.now)
    run.show("jarvis.cron/1", found, standing_lines(found, zone=run.place.zone, now=run.now))


@verb("catch-up", "jarvis cron catch-up", writes=True, long=True)
@click.option("--from-cron", is_flag=True, help="Quiet unless there is something to say.")
def catch_up(run: Run, from_cron: bool) -> int:
    """Do what is due and was not done: briefs, check-ins, and the session of the window that is on. Samples the metrics, notes the context."""
    from jarvis_lib.doors.cron.catching_up import catch_up as catch

    refuse_in_attempt()
    done = catch(run.place, say=(lambda line: None) if from_cron else run.note)
    if from_cron:
        for line in [*done.said, *done.failed]:
            tell(run, "catch-up", line)
    else:
        run.say("; ".join([*done.said, *done.failed]) or "Nothing was due.", ran=done.ran, failed=done.failed)
    return 1 if done.failed else 0
