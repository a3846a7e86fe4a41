"""What were the numbers of a metric? Samples in Parquet files under `data/metrics/`, with roll-ups; no part of the journal.

A scan adds one small file: written under a temporary name and renamed. `compact` puts the small files of a day together, adds medians of five
minutes and roll-ups by the hour, and lets the points go when they are old; every step can be repeated. A power cut may cost the last seconds.
A file that cannot be read is set aside in `data/metrics/torn/` and said. Any number of processes may add and read at the same time.
"""

import errno
import os
import secrets
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jarvis_lib.model.book import Row
from jarvis_lib.model.prose import plural
from jarvis_lib.store import engine, lock, queries
from jarvis_lib.store.rows import from_db, to_db

if TYPE_CHECKING:
    import duckdb
    import numpy as np

Sample = tuple[datetime, str, float]
Series = tuple["np.ndarray[Any, Any]", "np.ndarray[Any, Any]"]
SMALL_FILES = 64
"""So many small files of a day are put together, though the day is not over."""
WEEK = timedelta(days=7)
_EVER = timedelta(days=30)
_MAGIC = b"PAR1"


class Samples:
    """The samples of one workspace. `warnings` holds a sentence for each file that was set aside."""

    def __init__(self, home: Path) -> None:
        self.folder = home / "data" / "metrics"
        self.warnings: list[str] = []

    # --- writing ---------------------------------------------------------------------------------------------------------

    def add(self, samples: Sequence[Sample]) -> list[Path]:
        """Write the samples, one file for each day; the files."""
        by_day: dict[str, list[Sample]] = defaultdict(list)
        for sample in samples:
            by_day[_day(sample[0])].append(sample)
        return [self._add_day(rows) for _, rows in sorted(by_day.items())]

    def _add_day(self, rows: Sequence[Sample]) -> Path:
        name = f"{min(r[0] for r in rows).astimezone(UTC):%Y%m%dT%H%M%S%f}-{secrets.token_hex(4)}.parquet"
        values = {"times": [to_db(r[0]) for r in rows], "metrics": [r[1] for r in rows], "values": [float(r[2]) for r in rows]}
        with _connection() as con:
            return self._write(con, "write", self.folder / "raw" / name, durable=False, **values)

    def compact(self, *, now: datetime, keep_days: int) -> None:
        """Put small files together, roll days up that are over, and let points go that are older than `keep_days`. Nothing while another does it."""
        if not lock.is_free(self._lock):
            return
        with lock.held(self._lock, wait_s=1.0, what="The samples"), _connection() as con:
            small, today = self._small(), _day(now)
            oldest = _day(now - timedelta(days=keep_days))
            for day in sorted(small.keys() | (self._days() - self._rolled())):
                if day < today or len(small.get(day, ())) >= SMALL_FILES:
                    self._merge_day(con, day, small.get(day, []), over=day < today, late=day < oldest)
            for day in self._days():
                if day < oldest and not small.get(day):
                    self._raw(day).unlink(missing_ok=True)
                    self._five(day).unlink(missing_ok=True)
            self._merge_months(con, before=oldest)

    def _merge_day(self, con: "duckdb.DuckDBPyConnection", day: str, small: Sequence[Path], *, over: bool, late: bool) -> None:
        whole = self._whole(con, [*([self._raw(day)] if self._raw(day).exists() else []), *small])
        if not whole:
            return
        if late and self._raw(day) not in whole:
            # Its points went long ago: what comes late, after a clock was set back, is added to its hours.
            self._write(con, "write_hours", self.folder / "hourly" / f"{day}.{secrets.token_hex(4)}.parquet", files=_names(whole))
        else:
            self._write(con, "merge", self._raw(day), files=_names(whole))
            if over:
                self._write(con, "write_fives", self._five(day), files=[str(self._raw(day))])
                self._write(con, "write_hours", self._hour(day), files=[str(self._raw(day))])
        for path in small:
            path.unlink(missing_ok=True)

    def _merge_months(self, con: "duckdb.DuckDBPyConnection", *, before: str) -> None:
        """Whole months of hours in one file each, so that years stay few files."""
        months: dict[str, list[Path]] = defaultdict(list)
        for path in sorted((self.folder / "hourly").glob("*.parquet")):
            months[path.name[:6]].append(path)
        for month, paths in months.items():
            if month < before[:6] and len(paths) > 1:
                target = self.folder / "hourly" / f"{month}.parquet"
                self._write(con, "merge_hours", target, files=_names(self._whole(con, paths)))
                for path in paths:
                    if path != target:
                        path.unlink(missing_ok=True)

    def _write(self, con: "duckdb.DuckDBPyConnection", block: str, target: Path, *, durable: bool = True, **params: Any) -> Path:
        """Write by a query and rename; `durable` forces it to the disk first, where the files that it replaces are removed afterwards. Raises OSError."""
        target.parent.mkdir(parents=True, exist_ok=True)
        import duckdb

        own = target.with_name(f".{target.name}.{os.getpid()}.tmp")
        try:
            con.execute(queries.block(f"samples.{block}").replace("{path}", str(own).replace("'", "''")), params)
            if durable:
                _force(own)
            own.replace(target)
        except duckdb.IOException as error:
            raise OSError(errno.EIO, str(error).splitlines()[0][:200], str(target)) from error
        finally:
            own.unlink(missing_ok=True)
        if durable:
            _force(target.parent)
        return target

    # --- reading ---------------------------------------------------------------------------------------------------------

    def latest(self, *, now: datetime) -> list[Row]:
        """One row for each metric of the last 30 days: metric, at, value, low, high, n, trend (by the day). Quick, whatever lies there."""
        since = _midnight(now - _EVER)
        with self._loaded(since, now, fives=True, hours=True, newest_only=True) as con:
            return _rows(con, "latest", week=to_db(now - WEEK))

    def hours(self, metric: str, *, since: datetime, until: datetime) -> list[Row]:
        """Roll-ups of one metric by the hour: at, n, low, mid, high."""
        with self._loaded(since, until, metric=metric, hours=True) as con:
            return _rows(con, "hours")

    def days(self, metric: str, *, since: datetime, until: datetime) -> list[Row]:
        """Roll-ups of one metric by the day."""
        with self._loaded(since, until, metric=metric, hours=True) as con:
            return _rows(con, "days")

    def medians(self, metric: str, *, since: datetime, until: datetime) -> list[tuple[datetime, float]]:
        """Medians of five minutes of one metric, in their order."""
        with self._loaded(since, until, metric=metric, fives=True) as con:
            return [(r["at"], r["value"]) for r in _rows(con, "fives")]

    def series(self, *, since: datetime, until: datetime) -> dict[str, Series]:
        """Medians of five minutes of every metric, as numpy arrays (datetime64 in UTC, float)."""
        with self._loaded(since, until, fives=True) as con:
            return _arrays(con, "fives")

    def long_series(self, *, since: datetime, until: datetime) -> dict[str, Series]:
        """Means of hours of every metric, as numpy arrays; for what has to look back years."""
        with self._loaded(since, until, hours=True) as con:
            return _arrays(con, "hours")

    @contextmanager
    def _loaded(
        self,
        since: datetime,
        until: datetime,
        *,
        metric: str | None = None,
        fives: bool = False,
        hours: bool = False,
        newest_only: bool = False,
    ) -> "Iterator[duckdb.DuckDBPyConnection]":
        """A connection with the tables of `samples.sql` filled. Days that are rolled up come from their roll-ups, others from their points."""
        span = {"since": to_db(since), "until": to_db(until), "metric": metric}
        with _connection() as con:
            for statement in queries.block("samples.tables").split(";"):
                con.execute(statement)
            for _ in range(3):
                files = self._files(_day(since), _day(until), fives=fives, hours=hours, newest_only=newest_only)
                for block, paths in files.items():
                    self._fill(con, block, paths, span)
                if all(p.exists() for paths in files.values() for p in paths):
                    break
                for statement in queries.block("samples.clear").split(";"):  # it was put together with others while it was read
                    con.execute(statement)
            if fives:
                con.execute(queries.block("samples.points_to_fives"))
            if hours:
                con.execute(queries.block("samples.points_to_parts"))
            yield con

    def _files(self, first: str, last: str, *, fives: bool, hours: bool, newest_only: bool) -> dict[str, list[Path]]:
        """What has to be read, by the query that reads it."""
        small, rolled, days = self._small(), self._rolled(), self._days()
        fresh = {d for d in small.keys() | days if first <= d <= last and (d not in rolled or d in small)}
        found = {"read_points": [p for d in sorted(fresh) for p in [*([self._raw(d)] if d in days else []), *small.get(d, ())]]}
        done = sorted(d for d in rolled - fresh if first <= d <= last)
        if fives:
            found["read_fives"] = [self._five(d) for d in (done[-1:] if newest_only else done)]
        if hours:
            found["read_parts"] = self._hourly(first, last, without=fresh & days)
        return found

    def _fill(self, con: "duckdb.DuckDBPyConnection", block: str, files: Sequence[Path], params: dict[str, Any]) -> None:
        import duckdb

        whole = [p for p in files if self._has_ends(p)]
        if not whole:
            return
        try:
            con.execute(queries.block(f"samples.{block}"), params | {"files": _names(whole)})
        except (duckdb.IOException, duckdb.InvalidInputException, duckdb.BinderException, duckdb.InternalException):
            readable = self._whole(con, whole)  # one is torn inside, or went while it was read: the others count
            if readable:
                con.execute(queries.block(f"samples.{block}"), params | {"files": _names(readable)})

    # --- files -----------------------------------------------------------------------------------------------------------

    @property
    def _lock(self) -> Path:
        return self.folder.parent / "metrics.lock"

    def _small(self) -> dict[str, list[Path]]:
        """Day -> the files that scans have left, in their order."""
        found: dict[str, list[Path]] = defaultdict(list)
        for path in sorted((self.folder / "raw").glob("[0-9]*T*.parquet")):
            found[path.name[:8]].append(path)
        return found

    def _days(self) -> set[str]:
        return {p.stem.removeprefix("day-") for p in (self.folder / "raw").glob("day-*.parquet")}

    def _rolled(self) -> set[str]:
        """Days whose medians and hours stand."""
        hourly = {p.stem for p in (self.folder / "hourly").glob("*.parquet")}
        return {p.stem for p in (self.folder / "five").glob("*.parquet") if p.stem in hourly or p.stem[:6] in hourly}

    def _hourly(self, first: str, last: str, *, without: set[str]) -> list[Path]:
        """The files with hours of these days. A day whose points are read as a whole is left out."""
        found = []
        for path in sorted((self.folder / "hourly").glob("*.parquet")):
            stem = path.name.removesuffix(".parquet").partition(".")[0]
            if first[: len(stem)] <= stem <= last[: len(stem)] and stem not in without:
                found.append(path)
        return found

    def _raw(self, day: str) -> Path:
        return self.folder / "raw" / f"day-{day}.parquet"

    def _five(self, day: str) -> Path:
        return self.folder / "five" / f"{day}.parquet"

    def _hour(self, day: str) -> Path:
        return self.folder / "hourly" / f"{day}.parquet"

    def _has_ends(self, path: Path) -> bool:
        """Whether a file begins and ends as Parquet does; one that does not is set aside, one that is gone is no matter."""
        try:
            with open(path, "rb") as file:
                head, length = file.read(4), file.seek(0, os.SEEK_END)
                file.seek(max(length - 8, 0))
                tail = file.read(8)
        except FileNotFoundError:
            return False
        if head == _MAGIC and tail[4:] == _MAGIC and int.from_bytes(tail[:4], "little") + 12 <= length:
            return True
        self._set_aside(path)
        return False

    def _whole(self, con: "duckdb.DuckDBPyConnection", files: Sequence[Path]) -> list[Path]:
        """Those of the files that can be read to their last byte; the others are set aside."""
        import duckdb

        good = []
        for path in files:
            if not self._has_ends(path):
                continue
            try:
                con.execute(queries.block("samples.whole"), {"files": [str(path)]}).fetchall()
                good.append(path)
            except duckdb.Error:
                if path.exists():
                    self._set_aside(path)
        return good

    def _set_aside(self, path: Path) -> None:
        torn = self.folder / "torn"
        torn.mkdir(exist_ok=True)
        path.replace(torn / f"{path.parent.name}-{path.name}")
        self.warnings.append(f"The samples in {path.parent.name}/{path.name} cannot be read and were set aside in data/metrics/torn.")

    def said(self) -> str:
        """How much lies there, for people."""
        files = [p for p in self.folder.rglob("*.parquet") if p.parent.name != "torn"]
        return f"{plural(len(files), 'file')} of samples"


@contextmanager
def _connection() -> "Iterator[duckdb.DuckDBPyConnection]":
    """A connection of its own on the engine of this process: its tables are seen by nobody else."""
    con = engine.engine().cursor()
    try:
        yield con
    finally:
        con.close()


def _rows(con: "duckdb.DuckDBPyConnection", block: str, **params: Any) -> list[Row]:
    cursor = con.execute(queries.block(f"samples.{block}"), params)
    names = [d[0] for d in cursor.description or ()]
    return [{k: from_db(v) for k, v in zip(names, row, strict=True)} for row in cursor.fetchall()]


def _arrays(con: "duckdb.DuckDBPyConnection", table: str) -> dict[str, Series]:
    """One pair of arrays for each metric. The names are fetched apart: as a column they would be most of the work."""
    counts = con.execute(queries.block(f"samples.{table}_counts")).fetchall()
    columns = con.execute(queries.block(f"samples.{table}_columns")).fetchnumpy()
    found, at = {}, 0
    for metric, count in counts:
        found[metric] = (columns["at"][at : at + count], columns["value"][at : at + count])
        at += count
    return found


def _names(paths: Sequence[Path]) -> list[str]:
    return [str(p) for p in paths]


def _day(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y%m%d}"


def _midnight(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def _force(path: Path) -> None:
    fd = os.open(path, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
