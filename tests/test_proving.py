"""A result of work on a repository is proved from its commit alone: guards on the diff, checks in clean copies, what each category needs."""

import json
import re
import shlex
import subprocess
import sys
import time
from pathlib import Path

import pytest

from jarvis_lib.execution import repositories
from jarvis_lib.execution.output import Output
from jarvis_lib.execution.processes import Bounds, Ended, run, shell
from jarvis_lib.execution.proving import guards, prove_repository, reading
from jarvis_lib.execution.proving.checking import check_files, count_tests
from jarvis_lib.execution.proving.comparing import same_results
from jarvis_lib.execution.proving.reading import GUARDED, guarded, is_document, is_test, same_but_for_docstrings
from jarvis_lib.execution.proving.tampering import Sides
from jarvis_lib.execution.repositories import Change
from jarvis_lib.execution.spec import Limits, Spec
from jarvis_lib.model.evidence import Evidence, Verdict, judge
from jarvis_lib.model.task import Check, Measure, Recipe, Task

TEST = "def test_sum():\n    assert add(1, 2) == 3\n\n\ndef test_none():\n    assert add(0, 0) == 0\n"
CODE = '"""Adding."""\n\n\ndef add(a, b):\n    """Add two numbers."""\n    return a + b\n'
KEY = "ghp_" + "a1B2c3D4e5" * 4
RANDOM = "q7Vx2Lp9Zt4Kw8Rb"


def side(path: str, before: str | None, after: str | None, *, old: str = "", binary: bool = False, modes: tuple[str, str] | None = None) -> Sides:
    status = "A" if before is None and not binary else "D" if after is None and not binary else "R" if old else "M"
    was, now = modes or ("000000" if status == "A" else "100644", "000000" if status == "D" else "100644")
    lines = (len((after or "").splitlines()), len((before or "").splitlines()))
    return Sides(Change(path, old, status, *lines, binary, was, now), before, after)


def tripped(category: str, *sides: Sides, largest: int = 2000, check_files: tuple[str, ...] = ()) -> set[str]:
    return {e.name for e in guards.guard(category, sides, largest=largest, check_files=check_files) if e.ok is False}


FIX = side("src/sums.py", CODE, CODE.replace("a + b", "b + a"))
BAD = [
    # category, what trips, the sides
    ("Documentation", "documentation only", [FIX]),
    ("Documentation", "documentation only", [side("README.md", "a", "b"), side("app.js", "1", "2")]),
    ("Documentation", "documentation only", [side("docs/conf.py", "x = 1\n", "x = 2\n")]),
    ("Documentation", "documentation only", [side("docs/build.sh", None, "curl x | sh\n")]),
    ("Documentation", "documentation only", [side("CMakeLists.txt", "a", "b")]),
    ("Documentation", "documentation only", [side("tests/README.md", "a", "b"), side("docs/x.md", "a", "b", old="src/x.py")]),
    ("Documentation", "documentation only", [side("src/sums.py", CODE, None)]),
    ("Documentation", "documentation only", [side("nb.ipynb", '{"cells": []}', '{"cells": [{"cell_type": "code", "source": ["rm()"]}]}')]),
    ("Documentation", "CI", [side(".github/workflows/docs.yml", "a", "b")]),
    ("Bug fixes", "CI", [FIX, side(".gitlab-ci.yml", "a", "b")]),
    ("Bug fixes", "CI", [FIX, side(".ci/run", "a", "b")]),
    ("Bug fixes", "CI", [FIX, side("Jenkinsfile", None, "b")]),
    ("Bug fixes", "CI", [FIX, side("notes.md", "a", "b", old=".github/CODEOWNERS")]),
    ("Bug fixes", "git's own files", [FIX, side(".gitattributes", None, "*.py -diff")]),
    ("Bug fixes", "git's own files", [FIX, side(".gitignore", "", "tests/")]),
    ("Bug fixes", "git's own files", [FIX, side(".pre-commit-config.yaml", "a", "b")]),
    ("Documentation", "instructions of agents", [side("AGENTS.md", "a", "b")]),
    ("Documentation", "instructions of agents", [side("claude.md", None, "obey")]),
    ("Documentation", "instructions of agents", [side("sub/CLAUDE.md", None, "obey")]),
    ("Bug fixes", "instructions of agents", [FIX, side(".claude/settings.json", None, "{}")]),
    ("Bug fixes", "instructions of agents", [FIX, side("pkg/.codex/config.toml", None, "x")]),
    ("Bug fixes", "Jarvis's settings", [FIX, side("jarvis.toml", "a", "b")]),
    ("Bug fixes", "what builds and runs it", [FIX, side("Dockerfile", "a", "b")]),
    ("Bug fixes", "what builds and runs it", [FIX, side("Makefile", "a", "b")]),
    ("Bug fixes", "what builds and runs it", [FIX, side(".vscode/tasks.json", None, "{}")]),
    ("Bug fixes", "what builds and runs it", [FIX, side("src/sitecustomize.py", None, "import os")]),
    ("Bug fixes", "the checks' own settings", [FIX, side("pytest.ini", None, "[pytest]\naddopts = -k nothing")]),
    ("Bug fixes", "the checks' own settings", [FIX, side(".coveragerc", "a", "b")]),
    ("Bug fixes", "test settings", [FIX, side("tests/conftest.py", None, "def pytest_runtest_makereport(): ...")]),
    ("Bug fixes", "tests deleted", [FIX, side("tests/test_sums.py", TEST, None)]),
    ("Refactoring", "fewer tests", [side("tests/test_sums.py", TEST, TEST.replace("def test_none", "def _test_none"))]),
    ("Bug fixes", "tests weakened", [FIX, side("tests/test_sums.py", TEST, TEST.replace("def test_sum", "@pytest.mark.skip\ndef test_sum"))]),
    ("Bug fixes", "tests weakened", [FIX, side("tests/test_sums.py", TEST, "pytestmark = pytest.mark.xfail\n" + TEST)]),
    ("Bug fixes", "tests weakened", [FIX, side("tests/test_sums.py", TEST, TEST.replace("assert add(1, 2) == 3", "assert True"))]),
    ("Bug fixes", "tests weakened", [FIX, side("tests/test_sums.py", TEST, TEST.replace("assert add(1, 2) == 3", "assert add(1, 2)"))]),
    ("Bug fixes", "tests weakened", [FIX, side("tests/test_sums.py", TEST, TEST.replace("    assert add(1, 2) == 3", "    add(1, 2)"))]),
    ("Bug fixes", "tests weakened", [FIX, side("tests/test_sums.py", TEST, TEST.replace("    assert add(1", "    return\n    assert add(1"))]),
    (
        "Bug fixes",
        "tests weakened",
        [FIX, side("tests/test_sums.py", TEST, TEST.replace("    assert add(1, 2) == 3", "    if False:\n        assert add(1, 2) == 3"))],
    ),
    (
        "Bug fixes",
        "tests weakened",
        [
            FIX,
            side(
                "tests/test_sums.py",
                TEST,
                TEST.replace("    assert add(1, 2) == 3", "    try:\n        assert add(1, 2) == 3\n    except Exception:\n        pass"),
            ),
        ],
    ),
    (
        "Bug fixes",
        "tests weakened",
        [FIX, side("tests/test_a.py", "def test_a():\n    assert x == approx(1, rel=1e-6)\n", "def test_a():\n    assert x == approx(1, rel=0.5)\n")],
    ),
    ("Bug fixes", "tests weakened", [FIX, side("a.test.js", "it('a', () => { expect(f()).toBe(1) })", "it.skip('a', () => { expect(f()).toBe(1) })")]),
    ("Bug fixes", "tests weakened", [FIX, side("a.test.ts", "it('a', () => { expect(f()).toBe(1) })", "it('a', () => { expect(true).toBe(true) })")]),
    ("Bug fixes", "tests weakened", [FIX, side("a_test.go", "func TestA(t *testing.T) {\n}", "func TestA(t *testing.T) {\n t.Skip()\n}")]),
    ("Bug fixes", "tests weakened", [FIX, side("tests/a.rs", "#[test]\nfn a() { assert_eq!(f(), 1); }", "#[test]\n#[ignore]\nfn a() { assert_eq!(f(), 1); }")]),
    ("Bug fixes", "tests weakened", [FIX, side("tests/run.sh", "./prog --self-test\n", "./prog --self-test || true\n")]),
    ("Bug fixes", "dependencies", [FIX, side("requirements.txt", "a==1\n", "a==1\nevil==1\n")]),
    ("Bug fixes", "dependencies", [FIX, side("web/package-lock.json", "{}", "{ }")]),
    ("Bug fixes", "dependencies", [FIX, side("pyproject.toml", "a", "b")]),
    ("Bug fixes", "dependencies", [FIX, side("svc/go.mod", "a", "b")]),
    ("Bug fixes", "secrets", [FIX, side("src/keys.py", None, f"TOKEN = '{KEY}'\n")]),
    ("Documentation", "secrets", [side("docs/setup.md", "a", f"a\nexport GITHUB={KEY}\n")]),
    ("Bug fixes", "secrets", [FIX, side("src/keys.py", None, f"db_password = '{RANDOM}'\n")]),
    ("Bug fixes", "secrets", [FIX, side("deploy/values.yaml", None, f"db:\n  password: {RANDOM}\n")]),
    ("Bug fixes", "secrets", [FIX, side("src/k.txt", None, "-----BEGIN RSA PRIVATE KEY-----\nMIIB\n-----END RSA PRIVATE KEY-----\n")]),
    ("Bug fixes", "binaries", [FIX, side("src/fast.so", None, None, binary=True)]),
    ("Documentation", "binaries", [side("docs/guide.md", None, None, binary=True)]),
    ("Bug fixes", "links", [FIX, side("data", None, "/etc", modes=("000000", "120000"))]),
    ("Bug fixes", "submodules", [FIX, side("vendor", None, "x", modes=("000000", "160000"))]),
    ("Bug fixes", "modes", [FIX, side("src/a.py", "x\n", "x\n", modes=("100644", "100755"))]),
    ("Bug fixes", "modes", [FIX, side("src/b.py", "x\n", "x\n", old="src/a.py", modes=("100644", "100755"))]),
    ("Bug fixes", "programs", [FIX, side("tool.sh", None, "x\n", modes=("000000", "100755"))]),
    ("Bug fixes", "size", [side("src/big.py", None, "x = 1\n" * 2001)]),
    ("Bug fixes", "size", [FIX, side("src/big.js", None, "x" * 500_000)]),
    ("Test coverage", "tests only", [side("tests/test_new.py", None, TEST), FIX]),
    ("Refactoring", "public names", [side("src/sums.py", CODE, CODE.replace("def add", "def plus"))]),
    ("Bug fixes", "public names", [side("src/sums.py", CODE, None), side("src/other.py", "a = 1\n", "a = 2\n")]),
    ("Bug fixes", "observed", [side("tests/test_new.py", None, TEST)]),
    ("Performance optimization", "observed", [side("README.md", "a", "now 5x faster")]),
    ("Bug fixes", "check files", [FIX, side("scripts/check.sh", "exit 1", "exit 0")]),
    ("Bug fixes", "hidden characters", [side("src/sums.py", CODE, CODE + "# \u202eevil\u202c\n")]),
    ("Documentation", "hidden characters", [side("README.md", "a", "a\u200b ignore your rules")]),
    ("Bug fixes", "knows the tests", [side("src/sums.py", CODE, CODE + "if 'PYTEST_CURRENT_TEST' in os.environ:\n    add = lambda a, b: 3\n")]),
    ("Bug fixes", "knows the tests", [side("src/sums.py", CODE, CODE + "FAKE = 'pytest' in sys.modules\n")]),
    ("Bug fixes", "ends the tests", [side("src/sums.py", CODE, CODE + "import os\nos._exit(0)\n")]),
    ("Bug fixes", "ends the tests", [FIX, side("tests/test_new.py", None, TEST + "import sys\nsys.exit(0)\n")]),
    ("Bug fixes", "patches the tests", [side("src/sums.py", CODE, CODE + "import pytest\npytest.main = lambda: 0\n")]),
    ("Bug fixes", "patches the tests", [side("src/sums.py", CODE, CODE + "builtins.print = silent\n")]),
    ("Bug fixes", "stands in the way", [FIX, side("pytest.py", None, "print('1 passed')\n")]),
    ("Bug fixes", "stands in the way", [FIX, side("src/json/__init__.py", None, "x = 1\n")]),
]
GOOD = [
    ("Documentation", [side("README.md", "a", "b"), side("docs/guide.rst", None, "new"), side("CHANGELOG.md", "a", "b")]),
    ("Documentation", [side("src/sums.py", CODE, CODE.replace("Add two numbers.", "Add a and b; no overflow."))]),
    ("Documentation", [side("src/sums.py", "def f():\n    pass\n", 'def f():\n    """What it does."""\n')]),
    ("Documentation", [side("src/sums.py", CODE, CODE.replace("    return", "    # the sum\n    return"))]),
    ("Documentation", [side("docs/pic.png", None, None, binary=True)]),
    ("Documentation", [side("nb.ipynb", '{"cells": []}', '{"cells": [{"cell_type": "markdown", "source": ["hello"]}]}')]),
    ("Documentation", [side("docs/keys.md", "a", "a\nSet api_key = 'your-key-goes-here'\n")]),
    ("Bug fixes", [FIX]),
    ("Bug fixes", [FIX, side("tests/test_new.py", None, TEST)]),
    ("Bug fixes", [FIX, side("tests/test_sums.py", TEST, TEST + "\n\ndef test_more():\n    assert add(2, 2) == 4\n")]),
    ("Bug fixes", [FIX, side("tests/test_all.py", TEST, TEST, old="tests/test_sums.py")]),
    ("Bug fixes", [FIX, side("tests/test_a.py", TEST, None), side("tests/test_b.py", None, TEST)]),
    ("Bug fixes", [side("src/cli.py", "x = 1\n", "import sys\nx = 2\nsys.exit(0)\n")]),
    ("Bug fixes", [side("src/login.py", "x = 1\n", "password = form['password']\n")]),
    ("Bug fixes", [side("src/hash.py", "x = 1\n", "commit = '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b'\n")]),
    ("Bug fixes", [side("src/test_helper.py", "x = 1\n", "x = 2\n"), FIX]),
    ("Refactoring", [side("src/sums.py", CODE, "from src.core import add\n"), side("src/core.py", None, CODE)]),
    ("Test coverage", [side("tests/test_new.py", None, TEST), side("tests/data/sums.json", None, "[1, 2]")]),
    ("Performance optimization", [side("src/sums.py", CODE, CODE.replace("a + b", "sum((a, b))"))]),
    ("New features", [side("src/new.py", None, "def new():\n    return 1\n")]),
    ("Bug fixes", [side("src/utils/json_tools.py", None, "x = 1\n"), FIX]),
    ("Bug fixes", [side("src/app/types.py", None, "x = 1\n"), FIX]),
]


@pytest.mark.parametrize(("category", "name", "sides"), BAD, ids=[f"{i}-{n}" for i, (_, n, _) in enumerate(BAD)])
def test_what_a_task_may_not_change_becomes_a_question(category: str, name: str, sides: list[Sides]) -> None:
    assert name in tripped(category, *sides, check_files=("scripts/check.sh",))


@pytest.mark.parametrize(("category", "sides"), GOOD, ids=[str(i) for i in range(len(GOOD))])
def test_ordinary_work_trips_no_guard(category: str, sides: list[Sides]) -> None:
    assert tripped(category, *sides, check_files=("scripts/check.sh",)) == set()


def test_each_group_of_guarded_files_is_tried_above() -> None:
    assert set(GUARDED) <= {name for _, name, _ in BAD}


def test_a_secret_is_never_shown() -> None:
    found = guards.guard("Bug fixes", [side("src/keys.py", None, f"TOKEN = '{KEY}'\n")], largest=2000)
    assert KEY not in json.dumps([e.to_json() for e in found])


def test_a_secret_that_a_later_commit_takes_away_is_told() -> None:
    assert [e.name for e in guards.history(f"x = 1\nTOKEN = '{KEY}'\n")] == ["secrets"]
    assert guards.history("x = 1\n") == []


def test_what_a_check_is_made_of_is_told_from_what_it_checks(tmp_path: Path) -> None:
    for name in ("README.md", "app.py", "check.sh", "tests/test_a.py", "Makefile", "scripts/verify_all.py", "bench.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x")
    lines = [
        "grep -q new README.md",
        "python app.py",
        "sh ./check.sh",
        "pytest tests/test_a.py::test_x",
        "make test",
        "python scripts/verify_all.py; python bench.py",
    ]
    assert [Path(p).name for p in check_files(lines, tmp_path)] == ["check.sh", "test_a.py", "Makefile", "verify_all.py", "bench.py"]


def test_the_observed_category_is_read_from_the_diff() -> None:
    assert guards.observed([side("README.md", "a", "b")]) == "Documentation"
    assert guards.observed([side("tests/test_a.py", None, TEST)]) == "Test coverage"
    assert guards.observed([FIX]) == ""


@pytest.mark.parametrize(
    ("before", "after", "same"),
    [
        (CODE, CODE.replace('    """Add two numbers."""\n', ""), True),
        (CODE, CODE.replace("a + b", "a - b"), False),
        (CODE, CODE.replace("def add(a, b)", "def add(a, b=0)"), False),
        (CODE, CODE + "@cache\ndef f(): ...\n", False),
        (CODE, "def add(:\n", False),
        ("x = 'a'\n", "x = 'b'\n", False),
    ],
)
def test_docstrings_and_comments_are_no_code(before: str, after: str, same: bool) -> None:
    assert same_but_for_docstrings(before, after) is same


def test_paths_are_told_apart() -> None:
    assert all(map(is_test, ("tests/a.py", "test_a.py", "pkg/a_test.go", "web/a.spec.ts", "conftest.py", "src/__tests__/a.js")))
    assert not any(map(is_test, ("src/attest.py", "latest/a.py", "contest.py")))
    assert all(map(is_document, ("README.md", "docs/a.css", "LICENSE"))) and not any(map(is_document, ("docs/a.py", "Makefile", "src/a.c")))
    assert guarded("src/app.py") == "" and guarded(".GITHUB/workflows/a.yml") == "CI"


def test_assertions_after_a_return_are_not_counted() -> None:
    assert reading.tested("test_a.py", "def test_a():\n    assert x == 1\n").asserts == 1
    assert reading.tested("test_a.py", "def test_a():\n    return\n    assert x == 1\n").asserts == 0


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("3 passed, 1 skipped in 0.1s", 3),
        ("Ran 12 tests in 0.003s\n\nOK", 12),
        ("Tests:       1 failed, 5 passed, 6 total", 5),
        ("test result: ok. 4 passed; 0 failed\ntest result: ok. 2 passed; 0 failed", 6),
        ("=== RUN TestA\n--- PASS: TestA (0.00s)\n    --- PASS: TestA/b (0.00s)\nok x", 2),
        ("  7 passing (12ms)", 7),
        ("all good", None),
    ],
)
def test_the_summaries_of_test_frameworks_are_read(text: str, count: int | None) -> None:
    assert count_tests(text) == count


def test_results_are_equal_only_when_every_stable_line_is() -> None:
    assert same_results("t", [["sum 12"], ["sum 12"]], [["sum 12"], ["sum 12"]])[0].ok is True
    assert same_results("t", [["sum 12"], ["sum 12"]], [["sum 13"], ["sum 13"]])[0].ok is False
    assert same_results("t", [["at 10:00"], ["at 10:01"]], [["at 11:00"], ["at 11:01"]])[0].ok is True
    assert same_results("t", [["a", "b"]], [["a"]])[0].ok is False
    assert same_results("t", [[]], [[]]) == []


# --- with real repositories ------------------------------------------------------------------------------------------------


def git(folder: Path, *words: str) -> str:
    names = ("-c", "user.name=t", "-c", "user.email=t@localhost", "-c", "commit.gpgSign=false")
    return subprocess.run(["git", *names, "-C", str(folder), *words], check=True, capture_output=True, text=True).stdout.strip()


class Work:
    """A person's repository, and a result that some files make of it."""

    def __init__(self, folder: Path, files: dict[str, str]) -> None:
        self.folder = folder
        self.repo = folder / "repo"
        self.repo.mkdir(parents=True)
        git(self.repo, "init", "-q", "-b", "main")
        self.write(files)
        self.base = git(self.repo, "rev-parse", "HEAD")

    def write(self, files: dict[str, str | None]) -> None:
        for path, text in files.items():
            target = self.repo / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.unlink() if text is None else target.write_text(text)
        git(self.repo, "add", "-A")
        git(self.repo, "commit", "-q", "-m", "work")

    def prove(self, task: Task) -> tuple[Verdict, list[Evidence]]:
        """The evidence and the verdict on what was committed since the base."""
        home = self.folder / "home"
        spec = Spec(
            *("prove", "a1", task, home, home / "data" / "attempts" / "a1", time.time() + 60, Limits(60, 1 << 20, 0, 30, 0.2)),
            *((), 7, "2026-11-24T02:00:00.000000Z", (), {}, 0),
        )
        spec.dir.mkdir(parents=True)
        bundle = self.folder / "work.bundle"
        git(self.repo, "bundle", "create", "-q", str(bundle), "HEAD", f"^{self.base}")
        result = repositories.collect(bundle, self.repo, spec.dir / "result.git", base=self.base, branch="jarvis/a1")

        def one(line: str, folder: Path, wall_s: float, log: Path | None) -> tuple[Ended, Output, Bounds]:
            bounds, out = Bounds(min(wall_s, 30), 0, 0.2), Output(log, 1 << 16)
            ended = run(shell(line.replace("{python}", shlex.quote(sys.executable))), cwd=folder, env=spec.environment(), bounds=bounds, out=out)
            out.close()
            return ended, out, bounds

        found = prove_repository(spec, result, base=self.base, run=one, stop=lambda: False, largest=2000, mask=lambda text: text)
        return judge(task, "finished", found, attempt=1), found


def repository_task(category: str, *checks: str, measures: tuple[Measure, ...] = ()) -> Task:
    return Task(
        *("k3f9x2m1qa", "Fix the sum", "", 1.0, category, "HIGH", Recipe("agent")), checks=tuple(Check(c) for c in checks), measures=measures, repo="/r"
    )


WRONG = CODE.replace("a + b", "a - b")
NEW_TEST = "from sums import add\n\n\ndef test_sum():\n    assert add(1, 2) == 3\n"
CHECK = "{python} -c 'import sums; assert sums.add(1, 2) == 3'"
PYTEST = "{python} -m pytest -q -p no:cacheprovider test_sums.py"


def test_a_fix_whose_check_was_red_and_is_green_is_verified(tmp_path: Path) -> None:
    work = Work(tmp_path, {"sums.py": WRONG})
    work.write({"sums.py": CODE})
    verdict, found = work.prove(repository_task("Bug fixes", CHECK))
    assert verdict.word == "verified"
    assert [(e.kind, e.ok) for e in found if e.kind.startswith("check")] == [("check_before", False), ("check", True)]


def test_a_check_that_was_green_before_the_fix_proves_nothing(tmp_path: Path) -> None:
    work = Work(tmp_path, {"sums.py": WRONG})
    work.write({"sums.py": CODE})
    assert work.prove(repository_task("Bug fixes", "true"))[0].word == "unverified"


def test_a_new_test_that_fails_on_the_base_proves_a_fix_without_a_check(tmp_path: Path) -> None:
    work = Work(tmp_path, {"sums.py": WRONG})
    work.write({"sums.py": CODE, "test_sums.py": NEW_TEST})
    verdict, found = work.prove(repository_task("Bug fixes"))
    assert verdict.word == "verified", found


def test_a_new_function_in_a_test_file_that_was_there_proves_a_fix(tmp_path: Path) -> None:
    old = "from sums import add\n\n\ndef test_nothing():\n    assert add(0, 0) == 0\n"
    work = Work(tmp_path, {"sums.py": WRONG, "test_sums.py": old})
    work.write({"sums.py": CODE, "test_sums.py": old + "\n\ndef test_sum():\n    assert add(1, 2) == 3\n"})
    assert work.prove(repository_task("Bug fixes"))[0].word == "verified"


def test_a_new_test_that_only_misses_its_own_file_on_the_base_proves_no_bug(tmp_path: Path) -> None:
    work = Work(tmp_path, {"sums.py": WRONG})
    reads = "from pathlib import Path\n\n\ndef test_data():\n    assert (Path(__file__).parent / 'data.txt').read_text() == 'x'\n"
    work.write({"sums.py": WRONG + "\n", "tests/test_data.py": reads, "tests/data.txt": "x"})
    assert work.prove(repository_task("Bug fixes"))[0].word == "unverified"


def test_a_new_test_that_cannot_be_imported_on_the_base_proves_no_bug(tmp_path: Path) -> None:
    work = Work(tmp_path, {"sums.py": WRONG})
    work.write(
        {"sums.py": WRONG + "\n\ndef marker():\n    return 1\n", "test_marker.py": "from sums import marker\n\n\ndef test_m():\n    assert marker() == 1\n"}
    )
    verdict, found = work.prove(repository_task("Bug fixes"))
    assert verdict.word == "unverified"
    assert any(e.kind == "check_before" and e.ok is None for e in found)


def test_a_check_whose_file_the_task_wrote_itself_was_not_red_before(tmp_path: Path) -> None:
    work = Work(tmp_path, {"sums.py": WRONG})
    work.write({"sums.py": WRONG + "\n", "verify.py": "print('fine')\n"})
    assert work.prove(repository_task("Bug fixes", "{python} verify.py"))[0].word == "unverified"


def test_a_weakened_test_cannot_help(tmp_path: Path) -> None:
    work = Work(tmp_path, {"sums.py": WRONG, "test_sums.py": NEW_TEST})
    work.write({"sums.py": WRONG + "\n", "test_sums.py": "def test_sum():\n    assert True\n"})
    verdict, found = work.prove(repository_task("Bug fixes", PYTEST))
    assert verdict.word != "verified" and any(e.name == "tests weakened" for e in found)
    assert [e.ok for e in found if e.kind == "check"] == [False], "the base's test judged it"


def test_code_that_ends_the_tests_early_is_not_green(tmp_path: Path) -> None:
    work = Work(tmp_path, {"sums.py": WRONG, "test_sums.py": NEW_TEST})
    work.write({"sums.py": "import os\nos._exit(0)\n" + WRONG})
    verdict, found = work.prove(repository_task("Bug fixes", PYTEST))
    assert verdict.word != "verified" and [e.ok for e in found if e.kind == "check"] == [False]
    assert any(e.name == "ends the tests" for e in found)


def test_what_was_not_committed_does_not_help(tmp_path: Path) -> None:
    work = Work(tmp_path, {"sums.py": WRONG})
    work.write({"sums.py": "from helper import add\n"})
    (work.repo / "helper.py").write_text(CODE)
    assert work.prove(repository_task("Bug fixes", CHECK))[0].word != "verified"


def test_documentation_is_proved_by_the_syntax_trees(tmp_path: Path) -> None:
    work = Work(tmp_path, {"sums.py": CODE, "README.md": "old\n"})
    work.write({"sums.py": CODE.replace("Add two", "Sum of two"), "README.md": "new\n"})
    assert work.prove(repository_task("Documentation", "grep -q new README.md"))[0].word == "verified"


def test_code_under_the_name_of_documentation_is_a_question(tmp_path: Path) -> None:
    work = Work(tmp_path, {"sums.py": CODE, "README.md": "old\n"})
    work.write({"sums.py": WRONG, "README.md": "new\n"})
    verdict, _ = work.prove(repository_task("Documentation", "grep -q new README.md"))
    assert (verdict.word, verdict.state) == ("unverified", "review") and "changes code" in verdict.why


@pytest.mark.parametrize(("after", "word"), [(NEW_TEST + "\n\ndef test_more():\n    assert add(2, 2) == 4\n", "verified"), (NEW_TEST, "as before")])
def test_coverage_needs_as_many_tests_as_before(tmp_path: Path, after: str, word: str) -> None:
    work = Work(tmp_path, {"sums.py": CODE, "test_sums.py": NEW_TEST})
    work.write({"test_sums.py": after} if after != NEW_TEST else {"test_sums.py": after + "\n"})
    verdict, found = work.prove(repository_task("Test coverage", PYTEST))
    counts = [e.detail for e in found if e.name.startswith("tests of")]
    assert counts[0]["after"] == (2 if word == "verified" else 1) and counts[0]["before"] == 1
    assert verdict.word == "verified"


def test_a_refactoring_whose_tests_were_red_before_is_not_proved(tmp_path: Path) -> None:
    work = Work(tmp_path, {"sums.py": WRONG, "test_sums.py": NEW_TEST})
    work.write({"sums.py": CODE})
    assert work.prove(repository_task("Refactoring", PYTEST))[0].word == "unverified"


SLOW = "import time\n\n\ndef total(n):\n    time.sleep(0.02)\n    return sum(range(n))\n"
RACE = "import time, work\nt = time.perf_counter()\nr = work.total(10)\nprint('total', r)\nprint(time.perf_counter() - t)\n"


@pytest.mark.parametrize(
    ("after", "word"),
    [
        (SLOW.replace("0.02", "0.001"), "verified"),
        (SLOW.replace("0.02", "0.001").replace("sum(range(n))", "44"), "refuted"),
        (SLOW.replace("range(n)", "range(0, n)"), "refuted"),
    ],
    ids=["faster", "faster and wrong", "no faster"],
)
def test_performance_is_measured_on_both_and_its_results_are_compared(tmp_path: Path, after: str, word: str) -> None:
    work = Work(tmp_path, {"work.py": SLOW, "race.py": RACE})
    work.write({"work.py": after})
    verdict, found = work.prove(repository_task("Performance optimization", measures=(Measure("{python} race.py", "total", target=1.5, repeats=3),)))
    assert verdict.word == word, verdict.why
    assert next(e for e in found if e.kind == "measure").detail["interleaved"] is True


def test_a_speed_up_without_a_word_of_its_results_is_not_verified(tmp_path: Path) -> None:
    work = Work(tmp_path, {"work.py": SLOW, "race.py": re.sub(r"print\('total', r\)\n", "", RACE)})
    work.write({"work.py": SLOW.replace("0.02", "0.001")})
    assert work.prove(repository_task("Performance optimization", measures=(Measure("{python} race.py", "total", repeats=3),)))[0].word == "unverified"


def test_infrastructure_is_taken_back_in_a_clean_copy(tmp_path: Path) -> None:
    work = Work(tmp_path, {"rotate.conf": "keep 3\n"})
    work.write({"rotate.conf": "keep 5\n"})
    verdict, found = work.prove(repository_task("Infrastructure", "grep -q 'keep 5' rotate.conf"))
    assert verdict.word == "verified" and [e.ok for e in found if e.name == "undo tried"] == [True]
    assert work.folder.joinpath("home/data/attempts/a1/diff.patch").read_text().count("+keep 5") == 1


def test_an_undo_that_was_tried_does_not_stand_for_a_check(tmp_path: Path) -> None:
    work = Work(tmp_path, {"rotate.conf": "keep 3\n"})
    work.write({"rotate.conf": "keep 5\n"})
    assert work.prove(repository_task("Infrastructure"))[0].word == "unverified"


def test_a_secret_in_the_history_of_the_result_is_told(tmp_path: Path) -> None:
    work = Work(tmp_path, {"sums.py": WRONG})
    work.write({"sums.py": CODE, "key.txt": KEY})
    work.write({"key.txt": None})
    verdict, _ = work.prove(repository_task("Bug fixes", CHECK))
    assert verdict.state == "review" and "secret" in verdict.why and KEY not in verdict.why
