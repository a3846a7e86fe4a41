"""Why is this a problem? Everything that is known of one: its evidence with a line of its past, who predicted it, how good that was before, its fixes."""

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from jarvis_lib.model.book import Row
from jarvis_lib.model.metric import named, parts_of, shown
from jarvis_lib.model.problem import PREDICTED
from jarvis_lib.model.prose import better, chance, clean, plural, spell
from jarvis_lib.problem_predictor.rules import standing
from jarvis_lib.problem_predictor.verbs import the_one
from jarvis_lib.store.place import Place
from jarvis_lib.store.samples import Samples

_BARS = "▁▂▃▄▅▆▇█"
_WIDTH = 60
PREDICTORS = {"crossing": "capacity", "unusual": "anomaly"}


def explain(place: Place, key: str, *, now: datetime) -> dict[str, Any]:
    """All about one problem: its row with evidence and standing, its metric's last three days, its predictions, scores and fixes, and `lines` for people.

    `key` may be a part of it that fits only one.
    """
    with place.store.reading() as reader:
        rows = {r["key"]: r for r in reader.rows("problem_predictor.listed")}
        row = rows[the_one(key, list(rows))]
        metric = str(json.loads(row["evidence"]).get("metric") or f"{_KIND_OF.get(row['kind'], row['kind'])}:{row['subject']}")
        said = reader.rows("problem_predictor.said_of", subject=metric)
        fixes = reader.rows("problem_predictor.fixes_of", problem=row["key"])
        board = [r for r in reader.rows("problem_predictor.scores") if r["predictor"] == PREDICTORS.get(row["kind"])]
    evidence = json.loads(row["evidence"])
    past = Samples(place.home).medians(metric, since=now - timedelta(days=3), until=now)
    points = [[f"{at:%Y-%m-%dT%H:%M:%SZ}", value] for at, value in past] or evidence.get("points", [])
    full = row | {"evidence": evidence, "standing": standing(row, now=now)}
    return {
        "problem": full,
        "metric": metric,
        "points": points,
        "predictions": said,
        "scores": board,
        "fixes": fixes,
        "lines": lines(full, metric, points, said, board, fixes),
    }


_KIND_OF = {"oversized_log": "log", "bloated_database": "database", "full_disk": "disk"}


def lines(row: Row, metric: str, points: Sequence[Sequence[Any]], said: Sequence[Row], board: Sequence[Row], fixes: Sequence[Row]) -> list[str]:
    """The same for people, the most important first."""
    kind, evidence = parts_of(metric)[0], row["evidence"]
    out = [
        clean(row["what"]),
        "",
        f"Stands      {row['standing']}, {row['severity']}, told {plural(row['seen'], 'time')} since {row['first_seen']:%Y-%m-%d %H:%M} UTC",
    ]
    if row["kind"] in PREDICTED:
        out.append(f"Probability {chance(row['probability'])}")
    out += [f"Hurts       {row['blast']}"] if row["blast"] else []
    out.append(f"Suggested   {row['suggested']} ({'safe: done without asking' if row['safe'] else 'for you to do'})")
    if len(points) > 2:
        values = [float(v) for _, v in points]
        out += [
            "",
            f"{named(metric)}, {points[0][0][:16]} to {points[-1][0][:16]} UTC: {shown(kind, min(values))} to {shown(kind, max(values))}",
            "  " + sparkline(values),
        ]
    out += _model(evidence)
    if board:
        out += ["", "How good were such predictions?", *(f"  {scored(r)}" for r in board)]
    if said:
        out += ["", "What was said of it before:", *(f"  {_told(r)}" for r in said[:6])]
    if fixes:
        out += ["", "Fixes:", *(f"  {f['at']:%Y-%m-%d %H:%M} {clean(f['said'])}{' (undone)' if f['undone_at'] else ''}" for f in fixes)]
    return out


def sparkline(values: Sequence[float], width: int = _WIDTH) -> str:
    """A line of block characters, lowest to highest; a level one when nothing changes."""
    step = max(len(values) / width, 1.0)
    cut = [values[int(i * step) : max(int((i + 1) * step), int(i * step) + 1)] for i in range(min(width, len(values)))]
    means = [sum(part) / len(part) for part in cut if part]
    low, high = min(means), max(means)
    if high - low <= 1e-12 * max(abs(high), 1e-12):
        return _BARS[0] * len(means)
    return "".join(_BARS[round((v - low) / (high - low) * (len(_BARS) - 1))] for v in means)


def scored(row: Row) -> str:
    """One row of the scoreboard as a sentence."""
    rate = "no crossing told yet" if row["hit_rate"] is None else f"{row['hits']} of {row['told']} that were told came true"
    parts = [f"{row['estimator']}: {row['n']} scored, {rate}"]
    if row["coverage"] is not None:
        parts.append(f"the 80 % interval held {row['coverage']:.0%} of {row['n_covered']}")
    if row["lead_h"] is not None:
        parts.append(f"told {spell(row['lead_h'])} ahead")
    parts.append(f"{row['false_per_week']:.2f} false a week")
    if row["base_false_per_week"] is not None:
        parts.append(f"a straight line {row['base_false_per_week']:.2f}")
    return ", ".join(parts) + (f"; {better(row['skill'])} the baseline" if row["skill"] is not None else "")


def _model(evidence: dict[str, Any]) -> list[str]:
    out = []
    if evidence.get("estimator"):
        weights = ", ".join(f"{name} {share:.0%}" for name, share in evidence.get("weights", {}).items())
        out += ["", f"Estimator   {evidence['estimator']}" + (f" ({weights})" if weights else "")]
    if "linear_h" in evidence:
        linear = evidence["linear_h"]
        out.append(f"Baseline    a straight line: {'no crossing' if linear is None or linear < 0 else 'in ' + spell(linear)}")
    if evidence.get("pvalues"):
        strongest = sorted(evidence["pvalues"].items(), key=lambda p: p[1])[:3]
        out.append("P-values    " + ", ".join(f"{name} {p:.2g}" for name, p in strongest) + f"; taught by {evidence.get('taught', 0)} of your answers")
    return out


def _told(row: Row) -> str:
    how = "open" if row["scored_at"] is None else "void" if row["how"] == "void" else "it came" if row["happened"] else "it did not come"
    took = f" after {spell(row['actual'])}" if row["happened"] and row["actual"] is not None else ""
    return f"{row['made_at']:%Y-%m-%d %H:%M} {chance(row['p'])} by {row['due_at']:%Y-%m-%d}: {clean(row['said'])} ({how}{took})"
