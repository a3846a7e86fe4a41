"""`add`: the one verb that must never wait. It records one fact and answers; nothing here loads the database.

Only `--after` opens the store: the other task must exist, and a circle must be told at once. One argument alone is a quick line (`model/quick_line.py`),
whose reading is said back; five are the task word by word.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from jarvis_lib.cli.remembered import Remembered, settings
from jarvis_lib.cli.shape import Run, here, verb
from jarvis_lib.execution.draft import added, draft, said, unused_proposals, why_no_recipe
from jarvis_lib.model.fact import Fact, Refused, new_id
from jarvis_lib.model.task import Task

if TYPE_CHECKING:
    from datetime import datetime

    from jarvis_lib.model.window import Window

EXAMPLE = """\
jarvis add 'Refresh churn notebook due:tomorrow-17:00 ~90m @overnight !high #docs +data'
jarvis add "Optimize database" "Profile and optimize slow queries" 2.0 "Performance optimization" HIGH
jarvis add "Nightly tests" "" 0.5 "Test coverage" LOW --command 'make test' --check 'test -s report.xml'
jarvis add "Fix the rounding" "total() loses cents" 1 "Bug fixes" HIGH --repo ~/shop --agent --check 'pytest -q tests/test_total.py'"""


@verb("add", EXAMPLE, writes=True)
@click.argument("title")
@click.argument("description", required=False)
@click.argument("hours", required=False)
@click.argument("category", required=False)
@click.argument("priority", required=False)
@click.option("--notebook", metavar="PATH", help="Recipe: a notebook of the workspace, run with its parameters.")
@click.option("-p", "parameters", multiple=True, metavar="NAME=VALUE", help="A parameter of the notebook (JSON, else text). Repeatable.")
@click.option("--command", metavar="LINE", help="Recipe: a command line; one that needs a shell runs by `sh -c`.")
@click.option("--check", "checks", multiple=True, metavar="LINE", help="A command that must exit 0 afterwards. Repeatable.")
@click.option(
    "--measure", "measures", multiple=True, metavar="LINE", help="A command that prints a number (seconds; less is better), run before and after. Repeatable."
)
@click.option("--changes", multiple=True, metavar="PATH", help="A file or folder that the task changes; kept before, for undo. Repeatable.")
@click.option("--after", "--depends", "after", multiple=True, metavar="ID", help="Run only after this task has shipped. Repeatable.")
@click.option("--due", metavar="TIME", help='"2026-11-27 17:00" on the local clock, or ISO 8601.')
@click.option("--cost", type=float, metavar="NUMBER", help="What it may cost; above the policy's cost_limit it is escalated.")
@click.option("--resumable", is_flag=True, help="It keeps its own progress: it may stop at a window's end and go on in the next.")
@click.option("--project", default="", metavar="NAME", help="What it belongs to; for grouping and for estimates.")
@click.option("--tag", "tags", multiple=True, metavar="WORD", help="A word of yours, such as fitness. Repeatable.")
@click.option("--repo", metavar="PATH", help="Work in a private copy of this git repository; the result is a branch of it.")
@click.option("--agent", is_flag=False, flag_value="any", metavar="[NAME]", help="Recipe: a coding agent: claude, codex, openclaw, custom.")
@click.option("--network", is_flag=True, help="It may use the network; without this nothing of it can.")
@click.option("--secret", "secrets", multiple=True, metavar="NAME", help="A secret of yours that it gets in its environment. Repeatable.")
@click.option("--no-change-expected", is_flag=True, help="It need not change anything (an agent's or a repository's task otherwise must).")
@click.option("--needs", multiple=True, metavar="WORD", help="What a machine must have: gpu=1, memory=8GB, tag:big. Repeatable.")
@click.option("--every", default="", metavar="RULE", help='It comes again: "mon 09:00", "weekdays 07:30", "monthly 1 09:00", or five cron fields.')
@click.option("--dry-run", is_flag=True, help="Say how it is read, and add nothing.")
def add(run: Run, dry_run: bool, **given: Any) -> None:
    """Add a task: TITLE DESCRIPTION HOURS CATEGORY PRIORITY, or one quick line.

    A quick line: ~90m its time, !high its priority, #docs its category, @overnight its next window, +word a tag, due:fri-17:00, after:ID,
    every:mon-09:00, project:NAME; the other words are its title. What reads two ways is refused with both readings.

    Without --notebook and --command it takes the recipe of its category from [recipes] in jarvis.toml, and says which.
    """
    arguments = given | {"parameters": read_parameters(given["parameters"])}
    window, reading = "", ""
    if not any(given[name] is not None for name in _REST):
        arguments, window, reading = _quick(run, arguments)
    else:
        _refuse_half(given)
    if dry_run:
        _rehearse(run, arguments, window, reading)
        return
    task, sentence = _through_the_store(run, arguments, window) if arguments["after"] else _recorded(run, arguments, window)
    run.say(f"{reading}{sentence}", task=task.to_json())


_REST = ("description", "hours", "category", "priority")


def _refuse_half(given: dict[str, Any]) -> None:
    missing = [name.upper() for name in _REST if given[name] is None]
    if missing:
        raise Refused(
            f"{', '.join(missing)} {'is' if len(missing) == 1 else 'are'} missing. Give all of TITLE DESCRIPTION HOURS CATEGORY PRIORITY, or one quick line: "
            "jarvis add 'Refresh the notebook ~90m !high #docs'",
            code="usage",
        )


def _quick(run: Run, arguments: dict[str, Any]) -> tuple[dict[str, Any], str, str]:
    """(the arguments that the quick line means, the kind of window it wants, how it was read)."""
    from jarvis_lib.model import quick_line

    line = quick_line.parse(arguments["title"], run.place.zone, now=run.now)
    both = [name for name in ("due", "every", "project") if getattr(line, name) and arguments[name]]
    if both:
        raise Refused(f"{both[0]} is given twice, in the line and as --{both[0]}; leave one of them out.", code="usage")
    own = {
        "title": line.title,
        "description": "",
        "hours": line.hours or quick_line.DEFAULT_HOURS,
        "category": line.category or quick_line.UNKNOWN_CATEGORY,
        "priority": line.priority or "MEDIUM",
        "project": line.project or arguments["project"],
        "tags": (*line.tags, *arguments["tags"]),
        "after": (*line.after, *arguments["after"]),
        "every": line.every or arguments["every"],
        "due": line.due or arguments["due"],
    }
    return arguments | own, line.window, f"Read as {line.reading(run.place.zone)}. "


def _rehearse(run: Run, arguments: dict[str, Any], window: str, reading: str) -> None:
    task = _drafted(run, arguments)
    where = f" It would be pinned to {_window(run, window).said(run.place.zone)}." if window else ""
    run.say(f"{reading}Dry run, nothing was added: {said(task)}{where} {_said_first(run, task)}".rstrip(), task=task.to_json())


def _drafted(run: Run, arguments: dict[str, Any]) -> Task:
    return draft(run.folder, settings(run.folder), **_located(run.folder, arguments | {"due": _due(run, arguments)}))


def _window(run: Run, kind: str) -> "Window":
    from jarvis_lib.model.window import SAID, coming

    found = coming(run.place.settings.windows, run.place.zone, run.now, kind)
    if found is None:
        raise Refused(f"There is no {SAID[kind].casefold()} window in the next 14 days; switch it on in [windows.{kind}] of jarvis.toml, or leave @ out.")
    return found


def _pin(run: Run, task: Task, kind: str) -> dict[str, Any]:
    """What a fact says that pins the task to the next window of a kind."""
    from jarvis_lib.model.fact import stamp

    found = _window(run, kind)
    return {"task": task.id, "window": found.key, "ends": stamp(found.end)}


def _recorded(run: Run, arguments: dict[str, Any], window: str = "") -> tuple[Task, str]:
    """Into the spool: safe on disk, decided when the store is opened next."""
    from jarvis_lib.store import spool
    from jarvis_lib.workspace import person, utc_now

    home = run.folder
    known = settings(home)
    task = _drafted(run, arguments)
    at, (first, second) = utc_now(), sorted((new_id(16), new_id(16)))
    pinned = Fact(second, at, person(), "plan.pinned", _pin(run, task, window)) if window else None
    spool.put(home, Fact(first, at, person(), "task.added", added(home, task) | _first_time(run, task)))
    if pinned is not None:
        spool.put(home, pinned)
    return task, f"Added {said(task)} {_said_window(run, window)}{_said_first(run, task)}{echo(home, known, task)}"


def _said_window(run: Run, window: str) -> str:
    return f"Pinned to {_window(run, window).said(run.place.zone)}. " if window else ""


def _said_first(run: Run, task: Task) -> str:
    """`It comes every Mon at 09:00, first on Mon 30 Nov 09:00. `, or nothing."""
    if not task.every:
        return ""
    from jarvis_lib.model.fact import moment
    from jarvis_lib.model.recurring import parse

    first = moment(_first_time(run, task)["comes_at"]).astimezone(run.place.zone)
    return f"It comes {parse(task.every).said()}, first on {first:%a %d %b %H:%M}. "


def _first_time(run: Run, task: Task) -> dict[str, str]:
    """When a task that comes again comes first."""
    if not task.every:
        return {}
    from jarvis_lib.model.recurring import after, as_told, parse

    return as_told(after(parse(task.every), run.place.zone, run.now), run.place.zone)


def echo(home: Path, known: Remembered, task: Task) -> str:
    """What happens next with a task that was recorded, and what of it cannot be used."""
    prose = [f"“Test: {line[:60]}” is not a command, so it proves nothing; give it as --check." for line in unused_proposals(home, task)]
    next_step = "It is safe on disk. Whether it may run without your yes, you see with: jarvis inbox" if task.recipe else why_no_recipe(home, known, task)
    return " ".join([*prose, *_no_agent(known, task), next_step])


def _no_agent(known: Remembered, task: Task) -> list[str]:
    """Why no coding agent can do it as things stand."""
    if task.recipe is None or task.recipe.kind != "agent":
        return []
    from jarvis_lib.execution.agent_ready import unready

    why = unready(known.values["agent"], task.recipe.agent)
    return [f"It cannot run yet: {why[:1].lower()}{why[1:]}"] if why else []


def _due(run: Run, arguments: dict[str, Any]) -> "datetime | None":
    given = arguments["due"]
    due = run.moment(given, "--due") if isinstance(given, str) and given else given or None
    if due is not None and due <= run.now:
        raise Refused(f"--due {arguments['due']} has passed; give a time to come, or leave it out.", code="usage")
    return due


def _through_the_store(run: Run, arguments: dict[str, Any], window: str = "") -> tuple[Task, str]:
    from jarvis_lib import autonomous_queue

    due = _due(run, arguments)
    made = autonomous_queue.add(run.place, now=run.now, **_located(run.place.home, arguments | {"due": due}))
    if window:
        run.place.store.write(run.place.fact("plan.pinned", at=run.now, **_pin(run, made.task, window)))
    return made.task, f"{made.said} {_said_window(run, window)}{_said_first(run, made.task)}".strip()


def _located(home: Path, arguments: dict[str, Any]) -> dict[str, Any]:
    """The arguments with their paths as seen from the workspace."""
    notebook = arguments["notebook"] and here(home, arguments["notebook"])
    return arguments | {"notebook": notebook, "changes": [here(home, p) for p in arguments["changes"]]}


def edited(run: Run, given: dict[str, Any]) -> dict[str, Any]:
    """The changes that `edit` was given: what was not named is left out, what was cleared is an empty list."""
    clear = [name.removeprefix("no_") for name, value in given.items() if name.startswith("no_") and value]
    named = {name: value for name, value in given.items() if not name.startswith("no_") and value not in (None, ())}
    if not named and not clear:
        raise Refused("Nothing to change: name at least one option, such as --hours 2 (all of them: jarvis queue edit -h).", code="usage")
    both = [name for name in clear if name in named]
    if both:
        raise Refused(f"{both[0]} is both given and cleared; choose one.", code="usage")
    if "unchanged" in named:
        named["no_change_expected"] = named.pop("unchanged")
    if "parameters" in named:
        named["parameters"] = read_parameters(named["parameters"])
    if "every" in given and given["every"] and not given["every"].strip():
        raise Refused("--every is empty; to have it come once: --no-every", code="usage")
    if "due" in named:
        named["due"] = run.moment(named["due"], "--due")
    home = run.place.home
    if "notebook" in named:
        named["notebook"] = here(home, named["notebook"])
    if "changes" in named:
        named["changes"] = [here(home, path) for path in named["changes"]]
    return named | {name: "" if name == "every" else [] for name in clear}


def read_parameters(pairs: Sequence[str]) -> dict[str, Any]:
    """`-p name=value` as names and values: JSON where it is JSON, else text. Refuses a double and what is no pair."""
    import re

    found: dict[str, Any] = {}
    for pair in pairs:
        name, sign, value = pair.partition("=")
        if not sign or not re.fullmatch(r"[A-Za-z_]\w*", name.strip()):
            raise Refused(f"-p {pair[:60]!r} is not NAME=VALUE; for example -p year=2013.", code="usage")
        if name.strip() in found:
            raise Refused(f"The parameter {name.strip()!r} is given twice.", code="usage")
        found[name.strip()] = _value(value)
    return found


def _value(text: str) -> Any:
    import json

    try:
        return json.loads(text, parse_constant=_no_number)
    except ValueError:
        return text


def _no_number(word: str) -> Any:
    raise ValueError(f"{word} is not JSON")
