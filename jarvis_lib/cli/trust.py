"""`jarvis trust list | widen | narrow`: what has earned to run without asking, and your word on it."""

import click

from jarvis_lib.cli.shape import Run, verb

NO_RECORD = "Nothing has a record yet. It grows with every result that is verified and that you accept (jarvis accept ID)."


@verb("list", "jarvis trust list")
def list_(run: Run) -> None:
    """Every kind of work (category, recipe, repository) with its record, the lower bound of its share of good results, and what that means now."""
    from jarvis_lib.autonomous_queue import trusting
    from jarvis_lib.cli.columns import TRUST

    run.table("jarvis.trust/1", trusting.trusts(run.place), TRUST, empty=NO_RECORD)


@verb("widen", "jarvis trust widen k3f9x2", writes=True, rehearses=True)
@click.argument("kind", metavar="TASK|KIND")
def widen(run: Run, kind: str) -> None:
    """Let work of this task's kind run without asking while its record holds. Needs [trust] on = true in jarvis.toml."""
    from jarvis_lib.autonomous_queue import trusting

    run.say(trusting.widen(run.place, kind, now=run.now))


@verb("narrow", "jarvis trust narrow k3f9x2", writes=True, rehearses=True)
@click.argument("kind", metavar="TASK|KIND")
def narrow(run: Run, kind: str) -> None:
    """Ask about work of this task's kind again."""
    from jarvis_lib.autonomous_queue import trusting

    run.say(trusting.narrow(run.place, kind, now=run.now))
