"""Which tasks does an old queue hold, and what does each become?

Its own word is taken for what is wanted (title, hours, category, priority, what waits for what) and for nothing else: who approved it is decided anew,
and what it calls completed stays unverified.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from graphlib import CycleError, TopologicalSorter
from typing import Any

from jarvis_lib.doors.importing.items import CONTENT_LIMIT, FileReport, Item
from jarvis_lib.doors.importing.reading import first, moment_of
from jarvis_lib.execution.draft import added, draft
from jarvis_lib.model.fact import Refused, text
from jarvis_lib.model.import_rules import key_of, task_id_of
from jarvis_lib.model.prose import clean, listed, shorten
from jarvis_lib.model.quick_line import UNKNOWN_CATEGORY
from jarvis_lib.model.task import PRIORITIES, TITLE_LIMIT, category
from jarvis_lib.store.place import Place

STATUSES = {
    **dict.fromkeys(("queued", "pending", "scheduled", "todo", "open", "approved", "waiting", "new"), "queued"),
    **dict.fromkeys(("in_progress", "in progress", "running", "active", "started"), "queued"),
    **dict.fromkeys(("completed", "complete", "done", "finished", "shipped"), "accepted"),
    **dict.fromkeys(("failed", "error", "errored"), "failed"),
}
_NAMES = {str(value): name for name, value in PRIORITIES.items()}


@dataclass(frozen=True, slots=True)
class Recipes:
    """How imported tasks shall be done: by an agent (in a copy of `repo`), by the default recipe of their category, or by nothing yet."""

    agent: str | None = None
    repo: str | None = None
    by_default: bool = False


def read_tasks(place: Place, pairs: Sequence[tuple[str, Any]], report: FileReport, *, source: str, recipes: Recipes, now: datetime) -> list[Item]:
    """The tasks among `pairs` (id or "", entry), each in the order of the file; what is no task is left out by name."""
    found: dict[str, Item] = {}
    notes: Counter[str] = Counter()
    for n, (own_id, raw) in enumerate(pairs, 1):
        report.found += 1
        name = f"entry {n}"
        try:
            item = _read(place, raw, own_id, source=source, notes=notes, now=now)
            name = item.name
            if item.key in found:
                same = found[item.key].digest == item.digest
                raise Refused("it stands twice" if same else "it stands twice in different words (same id, title and date); the first was taken")
            found[item.key] = _drafted(place, item, recipes)
        except (Refused, OverflowError) as error:
            named = raw.get("title") or raw.get("id") if isinstance(raw, dict) else None
            report.leave_out(named or name, str(error).rstrip("."))
    report.notes += [f"{count:,} {what}" for what, count in sorted(notes.items())]
    return list(found.values())


def _read(place: Place, raw: Any, own_id: str, *, source: str, notes: Counter[str], now: datetime) -> Item:
    if not isinstance(raw, dict):
        raise Refused(f"it is no task but {clean(text(raw))[:40]}")
    if len(text(raw)) > CONTENT_LIMIT:
        raise Refused(f"it has more than {CONTENT_LIMIT:,} characters")
    old_id = clean(str(raw.get("id") if raw.get("id") is not None else own_id))[:100]
    title = clean(str(first(raw, ("title", "name")) or ""))
    if not title:
        raise Refused("it has no title")
    status = clean(str(raw.get("status") or "queued")).casefold()
    if status not in STATUSES:
        raise Refused(f"its status {status[:40]!r} is unknown; known are {', '.join(sorted(set(STATUSES)))}")
    created = moment_of(raw.get("created_at"), place.zone)
    item = Item(key_of(source, "task", old_id, title, raw.get("created_at")), "task", f"{old_id} {title}".strip(), raw, old_id, status)
    item.state, item.made_at = STATUSES[status], created if created and created <= now else None
    item.waits_for = _waits_for(raw.get("dependencies"))
    item.words = {
        "title": shorten(title, TITLE_LIMIT),
        "description": _description(raw, title),
        "hours": _hours(raw, notes),
        "category": _category(raw, notes),
        "priority": _priority(raw.get("priority")),
        "due": moment_of(first(raw, ("due", "due_date", "deadline")), place.zone),
        "tags": _tags(raw.get("tags")),
    }
    _note(raw, status, title, notes)
    return item


def _note(raw: dict[str, Any], status: str, title: str, notes: Counter[str]) -> None:
    told = {
        "with an approval of the old system, which does not count: the policy decides anew": raw.get("auto_approve") is True,
        "with an old time (scheduled_for), which the planner does not take over": bool(raw.get("scheduled_for")),
        "completed there, taken as history without evidence (unverified)": STATUSES[status] == "accepted",
        "in progress there; that work is not ours, so they are queued": status in ("in_progress", "in progress", "running", "active", "started"),
        "with a title longer than the limit, shortened; the whole stands in the description": len(title) > TITLE_LIMIT,
    }
    notes.update(what for what, holds in told.items() if holds)


def _description(raw: dict[str, Any], title: str) -> str:
    told = raw.get("description")
    own = told if isinstance(told, str) else "" if told is None else text(told)
    return f"{title}\n\n{own}".strip() if len(title) > TITLE_LIMIT else own


def _hours(raw: dict[str, Any], notes: Counter[str]) -> Any:
    value = first(raw, ("estimated_hours", "hours", "estimate"))
    if value is None:
        notes["without hours; counted as 1"] += 1
        return 1.0
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise Refused(f"its hours are {clean(text(value))[:40]}, which is no number")
    return value


def _category(raw: dict[str, Any], notes: Counter[str]) -> str:
    word = raw.get("category")
    try:
        return category(str(word or ""))
    except Refused:
        notes[f"of an unknown category ({clean(str(word or 'none'))[:40]}), taken as {UNKNOWN_CATEGORY}, which asks first"] += 1
        return UNKNOWN_CATEGORY


def _priority(value: Any) -> str:
    if value is None:
        return "MEDIUM"
    word = clean(str(int(value) if isinstance(value, float) and value.is_integer() else value)).upper()
    name = _NAMES.get(word, word)
    if name not in PRIORITIES or isinstance(value, bool):
        raise Refused(f"its priority {word[:40]!r} is none of 5 (CRITICAL) to 1 (BACKLOG)")
    return name


def _tags(value: Any) -> list[str]:
    return [str(t)[:60] for t in value if isinstance(t, str) and clean(t)] if isinstance(value, list) else []


def _waits_for(value: Any) -> list[str]:
    if isinstance(value, str):
        value = [part for part in value.split(",") if part.strip()]
    if not isinstance(value, list):
        return [] if value in (None, {}) else [clean(text(value))[:100]]
    return list(dict.fromkeys(clean(str(v.get("id")) if isinstance(v, dict) else str(v))[:100] for v in value))


def _drafted(place: Place, item: Item, recipes: Recipes) -> Item:
    """The item with its task; a default recipe and an agent are for what may still run."""
    live = item.state == "queued"
    own: dict[str, Any] = {"agent": recipes.agent, "repo": recipes.repo} if live else {}
    item.task = draft(place.home, place.settings, **item.words, **own, by_default=recipes.by_default and live, id=task_id_of(item.key))
    item.words = {}  # they stand in the task now, and a hundred thousand of them need not stand twice
    return item


# --- what waits for what -------------------------------------------------------------------------------------------------


def ordered(place: Place, items: Iterable[Item], known: dict[str, list[tuple[str, str]]], report: FileReport) -> list[Item]:
    """The tasks so that each stands behind those that it waits for, with ids of ours. `known`: old id -> (task id, state) of what was imported before.

    What waits for something that is not there, has failed there, or waits for itself in a circle is parked with the reason.
    """
    own = {i.key: i for i in items}
    by_old: dict[str, list[Item]] = {}
    for item in own.values():
        if item.old_id:
            by_old.setdefault(item.old_id, []).append(item)
    _tell_collisions(by_old, report)
    edges = {key: {o.key for old in item.waits_for for o in by_old.get(old, ())} for key, item in own.items()}
    circle = _in_circles(edges)
    for key in circle:
        edges[key] -= circle
    try:
        order = list(TopologicalSorter(edges).static_order())
    except CycleError as error:  # _in_circles has cut them all
        raise Refused(f"{report.file}: what waits for what cannot be put in order.", code="failed") from error
    return [_waiting(place, own[key], by_old, known, own, edges[key], circle) for key in order]


def _tell_collisions(by_old: dict[str, list[Item]], report: FileReport) -> None:
    for old, those in by_old.items():
        if len(those) > 1:
            report.notes.append(f"the id {old} stands for {len(those)} tasks; each came in, and what waits for {old} waits for all of them")


def _waiting(
    place: Place,
    item: Item,
    by_old: dict[str, list[Item]],
    known: dict[str, list[tuple[str, str]]],
    own: dict[str, Item],
    kept: set[str],
    circle: set[str],
) -> Item:
    assert item.task is not None
    ids, lost = [], []
    for old in item.waits_for:
        here = [o for o in by_old.get(old, ()) if o.key in kept]
        before = known.get(old, []) if old not in by_old else []
        ids += [task_id_of(o.key) for o in here] + [task for task, _ in before]
        if any(o.state == "failed" for o in here) or any(state in ("failed", "dropped", "undone") for _, state in before):
            lost.append(f"{old}, which has failed")
        elif not here and not before:
            lost.append(f"{old}, which waits for this one in a circle" if old in by_old and item.key in circle else f"{old}, which was not imported")
    item.task = replace(item.task, after=tuple(dict.fromkeys(ids)))
    if lost and item.state == "queued":
        item.state, item.why = "parked", f"It waited for {listed(lost[:5])}. If it may run without: jarvis queue edit {item.task.id} --no-after"
        item.task = replace(item.task, description=f"{item.task.description}\n\nIt waited for {listed(lost[:5])}.".strip())
    item.content_hash = added(place.home, item.task)["content_hash"]
    return item


def _in_circles(edges: dict[str, set[str]]) -> set[str]:
    """What is left when everything that can begin, and everything that nothing waits for, is taken away again and again."""
    left = {k: set(v) for k, v in edges.items()}
    for _ in range(2):
        waited: dict[str, set[str]] = {}
        for key, others in left.items():
            for other in others:
                waited.setdefault(other, set()).add(key)
        free = [k for k, others in left.items() if not others]
        while free:
            key = free.pop()
            left.pop(key)
            for other in waited.get(key, ()):
                left[other].discard(key)
                if not left[other]:
                    free.append(other)
        back: dict[str, set[str]] = {k: set() for k in left}  # now from the other end
        for key, others in left.items():
            for other in others:
                back[other].add(key)
        left = back
    return set(left)
