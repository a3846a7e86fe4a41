"""Which days are the weekend, and which of its hours are free? From the person's own weekend window, in real hours.

The weekend is a run of neighbouring days in `[windows.weekend] days` (Saturday and Sunday unless changed). Its key is its first day.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from jarvis_lib.model.fact import Refused
from jarvis_lib.model.window import DAYS, NO_CUTS, Cuts, Window, WindowRule, occurrence, occurrences

DAY = timedelta(days=1)
KIND = "weekend"


@dataclass(frozen=True, slots=True)
class Weekend:
    """One weekend: its local days, when it begins and ends (aware UTC), when its work should be done, and what of its windows is to come.

    `spans` are the free parts of its windows from the moment that was asked about; `whole_h` are the hours without the calendar's cuts.
    """

    first: date
    last: date
    begins: datetime
    ends: datetime
    finish_by: datetime
    whole_h: float
    spans: tuple[Window, ...]

    @property
    def key(self) -> str:
        """Its first day, as YYYY-MM-DD."""
        return self.first.isoformat()

    @property
    def free_h(self) -> float:
        """Real hours that its windows have left."""
        return sum(w.hours for w in self.spans)

    def said(self) -> str:
        """`28-29 Nov`, `31 Oct to 1 Nov`, `28 Nov`."""
        if self.first == self.last:
            return f"{self.first.day} {self.first:%b}"
        if self.first.month == self.last.month:
            return f"{self.first.day}-{self.last.day} {self.last:%b}"
        return f"{self.first.day} {self.first:%b} to {self.last.day} {self.last:%b}"


def rule_of(rules: Sequence[WindowRule]) -> WindowRule:
    """The weekend's window rule. Refuses when it is switched off, because then there are no hours to fill."""
    rule = next(r for r in rules if r.kind == KIND)
    if not rule.on or not rule.days:
        raise Refused("The weekend window is switched off, so there is no weekend to plan; see [windows.weekend] in jarvis.toml.")
    return rule


def weekend_at(rules: Sequence[WindowRule], zone: ZoneInfo, now: datetime, finish_by: time, cuts: Cuts = NO_CUTS) -> Weekend:
    """The weekend that is on at `now`, or the next one."""
    rule = rule_of(rules)
    today = now.astimezone(zone).date()
    runs = (_run(rule, today + n * DAY) for n in range(-8, 9) if _starts(rule, today + n * DAY))
    first, last = next((a, b) for a, b in runs if _over(rule, b, zone) > now)
    return _weekend(rules, rule, first, last, zone, now, finish_by, cuts)


def weekend_of(rules: Sequence[WindowRule], zone: ZoneInfo, key: str, now: datetime, finish_by: time, cuts: Cuts = NO_CUTS) -> Weekend:
    """The weekend with this key, as it stands at `now`."""
    rule = rule_of(rules)
    return _weekend(rules, rule, *_run(rule, date.fromisoformat(key)), zone, now, finish_by, cuts)


def weekend_before(rules: Sequence[WindowRule], zone: ZoneInfo, now: datetime, finish_by: time) -> Weekend:
    """The weekend that is on at `now`, or the last one."""
    rule = rule_of(rules)
    today = now.astimezone(zone).date()
    first, last = next(_run(rule, today - n * DAY) for n in range(9) if _starts(rule, today - n * DAY))
    return _weekend(rules, rule, first, last, zone, now, finish_by, NO_CUTS)


def _starts(rule: WindowRule, day: date) -> bool:
    own = day.weekday()
    return own in rule.days and ((own - 1) % 7 not in rule.days or (len(rule.days) == len(DAYS) and own == 0))


def _run(rule: WindowRule, first: date) -> tuple[date, date]:
    last = first
    while (last + DAY).weekday() in rule.days and (last - first).days < len(DAYS) - 1:
        last += DAY
    return first, last


def _over(rule: WindowRule, last: date, zone: ZoneInfo) -> datetime:
    """When the weekend is over: its last day, or the end of the window that began on it."""
    return max(datetime.combine(last + DAY, time(0), zone).astimezone(UTC), occurrence(rule, last, zone).end)


def _weekend(rules: Sequence[WindowRule], rule: WindowRule, first: date, last: date, zone: ZoneInfo, now: datetime, finish_by: time, cuts: Cuts) -> Weekend:
    begins = datetime.combine(first, time(0), zone).astimezone(UTC)
    ends = _over(rule, last, zone)
    by = datetime.combine(last, finish_by, zone).astimezone(UTC)
    if by <= occurrence(rule, last, zone).start:
        by = datetime.combine(last + DAY, finish_by, zone).astimezone(UTC)
    days = {first + n * DAY for n in range((last - first).days + 1)}
    whole = [w for w in occurrences(rules, zone, begins, ends) if w.kind == KIND and w.day in days]
    coming = [w for w in occurrences(rules, zone, max(begins, now), ends, cuts) if w.kind == KIND and w.day in days] if now < ends else []
    spans = tuple(Window(w.kind, w.day, max(w.start, now), w.end, w.longest_h) for w in coming if w.end > now)
    return Weekend(first, last, begins, ends, by, sum(w.hours for w in whole), spans)
