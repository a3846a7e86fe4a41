"""Is this result what was asked for, and did nothing else happen? The proof of a result of work on a repository, from its commit alone."""

from collections.abc import Callable, Sequence

from jarvis_lib.execution import repositories
from jarvis_lib.execution.proving import guards
from jarvis_lib.execution.proving.checking import Late, Runner, Trees, check_files, checks, restore
from jarvis_lib.execution.proving.comparing import measures
from jarvis_lib.execution.proving.reading import is_test
from jarvis_lib.execution.proving.tampering import Sides
from jarvis_lib.execution.repositories import Result
from jarvis_lib.execution.spec import Spec
from jarvis_lib.model.escalation import FileChange, in_diff
from jarvis_lib.model.evidence import Evidence
from jarvis_lib.model.prose import clean

__all__ = ["Late", "Runner", "prove_repository"]
_CHANGES_SHOWN = 200
_DIFF_BYTES = 512 * 1024
_STATUS = {"A": "created", "D": "deleted", "R": "moved", "T": "made another kind of file"}


def prove_repository(
    spec: Spec, result: Result, *, base: str, run: Runner, stop: Callable[[], bool], largest: int, mask: Callable[[str], str]
) -> list[Evidence]:
    """The evidence on a result in quarantine (`spec.dir/result.git`): changes, diff, guards, escalations, checks and measures.

    `run` runs a line in a folder, jailed. Raises Late when the proof's time was over.
    """
    quarantine, commit = spec.dir / "result.git", result.commit
    assert commit is not None
    found = [_change(s) for s in result.changed[:_CHANGES_SHOWN]]
    found.append(_diff(spec, result, base, mask))
    sides = [_sides(spec, result, base, i) for i in range(len(result.changed))]
    before = repositories.fresh(quarantine, base, spec.dir / "clean" / "before")
    after = repositories.fresh(quarantine, commit, spec.dir / "clean" / "after")
    trees = Trees(before, after, quarantine, base, commit)
    named = check_files([*(c.command for c in spec.task.checks), *(m.command for m in spec.task.measures)], before)
    found += guards.guard(spec.task.category, sides, largest=largest, check_files=named)
    found += guards.history(repositories.added_ever(quarantine, base, commit))
    found += in_diff([_file_change(s) for s in sides])
    own = [n for n in named if not (spec.task.category == "Test coverage" and is_test(n))]
    kept = list(dict.fromkeys([*own, *_tests_of_the_base(spec, sides)]))
    found += _told(restore(trees, kept))
    found += checks(spec, trees, sides, run, stop)
    found += measures(spec, trees, run, stop)
    return found


def _change(change: repositories.Change) -> Evidence:
    how = _STATUS.get(change.status, "changed")
    where = f" from {clean(change.old)}" if change.old else ""
    lines = "" if change.binary else f" (+{change.added} -{change.deleted})"
    detail = {"changed": True, "how": how, "added": change.added, "deleted": change.deleted}
    return Evidence("change", change.path, None, f"{clean(change.path)} {how}{where}{lines}", detail)


def _diff(spec: Spec, result: Result, base: str, mask: Callable[[str], str]) -> Evidence:
    path = spec.dir / "diff.patch"
    path.write_text(mask(repositories.diff_text(spec.dir / "result.git", base, str(result.commit), _DIFF_BYTES)), encoding="utf-8", errors="surrogateescape")
    detail = {"files": len(result.changed), "added": result.added, "deleted": result.deleted, "base": base, "commit": result.commit}
    return Evidence(
        "diff", "diff", None, result.said, detail | {"path": path.relative_to(spec.home).as_posix() if path.is_relative_to(spec.home) else str(path)}
    )


def _sides(spec: Spec, result: Result, base: str, index: int) -> Sides:
    change = result.changed[index]
    quarantine = spec.dir / "result.git"
    old = repositories.content(quarantine, base, change.old or change.path) if change.status != "A" else None
    new = repositories.content(quarantine, str(result.commit), change.path) if change.status != "D" else None
    return guards.texts({change.path: (old, new)}, [change])[0]


def _file_change(side: Sides) -> FileChange:
    old, new = (side.before or "").splitlines(), (side.after or "").splitlines()
    was, now = set(old), set(new)
    return FileChange(side.path, side.change.status == "D", [line for line in old if line not in now], [line for line in new if line not in was])


def _tests_of_the_base(spec: Spec, sides: Sequence[Sides]) -> list[str]:
    """Tests that were there before: a fix and a refactoring are judged by them as they were, whatever became of them."""
    if spec.task.category not in ("Bug fixes", "Refactoring", "Performance optimization"):
        return []
    return [s.change.old or s.path for s in sides if s.before is not None and is_test(s.change.old or s.path)]


def _told(restored: Sequence[str]) -> list[Evidence]:
    if not restored:
        return []
    return [Evidence("change", "checks' files", None, f"for the checks {', '.join(clean(p) for p in restored[:5])} came from the base", {"changed": False})]
