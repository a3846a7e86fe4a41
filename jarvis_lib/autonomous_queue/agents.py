"""Which coding agent may do this task now? One that is switched on, not held by a limit, not stopped for the session, and not too dear.

Promise: the rules (values in, an answer with its reason out) stand on top and start nothing; where no agent may work, no call is made at all.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from jarvis_lib.execution.agent_ready import NONE_ON, is_there
from jarvis_lib.execution.spec import AgentWork
from jarvis_lib.model.book import Row
from jarvis_lib.model.fact import Refused, stamp
from jarvis_lib.model.prose import clean, hint, listed
from jarvis_lib.model.settings import Settings
from jarvis_lib.model.task import AGENTS, Task
from jarvis_lib.store.place import Place

ALLOWED_SAID = {
    "Documentation": "documentation files and docstrings only",
    "Test coverage": "tests only",
    "Refactoring": "code, but no behaviour; no tests weakened",
    "Bug fixes": "the code at fault and tests of it",
    "Performance optimization": "the code that is slow; results stay equal",
}
"""What a task of a category may touch, in the words of its prompt. The guards on the diff hold it, whatever the prompt says."""


@dataclass(frozen=True, slots=True)
class Spent:
    """What the session's calls cost so far: dollars where told, and how many calls told nothing."""

    cost: float = 0.0
    calls: int = 0
    untold: int = 0


def choose(wanted: Sequence[str], accounts: Mapping[str, Row], settings: Mapping[str, Any], spent: Spent, *, session: str, now: datetime) -> tuple[str, str]:
    """(the agent, why none): the first of `wanted` that may work now, or an empty name and one sentence.

    A cost that nobody told counts as a call, of which there is a limit too; it never counts as 0 dollars.
    """
    if not wanted:
        return "", NONE_ON
    if spent.cost >= settings["cost_per_night"]:
        return "", f"The agents of this session have cost {spent.cost:.2f} $, and the limit is {settings['cost_per_night']:.2f} $ ([agent] cost_per_night)."
    if spent.calls >= settings["calls_per_night"]:
        return "", f"There were {spent.calls} calls of agents in this session, and the limit is {settings['calls_per_night']} ([agent] calls_per_night)."
    reasons = []
    for name in wanted:
        account = accounts.get(name)
        why = _kept_back(account, session=session, now=now) if account else ""
        if not why:
            return name, ""
        reasons.append(f"{name}: {why}")
    return "", f"No agent may work now ({listed(reasons)})."


def _kept_back(account: Row, *, session: str, now: datetime) -> str:
    if account["stopped_for"] and account["stopped_for"] == session:
        return f"stopped for this session, {account['why']}"
    if account["held_until"] is not None and account["held_until"] > now:
        return f"its account is held until {account['held_until']:%d %b %H:%M} UTC, {account['why'] or 'by you'}"
    return ""


# --- reading -----------------------------------------------------------------------------------------------------------------


def agent_of(place: Place, task: Task, *, session: str, now: datetime) -> tuple[AgentWork | None, str]:
    """What the worker is told about the agent of this task; without one, why not."""
    own = place.settings.values["agent"]
    with place.store.reading() as reader:
        accounts = {r["agent"]: r for r in reader.rows("autonomous_queue.accounts")}
        told = reader.one("autonomous_queue.spent", session=session) or {}
        before = reader.one("autonomous_queue.spent_on_task", task=task.id) or {}
        earlier = reader.one("autonomous_queue.last_call", task=task.follows) if task.follows else None
    spent = Spent(told.get("cost") or 0.0, told.get("calls") or 0, told.get("untold") or 0)
    if (before.get("cost") or 0.0) >= own["cost_per_task"]:
        return None, f"Its attempts have cost {before['cost']:.2f} $, and a task may cost {own['cost_per_task']:.2f} $ ([agent] cost_per_task)."
    recipe = task.recipe
    wanted = [recipe.agent] if recipe is not None and recipe.agent else list(own["order"])
    if earlier is not None and earlier["agent"] in wanted:
        wanted = [earlier["agent"], *(n for n in wanted if n != earlier["agent"])]  # only it knows the session that goes on
    name, why = choose(wanted, accounts, own, spent, session=session, now=now)
    if not name:
        return None, why
    left = min(own["cost_per_task"] - (before.get("cost") or 0.0), own["cost_per_night"] - spent.cost)
    return agent_work(place.settings, name, task, max_cost=left, session=earlier["session_id"] if earlier and earlier["agent"] == name else ""), ""


def agent_work(settings: Settings, name: str, task: Task, *, max_cost: float, session: str = "") -> AgentWork:
    """The settings of one agent as the worker takes them."""
    own = settings.values["agent"]
    return AgentWork(
        name=name,
        program=own["programs"].get(name, ""),
        model=own["models"].get(name, ""),
        session=session,
        permission=own["permission"],
        max_cost=round(max_cost, 4),
        max_turns=own["turns_per_task"],
        idle_s=own["idle_minutes"] * 60,
        login=own["login"],
        template=own["custom"] if name == "custom" else "",
        touch=ALLOWED_SAID.get(task.category, ""),
    )


def listing(place: Place, *, now: datetime) -> list[dict[str, Any]]:
    """One row for each agent that is switched on or was called: its order, whether it may work, and what it used in 30 days."""
    order = list(place.settings.get("agent", "order"))
    with place.store.reading() as reader:
        accounts = {r["agent"]: r for r in reader.rows("autonomous_queue.accounts")}
        used = {r["agent"]: r for r in reader.rows("autonomous_queue.used_since", since=now - timedelta(days=30))}
        newest = reader.one("autonomous_queue.newest_session")
    rows = []
    for name in [*order, *sorted({*accounts, *used} - set(order))]:
        why = _kept_back(accounts[name], session=newest["id"] if newest else "", now=now) if name in accounts else ""
        if not why and name in order and not is_there(place.settings.values["agent"], name):
            why = "its program is not there"
        own = used.get(name, {})
        cost = own.get("cost")
        rows.append(
            {
                "agent": name,
                "order": order.index(name) + 1 if name in order else None,
                "standing": why or ("may work" if name in order else "not switched on"),
                "calls": own.get("calls", 0),
                "tokens_in": own.get("tokens_in"),
                "tokens_out": own.get("tokens_out"),
                "cost": cost,
                "cost_said": f"{cost:.2f} $" if cost is not None else "unknown" if own.get("calls") else "",
                "untold": own.get("untold", 0),
                "held_until": accounts[name]["held_until"] if name in accounts else None,
                "last_error": accounts[name]["last_error"] if name in accounts else "",
            }
        )
    return rows


def hold(place: Place, agent: str, *, until: datetime, reason: str, now: datetime) -> str:
    """Keep an agent back until a time. Refuses an unknown name and a time that has passed."""
    known = named(agent)
    if until <= now:
        raise Refused("That time has passed; give one to come.", code="usage")
    place.store.write(place.fact("account.held", at=now, agent=known, until=stamp(until), why=reason))
    return f"{known} is held until {until.astimezone(place.zone):%a %d %b %H:%M}; its tasks wait, others go on."


def release(place: Place, agent: str, *, now: datetime) -> str:
    """Let an agent work again."""
    known = named(agent)
    place.store.write(place.fact("account.held", at=now, agent=known, until=None, why=""))
    return f"{known} may work again."


def named(agent: str) -> str:
    """The agent's name. Refuses others with the nearest right one."""
    if agent.strip().lower() not in AGENTS:
        raise Refused(f"There is no agent {clean(agent)[:40]!r}.{hint(agent, AGENTS)} Agents: {', '.join(AGENTS)}.", code="missing")
    return agent.strip().lower()
