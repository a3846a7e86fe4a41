"""Are the files that only a code host or a release reads in order? The workflow, the forms for issues, the changelog and the citation."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.version import Version

from jarvis_lib import __version__
from tests.install_parts import ROOT, project

WORKFLOW = ROOT / ".github" / "workflows" / "ci.yml"
FORMS = sorted(p for p in (ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml") if p.name != "config.yml")
VERSIONS = ("3.11", "3.12", "3.13")


def read(path: Path) -> Any:
    """A file of YAML as GitHub reads it: `on` is a word, not a truth."""
    return yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.BaseLoader)


def steps() -> list[dict[str, Any]]:
    """Every step of every job."""
    return [step for job in read(WORKFLOW)["jobs"].values() for step in job["steps"]]


def test_the_workflow_tries_each_python_on_each_system() -> None:
    """Lint, tests, faults, documentation and the wheel; the Pythons are those that pyproject.toml allows."""
    jobs = read(WORKFLOW)["jobs"]
    assert set(jobs) == {"lint", "tests", "faults", "docs", "wheel"}
    matrix = jobs["tests"]["strategy"]["matrix"]
    assert tuple(matrix["python"]) == VERSIONS
    assert {system.split("-")[0] for system in matrix["os"]} == {"ubuntu", "macos"}
    assert project()["requires-python"] == ">=3.11,<3.14"
    assert [c[-4:] for c in project()["classifiers"] if re.search(r":: 3\.\d", c)] == list(VERSIONS)


def test_the_workflow_needs_no_secret_and_runs_only_what_it_names() -> None:
    """Actions by their commit, read rights only, no key left behind by the checkout, and an end to each job."""
    text = WORKFLOW.read_text(encoding="utf-8")
    assert "secrets." not in text and read(WORKFLOW)["permissions"] == {"contents": "read"}
    used = [step for step in steps() if "uses" in step]
    assert used and all(re.fullmatch(r"actions/[\w-]+@[0-9a-f]{40}", step["uses"]) for step in used)
    assert all(step["with"]["persist-credentials"] == "false" for step in used if "checkout" in step["uses"])
    assert all("timeout-minutes" in job for job in read(WORKFLOW)["jobs"].values())
    assert "${{ github.event" not in text, "words of a stranger would be run by the shell"


def test_the_workflow_calls_targets_that_exist() -> None:
    """`make` in the workflow is `make` in the clone."""
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    called = {word for step in steps() for word in re.findall(r"make ([a-z]+)", step.get("run", ""))}
    assert {"setup", "lint", "test", "faults", "docs", "wheel"} <= called <= targets


@pytest.mark.parametrize("path", FORMS, ids=lambda p: p.stem)
def test_a_form_asks_for_what_one_needs(path: Path) -> None:
    """Each form has what GitHub asks of it, ids of its own, and at least one answer that must be given."""
    form = read(path)
    assert form["name"] and form["description"] and isinstance(form["labels"], list)
    asked = [part for part in form["body"] if part["type"] != "markdown"]
    assert {part["type"] for part in asked} <= {"textarea", "input", "dropdown", "checkboxes"}
    assert len({part["id"] for part in asked}) == len(asked) and all(part["attributes"]["label"] for part in asked)
    assert any(part.get("validations", {}).get("required") == "true" for part in asked)


def test_there_is_a_form_for_the_broken_promise() -> None:
    """A bug, an idea for a recipe, and: it said shipped, and it was not."""
    assert {p.stem for p in FORMS} == {"bug", "recipe", "shipped"}


def test_a_release_has_its_heading() -> None:
    """Unreleased first, then versions with their days, newest first; the version of this clone is not older than the last release."""
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    headings = re.findall(r"^## (.+)$", text, re.MULTILINE)
    assert headings[0] == "[Unreleased]"
    released = [re.fullmatch(r"\[(\d+)\.(\d+)\.(\d+)\] - \d{4}-\d{2}-\d{2}", h) for h in headings[1:]]
    assert all(released), headings
    numbers = [tuple(map(int, r.groups())) for r in released if r]
    assert numbers == sorted(numbers, reverse=True)
    assert not numbers or Version(__version__) >= Version(".".join(map(str, numbers[0])))


def test_no_file_names_a_place_that_is_made_up() -> None:
    """The project has no address yet, so no file pretends that it has one."""
    files = [*(ROOT / ".github").rglob("*.*"), ROOT / "CITATION.cff", ROOT / "pyproject.toml"]
    assert not [p.name for p in files if p.is_file() and re.search(r"https?://|github\.com/", p.read_text(encoding="utf-8"))]
