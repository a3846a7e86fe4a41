"""`jarvis mcp …`: the door for agents, and how a host learns of it."""

import os
import sys
from typing import TYPE_CHECKING

import click

from jarvis_lib.cli.shape import Run, is_in_attempt, verb

if TYPE_CHECKING:
    from jarvis_lib.doors.mcp.hosts import Change

_HOST = click.option("--host", required=True, metavar="NAME", help="claude-code, codex or openclaw.")


@verb("serve", "jarvis mcp serve --agent claude-code", at=False, long=True)
@click.option(
    "--agent", required=True, metavar="NAME", help="Who speaks; what it proposes is signed agent:NAME. The host's configuration gives it, not the model."
)
def serve(run: Run, agent: str) -> None:
    """Let an agent propose, list, explain, report and withdraw, over standard input and output. A host starts this; nothing in it approves."""
    from jarvis_lib.doors.mcp.hosts import agent_name
    from jarvis_lib.doors.mcp.server import serve as answer
    from jarvis_lib.workspace import open_workspace

    folder, actor = run.folder, f"agent:{agent_name(agent)}"
    if sys.stdin.isatty():
        run.note("This speaks JSON-RPC with a host's program, which starts it by itself; set that up with: jarvis mcp install --host NAME")
    answer(lambda: open_workspace(folder, actor=actor), attempt=is_in_attempt())


@verb("install", "jarvis mcp install --host claude-code --dry-run\njarvis mcp install --host codex", writes=True)
@_HOST
@click.option("--dry-run", is_flag=True, help="Only show what would change.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--no-input", is_flag=True, help="Never ask; without --yes nothing is written.")
def install(run: Run, host: str, dry_run: bool, yes: bool, no_input: bool) -> None:
    """Tell a host about this workspace: shows the difference in its configuration, asks, keeps a copy of what was there. Twice changes nothing."""
    from importlib.util import find_spec

    from jarvis_lib.doors.mcp import hosts

    if find_spec("mcp") is None:
        from jarvis_lib.doors.mcp.server import MISSING

        run.note(MISSING)
    _change(run, hosts.installed(host, run.folder, env=os.environ), dry_run=dry_run, yes=yes, may_ask=not no_input)


@verb("remove", "jarvis mcp remove --host codex", writes=True)
@_HOST
@click.option("--dry-run", is_flag=True, help="Only show what would change.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--no-input", is_flag=True, help="Never ask; without --yes nothing is written.")
def remove(run: Run, host: str, dry_run: bool, yes: bool, no_input: bool) -> None:
    """Take the entry out of a host's configuration again."""
    from jarvis_lib.doors.mcp import hosts

    _change(run, hosts.removed(host, env=os.environ), dry_run=dry_run, yes=yes, may_ask=not no_input)


def _change(run: Run, change: "Change", *, dry_run: bool, yes: bool, may_ask: bool) -> None:
    from jarvis_lib.doors.mcp import hosts
    from jarvis_lib.model.fact import Refused
    from jarvis_lib.workspace import utc_now

    answer = {"path": str(change.path), "diff": change.diff, "written": False, "backup": None}
    if not change.diff:
        run.show("jarvis.mcp_change/1", answer, [f"Nothing to change: {change.path} is like that already."])
        return
    if dry_run:
        run.show("jarvis.mcp_change/1", answer, [*change.diff, "Nothing was written (--dry-run)."])
        return
    if not yes:
        if not may_ask or not sys.stdin.isatty():
            raise Refused("Nothing was written: a change of another program's configuration needs your yes. Look with --dry-run, then say it with --yes.")
        for line in change.diff:
            run.note(line)
        if not click.confirm(f"Write this to {change.path}?", default=False, err=True):
            run.show("jarvis.mcp_change/1", answer, ["Nothing was written."])
            return
    backup = hosts.write(change, now=utc_now())
    kept = f" What was there is kept as {backup}." if backup else ""
    run.show("jarvis.mcp_change/1", answer | {"written": True, "backup": str(backup) if backup else None}, [f"Written: {change.path}.{kept} {change.next}"])
