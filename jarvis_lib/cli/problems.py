"""`jarvis problems …`: what is wrong on this machine, what was fixed, and how it is taken back."""

import click

from jarvis_lib.cli.shape import Run, verb


@verb("scan", "jarvis problems scan --check", writes=True)
@click.option("--check", is_flag=True, help="Exit 5 when a problem stands.")
def scan(run: Run, check: bool) -> int:
    """Look for problems now."""
    from jarvis_lib import problem_predictor
    from jarvis_lib.cli.columns import PROBLEMS_FOUND

    found = [p.to_json() for p in problem_predictor.scan(run.place, now=run.now)]
    run.table("jarvis.problems_found/1", found, PROBLEMS_FOUND, empty="No problems found.")
    return 5 if found and check else 0


@verb("fix", "jarvis problems fix --dry-run", writes=True)
@click.argument("key", required=False, metavar="[PROBLEM]")
@click.option("--dry-run", is_flag=True, help="Say each step that would be done, and do nothing.")
def fix(run: Run, key: str | None, dry_run: bool) -> int:
    """Fix what is safe to fix and re-check it, or the one PROBLEM by your word. Exit 1 when a fix did not hold."""
    from jarvis_lib import problem_predictor
    from jarvis_lib.cli.columns import FIXES, STEPS

    if dry_run:
        wanted = problem_predictor.would_fix(run.place, key, now=run.now)
        steps = [row | {"step": step} for row in wanted for step in row["steps"] or [f"nothing: {row['refused']}"]]
        run.table("jarvis.fix_steps/1", steps, STEPS, empty="Nothing to fix that is safe to fix.", data=wanted)
        return 0
    if key is None:
        problem_predictor.scan(run.place, now=run.now)
    fixes = problem_predictor.fix_safe(run.place, now=run.now, session=None) if key is None else [problem_predictor.fix_one(run.place, key, now=run.now)]
    run.table("jarvis.fixes/1", [f.to_json() for f in fixes], FIXES, empty="Nothing to fix that is safe to fix.")
    for row in problem_predictor.asked(run.place, now=run.now) if key is None else ():
        run.note(f"It waits for your word ({row['tier']}): {row['command']}")
    return 0 if all(f.verified for f in fixes) else 1


@verb("metrics", "jarvis problems metrics")
def metrics(run: Run) -> None:
    """What is watched, with its numbers at this moment."""
    from jarvis_lib import problem_predictor
    from jarvis_lib.cli.columns import METRICS

    run.table("jarvis.metrics/1", problem_predictor.metrics(run.place, now=run.now), METRICS, empty="Nothing is watched; see [problems] in jarvis.toml.")


@verb("list", "jarvis problems list")
def list_(run: Run) -> None:
    """Every problem that was ever found, where it stands, and its fix."""
    from jarvis_lib import problem_predictor
    from jarvis_lib.cli.columns import PROBLEMS

    run.table("jarvis.problems/1", problem_predictor.listed(run.place, now=run.now), PROBLEMS, empty="No problems were ever found.")


@verb("undo", "jarvis problems undo 7h2kq", writes=True)
@click.argument("fix_id", metavar="FIX")
def undo(run: Run, fix_id: str) -> None:
    """Put back what a fix changed."""
    from jarvis_lib import problem_predictor

    run.say(problem_predictor.undo_fix(run.place, fix_id, now=run.now))


@verb("dismiss", "jarvis problems dismiss log:logs/app.log", writes=True)
@click.argument("key")
def dismiss(run: Run, key: str) -> None:
    """Never tell this problem again."""
    from jarvis_lib import problem_predictor

    run.say(f"Dismissed: {problem_predictor.dismiss(run.place, key, now=run.now)} is not told again.")
