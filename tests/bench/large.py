"""`python -m tests.bench.large`: the queue beside huey and plain DuckDB, verbs on a store of a million attempts, and a session that only waits.

Part of `make bench`.
"""

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import psutil

from jarvis_lib import autonomous_queue
from jarvis_lib.model.settings import template
from jarvis_lib.store.place import Place
from jarvis_lib.workspace import open_workspace
from tests.bench.timing import ENVIRONMENT, HEAD, Figure, command, compare
from tests.bench.year import copied, lived
from tests.facts import added, claimed, ended, opened, passed, task

JARVIS = str(Path(sys.executable).with_name("jarvis"))
PYTHON = sys.executable
CYCLES = 20
MANY = 1_000_000

HUEY = """
import sys, time
from huey import SqliteHuey
queue = SqliteHuey(filename=sys.argv[1] + "/huey.db", fsync=True)
work = queue.task()(lambda n: n)
begin = time.perf_counter()
for n in range(int(sys.argv[2])):
    work(n)
    queue.execute(queue.dequeue())
print(time.perf_counter() - begin)
"""
PLAIN = """
import sys, time
import duckdb
path = sys.argv[1] + "/plain.duckdb"
duckdb.connect(path).execute("CREATE TABLE IF NOT EXISTS tasks (id INTEGER, state VARCHAR, said VARCHAR)")
begin = time.perf_counter()
for n in range(int(sys.argv[2])):
    moves = [f"UPDATE tasks SET state = '{state}' WHERE id = $n" for state in ("running", "done")]
    for line in ("INSERT INTO tasks VALUES ($n, 'queued', 'x')", *moves):
        with duckdb.connect(path) as con:
            con.begin()
            con.execute(line, {"n": n})
            con.commit()
print(time.perf_counter() - begin)
"""


def workspace(folder: Path) -> Place:
    """An empty one."""
    folder.mkdir(parents=True)
    (folder / "jarvis.toml").write_text(template())
    return open_workspace(folder, actor="person:bench")


def queues(base: Path) -> list[Figure]:
    """Add, claim, complete, one task after another, each step durable when it is over; the rules, the policy's decision and the journal are in ours."""
    place = workspace(base / "queue")
    place.store.append(opened(place))
    count = [0]

    def own() -> float:
        begin = time.perf_counter()
        for _ in range(CYCLES):
            count[0] += 1
            one, attempt = task(f"Task {count[0]}"), f"a{count[0]}"
            place.store.append(added(place, one))
            place.store.append(claimed(place, one, attempt))
            place.store.append(ended(place, one, attempt, evidence=[passed()]))
        return time.perf_counter() - begin

    def other(code: str) -> Callable[[], float]:
        def run() -> float:
            with tempfile.TemporaryDirectory(dir=base) as folder:
                argv = [PYTHON, "-c", code, folder, str(CYCLES)]
                return float(subprocess.run(argv, check=True, capture_output=True, text=True, env=ENVIRONMENT).stdout)

        return run

    name = f"{CYCLES} tasks added, claimed, completed"
    return [
        compare(name, own, "DuckDB: open, one transaction, close, three times each", other(PLAIN), n=5),
        compare(name, own, "huey on SQLite with fsync", other(HUEY), n=5),
    ]


def verbs(base: Path) -> list[Figure]:
    """Reading verbs on a store of a million attempts, against the same verb on an empty store."""
    empty, full = workspace(base / "none"), lived(base / "million", nights=20, metrics=1)
    copied(full, MANY)
    figures = []
    for words in (["list"], ["scheduler", "stats"], ["next"]):
        own, other = (command([JARVIS, "--home", str(place.home), *words]) for place in (full, empty))
        figures.append(compare(f"`jarvis {' '.join(words)}`, {MANY:,} attempts", own, "the same on an empty store", other, n=7, goal=2.0))
    return figures


def idle(base: Path, seconds: float = 60.0) -> str:
    """The share of one core that a session takes while a task sleeps."""
    place = workspace(base / "idle")
    autonomous_queue.add(place, "Sleeps", "", 0.1, "Documentation", "HIGH", now=place.now(), command=f"sleep {seconds + 30:.0f}", checks=["true"])
    argv = [JARVIS, "--home", str(place.home), "overnight", "start", "--for", "10m"]
    with subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=ENVIRONMENT, start_new_session=True) as session:
        time.sleep(15)  # what is done at the start is over
        tree = [psutil.Process(session.pid), *psutil.Process(session.pid).children(recursive=True)]
        before = sum(sum(p.cpu_times()[:2]) for p in tree)
        time.sleep(seconds)
        after = sum(sum(p.cpu_times()[:2]) for p in tree if p.is_running())
        memory = max(p.memory_info().rss for p in tree if p.is_running()) / 1024**2
        session.terminate()
        session.wait(60)
    share = (after - before) / seconds
    return f"A session that watches one sleeping task took {share:.2%} of a core over {seconds:.0f} s (goal 1 %); its largest process has {memory:.0f} MB."


def told(base: Path) -> None:
    """Measure and print."""
    for part in (queues, verbs):
        for figure in part(base):
            print(figure.row(), flush=True)
    print(f"\n{idle(base)}", flush=True)


if __name__ == "__main__":
    print(HEAD, flush=True)
    with tempfile.TemporaryDirectory(prefix="jarvis-bench-") as top:
        told(Path(top))
