"""`jarvis context …`: what the person is doing, and what that allows."""

import click

from jarvis_lib.cli.shape import Run, refuse_in_attempt, verb


@verb("detect", "jarvis context detect\njarvis context detect --note")
@click.option("--note", is_flag=True, help="Write it down if it has changed since it was last written down; for cron.")
def detect(run: Run, note: bool) -> None:
    """What you are doing at this moment, how sure that is, and what it allows."""
    from jarvis_lib import context_scheduler
    from jarvis_lib.cli.cards import context_lines

    if note and run.is_about_another_time:
        raise click.UsageError("--note writes down what holds now; leave --at out.", click.get_current_context())
    if note:
        refuse_in_attempt()
    look_at_calendars(run)
    found = context_scheduler.detect(run.place, now=run.now)
    run.show("jarvis.context/1", found, context_lines(found, zone=run.place.zone))
    if note:
        changed = context_scheduler.note_transition(run.place, now=run.now)
        run.note(f"Noted: {changed.state}." if changed else f"It was {found.state} already; nothing was noted.")


@verb("summary", "jarvis context summary")
def summary(run: Run) -> None:
    """This week: hours in each context, and the work that was done in each."""
    from jarvis_lib import context_scheduler
    from jarvis_lib.cli.columns import CONTEXTS

    look_at_calendars(run)
    data = context_scheduler.summary(run.place, now=run.now)
    run.table("jarvis.context_summary/1", data["contexts"], CONTEXTS, empty="This week has no hours.", data=data)


@verb("upcoming", "jarvis context upcoming --hours 24")
@click.option("--hours", type=float, metavar="HOURS", default=12.0, show_default=True, help="How far ahead.")
def upcoming(run: Run, hours: float) -> None:
    """The contexts of the next hours, with the work windows inside them."""
    from jarvis_lib import context_scheduler
    from jarvis_lib.cli.columns import UPCOMING

    look_at_calendars(run)
    blocks = context_scheduler.upcoming(run.place, now=run.now, hours=hours)
    rows = [b | {"in": ", ".join(w["said"] for w in b["windows"])} for b in blocks]
    run.table("jarvis.contexts/1", rows, UPCOMING, empty="No context begins in that time.", data=blocks)


@verb("set", "jarvis context set working --for 2h\njarvis context set away --until 2026-12-01", writes=True, rehearses=True)
@click.argument("context")
@click.option("--for", "span", metavar="SPAN", help="For this long: 30m, 2h, 5d; 4h when neither is given.")
@click.option("--until", metavar="TIME", help="Until then: 17:00, or a date and time.")
def set_(run: Run, context: str, span: str | None, until: str | None) -> None:
    """Say what you are doing. It wins over calendar and clock, and always ends by itself."""
    from jarvis_lib import context_scheduler
    from jarvis_lib.cli.moments import minutes
    from jarvis_lib.cli.render import local

    for_minutes = minutes(span, option="--for", days=True) if span is not None else None
    made = context_scheduler.set_context(run.place, context, now=run.now, until=run.moment(until, "--until"), for_minutes=for_minutes)
    run.say(f"{made.state} until {local(made.until, run.place.zone)}. Undo: jarvis context clear", state=made.state, until=made.until)


@verb("clear", "jarvis context clear", writes=True, rehearses=True)
def clear(run: Run) -> None:
    """End what you have set; calendar and clock decide again."""
    from jarvis_lib import context_scheduler

    found = context_scheduler.clear_context(run.place, now=run.now)
    run.say(f"Cleared. By calendar and clock it is {found.state} ({found.confidence:.0%} sure).", state=found.state)


@verb("read", "jarvis context read", writes=True, long=True, would="It would read the calendars and holidays of jarvis.toml, fetching those with an address.")
def read(run: Run) -> None:
    """Read the calendars and holidays now, also those with an address. Nothing else ever fetches them."""
    from jarvis_lib.cli.columns import CALENDARS
    from jarvis_lib.doors import calendars

    for line in calendars.refresh(run.place, now=run.now, fetch=True, anew=True):
        run.note(line)
    rows = calendars.sources(run.place)
    run.table("jarvis.calendars/1", rows, CALENDARS, empty="No calendar is set; name ICS files in [calendar] files of jarvis.toml.")


def look_at_calendars(run: Run) -> None:
    """Read calendars and holidays whose files have changed. What runs inside of an attempt sees them as they were read last."""
    from jarvis_lib.cli.shape import is_in_attempt
    from jarvis_lib.doors import calendars

    if not calendars.is_concerned(run.place) or is_in_attempt():
        return
    for line in calendars.refresh(run.place, now=run.place.now()):
        run.note(line)
