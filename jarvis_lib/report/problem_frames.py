"""What is watched, what is foreseen, and what became of the problems and predictions? Frames and charts for `problem_predictor.ipynb`.

Reads only: a frame never scans into the store and never fixes.
"""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from jarvis_lib import problem_predictor
from jarvis_lib.model.fact import moment
from jarvis_lib.model.prediction import LEAST_SAID
from jarvis_lib.model.prose import chance, clean, plural
from jarvis_lib.model.study import Study
from jarvis_lib.report.charts import COLORS, INK, nothing
from jarvis_lib.report.frames import at_leisure
from jarvis_lib.store.place import Place
from jarvis_lib.store.snapshot import open_snapshot

if TYPE_CHECKING:
    import altair as alt
    import polars as pl

_SHOWN = 2.0
"""The chart ends at twice the limit; the table has the number."""


def moment_or_now(place: Place, as_of: str) -> datetime:
    """The moment that a notebook asks about: `as_of` (ISO 8601 with its zone), or now when it is empty."""
    return moment(as_of) if as_of else place.now()


def watched(place: Place, *, now: datetime) -> "pl.DataFrame":
    """One row for each thing that is watched: kind, subject, now, load (1.0 = at its limit, None = not measured), standing."""
    import polars as pl

    schema = {"kind": pl.String, "subject": pl.String, "now": pl.String, "load": pl.Float64, "standing": pl.String}
    rows = [
        {"kind": r["kind"], "subject": clean(r["subject"]), "now": clean(r["said"]), "load": _load(r), "standing": _standing(r)}
        for r in problem_predictor.metrics(place, now=now)
    ]
    return pl.DataFrame(rows, schema=schema)


def known(place: Place, *, now: datetime, snapshot: str = "") -> "pl.DataFrame":
    """One row for each problem ever found, open ones first; times in the zone of the person. By the `snapshot`, or by a short reading."""
    import polars as pl

    time = pl.Datetime("us", str(place.zone))
    words, times = ("problem", "severity", "standing", "fix", "fix_said"), ("first_seen", "last_seen", "fixed_at")
    schema: dict[str, Any] = dict.fromkeys(words, pl.String()) | dict.fromkeys(times, time)
    with open_snapshot(snapshot) if snapshot else place.store.reading() as reader:
        found = problem_predictor.listed_by(reader, now=now)
    rows = [
        {
            "problem": clean(r["what"]),
            "severity": r["severity"],
            "standing": r["standing"],
            "fix": r["fix"],
            "fix_said": clean(r["fix_said"] or ""),
        }
        | {k: r[k].astimezone(place.zone) if r[k] else None for k in times}
        for r in found
    ]
    return pl.DataFrame(rows, schema=schema)


def said(watched: "pl.DataFrame", known: "pl.DataFrame") -> str:
    """Both frames in one sentence."""
    over = watched.filter(watched["standing"] == "over").height
    states = {word: known.filter(known["standing"] == word).height for word in ("predicted", "open", "came back", "watching", "held")}
    told = ", ".join(f"{count} {word}" for word, count in states.items() if count)
    return f"{plural(watched.height, 'thing')} watched, {over} over the limit now. Problems: {told or 'none yet'}."


def load_chart(watched: "pl.DataFrame") -> "alt.LayerChart | alt.FacetChart":
    """Bars of how near each thing is to its limit, which is a line at 100 %. What was not measured has no bar."""
    import altair as alt
    import polars as pl

    data = watched.filter(pl.col("load").is_not_null()).with_columns(shown=pl.col("load").clip(0, _SHOWN))
    colour = alt.Color("standing:N", scale=alt.Scale(domain=["within", "over"], range=["#4c78a8", "#c8442d"]), legend=alt.Legend(title=None))
    bars = (
        alt.Chart(data)
        .mark_bar()
        .encode(
            x=alt.X("shown:Q", title="share of the limit", axis=alt.Axis(format="%"), scale=alt.Scale(domain=[0, _SHOWN])),
            y=alt.Y("subject:N", title=None, sort="-x"),
            color=colour,
            tooltip=["kind:N", "subject:N", "now:N", alt.Tooltip("load:Q", format=".0%")],
        )
    )
    limit = alt.Chart(pl.DataFrame({"at": [1.0]})).mark_rule(strokeDash=[4, 3]).encode(x="at:Q")
    return alt.layer(bars, limit).properties(width=460, title="How near is each to its limit?")


# --- what the past says ----------------------------------------------------------------------------------------------------


def study(place: Place, *, now: datetime, seed: int, snapshot: str = "") -> Study:
    """The component's study; by the `snapshot` of the night, or by a copy made for it."""
    with at_leisure(place, snapshot) as reader:
        return problem_predictor.study(reader, place, now=now, seed=seed)


def forecasts(found: Study) -> "pl.DataFrame":
    """One row for each metric that was forecast, the likeliest crossing first; hours are from now on. Below 10 % there is no number to tell."""
    return _typed(found.frames["forecasts"], FORECASTS)


def alarms(found: Study) -> "pl.DataFrame":
    """One row for each metric with an alarm within a day."""
    return _typed(found.frames["alarms"], ALARMS)


def board(found: Study) -> "pl.DataFrame":
    """How good the predictions were that have resolved, by the estimator behind them, with the simplest baseline beside."""
    return _typed(found.frames["board"], BOARD)


_TEXT = ("metric", "name", "at", "why", "said", "estimator", "weights", "predictor")
_COUNT = ("n", "happened", "told", "hits", "n_covered")
FORECASTS = ("name", "value", "limit", "p", "low", "mid", "high", "predict_linear_h", "estimator", "weights", "said", "horizon_h", "metric")
ALARMS = ("name", "at", "value", "score", "why", "metric")
HISTORY = ("metric", "name", "at", "low", "mid", "high")
BOARD = (
    "predictor",
    "estimator",
    "n",
    "hit_rate",
    "base_hit_rate",
    "coverage",
    "lead_h",
    "false_per_week",
    "base_false_per_week",
    "brier",
    "base_brier",
    "skill",
)


def _typed(rows: list[dict[str, Any]], columns: tuple[str, ...]) -> "pl.DataFrame":
    import polars as pl

    schema = {c: pl.String() if c in _TEXT else pl.Int64() if c in _COUNT else pl.Float64() for c in columns}
    return pl.DataFrame([{c: r.get(c) for c in columns} for r in rows], schema=schema)


def forecast_chart(found: Study, *, most: int = 4) -> "alt.VConcatChart | alt.Chart":
    """The likeliest crossings: two weeks of the past with its hourly range, the limit, and rays to the 10 %, 50 % and 90 % hours of the crossing."""
    import altair as alt

    shown = [r for r in forecasts(found).to_dicts() if r["p"] >= LEAST_SAID][:most]
    if not shown:
        return nothing("No metric is expected to cross its limit with a probability of 10 % or more.")
    return alt.vconcat(*(_fan(found, r) for r in shown)).properties(background="white")


def _fan(found: Study, row: dict[str, Any]) -> "alt.LayerChart | alt.FacetChart":
    import altair as alt
    import polars as pl

    past, end = _past(found, row["metric"]), found.as_of.replace(tzinfo=None)
    layers = _line(past)
    hours = {name: row[name] for name in ("low", "mid", "high") if row[name] is not None}
    rays = [{"ray": n, "at": t, "value": v} for n, h in hours.items() for t, v in ((end, row["value"]), (end + timedelta(hours=h), row["limit"]))]
    if rays:
        fan = alt.Chart(pl.DataFrame(rays)).mark_line(strokeDash=[2, 2], color=COLORS["refuted"])
        layers.append(fan.encode(x="at:T", y="value:Q", detail="ray:N", opacity=alt.condition("datum.ray == 'mid'", alt.value(1.0), alt.value(0.45))))
    limit = alt.Chart(pl.DataFrame({"limit": [row["limit"]]})).mark_rule(color=INK, strokeDash=[6, 3])
    layers.append(limit.encode(y=alt.Y("limit:Q", title=None)))
    return alt.layer(*layers).properties(width=520, height=120, title=f"{row['name']}: {chance(row['p'])} within {row['horizon_h'] / 24:g} days")


def alarm_chart(found: Study, *, most: int = 4) -> "alt.VConcatChart | alt.Chart":
    """Metrics with an alarm: two weeks of the past, and the alarm as a point with its reason."""
    import altair as alt
    import polars as pl

    rows = alarms(found).head(most)
    if rows.is_empty():
        return nothing("Nothing has behaved unlike itself for a day.")
    parts = []
    for row in rows.to_dicts():
        mark = pl.DataFrame([{"at": moment_of(row["at"]), "value": row["value"], "why": row["why"]}])
        point = alt.Chart(mark).mark_point(filled=True, size=80, color=COLORS["refuted"]).encode(x="at:T", y="value:Q", tooltip=["at:T", "value:Q", "why:N"])
        title = f"{row['name']}: {row['why']}"
        parts.append(alt.layer(*_line(_past(found, row["metric"])), point).properties(width=520, height=120, title=title))
    return alt.vconcat(*parts).properties(background="white")


def _past(found: Study, metric: str) -> "pl.DataFrame":
    rows = [r | {"at": moment_of(r["at"])} for r in found.frames["history"] if r["metric"] == metric]
    import polars as pl

    schema = {"at": pl.Datetime("us"), "low": pl.Float64(), "mid": pl.Float64(), "high": pl.Float64()}
    return pl.DataFrame([{c: r[c] for c in schema} for r in rows], schema=schema)


def moment_of(text: str) -> datetime:
    """A time of the study's frames as naive UTC, as charts want it."""
    return datetime.fromisoformat(text).replace(tzinfo=None)


def _line(past: "pl.DataFrame") -> "list[alt.Chart]":
    import altair as alt

    x = alt.X("at:T", title="UTC")
    band = alt.Chart(past).mark_area(opacity=0.2, color=COLORS["running"]).encode(x=x, y=alt.Y("low:Q", title=None), y2="high:Q")
    line = alt.Chart(past).mark_line(color=COLORS["running"]).encode(x=x, y=alt.Y("mid:Q", title=None, scale=alt.Scale(zero=False)))
    return [band, line]


def _load(row: dict[str, Any]) -> float | None:
    """1.0 = at the limit. A disk counts by what is used, since its limit is what must stay free."""
    if row["value"] is None or not row["limit"]:
        return None
    if row["kind"] == "disk":
        return float((1 - row["value"]) / (1 - row["limit"]))
    return float(row["value"] / row["limit"])


def _standing(row: dict[str, Any]) -> str:
    return "not measured" if row["over"] is None else "over" if row["over"] else "within"
