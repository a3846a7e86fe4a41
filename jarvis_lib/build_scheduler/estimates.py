"""How many hours will each open task really take? What finished attempts took teaches it; the plan writes it down, the others read it.

What counts: for each task its newest attempt that ran to its own end (outcome finished, verified or unverified). That is how long it takes when
it is done; whether the result is liked is another question. What failed, hung, was stopped or was refuted did other work than was asked for, and
of the attempts that their deadline ended only a lower bound is known. A resumable task counts with all its sittings.

Learning loads polars and scikit-learn, so only a plan that is written does it. `next`, `list` and the session read the table `estimates`;
a task that no plan has seen yet is taken for everybody's.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from jarvis_lib.model.book import Row
from jarvis_lib.model.plan import Forecast, Luck
from jarvis_lib.store.place import Place
from jarvis_lib.store.store import Reader

SEED = 20_26
MOVED = 0.05
"""A stored forecast is replaced when some quantile has moved by more than this share."""
LEFT = 0.1
QUANTILES = ("p10", "p50", "p80", "p90")


def forecasts(history_rows: Sequence[Row], open_rows: Sequence[Row], *, seed: int) -> dict[str, Forecast]:
    """The forecast of each open task (id, hours, category, priority, project) from finished ones (estimate_h, actual_h, …, completed_at)."""
    return learned(history_rows, open_rows, lanes=1, seed=seed)[0]


def learned(history_rows: Sequence[Row], open_rows: Sequence[Row], *, lanes: int, seed: int) -> tuple[dict[str, Forecast], Luck]:
    """`forecasts`, and what nights of so many lanes have in common and what drawn probabilities meant in them."""
    if not open_rows:
        return {}, Luck()
    import polars as pl

    from jarvis_lib.learning.effort import fit

    text: dict[str, Any] = {"category": pl.String, "priority": pl.String, "project": pl.String}
    past: dict[str, Any] = {"estimate_h": pl.Float64, "actual_h": pl.Float64, **text, "completed_at": pl.Datetime("us", "UTC")}
    history = pl.DataFrame([[r[c] for c in past] for r in history_rows], schema=past, orient="row")
    asked: dict[str, Any] = {"id": pl.String, "estimate_h": pl.Float64, **text}
    rows = [[r["id"], r["hours"], r["category"], r["priority"], r["project"]] for r in open_rows]
    effort = fit(history, seed=seed)
    said = effort.predict(pl.DataFrame(rows, schema=asked, orient="row")).iter_rows(named=True)
    own = {r["id"]: Forecast(_rounded(r["p10"]), _rounded(r["p50"]), _rounded(r["p80"]), _rounded(r["p90"]), r["why"]) for r in said}
    return own, effort.luck(lanes=lanes) if effort.n else Luck()


def moved(place: Place, *, seed: int = SEED) -> tuple[dict[str, Forecast], Luck]:
    """`moved_of` what stands in the store now. The store is not held while it learns."""
    with place.store.reading() as reader:
        known = _known(reader)
    return _moved(*known, lanes=place.settings.get("night", "lanes"), seed=seed)


def moved_of(reader: Reader, *, lanes: int, seed: int) -> tuple[dict[str, Forecast], Luck]:
    """What is learned of the open tasks and not stored yet, or stored differently, and of nights; on an open reader or a snapshot.

    A forecast that has moved by less than MOVED is left as it was, so that a plan is not shuffled for minutes.
    """
    return _moved(*_known(reader), lanes=lanes, seed=seed)


def _known(reader: Reader) -> tuple[list[Row], list[Row], dict[str, Row]]:
    history, tasks = reader.rows("build_scheduler.finished_hours"), reader.rows("build_scheduler.open_hours")
    return history, tasks, {row["task"]: row for row in reader.rows("build_scheduler.estimates")}


def _moved(history: list[Row], tasks: list[Row], old: Mapping[str, Row], *, lanes: int, seed: int) -> tuple[dict[str, Forecast], Luck]:
    found, luck = learned(history, tasks, lanes=lanes, seed=seed)
    return {i: f for i, f in found.items() if i not in old or _has_moved(f, old[i])}, luck


def luck_of(reader: Reader) -> Luck:
    """What the newest plan has learned of nights; nothing yet where no task has finished."""
    row = reader.one("build_scheduler.luck")
    return Luck(row["shared"], row["shift"], row["slope"]) if row else Luck()


def facts(new: Mapping[str, Forecast]) -> list[dict[str, Any]]:
    """`new` as the fact `plan.made` holds it, by task."""
    return [{"task": i, **{q: getattr(f, q) for q in QUANTILES}, "why": f.why} for i, f in sorted(new.items())]


def stored(row: Row) -> Forecast | None:
    """The forecast in a row that has the columns of `estimates`, or None when no plan has written one."""
    return None if row["p80"] is None else Forecast(row["p10"], row["p50"], row["p80"], row["p90"], row["forecast_why"])


def left(hours: float, done_h: float) -> float:
    """What is left of `hours` after sittings of `done_h`: never less than LEFT of the whole, since nobody knows that it is nearly done."""
    return max(hours - done_h, LEFT * hours)


def rest(forecast: Forecast | None, done_h: float) -> Forecast | None:
    """The forecast of what is left of a task that has paused."""
    if forecast is None:
        return None
    p10, p50, p80, p90 = (left(hours, done_h) for hours in (forecast.p10, forecast.p50, forecast.p80, forecast.p90))
    return Forecast(p10, p50, p80, p90, f"{forecast.why} {done_h:.1f} h of it are done.")


def _rounded(hours: float) -> float:
    """Four figures are enough, and rounding keeps the order."""
    return float(f"{hours:.4g}")


def _has_moved(new: Forecast, old: Row) -> bool:
    return any(abs(getattr(new, q) / old[q] - 1) > MOVED for q in QUANTILES)


# --- what became of them -------------------------------------------------------------------------------------------------


def calibration(reader: Reader) -> Row:
    """How the forecasts that were written before the attempt turned out: `scored`, how many of p50, p80 and p90 held, in words; and by group.

    `by_category` and `by_window` (kind of the session's window) have, for each: completed and failed tasks with their rate, hours planned
    and real of the completed ones, scored forecasts and how many of p80 held.
    """
    rows = reader.rows("build_scheduler.by_group")
    total = next((r for r in rows if r["grouped"] == "all"), None)
    counts = {"scored": 0, "held_p50": 0, "held_p80": 0, "held_p90": 0} if total is None else {k: total[k] for k in _COUNTED}
    return {
        "forecasts": counts | {"said": held_said(counts)},
        "by_category": [_group(r, "category") for r in rows if r["grouped"] == "category"],
        "by_window": [_group(r, "window") for r in rows if r["grouped"] == "window"],
    }


_COUNTED = ("scored", "held_p50", "held_p80", "held_p90")


def _group(row: Row, name: str) -> Row:
    ended = row["completed"] + row["failed"]
    shown = {k: row[k] for k in ("completed", "failed", "hours_planned", "hours_real", "scored", "held_p80")}
    return {name: row["word"], **shown, "completion_rate": row["completed"] / ended if ended else None}


def held_said(counts: Mapping[str, int]) -> str:
    """`41 of 50 took no longer than foreseen (82%; 80% is the aim)`: how often the p80 held."""
    n, held = counts["scored"], counts["held_p80"]
    return f"{held} of {n} took no longer than foreseen ({held / n:.0%}; 80% is the aim)" if n else "no forecast has been scored yet"
