"""`jarvis scheduler …`: what runs when, and why."""

from collections.abc import Mapping, Sequence
from typing import Any

import click

from jarvis_lib.cli.context import look_at_calendars
from jarvis_lib.cli.shape import Run, verb


@verb("list", "jarvis list --open")
@click.option("--open", "open_only", is_flag=True, help="Only what is not finished.")
@click.option("--state", metavar="WORD", help="Only this state: queued, parked, running, review, shipped, accepted, failed, dropped, undone, proposed.")
@click.option("-n", "--limit", type=click.IntRange(1), metavar="N", help="At most so many.")
def list_(run: Run, open_only: bool, state: str | None, limit: int | None) -> None:
    """All tasks of every state, with their place in the newest plan."""
    from jarvis_lib import build_scheduler
    from jarvis_lib.cli.columns import PLANNED_TASKS, known_state

    rows = build_scheduler.listing(run.place, now=run.now, open_only=open_only, state=known_state(state), limit=limit)
    run.table("jarvis.tasks/1", rows, PLANNED_TASKS, empty="No tasks. Add one: jarvis add TITLE DESCRIPTION HOURS CATEGORY PRIORITY")


@verb("schedule", "jarvis scheduler schedule\njarvis scheduler schedule --rebuild", writes=True, rehearses=True)
@click.option("--rebuild", is_flag=True, help="Plan everything from nothing; shows what would change, and asks.")
@click.option("--yes", is_flag=True, help="With --rebuild: do not ask.")
@click.option("--no-input", is_flag=True, help="With --rebuild: never ask; without --yes nothing is written.")
def schedule(run: Run, rebuild: bool, yes: bool, no_input: bool) -> None:
    """Plan all open tasks into the windows of the next two weeks: what the last plan has stays put. Nothing is started."""
    if rebuild:
        _rebuild(run, yes=yes, may_ask=not no_input)
    else:
        show_plan(run, starts=False)


def _rebuild(run: Run, *, yes: bool, may_ask: bool) -> None:
    import sys

    from jarvis_lib import build_scheduler
    from jarvis_lib.cli.plan_cards import change_lines
    from jarvis_lib.model.fact import Refused

    new, changes = build_scheduler.rebuilt(run.place, now=run.now)
    if not changes:
        run.say("A plan from nothing would be the same, so nothing was written.", changes=[])
        return
    for line in change_lines(changes, zone=run.place.zone):
        run.note(line)
    if not yes:
        if not may_ask or not sys.stdin.isatty():
            raise Refused("Nothing was written: a plan from nothing moves what you have seen, so it needs your yes. Say it with --yes.", code="refused")
        if not click.confirm("Take this plan?", default=False, err=True):
            run.say("Nothing was written; the plan stays as it is.", changes=[])
            return
    build_scheduler.write_plan(run.place, new, now=run.now)
    run.say("Planned from nothing.", changes=[{"task": c.task, "what": c.what, "old": c.old, "new": c.new} for c in changes])


@verb("plan", "jarvis scheduler plan\njarvis scheduler plan --with '30m fix the login !high due:fri'")
@click.option("--with", "with_text", metavar="TASK", default="", help='What if: "30m title !priority due:DAY @category". Where it lands, what moves.')
@click.option("--days", type=click.IntRange(1, 14), metavar="N", default=7, show_default=True, help="How many days ahead.")
def plan(run: Run, with_text: str, days: int) -> None:
    """The plan as it holds now, with the load of each window. Nothing is written, also with a supposed task."""
    from jarvis_lib import build_scheduler
    from jarvis_lib.cli.columns import PLAN
    from jarvis_lib.cli.plan_cards import view_lines

    look_at_calendars(run)
    view = build_scheduler.view(run.place, now=run.now, days=days, with_text=with_text)
    if with_text and not run.as_json:
        run.show("jarvis.plan_view/1", view, [view.what_if])
        return
    empty = "Nothing is planned, and nothing is left out: the queue is empty."
    run.table("jarvis.plan_view/1", [*view.slots, *view.omissions], PLAN, empty=empty, human=view_lines(view, zone=run.place.zone), data=view)


@verb("pin", "jarvis scheduler pin k3f9x tonight\njarvis scheduler pin k3f9x overnight tue", writes=True, rehearses=True)
@click.argument("task")
@click.argument("window", nargs=-1)
def pin(run: Run, task: str, window: tuple[str, ...]) -> None:
    """Hold a task in a window: the one it is planned in, or tonight, overnight tue, weekend, a key such as overnight@2026-11-24."""
    from jarvis_lib import build_scheduler

    run.say(build_scheduler.pin(run.place, task, " ".join(window), now=run.now))


@verb("unpin", "jarvis scheduler unpin k3f9x", writes=True, rehearses=True)
@click.argument("task")
def unpin(run: Run, task: str) -> None:
    """Let a pinned task go where the plan puts it."""
    from jarvis_lib import build_scheduler

    run.say(build_scheduler.unpin(run.place, task, now=run.now))


@verb("split", "jarvis scheduler split k3f9x", writes=True, rehearses=True)
@click.argument("task")
@click.option("--whole", is_flag=True, help="Take it back: it must run through.")
def split(run: Run, task: str, whole: bool) -> None:
    """Mark a task resumable, so that it may be planned in parts of an hour or more. It must keep its own progress.

    This changes what was approved: a task that you had to approve waits for your approval again.
    """
    from jarvis_lib import autonomous_queue

    said = autonomous_queue.edit(run.place, task, now=run.now, resumable=not whole)
    how = "It must run through again." if whole else "It may be planned in parts of an hour or more; its recipe must keep its own progress."
    run.say(said if said.startswith("Nothing changed") else f"{said} {how}")


def show_plan(run: Run, *, starts: bool) -> None:
    """Make a plan and show it: every placement and every omission with its sentence. Unless work `starts` now, what begins it is told."""
    from jarvis_lib import build_scheduler
    from jarvis_lib.cli.cards import plan_lines
    from jarvis_lib.cli.columns import PLAN

    look_at_calendars(run)
    build_scheduler.make_plan(run.place, now=run.now)
    rows = build_scheduler.plan_rows(run.place, now=run.now)
    run.table("jarvis.plan/1", rows, PLAN, empty="The queue is empty, so there is nothing to plan.", human=plan_lines(rows, zone=run.place.zone))
    if not starts:
        run.note(_begins(run, rows))


def _begins(run: Run, rows: Sequence[Mapping[str, Any]]) -> str:
    """What starts the work of a plan: by itself, or by the person's command in its hours."""
    from jarvis_lib.build_scheduler import by_hand
    from jarvis_lib.model.prose import listed
    from jarvis_lib.model.window import KINDS, SAID

    kinds = {by_hand.kind_of(r["window"]) for r in rows if r["window"]}
    alone = [SAID[k] for k in KINDS if k in kinds and not by_hand.is_by_hand(run.place.settings, k)]
    told = [f"What is placed in {listed(alone)} begins by itself where `jarvis cron install` was called."] if alone else []
    hand = by_hand.said(run.place.settings, [(r["task"], r["window"]) for r in rows if r["window"]])
    return " ".join(["Nothing started.", *told, *([hand] if hand else [])])


@verb("stats", "jarvis scheduler stats --json")
def stats(run: Run) -> None:
    """Total, queued, completed, failed, and the completion rate with its denominator."""
    from jarvis_lib import build_scheduler
    from jarvis_lib.cli.cards import stats_lines

    data = build_scheduler.stats(run.place, now=run.now)
    run.show("jarvis.stats/1", data, stats_lines(data))


def _by_context(run: Run) -> list[str]:
    """What the person's own word changes of it: a session follows it at once, and the plan does not know of it."""
    from jarvis_lib import context_scheduler

    context = context_scheduler.detect(run.place, now=run.now)
    if not context.by_hand:
        return []
    if not context.allows.start_work:
        return [f"You are {context.state}, by your own word, which allows no work now: jarvis context clear"]
    return [f"You are {context.state}, by your own word: at most {context.allows.lanes} at once; first {context.allows.first}."]


@verb("next", 'jarvis next\njarvis next --at "2026-11-27 19:30"')
@click.option("-n", "--limit", type=click.IntRange(1, 50), metavar="N", default=3, show_default=True, help="At most so many.")
@click.option("--count", type=click.IntRange(1, 50), hidden=True, help="The former name of --limit.")
def next_(run: Run, limit: int, count: int | None) -> None:
    """What comes next in the window that is on, or in the next one, and why."""
    from jarvis_lib import build_scheduler
    from jarvis_lib.cli.cards import next_lines
    from jarvis_lib.cli.columns import NEXT

    look_at_calendars(run)
    answer = build_scheduler.next_tasks(run.place, now=run.now, count=count or limit).to_json()
    rows = [c | {"place": "next"} for c in answer["chosen"]] + [c | {"place": "not now"} for c in answer["passed"]]
    told = _by_context(run)
    lines = [*next_lines(answer), *told]
    run.table("jarvis.next/1", rows, NEXT, empty=" ".join([answer["said"], *told]), human=lines, data=answer)
