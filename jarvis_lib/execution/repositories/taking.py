"""The person takes a branch over, or undoes it: a merge that never leaves conflicts in their tree, and a revert that refuses to guess.

Hooks do not run: those of many projects lie in the repository itself, and its newest state was written by whoever did the task.
"""

from dataclasses import dataclass
from pathlib import Path

from jarvis_lib.execution.repositories.git import commit_of, git, is_ancestor, last_words, ran
from jarvis_lib.model.fact import Refused
from jarvis_lib.model.prose import clean, listed, plural

_UNDER_WAY = {"MERGE_HEAD": "a merge", "CHERRY_PICK_HEAD": "a cherry-pick", "REVERT_HEAD": "a revert", "rebase-merge": "a rebase", "rebase-apply": "a rebase"}


@dataclass(frozen=True, slots=True)
class Merged:
    """The commit at which the person's branch is now, and one sentence."""

    commit: str
    said: str


def merge(repo: Path, *, branch: str, commit: str, base: str, message: str, squash: bool = False, into: str = "") -> Merged:
    """Merge the commit into the branch that is checked out, fast-forward where it can; refuses, with nothing changed, on anything in the way.

    With `into` it goes into another branch, without touching the working tree.
    """
    if not commit_of(repo, commit):
        raise Refused(f"The commit {commit[:10]} is not in {_named(repo)}; its branch {branch} may have been removed.", code="missing")
    current = _current(repo)
    if into and into != current:
        return _merge_aside(repo, branch, commit, message, into, squash=squash)
    if not current:
        raise Refused(f"{_named(repo)} has no branch checked out (its HEAD is detached); check one out, or name one with --into.")
    _refuse_under_way(repo)
    if is_ancestor(repo, commit, "HEAD"):
        return Merged(commit_of(repo, "HEAD"), f"{current} has it already.")
    _refuse_conflicts(repo, "HEAD", commit, current)
    _refuse_dirty(repo, commit)
    if squash:
        git(repo, "merge", "--squash", "--quiet", commit, why="It could not be merged", own_settings=True)
        git(repo, "commit", "--quiet", "--no-verify", "-m", message, why="It is merged but not committed", own_settings=True)
        how = "as one commit of yours"
    else:
        fast = is_ancestor(repo, "HEAD", commit)
        git(repo, "merge", "--quiet", "--ff", "--no-edit", "--no-verify", "-m", message, commit, why="It could not be merged", own_settings=True)
        how = "by a fast-forward" if fast else "by a merge commit"
    return Merged(commit_of(repo, "HEAD"), f"Merged {branch} into {current} {how}; {_named(repo)} is at {commit_of(repo, 'HEAD')[:10]}.")


def undo(repo: Path, *, branch: str, commit: str, base: str, merged: str | None) -> list[str]:
    """Drop the branch, and revert what was merged of it, as new commits; sentences of what was done. Refuses what has changed since."""
    said = []
    if merged and _has(repo, merged):
        said.append(_revert(repo, base, commit, merged))
    elif merged:
        said.append("What was merged is not in the branch that is checked out, so nothing was reverted there.")
    name = f"refs/heads/{branch}"
    there = commit_of(repo, name)
    if not there:
        return [*said, f"The branch {branch} was gone already."]
    if there != commit:
        raise Refused(" ".join([*said, f"The branch {branch} has commits of yours since Jarvis left it, so it was kept."]))
    if _current(repo) == branch:
        raise Refused(" ".join([*said, f"You have {branch} checked out; check out another branch first."]))
    git(repo, "update-ref", "-d", name, commit, why="The branch could not be removed")
    ran(repo, "update-ref", "-d", f"refs/left-by-jarvis/{branch.removeprefix('jarvis/')}")
    return [*said, f"The branch {branch} was removed; its commit {commit[:10]} stays in data/attempts until it is cleared."]


def _has(repo: Path, commit: str) -> bool:
    return bool(commit_of(repo, commit)) and is_ancestor(repo, commit, "HEAD")


def _revert(repo: Path, base: str, commit: str, merged: str) -> str:
    _refuse_under_way(repo)
    if _dirty(repo):
        raise Refused(f"{_named(repo)} has changes of yours that are not committed; commit or stash them, then undo.")
    parents = git(repo, "rev-list", "--parents", "-n", "1", merged, why="The merge could not be read").split()[1:]
    if len(parents) > 1:
        words = ["-m", "1", merged]
    elif merged == commit:
        words = [f"{base}..{commit}"]
    else:
        words = [merged]
    done = ran(repo, "revert", "--no-edit", *words, own_settings=True)
    if done.returncode:
        ran(repo, "revert", "--abort", own_settings=True)
        raise Refused(f"It cannot be reverted, because later work changed the same lines ({last_words(done)}); nothing was changed.")
    return f"Reverted on {_current(repo) or 'HEAD'} by a new commit {commit_of(repo, 'HEAD')[:10]}."


def _merge_aside(repo: Path, branch: str, commit: str, message: str, into: str, *, squash: bool) -> Merged:
    """Merge into a branch that is not checked out: trees and commits only, no file is touched."""
    tip = commit_of(repo, f"refs/heads/{into}")
    if not tip:
        raise Refused(f"There is no branch {clean(into)[:80]!r} in {_named(repo)}.", code="missing")
    if is_ancestor(repo, commit, tip):
        return Merged(tip, f"{into} has it already.")
    if is_ancestor(repo, tip, commit) and not squash:
        git(repo, "update-ref", f"refs/heads/{into}", commit, tip, why="The branch could not be moved")
        return Merged(commit, f"Merged {branch} into {into} by a fast-forward.")
    _refuse_conflicts(repo, tip, commit, into)
    tree = git(repo, "merge-tree", "--write-tree", tip, commit, why="It could not be merged").split()[0]
    parents = ["-p", tip] if squash else ["-p", tip, "-p", commit]
    made = git(repo, "commit-tree", tree, *parents, "-m", message, why="The merge could not be committed", own_settings=True).strip()
    git(repo, "update-ref", f"refs/heads/{into}", made, tip, why="The branch could not be moved")
    return Merged(made, f"Merged {branch} into {into} {'as one commit of yours' if squash else 'by a merge commit'}.")


def _current(repo: Path) -> str:
    done = ran(repo, "symbolic-ref", "--quiet", "--short", "HEAD")
    return done.stdout.decode("utf-8", "surrogateescape").strip() if done.returncode == 0 else ""


def _refuse_under_way(repo: Path) -> None:
    folder = Path(git(repo, "rev-parse", "--path-format=absolute", "--git-dir", why="Git failed").rstrip("\n"))
    under_way = [what for name, what in _UNDER_WAY.items() if (folder / name).exists()]
    if under_way:
        raise Refused(f"{_named(repo)} has {under_way[0]} under way; finish it first.")


def _refuse_conflicts(repo: Path, ours: str, commit: str, name: str) -> None:
    done = ran(repo, "merge-tree", "--write-tree", "--name-only", "--no-messages", ours, commit)
    if done.returncode == 1:
        files = [line for line in done.stdout.decode("utf-8", "replace").splitlines()[1:] if line.strip()]
        shown = listed([clean(f) for f in files[:5]]) + (f" and {plural(len(files) - 5, 'more file')}" if len(files) > 5 else "")
        raise Refused(f"It does not merge into {name}: {shown} changed on both sides. Nothing was changed; merge {commit[:10]} by hand, or queue it again.")
    if done.returncode:
        raise Refused(f"Git could not try the merge: {last_words(done)}", code="failed")


def _dirty(repo: Path) -> list[str]:
    text = git(repo, "status", "--porcelain", "-z", "--untracked-files=no", why="Git failed", own_settings=True)
    return [entry[3:] for entry in text.split("\0") if len(entry) > 3]


def _refuse_dirty(repo: Path, commit: str) -> None:
    """Uncommitted changes, and untracked files, that the merge would have to write over."""
    touched = set(git(repo, "diff", "--name-only", "-z", f"HEAD...{commit}", why="Git failed").split("\0")) - {""}
    loose = git(repo, "ls-files", "--others", "--exclude-standard", "-z", why="Git failed", own_settings=True).split("\0")
    both = sorted(touched & {*_dirty(repo), *loose})
    if both:
        raise Refused(f"You have changes in {listed([clean(p) for p in both[:5]])} that are not committed; commit or stash them, then accept again.")


def _named(repo: Path) -> str:
    return clean(str(repo))[:160]
