"""`add`: the one verb that must never wait. It records one fact and answers; nothing here loads the database.

Only `--after` opens the store: the other task must exist, and a circle must be told at once.
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

EXAMPLE = """\
jarvis add "Optimize database" "Profile and optimize slow queries" 2.0 "Performance optimization" HIGH
jarvis add "Nightly tests" "" 0.5 "Test coverage" LOW --command 'make test' --check 'test -s report.xml'
jarvis add "Fix the rounding" "total() loses cents" 1 "Bug fixes" HIGH --repo ~/shop --agent --check 'pytest -q tests/test_total.py'"""


@verb("add", EXAMPLE, writes=True)
@click.argument("title")
@click.argument("description")
@click.argument("hours")
@click.argument("category")
@click.argument("priority")
@click.option("--notebook", metavar="PATH", help="Recipe: a notebook of the workspace, run with its parameters.")
@click.option("-p", "parameters", multiple=True, metavar="NAME=VALUE", help="A parameter of the notebook (JSON, else text). Repeatable.")
@click.option("--command", metavar="LINE", help="Recipe: a command line; one that needs a shell runs by `sh -c`.")
@click.option("--check", "checks", multiple=True, metavar="LINE", help="A command that must exit 0 afterwards. Repeatable.")
@click.option(
    "--measure", "measures", multiple=True, metavar="LINE", help="A command that prints a number, (seconds; less is better), run before and after. Repeatable."
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
def add(run: Run, **given: Any) -> None:
    """Add a task: TITLE DESCRIPTION HOURS CATEGORY PRIORITY.

    Without --notebook and --command it takes the recipe of its category from [recipes] in jarvis.toml, and says which.
    """
    arguments = given | {"parameters": read_parameters(given["parameters"])}
    task, sentence = _through_the_store(run, arguments) if given["after"] else _recorded(run, arguments)
    run.say(sentence, task=task.to_json())


def _recorded(run: Run, arguments: dict[str, Any]) -> tuple[Task, str]:
    """Into the spool: safe on disk, decided when the store is opened next."""
    from jarvis_lib.store import spool
    from jarvis_lib.workspace import person, utc_now

    home = run.folder
    known = settings(home)
    task = draft(home, known, **_located(home, arguments | {"due": _due(run, arguments)}))
    spool.put(home, Fact(new_id(16), utc_now(), person(), "task.added", added(home, task)))
    return task, f"Added {said(task)} {echo(home, known, task)}"


def echo(home: Path, known: Remembered, task: Task) -> str:
    """What happens next with a task that was recorded, and what of it cannot be used."""
    prose = [f"“Test: {line[:60]}” is not a command, so it proves nothing; give it as --check." for line in unused_proposals(home, task)]
    next_step = (
        "It is safe on disk; the next command that opens the store decides whether it may run: jarvis inbox"
        if task.recipe
        else why_no_recipe(home, known, task)
    )
    return " ".join([*prose, next_step])


def _due(run: Run, arguments: dict[str, Any]) -> "datetime | None":
    due = run.moment(arguments["due"], "--due") if arguments["due"] else None
    if due is not None and due <= run.now:
        raise Refused(f"--due {arguments['due']} has passed; give a time to come, or leave it out.", code="usage")
    return due


def _through_the_store(run: Run, arguments: dict[str, Any]) -> tuple[Task, str]:
    from jarvis_lib import autonomous_queue

    due = _due(run, arguments)
    made = autonomous_queue.add(run.place, now=run.now, **_located(run.place.home, arguments | {"due": due}))
    return made.task, made.said


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
    if "due" in named:
        named["due"] = run.moment(named["due"], "--due")
    home = run.place.home
    if "notebook" in named:
        named["notebook"] = here(home, named["notebook"])
    if "changes" in named:
        named["changes"] = [here(home, path) for path in named["changes"]]
    return named | {name: [] for name in clear}


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
