"""How does an export of one workspace become another one? Its facts are brought in as they stand, and give the same tables."""

import json
from pathlib import Path
from typing import Any

from jarvis_lib.doors.exporting import CARRIED, MANIFEST, MORE, SCHEMA, sha256_of
from jarvis_lib.doors.importing.reading import load
from jarvis_lib.model.fact import Refused
from jarvis_lib.model.prose import clean, plural
from jarvis_lib.store.carrying import FORMATS, bring_in, copied
from jarvis_lib.store.place import Place


def is_export(path: Path) -> bool:
    """Is this a folder that `jarvis export` wrote?"""
    return (path / MANIFEST).is_file()


def restore(place: Place, folder: Path, *, dry_run: bool = False) -> str:
    """Bring a whole export into this empty workspace; the sentence of what came. Refuses what is not whole, and a workspace that has facts."""
    manifest = _manifest(folder)
    facts = folder / f"facts.{FORMATS[manifest['format']]}"
    _check_files(folder, manifest["files"])
    if dry_run:
        return f"Dry run, nothing was written: {plural(manifest['facts'], 'fact')} would come in, and with them the same tables."
    came = bring_in(place.store, facts, head=manifest["head"], count=manifest["facts"])
    files = copied(folder / "files", place.home, names=(*CARRIED, *MORE))  # and nothing else that may lie there
    if not came and not files:
        return "This workspace has all of that export already; nothing was changed."
    return (
        f"Brought in {plural(came, 'fact')} and {plural(files, 'file')} of metrics and events; the tables are the same. The settings of there are in "
        f"{folder / 'jarvis.toml'}; yours were not touched.{_may_run(place)}"
    )


def _may_run(place: Place) -> str:
    """An export is believed in all, its approvals included, so it says how much work comes with them."""
    with place.store.reading() as reader:
        queued = sum(r["tasks"] for r in reader.rows("doors.states") if r["state"] == "queued")
    return f" {plural(queued, 'task')} of it may run here as it stands: jarvis list --open" if queued else ""


def _manifest(folder: Path) -> dict[str, Any]:
    try:
        found = load(folder / MANIFEST)
    except Refused as error:
        raise Refused(f"{folder / MANIFEST}: {error.sentence}", code="failed") from error
    schema = found.get("schema") if isinstance(found, dict) else None
    if schema != SCHEMA:
        raise Refused(f"{folder} is no export that this Jarvis reads: its schema is {clean(json.dumps(schema))[:40]}, not {SCHEMA}.", code="failed")
    right = {"format": str, "facts": int, "head": str, "files": dict}
    wrong = [name for name, kind in right.items() if not isinstance(found.get(name), kind)]
    if wrong or found["format"] not in FORMATS:
        raise Refused(f"{folder / MANIFEST} is damaged ({', '.join(wrong) or 'format'}); make the export again.", code="failed")
    return dict(found)


def _check_files(folder: Path, files: dict[str, Any]) -> None:
    """Everything that the manifest names is there as it was written, and nothing else would be brought in."""
    came = [p.relative_to(folder).as_posix() for own in (*CARRIED, *MORE) for p in (folder / "files" / own).rglob("*") if p.is_file()]
    strange = next((name for name in sorted(came) if name not in files), None)
    if strange is not None:
        raise Refused(f"{clean(strange)} is none of the files that were exported; nothing was brought in. Make the export again.", code="failed")
    for name, wanted in files.items():
        path = folder / name
        if not path.is_file() or not path.resolve().is_relative_to(folder.resolve()):
            raise Refused(f"{name} is missing in the export; nothing was brought in. Make the export again.", code="failed")
        if sha256_of(path) != wanted:
            raise Refused(f"{name} is not as it was exported; nothing was brought in. Make the export again.", code="failed")
