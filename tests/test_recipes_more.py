"""Profile, backfill, retrain, health of a repository: run for real, proved by checks that share no code, refuted when tampered with, and undone."""

import csv
import io
import json
import pickle
import random
import shutil
import sqlite3
import subprocess
import zipfile
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jarvis_lib import autonomous_queue as queue
from jarvis_lib import overnight_runner as night
from jarvis_lib.execution.playbooks import backfill_table, profile_data, repository_health
from jarvis_lib.learning import held_out, model_files
from jarvis_lib.model.fact import Refused
from jarvis_lib.workspace import open_workspace
from tests.recipe_parts import RECIPES, check, notebook

NOW = datetime(2026, 11, 24, 7, tzinfo=UTC)


def rows_file(path: Path, head: list[str], rows: list[list[Any]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as stream:
        csv.writer(stream).writerows([head, *rows])
    return path


# --- profile -------------------------------------------------------------------------------------------------------------


@pytest.fixture
def orders(home: Path) -> Path:
    """A table with a gap, a doubled row, a constant and a name that needs care."""
    rows = [[i, ["Ulm", "Bonn |", ""][i % 3], i / 4 if i % 5 else "", "one", ""] for i in range(300)]
    return rows_file(home / "orders.csv", ["id", "town", "total", "same", "nothing"], [*rows, rows[7]])


def proved_profile(home: Path) -> tuple[int, str]:
    done = check("profile_holds.py", "--data", "orders.csv", "--page", "reports/profile.md", "--figures", "reports/profile.json", cwd=home)
    return done.returncode, done.stdout


def test_a_profile_is_counted_again(home: Path, orders: Path) -> None:
    """The notebook runs, finds what is odd, and the check agrees; another figure would be found."""
    done = notebook("profile_data", home, data="orders.csv")
    assert done["outcome"] == "finished", done["said"]
    found = json.loads((home / "reports" / "profile.json").read_text())
    assert found["rows"] == 301 and {"1 row stand there more than once", "same has one value only", "nothing is empty throughout"} <= set(found["odd"])
    assert proved_profile(home) == (0, "301 rows of 5 columns counted again: empty and distinct values, ranges and means are the same\n")
    for change in ({"rows": 300}, {"columns": [found["columns"][0] | {"mean": 1.0}, *found["columns"][1:]]}, {"columns": found["columns"][1:]}):
        (home / "reports" / "profile.json").write_text(json.dumps(found | change))
        assert proved_profile(home)[0] == 1


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(-9999, 9999), st.sampled_from(["a", "b", " c", ""]), st.floats(-1e6, 1e6)), min_size=1, max_size=40))
def test_whatever_the_rows_are_both_counts_agree(home: Path, rows: list[tuple[int, str, float]]) -> None:
    """The check's own counting, in this process, on random tables."""
    import importlib.util

    spec = importlib.util.spec_from_file_location("profile_holds", RECIPES / "checks" / "profile_holds.py")
    assert spec is not None and spec.loader is not None
    other = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(other)
    data = rows_file(home / "orders.csv", ["n", "word", "x"], [list(r) for r in rows])
    found = profile_data.profile(profile_data.read_data(data), data)
    table = other.read(data)
    assert found.rows == table.num_rows
    from dataclasses import asdict

    assert [w for c in found.columns for w in other.differences(asdict(c), table.column(c.name))] == []


@pytest.mark.parametrize(("name", "said"), [("gone.csv", "There is no file"), ("a.txt", "neither .csv nor .parquet")])
def test_what_is_no_table_is_refused(home: Path, name: str, said: str) -> None:
    (home / "a.txt").write_text("x")
    with pytest.raises(Refused, match=said):
        profile_data.read_data(home / name)


# --- backfill ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def sales(home: Path) -> Path:
    """A table with a hole in March, and a source that has all of it, one day otherwise."""
    path = home / "data.db"
    with closing(sqlite3.connect(path)) as con:
        con.execute("CREATE TABLE sales (day TEXT PRIMARY KEY, n INTEGER NOT NULL, note TEXT)")
        con.executemany("INSERT INTO sales VALUES (?, ?, ?)", [(f"2026-03-{d:02d}", d, None) for d in range(1, 31) if d not in (5, 6, 7)])
        con.commit()
    rows_file(home / "sales.csv", ["day", "n"], [[f"2026-03-{d:02d}", 99 if d == 9 else d] for d in range(1, 31)])
    return path


GIVEN = {"database": "data.db", "table": "sales", "source": "sales.csv", "key": "day"}


def test_a_hole_is_filled_and_nothing_else_changed(home: Path, sales: Path) -> None:
    """The check compares with the copy; a changed row, a lost row and a stranger are each found."""
    kept = home / "kept"
    kept.mkdir()
    shutil.copyfile(sales, kept / "data.db")
    done = notebook("backfill_table", home, **GIVEN)
    assert done["outcome"] == "finished", done["said"]
    words = ("--before", kept, "--database", "data.db", "--table", "sales", "--source", "sales.csv", "--key", "day")
    proof = check("backfilled.py", *words, cwd=home)
    assert (proof.returncode, proof.stdout) == (0, "all 27 earlier rows are as they were, 3 are new, and all 30 keys of the source are there once\n")
    assert json.loads((home / "reports" / "backfill.json").read_text()) == {"table": "sales", "before": 27, "after": 30, "source": 30, "new": 3, "differing": 1}
    good = sales.read_bytes()
    for bad in ("UPDATE sales SET n = 1 WHERE day = '2026-03-30'", "DELETE FROM sales WHERE day = '2026-03-06'", "INSERT INTO sales VALUES ('2027', 1, '')"):
        sales.write_bytes(good)
        with closing(sqlite3.connect(sales)) as con:
            con.execute(bad)
            con.commit()
        assert check("backfilled.py", *words, cwd=home).returncode == 1, bad


def test_twice_fills_nothing_more(home: Path, sales: Path) -> None:
    source = backfill_table.read_source(home / "sales.csv", "day")
    assert backfill_table.fill(sales, "sales", source).new == 3
    before = sales.read_bytes()
    assert backfill_table.fill(sales, "sales", source).new == 0 and sales.read_bytes() == before


def test_what_the_table_does_not_take_leaves_it_as_it_was(home: Path, sales: Path) -> None:
    """One bad row of thirty, and not one is written."""
    rows_file(home / "sales.csv", ["day", "n"], [["2026-03-05", 5], ["2026-03-06", ""]])
    before = sales.read_bytes()
    with pytest.raises(Refused, match="does not take the rows"):
        backfill_table.fill(sales, "sales", backfill_table.read_source(home / "sales.csv", "day"))
    assert sales.read_bytes() == before


@pytest.mark.parametrize(
    ("head", "rows", "said"),
    [
        (["day", "n"], [["1", "2"], ["1", "3"]], "more than once"),
        (["day", "n"], [["", "2"]], "empty key"),
        (["day", "n"], [["1"]], "another number of fields"),
        (["other", "n"], [["1", "2"]], "must name some of them"),
    ],
)
def test_a_source_that_does_not_fit_is_refused(home: Path, head: list[str], rows: list[list[str]], said: str) -> None:
    with pytest.raises(Refused, match=said):
        backfill_table.read_source(rows_file(home / "s.csv", head, rows), "day")


def test_a_column_or_table_that_is_not_there_is_refused(home: Path, sales: Path) -> None:
    source = backfill_table.read_source(rows_file(home / "s.csv", ["day", "colour"], [["1", "red"]]), "day")
    for table, said in (("sales", "has no column colour"), ("sale", "is no table of it")):
        with pytest.raises(Refused, match=said):
            backfill_table.missing(sales, table, source)


# --- retrain -------------------------------------------------------------------------------------------------------------


def measured(path: Path, rows: int, *, noise: float, seed: int = 1) -> Path:
    """Rooms with their rent: a number, a word, and what follows from both with some noise."""
    draw = random.Random(seed)
    made = []
    for _ in range(rows):
        size, town = draw.uniform(20, 120), draw.choice(["Ulm", "Bonn", "Kiel"])
        made.append([f"{size:.3f}", town, f"{size * {'Ulm': 12, 'Bonn': 15, 'Kiel': 10}[town] + draw.gauss(0, noise):.3f}"])
    return rows_file(path, ["size", "town", "rent"], made)


def proved_model(home: Path, kept: Path) -> tuple[int, str]:
    words = ("--model", "models/model.skops", "--record", "models/model.json", "--before", kept, "--data", "rooms.csv", "--target", "rent")
    done = check("model_is_better.py", *words, cwd=home)
    return done.returncode, done.stdout + done.stderr


@pytest.mark.long
def test_a_model_ships_only_when_it_is_better(home: Path) -> None:
    """The first beats the constant; the same data again is not better and leaves every byte; more data is better than little."""
    kept = home / "kept"
    (kept / "models").mkdir(parents=True)
    measured(home / "rooms.csv", 150, noise=60)
    assert notebook("retrain_model", home, data="rooms.csv", target="rent")["outcome"] == "finished"
    assert proved_model(home, kept)[0] == 0, proved_model(home, kept)
    first = (home / "models" / "model.skops").read_bytes()
    again = notebook("retrain_model", home, data="rooms.csv", target="rent")
    assert again["outcome"] == "failed" and "not better than the model in use" in again["said"] + "".join(again["tail"])
    assert (home / "models" / "model.skops").read_bytes() == first
    shutil.copyfile(home / "models" / "model.skops", kept / "models" / "model.skops")
    assert proved_model(home, kept)[0] == 1, "the same model is not better than itself"
    data, path = measured(home / "rooms.csv", 2000, noise=60), home / "models" / "model.skops"
    new, found = model_files.retrain(model_files.read_rows(data), "rent", model_files.read_model(path), seed=1)
    model_files.ship(new, found, path, path.with_suffix(".json"), data)
    code, said = proved_model(home, kept)
    assert code == 0 and "of the model before" in said, said


def test_noise_beats_nothing() -> None:
    """Of 400 comparisons in which both are equally good, about 2.5 % look better, and never more than 5 %."""
    draw = np.random.default_rng(7)
    better = sum(held_out.compare(draw.random(120), draw.random(120), "quantity", "x", seed=i).better for i in range(400))
    assert better <= 20


def test_a_row_is_held_out_by_what_stands_in_it(home: Path) -> None:
    """In whatever order and company, and about one of five."""
    rows = model_files.read_rows(measured(home / "rooms.csv", 2000, noise=1))
    held = {tuple(r.values()) for r in held_out.split(rows)[1]}
    shuffled = random.Random(2).sample(rows, 1500)
    assert {tuple(r.values()) for r in held_out.split(shuffled)[1]} <= held and 0.17 < len(held) / len(rows) < 0.23


class Runs:
    """What a pickle of it does when it is read."""

    def __init__(self, there: Path) -> None:
        self.there = there

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return Path.touch, (self.there,)


def hostile(folder: Path) -> dict[str, bytes]:
    """Files that run something, ask for a type of their own, or unpack to more than there is room for."""
    import skops.io

    whole = {"model": Runs(folder / "ran"), "columns": (), "target": "t", "kind": "class"}
    schema = {"__class__": "system", "__module__": "os", "__loader__": "FunctionNode", "content": {"module_path": "os", "function": "system"}}
    called, bomb = io.BytesIO(), io.BytesIO()
    with zipfile.ZipFile(called, "w") as packed:
        packed.writestr("schema.json", json.dumps({**schema, "protocol": 0, "_skops_version": skops.__version__}))
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as packed, packed.open("schema.json", "w", force_zip64=True) as stream:
        for _ in range(40):
            stream.write(bytes(1 << 25))
    joblib_file = io.BytesIO()
    joblib.dump(whole, joblib_file)
    return {
        "nothing": b"",
        "text": b"not a model",
        "pickle": pickle.dumps(whole),
        "joblib": joblib_file.getvalue(),
        "own type": skops.io.dumps({**whole, "model": Mine()}),
        "function": called.getvalue(),
        "bomb": bomb.getvalue(),
    }


class Mine:
    """A type that nobody named."""


@pytest.mark.parametrize("name", ["nothing", "text", "pickle", "joblib", "own type", "function", "bomb"])
def test_a_model_file_with_code_is_refused_and_runs_nothing(home: Path, name: str) -> None:
    """Reading it leaves no trace; the recipe's own files are read."""
    (home / "model.skops").write_bytes(hostile(home)[name])
    with pytest.raises(Refused, match="no model that this recipe wrote"):
        model_files.read_model(home / "model.skops")
    assert not (home / "ran").exists()


def test_a_pickle_would_have_run(home: Path) -> None:
    """The test above can fail."""
    pickle.loads(hostile(home)["pickle"])
    assert (home / "ran").exists()


# --- health of a repository ----------------------------------------------------------------------------------------------


@pytest.fixture
def repository(home: Path) -> Path:
    """Three commits, a file with a strange name, something uncommitted, and a branch that nobody touched for a year."""
    repo = home / "shop"
    repo.mkdir()

    def git(*words: str, at: str = "2026-11-20T10:00:00Z") -> None:
        env = {"PATH": "/usr/bin:/bin", "GIT_AUTHOR_DATE": at, "GIT_COMMITTER_DATE": at, "HOME": str(home)}
        for who in ("AUTHOR", "COMMITTER"):
            env |= {f"GIT_{who}_NAME": "A", f"GIT_{who}_EMAIL": "a@example.org"}
        subprocess.run(["git", "-C", str(repo), *words], check=True, capture_output=True, env=env)

    git("init", "-b", "main")
    (repo / "a b|<c>.txt").write_text("x" * 100)
    git("add", ".")
    git("commit", "-m", "one", at="2025-01-01T10:00:00Z")
    git("branch", "old")
    for n in range(2):
        (repo / "test_app.py").write_text(f"n = {n}\n")
        git("add", ".")
        git("commit", "-m", f"more {n}")
    (repo / "loose.txt").write_text("x")
    return repo


def test_a_repository_is_counted_again_and_left_as_it_was(home: Path, repository: Path) -> None:
    """The notebook runs on it, the check agrees, no file of it changed; another figure would be found."""
    before = {p: p.read_bytes() for p in repository.rglob("*") if p.is_file()}
    done = notebook("repository_health", home, repository="shop", as_of=NOW.isoformat())
    assert done["outcome"] == "finished", done["said"]
    found = json.loads((home / "reports" / "repository_health.json").read_text())
    assert (found["files"], found["commits"], found["commits_90"], found["authors_90"], found["uncommitted"], found["tests"]) == (2, 3, 2, 1, 1, 1)
    assert found["stale_branches"] == [["old", 691]] and found["busiest_90"] == [["test_app.py", 2]] and found["largest"][0] == ["a b|<c>.txt", 100]
    assert "a b\\|&lt;c>.txt" in (home / "reports" / "repository_health.md").read_text()
    words = ("--repository", "shop", "--page", "reports/repository_health.md", "--figures", "reports/repository_health.json")
    assert check("repository_counted.py", *words, cwd=home).stdout.startswith("2 files, 106 bytes and 3 commits counted again")
    assert {p: p.read_bytes() for p in repository.rglob("*") if p.is_file()} == before
    (home / "reports" / "repository_health.json").write_text(json.dumps(found | {"commits": 4}))
    assert check("repository_counted.py", *words, cwd=home).returncode == 1


def test_what_is_no_repository_is_refused(home: Path) -> None:
    with pytest.raises(Refused, match="not the top of a git repository"):
        repository_health.look(home, now=NOW)


# --- all of them, in a session -------------------------------------------------------------------------------------------


@pytest.mark.long
def test_a_session_proves_each_of_them_and_undo_puts_all_back(home: Path, orders: Path, sales: Path, repository: Path) -> None:
    """Four tasks from their cards alone: shipped with their checks, and undone byte for byte."""
    shutil.copytree(RECIPES, home / "notebooks" / "recipes", ignore=shutil.ignore_patterns("__pycache__"))
    measured(home / "rooms.csv", 400, noise=30)
    before = sales.read_bytes()
    place = open_workspace(home, actor="person:test")
    given: dict[str, dict[str, Any]] = {
        "profile_data": {"data": "orders.csv"},
        "backfill_table": GIVEN,
        "retrain_model": {"data": "rooms.csv", "target": "rent"},
        "repository_health": {"repository": "shop"},
    }
    ids = {
        name: queue.add(place, name, "", 0.01, "Research/analysis", "LOW", notebook=f"notebooks/recipes/{name}.ipynb", parameters=own, now=place.now()).task.id
        for name, own in given.items()
    }
    for task in ids.values():
        queue.approve(place, task, now=place.now())
    night.start(place, for_minutes=5, with_brief=False, say=lambda line: None)
    for name, task in ids.items():
        seen = queue.show(place, task)
        assert seen["task"]["state"] in ("shipped", "accepted"), (name, queue.why(place, task, now=place.now()))
        assert [e for e in seen["evidence"] if e["kind"] == "check" and e["ok"]], name
    made = [
        "reports/profile.md",
        "reports/profile.json",
        "reports/repository_health.md",
        "reports/repository_health.json",
        "models/model.skops",
        "models/model.json",
    ]
    assert all((home / f).is_file() for f in made) and sales.read_bytes() != before
    for task in ids.values():
        queue.undo(place, task, now=place.now())
    assert not any((home / f).exists() for f in made) and sales.read_bytes() == before
