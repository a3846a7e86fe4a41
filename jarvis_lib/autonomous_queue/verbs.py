"""What the person does with tasks: add, look, decide, put off, accept. Each verb writes one fact and says what was applied."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

from jarvis_lib.autonomous_queue.coming_again import come_again, comes_at, end, told
from jarvis_lib.model.book import Row
from jarvis_lib.model.fact import Refused, new_id, stamp
from jarvis_lib.model.prose import clean, plural
from jarvis_lib.model.starting import would_start
from jarvis_lib.model.states import SAID, move, stands
from jarvis_lib.model.task import TITLE_LIMIT, Task, content_hash, task_from_json
from jarvis_lib.model.task_row import content_of, name_of
from jarvis_lib.store.place import Place
from jarvis_lib.store.tasks import find

if TYPE_CHECKING:
    from jarvis_lib.execution.draft import Extras

PROPOSAL_DAYS = 7
_PIPED_TABS = 5


@dataclass(frozen=True, slots=True)
class Added:
    """The task as it was added, and the sentence about what became of it."""

    task: Task
    said: str


def current_hash(home: Path, task: Task) -> str:
    """The hash of what would be approved right now: the content and the bytes of the files it names."""
    from jarvis_lib.execution.digests import files_of

    return content_hash(task, files_of(home, task))


def _resolve(place: Place, text: str) -> Row:
    with place.store.reading() as reader:
        return find(reader, text)


def add(
    place: Place,
    title: str,
    description: str,
    hours: str | float,
    category: str,
    priority: str,
    *,
    now: datetime,
    **more: Unpack["Extras"],
) -> Added:
    """Add a task and have it decided. Raises Refused for anything wrong; nothing is half-added.

    `more` is whatever else may be said of a task (`execution.draft.Extras`); its `after` takes ids or prefixes.
    """
    from jarvis_lib.execution import draft

    more["after"] = [_resolve(place, a)["id"] for a in more.get("after", ())]
    task = draft.draft(place.home, place.settings, title=title, description=description, hours=hours, category=category, priority=priority, id=new_id(), **more)
    first = comes_at(place, task, now=now)
    place.store.write(place.fact("task.added", at=now, task=task.to_json(), content_hash=current_hash(place.home, task), **first))
    row = _resolve(place, task.id)
    agent = _no_agent(place, task)
    return Added(task, f"Added {draft.said(task)} It is {_standing(place, row)}{f' {agent}' if agent else ''}")


def _no_agent(place: Place, task: Task) -> str:
    """Why no coding agent can do this task as things stand; empty where one can, or none is asked for."""
    if task.recipe is None or task.recipe.kind != "agent":
        return ""
    from jarvis_lib.execution.agent_ready import unready

    return unready(place.settings.values["agent"], task.recipe.agent)


def _standing(place: Place, row: Row) -> str:
    """Where it stands, with why; what is parked says once what it waits for."""
    said = stands(row, place.zone)
    if row["parked_kind"] == "later" or not row["why"]:
        return f"{said}."
    return f"{'parked' if row['state'] == 'parked' else said}. {row['why']}"


def listing(place: Place, *, now: datetime, open_only: bool = False, state: str = "", limit: int | None = None, short: bool = False) -> list[Row]:
    """Tasks of every state, what runs and what waits for the person first; `short` gives only the columns of a printed line.

    `now` is for the day when times are relative.
    """
    query = "autonomous_queue.lines" if short else "autonomous_queue.listing"
    with place.store.reading() as reader:
        return reader.rows(query, open_only=open_only, state=state, most=limit or 1_000_000)


def piped(place: Place, *, now: datetime, open_only: bool = False, state: str = "", limit: int | None = None) -> list[str]:
    """The listing as tab-separated lines: id, state, priority, hours, category, title. No control characters stand in them but the tabs."""
    with place.store.reading() as reader:
        lines = [r["line"] for r in reader.rows("autonomous_queue.piped", open_only=open_only, state=state, most=limit or 1_000_000)]
    return [line if _is_plain(line) else "\t".join(clean(cell) for cell in line.split("\t", _PIPED_TABS)) for line in lines]


def _is_plain(line: str) -> bool:
    return line.isascii() and line.count("\t") == _PIPED_TABS and line.replace("\t", "").isprintable()


def show(place: Place, task: str) -> dict[str, Any]:
    """Everything about one task: content, state, decisions, attempts with their evidence, its facts, its series, and what it was in another system."""
    with place.store.reading() as reader:
        row = find(reader, task)
        data = {
            "task": row | {"content": content_of(row).to_json()},
            "said": stands(row, place.zone),
            "decisions": reader.rows("autonomous_queue.decisions", task=row["id"]),
            "attempts": reader.rows("autonomous_queue.attempts", task=row["id"]),
            "evidence": reader.rows("autonomous_queue.evidence", task=row["id"]),
            "calls": reader.rows("autonomous_queue.calls", task=row["id"]),
            "grants": reader.rows("autonomous_queue.grants", task=row["id"]),
            "place": reader.one("autonomous_queue.newest_place", task=row["id"]),
            "facts": reader.rows("autonomous_queue.facts", task=row["id"]),
            "imported": reader.one("autonomous_queue.imported", task=row["id"]),
        }
    return data | {"series": told(place, row, now=place.now())}


def why(place: Place, task: str, *, now: datetime) -> list[str]:
    """Decision, place in the plan and verdicts of one task, in sentences."""
    seen = show(place, task)
    row = seen["task"]
    lines = [f"{name_of(row)} is {_standing(place, row)}"]
    for d in seen["decisions"]:
        reasons = "; ".join(d["reasons"])
        lines.append(f"Decided {_local(place, d['at'])}: {d['verdict']} ({reasons}). Rule {d['rule']}, risk {d['risk']}, policy {d['policy_hash']}.")
    lines += [f"Approved {_local(place, f['at'])} by {f['actor']}." for f in seen["facts"] if f["kind"] == "task.approved" and f["refused"] is None]
    if row["approved_hash"] and row["approved_hash"] != row["content_hash"]:
        lines.append("Its approval is void, because its content has changed since.")
    spot = seen["place"]
    if spot is not None and row["state"] in ("queued", "parked", "running"):
        lines.append(f"Plan of {_local(place, spot['made_at'])}: {spot['sentence']}")
    elif row["state"] == "queued":
        lines.append("No plan has been made since it was queued; make one with: jarvis scheduler schedule")
    agent = _no_agent(place, task_from_json(row["content"])) if row["state"] in ("queued", "parked") else ""
    lines += [f"It would not run as things stand: {agent}"] if agent else []
    for a in seen["attempts"]:
        ended = f"{a['outcome']}, {a['verdict']}: {a['verdict_why']}" if a["ended_at"] else "still running"
        lines.append(f"Attempt {a['n']} of {_local(place, a['claimed_at'])}: {ended}")
    return lines


def _local(place: Place, at: datetime) -> str:
    return f"{at.astimezone(place.zone):%a %d %b %H:%M}"


def edit(place: Place, task: str, *, now: datetime, **changes: Any) -> str:
    """Change a task's content; it is decided anew and any approval is void. Absent or None keeps what stands."""
    from jarvis_lib.execution import draft

    row = _resolve(place, task)
    if changes.get("after"):
        changes["after"] = [_resolve(place, a)["id"] for a in changes["after"]]
    revised = draft.revise(place.home, place.settings, content_of(row), **changes)
    if revised == content_of(row):
        return f"Nothing changed: {name_of(row)} is already like that."
    data = {"task": row["id"], "content": revised.to_json(), "content_hash": current_hash(place.home, revised), "revision": row["revision"]}
    data |= comes_at(place, revised, now=now)
    place.store.write(place.fact("task.edited", at=now, **data))
    return _applied(place, row["id"], "Edited")


def approve(place: Place, task: str, *, now: datetime) -> str:
    """Let it run. The approval is bound to the task's content and the bytes of its files as they are now."""
    row = _resolve(place, task)
    fresh = current_hash(place.home, content_of(row))
    facts = []
    changed = fresh != row["content_hash"]
    if changed:
        facts.append(place.fact("task.redecide", at=now, task=row["id"], content_hash=fresh))
    comes = {"comes_said": _local(place, row["until"])} if row["until"] is not None else {}
    facts.append(place.fact("task.approved", at=now, task=row["id"], content_hash=fresh, **comes))
    place.store.write(*facts)
    note = " Its files have changed since it was added; the approval holds for them as they are now." if changed else ""
    if row["state"] == "proposed" and (starts := would_start(content_of(row))):
        note = f" {starts}.{note}"
    return _applied(place, row["id"], "Approved") + note


def decline(place: Place, task: str, *, now: datetime, reason: str = "") -> str:
    """No: it is dropped, and can be retried later."""
    return _simple(place, task, "task.declined", "Declined", now=now, reason=reason)


def drop(place: Place, task: str, *, now: datetime, reason: str = "", series: bool = False) -> str:
    """Take it out of the queue. One that comes again does so, unless its `series` is ended with it."""
    row = _resolve(place, task)
    said = _simple(place, row["id"], "task.dropped", "Dropped", now=now, reason=reason)
    if series:
        return f"{said} {end(place, row, now=now)}"
    own = told(place, row, now=now)
    return f"{said} It comes again ({own['said']}); to end that: jarvis queue drop {row['id']} --series" if own and own["next"] else said


def later(place: Place, task: str, *, now: datetime, until: datetime | None = None) -> str:
    """Put it off until a time, or until you approve it again."""
    if until is not None and until <= now:
        raise Refused(f"{_local(place, until)} is in the past; give a time to come.", code="usage")
    said = _local(place, until) if until else ""
    row = _resolve(place, task)
    late = until is not None and row["due"] is not None and until > row["due"]
    warning = f" It is due {_local(place, row['due'])}, which is before that, so it will be late." if late else ""
    return _simple(place, row["id"], "task.later", "Put off", now=now, until=stamp(until) if until else None, said=said) + warning


def retry(place: Place, task: str, *, now: datetime) -> str:
    """Back to the queue with a fresh count of attempts."""
    return _simple(place, task, "task.retried", "Queued again", now=now)


def accept(place: Place, task: str, *, now: datetime, into: str = "", squash: bool = False) -> str:
    """Take the result over: the branch of a repository's task is merged first, and where that cannot be done nothing is accepted."""
    row = _resolve(place, task)
    if not content_of(row).repo:
        if into or squash:
            raise Refused(f"{name_of(row)} left no branch, so there is nothing to merge; leave --into and --squash out.", code="usage")
        return _simple(place, task, "task.accepted", "Accepted", now=now, reason="You took it over.")
    from jarvis_lib.autonomous_queue import copies

    move(row["state"], "accept", name=name_of(row))
    taken = copies.take_over(place, row, now=now, into=into, squash=squash)
    if taken is None:
        return _simple(place, task, "task.accepted", "Accepted", now=now, reason="You took it over; it left no branch.")
    said = _simple(place, task, "task.accepted", "Accepted", now=now, reason="You merged it.", merged=taken.commit)
    return f"{said} {taken.said}"


def would_accept(place: Place, task: str, *, into: str = "") -> str:
    """What `accept` would take over, in a sentence; refuses what cannot be accepted as it stands. Nothing is changed."""
    row = _resolve(place, task)
    move(row["state"], "accept", name=name_of(row))
    repo = content_of(row).repo
    if not repo:
        return f"Dry run, nothing was accepted: {name_of(row)} is {SAID[row['state']]} and would be accepted."
    with place.store.reading() as reader:
        branches = reader.rows("autonomous_queue.branches", task=row["id"])
    merged = f"{branches[0]['branch']} would be merged into {into or 'the branch that you have checked out'} of {repo}" if branches else "it left no branch"
    return f"Dry run, nothing was accepted: {name_of(row)} would be accepted; {merged}."


def follow_up(place: Place, task: str, words: str, *, now: datetime, hours: str | float | None = None, priority: str | None = None) -> Added:
    """A new task that goes on where the agent of `task` stopped: the same session, folder, checks and grants, with `words` as what to do next."""
    row = _resolve(place, task)
    before = content_of(row)
    if before.recipe is None or before.recipe.kind != "agent":
        raise Refused(f"{name_of(row)} was not done by an agent, so there is no session to go on with; add a task of its own.")
    if row["state"] in ("proposed", "queued", "running"):
        raise Refused(f"{name_of(row)} is {row['state']}; it can be followed up when it has ended.")
    if not words.strip():
        raise Refused('Say what should be done next: jarvis queue follow-up ID "also handle empty lists".', code="usage")
    return add(
        place,
        f"Follow-up: {before.title}"[:TITLE_LIMIT],
        words,
        before.hours if hours is None else hours,
        before.category,
        priority or before.priority,
        now=now,
        agent=before.recipe.agent or "any",
        checks=[c.command for c in before.checks],
        measures=[m.command for m in before.measures],
        repo=before.repo or None,
        network=before.network,
        secrets=before.secrets,
        needs=before.needs,
        project=before.project,
        tags=before.tags,
        follows=row["id"],
    )


def _simple(place: Place, task: str, kind: str, done: str, /, *, now: datetime, **data: Any) -> str:
    row = _resolve(place, task)
    place.store.write(place.fact(kind, at=now, task=row["id"], **data))
    return _applied(place, row["id"], done)


def _applied(place: Place, task_id: str, said: str) -> str:
    row = _resolve(place, task_id)
    return f"{said}: {name_of(row)} is now {_standing(place, row)}"


def housekeeping(place: Place, *, now: datetime) -> list[str]:
    """What time alone changes: tasks that come again, put-off ones whose time has come, proposals without an answer, approvals of changed content."""
    again = come_again(place, now=now)
    with place.store.reading() as reader:
        due = [r["id"] for r in reader.rows("autonomous_queue.due_later", now=now)]
        old = [r["id"] for r in reader.rows("autonomous_queue.old_proposals", before=now - timedelta(days=PROPOSAL_DAYS))]
        undecided = reader.rows("autonomous_queue.undecided")
    facts = [place.fact("task.answered", actor="policy", at=now, task=t) for t in due]
    reason = f"nobody answered for {PROPOSAL_DAYS} days"
    facts += [place.fact("task.expired", actor="policy", at=now, task=t, reason=reason) for t in old]
    stale = 0
    for row in undecided:
        fresh = current_hash(place.home, content_of(row))
        back = row["parked_kind"] == "later" and row["until"] is not None and row["until"] <= now and row["approved_hash"] != row["content_hash"]
        if back or fresh != row["content_hash"] or row["policy_hash"] != place.settings.policy.hash:
            facts.append(place.fact("task.redecide", actor="policy", at=now, task=row["id"], content_hash=fresh))
            stale += 1
    if facts:
        place.store.append(*facts)
    said = [f"{plural(len(due), 'put-off task')} came back"] if due else []
    said += [f"{plural(len(old), 'proposal')} expired"] if old else []
    return again + said + ([f"{plural(stale, 'task')} decided anew (policy or files changed)"] if stale else [])
