"""`jarvis recipes …`: which recipe notebooks there are, and whether they would hold at night."""

from pathlib import Path

import click

from jarvis_lib.cli.shape import Run, here, verb

FOLDER = "notebooks/recipes"


@verb("list", "jarvis recipes list", at=False)
def list_(run: Run) -> None:
    """The recipes of this workspace: their question, what they need and what they change."""
    from jarvis_lib.cli.columns import RECIPES
    from jarvis_lib.execution.recipe_list import recipes

    run.table("jarvis.recipes/1", recipes(run.place.home), RECIPES, empty="There is no recipe in notebooks/recipes; begin one with: jarvis new recipe NAME")


@verb("lint", "jarvis recipes lint\njarvis recipes lint clean_orders", at=False)
@click.argument("names", nargs=-1, metavar="[NAME|PATH]...")
def lint(run: Run, names: tuple[str, ...]) -> int:
    """Say what in these recipes (all, if none is named) would fail, mislead or prove nothing at night. Exit 5 when anything would."""
    from jarvis_lib.execution.recipe_lint import lint as look
    from jarvis_lib.model.fact import Refused

    home = run.place.home
    paths = [_path(home, n) for n in names] or sorted((home / FOLDER).glob("*.ipynb"))
    if not paths:
        raise Refused("There is no recipe in notebooks/recipes; begin one with: jarvis new recipe NAME", code="missing")
    found = {p.relative_to(home).as_posix() if p.is_relative_to(home) else str(p): look(p, home) for p in paths}
    lines = [f"{name}: {said}" for name, findings in found.items() for said in findings or ["good"]]
    run.show("jarvis.recipe_lint/1", [{"recipe": name, "findings": findings} for name, findings in found.items()], lines)
    return 5 if any(found.values()) else 0


def _path(home: Path, name: str) -> Path:
    """A path, or the name of a recipe."""
    return home / here(home, name) if name.endswith(".ipynb") else home / FOLDER / f"{name}.ipynb"
