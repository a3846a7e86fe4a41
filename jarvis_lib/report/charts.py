"""How does it look? Altair charts over the frames, and a renderer that draws them in JupyterLab without a network.

Every chart takes a frame (which is its table twin) and says in words when there is nothing to draw. Altair's own renderers load
scripts from elsewhere or emit a type that papermill refuses; ours emits what JupyterLab ships, and an SVG beside it.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import altair as alt
    import polars as pl

INK, MUTED = "#1b1f24", "#57606a"
COLORS = {"verified": "#1a7f37", "unverified": "#8a5200", "hollow": "#b3261e", "refuted": "#b3261e", "none": "#57606a", "running": "#0a5dab"}
SIGNS = {"verified": "✓ verified", "unverified": "? unverified", "hollow": "✗ hollow", "refuted": "✗ refuted", "running": "… running"}
LABEL_PX = 220
MIME = "application/vnd.vegalite.v5+json"
SCHEMA = "https://vega.github.io/schema/vega-lite/v5.json"


ROWS, LETTERS = 60, 240
"""Of a table in a notebook: what is longer is cut, and says so."""


def enable() -> None:
    """From now on charts draw offline: in JupyterLab (also in a notebook that is not trusted), and as SVG everywhere else.

    Tables show whole sentences, and no types of columns.
    """
    import altair as alt
    import polars as pl

    pl.Config.set_tbl_rows(ROWS)
    pl.Config.set_fmt_str_lengths(LETTERS)
    pl.Config.set_tbl_hide_column_data_types(True)
    pl.Config.set_tbl_hide_dataframe_shape(True)

    alt.renderers.register("jarvis", render)
    alt.renderers.enable("jarvis")


def render(spec: dict[str, Any], **_: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """The MIME bundle of one chart: Vega-Lite as JupyterLab knows it, an SVG, and a word. `$schema` is a name; nothing is fetched."""
    import vl_convert

    from jarvis_lib.report.headings import pointed

    pointed(spec)
    drawn = vl_convert.vegalite_to_svg(spec)
    title = spec.get("title")
    named = title.get("text") if isinstance(title, dict) else title
    return {MIME: {**spec, "$schema": SCHEMA}, "image/svg+xml": drawn, "text/plain": f"<chart: {named}>" if named else "<chart>"}, {}


def night(attempts: "pl.DataFrame") -> "alt.LayerChart | alt.FacetChart | alt.Chart":
    """The attempts of a `frames.last_night` over local time; the verdict stands beside each bar as sign and word."""
    import altair as alt
    import polars as pl

    shown = _spans(attempts)
    if shown.is_empty():
        return nothing("No attempt was started.")
    axis = alt.Axis(labelLimit=LABEL_PX, minExtent=LABEL_PX, maxExtent=LABEL_PX, title=None)
    y = alt.Y("label:N", sort=shown["label"].to_list(), axis=axis)
    scale = alt.Scale(domain=list(COLORS), range=list(COLORS.values()))
    tooltip = ["title", "verdict", "verdict_why", "said", alt.Tooltip("start", format="%a %H:%M:%S"), alt.Tooltip("end", format="%a %H:%M:%S")]
    time = alt.X("start:T", title="Local time", axis=alt.Axis(format="%H:%M"))
    color = alt.Color("verdict:N", scale=scale, legend=None)
    bars = alt.Chart(shown).mark_bar(height=14, cornerRadius=2).encode(x=time, x2="end:T", y=y, color=color, tooltip=tooltip)
    words = alt.Chart(shown).mark_text(align="left", dx=5, color=INK).encode(x="end:T", y=y, text="said")
    title = f"Last night: {shown.filter(pl.col('verdict') == 'verified').height} of {shown.height} attempts verified"
    return alt.layer(bars, words).properties(width=520, height={"step": 26}, title=title, background="white")


def _spans(attempts: "pl.DataFrame") -> "pl.DataFrame":
    """The attempts with `start`, `end` (naive local times), `label` and the words beside the bar; what still runs ends where it started."""
    import polars as pl

    naive = [pl.col(c).dt.replace_time_zone(None).alias(n) for c, n in (("claimed_at", "start"), ("ended_at", "end"))]
    verdict = pl.when(pl.col("ended_at").is_null()).then(pl.lit("running")).otherwise(pl.col("verdict"))
    shown = attempts.with_columns(*naive, verdict=verdict).with_columns(end=pl.col("end").fill_null(pl.col("start")))
    said = pl.col("verdict").replace(SIGNS)
    said = pl.when(pl.col("verdict") == "none").then(pl.format("✗ {}", pl.col("outcome").str.replace("_", " "))).otherwise(said)
    label = pl.concat_str(pl.col("title").str.slice(0, 26), pl.lit(" "), pl.col("task").str.slice(0, 5), pl.lit(" #"), pl.col("n").cast(pl.String))
    columns = ("label", "title", "start", "end", "verdict", "verdict_why", "said")
    return shown.with_columns(said=said, label=label).select(columns).sort("start")


def states(tasks: "pl.DataFrame") -> "alt.LayerChart | alt.FacetChart | alt.Chart":
    """How many tasks are in each state, counted beside the bar."""
    import altair as alt

    if tasks.is_empty():
        return nothing("No task yet: jarvis add")
    counted = tasks.group_by("state").len("tasks").sort("tasks", descending=True)
    y = alt.Y("state:N", sort=counted["state"].to_list(), title=None)
    base = alt.Chart(counted).encode(y=y, x=alt.X("tasks:Q", title="Tasks", axis=alt.Axis(tickMinStep=1)))
    bars = base.mark_bar(height=16, color=COLORS["running"]).encode(tooltip=["state", "tasks"])
    words = base.mark_text(align="left", dx=4, color=INK).encode(text="tasks")
    return alt.layer(bars, words).properties(width=420, height={"step": 24}, title="Tasks by state", background="white")


def nothing(sentence: str) -> "alt.Chart":
    """A chart that says why it is empty."""
    import altair as alt
    import polars as pl

    chart: alt.Chart = alt.Chart(pl.DataFrame({"said": [sentence]})).mark_text(color=MUTED, fontSize=14).encode(text="said")
    return chart.properties(width=520, height=60, background="white")
