"""Do journal and database say the same, and how is what is damaged made whole? Verify, rebuild, repair, and the snapshots to do it from.

The journal is the truth: the database is built anew from it. Only where the journal itself is damaged, a snapshot gives it back.
"""

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from jarvis_lib.model.fact import Fact, Refused, moment
from jarvis_lib.store import engine, journal, queries, spool
from jarvis_lib.store.opening import CHUNK, Current, opened, read_journal, set_aside
from jarvis_lib.store.rows import fetch

if TYPE_CHECKING:
    from jarvis_lib.store.store import Store


def verify(store: "Store", *, head: str = "") -> list[str]:
    """What is wrong, as sentences; an empty list when journal and database are whole and say the same.

    `head` is the hash that a brief printed: it must still be one of the chain, so that a journal whose tail was cut off or written anew is seen.
    """
    with store._threads, _locked(store):
        end = journal.tail(store.home)
        hashes = {line.seq: line.hash for line in read_journal(store, 0, "")}
        if end.seq != len(hashes):
            return [f"The journal has {len(hashes)} lines, but its last number is {end.seq}."]
        with opened(store, end) as current:
            hashes |= {line.seq: line.hash for line in store._drain(current, spool.pending(store.home))}
            lost = head and not any(known.startswith(head) for known in hashes.values())
            said = [f"The hash {head} is not in the chain: facts that a brief rested on were cut off or changed."] if lost else []
            return said + _compare(current, hashes)


def newest(store: "Store") -> tuple[int, str]:
    """The number and the hash of the journal's last line; (0, "") while there is none."""
    with store._threads, _locked(store):
        end = journal.tail(store.home)
    return end.seq, end.hash if end.seq else ""


def _compare(current: Current, hashes: dict[int, str]) -> list[str]:
    import duckdb

    wrong = []
    try:
        rows = {r["seq"]: r["hash"] for r in fetch(current.con, queries.block("store.fact_hashes"))}
        if rows != hashes:
            different = sorted(set(rows.items()) ^ set(hashes.items()))[0][0]
            wrong.append(f"Database and journal differ from line {different} on.")
        for name in [r["name"] for r in fetch(current.con, queries.block("store.tables"))]:
            current.con.execute(f"SELECT count(*), bit_xor(hash(COLUMNS(*))) FROM {name}").fetchall()  # noqa: S608  # the name comes from the catalogue
        for block, said in (("doubles", "is there twice"), ("orphans", "belongs to nothing")):
            wrong += [f"{r['table']} {r['key']} {said}." for r in fetch(current.con, queries.block(f"store.{block}"))]
    except duckdb.Error as error:
        wrong.append(f"The database cannot be read in full: {str(error).splitlines()[0][:200]}")
    return wrong


def rebuild(store: "Store", why: str = "you asked for it") -> str:
    """Set the database aside and build it anew from the journal; the sentence of what was done."""
    with store._threads, _locked(store):
        end = journal.tail(store.home)
        for _ in read_journal(store, 0, ""):
            pass  # a damaged journal is found before the database is moved
        notices: list[str] = []
        if store.path.exists():
            try:
                engine.attach(engine.engine(), store.path, read_only=False, name="probe")
                engine.detach(engine.engine(), "probe")
            except engine.Held as error:
                raise Refused(f"The database cannot be rebuilt now: {error}.", code="busy") from error
            except engine.Damaged as error:
                why = f"{why}; {error}"
            except engine.Foreign as error:
                raise Refused(f"{error}. Move it away, or choose another workspace.", code="failed") from error
            set_aside(store, why, notices)
        with opened(store, end, notices) as current:
            store._drain(current, spool.pending(store.home))
            return f"The database was rebuilt from the journal: {current.seq:,} facts."


def repair(store: "Store", source: Path) -> str:
    """Write the journal anew from the facts in a snapshot. The damaged journal is set aside, never removed."""
    if not source.exists():
        raise Refused(f"There is no file {source}; the snapshots are in data/snapshots.", code="missing")
    with store._threads, _locked(store):
        lines = _lines_of(source, store)
        kept = _readable(store)
        if len(kept) > len(lines) and [k.hash for k in kept[: len(lines)]] == [x.hash for x in lines]:
            lines = kept
        _check_chain(lines, source)
        _refuse_older(store, source, len(lines))
        old = journal.folder(store.home)
        aside = old.with_name(f"journal.damaged-{datetime.now(UTC):%Y%m%dT%H%M%S%f}")
        if old.exists():
            os.replace(old, aside)
        for start in range(0, len(lines), CHUNK):
            journal.append(store.home, lines[start : start + CHUNK])
        if store.path.exists():
            set_aside(store, "its journal was repaired", [])
    return f"The journal has {len(lines):,} facts again, from {source.name}. The damaged one is kept as {aside.name}."


def _refuse_older(store: "Store", source: Path, count: int) -> None:
    """The live database may hold more facts than the snapshot: then it is the better source."""
    if source.resolve() == store.path.resolve() or not store.path.exists():
        return
    try:
        there = len(_lines_of(store.path, store))
    except (engine.Damaged, engine.Foreign, engine.Held, Refused):
        return
    if there > count:
        raise Refused(f"{source.name} holds {count:,} facts, but the database holds {there:,}. Repair from it: jarvis store repair --from {store.path}")


def _lines_of(source: Path, store: "Store") -> list[journal.Line]:
    same = source.resolve() == store.path.resolve()
    with engine.attached(source, read_only=True, name="source") as con:
        rows = fetch(con, queries.block("store.journal_lines"))
    if not rows:
        raise Refused(f"{source} holds no facts{' yet' if same else ''}; choose another snapshot.", code="refused")
    found = []
    for r in rows:
        kept = json.loads(r["data"])
        fact = Fact(r["id"], moment(r["at"].isoformat()), r["actor"], r["kind"], kept["data"], r["v"])
        found.append(journal.Line(r["seq"], kept["batch"], kept.get("last", 0), fact, r["refused"], r["prev"], r["hash"]))
    return found


def _readable(store: "Store") -> list[journal.Line]:
    """The journal's lines up to the damage."""
    found = []
    try:
        for line in journal.read(store.home):
            found.append(line)
    except journal.JournalDamaged:
        return found
    return found


def _check_chain(lines: Sequence[journal.Line], source: Path) -> None:
    prev = journal.FIRST
    for number, line in enumerate(lines, 1):
        if line.seq != number or journal.make(line.seq, line.batch, line.last, prev, line.fact, line.refused).hash != line.hash:
            raise Refused(f"The facts in {source} are not whole (line {number}); choose another snapshot.", code="refused")
        prev = line.hash


@contextmanager
def _locked(store: "Store") -> Iterator[None]:
    from jarvis_lib.store import lock

    with lock.held(store.lock_path, wait_s=store.wait_s, what="The store"):
        yield


def rotate_snapshots(store: "Store", label: str) -> Path:
    """A verified copy in `data/snapshots`, named by time; the oldest above the set number are removed."""
    folder = store.home / "data" / "snapshots"
    made = store.snapshot(folder / f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{label}.duckdb")
    for old in sorted(folder.glob("*.duckdb"))[: -int(store.settings.get("store", "snapshots"))]:
        old.unlink()
    return made
