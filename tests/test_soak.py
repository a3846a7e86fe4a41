"""Some nights of a life in simulated time, with far more faults than a life has; and that a morning's look sees what is broken. The year: `make soak`."""

import os
import shutil
from datetime import timedelta
from pathlib import Path

import duckdb
import pytest

from jarvis_lib import overnight_runner
from tests.soak.__main__ import figures, soak
from tests.soak.bounds import over, unbounded
from tests.soak.life import FIRST, Life, holiday
from tests.soak.morning import Lived, wrong_in
from tests.soak.real import real_life


@pytest.mark.long
@pytest.mark.parametrize("seed", [3])
def test_nothing_breaks_in_nights_of_which_every_second_goes_wrong(seed: int, tmp_path: Path) -> None:
    life = Life(tmp_path / "life", seed=seed, faults=0.5, away=holiday(12))
    found = soak(life, 12, say=lambda line: None, pages=False)
    assert found.broken == [] and found.mornings == 12
    assert sum(life.nights.values()) == 12 and any(n for fate, n in life.nights.items() if fate != "worked")
    assert figures(life, found)[0] == "12 mornings, 0 violated invariants"


USED_UP = """
INSERT INTO facts SELECT * REPLACE ('attempt.ended' AS kind, CAST('2026-01-05' AS TIMESTAMP) AS "at",
    '{"data": {"calls": [{"limit": {"until": "2026-01-07T00:00:00.000000Z"}}]}}' AS data) FROM facts WHERE seq = 1;
UPDATE attempts SET recipe = 'agent'
"""


@pytest.mark.long
def test_real_nights_hold_what_played_ones_do() -> None:
    """Real notebooks, git and processes, a night that is killed, and the agent CLIs that are installed. The twenty: `make soak-real`."""
    with real_life(seed=4, faults=0.5) as life:
        found = soak(life, 3, say=lambda line: None)
        assert found.broken == [] and found.mornings == 3
        with life.place().store.reading() as reader:
            verdicts = {a["verdict"] for a in reader.rows("report.attempts")}
    assert {"verified", "refuted"} <= verdicts


BREAKS = {
    "is in state lost": "UPDATE tasks SET state = 'lost' WHERE id = (SELECT min(id) FROM tasks)",
    "is there 2 times": "INSERT INTO tasks SELECT * FROM tasks WHERE id = (SELECT min(id) FROM tasks)",
    "tasks were added": "DELETE FROM tasks WHERE id = (SELECT min(id) FROM tasks WHERE state <> 'shipped')",
    "has no ending": "UPDATE attempts SET ended_at = NULL WHERE id = (SELECT min(id) FROM attempts)",
    "ended before it began": "UPDATE attempts SET ended_at = claimed_at - INTERVAL 1 SECOND WHERE id = (SELECT min(id) FROM attempts)",
    "is running and nobody works": "UPDATE tasks SET state = 'running' WHERE id = (SELECT min(id) FROM tasks)",
    "is open in the morning": "UPDATE sessions SET closed_at = NULL",
    "2 endings": "INSERT INTO facts SELECT * FROM facts WHERE kind = 'attempt.ended'",
    "without evidence": "DELETE FROM evidence WHERE kind IN ('check', 'measure')",
    "the store has": "UPDATE attempts SET verdict = 'hollow'",
    "has several rows": "INSERT INTO cron_slots SELECT * FROM cron_slots WHERE slot LIKE 'overnight@%'",
    "was neither run nor missed": "DELETE FROM cron_slots WHERE slot LIKE 'checkin@%'",
    "was begun and has no end": "UPDATE cron_slots SET state = 'claimed' WHERE slot LIKE 'overnight@%'",
    "sessions worked the window": "INSERT INTO sessions SELECT * REPLACE ('other' AS id) FROM sessions",
    "ended twice": "INSERT INTO facts SELECT * FROM facts WHERE kind = 'slot.done'",
    "was begun outside of overnight": "UPDATE attempts SET claimed_at = claimed_at - INTERVAL 3 HOUR",
    "ended after overnight": "UPDATE attempts SET ended_at = ended_at + INTERVAL 9 HOUR",
    "was stated by pattern": "UPDATE facts SET kind = 'task.approved', actor = 'pattern' WHERE kind = 'task.added'",
    "nobody had allowed": "UPDATE decisions SET verdict = 'ask'",
    "was accepted by agent:codex": "UPDATE facts SET kind = 'task.accepted', actor = 'agent:codex' WHERE kind = 'task.added'",
    "its account was used up": USED_UP,
    "accepted, ": "UPDATE tasks SET state = 'accepted', accepted_at = shipped_at WHERE state = 'shipped'",
    "fixes of the day": "INSERT INTO fixes BY NAME SELECT 'f' AS id, true AS held, TIMESTAMP '2026-01-06' AS checked_at",
    "are not scored": "INSERT INTO predictions (id, predictor, made_at, due_at) VALUES ('p1', 'disk', '2026-01-01', '2026-01-02')",
}


@pytest.fixture(scope="module")
def life(tmp_path_factory: pytest.TempPathFactory) -> Life:
    """One day and one night without faults."""
    own = Life(tmp_path_factory.mktemp("one") / "life", seed=5, faults=0.0, per_day=5)
    own.day(FIRST)
    own.night(FIRST, thinks=False)
    own.at(own.local(FIRST + timedelta(days=1), 7))
    own.note_missed()
    return own


@pytest.mark.long
def test_a_morning_sees_each_thing_that_can_be_broken(life: Life, tmp_path: Path) -> None:
    place = life.place()
    brief = overnight_runner.brief(place, as_of=place.now())
    lived = Lived(FIRST, FIRST + timedelta(days=1), life.zone)
    since, now, whole = life.local(life.first, 0), place.now(), place.store.snapshot()
    assert brief.shipped and wrong_in(whole, brief, lived, since=since, now=now) == []
    for said, lines in BREAKS.items():
        copy = tmp_path / "copy.duckdb"
        shutil.copy(whole, copy)
        with duckdb.connect(str(copy)) as con:
            for line in lines.split(";"):
                con.execute(line)
        assert any(said in found for found in wrong_in(copy, brief, lived, since=since, now=now)), said
        copy.unlink()


LEFT = {
    "has its files still": "data/attempts/aaaaaaaaaa/output.log",
    "snapshots, more than": "data/snapshots/20260101T000000-{n}.duckdb",
    "waiting facts": "data/spool/{n}.json",
    "write-ahead logs at rest": "data/jarvis.duckdb.wal",
    "half-written files": "data/metrics/.x.tmp",
    "logs, more than": "logs/other-{n}.log",
    "sessions with notebooks": "data/sessions/old-{n}/x.json",
    "old archives": "data/bundles/old-{n}.tar.gz",
    "files of samples": "data/metrics/raw/{n}.parquet",
    "a log is larger": "logs/large.log",
}


@pytest.mark.parametrize("said", LEFT)
def test_a_morning_sees_what_has_outgrown_its_bound(said: str, life: Life, tmp_path: Path) -> None:
    home = tmp_path / "life"
    shutil.copytree(life.home, home)
    now, database = life.clock.now, life.place().store.snapshot()
    assert unbounded(home, database, now=now, keep_days=90) == []
    for n in range(300 if "{n}" in LEFT[said] else 1):
        path = home / LEFT[said].format(n=n)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")
        if said == "a log is larger":
            os.truncate(path, 12 * 1024**2)
        for dated in (path, path.parent) if "old-" in path.as_posix() else ():
            os.utime(dated, (now.timestamp() - 100 * 86400,) * 2)
    assert any(said in found for found in unbounded(home, database, now=now, keep_days=90))


def test_the_database_may_grow_with_the_facts_and_not_beside_them() -> None:
    assert not over(5_000_000, (4_000_000, 1_000), 1_000) and over(5_000_001, (4_000_000, 1_000), 1_000)
