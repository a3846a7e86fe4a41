"""What is there to see? One chart for each question, drawn from the frames that a call fetches; `jarvis.charts.plan()` and so on.

Each returns an Altair chart, which draws in JupyterLab without a network. The same numbers stand in the frame of the same name.
"""

from typing import TYPE_CHECKING, Any

from jarvis_lib.lab import frames as asked
from jarvis_lib.lab.desk import desk
from jarvis_lib.report import charts, frames, pattern_frames, plan_frames, problem_frames

if TYPE_CHECKING:
    import polars as pl

ALL = ("states", "night", "plan", "windows", "context", "estimates", "history", "problems", "patterns", "routines", "predictions", "metrics")
"""Every chart that there is."""


def states() -> Any:
    """How many tasks are in each state; of `jarvis.tasks()`."""
    return charts.states(asked.tasks("", ""))


def night() -> Any:
    """The attempts of the newest session over local time; of `jarvis.attempts()`."""
    own = desk()
    with own.reading() as reader:
        return charts.night(frames.last_night(reader, zone=own.place.zone))


def plan() -> Any:
    """The slots of the newest plan over local time, solid to the p50 and pale to the p80; of `jarvis.plan()`."""
    own = desk()
    with own.reading() as reader:
        found = plan_frames.plan_frame(reader, own.place.zone)
    return plan_frames.gantt(found, _windows(found), now=plan_frames.local_clock(own.now(), own.place.zone))


def windows() -> Any:
    """Booked and free hours of each coming window."""
    own = desk()
    with own.reading() as reader:
        found = plan_frames.plan_frame(reader, own.place.zone)
    return plan_frames.load_bars(_windows(found))


def context(hours: float = 24.0) -> Any:
    """What you will be doing in the coming hours, as far as Jarvis can tell."""
    from jarvis_lib import context_scheduler

    own = desk()
    return plan_frames.context_bars(plan_frames.blocks_frame(context_scheduler.upcoming(own.place, now=own.now(), hours=hours), own.place.zone))


def estimates() -> Any:
    """Do the forecasts of hours hold? What each quantile promised against how often it held."""
    own = desk()
    with own.reading() as reader:
        scores = plan_frames.scores_frame(reader, own.place.zone)
    return plan_frames.reliability(plan_frames.reliability_frame(scores))


def history() -> Any:
    """Planned hours against hours that it took, one dot for each attempt; drag over dots, and the bars count the verdicts of those alone."""
    import altair as alt
    import polars as pl

    found = asked.attempts("").filter(pl.col("seconds").is_not_null() & (pl.col("seconds") > 0))
    if found.is_empty():
        return charts.nothing("No attempt has ended yet.")
    shown = found.select(
        "title", "category", "outcome", "verdict", "planned_hours", pl.col("ended_at").dt.replace_time_zone(None), took=pl.col("seconds") / 3600
    )
    brush = alt.selection_interval(name="chosen")
    scale = alt.Scale(domain=list(charts.COLORS), range=list(charts.COLORS.values()))
    color = alt.Color("verdict:N", scale=scale, legend=None)
    log = alt.Scale(type="log", nice=True)
    tooltip = ["title", "category", "outcome", "verdict", "planned_hours", "took", alt.Tooltip("ended_at", format="%a %d %b %H:%M")]
    dots = alt.Chart(shown).mark_point(filled=True, size=60, opacity=0.8)
    dots = dots.encode(
        x=alt.X("planned_hours:Q", scale=log, title="Planned hours"),
        y=alt.Y("took:Q", scale=log, title="Hours that it took"),
        color=alt.when(brush).then(color).otherwise(alt.value(charts.MUTED)),
        tooltip=tooltip,
    )
    bars = alt.Chart(shown).mark_bar(height=16).transform_filter(brush)
    bars = bars.encode(y=alt.Y("verdict:N", title=None), x=alt.X("count():Q", title="Attempts chosen", axis=alt.Axis(tickMinStep=1)), color=color)
    both = alt.vconcat(dots.add_params(brush).properties(width=480, height=240), bars.properties(width=480, height={"step": 22}))
    return both.properties(title="Planned and real hours (drag to choose)", background="white")


def problems() -> Any:
    """How near each watched thing is to its limit."""
    own = desk()
    return problem_frames.load_chart(problem_frames.watched(own.place, now=own.now()))


def patterns() -> Any:
    """How often each pattern held on later days, the least that this shows, and what guessing hits; of `jarvis.patterns()`."""
    own = desk()
    with frames.at_leisure(own.place, str(own.snapshot or "")) as reader:
        found = pattern_frames.learned(reader, own.place, now=own.now())
    return pattern_frames.share_chart(pattern_frames.patterns_frame(found, own.place.zone))


def routines() -> Any:
    """Every event by the hour of the day, a row for each day of the week."""
    own = desk()
    with own.reading() as reader:
        found = pattern_frames.events_frame(reader, own.place, now=own.now())
    return pattern_frames.week_chart(found)


def predictions() -> Any:
    """What was said against what came, in tenths of the probability, one line for each predictor; of `jarvis.predictions()`."""
    import altair as alt
    import polars as pl

    found = asked.predictions("").filter(pl.col("happened").is_not_null() & pl.col("p").is_not_null() & (pl.col("how") != "void"))
    if found.is_empty():
        return charts.nothing("No prediction has resolved yet.")
    tenth = ((pl.col("p") * 10).floor().clip(0, 9) / 10 + 0.05).alias("tenth")
    shown = found.group_by("predictor", tenth).agg(said=pl.col("p").mean(), came=pl.col("happened").mean(), n=pl.len()).sort("predictor", "said")
    share = alt.Scale(domain=[0, 1])
    base = alt.Chart(shown).encode(
        x=alt.X("said:Q", scale=share, title="Said", axis=alt.Axis(format="%")),
        y=alt.Y("came:Q", scale=share, title="Came", axis=alt.Axis(format="%")),
        color=alt.Color("predictor:N", title=None, legend=alt.Legend(orient="top")),
        tooltip=["predictor", alt.Tooltip("said", format=".0%"), alt.Tooltip("came", format=".0%"), "n"],
    )
    even = alt.Chart(pl.DataFrame({"x": [0.0, 1.0]})).mark_line(color=charts.MUTED, strokeDash=[4, 4]).encode(x="x:Q", y="x:Q")
    dots = base.mark_point(filled=True).encode(size=alt.Size("n:Q", title="Predictions", legend=None))
    return alt.layer(even, base.mark_line(), dots).properties(width=360, height=300, title="Said and came; on the line both are the same", background="white")


def metrics(metric: str = "", since: str = "7d") -> Any:
    """A metric over local time (empty: the first that has numbers); of `jarvis.metrics()`."""
    import altair as alt
    import polars as pl

    found = asked.metrics(metric, since, by="1h")
    if found.is_empty():
        return charts.nothing("There are no numbers yet: jarvis problems scan")
    name = metric or found["metric"][0]
    shown = found.filter(pl.col("metric") == name).with_columns(pl.col("at").dt.replace_time_zone(None))
    line = alt.Chart(shown).mark_line(point=shown.height < 50, color=charts.COLORS["running"])
    encoded = line.encode(x=alt.X("at:T", title="Local time"), y=alt.Y("value:Q", title=name), tooltip=[alt.Tooltip("at", format="%a %d %b %H:%M"), "value"])
    return encoded.properties(width=520, height=200, title=f"{name}, means of hours", background="white")


def _windows(plan: "pl.DataFrame") -> "pl.DataFrame":
    from jarvis_lib import build_scheduler

    own = desk()
    with own.reading() as reader:
        rows = build_scheduler.windows_of(reader, own.place.settings, own.place.zone, now=own.now(), booked=plan_frames.booked(plan, own.place.zone))
    return plan_frames.windows_frame(rows, own.place.zone)
