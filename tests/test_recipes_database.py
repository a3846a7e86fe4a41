"""The recipe that optimises a database: what it proposes, what it keeps, what its checks find out."""

import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

import pytest

from jarvis_lib.execution.playbooks import optimize_sqlite
from jarvis_lib.execution.playbooks.queries import Query, plan, read_queries
from jarvis_lib.execution.playbooks.query_words import roles
from jarvis_lib.execution.playbooks.statements import read_only
from jarvis_lib.model.fact import Refused
from tests.recipe_parts import check, notebook, queries_file, shop

SHOP = {"customers": ["id", "name", "town"], "orders": ["id", "customer", "day", "state", "total"]}


@pytest.fixture
def database(home: Path) -> Path:
    (home / "data").mkdir()
    return shop(home / "data" / "shop.db")


def optimised(database: Path, queries: list[Query]) -> optimize_sqlite.Outcome:
    trial = optimize_sqlite.try_out(database, queries, optimize_sqlite.propose(database, queries), scratch=database.parent / "out")
    return optimize_sqlite.apply(database, queries, trial)


def test_queries_are_read_one_by_one_with_their_names(tmp_path: Path) -> None:
    """Semicolons in strings and comments end nothing."""
    found = read_queries(queries_file(tmp_path))
    assert [q.name for q in found] == ["orders_of_one_customer", "big_orders_of_a_town", "a_day"]


@pytest.mark.parametrize(
    ("text", "said"),
    [("", "no query"), ("-- nothing;\n", "no query"), ("SELECT 1", "no semicolon"), ("DELETE FROM orders;", "only SELECTs"), ("SELECT 'a;", "no semicolon")],
)
def test_a_queries_file_that_cannot_be_used_is_refused(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "q.sql").write_text(text)
    with pytest.raises(Refused, match=said):
        read_queries(tmp_path / "q.sql")


def test_a_query_that_the_database_does_not_know_is_refused(database: Path, tmp_path: Path) -> None:
    with pytest.raises(Refused, match="no such column: colour"):
        optimize_sqlite.propose(database, [Query("q", "SELECT colour FROM orders;")])


def test_columns_are_read_by_what_a_query_does_with_them() -> None:
    """Equal to a value, joined to a column, compared over a span, ordered; aliases and subqueries too."""
    sql = """SELECT c.name FROM customers c LEFT JOIN orders AS o ON o.customer = c.id AND o.state <> 'x'
             WHERE c.town = 'a.b = c' AND 5 <= o.total AND lower(o.day) = 'd' -- AND o.id = 3
             AND c.id IN (SELECT customer FROM orders WHERE state IS NULL) ORDER BY o.day DESC, c.name"""
    found = roles(sql, SHOP)
    assert found["customers"].equal == ["town", "id"] and found["customers"].join == ["id"] and found["customers"].order == ["name"]
    assert found["orders"].join == ["customer"] and found["orders"].equal == ["state"]
    assert found["orders"].span == ["total"] and found["orders"].order == ["day"]


def test_indexes_make_the_queries_faster_and_change_no_result(database: Path, home: Path) -> None:
    queries = read_queries(queries_file(home))
    outcome = optimised(database, queries)
    assert outcome.ratio > 3
    assert {i.table for i in outcome.kept} <= {"orders", "customers"} and outcome.kept
    with closing(read_only(database)) as con:
        steps = [step for q in queries for step in plan(con, q)]
    assert any("jarvis_orders_" in step for step in steps)
    assert not list((home / "data" / "out").glob("trial-of-*"))


def test_a_second_run_finds_nothing_more_to_do(database: Path, home: Path) -> None:
    """And then leaves the file as it is, byte for byte."""
    queries = read_queries(queries_file(home))
    optimised(database, queries)
    before = database.read_bytes()
    assert optimised(database, queries).kept == ()
    assert database.read_bytes() == before


def test_an_index_that_would_change_the_order_of_ties_is_not_kept(database: Path) -> None:
    """Without ORDER BY an index may give the rows in another order; an app may lean on the old one."""
    queries = [Query("ties", "SELECT id, total FROM orders WHERE day = '2026-03-03' ORDER BY state;")]
    with closing(read_only(database)) as con:
        before = con.execute(queries[0].sql).fetchall()
    optimised(database, queries)
    with closing(read_only(database)) as con:
        assert con.execute(queries[0].sql).fetchall() == before


def test_small_tables_and_foreign_files_are_left_alone(tmp_path: Path) -> None:
    small = shop(tmp_path / "small.db", orders=100)
    assert optimize_sqlite.propose(small, [Query("q", "SELECT * FROM orders WHERE id = 3;")]) == []
    (tmp_path / "no.db").write_bytes(b"not a database at all, but long enough to be looked at" * 40)
    with pytest.raises(Refused, match="not an SQLite database"):
        optimize_sqlite.checked(tmp_path / "no.db")
    with pytest.raises(Refused, match="does not exist"):
        optimize_sqlite.checked(tmp_path / "gone.db")


def test_a_database_with_changes_outside_of_it_is_refused(database: Path) -> None:
    """Its kept copy would lack them, so undo would lose them."""
    with closing(sqlite3.connect(database)) as con:
        con.execute("PRAGMA journal_mode = WAL")
        con.execute("UPDATE orders SET state = 'paid' WHERE id = 3")
        con.commit()
        with pytest.raises(Refused, match="is in use"):
            optimize_sqlite.checked(database)


def test_a_locked_database_stays_as_it_was(database: Path, home: Path) -> None:
    queries = read_queries(queries_file(home))
    trial = optimize_sqlite.try_out(database, queries, optimize_sqlite.propose(database, queries), scratch=home / "out")
    before = database.read_bytes()
    with closing(sqlite3.connect(database, isolation_level=None)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        with pytest.raises(Refused, match="database is locked"):
            optimize_sqlite.apply(database, queries, trial, patience_s=0.2)
    assert database.read_bytes() == before


# --- the checks ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def kept(home: Path, database: Path) -> Path:
    """The kept copy as Jarvis lays it out: by its relative path."""
    copy = home / "kept" / "data" / "shop.db"
    copy.parent.mkdir(parents=True)
    copy.write_bytes(database.read_bytes())
    queries_file(home)
    return home / "kept"


def same(home: Path, kept: Path) -> subprocess.CompletedProcess[str]:
    return check("same_results.py", "--before", kept, "--database", "data/shop.db", "--queries", "queries.sql", cwd=home)


def test_same_results_agrees_when_nothing_changed(home: Path, kept: Path) -> None:
    done = same(home, kept)
    assert done.returncode == 0 and "3 queries return the same" in done.stdout


FIRST = "(SELECT MIN(id) FROM orders WHERE customer = 77)"
LAST = "(SELECT id FROM orders WHERE customer = 77 ORDER BY day DESC, id DESC LIMIT 1)"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (f"UPDATE orders SET total = total + 1e-12 WHERE id = {FIRST}", "differs in row"),
        (f"UPDATE orders SET day = '2025-01-01' WHERE id = {LAST}", "differs in row 1"),
        (f"DELETE FROM orders WHERE id = {LAST}", "fewer rows"),
        ("INSERT INTO orders VALUES (99999, 77, '2099-01-01', 'open', 1.0)", "more rows"),
        (f"UPDATE orders SET day = CAST(day AS BLOB) WHERE id = {LAST}", "differs in row"),
        ("ALTER TABLE orders RENAME COLUMN total TO sum_total", "no such column"),
    ],
)
def test_same_results_finds_every_change_of_a_row(home: Path, kept: Path, database: Path, change: str, said: str) -> None:
    """A float in its last bits, the order, a row less, a row more, text that became bytes, a column that went."""
    with closing(sqlite3.connect(database)) as con:
        con.execute(change)
        con.commit()
    done = same(home, kept)
    assert done.returncode == 1 and said in done.stdout


def test_same_results_fails_without_a_kept_copy_or_queries(home: Path, kept: Path) -> None:
    """Nothing to compare is no proof."""
    (home / "queries.sql").write_text("-- none\n")
    assert same(home, kept).returncode == 1
    queries_file(home)
    (kept / "data" / "shop.db").unlink()
    assert same(home, kept).returncode == 1


def test_time_queries_prints_seconds_and_writes_nothing(home: Path, kept: Path, database: Path) -> None:
    before = database.read_bytes()
    done = check("time_queries.py", "--database", "data/shop.db", "--queries", "queries.sql", cwd=home)
    assert done.returncode == 0 and 0 < float(done.stdout.splitlines()[-1]) < 30
    assert database.read_bytes() == before
    assert check("time_queries.py", "--database", "data/none.db", "--queries", "queries.sql", cwd=home).returncode == 1


def test_the_notebook_optimises_and_its_check_agrees(home: Path, kept: Path, database: Path) -> None:
    """A real kernel, the file changed, the record written, every result the same."""
    result = notebook("optimize_database", home, database="data/shop.db", queries="queries.sql", out_dir="out")
    assert result["outcome"] == "finished", result["said"]
    assert (home / "out" / "optimize_database.json").is_file()
    assert database.read_bytes() != (kept / "data" / "shop.db").read_bytes()
    assert same(home, kept).returncode == 0
