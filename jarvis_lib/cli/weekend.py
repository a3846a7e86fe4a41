"""`jarvis weekend …`: what is worth the weekend, the choice, and how far it is."""

from collections.abc import Sequence

import click

from jarvis_lib.cli.knocks import FROM_CRON, knock
from jarvis_lib.cli.pages import HTML, NO_PAGE, tell
from jarvis_lib.cli.shape import Run, verb


@verb("suggest", "jarvis weekend suggest")
@FROM_CRON
def suggest(run: Run, from_cron: bool) -> int:
    """Offer three to five things that fill this weekend's free hours. Nothing starts; with --at nothing is written down either."""
    if from_cron:
        return knock(run, "suggest")
    from jarvis_lib import weekend_planner
    from jarvis_lib.cli.columns import WEEKEND
    from jarvis_lib.cli.weekend_cards import suggestion_lines

    made = weekend_planner.suggest(run.place, now=run.now, write=not run.is_about_another_time)
    rows = [c.to_json() | {"when": made.weekend.key} for c in made.candidates]
    run.table("jarvis.weekend_suggestion/1", rows, WEEKEND, empty=made.said, human=suggestion_lines(made, zone=run.place.zone), data=made)
    return 0


@verb("select", "jarvis weekend select w3f9a1\njarvis weekend select w3f9a1 --phase build=6h --phase-command test='make test'", writes=True, rehearses=True)
@click.argument("build", metavar="CANDIDATE")
@click.option("--phase", "hours_of", multiple=True, metavar="NAME=HOURS", help="Hours of a phase: 6h, 90m, 20%; 0 leaves it out, a new name adds one.")
@click.option("--phase-command", "commands", multiple=True, metavar="NAME=COMMAND", help="What a phase runs.")
@click.option("--phase-check", "checks", multiple=True, metavar="NAME=COMMAND", help="What must exit 0 after it.")
def select(run: Run, build: str, hours_of: Sequence[str], commands: Sequence[str], checks: Sequence[str]) -> None:
    """Choose a candidate for the weekend, with its phases as they are or as you change them."""
    from jarvis_lib import weekend_planner
    from jarvis_lib.cli.weekend_cards import chosen_lines

    given = {"hours_of": _pairs(hours_of, "--phase"), "commands": _pairs(commands, "--phase-command"), "checks": _pairs(checks, "--phase-check")}
    made = weekend_planner.select(run.place, build, now=run.now, **given)
    run.show("jarvis.weekend_choice/1", made, chosen_lines(made))


@verb("start", "jarvis weekend start", writes=True, rehearses=True)
def start(run: Run) -> None:
    """Begin the chosen build: its phases become tasks, pinned to the weekend's windows. It says when each will run."""
    from jarvis_lib import weekend_planner

    made = weekend_planner.start(run.place, now=run.now)
    run.show("jarvis.weekend_choice/1", made, made.said)


@verb("progress", "jarvis weekend progress")
def progress(run: Run) -> None:
    """Phases and hours done, on track or not, and the probability that the rest is done in time."""
    from jarvis_lib import weekend_planner
    from jarvis_lib.cli.columns import WEEKEND_PHASES
    from jarvis_lib.cli.weekend_cards import progress_lines

    found = weekend_planner.progress(run.place, now=run.now)
    rows = [{"build": b.build, "track": b.track, "n": p.n, "task": p.task} | {k: getattr(p, k) for k in _PHASE} for b in found.builds for p in b.phases]
    if rows or run.as_json:
        run.table("jarvis.weekend_progress/1", rows or [{}], WEEKEND_PHASES, empty=found.said, human=progress_lines(found), data=found)
    else:
        run.show("jarvis.weekend_progress/1", found, progress_lines(found))


_PHASE = ("name", "standing", "hours", "real_h", "said")


@verb("complete", "jarvis weekend complete design", writes=True, rehearses=True)
@click.argument("phase", metavar="PHASE")
def complete(run: Run, phase: str) -> None:
    """Say that you have done a phase yourself (its name, number or task id). It counts as accepted by you, not as verified."""
    from jarvis_lib import weekend_planner

    run.say(weekend_planner.complete(run.place, phase, now=run.now))


@verb("summary", "jarvis weekend summary\njarvis weekend summary --html", long=True)
@HTML
@NO_PAGE
@FROM_CRON
def summary(run: Run, html: bool, no_page: bool, from_cron: bool) -> int:
    """The weekend report: as text, and as a page under reports/. With --json or --at nothing is written but the answer."""
    if from_cron:
        return knock(run, "summary")
    from jarvis_lib import weekend_planner
    from jarvis_lib.report.weekend_text import weekend_text

    return tell(run, "jarvis.weekend/1", weekend_planner.summary, weekend_text, weekend_planner.make_summary, html=html, no_page=no_page)


@verb("review", "jarvis weekend review\njarvis weekend review --html", long=True)
@HTML
@NO_PAGE
@FROM_CRON
def review(run: Run, html: bool, no_page: bool, from_cron: bool) -> int:
    """The week from Monday to Sunday: goals, forecasts, trust, what held and what was undone. From Sunday noon on of this week, before of the last."""
    if from_cron:
        return knock(run, "review")
    from jarvis_lib import weekend_planner
    from jarvis_lib.report.review_text import review_text

    return tell(run, "jarvis.review/1", weekend_planner.review, review_text, weekend_planner.make_review, html=html, no_page=no_page)


def _pairs(given: Sequence[str], option: str) -> dict[str, str]:
    """`NAME=VALUE`, once for each name."""
    from jarvis_lib.model.fact import Refused
    from jarvis_lib.model.prose import clean

    found: dict[str, str] = {}
    for text in given:
        name, sign, value = text.partition("=")
        if not (sign and name.strip() and value.strip()):
            raise Refused(f"{option} {clean(text)[:40]!r} is not NAME=VALUE.", code="usage")
        if name.strip() in found:
            raise Refused(f"{option} names {clean(name)[:40]!r} twice.", code="usage")
        found[name.strip()] = value.strip()
    return found
