"""The private copy in which a task works: a repository of its own, with no object, remote or credential of the person's."""

import os
import re
import shutil
import stat
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from jarvis_lib.execution.repositories.git import commit_of, git, ran
from jarvis_lib.model.fact import Refused
from jarvis_lib.model.prose import clean, size

INCLUDE = ".worktreeinclude"
MOST_INCLUDED = 512 * 1024**2
_SLUG = 40
_COLLECT = """
git -c core.hooksPath=/dev/null -c commit.gpgSign=false add -A || exit 3
git diff --cached --quiet || git -c core.hooksPath=/dev/null -c commit.gpgSign=false -c user.name=Jarvis -c user.email=jarvis@localhost \
commit -q --no-verify -m "$1" || exit 4
test "$(git rev-parse HEAD)" = "$3" && exit 0
git -c pack.threads=1 bundle create -q "$2" HEAD "^$3"
"""


@dataclass(frozen=True, slots=True)
class Copy:
    """A private copy: where it is, the commit where the work begins, the branch of the work, the person's repository."""

    path: Path
    base: str
    branch: str
    repo: Path


def branch_name(task: str, title: str) -> str:
    """`jarvis/k3f9x2m1qa-fix-the-rounding`: the id tells it apart, the title only helps to read it."""
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:_SLUG].rstrip("-")
    return f"jarvis/{task}-{slug}" if slug else f"jarvis/{task}"


def identity(repo: Path) -> str:
    """What makes two paths the same repository: where its objects are."""
    done = ran(repo, "rev-parse", "--path-format=absolute", "--git-common-dir")
    return os.path.realpath(done.stdout.decode("utf-8", "surrogateescape").rstrip("\n")) if done.returncode == 0 else os.path.realpath(repo)


def prepare(repo: Path, folder: Path, *, branch: str, start: str = "", include: bool = True) -> Copy:
    """Make `folder/copy`, a private copy of `repo` on `branch` at `start` (else at what the person has checked out).

    Nothing is shared with the repository: objects are copied, there is no remote, no hook, no credential helper, and "Jarvis" is who commits. A copy
    of an earlier attempt is replaced whole; one that was cut off is never taken for whole. Refuses what is no repository, or has no commit.
    """
    base = _base(repo, start)
    final, new = folder / "copy", folder / "copy.new"
    folder.mkdir(parents=True, exist_ok=True)
    remove(new)
    new.mkdir()
    git(new, "init", "--quiet", "--template=", f"--initial-branch={branch}", why="A private copy could not be made")
    git(new, "fetch", "--quiet", "--no-tags", "--no-write-fetch-head", str(repo), f"{base}:refs/jarvis/base", why=f"{_named(repo)} could not be copied")
    git(new, "update-ref", f"refs/heads/{branch}", base, why="A private copy could not be made")
    git(new, "checkout", "--quiet", "--force", branch, why=f"{_named(repo)} could not be checked out into a copy")
    for key, value in (("user.name", "Jarvis"), ("user.email", "jarvis@localhost"), ("commit.gpgSign", "false"), ("gc.auto", "0")):
        git(new, "config", key, value, why="A private copy could not be set up")
    if include:
        _bring(repo, new)
    remove(final)
    os.replace(new, final)
    return Copy(final, base, branch, repo)


def inside_commands(copy: Copy, *, message: str, bundle: Path) -> list[list[str]]:
    """What runs inside of the jail, in the copy, to bring the work out: commit what is left, and bundle what is new. No bundle where nothing is."""
    return [["/bin/sh", "-c", _COLLECT, "collect", message, str(bundle), copy.base]]


def _base(repo: Path, start: str) -> str:
    if ran(repo, "rev-parse", "--git-dir").returncode:
        raise Refused(f"{_named(repo)} is no git repository that can be read; correct --repo.", code="missing")
    if git(repo, "rev-parse", "--is-bare-repository", why="Git failed").strip() == "true":
        raise Refused(f"{_named(repo)} is a bare repository; name one with a working tree.")
    if git(repo, "rev-parse", "--is-shallow-repository", why="Git failed").strip() == "true":
        raise Refused(f"{_named(repo)} is a shallow clone, which cannot be copied whole; get its history first: git fetch --unshallow.")
    base = commit_of(repo, start or "HEAD")
    if not base:
        raise Refused(f"{_named(repo)} has {f'no commit {start[:40]}' if start else 'no commit yet'}; make one first.")
    return base


def _named(repo: Path) -> str:
    return clean(str(repo))[:160]


def _bring(repo: Path, copy: Path) -> None:
    """Untracked files that the person's `.worktreeinclude` names, such as .env; they are never committed."""
    if not (repo / INCLUDE).is_file():
        return
    listed = git(repo, "ls-files", "--others", "--ignored", f"--exclude-from={INCLUDE}", "-z", why=f"{INCLUDE} could not be read")
    names = [n for n in listed.split("\0") if n]
    wanted = [n for n in names if _is_plain_file(repo, n)]
    total = sum(os.lstat(repo / n).st_size for n in wanted)
    if total > MOST_INCLUDED:
        raise Refused(f"{INCLUDE} names {size(total)}, more than {size(MOST_INCLUDED)}; name less.")
    for name in wanted:
        target = copy / name
        if os.path.lexists(target):
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(repo / name, target, follow_symlinks=False)
    exclude = copy / ".git" / "info" / "exclude"
    exclude.parent.mkdir(exist_ok=True)
    with exclude.open("a", encoding="utf-8", errors="surrogateescape") as file:
        file.writelines(f"/{_escaped(name)}\n" for name in wanted)


def _is_plain_file(repo: Path, name: str) -> bool:
    path = repo / name
    return stat.S_ISREG(os.lstat(path).st_mode) and path.parent.resolve().is_relative_to(repo.resolve())


def _escaped(name: str) -> str:
    return re.sub(r"([\\*?\[\] !#])", r"\\\1", name)


def remove(path: Path) -> None:
    """Take a folder away, whatever modes a task left in it."""
    if not os.path.lexists(path):
        return

    def again(function: object, name: str, error: object) -> None:
        os.chmod(os.path.dirname(name), 0o700)
        os.chmod(name, 0o700) if not os.path.islink(name) else None
        os.rmdir(name) if os.path.isdir(name) and not os.path.islink(name) else os.unlink(name)

    shutil.rmtree(path, onerror=again)


def unsafe(paths: Sequence[str]) -> list[str]:
    """Paths that no result may have: out of the tree, or into what git keeps for itself."""
    return [p for p in paths if p.startswith("/") or any(part in ("..", ".") or part.casefold().rstrip(". ") == ".git" for part in p.split("/"))]
