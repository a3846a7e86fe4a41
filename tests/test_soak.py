"""Some nights of a life in simulated time, with far more faults than a life has; and that a morning's look sees what is broken. The year: `make soak`."""

import shutil
from datetime import timedelta
from pathlib import Path

import duckdb
import pytest

from jarvis_lib import overnight_runner
from tests.soak.__main__ import figures, soak
from tests.soak.life import Life
from tests.soak.morning import wrong_in


@pytest.mark.faults
@pytest.mark.parametrize("seed", [3])
def test_nothing_breaks_in_nights_of_which_every_second_goes_wrong(seed: int, tmp_path: Path) -> None:
    life = Life(tmp_path / "life", seed=seed, faults=0.5)
    found = soak(life, 12, say=lambda line: None, pages=False)
    assert found.broken == [] and found.mornings == 12
    assert sum(life.nights.values()) == 12 and any(n for fate, n in life.nights.items() if fate != "worked")
    assert figures(life, found)[0] == "12 mornings, 0 violated invariants"


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
    "are not scored": "INSERT INTO predictions (id, predictor, made_at, due_at) VALUES ('p1', 'disk', '2026-01-01', '2026-01-02')",
}


def test_a_morning_sees_each_thing_that_can_be_broken(tmp_path: Path) -> None:
    life = Life(tmp_path / "life", seed=5, faults=0.0, per_day=5)
    life.add(life.first)
    life.night(life.first, thinks=False)
    place = life.at(life.local(life.first + timedelta(days=1), 7))
    brief = overnight_runner.brief(place, as_of=place.now())
    since, now, whole = life.local(life.first, 0), place.now(), place.store.snapshot()
    assert brief.shipped and wrong_in(whole, brief, since=since, now=now) == []
    for said, line in BREAKS.items():
        copy = tmp_path / "copy.duckdb"
        shutil.copy(whole, copy)
        with duckdb.connect(str(copy)) as con:
            con.execute(line)
        assert any(said in found for found in wrong_in(copy, brief, since=since, now=now)), said
        copy.unlink()
