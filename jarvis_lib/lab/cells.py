"""How does a cell become a task's notebook? Its text as a cell of its own, below the parameters that Jarvis fills in."""

import ast
import json
import re
from pathlib import Path
from typing import Any

from jarvis_lib.model.fact import Refused, new_id
from jarvis_lib.model.prose import clean
from jarvis_lib.store.whole import write_whole

FOLDER = "notebooks/tasks"
PARAMETERS = (
    'run_id: str = "by hand"  # filled by Jarvis: the attempt',
    'as_of: str = ""  # filled by Jarvis: the moment of the run, ISO 8601',
    'out_dir: str = "reports"  # filled by Jarvis: the folder for what it makes',
    'workspace: str = "."  # filled by Jarvis: the folder of the workspace',
)


def keep(home: Path, title: str, cell: str) -> str:
    """Write the notebook; its path below the workspace. Refuses an empty cell and one that is no Python."""
    if not cell.strip():
        raise Refused("The cell below %%jarvis_task is empty; write what the task should do.", code="usage")
    _refuse_no_python(cell)
    slug = re.sub(r"[^a-z0-9]+", "-", title.casefold()).strip("-")[:40].strip("-") or "task"
    path = f"{FOLDER}/{slug}-{new_id(5)}.ipynb"
    _write(home / path, notebook(title, cell))
    return path


def forget(home: Path, path: str) -> None:
    """Take a notebook back whose task was refused."""
    (home / path).unlink(missing_ok=True)


def notebook(title: str, cell: str) -> dict[str, Any]:
    """The notebook of one cell."""
    cells = [
        {"cell_type": "markdown", "id": "title", "metadata": {}, "source": f"# {clean(title)}\n\nWritten as a cell, proposed by a notebook."},
        _code("parameters", "\n".join(PARAMETERS), tags=["parameters"]),
        _code("work", cell.strip("\n")),
    ]
    kernel = {"kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}, "language_info": {"name": "python"}}
    return {"cells": cells, "metadata": kernel, "nbformat": 4, "nbformat_minor": 5}


def _code(name: str, source: str, tags: list[str] | None = None) -> dict[str, Any]:
    metadata = {"tags": tags} if tags else {}
    return {"cell_type": "code", "id": name, "metadata": metadata, "source": source, "outputs": [], "execution_count": None}


def _refuse_no_python(cell: str) -> None:
    """A cell that cannot be parsed would fail in the night; magics and shell lines are left to IPython."""
    from IPython.core.inputtransformer2 import TransformerManager

    transformer: Any = TransformerManager  # untyped
    try:
        compile(transformer().transform_cell(cell), "<cell>", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    except (SyntaxError, ValueError) as error:
        raise Refused(f"The cell is not valid Python, so the task would fail ({error}).", code="usage") from error


def _write(path: Path, book: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, f"{json.dumps(book, indent=1, ensure_ascii=False)}\n".encode())
