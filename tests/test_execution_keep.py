"""Keeping and putting back: byte for byte, or not at all."""

import os
from pathlib import Path

import pytest

from jarvis_lib.execution.keep import keep, read_manifest, restore
from jarvis_lib.execution.manifest import look
from jarvis_lib.model.fact import Refused


def kept(home: Path, *paths: str) -> list[dict[str, object]]:
    return keep(home, paths, home / "data" / "kept" / "a1" / "before")


def test_a_file_comes_back_with_its_bytes_mode_and_time(home: Path) -> None:
    """Bytes, permissions and modification time are as before; a second undo does nothing."""
    file = home / "run.sh"
    file.write_bytes(b"\x00old\xff")
    file.chmod(0o750)
    os.utime(file, ns=(10**18, 10**18))
    before = kept(home, "run.sh")
    file.write_bytes(b"new")
    file.chmod(0o600)
    after = look(home, ["run.sh"])
    assert restore(home, before, after) == ["run.sh"]
    assert (file.read_bytes(), file.stat().st_mode & 0o777, file.stat().st_mtime_ns) == (b"\x00old\xff", 0o750, 10**18)
    assert restore(home, before, after) == []


def test_what_was_created_goes_and_what_was_deleted_comes_back(home: Path) -> None:
    """In a folder too, with its folders; links are put back as links."""
    folder = home / "site"
    (folder / "old").mkdir(parents=True)
    (folder / "old" / "a").write_text("a")
    (folder / "link").symlink_to("old/a")
    before = kept(home, "site", "new.txt")
    (folder / "old" / "a").unlink()
    (folder / "old").rmdir()
    (folder / "old").write_text("a file now")
    (folder / "link").unlink()
    (folder / "made" / "deep").mkdir(parents=True)
    (folder / "made" / "deep" / "b").write_text("b")
    (home / "new.txt").write_text("n")
    restore(home, before, look(home, ["site", "new.txt"]))
    assert sorted(p.relative_to(home).as_posix() for p in folder.rglob("*")) == ["site/link", "site/old", "site/old/a"]
    assert (folder / "link").read_text() == "a" and not (home / "new.txt").exists()


@pytest.mark.parametrize("hand", ["changed", "deleted", "replaced by a folder"])
def test_what_the_person_changed_since_is_not_overwritten(home: Path, hand: str) -> None:
    """Refused with the file's name, and nothing else is touched either."""
    for name in ("a.txt", "b.txt"):
        (home / name).write_text("old")
    before = kept(home, "a.txt", "b.txt")
    for name in ("a.txt", "b.txt"):
        (home / name).write_text("jarvis")
    after = look(home, ["a.txt", "b.txt"])
    (home / "b.txt").write_text("mine")
    if hand != "changed":
        (home / "b.txt").unlink()
    if hand == "replaced by a folder":
        (home / "b.txt").mkdir()
    with pytest.raises(Refused, match=r"b\.txt .* since Jarvis left it"):
        restore(home, before, after)
    assert (home / "a.txt").read_text() == "jarvis"


def test_what_the_person_added_to_a_folder_stays(home: Path) -> None:
    """Only what Jarvis left is taken away."""
    before = kept(home, "docs")
    (home / "docs").mkdir()
    (home / "docs" / "api.md").write_text("made")
    after = look(home, ["docs"])
    (home / "docs" / "mine.md").write_text("mine")
    restore(home, before, after)
    assert [p.name for p in (home / "docs").iterdir()] == ["mine.md"]


def test_a_database_is_kept_with_its_side_files(home: Path) -> None:
    """A write-ahead log that was there comes back, one that was not goes; shared memory alone is nobody's change."""
    (home / "a.db").write_bytes(b"SQLite format 3\x00" + b"x" * 84)
    (home / "a.db-wal").write_bytes(b"log")
    (home / "a.db-shm").write_bytes(b"shm")
    before = kept(home, "a.db")
    assert [(e["path"], e["kind"]) for e in before] == [("a.db", "file"), ("a.db-wal", "file"), ("a.db-shm", "file"), ("a.db-journal", "absent")]
    (home / "a.db").write_bytes(b"SQLite format 3\x00" + b"y" * 84)
    (home / "a.db-wal").unlink()
    after = look(home, ["a.db"])
    (home / "a.db-shm").write_bytes(b"other")
    assert set(restore(home, before, after)) == {"a.db", "a.db-wal", "a.db-shm"}
    assert (home / "a.db-wal").read_bytes() == b"log"
    (home / "a.db-shm").write_bytes(b"readers came and went")
    assert restore(home, before, after) == []


def test_keeping_the_paths_of_a_manifest_gives_the_same_entries(home: Path) -> None:
    """Whoever compares two manifests of unchanged files finds no difference, links included."""
    (home / "d").mkdir()
    (home / "d" / "x.db").write_bytes(b"")
    (home / "e.txt").write_text("e")
    (home / "top").symlink_to("e.txt")
    first = kept(home, "d", "top")
    second = keep(home, [str(e["path"]) for e in first], home / "data" / "kept" / "a1" / "left")
    assert [(e["path"], e["sha256"]) for e in first] == [(e["path"], e["sha256"]) for e in second]
    assert read_manifest(home / "data" / "kept" / "a1" / "before") == first


def test_a_link_that_leads_elsewhere_afterwards_costs_nobody_a_file(home: Path) -> None:
    """The attempt re-points a declared link at a bystander: undo puts the link back and leaves the bystander alone."""
    (home / "v1").write_text("1")
    (home / "bystander").write_text("mine")
    (home / "current").symlink_to("v1")
    before = kept(home, "current")
    (home / "current").unlink()
    (home / "current").symlink_to("bystander")
    restore(home, before, look(home, ["current"]))
    assert os.readlink(home / "current") == "v1" and (home / "bystander").read_text() == "mine"


@pytest.mark.parametrize("path", ["../x", "/etc/passwd", "", ".", "data", "data/kept/a1", "data/jarvis.duckdb", "way/passwd"])
def test_paths_outside_and_own_state_are_refused(home: Path, path: str) -> None:
    """One sentence, nothing copied."""
    (home / "way").symlink_to("/etc")
    with pytest.raises(Refused):
        kept(home, path)


def test_a_link_out_and_a_pipe_are_refused(home: Path) -> None:
    """They could not be put back."""
    (home / "d").mkdir()
    (home / "d" / "out").symlink_to("/etc/passwd")
    with pytest.raises(Refused, match="leads out of the workspace"):
        kept(home, "d")
    os.mkfifo(home / "pipe")
    with pytest.raises(Refused, match="neither a file nor a folder"):
        kept(home, "pipe")


def test_a_damaged_copy_is_not_put_back(home: Path) -> None:
    """The kept bytes are checked before they replace anything."""
    (home / "a").write_text("old")
    before = kept(home, "a")
    (home / "a").write_text("new")
    (home / str(before[0]["kept"])).write_text("rot")
    with pytest.raises(Refused, match="damaged"):
        restore(home, before, look(home, ["a"]))
    assert (home / "a").read_text() == "new" and [p.name for p in home.glob(".a*")] == []
