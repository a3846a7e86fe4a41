"""The copies of repositories that tasks work in: where each is, when its branch reaches the person's repository, how they take it over.

Promise: a branch is published only when the evidence lets it ship or leaves the person a question; merging and reverting are the person's own.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from jarvis_lib.execution import repositories
from jarvis_lib.execution.repository_steps import described
from jarvis_lib.execution.spec import RepositoryWork
from jarvis_lib.model.book import Row
from jarvis_lib.model.evidence import Evidence, evidence_from_json, judge
from jarvis_lib.model.fact import Refused
from jarvis_lib.model.task import Task
from jarvis_lib.model.task_row import content_of
from jarvis_lib.store.place import Place
from jarvis_lib.store.store import Reader

WORKTREES = Path("data/worktrees")
KEPT_STATES = ("proposed", "queued", "parked", "running", "review", "shipped")
"""States of a task whose copy may still be worked in or looked at."""

__all__ = ["Taken", "described", "needed", "publish", "sweep", "take_over", "undo", "work_of"]


@dataclass(frozen=True, slots=True)
class Taken:
    """How a branch was taken over: the commit that the person's branch is at now, and one sentence."""

    commit: str
    said: str


def work_of(place: Place, task: Task) -> RepositoryWork:
    """Where this task works. A follow-up goes on in the folder of the first task, from the commit that the task before it left."""
    root, start = task.id, ""
    with place.store.reading() as reader:
        seen, before = {task.id}, task.follows
        while before and before not in seen:
            seen.add(before)
            row = reader.one("autonomous_queue.task", id=before)
            if row is None:
                break
            root = row["id"]
            start = start or _newest_commit(reader, before)
            before = content_of(row).follows
    branch = repositories.branch_name(task.id, task.title)
    return RepositoryWork(Path(task.repo), place.home / WORKTREES / root, branch, start, largest_diff=place.settings.get("repositories", "largest_diff"))


def _newest_commit(reader: Reader, task: str) -> str:
    rows = reader.rows("autonomous_queue.branches", task=task)
    return str(rows[0]["commit_sha"]) if rows else ""


def publish(
    place: Place, work: RepositoryWork, task: Task, attempt: str, commit: str, outcome: str, evidence: Sequence[Mapping[str, Any]], *, n: int
) -> list[dict[str, Any]]:
    """Bring the branch into the person's repository, as evidence JSON; what was refuted or found hollow stays in quarantine."""
    verdict = judge(task, outcome, [evidence_from_json(dict(e)) for e in evidence], attempt=n)
    quarantine = place.home / "data" / "attempts" / attempt / "result.git"
    if verdict.state not in ("shipped", "review") and outcome == "finished":
        said = f"the result was not published; it is in {quarantine.relative_to(place.home)}"
        return [Evidence("commit", "kept back", None, said, {"commit": commit}).to_json()]
    try:
        said = repositories.publish(quarantine, work.repo, branch=work.branch, commit=commit)
    except Refused as error:
        return [Evidence("commit", "branch", None, f"the branch could not be published: {error.sentence}", {"commit": commit}).to_json()]
    return [Evidence("commit", "branch", None, said, {"commit": commit, "branch": work.branch}).to_json()]


def _followed(rows: Mapping[str, Row], row: Row) -> Row | None:
    """The task whose folder this one works in, as long as this one is open."""
    before = rows.get(content_of(row).follows)
    return before | {"state": row["state"]} if before is not None else None


# --- what the person does with a branch --------------------------------------------------------------------------------------


def take_over(place: Place, row: Row, *, now: datetime, into: str = "", squash: bool = False) -> Taken | None:
    """Merge the newest branch of the task; None when the task left none. Refuses on conflicts, and then nothing was changed."""
    task = content_of(row)
    if not task.repo:
        return None
    with place.store.reading() as reader:
        rows = reader.rows("autonomous_queue.branches", task=row["id"])
    if not rows:
        return None
    newest = rows[0]
    quarantine = place.home / newest["place"] / "result.git"
    if quarantine.is_dir():
        repositories.publish(quarantine, Path(task.repo), branch=newest["branch"], commit=newest["commit_sha"])
    message = f"{task.title}\n\nTask {row['id']} of Jarvis, {newest['verdict']}: {newest['verdict_why']}"
    merged = repositories.merge(
        Path(task.repo), branch=newest["branch"], commit=newest["commit_sha"], base=newest["base_sha"], message=message, squash=squash, into=into
    )
    return Taken(merged.commit, merged.said)


def undo(place: Place, row: Row, attempt: Row) -> list[str]:
    """Drop the branch of an attempt, or revert what was merged of it. Refuses what the person has changed since."""
    with place.store.reading() as reader:
        taken = reader.one("autonomous_queue.merged", task=row["id"])
    merged = taken["merged"] if taken else None
    return repositories.undo(Path(content_of(row).repo), branch=attempt["branch"], commit=attempt["commit_sha"], base=attempt["base_sha"], merged=merged)


def sweep(place: Place, *, now: datetime) -> list[str]:
    """Archive and remove copies of tasks that have ended, by age and size; one sentence for each."""
    return repositories.sweep(place.home, place.settings.values["repositories"], now=now, alive=needed(place))


def needed(place: Place) -> set[str]:
    """The tasks that are open, and those whose work an open follow-up goes on with."""
    with place.store.reading() as reader:
        rows = {r["id"]: r for r in reader.rows("autonomous_queue.contents")}
    alive: set[str] = set()
    for one in rows.values():
        row: Row | None = one
        while row is not None and row["state"] in KEPT_STATES and row["id"] not in alive:
            alive.add(row["id"])
            row = _followed(rows, row)
    return alive
