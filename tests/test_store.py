"""The store keeps its promise: what was acknowledged is there, once, in order, whatever happens to the database file."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jarvis_lib.model.fact import Fact, Refused, canonical, from_json, new_id
from jarvis_lib.store import engine, journal, queries, recover, spool
from jarvis_lib.store.place import Place
from jarvis_lib.store.snapshot import open_snapshot
from jarvis_lib.store.store import Store
from tests.facts import added, claimed, ended, opened, passed, task

LONG_AGO = {"since": __import__("datetime").datetime(2000, 1, 1, tzinfo=__import__("datetime").UTC)}


def rows(place: Place) -> dict[str, list[str]]:
    """Every table's rows as sorted text, notices and their facts left out (a recovery adds one of each)."""
    with place.store.reading() as reader:
        names = [r["name"] for r in reader.rows("store.tables")]
        found = {}
        for name in names:
            if name not in ("meta", "notices"):
                every = reader._con.execute(f"SELECT * FROM {name}").fetchall()
                found[name] = sorted(str(r) for r in every if "notice" not in str(r))
        return found


def fill(place: Place, count: int = 3) -> list[str]:
    tasks = [task(f"Task {i}") for i in range(count)]
    place.store.write(*[added(place, t) for t in tasks])
    place.store.write(opened(place))
    place.store.write(claimed(place, tasks[0], "a1"))
    place.store.write(ended(place, tasks[0], "a1", evidence=[passed()]))
    return [t.id for t in tasks]


def notices(place: Place) -> list[str]:
    with place.store.reading() as reader:
        return [r["sentence"] for r in reader.rows("store.notices_since", **LONG_AGO)]


def test_an_added_task_is_decided_and_readable(place: Place) -> None:
    """Adding and deciding are two facts of one drain."""
    one = task()
    place.store.write(added(place, one))
    with place.store.reading() as reader:
        row = reader.one("autonomous_queue.task", id=one.id)
        assert row is not None
        assert (row["state"], row["approved_hash"] == row["content_hash"]) == ("queued", True)
        assert [d["verdict"] for d in reader.rows("autonomous_queue.decisions", task=one.id)] == ["auto"]


def test_a_fact_counts_once_however_often_it_is_spooled(place: Place) -> None:
    """A spool file that survived its own removal (a power cut) is known by its id."""
    fact = added(place, task())
    place.store.write(fact)
    spool.put(place.home, fact)
    with place.store.reading() as reader:
        assert reader.one("store.counts") == {"facts": 2, "tasks": 1, "attempts": 0, "sessions": 0}
    assert spool.pending(place.home) == []


def test_facts_stated_together_keep_their_order_at_one_time(place: Place) -> None:
    """With a clock that stands still the ids decide, and they rise."""
    tasks = [task(f"T{i}") for i in range(20)]
    applied = place.store.write(*[added(place, t) for t in tasks])
    assert [a.seq for a in applied] == sorted(a.seq for a in applied)
    assert [a.fact.data["task"]["title"] for a in applied] == [t.title for t in tasks]


def test_a_refused_fact_changes_nothing_and_is_remembered(place: Place) -> None:
    """What a rule refuses stands in the journal with its sentence."""
    with pytest.raises(Refused, match="There is no task 'nowhere'"):
        place.store.write(place.fact("task.dropped", task="nowhere"))
    with place.store.reading() as reader:
        assert reader.one("store.counts") == {"facts": 1, "tasks": 0, "attempts": 0, "sessions": 0}
        assert reader._con.execute("SELECT kind, sentence LIKE 'There is no task%' FROM refusals").fetchall() == [("task.dropped", True)]


@pytest.mark.parametrize("harm", ["deleted", "emptied", "truncated", "flipped", "garbage"])
def test_a_harmed_database_is_rebuilt_with_the_same_rows(place: Place, harm: str) -> None:
    """The journal is the truth: the same facts give the same rows, and the person is told."""
    fill(place)
    before = rows(place)
    path = place.store.path
    size = path.stat().st_size
    if harm == "deleted":
        path.unlink()
    elif harm == "flipped":
        data = bytearray(path.read_bytes())
        for at in range(12_288, size, 4096):
            data[at + 100] ^= 0x10
        path.write_bytes(data)
    elif harm == "garbage":
        path.write_bytes(b"not a database" * 1000)
    else:
        os.truncate(path, 0 if harm == "emptied" else size // 2)
    if recover.verify(place.store):
        recover.rebuild(place.store)
    assert rows(place) == before
    assert recover.verify(place.store) == []
    assert harm == "flipped" or any("rebuilt from the journal" in n for n in notices(place))


def test_a_database_from_before_the_last_facts_catches_up(place: Place) -> None:
    """An old copy put back in place lacks nothing afterwards."""
    fill(place)
    old = place.home / "old.duckdb"
    shutil.copyfile(place.store.path, old)
    place.store.write(added(place, task("later one")))
    before = rows(place)
    shutil.copyfile(old, place.store.path)
    assert rows(place) == before


def test_a_foreign_database_is_refused_and_left_as_it_was(place: Place) -> None:
    """A DuckDB file of another program is not ours to change."""
    path = place.store.path
    path.parent.mkdir()
    make = f"import duckdb; c = duckdb.connect({str(path)!r}); c.execute('CREATE TABLE theirs (i INT)'); c.close()"
    subprocess.run([sys.executable, "-c", make], check=True)
    before = path.read_bytes()
    with pytest.raises(Refused, match="of another program"), place.store.reading():
        pass
    assert path.read_bytes() == before


def test_a_newer_database_is_refused_and_left_as_it_was(place: Place) -> None:
    """A file of a later Jarvis is not touched."""
    fill(place)
    change = f"import duckdb; c = duckdb.connect({str(place.store.path)!r}); c.execute(\"UPDATE meta SET value = '999' WHERE key = 'schema'\"); c.close()"
    subprocess.run([sys.executable, "-c", change], check=True)
    before = place.store.path.read_bytes()
    with pytest.raises(Refused, match="newer Jarvis"):
        place.store.write(added(place, task()))
    assert place.store.path.read_bytes() == before


def test_an_older_schema_is_rebuilt(place: Place) -> None:
    """A new schema is a rebuild from the journal."""
    fill(place)
    before = rows(place)
    change = f"import duckdb; c = duckdb.connect({str(place.store.path)!r}); c.execute(\"UPDATE meta SET value = '0' WHERE key = 'schema'\"); c.close()"
    subprocess.run([sys.executable, "-c", change], check=True)
    assert rows(place) == before


HOLDER = """
import duckdb, sys, time
con = duckdb.connect(sys.argv[1], read_only=len(sys.argv) > 2)
print("held", flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize("read_only", [False, True])
def test_work_goes_on_while_a_foreign_program_holds_the_file(place: Place, read_only: bool) -> None:
    """Writers are not disturbed, readers see everything, and the file catches up afterwards."""
    fill(place)
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(place.store.path), *(["ro"] if read_only else [])], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert holder.stdin is not None and holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    place.store.write(added(place, task("while held")))
    with place.store.reading() as reader:
        assert [r["title"] for r in reader.rows("autonomous_queue.listing", open_only=False, state="", most=99)].count("while held") == 1
    copy = place.store.snapshot(place.home / "copy.duckdb")
    holder.communicate()
    with open_snapshot(copy) as reader:
        assert reader.one("store.counts")["tasks"] == 4
    assert recover.verify(place.store) == []
    with place.store.reading() as reader:
        assert reader.warnings == [] and reader.one("store.counts")["tasks"] == 4


@contextmanager
def held_by_another(path: Path) -> Iterator[None]:
    """A foreign program has the file open."""
    holder = subprocess.Popen([sys.executable, "-c", HOLDER, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None and holder.stdout.readline() == "held\n"
    try:
        yield
    finally:
        holder.communicate()


def replicas() -> int:
    return sum(name.startswith("replica") for (name,) in engine.engine().execute("SELECT database_name FROM duckdb_databases()").fetchall())


def test_stores_that_come_and_go_while_the_file_is_held_take_no_name_twice_and_no_memory(place: Place) -> None:
    """A new store may lie where an earlier one lay; what the earlier ones had read is given back, and the last one's when the file is free."""
    fill(place)
    with held_by_another(place.store.path):
        for _ in range(30):
            store = Store(place.home, place.settings)
            with store.reading() as reader:
                assert reader.one("store.counts")["tasks"] == 3
            assert replicas() <= 2
    store.write(added(place, task("after")))
    assert replicas() == 0
    with held_by_another(place.store.path), store.reading() as reader:
        assert reader.one("store.counts")["tasks"] == 4


def test_a_replica_is_made_again_when_its_engine_was_thrown_away(place: Place) -> None:
    """A damaged file takes the engine of the process with it, and so the replica of another store."""
    fill(place)
    with held_by_another(place.store.path):
        with place.store.reading() as reader:
            assert reader.warnings
        engine.detach(engine.engine(), "nothing_of_this_name")
        with place.store.reading() as reader:
            assert reader.warnings and reader.one("store.counts")["tasks"] == 3


def test_the_holder_is_named(place: Place) -> None:
    """A person can find the program that has the file."""
    fill(place)
    holder = subprocess.Popen([sys.executable, "-c", HOLDER, str(place.store.path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    holder.stdout.readline()
    with place.store.reading() as reader:
        assert f"PID {holder.pid}" in reader.warnings[0]
    holder.communicate()


def test_a_snapshot_opens_with_plain_duckdb_and_holds_everything(place: Place) -> None:
    """Any program may read it, at leisure."""
    fill(place)
    path = place.store.snapshot()
    look = f"import duckdb; print(duckdb.connect({str(path)!r}, read_only=True).execute('SELECT count(*) FROM tasks').fetchone()[0])"
    assert subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True).stdout == "3\n"


def test_snapshots_are_kept_to_the_set_number(place: Place) -> None:
    """Seven by default; the oldest go."""
    fill(place)
    folder = place.home / "data" / "snapshots"
    folder.mkdir()
    for i in range(9):
        (folder / f"2020010{i}T000000-old.duckdb").write_bytes(b"")
    made = recover.rotate_snapshots(place.store, "after")
    assert len(list(folder.iterdir())) == 7 and made.exists()


def test_a_damaged_block_met_by_a_reader_is_healed_by_the_next_command(place: Place) -> None:
    """The reader says so in one sentence; the command after it works on a rebuilt database."""
    place.store.write(*[added(place, task(f"T{i}", description=new_id(200))) for i in range(400)])
    before = rows(place)
    told = 0
    for block in range(1, 9):
        with place.store.path.open("r+b") as stream:
            stream.seek(12_288 + block * 16_384 + 500)
            stream.write(b"\xff\x00" * 40)
        try:
            rows(place)
        except Refused as error:
            told += "run the command again" in error.sentence
        assert rows(place) == before
    assert told > 0


def journal_file(place: Place) -> Path:
    return journal.files(place.home)[-1]


@pytest.mark.parametrize("cut", [1, 40, 300, None])
def test_a_torn_last_batch_is_dropped_whole_and_told(place: Place, cut: int | None) -> None:
    """Its facts are still in the spool, since the spool is emptied last. Cut between two lines (None), what follows from the fact is not lost either."""
    fill(place)
    late = added(place, task("survivor"))
    whole = journal_file(place).stat().st_size
    place.store.write(late)
    with journal_file(place).open("r+b") as stream:
        stream.seek(whole)
        stream.truncate(whole + (len(stream.readline()) if cut is None else cut))
    place.store.path.unlink()
    spool.put(place.home, late)
    assert any("torn by a power cut" in n for n in notices(place))
    with place.store.reading() as reader:
        assert [r["title"] for r in reader.rows("autonomous_queue.listing", open_only=False, state="", most=99)].count("survivor") == 1
        assert [d["verdict"] for d in reader.rows("autonomous_queue.decisions", task=late.data["task"]["id"])] == ["auto"]
    assert recover.verify(place.store) == []


@pytest.mark.parametrize("where", ["first", "middle", "last"])
def test_any_other_damage_of_the_journal_stops_all_work(place: Place, where: str) -> None:
    """An altered line is named, nothing is written, and a snapshot repairs it."""
    fill(place)
    good = place.store.snapshot(place.home / "good.duckdb")
    before = rows(place)
    path = journal_file(place)
    lines = path.read_bytes().splitlines(keepends=True)
    index = {"first": 0, "middle": len(lines) // 2, "last": len(lines) - 1}[where]
    lines[index] = lines[index].replace(b"Task", b"Tusk") if b"Task" in lines[index] else lines[index].replace(b'"v":1', b'"v":2')
    path.write_bytes(b"".join(lines))
    with pytest.raises((Refused, journal.JournalDamaged), match="jarvis store repair"):
        recover.verify(place.store)
    assert path.read_bytes() == b"".join(lines)
    said = recover.repair(place.store, good)
    assert "The damaged one is kept" in said
    assert rows(place) == before and recover.verify(place.store) == []


def test_a_lost_journal_stops_all_work_and_the_database_repairs_it(place: Place) -> None:
    """The database holds the facts too, so even then nothing is lost."""
    fill(place)
    before = rows(place)
    shutil.rmtree(journal.folder(place.home))
    with pytest.raises(Refused, match="store repair --from data/jarvis.duckdb"), place.store.reading():
        pass
    recover.repair(place.store, place.store.path)
    assert rows(place) == before


@pytest.mark.long
def test_the_journal_rotates_and_stays_one_chain(place: Place) -> None:
    """Files change, the chain does not."""
    facts = [added(place, task(f"T{i}", description="x" * 15_000)) for i in range(1500)]
    for start in range(0, len(facts), 300):
        place.store.write(*facts[start : start + 300])
    assert len(journal.files(place.home)) >= 2
    assert sum(1 for _ in journal.read(place.home)) == 3000
    assert journal.tail(place.home).seq == 3000
    assert [line.seq for line in journal.read(place.home, after=2990)] == list(range(2991, 3001))


def test_a_spool_file_that_is_no_fact_is_set_aside_and_told(place: Place) -> None:
    """Nothing is thrown away and nothing blocks."""
    place.store.write(added(place, task()))
    bad = Path(spool.folder(place.home)) / "2026-01-01T00:00:00.000000Z-bad.json"
    bad.write_text("{")
    with place.store.reading() as reader:
        assert "set aside" in reader.warnings[0]
    assert not bad.exists() and bad.with_suffix(".unreadable").exists()


def test_a_busy_store_records_and_says_so(place: Place) -> None:
    """The fact is on disk although it could not be applied yet; the next command applies it."""
    place.store.write(added(place, task()))
    hold = "import fcntl, os, sys; f = os.open(sys.argv[1], os.O_RDWR); fcntl.flock(f, fcntl.LOCK_EX); print('held', flush=True); sys.stdin.read()"
    holder = subprocess.Popen([sys.executable, "-c", hold, str(place.store.lock_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    holder.stdout.readline()
    place.store.wait_s = 0.2
    with pytest.raises(Refused, match="Recorded, not yet applied") as caught:
        place.store.write(added(place, task("patient")))
    assert caught.value.code == "busy"
    holder.communicate()
    with place.store.reading() as reader:
        assert reader.one("store.counts")["tasks"] == 2


ADDER = """
import sys
from jarvis_lib.workspace import open_workspace
from tests.facts import added, task
place = open_workspace(sys.argv[1])
for i in range(25):
    place.store.write(added(place, task(f"{sys.argv[2]}-{i}")))
"""


KERNEL = """
import sys
from jarvis_lib.report import frames
from jarvis_lib.workspace import open_workspace
place = open_workspace(sys.argv[1])
print("opening", flush=True)
while select.select([sys.stdin], [], [], 0.02)[0] == []:
    with place.store.reading() as reader:
        frames.tasks(reader)
"""


@pytest.mark.long
def test_eight_writers_a_reader_and_a_foreign_holder_lose_nothing(place: Place) -> None:
    """200 tasks from 8 processes are there, each once, and nobody saw a lock error: not the writers, not a kernel that opens frames."""
    place.store.write(added(place, task("first")))
    root = Path(__file__).parents[1]
    writers = [subprocess.Popen([sys.executable, "-c", ADDER, str(place.home), str(i)], cwd=root, stderr=subprocess.PIPE) for i in range(8)]
    holder = subprocess.Popen([sys.executable, "-c", HOLDER, str(place.store.path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    kernel = subprocess.Popen([sys.executable, "-c", "import select" + KERNEL, str(place.home)], cwd=root, stdin=subprocess.PIPE, stderr=subprocess.PIPE)
    seen = []
    while any(w.poll() is None for w in writers):
        with place.store.reading() as reader:
            seen.append(reader.one("store.counts")["tasks"])
    holder.communicate()
    assert (kernel.communicate(b"stop\n")[1], kernel.returncode) == (b"", 0)
    assert [(w.returncode, w.communicate()[1]) for w in writers] == [(0, b"")] * 8
    assert seen == sorted(seen)
    with place.store.reading() as reader:
        assert reader.one("store.counts")["tasks"] == 201
        assert reader.rows("store.doubles") == []
    assert recover.verify(place.store) == []


def test_every_named_query_prepares(place: Place) -> None:
    """A misspelt column in any .sql file is found here. Those of samples.sql and carrying.sql read and write files, and other tests run each."""
    with place.store.reading() as reader:
        for path in sorted(p for p in queries.SQL.glob("*.sql") if p.stem not in ("samples", "carrying")):
            for name, statement in queries.blocks(path.stem).items():
                if re.search(r"(?m)^SET ", statement):
                    continue  # settings of a connection are no query; tests/test_lab.py sees what they forbid
                reader._con.execute(f"PREPARE p AS {statement}")
                reader._con.execute("DEALLOCATE p")
                assert name


def test_times_come_back_as_they_went_in(place: Place) -> None:
    """Aware UTC in, aware UTC out, on the night of a clock change too."""
    at = place.now().replace(month=10, day=25, hour=0, minute=30, microsecond=123456)
    one = task(due=at + timedelta(hours=1))
    place.store.write(added(place, one, at=at))
    with place.store.reading() as reader:
        row = reader.one("autonomous_queue.task", id=one.id)
        assert row is not None and (row["added_at"], row["due"]) == (at, at + timedelta(hours=1))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=12,
)


@given(st.dictionaries(st.text(), json_values))
def test_a_fact_survives_its_own_text(data: dict[str, object]) -> None:
    """What is written is what is read, to the byte of its canonical form."""
    from tests.conftest import NIGHT

    fact = Fact(new_id(16), NIGHT, "person:test", "notice", data)
    text = json.dumps(fact.to_json(), ensure_ascii=False)
    assert canonical(from_json(json.loads(text)).to_json()) == canonical(fact.to_json())


def test_a_backup_writes_over_nothing_but_a_backup(place: Place) -> None:
    """Not over a file of the person, not over Jarvis's own, not into a folder that is not there."""
    fill(place)
    mine = place.home / "mine.txt"
    mine.write_text("mine")
    for bad in (mine, place.home / "jarvis.toml", place.store.path, journal_file(place), place.home, place.home / "nowhere" / "x.duckdb"):
        with pytest.raises(Refused):
            place.store.backup(bad)
    assert mine.read_text() == "mine" and recover.verify(place.store) == []
    good = place.home / "copy.duckdb"
    assert place.store.backup(good) == place.store.backup(good) == good


def test_odd_things_in_the_spool_stop_nobody(place: Place) -> None:
    """A pipe, a folder, a list, a copy of a fact: set aside or taken once, and the store stays open to all."""
    where = Path(spool.folder(place.home))
    fact = added(place, task("once"))
    path = Path(spool.put(place.home, fact))
    shutil.copy(path, path.with_name(path.stem + " (copy).json"))
    os.mkfifo(where / "2026-a.json")
    (where / "2026-b.json").mkdir()
    (where / "2026-c.json").write_text(json.dumps(fact.to_json() | {"id": 5}))
    (where / "2026-d.json").write_text(json.dumps(fact.to_json() | {"id": "d", "data": [1]}))
    (where / "2026-e.json").write_text(json.dumps(fact.to_json() | {"id": "e", "data": {"x": float("nan")}}))
    with place.store.reading() as reader:
        assert reader.one("store.counts") == {"facts": 2, "tasks": 1, "attempts": 0, "sessions": 0}
        assert len(reader.warnings) == 5
    assert spool.pending(place.home) == [] and recover.verify(place.store) == []


def test_lines_of_before_they_named_the_end_of_their_batch_are_read(place: Place) -> None:
    """A journal of the first days is as good as a new one: same rows, and it goes on."""
    fill(place)
    before = rows(place)
    lines, prev = [], journal.FIRST
    for line in journal.read(place.home):
        lines.append(journal.make(line.seq, line.batch, 0, prev, line.fact, line.refused))
        prev = lines[-1].hash
    journal_file(place).unlink()
    journal.append(place.home, lines)
    assert b'"last"' not in journal_file(place).read_bytes()
    place.store.path.unlink()
    after = rows(place)
    assert {t: r for t, r in after.items() if t not in ("facts", "meta", "notices")} == {
        t: r for t, r in before.items() if t not in ("facts", "meta", "notices")
    }
    place.store.write(added(place, task("new")))
    assert recover.verify(place.store) == []
