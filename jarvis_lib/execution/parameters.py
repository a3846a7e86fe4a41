"""Which parameters has a notebook, and what does it say about itself? Read from the file; no kernel, nothing heavy.

The cell tagged `parameters` holds one assignment for each. Its source is parsed, never run.
"""

import ast
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jarvis_lib.model.fact import Refused
from jarvis_lib.model.prose import clean

TAG = "parameters"


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter. `default_source` is Python source, None for a bare annotation; `kind` is the annotation or the default's type.

    `required`: the default is None or absent. `help` is the comment that ends its line.
    """

    default_source: str | None
    required: bool
    kind: str
    help: str


def read_parameters(path: Path) -> dict[str, Parameter]:
    """The parameters in the order of the cell; empty when no cell is tagged `parameters`. Refuses what is not a notebook."""
    return parameters_of(_notebook(path), path.name)


def parameters_of(notebook: dict[str, Any], name: str) -> dict[str, Parameter]:
    """The same for a notebook that is already read."""
    for cell in notebook["cells"]:
        if cell.get("cell_type") == "code" and TAG in cell.get("metadata", {}).get("tags", ()):
            return _parse(_text(cell.get("source", "")), name)
    return {}


def recipe_card(path: Path) -> dict[str, Any]:
    """What the notebook says of itself under `metadata.jarvis`: fills, changes, checks, measures. Empty when it says nothing."""
    card = _notebook(path).get("metadata", {}).get("jarvis", {})
    if not isinstance(card, dict):
        raise Refused(f"{clean(path.name)}: its metadata 'jarvis' must be a table, not {type(card).__name__}; mend the notebook.", code="usage")
    return card


def _notebook(path: Path) -> dict[str, Any]:
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, IsADirectoryError):
        raise Refused(f"There is no notebook {clean(str(path))}; check the path.", code="missing") from None
    except (ValueError, RecursionError):
        raise Refused(f"{clean(str(path))} is not a notebook: it is not valid JSON. Open it in JupyterLab and save it again.", code="usage") from None
    if not isinstance(raw, dict) or not isinstance(raw.get("cells"), list):
        raise Refused(f"{clean(str(path))} is not a notebook of format 4: it has no cells. Open it in JupyterLab and save it again.", code="usage")
    return raw


def _text(source: Any) -> str:
    return "".join(source) if isinstance(source, list) else str(source)


def _parse(source: str, name: str) -> dict[str, Parameter]:
    lines = ["" if line.lstrip().startswith(("%", "!")) else line for line in source.splitlines()]
    try:
        body = ast.parse("\n".join(lines)).body
    except (SyntaxError, ValueError):
        raise Refused(f"The parameters cell of {clean(name)} is not valid Python, so its parameters cannot be read; mend the cell.", code="usage") from None
    found: dict[str, Parameter] = {}
    for node in body:
        if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
            found[node.targets[0].id] = _parameter(node.value, None, _comment(lines, node))
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            found[node.target.id] = _parameter(node.value, node.annotation, _comment(lines, node))
    return found


def _parameter(value: ast.expr | None, annotation: ast.expr | None, comment: str) -> Parameter:
    required = value is None or (isinstance(value, ast.Constant) and value.value is None)
    kind = ast.unparse(annotation) if annotation is not None else _kind(value)
    return Parameter(None if value is None else ast.unparse(value), required, kind, comment)


def _kind(value: ast.expr | None) -> str:
    if isinstance(value, ast.UnaryOp):
        return _kind(value.operand)
    if isinstance(value, ast.Constant):
        return type(value.value).__name__ if value.value is not None else "None"
    return {ast.List: "list", ast.Dict: "dict", ast.Tuple: "tuple", ast.Set: "set"}.get(type(value), "Any")


def _comment(lines: list[str], node: ast.stmt) -> str:
    if node.end_lineno is None or node.end_col_offset is None:
        return ""
    rest = lines[node.end_lineno - 1].encode()[node.end_col_offset :].decode().strip()
    return clean(rest[1:]) if rest.startswith("#") else ""
