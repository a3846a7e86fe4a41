"""What ran, and how do we know? One row for each build that was tried, made from evidence alone.

A build is a task with at least one ended attempt in the span; its newest attempt speaks for it.
"""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from jarvis_lib.model.evidence import MAX_ATTEMPTS
from jarvis_lib.model.prose import clean, lasting, plural, shorten
from jarvis_lib.report.clock import when
from jarvis_lib.report.parts import Link, PlanRow, RanRow, Status

Row = dict[str, Any]

VERIFIED = Status("✓", "shipped", "ok")
UNDONE = Status("↶", "undone", "warn")
NO_PROOF = {
    "unverified": Status("?", "unverified", "warn"),
    "hollow": Status("✗", "hollow", "bad"),
    "refuted": Status("✗", "refuted", "bad"),
}
NOT_FINISHED = {
    "failed": Status("✗", "failed", "bad"),
    "timed_out": Status("✗", "timed out", "bad"),
    "died": Status("✗", "died", "bad"),
    "abandoned": Status("✗", "abandoned", "bad"),
    "stopped": Status("–", "stopped", "warn"),
    "limited": Status("–", "limited", "warn"),
    "paused": Status("–", "paused", "info"),
    "no_login": Status("✗", "no log-in", "bad"),
    "denied": Status("✗", "denied", "bad"),
}
WITHOUT_VERDICT = (
    ("Stopped and escalated", Status("✗", "escalated", "bad")),
    ("It asks", Status("?", "asks you", "warn")),
    ("A permission", Status("✗", "denied", "bad")),
)
"""What ended by itself and was judged all the same, by how its sentence begins."""
SAID = {
    "escalated": "was stopped and escalated",
    "asks you": "asks you something",
    "not judged": "has no verdict",
    "unverified": "has no proof",
    "hollow": "changed nothing",
    "refuted": "failed its check",
    "failed": "failed",
    "timed out": "ran out of time",
    "died": "died",
    "abandoned": "was abandoned",
    "stopped": "was stopped",
    "limited": "met a usage limit",
    "paused": "paused at the end of its time",
    "no log-in": "needs a log-in",
    "denied": "was denied a permission",
}
MEANS = {word: SAID[word] for word in ("unverified", "hollow", "refuted")}
"""Verdicts that are words of this house, in plain ones."""
LINE = 220


def status_of(ending: Row) -> Status:
    """The sign and word of one ended attempt, as its task stands now."""
    if ending["verdict"] == "verified":
        return UNDONE if ending["state"] == "undone" or ending["undone_at"] is not None else VERIFIED
    if ending["verdict"] == "none" and ending["outcome"] == "finished":
        return next((status for start, status in WITHOUT_VERDICT if (ending["verdict_why"] or "").startswith(start)), Status("?", "not judged", "warn"))
    return NO_PROOF.get(ending["verdict"]) or NOT_FINISHED.get(ending["outcome"]) or Status("?", clean(str(ending["outcome"])), "warn")


def rows(endings: Sequence[Row], evidence: Sequence[Row]) -> list[RanRow]:
    """One row for each task among `endings` (by the time they ended)."""
    newest = {e["task"]: e for e in endings}
    seen: dict[str, list[Row]] = {}
    for e in evidence:
        seen.setdefault(e["attempt"], []).append(e | {"detail": json.loads(e["detail"] or "{}")})
    return [row_of(ending, seen.get(ending["id"], [])) for ending in newest.values()]


def row_of(ending: Row, seen: Sequence[Row]) -> RanRow:
    """The row of one build from its newest attempt and that attempt's evidence (`detail` already parsed)."""
    status = status_of(ending)
    shipped = ending["verdict"] == "verified"
    return RanRow(
        task=ending["task"],
        title=shorten(clean(ending["title"]), 120),
        status=status,
        proof=tuple(proof(seen) if shipped else reasons(ending, seen)),
        time=_time(ending),
        seconds=float(ending["seconds"] or 0.0),
        planned_hours=float(ending["planned_hours"]),
        attempt=ending["n"],
        accepted=_accepted(ending),
        measured=any(e["kind"] == "measure" and e["ok"] for e in seen),
        isolation=clean(ending["isolation"] or ""),
        links=tuple(_links(ending, seen)),
        commands=(*_commands(ending), *(str(e["detail"]["by_hand"]) for e in seen if e["kind"] == "call" and e["detail"].get("by_hand"))),
    )


def proof(seen: Sequence[Row]) -> list[str]:
    """The sentences that prove it: what was measured, what was checked, what changed."""
    said = [shorten(clean(e["said"]), LINE) for e in seen if e["kind"] == "measure"]
    checks = [e for e in seen if e["kind"] == "check"]
    if checks:
        passed = sum(bool(e["ok"]) for e in checks)
        told = "; ".join(shorten(clean(e["said"]), 110) for e in checks[:3])
        said.append(f"{passed} of {plural(len(checks), 'check')} passed: {told}")
    said += [shorten(clean(e["said"]), 140) for e in seen if e["kind"] == "artefact"][:2]
    changed = [shorten(clean(e["said"]), 110) for e in seen if e["kind"] == "change" and e["detail"].get("changed")]
    diff = [shorten(clean(e["said"]), 110) for e in seen if e["kind"] == "diff"]
    if diff:
        said.append("; ".join([*diff, *branch(seen)]))
    elif changed:
        said.append("; ".join(changed[:3]) + (f"; and {len(changed) - 3} more" if len(changed) > 3 else ""))
    said += work_of_agents(seen)
    return [shorten(s, 2 * LINE) for s in said if s]


def branch(seen: Sequence[Row]) -> list[str]:
    """Where the result of a task in a repository is."""
    return [shorten(clean(e["said"]), 140) for e in seen if e["kind"] == "commit" and e["name"] in ("branch", "kept back", "unfinished")]


def work_of_agents(seen: Sequence[Row]) -> list[str]:
    """What agents did for it and cost; a cost that nobody told is told as unknown."""
    return [shorten(clean(e["said"]), LINE) for e in seen if e["kind"] == "call"]


def reasons(ending: Row, seen: Sequence[Row]) -> list[str]:
    """Why it did not ship: the verdict's sentence, the last line that it printed, and what became of its files."""
    said = [shorten(clean(ending["verdict_why"] or ""), LINE)]
    last = last_line(ending["tail"] or "")
    if last and last not in said[0]:
        said.append(f"Last line: {shorten(last, 160)}")
    said += [f"Its files were {shorten(clean(e['said']), 160)}" if e["ok"] else clean(e["said"]) for e in seen if e["kind"] == "restored"]
    refused = [f"Refused while it ran: {shorten(clean(e['said']), 160)}" for e in seen if e["kind"] == "denial" and clean(e["said"]) not in said[0]]
    follows = _follows(ending)
    return [s for s in [*said, *refused[:3], *branch(seen), *work_of_agents(seen), follows] if s]


def last_line(tail: str) -> str:
    """The last line with something in it, made harmless."""
    lines = [clean(line) for line in clean(tail, keep_lines=True).splitlines()]
    return next((line for line in reversed(lines) if line), "")


def _follows(ending: Row) -> str:
    if ending["state"] == "queued":
        return f"It is queued again; {ending['attempts_now']} of {MAX_ATTEMPTS} attempts are used."
    if ending["state"] == "parked":
        return "It is parked and waits for you."
    return ""


def _time(ending: Row) -> str:
    if ending["seconds"] is None:
        return f"no time known, {lasting(ending['planned_hours'])} planned"
    return f"{lasting(ending['seconds'] / 3600)} of {lasting(ending['planned_hours'])} planned"


def _accepted(ending: Row) -> str:
    if ending["verdict"] != "verified":
        return ""
    return {"accepted": "accepted", "undone": "undone"}.get(ending["state"], "waits for your accept")


def _links(ending: Row, seen: Sequence[Row]) -> list[Link]:
    links = [Link(label, ending[column]) for label, column in (("log", "log"), ("notebook", "notebook")) if ending[column]]
    inside = ("artefact", "diff", "prompt") if ending["commit_sha"] else ("artefact", "change", "prompt")
    paths = [p for e in seen if e["kind"] in inside for p in _paths(e)]
    if ending["state"] in ("shipped", "accepted"):
        links += [Link(clean(p.rsplit("/", 1)[-1]), p) for p in dict.fromkeys(paths)][:3]
    return links


def _paths(e: Row) -> list[str]:
    if e["kind"] == "change":
        return [e["name"]] if e["detail"].get("changed") else []
    return [str(e["detail"]["path"])] if e["detail"].get("path") else []


def _commands(ending: Row) -> list[str]:
    task, state = ending["task"], ending["state"]
    if state == "shipped":
        return [f"jarvis queue accept {task}", f"jarvis undo {task}"]
    if state == "accepted":
        return [f"jarvis undo {task}"]
    if state == "review":
        return [f"jarvis queue accept {task}", f"jarvis queue retry {task}", *([f"jarvis queue follow-up {task} '…'"] if ending["recipe"] == "agent" else [])]
    if state == "failed":
        return [f"jarvis queue retry {task}", f"jarvis queue drop {task}"]
    return [f"jarvis show {task}"]


def running(found: Sequence[Row], *, now: datetime, zone: ZoneInfo) -> list[PlanRow]:
    """The attempts that have no ending yet."""
    return [
        PlanRow(
            when(r["claimed_at"], zone, now=now),
            r["task"],
            shorten(clean(r["title"]), 120),
            f"attempt {r['n']}, runs since {when(r['claimed_at'], zone, now=now)}"
            + (f", expected until {when(r['expected_end'], zone, now=now)}" if r["expected_end"] else ""),
        )
        for r in found
    ]
