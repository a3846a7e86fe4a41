"""The command line's door: finds the verb, runs it, and turns every refusal into one sentence and an exit code.

Importing this loads click and nothing heavy; a verb's own module is loaded when the verb is called. Exit codes: 0 ok, 1 failed, 2 usage,
3 not found, 4 refused, 5 checks failed, 75 busy, 130 interrupted.
"""

import gc
import os
import sys

_COLLECTING = gc.isenabled()
gc.disable()  # what an import makes is there to stay; looking through it for garbage costs a command a tenth of its time

from collections.abc import Callable, Sequence  # noqa: E402  # after the line that makes these imports cheap
from typing import NoReturn  # noqa: E402  # likewise

import click  # noqa: E402  # likewise

from jarvis_lib import __version__  # noqa: E402  # likewise
from jarvis_lib.cli.shape import HOME, NO_COLOR, Group, folded  # noqa: E402  # likewise

if _COLLECTING:
    gc.enable()

CODES = {"failed": 1, "usage": 2, "missing": 3, "refused": 4, "checks": 5, "busy": 75}
INTERRUPTED = 130
BROKEN_PIPE = 141

PARTS = {
    "scheduler": "build_scheduler",
    "queue": "autonomous_queue",
    "context": "context_scheduler",
    "problems": "problem_predictor",
    "patterns": "pattern_learner",
    "overnight": "overnight_runner",
    "weekend": "weekend_planner",
    "improver": "self_improver",
}
"""Part -> component. What is not built yet does not stand here."""

_ALIASES = {component.replace("_", "-"): part for part, component in PARTS.items()}
_TOP = {
    "add": "jarvis_lib.cli.quick_add:add",
    "list": "jarvis_lib.cli.scheduler:list_",
    "next": "jarvis_lib.cli.scheduler:next_",
    "inbox": "jarvis_lib.cli.queue:inbox",
    "show": "jarvis_lib.cli.queue:show",
    "why": "jarvis_lib.cli.queue:why",
    "approve": "jarvis_lib.cli.queue:approve",
    "decline": "jarvis_lib.cli.queue:decline",
    "accept": "jarvis_lib.cli.queue:accept",
    "undo": "jarvis_lib.cli.queue:undo",
    "init": "jarvis_lib.cli.setting_up:init",
    "doctor": "jarvis_lib.cli.setting_up:doctor",
    "demo": "jarvis_lib.cli.setting_up:demo",
    "lab": "jarvis_lib.cli.setting_up:lab",
    "store": "jarvis_lib.cli.parts:store",
    "agents": "jarvis_lib.cli.parts:agents",
    "cluster": "jarvis_lib.cli.parts:cluster",
    "trust": "jarvis_lib.cli.parts:trust",
    "heartbeat": "jarvis_lib.cli.heartbeat:heartbeat",
    "mcp": "jarvis_lib.cli.parts:mcp",
    "memory": "jarvis_lib.cli.parts:memory",
    "calendar": "jarvis_lib.cli.parts:calendar",
    "delivery": "jarvis_lib.cli.parts:delivery",
    "cron": "jarvis_lib.cli.parts:cron",
    "import": "jarvis_lib.cli.moving:import_",
    "export": "jarvis_lib.cli.moving:export",
    "imported": "jarvis_lib.cli.moving:imported",
    "status": "jarvis_lib.cli.watching:status",
    "completion": "jarvis_lib.cli.watching:completion",
    "new": "jarvis_lib.cli.parts:new",
    "recipes": "jarvis_lib.cli.parts:recipes",
}
_EXAMPLE = 'jarvis add "Optimize database" "Profile and optimize slow queries" 2.0 "Performance optimization" HIGH\njarvis next'


def _tell_version(ctx: click.Context, option: click.Parameter, asked: bool) -> None:
    if asked:
        click.echo(f"Jarvis {__version__}, Python {sys.version.split()[0]} on {sys.platform}")
        ctx.exit()


VERSION = click.Option(["--version"], is_flag=True, expose_value=False, is_eager=True, callback=_tell_version, help="Tell which Jarvis this is, and end.")

top = Group(
    "jarvis",
    members=_TOP | {part: f"jarvis_lib.cli.parts:{part}" for part in PARTS},
    aliases=_ALIASES,
    example=_EXAMPLE,
    params=[HOME, NO_COLOR, VERSION],
    help="Turns idle hours into finished, proved work.",
)


def main(argv: Sequence[str] | None = None) -> int:
    """`jarvis …`: the exit code of the verb. Without `argv` it is the program itself, and ends the process."""
    if argv is not None:
        return _guarded(top, list(argv), "jarvis")
    gc.disable()  # a command lives for a moment; collecting what its imports made would cost a tenth of it
    return _leave(_guarded(top, sys.argv[1:], "jarvis"))


def component_main(part: str) -> NoReturn:
    """`python -m jarvis_lib.<component> verb …`. A bare `overnight_runner` means `start`."""
    gc.disable()
    args = sys.argv[1:]
    if part == "overnight" and not args:
        args = ["start"]
    _leave(_guarded(_rooted(part), args, f"python -m jarvis_lib.{PARTS[part]}"))


def _rooted(part: str) -> click.Command:
    """The part's group as a program of its own, with the options that `jarvis` takes before the part."""
    group = top.get_command(click.Context(top), part)
    assert isinstance(group, Group)
    return Group(part, members=group.members, example=group.example, params=[HOME, NO_COLOR], help=group.help)


def _guarded(command: click.Command, args: list[str], name: str) -> int:
    if os.name == "nt":
        sys.stderr.write("jarvis: Windows is not supported, because the store needs the locks of Linux or macOS; use WSL with its own disk.\n")
        return CODES["failed"]
    as_json = "--json" in args
    try:
        code = _run(command, args, name)
        sys.stdout.flush()
        return code
    except click.ClickException as error:
        return _complain(_sentence(error), "usage", as_json)
    except (KeyboardInterrupt, click.Abort):
        sys.stderr.write("\n")
        return INTERRUPTED
    except BrokenPipeError:
        _deaf()
        return BROKEN_PIPE
    except Exception as error:  # noqa: BLE001  # the last line of defence: what nobody foresaw becomes a sentence and a crash file
        from jarvis_lib.cli.trouble import explain

        sentence, code_name = explain(error, args)
        return _complain(sentence, code_name, as_json)


def _run(command: click.Command, args: list[str], name: str) -> int:
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    if not args and isinstance(command, Group):
        args = ["--help"]
    code = command.main(args, prog_name=name, standalone_mode=False)
    return code if isinstance(code, int) else 0


def _sentence(error: click.ClickException) -> str:
    text = error.format_message()
    context = getattr(error, "ctx", None)
    return f"{text} See: {context.command_path} -h" if context else text


def _complain(sentence: str, code: str, as_json: bool) -> int:
    """Tell on standard error, and give the exit code."""
    if as_json:
        import json

        text = json.dumps({"error": {"code": code, "message": sentence}}, ensure_ascii=False)
    else:
        text = "\n".join(folded([f"jarvis: {line}" for line in sentence.splitlines()], sys.stderr))
    _quietly(lambda: print(text, file=sys.stderr))
    return CODES.get(code, 1)


def _leave(code: int) -> NoReturn:
    """End at once: both streams are flushed, and a fact is on disk before it is acknowledged."""
    _quietly(sys.stdout.flush)
    _quietly(sys.stderr.flush)
    if "jarvis_lib.execution.engine" in sys.modules:
        sys.exit(code)  # workers may need their goodbye
    os._exit(code)


def _quietly(act: Callable[[], object]) -> None:
    try:
        act()
    except (BrokenPipeError, ValueError):
        _deaf()


def _deaf() -> None:
    """Nobody reads any more: what is still buffered must not raise at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
