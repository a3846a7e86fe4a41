"""What else did the old system know? Events are learned from, samples are kept as metrics, and all other things are kept to be read, word for word.

What it had found, learned or suggested is not believed: a scan finds again what still holds, patterns and weaknesses are measured anew.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from jarvis_lib.doors.importing.items import CONTENT_LIMIT, FileReport, Item
from jarvis_lib.doors.importing.reading import TIMES, entries, first, moment_of, wrong_kind
from jarvis_lib.model.fact import Refused, moment, stamp, text
from jarvis_lib.model.import_rules import key_of
from jarvis_lib.model.pattern_rules import event_name
from jarvis_lib.model.prose import clean, plural
from jarvis_lib.store.place import Place
from jarvis_lib.store.samples import Sample

_NAMED = ("title", "name", "trigger", "type", "description", "problem", "id", "context", "state")
_EVENTS = ("type", "request_type", "event", "action", "request", "name", "pattern")
_NOTES = {
    "agent": "agents were processes of the old system; their tasks are queued again",
    "context": "past contexts are kept to be read; a context that should hold now is set with: jarvis context set WORD --for 2h",
    "problem": "problems are kept to be read; what still holds is found again by: jarvis problems scan",
    "pattern": "patterns are kept to be read; they are learned anew from the events and tasks: jarvis patterns list",
    "improvement": "improvements are kept to be read; what is weak here is measured here: jarvis improver suggest",
    "weekend": "weekend builds are kept to be read; candidates for the coming one are worked out by: jarvis weekend suggest",
    "other": "other things are kept to be read",
}
_LISTS = {
    "queue_state.json": {"active_agents": "agent"},
    "context_state.json": {"history": "context", "current_context": "context"},
    "problems.json": {"active_problems": "problem"},
    "patterns.json": {"patterns": "pattern"},
    "improvements.json": {"improvements": "improvement", "suggestions": "improvement"},
    "weekend_plan.json": dict.fromkeys(("candidates", "suggestions", "selected", "selected_build", "plan", "builds", "phases"), "weekend"),
}


def read_others(place: Place, name: str, content: Any, report: FileReport, *, now: datetime) -> list[Item]:
    """The items of one of the old files that is no queue."""
    if isinstance(content, list):
        wanted = next(iter(_LISTS.get(name, {"": ""})))
        content = {wanted: content} if wanted else {"": content}
    if not isinstance(content, dict):
        raise wrong_kind(name, content, "an object")
    found: dict[str, Item] = {}
    for word, value in content.items():
        if name == "patterns.json" and word == "request_log":
            if not isinstance(value, list):
                raise wrong_kind("request_log", value, "a list")
            read: Callable[[Any, str], Item] = lambda raw, own_id: _event(place, raw, now=now)  # noqa: E731  # one of two ways to read an entry
            pairs = entries(value)
        else:
            kind = _LISTS.get(name, {}).get(word, "other")
            pairs = _pairs(kind, word, value)
            read = _keeper(name, kind, word)
        for n, (own_id, raw) in enumerate(pairs, 1):
            report.found += 1
            try:
                item = read(raw, own_id)
                if item.key in found:
                    raise Refused("it stands twice")
                found[item.key] = item
            except Refused as error:
                report.leave_out(f"{word} {own_id or n}", str(error).rstrip("."))
    report.notes += [_NOTES[kind] for kind in dict.fromkeys(i.kind for i in found.values()) if kind in _NOTES]
    return list(found.values())


def _pairs(kind: str, word: str, value: Any) -> list[tuple[str, Any]]:
    """A list, or an object of objects, is many things; all else is one."""
    many = isinstance(value, list) or (isinstance(value, dict) and value and all(isinstance(v, dict) for v in value.values()))
    if many and kind != "other":
        return entries(value)
    return [(word, value)] if value not in (None, "", [], {}) else []


def _keeper(name: str, kind: str, word: str) -> Callable[[Any, str], Item]:
    def keep(raw: Any, own_id: str) -> Item:
        if len(text(raw)) > CONTENT_LIMIT:
            raise Refused(f"it has more than {CONTENT_LIMIT:,} characters")
        words: dict[str, Any] = raw if isinstance(raw, dict) else {}
        old_id = clean(str(words.get("id") or own_id))[:100]
        named = clean(str(first(words, _NAMED) or own_id or word))[:100]
        said = clean(str(first(words, ("status", "state", "context", "severity")) or ""))[:60]
        return Item(key_of(name, kind, text(raw), own_id), kind, named, raw, old_id, said)

    return keep


def _event(place: Place, raw: Any, *, now: datetime) -> Item:
    """An entry of the request log, as something that the person did."""
    if not isinstance(raw, dict):
        raise Refused("it is no entry with a type and a time")
    at = moment_of(first(raw, TIMES), place.zone)
    if at is None:
        raise Refused("it has no time that can be read")
    if at > now:
        raise Refused(f"its time {stamp(at)[:16]} lies in the future")
    if len(text(raw)) > CONTENT_LIMIT:
        raise Refused(f"it has more than {CONTENT_LIMIT:,} characters")
    kind = event_name(str(first(raw, _EVENTS) or ""))
    return Item(key_of("event", kind, stamp(at)), "event", kind, raw, said=kind, when=at)


# --- metrics -------------------------------------------------------------------------------------------------------------


def read_metrics(place: Place, content: Any, report: FileReport, *, now: datetime, known: dict[str, datetime]) -> tuple[list[Item], list[Sample]]:
    """The samples of the old history behind those that were read before (`known`: key of a metric -> its newest), and how far they go now."""
    samples: list[Sample] = []
    newest: dict[str, datetime] = {}
    counts: dict[str, int] = {}
    for n, (where, raw) in enumerate(_points(content), 1):
        values = _values(raw, where)
        at = moment_of(first(raw, TIMES), place.zone) if isinstance(raw, dict) else None
        if at is None or at > now or not values:
            report.found += 1
            why = "it has no time that can be read" if at is None else "its time lies in the future" if at > now else "it has no number"
            report.leave_out(f"{where or 'sample'} {n}", why)
            continue
        for metric, value in values.items():
            report.found += 1
            key = key_of("metric", metric)
            if key in known and at <= known[key]:
                report.there_already += 1
                continue
            samples.append((at, f"plugin:imported.{metric}", value))
            newest[metric], counts[metric] = max(at, newest.get(metric, at)), counts.get(metric, 0) + 1
    items = [
        Item(key_of("metric", metric), "metric", metric, {"metric": f"plugin:imported.{metric}", "samples": counts[metric]}, metric, stamp(at))
        for metric, at in sorted(newest.items())
    ]
    if items:
        report.notes.append(f"{plural(len(items), 'metric')} kept as imported.NAME, beside what is sampled here: jarvis problems metrics")
    return items, samples


def known_until(rows: list[dict[str, Any]]) -> dict[str, datetime]:
    """Key of a metric -> its newest sample that was read before."""
    return {r["key"]: moment(r["said"]) for r in rows}


def _points(content: Any) -> list[tuple[str, Any]]:
    """(metric or "", point) of a history: a list of points, or lists of points by metric; one key around it all is looked through."""
    if isinstance(content, list):
        return [("", point) for point in content]
    if not isinstance(content, dict):
        raise wrong_kind("metrics_history", content, "a list of samples")
    found = []
    for word, value in content.items():
        if isinstance(value, list):
            found += [("" if word in ("metrics", "metrics_history", "history", "samples") else word, point) for point in value]
        elif isinstance(value, dict):
            found += [(inner, point) for inner, points in value.items() if isinstance(points, list) for point in points]
    return found


def _values(raw: Any, where: str) -> dict[str, float]:
    """Metric -> number of one point."""
    if not isinstance(raw, dict):
        return {}
    inner = raw.get("metrics") if isinstance(raw.get("metrics"), dict) else raw
    assert isinstance(inner, dict)
    if where and isinstance(inner.get("value"), int | float) and not isinstance(inner["value"], bool):
        inner = {where: inner["value"]}
    elif isinstance(raw.get("metric"), str) and "value" in raw:
        inner = {raw["metric"]: raw["value"]}
    numbers = {k: v for k, v in inner.items() if isinstance(v, int | float) and not isinstance(v, bool) and k not in TIMES}
    return {clean(str(k)).replace(":", "_")[:80]: float(v) for k, v in numbers.items() if abs(v) < 1e300}
