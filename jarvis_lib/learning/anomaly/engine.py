"""What do the readings say so far? One series, read in blocks: what is usual is learned at the start of a block and stands until its end.

Where blocks end depends on the number of readings alone. So a series read at once, in pieces or row by row gives the same answers, and a row is
judged by nothing that comes after it.
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
BLOCK_LEAST, BLOCK_MOST, GROWTH = 4, 64, 16
"""A block is a sixteenth of what was read, within these rows and within a quarter of a day. Tails are fitted anew when a sixteenth was added."""
LEVEL_DAYS = 4
LEVEL_ROWS, DAY_ROWS = (150, 3000), (24, 1500)
"""Least and most rows of the medians over LEVEL_DAYS and over one day."""
CLIP = 6.0
"""One score alone says no more than this about how rare a peak is."""
RANKING, ALARMING = [SIGNED.index(n) for n in ("value", "season", "shift")], [SIGNED.index(n) for n in ("value", "season", "level")]
BOOSTED = SIGNED.index("boosted")
# rows of the log
SECONDS, WALL, VALUE, GAP, RUN, RARE, SPOKE, OTHERS, RAW = range(9)


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
        self._log = Rows(RAW + len(SIGNED), PAST)
        self._count = self._until = self._refit_at = 0
        self._began_s, self._step_s = 0.0, np.nan
        self._season, self._still = Season(), Stillness()
        self._tails = Tails([np.empty(0) for _ in SIGNED])
        self._boosted = Boosted(seed) if boosted else None
        self._boost = 0.0
        self._level = self._day = np.nan
        self._back = BACK_LEAST
        self._learned = 0
        self._incidents = Incidents(budget_per_week, feedback)

    def take(self, seconds: Floats, wall: Floats, values: Floats) -> Block:
        """The answers for these rows; at least one."""
        parts = []
        done = 0
        while done < len(values):
            if self._count == self._until:
                self._learn()
            rows = slice(done, done + min(self._until - self._count, len(values) - done))
            parts.append(self._judge(seconds[rows], wall[rows], values[rows]))
            done = rows.stop
        return Block(
            np.concatenate([p.score for p in parts]),
            np.concatenate([p.alarm for p in parts]),
            np.concatenate([p.pvalues for p in parts], axis=1),
            np.concatenate([p.raw for p in parts], axis=1),
        )

    def _learn(self) -> None:
        """A block ends here: what is usual now?"""
        new = self._count - self._learned
        self._learned = self._count
        day = BLOCK_LEAST
        if self._count:
            day = self._learn_usual(self._log.last(new + 1), new)
        self._until = self._count + int(np.clip(self._count // GROWTH, BLOCK_LEAST, min(BLOCK_MOST, max(BLOCK_LEAST, day // 4))))
        self._back = int(np.clip(BACK_SHARE * self._count, BACK_LEAST, BACK_MOST))
        if self._count >= max(LEAST, self._refit_at):
            past = self._log.last(PAST)
            self._tails = Tails(list(past[RAW:]))
            self._refit_at = self._count + max(BLOCK_LEAST, self._count // GROWTH)

    def _learn_usual(self, newest: Floats, new: int) -> int:
        """Levels, times of the day, runs and gaps; returns the rows of a day."""
        self._still.learn(newest[RUN], newest[GAP, -new:])
        steps = self._log.last(STEPS)[GAP]
        known = steps[np.isfinite(steps)]
        self._step_s = float(np.median(known)) if len(known) else np.nan
        day = max(round(DAY_S / self._step_s), BLOCK_LEAST) if known.size else BLOCK_LEAST
        self._level = float(np.median(self._log.last(int(np.clip(LEVEL_DAYS * day, *LEVEL_ROWS)))[VALUE]))
        self._day = float(np.median(self._log.last(int(np.clip(day, *DAY_ROWS)))[VALUE]))
        if known.size:
            past = self._log.last(PAST)
            if not self._season.fit_to(self._step_s, past[WALL], past[VALUE]):
                self._season.learn(newest[WALL, -new:], newest[VALUE, -new:])
        if self._boosted is not None:
            past = self._log.last(NEWEST + CONTEXT)
            self._boosted.fit(past[VALUE], past[WALL], readings=self._count, day=day)
            self._boost = confirmed(past[SPOKE], past[OTHERS])
        return day

    def _judge(self, seconds: Floats, wall: Floats, values: Floats) -> Block:
        rows = len(values)
        context = self._log.last(CONTEXT)
        if not self._count:
            self._began_s = float(seconds[0])
        log = np.zeros((RAW + len(SIGNED), rows))
        log[SECONDS], log[WALL], log[VALUE] = seconds, wall, values
        log[GAP] = np.diff(seconds, prepend=context[SECONDS, -1:] if self._count else np.nan)
        log[RUN], still_s = self._still.of(seconds, values)
        log[RAW:] = self._raw(wall, values, context)
        evidence = self._tails.evidence(log[RAW:])
        body, rare = evidence[BODY], (np.minimum(evidence[SHOULDER], CLIP) + np.minimum(evidence[PEAK], CLIP)) / 2
        plain = sum(body[j] for j in ALARMING)
        mean = (plain + self._boost * body[BOOSTED]) / (len(ALARMING) + self._boost)
        log[RARE] = (sum(rare[j] for j in RANKING) + self._boost * rare[BOOSTED]) / (len(RANKING) + self._boost)
        log[SPOKE], log[OTHERS] = body[BOOSTED], plain / len(ALARMING)
        still = self._still.evidence(log[RUN], log[GAP], step_s=self._step_s, readings=self._count)
        if self._count < LEAST:
            still[:] = 0.0
        named = dict(zip((*SIGNED, "flat", "gap"), (*body, *still), strict=True))
        pvalues = 10.0 ** -np.stack([named[n] for n in NAMES])
        score, alarm = self._incidents.judge(
            log[RARE],
            np.maximum(mean, still.max(axis=0)),
            pvalues,
            before=self._log.last(self._back)[RARE],
            back=self._back,
            first_row=self._count,
            seconds=seconds,
            began_s=self._began_s,
            line=self._incidents.line(self._step_s if np.isfinite(self._step_s) else DAY_S),
        )
        raw = dict(zip((*SIGNED, "flat", "gap"), (*log[RAW:], still_s, log[GAP]), strict=True))
        raw["value"] = values - self._level
        self._log.append(log)
        self._count += rows
        return Block(score, alarm, pvalues, np.stack([raw[n] for n in NAMES]))

    def _raw(self, wall: Floats, values: Floats, context: Floats) -> Floats:
        """(score, row) of SIGNED."""
        rows = len(values)
        with_past = np.concatenate([context[VALUE], values])
        usual = self._season.usual(wall, self._day) if self._season.ready else np.full(rows, self._day)
        found = {
            "value": values,
            "season": values - usual,
            "level": values - self._level,
            "shift": moved(with_past, rows),
            "jump": np.diff(values, prepend=context[VALUE, -1:] if self._count else np.nan),
            "boosted": np.full(rows, np.nan),
        }
        if self._boosted is not None:
            found["boosted"] = self._boosted.errors(with_past, np.concatenate([context[WALL], wall]), rows)
        return np.stack([found[n] for n in SIGNED])
