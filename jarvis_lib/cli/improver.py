"""`jarvis improver …`: what Jarvis measures of itself, what it suggests, and what became of that."""

import click

from jarvis_lib.cli.render import Column
from jarvis_lib.cli.shape import Run, is_in_attempt, verb

SUGGESTIONS = (
    Column("id", "ID"),
    Column("kind", "KIND", "word"),
    Column("severity", "SEVERITY", "word"),
    Column("title", "SUGGESTION", grow=True),
    Column("why", "BECAUSE", grow=True),
)
EFFECTS = (Column("id", "ID"), Column("kind", "KIND", "word"), Column("title", "IMPROVEMENT", grow=True), Column("said", "SO FAR", grow=True))


@verb("suggest", "jarvis improver suggest")
def suggest(run: Run) -> None:
    """Measure Jarvis now and suggest changes, each with the figures behind it. With --at nothing is written down."""
    from jarvis_lib import self_improver
    from jarvis_lib.cli.improver_cards import suggestion_lines

    made = self_improver.suggest(run.place, now=run.now, write=not (run.is_about_another_time or is_in_attempt()))
    rows = [{"id": s.id, "kind": s.kind, "severity": s.severity, "title": s.title, "why": s.why} for s in made.suggestions]
    run.table("jarvis.suggestions/1", rows, SUGGESTIONS, empty=made.said, human=suggestion_lines(made), data=made)


@verb("stats", "jarvis improver stats --json")
def stats(run: Run) -> None:
    """Weaknesses open and closed, improvements with their measured effect, decisions, and the scoreboard of all predictors."""
    from jarvis_lib import self_improver
    from jarvis_lib.cli.improver_cards import stats_lines

    data = self_improver.stats(run.place, now=run.now)
    run.show("jarvis.improver_stats/1", data, stats_lines(data))


@verb(
    "accept",
    "jarvis improver accept i3f9a12bc",
    writes=True,
    would="It would take the suggestion {suggestion}: change its setting in jarvis.toml, or queue its task; `jarvis improver suggest` shows which.",
)
@click.argument("suggestion", metavar="SUGGESTION")
def accept(run: Run, suggestion: str) -> None:
    """Take a suggestion: a setting of jarvis.toml is changed, or a task is queued. It is measured afterwards."""
    from jarvis_lib import self_improver

    run.say(self_improver.accept(run.place, suggestion, now=run.now))


@verb(
    "decline",
    "jarvis improver decline i3f9a12bc --reason 'on purpose'",
    writes=True,
    would="It would decline {suggestion}, and take back what was accepted of it.",
)
@click.argument("suggestion", metavar="SUGGESTION")
@click.option("--reason", default="", help="Why; it is kept with the suggestion.")
def decline(run: Run, suggestion: str, reason: str) -> None:
    """No: it does not come back within 90 days. What was accepted is taken back."""
    from jarvis_lib import self_improver

    run.say(self_improver.decline(run.place, suggestion, now=run.now, reason=reason))


@verb("undo", "jarvis improver undo i3f9a12bc", writes=True, would="It would take back what was accepted of {suggestion}.")
@click.argument("suggestion", metavar="SUGGESTION")
def undo(run: Run, suggestion: str) -> None:
    """Take back what was accepted. Refused where you have changed the line since."""
    from jarvis_lib import self_improver

    run.say(self_improver.undo(run.place, suggestion, now=run.now))


@verb("measure", "jarvis improver measure")
def measure(run: Run) -> None:
    """Each accepted suggestion, before against after. Those whose days are over are judged for good; not with --at."""
    from jarvis_lib import self_improver

    found = self_improver.measure(run.place, now=run.now, write=not (run.is_about_another_time or is_in_attempt()))
    rows = [{"id": m.id, "kind": m.kind, "title": m.title, "said": m.said} for m in found]
    run.table("jarvis.improver_effects/1", rows, EFFECTS, empty="Nothing is being measured: no suggestion was accepted, or all are judged.", data=found)


@verb("log-time", "jarvis improver log-time search 5400", writes=True, rehearses=True)
@click.argument("op")
@click.argument("ms", metavar="MS")
def log_time(run: Run, op: str, ms: str) -> None:
    """Note how many milliseconds an operation took."""
    from jarvis_lib import self_improver

    run.say(self_improver.log_time(run.place, op, ms, now=run.now))


@verb("log-failure", 'jarvis improver log-failure weather "504 gateway timeout"', writes=True, rehearses=True)
@click.argument("api")
@click.argument("error")
def log_failure(run: Run, api: str, error: str) -> None:
    """Note that something that was called has failed."""
    from jarvis_lib import self_improver

    run.say(self_improver.log_failure(run.place, api, error, now=run.now))


@verb("log-correction", 'jarvis improver log-correction approvals "do not auto-approve Refactoring"', writes=True, rehearses=True)
@click.argument("topic")
@click.argument("text")
def log_correction(run: Run, topic: str, text: str) -> None:
    """Note a correction of yours. Nothing changes by itself."""
    from jarvis_lib import self_improver

    run.say(self_improver.log_correction(run.place, topic, text, now=run.now))
