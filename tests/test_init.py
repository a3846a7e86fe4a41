"""`jarvis init`: a folder becomes a workspace, or stays what it was."""

from pathlib import Path

import pytest

from jarvis_lib.doors.init import init, shipped_notebooks
from jarvis_lib.model.fact import Refused
from jarvis_lib.model.settings import parse, template
from jarvis_lib.workspace import open_workspace


def tree(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_a_new_folder_becomes_a_workspace(tmp_path: Path) -> None:
    """Settings with every key, three folders with a README each, and all notebooks."""
    made = init(tmp_path / "deep/jarvis")
    found = tree(tmp_path / "deep/jarvis")
    assert set(made) == set(found)
    assert {"jarvis.toml", "data/README.md", "reports/README.md", "logs/README.md"} < set(found)
    assert parse(found["jarvis.toml"].decode()) == parse("")
    source = shipped_notebooks()
    shipped = [p.relative_to(source) for p in source.rglob("*") if p.is_file()]
    work = {f"notebooks/{p.as_posix()}" for p in shipped if not any(x.startswith((".", "__")) for x in p.parts)}
    assert work == {n for n in found if n.startswith("notebooks/")}
    assert open_workspace(tmp_path / "deep/jarvis").home == (tmp_path / "deep/jarvis").resolve()


def test_a_workspace_is_refused_untouched(tmp_path: Path) -> None:
    (tmp_path / "jarvis.toml").write_text("# mine\n")
    with pytest.raises(Refused, match="is a workspace already"):
        init(tmp_path)
    assert tree(tmp_path) == {"jarvis.toml": b"# mine\n"}


def test_what_lies_in_the_folder_stays_as_it_is(tmp_path: Path) -> None:
    """A project's own files and notebooks are never overwritten."""
    name = next(p for p in shipped_notebooks().rglob("*.ipynb")).relative_to(shipped_notebooks())
    own = tmp_path / "notebooks" / name
    own.parent.mkdir(parents=True)
    own.write_text("mine")
    (tmp_path / "data").mkdir()
    (tmp_path / "data/README.md").write_text("mine too")
    init(tmp_path)
    assert own.read_text() == "mine" and (tmp_path / "data/README.md").read_text() == "mine too"
    assert (tmp_path / "jarvis.toml").read_text() == template()


def test_half_made_work_is_taken_back(tmp_path: Path) -> None:
    """Where a file stands in the way of a folder, all that was made before is gone again and the person's files are there."""
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / "notebooks").write_text("a file in the way")
    with pytest.raises(Refused, match="what was begun is gone again") as caught:
        init(tmp_path)
    assert caught.value.code == "failed"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["notebooks", "notes.txt"]


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("")
    with pytest.raises(Refused, match="is a file"):
        init(tmp_path / "a")
