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


@verb("fix", "jarvis problems fix", writes=True)
def fix(run: Run) -> int:
    """Scan, fix what is safe to fix, and re-check it. Exit 1 when a fix did not hold."""
    from jarvis_lib import problem_predictor
    from jarvis_lib.cli.columns import FIXES

    problem_predictor.scan(run.place, now=run.now)
    fixes = [f.to_json() for f in problem_predictor.fix_safe(run.place, now=run.now, session=None)]
    run.table("jarvis.fixes/1", fixes, FIXES, empty="Nothing to fix that is safe to fix.")
    return 0 if all(f["verified"] for f in fixes) else 1


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
