"""The recipe that tidies: what is old and in a cache moves to the trash, nothing else; and a backup that rotted is found."""

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from jarvis_lib.execution.playbooks import maintenance
from tests.recipe_parts import check, notebook

LATER = datetime.now(UTC) + timedelta(days=31)  # files made now are then old: a file's own change time cannot be set back


def made(path: Path, data: bytes = b"x") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


@pytest.fixture
def tidied(home: Path) -> Path:
    """A workspace with caches, work, links and two backups."""
    made(home / "notebooks" / "__pycache__" / "a.pyc")
    made(home / "tmp" / "deep" / "b.txt", b"bb")
    made(home / "notebooks" / "work.ipynb")
    made(home / ".git" / "cache" / "object")
    (home / "tmp" / "link").symlink_to(home / "notebooks" / "work.ipynb")
    for name in ("one", "two"):
        made(home / "data" / "snapshots" / f"{name}.duckdb", b"\0" * 8 + b"DUCK" + name.encode() * 100)
    return home


def run(home: Path, now: datetime = LATER) -> str:
    record = home / "reports" / "maintenance.json"
    old, backups = maintenance.old_files(home, now=now), maintenance.backups(home, record)
    trash = maintenance.to_trash(home, old, now=now)
    maintenance.save(old, backups, record, trash=trash, now=now)
    return maintenance.said(old, backups, trash)


def proved(home: Path) -> tuple[int, str]:
    done = check("maintained.py", "--record", "reports/maintenance.json", cwd=home)
    return done.returncode, done.stdout


def test_old_cache_files_move_to_the_trash_with_a_list(tidied: Path) -> None:
    """Work, links and what belongs to git stay."""
    run(tidied)
    trash = tidied / "data" / "trash" / f"{LATER:%Y-%m-%d}"
    assert (trash / "tmp" / "deep" / "b.txt").read_bytes() == b"bb" and (trash / "notebooks" / "__pycache__" / "a.pyc").is_file()
    assert len(json.loads(next(trash.glob("maintenance-*.json")).read_text())) == 2
    assert (tidied / "notebooks" / "work.ipynb").is_file() and (tidied / "tmp" / "link").is_symlink() and (tidied / ".git" / "cache" / "object").is_file()
    assert proved(tidied) == (0, "2 old files lie in the trash as they were, nothing younger than 30 days moved, 2 backups are whole\n")


def test_nothing_younger_than_30_days_moves(tidied: Path) -> None:
    """Not even a file that claims an old date, as an archive gives it when it is unpacked."""
    os.utime(tidied / "tmp" / "deep" / "b.txt", (0, 0))
    assert maintenance.old_files(tidied, now=datetime.now(UTC) + timedelta(days=29)) == []
    assert "Nothing in the caches" in run(tidied, now=datetime.now(UTC))
    assert proved(tidied)[0] == 0


def test_the_same_name_twice_on_one_day_loses_nothing(tidied: Path) -> None:
    run(tidied)
    made(tidied / "tmp" / "deep" / "b.txt", b"new")
    run(tidied)
    trash = tidied / "data" / "trash" / f"{LATER:%Y-%m-%d}" / "tmp" / "deep"
    assert {p.read_bytes() for p in trash.iterdir()} == {b"bb", b"new"}
    assert proved(tidied)[0] == 0


def test_a_backup_that_rotted_is_found(tidied: Path) -> None:
    """Same name, same time of writing, other bytes."""
    run(tidied)
    file = tidied / "data" / "snapshots" / "one.duckdb"
    was = file.stat()
    file.write_bytes(file.read_bytes().replace(b"one", b"0ne", 1))
    os.utime(file, ns=(was.st_atime_ns, was.st_mtime_ns))
    assert proved(tidied)[0] == 1
    assert "its bytes changed" in run(tidied)
    assert proved(tidied) == (1, "data/snapshots/one.duckdb: its bytes changed since it was last read, though nobody wrote it\n")


def test_a_backup_that_is_no_database_is_found(tidied: Path) -> None:
    made(tidied / "data" / "snapshots" / "two.duckdb", b"nothing")
    assert "it is no DuckDB file" in run(tidied)
    assert proved(tidied)[0] == 1


@pytest.mark.parametrize("harm", ["lost", "changed", "young"])
def test_the_check_finds_out_what_was_lost(tidied: Path, harm: str) -> None:
    run(tidied)
    record = tidied / "reports" / "maintenance.json"
    lying = next((tidied / "data" / "trash").glob("*/tmp/deep/b.txt"))
    if harm == "lost":
        lying.unlink()
    elif harm == "changed":
        lying.write_bytes(b"other")
    else:
        record.write_text(record.read_text().replace(LATER.isoformat(), datetime.now(UTC).isoformat()))
    assert proved(tidied)[0] == 1


def test_the_notebook_tidies_and_its_check_agrees(tidied: Path) -> None:
    result = notebook("maintenance", tidied, workspace=str(tidied), as_of=LATER.isoformat())
    assert result["outcome"] == "finished", result["said"]
    assert not (tidied / "tmp" / "deep" / "b.txt").exists()
    assert proved(tidied)[0] == 0
