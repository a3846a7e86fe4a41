"""Measures: a command's last printed number, before and after, as often as asked. Is it better, by how much, how sure?

A command with `{changed}` is run on the kept copy and on the live file in turns, so a busy minute hits both alike; others are run
before the recipe and after it. One warm-up of each is thrown away unless a run is long.
"""

import math
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from statistics import median
from typing import Any

from jarvis_lib.execution.commands import label, out_of_time, places, run_line
from jarvis_lib.execution.output import Output
from jarvis_lib.execution.processes import said_ended
from jarvis_lib.execution.ratio import Ratio, ratio_of_medians
from jarvis_lib.execution.spec import Spec
from jarvis_lib.model.evidence import Evidence
from jarvis_lib.model.prose import clean
from jarvis_lib.model.task import Measure

LEAST_RUNS = 3
_LONG_RUN_S = 5.0
_ERROR_BYTES = 16 * 1024
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")
_NUMBER = re.compile(r"(?<![\w.])[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")


class NotMeasured(Exception):
    """A run gave no number; the text says why. `late` when the step's deadline ended it."""

    def __init__(self, why: str, *, late: bool = False) -> None:
        super().__init__(why)
        self.late = late


def names(measures: Sequence[Measure]) -> list[str]:
    """One name for each measure, made different where the task uses one twice."""
    plain = [clean(m.name) or "measure" for m in measures]
    return [n if plain.count(n) == 1 else f"{n} {plain[: i + 1].count(n)}" for i, n in enumerate(plain)]


def is_interleaved(measure: Measure) -> bool:
    """Whether its command names {changed}, so that before and after can take turns."""
    return "{changed}" in measure.command


def values_of(spec: Spec, measure: Measure, kept: Path, stop: Callable[[], bool]) -> list[float]:
    """The values of a measure that looks at the workspace as it is now. Raises NotMeasured."""
    where = places(spec, kept, None)
    return [first for (first,) in _rounds(spec, measure, [where], stop)]


def prove_measure(
    spec: Spec, measure: Measure, name: str, *, kept: Path, pair: tuple[Path, Path] | None, measured: Sequence[float], stop: Callable[[], bool]
) -> Evidence:
    """Evidence that compares before and after. `pair` is (kept copy, live file); `measured` the baseline's values. Raises NotMeasured when late."""
    try:
        before, after = _both(spec, measure, kept, pair, measured, stop)
    except NotMeasured as error:
        if error.late:
            raise
        return Evidence("measure", name, False, f"{name} could not be measured: {error}", {"unit": measure.unit})
    return judged(measure, name, before, after, seed=spec.seed, interleaved=is_interleaved(measure))


def _both(
    spec: Spec, measure: Measure, kept: Path, pair: tuple[Path, Path] | None, measured: Sequence[float], stop: Callable[[], bool]
) -> tuple[list[float], list[float]]:
    if not is_interleaved(measure):
        if not measured:
            raise NotMeasured("there is no value from before")
        return list(measured), values_of(spec, measure, kept, stop)
    if pair is None:
        raise NotMeasured("its command has {changed}, but the task declares no file that it changes")
    rounds = _rounds(spec, measure, [places(spec, kept, path) for path in pair], stop)
    return [r[0] for r in rounds], [r[1] for r in rounds]


def _rounds(spec: Spec, measure: Measure, sides: Sequence[Mapping[str, str]], stop: Callable[[], bool]) -> list[list[float]]:
    """`repeats` rounds with one value of each side; every other round goes the other way round. Fewer (at least 3) when time runs short."""
    begin = time.monotonic()
    first = [_once(spec, measure, side, stop) for side in sides]
    took = time.monotonic() - begin
    rounds = [first] if took > _LONG_RUN_S * len(sides) else []
    wanted = max(measure.repeats, LEAST_RUNS)
    while len(rounds) < wanted:
        if len(rounds) >= LEAST_RUNS and spec.left_s() < 2 * took:
            break
        begin = time.monotonic()
        order = range(len(sides)) if len(rounds) % 2 == 0 else range(len(sides) - 1, -1, -1)
        got = {i: _once(spec, measure, sides[i], stop) for i in order}
        rounds.append([got[i] for i in range(len(sides))])
        took = time.monotonic() - begin
    return rounds


def _once(spec: Spec, measure: Measure, where: Mapping[str, str], stop: Callable[[], bool]) -> float:
    errors = Output(None, _ERROR_BYTES)
    ended, out, bounds = run_line(spec, measure.command, where, wall_s=measure.wall_s, log=None, stop=stop, apart=errors)
    if ended.how != "exited" or ended.exit_code != 0:
        said = said_ended(f"'{label(measure.command)}'", ended, bounds, errors.last_line() or out.last_line())
        raise NotMeasured(said, late=out_of_time(spec, ended) or ended.how == "stopped")
    value = last_number(out.tail())
    if value is None:
        raise NotMeasured(f"'{label(measure.command)}' printed no number")
    return value


def last_number(text: str) -> float | None:
    """The last number in the text, `1,234.5` and `1e-3` understood; digits inside of words do not count."""
    found = _NUMBER.findall(_THOUSANDS.sub("", text))
    value = float(found[-1]) if found else None
    return value if value is not None and math.isfinite(value) else None


# --- judging ---------------------------------------------------------------------------------------------------------------


def judged(measure: Measure, name: str, before: Sequence[float], after: Sequence[float], *, seed: int, interleaved: bool) -> Evidence:
    """The evidence for these values: ok when the whole interval lies on the better side of 1 and the target is reached."""
    detail: dict[str, Any] = {
        "unit": measure.unit,
        "better": measure.better,
        "target": measure.target,
        "interleaved": interleaved,
        "values_before": list(before),
        "values_after": list(after),
        "before": median(before),
        "after": median(after),
        "n": min(len(before), len(after)),
        "seed": seed,
    }
    if min(*before, *after) <= 0:
        return _without_ratio(measure, name, before, after, detail)
    ratio = ratio_of_medians(before, after, better=measure.better, paired=interleaved, seed=seed)
    if not all(math.isfinite(v) for v in (ratio.ratio, ratio.low, ratio.high)):
        return _without_ratio(measure, name, before, after, detail)
    ok = ratio.low > 1 and ratio.ratio >= measure.target
    return Evidence("measure", name, ok, said_ratio(measure, name, ratio, interleaved=interleaved), detail | asdict(ratio))


def _without_ratio(measure: Measure, name: str, before: Sequence[float], after: Sequence[float], detail: dict[str, Any]) -> Evidence:
    """Zero or less has no ratio: better only when every value after beats every value before, and no target asks for a ratio."""
    apart = max(after) < min(before) if measure.better == "lower" else min(after) > max(before)
    ok = apart and (not measure.target or (measure.better == "lower" and max(after) == 0))
    word = "better" if apart else "no better"
    said = f"{name} {word} (n={detail['n']}): {_said(detail['before'], measure.unit)} -> {_said(detail['after'], measure.unit)}"
    return Evidence("measure", name, ok, said, detail)


def said_ratio(measure: Measure, name: str, ratio: Ratio, *, interleaved: bool) -> str:
    """`queries 5.3x faster (4.9 to 5.6, n=7): 2.41 s -> 0.46 s`."""
    values = f"{_said(ratio.before, measure.unit)} -> {_said(ratio.after, measure.unit)}"
    runs = f"n={ratio.n}" + ("" if interleaved else ", not interleaved")
    if ratio.low <= 1 <= ratio.high:
        return f"{name}: no difference shown ({_times(ratio.low)} to {_times(ratio.high)}, {runs}): {values}"
    good = ratio.low > 1
    shown, low, high = (ratio.ratio, ratio.low, ratio.high) if good else (1 / ratio.ratio, 1 / ratio.high, 1 / ratio.low)
    short = f", short of the {measure.target:g}x that was asked for" if good and ratio.ratio < measure.target else ""
    return f"{name} {_times(shown)}x {_word(measure, good)} ({_times(low)} to {_times(high)}, {runs}){short}: {values}"


def _word(measure: Measure, good: bool) -> str:
    if measure.better == "higher":
        return "higher" if good else "lower"
    if measure.unit in ("s", "ms", "us", "µs", "min", "h"):
        return "faster" if good else "slower"
    return "lower" if good else "higher"


def _times(value: float) -> str:
    return f"{value:.2f}" if value < 1.5 else f"{value:.1f}" if value < 100 else f"{value:,.0f}"


def _said(value: float, unit: str) -> str:
    if unit == "s" and 0 < value < 0.1:
        value, unit = value * 1000, "ms"
    digits = f"{value:,.0f}" if abs(value) >= 1000 or value == int(value) else f"{value:.2f}" if 0.1 <= abs(value) < 10 else f"{value:.3g}"
    return f"{digits} {clean(unit)}".strip()
