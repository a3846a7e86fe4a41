"""The three steps of an attempt that works on a repository: a private copy, the work in it, the proof of what came back.

The person's repository is only read, until the session publishes the branch. Nothing outside of the jail ever opens the copy as a repository.
"""

import shlex
import shutil
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from jarvis_lib.execution import held, repositories, tree
from jarvis_lib.execution.commands import filled
from jarvis_lib.execution.output import Output
from jarvis_lib.execution.processes import Bounds, Ended, run, shell
from jarvis_lib.execution.repositories.copying import remove
from jarvis_lib.execution.results import Result, ended_badly
from jarvis_lib.execution.spec import RepositoryWork, Spec
from jarvis_lib.model.evidence import Evidence
from jarvis_lib.model.prose import plural, shorten
from jarvis_lib.model.task import Check

Stop = Callable[[], bool]
_COLLECT_S = 120.0
AWAY = "made-elsewhere"
"""Stands beside a bundle that another machine made, so that it is not made again from a copy that nobody worked in."""
_OUTPUT_BYTES = 256 * 1024
_USUAL_WALL_S = Check("").wall_s


def work_of(spec: Spec) -> RepositoryWork:
    """The spec's repository. Raises ValueError for a spec without one."""
    if spec.repository is None:
        raise ValueError(f"the attempt {spec.attempt} has no repository")
    return spec.repository


def copy_path(spec: Spec) -> Path:
    """Where the work is done."""
    return work_of(spec).folder / "copy"


def quarantine_path(spec: Spec) -> Path:
    """The bare repository in which the result is looked at before anybody else gets it."""
    return spec.dir / "result.git"


def baseline(spec: Spec) -> Result:
    """Make the private copy at the commit where the work begins."""
    work = work_of(spec)
    copy = repositories.prepare(work.repo, work.folder, branch=work.branch, start=work.start)
    said = f"a private copy of {work.repo.name} at {copy.base[:10]}, on the branch {copy.branch}"
    evidence = [Evidence("commit", "base", None, said, {"commit": copy.base, "repository": str(work.repo)}).to_json()]
    evidence += [Evidence("commit", "copy", None, told).to_json() for told in repositories.lacking(work.repo, copy.base)]
    return {"outcome": "finished", "said": said, "before": [], "measured": {}, "base": copy.base, "evidence": evidence}


def prove(spec: Spec, stop: Stop) -> Result:
    """Bring the work back into quarantine and prove it; of an unfinished attempt only bring it back. `commit`, `base` and `branch` name the result."""
    work = work_of(spec)
    tree.kill(lambda: tree.tagged([spec.attempt]))
    bundle = spec.dir / "bundle" / "work.bundle"
    told = "" if (spec.dir / "bundle" / AWAY).exists() else collect_inside(spec, stop)
    found = repositories.collect(bundle, work.repo, quarantine_path(spec), base=work.base, branch=work.branch)
    named: dict[str, Any] = {"base": work.base, "branch": work.branch, "commit": found.commit}
    if found.commit is None:
        why = "; ".join(filter(None, (told, found.said if not told or bundle.exists() or bundle.is_symlink() else "")))
        return {"outcome": "finished", "said": why, "after": [], "evidence": [Evidence("commit", "lost" if told else "result", None, why).to_json()]} | named
    left = [Evidence("guard", "left out", False, f"not all of its work came back: {told}").to_json()] if told else []
    if work.unfinished:
        said = f"what it had done is on the branch {work.branch} as unfinished: {found.said}"
        evidence = [Evidence("commit", "unfinished", None, said, {"commit": found.commit}).to_json()]
        return {"outcome": "finished", "said": said, "after": [], "evidence": evidence + left} | named
    from jarvis_lib.execution import proving

    try:
        seen = proving.prove_repository(
            spec,
            found,
            base=work.base,
            run=lambda line, folder, wall_s, log: _run(spec, line, folder, wall_s, log, stop),
            stop=stop,
            largest=work.largest_diff,
            mask=held.mask_of(spec).text,
        )
    except proving.Late as error:
        return ended_badly(error.outcome, str(error), after=[]) | named
    finally:
        shutil.rmtree(spec.dir / "clean", ignore_errors=True)
    looked = [e for e in seen if e.kind in ("check", "measure")]
    said = f"{found.said}; {sum(bool(e.ok) for e in looked)} of {plural(len(looked), 'check or measure', 'checks and measures')} well"
    return {"outcome": "finished", "said": said, "after": [], "evidence": [e.to_json() for e in seen] + left} | named


def _run(spec: Spec, line: str, folder: Path, wall_s: float, log: Path | None, stop: Stop) -> tuple[Ended, Output, Bounds]:
    """One line of a check or a measure in a clean copy, jailed, with the whole of the attempt's limits."""
    own = spec.limits.check_s if wall_s == _USUAL_WALL_S else wall_s
    limits = spec.limits
    bounds = Bounds(max(min(own, spec.left_s()), 0.0), limits.memory_bytes, limits.grace_s, processes=limits.processes, file_bytes=limits.file_bytes)
    out = Output(log, _OUTPUT_BYTES, held.mask_of(spec))
    values = {"python": sys.executable, "out_dir": str(spec.out_dir)}
    argv = shell(filled(line, {name: shlex.quote(value) for name, value in values.items()}))
    enter = held.enter_for(spec, cwd=folder, writable=(folder,))
    try:
        with held.owned(spec, writable=(folder,)):
            return run(enter(argv), cwd=folder, env=spec.environment(), bounds=bounds, out=out, stop=stop), out, bounds
    finally:
        out.close()


def collect_inside(spec: Spec, stop: Stop) -> str:
    """Commit what is not committed and bundle it, inside of the jail; what went wrong, or an empty string."""
    work = work_of(spec)
    copy = repositories.Copy(copy_path(spec), work.base, work.branch, work.repo)
    bundle = spec.dir / "bundle" / "work.bundle"
    bundle.parent.mkdir(parents=True, exist_ok=True)
    remove(bundle)
    message = f"{'unfinished: ' if work.unfinished else ''}{spec.task.title}"
    where = (copy.path, bundle.parent)
    enter = held.enter_for(spec, cwd=copy.path, writable=where)
    bounds = Bounds(max(min(_COLLECT_S, spec.left_s()), 1.0), spec.limits.memory_bytes, spec.limits.grace_s)
    with held.owned(spec, writable=where):
        for argv in repositories.inside_commands(copy, message=message, bundle=bundle):
            out = Output(spec.dir / "collect.log", _OUTPUT_BYTES, held.mask_of(spec))
            try:
                ended = run(enter(argv), cwd=copy.path if spec.holding.level == "none" else spec.dir, env=spec.environment(), bounds=bounds, out=out, stop=stop)
            finally:
                out.close()
            if ended.how != "exited" or ended.exit_code != 0:
                return f"its copy could not be committed ({shorten(out.last_line() or ended.why or ended.how, 160)})"
    return ""


def described(work: RepositoryWork) -> dict[str, Any]:
    """The work as it stands in a spec."""
    return asdict(work) | {"repo": str(work.repo), "folder": str(work.folder)}
