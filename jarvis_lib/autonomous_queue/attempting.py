"""What is said of one attempt: its claim, the spec of each step, what was seen of it, and its ending? Values only; the loop writes them."""

import json
import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from jarvis_lib.autonomous_queue import copies, holding
from jarvis_lib.autonomous_queue.in_flight import Run, Session
from jarvis_lib.autonomous_queue.putting_back import first_baseline
from jarvis_lib.execution.digests import files_of
from jarvis_lib.model.book import Row
from jarvis_lib.model.evidence import Evidence
from jarvis_lib.model.fact import Fact, new_id, stamp
from jarvis_lib.model.prose import clean, listed
from jarvis_lib.model.settings import Settings
from jarvis_lib.model.task import Task
from jarvis_lib.store.place import Place

STEPS = ("baseline", "recipe", "prove")
LEAST_WALL_S = 60.0


def claim(place: Place, session: Session, row: Row, task: Task, *, content_hash: str, now: datetime) -> tuple[Run, Fact]:
    """The attempt that may start now, and the fact that must be written before it does. It goes on from the sittings before it, if any."""
    attempt = new_id()
    folder = place.home / "data" / "attempts" / attempt
    earlier = _paused(place, task)
    wall = max(_wall_s(place.settings, task) - sum(a["seconds"] or 0.0 for a in earlier), LEAST_WALL_S)
    room, own = session.room_until(now), now + timedelta(seconds=wall)
    deadline = min(room, own)
    run = Run(row, task, attempt, row["attempts"] + 1, folder, deadline, proof_files=files_of(place.home, replace(task, recipe=None)))
    run.by_window = room <= own
    run.origin = first_baseline(place.home, earlier[0]["id"]) if earlier else None
    run.left = json.loads(earlier[-1]["undo"])["after"] if earlier and earlier[-1]["undo"] else []
    relative = folder.relative_to(place.home).as_posix()
    fact = place.fact(
        "attempt.claimed",
        at=now,
        actor=f"session:{session.id}",
        attempt=attempt,
        task=task.id,
        n=run.n,
        session=session.id,
        content_hash=content_hash,
        spec={"recipe": task.to_json()["recipe"], "limits": _limits(place.settings, task), "deadline": stamp(deadline)},
        place=relative,
        expected_end=stamp(min(deadline, now + timedelta(hours=task.hours))),
        log=f"{relative}/output.log",
    )
    return run, fact


def _paused(place: Place, task: Task) -> list[Row]:
    """The attempts that a pause ended since the task was queued last, the oldest first: this one goes on from them."""
    if not task.resumable:
        return []
    with place.store.reading() as reader:
        return reader.rows("autonomous_queue.paused", task=task.id)


def _wall_s(settings: Settings, task: Task) -> float:
    limits = settings.values["limits"]
    return task.wall_s or max(task.hours * 3600 * limits["wall_factor"], limits["wall_minutes_least"] * 60)


def _limits(settings: Settings, task: Task) -> dict[str, float]:
    limits = settings.values["limits"]
    return {
        "wall_s": _wall_s(settings, task),
        "output_bytes": int(limits["output_mb"] * 1024 * 1024),
        "memory_bytes": int(limits["memory_gb"] * 1024**3),
        "check_s": limits["check_seconds"],
        "grace_s": limits["grace_seconds"],
        "idle_s": limits["idle_minutes"] * 60,
        "processes": limits["processes"],
        "file_bytes": int(limits["file_gb"] * 1024**3),
    }


def spec_of(place: Place, session: Session, run: Run, step: str, *, until: datetime, now: datetime, elsewhere: Sequence[str]) -> dict[str, Any]:
    """What the worker of one step is told, as JSON. `elsewhere` are the paths that the session's other attempts may change."""
    before = run.results.get("baseline", {})
    work = replace(run.work, base=before.get("base", ""), unfinished=run.unfinished) if run.work else None
    task = replace(run.task, checks=(), measures=()) if run.paused else run.task  # not done yet, so there is nothing to check but the guards
    return {
        "v": 1,
        "step": step,
        "attempt": run.attempt,
        "task": task.to_json(),
        "home": str(place.home),
        "dir": str(run.folder),
        "deadline": time.time() + (until - now).total_seconds(),
        "limits": _limits(place.settings, run.task),
        "pass_env": list(place.settings.get("limits", "pass_env")),
        "seed": session.seed,
        "as_of": stamp(now),
        "before": before.get("before", []),
        "measured": before.get("measured", {}),
        "elsewhere": sorted(elsewhere),
        "holding": _holding(place, session, run),
        "repository": copies.described(work) if work else None,
        "agent": asdict(run.agent) if run.agent else None,
    }


def _holding(place: Place, session: Session, run: Run) -> dict[str, Any]:
    return holding.holding(session.held, run.task, run.row["actor"], place.settings)


def seen(home: Path, run: Run) -> list[dict[str, Any]]:
    """The evidence of all its steps, as JSON, with what somebody did meanwhile to the files of the proof or to the settings."""
    evidence = _of_the_steps(run)
    now_there = files_of(home, replace(run.task, recipe=None))
    touched = sorted(path for path, sha in run.proof_files.items() if now_there.get(path) != sha)
    if touched:
        said = f"{listed([clean(p) for p in touched[:5]])}, which the proof uses, was changed while it ran"
        evidence.append(Evidence("guard", "proof", False, said, {"paths": touched}).to_json())
    if run.meddled:
        evidence.append(Evidence("guard", "settings", False, run.meddled).to_json())
    return evidence


def _of_the_steps(run: Run) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for step in STEPS:
        result = run.results.get(step)
        if result is None:
            continue
        found += result.get("evidence", [])
        if result["outcome"] != "finished" and not any(e["kind"] == "exit" for e in result.get("evidence", [])):
            found.append(Evidence("exit", step, False, result.get("said") or f"The {step} step ended as {result['outcome']}.").to_json())
    return found


def spoiled(evidence: Sequence[dict[str, Any]]) -> bool:
    """True when a check or measure failed, so what was changed must not stay."""
    return any(e["kind"] in ("check", "measure") and e["ok"] is False for e in evidence)


def ending(place: Place, session: Session, run: Run, outcome: str, evidence: Sequence[dict[str, Any]]) -> Fact:
    """How the attempt ended and what was observed. The verdict is no part of it: the ledger finds that when it is applied."""
    recipe, proved = run.results.get("recipe", {}), run.results.get("prove", {})
    before, after = run.results.get("baseline", {}).get("before", []), proved.get("after", [])
    return place.fact(
        "attempt.ended",
        actor=f"session:{session.id}",
        attempt=run.attempt,
        task=run.task.id,
        session=session.id,
        outcome=outcome,
        exit_code=recipe.get("exit_code"),
        seconds=recipe.get("seconds"),
        tail=clean(recipe.get("tail", ""), keep_lines=True)[-4000:],
        log=_relative(place.home, recipe.get("log")),
        notebook=_relative(place.home, recipe.get("notebook")),
        evidence=list(evidence),
        undo={"before": before, "after": after} if before and after else None,
        branch=run.work.branch if run.work and proved.get("commit") else None,
        commit=proved.get("commit"),
        base=run.results.get("baseline", {}).get("base"),
        calls=recipe.get("calls", []),
        grants=holding.grants(run.task, _holding(place, session, run)),
    )


def _relative(home: Path, path: str | None) -> str | None:
    """A path below the workspace as it is shown and linked; others stay as they are."""
    if not path:
        return None
    whole = Path(path)
    return whole.relative_to(home).as_posix() if whole.is_absolute() and whole.is_relative_to(home) else str(path)
