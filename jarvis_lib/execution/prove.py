"""Proof: what was so before, what is so after, and would anything have noticed a failure?

The baseline keeps the declared files and looks before anything runs; the proof looks again after the recipe's tree is dead. Each check is
a process of its own with a limit: a check that hangs has failed. Checks and measures get a copy of the kept files, never the kept files.
"""

import json
import os
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from jarvis_lib.execution import guards, keep, tree
from jarvis_lib.execution.commands import label, out_of_time, places, run_line
from jarvis_lib.execution.manifest import SIDE_FILES, Entry, Manifest, leads_out, look
from jarvis_lib.execution.measuring import NotMeasured, is_interleaved, names, prove_measure, values_of
from jarvis_lib.execution.processes import said_ended
from jarvis_lib.execution.results import Result, ended_badly, write_json
from jarvis_lib.execution.spec import Spec
from jarvis_lib.model.evidence import Evidence
from jarvis_lib.model.prose import clean, plural, seconds, shorten, size
from jarvis_lib.model.task import Check

Stop = Callable[[], bool]
_CHANGES_SHOWN = 200


class Late(Exception):
    """The step's own deadline, or the person, ended it before its end; `outcome` is timed_out or stopped."""

    def __init__(self, outcome: str, said: str) -> None:
        super().__init__(said)
        self.outcome = outcome


# --- before ----------------------------------------------------------------------------------------------------------------


def baseline(spec: Spec, stop: Stop) -> Result:
    """Keep the declared files; run the checks of a bug fix (they must be red); take the values of measures that cannot be interleaved."""
    spec.out_dir.mkdir(parents=True, exist_ok=True)
    manifest = keep.keep(spec.home, spec.task.changes, spec.kept)
    write_json(_watch_path(spec), guards.watch(spec.home, everything=_is_documentation(spec)))
    try:
        evidence = _checks_before(spec, manifest, stop) if spec.task.category == "Bug fixes" else []
        measured, failures = _measured_before(spec, stop)
    except Late as error:
        return ended_badly(error.outcome, str(error), before=manifest, measured={})
    files = [e for e in manifest if e["kind"] == "file"]
    said = f"kept {plural(len(files), 'file')} ({size(sum(e['size'] for e in files))})" if manifest else "nothing to keep"
    return {"outcome": "finished", "said": said, "before": manifest, "measured": measured, "evidence": [e.to_json() for e in [*evidence, *failures]]}


def _checks_before(spec: Spec, manifest: Manifest, stop: Stop) -> list[Evidence]:
    with _Copy(spec, manifest) as copy:
        return [_check(spec, check, i, "check_before", copy, stop) for i, check in enumerate(spec.task.checks)]


def _measured_before(spec: Spec, stop: Stop) -> tuple[dict[str, list[float]], list[Evidence]]:
    measured: dict[str, list[float]] = {}
    failures = []
    for name, measure in zip(names(spec.task.measures), spec.task.measures, strict=True):
        if is_interleaved(measure):
            continue
        try:
            measured[name] = values_of(spec, measure, spec.kept, stop)
        except NotMeasured as error:
            if error.late:
                raise _late(stop, f"{name} could not be measured in time: {error}") from error
            failures.append(Evidence("measure_before", name, None, f"{name} could not be measured before: {error}"))
    return measured, failures


# --- after -----------------------------------------------------------------------------------------------------------------


def prove(spec: Spec, stop: Stop) -> Result:
    """Look at what changed, at the guards, at every check and measure; `after` is the manifest of the files as they are left."""
    tree.kill(lambda: tree.tagged([spec.attempt]))
    seen = look(spec.home, spec.task.changes)
    changes = _changes(spec.task.changes, spec.before, seen)
    evidence = [*changes, *_guards(spec, changes, seen)]
    try:
        with _Copy(spec, spec.before) as copy:
            evidence += [_check(spec, check, i, "check", copy, stop) for i, check in enumerate(spec.task.checks)]
            evidence += _measures(spec, copy, stop)
    except Late as error:
        return ended_badly(error.outcome, str(error), after=look(spec.home, spec.task.changes))
    after = look(spec.home, spec.task.changes) if spec.task.checks or spec.task.measures else seen
    return {"outcome": "finished", "said": _said_proof(evidence), "after": after, "evidence": [e.to_json() for e in evidence]}


def _said_proof(evidence: Sequence[Evidence]) -> str:
    looked = [e for e in evidence if e.kind in ("check", "measure")]
    return f"{sum(bool(e.ok) for e in looked)} of {plural(len(looked), 'check or measure', 'checks and measures')} well"


class _Copy:
    """A copy of the kept files for checks and measures, laid out by their path; gone at the end."""

    def __init__(self, spec: Spec, manifest: Sequence[Entry]) -> None:
        self.spec, self.manifest = spec, manifest
        self.folder = spec.dir / "kept"

    def __enter__(self) -> "_Copy":
        shutil.rmtree(self.folder, ignore_errors=True)
        if self.spec.task.checks or self.spec.task.measures:
            keep.copy_kept(self.spec.home, self.manifest, self.folder)
        return self

    def __exit__(self, *error: object) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def pair(self) -> tuple[Path, Path] | None:
        """(copy from before, live path) of the first declared path, a link followed."""
        first = next((e["path"] for e in self.manifest if e["kind"] != "link"), None)
        return (self.folder / first, self.spec.home / first) if first is not None else None


def _check(spec: Spec, check: Check, index: int, kind: str, copy: _Copy, stop: Stop) -> Evidence:
    values = places(spec, copy.folder, copy.pair[1] if copy.pair else None)
    log = spec.dir / f"{kind}_{index + 1}.log"
    ended, out, bounds = run_line(spec, check.command, values, wall_s=check.wall_s, log=log, stop=stop)
    name = label(check.command, check.name)
    if ended.how == "stopped" or out_of_time(spec, ended):
        raise _late(stop, f"the check '{name}' had no time left to end")
    ok = ended.how == "exited" and ended.exit_code == 0
    last = out.last_line()
    if ok:
        said = f"{name}: {shorten(last, 160)}" if last else f"{name} passed ({seconds(ended.seconds)})"
    else:
        said = said_ended(f"the check '{name}'", ended, bounds, last)
    if kind == "check_before":
        said = f"green before the fix: {said}" if ok else f"red before the fix: {said}"
    detail = {"command": clean(check.command), "exit_code": ended.exit_code, "how": ended.how, "seconds": round(ended.seconds, 3), "tail": out.tail()[-1000:]}
    return Evidence(kind, name, ok, said, detail)


def _late(stop: Stop, said: str) -> Late:
    return Late("stopped" if stop() else "timed_out", f"The proof ran out of time: {said}")


def _measures(spec: Spec, copy: _Copy, stop: Stop) -> list[Evidence]:
    found = []
    for name, measure in zip(names(spec.task.measures), spec.task.measures, strict=True):
        try:
            found.append(prove_measure(spec, measure, name, kept=copy.folder, pair=copy.pair, measured=spec.measured.get(name, ()), stop=stop))
        except NotMeasured as error:
            raise _late(stop, f"{name} could not be measured: {error}") from error
    return found


# --- what changed ----------------------------------------------------------------------------------------------------------


def _changes(paths: Sequence[str], before: Sequence[Entry], after: Sequence[Entry]) -> list[Evidence]:
    """What was created, deleted or changed of the declared paths; and each of these that is as it was."""
    old = {e["path"]: e for e in before}
    new = {e["path"]: e for e in after}
    found = [_change(path, old.get(path), new.get(path)) for path in sorted({*old, *new}) if not _is_noise(old.get(path), new.get(path))]
    declared = {os.path.normpath(path) for path in paths}
    shown = [e for e in found if e.detail["changed"]] + [e for e in found if not e.detail["changed"] and e.name in declared]
    return shown[:_CHANGES_SHOWN]


def _is_noise(old: Entry | None, new: Entry | None) -> bool:
    """SQLite's shared memory, an empty side file, and what was absent and still is say nothing."""
    entries = [e for e in (old, new) if e is not None]
    if all(e["kind"] == "absent" for e in entries):
        return any(e["path"].endswith(SIDE_FILES) for e in entries)
    path = entries[0]["path"]
    return bool(path.endswith("-shm")) or (path.endswith(SIDE_FILES) and all(not e["size"] for e in entries))


def _change(path: str, old: Entry | None, new: Entry | None) -> Evidence:
    was, now = (old["sha256"] if old else None), (new["sha256"] if new else None)
    sizes = (old["size"] if old else 0, new["size"] if new else 0)
    how = "changed" if was != now else "as it was"
    if was == now and old and new and old["mode"] != new["mode"]:
        how = "given other permissions"
    elif was is None and now is not None:
        how = "created"
    elif now is None and was is not None:
        how = "deleted"
    elif was is None:
        how = "still not there"
    shown = {"changed": f" ({size(sizes[0])} -> {size(sizes[1])})", "created": f" ({size(sizes[1])})"}.get(how, "")
    detail: dict[str, Any] = {"changed": how not in ("as it was", "still not there"), "how": how, "sha256_before": was, "sha256": now}
    return Evidence("change", path, None, f"{clean(path)} {how}{shown}", detail | {"size_before": sizes[0], "size": sizes[1]})


def _guards(spec: Spec, changes: Sequence[Evidence], seen: Sequence[Entry]) -> list[Evidence]:
    path = _watch_path(spec)
    if not path.exists():
        return [Evidence("guard", "settings", False, "what the guards compare is gone, so nobody can say what else changed")]
    before = guards.watch_from_json(json.loads(path.read_text(encoding="utf-8")))
    after = guards.watch(spec.home, everything=_is_documentation(spec))
    changed = [e.name for e in changes if e.detail["changed"] and not e.name.endswith(SIDE_FILES)]
    folders = {e["path"] for e in [*spec.before, *seen] if e["kind"] == "folder"}
    links = [e["path"] for e in seen if leads_out(spec.home, e)]
    return guards.guard(spec.task.category, before, after, [p for p in changed if p not in folders], links, spec.elsewhere)


def _is_documentation(spec: Spec) -> bool:
    return spec.task.category == "Documentation"


def _watch_path(spec: Spec) -> Path:
    return spec.kept.parent / "watch.json"
