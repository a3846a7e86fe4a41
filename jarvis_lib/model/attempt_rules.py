"""What do the facts of sessions and attempts do to the rows, and which are refused? Here an ending is fenced, and judged by its evidence alone."""

from jarvis_lib.model import account_rules
from jarvis_lib.model.book import Book, Row
from jarvis_lib.model.evidence import MAX_ATTEMPTS, OUTCOMES, evidence_from_json, judge
from jarvis_lib.model.fact import Fact, Refused, moment, text
from jarvis_lib.model.prose import clean, listed
from jarvis_lib.model.task import said_claims, shared_paths
from jarvis_lib.model.task_row import content_of, into, name_of, task_of

KEYS = {"attempts": "id", "sessions": "id"}


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
    row = task_of(book, fact)
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
    into(row, fact, "claim", "running")
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


def _running_attempt(book: Book, fact: Fact) -> tuple[Row, Row]:
    """The attempt that the fact ends, and its task's row. An ending is written once, by its own session or by the recovery from its death."""
    attempt = book.get("attempts", fact.data["attempt"])
    if attempt is None:
        raise Refused(f"There is no attempt {clean(str(fact.data['attempt']))[:20]}.")
    if fact.actor not in (f"session:{attempt['session']}", "recovery"):
        raise Refused(f"Only its own session ends attempt {attempt['id']}, not {clean(fact.actor)[:40]}.")
    if attempt["ended_at"] is not None:
        raise Refused(f"Attempt {attempt['id']} has ended already ({attempt['outcome']}); an ending is written once.")
    row = book.get("tasks", attempt["task"])
    if row is None or row["state"] != "running" or row["attempts"] != attempt["n"]:
        raise Refused(f"Attempt {attempt['id']} is not the running attempt of its task.")
    return attempt, row


def _ended(book: Book, fact: Fact) -> None:
    data = fact.data
    attempt, row = _running_attempt(book, fact)
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
    into(row, fact, "ending", verdict.state, why=verdict.why if verdict.state != "shipped" else "")
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


def _attempt_undone(book: Book, fact: Fact) -> None:
    attempt = book.get("attempts", fact.data["attempt"])
    if attempt is None or attempt["ended_at"] is None:
        raise Refused(f"There is no ended attempt {clean(str(fact.data['attempt']))[:20]}.")
    attempt["undone_at"] = fact.at
    book.put("attempts", attempt)


RULES = {
    "session.opened": _session_opened,
    "session.phase": _session_phase,
    "session.stop": _session_stop,
    "session.closed": _session_closed,
    "attempt.claimed": _claimed,
    "attempt.ended": _ended,
    "attempt.undone": _attempt_undone,
}
