"""Does the real agent work here? It is asked for one small file, as it would be at night; the file is looked at, and its word is not.

Promise: the same worker, jail, log-in, network and limits as at night. It is a real call, so it costs what a call costs; nothing is queued, and
what it wrote is removed again.
"""

import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from jarvis_lib.doors.doctor import Finding
from jarvis_lib.execution.results import Result
from jarvis_lib.model.fact import Refused, stamp
from jarvis_lib.model.prose import clean, listed, seconds, shorten
from jarvis_lib.model.task import AGENTS, Recipe, Task
from jarvis_lib.store.place import Place

if TYPE_CHECKING:
    from jarvis_lib.autonomous_queue.holding import Held

FILE = "jarvis-trial.txt"
LONGEST_S = 300.0
_PAUSE_S = 0.05
_TODO = {
    "no_login": "log in with the agent's own command, and keep [agent] login = true",
    "limited": "wait until then; at night its account is held until then by itself",
    "timed_out": "look at [agent] network and hosts: an agent that cannot reach its service often waits in silence",
    "denied": "look at [agent] permission",
}


def try_agent(place: Place, name: str, *, word: str, now: datetime) -> list[Finding]:
    """What was found, one line for each thing: program, sandbox, call, file. `name` may be empty for the first of [agent] order.

    `word` is what the file must hold; it should be new each time, so that only a call that worked can know it. Refused where no agent is named.
    """
    from jarvis_lib.autonomous_queue import holding
    from jarvis_lib.execution.agents.registry import adapter, program, version

    chosen = name or next(iter(place.settings.get("agent", "order")), "")
    if not chosen:
        raise Refused(f'No agent is switched on. Name one: jarvis doctor --agent codex ({listed(AGENTS, "or")}), or jarvis.toml: [agent] order = ["codex"].')
    own = adapter(chosen)
    custom = place.settings.get("agent", "custom")
    try:
        path = program(own, place.settings.get("agent", "programs").get(chosen, ""), template=custom)
    except Refused as error:
        return [Finding("Program", "problem", error.sentence, "install it; docs/INTEGRATION_GUIDE.md, Coding agents, says how")]
    if not path:
        return [Finding("Program", "problem", "the agent custom has no command", "give it one in jarvis.toml: [agent] custom")]
    found = [_program(chosen, path, "" if chosen == "custom" else version(path), own.tried)]
    held = holding.look(place, now=now)
    if not held.strict:
        return [
            *found,
            Finding("Sandbox", "problem", held.warning or held.said, "jarvis doctor says what is missing; agents run strictly sandboxed or not at all"),
        ]
    folder = place.home / "data" / "attempts" / f"trial-{word}"
    try:
        result = _call(place, chosen, folder, _task(word, chosen), held=held, now=now)
        return [*found, Finding("Sandbox", "ok", held.said), *_told(place, result), _file(folder / "out" / FILE, word)]
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _task(word: str, agent: str) -> Task:
    return Task(
        id=f"trial-{word}",
        title=f"Write the word {word} into a file",
        description=f"Create the file {FILE} in your current folder. Its whole content is the one word {word}. Do nothing else.",
        hours=LONGEST_S / 3600,
        category="Infrastructure",
        priority="HIGH",
        recipe=Recipe("agent", agent=agent),
    )


def _call(place: Place, name: str, folder: Path, task: Task, *, held: "Held", now: datetime) -> Result:
    """Have a worker do the recipe step, as at night, and wait for it."""
    from jarvis_lib.autonomous_queue import holding
    from jarvis_lib.autonomous_queue.agents import agent_work
    from jarvis_lib.execution.engine import LocalEngine

    limits, own = place.settings.values["limits"], place.settings.values["agent"]
    work = agent_work(place.settings, name, task, max_cost=own["cost_per_task"])
    spec = {
        "v": 1,
        "step": "recipe",
        "attempt": task.id,
        "task": task.to_json(),
        "home": str(place.home),
        "dir": str(folder),
        "deadline": time.time() + LONGEST_S,
        "limits": {
            "wall_s": LONGEST_S,
            "output_bytes": int(limits["output_mb"] * 1024**2),
            "memory_bytes": int(limits["memory_gb"] * 1024**3),
            "check_s": limits["check_seconds"],
            "grace_s": limits["grace_seconds"],
            "processes": limits["processes"],
            "file_bytes": int(limits["file_gb"] * 1024**3),
        },
        "pass_env": list(limits["pass_env"]),
        "seed": 0,
        "as_of": stamp(now),
        "holding": holding.holding(held, task, "person", place.settings),
        "agent": asdict(work),
    }
    engine = LocalEngine()
    try:
        handle = engine.submit(spec)
        return _waited(lambda: engine.poll(handle))
    finally:
        engine.close()


def _waited(poll: Callable[[], Result | None]) -> Result:
    while (result := poll()) is None:
        time.sleep(_PAUSE_S)
    return result


def _program(name: str, path: str, found: str, tried: Sequence[str]) -> Finding:
    said = f"{name} {found or '(it tells no version)'} at {path}"
    if name == "custom" or found in tried:
        return Finding("Program", "ok", said)
    return Finding("Program", "warning", f"{said}; tried with this Jarvis were {listed(list(tried))}", "read this trial with care: its output may have changed")


def _told(place: Place, result: Result) -> list[Finding]:
    outcome, said = str(result.get("outcome", "died")), shorten(clean(str(result.get("said", ""))), 300)
    calls = result.get("calls") or []
    call = next((e["said"] for e in result.get("evidence", ()) if e["kind"] == "call"), "")
    took = f"{said}, in {seconds(result['seconds'])}" if result.get("seconds") and outcome != "finished" else said
    found = [Finding("Call", "ok" if outcome == "finished" else "problem", took, "" if outcome == "finished" else _TODO.get(outcome, "read what it says"))]
    if calls:
        found.append(Finding("Cost", "ok", call))
    refused = [e["said"] for e in result.get("evidence", ()) if e["kind"] == "denial" or (e["kind"], e["name"]) == ("egress", "hosts")]
    if refused:
        reach = place.settings.get("agent", "network")
        found.append(Finding("Refused", "warning", "; ".join(refused)[:400], f'[agent] network is "{reach}"; look at network, hosts and permission there'))
    return found


def _file(path: Path, word: str) -> Finding:
    """The evidence: is the file there, with the word in it?"""
    if not path.is_file() or path.is_symlink():
        return Finding("File", "problem", "the file that it was asked for is not there, whatever it says", "nothing of it would be believed at night either")
    with open(path, "rb") as stream:
        held = stream.read(1000).decode("utf-8", "replace").strip()
    if held != word:
        return Finding("File", "problem", f"the file holds {shorten(clean(held), 60)!r} and not the word that was asked for", "look at what it says above")
    return Finding("File", "ok", "the file that it was asked for is there, and holds the word")
