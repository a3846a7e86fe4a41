"""Did anything change that no task of this category may change? A guard that trips turns the result into a question.

Guarded for every task: the settings, the continuous-integration files and git's own configuration and branches. A documentation task
may change documentation only, wherever in the workspace it works.
"""

import hashlib
import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from jarvis_lib.execution.digests import DATA_SUFFIXES
from jarvis_lib.execution.manifest import SIDE_FILES
from jarvis_lib.model.evidence import Evidence
from jarvis_lib.model.prose import clean, listed, plural

DOCUMENT_SUFFIXES = frozenset((".md", ".rst", ".txt", ".html", ".adoc", ".ipynb", ".svg", ".png"))
_GUARDED = ("jarvis.toml", ".ci", ".github", ".git/HEAD", ".git/config", ".git/hooks", ".git/info", ".git/packed-refs", ".git/refs")
_OWN_REFS = (".git/refs/heads/jarvis", ".git/refs/left-by-jarvis")
"""Branches that the session itself publishes, maybe while another attempt runs."""
_NOT_WATCHED = frozenset(("data", "logs", "reports", "node_modules", "__pycache__", "venv", "build", "dist"))
_MOST_FILES = 50_000
_SHOWN = 5

Watch = dict[str, str]


def watch(home: Path, *, everything: bool) -> Watch:
    """What the guards compare: a mark for each guarded file, with `everything` for each file of the workspace that people write."""
    marks = {path: _hash(home / path) for top in _GUARDED for path in _files(home, top)}
    if everything:
        marks |= {path: _stamp(home / path) for path in _written_by_people(home)}
    return marks


def guard(category: str, before: Watch, after: Watch, changed: Sequence[str], links_out: Sequence[str], elsewhere: Sequence[str] = ()) -> list[Evidence]:
    """Evidence of kind guard: `changed` are the declared paths that changed, `links_out` those that now lead out of the workspace.

    What lies in `elsewhere` was declared by another attempt that ran at the same time, so its change is not held against this one.
    """
    touched = sorted(path for path in {*before, *after} if before.get(path) != after.get(path) and (_is_guarded(path) or not _is_in(path, elsewhere)))
    guarded = [path for path in touched if _is_guarded(path)]
    found = [_evidence("settings", guarded, "jarvis.toml, CI and git as they were")]
    if links_out:
        found.append(_evidence("links", links_out, ""))
    if category == "Documentation":
        other = sorted({p for p in [*changed, *touched] if not is_document(p) and not _is_guarded(p)})
        found.append(_evidence("documentation only", other, "nothing but documentation changed"))
    return found


def is_document(path: str) -> bool:
    """Is this file documentation, by its ending or its folder?"""
    return Path(path).suffix.lower() in DOCUMENT_SUFFIXES or path == "docs" or path.startswith("docs/")


def _evidence(name: str, paths: Sequence[str], well: str) -> Evidence:
    if not paths:
        return Evidence("guard", name, True, well)
    shown = listed([clean(p) for p in paths[:_SHOWN]] + ([plural(len(paths) - _SHOWN, "more file")] if len(paths) > _SHOWN else []))
    said = {
        "settings": f"{shown} changed while it ran, which no task may change",
        "links": f"{shown} now leads out of the workspace",
        "documentation only": f"{shown} changed while it ran, but a documentation task may change documentation only",
    }[name]
    return Evidence("guard", name, False, said, {"paths": list(paths)})


def _is_in(path: str, tops: Sequence[str]) -> bool:
    return any(path == top or path.startswith(f"{top}/") for top in tops)


def _is_guarded(path: str) -> bool:
    return _is_in(path, _GUARDED)


def _files(home: Path, top: str) -> Iterator[str]:
    full = home / top
    if full.is_dir() and not full.is_symlink():
        for folder, _, names in os.walk(full):
            if not _is_in(os.path.relpath(folder, home), _OWN_REFS):
                yield from (os.path.relpath(os.path.join(folder, name), home) for name in names)
    elif os.path.lexists(full):
        yield top


def _hash(path: Path) -> str:
    if path.is_symlink():
        return f"link:{os.readlink(path)}"
    if not stat.S_ISREG(path.stat().st_mode):
        return "special"
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _stamp(path: Path) -> str:
    found = os.lstat(path)
    return f"{found.st_size}:{found.st_mtime_ns}:{found.st_ino}"


def _written_by_people(home: Path) -> Iterator[str]:
    """Files of the workspace, but for what programs make (data, logs, reports, caches, environments) and hidden folders."""
    count = 0
    for folder, names, files in os.walk(home):
        names[:] = [n for n in names if not n.startswith(".") and n not in _NOT_WATCHED and not os.path.exists(os.path.join(folder, n, "pyvenv.cfg"))]
        for name in files:
            count += 1
            if count > _MOST_FILES:
                return
            if name != "jarvis.toml" and not _is_made_by_programs(name):
                yield os.path.relpath(os.path.join(folder, name), home)


def _is_made_by_programs(name: str) -> bool:
    """Data and compiled code: another attempt that runs at the same time may well change them."""
    return name.endswith((".pyc", *SIDE_FILES)) or os.path.splitext(name)[1].lower() in DATA_SUFFIXES


def watch_from_json(raw: Mapping[str, Any]) -> Watch:
    """The watched paths with their marks, from plain JSON."""
    return {str(path): str(mark) for path, mark in raw.items()}
