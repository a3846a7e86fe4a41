"""What is read before the night: parameters, cards, the files of a task; and the small parts: ratios, output."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from jarvis_lib.execution.digests import files_of
from jarvis_lib.execution.output import Output
from jarvis_lib.execution.parameters import Parameter, read_parameters, recipe_card
from jarvis_lib.execution.ratio import ratio_of_medians
from jarvis_lib.model.fact import Refused
from jarvis_lib.model.task import Check, Measure, Recipe
from tests.execution_parts import command, task_of


def book(path: Path, source: str, tags: tuple[str, ...] = ("parameters",), **metadata: object) -> Path:
    path.write_text(json.dumps({"cells": [{"cell_type": "code", "metadata": {"tags": tags}, "source": source}], "metadata": metadata}))
    return path


def test_parameters_have_defaults_kinds_and_help(tmp_path: Path) -> None:
    """Magics are passed over; None and a bare annotation are required."""
    source = "%matplotlib inline\ndays = 7  # how många days\nrate: float = -0.5\nname: str\nout = None\ntables = ['a', 'b']\nimport os"
    assert read_parameters(book(tmp_path / "n.ipynb", source)) == {
        "days": Parameter("7", False, "int", "how många days"),
        "rate": Parameter("-0.5", False, "float", ""),
        "name": Parameter(None, True, "str", ""),
        "out": Parameter("None", True, "None", ""),
        "tables": Parameter("['a', 'b']", False, "list", ""),
    }


def test_a_notebook_without_a_parameters_cell_has_none(tmp_path: Path) -> None:
    """Untagged cells are not parameters; the card is empty."""
    path = book(tmp_path / "n.ipynb", "x = 1", ())
    assert read_parameters(path) == {} and recipe_card(path) == {}
    assert recipe_card(book(path, "", jarvis={"changes": ["{database}"]})) == {"changes": ["{database}"]}


@pytest.mark.parametrize("text", ["{", "[]", '{"cells": 3}', "[" * 100_000, '{"cells": [], "metadata": {"jarvis": []}}'])
def test_what_is_no_notebook_is_refused(tmp_path: Path, text: str) -> None:
    """One sentence each; no traceback."""
    path = tmp_path / "n.ipynb"
    path.write_text(text)
    with pytest.raises(Refused, match=r"n\.ipynb"):
        recipe_card(path)
    with pytest.raises(Refused, match="There is no notebook"):
        read_parameters(tmp_path / "none.ipynb")


def test_the_files_of_a_task_are_hashed_and_data_is_left_out(home: Path) -> None:
    """Notebook, scripts, queries, modules, makefile; not the database, not what the task changes, not what lies outside."""
    for name in ("n.ipynb", "q.sql", "app.db", "check.py", "pkg/__main__.py", "tool.py", "Makefile", "docs/api.md", "sub/x.sh"):
        (home / name).parent.mkdir(exist_ok=True)
        (home / name).write_text(name)
    checks = (Check("{python} check.py --db=app.db docs/api.md; cat /etc/passwd ../x"), Check("python -m pkg && make test"))
    task = task_of(
        Recipe("notebook", notebook="n.ipynb", parameters={"queries": "q.sql", "database": "app.db", "n": 3}),
        checks=checks,
        measures=(Measure("{python} tool.py {changed}"),),
        changes=("docs",),
    )
    assert list(files_of(home, task)) == ["Makefile", "check.py", "n.ipynb", "pkg/__main__.py", "q.sql", "tool.py"]
    before = files_of(home, task)
    (home / "check.py").write_text("other")
    assert files_of(home, task) != before
    assert list(files_of(home, task_of(Recipe("command", argv=("sh", "x.sh"), cwd="sub")))) == ["sub/x.sh"]
    assert list(files_of(home, command("cat 'unclosed; ./tool.py"))) == ["tool.py"]
    (home / "..tool.sh").write_text("true\n")
    assert list(files_of(home, command("sh ..tool.sh"))) == ["..tool.sh"], "a name that begins with two dots leads nowhere else"


@pytest.mark.parametrize(
    "line", ["./run.bin", "sh x.log", "bash -eu x.log", "{python} -B x.csv in.csv", ". x.log; true", "env A=1 sh x.log", "nice -n 5 ./run.bin"]
)
def test_a_program_is_bound_whatever_its_name_says(home: Path, line: str) -> None:
    """A file that is run belongs to what was approved, also when it is called like data; what it reads does not."""
    for name in ("run.bin", "x.log", "x.csv", "in.csv"):
        (home / name).write_text("true\n")
    (home / "run.bin").chmod(0o755)
    task = task_of(Recipe("shell", shell=line)) if "{" not in line else task_of(None, checks=(Check(line),))
    (bound,) = files_of(home, task)
    before = files_of(home, task)
    (home / bound).write_text("false\n")
    assert bound in line and files_of(home, task) != before


def test_reading_is_light() -> None:
    """These are on the path of `jarvis add`: no subprocess, no numpy, nothing from Jupyter."""
    heavy = "subprocess numpy nbformat duckdb asyncio"
    code = f"import sys; from jarvis_lib.execution import digests, parameters; print([m for m in '{heavy}'.split() if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"


def test_a_ratio_has_an_interval_that_the_seed_fixes() -> None:
    """Better above 1 either way round; pairs are resampled together, so a common drift does not widen the interval."""
    before, after = [2.0, 4.0, 8.0, 16.0, 32.0], [1.0, 2.0, 4.0, 8.0, 16.0]
    paired = ratio_of_medians(before, after, better="lower", paired=True, seed=3)
    assert (paired.ratio, paired.low, paired.high, paired.n) == (2.0, 2.0, 2.0, 5)
    loose = ratio_of_medians(before, after, better="lower", paired=False, seed=3)
    assert loose.low < 1 < loose.high
    assert ratio_of_medians(before, after, better="lower", paired=False, seed=3) == loose
    assert ratio_of_medians(after, before, better="higher", paired=True, seed=3).ratio == 2.0
    with pytest.raises(ValueError, match="above 0"):
        ratio_of_medians([1.0], [0.0], better="lower", paired=True, seed=3)


@pytest.mark.parametrize("chunk", [1, 7, 1000])
def test_output_keeps_head_and_tail_however_it_comes(tmp_path: Path, chunk: int) -> None:
    """Any size of chunks gives the same log; the bytes between are counted."""
    data = bytes(range(48, 58)) * 100
    out = Output(tmp_path / "log", 100)
    for start in range(0, len(data), chunk):
        out.write(data[start : start + chunk])
    out.close()
    log = (tmp_path / "log").read_bytes()
    assert log.startswith(data[:50] + b"\n[") and log.endswith(data[-50:])
    assert b"900 bytes" in log and (out.total, out.left_out) == (1000, 900)


def test_output_within_the_limit_is_kept_whole(tmp_path: Path) -> None:
    """Nothing is added to it; controls stay in the log and out of the tail."""
    out = Output(tmp_path / "log", 100)
    out.write(b"\x1b[31mred\x1b[0m\x00 \xff" + b"x" * 60 + b"\nend\n")
    out.close()
    assert (tmp_path / "log").read_bytes() == b"\x1b[31mred\x1b[0m\x00 \xff" + b"x" * 60 + b"\nend\n"
    assert out.tail() == "red \ufffd" + "x" * 60 + "\nend" and out.last_line() == "end" and out.left_out == 0
