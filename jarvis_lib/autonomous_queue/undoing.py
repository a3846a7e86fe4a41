"""Undo: put back byte for byte what a task changed, unless the person has changed it since. Dependents first."""

import json
from datetime import datetime
from typing import Any

from jarvis_lib import problem_predictor
from jarvis_lib.autonomous_queue import copies
from jarvis_lib.execution import keep
from jarvis_lib.model.book import Row
from jarvis_lib.model.fact import Refused
from jarvis_lib.model.prose import listed
from jarvis_lib.model.task import shared_paths
from jarvis_lib.model.task_row import name_of
from jarvis_lib.store.place import Place
from jarvis_lib.store.tasks import find

LAST_NIGHT = "last-night"


def undo(place: Place, task: str, *, now: datetime) -> list[str]:
    """Undo one task, or everything that the last session did (`last-night`), the newest first. One sentence for each.

    Of a whole session what can be undone is, and then Refused tells what could not, with what was done before it.
    """
    if task.strip().lower() != LAST_NIGHT:
        return [_undo(place, task, now=now)]
    with place.store.reading() as reader:
        done = reader.rows("autonomous_queue.last_night")
        open_ended = reader.rows("autonomous_queue.last_night_unseen")
    if not done:
        raise Refused("The last session left nothing that is still there, so there is nothing to undo.", code="missing")
    said, refused = [], []
    for one in done:
        try:
            said.append(_undo_one(place, one, now=now))
        except Refused as error:
            refused.append(error.sentence)
    said += [_said_unseen(row) for row in open_ended]
    if refused:
        raise Refused(" ".join([*said, *refused]))
    return said


def _undo_one(place: Place, one: Row, *, now: datetime) -> str:
    """A thing that the session did: shipped work, a fix, or a branch that waits for the person's look."""
    if one["what"] == "fix":
        return problem_predictor.undo_fix(place, one["id"], now=now)
    if one["what"] == "branch":
        return _drop_branch(place, one["id"], now=now)
    return _undo(place, one["id"], now=now)


def _drop_branch(place: Place, task: str, *, now: datetime) -> str:
    """Take away the branch of a result that nobody took over; the task keeps its state and can be tried again."""
    with place.store.reading() as reader:
        row = find(reader, task)
        attempt = reader.rows("autonomous_queue.branches", task=row["id"])[0]
    said = copies.undo(place, row, attempt)
    place.store.write(place.fact("attempt.undone", at=now, attempt=attempt["id"], task=row["id"], restored=said))
    return f"{name_of(row)} waited for your look: {' '.join(said)}"


def _said_unseen(row: Row) -> str:
    """What no undo can reach: an attempt that could act outside of what is kept."""
    why = "it had the network" if row["networked"] else "it declared no files, so what it changed is not known"
    return f"Not undone: whatever else {name_of(row)} did, because {why}."


def would_undo(place: Place, task: str) -> list[str]:
    """What `undo` would put back, one sentence for each; refuses what it would refuse. Nothing is changed."""
    if task.strip().lower() == LAST_NIGHT:
        with place.store.reading() as reader:
            done = reader.rows("autonomous_queue.last_night")
        return [f"Dry run, nothing was undone: the {one['what']} {one['id']} would be." for one in done] or ["Dry run: the last session left nothing to undo."]
    row, attempt = _undoable(place, task)
    if attempt["commit_sha"]:
        return [f"Dry run, nothing was undone: {name_of(row)} would be, by dropping its branch {attempt['branch']}, or reverting what was merged of it."]
    paths = _changed(json.loads(attempt["undo"])) if attempt["undo"] else []
    new = _new(json.loads(attempt["undo"])) if attempt["undo"] else set()
    old, made = [p for p in paths if p not in new], [p for p in paths if p in new]
    told = [f"{listed(some)} would be {how}" for some, how in ((old, "put back"), (made, "taken away")) if some]
    said = " and ".join(told) or "it had changed no declared file"
    return [f"Dry run, nothing was undone: {name_of(row)} would be; {said}."]


def _changed(kept: dict[str, list[dict[str, Any]]]) -> list[str]:
    """The paths whose content differs between what was kept before and what was left after."""
    before, after = ({e["path"]: (e["kind"], e.get("sha256")) for e in kept[when]} for when in ("before", "after"))
    return sorted(p for p in before.keys() | after.keys() if before.get(p) != after.get(p))


def _new(kept: dict[str, list[dict[str, Any]]]) -> set[str]:
    """The paths that were not there before, so that undoing takes them away."""
    before = {e["path"]: e["kind"] for e in kept["before"]}
    return {e["path"] for e in kept["after"] if before.get(e["path"], "absent") == "absent"}


def _undo(place: Place, task: str, *, now: datetime) -> str:
    row, attempt = _undoable(place, task)
    said = copies.undo(place, row, attempt) if attempt["commit_sha"] else _put_back(place, attempt)
    new = _new(json.loads(attempt["undo"])) if attempt["undo"] and not attempt["commit_sha"] else set()
    place.store.write(
        place.fact("attempt.undone", at=now, attempt=attempt["id"], task=row["id"], restored=said),
        place.fact("task.undone", at=now, task=row["id"], reason=f"undone by {place.actor}"),
    )
    if attempt["commit_sha"]:
        return f"Undone: {name_of(row)}. {' '.join(said)}"
    heads = (("Put back", [p for p in said if p not in new]), ("Taken away", [p for p in said if p in new]))
    told = " ".join(f"{head}: {listed(paths)}." for head, paths in heads if paths)
    return f"Undone: {name_of(row)}. {told or 'It had changed no declared file.'}"


def _undoable(place: Place, task: str) -> tuple[Row, Row]:
    """The task and its newest attempt that can be undone; Refused says why it cannot."""
    with place.store.reading() as reader:
        row = find(reader, task)
        attempt = reader.one("autonomous_queue.undoable", task=row["id"])
        later = reader.rows("autonomous_queue.dependents_shipped", task=row["id"])
        running = [r["changes"] for r in reader.rows("autonomous_queue.running_changes")]
        cleared = reader.one("autonomous_queue.cleared_of", task=row["id"])
    if row["state"] not in ("shipped", "accepted") or attempt is None:
        raise Refused(f"{name_of(row)} is {row['state']}; only shipped or accepted work can be undone.")
    if cleared and cleared["at"] and not attempt["commit_sha"]:
        days = place.settings.get("store", "keep_attempts_days")
        on = f"{cleared['at'].astimezone(place.zone):%Y-%m-%d}"
        raise Refused(f"What {name_of(row)} had kept for an undo was removed on {on}, as jarvis.toml says ([store] keep_attempts_days = {days}).")
    if later:
        names = listed([name_of(r) for r in later])
        raise Refused(f"{names} built on {row['id']}; undo {'it' if len(later) == 1 else 'them'} first.")
    busy = shared_paths(row["changes"], [path for paths in running for path in paths])
    if busy:
        raise Refused(f"A running task is changing {listed(busy)}; undo {row['id']} when it has ended.", code="busy")
    return row, attempt


def _put_back(place: Place, attempt: Row) -> list[str]:
    if not attempt["undo"]:
        return []
    kept = json.loads(attempt["undo"])
    return keep.restore(place.home, kept["before"], kept["after"])
