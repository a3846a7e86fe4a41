"""`jarvis scheduler …`: what runs when, and why."""

import click

from jarvis_lib.cli.context import look_at_calendars
from jarvis_lib.cli.shape import Run, verb


@verb("list", "jarvis list --open")
@click.option("--open", "open_only", is_flag=True, help="Only what is not finished.")
@click.option("--limit", type=click.IntRange(1), metavar="N", help="At most so many.")
def list_(run: Run, open_only: bool, limit: int | None) -> None:
    """All tasks of every state, with their place in the newest plan."""
    from jarvis_lib import build_scheduler
    from jarvis_lib.cli.columns import PLANNED_TASKS

    rows = build_scheduler.listing(run.place, now=run.now, open_only=open_only, limit=limit)
    run.table("jarvis.tasks/1", rows, PLANNED_TASKS, empty="No tasks. Add one: jarvis add TITLE DESCRIPTION HOURS CATEGORY PRIORITY")


@verb("schedule", "jarvis scheduler schedule", writes=True)
def schedule(run: Run) -> None:
    """Plan all open tasks into the windows of the next two weeks. Nothing is started."""
    show_plan(run, note="Nothing started; `jarvis overnight start` works the plan in its window.")


def show_plan(run: Run, *, note: str) -> None:
    """Make a plan and show it: every placement and every omission with its sentence."""
    from jarvis_lib import build_scheduler
    from jarvis_lib.cli.cards import plan_lines
    from jarvis_lib.cli.columns import PLAN

    look_at_calendars(run)
    build_scheduler.make_plan(run.place, now=run.now)
    rows = build_scheduler.plan_rows(run.place, now=run.now)
    run.table("jarvis.plan/1", rows, PLAN, empty="The queue is empty, so there is nothing to plan.", human=plan_lines(rows, zone=run.place.zone))
    if note:
        run.note(note)


@verb("stats", "jarvis scheduler stats --json")
def stats(run: Run) -> None:
    """Total, queued, completed, failed, and the completion rate with its denominator."""
    from jarvis_lib import build_scheduler
    from jarvis_lib.cli.cards import stats_lines

    data = build_scheduler.stats(run.place, now=run.now)
    run.show("jarvis.stats/1", data, stats_lines(data))


@verb("next", 'jarvis next\njarvis next --at "2026-11-27 19:30"')
@click.option("-n", "--count", type=click.IntRange(1, 50), default=3, show_default=True, help="How many.")
def next_(run: Run, count: int) -> None:
    """What comes next in the window that is on, or in the next one, and why."""
    from jarvis_lib import build_scheduler
    from jarvis_lib.cli.cards import next_lines
    from jarvis_lib.cli.columns import NEXT

    look_at_calendars(run)
    answer = build_scheduler.next_tasks(run.place, now=run.now, count=count).to_json()
    rows = [c | {"place": "next"} for c in answer["chosen"]] + [c | {"place": "not now"} for c in answer["passed"]]
    run.table("jarvis.next/1", rows, NEXT, empty=answer["said"], human=next_lines(answer), data=answer)
