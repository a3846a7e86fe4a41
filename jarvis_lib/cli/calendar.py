"""`jarvis calendar …`: what a calendar may know of Jarvis."""

from pathlib import Path

import click

from jarvis_lib.cli.shape import Run, verb


@verb("export", "jarvis calendar export --to ~/public/jarvis.ics\njarvis calendar export --detail titles > jarvis.ics")
@click.option("--to", metavar="FILE", help="Where the feed goes, whole or not at all; otherwise it is printed.")
@click.option("--out", metavar="FILE", hidden=True, help="The former name of --to.")
@click.option("--detail", type=click.Choice(["counts", "titles"]), default="counts", show_default=True, help="Whether the titles of tasks stand in it.")
def export(run: Run, to: str | None, out: str | None, detail: str) -> None:
    """An ICS feed of planned sessions, dates of tasks and what waits for you. The same entry keeps its UID, so a calendar follows it."""
    from jarvis_lib.cli.shape import refuse_in_attempt
    from jarvis_lib.doors import calendar_out

    target = to or out
    if target is None:
        data = calendar_out.feed(run.place, now=run.now, detail=detail)
        if run.as_json:
            run.show("jarvis.calendar/1", {"ics": data.decode()}, [])
        else:
            click.echo(data, nl=False)
        return
    refuse_in_attempt()
    path = calendar_out.export(run.place, Path(target).expanduser().absolute(), now=run.now, detail=detail)
    run.say(f"Written: {path}", path=str(path))
