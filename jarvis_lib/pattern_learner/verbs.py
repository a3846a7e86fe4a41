"""What does the person ask about routines, and what do they say about them? Each verb reads, calls the rules, and writes in one go."""

from collections.abc import Mapping
from dataclasses import asdict, replace
from datetime import date, datetime
from typing import Any

from jarvis_lib.learning.routines import HISTORY
from jarvis_lib.model.book import Row
from jarvis_lib.model.fact import Refused
from jarvis_lib.model.pattern_rules import AUTOMATIC, OPEN
from jarvis_lib.model.prose import clean, shorten
from jarvis_lib.pattern_learner import predicting, studying, suggesting
from jarvis_lib.pattern_learner.events import observed
from jarvis_lib.pattern_learner.mined import Learned, Pattern, learn, stats_of
from jarvis_lib.store.place import Place
from jarvis_lib.store.store import Reader
from jarvis_lib.store.tasks import find

ACTOR = "pattern_learner"
LEAST_ID = 3


def listed(place: Place, *, now: datetime) -> Learned:
    """The routines as they stood at `now`, and what is forming with what is missing."""
    with place.store.reading() as reader:
        return _listed(reader, place, now=now)


def _listed(reader: Reader, place: Place, *, now: datetime) -> Learned:
    found = learn(observed(reader, place, since=now - HISTORY, until=now), place.zone, now=now)
    answers = {r["id"]: r["answer"] for r in reader.rows("pattern_learner.patterns")}
    return replace(found, patterns=tuple(replace(p, answer=answers.get(p.id, "")) for p in found.patterns))


def stats(place: Place, *, now: datetime) -> dict[str, Any]:
    """Counts, how the routines did after they were found, how good the predictions are, and what was prepared: used and in vain."""
    with place.store.reading() as reader:
        found = stats_of(_listed(reader, place, now=now))
        used = reader.one("pattern_learner.used") or {}
        return found | {"predictions": predicting.standing(reader, place, now=now), "offers": dict(used)}


def predict(place: Place, *, day: date | None, now: datetime, seed: int) -> dict[str, Any]:
    """What a day brings (today, when none is given), as known at `now`; `said` tells how good such predictions were."""
    wanted = day or now.astimezone(place.zone).date()
    with place.store.reading() as reader:
        events = observed(reader, place, since=now - predicting.MEMORY, until=now)
        standing = predicting.standing(reader, place, now=now)
    found = predicting.chances_of(events, place.zone, day=wanted, now=now, seed=seed)
    return {"day": wanted.isoformat(), "chances": [asdict(c) for c in found], "said": standing["said"], "quiet": standing["quiet"]}


def suggest(place: Place, *, now: datetime, seed: int) -> list[Row]:
    """Settle what is over, offer what is worth it now (queueing what was enabled), and return the open offers, the next need first."""
    with place.store.reading() as reader:
        seen = studying.look(reader, place, now=now, seed=seed)
        quiet = predicting.standing(reader, place, now=now)["quiet"]
    over = studying.settled(seen, place, now=now)
    closed = {d["suggestion"] for _, d in over}
    open_now = replace(seen, made=[r | {"state": "settled"} if r["id"] in closed else r for r in seen.made])
    found = studying.offers(open_now, place, quiet=quiet, now=now)
    facts = [*over, *studying.changes(seen, now=now), *suggesting.facts_of(found, place)]
    if facts:
        place.store.write(*(place.fact(kind, actor=ACTOR, at=now, **data) for kind, data in facts))
    with place.store.reading() as reader:
        return sorted((r for r in reader.rows("pattern_learner.suggestions") if r["state"] in OPEN), key=lambda r: (r["need_at"], r["id"]))


def enable(place: Place, pattern: str, *, now: datetime, recipe: str | None = None, task: str | None = None, words: Mapping[str, Any] | None = None) -> str:
    """From now on `pattern` queues a task before its need: one like `task`, or one with this `recipe`. Returns what happens, in a sentence."""
    if bool(recipe) == bool(task):
        raise Refused("Say what to prepare: --task ID of a task to copy, or --recipe NOTEBOOK or 'COMMAND LINE'; one of the two.", code="usage")
    with place.store.reading() as reader:
        own, known = _named(reader, place, pattern, now=now)
        like = find(reader, task) if task else None
    if own is not None and own.standing != "learned":
        raise Refused(f"{own.id} ({own.title[:60]}) is not learned yet, so it cannot be enabled: {own.said}")
    key, title = (own.id, own.title) if own else (known["id"], known["title"]) if known else ("", "")
    usual = {"hours": 0.5, "category": "Documentation", "priority": "MEDIUM"}
    template = suggesting.template_of(place, usual | dict(words or {}) | {"recipe": recipe}, title, like)
    _write(place, own, known, "pattern.enabled", key, now=now, template=template)
    low = own.low if own else known["low"] if known else 0.0
    when = (
        "It is queued by itself before each need; the policy still decides it."
        if low >= AUTOMATIC
        else (f"Its lower bound is {low:.0%}; below {AUTOMATIC:.0%} it is offered and not queued by itself.")
    )
    return f"Enabled {key} ({shorten(clean(title), 60)}): {template['title']}. {when}"


def disable(place: Place, pattern: str, *, now: datetime) -> str:
    """It queues nothing any more; the name of the pattern."""
    return _answer(place, pattern, "pattern.disabled", now=now)


def dismiss(place: Place, pattern: str, *, now: datetime) -> str:
    """Never offer it again: a pattern, or the pattern of an offer; its name."""
    return _answer(place, pattern, "pattern.dismissed", now=now)


def _answer(place: Place, pattern: str, kind: str, *, now: datetime) -> str:
    with place.store.reading() as reader:
        offers = [r for r in reader.rows("pattern_learner.suggestions") if r["id"] == pattern]
        own, known = _named(reader, place, offers[0]["pattern"] if offers else pattern, now=now)
    if own is not None and known is None and own.standing != "learned":
        raise Refused(f"{own.id} ({own.title[:60]}) is not learned, so nothing is offered for it.")
    key, title = (known["id"], known["title"]) if known else (own.id, own.title) if own else ("", "")
    _write(place, own, known, kind, key, now=now)
    return f"{key} ({shorten(clean(title), 60)})"


def _write(place: Place, own: Pattern | None, known: Row | None, kind: str, key: str, *, now: datetime, **data: Any) -> None:
    """The person's word; with it the pattern itself, where no night has written it down yet."""
    first = [] if known or own is None else [place.fact("pattern.learned", actor=ACTOR, at=now, pattern=studying.fact_of(own))]
    place.store.write(*first, place.fact(kind, at=now, pattern=key, **data))


def _named(reader: Reader, place: Place, text: str, *, now: datetime) -> tuple[Pattern | None, Row | None]:
    """(the pattern as it stands, its row) that `text` names: its id, a unique beginning of it, or its title. Refuses anything else."""
    word = clean(text).casefold()
    known = {r["id"]: r for r in reader.rows("pattern_learner.patterns")}
    live = {p.id: p for p in _listed(reader, place, now=now).patterns}
    titles = {i: p.title for i, p in live.items()} | {i: r["title"] for i, r in known.items()}
    found = [i for i, title in titles.items() if i == word or title.casefold() == word] or [i for i in titles if len(word) >= LEAST_ID and i.startswith(word)]
    if len(found) > 1:
        raise Refused(f"{word[:40]!r} could be {', '.join(f'{i} ({titles[i][:40]})' for i in found)}; give the id.", code="missing")
    if not found:
        raise Refused(f"There is no pattern {word[:40]!r}; `jarvis patterns list` shows all.", code="missing")
    return live.get(found[0]), known.get(found[0])
