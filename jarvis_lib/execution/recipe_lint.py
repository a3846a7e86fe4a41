"""Will this recipe notebook run in a night, and will anything prove it? Read from the file, without a kernel; each finding is a sentence.

Promise: what is told here would fail, mislead or prove nothing in the night. A notebook without findings has typed and explained parameters, a card with
checks whose scripts and placeholders exist, and a last cell that asserts and says what was done.
"""

import ast
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from jarvis_lib.execution.offers import LATE
from jarvis_lib.execution.parameters import TAG, parameters_of, read_parameters, recipe_card
from jarvis_lib.model.fact import Refused
from jarvis_lib.model.prose import listed

ACCEPT = "accept"
CARD = ("fills", "changes", "checks", "measures")
_LINE = re.compile(r"\w+: [\w\[\], ]+ = .+  # \S")
_ABSOLUTE = re.compile(r"(?:/(?:home|Users|root|tmp|mnt|opt|srv|var)/|[A-Za-z]:\\)\S")
_SECRET = re.compile(r"(?i)(?:api[_-]?key|token|password|secret)\s*[=:]\s*\S{8}|-----BEGIN [A-Z ]*PRIVATE KEY|\b(?:ghp|sk|xox[bp])[-_]\w{16}")
_STORE = ("jarvis_lib.store", "jarvis_lib.workspace", "jarvis_lib.autonomous_queue", "duckdb")


def lint(path: Path, home: Path) -> list[str]:
    """What is wrong with the recipe at `path` of the workspace `home`; empty when nothing is. Raises Refused for what is no notebook."""
    known = read_parameters(path)
    book = json.loads(path.read_text(encoding="utf-8"))
    cells = [c for c in book["cells"] if c.get("cell_type") == "code"]
    found = [*_head(book), *_parameters(cells, path.name), *_code(cells), *_accepted(cells), *_stored(cells)]
    try:
        return [*found, *_card(recipe_card(path), set(known), home)]
    except Refused as error:
        return [*found, error.sentence]


def _head(book: Mapping[str, Any]) -> Iterator[str]:
    if "kernelspec" not in book.get("metadata", {}):
        yield "It names no kernel, so JupyterLab asks for one; save it there with the kernel Python 3."
    first = next((_text(c) for c in book["cells"]), "")
    if not re.match(r"# \S", first) or "?" not in first:
        yield "Its first cell is not a title with the question that it answers; begin with `# Title` and a question."


def _parameters(cells: list[dict[str, Any]], name: str) -> Iterator[str]:
    tagged = [c for c in cells if TAG in c.get("metadata", {}).get("tags", ())]
    if len(tagged) != 1:
        yield f"{len(tagged)} cells are tagged `{TAG}`, and exactly one must be."
        return
    try:
        parameters_of({"cells": tagged}, name)
    except Refused as error:
        yield error.sentence
        return
    for line in _text(tagged[0]).splitlines():
        if line.strip() and not _LINE.match(line):
            yield f"The parameter `{line.strip()[:60]}` needs a type, a default and a word: `name: str = None  # what it is`."


def _code(cells: list[dict[str, Any]]) -> Iterator[str]:
    for number, cell in enumerate(cells, 1):
        try:
            tree = ast.parse("\n".join("" if line.lstrip().startswith(("%", "!")) else line for line in _text(cell).splitlines()))
        except (SyntaxError, ValueError):
            yield f"Code cell {number} is not valid Python."
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and _ABSOLUTE.match(node.value):
                yield f"Code cell {number} names {node.value[:40]!r}, which is a path of one machine; make it a parameter."
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "input":
                yield f"Code cell {number} asks with input(), and nobody answers at night; make it a parameter."
            for module in _imported(node):
                if module.startswith(_STORE):
                    yield f"Code cell {number} imports {module}, and a recipe has no store; what it needs to know is a parameter."


def _imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [a.name for a in node.names]
    if isinstance(node, ast.ImportFrom) and node.module:
        return [node.module, *(f"{node.module}.{a.name}" for a in node.names)]
    return []


def _accepted(cells: list[dict[str, Any]]) -> Iterator[str]:
    last = cells[-1] if cells else {}
    if ACCEPT not in last.get("metadata", {}).get("tags", ()):
        yield f"Its last code cell is not tagged `{ACCEPT}`; end with one that asserts what must hold and calls jarvis.result(…)."
        return
    try:
        nodes = list(ast.walk(ast.parse(_text(last))))
    except (SyntaxError, ValueError):
        return  # told already, as code that is no Python
    if not any(isinstance(n, ast.Assert) for n in nodes):
        yield "Its last cell asserts nothing, so it ends well whatever happened."
    if not any(isinstance(n, ast.Call) and ast.unparse(n.func) in ("jarvis.result", "result") for n in nodes):
        yield "Its last cell does not call jarvis.result(summary, files, metrics), so nobody is told what was done."


def _stored(cells: list[dict[str, Any]]) -> Iterator[str]:
    if any(c.get("outputs") or c.get("execution_count") for c in cells):
        secret = any(_SECRET.search(json.dumps(c.get("outputs", []))) for c in cells)
        yield "It has stored outputs" + (", and one looks like a secret" if secret else "") + "; clear them, they are part of its hash."
    if any(_SECRET.search(_text(c)) for c in cells):
        yield "Its code holds what looks like a secret; grant it with `jarvis add --secret NAME` and read it from the environment."


def _card(card: Mapping[str, Any], known: set[str], home: Path) -> Iterator[str]:
    strange = [k for k in card if k not in CARD]
    if strange:
        yield f"Its card has {listed(strange)}, which nothing reads; it may have {listed(list(CARD))}."
    if not card.get("checks"):
        yield "Its card promises no check, so what it does is never proved; add one under metadata.jarvis.checks."
    commands = [p if isinstance(p, str) else p.get("command", "") for kind in ("checks", "measures") for p in card.get(kind, ())]
    for text in (*commands, *card.get("changes", ())):
        unknown = [n for n in re.findall(r"\{(\w+)\}", text) if n not in known | set(LATE)]
        if unknown:
            yield f"Its card uses {listed([f'{{{n}}}' for n in unknown])} in `{text[:60]}`, which is no parameter."
    for command in commands:
        for script in re.findall(r"\S+\.py\b", command):
            if not (home / script).is_file():
                yield f"Its check runs {script}, which is not there."


def _text(cell: Mapping[str, Any]) -> str:
    source = cell.get("source", "")
    return "".join(source) if isinstance(source, list) else str(source)
