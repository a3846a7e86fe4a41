"""`jarvis agents list | hold | release`: which coding agents may work, what they have cost, and who is held back until when."""

import click

from jarvis_lib.cli.shape import Run, verb

NO_AGENTS = 'No agent is switched on and none was ever called. Switch one on in jarvis.toml: [agent] order = ["claude"]'


@verb("list", "jarvis agents list")
def list_(run: Run) -> None:
    """The agents of [agent] order and those that were called: whether they may work now, calls, tokens and cost of the last 30 days."""
    from jarvis_lib.autonomous_queue import agents
    from jarvis_lib.cli.columns import AGENTS

    run.table("jarvis.agents/1", agents.listing(run.place, now=run.now), AGENTS, empty=NO_AGENTS)


@verb("hold", 'jarvis agents hold claude --until "2026-11-28 08:00"', writes=True, rehearses=True)
@click.argument("agent")
@click.option("--until", required=True, metavar="TIME", help="When it may work again by itself.")
@click.option("--reason", default="held by you", help="Why; it is kept with the agent.")
def hold(run: Run, agent: str, until: str, reason: str) -> None:
    """Keep an agent back until a time, for example to have its quota for yourself."""
    from jarvis_lib.autonomous_queue import agents

    moment = run.moment(until, "--until")
    assert moment is not None  # the option is required
    run.say(agents.hold(run.place, agent, until=moment, reason=reason, now=run.now))


@verb("release", "jarvis agents release claude", writes=True, rehearses=True)
@click.argument("agent")
def release(run: Run, agent: str) -> None:
    """Let an agent work again that was held or stopped."""
    from jarvis_lib.autonomous_queue import agents

    run.say(agents.release(run.place, agent, now=run.now))
