"""Playbooks: each says what it would do, touches nothing else, checks itself, goes back byte for byte, and is watched for a day."""

import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jarvis_lib import autonomous_queue, problem_predictor
from jarvis_lib.execution.fixes import notes, watch_caches, watch_locks
from jarvis_lib.execution.fixes.child import ask, shell
from jarvis_lib.execution.fixes.notes import Note
from jarvis_lib.execution.fixes.playbooks import PLAYBOOKS
from jarvis_lib.execution.fixes.watch import Reading
from jarvis_lib.model.fact import Refused
from jarvis_lib.model.problem import Fix
from jarvis_lib.model.risk import TIERS, Blast, tier_of
from jarvis_lib.problem_predictor import fixing
from jarvis_lib.store.place import Place
from tests.fix_parts import LATE, MAKERS, REPO, differences, garbage, git, old_cache, oversized_log, picture, stale_lock, watching

DAY = timedelta(days=1)


def fix(place: Place, *, now: Any = LATE, session: str | None = None) -> list[Fix]:
    problem_predictor.scan(place, now=now)
    return problem_predictor.fix_safe(place, now=now, session=session)


def facts(place: Place, kind: str) -> list[dict[str, Any]]:
    lines = [json.loads(line) for p in sorted((place.home / "data" / "journal").glob("*.jsonl")) for line in p.read_text().splitlines()]
    return [line["fact"]["data"] for line in lines if line["fact"]["kind"] == kind]


def standing(place: Place, key: str, now: Any) -> dict[str, Any]:
    return next(r for r in problem_predictor.listed(place, now=now) if r["key"] == key)


# --- every playbook ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", MAKERS)
def test_each_playbook_fixes_and_goes_back_byte_for_byte(name: str, tmp_path: Path) -> None:
    """Found, dry-run without a trace, fixed, told as watching with its undo date, and after the undo every byte, mode and time is as before."""
    place = watching(tmp_path)
    key = MAKERS[name](tmp_path)
    before = picture(tmp_path)
    dry = {r["problem"]: r for r in problem_predictor.would_fix(place, now=LATE)}
    assert dry[key]["steps"] and not dry[key]["refused"] and dry[key]["tier"] == "low"
    assert differences(before, picture(tmp_path)) == []
    done = {f.problem: f for f in fix(place)}[key]
    assert done.verified, done.said
    assert problem_predictor.scan(place, now=LATE) == [] and differences(before, picture(tmp_path))
    row = standing(place, key, LATE)
    assert (row["standing"], row["undo_until"], row["check_due"]) == ("watching", LATE + 7 * DAY, LATE + DAY)
    assert problem_predictor.undo_fix(place, done.undo["fix"], now=LATE).startswith("Undone: ")
    assert differences(before, picture(tmp_path)) == [] and not notes.unfinished(tmp_path)


@settings(max_examples=6)
@given(seed=st.integers(0, 2**32), names=st.sets(st.sampled_from([n for n in MAKERS if n != "compact_duckdb"]), min_size=1, max_size=4))
def test_random_trees_come_back_byte_for_byte(tmp_path_factory: pytest.TempPathFactory, seed: int, names: set[str]) -> None:
    """Several playbooks at once in a tree of random files, modes, times and links: undone in any order, nothing has changed."""
    home, luck = tmp_path_factory.mktemp("tree"), random.Random(seed)
    place = watching(home)
    for name in sorted(names - {"trash_old_logs"} if "rotate_log" in names else names):
        MAKERS[name](home)
    scatter(home / "cache", luck)
    before = picture(home)
    done = fix(place)
    assert done and all(f.verified for f in done), [f.said for f in done]
    luck.shuffle(done)
    for one in done:
        problem_predictor.undo_fix(place, one.undo["fix"], now=LATE)
    assert differences(before, picture(home)) == []


def scatter(top: Path, luck: random.Random) -> None:
    """Random files in random folders, some of them links, empty, strangely named or with strange modes."""
    top.mkdir(exist_ok=True)
    for n in range(luck.randint(1, 12)):
        folder = top.joinpath(*luck.choices(["a", "b b", "ü", ".hidden"], k=luck.randint(0, 3)))
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / luck.choice([f"{n}", f"x y {n}", f"-{n}", f"{n}.gz", f"~{n}"])
        if luck.random() < 0.2:
            path.symlink_to(luck.choice(["nowhere", "/etc/hostname", ".."]))
            continue
        path.write_bytes(luck.randbytes(luck.choice([0, 1, 5000])))
        path.chmod(luck.choice([0o644, 0o600, 0o755, 0o440]))
        when = luck.randint(0, 2_000_000_000_000_000_000)
        os.utime(path, ns=(when, min(when, time.time_ns())))


class Doubting:
    """A playbook whose own check always says no; all else is the real one."""

    def __init__(self, own: Any) -> None:
        self.own = own

    def __getattr__(self, name: str) -> Any:
        return getattr(self.own, name)

    def holds(self, done: Any) -> str:
        return "the check says no"


@pytest.mark.parametrize("name", MAKERS)
def test_a_playbook_whose_check_fails_after_the_act_undoes_itself(name: str, tmp_path: Path) -> None:
    """The act took place, its check says no, and everything is put back byte for byte."""
    place = watching(tmp_path)
    key = MAKERS[name](tmp_path)
    problem = next(p for p in problem_predictor.scan(place, now=LATE) if p.key == key)
    playbook: Any = Doubting(PLAYBOOKS[problem.kind])
    note = Note(tmp_path, "f1", key, playbook.name, problem.subject, "", None)
    before = picture(tmp_path)
    done = fixing.carry_out(place, note, playbook, problem.evidence, now=LATE)
    assert not done.verified and "the check says no" in done.said and "could not be put back" not in done.said
    assert note.undo is not None and differences(before, picture(tmp_path)) == []


# --- tiers ---------------------------------------------------------------------------------------------------------------

SIZES = st.builds(Blast, bytes=st.integers(0, 2**42), files=st.integers(0, 10**6), repositories=st.integers(0, 20), services=st.integers(0, 9))


@given(own=st.sampled_from(TIERS), blast=SIZES, more=SIZES, came_back=st.integers(0, 5))
def test_the_blast_radius_raises_the_tier_and_never_lowers_it(own: str, blast: Blast, more: Blast, came_back: int) -> None:
    """Never below the playbook's own tier; touching more, or coming back more often, is never less risky; what is raised says why."""
    tier, why = tier_of(own, blast, came_back=came_back)
    wider = Blast(*(a + b for a, b in zip(parts(blast), parts(more), strict=True)))
    assert TIERS.index(tier) >= TIERS.index(own) and bool(why) == (tier != own)
    assert TIERS.index(tier_of(own, wider, came_back=came_back)[0]) >= TIERS.index(tier)
    assert TIERS.index(tier_of(own, blast, came_back=came_back + 1)[0]) >= TIERS.index(tier)


def parts(blast: Blast) -> tuple[int, ...]:
    return blast.bytes, blast.files, blast.repositories, blast.services


def test_what_touches_much_asks_and_stands_in_the_inbox_with_its_command(tmp_path: Path) -> None:
    """A cache of more than a thousand old files is not cleaned by a session; the inbox has the command, and the person's word does it."""
    place = watching(tmp_path)
    (tmp_path / "cache").mkdir()
    for n in range(1001):
        (tmp_path / "cache" / f"{n}").touch()
    assert fix(place, session="s1") == [] and fix(place) == []
    (card,) = autonomous_queue.inbox(place, now=LATE)
    assert card["commands"][0] == "jarvis problems fix old_cache:cache" and "1,001 files" in card["what"]
    with pytest.raises(Refused, match="for the person to run"):
        place.store.write(place.fact("fix.applied", actor="session:s1", fix=Fix("old_cache:cache", "x", "x", True, "", {}, "medium").to_json()))
    with pytest.raises(Refused, match="Only the person"):
        problem_predictor.fix_one(replace(place, actor="session:s1"), "old_cache", now=LATE)
    assert problem_predictor.fix_one(place, "old_cache", now=LATE).verified
    assert autonomous_queue.inbox(place, now=LATE) == [] and facts(place, "fix.applied")[0]["fix"]["tier"] == "medium"


def test_what_no_playbook_answers_is_only_told(tmp_path: Path) -> None:
    """`fix` on a damaged database says what to do instead; an unknown key is named, and one that has passed too."""
    place = watching(tmp_path, log_max_mb="10.0")
    (tmp_path / "data" / "bad.db").write_bytes(b"SQLite format 3\0" + os.urandom(5000))
    problem_predictor.scan(place, now=LATE)
    with pytest.raises(Refused, match="No playbook answers"):
        problem_predictor.fix_one(place, "unreadable_database:data/bad.db", now=LATE)
    with pytest.raises(Refused, match="There is no problem"):
        problem_predictor.fix_one(place, "nothing", now=LATE)
    (tmp_path / "data" / "bad.db").unlink()
    with pytest.raises(Refused, match="not there at this moment"):
        problem_predictor.fix_one(place, "bad.db", now=LATE)


# --- a day after ---------------------------------------------------------------------------------------------------------


def test_a_fix_is_held_only_when_the_same_check_is_green_a_day_later(tmp_path: Path) -> None:
    """Nothing counts before 24 hours, however often it is looked at; the ledger refuses it too; then it is held, once."""
    place = watching(tmp_path)
    key = oversized_log(tmp_path)
    (done,) = fix(place)
    for hours in (1, 23):
        assert problem_predictor.recheck(place, now=LATE + timedelta(hours=hours)) == []
    with pytest.raises(Refused, match="is watched until"):
        place.store.write(place.fact("fix.checked", at=LATE + timedelta(hours=23), fix=done.undo["fix"], how="held", said="x"))
    later = LATE + DAY
    assert [c["how"] for c in problem_predictor.recheck(place, now=later)] == ["held"]
    assert problem_predictor.recheck(place, now=later + DAY) == [] and standing(place, key, later)["standing"] == "held"
    line = (tmp_path / "logs" / "auto_fixes.log").read_text().splitlines()[-1]
    assert "check a day later: held" in line and done.undo["fix"] in line


def test_what_comes_back_within_the_day_never_counts_as_held(tmp_path: Path) -> None:
    """The log is over its limit again after five hours: came back, at once and for good."""
    place = watching(tmp_path)
    key = oversized_log(tmp_path)
    fix(place)
    oversized_log(tmp_path)
    problem_predictor.scan(place, now=LATE + timedelta(hours=5))
    assert [f["how"] for f in facts(place, "fix.checked")] == ["came back"] and standing(place, key, LATE)["standing"] == "came back"
    problem_predictor.scan(place, now=LATE + 2 * DAY)
    assert [f["how"] for f in facts(place, "fix.checked")] == ["came back"]


def test_what_cannot_be_measured_a_day_later_stays_due(tmp_path: Path) -> None:
    """A locked database is neither held nor back; once it can be read the check is made."""
    place = watching(tmp_path)
    key = MAKERS["compact_database"](tmp_path)
    fix(place)
    with closing(sqlite3.connect(tmp_path / "data" / "app.db", isolation_level=None)) as con:
        con.execute("BEGIN EXCLUSIVE")
        problem_predictor.scan(place, now=LATE + 2 * DAY)
        assert standing(place, key, LATE + 2 * DAY)["standing"] == "watching"
    problem_predictor.scan(place, now=LATE + 2 * DAY)
    assert standing(place, key, LATE + 2 * DAY)["standing"] == "held"


def test_a_problem_that_flaps_is_asked_about(tmp_path: Path) -> None:
    """Fixed, back, fixed, back within two weeks: the third time it asks and says why; two weeks later it is low again."""
    place = watching(tmp_path)
    for n in range(2):
        key = oversized_log(tmp_path)
        assert [f.verified for f in fix(place, now=LATE + 3 * n * DAY, session=f"s{n}")] == [True]
    oversized_log(tmp_path)
    now = LATE + 6 * DAY
    assert fix(place, now=now, session="s9") == []
    row = standing(place, key, now)
    assert row["tier"] == "medium" and "came back 2 times in 14 days" in row["tier_why"] and row["command"] == f"jarvis problems fix {key}"
    assert standing(place, key, now + 20 * DAY)["tier"] == "low"
    assert problem_predictor.fix_one(place, key, now=now).verified


def test_files_that_grow_old_every_day_are_no_flapping(tmp_path: Path) -> None:
    """A cache that is cleaned again and again keeps its tier: each time other files had grown old."""
    place = watching(tmp_path)
    for n in range(5):
        old_cache(tmp_path)
        assert [f.verified for f in fix(place, now=LATE + 2 * n * DAY, session=f"s{n}")] == [True]
    checked = [f["how"] for f in facts(place, "fix.checked")]
    assert checked == ["held"] * 4


def test_a_service_that_went_red_after_a_fix_has_it_taken_back(tmp_path: Path) -> None:
    """The app needs the old file after all: its check is red at the next look, so the file comes back by itself, which is said everywhere."""
    check = "test -e cache/a.bin"
    place = watching(tmp_path, services=f'{{ app = {{ check = "{check}", restart = "true" }} }}')
    key = old_cache(tmp_path)
    before = picture(tmp_path)
    (done,) = fix(place, session="s1")
    assert done.verified and not (tmp_path / "cache" / "a.bin").exists()
    now = LATE + timedelta(hours=2)
    problem_predictor.scan(place, now=now)
    assert differences(before, picture(tmp_path)) == []
    (checked,), (undone,) = facts(place, "fix.checked"), facts(place, "fix.undone")
    assert checked["how"] == "worse" and "app answered before the fix and does not since; the fix was taken back" in checked["said"]
    assert undone["by"] == "watch" and "taken back by itself" in (tmp_path / "logs" / "auto_fixes.log").read_text()
    assert fix(place, now=now + DAY, session="s2") == [], "a session does not try it again"
    row = standing(place, key, now)
    assert row["standing"] == "open" and row["tier"] == "medium" and "taken back by itself" in row["tier_why"]


def test_a_number_that_is_worse_than_before_is_taken_back_or_said(tmp_path: Path) -> None:
    """The compacted database cannot be read a day later: the old one would come back, but somebody wrote to it, which is said and left."""
    place = watching(tmp_path)
    MAKERS["compact_database"](tmp_path)
    (done,) = fix(place)
    path = tmp_path / "data" / "app.db"
    path.write_bytes(path.read_bytes()[:100] + os.urandom(9000))
    broken = path.read_bytes()
    problem_predictor.scan(place, now=LATE + timedelta(hours=3))
    (checked,) = facts(place, "fix.checked")
    assert checked["how"] == "worse" and "could not be taken back" in checked["said"] and path.read_bytes() == broken and done.verified


# --- the trash -----------------------------------------------------------------------------------------------------------


def test_the_trash_is_emptied_after_seven_days_and_not_before(tmp_path: Path) -> None:
    """On the seventh day the undo still works; on the eighth what was kept is gone, the undo says so, and the log has a line."""
    place = watching(tmp_path)
    key = old_cache(tmp_path)
    MAKERS["compact_database"](tmp_path)
    fixes = fix(place)
    trash, kept = tmp_path / "data" / "trash", notes.folder(tmp_path)
    assert problem_predictor.empty_trash(place, now=LATE + 6 * DAY) == ""
    assert len([p for p in trash.rglob("*") if p.is_file()]) == 3 and len(list(kept.iterdir())) == 2
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "mine").write_text("mine")
    (next(trash.iterdir()) / "link").symlink_to(outside)
    said = problem_predictor.empty_trash(place, now=LATE + 8 * DAY)
    assert "older than 7 days" in said and not list(trash.iterdir()) and not list(kept.iterdir()) and (outside / "mine").exists()
    assert standing(place, key, LATE + 8 * DAY)["undo_until"] is None
    with pytest.raises(Refused, match="was removed on"):
        problem_predictor.undo_fix(place, fixes[0].undo["fix"], now=LATE + 8 * DAY)
    with pytest.raises(Refused, match="not 7 days old"):
        again = fix_again(place, LATE + 9 * DAY)
        place.store.write(place.fact("fix.emptied", at=LATE + 10 * DAY, fixes=[again]))
    assert "removed for good" in (tmp_path / "logs" / "auto_fixes.log").read_text()


def fix_again(place: Place, now: Any) -> str:
    old_cache(place.home)
    return str(fix(place, now=now)[0].undo["fix"])


def test_an_undo_never_replaces_what_is_newer(tmp_path: Path) -> None:
    """A new file, or a new link, stands where the old one was: the undo is refused, and neither is lost."""
    place = watching(tmp_path)
    old_cache(tmp_path)
    (done,) = fix(place)
    (tmp_path / "cache" / "a.bin").symlink_to("nowhere")
    with pytest.raises(Refused, match="exists again"):
        problem_predictor.undo_fix(place, done.undo["fix"], now=LATE)
    (tmp_path / "cache" / "a.bin").unlink()
    assert problem_predictor.undo_fix(place, done.undo["fix"], now=LATE)


# --- caches --------------------------------------------------------------------------------------------------------------


def test_only_what_is_old_and_named_is_cleaned(tmp_path: Path) -> None:
    """Younger files, links and what they lead to, repositories inside, other folders: all stay."""
    place = watching(tmp_path, at=LATE)
    old_cache(tmp_path)
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "letter").write_text("dear")
    (tmp_path / "cache" / "link").symlink_to(mine)
    (tmp_path / "cache" / "file-link").symlink_to(mine / "letter")
    inner = tmp_path / "cache" / "clone"
    inner.mkdir()
    git(inner, "init", "-q")
    now = LATE - timedelta(days=60) + timedelta(days=14, minutes=-5)
    assert fix(place, now=now) == [], "everything is younger than the limit"
    (done,) = fix(place)
    left = sorted(p.relative_to(tmp_path / "cache").as_posix() for p in (tmp_path / "cache").rglob("*") if ".git" not in p.parts)
    assert done.verified and left == ["clone", "deep", "deep/er", "file-link", "link"] and (mine / "letter").exists()


@pytest.mark.parametrize("named", ["data", "logs", ".", "..", "link", "/", "~"])
def test_a_folder_that_may_not_be_cleaned_says_why(tmp_path: Path, named: str) -> None:
    """Jarvis's own state, the workspace, what holds it, links and homes are never cleaned, though named."""
    place = watching(tmp_path, caches=f'["{named}"]')
    (tmp_path / "link").symlink_to(tmp_path / "logs")
    (reading,) = watch_caches.readings(tmp_path, place.settings.values["problems"], now=LATE)
    assert reading.over is None and reading.said.startswith("not cleaned: ")
    assert [r["over"] for r in problem_predictor.metrics(place, now=LATE) if r["kind"] == "cache"] == [None]


# --- locks ---------------------------------------------------------------------------------------------------------------


def lock_reading(place: Place, now: Any = LATE) -> Reading:
    (reading,) = watch_locks.readings(place.home, place.settings.values["problems"], now=now)
    return reading


def test_a_lock_is_stale_only_when_its_owner_is_proved_dead(tmp_path: Path) -> None:
    """A living owner, one on another machine, one that nobody names, a young lock: none is touched. A dead one, or a reused PID, is."""
    place = watching(tmp_path)
    lock = tmp_path / "app.pid"
    stale_lock(tmp_path)
    assert lock_reading(place).over is True
    assert lock_reading(place, LATE - timedelta(days=60)).over is False, "young"
    lock.write_text(f"{os.getpid()}")
    assert lock_reading(place).over is False and "lives" in lock_reading(place).said
    os.utime(lock, (1, 1))
    assert lock_reading(place).over is True and "began after the lock was written" in lock_reading(place).said
    lock.write_text("99999999 elsewhere.example")
    assert lock_reading(place).over is None and "another machine" in lock_reading(place).said
    lock.write_text('{"pid": 99999999, "boot_id": "another"}')
    assert lock_reading(place).over is True and "earlier boot" in lock_reading(place).said
    for unnamed in ("", "hello", "{", "[]", "0", "-1", "12 34 56", "9" * 400):
        lock.write_text(unnamed)
        assert lock_reading(place).over is None, unnamed
    assert fix(place) == []


def test_a_lock_that_somebody_has_open_is_left_alone(tmp_path: Path) -> None:
    """Its PID is dead, but another process holds the file: not stale."""
    place = watching(tmp_path)
    stale_lock(tmp_path)
    with subprocess.Popen(["tail", "-f", str(tmp_path / "app.pid")], stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None and holder.stdout.readline()
        assert lock_reading(place).over is False and "has it open" in lock_reading(place).said
        holder.kill()


def test_a_lock_of_git_is_freed_only_when_no_git_works_there(tmp_path: Path) -> None:
    """A living git in the repository keeps its lock; without one the lock goes to the trash and git works again."""
    place = watching(tmp_path, locks="[]", loose_objects="100000")
    garbage(tmp_path)
    git(tmp_path / REPO, "branch", "-D", "jarvis/abc-done")
    git(tmp_path / REPO, "worktree", "prune")
    lock = tmp_path / REPO / ".git" / "index.lock"
    lock.touch()
    with subprocess.Popen(["git", "cat-file", "--batch"], cwd=tmp_path / REPO, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as living:
        assert lock_reading(place).over is False and "works in this repository" in lock_reading(place).said
        living.kill()
    (done,) = fix(place)
    assert done.verified and not lock.exists()
    git(tmp_path / REPO, "add", ".")


# --- repositories --------------------------------------------------------------------------------------------------------


def test_packing_loses_no_object_and_only_own_merged_branches(tmp_path: Path) -> None:
    """Unreachable objects, the branch that is not merged and the change in the working tree are still there."""
    place = watching(tmp_path)
    garbage(tmp_path)
    top = tmp_path / REPO
    lost = subprocess.run(["git", "hash-object", "-w", "--stdin"], cwd=top, input="nobody points here", text=True, capture_output=True).stdout.strip()
    objects = set(git(top, "cat-file", "--batch-check", "--batch-all-objects").splitlines())
    (done,) = fix(place)
    assert done.verified and set(git(top, "cat-file", "--batch-check", "--batch-all-objects").splitlines()) == objects
    assert git(top, "cat-file", "-p", lost) == "nobody points here" and (top / "f0").read_text() == "changed and not committed\n"
    assert git(top, "for-each-ref", "--format=%(refname)").splitlines() == ["refs/heads/jarvis/xyz-open", "refs/heads/main"]
    assert "count: 0" in git(top, "count-objects", "-v") and not (top / ".git" / "worktrees" / "w1").exists()


@pytest.mark.parametrize("work", [["commit", "-q", "-a", "-m", "more"], ["add", "f0"], ["branch", "mine"], ["reset", "-q", "--hard"]])
def test_a_repository_that_was_worked_in_is_not_put_back(tmp_path: Path, work: list[str]) -> None:
    """A commit, a staged file, a branch: the undo is refused and the work stays."""
    place = watching(tmp_path)
    garbage(tmp_path)
    (done,) = fix(place)
    git(tmp_path / REPO, *work)
    state = picture(tmp_path)
    with pytest.raises(Refused, match="was worked in since"):
        problem_predictor.undo_fix(place, done.undo["fix"], now=LATE)
    assert differences(state, picture(tmp_path)) == []


def test_a_young_branch_stays_though_it_is_merged(tmp_path: Path) -> None:
    """A branch of Jarvis that was made within `cache_keep_days` may be in use."""
    place = watching(tmp_path, loose_objects="100000")
    garbage(tmp_path)
    assert problem_predictor.scan(place, now=LATE - timedelta(days=59)) == []
    (found,) = problem_predictor.scan(place, now=LATE)
    assert found.evidence["branches"][0][0] == "refs/heads/jarvis/abc-done" and found.evidence["worktrees"] == ["w1"]


# --- DuckDB --------------------------------------------------------------------------------------------------------------


def test_a_compacted_duckdb_file_has_the_same_rows_schema_and_format(tmp_path: Path) -> None:
    """Tables, view, index, sequence, type and macro are there, the format is the old one; who has it open keeps it as it is."""
    place = watching(tmp_path)
    key = MAKERS["compact_duckdb"](tmp_path)
    path = tmp_path / "data" / "app.duckdb"
    program = "import duckdb, sys, time; con = duckdb.connect(sys.argv[1], read_only=True); print(flush=True); time.sleep(60)"
    problem_predictor.scan(place, now=LATE)
    with subprocess.Popen([sys.executable, "-c", program, path], stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None and holder.stdout.readline()
        before, refused = path.read_bytes(), problem_predictor.fix_one(place, key, now=LATE)
        assert not refused.verified and f"PID {holder.pid}" in refused.said and path.read_bytes() == before
        holder.kill()
    asked = "import duckdb, sys; con = duckdb.connect(sys.argv[1], read_only=True); print([con.sql(q).fetchall() for q in sys.argv[2:]])"
    queries = [
        "SELECT count(*), sum(hash(t)) FROM s.t t",
        "SELECT more(41), * FROM v ORDER BY id LIMIT 2",
        "SELECT * FROM m",
        "SELECT last_value FROM duckdb_sequences()",
    ]
    held = subprocess.check_output([sys.executable, "-c", asked, path, *queries])
    size, done = path.stat().st_size, problem_predictor.fix_one(place, key, now=LATE)
    assert done.verified and "503 rows in 2 tables before and after" in done.said and path.stat().st_size < size / 2
    assert subprocess.check_output([sys.executable, "-c", asked, path, *queries]) == held


# --- services and retries ------------------------------------------------------------------------------------------------


def test_a_service_is_restarted_only_by_the_persons_word(tmp_path: Path) -> None:
    """A session leaves it; `fix` by the person runs the restart and waits for the check. It cannot be undone, and says so."""
    place = watching(tmp_path, services='{ web = { check = "test -e up", restart = "sleep 0.3; touch up" } }')
    assert fix(place, session="s1") == [] and not (tmp_path / "up").exists()
    (row,) = problem_predictor.asked(place, now=LATE)
    assert row["command"] == "jarvis problems fix service_down:web"
    done = problem_predictor.fix_one(place, "web", now=LATE)
    assert done.verified and (tmp_path / "up").exists()
    assert standing(place, "service_down:web", LATE)["undo_until"] is None
    with pytest.raises(Refused, match="cannot be taken back"):
        problem_predictor.undo_fix(place, done.undo["fix"], now=LATE)


def test_a_restart_that_does_not_help_is_told(tmp_path: Path) -> None:
    place = watching(tmp_path, services='{ web = { check = "false", restart = "echo no such unit; exit 5" } }')
    problem_predictor.scan(place, now=LATE)
    done = problem_predictor.fix_one(place, "web", now=LATE)
    assert not done.verified and "ended with exit 5: no such unit" in done.said and not notes.unfinished(tmp_path)


def test_a_command_that_hangs_floods_or_is_missing_is_one_sentence(tmp_path: Path) -> None:
    """Each ends within its limit, leaves no process and no output behind."""
    begin = time.monotonic()
    hung = ask(shell("sleep 60 & sleep 60"), cwd=tmp_path, limit_s=0.3)
    flood = ask(shell("yes"), cwd=tmp_path, limit_s=5.0)
    missing = ask(["no-such-program"], cwd=tmp_path, limit_s=1.0)
    assert time.monotonic() - begin < 6 and "did not end within" in hung.said and "cannot be started" in missing.said
    assert flood.code == -signal.SIGKILL and len(flood.text) <= 256 * 1024


def test_a_failed_attempt_is_tried_again_by_the_persons_word(tmp_path: Path) -> None:
    """A task that ran out of time asks; the retry is a fact of the person's, and its undo drops the task again."""
    from tests.facts import added, claimed, ended, opened, task

    place = watching(tmp_path)
    one = task("Slow one")
    place.store.write(added(place, one), opened(place))
    for n in range(3):
        place.store.write(claimed(place, one, f"a{n}", n=n + 1))
        place.store.write(ended(place, one, f"a{n}", outcome="timed_out"))
    with place.store.reading() as reader:
        assert [r["id"] for r in reader.rows("problem_predictor.failed_tasks", since=LATE - 100 * DAY)] == [one.id]
    now = LATE
    assert fix(place, now=now, session="s1") == []
    done = problem_predictor.fix_one(place, one.id, now=now)
    assert done.verified and state_of(place, one.id) == "queued"
    problem_predictor.undo_fix(place, done.undo["fix"], now=now)
    assert state_of(place, one.id) == "dropped"


def state_of(place: Place, task: str) -> str:
    with place.store.reading() as reader:
        rows = reader.rows("autonomous_queue.listing", open_only=False, state="", most=9)
    return next(str(r["state"]) for r in rows if r["id"] == task)


# --- the command line ----------------------------------------------------------------------------------------------------


def test_the_verbs_say_what_would_be_done_do_it_and_list_it(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """`fix --dry-run` names each step and does none; `fix` does the low ones and names what waits; `fix KEY` does that one; codes as promised."""
    from jarvis_lib.cli.entry import main

    watching(tmp_path, services='{ web = { check = "test -e up", restart = "touch up" } }')
    oversized_log(tmp_path)
    monkeypatch.chdir(tmp_path)
    before = picture(tmp_path)
    assert main(["problems", "fix", "--dry-run", "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)["data"]
    assert row["playbook"] == "rotate_log" and row["steps"][0].startswith("pack ") and differences(before, picture(tmp_path)) == []
    assert main(["problems", "fix", "web", "--dry-run"]) == 0 and "run 'touch up' for the service web" in capsys.readouterr().out
    assert main(["problems", "fix"]) == 0
    told = capsys.readouterr()
    assert "rotate_log" in told.out and "It waits for your word (medium): jarvis problems fix service_down:web" in told.err
    assert main(["problems", "fix", "service_down:web"]) == 0 and (tmp_path / "up").exists()
    assert main(["problems", "fix", "nothing"]) == 3 and main(["problems", "fix", "web"]) == 4
    capsys.readouterr()
    assert main(["problems", "list", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)["data"]
    assert {r["standing"] for r in rows if r["fix"]} == {"watching"} and all(r["check_due"] for r in rows if r["fix"])
