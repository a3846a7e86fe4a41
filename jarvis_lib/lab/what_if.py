"""What would be otherwise? The same workspace under other settings, looked at and never written.

A notebook that supposes something reads like one that does not: it gets a place whose settings are others, and asks it the same questions.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from jarvis_lib.lab.answers import Answer
from jarvis_lib.model.fact import Refused
from jarvis_lib.model.prose import chance
from jarvis_lib.model.settings import BadSettings, Settings, parse, toml

if TYPE_CHECKING:
    import polars as pl

    from jarvis_lib.store.place import Place


def supposing(place: "Place", suppose: Mapping[str, Any]) -> "Place":
    """The place as it would be with these settings, such as `{"night.lanes": 3}`. Raises Refused for a key or a value that jarvis.toml would not take."""
    if not suppose:
        return place
    wanted: dict[str, dict[str, Any]] = {}
    for name, value in suppose.items():
        section, _, key = name.rpartition(".")
        wanted.setdefault(section, {})[key] = value
    values = dict(place.settings.values)
    for section, keys in wanted.items():
        standing = {k: v for k, v in values.get(section, {}).items() if isinstance(v, str | int | float | list)}
        try:
            read = parse("\n".join([f"[{section}]", *(f"{k} = {toml(v)}" for k, v in (standing | keys).items())]))
        except (BadSettings, TypeError) as error:
            raise Refused(f"suppose {dict(keys)} in [{section}] cannot be tried: {error}", code="usage") from error
        values[section] = values[section] | {k: read.values[section][k] for k in keys}
    return replace(place, settings=Settings(values))


def verdicts(place: "Place", *, snapshot: str = "") -> "pl.DataFrame":
    """What the policy says of each open task now, and what it would say under the settings of `place`; what would differ comes first."""
    import polars as pl

    from jarvis_lib.model.policy import decide
    from jarvis_lib.model.task_row import content_of
    from jarvis_lib.report.plan_frames import reading

    with reading(place, snapshot) as reader:
        rows = reader.rows("lab.open_tasks")
    schema = dict.fromkeys(("task", "title", "category", "state", "verdict", "would_be", "reasons"), pl.String())
    found = []
    for row in rows:
        then = decide(content_of(row), place.settings.policy)
        own = {"task": row["id"], "would_be": then.verdict, "reasons": "; ".join(then.reasons)}
        found.append(own | {name: row[name] for name in ("title", "category", "state", "verdict")})
    frame = pl.DataFrame([{name: one[name] for name in schema} for one in found], schema=schema)
    return frame.sort(pl.col("verdict").eq_missing(pl.col("would_be")), maintain_order=True)


def night(place: "Place", *, now: datetime, snapshot: str = "") -> Answer:
    """The coming night under the settings of `place`: what would run, and how probable it is that all of it is done."""
    from jarvis_lib import build_scheduler
    from jarvis_lib.report.plan_frames import reading

    try:
        with reading(place, snapshot) as reader:
            found = build_scheduler.night_of(reader, place.settings, place.zone, now=now)
    except Refused as error:
        if error.code != "missing":
            raise
        return Answer("the coming night", (error.sentence,))
    tasks = [f"{t.title}: {chance(t.done)} that it is done" for t in found.tasks]
    return Answer("the coming night", (found.said, *tasks))


def landing(place: "Place", line: str, *, now: datetime) -> Answer:
    """Where one more task would land, from a line such as `30m fix the login !high due:fri`, and what it would move. Nothing is added."""
    from jarvis_lib import build_scheduler

    if not line:
        return Answer("a supposed task", ("No task was supposed.",))
    return Answer("a supposed task", (build_scheduler.view(place, now=now, with_text=line).what_if,))
