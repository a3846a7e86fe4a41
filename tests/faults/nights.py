"""How do the tests of faults work a night? In this process with real workers, or as a program of its own that may be stopped and killed."""

import os
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from jarvis_lib import autonomous_queue as queue
from jarvis_lib.autonomous_queue import holding
from jarvis_lib.execution.engine import LocalEngine
from jarvis_lib.store.place import Place
from jarvis_lib.workspace import open_workspace
from tests.facts import opened
from tests.roomy import roomy

ROOT = Path(__file__).parents[2]
JARVIS = str(Path(sys.executable).with_name("jarvis"))
ENVIRONMENT = {"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin:/usr/sbin:/sbin", "HOME": str(Path.home())}
PROGRAM = """
import sys
from jarvis_lib import overnight_runner
from jarvis_lib.workspace import open_workspace
overnight_runner.start(open_workspace(sys.argv[1]), for_minutes=float(sys.argv[2]), with_brief=False, say=lambda line: print(line, flush=True))
"""


def real(home: Path, clock: Callable[[], datetime] | None = None) -> Place:
    return open_workspace(home, clock=clock, actor="person:test")


def settings(home: Path, **lines: str) -> Place:
    """The workspace with these lines of its settings changed."""
    (home / "jarvis.toml").write_text(roomy(**lines))
    return real(home)


def add(place: Place, title: str = "Write", category: str = "Documentation", **more: Any) -> str:
    own: dict[str, Any] = {"command": "true", "checks": ["true"]} | more
    hours = own.pop("hours", 0.01)
    return queue.add(place, title, "", hours, category, own.pop("priority", "MEDIUM"), now=place.now(), **own).task.id


def work(place: Place, *, seconds: float = 120.0, held: holding.Held | None = None, lanes: int = 1) -> queue.Tally:
    """One session in this process; without `held` a canary says what holds."""
    now = place.now()
    name = f"s{os.urandom(4).hex()}"
    place.store.write(opened(place, name, at=now))
    own = queue.Session(name, now + timedelta(seconds=seconds), now + timedelta(seconds=seconds + 20), lanes, 7, held=held or holding.look(place, now=now))
    tally = queue.work(place, own, engine=LocalEngine())
    place.store.write(place.fact("session.closed", session=name, outcome="finished"))
    return tally


def program(home: Path, *, minutes: float = 5.0, **environment: str) -> "subprocess.Popen[str]":
    """A night as a program of its own."""
    argv = [sys.executable, "-c", PROGRAM, str(home), str(minutes)]
    return subprocess.Popen(argv, cwd=ROOT, env=os.environ | environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def task_of(place: Place, task: str) -> dict[str, Any]:
    return dict(queue.show(place, task)["task"])


def attempts_of(place: Place, task: str) -> list[dict[str, Any]]:
    return [dict(a) for a in queue.show(place, task)["attempts"]]


def evidence_of(place: Place, task: str, kind: str) -> list[str]:
    return [e["said"] for e in queue.show(place, task)["evidence"] if e["kind"] == kind]
