"""Which stretches of time are taken, and by what kind of entry? Values, and how many of them become few."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from jarvis_lib.model.prose import listed, plural, shorten

MOST_SPANS = 4_000
LONGEST_TITLE = 120


class NotACalendar(Exception):
    """The bytes are no calendar; the text says what they are, as the end of a sentence that begins with the source's name."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a reading should give: spans that meet [begin, end), and what the person allows and is called."""

    begin: datetime
    end: datetime
    zone: ZoneInfo
    titles: bool = False
    busy_all_day: bool = False
    emails: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Span:
    """What an entry takes, in seconds since 1970. `kind` is busy, tentative or away; `uid` is a hash; `title` is empty unless it is allowed."""

    start: int
    end: int
    all_day: bool
    kind: str
    uid: str
    title: str


@dataclass(frozen=True, slots=True)
class Reading:
    """What was read: spans that neither touch nor overlap others of their kind, and why events were skipped, with how many."""

    spans: tuple[Span, ...]
    events: int
    skipped: Counter[str]

    def __add__(self, other: "Reading") -> "Reading":
        return Reading(merged([*self.spans, *other.spans]), self.events + other.events, self.skipped + other.skipped)

    @property
    def said(self) -> str:
        """How many events were read, and how many were skipped for which reasons, as one phrase."""
        why = listed([f"{count:,} {reason}" for reason, count in sorted(self.skipped.items())])
        return plural(self.events, "event") + (f", {self.skipped.total():,} skipped: {why}" if self.skipped else "")


def merged(spans: Iterable[Span]) -> tuple[Span, ...]:
    """The spans with those of one kind that touch made one; with more than MOST_SPANS, gaps are closed from one minute up until they fit."""
    found, gap = _merged(sorted(spans, key=lambda s: (s.kind, s.all_day, s.start, s.end, s.title)), 0), 60
    while len(found) > MOST_SPANS:
        found, gap = _merged(found, gap), gap * 2
    return tuple(sorted(found, key=lambda s: (s.start, s.end, s.kind)))


def _merged(spans: Sequence[Span], gap: int) -> list[Span]:
    done: list[Span] = []
    for s in spans:
        last = done[-1] if done else None
        if last and (last.kind, last.all_day) == (s.kind, s.all_day) and s.start <= last.end + gap:
            titles = last.title if s.title in ("", last.title) or s.title in last.title.split("; ") else f"{last.title}; {s.title}".removeprefix("; ")
            done[-1] = Span(last.start, max(last.end, s.end), s.all_day, s.kind, last.uid, shorten(titles, LONGEST_TITLE))
        else:
            done.append(s)
    return done
