"""What kind of file is this, and what does it test? Read from paths and texts, for the guards on a diff."""

import ast
import re
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import PurePosixPath

from jarvis_lib.execution.guards import DOCUMENT_SUFFIXES

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
    "git's own files": (".gitattributes", ".gitmodules", ".gitconfig", "*/.gitattributes", ".husky/*", ".pre-commit-config.yaml", ".githooks/*"),
    "instructions of agents": (
        *("AGENTS.md", "CLAUDE.md", "GEMINI.md", "*/AGENTS.md", "*/CLAUDE.md", ".claude/*", ".codex/*", ".cursor/*", ".cursorrules", ".aider*"),
        *(".github/copilot-instructions.md", ".mcp.json", ".opencode/*"),
    ),
    "Jarvis's settings": ("jarvis.toml",),
    "what builds and runs it": (
        "Dockerfile",
        "*/Dockerfile",
        "docker-compose*.y*ml",
        "Procfile",
        ".env",
        ".env.*",
        "*.pem",
        "*.key",
        "sitecustomize.py",
        "*.pth",
    ),
    "the checks' own settings": (
        "pytest.ini",
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
    r"@(?:pytest\.mark\.|unittest\.)?(?:skip|skipif|skipIf|skipUnless|xfail|expectedFailure)\b|\bpytest\.(?:skip|xfail|importorskip)\(|\bself\.skipTest\("
    r"|\b(?:it|test|describe)\.(?:skip|todo)\(|\bx(?:it|describe|test)\(|\bt\.Skip\w*\(|#\[ignore|@(?:Disabled|Ignore)\b"
)
_OTHER_TESTS = re.compile(r"\b(?:it|test)\s*\(\s*['\"`]|^func Test\w+|#\[test\]|@Test\b", re.MULTILINE)
_OTHER_ASSERTS = re.compile(r"\bexpect\s*\(|\bassert\w*[!(. ]|\bt\.(?:Error|Fatal)\w*\(|\brequire\.\w+\(", re.MULTILINE)
_ALWAYS = re.compile(r"\bassert\s+(?:True|1)\s*(?:#.*)?$|\bexpect\(\s*true\s*\)\.toBe\(\s*true\s*\)|\|\|\s*true\b|\bassert_?\w*\(\s*True\s*\)", re.MULTILINE)


def is_test(path: str) -> bool:
    """Is this file part of the tests?"""
    return bool(_TEST.search(path))


def is_document(path: str) -> bool:
    """Is this file documentation, by its ending or its folder?"""
    pure = PurePosixPath(path)
    return pure.suffix.lower() in DOCUMENT_SUFFIXES or path.startswith("docs/") or pure.name.upper() in ("LICENSE", "CHANGELOG", "AUTHORS", "NOTICE")


def guarded(path: str) -> str:
    """The group of guarded files to which this one belongs, or an empty string."""
    return next((group for group, patterns in GUARDED.items() if any(fnmatch(path, p) for p in patterns)), "")


def is_dependency(path: str) -> bool:
    return any(fnmatch(path, p) for p in DEPENDENCIES)


def is_manifest(path: str) -> bool:
    return any(fnmatch(PurePosixPath(path).name, p) for p in MANIFESTS)


@dataclass(frozen=True, slots=True)
class Tested:
    """What a test file holds: tests, assertions, tests that are skipped, and assertions that always hold."""

    tests: int
    asserts: int
    skips: int
    always: int


def tested(path: str, text: str) -> Tested:
    """Counts of a test file; Python by its syntax tree, others by the words that their frameworks use."""
    skips, always = len(_SKIPS.findall(text)), len(_ALWAYS.findall(text))
    if path.endswith(".py"):
        try:
            tree = ast.parse(text)
        except (SyntaxError, ValueError, RecursionError):
            return Tested(0, 0, skips, always)
        nodes = list(ast.walk(tree))
        tests = sum(isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef) and n.name.startswith("test") for n in nodes)
        return Tested(tests, sum(_asserts(n) for n in nodes), skips, always)
    return Tested(len(_OTHER_TESTS.findall(text)), len(_OTHER_ASSERTS.findall(text)), skips, always)


def _asserts(node: ast.AST) -> bool:
    if isinstance(node, ast.Assert):
        return True
    if not isinstance(node, ast.Call):
        return False
    name = node.func.attr if isinstance(node.func, ast.Attribute) else node.func.id if isinstance(node.func, ast.Name) else ""
    return name.startswith(("assert", "raises", "warns")) or name in ("fail", "approx")


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
