"""What may be written in a cell besides Python? `%jarvis next`, `%%jarvis_task` and `%%jsql`, after `%load_ext jarvis_lib`.

Promise: a magic reads, or proposes. A verb that changes anything is refused here and shown as a line for the terminal.
"""

import argparse
import io
import shlex
import sys
from contextlib import redirect_stderr, redirect_stdout
from typing import TYPE_CHECKING, Any, NoReturn

from jarvis_lib.lab.answers import Answer
from jarvis_lib.lab.desk import desk
from jarvis_lib.model.fact import Refused
from jarvis_lib.model.prose import clean

if TYPE_CHECKING:
    import click
    import polars as pl

ELSEWHERE = ("lab", "doctor", "demo", "serve")
"""Verbs that read, and yet take the kernel away or work for minutes."""
WRITING = ("--note", "--to", "--out", "--html", "--read", "--from-cron")
"""Options by which a verb that reads writes something down."""


def load(shell: Any) -> None:
    """Register the magics with this shell."""
    shell.register_magic_function(lambda line: command_line(line), "line", "jarvis")
    shell.register_magic_function(lambda line, cell: task(line, cell), "cell", "jarvis_task")
    shell.register_magic_function(lambda line, cell: sql(line, cell, shell.user_ns), "cell", "jsql")


class _Terminal(io.StringIO):
    """Where the command line prints as for people."""

    def isatty(self) -> bool:
        return True


def command_line(line: str) -> None:
    """`%jarvis next`: what the command line says, as text. Raises Refused for a verb that writes."""
    from jarvis_lib.cli.entry import main

    words = shlex.split(line) or ["--help"]
    refuse_writing(words)
    out = _Terminal()
    with redirect_stdout(out), redirect_stderr(out):
        main(["--home", str(desk().place.home), "--no-color", *words])
    sys.stdout.write(out.getvalue())


def refuse_writing(words: list[str]) -> None:
    """Raises Refused when these words call a verb that changes anything, or one that belongs into a terminal."""
    found = verb_of(words)
    if found is None or (not getattr(found, "writes", True) and found.name not in ELSEWHERE and not _writes_by_its_words(found, words)):
        return
    way = " (a cell proposes a task with %%jarvis_task or jarvis.add)" if found.name == "add" else ""
    raise Refused(f"A notebook reads and proposes{way}; run this in a terminal: jarvis {shlex.join(words)}")


def _writes_by_its_words(found: "click.Command", words: list[str]) -> bool:
    """Does this verb, which only reads in itself, make a page or another file when it is called so?"""
    options, names = {word.partition("=")[0] for word in words}, {p.name for p in found.params}
    makes_page = "no_page" in names and not options & {"--no-page", "--json", "--at", "-h", "--help"}
    return makes_page or "folder" in names or bool(options & set(WRITING))


def verb_of(words: list[str]) -> "click.Command | None":
    """The verb that these words call; None where they end at a part, which prints its help."""
    import click

    from jarvis_lib.cli.entry import top
    from jarvis_lib.cli.shape import Group

    found: click.Command = top
    rest = list(words)
    while isinstance(found, Group):
        if not rest or rest[0].startswith("-"):
            if rest and rest[0] not in ("-h", "--help"):
                raise Refused(f"%jarvis begins with a verb, not with {clean(rest[0])[:40]}; the workspace is chosen with jarvis.use(HOME).", code="usage")
            return None
        inner = found.get_command(click.Context(found), rest.pop(0))
        if inner is None:
            return None  # the command line says which there are
        found = inner
    return found


class _Words(argparse.ArgumentParser):
    """Refuses in one sentence instead of ending the kernel."""

    def error(self, message: str) -> NoReturn:
        raise Refused(f"%%jarvis_task: {message}. For example: %%jarvis_task 'Profile the orders' --hours 0.5 --check 'test -s out.txt'", code="usage")


def _words() -> _Words:
    words = _Words(prog="%%jarvis_task", add_help=False)
    words.add_argument("title")
    words.add_argument("--hours", default="1")
    words.add_argument("--category", default="Research/analysis")
    words.add_argument("--priority", default="MEDIUM")
    words.add_argument("--check", action="append", default=[])
    words.add_argument("--measure", action="append", default=[])
    words.add_argument("--changes", action="append", default=[])
    words.add_argument("--due")
    return words


def task(line: str, cell: str) -> Answer:
    """`%%jarvis_task TITLE`: the cell becomes a notebook in notebooks/tasks/ and a proposed task that would run it. It is not run now."""
    from jarvis_lib.cli.shape import refuse_in_attempt
    from jarvis_lib.lab import answers
    from jarvis_lib.lab.cells import forget, keep

    own = _words().parse_args(shlex.split(line))
    refuse_in_attempt()
    path = keep(desk().place.home, own.title, cell)
    more = {"checks": own.check, "measures": own.measure, "changes": own.changes, "due": own.due}
    try:
        return answers.add(own.title, "", own.hours, own.category, own.priority, notebook=path, **more)
    except Refused as error:
        if error.code != "busy":  # otherwise the fact is safe, and names this notebook
            forget(desk().place.home, path)
        raise


def sql(line: str, cell: str, names: dict[str, Any]) -> "pl.DataFrame | None":
    """`%%jsql [NAME]`: the answer to the cell's question, shown, or kept under NAME."""
    from jarvis_lib.lab import frames

    found = frames.sql(cell, None)
    if not line.strip():
        return found
    if not line.strip().isidentifier():
        raise Refused(f"%%jsql {clean(line)[:40]!r}: give one name for the answer, or none.", code="usage")
    names[line.strip()] = found
    return None
