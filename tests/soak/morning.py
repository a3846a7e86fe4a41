"""What must hold on every morning, whatever the night was. Reads the database itself, past all that is on trial."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb

from jarvis_lib.model.states import STATES
from jarvis_lib.report.parts import Brief
from jarvis_lib.store import recover
from jarvis_lib.store.place import Place

OVERDUE = timedelta(days=2)
"""A prediction is scored on the morning after it was due, or on the next one when no session worked in between."""


def broken(place: Place, brief: Brief, *, since: datetime, whole: bool) -> list[str]:
    """The sentences of what does not hold; `since` is where the brief's span begins. `whole` replays the journal too."""
    found = wrong_in(place.store.snapshot(), brief, since=since, now=place.now())
    return found + (recover.verify(place.store) if whole else [])


def wrong_in(database: Path, brief: Brief, *, since: datetime, now: datetime) -> list[str]:
    """What does not hold in a copy of the database."""
    with duckdb.connect(str(database), read_only=True) as con:
        con.execute("SET TimeZone = 'UTC'")
        return [*_states(con), *_endings(con), *_proofs(con), *_brief(con, brief, since, now), *_scores(con, now)]


def _rows(con: duckdb.DuckDBPyConnection, sql: str, *values: Any) -> list[tuple[Any, ...]]:
    return con.execute(sql, list(values)).fetchall()


def _states(con: duckdb.DuckDBPyConnection) -> list[str]:
    """Each task is in exactly one state that exists, and says when it came there."""
    doubled = _rows(con, "SELECT id, count(*) FROM tasks GROUP BY id HAVING count(*) <> 1")
    strange = _rows(con, "SELECT id, state FROM tasks WHERE state NOT IN (SELECT unnest(?)) OR changed_at IS NULL", list(STATES))
    told = _rows(con, "SELECT count(DISTINCT task) FROM facts WHERE kind = 'task.added' AND refused IS NULL")[0][0]
    there = _rows(con, "SELECT count(*) FROM tasks")[0][0]
    lost = [] if told == there else [f"{told} tasks were added and {there} are there"]
    return [f"task {i} is there {n} times" for i, n in doubled] + [f"task {i} is in state {s}" for i, s in strange] + lost


def _endings(con: duckdb.DuckDBPyConnection) -> list[str]:
    """No session is open in the morning; each attempt has one ending, and no task is running."""
    open_ = _rows(con, "SELECT id FROM attempts WHERE ended_at IS NULL OR outcome IS NULL OR verdict IS NULL")
    running = _rows(con, "SELECT id FROM tasks WHERE state = 'running'")
    sessions = _rows(con, "SELECT id FROM sessions WHERE closed_at IS NULL")
    twice = _rows(con, "SELECT data->'data'->>'attempt', count(*) FROM facts WHERE kind = 'attempt.ended' AND refused IS NULL GROUP BY 1 HAVING count(*) <> 1")
    negative = _rows(con, "SELECT id FROM attempts WHERE ended_at < claimed_at")
    return (
        [f"attempt {i} has no ending" for (i,) in open_]
        + [f"task {i} is running and nobody works" for (i,) in running]
        + [f"session {i} is open in the morning" for (i,) in sessions]
        + [f"attempt {i} has {n} endings" for i, n in twice]
        + [f"attempt {i} ended before it began" for (i,) in negative]
    )


def _proofs(con: duckdb.DuckDBPyConnection) -> list[str]:
    """What is shipped has a verified attempt with a check or a measure that held, and none that failed."""
    return [
        f"task {task} is {state} without evidence"
        for task, state in _rows(
            con,
            """
            SELECT t.id, t.state FROM tasks t WHERE t.shipped_at IS NOT NULL AND t.state IN ('shipped', 'accepted') AND NOT EXISTS (
                SELECT 1 FROM attempts a JOIN evidence e ON e.attempt = a.id AND e.kind IN ('check', 'measure')
                WHERE a.task = t.id AND a.verdict = 'verified' GROUP BY a.id HAVING bool_and(coalesce(e.ok, false)))
            """,
        )
    ]


def _brief(con: duckdb.DuckDBPyConnection, brief: Brief, since: datetime, now: datetime) -> list[str]:
    """The brief names as shipped the tasks whose newest attempt of its span was verified, no more and no less."""
    rows = _rows(
        con,
        """
        SELECT task, arg_max(verdict, n) = 'verified' FROM attempts
        WHERE ended_at > CAST(? AS TIMESTAMP) AND ended_at <= CAST(? AS TIMESTAMP) GROUP BY task
        """,
        since.replace(tzinfo=None),
        now.replace(tzinfo=None),
    )
    wanted = ({t for t, ok in rows if ok}, {t for t, ok in rows if not ok})
    told = ({r.task for r in brief.shipped}, {r.task for r in brief.not_shipped})
    counts = (len(told[0]) + brief.shipped_more, len(told[1]) + brief.not_shipped_more)
    if counts == (len(wanted[0]), len(wanted[1])) and told[0] <= wanted[0] and told[1] <= wanted[1]:
        return []
    return [f"the brief tells {counts[0]} shipped and {counts[1]} not; the store has {len(wanted[0])} and {len(wanted[1])}"]


def _scores(con: duckdb.DuckDBPyConnection, now: datetime) -> list[str]:
    late = (now - OVERDUE).replace(tzinfo=None)
    rows = _rows(con, "SELECT predictor, count(*), min(due_at) FROM predictions WHERE scored_at IS NULL AND due_at < ? GROUP BY 1", late)
    return [f"{n} predictions of {p} are not scored; the oldest was due {due:%d %b}" for p, n, due in rows]


def weight(home: Path) -> dict[str, int]:
    """Bytes of the database, the journal and everything below data/."""
    sizes = {p: p.stat().st_size for p in (home / "data").rglob("*") if p.is_file()}
    journal = sum(n for p, n in sizes.items() if "journal" in p.relative_to(home).as_posix())
    return {"database": (home / "data" / "jarvis.duckdb").stat().st_size, "journal": journal, "data": sum(sizes.values())}
