"""`--from-cron` of several verbs: the knock of a scheduler, quiet unless there is something to say."""

import click

from jarvis_lib.cli.shape import Run, refuse_in_attempt

FROM_CRON = click.option("--from-cron", is_flag=True, help="A scheduler knocks: done once for each slot, never late, quiet unless there is something to say.")


def knock(run: Run, job: str) -> int:
    """Answer the knock for `job`; its exit code. Each line begins with the local time, since it goes into a log."""
    from jarvis_lib.cli.entry import CODES
    from jarvis_lib.doors.cron.knocking import answer

    refuse_in_attempt()
    if run.is_about_another_time:
        raise click.UsageError("--from-cron is about now; leave --at out.", click.get_current_context())
    found = answer(run.folder, job)
    tell(run, job, found.said)
    return CODES[found.code] if found.code else 0


def tell(run: Run, job: str, said: str) -> None:
    """The sentence with the local time before it, if there is one."""
    from datetime import datetime

    if said:
        run.say(f"{datetime.now().astimezone():%Y-%m-%d %H:%M} {job}: {said}")
