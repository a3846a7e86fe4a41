"""What does the sandbox cost? `python -m tests.bench.isolation`: programs and notebooks in a jail against the same ones outside of it."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import nbformat

from jarvis_lib.execution.papermill_run import run_notebook
from jarvis_lib.execution.sandbox.canary import escape
from jarvis_lib.execution.sandbox.enter import enter, kernel_in
from jarvis_lib.execution.sandbox.jail import Jail
from jarvis_lib.execution.sandbox.levels import machine
from tests.bench.timing import HEAD, Figure, command, compare

PYTHON = os.path.realpath(sys.executable)


def isolation(base: Path) -> list[Figure]:
    """Each level that this machine has, as the person's own user, against none."""
    figures = []
    for level in machine().levels[1:]:
        jail = _jail(base, level)
        bare = command([PYTHON, "-I", "-S", "-c", "pass"])
        jailed = _started(["true"], jail)
        figures.append(compare(f"`true` in the sandbox {level}", jailed, "`python -I -S -c pass`", bare, n=41))
        script = [sys.executable, "-c", "import json, sqlite3, subprocess"]
        figures.append(compare(f"a small Python program in {level}", _started(script, jail), "the same outside", command(script), n=21))
        figures.append(compare(f"a notebook of one cell in {level}", _notebook(base, jail), "the same outside", _notebook(base, None), n=5))
        figures.append(compare(f"canary of {level}", lambda level=level: _canary(base, level), "`python -I -S -c pass`", bare, n=11))
    return figures


def _jail(base: Path, level: str) -> Jail:
    top = Path(os.path.realpath(base)) / f"jail-{level}"
    for name in ("work", "temp"):
        (top / name).mkdir(parents=True)
    return Jail(level, top / "work", top / "temp", writable=(top / "work",), own_uid=True)


def _started(argv: list[str], jail: Jail) -> Callable[[], float]:
    """Seconds from asking for the jail to the end of its program."""

    def once() -> float:
        begin = time.perf_counter()
        subprocess.run(enter(argv, jail), cwd=jail.cwd, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        return time.perf_counter() - begin

    return once


def _notebook(base: Path, jail: Jail | None) -> Callable[[], float]:
    path = base / "one.ipynb"
    found = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("print(1)")])
    found.metadata.kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(found, path)

    def once() -> float:
        begin = time.perf_counter()
        result = run_notebook(path, base / "ran.ipynb", {}, deadline=time.time() + 60, cwd=jail.cwd if jail else base, enter=kernel_in(jail) if jail else None)
        assert result["outcome"] == "finished", result
        return time.perf_counter() - begin

    return once


def _canary(base: Path, level: str) -> float:
    begin = time.perf_counter()
    canary = escape(base / "canary", level, own_uid=True)
    assert canary.held, canary
    return time.perf_counter() - begin


def main() -> None:
    print(HEAD)
    with tempfile.TemporaryDirectory(prefix="jarvis-bench-") as folder:
        for figure in isolation(Path(folder)):
            print(figure.row(), flush=True)


if __name__ == "__main__":
    main()
