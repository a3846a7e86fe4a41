"""What do the readings say so far? One series, read in steps; what is usual is learned at fixed numbers of readings and stands until the next.

Where that happens depends on the number of readings alone. So a series read at once, in pieces or row by row gives the same answers, and a row
is judged by nothing that comes after it.
"""

from dataclasses import dataclass

import numpy as np

from jarvis_lib.learning.anomaly.boosting import NEWEST, Boosted, confirmed
from jarvis_lib.learning.anomaly.feedback import Feedback
from jarvis_lib.learning.anomaly.incidents import BACK_LEAST, BACK_MOST, BACK_SHARE, Incidents
from jarvis_lib.learning.anomaly.readings import Bools, Floats, Rows
from jarvis_lib.learning.anomaly.scores import CONTEXT, DAY_S, NAMES, SIGNED, Season, Stillness, moved
from jarvis_lib.learning.anomaly.tails import BODY, LEAST, PEAK, SHOULDER, Tails

PAST = 20_000
"""Readings that are remembered; older ones are no past any more."""
STEPS = 200
"""The usual step is the median of so many newest ones."""
GROWTH, EPOCH_LEAST, EPOCH_MOST = 16, 4, 1000
"""Tails are fitted anew when a sixteenth of the readings was added, within these rows."""
USUAL_LEAST, USUAL_MOST, USUAL_SHARE = 4, 64, 4
"""Levels and times of the day are learned after a sixteenth too, but at least so often and every quarter of a day."""
LEVEL_DAYS = 4
LEVEL_ROWS, DAY_ROWS = (150, 3000), (24, 1500)
"""Least and most rows of the medians over LEVEL_DAYS and over one day."""
RANKING, ALARMING = ("value", "season", "shift"), ("value", "season", "level")
"""The scores that say how new a row is, and those that say whether a person should hear of it."""
CLIP = 6.0
"""One score alone says no more than this about how rare a peak is."""
SECONDS, WALL, VALUE, GAP, RUN = range(5)
RARE, SPOKE, OTHERS, RAW = range(4)


@dataclass(frozen=True, slots=True)
class Block:
    """Answers for some rows: score, alarm, and (name, row) p-values and raw scores in the order of NAMES."""

    score: Floats
    alarm: Bools
    pvalues: Floats
    raw: Floats


class Engine:
    """Reads usable readings in order and answers for each; see the module."""

    def __init__(self, *, budget_per_week: float, seed: int, feedback: Feedback | None, boosted: bool) -> None:
        self._signed = SIGNED if boosted else tuple(n for n in SIGNED if n != "boosted")
        self._ranking = [self._signed.index(n) for n in (*RANKING, *self._signed[len(SIGNED) - 1 :])]
        self._alarming = [self._signed.index(n) for n in ALARMING]
        self._read = Rows(5, PAST + EPOCH_MOST)
        self._found = Rows(RAW + len(self._signed), PAST)
        self._tails = Tails([np.empty(0)] * len(self._signed))
        self._season, self._still = Season(), Stillness()
        self._boosted, self._boost = (Boosted(seed) if boosted else None), 0.0
        self._level = self._day = self._step_s = self._epoch_step_s = np.nan
        self._epoch = self._epoch_end = self._usual = 0
        self._usual_end = USUAL_LEAST
        self._back, self._line = BACK_LEAST, np.inf
        self._incidents = Incidents(budget_per_week, feedback)
        self._began_s = 0.0

    def take(self, seconds: Floats, wall: Floats, values: Floats) -> Block:
        """The answers for these rows; at least one."""
        parts, done = [], 0
        while done < len(values):
            if self._read.count == self._epoch_end:
                self._fit()
            rows = slice(done, done + min(self._epoch_end - self._read.count, len(values) - done))
            parts.append(self._judge(seconds[rows], wall[rows], values[rows]))
            done = rows.stop
        return Block(
            np.concatenate([p.score for p in parts]),
            np.concatenate([p.alarm for p in parts]),
            np.concatenate([p.pvalues for p in parts], axis=1),
            np.concatenate([p.raw for p in parts], axis=1),
        )

    def _fit(self) -> None:
        """An epoch ends here: how rare are scores now, and what does an alarm need?"""
        count = self._read.count
        if count:
            new = count - self._epoch
            newest = self._read.before(count, new + 1)
            self._still.learn(newest[RUN], newest[GAP, -new:])
        if np.isfinite(self._step_s):
            self._epoch_step_s, self._line = self._step_s, self._incidents.line(self._step_s)
        if count >= LEAST:
            self._tails = Tails(list(self._found.before(count, PAST)[RAW:]))
        if self._boosted is not None:
            past = self._found.before(count, NEWEST)
            self._boost = confirmed(past[SPOKE], past[OTHERS])
        self._back = within(int(BACK_SHARE * count), BACK_LEAST, BACK_MOST)
        self._epoch, self._epoch_end = count, count + within(count // GROWTH, EPOCH_LEAST, EPOCH_MOST)

    def _learn_usual(self, count: int) -> None:
        """Levels and times of the day from the readings before row `count`."""
        new, self._usual = count - self._usual, count
        steps = self._read.before(count, STEPS)[GAP]
        self._step_s = median(steps[np.isfinite(steps)])
        day = max(round(DAY_S / self._step_s), 1)
        self._level = median(self._read.before(count, within(LEVEL_DAYS * day, *LEVEL_ROWS))[VALUE])
        self._day = median(self._read.before(count, within(day, *DAY_ROWS))[VALUE])
        past = self._read.before(count, PAST)
        if not self._season.fit_to(self._step_s, past[WALL], past[VALUE]):
            self._season.learn(past[WALL, -new:], past[VALUE, -new:])
        if self._boosted is not None:
            self._boosted.fit(past[VALUE], past[WALL], readings=count, day=day)
        most = min(USUAL_MOST, max(USUAL_LEAST, day // USUAL_SHARE))
        self._usual_end = count + within(count // GROWTH, USUAL_LEAST, most)

    def _judge(self, seconds: Floats, wall: Floats, values: Floats) -> Block:
        begin = self._read.count
        if not begin:
            self._began_s = float(seconds[0])
        before = self._read.before(begin, 1)
        gap = seconds - np.concatenate([before[SECONDS] if begin else [np.nan], seconds[:-1]])
        run, still_s = self._still.of(seconds, values)
        self._read.append(np.stack([seconds, wall, values, gap, run]))
        raw, level = self._raw(begin, begin + len(values))
        body, rare = self._evidence(raw)
        ranked, told = rare[0] + rare[1] + rare[2], sum(body[j] for j in self._alarming)
        others, spoke = told / len(self._alarming), np.zeros(len(values))
        if self._boosted is not None:
            spoke = body[-1]
            ranked, told = ranked + self._boost * rare[-1], told + self._boost * spoke
        ranked, mean = ranked / (len(RANKING) + self._boost), told / (len(self._alarming) + self._boost)
        still = self._still.evidence(run, gap, step_s=self._epoch_step_s, readings=self._epoch) if self._epoch >= LEAST else np.zeros((2, len(values)))
        pvalues = self._named(10.0**-body, 10.0**-still, otherwise=1.0)
        score, alarm = self._incidents.judge(
            ranked,
            np.maximum(mean, still.max(axis=0)),
            pvalues,
            before=self._found.before(begin, self._back)[RARE],
            back=self._back,
            first_row=begin,
            seconds=seconds,
            began_s=self._began_s,
            line=self._line,
        )
        self._found.append(np.vstack([ranked, spoke, others, raw]))
        shown = self._named(raw, np.stack([still_s, gap]), otherwise=np.nan)
        shown[0] = values - level
        return Block(score, alarm, pvalues, shown)

    def _evidence(self, raw: Floats) -> tuple[Floats, Floats]:
        """For each score how rare it is in the body of its past; and for those that rank, and the boosted one, how new."""
        tails, ranks = self._tails, self._tails.ranks(raw)
        shoulder, peak = (np.minimum(tails.evidence(part, raw, ranks, self._ranking), CLIP) for part in (SHOULDER, PEAK))
        return tails.evidence(BODY, raw, ranks, range(len(raw))), (shoulder + peak) / 2

    def _named(self, signed: Floats, still: Floats, *, otherwise: float) -> Floats:
        """Rows in the order of NAMES."""
        known = dict(zip((*self._signed, "flat", "gap"), (*signed, *still), strict=True))
        return np.stack([known.get(n, np.full(signed.shape[1], otherwise)) for n in NAMES])

    def _raw(self, begin: int, end: int) -> tuple[Floats, Floats]:
        """(score, row) of the readings from row `begin`, and the level of each; what is usual is learned on the way where that is due."""
        usual, level, boosted = (np.full(end - begin, np.nan) for _ in range(3))
        at = begin
        while at < end:
            if at == self._usual_end:
                self._learn_usual(at)
            until = min(end, self._usual_end)
            rows, read = slice(at - begin, until - begin), self._read.before(until, until - at + CONTEXT)
            level[rows] = self._level
            usual[rows] = self._season.usual(read[WALL, at - until :], self._day) if self._season.ready else self._day
            if self._boosted is not None:
                boosted[rows] = self._boosted.errors(read[VALUE], read[WALL], until - at)
            at = until
        read = self._read.before(end, end - begin + CONTEXT)
        values = read[VALUE, begin - end :]
        steps = np.concatenate([[np.nan], read[VALUE, 1:] - read[VALUE, :-1]])[begin - end :]
        found = {
            "value": values,
            "season": values - usual,
            "level": values - level,
            "shift": moved(read[VALUE], end - begin),
            "jump": steps,
            "boosted": boosted,
        }
        return np.stack([found[n] for n in self._signed]), level


def median(values: Floats) -> float:
    """As numpy's, for at least one number, in a third of the time."""
    half = len(values) // 2
    parted = np.partition(values, (half - 1 if half else 0, half))
    return float(parted[half] if len(values) % 2 else 0.5 * (parted[half - 1] + parted[half]))


def within(number: int, least: int, most: int) -> int:
    """The number, or the bound that it goes beyond."""
    return max(least, min(number, most))
