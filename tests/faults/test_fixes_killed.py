"""kill -9 in the middle of a fix or of its undo: old or new, the next run tells which, and every byte can still come back."""

import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from jarvis_lib import problem_predictor
from jarvis_lib.execution.fixes import notes
from jarvis_lib.model.fact import Refused
from tests.fix_parts import LATE, MAKERS, differences, picture, watching

pytestmark = pytest.mark.faults
DYING = """
import os, sys
from dataclasses import replace
from datetime import datetime
from jarvis_lib import problem_predictor

from jarvis_lib.workspace import open_workspace
home, at, now, undo = sys.argv[1], int(sys.argv[2]), datetime.fromisoformat(sys.argv[3]), sys.argv[4:]
place = open_workspace(home, clock=lambda: now, actor="person:test")
problem_predictor.scan(place, now=now)
step = 0
def count(event, args):
    global step
    own = event in ("os.rename", "os.link", "os.remove", "os.mkdir", "os.rmdir", "subprocess.Popen") or (event == "open" and "jarvis-" in str(args[0]))
    if own and not any("/data/spool" in str(a) or "journal" in str(a) for a in args):
        step += 1
        if step == at:
            os.kill(os.getpid(), 9)
sys.addaudithook(count)
problem_predictor.undo_fix(place, undo[0], now=now) if undo else problem_predictor.fix_safe(place, now=now, session=None)
"""


def dying(home: Path, step: int, *undo: str) -> int:
    return subprocess.run([sys.executable, "-c", DYING, home, str(step), LATE.isoformat(), *undo], capture_output=True).returncode


@pytest.mark.parametrize("name", ["clean_cache", "free_lock", "pack_repository", "trash_old_logs"])
def test_killed_at_any_step_it_leaves_old_or_new_and_the_next_run_tells(name: str, tmp_path: Path) -> None:
    """kill -9 before file operations of a fix: the next scan closes it, either nothing happened or it stands as a fix, and its undo restores all."""
    died, step = 0, 0
    while True:
        step += 1 + step // 6  # each of the first steps, then fewer and fewer
        home = tmp_path / str(step)
        home.mkdir()
        place = watching(home)
        MAKERS[name](home)
        before = picture(home)
        outcome = dying(home, step)
        problem_predictor.scan(place, now=LATE)
        assert not notes.unfinished(home), f"step {step}"
        for row in reversed([r for r in problem_predictor.listed(place, now=LATE) if r["fix"]]):
            problem_predictor.undo_fix(place, row["fix"], now=LATE)
        assert differences(before, picture(home)) == [], f"step {step}"
        if outcome == 0:
            break
        assert outcome == -signal.SIGKILL
        died += 1
    assert died > 3


@pytest.mark.parametrize("name", ["clean_cache", "pack_repository"])
def test_an_undo_that_was_killed_can_be_repeated(name: str, tmp_path: Path) -> None:
    """kill -9 in the middle of an undo: the same undo again puts every byte back."""
    step = 0
    while True:
        step += 1 + step // 4
        home = tmp_path / str(step)
        home.mkdir()
        place = watching(home)
        MAKERS[name](home)
        before = picture(home)
        problem_predictor.scan(place, now=LATE)
        (done,) = problem_predictor.fix_safe(place, now=LATE, session=None)
        outcome = dying(home, step, done.undo["fix"])
        if outcome == 0:
            break
        with suppress(Refused):  # killed after its fact: it is undone already
            problem_predictor.undo_fix(place, done.undo["fix"], now=LATE)
        assert problem_predictor.listed(place, now=LATE)[0]["fix"] is None, f"step {step}"
        assert differences(before, picture(home)) == [], f"step {step}"
    assert step > 3
