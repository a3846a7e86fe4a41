"""How does the look at Jarvis itself show? Frames and charts for `self_improver.ipynb`, from the rows of its study.

Every chart is drawn from its frame and says in words when there is nothing to draw.
"""

from typing import TYPE_CHECKING, Any

from jarvis_lib.model.study import Study
from jarvis_lib.report.charts import COLORS, INK, LABEL_PX, MUTED, nothing

if TYPE_CHECKING:
    import altair as alt
    import polars as pl

MOST = 20
"""Rows in a chart; the table has all."""
_FIGURES = {
    "weaknesses": (
        ("key", "measure", "subject", "severity", "trend", "said", "gone_when"),
        ("n",),
        ("value", "low", "high", "healthy_low", "healthy_high", "before", "recent"),
    ),
    "proposals": (("id", "kind", "title", "why"), (), ()),
    "improvements": (
        ("id", "kind", "title", "measure", "subject", "state", "decided_at", "verdict", "said"),
        (),
        ("effect", "low", "high", "value_before", "value_after"),
    ),
    "decisions": (("what", "of_what"), ("count", "of"), ("share", "low", "high")),
    "scoreboard": (
        ("predictor", "estimator", "said"),
        ("n", "n_covered", "n_said"),
        ("brier", "base_brier", "skill", "coverage", "coverage_due", "precision", "lead_h"),
    ),
}
_GRADES = {"high": COLORS["refuted"], "medium": COLORS["unverified"], "low": MUTED}
_VERDICTS = {"helped": COLORS["verified"], "no effect": MUTED, "harmed": COLORS["refuted"], "too little data": COLORS["unverified"]}


def frame(study: Study, name: str) -> "pl.DataFrame":
    """One of the study's frames (weaknesses, proposals, improvements, decisions, scoreboard) with fixed columns, empty where there is nothing."""
    import polars as pl

    words, counts, numbers = _FIGURES[name]
    schema: dict[str, Any] = dict.fromkeys(words, pl.String()) | dict.fromkeys(counts, pl.Int64()) | dict.fromkeys(numbers, pl.Float64())
    rows = [{c: float(r[c]) if c in numbers and r[c] is not None else r[c] for c in schema} for r in study.frames[name]]
    return pl.DataFrame(rows, schema=schema)


def scoreboard_chart(scoreboard: "pl.DataFrame") -> "alt.LayerChart | alt.FacetChart | alt.Chart":
    """The skill of each predictor against its simplest baseline; left of the line it is worse than that."""
    import altair as alt
    import polars as pl

    shown = scoreboard.filter(pl.col("skill").is_not_null()).head(MOST)
    if shown.is_empty():
        return nothing("No forecast was scored against a baseline yet.")
    shown = shown.with_columns(
        label=pl.format("{} ({}, n={})", "predictor", "estimator", "n"),
        better=pl.when(pl.col("skill") > 0).then(pl.lit("better than the baseline")).otherwise(pl.lit("no better")),
    )
    color = alt.Color("better:N", title=None, scale=alt.Scale(domain=["better than the baseline", "no better"], range=[COLORS["verified"], COLORS["refuted"]]))
    base = alt.Chart(shown).encode(y=alt.Y("label:N", sort=None, axis=_axis()), tooltip=["predictor", "estimator", "n", "skill", "brier", "coverage", "said"])
    bars = base.mark_bar(height=14).encode(x=alt.X("skill:Q", title="1 - error / error of the baseline", axis=alt.Axis(format="+%")), color=color)
    line = alt.Chart(pl.DataFrame({"x": [0.0]})).mark_rule(color=INK).encode(x="x:Q")
    return alt.layer(bars, line).properties(width=420, height={"step": 24}, title="Is it better than the simplest baseline?", background="white")


def trend_chart(weaknesses: "pl.DataFrame") -> "alt.LayerChart | alt.FacetChart | alt.Chart":
    """Each weakness: its figure with its interval (bar), the healthy end that it left (tick), and where it stood in the last 14 days (ring)."""
    import altair as alt
    import polars as pl

    shown = weaknesses.filter(~pl.col("measure").is_in(["forecast_bias", "skill"]) & (pl.col("value") <= 1)).head(MOST)
    if shown.is_empty():
        return nothing("No share is outside of its healthy range; what is counted stands in the table.")
    healthy = pl.when(pl.col("value") > pl.coalesce("healthy_high", pl.lit(2.0))).then("healthy_high").otherwise(pl.coalesce("healthy_low", "healthy_high"))
    shown = shown.with_columns(healthy=healthy)
    color = alt.Color("severity:N", title=None, scale=alt.Scale(domain=list(_GRADES), range=list(_GRADES.values())))
    share = alt.X("value:Q", title="Share", axis=alt.Axis(format="%"), scale=alt.Scale(domain=[0, 1]))
    base = alt.Chart(shown).encode(y=alt.Y("key:N", sort=None, axis=_axis()), tooltip=["said", "severity", "trend", "gone_when"])
    bars = base.mark_rule(strokeWidth=3, clip=True).encode(x=alt.X("low:Q", title="Share"), x2="high:Q", color=color)
    dots = base.mark_point(filled=True, size=70, clip=True).encode(x=share, color=color)
    ticks = base.mark_tick(color=INK, thickness=2, size=16, clip=True).encode(x="healthy:Q")
    recent = base.mark_point(size=110, color=INK, clip=True).encode(x="recent:Q")
    title = "Weaknesses, the healthy end (tick), the last 14 days (ring)"
    return alt.layer(bars, dots, ticks, recent).properties(width=420, height={"step": 24}, title=title, background="white")


def effects_chart(improvements: "pl.DataFrame") -> "alt.LayerChart | alt.FacetChart | alt.Chart":
    """What was accepted and measured: after minus before with its interval (of what is counted: how many times as often, less 1); left is better."""
    import altair as alt
    import polars as pl

    shown = improvements.filter(pl.col("effect").is_not_null()).head(MOST)
    if shown.is_empty():
        return nothing("Nothing that was accepted has been measured yet.")
    counted = pl.col("measure").is_in(["corrections", "failed_calls", "no_recipe", "by_hand", "same_answer", "wrongly_auto"])
    less = pl.when(counted & (pl.col("kind") != "predictor")).then(1.0).otherwise(0.0)
    shown = shown.with_columns(
        *((pl.col(c) - less).alias(c) for c in ("effect", "low", "high")), label=pl.format("{} {}", "id", pl.col("title").str.slice(0, 24))
    )
    color = alt.Color("verdict:N", title=None, scale=alt.Scale(domain=list(_VERDICTS), range=list(_VERDICTS.values())))
    base = alt.Chart(shown).encode(y=alt.Y("label:N", sort=None, axis=_axis()), tooltip=["title", "verdict", "said"])
    bars = base.mark_rule(strokeWidth=3).encode(x=alt.X("low:Q", title="Change of the measure (left is better)"), x2="high:Q", color=color)
    dots = base.mark_point(filled=True, size=70).encode(x="effect:Q", color=color)
    line = alt.Chart(pl.DataFrame({"x": [0.0]})).mark_rule(color=INK).encode(x="x:Q")
    return alt.layer(bars, dots, line).properties(width=420, height={"step": 26}, title="Did it help?", background="white")


def _axis() -> "alt.Axis":
    import altair as alt

    return alt.Axis(labelLimit=LABEL_PX, minExtent=LABEL_PX, maxExtent=LABEL_PX, title=None)
