"""What each fact does to the rows, and which facts are refused. The only place where a state changes.

A rule looks first and changes last: it raises `Refused` before it touches a row. It sees only the book and the fact (no clock, no
disk), so the same journal always gives the same rows. `derive` names what follows from a fact under the policy; derived
facts are written down too, so a rebuild never needs the policy of that day.
"""

from collections.abc import Callable

from jarvis_lib.model import (
    account_rules,
    attempt_rules,
    clearing_rules,
    context_rules,
    delivery_rules,
    door_rules,
    import_rules,
    improver_rules,
    pattern_rules,
    plan_rules,
    prediction_rules,
    problem_rules,
    series_rules,
    slot_rules,
    task_rules,
    trust_rules,
    weekend_rules,
)
from jarvis_lib.model.book import Book, Row
from jarvis_lib.model.fact import Fact, Refused, derived_id
from jarvis_lib.model.policy import Decision, Policy, decide
from jarvis_lib.model.prose import clean
from jarvis_lib.model.task_row import content_of, name_of

KEYS = {
    **account_rules.KEYS,
    **attempt_rules.KEYS,
    **context_rules.KEYS,
    **delivery_rules.KEYS,
    **door_rules.KEYS,
    **import_rules.KEYS,
    **improver_rules.KEYS,
    **pattern_rules.KEYS,
    **plan_rules.KEYS,
    **prediction_rules.KEYS,
    **problem_rules.KEYS,
    **series_rules.KEYS,
    **slot_rules.KEYS,
    **task_rules.KEYS,
    **trust_rules.KEYS,
    **weekend_rules.KEYS,
}
"""Tables with rows that change, and the column that names a row. All others are only appended to."""

RULES: dict[str, Callable[[Book, Fact], None]] = {
    **account_rules.RULES,
    **attempt_rules.RULES,
    **context_rules.RULES,
    **delivery_rules.RULES,
    **door_rules.RULES,
    **import_rules.RULES,
    **improver_rules.RULES,
    **pattern_rules.RULES,
    **plan_rules.RULES,
    **prediction_rules.RULES,
    **problem_rules.RULES,
    **series_rules.RULES,
    **clearing_rules.RULES,
    **slot_rules.RULES,
    **task_rules.RULES,
    **trust_rules.RULES,
    **weekend_rules.RULES,
}
"""What may be said at all: each kind of fact, and the one rule that looks at it and changes the rows."""

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
        trust_rules.follow(book, fact)
        delivery_rules.follow(book, fact, before)
        slot_rules.follow(book, fact)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise Refused(f"The fact {fact.kind} {fact.id} is malformed: {type(error).__name__} {error}.") from error


def derive(book: Book, fact: Fact, policy: Policy) -> list[Fact]:
    """The facts that follow from `fact` once it is applied: decisions, acceptance by policy, parked dependents, what lost the trust that let it run."""
    if fact.kind in ("task.undone", "trust.narrowed"):
        return trust_rules.after(book, fact)
    if fact.kind in ("task.added", "task.edited", "task.redecide"):
        return _decision(book, fact, policy)
    if fact.kind == "import.read":
        return [decided for one in import_rules.to_decide(book, fact) for decided in _decision(book, one, policy)]
    if fact.kind == "task.retried":
        row = book.get("tasks", fact.data["task"])
        approved = row is not None and row["approved_hash"] == row["content_hash"]
        return [] if approved else _decision(book, fact, policy)
    if fact.kind == "attempt.ended":
        return [*_after_ending(book, fact, policy), *trust_rules.after(book, fact)]
    if fact.kind == "weekend.completed":
        return _after_completion(book, fact)
    if fact.kind in ("task.dropped", "task.declined", "task.withdrawn"):
        return _park_dependents(book, fact, fact.data["task"])
    return []


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


def _park_dependents(book: Book, fact: Fact, task_id: str) -> list[Fact]:
    gone = book.get("tasks", task_id)
    facts = []
    for row in book.where("tasks", "state", "queued"):
        if task_id in row["after"] and gone is not None:
            why = f"It waits for {name_of(gone)}, which is {gone['state']}. Retry that one, or: jarvis queue edit {row['id']} --no-after."
            data = {"task": row["id"], "why": why, "parked_kind": "dependency"}
            facts.append(Fact(derived_id(fact.id, f"park-{row['id']}"), fact.at, "policy", "task.parked", data))
    return facts


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
