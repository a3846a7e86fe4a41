"""What stands in the store, as plain polars frames: fixed columns, the person's zone, nothing held open."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from jarvis_lib.lab.desk import desk, since_of
from jarvis_lib.model.fact import Refused
from jarvis_lib.model.prose import clean, hint
from jarvis_lib.model.states import OPEN_STATES, STATES
from jarvis_lib.report import frames

if TYPE_CHECKING:
    import polars as pl

FOREIGN = (*frames.FOREIGN, "sentence", "category")
_ATTEMPTS = (
    *("id", "task", "title", "category", "n", "session", "claimed_at", "ended_at", "outcome", "verdict", "verdict_why", "seconds", "planned_hours"),
    *("state", "isolation", "log", "notebook"),
)
_EVER = datetime(1970, 1, 1, tzinfo=UTC)
_EVERY = {"5m": "series", "1h": "long_series"}


def tasks(state: str, since: str | datetime) -> "pl.DataFrame":
    """One row per task that changed since; `state` is one, `open` or empty for all. Refused for an unknown state."""
    import polars as pl

    if state and state != "open" and state not in STATES:
        raise Refused(f"There is no state {clean(state)[:40]!r}.{hint(state, STATES)} States: open, {', '.join(STATES)}.", code="usage")
    own = desk()
    with own.reading() as reader:
        found = frames.tasks(reader, zone=own.place.zone)
    wanted = OPEN_STATES if state == "open" else (state,) if state else STATES
    return _after(found.filter(pl.col("state").is_in(wanted)), "changed_at", since)


def attempts(since: str | datetime) -> "pl.DataFrame":
    """One row per attempt that was claimed since."""
    import polars as pl

    own = desk()
    with own.reading() as reader:
        found = reader.frame("lab.attempts", since=since_of(since, own.now()) or _EVER)
        tasks = reader.frame("lab.of_tasks")
    of_tasks = [
        pl.col("task").replace_strict(tasks["task"], tasks[c], default=None, return_dtype=kind).alias(c) for c, kind in tasks.schema.items() if c != "task"
    ]  # and no join, which would copy every other column
    return local(_by_time(found, "claimed_at", "id").with_columns(of_tasks).select(_ATTEMPTS), own.place.zone)


def sessions(since: str | datetime) -> "pl.DataFrame":
    """One row per session that was opened since."""
    return _after(_read("report.sessions"), "opened_at", since)


def decisions(since: str | datetime) -> "pl.DataFrame":
    """One row per decision of the policy or the person since."""
    return _after(_read("report.decisions"), "at", since)


def predictions(since: str | datetime) -> "pl.DataFrame":
    """One row per prediction made since, with its score once it has one."""
    return _after(_read("lab.predictions"), "made_at", since)


def problems() -> "pl.DataFrame":
    """One row per problem, whatever became of it."""
    return _read("report.problems")


def plan() -> "pl.DataFrame":
    """The newest plan: its slots from the first start on, then what was left out, each with its sentence."""
    return _read("build_scheduler.plan_rows").drop("p50_share")


def events(since: str | datetime) -> "pl.DataFrame":
    """What came in since, which is what routines are learned from; without `since` as far back as learning looks."""
    import polars as pl

    from jarvis_lib import pattern_learner
    from jarvis_lib.learning.routines import HISTORY

    own = desk()
    now = own.now()
    with own.reading() as reader:
        rows = pattern_learner.observed(reader, own.place, since=since_of(since, now) or now - HISTORY, until=now)
    schema: dict[str, Any] = {"at": pl.Datetime("us", "UTC"), "title": pl.String, "source": pl.String, "category": pl.String}
    flat = [(r["added_at"], clean(r["title"]), r["source"], clean(r["category"])) for r in rows]
    return local(pl.DataFrame(flat, schema=schema, orient="row"), own.place.zone)


def patterns() -> "pl.DataFrame":
    """What was learned by now, and when each comes next."""
    import polars as pl

    from jarvis_lib.report import pattern_frames

    own = desk()
    with frames.at_leisure(own.place, str(own.snapshot or "")) as reader:
        found = pattern_frames.learned(reader, own.place, now=own.now())
    shown = pattern_frames.patterns_frame(found, own.place.zone)
    return shown.with_columns(pl.col("next").dt.replace_time_zone(own.place.zone.key, ambiguous="earliest", non_existent="null"))


def metrics(metric: str, since: str | datetime, *, by: str) -> "pl.DataFrame":
    """Samples since, `by` 5m (medians) or 1h (means). Refused without a `since`, and for a metric that has no samples."""
    import polars as pl

    from jarvis_lib.store.samples import Samples

    if by not in _EVERY:
        raise Refused(f"by is {clean(by)[:20]!r}; it is 5m for medians of five minutes, or 1h for means of hours.", code="usage")
    own = desk()
    now = own.now()
    begin = since_of(since, now)
    if begin is None:
        raise Refused("Say since when the numbers are wanted, such as since='30d'.", code="usage")
    found = getattr(Samples(own.place.home), _EVERY[by])(since=begin, until=now)
    if metric and metric not in found:
        raise Refused(f"There are no numbers of {clean(metric)[:60]!r} in that time.{hint(metric, found)}", code="missing")
    wanted = {metric: found[metric]} if metric else found
    schema: dict[str, Any] = {"metric": pl.String, "at": pl.Datetime("us"), "value": pl.Float64}
    parts = [
        pl.DataFrame({"at": at, "value": value}).select(pl.lit(name).alias("metric"), pl.col("at").cast(pl.Datetime("us")), "value")
        for name, (at, value) in wanted.items()
    ]
    return local(pl.concat([pl.DataFrame(schema=schema), *parts]), own.place.zone)


def sql(question: str, parameters: Mapping[str, Any] | None) -> "pl.DataFrame":
    """Answer of one query on a read-only copy of the store, so nothing can be changed and no session waits."""
    from jarvis_lib.store.snapshot import answer

    own = desk()
    if own.snapshot is not None:
        return local(answer(own.snapshot, question, parameters), own.place.zone)
    with TemporaryDirectory(prefix="jarvis-") as folder:
        return local(answer(own.place.store.snapshot(Path(folder) / "copy.duckdb"), question, parameters), own.place.zone)


def local(frame: "pl.DataFrame", zone: ZoneInfo) -> "pl.DataFrame":
    """Its times (naive ones are UTC) in the zone; control characters taken out of text that may come from outside."""
    import polars as pl

    times = [pl.col(c) for c, kind in frame.schema.items() if isinstance(kind, pl.Datetime)]
    aware = [
        t.dt.cast_time_unit("us").dt.replace_time_zone("UTC") if getattr(frame.schema[t.meta.output_name()], "time_zone", None) is None else t for t in times
    ]
    texts = [c for c, kind in frame.schema.items() if c in FOREIGN and kind == pl.String]
    return frames.harmless(frame.with_columns(*(t.dt.convert_time_zone(zone.key) for t in aware)), texts)


def _read(name: str) -> "pl.DataFrame":
    own = desk()
    with own.reading() as reader:
        found = reader.frame(name)
    return local(found, own.place.zone)


def _by_time(found: "pl.DataFrame", at: str, name: str) -> "pl.DataFrame":
    """The rows by `at`, then by `name`. The store writes in the order of time, so that they nearly always are, and then nothing is copied."""
    import polars as pl

    before, now = pl.col(at).shift(1), pl.col(at)
    stands = (before < now) | ((before == now) & (pl.col(name).shift(1) <= pl.col(name)))
    return found if found.select(stands.all(ignore_nulls=True)).item() else found.sort(at, name)


def _after(found: "pl.DataFrame", column: str, since: str | datetime) -> "pl.DataFrame":
    begin = since_of(since, desk().now())
    return found if begin is None else found.filter(found[column] >= begin.astimezone(desk().place.zone))
