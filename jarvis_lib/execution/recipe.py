"""The recipe step: run the task's command or notebook once, under its limits. What happened, in one sentence and with evidence?"""

import hashlib
import json
import os
import shlex
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from jarvis_lib import __version__
from jarvis_lib.execution import held, repository_steps
from jarvis_lib.execution.commands import filled
from jarvis_lib.execution.output import Output
from jarvis_lib.execution.processes import Bounds, Ended, limit_files, said_command, said_ended, shell
from jarvis_lib.execution.processes import run as run_process
from jarvis_lib.execution.results import Result, ended_badly
from jarvis_lib.execution.sandbox import levels
from jarvis_lib.execution.sandbox.refusals import refused
from jarvis_lib.execution.spec import Spec
from jarvis_lib.model.evidence import RESULT_MIME, Evidence
from jarvis_lib.model.fact import Refused
from jarvis_lib.model.prose import clean, listed, size
from jarvis_lib.model.task import Recipe

OUTCOME_OF = {
    "exited": "finished",
    "not_started": "failed",
    "timed_out": "timed_out",
    "idle": "timed_out",
    "over_memory": "failed",
    "over_processes": "failed",
    "over_file": "failed",
    "stopped": "stopped",
}
_ARTEFACTS_SHOWN = 50
_TOLD_BYTES = 64 * 1024


def run(spec: Spec, stop: Callable[[], bool]) -> Result:
    """Run the recipe to its end or its limits; the result of the step, `evidence` included."""
    recipe = spec.task.recipe
    if recipe is None:
        return ended_badly("failed", "The task has no recipe, so there is nothing to run; give it one with jarvis queue edit.")
    spec.out_dir.mkdir(parents=True, exist_ok=True)
    begin = time.monotonic()
    mask = held.mask_of(spec)
    out = Output(spec.dir / "output.log", spec.limits.output_bytes, mask)
    try:
        result = {"notebook": _notebook, "command": _command, "agent": _agent}[recipe.kind](spec, recipe, out, stop)
    except Refused as error:
        result = ended_badly("failed", error.sentence, exit_code=None)
    finally:
        out.close()
    for written in (spec.dir / "output.log", spec.dir / "executed.ipynb"):
        if written.is_file():
            mask.file(written)  # what spans several lines, such as a private key, is only seen whole here
    base: Result = {"exit_code": None, "notebook": None, "tail": out.tail(), "log": str(spec.dir / "output.log"), "seconds": time.monotonic() - begin}
    result = base | result
    result["evidence"] = [*result["evidence"], *_told(spec), *_artefacts(spec), _isolation(spec, out), _environment()]
    return result


def _environment() -> dict[str, Any]:
    """On what it ran, so that a later difference can be laid to it."""
    import platform

    known = {"python": platform.python_version(), "system": platform.platform(), "machine": platform.machine(), "jarvis": __version__, "cores": os.cpu_count()}
    said = f"Python {known['python']}, {known['system']}, Jarvis {known['jarvis']}"
    return Evidence("environment", "environment", None, said, known).to_json()


def bounds_of(spec: Spec) -> Bounds:
    """What is left of the attempt's time, and its limits."""
    own = spec.limits
    return Bounds(
        max(min(own.wall_s, spec.left_s()), 0.0), own.memory_bytes, own.grace_s, idle_s=own.idle_s, processes=own.processes, file_bytes=own.file_bytes
    )


def _command(spec: Spec, recipe: Recipe, out: Output, stop: Callable[[], bool]) -> Result:
    values = {"python": sys.executable, "out_dir": str(spec.out_dir)}
    if recipe.shell:
        argv = shell(filled(recipe.shell, {name: shlex.quote(value) for name, value in values.items()}))
    else:
        argv = [filled(a, values) for a in recipe.argv]
    if not argv:
        raise Refused("The command is empty, so there is nothing to run; give it one with jarvis queue edit.")
    bounds = bounds_of(spec)
    folder = _folder(spec, recipe)
    own = (repository_steps.copy_path(spec),) if spec.repository is not None else ()
    enter = held.enter_for(spec, cwd=folder, writable=own)
    with held.owned(spec, writable=own):
        ended = run_process(enter(argv), cwd=folder, env=spec.environment() | held.granted(spec), bounds=bounds, out=out, stop=stop)
    shown = recipe.shell or said_command(argv)
    return _command_result(spec, ended, said_ended(said_command(shell(shown)), ended, bounds, out.last_line()), out)


def _command_result(spec: Spec, ended: Ended, said: str, out: Output) -> Result:
    outcome = OUTCOME_OF[ended.how] if ended.exit_code == 0 or ended.how != "exited" else "failed"
    denials = refused(out.tail(), ended.exit_code, jail=held.jail_of(spec)) if spec.holding.level != "none" and ended.how == "exited" else []
    if denials and outcome == "failed":
        outcome = "denied"
    detail = {"exit_code": ended.exit_code, "how": ended.how, "seconds": round(ended.seconds, 3), "leftovers": ended.leftovers}
    evidence = [Evidence("exit", "command", outcome == "finished", said, detail).to_json()]
    evidence += [Evidence("denial", f"refused {i}", None, what).to_json() for i, what in enumerate(denials, 1)]
    return {"outcome": outcome, "exit_code": ended.exit_code, "seconds": ended.seconds, "said": said, "evidence": evidence}


def _folder(spec: Spec, recipe: Recipe) -> Path:
    top = repository_steps.copy_path(spec) if spec.repository is not None else spec.home
    return (top / recipe.cwd).resolve()


def _agent(spec: Spec, recipe: Recipe, out: Output, stop: Callable[[], bool]) -> Result:
    """Have the agent do it: in the copy of the repository, or in the attempt's own folder. Its private home lasts as long as its copy."""
    from jarvis_lib.execution.agents.run import Place, run_agent

    if spec.agent is None:
        raise Refused("No agent was chosen for this attempt; look at [agent] in jarvis.toml.")
    if spec.holding.level != "strict":
        raise Refused("An agent runs strictly sandboxed or not at all, and the sandbox does not hold here: jarvis doctor.")
    repository = spec.repository
    cwd = repository_steps.copy_path(spec) if repository is not None else spec.out_dir
    home = repository.folder / "home" if repository is not None else spec.dir / "home"
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    place = Place(cwd, home, spec.dir, repository.branch if repository is not None else "")
    own = (cwd, home)
    with held.reach(spec) as (sockets, through):
        result = run_agent(
            spec.agent,
            spec.task,
            place,
            enter=lambda readable, argv: held.enter_for(spec, cwd=cwd, writable=own, readable=readable, home=home, sockets=sockets)(through(argv)),
            env=spec.environment() | held.granted(spec),
            bounds=bounds_of(spec),
            network=spec.holding.network,
            mask=held.mask_of(spec),
            now=datetime.now(UTC),
            stop=stop,
            person_home=Path.home(),
            owned=lambda: held.owned(spec, writable=own),
        )
    result["evidence"] += _hosts(spec)
    return result


def _hosts(spec: Spec) -> list[dict[str, Any]]:
    """Hosts that were reached, and those that are not on the list. Programs ask for more than they need, so this is told and judges nothing."""
    from jarvis_lib.execution.egress import reached_hosts, refused_hosts

    found = []
    reached, refused_ones = reached_hosts(spec.dir / "egress.jsonl"), refused_hosts(spec.dir / "egress.jsonl")
    if reached:
        said = f"it reached {listed([f'{clean(h)[:80]} ({size(n)})' for h, n in list(reached.items())[:5]])}, as it was granted"
        found.append(Evidence("egress", "reached", None, said, {"bytes": dict(list(reached.items())[:50])}).to_json())
    if refused_ones:
        said = f"it asked for {listed([clean(h)[:80] for h in refused_ones[:5]])}, which it was not granted, and did not get there"
        found.append(Evidence("egress", "hosts", None, said, {"hosts": refused_ones[:50]}).to_json())
    return found


def _notebook(spec: Spec, recipe: Recipe, out: Output, stop: Callable[[], bool]) -> Result:
    from jarvis_lib.execution import tree
    from jarvis_lib.execution.papermill_run import Limits, run_notebook
    from jarvis_lib.execution.parameters import read_parameters

    path = spec.home / recipe.notebook
    known = read_parameters(path)
    own = {"run_id": spec.attempt, "as_of": spec.as_of, "out_dir": str(spec.out_dir), "workspace": str(spec.home)}
    given = {name: value for name, value in own.items() if name in known} | recipe.parameters
    bounds = bounds_of(spec)
    limit_files(bounds.file_bytes)
    result = run_notebook(
        path,
        spec.dir / "executed.ipynb",
        given,
        deadline=time.time() + bounds.wall_s,
        cwd=spec.home,
        env=spec.environment() | held.granted(spec),
        enter=lambda sockets: held.enter_for(spec, writable=(sockets,), own_uid=True),
        limits=Limits(bounds.memory_bytes, spec.limits.output_bytes, bounds.grace_s, bounds.processes),
        out=out,
        stop=stop,
        tree_of=lambda kernel: tree.below_me(),
    )
    detail = {"cells": result["cells"], "seconds": round(result["seconds"], 3), "notebook": recipe.notebook}
    evidence = Evidence("exit", "notebook", result["outcome"] == "finished", result["said"], detail)
    shown = {k: v for k, v in result.items() if k != "cells" and (k != "tail" or v)}
    return shown | {"evidence": [evidence.to_json()]}


def _told(spec: Spec) -> list[dict[str, Any]]:
    """What a recipe notebook says of itself by `jarvis.result`: kept, and no proof."""
    path = spec.dir / "executed.ipynb"
    if not path.is_file():
        return []
    outputs = [o for c in json.loads(path.read_text(encoding="utf-8"))["cells"] for o in c.get("outputs", ())]
    said = [o["data"][RESULT_MIME] for o in outputs if RESULT_MIME in o.get("data", {})]
    good = [s for s in said[-1:] if isinstance(s, dict) and isinstance(s.get("summary"), str)]
    return [Evidence("result", "result", None, clean(s["summary"])[:300], _bounded({k: s.get(k) for k in ("files", "metrics")})).to_json() for s in good]


def _bounded(told: dict[str, Any]) -> dict[str, Any]:
    """Files and metrics as they were told; what is longer than a fact should be is only told to be so."""
    long = [k for k, value in told.items() if len(json.dumps(value)) > _TOLD_BYTES]
    return {k: None if k in long else value for k, value in told.items()} | ({"left_out": long} if long else {})


def _artefacts(spec: Spec) -> list[dict[str, Any]]:
    """What the attempt left in its out folder, by path, size and hash."""
    found = sorted(p for p in spec.out_dir.rglob("*") if p.is_file() and not p.is_symlink())
    return [_artefact(spec, path) for path in found[:_ARTEFACTS_SHOWN]]


def _artefact(spec: Spec, path: Path) -> dict[str, Any]:
    with open(path, "rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    shown = path.relative_to(spec.home).as_posix() if path.is_relative_to(spec.home) else str(path)
    count = path.stat().st_size
    said = f"{clean(path.name)} ({size(count)})"
    return Evidence("artefact", path.relative_to(spec.out_dir).as_posix(), None, said, {"path": shown, "sha256": digest, "size": count}).to_json()


def _isolation(spec: Spec, out: Output) -> dict[str, Any]:
    limits = spec.limits
    detail = {
        "wall_s": limits.wall_s,
        "memory_bytes": limits.memory_bytes,
        "output_bytes": limits.output_bytes,
        "passed": list(spec.pass_env),
        "output_total": out.total,
        "output_left_out": out.left_out,
    }
    said = levels.said(spec.holding.level, levels.machine())
    detail |= {"level": spec.holding.level, "network": spec.holding.network, "held_by": said}
    return Evidence("isolation", "isolation", None, f"It ran with {said}", detail).to_json()
