"""How does the state look to tools that read the old system's JSON files? The same names and shapes, one way: nothing is read back from them.

What the old words cannot say is told in docs/OLD_TO_NEW.md; the nearest old word is written, and never a better one than what was proved.
"""

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from jarvis_lib.doors.exporting import whole_folder
from jarvis_lib.model.book import Row
from jarvis_lib.store.place import Place
from jarvis_lib.store.samples import Samples

STATUS = {
    **dict.fromkeys(("proposed", "queued", "parked", "review"), "queued"),
    "running": "in_progress",
    **dict.fromkeys(("shipped", "accepted"), "completed"),
    **dict.fromkeys(("failed", "dropped", "undone"), "failed"),
}
"""State -> the old word. A task that waits for a look is not completed."""
_HISTORY = timedelta(days=30)


def export_classic(place: Place, folder: Path, *, now: datetime) -> dict[str, Any]:
    """Write the eight old files and the day's report to `folder`; how many things of each kind."""
    made = _files(place, now=now)

    def write(own: Path) -> dict[str, Any]:
        for name, content in made.items():
            text = content if isinstance(content, str) else json.dumps(content, indent=2, ensure_ascii=False, default=_plain) + "\n"
            (own / name).write_text(text, encoding="utf-8")
        return {name: _count(content) for name, content in made.items()}

    return whole_folder(folder, write)


def _plain(value: Any) -> str:
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds")
    raise TypeError(f"{type(value).__name__} in an export")


def _count(content: Any) -> int:
    return max((len(v) for v in content.values() if isinstance(v, list)), default=1) if isinstance(content, dict) else 1


def _files(place: Place, *, now: datetime) -> dict[str, Any]:
    from jarvis_lib import autonomous_queue, context_scheduler

    context = context_scheduler.detect(place, now=now)
    report = autonomous_queue.report(place, now=now, hours=24)
    with place.store.reading() as reader:
        rows = {
            name: reader.rows(f"exporting.{name}", since=now - _HISTORY)
            for name in ("tasks", "running", "transitions", "problems", "patterns", "requests", "improvements", "weekend")
        }
    day = f"{now.astimezone(place.zone):%Y-%m-%d}"
    return {
        "build_queue.json": {"tasks": [_task(row) for row in rows["tasks"]], "last_updated": now},
        "queue_state.json": {"active_agents": [_agent(row) for row in rows["running"]], "last_updated": now},
        "context_state.json": {"current_context": context.state, "history": [_context(row) for row in rows["transitions"]], "last_updated": now},
        "problems.json": {"active_problems": [_problem(row) for row in rows["problems"]], "last_updated": now},
        "metrics_history.json": {"metrics": _metrics(place, now=now)},
        "patterns.json": {
            "patterns": [_pattern(row) for row in rows["patterns"]],
            "request_log": [{"type": row["type"], "timestamp": row["at"], "source": row["source"]} for row in rows["requests"]],
        },
        "improvements.json": {"improvements": [_improvement(row) for row in rows["improvements"]]},
        "weekend_plan.json": {"candidates": [_build(row) for row in rows["weekend"]]},
        f"daily_report_{day}.json": report,
        f"daily_report_{day}.md": _daily(report, day),
    }


def _task(row: Row) -> dict[str, Any]:
    return {
        "id": row["id"],
        "title": row["title"],
        "description": row["description"],
        "estimated_hours": row["hours"],
        "category": row["category"],
        "priority": row["priority_value"],
        "dependencies": list(row["after"]),
        "auto_approve": row["approved_hash"] is not None and row["approved_hash"] == row["content_hash"],
        "created_at": row["added_at"],
        "scheduled_for": row["planned"],
        "status": STATUS[row["state"]],
    }


def _agent(row: Row) -> dict[str, Any]:
    return {"task_id": row["task"], "title": row["title"], "started_at": row["claimed_at"], "attempt": row["n"], "session": row["session"]}


def _context(row: Row) -> dict[str, Any]:
    return {"context": row["state"], "from": row["before"], "timestamp": row["at"], "confidence": row["confidence"]}


def _problem(row: Row) -> dict[str, Any]:
    words = {"id": row["key"], "type": row["kind"], "description": row["what"], "severity": row["severity"], "suggested_fix": row["suggested"]}
    return words | {"probability": row["probability"], "auto_fixable": row["safe"], "detected_at": row["first_seen"], "last_seen": row["last_seen"]}


def _pattern(row: Row) -> dict[str, Any]:
    own = {"id": row["id"], "title": row["title"], "trigger": row["when"], "occurrences": row["n"], "confidence": row["low"]}
    return own | {"last_updated": row["changed_at"], "active": row["state"] == "learned"}


def _improvement(row: Row) -> dict[str, Any]:
    own = {"id": row["id"], "title": row["title"], "description": row["why"], "status": row["state"], "created_at": row["proposed_at"]}
    return own | {"measured": row["verdict"]}


def _build(row: Row) -> dict[str, Any]:
    own = {"id": row["id"], "title": row["title"], "estimated_hours": row["hours"], "weekend": row["weekend"], "tasks": list(row["tasks"])}
    return own | {"status": row["state"] or "suggested"}


def _metrics(place: Place, *, now: datetime) -> list[dict[str, Any]]:
    samples = Samples(place.home)
    names = [row["metric"] for row in samples.latest(now=now)]
    return [
        {"timestamp": row["at"], "metric": name, "value": row["mid"]} for name in sorted(names) for row in samples.hours(name, since=now - _HISTORY, until=now)
    ]


def _daily(report: dict[str, Any], day: str) -> str:
    lines = [f"# Daily report {day}", "", f"Added {report['added']}, attempts {report['attempts']}, waiting for you {report['waiting']}.", ""]
    lines += [f"- {e['title']}: {e['outcome']}, {e['verdict']}. {e['why'] or ''}".rstrip() for e in report["ended"]] or ["Nothing ended in these 24 hours."]
    return "\n".join([*lines, ""])
