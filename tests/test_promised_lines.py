"""The lines that the README promises, in their order, in a fresh clone: exactly so, and as `jarvis <part> <verb>` too."""

import os
import shutil
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(shutil.which("git") is None or not (ROOT / ".git").exists(), reason="needs git and a clone to clone from"),
]

LINES: list[tuple[list[str], int, str]] = [
    (["build_scheduler", "list"], 0, ""),
    (["build_scheduler", "schedule"], 0, ""),
    (["build_scheduler", "stats"], 0, "completion rate"),
    (["build_scheduler", "next"], 0, ""),
    (["autonomous_queue", "add", "Optimize database", "Profile and optimize slow queries", "2.0", "Performance optimization", "HIGH"], 0, "Added"),
    (["autonomous_queue", "progress"], 0, ""),
    (["autonomous_queue", "report"], 0, ""),
    (["autonomous_queue", "schedule"], 0, "nothing started"),
    (["autonomous_queue", "add", "Test task", "Testing system", "1.0", "Documentation", "MEDIUM"], 0, "Added"),
    (["build_scheduler", "list"], 0, "Test task"),
    (["overnight_runner", "is-overnight"], 0, "yes"),
    (["overnight_runner", "start"], 0, "Brief:"),
    (["overnight_runner", "report"], 0, "Test task"),
    (["overnight_runner", "brief"], 0, "Test task"),
]
PARTS = {"build_scheduler": "scheduler", "autonomous_queue": "queue", "overnight_runner": "overnight"}


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What git has, with the changes that are not committed yet."""
    where = tmp_path_factory.mktemp("clone") / "jarvis"
    subprocess.run(["git", "clone", "-q", str(ROOT), str(where)], check=True)
    listed = subprocess.run(["git", "ls-files", "-mo", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in listed.splitlines():
        if (ROOT / name).is_file():
            (where / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, where / name)
    return where


def at_one_in_the_morning() -> str:
    """A zone in which it is the middle of the night now, so that the night's window is open."""
    offset = (1 - datetime.now(UTC).hour) % 24
    return f"Etc/GMT{-offset:+d}" if offset <= 12 else f"Etc/GMT{24 - offset:+d}"


def run(clone: Path, argv: list[str]) -> subprocess.CompletedProcess[str]:
    environment = {"HOME": str(clone.parent), "PATH": os.environ["PATH"], "TZ": at_one_in_the_morning(), "PYTHONPATH": str(clone)}
    return subprocess.run(argv, cwd=clone, env=environment, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=240)


def test_the_promised_lines_work_in_their_order(clone: Path) -> None:
    """Every one exits as promised; a log that is followed shows its lines across a rotation."""
    (clone / "logs" / "queue_actions.log").touch()
    with open(clone.parent / "followed", "w") as out:
        follow = subprocess.Popen(["tail", "-n", "+1", "-f", "queue_actions.log"], cwd=clone / "logs", stdout=out, stderr=subprocess.DEVNULL)
    try:
        for i, (words, code, said) in enumerate(LINES):
            done = run(clone, [sys.executable, "-m", f"jarvis_lib.{words[0]}", *words[1:]])
            assert done.returncode == code, f"{words}: {done.stderr or done.stdout}"
            assert said.casefold() in (done.stdout + done.stderr).casefold(), f"{words}: {done.stdout}"
            assert "Traceback" not in done.stderr
            if i == 6:
                rotate = "import pathlib; from jarvis_lib.store.logs import rotate; rotate(pathlib.Path('logs/queue_actions.log'))"
                assert run(clone, [sys.executable, "-c", rotate]).returncode == 0
        assert _shows(clone.parent / "followed", ["Optimize database", "Test task"])
    finally:
        follow.terminate()
        follow.wait()


def _shows(path: Path, words: list[str]) -> bool:
    end = time.monotonic() + 10
    while time.monotonic() < end:
        text = path.read_text()
        if all(text.count(w) >= 1 for w in words):
            return True
        time.sleep(0.1)
    return False


@pytest.mark.parametrize("words", [["build_scheduler", "stats"], ["autonomous_queue", "report"], ["overnight_runner", "is-overnight"]])
def test_the_same_lines_as_parts_and_verbs(clone: Path, words: list[str]) -> None:
    """`jarvis scheduler stats` is `python -m jarvis_lib.build_scheduler stats`; the full name is accepted with _ and -."""
    jarvis = str(Path(sys.executable).with_name("jarvis"))
    answers = {run(clone, [jarvis, part, *words[1:], "--at", "2026-11-24 02:00"]).stdout for part in (PARTS[words[0]], words[0], words[0].replace("_", "-"))}
    assert len(answers) == 1 and answers != {""}


@pytest.mark.long
def test_bare_overnight_runner_is_start(clone: Path) -> None:
    """As the old cron line has it."""
    done = run(clone, [sys.executable, "-m", "jarvis_lib.overnight_runner"])
    assert done.returncode == 0 and "Brief:" in done.stdout, done.stderr
