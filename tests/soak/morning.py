"""What must hold on every morning, whatever the night was. Reads the database itself, past all that is on trial."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import duckdb

from jarvis_lib.model.states import STATES
from jarvis_lib.report.parts import Brief
from jarvis_lib.store import recover
from jarvis_lib.store.place import Place

OF_THE_PERSON = ("task.approved", "task.declined", "improvement.accepted", "account.held", "context.set", "weekend.selected", "weekend.started")
OVERDUE = timedelta(days=2)
"""A prediction is scored on the morning after it was due, or on the next one when no session worked in between."""


@dataclass(frozen=True, slots=True)
class Lived:
    """The days that were lived: from the first up to this morning. `skewed` are windows in which the clock was set back.

    `thought` is when the last night began whose notebooks ran: in a soak not every night's do, and forecasts of numbers are scored by these alone.
    """

    first: date
    morning: date
    zone: ZoneInfo
    skewed: frozenset[str] = frozenset()
    days_off: frozenset[date] = frozenset()
    thought: datetime | None = None

    def slots(self) -> list[str]:
        """What a scheduler should have knocked for, and whose time is over this morning at seven: the rule of the settings, said anew."""
        found = []
        for n in range((self.morning - self.first).days):
            day = self.first + timedelta(days=n)
            found += [f"overnight@{day}", f"checkin@{day}"] + ([f"brief@{day}", f"report@{day}"] if n else [])
            found += [f"weekend@{day}"] if day.weekday() >= 5 or day in self.days_off else []
            found += [f"summary@{day}", f"review@{day}"] if day.weekday() == 6 and n < (self.morning - self.first).days - 1 else []
            found += [f"suggest@{day}"] if day.weekday() == 4 and n < (self.morning - self.first).days - 2 else []
        return found

    def window(self, key: str) -> tuple[datetime, datetime]:
        """When a window of the default settings begins and ends, by the local clock of its day."""
        kind, _, day = key.partition("@")
        begin, end, days = {"overnight": (23, 7, 1), "weekend": (9, 21, 0)}[kind]
        first = datetime.combine(date.fromisoformat(day), time(begin), self.zone)
        last = datetime.combine(date.fromisoformat(day) + timedelta(days=days), time(end), self.zone)
        return first.astimezone(UTC), last.astimezone(UTC)


def broken(place: Place, brief: Brief, lived: Lived, *, since: datetime, whole: bool) -> list[str]:
    """The sentences of what does not hold; `since` is where the brief's span begins. `whole` replays the journal too."""
    found = wrong_in(place.store.snapshot(), brief, lived, since=since, now=datetime.fromisoformat(brief.as_of).astimezone(UTC))
    return found + (recover.verify(place.store) if whole else [])


def wrong_in(database: Path, brief: Brief, lived: Lived, *, since: datetime, now: datetime) -> list[str]:
    """What does not hold in a copy of the database."""
    with duckdb.connect(str(database), read_only=True) as con:
        con.execute("SET TimeZone = 'UTC'")
        own = [*_states(con), *_endings(con), *_proofs(con), *_brief(con, brief, since, now), *_scores(con, now, lived.thought or now)]
        return [*own, *_slots(con, lived), *_windows(con, lived), *_answers(con), *_limits(con), *_numbers(con, brief, now)]


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
        SELECT task, arg_max(verdict, ended_at) = 'verified' FROM attempts
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


def _scores(con: duckdb.DuckDBPyConnection, now: datetime, thought: datetime) -> list[str]:
    """Routines are scored each night, forecasts of numbers by each night that thinks: once it is due, with two days of grace."""
    late, seen = ((now - OVERDUE).replace(tzinfo=None), thought.astimezone(UTC).replace(tzinfo=None))
    rows = _rows(
        con,
        """
        SELECT predictor, count(*), min(due_at) FROM predictions
        WHERE scored_at IS NULL AND due_at < ? AND (predictor = 'routine' OR due_at < ?) GROUP BY 1
        """,
        late,
        seen,
    )
    return [f"{n} predictions of {p} are not scored; the oldest was due {due:%d %b}" for p, n, due in rows]


# --- the calendar ----------------------------------------------------------------------------------------------------------


def _slots(con: duckdb.DuckDBPyConnection, lived: Lived) -> list[str]:
    """Every occurrence of what a scheduler knocks for was run or missed, once; none was begun by two sessions that both came to an end."""
    rows = _rows(con, "SELECT c.slot, c.state, s.outcome FROM cron_slots c LEFT JOIN sessions s ON s.id = c.session")
    stands = {slot: (state, outcome) for slot, state, outcome in rows}
    twice = [slot for slot in stands if [r[0] for r in rows].count(slot) > 1] if len(stands) != len(rows) else []
    due = [key for key in lived.slots() if key not in stands]
    hanging = [slot for slot, (state, outcome) in stands.items() if state == "claimed" and outcome != "died"]
    again = _rows(con, "SELECT \"window\", count(*) FROM sessions WHERE outcome <> 'died' GROUP BY 1 HAVING count(*) > 1")
    both = _rows(
        con,
        """
        SELECT data->'data'->>'slot' FROM facts WHERE kind IN ('slot.done', 'slot.missed') AND refused IS NULL GROUP BY 1 HAVING count(*) > 1
        """,
    )
    return (
        [f"the slot {key} was neither run nor missed" for key in due]
        + [f"the slot {key} has several rows" for key in twice]
        + [f"the slot {key} was begun and has no end" for key in hanging]
        + [f"{n} sessions worked the window {key}" for key, n in again]
        + [f"the slot {key} ended twice" for (key,) in both]
    )


def _windows(con: duckdb.DuckDBPyConnection, lived: Lived) -> list[str]:
    """No attempt was begun outside of the window that its session is for, nor ended after it, unless the machine slept or its clock was set back."""
    slept = {s for (s,) in _rows(con, "SELECT DISTINCT session FROM phases WHERE name = 'asleep'")}
    rows = _rows(con, 'SELECT a.id, s."window", a.claimed_at, a.ended_at, s.id, a.outcome FROM attempts a JOIN sessions s ON s.id = a.session')
    wrong = []
    for attempt, key, begun, ended, session, outcome in rows:
        if key in lived.skewed:
            continue
        begin, end = lived.window(key)
        if not begin <= begun.replace(tzinfo=UTC) < end:
            wrong.append(f"attempt {attempt} was begun outside of {key}, at {begun:%d %b %H:%M} UTC")
        elif ended is not None and ended.replace(tzinfo=UTC) > end and session not in slept and outcome != "abandoned":
            wrong.append(f"attempt {attempt} ended after {key}, at {ended:%d %b %H:%M} UTC")
    return wrong


def _answers(con: duckdb.DuckDBPyConnection) -> list[str]:
    """What is a person's to say was said by a person; what ran was allowed by policy or by them, and what was accepted too."""
    said = _rows(
        con, "SELECT id, kind, actor FROM facts WHERE refused IS NULL AND kind IN (SELECT unnest(?)) AND actor NOT LIKE 'person:%'", list(OF_THE_PERSON)
    )
    ran = _rows(
        con,
        """
        SELECT a.id, a.task FROM attempts a
        ASOF JOIN decisions d ON d.task = a.task AND a.claimed_at >= d."at"
        WHERE d.verdict <> 'auto' AND NOT EXISTS (
            SELECT 1 FROM facts f WHERE f.task = a.task AND f.refused IS NULL AND f.actor LIKE 'person:%' AND f."at" <= a.claimed_at
                AND f.kind IN ('task.approved', 'task.answered', 'weekend.started'))
        """,
    )
    taken = _rows(
        con,
        """
        SELECT f.id, f.task, f.actor FROM facts f JOIN tasks t ON t.id = f.task
        WHERE f.kind = 'task.accepted' AND f.refused IS NULL AND f.actor NOT LIKE 'person:%' AND NOT (f.actor = 'policy' AND t.category IN (SELECT unnest(?)))
        """,
        ["Documentation", "Infrastructure"],
    )
    return (
        [f"the fact {i} ({kind}) was stated by {actor}" for i, kind, actor in said]
        + [f"attempt {i} ran, and nobody had allowed task {task}" for i, task in ran]
        + [f"task {task} was accepted by {actor} (fact {i})" for i, task, actor in taken]
    )


def _limits(con: duckdb.DuckDBPyConnection) -> list[str]:
    """While an agent's account is used up, no attempt that needs it is begun."""
    rows = _rows(
        con,
        """
        WITH held AS (
            SELECT "at", CAST(json_extract_string(c, '$.limit.until') AS TIMESTAMPTZ) AT TIME ZONE 'UTC' AS until
            FROM (SELECT "at", unnest(CAST(json_extract(data, '$.data.calls') AS JSON[])) AS c FROM facts WHERE kind = 'attempt.ended' AND refused IS NULL)
            WHERE json_extract_string(c, '$.limit.until') IS NOT NULL
        )
        SELECT a.id, h.until FROM attempts a JOIN held h ON a.claimed_at > h."at" AND a.claimed_at < h.until WHERE a.recipe = 'agent'
        """,
    )
    return [f"attempt {i} of an agent was begun though its account was used up until {until:%d %b %H:%M} UTC" for i, until in rows]


def _numbers(con: duckdb.DuckDBPyConnection, brief: Brief, now: datetime) -> list[str]:
    """The brief's builds, hours and fixes are those of the store, for the last day and for the last week."""
    wrong = []
    for span, days in (("day", 1), ("week", 7)):
        since = (now - timedelta(days=days)).replace(tzinfo=None)
        until = now.replace(tzinfo=None)
        accepted = _rows(
            con,
            """
            SELECT count(DISTINCT t.id) FROM tasks t JOIN attempts a ON a.task = t.id AND a.verdict IN ('verified', 'unverified')
            WHERE t.state = 'accepted' AND t.accepted_at > ? AND t.accepted_at <= ?
            """,
            since,
            until,
        )[0][0]
        shipped = _rows(con, "SELECT count(*) FROM tasks WHERE state IN ('shipped', 'accepted') AND shipped_at > ? AND shipped_at <= ?", since, until)[0][0]
        held = _rows(con, "SELECT count(*) FROM fixes WHERE held AND checked_at > ? AND checked_at <= ? AND undone_at IS NULL", since, until)[0][0]
        told = {n.name: getattr(n, span) for n in brief.numbers}
        if not told["Builds accepted"].startswith(f"{accepted} ({shipped} shipped"):
            wrong.append(f"the brief tells {told['Builds accepted']!r} of the {span}; the store has {accepted} accepted, {shipped} shipped")
        if told["Fixes that held a day"].partition(" ")[0] != f"{held}":
            wrong.append(f"the brief tells {told['Fixes that held a day']!r} fixes of the {span}; the store has {held}")
        if (accepted == 0) != (told["Run hours of accepted builds"].startswith("0 h")):
            wrong.append(f"the brief tells {told['Run hours of accepted builds']!r} of the {span}, with {accepted} builds accepted")
    return wrong
