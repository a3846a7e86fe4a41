"""The result comes back: from a bundle that was made inside of the jail, into a quarantine, and as a branch into the person's repository.

Nothing here opens the task's copy. Every object is checked by git's fsck on its way in; no hook runs, and no other ref than the task's own changes.
"""

import os
from dataclasses import dataclass
from pathlib import Path

from jarvis_lib.execution.repositories.bundle import MOST_BYTES, Damaged, take_in
from jarvis_lib.execution.repositories.copying import remove, top_of, unsafe
from jarvis_lib.execution.repositories.git import commit_of, fetched, first_bytes, git, is_ancestor, object_format, ran
from jarvis_lib.model.fact import Refused
from jarvis_lib.model.prose import clean, listed, plural

_EMPTY_MODE = "000000"
_LARGE_FILE = 16 * 1024**2
"""A larger file is compared as a binary one, so that no comparison takes the memory of the machine."""


@dataclass(frozen=True, slots=True)
class Change:
    """One file of the result. `status`: A, M, D, R (renamed from `old`), T (another kind); lines are 0 for a binary file. Modes as git writes them."""

    path: str
    old: str
    status: str
    added: int
    deleted: int
    binary: bool
    old_mode: str
    new_mode: str


@dataclass(frozen=True, slots=True)
class Result:
    """What came back: the commit (None when nothing did), its changes against the base, how many commits, and one sentence."""

    commit: str | None
    changed: tuple[Change, ...]
    commits: int
    said: str

    @property
    def added(self) -> int:
        """Lines that came, over all files."""
        return sum(c.added for c in self.changed)

    @property
    def deleted(self) -> int:
        """Lines that went, over all files."""
        return sum(c.deleted for c in self.changed)


def collect(bundle: Path, repo: Path, quarantine: Path, *, base: str, branch: str, most_bytes: int = MOST_BYTES) -> Result:
    """Look at a bundle in a new bare repository that shares nothing. What is no bundle, fails git's checks or does not build on the base is no result."""
    if not os.path.lexists(bundle):
        return Result(None, (), 0, "nothing was committed and nothing was left to commit")
    remove(quarantine)
    quarantine.mkdir(parents=True)
    why = "The quarantine could not be made"
    git(quarantine, "init", "--quiet", "--bare", "--template=", f"--object-format={object_format(repo)}", why=why)
    git(quarantine, "config", "core.bigFileThreshold", str(_LARGE_FILE), why=why)
    fetched(quarantine, top_of(repo), f"{base}:refs/jarvis/base", why="The base could not be read again")
    try:
        commit = take_in(bundle, quarantine, base=base, most_bytes=most_bytes)
    except Damaged as error:
        return Result(None, (), 0, f"what came back {error}")
    if not is_ancestor(quarantine, base, commit):
        return Result(None, (), 0, "it rewrote the history that it was given, so its work does not build on the base")
    changed = changes(quarantine, base, commit)
    wrong = unsafe([c.path for c in changed])
    if wrong:
        return Result(None, (), 0, f"it made {listed([clean(p) for p in wrong[:3]])}, which no result may have")
    git(quarantine, "update-ref", f"refs/heads/{branch}", commit, why=why)
    count = int(git(quarantine, "rev-list", "--count", f"{base}..{commit}", why="The result could not be read").strip())
    found = Result(commit, changed, count, "")
    files = plural(len(changed), "file")
    return Result(commit, changed, count, f"{files} changed, +{found.added:,} -{found.deleted:,} lines, {plural(count, 'commit')}")


def changes(quarantine: Path, base: str, commit: str) -> tuple[Change, ...]:
    """The files that differ between two commits, renames found."""
    raw = git(quarantine, "diff-tree", "-r", "-z", "-M", "--raw", "--no-commit-id", base, commit, why="The result could not be compared").split("\0")
    counts = _counts(git(quarantine, "diff-tree", "-r", "-z", "-M", "--numstat", "--no-commit-id", base, commit, why="The result could not be counted"))
    found = []
    words = iter(raw)
    for head in words:
        if not head.startswith(":"):
            continue
        old_mode, new_mode, _, _, status = head[1:].split(" ")
        first = next(words)
        path = next(words) if status[0] in "RC" else first
        added, deleted = counts.get(path, (0, 0))
        binary = (added, deleted) == (-1, -1)
        found.append(Change(path, first if path != first else "", status[0], max(added, 0), max(deleted, 0), binary, old_mode, new_mode))
    return tuple(found)


def _counts(text: str) -> dict[str, tuple[int, int]]:
    found: dict[str, tuple[int, int]] = {}
    words = iter(text.split("\0"))
    for line in words:
        if line.count("\t") < 2:
            continue
        added, deleted, path = line.split("\t", 2)
        if not path:
            next(words)
            path = next(words)
        found[path] = (-1, -1) if added == "-" else (int(added), int(deleted))
    return found


def diff_text(quarantine: Path, base: str, commit: str, limit_bytes: int) -> str:
    """The difference as text for people, cut after so many bytes (the rest is never made); binary and very large files are only named."""
    words = ("diff", "--no-ext-diff", "--no-textconv", "--no-color", "-M", base, commit)
    raw, more = first_bytes(quarantine, *words, limit=limit_bytes, why="The result could not be shown")
    return f"{raw.decode('utf-8', 'ignore')}\n… cut after {limit_bytes:,} bytes …\n" if more else raw.decode("utf-8", "surrogateescape")


def added_ever(quarantine: Path, base: str, commit: str) -> str:
    """Every line that any commit between the two added, whether or not it is still there."""
    text = git(quarantine, "log", "-p", "--no-ext-diff", "--no-textconv", "--no-color", "--format=", f"{base}..{commit}", why="The commits could not be read")
    return "\n".join(line[1:] for line in text.splitlines() if line.startswith("+") and not line.startswith("+++"))


def content(quarantine: Path, commit: str, path: str) -> bytes | None:
    """The bytes of a file at a commit; None where it is not there."""
    done = ran(quarantine, "cat-file", "blob", f"{commit}:{path}")
    return done.stdout if done.returncode == 0 else None


def fresh(quarantine: Path, commit: str, into: Path) -> Path:
    """A clean checkout of a commit for checks: nothing shared, no remote, no hook, nothing that was left uncommitted."""
    remove(into)
    into.mkdir(parents=True)
    why = "A clean copy for the checks could not be made"
    git(into, "init", "--quiet", "--template=", "--initial-branch=check", f"--object-format={object_format(quarantine)}", why=why)
    fetched(into, quarantine, f"{commit}:refs/jarvis/commit", why="The result could not be copied")
    git(into, "checkout", "--quiet", "--force", "--detach", commit, why="The result could not be checked out")
    for key, value in (("user.name", "Jarvis"), ("user.email", "jarvis@localhost"), ("gc.auto", "0")):
        git(into, "config", key, value, why="A clean copy for the checks could not be set up")
    return into


def publish(quarantine: Path, repo: Path, *, branch: str, commit: str) -> str:
    """Bring the branch into the person's repository; one sentence. Doing it twice changes nothing.

    Only `refs/heads/BRANCH` and `refs/left-by-jarvis/…`, in which Jarvis notes what it left, change: no file, no index, no HEAD. Refuses when the person has
    committed on the branch, or has it checked out.
    """
    left, name = f"refs/left-by-jarvis/{branch.removeprefix('jarvis/')}", f"refs/heads/{branch}"
    there, ours = commit_of(repo, name), commit_of(repo, left)
    if there == commit and ours == commit:
        return f"the branch {branch} has it"
    if there and there not in (ours, commit):
        raise Refused(f"The branch {branch} has commits of yours since Jarvis left it, so it was not replaced.")
    fetched(repo, quarantine, f"+refs/heads/{branch}:{name}", f"+refs/heads/{branch}:{left}", why="The branch could not be written")
    if commit_of(repo, name) != commit:
        raise Refused(f"The branch {branch} is not at the commit that was proved.", code="failed")
    return f"the branch {branch} has it"


def is_executable_only(change: Change) -> bool:
    """Did nothing but the mode of a regular file change?"""
    return change.old_mode != change.new_mode and _EMPTY_MODE not in (change.old_mode, change.new_mode)


def folder_bytes(path: Path) -> int:
    """What a tree takes on the disk."""
    return sum(os.lstat(os.path.join(folder, name)).st_blocks * 512 for folder, _, names in os.walk(path) for name in names)
