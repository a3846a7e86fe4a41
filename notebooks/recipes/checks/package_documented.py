"""Does every public module, class, method and function of the package stand in the reference, with its arguments?

Reads source and reference on its own, sharing no code with what wrote the reference. Exit 0 with the counts, or 1 with what is missing.
"""

import argparse
import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--package", required=True)
    parser.add_argument("--reference", required=True)
    args = parser.parse_args()
    reference, folder = Path(args.reference), Path(args.package)
    if not reference.is_file():
        print(f"{reference} is not there")
        return 1
    parts = sections(reference.read_text(encoding="utf-8"))
    missing, modules, names = [], 0, 0
    for name, tree in _modules(folder):
        modules += 1
        if name not in parts:
            missing.append(f"module {name}")
            continue
        for owner, node in _public(tree.body, ""):
            names += 1
            wanted = _words(owner, node)
            if not any(wanted <= set(re.findall(r"[\w.]+", line)) for line in parts[name]):
                missing.append(f"{name}: {owner}{node.name}")
    if missing or not modules:
        print(f"{len(missing)} missing: " + "; ".join(missing[:5]) if missing else f"{folder} has no public module, so nothing was compared")
        return 1
    print(f"all of {modules} modules and {names} public classes and functions stand in the reference, with their arguments")
    return 0


def sections(text: str) -> dict[str, list[str]]:
    """The headings below each module's heading."""
    found: dict[str, list[str]] = {}
    current: list[str] = []
    for line in text.splitlines():
        module = re.fullmatch(r"## `([\w.]+)`", line)
        if module:
            current = found.setdefault(module.group(1), [])
        elif line.startswith(("### ", "#### ")):
            current.append(line)
    return found


def _modules(folder: Path) -> Iterator[tuple[str, ast.Module]]:
    for path in sorted(folder.rglob("*.py")):
        inner = path.relative_to(folder).with_suffix("")
        words = [w for w in (folder.resolve().name, *inner.parts) if w != "__init__"]
        if not any(w.startswith(("_", ".")) for w in words[1:]):
            yield ".".join(words), ast.parse(path.read_text(encoding="utf-8"))


def _public(body: list[ast.stmt], owner: str) -> Iterator[tuple[str, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef]]:
    last = {n.name: n for n in body if isinstance(n, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and not n.name.startswith("_")}
    for node in last.values():
        yield owner, node
        if isinstance(node, ast.ClassDef):
            yield from _public(node.body, f"{owner}{node.name}.")


def _words(owner: str, node: ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) -> set[str]:
    """The words that its heading must have: its name and those of its arguments."""
    if isinstance(node, ast.ClassDef):
        return {"class", owner + node.name}
    own = node.args
    every = [*own.posonlyargs, *own.args, *own.kwonlyargs, *(a for a in (own.vararg, own.kwarg) if a)]
    return {owner + node.name, *(a.arg for a in every)}


if __name__ == "__main__":
    sys.exit(main())
