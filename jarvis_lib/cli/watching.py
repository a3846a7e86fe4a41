"""`jarvis status | completion`: the running session with the tails of its logs, and completion for your shell."""

import time

import click

from jarvis_lib.cli.shape import Run, verb

_PAUSE_S = 1.0


@verb("status", "jarvis status\njarvis status --follow", at=False, long=True)
@click.option("--follow", is_flag=True, help="Go on until the session ends: attempts that begin and end, and what they print. Ctrl-C only ends the watching.")
@click.option("--lines", type=click.IntRange(0, 1000), metavar="N", default=5, show_default=True, help="So many last lines of each log.")
def status(run: Run, follow: bool, lines: int) -> None:
    """The running session: what runs, how long, and the last lines of each log."""
    from jarvis_lib import overnight_runner
    from jarvis_lib.cli.cards import session_status
    from jarvis_lib.overnight_runner.following import tails

    if follow:
        _follow(run, lines)
        return
    data = overnight_runner.status(run.place, now=run.place.now())
    data["running"] = tails(run.place, data["running"], lines=lines)
    told = [line for one in data["running"] if one["tail"] for line in [f"{one['title']}:", *(f"  {text}" for text in one["tail"])]]
    run.show("jarvis.status/1", data, [*session_status(data), *told])


def _follow(run: Run, lines: int) -> None:
    from jarvis_lib.model.fact import Refused
    from jarvis_lib.overnight_runner.following import Follower

    if run.as_json:
        raise Refused("--follow prints lines as they come, so leave --json out.", code="usage")
    watcher = Follower(run.place, lines=lines)
    while True:
        for line in watcher.look(now=run.place.now()):
            click.echo(line)
        if watcher.over:
            return
        time.sleep(_PAUSE_S)


@verb("completion", 'jarvis completion bash > ~/.local/share/bash-completion/completions/jarvis\njarvis completion zsh > "${fpath[1]}/_jarvis"', at=False)
@click.argument("shell", type=click.Choice(("bash", "zsh", "fish")))
def completion(run: Run, shell: str) -> None:
    """Print what makes your shell complete verbs, options and the ids of open tasks."""
    from click.shell_completion import ShellComplete, get_completion_class

    from jarvis_lib.cli.entry import top

    found = get_completion_class(shell)
    assert found is not None
    script = ShellComplete.source(found(top, {}, "jarvis", "_JARVIS_COMPLETE"))
    run.show("jarvis.completion/1", {"shell": shell, "script": script}, [script.strip("\n")])
