"""What proves a result: its checks on clean copies of before and after, and what its category needs beyond them.

A check never sees what was left uncommitted, and the files that it is made of come from the base: a result cannot weaken what judges it.
"""

import re
import shlex
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from jarvis_lib.execution import repositories
from jarvis_lib.execution.commands import label
from jarvis_lib.execution.measuring import LEAST_RUNS, judged, last_number, names
from jarvis_lib.execution.output import Output
from jarvis_lib.execution.processes import Bounds, Ended, said_ended
from jarvis_lib.execution.proving.guards import Sides
from jarvis_lib.execution.proving.reading import is_test
from jarvis_lib.execution.spec import Spec
from jarvis_lib.model.evidence import Evidence
from jarvis_lib.model.prose import clean, listed, plural, seconds, shorten
from jarvis_lib.model.task import Check, Measure

Runner = Callable[[str, Path, float, Path | None], tuple[Ended, Output, Bounds]]
"""(line, folder, seconds, log) -> how it ended, what it printed, the bounds it had; in the jail."""
_WORD = re.compile(r"[^\s'\"`;|&<>()=,]+")
_PASSED = re.compile(r"\b(\d+) passed\b|^Ran (\d+) tests? in|\bTests:.*?\b(\d+) passed|^test result: ok\. (\d+) passed", re.MULTILINE)
_BROKEN = re.compile(r"\b(\d+) (?:failed|errors?)\b|\bFAILED \((?:failures|errors)=(\d+)")
_NUMBER_WORD = re.compile(r"[-+]?\d[\d.,]*(?:e[-+]?\d+)?")


class Late(Exception):
    """The proof's own deadline, or the person, ended it before its end; `outcome` is timed_out or stopped."""

    def __init__(self, outcome: str, said: str) -> None:
        super().__init__(said)
        self.outcome = outcome


@dataclass(frozen=True, slots=True)
class Trees:
    """Clean copies: the base, the result, and the result with the checks' own files from the base."""

    before: Path
    after: Path
    quarantine: Path
    base: str
    commit: str


def check_files(task_checks: Sequence[str], tree: Path) -> list[str]:
    """The files of a tree that these command lines name, as relative paths; a makefile for `make`."""
    found: dict[str, None] = {}
    for line in task_checks:
        words = _WORD.findall(line)
        for word in words:
            relative = word.split("::")[0]
            if not relative.startswith(("/", "-")) and (tree / relative).is_file():
                found[relative] = None
        if "make" in [Path(w).name for w in words]:
            found |= {n: None for n in ("GNUmakefile", "makefile", "Makefile") if (tree / n).is_file()}
    return list(found)


def restore(trees: Trees, paths: Sequence[str]) -> list[str]:
    """Put the base's bytes of these files into the result's tree; those that differed."""
    changed = []
    for path in paths:
        own = (trees.before / path).read_bytes()
        target = trees.after / path
        if target.is_symlink() or (target.exists() and not target.is_file()):
            shutil.rmtree(target) if target.is_dir() and not target.is_symlink() else target.unlink()
        if not target.exists() or target.read_bytes() != own:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(own)
            shutil.copymode(trees.before / path, target)
            changed.append(path)
    return changed


def run_check(spec: Spec, check: Check, kind: str, tree: Path, run: Runner, log: Path, stop: Callable[[], bool]) -> tuple[Evidence, str]:
    """One check in one tree: its evidence, and what it printed."""
    ended, out, bounds = run(check.command, tree, check.wall_s, log)
    name = label(check.command, check.name)
    late(spec, ended, stop, f"the check '{name}' had no time left to end")
    ok = ended.how == "exited" and ended.exit_code == 0
    last = out.last_line()
    said = (
        (f"{name}: {shorten(last, 160)}" if last else f"{name} passed ({seconds(ended.seconds)})")
        if ok
        else said_ended(f"the check '{name}'", ended, bounds, last)
    )
    if kind == "check_before":
        said = f"green before the change: {said}" if ok else f"red before the change: {said}"
    detail = {"command": clean(check.command), "exit_code": ended.exit_code, "how": ended.how, "seconds": round(ended.seconds, 3), "tail": out.tail()[-1000:]}
    return Evidence(kind, name, ok, said, detail), out.tail()


def late(spec: Spec, ended: Ended, stop: Callable[[], bool], said: str) -> None:
    """Raise Late when the step's end, rather than the check's own limit, was what ended it."""
    if ended.how == "stopped" or (ended.how == "timed_out" and spec.left_s() <= 0.05):
        raise Late("stopped" if stop() else "timed_out", f"The proof ran out of time: {said}")


def checks(spec: Spec, trees: Trees, sides: Sequence[Sides], run: Runner, stop: Callable[[], bool]) -> list[Evidence]:
    """The given checks after the change, and before it where the category asks for it; then what the category needs of its own."""
    task = spec.task
    both = task.category in ("Bug fixes", "Refactoring", "Test coverage")
    found: list[Evidence] = []
    for i, check in enumerate(task.checks, 1):
        before_said = ""
        if both:
            red, before_said = run_check(spec, check, "check_before", trees.before, run, spec.dir / f"check_before_{i}.log", stop)
            found.append(red)
        green, after_said = run_check(spec, check, "check", trees.after, run, spec.dir / f"check_{i}.log", stop)
        found.append(green)
        if task.category in ("Refactoring", "Test coverage"):
            found += _as_many_tests(green, before_said, after_said)
    if task.category == "Bug fixes" and not any(e.kind == "check_before" and e.ok is False for e in found):
        found += _new_test(spec, trees, sides, run, stop)
    if task.category == "Infrastructure":
        found.append(_undo_tried(trees))
    return found


def _as_many_tests(green: Evidence, before: str, after: str) -> list[Evidence]:
    """The same number of tests or more, where their framework says how many there were."""
    old, new = count_tests(before), count_tests(after)
    if old is None or new is None:
        return []
    verb = "passes" if new == 1 else "pass"
    said = f"{plural(new, 'test')} {verb}, {old} before" if new >= old else f"only {plural(new, 'test')} {verb}, {old} before"
    return [Evidence("check", f"tests of {green.name}", new >= old, said, {"before": old, "after": new})]


def count_tests(text: str) -> int | None:
    """How many tests passed, by the last summary of pytest, unittest, jest or cargo; None without one."""
    found = [int(next(g for g in m.groups() if g)) for m in _PASSED.finditer(text)]
    return found[-1] if found else None


def _new_test(spec: Spec, trees: Trees, sides: Sequence[Sides], run: Runner, stop: Callable[[], bool]) -> list[Evidence]:
    """A test that came with the fix: red on the base, green on the result. Only Python's are run by themselves."""
    new = [s.path for s in sides if s.path.endswith(".py") and is_test(s.path) and s.after is not None and not s.path.endswith("conftest.py")]
    if not new:
        return []
    for path in new:
        target = trees.before / path
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(trees.after / path, target)
    line = " ".join(["{python}", "-m", "pytest", "-q", "-p", "no:cacheprovider", *(shlex.quote(p) for p in new)])
    check = Check(line, name=f"the new test in {listed([clean(p) for p in new[:3]])}")
    red, said = run_check(spec, check, "check_before", trees.before, run, spec.dir / "new_test_before.log", stop)
    if red.ok is False and "No module named pytest" in said:
        return [Evidence("check_before", check.name, None, "its new tests could not be run: pytest is not installed beside Jarvis; give a --check")]
    green, _ = run_check(spec, check, "check", trees.after, run, spec.dir / "new_test.log", stop)
    return [red, green]


def _undo_tried(trees: Trees) -> Evidence:
    """Can it be taken back? The change is reversed in a clean copy, and the files must be those of the base."""
    from jarvis_lib.execution.repositories.git import NO_ONE, commit_of, git, ran

    there = repositories.fresh(trees.quarantine, trees.commit, trees.after.with_name("undone"))
    done = ran(there, *NO_ONE, "revert", "--no-edit", f"{trees.base}..{trees.commit}")
    same = done.returncode == 0 and git(there, "rev-parse", "HEAD^{tree}", why="Git failed") == git(
        there, "rev-parse", f"{trees.base}^{{tree}}", why="Git failed"
    )
    shutil.rmtree(there, ignore_errors=True)
    said = "taken back in a clean copy, and its files were those of before" if same else "it could not be taken back in a clean copy"
    return Evidence("check", "undo tried", same, said, {"commit": commit_of(trees.quarantine, trees.commit)})


def measures(spec: Spec, trees: Trees, run: Runner, stop: Callable[[], bool]) -> list[Evidence]:
    """Each measure on both trees in turns, as a ratio with its interval; and what it printed besides must be equal on both."""
    found = []
    for name, measure in zip(names(spec.task.measures), spec.task.measures, strict=True):
        found += _measured(spec, measure, name, trees, run, stop)
    return found


def _measured(spec: Spec, measure: Measure, name: str, trees: Trees, run: Runner, stop: Callable[[], bool]) -> list[Evidence]:
    sides = (trees.before, trees.after)
    values: tuple[list[float], list[float]] = ([], [])
    printed = ["", ""]
    wanted = max(measure.repeats, LEAST_RUNS)
    for turn in range(wanted + 1):
        for i in (0, 1) if turn % 2 == 0 else (1, 0):
            ended, out, bounds = run(measure.command, sides[i], measure.wall_s, None)
            late(spec, ended, stop, f"{name} had no time left")
            value = last_number(out.tail())
            if ended.how != "exited" or ended.exit_code != 0 or value is None:
                why = (
                    said_ended(f"'{label(measure.command)}'", ended, bounds, out.last_line())
                    if value is not None or ended.exit_code
                    else "it printed no number"
                )
                return [
                    Evidence(
                        "measure", name, False, f"{name} could not be measured {'before' if i == 0 else 'after'} the change: {why}", {"unit": measure.unit}
                    )
                ]
            printed[i] = _NUMBER_WORD.sub("#", "\n".join(out.tail().strip().splitlines()[:-1]))
            if turn:  # the first round only warms up
                values[i].append(value)
    found = [judged(measure, name, *values, seed=spec.seed, interleaved=True)]
    if printed[0] or printed[1]:
        same = printed[0] == printed[1]
        said = "what it printed besides is equal before and after" if same else "what it printed besides differs, so the results are not equal"
        found.append(Evidence("check", f"results of {name}", same, said))
    return found
