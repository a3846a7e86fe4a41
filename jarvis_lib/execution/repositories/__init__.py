"""Work on a person's git repository: in a private copy, brought back as a branch, taken over or undone by the person alone."""

from jarvis_lib.execution.repositories.bringing import Change, Result, added_ever, collect, content, diff_text, fresh, publish
from jarvis_lib.execution.repositories.copying import Copy, branch_name, identity, inside_commands, lacking, prepare
from jarvis_lib.execution.repositories.sweeping import archive, sweep
from jarvis_lib.execution.repositories.taking import Merged, merge, undo

__all__ = [
    "Change",
    "Copy",
    "Merged",
    "Result",
    "added_ever",
    "archive",
    "branch_name",
    "collect",
    "content",
    "diff_text",
    "fresh",
    "identity",
    "inside_commands",
    "lacking",
    "merge",
    "prepare",
    "publish",
    "sweep",
    "undo",
]
