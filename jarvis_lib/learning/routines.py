"""What comes again at the same hour of the same days, and does it hold on days that were not used to find it?

Each kind's history is cut in half. The earlier half proposes hour and days; the later half alone says how often that came true and how
often a guess would have. Times are local clock times without a zone, so a clock change moves no routine. Order does not matter.
"""

from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import accumulate
from math import exp, sqrt
from statistics import NormalDist

from jarvis_lib.model.prose import plural

HISTORY = timedelta(weeks=52)
"""What is older does not count."""
LEAST = 4
"""Days on which a thing must have come in the earlier half, and again, as expected, in the later one."""
MOSTLY = 0.5
"""A routine comes on at least this share of its days, in either half."""
SILENT = 4
"""A routine that did not come on so many of its newest days in a row has ended."""
DOUBT = 0.025
"""Chance that a lower bound is too high: one side of a 95 % interval. Several proposals of one kind share it (Bonferroni)."""
TOLERANCE = 60
"""Minutes before and after its hour in which a routine counts as on time."""
REACH = 45
"""Minutes between neighbours of one cluster of times of day."""
AROUND = 240
"""A guess that knows the days and only roughly the hour spreads over this many minutes before and after."""
DAY = 24 * 60
EVERY_DAY, WORKDAYS = tuple(range(7)), tuple(range(5))

Event = tuple[str, datetime]
"""What kind of thing came, and when on the local clock (no zone)."""


@dataclass(frozen=True, slots=True)
class Routine:
    """A kind with its days (0 = Monday) and minute of the day, as far as the earlier half tells; `missing` is empty when it holds.

    `events` counts all, `found` the days of the earlier half. Of the later half: it came on `n` of `occasions`; `low` is Wilson's lower
    bound of that share and `base_rate` what guessing hits. `next_at` is the next expected local time, only when it holds.
    """

    key: str
    events: int
    last_at: datetime
    days: tuple[int, ...] = ()
    minute: int | None = None
    found: int = 0
    n: int = 0
    occasions: int = 0
    low: float = 0.0
    base_rate: float = 0.0
    next_at: datetime | None = None
    missing: str = ""

    @property
    def holds(self) -> bool:
        """Whether nothing is missing."""
        return not self.missing

    @property
    def hit_rate(self) -> float:
        """Hits among its occasions, in [0, 1]; 0 without any."""
        return self.n / self.occasions if self.occasions else 0.0


@dataclass(frozen=True, slots=True)
class _History:
    """One kind's sorted times, cut between the middle two: the earlier half ends there, and the later one goes on to `now`."""

    key: str
    times: tuple[datetime, ...]
    now: datetime

    @property
    def cut(self) -> datetime:
        middle = len(self.times) // 2
        return self.times[middle - 1] + (self.times[middle] - self.times[middle - 1]) / 2

    @property
    def earlier(self) -> tuple[datetime, ...]:
        return self.times[: len(self.times) // 2]

    def before(self, days: Sequence[int], minute: int) -> list[date]:
        """The dates of the earlier half on which it could have come, from the first time on that it came at this hour."""
        first = next((t for t in self.times if abs(_off(_minute(t), minute)) <= TOLERANCE), self.cut)
        return list(_occasions(days, minute, first - timedelta(minutes=2 * TOLERANCE), self.cut))

    def after(self, days: Sequence[int], minute: int) -> list[date]:
        """The dates of the later half on which it could have come."""
        return list(_occasions(days, minute, self.cut, self.now))


def routines(events: Iterable[Event], *, now: datetime) -> list[Routine]:
    """Every kind that came at least LEAST times in the HISTORY before `now` (local, no zone): those that hold first, then those forming.

    Reads only what came by `now`, and loads nothing heavy.
    """
    histories = _histories(events, now)
    hours = _hours({h.key: h.earlier for h in histories if len({t.date() for t in h.earlier}) >= LEAST})
    found = [r for h in histories for r in _judged(h, hours.get(h.key, []))]
    return sorted(found, key=lambda r: (not r.holds, -r.n, -r.events, r.key, r.days, r.minute or 0))


def wilson_low(hits: int, of: int, *, doubt: float = DOUBT) -> float:
    """Lower bound of a share of `hits` in `of` tries, too high with a chance of about `doubt`; 0 without a try.

    E. B. Wilson, "Probable inference, the law of succession, and statistical inference", Journal of the American Statistical
    Association 22 (1927), 209-212: (p + z²/2n - z sqrt(p(1-p)/n + z²/4n²)) / (1 + z²/n).
    """
    if of == 0:
        return 0.0
    p, z = hits / of, NormalDist().inv_cdf(1 - doubt)
    low = (p + z * z / (2 * of) - z * sqrt(p * (1 - p) / of + z * z / (4 * of * of))) / (1 + z * z / of)
    return max(low, 0.0)


def _histories(events: Iterable[Event], now: datetime) -> list[_History]:
    times: dict[str, list[datetime]] = defaultdict(list)
    for key, at in events:
        if now - HISTORY < at <= now:
            times[key].append(at)
    return [_History(key, tuple(sorted(own)), now) for key, own in sorted(times.items()) if len(own) >= LEAST]


# --- at which hours ------------------------------------------------------------------------------------------------------


def _hours(times: dict[str, Sequence[datetime]]) -> dict[str, list[int]]:
    """For each key the minutes of the day around which its times gather, the fullest first, none within reach of another."""
    found = {}
    for key, own in times.items():
        counts = Counter(_minute(t) for t in {t.replace(second=0, microsecond=0) for t in own})
        found[key] = _apart([_centre(cluster) for cluster in _clusters(counts)])
    return found


def _clusters(counts: Counter[int]) -> list[dict[int, int]]:
    """DBSCAN on the circle of the day: a minute with LEAST times within REACH is a core, neighbouring cores are one cluster, and what lies
    within REACH of a core belongs to it (M. Ester and others, "A density-based algorithm for discovering clusters", KDD 1996)."""
    points = sorted(counts)
    round_it = [m + by for by in (-DAY, 0, DAY) for m in points]
    sums = [0, *accumulate([counts[m] for m in points] * 3)]
    cores = [m for m in points if sums[bisect_right(round_it, m + REACH)] - sums[bisect_left(round_it, m - REACH)] >= LEAST]
    if not cores:
        return []
    groups = [[cores[0]]]
    for core in cores[1:]:
        if core - groups[-1][-1] <= REACH:
            groups[-1].append(core)
        else:
            groups.append([core])
    if len(groups) > 1 and groups[0][0] + DAY - groups[-1][-1] <= REACH:
        groups[0] = groups.pop() + groups[0]
    owner = {core: i for i, group in enumerate(groups) for core in group}
    clusters: list[dict[int, int]] = [{} for _ in groups]
    for minute in points:
        near = next((m % DAY for by in range(REACH + 1) for m in (minute - by, minute + by) if m % DAY in owner), None)
        if near is not None:
            clusters[owner[near]][minute] = counts[minute]
    return clusters


def _centre(cluster: dict[int, int]) -> tuple[int, int]:
    """(how much lies there, the mean minute of it) at the fullest place of a cluster; a long thin cluster has one such place too."""
    near = {m: [o for by in range(-TOLERANCE, TOLERANCE + 1) if (o := (m + by) % DAY) in cluster] for m in cluster}
    weight = {m: sum(cluster[o] for o in own) for m, own in near.items()}
    best = min(cluster, key=lambda m: (-weight[m], sum(cluster[o] * abs(_off(o, m)) for o in near[m]), m))
    return weight[best], (best + round(sum(cluster[o] * _off(o, best) for o in near[best]) / weight[best])) % DAY


def _apart(centres: Sequence[tuple[int, int]]) -> list[int]:
    """The fullest centres whose windows do not meet, so that one time never counts twice."""
    kept: list[int] = []
    for _, minute in sorted(centres, key=lambda c: (-c[0], c[1])):
        if all(abs(_off(minute, other)) > 2 * TOLERANCE for other in kept):
            kept.append(minute)
    return kept


def _minute(at: datetime) -> int:
    return at.hour * 60 + at.minute


def _off(minute: int, centre: int) -> int:
    """Minutes from `centre` to `minute` on the shorter way round, -720 to 719."""
    return (minute - centre + DAY // 2) % DAY - DAY // 2


# --- on which days, and does it hold -------------------------------------------------------------------------------------


def _judged(history: _History, hours: Sequence[int]) -> list[Routine]:
    """The routines of a kind that the earlier half proposes, checked; or one entry that says why there is none."""
    proposed = [(days, minute) for minute in hours for days in _days(history, minute)]
    if proposed:
        return [_checked(history, days, minute, doubt=DOUBT / len(proposed)) for days, minute in proposed]
    came = len({t.date() for t in history.earlier})
    if came < LEAST:
        missing = f"it came on {plural(came, 'day')} of its earlier half; {LEAST} are needed to find its hour"
    elif not hours:
        missing = "it came at no common time of day"
    else:
        missing = f"it came about {clock(hours[0])}, but on no day of the week {LEAST} times and more often than not"
    return [Routine(history.key, len(history.times), history.times[-1], missing=missing)]


def _days(history: _History, minute: int) -> Iterator[tuple[int, ...]]:
    """The days that the earlier half proposes for this hour: all seven, Monday to Friday, or single ones."""
    offered = history.before(EVERY_DAY, minute)
    came = _came(history.earlier, minute).keys() & set(offered)
    of, hits = Counter(d.weekday() for d in offered), Counter(d.weekday() for d in came)
    mostly = tuple(d for d in EVERY_DAY if of[d] and hits[d] / of[d] >= MOSTLY)
    if mostly in (EVERY_DAY, WORKDAYS):
        yield from [mostly] if len(came) >= LEAST else []
    else:
        yield from ((d,) for d in mostly if hits[d] >= LEAST)


def _checked(history: _History, days: tuple[int, ...], minute: int, *, doubt: float) -> Routine:
    """What the later half says about this proposal."""
    came = _came(history.times, minute)
    earlier = set(history.before(days, minute))
    later = history.after(days, minute)
    n = len(came.keys() & set(later))
    low, guess = wilson_low(n, len(later), doubt=doubt), _guess(history, days, minute, later)
    missing = _missing(n, len(later), low, guess) or _ended(later, came.keys())
    expected = None if missing else _next(days, minute, set(came), now=history.now)
    found = len(came.keys() & earlier)
    return Routine(history.key, len(history.times), history.times[-1], days, minute, found, n, len(later), low, guess, expected, missing)


def _missing(n: int, occasions: int, low: float, guess: float) -> str:
    """What keeps a proposal from being a routine, or an empty string."""
    if occasions and n / occasions < MOSTLY:
        return f"it came on only {n} of the {occasions} days after that"
    if n < LEAST:
        return f"it came on {n} of the {occasions} days after that; {LEAST} are needed to check it"
    if low <= guess:
        return f"it came on {n} of {occasions} days after that, at least {low:.0%}; guessing hits {guess:.0%}"
    return ""


def _ended(later: Sequence[date], came: Collection[date]) -> str:
    """What says that it is over, or an empty string."""
    silent = next((n for n, day in enumerate(reversed(later)) if day in came), len(later))
    return f"it did not come on its newest {silent} days" if silent >= SILENT else ""


def _guess(history: _History, days: tuple[int, ...], minute: int, later: Sequence[date]) -> float:
    """What guessing hits: the same hour on the other days, or another hour of the same days, whichever is better.

    The second knows how often it came around the hour, not when: as often as within AROUND, spread evenly over it, or as in the fuller
    of the two hours beside the window. Chance puts at least one into the window with 1 - exp(-what is expected there) (Poisson).
    """
    others = history.after([d for d in EVERY_DAY if d not in days], minute)
    elsewhere = len(_came(history.times, minute).keys() & set(others)) / len(others) if others else 0.0
    same = [*history.before(days, minute), *later]
    wide = _most(history, minute, same, AROUND) * TOLERANCE / AROUND
    beside = [2 * _most(history, (minute + side * 3 * TOLERANCE // 2) % DAY, same, TOLERANCE // 2) for side in (-1, 1)]
    return max(elsewhere, 1 - exp(-max(wide, *beside)))


def _most(history: _History, minute: int, days: Sequence[date], within: int) -> float:
    """How much came `within` these minutes of the hour for each of the days, with one standard error in its favour."""
    came = _came(history.times, minute, within)
    total = sum(came[d] for d in days)
    return (total + sqrt(total)) / len(days) if days else 0.0


def _came(times: Iterable[datetime], minute: int, within: int = TOLERANCE) -> Counter[date]:
    """How often it came on time for each day; shortly after midnight can be late on the day before."""
    offsets = ((t, _off(_minute(t), minute)) for t in times)
    return Counter((t - timedelta(minutes=by)).date() for t, by in offsets if abs(by) <= within)


def _occasions(days: Sequence[int], minute: int, begin: datetime, end: datetime) -> Iterator[date]:
    """The dates on which the whole window of the routine lies in [begin, end]."""
    at, reach = time(*divmod(minute, 60)), timedelta(minutes=TOLERANCE)
    for ordinal in range(begin.toordinal() - 1, end.toordinal() + 2):
        day = date.fromordinal(ordinal)
        if day.weekday() in days and begin <= datetime.combine(day, at) - reach and datetime.combine(day, at) + reach <= end:
            yield day


def _next(days: Sequence[int], minute: int, came: set[date], *, now: datetime) -> datetime:
    """The first occasion whose window is not over and on which it has not come yet."""
    at, reach = time(*divmod(minute, 60)), timedelta(minutes=TOLERANCE)
    coming = (now.date() + timedelta(days=n) for n in range(-1, 15))
    return next(datetime.combine(d, at) for d in coming if d.weekday() in days and d not in came and datetime.combine(d, at) + reach > now)


def clock(minute: int) -> str:
    """`09:05`."""
    return f"{minute // 60:02d}:{minute % 60:02d}"
