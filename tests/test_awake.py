"""The machine is held awake only while a session works: by a program that ends with the session, whatever becomes of the session."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from jarvis_lib.execution import awake

HOLDER = '#!/bin/sh\necho "$$ $*" >>"{folder}/held"\nshift "$(($# - 1))"\nexec "$@"\n'


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A systemd-inhibit that notes who it is and then is `cat`, as the real one waits for it."""
    program = tmp_path / "systemd-inhibit"
    program.write_text(HOLDER.format(folder=tmp_path))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    return tmp_path


def holder(folder: Path) -> tuple[int, str]:
    for _ in range(100):
        if (folder / "held").exists() and (folder / "held").read_text().endswith("\n"):
            break
        time.sleep(0.05)
    pid, _, words = (folder / "held").read_text().partition(" ")
    return int(pid), words


def lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_it_holds_inside_and_lets_go_after(folder: Path) -> None:
    with awake.held():
        pid, words = holder(folder)
        assert lives(pid) and "--what=idle:sleep" in words and "--mode=block" in words
    assert not lives(pid)


def test_it_lets_go_when_the_session_is_killed(folder: Path) -> None:
    """kill -9 leaves no holder behind: a machine that can never sleep again would be worse than one that sleeps."""
    code = "from jarvis_lib.execution import awake; import time\nwith awake.held(): time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", code]) as session:
        pid, _ = holder(folder)
        os.kill(session.pid, signal.SIGKILL)
    for _ in range(100):
        if not lives(pid):
            break
        time.sleep(0.05)
    assert not lives(pid)


def test_where_it_may_not_hold_nothing_is_broken(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Switched off, refused by the system, or not there: the session works all the same."""
    with awake.held(on=False):
        assert not (folder / "held").exists()
    (folder / "systemd-inhibit").write_text("#!/bin/sh\nexit 1\n")
    with awake.held():
        pass
    monkeypatch.setenv("PATH", str(folder / "none"))
    assert awake.command() is None
    with awake.held():
        pass


@pytest.mark.parametrize(("plugged", "holds"), [("none", True), (True, True), (None, True), (False, False)])
def test_on_battery_nothing_holds_it(folder: Path, monkeypatch: pytest.MonkeyPatch, plugged: bool | str | None, holds: bool) -> None:
    """A laptop in a bag must be able to sleep; a machine without a battery, or one that cannot tell, is held."""
    battery = None if plugged == "none" else SimpleNamespace(percent=50, secsleft=3600, power_plugged=plugged)
    monkeypatch.setattr(psutil, "sensors_battery", lambda: battery, raising=False)
    with awake.held():
        assert awake.on_mains() is holds
        if holds:
            assert lives(holder(folder)[0])
    assert (folder / "held").exists() is holds
