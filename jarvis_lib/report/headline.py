"""Was it a good night, in 90 characters? The worst thing comes first, then the result; numbers, no adjectives."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from jarvis_lib.model.prose import clean, hours, plural, seconds, shorten
from jarvis_lib.report.clock import when
from jarvis_lib.report.coverage import Coverage
from jarvis_lib.report.parts import RanRow
from jarvis_lib.report.proof import SAID

LIMIT = 90
TITLES = (34, 24, 16)
"""How long the title in a headline may be, tried in this order."""
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Night:
    """What the headline is made from. `room` is the sentence about the coming night."""

    cover: Coverage
    shipped: Sequence[RanRow]
    undone: int
    not_shipped: Sequence[RanRow]
    due: dict[str, datetime]
    running: int
    fixed: int
    fixes_failed: int
    needs: int
    escalated: int
    queued: int
    asleep_s: float
    room: str

    @property
    def tried(self) -> int:
        """How many tasks had an attempt that ended."""
        return len(self.shipped) + len(self.not_shipped)

    @property
    def good(self) -> bool:
        """More shipped than not, and the session did not break."""
        return self.cover.state in ("finished", "running") and len(self.shipped) > len(self.not_shipped) and not self.escalated


def headline(night: Night, zone: ZoneInfo) -> str:
    """The headline, at most LIMIT characters: a lead, then as many further clauses as fit whole."""
    lead, *more = _clauses(night, zone)
    said = shorten(lead[0], LIMIT)
    for forms in more:
        said += next((f"; {form}" for form in forms if len(said) + len(form) + 2 <= LIMIT), "")
    return said


def _clauses(night: Night, zone: ZoneInfo) -> list[list[str]]:
    """The lead and what follows it; each clause in all its forms, the longest first."""
    lead, rest = _lead(night, zone)
    failures = [_failure(night, zone, width) for width in TITLES if night.not_shipped]
    return [[lead], *(forms for forms in ([rest], failures, [_fixes(night)], [_waiting(night)]) if any(forms))]


def _lead(night: Night, zone: ZoneInfo) -> tuple[str, str]:
    """The first clause, and the one that must stand right after it (or nothing)."""
    state, newest = night.cover.state, night.cover.newest
    escalated = f"{plural(night.escalated, 'task')} stopped and escalated" if night.escalated else ""
    if newest is None:
        return _no_session(night), escalated
    since = when(newest["opened_at"], zone, now=night.cover.until)
    if state == "running":
        return f"Partial: {_built(night)} so far, the session runs until {when(newest['deadline'], zone, now=night.cover.until)}", escalated
    if state in ("died", "failed"):
        return f"The session{'' if night.tried else f' of {since}'} {state}; {_built(night)}", escalated
    told = _built(night) if night.tried else f"Nothing ran: {_why_nothing(night)}"
    return (escalated, told) if escalated else (told, "")


def _built(night: Night) -> str:
    if not night.tried:
        return "no build was tried"
    return f"{len(night.shipped):,} of {plural(night.tried, 'build')} shipped"


def _failure(night: Night, zone: ZoneInfo, width: int) -> str:
    """The worst thing: what is due soonest among the builds that did not ship, else the one that failed, else how many."""
    bad = sorted(night.not_shipped, key=lambda r: (r.task not in night.due, night.due.get(r.task, night.cover.until), r.title))
    first = bad[0]
    said = f"“{shorten(first.title, width)}” {SAID.get(first.status.word, first.status.word)}"
    if first.task in night.due:
        due = night.due[first.task]
        return f"{said} and {'was' if due < night.cover.until else 'is'} due {when(due, zone, now=night.cover.until)}"
    return said if len(bad) == 1 else f"{len(bad)} did not, “{shorten(first.title, width)}” first"


def _fixes(night: Night) -> str:
    if night.fixes_failed:
        return f"{plural(night.fixes_failed, 'fix', 'fixes')} failed"
    return f"{plural(night.fixed, 'problem')} fixed and re-checked" if night.fixed else ""


def _waiting(night: Night) -> str:
    return f"{night.needs} {'needs' if night.needs == 1 else 'need'} you" if night.needs else ""


def _no_session(night: Night) -> str:
    if not night.queued and not night.needs:
        return f"Nothing was queued. {night.room}"
    return f"No session ran since the last brief; {plural(night.queued, 'task')} {'is' if night.queued == 1 else 'are'} queued"


def _why_nothing(night: Night) -> str:
    newest = night.cover.newest or {}
    length = ((newest.get("closed_at") or night.cover.until) - newest["opened_at"]) / timedelta(seconds=1) if newest else 0
    if night.asleep_s > length / 2 > 0:
        return f"the machine slept for {seconds(night.asleep_s)}"
    if not night.queued:
        return "no task was approved for the night" if night.needs else "nothing was queued"
    return shorten(clean(str(newest.get("said", ""))).removeprefix("it ended because ") or f"{plural(night.queued, 'task')} wait", 60)


def line(night: Night) -> str:
    """The one line under the headline: accepted and shipped, time against plan, fixes, what waits."""
    if not night.tried:
        told = [s for s in (f"{plural(night.queued, 'task')} queued" if night.queued else "", _fixes(night), _waiting(night)) if s]
        tail = "" if night.cover.newest is None and night.room in _no_session(night) else night.room
        return " ".join([*(f"{s[0].upper()}{s[1:]}." for s in told), tail]).strip()
    accepted = sum(r.accepted == "accepted" for r in night.shipped)
    took, planned = sum(r.seconds for r in night.shipped), sum(r.planned_hours for r in night.shipped)
    said = []
    if night.shipped:
        verb = "is" if accepted == 1 else "are"
        said.append(f"{accepted} of {len(night.shipped)} shipped {verb} accepted; they ran {seconds(took)}, planned {hours(planned)}.")
    if night.undone:
        said.append(f"{plural(night.undone, 'build')} shipped and then undone.")
    said += [f"{s[0].upper()}{s[1:]}." for s in (_fixes(night), _waiting(night)) if s]
    return " ".join(said)
