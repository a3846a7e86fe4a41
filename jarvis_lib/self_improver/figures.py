"""How often was a decision right, and which predictor is worth listening to? Figures for `stats`, from rows; nothing is judged here."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from jarvis_lib.model.book import Row
from jarvis_lib.self_improver.intervals import wilson, z_of
from jarvis_lib.self_improver.measures import LEVEL, Observation
from jarvis_lib.store.store import Reader

WORDS = {"auto": "automatic", "ask": "asked", "escalate": "escalated", "refuse": "refused"}
LEAST_SCORED = 20


def decisions(reader: Reader, seen: Sequence[Observation], *, since: datetime, now: datetime) -> list[dict[str, Any]]:
    """Of the tasks decided in the span: the share of each verdict; of those asked about, the share with a yes; of what ran by itself, the share
    that was wrong (refuted or undone), each with Wilson's interval. A share of nothing is None."""
    counted = {r["verdict"]: r["tasks"] for r in reader.rows("self_improver.decisions", since=since, until=now)}
    total = sum(counted.values())
    rows = [_share(word, counted.get(verdict, 0), total, "tasks decided") for verdict, word in WORDS.items()]
    answered = [o for o in seen if o.measure == "same_answer"]
    rows.append(_share("asked and approved", round(sum(o.x for o in answered)), len(answered), "questions answered"))
    ran = [o for o in seen if o.measure == "wrongly_auto"]
    rows.append(_share("wrongly automatic", round(sum(o.x for o in ran)), len(ran), "results that ran without asking"))
    return rows


def _share(what: str, k: int, n: int, of: str) -> dict[str, Any]:
    low, high = wilson(k / n, n, z_of(LEVEL)) if n else (None, None)
    return {"what": what, "count": k, "of": n, "of_what": of, "share": k / n if n else None, "low": low, "high": high}


def scoreboard(reader: Reader, *, now: datetime) -> list[dict[str, Any]]:
    """One row for each predictor and estimator with what was scored; the hours' forecast (`effort`) stands among them with its p80.

    Skill is 1 - error / error of the simplest baseline: Brier scores, for effort the absolute logarithms of hours against the person's estimate.
    """
    rows = [_board(r) for r in reader.rows("self_improver.scoreboard", until=now)]
    own = reader.one("self_improver.effort", until=now)
    if own and own["n"]:
        skill = 1 - own["miss"] / own["base_miss"] if own["miss"] is not None and own["base_miss"] else None
        nothing = dict.fromkeys(("brier", "base_brier", "precision", "n_said", "lead_h"))
        figures = {"coverage": own["coverage"], "coverage_due": 0.8, "n_covered": own["n"], "skill": skill}
        rows.append({"predictor": "effort", "estimator": "hours", "n": own["n"], **nothing, **figures, "said": _worth(own["n"], skill)})
    return sorted(rows, key=lambda r: (r["predictor"], r["estimator"]))


def _board(row: Row) -> dict[str, Any]:
    return {**row, "coverage_due": 0.8 if row["n_covered"] else None, "said": _worth(row["n"], row["skill"])}


def _worth(n: int, skill: float | None) -> str:
    if n < LEAST_SCORED:
        return f"too few: {n} of {LEAST_SCORED}"
    if skill is None:
        return "no baseline"
    return f"{skill:+.0%} against the simplest baseline" if skill > 0 else "no better than the simplest baseline"


def span(look_days: int, now: datetime) -> datetime:
    """Where the look begins."""
    return now - timedelta(days=look_days)
