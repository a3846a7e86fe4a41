"""How does everything leave this workspace? As files that other programs read and that `jarvis import` takes back without loss.

Written beside its place and renamed: a folder of that name is a whole export or none.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from jarvis_lib import __version__
from jarvis_lib.model.fact import Refused, stamp
from jarvis_lib.model.prose import plural
from jarvis_lib.store.carrying import FORMATS, copied, write_out
from jarvis_lib.store.place import Place

SCHEMA = "jarvis.export/1"
MANIFEST = "manifest.json"
CARRIED = ("data/metrics", "data/events")
"""What stands outside of the facts and is carried along."""
MORE = ("data/kept", "data/attempts", "data/sessions", "reports", "logs")
"""What is carried along only when all files are asked for."""
_README = """\
# An export of Jarvis

Made {made} by Jarvis {version}. `jarvis import` of this folder into an empty workspace gives the same tables.

| file | what it is |
|---|---|
| `manifest.json` | schema, format, number of facts, hash of the newest, rows of each table, SHA-256 of each file |
| `facts.{end}` | every fact in its order, hash-chained; the only thing that the import reads of the store |
| `tables/NAME.{end}` | each table as it stood: for other programs; times are UTC, columns as in the documentation of the store |
| `files/` | samples of metrics, imported events{more} |
| `jarvis.toml` | the settings of that workspace; never brought in by themselves |
"""


def export(place: Place, folder: Path, *, form: str, now: datetime, all_files: bool = False) -> dict[str, Any]:
    """Write everything to `folder` (`form` json or parquet); the manifest. With `all_files` also kept files, attempts, reports and logs."""

    def write(own: Path) -> dict[str, Any]:
        told = write_out(place.store, own, form=form)
        copied(place.home, own / "files", names=[*CARRIED, *(MORE if all_files else ())])
        shutil.copyfile(place.home / "jarvis.toml", own / "jarvis.toml")
        more = ", kept files, attempts, sessions, reports, logs" if all_files else ""
        text = _README.format(made=stamp(now)[:16] + "Z", version=__version__, end=FORMATS[form], more=more)
        (own / "README.md").write_text(text, encoding="utf-8")
        files = {p.relative_to(own).as_posix(): sha256_of(p) for p in sorted(own.rglob("*")) if p.is_file()}
        manifest = {"schema": SCHEMA, "made_at": stamp(now), "program": __version__, "format": form} | told | {"files": files}
        (own / MANIFEST).write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")
        return manifest

    return whole_folder(folder, write)


def said(folder: Path, manifest: dict[str, Any]) -> str:
    """The sentence of what was written."""
    rows = sum(manifest["tables"].values())
    tables = plural(len(manifest["tables"]), "table")
    return f"Exported {plural(manifest['facts'], 'fact')}, {tables} with {plural(rows, 'row')} as {manifest['format']} to {folder}."


def whole_folder(folder: Path, write: Callable[[Path], dict[str, Any]]) -> dict[str, Any]:
    """Have `write` fill a folder that then takes the name `folder`. Refuses one that has something in it; what was begun is gone after an error."""
    refuse_full(folder)
    own = folder.with_name(f".{folder.name}.{os.getpid()}.tmp")
    try:
        own.mkdir(mode=0o700)
        told = write(own)
        if folder.exists():
            folder.rmdir()
        os.rename(own, folder)
        return told
    except OSError as error:
        raise Refused(f"{folder} cannot be written ({error.strerror or error}); nothing was exported.", code="failed") from error
    finally:
        shutil.rmtree(own, ignore_errors=True)


def refuse_full(folder: Path) -> None:
    """Nothing is written over: the folder must be empty or not there, in a folder that is."""
    if not folder.parent.is_dir():
        raise Refused(f"There is no folder {folder.parent}; make it, or choose another place.", code="missing")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise Refused(f"{folder} is there already and not empty; nothing is written over, so choose another name.", code="refused")


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file's bytes, in hex."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
