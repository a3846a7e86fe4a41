"""What is wrong here, or will be soon, and can it be put right safely?

Promise: a scan is quick, opens nothing of Jarvis's own and writes a fact only when something changed. A fix is tried once a
session, checks itself, goes back at once when its check fails, and can be undone byte for byte. Nothing is deleted.
"""

from jarvis_lib.problem_predictor.fixing import empty_trash, fix_one, fix_safe, recheck, undo_fix, would_fix
from jarvis_lib.problem_predictor.looking import asked, listed, metrics
from jarvis_lib.problem_predictor.rules import find, has_gone, is_news, standing
from jarvis_lib.problem_predictor.verbs import dismiss, scan

__all__ = [
    "asked", "dismiss", "empty_trash", "find", "fix_one", "fix_safe", "has_gone", "is_news", "listed", "metrics", "recheck", "scan", "standing",
    "undo_fix", "would_fix",
]  # fmt: skip
