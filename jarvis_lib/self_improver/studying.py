"""The night's step: one look at Jarvis itself as a study, whose facts the session checks and writes. Reads only."""

from dataclasses import asdict
from datetime import datetime
from typing import Any

from jarvis_lib.model.fact import stamp
from jarvis_lib.model.prose import plural
from jarvis_lib.model.study import Study
from jarvis_lib.self_improver import figures
from jarvis_lib.self_improver.looking import Look, look, observations
from jarvis_lib.store.place import Place
from jarvis_lib.store.store import Reader


def study(reader: Reader, place: Place, *, now: datetime, seed: int) -> Study:
    """Weaknesses found and closed, new suggestions and finished measurements as facts, and the frames of the notebook.

    The same store, `now` and `seed` give the same study; once its facts are written, the same moment gives none.
    """
    seen = look(reader, place, now=now, seed=seed)
    since = figures.span(place.settings.get("improver", "look_days"), now)
    frames = {
        "weaknesses": [_weak(w.to_json()) for w in seen.weaknesses],
        "proposals": [{"id": p.id, "kind": p.kind, "title": p.title, "why": p.why} for p in seen.proposals],
        "improvements": _improvements(reader, seen, now),
        "decisions": figures.decisions(reader, observations(reader, place, since=since, until=now), since=since, now=now),
        "scoreboard": [{k: r[k] for k in _BOARD} for r in figures.scoreboard(reader, now=now)],
    }
    return Study("self_improver", now, seed, _said(seen), seen.facts, frames)


_BOARD = ("predictor", "estimator", "n", "brier", "base_brier", "skill", "coverage", "coverage_due", "n_covered", "precision", "n_said", "lead_h", "said")


def _weak(row: dict[str, Any]) -> dict[str, Any]:
    flat = {k: row[k] for k in ("key", "measure", "subject", "said", "severity", "n", "value", "low", "high")}
    bounds = {"healthy_low": row["healthy"][0], "healthy_high": row["healthy"][1]}
    trend = {"trend": row["trend"]["word"], "before": row["trend"]["before"], "recent": row["trend"]["now"]}
    return flat | bounds | trend | {"gone_when": row["test"]["said"]}


def _improvements(reader: Reader, seen: Look, now: datetime) -> list[dict[str, Any]]:
    running = {m.id: m for m in seen.measured}
    rows = []
    for r in reader.rows("self_improver.improvements"):
        if r["proposed_at"] > now:
            continue
        own = running.get(r["id"])
        effect = asdict(own.effect) if own and own.effect else {k: r[k] for k in ("verdict", "effect", "low", "high", "value_before", "value_after")}
        said = own.said if own else r["measured_said"] or r["ended_said"]
        head = {"id": r["id"], "kind": r["kind"], "title": r["title"], "measure": r["measure"], "subject": r["subject"], "state": r["state"]}
        times = {"decided_at": stamp(r["decided_at"]) if r["decided_at"] else None}
        rows.append(head | times | {k: effect[k] for k in ("verdict", "effect", "low", "high", "value_before", "value_after")} | {"said": said})
    return rows


def _said(seen: Look) -> str:
    kinds = [kind for kind, _ in seen.facts]
    parts = [
        f"{plural(len(seen.weaknesses), 'weakness', 'weaknesses')} in {plural(seen.observations, 'observation')}",
        f"{kinds.count('weakness.closed')} closed" if "weakness.closed" in kinds else "",
        f"{kinds.count('improvement.proposed')} newly suggested" if "improvement.proposed" in kinds else "",
        f"{kinds.count('improvement.measured')} measured" if "improvement.measured" in kinds else "",
    ]
    return ", ".join(p for p in parts if p) if seen.observations else "nothing measured yet: needs a few weeks of sessions, decisions or scored forecasts"
