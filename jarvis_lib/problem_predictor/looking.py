"""What is watched, and what became of the problems? Reads only."""

import json
from dataclasses import asdict
from datetime import datetime

from jarvis_lib.execution.fixes import watch
from jarvis_lib.execution.fixes.watch import Reading
from jarvis_lib.model.ledger import Row
from jarvis_lib.problem_predictor.rules import standing
from jarvis_lib.store.place import Place


def listed(place: Place, *, now: datetime | None = None) -> list[Row]:
    """Every problem that was ever found, open ones first, with where it stands (`standing`) and its last fix."""
    when = now or place.now()
    with place.store.reading() as reader:
        rows = reader.rows("problem_predictor.listed")
    return [row | {"evidence": json.loads(row["evidence"]), "standing": standing(row, now=when)} for row in rows]


def metrics(place: Place, *, now: datetime | None = None) -> list[Row]:
    """What is watched with its numbers at this moment, one row each; what could not be measured says why."""
    return [asdict(r) for r in readings(place, now=now or place.now())]


def readings(place: Place, *, now: datetime) -> list[Reading]:
    """The numbers of everything that `[problems]` names, taken now."""
    return watch.readings(place.home, place.settings.values["problems"], now=now)
