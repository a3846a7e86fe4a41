"""Fixes on a disk that takes no more, or nothing at all: one sentence, old or new, and every undo still restores all."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from jarvis_lib import problem_predictor
from jarvis_lib.execution.fixes import notes
from tests.fix_parts import LATE, MAKERS, differences, picture, watching

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.faults


def can_mount() -> bool:
    """A mount of one's own needs root or user namespaces."""
    return shutil.which("unshare") is not None and subprocess.run(["unshare", "-m", "true"], capture_output=True).returncode == 0


NO_ROOM = """
import resource, sys
from datetime import datetime
from jarvis_lib import problem_predictor
from jarvis_lib.model.fact import Refused
from jarvis_lib.workspace import open_workspace
home, most, now = sys.argv[1], int(sys.argv[2]), datetime.fromisoformat(sys.argv[3])
place = open_workspace(home, clock=lambda: now, actor="person:test")
problem_predictor.scan(place, now=now)
if most:
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
try:
    for fix in problem_predictor.fix_safe(place, now=now, session=None):
        print(fix.verified, fix.said)
except Refused as error:
    print(error.sentence)
"""


def run(home: Path, most: int, *before: str) -> subprocess.CompletedProcess[str]:
    env = {"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"}
    return subprocess.run([*before, sys.executable, "-c", NO_ROOM, home, str(most), LATE.isoformat()], capture_output=True, text=True, env=env)


@pytest.mark.parametrize("name", MAKERS)
@pytest.mark.parametrize("most", [300, 3_000, 30_000])
def test_a_fix_that_may_not_write_leaves_old_or_new(name: str, most: int, tmp_path: Path) -> None:
    """No file may grow beyond `most` bytes: no traceback; with room again the next scan closes what was open, and the undo restores every byte."""
    place = watching(tmp_path)
    MAKERS[name](tmp_path)
    before = picture(tmp_path)
    done = run(tmp_path, most)
    assert done.returncode == 0 and len(done.stdout.splitlines()) == 1, done.stdout + done.stderr[-2000:]
    problem_predictor.scan(place, now=LATE)
    assert not notes.unfinished(tmp_path) and not list(tmp_path.rglob("*jarvis-tmp*"))
    for row in [r for r in problem_predictor.listed(place, now=LATE) if r["fix"]]:
        problem_predictor.undo_fix(place, row["fix"], now=LATE)
    assert differences(before, picture(tmp_path)) == [], done.stdout


@pytest.mark.skipif(not can_mount(), reason="may not mount anything of one's own here")
@pytest.mark.parametrize(("name", "folder"), [("clean_cache", "cache"), ("trash_old_logs", "logs"), ("pack_repository", "repo"), ("compact_database", "data")])
def test_a_fix_on_a_read_only_disk_changes_nothing_and_says_so(name: str, folder: str, tmp_path: Path) -> None:
    """The folder is mounted read-only: one sentence, no file moved, none left behind."""
    place = watching(tmp_path)
    key = MAKERS[name](tmp_path)
    problem_predictor.scan(place, now=LATE)
    before = picture(tmp_path)
    where = tmp_path / folder
    lines = f"mount --bind '{where}' '{where}' && mount -o remount,ro,bind '{where}' && exec \"$@\""
    done = run(tmp_path, 0, "unshare", "-m", "sh", "-c", lines, "sh")
    assert "Traceback" not in done.stdout and "True" not in done.stdout, done.stdout + done.stderr[-2000:]
    assert differences(before, picture(tmp_path)) == [] and not list((tmp_path / "data" / "trash").rglob("*.bin"))
    if folder != "data":  # where the store itself may not be written, that is the sentence
        assert done.returncode == 0 and "not fixed" in done.stdout and len(done.stdout.splitlines()) == 1, done.stdout + done.stderr[-2000:]
        assert [r["standing"] for r in problem_predictor.listed(place, now=LATE) if r["key"] == key] == ["open"]
