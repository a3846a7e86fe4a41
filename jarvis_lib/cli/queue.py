"""`jarvis queue …`: what should be done, what waits for the person, and what became of it."""

from dataclasses import asdict
from typing import Any

import click

from jarvis_lib.cli.shape import Run, verb

NO_TASKS = "No tasks. Add one: jarvis add TITLE DESCRIPTION HOURS CATEGORY PRIORITY"


@verb("list", "jarvis queue list --open")
@click.option("--open", "open_only", is_flag=True, help="Only what is not finished.")
@click.option("--state", metavar="WORD", help="Only this state: queued, parked, running, review, shipped, accepted, failed, dropped, undone, proposed.")
@click.option("-n", "--limit", type=click.IntRange(1), metavar="N", help="At most so many.")
def list_(run: Run, open_only: bool, state: str | None, limit: int | None) -> None:
    """All tasks of every state; what runs and what waits for you first."""
    from jarvis_lib import autonomous_queue
    from jarvis_lib.cli.columns import TASKS, known_state

    wanted: dict[str, Any] = {"open_only": open_only, "state": known_state(state), "limit": limit}
    if run.into_pipe:
        run.piped(autonomous_queue.piped(run.place, now=run.now, **wanted), empty=NO_TASKS)
        return
    rows = autonomous_queue.listing(run.place, now=run.now, short=not run.as_json, **wanted)
    run.table("jarvis.tasks/1", rows, TASKS, empty=NO_TASKS)


@verb("progress", "jarvis queue progress")
def progress(run: Run) -> None:
    """What runs now: elapsed, expected end, last line, log. The share is of its time, not proof."""
    from jarvis_lib import autonomous_queue
    from jarvis_lib.cli.columns import PROGRESS

    rows = autonomous_queue.progress(run.place, now=run.now)
    run.table("jarvis.progress/1", rows, PROGRESS, empty="Nothing runs now.")


@verb("report", "jarvis queue report --hours 24")
@click.option("--hours", type=click.FloatRange(0, min_open=True), metavar="HOURS", default=8.0, show_default=True, help="How far back.")
def report(run: Run, hours: float) -> None:
    """The last hours in short: what ended and how, what runs, what waits."""
    from jarvis_lib import autonomous_queue
    from jarvis_lib.cli.cards import queue_report

    data = autonomous_queue.report(run.place, now=run.now, hours=hours)
    run.show("jarvis.queue_report/1", data, queue_report(data))


@verb(
    "schedule",
    "jarvis queue schedule",
    writes=True,
    long=True,
    would="It would plan the queue (and with --run work the hours that are on now); what that gives stands in: jarvis scheduler schedule --dry-run",
)
@click.option("--run", "work", is_flag=True, help="Work the hours that are on now, as your context allows, and hand the machine back when it changes.")
def schedule(run: Run, work: bool) -> None:
    """Plan the queue into the coming windows. Nothing is started without --run.

    With --run in the overnight window this is the night itself, with its brief; in any other window it is a session of that window.
    """
    from jarvis_lib.cli.scheduler import show_plan

    show_plan(run, starts=work)
    if work:
        from jarvis_lib import autonomous_queue, overnight_runner
        from jarvis_lib.cli.overnight import run_session

        if overnight_runner.is_overnight(run.place, now=run.now):
            run_session(run)
        else:
            run.say(autonomous_queue.work_now(run.place, say=run.note))


@verb("show", "jarvis queue show k3f9x", at=False)
@click.argument("task")
def show(run: Run, task: str) -> None:
    """Everything about one task: content, decisions, attempts, evidence."""
    from jarvis_lib import autonomous_queue
    from jarvis_lib.cli.cards import task_card

    data = autonomous_queue.show(run.place, task)
    run.show("jarvis.task/1", data, task_card(data, zone=run.place.zone))


@verb("edit", "jarvis queue edit k3f9x --command 'make docs' --check 'test -s docs/index.html'", writes=True, rehearses=True)
@click.argument("task")
@click.option("--title", metavar="TEXT", help="Another title.")
@click.option("--description", metavar="TEXT", help="Another description.")
@click.option("--hours", metavar="HOURS", help="How long it will take.")
@click.option("--category", metavar="NAME", help="Its category, by which the policy decides it.")
@click.option("--priority", metavar="WORD", help="CRITICAL, HIGH, MEDIUM, LOW or BACKLOG.")
@click.option("--notebook", metavar="PATH", help="Recipe: a notebook of the workspace.")
@click.option("-p", "parameters", multiple=True, metavar="NAME=VALUE", help="A parameter of the notebook. Repeatable.")
@click.option("--command", metavar="LINE", help="Recipe: a command line.")
@click.option("--check", "checks", multiple=True, metavar="LINE", help="Replaces your checks. Repeatable.")
@click.option("--measure", "measures", multiple=True, metavar="LINE", help="Replaces your measures. Repeatable.")
@click.option("--changes", multiple=True, metavar="PATH", help="Replaces the declared paths. Repeatable.")
@click.option("--after", "--depends", "after", multiple=True, metavar="ID", help="Replaces the tasks it waits for. Repeatable.")
@click.option("--due", metavar="TIME", help='"2026-11-27 17:00" on the local clock, or ISO 8601.')
@click.option("--cost", type=float, metavar="NUMBER", help="What it may cost; above the policy's cost_limit it is escalated.")
@click.option("--resumable", is_flag=True, default=None, help="It may stop at a window's end and go on in the next.")
@click.option("--project", metavar="NAME", help="What it belongs to.")
@click.option("--tag", "tags", multiple=True, metavar="WORD", help="Replaces the tags. Repeatable.")
@click.option("--repo", metavar="PATH", help="Another repository to work in a copy of.")
@click.option("--agent", is_flag=False, flag_value="any", metavar="[NAME]", help="Recipe: a coding agent.")
@click.option("--network", is_flag=True, default=None, help="It may use the network.")
@click.option("--secret", "secrets", multiple=True, metavar="NAME", help="Replaces the secrets that it gets. Repeatable.")
@click.option("--no-change-expected", "unchanged", is_flag=True, default=None, help="It need not change anything.")
@click.option("--needs", multiple=True, metavar="WORD", help="Replaces what a machine must have. Repeatable.")
@click.option("--every", metavar="RULE", help='It comes again: "mon 09:00", or five cron fields.')
@click.option("--no-every", "no_every", is_flag=True, help="It comes once.")
@click.option("--no-network", "no_network", is_flag=True, help="Without the network.")
@click.option("--no-secret", "no_secrets", is_flag=True, help="Without secrets.")
@click.option("--no-resumable", "no_resumable", is_flag=True, help="It must run through.")
@click.option("--no-tag", "no_tags", is_flag=True, help="Without tags.")
@click.option("--no-check", "no_checks", is_flag=True, help="Without your checks.")
@click.option("--no-measure", "no_measures", is_flag=True, help="Without your measures.")
@click.option("--no-changes", "no_changes", is_flag=True, help="Without your declared paths.")
@click.option("--no-after", "no_after", is_flag=True, help="Waiting for no other task.")
def edit(run: Run, task: str, **given: Any) -> None:
    """Change a task. It is decided anew, and an approval that it had is void."""
    from jarvis_lib import autonomous_queue
    from jarvis_lib.cli.quick_add import edited

    run.say(autonomous_queue.edit(run.place, task, now=run.now, **edited(run, given)))


@verb("approve", "jarvis approve k3f9x", writes=True, rehearses=True)
@click.argument("task")
def approve(run: Run, task: str) -> None:
    """Let it run. Bound to its content and the bytes of its files as they are now."""
    from jarvis_lib import autonomous_queue

    run.say(autonomous_queue.approve(run.place, task, now=run.now))


@verb("decline", "jarvis decline k3f9x --reason 'not this quarter'", writes=True, rehearses=True)
@click.argument("task")
@click.option("--reason", default="", help="Why; it is kept with the task.")
def decline(run: Run, task: str, reason: str) -> None:
    """Say no to a task that waits for you."""
    from jarvis_lib import autonomous_queue

    run.say(autonomous_queue.decline(run.place, task, now=run.now, reason=reason))


@verb("later", 'jarvis queue later k3f9x --until "2026-11-27 19:00"', writes=True, rehearses=True)
@click.argument("task")
@click.option("--until", metavar="TIME", help="When it comes back by itself; without it, when you approve it.")
def later(run: Run, task: str, until: str | None) -> None:
    """Put a task off."""
    from jarvis_lib import autonomous_queue

    run.say(autonomous_queue.later(run.place, task, now=run.now, until=run.moment(until, "--until")))


@verb("drop", "jarvis queue drop k3f9x", writes=True, rehearses=True)
@click.argument("task")
@click.option("--reason", default="", help="Why; it is kept with the task.")
@click.option("--series", is_flag=True, help="It comes again no more, either.")
def drop(run: Run, task: str, reason: str, series: bool) -> None:
    """Take a task out of the queue; `retry` brings it back. One that comes again does so at its next time, unless --series is given."""
    from jarvis_lib import autonomous_queue

    run.say(autonomous_queue.drop(run.place, task, now=run.now, reason=reason, series=series))


@verb("retry", "jarvis queue retry k3f9x", writes=True, rehearses=True)
@click.argument("task")
def retry(run: Run, task: str) -> None:
    """Queue a failed, dropped or undone task again."""
    from jarvis_lib import autonomous_queue

    run.say(autonomous_queue.retry(run.place, task, now=run.now))


@verb("accept", "jarvis accept k3f9x\njarvis accept k3f9x --into develop", writes=True)
@click.argument("task")
@click.option("--into", default="", metavar="BRANCH", help="Merge into this branch instead of the one that you have checked out.")
@click.option("--squash", is_flag=True, help="As one commit of yours.")
@click.option("--dry-run", is_flag=True, help="Say what would be taken over, and do nothing.")
def accept(run: Run, task: str, into: str, squash: bool, dry_run: bool) -> None:
    """Take over what shipped, or what you have looked at yourself; the branch of a repository's task is merged."""
    from jarvis_lib import autonomous_queue

    if dry_run:
        run.say(autonomous_queue.would_accept(run.place, task, into=into))
        return
    run.say(autonomous_queue.accept(run.place, task, now=run.now, into=into, squash=squash))


@verb("follow-up", 'jarvis queue follow-up k3f9x "also handle empty lists"', writes=True, rehearses=True)
@click.argument("task")
@click.argument("words")
@click.option("--hours", metavar="HOURS", help="How long it will take; otherwise those of the task.")
@click.option("--priority", metavar="WORD", help="CRITICAL, HIGH, MEDIUM, LOW or BACKLOG; otherwise that of the task.")
def follow_up(run: Run, task: str, words: str, hours: str | None, priority: str | None) -> None:
    """Go on where an agent stopped: the same session and copy, the next time it may work."""
    from jarvis_lib import autonomous_queue

    made = autonomous_queue.follow_up(run.place, task, words, now=run.now, hours=hours, priority=priority)
    run.say(made.said, task=made.task.to_json())


@verb("undo", "jarvis undo\njarvis undo --list\njarvis undo k3f9x\njarvis undo last-night", writes=True)
@click.argument("task", required=False, metavar="[ID|last-night]")
@click.option("--change", type=click.IntRange(1), metavar="NUMBER", help="Take back this change of yours (see --list).")
@click.option("--list", "only_list", is_flag=True, help="Your changes of the last 7 days that can be taken back.")
@click.option("--dry-run", is_flag=True, help="Say what would be undone, and do nothing.")
def undo(run: Run, task: str | None, change: int | None, only_list: bool, dry_run: bool) -> None:
    """Take back your newest change; or, with an id, put back byte for byte what a task or a fix changed.

    The branch of a repository's task is dropped, or reverted if it was merged. A change is what you said (add, edit, approve, decline, drop, later,
    retry, pin, context set); it can be taken back for 7 days.
    """
    from jarvis_lib.autonomous_queue import taking_back
    from jarvis_lib.cli.columns import CHANGES
    from jarvis_lib.model.fact import Refused

    if (task is not None) + (change is not None) + only_list > 1:
        raise Refused("Give one of an id, --change and --list.", code="usage")
    if only_list:
        rows = [asdict(c) for c in taking_back.changes(run.place, now=run.now)]
        run.table("jarvis.changes/1", rows, CHANGES, empty="You changed nothing in the last 7 days that can be taken back.")
    elif task is None:
        run.dry_run = dry_run
        said = taking_back.take_back(run.place, change, now=run.now)
        run.say(said, undone=[said])
    elif dry_run:
        from jarvis_lib.autonomous_queue import would_undo

        run.say("\n".join(would_undo(run.place, task)), undone=[])
    else:
        done = _undone(run, task)
        run.say("\n".join(done), undone=done)


def _undone(run: Run, name: str) -> list[str]:
    """Undo the task of this name; a fix where no task has it, since a brief names both."""
    from jarvis_lib import autonomous_queue, problem_predictor
    from jarvis_lib.model.fact import Refused

    try:
        return autonomous_queue.undo(run.place, name, now=run.now)
    except Refused as no_task:
        if no_task.code != "missing" or name == "last-night":
            raise
        try:
            return [problem_predictor.undo_fix(run.place, name, now=run.now)]
        except Refused as no_fix:
            raise (no_task if no_fix.code == "missing" else no_fix) from None


@verb("inbox", "jarvis inbox")
def inbox(run: Run) -> None:
    """What needs you: why, what happens if you do nothing, and the commands."""
    from jarvis_lib import autonomous_queue
    from jarvis_lib.cli.cards import inbox_lines

    cards = autonomous_queue.inbox(run.place, now=run.now)
    run.show("jarvis.inbox/1", cards, inbox_lines(cards, autonomous_queue.put_off(run.place, now=run.now)))


@verb("why", "jarvis why k3f9x")
@click.argument("task")
def why(run: Run, task: str) -> None:
    """Its decision, its place in the plan and its verdicts, in sentences."""
    from jarvis_lib import autonomous_queue

    lines = autonomous_queue.why(run.place, task, now=run.now)
    run.show("jarvis.why/1", lines, lines)
