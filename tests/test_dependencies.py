"""Does every package that Jarvis rests on have its reason, and is docs/DEPENDENCIES.md what pyproject.toml and the packages say?"""

import base64
import hashlib
import importlib.metadata
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.utils import canonicalize_name

from jarvis_lib.model.extras import EXTRAS, install_line
from tests.dependencies import SELF, _changed, _unmet, direct, licence, page, record, review
from tests.install_parts import ROOT, project
from tests.test_house import MODULES, imports, tree_of

HANDED_OUT = {"anyio": "mcp", "mcp_types": "mcp"}
"""Modules that belong to another package's own interface."""


def test_every_package_has_a_reason() -> None:
    """In one line beside it, without an end of its own."""
    silent = [d.name for d in direct() if not d.why or d.why.endswith(".")]
    assert not silent, f"say in pyproject.toml what these are for: {', '.join(silent)}"


def test_the_page_is_what_the_packages_say() -> None:
    """Names, reasons and licences everywhere; the numbers on the Python and the system that the page names. Make it anew: python -m tests.dependencies."""
    stands = (ROOT / "docs" / "DEPENDENCIES.md").read_text(encoding="utf-8")
    rows = [f"| {d.name} | {', '.join(d.extras)} | {d.why} | {licence(d.name)} |" for d in direct()]
    there = [line for line in stands.partition("## Each direct one")[2].partition("## The review")[0].splitlines() if line.startswith("| ")]
    assert there[1:] == rows, "python -m tests.dependencies > docs/DEPENDENCIES.md"
    if f"Measured on Python {sys.version_info[0]}.{sys.version_info[1]}, {sys.platform}," in stands:
        assert stands == page()


def test_what_the_code_imports_is_asked_for() -> None:
    """A package that another one happens to bring may be gone tomorrow."""
    asked = {d.name for d in direct() if set(d.extras) - {"dev"}}
    installed = sorted({canonicalize_name(d.name) for d in importlib.metadata.distributions()} - {SELF})
    tops = {name: {path.partition("/")[0].partition(".")[0] for path in record(name)} for name in installed}
    shipped = [*MODULES, *sorted((ROOT / "notebooks").rglob("*.py")), *sorted((ROOT / "data" / "demo").glob("*.py"))]
    trees = [(path.name, tree_of(path)) for path in shipped]
    used = {name.split(".")[0] for _, tree in trees for name in imports(tree)} - sys.stdlib_module_names - {"jarvis_lib"}
    owners = {m: {name for name in installed if m in tops[name]} for m in used}
    outside = {m for m in used if owners[m]}
    stray = {m for m in outside if not asked & owners[m] and HANDED_OUT.get(m) not in asked}
    assert not stray, f"pyproject.toml does not ask for {sorted(stray)}"
    assert {"duckdb", "mistune", "mcp"} <= outside


def test_what_is_asked_for_is_used() -> None:
    """Somewhere in code, notebooks, tests or the ways of working: an idle package is one more to trust for nothing."""
    texts = [p.read_text(encoding="utf-8") for top in ("jarvis_lib", "notebooks", "tests", ".ci") for p in (ROOT / top).rglob("*") if _is_text(p)]
    texts += [(ROOT / name).read_text(encoding="utf-8") for name in ("Makefile", "mkdocs.yml")]
    whole = "\n".join(texts)
    by_others = {"pytz": "duckdb", "tzdata": "zoneinfo", "ipykernel": "papermill", "pytest-xdist": "-n 2", "vl-convert-python": "vl_convert"}
    by_others |= {
        "mkdocs-material": "mkdocs build",
        "import-linter": "lint-imports",
        "scikit-learn": "sklearn",
        "pyyaml": "yaml",
        "hatchling": "--no-isolation",
    }
    idle = [d.name for d in direct() if by_others.get(d.name, d.name) not in whole and d.name.replace("-", "_") not in whole]
    assert not idle


def _is_text(path: Path) -> bool:
    return path.suffix in (".py", ".ipynb", "") and path.is_file() and path.name not in ("test_dependencies.py", "nothing")


def test_the_extras_of_the_sentences_are_those_of_the_project(tmp_path: Path) -> None:
    """What a sentence tells to install is what the extra asks for, in the words of whatever keeps this environment."""
    stands = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    assert {e: list(packages) for e, packages in EXTRAS.items()} == {e: lines for e, lines in stands.items() if e != "dev"}
    own = tmp_path / "jarvis-workspace"
    own.mkdir()
    assert install_line("mcp", prefix=str(own)) == "pip install 'mcp>=2.3,<3'"
    (own / "pipx_metadata.json").touch()
    assert install_line("mcp", prefix=str(own)) == "pipx inject jarvis-workspace 'mcp>=2.3,<3'"
    (own / "pipx_metadata.json").rename(own / "uv-receipt.toml")
    assert install_line("mcp", prefix=str(own), python="/t/bin/python") == "uv pip install --python /t/bin/python 'mcp>=2.3,<3'"


def test_the_version_stands_in_one_place() -> None:
    """The package says it; the build reads it there, and what must repeat it is held to it."""
    from jarvis_lib import __version__

    assert project()["dynamic"] == ["version"] and "version" not in project()
    assert f'\nversion: "{__version__}"\n' in (ROOT / "CITATION.cff").read_text(encoding="utf-8")


def test_the_review_finds_nothing_wrong_here() -> None:
    """Requirements met, versions of constraints.txt, known licences, from a registry."""
    wrong, known = review()
    assert not wrong and known


def _planted(folder: Path, **about: str) -> importlib.metadata.Distribution:
    """A package with one file, as an installer leaves it."""
    info = folder / "planted-1.0.dist-info"
    info.mkdir()
    (folder / "planted.py").write_text("print('as it came')\n")
    digest = base64.urlsafe_b64encode(hashlib.sha256((folder / "planted.py").read_bytes()).digest()).rstrip(b"=").decode()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: planted\nVersion: 1.0\n" + "".join(f"{k.replace('_', '-')}: {v}\n" for k, v in about.items()))
    (info / "RECORD").write_text(f"planted.py,sha256={digest},20\nplanted-1.0.dist-info/METADATA,,\n")
    return importlib.metadata.PathDistribution(info)


def test_the_review_sees_a_file_that_was_changed(tmp_path: Path) -> None:
    """And one that is gone."""
    package = _planted(tmp_path)
    assert not list(_changed(package))
    (tmp_path / "planted.py").write_text("print('and more')\n")
    assert list(_changed(package)) == ["planted: planted.py is not what was installed"]
    (tmp_path / "planted.py").unlink()
    assert list(_changed(package)) == ["planted: planted.py is gone"]


@pytest.mark.parametrize(("asked", "said"), [("click>=99", "is installed"), ("never-published-by-anybody", "is not installed")])
def test_the_review_sees_what_is_not_met(tmp_path: Path, asked: str, said: str) -> None:
    """A requirement that is too old or absent."""
    (found,) = _unmet(_planted(tmp_path, Requires_Dist=asked))
    assert found.startswith("planted asks for ") and said in found
