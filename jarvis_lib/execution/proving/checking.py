"""What proves a result: its checks on clean copies of before and after, and what its category needs beyond them.

A check never sees what was left uncommitted, and the files that it is made of come from the base: a result cannot weaken what judges it.
"""

import re
import shlex
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from jarvis_lib.execution import repositories
from jarvis_lib.execution.commands import label
from jarvis_lib.execution.output import Output
from jarvis_lib.execution.processes import Bounds, Ended, said_ended
from jarvis_lib.execution.proving.reading import is_document, is_test
from jarvis_lib.execution.proving.tampering import Sides
from jarvis_lib.execution.spec import Spec
from jarvis_lib.model.evidence import Evidence
from jarvis_lib.model.prose import clean, listed, plural, seconds, shorten
from jarvis_lib.model.task import Check

Runner = Callable[[str, Path, float, Path | None], tuple[Ended, Output, Bounds]]
"""(line, folder, seconds, log) -> how it ended, what it printed, the bounds it had; in the jail."""
_JUDGE = re.compile(r"(?i)(^|[/_.-])(check|verif|validat|test|spec|lint|ci|smoke|assert|bench|perf|measure|reproduc)[a-z]*([_.-][^/]*)?$")
_WORD = re.compile(r"[^\s'\"`;|&<>()=,]+")
_SUMMARIES = (
    re.compile(r"\b(\d+) passed\b"),  # pytest
    re.compile(r"^Ran (\d+) tests? in", re.MULTILINE),  # unittest
    re.compile(r"^\s*(\d+) passing\b", re.MULTILINE),  # mocha
)
_EACH = (re.compile(r"^test result: ok\. (\d+) passed", re.MULTILINE), re.compile(r"^Tests:.*?\b(\d+) passed", re.MULTILINE))
_GO = re.compile(r"^\s*--- PASS:", re.MULTILINE)
_RUNS_PYTEST = re.compile(r"(?:^|[\s;&/])(?:py\.?test)\b")
NO_TESTS = (3, 4, 5)
"""What pytest ends with when it broke, was called wrongly, or found no test: nothing was tested then."""


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
    """The files of a tree that these command lines are made of, as relative paths: tests and scripts that check; a makefile for `make`.

    What else they name (`grep -q new README.md`, `python app.py`) is the work that is checked.
    """
    found: dict[str, None] = {}
    for line in task_checks:
        words = _WORD.findall(line)
        for word in words:
            relative = word.split("::")[0]
            if not relative.startswith(("/", "-")) and _judges(relative) and (tree / relative).is_file():
                found[relative] = None
        if "make" in [Path(w).name for w in words]:
            found |= {n: None for n in ("GNUmakefile", "makefile", "Makefile") if (tree / n).is_file()}
    return list(found)


def _judges(path: str) -> bool:
    return is_test(path) or bool(_JUDGE.search(path) and re.search(r"\.\w+$|(^|/)\w+$", path) and not is_document(path))


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
    ok: bool | None = ended.how == "exited" and ended.exit_code == 0
    last = out.last_line()
    if ok and _says_nothing(check.command, out):
        ok, said = False, f"the check '{name}' ended with exit 0, but pytest did not say that a test had passed"
    elif ok:
        said = f"{name}: {shorten(last, 160)}" if last else f"{name} passed ({seconds(ended.seconds)})"
    else:
        said = said_ended(f"the check '{name}'", ended, bounds, last)
    if kind == "check_before":
        ok = None if not ok and _tested_nothing(check, ended, tree) else ok
        said = f"{'it could not run' if ok is None else 'green' if ok else 'red'} before the change: {said}"
    detail = {"command": clean(check.command), "exit_code": ended.exit_code, "how": ended.how, "seconds": round(ended.seconds, 3), "tail": out.tail()[-1000:]}
    return Evidence(kind, name, ok, said, detail), out.tail()


def _says_nothing(line: str, out: Output) -> bool:
    """Did pytest end well without a word of a passed test? Code that it imports can end it so."""
    runs = _RUNS_PYTEST.search(line) and not re.search(r"[>|]|--collect-only|--version|\s-qq", line)
    return bool(runs) and count_tests(out.tail()) is None and "[100%]" not in out.tail()


def _tested_nothing(check: Check, ended: Ended, tree: Path) -> bool:
    """Is red no proof of a bug, since the check itself could not run on this tree: a command, a file or the tests were not there?"""
    if ended.how == "not_started" or ended.exit_code in (126, 127):
        return True
    if _RUNS_PYTEST.search(check.command):
        return ended.exit_code in NO_TESTS
    return any(_is_missing(word, tree) for word in _WORD.findall(check.command))


def _is_missing(word: str, tree: Path) -> bool:
    name = word.split("::")[0]
    return not name.startswith(("/", "-", "{")) and bool(re.search(r"\w\.(py|sh|js|mjs|ts|rb|go|pl|php)$", name)) and not (tree / name).exists()


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
    """How many tests passed, by the summary of pytest, unittest, mocha, jest, cargo or go; None without one."""
    for pattern in _EACH:
        if hits := pattern.findall(text):
            return sum(map(int, hits))
    for pattern in _SUMMARIES:
        if hits := pattern.findall(text):
            return int(hits[-1])
    return len(_GO.findall(text)) or None


def _new_test(spec: Spec, trees: Trees, sides: Sequence[Sides], run: Runner, stop: Callable[[], bool]) -> list[Evidence]:
    """A test that came with the fix: red on the base, green on the result, with everything that it brought for itself. Only Python's are run by themselves.

    Red means that a test ran and failed: what could not be imported proves no bug.
    """
    brought = {s.path: s.after for s in sides if is_test(s.path) and s.after is not None and not s.path.endswith("conftest.py")}
    new = [path for path in brought if path.endswith(".py") and re.search(r"^\s*(?:async )?def test|^class Test", brought[path], re.MULTILINE)]
    if not new:
        return []
    line = " ".join(["{python}", "-m", "pytest", "-q", "-p", "no:cacheprovider", *(shlex.quote(p) for p in new)])
    check = Check(line, name=f"the new test in {listed([clean(p) for p in new[:3]])}")
    with _brought(trees.before, brought), _brought(trees.after, brought):
        red, said = run_check(spec, check, "check_before", trees.before, run, spec.dir / "new_test_before.log", stop)
        if red.ok is False and "No module named pytest" in said:
            return [Evidence("check_before", check.name, None, "its new tests could not be run: pytest is not installed beside Jarvis; give a --check")]
        if red.ok is False and red.detail["exit_code"] != 1:
            why = f"{check.name} could not run before the change, which proves no bug: {shorten(said.strip().splitlines()[-1] if said.strip() else '', 120)}"
            red = Evidence("check_before", check.name, None, why, red.detail)
        green, _ = run_check(spec, check, "check", trees.after, run, spec.dir / "new_test.log", stop)
    return [red, green]


@contextmanager
def _brought(tree: Path, files: Mapping[str, str]) -> Iterator[None]:
    """While it lasts, the files of the task's own tests lie in the tree; then it is as it was."""
    was = {path: (tree / path).read_bytes() if (tree / path).is_file() else None for path in files}
    for path, text in files.items():
        (tree / path).parent.mkdir(parents=True, exist_ok=True)
        (tree / path).write_text(text, encoding="utf-8", newline="")
    yield
    for path, raw in was.items():
        (tree / path).write_bytes(raw) if raw is not None else (tree / path).unlink()


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
