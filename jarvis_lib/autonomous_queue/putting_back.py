"""After an attempt that did not prove itself, or died: what of its declared files is put back, and from what was kept when?"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jarvis_lib.execution import keep
from jarvis_lib.execution.manifest import look
from jarvis_lib.model.evidence import Evidence
from jarvis_lib.model.fact import Refused
from jarvis_lib.model.prose import clean, listed
from jarvis_lib.model.task import Task


def put_back(home: Path, task: Task, before: Sequence[dict[str, Any]], attempt: str, *, not_after: float | None = None) -> list[dict[str, Any]]:
    """Restore the declared files of an attempt that failed or died, as evidence JSON; nothing when they are as before.

    What changed later than `not_after` (epoch seconds) is somebody else's work and is left alone. What stood there is kept under
    `data/kept/ATTEMPT/left`, so that nothing is lost that way either.
    """
    left = home / "data" / "kept" / attempt / "left"
    try:
        there = look(home, task.changes) if before else []
        if prints(there) == prints(before):
            return []
        yours = _changed_after(there, before, not_after)
        if yours:
            kept = f"data/kept/{attempt}/before"
            text = f"{listed(yours)} changed after the session had died and was left as it is; what it was before is in {kept}"
            return [Evidence("restored", "files", False, text).to_json()]
        keep.keep(home, [m["path"] for m in there if m["kind"] == "file"], left)
        said = keep.restore(home, before, there)
    except (Refused, OSError, UnicodeError) as error:
        why = error.sentence if isinstance(error, Refused) else clean(f"{type(error).__name__}: {error}")[:200]
        return [Evidence("restored", "files", False, f"Its files could not be put back: {why}").to_json()]
    text = f"put back as before: {listed(said)}; what the attempt left is in {left.relative_to(home)}"
    return [Evidence("restored", "files", True, text).to_json()]


def _changed_after(there: Sequence[dict[str, Any]], before: Sequence[dict[str, Any]], moment: float | None) -> list[str]:
    """The files that differ from before and were written later than `moment`."""
    if moment is None:
        return []
    old = dict(zip((m["path"] for m in before), prints(before), strict=True))
    new = zip(there, prints(there), strict=True)
    return [m["path"] for m, mark in new if m["kind"] == "file" and mark != old.get(m["path"]) and m["mtime_ns"] / 1e9 > moment]


def prints(manifest: Sequence[dict[str, Any]]) -> list[tuple[str, str, str | None, int | None]]:
    """What makes two manifests the same files: path, kind, content and mode of each."""
    return [(m["path"], m["kind"], m["sha256"], m["mode"]) for m in manifest]


def first_baseline(home: Path, attempt: str) -> dict[str, Any] | None:
    """What the first sitting of a paused task found before it began: the state that undo leads back to, and that proof compares with."""
    path = home / "data" / "attempts" / attempt / "baseline.result.json"
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None
    return found


def kept_manifest(home: Path, attempt: str) -> list[dict[str, Any]]:
    """What the baseline of an attempt kept, read back after a crash; empty when it had not come that far."""
    found: list[dict[str, Any]] = (first_baseline(home, attempt) or {}).get("before", [])
    return found
