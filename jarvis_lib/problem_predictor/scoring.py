"""How did the predictions turn out? Forecasts are scored by the samples that came, alarms by what the person did. What nobody could see is void."""

import json
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from jarvis_lib.model.book import Row
from jarvis_lib.model.metric import KINDS, parts_of
from jarvis_lib.model.prediction import Score
from jarvis_lib.problem_predictor.alarms import PREDICTOR as ALARM

Medians = Callable[[str, datetime, datetime], Sequence[tuple[datetime, float]]]
"""The medians of five minutes of a metric in a span."""
SEEN_SHARE = 0.25
"""A forecast that did not come true counts only when the metric was measured in the last quarter of its time."""


def scores(due: Sequence[Row], medians: Medians, problems: dict[str, Row], fixes: Sequence[Row], *, now: datetime) -> list[Score]:
    """The scores of those of the unscored predictions that have resolved."""
    found = [_alarm(r, problems, fixes, now) if r["predictor"] == ALARM else _forecast(r, medians, fixes, now) for r in due]
    return [s for s in found if s is not None]


def _forecast(row: Row, medians: Medians, fixes: Sequence[Row], now: datetime) -> Score | None:
    detail = json.loads(row["detail"])
    kind = KINDS.get(parts_of(row["subject"])[0])
    end = min(now, row["due_at"])
    seen = [(at, v) for at, v in medians(row["subject"], row["made_at"], end) if at > row["made_at"]]
    crossed = next((at for at, v in seen if kind is not None and (v <= detail["limit"] if kind.falling else v >= detail["limit"])), None)
    mended = next((f["at"] for f in fixes if row["made_at"] < f["at"] <= end and f["problem"].endswith(":" + parts_of(row["subject"])[1])), None)
    if mended is not None and (crossed is None or mended < crossed):
        return Score(row["id"], False, None, "void")  # a fix came first: whether it would have crossed cannot be seen any more
    if crossed is not None:
        return Score(row["id"], True, (crossed - row["made_at"]).total_seconds() / 3600)
    if now < row["due_at"]:
        return None
    whole = row["due_at"] - row["made_at"]
    if not any(at > row["due_at"] - whole * SEEN_SHARE for at, _ in seen):
        return Score(row["id"], False, None, "void")
    # Its hours are at least the whole span: an interval that ended earlier has missed it, one that was cut at the span cannot be judged.
    hours = whole.total_seconds() / 3600
    return Score(row["id"], False, hours if row["high"] is not None and row["high"] < hours else None)


def _alarm(row: Row, problems: dict[str, Row], fixes: Sequence[Row], now: datetime) -> Score | None:
    subject = parts_of(row["subject"])[1]
    begin = row["made_at"] - timedelta(hours=1)
    if any(begin < f["at"] and f["problem"].endswith(":" + subject) for f in fixes):
        return Score(row["id"], True)
    known = problems.get(f"unusual:{row['subject']}")
    if known is not None and known["last_seen"] >= row["made_at"] and known["state"] in ("dismissed", "fixed"):
        return Score(row["id"], known["state"] == "fixed")
    return Score(row["id"], False, None, "void") if now >= row["due_at"] else None


def resolved(rows: Sequence[Row], key: str, make: Callable[..., Any]) -> list[Any]:
    """The forecasts of one metric that have resolved, as the forecaster wants them: what was said, and the hours that it took (None: not by then)."""
    own = [(r, json.loads(r["detail"]).get("quantiles")) for r in rows if r["subject"] == key]
    return [make(*quantiles, r["actual"] if r["happened"] else None) for r, quantiles in own if quantiles]
