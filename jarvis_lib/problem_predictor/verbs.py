"""What does a scan write, and what does the person dismiss? A fact only when something changed."""

from datetime import datetime

from jarvis_lib.model.fact import Refused
from jarvis_lib.model.problem import Problem
from jarvis_lib.model.prose import clean, hint
from jarvis_lib.model.prose import listed as in_words
from jarvis_lib.problem_predictor.fixing import recheck, tidy_if_free
from jarvis_lib.problem_predictor.looking import readings
from jarvis_lib.problem_predictor.rules import find, has_gone, is_news
from jarvis_lib.store.place import Place


def scan(place: Place, *, now: datetime) -> list[Problem]:
    """The problems that stand now, dismissed ones left out. Facts are written for what is new, changed or gone, for nothing else."""
    tidy_if_free(place, now=now)
    taken = readings(place, now=now)
    found = find(taken)
    with place.store.reading() as reader:
        known = {row["key"]: row for row in reader.rows("problem_predictor.problems")}
    facts = [place.fact("problem.found", at=now, problem=p.to_json()) for p in found if is_news(p, known.get(p.key))]
    facts += [place.fact("problem.gone", at=now, key=row["key"]) for row in known.values() if has_gone(row, found, taken)]
    if facts:
        place.store.write(*facts)
    recheck(place, now=now, taken=taken)
    return [p for p in found if known.get(p.key, {}).get("state") != "dismissed"]


def dismiss(place: Place, key: str, *, now: datetime) -> str:
    """Never tell this problem again; returns its key. `key` may be a part of it that fits only one."""
    with place.store.reading() as reader:
        keys = [row["key"] for row in reader.rows("problem_predictor.problems")]
    fitting = [key] if key in keys else [k for k in keys if key and key in k]
    if len(fitting) != 1:
        which = f"{clean(key)[:80]!r} fits {in_words([clean(k) for k in fitting])}" if fitting else f"There is no problem {clean(key)[:80]!r}"
        raise Refused(f"{which}; `jarvis problems list` shows all.{'' if fitting else hint(key, keys)}", code="missing")
    place.store.write(place.fact("problem.dismissed", at=now, key=fitting[0]))
    return fitting[0]
