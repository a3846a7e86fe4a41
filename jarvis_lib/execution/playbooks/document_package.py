"""What does this Python package offer? Its modules, classes and functions as a Markdown reference, read from the source.

Promise: nothing of the package is imported or run. Every public module, class, method and function stands in the text with
its signature and docstring; what has no docstring is said to have none.
"""

import ast
import html
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from jarvis_lib.model.fact import Refused
from jarvis_lib.model.prose import clean, plural

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True)
class Module:
    """One source file: its dotted name and its tree."""

    name: str
    tree: ast.Module


def read_package(folder: Path) -> list[Module]:
    """The public modules of the package in `folder`, sorted by name. Refuses a missing folder, one without Python files, and broken source."""
    if not folder.is_dir():
        raise Refused(f"The package folder {folder} does not exist; set [sources] package in jarvis.toml or give its path.", code="missing")
    files = [f for f in sorted(folder.rglob("*.py")) if _public(f.relative_to(folder))]
    if not files:
        raise Refused(f"{folder} holds no public Python files.", code="usage")
    return [_module(folder, f) for f in files]


def _public(path: Path) -> bool:
    if path.name == "__init__.py":
        path = path.parent
    return not any(part.startswith(("_", ".")) for part in path.parts)


def _module(folder: Path, file: Path) -> Module:
    parts = [folder.resolve().name, *file.relative_to(folder).with_suffix("").parts]
    if parts[-1] == "__init__":
        parts.pop()
    try:
        return Module(".".join(parts), ast.parse(file.read_bytes(), filename=str(file)))
    except (SyntaxError, ValueError) as error:
        raise Refused(f"{file} is not valid Python for this version: {error}.") from error


def public_items(body: list[ast.stmt]) -> list[ast.ClassDef | Function]:
    """The public classes and functions of a module or class body; of overloads the last one."""
    found: dict[str, ast.ClassDef | Function] = {}
    for node in body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and not node.name.startswith("_"):
            found[node.name] = node
    return list(found.values())


def counts(modules: list[Module]) -> dict[str, int]:
    """Modules, classes and functions (methods too) of the reference, and how many of them have no docstring."""
    nodes = [n for m in modules for n in _walk(m.tree.body)]
    bare = sum(not ast.get_docstring(n) for n in nodes) + sum(not ast.get_docstring(m.tree) for m in modules)
    classes = sum(isinstance(n, ast.ClassDef) for n in nodes)
    return {"modules": len(modules), "classes": classes, "functions": len(nodes) - classes, "without docstring": bare}


def _walk(body: list[ast.stmt]) -> Iterator[ast.ClassDef | Function]:
    for node in public_items(body):
        yield node
        if isinstance(node, ast.ClassDef):
            yield from _walk(node.body)


def markdown(modules: list[Module]) -> str:
    """The whole reference."""
    own = counts(modules)
    lines = [f"# {_text(modules[0].name.split('.')[0])}: reference", ""]
    size = [plural(own["modules"], "module"), plural(own["classes"], "class", "classes"), plural(own["functions"], "function")]
    lines += [f"Read from the source: {', '.join(size)}; {own['without docstring']} of them have no docstring.", ""]
    lines += [f"- `{module.name}`: {_first(module.tree)}" for module in modules]
    for module in modules:
        lines += ["", f"## `{module.name}`", "", _doc(module.tree)]
        for node in public_items(module.tree.body):
            lines += _item(node)
    return "\n".join(lines).rstrip() + "\n"


def _item(node: ast.ClassDef | Function, owner: str = "") -> Iterator[str]:
    yield from ["", f"{'####' if owner else '###'} `{_heading(node, owner)}`", "", _doc(node)]
    if isinstance(node, ast.ClassDef):
        yield from _fields(node)
        for inner in public_items(node.body):
            yield from _item(inner, f"{owner}{node.name}.")


def _fields(node: ast.ClassDef) -> Iterator[str]:
    named = [n for n in node.body if isinstance(n, ast.AnnAssign) and isinstance(n.target, ast.Name) and not n.target.id.startswith("_")]
    if named:
        yield ""
    for one in named:
        default = f" = {ast.unparse(one.value)}" if one.value is not None else ""
        yield f"- `{_one_line(ast.unparse(one.target) + ': ' + ast.unparse(one.annotation) + default)}`"


def _heading(node: ast.ClassDef | Function, owner: str = "") -> str:
    """`class X(Base)` or `f(a: int, b=1) -> str`, on one line."""
    if isinstance(node, ast.ClassDef):
        bases = ", ".join(ast.unparse(b) for b in node.bases)
        return _one_line(f"class {owner}{node.name}" + (f"({bases})" if bases else ""))
    returns = f" -> {ast.unparse(node.returns)}" if node.returns else ""
    word = "async " if isinstance(node, ast.AsyncFunctionDef) else ""
    return _one_line(f"{word}{owner}{node.name}({ast.unparse(node.args)}){returns}")


def _one_line(source: str) -> str:
    return clean(source).replace("`", "'")


def _doc(node: ast.Module | ast.ClassDef | Function) -> str:
    text = ast.get_docstring(node)
    return _text(text, keep_lines=True) if text else "*No docstring.*"


def _first(node: ast.Module) -> str:
    text = ast.get_docstring(node)
    return _text(text.split("\n\n")[0]) if text else "*No docstring.*"


def _text(text: str, *, keep_lines: bool = False) -> str:
    """Foreign prose, harmless as Markdown and HTML; its headings become plain lines."""
    safe = html.escape(clean(text, keep_lines=keep_lines), quote=False)
    return "\n".join(line.lstrip("# ") if line.lstrip().startswith("#") else line for line in safe.splitlines())


def save(modules: list[Module], out: Path) -> Path:
    """The reference written to `out` (folders made, replaced in one step)."""
    out.parent.mkdir(parents=True, exist_ok=True)
    half = out.with_name(out.name + ".half")
    half.write_text(markdown(modules), encoding="utf-8")
    half.replace(out)
    return out
