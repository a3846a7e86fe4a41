"""What `add` makes of a person's words: recipe, checks, measures, paths. Everything wrong is refused before a write."""

import json
from pathlib import Path
from typing import Any

import pytest

from jarvis_lib.execution.draft import added, draft, revise, said, unused_proposals, why_no_recipe
from jarvis_lib.execution.lines import needs_shell
from jarvis_lib.model.fact import Refused
from jarvis_lib.model.settings import Settings, parse
from jarvis_lib.model.task import Task

CARD = {
    "fills": {"database": "sources.database", "queries": "sources.queries", "style": "=short"},
    "changes": ["{database}"],
    "checks": ["{python} checks/same.py --before {kept} --queries {queries}"],
    "measures": [{"command": "{python} time.py {changed} {queries}", "name": "queries", "unit": "s", "repeats": 5}],
}
SET = '[sources]\ndatabase = "data/app.sqlite"\nqueries = "my queries.sql"\n'


def notebook(path: Path, parameters: str | None, card: dict[str, Any] | None = None) -> None:
    """A notebook file with one parameters cell."""
    cells = [{"cell_type": "code", "id": "a", "metadata": {"tags": ["parameters"]}, "source": parameters, "outputs": [], "execution_count": None}]
    raw = {"nbformat": 4, "nbformat_minor": 5, "metadata": {"jarvis": card} if card else {}, "cells": cells if parameters is not None else []}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(raw))


@pytest.fixture
def home(tmp_path: Path) -> Path:
    notebook(tmp_path / "notebooks/recipes/optimize_database.ipynb", "database = None\nqueries = None\nstyle = 'long'\nrun_id = None\n", CARD)
    (tmp_path / "data").mkdir()
    (tmp_path / "data/app.sqlite").write_bytes(b"")
    (tmp_path / "my queries.sql").write_text("SELECT 1;")
    return tmp_path


def made(home: Path, toml: str = SET, **given: Any) -> Task:
    """The draft of a performance task, with what the test says in place of the usual words."""
    words: dict[str, Any] = {"title": "Optimize", "description": "", "hours": "2.0", "category": "performance", "priority": "high"}
    return draft(home, parse(toml), **(words | given))


def refused(home: Path, **given: Any) -> Refused:
    with pytest.raises(Refused) as caught:
        made(home, **given)
    assert "\n" not in caught.value.sentence
    return caught.value


def test_the_default_recipe_comes_filled_with_checks_measures_and_paths(home: Path) -> None:
    """A category's recipe is filled from [sources], and its card brings what proves it; late placeholders stay."""
    task = made(home)
    assert task.recipe is not None
    assert (task.recipe.notebook, task.recipe.origin) == ("notebooks/recipes/optimize_database.ipynb", "default")
    assert task.recipe.parameters == {"database": "data/app.sqlite", "queries": "my queries.sql", "style": "short"}
    assert task.changes == ("data/app.sqlite",)
    assert [(c.command, c.origin) for c in task.checks] == [("{python} checks/same.py --before {kept} --queries 'my queries.sql'", "default")]
    assert [(m.command, m.name, m.repeats) for m in task.measures] == [("{python} time.py {changed} 'my queries.sql'", "queries", 5)]
    assert "(default). 1 check and 1 measure." in said(task)


def test_without_sources_there_is_no_recipe_and_the_reason_is_said(home: Path) -> None:
    """Nothing fits: no recipe, and the sentence names what is missing and the one command."""
    settings = parse("")
    task = made(home, toml="")
    assert task.recipe is None
    sentence = why_no_recipe(home, settings, task)
    assert "[sources] database is not set" in sentence
    assert f"jarvis queue edit {task.id} --command '…'" in sentence


def test_a_source_that_is_gone_does_not_fill(home: Path) -> None:
    (home / "my queries.sql").unlink()
    assert made(home).recipe is None


def test_the_person_comes_before_the_card(home: Path) -> None:
    """Own checks, measures and paths stand in place of the card's."""
    task = made(home, checks=["true"], measures=["echo 1", "echo 2"], changes=["pages"])
    assert [c.command for c in task.checks] == ["true"]
    assert [m.name for m in task.measures] == ["measure", "measure 2"]
    assert task.changes == ("pages",)


def test_an_own_notebook_brings_its_card_too(home: Path) -> None:
    given = {"database": "data/app.sqlite", "queries": "my queries.sql"}
    task = made(home, toml="", notebook="notebooks/recipes/optimize_database.ipynb", parameters=given)
    assert task.recipe is not None and task.recipe.origin == "person"
    assert task.changes == ("data/app.sqlite",) and task.checks and task.measures


@pytest.mark.parametrize(
    ("given", "part"),
    [
        ({"notebook": "notebooks/none.ipynb"}, "There is no notebook"),
        ({"notebook": "notebooks/recipes/optimize_databse.ipynb"}, "Did you mean 'notebooks/recipes/optimize_database.ipynb'"),
        ({"notebook": "data/app.sqlite"}, "is not a notebook"),
        ({"notebook": "notebooks/recipes/optimize_database.ipynb", "parameters": {"databse": "x"}}, "Did you mean 'database'?"),
        ({"notebook": "notebooks/recipes/optimize_database.ipynb"}, "needs database and queries; give -p database=… -p queries=…."),
        ({"notebook": "notebooks/bare.ipynb", "parameters": {"a": 1}}, "has no parameters cell"),
        ({"notebook": "notebooks/bare.ipynb", "command": "true"}, "one recipe"),
        ({"parameters": {"a": 1}}, "belong to a notebook"),
        ({"command": "no-such-program --now"}, "'no-such-program' was not found on the PATH"),
        ({"command": "./no_such_script"}, "is not there"),
        ({"command": "echo 'half"}, "cannot be read as a command"),
        ({"command": "  "}, "The command is empty"),
        ({"checks": ["no-such-program"]}, "The check 'no-such-program' was not found"),
        ({"changes": ["../outside"]}, "does not lie below the workspace"),
        ({"changes": ["."]}, "does not lie below the workspace"),
        ({"title": " "}, "The title is empty"),
        ({"title": "x" * 10_000}, "10,000 characters"),
        ({"hours": "0"}, "more than 0"),
        ({"hours": "-1"}, "more than 0"),
        ({"hours": "nan"}, "more than 0"),
        ({"hours": "500"}, "split the task"),
        ({"hours": "two"}, "must be a number"),
        ({"category": "Cooking"}, "Categories: Performance optimization"),
        ({"priority": "urgent"}, "Priorities: CRITICAL"),
    ],
)
def test_what_is_wrong_is_refused_with_one_sentence(home: Path, given: dict[str, Any], part: str) -> None:
    notebook(home / "notebooks/bare.ipynb", None)
    error = refused(home, **given)
    assert part in error.sentence
    assert error.code == "usage"


def test_a_command_is_argv_unless_it_needs_a_shell(home: Path) -> None:
    plain, piped = made(home, command="echo 'a b' c").recipe, made(home, command="echo a | cat").recipe
    assert plain is not None and plain.argv == ("echo", "a b", "c") and plain.shell == ""
    assert piped is not None and piped.shell == "echo a | cat" and piped.argv == ()


@pytest.mark.parametrize(
    ("line", "shell"),
    [
        ("echo a", False),
        ("echo 'a | b $x'", False),
        ('echo "a | b"', False),
        ("python {python} {kept}", False),
        (r"echo a\|b", False),
        ('echo "$HOME"', True),
        ("echo a && echo b", True),
        ("ls *.py", True),
        ("X=1 env", True),
        ("cd data", True),
    ],
)
def test_what_a_shell_is_needed_for(line: str, shell: bool) -> None:
    assert needs_shell(line) is shell


def test_proposals_of_the_description_become_checks_and_targets(home: Path) -> None:
    """`Test:` lines that are commands become proposed checks, prose is told; `Target: 3x` goes to the measures."""
    task = made(home, description="Make it fast.\nTest: test -s data/app.sqlite\nTest: All pages feel quick\nTarget: 3x")
    assert [(c.command, c.origin) for c in task.checks][1:] == [("test -s data/app.sqlite", "proposed")]
    assert unused_proposals(home, task) == ["All pages feel quick"]
    assert [m.target for m in task.measures] == [3.0]


def test_an_edit_keeps_what_was_not_named(home: Path) -> None:
    settings: Settings = parse(SET)
    task = made(home, command="echo a", checks=["true"], measures=["echo 1"], changes=["pages"])
    changed = revise(home, settings, task, hours=3)
    assert changed.hours == 3 and changed.id == task.id
    assert (changed.recipe, changed.checks, changed.measures, changed.changes) == (task.recipe, task.checks, task.measures, task.changes)


def test_an_edit_of_nothing_gives_the_same_task(home: Path) -> None:
    settings = parse(SET)
    for task in (made(home), made(home, command="echo 'a b'"), made(home, description="Test: true\nTarget: 2x")):
        assert revise(home, settings, task) == task


def test_a_new_recipe_leaves_the_old_card_behind(home: Path) -> None:
    """What the default recipe's card had brought goes with it; the person's own check stays."""
    settings = parse(SET)
    changed = revise(home, settings, made(home, checks=["true"]), command="echo done")
    assert changed.recipe is not None and changed.recipe.argv == ("echo", "done")
    assert [c.command for c in changed.checks] == ["true"] and changed.measures == () and changed.changes == ()


def test_an_edit_can_clear(home: Path) -> None:
    changed = revise(home, parse(SET), made(home, command="echo a", checks=["true"], changes=["pages"]), checks=[], changes=[])
    assert changed.checks == () and changed.changes == ()


def test_parameters_of_the_default_recipe_can_be_changed_alone(home: Path) -> None:
    changed = revise(home, parse(SET), made(home), parameters={"style": "long"})
    assert changed.recipe is not None and changed.recipe.parameters["style"] == "long"
    assert changed.recipe.parameters["database"] == "data/app.sqlite"


def test_the_hash_covers_the_bytes_of_the_notebook(home: Path) -> None:
    task = made(home)
    before = added(home, task)["content_hash"]
    with (home / "notebooks/recipes/optimize_database.ipynb").open("a") as file:
        file.write(" ")
    assert added(home, task)["content_hash"] != before


def test_foreign_text_is_made_harmless(home: Path) -> None:
    task = made(home, title='<script>\x1b[31mred\x1b[0m\n"$(rm)"')
    assert task.title == '<script>red "$(rm)"'
