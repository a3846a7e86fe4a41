"""Is the house in order? Names in five places, who may import what, where SQL stands, thin notebooks, a first word in every module."""

import ast
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from jarvis_lib.cli.entry import PARTS
from jarvis_lib.model.settings import parse, template

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "jarvis_lib"
MODULES = sorted(PACKAGE.rglob("*.py"))
CHECKS = sorted((ROOT / "notebooks").rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("*.py"))
NOTEBOOKS = sorted(p for p in (ROOT / "notebooks").rglob("*.ipynb") if not {".ipynb_checkpoints", "tasks"} & {*p.parts})
Cell = dict[str, Any]


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def imports(tree: ast.AST) -> Iterator[str]:
    """Every module that is imported anywhere in the tree, also inside of functions and below TYPE_CHECKING, and by name."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Call) and getattr(node.func, "id", getattr(node.func, "attr", "")) in ("import_module", "__import__"):
            yield from (a.value for a in node.args[:1] if isinstance(a, ast.Constant) and isinstance(a.value, str))


def drawer(path: Path) -> str:
    """The top folder or module of the package that a file belongs to."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


# --- names ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("component", PARTS.values())
def test_each_component_has_its_name_in_five_places(component: str) -> None:
    """Module or package, SQL file, notebook, tests, and a heading in docs/."""
    module = (PACKAGE / f"{component}.py").is_file() or (PACKAGE / component / "__init__.py").is_file()
    headings = [h for page in (ROOT / "docs").glob("*.md") for h in re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)]
    places = {
        "module": module,
        "sql": (PACKAGE / "store" / "sql" / f"{component}.sql").is_file(),
        "notebook": (ROOT / "notebooks" / f"{component}.ipynb").is_file(),
        "tests": any(p.name == f"test_{component}.py" for p in TESTS),
        "heading": any(component in h for h in headings),
    }
    assert [place for place, there in places.items() if not there] == []


# --- who may import what -------------------------------------------------------------------------------------------------

ONLY_IN = {"duckdb": "store", "_duckdb": "store", "subprocess": "execution", "papermill": "execution", "sklearn": "learning", "skops": "learning"}


def test_each_heavy_hand_has_one_importer() -> None:
    """duckdb only in store, subprocess and papermill only in execution, scikit-learn only in learning."""
    wrong = [
        f"{name_of(path)} imports {name}"
        for path in MODULES
        for name in imports(tree_of(path))
        if drawer(path) != ONLY_IN.get(name.partition(".")[0], drawer(path))
    ]
    assert wrong == []


def test_nobody_starts_a_process_by_another_door() -> None:
    """`os.system`, `os.exec…`, `os.spawn…`, `os.popen` and a fork stand nowhere outside of execution, the hand that starts programs."""
    wrong = [
        f"{name_of(path)}:{node.lineno} {node.func.value.id}.{node.func.attr}"
        for path in MODULES
        if "execution" not in path.parts
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and isinstance(node.func.value, ast.Name)
        if node.func.value.id == "os" and re.match(r"(system|popen|fork|exec[lv]|spawn|posix_spawn)", node.func.attr)
    ]
    assert wrong == []


def test_no_mocks_anywhere() -> None:
    """Tests use real parts, and so does the product."""
    wrong = [name_of(p) for p in [*MODULES, *CHECKS, *TESTS] for name in imports(tree_of(p)) if name.startswith(("unittest", "mock", "pytest_mock"))]
    assert wrong == []


def test_no_test_patches_our_own_code() -> None:
    """`monkeypatch` may set the environment and the folder; it never sets an attribute of the package."""
    wrong = [
        f"{name_of(path)}:{node.lineno}"
        for path in TESTS
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and isinstance(node.func.value, ast.Name)
        if node.func.value.id == "monkeypatch" and node.func.attr in ("setattr", "delattr") and "jarvis" in ast.unparse(node)
    ]
    assert wrong == []


def test_imports_point_down_only() -> None:
    """The layers contract of pyproject.toml holds."""
    done = subprocess.run([Path(sys.executable).parent / "lint-imports"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]


def test_help_loads_nothing_heavy(tmp_path: Path) -> None:
    """`jarvis --help` answers without the database, frames, charts or papermill, and outside of a workspace."""
    program = (
        "import sys\nfrom jarvis_lib.cli.entry import main\ncode = main(['--help'])\n"
        "heavy = {'duckdb', 'polars', 'altair', 'papermill', 'sklearn', 'nbconvert', 'numpy', 'psutil', 'jinja2'}\n"
        "sys.stderr.write(' '.join(sorted(heavy & set(sys.modules))))\nsys.exit(code)"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


# --- where SQL stands ----------------------------------------------------------------------------------------------------

_SQL = re.compile(
    r"\bSELECT\b.+\bFROM\b|\bINSERT\s+(OR\s+\w+\s+)?INTO\b|\bUPDATE\s+\S+\s+SET\b|\bDELETE\s+FROM\b|\b(CREATE|DROP|ALTER)\s+(OR REPLACE\s+)?"
    r"(TEMP\w*\s+|UNIQUE\s+)?(TABLE|VIEW|INDEX|SCHEMA|DATABASE)\b|\b(ATTACH|DETACH)\s+['\"]|^\s*(PRAGMA|VACUUM|ANALYZE|BEGIN(?!:)|COMMIT)\b|^\s*WITH\s+\w+\s+AS\s*\(",
    re.DOTALL,
)


def texts(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """(line, text) of every string in the tree that is no docstring; a formatted one with `{}` for what is filled in."""
    parts = {id(v) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for v in node.values}
    told = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield node.lineno, "".join(str(v.value) if isinstance(v, ast.Constant) else "{}" for v in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in parts | told:
            yield node.lineno, node.value


LATE = [path.parent for path in PACKAGE.glob("*/__init__.py") if "lazily(__name__" in path.read_text(encoding="utf-8")]
"""Packages that load a public name when it is used."""


@pytest.mark.parametrize("folder", LATE, ids=lambda folder: folder.name)
def test_each_public_name_is_found_when_it_is_used(folder: Path) -> None:
    """And none is the name of a module, which would stand in its place as soon as that is imported."""
    package = import_module(f"jarvis_lib.{folder.name}")
    assert [name for name in package.__all__ if not hasattr(package, name)] == []
    assert {path.stem for path in folder.iterdir()} & set(package.__all__) == set()


def test_sql_stands_in_sql_files() -> None:
    """No string of the package outside of store/ is SQL; the queries are named blocks in .sql files."""
    wrong = [f"{name_of(p)}:{line} {text[:60]!r}" for p in MODULES if drawer(p) != "store" for line, text in texts(tree_of(p)) if _SQL.search(text)]
    assert wrong == []


def test_sql_would_be_found() -> None:
    """The test above can fail, and neither a docstring nor prose that speaks of tables makes it fail."""
    code = '"""SELECT a FROM b"""\nx = "SELECT a FROM b"\ny = f"DELETE FROM {t}"\nz = "Update the set; drop what you select from it"'
    assert sorted(text for _, text in texts(ast.parse(code)) if _SQL.search(text)) == ["DELETE FROM {}", "SELECT a FROM b"]


# --- notebooks -----------------------------------------------------------------------------------------------------------


@cache
def notebook(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def source(cell: Cell) -> str:
    return "".join(cell["source"])


def code_cells(path: Path) -> list[Cell]:
    return [c for c in notebook(path)["cells"] if c["cell_type"] == "code"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=name_of)
def test_a_notebook_is_stored_bare(path: Path) -> None:
    """No outputs, no counts, no traces of a run; a kernel of Python 3; format 4.5 with its own stable cell ids."""
    book = notebook(path)
    assert all(c["outputs"] == [] and c["execution_count"] is None for c in code_cells(path))
    assert all(set(c["metadata"]) <= {"tags"} for c in book["cells"]) and "papermill" not in book["metadata"]
    assert book["metadata"]["kernelspec"]["name"] == "python3"
    ids = [c["id"] for c in book["cells"]]
    assert (book["nbformat"], book["nbformat_minor"]) == (4, 5) and len(set(ids)) == len(ids)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=name_of)
def test_a_notebook_says_what_it_asks(path: Path) -> None:
    """It begins with a title and a question, has one cell of parameters with a type and a word for each, and text for its code."""
    cells = notebook(path)["cells"]
    first = source(cells[0])
    assert cells[0]["cell_type"] == "markdown" and re.match(r"# \S", first) and "?" in first
    tagged = [c for c in cells if "parameters" in c["metadata"].get("tags", ())]
    assert len(tagged) == 1 and tagged[0]["cell_type"] == "code"
    lines = [line for line in source(tagged[0]).splitlines() if line.strip()]
    assert [line for line in lines if not re.match(r"\w+: \w+ = .+  # \S", line)] == []
    assert 2 * (len(cells) - len(code_cells(path))) >= len(code_cells(path)) - 2


@pytest.mark.parametrize("path", NOTEBOOKS, ids=name_of)
def test_a_notebook_is_thin(path: Path) -> None:
    """At most 15 code cells of at most 12 lines; no function, class or SQL; imports only our package and altair (recipes: also dates and paths)."""
    cells = code_cells(path)
    assert len(cells) <= 15 and max(len(source(c).splitlines()) for c in cells) <= 12
    tree = ast.parse("\n".join(line for c in cells for line in source(c).splitlines() if not re.match(r"%(load_ext jarvis_lib|jarvis \w)", line)))
    assert [type(n).__name__ for n in ast.walk(tree) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda)] == []
    assert [text for _, text in texts(tree) if _SQL.search(text)] == []
    allowed = {"jarvis_lib", "altair"} | ({"pathlib", "datetime"} if path.parent.name == "recipes" else set())
    assert {name.partition(".")[0] for name in imports(tree)} <= allowed


@pytest.mark.parametrize("path", [p for p in NOTEBOOKS if p.parent.name == "recipes"], ids=name_of)
def test_a_recipe_promises_a_check(path: Path) -> None:
    """Each recipe's card names at least one check, and the script of each check is there."""
    card = notebook(path)["metadata"]["jarvis"]
    scripts = [word for promise in [*card.get("checks", ()), *card.get("measures", ())] for word in promise["command"].split() if word.endswith(".py")]
    assert card["checks"] and [s for s in scripts if not (ROOT / s).is_file()] == []


@pytest.mark.parametrize("path", CHECKS, ids=name_of)
def test_a_check_shares_no_code_with_what_it_checks(path: Path) -> None:
    """The scripts beside the recipes import nothing of the package's playbooks."""
    assert [name for name in imports(tree_of(path)) if name.startswith("jarvis_lib.execution.playbooks")] == SHARED.get(path.name, [])


SHARED: dict[str, list[str]] = {}
"""Checks that may read with the product's own reader, and which."""


# --- words ---------------------------------------------------------------------------------------------------------------


def test_every_module_says_what_it_answers() -> None:
    """Each module with code begins with a docstring of a full sentence or a question."""
    wrong = []
    for path in [*MODULES, *CHECKS, *TESTS]:
        tree = tree_of(path)
        first = (ast.get_docstring(tree) or "").split("\n\n")[0]
        if tree.body and not re.search(r"[.?!:;)]$", first.strip()):
            wrong.append(name_of(path))
    assert wrong == []


def test_every_test_states_a_fact() -> None:
    """Each test has a docstring with the fact that it would find broken, or a name that is a sentence."""
    wrong = [
        f"{name_of(path)}:{node.lineno} {node.name}"
        for path in TESTS
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
        if not ast.get_docstring(node) and len(node.name.split("_")) < 4
    ]
    assert wrong == []


def test_each_room_stays_within_its_budget_of_lines() -> None:
    """The budgets stand in a decision; a room that is not named there, or a named one that is gone, is found too."""
    table = (ROOT / "docs" / "decisions" / "0011-how-thin-is-thin.md").read_text(encoding="utf-8")
    budgets = {name: int(most) for name, most in re.findall(r"^\| `(\w+)` \|.*\| (\d+) \|$", table, re.MULTILINE)}
    rooms = {p.name for p in PACKAGE.iterdir() if p.is_dir() and p.name != "__pycache__"}
    assert set(budgets) == rooms
    assert {room: lines for room in rooms if (lines := code_lines(PACKAGE / room)) > budgets[room]} == {}


MOST_LINES, MOST_LINES_OF_A_FUNCTION = 400, 50
LONG_FILES: dict[str, str] = {}
LONG_FUNCTIONS: dict[str, str] = {}
"""What is longer than that, by name, and why it is better so."""


def test_no_module_is_long() -> None:
    """A module answers one question, in at most 400 lines; an exception is named with its reason, and goes when it is no longer one."""
    long = {name_of(p) for p in MODULES if len(p.read_text(encoding="utf-8").splitlines()) > MOST_LINES}
    assert long == set(LONG_FILES)


def test_no_function_is_long() -> None:
    """A function fits on a screen, in at most 50 lines with its signature; exceptions likewise."""
    long = {
        f"{name_of(path)} {node.name}"
        for path in MODULES
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and (node.end_lineno or 0) - node.lineno >= MOST_LINES_OF_A_FUNCTION
    }
    assert long == set(LONG_FUNCTIONS)


def code_lines(folder: Path) -> int:
    """Lines below `folder` that are neither blank nor only a comment."""
    return sum(bool(line.strip()) and not line.lstrip().startswith("#") for p in folder.rglob("*.py") for line in p.read_text(encoding="utf-8").splitlines())


def test_no_drawer_is_called_after_nothing() -> None:
    """There are no utils, helpers, managers, commons or miscellanea."""
    assert [name_of(p) for p in MODULES if re.fullmatch(r"(utils?|helpers?|managers?|common|misc)", p.stem)] == []


def test_each_exception_to_a_lint_has_its_reason() -> None:
    """`noqa` and `type: ignore` stand beside, or right below, the sentence that excuses them."""
    wrong = []
    for path in [*MODULES, *CHECKS, *TESTS]:
        lines = ["", *path.read_text(encoding="utf-8").splitlines()] if path != Path(__file__) else []
        for n, (above, line) in enumerate(pairwise(lines), 1):
            found = re.search(r"#\s*(?:noqa(?::\s*[A-Z]+\d+)?|type:\s*ignore(?:\[[\w-]+\])?)(.*)", line)
            if found and not re.search(r"\w{3}", found.group(1)) and not above.lstrip().startswith("#"):
                wrong.append(f"{name_of(path)}:{n}")
    assert wrong == []


OWN_SETTINGS = {"package": '"jarvis_lib"'}
"""Where the clone's settings differ from the template: it documents itself."""


def test_the_clone_is_a_workspace_with_the_default_settings() -> None:
    """The root's jarvis.toml is the template that `init` writes, but for OWN_SETTINGS, and it is right."""
    text = (ROOT / "jarvis.toml").read_text(encoding="utf-8").strip()
    expected = template().strip()
    for key, value in OWN_SETTINGS.items():
        expected = re.sub(rf'(?m)^{key} = ""', f"{key} = {value}", expected)
    assert text == expected
    assert parse(text).policy == parse("").policy
