"""Which branches of the words, the hands and the store does no test take? `python -m tests.coverage_rooms` runs their tests and prints a table per room.

A session's workers start with a clean environment and die with their work, so nobody can hand them coverage by a variable: while this runs, a line
in the environment's site-packages starts it in each process that was started as a module of Jarvis, a kernel or a machine of the cluster. What runs
inside of a jail is not seen: those scripts start without site-packages (`-I -S`), and what is killed takes its notes along. Exit code 1 when a room has
less than its least.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import sysconfig
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.install_parts import ROOT

LEAST = {"model": 90.0, "execution": 90.0, "store": 90.0}
"""Rooms, and the least share of their branches, in percent."""
UNSEEN = ("jarvis_lib/execution/sandbox/inside.py", "jarvis_lib/execution/sandbox/breakout.py")
"""Scripts that run in a jail alone, where nothing can count them: left out of the shares, and named below the table. Each test of the jail runs them."""
COUNTED = "not faults and not browser and not real_agents"
FOLDER = ROOT / "build" / "coverage"
RC = FOLDER / "rc"
DATA = FOLDER / "data"
_RC = """[run]
branch = true
parallel = true
sigterm = true
data_file = {data}
source_pkgs = {rooms}
disable_warnings = module-not-imported, no-data-collected, couldnt-parse
[report]
ignore_errors = true
"""
"""Tests that clone or install Jarvis leave figures of copies that are gone by now."""
_START = (
    "import sys, os; any('jarvis_lib.' in w or w in ('ipykernel_launcher', 'distributed.cli.dask_worker') for w in sys.orig_argv)"
    " and not os.environ.get('COVERAGE_PROCESS_START')"
    " and (os.environ.update(COVERAGE_PROCESS_START={rc!r}), __import__('coverage').process_startup(), os.environ.pop('COVERAGE_PROCESS_START'))\n"
)


@contextmanager
def watching_processes() -> Iterator[None]:
    """The line in site-packages, for as long as this runs."""
    line = Path(sysconfig.get_path("purelib")) / "jarvis_coverage_while_it_runs.pth"
    line.write_text(_START.format(rc=str(RC)), encoding="utf-8")
    try:
        yield
    finally:
        line.unlink(missing_ok=True)


def run(files: list[str], beside: int) -> list[str]:
    """Run each file of tests by itself, `beside` of them at a time, so that one that fails leaves the figures of the others; those that failed."""

    def one(file: str) -> str:
        began = time.monotonic()
        argv = [
            sys.executable,
            "-m",
            "coverage",
            "run",
            f"--rcfile={RC}",
            "-m",
            "pytest",
            file,
            "-q",
            "-p",
            "no:xdist",
            "-p",
            "no:cacheprovider",
            "-m",
            COUNTED,
        ]
        done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True)
        word = {0: "passed", 5: "has nothing that is counted,"}.get(done.returncode, "FAILED")
        print(f"{file}: {word} in {time.monotonic() - began:.0f} s", flush=True)
        if word == "FAILED":
            print(done.stdout[-3000:], done.stderr[-1000:], flush=True)
        return word

    with watching_processes(), ThreadPoolExecutor(beside) as pool:
        return [file for file, word in zip(files, pool.map(one, files), strict=True) if word == "FAILED"]


def figures() -> dict[str, Any]:
    """What all processes noted, file by file."""
    whole, out = FOLDER / "whole", FOLDER / "figures.json"
    base = [sys.executable, "-m", "coverage"]
    subprocess.run([*base, "combine", "--keep", "-q", f"--rcfile={RC}", f"--data-file={whole}", *sorted(map(str, FOLDER.glob("data.*")))], cwd=ROOT, check=True)
    subprocess.run([*base, "json", "-q", f"--rcfile={RC}", f"--data-file={whole}", "-o", str(out)], cwd=ROOT, check=True)
    files = json.loads(out.read_text(encoding="utf-8"))["files"]
    return {name: f for name, f in files.items() if name.startswith("jarvis_lib/")}  # not the copies of `make mutants`


def shares(files: dict[str, Any], room: str, *, without: tuple[str, ...] = UNSEEN) -> tuple[int, int, int, int]:
    """(branches that were taken, all, lines that ran, all) of a room."""
    own = [f["summary"] for name, f in files.items() if name.startswith(f"jarvis_lib/{room}/") and name not in without]
    names = ("covered_branches", "num_branches", "covered_lines", "num_statements")
    taken, branches, ran, lines = (sum(s[n] for s in own) for n in names)
    return taken, branches, ran, lines


def table(files: dict[str, Any]) -> tuple[list[str], list[str]]:
    """(lines of the table, rooms that have too little)."""
    rows, low = ["| room | branches taken | of | share | lines run | of | share |", "|---|---|---|---|---|---|---|"], []
    for room, least in LEAST.items():
        taken, branches, ran, lines = shares(files, room)
        rows.append(f"| {room} | {taken:,} | {branches:,} | {taken / branches:.1%} | {ran:,} | {lines:,} | {ran / lines:.1%} |")
        if taken < least / 100 * branches:
            low.append(f"{room} has {taken / branches:.1%} of its branches, and {least:.0f}% are asked for")
    taken, branches, *_ = shares(files, "execution", without=())
    left_out = f"Without {' and '.join(UNSEEN)}, which run where nothing can be counted; with them execution has {taken / branches:.1%} of {branches:,}."
    return [*rows, "", left_out], low


def untaken(files: dict[str, Any]) -> Iterator[str]:
    """Each file with the branches that no test took, the poorest first."""
    for name, f in sorted(files.items(), key=lambda item: -item[1]["summary"]["missing_branches"]):
        if f["summary"]["missing_branches"]:
            yield f"{name}: {f['summary']['missing_branches']} of {f['summary']['num_branches']}: " + " ".join(f"{a}->{b}" for a, b in f["missing_branches"])


def main() -> int:
    """Run, print, judge."""
    asked = argparse.ArgumentParser(prog="python -m tests.coverage_rooms", description=(__doc__ or "").splitlines()[0])
    asked.add_argument("files", nargs="*", help="files of tests; without any, all of the default suite and of make long")
    asked.add_argument("--more", action="store_true", help="add to the figures that are there instead of beginning anew")
    asked.add_argument("--table", action="store_true", help="run nothing: only print what the last run noted")
    asked.add_argument("--untaken", action="store_true", help="also list the branches that no test took")
    asked.add_argument("--beside", type=int, default=os.cpu_count() or 1, help="files that run at the same time; default: one for each core")
    given = asked.parse_args()
    if not (given.more or given.table):
        shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True, exist_ok=True)
    RC.write_text(_RC.format(data=DATA, rooms=", ".join(f"jarvis_lib.{room}" for room in LEAST)), encoding="utf-8")
    bad = [] if given.table else run(given.files or sorted(p.relative_to(ROOT).as_posix() for p in (ROOT / "tests").rglob("test_*.py")), given.beside)
    files = figures()
    rows, low = table(files)
    print(*(untaken(files) if given.untaken else ()), *rows, *low, *(f"failed: {file}" for file in bad), sep="\n")
    return 1 if low or bad else 0


if __name__ == "__main__":
    raise SystemExit(main())
