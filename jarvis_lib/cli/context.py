"""`jarvis context …`: what the person is doing, and what that allows."""

import click

from jarvis_lib.cli.shape import Run, verb


@verb("detect", "jarvis context detect")
def detect(run: Run) -> None:
    """What you are doing at this moment, how sure that is, and what it allows."""
    from jarvis_lib import context_scheduler
    from jarvis_lib.cli.cards import context_lines

    found = context_scheduler.detect(run.place, now=run.now)
    run.show("jarvis.context/1", found, context_lines(found, zone=run.place.zone))


@verb("summary", "jarvis context summary")
def summary(run: Run) -> None:
    """This week: hours in each context, and the attempts that started in each."""
    from jarvis_lib import context_scheduler
    from jarvis_lib.cli.columns import CONTEXTS

    data = context_scheduler.summary(run.place, now=run.now)
    run.table("jarvis.context_summary/1", data["contexts"], CONTEXTS, empty="This week has no hours.", data=data)


@verb("upcoming", "jarvis context upcoming --hours 24")
@click.option("--hours", type=float, default=12.0, show_default=True, help="How far ahead.")
def upcoming(run: Run, hours: float) -> None:
    """The contexts of the next hours, with the work windows inside them."""
    from jarvis_lib import context_scheduler
    from jarvis_lib.cli.columns import UPCOMING

    blocks = context_scheduler.upcoming(run.place, now=run.now, hours=hours)
    rows = [b | {"in": ", ".join(w["said"] for w in b["windows"])} for b in blocks]
    run.table("jarvis.contexts/1", rows, UPCOMING, empty="No context begins in that time.", data=blocks)
