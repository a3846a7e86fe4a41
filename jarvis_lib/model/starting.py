"""What would a task start, if it may run? One line for the person who is asked: its recipe, and the commands of its checks and measures, which run too."""

from jarvis_lib.model.prose import clean, shorten
from jarvis_lib.model.task import Task

LONGEST = 160


def would_start(task: Task) -> str:
    """`It would start: command make docs; checks: test -s a.md`; nothing for a task that starts nothing."""
    lines = {"checks": [c.command for c in task.checks], "measures": [m.command for m in task.measures]}
    pieces = [task.recipe.said()] if task.recipe else []
    pieces += [f"{name}: {' and '.join(commands)}" for name, commands in lines.items() if commands]
    return f"It would start: {shorten(clean('; '.join(pieces)), LONGEST)}" if pieces else ""
