"""What a task may leave behind to get at the person: bundles that are none, wrecked copies, bombs; and what a person may name."""

import os
import resource
import subprocess
from pathlib import Path

import pytest

from jarvis_lib.execution import repositories
from jarvis_lib.execution.repositories import Copy
from jarvis_lib.execution.repositories.copying import remove
from jarvis_lib.execution.repositories.git import ran
from jarvis_lib.model.fact import Refused
from tests.repository_parts import BRANCH, back, bundled, done, fix, git, prepare, small_repository, state
from tests.shop import Shop


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    return small_repository(tmp_path)


# --- what stands where the bundle should be ----------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["folder", "link", "gitdir", "pipe", "link to a bundle", "two heads", "other name", "cut", "text"])
def test_what_stands_in_the_place_of_a_bundle_is_never_opened_as_a_repository(how: str, repo: Path, tmp_path: Path) -> None:
    """`git fetch PATH` opens a folder, a link and a file with `gitdir:` as a repository, with its configuration. Nothing but a bundle's bytes is read."""
    before, copy = state(repo), prepare(repo, tmp_path)
    fix(copy)
    git(copy.path, "commit", "-qam", "x")
    good, bundle = tmp_path / "good", tmp_path / "b"
    git(copy.path, "bundle", "create", "-q", str(good), "HEAD", f"^{copy.base}")
    if how == "folder":
        os.rename(copy.path, bundle)
    elif how == "link":
        bundle.symlink_to(copy.path)
    elif how == "link to a bundle":
        bundle.symlink_to(good)
    elif how == "pipe":
        os.mkfifo(bundle)
    elif how == "gitdir":
        bundle.write_text(f"gitdir: {copy.path}/.git\n")
    elif how == "two heads":
        git(copy.path, "bundle", "create", "-q", str(bundle), "HEAD", BRANCH, f"^{copy.base}")
    elif how == "other name":
        git(copy.path, "bundle", "create", "-q", str(bundle), BRANCH, f"^{copy.base}")
    elif how == "cut":
        bundle.write_bytes(good.read_bytes()[:-30])
    else:
        bundle.write_text("# v2 git bundle\n")
    found = repositories.collect(bundle, repo, tmp_path / "result.git", base=copy.base, branch=BRANCH)
    assert found.commit is None and found.said.startswith("what came back is") and state(repo) == before
    assert repositories.collect(good, repo, tmp_path / "result.git", base=copy.base, branch=BRANCH).commit


@pytest.mark.parametrize("how", [".GIT", "..", "a null in a commit", "zero-padded", "a missing blob", "gitmodules"])
def test_objects_are_checked_on_their_way_in_also_those_of_commits_in_the_middle(how: str, repo: Path, tmp_path: Path) -> None:
    """The last commit is sound; the one before it is not. Until git 2.46 a fetch from a bundle checks nothing by itself."""
    copy = prepare(repo, tmp_path)

    def written(kind: str, data: bytes) -> str:
        words = ["git", "-C", str(copy.path), "hash-object", "-t", kind, "-w", "--stdin", "--literally"]
        return subprocess.run(words, input=data, capture_output=True, check=True).stdout.decode().strip()

    blob = written("blob", b"x")
    raw = bytes.fromhex(blob)
    entries = {
        ".GIT": b"100644 .GIT\0" + raw,
        "..": b"100644 ..\0" + raw,
        "zero-padded": b"0100644 a\0" + raw,
        "gitmodules": b"100644 .gitmodules\0" + bytes.fromhex(written("blob", b'[submodule "x"]\n\tpath = x\n\turl = -u./payload\n')),
        "a missing blob": b"100644 a\0" + raw,
        "a null in a commit": b"100644 a\0" + raw,
    }
    tree = written("tree", entries[how])
    note = b"\0" if how == "a null in a commit" else b"x"
    who = b"Jarvis <jarvis@localhost> 1 +0000"
    middle = written("commit", b"tree %s\nparent %s\nauthor %s\ncommitter %s\n\n%s\n" % (tree.encode(), copy.base.encode(), who, who, note))
    last = git(copy.path, "commit-tree", f"{copy.base}^{{tree}}", "-p", middle, "-m", "sound")
    bundle = tmp_path / "forged"
    if how == "a missing blob":
        pack = subprocess.run(
            ["git", "-C", str(copy.path), "pack-objects", "--stdout", "-q"], input=f"{last}\n{middle}\n{tree}\n".encode(), capture_output=True, check=True
        )
        bundle.write_bytes(f"# v2 git bundle\n-{copy.base}\n{last} HEAD\n\n".encode() + pack.stdout)
    else:
        git(copy.path, "update-ref", "HEAD", last)
        git(copy.path, "bundle", "create", "-q", str(bundle), "HEAD", f"^{copy.base}")
    found = repositories.collect(bundle, repo, tmp_path / "result.git", base=copy.base, branch=BRANCH)
    assert found.commit is None and found.said.startswith("what came back is")


def test_a_bomb_is_not_unpacked(repo: Path, tmp_path: Path) -> None:
    """A file of 60 MB of zeros is a bundle of some kilobytes."""
    copy = prepare(repo, tmp_path)
    with open(copy.path / "zeros", "wb") as file:
        file.truncate(60_000_000)
    bundled(copy, tmp_path)
    bundle = tmp_path / "work.bundle"
    assert bundle.stat().st_size < 1_000_000
    found = repositories.collect(bundle, repo, tmp_path / "result.git", base=copy.base, branch=BRANCH, most_bytes=50_000_000)
    assert found.commit is None and "unpacked" in found.said
    large = repositories.collect(bundle, repo, tmp_path / "result.git", base=copy.base, branch=BRANCH)
    assert large.commit and large.changed[0].binary, "a file of more than 16 MB is compared as a binary one"


def test_the_text_of_a_large_difference_is_cut_and_says_so(repo: Path, tmp_path: Path) -> None:
    copy = prepare(repo, tmp_path)
    (copy.path / "long.txt").write_text("line\n" * 100_000)
    result = back(copy, tmp_path)
    text = repositories.diff_text(tmp_path / "result.git", copy.base, str(result.commit), 5000)
    assert len(text) < 5100 and text.endswith("… cut after 5,000 bytes …\n")
    assert "cut after" not in repositories.diff_text(tmp_path / "result.git", copy.base, str(result.commit), 10_000_000)


# --- what a task does to its copy --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["lock", "index", "settings", "bare", "worktree", "head", "include"])
def test_work_in_a_damaged_copy_comes_back_all_the_same(how: str, repo: Path, tmp_path: Path) -> None:
    """A git that was killed leaves locks; settings may point anywhere."""
    copy = prepare(repo, tmp_path)
    fix(copy)
    inner = copy.path / ".git"
    if how == "lock":
        (inner / "index.lock").touch()
    elif how == "index":
        (inner / "index").write_bytes(b"junk")
    elif how == "settings":
        (inner / "config").write_text("junk [")
    elif how == "head":
        (inner / "HEAD").write_text("ref: refs/heads/nowhere\n")
    else:
        key = {"bare": "core.bare", "worktree": "core.worktree", "include": "include.path"}[how]
        git(copy.path, "config", key, {"bare": "true", "worktree": "/usr", "include": str(tmp_path)}[how])
    result = back(copy, tmp_path)
    assert how == "head" or [c.path for c in result.changed] == ["total.py"], result
    assert how != "head" or (result.commit is None and "rewrote the history" in result.said), result


@pytest.mark.parametrize("how", ["removed", "a link", "a file"])
def test_a_copy_without_its_repository_never_reaches_the_one_around_it(how: str, repo: Path, tmp_path: Path) -> None:
    """A workspace may itself be a repository: git would find it, and commit into it."""
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    copy = prepare(repo, tmp_path)
    fix(copy)
    inner = copy.path / ".git"
    remove(inner)
    if how == "a link":
        inner.symlink_to(repo / ".git")
    elif how == "a file":
        inner.write_text(f"gitdir: {repo}/.git\n")
    before = state(repo)
    ended = bundled(copy, tmp_path)
    assert ended.returncode == 5 and "its repository is gone" in ended.stderr and state(repo) == before
    assert git(tmp_path, "for-each-ref") == "" and git(tmp_path, "ls-files") == ""


def test_what_was_committed_comes_back_where_the_rest_cannot_be(repo: Path, tmp_path: Path) -> None:
    """Commits are bundled although the index cannot be written; the exit code says that not all came."""
    copy = prepare(repo, tmp_path)
    fix(copy)
    git(copy.path, "commit", "-qam", "half")
    (copy.path / "other").write_text("x")
    remove(copy.path / ".git" / "index")
    (copy.path / ".git" / "index").mkdir()
    (copy.path / ".git" / "index" / "x").touch()
    assert bundled(copy, tmp_path).returncode == 3
    found = repositories.collect(tmp_path / "work.bundle", repo, tmp_path / "result.git", base=copy.base, branch=BRANCH)
    assert [c.path for c in found.changed] == ["total.py"]


def test_folders_that_a_task_closed_are_removed_also_by_a_plain_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Root may remove anything; so root becomes another user for it."""
    monkeypatch.chdir(tmp_path)
    top = Path("top")
    for name in ("a/b", "c"):
        (top / name).mkdir(parents=True)
        (top / name / "file").write_text("x")
    (top / "link").symlink_to(tmp_path)
    root = os.geteuid() == 0
    if root:
        for path in (tmp_path, top, *top.rglob("*")):
            os.chown(path, 64321, 64321, follow_symlinks=False)
        os.seteuid(64321)
    try:
        for name in ("a/b", "a", "c"):
            (top / name).chmod(0)
        remove(top)
        remove(top)
    finally:
        if root:
            os.seteuid(0)
    assert not top.exists() and tmp_path.is_dir()


def test_what_is_brought_along_follows_no_link_of_the_commit(repo: Path, tmp_path: Path) -> None:
    """Where the commit has a link and the person a folder with an ignored file in it, that file is not written through the link."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (repo / ".worktreeinclude").write_text("*.env\n")
    os.symlink(outside, repo / "config")
    git(repo, "add", ".")
    git(repo, "commit", "-qm", "A link")
    (repo / "config").unlink()
    (repo / "config").mkdir()
    (repo / "config" / "local.env").write_text("KEY=1")
    copy = prepare(repo, tmp_path)
    assert (copy.path / "config").is_symlink() and list(outside.iterdir()) == []


def test_names_that_look_like_options_or_patterns_are_names(repo: Path, tmp_path: Path) -> None:
    copy = prepare(repo, tmp_path)
    odd = ["-rf", "--upload-pack=touch x", ":(exclude)a", "a\nb", "$(id)", "ü", os.fsdecode(b"\xff"), " ", "a\tb"]
    for name in odd:
        (copy.path / name).write_text("x")
    result = back(copy, tmp_path, message="--amend; $(touch pwned)\n`id`")
    assert sorted(c.path for c in result.changed) == sorted(odd) and result.commits == 1
    there = repositories.fresh(tmp_path / "result.git", str(result.commit), tmp_path / "fresh")
    assert sorted(os.listdir(there)) == sorted([*odd, ".git", ".gitignore", "total.py"])


# --- A06: what a copy can do to the repository of the person ------------------------------------------------------------------


def attack(where: Path, main: Path, out: Path) -> list[str]:
    """What a task with a shell tries in its working folder, as the same user and without any sandbox; what it reached."""
    common = git(where, "rev-parse", "--path-format=absolute", "--git-common-dir")
    hook = Path(common) / "hooks" / "post-checkout"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\n")
    git(where, "config", "core.fsmonitor", f"touch {out}")
    git(where, "commit", "--allow-empty", "-qm", "work")
    git(where, "update-ref", "refs/heads/main", "HEAD")
    git(where, "push", "-q", "origin", "HEAD:refs/heads/pushed", check=False)
    reached = {
        "hook": (main / ".git" / "hooks" / "post-checkout").exists(),
        "settings": "fsmonitor" in (main / ".git" / "config").read_text(),
        "main": git(main, "log", "-1", "--format=%s", "main") == "work",
        "push": "pushed" in git(main.parent / "remote.git", "branch"),
        "objects": git(main, "cat-file", "-e", git(where, "rev-parse", "HEAD"), check=False) == ""
        and ran(main, "cat-file", "-e", git(where, "rev-parse", "HEAD")).returncode == 0,
    }
    return sorted(name for name, so in reached.items() if so)


def test_of_five_attacks_all_succeed_in_a_worktree_and_none_in_a_copy(repo: Path, tmp_path: Path) -> None:
    """The copy alone holds them off, with no sandbox around it; in a worktree of git's own all five succeed, so they are real."""
    subprocess.run(["git", "init", "-q", "--bare", str(tmp_path / "remote.git")], check=True)
    git(repo, "remote", "add", "origin", str(tmp_path / "remote.git"))
    before, copy = state(repo), prepare(repo, tmp_path)
    git(copy.path, "commit", "--allow-empty", "-qm", "ready")
    git(copy.path, "branch", "main")
    assert attack(copy.path, repo, tmp_path / "out") == [] and state(repo) == before
    git(repo, "worktree", "add", "-q", str(tmp_path / "linked"), "-b", "side")
    assert attack(tmp_path / "linked", repo, tmp_path / "out") == ["hook", "main", "objects", "push", "settings"]


# --- what the person names ---------------------------------------------------------------------------------------------------


def test_a_partial_clone_a_branch_in_the_way_and_a_foreign_owner_are_refused_before_the_night(repo: Path, tmp_path: Path) -> None:
    git(repo, "config", "uploadpack.allowFilter", "true")
    subprocess.run(["git", "clone", "-q", "--filter=blob:none", "--no-checkout", f"file://{repo}", str(tmp_path / "partial")], check=True)
    with pytest.raises(Refused, match="partial clone"):
        repositories.prepare(tmp_path / "partial", tmp_path / "w", branch=BRANCH)
    git(repo, "branch", "jarvis")
    with pytest.raises(Refused, match="git branch -m jarvis"):
        prepare(repo, tmp_path)
    assert not (tmp_path / "w" / "copy").exists()


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give a repository to another user")
def test_a_repository_of_another_user_needs_the_word_that_git_itself_asks_for(repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its settings can name programs: git refuses it until the person trusts it, and so does Jarvis."""
    settings = tmp_path / "gitconfig"
    settings.touch()
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(settings))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    for folder, names, files in os.walk(repo):
        for name in (".", *names, *files):
            os.chown(os.path.join(folder, name), 64321, 64321)
    with pytest.raises(Refused, match=r"safe\.directory"):
        prepare(repo, tmp_path)
    (tmp_path / ".gitconfig").write_text(f'[safe]\n\tdirectory = "{repo}"\n')
    copy = prepare(repo, tmp_path)
    fix(copy)
    assert back(copy, tmp_path).commit


def test_a_folder_of_a_repository_a_submodule_and_one_with_sha256_can_be_worked_on(repo: Path, tmp_path: Path) -> None:
    (repo / "sub").mkdir()
    (repo / "sub" / "a").write_text("x")
    git(repo, "add", ".")
    git(repo, "commit", "-qm", "sub")
    outer, other = tmp_path / "outer", tmp_path / "other"
    for folder, form in ((outer, "sha1"), (other, "sha256")):
        subprocess.run(["git", "init", "-q", f"--object-format={form}", str(folder)], check=True)
        git(folder, "-c", "user.name=P", "-c", "user.email=p@example.org", "commit", "--allow-empty", "-qm", "First")
    git(outer, "-c", "protocol.file.allow=always", "submodule", "add", "-q", str(repo), "inner")
    for name, folder in (("a", repo / "sub"), ("b", outer / "inner"), ("c", other)):
        copy = repositories.prepare(folder, tmp_path / name, branch=BRANCH)
        (copy.path / "new").write_text("x")
        found = back(copy, tmp_path)
        assert [c.path for c in found.changed] == ["new"], folder
        assert repositories.publish(tmp_path / "result.git", folder, branch=BRANCH, commit=str(found.commit))
        assert repositories.fresh(tmp_path / "result.git", str(found.commit), tmp_path / "fresh")


def test_a_history_with_objects_that_git_would_not_make_today_can_be_worked_on(repo: Path, tmp_path: Path) -> None:
    """Old tools wrote modes with a zero too many; only what the task adds is checked."""
    blob = bytes.fromhex(git(repo, "rev-parse", "HEAD:total.py"))
    words = ["git", "-C", str(repo), "hash-object", "-t", "tree", "-w", "--stdin", "--literally"]
    tree = subprocess.run(words, input=b"0100644 old.py\0" + blob, capture_output=True, check=True).stdout.decode().strip()
    git(repo, "reset", "-q", "--hard", git(repo, "commit-tree", tree, "-p", "HEAD", "-m", "Old"))
    copy = prepare(repo, tmp_path)
    (copy.path / "new").write_text("x")
    found = back(copy, tmp_path)
    assert [c.path for c in found.changed if c.status == "A"] == ["new"], found
    repositories.publish(tmp_path / "result.git", repo, branch=BRANCH, commit=str(found.commit))


def test_what_a_copy_lacks_is_told(repo: Path, tmp_path: Path) -> None:
    assert repositories.lacking(repo, "HEAD") == []
    outer = tmp_path / "outer"
    subprocess.run(["git", "init", "-q", str(outer)], check=True)
    git(outer, "-c", "protocol.file.allow=always", "submodule", "add", "-q", str(repo), "inner")
    (outer / "deep").mkdir()
    (outer / "deep" / ".gitattributes").write_text("*.psd filter=lfs diff=lfs merge=lfs -text\n")
    git(outer, "config", "core.sparseCheckout", "true")
    git(outer, "add", ".")
    git(outer, "-c", "user.name=P", "-c", "user.email=p@example.org", "commit", "-qm", "First")
    said = repositories.lacking(outer / "deep", "HEAD")
    assert [s.split(" ")[0:3] for s in said] == [["the", "submodule", "inner"], ["files", "of", "Git"], ["the", "copy", "has"]]


def test_a_copy_and_a_publication_that_were_killed_are_made_whole_by_the_next(repo: Path, tmp_path: Path) -> None:
    """Killed before the copy had its name, between the two refs of a publication, or after both: each is repeated without harm."""
    copy, commit = done(repo, tmp_path)
    before = state(repo)
    os.rename(copy.path, copy.path.with_name("copy.new"))
    assert git(prepare(repo, tmp_path).path, "status", "--porcelain") == ""
    for lost in (f"refs/heads/{BRANCH}", f"refs/left-by-jarvis/{BRANCH.removeprefix('jarvis/')}"):
        git(repo, "update-ref", "-d", lost)
        repositories.publish(tmp_path / "result.git", repo, branch=BRANCH, commit=commit)
        assert git(repo, "rev-parse", BRANCH) == commit and state(repo) == before


def test_where_nothing_more_can_be_written_nothing_half_is_left(repo: Path, tmp_path: Path) -> None:
    """A limit of the size of files ends git in the middle, as a full disk does: of a copy, of taking a result in, of a publication."""
    (repo / "large").write_bytes(os.urandom(400_000))
    git(repo, "add", ".")
    git(repo, "commit", "-qm", "Large")
    copy = prepare(repo, tmp_path)
    (copy.path / "larger").write_bytes(os.urandom(500_000))
    found = back(copy, tmp_path)
    before = state(repo)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    try:
        with pytest.raises(Refused):
            prepare(repo, tmp_path)
        with pytest.raises(Refused):
            repositories.publish(tmp_path / "result.git", repo, branch=BRANCH, commit=str(found.commit))
        with pytest.raises(Refused):
            repositories.collect(tmp_path / "work.bundle", repo, tmp_path / "other.git", base=copy.base, branch=BRANCH)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert state(repo) == before and git(repo, "branch", "--list", "jarvis/*") == ""
    assert [p.name for p in copy.path.parent.iterdir()] == ["copy"] and (copy.path / "larger").exists()
    repositories.publish(tmp_path / "result.git", repo, branch=BRANCH, commit=str(found.commit))
    assert git(repo, "rev-parse", BRANCH) == found.commit


def evil(copy: Copy) -> None:
    """Everything at once that a repository can carry to get at whoever merges it."""
    os.symlink("/etc", copy.path / "etc")
    (copy.path / ".gitattributes").write_text("* filter=evil diff=evil merge=evil\n")
    (copy.path / ".gitmodules").write_text('[submodule "x"]\n\tpath = x\n\turl = ext::sh -c touch% /tmp/x\n')
    fix(copy)


def test_what_a_result_carries_is_told_and_starts_nothing(repo: Path, tmp_path: Path) -> None:
    copy, before = prepare(repo, tmp_path), state(repo)
    evil(copy)
    found = back(copy, tmp_path)
    if found.commit is not None:
        modes = {c.path: c.new_mode for c in found.changed}
        assert modes["etc"] == "120000" and ".gitmodules" in modes
        repositories.publish(tmp_path / "result.git", repo, branch=BRANCH, commit=found.commit)
    assert state(repo) == before


# --- the same in whole nights, with the jail of this machine ------------------------------------------------------------------

FILTER = """
printf '%s\\n' '#!/bin/sh' 'cat' 'for there in $(find / -maxdepth 14 -type d -path "*/attempts/*/bundle" 2>/dev/null)' \
  'do mkdir -p $there/work.bundle; cp -r .git/. $there/work.bundle/; done' > .git/filter.sh
chmod +x .git/filter.sh; git config filter.x.clean "$PWD/.git/filter.sh"
git config uploadpack.packObjectsHook 'touch MARK;'; git config core.fsmonitor 'touch MARK'
echo '* filter=x' > .gitattributes; sed -i 's/int(sum(prices))/round(sum(prices), 2)/' total.py
"""


@pytest.mark.parametrize("how", ["swapped", "gone"])
def test_a_night_with_a_task_that_swaps_its_bundle_or_removes_its_repository_ships_nothing(how: str, tmp_path: Path) -> None:
    """While its own work is committed inside of the jail, its filter puts a repository with hooks where the bundle should be."""
    shop = Shop(tmp_path)
    script = tmp_path / "shop" / "task.sh"
    script.write_text(FILTER.replace("MARK", str(tmp_path / "ran-outside")) if how == "swapped" else "rm -rf .git; echo x > total.py")
    git(shop.repo, "add", ".")
    git(shop.repo, "commit", "-qm", "Task")
    before = state(shop.repo)
    task = shop.add(agent=None, command="sh task.sh", checks=["true"], category="Performance optimization")
    shop.night()
    assert state(shop.repo) == before and not (tmp_path / "ran-outside").exists() and git(shop.repo, "branch", "--list", "jarvis/*") == ""
    said = " ".join(shop.said(task, "commit"))
    assert ("what came back is no file" if how == "swapped" else "its repository is gone") in said and shop.state(task) in (
        "failed",
        "review",
        "queued",
        "parked",
    )
