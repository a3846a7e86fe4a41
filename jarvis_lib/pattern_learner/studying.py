"""What did this night learn about routines? Scores of past predictions, what was learned or retired, the coming day's predictions, and what to prepare.

Reads only. The session writes the facts; the notebook shows the frames.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from jarvis_lib.model.book import Row
from jarvis_lib.model.pattern_rules import LEARNED_LOW
from jarvis_lib.model.prose import plural
from jarvis_lib.model.study import Study
from jarvis_lib.pattern_learner import predicting, suggesting
from jarvis_lib.pattern_learner.events import observed
from jarvis_lib.pattern_learner.mined import Pattern, learn
from jarvis_lib.store.place import Place
from jarvis_lib.store.store import Reader

Facts = list[tuple[str, dict[str, Any]]]
NEWS = 0.02
"""Figures of a learned pattern are written anew when its lower bound has moved by this much."""


@dataclass(frozen=True, slots=True)
class Look:
    """One look at everything: events, mined patterns, rows of the store, and the chances of the coming day."""

    events: Sequence[Row]
    learned: tuple[Pattern, ...]
    known: dict[str, Row]
    made: Sequence[Row]
    chances: list[predicting.Chance]
    said: str


def look(reader: Reader, place: Place, *, now: datetime, seed: int) -> Look:
    """What there is to decide on, at `now`."""
    events = observed(reader, place, since=now - predicting.MEMORY, until=now)
    mined = learn(events, place.zone, now=now)
    known = {r["id"]: r for r in reader.rows("pattern_learner.patterns")}
    day = predicting.day_after(now, place.zone)
    chances = predicting.chances_of(events, place.zone, day=day, now=now, seed=seed)
    return Look(events, mined.proved, known, reader.rows("pattern_learner.suggestions"), chances, mined.said)


def changes(seen: Look, *, now: datetime) -> Facts:
    """What was learned, with the figures that moved, and what is retired."""
    facts: Facts = []
    for pattern in seen.learned:
        old = seen.known.get(pattern.id)
        if old is None or old["state"] != "learned" or abs(old["low"] - pattern.low) >= NEWS:
            facts.append(("pattern.learned", {"pattern": fact_of(pattern)}))
    standing = {p.id for p in seen.learned}
    for key, row in seen.known.items():
        if row["state"] == "learned" and key not in standing:
            why = f"its lower bound fell below {LEARNED_LOW:.0%}, or it does not come at that time any more"
            facts.append(("pattern.retired", {"pattern": key, "why": why}))
    return facts


def fact_of(pattern: Pattern) -> dict[str, Any]:
    """The pattern as its fact holds it."""
    return {n: getattr(pattern, n) for n in ("id", "kind", "title", "when", "n", "occasions", "low", "base_rate", "said")}


def offers(seen: Look, place: Place, *, quiet: bool, now: datetime) -> list[suggesting.Offer]:
    """What to offer now, by the settings. A quiet predictor's probabilities are not asked; then the pattern's own share counts."""
    values = place.settings.values["patterns"]
    chances = {} if quiet else {c.kind: c for c in seen.chances}
    lead = timedelta(hours=min(values["lead_hours"], 4.0))
    return suggesting.offers(seen.learned, seen.known, seen.made, chances, worth=values["worth_minutes"], cost=values["cost_minutes"], lead=lead, now=now)


def settled(seen: Look, place: Place, *, now: datetime) -> Facts:
    """Whether the needs came for which something was offered."""
    came = {(predicting.kind(r), r["added_at"].astimezone(place.zone).date().isoformat()) for r in seen.events}
    return suggesting.settled(seen.made, seen.known, came, place, now=now)


def study(reader: Reader, place: Place, *, now: datetime, seed: int) -> Study:
    """The night's step: reads, decides, and hands back facts and frames. Writes nothing."""
    seen = look(reader, place, now=now, seed=seed)
    standing = predicting.standing(reader, place, now=now)
    scored = predicting.scores(reader, place, now=now)
    news, over = changes(seen, now=now), settled(seen, place, now=now)
    closed = {d["suggestion"] for _, d in over}
    after = Look(seen.events, seen.learned, seen.known, [r | {"state": "settled"} if r["id"] in closed else r for r in seen.made], seen.chances, seen.said)
    found = offers(after, place, quiet=standing["quiet"], now=now)
    day = predicting.day_after(now, place.zone)
    made = [p.to_json() for p in predicting.predictions(seen.chances, place.zone, day=day, now=now)]
    facts: Facts = [("prediction.scored", {"scores": [s.to_json() for s in scored]})] if scored else []
    facts += [*over, *news]
    facts += [("prediction.made", {"predictions": made})] if made else []
    facts += suggesting.facts_of(found, place)
    frames = {
        "chances": [asdict(c) for c in seen.chances],
        "learned": [d["pattern"] for kind, d in news if kind == "pattern.learned" and d["pattern"]["id"] not in seen.known],
        "retired": [{"id": d["pattern"], "title": seen.known[d["pattern"]]["title"], "why": d["why"]} for kind, d in news if kind == "pattern.retired"],
        "offers": [o.to_json() for o in found],
    }
    return Study("pattern_learner", now, seed, _said(seen, frames, len(scored), standing), tuple(facts), frames)


def _said(seen: Look, frames: dict[str, list[dict[str, Any]]], scored: int, standing: dict[str, Any]) -> str:
    parts = [seen.said]
    parts += [f"{len(frames['learned'])} learned tonight"] if frames["learned"] else []
    parts += [f"{len(frames['retired'])} retired"] if frames["retired"] else []
    parts += [f"{plural(len(frames['offers']), 'thing')} to prepare"] if frames["offers"] else []
    parts += [f"{plural(scored, 'prediction')} scored"] if scored else []
    parts += ["predictions are quiet: no better than the plain rates"] if standing["quiet"] else []
    return "; ".join(parts)
