"""Work on a repository: a copy that shares nothing, a result that is looked at before anybody gets it, a merge and an undo that never leave a mess."""

import os
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jarvis_lib.execution import repositories
from jarvis_lib.execution.repositories import Copy
from jarvis_lib.model.fact import Refused
from tests.repository_parts import BRANCH, back, done, fix, git, prepare, small_repository, state

NOW = datetime(2026, 11, 24, tzinfo=UTC)


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    return small_repository(tmp_path)


# --- the copy ----------------------------------------------------------------------------------------------------------------


def test_a_copy_shares_nothing_and_knows_no_remote(repo: Path, tmp_path: Path) -> None:
    before = state(repo)
    copy = prepare(repo, tmp_path)
    assert git(copy.path, "remote") == "" and git(copy.path, "rev-parse", "HEAD") == git(repo, "rev-parse", "HEAD") == copy.base
    assert git(copy.path, "branch", "--show-current") == BRANCH and git(copy.path, "config", "user.name") == "Jarvis"
    assert not (copy.path / ".git/objects/info/alternates").exists()
    ours = {os.stat(p).st_ino for p in (repo / ".git/objects").rglob("*") if p.is_file()}
    assert not ours & {os.stat(p).st_ino for p in (copy.path / ".git/objects").rglob("*") if p.is_file()}
    assert state(repo) == before


def test_a_copy_that_was_cut_off_or_worked_in_is_replaced_whole(repo: Path, tmp_path: Path) -> None:
    copy = prepare(repo, tmp_path)
    fix(copy)
    closed = copy.path / "closed"
    closed.mkdir()
    (closed / "file").write_text("x")
    closed.chmod(0)
    (copy.path.parent / "copy.new").mkdir()
    (copy.path.parent / "copy.new" / "half").write_text("x")
    again = prepare(repo, tmp_path)
    assert git(again.path, "status", "--porcelain") == "" and not (again.path.parent / "copy.new").exists()


def test_ignored_files_that_the_person_names_come_along_and_are_never_committed(repo: Path, tmp_path: Path) -> None:
    (repo / ".env").write_text("PORT=1")
    (repo / "build").mkdir()
    (repo / "build" / "big").write_text("x")
    os.symlink("/etc/passwd", repo / "linked.env")
    (repo / ".worktreeinclude").write_text(".env\n*.env\n")
    git(repo, "add", ".worktreeinclude")
    git(repo, "commit", "-qm", "Include")
    copy = prepare(repo, tmp_path)
    assert (copy.path / ".env").read_text() == "PORT=1" and not (copy.path / "build").exists() and not os.path.lexists(copy.path / "linked.env")
    fix(copy)
    assert [c.path for c in back(copy, tmp_path).changed] == ["total.py"]


@pytest.mark.parametrize("how", ["none", "bare", "empty", "shallow"])
def test_what_cannot_be_copied_is_refused_with_one_sentence(how: str, repo: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    if how == "none":
        other.mkdir()
    elif how == "empty":
        subprocess.run(["git", "init", "-q", str(other)], check=True)
    else:
        git(repo, "commit", "--allow-empty", "-qm", "Second")
        words = ["--bare"] if how == "bare" else ["--depth", "1"]
        subprocess.run(["git", "clone", "-q", *words, f"file://{repo}", str(other)], check=True)
    with pytest.raises(Refused) as refused:
        repositories.prepare(other, tmp_path / "w", branch=BRANCH)
    assert "other" in refused.value.sentence and not (tmp_path / "w" / "copy").exists()


def test_a_linked_worktree_can_be_worked_on_and_is_the_same_repository(repo: Path, tmp_path: Path) -> None:
    git(repo, "worktree", "add", "-q", str(tmp_path / "linked"), "-b", "side")
    assert repositories.identity(tmp_path / "linked") == repositories.identity(repo)
    assert repositories.prepare(tmp_path / "linked", tmp_path / "w", branch=BRANCH).path.is_dir()


@given(st.text(max_size=200))
def test_a_branch_has_a_good_name_whatever_the_title_says(title: str) -> None:
    name = repositories.branch_name("k3f9x2m1qa", title)
    assert name.startswith("jarvis/k3f9x2m1qa") and len(name) < 80
    assert subprocess.run(["git", "check-ref-format", f"refs/heads/{name}"], check=False).returncode == 0


# --- the result --------------------------------------------------------------------------------------------------------------


def test_what_was_left_uncommitted_comes_back_as_a_commit_by_jarvis(repo: Path, tmp_path: Path) -> None:
    copy = prepare(repo, tmp_path)
    fix(copy)
    (copy.path / "test_total.py").write_text("def test(): pass\n")
    result = back(copy, tmp_path)
    assert result.commit and {(c.path, c.status) for c in result.changed} == {("total.py", "M"), ("test_total.py", "A")}
    assert (result.added, result.deleted, result.commits) == (2, 1, 1) and "2 files changed, +2 -1 lines, 1 commit" in result.said
    assert git(tmp_path / "result.git", "log", "-1", "--format=%an %ae %s", result.commit) == "Jarvis jarvis@localhost Fix it"


def test_nothing_done_is_no_result(repo: Path, tmp_path: Path) -> None:
    result = back(prepare(repo, tmp_path), tmp_path)
    assert result.commit is None and "nothing was committed" in result.said


def test_renames_binaries_modes_and_links_are_told_apart(repo: Path, tmp_path: Path) -> None:
    copy = prepare(repo, tmp_path)
    git(copy.path, "mv", "total.py", "sum.py")
    (copy.path / "a.bin").write_bytes(bytes(range(256)))
    os.symlink("/etc/passwd", copy.path / "link")
    (copy.path / ".gitignore").chmod(0o755)
    found = {c.path: c for c in back(copy, tmp_path).changed}
    assert (found["sum.py"].status, found["sum.py"].old) == ("R", "total.py") and found["a.bin"].binary
    assert found["link"].new_mode == "120000" and (found[".gitignore"].old_mode, found[".gitignore"].new_mode) == ("100644", "100755")


def hooks(copy: Copy, out: Path) -> None:
    for name in ("post-checkout", "pre-push", "reference-transaction", "post-index-change"):
        hook = copy.path / ".git" / "hooks" / name
        hook.parent.mkdir(exist_ok=True)
        hook.write_text(f"#!/bin/sh\ntouch {out}\n")
        hook.chmod(0o755)


def configured(key: str, value: str) -> Callable[[Copy, Path], None]:
    def plant(copy: Copy, out: Path) -> None:
        git(copy.path, "config", key, value.replace("OUT", str(out)))

    return plant


def filtered(copy: Copy, out: Path) -> None:
    git(copy.path, "config", "filter.x.smudge", f"touch {out}; cat")
    (copy.path / ".gitattributes").write_text("* filter=x\n")


EVIL: dict[str, Callable[[Copy, Path], None]] = {
    "hooks": hooks,
    "fsmonitor": configured("core.fsmonitor", "touch OUT"),
    "ssh": configured("core.sshCommand", "touch OUT"),
    "pack hook": configured("uploadpack.packObjectsHook", "touch OUT"),
    "alias": configured("alias.rev-parse", "!touch OUT"),
    "filter": filtered,
    "include": configured("include.path", "/etc/passwd"),
    "worktree": configured("core.worktree", "/"),
}


@pytest.mark.parametrize("trick", sorted(EVIL))
def test_nothing_that_a_task_plants_in_its_copy_is_ever_run_outside(trick: str, repo: Path, tmp_path: Path) -> None:
    """Hooks, configuration and filters of the copy are its own: collecting, checking out and publishing never look at them."""
    before, marker = state(repo), tmp_path / "ran-outside"
    copy = prepare(repo, tmp_path)
    fix(copy)
    bundle = tmp_path / "work.bundle"
    for argv in repositories.inside_commands(copy, message="Fix it", bundle=bundle):
        subprocess.run(argv, cwd=copy.path, check=True, capture_output=True, env={"PATH": os.environ["PATH"], "HOME": str(tmp_path)})
    EVIL[trick](copy, marker)
    marker.unlink(missing_ok=True)
    result = repositories.collect(bundle, repo, tmp_path / "result.git", base=copy.base, branch=BRANCH)
    assert result.commit
    repositories.fresh(tmp_path / "result.git", result.commit, tmp_path / "fresh")
    repositories.publish(tmp_path / "result.git", repo, branch=BRANCH, commit=result.commit)
    assert not marker.exists() and state(repo) == before


def test_a_filter_that_comes_with_the_result_does_not_run_in_a_fresh_checkout(repo: Path, tmp_path: Path) -> None:
    copy = prepare(repo, tmp_path)
    (copy.path / ".gitattributes").write_text("* filter=lfs\n")
    fix(copy)
    result = back(copy, tmp_path)
    assert result.commit and "return sum" in (repositories.fresh(tmp_path / "result.git", result.commit, tmp_path / "fresh") / "total.py").read_text()


def test_a_rewritten_history_a_damaged_bundle_and_a_forged_tree_are_no_result(repo: Path, tmp_path: Path) -> None:
    copy = prepare(repo, tmp_path)
    fix(copy)
    git(copy.path, "commit", "-qam", "x")
    git(copy.path, "checkout", "-q", "--orphan", "new")
    git(copy.path, "commit", "-qm", "another world")
    assert back(copy, tmp_path).commit is None
    (tmp_path / "work.bundle").write_bytes(b"# v2 git bundle\nnonsense")
    assert "damaged" in repositories.collect(tmp_path / "work.bundle", repo, tmp_path / "result.git", base=copy.base, branch=BRANCH).said
    copy = prepare(repo, tmp_path)
    blob = git(copy.path, "hash-object", "-w", "total.py")
    tree = subprocess.run(
        ["git", "-C", str(copy.path), "mktree"], input=f"100644 blob {blob}\t.GIT\n", capture_output=True, text=True, check=True
    ).stdout.strip()
    commit = git(copy.path, "commit-tree", tree, "-p", "HEAD", "-m", "x")
    git(copy.path, "bundle", "create", "-q", str(tmp_path / "forged.bundle"), "--all", check=False)
    git(copy.path, "update-ref", "HEAD", commit)
    git(copy.path, "bundle", "create", "-q", str(tmp_path / "forged.bundle"), "HEAD", f"^{copy.base}")
    forged = repositories.collect(tmp_path / "forged.bundle", repo, tmp_path / "result.git", base=copy.base, branch=BRANCH)
    assert forged.commit is None and forged.said


# --- publish, merge, undo ----------------------------------------------------------------------------------------------------


def test_publishing_writes_the_branch_and_nothing_else_and_twice_is_once(repo: Path, tmp_path: Path) -> None:
    before = state(repo)
    _, commit = done(repo, tmp_path)
    assert git(repo, "rev-parse", BRANCH) == commit and state(repo) == before
    assert "has it" in repositories.publish(tmp_path / "result.git", repo, branch=BRANCH, commit=commit)


def test_a_branch_on_which_the_person_has_committed_is_never_replaced(repo: Path, tmp_path: Path) -> None:
    _, commit = done(repo, tmp_path)
    git(repo, "checkout", "-q", BRANCH)
    git(repo, "commit", "--allow-empty", "-qm", "mine")
    mine = git(repo, "rev-parse", "HEAD")
    git(repo, "checkout", "-q", "main")
    with pytest.raises(Refused, match="commits of yours"):
        repositories.publish(tmp_path / "result.git", repo, branch=BRANCH, commit=commit)
    with pytest.raises(Refused, match="commits of yours"):
        repositories.undo(repo, branch=BRANCH, commit=commit, base=git(repo, "rev-parse", "main"), merged=None)
    assert git(repo, "rev-parse", BRANCH) == mine


@pytest.mark.parametrize("how", ["fast", "merge", "squash", "aside"])
def test_accept_merges_and_undo_takes_it_back(how: str, repo: Path, tmp_path: Path) -> None:
    copy, commit = done(repo, tmp_path)
    if how in ("merge", "squash"):
        (repo / "other.txt").write_text("mine\n")
        git(repo, "add", ".")
        git(repo, "commit", "-qm", "Meanwhile")
    into = ""
    if how == "aside":
        git(repo, "checkout", "-q", "-b", "elsewhere")
        into = "main"
    merged = repositories.merge(repo, branch=BRANCH, commit=commit, base=copy.base, message="Fix it", squash=how == "squash", into=into)
    assert "return sum(prices)" in git(repo, "show", "main:total.py") and git(repo, "rev-parse", "main") == merged.commit
    if how == "aside":
        assert "int(sum" in (repo / "total.py").read_text()
        git(repo, "checkout", "-q", "main")
    said = repositories.undo(repo, branch=BRANCH, commit=commit, base=copy.base, merged=merged.commit)
    assert "int(sum(prices))" in (repo / "total.py").read_text() and "Reverted" in said[0] and git(repo, "branch", "--list", BRANCH) == ""
    assert git(repo, "status", "--porcelain") == ""


def test_a_conflict_is_told_with_its_files_and_leaves_the_tree_as_it_was(repo: Path, tmp_path: Path) -> None:
    copy, commit = done(repo, tmp_path)
    (repo / "total.py").write_text("def total(prices):\n    return round(sum(prices), 2)\n")
    git(repo, "commit", "-qam", "Mine")
    before = state(repo)
    with pytest.raises(Refused, match=r"total\.py changed on both sides"):
        repositories.merge(repo, branch=BRANCH, commit=commit, base=copy.base, message="Fix it")
    assert state(repo) == before


@pytest.mark.parametrize("way", ["dirty", "untracked", "detached", "merging"])
def test_what_is_in_the_way_of_a_merge_is_named_and_nothing_is_lost(way: str, repo: Path, tmp_path: Path) -> None:
    copy = prepare(repo, tmp_path)
    fix(copy)
    (copy.path / "new.txt").write_text("theirs")
    result = back(copy, tmp_path)
    assert result.commit
    repositories.publish(tmp_path / "result.git", repo, branch=BRANCH, commit=result.commit)
    if way == "dirty":
        (repo / "total.py").write_text("mine")
    elif way == "untracked":
        (repo / "new.txt").write_text("mine")
    elif way == "detached":
        git(repo, "checkout", "-q", "--detach")
    else:
        (repo / ".git" / "MERGE_HEAD").write_text(result.commit)
    before = state(repo)
    with pytest.raises(Refused):
        repositories.merge(repo, branch=BRANCH, commit=result.commit, base=copy.base, message="Fix it")
    assert state(repo) == before


def test_undo_refuses_what_later_work_has_changed(repo: Path, tmp_path: Path) -> None:
    copy, commit = done(repo, tmp_path)
    merged = repositories.merge(repo, branch=BRANCH, commit=commit, base=copy.base, message="Fix it")
    (repo / "total.py").write_text("def total(prices):\n    return sum(prices) + 0.0\n")
    git(repo, "commit", "-qam", "Later")
    before = git(repo, "rev-parse", "HEAD")
    with pytest.raises(Refused, match="cannot be reverted"):
        repositories.undo(repo, branch=BRANCH, commit=commit, base=copy.base, merged=merged.commit)
    assert git(repo, "status", "--porcelain") == "" and git(repo, "rev-parse", "HEAD") == before


def test_hooks_of_the_repository_do_not_run_when_a_branch_is_taken_over(repo: Path, tmp_path: Path) -> None:
    """Many projects keep their hooks in the tree; its newest state was written by whoever did the task."""
    copy, commit = done(repo, tmp_path)
    hook = repo / ".git" / "hooks" / "post-merge"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\ntouch '{tmp_path}/hooked'\n")
    hook.chmod(0o755)
    repositories.merge(repo, branch=BRANCH, commit=commit, base=copy.base, message="Fix it")
    assert not (tmp_path / "hooked").exists()


def test_accept_says_on_which_branch_the_work_began_and_never_brings_other_work_along(repo: Path, tmp_path: Path) -> None:
    """The copy was made on `dev`; on `main`, which lacks what `dev` has, a merge would bring all of that too."""
    git(repo, "checkout", "-q", "-b", "dev")
    git(repo, "commit", "--allow-empty", "-qm", "Not for main yet")
    copy, commit = done(repo, tmp_path)
    git(repo, "checkout", "-q", "main")
    before = state(repo)
    with pytest.raises(Refused, match="the work began on dev; check that out or say --into dev"):
        repositories.merge(repo, branch=BRANCH, commit=commit, base=copy.base, message="Fix it")
    assert state(repo) == before
    repositories.merge(repo, branch=BRANCH, commit=commit, base=copy.base, message="Fix it", into="dev")
    assert "return sum" in git(repo, "show", "dev:total.py") and "int(sum" in (repo / "total.py").read_text()


def test_an_ignored_file_of_the_person_is_never_written_over_by_a_merge(repo: Path, tmp_path: Path) -> None:
    """Git itself overwrites ignored files without a word."""
    (repo / ".env").write_text("mine")
    copy = prepare(repo, tmp_path)
    (copy.path / ".env").write_text("theirs")
    git(copy.path, "add", "-f", ".env")
    result = back(copy, tmp_path)
    repositories.publish(tmp_path / "result.git", repo, branch=BRANCH, commit=str(result.commit))
    with pytest.raises(Refused, match=r"changes in \.env"):
        repositories.merge(repo, branch=BRANCH, commit=str(result.commit), base=copy.base, message="Fix it")
    assert (repo / ".env").read_text() == "mine" and git(repo, "rev-parse", "main") == copy.base


@pytest.mark.parametrize("squash", [False, True])
def test_a_merge_by_somebody_whom_git_does_not_know_changes_nothing(squash: bool, repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HOME", "XDG_CONFIG_HOME"):
        monkeypatch.setenv(name, str(tmp_path))
    copy, commit = done(repo, tmp_path)
    git(repo, "commit", "--allow-empty", "-qm", "Meanwhile")
    for words in (["--unset", "user.name"], ["--unset", "user.email"], ["user.useConfigOnly", "true"]):
        git(repo, "config", *words)
    before = state(repo)
    with pytest.raises(Refused, match="Nothing was changed"):
        repositories.merge(repo, branch=BRANCH, commit=commit, base=copy.base, message="Fix it", squash=squash)
    assert state(repo) == before


@pytest.mark.parametrize("aside", [False, True])
def test_a_branch_that_stands_in_another_working_tree_is_not_moved_under_it(aside: bool, repo: Path, tmp_path: Path) -> None:
    copy, commit = done(repo, tmp_path)
    git(repo, "branch", "target", copy.base)
    git(repo, "worktree", "add", "-q", str(tmp_path / "linked"), "target" if aside else BRANCH)
    with pytest.raises(Refused, match="checked out in"):
        if aside:
            repositories.merge(repo, branch=BRANCH, commit=commit, base=copy.base, message="Fix it", into="target")
        else:
            repositories.undo(repo, branch=BRANCH, commit=commit, base=copy.base, merged=None)
    assert git(tmp_path / "linked", "status", "--porcelain") == "" and git(repo, "rev-parse", BRANCH) == commit


def test_undo_finds_the_branch_that_was_merged_into_and_twice_is_once(repo: Path, tmp_path: Path) -> None:
    """The person is on another branch by now; nothing may be told undone that still stands in `main`."""
    git(repo, "branch", "side")
    copy, commit = done(repo, tmp_path)
    merged = repositories.merge(repo, branch=BRANCH, commit=commit, base=copy.base, message="Fix it").commit
    git(repo, "update-ref", "refs/remotes/origin/main", merged)
    git(repo, "checkout", "-q", "side")
    said = repositories.undo(repo, branch=BRANCH, commit=commit, base=copy.base, merged=merged)
    assert "Reverted on main" in said[0] and "origin/main has it already, so push main as well" in said[1]
    assert "int(sum" in git(repo, "show", "main:total.py") and git(repo, "status", "--porcelain") == ""
    tip = git(repo, "rev-parse", "main")
    assert "nothing of it any more" in repositories.undo(repo, branch=BRANCH, commit=commit, base=copy.base, merged=merged)[0]
    assert git(repo, "rev-parse", "main") == tip
    git(repo, "branch", "third", "main")
    with pytest.raises(Refused, match="main and third have what was merged"):
        repositories.undo(repo, branch=BRANCH, commit=commit, base=copy.base, merged=merged)


def test_undo_takes_back_several_commits_and_leaves_what_the_person_did_around_them(repo: Path, tmp_path: Path) -> None:
    """One new commit, though the work had a merge of its own in it; a file that is not committed stays as it is."""
    copy = prepare(repo, tmp_path)
    fix(copy)
    git(copy.path, "commit", "-qam", "one")
    git(copy.path, "checkout", "-q", "-b", "aside", "HEAD^")
    (copy.path / "new.py").write_text("x = 1\n")
    git(copy.path, "add", ".")
    git(copy.path, "commit", "-qm", "two")
    git(copy.path, "checkout", "-q", BRANCH)
    git(copy.path, "merge", "-q", "--no-edit", "aside")
    result = back(copy, tmp_path)
    assert result.commit and result.commits == 3
    repositories.publish(tmp_path / "result.git", repo, branch=BRANCH, commit=result.commit)
    merged = repositories.merge(repo, branch=BRANCH, commit=result.commit, base=copy.base, message="Fix it").commit
    (repo / "mine.py").write_text("y = 1\n")
    git(repo, "add", ".")
    git(repo, "commit", "-qm", "Mine")
    (repo / "mine.py").write_text("y = 2\n")
    count = int(git(repo, "rev-list", "--count", "HEAD"))
    repositories.undo(repo, branch=BRANCH, commit=result.commit, base=copy.base, merged=merged)
    assert sorted(p.name for p in repo.glob("*.py")) == ["mine.py", "total.py"] and "int(sum" in (repo / "total.py").read_text()
    assert (repo / "mine.py").read_text() == "y = 2\n" and int(git(repo, "rev-list", "--count", "HEAD")) == count + 1


def test_what_the_person_merged_by_hand_is_taken_back_without_what_came_after(repo: Path, tmp_path: Path) -> None:
    copy, commit = done(repo, tmp_path)
    git(repo, "merge", "-q", BRANCH)
    (repo / "mine.py").write_text("y = 1\n")
    git(repo, "add", ".")
    git(repo, "commit", "-qm", "Mine")
    merged = repositories.merge(repo, branch=BRANCH, commit=commit, base=copy.base, message="Fix it")
    assert "has it already" in merged.said
    repositories.undo(repo, branch=BRANCH, commit=commit, base=copy.base, merged=merged.commit)
    assert (repo / "mine.py").exists() and "int(sum" in (repo / "total.py").read_text()


# --- sweeping ----------------------------------------------------------------------------------------------------------------


def test_old_copies_are_archived_and_removed_and_open_ones_stay(tmp_path: Path) -> None:
    top = tmp_path / "data" / "worktrees"
    for name in ("oldone", "youngone", "openone"):
        (top / name / "copy").mkdir(parents=True)
        (top / name / "copy" / "file").write_text(name)
    old = (NOW - timedelta(days=30)).timestamp()
    for name in ("oldone", "openone"):
        os.utime(top / name, (old, old))
    os.utime(top / "youngone", (NOW.timestamp(), NOW.timestamp()))
    said = repositories.sweep(tmp_path, {"keep_days": 14, "most_gb": 20.0}, now=NOW, alive={"openone"})
    assert sorted(p.name for p in top.iterdir()) == ["openone", "youngone"] and "1 copy" in said[0]
    subprocess.run(["tar", "xzf", str(tmp_path / "data/bundles/oldone.tar.gz"), "-C", str(tmp_path)], check=True)
    assert (tmp_path / "oldone" / "copy" / "file").read_text() == "oldone"


def test_the_size_budget_takes_the_oldest_first_and_a_failed_archive_keeps_the_copy(tmp_path: Path) -> None:
    top = tmp_path / "data" / "worktrees"
    for age, name in ((3, "first"), (2, "second")):
        (top / name).mkdir(parents=True)
        (top / name / "file").write_bytes(os.urandom(300_000))
        at = (NOW - timedelta(days=age)).timestamp()
        os.utime(top / name, (at, at))
    repositories.sweep(tmp_path, {"keep_days": 14, "most_gb": 400_000 / 1024**3}, now=NOW, alive=set())
    assert [p.name for p in top.iterdir()] == ["second"]
    os.rename(tmp_path / "data" / "bundles", tmp_path / "data" / "elsewhere")
    (tmp_path / "data" / "bundles").write_text("a file where the folder should be")
    said = repositories.sweep(tmp_path, {"keep_days": 0, "most_gb": 20.0}, now=NOW, alive=set())
    assert (top / "second").exists() and "could not be archived" in said[0]


def test_a_removal_that_was_cut_off_goes_on_and_never_replaces_the_whole_archive(tmp_path: Path) -> None:
    """Killed after the archive, in the middle of removing; later the same task has a copy again."""
    top, bundles = tmp_path / "data" / "worktrees", tmp_path / "data" / "bundles"
    (top / "one" / "copy").mkdir(parents=True)
    (top / "one" / "copy" / "a").write_text("a")
    (top / "one" / "copy" / "b").write_text("b")
    repositories.archive(top / "one", bundles)
    os.rename(top / "one", top / "one.archived")
    os.unlink(top / "one.archived" / "copy" / "a")
    (top / "one").mkdir()
    (top / "link").symlink_to(tmp_path)
    now = datetime.now(UTC) + timedelta(days=1)
    repositories.sweep(tmp_path, {"keep_days": 0, "most_gb": 20.0}, now=now, alive=set())
    assert [p.name for p in top.iterdir()] == ["link"] and sorted(p.name for p in bundles.iterdir()) == ["one-2.tar.gz", "one.tar.gz"]
    names = subprocess.run(["tar", "tzf", str(bundles / "one.tar.gz")], capture_output=True, text=True, check=True).stdout
    assert "one/copy/a" in names and "one/copy/b" in names


@pytest.mark.skipif(os.getuid() != 0, reason="only root can make a folder that the person cannot remove")
def test_what_could_not_be_removed_whole_is_archived_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder of another user stands in the copy: it stays, is told, and the rest of it never becomes a second archive."""
    monkeypatch.chdir(tmp_path)
    copy = Path("data/worktrees/one")
    (copy / "copy" / "foreign").mkdir(parents=True)
    (copy / "copy" / "a").write_text("a")
    (copy / "copy" / "foreign" / "file").write_text("x")
    for path in (tmp_path, *(p for p in tmp_path.rglob("*") if "foreign" not in p.parts)):
        os.chown(path, 64321, 64321)
    now = datetime.now(UTC) + timedelta(days=1)
    os.seteuid(64321)
    try:
        said = repositories.sweep(Path(), {"keep_days": 0, "most_gb": 20.0}, now=now, alive=set())
    finally:
        os.seteuid(0)
    assert any("archived but could not be removed whole" in s for s in said) and not copy.exists()
    repositories.sweep(Path(), {"keep_days": 0, "most_gb": 20.0}, now=now, alive=set())
    assert os.listdir("data/worktrees") == [] and os.listdir("data/bundles") == ["one.tar.gz"]
