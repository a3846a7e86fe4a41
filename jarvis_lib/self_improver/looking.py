"""What does one look at Jarvis see? Reads the rows once, and gives weaknesses, suggestions and effects as values and as facts to write.

Pure but for the reading: the same store, moment and seed give the same facts, and a look over its own facts has nothing more to say.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from jarvis_lib.model.book import Row
from jarvis_lib.model.fact import Refused, text
from jarvis_lib.model.improver_rules import QUIET
from jarvis_lib.self_improver.effects import BEFORE, Effect, compared, spared
from jarvis_lib.self_improver.measures import MEASURES, Observation, grouped, observed, unused_days
from jarvis_lib.self_improver.proposals import Proposal, propose
from jarvis_lib.self_improver.weaknesses import Weakness, found, gone
from jarvis_lib.store.place import Place
from jarvis_lib.store.store import Reader

LONGEST_WAIT = 2
"""What has too little data after its days is measured for so many times as long, and then told as too little."""
Facts = list[tuple[str, dict[str, Any]]]


@dataclass(frozen=True, slots=True)
class Measured:
    """How an accepted suggestion did so far. `final` when its days are over; `since` is when it began to act, None while its task is not done."""

    id: str
    title: str
    kind: str
    since: datetime | None
    until: datetime | None
    final: bool
    effect: Effect | None
    said: str


@dataclass(frozen=True, slots=True)
class Look:
    """What was seen at `now`: weaknesses that stand, keys that closed, new suggestions, effects, and the facts that say so."""

    now: datetime
    observations: int
    weaknesses: tuple[Weakness, ...]
    closed: tuple[tuple[str, str], ...]
    proposals: tuple[Proposal, ...]
    measured: tuple[Measured, ...]
    facts: tuple[tuple[str, dict[str, Any]], ...]


def look(reader: Reader, place: Place, *, now: datetime, seed: int) -> Look:
    """Measure Jarvis at `now` over the days of [improver] look_days."""
    since = now - timedelta(days=place.settings.get("improver", "look_days"))
    known = reader.rows("self_improver.weaknesses")
    improvements = [r for r in reader.rows("self_improver.improvements") if r["proposed_at"] <= now]
    own = observations(reader, place, since=since, until=now)
    groups = grouped(own)
    weak = found(groups, now=now, seed=seed)
    closed = gone(known, groups, now=now)
    overruns = [r["actual_h"] / r["estimate_h"] for r in reader.rows("self_improver.overruns", since=since, until=now)]
    new = _proposals(weak, improvements, place, overruns, now=now)
    measured = effects(reader, place, improvements, now=now, seed=seed)
    facts = _facts(weak, closed, new, measured, known, improvements)
    return Look(now, len(own), tuple(weak), tuple(closed), tuple(new), tuple(measured), tuple(facts))


def observations(reader: Reader, place: Place, *, since: datetime, until: datetime) -> list[Observation]:
    """All observations of a span, with the days on which filled windows were left unused."""
    own = place.settings.values["improver"]
    seen = observed(
        reader.rows("self_improver.observations", since=since, until=until), place.zone, slow_s=own["slow_seconds"], step_s=own["slow_step_seconds"]
    )
    first = {r["kind"]: r["at"] for r in reader.rows("self_improver.first_planned") if r["at"] <= until}
    return seen + unused_days(reader.rows("self_improver.windows", since=since, until=until), first, place.zone, since=since, until=until)


def _proposals(weak: Sequence[Weakness], improvements: Sequence[Row], place: Place, overruns: Sequence[float], *, now: datetime) -> list[Proposal]:
    """What is new to suggest, the gravest first: at most as many as may be open, no change twice (two weaknesses may ask for the same), nothing that was
    answered within QUIET."""
    known = {r["id"]: r for r in improvements}
    taken = {r["change"] for r in improvements if not _may_return(r, now)}
    room = place.settings.get("improver", "most_open") - sum(r["state"] == "proposed" for r in improvements)
    made: dict[str, Proposal] = {}
    for one in weak:
        proposal = propose(one, place.settings, overruns=overruns)
        if proposal is None or len(made) >= room or text(proposal.change) in taken:
            continue
        old = known.get(proposal.id)
        if old is None or _may_return(old, now):
            made[proposal.id] = proposal
            taken.add(text(proposal.change))
    return list(made.values())


def _may_return(row: Row, now: datetime) -> bool:
    """Was this answered with no, or taken back, so long ago that it may be suggested again?"""
    return row["state"] not in ("proposed", "accepted") and bool(now >= (row["ended_at"] or row["decided_at"]) + QUIET)


# --- effects -------------------------------------------------------------------------------------------------------------


def effects(reader: Reader, place: Place, improvements: Sequence[Row], *, now: datetime, seed: int) -> list[Measured]:
    """Each accepted suggestion against the time before it, on the measure that found its weakness."""
    return [_measured(reader, place, row, now=now, seed=seed) for row in improvements if row["state"] == "accepted" and not row["verdict"]]


def _measured(reader: Reader, place: Place, row: Row, *, now: datetime, seed: int) -> Measured:
    since = row["task_done_at"] if row["task"] else row["decided_at"]
    own = (row["id"], row["title"], row["kind"])
    if since is None or since > now:
        return Measured(*own, None, None, False, None, f"Not measured yet: its task {row['task']} is {row['task_state']}, and counts once it is done.")
    if row["kind"] == "rule" and not _is_written(json.loads(row["change"]), place):
        return Measured(*own, None, None, False, None, "Not measured yet: the line does not stand in jarvis.toml.")
    span = timedelta(days=place.settings.get("improver", "measure_days"))
    seen = _effect(reader, place, row, since, min(now, since + span), seed=seed)
    if seen.verdict == "too little data" and now >= since + span:
        span *= LONGEST_WAIT
        seen = _effect(reader, place, row, since, min(now, since + span), seed=seed)
        if seen.verdict != "too little data":
            return Measured(*own, since, now, True, seen, f"{seen.verdict.capitalize()}: {seen.said}.")
    final = now >= since + span
    head = seen.verdict.capitalize() if final else f"So far, {(now - since).days} of {span.days} days: {seen.verdict}"
    said = seen.said.removeprefix("too little data: ")
    return Measured(*own, since, since + span, final, seen, f"{head}: {said}.")


def _is_written(rule: dict[str, Any], place: Place) -> bool:
    return rule["category"] in place.settings.get("policy", rule["to"])


def _effect(reader: Reader, place: Place, row: Row, since: datetime, until: datetime, *, seed: int) -> Effect:
    measure = MEASURES[row["measure"]]
    own = [o for o in observations(reader, place, since=since - BEFORE, until=until) if (o.measure, o.subject) == (row["measure"], row["subject"])]
    before, after = [o for o in own if o.at <= since], [o for o in own if o.at > since]
    if row["kind"] == "predictor":
        return spared(after)
    days = (BEFORE / timedelta(days=1), max((until - since) / timedelta(days=1), 1 / 24))
    return compared(measure, before, after, days=days, seed=seed)


# --- facts ---------------------------------------------------------------------------------------------------------------


def _facts(
    weak: Sequence[Weakness],
    closed: Sequence[tuple[str, str]],
    new: Sequence[Proposal],
    measured: Sequence[Measured],
    known: Sequence[Row],
    improvements: Sequence[Row],
) -> Facts:
    """Only what is not written yet: the same evidence is found once, the same change proposed once, an effect measured once."""
    standing = {r["key"]: r["digest"] for r in known if r["state"] == "open"}
    facts: Facts = [("weakness.closed", {"key": key, "said": said}) for key, said in closed]
    facts += [("weakness.found", {"weakness": w.to_json()}) for w in weak if standing.get(w.key) != w.digest]
    facts += [("improvement.proposed", {"improvement": p.to_json()}) for p in new]
    for m in measured:
        if m.final and m.effect is not None:
            facts.append(("improvement.measured", {"improvement": m.id} | asdict(m.effect) | {"said": m.said}))
    return facts


def find(reader: Reader, word: str) -> Row:
    """The suggestion that `word` names: its id, or a unique beginning of at least 3 characters."""
    prefix = word.strip().lower()
    rows = reader.rows("self_improver.improvements_by_prefix", prefix=prefix) if len(prefix) >= 3 else []
    if not rows:
        raise Refused(f"There is no suggestion {prefix[:20]!r}; `jarvis improver suggest` shows all.", code="missing")
    if len(rows) > 1:
        raise Refused(f"{prefix!r} could be {', '.join(r['id'] for r in rows)}; give more characters.", code="missing")
    return rows[0]
