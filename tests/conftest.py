"""What every test may use: a workspace of its own with real files, and tasks with real recipes."""

import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import settings

from jarvis_lib.model.settings import template
from jarvis_lib.store.place import Place
from jarvis_lib.workspace import open_workspace

# A busy machine is no failure; and where nobody can look again at once, the same examples are tried each time.
settings.register_profile("here", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "here")

NIGHT = datetime(2026, 11, 23, 23, 30, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test sees the workspace or the zone of the person who runs it."""
    monkeypatch.delenv("JARVIS_HOME", raising=False)
    monkeypatch.delenv("JARVIS_ATTEMPT", raising=False)
    monkeypatch.setenv("TZ", "UTC")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """An empty workspace with the default settings."""
    (tmp_path / "jarvis.toml").write_text(template())
    return tmp_path


@pytest.fixture
def place(home: Path) -> Place:
    """The workspace, with a clock that stands in the night."""
    return open_workspace(home, clock=lambda: NIGHT, actor="person:test")


@pytest.fixture
def make_place(home: Path) -> Callable[[datetime], Place]:
    """The workspace at another moment."""
    return lambda now: open_workspace(home, clock=lambda: now, actor="person:test")
