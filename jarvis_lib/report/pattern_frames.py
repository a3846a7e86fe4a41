"""When were tasks added, which routines does that make, and how far above guessing are they? Frames and charts for `pattern_learner.ipynb`.

Times in frames are the person's local clock. Every chart is drawn from its frame and says in words when there is nothing to draw.
"""

from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from jarvis_lib import pattern_learner
from jarvis_lib.model.prose import clean, shorten
from jarvis_lib.model.window import DAYS
from jarvis_lib.pattern_learner import Learned
from jarvis_lib.report.charts import COLORS, INK, LABEL_PX, MUTED, nothing
from jarvis_lib.store.store import Reader

if TYPE_CHECKING:
    import altair as alt
    import polars as pl

MOST = 20
"""Patterns in a chart; the table has all."""
_STANDINGS = {"routine": COLORS["verified"], "forming": MUTED}


def learned(reader: Reader, zone: ZoneInfo, *, now: datetime) -> Learned:
    """`pattern_learner.listed` on an open reader or a snapshot."""
    return pattern_learner.learn(pattern_learner.added(reader, now=now), zone, now=now)


def patterns_frame(found: Learned, zone: ZoneInfo) -> "pl.DataFrame":
    """One row for each pattern, routines first; `next` is naive local time, null unless it is a routine."""
    import polars as pl

    words, counts, shares = ("standing", "when", "title", "category", "said"), ("tasks", "found", "n", "occasions"), ("hit_rate", "low", "base_rate")
    schema: dict[str, Any] = (
        dict.fromkeys(words, pl.String()) | dict.fromkeys(counts, pl.Int64()) | dict.fromkeys(shares, pl.Float64()) | {"next": pl.Datetime("us")}
    )
    rows = [asdict(p) | {"next": _local(p.next_at, zone) if p.next_at else None} for p in found.patterns]
    return pl.DataFrame([{name: row[name] for name in schema} for row in rows], schema=schema)


def additions_frame(reader: Reader, zone: ZoneInfo, *, now: datetime) -> "pl.DataFrame":
    """One row for each task that a person added: `title`, `category`, `at`, its day of the week and its `hour` (0.0 to 24.0)."""
    import polars as pl

    schema: dict[str, Any] = {"title": pl.String, "category": pl.String, "at": pl.Datetime("us"), "day": pl.String, "hour": pl.Float64}
    rows = [(r, _local(r["added_at"], zone)) for r in pattern_learner.added(reader, now=now)]
    flat = [(clean(r["title"]), r["category"], at, DAYS[at.weekday()], at.hour + at.minute / 60) for r, at in rows]
    return pl.DataFrame(flat, schema=schema, orient="row")


def stats_frame(found: Learned) -> "pl.DataFrame":
    """`pattern_learner.stats_of` as a frame of `what` and `figure`; a share without an occasion is null."""
    import polars as pl

    stats = pattern_learner.stats_of(found)
    rows = [{"what": name.replace("_", " "), "figure": None if value is None else float(value)} for name, value in stats.items() if name != "said"]
    return pl.DataFrame(rows, schema={"what": pl.String, "figure": pl.Float64})


def week_chart(additions: "pl.DataFrame") -> "alt.Chart":
    """Every addition by hour, a row for each day of the week: a routine is a dense spot."""
    import altair as alt

    if additions.is_empty():
        return nothing("No task was added by a person yet.")
    hour = alt.X("hour:Q", title="Hour of the local day", scale=alt.Scale(domain=[0, 24]), axis=alt.Axis(values=list(range(0, 25, 3))))
    tooltip = ["title", "category", alt.Tooltip("at", format="%a %d %b %H:%M")]
    marks = alt.Chart(additions).mark_tick(thickness=2, opacity=0.5, color=COLORS["running"], size=18)
    chart: alt.Chart = marks.encode(x=hour, y=alt.Y("day:N", sort=list(DAYS), scale=alt.Scale(domain=list(DAYS)), title=None), tooltip=tooltip)
    return chart.properties(width=520, height={"step": 24}, title="When tasks were added", background="white")


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


def _local(at: datetime, zone: ZoneInfo) -> datetime:
    return at.astimezone(zone).replace(tzinfo=None)
