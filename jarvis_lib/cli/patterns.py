"""`jarvis patterns …`: which routines were learned, how sure that is, and what is forming."""

from dataclasses import asdict

from jarvis_lib.cli.render import Column
from jarvis_lib.cli.shape import Run, verb

PATTERNS = (
    Column("standing", "STANDS", "word"),
    Column("when", "WHEN"),
    Column("title", "TITLE", grow=True),
    Column("n", "CAME", "number"),
    Column("occasions", "OF", "number"),
    Column("low", "AT LEAST", "percent"),
    Column("base_rate", "GUESSING", "percent"),
    Column("next_at", "NEXT"),
    Column("said", "WHY", grow=True),
)


@verb("list", "jarvis patterns list")
def list_(run: Run) -> None:
    """The routines that hold, with the next expected time, and what is forming with what is missing."""
    from jarvis_lib import pattern_learner

    learned = pattern_learner.listed(run.place, now=run.now)
    run.table("jarvis.patterns/1", [asdict(p) for p in learned.patterns], PATTERNS, empty=f"{learned.said.capitalize()}.", data=learned)


@verb("stats", "jarvis patterns stats --json")
def stats(run: Run) -> None:
    """How much history there is, and how the routines did on later days against guessing."""
    from jarvis_lib import pattern_learner

    data = pattern_learner.stats(run.place, now=run.now)
    lines = [f"{data['said'].capitalize()}."]
    if data["occasions"]:
        share = f"{data['hits']} of {data['occasions']} days ({data['hit_rate']:.0%})"
        lines.append(f"After they were found they came on {share}; guessing hits {data['base_rate']:.0%}.")
    run.show("jarvis.pattern_stats/1", data, lines)
