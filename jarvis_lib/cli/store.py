"""`jarvis store verify | rebuild | backup | repair`: looking after what was recorded."""

from pathlib import Path

import click

from jarvis_lib.cli.shape import Run, verb


@verb("verify", "jarvis store verify\njarvis store verify --head 3f9c2a7b01de4455", at=False)
@click.option("--head", default="", metavar="HASH", help="The journal's head as a brief printed it: it must still be in the chain.")
def verify(run: Run, head: str) -> int:
    """Compare journal and database in full. Exit 5 when something is wrong."""
    from jarvis_lib.model.fact import Refused
    from jarvis_lib.store.recover import newest
    from jarvis_lib.store.recover import verify as check

    if head and (len(head) < 8 or not all(c in "0123456789abcdef" for c in head)):
        raise Refused("--head takes at least 8 characters of the hash that a brief printed beside Journal, such as 3f9c2a7b01de4455.", code="usage")
    wrong = check(run.place.store, head=head)
    seq, newest_hash = newest(run.place.store)
    whole = f"The store is whole: journal and database say the same. {seq:,} facts, newest hash {newest_hash or 'none'}."
    run.show("jarvis.verify/1", {"ok": not wrong, "wrong": wrong, "facts": seq, "head": newest_hash}, wrong or [whole])
    return 5 if wrong else 0


@verb("rebuild", "jarvis store rebuild", writes=True, would="It would set the database aside and build it anew from the journal.")
def rebuild(run: Run) -> None:
    """Set the database aside and build it anew from the journal."""
    from jarvis_lib.store.recover import rebuild as build

    run.say(build(run.place.store))


@verb("backup", "jarvis store backup --to /media/stick/jarvis.duckdb", writes=True, would="It would write a verified copy of the store.")
@click.option("--to", metavar="FILE", help="Where the copy goes; otherwise into data/snapshots.")
def backup(run: Run, to: str | None) -> None:
    """Make a verified copy of the store, readable by plain DuckDB."""
    from jarvis_lib.store.recover import rotate_snapshots

    made = run.place.store.backup(Path(to).expanduser().resolve()) if to else rotate_snapshots(run.place.store, "backup")
    run.say(f"Backed up to {made}.", path=str(made))


@verb(
    "repair",
    "jarvis store repair --from data/snapshots/20261124T060000-after.duckdb",
    writes=True,
    would="It would write the journal anew from {source}, and keep the damaged one.",
)
@click.option("--from", "source", required=True, metavar="SNAPSHOT", help="A snapshot that holds the facts, such as one of data/snapshots.")
def repair(run: Run, source: str) -> None:
    """Write a damaged journal anew from a snapshot; the damaged one is kept."""
    from jarvis_lib.store.recover import repair as mend

    run.say(mend(run.place.store, Path(source).expanduser().resolve()))
