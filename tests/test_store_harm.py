"""What the store says when something is not as it should be: in one sentence that tells what to do, and nothing is lost or changed."""

import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta, timezone
from pathlib import Path

import pytest

from jarvis_lib.model.fact import Refused
from jarvis_lib.store import engine, foreign, journal, lock, queries, recover, spool
from jarvis_lib.store.place import Place
from jarvis_lib.store.rows import insert, to_db
from jarvis_lib.store.snapshot import answer, open_snapshot
from jarvis_lib.store.tasks import find
from tests.facts import added, task


def fill(place: Place) -> None:
    """Two tasks in two batches: four facts, since each is decided."""
    for n in range(2):
        place.store.write(added(place, task(f"T{n}")))


def by_duckdb(path: Path, *statements: str) -> None:
    """Done by another program, as somebody would who knows better."""
    code = "import duckdb, sys\nwith duckdb.connect(sys.argv[1]) as con:\n    [con.execute(s) for s in sys.argv[2:]]"
    subprocess.run([sys.executable, "-c", code, str(path), *statements], check=True)


@contextmanager
def held_by_another(path: Path) -> Iterator[int]:
    code = "import duckdb, sys\ncon = duckdb.connect(sys.argv[1])\nprint('held', flush=True)\nsys.stdin.read()"
    holder = subprocess.Popen([sys.executable, "-c", code, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None and holder.stdout.readline() == "held\n"
    yield holder.pid
    holder.communicate()


def titles(place: Place) -> list[str]:
    with place.store.reading() as reader:
        return sorted(r["title"] for r in reader.rows("autonomous_queue.listing", open_only=False, state="", most=99))


# --- verify and rebuild --------------------------------------------------------------------------------------------------


def test_verify_names_the_line_from_which_the_database_differs(place: Place) -> None:
    """Somebody changed a row of the facts; a rebuild puts it right."""
    fill(place)
    by_duckdb(place.store.path, "UPDATE facts SET hash = 'x' WHERE seq = 3")
    assert recover.verify(place.store) == ["Database and journal differ from line 3 on."]
    assert recover.rebuild(place.store) == "The database was rebuilt from the journal: 5 facts.", "four, and the notice of the rebuild"
    assert recover.verify(place.store) == []


def test_verify_knows_whether_a_briefs_hash_is_still_one_of_the_chain(place: Place) -> None:
    """A journal that was cut or written anew is seen by whoever kept the morning's page."""
    assert recover.newest(place.store) == (0, "")
    fill(place)
    number, head = recover.newest(place.store)
    assert number == 4 and recover.verify(place.store, head=head[:12]) == []
    assert recover.verify(place.store, head="0123456789ab") == [
        "The hash 0123456789ab is not in the chain: facts that a brief rested on were cut off or changed."
    ]


def test_verify_names_what_belongs_to_nothing(place: Place) -> None:
    """A decision whose task is gone."""
    fill(place)
    by_duckdb(place.store.path, "DELETE FROM tasks WHERE title = 'T0'")
    assert any("belongs to nothing" in said for said in recover.verify(place.store))


def test_a_rebuild_needs_no_database_and_no_facts(place: Place) -> None:
    """A workspace of before its first fact, and one whose file is gone."""
    assert recover.rebuild(place.store) == "The database was rebuilt from the journal: 0 facts."
    fill(place)
    place.store.path.unlink()
    recover.rebuild(place.store)
    assert titles(place) == ["T0", "T1"] and recover.verify(place.store) == []


def test_a_rebuild_waits_for_no_foreign_program_and_takes_nothing_from_it(place: Place) -> None:
    """Neither while it holds the file, nor when the file is its own."""
    fill(place)
    with held_by_another(place.store.path) as pid, pytest.raises(Refused, match=f"cannot be rebuilt now: PID {pid}") as caught:
        recover.rebuild(place.store)
    assert caught.value.code == "busy"
    before = place.store.path.read_bytes()
    assert titles(place) == ["T0", "T1"] and len(before) > 0


def test_a_rebuild_of_a_broken_file_says_what_was_broken(place: Place) -> None:
    """The old one is kept beside it."""
    fill(place)
    place.store.path.write_bytes(b"no database" * 500)
    recover.rebuild(place.store)
    assert [p.read_bytes()[:11] for p in place.store.path.parent.glob("jarvis.damaged-*.duckdb")] == [b"no database"]
    assert titles(place) == ["T0", "T1"]


# --- repair --------------------------------------------------------------------------------------------------------------


def test_a_repair_asks_for_a_file_that_is_there_and_holds_facts(place: Place) -> None:
    """The journal stays as it is."""
    fill(place)
    empty, strange = place.home / "empty.duckdb", place.home / "strange.duckdb"
    by_duckdb(empty, queries.schema())
    before = journal.files(place.home)[-1].read_bytes()
    with pytest.raises(Refused, match="There is no file"):
        recover.repair(place.store, place.home / "nowhere.duckdb")
    with pytest.raises(Refused, match="holds no facts; choose another snapshot"):
        recover.repair(place.store, empty)
    place.store.snapshot(strange)
    by_duckdb(strange, "UPDATE facts SET actor = 'somebody' WHERE seq = 2")
    with pytest.raises(Refused, match=r"are not whole \(line 2\)"):
        recover.repair(place.store, strange)
    assert journal.files(place.home)[-1].read_bytes() == before


def test_a_repair_keeps_what_the_journal_has_beyond_the_snapshot(place: Place) -> None:
    """The journal's own lines up to the damage go on from where the snapshot ends."""
    fill(place)
    old = place.store.snapshot(place.home / "old.duckdb")
    place.store.write(added(place, task("later")))
    shutil.rmtree(place.home / "data" / "snapshots", ignore_errors=True)
    place.store.path.unlink()
    assert "has 6 facts again" in recover.repair(place.store, old)
    assert titles(place) == ["T0", "T1", "later"]


def test_a_repair_from_an_old_snapshot_is_refused_while_the_database_knows_more(place: Place) -> None:
    """It names the better source."""
    fill(place)
    old = place.store.snapshot(place.home / "old.duckdb")
    place.store.write(added(place, task("later")))
    shutil.rmtree(journal.folder(place.home))
    with pytest.raises(Refused, match=f"holds 4 facts, but the database holds 6. Repair from it: jarvis store repair --from {place.store.path}"):
        recover.repair(place.store, old)
    recover.repair(place.store, place.store.path)
    assert titles(place) == ["T0", "T1", "later"]


def test_a_repair_from_a_snapshot_does_not_need_the_broken_database(place: Place) -> None:
    """Journal and database are both gone; the snapshot is what is left."""
    fill(place)
    old = place.store.snapshot(place.home / "old.duckdb")
    shutil.rmtree(journal.folder(place.home))
    place.store.path.write_bytes(b"no database" * 500)
    recover.repair(place.store, old)
    assert titles(place) == ["T0", "T1"] and recover.verify(place.store) == []


# --- the journal ---------------------------------------------------------------------------------------------------------


def test_a_journal_of_several_files_is_one_chain_and_is_read_from_where_it_is_needed(place: Place) -> None:
    """A file that is full ends; the next begins with the next number. A missing one in between stops all work."""
    fill(place)
    first = journal.files(place.home)[-1]
    with first.open("r+b") as stream:
        lines = stream.read().splitlines(keepends=True)
        stream.truncate(len(b"".join(lines[:2])))
    first.with_name("journal-000000000003.jsonl").write_bytes(b"".join(lines[2:]))
    assert [line.seq for line in journal.read(place.home)] == [1, 2, 3, 4] and journal.tail(place.home).seq == 4
    first.write_bytes(b"")
    assert [line.seq for line in journal.read(place.home, after=2)] == [3, 4], "what came before was read long ago"
    with pytest.raises(journal.JournalDamaged, match="journal-000000000003.jsonl line 1"):
        list(journal.read(place.home))


def test_a_journal_that_does_not_continue_what_the_rows_have_is_named(place: Place) -> None:
    """Line 2 is there, with another hash."""
    fill(place)
    with pytest.raises(journal.JournalDamaged, match="line 2"):
        list(journal.read(place.home, after=2, prev="another"))


def test_an_empty_journal_file_is_no_damage(place: Place) -> None:
    """A file that was begun and got no line is passed over, and nothing is told."""
    fill(place)
    (journal.folder(place.home) / "journal-000000000005.jsonl").write_bytes(b"")
    assert journal.tail(place.home) == journal.Tail(4, list(journal.read(place.home))[-1].hash, "")
    journal.append(place.home, [])
    assert journal.mark(place.home) == ("journal-000000000005.jsonl", 0)


def test_a_long_last_line_is_found_whole(place: Place) -> None:
    """Longer than what is read from the end at first."""
    place.store.write(added(place, task("long", description="ä" * 20_000)), added(place, task("longer", description="ö" * 20_000)))
    path = journal.files(place.home)[-1]
    assert path.stat().st_size > 1 << 16 and journal.tail(place.home).seq == 4
    with path.open("ab") as stream:
        stream.write(b'{"seq":5')
    assert "8 bytes were set aside" in journal.tail(place.home).dropped and journal.tail(place.home).dropped == ""


def test_a_journal_whose_last_lines_are_gone_stops_all_work(place: Place) -> None:
    """The database has more than the journal, which can never be."""
    fill(place)
    path = journal.files(place.home)[-1]
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:2]))
    with pytest.raises(Refused, match="ends at line 2, but the database has line 4"):
        titles(place)
    recover.repair(place.store, place.store.path)
    assert titles(place) == ["T0", "T1"]


# --- the lock ------------------------------------------------------------------------------------------------------------


def test_a_lock_is_waited_for_and_named_while_it_is_held(tmp_path: Path) -> None:
    """Who waits gets it as soon as it is free; who may not wait hears who has it."""
    path = tmp_path / "deep" / "x.lock"
    assert lock.is_free(path) and lock.owner(path) == ""
    first = lock.take(path, wait_s=0, what="The store")
    assert not lock.is_free(path) and f"PID {os.getpid()}" in lock.owner(path)
    with pytest.raises(Refused, match=f"The store is busy: PID {os.getpid()}") as caught:
        lock.take(path, wait_s=0.05, what="The store")
    assert caught.value.code == "busy"
    path.write_text("{}")
    with pytest.raises(Refused, match="another process has it"):
        lock.take(path, wait_s=0.05, what="The store")
    threading.Timer(0.2, os.close, [first]).start()
    with lock.held(path, wait_s=30, what="The store"):
        assert not lock.is_free(path)
    assert lock.is_free(path)


def test_a_lock_that_cannot_be_opened_says_why(tmp_path: Path) -> None:
    """A folder stands where the lock should be."""
    with pytest.raises(Refused, match="cannot be opened"):
        lock.take(tmp_path, wait_s=0, what="The store")


# --- reading -------------------------------------------------------------------------------------------------------------


def test_a_task_is_named_by_enough_of_its_id(place: Place) -> None:
    """Too little, nothing and too many are three sentences; capitals and blanks are no difference."""
    place.store.write(*[added(place, task(f"T{n}", id=f"abcde{n}fghj")) for n in range(2)])
    with place.store.reading() as reader:
        assert find(reader, " ABCDE1 ")["title"] == "T1"
        for text, said, code in (("abcd", "too short", "usage"), ("zzzzz", "There is no task", "missing"), ("abcde", "could be", "missing")):
            with pytest.raises(Refused, match=said) as caught:
                find(reader, text)
            assert caught.value.code == code


def test_a_snapshot_that_is_none_is_refused_by_both_readers(place: Place) -> None:
    """Missing, and not a database."""
    bad = place.home / "bad.duckdb"
    bad.write_bytes(b"no database" * 500)
    for path, said in ((place.home / "nowhere.duckdb", "There is no snapshot"), (bad, "cannot be read")):
        with pytest.raises(Refused, match=said), open_snapshot(path):
            pass
        with pytest.raises(Refused, match=said):
            answer(path, "SELECT 1")


def test_a_query_that_does_not_exist_is_named_with_those_that_do() -> None:
    with pytest.raises(KeyError, match=r"no query 'store.nothing'; store.sql has .*counts"):
        queries.block("store.nothing")


def test_a_row_that_lacks_a_column_and_a_time_without_a_zone_are_mistakes(place: Place) -> None:
    """A rule that forgets something is found by its first test, not in the data."""
    with place.store.reading() as reader:
        with pytest.raises(ValueError, match="row for meta has"):
            insert(reader._con, "meta", [{"key": "x"}])
        insert(reader._con, "meta", [])
    with pytest.raises(ValueError, match="without a zone"):
        to_db(place.now().replace(tzinfo=None))
    assert to_db(place.now().astimezone(timezone(timedelta(hours=2)))) == to_db(place.now()) == place.now().replace(tzinfo=None)
    assert to_db("x") == "x"


# --- somebody else's file ------------------------------------------------------------------------------------------------


def test_another_programs_file_is_packed_row_by_row_or_refused_in_a_word(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    """A store of Jarvis never; what is open elsewhere, and what is no database, with their codes."""

    def asked(*words: object) -> dict[str, object]:
        assert foreign.main([str(w) for w in words]) == 0
        told: dict[str, object] = json.loads(capsys.readouterr().out)
        return told

    other, target = place.home / "other.duckdb", place.home / "packed.duckdb"
    by_duckdb(other, "CREATE TABLE t AS SELECT range AS i FROM range(1000)", 'CREATE TABLE "a ""b" (x INT)', "CREATE VIEW v AS SELECT * FROM t")
    assert asked("pack", other, target) == {"rows": 1000, "tables": 2}
    assert asked("pages", other).keys() == {"block", "blocks", "free"}
    with held_by_another(other):
        assert asked("pages", other)["code"] == "busy"
    other.write_bytes(b"no database" * 500)
    assert asked("pages", other)["code"] == "failed"
    fill(place)
    assert asked("pages", place.store.path) == {"refused": "is a store of Jarvis, which looks after it itself", "code": "refused"}


# --- damage, room, foreign files -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "said", "broken"),
    [
        ("IOException", "IO Error: could not read from file", True),
        ("IOException", "IO Error: No space left on device", False),
        ("FatalException", "Corrupt database file", True),
        ("CatalogException", "Table x does not exist", False),
        ("InvalidInputException", "Corrupt database file: checksum", True),
    ],
)
def test_a_full_disk_is_no_damage_and_a_misspelt_table_neither(kind: str, said: str, broken: bool) -> None:
    """Only what is damaged is set aside and built anew."""
    import duckdb

    assert engine.is_damage(getattr(duckdb, kind)(said)) is broken


@pytest.mark.parametrize(
    ("raised", "said"),
    [
        (lambda: OSError(28, "No space left on device"), "No space left on device"),
        (lambda: OSError("odd"), "odd"),
        (lambda: __import__("duckdb").IOException("IO Error: full\nmore"), "IO Error: full"),
    ],
)
def test_a_disk_that_takes_no_more_is_one_sentence(raised: Callable[[], Exception], said: str, tmp_path: Path) -> None:
    """What was recorded is safe."""
    with pytest.raises(Refused, match="is applied later; free some space") as caught, engine.room_for(tmp_path / "x.duckdb"):
        raise raised()
    assert f"cannot be written ({said})" in caught.value.sentence


def test_a_spooled_fact_is_taken_by_whoever_comes_next(place: Place) -> None:
    """Recorded while nobody could apply it."""
    spool.put(place.home, added(place, task("waits")))
    assert len(spool.pending(place.home)) == 1 and titles(place) == ["waits"] and spool.pending(place.home) == []
