"""Can this agent really work here? The real program does a trivial task in the sandbox of a night, and its file is looked at, not its word."""

import secrets
import time
from datetime import datetime
from pathlib import Path

from jarvis_lib.autonomous_queue.agents import agent_work
from jarvis_lib.autonomous_queue.holding import Held, holding
from jarvis_lib.doors.doctor import Finding
from jarvis_lib.execution.engine import LocalEngine
from jarvis_lib.execution.sandbox import levels
from jarvis_lib.model.call import call_from_json
from jarvis_lib.model.fact import Refused, new_id, stamp
from jarvis_lib.model.prose import clean, shorten
from jarvis_lib.model.settings import Settings
from jarvis_lib.model.task import Recipe, Task

WALL_S = 180.0
FILE = "hello.txt"


def examine_agent(home: Path, settings: Settings, name: str, *, now: datetime) -> list[Finding]:
    """The findings of one call; it costs what such a call costs. `name` empty = the first of [agent] order."""
    order = settings.get("agent", "order")
    name = name or (order[0] if order else "")
    if not name:
        raise Refused('No agent is switched on; name one: jarvis doctor --agent claude, or set [agent] order = ["claude"].', code="usage")
    machine = levels.machine()
    if machine.strict_why:
        return [Finding("Agent", "problem", f"agents run in the strict sandbox alone, and it cannot be had: {machine.strict_why}", "jarvis doctor tells more")]
    word = f"jarvis-{secrets.token_hex(4)}"
    goal = f"Create a file named {FILE} in your current folder that holds exactly the word {word} and nothing else. Do nothing else."
    task = Task(new_id(), "Write one file", goal, 0.05, "Research/analysis", "LOW", recipe=Recipe("agent", agent=name))
    attempt = f"doctor-{new_id()}"
    folder = home / "data" / "attempts" / attempt
    spec = _spec(home, settings, name, task, attempt, folder, now)
    engine = LocalEngine()
    handle = engine.submit(spec)
    result = None
    until = time.monotonic() + WALL_S + 30
    while result is None and time.monotonic() < until:
        result = engine.poll(handle)
        time.sleep(0.05)
    engine.close()
    if result is None:
        return [Finding("Agent", "problem", f"{name} did not come back within {WALL_S:.0f} s", f"look at {folder / 'agent.err'}")]
    return _findings(name, result, folder, word)


def _spec(home: Path, settings: Settings, name: str, task: Task, attempt: str, folder: Path, now: datetime) -> dict[str, object]:
    from dataclasses import asdict

    limits = settings.values["limits"]
    held = Held("strict", True, "")
    work = agent_work(settings, name, task, max_cost=settings.get("agent", "cost_per_task"))
    return {
        "v": 1,
        "step": "recipe",
        "attempt": attempt,
        "task": task.to_json(),
        "home": str(home),
        "dir": str(folder),
        "deadline": time.time() + WALL_S,
        "limits": {
            "wall_s": WALL_S,
            "output_bytes": 1 << 20,
            "memory_bytes": int(limits["memory_gb"] * 1024**3),
            "check_s": 60.0,
            "grace_s": limits["grace_seconds"],
            "processes": limits["processes"],
        },
        "pass_env": list(limits["pass_env"]),
        "seed": 0,
        "as_of": stamp(now),
        "before": [],
        "measured": {},
        "holding": holding(held, task, "person", settings),
        "agent": asdict(work),
    }


def _findings(name: str, result: dict[str, object], folder: Path, word: str) -> list[Finding]:
    said = clean(str(result.get("said", "")))
    calls = result.get("calls")
    if not isinstance(calls, list) or not calls:
        return [Finding("Agent", "problem", shorten(said, 240), "correct [agent] in jarvis.toml, or install the agent")]
    call = call_from_json(calls[0])
    made = folder / "out" / FILE
    right = made.is_file() and made.read_text(encoding="utf-8", errors="replace").strip() == word
    cost = f"{call.cost:.4f} $" if call.cost is not None else "cost unknown"
    tokens = f"{call.tokens_in:,} tokens in, {call.tokens_out or 0:,} out" if call.tokens_in is not None else "tokens unknown"
    seconds = result.get("seconds")
    took = f"{seconds:.1f} s" if isinstance(seconds, float) else ""
    told = f"{name} {call.version or 'of an unknown version'}: {', '.join(part for part in (took, tokens, cost) if part)}"
    if result["outcome"] != "finished":
        todo = "log in with the program itself, then try again" if call.auth_error else 'look at [agent] network and hosts: "none" reaches no service'
        return [Finding("Agent", "problem", f"{told}; {shorten(said, 200)}", todo)]
    if not right:
        return [Finding("Agent", "problem", f"{told}; it says done, but {FILE} is not there as asked", f"look at {folder / 'agent.out'}")]
    return [Finding("Agent", "ok", f"{told}; the file is there, as asked")]
