"""What came when, which routines does that make, what does the day bring, and were such words right? Frames and charts for `pattern_learner.ipynb`.

Times in frames are the person's local clock. Every chart is drawn from its frame and says in words when there is nothing to draw.
"""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from jarvis_lib import pattern_learner
from jarvis_lib.learning.routines import HISTORY
from jarvis_lib.model.prediction import LEAST_SAID
from jarvis_lib.model.prose import clean, shorten
from jarvis_lib.model.window import DAYS
from jarvis_lib.pattern_learner import Learned
from jarvis_lib.pattern_learner.predicting import day_after
from jarvis_lib.report.charts import COLORS, INK, LABEL_PX, MUTED, nothing
from jarvis_lib.store.place import Place
from jarvis_lib.store.store import Reader

if TYPE_CHECKING:
    import altair as alt
    import polars as pl

MOST = 20
"""Patterns in a chart; the table has all."""
_STANDINGS = {"learned": COLORS["verified"], "routine": COLORS["running"], "forming": MUTED}


def learned(reader: Reader, place: Place, *, now: datetime) -> Learned:
    """`pattern_learner.listed` on an open reader or a snapshot."""
    return pattern_learner.learn(pattern_learner.observed(reader, place, since=now - HISTORY, until=now), place.zone, now=now)


def patterns_frame(found: Learned, zone: ZoneInfo) -> "pl.DataFrame":
    """One row for each pattern, routines first; `next` is naive local time, null unless it is a routine."""
    import polars as pl

    words, counts, shares = ("standing", "when", "title", "category", "said"), ("tasks", "found", "n", "occasions"), ("hit_rate", "low", "base_rate")
    schema: dict[str, Any] = (
        dict.fromkeys(words, pl.String()) | dict.fromkeys(counts, pl.Int64()) | dict.fromkeys(shares, pl.Float64()) | {"next": pl.Datetime("us")}
    )
    rows = [asdict(p) | {"next": _local(p.next_at, zone) if p.next_at else None} for p in found.patterns]
    return pl.DataFrame([{name: row[name] for name in schema} for row in rows], schema=schema)


def events_frame(reader: Reader, place: Place, *, now: datetime) -> "pl.DataFrame":
    """One row for each event of the HISTORY before `now`: `title`, `source`, `at`, its day of the week and its `hour` (0.0 to 24.0)."""
    import polars as pl

    schema: dict[str, Any] = {"title": pl.String, "source": pl.String, "at": pl.Datetime("us"), "day": pl.String, "hour": pl.Float64}
    found = pattern_learner.observed(reader, place, since=now - HISTORY, until=now)
    rows = [(r, _local(r["added_at"], place.zone)) for r in found]
    flat = [(clean(r["title"]), r["source"], at, DAYS[at.weekday()], at.hour + at.minute / 60) for r, at in rows]
    return pl.DataFrame(flat, schema=schema, orient="row")


def stats_frame(found: Learned) -> "pl.DataFrame":
    """`pattern_learner.stats_of` as a frame of `what` and `figure`; a share without an occasion is null."""
    import polars as pl

    stats = pattern_learner.stats_of(found)
    rows = [
        {"what": name.replace("_", " "), "figure": None if value is None else float(value)}
        for name, value in stats.items()
        if isinstance(value, int | float | None)
    ]
    return pl.DataFrame(rows, schema={"what": pl.String, "figure": pl.Float64})


def week_chart(events: "pl.DataFrame") -> "alt.Chart":
    """Every event by hour, a row for each day of the week: a routine is a dense spot."""
    import altair as alt

    if events.is_empty():
        return nothing("Nothing has happened yet.")
    hour = alt.X("hour:Q", title="Hour of the local day", scale=alt.Scale(domain=[0, 24]), axis=alt.Axis(values=list(range(0, 25, 3))))
    tooltip = ["title", "source", alt.Tooltip("at", format="%a %d %b %H:%M")]
    marks = alt.Chart(events).mark_tick(thickness=2, opacity=0.5, color=COLORS["running"], size=18)
    chart: alt.Chart = marks.encode(x=hour, y=alt.Y("day:N", sort=list(DAYS), scale=alt.Scale(domain=list(DAYS)), title=None), tooltip=tooltip)
    return chart.properties(width=520, height={"step": 24}, title="When it happened", background="white")


def share_chart(patterns: "pl.DataFrame") -> "alt.LayerChart | alt.FacetChart | alt.Chart":
    """How often the first MOST checked patterns came true (dot), the least that this shows (bar to the left), and what guessing hits (tick)."""
    import altair as alt
    import polars as pl

    shown = patterns.filter(pl.col("occasions") > 0).head(MOST)
    if shown.is_empty():
        return nothing("Nothing has come often enough to be checked on later days.")
    label = pl.struct("title", "when").map_elements(lambda r: f"{shorten(r['title'], 20)} ({r['when']})", return_dtype=pl.String)
    shown = shown.with_columns(label=label)
    axis = alt.Axis(labelLimit=LABEL_PX, minExtent=LABEL_PX, maxExtent=LABEL_PX, title=None)
    base = alt.Chart(shown).encode(y=alt.Y("label:N", sort=shown["label"].to_list(), axis=axis), tooltip=["title", "when", "standing", "said"])
    color = alt.Color("standing:N", title=None, scale=alt.Scale(domain=list(_STANDINGS), range=list(_STANDINGS.values())))
    share = alt.X("hit_rate:Q", title="Share of later days", axis=alt.Axis(format="%"), scale=alt.Scale(domain=[0, 1]))
    bars = base.mark_rule(strokeWidth=3).encode(x=share, x2="low:Q", color=color)
    dots = base.mark_point(filled=True, size=70).encode(x=share, color=color)
    guess = base.mark_tick(color=INK, thickness=2, size=16).encode(x="base_rate:Q")
    return alt.layer(bars, dots, guess).properties(width=420, height={"step": 26}, title="Came true, at least, and guessing (tick)", background="white")


def chances_frame(rows: Sequence[dict[str, Any]]) -> "pl.DataFrame":
    """The chances of a study: one row for each kind of event, the likeliest first; hours are of the local clock."""
    import polars as pl

    words, figures = ("title", "source", "estimator"), ("p", "base", "h10", "h50", "h90")
    schema: dict[str, Any] = {"title": pl.String, "p": pl.Float64, "base": pl.Float64} | dict.fromkeys(figures[2:], pl.Float64)
    schema |= dict.fromkeys(words[1:], pl.String)
    return pl.DataFrame([{name: clean(r[name]) if name in words else r[name] for name in schema} for r in rows], schema=schema)


def coming_day(place: Place, *, now: datetime) -> date:
    """The day that a study at `now` predicts."""
    return day_after(now, place.zone)


def day_chart(chances: "pl.DataFrame", day: date) -> "alt.LayerChart | alt.FacetChart | alt.Chart":
    """The likeliest MOST kinds of events of the day: the dot at the middle hour, sized by probability, the line from the 10 % to the 90 % hour."""
    import altair as alt
    import polars as pl

    shown = chances.filter(pl.col("p") >= LEAST_SAID).head(MOST)
    if shown.is_empty():
        return nothing("Nothing is likely enough to be named.")
    shown = shown.with_columns(
        label=pl.struct("title", "p").map_elements(lambda r: f"{shorten(r['title'], 24)} {r['p']:.0%}", return_dtype=pl.String),
    )
    axis = alt.Axis(labelLimit=LABEL_PX, minExtent=LABEL_PX, maxExtent=LABEL_PX, title=None)
    tooltip: list[Any] = ["title", alt.Tooltip("p", format=".0%"), alt.Tooltip("base", format=".0%"), "h10", "h50", "h90", "estimator"]
    base = alt.Chart(shown).encode(y=alt.Y("label:N", sort=shown["label"].to_list(), axis=axis), tooltip=tooltip)
    hour = alt.Scale(domain=[0, 24])
    lines = base.mark_rule(strokeWidth=2, color=MUTED).encode(x=alt.X("h10:Q", scale=hour, title="Hour of the local day"), x2="h90:Q")
    dots = base.mark_point(filled=True, color=COLORS["running"]).encode(
        x=alt.X("h50:Q", scale=hour), size=alt.Size("p:Q", legend=None, scale=alt.Scale(domain=[0, 1]))
    )
    return alt.layer(lines, dots).properties(width=420, height={"step": 24}, title=f"Likely on {day:%A %d %B} (80 % of first hours)", background="white")


def scored_frame(reader: Reader, *, now: datetime) -> "pl.DataFrame":
    """Scored predictions of days by tenths of what was said: how many, what was said and how often it happened."""
    import polars as pl

    rows = [r for r in reader.rows("predictions.resolved", since=datetime(1970, 1, 1, tzinfo=UTC), until=now) if r["predictor"] == "routine"]
    flat = pl.DataFrame([(r["p"], float(r["happened"])) for r in rows], schema={"said": pl.Float64, "happened": pl.Float64}, orient="row")
    tenth = (pl.col("said") * 10).floor().clip(0, 9)
    return flat.group_by(tenth=tenth).agg(n=pl.len(), said=pl.col("said").mean(), happened=pl.col("happened").mean()).sort("tenth").drop("tenth")


def calibration_chart(scored: "pl.DataFrame") -> "alt.LayerChart | alt.FacetChart | alt.Chart":
    """What was said against how often it happened; on the diagonal 30 % means 30 %."""
    import altair as alt
    import polars as pl

    if scored.is_empty():
        return nothing("No prediction has been scored yet.")
    share = alt.Scale(domain=[0, 1])
    line = alt.Chart(pl.DataFrame({"said": [0.0, 1.0], "happened": [0.0, 1.0]})).mark_line(color=MUTED, strokeDash=[4, 4]).encode(x="said:Q", y="happened:Q")
    x, y = alt.X("said:Q", scale=share, title="Said", axis=alt.Axis(format="%")), alt.Y("happened:Q", scale=share, title="Happened", axis=alt.Axis(format="%"))
    dots = (
        alt.Chart(scored)
        .mark_point(filled=True, color=COLORS["running"])
        .encode(x=x, y=y, size=alt.Size("n:Q", title="Predictions"), tooltip=["n", "said", "happened"])
    )
    return alt.layer(line, dots).properties(width=320, height=320, title="Said and happened", background="white")


def _local(at: datetime, zone: ZoneInfo) -> datetime:
    return at.astimezone(zone).replace(tzinfo=None)
