"""What is watched, how near is it to its limit, and what became of the problems? Frames and one chart for `problem_predictor.ipynb`.

Reads only: a frame never scans into the store and never fixes.
"""

from datetime import datetime
from typing import TYPE_CHECKING, Any

from jarvis_lib import problem_predictor
from jarvis_lib.model.fact import moment
from jarvis_lib.model.prose import clean, plural
from jarvis_lib.store.place import Place

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


def known(place: Place, *, now: datetime) -> "pl.DataFrame":
    """One row for each problem ever found, open ones first; times in the zone of the person."""
    import polars as pl

    time = pl.Datetime("us", str(place.zone))
    words, times = ("problem", "severity", "standing", "fix", "fix_said"), ("first_seen", "last_seen", "fixed_at")
    schema: dict[str, Any] = dict.fromkeys(words, pl.String()) | dict.fromkeys(times, time)
    rows = [
        {
            "problem": clean(r["what"]),
            "severity": r["severity"],
            "standing": r["standing"],
            "fix": r["fix"],
            "fix_said": clean(r["fix_said"] or ""),
        }
        | {k: r[k].astimezone(place.zone) if r[k] else None for k in times}
        for r in problem_predictor.listed(place, now=now)
    ]
    return pl.DataFrame(rows, schema=schema)


def said(watched: "pl.DataFrame", known: "pl.DataFrame") -> str:
    """Both frames in one sentence."""
    over = watched.filter(watched["standing"] == "over").height
    states = {word: known.filter(known["standing"] == word).height for word in ("open", "came back", "watching", "held")}
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


def _load(row: dict[str, Any]) -> float | None:
    """1.0 = at the limit. A disk counts by what is used, since its limit is what must stay free."""
    if row["value"] is None or not row["limit"]:
        return None
    if row["kind"] == "disk":
        return float((1 - row["value"]) / (1 - row["limit"]))
    return float(row["value"] / row["limit"])


def _standing(row: dict[str, Any]) -> str:
    return "not measured" if row["over"] is None else "over" if row["over"] else "within"
