"""Real nights in compressed time: real notebooks, real git, real processes and, where they are installed, real agent CLIs on a model on loopback.

The clock runs as the real one does, and jumps from the end of a night to the next evening. What holds on a morning is what holds in simulated time.
"""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from jarvis_lib import autonomous_queue as queue
from jarvis_lib import overnight_runner
from jarvis_lib.model.fact import Refused
from jarvis_lib.store.place import Place
from tests.agents.stub_model import StubModel
from tests.shop import TOTAL, git
from tests.soak.engine import Clock
from tests.soak.life import ZONE, Life

ROOT = Path(__file__).parents[2]
BIN = (ROOT / ".agents").resolve() / "node_modules" / ".bin"
AGENTS = ("codex", "claude")
FAULTS = ("cut off", "asked to stop", "two at once")
"""What can happen to a real night; the others need a machine or a disk of their own."""
WRITES = "mkdir -p docs && echo 'The shop has one rule more.' > docs/$(date +%s%N).md"
MODES = ("ok", "ok", "ok", "hollow", "error")
"""What the model does, night by night."""
CELLS = (
    'out = ""\nrows = 10',
    "import polars as pl\n\ntable = pl.DataFrame({'n': range(rows)})\ntable['n'].sum()",
    "from pathlib import Path\n\nPath(out).parent.mkdir(exist_ok=True)\nPath(out).write_text(f\"{table['n'].sum()}\\n\")",
)
"""A notebook of the person's: it counts a table and writes what it found."""
CHECKED = "ls docs/*.md"


class RunningClock(Clock):
    """The simulated time, which runs as fast as the real one."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    @property
    def now(self) -> datetime:
        return self.base + timedelta(seconds=time.monotonic() - self.begun)

    @now.setter
    def now(self, moment: datetime) -> None:
        self.base, self.begun = moment, time.monotonic()


class RealLife(Life):
    """A person's workspace and their repository; the tasks are real work of seconds. `faults` is the share of nights that go wrong."""

    daily_pages = True

    def __init__(self, top: Path, model: StubModel, *, seed: int, faults: float, agents: tuple[str, ...] = (), away: Sequence[date] = ()) -> None:
        super().__init__(top / "workspace", seed=seed, faults=faults, away=away)
        self.model = model
        self.clock = RunningClock(self.clock.now)
        self.top, self.names, self.repo = top, agents, top / "shop"
        programs = ", ".join(f'{name} = "{BIN / name}"' for name in agents)
        self.set(
            order=f"order = [{', '.join(f'{chr(34)}{name}{chr(34)}' for name in agents)}]",
            custom='custom = ""',
            programs=f"programs = {{ {programs} }}",
            network='network = "hosts"',
            hosts=f'hosts = ["127.0.0.1:{model.port}"]',
            pass_env='pass_env = ["STUB_API_KEY", "ANTHROPIC_API_KEY", "ANTHROPIC_BASE_URL"]',
            idle_minutes="idle_minutes = 0.5",
        )
        self._repository()
        self._notebook()

    def _repository(self) -> None:
        self.repo.mkdir()
        git(self.repo, "init", "-q", "-b", "main")
        git(self.repo, "config", "user.name", "Person")
        git(self.repo, "config", "user.email", "person@example.org")
        (self.repo / "total.py").write_text(TOTAL)
        (self.repo / "docs").mkdir()
        (self.repo / "docs" / "first.md").write_text("The shop.\n")
        git(self.repo, "add", ".")
        git(self.repo, "commit", "-qm", "First")

    def _notebook(self) -> None:
        """A notebook of the person's: it counts a table and writes what it found."""
        path = self.home / "notebooks" / "recipes" / "count_rows.ipynb"
        book = json.loads((ROOT / "notebooks" / "recipes" / "maintenance.ipynb").read_text())
        blank = {"cell_type": "code", "execution_count": None, "outputs": []}
        book["cells"] = [blank | {"id": f"c{n}", "metadata": {"tags": ["parameters"]} if n == 0 else {}, "source": text} for n, text in enumerate(CELLS)]
        path.write_text(json.dumps(book))

    # --- by day ----------------------------------------------------------------------------------------------------------------

    def add(self, day: date) -> None:
        """One task of each kind, and one that cannot hold."""
        place, number = self.at(self.local(day, 10)), f"{day:%m%d}"
        checked: dict[str, Any] = {"changes": [f"work/{number}.txt"], "checks": [f"test -s work/{number}.txt"]}
        self._add(f"Count the rows of {number}", "Research/analysis", place, notebook="notebooks/recipes/count_rows.ipynb", number=number, **checked)
        own: dict[str, Any] = {"repo": str(self.repo), "command": f"echo rule {number} > docs/rule-{number}.md", "checks": [f"test -s docs/rule-{number}.md"]}
        self._add(f"Write rule {number}", "Documentation", place, **own)
        wrong: dict[str, Any] = {
            "changes": [f"work/{number}-wrong.txt"],
            "checks": ["false"],
            "command": f"mkdir -p work && echo {number} > work/{number}-wrong.txt",
        }
        if self.chance.random() < 0.5:
            self._add(f"Cannot hold {number}", "Test coverage", place, **wrong)
        for name in self.names:
            self._add(f"Have {name} write a rule {number}", "Documentation", place, repo=str(self.repo), agent=name, checks=[CHECKED])

    def _add(self, title: str, category: str, place: Place, *, number: str = "", **own: Any) -> None:
        more = {"parameters": {"out": f"work/{number}.txt", "rows": 100}} if number else {}
        try:
            added = queue.add(place, title, "A small one.", 0.01, category, "MEDIUM", now=place.now(), **own, **more)
            if queue.show(place, added.task.id)["task"]["state"] == "parked":
                queue.approve(place, added.task.id, now=place.now())
        except Refused as error:
            self.refusals[error.code] = self.refusals.get(error.code, 0) + 1

    # --- by night --------------------------------------------------------------------------------------------------------------

    def _draw(self) -> str:
        self.model.mode = MODES[sum(self.nights.values()) % len(MODES)]
        return self.chance.choice(FAULTS) if self.chance.random() < self.faults else "worked"

    def _session(self, place: Place, fate: str, befell: list[bool], *, thinks: bool) -> str:
        pause = self._pauser(fate, befell)
        overnight_runner.start(place, say=lambda line: None, with_brief=False, analyse=thinks, pause=pause)
        return "worked"

    def _work_weekend(self, place: Place) -> str:
        return queue.work_now(place, say=lambda line: None)

    def _pauser(self, fate: str, befell: list[bool]) -> Callable[[float], None]:
        left = [self.chance.randint(5, 60)]

        def pause(seconds: float) -> None:
            time.sleep(seconds)
            left[0] -= 1
            if left[0] == 0 and fate != "worked":
                self._befall(fate)
                befell[0] = True

        return pause

    def _cut_off(self) -> str:
        """A process of its own works the night with real workers, and is killed after some seconds."""
        argv = [sys.executable, "-m", "tests.soak.real_night", str(self.home), self.clock.now.isoformat()]
        with subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=os.environ | {"PYTHONPATH": str(ROOT)}) as night:
            try:
                _, said = night.communicate(timeout=self.chance.uniform(4, 25))
            except subprocess.TimeoutExpired:
                return "cut off"
            finally:
                night.kill()
        if night.returncode:
            raise AssertionError(said.decode()[-2000:])
        return "worked"


def installed() -> tuple[str, ...]:
    """The agent CLIs that are here."""
    return tuple(name for name in AGENTS if (BIN / name).exists())


@contextmanager
def real_life(*, seed: int, faults: float, away: Sequence[date] = ()) -> Iterator[RealLife]:
    """A life below `data/` of this clone (Codex keeps nothing below the folder for temporary files), with a model on loopback; both are gone afterwards."""
    top = ROOT / "data" / f"soak-{os.getpid()}-{time.monotonic_ns()}"
    top.mkdir(parents=True)
    before = dict(os.environ)
    try:
        with StubModel("ok", WRITES) as model:
            person = top / "person"
            (person / ".codex").mkdir(parents=True)
            address = f"http://127.0.0.1:{model.port}"
            provider = f'[model_providers.stub]\nname = "stub"\nbase_url = "{address}/v1"\nenv_key = "STUB_API_KEY"\nwire_api = "responses"\n'
            retries = "request_max_retries = 0\nstream_max_retries = 0\n"
            (person / ".codex" / "config.toml").write_text(f'model = "stub-model"\nmodel_provider = "stub"\n{provider}{retries}')
            os.environ |= {"HOME": str(person), "STUB_API_KEY": "x", "ANTHROPIC_API_KEY": "x", "ANTHROPIC_BASE_URL": address, "TZ": ZONE}
            yield RealLife(top, model, seed=seed, faults=faults, agents=installed(), away=away)
    finally:
        for name in os.environ.keys() - before.keys():
            del os.environ[name]
        os.environ |= before
        shutil.rmtree(top, ignore_errors=True)
