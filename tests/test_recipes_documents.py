"""The recipes that document an API and a package: everything stands in the text, and the checks notice what does not."""

import json
from pathlib import Path
from typing import Any

import pytest

from jarvis_lib.doors.demo_data import _openapi as jupyter_api
from jarvis_lib.execution.playbooks import document_openapi, document_package
from jarvis_lib.model.fact import Refused
from tests.recipe_parts import ROOT, check, notebook

THREE: dict[str, Any] = {
    "openapi": "3.1.0",
    "info": {"title": "Shop <b>API</b>", "version": "1", "description": "# Loud\nhello"},
    "servers": [{"url": "https://shop.example/v1"}],
    "tags": [{"name": "orders", "description": "All about orders"}],
    "paths": {
        "/orders/{id}": {
            "parameters": [{"$ref": "#/components/parameters/Id"}],
            "get": {
                "tags": ["orders"],
                "summary": "Get | one",
                "parameters": [{"name": "id", "in": "path", "required": True, "schema": {"type": "integer"}, "description": "the method's own"}],
                "responses": {"200": {"$ref": "#/components/responses/Order"}, "default": {"description": "any error"}},
            },
            "put": {
                "deprecated": True,
                "description": "Replace it",
                "requestBody": {"required": True, "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Order"}}}},
                "responses": {204: {"description": "done"}},
            },
        },
        "/odd`path|{x}": {"get": {"parameters": [{"name": "a|b", "in": "query", "schema": {"enum": ["x", "y"], "default": "x"}}], "responses": {}}},
        "/elsewhere": {"$ref": "#/components/pathItems/Else"},
    },
    "components": {
        "parameters": {"Id": {"name": "id", "in": "path", "required": True, "schema": {"type": "string", "format": "uuid"}}},
        "responses": {"Order": {"description": "the order", "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Order"}}}}},
        "schemas": {
            "Order": {
                "type": "object",
                "required": ["id"],
                "properties": {"id": {"type": "string"}, "lines": {"type": "array", "items": {"$ref": "#/components/schemas/Line"}}},
            },
            "Line": {"allOf": [{"type": "object", "properties": {"sku": {"type": ["string", "null"]}}}, {"$ref": "#/components/schemas/Order"}]},
        },
        "pathItems": {"Else": {"get": {"responses": {"200": {"description": "found"}}}}},
    },
}


@pytest.fixture
def three(home: Path) -> Path:
    (home / "api.json").write_text(json.dumps(THREE))
    return home / "api.json"


def documented(home: Path, openapi: Path) -> tuple[int, str]:
    done = check("openapi_documented.py", "--openapi", openapi, "--reference", "reference.md", cwd=home)
    return done.returncode, done.stdout


def test_every_part_of_an_openapi_3_file_stands_in_the_text(home: Path, three: Path) -> None:
    """Shared parameters, references, deprecated methods, odd names."""
    text = document_openapi.save(document_openapi.read_spec(three), home / "reference.md").read_text()
    code, said = documented(home, three)
    assert (code, said.strip()) == (0, "all of 3 paths, 4 methods, 3 parameters, 4 responses, 2 schemas stand in the reference")
    assert "the method's own" in text and "**Deprecated.**" in text and "https://shop.example/v1" in text


def test_foreign_text_is_harmless_in_the_reference(home: Path, three: Path) -> None:
    text = document_openapi.markdown(document_openapi.read_spec(three))
    assert "<b>" not in text and "&lt;b&gt;" in text
    assert "\n# Loud" not in text and text.startswith("# Shop")


def test_jupyter_servers_own_api_is_documented_whole(home: Path) -> None:
    """An OpenAPI 2 file in YAML that nobody here wrote."""
    spec = document_openapi.read_spec(jupyter_api())
    document_openapi.save(spec, home / "reference.md")
    assert document_openapi.counts(spec)["methods"] > 25
    code, said = documented(home, jupyter_api())
    assert code == 0, said


@pytest.mark.parametrize(
    ("take", "said"),
    [
        ("### `GET /orders/{id}`", "GET /orders/{id} has no section"),
        ("| `id` | path | integer | yes | the method's own |\n", "parameter 'id' in path"),
        ("| `default` | any error | none | none |\n", "response default"),
        ("- `lines` (list of Line)\n", "schema Order: lines"),
        ("### `Line`", "schema Line has no section"),
        ("`application/json`", "body application/json"),
    ],
)
def test_the_check_notices_what_is_missing(home: Path, three: Path, take: str, said: str) -> None:
    reference = document_openapi.save(document_openapi.read_spec(three), home / "reference.md")
    text = reference.read_text()
    assert take in text
    reference.write_text(text.replace(take, "", 1))
    code, told = documented(home, three)
    assert code == 1 and said in told


def test_a_reference_that_is_missing_is_no_reference(home: Path, three: Path) -> None:
    assert documented(home, three)[0] == 1


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("a.json", "{", "cannot be read"),
        ("a.yaml", "a: [", "cannot be read"),
        ("a.json", "{}", "no `paths`"),
        ("a.json", '{"paths": {}, "swagger": "1.2"}', "version 1.2"),
    ],
)
def test_what_is_no_openapi_file_is_refused(tmp_path: Path, name: str, text: str, said: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(Refused, match=said):
        document_openapi.read_spec(tmp_path / name)


def test_the_api_notebook_writes_the_reference_that_its_check_wants(home: Path, three: Path) -> None:
    result = notebook("document_api", home, openapi="api.json", out="reference.md")
    assert result["outcome"] == "finished", result["said"]
    assert documented(home, three)[0] == 0


# --- a package -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def package(home: Path) -> Path:
    folder = home / "parcel"
    (folder / "inner").mkdir(parents=True)
    (folder / "__init__.py").write_text('"""A <parcel>."""\nraise SystemExit("imported!")\n')
    (folder / "_hidden.py").write_text("def secret(): ...\n")
    (folder / "inner" / "__init__.py").write_text("")
    (folder / "inner" / "box.py").write_text(
        "class Box(dict):\n    '''Holds.'''\n    size: int = 3\n    def put(self, what: str, *, at: 'int | None' = None) -> bool: '''# Puts.'''\n"
        "    def _in(self): ...\n    class Lid:\n        def open(self, *, wide): ...\nasync def fetch(*names, **more): ...\n"
    )
    return folder


def packaged(home: Path) -> tuple[int, str]:
    done = check("package_documented.py", "--package", "parcel", "--reference", "parcel.md", cwd=home)
    return done.returncode, done.stdout


def test_a_package_is_documented_without_being_imported(home: Path, package: Path) -> None:
    modules = document_package.read_package(package)
    text = document_package.save(modules, home / "parcel.md").read_text()
    assert "`put(self" not in text and "`Box.put(self, what: str, *, at: 'int | None'=None) -> bool`" in text
    assert "secret" not in text and "<parcel>" not in text and "\n# Puts" not in text
    assert packaged(home) == (0, "all of 3 modules and 5 public classes and functions stand in the reference, with their arguments\n")


@pytest.mark.parametrize("take", ["### `async fetch(*names, **more)`", "*, at: 'int | None'=None", "## `parcel.inner`", "#### `class Box.Lid`"])
def test_the_check_notices_a_missing_name_or_argument(home: Path, package: Path, take: str) -> None:
    reference = document_package.save(document_package.read_package(package), home / "parcel.md")
    text = reference.read_text()
    assert take in text
    reference.write_text(text.replace(take, ""))
    assert packaged(home)[0] == 1


def test_broken_source_and_empty_folders_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("def (:\n")
    with pytest.raises(Refused, match="not valid Python"):
        document_package.read_package(tmp_path)
    (tmp_path / "a.py").unlink()
    with pytest.raises(Refused, match="no public Python files"):
        document_package.read_package(tmp_path)


def test_the_package_notebook_documents_jarvis_own_words(home: Path) -> None:
    model = ROOT / "jarvis_lib" / "model"
    result = notebook("document_package", home, package=str(model), out="model.md")
    assert result["outcome"] == "finished", result["said"]
    done = check("package_documented.py", "--package", model, "--reference", "model.md", cwd=home)
    assert done.returncode == 0, done.stdout
