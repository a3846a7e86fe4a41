"""What the hands refuse: results that are no results, merges that would touch what is the person's, drafts that mean two things."""

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from jarvis_lib.execution import measuring, tree
from jarvis_lib.execution.cluster import packing
from jarvis_lib.execution.draft import draft
from jarvis_lib.execution.repositories import bundle as bundles
from jarvis_lib.execution.repositories import taking
from jarvis_lib.model.fact import Refused
from jarvis_lib.model.settings import parse
from jarvis_lib.model.task import Measure, Recipe
from tests.execution_parts import Bench
from tests.facts import task
from tests.repository_parts import BRANCH, bundled, done, fix, git, prepare, small_repository

# --- bundles -------------------------------------------------------------------------------------------------------------


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    return small_repository(tmp_path)


def test_a_bundle_is_a_plain_whole_file_of_the_right_size(repo: Path, tmp_path: Path) -> None:
    copy = prepare(repo, tmp_path)
    fix(copy)
    (copy.path / "long.txt").write_text("x" * 100_000)
    bundled(copy, tmp_path)
    file = tmp_path / "work.bundle"

    def refused(said: str, path: Path = file, **more: Any) -> None:
        with pytest.raises(bundles.Damaged, match=said):
            bundles.take_in(path, repo, base=copy.base, **more)

    whole = file.read_bytes()
    refused("is larger than", most_bytes=10)
    refused("when it is unpacked, more than", most_bytes=len(whole) + 100)
    refused("is no file that can be read", tmp_path / "not-there")
    (tmp_path / "link").symlink_to(file)
    refused("is no file that can be read", tmp_path / "link")
    refused("is no file", tmp_path)
    os.mkfifo(tmp_path / "pipe")
    refused("is no file", tmp_path / "pipe")
    file.write_bytes(whole[: len(whole) - 30])
    refused("is damaged, and git refused it")
    file.write_bytes(b"words\n\n" + whole)
    refused("it is no bundle of git's")
    head, _, pack = whole.partition(b"\n\n")
    file.write_bytes(head + b"\n" + head.splitlines()[-1] + b"\n\n" + pack)
    refused("its header is not one that Jarvis asked for")
    lines = head.splitlines()
    needed = next(n for n, line in enumerate(lines) if line.startswith(b"-"))
    file.write_bytes(b"\n".join([*lines[:needed], b"-" + b"1" * 40, *lines[needed + 1 :]]) + b"\n\n" + pack)
    refused("builds on a commit 1111111111 that the repository does not have")
    named = next(n for n, line in enumerate(lines) if line.endswith(b" HEAD"))
    file.write_bytes(b"\n".join([*lines[:named], b"2" * 40 + b" HEAD", *lines[named + 1 :]]) + b"\n\n" + pack)
    refused("is damaged: its commit is missing")
    file.write_bytes(whole)
    assert bundles.take_in(file, repo, base=copy.base)


# --- taking --------------------------------------------------------------------------------------------------------------


def merge(repo: Path, base: str, commit: str, **more: Any) -> taking.Merged:
    return taking.merge(repo, branch=BRANCH, commit=commit, base=base, message="Take it", **more)


def test_a_merge_needs_a_commit_a_branch_and_a_quiet_repository(repo: Path, tmp_path: Path) -> None:
    copy, commit = done(repo, tmp_path)
    with pytest.raises(Refused, match="The commit 1111111111 is not in"):
        merge(repo, copy.base, "1" * 40)
    with pytest.raises(Refused, match="There is no branch 'nobody'"):
        merge(repo, copy.base, commit, into="nobody")
    (repo / ".git" / "index.lock").touch()
    with pytest.raises(Refused, match=r"is in use: .*index\.lock is there"):
        merge(repo, copy.base, commit)
    (repo / ".git" / "index.lock").unlink()
    (repo / ".git" / "MERGE_HEAD").write_text(commit)
    with pytest.raises(Refused, match="under way; finish it first"):
        merge(repo, copy.base, commit)
    (repo / ".git" / "MERGE_HEAD").unlink()
    git(repo, "checkout", "-q", "--detach")
    with pytest.raises(Refused, match="has no branch checked out"):
        merge(repo, copy.base, commit)
    git(repo, "checkout", "-q", "main")
    merge(repo, copy.base, commit)
    assert "return sum(prices)" in (repo / "total.py").read_text()


def test_what_several_branches_have_is_reverted_on_the_one_that_is_checked_out(repo: Path, tmp_path: Path) -> None:
    copy, commit = done(repo, tmp_path)
    merged = merge(repo, copy.base, commit).commit
    git(repo, "branch", "also")
    git(repo, "checkout", "-q", "-b", "other", copy.base)
    with pytest.raises(Refused, match="also and main have what was merged; check out the one"):
        taking.undo(repo, branch=BRANCH, commit=commit, base=copy.base, merged=merged)
    git(repo, "checkout", "-q", "main")
    said = taking.undo(repo, branch=BRANCH, commit=commit, base=copy.base, merged=merged)
    assert any("also has it too; revert it there by hand" in one for one in said)
    assert "int(sum(prices))" in (repo / "total.py").read_text()


def test_what_is_in_no_branch_any_more_is_not_reverted(repo: Path, tmp_path: Path) -> None:
    copy, commit = done(repo, tmp_path)
    merged = merge(repo, copy.base, commit).commit
    git(repo, "reset", "-q", "--hard", copy.base)
    said = taking.undo(repo, branch=BRANCH, commit=commit, base=copy.base, merged=merged)
    assert any("in no branch any more" in one for one in said)


# --- what travels --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["/etc/passwd", "../out.txt", "a/../../out.txt"])
def test_what_comes_back_stays_in_the_workspace(home: Path, name: str) -> None:
    (home / "data").mkdir(exist_ok=True)
    bench = Bench(home)
    bench.folder.mkdir(parents=True)
    spec = bench.spec(task(recipe=Recipe("command", argv=("true",)), changes=("out.txt",)))
    (home / "out.txt").write_text("here")
    data = packing.returning(home, spec)
    spec["task"]["changes"] = [name]
    with pytest.raises(Refused, match="leads out of the workspace"):
        packing.take_back(data, spec)
    assert (home / "out.txt").read_text() == "here" and not list((home / "data").glob(".jarvis-back-*"))


def test_what_another_machine_removed_is_removed_and_a_torn_exchange_is_mended(home: Path) -> None:
    (home / "data").mkdir(exist_ok=True)
    bench = Bench(home)
    bench.folder.mkdir(parents=True)
    spec = bench.spec(task(recipe=Recipe("command", argv=("true",)), changes=("out.txt", "deep/new.txt")))
    (home / "deep").mkdir()
    (home / "deep" / "new.txt").write_text("made there")
    data = packing.returning(home, spec)  # without out.txt
    (home / "deep" / "new.txt").unlink()
    (home / ".out.txt.jarvis-before").write_text("what a session that died had put aside")
    packing.take_back(data, spec)
    assert not (home / "out.txt").exists() and not (home / ".out.txt.jarvis-before").exists()
    assert (home / "deep" / "new.txt").read_text() == "made there"


# --- drafts --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"repo": "/no/such/folder"}, "There is no folder /no/such/folder"),
        ({"repo": "."}, "is not the top of a git repository"),
        ({"agent": "cloude"}, r"There is no agent 'cloude'\. Did you mean 'claude'\?"),
        ({"agent": "any", "command": "true"}, "A task has one recipe"),
        ({"agent": "any", "notebook": "x.ipynb"}, "A task has one recipe"),
        ({"repo": "REPO", "notebook": "x.ipynb"}, "A notebook works in the workspace"),
        ({"repo": "REPO", "command": "true", "changes": ("x",)}, "leave --changes out"),
    ],
)
def test_a_draft_that_means_two_things_is_refused(home: Path, repo: Path, monkeypatch: pytest.MonkeyPatch, more: dict[str, Any], said: str) -> None:
    monkeypatch.chdir(home)
    more = more | ({"repo": str(repo)} if more.get("repo") == "REPO" else {})
    with pytest.raises(Refused, match=said):
        draft(home, parse(""), title="t", description="", hours=1, category="Documentation", priority="LOW", **more)


def test_a_word_that_no_task_has_is_a_fault_of_the_caller(home: Path) -> None:
    with pytest.raises(TypeError, match="a task has no colour"):
        draft(home, parse(""), title="t", description="", hours=1, category="Documentation", priority="LOW", colour="red")  # type: ignore[call-arg]  # that is the fault


# --- steps ---------------------------------------------------------------------------------------------------------------


def test_a_step_without_a_recipe_or_an_agent_ends_as_failed(home: Path) -> None:
    """What should never reach a worker is told there too."""
    for recipe, said in ((None, "has no recipe"), (Recipe("agent"), "No agent was chosen")):
        result = Bench(home).run(task(recipe=recipe, checks=()))
        assert result["outcome"] == "failed" and said in result["said"]


@pytest.mark.parametrize(
    ("better", "before", "after", "ok"), [("higher", 2.0, 4.0, True), ("higher", 4.0, 2.0, False), ("lower", 4.0, 2.0, True), ("lower", 0.0, 1.0, False)]
)
def test_a_measure_is_judged_by_its_own_direction(better: str, before: float, after: float, ok: bool) -> None:
    measure = Measure("cost", "x", unit="points", better=better)
    found = measuring.judged(measure, "cost", [before] * 7, [after] * 7, seed=7, interleaved=True)
    assert found.ok is ok and "cost" in found.said


# --- processes, without /proc --------------------------------------------------------------------------------------------


def test_the_slow_way_to_see_processes_sees_the_same() -> None:
    """Where there is no /proc, psutil is asked; on Linux both answer, and must agree."""
    with subprocess.Popen([sys.executable, "-c", "import subprocess; subprocess.Popen(['sleep', '30']).wait()"]) as parent:
        until = time.monotonic() + 20
        while len(tree.descendants(parent.pid)) < 1:
            assert time.monotonic() < until
            time.sleep(0.01)
        assert tree._descendants_by_psutil(parent.pid) == tree.descendants(parent.pid)
        assert not tree._zombie_by_psutil(parent.pid) and tree._resident_by_psutil(parent.pid) > 1_000_000
        tree.kill(lambda: [pid for pid in (parent.pid, *tree.descendants(parent.pid)) if tree.exists(pid)])
        assert tree._zombie_by_psutil(parent.pid) and tree._descendants_by_psutil(parent.pid) == []
    assert tree._zombie_by_psutil(parent.pid) and tree._resident_by_psutil(parent.pid) == 0 and tree._descendants_by_psutil(parent.pid) == []
