"""Which indexes make these queries of an app faster, and how do we know?

Promise: every index is tried on a scratch copy first. It is kept only if the planner uses it, a query gets faster by it,
and every query returns the same rows in the same order. The live file changes in one transaction, or not at all.
"""

import json
import re
import shutil
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from itertools import permutations
from pathlib import Path

from jarvis_lib.execution.playbooks.queries import Query, Run, columns_of, columns_read, plan, run, run_all
from jarvis_lib.execution.playbooks.query_words import Roles, aliases, roles
from jarvis_lib.execution.playbooks.statements import blocks, filled, read_only, writing
from jarvis_lib.model.fact import Refused

MOST_TRIED = 16  # for each query
PASSES = 3
LEAST_ROWS = 500  # a smaller table is read whole as fast as any index
LEAST_SHARE = 0.005  # what an index must save of the time of all queries: it costs space and slows writing
LEAST_S = 0.0005  # and in seconds, so that nightly runs do not pile up indexes for microseconds
_SQL = blocks("sqlite")


@dataclass(frozen=True, slots=True)
class Index:
    """A proposed index. `why` names the query it was read from."""

    table: str
    columns: tuple[str, ...]
    why: str

    @property
    def name(self) -> str:
        """From its table and columns, so the same proposal always has the same name."""
        return "jarvis_" + re.sub(r"\W+", "_", "_".join((self.table, *self.columns)))


@dataclass(frozen=True, slots=True)
class Trial:
    """What the scratch copy showed: the indexes worth keeping, and one sentence for each that is not."""

    kept: tuple[Index, ...]
    tried: int
    dropped: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Row:
    """One query before and after, in seconds, with the planner's steps after."""

    query: str
    rows: int
    before: float
    after: float
    steps: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was done to the live file. Sizes in bytes."""

    database: str
    kept: tuple[Index, ...]
    tried: int
    dropped: tuple[str, ...]
    rows: tuple[Row, ...]
    size_before: int
    size_after: int

    @property
    def ratio(self) -> float:
        """Seconds of all queries before, divided by those after."""
        after = sum(r.after for r in self.rows)
        return sum(r.before for r in self.rows) / after if after else 1.0


def checked(database: Path) -> Path:
    """`database` itself. Refuses a missing or foreign file, and one whose latest changes stand outside of it (in its -wal file)."""
    if not database.is_file():
        raise Refused(f"The database {database} does not exist; set [sources] database in jarvis.toml or give its path.", code="missing")
    with closing(read_only(database)) as con:
        try:
            columns_of(con)
        except sqlite3.DatabaseError as error:
            raise Refused(f"{database} is not an SQLite database that can be read: {error}.") from error
    log = database.with_name(database.name + "-wal")
    if log.is_file() and log.stat().st_size:
        raise Refused(f"{database} is in use: {log.name} holds changes that are not in it yet. Close the app that writes to it, then retry.")
    return database


def propose(database: Path, queries: Sequence[Query]) -> list[Index]:
    """For each query, single and composite indexes on the tables that the planner reads whole or sorts; at most MOST_TRIED each."""
    found = []
    with closing(read_only(checked(database))) as con:
        columns = columns_of(con)
        there = _existing(con)
        for query in queries:
            read = columns_read(con, query)
            own = roles(query.sql, columns)
            lists = [(t, c) for t in _worth_it(con, query, columns) for c in _combinations(own[t], read.get(t, []))]
            fresh = [(t, c) for t, c in lists if not any(have[: len(c)] == c for have in there[t])]
            found += [Index(t, c, query.name) for t, c in sorted(fresh, key=lambda f: len(f[1]))[:MOST_TRIED]]
    return found


def _worth_it(con: sqlite3.Connection, query: Query, columns: dict[str, list[str]]) -> list[str]:
    """The tables of `query` that are read whole, indexed on the fly or sorted, and are not tiny."""
    steps = plan(con, query)
    named = aliases(query.sql, columns)
    sorts = any("TEMP B-TREE" in s for s in steps)
    scanned = {m.group(1).casefold() for s in steps if (m := re.match(r"(?:SCAN|SEARCH) (?:TABLE )?(\S+)", s)) and _is_slow(s)}
    tables = {t for alias, own in named.items() for t in own if sorts or alias in scanned or t.casefold() in scanned}
    return [t for t in columns if t in tables and _count(con, t) >= LEAST_ROWS]


def _is_slow(step: str) -> bool:
    return step.startswith("SCAN") or "AUTOMATIC" in step


def _count(con: sqlite3.Connection, table: str) -> int:
    return int(con.execute(filled(_SQL["has_rows"], table=table), {"least": LEAST_ROWS}).fetchone()[0])


def _existing(con: sqlite3.Connection) -> dict[str, list[tuple[str, ...]]]:
    """The columns of every index that is there already."""
    found: dict[str, list[tuple[str, ...]]] = {}
    for table in columns_of(con):
        own: dict[str, list[str]] = {}
        for name, column in con.execute(_SQL["index_columns"], {"table": table}):
            own.setdefault(name, []).append(column or "")
        found[table] = [tuple(c) for c in own.values()]
    return found


def _combinations(own: Roles, read: Sequence[str]) -> list[tuple[str, ...]]:
    """Column lists worth a trial: equality first, then one span, the join or the order; covering ones for narrow reads."""
    equal, join, span, order = tuple(own.equal[:4]), tuple(own.join[:3]), own.span[:2], tuple(own.order[:3])
    lists: list[tuple[str, ...]] = [equal, *((c,) for c in (*join, *span))]
    lists += [order, (*equal, *order), *permutations(join, 2)]
    lists += [(*equal, c) for c in span] + [(c, *equal) for c in join]
    lead = (*equal, *join[:1], *span[:1])
    if lead and len(read) <= 4:
        lists.append((*lead, *read))
    return [c for c in dict.fromkeys(tuple(dict.fromkeys(c)) for c in lists) if c]


def try_out(database: Path, queries: Sequence[Query], indexes: Sequence[Index], *, scratch: Path) -> Trial:
    """Every index on a copy below `scratch` (removed afterwards), the slowest query first; each is left out once and timed."""
    scratch.mkdir(parents=True, exist_ok=True)
    _room(database, scratch)
    copy = scratch / f"trial-of-{database.name}"
    try:
        _copied(database, copy)
        with closing(writing(copy)) as con:
            for setting in ("no_sync", "short_journal", "large_cache"):  # a scratch copy may be lost
                con.execute(_SQL[setting])
            return _Bench(con, queries).tried(indexes)
    finally:
        copy.unlink(missing_ok=True)


def _room(database: Path, folder: Path) -> None:
    needed, free = 3 * database.stat().st_size, shutil.disk_usage(folder).free
    if needed > free:
        raise Refused(f"A trial copy needs {needed:,} bytes and {folder} has {free:,}; free some space, then retry.")


def _copied(database: Path, copy: Path) -> None:
    copy.unlink(missing_ok=True)
    with closing(read_only(database)) as source, closing(sqlite3.connect(copy)) as target:
        source.backup(target)


class _Bench:
    """The scratch copy, with what every query returned and took on it at first. Indexes come and go; `kept` are those that stay.

    A query is timed once for each plan that it gets, so trials that do not touch it cost nothing and add no noise. CPU seconds
    count, because other tasks of the night may run beside this one.
    """

    def __init__(self, con: sqlite3.Connection, queries: Sequence[Query]) -> None:
        self.con = con
        self.queries = list(queries)
        self.runs: dict[tuple[str, ...], Run] = {}
        self.first = {q.name: self._run(q) for q in queries}
        self.least = max(self._total() * LEAST_SHARE, LEAST_S)
        self.kept: list[Index] = []
        self.said: dict[str, str] = {}

    def tried(self, indexes: Sequence[Index]) -> Trial:
        """The slowest query first. Again while that helped: an index may be of use only beside one that came later."""
        for _ in range(PASSES):
            had = len(self.kept)
            for query in sorted(self.queries, key=lambda q: -self._run(q).cpu):
                if self._run(query).cpu > self.least:  # else there is nothing left to save
                    self._try_for([i for i in indexes if i.why == query.name and i.name not in {k.name for k in self.kept}])
            if len(self.kept) == had:
                break
        self._prune()
        kept = {i.name for i in self.kept}
        return Trial(tuple(self.kept), len({i.name for i in indexes}), tuple(line for name, line in self.said.items() if name not in kept))

    def _try_for(self, fresh: Sequence[Index]) -> None:
        """All of `fresh` at once on the copy; then the one that saves most alone, the one that saves most beside it, and so on."""
        for index in fresh:
            _create(self.con, index)
        self.con.execute(_SQL["analyze"])
        out = list(fresh)
        best = self._without(out)
        while out:
            trials = {i: self._without([o for o in out if o is not i]) for i in out}
            fastest = min(trials.values())
            if fastest > best - self.least:
                break
            pick = min((i for i in out if trials[i] <= fastest + self.least / 5), key=lambda i: (len(i.columns), trials[i]))
            best = trials[pick]
            self.kept.append(pick)
            out.remove(pick)
        for index in out:
            self._drop_for_good(index, "it saves too little beside the others, the planner passes it by, or it changes a result")

    def _prune(self) -> None:
        """Out with what later indexes made needless, and, with the final statistics, with whatever still changes a result."""
        self.con.execute(_SQL["analyze"])
        for index in sorted(self.kept, key=lambda i: -len(i.columns)):
            if self._without([index]) <= self._total() + self.least:
                self._drop_for_good(index, "a later index made it needless")

    def _drop_for_good(self, index: Index, reason: str) -> None:
        _drop(self.con, index)
        self.kept = [k for k in self.kept if k is not index]
        self.said[index.name] = f"{index.table} ({', '.join(index.columns)}): {reason}"

    def _without(self, indexes: Sequence[Index]) -> float:
        """CPU seconds of all queries with `indexes` away, in a transaction that is taken back."""
        self.con.execute(_SQL["begin"])
        try:
            for index in indexes:
                _drop(self.con, index)
            return self._total()
        finally:
            self.con.execute(_SQL["rollback"])

    def _total(self) -> float:
        """CPU seconds of all queries as the copy is now; without end if one of them returns something else than at first."""
        runs = [self._run(q) for q in self.queries]
        same = all(r.digest == self.first[q.name].digest for q, r in zip(self.queries, runs, strict=True))
        return sum(r.cpu for r in runs) if same else float("inf")

    def _run(self, query: Query) -> Run:
        key = (query.name, *plan(self.con, query))
        if key not in self.runs:
            self.runs[key] = run(self.con, query, repeats=5)
        return self.runs[key]


def _create(con: sqlite3.Connection, index: Index) -> None:
    con.execute(filled(_SQL["create_index"], index=index.name, table=index.table, columns=index.columns))


def _drop(con: sqlite3.Connection, index: Index) -> None:
    con.execute(filled(_SQL["drop_index"], index=index.name))


def apply(database: Path, queries: Sequence[Query], trial: Trial, *, patience_s: float = 10.0) -> Outcome:
    """The kept indexes on the live file, in one transaction with ANALYZE; each query timed before and after.

    Raises Refused, with the file as it was, if another program writes for longer than `patience_s` or a result changes.
    """
    size_before = checked(database).stat().st_size
    with closing(read_only(database)) as con:
        before = run_all(con, queries, repeats=3)
    if trial.kept:
        _change(database, queries, trial.kept, before, patience_s)
    with closing(read_only(database)) as con:
        after = run_all(con, queries, repeats=3)
        rows = tuple(Row(q.name, after[q.name].rows, before[q.name].seconds, after[q.name].seconds, tuple(plan(con, q))) for q in queries)
    return Outcome(str(database), trial.kept, trial.tried, trial.dropped, rows, size_before, database.stat().st_size)


def _change(database: Path, queries: Sequence[Query], kept: Sequence[Index], before: dict[str, Run], patience_s: float) -> None:
    with closing(writing(database, patience_s=patience_s)) as con:
        try:
            con.execute(_SQL["begin"])
            for index in kept:
                _create(con, index)
            con.execute(_SQL["analyze"])
            wrong = [q.name for q in queries if run(con, q).digest != before[q.name].digest]
            con.execute(_SQL["rollback" if wrong else "commit"])
        except sqlite3.OperationalError as error:
            raise Refused(f"{database} could not be changed: {error}. It is as it was; close the program that uses it, then retry.") from error
    if wrong:
        raise Refused(f"With the new indexes {', '.join(wrong)} would return other rows, so {database} was left as it was.")


def said_plans(database: Path, queries: Sequence[Query]) -> str:
    """The planner's steps for each query, as text."""
    with closing(read_only(checked(database))) as con:
        return "\n".join(f"{q.name}\n" + "\n".join(f"    {step}" for step in plan(con, q)) for q in queries)


def said_indexes(indexes: Sequence[Index]) -> str:
    """One line per index."""
    return "\n".join(f"{i.table} ({', '.join(i.columns)})   for {i.why}" for i in indexes) or "none"


def said_outcome(outcome: Outcome) -> str:
    """A table of the queries before and after, and what was kept, as text."""
    width = max(len(r.query) for r in outcome.rows)
    lines = [f"{'query':{width}}  {'rows':>7}  {'before s':>9}  {'after s':>9}  {'times':>7}"]
    for r in outcome.rows:
        lines.append(f"{r.query:{width}}  {r.rows:7,}  {r.before:9.4f}  {r.after:9.4f}  {r.before / max(r.after, 1e-9):6.1f}x")
    lines.append(f"\nAll queries: {outcome.ratio:.1f}x faster; measured here once, Jarvis measures again on its own.")
    lines.append(f"{len(outcome.kept)} of {outcome.tried} proposed indexes kept; the file grew from {outcome.size_before:,} to {outcome.size_after:,} bytes.")
    return "\n".join(lines)


def save(outcome: Outcome, out_dir: Path) -> Path:
    """The outcome as JSON in `out_dir`."""
    out_dir.mkdir(parents=True, exist_ok=True)
    path = out_dir / "optimize_database.json"
    path.write_text(json.dumps(asdict(outcome) | {"ratio": outcome.ratio}, indent=2) + "\n", encoding="utf-8")
    return path
