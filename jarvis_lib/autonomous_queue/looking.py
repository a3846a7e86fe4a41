"""What waits for the person, what runs, and what the last hours brought."""

from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from jarvis_lib import problem_predictor
from jarvis_lib.model.book import Row
from jarvis_lib.model.prose import clean, seconds, shorten
from jarvis_lib.model.settings import Settings
from jarvis_lib.model.starting import would_start
from jarvis_lib.model.task_row import content_of, name_of
from jarvis_lib.store.place import Place
from jarvis_lib.store.store import Reader

_DO_NOTHING = {
    "escalated": "it never runs",
    "approval": "it waits; it does not run without your yes",
    "no_recipe": "it waits; there is nothing to run",
    "question": "it waits for your look",
    "deaths": "it waits; it is not started a third time by itself",
    "dependency": "it waits for the task before it",
    "review": "it stays unverified and does not count as shipped",
    "failed": "it stays failed and is not tried again",
    "proposed": "it is dropped after 7 days",
}


def inbox(place: Place, *, now: datetime) -> list[dict[str, Any]]:
    """What needs the person: each with what it is, what happens without them, and the commands to copy."""
    with place.store.reading() as reader:
        return inbox_of(reader, place.settings, now=now)


def inbox_of(reader: Reader, settings: Settings, *, now: datetime) -> list[dict[str, Any]]:
    """`inbox` on an open reader or a snapshot."""
    waiting = reader.rows("autonomous_queue.waiting", now=now)
    refused = reader.rows("autonomous_queue.refused_since", since=now - timedelta(days=7))
    offers = reader.rows("autonomous_queue.offers", now=now)
    agents = reader.rows("autonomous_queue.wanting_agent", now=now)
    fixes = [_fix_card(row) for row in problem_predictor.asked_by(reader, now=now)]
    cards = _agent_cards(settings, agents) + [_card(row) for row in waiting] + fixes + [_offer_card(row) for row in offers]
    return cards + [
        {
            "task": r["task"],
            "title": r["title"] or r["kind"],
            "kind": "refused",
            "what": r["sentence"],
            "do_nothing": "nothing happens; it was not applied",
            "commands": [],
            "at": r["at"],
        }
        for r in refused
    ]


def put_off(place: Place, *, now: datetime) -> list[dict[str, Any]]:
    """What the person put off without an end, which asks for nothing: each with the command that brings it back. `now` is for relative times."""
    with place.store.reading() as reader:
        return put_off_of(reader)


def put_off_of(reader: Reader) -> list[dict[str, Any]]:
    """`put_off` on an open reader or a snapshot."""
    return [{"task": r["id"], "title": r["title"], "command": f"jarvis queue approve {r['id']}"} for r in reader.rows("autonomous_queue.put_off")]


def _card(row: Row) -> dict[str, Any]:
    kind = row["state"] if row["state"] in ("review", "proposed", "failed") else row["parked_kind"]
    return {
        "task": row["id"],
        "title": row["title"],
        "kind": kind,
        "what": row["why"] or ". ".join(filter(None, (f"Proposed by {row['actor']}", would_start(content_of(row))))),
        "do_nothing": _DO_NOTHING.get(kind, "it waits"),
        "commands": _commands(row["id"], kind),
        "at": row["changed_at"],
    }


def _agent_cards(settings: Settings, rows: list[Row]) -> list[dict[str, Any]]:
    """One card for all tasks that wait for a coding agent which is not switched on or not there."""
    if not rows:
        return []
    from jarvis_lib.execution.agent_ready import waiting

    stuck = waiting(rows, settings.values["agent"])
    if stuck is None:
        return []
    first = next(row for row in rows if row["id"] == stuck.tasks[0])
    told = {"task": first["id"], "title": stuck.title, "kind": "agent", "what": stuck.what, "do_nothing": stuck.do_nothing}
    return [told | {"commands": list(stuck.commands), "at": first["changed_at"]}]


def _fix_card(row: Row) -> dict[str, Any]:
    return {
        "task": "",
        "title": row["what"],
        "kind": "fix",
        "what": f"{row['suggested']} (risk {row['tier']}{': ' + row['tier_why'] if row['tier_why'] else ''})",
        "do_nothing": "the problem stays",
        "commands": [row["command"], row["command"].replace("problems fix", "problems dismiss", 1)],
        "at": row["last_seen"],
    }


def _offer_card(row: Row) -> dict[str, Any]:
    """What a learned routine would have ready before its need; it is asked once."""
    return {
        "task": "",
        "title": row["title"],
        "kind": "offer",
        "what": f"Shall it be ready before you need it? {row['said']}",
        "do_nothing": "it is not made ready",
        "commands": [f"jarvis patterns enable {row['pattern']} --recipe NOTEBOOK", f"jarvis patterns dismiss {row['pattern']}"],
        "at": row["made_at"],
    }


def _commands(task: str, kind: str) -> list[str]:
    yes = {"review": "accept", "no_recipe": "edit", "dependency": "show", "failed": "retry"}.get(kind, "approve")
    tail = " --command '…'" if yes == "edit" else ""
    no = {"review": "drop", "failed": "drop"}.get(kind, "decline")
    look = {
        "question": [f"jarvis queue edit {task} --description '…'", f"jarvis show {task}"],
        "no_recipe": [],
        "dependency": [f"jarvis queue edit {task} --no-after"],
    }.get(kind, [f"jarvis show {task}"])
    return [f"jarvis queue {yes} {task}{tail}", *look, f"jarvis queue {no} {task}"]


def progress(place: Place, *, now: datetime) -> list[dict[str, Any]]:
    """What runs: elapsed, expected end, the last line it printed, where its log is. The share is of its time; time is not proof."""
    with place.store.reading() as reader:
        rows = reader.rows("autonomous_queue.running")
        told = {row["task"]: reader.one("doors.newest_progress", task=row["task"], n=row["n"], since=row["claimed_at"]) for row in rows}
    return [_with_word(_running(place, row, now=now), told[row["task"]]) for row in rows]


def _with_word(running: dict[str, Any], told: Row | None) -> dict[str, Any]:
    """The row with how far its agent says that it is, which is its word and no proof either."""
    if told is None:
        return running | {"reported": None}
    word = f"; {told['actor']} says {told['percent']} %{': ' + told['note'] if told['note'] else ''}"
    return running | {"said": running["said"] + word, "reported": {"percent": told["percent"], "note": told["note"], "by": told["actor"]}}


def _running(place: Place, row: Row, *, now: datetime) -> dict[str, Any]:
    spent = max((now - row["claimed_at"]).total_seconds(), 0.0)
    share = spent / (row["hours"] * 3600)
    log = place.home / row["log"] if row["log"] else None
    return {
        "task": row["task"],
        "title": row["title"],
        "attempt": row["n"],
        "elapsed_s": round(spent, 1),
        "elapsed": seconds(spent),
        "share_of_time": round(min(share, 9.99), 3),
        "said": f"{min(share, 9.99):.0%} of its time (time, not proof)",
        "expected_end": row["expected_end"],
        "last_line": _last_line(log) if log else "",
        "log": row["log"],
    }


def _last_line(path: Path) -> str:
    try:
        with path.open("rb") as stream:
            stream.seek(max(path.stat().st_size - 8192, 0))
            lines = [line for line in stream.read().decode("utf-8", "replace").splitlines() if line.strip()]
    except FileNotFoundError:
        return ""
    return shorten(clean(lines[-1]), 160) if lines else ""


def report(place: Place, *, now: datetime, hours: float = 8.0) -> dict[str, Any]:
    """The last hours in short: what was added, what ended and how, what runs, what waits."""
    since = now - timedelta(hours=hours)
    with place.store.reading() as reader:
        ended = reader.rows("autonomous_queue.ended_between", since=since, until=now)
        added = reader.one("autonomous_queue.added_between", since=since, until=now) or {"added": 0}
        running = reader.rows("autonomous_queue.running")
        states = {r["state"]: r["tasks"] for r in reader.rows("autonomous_queue.states")}
        waiting = reader.rows("autonomous_queue.waiting", now=now)
    return {
        "since": since,
        "until": now,
        "hours": hours,
        "added": added["added"],
        "attempts": len(ended),
        "verdicts": dict(Counter(r["verdict"] for r in ended)),
        "ended": [
            {"task": r["task"], "title": r["title"], "outcome": r["outcome"], "verdict": r["verdict"], "why": r["verdict_why"], "seconds": r["seconds"]}
            for r in ended
        ],
        "running": [name_of({"id": r["task"], "title": r["title"]}) for r in running],
        "waiting": len(waiting),
        "states": states,
    }
