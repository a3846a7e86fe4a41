"""The private copy in which a task works: a repository of its own, with no object, remote or credential of the person's."""

import os
import re
import shutil
import stat
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from shlex import quote

from jarvis_lib.execution.repositories.git import commit_of, fetched, git, object_format, ran
from jarvis_lib.model.fact import Refused
from jarvis_lib.model.prose import clean, listed, size

INCLUDE = ".worktreeinclude"
MOST_INCLUDED = 512 * 1024**2
_SLUG = 40
_COLLECT = r"""
message=$1 bundle=$2 base=$3 branch=$4 settings=$5
own() {
    git --git-dir="$PWD/.git" --work-tree="$PWD" -c core.hooksPath=/dev/null -c core.fsmonitor=false -c commit.gpgSign=false -c gc.auto=0 \
        -c user.name=Jarvis -c user.email=jarvis@localhost "$@"
}
test -d .git && test ! -L .git || { echo "fatal: its repository is gone" >&2; exit 5; }
rm -f .git/index.lock .git/HEAD.lock ".git/refs/heads/$branch.lock"
failed=0
if ! own add -A; then
    rm -f .git/config .git/index
    printf '%s' "$settings" > .git/config
    own rev-parse -q --verify HEAD >/dev/null || { rm -f .git/HEAD; printf 'ref: refs/heads/%s\n' "$branch" > .git/HEAD; }
    own read-tree HEAD && own add -A || failed=3
fi
if test $failed = 0 && ! own diff --cached --quiet; then
    own commit -q --no-verify -m "$message" || failed=4
fi
head=$(own rev-parse -q --verify HEAD) || { echo "fatal: its repository is damaged" >&2; exit 5; }
test "$head" = "$base" || own -c pack.threads=1 bundle create -q "$bundle" HEAD "^$base" || exit 6
exit $failed
"""
"""Names the copy's own repository each time: git would look for another one around a copy that lost its own."""


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
    return os.path.realpath(done.stdout.decode("utf-8", "surrogateescape").removesuffix("\n")) if done.returncode == 0 else os.path.realpath(repo)


def top_of(repo: Path) -> Path:
    """The top of the working tree that a path lies in; the path itself where it lies in none."""
    done = ran(repo, "rev-parse", "--show-toplevel")
    return Path(done.stdout.decode("utf-8", "surrogateescape").removesuffix("\n")) if done.returncode == 0 and done.stdout.strip() else repo


def prepare(repo: Path, folder: Path, *, branch: str, start: str = "", include: bool = True) -> Copy:
    """Make `folder/copy`, a private copy of `repo` on `branch` at `start` (else at what the person has checked out).

    Nothing is shared with the repository: objects are copied, there is no remote, no hook, no credential helper, and "Jarvis" is who commits. A copy
    of an earlier attempt is replaced whole; one that was cut off is never taken for whole. Refuses what is no repository, or has no commit.
    """
    base = _base(repo, start)
    final, new = folder / "copy", folder / "copy.new"
    folder.mkdir(parents=True, exist_ok=True)
    remove(new)
    try:
        _fill(new, repo, base, branch)
        if include:
            _bring(top_of(repo), new)
    except (Refused, OSError):
        remove(new)  # a disk that is full is not to stay full
        raise
    remove(final)
    os.replace(new, final)
    return Copy(final, base, branch, repo)


def _fill(new: Path, repo: Path, base: str, branch: str) -> None:
    new.mkdir()
    form = object_format(repo)
    git(new, "init", "--quiet", "--template=", f"--initial-branch={branch}", f"--object-format={form}", why="A private copy could not be made")
    fetched(new, top_of(repo), f"{base}:refs/jarvis/base", why=f"{_named(repo)} could not be copied")
    git(new, "update-ref", f"refs/heads/{branch}", base, why="A private copy could not be made")
    git(new, "checkout", "--quiet", "--force", branch, why=f"{_named(repo)} could not be checked out into a copy")
    for key, value in (("user.name", "Jarvis"), ("user.email", "jarvis@localhost"), ("commit.gpgSign", "false"), ("gc.auto", "0")):
        git(new, "config", key, value, why="A private copy could not be set up")


def lacking(repo: Path, base: str) -> list[str]:
    """What a copy at this commit lacks or has otherwise than the person's own checkout: submodules, files of Git LFS, a sparse checkout."""
    repo = top_of(repo)
    tree = git(repo, "ls-tree", "-r", "-z", "--full-tree", base, why=f"{_named(repo)} could not be read").split("\0")
    modules = [line.partition("\t")[2] for line in tree if line.startswith("160000 ")]
    large = ran(repo, "grep", "--quiet", "filter=lfs", base, "--", ":(top,glob)**/.gitattributes").returncode == 0
    sparse = ran(repo, "config", "--type=bool", "core.sparseCheckout").stdout.strip() == b"true"
    named = listed([clean(m) for m in modules[:3]])
    said = (
        [f"the submodule {named} is empty in the copy" if len(modules) == 1 else f"{len(modules)} submodules ({named}) are empty in the copy"]
        if modules
        else []
    )
    said += ["files of Git LFS are pointers in the copy, not their content"] if large else []
    return said + (["the copy has all files, although your checkout is sparse"] if sparse else [])


def inside_commands(copy: Copy, *, message: str, bundle: Path) -> list[list[str]]:
    """What runs inside of the jail, in the copy, to bring the work out: commit what is left, and bundle what is new. No bundle where nothing is.

    Locks that a killed git left, a damaged index and damaged settings are mended first. Exit 3: not all could be added, 4: not committed (what was
    committed before is bundled all the same), 5: its repository is gone or damaged, 6: it could not be bundled.
    """
    kind = "[core]\n\trepositoryformatversion = {}\n\tfilemode = true\n{}"
    settings = kind.format(0, "") if len(copy.base) == 40 else kind.format(1, "[extensions]\n\tobjectFormat = sha256\n")
    return [["/bin/sh", "-c", _COLLECT, "collect", message, str(bundle), copy.base, copy.branch, settings]]


def _base(repo: Path, start: str) -> str:
    if ran(repo, "rev-parse", "--git-dir").returncode:
        raise Refused(f"{_named(repo)} is no git repository that can be read; correct --repo.", code="missing")
    if ran(repo, "rev-parse", "--git-dir", own_settings=True, trusted=False).returncode:
        raise Refused(f"{_named(repo)} belongs to another user; if you trust it, say so: git config --global --add safe.directory {quote(str(top_of(repo)))}")
    if git(repo, "rev-parse", "--is-bare-repository", why="Git failed").strip() == "true":
        raise Refused(f"{_named(repo)} is a bare repository; name one with a working tree.")
    if git(repo, "rev-parse", "--is-shallow-repository", why="Git failed").strip() == "true":
        raise Refused(f"{_named(repo)} is a shallow clone, which cannot be copied whole; get its history first: git fetch --unshallow.")
    if ran(repo, "config", "--get-regexp", r"^extensions\.partialclone$|^remote\..*\.promisor$").returncode == 0:
        raise Refused(f"{_named(repo)} is a partial clone, which lacks objects that a copy needs; name a whole clone.")
    if ran(repo, "show-ref", "--verify", "--quiet", "refs/heads/jarvis").returncode == 0:
        raise Refused(f"{_named(repo)} has a branch 'jarvis', beside which there can be none under jarvis/; rename it: git branch -m jarvis my-jarvis.")
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
    found = git(repo, "ls-files", "--others", "--ignored", f"--exclude-from={INCLUDE}", "-z", why=f"{INCLUDE} could not be read")
    names = [n for n in found.split("\0") if n]
    wanted = [n for n in names if _is_plain_file(repo, n)]
    total = sum(os.lstat(repo / n).st_size for n in wanted)
    if total > MOST_INCLUDED:
        raise Refused(f"{INCLUDE} names {size(total)}, more than {size(MOST_INCLUDED)}; name less.")
    for name in wanted:
        target = copy / name
        if os.path.lexists(target) or not target.parent.resolve().is_relative_to(copy.resolve()):
            continue  # the commit has it otherwise: a file, or a link where the person has a folder, which would lead out of the copy
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
    """Take a file or a folder away, whatever modes a task left in it. What is gone already is no error; links are not followed."""
    if path.is_symlink() or not path.is_dir():
        path.unlink(missing_ok=True)
        return
    try:
        shutil.rmtree(path)
    except PermissionError:
        os.chmod(path, 0o700)
        for folder, names, _ in os.walk(path):
            for name in names:
                inner = os.path.join(folder, name)
                if not os.path.islink(inner):
                    os.chmod(inner, 0o700)
        shutil.rmtree(path)


def unsafe(paths: Sequence[str]) -> list[str]:
    """Paths that no result may have: out of the tree, or into what git keeps for itself."""
    return [p for p in paths if p.startswith("/") or any(part in ("..", ".") or part.casefold().rstrip(". ") == ".git" for part in p.split("/"))]
