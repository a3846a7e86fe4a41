"""All commands with their options, as one Markdown page: `python -m jarvis_lib.cli.manual > docs/COMMANDS.md`. Made from the command line itself."""

import re
import sys
from collections.abc import Iterator

import click

HEAD = """# Commands

Every command of the command line, as `jarvis … --help` says it. This page is made by `make docs`, and a test compares it.
Each command also takes `--home DIR`, `--no-color` and `--help`; what takes `--json` answers with a schema of the
[integration guide](INTEGRATION_GUIDE.md#json).
"""


def page() -> str:
    """The whole page."""
    from jarvis_lib.cli.entry import top

    return "\n".join([HEAD, *_pages(top, "jarvis", 2)]).rstrip() + "\n"


def _pages(group: click.Group, path: str, level: int) -> Iterator[str]:
    context = click.Context(group, info_name=path)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if command is None:
            raise LookupError(f"{path} lists {name}, which is not there")
        yield f"{'#' * level} {path} {name}\n"
        yield f"{_words(command.help)}\n"
        if isinstance(command, click.Group):
            yield from _pages(command, f"{path} {name}", level + 1)
        else:
            yield from _usage(command, f"{path} {name}")


def _usage(command: click.Command, path: str) -> Iterator[str]:
    """Its form, its example and a table of its own options."""
    pieces = " ".join(command.collect_usage_pieces(click.Context(command, info_name=path)))
    example = str(getattr(command, "example", "")).strip()
    yield "\n".join(["```text", f"{path} {pieces}", *(["", *example.splitlines()] if example else []), "```", ""])
    rows = [p.get_help_record(click.Context(command)) for p in command.get_params(click.Context(command)) if "--help" not in p.opts]
    told = [(record[0], _words(record[1])) for record in rows if record and record[1]]
    if told:
        yield "\n".join(["| option | what it does |", "|---|---|", *(f"| `{_cell(names)}` | {_cell(said)} |" for names, said in told), ""])


def _words(text: str | None) -> str:
    return re.sub(r"\s+", " ", text or "").strip()


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    sys.stdout.write(page())
