"""Which night does this brief tell? Everything since the last brief that was made before the newest session.

A brief that is made again covers the same night again; a morning after a night without a session says so and repeats no old results.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from jarvis_lib.store import lock
from jarvis_lib.store.store import Reader

Row = dict[str, Any]
LONGEST = timedelta(days=7)
TICK = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Coverage:
    """The span (aware UTC, `since` itself left out), the sessions in it, and how the newest stands: running, finished, failed, died or none."""

    since: datetime
    until: datetime
    sessions: tuple[Row, ...]
    state: str
    has_facts: bool

    @property
    def begins(self) -> datetime:
        """The first moment that counts, as it is told."""
        return min(self.since + TICK, self.until)

    @property
    def newest(self) -> Row | None:
        """The session that was opened last; None when there was none."""
        return self.sessions[-1] if self.sessions else None


def coverage(reader: Reader, *, now: datetime, zone: ZoneInfo, home: Path) -> Coverage:
    """The span of the brief that is made at `now`."""
    since = _since(reader, now, zone)
    sessions = reader.rows("report.sessions_between", since=since, now=now)
    first = reader.one("report.first_fact")
    return Coverage(since, now, tuple(sessions), _state(sessions, now, home), bool(first and first["at"]))


def _since(reader: Reader, now: datetime, zone: ZoneInfo) -> datetime:
    newest = reader.one("report.newest_session", now=now)
    midnight = now.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
    told = reader.one("report.brief_before", at=midnight)
    if newest is None or (told and newest["closed_at"] and newest["closed_at"] <= told["as_of"]):
        return _as_of(told) or _first(reader, now)
    begin = _as_of(reader.one("report.brief_before", at=newest["opened_at"])) or _first(reader, now)
    opened: datetime = newest["opened_at"]
    return min(begin, opened - TICK)


def _as_of(brief: Row | None) -> datetime | None:
    moment: datetime | None = brief["as_of"] if brief else None
    return moment


def _first(reader: Reader, now: datetime) -> datetime:
    """Where the first brief of a workspace begins: its first fact, at most a week back."""
    found = reader.one("report.first_fact")
    first: datetime = found["at"] if found and found["at"] else now
    return max(min(first, now) - TICK, now - LONGEST)


def _state(sessions: list[Row], now: datetime, home: Path) -> str:
    if not sessions:
        return "none"
    row = sessions[-1]
    if row["closed_at"] is None or row["closed_at"] > now:
        alive = row["closed_at"] is not None or not lock.is_free(home / "data" / "session.lock")
        return "running" if alive else "died"
    return row["outcome"] if row["outcome"] in ("finished", "failed", "died") else "died"
