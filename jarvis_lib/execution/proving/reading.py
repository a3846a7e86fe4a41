"""What kind of file is this, and what does it test? Read from paths and texts, for the guards on a diff."""

import ast
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatch, fnmatchcase
from pathlib import PurePosixPath

from jarvis_lib.execution.guards import DOCUMENT_SUFFIXES

PICTURES = frozenset((".png", ".jpg", ".jpeg", ".gif", ".webp", ".svg", ".pdf"))
_CODE = frozenset(
    (".py", ".pyi", ".sh", ".bash", ".js", ".mjs", ".cjs", ".ts", ".tsx", ".jsx", ".rb", ".go", ".rs", ".c", ".h", ".cc", ".cpp", ".java", ".kt", ".php", ".pl")
)
_TEST = re.compile(r"(^|/)(tests?|testing|spec|specs|__tests__)/|(^|/)(test_[^/]*|[^/]*_test|[^/]*\.(test|spec))\.[A-Za-z]+$|(^|/)conftest\.py$")
GUARDED = {
    "CI": (
        ".github/*",
        ".gitlab-ci.yml",
        ".gitlab/*",
        ".ci/*",
        ".circleci/*",
        "Jenkinsfile",
        "azure-pipelines.yml",
        ".travis.yml",
        ".drone.yml",
        "bitbucket-pipelines.yml",
    ),
    "git's own files": (".git*", "*/.gitattributes", "*/.gitignore", ".husky/*", ".pre-commit-config.y*ml", ".githooks/*", "lefthook.y*ml"),
    "instructions of agents": (
        *("AGENTS.md", "CLAUDE*.md", "GEMINI.md", "*/AGENTS.md", "*/CLAUDE*.md", "*/GEMINI.md", ".cursorrules", ".aider*", ".mcp.json", "opencode.json*"),
        *(".claude/*", "*/.claude/*", ".codex/*", "*/.codex/*", ".cursor/*", "*/.cursor/*", ".opencode/*", ".gemini/*", ".windsurf*"),
    ),
    "Jarvis's settings": ("jarvis.toml",),
    "what builds and runs it": (
        "Dockerfile",
        "*/Dockerfile",
        "Containerfile",
        "docker-compose*.y*ml",
        "compose.y*ml",
        "makefile",
        "*/makefile",
        "gnumakefile",
        "*.mk",
        "justfile",
        "Taskfile.y*ml",
        ".devcontainer/*",
        ".vscode/*",
        ".idea/*",
        ".envrc",
        ".npmrc",
        ".yarnrc*",
        "Procfile",
        ".env",
        ".env.*",
        "*.pem",
        "*.key",
        "sitecustomize.py",
        "usercustomize.py",
        "*/sitecustomize.py",
        "*/usercustomize.py",
        "*.pth",
    ),
    "the checks' own settings": (
        "pytest.ini",
        ".pytest.ini",
        "tox.ini",
        ".coveragerc",
        "noxfile.py",
        "jest.config.*",
        "vitest.config.*",
        ".mocharc*",
        "karma.conf.js",
        "phpunit.xml",
    ),
}
"""Files that no task may change without the person's look, whatever its category."""
DEPENDENCIES = (
    *("requirements*.txt", "constraints*.txt", "*/requirements*.txt", "Pipfile", "Pipfile.lock", "poetry.lock", "uv.lock", "pdm.lock", "environment.y*ml"),
    *("package-lock.json", "yarn.lock", "pnpm-lock.yaml", "bun.lockb", "Cargo.lock", "go.sum", "Gemfile", "Gemfile.lock", "composer.lock"),
)
MANIFESTS = ("pyproject.toml", "setup.py", "setup.cfg", "package.json", "Cargo.toml", "go.mod", "composer.json", "pom.xml", "build.gradle*")
_SKIPS = re.compile(
    r"\bmark\.(?:skip|skipif|xfail)\b|@(?:unittest\.)?(?:skip|skipif|skipIf|skipUnless|xfail|expectedFailure)\b|\bpytest\.(?:skip|xfail|importorskip)\("
    r"|\bself\.skipTest\(|\bSkipTest\(|\b__test__\s*=\s*False\b|\bcollect_ignore"
    r"|\b(?:it|test|describe)\.(?:skip|todo|only)\(|\bx(?:it|describe|test)\(|\bt\.Skip\w*\(|#\[ignore|@(?:Disabled|Ignore)\b"
)
_OTHER_TESTS = re.compile(r"\b(?:it|test)\s*\(\s*['\"`]|^func Test\w+|#\[test\]|@Test\b", re.MULTILINE)
_OTHER_ASSERTS = re.compile(r"\bexpect\s*\(|\bassert\w*[!(. ]|\bt\.(?:Error|Fatal)\w*\(|\brequire\.\w+\(", re.MULTILINE)
_OTHER_EXACT = re.compile(r"\.to(?:Be|Equal|StrictEqual)\(|\bassert_?(?:eq|equals?|Equals?)\w*[!(]|\brequire\.Equal\(")
_ALWAYS = re.compile(r"\bassert\s+(?:True|1)\s*(?:#.*)?$|\bexpect\(\s*true\s*\)\.toBe\(\s*true\s*\)|\|\|\s*true\b|\bassert_?\w*\(\s*True\s*\)", re.MULTILINE)


def is_test(path: str) -> bool:
    """Is this file part of the tests?"""
    return bool(_TEST.search(path))


def is_document(path: str) -> bool:
    """Is this file documentation, by its ending or its folder?"""
    pure = PurePosixPath(path)
    suffix = pure.suffix.lower()
    if pure.name == "CMakeLists.txt" or suffix in _CODE or pure.name.lower() in ("makefile", "dockerfile"):
        return False
    return suffix in DOCUMENT_SUFFIXES or suffix in PICTURES or path.startswith("docs/") or pure.name.upper() in ("LICENSE", "CHANGELOG", "AUTHORS", "NOTICE")


def is_picture(path: str) -> bool:
    """May this file be no text, and still be documentation?"""
    return PurePosixPath(path).suffix.lower() in PICTURES


def guarded(path: str) -> str:
    """The group of guarded files to which this one belongs, or an empty string."""
    low = path.lower()  # file systems that ignore case would take claude.md for CLAUDE.md
    return next((group for group, patterns in GUARDED.items() if any(fnmatchcase(low, p.lower()) for p in patterns)), "")


def is_dependency(path: str) -> bool:
    """Whether it pins or names what is installed, by its name."""
    return any(fnmatch(path, p) or fnmatch(PurePosixPath(path).name, p) for p in DEPENDENCIES)


def is_manifest(path: str) -> bool:
    """Whether it declares a package and its dependencies, by its name."""
    return any(fnmatch(PurePosixPath(path).name, p) for p in MANIFESTS)


@dataclass(frozen=True, slots=True)
class Tested:
    """What a test file holds: tests, assertions that can be reached, tests that are skipped, assertions that always hold, assertions of an equality."""

    tests: int
    asserts: int
    skips: int
    always: int
    exact: int = 0


def tested(path: str, text: str) -> Tested:
    """Counts of a test file; Python by its syntax tree, others by the words that their frameworks use."""
    skips, always = len(_SKIPS.findall(text)), len(_ALWAYS.findall(text))
    if path.endswith(".py"):
        try:
            tree = ast.parse(text)
        except (SyntaxError, ValueError, RecursionError):
            return Tested(0, 0, skips, always)
        nodes = list(_reachable(tree))
        tests = sum(isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef) and n.name.startswith("test") for n in nodes)
        always += sum(isinstance(n, ast.ExceptHandler) and all(isinstance(s, ast.Pass) for s in n.body) for n in nodes)
        return Tested(tests, sum(_asserts(n) for n in nodes), skips, always, sum(_is_exact(n) for n in nodes))
    return Tested(len(_OTHER_TESTS.findall(text)), len(_OTHER_ASSERTS.findall(text)), skips, always, len(_OTHER_EXACT.findall(text)))


def _reachable(tree: ast.AST) -> Iterator[ast.AST]:
    """The nodes of a tree, but for what stands after a return or in an `if False`."""
    yield tree
    if isinstance(tree, ast.If) and isinstance(tree.test, ast.Constant) and not tree.test.value:
        for child in tree.orelse:
            yield from _reachable(child)
        return
    for _, value in ast.iter_fields(tree):
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST):
                yield from _reachable(child)
                if isinstance(child, ast.Return | ast.Raise):
                    break


def _called(node: ast.AST) -> str:
    if not isinstance(node, ast.Call):
        return ""
    return node.func.attr if isinstance(node.func, ast.Attribute) else node.func.id if isinstance(node.func, ast.Name) else ""


def _asserts(node: ast.AST) -> bool:
    name = _called(node)
    return isinstance(node, ast.Assert) or name.startswith(("assert", "raises", "warns")) or name in ("fail", "approx")


def _is_exact(node: ast.AST) -> bool:
    if isinstance(node, ast.Assert):
        return any(isinstance(n, ast.Eq) for n in ast.walk(node.test))
    return _called(node).startswith(("assertEqual", "assertDict", "assertList", "assert_equal", "assert_frame", "assert_series"))


def same_but_for_docstrings(before: str, after: str) -> bool:
    """Do two Python files differ in nothing but comments, layout and docstrings? False where one of them cannot be parsed."""
    try:
        return _bare(before) == _bare(after)
    except (SyntaxError, ValueError, RecursionError):
        return False


def _bare(text: str) -> str:
    tree = ast.parse(text)
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and ast.get_docstring(node, clean=False) is not None:
            node.body = node.body[1:] or [ast.Pass()]
        elif isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and [type(n) for n in node.body] == [ast.Pass]:
            node.body = [ast.Pass()]
    return ast.dump(tree, include_attributes=False)


def same_code_cells(before: str, after: str) -> bool:
    """Do two notebooks hold the same code? False where one of them is no notebook."""
    try:
        return _code_cells(before) == _code_cells(after)
    except (ValueError, KeyError, TypeError, AttributeError):
        return False


def _code_cells(text: str) -> list[str]:
    return ["".join(cell["source"]) for cell in json.loads(text)["cells"] if cell["cell_type"] == "code"]


def public_names(text: str) -> set[str]:
    """The names that a Python module offers at its top, and those of its classes."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError):
        return set()
    found = set()
    for node in tree.body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and not node.name.startswith("_"):
            found.add(node.name)
            if isinstance(node, ast.ClassDef):
                found |= {f"{node.name}.{n.name}" for n in node.body if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef) and not n.name.startswith("_")}
    return found
