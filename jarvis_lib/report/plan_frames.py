"""The plan, its windows and the contexts as frames and charts. Times in frames are the person's local clock, hours are real hours.

Every chart has its table twin: the frame that it is drawn from. An empty store gives empty frames and a chart that says so.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from jarvis_lib.build_scheduler import NextAnswer, load_said
from jarvis_lib.build_scheduler.foresight import SETTLED
from jarvis_lib.model.fact import moment
from jarvis_lib.model.prose import shorten
from jarvis_lib.model.study import Study
from jarvis_lib.store.place import Place
from jarvis_lib.store.snapshot import open_snapshot
from jarvis_lib.store.store import Reader

if TYPE_CHECKING:
    import altair as alt
    import polars as pl

BAND, INK, FREE, BOOKED, LATE = "#eef1f4", "#1b1f24", "#c9d1d9", "#0a5dab", "#b3261e"
KEPT_FREE = 0.35
"""How solid the part of a bar is that is kept free beyond the p50."""
CLOCK = "%a %H:%M"
LABEL_PX = 185
"""Fixed, or the font of the browser clips the labels."""
STATE_COLORS = {
    "sleeping": "#57606a",
    "gym": "#8a5200",
    "working": "#0a5dab",
    "weekend": "#1a7f37",
    "holiday": "#0f766e",
    "available": "#8c6bb1",
    "away": "#9a3b6c",
    "unknown": "#8c959f",
}

_COLUMNS = (
    "task",
    "title",
    "priority",
    "category",
    "hours",
    "window",
    "start",
    "end",
    "lane",
    "due",
    "code",
    "sentence",
    "reserve",
    "state",
    "part",
    "parts",
    "p50_share",
)


# --- frames --------------------------------------------------------------------------------------------------------------


def plan_frame(reader: Reader, zone: ZoneInfo, drawn: Study | None = None) -> "pl.DataFrame":
    """One row for each slot of the newest plan, or of the one that a study has `drawn`, then one for each task left out.

    `start`, `end` and `due` are on the local clock, null without a slot; `p50_end` is when it is done in half of the cases; `end` is the p80.
    """
    import polars as pl

    times = ("start", "end", "due")
    found = _local(reader.frame("build_scheduler.plan_rows").select(_COLUMNS), times, zone)
    if drawn is not None:
        rows = [row | {name: moment(row[name]) if row[name] else None for name in times} for row in drawn.frames["plan"]]
        schema = dict(found.schema) | dict.fromkeys(times, pl.Datetime("us", "UTC"))
        found = _local(pl.DataFrame([{c: row[c] for c in schema} for row in rows], schema=schema), times, zone)
    share = (pl.col("end") - pl.col("start")).dt.total_microseconds() * pl.col("p50_share")
    return found.with_columns(p50_end=pl.col("start") + pl.duration(microseconds=share.cast(pl.Int64)))


def booked(frame: "pl.DataFrame", zone: ZoneInfo) -> list[tuple[datetime, datetime]]:
    """The spans (aware) of a `plan_frame`'s slots, for `build_scheduler.windows_of`."""
    import polars as pl

    spans = frame.filter(pl.col("start").is_not_null()).select("start", "end").rows()
    return [(start.replace(tzinfo=zone), end.replace(tzinfo=zone)) for start, end in spans]


def load_line(frame: "pl.DataFrame", rows: Sequence[dict[str, Any]], now: datetime) -> str:
    """The line above the plan: how full the nights are, what is late, what has no place. `rows` are those of `build_scheduler.window_rows`."""
    import polars as pl

    late = frame.filter((pl.col("code") == "late") | pl.col("sentence").str.starts_with("LATE"))["task"].n_unique()
    unplaced = frame.filter(pl.col("start").is_null() & (pl.col("state") == "queued") & ~pl.col("code").is_in(list(SETTLED))).height
    return load_said(rows, late=late, unplaced=unplaced, now=now)


def windows_frame(rows: Sequence[dict[str, Any]], zone: ZoneInfo) -> "pl.DataFrame":
    """`build_scheduler.window_rows` as a frame: one row for each coming window, hours over all lanes."""
    import polars as pl

    schema: dict[str, Any] = {
        "key": pl.String,
        "kind": pl.String,
        "said": pl.String,
        "start": pl.Datetime("us", "UTC"),
        "end": pl.Datetime("us", "UTC"),
        "longest_h": pl.Float64,
        "hours": pl.Float64,
        "lane_hours": pl.Float64,
        "booked": pl.Float64,
        "free": pl.Float64,
        "current": pl.Boolean,
    }
    return _local(pl.DataFrame([{k: row[k] for k in schema} for row in rows], schema=schema), ("start", "end"), zone)


def blocks_frame(rows: Sequence[dict[str, Any]], zone: ZoneInfo) -> "pl.DataFrame":
    """`context_scheduler.upcoming` as a frame: one row for each stretch of one context."""
    import polars as pl

    schema: dict[str, Any] = {
        "state": pl.String,
        "start": pl.Datetime("us", "UTC"),
        "end": pl.Datetime("us", "UTC"),
        "hours": pl.Float64,
        "lanes": pl.Int64,
        "first": pl.String,
        "windows": pl.String,
    }
    flat = [row | {"windows": ", ".join(w["key"] for w in row["windows"])} for row in rows]
    return _local(pl.DataFrame([{k: row[k] for k in schema} for row in flat], schema=schema), ("start", "end"), zone)


def week_frame(summary: dict[str, Any]) -> "pl.DataFrame":
    """`context_scheduler.summary` as a frame: hours and attempts of this week for each context."""
    import polars as pl

    schema: dict[str, Any] = {
        "state": pl.String,
        "hours": pl.Float64,
        "hours_so_far": pl.Float64,
        "attempts": pl.Int64,
        "verified": pl.Int64,
        "work_hours": pl.Float64,
    }
    return pl.DataFrame([{k: row[k] for k in schema} for row in summary["contexts"]], schema=schema)


def counts_frame(stats: dict[str, Any]) -> "pl.DataFrame":
    """`build_scheduler.stats` as a frame of `what` and `figure`; a figure that has no denominator yet is null."""
    import polars as pl

    wanted = ("total", "queued", "completed", "failed", "ended", "completion_rate", "hours_queued", "hours_planned", "hours_real")
    rows = [{"what": name.replace("_", " "), "figure": None if stats[name] is None else float(stats[name])} for name in wanted]
    return pl.DataFrame(rows, schema={"what": pl.String, "figure": pl.Float64})


def scores_frame(reader: Reader, zone: ZoneInfo) -> "pl.DataFrame":
    """One row for each forecast that was scored: what was foreseen at the claim, and the hours that it took; `completed_at` on the local clock."""
    return _local(reader.frame("build_scheduler.scored"), ("made_at", "completed_at"), zone)


def groups_frame(stats: dict[str, Any], by: str) -> "pl.DataFrame":
    """`by_category` or `by_window` of `build_scheduler.stats` as a frame (`by` is `category` or `window`)."""
    import polars as pl

    schema: dict[str, Any] = {by: pl.String, "completed": pl.Int64, "failed": pl.Int64, "completion_rate": pl.Float64}
    schema |= {"hours_planned": pl.Float64, "hours_real": pl.Float64, "scored": pl.Int64, "held_p80": pl.Int64}
    return pl.DataFrame([{k: row[k] for k in schema} for row in stats[f"by_{by}"]], schema=schema)


def reliability_frame(scores: "pl.DataFrame") -> "pl.DataFrame":
    """For p10, p50, p80 and p90 of a `scores_frame` the share that should have held, the share that did, and an interval of 95 % for that.

    The interval is Wilson's. Without scores there are no rows.
    """
    import polars as pl

    from jarvis_lib.learning.routines import wilson_low

    schema: dict[str, Any] = {"quantile": pl.String, "promised": pl.Float64, "held": pl.Float64, "low": pl.Float64, "high": pl.Float64, "n": pl.Int64}
    rows, n = [], len(scores)
    for name, promised in (("p10", 0.1), ("p50", 0.5), ("p80", 0.8), ("p90", 0.9)):
        hits = int((scores["actual_h"] <= scores[name]).sum()) if n else 0
        if n:
            rows.append({"quantile": name, "promised": promised, "held": hits / n, "low": wilson_low(hits, n), "high": 1 - wilson_low(n - hits, n), "n": n})
    return pl.DataFrame(rows, schema=schema)


def choices_frame(answer: NextAnswer) -> "pl.DataFrame":
    """`build_scheduler.next_tasks` as a frame: chosen ones first, each with its reason."""
    import polars as pl

    schema: dict[str, Any] = {"chosen": pl.Boolean, "task": pl.String, "title": pl.String, "hours": pl.Float64, "why": pl.String}
    both = [(True, c) for c in answer.chosen] + [(False, c) for c in answer.passed]
    return pl.DataFrame([{"chosen": yes, "task": c.task, "title": c.title, "hours": c.hours, "why": c.sentence} for yes, c in both], schema=schema)


def _local(frame: "pl.DataFrame", columns: Sequence[str], zone: ZoneInfo) -> "pl.DataFrame":
    """UTC columns (naive or aware) as naive local clock times."""
    import polars as pl

    return frame.with_columns(
        pl.col(c).cast(pl.Datetime("us")).dt.replace_time_zone("UTC").dt.convert_time_zone(zone.key).dt.replace_time_zone(None) for c in columns
    )


# --- charts --------------------------------------------------------------------------------------------------------------


def gantt(
    frame: "pl.DataFrame", windows: "pl.DataFrame | None" = None, *, most: int = 30, now: datetime | None = None
) -> "alt.LayerChart | alt.FacetChart | alt.Chart":
    """The first `most` slots of a `plan_frame` over local time: solid to the p50, pale to the p80; bands are `windows`, a red tick is the due date.

    State is told in words beside the bar; a dashed rule is `now` (a time of the local clock).
    """
    import altair as alt
    import polars as pl

    slots = frame.filter(pl.col("start").is_not_null()).sort("start", "lane").head(most)
    if slots.is_empty():
        return _nothing("No plan yet: jarvis scheduler schedule")
    label = pl.struct("title", "task").map_elements(lambda row: f"{shorten(row['title'], 24)} {row['task'][:5]}", return_dtype=pl.String)
    part = pl.when((pl.col("parts") > 1) & (pl.col("part") == pl.col("parts"))).then(pl.format("{} parts", "parts")).otherwise(pl.lit(""))
    said = pl.col("code").replace_strict({"late": "LATE", "running": "runs", "pinned": "pinned", "bumped": "moved"}, default="")
    slots = slots.with_columns(label=label, mark=pl.concat_str([said, part], separator=" ").str.strip_chars())
    first, last = slots.select(pl.col("start").min(), pl.col("end").max()).row(0)
    axis = alt.Axis(labelLimit=LABEL_PX, minExtent=LABEL_PX, maxExtent=LABEL_PX, title=None)
    y = alt.Y("label:N", sort=slots["label"].unique(maintain_order=True).to_list(), axis=axis)
    times = [
        alt.Tooltip("start", format="%a %d %b %H:%M"),
        alt.Tooltip("p50_end", format="%H:%M", title="done by, in half of the cases"),
        alt.Tooltip("end", format="%H:%M", title="done by, in 8 of 10 cases"),
    ]
    color = alt.condition("datum.code == 'late'", alt.value(LATE), alt.value(BOOKED))
    base = alt.Chart(slots).encode(x=alt.X("start:T", title="Local time", axis=alt.Axis(format=CLOCK)), y=y, color=color)
    base = base.encode(tooltip=["title", "priority", "window", *times, "sentence"])
    pale = base.mark_bar(height=12, cornerRadius=2, opacity=KEPT_FREE).encode(x2="end:T")
    solid = base.mark_bar(height=12, cornerRadius=2).encode(x2="p50_end:T")
    words = (
        alt.Chart(slots)
        .mark_text(align="left", dx=4)
        .encode(x="end:T", y=y, text="mark", color=alt.condition("datum.code == 'late'", alt.value(LATE), alt.value(INK)))
    )
    layers = [*_bands(windows, first, last), pale, solid, words]
    dated = slots.filter(pl.col("due") <= last)
    if not dated.is_empty():  # an empty layer has no extent, and the browser's console would say so
        layers.append(alt.Chart(dated).mark_tick(color=LATE, thickness=2).encode(x="due:T", y=y))
    if now is not None and first <= now <= last:
        layers.append(alt.Chart(pl.DataFrame({"now": [now]})).mark_rule(color=INK, strokeDash=[4, 3]).encode(x="now:T"))
    title = "The plan: solid until half of such tasks are done, pale to the end of the time kept free"
    return alt.layer(*layers).properties(width=640, height={"step": 20}, title=title, background="transparent")


def local_clock(now: datetime, zone: ZoneInfo) -> datetime:
    """`now` as the frames have it: the local clock without a zone."""
    return now.astimezone(zone).replace(tzinfo=None)


def _bands(windows: "pl.DataFrame | None", first: Any, last: Any) -> "list[alt.Chart]":
    import altair as alt
    import polars as pl

    if windows is None:
        return []
    shown = windows.filter((pl.col("end") > first) & (pl.col("start") < last))
    shown = shown.with_columns(start=pl.max_horizontal("start", pl.lit(first)), end=pl.min_horizontal("end", pl.lit(last)))
    return [] if shown.is_empty() else [alt.Chart(shown).mark_rect(color=BAND).encode(x="start:T", x2="end:T", tooltip=["said"])]


def load_bars(windows: "pl.DataFrame") -> "alt.Chart":
    """Booked and free hours of each coming window, all lanes."""
    import altair as alt
    import polars as pl

    if windows.is_empty():
        return _nothing("No window is switched on in jarvis.toml")
    long = windows.unpivot(["booked", "free"], index=["said", "start"], variable_name="part", value_name="h")
    long = long.with_columns(rank=pl.when(pl.col("part") == "booked").then(0).otherwise(1))
    axis = alt.Axis(labelLimit=260, title=None)
    chart: alt.Chart = (
        alt.Chart(long)
        .mark_bar(height=14)
        .encode(
            y=alt.Y("said:N", sort=windows["said"].to_list(), axis=axis),
            x=alt.X("h:Q", title="Hours, side by side"),
            color=alt.Color("part:N", title=None, scale=alt.Scale(domain=["booked", "free"], range=[BOOKED, FREE])),
            order=alt.Order("rank:Q"),
            tooltip=["said", "part", alt.Tooltip("h", format=".1f", title="hours")],
        )
    )
    return chart.properties(width=520, height={"step": 20}, title="Room in the coming windows", background="transparent")


def reliability(frame: "pl.DataFrame") -> "alt.LayerChart | alt.FacetChart | alt.Chart":
    """A `reliability_frame`: how often each quantile held against how often it promised to; on the line both are the same."""
    import altair as alt
    import polars as pl

    if frame.is_empty():
        return _nothing("No forecast has been scored yet: one is with each attempt that finishes after a plan")
    share = alt.Scale(domain=[0, 1])
    percent = alt.Axis(format="%")
    line = alt.Chart(pl.DataFrame({"promised": [0.0, 1.0], "held": [0.0, 1.0]})).mark_line(color=FREE, strokeDash=[4, 4]).encode(x="promised:Q", y="held:Q")
    base = alt.Chart(frame).encode(x=alt.X("promised:Q", title="Promised", scale=share, axis=percent))
    bars = base.mark_rule(color=BOOKED, strokeWidth=2).encode(y=alt.Y("low:Q", title="Held", scale=share, axis=percent), y2="high:Q")
    dots = base.mark_circle(color=BOOKED, size=70, opacity=1).encode(y="held:Q", tooltip=["quantile", "promised", "held", "low", "high", "n"])
    words = base.mark_text(align="left", dx=8, color=INK).encode(y="held:Q", text="quantile")
    title = f"How often the forecasts of {frame['n'][0]:,} finished tasks held"
    return alt.layer(line, bars, dots, words).properties(width=360, height=300, title=title, background="transparent")


def context_bars(blocks: "pl.DataFrame") -> "alt.Chart":
    """The coming contexts over local time, named beside their bars."""
    import altair as alt

    chart: alt.Chart = (
        alt.Chart(blocks)
        .mark_bar(height=18)
        .encode(
            x=alt.X("start:T", title="Local time", axis=alt.Axis(format=CLOCK)),
            x2="end:T",
            y=alt.Y("state:N", title=None, sort=list(STATE_COLORS)),
            color=_by_state(),
            tooltip=["state", alt.Tooltip("start", format="%a %H:%M"), alt.Tooltip("end", format="%a %H:%M"), alt.Tooltip("hours", format=".1f"), "windows"],
        )
    )
    return chart.properties(width=640, height={"step": 26}, title="What is coming", background="transparent")


def week_bars(week: "pl.DataFrame") -> "alt.LayerChart | alt.FacetChart":
    """Hours of this week in each context, with the attempts that started in it."""
    import altair as alt
    import polars as pl

    said = pl.format("{} h, {} attempts", pl.col("hours").round(1), "attempts")
    shown = week.with_columns(said=said)
    base = alt.Chart(shown).encode(y=alt.Y("state:N", title=None, sort=list(STATE_COLORS)), x=alt.X("hours:Q", title="Hours this week"))
    bars = base.mark_bar(height=18).encode(color=_by_state(), tooltip=["state", "hours", "hours_so_far", "attempts", "verified"])
    words = base.mark_text(align="left", dx=4, color=INK).encode(text="said")
    return alt.layer(bars, words).properties(width=520, height={"step": 26}, title="This week", background="transparent")


def _by_state() -> "alt.Color":
    import altair as alt

    return alt.Color("state:N", legend=None, scale=alt.Scale(domain=list(STATE_COLORS), range=list(STATE_COLORS.values())))


def _nothing(sentence: str) -> "alt.Chart":
    import altair as alt
    import polars as pl

    one = pl.DataFrame({"said": [sentence]})
    chart: alt.Chart = alt.Chart(one).mark_text(color=INK, fontSize=14).encode(text="said")
    return chart.properties(width=640, height=60, background="transparent")


def as_of_or(as_of: str, now: datetime) -> datetime:
    """The moment that a notebook's `as_of` names (ISO 8601 with an offset or Z), or `now` when it is empty."""
    return moment(as_of) if as_of else now


@contextmanager
def reading(place: Place, snapshot: str) -> Iterator[Reader]:
    """A reader on the snapshot file, or on the store itself when `snapshot` is empty."""
    with open_snapshot(snapshot) if snapshot else place.store.reading() as reader:
        yield reader
