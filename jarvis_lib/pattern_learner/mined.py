"""Which events come again at the same hour of the same days, and does that hold on days that were not used to find it?

A pattern is a *routine* when it held on later days, and *learned* when it did so often enough to act on (pattern_rules.LEARNED_N days and lower bound).
What is not sure yet is called forming and says what is missing. Everything is by the local clock.
"""

import hashlib
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from jarvis_lib.learning import routines
from jarvis_lib.learning.routines import EVERY_DAY, HISTORY, LEAST, WORKDAYS, Routine, clock
from jarvis_lib.model.book import Row
from jarvis_lib.model.pattern_rules import LEARNED_LOW, LEARNED_N
from jarvis_lib.model.prose import clean, plural
from jarvis_lib.model.window import DAYS
from jarvis_lib.store.store import Reader

_NAMES = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_MONTHS = ("january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december")
_SMALL = ("a", "an", "and", "the", "of", "for", "in", "on", "to", "my", "our", "this", "today", "tonight")
_ASIDE = frozenset((*_NAMES, *_MONTHS, *(d.lower() for d in DAYS), *(m[:3] for m in _MONTHS), *_SMALL))
"""Words that tell one week's title from the next one's, or nothing."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """One routine, or one that is forming. Shares are from 0 to 1; `next_at` is aware UTC and None unless it is a routine.

    Of `occasions` (days after it was found on which it could have come), it came on `n`; `low` is Wilson's lower bound of that share and
    `base_rate` what guessing hits. `found` are the days before, `tasks` all events of the kind. `id` is the same from night to night; `answer` is
    what the person said about it.
    """

    title: str
    category: str
    standing: str
    when: str
    tasks: int
    found: int
    n: int
    occasions: int
    hit_rate: float
    low: float
    base_rate: float
    next_at: datetime | None
    said: str
    id: str = ""
    kind: str = ""
    answer: str = ""


@dataclass(frozen=True, slots=True)
class Learned:
    """What the history tells: the answer in one sentence, how much history there is, and the patterns, routines first."""

    said: str
    tasks: int
    weeks: int
    kinds: int
    patterns: tuple[Pattern, ...]

    @property
    def routines(self) -> tuple[Pattern, ...]:
        """The patterns that hold, whether their hit rate is proved or not; those that are only forming are left out."""
        return tuple(p for p in self.patterns if p.standing in ("routine", "learned"))

    @property
    def proved(self) -> tuple[Pattern, ...]:
        """Those that count as learned."""
        return tuple(p for p in self.patterns if p.standing == "learned")


# --- rules ---------------------------------------------------------------------------------------------------------------


def kind_of(title: str, category: str) -> str:
    """What makes two tasks the same kind: category and the title's words in any order, without numbers, days, months and small words."""
    words = set(re.findall(r"\w+", clean(title).casefold()))
    kept = {w for w in words if w not in _ASIDE and not any(c.isdigit() for c in w)}
    return f"{' '.join(sorted(kept or words)) or clean(title)} | {category}"


def learn(rows: Sequence[Row], zone: ZoneInfo, *, now: datetime) -> Learned:
    """The patterns in these events (`title`, `category`, `added_at` aware, `kind` where title and category do not make it) as they stood at `now`."""
    counted = [r for r in rows if now - HISTORY < r["added_at"] <= now]
    kinds: dict[str, list[Row]] = defaultdict(list)
    for row in counted:
        kinds[row.get("kind") or kind_of(row["title"], row["category"])].append(row)
    events = [(kind, _local(r["added_at"], zone)) for kind, own in kinds.items() for r in own]
    patterns = _named(_pattern(r, kinds[r.key], zone) for r in routines.routines(events, now=_local(now, zone)))
    first = min((r["added_at"] for r in counted), default=now)
    weeks = max(1, -((first - now) // timedelta(weeks=1)))
    noun = "task" if all(r.get("source", "tasks") == "tasks" for r in counted) else "event"
    return Learned(_summary(patterns, plural(len(counted), noun), weeks), len(counted), weeks, len(kinds), patterns)


def _local(at: datetime, zone: ZoneInfo) -> datetime:
    """The local clock time, without its zone: nine o'clock is nine o'clock before and after a clock change."""
    return at.astimezone(zone).replace(tzinfo=None)


def _pattern(r: Routine, tasks: Sequence[Row], zone: ZoneInfo) -> Pattern:
    newest = max(tasks, key=lambda t: (t["added_at"], t["title"]))
    when = "" if r.minute is None else f"{_days(r.days)} about {clock(r.minute)}"
    expected = r.next_at.replace(tzinfo=zone).astimezone(UTC) if r.next_at else None
    said = _holds_said(r) if r.holds else f"Forming: {r.missing}."
    proved = r.holds and r.occasions >= LEARNED_N and r.low >= LEARNED_LOW
    standing = "learned" if proved else "routine" if r.holds else "forming"
    shares = (r.hit_rate, r.low, r.base_rate)
    return Pattern(clean(newest["title"]), newest["category"], standing, when, r.events, r.found, r.n, r.occasions, *shares, expected, said, kind=r.key)


def _named(patterns: Iterable[Pattern]) -> tuple[Pattern, ...]:
    """With ids that stay when the hour moves by minutes: kind, days, and the how manieth of these it is by the clock."""
    found = list(patterns)
    rank: Counter[tuple[str, str]] = Counter()
    ids = {}
    for place in sorted(range(len(found)), key=lambda i: found[i].when):
        own = (found[place].kind, found[place].when.split(" about ")[0])
        ids[place] = hashlib.sha256(repr((*own, rank[own])).encode()).hexdigest()[:8]
        rank[own] += 1
    return tuple(replace(p, id=ids[i]) for i, p in enumerate(found))


def _days(days: tuple[int, ...]) -> str:
    return {EVERY_DAY: "Every day", WORKDAYS: "Workdays"}.get(days) or DAYS[days[0]]


def _holds_said(r: Routine) -> str:
    return (
        f"Found on {plural(r.found, 'day')}; after that it came on {r.n} of {r.occasions} ({r.hit_rate:.0%}, at least {r.low:.0%}); "
        f"guessing hits {r.base_rate:.0%}."
    )


def _summary(patterns: Sequence[Pattern], events: str, weeks: int) -> str:
    holding = [p for p in patterns if p.standing != "forming"]
    history = f"{events} in {plural(weeks, 'week')}"
    if holding:
        return f"{plural(len(holding), 'routine')}, {len(patterns) - len(holding)} forming ({history})"
    if patterns:
        return f"no routine yet, {len(patterns)} forming ({history})"
    return (
        f"no routine yet ({history}; a routine needs {LEAST} of the same)" if not events.startswith("0 ") else "no routine yet (no task was added by a person)"
    )


def added(reader: Reader, *, now: datetime) -> list[Row]:
    """The tasks that persons added in the HISTORY before `now`: `title`, `category` and `added_at` (aware UTC)."""
    return reader.rows("pattern_learner.added", since=now - HISTORY, until=now)


def stats_of(learned: Learned) -> dict[str, Any]:
    """The counts of `learned`; `hit_rate` and `base_rate` are over all occasions of its routines, None without one."""
    holding = learned.routines
    occasions, hits = sum(p.occasions for p in holding), sum(p.n for p in holding)
    return {
        "said": learned.said,
        "tasks": learned.tasks,
        "weeks": learned.weeks,
        "kinds": learned.kinds,
        "routines": len(holding),
        "forming": len(learned.patterns) - len(holding),
        "hits": hits,
        "occasions": occasions,
        "hit_rate": hits / occasions if occasions else None,
        "base_rate": sum(p.base_rate * p.occasions for p in holding) / occasions if occasions else None,
    }
