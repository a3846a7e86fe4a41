"""Which recipes has this workspace, what do they ask, need and change? Read from the files."""

import json
from pathlib import Path
from typing import Any

from jarvis_lib.execution.offers import FILLED_BY_WORKER
from jarvis_lib.execution.parameters import read_parameters, recipe_card
from jarvis_lib.model.fact import Refused
from jarvis_lib.model.prose import clean


def recipes(home: Path) -> list[dict[str, Any]]:
    """One row for each notebook in notebooks/recipes, by name; one that cannot be read says so in its question."""
    return [_row(home, path) for path in sorted((home / "notebooks" / "recipes").glob("*.ipynb"))]


def _row(home: Path, path: Path) -> dict[str, Any]:
    own = {"name": path.stem, "notebook": path.relative_to(home).as_posix()}
    try:
        known, card = read_parameters(path), recipe_card(path)
    except Refused as error:
        return own | {"question": error.sentence, "needs": "", "changes": [], "checks": 0}
    first = json.loads(path.read_text(encoding="utf-8"))["cells"][:1]
    words = "".join("".join(c.get("source", "")) for c in first).split("\n\n")
    needs = [name for name, what in known.items() if what.required and name not in FILLED_BY_WORKER]
    question = clean(words[1]) if len(words) > 1 else ""
    return own | {"question": question, "needs": ", ".join(needs), "changes": list(card.get("changes", ())), "checks": len(card.get("checks", ()))}
