"""What must be so after every fault? One question for all of them, asked of the store, of the processes and of the person's own files."""

import hashlib
import json
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psutil

from jarvis_lib import autonomous_queue as queue
from jarvis_lib import overnight_runner
from jarvis_lib.model.evidence import MAX_ATTEMPTS
from jarvis_lib.model.states import SAID
from jarvis_lib.report.text import brief_text
from jarvis_lib.store import recover
from jarvis_lib.store.place import Place

CRONTABS = (Path("/var/spool/cron"), Path("/etc/crontab"), Path("/etc/cron.d"))


def fill(place: Place, count: int, *, start: int = 0) -> None:
    """Tasks that leave a trace in the world: each appends one line to its own file, which is declared, checked and put back on failure."""
    for i in range(start, start + count):
        name = f"out/{i}.md"
        (place.home / "out").mkdir(exist_ok=True)
        (place.home / name).write_text("before\n")
        own: dict[str, Any] = {"command": f"sleep 0.3; echo once >> {name}; sleep 0.2", "checks": [f"test $(grep -c once {name}) = 1"], "changes": [name]}
        queue.add(place, f"Task {i}", "", 0.05, "Documentation", "MEDIUM", now=place.now(), **own)


def rows(place: Place, table: str) -> list[dict[str, Any]]:
    with place.store.reading() as reader:
        found = reader._con.execute(f"SELECT * FROM {table}")
        names = [d[0] for d in found.description]
        return [dict(zip(names, r, strict=True)) for r in found.fetchall()]


def alive(place: Place) -> list[int]:
    """Processes that an attempt of this workspace has left."""
    attempts = {a["id"] for a in rows(place, "attempts")}
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("JARVIS_ATTEMPT") in attempts and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process.pid)
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return found


def marks(*tops: Path) -> dict[str, str]:
    """Each file below `tops` and of the machine's crontabs with its content and mode: what no night may change."""
    found = {}
    for top in (*tops, *CRONTABS):
        for path in sorted(top.rglob("*")) if top.is_dir() else [top]:
            if path.is_symlink():
                found[str(path)] = f"-> {os.readlink(path)}"
            elif path.is_file():
                found[str(path)] = f"{path.stat().st_mode:o} {hashlib.sha256(path.read_bytes()).hexdigest()}"
    return found


def check(place: Place, *, tasks: int | None = None, untouched: dict[str, str] | None = None, tops: Sequence[Path] = (), told: str = "") -> None:
    """The store is whole, each task in one state, each attempt ended once, nothing alive, nothing of the person's changed, and a brief can be made.

    `untouched` is what `marks(*tops)` said before; `told` is a pattern for what the brief must say.
    """
    assert recover.verify(place.store) == []
    every, attempts, evidence = rows(place, "tasks"), rows(place, "attempts"), rows(place, "evidence")
    assert tasks is None or len(every) == tasks, len(every)
    assert len({t["id"] for t in every}) == len(every)
    for task in every:
        own = [a for a in attempts if a["task"] == task["id"]]
        verified = [a for a in own if a["verdict"] == "verified"]
        assert task["state"] in SAID and task["state"] != "running", task["state"]
        assert task["attempts"] <= MAX_ATTEMPTS and len(verified) <= 1, own
        assert task["state"] not in ("shipped", "accepted") or verified, f"{task['title']} is {task['state']} and nothing proved it"
        assert all(a["outcome"] == "finished" for a in verified)
        assert all(any(e["attempt"] == a["id"] and e["kind"] == "check" and e["ok"] for e in evidence) for a in verified)
    assert all(a["ended_at"] is not None for a in attempts)
    assert all(s["closed_at"] is not None for s in rows(place, "sessions"))
    assert endings(place) == {a["id"]: 1 for a in attempts}
    assert alive(place) == []
    if untouched is not None:
        assert marks(*tops) == untouched
    said = brief_text(overnight_runner.brief(place, as_of=place.now()))
    assert said.strip()
    assert re.search(told, said), f"{told!r} is not in:\n{said}"


def endings(place: Place) -> dict[str, int]:
    """How often each attempt was ended, by the facts that counted."""
    found: dict[str, int] = {}
    for fact in rows(place, "facts"):
        if fact["kind"] == "attempt.ended" and fact["refused"] is None:
            attempt = json.loads(fact["data"])["data"]["attempt"]
            found[attempt] = found.get(attempt, 0) + 1
    return found
