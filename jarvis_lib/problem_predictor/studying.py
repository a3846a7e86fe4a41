"""What does the night learn from the metrics? The whole analysis with all members of the learners, as a study that the session writes down."""

from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from jarvis_lib.model.metric import named
from jarvis_lib.model.prose import plural
from jarvis_lib.model.study import Study
from jarvis_lib.problem_predictor import analysis
from jarvis_lib.problem_predictor.foreseeing import is_told
from jarvis_lib.problem_predictor.learners import Learners, learners
from jarvis_lib.store.place import Place
from jarvis_lib.store.samples import Samples
from jarvis_lib.store.store import Reader

SHOWN = 8
"""So many metrics get a chart: those of the forecasts and alarms that matter most."""


def study(reader: Reader, place: Place, *, now: datetime, seed: int, by: Learners | None = None) -> Study:
    """Forecasts, alarms and scores at `now`, with the frames that the notebook shows. Reads only; the same inputs give the same study.

    `reader` may stand on a snapshot; the samples are read from the workspace's files.
    """
    known = analysis.read_known(reader, now=now)
    samples = Samples(place.home)
    found = analysis.analyse(
        known,
        samples,
        place.settings.values["problems"],
        now=now,
        seed=seed,
        learners=by or learners(),
        boosted=True,
        off=place.settings.get("predictors", "off"),
    )
    told = [f for f in found.foreseen if is_told(f)]
    keys = list(dict.fromkeys([*(f.key for f in told), *(a.key for a in found.raised), *(f.key for f in found.foreseen)]))[:SHOWN]
    frames: dict[str, list[dict[str, Any]]] = {
        "forecasts": [_forecast(f) for f in found.foreseen],
        "alarms": [{"metric": a.key, "name": named(a.key), "at": _iso(a.at), "value": a.value, "score": a.score, "why": a.why} for a in found.raised],
        "history": [row for key in keys for row in _history(samples, key, now)],
        "scores": [asdict(s) for s in found.scores],
        "board": [dict(r) for r in known.board],
    }
    parts = [f"{plural(len(found.foreseen), 'metric')} forecast, {len(told)} of them with a crossing worth a word"]
    parts += [f"{plural(len(found.raised), 'alarm')}", f"{plural(len(found.scores), 'prediction')} scored"]
    said = "; ".join([", ".join(parts), *(n.removesuffix(".") for n in found.notes), *(w.removesuffix(".") for w in samples.warnings)]) + "."
    return Study("problem_predictor", now, seed, said, tuple(analysis.facts_of(found, known)), frames)


def _forecast(f: Any) -> dict[str, Any]:
    low, mid, high = f.hours or (None, None, None)
    weights = ", ".join(f"{name} {share:.0%}" for name, share in sorted(f.weights.items(), key=lambda w: -w[1]))
    row = {"metric": f.key, "name": named(f.key), "value": f.value, "limit": f.limit, "p": round(f.p, 4), "horizon_h": f.horizon_h}
    return row | {"low": low, "mid": mid, "high": high, "predict_linear_h": f.linear_h, "estimator": f.estimator, "weights": weights, "said": f.said}


def _history(samples: Samples, key: str, now: datetime) -> list[dict[str, Any]]:
    rows = samples.hours(key, since=now - timedelta(days=14), until=now)
    return [{"metric": key, "name": named(key), "at": _iso(r["at"]), "low": r["low"], "mid": r["mid"], "high": r["high"]} for r in rows]


def _iso(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"
