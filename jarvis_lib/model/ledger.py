"""What each fact does to the rows, and which facts are refused. The only place where a state changes.

A rule looks first and changes last: it raises `Refused` before it touches a row. It sees only the book and the fact (no clock, no
disk), so the same journal always gives the same rows. `derive` names what follows from a fact under the policy; derived
facts are written down too, so a rebuild never needs the policy of that day.
"""

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any, Protocol

from jarvis_lib.model import (
    account_rules,
    context_rules,
    delivery_rules,
    door_rules,
    import_rules,
    improver_rules,
    pattern_rules,
    prediction_rules,
    problem_rules,
    series_rules,
    slot_rules,
    trust_rules,
    weekend_rules,
)
from jarvis_lib.model.evidence import MAX_ATTEMPTS, OUTCOMES, evidence_from_json, judge
from jarvis_lib.model.fact import Fact, Refused, derived_id, moment, text
from jarvis_lib.model.policy import Decision, Policy, decide
from jarvis_lib.model.prose import clean, listed
from jarvis_lib.model.states import OPEN_STATES, move
from jarvis_lib.model.task import PRIORITIES, Task, said_claims, shared_paths, task_from_json

Row = dict[str, Any]


class Book(Protocol):
    """The rows as the rules see them. `get` returns a copy that is written back with `put`."""

    def get(self, table: str, key: str) -> Row | None:
        """The row of that key, or None."""

    def put(self, table: str, row: Row) -> None:
        """Keep the row: in place of its elder where the table is in KEYS, else as one more."""

    def where(self, table: str, column: str, value: Any) -> list[Row]:
        """Every row whose column equals the value (None finds the empty ones), by key; only of tables in KEYS."""


KEYS = {
    "tasks": "id",
    "attempts": "id",
    "sessions": "id",
    "plans": "id",
    "pins": "task",
    "estimates": "task",
    **account_rules.KEYS,
    **context_rules.KEYS,
    **door_rules.KEYS,
    **improver_rules.KEYS,
    **pattern_rules.KEYS,
    **prediction_rules.KEYS,
    **problem_rules.KEYS,
    **trust_rules.KEYS,
    **weekend_rules.KEYS,
    **delivery_rules.KEYS,
    **slot_rules.KEYS,
    **import_rules.KEYS,
    **series_rules.KEYS,
}
"""Tables with rows that change, and the column that names a row. All others are only appended to."""


DERIVED_ONLY = ("task.decided", "task.parked")
"""Facts that only follow from others at the drain; one that lies in the spool was put there by nobody who may."""


def apply(book: Book, fact: Fact) -> None:
    """Change the rows as `fact` says, or raise Refused and change nothing."""
    rule = RULES.get(fact.kind)
    if rule is None:
        raise Refused(f"There is no fact of the kind {clean(fact.kind)[:40]!r}; it may come from a newer Jarvis.")
    try:
        door_rules.guard(book, fact)
        before = delivery_rules.standing(book, fact)
        rule(book, fact)
        trust_rules.follow(book, fact, content_of)
        delivery_rules.follow(book, fact, before)
        slot_rules.follow(book, fact)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise Refused(f"The fact {fact.kind} {fact.id} is malformed: {type(error).__name__} {error}.") from error


def derive(book: Book, fact: Fact, policy: Policy) -> list[Fact]:
    """The facts that follow from `fact` once it is applied: decisions, acceptance by policy, parked dependents, what lost the trust that let it run."""
    if fact.kind in ("task.undone", "trust.narrowed"):
        return trust_rules.after(book, fact, content_of)
    if fact.kind in ("task.added", "task.edited", "task.redecide"):
        return _decision(book, fact, policy)
    if fact.kind == "import.read":
        return [decided for one in import_rules.to_decide(book, fact) for decided in _decision(book, one, policy)]
    if fact.kind == "task.retried":
        row = book.get("tasks", fact.data["task"])
        approved = row is not None and row["approved_hash"] == row["content_hash"]
        return [] if approved else _decision(book, fact, policy)
    if fact.kind == "attempt.ended":
        return [*_after_ending(book, fact, policy), *trust_rules.after(book, fact, content_of)]
    if fact.kind == "weekend.completed":
        return _after_completion(book, fact)
    if fact.kind in ("task.dropped", "task.declined", "task.withdrawn"):
        return _park_dependents(book, fact, fact.data["task"])
    return []


# --- tasks ---------------------------------------------------------------------------------------------------------------


def _task(book: Book, fact: Fact) -> Row:
    row = book.get("tasks", fact.data["task"])
    if row is None:
        raise Refused(f"There is no task {clean(str(fact.data['task']))[:20]!r}; `jarvis queue list` shows all.", code="missing")
    return row


def name_of(row: Row) -> str:
    """How a task is named in a sentence."""
    return f"{row['id']} ({row['title'][:60]})"


def content_of(row: Row) -> Task:
    """The task's content, from its row."""
    return task_from_json(json.loads(row["content"]))


def _into(row: Row, fact: Fact, verb: str, state: str, *, why: str = "", kind: str = "", until: datetime | None = None) -> None:
    if state not in move(row["state"], verb, name=name_of(row)):
        raise Refused(f"{name_of(row)} cannot go from {row['state']} to {state} by {verb}.")
    row |= {"state": state, "why": why, "parked_kind": kind, "until": until, "changed_at": fact.at}


def fields_of(task: Task) -> Row:
    """The columns of a task's row that its content gives."""
    return {
        "title": task.title,
        "description": task.description,
        "hours": task.hours,
        "category": task.category,
        "priority": task.priority,
        "priority_value": PRIORITIES[task.priority],
        "recipe": task.recipe.kind if task.recipe else None,
        "after": list(task.after),
        "changes": list(task.claims),
        "due": task.due,
        "resumable": task.resumable,
        "project": task.project,
        "tags": list(task.tags),
        "content": text(task.to_json()),
    }


def _added(book: Book, fact: Fact) -> None:
    task = task_from_json(fact.data["task"])
    if book.get("tasks", task.id) is not None:
        raise Refused(f"There is already a task {task.id}; it was not added again.")
    _check_dependencies(book, task)
    by_pattern = "pattern" in fact.data and pattern_rules.may_queue(book, str(fact.data["pattern"]), task)
    by_series = "series" in fact.data and series_rules.may_come(book, fact, task)
    proposed = not (fact.actor.startswith("person") or by_pattern or by_series)
    row = fields_of(task) | {
        "id": task.id,
        "state": "proposed" if proposed else "queued",
        "why": "",
        "parked_kind": "",
        "until": None,
        "actor": fact.actor,
        "added_at": fact.at,
        "changed_at": fact.at,
        "revision": 1,
        "content_hash": fact.data["content_hash"],
        "approved_hash": None,
        "attempts": 0,
        "deaths": 0,
        "shipped_at": None,
        "accepted_at": None,
        "undone_at": None,
    }
    series_rules.added(book, fact, task, row, comes=by_series)
    book.put("tasks", row)


def _check_dependencies(book: Book, task: Task) -> None:
    for other in task.after:
        if other == task.id:
            raise Refused(f"{task.id} cannot wait for itself.")
        if book.get("tasks", other) is None:
            raise Refused(f"It should run after {clean(other)[:20]!r}, but there is no such task; `jarvis queue list` shows all.", code="missing")
    circle = _circle(book, task.id, task.after)
    if circle:
        raise Refused(f"{listed([*circle])} would wait for each other in a circle; leave one of them out.")


def _circle(book: Book, start: str, after: tuple[str, ...] | list[str]) -> list[str]:
    paths = [[start, a] for a in after]
    seen: set[str] = set()
    while paths:
        path = paths.pop()
        if path[-1] == start:
            return path[:-1]
        if path[-1] not in seen:
            seen.add(path[-1])
            row = book.get("tasks", path[-1])
            paths += [[*path, a] for a in (row["after"] if row else ())]
    return []


def _edited(book: Book, fact: Fact) -> None:
    row = _task(book, fact)
    if fact.data.get("revision") not in (None, row["revision"]):
        raise Refused(f"{name_of(row)} has changed since you read it; look again with `jarvis queue show {row['id']}`.")
    task = task_from_json(fact.data["content"])
    move(row["state"], "edit", name=name_of(row)) if row["state"] != "proposed" else None
    _check_dependencies(book, task)
    before = content_of(row)
    row |= fields_of(task) | {
        "content_hash": fact.data["content_hash"],
        "approved_hash": None,
        "revision": row["revision"] + 1,
        "changed_at": fact.at,
    }
    series_rules.edited(book, fact, before, task, row)
    book.put("tasks", row)


def _decided(book: Book, fact: Fact) -> None:
    row = _task(book, fact)
    data = fact.data
    if row["state"] not in ("proposed", "queued", "parked"):
        raise Refused(f"{name_of(row)} is {row['state']}; it is not decided again.")
    book.put(
        "decisions",
        {
            "task": row["id"],
            "at": fact.at,
            "actor": fact.actor,
            "verdict": data["verdict"],
            "rule": data["rule"],
            "risk": data["risk"],
            "reasons": list(data["reasons"]),
            "policy_hash": data["policy_hash"],
            "content_hash": data["content_hash"],
        },
    )
    if row["state"] == "proposed":
        return
    trust_rules.used(book, fact, row, rule=data["rule"], content=content_of)
    series_rules.decided(book, row, data)
    if data["verdict"] == "auto":
        row["approved_hash"] = data["content_hash"]
    state, kind, why = _decided_state(row, data)
    if kind != "" or row["parked_kind"] not in ("later", "deaths", "question", "dependency"):
        row |= {"state": state, "parked_kind": kind, "why": why, "changed_at": fact.at}
    book.put("tasks", row)


def _decided_state(row: Row, data: dict[str, Any]) -> tuple[str, str, str]:
    reasons = "; ".join(data["reasons"])
    if data["verdict"] == "escalate":
        return "parked", "escalated", f"Stopped and escalated: {reasons}."
    if row["recipe"] is None:
        return "parked", "no_recipe", (f"It has no recipe. Make it runnable: jarvis queue edit {row['id']} --command '…' (or --notebook PATH).")
    if data["verdict"] == "ask":
        return "parked", "approval", f"Waits for your approval: {reasons}."
    if data["verdict"] == "refuse":
        return "dropped", "", f"Refused: {reasons}."
    return "queued", "", ""


def _decision(book: Book, fact: Fact, policy: Policy) -> list[Fact]:
    task_id = fact.data["task"]["id"] if fact.kind == "task.added" else fact.data["task"]
    row = book.get("tasks", task_id)
    if row is None:
        return []
    task = content_of(row)
    decision = decide(task, policy, trust_rules.record_of(book, task))
    if fact.kind == "task.added" and series_rules.carried(book, row, decision, policy):
        decision = Decision("auto", "series", ("you approved it as it comes again, and nothing of it has changed since",), decision.risk)
    data = {
        "task": task_id,
        "verdict": decision.verdict,
        "rule": decision.rule,
        "risk": decision.risk,
        "reasons": list(decision.reasons),
        "policy_hash": policy.hash,
        "content_hash": row["content_hash"],
    }
    return [Fact(derived_id(fact.id, "decided"), fact.at, "policy", "task.decided", data)]


def _redecide(book: Book, fact: Fact) -> None:
    """The policy, or a file that the task names, has changed: the approval is void and the task is decided anew."""
    row = _task(book, fact)
    if row["state"] not in ("proposed", "queued", "parked"):
        raise Refused(f"{name_of(row)} is {row['state']}; it is not decided again.")
    row |= {"content_hash": fact.data["content_hash"], "approved_hash": None, "changed_at": fact.at}
    book.put("tasks", row)


def _approved(book: Book, fact: Fact) -> None:
    row = _task(book, fact)
    if not fact.actor.startswith("person"):
        raise Refused("Only a person approves, in their own terminal.")
    if fact.data["content_hash"] != row["content_hash"]:
        raise Refused(f"{name_of(row)} has changed since you read it; look with `jarvis queue show {row['id']}` and approve again.")
    if row["recipe"] is None:
        raise Refused(f"{name_of(row)} has no recipe, so there is nothing to approve yet. Give it one: jarvis queue edit {row['id']} --command '…'.")
    row["approved_hash"] = row["content_hash"]
    if row["state"] == "queued":
        raise Refused(f"{name_of(row)} is queued already; it needs no approval.")
    if series_rules.approved(book, fact, row):
        _into(row, fact, "later", "parked", why="Approved; its time has not come yet.", kind="later", until=row["until"])
    else:
        _into(row, fact, "approve", "queued")
    row["deaths"] = 0
    if row["attempts"] >= MAX_ATTEMPTS:
        row["attempts"] = 0
    book.put("tasks", row)


def _answered(book: Book, fact: Fact) -> None:
    """What the task waited for is there (a date, a dependency): back to the queue, if its approval still holds."""
    row = _task(book, fact)
    if row["approved_hash"] != row["content_hash"]:
        raise Refused(f"{name_of(row)} is not approved as it stands.")
    _into(row, fact, "answer", "queued")
    book.put("tasks", row)


def _later(book: Book, fact: Fact) -> None:
    row = _task(book, fact)
    until = moment(fact.data["until"]) if fact.data.get("until") else None
    why = f"Put off until {fact.data['said']}." if fact.data.get("said") else "Put off by you, without a date."
    _into(row, fact, "later", "parked", why=why, kind="later", until=until)
    book.put("tasks", row)


def _parked(book: Book, fact: Fact) -> None:
    row = _task(book, fact)
    _into(row, fact, "park", "parked", why=fact.data["why"], kind=fact.data["parked_kind"])
    book.put("tasks", row)


def _ended_by(verb: str, state: str, column: str = "") -> Callable[[Book, Fact], None]:
    def rule(book: Book, fact: Fact) -> None:
        row = _task(book, fact)
        _into(row, fact, verb, state, why=clean(str(fact.data.get("reason", "")))[:300])
        if column:
            row[column] = fact.at
        book.put("tasks", row)

    return rule


def _retried(book: Book, fact: Fact) -> None:
    row = _task(book, fact)
    _into(row, fact, "retry", "queued")
    row |= {"attempts": 0, "deaths": 0, "shipped_at": None, "accepted_at": None, "undone_at": None}
    book.put("tasks", row)


def _undone(book: Book, fact: Fact) -> None:
    row = _task(book, fact)
    _into(row, fact, "undo", "undone", why=clean(str(fact.data.get("reason", "")))[:300])
    row["undone_at"] = fact.at
    book.put("tasks", row)


def _park_dependents(book: Book, fact: Fact, task_id: str) -> list[Fact]:
    gone = book.get("tasks", task_id)
    facts = []
    for row in book.where("tasks", "state", "queued"):
        if task_id in row["after"] and gone is not None:
            why = f"It waits for {name_of(gone)}, which is {gone['state']}. Retry that one, or: jarvis queue edit {row['id']} --no-after."
            data = {"task": row["id"], "why": why, "parked_kind": "dependency"}
            facts.append(Fact(derived_id(fact.id, f"park-{row['id']}"), fact.at, "policy", "task.parked", data))
    return facts


# --- sessions and attempts -----------------------------------------------------------------------------------------------


def _session_opened(book: Book, fact: Fact) -> None:
    data = fact.data
    for row in book.where("sessions", "closed_at", None):
        raise Refused(f"Session {row['id']} is open since {row['opened_at']:%Y-%m-%d %H:%M} UTC.", code="busy")
    if book.get("sessions", data["session"]) is not None:
        raise Refused(f"There was already a session {data['session']}.")
    book.put(
        "sessions",
        {
            "id": data["session"],
            "kind": data["kind"],
            "window": data["window"],
            "opened_at": fact.at,
            "deadline": moment(data["deadline"]),
            "closed_at": None,
            "outcome": "",
            "said": "",
            "owner": text(data["owner"]),
            "policy_hash": data["policy_hash"],
            "isolation": data["isolation"],
            "lanes": data["lanes"],
            "stop_asked": "",
        },
    )


def _session(book: Book, fact: Fact, *, is_open: bool = True) -> Row:
    row = book.get("sessions", fact.data["session"])
    if row is None or (is_open and row["closed_at"] is not None):
        raise Refused(f"Session {clean(str(fact.data['session']))[:20]} is not open.")
    return row


def _session_phase(book: Book, fact: Fact) -> None:
    row = _session(book, fact)
    data = fact.data
    book.put(
        "phases",
        {"session": row["id"], "at": fact.at, "name": data["name"], "event": data["event"], "said": data.get("said", ""), "seconds": data.get("seconds")},
    )


def _session_stop(book: Book, fact: Fact) -> None:
    row = _session(book, fact)
    if row["stop_asked"] != "now":
        row["stop_asked"] = fact.data["how"]
    book.put("sessions", row)


def _session_closed(book: Book, fact: Fact) -> None:
    row = _session(book, fact)
    still = [a["id"] for a in book.where("attempts", "session", row["id"]) if a["ended_at"] is None]
    if still:
        raise Refused(f"Session {row['id']} still has open attempts: {listed(still)}.")
    row |= {"closed_at": fact.at, "outcome": fact.data["outcome"], "said": fact.data.get("said", "")}
    book.put("sessions", row)


def _claimed(book: Book, fact: Fact) -> None:
    row = _task(book, fact)
    data = fact.data
    session = _session(book, fact)
    if row["approved_hash"] != data["content_hash"] or row["content_hash"] != data["content_hash"]:
        raise Refused(f"{name_of(row)} has changed since it was approved; it is decided anew.")
    if row["attempts"] >= MAX_ATTEMPTS or data["n"] != row["attempts"] + 1:
        raise Refused(f"{name_of(row)} has had {row['attempts']} of {MAX_ATTEMPTS} attempts.")
    for other in book.where("tasks", "state", "running"):
        shared = shared_paths(other["changes"], row["changes"])
        if shared:
            raise Refused(f"{name_of(other)} is changing {said_claims(shared)} right now.")
    waiting = [a for a in row["after"] if (book.get("tasks", a) or {"state": ""})["state"] not in ("shipped", "accepted")]
    if waiting:
        raise Refused(f"{name_of(row)} waits for {listed(waiting)}.")
    _into(row, fact, "claim", "running")
    row["attempts"] = data["n"]
    book.put("tasks", row)
    book.put(
        "attempts",
        {
            "id": data["attempt"],
            "task": row["id"],
            "n": data["n"],
            "session": session["id"],
            "claimed_at": fact.at,
            "recipe": row["recipe"],
            "spec": text(data["spec"]),
            "place": data["place"],
            "isolation": session["isolation"],
            "expected_end": moment(data["expected_end"]) if data.get("expected_end") else None,
            "ended_at": None,
            "outcome": None,
            "exit_code": None,
            "seconds": None,
            "verdict": None,
            "verdict_why": None,
            "tail": None,
            "log": data.get("log"),
            "notebook": None,
            "undo": None,
            "undone_at": None,
            "branch": None,
            "commit_sha": None,
            "base_sha": None,
        },
    )
    known = book.get("estimates", row["id"])
    if known is not None:
        book.put("foreseen", {"attempt": data["attempt"]} | {name: known[name] for name in ("task", "made_at", "p10", "p50", "p80", "p90")})


def _ended(book: Book, fact: Fact) -> None:
    data = fact.data
    attempt = book.get("attempts", data["attempt"])
    if attempt is None:
        raise Refused(f"There is no attempt {clean(str(data['attempt']))[:20]}.")
    if fact.actor not in (f"session:{attempt['session']}", "recovery"):
        raise Refused(f"Only its own session ends attempt {attempt['id']}, not {clean(fact.actor)[:40]}.")
    if attempt["ended_at"] is not None:
        raise Refused(f"Attempt {attempt['id']} has ended already ({attempt['outcome']}); an ending is written once.")
    row = book.get("tasks", attempt["task"])
    if row is None or row["state"] != "running" or row["attempts"] != attempt["n"]:
        raise Refused(f"Attempt {attempt['id']} is not the running attempt of its task.")
    if data["outcome"] not in OUTCOMES:
        raise ValueError(f"outcome {data['outcome']!r}")
    evidence = [evidence_from_json(e) for e in data.get("evidence", [])]
    verdict = judge(content_of(row), data["outcome"], evidence, attempt=attempt["n"], deaths=row["deaths"])
    attempt |= {
        "ended_at": fact.at,
        "outcome": data["outcome"],
        "exit_code": data.get("exit_code"),
        "seconds": data.get("seconds"),
        "verdict": verdict.word,
        "verdict_why": verdict.why,
        "isolation": next((e.detail["held_by"] for e in evidence if e.kind == "isolation" and "held_by" in e.detail), attempt["isolation"]),
        "tail": data.get("tail"),
        "log": data.get("log") or attempt["log"],
        "notebook": data.get("notebook"),
        "undo": text(data["undo"]) if data.get("undo") else None,
        "branch": data.get("branch"),
        "commit_sha": data.get("commit"),
        "base_sha": data.get("base"),
    }
    _into(row, fact, "ending", verdict.state, why=verdict.why if verdict.state != "shipped" else "")
    if data["outcome"] in ("abandoned", "died"):
        row["deaths"] += 1
    escalated = any(e.kind == "escalation" and e.ok is False for e in evidence)
    if verdict.state == "parked":
        row["parked_kind"] = "escalated" if escalated else "deaths" if data["outcome"] in ("abandoned", "died") else "question"
        row["why"] += f" Look at it with jarvis show {row['id']}; then jarvis queue approve {row['id']}, or drop it."
    if data["outcome"] in ("limited", "paused") and not escalated:
        row["attempts"] -= 1
    if verdict.state == "shipped":
        row["shipped_at"] = fact.at
    account_rules.record(book, fact, attempt)
    book.put("attempts", attempt)
    book.put("tasks", row)
    if escalated:
        book.put("notices", {"at": fact.at, "kind": "escalation", "sentence": f"{name_of(row)}: {verdict.why}"})
    for i, e in enumerate(evidence):
        book.put(
            "evidence",
            {"attempt": attempt["id"], "i": i, "kind": e.kind, "name": e.name, "ok": e.ok, "said": e.said, "detail": text(e.detail)},
        )


def _after_ending(book: Book, fact: Fact, policy: Policy) -> list[Fact]:
    attempt = book.get("attempts", fact.data["attempt"])
    row = book.get("tasks", attempt["task"]) if attempt else None
    if row is None:
        return []
    if row["state"] == "shipped":
        facts = _answer_dependents(book, fact, row)
        if row["category"] in policy.auto_accept and not content_of(row).repo:  # taking a branch over is a merge, and that is the person's
            data = {"task": row["id"], "reason": f"verified, and {row['category']} is in [policy] auto_accept"}
            facts.append(Fact(derived_id(fact.id, "accepted"), fact.at, "policy", "task.accepted", data))
        return facts
    return _park_dependents(book, fact, row["id"]) if row["state"] == "failed" else []


def _answer_dependents(book: Book, fact: Fact, shipped: Row) -> list[Fact]:
    """Tasks that were parked because this one had failed come back once it has shipped."""
    facts = []
    for row in book.where("tasks", "state", "parked"):
        if row["parked_kind"] == "dependency" and shipped["id"] in row["after"] and row["approved_hash"] == row["content_hash"]:
            facts.append(Fact(derived_id(fact.id, f"answer-{row['id']}"), fact.at, "policy", "task.answered", {"task": row["id"]}))
    return facts


def _after_completion(book: Book, fact: Fact) -> list[Fact]:
    phase = book.get("weekend_phases", fact.data["phase"])
    row = book.get("tasks", phase["task"]) if phase else None
    return _answer_dependents(book, fact, row) if row else []


def _attempt_undone(book: Book, fact: Fact) -> None:
    attempt = book.get("attempts", fact.data["attempt"])
    if attempt is None or attempt["ended_at"] is None:
        raise Refused(f"There is no ended attempt {clean(str(fact.data['attempt']))[:20]}.")
    attempt["undone_at"] = fact.at
    book.put("attempts", attempt)


# --- plans, briefs -------------------------------------------------------------------------------------------------------


def _planned(book: Book, fact: Fact) -> None:
    data = fact.data
    estimates = [_estimate(raw, fact.at) for raw in data.get("estimates", ())]
    book.put("plans", {"id": fact.id, "made_at": fact.at, "actor": fact.actor, "session": data.get("session"), "horizon": moment(data["horizon"])})
    for slot in data["slots"]:
        times = {"start": moment(slot["start"]), "end": moment(slot["end"])}
        book.put("slots", {"plan": fact.id, "part": 1, "parts": 1} | slot | times)
    for omission in data["omissions"]:
        book.put("omissions", {"plan": fact.id} | omission)
    for estimate in estimates:
        book.put("estimates", estimate)
    if data.get("luck"):
        book.put("lucks", {"plan": fact.id, "made_at": fact.at} | {name: float(data["luck"][name]) for name in ("shared", "shift", "slope")})
    for finish in data.get("finish", ()):
        book.put("finishes", {"plan": fact.id} | finish | {"p50_end": moment(finish["p50_end"]), "p80_end": moment(finish["p80_end"])})


def _estimate(raw: dict[str, Any], at: datetime) -> Row:
    hours = {name: float(raw[name]) for name in ("p10", "p50", "p80", "p90")}
    if not 0 < hours["p10"] <= hours["p50"] <= hours["p80"] <= hours["p90"]:
        raise ValueError(f"quantiles {hours}")
    return {"task": str(raw["task"]), "made_at": at, **hours, "why": clean(str(raw["why"]))[:300]}


def _pinned(book: Book, fact: Fact) -> None:
    row = _task(book, fact)
    window = str(fact.data["window"])
    if not fact.actor.startswith("person"):
        raise Refused("Only a person pins a task to a window.")
    if row["state"] not in OPEN_STATES:
        raise Refused(f"{name_of(row)} is {row['state']}; only what is still open has a place to pin.")
    if moment(fact.data["ends"]) <= fact.at:
        raise Refused(f"The window {clean(window)[:40]} is over; nothing can be pinned to it any more.")
    book.put("pins", {"task": row["id"], "window": window, "pinned_at": fact.at, "actor": fact.actor})


def _unpinned(book: Book, fact: Fact) -> None:
    row = _task(book, fact)
    pin = book.get("pins", row["id"])
    if pin is None or not pin["window"]:
        raise Refused(f"{name_of(row)} is not pinned.")
    book.put("pins", pin | {"window": "", "pinned_at": fact.at, "actor": fact.actor})


def _brief_made(book: Book, fact: Fact) -> None:
    data = fact.data
    book.put(
        "briefs",
        {
            "kind": data["kind"],
            "as_of": moment(data["as_of"]),
            "made_at": fact.at,
            "path": data["path"],
            "headline": data["headline"],
            "sha256": data["sha256"],
        },
    )


def _noted(book: Book, fact: Fact) -> None:
    """Something that the person should read once: a rebuilt store, a dropped line, a foreign program."""
    book.put("notices", {"at": fact.at, "kind": fact.data["kind"], "sentence": fact.data["sentence"]})


RULES: dict[str, Callable[[Book, Fact], None]] = {
    "task.added": _added,
    "task.edited": _edited,
    "task.decided": _decided,
    "task.redecide": _redecide,
    "task.approved": _approved,
    "task.answered": _answered,
    "task.declined": _ended_by("decline", "dropped"),
    "task.dropped": _ended_by("drop", "dropped"),
    "task.expired": _ended_by("expire", "dropped"),
    "task.later": _later,
    "task.parked": _parked,
    "task.retried": _retried,
    "task.accepted": _ended_by("accept", "accepted", "accepted_at"),
    "task.undone": _undone,
    "session.opened": _session_opened,
    "session.phase": _session_phase,
    "session.stop": _session_stop,
    "session.closed": _session_closed,
    "attempt.claimed": _claimed,
    "attempt.ended": _ended,
    "attempt.undone": _attempt_undone,
    "plan.made": _planned,
    "plan.pinned": _pinned,
    "plan.unpinned": _unpinned,
    "brief.made": _brief_made,
    "notice": _noted,
    **account_rules.RULES,
    **context_rules.RULES,
    **door_rules.RULES,
    **improver_rules.RULES,
    **pattern_rules.RULES,
    **prediction_rules.RULES,
    **problem_rules.RULES,
    **trust_rules.RULES,
    **weekend_rules.RULES,
    **delivery_rules.RULES,
    **slot_rules.RULES,
    **import_rules.RULES,
    **series_rules.RULES,
}
