"""Which files belong to what was approved, and what is in them? A notebook, and the files that commands and parameters name.

Left out: what the task itself declares as changed, and data (databases, logs, tables), which differ from night to night without the
task being another one.
"""

import hashlib
import os
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from jarvis_lib.model.task import Recipe, Task

_TABLES = frozenset((".db", ".sqlite", ".sqlite3", ".duckdb", ".wal", ".parquet", ".arrow", ".feather", ".csv", ".tsv", ".jsonl", ".log"))
_PACKED = frozenset((".gz", ".bz2", ".xz", ".zst", ".zip", ".tar", ".pkl", ".npy", ".npz", ".h5", ".bin"))
DATA_SUFFIXES = _TABLES | _PACKED
_MAKEFILES = ("GNUmakefile", "makefile", "Makefile")
_WORD = re.compile(r"[^\s'\"`;|&<>()=,]+")


def files_of(home: Path, task: Task) -> dict[str, str]:
    """SHA-256 in hex by path relative to `home`, sorted by path."""
    if task.repo:
        return {}  # what lies in a repository has its commit, and its checks come from there
    root = os.path.realpath(home)
    changed = [os.path.normpath(path) for path in task.changes]
    found: dict[str, str] = {}
    for name in _names(home, task):
        path = os.path.realpath(os.path.join(root, name))
        relative = os.path.relpath(path, root)
        if relative in found or relative.split(os.sep)[0] == ".." or _is_data(relative, changed) or not os.path.isfile(path):
            continue
        with open(path, "rb") as stream:
            found[Path(relative).as_posix()] = hashlib.file_digest(stream, "sha256").hexdigest()
    return dict(sorted(found.items()))


def _is_data(relative: str, changed: list[str]) -> bool:
    if os.path.splitext(relative)[1].lower() in DATA_SUFFIXES:
        return True
    return any(relative == own or relative.startswith(own + os.sep) for own in changed)


def _names(home: Path, task: Task) -> Iterator[str]:
    if task.recipe is not None:
        yield from _recipe_names(home, task.recipe)
    for command in [c.command for c in task.checks] + [m.command for m in task.measures]:
        yield from _command_names(home, command, ".")


def _recipe_names(home: Path, recipe: Recipe) -> Iterator[str]:
    if recipe.kind == "notebook":
        yield recipe.notebook
        yield from _texts(recipe.parameters)
    elif recipe.shell:
        yield from _command_names(home, recipe.shell, recipe.cwd)
    else:
        yield from _command_names(home, shlex.join(recipe.argv), recipe.cwd)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield from [value] if value and len(value) < 1024 and "\0" not in value else []
    elif isinstance(value, dict):
        for inner in value.values():
            yield from _texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)


def _command_names(home: Path, command: str, cwd: str) -> Iterator[str]:
    """Whatever in the line could be a path, below its folder or below the workspace; a module for `-m`; a makefile for `make`."""
    words = _words(command)
    for before, word in zip(["", *words], words, strict=False):
        for part in {word, *_WORD.findall(word)}:
            yield part
            if cwd != ".":
                yield os.path.join(cwd, part)
        if before == "-m":
            yield from (os.path.join(cwd, word.replace(".", "/") + end) for end in (".py", "/__main__.py"))
        if os.path.basename(word) == "make":
            yield from (os.path.join(cwd, name) for name in _MAKEFILES)


def _words(command: str) -> list[str]:
    command = command.replace("\0", "")
    try:
        return shlex.split(command)
    except ValueError:
        return _WORD.findall(command)
