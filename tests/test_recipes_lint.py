"""A recipe begun by `jarvis new recipe` works, is proved and undone by a real session; the lint tells what would fail at night, each thing in a sentence."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from jarvis_lib import autonomous_queue as queue
from jarvis_lib import overnight_runner as night
from jarvis_lib.cli.entry import main
from jarvis_lib.doors.new_recipe import make, notebook
from jarvis_lib.execution.recipe_lint import lint
from jarvis_lib.model.fact import Refused
from jarvis_lib.workspace import open_workspace


def written(home: Path, change: Callable[[dict[str, Any]], None]) -> list[str]:
    """The lint of the template after a change."""
    book, check = make(home, "mine")
    raw = notebook("mine", check)
    change(raw)
    (home / book).write_text(json.dumps(raw))
    return lint(home / book, home)


def cell(raw: dict[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = next(c for c in raw["cells"] if c["id"] == name)
    return found


def test_a_new_recipe_is_clean_and_a_session_proves_and_undoes_it(home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """From the command line to the shipped task, with what it said among the evidence; undo takes its file away."""
    monkeypatch.chdir(home)
    assert main(["new", "recipe", "count_words"]) == 0 and main(["recipes", "lint", "count_words"]) == 0
    assert "count_words.ipynb: good" in capsys.readouterr().out
    place = open_workspace(home, actor="person:test")
    book = "notebooks/recipes/count_words.ipynb"
    made = queue.add(place, "Count", "", 0.01, "Research/analysis", "LOW", notebook=book, parameters={"source": "jarvis.toml"}, now=place.now())
    queue.approve(place, made.task.id, now=place.now())
    night.start(place, for_minutes=3, with_brief=False, say=lambda line: None)
    seen = queue.show(place, made.task.id)
    assert seen["task"]["state"] in ("shipped", "accepted"), queue.why(place, made.task.id, now=place.now())
    assert "words" in json.loads((home / "reports" / "count_words.json").read_text())
    told = [e for e in seen["evidence"] if e["kind"] == "result"]
    assert told and "lines and" in told[0]["said"]
    queue.undo(place, made.task.id, now=place.now())
    assert not (home / "reports" / "count_words.json").exists()


def test_a_recipe_is_never_written_over(home: Path) -> None:
    make(home, "mine")
    for name in ("mine", "Mine", "../mine", "a b", ""):
        with pytest.raises(Refused):
            make(home, name)


def drop(raw: dict[str, Any]) -> None:
    raw["cells"] = raw["cells"][:-1]


FINDINGS: dict[str, tuple[Callable[[dict[str, Any]], Any], str]] = {
    "no kernel": (lambda r: r["metadata"].pop("kernelspec"), "names no kernel"),
    "no question": (lambda r: cell(r, "goal").update(source="# Mine"), "not a title with the question"),
    "no parameters": (lambda r: cell(r, "parameters")["metadata"].clear(), "0 cells are tagged `parameters`"),
    "no type": (lambda r: cell(r, "parameters").update(source="source = None\nout: str = 'a'  # b"), "needs a type, a default and a word"),
    "path": (lambda r: cell(r, "work").update(source="x = '/home/me/data.csv'"), "a path of one machine"),
    "input": (lambda r: cell(r, "work").update(source="x = input('?')"), "nobody answers at night"),
    "store": (lambda r: cell(r, "work").update(source="from jarvis_lib.workspace import open_workspace"), "a recipe has no store"),
    "syntax": (lambda r: cell(r, "work").update(source="def ("), "not valid Python"),
    "no accept": (drop, "not tagged `accept`"),
    "no assert": (lambda r: cell(r, "accept").update(source="jarvis.result('x')"), "asserts nothing"),
    "no result": (lambda r: cell(r, "accept").update(source="assert True"), "does not call jarvis.result"),
    "outputs": (lambda r: cell(r, "work").update(outputs=[{"output_type": "stream", "text": "token = abcdefgh12345"}]), "looks like a secret; clear them"),
    "secret": (lambda r: cell(r, "work").update(source="password = 'hunter2hunter2'"), "looks like a secret; grant it"),
    "no check": (lambda r: r["metadata"]["jarvis"].update(checks=[]), "promises no check"),
    "strange": (lambda r: r["metadata"]["jarvis"].update(chekcs=[]), "has chekcs, which nothing reads"),
    "placeholder": (lambda r: r["metadata"]["jarvis"].update(changes=["{outt}"]), "uses {outt}"),
    "script": (lambda r: r["metadata"]["jarvis"].update(checks=["python checks/gone.py"]), "checks/gone.py, which is not there"),
}


@pytest.mark.parametrize("name", FINDINGS)
def test_what_would_fail_at_night_is_told(home: Path, name: str) -> None:
    """Each thing alone, and the template itself has none."""
    change, said = FINDINGS[name]
    assert any(said in found for found in written(home, change)), name


def test_the_template_has_no_finding(home: Path) -> None:
    assert written(home, lambda raw: None) == []


def test_the_list_says_what_a_recipe_needs(home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """A damaged one says so in its row."""
    monkeypatch.chdir(home)
    make(home, "mine")
    (home / "notebooks" / "recipes" / "broken.ipynb").write_text("{")
    assert main(["recipes", "list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split("\t")[0] for line in lines[-2:]] == ["broken", "mine"] and "source" in lines[-1] and "not valid JSON" in lines[-2]
    assert main(["recipes", "lint"]) != 0
