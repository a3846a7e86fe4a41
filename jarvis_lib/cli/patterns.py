"""`jarvis patterns …`: what you do again and again, what the coming day brings, and what is made ready before you need it."""

from dataclasses import asdict

import click

from jarvis_lib.cli.render import Column
from jarvis_lib.cli.shape import Run, here, verb

PATTERNS = (
    Column("id", "ID", "id"),
    Column("standing", "STATE", "word"),
    Column("answer", "YOU SAID", "word"),
    Column("when", "WHEN"),
    Column("title", "TITLE", grow=True),
    Column("n", "CAME", "number"),
    Column("occasions", "OF", "number"),
    Column("low", "AT LEAST", "percent"),
    Column("base_rate", "GUESSING", "percent"),
    Column("next_at", "NEXT"),
    Column("said", "WHY", grow=True),
)
CHANCES = (
    Column("title", "WHAT", grow=True),
    Column("p", "LIKELY", "percent"),
    Column("base", "USUALLY", "percent"),
    Column("around", "ABOUT"),
    Column("between", "80 % BETWEEN"),
    Column("source", "FROM", "word"),
    Column("estimator", "BY"),
)
OFFERS = (
    Column("id", "ID", "id"),
    Column("state", "STATE", "word"),
    Column("need_at", "NEEDED"),
    Column("build_from", "START"),
    Column("title", "TITLE", grow=True),
    Column("p", "LIKELY", "percent"),
    Column("task", "TASK"),
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
    """How the routines did on later days against guessing, how good the predictions are, and what was prepared in vain."""
    from jarvis_lib import pattern_learner

    data = pattern_learner.stats(run.place, now=run.now)
    lines = [f"{data['said'].capitalize()}."]
    if data["occasions"]:
        share = f"{data['hits']} of {data['occasions']} days ({data['hit_rate']:.0%})"
        lines.append(f"After they were found they came on {share}; guessing hits {data['base_rate']:.0%}.")
    offers = data["offers"]
    lines.append(f"Predictions of days: {data['predictions']['said']}.")
    lines.append(f"Prepared: {offers['hits']} used within the day, {offers['waste']} in vain, {offers['open']} open, {offers['dismissed']} dismissed.")
    run.show("jarvis.pattern_stats/1", data, lines)


@verb("predict", "jarvis patterns predict\njarvis patterns predict --day tomorrow", long=True)
@click.option("--day", metavar="DAY", default="today", show_default=True, help="today, tomorrow, or a date such as 2026-11-27.")
@click.option("--seed", type=click.IntRange(0), metavar="N", default=1, show_default=True, help="Of the learners' chance: the same gives the same.")
def predict(run: Run, day: str, seed: int) -> None:
    """How likely each of your kinds of events comes on a day, and at which hour first, as known now."""
    from jarvis_lib import pattern_learner
    from jarvis_lib.cli.moments import day as read_day

    data = pattern_learner.predict(run.place, day=read_day(day, run.place.zone, now=run.now, option="--day"), now=run.now, seed=seed)
    rows = [c | {"around": _clock(c["h50"]), "between": f"{_clock(c['h10'])}-{_clock(c['h90'])}"} for c in data["chances"]]
    run.table("jarvis.pattern_chances/1", rows, CHANCES, empty=f"Nothing has come on enough days to say anything about {data['day']}.", data=data)
    run.note(f"{data['said'].capitalize()}.")


def _clock(hour: float) -> str:
    minutes = min(round(hour * 60), 24 * 60 - 1)
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


@verb(
    "suggest",
    "jarvis patterns suggest",
    writes=True,
    long=True,
    would="It would look for what is worth having ready, queue what you enabled, and ask about the rest once.",
)
@click.option("--seed", type=click.IntRange(0), metavar="N", default=1, show_default=True, help="Of the learners' chance: the same gives the same.")
def suggest(run: Run, seed: int) -> None:
    """What is worth having ready before you need it. Queues what you enabled; about anything else it asks once."""
    from jarvis_lib import pattern_learner

    rows = pattern_learner.suggest(run.place, now=run.now, seed=seed)
    run.table("jarvis.pattern_offers/1", rows, OFFERS, empty="Nothing is worth preparing now.")


@verb(
    "log",
    'jarvis patterns log status_report\njarvis patterns log status_report \'{"source": "manual"}\' --at "2026-11-24 09:10"',
    writes=True,
    would="It would log {event} as having happened.",
)
@click.argument("event")
@click.argument("detail", required=False, metavar="[JSON]")
@click.option("--at", "when", metavar="TIME", help='When it happened: "2026-11-24 09:10" or "09:10" (local), or ISO 8601; else now.')
def log(run: Run, event: str, detail: str | None, when: str | None) -> None:
    """Write down that something happened, so that its routine can be learned."""
    from jarvis_lib.pattern_learner.events import log as record
    from jarvis_lib.workspace import person

    at = None
    if when is not None:
        from jarvis_lib.cli.moments import read

        at = read(when, run.place.zone, now=run.now, option="--at")
    name = record(run.folder, event, detail, at=at, now=run.now, actor=person())
    run.say(f"Logged {name}.", event=name, at=at or run.now)


@verb(
    "enable", "jarvis patterns enable 4f0c21aa --task k3f9x\njarvis patterns enable status_report --recipe notebooks/report.ipynb", writes=True, rehearses=True
)
@click.argument("pattern")
@click.option("--task", metavar="ID", help="Queue a task like this one.")
@click.option("--recipe", metavar="NOTEBOOK|LINE", help="Queue a task with this notebook or command line.")
@click.option("--hours", type=float, metavar="HOURS", default=0.5, show_default=True, help="How long it will take.")
@click.option("--category", metavar="NAME", default="Documentation", show_default=True, help="Its category, by which the policy decides it.")
@click.option("--priority", metavar="WORD", default="MEDIUM", show_default=True, help="CRITICAL, HIGH, MEDIUM, LOW or BACKLOG.")
def enable(run: Run, pattern: str, task: str | None, recipe: str | None, hours: float, category: str, priority: str) -> None:
    """Have a learned pattern queue its task before each need. The policy still decides the task."""
    from jarvis_lib import pattern_learner

    where = here(run.folder, recipe) if recipe and recipe.endswith(".ipynb") else recipe
    words = {"hours": hours, "category": category, "priority": priority}
    run.say(pattern_learner.enable(run.place, pattern, now=run.now, recipe=where, task=task, words=words))


@verb("disable", "jarvis patterns disable 4f0c21aa", writes=True, rehearses=True)
@click.argument("pattern")
def disable(run: Run, pattern: str) -> None:
    """Have it queue nothing any more; its predictions go on."""
    from jarvis_lib import pattern_learner

    run.say(f"Disabled {pattern_learner.disable(run.place, pattern, now=run.now)}; it queues nothing.")


@verb("dismiss", "jarvis patterns dismiss 4f0c21aa", writes=True, rehearses=True)
@click.argument("pattern", metavar="PATTERN|OFFER")
def dismiss(run: Run, pattern: str) -> None:
    """Never offer it again."""
    from jarvis_lib import pattern_learner

    run.say(f"Dismissed {pattern_learner.dismiss(run.place, pattern, now=run.now)}; it is not offered again.")


@verb("import", "jarvis patterns import git", writes=True, long=True, would="It would read {source} as far as jarvis.toml allows it, and keep what is new.")
@click.argument("source", metavar="git|shell")
def import_(run: Run, source: str) -> None:
    """Read your commits or your shell history, as far as jarvis.toml allows it. Twice adds nothing."""
    from jarvis_lib import pattern_learner

    run.say("\n".join(pattern_learner.import_(run.place, source, now=run.now)))


@verb("purge", "jarvis patterns purge shell", writes=True, would="It would forget everything that was imported from {source}.")
@click.argument("source", metavar="git|shell")
def purge(run: Run, source: str) -> None:
    """Forget all that was imported from a source. What was logged by hand stands in the journal and stays."""
    from jarvis_lib import pattern_learner
    from jarvis_lib.model.prose import plural

    run.say(f"Forgotten: {plural(pattern_learner.purge(run.place, source), 'event')} of {source}.")
