"""Is the result faster, and does it still give the same? Measures on clean copies of before and after in turns, and what they print besides."""

import re
from collections.abc import Callable, Sequence

from jarvis_lib.execution.commands import label
from jarvis_lib.execution.measuring import LEAST_RUNS, judged, last_number, names
from jarvis_lib.execution.processes import said_ended
from jarvis_lib.execution.proving.checking import Runner, Trees, late
from jarvis_lib.execution.spec import Spec
from jarvis_lib.model.evidence import Evidence
from jarvis_lib.model.prose import clean, shorten
from jarvis_lib.model.task import Measure

_NUMBER = re.compile(r"[-+]?\d[\d.,]*(?:e[-+]?\d+)?")


def measures(spec: Spec, trees: Trees, run: Runner, stop: Callable[[], bool]) -> list[Evidence]:
    """Each measure on both trees in turns, as a ratio with its interval; and what it printed besides must be equal on both."""
    found = []
    for name, measure in zip(names(spec.task.measures), spec.task.measures, strict=True):
        found += _measured(spec, measure, name, trees, run, stop)
    return found


class _NoValue(Exception):
    """A run that gave no number; the text says why."""


def _measured(spec: Spec, measure: Measure, name: str, trees: Trees, run: Runner, stop: Callable[[], bool]) -> list[Evidence]:
    sides = (trees.before, trees.after)
    values: tuple[list[float], list[float]] = ([], [])
    printed: tuple[list[list[str]], list[list[str]]] = ([], [])
    for turn in range(max(measure.repeats, LEAST_RUNS) + 1):
        for i in (0, 1) if turn % 2 == 0 else (1, 0):
            ended, out, bounds = run(measure.command, sides[i], measure.wall_s, None)
            late(spec, ended, stop, f"{name} had no time left")
            value = last_number(out.tail())
            if ended.how != "exited" or ended.exit_code != 0 or value is None:
                why = (
                    said_ended(f"'{label(measure.command)}'", ended, bounds, out.last_line())
                    if ended.exit_code or ended.how != "exited"
                    else "it printed no number"
                )
                said = f"{name} could not be measured {'before' if i == 0 else 'after'} the change: {why}"
                return [Evidence("measure", name, False, said, {"unit": measure.unit})]
            printed[i].append([line.rstrip() for line in out.tail().strip().splitlines()[:-1]])
            if turn:  # the first round only warms up
                values[i].append(value)
    return [judged(measure, name, *values, seed=spec.seed, interleaved=True), *same_results(name, *printed)]


def same_results(name: str, before: Sequence[Sequence[str]], after: Sequence[Sequence[str]]) -> list[Evidence]:
    """Is what each run printed besides the number equal before and after? In lines that differ from run to run (a time of day) numbers do not count."""
    if not any(before) and not any(after):
        return []
    differs = _differing(before) | _differing(after)
    old, new = ([_NUMBER.sub("#", line) if i in differs else line for i, line in enumerate(runs[-1])] for runs in (before, after))
    if old == new:
        return [Evidence("check", f"results of {name}", True, f"what {name} printed besides its number is equal before and after")]
    first = next((i for i, (a, b) in enumerate(zip(old, new, strict=False)) if a != b), min(len(old), len(new)))
    was, now = (shorten(clean(side[first]), 60) if first < len(side) else "nothing" for side in (old, new))
    return [Evidence("check", f"results of {name}", False, f"the results are not equal: {name} printed {was!r} before the change and {now!r} after it")]


def _differing(runs: Sequence[Sequence[str]]) -> set[int]:
    """The numbers of the lines in which the runs of one side differ among themselves."""
    longest = max(map(len, runs))
    return {i for i in range(longest) if len({run[i] if i < len(run) else None for run in runs}) > 1}
