"""What is old is removed, and only that: files of attempts whose task was answered long ago, archives, notebooks of sessions. Evidence stays."""

import os
import shutil
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from jarvis_lib import autonomous_queue as queue
from jarvis_lib import overnight_runner
from jarvis_lib.autonomous_queue.clearing import clear_old
from jarvis_lib.model.fact import Refused, new_id
from jarvis_lib.report.text import brief_text
from jarvis_lib.store import recover
from jarvis_lib.store.place import Place
from tests.facts import added, task
from tests.soak.life import Life

DAY = timedelta(days=1)


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Life:
    """A workspace after one night in which everything was proved."""
    life = Life(tmp_path_factory.mktemp("lived") / "life", seed=5, faults=0.0)
    place = life.at(life.local(life.first, 12))
    for name in ("one", "two", "three"):
        more = {"changes": [f"{name}.txt"], "checks": [f"test -s {name}.txt"]}
        queue.add(place, name, "", 0.2, "Test coverage", "MEDIUM", now=place.now(), command=f"echo {name}", **more)
    life.night(life.first, thinks=False)
    return life


@pytest.fixture
def life(lived: Life, tmp_path: Path) -> Life:
    """The morning after it, in a copy of its own."""
    shutil.copytree(lived.home, tmp_path / "life")
    own = Life(tmp_path / "life", seed=5, faults=0.0)
    own.at(own.local(own.first + DAY, 8))
    return own


def shipped(life: Life) -> dict[str, str]:
    """Title -> id of what the night shipped."""
    place = life.place()
    rows = {r["title"]: str(r["id"]) for r in queue.listing(place, now=place.now(), state="shipped")}
    assert set(rows) == {"one", "two", "three"}
    return rows


def folders(place: Place, task: str) -> list[Path]:
    """The folders of the newest attempt of a task that are there."""
    with place.store.reading() as reader:
        attempt = reader.rows("autonomous_queue.attempts", task=task)[-1]["id"]
    return [p for p in (place.home / "data" / top / attempt for top in ("attempts", "kept")) if p.is_dir()]


def cleared(life: Life, days: float, *, after: datetime) -> list[str]:
    place = life.at(after + timedelta(days=days))
    return clear_old(place, now=place.now())


def test_the_files_of_an_answered_task_go_after_ninety_days_and_its_evidence_stays(life: Life) -> None:
    names, place = shipped(life), life.place()
    answered = place.now()
    queue.accept(place, names["one"], now=answered)
    assert folders(place, names["one"])
    assert cleared(life, 89.9, after=answered) == [] and folders(place, names["one"])
    (said,) = cleared(life, 90.1, after=answered)
    assert said.startswith("the files of 1 attempt older than 90 days removed (")
    assert folders(place, names["one"]) == [] and cleared(life, 90.2, after=answered) == []
    with life.place().store.reading() as reader:
        assert {e["kind"] for e in reader.rows("autonomous_queue.evidence", task=names["one"])} >= {"check", "change"}
    assert (life.home / "one.txt").is_file()
    assert recover.verify(life.place().store) == []


def test_what_waits_for_an_answer_stays_however_old_it_is(life: Life) -> None:
    names, place = shipped(life), life.place()
    assert cleared(life, 400, after=place.now()) == []
    assert all(folders(place, task) for task in names.values())


def test_the_days_count_from_the_answer(life: Life) -> None:
    """What was accepted yesterday can be undone for as long as what was accepted on the morning after its night."""
    names, place = shipped(life), life.place()
    first = place.now()
    queue.accept(place, names["one"], now=first)
    late = life.at(first + 89 * DAY)
    queue.accept(late, names["two"], now=late.now())
    cleared(life, 120, after=first)
    assert folders(place, names["one"]) == [] and folders(place, names["two"])
    now = life.place()
    assert "Taken away: two.txt" in queue.undo(now, names["two"], now=now.now())[0]
    with pytest.raises(Refused, match=r"had kept for an undo was removed on 2026-05-06, as jarvis.toml says \(\[store\] keep_attempts_days = 90\)"):
        queue.undo(now, names["one"], now=now.now())


def test_what_an_open_follow_up_goes_on_with_stays(life: Life) -> None:
    names, place = shipped(life), life.place()
    queue.accept(place, names["one"], now=place.now())
    more = task("And more of it", follows=names["one"])
    place.store.write(added(place, more))
    assert cleared(life, 200, after=place.now()) == [] and folders(place, names["one"])
    later = life.place()
    queue.drop(later, more.id, now=later.now())
    assert len(cleared(life, 201, after=place.now())) == 1 and folders(place, names["one"]) == []


def test_a_removal_that_was_cut_off_is_ended_by_the_next(life: Life) -> None:
    """The fact stands before the first file goes, so an undo never meets half of a folder."""
    names, place = shipped(life), life.place()
    queue.accept(place, names["one"], now=place.now())
    life.clock.now += 100 * DAY
    place = life.place()
    (attempt,) = {p.name for p in folders(place, names["one"])}
    place.store.write(place.fact("attempts.cleared", actor="housekeeping", attempts=[attempt], others=0, bytes=1, keep_days=90))
    assert folders(place, names["one"]) and clear_old(place, now=place.now()) == [] and folders(place, names["one"]) == []


@pytest.mark.parametrize("answered", [False, True])
def test_the_ledger_refuses_to_let_go_of_what_may_be_needed(life: Life, *, answered: bool) -> None:
    names, place = shipped(life), life.place()
    if answered:
        queue.accept(place, names["one"], now=place.now())
    life.clock.now += 6 * DAY
    attempt = folders(place, names["one"])[0].name
    said = "came to accepted less than 7 days ago" if answered else "is shipped, so the files"
    with pytest.raises(Refused, match=said):
        place.store.write(life.place().fact("attempts.cleared", attempts=[attempt], others=0, bytes=1, keep_days=7))
    with pytest.raises(Refused, match="There is no attempt"):
        place.store.write(life.place().fact("attempts.cleared", attempts=[new_id()], others=0, bytes=1, keep_days=7))
    with life.place().store.reading() as reader:
        assert reader.rows("autonomous_queue.cleared", ids=[attempt]) == []


ASIDE = (
    "data/bundles/k3f9x2m1qa.tar.gz",
    "data/sessions/s1/build_scheduler.json",
    "data/attempts/trial-k3f9/output.log",
    "data/kept/settings-20260101T000000000000.toml",
    "data/jarvis.damaged-20260101T000000000000.duckdb",
)


def test_archives_and_what_was_set_aside_go_by_their_time_and_the_brief_says_so(life: Life) -> None:
    """A damaged journal that was set aside is nobody's to remove."""
    place = life.place()
    never = ("data/journal.damaged-20260101T000000000000/journal-000000000001.jsonl", "data/bundles/notes.txt", "reports/2026-01-01.html")
    for name in (*ASIDE, *never):
        (life.home / name).parent.mkdir(parents=True, exist_ok=True)
        (life.home / name).write_text("x" * 5000)
    young = life.home / "data" / "bundles" / "young.tar.gz"
    young.write_text("x")
    for path, days in [*((life.home / name, 91) for name in (*ASIDE, *never)), (young, 89)]:
        at = (place.now() - timedelta(days=days)).timestamp()
        os.utime(path, (at, at))
        if path.parent.name in ("s1", "trial-k3f9"):
            os.utime(path.parent, (at, at))
    (said,) = clear_old(place, now=place.now())
    assert said.startswith("the files of 5 archives and things set aside older than 90 days removed (")
    assert young.exists() and [name for name in (*ASIDE, *never) if (life.home / name).exists()] == list(never)
    life.clock.turn(60)
    told = " ".join(brief_text(overnight_runner.brief(life.place(), as_of=life.clock.now)).split())
    assert "freed: files of 5 archives and things set aside older than 90 days; the evidence stays." in told


def test_a_link_in_the_place_of_a_folder_is_left_alone(life: Life) -> None:
    names, place = shipped(life), life.place()
    queue.accept(place, names["one"], now=place.now())
    own = next(p for p in folders(place, names["one"]) if p.parent.name == "attempts")
    elsewhere = life.home / "elsewhere"
    own.rename(elsewhere)
    own.symlink_to(elsewhere)
    cleared(life, 100, after=place.now())
    assert own.is_symlink() and list(elsewhere.iterdir())
