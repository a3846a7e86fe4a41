"""The person takes a branch over, or undoes it: by trees and commits that are made aside, so that no conflict ever stands in their files.

What is to be the new commit is there before a file is touched; then the branch moves forward to it, which git does whole or not at all. Hooks do
not run: those of many projects lie in the repository itself, and its newest state was written by whoever did the task.
"""

import os
from dataclasses import dataclass
from pathlib import Path

from jarvis_lib.execution.repositories.copying import top_of
from jarvis_lib.execution.repositories.git import NO_ONE, commit_of, git, is_ancestor, last_words, ran
from jarvis_lib.model.fact import Refused
from jarvis_lib.model.prose import clean, listed, plural

_UNDER_WAY = {"MERGE_HEAD": "a merge", "CHERRY_PICK_HEAD": "a cherry-pick", "REVERT_HEAD": "a revert", "rebase-merge": "a rebase", "rebase-apply": "a rebase"}
_TOO_OLD = 129
"""git's exit code for an option that it does not know."""


@dataclass(frozen=True, slots=True)
class Merged:
    """The commit of the person's branch that has the work, and one sentence."""

    commit: str
    said: str


class Conflict(Exception):
    """Two commits do not merge; `files` are those that both sides changed."""

    def __init__(self, files: list[str]) -> None:
        super().__init__(files)
        self.files = listed([clean(f) for f in files[:5]]) + (f" and {plural(len(files) - 5, 'more file')}" if len(files) > 5 else "")


def merge(repo: Path, *, branch: str, commit: str, base: str, message: str, squash: bool = False, into: str = "") -> Merged:
    """Merge the commit into the branch that is checked out, fast-forward where it can; refuses, with nothing changed, on anything in the way.

    With `into` it goes into that branch, and no file is touched unless it is checked out. Without, the branch must have the commit where the work began:
    else it would bring along work of the person's that was never meant for it.
    """
    repo = top_of(repo)
    if not commit_of(repo, commit):
        raise Refused(f"The commit {commit[:10]} is not in {_named(repo)}; its branch {branch} may have been removed.", code="missing")
    name = into or _current(repo)
    if not name:
        raise Refused(f"{_named(repo)} has no branch checked out (its HEAD is detached); check one out, or name one with --into.")
    tip = commit_of(repo, f"refs/heads/{name}")
    if not tip:
        raise Refused(f"There is no branch {clean(name)[:80]!r} in {_named(repo)}.", code="missing")
    if is_ancestor(repo, commit, tip):
        return Merged(commit, f"{name} has it already.")
    if not into:
        _refuse_another_branch(repo, name, base)
    if is_ancestor(repo, tip, commit) and not squash:
        made, how = commit, "by a fast-forward"
    else:
        try:
            tree = _merged_tree(repo, tip, commit)
        except Conflict as found:
            raise Refused(
                f"It does not merge into {name}: {found.files} changed on both sides. Nothing was changed; merge {commit[:10]} by hand, or queue it again."
            ) from found
        made = _committed(repo, tree, [tip] if squash else [tip, commit], message)
        how = "as one commit of yours" if squash else "by a merge commit"
    _move(repo, name, tip, made)
    return Merged(made, f"Merged {branch} into {name} {how}; {name} of {_named(repo)} is at {made[:10]}.")


def undo(repo: Path, *, branch: str, commit: str, base: str, merged: str | None) -> list[str]:
    """Drop the branch, and take back what was merged of it by a new commit; sentences of what was done. Refuses what has changed since.

    Doing it again after it was cut off goes on where it stopped.
    """
    repo = top_of(repo)
    said = _taken_back(repo, base, commit, merged) if merged else []
    name = f"refs/heads/{branch}"
    there = commit_of(repo, name)
    if not there:
        return [*said, f"The branch {branch} was gone already."]
    if there != commit:
        raise Refused(" ".join([*said, f"The branch {branch} has commits of yours since Jarvis left it, so it was kept."]))
    if branch in (out := _checked_out(repo)):
        raise Refused(" ".join([*said, f"You have {branch} checked out in {clean(out[branch])}; check out another branch first."]))
    git(repo, "update-ref", "-d", name, commit, why="The branch could not be removed")
    ran(repo, "update-ref", "-d", f"refs/left-by-jarvis/{branch.removeprefix('jarvis/')}")
    return [*said, f"The branch {branch} was removed; its commit {commit[:10]} stays in data/attempts until it is cleared."]


# --- taking back -------------------------------------------------------------------------------------------------------------


def _refuse_another_branch(repo: Path, name: str, base: str) -> None:
    holders = _persons_branches(repo, base)
    if holders and name not in holders:
        raise Refused(
            f"You have {name} checked out, but the work began on {listed(holders[:3])}; check that out or say --into {holders[0]} (or --into {name})."
        )


def _persons_branches(repo: Path, commit: str) -> list[str]:
    return [name for name in _branches_with(repo, commit, "refs/heads/") if not name.startswith("jarvis/")]


def _taken_back(repo: Path, base: str, commit: str, merged: str) -> list[str]:
    """Revert on the branch that has it: the one that is checked out, else the only one."""
    holders = _persons_branches(repo, merged)
    current = _current(repo)
    if not holders:
        return ["What was merged is in no branch any more, so nothing was reverted."]
    if current not in holders and len(holders) > 1:
        raise Refused(f"{listed(holders[:5])} have what was merged; check out the one on which it is to be reverted, then undo again.")
    name = current if current in holders else holders[0]
    said = [_revert(repo, name, base, commit, merged)]
    if others := [h for h in holders if h != name]:
        said.append(f"{listed(others[:5])} {'has' if len(others) == 1 else 'have'} it too; revert it there by hand if it is to go.")
    if remotes := _branches_with(repo, merged, "refs/remotes/"):
        said.append(f"{listed(remotes[:3])} {'has' if len(remotes) == 1 else 'have'} it already, so push {name} as well.")
    return said


def _revert(repo: Path, name: str, base: str, commit: str, merged: str) -> str:
    """One new commit on the branch that takes back all that came with the merge, however many commits that were."""
    tip = commit_of(repo, f"refs/heads/{name}")
    before = base
    if merged != commit:
        before = git(repo, "rev-parse", f"{merged}^1", why="The merge could not be read").strip()
    # The three trees as commits, so that git finds `merged` as what both sides come from.
    common = _committed(repo, f"{merged}^{{tree}}", [], "merged", own=False)
    sides = [_committed(repo, f"{side}^{{tree}}", [common], "side", own=False) for side in (tip, before)]
    try:
        tree = _merged_tree(repo, *sides)
    except Conflict as found:
        raise Refused(f"It cannot be reverted, because later work changed the same lines of {found.files}; nothing was changed.") from found
    if tree == git(repo, "rev-parse", f"{tip}^{{tree}}", why="Git failed").strip():
        return f"{name} has nothing of it any more."
    subject = git(repo, "log", "-1", "--format=%s", merged, why="The merge could not be read").strip()
    made = _committed(repo, tree, [tip], f'Revert "{subject}"\n\nThis takes back {merged[:10]}, undone with Jarvis.')
    _move(repo, name, tip, made)
    return f"Reverted on {name} by a new commit {made[:10]}."


def _branches_with(repo: Path, commit: str, where: str) -> list[str]:
    if not commit_of(repo, commit):
        return []
    listing = git(repo, "for-each-ref", "--contains", commit, "--format=%(refname)", where, why="The branches could not be listed")
    return [line.removeprefix(where) for line in listing.splitlines()]


# --- trees and commits, made aside -------------------------------------------------------------------------------------------


def _merged_tree(repo: Path, ours: str, theirs: str) -> str:
    """The tree of a merge that touches no file. Raises Conflict."""
    done = ran(repo, "merge-tree", "--write-tree", "--name-only", "--no-messages", "-z", ours, theirs)
    words = done.stdout.decode("utf-8", "surrogateescape").split("\0")
    if done.returncode == 1:
        raise Conflict(list(dict.fromkeys(w for w in words[1:] if w)))
    if done.returncode == _TOO_OLD:
        raise Refused("Git is too old to try a merge without touching your files; Jarvis needs git 2.38 or newer for it.", code="failed")
    if done.returncode:
        raise Refused(f"Git could not try the merge: {last_words(done)}", code="failed")
    return words[0]


def _committed(repo: Path, tree: str, parents: list[str], message: str, *, own: bool = True) -> str:
    """A commit that no branch has yet; by the person, or by no one where it is only to be compared."""
    words = [w for parent in parents for w in ("-p", parent)]
    who = () if own else NO_ONE
    return git(repo, *who, "commit-tree", tree, *words, "-m", message, why="Nothing was changed; git could not commit", own_settings=own).strip()


# --- the person's branch -----------------------------------------------------------------------------------------------------


def _move(repo: Path, name: str, tip: str, made: str) -> None:
    """Move a branch forward, with the files where it is checked out. Refuses, with nothing changed, what would lose work of the person's."""
    if name == _current(repo):
        _refuse_under_way(repo)
        _refuse_in_the_way(repo, tip, made)
        words = ("merge", "--ff-only", "--no-overwrite-ignore", "--no-verify", "--no-squash", "--commit", "--no-autostash", "--quiet", made)
        git(repo, *words, why="It could not be merged", own_settings=True)
        if commit_of(repo, "HEAD") != made:
            raise Refused(f"Git moved {name} to another commit than {made[:10]}; look at {_named(repo)}.", code="failed")
        return
    if name in (out := _checked_out(repo)):
        raise Refused(f"{name} is checked out in {clean(out[name])}; do it there, or check out another branch there first.")
    git(repo, "update-ref", "-m", "jarvis", f"refs/heads/{name}", made, tip, why="The branch could not be moved")


def _current(repo: Path) -> str:
    done = ran(repo, "symbolic-ref", "--quiet", "HEAD")
    return done.stdout.decode("utf-8", "surrogateescape").strip().removeprefix("refs/heads/") if done.returncode == 0 else ""


def _checked_out(repo: Path) -> dict[str, str]:
    """The branches that stand in a working tree of this repository, and where."""
    found, where = {}, ""
    for line in git(repo, "worktree", "list", "--porcelain", "-z", why="The working trees could not be listed").split("\0"):
        word, _, value = line.partition(" ")
        where = value if word == "worktree" else where
        if word == "branch":
            found[value.removeprefix("refs/heads/")] = where
    return found


def _refuse_under_way(repo: Path) -> None:
    folder = Path(git(repo, "rev-parse", "--path-format=absolute", "--git-dir", why="Git failed").removesuffix("\n"))
    under_way = [what for name, what in _UNDER_WAY.items() if (folder / name).exists()]
    if under_way:
        raise Refused(f"{_named(repo)} has {under_way[0]} under way; finish it first.")
    if (folder / "index.lock").exists():
        raise Refused(f"{_named(repo)} is in use: {clean(str(folder))}/index.lock is there. Try again when that git has ended.", code="busy")


def _refuse_in_the_way(repo: Path, tip: str, made: str) -> None:
    """What is not committed, and files that git does not know, ignored ones too, that would be written over."""
    raw = git(repo, "diff-tree", "-r", "-z", "--no-renames", "--name-status", tip, made, why="Git failed").split("\0")
    touched = dict(zip(raw[1::2], raw[::2], strict=False))
    changed = git(repo, "status", "--porcelain", "-z", "--untracked-files=no", "--no-renames", why="Git failed", own_settings=True)
    dirty = {entry[3:] for entry in changed.split("\0") if len(entry) > 3}
    new = {path for path, status in touched.items() if status == "A" and _is_file(repo / path)}
    both = sorted((touched.keys() & dirty) | new)
    if both:
        raise Refused(f"You have changes in {listed([clean(p) for p in both[:5]])} that are not committed; commit or stash them, then try again.")


def _is_file(path: Path) -> bool:
    return os.path.lexists(path) and (path.is_symlink() or not path.is_dir())


def _named(repo: Path) -> str:
    return clean(str(repo))[:160]
