"""How does a folder become a workspace? `jarvis.toml`, three folders with a README each, and the notebooks; or nothing at all.

`jarvis.toml` is written last: until it stands there the folder is no workspace, and what was made before is taken back on any error.
"""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import jarvis_lib
from jarvis_lib.model.fact import Refused
from jarvis_lib.model.setting_keys import KEYS
from jarvis_lib.model.settings import template, toml
from jarvis_lib.model.window import KINDS

SETTINGS_FILE = "jarvis.toml"
IGNORE = "# Made by programs: a workspace inside of a repository keeps them out of it.\n*\n!.gitignore\n!README.md\n"
READMES = {
    "data": "State of this workspace: the store, its journal and spool, attempts and kept files. Made by programs; back it up, do not edit it.\n",
    "reports": "Briefs and reports, by year and month. Made by programs; safe to copy and to send.\n",
    "logs": "Readable views of what the store holds. Rotated by Jarvis; safe to delete.\n",
}


def init(where: Path, *, also: Sequence[str] = ()) -> list[str]:
    """Make `where` a workspace; what was made, as paths below it. Refuses one that is a workspace already.

    `also` names windows, besides overnight and weekend, in which sessions may begin by themselves.
    """
    if (where / SETTINGS_FILE).exists():
        raise Refused(f"{where} is a workspace already: it has a {SETTINGS_FILE}. Nothing was changed.")
    if where.exists() and not where.is_dir():
        raise Refused(f"{where} is a file, not a folder; give another name.", code="usage")
    source = shipped_notebooks()
    made: list[Path] = []
    try:
        for path in _make(where, source, also):
            made.append(path)
    except BaseException as error:
        _take_back(made)
        if isinstance(error, OSError):
            raise Refused(f"{where} could not be made a workspace ({error.strerror or error}); what was begun is gone again.", code="failed") from error
        raise
    return [p.relative_to(where).as_posix() for p in made if p.is_file() and p.is_relative_to(where)]


def shipped_notebooks() -> Path:
    """The notebooks that came with this Jarvis: beside the package in a clone, inside of it in a wheel."""
    package = Path(jarvis_lib.__file__).parent
    for folder in (package.parent / "notebooks", package / "_notebooks"):
        if (folder / "recipes").is_dir():
            return folder
    raise Refused("The notebooks that belong to Jarvis are missing from this installation; install it again.", code="failed")


def _make(where: Path, source: Path, also: Sequence[str]) -> Iterator[Path]:
    """Make everything that is not there yet, naming each path as soon as it is surely ours."""
    yield from _folder(where)
    for name, text in READMES.items():
        yield from _folder(where / name)
        yield from _file(where / name / "README.md", text.encode())
        yield from _file(where / name / ".gitignore", IGNORE.encode())
    for path in sorted(source.rglob("*")):
        target = where / "notebooks" / path.relative_to(source)
        if _is_work(path.relative_to(source)) and path.is_file():
            yield from _folder(target.parent)
            yield from _file(target, path.read_bytes())
    yield from _file(where / SETTINGS_FILE, _settings(also).encode())


def _settings(also: Sequence[str]) -> str:
    """The template; where a session may begin by itself is the one thing that is asked."""
    default = KEYS["cron"]["windows"][1]
    chosen = [kind for kind in KINDS if kind in (*default, *also)]
    return template() if len(chosen) == len(default) else template().replace(f"windows = {toml(default)}", f"windows = {toml(chosen)}", 1)


def _is_work(path: Path) -> bool:
    return not any(part.startswith((".", "__pycache__")) for part in path.parts)


def _folder(path: Path) -> Iterator[Path]:
    if not path.is_dir():
        if path.parent != path:
            yield from _folder(path.parent)
        path.mkdir()
        yield path


def _file(path: Path, content: bytes) -> Iterator[Path]:
    """Written whole under another name first, so that a half-written file is never taken for the real one."""
    if path.exists():
        return
    temporary = path.with_name(f".{path.name}.new")
    with temporary.open("wb") as file:
        yield temporary
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    os.rename(temporary, path)
    yield path


def _take_back(made: list[Path]) -> None:
    """Remove what was made here, the newest first; a folder that holds anything else stays."""
    for path in reversed(made):
        try:
            path.rmdir() if path.is_dir() else path.unlink(missing_ok=True)
        except OSError:
            continue  # not empty, or not ours to remove: it was told already that the work failed
