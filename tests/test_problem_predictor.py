"""problem_predictor: a scan is quick and quiet, a fix proves itself, loses nothing and goes back byte for byte."""

import gzip
import hashlib
import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from jarvis_lib import problem_predictor
from jarvis_lib.execution.fixes import notes, rotate
from jarvis_lib.execution.fixes.notes import Note
from jarvis_lib.execution.fixes.watch import Reading
from jarvis_lib.model.fact import Refused
from jarvis_lib.report import problem_frames
from jarvis_lib.store.place import Place
from jarvis_lib.workspace import open_workspace
from tests.conftest import NIGHT
from tests.roomy import roomy

LOG, DATABASE = "logs/app.log", "data/app.db"


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """A workspace that watches an app's log (over 0.1 MB) and its database, without any files yet."""
    return _watching(tmp_path)


def big_log(place: Place, *, count: int = 20_000) -> Path:
    path = place.home / LOG
    path.write_text("".join(f"line {n} of the app\n" for n in range(count)))
    return path


def bloated(place: Place) -> Path:
    """A database of which more than half is free pages, with an index, a view and an own version."""
    path = place.home / DATABASE
    with closing(sqlite3.connect(path)) as con:
        con.executescript(
            "CREATE TABLE flights (id INTEGER PRIMARY KEY, words TEXT); CREATE INDEX by_words ON flights (words);"
            "CREATE VIEW some AS SELECT id FROM flights; CREATE TABLE empty (x); PRAGMA user_version = 7;"
        )
        con.executemany("INSERT INTO flights (words) VALUES (?)", [(f"{n} " + "y" * 200,) for n in range(4000)])
        con.commit()
        con.execute("DELETE FROM flights WHERE id > 1000")
        con.commit()
    return path


def facts(place: Place, kind: str) -> list[dict[str, Any]]:
    lines = [json.loads(line) for p in (place.home / "data" / "journal").glob("*.jsonl") for line in p.read_text().splitlines()]
    return [line["fact"] for line in lines if line["fact"]["kind"] == kind]


def all_lines(log: Path) -> list[str]:
    """The lines of all archives and of the log, oldest first, without the blanks that a rotation leaves."""
    packed = [gzip.decompress(p.read_bytes()) for p in sorted(log.parent.glob(log.name + ".*.gz"), key=lambda p: (len(p.name), p.name))]
    return [line for line in (b"".join(packed) + log.read_bytes()).decode().split("\n") if line.strip()]


def rows(path: Path) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(path)) as con:
        assert con.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        return con.execute("SELECT * FROM flights ORDER BY id").fetchall()


def sha(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@contextmanager
def running(*argv: str, **options: Any) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(argv, **options)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def until(true: Callable[[], bool], *, within_s: float = 20.0) -> None:
    """Wait for something that must happen; fail when it does not."""
    end = time.monotonic() + within_s
    while not true():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.01)


def fix(place: Place, session: str | None = None) -> list[Any]:
    problem_predictor.scan(place, now=NIGHT)
    return problem_predictor.fix_safe(place, now=NIGHT, session=session)


# --- scan ----------------------------------------------------------------------------------------------------------------


def test_an_empty_workspace_has_no_problems(place: Place) -> None:
    """Nothing to watch is nothing wrong, and writes nothing."""
    assert problem_predictor.scan(place, now=NIGHT) == []
    assert not facts(place, "problem.found") and problem_predictor.listed(place) == []


def test_a_scan_finds_both_in_under_a_second_and_a_second_one_writes_no_fact(place: Place) -> None:
    """Only what is new, changed or gone is a fact."""
    big_log(place), bloated(place)
    begin = time.monotonic()
    found = problem_predictor.scan(place, now=NIGHT)
    assert time.monotonic() - begin < 1
    assert [p.key for p in found] == [f"oversized_log:{LOG}", f"bloated_database:{DATABASE}"] and all(p.safe for p in found)
    assert problem_predictor.scan(place, now=NIGHT + timedelta(hours=1)) == found
    assert len(facts(place, "problem.found")) == 2


def test_a_problem_that_moved_is_told_again_and_one_that_vanished_is_gone(place: Place) -> None:
    """A log that doubles is news; one that somebody emptied is no problem any more."""
    log = big_log(place)
    problem_predictor.scan(place, now=NIGHT)
    log.write_bytes(log.read_bytes() * 2)
    problem_predictor.scan(place, now=NIGHT)
    log.write_text("")
    assert problem_predictor.scan(place, now=NIGHT) == []
    assert (len(facts(place, "problem.found")), len(facts(place, "problem.gone"))) == (2, 1)
    assert [r["standing"] for r in problem_predictor.listed(place)] == ["gone"]


def test_a_locked_database_is_not_gone(place: Place) -> None:
    """What cannot be measured now keeps its state, and the scan does not wait for it."""
    path = bloated(place)
    problem_predictor.scan(place, now=NIGHT)
    with closing(sqlite3.connect(path, isolation_level=None)) as con:
        con.execute("BEGIN EXCLUSIVE")
        begin = time.monotonic()
        problem_predictor.scan(place, now=NIGHT)
        assert time.monotonic() - begin < 1
    assert not facts(place, "problem.gone")


def test_what_cannot_be_read_is_told_and_never_fixed(place: Place) -> None:
    """A damaged database is a problem for the person."""
    path = bloated(place)
    path.write_bytes(path.read_bytes()[:100] + os.urandom(5000))
    (found,) = problem_predictor.scan(place, now=NIGHT)
    assert (found.kind, found.severity, found.safe) == ("unreadable_database", "high", False)
    assert problem_predictor.fix_safe(place, now=NIGHT, session=None) == []


def test_a_full_disk_is_told(place: Place) -> None:
    """Under 5 % free is a problem, and no playbook touches it."""
    (found,) = problem_predictor.find([Reading("disk", "disk", 0.04, 0.05, True, "2 GB of 50 GB free (4%)", {"share": 0.04})])
    assert (found.kind, found.safe, found.probability) == ("full_disk", False, 1.0)


def test_a_damaged_duckdb_file_is_told_and_the_own_store_is_left_closed(place: Place) -> None:
    """A DuckDB file that cannot be read is a problem; Jarvis's own store is never opened from here, under whatever name."""
    problem_predictor.scan(place, now=NIGHT)
    (place.home / "data" / "other.db").write_bytes(b"\0" * 8 + b"DUCK" + b"\0" * 100)
    os.link(place.home / "data" / "jarvis.duckdb", place.home / "data" / "alias.db")
    said = {r["subject"]: r["said"] for r in problem_predictor.metrics(place)}
    assert "cannot be read as a DuckDB database" in said["data/other.db"]
    assert "own store" in said["data/alias.db"]


def test_a_dismissed_problem_stays_quiet(place: Place) -> None:
    """It is neither told nor fixed again."""
    big_log(place)
    problem_predictor.scan(place, now=NIGHT)
    assert problem_predictor.dismiss(place, "app.log", now=NIGHT) == f"oversized_log:{LOG}"
    assert fix(place) == [] and problem_predictor.scan(place, now=NIGHT) == []
    with pytest.raises(Refused, match="There is no problem 'nothing'"):
        problem_predictor.dismiss(place, "nothing", now=NIGHT)


# --- rotation ------------------------------------------------------------------------------------------------------------


def test_a_rotated_log_is_packed_whole_and_comes_back_byte_for_byte(place: Place) -> None:
    """Archive and log together hold every line once; undo restores the very bytes."""
    log = big_log(place)
    before, lines = sha(log), all_lines(log)
    (done,) = fix(place)
    assert done.verified and log.stat().st_size < 5000 and all_lines(log) == lines
    assert log.read_bytes().startswith(b" ") or log.read_bytes().startswith(b"line ")
    assert problem_predictor.scan(place, now=NIGHT) == []
    assert [r["standing"] for r in problem_predictor.listed(place, now=NIGHT)] == ["watching"]
    later = NIGHT + timedelta(days=2)
    assert [r["standing"] for r in problem_predictor.listed(place, now=later)] == ["watching"], "nobody has looked again yet"
    problem_predictor.scan(place, now=later)
    assert [r["standing"] for r in problem_predictor.listed(place, now=later)] == ["held"]
    assert problem_predictor.undo_fix(place, done.undo["fix"][:6], now=NIGHT).startswith("Undone: ")
    assert sha(log) == before and [p.name for p in log.parent.glob("app.log*")] == ["app.log"]
    with pytest.raises(Refused, match="undone already"):
        problem_predictor.undo_fix(place, done.undo["fix"], now=NIGHT)


WRITER = """
import sys
with open(sys.argv[1], "ab", buffering=0) as log:
    n = 0
    while True:
        log.write(b"written %d by another process\\n" % n)
        n += 1
"""


def test_a_process_that_keeps_writing_loses_no_line(place: Place) -> None:
    """It holds the log open and appends through five rotations; every line stands once, in its order."""
    log = place.home / LOG
    log.touch()
    with running(sys.executable, "-c", WRITER, str(log)):
        for n in range(5):
            until(lambda: log.stat().st_size > 150_000)
            note = Note(place.home, f"fix{n}", "p", "rotate_log", LOG, "", None)
            rotate.rotate(note, stamp=f"2026112{n}T000000Z", limit=100_000)
            note.done()
    found = all_lines(log)
    assert found == [f"written {n} by another process" for n in range(len(found))]
    assert len(found) * 25 > 5 * 140_000


def test_an_undo_under_a_writer_loses_no_line(place: Place) -> None:
    """The old lines come back in front of what is appended meanwhile."""
    log = place.home / LOG
    with running(sys.executable, "-c", WRITER, str(log)):
        until(lambda: log.exists() and log.stat().st_size > 150_000)
        note = Note(place.home, "fix", "p", "rotate_log", LOG, "", None)
        done = rotate.rotate(note, stamp="20261123T000000Z", limit=100_000)
        rotate.unrotate(done, note.folder)
    found = log.read_text().split("\n")[:-1]
    assert found == [f"written {n} by another process" for n in range(len(found))]


def test_tail_goes_on_across_a_rotation(place: Place, tmp_path: Path) -> None:
    """A plain `tail -f` misses no line. It may show the last few again, which it says itself."""
    log, seen = big_log(place), tmp_path / "seen"
    with seen.open("wb") as out, running("tail", "-n", "+1", "-f", str(log), stdout=out, stderr=subprocess.DEVNULL):
        until(lambda: "line 19999 " in seen.read_text())
        (done,) = fix(place)
        with log.open("a") as more:
            more.write("after the rotation\n")
        until(lambda: "after the rotation" in seen.read_text())
    assert done.verified
    shown = seen.read_text()
    assert {int(n) for n in re.findall(r"^line (\d+) of the app$", shown, re.M)} == set(range(20_000))


def test_a_writer_without_append_mode_is_left_alone(place: Place) -> None:
    """Shortened under it, the log would get a hole; the fix says who writes and what to do."""
    log = big_log(place)
    program = "import sys,time; f=open(sys.argv[1],'r+b'); f.seek(0,2); f.write(b'x\\n'); f.flush(); print(flush=True); time.sleep(60)"
    with running(sys.executable, "-c", program, str(log), stdout=subprocess.PIPE) as writer:
        assert writer.stdout is not None and writer.stdout.readline()
        before = sha(log)
        (done,) = fix(place)
    assert not done.verified and f"PID {writer.pid}" in done.said and "Start it with >>" in done.said
    assert sha(log) == before and not notes.unfinished(place.home)


def test_without_help_of_the_file_system_it_rotates_only_alone() -> None:
    """Where no head can be taken away (memory disks, macOS) a reader is enough to leave the log as it is; alone it goes both ways."""
    shared = Path("/dev/shm")
    if not shared.is_dir():
        pytest.skip("this machine has no memory disk")
    import tempfile

    with tempfile.TemporaryDirectory(dir=shared) as name:
        home = Path(name)
        log = home / "app.log"
        log.write_bytes(b"one line\n" * 5000)
        before = sha(log)
        note = Note(home, "fix", "p", "rotate_log", "app.log", "", None)
        with running("tail", "-f", str(log), stdout=subprocess.PIPE) as tail:
            assert tail.stdout is not None and tail.stdout.readline()
            with pytest.raises(Refused, match="is open in"):
                rotate.rotate(note, stamp="20261123T000000Z", limit=1000)
            assert note.undo is not None
            rotate.drop_archive(rotate.Rotation(**note.undo))
        assert sha(log) == before
        done = rotate.rotate(Note(home, "fix2", "p", "rotate_log", "app.log", "", None), stamp="20261123T000000Z", limit=1000)
        assert (done.how, log.stat().st_size) == ("truncate", 0)
        with log.open("ab") as more:
            more.write(b"later\n")
        rotate.unrotate(done, note.folder)
        assert log.read_bytes() == b"one line\n" * 5000 + b"later\n" and not list(home.glob("*.gz"))


def test_a_log_that_the_person_changed_is_not_put_back(place: Place) -> None:
    """Undo never destroys what came later; the old lines stay in the archive."""
    log = big_log(place)
    (done,) = fix(place)
    log.write_text("a new beginning\n")
    with pytest.raises(Refused, match="was changed since"):
        problem_predictor.undo_fix(place, done.undo["fix"], now=NIGHT)
    assert log.read_text() == "a new beginning\n" and len(list(log.parent.glob("app.log.*.gz"))) == 1


def test_a_half_blanked_line_is_finished(place: Place) -> None:
    """Killed between the two writes of a rotation, the log has half a line that the archive has whole; the next scan blanks it."""
    log = big_log(place)
    lines = all_lines(log)
    note = Note(place.home, "fix", f"oversized_log:{LOG}", "rotate_log", LOG, "", None)
    problem_predictor.scan(place, now=NIGHT)
    done = rotate.rotate(note, stamp="20261123T000000Z", limit=100_000)
    over = done.end - done.cut
    assert over > 0
    half = gzip.decompress(Path(done.archive).read_bytes())[-over:]
    with log.open("r+b") as file:
        file.write(half)
    assert all_lines(log) != lines
    problem_predictor.scan(place, now=NIGHT)
    assert all_lines(log) == lines and [f["id"] for f in facts(place, "fix.applied")] == ["fix.1"]


def test_old_archives_go_to_the_dated_trash_and_back(place: Place) -> None:
    """Rotated logs over 30 days are moved, never deleted; younger ones stay."""
    log = place.home / LOG
    log.write_text("now\n")
    for name, days in (("app.log.1", 31), ("app.log.20261001T000000Z.gz", 53), ("app.log.20261110T000000Z.gz", 13), ("app.log.md", 90)):
        path = log.with_name(name)
        path.write_text(name)
        os.utime(path, (NIGHT.timestamp() - days * 86400,) * 2)
    (done,) = fix(place)
    trash = place.home / "data" / "trash" / "2026-11-23" / "logs"
    assert done.verified and sorted(p.name for p in trash.iterdir()) == ["app.log.1", "app.log.20261001T000000Z.gz"]
    assert sorted(p.name for p in log.parent.glob("app.log*")) == ["app.log", "app.log.20261110T000000Z.gz", "app.log.md"]
    problem_predictor.undo_fix(place, done.undo["fix"], now=NIGHT)
    assert log.with_name("app.log.1").read_text() == "app.log.1" and not list(trash.iterdir())


# --- databases -----------------------------------------------------------------------------------------------------------


def test_a_compacted_database_has_the_same_rows_and_comes_back_byte_for_byte(place: Place) -> None:
    """Smaller, whole, same mode and content; undo restores the very file."""
    path = bloated(place)
    path.chmod(0o640)
    before, content, inode = sha(path), rows(path), path.stat().st_ino
    (done,) = fix(place)
    assert done.verified and "1,000 rows in 2 tables before and after" in done.said
    assert rows(path) == content and path.stat().st_mode & 0o777 == 0o640
    assert path.stat().st_size < 500_000 and problem_predictor.scan(place, now=NIGHT) == []
    problem_predictor.undo_fix(place, done.undo["fix"], now=NIGHT)
    assert (sha(path), path.stat().st_ino) == (before, inode)


def test_a_database_that_changed_since_is_not_put_back(place: Place) -> None:
    """One new row, and the undo is refused."""
    path = bloated(place)
    (done,) = fix(place)
    with closing(sqlite3.connect(path)) as con:
        con.execute("INSERT INTO flights (words) VALUES ('new')")
        con.commit()
    with pytest.raises(Refused, match="was changed since"):
        problem_predictor.undo_fix(place, done.undo["fix"], now=NIGHT)
    assert len(rows(path)) == 1001


@pytest.mark.parametrize(("hold", "tried"), [("pass", 1), ("con.execute('BEGIN EXCLUSIVE')", 0), ("con.execute('PRAGMA journal_mode=WAL')", 0)])
def test_a_database_that_somebody_holds_is_refused(place: Place, hold: str, tried: int) -> None:
    """An idle connection, a lock, a write-ahead log: each is enough to leave the file as it is (and the last two not to try)."""
    path = bloated(place)
    problem_predictor.scan(place, now=NIGHT)
    program = (
        "import sqlite3,sys,time; con=sqlite3.connect(sys.argv[1], isolation_level=None);"
        f"con.execute('SELECT count(*) FROM flights').fetchone(); {hold}; print(flush=True); time.sleep(60)"
    )
    with running(sys.executable, "-c", program, str(path), stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None and holder.stdout.readline()
        before = sha(path)
        fixes = problem_predictor.fix_safe(place, now=NIGHT, session="s1")
        assert sha(path) == before and len(fixes) == tried
        assert all(f"PID {holder.pid}" in f.said and not f.verified for f in fixes)
        assert problem_predictor.fix_safe(place, now=NIGHT, session="s1") == [], "one try in a session"
    assert not notes.unfinished(place.home) and len(list((place.home / "data").glob("*app.db*"))) <= 3


def test_a_database_that_a_task_is_changing_is_left_to_it(place: Place) -> None:
    """An attempt owns the paths that it changes for as long as it runs."""
    from tests.facts import added, claimed, opened, task

    bloated(place)
    problem_predictor.scan(place, now=NIGHT)
    one = task(changes=(DATABASE,))
    place.store.write(added(place, one), opened(place))
    place.store.write(claimed(place, one, "a1"))
    assert problem_predictor.fix_safe(place, now=NIGHT, session="s1") == []


def test_what_the_person_undid_is_not_done_again_by_a_session(place: Place) -> None:
    """A session keeps its hands off; the person may still ask for it."""
    bloated(place)
    (done,) = fix(place, "s1")
    problem_predictor.undo_fix(place, done.undo["fix"], now=NIGHT)
    assert fix(place, "s2") == []
    assert [f.verified for f in fix(place, None)] == [True]


def test_a_fix_that_cannot_write_changes_nothing(place: Place) -> None:
    """A full or read-only place is one sentence, and everything is as it was."""
    log = big_log(place)
    before = sha(log)
    problem_predictor.scan(place, now=NIGHT)
    (place.home / "data" / "kept").write_text("a file where the folder should be")
    (done,) = problem_predictor.fix_safe(place, now=NIGHT, session=None)
    assert not done.verified and "not fixed" in done.said and sha(log) == before


def test_unknown_fixes_are_refused(place: Place) -> None:
    """One sentence and the code for missing."""
    for name in ("", "abc", "0123456789"):
        with pytest.raises(Refused, match="There is no fix") as caught:
            problem_predictor.undo_fix(place, name, now=NIGHT)
        assert caught.value.code == "missing"


# --- frames --------------------------------------------------------------------------------------------------------------


def test_the_frames_hold_on_an_empty_workspace_and_on_a_full_one(place: Place) -> None:
    """The same columns in both; the chart has a bar for each thing that has a limit."""
    empty = problem_frames.known(place, now=NIGHT)
    assert problem_frames.load_chart(problem_frames.watched(place, now=NIGHT)).to_dict()["layer"]
    big_log(place), bloated(place)
    fix(place)
    known, watched = problem_frames.known(place, now=NIGHT), problem_frames.watched(place, now=NIGHT)
    assert empty.height == 0 and empty.schema == known.schema
    assert known["standing"].to_list() == ["watching", "watching"]
    assert dict(zip(watched["subject"], watched["standing"], strict=True))[DATABASE] == "within"
    assert problem_frames.said(watched, known).endswith("0 over the limit now. Problems: 2 watching.")


# --- kill -9 -------------------------------------------------------------------------------------------------------------

DYING = """
import os, sys
from datetime import datetime
from jarvis_lib.workspace import open_workspace
from jarvis_lib import problem_predictor
home, at, now = sys.argv[1], int(sys.argv[2]), datetime.fromisoformat(sys.argv[3])
place = open_workspace(home, clock=lambda: now, actor="person:test")
step = 0
def count(event, args):
    global step
    if event in ("os.rename", "os.link", "os.remove", "os.mkdir", "sqlite3.connect") or (event == "open" and "jarvis-tmp" in str(args[0])):
        step += 1
        if step == at:
            os.kill(os.getpid(), 9)
sys.addaudithook(count)
if sys.argv[4:]:
    for fix in sys.argv[4:]:
        problem_predictor.undo_fix(place, fix, now=now)
else:
    problem_predictor.fix_safe(place, now=now, session=None)
"""


@pytest.mark.long
def test_killed_at_any_step_it_leaves_old_or_new_whole(tmp_path: Path) -> None:
    """kill -9 before each file operation of both fixes; the next scan tidies up, records what happened, and it can be undone."""
    died = 0
    for at in range(1, 200):
        home = tmp_path / str(at)
        home.mkdir()
        outcome = _killed_at(home, at)
        if outcome == 0:
            break
        assert outcome == -signal.SIGKILL
        died += 1
    assert died > 15


@pytest.mark.long
def test_an_undo_killed_at_any_step_can_be_repeated(tmp_path: Path) -> None:
    """kill -9 in the middle of an undo: the same undo again puts everything back."""
    died = 0
    for at in range(1, 200):
        home = tmp_path / str(at)
        home.mkdir()
        place = _watching(home)
        log, path = big_log(place, count=6000), bloated(place)
        before = sha(log), sha(path)
        ids = [f.undo["fix"] for f in fix(place)]
        outcome = _dying(home, at, *ids)
        for one in ids:
            with suppress(Refused):  # the one that was undone already
                problem_predictor.undo_fix(place, one, now=NIGHT)
        assert (sha(log), sha(path)) == before and not list(log.parent.glob("app.log.*")), f"step {at}"
        assert len(facts(place, "fix.undone")) == 2, f"step {at}"
        if outcome == 0:
            break
        died += 1
    assert died > 5


def _watching(home: Path) -> Place:
    text = roomy().replace("log_max_mb = 10.0", "log_max_mb = 0.1").replace("databases = []", 'databases = ["data/*.db"]')
    (home / "jarvis.toml").write_text(text)
    for name in ("logs", "data"):
        (home / name).mkdir()
    return open_workspace(home, clock=lambda: NIGHT, actor="person:test")


def _dying(home: Path, at: int, *fixes: str) -> int:
    argv = [sys.executable, "-c", DYING, str(home), str(at), NIGHT.isoformat(), *fixes]
    return subprocess.run(argv, capture_output=True).returncode


def _killed_at(home: Path, at: int) -> int:
    place = _watching(home)
    log, path = big_log(place, count=6000), bloated(place)
    lines, content, before = all_lines(log), rows(path), (sha(log), sha(path))
    problem_predictor.scan(place, now=NIGHT)
    outcome = _dying(home, at)
    assert rows(path) == content, f"step {at}"
    problem_predictor.scan(place, now=NIGHT)
    assert all_lines(log) == lines and rows(path) == content, f"step {at}"
    assert not notes.unfinished(home) and not list(home.rglob("*jarvis-tmp*")), f"step {at}"
    for fact in reversed(facts(place, "fix.applied")):
        problem_predictor.undo_fix(place, fact["id"], now=NIGHT)
    assert (sha(log), sha(path)) == before, f"step {at}"
    assert not list(log.parent.glob("app.log.*")), f"step {at}"
    return outcome
