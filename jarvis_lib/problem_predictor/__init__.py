"""What is wrong here, or will be soon, and can it be put right safely?

Promise: a scan is quick, opens nothing of Jarvis's own and writes a fact only when something changed. A fix is tried once a
session, checks itself, goes back at once when its check fails, and can be undone byte for byte. Nothing is deleted.
"""

from jarvis_lib.problem_predictor.fixing import fix_safe, undo_fix
from jarvis_lib.problem_predictor.looking import listed, metrics
from jarvis_lib.problem_predictor.rules import find, has_gone, is_news, standing
from jarvis_lib.problem_predictor.verbs import dismiss, scan

__all__ = ["dismiss", "find", "fix_safe", "has_gone", "is_news", "listed", "metrics", "scan", "standing", "undo_fix"]
