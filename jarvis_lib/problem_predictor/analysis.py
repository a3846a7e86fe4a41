"""What does the past of the metrics say: which will cross their limits, which behave unlike themselves, and how good was what was said before?

Reads samples and rows and writes nothing. A scan takes the quick members of the learners, the night's study all of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from jarvis_lib.model.book import Row
from jarvis_lib.model.metric import KINDS, is_over, limit_of, parts_of
from jarvis_lib.model.prediction import LEAST_SAID, Prediction, Score
from jarvis_lib.model.problem import PREDICTED, Problem
from jarvis_lib.model.prose import plural
from jarvis_lib.problem_predictor import alarms, foreseeing, scoring
from jarvis_lib.problem_predictor.learners import Learners
from jarvis_lib.problem_predictor.rules import has_gone, is_news

if TYPE_CHECKING:
    from jarvis_lib.store.samples import Samples, Series
    from jarvis_lib.store.store import Reader

LOOKS_BACK = timedelta(days=30)
LONG_BACK = timedelta(days=730)
FRESH = timedelta(hours=48)
"""A metric that was not measured for so long is not forecast, and no alarm of it is told."""
QUICK_MINUTES, QUICK_BACK = 15, timedelta(days=12)
"""A scan looks for what is unusual in twelve days of means of so many minutes, the night's study in a month of medians of five: a quarter of the work."""
BOOSTED_FROM, BOOSTED_MOST = 0.01, 30
"""The night's study has boosted members for the likeliest crossings, so many at most; trees cannot add to what will surely not happen."""
ENOUGH_SCORED = 20
"""Before so many scored predictions a predictor is neither praised nor held back."""
_LEAST_REAL = 0.10


SWITCHED_OFF = "you switched that predictor off in [predictors]"


@dataclass(frozen=True, slots=True)
class Known:
    """What stands in the store that an analysis needs, read in one short opening."""

    problems: dict[str, Row]
    due: list[Row]
    fixes: list[Row]
    judged: list[Row]
    resolved: list[Row]
    board: list[Row]


@dataclass(frozen=True, slots=True)
class Analysis:
    """What was found. `notes` are sentences about what was held back; `foreseen` and `raised` hold also what is not told as a problem."""

    problems: list[Problem]
    predictions: list[Prediction]
    scores: list[Score]
    notes: list[str]
    foreseen: list[foreseeing.Foreseen] = field(default_factory=list)
    raised: list[alarms.Alarm] = field(default_factory=list)


def read_known(reader: "Reader", *, now: datetime) -> Known:
    """The rows for `analyse`."""
    return Known(
        {r["key"]: r for r in reader.rows("problem_predictor.problems")},
        reader.rows("problem_predictor.due"),
        reader.rows("problem_predictor.fixes_since", since=now - timedelta(days=60)),
        reader.rows("problem_predictor.alarms_resolved"),
        reader.rows("problem_predictor.forecasts_resolved", since=now - timedelta(days=365)),
        reader.rows("problem_predictor.scores"),
    )


def analyse(
    known: Known, samples: "Samples", wanted: dict[str, Any], *, now: datetime, seed: int, learners: Learners, boosted: bool, off: Sequence[str] = ()
) -> Analysis:
    """Forecasts, alarms and scores at `now`. `wanted` is `[problems]`; the predictors in `off` predict and are scored, and tell nothing."""
    # From a midnight on, so that the alarms of a day do not move with the minute of the look.
    begin = (now - LOOKS_BACK).astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    series = samples.series(since=begin, until=now)
    live = {k: s for k, s in series.items() if _is_fresh(s, now)}
    notes: list[str] = []
    foreseen = _forecasts(known, live, samples, wanted, now=now, seed=seed, learners=learners, boosted=boosted)
    quiet = SWITCHED_OFF if foreseeing.PREDICTOR in off else held_back(known.board, foreseeing.PREDICTOR)
    told = [f for f in foreseen if foreseeing.is_told(f)]
    if quiet and told:
        notes.append(f"{plural(len(told), 'forecast')} held back: {quiet}.")
    problems = [] if quiet else [foreseeing.problem(f, points(series[f.key], now), now=now) for f in told]
    taught = alarms.judged(known.judged, learners)
    budget = float(wanted["false_alarms_per_week"])
    usual = live if boosted else {k: coarser(since(s, begin + LOOKS_BACK - QUICK_BACK), QUICK_MINUTES) for k, s in live.items()}
    raised = alarms.alarms(usual, now=now, budget_per_week=budget, seed=seed, learners=learners, feedback=taught.feedback)
    if raised and alarms.PREDICTOR in off:
        notes.append(f"{plural(len(raised), 'alarm')} held back: {SWITCHED_OFF}.")
    elif taught.n >= ENOUGH_SCORED and taught.real < _LEAST_REAL and raised:
        notes.append(f"{plural(len(raised), 'alarm')} held back: of {taught.n} alarms {taught.real:.0%} were real; `fix` and `dismiss` teach.")
    else:
        problems += [alarms.problem(a, taught, points(series[a.key], now)) for a in raised]
    due = [f for f in foreseen if foreseeing.is_due(f.key, known.due, now=now, boosted=boosted)]
    predictions = [foreseeing.prediction(f, now=now, boosted=boosted) for f in due]
    predictions += [alarms.prediction(a, taught, now=now) for a in raised if alarms.is_new(a, [*known.due, *known.judged])]
    found = scoring.scores(known.due, _medians(series, samples, begin), known.problems, known.fixes, now=now)
    return Analysis(problems, predictions, found, notes, foreseen, raised)


def facts_of(found: Analysis, known: Known) -> list[tuple[str, dict[str, Any]]]:
    """The facts that an analysis is worth, in the order of writing: (kind, data)."""
    facts: list[tuple[str, dict[str, Any]]] = []
    if found.scores:
        facts.append(("prediction.scored", {"scores": [s.to_json() for s in found.scores]}))
    if found.predictions:
        facts.append(("prediction.made", {"predictions": [p.to_json() for p in found.predictions]}))
    facts += [("problem.found", {"problem": p.to_json()}) for p in found.problems if is_news(p, known.problems.get(p.key))]
    mine = [r for r in known.problems.values() if r["kind"] in PREDICTED]
    # A forecast that wavers about the least that is told stays until it is clearly below.
    fading = {f"crossing:{f.key}" for f in found.foreseen if f.p >= LEAST_SAID / 2}
    facts += [("problem.gone", {"key": r["key"]}) for r in mine if r["key"] not in fading and has_gone(r, found.problems, ())]
    return facts


def held_back(board: Sequence[Row], predictor: str) -> str:
    """Why a predictor keeps quiet: enough of its predictions have resolved, and they were no better than the simple one's. Empty when it speaks."""
    own = [r for r in board if r["predictor"] == predictor and r["base_brier"] is not None]
    n = sum(r["n"] for r in own)
    if n < ENOUGH_SCORED:
        return ""
    brier, base = (sum(r[k] * r["n"] for r in own) / n for k in ("brier", "base_brier"))
    return "" if brier < base or base == 0 == brier else f"no better than a straight line over {n} scored forecasts (error {brier:.3f} against {base:.3f})"


def points(series: "Series", now: datetime, *, most: int = foreseeing.CHART_POINTS) -> list[list[Any]]:
    """The newest three days of a series as at most `most` rows of (time, median), for a chart."""
    import numpy as np

    times, values = series
    recent = times >= np.datetime64((now - timedelta(days=3)).astimezone(UTC).replace(tzinfo=None))
    times, values = (times[recent], values[recent]) if recent.sum() >= 3 else (times[-most:], values[-most:])
    cuts = np.array_split(np.arange(len(values)), min(most, len(values))) if len(values) else []
    return [[f"{times[c[-1]].astype('datetime64[s]')}Z", float(f"{np.median(values[c]):.6g}")] for c in cuts]


def since(series: "Series", begin: datetime) -> "Series":
    """The part of a series from a moment on."""
    import numpy as np

    first = int(np.searchsorted(series[0], np.datetime64(begin.astimezone(UTC).replace(tzinfo=None))))
    return series[0][first:], series[1][first:]


def coarser(series: "Series", minutes: int) -> "Series":
    """Means of so many minutes, each at the begin of its span."""
    import numpy as np

    times, values = series
    span = times.astype("datetime64[m]").astype(np.int64) // minutes
    starts = np.flatnonzero(np.diff(span, prepend=span[:1] - 1)) if len(span) else np.array([], dtype=np.int64)
    if not len(starts):
        return series
    counts = np.diff(starts, append=len(values))
    return (span[starts] * minutes).astype("datetime64[m]").astype(times.dtype), np.add.reduceat(values, starts) / counts


def _forecasts(
    known: Known, live: "dict[str, Series]", samples: "Samples", wanted: dict[str, Any], *, now: datetime, seed: int, learners: Learners, boosted: bool
) -> list[foreseeing.Foreseen]:
    limits = {k: limit_of(k, wanted) for k in live if (kind := KINDS.get(parts_of(k)[0])) is not None and not kind.plain}
    wanted_keys = [k for k, limit in limits.items() if limit is not None and not is_over(parts_of(k)[0], float(live[k][1][-1]), limit)]
    if not wanted_keys:
        return []
    long = samples.long_series(since=now - LONG_BACK, until=now)
    horizon = timedelta(days=float(wanted["forecast_days"]))

    def one(key: str, boost: bool) -> foreseeing.Foreseen | None:
        own, limit = _both(long.get(key), live[key], now), float(limits[key] or 0.0)
        past = scoring.resolved(known.resolved, key, learners.resolved)
        return foreseeing.foresee(key, own, limit, now=now, horizon=horizon, seed=seed, learners=learners, past=past, boosted=boost)

    found = {f.key: f for f in (one(k, False) for k in wanted_keys) if f is not None}
    if boosted:
        open_ = sorted((f for f in found.values() if f.p >= BOOSTED_FROM), key=lambda f: (-f.p, f.key))[:BOOSTED_MOST]
        found |= {f.key: f for f in (one(o.key, True) for o in open_) if f is not None}
    return sorted(found.values(), key=lambda f: (-f.p, f.key))


def _both(long: "Series | None", fine: "Series", now: datetime) -> "Series":
    """Hours of what is long ago, and five minutes of the last two days."""
    import numpy as np

    if long is None:
        return fine
    cut = np.datetime64((now - timedelta(days=2)).astimezone(UTC).replace(tzinfo=None))
    old, new = long[0] < cut, fine[0] >= cut
    return np.concatenate([long[0][old], fine[0][new]]), np.concatenate([long[1][old], fine[1][new]])


def _is_fresh(series: "Series", now: datetime) -> bool:
    import numpy as np

    return bool(len(series[0])) and bool(series[0][-1] >= np.datetime64((now - FRESH).astimezone(UTC).replace(tzinfo=None)))


def _medians(series: "dict[str, Series]", samples: "Samples", begin: datetime) -> scoring.Medians:
    """Medians out of what is in memory; older ones, of a long horizon, are read."""

    def read(key: str, since: datetime, until: datetime) -> Sequence[tuple[datetime, float]]:
        if since < begin:
            return samples.medians(key, since=since, until=until)
        import numpy as np

        times, values = series.get(key, (np.array([], dtype="datetime64[us]"), np.array([])))
        a, b = (np.searchsorted(times, np.datetime64(t.astimezone(UTC).replace(tzinfo=None)), side="right") for t in (since, until))
        return [(t.replace(tzinfo=UTC), float(v)) for t, v in zip(times[a:b].astype("datetime64[us]").tolist(), values[a:b], strict=True)]

    return read
