"""What does a private copy of a repository cost? `python -m tests.bench.isolation_git`: copy, result and publication against `git worktree add`."""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from jarvis_lib.execution import repositories
from tests.bench.timing import HEAD, Figure, compare

BRANCH = "jarvis/bench"
FILES = 10_000
_ENVIRONMENT = os.environ | {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}


def isolation_git(base: Path, files: int = FILES) -> list[Figure]:
    """Each step of a repository task's isolation for a repository of 10,000 files, against what git does without any."""
    repo = _made(base / "repo", files)
    copy = repositories.prepare(repo, base / "work", branch=BRANCH)
    (copy.path / "new.py").write_text("x = 1\n")
    bundle, quarantine = base / "work.bundle", base / "result.git"
    for argv in repositories.inside_commands(copy, message="bench", bundle=bundle):
        subprocess.run(argv, cwd=copy.path, check=True)
    result = repositories.collect(bundle, repo, quarantine, base=copy.base, branch=BRANCH)
    commit = str(result.commit)

    def worktree() -> float:
        seconds = _timed(lambda: _git(repo, "worktree", "add", "-q", "--detach", str(base / "linked")))
        _git(repo, "worktree", "remove", "--force", str(base / "linked"))
        return seconds

    def clone() -> float:
        shutil.rmtree(base / "clone", ignore_errors=True)
        return _timed(lambda: _git(base, "clone", "-q", "--no-local", str(repo), str(base / "clone")))

    def publish() -> None:
        for name in (f"refs/heads/{BRANCH}", "refs/left-by-jarvis/bench"):
            _git(repo, "update-ref", "-d", name)
        repositories.publish(quarantine, repo, branch=BRANCH, commit=commit)

    named = f"{files:,} files"
    steps: list[tuple[str, Callable[[], object]]] = [
        (f"a private copy, {named}", lambda: repositories.prepare(repo, base / "work", branch=BRANCH)),
        (f"result into quarantine, {named}", lambda: repositories.collect(bundle, repo, quarantine, base=copy.base, branch=BRANCH)),
        (f"a clean copy for checks, {named}", lambda: repositories.fresh(quarantine, commit, base / "fresh")),
        (f"publication, {named}", publish),
    ]
    figures = [compare(name, lambda step=step: _timed(step), "`git worktree add`", worktree, n=3) for name, step in steps]
    return [*figures, compare("`git clone --no-local`", clone, "`git worktree add`", worktree, n=3)]


def _made(repo: Path, files: int) -> Path:
    """A repository of so many small files in folders of a hundred."""
    repo.mkdir()
    for i in range(files):
        folder = repo / f"d{i // 100:03}"
        folder.mkdir(exist_ok=True)
        (folder / f"f{i}.py").write_text(f"value = {i}\n" * 20)
    _git(repo, "init", "-q")
    _git(repo, "add", ".")
    _git(repo, "-c", "user.name=Bench", "-c", "user.email=bench@example.org", "commit", "-qm", "First")
    _git(repo, "gc", "-q")
    return repo


def _git(folder: Path, *words: str) -> None:
    subprocess.run(["git", "-c", "gc.auto=0", "-C", str(folder), *words], check=True, env=_ENVIRONMENT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def _timed(step: Callable[[], object]) -> float:
    begin = time.perf_counter()
    step()
    return time.perf_counter() - begin


def main() -> None:
    print(HEAD)
    with tempfile.TemporaryDirectory(prefix="jarvis-bench-") as folder:
        for figure in isolation_git(Path(folder)):
            print(figure.row(), flush=True)


if __name__ == "__main__":
    main()
