"""What is wrong here, or will be soon, and can it be put right safely?

Promise: a scan is quick, opens nothing of Jarvis's own and writes a fact only when something changed. A fix is tried once a
session, checks itself, goes back at once when its check fails, and can be undone byte for byte for a week. Nothing is deleted before. What is predicted is a
probability, written down before the fact and scored after it; where it is no better than the simplest baseline nothing is said.
A name is loaded when it is used.
"""

from typing import TYPE_CHECKING

from jarvis_lib.lazily import lazily

if TYPE_CHECKING:
    from jarvis_lib.problem_predictor.explaining import explain, scored, sparkline
    from jarvis_lib.problem_predictor.fixing import empty_trash, fix_one, fix_safe, recheck, undo_fix, would_fix
    from jarvis_lib.problem_predictor.looking import asked, asked_by, listed, listed_by, metrics, ranged, scores
    from jarvis_lib.problem_predictor.rules import find, has_gone, is_news, standing
    from jarvis_lib.problem_predictor.studying import study
    from jarvis_lib.problem_predictor.verbs import Look, dismiss, look, scan

_HOME = {
    ".explaining": ("explain", "scored", "sparkline"),
    ".fixing": ("empty_trash", "fix_one", "fix_safe", "recheck", "undo_fix", "would_fix"),
    ".looking": ("asked", "asked_by", "listed", "listed_by", "metrics", "ranged", "scores"),
    ".rules": ("find", "has_gone", "is_news", "standing"),
    ".studying": ("study",),
    ".verbs": ("Look", "dismiss", "look", "scan"),
}
__getattr__ = lazily(__name__, _HOME)

__all__ = [
    "Look", "asked", "asked_by", "dismiss", "empty_trash", "explain", "find", "fix_one", "fix_safe", "has_gone", "is_news", "listed", "listed_by", "look",
    "metrics", "ranged", "recheck", "scan", "scored", "scores", "sparkline", "standing", "study", "undo_fix", "would_fix",
]  # fmt: skip
