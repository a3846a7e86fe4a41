"""What do the person's own gauges say? A command of `[problems.plugins]`, or a callable of the entry point group `jarvis.metrics`.

Each runs in a process of its own, all side by side, with one limit of time and one of output. What hangs, prints text, NaN or 10 MB is one
sentence. A callable takes nothing and returns a number.
"""

import math
import shlex
import sys
from collections.abc import Sequence
from datetime import datetime
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from jarvis_lib.execution.fixes.child import NEVER_STARTED, TOO_LONG, Answer, ask_all, python
from jarvis_lib.execution.fixes.watch import Reading
from jarvis_lib.execution.metrics.measured import measured, unmeasured
from jarvis_lib.model.prose import clean, seconds, shorten

GROUP = "jarvis.metrics"
_LONGEST = 200
"""A number has fewer characters than this."""


def readings(home: Path, wanted: dict[str, Any], now: datetime) -> list[Reading]:
    """One reading for each plug-in; the slowest says how long it takes, at most `[problems] plugin_seconds`."""
    commands = {name: shlex.split(argv) if isinstance(argv, str) else list(argv) for name, argv in sorted(wanted["plugins"].items())}
    installed = sorted({e.name for e in entry_points(group=GROUP)} - commands.keys())
    commands |= {name: python("jarvis_lib.execution.metrics.plugins:call", name) for name in installed}
    if not commands:
        return []
    limit_s = wanted["plugin_seconds"]
    answers = ask_all(list(commands.values()), cwd=home, limit_s=limit_s)
    return [_read(name, answer, limit_s, wanted) for name, answer in zip(commands, answers, strict=True)]


def _read(name: str, answer: Answer, limit_s: float, wanted: dict[str, Any]) -> Reading:
    subject = clean(name)[:80]
    if answer.code == TOO_LONG:
        return unmeasured("plugin", subject, f"it did not end within {seconds(limit_s)} and was ended")
    if answer.code == NEVER_STARTED or answer.code:
        return unmeasured("plugin", subject, f"it {answer.said}" if answer.code != NEVER_STARTED else answer.said)
    text = answer.text[: _LONGEST + 1].strip()
    if len(answer.text.strip()) > _LONGEST:
        return unmeasured("plugin", subject, f"it printed more than a number, beginning with {shorten(clean(text), 40)!r}")
    try:
        value = float(text)
    except ValueError:
        return unmeasured("plugin", subject, f"it printed {shorten(clean(text), 40)!r}, which is no number" if text else "it printed nothing")
    if not math.isfinite(value):
        return unmeasured("plugin", subject, f"it printed {clean(text)!r}, which is not a finite number")
    return measured(wanted, "plugin", subject, value)


def call(words: Sequence[str]) -> int:
    """In the plug-in's own process: call the entry point of this name and print its number."""
    for entry in entry_points(group=GROUP):
        if entry.name == words[0]:
            sys.stdout.write(repr(float(entry.load()())))
            return 0
    sys.stderr.write("there is no such entry point")
    return 1
