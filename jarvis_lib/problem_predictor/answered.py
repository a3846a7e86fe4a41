"""How are the problems said that a playbook answers: old caches, stale locks, repositories, services and failed attempts?"""

from jarvis_lib.execution.fixes.watch import Reading
from jarvis_lib.model.problem import Problem
from jarvis_lib.model.prose import clean
from jarvis_lib.problem_predictor.tiers import is_small

# kind of reading -> kind of problem, severity, what is said before the reading, what is suggested
KINDS = {
    "cache": ("old_cache", "low", "{name} holds what nobody needs", "move it to the dated trash"),
    "lock": ("stale_lock", "medium", "The lock {name} outlived its owner", "move it to the dated trash"),
    "repository": ("repository_garbage", "low", "{name} wants to be packed", "pack it and remove Jarvis's own leftovers"),
    "service": ("service_down", "high", "The service {name} does not answer", "restart it"),
    "attempt": ("failed_attempt", "medium", "Task {name} may succeed when it is tried again", "queue it again"),
}


def problem(r: Reading) -> Problem:
    """The problem that a reading over its limit is."""
    kind, severity, what, suggested = KINDS[r.kind]
    key = f"{kind}:{r.subject}"
    safe = is_small(kind, r.detail)
    return Problem(key, kind, r.subject, f"{what.format(name=clean(r.subject))}: {r.said}", r.detail, 1.0, severity, suggested, safe)
