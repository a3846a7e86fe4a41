"""What the programs of fixes refuse, step by step: whatever was changed meanwhile stays as it is, and the sentence says where the old bytes are."""

import os
import shutil
import sqlite3
import subprocess
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from jarvis_lib.execution import tree
from jarvis_lib.execution.fixes import clear, repository, rotate, swap, trash, unlock
from jarvis_lib.execution.fixes.git import git_dir, told
from jarvis_lib.execution.fixes.notes import Note
from jarvis_lib.execution.fixes.playbooks import CompactDatabase, OnFiles, PackRepository, RotateLog
from jarvis_lib.model.fact import Refused
from tests.fix_parts import LATE, REPO, bloated_sqlite, garbage, git, oversized_log

NO_EVIDENCE = {"branches": [], "worktrees": [], "loose": 0, "bytes": 0}


def note_of(home: Path, subject: str) -> Note:
    return Note(home, "f1", "p", "b", subject, "2026-11-24T00:00:00Z", None)


# --- logs ----------------------------------------------------------------------------------------------------------------


@pytest.fixture
def rotated(tmp_path: Path) -> rotate.Rotation:
    (tmp_path / "logs").mkdir()
    oversized_log(tmp_path)
    done = rotate.rotate(note_of(tmp_path, "logs/app.log"), stamp="20261124T000000Z", limit=10_000)
    assert rotate.holds(done) == "" and rotate.was_shortened(done)
    return done


def test_a_log_that_is_gone_or_another_is_not_put_back(rotated: rotate.Rotation, tmp_path: Path) -> None:
    log = Path(rotated.log)
    log.write_text("begun anew\n")
    assert rotate.holds(rotated) == "the log does not go on where the archive ends"
    with pytest.raises(Refused, match="was changed since; its old lines stay in"):
        rotate.unrotate(rotated, tmp_path / "kept")
    assert log.read_text() == "begun anew\n" and Path(rotated.archive).exists()
    log.unlink()
    with pytest.raises(Refused, match="is gone; the old lines are in"):
        rotate.unrotate(rotated, tmp_path / "kept")


@pytest.mark.parametrize("changed", [True, False])
def test_an_archive_that_is_another_puts_nothing_back(rotated: rotate.Rotation, tmp_path: Path, changed: bool) -> None:
    archive, before = Path(rotated.archive), Path(rotated.log).read_bytes()
    archive.write_bytes(b"another") if changed else archive.unlink()
    assert rotate.holds(rotated) == "the archive is not what was written"
    with pytest.raises(Refused, match="was changed or removed since, so the log cannot be put back"):
        rotate.unrotate(rotated, tmp_path / "kept")
    assert Path(rotated.log).read_bytes() == before
    rotate.drop_archive(rotated)
    assert archive.exists() == changed  # what is not the archive of this fix is not removed by it


def test_what_is_appended_stays_behind_the_old_lines_and_a_second_undo_changes_nothing(rotated: rotate.Rotation, tmp_path: Path) -> None:
    with open(rotated.log, "ab") as log:
        log.write(b"a new line\n")
    rotate.unrotate(rotated, tmp_path / "kept")
    back = Path(rotated.log).read_bytes()
    assert back.endswith(b"a new line\n") and not rotate.was_shortened(rotated) and not Path(rotated.archive).exists()
    rotate.unrotate(rotated, tmp_path / "kept")
    assert Path(rotated.log).read_bytes() == back


def test_a_second_archive_of_the_same_moment_has_a_name_of_its_own(rotated: rotate.Rotation, tmp_path: Path) -> None:
    oversized_log(tmp_path)
    again = rotate.rotate(note_of(tmp_path, "logs/app.log"), stamp="20261124T000000Z", limit=10_000)
    assert again.archive != rotated.archive and Path(rotated.archive).exists() and Path(again.archive).exists()


# --- databases -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def database(tmp_path: Path) -> Path:
    (tmp_path / "data").mkdir()
    bloated_sqlite(tmp_path)
    return tmp_path / "data" / "app.db"


def test_a_database_that_is_in_use_is_not_compacted(database: Path, tmp_path: Path) -> None:
    note = note_of(tmp_path, "data/app.db")
    before = database.read_bytes()
    side = database.with_name("app.db-journal")
    side.write_bytes(b"x")
    with pytest.raises(Refused, match=r"app.db-journal stands beside it"):
        swap.compact(note)
    side.unlink()
    os.link(database, database.with_name("other.db"))
    with pytest.raises(Refused, match="has more than one name"):
        swap.compact(note)
    database.with_name("other.db").unlink()
    with pytest.raises(Refused, match=r"needs room for [\d,]+ bytes"):
        swap.refuse_unfit(database, 1 << 62, 1)
    assert database.read_bytes() == before


def test_a_database_with_a_write_ahead_log_is_its_own_programs_to_compact(database: Path, tmp_path: Path) -> None:
    with closing(sqlite3.connect(database)) as con:
        con.execute("PRAGMA journal_mode = WAL")
    with pytest.raises(Refused, match="it is set to a write-ahead log"):
        swap.compact(note_of(tmp_path, "data/app.db"))


def test_a_compacted_database_goes_back_only_while_nothing_has_changed(database: Path, tmp_path: Path) -> None:
    old = database.read_bytes()
    done = swap.compact(note_of(tmp_path, "data/app.db"))
    assert swap.holds(done) == "" and swap.was_swapped(done) and done.bytes_after < done.bytes_before
    compacted = database.read_bytes()
    with closing(sqlite3.connect(database)) as con:
        con.execute("DELETE FROM t WHERE id = 1")
        con.commit()
    assert swap.holds(done) == "the file is not the copy that was compared"
    with pytest.raises(Refused, match="was changed since it was compacted, so it stays; the old file is"):
        swap.uncompact(done)
    database.unlink()
    with pytest.raises(Refused, match="is gone; the old file is"):
        swap.uncompact(done)
    database.write_bytes(compacted)
    kept = Path(done.kept)
    kept.write_bytes(b"another")
    assert swap.holds(done) == "the kept file is not the old one"
    with pytest.raises(Refused, match="The kept copy .* was changed or removed"):
        swap.uncompact(done)
    kept.write_bytes(old)
    swap.uncompact(done)
    assert database.read_bytes() == old
    swap.uncompact(done)
    assert database.read_bytes() == old and not swap.was_swapped(done)


# --- the trash -----------------------------------------------------------------------------------------------------------


def test_the_trash_gives_back_only_what_it_took(tmp_path: Path) -> None:
    files = [tmp_path / name for name in ("a.log", "b.log")]
    for file in files:
        file.write_text(file.name)
    moves = trash.planned(tmp_path, [*files, files[0]], day="2026-11-24")
    assert len({new for _, new, _ in moves.moves}) == 3  # the same name twice has two places
    moves = trash.planned(tmp_path, files, day="2026-11-24")
    assert not trash.any_moved(moves)
    trash.move_all(moves, before=files[0].stat().st_mtime - 60)
    assert all(file.exists() for file in files)  # touched since: left where they are
    files[1].unlink()
    trash.move_all(moves)
    assert trash.any_moved(moves) and trash.holds(moves) == "b.log is not in the trash as it was"
    moves = trash.Moves(moves.moves[:1])
    assert trash.holds(moves) == ""
    files[0].write_text("a new one")
    with pytest.raises(Refused, match="exists again, so the old one stays in"):
        trash.bring_back(moves)
    assert files[0].read_text() == "a new one"
    files[0].unlink()
    inside = Path(moves.moves[0][1])
    inside.write_text("changed")
    with pytest.raises(Refused, match="was changed or removed since, so nothing was moved back"):
        trash.bring_back(moves)
    inside.write_text("a.log")
    trash.bring_back(moves)
    trash.bring_back(moves)
    assert files[0].read_text() == "a.log" and not inside.exists()


def test_a_file_from_another_disk_is_copied_compared_and_only_then_let_go(tmp_path: Path) -> None:
    other = Path("/dev/shm")
    if not other.is_dir() or other.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("there is no second disk here")
    file = other / f"jarvis-test-{os.getpid()}"
    file.write_text("from elsewhere")
    try:
        moves = trash.put_away(note_of(tmp_path, "x"), [file], day="2026-11-24")
        assert not file.exists() and "outside" in moves.moves[0][1] and trash.holds(moves) == ""
        trash.bring_back(moves)
        assert file.read_text() == "from elsewhere"
    finally:
        file.unlink(missing_ok=True)


# --- repositories --------------------------------------------------------------------------------------------------------


def test_a_repository_that_is_gone_locked_or_partial_is_not_packed(tmp_path: Path) -> None:
    note = note_of(tmp_path, REPO)
    (tmp_path / REPO).mkdir()
    with pytest.raises(Refused, match="is no git repository any more"):
        repository.pack(note, NO_EVIDENCE)
    (tmp_path / REPO).rmdir()
    garbage(tmp_path)
    inner = tmp_path / REPO / ".git"
    (inner / "index.lock").touch()
    with pytest.raises(Refused, match="is in use: index.lock stands in it"):
        repository.pack(note, NO_EVIDENCE)
    (inner / "index.lock").unlink()
    git(tmp_path / REPO, "config", "remote.origin.promisor", "true")
    with pytest.raises(Refused, match="is a partial clone"):
        repository.pack(note, NO_EVIDENCE)
    git(tmp_path / REPO, "config", "--unset", "remote.origin.promisor")
    with pytest.raises(Refused, match="packing needs room for"):
        repository.refuse_unfit(tmp_path / REPO, inner, 1 << 62)
    with subprocess.Popen(["git", "cat-file", "--batch"], cwd=tmp_path / REPO, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as living:
        with pytest.raises(Refused, match="is in use: .*works in this repository"):
            repository.pack(note, NO_EVIDENCE)
        living.kill()


def test_a_repository_with_a_link_among_its_objects_is_left_as_it_is(tmp_path: Path) -> None:
    garbage(tmp_path)
    inner = tmp_path / REPO / ".git"
    (inner / "objects" / "link").symlink_to("/etc")
    with pytest.raises(Refused, match="is a link or no file, so this repository is left as it is"):
        repository.pack(note_of(tmp_path, REPO), NO_EVIDENCE)


def test_a_branch_that_moved_meanwhile_stops_the_packing(tmp_path: Path) -> None:
    garbage(tmp_path)
    evidence = NO_EVIDENCE | {"branches": [["refs/heads/jarvis/abc-done", "0" * 40]]}
    with pytest.raises(Refused, match="moved in the meantime, so nothing was done"):
        repository.pack(note_of(tmp_path, REPO), evidence)
    assert "jarvis/abc-done" in git(tmp_path / REPO, "branch", "-a")


def test_a_packed_repository_goes_back_only_from_a_whole_copy_and_while_nothing_moved(tmp_path: Path) -> None:
    garbage(tmp_path)
    top = tmp_path / REPO
    done = repository.pack(note_of(tmp_path, REPO), NO_EVIDENCE)
    assert repository.holds(done) == "" and repository.happened(done)
    assert repository.holds(replace(done, index_sha="0")) == "the index was changed in the meantime"
    git(top, "branch", "mine")
    assert repository.holds(done) == "another ref moved in the meantime, or one was lost"
    git(top, "branch", "-D", "mine")
    log = top / ".git" / "logs" / "HEAD"
    words = log.read_bytes()
    log.write_bytes(words + words.splitlines(keepends=True)[-1])
    with pytest.raises(Refused, match="a log of its refs went on"):
        repository.unpack(done)
    log.write_bytes(words)
    kept = Path(done.kept)
    lost = next(p for p in (kept / "objects").rglob("*") if p.is_file() and not (top / ".git" / p.relative_to(kept)).exists())
    moved = lost.rename(lost.with_name("elsewhere"))
    with pytest.raises(Refused, match="is damaged or gone, so nothing was put back"):
        repository.unpack(done)
    moved.rename(lost)
    kept.with_name("before.json").write_text("[]")
    with pytest.raises(Refused, match="was changed or removed since, so nothing can be put back"):
        repository.unpack(done)
    shutil.rmtree(kept.parent)
    with pytest.raises(Refused, match="was changed or removed since"):
        repository.unpack(done)


# --- before anything is done ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("playbook", "subject"), [(RotateLog(), "logs/app.log"), (CompactDatabase(), "data/app.db")])
def test_what_is_no_plain_file_any_more_is_not_touched(tmp_path: Path, playbook: OnFiles, subject: str) -> None:
    """A link that took its place would lead the fix elsewhere."""
    (tmp_path / subject).parent.mkdir()
    for _ in range(2):
        with pytest.raises(Refused, match="is no plain file any more"):
            playbook.would(tmp_path, subject, {}, now=LATE, day="2026-11-24")
        if not (tmp_path / subject).is_symlink():
            (tmp_path / "elsewhere").write_text("x")
            (tmp_path / subject).symlink_to(tmp_path / "elsewhere")


def test_a_folder_that_is_no_repository_any_more_is_not_packed_and_a_bare_one_is_found(tmp_path: Path) -> None:
    (tmp_path / "r").mkdir()
    with pytest.raises(Refused, match="r is no git repository any more"):
        PackRepository().would(tmp_path, "r", {"bytes": 0}, now=LATE, day="2026-11-24")
    with pytest.raises(Refused, match=r"git log in .*/r "):
        told(tmp_path / "r", "log")
    git(tmp_path / "r", "init", "-q", "--bare")
    assert git_dir(tmp_path / "r") == tmp_path / "r"


def test_a_folder_that_may_not_be_cleaned_or_has_nothing_old_is_left(tmp_path: Path) -> None:
    home = tmp_path / "w"
    (home / "cache" / "mine").mkdir(parents=True)
    (home / "cache" / "mine" / ".git").mkdir()
    for subject, said in (
        ("nothing", "nothing is not cleaned: it is gone"),
        (".", "it holds this workspace"),
        (str(Path.home().parent), "it holds your home folder|it holds this workspace"),
        ("cache/mine", "it belongs to a repository"),
        ("cache", "Nothing in cache is old enough to go"),
    ):
        with pytest.raises(Refused, match=said):
            clear.due(home, subject, keep_days=30, now=LATE)


def test_a_lock_that_is_another_one_or_lives_is_left_alone(tmp_path: Path) -> None:
    lock = tmp_path / "app.pid"
    with pytest.raises(Refused, match="is another lock now"):
        unlock.refuse_unproved(lock, 1, None)
    lock.write_text(f"{os.getpid()}\n")
    with pytest.raises(Refused, match="was left alone: "):
        unlock.refuse_unproved(lock, lock.stat().st_ino, None)
    with subprocess.Popen(["true"]) as ended:
        while tree.exists(ended.pid):
            pass
        lock.write_text(f"{ended.pid}\n")  # dead, and not yet collected by its parent
        assert "has ended" in unlock.refuse_unproved(lock, lock.stat().st_ino, None)
    link = tmp_path / "link.pid"
    link.symlink_to(lock)
    with pytest.raises(Refused, match="is another lock now"):
        unlock.refuse_unproved(link, lock.stat().st_ino, None)
