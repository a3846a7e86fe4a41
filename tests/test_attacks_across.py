"""Attacks in the seams: what one part lets a task write, and what another part does with it afterwards, outside of any jail."""

import os
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import pytest

from jarvis_lib.execution import held
from jarvis_lib.execution.own_state import OWN_STATE
from jarvis_lib.execution.papermill_run import run_notebook
from jarvis_lib.execution.sandbox import python_paths
from jarvis_lib.execution.sandbox.enter import enter
from jarvis_lib.execution.sandbox.levels import machine
from jarvis_lib.execution.spec import Holding, Limits, Spec
from jarvis_lib.store.place import Place
from tests.execution_parts import command

levels = pytest.mark.parametrize("level", [pytest.param(x, marks=pytest.mark.skipif(x not in machine().levels, reason=x)) for x in ("basic", "strict")])


def own_command(home: Path, level: str, line: str) -> str:
    """What the person's own command prints in the jail that its worker builds; the places of Jarvis's state are as they were found."""
    spec = Spec("recipe", "own", command(line), home, home / "data/attempts/own", 0.0, Limits(60.0, 1000, 0, 10.0, 1.0), (), 0, "", (), {}, 0)
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
    result = run_notebook(home / "page.ipynb", home / "out.ipynb", {}, deadline=time.time() + 60, cwd=home)
    assert result["outcome"] == "finished" and not (home / "taken").exists(), result


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
    assert not links and not list(outside.iterdir()) and not [p for p in (home / "data").rglob("x")] and not list((home / "logs").glob("*x"))
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
