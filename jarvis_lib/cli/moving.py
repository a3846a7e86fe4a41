"""`jarvis import | export | imported`: coming from an older system, leaving with everything, and what came in."""

import sys
from pathlib import Path

import click

from jarvis_lib.cli.render import Column
from jarvis_lib.cli.shape import Run, verb

IMPORTED = (
    Column("kind", "WHAT", "word"),
    Column("old_id", "ID THERE", grow=True),
    Column("said", "STATE THERE"),
    Column("task", "TASK"),
    Column("state", "STATE HERE", "word"),
    Column("title", "TITLE", grow=True),
    Column("file", "FROM"),
    Column("at", "IMPORTED", spare=True),
)


@verb(
    "import",
    "jarvis import ~/old-jarvis --dry-run\njarvis import TODO.md --agent --repo ~/shop\njarvis import ~/export-of-another-workspace",
    writes=True,
    long=True,
)
@click.argument("path")
@click.option("--dry-run", is_flag=True, help="Tell what would come in and what would be left out, and write nothing.")
@click.option(
    "--agent", is_flag=False, flag_value="any", metavar="[NAME]", help="Have an agent do what may still run. The policy decides each task all the same."
)
@click.option("--repo", metavar="PATH", help="Let those tasks work in a copy of this git repository.")
@click.option("--default-recipes", is_flag=True, help="Give those tasks the default recipe of their category.")
def import_(run: Run, path: str, dry_run: bool, agent: str | None, repo: str | None, default_recipes: bool) -> int:
    """Bring in the JSON state of the old system, a Markdown checklist, or a whole export of Jarvis. Twice changes nothing.

    Approvals of the old system do not count, and what it calls completed stays unverified. Exit 1 when a file was refused.
    """
    from jarvis_lib.doors import importing

    where = Path(path).expanduser().resolve()
    if importing.is_export(where):
        run.say(importing.restore(run.place, where, dry_run=dry_run))
        return 0
    say = run.note if sys.stderr.isatty() else None
    made = importing.import_state(run.place, where, now=run.place.now(), dry_run=dry_run, agent=agent, repo=repo, by_default=default_recipes, say=say)
    run.show("jarvis.import/1", made, made.lines())
    return 0 if made.whole else 1


@verb("imported", "jarvis imported\njarvis imported problem", at=False)
@click.argument("kind", required=False, default="")
def imported(run: Run, kind: str) -> None:
    """What came from another system: its state there, and the task that it became. With --json also its whole content."""
    from jarvis_lib.doors import importing

    rows = importing.kept(run.place, kind)
    run.table("jarvis.imported/1", rows, IMPORTED, empty="Nothing was imported. Bring something in: jarvis import PATH --dry-run")


@verb("export", "jarvis export ~/jarvis-export\njarvis export --parquet ~/jarvis-export\njarvis export --classic ~/old-format", at=False, long=True)
@click.argument("folder", metavar="DIR")
@click.option("--parquet", is_flag=True, help="Facts and tables as Parquet instead of JSON lines.")
@click.option("--classic", is_flag=True, help="The old system's JSON files and its daily report, for tools that still read them.")
@click.option("--all-files", is_flag=True, help="Also kept files (for undo), attempts, sessions, reports and logs.")
@click.option("--dry-run", is_flag=True, help="Tell what would be written, and write nothing.")
def export(run: Run, folder: str, parquet: bool, classic: bool, all_files: bool, dry_run: bool) -> None:
    """Write everything out; `jarvis import` reads it back without loss into an empty workspace."""
    from jarvis_lib.doors import exporting
    from jarvis_lib.doors.classic_out import export_classic
    from jarvis_lib.model.fact import Refused

    where = Path(folder).expanduser().resolve()
    if classic and (parquet or all_files):
        raise Refused("--classic writes the old JSON files only; leave --parquet and --all-files out.", code="usage")
    exporting.refuse_full(where)
    if dry_run:
        run.say(f"Dry run, nothing was written: {where} is free and would hold {'the old JSON files' if classic else 'everything'}.")
    elif classic:
        counts = export_classic(run.place, where, now=run.place.now())
        run.say(f"Wrote {len(counts)} files of the old format to {where}.", files=counts)
    else:
        manifest = exporting.export(run.place, where, form="parquet" if parquet else "json", now=run.place.now(), all_files=all_files)
        run.say(exporting.said(where, manifest), folder=str(where), facts=manifest["facts"], tables=manifest["tables"])
