"""What is known while a session works: its hours, the person's word to stop, each attempt in flight, and the tally of those that ended."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from jarvis_lib.autonomous_queue.holding import NOTHING_TRIED, Held
from jarvis_lib.execution.spec import AgentWork, RepositoryWork
from jarvis_lib.model.book import Row
from jarvis_lib.model.task import Task

YOUNG_S = 5.0
HEARTBEAT = Path("data/session.alive")
"""Touched by a living session: after a crash it tells when its attempts can have written last."""


@dataclass(frozen=True, slots=True)
class Session:
    """What the loop must know of its session: aware UTC times for the end of work and of checks, and how much runs at once.

    `window` is the key of the window that it opens. With `follow` the person's context says how much and what runs, and takes the machine back
    when it changes; without it only what the person has set by hand does. In the spans of `busy` nothing is started, and nothing that would reach
    into one.
    """

    id: str
    work_ends: datetime
    checks_end: datetime
    lanes: int
    seed: int
    window: str = ""
    follow: bool = False
    busy: tuple[tuple[datetime, datetime], ...] = ()
    held: Held = NOTHING_TRIED

    def room_until(self, now: datetime) -> datetime:
        """How long may work that starts now go on? `now` itself inside of a busy span."""
        if any(start <= now < end for start, end in self.busy):
            return now
        return min([self.work_ends, *(start for start, _ in self.busy if start > now)])

    def waits_until(self, now: datetime) -> datetime | None:
        """The end of the busy span that is on or comes next, when there is room to work after it."""
        return min((end for _, end in self.busy if now < end < self.work_ends), default=None)


@dataclass
class Stop:
    """How the person asked to stop: `finish` what runs, or `now`. A signal handler sets it, with words that the loop says.

    A handler must not print: it may come while its own program is printing, and Python's streams refuse a second writer.
    """

    how: str = ""
    words: list[str] = field(default_factory=list)

    def ask(self, how: str, word: str = "") -> None:
        """Remember `finish` or `now`, and the word to say; `now` is never taken back by a later `finish`."""
        self.how = how if self.how != "now" else self.how
        self.words += [word] if word else []

    def tell(self, say: Callable[[str], None]) -> None:
        """Say the words that were not said yet."""
        while self.words:
            say(self.words.pop(0))


@dataclass
class Run:
    """One attempt in flight: which step runs, since when, and what the finished steps gave."""

    row: Row
    task: Task
    attempt: str
    n: int
    folder: Path
    deadline: datetime
    step: str = ""
    handle: Any = None
    results: dict[str, dict[str, Any]] = field(default_factory=dict)
    meddled: str = ""
    by_window: bool = False
    origin: dict[str, Any] | None = None
    own_before: list[dict[str, Any]] = field(default_factory=list)
    left: list[dict[str, Any]] = field(default_factory=list)
    began: float = 0.0
    paused: bool = False
    proof_files: dict[str, str] = field(default_factory=dict)
    work: RepositoryWork | None = None
    agent: AgentWork | None = None
    unfinished: bool = False

    @property
    def is_young(self) -> bool:
        """Has its step begun so short a time ago that it may be over in a moment?"""
        return time.monotonic() - self.began < YOUNG_S


@dataclass
class Tally:
    """What the loop did, for the session's report."""

    attempts: int = 0
    ended: list[dict[str, Any]] = field(default_factory=list)
    passed_over: dict[str, str] = field(default_factory=dict)
    asleep_s: float = 0.0
    why_ended: str = ""
