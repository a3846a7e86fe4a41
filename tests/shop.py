"""A small shop's repository with a bug, and a workspace whose agent is scripted: what the tests of unattended work share."""

import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from jarvis_lib import autonomous_queue as queue
from jarvis_lib.autonomous_queue import holding
from jarvis_lib.execution.engine import Engine, LocalEngine
from jarvis_lib.store.place import Place
from jarvis_lib.workspace import open_workspace
from tests.facts import opened
from tests.roomy import roomy

FAKE = Path(__file__).parent / "agents" / "fake_agent.py"
TOTAL = 'def total(prices):\n    """The sum of the prices."""\n    return int(sum(prices))\n'
WHOLE = 'import sys\n\nsys.path.insert(0, ".")\nfrom total import total\n\n\ndef test_whole():\n    assert total([1, 2]) == 3\n'
CHECK = '{python} -c "from total import total; assert total([0.1, 0.2]) == 0.3"'


def git(folder: Path, *words: str) -> str:
    own = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    done = subprocess.run(["git", "-C", str(folder), *words], capture_output=True, text=True, env=os.environ | own, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


class Shop:
    """The repository `shop` beside a workspace; `night` works everything that is queued, in one short session."""

    def __init__(self, top: Path) -> None:
        self.repo, self.home = top / "shop", top / "workspace"
        (self.repo / "tests").mkdir(parents=True)
        self.home.mkdir()
        git(self.repo, "init", "-q", "-b", "main")
        git(self.repo, "config", "user.name", "Person")
        git(self.repo, "config", "user.email", "person@example.org")
        (self.repo / "total.py").write_text(TOTAL)
        (self.repo / "tests" / "test_total.py").write_text(WHOLE)
        (self.repo / "README.md").write_text("The shop.\n")
        git(self.repo, "add", ".")
        git(self.repo, "commit", "-qm", "First")
        self.settings(mode="done")
        self.sessions = 0

    def settings(self, *, mode: str, **more: str) -> None:
        """The workspace's settings with the scripted agent in this mode; `more` replaces whole lines by their key."""
        lines = {
            "order": 'order = ["custom"]',
            "custom": f'custom = "{sys.executable} {FAKE} {mode} {{prompt_file}}"',
            "readable": f'readable = ["{FAKE.parent}"]',
        } | more
        (self.home / "jarvis.toml").write_text(roomy(**lines))

    @property
    def place(self) -> Place:
        return open_workspace(self.home, clock=lambda: datetime.now(UTC), actor="person:test")

    def add(self, title: str = "Fix the rounding", description: str = "total() loses cents", category: str = "Bug fixes", **more: Any) -> str:
        own: dict[str, Any] = {"repo": str(self.repo), "agent": "any", "checks": [CHECK]} | more
        place = self.place
        return queue.add(place, title, description, 0.0005, category, "HIGH", now=place.now(), **own).task.id

    def night(self, seconds: float = 40.0, *, engine: Engine | None = None, **more: Any) -> queue.Tally:
        """One session with a canary before it."""
        from datetime import timedelta

        place = self.place
        now = place.now()
        self.sessions += 1
        name = f"s{self.sessions}"
        place.store.write(opened(place, name, at=now))
        held = holding.look(place, now=now)
        own = queue.Session(name, now + timedelta(seconds=seconds), now + timedelta(seconds=seconds + 30), 3, 7, held=held, **more)
        tally = queue.work(place, own, engine=engine or LocalEngine())
        place.store.write(place.fact("session.closed", session=name, outcome="finished"))
        return tally

    def show(self, task: str) -> dict[str, Any]:
        return queue.show(self.place, task)

    def state(self, task: str) -> str:
        return str(self.show(task)["task"]["state"])

    def last(self, task: str) -> dict[str, Any]:
        return dict(self.show(task)["attempts"][-1])

    def said(self, task: str, kind: str) -> list[str]:
        return [e["said"] for e in self.show(task)["evidence"] if e["kind"] == kind]
