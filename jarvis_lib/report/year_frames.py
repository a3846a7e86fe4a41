"""What came of a year's forecasts and of what was built ahead? Frames and charts for `simulated_year.ipynb`; times are the person's local clock."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from jarvis_lib.model.metric import limit_of, named
from jarvis_lib.model.prose import clean
from jarvis_lib.report.charts import COLORS, INK, LABEL_PX, MUTED, nothing
from jarvis_lib.store.place import Place
from jarvis_lib.store.samples import Samples
from jarvis_lib.store.store import Reader

if TYPE_CHECKING:
    import altair as alt
    import polars as pl

LIMIT, MIDDLE = COLORS["refuted"], COLORS["running"]
LONG_AGO = timedelta(days=366)


def forecasts(reader: Reader, zone: ZoneInfo, *, now: datetime) -> "pl.DataFrame":
    """One row for each forecast of a crossing: what was said when, what it really took, and what `predict_linear` had said. Hours count from `made_at`."""
    import polars as pl

    rows = [r for r in reader.rows("predictions.open_and_scored", since=now - LONG_AGO) if r["predictor"] == "capacity" and r["estimator"] != "simulated"]
    schema: dict[str, Any] = {"metric": pl.String, "said": pl.String, "made_at": pl.Datetime("us"), "estimator": pl.String, "p": pl.Float64}
    schema |= dict.fromkeys(("low", "mid", "high", "predict_linear", "actual"), pl.Float64) | {"happened": pl.Boolean, "came_at": pl.Datetime("us")}
    return pl.DataFrame([_forecast(r, zone) for r in rows], schema=schema)


def _forecast(row: dict[str, Any], zone: ZoneInfo) -> dict[str, Any]:
    own = {k: row[k] for k in ("estimator", "p", "low", "mid", "high", "actual", "happened")}
    came = row["made_at"] + timedelta(hours=row["actual"]) if row["happened"] and row["actual"] is not None else None
    words = {"metric": row["subject"], "said": clean(row["said"]), "predict_linear": row["base_mid"]}
    return words | own | {"made_at": _local(row["made_at"], zone), "came_at": _local(came, zone) if came else None}


def forecast_chart(frame: "pl.DataFrame") -> "alt.LayerChart | alt.FacetChart | alt.Chart":
    """Each forecast with a date: its 80 % interval (bar), its middle (dot), what `predict_linear` said (cross), and when it really came (line)."""
    import altair as alt
    import polars as pl

    dated = frame.filter(pl.col("low").is_not_null())
    if dated.is_empty():
        return nothing("No forecast named a date.")

    def hour(name: str) -> "pl.Expr":
        return (pl.col("made_at") + pl.duration(minutes=(pl.col(name) * 60).cast(pl.Int64))).alias(f"{name}_at")

    label = pl.format("said {} ({}%)", pl.col("made_at").dt.strftime("%d %b %H:%M"), (pl.col("p") * 100).round(0).cast(pl.Int64)).alias("label")
    shown = dated.with_columns(*map(hour, ("low", "mid", "high", "predict_linear")), label)
    axis = alt.Axis(labelLimit=LABEL_PX, minExtent=LABEL_PX, maxExtent=LABEL_PX, title=None)
    base = alt.Chart(shown).encode(y=alt.Y("label:N", sort=shown["label"].to_list(), axis=axis), tooltip=["said", "p", "estimator"])
    time = alt.X("low_at:T", title="Local time of the crossing", axis=alt.Axis(format="%d %b %H:%M"))
    bars = base.mark_rule(strokeWidth=5, color=MIDDLE, opacity=0.45).encode(x=time, x2="high_at:T")
    dots = base.mark_point(filled=True, size=80, color=MIDDLE).encode(x="mid_at:T")
    crosses = base.transform_filter("isValid(datum.predict_linear)").mark_point(shape="cross", size=60, color=MUTED).encode(x="predict_linear_at:T")
    came = alt.Chart(shown.filter(pl.col("came_at").is_not_null()).head(1)).mark_rule(color=LIMIT, strokeWidth=2).encode(x="came_at:T")
    title = "80 % interval (bar), middle (dot), a straight line (cross), what came (line)"
    return alt.layer(bars, dots, crosses, came).properties(width=520, height={"step": 28}, title=title, background="white")


def metric_chart(place: Place, metric: str, *, now: datetime, days: int = 90) -> "alt.LayerChart | alt.FacetChart | alt.Chart":
    """The newest `days` of a metric by the hour, and its limit."""
    import altair as alt
    import polars as pl

    rows = [{"at": _local(r["at"], place.zone), "value": r["mid"]} for r in Samples(place.home).hours(metric, since=now - timedelta(days=days), until=now)]
    if not rows:
        return nothing(f"There are no samples of {named(metric)}.")
    shown = pl.DataFrame(rows)
    line = alt.Chart(shown).mark_line(color=INK, strokeWidth=1.5).encode(x=alt.X("at:T", title=None), y=alt.Y("value:Q", title=None, axis=alt.Axis(format="%")))
    limit = alt.Chart(pl.DataFrame({"y": [limit_of(metric, place.settings.values["problems"])]})).mark_rule(color=LIMIT, strokeDash=[4, 3]).encode(y="y:Q")
    return alt.layer(line, limit).properties(width=620, height=180, title=f"{named(metric)} and its limit", background="white")


def built_ahead(reader: Reader, zone: ZoneInfo) -> "pl.DataFrame":
    """One row for each thing that was offered or queued before its need, and whether it was used that day."""
    import polars as pl

    schema: dict[str, Any] = {"title": pl.String, "need_at": pl.Datetime("us"), "made_at": pl.Datetime("us"), "p": pl.Float64, "low": pl.Float64}
    schema |= {"state": pl.String, "said": pl.String}
    rows = [
        {k: r[k] for k in ("title", "p", "low", "state")} | {"said": clean(r["said"])} | {k: _local(r[k], zone) for k in ("need_at", "made_at")}
        for r in reader.rows("pattern_learner.suggestions")
    ]
    return pl.DataFrame(rows, schema=schema).sort("made_at")


def built_said(frame: "pl.DataFrame") -> str:
    """How much of what was built ahead was used."""
    counts = dict(frame.group_by("state").len().iter_rows())
    used, wasted = counts.get("used", 0), counts.get("wasted", 0)
    open_now = sum(n for state, n in counts.items() if state in ("asked", "queued"))
    return f"{used} of {used + wasted} used on the day, {wasted} made in vain; {open_now} still open."


def rounded(frame: "pl.DataFrame") -> "pl.DataFrame":
    """The frame as people read it: two figures behind the point."""
    import polars.selectors as cs

    return frame.with_columns(cs.float().round(2))


def _local(at: datetime, zone: ZoneInfo) -> datetime:
    return at.astimezone(zone).replace(tzinfo=None)
