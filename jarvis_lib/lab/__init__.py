"""What may a notebook ask? `import jarvis_lib as jarvis`: frames of what stands in the store, charts, answers, and proposals.

Promise: a call opens the store for a moment and holds nothing afterwards, so an idle kernel stops no session. Frames are plain polars frames
with fixed columns; times carry the person's zone. A notebook proposes and never approves: what it adds waits for a word in the terminal.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    import polars as pl

    from jarvis_lib.lab.answers import Answer, Shown
    from jarvis_lib.lab.results import Result

__all__ = [
    *("add", "attempts", "charts", "decisions", "events", "inbox", "metrics", "next", "patterns", "plan", "predictions", "problems"),
    *("result", "sessions", "show", "sql", "tasks", "use", "why"),
]


def __getattr__(name: str) -> ModuleType:
    """`jarvis.charts`, which loads altair only when a chart is drawn."""
    if name != "charts":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return import_module("jarvis_lib.lab.charts")


def use(home: "Path | str" = "", *, snapshot: "Path | str" = "", as_of: str = "") -> "Answer":
    """From now on this kernel asks about the workspace `home` (empty: JARVIS_HOME or the nearest one), at `as_of` (ISO 8601; empty: now).

    With `snapshot` it reads that file (of `jarvis store backup`) and never the store.
    """
    from jarvis_lib.lab import desk

    return desk.use(home, snapshot=snapshot, as_of=as_of)


# --- frames --------------------------------------------------------------------------------------------------------------


def tasks(state: str = "", since: "str | datetime" = "") -> "pl.DataFrame":
    """One row for each task, oldest first; `hours` is the estimate. `state` is one word, or `open`; `since` counts from the last change."""
    from jarvis_lib.lab import frames

    return frames.tasks(state, since)


def attempts(since: "str | datetime" = "") -> "pl.DataFrame":
    """One row for each attempt, oldest first, with its outcome and verdict; `seconds` is the time in the recipe."""
    from jarvis_lib.lab import frames

    return frames.attempts(since)


def sessions(since: "str | datetime" = "") -> "pl.DataFrame":
    """One row for each session, oldest first, with its attempts and how many of them were verified."""
    from jarvis_lib.lab import frames

    return frames.sessions(since)


def decisions(since: "str | datetime" = "") -> "pl.DataFrame":
    """One row for each decision of the policy, oldest first, with its rule, risk and reasons."""
    from jarvis_lib.lab import frames

    return frames.decisions(since)


def plan() -> "pl.DataFrame":
    """One row for each slot of the newest plan, then one for each task that it left out (`start` is null), each with its sentence."""
    from jarvis_lib.lab import frames

    return frames.plan()


def events(since: "str | datetime" = "365d") -> "pl.DataFrame":
    """One row for each event that routines are learned from, oldest first: tasks added, what was logged or imported."""
    from jarvis_lib.lab import frames

    return frames.events(since)


def problems() -> "pl.DataFrame":
    """One row for each problem that was ever seen, the newest first."""
    from jarvis_lib.lab import frames

    return frames.problems()


def patterns() -> "pl.DataFrame":
    """One row for each pattern, routines first, with how often it held on later days and what guessing hits."""
    from jarvis_lib.lab import frames

    return frames.patterns()


def metrics(metric: str = "", since: "str | datetime" = "7d", *, by: str = "5m") -> "pl.DataFrame":
    """Numbers of this machine and of what is watched: one row for each metric and moment. `by` is 5m (medians) or 1h (means; back for years)."""
    from jarvis_lib.lab import frames

    return frames.metrics(metric, since, by=by)


def predictions(since: "str | datetime" = "") -> "pl.DataFrame":
    """One row for each prediction, oldest first: what was said before the fact, and what it scored when it resolved."""
    from jarvis_lib.lab import frames

    return frames.predictions(since)


def sql(question: str, parameters: Mapping[str, Any] | None = None) -> "pl.DataFrame":
    """The answer to SQL on a read-only copy of the store; `$name` stands for one of `parameters`. It can write nothing and read no other file.

    Times are UTC inside of the question and the person's zone in the answer.
    """
    from jarvis_lib.lab import frames

    return frames.sql(question, parameters)


# --- answers -------------------------------------------------------------------------------------------------------------


def next(count: int = 3) -> "Answer":
    """What comes next in the window that is on, or in the next one, and why."""
    from jarvis_lib.lab import answers

    return answers.next_tasks(count)


def why(task: str) -> "Answer":
    """Why a task is where it is: its decision, its place in the plan and its verdicts, in sentences. `task` is its id or the beginning of it."""
    from jarvis_lib.lab import answers

    return answers.why(task)


def inbox() -> "Answer":
    """What needs the person, with the commands to copy into a terminal."""
    from jarvis_lib.lab import answers

    return answers.inbox()


def add(
    title: str,
    description: str = "",
    hours: float | str = 1.0,
    category: str = "Research/analysis",
    priority: str = "MEDIUM",
    **more: Any,
) -> "Answer":
    """Propose a task; the policy decides about it, and it waits for your approval in a terminal. The answer has the command.

    `more` are the further words of `jarvis add`: notebook, parameters, command, checks, measures, changes, after, due, repo, agent, …
    """
    from jarvis_lib.lab import answers

    return answers.add(title, description, hours, category, priority, **more)


def show(frame: "pl.DataFrame", title: str = "", *, rows: int = 100) -> "Shown":
    """The frame as a table to read: whole sentences, local times, numbers aligned. Needs great-tables (extra `lab`)."""
    from jarvis_lib.lab import answers

    return answers.show(frame, title, rows=rows)


def result(summary: str, files: "Sequence[Path | str]" = (), metrics: Mapping[str, float] | None = None) -> "Result":
    """The last word of a recipe: one sentence, the files that it made and the numbers that it measured. Refuses a file that is not there.

    It is kept as evidence of the attempt; what proves it are the checks.
    """
    from jarvis_lib.lab import results

    return results.result(summary, files, metrics)
