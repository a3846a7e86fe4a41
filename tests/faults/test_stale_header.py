"""DuckDB 2.0 reads a file's header before it takes its lock. Under our lock no committed row is lost; without it one is."""

import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from jarvis_lib.store.place import Place
from tests.facts import added, task

pytestmark = [pytest.mark.faults, pytest.mark.skipif(shutil.which("strace") is None, reason="needs strace, which delays one system call")]
ROOT = Path(__file__).parents[2]
DELAYED = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=fcntl", "-e", "inject=fcntl:delay_enter=3000000"]

PLAIN = """
import sys, duckdb
duckdb.connect().execute("select 1"); print("ready", flush=True)
con = duckdb.connect(sys.argv[1]); con.execute("insert into t values (?)", [sys.argv[2]]); con.close()
"""
OURS = """
import sys
sys.path.insert(0, sys.argv[3])
from jarvis_lib.store import engine
from jarvis_lib.workspace import open_workspace
from tests.facts import added, task
place = open_workspace(sys.argv[1]); engine.engine(); print("ready", flush=True)
place.store.write(added(place, task(sys.argv[2])))
"""


def race(code: str, target: Path) -> None:
    """B opens and is held between header and lock; A opens, commits and closes; B goes on."""
    slow = subprocess.Popen([*DELAYED, sys.executable, "-c", code, str(target), "B", str(ROOT)], stdout=subprocess.PIPE, text=True)
    assert slow.stdout is not None and slow.stdout.readline() == "ready\n"
    time.sleep(1.0)
    subprocess.run([sys.executable, "-c", code, str(target), "A", str(ROOT)], check=True, stdout=subprocess.DEVNULL)
    assert slow.wait(60) == 0


def test_under_our_lock_both_rows_are_there(place: Place) -> None:
    """A waits for B, however long B hangs in between."""
    place.store.write(added(place, task("before")))
    race(OURS, place.home)
    with place.store.reading() as reader:
        titles = {r["title"] for r in reader.rows("autonomous_queue.listing", open_only=False, state="", most=99)}
    assert titles == {"before", "A", "B"}


def test_without_it_a_committed_row_is_lost(tmp_path: Path) -> None:
    """The reason for the lock. Should this fail with a newer DuckDB, read decision 0002 again."""
    path = tmp_path / "plain.duckdb"
    look = "import sys, duckdb; c = duckdb.connect(sys.argv[1]); "
    make = (
        "c.execute('create table t (who varchar, pad varchar default repeat(chr(120), 100))'); c.execute(\"insert into t (who) select 'x' from range(1000)\")"
    )
    subprocess.run([sys.executable, "-c", look + make + "; c.close()", str(path)], check=True)
    plain = PLAIN.replace("insert into t values (?)", "insert into t (who) values (?)")
    race(plain, path)
    read = look + "print(sorted(r[0] for r in c.execute(\"select who from t where who <> 'x'\").fetchall()))"
    found = subprocess.run([sys.executable, "-c", read, str(path)], check=True, capture_output=True, text=True).stdout.strip()
    assert found == "['B']"
