"""What does a day bring, how likely and at which hour, and were the probabilities of earlier days right?

One prediction for each kind of event and day, written before the day and scored when it is over, with the kind's plain rate beside it. Without skill over
that rate on the newest predictions the predictor is quiet: it goes on to be scored, and nobody is told its numbers.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from jarvis_lib.model.book import Row
from jarvis_lib.model.fact import moment
from jarvis_lib.model.prediction import Prediction, Score
from jarvis_lib.model.prose import better, clean, shorten
from jarvis_lib.pattern_learner.events import IMPORTED, observed
from jarvis_lib.pattern_learner.mined import kind_of
from jarvis_lib.store import event_files
from jarvis_lib.store.place import Place
from jarvis_lib.store.store import Reader

if TYPE_CHECKING:
    import polars as pl

PREDICTOR = "routine"
MEMORY = timedelta(days=5 * 366)
LEAST_DAYS, ALIVE = 4, timedelta(days=180)
"""A kind is predicted when it came on so many days and the last time is not longer ago."""
MOST = 100
"""Kinds predicted for one day, the likeliest first."""
NIGHT_ENDS = 6
"""Before this local hour a night's predictions are about the day that has begun."""
JUDGED, JUDGED_N = timedelta(days=90), 50
"""Skill is judged over this time, from so many scored predictions on."""
GIVE_UP = timedelta(days=7)
"""Nobody knows what came when a source was not read for so long after the day."""


@dataclass(frozen=True, slots=True)
class Chance:
    """How likely one kind of event comes on a day: `p`, its plain rate `base`, and the 10, 50 and 90 % quantiles of the local hour of the first time."""

    kind: str
    title: str
    source: str
    p: float
    base: float
    estimator: str
    h10: float
    h50: float
    h90: float


def day_after(now: datetime, zone: ZoneInfo) -> date:
    """The local day that a night's predictions are about: tomorrow, and before NIGHT_ENDS today."""
    local = now.astimezone(zone)
    return local.date() if local.hour < NIGHT_ENDS else local.date() + timedelta(days=1)


def chances(reader: Reader, place: Place, *, day: date, now: datetime, seed: int) -> list[Chance]:
    """What `day` brings as known at `now`, the likeliest first. Learns from all sources."""
    return chances_of(observed(reader, place, since=now - MEMORY, until=now), place.zone, day=day, now=now, seed=seed)


def chances_of(rows: Sequence[Row], zone: ZoneInfo, *, day: date, now: datetime, seed: int) -> list[Chance]:
    """`chances` of events that were read already."""
    kinds = _alive(rows, zone, now)
    if not kinds:
        return []
    from jarvis_lib.learning import routine

    said = routine.fit(frame_of(rows, zone), now=now.astimezone(zone).replace(tzinfo=None), seed=seed).day(day)
    found = [
        Chance(r["type"], kinds[r["type"]]["title"], kinds[r["type"]]["source"], *(r[n] for n in ("p", "base", "estimator", "h10", "h50", "h90")))
        for r in said.iter_rows(named=True)
        if r["type"] in kinds
    ]
    return sorted(found, key=lambda c: (-c.p, c.kind))[:MOST]


def frame_of(rows: Sequence[Row], zone: ZoneInfo) -> "pl.DataFrame":
    """The events as the learner reads them: person, ts (local), type."""
    import polars as pl

    flat = [("you", r["added_at"].astimezone(zone).replace(tzinfo=None), kind(r)) for r in rows]
    return pl.DataFrame(flat, schema={"person": pl.String, "ts": pl.Datetime("us"), "type": pl.String}, orient="row")


def kind(row: Row) -> str:
    """What an event counts as."""
    return str(row.get("kind") or kind_of(row["title"], row["category"]))


def _alive(rows: Sequence[Row], zone: ZoneInfo, now: datetime) -> dict[str, Row]:
    """The kinds worth a prediction, each with its newest event."""
    days: dict[str, set[date]] = {}
    newest: dict[str, Row] = {}
    for row in rows:
        own = kind(row)
        days.setdefault(own, set()).add(row["added_at"].astimezone(zone).date())
        newest[own] = row
    return {k: row for k, row in newest.items() if len(days[k]) >= LEAST_DAYS and now - row["added_at"] <= ALIVE}


def predictions(found: Sequence[Chance], zone: ZoneInfo, *, day: date, now: datetime) -> list[Prediction]:
    """The chances as predictions that are scored when the day is over; hours are those of the local clock."""
    due = datetime.combine(day + timedelta(days=1), time(), zone).astimezone(UTC)
    made = []
    for c in found:
        title = shorten(clean(c.title), 80)
        said = f"{title} on {day:%a %d %b}: {c.p:.0%}, about {_clock(c.h50)} (80 %: {_clock(c.h10)} to {_clock(c.h90)})"
        detail = {"day": day.isoformat(), "source": c.source, "title": title}
        hours = {"low": c.h10, "mid": c.h50, "high": c.h90}
        made.append(Prediction(PREDICTOR, c.estimator, c.kind, said, now, due, c.p, base=c.base, unit="o'clock", detail=detail, **hours))
    return made


def scores(reader: Reader, place: Place, *, now: datetime) -> list[Score]:
    """How the predictions resolved whose day is over. One whose source was not read since waits, and after GIVE_UP is void."""
    import json

    due = [r for r in reader.rows("predictions.due", predictor=PREDICTOR) if r["due_at"] <= now]
    if not due:
        return []
    first = min(r["due_at"] for r in due) - timedelta(days=3)
    came: dict[tuple[str, str], float] = {}
    for row in observed(reader, place, since=first, until=now):
        local = row["added_at"].astimezone(place.zone)
        key = (kind(row), local.date().isoformat())
        came[key] = min(came.get(key, 24.0), local.hour + local.minute / 60 + local.second / 3600)
    read = {source: event_files.read(place.home, source).read_at for source in IMPORTED}
    found = []
    for row in due:
        detail = json.loads(row["detail"])
        hour = came.get((row["subject"], detail["day"]))
        read_at = read.get(detail["source"], now)
        if hour is None and (read_at is None or read_at < row["due_at"]):
            if now - row["due_at"] > GIVE_UP:
                found.append(Score(row["id"], False, how="void"))
            continue
        found.append(Score(row["id"], hour is not None, hour))
    return found


def standing(reader: Reader, place: Place, *, now: datetime) -> dict[str, Any]:
    """How good the predictions of the newest JUDGED were: `n`, `skill` over the plain rate, and whether the predictor is `quiet`."""
    row = reader.one("pattern_learner.skill", since=now - JUDGED) or {"n": 0, "skill": None, "happened": None, "brier": None, "base_brier": None}
    off = PREDICTOR in place.settings.get("predictors", "off")
    quiet = off or (row["n"] >= JUDGED_N and (row["skill"] is None or row["skill"] <= 0))
    said = (
        f"{row['n']} predictions scored, {JUDGED_N} are needed to judge them"
        if row["n"] < JUDGED_N
        else f"{better(row['skill'] or 0)} the plain rates on {row['n']:,} predictions" + ("; so it is quiet" if quiet else "")
    )
    return dict(row) | {"quiet": quiet, "said": f"{said}; you switched it off in [predictors]" if off else said}


def day_of(row: Row, zone: ZoneInfo) -> date:
    """The local day of an offer's need."""
    at: datetime = row["need_at"] if isinstance(row["need_at"], datetime) else moment(row["need_at"])
    return at.astimezone(zone).date()


def _clock(hour: float) -> str:
    minutes = min(round(hour * 60), 24 * 60 - 1)
    return f"{minutes // 60:02d}:{minutes % 60:02d}"
