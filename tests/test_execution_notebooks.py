"""Notebooks: what became of each cell, whatever ended them; parameters are checked before anything starts."""

import datetime
import os
import threading
import time
from pathlib import Path

import psutil
import pytest

from jarvis_lib.execution import tree
from jarvis_lib.execution.papermill_run import run_notebook
from jarvis_lib.model.evidence import RESULT_MIME
from jarvis_lib.model.fact import Refused
from tests.execution_parts import Bench, bench, notebook, pid_in, states

__all__ = ["bench"]


def test_a_notebook_runs_with_its_parameters_and_its_place(bench: Bench) -> None:
    """Given parameters, those that the worker fills, the workspace as folder, the clean environment, the artefacts with their hash."""
    task = notebook(
        bench.home,
        "import os; print(n, run_id, os.getcwd(), sorted(k for k in os.environ if 'SECRET' in k))",
        "open(os.path.join(out_dir, 'page.html'), 'w').write('made')",
        parameters="n = 1  # how many\nrun_id: str = ''\nas_of = ''\nout_dir = None\nworkspace = None",
        given={"n": 5},
    )
    os.environ["A_SECRET"] = "x"
    try:
        result = bench.run(task)
    finally:
        del os.environ["A_SECRET"]
    assert result["outcome"] == "finished", result
    assert result["tail"] == f"5 {bench.attempt} {bench.home} []"
    assert states(result["notebook"]) == ["completed"] * 4
    artefact = next(e for e in result["evidence"] if e["kind"] == "artefact")
    assert artefact["name"] == "page.html" and len(artefact["detail"]["sha256"]) == 64
    assert [p.name for p in bench.folder.glob(".*part*")] == []


def test_what_a_recipe_tells_is_kept_within_bounds(bench: Bench) -> None:
    """Numbers of some size stand in the evidence; a list that would fill the journal is only named, and the work counts all the same."""
    said = {RESULT_MIME: {"summary": "Told", "files": ["x" * 90] * 1000, "metrics": {"rows": 1}}}
    result = bench.run(notebook(bench.home, f"from IPython.display import display\ndisplay({said!r}, raw=True)"))
    assert result["outcome"] == "finished", result
    (told,) = (e for e in result["evidence"] if e["kind"] == "result")
    assert (told["said"], told["detail"]) == ("Told", {"files": None, "metrics": {"rows": 1}, "left_out": ["files"]})


def test_a_failing_cell_fails_the_notebook_and_the_rest_stays_pending(bench: Bench) -> None:
    """The sentence has the cell and the error; the executed notebook is kept and honest."""
    result = bench.run(notebook(bench.home, "x = 1", "1 / 0", "print('never')"))
    assert (result["outcome"], result["exit_code"]) == ("failed", 1)
    assert "cell 2 of 3" in result["said"] and "ZeroDivisionError: division by zero" in result["said"]
    assert states(result["notebook"]) == ["completed", "failed", "pending"]
    assert "ZeroDivisionError" in result["tail"]


@pytest.mark.long
def test_a_notebook_out_of_time_is_kept_as_far_as_it_came(bench: Bench) -> None:
    """The cell swallows interrupts and has a daemon: both are gone, the states are true, the outcome is timed_out."""
    stubborn = (
        "import subprocess, time\n"
        "p = subprocess.Popen(['setsid', 'sleep', '60']); open('daemon.pid', 'w').write(str(p.pid))\n"
        "while True:\n    try: time.sleep(60)\n    except KeyboardInterrupt: pass"
    )
    result = bench.run(notebook(bench.home, "print('first')", stubborn, "print('never')"), left=6)
    assert result["outcome"] == "timed_out" and "1 of 3 cells" in result["said"]
    assert states(result["notebook"]) == ["completed", "interrupted", "pending"]
    assert not tree.exists(pid_in(bench.home / "daemon.pid"))
    assert bench.alive() == []


def test_a_kernel_that_dies_is_a_failure_with_true_states(bench: Bench) -> None:
    """Plain papermill calls all of these cells completed."""
    result = bench.run(notebook(bench.home, "x = 1", "import os; os._exit(7)", "print('never')"))
    assert result["outcome"] == "failed" and "cell 2 of 3" in result["said"]
    assert states(result["notebook"]) == ["completed", "failed", "pending"]


def test_a_notebook_that_takes_too_much_memory_is_ended(bench: Bench) -> None:
    """Resident memory of the kernel's tree counts."""
    hog = "import time; x = bytearray(600 << 20); time.sleep(60)"
    result = bench.run(notebook(bench.home, hog), memory_bytes=400 << 20)
    assert result["outcome"] == "failed" and "more than 400.0 MB of memory" in result["said"]


def test_a_notebook_that_prints_too_much_is_cut(bench: Bench) -> None:
    """The executed notebook stays within the limit and says that something was left out."""
    result = bench.run(notebook(bench.home, "for i in range(300): print('x' * 10_000)", "print('the end')"), output_bytes=200_000)
    assert result["outcome"] == "finished"
    text = Path(result["notebook"]).read_text()
    assert len(text) < 400_000 and "the rest was left out" in text
    assert result["tail"].endswith("the end")


def test_stopping_a_notebook_keeps_what_it_did(bench: Bench) -> None:
    """TERM for the worker interrupts the kernel; the partial notebook is there."""
    handle = bench.submit(notebook(bench.home, "x = 1", "import time; open('daemon.pid', 'w').write('1'); time.sleep(60)"))
    pid_in(bench.home / "daemon.pid")
    bench.engine.stop(handle, "stopped")
    result = bench.wait(handle)
    assert result["outcome"] == "stopped"
    assert states(result["notebook"])[0] == "completed"
    assert bench.alive() == []


def test_the_notebook_of_a_killed_worker_is_kept(bench: Bench) -> None:
    """The attempt died, but what it had done by then can be read; its kernel is gone."""
    handle = bench.submit(notebook(bench.home, "x = 1", "import time; open('daemon.pid', 'w').write('1'); time.sleep(60)"))
    pid_in(bench.home / "daemon.pid")
    handle.process.kill()
    result = bench.wait(handle)
    assert result["outcome"] == "died" and states(result["notebook"])[0] == "completed"
    assert bench.alive() == []


@pytest.mark.parametrize(
    ("parameters", "given", "said"),
    [
        ("days = 7", {"dayz": 3}, "Did you mean 'days'?"),
        ("days = None\nname = None", {}, "needs days and name"),
        ("days: int", {}, "needs days"),
        (None, {"days": 3}, "no cell tagged 'parameters'"),
        ("days = 7", {"x=1;__import__('os').system('touch hacked')#": 1}, "is not a parameter name"),
        ("days = 7", {"import": 1}, "is not a parameter name"),
        ("days = = 7", {}, "not valid Python"),
    ],
)
def test_bad_parameters_are_refused_before_the_start(bench: Bench, parameters: str | None, given: dict[str, object], said: str) -> None:
    """One sentence, no kernel, no executed notebook, and nothing of the name was run."""
    result = bench.run(notebook(bench.home, "open('ran', 'w')", parameters=parameters, given=given))
    assert result["outcome"] == "failed" and said in result["said"]
    assert not (bench.home / "ran").exists() and not (bench.home / "hacked").exists()
    assert result["notebook"] is None


def test_a_missing_notebook_is_one_sentence(bench: Bench) -> None:
    """A notebook that was removed after it was queued."""
    task = notebook(bench.home, "1")
    (bench.home / "work.ipynb").unlink()
    assert "There is no notebook" in bench.run(task)["said"]


def test_a_notebook_runs_in_this_process_too(home: Path) -> None:
    """The brief maker's way: no worker; the working folder of the caller stays, dates are refused, the deadline holds."""
    notebook(home, "import os, time; print(os.getcwd()); time.sleep(wait)", parameters="wait = 0")
    here = Path.cwd()
    before = set(tree.below_me())
    done = run_notebook(home / "work.ipynb", home / "out" / "done.ipynb", {}, deadline=time.time() + 60, cwd=home)
    assert done["outcome"] == "finished" and done["cells"] == {"completed": 2} and str(home) in (home / "out" / "done.ipynb").read_text()
    late = run_notebook(home / "work.ipynb", home / "late.ipynb", {"wait": 60}, deadline=time.time() + 4, cwd=home)
    assert late["outcome"] == "timed_out" and states(late["notebook"])[-1] == "interrupted"
    assert Path.cwd() == here and set(tree.below_me()) <= before
    with pytest.raises(Refused, match="dates as ISO text"):
        run_notebook(home / "work.ipynb", home / "x.ipynb", {"wait": datetime.date(2026, 1, 1)}, deadline=time.time() + 60, cwd=home)
    assert run_notebook(home / "work.ipynb", home / "x.ipynb", {}, deadline=time.time() - 1, cwd=home)["outcome"] == "timed_out"


def test_what_our_own_notebook_needs_is_there_before_its_first_cell_and_under_no_name(home: Path) -> None:
    """Modules that are asked for are imported while the kernel starts; one that is not there stops nothing; the kernel is gone afterwards."""
    notebook(home, "import sys; print('colorsys' in sys.modules, sorted(n for n in dir() if 'import' in n or 'colorsys' in n))")
    before, was_there = set(tree.below_me()), {p.pid for p in psutil.Process().children()}
    done = run_notebook(home / "work.ipynb", home / "done.ipynb", {}, deadline=time.time() + 60, cwd=home, ours=("no_such_module", "colorsys"))
    assert done["outcome"] == "finished" and "True []" in (home / "done.ipynb").read_text()
    assert set(tree.below_me()) <= before
    assert [p for p in psutil.Process().children() if p.status() == psutil.STATUS_ZOMBIE and p.pid not in was_there] == []


def test_a_program_that_runs_many_notebooks_keeps_nothing_of_them(home: Path) -> None:
    """No thread, no open file and no zombie is left by one, however it ended: a session runs several, and a year of them slowed one down."""
    notebook(home, "import time; time.sleep(wait); assert wait != 1", parameters="wait = 0")
    me, was_there = psutil.Process(), {p.pid for p in psutil.Process().children()}

    def run(wait: int, ours: tuple[str, ...] | None) -> tuple[int, int]:
        run_notebook(home / "work.ipynb", home / "done.ipynb", {"wait": wait}, deadline=time.time() + 5, cwd=home, ours=ours)
        return threading.active_count(), me.num_fds()

    first = run(0, None)
    for wait, ours in ((0, ()), (1, None), (60, None), (0, None)):
        last = run(wait, ours)
    assert last[0] <= first[0] and last[1] <= first[1] + 2, (first, last)
    assert [p for p in me.children() if p.status() == psutil.STATUS_ZOMBIE and p.pid not in was_there] == []
