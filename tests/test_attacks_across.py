"""Attacks in the seams: what one part lets a task write, and what another part does with it afterwards, outside of any jail."""

import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import nbformat
import pytest

from jarvis_lib.autonomous_queue.settings_guard import SettingsGuard
from jarvis_lib.cli import remembered
from jarvis_lib.doors.cron import memory as cron_memory
from jarvis_lib.execution import held, keep
from jarvis_lib.execution.digests import files_of
from jarvis_lib.execution.draft import draft
from jarvis_lib.execution.own_state import OWN_STATE
from jarvis_lib.execution.papermill_run import run_notebook
from jarvis_lib.execution.results import read_result
from jarvis_lib.execution.sandbox import python_paths
from jarvis_lib.execution.sandbox.enter import enter
from jarvis_lib.execution.sandbox.levels import machine
from jarvis_lib.execution.spec import Holding, Limits, Spec
from jarvis_lib.model.fact import Refused
from jarvis_lib.model.prose import UNSEEN, clean
from jarvis_lib.model.settings import parse
from jarvis_lib.model.task import Check
from jarvis_lib.store.place import Place
from tests.conftest import NIGHT
from tests.execution_parts import command

levels = pytest.mark.parametrize("level", [pytest.param(x, marks=pytest.mark.skipif(x not in machine().levels, reason=x)) for x in ("basic", "strict")])


def own_command(home: Path, level: str, line: str, changes: tuple[str, ...] = ()) -> str:
    """What the person's own command prints in the jail that its worker builds; the places of Jarvis's state are as they were found."""
    spec = Spec("recipe", "own", command(line, changes=changes), home, home / "data/attempts/own", 0.0, Limits(60.0, 1000, 0, 10.0, 1.0), (), 0, "", (), {}, 0)
    spec = Spec(**{name: getattr(spec, name) for name in spec.__slots__} | {"holding": Holding(level=level, own=True)})
    argv = enter(["/bin/sh", "-c", line], held.jail_of(spec))
    done = subprocess.run(argv, cwd=home, env={"PATH": os.environ["PATH"]}, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


# --- the kernel of Jarvis's own notebooks ----------------------------------------------------------------------------------------


def test_a_kernel_outside_of_a_jail_imports_nothing_from_the_workspace(home: Path) -> None:
    """A task left modules of well-known names at the top of the workspace; the morning's notebook stands in that folder and takes none of them."""
    for name in ("ipykernel_launcher", "IPython", "click", "polars", "sitecustomize"):
        (home / f"{name}.py").write_text(f"open({str(home / 'taken')!r}, 'a').write({name!r})\n")
    nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("import os, click\nassert click.Path and os.getcwd()")]), home / "page.ipynb")
    (home / "precious").write_text("mine")
    (home / ".out.part.ipynb").symlink_to(home / "precious")
    result = run_notebook(home / "page.ipynb", home / "out.ipynb", {}, deadline=time.time() + 60, cwd=home)
    assert result["outcome"] == "finished" and not (home / "taken").exists(), result
    assert (home / "precious").read_text() == "mine", "papermill writes into what stands under its temporary name"


# --- what is not there yet ---------------------------------------------------------------------------------------------------------


@levels
def test_a_task_cannot_be_the_first_to_make_a_piece_of_the_state(home: Path, level: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Folders, memories and locks that no command has made yet are held in their places before the task begins, and logs with them."""
    outside = tmp_path_factory.mktemp("outside")
    names = [name for name in OWN_STATE if not name.endswith(".duckdb")]
    each = "rm -rf NAME; mv NAME gone; ln -s OUT NAME; ln -s OUT NAME/link; mkdir -p NAME; echo x > NAME; echo x > NAME/x"
    lines = [each.replace("NAME", name).replace("OUT", str(outside)) for name in names]
    own_command(home, level, f"({'; '.join(lines)}) 2>/dev/null; true")
    links = [p for p in home.rglob("*") if p.is_symlink()]
    assert not links and not list(outside.iterdir()) and not list((home / "data").rglob("x")) and not list((home / "logs").glob("*x"))
    assert (home / "jarvis.toml").read_text() and all((home / name).exists() for name in names)


@levels
def test_a_task_adds_nothing_where_jarvis_itself_looks_for_modules(home: Path, level: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A project of the workspace that is installed to be edited: its files may be changed, and no new one becomes part of the next Python."""
    project, package = home / "shop", home / "shop" / "shop"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    monkeypatch.syspath_prepend(str(project))
    python_paths.import_folders.cache_clear()
    try:
        made = "echo 'x = 1' >> shop/shop/__init__.py; echo x > shop/shop/new.py; echo x > shop/sitecustomize.py; ln -s /x shop/usercustomize.py; mv shop old"
        own_command(home, level, f"({made}) 2>/dev/null; true")
    finally:
        python_paths.import_folders.cache_clear()
    assert (package / "__init__.py").read_text() == "x = 1\n" and (package / "new.py").exists()
    assert sorted(p.name for p in project.iterdir()) == ["shop"]


@levels
def test_a_task_does_not_change_the_python_that_lies_in_its_workspace(home: Path, level: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A clone that is a workspace too has its environment in it: what may be written ends where that begins."""
    inner = home / "env" / "lib"
    inner.mkdir(parents=True)
    monkeypatch.setattr(sys, "prefix", str(home / "env"))
    for known in (python_paths.python_paths, python_paths.import_folders, python_paths.python_links):
        known.cache_clear()
    try:
        own_command(home, level, "(echo x > env/lib/x.pth; echo x > env/x; echo x > beside) 2>/dev/null; true")
    finally:
        for known in (python_paths.python_paths, python_paths.import_folders, python_paths.python_links):
            known.cache_clear()
    assert not list(inner.iterdir()) and not (home / "env" / "x").exists()


# --- links where Jarvis writes by name ---------------------------------------------------------------------------------------------


def test_a_link_in_the_place_of_the_databases_log_leads_nothing_out(place: Place, tmp_path: Path) -> None:
    """DuckDB writes its log beside the database and follows a link that stands there: it is taken away before the file is opened."""
    precious = tmp_path / "precious"
    precious.write_text("mine")
    place.store.write(place.fact("notice", kind="test", sentence="the first"))
    (place.home / "data" / "jarvis.duckdb.wal").symlink_to(precious)
    place.store.write(place.fact("notice", kind="test", sentence="the second"))
    assert precious.read_text() == "mine" and not (place.home / "data" / "jarvis.duckdb.wal").is_symlink()


def _settings_remembered(place: Place) -> None:
    remembered.settings(place.home)


def _settings_put_back(place: Place) -> None:
    guard = SettingsGuard(place.home)
    (place.home / "jarvis.toml").write_text("# changed\n")
    guard.put_back(NIGHT)


def _beat(place: Place) -> None:
    cron_memory.remember(place.home, cron_memory.Memory(beat=NIGHT))


@pytest.mark.parametrize(
    ("name", "write"),
    [("data/settings-read.json.PID", _settings_remembered), (".jarvis.toml.tmp", _settings_put_back), ("data/catch-up.json.PID.tmp", _beat)],
    ids=["settings remembered", "settings put back", "catch-up"],
)
def test_a_link_under_a_name_that_can_be_guessed_leads_nothing_out(name: str, write: Callable[[Place], None], place: Place, tmp_path: Path) -> None:
    """What is written whole goes first under a name by chance that nobody has yet, never into what stands there."""
    precious = tmp_path / "precious"
    precious.write_text("mine")
    (place.home / "data").mkdir(exist_ok=True)
    (place.home / name.replace("PID", str(os.getpid()))).symlink_to(precious)
    write(place)
    assert precious.read_text() == "mine"


# --- what is read and what is there --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "char", ["\xad", "\u061c", "\u115f", "\u180e", "\u200b", "\u202e", "\u2060", "\u2064", "\u206f", "\u3164", "\ufffa", "\U000e0041", "\U000e0120"]
)
def test_what_nobody_sees_is_in_no_title_and_no_command(char: str, home: Path) -> None:
    """What is shown to the person who approves is letter by letter what is kept and run; in a diff such a character is told."""
    made = draft(home, parse(""), title=f"Tidy{char} it", description=f"a{char}b", hours=1, category="Documentation", priority="LOW", command=f"tr{char}ue")
    assert (made.title, made.description) == ("Tidy it", "ab") and made.recipe is not None and made.recipe.argv == ("true",)
    assert clean(f"a{char}b", keep_lines=True) == "ab" and re.search(f"[{UNSEEN}]", char)


@pytest.mark.parametrize("hidden", ["\x1b] ; touch owned", "\x1b[8m ; touch owned\x1b[0m", "\r ; touch owned", "\x9b8m ; touch owned", "\u2028; touch owned"])
def test_an_escape_hides_no_part_of_a_command(hidden: str, home: Path) -> None:
    """A terminal would not show what stands behind it: it is either gone from what runs, or shown."""
    made = draft(home, parse(""), title="Tidy", description="", hours=1, category="Documentation", priority="LOW", command=f"true {hidden}")
    assert made.recipe is not None
    kept = made.recipe.shell or " ".join(made.recipe.argv)
    assert kept == clean(kept, keep_lines=True) and ("owned" in kept) == ("owned" in clean(kept))


# --- what is exchanged while it is looked at -------------------------------------------------------------------------------------------


def test_a_file_that_becomes_a_link_while_it_is_kept_brings_nothing_from_outside(home: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    """A task of the same session swaps it as fast as it can; what is kept is copied for the checks, so it must not be the person's key."""
    key = tmp_path_factory.mktemp("outside") / "key"
    key.write_text("DECOY")
    (home / "d").mkdir()
    over = threading.Event()

    def swap() -> None:
        while not over.is_set():
            (home / "d" / ".plain").write_text("plain")
            os.replace(home / "d" / ".plain", home / "d" / "f")
            (home / "d" / ".link").symlink_to(key)
            os.replace(home / "d" / ".link", home / "d" / "f")

    swapping = threading.Thread(target=swap)
    swapping.start()
    try:
        for n in range(300):
            with suppress(Refused, OSError):
                keep.keep(home, ["d/f"], home / "data" / "kept" / str(n))
    finally:
        over.set()
        swapping.join()
    assert not [p for p in (home / "data" / "kept").rglob("f") if p.read_text() == "DECOY"]


# --- what a task says of itself ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999", "-1e999"])
def test_a_number_that_is_none_ends_no_session(number: str, place: Place) -> None:
    """A notebook may show any number as its result. Facts hold finite ones only, so what is none is taken out where the session reads it."""
    path = place.home / "recipe.result.json"
    path.write_text(f'{{"outcome": "finished", "seconds": 1.5, "evidence": [{{"detail": {{"metrics": {{"a": {number}, "b": 2}}}}}}]}}')
    found = read_result(path)
    assert found is not None and found["evidence"] == [{"detail": {"metrics": {"a": None, "b": 2}}}] and found["seconds"] == 1.5
    place.store.write(place.fact("notice", kind="test", sentence="x", evidence=found["evidence"]))


@pytest.mark.parametrize("text", ["[" * 100_000, '{"outcome": ' + "[" * 100_000 + "]" * 100_000 + "}", '{"outcome": 1' + "0" * 5000 + "}", "\ud800", ""])
def test_a_result_that_cannot_be_read_is_none(text: str, tmp_path: Path) -> None:
    path = tmp_path / "recipe.result.json"
    path.write_text(text, encoding="utf-8", errors="surrogatepass")
    assert read_result(path) is None


@pytest.mark.parametrize("check", ["./own/check.sh", "true && ./own/check.sh", "sh own/check.sh", "cd own; ./check.sh || sh ./own/check.sh", "! own/check.sh"])
def test_a_check_that_the_task_may_change_is_bound_all_the_same(check: str, home: Path) -> None:
    """It declares the folder of its check as its own to change: what the check runs is still part of what was approved, and a change of it is told."""
    (home / "own").mkdir()
    (home / "own" / "check.sh").write_text("#!/bin/sh\nexit 1\n")
    (home / "own" / "check.sh").chmod(0o755)
    (home / "own" / "data.csv").write_text("1")
    task = command("true own/data.csv", checks=(Check(check),), changes=("own",))
    before = files_of(home, task)
    (home / "own" / "check.sh").write_text("#!/bin/sh\nexit 0\n")
    assert list(before) == ["own/check.sh"] and files_of(home, task) != before


def test_a_task_gives_data_no_new_name_but_where_it_declares_one(home: Path) -> None:
    """DuckDB makes its log there by name, again and again: a link that a task makes in that moment would lead what it writes out of the workspace."""
    if "strict" not in machine().levels:
        pytest.skip("needs the strict sandbox")
    (home / "data" / "app").mkdir(parents=True)
    (home / "data" / "app.csv").write_text("1\n")
    made = "echo 2 >> data/app.csv; echo x > data/app/new; ln -s /x data/jarvis.duckdb.wal; echo x > data/store.suspect; mv data/app data/jarvis.duckdb.wal"
    own_command(home, "strict", f"({made}) 2>/dev/null; true", changes=("data/app/new",))
    assert (home / "data" / "app.csv").read_text() == "1\n2\n" and (home / "data" / "app" / "new").exists()
    assert not os.path.lexists(home / "data" / "jarvis.duckdb.wal") and not (home / "data" / "store.suspect").exists()
    own_command(home, "strict", "echo x > data/table.csv", changes=("data/table.csv",))
    assert (home / "data" / "table.csv").read_text() == "x\n"
