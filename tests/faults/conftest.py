"""The workspace of a fault: settings that let a night work on a machine that is busy with tests."""

from pathlib import Path

import pytest

from tests.roomy import roomy


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """An empty workspace that does not wait for a machine with more room."""
    (tmp_path / "jarvis.toml").write_text(roomy())
    return tmp_path
