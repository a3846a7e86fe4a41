"""Run one check or one measure: a line of the task, in a process of its own, in a clean environment, with a limit of its own."""

import re
import shlex
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from jarvis_lib.execution import held
from jarvis_lib.execution.output import Output
from jarvis_lib.execution.processes import Bounds, Ended, run, shell
from jarvis_lib.execution.spec import Spec
from jarvis_lib.model.prose import clean, shorten
from jarvis_lib.model.task import Check

_OUTPUT_BYTES = 256 * 1024
_PLACEHOLDER = re.compile(r"\{(python|changed|kept|out_dir)\}")
_USUAL_WALL_S = Check("").wall_s


def filled(text: str, values: Mapping[str, str]) -> str:
    """`text` with the placeholders that only the night can fill: {python}, {changed}, {kept}, {out_dir}; others stay."""
    return _PLACEHOLDER.sub(lambda m: values.get(m[1], m[0]), text)


def places(spec: Spec, kept: Path, changed: Path | None) -> dict[str, str]:
    """What the placeholders stand for in a command of this attempt."""
    values = {"python": sys.executable, "kept": str(kept), "out_dir": str(spec.out_dir)}
    return values | ({"changed": str(changed)} if changed is not None else {})


def run_line(
    spec: Spec, line: str, values: Mapping[str, str], *, wall_s: float, log: Path | None, stop: Callable[[], bool], apart: Output | None = None
) -> tuple[Ended, Output, Bounds]:
    """Run `line` by the shell at the workspace's top; how it ended, what it printed, the bounds it had. `apart` takes its errors."""
    own = spec.limits.check_s if wall_s == _USUAL_WALL_S else wall_s
    limits = spec.limits
    bounds = Bounds(max(min(own, spec.left_s()), 0.0), limits.memory_bytes, limits.grace_s, processes=limits.processes, file_bytes=limits.file_bytes)
    out = Output(log, _OUTPUT_BYTES, held.mask_of(spec))
    env = spec.environment() | {"JARVIS_KEPT": values["kept"]}
    argv = shell(filled(line, {name: shlex.quote(value) for name, value in values.items()}))
    enter = held.enter_for(spec, writable=(spec.dir / "kept",)) if (spec.dir / "kept").exists() else held.enter_for(spec)
    try:
        return run(enter(argv), cwd=spec.home, env=env, bounds=bounds, out=out, err=apart, stop=stop), out, bounds
    finally:
        out.close()


def label(command: str, name: str = "") -> str:
    """What people call it: its name, or its command without machine paths."""
    return clean(name) or shorten(clean(filled(command, {"python": "python"})), 80)


def out_of_time(spec: Spec, ended: Ended) -> bool:
    """Did the step's deadline end it, rather than its own limit?"""
    return ended.how == "timed_out" and spec.left_s() <= 0.05
