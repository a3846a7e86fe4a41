"""Agents and what they were granted, as facts: every call with its tokens and cost, every held account, every grant.

A usage limit is the account's, not the task's: it holds the agent until the time that the limit gave. Three equal errors in a row, across
tasks, stop an agent for the session. A cost that the agent did not tell is None, never 0.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from jarvis_lib.model.call import call_from_json
from jarvis_lib.model.fact import Fact, Refused, moment
from jarvis_lib.model.prose import clean

if TYPE_CHECKING:
    from jarvis_lib.model.book import Book, Row

KEYS = {"accounts": "agent"}
EQUAL_ERRORS = 3
UNTOLD_HOLD = timedelta(hours=1)
"""How long an account is held when its limit told no time."""


def record(book: "Book", fact: Fact, attempt: "Row") -> None:
    """What an ending says of calls and grants, as rows; and what follows for the account of each agent."""
    for i, raw in enumerate(fact.data.get("calls", ())):
        call = call_from_json(raw)
        book.put(
            "calls",
            {
                "attempt": attempt["id"],
                "i": i,
                "task": attempt["task"],
                "session": attempt["session"],
                "at": fact.at,
                "agent": call.agent,
                "version": call.version,
                "model": call.model,
                "session_id": call.session_id,
                "exit_code": call.exit,
                "tokens_in": call.tokens_in,
                "tokens_out": call.tokens_out,
                "cost": call.cost,
                "turns": call.turns,
                "tool_calls": call.tool_calls,
                "tool_errors": call.tool_errors,
                "denials": list(call.denials),
                "error": clean(call.auth_error or call.error)[:300],
            },
        )
        _account(book, fact, attempt["session"], raw)
    for grant in fact.data.get("grants", ()):
        book.put("grants", {"attempt": attempt["id"], "task": attempt["task"], "at": fact.at, "what": grant["what"], "why": clean(str(grant["why"]))[:300]})


def _account(book: "Book", fact: Fact, session: str, raw: dict[str, Any]) -> None:
    call = call_from_json(raw)
    row = book.get("accounts", call.agent) or {"agent": call.agent, "held_until": None, "why": "", "errors": 0, "last_error": "", "stopped_for": ""}
    error = clean(call.auth_error or call.error)[:300]
    row["errors"] = row["errors"] + 1 if error and error == row["last_error"] else int(bool(error))
    row["last_error"] = error
    row["at"] = fact.at
    if call.limit is not None:
        jitter = timedelta(seconds=int(fact.id[:6].encode().hex()[:8], 16) % 120)  # so that all that waits does not come back in one second
        row["held_until"] = (call.limit.until or fact.at + UNTOLD_HOLD) + jitter
        row["why"] = f"usage limit ({clean(call.limit.scope)[:60]})" if call.limit.scope else "usage limit"
        row["errors"], row["last_error"] = 0, ""
    elif call.auth_error:
        row["stopped_for"], row["why"] = session, f"nobody is logged in: {error}"
    elif row["errors"] >= EQUAL_ERRORS:
        row["stopped_for"], row["why"] = session, f"{EQUAL_ERRORS} equal errors in a row: {error}"
    book.put("accounts", row)


def _held(book: "Book", fact: Fact) -> None:
    """The person (or a doctor that looked) holds an agent until a time, or lets it go with `until` None."""
    agent = clean(str(fact.data["agent"]))[:40]
    if not fact.actor.startswith("person"):
        raise Refused("Only a person holds an agent, or lets it go.")
    row = book.get("accounts", agent) or {"agent": agent}
    until = moment(fact.data["until"]) if fact.data.get("until") else None
    row |= {"held_until": until, "why": clean(str(fact.data.get("why", "")))[:300], "at": fact.at}
    book.put("accounts", row | {"stopped_for": "", "errors": 0, "last_error": ""})


RULES: dict[str, Callable[["Book", Fact], None]] = {"account.held": _held}
