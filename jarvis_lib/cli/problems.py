"""`jarvis problems …`: what is wrong on this machine, what was fixed, and how it is taken back."""

import click

from jarvis_lib.cli.shape import Run, verb


@verb("scan", "jarvis problems scan --check", writes=True, would="It would look for problems, and write down what it found and a sample of each metric.")
@click.option("--check", is_flag=True, help="Exit 5 when a problem stands.")
@click.option("--quick", is_flag=True, help="Only take the numbers and hold them against their limits; no forecasts and alarms. For cron, every few minutes.")
def scan(run: Run, check: bool, quick: bool) -> int:
    """Look for problems now, and for what will become one."""
    from jarvis_lib import problem_predictor
    from jarvis_lib.cli.columns import PROBLEMS_FOUND
    from jarvis_lib.execution import postman

    look = problem_predictor.look(run.place, now=run.now, past=not quick)
    for sentence in look.notes:
        run.note(sentence)
    run.warnings += look.notes
    found = [p.to_json() for p in look.problems]
    if found:
        postman.call(run.place.home, run.place.settings)
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
        run.table("jarvis.fix_steps/1", steps, STEPS, empty="There is nothing that may be fixed without your word.", data=wanted)
        return 0
    if key is None:
        problem_predictor.scan(run.place, now=run.now)
    fixes = problem_predictor.fix_safe(run.place, now=run.now, session=None) if key is None else [problem_predictor.fix_one(run.place, key, now=run.now)]
    run.table("jarvis.fixes/1", [f.to_json() for f in fixes], FIXES, empty="There is nothing that may be fixed without your word.")
    for row in problem_predictor.asked(run.place, now=run.now) if key is None else ():
        run.note(f"It waits for your word ({row['tier']}): {row['command']}")
    return 0 if all(f.verified for f in fixes) else 1


@verb("metrics", "jarvis problems metrics\njarvis problems metrics --scores")
@click.option("--scores", is_flag=True, help="How good the forecasts and alarms were, beside a straight line through the last 30 days.")
def metrics(run: Run, scores: bool) -> None:
    """What is watched: the newest number with its limit, its range of 30 days and its trend."""
    from jarvis_lib import problem_predictor
    from jarvis_lib.cli.columns import METRICS, PREDICTION_SCORES

    if scores:
        board = problem_predictor.scores(run.place)
        run.table(
            "jarvis.prediction_scores/1", board, PREDICTION_SCORES, empty="No prediction has resolved yet; forecasts are scored when their time has come."
        )
        return
    rows = [problem_predictor.ranged(r) for r in problem_predictor.metrics(run.place, now=run.now)]
    run.table("jarvis.metrics/1", rows, METRICS, empty="Nothing is watched; see [problems] in jarvis.toml.")


@verb("list", "jarvis problems list")
def list_(run: Run) -> None:
    """Every problem that was ever found, where it stands, and its fix."""
    from jarvis_lib import problem_predictor
    from jarvis_lib.cli.columns import PROBLEMS

    run.table("jarvis.problems/1", problem_predictor.listed(run.place, now=run.now), PROBLEMS, empty="No problems were ever found.")


@verb("explain", "jarvis problems explain crossing:mount:/")
@click.argument("key", metavar="PROBLEM")
def explain(run: Run, key: str) -> None:
    """Everything that is known of one problem: its evidence, how it was foreseen, how such forecasts did, and its fixes."""
    from jarvis_lib import problem_predictor

    found = problem_predictor.explain(run.place, key, now=run.now)
    lines = found.pop("lines")
    run.show("jarvis.problem/1", found, lines)


@verb("undo", "jarvis problems undo 7h2kq", writes=True, would="It would put back what the fix {fix_id} changed.")
@click.argument("fix_id", metavar="FIX")
def undo(run: Run, fix_id: str) -> None:
    """Put back what a fix changed."""
    from jarvis_lib import problem_predictor

    run.say(problem_predictor.undo_fix(run.place, fix_id, now=run.now))


@verb("dismiss", "jarvis problems dismiss log:logs/app.log", writes=True, rehearses=True)
@click.argument("key", metavar="PROBLEM")
@click.option("--fixed", is_flag=True, help="It was real, and you have put it right yourself.")
def dismiss(run: Run, key: str, fixed: bool) -> None:
    """Never tell this problem again; of an alarm, not this incident, and less of what looks like it."""
    from jarvis_lib import problem_predictor

    chosen = problem_predictor.dismiss(run.place, key, now=run.now, real=fixed)
    if fixed:
        run.say(f"Noted: {chosen} was real and is put right; it is watched for a day.")
    elif chosen.startswith("unusual:"):
        run.say(f"Dismissed: this incident of {chosen} is not told again, and alarms like it less.")
    else:
        run.say(f"Dismissed: {chosen} is not told again.")
