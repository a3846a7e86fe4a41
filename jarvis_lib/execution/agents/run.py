"""One call of an agent: prompt, program, limits, and what came of it as evidence. What does the agent say, and what did it cost?

The outcome comes from what happened in this order: ended by a limit of ours, nobody logged in, a usage limit, an error, a refusal. All else is
`finished`, and whether anything was done is for the evidence to say.
"""

import hashlib
import os
import secrets
import shutil
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from jarvis_lib.execution.agents import prompt as prompts
from jarvis_lib.execution.agents.contract import Adapter, Request
from jarvis_lib.execution.agents.registry import adapter, program, version
from jarvis_lib.execution.output import Output
from jarvis_lib.execution.processes import Bounds, Ended, run, said_ended
from jarvis_lib.execution.results import Result
from jarvis_lib.execution.secrets import Mask
from jarvis_lib.execution.spec import AgentWork
from jarvis_lib.model.call import Call
from jarvis_lib.model.escalation import in_cost, in_text
from jarvis_lib.model.evidence import Evidence
from jarvis_lib.model.prose import clean, shorten
from jarvis_lib.model.task import Task

_STDOUT_BYTES = 16 * 1024 * 1024
_STDERR_BYTES = 1024 * 1024
OUTCOMES = {"timed_out": "timed_out", "idle": "timed_out", "over_memory": "failed", "over_processes": "failed", "stopped": "stopped", "not_started": "failed"}


@dataclass(frozen=True, slots=True)
class Place:
    """Where an agent works: its folder, its private home (kept for a session that goes on), the folder of the attempt, the branch if there is one."""

    cwd: Path
    home: Path
    folder: Path
    branch: str = ""


def run_agent(
    work: AgentWork,
    task: Task,
    place: Place,
    *,
    enter: Callable[[Sequence[Path], Sequence[str]], list[str]],
    env: dict[str, str],
    bounds: Bounds,
    network: str,
    mask: Mask,
    now: datetime,
    stop: Callable[[], bool] = lambda: False,
    person_home: Path | None = None,
    owned: Callable[[], AbstractContextManager[None]] = nullcontext,
) -> Result:
    """Call the agent once; the step's result with `calls` and `evidence`. Refused where it is not there.

    `enter(readable, argv)` puts it into its jail; while it runs its folders belong to whom `owned` gives them.
    """
    own = adapter(work.name)
    path = program(own, work.program, template=work.template)
    request = _request(work, task, place, path, bounds, network)
    logged_in = copy_login(own, person_home, place.home) if work.login and person_home is not None else []
    found = "" if own.name == "custom" else version(path)
    bounds = replace(bounds, idle_s=work.idle_s)
    whole = env | {"PATH": os.pathsep.join([str(Path(path).parent), env.get("PATH", os.defpath)])} | own.environment(request)
    try:
        with owned():
            ended, complaint = _ran(enter(_readable(path), own.argv(request)), place, env=whole, bounds=bounds, mask=mask, stop=stop)
    finally:
        for copy in logged_in:
            _unlinked(place.home, copy.relative_to(place.home).as_posix())  # the session is kept for a follow-up, the log-in is not
    stdout, stderr = (_text(place.folder / f"agent.{name}") for name in ("out", "err"))
    call = own.read(request, version=found, exit_code=ended.exit_code, stdout=stdout, stderr=stderr, now=now)
    outcome, said = outcome_of(call, ended, bounds)
    evidence = _evidence(own, request, call, outcome, said, found, place)
    evidence += [*in_text(call.text), *in_cost(call.cost, work.max_cost)]
    evidence += [Evidence("question", f"question {i}", None, q) for i, q in enumerate(prompts.questions(call.text), 1)]
    tail = shorten(clean(call.text, keep_lines=True), 2000) or complaint
    return {
        "outcome": outcome,
        "said": said,
        "exit_code": ended.exit_code,
        "seconds": ended.seconds,
        "tail": tail,
        "log": str(place.folder / "agent.out"),
        "calls": [call.to_json()],
        "evidence": [e.to_json() for e in evidence],
    }


def _ran(argv: list[str], place: Place, *, env: dict[str, str], bounds: Bounds, mask: Mask, stop: Callable[[], bool]) -> tuple[Ended, str]:
    """The program to its end, what it says kept in the attempt's folder; how it ended, and the last line on its standard error."""
    out = Output(place.folder / "agent.out", _STDOUT_BYTES, mask)
    err = Output(place.folder / "agent.err", _STDERR_BYTES, mask)
    try:
        ended = run(argv, cwd=place.cwd, env=env, bounds=bounds, out=out, err=err, stop=stop)
    finally:
        out.close()
        err.close()
    return ended, err.last_line()


def outcome_of(call: Call, ended: Ended, bounds: Bounds) -> tuple[str, str]:
    """How the call ended, and one sentence. A refusal alone is no outcome: what was done in spite of it shows in the evidence."""
    name = f"{call.agent} {call.version}".strip()
    if ended.how != "exited":
        return OUTCOMES[ended.how], said_ended(name, ended, bounds)
    if call.auth_error:
        return "no_login", f"{name} is not logged in: {clean(call.auth_error)[:160]}"
    if call.limit is not None:
        until = f" until {call.limit.until:%d %b %H:%M} UTC" if call.limit.until else ""
        return "limited", f"{name} met its usage limit{f' ({call.limit.scope})' if call.limit.scope else ''}{until}"
    if call.error:
        return "failed", f"{name} failed: {clean(call.error)[:200]}"
    if call.exit != 0:
        return "failed", said_ended(name, ended, bounds)
    return "finished", said_ended(name, ended, bounds)


def copy_login(own: Adapter, person_home: Path, home: Path) -> list[Path]:
    """Copy the agent's own log-in files, and nothing else, into its private home; those that are there already are written anew."""
    found = [(name, person_home / name) for name in own.login_files if (person_home / name).is_file()]
    return [_put(home, name, source.read_bytes()) for name, source in found]


def _put(home: Path, name: str, data: bytes) -> Path:
    """Write a file of the agent's home that it alone may read. An earlier call may have left links there: none is followed."""
    target = _unlinked(home, name)
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    fd = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    with open(fd, "wb") as stream:
        stream.write(data)
    return target


def _unlinked(home: Path, name: str) -> Path:
    """The path of `name` below `home` with nothing there yet, and with no link or file where a folder has to be."""
    target = home / name
    for path in [*reversed(target.relative_to(home).parents[:-1]), Path(name)]:
        whole = home / path
        if whole.is_symlink() or (whole.exists() and not whole.is_dir()):
            whole.unlink()
        elif whole == target and whole.is_dir():
            shutil.rmtree(whole)
    return target


def _request(work: AgentWork, task: Task, place: Place, path: str, bounds: Bounds, network: str) -> Request:
    place.home.mkdir(parents=True, exist_ok=True, mode=0o700)
    out = place.home / "out"
    if out.is_symlink() or not out.is_dir():
        out.unlink(missing_ok=True)
        out.mkdir()
    nonce = secrets.token_hex(8)
    session = work.session if adapter(work.name).resumes(work.template) else ""
    if session:
        text = prompts.follow_up(task, nonce=nonce, left_s=bounds.wall_s, touch=work.touch, network=network, turns=work.max_turns)
    else:
        text = prompts.prompt(task, nonce=nonce, left_s=bounds.wall_s, touch=work.touch, network=network, turns=work.max_turns, branch=place.branch)
    (place.folder / "prompt.txt").write_text(text, encoding="utf-8")  # evidence; the agent gets a copy of its own
    written = _put(place.home, "prompt.txt", text.encode())
    return Request(path, written, place.cwd, place.home, out, work.model, session, work.permission, work.max_cost, work.max_turns, work.template, bounds.wall_s)


def _readable(path: str) -> list[Path]:
    from jarvis_lib.execution.agents.registry import places

    return places(shutil.which(path) or path)


def _text(path: Path) -> str:
    return path.read_bytes().decode("utf-8", "replace")


def _evidence(own: Adapter, request: Request, call: Call, outcome: str, said: str, found: str, place: Place) -> list[Evidence]:
    prompt = (place.folder / "prompt.txt").read_bytes()
    shown = place.folder / "prompt.txt"
    evidence = [
        Evidence("exit", "agent", outcome == "finished", said, {"exit_code": call.exit}),
        Evidence("prompt", "prompt", None, f"asked with {len(prompt):,} bytes", {"sha256": hashlib.sha256(prompt).hexdigest(), "path": str(shown)}),
        Evidence("call", own.name, None, said_call(call), _told(own, call, found, request)),
    ]
    return evidence + [Evidence("denial", f"refused {i}", None, f"{own.name}: {clean(d)[:200]}") for i, d in enumerate(dict.fromkeys(call.denials), 1)]


def said_call(call: Call) -> str:
    """`codex 0.171.0: 200 tokens in, 40 out, cost unknown, 3 tool calls`."""
    tokens = f"{call.tokens_in:,} tokens in, {call.tokens_out or 0:,} out" if call.tokens_in is not None else "tokens unknown"
    cost = f"{call.cost:.4f} $" if call.cost is not None else "cost unknown"
    tools = f"{call.tool_calls} tool calls{f', {call.tool_errors} of them failed' if call.tool_errors else ''}"
    return f"{call.agent} {call.version or '(version unknown)'}: {tokens}, {cost}, {tools}"


def _told(own: Adapter, call: Call, found: str, request: Request) -> dict[str, Any]:
    known = own.name == "custom" or found in own.tried
    warning = "" if known else f"{own.name} {found or 'of an unknown version'} was not tried with this Jarvis; tried were {', '.join(own.tried)}"
    by_hand = own.open_by_hand(call.session_id, request.cwd, request.home) if call.session_id else ""
    return {"session": call.session_id, "by_hand": by_hand, "warning": warning, "model": call.model, "permission": request.permission}
