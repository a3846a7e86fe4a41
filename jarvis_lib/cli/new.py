"""`jarvis new …`: beginning something of one's own."""

import click

from jarvis_lib.cli.shape import Run, verb

WOULD = "It would make notebooks/recipes/{name}.ipynb and its check notebooks/recipes/checks/{name}.py, if nothing of that name is there."


@verb("recipe", "jarvis new recipe clean_orders", writes=True, would=WOULD)
@click.argument("name")
def recipe(run: Run, name: str) -> None:
    """Begin a recipe: a notebook that works (goal, parameters, load, work, accept) and the check that proves it."""
    from jarvis_lib.doors.new_recipe import make

    book, check = make(run.place.home, name)
    add = f'jarvis add "{name}" "" 0.1 "Research/analysis" LOW --notebook {book} -p source=jarvis.toml'
    run.say(f"Made {book} and its check {check}. Change both, look at them with `jarvis recipes lint {name}`, and try it: {add}", notebook=book, check=check)
