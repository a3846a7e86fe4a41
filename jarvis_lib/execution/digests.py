"""Which files belong to what was approved, and what is in them? A notebook, and the files that commands and parameters name.

Left out: what the task itself declares as changed, and data (databases, logs, tables), which differ from night to night without the
task being another one. A file that may be executed, or that a shell or an interpreter is given first, is a program whatever its name says. What a line
itself runs is bound although it is declared: a task that may change its own check would write its own proof.
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
_INTERPRETERS = re.compile(r"\{python\}|(?:ba|da|k|z|fi)?sh|source|\.|python[\d.]*|perl|ruby|node|lua|php|Rscript|env|exec|nohup|nice|time|xargs")
_MAKEFILES = ("GNUmakefile", "makefile", "Makefile")
_JOINTS = ("&&", "||", "|", "&", "!", "then", "do", "else")
_WORD = re.compile(r"[^\s'\"`;|&<>()=,]+")


def files_of(home: Path, task: Task) -> dict[str, str]:
    """SHA-256 in hex by path relative to `home`, sorted by path."""
    if task.repo:
        return {}  # what lies in a repository has its commit, and its checks come from there
    root = os.path.realpath(home)
    changed = [os.path.normpath(path) for path in task.changes]
    found: dict[str, str] = {}
    run = set(_run_names(task))
    for name in _names(home, task):
        path = os.path.realpath(os.path.join(root, name))
        relative = os.path.relpath(path, root)
        if relative in found or relative.split(os.sep)[0] == ".." or not os.path.isfile(path):
            continue
        if name not in run and (_is_declared(relative, changed) or (_is_data(relative) and not os.stat(path).st_mode & 0o111)):
            continue
        with open(path, "rb") as stream:
            found[Path(relative).as_posix()] = hashlib.file_digest(stream, "sha256").hexdigest()
    return dict(sorted(found.items()))


def _is_data(relative: str) -> bool:
    return os.path.splitext(relative)[1].lower() in DATA_SUFFIXES


def _is_declared(relative: str, changed: list[str]) -> bool:
    return any(relative == own or relative.startswith(own + os.sep) for own in changed)


def _run_names(task: Task) -> Iterator[str]:
    """What recipe, checks and measures run: their notebook, the first word of a command, and what stands behind a shell or an interpreter and its options."""
    recipe = task.recipe
    if recipe is not None and recipe.notebook:
        yield recipe.notebook
    lines = [] if recipe is None else [(recipe.shell or shlex.join(recipe.argv), recipe.cwd)]
    lines += [(c.command, ".") for c in task.checks] + [(m.command, ".") for m in task.measures]
    for line, cwd in lines:
        starts = True
        for word in _words(line):
            for part in (found for found in _WORD.findall(word) if not found.startswith("-")):
                if starts:
                    yield from (part, os.path.join(cwd, part))
                starts = bool(_INTERPRETERS.fullmatch(os.path.basename(part)))
            starts = starts or word in _JOINTS or word.endswith(";")


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
