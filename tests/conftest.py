"""What every test may use: a workspace of its own with real files, and tasks with real recipes."""

import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import settings

from jarvis_lib.store.place import Place
from jarvis_lib.workspace import open_workspace
from tests.roomy import roomy

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
    (tmp_path / "jarvis.toml").write_text(roomy())
    return tmp_path


@pytest.fixture
def place(home: Path) -> Place:
    """The workspace, with a clock that stands in the night."""
    return open_workspace(home, clock=lambda: NIGHT, actor="person:test")


@pytest.fixture
def make_place(home: Path) -> Callable[[datetime], Place]:
    """The workspace at another moment."""
    return lambda now: open_workspace(home, clock=lambda: now, actor="person:test")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """`make faults` runs what the matrix of faults names, wherever it stands."""
    from tests.faults.matrix import ids_of

    for item in items:
        if ids_of(item.nodeid):
            item.add_marker(pytest.mark.matrix)


def _tried(config: pytest.Config) -> dict[str, tuple[list[int], float]]:
    """For each entry of the matrix: how many tests passed, failed and were skipped, and the seconds of all."""
    from tests.faults.matrix import MATRIX, ids_of

    reporter = config.pluginmanager.get_plugin("terminalreporter")
    counts: dict[str, list[int]] = {name: [0, 0, 0] for name in MATRIX}
    seconds = dict.fromkeys(MATRIX, 0.0)
    for outcome, column in (("passed", 0), ("failed", 1), ("error", 1), ("skipped", 2)):
        for report in reporter.stats.get(outcome, []):
            if outcome in ("failed", "error") or report.when == "call" or outcome == "skipped":
                for name in ids_of(report.nodeid):
                    counts[name][column] += 1
                    seconds[name] += getattr(report, "duration", 0.0)
    return {name: (counts[name], seconds[name]) for name in MATRIX}


def _is_matrix(config: pytest.Config) -> bool:
    return config.option.markexpr == "faults or matrix" and not hasattr(config, "workerinput")


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """A fault that nobody tried is no fault that was survived: a whole run without a figure for it has failed."""
    whole = session.config.args_source == pytest.Config.ArgsSource.TESTPATHS and not session.config.option.keyword
    if _is_matrix(session.config) and whole and not session.config.option.collectonly and any(not any(counts) for counts, _ in _tried(session.config).values()):
        session.exitstatus = session.exitstatus or pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """One line for each fault: how many cases were tried, and in how many something was lost or got out."""
    if not _is_matrix(config):
        return
    from tests.faults.matrix import MATRIX, NOT_TESTED

    tried = _tried(config)
    terminalreporter.section("faults and attacks: n tried, n lost or got out")
    for name, (what, expected, _) in MATRIX.items():
        (passed, failed, skipped), seconds = tried[name]
        more = f", {skipped} skipped" if skipped else "" if passed + failed else ", NOT TRIED"
        terminalreporter.write_line(f"{name}  {passed + failed:>4} tried  {failed} lost{more}  {seconds:6.1f} s  {what}: {expected}")
    for name, why in NOT_TESTED.items():
        terminalreporter.write_line(f"{name}     -  {why}")
