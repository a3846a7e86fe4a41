"""What every recipe notebook must be: thin, described by its card, without outputs, and usable by a plain `add`."""

import ast
import json
import re
from pathlib import Path
from typing import Any

import pytest

from jarvis_lib.execution.draft import draft
from jarvis_lib.execution.parameters import read_parameters, recipe_card
from jarvis_lib.execution.recipe_lint import lint
from jarvis_lib.workspace import load_settings
from tests.recipe_parts import RECIPES, ROOT

BOOKS = sorted(RECIPES.glob("*.ipynb"))


@pytest.fixture(params=BOOKS, ids=[b.stem for b in BOOKS])
def book(request: pytest.FixtureRequest) -> Path:
    return Path(request.param)


def cells(book: Path, kind: str) -> list[dict[str, Any]]:
    return [c for c in json.loads(book.read_text())["cells"] if c["cell_type"] == kind]


def test_there_are_nine_recipes() -> None:
    first = ["backfill_table", "build_dashboard", "document_api", "document_package", "maintenance", "optimize_database"]
    assert [b.stem for b in BOOKS] == [*first, "profile_data", "repository_health", "retrain_model"]


def test_a_recipe_is_clean_by_its_own_lint(book: Path) -> None:
    """Typed parameters, a card whose checks are there, and a last cell that asserts and says what was done."""
    assert lint(book, ROOT) == []


def test_a_recipe_is_thin(book: Path) -> None:
    """At most 15 code cells of 12 lines; no functions, classes or SQL: the logic is in tested modules."""
    code = cells(book, "code")
    assert len(code) <= 15
    for cell in code:
        source = "".join(cell["source"])
        assert len(source.splitlines()) <= 12
        assert not any(isinstance(n, ast.FunctionDef | ast.ClassDef | ast.Lambda) for n in ast.walk(ast.parse(source)))
        assert not re.search(r"\b(SELECT|INSERT|UPDATE|DELETE|PRAGMA)\b", source)


def test_a_recipe_begins_with_its_title_and_question(book: Path) -> None:
    first = "".join(cells(book, "markdown")[0]["source"]).splitlines()
    assert first[0].startswith("# ") and "?" in "".join(first[2:4])


def test_a_recipe_is_stored_without_outputs_and_with_stable_ids(book: Path) -> None:
    raw = json.loads(book.read_text())
    assert all(c["outputs"] == [] and c["execution_count"] is None for c in raw["cells"] if c["cell_type"] == "code")
    ids = [c["id"] for c in raw["cells"]]
    assert len(set(ids)) == len(ids) and all(re.fullmatch(r"[a-z-]+", i) for i in ids)
    assert raw["metadata"]["kernelspec"]["name"] == "python3"


def test_every_parameter_is_typed_and_explained(book: Path) -> None:
    known = read_parameters(book)
    assert known and all(p.kind == "str" and p.help for p in known.values())


def test_a_card_names_only_parameters_and_checks_that_exist(book: Path) -> None:
    card, known = recipe_card(book), set(read_parameters(book))
    assert set(card) <= {"fills", "changes", "checks", "measures"} and card["checks"]
    assert set(card["fills"]) <= known
    for command in [c["command"] for c in [*card["checks"], *card.get("measures", [])]]:
        assert set(re.findall(r"\{(\w+)\}", command)) <= known | {"python", "changed", "kept", "out_dir"}
        assert (ROOT / re.search(r"notebooks/recipes/checks/\w+\.py", command)[0]).is_file()  # type: ignore[index]  # no script is a failure too


@pytest.mark.parametrize(
    ("category", "sources", "recipe", "changes"),
    [
        ("Performance optimization", {"database": "app.db", "queries": "q.sql"}, "optimize_database", ("app.db",)),
        ("Documentation", {"openapi": "api.yaml"}, "document_api", ("reports/api_reference.md",)),
        ("Documentation", {"package": "parcel"}, "document_package", ("reports/package_reference.md",)),
        ("Infrastructure", {}, "maintenance", ()),
    ],
)
def test_a_plain_add_takes_the_recipe_of_its_category(home: Path, category: str, sources: dict[str, str], recipe: str, changes: tuple[str, ...]) -> None:
    """With its parameters filled from the workspace, and its check."""
    text = (home / "jarvis.toml").read_text()
    for key, value in sources.items():
        (home / value).write_text("x")
        text = text.replace(f'{key} = ""', f'{key} = "{value}"')
    (home / "jarvis.toml").write_text(text)
    (home / "notebooks").symlink_to(ROOT / "notebooks")
    made = draft(home, load_settings(home), title="Do it", description="", hours=1, category=category, priority="LOW")
    assert made.recipe is not None and made.recipe.notebook == f"notebooks/recipes/{recipe}.ipynb" and made.recipe.parameters == sources
    assert made.changes == changes and made.checks
    assert bool(made.measures) == (recipe == "optimize_database")
