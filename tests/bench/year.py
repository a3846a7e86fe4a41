"""`python -m tests.bench.year [NIGHTS]`: the morning brief of a store with a year of life, and frames of a million rows. Part of `make bench`.

The year is 5,000 attempts told as facts, and a month of minute data of 70 metrics (3 million points; what is older is kept as hours).
"""

import os
import statistics
import subprocess
import sys
import tempfile
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import nbformat

from jarvis_lib import autonomous_queue
from jarvis_lib.model.fact import Fact
from jarvis_lib.model.settings import template
from jarvis_lib.store import engine
from jarvis_lib.store.place import Place
from jarvis_lib.store.samples import Samples
from jarvis_lib.workspace import open_workspace
from tests.bench.scan import month
from tests.bench.timing import ENVIRONMENT, HEAD, Figure, command, compare
from tests.facts import added, claimed, ended, opened, passed, task

ROOT = Path(__file__).parents[2]
PYTHON = sys.executable
NIGHTS, A_NIGHT, METRICS, DAYS = 365, 14, 70, 30
BACKLOG = 30
"""The last nights, of which nothing was answered: what shipped waits to be accepted, what failed is queued again."""
MORNING = datetime(2026, 11, 24, 7, 0, tzinfo=UTC)
OUTCOMES = ("finished", "finished", "finished", "failed", "timed_out")

FRAME = """
import pathlib, sys, time
import jarvis_lib as jarvis
jarvis.use(sys.argv[1], as_of=sys.argv[2])
begin = time.perf_counter()
found = eval(sys.argv[3])
spent = time.perf_counter() - begin
lines = pathlib.Path("/proc/self/status").read_text().splitlines()  # ru_maxrss would begin with what the parent has
print(spent, len(found), next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024)
"""


def lived(home: Path, nights: int = NIGHTS, metrics: int = METRICS) -> Place:
    """A workspace after `nights` nights of 14 attempts each, and a month of samples."""
    home.mkdir(parents=True)
    month(home, metrics, DAYS)
    Samples(home).compact(now=MORNING, keep_days=DAYS + 1)  # as every night does
    (home / "jarvis.toml").write_text(template())
    (home / "notebooks").symlink_to(ROOT / "notebooks")
    place = open_workspace(home, clock=lambda: MORNING, actor="person:bench")
    for n in range(nights):
        at, name = MORNING - timedelta(days=nights - 1 - n, hours=8), f"s{n}"
        tasks = [task(f"Task {n}-{i}", hours=0.5) for i in range(A_NIGHT)]
        facts = [added(place, one, at=at - timedelta(hours=5)) for one in tasks] + [opened(place, name, at=at)]
        for i, one in enumerate(tasks):
            begin = at + timedelta(minutes=25 * i)
            facts.append(timed(claimed(place, one, f"{name}a{i}", session=name), begin))
            facts.append(of(name, ended(place, one, f"{name}a{i}", outcome=OUTCOMES[(n + i) % 5], evidence=[passed()]), begin + timedelta(minutes=20)))
        facts.append(place.fact("session.closed", at=at + timedelta(hours=7), session=name, outcome="finished", said="all done"))
        place.store.append(*facts)
        if n < nights - BACKLOG:
            answer(place, at + timedelta(hours=9))
    with place.store.reading() as reader:
        still = reader.rows("autonomous_queue.open_attempts") + reader.rows("autonomous_queue.refused_since", since=MORNING - timedelta(days=nights + 2))
    if still:
        raise AssertionError(f"the year was not told whole: {still[0]}")
    return place


def answer(place: Place, at: datetime) -> None:
    """The person's word on a night: what was shipped is accepted, what is queued again is dropped."""
    for state, word in (("shipped", "task.accepted"), ("queued", "task.dropped")):
        place.store.append(*(place.fact(word, at=at, task=row["id"]) for row in autonomous_queue.listing(place, now=at, state=state)))


def of(session: str, fact: Fact, at: datetime) -> Fact:
    """The fact as that session's, at that time."""
    return replace(fact, at=at, actor=f"session:{session}", data=fact.data | {"session": session})


def timed(fact: Fact, at: datetime) -> Fact:
    return replace(fact, at=at)


def made(home: Path) -> list[str]:
    """What makes the brief as a process of its own."""
    make = (
        "import sys; from datetime import datetime; from jarvis_lib.workspace import open_workspace; from jarvis_lib import overnight_runner; "
        "p = open_workspace(sys.argv[1]); overnight_runner.make_brief(p, as_of=datetime.fromisoformat(sys.argv[2]))"
    )
    return [PYTHON, "-c", make, str(home), MORNING.isoformat()]


def briefs(base: Path, nights: int = NIGHTS) -> list[Figure]:
    """The morning brief of the year as a process, against papermill and nbconvert on an empty notebook."""
    place = lived(base / "year", nights)
    empty = nbformat.v4.new_notebook(metadata={"kernelspec": {"name": "python3", "display_name": "Python", "language": "python"}})
    empty.cells = [nbformat.v4.new_code_cell("pass", metadata={"tags": ["parameters"]})]
    nbformat.write(empty, base / "none.ipynb")
    run = f"papermill.execute_notebook({str(base / 'none.ipynb')!r}, {str(base / 'none.out.ipynb')!r}, progress_bar=False)"
    convert = f"print(len(nbconvert.HTMLExporter().from_filename({str(base / 'none.out.ipynb')!r})[0]))"
    plain = command([PYTHON, "-c", f"import papermill, nbconvert; {run}; {convert}"])
    own = command(made(place.home))
    name = f"the morning brief, {nights * A_NIGHT:,} attempts and {METRICS * DAYS * 1440 / 1e6:.1f} million points"
    return [compare(name, own, "papermill and nbconvert on an empty notebook", plain, n=5, goal=1.6)]


def memory(argv: list[str]) -> float:
    """Megabytes of the largest process of a command and its children."""
    code = "import resource, subprocess, sys; subprocess.run(sys.argv[1:], check=True); print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024)"
    done = subprocess.run([PYTHON, "-c", code, *argv], check=True, capture_output=True, text=True, env=ENVIRONMENT)
    return float(done.stdout.split()[-1])


def copied(place: Place, many: int) -> None:
    """Make `many` rows of `attempts` out of those that facts have made, straight in the database: only reading is measured.

    They stand by the time of their claim, as facts would have written them one after another.
    """
    with engine.attached(place.store.path) as con:
        there = con.execute("SELECT count(*) FROM attempts").fetchall()[0][0]
        con.execute("CREATE OR REPLACE TEMP TABLE told AS SELECT * FROM attempts")
        con.execute("DELETE FROM attempts")
        con.execute(f"INSERT INTO attempts SELECT a.* REPLACE (a.id || '-' || r.n AS id) FROM told a, range({-(-many // there)}) r(n) ORDER BY a.claimed_at, 1")


def frames(base: Path, rows: int = 1_000_000) -> list[str]:
    """Lines of the table: seconds, rows and megabytes of a frame in a process of its own; the median of three."""
    place = lived(base / "frames", nights=20, metrics=rows // (DAYS * 288) + 1)
    copied(place, rows)
    lines = []
    for said in ("jarvis.metrics(since='40d', by='5m')", "jarvis.attempts()", "jarvis.sql('SELECT * FROM attempts')"):
        found = [run([FRAME, str(place.home), MORNING.isoformat(), said]) for _ in range(3)]
        seconds, many, megabytes = (statistics.median(f[i] for f in found) for i in range(3))
        lines.append(f"| `{said}` | {many:,.0f} | {seconds:.2f} s | {megabytes:.0f} MB |")
    return lines


def run(words: list[str]) -> list[float]:
    """The numbers that one process prints."""
    done = subprocess.run([PYTHON, "-c", *words], check=True, capture_output=True, text=True, env=ENVIRONMENT)
    return [float(w) for w in done.stdout.split()]


def told(base: Path, nights: int = NIGHTS) -> None:
    """Measure and print: the brief, its memory, the frames."""
    for figure in briefs(base, nights):
        print(figure.row(), flush=True)
    print(f"\nThe largest process of the brief of a year: {memory(made(base / 'year')):.0f} MB (goal 600).\n")
    print("| frame | rows | seconds (goal 1) | memory (goal 600 MB) |\n|---|---|---|---|")
    for line in frames(base):
        print(line, flush=True)


def main() -> None:
    """Print the tables."""
    print(HEAD, flush=True)
    with tempfile.TemporaryDirectory(prefix="jarvis-bench-") as folder:
        told(Path(folder), int(sys.argv[1]) if len(sys.argv) > 1 else NIGHTS)
    print(f"\nLoad of this machine {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores.")


if __name__ == "__main__":
    main()
