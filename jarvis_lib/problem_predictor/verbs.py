"""What does a scan write, and what does the person teach? A fact only when something changed; numbers become samples."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from jarvis_lib.execution.fixes.watch import Reading
from jarvis_lib.model.fact import Refused
from jarvis_lib.model.problem import PREDICTED, Problem
from jarvis_lib.model.prose import clean, hint
from jarvis_lib.model.prose import listed as in_words
from jarvis_lib.problem_predictor import analysis, own
from jarvis_lib.problem_predictor.fixing import recheck, tidy_if_free
from jarvis_lib.problem_predictor.learners import Learners, learners
from jarvis_lib.problem_predictor.looking import as_samples, collect
from jarvis_lib.problem_predictor.rules import find, has_gone, is_news
from jarvis_lib.store.place import Place
from jarvis_lib.store.samples import Samples


@dataclass(frozen=True, slots=True)
class Look:
    """What a scan found: the problems that stand, and sentences about what could not be measured, was held back or set aside."""

    problems: list[Problem]
    notes: list[str]


def scan(place: Place, *, now: datetime) -> list[Problem]:
    """The problems that stand now, dismissed ones left out. Facts are written for what is new, changed or gone, for nothing else.

    Cheap: the numbers are taken, kept as samples and held against their limits; nothing is learned from their past (`look` does that).
    """
    return look(place, now=now).problems


def look(place: Place, *, now: datetime, past: bool = False, seed: int = 0, by: Callable[[], Learners] = learners) -> Look:
    """A scan with its notes. With `past`, forecasts and alarms of the quick learners too, and predictions that have resolved are scored."""
    tidy_if_free(place, now=now)
    with place.store.reading() as reader:
        known = analysis.read_known(reader, now=now)
        own_rows = own.rows(reader, now=now)
    taken = collect(place, own_rows, now=now)
    found = find(taken)
    facts: list[tuple[str, dict[str, Any]]] = [("problem.found", {"problem": p.to_json()}) for p in found if is_news(p, known.problems.get(p.key))]
    seen = [row for row in known.problems.values() if row["kind"] not in PREDICTED]
    facts += [("problem.gone", {"key": row["key"]}) for row in seen if has_gone(row, found, taken)]
    samples = Samples(place.home)
    notes = _keep(place, samples, taken, now=now)
    if past:
        more = analysis.analyse(
            known, samples, place.settings.values["problems"], now=now, seed=seed, learners=by(), boosted=False, off=place.settings.get("predictors", "off")
        )
        facts += analysis.facts_of(more, known)
        found, notes = [*found, *more.problems], [*notes, *more.notes]
    torn: list[tuple[str, dict[str, Any]]] = [("notice", {"kind": "samples", "sentence": sentence}) for sentence in samples.warnings]
    if facts or torn:
        place.store.write(*(place.fact(kind, at=now, **data) for kind, data in [*facts, *torn]))
    recheck(place, now=now, taken=taken)
    settled = {key: row for key, row in known.problems.items() if row["state"] in ("dismissed", "fixed")}
    told = [p for p in found if p.key not in settled or is_news(p, settled[p.key])]
    return Look(told, [*notes, *samples.warnings])


def dismiss(place: Place, key: str, *, now: datetime, real: bool = False) -> str:
    """Never tell this problem again (an alarm: not this incident), or, with `real`, that the person has put it right. Both teach. Returns its key.

    `key` may be a part of it that fits only one.
    """
    with place.store.reading() as reader:
        keys = [row["key"] for row in reader.rows("problem_predictor.problems")]
    chosen = the_one(key, keys)
    place.store.write(place.fact("problem.dismissed", at=now, key=chosen, real=real))
    return chosen


def the_one(key: str, keys: list[str]) -> str:
    """The key that `key`, or a part of it, names. Raises Refused when it fits none or several."""
    fitting = [key] if key in keys else [k for k in keys if key and key in k]
    if len(fitting) != 1:
        which = f"{clean(key)[:80]!r} fits {in_words([clean(k) for k in fitting])}" if fitting else f"There is no problem {clean(key)[:80]!r}"
        raise Refused(f"{which}; `jarvis problems list` shows all.{'' if fitting else hint(key, keys)}", code="missing")
    return fitting[0]


def _keep(place: Place, samples: Samples, taken: list[Reading], *, now: datetime) -> list[str]:
    """Keep the numbers as samples. Where that fails the scan goes on, and says so."""
    notes = [f"{clean(r.subject)}: {r.said}" for r in taken if r.kind == "plugin" and r.over is None]
    try:
        samples.add(as_samples(taken, now=now))
        samples.compact(now=now, keep_days=place.settings.get("problems", "samples_keep_days"))
    except OSError as error:
        notes.append(f"The samples could not be written ({error.strerror}); the next scan tries again.")
    return notes
