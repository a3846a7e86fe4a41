"""What every command has in common: loaded on demand, an example first in its help, one way to print, one way to refuse.

A command is a function `verb(run, …)` below `@verb(...)`. `run` (see `Run`) knows the workspace, the moment that is asked about and how
to print. The function may return an exit code; None is 0.
"""

import gc
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from datetime import datetime

    from click.shell_completion import CompletionItem

    from jarvis_lib.cli.render import Column
    from jarvis_lib.store.place import Place

HOME = click.Option(["--home"], metavar="DIR", help="Workspace to use, instead of JARVIS_HOME or the nearest jarvis.toml upwards.")
NO_COLOR = click.Option(["--no-color"], is_flag=True, help="No colours, as with NO_COLOR.")


class Run:
    """One call of the command line: which workspace, which moment, and how to print."""

    def __init__(self, ctx: click.Context, *, as_json: bool, at: str | None, dry_run: bool = False) -> None:
        root = ctx.find_root()
        self.home: str | None = root.params.get("home")
        self.no_color: bool = bool(root.params.get("no_color"))
        self.as_json = as_json
        self.path = ctx.command_path
        self.warnings: list[str] = []
        self.dry_run = dry_run
        self._at = at

    @cached_property
    def folder(self) -> Path:
        """The workspace's folder; `--home` names it exactly, the other ways search upwards."""
        from jarvis_lib.workspace import SETTINGS_FILE, find_home

        if self.home is None:
            return find_home()
        if not (Path(self.home) / SETTINGS_FILE).is_file():
            from jarvis_lib.model.fact import Refused

            raise Refused(f"There is no {SETTINGS_FILE} in {self.home}; make a workspace there with: jarvis init {self.home}", code="missing")
        return Path(self.home).resolve()

    def folder_or_none(self) -> Path | None:
        """The workspace's folder, or None where there is none."""
        from jarvis_lib.model.fact import Refused

        try:
            return self.folder
        except Refused:
            return None

    @cached_property
    def place(self) -> "Place":
        """The workspace that the call is about; with --dry-run its store only rehearses. Refused where there is none."""
        from jarvis_lib.workspace import open_workspace

        found = open_workspace(self.folder)
        if self.dry_run:
            from jarvis_lib.store.rehearsal import Rehearsal

            found.__dict__["store"] = Rehearsal(found.store)
        return found

    @cached_property
    def now(self) -> "datetime":
        """The moment that is asked about: `--at`, else the clock's."""
        if self._at is None:
            return self.place.now()
        from jarvis_lib.cli.moments import read

        return read(self._at, self.place.zone, now=self.place.now(), option="--at")

    @property
    def is_about_another_time(self) -> bool:
        """Whether --at names a moment, so that the answer is not about now."""
        return self._at is not None

    def moment(self, text: str | None, option: str) -> "datetime | None":
        """A time that the person gave, or None; one of today that has passed means tomorrow's."""
        if text is None:
            return None
        from jarvis_lib.cli.moments import read

        return read(text, self.place.zone, now=self.now, option=option, ahead=True)

    def say(self, sentence: str, **data: Any) -> None:
        """The applied result of a writing verb, as a sentence or as JSON; of a rehearsal, what it would have been."""
        if self.dry_run:
            sentence, data = f"Dry run, nothing was written. It would say: {sentence}", data | {"dry_run": True}
        self.show("jarvis.result/1", {"said": sentence} | data, [sentence])

    def table(
        self,
        schema: str,
        rows: Sequence[Mapping[str, Any]],
        columns: Sequence["Column"],
        *,
        empty: str,
        human: Sequence[str] | None = None,
        data: Any = None,
    ) -> None:
        """A list: a table (or the lines `human`) on a terminal, tab-separated in a pipe, or JSON of `data` (else of the rows).

        `empty` is said beside the data when there is nothing.
        """
        from jarvis_lib.cli import render

        if self.as_json:
            click.echo(render.document(schema, rows if data is None else data, self._stamp(), self.warnings))
        elif not rows:
            self.note(empty)
        elif human is not None and sys.stdout.isatty():
            self._echo(human)
        else:
            self._echo(render.listing(rows, columns, zone=self.place.zone, terminal=sys.stdout.isatty()))

    @property
    def into_pipe(self) -> bool:
        """True when plain tab-separated lines are wanted: no JSON, and no terminal to lay a table out for."""
        return not self.as_json and not sys.stdout.isatty()

    def piped(self, lines: Sequence[str], *, empty: str) -> None:
        """Lines that are ready for a pipe; `empty` is said beside when there are none."""
        self._echo(lines) if lines else self.note(empty)

    def show(self, schema: str, data: Any, lines: Sequence[str]) -> None:
        """One answer: its lines for people, or its data as JSON."""
        if self.as_json:
            from jarvis_lib.cli import render

            click.echo(render.document(schema, data, self._stamp(), self.warnings))
        else:
            self._echo(_folded(lines))

    def note(self, sentence: str) -> None:
        """A message beside the data, on standard error."""
        click.echo(sentence, err=True)

    def _echo(self, lines: Sequence[str]) -> None:
        if lines:
            click.echo("\n".join(lines), color=wants_color(self.no_color))

    def _stamp(self) -> "datetime":
        from jarvis_lib.workspace import utc_now

        return utc_now()


def _folded(lines: Sequence[str]) -> list[str]:
    """For a terminal: no line is broken within a word. A pipe takes the lines as they are."""
    import sys

    if not sys.stdout.isatty():
        return list(lines)
    from shutil import get_terminal_size

    from jarvis_lib.cli import render

    width = get_terminal_size((100, 24)).columns
    return [short for line in lines for part in line.split("\n") for short in render.folded(part, width)]


def _show_help(ctx: click.Context, option: click.Parameter, asked: bool) -> None:
    if asked and not ctx.resilient_parsing:
        click.echo(ctx.get_help(), color=ctx.color)
        ctx.exit()


class WithExample(click.Command):
    """A command whose help begins with an example."""

    def __init__(self, *args: Any, example: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.example = example
        self._help = click.Option(
            ["-h", "--help", "_help"], is_flag=True, is_eager=True, expose_value=False, callback=_show_help, help="Show this message and exit."
        )

    def get_help_option(self, ctx: click.Context) -> click.Option | None:
        """Our own: click's looks for translations, which costs every call of `add` four milliseconds."""
        return self._help

    def get_short_help_str(self, limit: int = 0) -> str:
        """The whole first sentence; the list of commands wraps it."""
        return " ".join((self.help or "").split("\n\n")[0].split()).split(". ")[0].rstrip(".")

    def format_help(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The example stands before usage and options."""
        formatter.write("Example:\n")
        formatter.write("".join(f"  {line}\n" for line in self.example.splitlines()) + "\n")
        super().format_help(ctx, formatter)


class Verb(WithExample):
    """One verb; `writes` tells whether it may change anything."""

    writes = False

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Hours such as -1 are a wrong number, not an unknown option."""
        try:
            return super().parse_args(ctx, list(args))
        except click.NoSuchOption:
            number = next((a for a in args if a[:1] == "-" and _is_number(a)), None)
            if number is None:
                raise
            raise click.UsageError(f"{number} is below 0; a number here must be more than 0.", ctx) from None


class Group(WithExample, click.Group):
    """A group whose members are imported when they are called. `members`: name -> "module:attribute"."""

    def __init__(self, *args: Any, members: Mapping[str, str], aliases: Mapping[str, str] | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.members = members
        self.aliases = aliases or {}

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The members in the order they were declared, without importing one."""
        return list(self.members)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Imports the one module that holds the command; None when no member or alias has that name."""
        name = self.aliases.get(cmd_name.replace("_", "-"), cmd_name)
        if name not in self.members:
            return None
        module, _, attribute = self.members[name].partition(":")
        found: click.Command = getattr(import_module(module), attribute)
        return found

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        """An unknown word is a UsageError that names the nearest command and all of them."""
        if args[0][:1] != "-" and self.get_command(ctx, args[0]) is None:
            from jarvis_lib.model.prose import clean, hint

            known = ", ".join(self.members)
            raise click.UsageError(f"There is no command {clean(args[0])[:40]!r}.{hint(args[0], self.members)} Commands: {known}.", ctx)
        return super().resolve_command(ctx, args)


def verb(
    name: str, example: str, *, writes: bool = False, at: bool = True, long: bool = False, rehearses: bool = False, would: str = ""
) -> Callable[[Callable[..., int | None]], Verb]:
    """A command around `function(run, …)`. A reading verb takes `--at`; a writing verb is refused inside of an attempt.

    `long` is for a verb that works for more than moments. `rehearses` gives a verb that writes by facts of the store alone, and by nothing else, its
    `--dry-run`: it runs on a store that rolls everything back. `would` is for one that does more than write facts: what its `--dry-run` says it would do,
    with the names of its arguments in braces.
    """

    def wrap(function: Callable[..., int | None]) -> Verb:
        from jarvis_lib.model.prose import clean

        def callback(as_json: bool, at: str | None = None, **given: Any) -> int | None:
            if writes:
                refuse_in_attempt()
            if long:
                gc.enable()
            if would and given.pop("dry_run"):
                words = {k: clean(str(v))[:120] for k, v in given.items()}
                Run(click.get_current_context(), as_json=as_json, at=at).say(f"Dry run, nothing was done. {would.format(**words)}", dry_run=True)
                return None
            rehearsal = rehearses and bool(given.pop("dry_run"))
            run = Run(click.get_current_context(), as_json=as_json, at=at, dry_run=rehearsal)
            code = function(run, **given)
            if rehearsal:
                run.note("Dry run: nothing was written.")
            return code

        params = list(reversed(getattr(function, "__click_params__", [])))
        for argument in params:
            if isinstance(argument, click.Argument) and argument.name == "task":
                argument.type = TaskId()
        if rehearses or would:
            params.append(click.Option(["--dry-run"], is_flag=True, help="Say what it would do, and write nothing."))
        params.append(click.Option(["--json", "as_json"], is_flag=True, help="Print JSON with a versioned schema."))
        if at and not writes:
            params.append(click.Option(["--at"], metavar="TIME", help='Answer for another moment: "2026-11-24 23:30" (local) or ISO 8601.'))
        made = Verb(name, callback=callback, params=params, help=function.__doc__, example=example)
        made.writes = writes
        return made

    return wrap


class TaskId(click.types.StringParamType):
    """A task's id; the shell completes it with those of open tasks."""

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> "list[CompletionItem]":
        """The open tasks whose ids begin so, each with its title. None where there is no workspace, or it is busy."""
        from click.shell_completion import CompletionItem

        from jarvis_lib import autonomous_queue
        from jarvis_lib.model.fact import Refused

        try:
            place = Run(ctx, as_json=False, at=None).place
            rows = autonomous_queue.listing(place, now=place.now(), open_only=True, short=True)
        except Refused:
            return []
        return [CompletionItem(r["id"], help=r["title"][:60]) for r in rows if r["id"].startswith(incomplete)]


def refuse_in_attempt() -> None:
    """What runs inside of an attempt may read, but never queue, approve, accept or undo."""
    attempt = is_in_attempt()
    if attempt:
        from jarvis_lib.model.fact import Refused

        raise Refused(f"This runs inside of attempt {attempt[:20]}, which may read but not write; do it in your own terminal.")


def is_in_attempt() -> str:
    """The attempt that this process runs inside of; empty outside of any."""
    return os.environ.get("JARVIS_ATTEMPT") or _attempt_above()


def _attempt_above() -> str:
    """The attempt that one of the processes above belongs to, though its tag was taken out of this one's environment; Linux only."""
    pid = os.getppid()
    for _ in range(32):
        try:
            with open(f"/proc/{pid}/environ", "rb") as stream:
                found = [v for v in stream.read().split(b"\0") if v.startswith(b"JARVIS_ATTEMPT=")]
            with open(f"/proc/{pid}/stat", "rb") as stream:
                parent = int(stream.read().rpartition(b")")[2].split()[1])
        except (OSError, ValueError, IndexError):
            return ""  # not Linux, or a process of somebody else
        if found:
            return found[0].partition(b"=")[2].decode(errors="replace")
        if parent <= 1:
            return ""
        pid = parent
    return ""


def wants_color(refused: bool) -> bool:
    """Colour on a terminal, unless NO_COLOR, TERM=dumb or --no-color; FORCE_COLOR asks for it anywhere."""
    if refused or os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return False
    return bool(os.environ.get("FORCE_COLOR")) or sys.stdout.isatty()


def here(place_home: Path, path: str) -> str:
    """`path` as seen from the workspace, when it was typed in a folder below it."""
    folder = Path.cwd()
    if folder != place_home and folder.is_relative_to(place_home) and not os.path.isabs(path) and (folder / path).exists():
        return os.path.relpath(folder / path, place_home)
    return path


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
