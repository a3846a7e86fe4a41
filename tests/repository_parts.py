"""A small repository of a person's, a copy of it, and work that comes back: what the tests of repositories begin with."""

import hashlib
import os
import subprocess
from pathlib import Path

from jarvis_lib.execution import repositories
from jarvis_lib.execution.repositories import Copy, Result

BRANCH = "jarvis/k3f9x2m1qa-fix-it"


def git(folder: Path, *words: str, check: bool = True) -> str:
    own = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", "GIT_TERMINAL_PROMPT": "0"}
    done = subprocess.run(["git", "-C", str(folder), *words], capture_output=True, text=True, env=os.environ | own, check=False)
    assert done.returncode == 0 or not check, done.stderr
    return done.stdout.strip()


def small_repository(tmp_path: Path) -> Path:
    """A small repository of the person's, with a name that needs care."""
    folder = tmp_path / "the shop's «repo»"
    folder.mkdir()
    git(folder, "init", "-q", "-b", "main")
    git(folder, "config", "user.name", "Person")
    git(folder, "config", "user.email", "person@example.org")
    (folder / "total.py").write_text("def total(prices):\n    return int(sum(prices))\n")
    (folder / ".gitignore").write_text(".env\nbuild/\n")
    git(folder, "add", ".")
    git(folder, "commit", "-qm", "First")
    return folder


def state(repo: Path) -> str:
    """Everything of a repository but the refs that Jarvis may write: files, index, HEAD, hooks, configuration, other refs."""
    found = hashlib.sha256()
    for folder, names, files in os.walk(repo):
        names[:] = sorted(
            n for n in names if not os.path.join(folder, n).endswith((".git/objects", ".git/refs/heads/jarvis", ".git/refs/left-by-jarvis", ".git/logs"))
        )
        for name in sorted(files):
            path = os.path.join(folder, name)
            found.update(path.encode() + (os.readlink(path).encode() if os.path.islink(path) else Path(path).read_bytes()))
    return found.hexdigest()


def prepare(repo: Path, tmp_path: Path, **more: object) -> Copy:
    return repositories.prepare(repo, tmp_path / "worktrees" / "k3f9x2m1qa", branch=BRANCH, **more)  # type: ignore[arg-type]  # tests pass on what they are given


def bundled(copy: Copy, tmp_path: Path, message: str = "Fix it") -> "subprocess.CompletedProcess[str]":
    """What is run in the jail, without a jail: `tmp_path/work.bundle`."""
    bundle = tmp_path / "work.bundle"
    bundle.unlink(missing_ok=True)
    (argv,) = repositories.inside_commands(copy, message=message, bundle=bundle)
    return subprocess.run(argv, cwd=copy.path, check=False, capture_output=True, text=True, env={"PATH": os.environ["PATH"], "HOME": str(tmp_path)})


def back(copy: Copy, tmp_path: Path, message: str = "Fix it") -> Result:
    """The work comes back as a session has it come back, without a jail."""
    bundled(copy, tmp_path, message)
    bundle = tmp_path / "work.bundle"
    return repositories.collect(bundle, copy.repo, tmp_path / "result.git", base=copy.base, branch=copy.branch)


def fix(copy: Copy) -> None:
    (copy.path / "total.py").write_text("def total(prices):\n    return sum(prices)\n")


def done(repo: Path, tmp_path: Path) -> tuple[Copy, str]:
    copy = prepare(repo, tmp_path)
    fix(copy)
    result = back(copy, tmp_path)
    assert result.commit
    repositories.publish(tmp_path / "result.git", repo, branch=BRANCH, commit=result.commit)
    return copy, result.commit
