"""What can an agent read as a whole: the plan of the coming day, the latest brief, one task? Each text says first that it is data."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from jarvis_lib.doors.mcp.tools import DATA
from jarvis_lib.model.fact import Refused
from jarvis_lib.model.prose import clean, hours, shorten
from jarvis_lib.store.place import Place
from jarvis_lib.store.tasks import find

SCHEME = "jarvis://"
PLAN, BRIEF, TASK = f"{SCHEME}plan/today", f"{SCHEME}brief/latest", f"{SCHEME}task/"
FIXED = {PLAN: ("Plan of the coming day", "What is planned in the next 24 hours, with reasons."), BRIEF: ("Latest brief", "What the last night brought.")}
PROMPT = "plan_my_night"
GOAL_LIMIT = 2_000
_DAY = timedelta(hours=24)


def text_of(open_place: Callable[[], Place], uri: str) -> str:
    """The text behind a URI. Raises Refused for one that is not there."""
    if uri == PLAN:
        return _plan(open_place())
    if uri == BRIEF:
        return _brief(open_place())
    if uri.startswith(TASK):
        return _task(open_place(), uri.removeprefix(TASK))
    raise Refused(f"There is no {clean(uri)[:80]!r}; there are {PLAN}, {BRIEF} and {TASK}ID.", code="missing")


def _plan(place: Place) -> str:
    now = place.now()
    with place.store.reading() as reader:
        rows = [r for r in reader.rows("build_scheduler.plan_rows") if r["start"] is not None and now - _DAY < r["start"] < now + _DAY and r["end"] > now]
    lines = [f"{r['start'].astimezone(place.zone):%a %H:%M} {r['task']} {clean(r['title'])} ({hours(r['hours'])}): {clean(r['sentence'])}" for r in rows]
    return _data("\n".join(lines) or "Nothing is planned for the next 24 hours.")


def _brief(place: Place) -> str:
    from jarvis_lib.report.brief import compose
    from jarvis_lib.report.text import brief_text

    with place.store.reading() as reader:
        return _data(brief_text(compose(reader, now=place.now(), zone=place.zone, settings=place.settings, home=place.home)))


def _task(place: Place, task: str) -> str:
    with place.store.reading() as reader:
        row = find(reader, task)
        told = reader.rows("doors.progress", task=row["id"])
    lines = [
        f"id: {row['id']}",
        f"title: {clean(row['title'])}",
        f"state: {row['state']}{'. ' + clean(row['why']) if row['why'] else ''}",
        f"category: {row['category']}, {row['priority']}, {hours(row['hours'])}",
        f"proposed or added by: {clean(row['actor'])}",
        *(f"reported {t['percent']} % by {clean(t['actor'])}: {clean(t['note'])}" for t in told),
        "",
        shorten(clean(row["description"], keep_lines=True), 8_000),
    ]
    return _data("\n".join(lines))


def _data(text: str) -> str:
    return f"{DATA}\n---\n{text}"


def prompt(name: str, given: Mapping[str, Any]) -> str:
    """The prompt that has a host turn a goal, which is the person's own word, into proposals."""
    if name != PROMPT:
        raise Refused(f"There is no prompt {clean(name)[:40]!r}; there is {PROMPT}.", code="missing")
    goal = str(given.get("goal", ""))
    if len(goal) > GOAL_LIMIT:
        raise Refused(f"The goal has {len(goal):,} characters; the limit is {GOAL_LIMIT:,}.", code="usage")
    return (
        f"My goal for tonight: {clean(goal, keep_lines=True) or '(none given: ask me)'}\n\n"
        "Look at list_tasks and get_plan first, so that nothing is proposed twice. Then propose 1 to 5 tasks with add_task, each of at most 4 hours, each with "
        "an acceptance that a command could check. Tell me their ids and the command with which I approve them (jarvis approve ID); you cannot approve them."
    )
